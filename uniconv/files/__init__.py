"""Arrays in files: ``load`` and ``stream`` read them, ``save`` writes them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files import npz, safetensors, text
from uniconv.files.found import Found as Found

Arrays = Mapping[str, NDArray[Any]] | Iterable[tuple[str, NDArray[Any]]]

READERS: dict[str, Callable[[Path], Iterator[Found]]] = {
    ".npy": npz.read_npy,
    ".npz": npz.read_npz,
    ".safetensors": safetensors.read,
}
WRITERS: dict[str, Callable[[Path, Iterable[tuple[str, NDArray[Any]]]], None]] = {
    ".npy": npz.write_npy,
    ".npz": npz.write_npz,
    ".safetensors": safetensors.write,
}


def load(path: str | os.PathLike[str]) -> dict[str, Found]:
    """Every array of a file, by name, in the order of the file; all of it, or an error."""
    return {found.name: found for found in stream(path)}


def stream(path: str | os.PathLike[str]) -> Iterator[Found]:
    """The arrays of a file one at a time, so that memory holds about one; names are unique."""
    path = Path(path)
    reader = READERS.get(path.suffix.lower(), text.read)
    seen: set[str] = set()
    for found in reader(path):
        if found.name in seen:
            raise BadFile(f"{path} has two arrays named {found.name}")
        seen.add(found.name)
        yield found


def loads(printed: str) -> dict[str, Found]:
    """Every array printed in a text, as :func:`load` gives those of a text file."""
    return {found.name: found for found in text.read_text(printed, "text")}


def save(path: str | os.PathLike[str], arrays: Arrays) -> None:
    """Write arrays, one at a time, in the format of the path's ending.

    They are written to a file beside it, which then takes its place: when anything fails, also
    while ``arrays`` is read, what was there before is still there, untouched.
    """
    path = Path(path)
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise BadFile(f"{path}: known endings are {', '.join(WRITERS)}")
    pairs = arrays.items() if isinstance(arrays, Mapping) else arrays
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        part = Path(folder) / path.name
        writer(part, _checked(pairs))
        part.replace(path)


def _checked(pairs: Iterable[tuple[str, NDArray[Any]]]) -> Iterator[tuple[str, NDArray[Any]]]:
    seen: set[str] = set()
    for name, array in pairs:
        if name in seen:
            raise BadFile(f"two arrays are named {name}")
        seen.add(name)
        yield name, np.asarray(array)

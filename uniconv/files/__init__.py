"""Arrays in files: ``load`` and ``stream`` read them, ``save`` writes them."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files import checkpoint, hdf5, jld2, mat, npz, onnx, pt, safetensors, tables, text
from uniconv.files.checkpoint import is_checkpoint as is_checkpoint
from uniconv.files.found import Found as Found

Arrays = Mapping[str, NDArray[Any]] | Iterable[tuple[str, NDArray[Any]]]

READERS: dict[str, Callable[[Path], Iterator[Found]]] = {
    ".npy": npz.read_npy,
    ".npz": npz.read_npz,
    ".mat": mat.read,
    ".h5": hdf5.read,
    ".hdf5": hdf5.read,
    ".keras": hdf5.read_keras,
    ".safetensors": safetensors.read,
    ".pt": pt.read,
    ".pth": pt.read,
    ".bin": pt.read,
    ".json": tables.read_json,
    ".csv": tables.read_csv,
    ".jld2": jld2.read,
    ".onnx": onnx.read,
}
WRITERS: dict[str, Callable[[Path, Iterable[tuple[str, NDArray[Any]]]], None]] = {
    ".safetensors": safetensors.write,
    ".npz": npz.write_npz,
    ".npy": npz.write_npy,
    ".h5": hdf5.write,
    ".mat": mat.write,
    ".pt": pt.write,
}


def load(path: str | os.PathLike[str]) -> dict[str, Found]:
    """Every array of a file, by name, in the order of the file; all of it, or an error."""
    return {found.name: found for found in stream(path)}


def stream(path: str | os.PathLike[str]) -> Iterator[Found]:
    """The arrays of a file one at a time, so that memory holds about one; names are unique."""
    path = Path(path)
    reader = checkpoint.read if is_checkpoint(path) else _reader(path)
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


def _reader(path: Path) -> Callable[[Path], Iterator[Found]]:
    if path.suffix.lower() in READERS:
        return READERS[path.suffix.lower()]
    with path.open("rb") as file:
        pickled = re.match(rb"\x80[\2-\5]", file.read(2))
    if pickled or path.suffix.lower() in (".pkl", ".pickle"):
        raise BadFile(
            f"{path} is a pickle: reading it would run the file's code; save the arrays as .npz"
        )
    return text.read


def _checked(pairs: Iterable[tuple[str, NDArray[Any]]]) -> Iterator[tuple[str, NDArray[Any]]]:
    seen: set[str] = set()
    for name, array in pairs:
        if name in seen:
            raise BadFile(f"two arrays are named {name}")
        seen.add(name)
        array = np.asarray(array)
        native = array.dtype.isnative
        yield name, array if native else array.astype(array.dtype.newbyteorder("="))

"""Arrays in files: ``load``, ``stream`` and ``loads`` read them, ``save`` writes them.

A file's ending says what it is; what has no known ending is text with printed arrays in it: what
NumPy, PyTorch, TensorFlow, JAX, Julia, MATLAB and Octave show of an array, and nested lists. Every
array is indexed as what wrote it indexes it: a .jld2 as in Julia, a .mat as in MATLAB.
Code in a file is never run: pickles are refused.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile, from_one_frame
from uniconv.files import checkpoint, hdf5, jld2, mat, npz, onnx, pt, safetensors, tables, text
from uniconv.files.checkpoint import is_checkpoint as is_checkpoint
from uniconv.files.named_array import NamedArray as NamedArray

Arrays = Mapping[str, NDArray[Any]] | Iterable[tuple[str, NDArray[Any]]]

READERS: dict[str, Callable[[Path], Iterator[NamedArray]]] = {
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


@from_one_frame
def load(path: str | os.PathLike[str]) -> dict[str, NamedArray]:
    """Every array of a file, by name, in the order of the file; all of it, or an error.

    ``BadFile`` says what cannot be read, with the line where it is text, and which package is
    missing; a file that is not there is an ``OSError``.
    """
    return {found.name: found for found in stream(path)}


def stream(path: str | os.PathLike[str]) -> Iterator[NamedArray]:
    """The arrays of a file one at a time, so that memory holds about one.

    Names are unique. Errors are those of :func:`load`, raised when the iteration gets there.
    """
    path = Path(path)
    reader = checkpoint.read if is_checkpoint(path) else _reader(path)
    seen: set[str] = set()
    for found in reader(path):
        if found.name in seen:
            raise BadFile(f"{path} has two arrays named {found.name}")
        seen.add(found.name)
        yield found


@from_one_frame
def loads(printed: str) -> dict[str, NamedArray]:
    """Every array printed in a text, as :func:`load` gives those of a text file.

    >>> y = loads("julia> y\\n1×3 Matrix{Float32}:\\n 194.694  0.5  -4.38531")["y"]
    >>> y.array, y.digits, y.line
    (array([[194.694  ,   0.5    ,  -4.38531]], dtype=float32), 6, 2)
    >>> y.error.round(9)  # half a unit of the sixth digit
    array([[5.e-04, 5.e-07, 5.e-06]])
    """
    return {found.name: found for found in text.read_text(printed, "text")}


@from_one_frame
def save(path: str | os.PathLike[str], arrays: Arrays) -> None:
    """Write named arrays, one at a time, in the format of the path's ending.

    ``arrays`` is a mapping or pairs (name, array), also a generator's. They are written to a file
    beside it, which then takes its place: when anything fails, also while ``arrays`` is read, what
    was there before is still there, untouched. ``BadFile`` if the format has not the dtype or the
    name; numbers are never rounded. A .npy holds one array and no name; a .mat has no vectors:
    they become columns.
    """
    path = Path(path)
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise BadFile(f"{path}: known endings are {', '.join(WRITERS)}")
    pairs = arrays.items() if isinstance(arrays, Mapping) else arrays
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        part = Path(folder) / path.name
        writer(part, _checked(pairs, path.name))
        part.replace(path)


def _reader(path: Path) -> Callable[[Path], Iterator[NamedArray]]:
    if path.suffix.lower() in READERS:
        return READERS[path.suffix.lower()]
    with path.open("rb") as file:
        pickled = re.match(rb"\x80[\2-\5]", file.read(2))
    if pickled or path.suffix.lower() in (".pkl", ".pickle"):
        raise BadFile(
            f"{path} is a pickle: reading it would run the file's code; save the arrays as .npz"
        )
    return text.read


def _checked(
    pairs: Iterable[tuple[str, NDArray[Any]]], target: str
) -> Iterator[tuple[str, NDArray[Any]]]:
    """The pairs, their names unique, the numbers in the machine's own byte order."""
    seen: set[str] = set()
    for name, array in pairs:
        if not name:
            raise BadFile(f"{target}: an array has no name")
        if name in seen:
            raise BadFile(f"{target}: two arrays are named {name}")
        seen.add(name)
        array = np.asarray(array)
        native = array.dtype.isnative
        yield name, array if native else array.astype(array.dtype.newbyteorder("="))

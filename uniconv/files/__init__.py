"""Arrays in files: ``load``, ``stream`` and ``loads`` read them, ``save`` writes them.

A file's first bytes say what it is, its ending where they do not; what neither tells is text with
printed arrays in it: what NumPy, PyTorch, TensorFlow, JAX, Julia, MATLAB and Octave show of an
array, and nested lists. Every array is indexed as what wrote it indexes it: a .jld2 as in Julia, a
.mat as in MATLAB. Code in a file is never run: of pickles the arrays in
dictionaries and lists are read.

How a file becomes arrays::

    path -> kinds.reader_of -> reader(path, Limits) -> NamedArray, NamedArray, ...
                                      |
             bounded.Limits counts bytes, arrays and depth before anything is reserved

A reader is a generator, one module for each format, which yields what it finds in the file's order.
It may raise whatever its library raises: ``_stream`` makes ``BadFile`` of it. A writer is a
function of a path and pairs, which takes one pair after the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile, UniconvError, from_one_frame
from uniconv.files import hdf5, mat, npz, pt, safetensors, text
from uniconv.files.bounded import MAX_ARRAYS, MAX_DEPTH, Limits
from uniconv.files.checkpoint import is_checkpoint as is_checkpoint
from uniconv.files.kinds import reader_of
from uniconv.files.named_array import NamedArray as NamedArray
from uniconv.files.named_array import NamedArrays
from uniconv.files.replacing import replacement

__all__ = ["WRITERS", "Arrays", "NamedArray", "is_checkpoint", "load", "loads", "save", "stream"]

Arrays = Mapping[str, NDArray[Any]] | Iterable[tuple[str, NDArray[Any]]]

_LONGEST_NAME = 60_000  # bytes; a zip's directory has 65,535 for a name with its ending

WRITERS: dict[str, Callable[[Path, Iterable[tuple[str, NDArray[Any]]]], None]] = {
    ".safetensors": safetensors.write,
    ".npz": npz.write_npz,
    ".npy": npz.write_npy,
    ".h5": hdf5.write,
    ".mat": mat.write,
    ".pt": pt.write,
}


@from_one_frame
def load(
    path: str | os.PathLike[str],
    *,
    max_bytes: int | None = None,
    max_depth: int = MAX_DEPTH,
    max_arrays: int = MAX_ARRAYS,
) -> dict[str, NamedArray]:
    """Every array of a file, by name, in the order of the file; all of it, or an error.

    ``path`` is a file, a folder (a SavedModel, a .mlpackage, TensorFlow's checkpoints) or what a
    checkpoint's files begin with. What a file declares is not believed: its arrays together may
    have ``max_bytes`` (16 times the file, at least 16 MiB), ``max_arrays`` of them, in groups
    ``max_depth`` deep.

    ``BadFile`` says what cannot be read, with the line where it is text, which package is missing,
    and which limit is too low; it is raised too where there are no arrays. A file that is not there
    is an ``OSError``.
    """
    limits = (max_bytes, max_depth, max_arrays)
    return NamedArrays((array.name, array) for array in _stream(Path(path), *limits))


def stream(
    path: str | os.PathLike[str],
    *,
    max_bytes: int | None = None,
    max_depth: int = MAX_DEPTH,
    max_arrays: int = MAX_ARRAYS,
) -> Iterator[NamedArray]:
    """The arrays of a file one at a time, so that memory holds about one.

    Names are unique. Errors are those of :func:`load`, raised when the iteration gets there.
    """
    return _stream(Path(path), max_bytes, max_depth, max_arrays)


def _stream(
    path: Path, max_bytes: int | None, max_depth: int, max_arrays: int
) -> Iterator[NamedArray]:
    """The arrays of a file, each counted and its name compared with those before it."""
    limits = Limits(path, max_bytes, max_depth, max_arrays)
    kind, reader = reader_of(path)
    names: set[str] = set()
    with _as_bad_file(str(path), kind):
        for array in reader(path, limits):
            if array.name in names:
                raise BadFile(f"{path} has two arrays named {array.name}")
            limits.array()
            names.add(array.name)
            yield array
    if not names:
        raise BadFile(f"{path}, read as {kind}, has no arrays of numbers")


@contextmanager
def _as_bad_file(source: str, kind: str) -> Iterator[None]:
    """Make ``BadFile`` of whatever a reader or its library raises, here and nowhere else.

    The message has the source, what it was taken for, and the reader's own words.
    """
    try:
        yield
    except (UniconvError, FileNotFoundError):
        raise
    except Exception as error:  # of whichever library reads it
        reason = str(error).partition("\n")[0]
        what = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
        raise BadFile(f"{source} is no {kind} that can be read: {what}") from None


@from_one_frame
def loads(printed: str, *, max_arrays: int = text.MAX_ARRAYS) -> dict[str, NamedArray]:
    """Every array printed in a text, as :func:`load` gives those of a text file.

    ``BadFile`` where it has more than ``max_arrays``.

    >>> y = loads("julia> y\\n1×3 Matrix{Float32}:\\n 194.694  0.5  -4.38531")["y"]
    >>> y.array, y.digits, y.line
    (array([[194.694  ,   0.5    ,  -4.38531]], dtype=float32), 6, 2)
    >>> y.error.round(9)  # half a unit of the sixth digit
    array([[5.e-04, 5.e-07, 5.e-06]])
    """
    with _as_bad_file("the text", "text"):
        read = text.read_text(printed, "text", max_arrays)
        return NamedArrays((array.name, array) for array in read)


@from_one_frame
def save(path: str | os.PathLike[str], arrays: Arrays) -> None:
    """Write named arrays, one at a time, in the format of the path's ending.

    ``arrays`` is a mapping or pairs (name, array), also a generator's. They are written to a file
    beside it, which then takes its place: when anything fails, also while ``arrays`` is read, what
    was there before is still there, untouched. A file's mode, its owner where that is allowed and a
    link to it stay. ``BadFile`` if the format cannot hold the dtype or the name as they are, or the
    file is only to be read; numbers are never rounded. A .npy holds one array and no name; a .mat
    has no vectors: they become columns.
    """
    path = Path(path)
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise BadFile(f"{path}: known endings are {', '.join(WRITERS)}")
    pairs = arrays.items() if isinstance(arrays, Mapping) else arrays
    with replacement(path) as part:
        writer(part, _checked(pairs, path.name))


def _checked(
    pairs: Iterable[tuple[str, NDArray[Any]]], target: str
) -> Iterator[tuple[str, NDArray[Any]]]:
    """The pairs, their names unique, the numbers in the machine's own byte order."""
    names: set[str] = set()
    for pair in pairs:
        try:
            name, array = pair
        except (TypeError, ValueError):
            raise BadFile(
                f"{target}: arrays are given by name, as {{'w': array}} or as pairs (name, array)"
            ) from None
        _check_name(name, target)
        if name in names:
            raise BadFile(f"{target}: two arrays are named {name}")
        names.add(name)
        if isinstance(array, np.ma.MaskedArray):
            raise BadFile(f"{target}, {name}: a mask is not written: give array.filled(0)")
        array = np.asarray(array)
        if array.dtype.kind in "USOMm":
            raise BadFile(f"{target}, {name}: {array.dtype} is no dtype of numbers")
        native = array.dtype.isnative
        yield name, array if native else array.astype(array.dtype.newbyteorder("="))


def _check_name(name: Any, target: str) -> None:
    """An error for a name that no format could give back; each writer refuses more."""
    if not isinstance(name, str):
        raise BadFile(f"{target}: {name!r} is no name of an array: it must be a text")
    if not name:
        raise BadFile(f"{target}: an array has no name")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise BadFile(f"{target}: the name {name!r} is no text that UTF-8 can write") from None
    if size > _LONGEST_NAME:
        raise BadFile(
            f"{target}: the name {name[:40]}... has {size:,} bytes, more than {_LONGEST_NAME:,}"
        )

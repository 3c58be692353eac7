"""NumPy's own files: .npy holds one array, .npz is a zip of those.

A .npy::

    "\\x93NUMPY" | byte major, minor | uint16 length (uint32 from 2.0 on) | header | numbers
    header: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)} as Python text

The numbers follow without a gap, so that a shape that needs more of them than the file has is told
before any room is made. ``descr`` "O" stands for pickled objects, which are never read. In a .npz
each array is an entry of the zip, its name with ``.npy`` behind it; ``numpy.load`` takes that away.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Limits
from uniconv.files.dtypes import dtype_of
from uniconv.files.named_array import NamedArray
from uniconv.files.pickles import nested_arrays

__all__ = ["read_npy", "read_npz", "write_npy", "write_npz"]


def read_npy(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The array, under the file's name without ``.npy``."""
    with path.open("rb") as file:
        limits.file_bytes += path.stat().st_size
        for name, array in _arrays(file, str(path), path.stem, path.stat().st_size, limits):
            yield NamedArray(name or path.stem, array)


def read_npz(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The arrays, in the order of the zip."""
    try:
        archive = limits.zip(path)
    except zipfile.BadZipFile:
        raise BadFile(f"{path} is no .npz file: it is no zip archive") from None
    with archive:
        for entry in archive.namelist():
            if not entry.endswith(".npy"):
                raise BadFile(f"{path} is no .npz file of arrays: it has {entry}")
            with archive.open(entry) as file:
                size = archive.getinfo(entry).file_size
                stem = entry.removesuffix(".npy")
                for name, array in _arrays(file, f"{path}, {entry}", entry, size, limits):
                    yield NamedArray(f"{stem}.{name}" if name else stem, array)


def _arrays(
    file: IO[bytes], where: str, name: str, size: int, limits: Limits
) -> Iterator[tuple[str, NDArray[Any]]]:
    """The array of a .npy of so many bytes, without a name; or those of its objects, with names."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of NumPy, for a header that is only read here
            shape, _, dtype = _header(file, size)
        if dtype.hasobject:
            limits.hold(size - file.tell(), name)
            yield from nested_arrays(file.read(), where, limits)
            return
        # Before anything is reserved: the shape may be of any size, whatever follows it.
        limits.fits(shape, dtype, name)
        if math.prod(shape) * dtype.itemsize > size - file.tell():
            raise ValueError(
                f"{shape} {dtype} is more than the file has: it was cut off, get it again"
            )
        file.seek(0)
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except BadFile:
        raise
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BadFile(f"{where} is no .npy file: {error}") from None
    if array.dtype == "V2":  # how MLX and ml_dtypes write it: mlx v0.22.0, mlx/io/load.cpp
        array = array.view(dtype_of("bfloat16", where))
    yield "", array


def _header(file: IO[bytes], size: int) -> Any:
    """Shape, order and dtype from the header of a .npy of so many bytes."""
    lib = np.lib.format
    # Version 3.0 differs from 2.0 in the encoding of names of fields only, which no array of
    # numbers has.
    version = lib.read_magic(file)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError(f"there is no version {version[0]}.{version[1]} of this format")
    # NumPy makes room for as long a header as the file claims to have.
    start = file.tell()
    length = int.from_bytes(file.read(2 if version == (1, 0) else 4), "little")
    if length > size - file.tell():
        raise ValueError(f"its header has {length:,} bytes, which are more than the file has")
    file.seek(start)
    return (lib.read_array_header_1_0 if version == (1, 0) else lib.read_array_header_2_0)(file)


def write_npy(path: Path, arrays: Iterable[tuple[str, NDArray[Any]]]) -> None:
    """The only array; its name is not kept."""
    pairs = iter(arrays)
    first, second = next(pairs, None), next(pairs, None)
    if first is None or second is not None:
        raise BadFile(f"{path.name} holds one array: write .npz or .safetensors")
    with path.open("wb") as file:
        _write(file, first[1], path.name)


def write_npz(path: Path, arrays: Iterable[tuple[str, NDArray[Any]]]) -> None:
    """Uncompressed, as ``numpy.savez`` does."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays:
            if "\0" in name:
                raise BadFile(f"{path.name}: {name!r} is no name in a zip, where a zero ends it")
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                _write(file, array, f"{path.name}, {name}")


def _write(file: IO[bytes], array: NDArray[Any], where: str) -> None:
    """One array as a .npy; an error for what would not come back as it is."""
    if array.dtype.hasobject or array.dtype.kind == "V":  # bfloat16 would become void bytes
        raise BadFile(
            f"{where}: NumPy's files have no {array.dtype}: convert it (bfloat16 is exact in "
            "float32) or write .safetensors"
        )
    np.lib.format.write_array(file, array, allow_pickle=False)

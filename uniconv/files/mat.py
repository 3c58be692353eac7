"""MATLAB's .mat: version 5 by SciPy, version 7.3 by h5py; indexed as in MATLAB."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files import hdf5
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The arrays; those in structs and cells under their paths, ``net.layers{2}.weights{1}``."""
    with path.open("rb") as file:
        start = file.read(520)
    if start[:6] == b"MATLAB" and start[512:516] == b"\x89HDF":
        with hdf5.opened(path, limits) as file:
            for name in hdf5.children(file):
                if not name.startswith("#"):
                    item = hdf5.member(file, name, limits)
                    yield from _hdf5(item, name, limits, 0)
        return
    io = _scipy(path)
    try:
        names = [name for name, _, _ in io.whosmat(path)]
        for name in names:
            yield from _values(_variable(io, path, name), name)
    except (ValueError, TypeError, NotImplementedError, io.matlab.MatReadError) as error:
        raise BadFile(f"{path} is no .mat file: {error}") from None


def write(path: Path, arrays: Iterable[tuple[str, NDArray[Any]]]) -> None:
    """Version 5, which has no arrays of fewer than two axes: vectors become columns."""
    io = _scipy(path)
    io.savemat(path, _Lazy(path, arrays), oned_as="column", appendmat=False)


class _Lazy(dict[str, Any]):
    """What savemat takes for a dictionary, of which it reads one item at a time."""

    def __init__(self, path: Path, arrays: Iterable[tuple[str, NDArray[Any]]]) -> None:
        super().__init__()
        self.path, self.arrays = path, arrays

    def items(self) -> Any:
        for name, array in self.arrays:
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name):
                raise BadFile(
                    f"{self.path.name}: {name} is no name in MATLAB: letters, digits and _, "
                    "a letter first, at most 63"
                )
            if array.dtype.kind not in "biufc" or array.dtype == np.float16:
                raise BadFile(f"{self.path.name}, {name}: .mat has no dtype {array.dtype}")
            yield name, array


def _scipy(path: Path) -> Any:
    try:
        import scipy.io
    except ImportError:
        raise BadFile(f'{path.name}: .mat needs pip install "uniconv-torch[files]"') from None
    return scipy.io


def _variable(io: Any, path: Path, name: str) -> Any:
    """In MATLAB's dtype, also where the file holds whole numbers in fewer bytes.

    SciPy would drop imaginary parts: https://github.com/scipy/scipy/issues/17641
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        try:
            return io.loadmat(path, variable_names=[name], mat_dtype=True)[name]
        except np.exceptions.ComplexWarning:
            return io.loadmat(path, variable_names=[name])[name]


def _values(value: Any, name: str) -> Iterator[NamedArray]:
    """What SciPy made of a variable."""
    if hasattr(value, "toarray"):
        value = value.toarray()
    if value.dtype.names:  # a struct, or an array of structs
        for index in np.ndindex(value.shape):
            where = name if value.size == 1 else f"{name}{_brackets(index, value.shape, '()')}"
            for field in value.dtype.names:
                yield from _values(value[index][field], f"{where}.{field}")
    elif value.dtype == object:  # a cell
        for index in np.ndindex(value.shape):
            yield from _values(value[index], f"{name}{_brackets(index, value.shape, '{}')}")
    elif value.dtype.kind in "biufc":
        yield NamedArray(name, value)


def _hdf5(item: Any, name: str, limits: Limits, depth: int) -> Iterator[NamedArray]:
    """A variable of version 7.3: its axes are stored in reverse."""
    limits.step(depth)
    kind = item.attrs.get("MATLAB_class", b"struct").decode()
    if hasattr(item, "keys"):
        if "MATLAB_sparse" in item.attrs:
            yield NamedArray(name, _sparse(item, name, limits))
            return
        for key in hdf5.children(item):
            inner = hdf5.member(item, key, limits, depth)
            yield from _hdf5(inner, f"{name}.{key}", limits, depth + 1)
        return
    array = hdf5.array_of(item, name, limits)
    if item.attrs.get("MATLAB_empty"):
        if kind not in ("char", "cell", "struct"):
            shape = tuple(int(n) for n in array)
            limits.fits(shape, _dtype(kind), name)
            yield NamedArray(name, np.zeros(shape, _dtype(kind)))
    elif kind == "cell" or item.dtype == object:
        cells = array.T
        opening = "{}" if kind == "cell" else "()"
        for index in np.ndindex(cells.shape):
            inner = item.file[cells[index]]
            label = name + _brackets(index, cells.shape, opening)
            yield from _hdf5(inner, label, limits, depth + 1)
    elif kind not in ("char", "string"):
        if array.dtype.names == ("real", "imag"):
            array = array["real"] + 1j * array["imag"]
        yield NamedArray(name, array.T.astype(bool) if kind == "logical" else array.T)


def _sparse(item: Any, name: str, limits: Limits) -> NDArray[Any]:
    """Columns of a compressed sparse matrix."""
    parts = {
        key: hdf5.array_of(hdf5.member(item, key, limits), f"{name}.{key}", limits)
        for key in ("jc", "ir", "data")
        if key in item
    }
    columns, height = parts["jc"].astype(int), int(item.attrs["MATLAB_sparse"])
    limits.fits((height, len(columns) - 1), "f8", name)
    array = np.zeros((height, len(columns) - 1))
    if "ir" in parts:
        rows = parts["ir"].astype(int)
        array[rows, np.repeat(np.arange(len(columns) - 1), np.diff(columns))] = parts["data"]
    return array


def _dtype(kind: str) -> str:
    return {"double": "float64", "single": "float32", "logical": "bool"}.get(kind, kind)


def _brackets(index: tuple[int, ...], shape: tuple[int, ...], signs: str) -> str:
    """MATLAB's index, from 1; of a row or a column only the place in it."""
    numbers = [i + 1 for i, n in zip(index, shape) if n > 1] or [1]
    if len(shape) != 2 or 1 not in shape:
        numbers = [i + 1 for i in index]
    return f"{signs[0]}{','.join(map(str, numbers))}{signs[1]}"

"""MATLAB's .mat, of any version; indexed as in MATLAB.

A network in MATLAB is a struct of cells of structs. MatConvNet's ``net.layers{k}`` has ``type``,
``name`` and ``weights``, a cell of kernel (rows, columns, in, out) and bias; its ``filters`` and
``biases`` are called so here, under the layer's name, and those of ``bnorm`` multipliers, biases
and moments (mean and standard deviation). DeepLearnToolbox's ``cnn.layers{k}.k{i}{j}`` is a matrix
for each pair of channels: together they are one array, since a network's kernel is one.

Version 7.3 is HDF5: axes reversed, classes in attributes, cells as datasets of references into
``#refs#``; versions 4 and 5 are read by :mod:`uniconv.files.mat5`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files import hdf5, mat5
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray

__all__ = ["read", "write"]


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The arrays; those in structs and cells under their paths, ``net.layers{2}.weights{1}``."""
    with path.open("rb") as file:
        start = file.read(520)
    if start[:6] == b"MATLAB" and start[512:516] == b"\x89HDF":
        with hdf5.opened(path, limits) as file:
            places = hdf5.Places(limits)
            for name in hdf5.children(file):
                if not name.startswith("#"):
                    item = hdf5.member(file, name, limits)
                    yield from _hdf5(item, name, places, 0)
        return
    for name, value in mat5.variables(path, limits):
        yield from _values(value, name)


def write(path: Path, arrays: Iterable[tuple[str, NDArray[Any]]]) -> None:
    """Version 5, which has no arrays of fewer than two axes: vectors become columns."""
    io = _scipy(path)
    io.savemat(path, _Lazy(path, arrays), oned_as="column", appendmat=False)


# The dtypes of MATLAB's classes; a complex number is two of them.
_CLASSES = {
    *("bool", "float32", "float64", "complex64", "complex128"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}


class _Lazy(dict[str, Any]):
    """What savemat takes for a dictionary, of which it reads one item at a time."""

    def __init__(self, path: Path, arrays: Iterable[tuple[str, NDArray[Any]]]) -> None:
        super().__init__()
        self.path, self.arrays = path, arrays

    def items(self) -> Any:
        """Each array, if MATLAB can hold it under its name."""
        for name, array in self.arrays:
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name):
                raise BadFile(
                    f"{self.path.name}: {name} is no name in MATLAB: letters, digits and _, "
                    "a letter first, at most 63"
                )
            if array.dtype.kind not in "biufc" or array.dtype.name not in _CLASSES:
                raise BadFile(f"{self.path.name}, {name}: .mat has no dtype {array.dtype}")
            yield name, array


def _scipy(path: Path) -> Any:
    """scipy.io, or the way to get it."""
    try:
        import scipy.io
    except ImportError:
        raise BadFile(f'{path.name}: .mat needs pip install "uniconv-torch[files]"') from None
    return scipy.io


def _values(value: Any, name: str) -> Iterator[NamedArray]:
    """The arrays in a variable; those of known networks by the names of their layers."""
    if isinstance(value, np.ndarray):
        yield NamedArray(name, value)
    elif isinstance(value, mat5.Cell):
        for index, part in _indexed(value):
            yield from _values(part, f"{name}{_brackets(index, value.shape, '{}')}")
    elif isinstance(value, mat5.Struct):
        for index, record in _indexed(value):
            where = f"{name}{_brackets(index, value.shape, '()')}"
            where = name if len(value.values) == 1 else where
            yield from _record(record, where)


def _indexed(value: mat5.Cell | mat5.Struct) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Every value with its index, the first index fastest."""
    for k, part in enumerate(value.values):
        yield tuple(int(i) for i in np.unravel_index(k, value.shape, order="F")), part


def _record(record: dict[str, Any], name: str) -> Iterator[NamedArray]:
    """The fields of a struct.

    A layer of MatConvNet that has a name is called by it, and its weights for what its type has
    (https://github.com/vlfeat/matconvnet/blob/v1.0-beta25/matlab/simplenn/vl_simplenn.m); the
    kernels of DeepLearnToolbox, one for each pair of channels, are one array of rows, columns, in
    and out (https://github.com/rasmusbergpalm/DeepLearnToolbox/blob/5df2801f/CNN/cnnff.m).
    """
    kind, own = record.get("type"), record.get("name")
    # A layer without a name keeps its place, net.layers{3}: two layers may have no name.
    words = _MATCONVNET.get(kind, ()) if isinstance(kind, str) else ()
    eps = {"moments": _epsilon(record)}
    if words and isinstance(own, str) and own:
        outer, _, _ = name.rpartition(".layers")
        name = f"{outer}.{own}" if outer else own
        name += ".conv_transpose" if kind == "convt" else ""
    for field, part in record.items():
        full = f"{name}.{field}"
        if kind == "c" and isinstance(part, mat5.Cell) and (whole := _together(part)) is not None:
            yield NamedArray(full, whole)
        elif words and own and field == "weights" and isinstance(part, mat5.Cell):
            for k, weight in enumerate(part.values):
                word = words[k] if k < len(words) else f"weights{{{k + 1}}}"
                for array in _values(weight, f"{name}.{word}"):
                    yield replace(array, eps=eps.get(word))
        else:
            yield from _values(part, full)


def _epsilon(record: dict[str, Any]) -> float | None:
    """What a layer of MatConvNet adds to its variance, where the file says it."""
    # Where it does not, nothing does: the constant was another in other versions.
    eps = record.get("epsilon")
    if isinstance(eps, np.ndarray) and eps.size == 1 and eps.dtype.kind in "fiu":
        return float(eps.item())
    return None


# The words for the arrays in ``weights``, by a layer's type.
_MATCONVNET = {
    "conv": ("filters", "biases"),
    "convt": ("filters", "biases"),
    "bnorm": ("multipliers", "biases", "moments"),
}


def _together(cell: mat5.Cell) -> NDArray[Any] | None:
    """Kernels ``k{in}{out}`` as one array, numbers ``b{out}`` as a vector; None for others."""
    # The outer cell counts inputs, the inner ones outputs, as cnnff.m indexes k{i}{j}; a cell of
    # single numbers is a bias for each output.
    inner = cell.values
    if inner and all(isinstance(row, mat5.Cell) for row in inner):
        kernels = [kernel for row in inner for kernel in row.values]
        sizes = {getattr(kernel, "shape", None) for kernel in kernels}
        equal = len({len(row.values) for row in inner}) == 1 and len(sizes) == 1
        if equal and kernels and None not in sizes and kernels[0].ndim == 2:
            rows = [np.stack(row.values, -1) for row in inner]
            return np.stack(rows, -2)
        return None
    if inner and all(isinstance(b, np.ndarray) and b.size == 1 for b in inner):
        return np.array([b.item() for b in inner])
    return None


def _hdf5(item: Any, name: str, places: hdf5.Places, depth: int) -> Iterator[NamedArray]:
    """A variable of version 7.3: its axes are stored in reverse."""
    limits = places.limits
    limits.step(depth)
    # What MATLAB would show is told by attributes: the class, whether the array is empty (then the
    # dataset holds its sizes), and whether it is sparse. Texts and functions hold no numbers.
    kind = hdf5.attribute(item, "MATLAB_class", limits, b"struct").decode()
    if hasattr(item, "keys"):
        if "MATLAB_sparse" in item.attrs:
            yield NamedArray(name, _sparse(item, name, limits))
            return
        places.enter(item, name)
        for key in hdf5.children(item):
            inner = hdf5.member(item, key, limits, depth)
            yield from _hdf5(inner, f"{name}.{key}", places, depth + 1)
        return
    array = hdf5.array_of(item, name, limits)
    if hdf5.attribute(item, "MATLAB_empty", limits):
        if kind not in ("char", "cell", "struct"):
            shape = tuple(int(n) for n in array)
            limits.fits(shape, _dtype(kind), name)
            yield NamedArray(name, np.zeros(shape, _dtype(kind)))
    elif kind == "cell" or item.dtype == object:
        places.enter(item, name)
        cells = array.T
        # Each entry is a reference into #refs#, in which nothing else is looked for.
        opening = "{}" if kind == "cell" else "()"
        for index in np.ndindex(cells.shape):
            inner = item.file[cells[index]]
            label = name + _brackets(index, cells.shape, opening)
            yield from _hdf5(inner, label, places, depth + 1)
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
    # Compressed by columns: jc says where each column begins among the rows ir and the numbers
    # data.
    columns, height = parts["jc"].astype(int), int(hdf5.attribute(item, "MATLAB_sparse", limits))
    limits.fits((height, len(columns) - 1), "f8", name)
    array = np.zeros((height, len(columns) - 1))
    if "ir" in parts:
        rows = parts["ir"].astype(int)
        array[rows, np.repeat(np.arange(len(columns) - 1), np.diff(columns))] = parts["data"]
    return array


def _dtype(kind: str) -> str:
    """NumPy's dtype of a class of MATLAB's."""
    return {"double": "float64", "single": "float32", "logical": "bool"}.get(kind, kind)


def _brackets(index: tuple[int, ...], shape: tuple[int, ...], signs: str) -> str:
    """MATLAB's index, from 1; of a row or a column only the place in it."""
    numbers = [i + 1 for i, n in zip(index, shape) if n > 1] or [1]
    if len(shape) != 2 or 1 not in shape:
        numbers = [i + 1 for i in index]
    return f"{signs[0]}{','.join(map(str, numbers))}{signs[1]}"

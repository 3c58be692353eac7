"""MATLAB's .mat, of any version; indexed as in MATLAB.

A network in MATLAB is a struct of cells of structs. MatConvNet's ``net.layers{k}`` has ``type``,
``name`` and ``weights``, a cell of kernel (rows, columns, in, out) and bias; its ``filters`` and
``biases`` are called so here, under the layer's name, and those of ``bnorm`` multipliers, biases
and moments (mean and standard deviation). DeepLearnToolbox's ``cnn.layers{k}.k{i}{j}`` is a matrix
for each pair of channels: together they are one array, since a network's kernel is one.

Versions 4 and 5 are read by :mod:`uniconv.files.mat5`, version 7.3 by :mod:`uniconv.files.mat73`.
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
from uniconv.files import mat5, mat73
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray

__all__ = ["read", "write"]


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The arrays; those in structs and cells under their paths, ``net.layers{2}.weights{1}``."""
    with path.open("rb") as file:
        start = file.read(520)
    is_hdf5 = start[:6] == b"MATLAB" and start[512:516] == b"\x89HDF"
    for name, value in (mat73 if is_hdf5 else mat5).variables(path, limits):
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


def _brackets(index: tuple[int, ...], shape: tuple[int, ...], signs: str) -> str:
    """MATLAB's index, from 1; of a row or a column only the place in it."""
    numbers = [i + 1 for i, n in zip(index, shape) if n > 1] or [1]
    if len(shape) != 2 or 1 not in shape:
        numbers = [i + 1 for i in index]
    return f"{signs[0]}{','.join(map(str, numbers))}{signs[1]}"

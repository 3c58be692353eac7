"""MATLAB's .mat of version 7.3, which is HDF5: axes in reverse, what a thing is in attributes.

``MATLAB_class`` is the class of a dataset, and ``MATLAB_empty`` says that it holds the sizes of an
array without numbers. A struct is a group of its fields. A cell is a dataset of references into
``#refs#``; so is each field of an array of structs, but without a class. A sparse matrix is a group
that has the number of its rows as an attribute. What comes of them is what
:mod:`uniconv.files.mat5` makes of older versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.files import hdf5
from uniconv.files.bounded import Limits
from uniconv.files.mat5 import Cell, Struct, Value

__all__ = ["variables"]


def variables(path: Path, limits: Limits) -> Iterator[tuple[str, Value]]:
    """The variables, one after the other."""
    with hdf5.opened(path, limits) as file:
        places = hdf5.Places(limits)
        for name in hdf5.children(file):
            if not name.startswith("#"):  # what MATLAB keeps for itself, the cells among it
                yield name, _value(hdf5.member(file, name, limits), name, places, 0)


def _value(item: Any, name: str, places: hdf5.Places, depth: int) -> Value:
    """What a dataset or group is in MATLAB; None for what has no numbers."""
    limits = places.limits
    limits.step(depth)
    kind = hdf5.attribute(item, "MATLAB_class", limits, b"struct").decode()
    if hasattr(item, "keys"):
        if "MATLAB_sparse" in item.attrs:
            return _sparse(item, name, limits)
        places.enter(item, name)
        members = [(key, hdf5.member(item, key, limits, depth)) for key in hdf5.children(item)]
        fields = {key: _value(inner, f"{name}.{key}", places, depth + 1) for key, inner in members}
        return _struct(fields)
    array = hdf5.array_of(item, name, limits)
    if kind in ("char", "string", "function_handle"):
        return _text(item, array, limits) if kind == "char" else None
    if hdf5.attribute(item, "MATLAB_empty", limits):
        shape = tuple(int(n) for n in array)
        if kind in ("cell", "struct"):
            return None
        limits.fits(shape, _dtype(kind), name)
        return np.zeros(shape, _dtype(kind))
    if kind == "cell" or item.dtype == object:
        places.enter(item, name)
        # The last index of the file is MATLAB's first: in a row, its first index runs fastest.
        entries = [
            _value(item.file[reference], f"{name}{{{k + 1}}}", places, depth + 1)
            for k, reference in enumerate(array.reshape(-1))
        ]
        return (Cell if kind == "cell" else _Column)(array.shape[::-1], entries)
    if array.dtype.names == ("real", "imag"):
        array = array["real"] + 1j * array["imag"]
    return array.T.astype(bool) if kind == "logical" else array.T


class _Column(Cell):
    """One field of an array of structs: its value in each of them."""


def _struct(fields: dict[str, Value]) -> Struct:
    """A struct, or an array of them where each field has the values of all."""
    columns = [value for value in fields.values() if isinstance(value, _Column)]
    if len(columns) < len(fields) or len({column.shape for column in columns}) != 1:
        return Struct((1, 1), [fields])
    rows = zip(*(column.values for column in columns))
    return Struct(columns[0].shape, [dict(zip(fields, row)) for row in rows])


def _text(item: Any, array: NDArray[Any], limits: Limits) -> str:
    """Letters, which are stored as numbers."""
    if hdf5.attribute(item, "MATLAB_empty", limits) or array.dtype.kind not in "iu":
        return ""
    return "".join(chr(n) for n in array.reshape(-1).tolist() if 0 <= n < 0x110000)


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

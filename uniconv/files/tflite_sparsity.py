"""Where the numbers of a sparse tensor of TensorFlow Lite belong.

SparsityParameters of the schema describe a tree: a level for each axis of the tensor, and one more
for each axis that is cut into blocks. A node of a dense level has a child for every index; a sparse
one (CSR) lists them: ``indices[segments[n] : segments[n + 1]]`` are those of node n. The numbers
that are stored are the leaves, from left to right; what has no leaf is 0.

    traversal_order  which axis each level is; rank + k is the inside of the k-th block
    block_map        which axis the k-th block cuts, ascending

How the interpreter reads them: https://github.com/tensorflow/tensorflow/blob/v2.16.1/tensorflow/
lite/kernels/internal/utils/sparsity_format_converter.cc
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Limits
from uniconv.files.flatbuffer import Table

__all__ = ["leaves"]

_VECTORS = {1: "i4", 2: "u2", 3: "u1"}  # the union SparseIndexVector


def leaves(sparsity: Table, shape: tuple[int, ...], name: str, limits: Limits) -> NDArray[Any]:
    """The place of each stored number in the flat dense tensor."""
    where = f"{limits.path}, {name}"
    order = sparsity.numbers(0, "i4").tolist()
    levels = list(sparsity.tables(2))
    axes = _axes(order, sparsity.numbers(1, "i4").tolist(), levels, shape, where)
    dtype = np.min_scalar_type(math.prod(shape))
    places = np.zeros(1, dtype)
    for level, axis in zip(levels, order):
        size, stride = axes[axis]
        if level.number(0, "b") == 0:
            if level.number(1, "i") != size:
                raise BadFile(f"{where}: a dense level of {level.number(1, 'i')} is {size} long")
            limits.check(2 * dtype.itemsize * len(places) * size, name)
            steps = np.arange(size, dtype=dtype) * dtype.type(stride)
            places = np.add.outer(places, steps).reshape(-1)
        else:
            segments, indices = (_vector(level, field, where).astype("i8") for field in (2, 4))
            counts = np.diff(segments)
            whole = len(counts) == len(places) and not segments[0] and (counts >= 0).all()
            if not whole or segments[-1] != len(indices):
                raise BadFile(f"{where}: the segments of a sparse level do not fit its indices")
            if ((indices < 0) | (indices >= size)).any():
                raise BadFile(f"{where}: an index of a sparse level is not below {size}")
            places = np.repeat(places, counts) + (indices * stride).astype(dtype)
    return places


def _axes(
    order: list[int], blocked: list[int], levels: list[Table], shape: tuple[int, ...], where: str
) -> list[tuple[int, int]]:
    """Size and stride of each axis, counted in blocks where it has some, then of each block."""
    rank = len(shape)
    if (
        len(levels) != len(order)
        or sorted(order[:rank]) != list(range(rank))
        or sorted(order[rank:]) != list(range(rank, rank + len(blocked)))
        or sorted(set(blocked) & set(range(rank))) != blocked
    ):
        raise BadFile(f"{where}: its levels {order} of blocks {blocked} do not fit {shape}")
    blocks = {axis: levels[order[rank + k]].number(1, "i") for k, axis in enumerate(blocked)}
    if any(size < 1 or shape[axis] % size for axis, size in blocks.items()):
        raise BadFile(f"{where}: blocks of {list(blocks.values())} do not divide {shape}")
    strides = [math.prod(shape[axis + 1 :]) for axis in range(rank)]
    outer = [
        (shape[axis] // blocks.get(axis, 1), strides[axis] * blocks.get(axis, 1))
        for axis in range(rank)
    ]
    return outer + [(blocks[axis], strides[axis]) for axis in blocked]


def _vector(level: Table, field: int, where: str) -> NDArray[Any]:
    """A union of three kinds of vectors: its kind, then the table that has it."""
    kind, table = level.number(field, "B"), level.table(field + 1)
    if kind not in _VECTORS or table is None:
        raise BadFile(f"{where}: a sparse level lacks its segments or indices")
    return table.numbers(0, _VECTORS[kind])

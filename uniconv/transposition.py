"""Split, permute, reverse and merge axes; in memory by blocks that the cache holds."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from uniconv.arrays import like, to_torch
from uniconv.errors import BadArray

# Numbers are moved as integers of their size, so that nothing can change them.
_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_NUMPY_BITS = {1: "u1", 2: "i2", 4: "i4", 8: "i8", 16: "c16"}

# torch copies by tiles only where a contiguous matrix of at least 60 x 60 is transposed
# (pytorch 2.13.0 aten/src/ATen/native/Copy.cpp copy_transpose_valid).
_TILED = 60
_FEW = 200_000  # below so many elements one plain copy is faster
# Lines so many bytes apart fall into few sets of the cache and drive each other out.
_CLOSE, _PAGE = 512, 4096
_BLOCK = 128  # lines of a block, which then fits the cache


def rearranged(
    a: Any,
    split: Sequence[int],
    order: Sequence[int],
    shape: Sequence[int],
    flips: Sequence[int] = (),
    *,
    contiguous: bool = False,
) -> Any:
    """An array split into axes of sizes ``split``, these in another ``order``, merged to ``shape``.

    flips: the axes of the result that are reversed; each of them is one axis of ``split``.  The
    result is of a's kind and dtype, bit by bit; a view unless ``contiguous`` or impossible.

    >>> rearranged(np.arange(6), (2, 3), (1, 0), (6,)).tolist()
    [0, 3, 1, 4, 2, 5]
    """
    lazily = isinstance(a, np.ndarray) and not contiguous  # torch has no negative strides

    def moved(t: Tensor) -> Tensor:
        t = t.reshape(tuple(split))
        view = t.permute(tuple(order))
        if contiguous or not (isinstance(a, Tensor | np.ndarray) and _is_view(view, shape)):
            view = transposed(t, order)
        y = view.reshape(tuple(shape))
        if lazily or not flips:
            return y
        own = y.untyped_storage().data_ptr() != t.untyped_storage().data_ptr()
        return _reversed(y, flips) if own and not y.requires_grad else y.flip(tuple(flips))

    if isinstance(a, np.ndarray):
        y: NDArray[Any] = moved(to_torch(_bits_of(a), "cpu")).numpy().view(a.dtype)
        return np.flip(y, tuple(flips)) if flips and lazily else y
    t = to_torch(a)
    bits = None if t.requires_grad or t.is_complex() else _BITS.get(t.element_size())
    return like(moved(t.view(bits)).view(t.dtype) if bits else moved(t), a)


def _reversed(y: Tensor, flips: Sequence[int]) -> Tensor:
    """y with some axes reversed in its own memory, piece by piece along another axis."""
    along = max((axis for axis in range(y.ndim) if axis not in flips), key=y.size, default=None)
    if along is None:
        return y.flip(tuple(flips))
    step = max(y.shape[along] // 16, 1)
    for at in range(0, y.shape[along], step):
        piece = y.narrow(along, at, min(step, y.shape[along] - at))
        piece.copy_(piece.flip(tuple(flips)))
    return y


def _is_view(a: Tensor, shape: Sequence[int]) -> bool:
    try:
        a.view(tuple(shape))
    except RuntimeError:
        return False
    return True


def _bits_of(a: NDArray[Any]) -> NDArray[Any]:
    bits = _NUMPY_BITS.get(a.dtype.itemsize)
    if bits is None or a.dtype.hasobject or a.dtype.names or a.dtype.kind in "SUmM":
        raise BadArray(f"a kernel holds numbers; this NumPy array has dtype {a.dtype}")
    return a.view(bits)


def transposed(a: Tensor, order: Sequence[int]) -> Tensor:
    """``a.permute(order).contiguous()``, several times faster for large kernels on a CPU.

    >>> import torch
    >>> a = torch.arange(6).reshape(1, 2, 3)
    >>> transposed(a, (2, 0, 1)).tolist()
    [[[0, 3]], [[1, 4]], [[2, 5]]]
    """
    view = a.permute(tuple(order))
    if view.is_contiguous():
        return view
    strides = a.stride()
    memory = sorted(range(a.ndim), key=lambda axis: (-strides[axis], a.shape[axis] == 1))
    dense = a.permute(memory)
    plain = a.device.type == "cpu" and a.numel() >= _FEW and not a.requires_grad
    if not plain or not dense.is_contiguous():
        return view.contiguous()
    sizes, turns = _merged(dense.shape, [memory.index(axis) for axis in order])
    y = _blockwise(dense.reshape(sizes), turns)
    return view.contiguous() if y is None else y.reshape(view.shape)


def _merged(shape: Sequence[int], order: Sequence[int]) -> tuple[list[int], list[int]]:
    """The same permutation with axes that stay neighbours as one, and none of size 1."""
    runs: list[list[int]] = []
    for axis in (axis for axis in order if shape[axis] > 1):
        between = range(runs[-1][-1] + 1, axis) if runs else ()
        if runs and axis > runs[-1][-1] and all(shape[b] == 1 for b in between):
            runs[-1].append(axis)
        else:
            runs.append([axis])
    in_memory = sorted(runs)
    return [prod(shape[a] for a in run) for run in in_memory], [in_memory.index(r) for r in runs]


def _blockwise(a: Tensor, order: list[int]) -> Tensor | None:
    """The contiguous ``a`` with its (merged) axes in another order; None if one copy is faster."""
    first, last = a.shape[0], a.shape[-1]
    if a.ndim == 2:
        return a.t().contiguous() if min(first, last) >= _TILED else None
    columns, size = a.reshape(-1, last), a.element_size()
    y = a.new_empty([a.shape[axis] for axis in order])
    if order[0] == a.ndim - 1 and min(columns.shape) >= _BLOCK and last * size % _CLOSE == 0:
        rest = [0, *(axis + 1 for axis in order[1:])]
        for at in range(0, last, _BLOCK):
            block = columns[:, at : at + _BLOCK].contiguous().t().contiguous()
            y[at : at + _BLOCK] = block.reshape(-1, *a.shape[:-1]).permute(rest)
        return y
    rows = a.reshape(first, -1)
    if order[-1] == 0 and min(rows.shape) >= _BLOCK and rows.shape[1] * size % _PAGE == 0:
        rest = [*(axis - 1 for axis in order[:-1]), a.ndim - 1]
        for at in range(0, first, _BLOCK):
            block = rows[at : at + _BLOCK].t().contiguous()
            y[..., at : at + _BLOCK] = block.reshape(*a.shape[1:], -1).permute(rest)
        return y
    return None

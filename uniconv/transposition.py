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
    flips: Sequence[tuple[int, int]] = (),
    *,
    contiguous: bool = False,
) -> Any:
    """An array split into axes of sizes ``split``, these in another ``order``, merged to ``shape``.

    flips: the axes that are reversed, each as (axis of ``split``, axis of the result).  The result
    is of a's kind and dtype, bit by bit; a view unless ``contiguous`` or impossible.

    >>> rearranged(np.arange(6), (2, 3), (1, 0), (6,)).tolist()
    [0, 3, 1, 4, 2, 5]
    """
    lazily = isinstance(a, np.ndarray) and not contiguous  # torch has no negative strides

    def moved(t: Tensor) -> Tensor:
        t = t.reshape(tuple(split))
        view = t.permute(tuple(order))
        turned = () if lazily else tuple(axis for axis, _ in flips)
        if contiguous or not (isinstance(a, Tensor | np.ndarray) and _is_view(view, shape)):
            return transposed(t, order, turned).reshape(tuple(shape))
        view = view.reshape(tuple(shape))
        return view.flip(tuple(axis for _, axis in flips)) if turned else view

    if isinstance(a, np.ndarray):
        y: NDArray[Any] = moved(to_torch(_bits_of(a), "cpu")).numpy().view(a.dtype)
        if not a.flags.writeable and np.may_share_memory(a, y):
            y.flags.writeable = False
        return np.flip(y, tuple(axis for _, axis in flips)) if flips and lazily else y
    t = to_torch(a).resolve_neg()
    bits = None if t.requires_grad or t.is_complex() else _BITS.get(t.element_size())
    return like(moved(t.view(bits)).view(t.dtype) if bits else moved(t), a)


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


def transposed(a: Tensor, order: Sequence[int], flips: Sequence[int] = ()) -> Tensor:
    """``a.flip(flips).permute(order).contiguous()``, faster for large kernels on a CPU.

    >>> import torch
    >>> a = torch.arange(6).reshape(1, 2, 3)
    >>> transposed(a, (2, 0, 1)).tolist()
    [[[0, 3]], [[1, 4]], [[2, 5]]]
    """
    view = a.permute(tuple(order))
    if view.is_contiguous() and not flips:
        return view
    strides = a.stride()
    memory = sorted(range(a.ndim), key=lambda axis: (-strides[axis], a.shape[axis] == 1))
    dense = a.permute(memory)
    large = a.device.type == "cpu" and a.numel() >= _FEW and not a.requires_grad
    if large and dense.is_contiguous():
        turned = {memory.index(axis) for axis in flips}
        merged = _merged(dense.shape, [memory.index(axis) for axis in order], turned)
        y = _blockwise(dense.reshape(merged[0]), *merged[1:])
        if y is not None:
            return y.reshape(view.shape)
    return _reversed(view, [order.index(axis) for axis in flips]) if flips else view.contiguous()


def _reversed(view: Tensor, flips: list[int]) -> Tensor:
    """The view in memory, some axes reversed; piece by piece, so that it is held only once."""
    others = [axis for axis in range(view.ndim) if axis not in flips and view.shape[axis] > 1]
    if view.numel() < _FEW or view.requires_grad or not others:
        return view.flip(flips).contiguous()
    y = view.new_empty(view.shape)
    along = max(others, key=lambda axis: view.shape[axis])
    step = view.shape[along] // 16 + 1
    for at in range(0, view.shape[along], step):
        length = min(step, view.shape[along] - at)
        y.narrow(along, at, length).copy_(view.narrow(along, at, length).flip(flips))
    return y


def _merged(
    shape: Sequence[int], order: Sequence[int], flips: set[int]
) -> tuple[list[int], list[int], list[int]]:
    """The same with axes that stay neighbours as one, and none of size 1: sizes, order, flips."""
    runs: list[list[int]] = []
    for axis in (axis for axis in order if shape[axis] > 1):
        last = runs[-1][-1] if runs else axis
        between = all(shape[b] == 1 for b in range(last + 1, axis))
        if last < axis and between and (last in flips) == (axis in flips):
            runs[-1].append(axis)
        else:
            runs.append([axis])
    in_memory = sorted(runs)
    turned = [at for at, run in enumerate(in_memory) if run[0] in flips]
    return (
        [prod(shape[a] for a in r) for r in in_memory],
        [in_memory.index(r) for r in runs],
        turned,
    )


def _blockwise(a: Tensor, order: list[int], flips: list[int]) -> Tensor | None:
    """The contiguous ``a`` with its (merged) axes in another order, some reversed.

    None where one plain copy is faster.
    """
    first, last = a.shape[0], a.shape[-1]
    if a.ndim == 2:
        plain = min(first, last) < _TILED or flips or order == [0, 1]
        return None if plain else a.t().contiguous()
    rows, columns, size = a.numel() // first, a.numel() // last, a.element_size()

    def block(part: Tensor, sides: tuple[int, int]) -> Tensor:
        part = part.flip(flips) if flips else part.contiguous()
        return part.reshape(sides).t().contiguous()

    close = min(columns, last) >= _BLOCK and last * size % _CLOSE == 0
    if order[0] == a.ndim - 1 and close and a.ndim - 1 not in flips:
        y = a.new_empty([a.shape[axis] for axis in order])
        rest = [0, *(axis + 1 for axis in order[1:])]
        for at in range(0, last, _BLOCK):
            part = block(a[..., at : at + _BLOCK], (columns, -1))
            y[at : at + _BLOCK] = part.reshape(-1, *a.shape[:-1]).permute(rest)
        return y
    far = min(rows, first) >= _BLOCK and rows * size % _PAGE == 0
    if order[-1] == 0 and far and 0 not in flips:
        y = a.new_empty([a.shape[axis] for axis in order])
        rest = [*(axis - 1 for axis in order[:-1]), a.ndim - 1]
        for at in range(0, first, _BLOCK):
            part = block(a[at : at + _BLOCK], (-1, rows))
            y[..., at : at + _BLOCK] = part.reshape(*a.shape[1:], -1).permute(rest)
        return y
    return None

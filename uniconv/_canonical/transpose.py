"""Split, permute, reverse and merge axes; in memory by blocks that the cache holds."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from uniconv._canonical.arrays import like, to_torch
from uniconv.errors import BadArray

# Numbers are moved as integers of their size, so that nothing can change them.
_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_NUMPY_BITS = {1: "u1", 2: "i2", 4: "i4", 8: "i8", 16: "c16"}

_FEW = 200_000  # below so many elements one plain copy is faster
_BLOCK = 1 << 20  # bytes that stay in the cache
_RUN = 256  # bytes side by side, whole lines of the cache
_WIDE = 1024  # 2-byte lines gain where their places in the cache collide


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
        now = () if lazily else tuple(axis for axis, _ in flips)
        if contiguous or not (isinstance(a, Tensor | np.ndarray) and _is_view(view, shape)):
            return transposed(t, order, now).reshape(tuple(shape))
        view = view.reshape(tuple(shape))
        return view.flip(tuple(axis for _, axis in flips)) if now else view

    if isinstance(a, np.ndarray):
        y: NDArray[Any] = moved(to_torch(_bits_of(a), "cpu")).numpy().view(a.dtype)
        if not a.flags.writeable and np.may_share_memory(a, y):
            y.flags.writeable = False
        return np.flip(y, tuple(axis for _, axis in flips)) if flips and lazily else y
    t = to_torch(a).resolve_neg()
    bits = None if t.requires_grad or t.is_complex() else _BITS.get(t.element_size())
    return like(moved(t.view(bits)).view(t.dtype) if bits else moved(t), a)


def _is_view(a: Tensor, shape: Sequence[int]) -> bool:
    """Whether the merged shape needs no copy."""
    try:
        a.view(tuple(shape))
    except RuntimeError:
        return False
    return True


def _bits_of(a: NDArray[Any]) -> NDArray[Any]:
    """The array as integers (or complex numbers) of its size; BadArray for what is no number."""
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
        return row_major(view)
    strides = a.stride()
    memory = sorted(range(a.ndim), key=lambda axis: (-strides[axis], a.shape[axis] == 1))
    dense = a.permute(memory)
    large = a.device.type == "cpu" and a.numel() >= _FEW and not a.requires_grad
    if large and dense.is_contiguous():
        reversals = {memory.index(axis) for axis in flips}
        merged = _merged(dense.shape, [memory.index(axis) for axis in order], reversals)
        y = _blockwise(dense.reshape(merged[0]), *merged[1:])
        if y is not None:
            return y.reshape(view.shape)
    y = _reversed(view, [order.index(axis) for axis in flips]) if flips else view.contiguous()
    return row_major(y)


def row_major(a: Tensor) -> Tensor:
    """The contiguous ``a`` with the strides of a new tensor along its axes of size 1, too.

    Of an ``o i 1 1`` that was ``o 1 1 i``, others look to torch.conv2d as channels last, and it
    lays x out anew (pytorch 2.13.0 c10/core/MemoryFormat.h is_channels_last_strides_2d_s4).

    >>> import torch
    >>> moved = torch.zeros(4, 1, 1, 3).permute(0, 3, 1, 2)
    >>> moved.is_contiguous(), moved.stride(), row_major(moved).stride()
    (True, (3, 1, 3, 3), (3, 1, 1, 1))
    """
    return a.view(-1).view(a.shape) if 1 in a.shape else a


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
    reversals = [at for at, run in enumerate(in_memory) if run[0] in flips]
    return (
        [prod(shape[a] for a in r) for r in in_memory],
        [in_memory.index(r) for r in runs],
        reversals,
    )


def _blockwise(a: Tensor, order: list[int], flips: list[int]) -> Tensor | None:
    """The contiguous ``a`` with its (merged) axes in another order, some reversed.

    Block by block, each exchanged within the cache.  None where one plain copy is as fast.
    """
    # How to read this: axes are already merged, so few orders are left.  "Outward" moves the last
    # axis, whose numbers lie side by side, to the front; "inward" moves the first to the back; [0,
    # 2, 1] exchanges the last two, image by image.  Each is done in pieces of one axis that fit
    # into the cache: a piece is copied with that axis last (or first), exchanged as a matrix, and
    # put in place.
    size, last = a.element_size(), a.ndim - 1
    if order in ([1, 0], [0, 2, 1]) and not flips and size in _UNITS:
        return _exchanged(a, last, batch=last - 1)
    kept, batch, step = [*range(a.ndim)], 0, 0
    outward, inward = order[0] == last > 0, order[-1] == 0 < last
    if outward and not (inward and a.shape[0] > a.shape[last]):
        axis, into, middle, out = order[1], [*order[1:], last], last, kept
    elif inward and (size != 2 or a.shape[0] * size % _WIDE == 0):
        axis, into, middle, out = 0, kept, 1, [*(i - 1 for i in order[:-1]), last]
        step = max(_RUN // size, 32)
    elif order == [0, 2, 1]:
        axis, into, middle, out, batch = 0, kept, 2, kept, 1
    else:
        return None
    y = a.new_empty([a.shape[i] for i in order])
    n = a.shape[axis]
    step = step or max(_BLOCK // (a.numel() // n * size), 1)
    for at in range(0, n, step):
        length = min(step, n - at)
        part = a.narrow(axis, n - at - length if axis in flips else at, length)
        part = (part.flip(flips) if flips else part).permute(into).contiguous()
        y.narrow(order.index(axis), at, length).copy_(_exchanged(part, middle, batch).permute(out))
    return y


# torch.channel_shuffle exchanges two axes with SIMD instructions for these dtypes only
# (pytorch 2.13.0 aten/src/ATen/native/cpu/utils.h transpose), at 2 to 3 times the cost of a copy.
_UNITS = {1: torch.uint8, 4: torch.float32}


def _exchanged(a: Tensor, middle: int, batch: int = 0) -> Tensor:
    """The contiguous ``a`` with axes [batch:middle] and [middle:] exchanged as two blocks."""
    unit = _UNITS[4 if a.element_size() % 4 == 0 else 1]
    parts = a.element_size() // unit.itemsize  # a number of 8 bytes moves as a row of two units
    outer, rows, columns = a.shape[:batch], a.shape[batch:middle], a.shape[middle:]
    n, r, c = outer.numel(), rows.numel(), columns.numel()

    def swap(flat: Tensor, n: int, r: int, c: int) -> Tensor:
        """n matrices of r x c, each transposed: channels, last in memory, in r groups."""
        pixels = flat.as_strided((1, r * c, n, 1), (flat.numel(), 1, r * c, r * c))
        return torch.channel_shuffle(pixels, r).permute(0, 2, 3, 1).reshape(-1)

    moved = swap(a.view(-1).view(unit), n, r, c * parts)
    if parts > 1:
        moved = swap(moved, n * c, parts, r)
    return moved.view(a.dtype).view(*outer, *columns, *rows)

"""What one output element is made of: the window under it, every product, and their sum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray

from uniconv._calls.lower import LoweredCall
from uniconv._canonical.arrays import to_torch
from uniconv._canonical.layout import axes, completed, kernel_order, order, regrouping
from uniconv._canonical.record import Convolution

Array = NDArray[Any]
Index = tuple[int, ...]

PADDING, GAP = -1, -2  # what lies at a position where no pixel of x does
_MODES = {"reflect": "reflect", "symmetric": "symmetric", "replicate": "edge"}


@dataclass(frozen=True, slots=True)
class Product:
    """One product: a pixel of x times a tap of the kernel, by their native indices.

    x_index is None where there is no pixel: ``what`` is then "padding" or "gap", a zero that a
    transposed convolution spreads between the pixels.
    """

    what: str
    x_index: Index | None
    x: Any
    w_index: Index
    w: Any

    @property
    def value(self) -> Any:
        """The product of pixel and tap."""
        return self.x * self.w


@dataclass(frozen=True, slots=True)
class Lane:
    """One channel of x under one plane of the kernel: a product for each tap, in window order.

    factor is the entry of the pointwise kernel that weighs this sum (1 where there is none).
    """

    c: int
    o: int
    i: int
    products: tuple[Product, ...]
    factor: Any = 1

    @property
    def sum(self) -> Any:
        """The sum of the products, before the pointwise kernel weighs it."""
        return total([p.value for p in self.products])


@dataclass(frozen=True, slots=True)
class Window:
    """The window under y's pixel ``at`` (spatial), of one batch entry and output channel.

    y_index is the native index; steps are what follows the sum: (text, value), ending in y.
    """

    at: Index
    batch: int
    channel: int
    y_index: Index
    lanes: tuple[Lane, ...]
    steps: tuple[tuple[str, Any], ...]
    y: Any

    @property
    def sum(self) -> Any:
        """The sum of all products."""
        return total([lane.sum * lane.factor for lane in self.lanes])

    @property
    def result(self) -> Any:
        """The sum after scale, shift, addend and bias, before it is rounded to y's dtype."""
        return self.steps[-1][1] if self.steps else self.sum


def total(values: Sequence[Any]) -> Any:
    """Their sum: exact for integers, correctly rounded for floats."""
    # fsum adds floats without rounding in between, so that the sum shown does not depend on the
    # order.
    if any(isinstance(v, complex) for v in values):
        return complex(math.fsum(v.real for v in values), math.fsum(v.imag for v in values))
    return math.fsum(values) if any(isinstance(v, float) for v in values) else sum(values)


def sources(conv: Convolution, size: Sequence[int]) -> tuple[Index, ...]:
    """Per axis, for each position of the spread and padded x: the pixel there, PADDING or GAP."""
    # Of axes alone, since padding is a box: a position is a pixel only if it is one along each
    # axis.
    return tuple(
        _along(n, d, pad, conv.boundary) for n, d, pad in zip(size, conv.lhs_dilation, conv.pad)
    )


def _along(n: int, spread: int, pad: tuple[int, int], boundary: str) -> Index:
    """One axis: the pixels with GAPs between them, and around them what the boundary says.

    A negative pad takes positions off.  Around in a circle, the gap after the last pixel counts,
    too: the spread x has a period of n * spread.
    """
    # 3 pixels spread by 2, pad (1, 1): PADDING 0 GAP 1 GAP 2 PADDING.
    lo, hi = pad
    reach = (n - 1) * spread + 1 if n else 0
    pixels = [GAP if i % spread else i // spread for i in range(reach)]
    if boundary == "circular":
        period = pixels + [GAP] * (spread - 1)
        return tuple(period[i % len(period)] for i in range(-lo, reach + hi))
    before, after = max(lo, 0), max(hi, 0)
    if boundary in _MODES:
        line = np.pad(pixels, (before, after), mode=_MODES[boundary])  # type: ignore[call-overload]
        return tuple(line.tolist())
    line = [PADDING] * before + pixels + [PADDING] * after
    return tuple(line[max(-lo, 0) : len(line) + min(hi, 0)])


def numbers(a: Any) -> Array:
    """Any array as NumPy; bfloat16, which NumPy lacks, as float32."""
    tensor = to_torch(a, "cpu").detach().resolve_conj().resolve_neg()
    return (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).numpy()


def canonical_x(call: LoweredCall, a: Array) -> Array:
    """A native x as ``n c ...``, its batch axes as one."""
    # Batch axes are neighbours, so that a reshape merges them; missing letters are axes of size 1.
    letters = call.letters.x
    if "n" in letters:
        at, batch = letters.index("n"), call.sizes.batch
        a = a.reshape(*a.shape[:at], math.prod(batch), *a.shape[at + len(batch) :])
    ones = tuple(b for b in "nc" if b not in letters)
    a = a.reshape(*a.shape, *(1,) * len(ones))
    return a.transpose(order((*letters, *ones), ("n", "c", *_spatial(call))))


def canonical_w(call: LoweredCall, a: Array) -> Array:
    """A native kernel as ``o i ...``."""
    # As in ``_calls/steps.py``, but in NumPy, and always to "o i ...", transposed calls' kernels,
    # too.
    goal = ("o", "i", *_spatial(call))
    src, ones = completed(call.letters.w, goal)
    a = a.reshape(*a.shape, *ones)
    permutation = kernel_order(src, goal, call.conv.groups)
    if permutation is not None:
        return a.transpose(permutation)
    return np.asarray(rearrange(a, regrouping(src, goal), g=call.conv.groups))


def canonical_p(call: LoweredCall, a: Array) -> Array:
    """A native pointwise kernel as ``o i``."""
    assert call.op.pointwise is not None
    permutation = order(axes(call.op.pointwise, call.rank), ("o", "i", *_spatial(call)))
    a = a.transpose(permutation)
    return a.reshape(a.shape[:2])


def canonical_y(call: LoweredCall, a: Array) -> Array:
    """A native y as ``n o ...``."""
    letters = call.letters.y
    if "n" in letters:
        at, many = letters.index("n"), len(call.y_batch)
        a = a.reshape(*a.shape[:at], math.prod(a.shape[at : at + many]), *a.shape[at + many :])
    ones = tuple(b for b in "no" if b not in letters)
    a = a.reshape(*a.shape, *(1,) * len(ones))
    return a.transpose(order((*letters, *ones), ("n", "o", *_spatial(call))))


def _spatial(call: LoweredCall) -> tuple[str, ...]:
    """The letters of the call's spatial axes, in the record's order."""
    return tuple(f"s{i}" for i in range(call.rank))


def places(shape: Sequence[int]) -> Array:
    """An array that holds, at each index, its own place in memory order."""
    return np.arange(math.prod(shape)).reshape(tuple(shape))


@dataclass(frozen=True, slots=True)
class WindowedCall:
    """A call with its numbers, as the record has them: x ``n c ...``, w ``o i ...``, y ``n o ...``.

    Each array of ``_at`` holds, in the same axes, the places of the native array.  p is the
    pointwise kernel ``o i``.
    """

    call: LoweredCall
    x: Array
    w: Array
    y: Array
    x_at: Array
    w_at: Array
    y_at: Array
    x_shape: Index
    w_shape: Index
    y_shape: Index
    p: Array | None = None

    @classmethod
    def of(cls, call: LoweredCall, x: Array, w: Array, y: Array, p: Array | None) -> WindowedCall:
        """The call's arrays with canonical axes, less zero points, and where each number lies."""
        # Whatever is done to the numbers is done to their places (``places``), too: so the place
        # that stands at a canonical index tells where the number is in the user's own array.
        if call.op.outer_product is not None and p is not None:
            vectors = dict(zip(call.op.outer_product, (w, p)))
            w, p = np.multiply.outer(vectors["s0"], vectors["s1"]), None
        if call.op.zero_points:
            zeros = (np.asarray(zero).astype(np.int64) for zero in call.zero_points)
            x, w = (a.astype(np.int64) - zero for a, zero in zip((x, w), zeros))
        if call.op.conjugates:
            w = w.conj()
        outer = call.op.outer_product is not None
        grid = canonical_w if not outer else lambda call, a: a[None, None]
        return cls(
            call,
            canonical_x(call, x),
            grid(call, w),
            canonical_y(call, y),
            canonical_x(call, places(x.shape)),
            grid(call, places(w.shape)),
            canonical_y(call, places(y.shape)),
            *(x.shape, w.shape, y.shape),
            p=None if p is None else canonical_p(call, p),
        )

    def lanes(self, channel: int) -> list[tuple[int, int, int, Any]]:
        """(x channel, kernel o, kernel i, factor) of all that y's channel adds up."""
        # How to read this: y's channel k lies in group k // (o / groups), which reads ``inputs``
        # channels of x from there on: of 4 channels in 2 groups with o = 6, channel 4 is in group 1
        # and reads 2 and 3.  A pointwise kernel adds the depthwise channels q up, and each q has
        # lanes of its own.
        conv, o = self.call.conv, self.call.sizes.o
        per_group, inputs = o // conv.groups, self.w.shape[1]
        if self.call.pointwise is None:
            first = channel // per_group * inputs
            return [(first + i, channel, i, 1) for i in range(inputs)]
        assert self.p is not None
        point, sizes = self.call.pointwise
        first = channel // (sizes.o // point.groups) * self.p.shape[1]
        return [
            (q // per_group * inputs + i, q, i, self.p[channel, q - first].item())
            for q in range(first, first + self.p.shape[1])
            for i in range(inputs)
        ]

    def batch_of(self, batch: int, channel: int) -> int:
        """Which entry of x's batch y's entry reads, for that channel."""
        # With batch_groups, channel k of y belongs to part k // (o / parts), whose images lie
        # together.
        parts = self.call.conv.batch_groups
        part = channel // (self.call.sizes.o // parts) if parts > 1 else 0
        return int(part * (self.x.shape[0] // parts) + batch)

    def window(self, at: Index, batch: int, channel: int) -> Window:
        """The window under one element of y, without what follows its sum.

        For each lane every tap of the kernel, in window order: position p * stride + t * dilation
        of the spread and padded x says which pixel, if any, lies there (``sources``), and the tap
        is counted from the kernel's other end where it is read backwards.
        """
        # The same formula as in the reference (``_canonical/reference.py``), but of places, not
        # numbers.
        conv, kernel = self.call.conv, self.call.sizes.kernel
        along = sources(conv, self.call.sizes.size)
        n = self.batch_of(batch, channel)
        fill: Any = conv.fill if self.x.dtype.kind in "fc" else int(conv.fill)
        lanes = []
        for c, o, i, factor in self.lanes(channel):
            products = []
            for tap in product(*map(range, kernel)):
                moves = zip(along, at, conv.stride, tap, conv.rhs_dilation)
                pixel = tuple(line[p * s + t * d] for line, p, s, t, d in moves)
                tap_of_w = tuple(
                    k - 1 - t if r else t for k, t, r in zip(kernel, tap, conv.reverse)
                )
                w_index = _unravel(self.w_at[(o, i, *tap_of_w)], self.w_shape)
                w = self.w[(o, i, *tap_of_w)].item()
                if PADDING in pixel:
                    products.append(Product("padding", None, fill, w_index, w))
                elif GAP in pixel:
                    products.append(Product("gap", None, 0, w_index, w))
                else:
                    x_index = _unravel(self.x_at[(n, c, *pixel)], self.x_shape)
                    x = self.x[(n, c, *pixel)].item()
                    products.append(Product("pixel", x_index, x, w_index, w))
            lanes.append(Lane(c, o, i, tuple(products), factor))
        y_index = _unravel(self.y_at[(batch, channel, *at)], self.y_shape)
        y = self.y[(batch, channel, *at)].item()
        return Window(at, batch, channel, y_index, tuple(lanes), (), y)


def _unravel(place: Any, shape: Index) -> Index:
    """A place in memory order as a native index: 5 in (2, 3) is (1, 2)."""
    return tuple(int(i) for i in np.unravel_index(int(place), shape)) if shape else ()

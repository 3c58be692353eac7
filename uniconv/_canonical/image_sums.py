"""An image filtered to integers: floating-point sums in OpenCV's own order, rounded and saturated.

A sum of products with fractions is rounded after each of them, and where it lies next to a half,
its last bit decides which integer a pixel becomes.  So the order and the precision are OpenCV's,
on processors with AVX2 and FMA (opencv 5.0.0, modules/imgproc/src/filter.simd.hpp): along a row of
the image, of all its columns and channels, as many numbers as fill whole vectors are added by
fused multiply-adds, rounded once, those left over by a product and a sum.

>>> x = torch.tensor([[0, 1, 2, 3]], dtype=torch.uint8)
>>> sums = Sums(((0, 0), (1, 1)), "replicate", 0, "uint8")
>>> filtered(x, (torch.tensor([[0.5, 0, 0.5]]),), sums)[0]  # of 0.5, 1, 2, 2.5
tensor([[0, 1, 2, 2]], dtype=torch.uint8)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from uniconv._canonical.execute import action, read_at
from uniconv._canonical.record import Pairs
from uniconv._canonical.steps import Saturate

# How many numbers of a row a vector holds: see above.
_LANES = 4
_LANES_OF_BYTES = 32  # RowVec_8u32f
_LANES_OF_FIXED_POINT = 16  # SymmColumnVec_32s8u
_LANES_OF_WORDS = 8  # SymmColumnSmallVec_32s16s
_BITS = 8  # of the fraction of a kernel in fixed point: createSeparableLinearFilter
# From so many taps on the sum is made by Fourier transforms: dftFilter2D.
_TAPS, _TAPS_OF_BYTES = 50, 130


@dataclass(frozen=True, slots=True)
class Sums:
    """How an image is filtered: padding of rows and columns, border, what is added, dtype of y."""

    pad: Pairs
    boundary: str
    shift: float
    dtype: str


def filtered(x: Tensor, kernels: Sequence[Tensor], sums: Sums) -> tuple[Tensor, int]:
    """y of x (rows, columns, ...), and how many of its pixels are not certain.

    kernels: one (rows, columns), or two vectors, along the rows' direction and down the columns.
    A pixel is not certain where the exact sum is so near to a half that rounding errors, whose
    order is not known here, decide it.
    """
    image = x.reshape(*x.shape[:2], -1)
    if len(kernels) == 1:
        y, doubtful = _by_one(image, kernels[0], sums)
    else:
        y, doubtful = _by_two(image, kernels, sums)
    return y.reshape(x.shape), doubtful


def _by_one(x: Tensor, w: Tensor, sums: Sums) -> tuple[Tensor, int]:
    """The same by a kernel of rows and columns."""
    few = x.dtype is torch.uint8 and sums.dtype in ("uint8", "int16")
    w = w.float()
    if w.numel() >= (_TAPS_OF_BYTES if few else _TAPS):
        return _near(x, [w.double()], sums, 2.0**-22)  # crossCorr: in float32
    image, fused = _bordered(x.float(), sums), _leading(x, _LANES)
    y = torch.full(x.shape, sums.shift, dtype=torch.float32)
    for (i, j), k in zip(product(*map(range, w.shape)), w.flatten().tolist()):
        if k:
            y = _plus(y, k, image[i : i + len(x), j : j + x.shape[1]], fused)
    return _saturated(y.double().round(), sums.dtype), 0


def _by_two(x: Tensor, kernels: Sequence[Tensor], sums: Sums) -> tuple[Tensor, int]:
    """The same by two vectors, of which the first runs along the rows."""
    # How to read this: createSeparableLinearFilter takes integers where both vectors are multiples
    # of 1/256 that smooth (for y of bytes), or integers (for y of words), and symmetric about the
    # anchor; else float32, or float64 where x or y has that.
    if x.is_floating_point():
        bits = 24 if x.dtype is torch.float32 else 53
        exact = [k.to(x.dtype).double() for k in kernels]
        certain = bits_of_sums(x, exact, sums.shift) <= bits
        return _near(x, exact, sums, 0 if certain else 2.0 ** (3 - bits))
    shapes = [_Shape.of(k, pair) for k, pair in zip(kernels, reversed(sums.pad))]
    if x.dtype is torch.uint8 and sums.dtype == "uint8" and all(s.smooth for s in shapes):
        parts = [torch.round(k.double() * 2**_BITS) for k in kernels]
        if all(_multiple(k, part) for k, part in zip(kernels, parts)):
            return _fixed_point(x, parts, sums), 0
    if x.dtype is torch.uint8 and sums.dtype == "int16" and all(s.integral for s in shapes):
        return _integral(x, kernels, sums), 0
    bytes_ = x.dtype is torch.uint8
    rows = _along_rows(x, kernels[0].float(), sums, _LANES_OF_BYTES if bytes_ else _LANES)
    y = _down_columns(x, rows, kernels[1].float(), shapes[1], sums)
    return _saturated(y.double().round(), sums.dtype), 0


@dataclass(frozen=True, slots=True)
class _Shape:
    """What getKernelType tells of a vector, whose middle is the anchor where it is symmetric."""

    symmetric: bool
    antisymmetric: bool
    integers: bool
    positive: bool  # not negative, of sum 1

    @classmethod
    def of(cls, k: Tensor, pair: tuple[int, int]) -> _Shape:
        k = k.double()
        total, middle = float(k.sum()), pair[0] == pair[1]
        return cls(
            middle and bool((k == k.flip(0)).all()),
            middle and bool((k == -k.flip(0)).all()),
            bool((k == k.round()).all()),
            bool((k >= 0).all()) and abs(total - 1) <= 2.0**-23 * (abs(total) + 1),
        )

    @property
    def smooth(self) -> bool:
        return self.symmetric and self.positive and not (self.integers or self.antisymmetric)

    @property
    def integral(self) -> bool:
        return self.integers and (self.symmetric or self.antisymmetric)


def _multiple(k: Tensor, part: Tensor) -> bool:
    """Whether a vector is the integers ``part`` over 256, as far as float32 can tell."""
    scale: int = 2**_BITS
    return bool(((k.double() * scale - part).abs() <= 10 * 2.0**-23 * scale).all())


def _along_rows(x: Tensor, k: Tensor, sums: Sums, lanes: int) -> Tensor:
    """The image with its border, filtered along its rows, in float32."""
    image, width = _bordered(x.float(), sums), x.shape[1]
    fused = _leading(x, lanes)
    y = torch.zeros(len(image), *x.shape[1:], dtype=torch.float32)
    for j, factor in enumerate(k.tolist()):
        y = _plus(y, factor, image[:, j : j + width], fused)
    return y


def _down_columns(x: Tensor, rows: Tensor, k: Tensor, shape: _Shape, sums: Sums) -> Tensor:
    """Those rows filtered down their columns; a symmetric vector adds its pairs of rows first."""
    y = torch.full(x.shape, sums.shift, dtype=torch.float32)
    height, fused, everywhere = len(x), _leading(x, _LANES), torch.ones((), dtype=torch.bool)
    taps, middle = k.tolist(), len(k) // 2

    def row(i: int) -> Tensor:
        return rows[i : i + height]

    if not (shape.symmetric or shape.antisymmetric):
        for i, factor in enumerate(taps):
            y = _plus(y, factor, row(i), fused if i else everywhere)
        return y
    if shape.symmetric:
        y = _plus(y, taps[middle], row(middle), everywhere)
    for i in range(1, middle + 1):
        after, before = row(middle + i), row(middle - i)
        y = _plus(y, taps[middle + i], after + before if shape.symmetric else after - before, fused)
    return y


def _fixed_point(x: Tensor, parts: Sequence[Tensor], sums: Sums) -> Tensor:
    """By integers over 2**16: a half goes to the even number in vectors, up in what is left."""
    whole, scale = _exact(x, parts, sums), 2 ** (2 * _BITS)
    even = (whole / scale + torch.tensor(sums.shift).double()).float().double().round()
    up = ((whole + round(sums.shift * scale) + scale // 2) / scale).floor()
    vectors = _leading(x, _LANES_OF_FIXED_POINT) & (len(parts[1]) > 1)
    return _saturated(torch.where(vectors, even, up), sums.dtype)


def _integral(x: Tensor, kernels: Sequence[Tensor], sums: Sums) -> Tensor:
    """By integers: what is added is rounded first, but in the vectors of most kernels of 3 rows."""
    whole = _exact(x, [k.double() for k in kernels], sums)
    y = whole + round(sums.shift)
    column = [abs(n) for n in kernels[1].tolist()]
    if len(column) == 3 and column not in ([1, 2, 1], [1, 0, 1]):
        late = (whole + torch.tensor(sums.shift).double()).round()
        y = torch.where(_leading(x, _LANES_OF_WORDS), late, y)
    return _saturated(y, sums.dtype)


def _near(x: Tensor, kernels: Sequence[Tensor], sums: Sums, precise: float) -> tuple[Tensor, int]:
    """The exact sum rounded, and how many pixels are within a rounding error of a half.

    precise: the error next to the sum of the products' magnitudes.
    """
    y = _exact(x, kernels, sums) + sums.shift
    info = torch.iinfo(getattr(torch, sums.dtype))
    largest = x.double().abs().max() if x.numel() else 0.0
    bound = precise * largest
    for k in kernels:
        bound = bound * k.abs().sum()
    halfway = (y - y.floor() - 0.5).abs() < bound
    inside = (y > info.min - 1) & (y < info.max + 1)
    return _saturated(y.round(), sums.dtype), int((halfway & inside).sum())


def bits_of_sums(x: Tensor, kernels: Sequence[Tensor], shift: float) -> int:
    """How many bits hold every sum, in whatever order it is made: enough are no rounding at all."""
    x, kernels = x.double(), [k.double() for k in kernels]
    bits, whole = 0, x.abs().max() if x.numel() else torch.zeros(())
    for k in kernels:
        whole = whole * k.abs().sum()
    for a in (x, *kernels):
        places = (p for p in range(54) if bool((a * 2.0**p == (a * 2.0**p).round()).all()))
        bits += next(places, 54)
    places_of_shift = next((p for p in range(54) if (shift * 2.0**p).is_integer()), 54)
    return max(bits, places_of_shift) + int(whole + abs(shift)).bit_length()


def rounded_away(x: Tensor, w: Tensor, y: Tensor, shift: float, dtype: str) -> tuple[Tensor, int]:
    """y in float64 as integers, a half away from zero; and how many pixels are doubtful.

    One is doubtful where its sum is so near to a half that rounding errors decide its integer.
    """
    doubtful = 0 if bits_of_sums(x, [w], shift) <= 53 else _near_halves(y, x, w)
    return action(Saturate("y", dtype, even=False))(y), doubtful


def _near_halves(y: Tensor, x: Tensor, w: Tensor) -> int:
    """How many sums in float64 are within a rounding error of a half."""
    largest = x.double().abs().max() * w.double().abs().sum()
    return int(((y.abs() - y.abs().floor() - 0.5).abs() < 2.0**-49 * largest).sum())


def _exact(x: Tensor, kernels: Sequence[Tensor], sums: Sums) -> Tensor:
    """The sum of products in float64, which holds those of integers exactly."""
    image = _bordered(x.double(), sums)
    w = kernels[0] if len(kernels) == 1 else torch.outer(kernels[1], kernels[0])
    y = torch.zeros(x.shape, dtype=torch.float64)
    for (i, j), k in zip(product(*map(range, w.shape)), w.flatten().tolist()):
        if k:
            y = y + k * image[i : i + len(x), j : j + x.shape[1]]
    return y


def _plus(y: Tensor, k: float, x: Tensor, fused: Tensor) -> Tensor:
    """y + k * x in float32: rounded once where ``fused``, else the product, too."""
    # A product of float32 numbers is exact in float64, so that this sum is rounded to float32 once.
    once = (y.double() + k * x.double()).float()
    return once if bool(fused.all()) else torch.where(fused, once, y + k * x)


def _leading(x: Tensor, lanes: int) -> Tensor:
    """Which numbers of a row (columns, channels) are in whole vectors of so many."""
    count = x[0].numel()
    return (torch.arange(count) < count - count % lanes).reshape(x.shape[1:])


def _saturated(y: Tensor, dtype: str) -> Tensor:
    """Whole numbers as integers of a dtype, those out of its range as the nearest that it has."""
    kind = getattr(torch, dtype)
    info = torch.iinfo(kind)
    return y.clamp(info.min, info.max).to(torch.int32).to(kind)


def _bordered(x: Tensor, sums: Sums) -> Tensor:
    """x with what lies around it, along its first two axes."""
    for axis, ((lo, hi), n) in enumerate(zip(sums.pad, x.shape)):
        at = torch.arange(-lo, n + hi)
        x = x.index_select(axis, read_at(at, n, sums.boundary))
        if sums.boundary == "zeros":
            inside = (at >= 0) & (at < n)
            x = x * inside.reshape(-1, *(1,) * (x.ndim - 1 - axis))
    return x

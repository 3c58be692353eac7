"""Sums in float64 whose fraction is cut off, as C casts a double to an integer.

A sum of fractions next to an integer is cut to that or to the one before, as its last bit says; so
it is made tap after tap in the order of SciPy's loops (scipy 1.17.1, scipy/ndimage/src), each
product and each sum rounded.

>>> x, w = torch.tensor([1.0, 2, 3, 200]), torch.full((3,), 0.3)
>>> conv = Convolution((1,), ((1, 1),), (1,), (1,), (False,), 1)
>>> as_integers(in_order(x, w, conv, pairs=False), torch.uint8)  # of 0.9, 1.8, 61.5, 60.9
tensor([ 0,  1, 61, 60], dtype=torch.uint8)
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from uniconv._canonical.execute import read_at
from uniconv._canonical.record import Convolution


def in_order(x: Tensor, w: Tensor, conv: Convolution, *, pairs: bool) -> Tensor:
    """y of x and w, which have spatial axes only, in float64, with strides and dilations of 1.

    pairs: whether a symmetric kernel, which runs along one axis, adds its pairs of pixels first
    (NI_Correlate1D; else NI_Correlate).
    """
    along = tuple(axis for axis, back in enumerate(conv.reverse) if back)
    w = torch.flip(w.double(), along)
    image = _bordered(x.double(), conv)
    size = tuple(n - k + 1 for n, k in zip(image.shape, w.shape))

    def under(tap: tuple[int, ...]) -> Tensor:
        return image[tuple(slice(t, t + n) for t, n in zip(tap, size))]

    taps = list(product(*map(range, w.shape)))
    factors = w.flatten().tolist()
    if not pairs:
        return _summed([under(tap) for tap in taps], factors)
    count, middle = len(taps), len(taps) // 2
    backwards = factors[::-1]
    for sign in (1, -1):
        same = all(abs(a - sign * b) <= 2.0**-52 for a, b in zip(factors, backwards))
        if count % 2 and same:
            first = under(taps[middle]) * factors[middle]
            pairs_ = [under(taps[j]) + sign * under(taps[count - 1 - j]) for j in range(middle)]
            return _summed(pairs_, factors[:middle], first)
    return _summed([under(tap) for tap in taps[:-1]], factors[:-1], under(taps[-1]) * factors[-1])


def _summed(pixels: list[Tensor], factors: list[float], y: Tensor | None = None) -> Tensor:
    """y plus each product, in order."""
    for pixel, factor in zip(pixels, factors):
        y = pixel * factor if y is None else y + pixel * factor
    assert y is not None
    return y


def as_integers(y: Tensor, dtype: torch.dtype) -> Tensor:
    """Sums as integers of a dtype: the fraction cut off, what is out of range as x86 has it."""
    whole = y.trunc().long() if y.is_floating_point() else y
    if torch.iinfo(dtype).bits <= 32 and dtype is not torch.uint32:
        # cvttsd2si gives -2**31 for what int32 cannot hold; smaller integers are its last bits.
        outside = (whole >= 2**31) | (whole < -(2**31))
        whole = torch.where(outside, -(2**31), whole)
    return whole.to(dtype)


def of_dtype(y: Tensor, kept: torch.dtype) -> Tensor:
    """A sum of integers as those of another dtype; floats as they are converted."""
    floats = y.is_floating_point() or y.is_complex() or kept.is_floating_point
    return y.to(kept) if floats or kept is torch.bool else as_integers(y, kept)


def _bordered(x: Tensor, conv: Convolution) -> Tensor:
    """x with what lies around it."""
    constant = conv.boundary in ("zeros", "constant")
    for axis, ((lo, hi), n) in enumerate(zip(conv.pad, x.shape)):
        at = torch.arange(-lo, n + hi)
        x = x.index_select(axis, read_at(at, n, "zeros" if constant else conv.boundary))
        if constant:
            inside = ((at >= 0) & (at < n)).reshape(-1, *(1,) * (x.ndim - 1 - axis))
            x = torch.where(inside, x, float(conv.fill) if conv.boundary == "constant" else 0.0)
    return x

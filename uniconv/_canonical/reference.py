"""The oracle: the canonical record as NumPy loops, written to be read, not to be fast.

It imports nothing of the package but the record, so that it cannot share a mistake.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._canonical.record import Convolution

Array = NDArray[Any]
Index = tuple[Any, ...]

_MODES = {"reflect": "reflect", "symmetric": "symmetric", "replicate": "edge"}


def reference(conv: Convolution, x: Array, w: Array) -> Array:
    """y ``n o ...`` of x ``n c ...`` and w ``o i ...``, one window and one tap at a time."""
    # Part j of the batch meets part j of the filters, and their results are y's channels in turn.
    if conv.batch_groups > 1:
        alone = replace(conv, batch_groups=1)
        parts = zip(np.split(x, conv.batch_groups), np.split(w, conv.batch_groups))
        return np.concatenate([reference(alone, a, b) for a, b in parts], axis=1)
    # How to read this: y[p] is the sum over taps t of x[p * stride + t * dilation] * w[t], with x
    # spread and padded beforehand, so that every index lies inside it.  Per axis, backwards means
    # w[k - 1 - t].  ``...`` keeps batch and channels, which the matrix product adds up, group by
    # group: group g has c / groups channels of x and o / groups filters, contiguous in both.
    size, kernel = x.shape[2:], w.shape[2:]
    groups, o = conv.groups, w.shape[0]
    x = _bordered(conv, _spread(conv, x))
    y = np.zeros((x.shape[0], o, *conv.output(size, kernel)), np.result_type(x, w))
    for window in product(*map(range, y.shape[2:])):
        for tap in product(*map(range, kernel)):
            steps = zip(window, conv.stride, tap, conv.rhs_dilation)
            at: Index = (..., *(p * s + t * d for p, s, t, d in steps))
            used: Index = (
                ...,
                *(k - 1 - t if r else t for k, t, r in zip(kernel, tap, conv.reverse)),
            )
            pixel, weight = x[at], w[used]
            for g in range(groups):
                c = slice(g * w.shape[1], (g + 1) * w.shape[1])
                m = slice(g * o // groups, (g + 1) * o // groups)
                to: Index = (slice(None), m, *window)
                y[to] += pixel[:, c] @ weight[m].T
    return y


def _spread(conv: Convolution, x: Array) -> Array:
    """Zeros between the pixels of x: lhs_dilation."""
    size = [(n - 1) * d + 1 if n else 0 for n, d in zip(x.shape[2:], conv.lhs_dilation)]
    spread = np.zeros((*x.shape[:2], *size), x.dtype)
    pixels: Index = (..., *(slice(None, None, d) for d in conv.lhs_dilation))
    spread[pixels] = x
    return spread


def _bordered(conv: Convolution, x: Array) -> Array:
    """Padding outside x, then the crop of negative padding."""
    pads = [(0, 0), (0, 0), *((max(lo, 0), max(hi, 0)) for lo, hi in conv.pad)]
    # Position i of the padded x holds pixel i modulo the period; -1 in ``period`` stands for the
    # zero that is put after the last pixel, at index -1.
    if conv.boundary == "circular":
        for axis, ((lo, hi), d) in enumerate(zip(conv.pad, conv.lhs_dilation), start=2):
            period = [*range(x.shape[axis]), *[-1] * (d - 1)]  # the zeros after the last pixel
            at = [period[i % len(period)] for i in range(-lo, x.shape[axis] + hi)]
            x = np.concatenate([x, np.zeros_like(x[:1].take([0], axis)).repeat(len(x), 0)], axis)
            x = x.take(at, axis)
        return x
    if conv.boundary in _MODES:
        x = np.pad(x, pads, mode=_MODES[conv.boundary])  # type: ignore[call-overload]
    else:
        x = np.pad(x, pads, constant_values=conv.fill)
    ends = (slice(max(-lo, 0), n + min(hi, 0)) for (lo, hi), n in zip(conv.pad, x.shape[2:]))
    kept: Index = (..., *ends)
    return x[kept]

"""Over-padded: an uneven border without a copy of x, for depthwise convolutions.

torch's op makes an even border by itself; an uneven one, as SAME with stride 2 has, costs a copy of
x, which takes a depthwise convolution as long as its sums.  So the op is given an even border that
is wider, by whole strides before x; the windows too many are cut off y, which is smaller than x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from uniconv._canonical.runner import Operation, Runner, is_eager, takes_gradients
from uniconv._canonical.steps import Convolve, Cut, Step, Surround, misses


def overpadded(steps: Sequence[Step]) -> tuple[Step, ...] | None:
    """The same steps with a wider border and a cut; None where they are not of that kind.

    Pads (0, 1) under stride 2 become (2, 2), of which the first window is cut off.
    """
    border = next((step for step in steps if isinstance(step, Surround)), None)
    convolve = next((step for step in steps if isinstance(step, Convolve)), None)
    if border is None or convolve is None or convolve.sizes is None or convolve.transposed:
        return None
    sizes, pad = convolve.sizes, border.pad
    if len(pad) != convolve.rank:  # of a call with more axes than torch's op has
        return None
    depthwise = convolve.groups == sizes.c > 1
    plain = border.on == convolve.x and border.boundary == "zeros" and min(map(min, pad)) >= 0
    if not depthwise or not plain or any(convolve.padding):
        return None
    inner = tuple(n - lo - hi for n, (lo, hi) in zip(sizes.size, pad))
    even, cut, out = [], [], []
    axes = zip(inner, pad, sizes.kernel, convolve.stride, convolve.dilation)
    for n, (lo, hi), k, s, d in axes:
        extent = (k - 1) * d + 1
        wide = lo + s * -(-max(hi - lo, 0) // s)
        windows, whole = ((n + p - extent) // s + 1 for p in (lo + hi, 2 * wide))
        first = (wide - lo) // s
        even.append(wide)
        cut.append((first, whole - first - windows))
        out.append(whole)
    if misses(n, k, s, d, even[-1], out[-1]):
        return None
    made: list[Step] = []
    for step in steps:
        if step is convolve:
            known = replace(sizes, size=inner)
            made.append(replace(convolve, padding=tuple(even), sizes=known))
            made.append(Cut(convolve.on, tuple(cut), tuple(out)))
        elif step is not border:
            made.append(step)
    return tuple(made)


def without_gradients(wide: Runner, otherwise: Runner) -> Operation:
    """``wide`` on a CPU where nothing is traced and nobody takes gradients, which it makes slower.

    Its y is cut out of a larger one, and copied so that memory has no gaps.
    """

    def run(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
        if x.is_cpu and is_eager() and not takes_gradients(x, w, bias):
            return wide(x, w, bias).clone()
        return otherwise(x, w, bias)

    return run

"""The padding of a call for x of any size, as formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uniconv._calls.lower import LoweredCall
from uniconv._canonical.formula import traced
from uniconv._canonical.steps import AnySize


def size_free(call: LoweredCall, *, any_kernel: bool = False) -> AnySize | None:
    """What makes the call's steps hold for x of any size; None where its padding cannot be traced.

    A border read from x may be wider than x unless the function refuses that.  An output size that
    is an option belongs to one size of x, where the function insists on that.  any_kernel: for a
    kernel of any size, too, whose extents are k0, k1, ...
    """
    conv, size, taps, crop = call.conv, call.sizes.size, call.sizes.kernel, call.op.crop
    if call.context.output_size and crop and (crop.adjoint or crop.fixed):
        return AnySize(conv.pad)

    def along(axis: int) -> Callable[..., tuple[int, ...]]:
        def pads(n: Any, k: Any = taps[axis]) -> tuple[int, ...]:
            kernel = (*taps[:axis], k, *taps[axis + 1 :])
            return call.padding_at((*size[:axis], n, *size[axis + 1 :]), kernel)[axis]

        return pads

    names = [(f"n{axis}", f"k{axis}")[: 1 + any_kernel] for axis in range(call.rank)]
    try:
        padding = tuple(traced(along(axis), *names[axis]) for axis in range(call.rank))
    except TypeError:  # a word that is no plain arithmetic
        return None
    # Along each axis, the largest extent that is too small for torch's own border.
    beyond = {"reflect": 0, "circular": -1}.get(conv.boundary)
    small = [0 if beyond is None else max(pair) + beyond for pair in conv.pad]
    unfit = tuple(n if n > 0 else own for n, own in zip(small, size))
    return AnySize(padding, wrapping=max(small, default=0) > 0 and not call.refuses(unfit))

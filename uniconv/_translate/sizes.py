"""Whether a call's own padding is another's for x of every size: arithmetic on formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uniconv._calls.any_size import size_free
from uniconv._calls.lower import LoweredCall
from uniconv._canonical.formula import traced
from uniconv._canonical.record import Pairs, effective


def pads_everywhere(call: LoweredCall, pads: Pairs) -> bool:
    """Whether ``call`` pads as much as ``pads`` for every x; True only where that is proved.

    pads: numbers or formulas of x's extents n0, n1, ...

    Pixels after the last window are read by none: so both must put as much before x, and have as
    many windows.  Both sides are sums in a normal form; what is the same for every extent differs
    by 0, without an n in it.
    """
    own = size_free(call)
    if own is None or call.context.output_size:
        return False
    pairs = enumerate(zip(own.padding, pads))
    return all(
        _zero(a[0], b[0]) and (_zero(a[1], b[1]) or _windows(call, axis, a, b))
        for axis, (a, b) in pairs
    )


def _zero(a: Any, b: Any) -> bool:
    """Whether two numbers, or formulas, are the same at every extent."""
    difference = a - b
    return type(difference) is int and difference == 0


def _windows(call: LoweredCall, axis: int, a: tuple[Any, Any], b: tuple[Any, Any]) -> bool:
    """Whether there are as many windows along an axis with the one padding as with the other."""
    conv = call.conv
    extent = effective(call.sizes.kernel, conv.rhs_dilation)[axis]
    spread, stride = conv.lhs_dilation[axis], conv.stride[axis]

    def apart(n: Any) -> tuple[Any, ...]:
        more, less = ((n - 1) * spread + 1 + lo + hi - extent for lo, hi in (a, b))
        return (more // stride - less // stride,)

    try:
        (difference,) = traced(apart, f"n{axis}")
    except TypeError:
        return False
    return type(difference) is int and difference == 0


def alike_for_every_kernel(call: LoweredCall, other: LoweredCall) -> bool:
    """Whether both calls pad alike, or apart by the same pixels, for x and w of every size.

    What the code does beside the call is then the same for all of them.
    """
    for axis in range(call.rank):
        try:
            a, b = (traced(_pads(side, axis), "n", "k") for side in (call, other))
        except TypeError:
            return False
        if any(type(one - other) is not int for one, other in zip(a, b)):
            return False
    return True


def pads_always(call: LoweredCall) -> bool:
    """Whether the call pads as much for x and w of every size as it does for its own."""
    try:
        pairs = [traced(_pads(call, axis), "n", "k") for axis in range(call.rank)]
    except TypeError:
        return False
    return all(_zero(a, b) for pair, own in zip(pairs, call.conv.pad) for a, b in zip(pair, own))


def _pads(call: LoweredCall, axis: int) -> Callable[[Any, Any], tuple[int, ...]]:
    """The padding along an axis, as a function of the extents of x and w there."""

    def along(n: Any, k: Any) -> tuple[int, ...]:
        size, kernel = list(call.sizes.size), list(call.sizes.kernel)
        size[axis], kernel[axis] = n, k
        return call.padding_at(tuple(size), tuple(kernel))[axis]

    return along

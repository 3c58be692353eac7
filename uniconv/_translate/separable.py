"""A separable convolution as two calls: the depthwise one, and the 1x1 one after it."""

from __future__ import annotations

from dataclasses import replace

from uniconv._calls.lower import LoweredCall, lower
from uniconv._canonical.layout import Layout
from uniconv._canonical.record import Shape
from uniconv._canonical.steps import Permute
from uniconv._translate.beside import Rewriting
from uniconv.spec.registry import find


def parted(call: LoweredCall) -> tuple[LoweredCall, LoweredCall]:
    """A separable call's two convolutions, the second with what follows the sum.

    The first gives y with the call's own axes, which the second takes for its x.
    """
    assert call.pointwise is not None
    first = replace(call, pointwise=None, scale=1, shift=0, activation=None)
    conv, sizes = call.pointwise
    size = call.conv.output(call.sizes.size, call.sizes.kernel)
    x: Shape = (1, sizes.c, *size)
    w: Shape = (sizes.o, sizes.c // conv.groups, *(1,) * call.rank)
    plain = lower(
        find(f"torch.nn.functional.conv{call.rank}d"), {"groups": conv.groups}, x, w
    )  # in axes of its own, which those of the call take the place of
    own = call.layout
    layout = Layout(own.y.replace("o", "c"), str(call.op.pointwise), own.y, own.ranks)
    second = replace(
        plain,
        layout=layout,
        sizes=replace(plain.sizes, batch=call.y_batch),
        scale=call.scale,
        shift=call.shift,
        activation=call.activation,
    )
    return first, second


def in_a_row(first: Rewriting, second: Rewriting) -> Rewriting:
    """One rewriting of two: the second takes the y of the first, whose axes need not come back."""
    if first.y and second.x:
        back, again = first.y[-1], second.x[0]
        if isinstance(back, Permute) and isinstance(again, Permute):
            moved = [back.order[axis] for axis in again.order]
            if moved == sorted(moved):
                first, second = replace(first, y=first.y[:-1]), replace(second, x=second.x[1:])
    return replace(
        first,
        then=second,
        everywhere=first.everywhere and second.everywhere,
        beside=tuple(dict.fromkeys((*first.beside, *second.beside))),
    )

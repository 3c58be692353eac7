"""The steps of a whole call as functions of torch tensors, compiled in one place.

``uniconv._calls`` puts its checks of dtypes, devices and shapes around what stands here, and goes
past them where only torch's op and permutations are left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from uniconv._canonical.call_steps import CallSteps
from uniconv._canonical.execute import Action, action, chain, compiled, memory_of, order_of
from uniconv._canonical.integers import exact
from uniconv._canonical.overpad import overpadded
from uniconv._canonical.paths import Packing, Path, path
from uniconv._canonical.record import Shape
from uniconv._canonical.runner import Memory, Runner
from uniconv._canonical.steps import Addend, AddRow, Bias, Convolve, DropRow, Step

Convolver = Callable[..., Tensor]
Act = tuple[Step, Action | None]


class Orders(NamedTuple):
    """The permutations of x, w and y where they are all that surrounds a sum; () moves nothing."""

    x: tuple[int, ...]
    w: tuple[int, ...]
    y: tuple[int, ...]


class CompiledCall(NamedTuple):
    """One call compiled.

    convolve: from native x, w (and p) to native y, without what surrounds the sum; integers: the
    same for integers; before, after: each step that does surround it, and what it does to its array
    (None where that takes a second one, as a bias).
    orders: None where more than permutations is done to x or y; run: what convolves between them.
    product: what makes the call one product of native arrays (``product``), where that is its path.
    """

    convolve: Convolver
    integers: Convolver
    before: tuple[Act, ...]
    after: tuple[Act, ...]
    run: Runner
    orders: Orders | None
    product: tuple[Convolve, Memory, Shape] | None


def compiled_call(
    steps: CallSteps, precision: str | None = None, packed: Packing | None = None
) -> CompiledCall:
    """The steps of a call, compiled.

    precision: what cuDNN does with float32 there; packed: what keeps the kernel in blocks.
    """
    memory, of_point = (memory_of(part, steps.rank) for part in (steps.w, steps.p))
    run = compiled(steps.core, precision=precision, memory=memory, packed=packed)
    point = compiled(steps.point, precision=precision, memory=of_point) if steps.point else None
    whole = _convolver(steps, run, point)
    integers = _convolver(steps, exact(run), None if point is None else exact(point))
    before, after = (tuple(map(_act, part)) for part in (steps.before, steps.after))
    enter, kernel, leave = (order_of(part) for part in (steps.x, steps.w, steps.y))
    if kernel is None:  # its groups are split or merged: that becomes part of what convolves
        run, kernel = _with_kernel(run, steps.w), ()
    orders = None if enter is None or leave is None else Orders(enter, kernel, leave)
    return CompiledCall(
        whole, integers, before, after, run, orders, _product(steps, orders, memory, packed)
    )


def path_of_steps(steps: CallSteps, packed: Packing | None = None) -> Path:
    """How torch computes a call: what is chosen from its sizes, and why."""
    if overpadded(steps.core) is not None:
        why = "a wider border, which torch's op makes itself, costs less than an uneven one"
        return Path("over-padded", why, lambda op: op)
    convolve = next((step for step in steps.core if isinstance(step, Convolve)), None)
    if convolve is None:
        return Path("empty", "no window of x holds a pixel", lambda op: op)
    return path(convolve, memory_of(steps.w, steps.rank), packed)


def _act(step: Step) -> Act:
    return step, None if isinstance(step, (Addend, Bias)) else action(step)


def _convolver(steps: CallSteps, run: Runner, point: Runner | None) -> Convolver:
    """From native x, w (and p) to native y, without what surrounds the sum."""
    into, kernel, pointwise, out = (
        chain(list(map(action, part))) for part in (steps.x, steps.w, steps.p, steps.y)
    )

    def convolve(x: Tensor, w: Tensor, bias: Tensor | None, p: Tensor | None = None) -> Tensor:
        y = run(x if into is None else into(x), w if kernel is None else kernel(w), bias)
        if point is not None and p is not None:
            y = point(y, p if pointwise is None else pointwise(p), None)
        return y if out is None else out(y)

    return convolve


def _with_kernel(run: Runner, steps: Sequence[Step]) -> Runner:
    """The same on a kernel as it was before these steps."""
    return run._replace(on_w=chain([*map(action, steps), *filter(None, [run.on_w])]))


def _product(
    steps: CallSteps, orders: Orders | None, memory: Memory, packed: Packing | None
) -> tuple[Convolve, Memory, Shape] | None:
    """What ``as_product`` takes, where the whole call is one product of native arrays."""
    spatial = range(steps.rank)
    first = (0, steps.rank + 1, *(1 + i for i in spatial))  # n ... c as n c ...
    last = (0, *(2 + i for i in spatial), 1)
    if orders is None or (orders.x, orders.y) != (first, last):
        return None
    convolve, *others = (s for s in steps.core if not isinstance(s, (AddRow, DropRow)))
    if others or not isinstance(convolve, Convolve):
        return None
    if path(convolve, memory, packed).name != "product":
        return None
    return convolve, memory, steps.output

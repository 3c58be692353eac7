"""Plans: a lowered call as one callable on tensors, built once and remembered (``cache``).

A plan holds permutations, pads, groups and the chosen path, all functions of the function, its
options and the shapes; so that is the key, without dtype, device or strides.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor, permute

from uniconv._calls.cache import PLANS, frozen, remember
from uniconv._calls.epilogue import Convolver, Plan, checked
from uniconv._calls.hints import misread, would_fit
from uniconv._calls.lower import LoweredCall, lower
from uniconv._calls.memory import guarded
from uniconv._calls.one_frame import one_frame, one_frame_bound
from uniconv._calls.steps import CallSteps, call_steps
from uniconv._canonical.execute import action, chain, compiled, memory_of, order_of
from uniconv._canonical.integers import exact
from uniconv._canonical.overpad import overpadded
from uniconv._canonical.paths import Packing, Path, path
from uniconv._canonical.precision import current
from uniconv._canonical.product import Product, as_bound_product, as_product
from uniconv._canonical.record import Shape
from uniconv._canonical.runner import Memory, Runner
from uniconv._canonical.steps import AddRow, Convolve, DropRow, Step
from uniconv.errors import BadShape, UniconvWarning
from uniconv.spec.op import Op


def plan(op: Op, options: Mapping[str, Any], *shapes: Shape) -> Plan:
    """The plan of a native call: a function (x, w, bias=None, pointwise=None, addend=None) -> y."""
    try:
        call = lower(op, options, *shapes)
    except BadShape as error:
        if not all(type(n) is int for shape in shapes for n in shape):
            raise
        raise BadShape(f"{error}{would_fit(op, options, shapes)}") from None
    suspicion = misread(op, shapes)
    for text in (*call.warnings, *([suspicion] if suspicion else [])):
        warnings.warn(text, UniconvWarning, stacklevel=2)
    return build(call, current())


def planned(
    op: Op, head: tuple[Any, ...], options: Mapping[str, Any], shapes: Sequence[Shape]
) -> tuple[Plan, Any]:
    """The plan of a call, and the addend among its options.

    It is remembered under (head, precision, shapes, options).
    """
    addend = None
    if op.addend and op.addend[0] in options:
        options = dict(options)
        addend = options.pop(op.addend[0])
    if not all(type(n) is int for shape in shapes for n in shape):
        return plan(op, options, *shapes), addend  # sizes are symbols: arithmetic, no dictionary
    key: Any = (*head, current(), *shapes, *options, *map(frozen, options.values()))
    try:
        known = PLANS.get(key)
    except TypeError:  # an option that cannot be part of a key: its rule will say so
        key = known = None
    if known is None:
        known = plan(op, options, *shapes)
        if key is not None:
            remember(key, known)
    return known, addend


def traced_as(function: Callable[..., Any], compiled: Callable[..., Any]) -> None:
    """Let torch.compile trace ``compiled`` for ``function``, which looks sizes up in a dictionary.

    torch marks its own wrappers so (torch/_dynamo/eval_frame.py); asking is_compiling() in every
    call instead costs 2 % of a small one.
    """
    function._torchdynamo_inline = compiled  # type: ignore[attr-defined]


class _Parts(NamedTuple):
    """A call compiled: what convolves; the whole plan, with every check; and the ways past those.

    orders: the permutations of x, w and y where they are all that surrounds the sum, () for what is
    not moved; product: what makes the call one product of native arrays, where that is its path.
    """

    run: Runner
    full: Plan
    orders: tuple[tuple[int, ...], ...] | None
    product: tuple[Convolve, Memory, Shape] | None


def build(call: LoweredCall, precision: str | None = None) -> Plan:
    """Compile the steps of one lowered call: a function of x, w, bias and what else it takes."""
    parts = _compiled(call, precision, None)
    if parts.orders is None:
        return parts.full
    swift = one_frame(parts.run, parts.full, *parts.orders)
    return swift if parts.product is None else _at_once(as_product(*parts.product), swift)


def build_bound(
    call: LoweredCall,
    arrays: tuple[Tensor | None, ...],
    precision: str | None = None,
    packed: Packing | None = None,
) -> Callable[[Any], Any]:
    """The same for arrays (w, bias, ...) that never change: a function of x alone."""
    parts = _compiled(call, precision, packed)
    w, bias, *more = arrays
    full = parts.full
    if parts.orders is None or more or any(a is not None and a.is_meta for a in arrays):
        return lambda x: full(x, *arrays)
    assert w is not None
    return _bound(parts, w, bias)


def _compiled(call: LoweredCall, precision: str | None, packed: Packing | None) -> _Parts:
    steps = call_steps(call)
    memory, of_point = (memory_of(part, call.rank) for part in (steps.w, steps.p))
    run = compiled(steps.core, precision=precision, memory=memory, packed=packed)
    point = compiled(steps.point, precision=precision, memory=of_point) if steps.point else None
    whole = _convolver(steps, run, point)
    integers = _convolver(steps, exact(run), None if point is None else exact(point))
    plain = checked(call, steps, whole, integers)
    full = guarded(plain, call, steps)
    enter, kernel, leave = (order_of(part) for part in (steps.x, steps.w, steps.y))
    if kernel is None:  # its groups are split or merged: that becomes part of what convolves
        run, kernel = _with_kernel(run, steps.w), ()
    unswift = not call.plain or call.restated or call.result or full is not plain
    if unswift or enter is None or leave is None:
        return _Parts(run, full, None, None)
    product = _of_product(call, steps, memory, packed)
    return _Parts(run, full, (enter, kernel, leave), product)


def _with_kernel(run: Runner, steps: Sequence[Step]) -> Runner:
    """The same on a kernel as it was before these steps."""
    return run._replace(on_w=chain([*map(action, steps), *filter(None, [run.on_w])]))


def path_of(call: LoweredCall, packed: Packing | None = None) -> Path:
    """How torch computes a call: what is chosen from its sizes, and why."""
    steps = call_steps(call)
    if overpadded(steps.core) is not None:
        why = "a wider border, which torch's op makes itself, costs less than an uneven one"
        return Path("over-padded", why, lambda op: op)
    convolve = next((step for step in steps.core if isinstance(step, Convolve)), None)
    if convolve is None:
        return Path("empty", "no window of x holds a pixel", lambda op: op)
    return path(convolve, memory_of(steps.w, call.rank), packed)


def _of_product(
    call: LoweredCall, steps: CallSteps, memory: Memory, packed: Packing | None
) -> tuple[Convolve, Memory, Shape] | None:
    """What ``as_product`` takes, where the whole call is one product of native arrays."""
    alone = [step for step in steps.core if not isinstance(step, (AddRow, DropRow))]
    layout, first = call.layout, alone[0]
    last = layout.x == "n ... c" and layout.y == "n ... o" and len(call.sizes.batch) == 1
    if len(alone) > 1 or not isinstance(first, Convolve) or not last:
        return None
    if path(first, memory, packed).name != "product":
        return None
    return first, memory, call.output


def _at_once(whole: Product, otherwise: Plan) -> Plan:
    """The call as a product, and the other way where its arrays are not for that."""

    def run(x: Any, w: Any, bias: Any = None) -> Any:
        try:
            y = whole(x, w, bias)
            if y is not None:
                return y
        except (RuntimeError, TypeError, AttributeError):
            pass
        return otherwise(x, w, bias)

    return run


def _bound(parts: _Parts, w: Tensor, bias: Tensor | None) -> Callable[[Any], Any]:
    """The call of a kernel that lies ready."""
    run, full, orders, of_product = parts
    assert orders is not None
    enter, kernel, leave = orders
    product = None if of_product is None else as_bound_product(*of_product, w, bias)
    ready = permute(w, kernel) if kernel else w
    ready = ready if run.on_w is None else run.on_w(ready)
    swift = one_frame_bound(run, full, enter, leave, (w, ready, bias))
    if product is None:
        return swift

    def multiplied(x: Any) -> Any:
        try:
            y = product(x)
            if y is not None:
                return y
        except (RuntimeError, TypeError, AttributeError):
            pass
        return swift(x)

    return multiplied


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

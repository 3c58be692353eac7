"""Plans: a lowered call as one callable on tensors, built once and remembered (``cache``).

A plan holds permutations, pads, groups and the chosen path, all functions of the function, its
options and the shapes; so that is the key, without dtype, device or strides.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, permute

from uniconv._calls.cache import PLANS, frozen, remember
from uniconv._calls.epilogue import Plan, checked
from uniconv._calls.hints import misread, would_fit
from uniconv._calls.lower import LoweredCall, lower
from uniconv._calls.memory import guarded
from uniconv._calls.one_frame import one_frame, one_frame_bound
from uniconv._calls.steps import call_steps
from uniconv._canonical.compiled_call import CompiledCall, Orders, compiled_call, path_of_steps
from uniconv._canonical.paths import Packing, Path
from uniconv._canonical.precision import current
from uniconv._canonical.product import Product, as_bound_product, as_product
from uniconv._canonical.record import Shape
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


def build(call: LoweredCall, precision: str | None = None) -> Plan:
    """Compile the steps of one lowered call: a function of x, w, bias and what else it takes."""
    compiled, full, is_swift = _compiled(call, precision, None)
    if not is_swift or compiled.orders is None:
        return full
    swift = one_frame(compiled.run, full, *compiled.orders)
    return swift if compiled.product is None else _at_once(as_product(*compiled.product), swift)


def build_bound(
    call: LoweredCall,
    arrays: tuple[Tensor | None, ...],
    precision: str | None = None,
    packed: Packing | None = None,
) -> Callable[[Any], Any]:
    """The same for arrays (w, bias, ...) that never change: a function of x alone."""
    compiled, full, is_swift = _compiled(call, precision, packed)
    w, bias, *more = arrays
    meta = any(a is not None and a.is_meta for a in arrays)
    if not is_swift or compiled.orders is None or more or meta:
        return lambda x: full(x, *arrays)
    assert w is not None
    return _bound(compiled, compiled.orders, full, w, bias)


def path_of(call: LoweredCall, packed: Packing | None = None) -> Path:
    """How torch computes a call: what is chosen from its sizes, and why."""
    return path_of_steps(call_steps(call), packed)


def _compiled(
    call: LoweredCall, precision: str | None, packed: Packing | None
) -> tuple[CompiledCall, Plan, bool]:
    """A call compiled; its whole plan, with every check; and whether these can be gone past."""
    steps = call_steps(call)
    compiled = compiled_call(steps, precision, packed)
    plan = checked(call, compiled)
    full = guarded(plan, call, steps)
    converts = call.op.mixed_dtypes == "fft"  # float16, to float32
    plain = call.plain and not (call.restated or call.result or converts)
    return compiled, full, plain and full is plan


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


def _bound(
    compiled: CompiledCall, orders: Orders, full: Plan, w: Tensor, bias: Tensor | None
) -> Callable[[Any], Any]:
    """The call of a kernel that lies ready."""
    run, of_product = compiled.run, compiled.product
    product = None if of_product is None else as_bound_product(*of_product, w, bias)
    ready = permute(w, orders.w) if orders.w else w
    ready = ready if run.on_w is None else run.on_w(ready)
    swift = one_frame_bound(run, full, orders.x, orders.y, (w, ready, bias))
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

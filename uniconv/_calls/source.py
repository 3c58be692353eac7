"""A call as plain torch code: its steps, printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from uniconv._calls.any_size import size_free
from uniconv._calls.depths import depth
from uniconv._calls.lower import LoweredCall
from uniconv._calls.promotion import common_dtype, computed_in, result_dtype
from uniconv._calls.steps import call_steps
from uniconv._canonical.call_steps import CallSteps
from uniconv._canonical.steps import AnySize, Cast, Conjugate, Saturate, Step
from uniconv._canonical.steps_source import IMPORTS, source
from uniconv.spec.op import NUMPY_INTEGERS


def torch_lines(
    call: LoweredCall,
    dtypes: Mapping[str, str],
    *,
    bias: bool,
    addend: bool = False,
    any_size: AnySize | None = None,
) -> str:
    """Runnable code on torch tensors: x, w, where there are these p, bias and the addend, give y.

    It does so for an x of any spatial size, if that of the call has a window.  The addend goes by
    the function's own name for it, or as ``addend`` where that name is taken.

    dtypes: those of x, w, p and bias, as far as there are these; {} where they are not known.
    bias, addend: whether there are such arrays.
    any_size: the padding for any size, by default what the function's options say.
    """
    note = []
    if any_size is None:
        any_size = size_free(call)
    if any_size is None:
        any_size = AnySize(call.conv.pad)
        note = [f"# the padding is that of an image of {' x '.join(map(str, call.sizes.size))}"]
    steps = typed(call, call_steps(call, any_size), dtypes)
    if dtypes and not any(d.startswith("complex") for d in dtypes.values()):
        steps = (step for step in steps if not isinstance(step, Conjugate))
    lines = source(steps, bias=bias, addend=addend, batch=bool(call.sizes.batch))
    return "\n".join((*IMPORTS, *note, *lines))


def typed(call: LoweredCall, steps: CallSteps, dtypes: Mapping[str, str]) -> Iterable[Step]:
    """The steps with all arrays made of one dtype first; y of integers has its own at the end."""
    if call.op.mixed_dtypes == "depth":
        return _of_depth(call, steps, dtypes)
    common = common_dtype(call.op, dtypes, call.result or "")
    integers = "int" in common or common == "bool"
    if call.op.mixed_dtypes == "x" and call.result and not integers:
        result = call.result
        through = (Cast("y", "int64"),) if "int" in result else ()  # cuts the fraction off
        casts = tuple(Cast(on, common) for on, dtype in dtypes.items() if dtype != common)
        return (*casts, *steps, *through, Cast("y", result))
    if call.op.result_option and call.result and not integers:
        return steps  # which make x and w of the result's dtype
    if call.result is None and not integers:
        result = result_dtype(call.op, dtypes)
        casts = tuple(Cast(on, common) for on, dtype in dtypes.items() if dtype != common)
        return (*casts, *steps, *((Cast("y", result),) if result != common else ()))
    # torch sums 64-bit integers on every CPU, and the last bits of the sum are those of y.
    less = {step.on: step.less for step in steps.before if isinstance(step, Cast)}
    casts = tuple(Cast(on, "int64", less.get(on, 0)) for on in dtypes or ("x", "w"))
    rest = (step for step in steps if step not in steps.before or not isinstance(step, Cast))
    return (*casts, *rest, Cast("y", call.result or result_dtype(call.op, dtypes)))


def _of_depth(call: LoweredCall, steps: CallSteps, dtypes: Mapping[str, str]) -> Iterable[Step]:
    """The steps in floats, and y rounded where it has integers."""
    if not dtypes:
        return steps
    result = depth(call, dtypes["x"])
    whole = result in NUMPY_INTEGERS
    common = "float64" if whole else computed_in(dtypes, result)
    casts = tuple(Cast(on, common) for on, dtype in dtypes.items() if dtype != common)
    last = (Saturate("y", result, call.op.halves == "even"),) if whole else ()
    return (*casts, *steps, *last)

"""A call as plain torch code: its steps, printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce

import torch

from uniconv._calls.lower import LoweredCall
from uniconv._calls.steps import CallSteps, call_steps
from uniconv._canonical.steps import Cast, Step
from uniconv._canonical.steps_source import IMPORTS, source


def torch_lines(call: LoweredCall, dtypes: Mapping[str, str], *, bias: bool) -> str:
    """Runnable code on torch tensors: x, w, where there are these p, bias and the addend, give y.

    The addend goes by the function's own name for it, or as ``addend`` where that name is taken.

    dtypes: those of x, w, p and bias, as far as there are these; {} where they are not known.
    """
    steps = typed(call, call_steps(call, memory_order=False, rows=False), dtypes)
    return "\n".join((*IMPORTS, *source(steps, bias=bias, batch=bool(call.sizes.batch))))


def typed(call: LoweredCall, steps: CallSteps, dtypes: Mapping[str, str]) -> Iterable[Step]:
    """The steps with all arrays made of one dtype first; y of integers has its own at the end."""
    kinds = set(dtypes.values())
    if call.op.result is None and not (kinds and all("int" in d for d in kinds)):
        one = _common(call, dtypes)
        return (*(Cast(on, one) for on, dtype in dtypes.items() if dtype != one), *steps)
    # torch sums 64-bit integers on every CPU, and the last bits of the sum are those of y.
    less = {step.on: step.less for step in steps.before if isinstance(step, Cast)}
    casts = tuple(Cast(on, "int64", less.get(on, 0)) for on in dtypes or ("x", "w"))
    rest = (step for step in steps if step not in steps.before or not isinstance(step, Cast))
    return (*casts, *rest, Cast("y", call.op.result or dtypes["x"]))


def _common(call: LoweredCall, dtypes: Mapping[str, str]) -> str:
    """The dtype that the function computes in."""
    if not dtypes or call.op.mixed_dtypes == "w":
        return dtypes.get("w", "")
    common = reduce(torch.promote_types, (getattr(torch, d) for d in dtypes.values()))
    return str(common).removeprefix("torch.")

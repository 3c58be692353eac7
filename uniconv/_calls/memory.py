"""Calls whose y, or whose x with its border, is larger than the memory.

torch may end the process there (a kill for memory, once a segmentation fault), so that such a call
is refused before it is computed.
"""

from __future__ import annotations

import os
from math import prod
from typing import Any

from uniconv._calls.epilogue import Plan
from uniconv._calls.lower import LoweredCall
from uniconv._canonical.call_steps import CallSteps
from uniconv._canonical.steps import Gather, Spread, Surround
from uniconv._messages import show_shape
from uniconv.errors import BadShape

_FEW = 2**28  # elements; of fewer nothing is asked


def memory() -> int:
    """The bytes of memory of this machine; 2**47, an address space, where it does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**47


def guarded(plan: Plan, call: LoweredCall, steps: CallSteps) -> Plan:
    """The plan itself, or one that looks at the memory first where y or a border is large.

    Only x on the CPU is judged: a device says itself what it cannot hold, and meta tensors hold
    nothing.
    """
    what, shape = _largest(call, steps)
    count = prod(shape)
    if count <= _FEW:
        return plan

    def looking(x: Any, w: Any, *others: Any, **named: Any) -> Any:
        device = getattr(getattr(x, "device", None), "type", "cpu")
        need, there = count * getattr(x.dtype, "itemsize", 4), memory()
        if device == "cpu" and need > there:
            raise BadShape(
                f"{call.op.name}: {what} is {show_shape(shape)}, {need} bytes, and there are "
                f"{there} bytes of memory: make stride, padding or dilation such that it fits"
            )
        return plan(x, w, *others, **named)

    return looking


def _largest(call: LoweredCall, steps: CallSteps) -> tuple[str, tuple[int, ...]]:
    """The larger of y and, where one is made, x within its border: what it is, and its shape."""
    conv, sizes = call.conv, call.sizes
    y = call.output
    if not all(type(n) is int for n in (*y, *sizes.size)):
        return "y", ()
    spans = zip(sizes.size, conv.lhs_dilation, conv.pad)
    padded = tuple((n - 1) * d + 1 + lo + hi for n, d, (lo, hi) in spans)
    x = (*sizes.batch, sizes.c, *padded)
    made = any(s.on == "x" and isinstance(s, (Surround, Gather, Spread)) for s in steps.core)
    return ("x with its border", x) if made and prod(x) > prod(y) else ("y", y)

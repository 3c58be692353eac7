"""One frame: a plan's common call as a function that is written for it, step by step in one line.

Beside the 10 us of a small convolution everything counts that a general function would do: a frame
for every step, permutations that move nothing, arguments unpacked where there are none.  So the
text of the function has just the steps that there are:

    return permute(op(permute(x, enter), permute(w, kernel), bias, arg0), leave)

Texts differ by which steps there are, never by their numbers, which are names in them; so there are
few, each compiled once.  What torch refuses there, the whole plan ``full`` does or explains.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import CodeType
from typing import Any

from torch import Tensor, bfloat16, float16, float32, float64, permute

from uniconv._calls.epilogue import Plan
from uniconv._canonical.runner import Runner

Order = tuple[int, ...]

_DIRECT = (float32, float64, bfloat16, float16)  # every function has them

# Torch refuses two dtypes or devices itself, but for a meta kernel: its values are noise.
_OF_ARRAYS = """
def plan(x, w, bias=None):
    try:
        if x.dtype in dtypes and not w.is_meta and (bias is None or not bias.is_meta):
            return {y}
    except (RuntimeError, TypeError, AttributeError):
        pass
    return full(x, w, bias)
"""

_OF_X = """
def plan(x):
    try:
        if x.dtype in dtypes:
            return {y}
    except (RuntimeError, TypeError, AttributeError):
        pass
    return full(x, w, bias)
"""


def one_frame(run: Runner, full: Plan, enter: Order, kernel: Order, leave: Order) -> Plan:
    """The call as a function of x, w and bias.

    enter, kernel, leave: the permutations of x, w and y, () where nothing is moved.
    """
    w = _after(run.on_w, "on_w", _moved("w", "kernel", kernel))
    scope = {"full": full, "enter": enter, "kernel": kernel, "leave": leave}
    return _made(_OF_ARRAYS, run, w, scope)


def one_frame_bound(
    run: Runner, full: Plan, enter: Order, leave: Order, arrays: tuple[Tensor, Tensor, Any]
) -> Callable[[Any], Any]:
    """The same as a function of x alone.

    arrays: the kernel as ``full`` takes it, the same as torch's op takes it, and the bias.
    """
    w, ready, bias = arrays
    scope = {"full": full, "enter": enter, "leave": leave, "w": w, "ready": ready, "bias": bias}
    return _made(_OF_X, run, "ready", scope)


def _made(text: str, run: Runner, w: str, scope: dict[str, Any]) -> Callable[..., Any]:
    x = _after(run.on_x, "on_x", _moved("x", "enter", scope["enter"]))
    names = [f"arg{i}" for i in range(len(run.args))]
    y = _moved(f"op({', '.join([x, w, 'bias', *names])})", "leave", scope["leave"])
    scope |= {"op": run.op, "on_x": run.on_x, "on_w": run.on_w, **dict(zip(names, run.args))}
    scope |= {"permute": permute, "dtypes": _DIRECT}
    exec(_compiled(text.format(y=y)), scope)
    plan: Callable[..., Any] = scope["plan"]
    return plan


@cache
def _compiled(text: str) -> CodeType:
    return compile(text, "<a plan of uniconv>", "exec")


def _moved(array: str, name: str, order: Order) -> str:
    return f"permute({array}, {name})" if order else array


def _after(step: Callable[..., Any] | None, name: str, array: str) -> str:
    return array if step is None else f"{name}({array})"

"""native("knet.conv4"): a function with the framework's own signature and argument order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, cast

from uniconv._calls.arguments import is_plain
from uniconv._calls.cache import CALLS, remember_call
from uniconv._calls.plan import planned, traced_as
from uniconv._canonical.precision import current, in_block
from uniconv._describe import describe
from uniconv._functional import run_op
from uniconv.errors import BadOption, UniconvError, from_one_frame
from uniconv.spec.op import Op
from uniconv.spec.registry import find, names_below
from uniconv.spec.rules import REQUIRED
from uniconv.typing import Dialect


@from_one_frame
def native(dialect: str) -> Callable[..., Any]:
    """The framework function ``dialect`` as a Python function: its arguments, order and defaults.

    Layouts, options and refusals are those of ``uniconv show NAME``; arrays may be torch tensors,
    NumPy arrays or arrays with DLPack, and y is of x's kind.

    Raises:
        UnknownName: no function of that name; a bare family name does not say which.
        and, when the function is called, the errors of ``uniconv.conv``.

    Knet's conv4 takes the kernel first:

    >>> import numpy as np
    >>> conv4 = native("knet.conv4")
    >>> w, x = np.array([1, 10, 100.0]).reshape(3, 1, 1), np.array([1, 2, 3, 4.0]).reshape(4, 1, 1)
    >>> conv4(w, x, mode=1).ravel()
    array([321., 432.])
    """
    return _made(find(dialect).name)


@cache
def _made(name: str) -> Callable[..., Any]:
    op = find(name)
    defaults = {p: op.default(p) for p in op.params.split() if ":" not in p and p != "*"}
    defaults |= dict.fromkeys(_keywords(op, defaults))
    scope: dict[str, Any] = {f"_{p}": default for p, default in defaults.items()}
    scope |= {"_either": partial(_either, op), "_calls": CALLS, "_current": current}
    scope |= {
        "_error": UniconvError,
        "_plan": _planner(op, defaults),
        "_compile": _compiler(op, defaults),
    }
    # As dataclasses do: only a real signature binds fast and shows in help().
    exec(_source(op, defaults), scope)
    function: Callable[..., Any] = scope[_short(op)]
    function.__module__, function.__qualname__ = __name__, op.name
    function.__doc__ = describe(cast(Dialect, op.name))
    traced_as(function, scope["_compiled"])
    return function


def _short(op: Op) -> str:
    return op.name.rpartition(".")[2]


def _source(op: Op, defaults: dict[str, Any]) -> str:
    """The text of the function: its signature, a remembered plan, else ``_plan``."""
    params: list[str] = []
    for param in op.params.split():
        role, _, name = param.rpartition(":")
        twice = len(op.array_names(role)) > 1  # tf.compat.v1 has filter and filters
        if role == "bias" or twice:
            params.append(f"{name}=None")
        elif (
            role or name == "*" or (defaults[name] is REQUIRED and "=" not in "".join(params[-1:]))
        ):
            params.append(name)
        else:
            params.append(f"{name}=_{name}")
    if "*" not in params and _keywords(op, params):
        params.append("*")
    params += (f"{word}=None" for word in _keywords(op, op.params.split()))
    x, w, bias, pointwise = (_array(op, role) for role in ("x", "w", "bias", "p"))
    values = "".join(f"{o}, " for o in defaults)
    same = "".join(f" and _of_{o} is {o}" for o in defaults)
    objects = "".join(f"_of_{o}, " for o in defaults)
    signature = ", ".join(params)
    return f"""
def {_short(op)}({signature}):
    _x, _w = {x}, {w}
    try:
        for _run, _precision, ({objects}) in _calls["{op.name}", _x.shape, _w.shape]:
            if _precision == _current(){same}:
                break
        else:
            _run = None
    except (KeyError, TypeError, AttributeError, RuntimeError):
        _run = None
    try:
        if _run is None:
            return _plan(_x, _w, {bias}, {pointwise}, ({values}))
        return _run(_x, _w, {bias})
    except _error as _raised:
        raise _raised.with_traceback(None) from _raised.__cause__

def _compiled({signature}):
    return _compile({x}, {w}, {bias}, {pointwise}, ({values}))
"""


def _keywords(op: Op, params: Iterable[str]) -> list[str]:
    """The constructor words that stand in no parameter list: keywords, in the order of the spec."""
    return [word for word in op.constructor_words if word not in params]


def _array(op: Op, role: str) -> str:
    """The expression for an array; of two spellings, the one that is given."""
    names = op.array_names(role)
    if len(names) > 1:
        return f"_either({', '.join(f'{n}={n}' for n in names)})"
    return names[0] if names else "None"


def _planner(op: Op, defaults: dict[str, Any]) -> Callable[..., Any]:
    """What a native function does for which no plan is remembered: it remembers one."""
    addend = op.addend[0] if op.addend else ""

    def run(x: Any, w: Any, bias: Any, pointwise: Any, values: tuple[Any, ...]) -> Any:
        options = {n: v for n, v in zip(defaults, values) if v is not defaults[n]}
        y = run_op(op, ("native", op.name), x, w, bias, None, options, pointwise)
        one_kernel = pointwise is None and options.get(addend) is None
        if one_kernel and is_plain(op, x, w, options):
            made, _ = planned(op, ("native", op.name), options, [x.shape, w.shape])
            remember_call((op.name, x.shape, w.shape), made, current(), values)
        return y

    return run


def _compiler(op: Op, defaults: dict[str, Any]) -> Callable[..., Any]:
    """What a native function does inside torch.compile and torch.export."""

    def run(x: Any, w: Any, bias: Any, pointwise: Any, values: tuple[Any, ...]) -> Any:
        from uniconv._calls.graph import in_graph

        options = {n: v for n, v in zip(defaults, values) if v is not defaults[n]}
        return in_graph(None, op.name, x, w, bias, pointwise, options, in_block())

    return run


def _either(op: Op, **spellings: Any) -> Any:
    """The one array that two spellings of an argument give."""
    arrays = {name: a for name, a in spellings.items() if a is not None}
    if len(arrays) != 1:
        what = "both of" if arrays else "one of"
        verb = "are given" if arrays else "is missing"
        raise BadOption(f"{op.name}: {what} {', '.join(spellings)} {verb}; give exactly one")
    return arrays.popitem()[1]


class _Names:
    """A function's full name, part by part: so pickle finds ``tf.nn.conv2d`` in this module."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        path = f"{self._path}.{name}"
        below = () if name.startswith("_") else names_below(path)
        if path in below:
            return _made(path)
        if not below:
            raise AttributeError(f"no function is named {path}")
        return _Names(path)


def __getattr__(name: str) -> Any:
    if name.startswith("_") or not names_below(name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _Names(name)

"""Remembered plans: what a call is looked up by, so that nothing is read or checked twice.

PLANS  by the values of its options and their types: 1, True and 1.0 are equal, and hash alike,
       but a function that takes 1 may refuse the others
CALLS  by shapes, then by the very objects that its options are.  Asking whether they are those
       costs a small call less than asking for values and types; the objects are kept, so that no
       other one can take the place of one in memory, and they are such that nothing can change them
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from uniconv._calls.epilogue import Plan

PLANS: dict[Any, Plan] = {}
# Under (whose call, shape of x, shape of w) the last calls with these shapes, the latest first:
# plan, precision and options, by name where a call says names.
CALLS: dict[Any, tuple[tuple[Plan, str | None, Any], ...]] = {}

_MOST = 4096
_MOST_ALIKE = 8
_ATOMS = (int, str, bool, float, type(None))


def remember(key: Any, made: Plan) -> None:
    """Keep a plan by what ``frozen`` makes of its options; all are dropped when there are many."""
    if len(PLANS) >= _MOST:
        PLANS.clear()
    PLANS[key] = made


def remember_call(
    key: tuple[Any, ...],
    made: Plan,
    precision: str | None,
    options: tuple[Any, ...] | Mapping[str, Any],
) -> None:
    """Keep a plan for calls with these objects, unless one of them could change."""
    values = options.values() if isinstance(options, Mapping) else options
    if not all(map(_constant, values)):
        return
    if len(CALLS) >= _MOST:
        CALLS.clear()
    CALLS[key] = ((made, precision, options), *CALLS.get(key, ())[: _MOST_ALIKE - 1])


def _constant(value: Any) -> bool:
    """Whether an object is what it is for ever."""
    return type(value) in _ATOMS or (type(value) is tuple and all(map(_constant, value)))


def frozen(value: Any) -> Any:
    """A value as part of a key, all the way down, with the type of all but int, str and tuple.

    A tensor that needs a gradient stays itself: it is no number.

    >>> frozen((1, "SAME")), frozen([1, True])
    ((1, 'SAME'), (<class 'list'>, 1, (<class 'bool'>, True)))
    """
    kind = type(value)
    if kind is int or kind is str or value is None:
        return value
    if kind is tuple:
        return tuple(map(frozen, value))
    if isinstance(value, (list, tuple)):
        return (kind, *map(frozen, value))
    if isinstance(value, type) or not hasattr(value, "tolist"):  # np.float32 has a tolist, too
        return kind, value
    if getattr(value, "requires_grad", False):
        return value
    return kind, value.dtype, frozen(value.tolist())

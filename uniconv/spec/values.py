"""Numbers as frameworks take them."""

from __future__ import annotations

import operator
import re
from ast import literal_eval
from collections.abc import Mapping, Set
from typing import Any

__all__ = [
    "LARGEST",
    "from_text",
    "integer",
    "integers",
    "largest",
    "list_from_text",
    "not_negative",
    "plain",
]

LARGEST = 2**31 - 1
_VALUE = re.compile(r"True|False|None|-?[0-9]+|[(\[]\s*(-?[0-9]+L?\s*,\s*)*(-?[0-9]+L?\s*)?[)\]]")


def plain(value: Any) -> Any:
    """The number that an array without axes holds; anything else as it is.

    A tensor that needs a gradient stays one: as a number it would lose it.
    """
    if getattr(value, "ndim", None) != 0 or not hasattr(value, "item"):
        return value
    return value if getattr(value, "requires_grad", False) else value.item()


def from_text(value: Any) -> Any:
    """What a text says in Python: True, False, None, an integer, or a list of them.

    Python 2 wrote (3L, 3L).  Any other text, and what is no text, stays as it is.

    >>> from_text("(2, 1)"), from_text("[3L]"), from_text("2"), from_text("NCHW")
    ((2, 1), [3], 2, 'NCHW')
    """
    if not isinstance(value, str) or not _VALUE.fullmatch(value.strip()):
        return value
    return literal_eval(value.strip().replace("L", ""))


def list_from_text(value: Any) -> Any:
    """The same of a list: an integer is one of one entry, an empty one says nothing.

    >>> list_from_text("2"), list_from_text(())
    ((2,), None)
    """
    value = from_text(value)
    one = integer(value)
    if one is not None:
        return (one,)
    return None if integers(value) == () else value


def integers(value: object) -> tuple[int, ...] | None:
    """A sequence of integers as a tuple; None for anything else (words, floats, booleans)."""
    if isinstance(value, (str, bytes, Mapping, Set)) or not hasattr(value, "__iter__"):
        return None
    if not hasattr(value, "__len__") or getattr(value, "ndim", 1) != 1:
        return None  # an iterator is used up by reading it; an array counts as a list
    entries = [integer(v) for v in value]
    return None if None in entries else tuple(v for v in entries if v is not None)


def integer(value: object) -> int | None:
    """An integer of at most 32 bits; None for anything else, booleans and floats included."""
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return None
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None
    return number if -LARGEST - 1 <= number <= LARGEST else None


def not_negative(value: object) -> object:
    """The value, which may be a nested list, with 0 in the place of negative integers."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(not_negative, value))
    return max(value, 0) if isinstance(value, int) else value


def largest(value: object) -> int:
    """The largest whole number in nested lists; 0 where there is none."""
    if isinstance(value, (list, tuple)):
        return max(map(largest, value), default=0)
    return value if isinstance(value, int) else 0

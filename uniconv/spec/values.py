"""Numbers as frameworks take them."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Set
from typing import Any

__all__ = ["LARGEST", "integer", "integers", "largest", "not_negative", "plain"]

LARGEST = 2**31 - 1


def plain(value: Any) -> Any:
    """The number that an array without axes holds; anything else as it is.

    A tensor that needs a gradient stays one: as a number it would lose it.
    """
    if getattr(value, "ndim", None) != 0 or not hasattr(value, "item"):
        return value
    return value if getattr(value, "requires_grad", False) else value.item()


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

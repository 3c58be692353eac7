"""Padding words and forms: what a framework's padding argument says, as pairs (before, after).

A word is a pure function (size, effective kernel, stride) -> (before, after), for one axis.
A form reads and writes explicit numbers.  semantics differ: "same" is not one rule.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from uniconv.canonical import Pairs
from uniconv.layout import axes

Word = Callable[[int, int, int], tuple[int, int]]


def valid(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """No padding."""
    return 0, 0


def same_upper(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """As little as gives ceil(size / stride) outputs; the odd pixel after (TensorFlow)."""
    total = max(((size + stride - 1) // stride - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def same_total(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """kernel - 1 in all, whatever the stride; the odd pixel after (PyTorch)."""
    return (kernel - 1) // 2, kernel - 1 - (kernel - 1) // 2


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
    return number if -(2**31) <= number < 2**31 else None


@dataclass(frozen=True, slots=True)
class Form:
    """How explicit padding is written: ``describe`` is the text for errors and pages."""

    describe: str
    read: Callable[[object, str, int], Pairs | None]
    write: Callable[[Pairs, str], object | None]


def _read_symmetric(value: object, pattern: str, rank: int) -> Pairs | None:
    one = integer(value)
    entries = (one,) * rank if one is not None else integers(value)
    if entries is None or len(entries) not in (1, rank) or min(entries) < 0:
        return None
    return tuple((p, p) for p in (entries * rank if len(entries) == 1 else entries))


def _write_symmetric(pairs: Pairs, pattern: str) -> object | None:
    if any(lo != hi or lo < 0 for lo, hi in pairs):
        return None
    return tuple(lo for lo, _ in pairs) if len(set(pairs)) > 1 else pairs[0][0]


def _read_layout_pairs(value: object, pattern: str, rank: int) -> Pairs | None:
    if not isinstance(value, (list, tuple)):
        return None
    letters = axes(pattern, rank)
    pairs = [integers(v) if isinstance(v, (list, tuple)) else None for v in value]
    if len(pairs) != len(letters) or any(p is None or len(p) != 2 or min(p) < 0 for p in pairs):
        return None
    named: dict[str, Sequence[int]] = {a: p for a, p in zip(letters, pairs) if p is not None}
    if any(a in "nc" and sum(named[a]) for a in letters):
        return None
    return tuple((named[f"s{i}"][0], named[f"s{i}"][1]) for i in range(rank))


def _write_layout_pairs(pairs: Pairs, pattern: str) -> object | None:
    if any(min(p) < 0 for p in pairs):
        return None
    named = {f"s{i}": list(p) for i, p in enumerate(pairs)}
    return [named.get(a, [0, 0]) for a in axes(pattern, len(pairs))]


SYMMETRIC = Form(
    "an integer of at least 0, or one per spatial axis: as many pixels before as after",
    _read_symmetric,
    _write_symmetric,
)
LAYOUT_PAIRS = Form(
    "a list of pairs [before, after], one per axis of x in data_format order, "
    "batch and channels [0, 0], none negative",
    _read_layout_pairs,
    _write_layout_pairs,
)

"""Forms: how explicit padding numbers are written, with a reader and a writer each.

How to read this: one padding, 1 before and 2 after the height, 3 before and 4 after the width, is
``((1, 2), (3, 4))`` in the record.  Frameworks write it as PAIRS ``[(1, 2), (3, 4)]``, INTERLEAVED
``[1, 2, 3, 4]``, LOWS_HIGHS ``([1, 3], [2, 4])`` or, of x "n ... c", LAYOUT_PAIRS ``[[0, 0], [1,
2], [3, 4], [0, 0]]``; SYMMETRIC and the like cannot say it, only ``(1, 3)`` for ((1, 1), (3, 3)).

``read(value, pattern, rank)`` gives pairs, one for each of ``rank`` spatial axes in axis order, or
None where the value is not of this form: the rule that asked then raises, in the option's name.
``write(pairs, pattern)`` gives the plainest value, or None where the form cannot say them.  pattern
is x's, for forms that have an entry for every axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from uniconv._canonical.layout import axes
from uniconv._canonical.record import Pairs
from uniconv.spec.values import integer, integers

__all__ = [
    "EACH",
    "EACH_ALIKE",
    "INTERLEAVED",
    "LAYOUT_PAIRS",
    "LOWS_HIGHS",
    "PAIRS",
    "SYMMETRIC",
    "Form",
    "alike",
    "last_first",
    "non_negative",
    "one_of",
    "or_nothing",
    "read_interleaved",
    "tuples_only",
]


@dataclass(frozen=True, slots=True)
class Form:
    """How explicit padding is written: ``describe`` is the text for errors and pages.

    >>> INTERLEAVED.read([1, 2, 3, 4], "n c ...", 2)
    ((1, 2), (3, 4))
    >>> LAYOUT_PAIRS.write(((1, 2), (3, 4)), "n ... c")
    [[0, 0], [1, 2], [3, 4], [0, 0]]
    """

    describe: str
    read: Callable[[object, str, int], Pairs | None]
    write: Callable[[Pairs, str], object | None]


def _read_symmetric(value: object, pattern: str, rank: int) -> Pairs | None:
    """2, [2] or, for two axes, [2, 3]: as many before as after, at least 0.

    [2] is 2 for every axis; a list of another length than 1 and the number of axes is None.
    """
    one = integer(value)
    entries = (one,) * rank if one is not None else integers(value)
    if entries is None or len(entries) not in (1, rank) or min(entries, default=0) < 0:
        return None
    return tuple((p, p) for p in (entries * rank if len(entries) == 1 else entries))


def _write_symmetric(pairs: Pairs, pattern: str) -> object | None:
    """One number where all are equal, else one per axis; None for uneven pairs and crops."""
    if any(lo != hi or lo < 0 for lo, hi in pairs):
        return None
    return tuple(lo for lo, _ in pairs) if len(set(pairs)) > 1 else pairs[0][0] if pairs else 0


def _read_layout_pairs(value: object, pattern: str, rank: int) -> Pairs | None:
    """One pair for each axis of x; those of batch and channels must be zeros, or it is None."""
    if not isinstance(value, (list, tuple)):
        return None
    letters = axes(pattern, rank)
    pairs = [integers(v) if isinstance(v, (list, tuple)) else None for v in value]
    if len(pairs) != len(letters) or any(p is None or len(p) != 2 or min(p) < 0 for p in pairs):
        return None
    # By letter, so that one form serves NHWC and NCHW; what pads batch or channels is refused.
    named: dict[str, Sequence[int]] = {a: p for a, p in zip(letters, pairs) if p is not None}
    if any(a in "nc" and sum(named[a]) for a in letters):
        return None
    return tuple((named[f"s{i}"][0], named[f"s{i}"][1]) for i in range(rank))


def _write_layout_pairs(pairs: Pairs, pattern: str) -> object | None:
    """One pair for each axis of x, zeros for batch and channels; None for crops."""
    if any(min(p) < 0 for p in pairs):
        return None
    named = {f"s{i}": list(p) for i, p in enumerate(pairs)}
    return [named.get(a, [0, 0]) for a in axes(pattern, len(pairs))]


SYMMETRIC = Form(
    "an integer of at least 0, or one per spatial axis: as many pixels before as after",
    _read_symmetric,
    _write_symmetric,
)


def alike(least: int | None = 0, *, alone: bool = False) -> Form:
    """An integer, or one per axis, the same before and after; least None: negative to crop.

    alone: only an integer.
    """

    # ``(one,) * rank`` only for a single integer: a list of one is not one for all, but one per
    # axis.
    def read(value: object, pattern: str, rank: int) -> Pairs | None:
        one = integer(value)
        entries = (one,) * rank if one is not None else None if alone else integers(value)
        if (
            entries is None
            or len(entries) != rank
            or (least is not None and min(entries, default=least) < least)
        ):
            return None
        return tuple((p, p) for p in entries)

    def write(pairs: Pairs, pattern: str) -> object | None:
        small = least is not None and min(map(min, pairs), default=0) < least
        if small or any(lo != hi for lo, hi in pairs) or (alone and len(set(pairs)) > 1):
            return None
        return tuple(lo for lo, _ in pairs) if len(set(pairs)) > 1 else pairs[0][0] if pairs else 0

    bound = "negative to crop" if least is None else f"at least {least}"
    several = "" if alone else ", or one per spatial axis"
    text = f"an integer{several} ({bound}): as many pixels before as after"
    return Form(text, read, write)


LAYOUT_PAIRS = Form(
    "a list of pairs [before, after], one per axis of x in data_format order, "
    "batch and channels [0, 0], none negative",
    _read_layout_pairs,
    _write_layout_pairs,
)


def _read_pairs(value: object, pattern: str, rank: int) -> Pairs | None:
    """[(1, 2), (3, 4)], one pair per spatial axis; a pair may be a list, and negative.

    An array of two axes is a list of lists.
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, (list, tuple)) or len(value) != rank:
        return None
    pairs = [integers(v) if isinstance(v, (list, tuple)) else None for v in value]
    if any(p is None or len(p) != 2 for p in pairs):
        return None
    return tuple((p[0], p[1]) for p in pairs if p is not None)


def read_interleaved(value: object, pattern: str, rank: int) -> Pairs | None:
    """[1, 2, 3, 4]: before and after of the first axis, then of the next."""
    entries = integers(value)
    if entries is None or len(entries) != 2 * rank:
        return None
    return tuple(zip(entries[::2], entries[1::2]))


def _read_each(value: object, pattern: str, rank: int) -> Pairs | None:
    """2, or one entry per axis: an integer for both sides, or a tuple (before, after)."""
    one = integer(value)
    entries = (one,) * rank if one is not None else value
    if not isinstance(entries, (list, tuple)) or len(entries) != rank:
        return None
    pairs = [integers(v) if isinstance(v, tuple) else (integer(v),) * 2 for v in entries]
    whole = [p for p in pairs if p is not None and len(p) == 2 and None not in p]
    return tuple((lo, hi) for lo, hi in whole) if len(whole) == rank else None  # type: ignore[misc]


def _write_each(pairs: Pairs, pattern: str) -> object | None:
    """The shortest of these: [(1, 2), 3]; one integer where all sides of all axes are equal."""
    written = [lo if lo == hi else (lo, hi) for lo, hi in pairs]
    return written[0] if len(set(pairs)) == 1 and isinstance(written[0], int) else written


EACH = Form(
    "an integer, or a list with an integer or a tuple (before, after) for each spatial axis, "
    "negative to crop",
    _read_each,
    _write_each,
)


PAIRS = Form(
    "a list of pairs (before, after), one per spatial axis, negative to crop",
    _read_pairs,
    lambda pairs, pattern: list(pairs),
)


INTERLEAVED = Form(
    "a list of before and after of each spatial axis in turn, negative to crop",
    read_interleaved,
    lambda pairs, pattern: [p for pair in pairs for p in pair],
)


# cuDNN's pre_padding and post_padding, OpenVINO's pads_begin and pads_end.
LOWS_HIGHS = Form(
    "two lists, of what is before and of what is after each spatial axis, negative to crop",
    lambda value, pattern, rank: _read_lows_highs(value, rank),
    lambda pairs, pattern: ([lo for lo, _ in pairs], [hi for _, hi in pairs]),
)


def _read_lows_highs(value: object, rank: int) -> Pairs | None:
    """([1, 3], [2, 4]): what is before all axes, then what is after them."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return None
    lows, highs = (integers(v) for v in value)
    if lows is None or highs is None or {len(lows), len(highs)} != {rank}:
        return None
    return tuple(zip(lows, highs))


def last_first(pairs: Pairs | None) -> Pairs | None:
    """Pairs whose first entry is the last axis, in axis order; None stays None."""
    return None if pairs is None else pairs[::-1]


def non_negative(form: Form) -> Form:
    """The same form where it refuses to crop; its text then says "none negative"."""

    def write(pairs: Pairs, pattern: str) -> object | None:
        return None if min(map(min, pairs), default=0) < 0 else form.write(pairs, pattern)

    def read(value: object, pattern: str, rank: int) -> Pairs | None:
        pairs = form.read(value, pattern, rank)
        return None if pairs is None or min(map(min, pairs), default=0) < 0 else pairs

    return Form(form.describe.replace("negative to crop", "none negative"), read, write)


def or_nothing(form: Form) -> Form:
    """The same form where None, whole or in a part, stands for zeros.

    ``([1, 2], None)`` in LOWS_HIGHS: pixels before, none after.
    """

    def read(value: object, pattern: str, rank: int) -> Pairs | None:
        if isinstance(value, tuple):
            value = tuple([0] * rank if part is None else part for part in value)
        return form.read(value, pattern, rank)

    return Form(form.describe, read, form.write)


def one_of(*forms: Form) -> Form:
    """Whichever form reads the value; the first that can say it writes it.

    So the plainest form stands first: a function that takes an integer or pairs is written an
    integer where that says it.
    """

    def read(value: object, pattern: str, rank: int) -> Pairs | None:
        read = (form.read(value, pattern, rank) for form in forms)
        return next((pairs for pairs in read if pairs is not None), None)

    def write(pairs: Pairs, pattern: str) -> object | None:
        written = (form.write(pairs, pattern) for form in forms)
        return next((value for value in written if value is not None), None)

    return Form(", or ".join(form.describe for form in forms), read, write)


def tuples_only(form: Form) -> Form:
    """The same form where lists are refused."""

    def read(value: object, pattern: str, rank: int) -> Pairs | None:
        return None if isinstance(value, list) else form.read(value, pattern, rank)

    # What it is given as tuples (NNlib's pad) is written as tuples, too.
    def write(pairs: Pairs, pattern: str) -> object | None:
        value = form.write(pairs, pattern)
        return tuple(value) if isinstance(value, list) else value

    return Form(form.describe.replace("list", "tuple"), read, write)


# One number per axis, never one for all.
EACH_ALIKE = Form(
    "a list of integers of at least 0, one per spatial axis: as many pixels before as after",
    lambda value, pattern, rank: (
        None if integer(value) is not None else alike().read(value, pattern, rank)
    ),
    lambda pairs, pattern: (
        [lo for lo, _ in pairs] if all(lo == hi >= 0 for lo, hi in pairs) else None
    ),
)

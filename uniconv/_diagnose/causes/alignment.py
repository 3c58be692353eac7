"""Pixels that are moved or lost: x cropped or aligned by one, an end of y that is a constant.

They look like another padding, and inside they are: only the rim tells them apart, where a pixel
that is lost is not there to be padded.  An end of y is a constant where a result was made one row
too short and filled up (a ``roll`` of it, a cropped deconvolution), or where a shift ran out of x.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from uniconv._diagnose.causes.arrays import resized
from uniconv._diagnose.causes.readings import names
from uniconv._diagnose.hypothesis import Array, Change, Hypothesis, LabelledArray, altered


def input_crop(model: Hypothesis) -> Iterator[Hypothesis]:
    """x without its first or last pixel, or moved by one: on one axis, or on all."""
    # Per axis, and of all axes at once: without the first pixel, the last, both; moved forwards and
    # back, with zeros for what is missing or round the end.  Moving by one pixel is what half-pixel
    # centres and off-by-one crops do.
    rank = model.problem.rank
    if min(model.x.shape[2:], default=0) < 3:
        return
    for which in (*([a] for a in range(rank)), *([list(range(rank))] if rank > 1 else [])):
        on = names(model, which)
        for text, first, last in (
            (f"x is cropped: its first pixel on {on} is missing", 1, 0),
            (f"x is cropped: its last pixel on {on} is missing", 0, 1),
            (f"x is cropped by a pixel on all sides of {on}", 1, 1),
        ):
            cut = tuple(
                slice(first, -last or None) if a in which else slice(None) for a in range(rank)
            )
            change = Change(
                "crop of x", "whole", "cropped", text, 1.7, _along(model, which, first, last)
            )
            change = change.but(undo="give x whole there")
            yield from resized(model, model.but(change, x=model.x[(..., *cut)]))
        for by, rolled in product((1, -1), (False, True)):
            x = _moved_input(model, which, by, rolled=rolled)
            how = "round its end (numpy.roll)" if rolled else "with zeros for what is missing"
            text = f"x is moved by {by} pixel{'s' if by < 0 else ''} on {on}, {how}"
            change = Change(
                "alignment of x", "in place", f"moved by {by}", text, 1.8 + 0.1 * rolled
            )
            code = _moved(model.problem.x, which, by, rolled=rolled)
            yield model.but(change.but(code=code, undo="do not move x there"), x=x)


def _moved_input(model: Hypothesis, which: list[int], by: int, *, rolled: bool) -> Array:
    """x moved by one pixel along some axes, as a view."""
    # Of x with one pixel more on each side, zeros or x from its other end, every move is a part:
    # two copies are made, not one for each move.
    problem, x = model.problem, model.x
    if problem.surrounded[0] is not x:
        rim = [(0, 0), (0, 0), *[(1, 1)] * (x.ndim - 2)]
        problem.surrounded = (x, np.pad(x, rim), np.pad(x, rim, mode="wrap"))
    inside = tuple(
        slice(1 - by, 1 - by + n) if a in which else slice(1, 1 + n)
        for a, n in enumerate(x.shape[2:])
    )
    return np.asarray(problem.surrounded[1 + rolled][(slice(None), slice(None), *inside)])


def _along(
    model: Hypothesis, which: list[int], first: int, last: int
) -> tuple[tuple[str, str], ...]:
    """Code for x without pixels at an end."""
    own = model.problem.x
    part = f"{first or ''}:{-last or ''}"
    return _index("x", own, {f"s{i}": part for i in which})


def _index(role: str, own: LabelledArray, parts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Code for an array of which only a part of some axes is taken."""
    index = [parts.get(letter, ":") for letter in own.own_letters]
    while index and index[-1] == ":":
        index.pop()
    return ((role, f"{{}}[{', '.join(index)}]"),) if index else ()


def _moved(
    own: LabelledArray, which: list[int], by: int, *, rolled: bool
) -> tuple[tuple[str, str], ...]:
    """Code for x moved by a pixel."""
    letters = own.own_letters
    at = [letters.index(f"s{a}") for a in which]
    if rolled:
        return (("x", f"numpy.roll({{}}, {[by] * len(at)}, {at})"),)
    end = (1, 0) if by > 0 else (0, 1)
    pads = [end if i in at else (0, 0) for i in range(len(letters))]
    part = ":-1" if by > 0 else "1:"
    index = ", ".join(part if i in at else ":" for i in range(len(letters)))
    return (("x", f"numpy.pad({{}}[{index}], {pads})"),)


def output_ends(model: Hypothesis) -> Iterator[Hypothesis]:
    """y whose first or last places along an axis are a constant: the rest in place, or moved.

    What remains is a shorter y, from a padding that begins elsewhere.
    """
    # An example: y of 7 rows whose last is 0, beside a shift by 1: rows 0 to 5 of y are rows 1 to 6
    # of the result, so that the first window begins a stride later.
    conv, y = model.conv, model.y
    if y.ndim != conv.rank + 2 or model.conv.boundary not in ("zeros", "circular"):
        return
    for axis in range(conv.rank):
        for last in (False, True):
            count = _constant(y, axis, last=last)
            if not count:
                continue
            size, step = y.shape[axis + 2], conv.stride[axis]
            part = slice(0, size - count) if last else slice(count, size)
            rest = y[(slice(None),) * (axis + 2) + (part,)]
            first = 0 if last else count
            value = float(y[(slice(None),) * (axis + 2) + (-1 if last else 0,)].ravel()[0])
            for moved in (0, count if not last else -count):
                # Place p of y is place p - moved of the result: the first window begins there.
                low = conv.pad[axis][0] - (first - moved) * step
                needed = (
                    (rest.shape[axis + 2] - 1) * step + model.extents[axis] - model.spread[axis]
                )
                pads = (*conv.pad[:axis], (low, needed - low), *conv.pad[axis + 1 :])
                end = f"the {'last' if last else 'first'} {count if count > 1 else 'place'}"
                end += " places" if count > 1 else ""
                text = f"{end} of y on {names(model, [axis])} {'are' if count > 1 else 'is'} the "
                text += f"constant {value:.6g}"
                text += f", beside a shift of the rest by {abs(moved)}" if moved else ""
                change = Change(
                    "end of y",
                    "a result",
                    f"constant {value:.6g}",
                    text,
                    1.6 + 0.1 * bool(moved) + 0.4 * bool(value),
                    _slice_code(model, axis, part),
                )
                yield model.but(change, y=rest, conv=altered(conv, pad=pads))


def _constant(y: Array, axis: int, *, last: bool) -> int:
    """How many places at an end of an axis hold one number, the same everywhere."""
    size = y.shape[axis + 2]
    # Each place along the axis is a line of all other numbers; lines of one number are counted.
    lines = np.moveaxis(y, axis + 2, 0).reshape(size, -1)
    lines = lines[::-1] if last else lines
    if lines.shape[1] < 2:
        return 0
    count = 0
    while count < size and np.ptp(lines[count]) == 0 and lines[count, 0] == lines[0, 0]:
        count += 1
    return count if 0 < count <= size // 2 else 0


def _slice_code(model: Hypothesis, axis: int, rest: slice) -> tuple[tuple[str, str], ...]:
    """Code for what remains of y."""
    own = model.problem.y
    part = f"{rest.start or ''}:{rest.stop}" if not rest.start else f"{rest.start}:"
    return _index("y", own, {f"s{axis}": part})

"""The record: the kernel's flip, stride, dilation, padding and what lies outside x.

Each function is a slot.  Costs are about how often people err so: a flip of all axes 1.0, a word
for another 1.2 to 1.5, any other number 1.6 and more.  A change of stride, dilation or sizes takes
the padding with it in two ways, since a call may have said it in numbers or by a word: the numbers
as they are, and every word that gives them (``regeared``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import permutations, product
from typing import Any

import numpy as np

from uniconv._canonical.record import Convolution, Pairs
from uniconv._diagnose.causes.readings import names
from uniconv._diagnose.causes.words import words
from uniconv._diagnose.hypothesis import Change, Hypothesis, altered
from uniconv.spec.words import Axis, Word

MOST_SHIFTS = 256  # how many paddings are tried axis by axis; beyond, one axis at a time
LARGEST = 4  # strides and dilations that nobody named are tried up to here


def reverse(model: Hypothesis) -> Iterator[Hypothesis]:
    """The kernel flipped along any subset of its axes."""
    # Along an axis of one tap a flip is nothing.  The whole flip comes first, then single axes.
    rank, transposed = model.conv.rank, model.problem.transposed
    long = [a for a in range(rank) if model.w.shape[2 + a] > 1]
    subsets = [s for s in product((False, True), repeat=len(long)) if any(s)]
    for subset in sorted(subsets, key=lambda s: -sum(s)):
        which = [a for a, flip in zip(long, subset) if flip]
        to = tuple(r ^ (a in which) for a, r in enumerate(model.conv.reverse))

        def operation(backwards: bool) -> str:
            return "a true convolution" if backwards ^ transposed else "a cross-correlation"

        sides = {operation(model.conv.reverse[a]) for a in which}
        expected, actual = (
            (" and ".join(sorted({operation(c[a]) for a in which})))
            for c in (model.conv.reverse, to)
        )
        text = f"the kernel is flipped on {names(model, which)}"
        if len(sides) == 1:
            text += f": {actual}, not {expected}"
        cost = 1.0 if len(which) == len(long) else 1.2
        change = Change(
            "reverse",
            f"{expected} along {names(model, which)}",
            actual,
            text,
            cost,
            undo="flip the kernel on " + names(model, which) + " where y was made",
        )
        yield model.but(change, conv=altered(model.conv, reverse=to))


def alternatives(current: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Other values of a stride or dilation: ignored, exchanged, the same on all, on one axis."""
    # For (2, 3): ignored (1, 1), exchanged (3, 2), one for all, one more, one less, and then any
    # number up to 4 on all axes or on one.
    rank = len(current)
    if not rank:
        return []  # no axis to have one
    values = [(1,) * rank, *permutations(current), *((v,) * rank for v in current)]
    values += [tuple(v + 1 for v in current), tuple(max(v - 1, 1) for v in current)]
    most = max(LARGEST, max(current) + 1)
    values += [(v,) * rank for v in range(1, most + 1)]
    for axis, v in product(range(rank), range(1, most + 1)):
        values.append((*current[:axis], v, *current[axis + 1 :]))
    return [v for v in dict.fromkeys(values) if v != current]


def regeared(old: Hypothesis, new: Hypothesis) -> Iterator[Convolution]:
    """The new model's record with the old one's padding: as numbers, or by the words that fit it.

    What stays of a transposed convolution is its crop.
    """
    # First the numbers as they were, then each word that gave them before, with what it gives now.
    yield _cropped(new, new.conv, _crop(old, old.conv))
    earlier = set()
    for word in words(old.problem.transposed).values():
        if _by_word(old, old.conv, word) == old.conv.pad:
            pad = _by_word(new, new.conv, word)
            if pad not in earlier:
                earlier.add(pad)
                yield altered(new.conv, pad=pad)


def _crop(model: Hypothesis, conv: Convolution) -> Pairs:
    """The padding; of a transposed convolution what is cropped off its whole result."""
    # A transposed kernel of extent e writes e - 1 rows beyond x; the record pads what of these is
    # kept, so that crop and padding add up to e - 1.
    if not model.problem.transposed:
        return conv.pad
    ends = ((k - 1) * d for k, d in zip(model.w.shape[2:], conv.rhs_dilation))
    return tuple((e - lo, e - hi) for e, (lo, hi) in zip(ends, conv.pad))


def _cropped(model: Hypothesis, conv: Convolution, crop: Pairs) -> Convolution:
    """The record with the padding that gives a crop; of a plain convolution, the padding itself."""
    return altered(conv, pad=_crop(model, altered(conv, pad=crop)))


def _by_word(model: Hypothesis, conv: Convolution, word: Word) -> Pairs:
    """The padding that a word gives for a record."""
    geometry = (conv.rhs_dilation, conv.lhs_dilation, conv.stride)
    return _pads_of(word, model.problem.transposed, model.x.shape[2:], model.w.shape[2:], *geometry)


@lru_cache(maxsize=4096)
def _pads_of(word: Word, transposed: bool, *geometry: tuple[int, ...]) -> Pairs:
    """The same, of sizes, kernel, dilation, lhs_dilation and stride."""
    steps = zip(*geometry)
    if not transposed:
        return tuple(word(Axis((n - 1) * ld + 1, k, d, s)) for n, k, d, ld, s in steps)
    # A transposed call's words are crops, of an output of size * stride where they ask for one.
    axes = [Axis(n, k, d, ld, output_size=n * ld) for n, k, d, ld, _ in steps]
    crops = [(axis.extent - 1, *word(axis)) for axis in axes]
    return tuple((e - lo, e - hi) for e, lo, hi in crops)


def stride(model: Hypothesis) -> Iterator[Hypothesis]:
    """Another stride (of a transposed convolution: how far it spreads x)."""
    # A transposed convolution's stride is the record's lhs_dilation.
    conv, transposed = model.conv, model.problem.transposed
    fields = ["lhs_dilation" if transposed else "stride"]
    if not transposed and max(conv.lhs_dilation, default=1) > 1:
        fields.append("lhs_dilation")
    for field in fields:
        current = getattr(conv, field)
        word = "stride" if field == "stride" or transposed else "input dilation"
        for value in alternatives(current):
            yield from _geared(model, field, word, current, value)


def dilation(model: Hypothesis) -> Iterator[Hypothesis]:
    """Another dilation: ignored, on the wrong axis, another number."""
    current = model.conv.rhs_dilation
    for value in alternatives(current):
        if all(k == 1 for k, a, b in zip(model.w.shape[2:], current, value) if a != b):
            continue  # one tap has no distance to the next
        yield from _geared(model, "rhs_dilation", "dilation", current, value)


def _geared(
    model: Hypothesis, field: str, word: str, current: tuple[int, ...], value: tuple[int, ...]
) -> Iterator[Hypothesis]:
    """The hypotheses with one field changed, for each way that the padding goes with it."""
    if set(value) == {1}:
        text, cost = f"the {word} is ignored", 1.3
    elif sorted(value) == sorted(current):
        moved = [a for a, (old, new) in enumerate(zip(current, value)) if old != new]
        text, cost = f"the {word} is on the wrong axis: {names(model, moved)} are exchanged", 1.4
    else:
        text, cost = f"the {word} is {value}, not {current}", 1.6
    change = Change(
        *(word, str(current), str(value), text, cost), undo=f"set the {word} to {current} there"
    )
    fields: dict[str, Any] = {field: value}
    to = model.but(conv=altered(model.conv, **fields))
    for n, conv in enumerate(regeared(model, to)):
        yield model.but(replace(change, cost=cost + 0.01 * n) if n else change, conv=conv)


def padding(model: Hypothesis) -> Iterator[Hypothesis]:
    """Other padding: another word, sides exchanged, another amount; of a transposed one the crop.

    What is padded after only decides how many outputs there are, so that only where the first
    window starts is searched; y's size says the rest.  The likeliest come first: a start that two
    of them give bears the first one's text and cost.
    """
    conv, out = model.conv, model.y.shape[2:]
    if len(out) != conv.rank or model.x.ndim != conv.rank + 2 or 0 in out:
        return
    starts = _Starts(model)
    starts.offer(tuple((hi, lo) for lo, hi in conv.pad), "padding before and after exchanged", 1.2)
    for pads, text, cost in _mixed_up(model, conv):
        starts.offer(pads, text, cost)
    for text, word in words(model.problem.transposed).items():
        starts.offer(_by_word(model, conv, word), text, 1.3)
    if not starts.same_size:
        end = "output_padding" if model.problem.transposed else "more or less at the end only"
        starts.offer_start(starts.now, end, 1.35)
        starts.offer_start(starts.middle, "another amount on both sides", 1.5)
    for axis, (lo, hi) in enumerate(conv.pad):
        pads = (*conv.pad[:axis], (hi, lo), *conv.pad[axis + 1 :])
        starts.offer(pads, f"padding before and after exchanged on {names(model, [axis])}", 1.4)
    for shift, pixels in ((1, "1 pixel"), (-1, "-1 pixel")):
        starts.offer_start(tuple(lo + shift for lo in starts.now), f"shifted by {pixels}", 1.6)
    for shifts in product((0, -1, 1), repeat=conv.rank):
        lows = tuple(lo + shift for lo, shift in zip(starts.now, shifts))
        cost = 1.65 + 0.1 * sum(map(bool, shifts))
        starts.offer_start(lows, "the first window starts elsewhere", cost)
    for lows in _any_start(model, starts):
        count = sum(a != b for a, b in zip(lows, starts.now))
        starts.offer_start(lows, "another amount", 1.7 + 0.1 * count)
    noun = "crop" if model.problem.transposed else "padding"
    was = _crop(model, conv)
    for pads, text, cost in starts.offered.values():
        to = _crop(model, altered(conv, pad=pads))
        change = Change(
            *(noun, str(was), str(to), f"the {noun} is {to}, not {was}: {text}", cost),
            undo=f"{noun} {was} there",
        )
        yield model.but(change, conv=altered(conv, pad=pads))


def _mixed_up(model: Hypothesis, conv: Convolution) -> Iterator[tuple[Pairs, str, float]]:
    """The same numbers of a padding or crop in another order: of axes, or of their two ends."""
    # ((1, 2), (3, 4)) with the axes exchanged is ((3, 4), (1, 2)).  Written as one list it is 1 2 3
    # 4, which a function that wants all begins first reads as ((1, 3), (2, 4)).
    crop, rank = _crop(model, conv), conv.rank
    for order in list(permutations(range(rank)))[1:]:
        moved = [axis for axis, other in enumerate(order) if crop[axis] != crop[other]]
        if moved:
            pads = tuple(crop[other] for other in order)
            text = f"{names(model, moved)} are exchanged"
            yield _cropped(model, conv, pads).pad, text, 1.2
    flat = [n for pair in crop for n in pair]
    for numbers, text in (
        (zip(flat[:rank], flat[rank:]), "its numbers are read as begins, then ends, of all axes"),
        (zip(*[iter(flat[::2] + flat[1::2])] * 2), "its numbers are read as pairs, axis by axis"),
    ):
        pads = tuple((lo, hi) for lo, hi in numbers)
        if rank > 1 and pads != crop:
            yield _cropped(model, conv, pads).pad, text, 1.45


class _Starts:
    """The paddings that give y's size, by where their first window starts.

    now: the padding before x as it is, middle: half of what y's size needs.  needed is the padding
    before and after x, together, with which the last window ends where the padding does; up to a
    stride less one more of it is read by no window.
    """

    def __init__(self, model: Hypothesis) -> None:
        conv, out = model.conv, model.y.shape[2:]
        steps = zip(conv.stride, model.extents, model.spread, out)
        self.stride = conv.stride
        self.needed = [(m - 1) * s + e - n for s, e, n, m in steps]
        self.now = tuple(lo for lo, _ in conv.pad)
        self.same_size = conv.output(model.x.shape[2:], model.w.shape[2:]) == out
        self.middle = tuple(n // 2 for n in self.needed)
        self.may_cut = conv.boundary in ("zeros", "circular")
        self.offered: dict[tuple[int, ...], tuple[Pairs, str, float]] = {}

    def offer(self, pads: Pairs, text: str, cost: float) -> None:
        """Take a padding in, where it gives y's size and its start is new."""
        lows = tuple([lo for lo, _ in pads])
        if lows in self.offered or (lows == self.now and self.same_size):
            return
        if not self.may_cut and min(map(min, pads), default=0) < 0:
            return
        # y's size allows from ``needed`` to a stride less one more, before and after together.
        if all(n <= lo + hi < n + s for (lo, hi), n, s in zip(pads, self.needed, self.stride)):
            self.offered[lows] = (pads, text, cost)

    def offer_start(self, lows: tuple[int, ...], text: str, cost: float) -> None:
        """The padding that starts there; pixels that no window reads make (0, -1) a (0, 0)."""
        ends = ((lo, n - lo, s) for lo, n, s in zip(lows, self.needed, self.stride))
        pads = tuple((lo, min(hi + s - 1, 0) if hi < 0 else hi) for lo, hi, s in ends)
        self.offer(pads, text, cost)


def _any_start(model: Hypothesis, starts: _Starts) -> Iterator[tuple[int, ...]]:
    """Every start within reach, the nearest first; of too many those that differ on one axis."""
    ranges = []
    for s, e, lo in zip(model.conv.stride, model.extents, starts.now):
        first, last = min(-max(s, 2), lo - 2), max(e, lo + 2)
        ranges.append(sorted(range(first, last + 1), key=lambda v, lo=lo: abs(v - lo)))  # type: ignore[misc]
    if int(np.prod([len(r) for r in ranges])) <= MOST_SHIFTS:
        yield from product(*ranges)
        return
    # One axis at a time: the others stay at the present start, or the middle if that has not y's
    # size.
    base = starts.now if starts.same_size else starts.middle
    for axis, lows in enumerate(ranges):
        yield from ((*base[:axis], lo, *base[axis + 1 :]) for lo in lows)


def boundary(model: Hypothesis) -> Iterator[Hypothesis]:
    """Another rule for what lies outside x; the value of a constant is read off y's corner."""
    conv = model.conv
    if (
        max(map(max, conv.pad), default=0) <= 0
        or max(conv.lhs_dilation, default=1) > 1
        or not model.x.size
    ):
        return
    kinds = ["zeros", "reflect", "symmetric", "replicate", "circular"]
    if min(map(min, conv.pad), default=0) < 0:
        kinds = ["zeros", "circular"]
    for kind in kinds:
        if kind == conv.boundary:
            continue
        yield model.but(_border(model, kind), conv=altered(conv, boundary=kind, fill=0.0))
    if model.fits and model.y.size and not np.iscomplexobj(model.y):
        # y's corner is linear in the fill: with 0 and with 1 outside, two elements give its slope,
        # and the number that makes y.  A number near three digits is taken as those.
        bare = replace(model, conv=altered(conv, boundary="constant", fill=0.0))
        ones = replace(model, conv=altered(conv, boundary="constant", fill=1.0))
        for at in ((0,) * model.y.ndim, tuple(n - 1 for n in model.y.shape)):
            slope = float(ones.element(at) - bare.element(at))
            if abs(slope) > 1e-6:
                fill = float(model.y[at] - bare.element(at)) / slope
                near = round(fill, 3)
                fill = near if abs(near - fill) < 1e-4 * max(1, abs(fill)) else fill
                if fill != 0 and fill != conv.fill:
                    kind_text = f"constant {fill:.6g}"
                    change = replace(_border(model, kind_text), cost=2.2, read_off=True)
                    yield model.but(change, conv=altered(conv, boundary="constant", fill=fill))
                break


def _border(model: Hypothesis, kind: str) -> Change:
    """The change to another rule for what lies outside x."""
    was = model.conv.boundary
    was = f"constant {model.conv.fill:.6g}" if was == "constant" else was
    text = f"another rule at the border: {kind}, not {was}; only the rim differs"
    return Change("boundary", was, kind, text, 1.5, undo=f"pad with {was} there")

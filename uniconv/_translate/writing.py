"""Steps and calls as lines of a language, in a framework's own idiom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any

from uniconv._canonical import steps as s
from uniconv._canonical.formula import bounds
from uniconv._canonical.layout import order
from uniconv._canonical.steps_source import addend_name, tokens
from uniconv._translate.languages import Language, is_whole, is_zero
from uniconv.errors import CannotExpress
from uniconv.spec.idiom import Idiom

END = 2**31 - 1  # where a slice ends that goes to the end


class Writer:
    """Writes steps as lines; ndims are the numbers of axes of the arrays, which steps change."""

    def __init__(
        self, language: Language, idiom: Idiom, ndims: dict[str, int], function: str
    ) -> None:
        self.language, self.idiom, self.ndims, self.function = language, idiom, ndims, function

    def step(self, step: s.Step, x: str) -> list[str]:
        """The lines that make ``step.on`` of the expression x."""
        lines: list[str] = []
        for expression in _EXPRESSIONS[type(step)](self, step):
            text = expression.replace("{x}", x)
            lines.append(f"{step.on} = {text}{self.language.end}")
            x = step.on
        return lines

    # Parts of expressions

    def axes(self, axes: Sequence[int]) -> str:
        return self.language.axes([a + self.language.first for a in axes])

    def index(self, ndim: int, parts: Mapping[int, Any]) -> str:
        whole = [parts.get(axis, (0, None, 1)) for axis in range(ndim)]
        if self.idiom.part:
            return self.part(whole)
        return self.language.index("{x}", whole)

    def part(self, parts: Sequence[Any]) -> str:
        """A slice as a call of a function."""
        taken = {axis: part for axis, part in enumerate(parts) if not is_whole(part)}
        bounds_known = (type(n) in (int, NoneType) for part in taken.values() for n in part)
        if not all(isinstance(part, tuple) for part in taken.values()) or not all(bounds_known):
            raise self.cannot("sizes", "its slices are written for one size")
        if not taken:
            return "{x}"
        starts, stops, steps = zip(*taken.values())
        ends = [END if stop is None else stop for stop in stops]
        text = self.idiom.part.replace("{starts}", str(list(starts)))
        text = text.replace("{stops}", str(ends)).replace("{steps}", str(list(steps)))
        return text.replace("{axes}", str(list(taken)))

    def cannot(self, field: str, reason: str) -> CannotExpress:
        return CannotExpress(self.function, field, reason)


def _from_last(values: Sequence[Any], ndim: int) -> dict[int, Any]:
    """Values of the last axes by axis, counted from the first."""
    return {ndim - len(values) + i: value for i, value in enumerate(values)}


Expressions = list[str]


def _permute(w: Writer, step: s.Permute) -> Expressions:
    return [w.idiom.transpose.replace("{axes}", w.axes(step.order))]


def _merge(w: Writer, step: s.Merge) -> Expressions:
    ndim, end = w.ndims[step.on], step.at + step.count
    w.ndims[step.on] = ndim - step.count + 1
    rest = w.language.rest
    if "{x}" in rest:
        rest = " * ".join(_sizes(w, range(step.at, end)))
    shape = [*_sizes(w, range(step.at)), rest, *_sizes(w, range(end, ndim))]
    return [_reshaped(w, shape)]


def _reshaped(w: Writer, shape: Sequence[Any]) -> str:
    return w.idiom.reshape.replace("{shape}", w.language.shape(shape))


def _sizes(w: Writer, axes: Sequence[int]) -> list[str]:
    return [w.language.size.format(x="{x}", axis=a + w.language.first) for a in axes]


def _split(w: Writer, step: s.Split) -> Expressions:
    ndim = w.ndims[step.on]
    w.ndims[step.on] = ndim + len(step.sizes) - 1
    shape = [*_sizes(w, range(step.at)), *step.sizes, *_sizes(w, range(step.at + 1, ndim))]
    return [_reshaped(w, shape)]


def _add_axes(w: Writer, step: s.AddAxes) -> Expressions:
    ndim = w.ndims[step.on]
    w.ndims[step.on] = ndim + step.count
    text = w.language.new_axes(ndim, step.count)
    if w.idiom.part:
        text = _reshaped(w, [*_sizes(w, range(ndim)), *[1] * step.count])
    return [text] if text else []


def _drop_axis(w: Writer, step: s.DropAxis) -> Expressions:
    ndim = w.ndims[step.on]
    w.ndims[step.on] = ndim - 1
    if w.idiom.part:
        return [_reshaped(w, _sizes(w, range(ndim - 1)))]
    return [w.index(ndim, {ndim - 1: 0})] if w.language.new_axes(1, 1) else []


def _regroup(w: Writer, step: s.Regroup) -> Expressions:
    """What einops does with the pattern: split every letter, order them, merge again."""
    # Where memory is column-major, reshape makes the first of the split axes the fastest.
    turn = -1 if w.language.first else 1
    left, right = ([t[::turn] for t in tokens(side)] for side in step.pattern.split(" -> "))
    known = dict(step.sizes) | {"1": 1}
    split, merged = ([a for token in side for a in token if a != "1"] for side in (left, right))
    whole = [_product(known[a] for a in token) for token in right]
    text = "{x}"
    if any(len(token) != 1 or token == ("1",) for token in left):
        text = w.idiom.reshape.replace("{shape}", w.language.shape([known[a] for a in split]))
    moved = order(split, merged)
    if moved != tuple(range(len(moved))):
        text = w.idiom.transpose.replace("{axes}", w.axes(moved)).replace("{x}", text)
    if any(len(token) != 1 or token == ("1",) for token in right):
        text = w.idiom.reshape.replace("{shape}", w.language.shape(whole)).replace("{x}", text)
    w.ndims[step.on] = len(whole)
    return [text]


def _product(sizes: Any) -> int:
    total = 1
    for n in sizes:
        total *= n
    return total


def _flip(w: Writer, step: s.Flip) -> Expressions:
    ndim = w.ndims[step.on]
    axes = [ndim + a for a in step.axes]
    return [_flipped(w, "{x}", axes, ndim)]


def _flipped(w: Writer, x: str, axes: Sequence[int], ndim: int) -> str:
    text = w.idiom.flip
    if w.idiom.part:
        last = dict.fromkeys(axes, (-1, -END, -1))
        return w.index(ndim, last).replace("{x}", x)
    if "{reversed}" in text:
        parts = ["::-1" if i in axes else ":" for i in range(max(axes) + 1)]
        return text.replace("{reversed}", ", ".join(parts)).replace("{x}", x)
    if "{axis}" in text:  # one axis at a time
        for axis in axes:
            x = text.replace("{axis}", str(axis + w.language.first)).replace("{x}", x)
        return x
    return text.replace("{axes}", w.axes(axes)).replace("{x}", x)


def _surround(w: Writer, step: s.Surround) -> Expressions:
    """Slices for what is cut, and the pad."""
    ndim = w.ndims[step.on]
    pairs = _from_last(step.pad, ndim)
    less = {axis: tuple(map(_loss, pair)) for axis, pair in pairs.items()}
    more = {axis: (_growth(lo), _growth(hi)) for axis, (lo, hi) in pairs.items()}
    cut: Expressions = []
    padded: Expressions = []
    if any(not is_zero(n) for pair in less.values() for n in pair):
        ends = {axis: (lo, _until(w, axis, hi), 1) for axis, (lo, hi) in less.items()}
        cut.append(w.index(ndim, ends))
    if any(not is_zero(n) for pair in more.values() for n in pair):
        padded = _padded(w, step, more, ndim)
    # Zeros come first where nothing might be left of x that they could be joined to.
    constant = step.boundary in ("zeros", "constant")
    return [*padded, *cut] if constant and not w.idiom.empty else [*cut, *padded]


def _growth(n: Any) -> Any:
    """What a number adds; a formula has one sign, or its steps have parted it."""
    if type(n) is int:
        return max(n, 0)
    low = bounds(n)[0]
    return n if low is not None and low >= 0 else 0


def _loss(n: Any) -> Any:
    """What a number cuts off."""
    if type(n) is int:
        return max(-n, 0)
    return -n if is_zero(_growth(n)) else 0


def _until(w: Writer, axis: int, cut: Any) -> Any:
    """Where a slice ends that leaves out so many pixels."""
    if type(cut) is int:
        return -cut if cut else None
    size = w.language.size.format(x="{x}", axis=axis + w.language.first)
    return _Text(f"{size} - ({w.language.formula(cut)})")


class _Text(str):
    """Code that stands for a number."""


def _padded(
    w: Writer, step: s.Surround, pairs: Mapping[int, tuple[Any, Any]], ndim: int
) -> Expressions:
    template = w.idiom.pad.get(step.boundary)
    if template is None and step.boundary == "zeros" and "constant" in w.idiom.pad:
        template = w.idiom.pad["constant"]
    if template is None:
        return _joined(w, step, pairs, ndim)
    every = [pairs.get(axis, (0, 0)) for axis in range(ndim)]
    text = template.replace("{fill}", _number(w, step.fill))
    formula = w.language.formula
    flat = [formula(n) for pair in every for n in pair]
    written = [f"({formula(lo)}, {formula(hi)})" for lo, hi in every]
    text = text.replace("{pairs}", f"[{', '.join(written)}]").replace(
        "{flat}", f"({', '.join(flat)})"
    )
    for key, side in (("{lows}", 0), ("{highs}", 1)):
        text = text.replace(key, w.language.shape([formula(pair[side]) for pair in every]))
    return [text]


def _joined(
    w: Writer, step: s.Surround, pairs: Mapping[int, tuple[Any, Any]], ndim: int
) -> Expressions:
    """A border joined of zeros or of slices of x, axis by axis."""
    made = []
    for axis, (lo, hi) in pairs.items():
        if is_zero(lo) and is_zero(hi):
            continue
        spare = [0 if w.idiom.empty or type(n) is int else 1 for n in (lo, hi)]
        if step.boundary in ("zeros", "constant"):
            before, after = (
                [] if is_zero(n) else [_constant(w, axis, n + more, ndim, step.fill)]
                for n, more in zip((lo, hi), spare)
            )
        elif type(lo) is not int or type(hi) is not int:
            raise w.cannot("sizes", f"a border of {step.boundary} is written for one size")
        else:
            before, after = _sides(w, step.boundary, axis, lo, hi, ndim)
        text = w.idiom.join.replace("{parts}", ", ".join([*before, "{x}", *after]))
        made.append(text.replace("{axis}", str(axis + w.language.first)))
        if any(spare):  # a border that may be of no pixels has one more, which is cut off again
            made.append(w.index(ndim, {axis: (spare[0], -spare[1] or None, 1)}))
    return made


def _constant(w: Writer, axis: int, count: Any, ndim: int, fill: float) -> str:
    """A number, so often along an axis, and as often as x is long along the others."""
    if not w.idiom.nothing:
        raise w.cannot("boundary", "nothing here pads with zeros")
    sizes: list[Any] = _sizes(w, range(ndim))
    sizes[axis] = w.language.formula(count)
    zeros = w.idiom.nothing.replace("{shape}", w.language.shape(sizes))
    return zeros if fill == 0 else w.language.plus.format(a=zeros, b=_number(w, fill))


def _sides(
    w: Writer, boundary: str, axis: int, lo: int, hi: int, ndim: int
) -> tuple[list[str], list[str]]:
    """What stands before and after x along an axis, as slices of it."""
    if boundary not in ("replicate", "circular", "reflect", "symmetric") or not w.idiom.join:
        raise w.cannot("boundary", f"nothing here pads with {boundary}")

    def first(count: int, skip: int = 0) -> str:
        return w.index(ndim, {axis: (skip, skip + count, 1)})

    def last(count: int, skip: int = 0) -> str:
        return w.index(ndim, {axis: (-count - skip, -skip or None, 1)})

    if boundary == "replicate":
        return [first(1)] * lo, [last(1)] * hi
    if boundary == "circular":
        sides = last(lo), first(hi)
    else:  # the pixels next to the edge, and the edge itself only where it is doubled
        skip = int(boundary == "reflect")
        inner = first(lo, skip), last(hi, skip)
        sides = _flipped(w, inner[0], [axis], ndim), _flipped(w, inner[1], [axis], ndim)
    return [sides[0]] if lo else [], [sides[1]] if hi else []


def _gather(w: Writer, step: s.Gather) -> Expressions:
    """A border that torch has no mode for; others may have one, as far as it goes once round."""
    beyond = {"reflect": -1, "circular": 0, "symmetric": 0}[step.boundary]
    if any(type(n) is not int for pair in step.pad for n in pair):
        raise w.cannot("sizes", f"a border of {step.boundary} is written for one size")
    fits = all(max(pair) <= n + beyond for pair, n in zip(step.pad, step.size) if any(pair))
    if not fits or min(map(min, step.pad)) < 0:
        raise w.cannot("boundary", "its border is wider than x")
    return _surround(w, s.Surround(step.on, step.pad, step.boundary))


def _spread(w: Writer, step: s.Spread) -> Expressions:
    """Along each axis in turn: every pixel with an axis of its own, padded there, and joined."""
    # How to read this: x of 5 x 3 pixels, 2 apart, is reshaped to 5 x 1 x 3 and padded to
    # 5 x 2 x 3, whose pixels lie in memory as those of 10 x 3; then so along the other axis.
    # Where memory is column-major, the axis of a pixel comes before it.
    ndim, first = w.ndims[step.on], w.language.first
    lines: Expressions = []
    for axis, d in _from_last(step.dilation, ndim).items():
        if d == 1:
            continue
        own = axis if first else axis + 1
        sizes: list[Any] = _sizes(w, range(ndim))
        pad = {a: (0, d - 1 if a == own else 0) for a in range(ndim + 1)}
        joined: list[Any] = _sizes(w, [a for a in range(ndim + 1) if a != own])
        joined[axis] = f"{d} * {joined[axis]}"
        lines.append(_reshaped(w, [*sizes[:own], 1, *sizes[own:]]))
        lines += _padded(w, s.Surround(step.on, tuple(pad.values())), pad, ndim + 1)
        lines.append(_reshaped(w, joined))
    return lines


def _cut(w: Writer, step: s.Cut) -> Expressions:
    ndim = w.ndims[step.on]
    parts = {a: (lo, _until(w, a, hi), 1) for a, (lo, hi) in _from_last(step.cut, ndim).items()}
    return [w.index(ndim, parts)]


def _every(w: Writer, step: s.Every) -> Expressions:
    ndim = w.ndims[step.on]
    return [w.index(ndim, {a: (0, None, n) for a, n in _from_last(step.stride, ndim).items()})]


def _bias(w: Writer, step: s.Bias) -> Expressions:
    """The bias along the channels, whose axes are counted from where arrays are aligned."""
    ndim, bias = w.ndims["y"], "bias"
    if step.after is not None:
        before = ndim - 1 - step.after if w.language.first else 0
        if before or step.after or not w.language.new_axes(1, 1):
            shape = w.language.shape([*[1] * before, w.language.rest, *[1] * step.after])
            bias = w.idiom.reshape.replace("{shape}", shape).replace("{x}", "bias")
    return [w.language.plus.format(a="{x}", b=bias)]


def _number(w: Writer, value: Any) -> str:
    """A number that x meets, in the idiom."""
    return w.idiom.number.replace("{n}", repr(value))


def _activate(w: Writer, step: s.Activate) -> Expressions:
    template = w.idiom.activations.get(step.activation.name)
    if template is None:
        raise w.cannot("activation", f"nothing here is {step.activation}")
    text = template
    for i, number in enumerate(step.activation.numbers):
        text = text.replace(f"{{{i}}}", repr(number))
    return [text]


def _cast(w: Writer, step: s.Cast) -> Expressions:
    raise w.cannot("result", f"the call's arrays are made {step.dtype} first")


_EXPRESSIONS: dict[type[s.Step], Callable[[Writer, Any], Expressions]] = {
    s.Permute: _permute,
    s.Merge: _merge,
    s.Split: _split,
    s.AddAxes: _add_axes,
    s.DropAxis: _drop_axis,
    s.Regroup: _regroup,
    s.Flip: _flip,
    s.Surround: _surround,
    s.Gather: _gather,
    s.Spread: _spread,
    s.Cut: _cut,
    s.Every: _every,
    s.Conjugate: lambda w, step: [w.idiom.conj],
    s.Scale: lambda w, step: [w.language.times.format(a="{x}", b=_number(w, step.factor))],
    s.Shift: lambda w, step: [w.language.plus.format(a="{x}", b=_number(w, step.term))],
    s.Addend: lambda w, step: [
        w.language.plus.format(
            a="{x}",
            b=w.language.times.format(a=_number(w, step.scale), b=addend_name(step.name)),
        )
    ],
    s.Bias: _bias,
    s.Activate: _activate,
    s.Cast: _cast,
}

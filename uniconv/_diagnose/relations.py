"""How one run's array is another's: read otherwise, reversed, in another order, scaled, cut.

Two runs may be given arrays that are no longer the same numbers, because somebody turned a kernel
for the other framework, or fed it BGR.  ``relation`` finds what was done: at most two steps, each
with the code that does it.  Steps that can be listed (readings, reversed axes) are tried one by
one; what remains is solved for, since its numbers can be read off both arrays: the order of the
channels, a factor and a term, the pixels that were cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._diagnose.causes.arrays import channel_code
from uniconv._diagnose.causes.readings import axis_names, readings
from uniconv._diagnose.hypothesis import Change, Problem
from uniconv._diagnose.precision import UNITS

Array = NDArray[Any]

PROBES = 32  # numbers that are compared first
MOST_STEPS = 2


@dataclass(frozen=True, slots=True)
class Relation:
    """What makes one array the other.

    array: the first array after the changes, canonical as the second one; reverse: the spatial axes
    of a kernel along which it is reversed, last of all, which a record can say instead.
    """

    array: Array
    changes: tuple[Change, ...] = ()
    reverse: frozenset[int] = field(default_factory=frozenset)

    @property
    def cost(self) -> float:
        """How unlikely the steps are together."""
        return sum(c.cost for c in self.changes) + 1.1 * bool(self.reverse)

    @property
    def steps(self) -> int:
        """How many steps it takes; a reversal of several axes is one."""
        return len(self.changes) + bool(self.reverse)


def alike(a: Array, b: Array, error: float) -> bool:
    """Whether two arrays hold the same numbers, up to printed digits and float32."""
    if a.shape != b.shape:
        return False
    # A few numbers, spread over the array, tell most pairs apart.
    step = max(a.size // PROBES, 1)
    if a.size > 4 * PROBES and not _near(a.ravel()[::step], b.ravel()[::step], error):
        return False
    return _near(a, b, error)


def _near(a: Array, b: Array, error: float) -> bool:
    """The same of all numbers; arrays of float32 were perhaps rounded once more on their way."""
    return bool(np.all(np.abs(a - b) <= error + 2 * UNITS["float32"] * np.abs(b)))


def relation(problem: Problem, role: str, a: Array, b: Array, error: float) -> Relation | None:
    """The simplest relation of array a to array b; None where at most two steps make none.

    problem: a's, for the code of changes; role: "x" (n c ...) or "w" (o i ...).  error: what
    numbers of either may be off.
    """
    # How to read this: listed are the arrays after no step, a reading, a reversal, or both; each is
    # compared with b as it is, and, if a step is left, after what can be solved for.
    # Listed first are the steps that cost nothing to look at, views all of them; what is solved for
    # is asked only where a few numbers do not speak against it already.
    if alike(a, b, error):
        return Relation(a)
    best: Relation | None = None
    for one in _listed(problem, role, a):
        if best is not None and one.cost >= best.cost:
            continue
        for two in _solved(problem, role, one, b, error):
            if two.steps <= MOST_STEPS and (best is None or two.cost < best.cost):
                best = two
    return best


def _listed(problem: Problem, role: str, a: Array) -> Iterator[Relation]:
    """The array as it is, then read otherwise, then both of these reversed."""
    starts = [Relation(a), *(Relation(r, (c,)) for r, c in readings(problem, role))]
    yield from starts
    for start in starts:
        if start.array.ndim != problem.rank + 2:
            continue
        long = [n for n in range(problem.rank) if start.array.shape[2 + n] > 1]
        for flags in product((False, True), repeat=len(long)):
            which = [n for n, flag in zip(long, flags) if flag]
            if which:
                array = np.flip(start.array, tuple(2 + n for n in which))
                if role == "w":
                    yield Relation(array, start.changes, frozenset(which))
                else:
                    change = _reversed_input(problem, which)
                    yield Relation(array, (*start.changes, change))


def _reversed_input(problem: Problem, which: list[int]) -> Change:
    """x upside down, or left and right exchanged."""
    # Pictures are, where one reader counts rows from below, or an augmentation was left on.
    index = ["::-1" if s in {f"s{n}" for n in which} else ":" for s in problem.x.letters]
    code = problem.x.indexed(index)
    text = f"x is reversed on {axis_names(problem.rank, which)}"
    return Change("order of pixels in x", "as given", "reversed", text, 1.6, (("x", code),))


def _solved(
    problem: Problem, role: str, one: Relation, b: Array, error: float
) -> Iterator[Relation]:
    """The relation itself, where it gives b, and with one or two steps that are solved for."""
    if one.array.shape == b.shape and alike(one.array, b, error):
        yield one
        return
    if one.steps >= MOST_STEPS:
        return
    for step in SOLVERS[role]:
        for two in step(problem, role, one, b, error):
            if alike(two.array, b, error):
                yield two
    if one.steps:
        return
    # Two solved steps: pixels cut off, then channels or values; channels, then values.
    if role == "x" and one.array.shape != b.shape:
        for cut in _cut_to_fit(problem, role, one, b):
            yield from _values(problem, role, cut, b, error)
            yield from _order_of_channels(problem, role, cut, b, error)
    elif one.array.shape == b.shape:
        yield from _order_and_values(problem, role, one, b, error)


def _with(one: Relation, array: Array, change: Change) -> Relation:
    """The relation with one step more."""
    return Relation(array, (*one.changes, change), one.reverse)


# Channels in another order

_LETTERS = {"x": {1: "c"}, "w": {0: "o", 1: "i"}}
_NOUNS = {"c": "the channels of x", "o": "the filters", "i": "the kernel's input channels"}


def _order_of_channels(
    problem: Problem, role: str, one: Relation, b: Array, error: float
) -> Iterator[Relation]:
    """The channels of an axis in any other order, by what they hold."""
    # "x": its channels; "w": its filters or its input channels, of which each is a whole row.
    if one.array.shape != b.shape:
        return
    for axis, letter in _LETTERS[role].items():
        if not _same_in_another_order(one.array, b, axis, error):
            continue
        order = _matching(_rows(one.array, axis), _rows(b, axis), error)
        if order is not None and order != sorted(order):
            yield _ordered(problem, role, one, axis, letter, order)


def _ordered(
    problem: Problem, role: str, one: Relation, axis: int, letter: str, order: list[int]
) -> Relation:
    """The relation with one axis more in that order."""
    backwards = order == sorted(order, reverse=True)
    what = "reversed" if backwards else f"in the order {_short(order)}"
    words = " (RGB and BGR)" if backwards and letter == "c" and len(order) == 3 else ""
    code = channel_code(problem, role, letter, "::-1" if backwards else str(order))
    field_ = {"c": "order of channels in x", "o": "order of filters"}.get(
        letter, "order of channels in w"
    )
    text = f"{_NOUNS[letter]} are {what}{words}"
    change = Change(field_, "as given", what, text, 1.4 if backwards else 1.8, code)
    return _with(one, one.array.take(order, axis), change)


def _short(order: list[int]) -> str:
    """An order as text, its middle left out where it is long."""
    words = list(map(str, order))
    return f"[{', '.join(words if len(words) <= 8 else [*words[:6], '...', words[-1]])}]"


def _same_in_another_order(a: Array, b: Array, axis: int, error: float) -> bool:
    """Whether a few lines along an axis hold the same numbers, in whatever order."""
    others = [n for i, n in enumerate(a.shape) if i != axis]
    for part in (0.0, 0.4, 1.0):
        at = [int(part * (n - 1)) for n in others]
        line: tuple[Any, ...] = (*at[:axis], slice(None), *at[axis:])
        if not _near(np.sort(a[line]), np.sort(b[line]), error):
            return False
    return True


def _rows(a: Array, axis: int) -> Array:
    """The array as rows, one for each index of an axis."""
    return np.moveaxis(a, axis, 0).reshape(a.shape[axis], -1)


def _matching(a: Array, b: Array, error: float) -> list[int] | None:
    """The order in which the rows of a are those of b; None where there is none."""
    # Rows are told apart by one number each, their sum with random weights, which no two different
    # rows share but by chance.  For every row of b those of a with the nearest sums are compared in
    # full, so that rounding that exchanges two neighbours does no harm; a row is taken once.
    weights = np.random.default_rng(len(a)).standard_normal(a.shape[1])
    sums, goals = np.real(a @ weights), np.real(b @ weights)
    by_sum = np.argsort(sums, kind="stable")
    order, left = [], list(by_sum)
    for n, goal in enumerate(goals):
        near = sorted(left, key=lambda m: abs(sums[m] - goal))[:4]
        row = next((m for m in near if _near(a[m], b[n], error)), None)
        if row is None:
            return None
        order.append(int(row))
        left.remove(row)
    return order


# Other values

_EXTENT = {"x": "c", "w": "o"}


def _values(
    problem: Problem, role: str, one: Relation, b: Array, error: float
) -> Iterator[Relation]:
    """A factor, and for x a term: for all numbers alike, or for each channel its own.

    As of images that one run was given from 0 to 255 and the other from 0 to 1, or less the mean
    and divided by the deviation of each channel.
    """
    a = one.array
    if a.shape != b.shape or not a.size:
        return
    near = max(error, 1e-6 * float(np.abs(b).max()))
    # One factor for all is looked for first: a factor per channel would explain that, too.  A
    # kernel is never shifted, since nobody adds a number to its taps.
    for axis in (None, {"x": 1, "w": 0}[role]):
        if not _on_a_line(a, b, axis, near, with_term=role == "x"):
            continue
        lines = _line(a, b, axis, with_term=role == "x")
        if lines is None:
            continue
        factor, term = lines
        fitted = a * factor + term
        if np.any(factor != 0) and alike(fitted, b, near):
            change = _valued(problem, role, axis, factor, term)
            if change is not None:
                yield _with(one, b, change)  # to its last digit, which least squares have not
            return


def _on_a_line(a: Array, b: Array, axis: int | None, near: float, *, with_term: bool) -> bool:
    """Whether a few numbers of the first channel, or of all, are on one line: b over a."""
    # A hundred ways to read an array come here, and nearly all end at a few numbers.
    if axis is not None:
        a, b = a.take([0], axis), b.take([0], axis)
    step = max(a.size // PROBES, 1)
    few = [np.ascontiguousarray(m.flat[::step]) for m in (a, b)]
    lines = _line(few[0], few[1], None, with_term=with_term)
    # A few numbers are fitted better by themselves than by all: the bound is the same.
    return lines is not None and _near(few[0] * lines[0] + lines[1], few[1], 10 * near)


def _line(a: Array, b: Array, axis: int | None, *, with_term: bool) -> tuple[Array, Array] | None:
    """The factor and term of least squares, for all or along an axis, with axes of size 1."""
    axes = tuple(n for n in range(a.ndim) if n != axis)
    mean_a = a.mean(axis=axes, keepdims=True) if with_term else 0.0
    mean_b = b.mean(axis=axes, keepdims=True) if with_term else 0.0
    square = np.sum(np.abs(a - mean_a) ** 2, axis=axes, keepdims=True)
    if not np.all(square > 0):
        return None
    factor = np.sum(np.conj(a - mean_a) * (b - mean_b), axis=axes, keepdims=True) / square
    return factor, np.asarray(mean_b - factor * mean_a)


def _valued(
    problem: Problem, role: str, axis: int | None, factor: Array, term: Array
) -> Change | None:
    """The change of values, in numbers; None where they cannot be written beside the array."""
    # How to read this: "(x * 0.5 + 1.0)" for all alike; for each channel its own numbers are
    # written as an array with the axes that stand behind the channels: of x (n, c, h, w) they are
    # "numpy.array([...]).reshape(-1, 1, 1)".
    peak = float(np.abs(factor).max())
    factors = [_plain(v) for v in factor.ravel()]
    terms = [0.0 if abs(v) < 1e-7 * max(peak, 1) else _plain(v) for v in np.ravel(term)]
    what = {"x": "x", "w": "the kernel"}[role]
    array = {"x": problem.x, "w": problem.w}[role]
    code = "{}"
    if axis is None:
        numbers = (repr(factors[0]), repr(terms[0]))
        text = f"{what} is multiplied by {_text(factors[0])}"
    else:
        letter = _EXTENT[role]
        letters = array.letters[: len(array.shape)]
        if letter not in letters or array.shape != array.array.shape[: len(letters)]:
            return None
        behind = ", 1" * (len(letters) - 1 - letters.index(letter))
        shape = f".reshape(-1{behind})" if behind else ""
        numbers = (f"numpy.array({factors}){shape}", f"numpy.array({terms}){shape}")
        text = f"{what} is multiplied by a factor per channel, {_some(factors)}"
    if any(v != 1 for v in factors):
        code = f"({code} * {numbers[0]})"
    else:
        text = what
    if any(terms):
        code = f"({code} + {numbers[1]})"
        added = _some(terms, "{:.6g}".format) if axis is not None else f"{terms[0]:.6g}"
        text = f"{text}, plus {added}"
    kind = {"x": "values of x", "w": "values of w"}[role]
    return Change(kind, "as given", "scaled", text, 1.5 if axis is None else 2.0, ((role, code),))


def _plain(value: Any) -> Any:
    """A number as it is written: nine digits, a whole one where it is one."""
    # Least squares give 0.49999999998 for 0.5; nine digits are more than float32 has.
    if np.iscomplexobj(value):
        return complex(value)
    number = float(f"{float(value):.9g}")
    near = round(number, 6)
    return near if abs(near - number) < 1e-8 * max(abs(number), 1e-3) else number


def _text(value: Any) -> str:
    """A factor as it is told: 1/255 where it is one."""
    if not isinstance(value, complex) and value and abs(1 / value) > 1.5:
        inverse = round(1 / value)
        if abs(1 / value - inverse) < 1e-6 * abs(inverse):
            return f"1/{inverse}"
    return f"{value:.6g}"


def _some(values: list[Any], say: Callable[[Any], str] = _text) -> str:
    """The first few of several numbers."""
    return ", ".join(map(say, values[:3])) + (", ..." if len(values) > 3 else "")


def _order_and_values(
    problem: Problem, role: str, one: Relation, b: Array, error: float
) -> Iterator[Relation]:
    """Channels in another order and a factor for all, which is that of the lengths of both."""
    for axis, letter in _LETTERS[role].items():
        lengths = [np.sqrt(np.sum(np.abs(m) ** 2)) for m in (one.array, b)]
        if not all(lengths):
            continue
        for sign in (1, -1):
            scaled = one.array * (sign * lengths[1] / lengths[0])
            near = max(error, 1e-6 * float(np.abs(b).max(initial=0.0)))
            order = _matching(_rows(scaled, axis), _rows(b, axis), near)
            if order is not None and order != sorted(order):
                two = _ordered(problem, role, one, axis, letter, order)
                yield from _values(problem, role, two, b, error)


# Pixels cut off


def _places(a: Array, b: Array, room: list[int]) -> Iterator[tuple[int, ...]]:
    """Where b's first pixel lies in a."""
    # Of 1,000 places mostly one is left, which is then compared in full.
    corner = a[0, 0][tuple(slice(r + 1) for r in room)]
    first = b[0, 0].flat[0]
    for place in np.argwhere(np.abs(corner - first) <= 1e-6 * max(abs(first), 1e-30)):
        yield tuple(int(n) for n in place)


def _cut_to_fit(
    problem: Problem, role: str, one: Relation, b: Array, *, exactly: bool = False
) -> Iterator[Relation]:
    """x without some of its pixels, at every place where b's size fits; or lies exactly.

    Such as a crop to 224 of an image of 256, or one row that a padding took off; ``exactly`` asks
    for b's first pixel, so that only a few places are left.
    """
    a = one.array
    if a.ndim != b.ndim or a.shape[:2] != b.shape[:2] or a.shape == b.shape:
        return
    room = [n - m for n, m in zip(a.shape[2:], b.shape[2:])]
    if min(room) < 0 or np.prod([r + 1 for r in room]) > 1000:
        return
    for starts in _places(a, b, room) if exactly else product(*(range(r + 1) for r in room)):
        ends = [s + m for s, m in zip(starts, b.shape[2:])]
        inside = tuple(slice(s, e) for s, e in zip(starts, ends))
        spatial = dict(zip(problem.spatial, zip(starts, ends)))
        index = ["{}:{}".format(*spatial[s]) if s in spatial else ":" for s in problem.x.letters]
        text = f"x is cut to {' x '.join(f'{s}:{e}' for s, e in zip(starts, ends))}"
        code = (("x", problem.x.indexed(index)),)
        yield _with(
            one,
            a[(slice(None), slice(None), *inside)],
            Change("crop of x", "whole", "cut", text, 1.7, code),
        )


def _cut(problem: Problem, role: str, one: Relation, b: Array, error: float) -> Iterator[Relation]:
    """The cuts that give b."""
    yield from _cut_to_fit(problem, role, one, b, exactly=not error)


SOLVERS = {"x": (_order_of_channels, _values, _cut), "w": (_order_of_channels, _values)}


# The bias


def bias_relation(a: Array, b: Array, error: float) -> Change | None:
    """How one bias becomes another: nothing to do, or another order, sign or factor, or two."""
    # The code of the change is empty where both are the same.  Orders are found as those of rows of
    # one number each; a factor is the ratio of both lengths, with either sign.
    if alike(a, b, error):
        return Change("bias", "as given", "as given", "the same", 0.0)
    if a.shape != b.shape or not np.any(a):
        return None
    factor = np.sqrt(np.sum(np.abs(b) ** 2) / np.sum(np.abs(a) ** 2))
    for number in (1.0, -1.0, _plain(factor), -_plain(factor)):
        near = max(error, 1e-6 * float(np.abs(b).max())) if abs(number) != 1 else error
        order = _matching((a * number)[:, None], b[:, None], near)
        if order is None:
            continue
        words, code = [], "{}"
        if order != sorted(order):
            backwards = order == sorted(order, reverse=True)
            words.append("reversed" if backwards else f"in the order {_short(order)}")
            code = "{}[::-1]" if backwards else f"{{}}[{order}]"
        if number != 1:
            words.append("negated" if number == -1 else f"multiplied by {_text(number)}")
            code = f"(-{code})" if number == -1 else f"({number!r} * {code})"
        text = f"its channels are {' and '.join(words)}"
        return Change("bias", "as given", "another", text, 1.5, (("bias", code),))
    return None

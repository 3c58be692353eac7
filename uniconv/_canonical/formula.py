"""Formulas: integers that depend on the extents of an image, as the code that computes them.

A padding word is plain Python on an extent.  ``traced`` runs it on a symbol in the extent's place
and gives what it computes as code: where the word compares, both answers are followed, and the
results joined again.  A formula is a sum, ``constant`` and ``terms`` (an ``Atom`` times a factor);
it divides what can be divided, and d * (a // d) is a - a % d, so that SAME with stride 2 and 3
taps is ``2 - (n + 1) % 2`` in all.  Extents are at least 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

Number = Any  # an int or a Formula
Bounds = tuple[int | None, int | None]

_MOST_QUESTIONS = 8
_MOST_TRIED = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """What is no sum: the extent ``kind`` itself, or ``//``, ``%``, max or min of two parts."""

    kind: str
    parts: tuple[Number, ...] = ()

    def __str__(self) -> str:
        if not self.parts:
            return self.kind
        if self.kind in ("max", "min"):
            return f"{self.kind}({', '.join(map(str, self.parts))})"
        if self.kind == "if":
            question, yes, no = self.parts
            return f"({yes} if {question} < 0 else {no})"
        a, b = (f"{p}" if type(p) is int or p.is_name else f"({p})" for p in self.parts)
        return f"{a} {self.kind} {b}"

    @property
    def bounds(self) -> Bounds:
        """The least and the most that it can be, as far as that is known."""
        # Bounds are safe, not tight: None is "not known", and each part is bounded by itself.  n //
        # 2 of n at least 1 is at least 0; n % 2 is 0 to 1; max(n - 3, 0) is at least 0, as one
        # bound of a max is enough.
        if not self.parts:
            return 1, None
        lows, highs = zip(*(bounds(p) for p in self.parts[-2:]))
        divisor = self.parts[-1]
        if self.kind in ("//", "%") and (type(divisor) is not int or divisor < 1):
            return None, None
        if self.kind == "%":
            return 0, divisor - 1
        if self.kind == "//":
            return tuple(None if n is None else n // divisor for n in (lows[0], highs[0]))  # type: ignore[return-value]
        known = [n for n in lows if n is not None], [n for n in highs if n is not None]
        if self.kind == "max":
            return max(known[0], default=None), max(highs) if None not in highs else None
        if self.kind == "min":
            return min(lows) if None not in lows else None, min(known[1], default=None)
        both = (min, lows), (max, highs)
        return tuple(None if None in ends else pick(ends) for pick, ends in both)  # type: ignore[return-value]

    def at(self, size: int) -> int:
        """Its value for an extent."""
        if not self.parts:
            return size
        values = [value(p, size) for p in self.parts]
        if self.kind == "if":
            return values[1] if values[0] < 0 else values[2]
        a, b = values
        pick: dict[str, Callable[[], int]] = {
            "//": lambda: a // b,
            "%": lambda: a % b,
            "max": lambda: max(a, b),
            "min": lambda: min(a, b),
        }
        return pick[self.kind]()


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """constant + the sum of factor * atom.

    A formula behaves as an int does: it is added, multiplied by ints, divided and compared, and
    gives ints where nothing varies.  Atoms are the same where their texts are.
    """

    constant: int
    terms: tuple[tuple[int, Atom], ...]

    def __str__(self) -> str:
        text = ""
        for factor, atom in sorted(self.terms, key=lambda term: term[0] < 0):
            own = f"{atom}"
            if abs(factor) != 1:
                own = f"{abs(factor)} * {f'({own})' if atom.kind in ('//', '%') else own}"
            text += f" {'-' if factor < 0 else '+'} {own}"
        if text.startswith(" -"):  # -a % b is another number
            return f"{self.constant}{text}"
        sign = "-" if self.constant < 0 else "+"
        return f"{text[3:]} {sign} {abs(self.constant)}".removesuffix(" + 0")

    @property
    def is_name(self) -> bool:
        """Whether it is the bare extent."""
        return str(self).isidentifier()

    def __add__(self, other: Number) -> Number:
        if isinstance(other, int):
            return Formula(self.constant + other, self.terms)
        # Terms of the same atom are one term with the sum of their factors.
        atoms = {str(atom): atom for _, atom in (*self.terms, *other.terms)}
        factors = dict.fromkeys(atoms, 0)
        for factor, atom in (*self.terms, *other.terms):
            factors[str(atom)] += factor
        return _sum(self.constant + other.constant, [(f, atoms[a]) for a, f in factors.items()])

    def __mul__(self, other: int) -> Number:
        if not isinstance(other, int):
            return NotImplemented
        return _sum(self.constant * other, [(f * other, atom) for f, atom in self.terms])

    def __neg__(self) -> Number:
        return self * -1

    def __sub__(self, other: Number) -> Number:
        return self + -other

    def __rsub__(self, other: int) -> Number:
        return -self + other

    def __floordiv__(self, other: Number) -> Number:
        if type(other) is not int or other < 1:
            return _atom("//", self, other)
        # (6 n + 7) // 3 is 2 n + 2 exactly: 3 divides 6 n + 6, and the rest, 1, is below 3.  Of
        # (n + 7) // 3 it is 2 + (n + 1) // 3.
        whole, rest = self._divided(other)
        low, high = bounds(rest)
        if low is not None and high is not None and low // other == high // other:
            return whole + low // other
        return whole + _atom("//", rest, other)

    def __mod__(self, other: Number) -> Number:
        if type(other) is not int or other < 1:
            return _atom("%", self, other)
        rest = self._divided(other)[1]
        low, high = bounds(rest)
        if low is not None and high is not None and low // other == high // other:
            return rest - low // other * other
        return _atom("%", rest, other)

    def __rfloordiv__(self, other: int) -> Number:
        return 0 if self._exceeds(other) else _atom("//", other, self)

    def __rmod__(self, other: int) -> Number:
        return other if self._exceeds(other) else _atom("%", other, self)

    def _exceeds(self, other: int) -> bool:
        """Whether it is above a number at all extents; that number is then its own remainder."""
        low = bounds(self)[0]
        return low is not None and 0 <= other < low

    __radd__, __rmul__ = __add__, __mul__

    def _divided(self, divisor: int) -> tuple[Number, Number]:
        """(q, r): divisor * q + r is the formula; r is not negative, where that can be."""
        # Terms that the divisor divides go into q, whatever the extent is; of the constant its
        # multiple does, too.  r is made non-negative by one more multiple, if its least value is
        # known.
        even = [(f // divisor, atom) for f, atom in self.terms if f % divisor == 0]
        odd = [(f, atom) for f, atom in self.terms if f % divisor]
        constant = self.constant % divisor
        low = bounds(_sum(constant, odd))[0]
        if odd and low is not None and low < 0:
            constant += -(low // divisor) * divisor
        return _sum((self.constant - constant) // divisor, even), _sum(constant, odd)

    def __lt__(self, other: Number) -> bool:
        return _negative(self - other)

    def __gt__(self, other: Number) -> bool:
        return _negative(-self + other)

    def __le__(self, other: Number) -> bool:
        return not self > other

    def __ge__(self, other: Number) -> bool:
        return not self < other

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (int, Formula)):
            return NotImplemented
        return not (self < other or self > other)

    def __bool__(self) -> bool:
        return self != 0

    __hash__ = None  # type: ignore[assignment]


def _sum(constant: int, terms: list[tuple[int, Atom]]) -> Number:
    """A sum in its normal form: an int where nothing varies; no d * (a // d), no a - a // 2."""
    # How to read this: two rewrites, each of which lets another follow.  d * (a // d) is a - a % d,
    # which holds no division.  a - a // 2 is (a + 1) // 2: the larger half, as SAME puts it after.
    terms = [(factor, atom) for factor, atom in terms if factor]
    for i, (factor, atom) in enumerate(terms):
        if atom.kind != "//" or type(atom.parts[1]) is not int:
            continue
        a, d = atom.parts
        if factor % d == 0:
            rest = _sum(constant, [*terms[:i], *terms[i + 1 :]])
            return (a - _atom("%", a, d)) * (factor // d) + rest
        if d == 2 and factor < 0 and _holds(terms, a * -factor):
            rest = _sum(constant, [*terms[:i], *terms[i + 1 :]])
            return rest + a * factor + (a + 1) // 2 * -factor
    return Formula(constant, tuple(terms)) if terms else constant


def _holds(terms: list[tuple[int, Atom]], part: Formula) -> bool:
    """Whether the terms of a formula are all among these."""
    known = {(factor, f"{atom}") for factor, atom in terms}
    return known >= {(factor, f"{atom}") for factor, atom in part.terms}


def _atom(kind: str, *parts: Number) -> Formula:
    """One atom as a formula: 0 + 1 * atom."""
    return Formula(0, ((1, Atom(kind, parts)),))


def bounds(number: Number) -> Bounds:
    """The least and the most that a number can be; None where that is not known."""
    if not isinstance(number, Formula):
        return number, number
    low: int | None = number.constant
    high: int | None = number.constant
    for factor, atom in number.terms:
        ends = atom.bounds if factor > 0 else atom.bounds[::-1]
        low = None if low is None or ends[0] is None else low + factor * ends[0]
        high = None if high is None or ends[1] is None else high + factor * ends[1]
    return low, high


def positive(number: Number) -> Number:
    """The larger of a number and 0."""
    low, high = bounds(number)
    if low is not None and low >= 0:
        return number
    return 0 if high is not None and high <= 0 else _atom("max", number, 0)


def value(number: Number, size: int) -> int:
    """A number for an extent."""
    varying = number.terms if isinstance(number, Formula) else ()
    constant = number.constant if isinstance(number, Formula) else number
    return int(constant + sum(factor * atom.at(size) for factor, atom in varying))


# Comparisons


class _UndecidedError(Exception):
    """Whether a formula is negative depends on the extent; raised through the word that asked."""

    def __init__(self, formula: Formula) -> None:
        super().__init__(f"{formula} < 0")
        self.formula = formula


_ANSWERS: ContextVar[Mapping[str, bool] | None] = ContextVar("answers", default=None)


def _negative(number: Number) -> bool:
    """Whether a number is below 0: by its bounds, else as the path that is followed says."""
    low, high = bounds(number)
    if low is not None and low >= 0:
        return False
    if high is not None and high < 0:
        return True
    # ``answers`` is the path that is followed: texts of formulas, and whether each is below 0
    # there. If -f is negative, f is not.
    answers = _ANSWERS.get()
    if answers is None:
        raise TypeError(f"whether {number} < 0 depends on the image")
    if answers.get(f"{-number}"):
        return False
    if f"{number}" not in answers:
        raise _UndecidedError(number)
    return answers[f"{number}"]


def traced(word: Callable[..., tuple[int, ...]], *names: str) -> tuple[Number, ...]:
    """What a word gives, as formulas of the extents of these names, its arguments.

    Raises:
        TypeError: the word asks what no formula can answer.

    >>> [str(p) for p in traced(lambda n: (max(5 - n, 0) // 2, n % 2), "n")]
    ['max((1 - n) // 2 + 2, 0)', 'n % 2']
    >>> [str(p) for p in traced(lambda n, k: ((n + k - 1) - n, n + k // 2), "n", "k")]
    ['k - 1', 'n + k // 2']
    """

    # How to read this: the word runs on a symbol.  At the first comparison that bounds do not
    # settle it is stopped (_UndecidedError), and run again twice, once with each answer; deeper
    # comparisons split these runs again.  At most 8 questions deep, that is 256 paths; real words
    # ask one or two.
    def followed(answers: dict[str, bool]) -> tuple[Number, ...]:
        token = _ANSWERS.set(answers)
        try:
            return word(*map(_atom, names))
        except _UndecidedError as undecided:
            asked = undecided.formula
        finally:
            _ANSWERS.reset(token)
        if len(answers) == _MOST_QUESTIONS:
            raise TypeError(f"more than {_MOST_QUESTIONS} comparisons")
        yes, no = (followed({**answers, f"{asked}": answer}) for answer in (True, False))
        return tuple(_joined(asked, *pair) for pair in zip(yes, no))

    return followed({})


def _joined(asked: Formula, yes: Number, no: Number) -> Number:
    """``yes`` where the formula is negative, else ``no``: in one formula where one says both.

    All of them repeat, or grow evenly, once the extent is beyond their constants: so two that are
    equal as far as that are equal.
    """
    # "n - 3 if n > 3 else 0" is tried as one of its parts, as max or as min: the first that gives
    # the same for all extents up to four times the sum of the constants is it.
    if f"{yes}" == f"{no}":
        return no
    whole = _atom("if", asked, yes, no)
    if len(extents(whole)) > 1:  # two extents vary apart: what is equal along a line proves nothing
        return _atom("max", no, 0) if _is_zero(yes) and _grows_through_0(no, asked) else whole
    sizes = range(1, min(4 * _reach(whole), _MOST_TRIED))
    values = [value(whole, size) for size in sizes]
    for one in (no, yes, _atom("max", no, yes), _atom("min", no, yes)):
        if [value(one, size) for size in sizes] == values:
            return one
    return whole


def _is_zero(number: Number) -> bool:
    return type(number) is int and number == 0


def _grows_through_0(number: Number, asked: Formula) -> bool:
    """Whether a number is ``asked``, or a part of it, and not above 0 where that is negative."""
    # asked // 2 is -1 at -1 and 0 at 0; it falls where asked falls, so it is 0 or less below.
    shift, divisor, constant = number - asked, 1, 0
    if type(shift) is not int and isinstance(number, Formula) and len(number.terms) == 1:
        ((factor, atom),) = number.terms
        if factor == 1 and atom.kind == "//" and type(atom.parts[1]) is int:
            shift, divisor, constant = atom.parts[0] - asked, atom.parts[1], number.constant
    if type(shift) is not int or divisor < 1:
        return False
    below, at = ((value + shift) // divisor + constant for value in (-1, 0))
    return bool(below <= 0 <= at)


def extents(number: Number) -> set[str]:
    """The names of the extents in a formula."""
    if not isinstance(number, Formula):
        return set()
    atoms = [atom for _, atom in number.terms]
    names = {atom.kind for atom in atoms if not atom.parts}
    return names.union(*(extents(p) for atom in atoms for p in atom.parts))


def _reach(number: Number) -> int:
    """The sum of the magnitudes of all constants in a formula."""
    if not isinstance(number, Formula):
        return abs(int(number))
    parts = sum(_reach(p) + 1 for _, atom in number.terms for p in atom.parts)
    return abs(number.constant) + sum(abs(f) for f, _ in number.terms) + parts

"""The search: fewest changes first, each hypothesis judged on a few elements, then on all.

An element is computed alone, from its own window, so that a wrong hypothesis costs one window of
the kernel.  Only what survives all sampled elements is computed whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from uniconv._diagnose.causes import LEAST, SHAPING, SLOTS
from uniconv._diagnose.fits import settled
from uniconv._diagnose.hypothesis import Hypothesis
from uniconv._diagnose.judge import Judge
from uniconv._diagnose.precision import (
    QUANTIZATIONS,
    ROUNDED_INPUTS,
    UNITS,
    EightBits,
    Errors,
    Remainder,
)

Progress = Callable[[str], None]
# Gives the expected call with x and w rounded so.
Rounded = Callable[[str | EightBits], Hypothesis]

ALIKE = 6  # so many other explanations are told
CHEAPEST = 1.0  # what no cause costs less than
COARSE = 2 * UNITS["bfloat16"]  # how far x and w may be off, relatively, in any short format
# Of three causes: how near the first must be, compared with none; on so many samples; and how many
# are followed.
NEARER, PART_OF_SAMPLES, FOLLOWED = 0.8, 16, 5
# What may follow a change by what it reads off y; nothing in particular where it reads nothing.
BESIDE_FIT = {"": (), "gain": ("values of x",), "affine": ("values of x",)}


@dataclass
class SearchResult:
    """What the search ends with.

    model: the best explanation, or else the nearest miss (``explained`` tells which).  others: as
    good ones; where nothing differs, the changes that would not show on this data.  weak: whether
    something gives y, but y has so few numbers that it may be chance.
    """

    model: Hypothesis
    explained: bool
    remainder: Remainder
    others: list[Hypothesis] = field(default_factory=list)
    tried: int = 0
    weak: bool = False


def singles(model: Hypothesis) -> Iterator[Hypothesis]:
    """Every model that differs in one thing."""
    for slot in SLOTS.values():
        yield from slot(model)


def pairs(
    ones: list[tuple[int, Hypothesis]],
    judge: Judge,
    progress: Progress | None,
    near: list[Hypothesis],
) -> Iterator[Hypothesis]:
    """Models that differ in two things and give y, about the simplest first.

    Once one is found, only what could be simpler is looked at.  ones: those that differ in one,
    each with the number of its slot; near: takes those that would give y if x and w were as coarse
    as bfloat16.
    """
    # How to read this, with an example: "flip" (1.0) comes before "the padding is SAME" (1.3) in
    # ``firsts`` and in the slots, so that the pair is made once, as padding of the flipped kernel.
    # If it gives y, bound is 2.3: a first change of 1.4 can no longer lead to a better pair.
    # In general: two changes are made in the order of the slots, so that each pair is tried
    # once.  A first change with a lower cost comes first, and ``bound`` is the cost of the best
    # pair so far: whoever cannot be below it is not looked at.  ``LEAST`` says what a slot costs at
    # least. Unless the second slot can change sizes, the first must already fit y's.
    names = list(SLOTS)
    firsts = [(one.cost, i, n, one) for n, (i, one) in enumerate(ones) if one.fit in BESIDE_FIT]
    firsts.sort(key=lambda f: f[:3])
    bound = np.inf
    last_line = time.monotonic()
    for done, (cost, i, _, one) in enumerate(firsts):
        if cost + CHEAPEST > bound:
            return
        if progress is not None and time.monotonic() - last_line > 1:
            last_line = time.monotonic()
            progress(f"pairs of causes: {done} of {len(firsts)} first causes tried")
        for second in BESIDE_FIT[one.fit] or names[i + 1 :]:
            if cost + LEAST.get(second, CHEAPEST) <= bound and (second in SHAPING or one.fits):
                for two in SLOTS[second](one):
                    if two.cost > bound or not judge.agrees(two, 0.0 if two.fit else COARSE):
                        continue
                    if not two.fit:
                        near.append(two)
                    for final in judge.confirmed([two] if two.fit or judge.agrees(two) else []):
                        bound = min(bound, final.cost)
                        yield final


FITS = ("scale", "offset", "gain", "affine", "values of x")


def triples(model: Hypothesis, judge: Judge) -> Iterator[Hypothesis]:
    """Models that differ in one thing, in their activation and in a number that is read off y.

    As where a layer of convolution, BatchNorm and ReLU has one mistake.
    """
    # Without the BatchNorm's numbers that layer differs in two things already.  The three are
    # tried together, as none alone need explain a part.
    bound = np.inf
    if not model.problem.activations:
        return
    for name in list(SLOTS)[: list(SLOTS).index("activation")]:
        for one in SLOTS[name](model):
            if not one.fits or one.fit:
                continue
            for two in SLOTS["activation"](one):
                for fit in FITS if not two.fit else ():
                    for three in SLOTS[fit](two):
                        if three.fit and three.cost <= bound and judge.agrees(three):
                            for final in judge.confirmed([three]):
                                bound = min(bound, final.cost)
                                yield final


def parts(model: Hypothesis, judge: Judge) -> Iterator[Hypothesis]:
    """Models that differ in three things, of which each takes a part of the difference away.

    The few first changes that explain most are followed, and of what they leave, the few seconds.
    """
    for first, one, distance in _nearer(model, judge, 0, _distance(judge, model)):
        for second, two, _ in _nearer(one, judge, first + 1, distance):
            threes = (m for _, m in _changed(two, second + 1))
            yield from judge.confirmed(m for m in threes if judge.agrees(m))


def _changed(model: Hypothesis, first_slot: int) -> Iterator[tuple[int, Hypothesis]]:
    """Every model that differs in one thing more, by a slot from this one on, with its number."""
    for n, slot in enumerate(SLOTS.values()):
        if n >= first_slot:
            yield from ((n, one) for one in slot(model))


def _nearer(
    model: Hypothesis, judge: Judge, first_slot: int, distance: float
) -> list[tuple[int, Hypothesis, float]]:
    """The few models with one change more that are nearest to y, of those that are nearer."""
    # Changes with open numbers come last, when the rest is there.
    rows = [
        (_distance(judge, one), n, one)
        for n, one in _changed(model, first_slot)
        if not one.fit and one.fits
    ]
    rows = sorted((row for row in rows if row[0] < NEARER * distance), key=lambda row: row[0])
    return [(n, one, off) for off, n, one in rows[:FOLLOWED]]


def _distance(judge: Judge, model: Hypothesis) -> float:
    """The squared distance from y on some samples; no more than that of a constant."""
    # A hypothesis that is farther from y than y's own mean explains nothing of it.
    points = judge.sample(model)[:PART_OF_SAMPLES]
    y = np.array([model.y[at] for at in points])
    apart = float(np.sum(np.abs(y - y.mean()) ** 2)) if len(y) else 0.0
    if not model.fits:
        return apart
    values = np.array([model.element(at) for at in points])
    with np.errstate(over="ignore"):  # infinitely far is farther than the mean
        return min(apart, float(np.sum(np.abs(y - values) ** 2)))


def search(
    start: Hypothesis,
    errors: Errors,
    rounded: Rounded | None = None,
    progress: Progress | None = None,
    depth: int = 3,
) -> SearchResult:
    """The simplest explanation of y.

    rounded: the expected call with x and w rounded to a short format.  depth: how many changes
    are combined at most; 0 is the call itself or nothing.
    """
    # How to read this: from what is proved to what is only consistent, and within each from fewer
    # changes to more.  "Short": x and w were rounded to TF32, float16 or bfloat16 first; "loosely":
    # within what such a format may do, without its rounding being reproduced.
    if depth == 0:
        judge = Judge(start, errors)
        rest = judge.remainder(start)
        explained = judge.agrees(start) and rest.is_rounding and rest.proved
        return SearchResult(start, explained, rest, tried=judge.tried)
    stages = _Search(start, Judge(start, errors), rounded, progress)
    steps = [stages.nothing, stages.one, stages.short, stages.integers, stages.one_and_short]
    steps.append(stages.one_and_integers)
    steps += [stages.two] if depth > 1 else []
    steps += [stages.three] if depth > 2 else []
    steps += [stages.loosely, stages.one_loosely]
    steps += [stages.two_loosely] if depth > 1 else []
    for step in steps:
        result = step()
        if result is not None:
            return result
    return stages.nearest()


class _Search:
    """The steps of a search; each gives a result, or None where the next one is to be tried.

    ones: every hypothesis with one change, made once, since several steps go through them;
    changed: the same with the numbers of their slots;
    agreeing: those of them that the sampled elements do not refute; near_pairs: those of two
    changes that give y if x and w are as coarse as bfloat16.
    """

    def __init__(
        self,
        start: Hypothesis,
        judge: Judge,
        rounded: Rounded | None,
        progress: Progress | None,
    ) -> None:
        self.start, self.judge, self.progress = start, judge, progress
        self.changed = list(_changed(start, 0))
        self.ones = [one for _, one in self.changed]
        self.agreeing = [m for m in self.ones if judge.agrees(m)]
        self.near_pairs: list[Hypothesis] = []
        self.weak = False
        self._rounded = None if np.iscomplexobj(start.x) else rounded
        self._short: dict[str, Hypothesis] = {}

    def short_models(self) -> dict[str, Hypothesis]:
        """The expected call with x and w in each short format."""
        if self._rounded is not None and not self._short:
            self._short = {p: self._rounded(p) for p in ROUNDED_INPUTS}
        return self._short

    def best(self, models: list[Hypothesis], precision: str | None = None) -> SearchResult | None:
        """The simplest of several explanations."""
        if not models:
            return None
        first, *others = sorted(models, key=lambda m: m.cost)
        # A factor per channel explains what one factor does: no other explanation, but a wider one.
        others = [m for m in others if m.read_off <= first.read_off]
        if precision is not None:  # what is left is left by x and w as they were given
            first = settled(redone(self.start, first)[0])
        rest = self.judge.remainder(first)
        if precision is not None:
            rest = Remainder(rest.largest, rest.units, precision)
        return SearchResult(first, True, rest, others[:ALIKE], self.judge.tried)

    def nothing(self) -> SearchResult | None:
        """The expected call itself; what would not show is told, what is read off y is not."""
        if not self.judge.agrees(self.start):
            return None
        rest = self.judge.remainder(self.start)
        if not (rest.is_rounding and rest.proved):
            return None
        blind = [m for m in self.agreeing if not m.fit and not m.changes[-1].read_off]
        blind.sort(key=lambda m: m.cost)
        others = self.judge.confirmed(blind, most=ALIKE, weak=True)
        return SearchResult(self.start, True, rest, others, self.judge.tried)

    def one(self) -> SearchResult | None:
        """One change that gives y; ``weak`` is kept where only chance may have found it."""
        fine = self.judge.confirmed(self.agreeing, weak=True)
        result = self.best([m for m in fine if self.judge.convincing(m)])
        self.weak = bool(fine) and result is None
        # Of one tap, 8-bit weights differ by a factor per channel: no number of y is needed.
        if result is not None and result.model.read_off:
            return self.short() or self.integers() or result
        return result

    def short(self) -> SearchResult | None:
        """Nothing but a short format of x and w."""
        fine = [p for p, m in self.short_models().items() if self.judge.agrees(m)]
        fine = [p for p in fine if self.judge.confirmed([self.short_models()[p]], weak=True)]
        if "float16" in fine and self.judge.errors.stored == UNITS["float16"]:
            fine = ["float16"]  # TF32 has as many bits, but its results are float32
        return self.best([self.start], " or ".join(fine)) if fine else None

    def integers(self) -> SearchResult | None:
        """Nothing but x and w made 8-bit integers."""
        for quantization, model in self.integer_models():
            if self.judge.agrees(model) and self.judge.confirmed([model]):
                return self.best([self.start], str(quantization))
        return None

    def integer_models(self) -> Iterator[tuple[EightBits, Hypothesis]]:
        """The expected call with x, w or both as 8-bit integers."""
        if self._rounded is not None:
            yield from ((q, self._rounded(q)) for q in QUANTIZATIONS)

    def one_and_short(self) -> SearchResult | None:
        """One change, and x and w in a short format; all formats that do are named."""
        answers: list[tuple[Hypothesis, str]] = []
        for precision, model in self.short_models().items():
            agreeing = (m for m in singles(model) if self.judge.agrees(m))
            answers += [(m, precision) for m in self.judge.confirmed(agreeing)]
            model.problem.forget()
        if not answers:
            return None
        first = min((m for m, _ in answers), key=lambda m: m.cost)
        formats = [p for m, p in answers if m.changes[0].same(first.changes[0])]
        return self.best([first], " or ".join(dict.fromkeys(formats)))

    def two(self) -> SearchResult | None:
        """Two changes, the simplest pair."""
        return self.best(list(pairs(self.changed, self.judge, self.progress, self.near_pairs)))

    def loosely(self) -> SearchResult | None:
        """Nothing but what a short format may do, though no rounding that is known gives y."""
        return self.best([self.start]) if self.judge.remainder(self.start).is_rounding else None

    def one_and_integers(self) -> SearchResult | None:
        """One change, and x or w made 8-bit integers."""
        # Their rounding is about as coarse as bfloat16's: few changes are that near.
        near = self._near(COARSE)
        return self.as_integers(near) if near else None

    def _near(self, inputs: float) -> list[Hypothesis]:
        """The hypotheses with one change that give y where x and w may be off, relatively."""
        agreeing = [m for m in self.ones if not m.fit and self.judge.agrees(m, inputs)]
        return self.judge.confirmed(agreeing, inputs)

    def one_loosely(self) -> SearchResult | None:
        """One change within what a short format may do, the finer format first."""
        for precision in ("TF32", "bfloat16"):
            near = _not_read_off(self._near(2 * UNITS[precision]))
            if near:
                return self.best(near)
        return None

    def as_integers(self, near: list[Hypothesis]) -> SearchResult | None:
        """The changes found loosely, with x and w made 8-bit integers."""
        # Each way to make integers is a start of its own, from which the changes are made again.
        near = sorted(near, key=lambda m: m.cost)[:2]
        for quantization, model in self.integer_models():
            again = [m for n in near for m in redone(model, n) if self.judge.agrees(m)]
            result = self.best(self.judge.confirmed(again), str(quantization))
            if result is not None:
                return result
        return None

    def two_loosely(self) -> SearchResult | None:
        """Two changes and a short format: found loosely, then with x and w rounded so."""
        near = self.judge.confirmed(self.near_pairs, COARSE)
        for precision, model in self.short_models().items():
            again = [m for n in near for m in redone(model, n)]
            result = self.best(self.judge.confirmed(again), precision)
            if result is not None:
                return result
        return (self.as_integers(near) if near else None) or self.best(_not_read_off(near))

    def three(self) -> SearchResult | None:
        """Three changes: any with what follows the sum, or three of which each explains a part."""
        return self.best(list(triples(self.start, self.judge))) or self.best(
            list(parts(self.start, self.judge))
        )

    def nearest(self) -> SearchResult:
        """The nearest miss: explained is False."""
        model = _nearest(self.judge, [self.start, *self.ones])
        rest = self.judge.remainder(model)
        return SearchResult(model, False, rest, [], self.judge.tried, self.weak)


def _not_read_off(models: list[Hypothesis]) -> list[Hypothesis]:
    """Those that take no number from y."""
    # Within what a short format may do, a number that is taken from y would explain any few of its
    # elements, such as a last column of small ones "replaced by 0".
    return [model for model in models if not model.read_off]


def redone(start: Hypothesis, model: Hypothesis) -> list[Hypothesis]:
    """The changes of another model made again."""
    # That is, from another start: the same changes of x and w rounded to a short format, or as
    # they were given.  Each is looked for among all single changes, by what it says.  Two ways to
    # reshape may say the same, of which one leaves other sizes: what does not fit y is left out.
    models = [start]
    for change in model.changes:
        models = [m for one in models for m in singles(one) if m.changes[-1].same(change)]
    return [m for m in models if m.fits]


def _nearest(judge: Judge, models: list[Hypothesis]) -> Hypothesis:
    """Of the models that fit in shape, the one that most of y agrees with; else the first one.

    A nearest miss is one that explains most of y: more than half of its numbers, or nine tenths of
    their spread; and it leaves less than half of what the first model, the expected call, leaves.
    Anything less would be a guess.
    """
    # First the few that are nearest on the samples, then these on all of y.
    fitting = [m for m in models if m.fits and not m.fit and m.y.size]
    near = sorted(fitting, key=lambda m: _distance(judge, m))[:FOLLOWED]
    first = models[0]
    wrong, apart = _left_of(judge, first) if first.fits and first.y.size else (1.0, 1.0)
    best, most = first, 0.0
    for model in near:
        if model is first:
            continue
        off, left = _left_of(judge, model)
        numbers = 1 - off if off < min(0.5, wrong / 2) else 0.0
        spread = 1 - left if left < min(0.1, apart / 2) else 0.0
        share = max(numbers, spread)
        if share > most + 1e-9:
            best, most = model, share
    return best


def _left_of(judge: Judge, model: Hypothesis) -> tuple[float, float]:
    """What a model leaves of y: the part of its numbers, and that of their spread."""
    value = model.result()
    off = np.abs(model.y - value)
    slack = judge.digits(model) + judge.errors.stored * np.abs(model.y)
    slack = slack + judge.unit(model, UNITS["float32"]) * model.magnitudes()
    spread = float(np.sum(np.abs(model.y - model.y.mean()) ** 2))
    with np.errstate(over="ignore"):
        left = float(np.sum(off**2)) / spread if spread else 1.0
    return float(np.mean(off > slack)), left

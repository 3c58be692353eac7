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
from uniconv._diagnose.hypothesis import Hypothesis
from uniconv._diagnose.judge import Judge
from uniconv._diagnose.precision import ROUNDED_INPUTS, UNITS, Errors, Remainder

Progress = Callable[[str], None]

ALIKE = 6  # so many other explanations are told
CHEAPEST = 1.0  # what no cause costs less than


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
    model: Hypothesis, judge: Judge, progress: Progress | None = None, inputs: float = 0.0
) -> Iterator[Hypothesis]:
    """Models that differ in two things and give y, about the simplest first.

    Once one is found, only what could be simpler is looked at.  inputs: how far x and w may be
    off, relatively.
    """
    # How to read this, with an example: "flip" (1.0) comes before "the padding is SAME" (1.3) in
    # ``firsts`` and in the slots, so that the pair is made once, as padding of the flipped kernel.
    # If it gives y, bound is 2.3: a first change of 1.4 can no longer lead to a better pair.
    # In general: two changes are made in the order of the slots, so that each pair is tried
    # once.  A first change with a lower cost comes first, and ``bound`` is the cost of the best
    # pair so far: whoever cannot be below it is not looked at.  ``LEAST`` says what a slot costs at
    # least. Unless the second slot can change sizes, the first must already fit y's.
    names = list(SLOTS)
    firsts = [
        (one.cost, i, n, one)
        for i, name in enumerate(names)
        for n, one in enumerate(SLOTS[name](model))
        if not one.fit
    ]
    firsts.sort(key=lambda f: f[:3])
    bound = np.inf
    last_line = time.monotonic()
    for done, (cost, i, _, one) in enumerate(firsts):
        if cost + CHEAPEST > bound:
            return
        if progress is not None and time.monotonic() - last_line > 1:
            last_line = time.monotonic()
            progress(f"pairs of causes: {done} of {len(firsts)} first causes tried")
        for second in names[i + 1 :]:
            if cost + LEAST.get(second, CHEAPEST) <= bound and (second in SHAPING or one.fits):
                for two in SLOTS[second](one):
                    if two.cost <= bound and judge.agrees(two, inputs):
                        for settled in judge.confirmed([two], inputs):
                            bound = min(bound, settled.cost)
                            yield settled


def search(
    start: Hypothesis,
    errors: Errors,
    rounded: Callable[[str], Hypothesis] | None = None,
    progress: Progress | None = None,
    depth: int = 2,
) -> SearchResult:
    """The simplest explanation of y.

    rounded: the expected call with x and w rounded to a short format.  depth: how many changes
    are combined at most.
    """
    # How to read this: from what is proved to what is only consistent, and within each from fewer
    # changes to more.  "Short": x and w were rounded to TF32, float16 or bfloat16 first; "loosely":
    # within what such a format may do, without its rounding being reproduced.
    stages = _Search(start, Judge(start, errors), rounded, progress)
    steps = [stages.nothing, stages.one, stages.short, stages.one_and_short]
    if depth > 1:
        steps.append(stages.two)
    steps += [stages.loosely, stages.one_loosely]
    if depth > 1:
        steps.append(stages.two_loosely)
    for step in steps:
        result = step()
        if result is not None:
            return result
    return stages.nearest()


class _Search:
    """The steps of a search; each gives a result, or None where the next one is to be tried.

    ones: every hypothesis with one change, made once, since several steps go through them;
    agreeing: those of them that the sampled elements do not refute.
    """

    def __init__(
        self,
        start: Hypothesis,
        judge: Judge,
        rounded: Callable[[str], Hypothesis] | None,
        progress: Progress | None,
    ) -> None:
        self.start, self.judge, self.progress = start, judge, progress
        self.ones = list(singles(start))
        self.agreeing = [m for m in self.ones if judge.agrees(m)]
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
        if precision is not None:  # what is left is left by x and w as they were given
            first = _redone(self.start, first)[0]
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
        return result

    def short(self) -> SearchResult | None:
        """Nothing but a short format of x and w."""
        fine = [p for p, m in self.short_models().items() if self.judge.agrees(m)]
        fine = [p for p in fine if self.judge.confirmed([self.short_models()[p]], weak=True)]
        if "float16" in fine and self.judge.errors.stored == UNITS["float16"]:
            fine = ["float16"]  # TF32 has as many bits, but its results are float32
        return self.best([self.start], " or ".join(fine)) if fine else None

    def one_and_short(self) -> SearchResult | None:
        """One change, and x and w in a short format; all formats that do are named."""
        answers: list[tuple[Hypothesis, str]] = []
        for precision, model in self.short_models().items():
            agreeing = (m for m in singles(model) if self.judge.agrees(m))
            answers += [(m, precision) for m in self.judge.confirmed(agreeing)]
        if not answers:
            return None
        first = min((m for m, _ in answers), key=lambda m: m.cost)
        formats = [p for m, p in answers if m.changes[0].same(first.changes[0])]
        return self.best([first], " or ".join(dict.fromkeys(formats)))

    def two(self) -> SearchResult | None:
        """Two changes, the simplest pair."""
        return self.best(list(pairs(self.start, self.judge, self.progress)))

    def loosely(self) -> SearchResult | None:
        """Nothing but what a short format may do, though no rounding that is known gives y."""
        return self.best([self.start]) if self.judge.remainder(self.start).is_rounding else None

    def one_loosely(self) -> SearchResult | None:
        """One change within what a short format may do, the finer format first."""
        for precision in ("TF32", "bfloat16"):
            inputs = 2 * UNITS[precision]
            agreeing = [m for m in self.ones if not m.fit and self.judge.agrees(m, inputs)]
            result = self.best(self.judge.confirmed(agreeing, inputs))
            if result is not None:
                return result
        return None

    def two_loosely(self) -> SearchResult | None:
        """Two changes and a short format: found loosely, then with x and w rounded so."""
        inputs = 2 * UNITS["bfloat16"]
        near = list(pairs(self.start, self.judge, self.progress, inputs))
        for precision, model in self.short_models().items():
            again = [m for n in near for m in _redone(model, n)]
            result = self.best(self.judge.confirmed(again), precision)
            if result is not None:
                return result
        return self.best(near)

    def nearest(self) -> SearchResult:
        """The nearest miss: explained is False."""
        model = _nearest(self.judge, [self.start, *self.ones])
        rest = self.judge.remainder(model)
        return SearchResult(model, False, rest, [], self.judge.tried, self.weak)


def _redone(start: Hypothesis, model: Hypothesis) -> list[Hypothesis]:
    """The changes of another model made again."""
    # That is, from another start: the same changes of x and w rounded to a short format, or as
    # they were given.  Each is looked for among all single changes, by what it says.
    models = [start]
    for change in model.changes:
        models = [m for one in models for m in singles(one) if m.changes[-1].same(change)]
    return models


def _nearest(judge: Judge, models: list[Hypothesis]) -> Hypothesis:
    """Of the models that fit in shape, the one that most sampled elements agree with.

    One that is no nearer than zeros would be is none: the expected call itself, then.
    """

    # First by how many samples agree, then by the mean distance in units of y, then by the cost.
    def apart(model: Hypothesis) -> tuple[float, float]:
        points = judge.sample(model)
        off = np.array([abs(model.y[at] - model.element(at)) for at in points])
        agree = sum(o <= judge.slack(model, at, UNITS["float32"]) for o, at in zip(off, points))
        size = float(np.mean([abs(model.y[at]) for at in points])) or 1.0
        return -float(agree), float(off.mean()) / size + 0.01 * model.cost

    fitting = [m for m in models if m.fits and not m.fit and m.y.size]
    if not fitting:
        return models[0]
    best = min(fitting, key=apart)
    agree, off = apart(best)
    return best if agree < -1 or off < 0.9 or best is models[0] else models[0]

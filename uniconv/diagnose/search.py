"""The search: fewest changes first, each hypothesis judged on a few elements, then on all.

An element is computed alone, from its own window, so that a wrong hypothesis costs one window of
the kernel.  Only what survives all sampled elements is computed whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from uniconv.diagnose.causes import LEAST, SHAPING, SLOTS
from uniconv.diagnose.model import Model
from uniconv.diagnose.precision import ROUNDED_INPUTS, UNITS, Errors, Remainder

Progress = Callable[[str], None]
Index = tuple[int, ...]

SAMPLES = 24
ALIKE = 6  # so many other explanations are told
CHEAPEST = 1.0  # what no cause costs less than
ENOUGH = 1e4  # how many times likelier than chance an explanation must be


@dataclass
class Found:
    """What the search ends with.

    model: the best explanation, or else the nearest miss (``explained`` tells which).  others: as
    good ones; where nothing differs, the changes that would not show on this data.  weak: whether
    something gives y, but y has so few numbers that it may be chance.
    """

    model: Model
    explained: bool
    remainder: Remainder
    others: list[Model] = field(default_factory=list)
    tried: int = 0
    weak: bool = False


class Judge:
    """Whether a model gives y, up to what rounding and printed digits may do."""

    def __init__(self, start: Model, errors: Errors) -> None:
        self.start, self.errors = start, errors
        self.points: dict[tuple[int, ...], list[Index]] = {}
        self.tried = 0
        flat = np.abs(start.y[np.isfinite(start.y)])
        self.peak = float(flat.max()) if flat.size else 0.0
        self.x_peak = float(np.abs(start.x).max()) if start.x.size else 0.0
        self.distinct = int(np.unique(start.y).size)

    def unit(self, model: Model, u: float) -> float:
        return 2 * float(np.sqrt(max(model.terms, 1))) * u

    def given(self, model: Model) -> float:
        """How far the printed digits of x, w and y may move an element."""
        e = self.errors
        if not e.printed:
            return 0.0
        weights = np.abs(model.w).reshape(len(model.w), -1).sum(1).max() if model.w.size else 0.0
        moved = e.x * weights + e.w * model.terms * (self.x_peak + e.x)
        return float(e.y + abs(model.scale) * moved)

    def sample(self, model: Model) -> list[Index]:
        """Elements to look at first: in the middle, at corners, anywhere; the same every time."""
        shape = model.y.shape
        known = self.points.get(shape)
        if known is not None:
            return known
        rng = np.random.default_rng(len(shape))
        o = model.y.shape[1]
        found: list[Index] = []
        for _ in range(SAMPLES):
            found.append(tuple(int(rng.integers(n)) for n in shape))
        for corner in product(*((0, n - 1) for n in shape[2:])):
            found.append((int(rng.integers(shape[0])), int(rng.integers(o)), *corner))
        middle = tuple(n // 2 for n in shape[2:])
        found[1:1] = [(shape[0] - 1, k, *middle) for k in sorted({0, o - 1})]
        self.points[shape] = list(dict.fromkeys(found))
        return self.points[shape]

    def agrees(self, model: Model, inputs: float = 0.0) -> bool:
        """Whether every sampled element is as observed; ``inputs`` is what x and w may be off."""
        u = UNITS["float32"]
        self.tried += 1
        if not model.fits or not model.y.size:
            return False
        if model.fit == "scale":
            return self._proportional(model, u)
        if model.fit == "bias":
            return self._offset(model, u)
        unit, given, stored = self.unit(model, u) + inputs, self.given(model), self.errors.stored
        for at in self.sample(model):
            seen = model.y[at]
            miss = abs(seen - model.element(at)) - given - stored * abs(seen)
            if not miss <= 0 and not miss <= unit * model.magnitude(at):
                return False
        return True

    def _slack(self, model: Model, at: Index, u: float) -> float:
        moved = self.given(model) + self.errors.stored * abs(model.y[at])
        return float(moved + self.unit(model, u) * model.magnitude(at))

    def _proportional(self, model: Model, u: float) -> bool:
        points = self.sample(model)
        first = max(points[:8], key=lambda at: abs(model.y[at]))
        value = model.element(first) - model.added(first)
        seen = model.y[first] - model.added(first)
        if value == 0 or seen == 0 or abs(value) <= self._slack(model, first, u):
            return False
        factor = seen / value
        relative = self._slack(model, first, u) / abs(seen)
        for at in points:
            value = model.element(at) - model.added(at)
            seen = model.y[at] - model.added(at)
            slack = abs(factor) * self._slack(model, at, u) + self._slack(model, at, u)
            if abs(seen - factor * value) > slack + relative * abs(seen):
                return False
        return True

    def _offset(self, model: Model, u: float) -> bool:
        if self.start.y.size < 3 * model.y.shape[1]:
            return False
        shape = model.y.shape
        spots = [at[2:] for at in self.sample(model)][:8]
        for k in sorted({0, shape[1] // 2, shape[1] - 1}):
            ats = [(0, k, *spot) for spot in spots]
            off = [model.y[at] - model.element(at) for at in ats]
            for at, value in zip(ats[1:], off[1:]):
                if abs(value - off[0]) > self._slack(model, at, u) + self._slack(model, ats[0], u):
                    return False
        return True

    def settled(self, model: Model) -> Model:
        """The model with what is read off y filled in."""
        if model.fit == "scale":
            free = replace(model, fit="", scale=1.0, shift=0.0, bias=None)
            rest = model.y - model.shift
            if model.bias is not None:
                rest = rest - model._along(model.bias)
            value = free.result()
            total = np.vdot(value, value)
            if not total:
                return model
            factor = complex(np.vdot(value, rest) / total)
            number: Any = factor if np.iscomplexobj(value) else factor.real
            number = _nice(number)
            change = replace(
                model.changes[-1],
                found=_told(number),
                text=f"the result is multiplied by {_told(number)}",
            )
            return replace(model, fit="", scale=number, changes=(*model.changes[:-1], change))
        if model.fit == "bias":
            axes = tuple(a for a in range(model.y.ndim) if a != 1)
            bare = replace(model, bias=None, fit="")
            added = np.median(model.y - bare.result(), axis=axes)
            change = replace(
                model.changes[-1],
                found=f"{np.array2string(added, precision=4, threshold=6)} per output channel",
            )
            return replace(model, fit="", bias=added, changes=(*model.changes[:-1], change))
        return model

    def remainder(self, model: Model, inputs: str | None = None) -> Remainder:
        """What is left where the model's result is taken from y, judged on every element."""
        if not model.fits:
            return Remainder(float("inf"), float("inf"), "not rounding")
        y, value = model.y, model.result()
        if not y.size:
            return Remainder(0.0, 0.0, "exact")
        off = np.abs(y - value)
        largest = float(off.max()) if not np.isnan(off).any() else float("inf")
        if largest == 0:
            return Remainder(0.0, 0.0, "exact")
        s = model.magnitudes()
        given = self.given(model) + self.errors.stored * np.abs(y)
        bounds = {p: given + self.unit(model, UNITS[p]) * s for p in ("float64", "float32")}
        with np.errstate(divide="ignore", invalid="ignore"):
            units = float(np.nan_to_num(off / bounds["float32"], nan=0.0, posinf=np.inf).max())
        named = "float64" if np.all(off <= bounds["float64"]) else "float32"
        if not np.all(off <= bounds["float32"]):
            named = "not rounding"
        elif self.errors.printed and named == "float64":
            named = "printed digits"
        elif self.errors.stored and named == "float64":
            named = "bfloat16" if self.errors.stored == UNITS["bfloat16"] else "float16"
        elif self.errors.printed:
            named = "printed digits and float32"
        if named != "not rounding":
            return Remainder(largest, units, named)
        for precision in ("TF32", "float16", "bfloat16"):
            if np.all(off <= bounds["float32"] + 2 * UNITS[precision] * s):
                return Remainder(largest, units, precision, proved=False)
        return Remainder(largest, units, "not rounding")

    def confirmed(
        self, models: Iterable[Model], inputs: float = 0.0, *, most: int = 64, weak: bool = False
    ) -> list[Model]:
        """Those that explain every element, what is read off y filled in.

        weak: those, too, that chance may have found.
        """
        found: list[Model] = []
        for model in models:
            settled = self.settled(model)
            left = self.remainder(settled)
            right = left.is_rounding and (left.proved or inputs > 0)
            if right and (weak or self.convincing(settled, inputs)):
                found.append(settled)
                if len(found) >= most:
                    break
        return found

    def convincing(self, model: Model, inputs: float = 0.0) -> bool:
        """Whether chance would hardly have found such an explanation among so many."""
        free = 0
        for change in model.changes:
            if change.read_off:
                free += model.y.shape[1] if change.field == "bias" else 1
        numbers = self.distinct - free
        if numbers < 1:
            return False
        slack = self.given(model) + self.errors.stored * self.peak
        slack += (self.unit(model, UNITS["float32"]) + inputs) * self.peak
        spread = max(float(np.std(model.y)), 0.1 * self.peak, 1e-300)
        chance = min(max(slack / spread, 1e-12), 1.0)
        return bool(-numbers * np.log(chance) > np.log(max(self.tried, 1) * ENOUGH))


def _nice(number: Any) -> Any:
    """1/9 for 0.1111111; the number itself where no plain one is near."""
    if isinstance(number, complex):
        return number
    for whole in (number, 1 / number if number else 1.0):
        if abs(whole - round(whole)) < 1e-6 * max(abs(whole), 1) and round(whole):
            return float(round(whole)) if whole == number else 1 / round(whole)
    return float(number)


def _told(number: Any) -> str:
    if isinstance(number, float) and number and abs(1 / number) > 1.5:
        inverse = 1 / number
        if abs(inverse - round(inverse)) < 1e-9 * abs(inverse):
            return f"1/{round(inverse)}"
    return f"{number:.6g}"


def singles(model: Model) -> Iterator[Model]:
    """Every model that differs in one thing."""
    for slot in SLOTS.values():
        yield from slot(model)


def pairs(
    model: Model, judge: Judge, progress: Progress | None = None, inputs: float = 0.0
) -> Iterator[Model]:
    """Models that differ in two things and give y, about the simplest first.

    Once one is found, only what could be simpler is looked at.  inputs: how far x and w may be
    off, relatively.
    """
    names = list(SLOTS)
    firsts = [
        (one.cost, i, n, one)
        for i, name in enumerate(names)
        for n, one in enumerate(SLOTS[name](model))
        if not one.fit
    ]
    firsts.sort(key=lambda f: f[:3])
    bound = np.inf
    said = time.monotonic()
    for done, (cost, i, _, one) in enumerate(firsts):
        if cost + CHEAPEST > bound:
            return
        if progress is not None and time.monotonic() - said > 1:
            said = time.monotonic()
            progress(f"pairs of causes: {done} of {len(firsts)} first causes tried")
        for second in names[i + 1 :]:
            if cost + LEAST.get(second, CHEAPEST) <= bound and (second in SHAPING or one.fits):
                for two in SLOTS[second](one):
                    if two.cost <= bound and judge.agrees(two, inputs):
                        for settled in judge.confirmed([two], inputs):
                            bound = min(bound, settled.cost)
                            yield settled


def search(
    start: Model,
    errors: Errors,
    rounded: Callable[[str], Model] | None = None,
    progress: Progress | None = None,
    depth: int = 2,
) -> Found:
    """The simplest explanation of y.

    rounded: the expected call with x and w rounded to a short format.  depth: how many changes
    are combined at most.
    """
    looking = _Search(start, Judge(start, errors), rounded, progress)
    steps = [looking.nothing, looking.one, looking.short, looking.one_and_short]
    if depth > 1:
        steps.append(looking.two)
    steps += [looking.loosely, looking.one_loosely]
    if depth > 1:
        steps.append(looking.two_loosely)
    for step in steps:
        found = step()
        if found is not None:
            return found
    return looking.nearest()


class _Search:
    """The steps of a search; each gives what it found, or None."""

    def __init__(
        self,
        start: Model,
        judge: Judge,
        rounded: Callable[[str], Model] | None,
        progress: Progress | None,
    ) -> None:
        self.start, self.judge, self.progress = start, judge, progress
        self.ones = list(singles(start))
        self.agreeing = [m for m in self.ones if judge.agrees(m)]
        self.weak = False
        self._rounded = None if np.iscomplexobj(start.x) else rounded
        self._short: dict[str, Model] = {}

    def short_models(self) -> dict[str, Model]:
        """The expected call with x and w in each short format."""
        if self._rounded is not None and not self._short:
            self._short = {p: self._rounded(p) for p in ROUNDED_INPUTS}
        return self._short

    def best(self, models: list[Model], precision: str | None = None) -> Found | None:
        """The simplest of several explanations."""
        if not models:
            return None
        first, *others = sorted(models, key=lambda m: m.cost)
        if precision is not None:  # what is left is left by x and w as they were given
            first = _redone(self.start, first)[0]
        left = self.judge.remainder(first)
        if precision is not None:
            left = Remainder(left.largest, left.units, precision)
        return Found(first, True, left, others[:ALIKE], self.judge.tried)

    def nothing(self) -> Found | None:
        """The expected call itself; what would not show is told, what is read off y is not."""
        if not self.judge.agrees(self.start):
            return None
        left = self.judge.remainder(self.start)
        if not (left.is_rounding and left.proved):
            return None
        blind = [m for m in self.agreeing if not m.fit and not m.changes[-1].read_off]
        blind.sort(key=lambda m: m.cost)
        others = self.judge.confirmed(blind, most=ALIKE, weak=True)
        return Found(self.start, True, left, others, self.judge.tried)

    def one(self) -> Found | None:
        right = self.judge.confirmed(self.agreeing, weak=True)
        found = self.best([m for m in right if self.judge.convincing(m)])
        self.weak = bool(right) and found is None
        return found

    def short(self) -> Found | None:
        """Nothing but a short format of x and w."""
        fine = [p for p, m in self.short_models().items() if self.judge.agrees(m)]
        fine = [p for p in fine if self.judge.confirmed([self.short_models()[p]], weak=True)]
        if "float16" in fine and self.judge.errors.stored == UNITS["float16"]:
            fine = ["float16"]  # TF32 has as many bits, but its results are float32
        return self.best([self.start], " or ".join(fine)) if fine else None

    def one_and_short(self) -> Found | None:
        found: list[tuple[Model, str]] = []
        for precision, model in self.short_models().items():
            agreeing = (m for m in singles(model) if self.judge.agrees(m))
            found += [(m, precision) for m in self.judge.confirmed(agreeing)]
        if not found:
            return None
        first = min((m for m, _ in found), key=lambda m: m.cost)
        told = [p for m, p in found if m.changes[0].same(first.changes[0])]
        return self.best([first], " or ".join(dict.fromkeys(told)))

    def two(self) -> Found | None:
        return self.best(list(pairs(self.start, self.judge, self.progress)))

    def loosely(self) -> Found | None:
        """Nothing but what a short format may do, though no rounding that is known gives y."""
        return self.best([self.start]) if self.judge.remainder(self.start).is_rounding else None

    def one_loosely(self) -> Found | None:
        for precision in ("TF32", "bfloat16"):
            inputs = 2 * UNITS[precision]
            agreeing = [m for m in self.ones if not m.fit and self.judge.agrees(m, inputs)]
            found = self.best(self.judge.confirmed(agreeing, inputs))
            if found is not None:
                return found
        return None

    def two_loosely(self) -> Found | None:
        """Two changes and a short format: found loosely, then with x and w rounded so."""
        inputs = 2 * UNITS["bfloat16"]
        near = list(pairs(self.start, self.judge, self.progress, inputs))
        for precision, model in self.short_models().items():
            again = [m for n in near for m in _redone(model, n)]
            found = self.best(self.judge.confirmed(again), precision)
            if found is not None:
                return found
        return self.best(near)

    def nearest(self) -> Found:
        model = _nearest(self.judge, [self.start, *self.ones])
        left = self.judge.remainder(model)
        return Found(model, False, left, [], self.judge.tried, self.weak)


def _redone(start: Model, model: Model) -> list[Model]:
    """The changes of another model made again."""
    models = [start]
    for change in model.changes:
        models = [m for one in models for m in singles(one) if m.changes[-1].same(change)]
    return models


def _nearest(judge: Judge, models: list[Model]) -> Model:
    """Of the models that fit in shape, the one that most sampled elements agree with.

    One that is no nearer than zeros would be is none: the expected call itself, then.
    """

    def apart(model: Model) -> tuple[float, float]:
        points = judge.sample(model)
        off = np.array([abs(model.y[at] - model.element(at)) for at in points])
        agree = sum(o <= judge._slack(model, at, UNITS["float32"]) for o, at in zip(off, points))
        size = float(np.mean([abs(model.y[at]) for at in points])) or 1.0
        return -float(agree), float(off.mean()) / size + 0.01 * model.cost

    fitting = [m for m in models if m.fits and not m.fit and m.y.size]
    if not fitting:
        return models[0]
    best = min(fitting, key=apart)
    agree, off = apart(best)
    return best if agree < -1 or off < 0.9 or best is models[0] else models[0]

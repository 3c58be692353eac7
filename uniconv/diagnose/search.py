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

from uniconv.diagnose.causes import SHAPING, SLOTS
from uniconv.diagnose.model import Array, Model
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

    def agrees(self, model: Model, u: float = UNITS["float32"], inputs: float = 0.0) -> bool:
        """Whether every sampled element is as observed."""
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
            named = "the short format of y"
        elif self.errors.printed:
            named = "printed digits and float32"
        if named != "not rounding":
            return Remainder(largest, units, named)
        for precision in ("TF32", "float16", "bfloat16"):
            if np.all(off <= bounds["float32"] + 2 * UNITS[precision] * s):
                return Remainder(largest, units, precision, proved=False)
        return Remainder(largest, units, "not rounding")

    def convincing(self, model: Model, tried: int) -> bool:
        """Whether chance would hardly have found such an explanation among so many."""
        if not model.fits:
            return False
        free = sum(
            model.y.shape[1] if c.field == "bias" and c.found.endswith("channel") else 1
            for c in model.changes
            if c.found == "read off y" or c.found.endswith("channel")
        )
        free += sum(c.field in ("scale",) or "constant" in c.found for c in model.changes)
        numbers = self.distinct - free
        if numbers < 1:
            return False
        y = model.y.ravel()[:4096]
        slack = (
            self.given(model)
            + self.errors.stored * self.peak
            + self.unit(model, UNITS["float32"]) * (self.peak + 1e-300)
        )
        spread = max(float(np.std(y)), 0.1 * self.peak, 1e-300)
        chance = min(max(slack / spread, 1e-12), 1.0)
        return bool(-numbers * np.log(chance) > np.log(max(tried, 1) * ENOUGH))


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


def pairs(model: Model, judge: Judge, progress: Progress | None = None) -> Iterator[Model]:
    """Models that differ in two things and agree on the samples, about the simplest first.

    Once one is found, only what could be simpler is looked at.
    """
    names = list(SLOTS)
    firsts = sorted(
        ((one.cost, n, i, one) for i, name in enumerate(names)
         for n, one in enumerate(SLOTS[name](model)) if not one.fit),
        key=lambda f: f[:3],
    )  # fmt: skip
    bound = np.inf
    said = time.monotonic()
    for done, (cost, _, i, one) in enumerate(firsts):
        if cost + CHEAPEST > bound:
            return
        if progress is not None and time.monotonic() - said > 1:
            said = time.monotonic()
            progress(f"pairs of causes: {done} of {len(firsts)} first causes tried")
        for second in names[i + 1 :]:
            if second in SHAPING or one.fits:
                for two in SLOTS[second](one):
                    if two.cost <= bound and judge.agrees(two):
                        for settled in _confirmed(judge, [two]):
                            if judge.convincing(settled, judge.tried):
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
    judge = Judge(start, errors)

    def finished(found: list[Model]) -> Found | None:
        best = sorted(found, key=lambda m: m.cost)
        if not best:
            return None
        return Found(best[0], True, judge.remainder(best[0]), best[1 : ALIKE + 1], judge.tried)

    ones = list(singles(start))
    seen = [m for m in ones if judge.agrees(m)]
    if judge.agrees(start) and judge.remainder(start).is_rounding:
        remainder = judge.remainder(start)
        if remainder.proved:
            # What agrees, too, is what this data cannot show; what is read off y always does.
            seen = [m for m in seen if not m.fit and not m.changes[-1].found.startswith("constant")]
            return Found(start, True, remainder, _confirmed(judge, seen, ALIKE), judge.tried)
    right = _confirmed(judge, seen)
    found = finished([m for m in right if judge.convincing(m, judge.tried)])
    if found:
        return found
    weak = bool(right)

    precisions = []
    if rounded is not None and not np.iscomplexobj(start.x):
        precisions = [(p, rounded(p)) for p in ROUNDED_INPUTS]
    for precision, model in precisions:
        if judge.agrees(model) and _confirmed(judge, [model]):
            return Found(start, True, _as(judge, start, precision), [], judge.tried)
    for precision, model in precisions:
        right = _confirmed(judge, (m for m in singles(model) if judge.agrees(m)))
        if right:
            best = min(right, key=lambda m: m.cost)
            return Found(best, True, _as(judge, best, precision), right[1:ALIKE], judge.tried)
    if depth > 1:
        found = finished(list(pairs(start, judge, progress)))
        if found:
            return found
    loose = judge.remainder(start)
    if loose.is_rounding:
        return Found(start, True, loose, [], judge.tried)
    for precision in ("TF32", "bfloat16"):
        u = 2 * UNITS[precision]
        near = [m for m in ones if not m.fit and judge.agrees(m, inputs=u)]
        near = [m for m in near if judge.remainder(m).is_rounding]
        found = finished(near)
        if found:
            return found
    if depth > 1:
        for precision, model in precisions:
            if progress is not None:
                progress(f"pairs of causes, with x and w rounded to {precision}")
            right = list(pairs(model, judge, progress))
            if right:
                best = min(right, key=lambda m: m.cost)
                return Found(best, True, _as(judge, best, precision), [], judge.tried)
    nearest = _nearest(judge, [start, *ones])
    return Found(nearest, False, judge.remainder(nearest), [], judge.tried, weak)


def _as(judge: Judge, model: Model, precision: str) -> Remainder:
    """The remainder of a model whose inputs were rounded."""
    left = judge.remainder(model)
    return Remainder(left.largest, left.units, precision)


def _confirmed(judge: Judge, models: Iterable[Model], most: int = 64) -> list[Model]:
    """Those that explain every element, what is read off y filled in."""
    found: list[Model] = []
    for model in models:
        settled = judge.settled(model)
        left = judge.remainder(settled)
        if left.is_rounding and left.proved:
            found.append(settled)
            if len(found) >= most:
                break
    return found


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


def residual(model: Model) -> Array | None:
    """y less the model's result; None where the shapes differ."""
    return model.y - model.result() if model.fits else None

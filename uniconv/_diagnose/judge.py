"""The judge: whether a hypothesis gives y, first on a few elements, then on all of them.

Two numbers agree where they differ by no more than three things together: what the printed digits
of x, w and y may be off (``digits``), what y's own short format rounds, and the rounding bound of
float32 (``unit`` times the sum of the products' magnitudes).  A hypothesis that leaves a number
open (a scale, a bias) is judged by whether one value serves all samples, and settled after that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from uniconv._diagnose.hypothesis import Hypothesis
from uniconv._diagnose.precision import UNITS, Errors, Remainder

Index = tuple[int, ...]

SAMPLES = 24
ENOUGH = 1e4  # how many times likelier than chance an explanation must be


class Judge:
    """Whether a model gives y, up to what rounding and printed digits may do.

    Three questions, each dearer than the one before: ``agrees`` looks at sampled elements,
    ``remainder`` at every element, ``convincing`` at what chance would do.

    points: the sampled elements by shape, the same for every model, so that models are comparable.
    tried: how many models were judged, by which chance is weighed.  peak, x_peak: the largest
    numbers of y and x; distinct: how many different numbers y has.
    """

    def __init__(self, start: Hypothesis, errors: Errors) -> None:
        self.start, self.errors = start, errors
        self.points: dict[tuple[int, ...], list[Index]] = {}
        self.tried = 0
        flat = np.abs(start.y[np.isfinite(start.y)])
        self.peak = float(flat.max()) if flat.size else 0.0
        self.x_peak = float(np.abs(start.x).max()) if start.x.size else 0.0
        self.distinct = int(np.unique(start.y).size)

    def unit(self, model: Hypothesis, u: float) -> float:
        """The rounding bound of an element, as a part of S."""
        # Errors of K roundings add up like a random walk, with the square root of K; 2 is the
        # margin.
        return 2 * float(np.sqrt(max(model.terms, 1))) * u

    def digits(self, model: Hypothesis) -> float:
        """How far the printed digits of x, w and y may move an element."""
        e = self.errors
        if not e.printed:
            return 0.0
        # An x that is off by e.x moves an element by e.x times the sum of |w| under it; a w off by
        # e.w by e.w times the K pixels that it meets, each no larger than the largest.
        weights = np.abs(model.w).reshape(len(model.w), -1).sum(1).max() if model.w.size else 0.0
        shift = e.x * weights + e.w * model.terms * (self.x_peak + e.x)
        return float(e.y + abs(model.scale) * shift)

    def sample(self, model: Hypothesis) -> list[Index]:
        """Elements to look at first: in the middle, at corners, anywhere; the same every time."""
        shape = model.y.shape
        earlier = self.points.get(shape)
        if earlier is not None:
            return earlier
        rng = np.random.default_rng(len(shape))
        o = model.y.shape[1]
        places: list[Index] = []
        for _ in range(SAMPLES):
            places.append(tuple(int(rng.integers(n)) for n in shape))
        for corner in product(*((0, n - 1) for n in shape[2:])):
            places.append((int(rng.integers(shape[0])), int(rng.integers(o)), *corner))
        middle = tuple(n // 2 for n in shape[2:])
        places[1:1] = [(shape[0] - 1, k, *middle) for k in sorted({0, o - 1})]
        self.points[shape] = list(dict.fromkeys(places))
        return self.points[shape]

    def agrees(self, model: Hypothesis, inputs: float = 0.0) -> bool:
        """Whether every sampled element is as observed; ``inputs`` is what x and w may be off."""
        u = UNITS["float32"]
        self.tried += 1
        if not model.fits or not model.y.size:
            return False
        if model.fit == "scale":
            return self._proportional(model, u)
        if model.fit == "bias":
            return self._offset(model, u)
        unit, digits, stored = self.unit(model, u) + inputs, self.digits(model), self.errors.stored
        for at in self.sample(model):
            observed = model.y[at]
            miss = abs(observed - model.element(at)) - digits - stored * abs(observed)
            # The magnitude S costs as much as the element: it is asked only where the digits do not
            # do. "not <=" and not ">", so that a nan never agrees.
            if not miss <= 0 and not miss <= unit * model.magnitude(at):
                return False
        return True

    def slack(self, model: Hypothesis, at: Index, u: float) -> float:
        """How far an element may be off."""
        inexact = self.digits(model) + self.errors.stored * abs(model.y[at])
        return float(inexact + self.unit(model, u) * model.magnitude(at))

    def _proportional(self, model: Hypothesis, u: float) -> bool:
        """Whether y is the model's result times one number, read off the largest of eight samples.

        value and seen are without what is added to the sum; zeros can say no factor.
        """
        points = self.sample(model)
        first = max(points[:8], key=lambda at: abs(model.y[at]))
        value = model.element(first) - model.added(first)
        observed = model.y[first] - model.added(first)
        if value == 0 or observed == 0 or abs(value) <= self.slack(model, first, u):
            return False
        factor = observed / value
        relative = self.slack(model, first, u) / abs(observed)
        for at in points:
            value = model.element(at) - model.added(at)
            observed = model.y[at] - model.added(at)
            slack = abs(factor) * self.slack(model, at, u) + self.slack(model, at, u)
            if abs(observed - factor * value) > slack + relative * abs(observed):
                return False
        return True

    def _offset(self, model: Hypothesis, u: float) -> bool:
        """Whether y is the model's result plus one number per channel; three are looked at.

        With fewer than three numbers per channel it would prove nothing.
        """
        if self.start.y.size < 3 * model.y.shape[1]:
            return False
        shape = model.y.shape
        spots = [at[2:] for at in self.sample(model)][:8]
        for k in sorted({0, shape[1] // 2, shape[1] - 1}):
            ats = [(0, k, *spot) for spot in spots]
            off = [model.y[at] - model.element(at) for at in ats]
            for at, value in zip(ats[1:], off[1:]):
                if abs(value - off[0]) > self.slack(model, at, u) + self.slack(model, ats[0], u):
                    return False
        return True

    def settled(self, model: Hypothesis) -> Hypothesis:
        """The model with what is read off y filled in."""
        if model.fit == "scale":
            bare = replace(model, fit="", scale=1.0, shift=0.0, bias=None)
            rest = model.y - model.shift
            if model.bias is not None:
                rest = rest - model.along(model.bias)
            value = bare.result()
            # The factor of least squares: <value, rest> / <value, value>, over all of y.
            total = np.vdot(value, value)
            if not total:
                return model
            factor = complex(np.vdot(value, rest) / total)
            number: Any = factor if np.iscomplexobj(value) else factor.real
            number = _nice(number)
            change = replace(
                model.changes[-1],
                actual=_number_text(number),
                text=f"the result is multiplied by {_number_text(number)}",
            )
            return replace(model, fit="", scale=number, changes=(*model.changes[:-1], change))
        if model.fit == "bias":
            axes = tuple(a for a in range(model.y.ndim) if a != 1)
            bare = replace(model, bias=None, fit="")
            # The median, so that elements that do not fit leave it as it is.
            offset = np.median(model.y - bare.result(), axis=axes)
            change = replace(
                model.changes[-1],
                actual=f"{np.array2string(offset, precision=4, threshold=6)} per output channel",
            )
            return replace(model, fit="", bias=offset, changes=(*model.changes[:-1], change))
        return model

    def remainder(self, model: Hypothesis) -> Remainder:
        """What is left where the model's result is taken from y, judged on every element.

        The finest bound that holds everywhere names the precision: float64, then what is known of
        the arrays (printed digits, a short format), then float32; beyond float32, a short format
        of x and w may do it, but that is only consistent, not proved.
        """
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
        near = self.digits(model) + self.errors.stored * np.abs(y)
        bounds = {p: near + self.unit(model, UNITS[p]) * s for p in ("float64", "float32")}
        with np.errstate(divide="ignore", invalid="ignore"):
            units = float(np.nan_to_num(off / bounds["float32"], nan=0.0, posinf=np.inf).max())
        precision = "float64" if np.all(off <= bounds["float64"]) else "float32"
        if not np.all(off <= bounds["float32"]):
            precision = "not rounding"
        elif self.errors.printed and precision == "float64":
            precision = "printed digits"
        elif self.errors.stored and precision == "float64":
            precision = "bfloat16" if self.errors.stored == UNITS["bfloat16"] else "float16"
        elif self.errors.printed:
            precision = "printed digits and float32"
        if precision != "not rounding":
            return Remainder(largest, units, precision)
        for short in ("TF32", "float16", "bfloat16"):
            if np.all(off <= bounds["float32"] + 2 * UNITS[short] * s):
                return Remainder(largest, units, short, proved=False)
        return Remainder(largest, units, "not rounding")

    def confirmed(
        self,
        models: Iterable[Hypothesis],
        inputs: float = 0.0,
        *,
        most: int = 64,
        weak: bool = False,
    ) -> list[Hypothesis]:
        """Those that explain every element, what is read off y filled in.

        weak: those, too, that chance may have found.
        """
        right: list[Hypothesis] = []
        for model in models:
            settled = self.settled(model)
            rest = self.remainder(settled)
            fine = rest.is_rounding and (rest.proved or inputs > 0)
            if fine and (weak or self.convincing(settled, inputs)):
                right.append(settled)
                if len(right) >= most:
                    break
        return right

    def convincing(self, model: Hypothesis, inputs: float = 0.0) -> bool:
        """Whether chance would hardly have found such an explanation among so many.

        Any one number of y agrees by chance with the part of y's spread that the slack covers; all
        distinct ones together with its power.  Numbers that were read off y prove nothing.  The
        explanation must be likelier than chance in all hypotheses tried, by a wide margin.
        """
        # How to read this: chance is the part of y's spread that slack covers, e.g. 1e-6; n numbers
        # agree by chance with 1e-6 to the n.  Among ``tried`` hypotheses some chance fit is
        # expected, unless that power is smaller than 1 / (tried * 10,000); both sides are compared
        # as logarithms.
        read_off = 0
        for change in model.changes:
            if change.read_off:
                read_off += model.y.shape[1] if change.field == "bias" else 1
        numbers = self.distinct - read_off
        if numbers < 1:
            return False
        slack = self.digits(model) + self.errors.stored * self.peak
        slack += (self.unit(model, UNITS["float32"]) + inputs) * self.peak
        spread = max(float(np.std(model.y)), 0.1 * self.peak, 1e-300)
        chance = min(max(slack / spread, 1e-12), 1.0)
        return bool(-numbers * np.log(chance) > np.log(max(self.tried, 1) * ENOUGH))


def _nice(number: Any) -> Any:
    """1/9 for 0.1111111; the number itself where no plain one is near."""
    # A factor is meant: people multiply by 2 or divide by 9, and least squares give 0.11111108.
    if isinstance(number, complex):
        return number
    for whole in (number, 1 / number if number else 1.0):
        if abs(whole - round(whole)) < 1e-6 * max(abs(whole), 1) and round(whole):
            return float(round(whole)) if whole == number else 1 / round(whole)
    return float(number)


def _number_text(number: Any) -> str:
    """A factor as it is told: 1/9 where it is one, else six digits."""
    if isinstance(number, float) and number and abs(1 / number) > 1.5:
        inverse = 1 / number
        if abs(inverse - round(inverse)) < 1e-9 * abs(inverse):
            return f"1/{round(inverse)}"
    return f"{number:.6g}"

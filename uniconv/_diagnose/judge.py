"""The judge: whether a hypothesis gives y, first on a few elements, then on all of them.

Two numbers agree where they differ by no more than three things together: what the printed digits
of x, w and y may be off (``digits``), what y's own short format rounds, and the rounding bound of
float32 (``unit`` times the sum of the products' magnitudes).  A hypothesis that leaves a number
open (a scale, a bias) is judged by whether one value serves all samples, and settled after that
(``fits.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._diagnose.fits import gives, settled
from uniconv._diagnose.hypothesis import Change, Hypothesis
from uniconv._diagnose.input_scale import MOST_CHANNELS
from uniconv._diagnose.precision import UNITS, Errors, Remainder

Array = NDArray[Any]
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
        return e.least + (e.y + model.steepness * self._moved(model) if e.printed else 0.0)

    def _moved(self, model: Hypothesis) -> float:
        """How far the printed digits of x and w may move the sum of an element."""
        e = self.errors
        if not e.x and not e.w:
            return 0.0
        # An x that is off by e.x moves an element by e.x times the sum of |w| under it; a w off by
        # e.w by e.w times the K pixels that it meets, each no larger than the largest.
        weights = np.abs(model.w).reshape(len(model.w), -1).sum(1).max() if model.w.size else 0.0
        return float(e.x * weights + e.w * model.terms * (self.x_peak + e.x))

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
        if model.fit:
            return not inputs and gives(model, self.errors, self.sample(model), self._moved(model))
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
        if any(change.read_off for change in model.changes):
            # Numbers that were read off y carry the rounding of those elements that told them: a
            # term of 1e-4 among results of 5 is known to some 1e-7, not to a part of itself.
            s = s + s.mean(axis=tuple(a for a in range(s.ndim) if a != 1), keepdims=True)
        near = self.digits(model) + self.errors.stored * np.abs(y)
        bounds = {p: near + self.unit(model, UNITS[p]) * s for p in ("float64", "float32")}
        with np.errstate(divide="ignore", invalid="ignore"):
            units = float(np.nan_to_num(off / bounds["float32"], nan=0.0, posinf=np.inf).max())
        precision = self._precision(off, bounds)
        if precision != "not rounding":
            return Remainder(largest, units, precision)
        for short in ("TF32", "bfloat16"):
            if np.all(off <= bounds["float32"] + 2 * UNITS[short] * s):
                return Remainder(largest, units, f"as coarse as {short}", proved=False)
        return Remainder(largest, units, "not rounding")

    def _precision(self, off: Array, bounds: Mapping[str, Array]) -> str:
        """What the finest bound that holds everywhere is called."""
        e = self.errors
        fine = bool(np.all(off <= bounds["float64"]))
        if not fine and not np.all(off <= bounds["float32"]):
            return "not rounding"
        if e.step:
            return f"int8 results, in steps of {e.step:.4g}"
        if e.stored:
            return next(p for p in ("bfloat16", "float16") if UNITS[p] == e.stored)
        if e.printed:
            return "printed digits" if fine else "printed digits and float32"
        return "float64" if fine else "float32"

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
            one = settled(model)
            rest = self.remainder(one)
            fine = rest.is_rounding and (rest.proved or inputs > 0)
            if fine and (weak or self.convincing(one, inputs)):
                right.append(one)
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
                read_off += _numbers(model, change)
        numbers = self.distinct - read_off
        if numbers < 1:
            return False
        slack = self.digits(model) + self.errors.stored * self.peak
        slack += (self.unit(model, UNITS["float32"]) + inputs) * self.peak
        spread = max(float(np.std(model.y)), 0.1 * self.peak, 1e-300)
        chance = min(max(slack / spread, 1e-12), 1.0)
        return bool(-numbers * np.log(chance) > np.log(max(self.tried, 1) * ENOUGH))


def _numbers(model: Hypothesis, change: Change) -> int:
    """How many numbers a change reads off y."""
    # So many of y's numbers prove nothing, since any y would have given some.
    channels = int(model.y.shape[1])
    per_field: dict[str, int] = {"bias": channels, "factor per channel": channels}
    per_field |= {"factor and term per channel": 2 * channels}
    per_field |= {"values of x": 2 * min(model.x.shape[1], MOST_CHANNELS)}
    return per_field.get(change.field, 1)

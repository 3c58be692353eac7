"""How far rounding alone may move a result, and which precision a remainder looks like.

The bound of an element is 2 sqrt(K) u S: K taps times channels, u the unit roundoff, S the same
convolution of |x| and |w| (measured over seven implementations; nothing exceeded 0.7 of it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Unit roundoffs: 2 ** -(bits of the significand).
UNITS: Mapping[str, float] = {
    "float64": 2.0**-53,
    "float32": 2.0**-24,
    "TF32": 2.0**-11,
    "float16": 2.0**-11,
    "bfloat16": 2.0**-8,
}
ROUNDED_INPUTS = ("TF32", "bfloat16", "float16")
_DROPPED = {"TF32": 13, "bfloat16": 16}  # of float32's 23 bits of fraction


def rounded(a: Array, precision: str) -> Array:
    """The values as the precision holds them, nearest, as float64.

    >>> rounded(np.array([1.001, 3.14159]), "bfloat16").tolist()
    [1.0, 3.140625]
    """
    if np.iscomplexobj(a):
        return np.asarray(rounded(a.real, precision) + 1j * rounded(a.imag, precision))
    if precision == "float16":
        with np.errstate(over="ignore"):
            return a.astype(np.float16).astype(np.float64)
    bits = _DROPPED.get(precision, 0)
    raw = a.astype(np.float32).view(np.uint32).astype(np.uint64)
    half = (1 << bits >> 1) - 1 + (raw >> np.uint64(bits) & np.uint64(1)) if bits else 0
    short = (
        (raw + np.uint64(half) if bits == 0 else raw + half) >> np.uint64(bits) << np.uint64(bits)
    )
    return short.astype(np.uint32).view(np.float32).astype(np.float64)


@dataclass(frozen=True, slots=True)
class EightBits:
    """8-bit integers in the place of x, w or both: how their scale is found; "" leaves one alone.

    "127", "127.5" and "128" are what the largest magnitude is divided by, for numbers around 0;
    "ends" spreads 255 steps from the least to the largest, with a zero point.
    """

    x: str
    w: str
    per_channel: bool = False

    def __str__(self) -> str:
        """What it is called: "int8 weights (a scale per channel)"."""
        roles = [text for text, how in (("weights", self.w), ("activations", self.x)) if how]
        return f"int8 {' and '.join(roles)}{' (a scale per channel)' if self.per_channel else ''}"


_SCALES = ("127", "127.5", "128", "ends")
QUANTIZATIONS = (
    *(EightBits("", w, each) for w in _SCALES for each in (False, True)),
    *(EightBits(x, "") for x in _SCALES),
    *(EightBits(x, w, each) for x in _SCALES for w in _SCALES for each in (False, True)),
)


def quantized(a: Array, how: str, axes: tuple[int, ...] = ()) -> Array:
    """The values that 8-bit integers leave, with one scale, or one for each index of some axes.

    >>> quantized(np.array([0.5, -1.27, 0.004]), "127").round(9).tolist()
    [0.5, -1.27, 0.0]
    """
    # What a scale is found from: all of the array, or each slice along ``axes``.  A slice of zeros
    # has no scale; any does.
    others = tuple(axis for axis in range(a.ndim) if axis not in axes)
    if how == "ends":
        low = np.minimum(a.min(axis=others, keepdims=True), 0)
        step = (np.maximum(a.max(axis=others, keepdims=True), 0) - low) / 255
        step = np.where(step == 0, 1, step)
        zero = np.round(-low / step)
        return np.asarray((np.clip(np.round(a / step) + zero, 0, 255) - zero) * step)
    step = np.abs(a).max(axis=others, keepdims=True) / float(how)
    step = np.where(step == 0, 1, step)
    return np.asarray(np.clip(np.round(a / step), -128 if how != "127" else -127, 127) * step)


def spacing(y: Array) -> float:
    """The step of a grid on which y's numbers lie, of at most 256 places; 0 where they do not.

    Those are results that were 8-bit integers, or printed with few digits.

    >>> spacing(np.arange(-50, 60) * 0.25)
    0.25
    """
    # Fewer than 10 different numbers say nothing of a grid.
    values = np.unique(y) if y.dtype.kind == "f" else y.ravel()[:0]
    if not 10 <= values.size <= 256:
        return 0.0
    gaps = np.diff(values)
    least = float(gaps[gaps > 0.5 * gaps.min()].min())
    # The least gap says the step roughly, all together exactly.  Of few numbers no two need be
    # neighbours: the least gap may be two steps, or three.
    for steps in (1, 2, 3):
        places = np.round((values - values[0]) / (least / steps))
        step = float((values[-1] - values[0]) / places[-1])
        off = np.abs(values / step - np.round(values / step))
        if places[-1] <= 256 and off.max() < 1e-3:
            return step
    return 0.0


def storage(y: Array) -> str | None:
    """The short format whose values all of y's are, judging by its dtype, then by its bits."""
    # An array that was float16 once and is float32 now still has only float16's numbers in it.
    name = str(y.dtype).removeprefix("torch.")
    if name in ("float16", "bfloat16"):
        return name
    values = np.unique(np.abs(y[np.isfinite(y) & (y != 0)])) if y.dtype.kind == "f" else y[:0]
    # A few small integers are in every format and say nothing.
    if values.size < 8 or np.all(values == np.round(values)):
        return None
    for precision in ("bfloat16", "float16"):
        if np.array_equal(rounded(values, precision), values):
            return precision
    return None


@dataclass(frozen=True, slots=True)
class Errors:
    """What the arrays may be off before anything is computed.

    x, w, y: the largest absolute error of a value, as of printed digits; 0 for exact numbers.
    stored: the relative error of y's own format, where that is a short one; least: its absolute
    error, which remains for numbers next to 0; step: the spacing of y, where it was made integers.
    """

    x: float = 0.0
    w: float = 0.0
    y: float = 0.0
    stored: float = 0.0
    least: float = 0.0
    step: float = 0.0

    @property
    def printed(self) -> bool:
        return max(self.x, self.w, self.y) > 0


@dataclass(frozen=True, slots=True)
class Remainder:
    """What is left of the difference when the causes are taken away.

    largest: the largest absolute difference; units: in units of the rounding bound of float32,
    what the printed digits may be off included; precision: what it looks like; proved: whether
    rounding x and w so reproduces y, or is only large enough.
    """

    largest: float
    units: float
    precision: str
    proved: bool = True

    @property
    def is_rounding(self) -> bool:
        return self.precision != "not rounding"

    def __str__(self) -> str:
        if self.largest == 0:
            return "nothing: every number is exactly equal"
        if self.largest == float("inf"):
            return "everything: the sizes differ"
        text = f"at most {self.largest:.2g}, {self.units:.2g} of the float32 rounding bound"
        if not self.is_rounding:
            return f"{text}: not rounding"
        return f"{text}: {self.precision}{'' if self.proved else ' (consistent, not proved)'}"

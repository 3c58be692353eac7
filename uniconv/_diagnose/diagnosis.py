"""A Diagnosis: what was found, as one sentence, as text and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from textwrap import indent
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._diagnose.data import DiagnosisData, Fix
from uniconv._diagnose.page import page

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Diagnosis(DiagnosisData):
    """Why a result is not the expected one, or that it is; ``str()`` is the text.

    verdict: one plain sentence.  explained: whether y is reproduced; if not, ``causes`` are those
    of the nearest miss and ``where`` says where that fails.  call: the native call that gives y.
    difference: the largest |y - expected| (infinite where the sizes differ).  undecided: what this
    data cannot tell apart.  fixes: ways to make both agree, as code.  tried: hypotheses looked at.
    """

    def __str__(self) -> str:
        """The diagnosis as text; the verdict comes first."""
        lines = [self.verdict]
        if self.causes:
            title = "Causes" if self.explained else "The nearest miss"
            lines += ["", f"{title}:", *(f"  {n}. {c}" for n, c in enumerate(self.causes, 1))]
        if not self.agrees:
            size = (
                "the sizes differ"
                if math.isinf(self.difference)
                else f"up to {self.difference:.4g}"
            )
            lines += ["", f"The difference: {size}; {self.where}."]
        lines += ["", f"What remains: {self.remainder}."]
        if self.explained and self.call:
            lines += ["", "What gives y:", indent(self.call, "  ")]
        if self.fixes:
            lines += ["", "To make both agree:"]
            for fix in self.fixes:
                lines += _fix_lines(fix, self.call)
        if self.undecided:
            lines += ["", "What this data cannot decide:", *(f"  {u}" for u in self.undecided)]
        if self.notes:
            lines += ["", *(f"Note: {note}" for note in self.notes)]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the pictures, as plain data."""
        fields = {
            "function": self.function,
            "verdict": self.verdict,
            "explained": self.explained,
            "agrees": self.agrees,
            "causes": [asdict(c) for c in self.causes],
            "call": self.call,
            "remainder": {**asdict(self.remainder), "text": str(self.remainder)},
            "difference": self.difference,
            "where": self.where,
            "undecided": list(self.undecided),
            "fixes": [asdict(f) for f in self.fixes],
            "notes": list(self.notes),
            "tried": self.tried,
        }
        finite: dict[str, Any] = _finite(fields)
        return finite

    def to_json(self) -> str:
        """``to_dict`` as JSON; a number that is not finite is null."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def to_html(self) -> str:
        """A page that needs nothing else: both results, their difference, the kernel."""
        return page(self)


def _fix_lines(fix: Fix, call: str) -> list[str]:
    """What to do, and the code for it; what stands above as the call is not written once more."""
    if fix.code == call:
        return [f"  {fix.what}, as above"]
    return [f"  {fix.what}:", indent(fix.code, "    ")] if fix.code else [f"  {fix.what}"]


def _finite(value: Any) -> Any:
    """Plain data with None for numbers that JSON has no words for: infinity and nan."""
    # A difference is infinite where sizes differ; JSON as its standard has it knows finite numbers.
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value


def at_most(value: float) -> str:
    """Two digits of a bound, rounded up.

    >>> at_most(0.000501)
    '5.1e-4'
    """
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    # value = digits * 10**power, with two digits; rounding to six places first takes off the error
    # of the division, which would make 5.1 of a 5.0.
    power = math.floor(math.log10(abs(value))) - 1
    digits = math.ceil(round(abs(value) / 10.0**power, 6))
    if digits == 100:
        digits, power = 10, power + 1
    if -3 <= power + 1 <= 3:
        return f"{digits * 10.0**power:.{max(-power, 0)}f}"
    return f"{digits / 10:.1f}e{power + 1}"


def listed(words: Sequence[str]) -> str:
    """Words as "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""

"""What a diagnosis holds: plain data, which the text and the page are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from uniconv._diagnose.precision import Remainder

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that differs: the field, its value as expected and as it is, and its share.

    share: the part of the difference (in squares) that is gone with it, between 0 and 1; None
    where that cannot be measured, because without it the results differ in size.
    """

    field: str
    expected: str
    actual: str
    text: str
    share: float | None = None

    def __str__(self) -> str:
        text = f"{self.text} [{self.field}: expected {self.expected}, found {self.actual}]"
        return text if self.share is None else f"{text}, {self.share:.0%} of the difference"


@dataclass(frozen=True, slots=True)
class Fix:
    """One way to make both agree: what to do, and the code for it ("" where there is none)."""

    what: str
    code: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What the page draws: both results ``n o ...``, the kernel ``o i ...`` before and after.

    expected is None where the expected call has no result of fitting sizes.  labels name the
    results.
    """

    expected: Array | None = None
    actual: Array | None = None
    kernel: Array | None = None
    kernel_used: Array | None = None
    labels: tuple[str, str] = ("expected", "observed")


@dataclass(frozen=True, slots=True)
class DiagnosisData:
    """The fields of ``uniconv.Diagnosis``, which says what they mean.

    The picture is left out of comparison and print: it holds the arrays themselves.
    """

    function: str
    verdict: str
    explained: bool
    causes: tuple[Cause, ...]
    call: str
    remainder: Remainder
    difference: float
    where: str
    undecided: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    notes: tuple[str, ...] = ()
    tried: int = 0
    picture: Picture = field(default_factory=Picture, repr=False, compare=False)

    @property
    def agrees(self) -> bool:
        """Whether y is the expected result, but for rounding."""
        return self.explained and not self.causes

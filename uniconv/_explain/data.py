"""What an explanation holds: plain data, which the text and the page are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from uniconv._calls.lower import LoweredCall
from uniconv._canonical.record import Shape
from uniconv._explain.window import Window, WindowedCall


@dataclass(frozen=True, slots=True)
class AxisSummary:
    """One spatial axis: its sizes in pixels, its padding, and how its output size comes about.

    crop is what a transposed convolution cuts off its whole result (None for other operations);
    padding is then that of the spread input.  formula is the output size with numbers in it.
    spread is the distance of pixels in the spread x (1: as they are); backwards, whether the window
    reads the kernel from its end.
    """

    name: str
    size: int
    kernel: int
    stride: int
    dilation: int
    spread: int
    padding: tuple[int, int]
    crop: tuple[int, int] | None
    backwards: bool
    output: int
    formula: str


@dataclass(frozen=True)
class ExplanationData:
    """The fields of ``uniconv.Explanation``, which says what they mean.

    The last four are what the page computes with, and no part of what is compared or printed: the
    lowered call, its arrays with canonical axes, its bias and its addend.
    """

    function: str
    kind: str
    meaning: str
    call: str
    shapes: Mapping[str, Shape]
    readings: Mapping[str, Mapping[str, int]]
    axes: tuple[AxisSummary, ...]
    groups: int
    boundary: str
    padding: str
    crop: str | None
    explicit: str | None
    explicit_note: str
    torch: str
    window: Window | None = None
    dtype: str = ""
    path: str = ""
    lowered: LoweredCall | None = field(default=None, repr=False, compare=False)
    problem: WindowedCall | None = field(default=None, repr=False, compare=False)
    bias: Any = field(default=None, repr=False, compare=False)
    addend: Any = field(default=None, repr=False, compare=False)

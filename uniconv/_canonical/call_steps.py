"""The steps of one whole call, in the parts that run, print and modules take apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from uniconv._canonical.record import Shape
from uniconv._canonical.steps import Step


@dataclass(frozen=True, slots=True)
class CallSteps:
    """The steps of one call, in order.

    before: on all arrays; x, w: into the executor's layout; core: the record; p, point: the kernel
    of the 1x1 convolution that follows in a separable one, and that convolution; y: into the
    native layout; after: scale, addend, shift and bias.
    rank: the spatial axes of the native arrays; output: the native shape of y.
    """

    before: tuple[Step, ...]
    x: tuple[Step, ...]
    w: tuple[Step, ...]
    core: tuple[Step, ...]
    p: tuple[Step, ...]
    point: tuple[Step, ...]
    y: tuple[Step, ...]
    after: tuple[Step, ...]
    rank: int
    output: Shape

    def __iter__(self) -> Iterator[Step]:
        parts = (self.before, self.x, self.w, self.core, self.p, self.point, self.y, self.after)
        return (step for part in parts for step in part)

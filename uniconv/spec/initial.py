"""Initial: how a framework draws a fresh kernel and bias by default, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod, sqrt

from uniconv._canonical.record import Shape

__all__ = ["DISTRIBUTIONS", "KAIMING", "Initial", "fans_first", "fans_last", "glorot", "lecun"]

DISTRIBUTIONS = ("uniform", "normal", "cut normal")


@dataclass(frozen=True, slots=True)
class Initial:
    """How fresh kernels are drawn: from which distribution, and how wide it is.

    distribution: "uniform" within +-size, "normal" of that deviation, or "cut normal": a normal one
    that is cut at two deviations and has that deviation thereafter.
    size: a function of the kernel's native shape and the number of groups.
    bias: whether a bias is uniform within +-size, too; otherwise it is 0.
    transposed: what transposed convolutions have instead.
    """

    distribution: str
    size: Callable[[Shape, int], float]
    bias: bool = False
    transposed: Initial | None = None

    def __post_init__(self) -> None:
        if self.distribution not in DISTRIBUTIONS:
            known = ", ".join(DISTRIBUTIONS)
            raise TypeError(f"no distribution is named {self.distribution!r}; known: {known}")


def fans_last(shape: Shape) -> tuple[int, int]:
    """Fan in and out of a kernel whose last axes are its channels in and out."""
    taps = prod(shape[:-2])
    return shape[-2] * taps, shape[-1] * taps


def fans_first(shape: Shape) -> tuple[int, int]:
    """Fan in and out of a kernel whose first axes are its channels out and in."""
    taps = prod(shape[2:])
    return shape[1] * taps, shape[0] * taps


def glorot(fans: Callable[[Shape], tuple[int, int]]) -> Initial:
    """Uniform, of variance 2 / (fan in + fan out); bias 0."""
    return Initial("uniform", lambda shape, groups: sqrt(6 / sum(fans(shape))))


def lecun(fans: Callable[[Shape], tuple[int, int]]) -> Initial:
    """Normal, of variance 1 / fan in, cut at two deviations; bias 0."""
    return Initial("cut normal", lambda shape, groups: sqrt(1 / fans(shape)[0]))


# Kernel and bias uniform within +-1 / sqrt(fan in): Kaiming's uniform with a = sqrt(5).
KAIMING = Initial("uniform", lambda shape, groups: 1 / sqrt(fans_first(shape)[0]), bias=True)

"""Paths: how torch computes one convolution, chosen from its sizes when its plan is built.

Nothing is timed when a program runs: the rules are measured beforehand (benchmarks/layers.py), and
every path gives torch's own op whatever arrays it has no faster way for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from uniconv._canonical import product
from uniconv._canonical.runner import Memory, Operation
from uniconv._canonical.steps import Convolve

Packing = Callable[[Operation, Convolve], Operation]

_BLOCK = 16  # channels in a block of oneDNN's; of fewer, blocks hold zeros


@dataclass(frozen=True, slots=True)
class Path:
    """One way to compute: its name, why it was chosen, and what makes it of torch's op."""

    name: str
    why: str
    over: Callable[[Operation], Operation]

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"


def path(step: Convolve, memory: Memory, packed: Packing | None = None) -> Path:
    """How to compute this convolution, whose kernel lies so in memory.

    packed: what keeps the kernel in oneDNN's blocks, where it is the same in every call.
    """
    blocks = packed if step.rank == 2 and not step.transposed else None
    many_channels = step.sizes is None or step.sizes.c // step.groups >= _BLOCK
    if product.fits(step, memory) and not (blocks and many_channels and not product.one_tap(step)):
        why = "over so few pixels a call's time is the kernel's, which BLAS reads as it lies"
        return Path("product", why, partial(product.multiplied, step=step, memory=memory))
    if blocks is not None:
        why = "the kernel is kept in oneDNN's blocks for x of this size"
        return Path("blocks", why, lambda op: blocks(op, step))
    return Path("torch", "torch's own op is as fast as any way that is known", lambda op: op)

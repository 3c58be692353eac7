"""Paths: how torch computes one convolution, chosen from its sizes when its plan is built.

Nothing is timed when a program runs: the rules are measured beforehand (benchmarks/layers.py), and
every path gives torch's own op whatever arrays it has no faster way for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor

from uniconv._canonical import product
from uniconv._canonical.runner import Memory, Operation, is_eager, is_on_cpu, takes_gradients
from uniconv._canonical.steps import Convolve
from uniconv._canonical.transpose import transposed

Packing = Callable[[Operation, Convolve], Operation]

_BLOCK = 16  # channels in a block of oneDNN's; of fewer, blocks hold zeros
_SUMS = 10_000_000  # products that are added up: of fewer, the op on blocks costs what it saves
_LONG_TO_LAY_OUT = 100_000  # numbers of a kernel of several taps
_LARGE = 200_000  # numbers of a kernel


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
    blocks = packed if _gains_by_blocks(step) else None
    few_channels = step.sizes is not None and step.sizes.c // step.groups < _BLOCK
    if product.fits(step, memory) and (few_channels or not blocks):
        why = "over so few pixels a call's time is the kernel's, which BLAS reads as it lies"
        if product.one_tap(step):
            why = "so few pixels are a matrix, which BLAS multiplies by the kernel as both lie"
        return Path("product", why, partial(product.multiplied, step=step, memory=memory))
    if blocks is not None:
        why = "the kernel is kept in oneDNN's blocks for x of this size"
        return Path("blocks", why, lambda op: blocks(op, step))
    if _lies_badly(step, memory):
        why = "a kernel of so many numbers is laid out for torch's op faster than by it"
        return Path("kernel laid out", why, partial(_laid_out, step=step))
    return Path("torch", "torch's own op is as fast as any way that is known", lambda op: op)


def _gains_by_blocks(step: Convolve) -> bool:
    """Whether what blocks save a call of torch's op is more than the op on blocks costs.

    Of a depthwise kernel it is, however small that is: to lay it out takes as long as its sums.
    """
    sizes = step.sizes
    if sizes is None or step.rank != 2 or step.transposed:
        return False
    if sizes.c == step.groups > 1:
        return True
    numbers = prod(sizes.kernel) * sizes.c // step.groups * sizes.o
    sums = numbers * prod(sizes.batch) * prod(product.windows(step))
    long = numbers >= _LONG_TO_LAY_OUT and not product.one_tap(step)
    return sizes.o >= _BLOCK and (long or sums >= _SUMS)


def _lies_badly(step: Convolve, memory: Memory) -> bool:
    """Whether torch's op would lay out a large kernel anew, number by number."""
    sizes = step.sizes
    if sizes is None or step.groups > 1:
        return False
    badly = {Memory.CHANNELS_LAST} | ({Memory.OUTPUT_FIRST} if step.transposed else set())
    return memory in badly and prod(sizes.kernel) * sizes.c * sizes.o >= _LARGE


def _laid_out(op: Operation, step: Convolve) -> Operation:
    """The op on a kernel that lies ``o ... i`` (``c ... m``); beside an x ``n ... c`` only."""
    rank = step.rank
    last = (0, *range(2, rank + 2), 1)
    first = (0, rank + 1, *range(1, rank + 1))

    def run(x: Tensor, w: Tensor, bias: Tensor | None, *args: Any) -> Tensor:
        plain = is_on_cpu(x, torch.float32) and is_on_cpu(w, torch.float32) and is_eager()
        plain = plain and x.ndim == rank + 2 and not takes_gradients(w)
        if plain and x.permute(last).is_contiguous():
            w = transposed(w, last).permute(first)
        return op(x, w, bias, *args)

    return run

"""Crossings: one call made by two functions, the second in its own words and layouts."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from einops import rearrange

from uniconv._calls.lift import kernel_pattern, lift
from uniconv._canonical.layout import axes, order
from uniconv._functional import run_op
from uniconv.conformance.oracles import Array
from uniconv.errors import CannotExpress
from uniconv.spec.op import Op
from uniconv.spec.registry import find, frameworks
from uniconv.testing.cases import Case, probe, random_case

__all__ = [
    "Crossing",
    "crossings",
    "made_by",
    "mains",
    "moved",
    "own_options",
    "run_by",
]


@dataclass
class Crossing:
    """Calls of one function in another's words: how many give equal numbers, how many differ,
    and how many it has no words for."""

    equal: int = 0
    different: int = 0
    inexpressible: int = 0


def mains(kind: str, rank: int) -> list[Op]:
    """Every family's main function of an operation, for so many spatial axes."""
    named = [d.main.get(kind, {}).get(rank) for d in frameworks().values()]
    return [find(name) for name in dict.fromkeys(named) if name]


def crossings(kind: str, rank: int, count: int) -> dict[tuple[str, str], Crossing]:
    """``count`` random calls of each main function, each said by every other one.

    >>> found = crossings("conv", 1, 5)
    >>> found["knet.conv4", "torch.nn.functional.conv1d"].different
    0
    """
    ops = mains(kind, rank)
    crossings = {(a.name, b.name): Crossing() for a in ops for b in ops}
    for op in ops:
        rng = random.Random(f"crossing {op.name}")
        for seed in range(count):
            case = random_case(op, rng, rank)
            arrays = probe(case, seed)
            y = made_by(op, own_options(case), *arrays)
            for other in ops:
                crossing = crossings[op.name, other.name]
                try:
                    same = np.array_equal(run_by(other, case, arrays), y)
                except CannotExpress:
                    crossing.inexpressible += 1
                    continue
                crossing.equal += same
                crossing.different += not same
    return crossings


def run_by(other: Op, case: Case, arrays: tuple[Array, ...]) -> Array:
    """What ``other`` makes of a call in its own words, in the layout of the call's y.

    Raises CannotExpress where it has no words for it; the kernel is reversed for a function that
    has no switch.
    """
    call, (x, w, *p) = case.call, arrays
    lifted = lift(call, other, flip_kernel=True)
    if case.op.outer_product:
        return made_by(other, lifted.options, *arrays)
    src, dst, batch = call.layout, lifted.call.layout, len(call.sizes.batch)
    pattern = kernel_pattern(call, lifted)
    w = rearrange(w, pattern, **({"g": call.conv.groups} if "(g " in pattern else {}))
    if lifted.reversed:
        spatial = [i for i, a in enumerate(axes(dst.w, call.rank)) if a.startswith("s")]
        w = np.flip(w, tuple(spatial))
    if lifted.conjugated:
        w = np.conj(w)
    x = moved(x, src.x, dst.x, call.rank, batch)
    if p:
        p = [moved(p[0], str(case.op.pointwise), str(other.pointwise), call.rank, 0)]
    y = moved(made_by(other, lifted.options, x, w, *p), dst.y, src.y, call.rank, batch)
    return y.reshape(call.output)


def made_by(op: Op, options: dict[str, object], x: Array, w: Array, *p: Array) -> Array:
    """y, on the CPU."""
    x, w = np.asarray(x), np.asarray(w)  # NumPy's functions make scalars of arrays without axes
    y: Array = run_op(op, ("crossing", op.name), x, w, None, "cpu", options, *p)
    return y


def own_options(case: Case) -> dict[str, object]:
    """The options of a case but for an addend, which is an array."""
    addend = {case.op.addend[0]} if case.op.addend else set()
    return {k: v for k, v in case.options.items() if k not in addend}


def moved(a: Array, src: str, dst: str, rank: int, batch: int) -> Array:
    """An array from one pattern's axes to another's, its batch axes kept together in order."""
    spell = [f"n{i}" for i in range(batch)]
    come, go = (
        [b for a in axes(p, rank) for b in (spell if a == "n" else [a])] for p in (src, dst)
    )
    if a.ndim < len(come) and batch == 1:  # a function that takes a batch of one off
        a = np.expand_dims(a, come.index("n0"))
    new = [letter for letter in go if letter not in come]  # axes of size 1
    gone = [letter for letter in come if letter not in go]
    a = a.reshape((*a.shape, *[1] * len(new))).transpose(order([*come, *new], [*go, *gone]))
    return a.reshape(a.shape[: len(go)])

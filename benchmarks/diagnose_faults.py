"""How often diagnose names the right cause: seeded faults, and correct runs with rounding.

Calls are drawn from the specs.  A fault is made with NumPy on the native arrays or in the lowered
record, and run by uniconv's executor in float32; nothing of the search is used to make it.  An
answer counts as right when three things hold: it reproduces y with no more changes than were made,
proved by the NumPy loops of ``uniconv._canonical.reference``; the same causes explain the same
faults on other numbers; and the code that is printed for it, run, gives y.  "named" counts those
that name the very fields.  Beside faults: correct calls, rounded to every format that is known,
and hopeless ones, whose y is noise or a result spoilt in a way that has no name: no cause may be
given for either.

    python benchmarks/diagnose_faults.py [--quick] [--singles 1000] [--doubles 1000]
        [--correct 500] [--hopeless 250] [--verbose] [--json FILE]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import timing
import torch
from torch.nn import functional as F  # noqa: N812

from uniconv._calls.lower import LoweredCall, lower
from uniconv._calls.plan import build
from uniconv._canonical.layout import axes
from uniconv._canonical.record import effective
from uniconv._canonical.reference import reference
from uniconv._diagnose.activations import forwards
from uniconv._diagnose.fits import settled
from uniconv._diagnose.inputs import read_array
from uniconv._diagnose.judge import Judge
from uniconv._diagnose.report import diagnosis_of
from uniconv._diagnose.run import Run, searched
from uniconv._diagnose.search import redone
from uniconv.errors import UniconvError, UniconvWarning
from uniconv.spec.registry import frameworks
from uniconv.testing.cases import random_case

FAMILIES = (
    *("tf", "knet", "pytorch", "jax", "keras", "onnx", "mxnet", "paddle", "flax", "scipy"),
    *("matlab", "chainer", "theano", "mlx", "openvino"),
)
LEAST = 12  # different numbers in y: fewer cannot tell two causes from chance


@dataclass(frozen=True)
class Scene:
    """One call with its arrays, and what has been done to it."""

    call: LoweredCall
    options: dict[str, Any]
    x: Any
    w: Any
    p: Any = None
    bias: Any = None
    post: tuple[Callable[[Any], Any], ...] = ()
    fields: tuple[str, ...] = ()

    def run(self) -> Any:
        """y in the native layout, float32 (torch)."""
        args = (self.bias, self.p) if self.p is not None else (self.bias,)
        y = build(self.call)(self.x, self.w, *args)
        for step in self.post:
            y = step(y)
        return np.ascontiguousarray(y)


def letters(scene: Scene, role: str) -> tuple[str, ...]:
    """The letters of the native axes; batch axes as they are."""
    pattern = getattr(scene.call.layout, role)
    found: list[str] = []
    for a in axes(pattern, scene.call.rank):
        if a == "n":
            found += [f"n{i}" for i in range(len(scene.call.sizes.batch))]
        else:
            found.append(a)
    return tuple(found)


def spatial(names: tuple[str, ...]) -> list[int]:
    return [i for i, a in enumerate(names) if a[0] == "s"]


def done(scene: Scene, field: str, **fields: Any) -> Scene:
    return replace(scene, fields=(*scene.fields, field), **fields)


def record(scene: Scene, field: str, **fields: Any) -> Scene | None:
    """The scene with another record, where that is one."""
    conv = replace(scene.call.conv, **fields)
    try:
        conv.check(scene.call.sizes)
    except UniconvError:
        return None
    if min(conv.output(scene.call.sizes.size, scene.call.sizes.kernel), default=0) < 1:
        return None
    return done(scene, field, call=replace(scene.call, conv=conv))


# Faults: each gives the scene with the fault, or None where it has nowhere to be


def flip(scene: Scene, rng: random.Random) -> Scene | None:
    long = [i for i in spatial(letters(scene, "w")) if scene.w.shape[i] > 1]
    if not long or scene.call.op.outer_product:
        return None
    which = rng.choice([long, [rng.choice(long)]])
    return done(scene, "reverse", w=np.flip(scene.w, which).copy())


def _swap(a: Any, names: tuple[str, ...], rng: random.Random) -> Any:
    pairs = [(i, j) for i, j in combinations(spatial(names), 2) if a.shape[i] == a.shape[j] > 1]
    return np.swapaxes(a, *rng.choice(pairs)).copy() if pairs else None


def swap_kernel(scene: Scene, rng: random.Random) -> Scene | None:
    w = None if scene.call.op.outer_product else _swap(scene.w, letters(scene, "w"), rng)
    return None if w is None else done(scene, "axes of w", w=w)


def swap_input(scene: Scene, rng: random.Random) -> Scene | None:
    x = _swap(scene.x, letters(scene, "x"), rng)
    return None if x is None else done(scene, "axes of x", x=x)


def swap_both(scene: Scene, rng: random.Random) -> Scene | None:
    if scene.call.rank != 2 or scene.call.op.outer_product:
        return None
    w, x = (_swap(a, letters(scene, r), rng) for a, r in ((scene.w, "w"), (scene.x, "x")))
    return None if w is None or x is None else done(scene, "axes of x and w", x=x, w=w)


def _reshaped(a: Any, names: tuple[str, ...], rng: random.Random) -> Any:
    """Reshaped to (or from) another order of the axes, in which the spatial ones stay in order."""
    order = list(range(a.ndim))
    rng.shuffle(order)
    place = iter([i for i in order if names[i][0] == "s"][:0] + spatial(names))
    order = [next(place) if names[i][0] == "s" else i for i in order]
    if rng.random() < 0.5:
        return a.transpose(order).reshape(a.shape).copy()
    back = np.argsort(order)
    return a.reshape([a.shape[i] for i in order]).transpose(back).copy()


def reshape_kernel(scene: Scene, rng: random.Random) -> Scene | None:
    if scene.call.op.outer_product or scene.w.ndim < 2:
        return None
    return done(scene, "axes of w", w=_reshaped(scene.w, letters(scene, "w"), rng))


def reshape_input(scene: Scene, rng: random.Random) -> Scene | None:
    if len(scene.call.sizes.batch) != 1 or scene.call.conv.batch_groups > 1:
        return None
    return done(scene, "axes of x", x=_reshaped(scene.x, letters(scene, "x"), rng))


def transpose_kernel(scene: Scene, rng: random.Random) -> Scene | None:
    names = letters(scene, "w")
    channels = [i for i, a in enumerate(names) if a in "oicm"]
    if len(channels) != 2 or scene.w.shape[channels[0]] != scene.w.shape[channels[1]]:
        return None
    return done(scene, "axes of w", w=np.swapaxes(scene.w, *channels).copy())


def reverse_channels(scene: Scene, rng: random.Random) -> Scene | None:
    names = letters(scene, "x")
    if "c" not in names or scene.x.shape[names.index("c")] < 2:
        return None
    return done(scene, "order of channels in x", x=np.flip(scene.x, names.index("c")).copy())


def regroup(scene: Scene, rng: random.Random) -> Scene | None:
    names, groups = letters(scene, "x"), scene.call.conv.groups
    if groups < 2 or "c" not in names or scene.call.pointwise:
        return None
    at = names.index("c")
    c = scene.x.shape[at]
    if c == groups:
        return None
    order = np.arange(c).reshape(c // groups, groups).T.ravel()
    return done(scene, "groups", x=scene.x.take(order, at))


def reorder_filters(scene: Scene, rng: random.Random) -> Scene | None:
    """Depthwise: the multiplier before the channel, by reshaping (c, m) from (m, c)."""
    names, groups = letters(scene, "w"), scene.call.conv.groups
    if (
        groups < 2
        or scene.call.sizes.o == groups
        or scene.call.conv.lhs_dilation != (1,) * scene.call.rank
    ):
        return None
    per = scene.call.sizes.o // groups
    if "o" in names and "g" not in names:
        at = names.index("o")
        order = np.arange(scene.call.sizes.o).reshape(per, groups).T.ravel()
        return done(scene, "order of filters", w=scene.w.take(order, at))
    if {"c", "m"} <= set(names) and scene.call.sizes.c == groups:
        moved = np.moveaxis(scene.w, (names.index("c"), names.index("m")), (-2, -1))
        shape = moved.shape
        order = np.arange(groups * per).reshape(per, groups).T.ravel()
        flat = moved.reshape(*shape[:-2], -1)[..., order].reshape(shape)
        w = np.moveaxis(flat, (-2, -1), (names.index("c"), names.index("m")))
        return done(scene, "order of filters", w=w.copy())
    return None


def pad(scene: Scene, rng: random.Random) -> Scene | None:
    """Sides exchanged, symmetric, one pixel more or less, none, moved by one pixel."""
    conv, sizes = scene.call.conv, scene.call.sizes
    ends = effective(sizes.kernel, conv.rhs_dilation)
    ways: dict[str, Any] = {
        "exchanged": [(hi, lo) for lo, hi in conv.pad],
        "symmetric": [((lo + hi) // 2,) * 2 for lo, hi in conv.pad],
        "one more": [(lo + 1, hi + 1) for lo, hi in conv.pad],
        "moved": [(lo + 1, hi - 1) for lo, hi in conv.pad],
        "moved back": [(lo - 1, hi + 1) for lo, hi in conv.pad],
        "none": [(0, 0)] * conv.rank,
        "causal": [(e - 1, 0) for e in ends],
        "one axis": [(lo + (i == 0), hi - (i == 0)) for i, (lo, hi) in enumerate(conv.pad)],
    }
    if scene.call.op.kind == "conv_transpose":
        ways.pop("none"), ways.pop("causal")
        ways["output_padding"] = [(lo, hi + 1) for lo, hi in conv.pad]
    to = tuple(rng.choice(list(ways.values())))
    if to == conv.pad:
        return None
    return record(scene, "padding", pad=to)


def stride(scene: Scene, rng: random.Random) -> Scene | None:
    """Ignored, on the other axis, or another number."""
    conv, transposed = scene.call.conv, scene.call.op.kind == "conv_transpose"
    field = "lhs_dilation" if transposed else "stride"
    value = _geared(getattr(conv, field), rng)
    if value is None:
        return None
    return record(scene, "stride", **{field: value})


def phase(scene: Scene, rng: random.Random) -> Scene | None:
    """The first window one pixel late, under a stride."""
    conv = scene.call.conv
    if max(conv.stride) < 2 or scene.call.op.kind == "conv_transpose":
        return None
    to = tuple(
        (lo - 1, hi + 1) if s > 1 else (lo, hi) for (lo, hi), s in zip(conv.pad, conv.stride)
    )
    return record(scene, "padding", pad=to)


def dilation(scene: Scene, rng: random.Random) -> Scene | None:
    conv, sizes = scene.call.conv, scene.call.sizes
    value = _geared(conv.rhs_dilation, rng)
    if value is None:
        return None
    if scene.call.op.kind == "conv_transpose":  # what is cropped off stays
        old, new = (effective(sizes.kernel, d) for d in (conv.rhs_dilation, value))
        to = tuple((lo - a + b, hi - a + b) for (lo, hi), a, b in zip(conv.pad, old, new))
        return record(scene, "dilation", rhs_dilation=value, pad=to)
    return record(scene, "dilation", rhs_dilation=value)


def _geared(current: tuple[int, ...], rng: random.Random) -> tuple[int, ...] | None:
    ways = [(1,) * len(current), current[::-1], tuple(v + 1 for v in current)]
    ways.append((*current[:-1], *(v + 1 for v in current[-1:])))
    value = rng.choice(ways)
    return value if value != current else None


def bias(scene: Scene, rng: random.Random) -> Scene | None:
    b = scene.bias
    if b is None:
        return None
    ways = [None, 2 * b, b.reshape(-1)[::-1].reshape(b.shape)]
    return done(scene, "bias", bias=rng.choice(ways))


def scale(scene: Scene, rng: random.Random) -> Scene | None:
    factor = np.float32(rng.choice([1 / 255, 2, -1, 1 / 9, 0.37]))
    if scene.bias is not None or scene.call.activation or {*PER_CHANNEL} & set(scene.fields):
        return None
    return done(scene, "scale", post=(lambda y: y * factor, *scene.post))


def boundary(scene: Scene, rng: random.Random) -> Scene | None:
    conv = scene.call.conv
    kinds = ["zeros", "reflect", "symmetric", "replicate", "circular", "constant"]
    kind = rng.choice([k for k in kinds if k != conv.boundary])
    if max(map(max, conv.pad)) <= 0 or min(map(min, conv.pad)) < 0 or max(conv.lhs_dilation) > 1:
        return None
    return record(scene, "boundary", boundary=kind, fill=1.5 if kind == "constant" else 0.0)


def relayout(scene: Scene, rng: random.Random) -> Scene | None:
    """y handed over in another layout: channels first or last."""
    names = letters(scene, "y")
    if "o" not in names or len(scene.call.sizes.batch) != 1:
        return None
    at = names.index("o")
    to = rng.choice([i for i in range(len(names)) if i != at])
    return done(scene, "axes of y", post=(*scene.post, lambda y: np.moveaxis(y, at, to)))


def reverse_filters(scene: Scene, rng: random.Random) -> Scene | None:
    names = letters(scene, "y")
    if "o" not in names or scene.call.o < 2:
        return None
    at = names.index("o")
    return done(scene, "order of channels in y", post=(lambda y: np.flip(y, at), *scene.post))


PER_CHANNEL = ("factor per channel", "factor and term per channel")


def activation(scene: Scene, rng: random.Random) -> Scene | None:
    """y through an activation, which the call has not."""
    # What else is done to the sum is done before it.
    if scene.call.activation is not None or {"scale", *PER_CHANNEL} & set(scene.fields):
        return None
    slope, top = rng.choice((0.01, 0.1, 0.25, 0.07)), rng.choice((0.5, 1.0, 2.0))
    function = rng.choice(
        (
            *(F.relu, F.relu6, torch.sigmoid, torch.tanh, F.softplus, F.silu, F.gelu, F.elu),
            *(F.selu, F.hardsigmoid, F.hardswish, F.mish, lambda y: F.gelu(y, approximate="tanh")),
            *(lambda y: F.leaky_relu(y, slope), lambda y: torch.clamp(y, -top, top)),
        )
    )
    return done(
        scene, "activation", post=(lambda y: function(torch.tensor(y)).numpy(), *scene.post)
    )


def _along_channels(scene: Scene, values: Any) -> Any:
    """Numbers per channel with y's axes; None where y has no such axis, or one channel."""
    names = letters(scene, "y")
    if "o" not in names or scene.call.o < 2:
        return None
    behind = len(names) - names.index("o") - 1
    return values[: scene.call.o].astype(np.float32).reshape(-1, *(1,) * behind)


def channel_scale(scene: Scene, rng: random.Random) -> Scene | None:
    """A factor per output channel; with the bias, none."""
    factor = _along_channels(scene, _uniform(rng, 0.5, 1.5, scene.call.o))
    if factor is None or scene.bias is not None or scene.call.shift or scene.call.activation:
        return None
    return done(scene, "factor per channel", post=(lambda y: y * factor, *scene.post))


def batch_norm(scene: Scene, rng: random.Random) -> Scene | None:
    """A factor and a term per output channel."""
    factor = _along_channels(scene, _uniform(rng, 0.5, 1.5, scene.call.o))
    term = _along_channels(scene, _uniform(rng, -1, 1, scene.call.o))
    if factor is None or scene.call.activation:
        return None
    post = (lambda y: y * factor + term, *scene.post)
    return done(scene, "factor and term per channel", post=post)


def _uniform(rng: random.Random, low: float, high: float, count: int) -> Any:
    return np.array([rng.uniform(low, high) for _ in range(count)])


def scaled_input(scene: Scene, rng: random.Random) -> Scene | None:
    """x scaled and shifted, for all channels or for each."""
    names = letters(scene, "x")
    if scene.call.conv.batch_groups > 1 or scene.call.op.outer_product:
        return None
    ways = [(1 / 127.5, -1.0), (255.0, 0.5), (2.0, -1.0), (1.0, -0.5)]
    a, b = (np.float32(v) for v in rng.choice(ways))
    c = scene.call.sizes.c
    if "c" in names and 1 < c <= 4 and scene.call.conv.groups == 1 and rng.random() < 0.5:
        behind = (-1, *(1,) * (len(names) - names.index("c") - 1))
        mean, deviation = (_uniform(rng, 0.2, 0.6, c).round(3) for _ in range(2))
        a = (1 / deviation).astype(np.float32).reshape(behind)
        b = (-mean / deviation).astype(np.float32).reshape(behind)
    return done(scene, "values of x", x=scene.x * a + b)


def moved_input(scene: Scene, rng: random.Random) -> Scene | None:
    """x moved by a pixel along one axis or all, round its end or with zeros."""
    at = spatial(letters(scene, "x"))
    if min(scene.x.shape[i] for i in at) < 4:
        return None
    which, by = rng.choice([at, [rng.choice(at)]]), rng.choice((1, -1))
    x = np.roll(scene.x, [by] * len(which), which)
    if rng.random() < 0.5:
        for axis in which:
            np.moveaxis(x, axis, 0)[0 if by > 0 else -1] = 0
    return done(scene, "alignment of x", x=x)


def end_of_output(scene: Scene, rng: random.Random) -> Scene | None:
    """The last or first place of y along an axis is a constant, the rest as it is or moved."""
    at = spatial(letters(scene, "y"))
    if min(scene.call.output[i] for i in at) < 4 or scene.call.conv.boundary != "zeros":
        return None
    if "axes of y" in scene.fields:
        return None
    axis, last, by = rng.choice(at), rng.random() < 0.5, rng.random() < 0.5
    value = np.float32(rng.choice((0.0, 0.0, 1.5)))

    def spoilt(y: Any) -> Any:
        y = np.roll(y, (-1 if last else 1) * by, axis).copy()
        np.moveaxis(y, axis, 0)[-1 if last else 0] = value
        return y

    return done(scene, "end of y", post=(*scene.post, spoilt))


def exchanged_pad(scene: Scene, rng: random.Random) -> Scene | None:
    """The pads of the axes exchanged, or their numbers read in the order of begins and ends."""
    conv = scene.call.conv
    flat = [n for pair in conv.pad for n in pair]
    rank = conv.rank
    to = rng.choice([conv.pad[::-1], tuple(zip(flat[:rank], flat[rank:]))])
    if rank < 2 or to == conv.pad or scene.call.op.kind == "conv_transpose":
        return None
    return record(scene, "padding", pad=to)


def flattened(scene: Scene, rng: random.Random) -> Scene | None:
    """y as one row, in its own order or with the channels at the other end."""
    names = letters(scene, "y")
    if scene.fields or len(names) < 2:
        return None
    at = rng.choice((None, -1)) if "o" in names and len(scene.call.sizes.batch) == 1 else None

    def flat(y: Any) -> Any:
        return (y if at is None else np.moveaxis(y, names.index("o"), at)).ravel()

    return done(scene, "shape of y", post=(*scene.post, flat))


def swap_output(scene: Scene, rng: random.Random) -> Scene | None:
    names = letters(scene, "y")
    pairs = list(combinations(spatial(names), 2))
    if not pairs:
        return None
    pair = rng.choice(pairs)
    return done(scene, "axes of y", post=(*scene.post, lambda y: np.swapaxes(y, *pair)))


FAULTS: tuple[Callable[[Scene, random.Random], Scene | None], ...] = (
    *(flip, swap_kernel, swap_input, swap_both, reshape_kernel, reshape_input, transpose_kernel),
    *(reverse_channels, regroup, reorder_filters, pad, stride, phase, dilation, bias, scale),
    *(boundary, relayout, reverse_filters, swap_output, activation, channel_scale, batch_norm),
    *(scaled_input, moved_input, end_of_output, exchanged_pad, flattened),
)


# Scenes


def scene(rng: random.Random, numbers: np.random.Generator, family: str) -> Scene | None:
    """A valid call of the family with random numbers; half of them square, so that swaps fit."""
    op = rng.choice(frameworks()[family].functions)
    if op.result is not None or op.addend or op.outer_product:
        return None
    try:
        case = random_case(op, rng)
    except AssertionError:
        return None
    options = dict(case.options)
    if op.addend and op.addend[0] in options:
        return None
    x_shape, w_shape = case.x_shape, case.w_shape
    call = case.call
    named = Scene(call, options, np.zeros(x_shape), np.zeros(w_shape))
    grow = rng.choice((0, 2, 4))
    square = rng.random() < 0.5
    x_shape = _sized(x_shape, letters(named, "x"), square, grow)
    w_shape = _sized(w_shape, letters(named, "w"), square, 0)
    shapes = [x_shape, w_shape] + (
        [case.pointwise_shape] if case.pointwise_shape is not None else []
    )
    try:
        call = lower(op, options, *shapes)
    except UniconvError:
        return None
    if (
        np.prod(call.output) < LEAST
        or np.prod(x_shape) > 40_000
        or call.conv.boundary == "constant"
    ):
        return None

    def drawn(shape: Any) -> Any:
        return numbers.standard_normal(shape).astype(np.float32)

    b = drawn(call.o) if rng.random() < 0.4 and op.bias == "o" else None
    p = drawn(case.pointwise_shape) if case.pointwise_shape is not None else None
    return Scene(call, options, drawn(x_shape), drawn(w_shape), p, b)


def _sized(shape: Any, names: tuple[str, ...], square: bool, grow: int) -> tuple[int, ...]:
    at = spatial(names)
    most = max((shape[i] for i in at), default=0)
    return tuple((most if square else n) + grow if i in at else n for i, n in enumerate(shape))


def scenes(seed: int) -> Any:
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    n = 0
    while True:
        n += 1
        try:
            made = scene(rng, numbers, FAMILIES[n % len(FAMILIES)])
            if made is not None and np.unique(made.run()).size < LEAST:
                made = None
        except UniconvError:
            made = None
        if made is not None:
            yield made, rng


@dataclass(frozen=True)
class Fault:
    """A call as it should be, with what was done to it, so that it can be done again."""

    good: Scene
    bad: Scene
    names: tuple[str, ...]
    seeds: tuple[int, ...]

    def again(self, numbers: np.random.Generator) -> Fault | None:
        """The same faults on other numbers."""

        def other(a: Any) -> Any:
            return None if a is None else numbers.standard_normal(a.shape).astype(np.float32)

        good = self.good
        good = replace(
            good, x=other(good.x), w=other(good.w), p=other(good.p), bias=other(good.bias)
        )
        bad: Scene | None = good
        by_name = {fault.__name__: fault for fault in FAULTS}
        for name, seed in zip(self.names, self.seeds):
            bad = None if bad is None else by_name[name](bad, random.Random(seed))
        return None if bad is None else Fault(good, bad, self.names, self.seeds)


def faulty(count: int, seed: int) -> Iterator[Fault]:
    """Calls with so many faults, for ever."""
    for good, rng in scenes(seed):
        usable = list(FAULTS)
        rng.shuffle(usable)
        bad = good
        names: list[str] = []
        seeds: list[int] = []
        for fault in usable:
            own = rng.randrange(1 << 30)
            try:
                worse = fault(bad, random.Random(own))
            except (UniconvError, ValueError, RuntimeError):
                worse = None
            if worse is None or worse.fields[-1] in bad.fields:
                continue
            try:
                before, after = bad.run(), worse.run()
            except (UniconvError, ValueError, RuntimeError, IndexError):
                continue
            if after.size < LEAST or _same(before, after) or not np.isfinite(after).all():
                continue  # the fault does not show
            if after.ndim != len(good.call.output) and after.size != np.prod(good.call.output):
                continue  # of a row of another length nobody can say what it was
            bad = worse
            names.append(fault.__name__)
            seeds.append(own)
            if len(names) == count:
                break
        if len(names) == count and not _same(good.run(), bad.run()):
            yield Fault(good, bad, tuple(names), tuple(seeds))


def _same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-4 * np.abs(a).max(initial=0))


def look(good: Scene, y: Any, depth: int = 2) -> Run:
    """What was found."""
    arrays = [read_array(a, r) for a, r in ((good.x, "x"), (good.w, "w"), (y, "y"))]
    b = None if good.bias is None else read_array(good.bias, "bias")
    p = None if good.p is None else read_array(good.p, "pointwise")
    return searched(good.call.op, good.options, arrays, b, p, depth=depth)


def proved(model: Any) -> bool:
    """Whether the NumPy loops give y, too, with what was found."""

    def along(values: Any, axis: int = 1) -> Any:
        shape = [1] * model.y.ndim
        shape[axis] = -1
        return values.reshape(shape)

    y = model.scale * reference(model.conv, np.asarray(model.x), np.asarray(model.w))
    y = (y if model.gain is None else y * along(model.gain)) + model.shift
    if model.bias is not None:
        y = y + along(model.bias, model.bias_axis)
    y = y if model.activation is None else forwards(model.activation, y)
    size = np.abs(model.y).max(initial=0)
    return y.shape == model.y.shape and np.allclose(y, model.y, rtol=1e-4, atol=2e-5 * size)


def general(fault: Fault, run: Run, numbers: np.random.Generator) -> bool:
    """Whether the causes explain the same faults on other numbers."""
    for _ in range(3):
        other = fault.again(numbers)
        if other is None:
            continue
        y = other.bad.run()
        if not _same(other.good.run(), y):
            start = look(other.good, y, depth=0).start
            judge = Judge(start, run.errors)
            again = [settled(m) for m in redone(start, run.model)]
            return any(judge.remainder(m).is_rounding for m in again)
    return True


@dataclass
class Tally:
    right: int = 0
    named: int = 0
    seconds: list[float] = field(default_factory=list)  # of every search

    @property
    def total(self) -> int:
        return len(self.seconds)


def faults(count: int, how_many: int, seed: int, verbose: bool) -> tuple[Tally, Counter[str]]:
    tally, wrong = Tally(), Counter[str]()
    seen: Counter[str] = Counter()
    numbers = np.random.default_rng(seed)
    for fault in faulty(how_many, seed):
        good, names, y = fault.good, fault.names, fault.bad.run()
        begun = time.process_time()
        try:
            run = look(good, y)
        except UniconvError as error:  # y has another number of axes, say
            raise AssertionError(f"{good.call.op.name} {names}: {error}") from error
        tally.seconds.append(time.process_time() - begun)
        seen.update(names)
        model, result = run.model, run.result
        checks = {
            "explained": result.explained,
            "no more causes": len(run.changes) <= how_many,
            "proved": result.explained and proved(model),
            "general": result.explained and general(fault, run, numbers),
            "code": result.explained and diagnosis_of(run).call != "",
        }
        right = all(checks.values())
        tally.right += right
        fields = {c.field for c in run.changes}
        tally.named += right and fields == set(fault.bad.fields)
        if not right:
            wrong.update(["+".join(sorted(names))])
            if verbose:
                failed = [name for name, value in checks.items() if not value]
                causes_text = [c.text for c in model.changes]
                shapes = good.x.shape, good.w.shape, y.shape
                print("WRONG", good.call.op.name, names, failed, causes_text, result.remainder)
                print("     ", *shapes, good.call.conv.pad, good.options)
        if tally.total % 100 == 0:
            print(f"  {tally.total}: right {tally.right}", file=sys.stderr, flush=True)
        if tally.total >= count:
            break
    print("   ", dict(seen))
    return tally, wrong


def hopeless(count: int, seed: int, verbose: bool) -> int:
    """Results that no cause explains; how many were given one."""
    false = 0
    numbers = np.random.default_rng(seed)
    for n, (good, rng) in enumerate(scenes(seed)):
        if n >= count:
            break
        y = good.run()
        noise = numbers.standard_normal(y.shape).astype(np.float32) * (np.std(y) or 1)
        # Noise alone, noise on the result, two numbers of it exchanged in each line, its square.
        ways = (noise, y + 0.1 * noise, np.sort(y, axis=rng.randrange(y.ndim)), np.sign(y) * y**2)
        spoilt = ways[n % len(ways)]
        if _same(y, spoilt):
            continue
        run = look(good, spoilt)
        if run.result.explained and not general_enough(run):
            false += 1
            if verbose:
                texts = [c.text for c in run.model.changes]
                print(
                    "FALSE", n % len(ways), good.call.op.name, texts, run.result.remainder, y.shape
                )
    return false


def general_enough(run: Run) -> bool:
    """Whether y has so few numbers that what was read off them is all of them."""
    return not run.model.changes and run.result.remainder.largest == 0


PRECISIONS = ("float32", "TF32", "TF32, cut off", "bfloat16", "6 digits", "float16", "int8 w")
PRECISIONS += ("int8 w, each channel", "int8 x and w", "int8 y")
# What each is called, as far as one name is right for it.
CALLED = {"float32": ("float32", "exact", "float64"), "int8 w": ("int8 weights",)}
CALLED |= {"bfloat16": ("bfloat16",), "float16": ("float16",), "int8 y": ("int8 results",)}
CALLED |= {"int8 x and w": ("int8 weights and act",), "int8 w, each channel": ("int8 weights (",)}


def short(a: Any, precision: str) -> Any:
    """Rounding made with plain bit operations, apart from what diagnose does itself."""
    bits = np.ascontiguousarray(a, np.float32).view(np.uint32)
    if precision == "TF32":
        bits = (bits + np.uint32(0x0FFF) + ((bits >> 13) & 1)) & np.uint32(0xFFFFE000)
    elif precision == "TF32, cut off":
        bits = bits & np.uint32(0xFFFFE000)
    elif precision == "bfloat16":
        bits = (bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    elif precision == "float16":
        return np.asarray(a, np.float16).astype(np.float32)
    return bits.view(np.float32)


def eight_bits(a: Any, along: list[int]) -> Any:
    """The nearest of 255 numbers around 0, with one scale or one along some axes."""
    others = tuple(i for i in range(a.ndim) if i not in along)
    step = np.abs(a).max(axis=others, keepdims=True).astype(np.float64) / 127
    step[step == 0] = 1
    return (np.round(a / step) * step).astype(np.float32)


def correct(count: int, seed: int, verbose: bool) -> tuple[int, Counter[str]]:
    """Runs without a fault; how many were given a cause (or left unexplained)."""
    false, told = 0, Counter[str]()
    for n, (good, _) in enumerate(scenes(seed)):
        if n >= count:
            break
        precision = PRECISIONS[n % len(PRECISIONS)]
        tolerance = None
        if precision == "6 digits":
            y = good.run()
            y = np.array([float(f"{v:.6g}") for v in y.ravel()], np.float64).reshape(y.shape)
            tolerance = float(0.5 * 10.0 ** (np.floor(np.log10(np.abs(y).max())) - 5))
        else:
            run = replace(good, x=short(good.x, precision), w=short(good.w, precision))
            if good.p is not None:
                run = replace(run, p=short(good.p, precision))
            if precision.startswith("int8") and precision != "int8 y":
                if good.p is not None or good.call.op.outer_product:
                    continue
                at = [i for i, a in enumerate(letters(good, "w")) if a in "ogm"]
                if "each" in precision and all(good.w.shape[i] == 1 for i in at):
                    precision = "int8 w"  # of one channel both are the same
                run = replace(good, w=eight_bits(good.w, at if "each" in precision else []))
                run = replace(run, x=eight_bits(good.x, [])) if "x" in precision else run
                if np.allclose(run.w, good.w, rtol=1e-6, atol=0) and "x" not in precision:
                    precision = "float32"  # one number per channel is its own largest
            y = run.run()
            if precision in ("bfloat16", "float16"):
                y = short(y, precision)
            y = eight_bits(y, []) if precision == "int8 y" else y
        arrays = [read_array(good.x, "x"), read_array(good.w, "w"), read_array(y, "y", tolerance)]
        b = None if good.bias is None else read_array(good.bias, "bias")
        p = None if good.p is None else read_array(good.p, "pointwise")
        found = searched(good.call.op, good.options, arrays, b, p).result
        called = found.remainder.precision
        misnamed = not called.startswith((*CALLED.get(precision, ("",)), "exact"))
        if found.model.changes or not found.explained or misnamed:
            false += 1
            if verbose:
                print(
                    "FALSE",
                    precision,
                    good.call.op.name,
                    found.explained,
                    [c.text for c in found.model.changes],
                    found.remainder,
                    y.shape,
                    good.options,
                )
        told[f"{precision}: {found.remainder.precision}"] += 1
    return false, told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in (
        *(("singles", 1000), ("doubles", 1000), ("correct", 500), ("hopeless", 250)),
    ):
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"default: {number}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="20 of each")
    parser.add_argument("--verbose", action="store_true", help="print every wrong answer")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    args = parser.parse_args()
    singles, doubles, right, lost = (
        (20 if args.quick else usual) if number is None else number
        for number, usual in (
            *((args.singles, 1000), (args.doubles, 1000), (args.correct, 500)),
            (args.hopeless, 250),
        )
    )
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    warnings.simplefilter("ignore", UniconvWarning)
    options = timing.Options(quick=args.quick)
    about = timing.facts(options)
    rows, bars = [], []
    for how_many, count, bar in ((1, singles, 0.99), (2, doubles, 0.95)):
        if count:
            tally, wrong = faults(count, how_many, args.seed + how_many, args.verbose)
            share = tally.right / tally.total
            bars.append(share >= bar)
            kind = "single" if how_many == 1 else "double"
            seconds = timing.Spread.of(tally.seconds)
            print(
                f"{kind} faults: {tally.right} of {tally.total} "
                f"right ({share:.1%}, bar {bar:.0%}), {tally.named} by the very field; "
                f"{seconds.median:.2f} s each, {max(tally.seconds):.1f} s at most"
            )
            if wrong:
                print("  wrong:", dict(wrong.most_common(12)))
            case = f"{kind} faults, {tally.total} runs"
            shares = {"right": share, "by the very field": tally.named / tally.total}
            spreads = {k: timing.Spread.of([v]) for k, v in shares.items()}
            rows.append(timing.Row("named", case, spreads, unit="of all"))
            slowest = timing.Spread.of([max(tally.seconds)])
            times = {"a search": seconds, "the slowest": slowest}
            rows.append(timing.Row("seconds of the processor", case, times, unit="s"))
    if right:
        false, told = correct(right, args.seed, args.verbose)
        bars.append(false == 0)
        print(f"correct runs: {false} false causes in {right}")
        for line, n in sorted(told.items()):
            print(f"  {line}: {n}")
        values = {"false causes": timing.Spread.of([false])}
        rows.append(timing.Row("named", f"correct runs, {right}", values, unit="runs"))
    if lost:
        false = hopeless(lost, args.seed, args.verbose)
        bars.append(false == 0)
        print(f"hopeless runs: {false} causes in {lost}")
        values = {"false causes": timing.Spread.of([false])}
        rows.append(timing.Row("named", f"hopeless runs, {lost}", values, unit="runs"))
    if args.json:
        timing.write(args.json, "diagnose_faults", options, about, rows)
    return 0 if all(bars) else 1


if __name__ == "__main__":
    raise SystemExit(main())

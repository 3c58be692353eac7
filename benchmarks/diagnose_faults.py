"""How often diagnose names the right cause: seeded faults, and correct runs with rounding.

Calls are drawn from the specs.  A fault is made with NumPy on the native arrays or in the lowered
record, and run by uniconv's executor in float32; nothing of the search is used to make it.  An
answer counts as right when it reproduces y with no more changes than were made: proved for each
by the NumPy loops of ``uniconv._canonical.reference``.  "named" counts those that name the very
fields.

    python benchmarks/diagnose_faults.py [--quick] [--singles 1000] [--doubles 1000]
        [--correct 500] [--verbose] [--json FILE]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import timing

from uniconv._calls.lower import LoweredCall, lower
from uniconv._calls.plan import build
from uniconv._canonical.layout import axes
from uniconv._canonical.record import effective
from uniconv._canonical.reference import reference
from uniconv._diagnose.inputs import read_array
from uniconv._diagnose.run import searched
from uniconv.errors import UniconvError, UniconvWarning
from uniconv.spec.registry import frameworks
from uniconv.testing.cases import random_case

FAMILIES = (
    *("tf", "knet", "pytorch", "jax", "keras", "onnx", "mxnet", "paddle", "flax", "scipy"),
    *("matlab", "chainer", "theano", "mlx", "openvino"),
)
LEAST = 12  # numbers in y: fewer cannot tell two causes from chance


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
    ways.append((*current[:-1], current[-1] + 1))
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
    if scene.bias is not None:
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
    *(boundary, relayout, reverse_filters, swap_output),
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
            if made is not None:
                made.run()
        except UniconvError:
            made = None
        if made is not None:
            yield made, rng


def faulty(count: int, seed: int) -> Any:
    """(the scene as it should be, y, the scene with its faults), for ever."""
    for good, rng in scenes(seed):
        usable = list(FAULTS)
        rng.shuffle(usable)
        bad = good
        names: list[str] = []
        for fault in usable:
            try:
                worse = fault(bad, rng)
            except (UniconvError, ValueError, RuntimeError):
                worse = None
            if worse is None or worse.fields[-1] in bad.fields:
                continue
            try:
                before, after = bad.run(), worse.run()
            except (UniconvError, ValueError, RuntimeError):
                continue
            if after.size < LEAST or _same(before, after):
                continue  # the fault does not show
            bad = worse
            names.append(fault.__name__)
            if len(names) == count:
                break
        if len(names) == count and not _same(good.run(), bad.run()):
            yield good, bad.run(), bad, names


def _same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-4 * np.abs(a).max(initial=0))


def look(good: Scene, y: Any, depth: int = 2) -> tuple[Any, Any]:
    """The start and what was found."""
    arrays = [read_array(a, r) for a, r in ((good.x, "x"), (good.w, "w"), (y, "y"))]
    b = None if good.bias is None else read_array(good.bias, "bias")
    p = None if good.p is None else read_array(good.p, "pointwise")
    run = searched(good.call.op, good.options, arrays, b, p, depth=depth)
    return run.start, run.result


def proved(model: Any) -> bool:
    """Whether the NumPy loops give y, too, with what was found."""
    y = model.scale * reference(model.conv, np.asarray(model.x), np.asarray(model.w)) + model.shift
    if model.bias is not None:
        shape = [1] * y.ndim
        shape[model.bias_axis] = -1
        y = y + model.bias.reshape(shape)
    size = np.abs(model.y).max(initial=0)
    return y.shape == model.y.shape and np.allclose(y, model.y, rtol=1e-4, atol=2e-5 * size)


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
    for good, y, bad, names in faulty(how_many, seed):
        begun = time.process_time()
        try:
            _, found = look(good, y)
        except UniconvError as error:  # y has another number of axes, say
            raise AssertionError(f"{good.call.op.name} {names}: {error}") from error
        spent = time.process_time() - begun
        tally.seconds.append(spent)
        seen.update(names)
        model = found.model
        right = found.explained and len(model.changes) <= how_many and proved(model)
        tally.right += right
        tally.named += right and {c.field for c in model.changes} == set(bad.fields)
        if not right:
            wrong.update(["+".join(sorted(names))])
            if verbose:
                told = [c.text for c in model.changes]
                print(
                    "WRONG",
                    good.call.op.name,
                    names,
                    found.explained,
                    told,
                    found.remainder,
                    good.x.shape,
                    good.w.shape,
                    y.shape,
                    good.options,
                )
        if tally.total % 100 == 0:
            print(f"  {tally.total}: right {tally.right}", file=sys.stderr, flush=True)
        if tally.total >= count:
            break
    print("   ", dict(seen))
    return tally, wrong


PRECISIONS = ("float32", "TF32", "TF32, cut off", "bfloat16", "6 digits")


def short(a: Any, precision: str) -> Any:
    """Rounding made with plain bit operations, apart from what diagnose does itself."""
    bits = np.ascontiguousarray(a, np.float32).view(np.uint32)
    if precision == "TF32":
        bits = (bits + np.uint32(0x0FFF) + ((bits >> 13) & 1)) & np.uint32(0xFFFFE000)
    elif precision == "TF32, cut off":
        bits = bits & np.uint32(0xFFFFE000)
    elif precision == "bfloat16":
        bits = (bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return bits.view(np.float32)


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
            y = run.run()
            if precision == "bfloat16":
                y = short(y, precision)
        arrays = [read_array(good.x, "x"), read_array(good.w, "w"), read_array(y, "y", tolerance)]
        b = None if good.bias is None else read_array(good.bias, "bias")
        p = None if good.p is None else read_array(good.p, "pointwise")
        found = searched(good.call.op, good.options, arrays, b, p).result
        if found.model.changes or not found.explained:
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
    for name, number in (("singles", 1000), ("doubles", 1000), ("correct", 500)):
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"default: {number}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="20 of each")
    parser.add_argument("--verbose", action="store_true", help="print every wrong answer")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    args = parser.parse_args()
    singles, doubles, right = (
        (20 if args.quick else usual) if number is None else number
        for number, usual in ((args.singles, 1000), (args.doubles, 1000), (args.correct, 500))
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
    if args.json:
        timing.write(args.json, "diagnose_faults", options, about, rows)
    return 0 if all(bars) else 1


if __name__ == "__main__":
    raise SystemExit(main())

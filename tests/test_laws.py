"""Laws across the program: every function against the oracle, adjoints, axes, gradients.

The judge of the layouts is ``by_the_oracle``: it reads the native arrays with einops, straight
from the patterns of the spec, and shares nothing with plan.py.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace
from itertools import islice
from math import prod

import numpy as np
import pytest
import torch
from einops import rearrange
from hypothesis import given
from hypothesis import strategies as st

import uniconv
from uniconv._calls.lower import lower
from uniconv._calls.options import complete
from uniconv._canonical.execute import runner
from uniconv._canonical.layout import axes
from uniconv._canonical.record import Convolution, Sizes, effective
from uniconv._canonical.reference import reference
from uniconv.spec.registry import find, frameworks, functions
from uniconv.spec.rules import CallContext, PerAxis
from uniconv.testing import Case, convs, grid, probe, random_case
from uniconv.testing.cases import MOST_AXES, asymmetric

OPS = list(functions().values())
EACH = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
SEEDS = st.integers(0, 99)


# Every function against the oracle


def spell(pattern: str, rank: int, batch: int = 1, **whole: str) -> str:
    """A pattern of the spec in einops words: spatial axes and batch axes one by one."""
    named = {"...": " ".join(f"s{i}" for i in range(rank))}
    named |= {"n": " ".join(f"n{i}" for i in range(batch))} | whole
    return " ".join(named.get(a, a) for a in pattern.split())


def by_the_oracle(case: Case, x, w, p=None) -> np.ndarray:
    call, layout, rank = case.call, case.call.layout, case.call.rank
    count, groups = len(call.sizes.batch), call.conv.groups
    if case.op.zero_points:
        x, w = (a.astype("int32") - zero for a, zero in zip((x, w), call.zero_points))
    spatial = " ".join(f"s{i}" for i in range(rank))
    merged = f"({' '.join(f'n{i}' for i in range(count))})"
    if case.op.outer_product:
        vectors = dict(zip(case.op.outer_product, (w, p)))
        w, p = np.multiply.outer(vectors["s0"], vectors["s1"]), None
    x = rearranged(x, spell(layout.x, rank, count), f"{merged} c {spatial}")
    split = spell(layout.w, rank, o="(g m)", c="(g i)")
    w = rearranged(w, split, f"(g m) i {spatial}", g=groups)
    y = reference(call.conv, x, w) * call.scale + call.shift
    if p is not None:
        p = rearrange(p, f"{spell(case.op.pointwise, rank)} -> o i {spatial}")
        y = reference(call.pointwise[0], y, p)
    batch = [n // call.conv.batch_groups for n in call.sizes.batch]
    sizes = {f"n{i}": n for i, n in enumerate(batch)}
    y = rearranged(y, f"{merged} o {spatial}", spell(layout.y, rank, count), **sizes)
    dropped = case.op.drops_single and batch == [1]  # the last axis
    return y[..., 0] if dropped else y


def rearranged(a: np.ndarray, src: str, dst: str, **sizes: int) -> np.ndarray:
    """einops' rearrange, where a letter that one side lacks stands for an axis of size 1."""
    src_letters, dst_letters = (set(re.findall(r"\w+", side)) for side in (src, dst))
    for letter in src_letters ^ dst_letters:
        src, dst = (re.sub(rf"\b{letter}\b", "1", side) for side in (src, dst))
        sizes.pop(letter, None)
    src, dst = (re.sub(r"\((1 ?)+\)|\(\)", "1", side) for side in (src, dst))
    return rearrange(a, f"{src} -> {dst}", **sizes)


def work(case: Case) -> int:
    """How many taps the oracle visits: its loops are slow."""
    return prod(case.call.output) * prod(case.call.sizes.kernel)


def bias_of(case: Case, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A bias in the function's own form, and as it is added to y."""
    pattern = spell(case.call.layout.y, case.call.rank, len(case.call.sizes.batch)).split()
    bias = np.arange(1, case.call.o + 1, dtype=y.dtype)
    along = bias.reshape([-1 if a == "o" else 1 for a in pattern])
    return (along if case.op.bias == "y" else bias), along


PUBLIC = {
    "conv": uniconv.conv,
    "conv_transpose": uniconv.conv_transpose,
    "depthwise_conv": uniconv.depthwise_conv,
    "separable_conv": uniconv.separable_conv,
}


@EACH
def test_native_and_public_functions_are_the_oracle(op):
    native, public = uniconv.native(op.name), PUBLIC[op.kind]
    names = [op.array_names(role)[0] for role in ("x", "w", "p") if op.array_names(role)]
    dtype = "float32" if "float32" in op.dtypes else op.dtypes[0]
    cases = [case for case in grid(op, most=30) if work(case) < 20_000]
    assert len(cases) > 10
    for seed, case in enumerate(cases):
        arrays = probe(case, seed, dtype)
        wanted = by_the_oracle(case, *arrays)
        y = native(**dict(zip(names, arrays)), **case.options)
        assert y.shape == wanted.shape == case.call.output, case
        assert y.dtype == (op.result or dtype)
        assert (y == wanted).all(), case
        if op.result:
            continue  # a quantised sum has no bias
        bias, along = bias_of(case, y)
        tensors = map(torch.from_numpy, arrays)
        result = public(*tensors, torch.from_numpy(bias), dialect=op.name, **case.options)
        assert isinstance(result, torch.Tensor)
        assert (result.numpy() == wanted + along).all(), case


@pytest.mark.parametrize("op", [op for op in OPS if op.addend], ids=lambda op: op.name)
def test_an_addend_is_added_beta_times(op):
    rng = random.Random(op.name)
    name, beta = op.addend
    for seed in range(20):
        case = random_case(op, rng)
        x, w = probe(case, seed)
        z = asymmetric(case.call.output, np.random.default_rng(seed))
        options = case.options | {name: z, beta.option: -3}
        y = uniconv.conv(x, w, dialect=op.name, **options)
        assert (y == by_the_oracle(case, x, w) - 3 * z).all(), case


@pytest.mark.parametrize("op", [op for op in OPS if "float64" in op.dtypes], ids=lambda op: op.name)
def test_a_function_is_linear_in_each_array_and_autograd_knows_it(op):
    """<f(x, w), y> = <x, df/dx y> = <w, df/dw y>, exactly."""
    rng = random.Random(op.name)
    names = [op.array_names(role)[0] for role in ("x", "w", "p") if op.array_names(role)]
    native = uniconv.native(op.name)
    cases = (random_case(op, rng) for _ in range(60))
    linear = [case for case in cases if not (case.call.shift or case.call.conv.fill)]
    for seed, case in enumerate(linear[:6]):
        arrays = [torch.from_numpy(a).requires_grad_() for a in probe(case, seed, "float64")]
        y = native(**dict(zip(names, arrays)), **case.options)
        other = asymmetric(tuple(y.shape), np.random.default_rng(seed), "float64")
        product = (y * torch.from_numpy(other)).sum()
        for array, gradient in zip(arrays, torch.autograd.grad(product, arrays)):
            assert gradient.shape == array.shape
            assert (array * gradient).sum() == product, case


# A transposed convolution is the adjoint of a convolution

TRANSPOSED = [op for op in OPS if op.kind == "conv_transpose"]
# Where the same kernel and the same options also transpose: not in frameworks whose transposed
# functions read their padding or their kernel in another way.
ADJOINTS = [
    (find(d.main["conv"][rank]), find(name), rank)
    for d in frameworks().values()
    if d.name in ("knet", "pytorch", "tf", "tinygrad")
    for rank, name in d.main.get("conv_transpose", {}).items()
    if rank <= MOST_AXES
]


@pytest.mark.parametrize("op", TRANSPOSED, ids=lambda op: op.name)
def test_a_transposed_call_is_the_adjoint_of_the_record_that_it_crops_as(op):
    """<conv(x), y> = <x, conv_transpose(y)>, where conv pads by what the transposed call crops."""
    rng = random.Random(op.name)
    drawn = (random_case(op, rng) for _ in range(200))
    cases = list(islice((case for case in drawn if work(case) < 5_000), 20))
    assert len(cases) == 20
    for seed, case in enumerate(c for c in cases if c.call.conv.boundary == "zeros"):
        call, conv = case.call, case.call.conv
        y, w = probe(case, seed, "float32")
        x = asymmetric(case.call.output, np.random.default_rng(seed), "float32")
        extents = effective(call.sizes.kernel, conv.rhs_dilation)
        forward = replace(
            conv,
            stride=conv.lhs_dilation,
            lhs_dilation=conv.stride,
            pad=tuple((e - 1 - lo, e - 1 - hi) for e, (lo, hi) in zip(extents, conv.pad)),
            reverse=tuple(not r for r in conv.reverse),
        )
        up = uniconv.conv_transpose(y, w, dialect=op.name, **case.options)
        spatial = " ".join(f"s{i}" for i in range(call.rank))
        batch = " ".join(f"n{i}" for i in range(len(call.sizes.batch)))
        down_w = rearrange(
            w,
            f"{spell(call.layout.w, call.rank, o='(g m)', c='(g i)')} -> (g i) m {spatial}",
            g=conv.groups,
        )
        flat = rearrange(
            x,
            f"{spell(call.layout.y, call.rank, len(call.sizes.batch))} -> ({batch}) o {spatial}",
        )
        down = reference(forward, flat, down_w)
        # output_padding past the last stride leaves room for windows that y does not have
        down = down[(..., *(slice(n) for n in call.sizes.size))]
        seen = spell(call.layout.x, call.rank, len(call.sizes.batch))
        down = rearrange(
            down,
            f"({batch}) c {spatial} -> {seen}",
            **{f"n{i}": n for i, n in enumerate(call.sizes.batch)},
        )
        assert down.shape == y.shape, case
        assert (down * y).sum() == (x * up).sum() / call.scale, case


def forward_options(forward, transposed, case: Case) -> dict[str, object]:
    """The options of the convolution that a transposed call transposes, by their roles."""
    given, _ = complete(transposed, case.options)
    pairs = [(forward.stride, transposed.stride), (forward.dilation, transposed.dilation)]
    pairs += [(forward.pad, transposed.pad.pad), (forward.groups, transposed.groups)]
    pairs += [(forward.reverse, transposed.reverse), (forward.scale, transposed.scale)]
    pairs += [(forward.layout, transposed.layout)]
    facts = CallContext(transposed.name, transposed.title, case.call.layout, case.call.sizes)
    options = {}
    for a, b in pairs:
        if getattr(a, "option", None) and getattr(b, "option", None):
            value = given[b.option]
            if isinstance(a, PerAxis):  # the two may take different forms
                value = a.write(b.read(value, facts), facts)
            options[a.option] = value
    return options


@pytest.mark.parametrize(
    ("forward", "transposed", "rank"), ADJOINTS, ids=[t.name + f" {r}d" for _, t, r in ADJOINTS]
)
def test_adjoint(forward, transposed, rank):
    """<conv(x), y> = <x, conv_transpose(y)>, with the same kernel array and options."""
    rng = random.Random(transposed.name)
    for seed in range(25):
        case = random_case(transposed, rng, rank)
        y, w = probe(case, seed, "float64")
        x = asymmetric(case.call.output, np.random.default_rng(seed), "float64")
        options = forward_options(forward, transposed, case)
        up = uniconv.conv_transpose(y, w, dialect=transposed.name, **case.options)
        down = uniconv.conv(x, w, dialect=forward.name, **options)
        # output_padding past the last stride leaves room for windows that y does not have
        down = down[tuple(slice(n) for n in y.shape)]
        assert down.shape == y.shape, case
        assert (down * y).sum() == (x * up).sum(), case


# Laws of the record


def computed(conv: Convolution, sizes: Sizes, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """By the executor, with the kernel as it wants it for this record."""
    transposed = max(conv.lhs_dilation) > 1
    if transposed:
        w = rearrange(w, "(g m) i ... -> (g i) m ...", g=conv.groups)
    run = runner(conv, replace(sizes, size=x.shape[2:]), transposed=transposed)
    return run(torch.from_numpy(x), torch.from_numpy(np.ascontiguousarray(w)), None).numpy()


def problem_arrays(conv: Convolution, sizes: Sizes, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = asymmetric((2, sizes.c, *sizes.size), rng)
    return x, asymmetric((sizes.o, sizes.c // conv.groups, *sizes.kernel), rng)


@given(st.data(), SEEDS)
def test_permuting_the_spatial_axes_commutes(data, seed):
    conv, sizes = data.draw(convs(rank=data.draw(st.sampled_from((2, 3)))))
    order = data.draw(st.permutations(range(conv.rank)))
    x, w = problem_arrays(conv, sizes, seed)
    moved = (0, 1, *(2 + a for a in order))
    kernel = tuple(sizes.kernel[a] for a in order)
    turned = computed(
        conv.reordered(order),
        replace(sizes, kernel=kernel),
        x.transpose(moved).copy(),
        w.transpose(moved).copy(),
    )
    y = computed(conv, sizes, x, w).transpose(moved)
    assert turned.shape == y.shape
    assert (turned == y).all()


@given(st.data(), SEEDS)
def test_a_unit_axis_lifts_rank_r_to_r_plus_1(data, seed):
    conv, sizes = data.draw(convs(rank=data.draw(st.sampled_from((1, 2)))))
    x, w = problem_arrays(conv, sizes, seed)
    lifted = replace(sizes, kernel=(1, *sizes.kernel))
    y = computed(conv.with_unit_axis(), lifted, x[:, :, None], w[:, :, None])
    wanted = computed(conv, sizes, x, w)
    assert y.shape[2] == 1
    assert (y[:, :, 0] == wanted).all()


@given(convs(), SEEDS)
def test_reversing_the_kernel_is_reverse_on_every_axis(problem, seed):
    conv, sizes = problem
    x, w = problem_arrays(conv, sizes, seed)
    turned = replace(conv, reverse=tuple(not r for r in conv.reverse))
    flipped = np.flip(w, tuple(range(2, w.ndim))).copy()
    assert (computed(turned, sizes, x, flipped) == computed(conv, sizes, x, w)).all()


@EACH
def test_lowering_gives_a_sound_record(op):
    for case in grid(op, most=20):
        call = lower(op, case.options, case.x_shape, case.w_shape, case.pointwise_shape)
        call.conv.check(replace(call.sizes, c=call.sizes.c, o=call.sizes.o))
        named = dict(zip(_letters(call), call.output))
        spatial = tuple(named[f"s{i}"] for i in range(call.rank))
        assert spatial == call.conv.output(call.sizes.size, call.sizes.kernel)
        if call.pointwise:
            conv, sizes = call.pointwise
            conv.check(replace(sizes, size=call.sizes.size))


def _letters(call) -> list[str]:
    """The letters of y's axes, its batch axes spelled out."""
    found = []
    for a in axes(call.layout.y, call.rank):
        found += ["n"] * len(call.sizes.batch) if a == "n" else [a]
    return found

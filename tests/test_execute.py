"""Execution on torch against the oracle, exactly: every boundary, path, dtype and empty case."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from einops import rearrange
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from uniconv._canonical.execute import runner
from uniconv._canonical.integers import by_limbs, exact
from uniconv._canonical.record import Convolution, Sizes
from uniconv._canonical.reference import reference
from uniconv.testing import convs
from uniconv.testing.cases import asymmetric

SEEDS = st.integers(0, 99)


def inputs(sizes: Sizes, groups: int, seed: int, dtype: str = "float32"):
    """x and w ``o i ...``; x has a batch axis if the sizes have one."""
    rng = np.random.default_rng(seed)
    x = asymmetric((*sizes.batch, sizes.c, *sizes.size), rng, dtype)
    return x, asymmetric((sizes.o, sizes.c // groups, *sizes.kernel), rng, dtype)


def oracle(conv: Convolution, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return reference(conv, x, w) if x.ndim == w.ndim else reference(conv, x[None], w)[0]


def execute(conv: Convolution, sizes: Sizes, x, w, bias=None, *, transposed: bool, wrap=None):
    """By the executor: its transposed path reads the kernel as ``c m ...``."""
    run = runner(conv, sizes, transposed=transposed)
    run = wrap(run) if wrap else run
    if transposed:
        w = rearrange(w, "(g m) i ... -> (g i) m ...", g=conv.groups)
    bias = None if bias is None else torch.from_numpy(bias)
    return run(torch.from_numpy(x), torch.from_numpy(np.ascontiguousarray(w)), bias).numpy()


def same(y: np.ndarray, wanted: np.ndarray) -> None:
    assert y.shape == wanted.shape
    assert y.dtype == wanted.dtype
    assert (y == wanted).all()


@given(convs(), SEEDS, st.booleans())
def test_forward_is_the_oracle(problem, seed, biased):
    conv, sizes = problem
    conv = Convolution(conv.stride, conv.pad, (1,) * conv.rank, *_rest(conv))
    x, w = inputs(sizes, conv.groups, seed)
    bias = np.arange(1, sizes.o + 1, dtype="float32") if biased else None
    wanted = oracle(conv, x, w)
    if biased:
        wanted = wanted + bias.reshape(-1, *(1,) * conv.rank)
    same(execute(conv, sizes, x, w, bias, transposed=False), wanted)


@given(convs(plain=True), SEEDS, st.booleans())
def test_transposed_is_the_oracle(problem, seed, biased):
    """With stride, too, which lowering does not use but a record may have."""
    conv, sizes = problem
    x, w = inputs(sizes, conv.groups, seed)
    bias = np.arange(1, sizes.o + 1, dtype="float32") if biased else None
    wanted = oracle(conv, x, w)
    if biased:
        wanted = wanted + bias.reshape(-1, *(1,) * conv.rank)
    same(execute(conv, sizes, x, w, bias, transposed=True), wanted)


@given(convs(transposed=True), SEEDS)
def test_transposed_as_lowering_gives_it_is_the_oracle(problem, seed):
    conv, sizes = problem
    x, w = inputs(sizes, conv.groups, seed)
    same(execute(conv, sizes, x, w, transposed=True), oracle(conv, x, w))


def _rest(conv: Convolution):
    return conv.rhs_dilation, conv.reverse, conv.groups, conv.boundary, conv.fill


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "complex64", "complex128", "int16", "int64", "uint8"])
def test_dtypes_are_kept(dtype, transposed):
    conv = Convolution((2, 1), ((1, 2), (0, 1)), (1, 1), (1, 2), (True, False), groups=2)
    sizes = Sizes((3,), 4, 6, (7, 6), (3, 2))
    x, w = inputs(sizes, 2, 0, dtype)
    wrap = exact if np.dtype(dtype).kind in "iu" else None
    same(execute(conv, sizes, x, w, transposed=transposed, wrap=wrap), oracle(conv, x, w))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    ("batch", "size", "kernel", "pad"),
    [
        ((0,), (5, 4), (3, 2), (1, 1)),
        ((2,), (2, 4), (3, 2), (0, 0)),
        ((2,), (0, 4), (3, 2), (3, 3)),
        ((2,), (5, 4), (3, 2), (-3, -2)),
    ],
    ids=["no batch", "no window", "no pixel but a border", "all cropped"],
)
def test_empty(batch, size, kernel, pad, transposed):
    conv = Convolution((1, 1), (pad, (0, 0)), (1, 1), (1, 1), (False, False), groups=1)
    sizes = Sizes(batch, 2, 3, size, kernel)
    x, w = inputs(sizes, 1, 0)
    bias = np.array([1, 2, 3], "float32")
    y = execute(conv, sizes, x, w, bias, transposed=transposed)
    same(y, oracle(conv, x, w) + bias[:, None, None])


def test_the_gradient_of_an_empty_result_is_zero():
    conv = Convolution((1,), ((0, 0),), (1,), (1,), (False,))
    run = runner(conv, Sizes((1,), 2, 4, (2,), (3,)), transposed=False)
    x, w = torch.ones(1, 2, 2, requires_grad=True), torch.ones(4, 2, 3, requires_grad=True)
    run(x, w, None).sum().backward()
    assert not x.grad.any()
    assert not w.grad.any()


def test_a_crop_of_more_than_there_is_meets_the_padding():
    """F.pad refuses it; tf.nn.conv2d_transpose says it with an explicit list and a large stride."""
    conv = Convolution((1,), ((2, -2),), (1,), (1,), (False,))
    x, w = np.array([[[5]]], "float32"), np.array([[[7]]], "float32")
    sizes = Sizes((1,), 1, 1, (1,), (1,))
    for transposed in (False, True):
        assert execute(conv, sizes, x, w, transposed=transposed).tolist() == [[[0]]]


# Integers


def full_range(shape, dtype: str, seed: int) -> np.ndarray:
    bounds = np.iinfo(dtype)
    rng = np.random.default_rng(seed)
    return rng.integers(bounds.min, bounds.max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64"])
@settings(max_examples=25)
@given(problem=convs(rank=2), seed=SEEDS)
def test_limbs_are_int64_arithmetic_modulo_the_range(dtype, problem, seed):
    conv, sizes = problem
    assume(conv.boundary != "constant")  # its fill is added to every limb
    conv = Convolution(conv.stride, conv.pad, (1, 1), *_rest(conv))
    x = full_range((*sizes.batch, sizes.c, *sizes.size), dtype, seed)
    w = full_range((sizes.o, sizes.c // conv.groups, *sizes.kernel), dtype, seed + 1)
    with np.errstate(over="ignore"):
        wanted = oracle(conv, x.astype("int64"), w.astype("int64")).astype(dtype)
    run = runner(conv, sizes, transposed=False)
    same(by_limbs(run, torch.from_numpy(x), torch.from_numpy(w)).numpy(), wanted)
    same(exact(run)(torch.from_numpy(x), torch.from_numpy(w), None).numpy(), wanted)


def test_integer_overflow_by_hand():
    conv = Convolution((1,), ((0, 0),), (1,), (1,), (False,))
    run = runner(conv, Sizes((1,), 1, 1, (2,), (2,)), transposed=False)
    x, w = torch.tensor([[[100, 100]]], dtype=torch.int8), torch.tensor([[[2, 1]]]).to(torch.int8)
    assert by_limbs(run, x, w).tolist() == [[[300 - 256]]]
    assert exact(run)(x, w, torch.tensor([100], dtype=torch.int8)).tolist() == [[[400 - 512]]]
    big = torch.tensor([[[2**62, 2**62]]])
    assert by_limbs(run, big, torch.tensor([[[3, -2]]])).tolist() == [[[2**62]]]
    assert by_limbs(run, big, torch.tensor([[[1, 1]]])).tolist() == [[[-(2**63)]]]


@pytest.mark.parametrize("rank", [2, 3])
def test_one_window_of_one_channel_laid_last(rank):
    """Where torch 2.13 itself reads past the rows of x on an AVX-512 CPU."""
    rng = np.random.default_rng(rank)
    for _ in range(60):
        kernel = tuple(rng.integers(1, 6, rank))
        size = tuple(k + n for k, n in zip(kernel, rng.integers(1, 4, rank)))
        conv = Convolution(
            stride=(*(1,) * (rank - 1), int(rng.integers(4, 6))),
            pad=tuple((int(n), 0) for n in rng.integers(0, 2, rank)),
            lhs_dilation=(1,) * rank,
            rhs_dilation=(1,) * rank,
            reverse=(False,) * rank,
            groups=1,
        )
        batch, o = int(rng.integers(1, 4)), int(rng.integers(1, 9))
        x = asymmetric((batch, *size, 1), rng)
        w = asymmetric((o, *kernel, 1), rng)
        x, w = (np.moveaxis(a, -1, 1) for a in (x, w))  # the strides of channels last
        sizes = Sizes((batch,), 1, o, size, kernel)
        y = execute(conv, sizes, x, w, transposed=False)
        np.testing.assert_array_equal(y, oracle(conv, x, w))


@pytest.mark.parametrize("after", [2, 5])
@pytest.mark.parametrize("groups", [1, 3])
def test_windows_that_all_miss_x(groups, after):
    """torch 2.13 dies at torch's own padding there, where x lies channels last."""
    conv = Convolution((1, 3), ((6, 6), (2, after)), (1, 1), (2, 2), (False, False), groups)
    sizes = Sizes((2,), 3, 6, (4, 1), (2, 1))
    x, w = inputs(sizes, groups, 0)
    x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    bias = np.arange(1, 7, dtype="float32")
    same(
        execute(conv, sizes, x, w, bias, transposed=False), bias[:, None, None] + oracle(conv, x, w)
    )

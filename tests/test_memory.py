"""Sizes that no memory holds are refused before torch tries."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

import uniconv
from uniconv._calls import memory
from uniconv.errors import BadOption, BadShape

X, W = np.ones((1, 1, 7, 6), "float32"), np.ones((1, 1, 3, 3), "float32")
LARGE = 10**9


@pytest.mark.parametrize(
    ("public", "options", "shape"),
    [
        (uniconv.conv, {"padding": LARGE}, (1, 1, 2000000005, 2000000004)),
        (uniconv.conv_transpose, {"stride": LARGE}, (1, 1, 6000000003, 5000000003)),
        (uniconv.conv_transpose, {"dilation": LARGE}, (1, 1, 2000000007, 2000000006)),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_a_result_larger_than_memory_is_refused_with_both_numbers(public, options, shape, kind):
    size = 4 * int(np.prod(np.array(shape, object)))
    must = f"y is {shape}, {size} bytes, and there are {memory.memory()} bytes of memory"
    with pytest.raises(BadShape, match=re.escape(must)):
        public(kind(X), kind(W), **options)


def test_a_border_larger_than_memory_is_refused():
    """The padding is uneven: torch needs a border, though y is small."""
    pads = {"padding": [(LARGE, LARGE + 1), (LARGE, LARGE)], "window_strides": (LARGE, LARGE)}
    with pytest.raises(BadShape, match=r"x with its border is \(1, 1, 2000000008, 2000000006\)"):
        uniconv.conv(X, W, dialect="jax.lax.conv_general_dilated", **pads)


def test_a_meta_tensor_holds_nothing_and_may_be_large():
    y = uniconv.conv(
        torch.ones(1, 1, 7, 6, device="meta"), torch.ones(1, 1, 3, 3, device="meta"), padding=10**6
    )
    assert y.shape == (1, 1, 2000005, 2000004)


@pytest.mark.parametrize("option", ["stride", "padding", "dilation", "groups"])
def test_a_number_beyond_32_bits_is_too_large(option):
    must = f"{option}=2147483648 is too large: such numbers are at most 2147483647"
    with pytest.raises(BadOption, match=must):
        uniconv.conv(X, W, **{option: 2**31})


@pytest.mark.parametrize(
    "name", ["scipy.signal.convolve", "scipy.signal.correlate", "jax.scipy.signal.convolve"]
)
def test_an_unknown_method_is_refused(name):
    with pytest.raises(BadOption, match='method="slow" is not one of "auto", "direct", "fft"'):
        uniconv.conv(X[0, 0], W[0, 0], dialect=name, method="slow")

"""Calls in every form that a running framework reads: its own words, evaluated there and here."""

from __future__ import annotations

import importlib
import re
import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import uniconv
from uniconv import Call, native
from uniconv.conformance.oracles.chainer import chainer
from uniconv.conformance.oracles.theano import evaluated, theano

SHAPES = {"x": (2, 4, 9, 8), "w": (6, 4, 3, 2), "t": (4, 6, 3, 2), "b": (6,), "g": (6, 2, 3, 2)}
SHAPES |= {"x1": (2, 4, 9), "w1": (6, 4, 3), "t1": (4, 6, 3)}
MXNET = [
    "Convolution(x, w, b, (3, 2), (2, 1), (1, 1), (1, 0), 6)",
    "Convolution(x, g, None, (3, 2), (2, 1), (1, 1), (1, 0), 6, 2, 512, True)",
    "Convolution(x, w, b, kernel=(3, 2), stride=(), dilate=(), pad=(), num_filter=6)",
    'Convolution(x, w, b, "(3L, 2L)", "(2,1)", pad="[1, 0]", num_filter="6", no_bias="False")',
    'Convolution(x, w, kernel="(3, 2)", cudnn_tune="None", layout="NCHW", num_filter=6, no_bias=1)',
    "Convolution(x1, w1, b, kernel=3, stride=2, pad=1, dilate=2, num_filter=6)",
    'Convolution(x1, w1, kernel="3", stride="2", num_filter="6", no_bias="True")',
    "Deconvolution(x, t, b, (3, 2), (2, 1), (1, 1), (1, 0), (1, 0), (), 6, 1, 512, False)",
    'Deconvolution(x, t, kernel=(3, 2), stride=(2, 2), target_shape="(0,0)", num_filter=6)',
    "Deconvolution(x, t, None, (3, 2), (2, 1), (1, 1), (1, 0), (1, 0), (0, 0), 6)",
    "Deconvolution(x1, t1, None, 3, 2, 1, 1, 1, num_filter=6)",
]


def same(mine: Any, y: np.ndarray) -> None:
    assert isinstance(mine, np.ndarray)
    assert mine.dtype == y.dtype
    assert mine.shape == y.shape
    np.testing.assert_array_equal(mine, y)


def arrays(dtype: str = "float32") -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.integers(-4, 5, shape).astype(dtype) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("text", MXNET)
def test_forms_of_calls_in_mxnet(text: str) -> None:
    if not find_spec("mxnet"):
        pytest.skip("MXNet is not installed")
    with warnings.catch_warnings():  # of its own old imports
        warnings.simplefilter("ignore")
        nd = importlib.import_module("mxnet").nd
        theirs = {name: nd.array(a) for name, a in arrays().items()}
        y = eval(f"nd.{text}", {"nd": nd} | theirs).asnumpy()
    mine = {f: native(f"mxnet.nd.{f}") for f in ("Convolution", "Deconvolution")}
    same(eval(text, mine | arrays()), y)
    named = {n: a for n, a in arrays().items() if re.search(rf"\b{n}\b", text)}
    same(Call.parse(f"mx.nd.{text}", **named).run(), y)


@pytest.mark.parametrize("shape", [(2, 6, 19, 16), (None, 6, 19, 16), (None, None, 19, 16)])
def test_forms_of_shapes_in_theano(shape: Any) -> None:
    if not find_spec("theano"):
        pytest.skip("Theano is not installed")
    x, w = (arrays()[name] for name in "xt")
    function = theano().tensor.nnet.conv2d_transpose
    y = evaluated(lambda x, w: function(x, w, shape, input_dilation=(2, 2)), [x, w])
    options = {"output_shape": shape, "input_dilation": (2, 2)}
    same(uniconv.conv_transpose(x, w, dialect="theano", **options), y)


@pytest.mark.parametrize("rank", [4, 5, 15])
def test_more_axes_in_chainer(rank: int) -> None:
    if not find_spec("chainer"):
        pytest.skip("Chainer is not installed")
    rng = np.random.default_rng(rank)
    sizes = ([4, 3, 2, 3, 4] + [1] * 10)[:rank]
    taps = ([2, 1, 2, 3, 1] + [1] * 10)[:rank]
    stride = ([2, 1, 1, 1, 2] + [1] * 10)[:rank]
    x, w = (rng.integers(-4, 5, s).astype("f") for s in ((2, 4, *sizes), (6, 2, *taps)))
    for name, kernel in (("convolution_nd", w), ("deconvolution_nd", w[:4])):
        words = {"stride": stride, "groups": 2}
        y = getattr(chainer().functions, name)(x, kernel, **words).array
        same(native(f"chainer.functions.{name}")(x, kernel, **words), y)

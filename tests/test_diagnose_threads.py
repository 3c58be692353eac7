"""Questions that people really asked, rebuilt; diagnose must find what their threads found.

Numbers are the threads' own where a thread prints them; else the case is rebuilt from its
description, with NumPy or another function doing what was done there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import uniconv

RNG = np.random.default_rng(7)


def normal(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


@dataclass
class Thread:
    """A question: its link, the call that was meant, what was seen, what it turned out to be."""

    link: str
    dialect: str
    x: Any
    w: Any
    y: Any
    fields: tuple[str, ...]
    says: str
    options: dict[str, Any] = field(default_factory=dict)
    precision: str | None = None


def run(function: str, x: Any, w: Any, bias: Any = None, **options: Any) -> Any:
    kind = "conv_transpose" if "ranspose" in function else "conv"
    return getattr(uniconv, kind)(x, w, bias, dialect=function, **options)


def tensorflow_11864() -> Thread:
    """MATLAB's conv2 and tf.nn.conv2d on 1..16 and 1..9, three equal channels."""
    y = [[87, 186, 249, 225], [297, 576, 711, 594], [621, 1116, 1251, 990], [789, 1338, 1455, 1095]]
    x = np.repeat(np.arange(1.0, 17).reshape(1, 4, 4, 1), 3, 3)
    w = np.repeat(np.arange(1.0, 10).reshape(3, 3, 1, 1), 3, 2)
    return Thread(
        "https://github.com/tensorflow/tensorflow/issues/11864",
        *("tf.nn.conv2d", x, w, np.array(y, float).reshape(1, 4, 4, 1)),
        ("reverse",),
        "the kernel is flipped on height and width: a true convolution, not a cross-correlation",
        {"strides": [1, 1, 1, 1], "padding": "SAME"},
    )


def pytorch_117534() -> Thread:
    """F.conv2d seen where scipy.signal.convolve was expected."""
    return Thread(
        "https://github.com/pytorch/pytorch/issues/117534",
        "scipy.signal.convolve2d",
        np.arange(10.0).reshape(5, 2),
        np.array([[1.0], [2.0]]),
        np.array([[4.0, 7], [10, 13], [16, 19], [22, 25]]),
        ("reverse",),
        "the kernel is flipped on height: a cross-correlation, not a true convolution",
        {"mode": "valid"},
    )


def scipy_14369() -> Thread:
    """convolve2d "not working": somebody wants a correlation."""
    return Thread(
        "https://github.com/scipy/scipy/issues/14369",
        "scipy.signal.correlate2d",
        np.array([[1.0, 2, 3], [4, 5, 6], [6, 7, 8]]),
        np.array([[1.0, 1], [2, 2]]),
        np.array([[15.0, 21], [31, 37]]),
        ("reverse",),
        "the kernel is flipped on height",
        {"mode": "valid"},
    )


def nnlib_755() -> Thread:
    """NNlib's conv of 1:6 and 1:3 without and with flipped, against its docstring."""
    return Thread(
        "https://github.com/FluxML/NNlib.jl/issues/755",
        *("knet.conv4", np.arange(1.0, 7).reshape(6, 1, 1), np.arange(1.0, 4).reshape(3, 1, 1)),
        np.array([14.0, 20, 26, 32]).reshape(4, 1, 1),
        ("reverse",),
        "the kernel is flipped on length: a cross-correlation, not a true convolution",
    )


def scipy_9941() -> Thread:
    """conv(u, v, 'same') of MATLAB and of SciPy, whose even kernels lie on other sides."""
    u, v = np.array([-1.0, 2, 3, -2, 0, 1, 2]), np.array([2.0, 4, -1, 1])
    return Thread(
        "https://github.com/scipy/scipy/issues/9941",
        *("scipy.signal.convolve", u, v, np.array([15.0, 5, -9, 7, 6, 7, -1])),
        ("padding",),
        "the padding is ((1, 2),), not ((2, 1),): padding before and after exchanged",
        {"mode": "same"},
    )


def jax_2675() -> Thread:
    """scipy.signal.correlate and correlate2d of the same numbers, one pixel apart."""
    x = np.arange(1.0, 5)
    return Thread(
        "https://github.com/jax-ml/jax/pull/2675",
        *("scipy.signal.correlate", x, x, np.array([20.0, 30, 20, 11])),
        ("padding",),
        "padding before and after exchanged",
        {"mode": "same"},
    )


def pytorch_3867() -> Thread:
    """SAME of TensorFlow, an even image, stride 2, against padding=1."""
    x, w = normal(2, 3, 8, 8), normal(4, 3, 3, 3)
    y = run(
        "tf.nn.conv2d", x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0), strides=2, padding="SAME"
    )
    return Thread(
        "https://github.com/pytorch/pytorch/issues/3867",
        *("torch.nn.functional.conv2d", x, w, y.transpose(0, 3, 1, 2)),
        ("padding",),
        "the padding is ((0, 1), (0, 1)), not ((1, 1), (1, 1)): SAME (the odd pixel after)",
        {"stride": 2, "padding": 1},
    )


def keras_22876() -> Thread:
    """Keras' Conv2DTranspose on torch: SAME, odd kernel, stride 2, one pixel off."""
    x, w = normal(2, 6, 6, 3), normal(3, 3, 4, 3)
    good = run("keras.layers.Conv2DTranspose", x, w, strides=2, padding="same")
    whole = run(
        "torch.nn.functional.conv_transpose2d",
        x.transpose(0, 3, 1, 2),
        w.transpose(3, 2, 0, 1),
        stride=2,
    )
    y = whole.transpose(0, 2, 3, 1)[:, 1:, 1:]
    assert y.shape == good.shape
    return Thread(
        "https://github.com/keras-team/keras/pull/22876",
        *("keras.layers.Conv2DTranspose", x, w, y),
        ("crop",),
        "the crop is ((1, 0), (1, 0)), not ((0, 1), (0, 1))",
        {"strides": 2, "padding": "same"},
    )


def keras_core_774() -> Thread:
    """output_padding=0 moves the crop, it does not only shorten the result."""
    x, w = np.array([1.0, 2, 3]).reshape(1, 3, 1), np.array([1.0, 10, 100]).reshape(3, 1, 1)
    return Thread(
        "https://github.com/keras-team/keras-core/issues/774",
        "keras.layers.Conv1DTranspose",
        *(x, w, np.array([10.0, 102, 20, 203, 30]).reshape(1, 5, 1)),
        ("crop",),
        "the crop is ((1, 1),), not ((0, 1),)",
        {"strides": 2, "padding": "same"},
    )


def voxelmorph_425() -> Thread:
    """w.T from (H, W, I, O) gives (O, I, W, H): the kernel is silently transposed."""
    x, w = normal(1, 3, 9, 9), normal(3, 3, 3, 5)
    right = run("tf.nn.conv2d", x.transpose(0, 2, 3, 1), w, strides=1, padding="SAME")
    return Thread(
        "https://github.com/voxelmorph/voxelmorph/issues/425",
        *("torch.nn.functional.conv2d", x, np.ascontiguousarray(w.T), right.transpose(0, 3, 1, 2)),
        ("axes of w",),
        "height and width are exchanged in the kernel",
        {"padding": 1},
    )


def stackoverflow_54727533() -> Thread:
    """w.reshape(96, 3, 11, 11) of a kernel (11, 11, 3, 96); smaller here."""
    x, w = normal(1, 3, 9, 8), normal(4, 4, 3, 6)
    right = run("tf.nn.conv2d", x.transpose(0, 2, 3, 1), w, strides=1, padding="VALID")
    return Thread(
        "https://stackoverflow.com/questions/54727533",
        *("torch.nn.functional.conv2d", x, w.reshape(6, 3, 4, 4), right.transpose(0, 3, 1, 2)),
        ("axes of w",),
        "the kernel was reshaped to (s0 s1 i o) instead of transposed",
    )


def pytorch2keras_42() -> Thread:
    """Depthwise, multiplier 2: channel k * M + q against q * C + k."""
    x, w = normal(1, 7, 7, 3), normal(3, 3, 3, 2)
    order = np.arange(6).reshape(2, 3).T.ravel()
    y = uniconv.depthwise_conv(
        x, w, dialect="tf.nn.depthwise_conv2d", strides=[1, 1, 1, 1], padding="VALID"
    )
    return Thread(
        "https://github.com/gmalivenko/pytorch2keras/issues/42",
        *("tf.nn.depthwise_conv2d", x, w, y[..., order]),
        ("order of channels in y",),
        "the output channels are ordered multiplier before channel",
        {"strides": [1, 1, 1, 1], "padding": "VALID"},
    )


def paddle_dilation() -> Thread:
    """Paddle's SAME sets the dilation to 1: measured numbers of pains.md, section 11."""
    x, w = np.array([1.0, 2, 3, 4]).reshape(1, 4, 1), np.array([1.0, 10, 100]).reshape(3, 1, 1)
    return Thread(
        "https://github.com/PaddlePaddle/Paddle2ONNX/issues/1356",
        *("tf.nn.conv1d", x, w, np.array([210.0, 321, 432, 43]).reshape(1, 4, 1)),
        ("dilation",),
        "the dilation is ignored",
        {"stride": 1, "padding": "SAME", "dilations": 2},
    )


def tinygrad_17805() -> Thread:
    """Dilations given per axis and used for the other axis."""
    x, w = normal(1, 2, 11, 11), normal(3, 2, 3, 3)
    return Thread(
        "https://github.com/tinygrad/tinygrad/pull/17805",
        "torch.nn.functional.conv2d",
        *(x, w, run("torch.nn.functional.conv2d", x, w, dilation=(2, 1), padding=(1, 2))),
        ("dilation",),
        "the dilation is on the wrong axis",
        {"dilation": (1, 2), "padding": (1, 2)},
    )


def opencv_border() -> Thread:
    """filter2D reflects at the border, MATLAB's filter2 pads zeros: only the rim differs."""
    x, w = normal(7, 9), normal(3, 3)
    return Thread(
        "https://stackoverflow.com/questions/26857829/does-filter2d-in-opencv-really-do-its-job",
        "scipy.signal.correlate2d",
        *(x, w, run("cv2.filter2D", x, w, ddepth=-1)),
        ("boundary",),
        "another rule at the border: reflect, not zeros; only the rim differs",
        {"mode": "same"},
    )


def metalhead_235() -> Thread:
    """Images fed to Julia with height and width exchanged."""
    x, w = normal(9, 9, 3, 2), normal(3, 3, 3, 4)
    y = run("knet.conv4", x.swapaxes(0, 1).copy(), w, padding=1)
    return Thread(
        "https://github.com/FluxML/model-zoo/issues/235",
        *("knet.conv4", x, w, y),
        ("axes of x",),
        "height and width are exchanged in x",
        {"padding": 1},
    )


def jax_14337() -> Thread:
    """lax.conv_transpose neither flips the kernel nor swaps its channels."""
    x, w = normal(1, 5, 5, 3), normal(3, 3, 3, 3)
    y = run(
        "jax.lax.conv_transpose",
        x,
        w,
        strides=(1, 1),
        padding="VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    options = {"output_shape": [1, 7, 7, 3], "strides": 1, "padding": "VALID"}
    return Thread(
        "https://github.com/jax-ml/jax/issues/14337",
        *("tf.nn.conv2d_transpose", x, w, y),
        ("axes of w", "reverse"),
        "input and output channels are exchanged in the kernel",
        options,
    )


def pytorch_1333() -> Thread:
    """A causal convolution wanted, both sides padded."""
    x, w = normal(1, 2, 12), normal(3, 2, 3)
    y = run("keras.layers.Conv1D", x.transpose(0, 2, 1), w.transpose(2, 1, 0), padding="causal")
    return Thread(
        "https://github.com/pytorch/pytorch/issues/1333",
        *("torch.nn.functional.conv1d", x, w, y.transpose(0, 2, 1)),
        ("padding",),
        "the padding is ((2, 0),), not ((1, 1),): causal (kernel - 1 before)",
        {"padding": 1},
    )


def onnxruntime_5368() -> Thread:
    """auto_pad of ConvTranspose with the two words exchanged."""
    x, w = normal(1, 2, 5, 5), normal(2, 3, 3, 3)
    good = {"strides": [2, 2], "auto_pad": "SAME_UPPER"}
    y = run("onnx.ConvTranspose", x, w, strides=[2, 2], auto_pad="SAME_LOWER")
    return Thread(
        "https://github.com/microsoft/onnxruntime/pull/5368",
        *("onnx.ConvTranspose", x, w, y),
        ("crop",),
        "the crop is ((1, 0), (1, 0)), not ((0, 1), (0, 1))",
        good,
    )


def precision_problem() -> Thread:
    """5x5x256 products in float32, inputs in [0, 1]: 8.6e-3 apart, and nothing is wrong."""
    x, w = RNG.random((1, 256, 8, 8), np.float32), RNG.random((2, 256, 5, 5), np.float32)
    return Thread(
        "https://github.com/unemployed-denizen/PrecisionProblem",
        *("torch.nn.functional.conv2d", x, w, run("torch.nn.functional.conv2d", x, w)),
        (),
        "what is left is rounding (float32",
        precision="float32",
    )


def tf32() -> Thread:
    """allow_tf32: 1e-3 off, and the model is blamed."""
    x, w = normal(1, 16, 9, 9), normal(8, 16, 3, 3)

    def short(a: Any) -> Any:
        bits = a.view(np.uint32)
        return ((bits + 0x0FFF + (bits >> 13 & 1)) & np.uint32(0xFFFFE000)).view(np.float32)

    y = run("torch.nn.functional.conv2d", short(x), short(w))
    return Thread(
        "https://github.com/pytorch/pytorch/issues/129649",
        *("torch.nn.functional.conv2d", x, w, y),
        (),
        "what is left is rounding (TF32",
        precision="TF32 or float16",
    )


def bgr() -> Thread:
    """An image read as BGR."""
    x, w = normal(1, 8, 8, 3), normal(3, 3, 3, 4)
    y = run("tf.nn.conv2d", x[..., ::-1].copy(), w, strides=2, padding="SAME")
    return Thread(
        "pains.md, claim 18: which framework is RGB",
        *("tf.nn.conv2d", x, w, y),
        ("order of channels in x",),
        "the channels of x are reversed (RGB and BGR)",
        {"strides": 2, "padding": "SAME"},
    )


def regrouped() -> Thread:
    """TVM read groups as input channels; here the groups take channels in turn."""
    x, w = normal(1, 6, 7, 7), normal(4, 3, 3, 3)
    y = run("torch.nn.functional.conv2d", x[:, [0, 2, 4, 1, 3, 5]].copy(), w, groups=2)
    return Thread(
        "https://github.com/apache/tvm/issues/10223",
        *("torch.nn.functional.conv2d", x, w, y),
        ("groups",),
        "the groups are split differently",
        {"groups": 2},
    )


THREADS = (
    *(tensorflow_11864, pytorch_117534, scipy_14369, nnlib_755, scipy_9941, jax_2675),
    *(pytorch_3867, keras_22876, keras_core_774, voxelmorph_425, stackoverflow_54727533),
    *(pytorch2keras_42, paddle_dilation, tinygrad_17805, opencv_border, metalhead_235),
    *(jax_14337, pytorch_1333, onnxruntime_5368, precision_problem, tf32, bgr, regrouped),
)


@pytest.mark.parametrize("make", THREADS, ids=lambda f: f.__name__)
def test_a_thread_is_solved(make):
    thread = make()
    call = uniconv.Call(thread.x, thread.w, dialect=thread.dialect, **thread.options)
    found = uniconv.diagnose(call, thread.y)
    assert found.explained, found
    assert tuple(c.field for c in found.causes) == thread.fields, str(found)
    assert thread.says in " ".join([found.verdict, *(c.text for c in found.causes)]), str(found)
    assert found.remainder.is_rounding
    if thread.precision:
        assert found.remainder.precision == thread.precision
    assert found.call


def test_numbers_that_nothing_gives_get_no_cause():
    """scipy #14369 expects [[21, 27], [39, 45]] by mistake: nothing gives that."""
    x = np.array([[1.0, 2, 3], [4, 5, 6], [6, 7, 8]])
    w, y = np.array([[1.0, 1], [2, 2]]), np.array([[21.0, 27], [39, 45]])
    call = uniconv.Call(x, w, dialect="scipy.signal.convolve2d", mode="valid")
    found = uniconv.diagnose(call, y)
    assert not found.explained
    assert found.verdict.startswith("Nothing that uniconv knows explains y")

"""A call's text: its function, its options and its arrays; and that nothing in it is run."""

from __future__ import annotations

import random
import sys
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from uniconv import Call, diagnose, explain, probe
from uniconv import _cli as cli
from uniconv.errors import BadArray, BadCall, BadOption, UniconvError, UnknownName
from uniconv.spec.registry import framework_of, functions
from uniconv.spec.spelling import WrittenCall
from uniconv.testing import random_case

NHWC, HWIO = (1, 9, 8, 2), (3, 3, 2, 4)
NCHW, OIHW = (1, 2, 9, 8), (4, 2, 3, 3)
WHCN = (9, 8, 2, 1)

# Text, function, options; the arrays are those of the row's layout.
TF: list[tuple[str, str, dict[str, Any]]] = [
    (
        'tf.nn.conv2d(x, w, strides=2, padding="SAME")',
        "tf.nn.conv2d",
        {"strides": 2, "padding": "SAME"},
    ),
    (
        'tf.nn.conv2d(x, w, [1, 2, 2, 1], "VALID")',
        "tf.nn.conv2d",
        {"strides": [1, 2, 2, 1], "padding": "VALID"},
    ),
    (
        'tensorflow.nn.conv2d(input=x, filters=w, strides=1, padding="SAME", dilations=2)',
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME", "dilations": 2},
    ),
    (
        "import tensorflow.compat.v1 as tf1\ntf1.nn.conv2d(x, w, [1, 1, 1, 1], 'SAME')",
        "tf.compat.v1.nn.conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME"},
    ),
    (
        "tf.nn.conv2d(x, filter=w, strides=[1, 1, 1, 1], padding='SAME')",
        "tf.compat.v1.nn.conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME"},
    ),
    (
        "with tf.Session() as sess:\n    y = sess.run(tf.nn.conv2d(x, w, 1, 'SAME'))",
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME"},
    ),
    (
        ">>> from tensorflow import nn as n\n>>> y = n.conv2d(x, w, strides=2, padding='VALID')",
        "tf.nn.conv2d",
        {"strides": 2, "padding": "VALID"},
    ),
    (
        "from tensorflow.nn import conv2d\ny = conv2d(x, w, 2, [[0, 0], [1, 1], [1, 1], [0, 0]])",
        "tf.nn.conv2d",
        {"strides": 2, "padding": [[0, 0], [1, 1], [1, 1], [0, 0]]},
    ),
    (
        "y = tf.nn.relu(tf.nn.convolution(tf.constant(x, tf.float32), w, padding='SAME'))",
        "tf.nn.convolution",
        {"padding": "SAME"},
    ),
    (
        "s = 2\ny = tf.nn.conv2d(x, w, strides=[1, s, s, 1], padding='SAME')",
        "tf.nn.conv2d",
        {"strides": [1, 2, 2, 1], "padding": "SAME"},
    ),
    ("layers.Conv2D(4, 3, padding='same')(x)", "keras.layers.Conv2D", {"padding": "same"}),
    (
        "keras.layers.Conv2D(filters=4, kernel_size=(3, 3), strides=2, use_bias=False)(x)",
        "keras.layers.Conv2D",
        {"strides": 2},
    ),
    (
        "from tensorflow.keras.layers import Conv2D\nConv2D(4, 3, 1, 'same', activation='relu')(x)",
        "keras.layers.Conv2D",
        {"strides": 1, "padding": "same", "activation": "relu"},
    ),
    (
        "tf.keras.layers.Conv2D(4, 3, activation=tf.nn.relu, input_shape=(9, 8, 2))(x)",
        "keras.layers.Conv2D",
        {"activation": "relu"},
    ),
    (
        "conv = layers.Conv2D(4, 3, strides=(2, 1))\ny = conv(x)",
        "keras.layers.Conv2D",
        {"strides": (2, 1)},
    ),
    ("Conv2D(4, 3, kernel_initializer=init(1.0))(x)", "keras.layers.Conv2D", {}),
    ("keras.ops.conv(x, w, 2, 'same')", "keras.ops.conv", {"strides": 2, "padding": "same"}),
    ("K.conv2d(x, w, padding='same')", "keras.ops.conv", {"padding": "same"}),
    (
        "import flax.linen as nn\nnn.Conv(4, (3, 3), padding='VALID')(x)",
        "flax.linen.Conv",
        {"padding": "VALID"},
    ),
    (
        "jax.lax.conv_general_dilated(x, w, (1, 1), 'SAME', "
        "dimension_numbers=('NHWC', 'HWIO', 'NHWC'))",
        "jax.lax.conv_general_dilated",
        {
            "window_strides": (1, 1),
            "padding": "SAME",
            "dimension_numbers": ("NHWC", "HWIO", "NHWC"),
        },
    ),
]
TORCH: list[tuple[str, str, dict[str, Any]]] = [
    ("F.conv2d(x, w, stride=2)", "torch.nn.functional.conv2d", {"stride": 2}),
    (
        "torch.nn.functional.conv2d(x, w, None, 2, (1, 0))",
        "torch.nn.functional.conv2d",
        {"stride": 2, "padding": (1, 0)},
    ),
    ("F.conv2d(x.cuda(), torch.tensor(w).float().to('cpu'))", "torch.nn.functional.conv2d", {}),
    ("torch.conv2d(x, w, padding=1)", "torch.nn.functional.conv2d", {"padding": 1}),
    (
        "import torch.nn.functional as tf\ntf.conv2d(x, w, dilation=2)",
        "torch.nn.functional.conv2d",
        {"dilation": 2},
    ),
    ("nn.Conv2d(2, 4, 3, padding=1)(x)", "torch.nn.Conv2d", {"padding": 1}),
    (
        "torch.nn.Conv2d(2, 4, (3, 3), 2, 1, padding_mode='circular', bias=False)(x)",
        "torch.nn.Conv2d",
        {"stride": 2, "padding": 1, "padding_mode": "circular"},
    ),
    (
        "self.conv = nn.Conv2d(2, 4, 3, stride=2)\nreturn_ = self.conv(x)",
        "torch.nn.Conv2d",
        {"stride": 2},
    ),
    (
        "lax.conv_general_dilated(x, w, [2, 2], [(1, 1), (0, 2)])",
        "jax.lax.conv_general_dilated",
        {"window_strides": [2, 2], "padding": [(1, 1), (0, 2)]},
    ),
    (
        "mx.nd.Convolution(x, w, kernel=(3, 3), num_filter=4, no_bias=True, pad=(1, 1))",
        "mxnet.nd.Convolution",
        {"kernel": (3, 3), "num_filter": 4, "no_bias": True, "pad": (1, 1)},
    ),
    (
        "paddle.nn.functional.conv2d(x, w, padding='SAME')",
        "paddle.nn.functional.conv2d",
        {"padding": "SAME"},
    ),
    (
        "import paddle.nn.functional as F\nF.conv2d(x, w, stride=2)",
        "paddle.nn.functional.conv2d",
        {"stride": 2},
    ),
    (
        "import paddle\ny = F.conv2d(x, w, padding=[1, 2])",
        "paddle.nn.functional.conv2d",
        {"padding": [1, 2]},
    ),
    ("C.convolution(w, x, auto_padding=[False])", "cntk.convolution", {"auto_padding": [False]}),
    ("Tensor.conv2d(x, w, padding=(1, 1))", "tinygrad.Tensor.conv2d", {"padding": (1, 1)}),
    (
        "npx.convolution(x, w, no_bias=True, kernel=(3, 3), num_filter=4)",
        "mxnet.nd.Convolution",
        {"no_bias": True, "kernel": (3, 3), "num_filter": 4},
    ),
    ("F.convolution_2d(x, w, pad=1)", "chainer.functions.convolution_2d", {"pad": 1}),
    (
        "import theano.tensor as T\nT.nnet.conv2d(x, w, border_mode='half')",
        "theano.tensor.nnet.conv2d",
        {"border_mode": "half"},
    ),
    (
        'Conv(x, w) {strides = [2, 2], auto_pad = "SAME_UPPER"}',
        "onnx.Conv",
        {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
    ),
    (
        "y = Conv <strides = [2, 2], pads: ints = [1, 0, 0, 1]> (x, w)",
        "onnx.Conv",
        {"strides": [2, 2], "pads": [1, 0, 0, 1]},
    ),
    (
        "%y = Conv[dilations = [1, 1], kernel_shape = [3, 3], strides = [1, 2]](%x, %w)",
        "onnx.Conv",
        {"dilations": [1, 1], "kernel_shape": [3, 3], "strides": [1, 2]},
    ),
    (
        'onnx.helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])',
        "onnx.Conv",
        {"pads": [1, 1, 1, 1]},
    ),
    (
        'layer {\n  name: "c"\n  type: "Convolution"\n  bottom: "x"\n  convolution_param {\n'
        "    num_output: 4 kernel_size: 3 pad: 1 stride_h: 2 stride_w: 1\n"
        '    bias_term: false weight_filler { type: "xavier" }\n  }\n}',
        "caffe.Convolution",
        {
            "num_output": 4,
            "kernel_size": 3,
            "pad": 1,
            "stride_h": 2,
            "stride_w": 1,
            "bias_term": False,
            "weight_filler": "...",
        },
    ),
    (
        "convolution_param { num_output: 4 kernel_size: 3 kernel_size: 3 dilation: 2 }",
        "caffe.Convolution",
        {"num_output": 4, "kernel_size": [3, 3], "dilation": 2},
    ),
    (
        "[net]\nheight=9\n\n[convolutional]\nfilters=4\nsize=3\nstride = 2 \npad=1\n"
        "# said before\nactivation=leaky\n\n[maxpool]\nsize=2",
        "darknet.convolutional",
        {"filters": 4, "size": 3, "stride": 2, "pad": 1, "activation": "leaky"},
    ),
]
JULIA: list[tuple[str, str, dict[str, Any]]] = [
    ("conv4(w, x; padding=1, mode=1)", "knet.conv4", {"padding": 1, "mode": 1}),
    ("julia> y = Knet.conv4(w,x;stride=(2,1))", "knet.conv4", {"stride": (2, 1)}),
    ("padding = 2\nconv4(w, x; padding)", "knet.conv4", {"padding": 2}),
    ("y = relu.(conv4(w, x, padding=1) .+ b)", "knet.conv4", {"padding": 1}),
    (
        "Conv((3, 3), 2=>4, relu; stride=2, pad=SamePad())(x)",
        "flux.Conv",
        {"σ": "relu", "stride": 2, "pad": "SamePad()"},
    ),
    ("x |> Conv((3, 3), 2 => 4, pad=(1, 0))", "flux.Conv", {"pad": (1, 0)}),
    ("using Flux\nlayer = Conv(w, false; stride=2)\ny = layer(x)", "flux.Conv", {"stride": 2}),
    ("Lux.Conv((3, 3), 2=>4; pad=1)(x, ps, st)", "lux.Conv", {"pad": 1}),
    ("Flux.CrossCor((3, 3), 2=>4)(x)", "flux.CrossCor", {}),
    (
        "NNlib.conv(x, w; stride=2, flipped=true)",
        "nnlib.conv",
        {"stride": 2, "flipped": True},
    ),
    ("conv(x, w, pad=1)", "nnlib.conv", {"pad": 1}),
    ("using Flux\nconv(x, w; dilation=2)", "nnlib.conv", {"dilation": 2}),
    (
        "Y = dlconv(x, w, [], 'Stride', 2, 'Padding', 'same', DataFormat='SSCB');",
        "matlab.dlconv",
        {"Stride": 2, "Padding": "same", "DataFormat": "SSCB"},
    ),
    (
        "dlconv(x, w, 'stride', [2 1], 'PaddingValue', -1)  % in R2024b",
        "matlab.dlconv",
        {"Stride": [2, 1], "PaddingValue": -1},
    ),
]
PLANE: list[tuple[str, str, dict[str, Any]]] = [
    ("C = conv2(x, w, 'same');", "matlab.conv2", {"shape": "same"}),
    ("conv2(x, w)", "matlab.conv2", {}),
    ("filter2(w, x, 'full')", "matlab.filter2", {"shape": "full"}),
    ("B = imfilter(x, w, 'conv');", "matlab.imfilter", {"method": "conv"}),
    (
        "imfilter(x, w, 'conv', 'replicate', 'same')",
        "matlab.imfilter",
        {"method": "conv", "boundary": "replicate", "output": "same"},
    ),
    (
        "from scipy import signal\nsignal.correlate2d(x, w, 'same', boundary='symm')",
        "scipy.signal.correlate2d",
        {"mode": "same", "boundary": "symm"},
    ),
    (
        "from scipy import ndimage as nd\nnd.convolve(x, w, mode='wrap')",
        "scipy.ndimage.convolve",
        {"mode": "wrap"},
    ),
    ("ndimage.correlate(x, w, origin=(1, -1))", "scipy.ndimage.correlate", {"origin": (1, -1)}),
    ("scipy.signal.fftconvolve(x, w)", "scipy.signal.fftconvolve", {}),
    (
        "cv2.filter2D(x, -1, w, borderType=cv2.BORDER_CONSTANT)",
        "cv2.filter2D",
        {"ddepth": -1, "borderType": 0},
    ),
]
LINE: list[tuple[str, str, dict[str, Any]]] = [
    ("np.convolve(x, w, 'same')", "numpy.convolve", {"mode": "same"}),
    ("In [3]: jnp.convolve(x, w, mode='valid')", "jax.numpy.convolve", {"mode": "valid"}),
    ("numpy.correlate(x, w)", "numpy.correlate", {}),
    ("mx.convolve(x, w, mode='same')", "mlx.core.convolve", {"mode": "same"}),
    ("conv(x, w, 'valid')", "matlab.conv", {"shape": "valid"}),
]
ROWS = (
    [(*row, NHWC, HWIO) for row in TF]
    + [(*row, NCHW, OIHW) for row in TORCH]
    + [(*row, WHCN, HWIO) for row in JULIA]
    + [(*row, (9, 8), (3, 3)) for row in PLANE]
    + [(*row, (9,), (3,)) for row in LINE]
)


@pytest.mark.parametrize(("text", "name", "options", "x", "w"), ROWS, ids=lambda v: str(v)[:40])
def test_a_text_is_read(text, name, options, x, w):
    call = Call.parse(text, x=x, w=w)
    assert call.dialect == name
    assert dict(call.options) == options
    assert {type(call.options[o]) for o in options} == {type(v) for v in options.values()}
    assert (call.x, call.w) == (x, w)
    assert call.shapes == Call(x, w, dialect=name, **options).shapes


def test_there_are_enough_texts():
    assert len(ROWS) >= 60


def test_arrays_by_their_own_names_win_over_roles():
    x, w = np.arange(40.0).reshape(1, 2, 4, 5), np.arange(12.0).reshape(3, 2, 2, 1)
    swapped = Call.parse("F.conv2d(w, x)", w=x, x=w)
    assert (id(swapped.x), id(swapped.w)) == (id(x), id(w))
    named = Call.parse("F.conv2d(img, model.conv.weight, b)", img=x, w=w, b=np.ones(3))
    assert (id(named.x), id(named.w)) == (id(x), id(w))
    np.testing.assert_array_equal(named.bias, np.ones(3))
    np.testing.assert_array_equal(named.run(), Call(x, w, np.ones(3), dialect="torch").run())


def test_the_two_calls_of_the_founding_question():
    rng = np.random.default_rng(7)
    x, w = rng.integers(-5, 6, (5, 5, 3, 1)), rng.integers(-5, 6, (3, 3, 3, 2))
    julia = """
        using Knet, MAT, ArgParse, CuArrays,Statistics
        v = param(testw;atype=KnetArray{Float64})
        x = param(partappledata;atype=KnetArray{Float64})
        y = conv4(v,x;padding=1)
        ydata=to_host(y)
        julia>ydata[:,:,1,1]
    """
    python = """
        import tensorflow as tf
        import numpy as np
        sess=tf.Session()
        w=wdata
        data=np.zeros([1,5,5,3])
        data[:,:,:,:]=immatdata[:,:,:]
        part_conv=tf.nn.conv2d(data,w,strides=[1,1,1,1],padding="SAME")
        part_conv_data=sess.run(part_conv)
    """
    knet = Call.parse(julia, testw=w.astype(float), partappledata=x.astype(float))
    image = np.moveaxis(x, 3, 0).astype(float)
    tf = Call.parse(python, wdata=w[::-1, ::-1].astype(float), data=image)
    assert (knet.dialect, tf.dialect) == ("knet.conv4", "tf.nn.conv2d")
    assert tf.options == {"strides": [1, 1, 1, 1], "padding": "SAME"}
    np.testing.assert_array_equal(np.moveaxis(knet.run(), 3, 0), tf.run())


def test_two_kernels():
    u, v, a = np.array([1.0, 10, 100]), np.array([1.0, 3]), np.arange(20.0).reshape(4, 5)
    call = Call.parse("conv2(u, v, A, 'same')", u=u, v=v, A=a)
    assert call.dialect == "matlab.conv2_uv"
    assert [id(call.x), id(call.w), id(call.pointwise)] == [id(a), id(u), id(v)]
    call = Call.parse(
        "tf.nn.separable_conv2d(x, d, p, [1, 1, 1, 1], 'SAME')",
        x=(1, 5, 6, 2), d=(3, 2, 2, 2), p=(1, 1, 4, 3),
    )  # fmt: skip
    assert call.pointwise == (1, 1, 4, 3)


def test_arrays_that_the_text_writes_out():
    call = Call.parse("x = np.array([1, 2, 3])\nh = [0, 1, 0.5]\nprint(np.convolve(x, h, 'same'))")
    np.testing.assert_array_equal(call.run(), np.convolve([1, 2, 3], [0, 1, 0.5], "same"))
    call = Call.parse("conv2([1 2; 3 4], [1 -1; 0 2])")
    np.testing.assert_array_equal(call.x, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(call.w, [[1, -1], [0, 2]])
    call = Call.parse("x = torch.randn(1, 2, 8, 9)\nw = torch.ones((4, 2, 3, 3))\nF.conv2d(x, w)")
    assert (call.x, call.w) == ((1, 2, 8, 9), (4, 2, 3, 3))
    dtype = Call.parse("np.convolve(np.array([1, 2], dtype=np.float32), [1.0])").x.dtype
    assert dtype == np.float32


def test_without_arrays_the_call_has_none():
    call = Call.parse("tf.nn.conv2d(x, w, strides=2, padding='SAME')")
    assert (call.x, call.w, call.function.name) == (None, None, "tf.nn.conv2d")


WRONG = [
    ("F.conv2d(x, k)", {"x": NCHW}, BadArray, 13, "no array for k, the kernel: say k=..."),
    ("F.conv2d(x, k, b)", {"x": NCHW, "k": OIHW}, BadArray, 16, "no array for b, the bias: say b"),
    ("F.conv2d(x, w, strides=2)", {}, BadOption, 16, 'no "strides": did you mean "stride"?'),
    ("nn.Conv2d(2, 4, 3, pad=1)(x)", {}, BadOption, 20, 'no "pad": did you mean "padding"?'),
    ("F.conv2d(x, w, stride=s)", {}, BadOption, 23, "no value for s, the stride: say s=..."),
    ("F.conv2d(x, w, stride=a + 1)", {}, BadOption, 23, "a + 1 is not evaluated"),
    ("F.conv2d(x, w, stride=2, **kw)", {}, BadCall, 26, "**kw is not read"),
    ("F.conv2d(x, w, *args)", {}, BadCall, 16, "*args is not read"),
    ("dlconv(X, W, b, 'Strid', 2)", {}, BadOption, 17, 'did you mean "Stride"?'),
    (
        "conv2(A, B, 'sme')",
        {"A": (5, 4), "B": (3, 2)},
        BadOption,
        13,
        'shape="sme" is not one of "full", "same", "valid"',
    ),
    ("y = tf.nn.conv2dd(x, w)", {}, UnknownName, 5, "did you mean tf.nn.conv2d?"),
    ("conv2d(x, w, stride=2)", {}, UnknownName, 1, "torch.nn.functional.conv2d"),
    ("Conv((3, 3), 3=>16)", {}, UnknownName, 1, "flux.Conv, lux.Conv"),
    ("F.conv2d(F.conv2d(x, a), b)", {}, BadCall, 10, "the text has 2 calls"),
    ("F.conv2d(x, w", {}, BadCall, 14, "')' should stand here"),
    ("print(1)", {}, BadCall, 1, "it calls print"),
    ("", {}, BadCall, 1, "no call of a convolution"),
    ("F.conv2d(x, w, padding=-1)", {"x": NCHW, "w": OIHW}, BadOption, 16, "padding=-1"),
    ("F.conv2d(x, w)", {"x": NCHW, "w": OIHW, "v": OIHW}, BadOption, 1, "v is no array of this"),
    ("nn.Conv2d(2, 5, 3)(x)", {"x": NCHW, "w": OIHW}, BadOption, 14, "5 contradicts the arrays"),
    ("nn.Conv2d(2, 4, 5)(x)", {"x": NCHW, "w": OIHW}, BadOption, 17, "5 contradicts the arrays"),
    ("F.conv2d(x[None], w)", {"x": NCHW[1:], "w": OIHW}, BadArray, 10, "x[None] is not evaluated"),
    ("F.conv2d(x[None], w)", {"w": OIHW}, BadArray, 10, "no array for"),
    ("F.conv2d(x.T, w)", {"x": NCHW, "w": OIHW}, BadArray, 10, "x.T is not evaluated"),
    ("F.conv2d(x, w.view(4, 2))", {"x": NCHW, "w": OIHW}, BadArray, 13, "w.view(4, 2) is not"),
    ("F.conv2d(f(x), w)", {"x": NCHW, "w": OIHW}, BadArray, 10, "f(x) is not evaluated"),
    ("Convolution2D(32, 3, 3)(x)", {}, UnknownName, 1, "did you mean chainer.links"),
    ("conv4(w, x; pading=1)", {}, BadOption, 13, 'did you mean "padding"?'),
    ("conv4(w, x, 1)", {}, BadOption, 13, "takes 2 arguments by position"),
    (
        "nn.Conv2d(2, 4, 3, bias=False)(x)",
        {"x": NCHW, "w": OIHW, "bias": (4,)},
        BadOption,
        20,
        "no bias here",
    ),
]


@pytest.mark.parametrize(("text", "arrays", "kind", "column", "words"), WRONG)
def test_errors_have_their_place_and_the_fix(text, arrays, kind, column, words):
    with pytest.raises(kind) as caught:
        Call.parse(text, **arrays)
    message = str(caught.value)
    assert message.startswith(f"line 1, column {column}: "), message
    assert words in message
    *_, line, caret = message.split("\n")
    assert (line, caret) == (f"    {text}", " " * (column + 3) + "^")


def test_places_count_prompts_and_lines():
    with pytest.raises(BadOption, match=r"^line 2, column 24: .*no \"strides\""):
        Call.parse(">>> import torch\n>>> y = F.conv2d(é, w, strides=2)")
    with pytest.raises(BadOption, match=r"^line 4, column 1: "):
        Call.parse("[convolutional]\nfilters=4\nsize=3\nstrides=2")
    with pytest.raises(BadCall, match=r"line 1, column 1; darknet.convolutional in line 4"):
        Call.parse("[convolutional]\nsize=3\n\n[convolutional]\nsize=5")


# How each function's own framework writes a call down is in its spelling.  Not read are: Lasagne's
# positions behind the input, which its Op has not; zero points, which are arrays in ONNX;
# ∇conv_data, which takes sizes from another call; and conv(x, w), which may be NNlib's.
UNREAD = ("lasagne.", "onnx.ConvInteger", "nnlib.conv_data", "flux.DepthwiseConv", "matlab.conv")
WRITTEN = sorted(
    op.name
    for op in functions().values()
    if framework_of(op).spelling and not (op.name in UNREAD or op.name.startswith(UNREAD[0]))
)


@pytest.mark.parametrize("name", WRITTEN)
def test_written_calls_are_read_again(name):
    """What a framework's spelling writes is the call again: function, options and arrays."""
    op, rng = functions()[name], random.Random(name)
    spelling = framework_of(op).spelling
    assert spelling is not None
    for _ in range(8):
        case = random_case(op, rng)
        pointwise = case.pointwise_shape
        call = Call(case.x_shape, case.w_shape, dialect=name, pointwise=pointwise, **case.options)
        y = call.shapes["y"]
        written = WrittenCall(op, case.x_shape, case.w_shape, pointwise, y, case.options)
        text = "\n".join([spelling.top(op), *spelling.call(written)])
        arrays = {"x": case.x_shape, "w": case.w_shape}
        if pointwise is not None:
            arrays["pointwise" if ".layers." in name else "p"] = pointwise
        again = Call.parse(text, **arrays)
        assert again.function is op, text
        assert again.shapes == call.shapes, text
        assert again.lowered.conv == call.lowered.conv, text


HOSTILE = [
    "(" * 90_000,
    "[" * 99_000 + "]",
    "-" * 99_000 + "1",
    "not " * 20_000 + "x",
    "a" + ".a" * 40_000 + "()",
    "f" + "(x)" * 30_000,
    "x" * 1_000_000,
    "F.conv2d(x, w, stride=" + "9" * 90_000 + ")",
    "F.conv2d(x, w, stride=" + "1," * 40_000 + ")",
    "1 + " * 20_000 + "1",
    "x = " * 20_000 + "1",
    "x if y else " * 8_000 + "z",
    "lambda: " * 10_000 + "1",
    "\0F.conv2d(x, w)",
    "{" * 50_000,
    "layer { " * 10_000,
    "[convolutional]\n" + "size\n" * 100,
    "Conv <" * 10_000,
    "conv4(w, x; " * 5_000,
    "\ud800F.conv2d(x, w)",
    "'" * 99_999,
    '"""' + "a" * 90_000,
    "x |> " * 20_000 + "f(x)",
    "a => " * 20_000,
    "F.conv2d(x, w, stride=__import__('os').system('false'))",
    "__import__('os').system('false')",
    "F.conv2d((lambda: 1 / 0)(), open('/etc/passwd'), stride=exec('1/0'))",
    "s = s\nF.conv2d(x, w, stride=s)",
    "s = [s, s]\nF.conv2d(x, w, stride=s)",
    "f = f(f)\nf(f)",
    "F.conv2d(x, w)\n" * 6_000,
    "F.conv3x(x, w)\n" * 6_000,
    "".join(f"f{k}(x)\n" for k in range(9_000)),
    "".join(f"conv{k}(x)\n" for k in range(7_000)),
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: t[:20].encode("ascii", "replace").decode())
def test_hostile_texts_are_refused(text):
    with pytest.raises(UniconvError):
        Call.parse(text, x=NCHW, w=OIHW)


@pytest.mark.parametrize("seed", range(40))
def test_scrambled_texts_are_read_or_refused(seed):
    rng = random.Random(seed)
    text = list(rng.choice(ROWS)[0])
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(text) + 1)
        text[at : at + rng.randint(0, 2)] = rng.choice(
            ["(", ")", "[", "{", ",", "'", "=", "\n", "%"]
        )
    with suppress(UniconvError):
        Call.parse("".join(text))


def test_nothing_in_a_text_is_run():
    class Tripped(Exception):
        pass

    def trip(event: str, arguments: object) -> None:
        if armed and event in ("exec", "import", "open", "os.system", "subprocess.Popen"):
            raise Tripped(event)

    Call.parse(TF[0][0], x=NHWC, w=HWIO)  # what is loaded on the way, is
    armed = False
    sys.addaudithook(trip)  # it stays, but does nothing once it is not armed
    armed = True
    try:
        with pytest.raises(UniconvError):
            Call.parse("F.conv2d(x, w, stride=__import__('os').system('true'))", x=NCHW, w=OIHW)
        with pytest.raises(UniconvError):
            Call.parse("import antigravity\nF.conv2d(eval('1'), open('a'), b=exec('1'))", x=NCHW)
    finally:
        armed = False


def test_verbs_take_a_text():
    x, k = np.arange(30.0).reshape(1, 5, 6, 1) ** 2, np.arange(6.0).reshape(3, 2, 1, 1)
    text, call = "tf.nn.conv2d(img, k, 1, 'VALID')", Call(
        x, k, dialect="tf.nn.conv2d", strides=1, padding="VALID"
    )  # fmt: skip
    y = Call(x, k[::-1, ::-1], dialect="tf", strides=1, padding="VALID").run()
    assert str(explain(text, img=x, k=k, at=(1, 2))) == str(explain(call, at=(1, 2)))
    diagnosis = diagnose(text, y, img=x, k=k, depth=1)
    assert [c.text for c in diagnosis.causes] == [c.text for c in diagnose(call, y).causes]
    assert "flipped" in diagnosis.verdict
    assert diagnose(text, y=y, img=x, k=k).call == diagnosis.call
    asked = probe("conv4(w, x; padding=1)")
    np.testing.assert_array_equal(asked.y, probe(Call(dialect="knet.conv4", padding=1)).y)
    with pytest.raises(BadArray, match="no array for k, the kernel: say k="):
        explain(text, img=x)
    with pytest.raises(BadCall, match=r"explain takes a uniconv\.Call"):
        explain("tf", x, k)


def test_a_text_on_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x, w = np.arange(30.0).reshape(5, 6, 1, 1) ** 2, np.arange(6.0).reshape(3, 2, 1, 1)
    y = Call(x, w, dialect="knet.conv4", mode=1, padding=1).run()
    for name, array in (("x", x), ("w", w), ("y", y)):
        np.save(f"{name}.npy", array)
    text = "conv4(w, x; padding=p)"
    assert typed("explain", text, "x.npy", "w.npy", "p=1", "--at", "1,2") == (
        f"{explain(Call(x, w, dialect='knet.conv4', padding=1), at=(1, 2))}\n"
    )
    shapes = ("--x-shape", "5,6,1,1", "--w-shape", "3,2,1,1")
    assert "padding" in typed("explain", "conv4(w, x; padding=1)", *shapes)
    assert typed("probe", "conv4(w, x)") == typed("probe", "knet.conv4")
    told = CliRunner().invoke(
        cli.app, ["diagnose", "x=x.npy", "w=w.npy", "y=y.npy", "--dialect", text, "p=1"]
    )
    assert told.exit_code == 0
    assert "mode=1" in told.output


def typed(*words: str) -> str:
    done = CliRunner().invoke(cli.app, list(words))
    assert done.exception is None, done.output
    return done.output


def test_a_text_that_is_none():
    with pytest.raises(BadCall, match="a call's text is a str; this is of type int"):
        Call.parse(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "x", "w"),
    [
        ("np.convolve([1, 2], [1/4, 3*.5, -2])", np.array([1.0, 2]), np.array([0.25, 1.5, -2])),
        ("np.convolve([4/2, 1], [1, 2.])", np.array([2.0, 1]), np.array([1.0, 2])),
        ("np.correlate([1+1j, 2], [3-1j])", np.array([1 + 1j, 2]), np.array([3 - 1j])),
        ("conv2([1 -2; 3 4], [1 -1])", np.array([[1, -2], [3, 4]]), np.array([[1, -1]])),
        ("filter2([1 2 1]', [1+2 3])", None, None),
    ],
)
def test_numbers_in_a_text(text: str, x: Any, w: Any) -> None:
    if x is None:  # what is not read is no array of other numbers
        with pytest.raises(BadArray):
            Call.parse(text)
        return
    call = Call.parse(text)
    np.testing.assert_array_equal(call.x, x, strict=True)
    np.testing.assert_array_equal(call.w, w, strict=True)


def test_a_layer_of_nnx() -> None:
    text = "nnx.Conv(3, 8, kernel_size=(3, 3), padding='VALID', rngs=rngs)(x)"
    call = Call.parse(text, x=(1, 8, 8, 3), w=(3, 3, 3, 8))
    assert (call.function.name, call.shapes["y"]) == ("flax.nnx.Conv", (1, 6, 6, 8))


def test_opencvs_names_of_depths_and_borders() -> None:
    text = "cv2.filter2D(img, cv2.CV_64F, k, borderType=cv2.BORDER_CONSTANT)"
    assert Call.parse(text, img=(8, 8), k=(3, 3)).options == {"ddepth": 6, "borderType": 0}

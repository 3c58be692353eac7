"""Layers as those of another framework: the code is run, and gives what the source gives."""

import re

import pytest
import torch

from uniconv import translate_layer
from uniconv.errors import BadCall, BadOption, CannotExpress, UnknownName

K = "keras.layers."
TO_TORCH = {
    f"{K}Conv2D(5, 3)": {},
    f"{K}Conv2D(5, (3, 4), padding='same', activation='relu', use_bias=False)": {},
    f"{K}Conv2D(5, 3, strides=2, padding='same')": {"size": (8, 10)},
    f"{K}Conv2D(5, (3, 4), strides=(2, 3), padding='same', activation='relu')": {},
    f"{K}Conv2D(6, 3, strides=(2, 3), groups=3, activation='tanh')": {},
    f"{K}Conv1D(5, 3, padding='causal', dilation_rate=2)": {},
    f"{K}Conv3D(5, (1, 2, 3), activation='relu6')": {},
    f"{K}DepthwiseConv2D(3, depth_multiplier=2, padding='same')": {"in_channels": 3},
    f"{K}Conv2DTranspose(5, 3, strides=2, padding='same', activation='leaky_relu')": {},
    f"{K}Conv2DTranspose(5, (4, 3), strides=(2, 1))": {},
    f"{K}SeparableConv2D(5, 3, padding='same', depth_multiplier=2, activation='relu')": {
        "in_channels": 3
    },
    "flax.linen.Conv(5, (3, 4), padding=((1, 2), (0, 1)))": {},
    "paddle.nn.Conv2D(3, 6, [3, 4], padding=[1, 0, 2, 1], groups=3)": {},
    "paddle.nn.Conv2D(3, 5, 3, padding=1, padding_mode='circular')": {},
    "import mlx.nn\nmlx.nn.Conv2d(3, 5, (3, 4), stride=2, padding=1, bias=False)": {},
    "chainer.links.Convolution2D(3, 5, (3, 2), stride=2, pad=1)": {},
    "using Flux\nConv((3, 4), 3=>5, sigmoid; stride=2, pad=SamePad())": {},
}
"""Texts and what they do not say; x has 3 channels."""


def integers(*shape):
    """Integers in which no flip, shift or swap hides."""
    n = torch.Size(shape).numel()
    return (torch.arange(1, n + 1) ** 2 % 17 - 8).to(torch.float64).reshape(shape)


def call_of(text, size=None, in_channels=None):
    """The source's function on arrays of its own, and these arrays."""
    from uniconv._translate.layers import shapes_of_layer
    from uniconv._translate.unsized import UnsizedCall

    call = UnsizedCall.of(text)
    shapes = shapes_of_layer(call, in_channels or 3, size)
    arrays = {role: integers(*shape) for role, shape in shapes.items()}
    return call.sized(shapes), arrays


def axes_of(pattern, rank):
    return pattern.replace("...", " ".join(f"s{i}" for i in range(rank))).split()


def moved(a, src, dst):
    """An array from one order of axes to another."""
    rank = a.ndim - 2
    src, dst = axes_of(src, rank), axes_of(dst, rank)
    return a.permute([src.index(letter) for letter in dst])


def expected(call, arrays, done):
    """y of the source, in the target's axes; o stands where x has c."""
    from uniconv import Call

    y = Call(**arrays, dialect=call.dialect, **call.options).run()
    return moved(y, *done.axes.split(" -> "))


@pytest.mark.filterwarnings("ignore:Using padding='same'", "ignore:Lazy modules")
@pytest.mark.parametrize("text", TO_TORCH)
def test_the_layer_of_torch_gives_the_same(text):
    words = TO_TORCH[text]
    done = translate_layer(text, to="pytorch", **words)
    call, arrays = call_of(text, words.get("size"))
    x = moved(arrays["x"], *done.axes.split(" -> "))
    scope = {"x": x, "w": arrays["w"], "bias": arrays.get("bias"), "p": arrays.get("pointwise")}
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            exec(done.code, scope)
            y = scope["layer"](x)
    finally:
        torch.set_default_dtype(torch.float32)
    torch.testing.assert_close(y, expected(call, arrays, done), rtol=1e-12, atol=1e-9)


def test_a_layer_stands_in_a_row_with_what_its_class_cannot_say():
    done = translate_layer("nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)", to="keras")
    assert done.layer == (
        "keras.Sequential([keras.layers.ZeroPadding2D(((1, 1), (1, 1))), "
        "keras.layers.Conv2D(8, 3, strides=2, use_bias=False)])"
    )
    assert done.weights == ("layer.build(x.shape)", "layer.layers[1].set_weights([w])")
    assert (done.outcome, done.axes) == ("exact", "n c ... -> n ... c")


@pytest.mark.parametrize(
    ("text", "words", "error", "message"),
    [
        ("F.conv2d(x, w)", {}, BadCall, "makes no layer"),
        ("nn.Conv2d(3, 4, 3); nn.Conv2d(3, 4, 3)", {}, BadCall, "makes no layer"),
        (
            f"{K}Conv2D(4, 3, strides=2, padding='same')",
            {"to": "tinygrad", "in_channels": 3},
            BadOption,
            "say size=",
        ),
        (f"{K}DepthwiseConv2D(3)", {}, BadOption, "say in_channels="),
        (f"{K}SeparableConv2D(4, 3)", {}, BadOption, "say in_channels="),
        (
            f"{K}SeparableConv2D(4, 3)",
            {"to": "chainer", "in_channels": 3},
            CannotExpress,
            "no words for layers in a row",
        ),
        ("nn.Conv2d(3, 4, 3)", {"to": "torch.nn.Conv9d"}, UnknownName, "no class of layers"),
        ("nn.Conv2d(3, 4, 3)", {"to": "numpy"}, CannotExpress, "no layer"),
        (
            "nn.Conv2d(3, 4, 3, padding_mode='circular', padding=1)",
            {"to": "chainer"},
            CannotExpress,
            "no layer beside it does that",
        ),
    ],
)
def test_what_has_no_layer_is_refused(text, words, error, message):
    with pytest.raises(error, match=re.escape(message)):
        translate_layer(text, **{"to": "pytorch", **words})

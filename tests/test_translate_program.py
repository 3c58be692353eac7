"""Whole files: what is rewritten is run, and gives what the file gave; what is not, is said."""

import ast
import json
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from typer.testing import CliRunner

from uniconv import conv, native, translate_program
from uniconv._cli import app
from uniconv.errors import BadCall, UnknownName

TF = '''\
"""A model: tf.nn.conv2d in prose stays."""
from __future__ import annotations

import tensorflow as tf

STRIDES = [1, 2, 2, 1]


class Net:
    def __init__(self, k1):
        self.k1 = k1

    def __call__(self, x, k2, k3):
        x = tf.nn.conv2d(x, self.k1,
                         strides=1, padding="SAME")  # a comment that stays
        y = tf.nn.conv2d(tf.nn.conv2d(x, k2, 1, "VALID"), k3 * 2, [1, 2, 2, 1], padding="VALID")
        pads = "no list"
        return (x, y if True else None, tf.nn.conv2d(-x, filters=k2, strides=2,
                                                     padding=[[0, 0], [1, 2], [0, 1], [0, 0]]))
'''


def numbers(*shape):
    """Integers in which no flip, shift or swap hides, as a double tensor."""
    return (
        torch.arange(1, torch.Size(shape).numel() + 1, dtype=torch.float64)
        .pow(2)
        .remainder_(17)
        .reshape(shape)
    )


@pytest.fixture
def tensorflow(monkeypatch):
    """TensorFlow's functions as uniconv has them, on torch tensors."""
    module = ModuleType("tensorflow")
    names = ("conv1d", "conv2d", "conv3d", "depthwise_conv2d", "convolution")
    module.nn = SimpleNamespace(**{name: native(f"tf.nn.{name}") for name in names})
    monkeypatch.setitem(sys.modules, "tensorflow", module)


def run(text):
    scope = {"__name__": "model"}
    exec(compile(text, "model.py", "exec"), scope)
    return scope


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_what_is_rewritten_gives_the_same(tensorflow):
    done = translate_program(TF, to="pytorch")
    assert (len(done.rewritten), len(done.left)) == (4, 0)
    assert "tf.nn.conv2d(" not in done.after.partition("import")[2].replace("# tf.nn.conv2d(", "")
    arrays = numbers(2, 9, 8, 3), numbers(3, 4, 3, 2), numbers(2, 3, 2, 5), numbers(2, 2, 5, 4)
    x, k1, k2, k3 = arrays
    before, after = (run(text)["Net"](k1)(x, k2, k3) for text in (TF, done.after))
    for a, b in zip(before, after):
        assert torch.equal(a, b)


LEFT = {
    "tf.nn.conv2d(x, w, strides=2, padding=s)": "padding is s, which is not known",
    'tf.nn.conv2d(x, w, data_format=s, padding="SAME")': "data_format is s, which is not known",
    'tf.nn.conv2d(x, w, strides=s, padding="SAME")': "its code depends on s",
    'tf.nn.depthwise_conv2d(x, w, [1, 2, 2, 1], "SAME")': "the code depends on the kernel's shape: "
    "say the shape of w",
    'tf.nn.conv2d(*xw, strides=2, padding="SAME")': "its arguments are not written out, "
    "but stand in *xw",
    "tf.nn.conv2d(x, w, **words)": "its arguments are not written out, but stand in words",
    'tf.nn.conv2d(x, w, stride=2, padding="SAME")': 'tf.nn.conv2d has no "stride": did you mean '
    '"strides"?',
    "tf.nn.conv2d(x, strides=2)": "no w stands in it",
    'tf.nn.convolution(x, w, padding="SAME")': "the number of its spatial axes is not known: "
    "say the shape of w",
}


@pytest.mark.parametrize("call", LEFT)
def test_what_is_not_proved_is_left_with_its_reason(call):
    text = f"import tensorflow as tf\n\n\ndef f(x, w, s):\n    return 1 + {call}\n"
    done = translate_program(text, to="pytorch")
    (rewrite,) = done.left
    assert rewrite.reason == LEFT[call]
    assert (rewrite.before, rewrite.line, rewrite.column) == (call, 5, 16)
    comment = f"    # uniconv: {rewrite.function} is left: {rewrite.reason}\n"
    assert done.after == text.replace("    return", comment + "    return")
    assert translate_program(done.after, to="pytorch").after == done.after  # one comment a place


EXPRESSIONS = """\
import tensorflow as tf


def f(x, w, s, d, p):
    a = tf.nn.conv2d(x, w, strides=[1, s, 1 + s, 1], padding="VALID")
    b = tf.nn.conv2d(x, w, s, [[0, 0], [p, p], [p + 1, 1], [0, 0]], dilations=(d, d))
    return a, b, tf.nn.conv2d(x, w, dilations=d, padding="SAME", strides=1)
"""


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_a_call_keeps_the_expressions_that_the_file_does_not_say(tensorflow):
    done = translate_program(EXPRESSIONS, to="pytorch")
    assert not done.left
    assert "F.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), stride=(s, 1 + s))" in done.after
    x, w = numbers(2, 9, 8, 3), numbers(3, 2, 3, 2)
    for s, d, p in ((1, 1, 0), (2, 2, 3), (3, 1, 1)):
        both = (run(text)["f"](x, w, s, d, p) for text in (EXPRESSIONS, done.after))
        for a, b in zip(*both):
            assert torch.equal(a, b)


SAME = """\
import tensorflow as tf


def f(x, w, v):
    return (
        tf.nn.conv2d(x, w, strides=[1, 2, 3, 1], padding="SAME"),
        tf.nn.conv2d(x, v * 1, strides=3, padding="SAME"),
    )
"""


def test_same_with_a_stride_is_formulas_of_both_sizes(tensorflow):
    done = translate_program(SAME, to="pytorch")
    assert not done.left
    assert "max((k1 - (n1 + 2) % 3 + 1) // 2 - 1, 0)" in done.after
    before, after = run(SAME)["f"], run(done.after)["f"]
    for size in ((9, 8), (8, 7), (7, 6), (1, 2)):
        x, v = numbers(2, *size, 3), numbers(5, 1, 3, 2)
        for kernel in ((1, 1), (2, 3), (3, 2), (4, 5)):
            w = numbers(*kernel, 3, 2)
            for a, b in zip(before(x, w, v), after(x, w, v)):
                assert torch.equal(a, b)


def test_an_expression_that_may_be_a_list_is_left():
    text = (
        "import tensorflow as tf\ndef f(x, w, s=[1, 2, 2, 1]):\n"
        "    return tf.nn.conv2d(x, w, s, 'VALID')\n"
    )
    (rewrite,) = translate_program(text, to="pytorch").left
    assert rewrite.reason == "s may be a list or a word, and no number"


def test_the_code_for_an_expression_gets_its_brackets():
    text = "import torch.nn.functional as F\ndef f(x, w, a, b):\n    return {}\n"
    call = "F.conv2d(x, w, padding=a - b if a else b)"
    (rewrite,) = translate_program(text.format(call), to="jax").rewritten
    assert rewrite.after == (
        "jax.lax.conv_general_dilated(x, w, window_strides=(1, 1), padding=((a - b if a else b, "
        "a - b if a else b), (a - b if a else b, a - b if a else b)))"
    )


CONSTANTS = """\
import jax
import mxnet as mx
from jax import lax
NHWC = ("NHWC", "HWIO", "NHWC")
PAIR = [2, 1]
AXES = [1, 2]
AXES.append(1)


def f(x, w):
    a = lax.conv_general_dilated(x, w, PAIR, "VALID", dimension_numbers=NHWC)
    b = lax.conv(x, w, (1, 1), "VALID")
    c = lax.conv(x, w, AXES, "VALID")
    return mx.nd.Convolution(x, w, kernel=(3, 2), num_filter=8, no_bias=True, pad=(1, 1))
"""


def test_constants_of_the_file_are_read_and_lists_tell_the_axes():
    done = translate_program(CONSTANTS, to="pytorch")
    assert [r.after for r in done.rewritten] == [
        "F.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), stride=(2, 1)).permute(0, 2, 3, 1)",
        "F.conv2d(x, w)",
        "F.conv2d(x, w, padding=1)",
    ]
    assert [r.line for r in done.left] == [13]


APPLIED = """\
import tensorflow as tf


def f(x, n):
    h = tf.layers.conv2d(tf.layers.conv2d(x + 1, n, 3), 8, [5, 3], 2, activation=tf.nn.relu)
    h = tf.layers.conv2d_transpose(inputs=h, filters=n, kernel_size=3, strides=2, padding="same")
    h = tf.compat.v1.layers.conv2d(h, n, 3, (1, 1), "same", "channels_last")
    return tf.layers.conv2d(h, 8, 3, reuse=True)
"""


def test_functions_that_make_a_layer_and_apply_it():
    done = translate_program(APPLIED, to="pytorch", source="tf")
    assert [r.after for r in done.rewritten] == [
        "torch.nn.Sequential(torch.nn.LazyConv2d(8, (5, 3), stride=2), torch.nn.ReLU())"
        "(torch.nn.LazyConv2d(n, 3)(x + 1))",
        "torch.nn.LazyConv2d(n, 3)(x + 1)",
        "torch.nn.Sequential(torch.nn.LazyConvTranspose2d(n, 3, stride=2), "
        "torch.nn.ZeroPad2d((0, -1, 0, -1)))(h)",
    ]
    assert [r.reason.partition(";")[0] for r in done.left] == [
        "what stands behind its padding is to be said by name",
        'keras.layers.Conv2D has no "reuse"',
    ]


def test_what_no_number_needs_is_told():
    layer = "Conv2D(4, 3, activation='relu', kernel_initializer='he_normal', name='head')"
    done = translate_program(f"from keras.layers import Conv2D\nx = {layer}\n", to="pytorch")
    assert done.rewritten[0].left_out == ("kernel_initializer", "name")
    assert str(done).endswith("\n  line 2: keras.layers.Conv2D: without kernel_initializer, name")


def test_a_class_that_learns_its_channels_is_read():
    text = "from torch import nn\nlayer = nn.LazyConv2d(n, 3, padding=1, bias=False)\n"
    (rewrite,) = translate_program(text, to="keras").rewritten
    assert rewrite.after == 'keras.layers.Conv2D(n, 3, padding="same", use_bias=False)'
    assert not translate_program(text, to="pytorch").rewrites


STRANGE = """\
from functools import partial

import haiku as hk
import tf_slim as slim
import torch
from tinygrad import Tensor
from torch import nn

from .own import conv2d


class Causal(nn.Conv1d):
    def kind(self, layer: nn.Conv2d) -> nn.Conv1d:
        return isinstance(layer, nn.Conv2d)


def f(x, w):
    pointwise = partial(nn.Conv2d, kernel_size=1)
    y = slim.repeat(hk.Conv2D(8, 3)(x), 2, slim.conv2d, 64, [3, 3])
    return nn.LazyBatchNorm2d()(y), x.conv2d(w), conv2d(x, w), hk.get_convolutions()
"""


def test_every_convolution_that_stays_is_marked():
    done = translate_program(STRANGE, to="jax")
    assert [(r.line, r.function, r.reason) for r in done.left] == [
        (12, "torch.nn.Conv1d", "it is named here, not called"),
        (14, "torch.nn.Conv2d", "it is named here, not called"),
        (18, "torch.nn.Conv2d", "it is named here, not called"),
        (19, "haiku.Conv2D", "uniconv does not know it"),
        (19, "tf_slim.conv2d", "it is named here, not called"),
        (20, "tinygrad.Tensor.conv2d", "x is not known to be a tensor of it"),
    ]
    assert not done.rewritten
    again = translate_program(done.after, to="jax")
    assert again.after == done.after


def test_a_shape_that_is_said_or_stands_in_the_file_is_used():
    call = 'tf.nn.conv2d(x, w, strides=2, padding="SAME")'
    text = f"import tensorflow as tf\n{{}}def f(x{{}}):\n    return {call}\n"
    said = translate_program(text.format("", ", w"), to="pytorch", shapes={"w": (3, 3, 2, 4)})
    made = text.format("w = tf.Variable(tf.random.normal([3, 3, 2, 4]))\n", "")
    there = translate_program(made, to="pytorch")
    assert said.rewritten[0].after == there.rewritten[0].after
    assert "F.pad(x.permute(0, 3, 1, 2), [(2 - (x.shape[2] + 1) % 2) // 2" in there.after
    hidden = made.replace("(x)", "(x, w)")  # another w
    assert "k0 = w.shape[0]" in translate_program(hidden, to="pytorch").after


def test_only_the_calls_of_the_one_framework_are_rewritten():
    text = (
        "import numpy as np, torch.nn.functional as F\n"
        "def conv2d(x, w): return x\n"
        "def f(x, w, a, b):\n"
        "    return F.conv2d(x, w), np.convolve(a, b), conv2d(x, w), x.conv2d(w)\n"
    )
    only = translate_program(text, to="scipy", source="numpy")
    assert [r.function for r in only.rewrites] == ["numpy.convolve"]
    both = translate_program(text, to="tf")
    assert [r.function for r in both.rewrites] == ["torch.nn.functional.conv2d", "numpy.convolve"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_other_character_stays(newline):
    lines = [
        "# -*- coding: utf-8 -*-",
        "import  torch.nn.functional as F ; import os",
        "def f(x, w):",
        "\ts = 'größe \u2603' ; y = F.conv2d( x,w , stride = (2,1) ) ; \ts = 'ä'",
        "\tif x is None: y = F.conv2d(x, w)",
        "\treturn y   # ö",
    ]
    text = newline.join(lines)
    done = translate_program(text, to="jax")
    for rewrite in done.rewritten:
        done_line = done.after.split(newline)
        assert sum(rewrite.after in line for line in done_line) == 1
    undone = done.after
    for rewrite in done.rewritten:
        undone = undone.replace(rewrite.after, rewrite.before)
    imports = [line for line in undone.split(newline) if line not in lines]
    assert all(line.startswith(("import jax", "from jax", "jax.config")) for line in imports)
    assert [line for line in undone.split(newline) if line in lines] == lines


def test_the_counts_and_the_difference_are_told():
    text = "import numpy as np\ny = np.convolve(a, b)\nz = np.convolve(a, *b)\n"
    done = translate_program(text, to="scipy")
    assert str(done).splitlines() == [
        "2 calls of convolutions: 1 rewritten, 1 left",
        "  line 3: numpy.convolve: its arguments are not written out, but stand in *b",
    ]
    assert "-y = np.convolve(a, b)\n" in done.diff("a.py")
    assert done.as_dict()["places"][0]["after"] == done.rewritten[0].after
    assert ast.parse(done.after)


@pytest.mark.parametrize("text", ["def f(:", "x = (1,", "\0"])
def test_what_is_no_python_is_refused(text):
    with pytest.raises(BadCall, match="no Python"):
        translate_program(text, to="tf")


def test_unknown_frameworks_are_refused():
    with pytest.raises(UnknownName, match="tensorfow"):
        translate_program("x = 1", to="tensorfow")
    with pytest.raises(UnknownName, match="pytroch"):
        translate_program("x = 1", to="tf", source="pytroch")


LAYERS = """\
from torch import nn
from tensorflow.keras.layers import *

class Block(nn.Module):
    def __init__(self, cin, cout, s, k):
        self.a = nn.Conv2d(cin, cout * 2, kernel_size=3, stride=2, padding=1, bias=False)
        self.b = nn.Conv2d(cin, cout, 3, stride=s)
        self.c = nn.Conv2d(cin, cout, k)
        self.d = nn.ConvTranspose2d(cin, cout, 4, 2, 1)
        self.e = nn.Conv2d(cin, cin, 3, groups=cin)

def net(x, n):
    x = Conv2D(n, 3, padding="same", activation="relu")(x)
    return Conv2D(n, 3, padding="same", strides=2)(x)
"""


def test_layers_keep_the_expressions_for_their_channels():
    done = translate_program(LAYERS, to="mlx", source="pytorch")
    assert [r.after or r.reason for r in done.rewrites] == [
        "mlx.nn.Conv2d(cin, cout * 2, 3, stride=2, padding=1, bias=False)",
        "mlx.nn.Conv2d(cin, cout, 3, stride=s)",
        "mlx.nn.Conv2d(cin, cout, k)",
        "mlx.nn.ConvTranspose2d(cin, cout, 4, stride=2, padding=1)",
        "mlx.nn.Conv2d(cin, cin, 3, groups=cin)",
    ]
    done = translate_program(LAYERS, to="pytorch")
    assert [r.after or r.reason for r in done.rewrites] == [
        'torch.nn.Sequential(torch.nn.LazyConv2d(n, 3, padding="same"), torch.nn.ReLU())',
        "torch.nn.Sequential(Border(), torch.nn.LazyConv2d(n, 3, stride=2))",
    ]
    assert done.after.count("class Border(torch.nn.Module):") == 1
    assert done.after.startswith(LAYERS[: LAYERS.index("\n\n") + 1] + "import torch\n")


UNKNOWN = """\
import paddle

def f(cin, cout, k, s, p, d, b):
    return paddle.nn.Conv2D(cin, cout, (k, 2), stride=s, padding=p, dilation=d, bias_attr=b)
"""


def test_a_layer_keeps_the_expressions_that_the_file_does_not_say():
    done = translate_program(UNKNOWN, to="pytorch")
    scope = run(done.after.replace("import paddle\n", ""))
    for k, s, p, d, b in ((1, 1, 0, 1, True), (3, 2, 1, 1, False), (2, 1, 2, 2, True)):
        layer = scope["f"](3, 5, k, s, p, d, b)
        x, w, bias = numbers(2, 3, 9, 8), numbers(5, 3, k, 2), numbers(5) if b else None
        layer.weight.data = w
        if b:
            layer.bias.data = bias
        assert (layer.bias is not None) is b
        options = {"stride": s, "padding": p, "dilation": d}
        y = conv(x, w, bias=bias, dialect="paddle.nn.Conv2D", **options)
        assert torch.equal(layer(x), y)


@pytest.mark.parametrize(
    ("layer", "to", "after"),
    [
        (
            "nn.Conv2d(c, n, k, stride=s, padding=(k - 1) // 2, bias=b)",
            "keras",
            "keras.Sequential([keras.layers.ZeroPadding2D((((k - 1) // 2, (k - 1) // 2), "
            "((k - 1) // 2, (k - 1) // 2))), keras.layers.Conv2D(n, k, strides=s, use_bias=b)])",
        ),
        (
            "nn.Conv2d(c, n, 3, padding=d, dilation=d, groups=g)",
            "keras",
            'keras.layers.Conv2D(n, 3, padding="same", dilation_rate=d, groups=g)',
        ),
        ("nn.Conv2d(c, c, 3, groups=c)", "mlx", "mlx.nn.Conv2d(c, c, 3, groups=c)"),
        (
            "nn.Conv2d(c, n, k, bias=b)",
            "chainer",
            "chainer.links.Convolution2D(c, n, k, nobias=not (b))",
        ),
        (
            "nn.Conv2d(c, n, 3, stride=s, dilation=d)",
            "keras",
            "keras cannot say it: its class has no words for the stride, and no layer beside it "
            "does that",
        ),
        (
            "nn.ConvTranspose2d(c, n, k, stride=s)",
            "flax",
            "its code depends on c and n and k and s",
        ),
        ("nn.Conv2d(c, n, 3, padding_mode=m)", "keras", "padding_mode is m, which is not known"),
        (
            "nn.Conv2d(c, n, 3, **words)",
            "keras",
            "its arguments are not written out, but stand in words",
        ),
    ],
)
def test_what_a_layer_becomes_where_its_numbers_are_not_known(layer, to, after):
    text = f"from torch import nn\n\ndef f(c, n, k, s, d, g, b, m, words):\n    return {layer}\n"
    (rewrite,) = translate_program(text, to=to, source="pytorch").rewrites
    assert (rewrite.after or rewrite.reason) == after


def test_layers_of_keras_are_tensorflows():
    text = "import tensorflow as tf\n\nlayer = tf.keras.layers.Conv2D(4, 3, padding='same')\n"
    (rewrite,) = translate_program(text, to="pytorch", source="tf").rewritten
    assert rewrite.after == 'torch.nn.LazyConv2d(4, 3, padding="same")'
    text = "from torch import nn\n\nlayer = nn.Conv2d(3, 4, 3)\n"
    for to, after in (
        ("tf", "keras.layers.Conv2D(4, 3)"),
        ("jax", 'flax.linen.Conv(4, (3, 3), padding="VALID")'),
    ):
        assert translate_program(text, to=to).rewritten[0].after == after


# The command line


def command(*words):
    return CliRunner().invoke(app, ["translate", *map(str, words)])


FILE = "import torch.nn.functional as F\ny = F.conv1d(x, w)\nz = F.conv1d(x, w, **s)\n"


def test_a_file_is_shown_and_changed_when_it_is_asked(tmp_path):
    path = tmp_path / "model.py"
    path.write_bytes(FILE.encode())
    path.chmod(0o640)
    shown = command(path, "--from", "pytorch", "--to", "jax")
    assert shown.exit_code == 0
    assert "-y = F.conv1d(x, w)\n" in shown.output
    assert "2 calls of convolutions: 1 rewritten, 1 left\n" in shown.output
    assert path.read_text() == FILE
    told = json.loads(command(path, "--to", "jax", "--json", "--write").output)
    assert (told["rewritten"], told["left"], told["written"]) == (1, 1, True)
    assert path.read_text() == translate_program(FILE, to="jax").after
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["model.py"]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig"])
def test_a_file_keeps_its_encoding(tmp_path, encoding):
    path = tmp_path / "model.py"
    head = "# -*- coding: latin-1 -*-\n" if encoding == "latin-1" else ""
    path.write_bytes(f"{head}{FILE}t = 'größe'\n".encode(encoding))
    assert command(path, "--to", "tf", "--write").exit_code == 0
    assert path.read_bytes().decode(encoding).endswith("t = 'größe'\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.py"], "none.py: No such file"),
        (["model.py", "--shape", "w"], "--shape w: write the name and the shape"),
        (["latin.py"], "latin.py is no Python file"),
        (["F.conv1d(x, w)", "--write"], "are for a file"),
    ],
)
def test_wrong_usage_of_files_is_told(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(FILE)
    (tmp_path / "latin.py").write_bytes("t = 'ö'".encode("latin-1"))
    done = command(*words, "--to", "tf")
    assert done.exit_code == 2
    assert message in done.output


def test_a_layer_is_translated_on_the_command_line():
    layer = 'keras.layers.Conv2D(8, 3, strides=2, padding="same")'
    done = command(layer, "--to", "pytorch", "--x-shape", "1,224,224,3")
    pad, conv = "torch.nn.ZeroPad2d((0, 1, 0, 1))", "torch.nn.Conv2d(3, 8, 3, stride=2)"
    assert f"layer = torch.nn.Sequential({pad}, {conv})\n" in done.output
    assert done.output.endswith("# exact for these sizes\n# the axes of x: n ... c -> n c ...\n")

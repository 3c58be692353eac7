"""Files and calls in the style of published models: what becomes of each of their convolutions."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from uniconv import Call, native, translate, translate_layer, translate_program

PROGRAMS = Path(__file__).parent / "programs"
BECOMES = {
    ("vgg_keras", "pytorch"): [
        'torch.nn.Sequential(torch.nn.LazyConv2d(filters, 3, padding="same"), torch.nn.ReLU())',
        "torch.nn.LazyConv2d(classes, (4, 6))",
        "torch.nn.Sequential(Border(), torch.nn.LazyConv2d(classes, 3, stride=2))",
    ],
    ("resnet_pytorch", "keras"): [
        "keras.Sequential([keras.layers.ZeroPadding2D(((1, 1), (1, 1))), "
        "keras.layers.Conv2D(outputs, 3, strides=stride, use_bias=False)])",
        "keras.layers.Conv2D(planes, 1, use_bias=False)",
        "keras.Sequential([keras.layers.ZeroPadding2D(((1, 1), (1, 1))), "
        "keras.layers.Conv2D(planes, 3, strides=2, use_bias=False)])",
        "keras.layers.Conv2D(planes * self.expansion, 1, use_bias=False)",
        "keras.Sequential([keras.layers.ZeroPadding2D(((3, 3), (3, 3))), "
        "keras.layers.Conv2D(64, 7, strides=2, use_bias=False)])",
    ],
    ("resnet_pytorch", "mlx"): [
        "mlx.nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)",
        "mlx.nn.Conv2d(inputs, planes, 1, bias=False)",
        "mlx.nn.Conv2d(planes, planes, 3, stride=2, padding=1, bias=False)",
        "mlx.nn.Conv2d(planes, planes * self.expansion, 1, bias=False)",
        "mlx.nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)",
    ],
    ("mobilenet_keras", "pytorch"): [
        "torch.nn.LazyConv2d(expansion * channels, 1, bias=False)",
        "# torch.nn.Conv2d: the channels of x are not known",
        "torch.nn.LazyConv2d(filters, 1, bias=False)",
        "# torch.nn.Conv2d: the channels of x are not known",
        "torch.nn.Sequential(torch.nn.LazyConv2d(1280, 1, bias=False), "
        "torch.nn.Hardtanh(0.0, 6.0))",
    ],
    ("unet_pytorch", "flax"): [
        "flax.linen.ConvTranspose(channels // 2, (2, 2), strides=2, transpose_kernel=True)",
        "flax.linen.ConvTranspose(channels, (4, 4), strides=2, use_bias=False, "
        "transpose_kernel=True)",
        "flax.linen.Conv(channels // 2, (3, 3))",
    ],
    ("resnet_flax", "pytorch"): [
        'torch.nn.LazyConv2d(self.filters, 3, padding="same", bias=False)',
        "torch.nn.LazyConv2d(self.filters, 1)",
        "torch.nn.Sequential(torch.nn.ZeroPad2d((2, 0, 2, 0)), "
        "torch.nn.LazyConv2d(self.filters, 3))",
        "# the code depends on the kernel's shape: say the shape of kernel",
    ],
}


@pytest.mark.parametrize(("name", "to"), BECOMES)
def test_the_layers_of_a_model(name, to):
    text = (PROGRAMS / f"{name}.py").read_text()
    done = translate_program(text, to=to, source=None if to != "mlx" else "pytorch")
    layers = [r for r in done.rewrites if not r.function.startswith("torch.nn.functional.")]
    assert [r.after or f"# {r.reason}" for r in layers] == BECOMES[name, to]
    compile(done.after, name, "exec")


def integers(*shape):
    """Integers in which no flip, shift or swap hides."""
    n = torch.Size(shape).numel()
    return (torch.arange(1, n + 1) ** 2 % 17 - 8).to(torch.float64).reshape(shape)


@pytest.fixture
def tensorflow(monkeypatch):
    """TensorFlow's convolutions as uniconv has them, on torch tensors."""
    module = ModuleType("tensorflow")
    module.nn = SimpleNamespace(
        conv1d=native("tf.nn.conv1d"), conv2d=native("tf.nn.conv2d"), relu=torch.relu
    )
    pads = [0, 0, 4, 0]
    module.pad = lambda x, pairs: torch.nn.functional.pad(x, pads)
    module.reshape = torch.reshape
    monkeypatch.setitem(sys.modules, "tensorflow", module)


RUNS = {
    "lenet_tf1": (
        "network",
        [(2, 9, 12, 3), (4, 3, 3, 5), (3, 2, 5, 4), (2, 2, 4, 3), 2],
        [],
    ),
    "wavenet_tf": ("layer", [(2, 30, 3), (2, 3, 5), (2, 3, 5), (1, 5, 3)], []),
}


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("name", RUNS)
def test_the_functions_of_a_model_are_run(tensorflow, name):
    function, arguments, left = RUNS[name]
    text = (PROGRAMS / f"{name}.py").read_text()
    done = translate_program(text, to="pytorch")
    assert [f"# {r.reason}" for r in done.left] == left
    arrays = [integers(*a) if isinstance(a, tuple) else a for a in arguments]
    results = []
    for version in (text, done.after):
        scope = {}
        exec(compile(version, name, "exec"), scope)
        results.append(scope[function](*arrays))
    assert torch.equal(*results)


JULIA = {
    "using Flux\nConv((3, 3), 3 => 8, relu; pad=(1, 1))": (
        'torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding="same"), torch.nn.ReLU())'
    ),
    "using Flux\nConv((7, 7), 3 => 64; stride=2, pad=3, bias=false)": (
        "torch.nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)"
    ),
    "using Flux\nConvTranspose((2, 2), 16 => 8; stride=2)": (
        "torch.nn.ConvTranspose2d(16, 8, 2, stride=2)"
    ),
}


@pytest.mark.parametrize("text", JULIA)
def test_layers_in_the_spelling_of_flux(text):
    assert translate_layer(text, to="pytorch").layer == JULIA[text]


@pytest.mark.parametrize("call", ["conv4(w, x; padding=1)", "conv4(w, x; stride=2, mode=1)"])
def test_calls_in_the_spelling_of_knet_come_back(call):
    shapes = {"x": (9, 7, 3, 2), "w": (3, 4, 3, 5)}
    there = translate(call, to="tf", **shapes)
    assert there.prove().holds
    parsed = Call.parse(call, **shapes)
    assert parsed.shapes["y"] == translate(call, to="knet", **shapes).call.shapes["y"]

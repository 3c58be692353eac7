"""Layers of Keras and Flax and nodes of ONNX, taken over with their weights, verbatim."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

import uniconv
from uniconv import nn
from uniconv.conformance.oracles import oracle
from uniconv.errors import BadArray, BadOption, UnknownName
from uniconv.spec.constructor import Constructor
from uniconv.spec.registry import frameworks

HERE = {name for name in ("keras", "flax", "onnx", "onnxruntime") if importlib.util.find_spec(name)}
STEPS, RATE, BATCH = 50, 0.2, 32


def needs(*packages: str) -> Any:
    missing = [p for p in packages if p not in HERE]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


def integers(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(-8, 9, shape).astype(np.float32)


def keras() -> Any:
    from uniconv.conformance.oracles.keras import keras as found

    return found()


KERAS = [
    ("Conv1D", (5, 3), {"strides": 2, "padding": "same"}, (2, 9, 4)),
    ("Conv1D", (5, 3), {"dilation_rate": 2, "padding": "causal", "use_bias": False}, (2, 9, 4)),
    ("Conv2D", (6, (3, 2)), {"strides": (2, 1), "padding": "same", "groups": 2}, (2, 7, 6, 4)),
    ("Conv2D", (5, 3), {"activation": "relu", "dilation_rate": 2}, (2, 7, 6, 4)),
    ("Conv2D", (5, 3), {"activation": "silu"}, (2, 7, 6, 4)),
    ("Conv3D", (5, (2, 3, 2)), {"padding": "same"}, (2, 4, 5, 6, 3)),
    ("Conv1DTranspose", (5, 3), {"strides": 2, "padding": "same"}, (2, 5, 4)),
    ("Conv2DTranspose", (5, (3, 2)), {"strides": 2, "output_padding": 1}, (2, 4, 5, 3)),
    ("Conv3DTranspose", (2, 3), {"strides": (1, 2, 2)}, (2, 2, 3, 4, 3)),
    ("DepthwiseConv1D", (3,), {"depth_multiplier": 2}, (2, 7, 3)),
    ("DepthwiseConv2D", ((3, 2),), {"strides": 2, "padding": "same"}, (2, 7, 6, 3)),
    ("SeparableConv2D", (5, 3), {"depth_multiplier": 2, "padding": "same"}, (2, 7, 6, 3)),
]


@needs("keras")
@pytest.mark.parametrize(("name", "sizes", "options", "shape"), KERAS)
def test_keras_layers(name: str, sizes: Any, options: Any, shape: Any) -> None:
    layer = getattr(keras().layers, name)(*sizes, **options)
    layer.build(shape)
    layer.set_weights([integers(*w.shape, seed=i) for i, w in enumerate(layer.get_weights())])
    made = nn.from_keras(layer)
    x = integers(*shape)
    want = np.asarray(layer(x))
    got = made(torch.from_numpy(x)).detach().numpy()
    if options.get("activation") == "silu":
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
    else:
        np.testing.assert_array_equal(got, want)
    held = made[0] if isinstance(made, torch.nn.Sequential) else made
    for mine, theirs in zip(held.state_dict().values(), layer.get_weights()):
        np.testing.assert_array_equal(mine.numpy(), theirs)


@needs("keras")
def test_keras_layers_that_cannot_be_taken_over() -> None:
    layers = keras().layers
    with pytest.raises(BadArray) as caught:
        nn.from_keras(layers.Conv2D(3, 3))
    assert str(caught.value) == (
        "keras.layers.Conv2D: the layer is not built: call it once, it has no weights yet"
    )
    layer = layers.Conv2D(3, 3, activation="leaky_relu")
    layer.build((1, 5, 5, 2))
    with pytest.raises(BadOption, match=r"has no torch\.nn module of the same meaning"):
        nn.from_keras(layer)
    dense = layers.Dense(3)
    dense.build((1, 2))
    with pytest.raises(UnknownName, match="no function is named"):
        nn.from_keras(dense)


@needs("keras")
@pytest.mark.parametrize("name", ["Conv2D", "Conv2DTranspose", "DepthwiseConv2D"])
def test_fresh_kernels_are_drawn_as_keras_draws_them(name: str) -> None:
    sizes = (3,) if name == "DepthwiseConv2D" else (48, 3)
    more = {"depth_multiplier": 4} if name == "DepthwiseConv2D" else {}
    layer = getattr(keras().layers, name)(*sizes, **more)
    layer.build((1, 9, 9, 32))
    theirs = np.asarray(layer.get_weights()[0])
    kind = {"Conv2D": nn.Conv, "Conv2DTranspose": nn.ConvTranspose}.get(name, nn.DepthwiseConv)
    mine = kind(32, *sizes, dialect="keras", **more)
    assert tuple(mine.kernel.shape) == theirs.shape
    assert float(mine.kernel.detach().abs().max()) == pytest.approx(abs(theirs).max(), rel=0.02)
    assert float(mine.kernel.detach().std()) == pytest.approx(theirs.std(), rel=0.06)
    assert not mine.bias.any()


FLAX = [
    ("Conv", {"features": 5, "kernel_size": (3, 2), "strides": 2}, (2, 7, 6, 4)),
    ("Conv", {"features": 6, "kernel_size": (3,), "feature_group_count": 2}, (2, 9, 4)),
    ("Conv", {"features": 5, "kernel_size": (3,), "padding": "CAUSAL", "use_bias": False},
     (2, 9, 4)),
    ("Conv", {"features": 5, "kernel_size": (3, 3), "padding": "CIRCULAR"}, (2, 7, 6, 4)),
    ("ConvTranspose", {"features": 5, "kernel_size": (3, 2), "strides": (2, 2)}, (2, 4, 5, 3)),
    ("ConvTranspose", {"features": 5, "kernel_size": (3, 2), "strides": (2, 2),
     "transpose_kernel": True, "padding": "VALID"}, (2, 4, 5, 3)),
]  # fmt: skip


@needs("flax")
@pytest.mark.parametrize(("name", "options", "shape"), FLAX)
def test_flax_modules(name: str, options: Any, shape: Any) -> None:
    import jax
    from flax import linen

    module, x = getattr(linen, name)(**options), integers(*shape)
    params = module.init(jax.random.key(0), x)
    drawn = {k: np.asarray(v) for k, v in params["params"].items()}
    whole = {k: integers(*v.shape, seed=len(k)) for k, v in drawn.items()}
    made = nn.from_flax(module, {"params": whole})
    want = np.asarray(module.apply({"params": whole}, x))
    np.testing.assert_array_equal(made(torch.from_numpy(x)).detach().numpy(), want)
    assert {k: v.shape for k, v in made.state_dict().items()} == {
        k: v.shape for k, v in whole.items()
    }


@needs("flax")
def test_fresh_kernels_are_drawn_as_flax_draws_them() -> None:
    import jax
    from flax import linen

    module = linen.Conv(64, (3, 3))
    theirs = np.asarray(module.init(jax.random.key(0), np.zeros((1, 5, 5, 32)))["params"]["kernel"])
    mine = nn.Conv(32, 64, 3, dialect="flax").kernel.detach().numpy()
    assert abs(mine).max() == pytest.approx(abs(theirs).max(), rel=0.02)
    assert mine.std() == pytest.approx(theirs.std(), rel=0.03)


ONNX = [
    ("Conv", (6, 2, 3, 2), {"group": 2, "strides": [2, 1], "auto_pad": "SAME_UPPER"}, (2, 4, 7, 6)),
    ("Conv", (5, 4, 3), {"pads": [1, 2], "dilations": [2]}, (2, 4, 9)),
    ("ConvTranspose", (4, 3, 3, 2), {"group": 2, "strides": [2, 2], "pads": [1, 0, 1, 0]},
     (2, 4, 4, 5)),
]  # fmt: skip


@needs("onnx", "onnxruntime")
@pytest.mark.parametrize(("kind", "w_shape", "attributes", "x_shape"), ONNX)
@pytest.mark.parametrize("biased", [True, False])
def test_onnx_nodes(kind: str, w_shape: Any, attributes: Any, x_shape: Any, biased: bool) -> None:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    o = w_shape[0] if kind == "Conv" else w_shape[1] * attributes.get("group", 1)
    held = {"w": integers(*w_shape, seed=1)} | ({"b": integers(o, seed=2)} if biased else {})
    node = helper.make_node(kind, ["x", *held], ["y"], **attributes)
    weights = [numpy_helper.from_array(a, name) for name, a in held.items()]
    made = nn.from_onnx(node, weights)
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])
    model.ir_version = 10
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    x = integers(*x_shape)
    (want,) = session.run(None, {"x": x})
    np.testing.assert_array_equal(made(torch.from_numpy(x)).detach().numpy(), want)
    assert torch.equal(nn.from_onnx(node, held).weight, made.weight)
    with pytest.raises(BadArray) as caught:
        nn.from_onnx(node, {})
    assert str(caught.value) == f'onnx.{kind}: the kernel "w" is no initializer'


def digits() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Images (n, 8, 8, 1) from -2 to 2 and labels: scikit-learn's digits, else drawn stripes."""
    rng = np.random.default_rng(0)
    if importlib.util.find_spec("sklearn"):
        from sklearn.datasets import load_digits

        found = load_digits()
        return (found.images[..., None] / 4 - 2).astype(np.float32), found.target
    labels = rng.integers(0, 10, 400)
    waves = np.sin(np.arange(64).reshape(8, 8) * (labels[:, None, None] + 1) / 7)
    return (waves + rng.normal(0, 0.3, waves.shape))[..., None].astype(np.float32), labels


class Twin(torch.nn.Module):
    """The Keras model, layer by layer, holding its weights."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        convolutions = [nn.from_keras(layer) for layer in model.layers[:-2]]
        kernel, bias = map(torch.from_numpy, model.layers[-1].get_weights())
        dense = torch.nn.Linear(*kernel.shape)
        dense.load_state_dict({"weight": kernel.T, "bias": bias})
        self.layers = torch.nn.Sequential(*convolutions, nn.Flatten(dialect="keras"), dense)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layers(x)
        return y


def trained(model: torch.nn.Module, batches: Any) -> np.ndarray[Any, Any]:
    """The loss before every step of plain gradient descent."""
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    dtype = next(model.parameters()).dtype
    losses = []
    for x, labels in batches:
        logits = model(torch.from_numpy(x).to(dtype))
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


@needs("keras")
def test_fifty_steps_of_training_as_keras_takes_them() -> None:
    """The losses agree within what rounding alone can do to them.

    With u = 2**-24: a float32 sum of K products is within 2 sqrt(K) u of the exact one, relative to
    the sum of magnitudes (the bound of a single convolution, see docs/modules.md).  So one step
    moves the weights by at most 2 sqrt(K) u of themselves, K being the longest sum of the network,
    forward or backward.  How a move by u grows until step t, three twins in float64 show, whose
    weights are moved by u, at random, at the start; a move at a later step has less time to grow.
    Each of the two runs makes one such move per step; roundings of different steps are independent,
    so that they add up as the square root of their number.  Hence at step t the losses differ by at
    most 2 sqrt(K) sqrt(2 (t + 1)) times the greatest difference of a twin until then, and by the
    rounding of the loss itself.
    """
    found = keras()
    found.utils.set_random_seed(0)
    model = found.Sequential(
        [
            found.Input((8, 8, 1)),
            found.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
            found.layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu"),
            found.layers.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu"),
            found.layers.Flatten(),
            found.layers.Dense(10),
        ]
    )
    loss = found.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(found.optimizers.SGD(RATE), loss)
    images, labels = digits()
    picks = np.random.default_rng(1).integers(0, len(images), (STEPS, BATCH))
    batches = [(images[p], labels[p]) for p in picks]

    mine, exact = Twin(model), Twin(model).double()
    longest = BATCH * 8 * 8  # the sum over pixels and images in a gradient
    unit = 2.0**-24
    twins = []
    for seed in range(3):
        twin = Twin(model).double()
        draw = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for p in twin.parameters():
                p.mul_(1 + unit * torch.randn(p.shape, generator=draw, dtype=p.dtype))
        twins.append(trained(twin, batches))
    theirs = np.empty(STEPS)
    for t, batch in enumerate(batches):
        model.reset_metrics()  # else Keras tells the mean of all steps until now
        theirs[t] = model.train_on_batch(*batch)
    ours, truth = trained(mine, batches), trained(exact, batches)

    grown = np.maximum.accumulate(np.max([abs(t - truth) for t in twins], axis=0))
    steps = np.arange(1, STEPS + 1)
    bound = 2 * np.sqrt(longest) * (np.sqrt(2 * steps) * grown + unit * truth)
    assert theirs[-5:].mean() < 0.6 * theirs[:5].mean()  # it learns
    assert (abs(ours - theirs) <= bound).all(), (abs(ours - theirs) / bound).max()
    assert bound.max() < 0.01 * theirs.max()  # a bound that a wrong flip or shift would break
    share = (abs(ours - theirs) / bound).max()
    print(f"largest difference {abs(ours - theirs).max():.1e}, {share:.2f} of the bound, ", end="")
    print(f"which ends at {bound[-1]:.1e}; the loss went {theirs[0]:.2f} to {theirs[-1]:.2f}")


# In a process of its own: the oracles import these frameworks with settings that must come first.
PARAMETERS = """
import importlib, inspect, json, sys
from uniconv.conformance.oracles.chainer import chainer

names = sys.argv[1:]
if names[0].startswith("chainer"):
    chainer()
parameters = {}
for name in names:
    module, _, cls = name.rpartition(".")
    cls = getattr(importlib.import_module(module), cls)
    # flax.nnx's classes are called through their metaclass, which takes anything
    signature = inspect.signature(cls.__init__ if ".nnx." in name else cls)
    parameters[name] = [(p.name, p.kind.name) for p in signature.parameters.values()]
print(json.dumps(parameters))
"""
CLASSES = [layer for d in frameworks().values() for layer in d.layers]


@cache
def parameters(package: str) -> dict[str, list[tuple[str, str]]]:
    """The parameters of every class of a package: their names and kinds."""
    names = [layer.name for layer in CLASSES if layer.name.split(".")[0] == package]
    command = [sys.executable, "-W", "ignore", "-c", PARAMETERS, *names]
    settings = {"KERAS_BACKEND": "tensorflow", "DEV": "PYTHON", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, env={**os.environ, **settings}, capture_output=True, text=True, check=True
    )
    told: dict[str, list[tuple[str, str]]] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("layer", CLASSES, ids=lambda c: c.name)
def test_a_layer_under_its_own_name_has_its_own_parameters(layer: Constructor) -> None:
    package = layer.name.split(".")[0]
    if package in ("flux", "lux"):
        pytest.skip("Julia")
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    theirs = [(name, kind) for name, kind in parameters(package)[layer.name] if name != "self"]
    mine = [word for _, word in layer.words()]
    front = mine[: mine.index("*")] if "*" in mine else mine
    assert front == [name for name, _ in theirs][: len(front)]
    more = any(kind == "VAR_KEYWORD" for _, kind in theirs)  # Chainer reads dilate, groups there
    assert more or set(mine) - {"*"} <= {name for name, _ in theirs}


@pytest.mark.parametrize("name", ["flax.linen.Conv", "flax.nnx.ConvTranspose"])
def test_a_mask_multiplies_the_kernel_as_in_flax(name: str) -> None:
    pytest.importorskip("flax")
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-5, 6, shape).astype("f") for shape in ((1, 7, 3), (3, 3, 4)))
    for dtype in ("float64", "float16", "int64", "bool"):
        mask = rng.integers(0, 2, w.shape).astype(dtype)
        (y,) = oracle(name).call({"x": x, "w": w}, {"mask": mask}, None)
        np.testing.assert_array_equal(uniconv.conv(x, w, dialect=name, mask=mask), y, strict=True)

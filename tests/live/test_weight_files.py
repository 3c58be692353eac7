"""Files that the frameworks write: converted, loaded into torch modules, the outputs compared."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

import uniconv
from uniconv import files
from uniconv._weights.network import plan_steps

# keras 3.15.1 keras/src/backend/tensorflow/core.py copies variables in a way NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.random.default_rng(0).integers(-3, 4, (2, 8, 10, 3)).astype("float32")


class Network(nn.Module):
    """What the Keras model below is, in plain torch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(3, 4, (3, 2))
        self.depthwise_conv2d = nn.Conv2d(4, 8, (2, 3), groups=4)
        self.pointwise = nn.Conv2d(16, 5, 1)
        self.separable_conv2d = nn.Conv2d(8, 16, (1, 2), groups=8, bias=False)
        self.conv2d_transpose = nn.ConvTranspose2d(5, 6, (2, 3))
        self.dense = nn.Linear(6 * 6 * 8, 7)

    def forward(self, x):
        x = self.depthwise_conv2d(self.conv2d(x))
        x = self.pointwise(self.separable_conv2d(x))
        return self.dense(self.conv2d_transpose(x).flatten(1))


def keras_model(tf):
    keras, layers = tf.keras, tf.keras.layers
    return keras.Sequential(
        [
            keras.Input(X.shape[1:]),
            layers.Conv2D(4, (3, 2), name="conv2d"),
            layers.DepthwiseConv2D((2, 3), depth_multiplier=2, name="depthwise_conv2d"),
            layers.SeparableConv2D(5, (1, 2), depth_multiplier=2, name="separable_conv2d"),
            layers.Conv2DTranspose(6, (2, 3), name="conv2d_transpose"),
            layers.Flatten(),
            layers.Dense(7, name="dense"),
        ]
    )


def with_integers(model):
    """Integers so small that float32 is exact through all layers."""
    rng = np.random.default_rng(1)
    model.set_weights([rng.integers(-1, 2, w.shape).astype("float32") for w in model.get_weights()])
    return model


def names(found):
    """The map for the names that a file has: torch's names, and the image before the Flatten."""
    told = {}
    for name in found:
        layer, _, variable = name.rpartition("/")
        layer = layer.rpartition("/")[2]
        point = layer == "separable_conv2d" and variable in ("pointwise_kernel", "1", "bias", "2")
        weight = "bias" if variable == "bias" or found[name].array.ndim == 1 else "weight"
        new = f"{'pointwise' if point else layer}.{weight}"
        if layer == "dense" and weight == "weight":
            told[name] = {"kind": "dense", "image": [6, 6, 8], "rename": new}
        else:
            told[name] = {"rename": new}
    return told


@pytest.mark.parametrize("ending", [".keras", ".weights.h5", ".h5"])
def test_a_keras_file_becomes_a_torch_network(tf, tmp_path, ending):
    pytest.importorskip("h5py")
    model = with_integers(keras_model(tf))
    source, target = tmp_path / f"model{ending}", tmp_path / "model.pt"
    if ending == ".weights.h5":
        model.save_weights(source)
    else:
        model.save(source)
    told = names(files.load(source))
    path = tmp_path / "names.json"
    path.write_text(json.dumps(told))
    uniconv.convert_file(source, "keras", "pytorch", target, names=path)
    network = Network()
    network.load_state_dict(torch.load(target, weights_only=True))
    with torch.no_grad():
        y = network(torch.from_numpy(X).permute(0, 3, 1, 2)).numpy()
    wanted = model(X).numpy()
    assert np.abs(wanted).max() > 100  # the probe is not trivial
    np.testing.assert_array_equal(y, wanted)

    back = tmp_path / "back.npz"
    kinds = {
        "depthwise_conv2d.weight": {"kind": "depthwise_conv", "groups": 4},
        "separable_conv2d.weight": {"kind": "depthwise_conv", "groups": 8},
        "conv2d_transpose.weight": "conv_transpose",
        "dense.weight": {"kind": "dense", "image": [6, 6, 8]},
    }
    uniconv.convert_file(target, "pytorch", "keras", back, names=kinds)
    again = files.load(back)
    for name, found in files.load(source).items():
        assert again[told[name]["rename"]].array.tobytes() == found.array.tobytes()


def test_the_rules_know_keras_weights_files_by_themselves(tf, tmp_path):
    pytest.importorskip("h5py")
    model = keras_model(tf)
    for ending in (".keras", ".weights.h5"):
        path = tmp_path / f"model{ending}"
        model.save_weights(path) if ending == ".weights.h5" else model.save(path)
        steps = plan_steps(path, "keras", "pytorch")
        assert not [step for step in steps if step.problem]
        kinds = sorted(step.kind for step in steps if step.kind != "keep")  # files sort by name
        wanted = ["conv", "conv", "conv_transpose", "dense", "depthwise_conv", "depthwise_conv"]
        assert kinds == wanted
        assert [bool(step.warning) for step in steps if step.kind == "dense"] == [True]


def test_a_tensorflow_checkpoint_is_converted(tf, tmp_path):
    kernel = np.arange(48).reshape(3, 2, 2, 4).astype("float32")
    module = tf.Module()
    module.conv = tf.Module()
    module.conv.kernel = tf.Variable(kernel)
    module.conv.bias = tf.Variable(np.arange(4.0))
    path = tf.train.Checkpoint(model=module).write(str(tmp_path / "ckpt"))
    made = uniconv.convert_state_dict(path, "tf", "pytorch")
    found = [a for a in made.values() if a.ndim == 4]
    assert len(found) == 1
    np.testing.assert_array_equal(found[0], kernel.transpose(3, 2, 0, 1))


def test_onnx_initializers_are_converted(tmp_path):
    onnx = pytest.importorskip("onnx")
    kernel = np.arange(48).reshape(4, 2, 3, 2).astype("float32")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["x", "conv.weight"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", 1, (1, 2, 5, 5))],
        [onnx.helper.make_tensor_value_info("y", 1, None)],
        [onnx.numpy_helper.from_array(kernel, "conv.weight")],
    )
    onnx.save(onnx.helper.make_model(graph), tmp_path / "m.onnx")
    made = uniconv.convert_state_dict(tmp_path / "m.onnx", "onnx", "keras")
    np.testing.assert_array_equal(made["conv.weight"], kernel.transpose(2, 3, 1, 0))


def test_a_state_dict_of_flax_matches_its_layer():
    linen = pytest.importorskip("flax.linen")
    jax = pytest.importorskip("jax")
    layer = linen.ConvTranspose(5, (3, 2), padding="VALID")
    x = X[..., :3]
    params = layer.init(jax.random.key(0), x)["params"]
    kernel = np.random.default_rng(2).integers(-3, 4, params["kernel"].shape).astype("float32")
    wanted = layer.apply({"params": {"kernel": kernel, "bias": params["bias"]}}, x)
    network = {"ConvTranspose_0/kernel": kernel}
    made = uniconv.convert_state_dict(network, "flax", "pytorch")["ConvTranspose_0/kernel"]
    image = torch.from_numpy(x).permute(0, 3, 1, 2)
    y = nn.functional.conv_transpose2d(image, torch.from_numpy(made.copy()))
    np.testing.assert_array_equal(y.permute(0, 2, 3, 1).numpy(), np.asarray(wanted))

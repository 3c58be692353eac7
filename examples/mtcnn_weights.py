"""One face detector, two packages: how the weights of mtcnn and facenet-pytorch relate.

    pip install --no-deps mtcnn==1.0.0 facenet-pytorch==2.6.0
    pip install joblib lz4
    python examples/mtcnn_weights.py

``mtcnn`` holds Keras weights, ``facenet-pytorch`` torch weights, both of the three networks of
MTCNN (P, R and O).  Both are loaded as they are, run by uniconv in their own frameworks' layouts,
and the Keras ones are converted: docs/mtcnn.md tells what comes out.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F  # noqa: N812

import uniconv

Arrays = dict[str, NDArray[Any]]

# The layers in the order in which Keras lists their weights (mtcnn 1.0.0 mtcnn/network/*.py), and
# what facenet-pytorch calls them (facenet_pytorch/models/mtcnn.py): the heads have changed places.
LAYERS = {
    "pnet": {
        "conv1": "conv1",
        "prelu1": "prelu1",
        "conv2": "conv2",
        "prelu2": "prelu2",
        "conv3": "conv3",
        "prelu3": "prelu3",
        "conv4-1": "conv4_2",
        "conv4-2": "conv4_1",
    },
    "rnet": {
        "conv1": "conv1",
        "prelu1": "prelu1",
        "conv2": "conv2",
        "prelu2": "prelu2",
        "conv3": "conv3",
        "prelu3": "prelu3",
        "fc4": "dense4",
        "prelu4": "prelu4",
        "fc5-1": "dense5_2",
        "fc5-2": "dense5_1",
    },
    "onet": {
        "conv1": "conv1",
        "prelu1": "prelu1",
        "conv2": "conv2",
        "prelu2": "prelu2",
        "conv3": "conv3",
        "prelu3": "prelu3",
        "conv4": "conv4",
        "prelu4": "prelu4",
        "fc5": "dense5",
        "prelu5": "prelu5",
        "fc6-1": "dense6_2",
        "fc6-2": "dense6_3",
        "fc6-3": "dense6_1",
    },
}
# The pools by their windows, the image before Flatten as (C, H, W), the side of the input.
POOLS = {"pnet": (2,), "rnet": (3, 3), "onet": (3, 3, 2)}
FLATTENED = {"rnet": (64, 3, 3), "onet": (128, 3, 3)}
SIDES = {"pnet": (30, 41), "rnet": (24, 24), "onet": (48, 48)}


def folder(package: str) -> Path:
    """Where a package is installed; it is not imported."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"{package} is not installed: see the head of this file")
    return Path(found.origin).parent


def keras_weights(net: str) -> Arrays:
    """The list of arrays that mtcnn gives to Keras, by layer and variable."""
    import joblib

    arrays = iter(joblib.load(folder("mtcnn") / "assets" / "weights" / f"{net}.lz4"))
    named: Arrays = {}
    for layer in LAYERS[net]:
        for variable in ("alpha",) if "prelu" in layer else ("kernel", "bias"):
            named[f"{layer}/{variable}"] = next(arrays)
    assert next(arrays, None) is None
    return named


def torch_weights(net: str) -> Arrays:
    """The state_dict of facenet-pytorch."""
    path = folder("facenet_pytorch") / "data" / f"{net}.pt"
    state = torch.load(path, weights_only=True)
    return {name: tensor.numpy() for name, tensor in state.items()}


def names(net: str) -> dict[str, Any]:
    """The map from Keras's names to torch's, for ``convert_state_dict``."""
    told: dict[str, Any] = {}
    for layer, other in LAYERS[net].items():
        if "prelu" in layer:
            told[f"{layer}/alpha"] = {"kind": "keep", "rename": f"{other}.weight"}
            continue
        # Both networks exchange H and W before they flatten: the rows are alike, in w h c order.
        op = "conv" if "conv" in layer else "dense"
        told[f"{layer}/kernel"] = {"kind": op, "rename": f"{other}.weight"}
        told[f"{layer}/bias"] = {"kind": "keep", "rename": f"{other}.bias"}
    return told


def converted(net: str) -> Arrays:
    """mtcnn's weights as a state_dict of facenet-pytorch."""
    found = uniconv.convert_state_dict(keras_weights(net), "keras", "pytorch", names=names(net))
    return {k: v.reshape(-1) if "prelu" in k else v for k, v in found.items()}


# The networks, on either framework's arrays


class Network:
    """One of the three networks on weights as they are in the file, in that framework's layout."""

    def __init__(self, net: str, weights: Mapping[str, NDArray[Any]], dialect: str) -> None:
        self.net, self.dialect = net, dialect
        self.weights = {
            name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in weights.items()
        }
        self.last = dialect == "keras"  # whether channels are the last axis

    def layer(self, keras_name: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Kernel and bias of a layer, by Keras's name for it."""
        if self.last:
            return self.weights[f"{keras_name}/kernel"], self.weights[f"{keras_name}/bias"]
        name = LAYERS[self.net][keras_name]
        return self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]

    def conv(self, x: torch.Tensor, name: str) -> torch.Tensor:
        w, bias = self.layer(name)
        y: torch.Tensor = uniconv.conv(x, w, bias, dialect=self.dialect)
        return y

    def dense(self, x: torch.Tensor, name: str) -> torch.Tensor:
        w, bias = self.layer(name)
        return x @ w + bias if self.last else x @ w.T + bias

    def prelu(self, x: torch.Tensor, name: str) -> torch.Tensor:
        slope = self.weights[f"{name}/alpha" if self.last else f"{name}.weight"].reshape(-1)
        if not self.last and x.ndim == 4:
            slope = slope[:, None, None]
        return torch.where(x > 0, x, slope * x)

    def pool(self, x: torch.Tensor, window: int) -> torch.Tensor:
        """Strides of 2, the last window beyond the edge: Keras's SAME, torch's ceil_mode."""
        x = x.permute(0, 3, 1, 2) if self.last else x
        y = F.max_pool2d(x, window, 2, ceil_mode=True)
        return y.permute(0, 2, 3, 1) if self.last else y

    def flatten(self, x: torch.Tensor) -> torch.Tensor:
        """As both packages do: W, H, C, the order of Caffe's original in MATLAB."""
        x = x.permute(0, 2, 1, 3) if self.last else x.permute(0, 3, 2, 1)
        return x.reshape(len(x), -1)

    def __call__(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Boxes, (landmarks,) and faces; as the layers of Keras are ordered."""
        pools = iter(POOLS[self.net])
        layers = list(LAYERS[self.net])
        body = [name for name in layers if "-" not in name]
        for name in body:
            if "conv" in name:
                x = self.conv(x, name)
            elif "fc" in name:
                x = self.dense(self.flatten(x), name)
            else:
                x = self.prelu(x, name)
                window = next(pools, None)
                x = x if window is None else self.pool(x, window)
        run = self.conv if self.net == "pnet" else self.dense
        heads = [run(x, name) for name in layers if "-" in name]
        return [*heads[:-1], heads[-1].softmax(-1 if self.last or x.ndim == 2 else 1)]


def image(net: str) -> NDArray[Any]:
    """Two images of noise, channels last, from -1 to 1 as the packages normalise them."""
    h, w = SIDES[net]
    pixels = np.random.default_rng(0).integers(0, 256, (2, h, w, 3))
    return ((pixels - 127.5) / 128).astype("float32")


def main() -> None:
    for net in LAYERS:
        keras, pytorch, made = keras_weights(net), torch_weights(net), converted(net)
        same = sum(made[name].tobytes() == a.tobytes() for name, a in pytorch.items())
        print(f"{net}: {same} of {len(pytorch)} arrays are bit for bit those of facenet-pytorch")
        wide = [name for name, a in pytorch.items() if a.ndim == 4 and a.shape[-1] > 1]
        exchanged = sum((made[n] == pytorch[n].swapaxes(2, 3)).all() for n in wide)
        print(f"  with H and W exchanged: {exchanged} of {len(wide)} kernels")
        x = torch.from_numpy(image(net))
        by_keras = Network(net, keras, "keras")(x)
        by_torch = Network(net, pytorch, "pytorch")(x.permute(0, 3, 1, 2))
        off = max(
            float((a - (b.permute(0, 2, 3, 1) if b.ndim == 4 else b)).abs().max())
            for a, b in zip(by_keras, by_torch)
        )
        print(f"  the two networks differ by at most {off:.0e}: {off < 1e-5}")
        if net in FLATTENED:
            print(f"  rows of the Dense layer: {rows(net, keras)}")


def rows(net: str, weights: Arrays) -> str:
    """Which Flatten the Dense rows fit: try every order of C, H and W on the converted network."""
    name = next(layer for layer in LAYERS[net] if layer.startswith("fc"))
    x = torch.from_numpy(image(net))
    wanted = Network(net, weights, "keras")(x)[0]
    fits = []
    for layout in ("NHWC", "NWHC", "NCHW", "NCWH"):
        plain = Network(net, weights, "keras")
        kernel = uniconv.convert_dense(
            weights[f"{name}/kernel"], "keras", "keras", image=FLATTENED[net], src_layout=layout
        )
        plain.weights[f"{name}/kernel"] = torch.from_numpy(np.ascontiguousarray(kernel))
        plain.flatten = lambda y: y.reshape(len(y), -1)  # type: ignore[method-assign]
        if torch.allclose(plain(x)[0], wanted, atol=1e-5):
            fits.append(layout)
    return f"read from an image laid out {' or '.join(fits)}"


if __name__ == "__main__":
    main()

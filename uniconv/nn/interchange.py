"""From the frameworks' own layers: torch.nn, Keras, Flax, ONNX nodes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn

from uniconv._messages import show
from uniconv.errors import BadArray, BadOption, UnknownName, from_one_frame
from uniconv.nn.modules import Conv, ConvTranspose, DepthwiseConv, Layer, SeparableConv
from uniconv.nn.torch_modules import CONVS, TRANSPOSED
from uniconv.spec.op import Op
from uniconv.spec.registry import find
from uniconv.typing import Dialect

__all__ = ["from_flax", "from_keras", "from_onnx", "from_torch"]

_CLASSES: dict[str, type[Layer]] = {
    c.KIND: c for c in (Conv, ConvTranspose, DepthwiseConv, SeparableConv)
}
# Activations whose Keras defaults are torch's (keras 3.15.1 keras/src/activations/activations.py).
_ACTIVATIONS = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
    "swish": nn.SiLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
}


def _loaded(op: Op, sizes: dict[str, Any], arrays: Mapping[str, Any]) -> Layer:
    """A layer of the function, with the arrays' dtype, holding them."""
    tensors = {k: torch.as_tensor(a) for k, a in arrays.items() if a is not None}
    dtype = next(iter(tensors.values())).dtype
    name = cast(Dialect, op.name)
    layer = _CLASSES[op.kind](
        in_channels=None, dialect=name, bias="bias" in tensors, dtype=dtype, **sizes
    )
    layer.load_state_dict(tensors)
    return layer


@from_one_frame
def from_torch(module: nn.Module) -> Layer:
    """A torch.nn convolution (Conv1d to ConvTranspose3d) as a uniconv layer of its meaning.

    Weights are copied; dtype, device and requires_grad stay.  ``to_torch`` goes back.

    Raises:
        BadArray: it is no convolution of torch.nn, or its shape is not known yet.

    >>> from_torch(torch.nn.Conv2d(3, 8, 5, stride=2, padding=1))
    Conv(torch.nn.Conv2d, channels=3 -> 8, kernel_size=(5, 5), stride=(2, 2), padding=(1, 1))
    """
    held: Any = module
    if not isinstance(module, (*CONVS, *TRANSPOSED)) or nn.parameter.is_lazy(held.weight):
        raise BadArray(f"from_torch takes a torch.nn convolution of known shape, not {module!r}")
    kind = next(c for c in (*CONVS, *TRANSPOSED) if isinstance(module, c))
    op = find(f"torch.nn.{kind.__name__}")
    # output_size is no word of a module, but of its call.
    words = {o: getattr(held, o) for o in op.rules if getattr(held, o, None) is not None}
    rank = op.ranks[0]
    defaults = {"stride": 1, "padding": 0, "dilation": 1, "output_padding": 0}
    options = {
        o: v
        for o, v in words.items()
        if v != op.rules[o].default and v != (defaults.get(o),) * rank
    }
    sizes = {"out_channels": held.out_channels, "kernel_size": held.kernel_size}
    arrays = {"kernel": held.weight.detach(), "bias": held.bias}
    result = _loaded(op, {**sizes, **options}, arrays).to(held.weight.device)
    for mine, theirs in ((result.weight, held.weight), (result.bias, held.bias)):
        if mine is not None:
            mine.requires_grad_(theirs.requires_grad)
    return result.train(module.training)


@from_one_frame
def from_keras(layer: Any) -> nn.Module:
    """A Keras convolution layer as a uniconv layer that holds its weights, verbatim.

    An activation that is torch's own (relu, tanh, gelu, ...) follows as its torch.nn module.

    Raises:
        BadArray: the layer is not built yet, so it has no weights.
        BadOption: an activation that torch.nn does not have with the same meaning.
        UnknownName: it is no convolution layer that uniconv knows.

    Source: keras 3.15.1 keras/src/layers/convolutional.
    """
    op = find(f"keras.layers.{type(layer).__name__}")
    config: dict[str, Any] = layer.get_config()
    if not layer.built:
        raise BadArray(f"{op.name}: the layer is not built: call it once, it has no weights yet")
    options = {o: config[o] for o in op.rules if o in config and o != "activation"}
    options = {o: v for o, v in options.items() if v is not None and o in op.rules}
    own = {o: tuple(v) if isinstance(v, list) else v for o, v in options.items()}
    weights = list(layer.get_weights())
    names = ["depthwise_kernel", "pointwise_kernel"] if op.pointwise else ["kernel"]
    arrays = dict(zip([*names, "bias"], weights))
    sizes = {"kernel_size": tuple(config["kernel_size"])}
    if op.kind in ("conv", "conv_transpose", "separable_conv"):
        sizes["out_channels"] = config["filters"]
    if op.kind in ("depthwise_conv", "separable_conv"):
        sizes["multiplier"] = config["depth_multiplier"]
    module = _loaded(op, {**sizes, **own}, arrays).requires_grad_(bool(layer.trainable))
    activation = config.get("activation") or "linear"
    if activation == "linear":
        return module
    if activation not in _ACTIVATIONS:
        raise BadOption(
            f"{op.name}: activation={show(activation)} has no torch.nn module of the same meaning: "
            "build the layer without it, and apply it to the result"
        )
    return nn.Sequential(module, _ACTIVATIONS[activation]())


@from_one_frame
def from_flax(module: Any, params: Mapping[str, Any]) -> Layer:
    """A flax.linen Conv or ConvTranspose with its parameters, verbatim.

    Args:
        module: the flax.linen module.
        params: its own parameters, {"kernel": ..., "bias": ...}, or {"params": {...}} around them.

    Raises:
        BadShape: the kernel does not fit the module.
        UnknownName: it is no convolution that uniconv knows.

    Source: flax 0.12.8 flax/linen/linear.py.
    """
    import numpy as np

    op = find(f"flax.linen.{type(module).__name__}")
    size = module.kernel_size
    own: dict[str, Any] = {}
    for name, rule in op.rules.items():
        value = getattr(module, name, None)
        if value is not None and value != rule.default:
            own[name] = tuple(value) if isinstance(value, list) else value
    held = params.get("params", params)
    arrays = {name: np.asarray(held[name]) for name in ("kernel", "bias") if name in held}
    sizes = {"kernel_size": (size,) if isinstance(size, int) else tuple(size)}
    return _loaded(op, {**sizes, "out_channels": module.features, **own}, arrays)


@from_one_frame
def from_onnx(node: Any, initializers: Any) -> Layer:
    """An ONNX Conv or ConvTranspose node with its initializers, verbatim.

    Args:
        node: an onnx.NodeProto.
        initializers: graph.initializer, or arrays by name.

    Raises:
        BadArray: the kernel is no initializer, but computed by another node.
        UnknownName: it is no convolution that uniconv knows.

    Source: onnx 1.23 onnx/defs/nn/defs.cc.
    """
    onnx = _imported("onnx")
    op = find(f"onnx.{node.op_type}")
    named = initializers
    if not isinstance(initializers, Mapping):
        named = {t.name: onnx.numpy_helper.to_array(t).copy() for t in initializers}
    names = dict(zip(("x", "kernel", "bias"), node.input))
    arrays = {role: named.get(name) for role, name in names.items() if role != "x" and name}
    for role, array in arrays.items():
        if array is None:
            raise BadArray(f"{op.name}: the {role} {show(names[role])} is no initializer")
    own = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    own = {k: v.decode() if isinstance(v, bytes) else v for k, v in own.items()}
    shape = arrays["kernel"].shape
    group = own.get("group", 1)
    out = shape[0] if op.kind == "conv" else shape[1] * group
    return _loaded(op, {"kernel_size": tuple(shape[2:]), "out_channels": out, **own}, arrays)


def _imported(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise UnknownName(f"this needs {package}: pip install {package}") from None

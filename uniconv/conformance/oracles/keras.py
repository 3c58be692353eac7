"""Keras on its TensorFlow backend: keras.ops functions, and layers holding the given weights."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from uniconv.conformance.oracles import CannotRun
from uniconv.conformance.oracles.tf import computed, shifts_window, tensorflow
from uniconv.spec.op import Op

__all__ = ["GRADIENTS", "PACKAGES", "function_of", "keras"]

Array = np.ndarray[Any, Any]
PACKAGES = ("keras", "tensorflow-cpu or tensorflow")
GRADIENTS = True


@cache
def keras() -> Any:
    """Keras, its backend chosen before the first import."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    tensorflow()
    return importlib.import_module("keras")


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The function or layer of a registry name."""
    module, name = op.name.split(".")[1:]
    make = _function if module == "ops" else _layer

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        keras()
        first = options.get("data_format") == "channels_first"
        if name in ("depthwise_conv", "separable_conv"):
            # Documented as taking lists, it fails on them (3.15.1 backend/tensorflow/nn.py).
            options = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
        words = {
            "padding": options.get("padding", "valid").upper(),
            "strides": options.get("strides", 1),
            "data_format": "NCDHW" if first else "NDHWC",
        }
        bias = arrays.get("bias")
        if module == "layers" and bias is not None and first and arrays["x"].ndim > 2:
            # With as many channels as columns Keras adds the bias along the columns (3.15.1 `add`
            # in keras/src/backend/tensorflow/numpy.py): here it is added after.
            arrays = {role: a for role, a in arrays.items() if role != "bias"}
            (y,) = call(arrays, options, dy)
            return [y + bias.reshape(-1, *(1,) * (y.ndim - 2))]
        run = make(op, name, arrays, options)
        wrong = shifts_window(op, words, arrays["w"])
        try:
            return computed(run, arrays, options, dy, options, wrong)
        except Exception as error:
            if arrays["x"].dtype.kind in "iu":
                # Only for int32 has TensorFlow kernels, and not for each layout, rank and dilation.
                raise CannotRun("TensorFlow lacks it for integers, JAX does not") from error
            raise

    return call


def _function(op: Op, name: str, arrays: dict[str, Array], options: dict[str, Any]) -> Any:
    if "bias" in arrays:
        raise ValueError(f"{op.name} has no bias")
    names = {role: op.array_names(role)[0] for role in arrays}

    def run(arrays: dict[str, Any], options: dict[str, Any]) -> Any:
        return getattr(keras().ops, name)(**{names[r]: a for r, a in arrays.items()}, **options)

    return run


def _layer(op: Op, name: str, arrays: dict[str, Array], options: dict[str, Any]) -> Any:
    """The layer, built for these shapes; it is called with the given weights as its variables."""
    w, p = arrays["w"], arrays.get("p")
    rank, shape = w.ndim - 2, w.shape
    own: dict[str, Any] = {"kernel_size": shape[:rank], "use_bias": "bias" in arrays}
    if "Depthwise" in name:
        own |= {"depth_multiplier": shape[-1]}
    elif p is not None:
        own |= {"depth_multiplier": shape[-1], "filters": p.shape[-1]}
    else:
        own |= {"filters": shape[-2] if "Transpose" in name else shape[-1]}
    layer = getattr(keras().layers, name)(**own, **options, dtype=w.dtype.name)
    layer.build(arrays["x"].shape)
    roles = [role for role in ("w", "p", "bias") if role in arrays]
    for variable, role in zip(layer.trainable_variables, roles, strict=True):
        if tuple(variable.shape) != arrays[role].shape:
            raise ValueError(f"{variable.path} is {variable.shape}, not {arrays[role].shape}")

    def run(arrays: dict[str, Any], options: dict[str, Any]) -> Any:
        y, _ = layer.stateless_call([arrays[role] for role in roles], [], arrays["x"])
        return y

    return run

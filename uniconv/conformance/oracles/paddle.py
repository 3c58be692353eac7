"""Paddle on the CPU; half precision, for which it has no CPU kernels, in float32."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from uniconv.spec.op import Op

__all__ = ["GRADIENTS", "PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES = ("paddlepaddle",)
GRADIENTS = True


@cache
def paddle() -> Any:
    """Paddle, on the CPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing compiler cache
        module = importlib.import_module("paddle")
    module.set_device("cpu")
    return module


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The function or layer of a registry name."""
    name = op.name.rpartition(".")[2]

    def run(arrays: dict[str, Any], options: dict[str, Any]) -> Any:
        x, w, bias = arrays["x"], arrays["w"], arrays.get("bias")
        if ".functional." in op.name:
            return getattr(paddle().nn.functional, name)(x, w, bias, **options)
        groups, shape = options.get("groups", 1), tuple(w.shape)
        attributes = {"bias_attr": None if bias is not None else False}
        make = getattr(paddle().nn, name)
        layer = make(shape[1] * groups, shape[0], shape[2:], **options, **attributes)
        layer.to(dtype=w.dtype)
        for parameter, value in (("weight", w), ("bias", bias)):
            if value is not None:
                del layer._parameters[parameter]  # the caller's tensor stays the leaf
                setattr(layer, parameter, value)
        return layer(x)

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        dtype = arrays["x"].dtype
        exact = {r: a.astype("float32") if a.dtype.itemsize < 4 else a for r, a in arrays.items()}
        tensors = {r: paddle().to_tensor(a, stop_gradient=dy is None) for r, a in exact.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            y = run(tensors, options)
            if dy is None:
                return [y.numpy().astype(dtype)]
            slopes = paddle().grad([y], [tensors["x"], tensors["w"]], [paddle().to_tensor(dy)])
        return [a.numpy().astype(dtype) for a in (y, *slopes)]

    return call

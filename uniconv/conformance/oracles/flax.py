"""Flax layers applied to the given weights, on JAX."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from uniconv.conformance.oracles.jax import jax, slopes
from uniconv.spec.op import Op

__all__ = ["GRADIENTS", "PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES = ("flax", "jax")
GRADIENTS = True


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The layer of a registry name."""

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        jax()
        w, bias = arrays["w"], arrays.get("bias")
        swapped = options.get("transpose_kernel", False)
        module, _, name = op.name.rpartition(".")
        flax = importlib.import_module(module)
        out = w.shape[-2 if swapped else -1]
        words = {"kernel_size": w.shape[:-2], "use_bias": bias is not None} | options

        def run(x: Any, w: Any) -> Any:
            if module == "flax.nnx":  # a layer is made where it is differentiated
                sizes = {"in_features": x.shape[-1], "out_features": out}
                layer = getattr(flax, name)(**sizes, **words, rngs=flax.Rngs(0))
                layer.kernel = flax.Param(w)
                layer.bias = flax.data(None) if bias is None else flax.Param(bias)
                return layer(x)
            params = {"kernel": w} | ({} if bias is None else {"bias": bias})
            return getattr(flax, name)(features=out, **words).apply({"params": params}, x)

        if dy is None:
            return [np.asarray(run(arrays["x"], w))]
        return slopes(run, arrays["x"], w, dy)

    return call

"""JAX on the CPU, its matrix products in full precision."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from functools import cache, reduce
from typing import Any

import numpy as np

from uniconv.conformance.oracles import CannotRun
from uniconv.spec.op import Op

__all__ = ["GRADIENTS", "PACKAGES", "function_of", "jax", "slopes"]

Array = np.ndarray[Any, Any]
PACKAGES = ("jax",)
GRADIENTS = True


@cache
def jax() -> Any:
    """JAX with 64-bit numbers, as the arrays say."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    module = importlib.import_module("jax")
    module.config.update("jax_enable_x64", True)
    module.config.update("jax_default_matmul_precision", "highest")
    for name in ("jax.scipy.signal", "jax.numpy"):
        importlib.import_module(name)
    return module


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The function of a registry name."""
    roles = ("x", "w")
    names = [op.array_names(role)[0] for role in roles]

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        if set(arrays) != set(roles):
            raise ValueError(f"{op.name} takes {', '.join(names)} only")
        function = reduce(getattr, op.name.split(".")[1:], jax())
        keywords = options | (
            {"padding": _tuples(options["padding"])} if "padding" in options else {}
        )

        def run(x: Any, w: Any) -> Any:
            # By position: jax.numpy.convolve's arrays have no public names.
            return function(x, w, **keywords)

        if dy is None:
            return [np.asarray(run(arrays["x"], arrays["w"]))]
        return slopes(run, arrays["x"], arrays["w"], dy)

    return call


def slopes(run: Callable[[Any, Any], Any], x: Array, w: Array, dy: Array) -> list[Array]:
    """y and the gradients of sum(dy * y)."""

    def pulled(x: Any, w: Any, dy: Any) -> Any:
        y, pull = jax().vjp(run, x, w)
        return y, *pull(dy)

    for step in jax().make_jaxpr(pulled)(x, w, dy).eqns:
        # XLA on the CPU reads what lies beside x where it crops one side and pads the other:
        # run jax.lax.conv_general_dilated with padding=[(-1, 1)] beside large numbers (0.10.2).
        if any(min(pair) < 0 < max(pair) for pair in _pairs(step)):
            raise CannotRun("XLA misreads a convolution that crops and pads")
    y, dx, dw = pulled(x, w, np.conj(dy))
    # JAX's gradient of a complex number is the conjugate of PyTorch's.
    return [np.asarray(y), np.conj(dx), np.conj(dw)]


def _pairs(step: Any) -> Any:
    return step.params["padding"] if step.primitive.name == "conv_general_dilated" else ()


def _tuples(padding: Any) -> Any:
    """conv_transpose says "2-tuples" and, with use_consistent_padding, means it."""
    return padding if isinstance(padding, str) else tuple(tuple(pair) for pair in padding)

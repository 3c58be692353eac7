"""JAX on the CPU, its matrix products in full precision."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from functools import cache, reduce
from typing import Any

import numpy as np

from uniconv.dialect import Op

Array = np.ndarray[Any, Any]
PACKAGES = ("jax",)
GRADIENTS = True


@cache
def jax() -> Any:
    """JAX with 64-bit numbers, as the arrays say."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    found = importlib.import_module("jax")
    found.config.update("jax_enable_x64", True)
    found.config.update("jax_default_matmul_precision", "highest")
    for name in ("jax.scipy.signal", "jax.numpy"):
        importlib.import_module(name)
    return found


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The function of a registry name."""
    roles = ("x", "w")
    names = [op.array_names(role)[0] for role in roles]

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        if set(arrays) != set(roles):
            raise ValueError(f"{op.name} takes {', '.join(names)} only")
        function = reduce(getattr, op.name.split(".")[1:], jax())
        given = options | ({"padding": _tuples(options["padding"])} if "padding" in options else {})

        def run(x: Any, w: Any) -> Any:
            # By position: jax.numpy.convolve's arrays have no public names.
            return function(x, w, **given)

        if dy is None:
            return [np.asarray(run(arrays["x"], arrays["w"]))]
        y, pull = jax().vjp(run, arrays["x"], arrays["w"])
        # JAX's gradient of a complex number is the conjugate of PyTorch's.
        return [np.asarray(y), *(np.conj(a) for a in pull(np.conj(dy)))]

    return call


def _tuples(padding: Any) -> Any:
    """conv_transpose says "2-tuples" and, with use_consistent_padding, means it."""
    return padding if isinstance(padding, str) else tuple(tuple(pair) for pair in padding)

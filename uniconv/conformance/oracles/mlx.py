"""MLX on the CPU."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from uniconv.conformance.oracles import CannotRun
from uniconv.spec.op import Op

__all__ = ["GRADIENTS", "PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES = ("mlx",)
GRADIENTS = True


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The function of a registry name."""
    name = op.name.rpartition(".")[2]

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        mx = importlib.import_module("mlx.core")
        mx.set_default_device(mx.cpu)
        if set(arrays) != {"x", "w"}:
            raise ValueError(f"{op.name} takes two arrays")

        def taken(a: Array) -> Any:
            name = "bool_" if a.dtype == bool else a.dtype.name
            return mx.array(np.ascontiguousarray(a), getattr(mx, name))

        def run(x: Any, w: Any) -> Any:
            return getattr(mx, name)(x, w, **options)

        x, w = taken(arrays["x"]), taken(arrays["w"])
        if dy is None:
            try:
                return [_numpy(run(x, w), arrays["x"].dtype)]
            except ValueError as error:
                # float64 is there where the convolution is made a matrix product (0.32.4).
                if "unsupported data type" in str(error):
                    raise CannotRun(str(error)) from None
                raise
        (y,), slopes = mx.vjp(lambda a, b: [run(a, b)], [x, w], [taken(dy)])
        return [_numpy(a, arrays["x"].dtype) for a in (y, *slopes)]

    return call


def _numpy(a: Any, dtype: np.dtype[Any]) -> Array:
    mx = importlib.import_module("mlx.core")
    return np.array(a.astype(mx.float32)).astype(dtype) if a.dtype == mx.bfloat16 else np.array(a)

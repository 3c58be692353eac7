"""NumPy and SciPy functions on the arrays as they are."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from uniconv.spec.op import Op

__all__ = ["PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES: tuple[str, ...] = ("numpy",)


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The function of a registry name."""
    module, _, name = op.name.rpartition(".")

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        if set(arrays) != {"x", "w"}:
            raise ValueError(f"{op.name} takes two arrays")
        function = getattr(importlib.import_module(module), name)
        y: Array = function(arrays["x"], arrays["w"], **options)
        rounds = name in ("fftconvolve", "oaconvolve", "convolve", "correlate")
        if rounds and y.dtype.kind in "fc":
            whole = np.rint(y)  # by FFT sums of integers are not exact
            y = whole.astype(y.dtype) if np.allclose(y, whole, rtol=0, atol=1e-2) else y
        return [y]

    return call

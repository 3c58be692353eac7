"""tinygrad on the CPU."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from uniconv.conformance.oracles import CannotRun
from uniconv.spec.op import Op

__all__ = ["PACKAGES", "function_of", "tinygrad"]

Array = np.ndarray[Any, Any]
PACKAGES = ("tinygrad",)


@cache
def tinygrad() -> Any:
    """tinygrad on its own interpreter, which needs no compiler; chosen before the first import."""
    os.environ.setdefault("DEV", "PYTHON")
    return importlib.import_module("tinygrad")


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The method of a registry name."""
    name = op.name.rpartition(".")[2]

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        tensor = tinygrad().Tensor
        x, w, bias = (None if a is None else tensor(a) for a in map(arrays.get, ("x", "w", "bias")))
        try:
            y: Array = getattr(x, name)(w, bias, **options).numpy()
        except ValueError as error:
            # Its scheduler loses the shape of some transposed calls of one channel (0.14.0).
            if "bad reshape: ()" in str(error):
                raise CannotRun(f"tinygrad fails: {error}") from error
            raise
        return [y]

    return call

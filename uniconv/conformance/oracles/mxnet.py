"""MXNet on the CPU; its NumPy must be older than 1.24: an environment of its own."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from uniconv.conformance.oracles import CannotRun
from uniconv.spec.op import Op

__all__ = ["PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES = ("mxnet",)


def most(value: Any) -> int:
    """The largest number of an option that may be None."""
    return max(value or (1,))


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The operator of a registry name."""
    name = op.name.rpartition(".")[2]

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        with warnings.catch_warnings():  # of its own old imports
            warnings.simplefilter("ignore")
            return compute(arrays, options)

    def compute(arrays: dict[str, Array], options: dict[str, Any]) -> list[Array]:
        nd = importlib.import_module("mxnet").nd
        groups = options.get("num_group", 1)
        filters = arrays["w"].shape[0] if name == "Convolution" else arrays["w"].shape[1] * groups
        dtype = arrays["x"].dtype
        plane = arrays["x"].ndim < 5
        if name == "Deconvolution":
            dilated = most(options.get("dilate")) > 1
            if dilated and most(options.get("stride")) > 1:
                raise CannotRun("the CPU computes it wrongly")
            if plane:  # oneDNN, which lacks some forms, takes no float64
                arrays = {role: a.astype(np.float64) for role, a in arrays.items()}
            elif dtype != np.float32:
                raise CannotRun("the CPU has it in float32 only")
        keywords = {
            op.array_names(role)[0]: nd.array(a, dtype=a.dtype) for role, a in arrays.items()
        }
        words = {k: v for k, v in options.items() if v is not None}
        own = {"num_filter": filters, "no_bias": "bias" not in arrays}
        try:
            return [getattr(nd, name)(**keywords, **own, **words).asnumpy().astype(dtype)]
        except Exception as error:
            if "could not create a descriptor" in str(error) and not plane:
                raise CannotRun("oneDNN lacks it") from error
            raise

    return call

"""OpenVINO operations of opset 13, compiled for the CPU."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from uniconv.conformance.oracles import CannotRun
from uniconv.spec.op import Op

__all__ = ["PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES = ("openvino",)


@cache
def core() -> Any:
    """The one OpenVINO runtime, at full precision."""
    core = importlib.import_module("openvino").Core()
    core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    return core


def function_of(op: Op) -> Callable[..., list[Array]]:
    """A model with the one operation of a registry name."""
    name = op.name.rpartition(".")[2]

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        if "bias" in arrays:
            raise ValueError(f"{op.name} has no bias")
        openvino = importlib.import_module("openvino")
        operations = importlib.import_module("openvino.opset13")
        x = operations.parameter(arrays["x"].shape, arrays["x"].dtype)
        attributes = dict(options)
        if attributes.get("output_shape") is not None:
            attributes["output_shape"] = operations.constant(
                np.array(attributes["output_shape"], np.int64)
            )
        y = getattr(operations, name)(x, operations.constant(arrays["w"]), **attributes)
        try:
            compiled = core().compile_model(openvino.Model([y], [x], "call"), "CPU")
        except RuntimeError as error:
            if "group_convolution_backprop" in name and arrays["w"].shape[0] == 1:
                raise CannotRun("the CPU has no kernel for one group") from error
            raise
        return [np.array(compiled([arrays["x"]])[0])]

    return call

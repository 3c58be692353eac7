"""ONNX nodes run by ONNX Runtime on the CPU.

What only its kernels lack (float64, bfloat16, SAME with dilations, zero points by channel) is
computed by onnx's reference.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from uniconv.conformance.oracles import CannotRun
from uniconv.spec.op import Op

__all__ = ["LACKING", "PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES = ("onnxruntime", "onnx")
OPSET = 22
LACKING = re.compile(
    "Could not find an implementation|Dilation not supported for AutoPadType"
    "|Non per-tensor quantization is not supported"
)


def function_of(op: Op) -> Callable[..., list[Array]]:
    """A model with the one node of a registry name."""
    node = op.name.rpartition(".")[2]

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        helper = importlib.import_module("onnx.helper")
        known = {"x": "X", "w": "W", "bias": "B"}
        feeds = {known[role]: a for role, a in arrays.items()}
        attributes = {k: v for k, v in options.items() if v is not None}
        if node == "ConvInteger":
            for role, name in (("x", "x_zero_point"), ("w", "w_zero_point")):
                zero = attributes.pop(name, 0)
                feeds[name] = np.array(zero, arrays[role].dtype)
        of = helper.np_dtype_to_tensor_dtype
        inputs = [helper.make_tensor_value_info(n, of(a.dtype), a.shape) for n, a in feeds.items()]
        result = np.dtype(op.result) if op.result else arrays["x"].dtype
        domain = "com.microsoft" if node == "FusedConv" else ""
        graph = helper.make_graph(
            [helper.make_node(node, list(feeds), ["Y"], domain=domain, **attributes)],
            "call",
            inputs,
            [helper.make_tensor_value_info("Y", of(result), None)],
        )
        imports = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        return [_run(helper.make_model(graph, opset_imports=imports, ir_version=10), feeds)]

    return call


def _run(model: Any, feeds: dict[str, Array]) -> Array:
    ort = importlib.import_module("onnxruntime")
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        y: Array = session.run(None, feeds)[0]
    except Exception as error:
        if not LACKING.search(str(error)):
            raise
        zeros = feeds.get("w_zero_point")
        if zeros is not None and zeros.ndim and feeds["W"].ndim != 4:
            # onnx/reference/ops/op_conv_integer.py lays them out beside a kernel of four axes
            raise CannotRun("onnx's reference has zero points by channel on two axes") from error
        reference = importlib.import_module("onnx.reference").ReferenceEvaluator(model)
        try:
            y = reference.run(None, feeds)[0]
        except ValueError as mistake:  # its ConvTranspose fails with groups and several images
            raise CannotRun(
                f"ONNX Runtime has no kernel, onnx's reference fails: {mistake}"
            ) from error
    return y

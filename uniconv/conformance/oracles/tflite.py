"""LiteRT (TensorFlow Lite): a model of one built-in operator, run by the interpreter."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from uniconv.spec.op import Op

__all__ = ["PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES = ("ai-edge-litert",)
# The options table of each operator, and its fields for the names of the schema's text form.
TABLES = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "CONV_3D": "Conv3DOptions",
    "CONV_3D_TRANSPOSE": "Conv3DOptions",
}


VERSIONS = {"CONV_2D": 6, "DEPTHWISE_CONV_2D": 3, "TRANSPOSE_CONV": 3} | dict.fromkeys(
    ("CONV_3D", "CONV_3D_TRANSPOSE"), 1
)


def field(name: str) -> str:
    """stride_w -> strideW, as the generated code spells it."""
    first, *more = name.split("_")
    return first + "".join(word.capitalize() for word in more)


def model(node: str, arrays: dict[str, Array], options: dict[str, Any]) -> bytes:
    """A model file with one operator; its kernel, bias and output shape are constants."""
    schema = importlib.import_module("ai_edge_litert.schema_py_generated")
    flatbuffers = importlib.import_module("flatbuffers")
    attributes = dict(options)
    constants: dict[str, Array] = {role: arrays[role] for role in ("w", "bias") if role in arrays}
    if node in ("CONV_2D", "DEPTHWISE_CONV_2D") and "bias" not in arrays:  # they insist on one
        constants["bias"] = np.zeros(arrays["w"].shape[0 if node == "CONV_2D" else -1], "float32")
    out = attributes.pop("output_shape", None)
    if out is not None:
        constants = {"shape": np.array(out, np.int32)} | constants

    def tensor(name: str, shape: tuple[int, ...], dtype: Any, data: Array | None) -> Any:
        t = schema.TensorT()
        t.name, t.shape = name, list(shape)
        t.type = {"float32": schema.TensorType.FLOAT32, "int32": schema.TensorType.INT32}[dtype]
        buffer = schema.BufferT()
        if data is not None:
            buffer.data = list(data.tobytes())
        file.buffers.append(buffer)
        t.buffer = len(file.buffers) - 1
        graph.tensors.append(t)
        return len(graph.tensors) - 1

    file, graph, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorT()
    file.version, file.buffers, graph.tensors = 3, [schema.BufferT()], []
    x = tensor("x", arrays["x"].shape, "float32", None)
    index = {"x": x} | {k: tensor(k, a.shape, a.dtype.name, a) for k, a in constants.items()}
    y = tensor("y", (), "float32", None)
    order = ("shape", "w", "x", "bias") if "TRANSPOSE" in node else ("x", "w", "bias")
    operator.inputs = [index[k] for k in order if k in index]
    operator.outputs, graph.inputs, graph.outputs = [y], [x], [y]
    operator.opcodeIndex = 0
    table = TABLES[node]
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
    operator.builtinOptions = getattr(schema, f"{table}T")()
    if node == "DEPTHWISE_CONV_2D":
        operator.builtinOptions.depthMultiplier = arrays["w"].shape[-1] // arrays["x"].shape[-1]
    words = {
        "padding": schema.Padding,
        "fused_activation_function": schema.ActivationFunctionType,
    }
    for name, value in attributes.items():
        word = getattr(words[name], value) if name in words else value
        if not hasattr(operator.builtinOptions, field(name)):
            raise ValueError(f"{table} has no field {name}")
        setattr(operator.builtinOptions, field(name), word)
    graph.operators = [operator]
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, node)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = VERSIONS[node]
    file.operatorCodes, file.subgraphs = [code], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(file.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The operator of a registry name."""
    node = op.name.rpartition(".")[2]

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        lite = importlib.import_module("ai_edge_litert.interpreter")
        resolver = lite.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        run = lite.Interpreter(
            model_content=model(node, arrays, options), experimental_op_resolver_type=resolver
        )
        run.allocate_tensors()
        run.set_tensor(run.get_input_details()[0]["index"], arrays["x"])
        run.invoke()
        return [np.array(run.get_tensor(run.get_output_details()[0]["index"]))]

    return call

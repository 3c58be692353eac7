"""ONNX Runtime's tests of its CPU kernels, and those of its web backends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.suites import cpp
from tests.suites.reading import NotRead
from uniconv.conformance.suite import SuiteCase, named_by_position

SOURCE = "microsoft/onnxruntime"
KERNELS = "onnxruntime/test/providers/cpu/nn"
FILES = (
    "conv_op_test.cc",
    "conv_transpose_op_test.cc",
    "conv_integer_test.cc",
    "conv_fp16_test.cc",
)
CONV = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
TRANSPOSE = (
    "kernel_shape",
    "output_padding",
    "output_shape",
    "pads",
    "strides",
    "dilations",
    "group",
    "auto_pad",
)
HELPERS = {
    "TestConvOp": ("Conv", CONV),
    "TestConvFp16Op": ("Conv", CONV),
    "TestConvTransposeOp": ("ConvTranspose", TRANSPOSE),
    "TestConvTransposeOpInitializer": ("ConvTranspose", TRANSPOSE),
}
DTYPES = {"float": "float32", "double": "float64", "MLFloat16": "float16"} | {
    f"{n}_t": n for n in ("int8", "uint8", "int32", "int64")
}
TOLERANCE = {"float32": 1e-4, "float16": 5e-3}
MODELLED = ("Conv", "ConvTranspose", "ConvInteger")


def suites(checkout: Path) -> dict[str, list[SuiteCase]]:
    found = {name: list(_cases(checkout / KERNELS / name)) for name in FILES}
    ops = sorted((checkout / "js/web/test/data/ops").glob("*conv*.jsonc"))
    return found | {f"js {file.name}": list(_web(file)) for file in ops}


def _repeated(count: Any, number: Any = 0) -> list[Any]:
    if not isinstance(count, int):
        raise NotRead("a vector made of another one")
    return [number] * count


CALLS = {
    "vector": lambda *a: _repeated(*a) if a else [],
    "optional": lambda *a: a[0] if a else None,
    "MLFloat16": float,
    "initializer_list": list,
    "static_cast": lambda v: v,
    "GetTypedArray": lambda v: v,
}


def _cases(file: Path) -> Iterator[SuiteCase]:
    dtype = "float16" if "fp16" in file.name else "float32"
    for name, body in cpp.tests(cpp.uncommented(file.read_text("utf-8"))):
        seen: list[str] = []
        try:
            for case in _of_test(name, body, dtype):
                told = repr((case.arguments, case.expected, case.unmodelled))
                if told not in seen:  # the same with the kernel as an initializer
                    seen.append(told)
                    yield case
        except NotRead as error:
            yield SuiteCase(name, unmodelled=f"not read: {error}")


def _of_test(name: str, body: str, dtype: str) -> Iterator[SuiteCase]:
    names: dict[str, Any] = {}
    tested: dict[str, Any] = {}
    for statement in cpp.statements(body):
        call = re.match(r"(?:(\w+)\.)?(\w+)(?:<([\w:<>]*)>)?\s*\(", statement)
        made = re.match(r"OpTester\s+\w+\(\s*\"(\w+)\"", statement)
        if made:
            tested = {"op": made[1], "inputs": [], "attributes": {}, "outputs": []}
        elif call and not call[1] and call[2] in HELPERS:
            arguments = cpp.parts(statement[call.end() : statement.rindex(")")])
            told = [cpp.value(a, names, CALLS) for a in arguments]
            yield _helped(name, *HELPERS[call[2]], told, dtype)
        elif call and call[1] and tested:
            inner = statement[call.end() : statement.rindex(")")]
            told = [cpp.value(a, names, CALLS) for a in cpp.parts(inner)]
            if call[2] == "AddInput":
                tested["inputs"].append(_array(told[1], told[2], DTYPES[call[3] or "float"]))
            elif call[2] == "AddOutput":
                tested["outputs"].append(_array(told[1], told[2], DTYPES[call[3] or "float"]))
            elif call[2] == "AddAttribute":
                tested["attributes"][told[0]] = told[1]
            elif call[2] == "Run":
                failing = any(t == "kExpectFailure" for t in told if isinstance(t, cpp.Symbol))
                yield _case(
                    name,
                    tested["op"],
                    tested["inputs"],
                    tested["attributes"],
                    None if failing else tested["outputs"][0],
                )
        elif looped := cpp.loop(statement):
            _repeat(*looped, names)
        elif declared := cpp.declaration(statement):
            names[declared[1]] = _declared(declared[2], names)


def _repeat(times: str, body: str, names: dict[str, Any]) -> None:
    """A loop that fills a vector."""
    for statement in cpp.statements(body):
        pushed = re.match(r"(\w+)\.(?:push|emplace)_back\((.*)\)$", statement, re.DOTALL)
        if not pushed:
            raise NotRead("a loop that does more than filling a vector")
        one = cpp.value(pushed[2], names, CALLS)
        names[pushed[1]] = names[pushed[1]] + [one] * cpp.value(times, names, CALLS)


def _declared(expression: str, names: dict[str, Any]) -> Any:
    if re.match(r"\[[&=\w]*\]\s*\(", expression):
        raise NotRead("a function within a test")
    if not expression:
        return []
    if expression.startswith("("):
        return CALLS["vector"](*cpp.value(f"{{{expression[1:-1]}}}", names, CALLS))
    return cpp.value(expression, names, CALLS)


def _helped(name: str, op: str, order: tuple[str, ...], told: list[Any], dtype: str) -> SuiteCase:
    """The case of a call (attributes, inputs, their shapes, y, its shape, ...) of a helper."""
    attributes, inputs, shapes, y, y_shape, *others = told
    options = {k: v for k, v in zip(order, attributes) if v not in ("", [])}
    if len(attributes) > len(order) + 1:
        return SuiteCase(name, unmodelled="no NhwcFusedConv")
    if options.get("pads"):
        options.pop("auto_pad", None)
    failing = any(o == "kExpectFailure" for o in others if isinstance(o, cpp.Symbol))
    try:
        arrays = [_array(s, v, dtype) for s, v in zip(shapes, inputs)]
    except NotRead:
        if failing:
            return SuiteCase(name, unmodelled="arrays whose shapes are not those of their values")
        raise
    return _case(name, op, arrays, options, None if failing else _array(y_shape, y, dtype))


def _case(
    name: str, op: str, inputs: list[Any], options: dict[str, Any], expected: Any
) -> SuiteCase:
    if op not in MODELLED or "activation" in options:
        return SuiteCase(name, unmodelled=f"no {op}{' with an activation' * (op in MODELLED)}")
    given = named_by_position(f"onnx.{op}", inputs) | options
    tolerance = TOLERANCE.get(inputs[0].dtype.name, 0.0)
    return SuiteCase(name, f"onnx.{op}", given, expected, tolerance=tolerance)


def _array(shape: Any, values: Any, dtype: str) -> np.ndarray:
    if isinstance(shape, cpp.Symbol) or isinstance(values, cpp.Symbol):
        raise NotRead(f"the array {values if isinstance(values, cpp.Symbol) else shape}")
    array = np.array(values, dtype)
    if array.size != np.prod(shape, dtype=int):
        raise NotRead(f"{array.size} values of shape {shape}")
    return array.reshape([int(n) for n in shape])


def _web(file: Path) -> Iterator[SuiteCase]:
    text = cpp.uncommented(file.read_text("utf-8"))
    for model in json.loads(re.sub(r",(\s*[\]}])", r"\1", text)):
        options = {a["name"]: a["data"] for a in model.get("attributes", ())}
        for case in model["cases"]:
            inputs, (expected, *_) = (
                [
                    None if a["data"] is None else _array(a["dims"], a["data"], a["type"])
                    for a in case[role]
                ]
                for role in ("inputs", "outputs")
            )
            yield _case(
                f"{model['name']} {case['name']}", model["operator"], inputs, options, expected
            )

"""The convolutions among the tests that the onnx package carries: nodes, and PyTorch's converted.

The node tests are made by ``onnx.backend.test.case.node``, the others lie in its data folders.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from uniconv.conformance.suite import SuiteCase, named_by_position
from uniconv.errors import UnknownName
from uniconv.spec.registry import find

__all__ = ["FOLDERS", "suites"]

FOLDERS = ("pytorch-converted", "pytorch-operator")


def suites() -> dict[str, list[SuiteCase]]:
    """The cases of each part."""
    return {"node": list(_nodes())} | {name: list(_converted(name)) for name in FOLDERS}


def _nodes() -> Iterator[SuiteCase]:
    tests = importlib.import_module("onnx.backend.test.case.node")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other operators: they divide by zero on purpose
        cases = tests.collect_testcases(None)
    for test in cases:
        for inputs, outputs in test.data_sets if test.model is not None else ():
            yield from _case(test.name, test.model, list(inputs), outputs[0])


def _converted(folder: str) -> Iterator[SuiteCase]:
    onnx = importlib.import_module("onnx")
    data = Path(importlib.import_module("onnx.backend.test").__file__ or "").parent / "data"
    for file in sorted((data / folder).glob("*/model.onnx")):
        model = onnx.load(file)
        if "Conv" not in "".join(node.op_type for node in model.graph.node):
            continue
        for values in sorted(file.parent.glob("test_data_set_*")):
            count = len(list(values.glob("input_*.pb")))
            inputs = [_array(values / f"input_{i}.pb") for i in range(count)]
            yield from _case(file.parent.name, model, inputs, _array(values / "output_0.pb"))


def _case(name: str, model: Any, inputs: list[Any], expected: Any) -> Iterator[SuiteCase]:
    """The case of a model of one node that convolves."""
    helper, arrays = (importlib.import_module(f"onnx.{n}") for n in ("helper", "numpy_helper"))
    node = model.graph.node[0]
    if len(model.graph.node) > 1 or "Conv" not in node.op_type:
        return
    function = f"onnx.{node.op_type}"
    try:
        find(function)
    except UnknownName:
        yield SuiteCase(name, unmodelled=f"no {node.op_type}")
        return
    known = {tensor.name: arrays.to_array(tensor) for tensor in model.graph.initializer}
    left = iter(inputs)
    known |= {entry.name: next(left) for entry in model.graph.input if entry.name not in known}
    keywords = named_by_position(function, [known.get(n) for n in node.input])
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        keywords[attribute.name] = value.decode() if isinstance(value, bytes) else value
    yield SuiteCase(name, function, keywords, expected)


def _array(file: Path) -> Any:
    onnx = importlib.import_module("onnx")
    tensor = onnx.TensorProto()
    tensor.ParseFromString(file.read_bytes())
    return importlib.import_module("onnx.numpy_helper").to_array(tensor)

"""LiteRT's tests of its built-in kernels: float models; quantized ones are only counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from tests.suites import cpp
from tests.suites.reading import NotRead
from uniconv.conformance.suite import SuiteCase

SOURCE = "google-ai-edge/LiteRT"
FILES = ("conv", "depthwise_conv", "transpose_conv", "conv3d", "conv3d_transpose")
TOO_MANY = 10**8  # elements
MODEL = re.compile(r"(\w+Model)(?:<[\w:]*>)?\s+\w+\s*\(", re.DOTALL)
STRIDES_2D = (("stride_w", 1), ("stride_h", 1))
STRIDES_3D = (("stride_d", 1), ("stride_w", 1), ("stride_h", 1))
DILATIONS_3D = tuple((f"dilation_{a}_factor", 1) for a in "dwh")
OPTIONAL_3D = (
    ("padding", "VALID"),
    *STRIDES_3D,
    ("fused_activation_function", "NONE"),
    *DILATIONS_3D,
)
# What a model's constructor takes, in order; a pair says the default.
PARAMETERS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "ConvolutionOpModel": (
        "tflite.CONV_2D",
        (
            "registration",
            "input",
            "filter",
            "output",
            ("stride_w", 2),
            ("stride_h", 2),
            ("padding", "VALID"),
            ("fused_activation_function", "NONE"),
            ("dilation_w_factor", 1),
            ("dilation_h_factor", 1),
            ("threads", -1),
            ("filter data", []),
        ),
    ),
    "DepthwiseConvolutionOpModel": (
        "tflite.DEPTHWISE_CONV_2D",
        (
            "registration",
            "input",
            "filter",
            "output",
            "padding",
            ("dilation", 1),
            *STRIDES_2D,
            ("fused_activation_function", "NONE"),
        ),
    ),
    "TransposeConvOpModel": (
        "tflite.TRANSPOSE_CONV",
        (
            "registration",
            "output_shape",
            "filter",
            "filter data",
            "input",
            "output",
            "padding",
            "stride_w",
            "stride_h",
            "fused_activation_function",
            ("test", ""),
            ("version", 1),
        ),
    ),
    "PrepareOnlyTransposeConvOpModel": (
        "tflite.TRANSPOSE_CONV",
        (
            "registration",
            "output_shape",
            "filter",
            "input",
            "output",
            "padding",
            "stride_w",
            "stride_h",
            "fused_activation_function",
            ("version", 1),
            ("bias type", ""),
        ),
    ),
    "TransposeConvOpBiasModel": (
        "tflite.TRANSPOSE_CONV",
        (
            "registration",
            "output_shape",
            "filter",
            "filter data",
            "input",
            "output",
            "padding",
            "stride_w",
            "stride_h",
            "fused_activation_function",
            ("test", ""),
            ("version", 3),
        ),
    ),
    "Conv3dOpModel": ("tflite.CONV_3D", ("input", "filter", "output", *OPTIONAL_3D)),
    "Conv3dTransposeOpModel": (
        "tflite.CONV_3D_TRANSPOSE",
        ("output_shape", "filter", "input", "output", "test", *OPTIONAL_3D),
    ),
}
PARAMETERS["PrepareOnlyConvolutionOpModel"] = PARAMETERS["ConvolutionOpModel"]
PARAMETERS["PrepareOnlyDepthwiseConvolutionOpModel"] = PARAMETERS["DepthwiseConvolutionOpModel"]
PARAMETERS["PrepareOnlyConv3dOpModel"] = PARAMETERS["Conv3dOpModel"]
PARAMETERS["PrepareOnlyConv3dTransposeOpModel"] = (
    "tflite.CONV_3D_TRANSPOSE",
    ("output_shape", "filter", "input", "output", *OPTIONAL_3D),
)
OWN = ("padding", "fused_activation_function", "output_shape")
CALLS = {
    "ElementsAreArray": lambda a, *_: a,
    "ElementsAre": lambda *a: list(a),
    "ArrayFloatNear": lambda a, *_: a,
    "Pointwise": lambda _, a: a,
    "FloatingPointEq": lambda: None,
    "NanSensitiveFloatEq": lambda: None,
    "FloatNear": lambda _: None,
    "CreateRangeVector": lambda n: list(range(n)),
    "vector": lambda *a: [*a],
} | {name: lambda: "" for name in ("GetParam", "GetTestType", "GetRegistration")}


def suites(checkout: Path) -> dict[str, list[SuiteCase]]:
    at = checkout / "tflite/kernels"
    return {f"{name}_test.cc": list(_cases(at / f"{name}_test.cc")) for name in FILES}


def _cases(file: Path) -> Iterator[SuiteCase]:
    text = cpp.uncommented(file.read_text("utf-8"))
    helpers = cpp.functions(text)
    for name, body in cpp.tests(text):
        if "DISABLED_" in name:
            continue
        found = 0
        try:
            for case in _of_test(name, body, helpers, {}):
                found += 1
                yield case
        except NotRead as error:
            yield SuiteCase(name, unmodelled=f"not read: {error}")
        else:
            if not found:
                yield SuiteCase(name, unmodelled="not read: a test without a model's numbers")


def _of_test(
    name: str, body: str, helpers: dict[str, str], names: dict[str, Any]
) -> Iterator[SuiteCase]:
    """The cases of a test, of the functions that it calls and of its lists of cases."""
    members: tuple[str, ...] = ()
    model = Model(name, names)
    for statement in cpp.statements(body):
        helper = re.match(r"(\w+)\(", statement)
        members = cpp.fields(statement) or members
        over = cpp.range_loop(statement)
        if helper and helper[1] in helpers:
            yield from _of_test(name, helpers[helper[1]], helpers, {})
        elif over and members:
            for one in cpp.value(over[1], names, CALLS):
                inner = {f"{over[0]}.{k}": v for k, v in zip(members, one)}
                yield from _of_test(name, over[2], helpers, names | inner)
        elif not statement.startswith(("for", "struct")):  # or the same with other threads
            case = model.case(statement)
            if case is not None:
                yield case
            if case is not None and case.unmodelled:
                return


class Model:
    """The model of a test, while its tensors are written."""

    def __init__(self, name: str, names: dict[str, Any]) -> None:
        self.name, self.names = name, names
        self.function, self.told = "", {}

    def case(self, statement: str) -> SuiteCase | None:
        """What a statement asks of the model; None where it asks nothing."""
        made = MODEL.search(statement)
        if made and made[1] not in PARAMETERS:
            return SuiteCase(self.name, unmodelled="quantized")
        if made:
            end = cpp.closing(statement, made.end() - 1)
            parts = cpp.parts(statement[made.end() : end])
            self.function, self.told = _model(made[1], parts, self.names)
            return (
                _case(self.name, self.function, self.told, None) if "DEATH" in statement else None
            )
        if "kTfLiteError" in statement:
            return _case(self.name, self.function, self.told, None)
        if "EXPECT_EQ" in statement and "AllocateTensors(), kTfLiteOk" in statement:
            return _case(self.name, self.function, self.told, [])
        if "GetOutput()" in statement and "EXPECT_THAT" in statement:
            inner = cpp.parts(statement[statement.index("(") + 1 : statement.rindex(")")])
            y = cpp.value(inner[1], self.names, CALLS)
            return _case(self.name, self.function, self.told, y)
        self.write(statement)
        return None

    def write(self, statement: str) -> None:
        """A tensor that is filled, or a name that gets a value."""
        filled = re.match(r"\w+\.Set(Input|Filter|Bias)\((.*)\)$", statement, re.DOTALL)
        if filled:
            key = {"Input": "input data", "Filter": "filter data", "Bias": "bias"}[filled[1]]
            self.told[key] = cpp.value(filled[2], self.names, CALLS)
        elif declared := cpp.declaration(statement):
            self.names[declared[1]] = cpp.value(declared[2], self.names, CALLS)


def _model(model: str, arguments: list[str], names: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The function of a model, and what its constructor was given."""
    function, parameters = PARAMETERS[model]
    told = {p[0]: p[1] for p in parameters if isinstance(p, tuple)}
    wanted = [p[0] if isinstance(p, tuple) else p for p in parameters]
    given = [
        None if wanted[0] == "registration" and not i else cpp.value(a, names, CALLS)
        for i, a in enumerate(arguments)
    ]
    tensors = [v for v in given if isinstance(v, list) and v and isinstance(v[0], cpp.Symbol)]
    if len(tensors) == 4:  # input, filter, bias and output
        at = wanted.index("output")
        wanted = [*wanted[:at], "bias tensor", *wanted[at:]]
    return function, told | dict(zip(wanted, given))


def _case(name: str, function: str, told: dict[str, Any], expected: Any) -> SuiteCase:
    """The case of a model with what was written into its tensors so far."""
    tensors = {role: told[role] for role in ("input", "filter")}
    if any(kind != "TensorType_FLOAT32" for kind, *_ in tensors.values()):
        return SuiteCase(name, unmodelled="quantized")
    shapes = {role: tuple(shape) for role, (_, shape, *_) in tensors.items()}
    if any(prod(shape) > TOO_MANY for shape in shapes.values()):
        return SuiteCase(name, unmodelled="more elements than are tried here")
    options = {k: v for k, v in told.items() if k in OWN or k.startswith(("stride_", "dilation_"))}
    if "dilation" in told:
        options |= dict.fromkeys(("dilation_w_factor", "dilation_h_factor"), told["dilation"])
    for word in ("padding", "fused_activation_function"):
        options[word] = str(options[word]).partition("_")[2] or options[word]
        options[word] = options[word].removeprefix("FunctionType_")
    arrays = {
        role: np.zeros(shape, "float32")
        if not told.get(f"{role} data")
        else _array(told[f"{role} data"], shape)
        for role, shape in shapes.items()
    }
    if function == "tflite.TRANSPOSE_CONV":
        arrays["weights"] = arrays.pop("filter")
    if "bias" in told or "bias tensor" in told:
        count = told["bias tensor"][1][0] if "bias tensor" in told else len(told["bias"])
        values = told.get("bias", [0] * count)
        arrays["bias"] = np.array(values, "float32")
    if expected is None:
        return SuiteCase(name, function, arrays | options)
    return SuiteCase(
        name, function, arrays | options, _array(expected, _output(function, shapes, options))
    )


def _array(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    if not isinstance(values, list) or any(isinstance(v, cpp.Symbol) for v in values):
        raise NotRead(f"the values {values}")
    if len(values) != prod(shape):
        raise NotRead(f"{len(values)} values of shape {shape}")
    return np.array(values, "float32").reshape(shape)


def _output(
    function: str, shapes: dict[str, tuple[int, ...]], options: dict[str, Any]
) -> tuple[int, ...]:
    """The shape of y, of which the tests tell the elements only."""
    if "output_shape" in options:
        return tuple(options["output_shape"])
    batch, *size, _ = shapes["input"]
    kernel = shapes["filter"]
    deep = function.endswith("3D")
    spatial, channels = (kernel[:3], kernel[-1]) if deep else (kernel[1:3], kernel[0])
    channels = kernel[-1] if "DEPTHWISE" in function else channels
    out = []
    for n, k, letter in zip(size, spatial, "dhw"[-len(size) :]):
        extent = (k - 1) * options.get(f"dilation_{letter}_factor", 1) + 1
        fits = n if options["padding"] == "SAME" else n - extent + 1
        out.append(-(-fits // options[f"stride_{letter}"]))
    return (batch, *out, channels)

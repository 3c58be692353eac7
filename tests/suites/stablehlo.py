"""StableHLO's own tests: numbers of its interpreter and of JAX, and what its verifier refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.suites.mlir import (
    attributes,
    dense,
    element_type,
    functions,
    parameters,
    shape_and_type,
    uncommented,
    value_of,
    values,
)
from tests.suites.reading import NotRead
from uniconv.conformance.suite import SuiteCase

SOURCE = "openxla/stablehlo"
FUNCTION = "stablehlo.convolution"
PRETTY = re.compile(
    r"(%\w+)\s*=\s*stablehlo\.convolution\((%[\w#]+),\s*(%[\w#]+)\)\s*"
    r"dim_numbers\s*=\s*(.*?->\s*\[[^\]]*\]),\s*window\s*=\s*\{(.*?)\}\s*"
    r"\{(.*?)\}\s*:\s*\((.*?)\)\s*->\s*(tensor<[^\n]*?>)\s*$",
    re.DOTALL | re.MULTILINE,
)
GENERIC = re.compile(
    r'(%\w+)\s*=\s*"stablehlo\.(?:convolution|dynamic_conv)"\(([^)]*)\)\s*<?\{(.*?)\}>?\s*:\s*'
    r"\((.*?)\)\s*->\s*(tensor<[^\n]*?>)\s*$",
    re.DOTALL | re.MULTILINE,
)
CONSTANT_CHECK = re.compile(
    r"check\.expect_(?:almost_)?eq_const (%\w+), dense<(.*?)>\s*:\s*(tensor<[^\n]*>)", re.DOTALL
)
VALUE_CHECK = re.compile(r"@check\.(?:expect_\w+|eq)\((%\w+), (%\w+)\)")
WINDOW = {
    "stride": "window_strides",
    "pad": "padding",
    "lhs_dilate": "lhs_dilation",
    "rhs_dilate": "rhs_dilation",
    "reverse": "window_reversal",
}


def suites(checkout: Path) -> dict[str, list[SuiteCase]]:
    at = checkout / "stablehlo"
    interpreted = [at / "tests/interpret" / f"{n}.mlir" for n in ("convolution", "dynamic_conv")]
    data = sorted((at / "testdata").glob("conv_general_dilated_*.mlir"))
    return {
        "interpreter": [case for file in interpreted for case in _cases(file)],
        "testdata": [case for file in data for case in _cases(file)],
        "testdata, sizes of a run": [
            case
            for file in sorted((at / "testdata/dynamic").glob("conv_*.mlir"))
            for case in _cases(file)
        ],
        "testdata, quantized": [
            case
            for file in sorted((at / "testdata/quantized").glob("*conv*.mlir"))
            for case in _cases(file)
        ],
        "verifier, convolution": list(_cases(at / "tests/verify_convolution.mlir")),
        "verifier, dynamic_conv": list(_cases(at / "tests/verify_dynamic_conv.mlir")),
    }


def _cases(file: Path) -> Iterator[SuiteCase]:
    """A case for each part of a file that has a convolution."""
    for i, part in enumerate(file.read_text("utf-8").split("// -----")):
        if "stablehlo.conv" not in part and "dynamic_conv" not in part:
            continue
        refused = re.search(r"expected-error\S*\s*\{\{(.*?)\}\}", part, re.DOTALL)
        text = uncommented(part)
        name = next(iter(functions(text)), "attributes")
        name = f"{file.stem[:60]} {i} {name}" + (f": {refused[1]}" if refused else "")
        try:
            arguments, expected = _call(text)
        except NotRead as error:
            yield SuiteCase(name, unmodelled=str(error))
            continue
        yield SuiteCase(name, FUNCTION, arguments, None if refused else expected)


def _call(text: str) -> tuple[dict[str, Any], np.ndarray]:
    """The arguments of the convolution in a text, and what it gives."""
    every = functions(text)
    for told, body in every.values():
        pretty, generic = PRETTY.search(body), GENERIC.search(body)
        if not pretty and not generic:
            continue
        if "!quant" in body:
            raise NotRead("quantized")
        known = parameters(told) | values(body, every)
        if pretty:
            result, lhs, rhs, numbers, window, others, _, of = pretty.groups()
            options = {WINDOW.get(k, k): value_of(v) for k, v in attributes(window).items()}
            options |= {k: value_of(v) for k, v in attributes(others).items()}
            options["dimension_numbers"] = numbers
        else:
            assert generic
            result, operands, attached, _, of = generic.groups()
            lhs, rhs, *more = (name.strip() for name in operands.split(","))
            options = {k: value_of(v) for k, v in attributes(attached).items()}
            if more:
                options["padding"] = known[more[0]].tolist()
        shape, dtype = shape_and_type(of)
        arguments = {"lhs": known[lhs], "rhs": known[rhs], **options}
        if dtype != known[lhs].dtype:
            arguments["result"] = element_type(of)
        return arguments, _expected(body, result, known, np.zeros(shape, dtype))
    spelled = re.search(r"stablehlo\.conv\s*=\s*(#stablehlo\.conv<.*>)\s*\}", text, re.DOTALL)
    if spelled is None:
        raise NotRead("a convolution that is spelled in another way")
    ones = {"lhs": np.zeros((1, 1, 1, 1), "float32"), "rhs": np.zeros((1, 1, 1, 1), "float32")}
    counts = {"feature_group_count": 1, "batch_group_count": 1}
    return {**ones, "dimension_numbers": spelled[1], **counts}, np.zeros((1, 1, 1, 1), "float32")


def _expected(
    body: str, result: str, known: dict[str, np.ndarray], zeros: np.ndarray
) -> np.ndarray:
    """What the test expects; the zeros of the type that the verifier accepts."""
    constant = CONSTANT_CHECK.search(body)
    if constant:
        return dense(constant[2], constant[3])
    compared = VALUE_CHECK.search(body)
    if compared is None:
        return zeros
    other = compared[2] if compared[1] == result else compared[1]
    return known[other]

"""As much of MLIR's text as StableHLO's convolution tests use: tensor types, literals, functions.

A value is an array, or the name of a type for what has none.
"""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from tests.suites.reading import NotRead

DTYPES = {
    "f16": "float16",
    "f32": "float32",
    "f64": "float64",
    "i1": "bool",
    "i8": "int8",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
    "ui8": "uint8",
    "si8": "int8",
    "si64": "int64",
    "complex<f32>": "complex64",
}
TENSOR = re.compile(r"tensor<((?:[\d?]+x)*)(.*)>", re.DOTALL)
FUNCTION = re.compile(r"func\.func\s+(?:public\s+|private\s+)?@(\w+)\s*\(")
CONSTANT = re.compile(
    r"(%[\w]+)\s*=\s*stablehlo\.constant\s+dense<(.*?)>\s*:\s*(tensor<[^\n]*>)", re.DOTALL
)


def uncommented(text: str) -> str:
    return re.sub(r"//[^\n]*", "", text)


def shape_and_type(text: str) -> tuple[tuple[int, ...], str]:
    """The shape and the NumPy dtype of a tensor type."""
    found = TENSOR.fullmatch(text.strip())
    if found is None:
        raise NotRead(f"type {text.strip()}")
    if "quant" in found[2]:
        raise NotRead("quantized")
    if "?" in found[1]:
        raise NotRead("sizes that only a run knows")
    if found[2] not in DTYPES:
        raise NotRead(f"element type {found[2]}")
    return tuple(int(n) for n in found[1].split("x")[:-1]), DTYPES[found[2]]


def element_type(text: str) -> str:
    """The element type of a tensor type, as it is written."""
    found = TENSOR.fullmatch(text.strip())
    return found[2] if found else ""


def dense(literal: str, of: str) -> np.ndarray:
    """The array of ``dense<literal> : of``."""
    shape, dtype = shape_and_type(of)
    literal = literal.strip()
    if literal.startswith('"0x'):
        little = np.dtype(dtype).newbyteorder("<")
        flat = np.frombuffer(bytes.fromhex(literal.strip('"')[2:]), little).astype(dtype)
        return np.broadcast_to(flat, shape) if flat.size == 1 else flat.reshape(shape)
    words = {"true": "True", "false": "False"}
    value = ast.literal_eval(re.sub(r"\b(true|false)\b", lambda m: words[m[0]], literal) or "[]")
    array = np.array(value, dtype)
    return array.reshape(shape) if array.size == 0 else np.broadcast_to(array, shape)


def functions(text: str) -> dict[str, tuple[str, str]]:
    """Every function: its parameters and its body, as text."""
    found = {}
    starts = list(FUNCTION.finditer(text))
    for match, following in zip(starts, [*starts[1:], None]):
        whole = text[match.end() : following.start() if following else len(text)]
        parameters, _, body = _closed(whole)
        found[match[1]] = (parameters, body)
    return found


def _closed(text: str) -> tuple[str, str, str]:
    """What stands before the parenthesis that closes, that one, and what follows."""
    depth = 1
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if not depth:
            return text[:i], ")", text[i + 1 :]
    raise NotRead("a parenthesis that is not closed")


def parameters(text: str) -> dict[str, np.ndarray]:
    """Zeros for the parameters of a function."""
    told = re.findall(r"(%\w+)\s*:\s*(tensor<[^>]*(?:<[^>]*>)?[^>]*>)", text)
    return {name: np.zeros(*shape_and_type(of)) for name, of in told}


def values(body: str, every: dict[str, tuple[str, str]]) -> dict[str, np.ndarray]:
    """The constants of a body, and what the functions that it calls return."""
    known = {name: dense(literal, of) for name, literal, of in CONSTANT.findall(body)}
    for name, count, callee in re.findall(
        r"(%\w+)(?::(\d+))?\s*=\s*(?:func\.)?call @(\w+)\(\)", body
    ):
        inner = every[callee][1]
        returned = re.search(r"return\s+([^:\n]*)", inner)
        made = values(inner, every)
        names = [n.strip() for n in returned[1].split(",")] if returned else []
        for i, one in enumerate(names):
            known[f"{name}#{i}" if count else name] = made[one]
    return known


def attributes(text: str) -> dict[str, str]:
    """``name = value`` pairs of one level, as text; NotRead where a name comes twice."""
    found: dict[str, str] = {}
    depth, start, parts = 0, 0, []
    for i, character in enumerate(text):
        arrow = character == ">" and text[i - 1] == "-"
        depth += (character in "[<{(") - (character in "]}>)" and not arrow)
        if character == "," and not depth:
            parts.append(text[start:i])
            start = i + 1
    for part in [*parts, text[start:]]:
        name, equals, value = part.partition("=")
        if not equals:
            continue
        if name.strip() in found:
            raise NotRead("an attribute that is given twice: a matter of the text's syntax")
        found[name.strip()] = value.strip()
    return found


def value_of(text: str) -> Any:
    """An attribute's value as Python has it."""
    text = re.sub(r"\s*:\s*i64$", "", text)
    if text.startswith("array<"):
        text = "[" + text[6:-1].partition(":")[2] + "]"
    literal = re.fullmatch(r"dense<(.*)>\s*:\s*(tensor<.*>)", text, re.DOTALL)
    if literal:
        return dense(literal[1], literal[2]).tolist()
    text = re.sub(r"\btrue\b", "True", re.sub(r"\bfalse\b", "False", text))
    text = re.sub(r"#stablehlo<precision (\w+)>", r'"\1"', text)
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text

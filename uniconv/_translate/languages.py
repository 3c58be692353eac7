"""The languages in which a call is written: numbers of axes, shapes, indices, formulas."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from uniconv._messages import show_tuple
from uniconv._translate.layout_of_code import formatted
from uniconv.errors import CannotExpress


@dataclass(frozen=True, slots=True)
class Language:
    """How a language writes what all frameworks in it share.

    first: the number of the first axis; where it is 1, memory is column-major.
    axes, shape, formula: numbers of axes, a shape, and a formula as they are written.
    index: an index, of (start, stop, step) or of an integer for each axis.
    size: one extent of an array; rest: an extent that follows from the others.
    new_axes: so many axes of size 1 at the end of an array of so many; "" where they need not be.
    plus, times: between arrays; end: what ends a line; tidy: a line as a formatter leaves it.
    """

    name: str
    first: int
    axes: Callable[[Sequence[int]], str]
    shape: Callable[[Sequence[Any]], str]
    formula: Callable[[Any], str]
    index: Callable[[str, Sequence[Any]], str]
    size: str
    rest: str
    new_axes: Callable[[int, int], str]
    plus: str = "{a} + {b}"
    times: str = "{a} * {b}"
    end: str = ""
    tidy: Callable[[str], list[str]] = lambda line: [line]


# Formulas are Python; in other languages they are read again and written.


def _python_index(x: str, parts: Sequence[Any]) -> str:
    """ "[:, 1:-2, ::2]": whole axes at the end left out."""
    texts = []
    for part in parts:
        if isinstance(part, tuple):
            start, stop, step = part
            text = f"{'' if is_zero(start) else start}:{'' if stop is None else stop}"
            texts.append(f"{text}:{step}" if step != 1 else text)
        else:
            texts.append(str(part))
    while texts and texts[-1] == ":":
        texts.pop()
    return f"{x}[{', '.join(texts)}]" if texts else x


def is_whole(part: Any) -> bool:
    """Whether a part of an index takes a whole axis."""
    return isinstance(part, tuple) and is_zero(part[0]) and part[1] is None and part[2] == 1


def is_zero(n: Any) -> bool:
    return type(n) is int and n == 0


PYTHON = Language(
    "python",
    0,
    axes=show_tuple,
    shape=show_tuple,
    formula=str,
    index=_python_index,
    size="{x}.shape[{axis}]",
    rest="-1",
    new_axes=lambda ndim, count: f"{{x}}[{', '.join([':'] * ndim + ['None'] * count)}]",
    tidy=formatted,
)


def in_julia(formula: Any) -> str:
    """A formula of Python's as Julia writes it: ``fld(a, b)`` and ``mod(a, b)``."""
    return _respelled(
        str(formula), {"//": "fld({a}, {b})", "%": "mod({a}, {b})"}, "({q} ? {a} : {b})", "{f}({v})"
    )


def in_matlab(formula: Any) -> str:
    """A formula of Python's as MATLAB writes it."""
    return _respelled(
        str(formula), {"//": "floor(({a}) / {b})", "%": "mod({a}, {b})"}, "", "{f}({v})"
    )


def of_symbols(functions: Mapping[str, str]) -> Callable[[Any], str]:
    """Formulas in Python whose extents are symbols: max, min and if by these functions."""

    def formula(value: Any) -> str:
        text = str(value)
        if not re.search(r"\b(?:max|min|if)\b", text):
            return text
        operators = {"//": "(({a}) // {b})", "%": "(({a}) % {b})"}
        text = _respelled(text, operators, functions["if"] + "({q}, {a}, {b})", "{f}({v})")
        return re.sub(r"\b(max|min)\(", lambda match: f"{functions[match[1]]}(", text)

    return formula


def _is_sum(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))


def _respelled(text: str, operators: Mapping[str, str], choice: str, function: str) -> str:
    def spelled(node: ast.expr) -> str:
        if isinstance(node, ast.BinOp):
            a, b = spelled(node.left), spelled(node.right)
            name = {ast.FloorDiv: "//", ast.Mod: "%"}.get(type(node.op))
            if name:
                return operators[name].format(a=a, b=b)
            sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}[type(node.op)]
            a = f"({a})" if sign == "*" and _is_sum(node.left) else a
            b = f"({b})" if sign != "+" and _is_sum(node.right) else b
            return f"{a} {sign} {b}"
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            return function.format(f=node.func.id, v=", ".join(map(spelled, node.args)))
        if isinstance(node, ast.UnaryOp):
            return f"-{spelled(node.operand)}"
        if isinstance(node, ast.IfExp):
            assert isinstance(node.test, ast.Compare)
            q = f"{spelled(node.test.left)} < {spelled(node.test.comparators[0])}"
            if not choice:
                raise CannotExpress("matlab", "sizes", f"{text} is no expression of MATLAB's")
            return choice.format(q=q, a=spelled(node.body), b=spelled(node.orelse))
        return ast.unparse(node)

    return spelled(ast.parse(text, mode="eval").body)


def _from_one(
    x: str, parts: Sequence[Any], formula: Callable[[Any], str], opening: str, closing: str
) -> str:
    """An index in a language that counts from 1 and whose ranges end where they say."""
    texts = []
    for part in parts:
        if is_whole(part):
            texts.append(":")
        elif isinstance(part, tuple):
            start, stop, step = part
            begin = (
                f"end - {-start - 1}" if type(start) is int and start < 0 else formula(start + 1)
            )
            begin = "end" if begin == "end - 0" else begin
            if type(stop) is int and stop < 0:
                last = f"end - {-stop}"
            else:
                last = "end" if stop is None else formula(stop)
            texts.append(f"{begin}:{last}" if step == 1 else f"{begin}:{step}:{last}")
        else:
            texts.append(str(part + 1))
    return x if set(texts) <= {":"} else f"{x}{opening}{', '.join(texts)}{closing}"


JULIA = Language(
    "julia",
    1,
    axes=show_tuple,
    shape=show_tuple,
    formula=in_julia,
    index=lambda x, parts: _from_one(x, parts, in_julia, "[", "]"),
    size="size({x}, {axis})",
    rest=":",
    new_axes=lambda ndim, count: f"reshape({{x}}, (size({{x}})..., {', '.join(['1'] * count)}))",
    plus="{a} .+ {b}",
    times="{a} .* {b}",
)
MATLAB = Language(
    "matlab",
    1,
    axes=lambda axes: f"[{' '.join(map(str, axes))}]",
    # There are no arrays of one axis: zeros(2) is a matrix, zeros([2 1]) a vector.
    shape=lambda shape: f"[{' '.join(map(str, shape if len(shape) > 1 else [*shape, 1]))}]",
    formula=in_matlab,
    index=lambda x, parts: _from_one(x, parts, in_matlab, "(", ")"),
    size="size({x}, {axis})",
    rest="numel({x})",
    new_axes=lambda ndim, count: "",
    times="{a} .* {b}",
    end=";",
)
LANGUAGES = {language.name: language for language in (PYTHON, JULIA, MATLAB)}

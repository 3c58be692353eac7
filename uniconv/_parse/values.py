"""What a node stands for: an option's value, or an array, by its name or written out."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from uniconv._messages import suggest
from uniconv._parse.functions import CONSTANTS
from uniconv._parse.source import SourceText
from uniconv._parse.tree import (
    Application,
    Argument,
    Expression,
    Items,
    Literal,
    NameInText,
    Node,
    Program,
    names_in,
)
from uniconv.errors import BadArray, BadOption

__all__ = ["ROLES_IN_WORDS", "Values"]

ROLES_IN_WORDS = {
    "x": "the input",
    "w": "the kernel",
    "bias": "the bias",
    "pointwise": "the second kernel",
}
# What makes an array of its first argument, and leaves its numbers as they are.
MAKERS = {
    *("array", "asarray", "constant", "tensor", "as_tensor", "from_numpy", "to_tensor", "Tensor"),
    *("convert_to_tensor", "Variable", "FloatTensor", "DoubleTensor", "asnumpy", "asanyarray"),
    *("shared", "dlarray", "param", "gpu", "cpu", "KnetArray", "CuArray", "Array", "cu", "UMat"),
    *("single", "double", "Float32", "Float64", "float32", "float64", "Parameter", "collect"),
}
# What makes a number or a dtype of its argument, where an option stands: np.int64(2).
OF_NUMBERS = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)} | {
    *("float16", "bfloat16", "complex64", "complex128", "dtype"),
}
TYPES = {"bool": bool, "int": int, "float": float, "complex": complex}
# Methods that leave an array's numbers and axes as they are.
KEEPERS = {
    *("cuda", "cpu", "to", "float", "double", "detach", "contiguous", "clone", "copy", "numpy"),
    *("requires_grad_", "asnumpy", "eval"),
}
# Arithmetic of numbers that are written out: padding=9 // 2.
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "|": operator.or_,
}
# What makes an array of a shape.
OF_SHAPES = {
    "randn",
    "rand",
    "ones",
    "zeros",
    "empty",
    "normal",
    "uniform",
    "random",
    "placeholder",
}
DTYPES = {"float16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "complex64"}


class Values:
    """The arrays that stand beside a text, and what its names stand for."""

    def __init__(self, source: SourceText, program: Program, beside: Mapping[str, Any]) -> None:
        self.source, self.program, self.beside = source, program, beside
        self.used: set[str] = set()
        self._plain_lists: set[int] = set()

    def option(self, name: str, argument: Argument, *, activation: bool = False) -> Any:
        """The value of an option; BadOption where it is no value that is written out."""
        return self._value(name, argument.value, activation, set())

    def _value(self, name: str, node: Node, activation: bool, seen: set[str]) -> Any:
        match node:
            case Literal():
                return node.value
            case Items():
                items = [self._value(name, item, activation, seen) for item in node.items]
                return items if node.kind == "list" else tuple(items)
            case NameInText():
                return self._named_value(name, node, activation, seen)
            case Application(function=NameInText(path=path), arguments=[first, *_]) if (
                path.rpartition(".")[2] in MAKERS | OF_NUMBERS
            ):
                return self._value(name, first.value, activation, seen)
            case Application(function=NameInText(path=path), arguments=()) if "." not in path:
                return f"{path}()"  # Julia's SamePad()
            case Expression(operator=sign, parts=parts) if sign in _ARITHMETIC:
                number = self._number(parts, sign)
                whole = isinstance(number, float) and number.is_integer() and abs(number) < 1 << 53
                if number is not None:
                    return int(number) if whole and sign != "*" else number  # type: ignore[arg-type]
        text = node.text if isinstance(node, (Expression, Application)) else "this"
        raise self.source.error(
            BadOption, node.at, f"{name}={text} is not evaluated: write its value"
        )

    def _number(self, parts: tuple[Node, ...], sign: str) -> int | float | complex | None:
        """``9 // 2`` and ``k // 2``, of numbers that are written out; None for anything else."""
        numbers: list[Any] = []
        for part in parts:
            node = part
            if isinstance(node, NameInText):
                node = self.program.variables.get(node.path, node)
            if isinstance(node, NameInText):
                node = Literal(node.at, self._constant(node.path))
            if isinstance(node, Literal) and type(node.value) in (int, float, complex):
                numbers.append(node.value)
            elif isinstance(node, Expression) and node.operator in _ARITHMETIC:
                numbers.append(self._number(node.parts, node.operator))
            else:
                return None
        if None in numbers or len(numbers) not in (1, 2):
            return None
        if len(numbers) == 1:
            return -numbers[0] if sign == "-" else None
        if sign in ("/", "//", "%") and not numbers[1]:
            return None
        if sign in ("//", "%") and any(type(number) is complex for number in numbers):
            return None
        if sign == "|" and any(type(number) is not int for number in numbers):
            return None
        return _ARITHMETIC[sign](*numbers)  # type: ignore[no-any-return]

    def _named_value(self, name: str, node: NameInText, activation: bool, seen: set[str]) -> Any:
        path = node.path
        if path in self.beside:
            self.used.add(path)
            return self.beside[path]
        if path in self.program.variables and path not in seen:
            return self._value(name, self.program.variables[path], activation, seen | {path})
        constant = self._constant(path)
        if constant is not None:
            return constant
        if "." in path or activation:
            return path.rpartition(".")[2]
        if path in TYPES:
            return TYPES[path]
        raise self.source.error(
            BadOption, node.at, f"no value for {path}, {_article(name)}: say {path}=..."
        )

    def _constant(self, path: str) -> int | str | None:
        """What a module's constant stands for; None for what is none."""
        head, _, rest = path.partition(".")
        full = f"{self.program.aliases.get(head, head)}.{rest}" if rest else path
        return CONSTANTS.get(full.replace("cv.", "cv2.") if rest else f"cv2.{path}")

    def array(self, role: str, argument: Argument | None, names: set[str]) -> Any:
        """An array, or its shape; None where none is known.

        names: those that the call's arrays have in the text: they mean no role then.
        """
        if argument is not None:
            array = self._array(argument.value, set())
            if array is not None:
                return array
            own = {name.partition(".")[0] for name in names_in(argument.value)}
            plain = isinstance(argument.value, NameInText) and "." not in argument.value.path
            if role in self.beside and role in own and not plain:
                value = argument.value
                text = value.path if isinstance(value, NameInText) else getattr(value, "text", role)
                raise self.source.error(
                    BadArray,
                    argument.value.at,
                    f"{text} is not evaluated, and {role}=... would be the {role} in it: "
                    "write a name here, and give the array under that name",
                )
        if role in self.beside and (role not in names or argument is None):
            self.used.add(role)
            return self.beside[role]
        return None

    def _array(self, node: Node, seen: set[str]) -> Any:
        match node:
            case NameInText(path=path):
                if path in self.beside:
                    self.used.add(path)
                    return self.beside[path]
                if path in self.program.variables and path not in seen:
                    return self._array(self.program.variables[path], seen | {path})
            case Items():
                return self._written_out(node, None)
            case Application(function=NameInText(path=path)) if (
                path.rpartition(".")[2] in KEEPERS and "." in path
            ):
                return self._array(NameInText(node.at, path.rpartition(".")[0]), seen)
            case Application(function=Expression(attribute=method, parts=(owner, *_))) if (
                method in KEEPERS
            ):
                return self._array(owner, seen)
            case Application(function=NameInText(path=path), arguments=arguments) if arguments:
                return self._made(path.rpartition(".")[2], arguments, seen)
        return None

    def _made(self, maker: str, arguments: tuple[Argument, ...], seen: set[str]) -> Any:
        if maker in MAKERS:
            first = arguments[0].value
            dtypes = (a.value for a in arguments[1:] if isinstance(a.value, NameInText))
            words = (node.path.rpartition(".")[2] for node in dtypes)
            dtype = next((word for word in words if word in DTYPES), None)
            return (
                self._written_out(first, dtype)
                if isinstance(first, Items)
                else self._array(first, seen)
            )
        if maker in OF_SHAPES:
            plain = [a.value for a in arguments if a.keyword in (None, "size", "shape")]
            shape = plain[0].items if isinstance(plain[0], Items) else plain
            sizes = [node.value for node in shape if isinstance(node, Literal)]
            if len(sizes) == len(shape) and all(type(size) is int for size in sizes):
                return tuple(sizes)
        return None

    def _written_out(self, node: Items, dtype: str | None) -> Any:
        """An array that is written out in the text."""
        value = self._numbers(node)
        if value is None:
            return None
        try:
            array = np.array(value, dtype)
            if dtype is None:
                self._plain_lists.add(id(array))
            return array
        except (ValueError, OverflowError):
            raise self.source.error(BadArray, node.at, "rows of different lengths") from None

    def rows(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """The lists of numbers among the arrays as matrices of one row: MATLAB's [1 -1]."""
        lists = {r: a for r, a in arrays.items() if id(a) in self._plain_lists and a.ndim == 1}
        matrices = {role: a[None] for role, a in lists.items()}
        self._plain_lists |= set(map(id, matrices.values()))
        return matrices

    def of_one_dtype(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """The lists among the arrays, in the dtype of all: [1, 2] beside [0.5] is as [1., 2.]."""
        lists = {role: a for role, a in arrays.items() if id(a) in self._plain_lists}
        dtypes = [a.dtype for a in arrays.values() if isinstance(a, np.ndarray)]
        return {role: a.astype(np.result_type(*dtypes)) for role, a in lists.items()}

    def _numbers(self, node: Node) -> Any:
        if isinstance(node, Literal):
            return node.value if isinstance(node.value, (int, float, complex)) else None
        if isinstance(node, Items) and node.items:
            items = [self._numbers(item) for item in node.items]
            return None if any(item is None for item in items) else items
        if isinstance(node, Expression) and node.operator in _ARITHMETIC:
            return self._number(node.parts, node.operator)  # 1/9, 3-1j
        return None

    def check_all_used(self, names: Mapping[str, str], at: int) -> None:
        """BadOption for an array beside the text that the call has no place for."""
        for name in self.beside:
            if name not in self.used:
                known = ", ".join(f"{n} ({ROLES_IN_WORDS[role]})" for role, n in names.items())
                raise self.source.error(
                    BadOption,
                    at,
                    f"{name} is no array of this call{suggest(name, names.values())}; its arrays "
                    f"are {known}",
                )


def _article(name: str) -> str:
    return f"the {name}"

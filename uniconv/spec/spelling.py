"""Spelling: how a call of a framework is written down, to be pasted into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from uniconv._canonical.record import Shape
from uniconv.spec.idiom import Idiom
from uniconv.spec.op import Op

__all__ = ["LANGUAGES", "Spelling", "WrittenCall", "in_julia", "julia_words", "plain_call"]

LANGUAGES = ("python", "julia", "matlab")


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call to write down: its function, the shapes of its arrays, its options.

    The arrays are in variables: x, w and, for a second kernel, p; the result goes into y.

    own_arrays: whether they are arrays of the framework's own, and y one, too; else NumPy's.
    bias: whether the variable ``bias`` is the function's bias.
    """

    function: Op
    x: Shape
    w: Shape
    p: Shape | None
    y: Shape
    options: Mapping[str, Any]
    own_arrays: bool = False
    bias: bool = False

    @property
    def short(self) -> str:
        """The function's name without its path."""
        return self.function.name.rpartition(".")[2]

    def words(self, **more: Any) -> list[str]:
        """The options as Python's keyword arguments, after some more."""
        return [f"{name}={value!r}" for name, value in {**more, **self.options}.items()]


Lines = Callable[[WrittenCall], list[str] | None]


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a call of a framework is written down.

    language: "python", "julia" or "matlab".
    imports: the lines at the top; imports_for: others, for names that begin so.
    array, result: how an array goes into a plain call, and how y comes out of it.
    lines: the lines that make y, where the call is not a plain one; None where it is.
    rounds: whether the framework may sum by FFT, which is not exact on integers.
    idiom: how arrays are moved, padded and joined beside the call.
    """

    imports: str
    language: str = "python"
    imports_for: Mapping[str, str] = field(default_factory=dict)
    array: str = "{}"
    result: str = "{}"
    lines: Lines = lambda call: None
    rounds: Callable[[Op], bool] = lambda op: False
    idiom: Idiom = Idiom()

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise TypeError(f"language={self.language!r} is none of {', '.join(LANGUAGES)}")

    def top(self, op: Op) -> str:
        """The lines at the top for a function."""
        others = (text for start, text in self.imports_for.items() if op.name.startswith(start))
        return next(others, self.imports)

    @property
    def first(self) -> int:
        """What the language calls the first index of an axis."""
        return 0 if self.language == "python" else 1

    def element(self, name: str, index: Sequence[int]) -> str:
        """One element of an array, at an index from 0, as the language writes it.

        >>> Spelling("").element("y", (0, 3, 2)), Spelling("", "matlab").element("y", (0, 3, 2))
        ('y[0, 3, 2]', 'y(1, 4, 3)')
        """
        inside = ", ".join(str(n + self.first) for n in index)
        return f"{name}({inside})" if self.language == "matlab" else f"{name}[{inside}]"

    def call(self, call: WrittenCall) -> list[str]:
        """The lines that make y."""
        lines = self.lines(call)
        return plain_call(call, self.array, self.result) if lines is None else lines


def plain_call(
    call: WrittenCall,
    array: str = "{}",
    result: str = "{}",
    *,
    name: str = "",
    words: Sequence[str] | None = None,
) -> list[str]:
    """The call of a Python function on its arrays, in their order, by name after a "*"."""
    if call.own_arrays:
        array = result = "{}"
    # The signature is walked in order: "x:input" takes the variable x, "*" ends what goes by
    # position, and of several names for one array only the first is used.
    arguments, by_position = [], True
    for param in call.function.params.split():
        role, _, native = param.rpartition(":")
        roles = ("x", "w") if call.p is None else ("x", "w", "p")
        if role in roles and native == call.function.array_names(role)[0]:
            wrapped = array.format(role)
            arguments.append(wrapped if by_position else f"{native}={wrapped}")
        elif role == "bias" and call.bias:
            arguments.append(f"{native}=bias")
            by_position = False
        elif role in ("", "bias"):
            by_position = False
    arguments += call.words() if words is None else words
    native_call = f"{name or call.function.name}({', '.join(arguments)})"
    return [f"y = {result.format(native_call)}"]


def in_julia(value: Any) -> str:
    """A value as Julia writes it; a string that ends in () is an expression."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if value.endswith("()") else f'"{value}"'
    if isinstance(value, (tuple, list)):
        inside = ", ".join(map(in_julia, value))
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(value)


def julia_words(call: WrittenCall, *left_out: str) -> str:
    """The options as Julia's keyword arguments, but for those that are left out."""
    words = {n: v for n, v in call.options.items() if n not in left_out}
    return ", ".join(f"{n}={in_julia(v)}" for n, v in words.items())

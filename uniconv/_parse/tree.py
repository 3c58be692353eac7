"""What a text says, whatever its language: names, values, calls, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Application",
    "Argument",
    "Expression",
    "Items",
    "Literal",
    "NameInText",
    "Node",
    "Program",
    "Statement",
    "names_in",
    "parts_of",
]


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A number, a string, True, False or None."""

    at: int
    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class NameInText:
    """A name, with its path: ``x``, ``tf.nn.conv2d``."""

    at: int
    path: str


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """What stands between brackets; of a pair (``3 => 16``) the kind is "pair"."""

    at: int
    kind: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """Anything else: a call's reader does not evaluate it, but calls may stand in its parts.

    operator: what joins the parts, "+", "'" (MATLAB's transpose), "[]" (the first part, indexed by
    the others), ":" (from, to, step; each may be None).
    """

    at: int
    text: str
    parts: tuple[Node, ...] = ()
    attribute: str = ""  # of its one part
    operator: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Argument:
    """An argument of a call, by position where the keyword is None."""

    at: int
    keyword: str | None
    value: Node


@dataclass(frozen=True, slots=True, eq=False)
class Application:
    """A call: of a function by its name, or of what another call gives, such as a layer."""

    at: int
    function: Node
    arguments: tuple[Argument, ...]
    text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """``target = value``; without a target where a value stands alone."""

    at: int
    target: Node | None
    value: Node


Node = Literal | NameInText | Items | Expression | Application


@dataclass(slots=True)
class Program:
    """A text that has been read.

    statements: in order.  variables: what each name was last set to.  aliases: what an import
    calls a module or function.  modules: those that the text imports, by their first word.
    language: "python" (which may be Julia or MATLAB as well, where they are written alike),
    "script" or "" for what names its function in full.
    """

    language: str
    roots: list[Node] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    variables: dict[str, Node] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)


def parts_of(node: Node) -> tuple[Node, ...]:
    """The nodes right below one."""
    match node:
        case Application():
            return (node.function, *(argument.value for argument in node.arguments))
        case Items():
            return node.items
        case Expression():
            return node.parts
    return ()


def names_in(node: Node) -> Iterator[str]:
    """Every name in a node."""
    left = [node]
    while left:
        each = left.pop()
        if isinstance(each, NameInText):
            yield each.path
        left += parts_of(each)

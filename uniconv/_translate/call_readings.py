"""A layer or call of a file, with numbers in the place of what the file does not say.

``keras.layers.Conv2D(2 * n, 3, strides=step)`` is read as ``Conv2D(16289280, 3, strides=1009)``,
and in what that becomes each number stands for its expression again.  Two readings with other
numbers must give one text.  What then holds of these numbers must hold of small ones, too, with
which a stride or a padding may vanish: ``says_the_same`` looks.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from uniconv._calls.any_size import size_free
from uniconv._calls.lift import native_shapes
from uniconv._calls.lower import lower
from uniconv._canonical import steps as s
from uniconv._parse.tree import Items, Literal, Node
from uniconv._translate.beside import Rewriting
from uniconv._translate.sizes import pads_everywhere
from uniconv._translate.unsized import UnsizedCall
from uniconv.errors import UniconvError
from uniconv.spec.op import Op

# Numbers that stand for expressions, twice, as no file has them: of channels those that groups
# divide.  Kernels are odd once and even once.  An expression in two places, as a kernel and as its
# padding, is the first of these that it is.
_MULTIPLE = 64 * 2520
_NUMBERS = {
    "channels": (_MULTIPLE * 101, _MULTIPLE * 211),
    "size": (211, 230),
    "dilation": (17, 19),
    "padding": (37, 41),
    "stride": (1009, 1013),
    "groups": (7, 9),
}
_SMALL = {"size": (3, 2, 1), "dilation": (1, 2), "padding": (1, 0, 2), "stride": (1, 2, 3)}
_MOST = 60  # readings with small numbers
_FLAGS = {"bias": False, "nobias": True, "bias_attr": False}  # what says that there is no bias


@dataclass(frozen=True, slots=True)
class CallReading:
    """A call with numbers for expressions: as it is read, and the expressions by number."""

    call: UnsizedCall
    nodes: Mapping[int, ast.expr]

    def text(self, text: str, segment: Callable[[ast.expr], str]) -> str:
        """A text with the expressions in the place of their numbers."""
        segments = {str(number): segment(node) for number, node in self.nodes.items()}
        if not segments:
            return text

        def written(match: re.Match[str]) -> str:
            before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
            alone = before[-1:] in ("", "(", "[", ",", "=") and after[:1] in ("", ")", "]", ",")
            return segments[match[1]] if alone else f"({segments[match[1]]})"

        return re.sub(rf"\b({'|'.join(segments)})\b", written, text)


class CallInFile:
    """A layer that a file makes, or a call, to be read with numbers for its expressions.

    read: reads it with these texts of its arguments; known: the text of an expression that stays
    as it is, a value or an array; "" for any other.
    """

    def __init__(
        self,
        arguments: list[ast.expr],
        read: Callable[[list[str]], UnsizedCall],
        known: Callable[[ast.expr], str],
    ) -> None:
        self.arguments, self.read, self.known = arguments, read, known
        self.leaves = [leaf for argument in arguments for leaf in self._leaves(argument)]
        places = {id(leaf): _MULTIPLE * n for n, leaf in enumerate(self.leaves, 101)}
        self.target = self.read(self._texts(places)).matched
        roles = dict(self._roles({n: id(leaf) for leaf, n in zip(self.leaves, places.values())}))
        self.kinds: dict[str, str] = {}  # of expressions, by their text
        self.flag: ast.expr | None = None
        self.without = False  # the flag's value that says that there is no bias
        self.unknown: tuple[str, ast.expr] | None = None  # a word that no number stands for
        for leaf in self.leaves:
            if id(leaf) in roles:
                self._note(leaf, *roles[id(leaf)])

    def _leaves(self, node: ast.expr) -> Iterator[ast.expr]:
        """The expressions in an argument that are no values."""
        if not self.known(node):
            if isinstance(node, (ast.Tuple, ast.List)):
                for part in node.elts:
                    yield from self._leaves(part)
            else:
                yield node

    def _texts(self, numbers: Mapping[int, object]) -> list[str]:
        """The arguments with these numbers for expressions."""
        return [self._text(argument, numbers) for argument in self.arguments]

    def _text(self, node: ast.expr, numbers: Mapping[int, object]) -> str:
        if self.known(node):
            return self.known(node)
        if isinstance(node, (ast.Tuple, ast.List)):
            return f"({', '.join(self._text(part, numbers) for part in node.elts)},)"
        return str(numbers[id(node)])

    def _roles(self, leaves: Mapping[int, int]) -> Iterator[tuple[int, tuple[str, str]]]:
        """What each expression says, with the word for it."""
        for places in (self.target.sizes, self.target.options):
            for role, argument in places.items():
                for number in _numbers(argument.value):
                    if type(number) is int and number in leaves:
                        word = argument.keyword or "an argument"
                        yield leaves[number], (_kind(role, self.target.op), word)

    def _note(self, leaf: ast.expr, kind: str, word: str) -> None:
        text = ast.unparse(leaf)
        if kind == "flag" and self.flag is None:
            self.flag = leaf
            (role,) = (r for r, a in self.target.sizes.items() if _FLAGS.get(r) is not None)
            self.without = _FLAGS[role]
        elif kind in _NUMBERS:
            order = list(_NUMBERS)
            self.kinds[text] = min(kind, self.kinds.get(text, kind), key=order.index)
        elif kind != "nothing":
            self.unknown = word, leaf

    def reading(self, turn: int, bias: bool = True) -> CallReading:
        """The layer with the first (turn 0) or the second numbers for its expressions."""
        numbers: dict[str, int] = {}
        for text, kind in self.kinds.items():
            before = [n for t, n in numbers.items() if self.kinds[t] == kind]
            first = _NUMBERS[kind][turn]
            # Each number of channels is a multiple of those before: the groups may be one of them.
            numbers[text] = before[-1] * 3 if kind == "channels" and before else first
            if kind != "channels":
                numbers[text] += 2 * len(before)
        return self._with(numbers, bias)

    def small(self, reading: CallReading) -> Iterator[tuple[dict[int, int], CallReading]]:
        """The layer with small numbers: what stands for each number of a reading, and its own."""
        named = {ast.unparse(node): number for number, node in reading.nodes.items()}
        few = {text: kind for text, kind in self.kinds.items() if kind in _SMALL}
        for values in islice(product(*(_SMALL[kind] for kind in few.values())), _MOST):
            numbers = named | dict(zip(few, values))
            changes = {named[text]: value for text, value in zip(few, values)}
            yield changes, self._with(numbers)

    def _with(self, numbers: Mapping[str, int], bias: bool = True) -> CallReading:
        places: dict[int, object] = {
            id(leaf): numbers.get(ast.unparse(leaf), "None") for leaf in self.leaves
        }
        if self.flag is not None:
            places[id(self.flag)] = bias is not self.without
        nodes = {numbers[t]: leaf for leaf in self.leaves if (t := ast.unparse(leaf)) in numbers}
        return CallReading(self.read(self._texts(places)), nodes)


def _numbers(node: Node) -> Iterator[object]:
    """The numbers that a value is made of."""
    if isinstance(node, Literal):
        yield node.value
    for part in node.items if isinstance(node, Items) else ():
        yield from _numbers(part)


def _kind(role: str, op: Op) -> str:
    """What a number of that role, or option, is."""
    if role in _FLAGS:
        return "flag"
    if role in ("device", "dtype"):
        return "nothing"
    if role in ("in", "out", "in_out"):
        return "channels"
    if role == "size":
        return "size"
    name = op.aliases.get(role, role)
    rules = {
        "stride": op.stride,
        "dilation": op.dilation,
        "padding": op.padding if op.padding.form is not None else None,
        "groups": op.groups,
    }
    return next((k for k, rule in rules.items() if getattr(rule, "option", None) == name), "")


def says_the_same(
    numbered: CallInFile, reading: CallReading, rewriting: Rewriting, shapes: Any
) -> bool:
    """Whether the new call, with small numbers for the expressions, still is the source's.

    shapes: of the arrays of a call that is read.
    """
    if {*numbered.kinds.values()} <= {"channels"}:  # of which no number vanishes
        return True
    if any(isinstance(step, (s.Cut, s.Surround)) for step in rewriting.y):
        return False
    for changes, small in numbered.small(reading):
        try:
            call = small.call.sized(shapes(small.call)).lowered
        except UniconvError:
            continue  # the source refuses these numbers together
        lifted = rewriting.lifted.call
        pads = _around(rewriting, changes)
        try:
            options = _changed(rewriting.lifted.options, changes)
            own = lower(lifted.op, options, *native_shapes(call, lifted.op, lifted.layout))
        except UniconvError:
            return False
        free = size_free(call)
        if free is None or pads is None or _plain(own.conv) != _plain(call.conv):
            return False
        margins = tuple((lo - a, hi - b) for (lo, hi), (a, b) in zip(free.padding, pads))
        if not pads_everywhere(own, margins):
            return False
    return True


def _plain(conv: Any) -> tuple[Any, ...]:
    """What of a record neither padding nor a kernel that is reversed beforehand changes."""
    return conv.stride, conv.rhs_dilation, conv.lhs_dilation, conv.groups


def _around(rewriting: Rewriting, changes: Mapping[int, int]) -> Any:
    """The pixels put around x beside the new call; None where that is not the call's border."""
    letters = rewriting.lifted.call.layout.x.split()
    rank = rewriting.call.rank
    last = len(letters) - 1 - letters.index("...")  # axes after the spatial ones
    pads = [(0, 0)] * rank
    for step in rewriting.x:
        if isinstance(step, s.Surround):
            if step.boundary not in ("zeros", rewriting.call.conv.boundary):
                return None
            spatial = step.pad[len(step.pad) - last - rank : len(step.pad) - last]
            pads = [_changed(pair, changes) for pair in spatial]
    return pads


def _changed(value: Any, changes: Mapping[int, int]) -> Any:
    """A value with other numbers."""
    if isinstance(value, Mapping):
        return {name: _changed(part, changes) for name, part in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(_changed(part, changes) for part in value)
    return changes.get(value, value) if type(value) is int else value

"""What a thread's code does, followed statement by statement; nothing in it is run.

Assignments, arrangements of arrays, layers and their weights are followed; loops are not.  Each
printed array goes to what printed it: by its name, its label, or the order of both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from uniconv._parse.match import Matched
from uniconv._parse.reading import calls_in
from uniconv._parse.source import SourceText
from uniconv._parse.thread.functions import Arguments, applied, arithmetic, indexed, placed
from uniconv._parse.thread.labels import alike, role_of
from uniconv._parse.thread.lines import WORD, Piece, Pieces, read_piece
from uniconv._parse.thread.value import Value, way_back
from uniconv._parse.tree import (
    Application,
    Expression,
    Items,
    Literal,
    NameInText,
    Node,
    Program,
    parts_of,
)
from uniconv.errors import UniconvError
from uniconv.files.named_array import NamedArray
from uniconv.files.text import uniquely_named

__all__ = ["CallHere", "Flow", "follow"]

_DEEPEST = 60
_MOST_CALLS = 40
_LONGEST_NAME = 40
_LONGEST_PROSE = 4_000  # of a line in which calls are looked for
_PRINTERS = {"print", "println", "display", "disp", "show", "pprint", "pp"}
_SILENT = {"seed", "manual_seed", "close", "plot", "figure", "imshow", "set_printoptions", "append"}
_SETTERS = {"fill_", "copy_", "zero_", "ones_", "assign", "set_weights", "constant_"}
_Output = tuple[str, NamedArray]  # with the label before it
_ARRAY = re.compile(WORD + r"(\d+)$")
_BLOCKS = {"for", "while", "def", "function", "class", "async"}
_WEIGHTS = {"weight": "w", "W": "w", "kernel": "w", "bias": "bias", "b": "bias", "weights": "w"}
_PARAMETERS = re.compile(r"\s*for\s+(\w+)\s+in\s+([\w.]+)\.parameters\(\)")
# The names of all functions have one of these; make_node is ONNX's.
_CONVOLVES = re.compile("conv|cor|filter|make_node", re.I)
_HANDLES = re.compile(r"(?:\.(?:data|value|detach\(\)|numpy\(\)))+$")


@dataclass(slots=True)
class CallHere:
    """A call of a thread: its function, where it stands, the values of its arguments.

    names: what its arrays are called in the text.  program: what is known where it stands.
    """

    node: Application
    source: SourceText
    program: Program
    matched: Matched
    line: int
    values: dict[str, Value]
    names: dict[str, str]
    result: Value
    target: str = ""
    in_prose: bool = False
    problem: UniconvError | None = None


@dataclass(slots=True)
class _Print:
    """Something that prints: its value, the label before it, the line."""

    value: Value
    label: str
    prompted: bool
    line: int


@dataclass(slots=True)
class Flow:
    """All that was followed.

    named: printed arrays by the names or labels before them, where no value of that name is known.
    spare: those that nothing names.  lists: small arrays by their words, as options may have.
    names: the name of each array in the text, by the identity of its numbers.
    """

    calls: list[CallHere] = field(default_factory=list)
    labelled: list[tuple[str, NamedArray]] = field(default_factory=list)
    spare: list[NamedArray] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    problems: list[UniconvError] = field(default_factory=list)
    lists: dict[str, Any] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)


def follow(pieces: Pieces) -> Flow:
    """Follow a thread's pieces in their order."""
    follower = _Follower(pieces)
    follower.flow.lists = {
        f"{WORD}{n}": a.array.tolist() for n, a in enumerate(pieces.arrays) if a.array.size < 100
    }
    unique = uniquely_named(pieces.arrays)
    follower.flow.names = {id(a.array): u.name for a, u in zip(pieces.arrays, unique)}
    for piece in pieces.pieces:  # an import counts wherever it stands
        if piece.program is not None:
            follower.program.modules |= piece.program.modules
            follower.program.aliases |= piece.program.aliases
    for piece in pieces.pieces:
        follower.piece(piece)
    follower.end()
    if not follower.flow.calls:
        for piece in pieces.pieces:
            if piece.program is None and not piece.alone:
                follower.calls_in_prose(piece)
    return follower.flow


class _Follower:
    def __init__(self, pieces: Pieces) -> None:
        self.pieces, self.flow = pieces, Flow()
        self.program = Program("python")
        self.values = self.flow.values
        self.functions: dict[str, tuple[list[str], Node]] = {}
        self.prints: list[_Print] = []
        self.outputs: list[_Output] = []
        self.applications: dict[int, CallHere] = {}
        self.block: tuple[str, int] | None = None
        self.source: SourceText | None = None
        self.language, self.depth = "python", 0
        self.used: set[int] = set()
        self.parameters: dict[str, str] = {}  # a loop's name for each weight of a layer

    # A piece: prose, an array alone, a statement

    def piece(self, piece: Piece) -> None:
        """Take in one piece."""
        if self.block is not None and piece.indent <= self.block[1] and not piece.alone:
            self.block = None
        if piece.alone:
            self.outputs.append((piece.label, self.pieces.arrays[piece.arrays[0]]))
            self.used.update(piece.arrays)
            return
        if piece.header:
            self.settle()
            if piece.header in _BLOCKS and self.block is None:
                self.block = (piece.header, piece.indent)
            loop = _PARAMETERS.match(piece.text)
            if loop:
                self.parameters[loop[1]] = loop[2]
            for name in re.findall(r"[^\W\d]\w*", piece.text) if piece.header in _BLOCKS else ():
                self.values.pop(name, None)
            return
        if piece.program is None or piece.source is None or _only_shows(piece):
            return
        if self.outputs:
            self.settle()
        self.source, self.language = piece.source, piece.language
        self.program.language = "script" if piece.program.language == "script" else "python"
        self.program.modules |= piece.program.modules
        self.program.aliases |= piece.program.aliases
        for statement in piece.program.statements:
            if isinstance(statement.target, NameInText):
                self.program.variables[statement.target.path] = statement.value
            self.find_calls(statement.value, piece)
            self.statement(statement.target, statement.value, piece)

    def find_calls(self, node: Node, piece: Piece) -> None:
        """The calls of known functions in a statement."""
        assert self.source is not None
        if len(self.flow.calls) >= _MOST_CALLS or not self._may_convolve(node):
            return
        try:
            matches = calls_in(self.source, self.program, [node])
        except UniconvError as error:
            self.flow.problems.append(error)
            return
        for application, matched in matches:
            if self._is_made_only(application, matched, node):
                continue
            arrays = {role: a.value for role, a in matched.arrays.items()}
            values = {role: self.value(value) for role, value in arrays.items()}
            names = {role: _name_of(self._text(value)) for role, value in arrays.items()}
            self._add_weights(application, matched, values, names)
            result = Value(self._text(node))
            program = replace(
                self.program,
                variables=dict(self.program.variables),
                aliases=dict(self.program.aliases),
                modules=set(self.program.modules),
            )
            call = CallHere(
                application, self.source, program, matched, piece.line, values, names, result
            )
            result.call = call
            for name in _outputs_of_node(application):
                self.values[name] = result
                call.target = call.target or name
            self.applications[id(application)] = call
            self.flow.calls.append(call)

    def _may_convolve(self, node: Node) -> bool:
        """Whether a function that is called has a name like that of a convolution, or is a layer.

        To look every name of a text up would take most of the time.
        """
        left = [node]
        while left:
            each = left.pop()
            function = each.function if isinstance(each, Application) else None
            if isinstance(function, Application):  # Conv1D(1, 3)(x)
                function = function.function
            if isinstance(function, NameInText):
                path = function.path
                head, _, last = path.rpartition(".")
                name = self.program.aliases.get(path, last) or head
                if _CONVOLVES.search(name) or self._is_layer(path):
                    return True
            left += parts_of(each)
        return False

    def _is_made_only(self, call: Application, matched: Matched, node: Node) -> bool:
        """Whether ``conv = nn.Conv2d(...)`` only makes a layer, which is applied elsewhere."""
        outcome = self._made_layer(call)
        if outcome is not None:  # what was taken for a call where it was made is applied here
            self.flow.calls = [c for c in self.flow.calls if c.node is not outcome]
        else:
            assigned = any(call is value for value in self.program.variables.values())
            applied = isinstance(call.function, Application)  # y = nn.Conv2d(...)(x)
            return matched.target.layer is not None and call is node and assigned and not applied
        return False

    def _made_layer(self, call: Application) -> Node | None:
        """The layer that ``conv(x)`` applies."""
        path = call.function.path if isinstance(call.function, NameInText) else ""
        outcome = self.program.variables.get(path)
        return outcome if isinstance(outcome, Application) else None

    def _add_weights(
        self, call: Application, matched: Matched, values: dict[str, Value], names: dict[str, str]
    ) -> None:
        """A layer's arrays, which were set as ``conv.weight`` or by its initializers."""
        layer = call.function
        if isinstance(layer, NameInText):
            for word, role in _WEIGHTS.items():
                held = self.values.get(f"{layer.path}.{word}")
                if role not in values and held is not None:
                    values[role], names[role] = held, f"{layer.path}.{word}"
            layer = self.program.variables.get(layer.path, layer)
        if isinstance(layer, Application) and matched.target.layer is not None:
            words = {a.keyword: a.value for a in layer.arguments if a.keyword}
            words |= {a.keyword: a.value for a in call.arguments if a.keyword and layer is call}
            for role, word in (("w", "kernel_initializer"), ("bias", "bias_initializer")):
                if role not in values and word in words:
                    value = self.value(words[word])
                    if value.numbers() is not None:
                        values[role], names[role] = value, word

    def statement(self, target: Node | None, value: Node, piece: Piece) -> None:
        """Follow ``target = value``, or a value that stands alone."""
        if target is None:
            self.alone(value, piece)
            return
        if isinstance(target, Application) and isinstance(target.function, NameInText):
            if _is_word(value) and self._may_convolve(target):  # np.convolve(x, h) = [1, 2]
                self.find_calls(target, piece)
                self._print_of(self.value(target), "", (), self.value(value).printed)
                return
            function, arguments = target.function, [a.value for a in target.arguments]
            if self.language != "matlab":  # Julia's f(x) = ...
                params = [node.path for node in arguments if isinstance(node, NameInText)]
                self.functions[function.path] = (params, value)
                return
            target = Expression(target.at, "", (function, *arguments), operator="[]")  # A(:, 1) =
        if isinstance(target, Items):
            self._unpack(target, value)
            return
        name, entries = _target(target)
        if name is None:
            return
        name, outcome = _HANDLES.sub("", name), self.value(value)
        if self.block is not None and self.block[0] in ("for", "while"):
            outcome = Value(outcome.text)  # which of its values is printed is not followed
        before = self.values.get(name)
        printed = outcome.printed if _is_word(value) else None
        if printed is not None:
            label = printed.name if name == "ans" else name  # MATLAB's word for any result
            self.flow.labelled.append((label or name, printed))
            if before is not None and before.numbers() is None:  # the print of what it is
                self._print_of(before, name, entries, printed)
                return
        elif entries:
            self._part(name, entries, outcome)
            return
        if isinstance(outcome.call, CallHere) and not outcome.call.target:
            outcome.call.target = name
        self.values[name] = outcome
        if piece.prompted and not piece.text.rstrip().endswith(";"):
            self.prints.append(_Print(outcome, name, True, piece.line))

    def _print_of(
        self, value: Value, name: str, entries: Sequence[Node], printed: NamedArray | None
    ) -> None:
        """``y[0, :, :, 0] = array(...)``, as some tools print it."""
        self._keep(value)
        if entries:
            value = indexed(value, self._values(entries), name, self._one_based())
            self._keep(value)
        value.printed = printed

    def _part(self, name: str, entries: Sequence[Node], outcome: Value) -> None:
        """``data[0, :, :] = x``."""
        before = self.values.get(name)
        if before is not None:
            changed = placed(before, self._values(entries), outcome, self._one_based())
            self.values[name] = changed or Value(name)

    def _unpack(self, target: Items, value: Node) -> None:
        outcome = self.value(value)
        for k, item in enumerate(target.items):
            if isinstance(item, NameInText):
                parts = outcome.items
                whole = parts is not None and len(parts) == len(target.items)
                self.values[item.path] = parts[k] if whole and parts else Value(item.path)
                each = value.items[k] if isinstance(value, Items) and whole else None
                if each is not None:
                    self.program.variables[item.path] = each
                else:
                    self.program.variables.pop(item.path, None)

    def _keep(self, value: Value) -> None:
        """Remember a value without a name."""
        self.values[f"\0{len(self.values)}"] = value

    def alone(self, node: Node, piece: Piece) -> None:
        """A statement without a target: it prints, sets a weight, or shows its value."""
        if isinstance(node, Application):
            path = node.function.path if isinstance(node.function, NameInText) else ""
            name = path.rpartition(".")[2]
            if name in _PRINTERS:
                self._printing(node, piece)
                return
            if name in _SETTERS:
                self._setting(node, path, name)
                return
            if name in _SILENT:
                return
        if isinstance(node, (Application, NameInText, Expression, Items)):
            if isinstance(node, NameInText) and not piece.prompted and self._is_prose(node.path):
                return
            value = self.value(node)
            label = node.path if isinstance(node, NameInText) else ""
            self.prints.append(_Print(value, label, piece.prompted, piece.line))

    def _is_prose(self, word: str) -> bool:
        """Whether a word on a line of its own, "prints", is no name of the code above it."""
        return word not in self.values and role_of(word) == "y"

    def _printing(self, node: Application, piece: Piece) -> None:
        label = ""
        for argument in node.arguments:
            value = argument.value
            if argument.keyword is not None:
                continue
            if isinstance(value, Literal) and isinstance(value.value, str):
                label = value.value
                continue
            if isinstance(value, Expression) and not value.operator and not value.attribute:
                words = [
                    p for p in value.parts if isinstance(p, Literal) and isinstance(p.value, str)
                ]
                inner = [
                    q
                    for p in value.parts
                    for q in (parts_of(p) or (p,))
                    if not isinstance(q, Literal)
                ]
                if value.text[:1] in "fF" and inner:  # print(f"y: {y}")
                    label, value = (str(words[0].value) if words else ""), inner[0]
            held = self.value(value)
            name = label or (value.path if isinstance(value, NameInText) else "")
            self.prints.append(_Print(held, name, piece.prompted, piece.line))
            label = ""

    def _setting(self, node: Application, path: str, name: str) -> None:
        """``conv.weight.data.fill_(1)``, ``layer.set_weights([w, b])``."""
        values = [self.value(a.value) for a in node.arguments if a.keyword is None]
        owner = _HANDLES.sub("", path.rpartition(".")[0])
        if name == "set_weights" and values and values[0].items:
            for word, value in zip(("weight", "bias"), values[0].items):
                self.values[f"{owner}.{word}"] = value
            return
        if name in ("constant_", "ones_") and node.arguments:
            first = node.arguments[0].value
            owner = _HANDLES.sub("", first.path) if isinstance(first, NameInText) else owner
            values = values[1:] or [Value("1", constant=1)]
        if name in ("zero_", "ones_") and not values:
            values = [Value("0", constant=0)]
        if not values:
            return
        if name in ("fill_", "zero_", "constant_", "ones_"):
            number = values[0].plain()
            layer = self.parameters.get(owner)
            owners = [owner] if layer is None else [f"{layer}.weight", f"{layer}.bias"]
            for each in owners if isinstance(number, (int, float)) else ():
                self._fill(each, number)
            return
        self.values[owner] = values[0]

    def _fill(self, owner: str, number: float) -> None:
        """``conv.weight.data.fill_(1)``, ``x.fill_(1)``."""
        held = self.values.get(owner)
        shape = self._weight_shape(owner) or (held.shape if held is not None else None)
        if shape is not None:
            full = np.full(shape, number, np.float32)
            self.values[owner] = Value(owner, printed=NamedArray("", full))
        elif held is not None:
            self.values[owner] = Value(
                owner, recipe=lambda x: np.full_like(x, number), parents=(held,)
            )

    def _weight_shape(self, path: str) -> tuple[int, ...] | None:
        """The shape of ``conv.weight``, as its class was told its sizes."""
        layer, _, word = path.rpartition(".")
        outcome = self.program.variables.get(layer)
        role = _WEIGHTS.get(word)
        if role is None or not isinstance(outcome, Application) or self.source is None:
            return None
        try:
            matches = calls_in(self.source, self.program, [outcome])
        except UniconvError:
            return None
        if not matches:
            return None
        sizes = {r: self.value(a.value).plain() for r, a in matches[0][1].sizes.items()}
        layout: Any = matches[0][1].op.layout
        layout = getattr(layout, "value", layout)
        o, c, size = (sizes.get(word) for word in ("out", "in", "size"))
        pattern = getattr(layout, "w", None)
        if not isinstance(o, int):
            return None
        if role == "bias":
            return None if sizes.get("bias") is False else (o,)
        if not isinstance(c, int) or size is None or pattern is None:
            return None
        rank = len(size) if isinstance(size, list) else layout.ranks[0]
        spatial = size if isinstance(size, list) else [size] * rank
        letters = {"o": o, "m": o, "i": c, "c": c}
        shape: list[int] = []
        for letter in pattern.split():
            shape += spatial if letter == "..." else [letters.get(letter, 0)]
        return tuple(shape) if min(shape) > 0 else None

    # Values

    def value(self, node: Node) -> Value:
        """What a node stands for here."""
        self.depth += 1
        try:
            if self.depth > _DEEPEST:
                return Value("...")
            return self._value(node)
        finally:
            self.depth -= 1

    def _values(self, nodes: Sequence[Node]) -> list[Value]:
        return [self.value(node) for node in nodes]

    def _one_based(self) -> bool:
        return self.language in ("julia", "matlab")

    def _text(self, node: Node) -> str:
        match node:
            case NameInText(path=path):
                return path
            case Literal(value=value):
                return repr(value)
            case Application(text=text) | Expression(text=text):
                return text
        return ""

    def _value(self, node: Node) -> Value:
        text = self._text(node)
        match node:
            case Literal(value=value):
                if isinstance(value, (bool, str)) or value is None or value is ...:
                    return Value(text, constant=value)
                return Value(text, constant=value, printed=NamedArray("", np.asarray(value)))
            case NameInText():
                return self._of_name(node)
            case Items():
                return self._of_items(node)
            case Application():
                return self._of_application(node, text)
            case Expression(operator="[]", parts=(owner, *entries)):
                return indexed(self.value(owner), self._values(entries), text, self._one_based())
            case Expression(operator=":", parts=(start, stop, step)) if len(node.parts) == 3:
                items = (self.value(start), self.value(stop), self.value(step))
                range_ = arithmetic(":", items, text) if self._one_based() else Value(text)
                sliced = Value("slice " + text, items=items)
                sliced.printed = range_.printed
                return sliced
            case Expression(attribute=attribute, parts=(owner,)) if attribute:
                return self._attribute(self.value(owner), attribute, text)
            case Expression(operator=operator, parts=parts) if operator:
                return arithmetic(operator, self._values(parts), text)
        return Value(text, parents=tuple(self._values(parts_of(node))))

    def _of_name(self, node: NameInText) -> Value:
        path = node.path
        number = _ARRAY.match(path)
        if number:
            index = int(number[1])
            self.used.add(index)
            array = self.pieces.arrays[index]
            if index in self.pieces.literal:
                array = replace(array, error=0.0)
            return Value(array.name or "", printed=array)
        if path in self.values:
            return self.values[path]
        handle = _HANDLES.sub("", path)
        if handle in self.values:
            return self.values[handle]
        owner, _, attribute = path.rpartition(".")
        weight = attribute in _WEIGHTS and self._is_layer(owner)
        if owner and not weight and (owner in self.values or "." in owner):
            held = self._of_name(NameInText(node.at, owner))
            if held.path != owner or owner in self.values:
                return self._attribute(held, attribute, path)
        value = Value(path, path=path)
        if "." not in path or weight:
            self.values[path] = value  # the text may print it, or set it, later
        return value

    def _is_layer(self, name: str) -> bool:
        return isinstance(self.program.variables.get(name), Application)

    def _attribute(self, owner: Value, attribute: str, text: str) -> Value:
        if attribute in ("T", "mT"):
            return Value(text, recipe=np.transpose, parents=(owner,), moves=True)
        if attribute in ("data", "value", "values", "real"):
            return owner
        if attribute == "shape":
            held = owner.numbers()
            if held is not None:
                return Value(text, constant=list(held.array.shape))
            return Value(text, constant=list(owner.shape) if owner.shape else None)
        return Value(text, parents=(owner,))

    def _of_items(self, node: Items) -> Value:
        items = tuple(self._values(node.items))
        value = Value("", items=items)
        held = [item.numbers() for item in items]
        if items and all(one is not None for one in held):
            arrays = [one.array for one in held if one is not None]
            if len({a.shape for a in arrays}) == 1:
                value.printed = NamedArray("", np.stack(arrays))
        return value

    def _of_application(self, node: Application, text: str) -> Value:
        if id(node) in self.applications:
            return self.applications[id(node)].result
        function = node.function
        values = [self.value(a.value) for a in node.arguments if a.keyword is None]
        words = {a.keyword: self.value(a.value) for a in node.arguments if a.keyword}
        if isinstance(function, Expression) and function.attribute:
            owner = self.value(function.parts[0])
            return self._method(function.attribute, owner, values, words, text)
        if not isinstance(function, NameInText):
            return Value(text, parents=tuple(values))
        path = function.path
        if path in self.values and self.values[path].path:
            path = self.values[path].path  # a function under another name
        if path in self.functions:
            return self._substituted(path, node, text)
        owner_path, _, name = path.rpartition(".")
        if name == "run" and values:  # sess.run(y, feed_dict={x: data})
            self._feed(node)
            graph = self._of_graph(values[0])
            if graph is not None:
                return graph
            return Value(
                text, recipe=lambda x: x, parents=(values[0],), moves=True, items=values[0].items
            )
        if owner_path and self._is_value(owner_path):
            owner = self._of_name(NameInText(node.at, owner_path))
            return self._method(name, owner, values, words, text)
        if self.language == "matlab" and path in self.values and not self.values[path].path:
            return indexed(self.values[path], values, text, True)
        module = path.partition(".")[0] if owner_path else ""
        module = self.program.aliases.get(module, module).partition(".")[0]
        outcome = applied(Arguments(name, values, words, self.language, module), text)
        return outcome or Value(text, parents=tuple(values))

    def _of_graph(self, asked: Value) -> Value | None:
        """What ONNX Runtime's ``session.run(["y"], {"x": x})`` gives: results of nodes by name."""
        names = [item.constant for item in asked.items or ()]
        if asked.constant is None and asked.text == "None":
            names = [c.target for c in self.flow.calls if _outputs_of_node(c.node)][-1:]
        held = [self.values.get(name) for name in names if isinstance(name, str)]
        if not held or len(held) != len(names) or any(one is None for one in held):
            return None
        return Value("", items=tuple(one for one in held if one is not None))

    def _is_value(self, path: str) -> bool:
        """Whether a path is an array's, not a module's."""
        if path in self.values or _HANDLES.sub("", path) in self.values:
            return True
        head = path.partition(".")[0]
        return (head in self.values and head not in self.program.aliases) or bool(
            _ARRAY.match(head)
        )

    def _method(
        self, name: str, owner: Value, values: list[Value], words: dict[str, Value], text: str
    ) -> Value:
        """``x.reshape(1, 1, 3, 3)``."""
        if name in ("size", "dim"):
            return self._attribute(owner, "shape", text)
        outcome = applied(Arguments(name, [owner, *values], words, self.language, "."), text)
        return outcome or Value(text, parents=(owner, *values))

    def _substituted(self, path: str, node: Application, text: str) -> Value:
        """A function that the text defines in one line, with its arguments put in."""
        params, body = self.functions[path]
        values = [self.value(a.value) for a in node.arguments]
        hidden = {name: self.values.get(name) for name in params}
        self.values |= dict(zip(params, values))
        try:
            return self.value(body)
        finally:
            for name, value in hidden.items():
                if value is None:
                    self.values.pop(name, None)
                else:
                    self.values[name] = value

    def _feed(self, node: Application) -> None:
        """``sess.run(y, feed_dict={x: data})``: what the placeholders are."""
        for argument in node.arguments[1:]:
            parts = parts_of(argument.value)
            half = len(parts) // 2
            for key, value in zip(parts[:half], parts[half:]):
                held, fed = self.value(key), self.value(value)
                if held is not fed and held.printed is None and held.fed is None:
                    held.fed = fed

    # Which print printed which array

    def settle(self) -> None:
        """Give the arrays that were printed since the last code to what printed them."""
        # How to read this: a label that a print says itself; then the order of prints and outputs;
        # then the names that stand above.  What is left waits for its role.
        outputs, self.outputs = self.outputs, []
        prints, left = list(self.prints), []
        for label, array in outputs:
            name = label or array.name
            mine = next((p for p in prints if name and alike(p.label, name)), None)
            mine = mine or (self._of_label(label) if label else None)
            if mine is not None:
                self._give(mine.value, array)
                prints = [p for p in prints if p is not mine]
            else:
                left.append((label, array))
        left = self._in_order(prints, left)
        if outputs:
            self.prints = []
        for label, array in left:
            name = label or array.name
            mine = self._of_label(name) if name and not _indexed(prints, name) else None
            if mine is not None:
                self._give(mine.value, array)
            elif name:
                self.flow.labelled.append((name, array))
            else:
                self.flow.spare.append(array)

    def _in_order(self, prints: list[_Print], outputs: list[_Output]) -> list[_Output]:
        """Outputs without labels go to the prints in their order, where both are as many.

        What is known already is printed too: it takes its own numbers out of the order.
        """
        plain = [
            (label, array)
            for label, array in outputs
            if not label and (_indexed(prints, array.name) or role_of(array.name) in (None, "y"))
        ]
        others = [o for o in outputs if not any(o[1] is array for _, array in plain)]
        waiting = [p for p in prints if _may_be_array(p.value)]
        if len(plain) == 1 and prints and prints[-1].prompted:
            waiting = [prints[-1]]
        if len(plain) != len(waiting):
            for own in [p for p in waiting if p.value.numbers() is not None]:
                output = next((o for o in plain if _shows(o[1], own.value.numbers())), None)
                waiting = [p for p in waiting if p is not own]
                plain = [o for o in plain if o is not output]
        if len(plain) != len(waiting):
            return others + plain
        for mine, (label, array) in zip(waiting, plain):
            # "Given", a word of prose on a line of its own, is not what "C++:" stands before.
            unknown = bool(mine.label) and mine.value.path == mine.label and not mine.prompted
            if unknown and array.name and not alike(array.name, mine.label):
                others.append((label, array))
            else:
                self._give(mine.value, array)
        return others

    def _of_label(self, label: str) -> _Print | None:
        """The value of the name that stands before an array."""
        name = label.strip(" :=")
        value = self.values.get(name)
        if value is not None and value.printed is None and _may_be_array(value):
            return _Print(value, name, False, 0)
        return None

    def _give(self, value: Value, array: NamedArray) -> None:
        """Say what a value is; what is not known, net(x) or a name alone, may be a result."""
        if value.numbers() is None:
            value.printed = array
            self._keep(value)
            root, _, _ = way_back(value)
            if root.call is None and (root.parents or root.path):
                names = [n for n, v in self.values.items() if v is value and n.isidentifier()]
                self.flow.labelled.append((names[0] if names else "", array))

    def end(self) -> None:
        self.settle()
        for number, array in enumerate(self.pieces.arrays):
            if number not in self.used:
                self.flow.spare.append(array)

    def calls_in_prose(self, piece: Piece) -> None:
        """Calls that stand in a sentence."""
        for match in re.finditer(r"(?<![\w.])[^\W\d][\w.]{1,100}\(", piece.text[:_LONGEST_PROSE]):
            if not _CONVOLVES.search(match[0]):
                continue
            end = _closing(piece.text, match.end() - 1)
            if end is None or len(self.flow.calls) >= _MOST_CALLS:
                continue
            inner = read_piece(piece.text[match.start() : end], piece.line, piece.language)
            if inner is not None and inner.program is not None:
                before = len(self.flow.calls)
                self.source, self.language = inner.source, inner.language
                self.program.language = inner.program.language
                for statement in inner.program.statements:
                    self.find_calls(statement.value, inner)
                for call in self.flow.calls[before:]:
                    call.in_prose = True


def _outputs_of_node(call: Application) -> list[str]:
    """The names of what ``helper.make_node("Conv", ["x", "w"], ["y"])`` gives."""
    function = call.function
    if not (isinstance(function, NameInText) and function.path.endswith("make_node")):
        return []
    lists = [a.value for a in call.arguments[2:3] if a.keyword is None]
    lists += [a.value for a in call.arguments if a.keyword == "outputs"]
    parts = parts_of(lists[0]) if lists else ()
    return [n.value for n in parts if isinstance(n, Literal) and isinstance(n.value, str)]


def _only_shows(piece: Piece) -> bool:
    """Whether a line is a number or a shape that was printed: ``(1, 3, 4, 4)``."""
    statements = piece.program.statements if piece.program else []
    plain = (s.target is None and _is_plain(s.value) for s in statements)
    return not piece.prompted and bool(statements) and all(plain)


def _is_plain(node: Node) -> bool:
    if isinstance(node, Items):
        return all(map(_is_plain, node.items))
    return isinstance(node, Literal) and isinstance(node.value, (int, float))


def _is_word(node: Node) -> bool:
    """Whether a node is an array that stands in the text."""
    return isinstance(node, NameInText) and _ARRAY.match(node.path) is not None


def _name_of(text: str) -> str:
    """What an argument is called in code: as it is written, if that is short."""
    short = len(text) <= _LONGEST_NAME and "\n" not in text and WORD not in text
    return text if short else ""


def _closing(text: str, at: int) -> int | None:
    depth = 0
    for k in range(at, min(len(text), at + 2000)):
        depth += (text[k] in "([{") - (text[k] in ")]}")
        if depth == 0:
            return k + 1
    return None


def _target(node: Node) -> tuple[str | None, tuple[Node, ...]]:
    """The name that is assigned to, and the index behind it."""
    match node:
        case NameInText(path=path):
            return path, ()
        case Expression(operator="[]", parts=(NameInText(path=path), *entries)):
            return path, tuple(entries)
    return None, ()


def _indexed(prints: Sequence[_Print], name: str) -> bool:
    """Whether a part of an array was printed: the name is not that of what is shown."""
    return bool(name) and any(p.value.text.startswith((f"{name}[", f"{name}(")) for p in prints)


def _shows(printed: NamedArray, held: NamedArray | None) -> bool:
    """Whether an array is the print of another."""
    if held is None or printed.shape != held.shape:
        return False
    off = np.max(printed.error, initial=0.0) + 1e-6 * np.max(np.abs(held.array), initial=0.0)
    return bool(np.all(np.abs(printed.array - held.array.astype(complex)) <= off))


def _may_be_array(value: Value) -> bool:
    """Whether a print of this value can show an array."""
    listing = re.match(r"(?:torch\.Size|dtype|type|len)\(", value.text) is not None
    shape = value.text.endswith((".shape", ".size()", ".dtype"))
    one = re.search(r"\.(?:sum|mean|max|min|std|var|item|numel|dim|nelement)\(\)$", value.text)
    return value.constant is None and not shape and not listing and not one

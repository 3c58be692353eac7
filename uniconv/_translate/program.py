"""translate_program: the convolution calls of a Python file as calls of another framework.

How to read it: ``_FileReader`` finds the calls and what each of their arguments is (``_CallSite``),
``_FileWriter`` puts the translations of those that are proved into the text.  The rest of the file
keeps every character: only the places themselves are replaced.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from uniconv._calls.lower import LoweredCall
from uniconv._canonical.formula import traced
from uniconv._canonical.record import Shape
from uniconv._messages import show
from uniconv._parse.functions import targets
from uniconv._parse.python import read_python
from uniconv._parse.source import SourceText
from uniconv._parse.tree import Argument, Literal, NameInText
from uniconv._parse.values import Values
from uniconv._translate.layers import layer_by
from uniconv._translate.layout_of_code import imports_for
from uniconv._translate.translate import EXACT, translate
from uniconv._translate.translation import Translation
from uniconv._translate.unsized import UnsizedCall
from uniconv.errors import BadCall, BadShape, CannotExpress, UniconvError
from uniconv.spec.registry import find, framework, framework_of

MARK = "# uniconv: "
# Kernels that stand for every kernel: what one of them alone allows, another does not.
_KERNELS: tuple[Shape, ...] = ((3, 5, 4), (4, 2, 3), (2, 3, 5))
_CHANNELS = ((2, 5), (3, 7), (5, 2))  # in and out of one group
_IMAGE: Shape = (23, 29, 31)
_NAMES = {"x": "x", "w": "w", "bias": "bias", "pointwise": "p"}  # of roles, in a translation
# Two times numbers that stand for channels of a layer; times 5040, so that groups divide them.
_COUNTS = tuple(tuple(range(first, first + 40)) for first in (101, 211))
# What a dot or a bracket may follow.
_CLOSED = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Tuple, ast.List)


class _LeftError(Exception):
    """A call stays as it is, for this reason."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One convolution call of a file.

    line, column: where it stands, from 1.  function: what it calls.  before, after: its text, and
    what stands in its place, "" where it is left.  reason: why it is left.
    """

    line: int
    column: int
    function: str
    before: str
    after: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProgramTranslation:
    """A Python file with its convolution calls in another framework's words.

    before, after: the file's text.  rewrites: its convolution calls, in order.
    """

    before: str
    after: str
    rewrites: tuple[Rewrite, ...]

    @property
    def rewritten(self) -> tuple[Rewrite, ...]:
        """The calls that were rewritten."""
        return tuple(r for r in self.rewrites if not r.reason)

    @property
    def left(self) -> tuple[Rewrite, ...]:
        """The calls that stay as they are, each with its reason."""
        return tuple(r for r in self.rewrites if r.reason)

    def diff(self, name: str = "model.py") -> str:
        """What changes, as ``diff -u`` shows it."""
        sides = (self.before.splitlines(True), self.after.splitlines(True))
        lines = difflib.unified_diff(*sides, f"{name} (before)", f"{name} (after)")
        return "".join(line if line.endswith("\n") else line + "\n" for line in lines)

    def as_dict(self) -> dict[str, Any]:
        """The counts and the places, as JSON takes them."""
        return {
            "rewritten": len(self.rewritten),
            "left": len(self.left),
            "places": [
                {name: getattr(rewrite, name) for name in Rewrite.__slots__}
                for rewrite in self.rewrites
            ],
        }

    def __str__(self) -> str:
        lines = [
            f"{len(self.rewrites)} calls of convolutions: "
            f"{len(self.rewritten)} rewritten, {len(self.left)} left"
        ]
        lines += [f"  line {r.line}: {r.function}: {r.reason}" for r in self.left]
        return "\n".join(lines)


def translate_program(
    text: str,
    *,
    to: str,
    source: str | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> ProgramTranslation:
    """Rewrite the convolution calls of a Python file in the words of another framework.

    A call is rewritten only where the new one is proved to give the same numbers for every input
    that the call takes; its arrays keep the axes that they have.  What takes several lines becomes
    a function of its own below the imports.  Every other call gets a comment with the reason, and
    all other text stays as it is.

    A layer (``keras.layers.Conv2D(64, 3)``) becomes one of the other framework, which takes x with
    that framework's axes, as the network around it then does; its padding must not depend on the
    size of x.

    Args:
        text: the file's text.
        to: a family ("pytorch") or a function, as for ``translate``.
        source: the family whose calls are rewritten; by default every other one's.
        shapes: shapes of kernels by what the calls name them, as {"self.w": (3, 3, 3, 8)}, where
            the file does not say them and the padding depends on them.

    Raises:
        BadCall: a text that is no Python, with the place.
        UnknownName: no such framework or function.

    >>> text = '''import tensorflow as tf
    ... def layer(x, w):
    ...     return tf.nn.conv1d(x, w, stride=1, padding="SAME")
    ... '''
    >>> print(translate_program(text, to="pytorch").after)
    import tensorflow as tf
    from torch.nn import functional as F
    def layer(x, w):
        return F.conv1d(x.permute(0, 2, 1), w.permute(2, 1, 0), padding='same').permute(0, 2, 1)
    <BLANKLINE>

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """
    target = _family(to.partition("@")[0])
    origin = None if source is None else _family(source)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 1)
        raise BadCall(f"no Python: line {line}: {getattr(error, 'msg', error)}") from None
    reader = _FileReader(text, tree, dict(shapes or {}))
    writer = _FileWriter(text, tree, to)
    for place in reader.places(origin, target):
        writer.write(place)
    return writer.translation()


@dataclass(slots=True)
class _CallSite:
    """A convolution call of a file: its node, and what its arguments are.

    reason: why it cannot be read.  read: the call as ``calls_in`` sorted it, in a text of its own.
    arguments: the node of each role's array.  kernel: its shape, where that is known.
    layers: a layer, read twice with other numbers for the channels that are expressions: the nodes
    of these by the numbers.
    """

    node: ast.Call
    function: str
    reason: str = ""
    read: UnsizedCall | None = None
    arguments: dict[str, ast.expr] = field(default_factory=dict)
    kernel: Shape | None = None
    layers: list[tuple[UnsizedCall, dict[int, ast.expr]]] = field(default_factory=list)


class _FileReader:
    """Finds the convolution calls of a file."""

    def __init__(self, text: str, tree: ast.Module, shapes: Mapping[str, Shape]) -> None:
        self.text, self.tree, self.shapes = text, tree, shapes
        nodes = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
        self.imports = [ast.unparse(node) for node in nodes if getattr(node, "level", 0) == 0]
        self.program = read_python(SourceText("\n".join(self.imports)))
        stars = (line.split()[1] for line in self.imports if line.endswith("import *"))
        self.stars = list(stars)

    def places(self, origin: str | None, target: str) -> Iterator[_CallSite]:
        """The calls of one framework, or of all but one, inner calls before outer ones."""
        calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        in_strings = {
            id(n) for s in ast.walk(self.tree) if isinstance(s, ast.JoinedStr) for n in ast.walk(s)
        }
        for call in sorted(calls, key=lambda n: (n.end_lineno, n.end_col_offset, -n.lineno)):
            path = self._path(call.func)
            known = targets(path, self.program, True) if path else []
            family = known[0].framework.name if known else None
            if family is None or (family != origin if origin else family == target):
                continue
            place = _CallSite(call, known[0].name)
            try:
                if id(call) in in_strings:
                    raise _LeftError("it stands in an f-string")
                if known[0].layer is None:
                    self._read(place, path)
                else:
                    self._read_layer(place, path)
            except _LeftError as left:
                place.reason = str(left)
            except UniconvError as error:
                place.reason = _reason(error, place)
            yield place

    def _path(self, function: ast.expr) -> str:
        """The dotted name of a function that an import of the file brings; "" for any other."""
        path = _dotted(function)
        root, _, rest = path.partition(".")
        if root in self.program.aliases:
            return path
        known = (f"{module}.{path}" for module in self.stars if path and not rest)
        return next((name for name in known if targets(name, self.program, True)), "")

    def _read(self, place: _CallSite, path: str) -> None:
        """Sort the arguments of a call."""
        call = place.node
        if any(isinstance(a, ast.Starred) for a in call.args) or None in [
            keyword.arg for keyword in call.keywords
        ]:
            raise _LeftError("its arguments are not written out")
        names = {f"argument_{i}": value for i, value in enumerate(_values(call))}
        read = self._read_as(call, path, list(names))
        matched = read.matched
        for role, argument in matched.arrays.items():
            name = argument.value
            if isinstance(name, NameInText) and name.path in names:
                place.arguments[role] = names[name.path]
        for role in ("x", "w"):
            if role not in place.arguments:
                raise _LeftError(f"no {role} stands in it")
        place.read = read
        place.kernel = self._kernel(ast.unparse(place.arguments["w"]))

    def _read_layer(self, place: _CallSite, path: str) -> None:
        """Read a layer that is made, with numbers in the place of channels that are expressions."""
        call = place.node
        for counts in _COUNTS:
            numbers = [5040 * n for n in counts[: len(_values(call))]]
            read = self._read_as(call, path, list(map(str, numbers)))
            said = {id(a): role for role, a in read.matched.sizes.items() if role in ("in", "out")}
            channels = {}
            for argument in (*read.matched.sizes.values(), *read.matched.options.values()):
                value = argument.value.value if isinstance(argument.value, Literal) else None
                if value in numbers:
                    node = _values(call)[numbers.index(value)]
                    if id(argument) not in said:
                        word = argument.keyword or "an argument"
                        raise _LeftError(f"{word} is {ast.unparse(node)}, which is not known")
                    channels[value] = node
            place.layers.append((read, channels))

    def _read_as(self, call: ast.Call, path: str, names: list[str]) -> UnsizedCall:
        """A call, with these names where an argument is no value."""
        values = _values(call)
        if len(values) > len(names):
            raise _LeftError(f"it has {len(values)} arguments")
        words = [None] * len(call.args) + [keyword.arg for keyword in call.keywords]
        texts = [ast.unparse(v) if self._is_value(v) else n for v, n in zip(values, names)]
        arguments = ", ".join(t if word is None else f"{word}={t}" for word, t in zip(words, texts))
        read = UnsizedCall.of("\n".join([*self.imports, f"{path}({arguments})"]))
        if read is None:
            raise _LeftError("it cannot be read")
        return read

    def _is_value(self, node: ast.expr) -> bool:
        """Whether a node is written out, or a constant of a module."""
        root = _dotted(node).partition(".")
        if root[2] and root[0] in self.program.aliases:
            return True
        try:
            ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return False
        return True

    def _kernel(self, name: str) -> Shape | None:
        """A kernel's shape: as it was said, or as the one statement has it that sets its name."""
        if name in self.shapes:
            return tuple(self.shapes[name])
        nodes = list(ast.walk(self.tree))
        stores = [
            n
            for n in nodes
            if isinstance(n, (ast.Name, ast.Attribute))
            and isinstance(n.ctx, ast.Store)
            and _dotted(n) == name
        ]
        arguments = {n.arg for n in nodes if isinstance(n, ast.arg)}
        values = [
            n.value
            for n in nodes
            if isinstance(n, ast.Assign) and [_dotted(t) for t in n.targets] == [name]
        ]
        if len(stores) != 1 or len(values) != 1 or name in arguments:
            return None
        source = SourceText("\n".join([*self.imports, f"kernel = {ast.unparse(values[0])}"]))
        try:
            program = read_python(source)
            kernel = Argument(0, None, program.variables["kernel"])
            array = Values(source, program, {}).array("w", kernel, set())
        except UniconvError:
            return None
        return None if array is None else tuple(getattr(array, "shape", array))


class _FileWriter:
    """Puts what stands for the calls into the text."""

    def __init__(self, text: str, tree: ast.Module, to: str) -> None:
        self.text, self.tree, self.to = text, tree, to
        self.lines = _LineEnds(text)
        self.edits: list[tuple[int, int, str]] = []  # start, end, what stands there instead
        self.imports: list[str] = []
        self.functions: dict[tuple[str, str], str] = {}  # names, by parameters and text
        self.rewrites: list[Rewrite] = []
        self.statements = [n for n in ast.walk(tree) if isinstance(n, ast.stmt)]
        names = (
            n for n in ast.walk(tree) if isinstance(n, (ast.Name, ast.FunctionDef, ast.ClassDef))
        )
        self.names = {n.id if isinstance(n, ast.Name) else n.name for n in names}

    def write(self, place: _CallSite) -> None:
        """Rewrite one call, or leave it with its reason."""
        start, end = self.lines.span(place.node)
        before = self.text[start:end]
        row, column = place.node.lineno, start - self.lines.starts[place.node.lineno - 1] + 1
        after, reason = "", place.reason
        if not reason:
            try:
                after = self._after(place)
            except _LeftError as left:
                reason = str(left)
            except CannotExpress as error:
                reason = f"{self.to} cannot say it: {error.reason}"
            except UniconvError as error:
                reason = _reason(error, place)
        self.rewrites.append(Rewrite(row, column, place.function, before, after, reason))
        if not reason:
            self.edits = [e for e in self.edits if not (start <= e[0] and e[1] <= end)]
            self.edits.append((start, end, after))

    def _after(self, place: _CallSite) -> str:
        """What stands for the call: one expression, or a call of a function that is added."""
        if place.layers:
            return self._layer(place)
        translation = _proved(place, self.to)
        texts = {role: self._segment(*self.lines.span(n)) for role, n in place.arguments.items()}
        arguments = {_NAMES[role]: text for role, text in texts.items()}
        self._import(translation.imports, "\n".join((*translation.kernel, *translation.lines)))
        nodes = place.arguments.items()
        whole = replace(translation, names={_NAMES[r]: _closed(texts[r], n) for r, n in nodes})
        if whole.expression is not None:
            body = ast.parse(whole.expression, mode="eval").body
            return whole.expression if isinstance(body, _CLOSED) else f"({whole.expression})"
        lines = [*translation.kernel, *translation.lines]
        options = ", ".join(f"{k}={show(v)}" for k, v in translation.call.options.items())
        head = f"# {place.function}({options})"
        text = "\n".join(f"    {line}" if line else "" for line in [head, *lines, "return y"])
        parameters = ", ".join(arguments)
        key = parameters, text
        if key not in self.functions:
            self.functions[key] = self._free_name(place.function)
        name = self.functions[key]
        return f"{name}({', '.join(arguments.values())})"

    def _layer(self, place: _CallSite) -> str:
        """The expression that makes a layer, with the file's own expressions for its channels."""
        layers = []
        for read, channels in place.layers:
            done = layer_by(read, self.to)
            if done.outcome != EXACT:
                raise _LeftError("its numbers depend on the size of x")
            layer = done.layer
            for number, node in channels.items():
                text = self._segment(*self.lines.span(node))
                layer = text.join(re.split(rf"\b{number}\b", layer))
            layers.append(layer)
        if len({*layers}) > 1:
            raise _LeftError("its code depends on its channels")
        self._import(done.imports, done.layer)
        return layers[0]

    def _import(self, imports: Iterable[str], code: str) -> None:
        """Add the imports whose names the code uses."""
        for line in imports:
            if line not in self.imports and imports_for(line, code):
                self.imports.append(line)

    def _segment(self, start: int, end: int) -> str:
        """A part of the text with the edits in it."""
        parts = []
        for first, last, after in sorted(e for e in self.edits if start <= e[0] and e[1] <= end):
            parts += [self.text[start:first], after]
            start = last
        return "".join([*parts, self.text[start:end]])

    def _free_name(self, function: str) -> str:
        """A name for a function that the file has not."""
        stem = function.replace(".", "_").lower()
        numbers = (f"{stem}_{i}" for i in range(2, 2 + len(self.names) + len(self.functions)))
        name = next(n for n in (stem, *numbers) if n not in self.names)
        self.names.add(name)
        return name

    def translation(self) -> ProgramTranslation:
        """The whole text, with imports, functions and comments added."""
        edits, newline = list(self.edits), self.lines.newline
        own = {
            ast.unparse(n) for n in self.tree.body if isinstance(n, (ast.Import, ast.ImportFrom))
        }
        at = self.lines.starts[self._below_imports()]
        lines = [line for line in self.imports if line not in own]
        added = "".join(line + newline for line in lines)
        for (parameters, text), name in self.functions.items():
            whole = f"\n\ndef {name}({parameters}):\n{text}\n"
            added += whole.replace("\n", newline)
        if added:
            edits.append((at, at, added))
        for rewrite in self.rewrites:
            if rewrite.reason:
                edits += self._comment(rewrite)
        parts, start = [], 0
        for first, last, after in sorted(set(edits)):
            parts += [self.text[start:first], after]
            start = last
        after = "".join([*parts, self.text[start:]])
        ast.parse(after)
        order = sorted(self.rewrites, key=lambda r: (r.line, r.column))
        return ProgramTranslation(self.text, after, tuple(order))

    def _below_imports(self) -> int:
        """The index of the line below the first imports of the file, or below its docstring."""
        row = 0
        for i, node in enumerate(self.tree.body):
            docstring = (
                i == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            )
            if not (docstring or isinstance(node, (ast.Import, ast.ImportFrom))):
                break
            row = node.end_lineno or row
        return row

    def _comment(self, rewrite: Rewrite) -> list[tuple[int, int, str]]:
        """The edit that puts the reason above a call's statement, unless it stands there."""
        inside = (
            s for s in self.statements if s.lineno <= rewrite.line <= (s.end_lineno or s.lineno)
        )
        row = max(s.lineno for s in inside) - 1
        line = self.lines.line(row)
        indent = line[: len(line) - len(line.lstrip())]
        comment = f"{MARK}{rewrite.function} is left: {rewrite.reason}"
        if row and self.lines.line(row - 1).strip() == comment:
            return []
        at = self.lines.starts[row]
        return [(at, at, f"{indent}{comment}{self.lines.newline}")]


class _LineEnds:
    """Where the lines of a text begin; as Python counts them: a form feed ends none."""

    def __init__(self, text: str) -> None:
        self.text = text
        ends = [m.end() for m in re.finditer(r"\r\n|\r|\n", text)]
        self.starts = [0, *ends]
        if self.starts[-1] != len(text):
            self.starts.append(len(text))
        first = re.search(r"\r\n|\r|\n", text)
        self.newline = first[0] if first else "\n"

    def line(self, index: int) -> str:
        """A line with its end."""
        return self.text[self.starts[index] : self.starts[index + 1]]

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Where a node begins and ends."""
        end = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self._at(node.lineno, node.col_offset), self._at(*end)

    def _at(self, line: int, column: int) -> int:
        # ast counts columns in bytes of UTF-8.
        before = self.line(line - 1).encode()[:column].decode()
        return self.starts[line - 1] + len(before)


def _family(name: str) -> str:
    """The family that a name is, or belongs to."""
    return (framework(name) or framework_of(find(name))).name


def _closed(text: str, node: ast.expr) -> str:
    """An argument's text as part of a longer expression; sums get their brackets there."""
    return text if isinstance(node, (*_CLOSED, ast.BinOp, ast.UnaryOp)) else f"({text})"


def _dotted(node: ast.expr) -> str:
    """A name with its attributes; "" for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def _reason(error: UniconvError, place: _CallSite) -> str:
    """An error's first line, without the place in the text that was made of the call."""
    line = re.sub(r"^line \d+, column \d+: ", "", str(error).splitlines()[0])
    line = line.removeprefix(f"{place.function}: ")
    line = re.sub(
        r"^no value for (\w+), (?:the |an? )?(\w+): .*", r"\2 is \1, which is not known", line
    )
    return re.sub(r"argument_(\d+)", lambda m: ast.unparse(_values(place.node)[int(m[1])]), line)


def _values(call: ast.Call) -> list[ast.expr]:
    """What a call is given, in order."""
    return [*call.args, *(keyword.value for keyword in call.keywords)]


# What is proved


def _proved(place: _CallSite, to: str) -> Translation:
    """The translation of a call for every x, and every kernel where none is known.

    Raises:
        _LeftError: it depends on what the file does not say.
        and the errors of ``translate``.
    """
    read = place.read
    assert read is not None
    name = ast.unparse(place.arguments["w"])
    try:
        kernels = [place.kernel] if place.kernel else read.kernels()
    except BadShape:
        raise _LeftError(
            f"the number of its spatial axes is not known: say the shape of {name}"
        ) from None
    made = []
    for w in kernels:
        shapes = read.arrays(w)
        call = read.sized({role: shapes[role] for role in place.arguments})
        made.append(translate(call, to=to, weights="inline", sizes="any"))
    first = made[0]
    if first.outcome != EXACT:
        raise _LeftError("its numbers depend on the size of x")
    alike = all(other.statements == first.statements for other in made[1:])
    if not place.kernel and not (alike and _for_every_kernel(first)):
        raise _LeftError(f"the code depends on the kernel's shape: say the shape of {name}")
    return first


def _for_every_kernel(translation: Translation) -> bool:
    """Whether both calls pad alike, or apart by the same pixels, for x and w of every size.

    What the code does beside the call is then the same for all of them.
    """
    rewriting = translation.rewriting
    sides = rewriting.call, rewriting.lifted.call
    for axis in range(sides[0].rank):
        try:
            a, b = (traced(_pads(call, axis), "n", "k") for call in sides)
        except TypeError:
            return False
        if any(type(one - other) is not int for one, other in zip(a, b)):
            return False
    return True


def _pads(call: LoweredCall, axis: int) -> Callable[[Any, Any], tuple[int, ...]]:
    """The padding along an axis, as a function of the extents of x and w there."""

    def along(n: Any, k: Any) -> tuple[int, ...]:
        size, kernel = list(call.sizes.size), list(call.sizes.kernel)
        size[axis], kernel[axis] = n, k
        return call.padding_at(tuple(size), tuple(kernel))[axis]

    return along

"""translate_program: the convolution calls of a Python file as calls of another framework.

How to read it: ``CallSites`` finds the calls and what each of their arguments is,
``_FileWriter`` puts the translations of those that are proved into the text.  The rest of the file
keeps every character: only the places themselves are replaced.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from uniconv._call import Call
from uniconv._canonical import steps as s
from uniconv._canonical.record import Shape
from uniconv._messages import show
from uniconv._translate.call_readings import CallInFile, CallReading, says_the_same
from uniconv._translate.call_sites import CallSite, CallSites, LeftError, reason_of
from uniconv._translate.layers import layer_by, shapes_of
from uniconv._translate.layout_of_code import imports_for
from uniconv._translate.line_ends import LineEnds
from uniconv._translate.sizes import alike_for_every_kernel, pads_always
from uniconv._translate.translate import EVERY, EXACT, translated
from uniconv._translate.translation import Translation
from uniconv._translate.unsized import UnsizedCall
from uniconv.errors import BadCall, BadShape, CannotExpress, UniconvError
from uniconv.spec.registry import find, framework, framework_of

MARK = "# uniconv: "
NAME = "NAME_OF_DEFINITION"  # in a text of a function or class, whose name is not chosen yet
_NAMES = {"x": "x", "w": "w", "bias": "bias", "pointwise": "p"}  # of roles, in a translation
# Steps around a call in which numbers of its options may stand, and those that have none.
_PLAIN = (s.Permute, s.Surround, s.Flip, s.Bias, s.AddAxes, s.DropAxis)
# What a dot or a bracket may follow.
_CLOSED = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Tuple, ast.List)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One convolution call of a file.

    line, column: where it stands, from 1.  function: what it calls.  before, after: its text, and
    what stands in its place, "" where it is left.  reason: why it is left.
    left_out: words of a layer that change no number of y and stand there no more: initializers,
    regularizers, names, dtypes.
    """

    line: int
    column: int
    function: str
    before: str
    after: str = ""
    reason: str = ""
    left_out: tuple[str, ...] = ()


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
        lines += [
            f"  line {r.line}: {r.function}: without {', '.join(r.left_out)}"
            for r in self.rewritten
            if r.left_out
        ]
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
    that framework's axes, as the network around it then does; where its padding depends on the
    size of x, a layer that pads is defined below the imports.

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
    reader = CallSites(text, tree, dict(shapes or {}))
    writer = _FileWriter(text, tree, to)
    for place in reader.places(origin, target):
        writer.write(place)
    return writer.translation()


class _FileWriter:
    """Puts what stands for the calls into the text."""

    def __init__(self, text: str, tree: ast.Module, to: str) -> None:
        self.text, self.tree, self.to = text, tree, to
        self.lines = LineEnds(text)
        self.edits: list[tuple[int, int, str]] = []  # start, end, what stands there instead
        self.imports: list[str] = []
        self.definitions: dict[str, str] = {}  # names of functions and classes, by their text
        self.rewrites: list[Rewrite] = []
        self.statements = [n for n in ast.walk(tree) if isinstance(n, ast.stmt)]
        names = (
            n for n in ast.walk(tree) if isinstance(n, (ast.Name, ast.FunctionDef, ast.ClassDef))
        )
        self.names = {n.id if isinstance(n, ast.Name) else n.name for n in names}

    def write(self, place: CallSite) -> None:
        """Rewrite one call, or leave it with its reason."""
        start, end = self.lines.span(place.node)
        before = self.text[start:end]
        row, column = place.node.lineno, start - self.lines.starts[place.node.lineno - 1] + 1
        after, reason = "", place.reason
        before_it = list(self.imports), dict(self.definitions)
        if not reason:
            try:
                after = self._after(place)
            except LeftError as left:
                reason = str(left)
            except CannotExpress as error:
                reason = f"{self.to} cannot say it: {error.reason}"
            except UniconvError as error:
                reason = reason_of(error, place)
        left_out = () if reason else place.left_out
        self.rewrites.append(Rewrite(row, column, place.function, before, after, reason, left_out))
        if reason:
            self.imports, self.definitions = before_it
        else:
            self.edits = [e for e in self.edits if not (start <= e[0] and e[1] <= end)]
            self.edits.append((start, end, after))

    def _after(self, place: CallSite) -> str:
        """What stands for the call: one expression, or a call of a function that is added."""
        if place.numbered is not None:
            write = self._layer_text if place.layer else self._call_text
            text = self._with_expressions(place, place.numbered, write)
            return text if place.x is None else f"{text}({self._as_in_file(place.x)})"
        assert place.read is not None
        translation = _proved(place, place.read, self.to)
        expression, texts = self._expression(place, translation)
        if expression is not None:
            return expression
        lines = [*translation.kernel, *translation.lines]
        options = ", ".join(f"{k}={show(v)}" for k, v in translation.call.options.items())
        head = f"# {place.function}({options})"
        text = "\n".join(f"    {line}" if line else "" for line in [head, *lines, "return y"])
        definition = f"def {NAME}({', '.join(texts)}):\n{text}"
        name = self._defined(definition, place.function.replace(".", "_").lower())
        return f"{name}({', '.join(texts.values())})"

    def _expression(
        self, place: CallSite, translation: Translation
    ) -> tuple[str | None, dict[str, str]]:
        """A translation as one expression, None where it is none; the arguments' texts by name."""
        nodes = place.arguments.items()
        texts = {role: self._segment(*self.lines.span(node)) for role, node in nodes}
        arguments = {_NAMES[role]: text for role, text in texts.items()}
        self._import(translation.imports, "\n".join((*translation.kernel, *translation.lines)))
        whole = replace(translation, names={_NAMES[r]: _closed(texts[r], n) for r, n in nodes})
        expression = whole.expression
        if expression is not None:
            body = ast.parse(expression, mode="eval").body
            expression = expression if isinstance(body, _CLOSED) else f"({expression})"
        return expression, arguments

    def _with_expressions(
        self,
        place: CallSite,
        numbered: CallInFile,
        write: Callable[[CallSite, CallInFile, int], str],
    ) -> str:
        """What stands for a call whose numbers are the file's expressions, whatever they are."""
        texts = [write(place, numbered, turn) for turn in (0, 1)]
        if texts[0] != texts[1]:
            raise LeftError(f"its code depends on {' and '.join(numbered.kinds)}")
        return texts[0]

    def _layer_text(self, place: CallSite, layer: CallInFile, turn: int) -> str:
        """The layer with the first or the second numbers, and with the file's expressions again."""
        reading = layer.reading(turn)
        with self._in_its_words(place, reading):
            done = layer_by(reading.call, self.to)
            text = done.layer
            if layer.flag is not None:
                without = layer_by(layer.reading(turn, bias=False).call, self.to).layer
                text = _flagged(text, without, self._as_in_file(layer.flag), layer.without)
            if done.border:
                own = re.split(r"\W", done.border, maxsplit=2)[1]
                name = self._defined(re.sub(rf"\b{own}\b", NAME, done.border), own)
                text = re.sub(rf"\b{own}\b", name, text)
        if done.outcome != EXACT:
            raise LeftError("its numbers depend on the size of x")
        if not says_the_same(layer, reading, done.rewriting, shapes_of):
            raise LeftError(f"its code depends on {' and '.join(layer.kinds)}")
        self._import(done.imports, f"{done.layer}\n{done.border}")
        return reading.text(text, self._as_in_file)

    def _call_text(self, place: CallSite, call: CallInFile, turn: int) -> str:
        """The call with the first or the second numbers, and with the file's expressions again."""
        reading = call.reading(turn)
        with self._in_its_words(place, reading):
            translation = _proved(place, reading.call, self.to)
            kernels = [place.kernel] if place.kernel else reading.call.kernels()
        expression, _ = self._expression(place, translation)
        plain = all(isinstance(step, _PLAIN) for step in translation.rewriting.steps)
        same = plain and all(
            says_the_same(call, reading, translation.rewriting, partial(_shapes, place, w))
            for w in kernels
        )
        if expression is None or not same:
            raise LeftError(f"its code depends on {' and '.join(call.kinds)}")
        return reading.text(expression, self._as_in_file)

    @contextmanager
    def _in_its_words(self, place: CallSite, reading: CallReading) -> Iterator[None]:
        """Errors say the file's expressions, not the numbers that stand for them."""
        try:
            yield
        except CannotExpress as error:
            reason = reading.text(error.reason, self._as_in_file)
            raise CannotExpress(error.function, error.field, reason) from None
        except UniconvError as error:
            reason = reason_of(error, place)
            for number, node in reading.nodes.items():
                shown = self._as_in_file(node)
                # What the function refuses of a number may be a word: padding=padding.
                reason = re.sub(
                    rf"^(\w+)={number} must .*", rf"\1 is {shown}, which is not known", reason
                )
            raise LeftError(reading.text(reason, self._as_in_file)) from None

    def _as_in_file(self, node: ast.expr) -> str:
        """An expression of the file as it stands there by now."""
        return self._segment(*self.lines.span(node))

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

    def _defined(self, definition: str, stem: str) -> str:
        """The name of a function or class below the imports, which the file had not before."""
        if definition not in self.definitions:
            taken = self.names | {*self.definitions.values()}
            numbers = (f"{stem}_{i}" for i in range(2, 3 + len(taken)))
            self.definitions[definition] = next(n for n in (stem, *numbers) if n not in taken)
        return self.definitions[definition]

    def translation(self) -> ProgramTranslation:
        """The whole text, with imports, functions and comments added."""
        edits, newline = list(self.edits), self.lines.newline
        own = {
            ast.unparse(n) for n in self.tree.body if isinstance(n, (ast.Import, ast.ImportFrom))
        }
        at = self.lines.starts[self._below_imports()]
        lines = [line for line in self.imports if line not in own]
        added = "".join(line + newline for line in lines)
        for text, name in self.definitions.items():
            added += f"\n\n{text.replace(NAME, name)}\n".replace("\n", newline)
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
        above = row - 1
        while above >= 0 and self.lines.line(above).strip().startswith(MARK):
            if self.lines.line(above).strip() == comment:
                return []
            above -= 1
        at = self.lines.starts[row]
        return [(at, at, f"{indent}{comment}{self.lines.newline}")]


def _family(name: str) -> str:
    """The family that a name is, or belongs to."""
    return (framework(name) or framework_of(find(name))).name


def _closed(text: str, node: ast.expr) -> str:
    """An argument's text as part of a longer expression; sums get their brackets there."""
    return text if isinstance(node, (*_CLOSED, ast.BinOp, ast.UnaryOp)) else f"({text})"


def _flagged(text: str, without: str, flag: str, absent: bool) -> str:
    """A layer with an expression in the place of the word that says that it has no bias.

    text, without: the layer with a bias, and without; absent: the flag's value for the latter.
    """
    for word in re.finditer(r", \w+=(True|False)", without):
        if without[: word.start()] + without[word.end() :] == text:
            same = (word[1] == "True") is absent
            value = flag if same else f"not ({flag})"
            return f"{without[: word.start(1)]}{value}{without[word.end(1) :]}"
    raise LeftError(f"its code depends on {flag}")


# What is proved


def _proved(place: CallSite, read: UnsizedCall, to: str) -> Translation:
    """The translation of a call for every x, and every kernel where none is known.

    Raises:
        LeftError: it depends on what the file does not say.
        and the errors of ``translate``.
    """
    name = ast.unparse(place.arguments["w"])
    try:
        kernels = [place.kernel] if place.kernel else read.kernels()
    except BadShape:
        raise LeftError(
            f"the number of its spatial axes is not known: say the shape of {name}"
        ) from None
    calls = [read.sized(_shapes(place, w, read)) for w in kernels]
    first = _alike(calls, to, "any")
    if first is None and not place.kernel:
        first = _alike(calls, to, EVERY)
    if first is None:
        raise LeftError(f"the code depends on the kernel's shape: say the shape of {name}")
    if first.outcome != EXACT:
        raise LeftError("its numbers depend on the size of x")
    return first


def _alike(calls: Sequence[Call], to: str, sizes: str) -> Translation | None:
    """The one translation of calls with several kernels, and so of those with any; None for none.

    sizes: EVERY for one with formulas of the kernel's extents.
    """
    first, *others = [translated(call, to, "inline", sizes, {}) for call in calls]
    if not others:
        return first
    call, lifted = first.rewriting.call, first.rewriting.lifted.call
    same = pads_always(lifted) if sizes == EVERY else alike_for_every_kernel(call, lifted)
    return first if same and all(o.statements == first.statements for o in others) else None


def _shapes(place: CallSite, w: Shape, read: UnsizedCall) -> dict[str, Shape]:
    """The shapes of the arrays that a call has, beside a kernel of that shape."""
    shapes = read.arrays(w)
    return {role: shapes[role] for role in place.arguments}

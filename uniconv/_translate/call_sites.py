"""CallSites: the convolution calls of a Python file, and what each of their arguments is."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from uniconv._canonical.record import Shape
from uniconv._parse.functions import class_applied, class_not_lazy, targets
from uniconv._parse.match import UNREAD
from uniconv._parse.python import dotted_path, read_python
from uniconv._parse.source import SourceText
from uniconv._parse.tree import Argument, NameInText
from uniconv._parse.values import Values
from uniconv._translate.call_readings import CallInFile
from uniconv._translate.unsized import UnsizedCall
from uniconv.errors import UniconvError
from uniconv.spec.registry import frameworks

# The last word of a function or class of convolutions, in whatever library.
_CONVOLUTION = re.compile(
    r"(?:lazy_?)?(?:(?:depthwise|separable|dilated|atrous|causal)_?)*(?:de)?conv(?:olution|olve)?"
    r"(?:_?transposed?)?(?:_?[123n]d)?(?:_?transposed?)?",
    re.IGNORECASE,
)


# As many arguments of a function that applies a layer stand where the layer's class has them.
_IN_ORDER = 4


class LeftError(Exception):
    """A call stays as it is, for this reason."""


@dataclass(slots=True)
class CallSite:
    """A convolution call of a file: its node, and what its arguments are.

    node: the call; or the function's name where it is not called there.
    reason: why it cannot be read.  read: the call as ``calls_in`` sorted it, in a text of its own.
    arguments: the node of each role's array.  kernel: its shape, where that is known.
    numbered: what is to be read with numbers for its expressions: every layer that is made, and a
    call with options that the file does not say.  x: what a layer is put on in the same call.
    left_out: the words of a layer that no number of y needs: initializers, names.
    """

    node: ast.expr
    function: str
    reason: str = ""
    read: UnsizedCall | None = None
    arguments: dict[str, ast.expr] = field(default_factory=dict)
    kernel: Shape | None = None
    numbered: CallInFile | None = None
    layer: bool = False
    x: ast.expr | None = None
    left_out: tuple[str, ...] = ()


class CallSites:
    """Finds the convolution calls of a file."""

    def __init__(self, text: str, tree: ast.Module, shapes: Mapping[str, Shape]) -> None:
        self.text, self.tree, self.shapes = text, tree, shapes
        nodes = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
        self.imports = [ast.unparse(node) for node in nodes if getattr(node, "level", 0) == 0]
        self.program = read_python(SourceText("\n".join(self.imports)))
        stars = (line.split()[1] for line in self.imports if line.endswith("import *"))
        self.stars = list(stars)

    @cached_property
    def _constants(self) -> dict[str, ast.expr]:
        """The lists, tuples and words of the file that one statement sets at the top of it."""
        nodes = list(ast.walk(self.tree))
        stores = Counter(n.id for n in nodes if isinstance(n, ast.Name) and _is_set(n))
        stores.update(n.arg for n in nodes if isinstance(n, ast.arg))
        # STRIDES[1] = 2, STRIDES.append(1)
        stores.update(dotted_path(n.value) for n in nodes if isinstance(n, ast.Attribute))
        parts = (n for n in nodes if isinstance(n, ast.Subscript) and _is_set(n))
        stores.update(dotted_path(n.value) for n in parts)
        values: dict[str, ast.expr] = {}
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and _is_fixed(node.value):
                name = dotted_path(node.targets[0])
                if stores[name] == 1:
                    values[name] = node.value
        return values

    @cached_property
    def _lists(self) -> set[str]:
        """The names that the file somewhere sets to a list, a tuple or a word."""
        values = [(n, n.value) for n in ast.walk(self.tree) if isinstance(n, ast.Assign)]
        pairs = [(dotted_path(t), value) for node, value in values for t in node.targets]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.arguments):
                named = [*node.posonlyargs, *node.args][::-1]
                pairs += [(a.arg, d) for a, d in zip(named, node.defaults[::-1])]
                pairs += [(a.arg, d) for a, d in zip(node.kwonlyargs, node.kw_defaults) if d]
            if isinstance(node, ast.Call):
                pairs += [(k.arg, k.value) for k in node.keywords if k.arg]
        return {
            name
            for name, value in pairs
            if isinstance(value, (ast.List, ast.Tuple))
            or (isinstance(value, ast.Constant) and isinstance(value.value, str))
        }

    def places(self, origin: str | None, target: str) -> Iterator[CallSite]:
        """The calls of one framework, or of all but one, inner calls before outer ones."""
        calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        in_strings = {
            id(n) for s in ast.walk(self.tree) if isinstance(s, ast.JoinedStr) for n in ast.walk(s)
        }
        origins = (origin, frameworks()[origin].layers_of) if origin else ()

        def asked(family: str) -> bool:
            return family in origins if origins else family != target

        for node in sorted(calls, key=lambda n: (n.end_lineno, n.end_col_offset, -n.lineno)):
            path, call, x = self._layer_of(self._path(node.func), node)
            known = targets(path, self.program, True) if path else []
            if not known:
                yield from self._unknown(call, path, target, asked)
                continue
            if not asked(known[0].framework.name):
                continue
            place = CallSite(node, known[0].name, x=x)
            try:
                if id(node) in in_strings:
                    raise LeftError("it stands in an f-string")
                if known[0].layer is None:
                    self._read(place, call, path)
                else:
                    self._read_layer(place, call, path)
            except LeftError as left:
                place.reason = str(left)
            except UniconvError as error:
                place.reason = reason_of(error, place)
            yield place
        yield from self._named(target, asked)

    def _layer_of(self, path: str, call: ast.Call) -> tuple[str, ast.Call, ast.expr | None]:
        """A call that makes a layer in another way, as its class has it; and what that is put on.

        ``tf.layers.conv2d(x, 8, 3)`` is ``keras.layers.Conv2D(8, 3)`` on x.
        """
        full = self._in_full(path)
        if name := class_not_lazy(full):
            return name, ast.Call(call.func, [ast.Constant(None), *call.args], call.keywords), None
        name = class_applied(full)
        inputs = [k.value for k in call.keywords if k.arg == "inputs"] or call.args[:1]
        if not name or not inputs or isinstance(inputs[0], ast.Starred):
            return path, call, None
        args = call.args if inputs[0] not in call.args else call.args[1:]
        keywords = [k for k in call.keywords if k.arg != "inputs"]
        return name, ast.Call(call.func, args, keywords), inputs[0]

    def _unknown(
        self, call: ast.Call, path: str, target: str, asked: Callable[[str], bool]
    ) -> Iterator[CallSite]:
        """A call that by its name is a convolution's, of a function that uniconv has not."""
        if not path and isinstance(call.func, ast.Attribute):  # x.conv2d(w)
            head, name = ast.unparse(call.func.value), f".Tensor.{call.func.attr}"
            families = (frameworks()[f] for f in self.program.modules if f in frameworks())
            for op in (op for family in families for op in family.functions):
                if op.name.endswith(name) and asked(op.family):
                    yield CallSite(call, op.name, f"{head} is not known to be a tensor of it")
        elif name := self._strange(path, target):
            yield CallSite(call, name, "uniconv does not know it")

    def _strange(self, path: str, target: str) -> str:
        """The full name of a convolution that no framework here has; "" for anything else.

        Nor one of the target's own library, where a call may have been rewritten before.
        """
        head, _, rest = path.partition(".")
        if not _CONVOLUTION.fullmatch(rest.rpartition(".")[2] or head):
            return ""
        full = self._in_full(path)
        roots = {name.partition(".")[0] for name in frameworks()[target].by_name}
        return "" if full.partition(".")[0] in roots else full

    def _in_full(self, path: str) -> str:
        """A name with its module's own in the place of an alias."""
        head, _, rest = path.partition(".")
        return ".".join(filter(None, (self.program.aliases.get(head, head), rest)))

    def _named(self, target: str, asked: Callable[[str], bool]) -> Iterator[CallSite]:
        """Where a function or class is named and not called: a base class, a partial's first."""
        nodes = list(ast.walk(self.tree))
        types = [getattr(n, word, None) for n in nodes for word in ("annotation", "returns")]
        within = [n.func for n in nodes if isinstance(n, ast.Call)]
        within += [n.value for n in nodes if isinstance(n, ast.Attribute)]
        passed = {id(part) for node in types if node is not None for part in ast.walk(node)}
        passed |= {id(node) for node in within}
        for node in nodes:
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                path = "" if id(node) in passed else self._path(node)
                known = targets(path, self.program, True) if path else []
                name = self._strange(path, target) if path and not known else ""
                if known and asked(known[0].framework.name):
                    name = known[0].name
                if name:
                    yield CallSite(node, name, "it is named here, not called")

    def _path(self, function: ast.expr) -> str:
        """The dotted name of a function that an import of the file brings; "" for any other."""
        path = dotted_path(function)
        root, _, rest = path.partition(".")
        if root in self.program.aliases:
            return path
        known = (f"{module}.{path}" for module in self.stars if path and not rest)
        return next((name for name in known if targets(name, self.program, True)), "")

    def _read(self, place: CallSite, call: ast.Call, path: str) -> None:
        """Sort the arguments of a call."""
        _check_written_out(call)
        names = {f"argument_{i}": value for i, value in enumerate(arguments_of(call))}
        texts = [self._text(v) or n for n, v in names.items()]
        read = self._read_as(call, path, texts)
        for role, argument in read.matched.arrays.items():
            name = argument.value
            if isinstance(name, NameInText) and name.path in names:
                place.arguments[role] = names[name.path]
        for role in ("x", "w"):
            if role not in place.arguments:
                raise LeftError(f"no {role} stands in it")
        place.kernel = self._kernel(ast.unparse(place.arguments["w"]))
        arrays = {id(node): n for n, node in names.items() if node in place.arguments.values()}
        if all(id(v) in arrays or self._text(v) for v in names.values()):
            place.read = read
        else:
            self._number(place, call, path, arrays)

    def _read_layer(self, place: CallSite, call: ast.Call, path: str) -> None:
        """Read a layer that is made; LeftError where an argument is not known that must be."""
        _check_written_out(call)
        if place.x is not None and len(call.args) > _IN_ORDER:
            raise LeftError("what stands behind its padding is to be said by name")
        place.layer = True
        self._number(place, call, path, {})
        words = place.numbered.target.op.constructor_words if place.numbered else {}
        idle = {word for word, restated in words.items() if restated.says == "nothing"}
        idle |= {*UNREAD, "device", "dtype"}
        place.left_out = tuple(k.arg for k in call.keywords if k.arg in idle)

    def _number(
        self, place: CallSite, call: ast.Call, path: str, arrays: Mapping[int, str]
    ) -> None:
        """Have a call read with numbers for its expressions; arrays: the names of its arrays.

        LeftError where no number can stand for one.
        """

        def text_of(node: ast.expr) -> str:
            if id(node) in arrays:
                return arrays[id(node)]
            return self._text(node)

        place.numbered = CallInFile(
            arguments_of(call), lambda texts: self._read_as(call, path, texts), text_of
        )
        if place.numbered.unknown is not None:
            word, node = place.numbered.unknown
            raise LeftError(f"{word} is {ast.unparse(node)}, which is not known")
        if not place.layer and (lists := sorted(self._lists & place.numbered.kinds.keys())):
            raise LeftError(f"{lists[0]} may be a list or a word, and no number")

    def _read_as(self, call: ast.Call, path: str, texts: list[str]) -> UnsizedCall:
        """A call, with these texts of its arguments."""
        words = [None] * len(call.args) + [keyword.arg for keyword in call.keywords]
        arguments = ", ".join(t if word is None else f"{word}={t}" for word, t in zip(words, texts))
        read = UnsizedCall.of("\n".join([*self.imports, f"{path}({arguments})"]))
        if read is None:
            raise LeftError("it cannot be read")
        return read

    def _text(self, node: ast.expr) -> str:
        """A node's value as text: what is written out, or a constant; "" for any other."""
        path = dotted_path(node)
        root, dot, _ = path.partition(".")
        if path in self._constants:
            return ast.unparse(self._constants[path])
        if dot and root in self.program.aliases:
            return path
        try:
            ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return ""
        return ast.unparse(node)

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
            and dotted_path(n) == name
        ]
        arguments = {n.arg for n in nodes if isinstance(n, ast.arg)}
        values = [
            n.value
            for n in nodes
            if isinstance(n, ast.Assign) and [dotted_path(t) for t in n.targets] == [name]
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


def _is_set(node: ast.Name | ast.Subscript) -> bool:
    return not isinstance(node.ctx, ast.Load)


def _is_fixed(node: ast.expr) -> bool:
    """Whether a list, a tuple or a word is written out."""
    try:
        return isinstance(ast.literal_eval(node), (list, tuple, str))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False


def _check_written_out(call: ast.Call) -> None:
    """LeftError where arguments are unpacked of a list or a dictionary."""
    starred: list[ast.expr] = [a for a in call.args if isinstance(a, ast.Starred)]
    starred += [keyword.value for keyword in call.keywords if keyword.arg is None]
    if starred:
        raise LeftError(
            f"its arguments are not written out, but stand in {ast.unparse(starred[0])}"
        )


def arguments_of(call: ast.Call) -> list[ast.expr]:
    """What a call is given, in order."""
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def reason_of(error: UniconvError, place: CallSite) -> str:
    """An error's first line, without the place in the text that was made of the call."""
    line = re.sub(r"^line \d+, column \d+: ", "", str(error).splitlines()[0])
    line = line.removeprefix(f"{place.function}: ")
    line = re.sub(r": say \w+=\.\.\.$", "", line)  # which a file cannot
    line = re.sub(
        r"^no value for (\w+), (?:the |an? )?(\w+): .*", r"\2 is \1, which is not known", line
    )
    values = arguments_of(place.node) if isinstance(place.node, ast.Call) else []
    return re.sub(r"argument_(\d+)", lambda m: ast.unparse(values[int(m[1])]), line)

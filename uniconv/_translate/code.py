"""A rewriting as code: the steps around the native call, in the framework's idiom."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from uniconv._calls.lift import native_shapes
from uniconv._canonical import steps as s
from uniconv._canonical.layout import axes
from uniconv._canonical.steps_source import source
from uniconv._translate.beside import Rewriting, Steps, extents_of, letters_of
from uniconv._translate.languages import LANGUAGES, Language, of_symbols
from uniconv._translate.nodes import Graph, in_a_list, renamed
from uniconv._translate.writing import Writer
from uniconv.spec.idiom import Idiom, numpy_idiom
from uniconv.spec.registry import framework_of
from uniconv.spec.spelling import Spelling, WrittenCall

# What has no spelling of its own is called as uniconv names it, on NumPy's arrays.
PLAIN = Spelling("import numpy as np", idiom=numpy_idiom("np"))


_IMPORT = re.compile(r"import |from |using ")
_SETTING = re.compile(r"[\w.]+\(")  # a call, such as one that sets a precision


@dataclass(frozen=True, slots=True)
class Code:
    """The lines of a translation; statements: those of kernel and call, each in one line."""

    language: str
    imports: tuple[str, ...]
    kernel: tuple[str, ...]
    lines: tuple[str, ...]
    statements: tuple[str, ...]
    notes: tuple[str, ...] = ()


def written(
    rewriting: Rewriting,
    names: Mapping[str, str],
    *,
    inline: bool,
    spelling: Spelling | None = None,
) -> Code:
    """The code of a rewriting; inline: the kernel's lines among those of the call.

    names: what stands for the arrays; spelling: another than that of the framework.
    """
    op = rewriting.lifted.call.op
    family = framework_of(op)
    spelling = spelling or family.spelling or PLAIN
    language = LANGUAGES[spelling.language]
    writer = _writer(rewriting, spelling.idiom, language)
    if spelling.idiom.nodes:
        return _graph(rewriting, names, spelling, writer, inline=inline)
    kernel, call = _written(rewriting, spelling, writer, dict(names))
    if rewriting.then is not None:
        then = _of_second_kernel(rewriting.then)
        writer = _writer(then, spelling.idiom, language)
        own = {"bias": names["bias"]} if "bias" in names else {}
        own |= {"x": "y", "w": "p", "p": names.get("p", "p")}
        once, after = _written(then, spelling, writer, own)
        kernel, call = [*kernel, *once], [*call, *after]
    statements = [*kernel, *call]
    once, rest = ([], statements) if inline else (kernel, call)
    named = f"{family.title} has no call to paste: {op.name} is named as uniconv names it"
    notes = () if family.spelling else (named,)
    imports = _imports(spelling, rewriting, statements)
    return Code(
        language.name,
        tuple(imports),
        _tidy(language, once),
        _tidy(language, rest),
        tuple(statements),
        notes,
    )


def _written(
    rewriting: Rewriting, spelling: Spelling, writer: Writer, current: dict[str, str]
) -> tuple[list[str], list[str]]:
    """The lines of the kernels, and those of the call; current: what stands for each array."""
    kernel = _measured(rewriting, writer, current, "w", "k")
    kernel += _stepped(writer, rewriting.w, current) + _stepped(writer, rewriting.p, current)
    if current.get("w") == "p" and "p" in current:  # a second call's, under its own name
        current["w"] = current.pop("p")
    call = _measured(rewriting, writer, current, "x", "n")
    call += _stepped(writer, rewriting.x, current)
    call += [_named(line, current, spelling.idiom) for line in _call(rewriting, spelling)]
    return kernel, [*call, *_stepped(writer, rewriting.y, {})]


def _of_second_kernel(then: Rewriting) -> Rewriting:
    """A second call, whose kernel is p in the code."""
    return replace(then, w=(), p=tuple(replace(step, on="p") for step in then.w))


def _graph(
    rewriting: Rewriting,
    names: Mapping[str, str],
    spelling: Spelling,
    writer: Writer,
    *,
    inline: bool,
) -> Code:
    """The code of a rewriting whose call is a node: a list of nodes; names: of the inputs.

    The kernel is an array of NumPy's: it is rearranged there, or, inline, by nodes.
    """
    graph = Graph(spelling.idiom, dict(writer.ndims), writer.function)
    kernel = [] if inline else _stepped(writer, rewriting.w, {})
    for step in (*(rewriting.w if inline else ()), *rewriting.x):
        graph.step(step)
    (line,) = _call(rewriting, spelling)
    graph.call(line)
    for step in rewriting.y:
        graph.step(step)
    if rewriting.then is not None:
        then = _of_second_kernel(rewriting.then)
        second = _writer(then, spelling.idiom, writer.language)
        kernel += [] if inline else _stepped(second, then.p, {})
        graph.second(second.ndims)
        for step in (*(then.p if inline else ()), *then.x):
            graph.step(step)
        (line,) = _call(then, spelling)
        graph.call(line.replace('"w"', '"p"'))
        for step in then.y:
            graph.step(step)
    statements = in_a_list(renamed(graph.finished(), dict(names)))
    imports = _imports(spelling, rewriting, [*kernel, *statements])
    language = writer.language
    whole = "\n".join(statements)
    return Code(
        language.name,
        tuple(imports),
        _tidy(language, kernel),
        tuple(statements),
        (*kernel, whole),
    )


def _tidy(language: Language, lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(row for line in lines for row in language.tidy(line))


def _imports(spelling: Spelling, rewriting: Rewriting, statements: Sequence[str]) -> list[str]:
    """The imports that the statements use, of the framework's lines at the top and its idiom's."""
    top = spelling.top(rewriting.lifted.call.op).splitlines()
    lines = [line for line in top if line and not _SETTING.match(line)]
    lines += [line for line in spelling.idiom.imports.splitlines() if line not in lines]
    text = "\n".join(statements)
    return [line for line in lines if _IMPORT.match(line) is None or _is_used(line, text)]


def _is_used(line: str, text: str) -> bool:
    """Whether a line imports a name that the text has, by itself or with what is in it."""
    name = re.split(r" as | import |^import |^using ", line)[-1].rpartition(", ")[2]
    return re.search(rf"(?<![\w.]){re.escape(name)}[.(]", text) is not None


def _writer(rewriting: Rewriting, idiom: Idiom, language: Language) -> Writer:
    call, lifted = rewriting.call, rewriting.lifted.call
    if idiom.symbols:
        language = replace(language, formula=of_symbols(idiom.symbols))
    ndims = {
        "x": len(letters_of(call.layout.x, call.rank, len(call.sizes.batch))),
        "w": len(call.letters.w),
        "p": len(axes(str(call.op.pointwise or call.layout.w), call.rank)),
        "y": len(letters_of(lifted.layout.y, call.rank, len(lifted.y_batch))),
    }
    return (_Torch if idiom.of_torch else Writer)(language, idiom, ndims, lifted.op.name)


class _Torch(Writer):
    """torch, by the one writer of its steps."""

    def step(self, step: s.Step, x: str) -> list[str]:
        lines = source([step], bias=True, addend=True)
        if x == step.on:
            return lines
        target, equals, value = lines[0].partition(" = ")
        return [target + equals + re.sub(rf"\b{step.on}\b", x, value, count=1), *lines[1:]]


def _stepped(writer: Writer, steps: Steps, current: dict[str, str]) -> list[str]:
    """The lines of steps; ``current`` says what stands for each array, and learns its new name."""
    lines = []
    for step in steps:
        made = writer.step(step, current.get(step.on, step.on))
        if made:
            current.pop(step.on, None)
        lines += made
    return lines


def _measured(
    rewriting: Rewriting, writer: Writer, current: Mapping[str, str], role: str, letter: str
) -> list[str]:
    """The lines that name the extents of the call's own x, n0, or w, k0, where steps need them."""
    if letter not in rewriting.measured:
        return []
    call, language = rewriting.call, writer.language
    letters = call.letters.w
    if role == "x":
        letters = letters_of(call.layout.x, call.rank, len(call.sizes.batch))
    at = [letters.index(f"s{i}") + language.first for i in range(call.rank)]
    array = current.get(role, role)
    sizes = [language.size.format(x=array, axis=axis) for axis in at]
    names = [f"{letter}{i}" for i in range(call.rank)]
    return [f"{name} = {size}{language.end}" for name, size in zip(names, sizes)]


def border_of_layer(rewriting: Rewriting, steps: Steps) -> list[str]:
    """The lines that put a border around x, which has the axes of the other framework."""
    lifted = rewriting.lifted.call
    spelling = framework_of(lifted.op).spelling or PLAIN
    writer = _writer(rewriting, spelling.idiom, LANGUAGES[spelling.language])
    letters = letters_of(lifted.layout.x, lifted.rank, len(lifted.sizes.batch))
    writer.ndims["x"] = len(letters)
    names = sorted({name for step in steps for name in extents_of(step)})
    sizes = [writer.language.size.format(x="x", axis=letters.index(f"s{n[1:]}")) for n in names]
    lines = [f"{name} = {size}" for name, size in zip(names, sizes)]
    return [*lines, *_tidy(writer.language, _stepped(writer, steps, {}))]


def _call(rewriting: Rewriting, spelling: Spelling) -> list[str]:
    """The native call."""
    lifted = rewriting.lifted.call
    shapes = native_shapes(lifted, lifted.op, lifted.layout)
    p = shapes[2] if len(shapes) > 2 else None
    call = WrittenCall(
        lifted.op,
        shapes[0],
        shapes[1],
        p,
        lifted.output,
        rewriting.lifted.options,
        own_arrays=True,
        bias=rewriting.bias,
    )
    return [row for line in spelling.call(call) for row in line.splitlines()]


def _named(line: str, current: Mapping[str, str], idiom: Idiom) -> str:
    """A line of the call with the arrays' names, and the function's short one."""
    for full, short in idiom.short.items():
        line = line.replace(full, short)
    for role, name in current.items():
        bare = rf'(?<![\w."]){role}\b(?!\s*=[^=])'
        line = re.sub(bare, name.replace("\\", r"\\"), line)
    return line

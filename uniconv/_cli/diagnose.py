"""uniconv diagnose: why a result is not the expected one, or why two runs differ."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import uniconv
from uniconv._cli.arguments import (
    TAKEN,
    UsageError,
    call_of,
    is_text,
    read_value,
    writable,
    write_text,
)
from uniconv.errors import BadCall

if TYPE_CHECKING:
    from uniconv.files import NamedArray

ARRAYS = ("x", "w", "y", "bias", "pointwise")
SECTIONS = {"--a": "--a", "--b": "--b", "--dialect": "--dialect", "--expected": "--dialect"}
_SPEC = re.compile(r"(?P<name>[^\[\]]+)(?P<index>\[.*\])?", re.S)


@dataclass
class CallWords:
    """The words after --a, --b or --dialect: a function, its arrays, its options."""

    function: str | None = None
    arrays: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)  # the options as they are written


def diagnose_command(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[FILE]... [x=ARRAY w=ARRAY y=ARRAY] [--dialect FUNCTION [NAME=VALUE]...]",
            help="Files with arrays; which are x, w, y (bias, pointwise); what was called.",
        ),
    ],
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    tolerance: Annotated[
        float | None, typer.Option(help="How far a number of y may be off, beside its digits.")
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print how a thread's text is read, and no answer.")
    ] = False,
    batchnorm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=ARRAY",
            help="Of a BatchNorm that follows the call: mean, variance, eps (gamma, beta) in turn.",
        ),
    ] = None,
) -> None:
    """Say why y is not what a call gives, or why two runs give two results.

    A thread as it is, with its code and its printed arrays, needs no further word; what it leaves
    open is asked for, and given by its name there or its role:

    uniconv diagnose question.txt

    uniconv diagnose question.txt y=out.npy

    An ARRAY is a name in one of the FILEs, a file with one array, or FILE:NAME; it may be indexed
    as in NumPy: image[None], table[:, :, None, None].

    One result, and the call that was meant:

    uniconv diagnose x=x.npy w=w.npy y=y.npy --dialect tf.nn.conv2d strides=1 padding=SAME

    With the BatchNorm that was meant to follow it, by any framework's names for its statistics:

    uniconv diagnose layer.npz --dialect torch.nn.functional.conv2d --batchnorm mean=running_mean
    --batchnorm variance=running_var --batchnorm eps=1e-5

    Two runs, arrays printed in one text:

    uniconv diagnose question.txt --a knet.conv4 x=image w=kernel y=knet_result padding=1
    --b tf.nn.conv2d x=image w=kernel y=tf_result strides=1 padding=SAME
    """
    head, sections = parsed(words)
    if batchnorm and set(sections) != {"--dialect"}:
        raise UsageError("--batchnorm follows one call: give --dialect FUNCTION, too")
    page = writable(html) if html is not None else None
    paths = [Path(p) for p in head.function.split("\n")] if head.function else []
    thread = None if sections else thread_of(paths, head)
    if thread is None and (show or head.options):
        raise UsageError(_no_thread(head))
    if thread is not None:
        print(thread, file=sys.stderr if json else sys.stdout)
        if show:
            return
        print(end="" if json else "\n")
        _answer(thread.diagnose(tolerance=tolerance, progress=_progress), page, json)
        return
    known = arrays_of(paths)
    if set(sections) == {"--a", "--b"}:
        runs = [_run(merged(head, sections[s]), known, s, tolerance) for s in ("--a", "--b")]
        diagnosis = uniconv.compare(*runs, progress=_progress)
    elif set(sections) <= {"--dialect"}:
        one = _run(merged(head, sections.get("--dialect", CallWords())), known, "", tolerance)
        norm = statistics_of(batchnorm, known) if batchnorm else None
        diagnosis = uniconv.diagnose(one, progress=_progress, batchnorm=norm)
    else:
        raise UsageError("give --a FUNCTION and --b FUNCTION for two runs, or --dialect FUNCTION")
    _answer(diagnosis, page, json)


def thread_of(paths: list[Path], head: CallWords) -> uniconv.Thread | None:
    """The one file as a thread; None where it is none, or where it is arrays alone."""
    from uniconv.files.kinds import reader_of
    from uniconv.files.text import text_of

    if len(paths) != 1 or {"x", "w", "y"} <= set(head.arrays) or not paths[0].is_file():
        return None
    if reader_of(paths[0])[0] != "text":
        return None
    text = text_of(paths[0])
    known = uniconv.Thread.arrays_in(text)
    words = head.arrays | head.words
    arrays = {name: array(value, name, known) for name, value in words.items()}
    try:
        return uniconv.Thread.parse(text, **arrays)
    except BadCall:
        if {"x", "w", "y"} <= set(known) | set(head.arrays):
            return None  # which function gives y is then the question
        raise


def _no_thread(head: CallWords) -> str:
    if not head.options:
        return "--show takes one text, and neither --a, --b nor --dialect"
    name = next(iter(head.options))
    return f"{name}=: options of a function come after --a, --b or --dialect"


def _answer(diagnosis: uniconv.Diagnosis, page: Path | None, json: bool) -> None:
    if page is not None:
        write_text(diagnosis.to_html(), page)
    print(diagnosis.to_json() if json else diagnosis)
    if not diagnosis.explained:
        raise typer.Exit(1)


def parsed(words: list[str]) -> tuple[CallWords, dict[str, CallWords]]:
    """The head, whose ``function`` are the files, a line each, and the sections by their option."""
    head = CallWords()
    sections: dict[str, CallWords] = {}
    now, paths = head, []
    wants: str | None = None
    for word in words:
        if word in SECTIONS:
            if wants:
                raise UsageError(f"{wants} wants a function: {wants} tf.nn.conv2d")
            wants = SECTIONS[word]
            if wants in sections:
                raise UsageError(f"{word} is given twice")
            now = sections[wants] = CallWords()
            continue
        name, equals, value = word.partition("=")
        if wants:
            if equals and not is_text(name):
                raise UsageError(f"{wants} wants a function before {word}: {wants} tf.nn.conv2d")
            now.function, wants = word, None
        elif word.startswith("--"):
            raise UsageError(f"No such option: {word}")
        elif not equals:
            if now is not head:
                raise UsageError(f"{word}: files come before --a, --b and --dialect")
            paths.append(word)
        else:
            _take(now, name, value, word)
    if wants:
        raise UsageError(f"{wants} wants a function: {wants} tf.nn.conv2d")
    head.function = "\n".join(paths) or None
    if head.options and sections:
        raise UsageError(_no_thread(head))
    return head, sections


def _take(section: CallWords, name: str, value: str, word: str) -> None:
    if not name:
        raise UsageError(f"{word}: a name is missing")
    if name == "dialect":
        raise UsageError(f"{word}: {TAKEN[name]}")
    if name in section.arrays or name in section.options:
        raise UsageError(f"{word}: {name} is given twice")
    if name in ARRAYS:
        section.arrays[name] = value
    else:
        section.options[name] = read_value(value)
        section.words[name] = value


def merged(head: CallWords, section: CallWords) -> CallWords:
    """A section with the arrays that the head names for all."""
    return CallWords(section.function, head.arrays | section.arrays, section.options)


def arrays_of(paths: list[Path]) -> dict[str, NamedArray]:
    """Every array of the files, by name."""
    known: dict[str, NamedArray] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: No such file or directory")
        for name, entry in uniconv.files.load(path).items():
            if name in known:
                raise UsageError(f"{path} has {name}, too: write FILE:NAME")
            known[name] = entry
    return known


def array(text: str, role: str, known: Mapping[str, NamedArray]) -> NamedArray:
    """The array that a text names, indexed."""
    match = _SPEC.fullmatch(text)
    if match is None:
        raise UsageError(f"{role}={text} is no NAME, NAME[INDEX], FILE or FILE:NAME")
    name, index = match["name"], match["index"]
    entry = known.get(name) or _in_file(name, role, known)
    return entry if index is None else indexed(entry, index, f"{role}={text}")


def _in_file(name: str, role: str, known: Mapping[str, NamedArray]) -> NamedArray:
    path, colon, inside = name.rpartition(":")
    if colon and Path(path).exists():
        held = uniconv.files.load(path)
        if inside not in held:
            raise UsageError(f"{role}={name}: {path} has {', '.join(held) or 'no arrays'}")
        return held[inside]
    if not Path(name).exists():
        has = f"the files have {', '.join(known)}" if known else "there is no such file"
        if role not in (*ARRAYS, "p") and not role.startswith("--"):
            has += "; options of a function come after --a, --b or --dialect"
        raise UsageError(f"{role}={name}: no array and no file has that name; {has}")
    held = uniconv.files.load(name)
    if len(held) != 1:
        raise UsageError(f"{role}={name} has {', '.join(held) or 'no arrays'}: write {name}:NAME")
    # Code is written with x and w, not with what a .npy file is called.
    return replace(next(iter(held.values())), name=role)


def statistics_of(words: list[str], known: Mapping[str, NamedArray]) -> dict[str, Any]:
    """What --batchnorm says: arrays, named as the others are, and numbers as they are written."""
    statistics: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not (name and equals):
            raise UsageError(f"--batchnorm {word}: say NAME=ARRAY, as mean=mean.npy, or eps=1e-5")
        if name in statistics:
            raise UsageError(f"--batchnorm {word}: {name} is given twice")
        value = read_value(text)
        number = isinstance(value, (int, float))
        statistics[name] = value if number else array(text, f"--batchnorm {name}", known).array
    return statistics


def indexed(entry: NamedArray, index: str, word: str) -> NamedArray:
    """An array indexed as in NumPy, with integers, slices, None and ....

    >>> import numpy as np
    >>> from uniconv.files import NamedArray
    >>> indexed(NamedArray("a", np.arange(6).reshape(2, 3)), "[0, :, None]", "").shape
    (3, 1)
    """
    import numpy as np

    try:
        tree = ast.parse(f"_{index}", mode="eval").body
        assert isinstance(tree, ast.Subscript)
        inner = tree.slice
        entries = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        at = tuple(_entry(e) for e in entries)
        error = entry.error
        part = error[at] if isinstance(error, np.ndarray) else error
        return replace(entry, array=entry.array[at], error=part, name=f"{entry.name}{index}")
    except (SyntaxError, ValueError, AssertionError):
        raise UsageError(f"{word}: the index takes integers, slices, None and ...") from None
    except IndexError as error_:
        raise UsageError(f"{word}: {error_}; {entry.name} has shape {entry.shape}") from None


def _entry(node: ast.expr) -> Any:
    if isinstance(node, ast.Slice):
        parts = (node.lower, node.upper, node.step)
        return slice(*(None if p is None else _entry(p) for p in parts))
    value = ast.literal_eval(node)
    if value is None or value is ... or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError(value)


def _taken(
    section: CallWords, known: Mapping[str, NamedArray], needed: tuple[str, ...]
) -> dict[str, NamedArray]:
    """The arrays of a section; those that are not named go by their own names x, w and y."""
    arrays = {role: array(text, role, known) for role, text in section.arrays.items()}
    for role in needed:
        if role not in arrays:
            if role not in known:
                raise UsageError(f"{role} is missing: write {role}=NAME or {role}=FILE")
            arrays[role] = known[role]
    return arrays


def _run(
    section: CallWords, known: Mapping[str, NamedArray], word: str, tolerance: float | None
) -> uniconv.Call:
    """The call of a section with its y; of two runs (after ``word``) y may be left out."""
    needed = ("x", "w") if word else ("x", "w", "y")
    if word and section.function is None:
        raise UsageError(f"{word} wants a function: {word} tf.nn.conv2d")
    arrays: dict[str, Any] = dict(_taken(section, known, needed))
    y = arrays.pop("y", None)
    call = call_of(section.function, arrays, section.options)
    return call.with_result(y, tolerance)


def _progress(line: str) -> None:
    print(f"diagnose: {line}", file=sys.stderr)

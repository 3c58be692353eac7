"""Numbers as plain text of a known form: .json and .csv.

JSON: a list of numbers, or of such lists, is an array; an object gives names. Numbers stay texts
until they are parsed, since their digits tell how far off a value may be, and since Python's json
would make ``1e400`` infinite. CSV: a matrix, or a table with a line of titles; what divides its
cells is whichever of the three signs the first line has most of.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from uniconv.errors import BadFile
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray
from uniconv.files.numbers import NUMBER, parse

__all__ = ["read_csv", "read_json"]


class _Number(str):
    """A number as it is written."""


def read_json(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """Nested lists, under the file's name; in objects, under their paths: ``knet.w``."""
    try:
        data = json.loads(
            _text(path),
            parse_float=_Number,
            parse_int=_Number,
            parse_constant=_Number,
            object_pairs_hook=partial(_object, path),
        )
    except json.JSONDecodeError as error:
        raise BadFile(f"{path}, line {error.lineno}: no JSON: {error.msg}") from None
    except RecursionError:
        raise BadFile(f"{path}: the lists are too deep") from None
    arrays = list(_lists(data, "", limits, 0))
    if not arrays:
        raise BadFile(f"{path} has no lists of numbers")
    yield from arrays


def _object(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, each name of which is there once."""
    # Python keeps the last of two equal names: an array would be gone without a word.
    names = Counter(name for name, _ in pairs)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise BadFile(f'{path}: "{twice[0]}" is there twice in one object')
    return dict(pairs)


def _lists(data: Any, name: str, limits: Limits, depth: int) -> Iterator[NamedArray]:
    """Each array in nested objects and lists, under the names and places that lead to it.

    A list whose first innermost entry is a number is one array; other lists hold arrays.
    """
    limits.step(depth)
    path = limits.path
    # Names join with points, places in lists count from 0: {"layers": [{"w": [1, 2]}]} has
    # layers.0.w.
    if isinstance(data, dict):
        for key, part in data.items():
            yield from _lists(part, f"{name}.{key}" if name else str(key), limits, depth + 1)
    elif isinstance(data, list) and _holds_numbers(data):
        where = f"{path}, {name}" if name else str(path)
        tokens: list[str] = []
        shape = _shape(data, where, tokens, limits, depth)
        yield _array(name or path.stem, tokens, shape, where)
    elif isinstance(data, list):
        for k, part in enumerate(data):
            yield from _lists(part, f"{name}.{k}" if name else str(k), limits, depth + 1)


def _holds_numbers(data: list[Any]) -> bool:
    """Whether the first that is no list is a number."""
    first: Any = data
    while isinstance(first, list):
        if not first:
            return True
        first = first[0]
    return isinstance(first, (_Number, bool))


def _shape(data: Any, where: str, tokens: list[str], limits: Limits, depth: int) -> tuple[int, ...]:
    """The shape of nested lists; their numbers, as written, are added to ``tokens``."""
    # Numbers are collected in C order on the way down, and shapes compared on the way up: the first
    # part of a list says the shape that all others must have.
    if isinstance(data, (_Number, bool)):
        tokens.append(str(data))
        return ()
    if not isinstance(data, list):
        raise BadFile(f"{where}: {json.dumps(data)[:40]} stands among the numbers")
    limits.check_depth(depth)
    shapes = [_shape(part, where, tokens, limits, depth + 1) for part in data]
    for k, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise BadFile(
                f"{where}: the array is ragged: part {k} has shape {shape}, part 0 {shapes[0]}"
            )
    return (len(data), *(shapes[0] if shapes else ()))


def read_csv(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """A matrix; commas, semicolons or tabs divide; a first line of words is the columns' names."""
    lines = _text(path).splitlines()
    # Whichever of the three is most frequent on the first line.
    # German and French files have semicolons, since a comma is their decimal point; such numbers
    # are refused as words below, not read as thousands.
    separator = max(",;\t", key=lines[0].count) if lines else ","
    rows: list[tuple[int, list[str]]] = []
    title = False
    for number, cells in enumerate(csv.reader(lines, delimiter=separator), 1):
        row = [cell.strip() for cell in cells]
        if not any(row):
            continue
        # A first line of nothing but words is a title; a word anywhere else is no number.
        words = [cell for cell in row if not NUMBER.fullmatch(cell)]
        if len(words) == len(row) and not rows and not title:
            title = True
            continue
        if words:
            raise BadFile(f'{path}, line {number}: "{words[0]}" stands among the numbers')
        rows.append((number, row))
        if len(row) != len(rows[0][1]):
            raise BadFile(
                f"{path}, line {number}: the array is ragged: {len(row)} numbers, "
                f"{len(rows[0][1])} on line {rows[0][0]}"
            )
    if not rows:
        raise BadFile(f"{path} has no numbers")
    line, first = rows[0]
    tokens = [cell for _, row in rows for cell in row]
    array = _array(path.stem, tokens, (len(rows), len(first)), f"{path}, line {line}")
    yield replace(array, line=line)


def _array(name: str, tokens: list[str], shape: tuple[int, ...], where: str) -> NamedArray:
    """The numbers as an array, with what their digits leave open."""
    try:
        array, error, digits = parse(tokens, shape, style="decimals")
    except (ValueError, OverflowError) as reason:
        raise BadFile(f"{where}: the numbers are no array: {reason}") from None
    return NamedArray(name, array, error, digits)


def _text(path: Path) -> str:
    """The file's text without a byte order mark; BadFile where it is not UTF-8."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(f"{path} is no text in UTF-8") from None

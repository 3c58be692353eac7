"""Arrays printed in brackets: NumPy, PyTorch, TensorFlow, JAX, lists, and Julia on one line.

What they look like::

    array([[1., 2.],            <tf.Tensor: shape=(2, 2), dtype=float32, numpy=
           [3., 4.]])           array([[1., 2.], [3., 4.]], dtype=float32)>

    tensor([[1., 2.],           [1 2; 3 4]     Float32[1 2; 3 4;;; 5 6; 7 8]
            [3., 4.]], device='cuda:0', grad_fn=<AddBackward0>)

Brackets within brackets are the axes, the innermost the last. Inside one pair, commas and spaces
divide numbers, semicolons (Julia, MATLAB) rows; a line's end divides rows only where nothing else
tells rows apart, since NumPy wraps long rows: in the outermost brackets a line that was full goes
on on the next. Where both readings are left the text is refused, never guessed at. Sources: numpy
2.4 numpy/_core/arrayprint.py (_formatArray, _extendLine); torch 2.13 torch/_tensor_str.py;
tensorflow v2.16.1 python/framework/ops.py (value_text); Julia's manual, "Array literals".
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from uniconv.errors import BadFile
from uniconv.files.named_array import NamedArray
from uniconv.files.names import name_before
from uniconv.files.numbers import NUMBER, TRUNCATED, Style, dtype_of
from uniconv.files.printed import Printed, check_thousands

__all__ = [
    "BRACKET",
    "TENSORFLOW",
    "WRAPPED",
    "read_bracket",
    "read_tensorflow",
    "read_wrapped",
]

# What stands around an array: array(...), tensor(...), torch.FloatTensor(...), tf.constant(...).
WRAPPED = re.compile(
    r"(?<![\w.])(?P<module>(?:\w+\.)*)"
    r"(?P<word>array|matrix|memmap|asarray|Array|DeviceArray|tensor|\w*Tensor|to_tensor|constant"
    r"|[Vv]ariable)\("
)
TENSORFLOW = re.compile(
    r"<tf\.(?:Tensor|Variable)(?P<about>[^<>\n]*?),?\s*numpy=\s*(?P<word>array\()?"
)
BRACKET = re.compile(
    r"(?:(?P<eltype>Float(?:16|32|64)|U?Int(?:8|16|32|64)|Bool|ComplexF(?:32|64)))?(?P<open>\[[\[\s]*)"
)
# name=value in a print: the value may hold commas of its own, in <>, quotes or brackets.
_KEYWORD = re.compile(
    r"(\w+)\s*=\s*(<[^>]*>|'[^']*'|\"[^\"]*\"|\([^()]*\)|\[[^\[\]]*\]|\w+\([^()]*\)|[^,()<>\s]+)"
)
_WORD = re.compile(r"[A-Za-z_][\w.]*")
# NumPy 2 shows a number inside a list as np.float32(1.5).
_SCALAR = re.compile(r"(?:np|numpy|jnp)\.(?:bool_?|u?int\d+|float\d+|complex\d+)\(")
_SCALE = re.compile(r"1(?:\.0*)?e([+-]\d{1,3})\s*\*")
_NDARRAY = re.compile(r"\s*<NDArray (\d+(?:x\d+)*) @[^>]*>")
# A method call makes another array of this one, but for those that keep its numbers.
_METHOD = re.compile(r"\s*\.\s*(?!(?:to|cuda|float|double)\()[a-z_]")
_DEEPEST = 32
_WIDTH = 74  # NumPy begins a new line before a number that would go beyond it
_SINGLE = {"tensor", "Tensor", "to_tensor", "Array", "DeviceArray", "constant"}


@dataclass
class _List:
    """A pair of brackets: lists, or number tokens with what stands between them."""

    at: int
    end: int = 0
    lists: list[_List] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)  # before each number: "", ",", ";", "\n", ...
    tail: str = ""  # after the last


class _Unreadable(Exception):
    """What is wrong between the brackets, and whether that is a mark of what was left out."""

    def __init__(self, error: BadFile, ellipsis: bool = False) -> None:
        self.error, self.ellipsis = error, ellipsis


def read_bracket(t: Printed, start: re.Match[str]) -> tuple[NamedArray, int] | None:
    """``[[1, 2], [3, 4]]``, ``[[1. 2.]\\n [3. 4.]]``, ``[1 2; 3 4]``.

    In a sentence only lists of lists count; a single pair of brackets must stand alone.
    """
    at, begin = start.start("open"), start.start()
    deep = start["open"].count("[") > 1
    if not (deep or _stands_alone(t, begin)):
        return None
    if not (NUMBER.match(t.text, start.end()) or _SCALAR.match(t.text, start.end())):
        return None
    before = t.before(begin)
    argument = before.count("(") > before.count(")") and before.strip() != "("
    if re.match(r"[\w.)\]}\"']", before[-1:], re.A) or argument:
        return None  # an index, or an argument in program text
    try:
        bracket = _list(t, at)
        check_thousands(t, at, t.text[at : bracket.end])
    except _Unreadable as wrong:
        if deep or wrong.ellipsis:
            raise wrong.error from None
        return None
    end = bracket.end
    rest = t.after(end)
    if re.match(r"[\w(\[]|\.\w", rest, re.A):
        return None  # an expression: what it gives is not printed here
    if not deep and not re.fullmatch(r"\s*[;.。，；]?\s*", rest):
        return None
    footer = _NDARRAY.match(t.text, end)
    if footer:
        end = footer.end()
    literal = bool(start["eltype"]) or rest.strip() == ";" or _prompted(t, at)
    tokens, shape = _array(t, bracket, literal)
    _check_shape(t, at, footer and _sizes_in(footer[1]), shape)
    dtype = dtype_of(start["eltype"]) if start["eltype"] else None
    return t.array(at, name_before(t, start.start()), tokens, shape, "decimals", dtype), end


def _stands_alone(t: Printed, at: int) -> bool:
    """Whether its line begins there, but for ``name =``, a label with a colon or a prompt."""
    last = t.text[at - 1 : at]
    if last in (" ", "\t"):
        last = t.before(at).rstrip()[-1:]
    return last in ("", "\n", "=", ":", "：") or (
        last == ">" and t.before(at).strip() in ("julia>", ">>>", ">>")
    )


def read_wrapped(t: Printed, start: re.Match[str]) -> tuple[NamedArray, int] | None:
    """``array([...], dtype=float32)``, ``tensor([...], device='cuda:0')`` and the like."""
    code = bool(start["module"]) and start[0] != "tf.Tensor("  # a display names no other module
    single = start["word"] in _SINGLE or start["word"].endswith("FloatTensor")
    single |= start["module"].startswith(("jnp.", "jax.", "mx.", "paddle."))
    result = _wrapped(t, start.start(), start.end(), "exact" if code else "decimals", single)
    if result is None:
        return None
    array, end = result
    if code and _METHOD.match(t.text, end):
        return None  # an expression: what it gives is not printed here
    return array, end


def read_tensorflow(t: Printed, start: re.Match[str]) -> tuple[NamedArray, int] | None:
    """``<tf.Tensor: shape=(2,), dtype=float32, numpy=array([...], dtype=float32)>``."""
    about = dict(_KEYWORD.findall(start["about"]))
    if start["word"]:
        result = _wrapped(t, start.start(), start.end(), "decimals", False, about.get("shape"))
    else:
        number = NUMBER.match(t.text, start.end())
        if not number:
            return None
        dtype = dtype_of(about.get("dtype", "float32"))
        name = name_before(t, start.start())
        array = t.array(start.start(), name, [number[0]], (), "decimals", dtype)
        result = array, number.end()
    if result is None:
        return None
    array, end = result
    end = t.skip(end)
    if t.text[end : end + 1] != ">":
        raise t.error(start.start(), 'the array is not closed: a ">" is missing')
    variable = re.match(r"\s*'([^']+)'", start["about"])
    if variable and not array.name:
        array = replace(array, name=variable[1])
    return array, end + 1


def _wrapped(
    t: Printed, begin: int, at: int, style: Style, single: bool, declaration: str | None = None
) -> tuple[NamedArray, int] | None:
    """What is between the parentheses, of which ``at`` is the first place.

    One argument after the other: the first that is a number or a list is the array, ``name=value``
    and a bare word after it (a dtype) say more about it.  Anything else means that this is program
    text and no print, which is None; but for a print (``style`` is not "exact") whose end is
    missing, which is an error.
    """
    keywords: dict[str, str] = {"shape": declaration} if declaration else {}
    body: _List | str | None = None
    exponent = 0
    while True:
        at = end = t.skip(at)
        if body is None and (scale := _SCALE.match(t.text, at)):
            exponent, at = int(scale[1]), t.skip(scale.end())
            end = at
        if body is None:
            first = _body(t, at, style)
            if first is None:
                return None
            body, end = first
        if end > at:
            at = end
        elif keyword := _KEYWORD.match(t.text, at):
            keywords[keyword[1]] = keyword[2]
            at = keyword.end()
        elif body is not None and (word := _WORD.match(t.text, at)):
            keywords.update({"dtype": word[0]} if dtype_of(word[0]) else {})
            at = word.end()
        at = t.skip(at)
        if t.text[at : at + 1] == ")":
            break
        if t.text[at : at + 1] != ",":
            code = isinstance(body, str) or t.text[at : at + 1] in tuple("+-*/%@.[")
            if body is None or code or style == "exact":
                return None
            raise t.error(begin, 'the array is not closed: a ")" is missing')
        at += 1
    if body is None:
        return None
    tokens, shape = ([body], ()) if isinstance(body, str) else _array(t, body, False)
    sizes = _sizes_in(keywords.get("size") or keywords.get("shape"))
    # array([], shape=(0, 3)) has no brackets to tell its shape; in program text shape= reshapes.
    if sizes and math.prod(sizes) == len(tokens) and (not tokens or style == "exact"):
        shape = sizes
    _check_shape(t, begin, sizes, shape)
    dtype = dtype_of(keywords["dtype"]) if "dtype" in keywords else None
    name = name_before(t, begin)
    array = t.array(begin, name, tokens, shape, style, dtype, exponent=exponent, single=single)
    return array, at + 1


def _body(t: Printed, at: int, style: Style) -> tuple[_List | str | None, int] | None:
    """The list or the number there and its end; no body where there is neither.

    None where brackets hold words or program text.
    """
    if t.text[at : at + 1] != "[":
        number = NUMBER.match(t.text, at)
        return (number[0], number.end()) if number else (None, at)
    first = t.skip(at, "[ \t\n")
    if ellipsis := TRUNCATED.match(t.text, first):
        raise t.truncated(first, ellipsis[0])
    if not NUMBER.match(t.text, first) and t.text[first : first + 1] != "]":
        return None
    try:
        body = _list(t, at)
    except _Unreadable as wrong:
        if style == "exact" and not wrong.ellipsis:
            return None
        raise wrong.error from None
    return body, body.end


def _sizes_in(text: str | None) -> tuple[int, ...] | None:
    """``(2, 3)``, ``[2, 3]`` or ``2x3``."""
    return None if text is None else tuple(int(n) for n in re.findall(r"\d{1,9}", text))


def _check_shape(
    t: Printed, at: int, declaration: tuple[int, ...] | None, shape: tuple[int, ...]
) -> None:
    """An error where a print declares another shape than its brackets have."""
    if declaration is not None and declaration != shape:
        raise t.error(
            at, f"shape {declaration} is declared, but numbers of shape {shape} are printed"
        )


def _list(t: Printed, at: int) -> _List:
    """The brackets that open at ``at``, with all that is inside.

    One pass over the text.  ``opened`` are the brackets around the place, the innermost last, and
    ``gap`` the commas, semicolons and line ends since the last number: which of these divide rows
    and which numbers is seen only when the bracket is whole (``_flat``), so they are kept.
    """
    brackets: list[_List] = []
    begin, gap = at, ""
    while True:
        at = t.skip(at, " \t")
        scalar = _SCALAR.match(t.text, at) if brackets else None
        number = NUMBER.match(t.text, scalar.end() if scalar else at) if brackets else None
        sign = t.text[at : at + 1]
        if number or sign == "[":
            _check_gap(t, at, gap, brackets, sign)
        if number:
            _add(t, at, brackets[-1], number[0], gap)
            at, gap = number.end(), ""
            if scalar and t.text[at : at + 1] != ")":
                raise _Unreadable(t.error(at, f'"{scalar[0]}" is not closed'))
            at += scalar is not None
            continue
        if sign == "[":
            brackets.append(_opened(t, at, brackets))
            gap = ""
        elif sign == "]":
            last = brackets.pop()
            last.end, last.tail, gap = at + 1, gap, ""
            if not brackets:
                return last
            brackets[-1].lists.append(last)
        elif sign and sign in ",;\n":
            gap += sign
        elif sign == "#":  # a comment in program text
            at = t.end(at)
            continue
        else:
            raise _stray(t, begin, at)
        at += 1


def _check_gap(t: Printed, at: int, gap: str, brackets: list[_List], sign: str) -> None:
    """What stands before a number or a bracket: one comma, or semicolons before a number."""
    between = gap.replace("\n", "")
    first = not brackets or not (brackets[-1].tokens or brackets[-1].lists)
    if between and (first or (between != "," and (sign == "[" or set(between) != {";"}))):
        raise _Unreadable(t.error(at, f'"{between}" among the numbers of an array'))


def _add(t: Printed, at: int, inside: _List, number: str, gap: str) -> None:
    """One number more between the brackets."""
    if inside.lists:
        raise _Unreadable(t.error(at, f"the array is ragged: {number} stands beside a list"))
    inside.tokens.append(number)
    inside.gaps.append(gap)


def _opened(t: Printed, at: int, brackets: list[_List]) -> _List:
    """New brackets inside those that are open."""
    if brackets and brackets[-1].tokens:
        raise _Unreadable(t.error(at, "the array is ragged: a list stands beside a number"))
    if len(brackets) == _DEEPEST:
        raise _Unreadable(t.error(at, f"an array has at most {_DEEPEST} axes"))
    return _List(at)


def _stray(t: Printed, begin: int, at: int) -> _Unreadable:
    """What is neither number nor bracket nor what divides them."""
    if at >= len(t.text):
        return _Unreadable(t.error(begin, 'the array is not closed: a "]" is missing'))
    if mark := TRUNCATED.match(t.text, at):
        return _Unreadable(t.truncated(at, mark[0]), ellipsis=True)
    word = re.split(r"[\s,;\[\]()]", t.text[at : at + 20])[0] or t.text[at]
    return _Unreadable(t.error(at, f'"{word}" among the numbers of an array'))


def _array(
    t: Printed, bracket: _List, literal: bool, inner: bool = False
) -> tuple[list[str], tuple[int, ...]]:
    """The numbers in C order, and the shape.

    ``literal``: numbers with only spaces between them are a row, as in Julia and MATLAB.
    ``inner``: the brackets stand in others, where NumPy prints one row, on however many lines.
    """
    if not bracket.lists:
        return _flat(t, bracket, literal, inner)
    parts = [_array(t, part, False, inner=True) for part in bracket.lists]
    for part, (_, shape) in zip(bracket.lists, parts):
        if shape != parts[0][1]:
            raise t.error(
                part.at,
                f"the array is ragged: a part of shape {shape} stands beside "
                f"one of shape {parts[0][1]}",
            )
    return [token for tokens, _ in parts for token in tokens], (len(parts), *parts[0][1])


def _flat(
    t: Printed, bracket: _List, literal: bool, inner: bool
) -> tuple[list[str], tuple[int, ...]]:
    """One pair of brackets: a vector, or rows that semicolons or lines divide."""
    tokens, breaks = bracket.tokens, [gap.count(";") for gap in bracket.gaps]
    level = max([*breaks, bracket.tail.count(";")], default=0)
    if level > _DEEPEST:
        raise t.error(bracket.at, f"an array has at most {_DEEPEST} axes")
    # A line that ends with a comma goes on; one that ends without may end a row.
    lines = ["\n" in gap and "," not in gap for gap in bracket.gaps]
    if any(lines[1:]) and not any("," in gap for gap in bracket.gaps):
        if not level and (inner or _continued(t, bracket)):
            return tokens, (len(tokens),)
        breaks = [max(n, int(line)) for n, line in zip(breaks, lines)]
        level = max(level, 1)
    if not level:
        row = literal and len(tokens) > 1 and not any("," in gap for gap in bracket.gaps)
        return tokens, (1, len(tokens)) if row else (len(tokens),)
    blocks = _blocks(tokens, [0, *breaks[1:]], level)
    sizes = _sizes(blocks)
    if sizes is None:
        raise t.error(bracket.at, "the array is ragged: its rows have different lengths")
    # The blocks have the last axis outermost, as Julia writes them; its first two are rows and
    # columns.
    array = np.array(blocks, dtype=object).reshape(sizes)
    array = array.transpose(array.ndim - 2, array.ndim - 1, *reversed(range(array.ndim - 2)))
    if level == 1 and array.shape[1] == 1:
        array = array[:, 0]
    return list(array.ravel()), array.shape


def _continued(t: Printed, rows: _List) -> bool:
    """Whether the next line goes on with the row: NumPy's first line then has no more room."""
    # NumPy gives every number the same width, digits before and after the point apart, and so
    # leaves blanks at the end of a line, which the text may have lost.
    first = t.text[rows.at : t.end(rows.at)].rstrip()
    count = next((k for k, gap in enumerate(rows.gaps) if "\n" in gap), len(rows.gaps))
    halves = [token.partition(".") for token in rows.tokens]
    width = max(len(before) for before, _, _ in halves) + max(len(p + a) for _, p, a in halves)
    return max(len(first) + 1, 1 + count * (width + 1)) + width > _WIDTH


def _blocks(tokens: list[str], breaks: list[int], level: int) -> list[Any]:
    """Julia's ``[1 2; 3 4;;; 5 6; 7 8]``: n semicolons go on along axis n, the first outermost."""
    if level > 2:
        return [_blocks(*piece, level - 1) for piece in _pieces(tokens, breaks, level)]
    if 2 not in breaks:
        return [row for row, _ in _pieces(tokens, breaks, 1)]
    columns = [[row for row, _ in _pieces(*piece, 1)] for piece in _pieces(tokens, breaks, 2)]
    if {len(column) for column in columns} != {len(columns[0])} or any(
        len(row) > 1 for column in columns for row in column
    ):
        return [["ragged"], []]
    return [[token for row in rows for token in row] for rows in zip(*columns)]


def _pieces(tokens: list[str], breaks: list[int], level: int) -> list[tuple[list[str], list[int]]]:
    """The numbers between breaks of this level."""
    cuts = [0, *(k for k in range(1, len(tokens)) if breaks[k] >= level), len(tokens)]
    return [(tokens[a:b], [0, *breaks[a + 1 : b]]) for a, b in pairwise(cuts)]


def _sizes(lists: Any) -> tuple[int, ...] | None:
    """The shape of nested lists, or None where they have none."""
    if not isinstance(lists, list):
        return ()
    sizes = {_sizes(part) for part in lists}
    inner = next(iter(sizes), ())
    return None if len(sizes) > 1 or inner is None else (len(lists), *inner)


def _prompted(t: Printed, at: int) -> bool:
    """Whether a line with Julia's or MATLAB's prompt stands on this line or the one before."""
    line = t.line(at)
    before = t.text[t.starts[max(line - 2, 0)] : at]
    return re.search(r"julia>|(?m:^)[ \t]*>>(?!>)", before) is not None

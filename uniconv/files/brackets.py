"""Arrays printed in brackets: NumPy, PyTorch, TensorFlow, JAX, lists, and Julia on one line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from uniconv.files.found import Found
from uniconv.files.names import name_before
from uniconv.files.numbers import NUMBER, TRUNCATED, Style, dtype_of
from uniconv.files.printed import Printed

# What stands around an array: array(...), tensor(...), torch.FloatTensor(...), tf.constant(...).
WRAPPED = re.compile(
    r"(?<![\w.])(?P<module>(?:\w+\.)*)"
    r"(?P<word>array|Array|asarray|DeviceArray|tensor|\w*Tensor|constant|[Vv]ariable|to_tensor)\("
)
TENSORFLOW = re.compile(
    r"<tf\.(?:Tensor|Variable)(?P<about>[^>\n]*?),?\s*numpy=\s*(?P<word>array\()?"
)
BRACKET = re.compile(
    r"(?:(?P<eltype>Float(?:16|32|64)|U?Int\d*|Bool|ComplexF(?:32|64)))?(?P<open>\[[\[\s]*)"
)
_KEYWORD = re.compile(
    r"(\w+)\s*=\s*(<[^>]*>|'[^']*'|\"[^\"]*\"|\([^()]*\)|\[[^\[\]]*\]|\w+\([^()]*\)|[^,()<>\s]+)"
)
_WORD = re.compile(r"[A-Za-z_][\w.]*")
_SCALE = re.compile(r"1(?:\.0*)?e([+-]\d{1,3})\s*\*")
_SPACE = re.compile(r"\s*")
_NDARRAY = re.compile(r"\s*<NDArray (\d+(?:x\d+)*) @[^>]*>")
_WIDTH = 75  # NumPy begins a new line before a number that would go beyond it
_DISPLAYED = {"tf."}  # modules that a display prints; elsewhere a module means program text
_SINGLE = {"tensor", "Tensor", "to_tensor", "Array", "DeviceArray", "constant"}


@dataclass
class _List:
    """A pair of brackets: lists, or number tokens with what stands between them."""

    at: int
    end: int = 0
    lists: list[_List] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)  # before each number: "", ",", ";", "\n", ...


def read_bracket(t: Printed, start: re.Match[str]) -> tuple[Found, int] | None:
    """``[[1, 2], [3, 4]]``, ``[[1. 2.]\\n [3. 4.]]``, ``[1 2; 3 4]``."""
    at = start.start("open")
    before = t.text[t.start(start.start()) : start.start()]
    if re.search(r"[\w.)\]}\"']$", before, re.A) or before.count("(") > before.count(")"):
        return None  # an index, or an argument in program text
    if not NUMBER.match(t.text, start.end()):
        return None
    deep = start["open"].count("[") > 1
    alone = (
        re.fullmatch(r"\s*|.*[=:：]\s*|\s*(julia>|>>>|>>|[Oo]ut ?\[\d+\] ?:)\s*", before)
        is not None
    )
    try:
        found = _list(t, at)
    except _Truncated as error:
        if deep or alone:
            raise t.truncated(error.at, error.mark) from None
        return None
    except _Garbled as error:
        if deep:
            raise t.error(error.at, error.message) from None
        return None
    end = found.end
    rest = t.text[end : t.end(end)]
    if re.match(r"[\w(\[.]", rest, re.A) and not re.match(r"\.\s|\.$", rest):
        return None  # an expression: what it gives is not printed here
    if not deep:
        ended = re.fullmatch(r"\s*[;.。，；]?\s*", rest)
        if not alone or not ended or (len(found.tokens) == 1 and not start["eltype"]):
            return None
    footer = _NDARRAY.match(t.text, end)
    declared = None
    if footer:
        declared, end = tuple(map(int, footer[1].split("x"))), footer.end()
    literal = bool(start["eltype"]) or rest.strip() == ";" or _prompted(t, at)
    tokens, shape = _array(t, found, literal)
    _check_shape(t, at, declared, shape)
    dtype = dtype_of(start["eltype"]) if start["eltype"] else None
    if start["eltype"] and dtype is None:
        dtype = np.dtype(np.int64)  # Int: the machine's own
    name = name_before(t, start.start())
    return t.found(at, name or "", tokens, shape, "decimals", dtype), end


def read_wrapped(t: Printed, start: re.Match[str]) -> tuple[Found, int] | None:
    """``array([...], dtype=float32)``, ``tensor([...], device='cuda:0')`` and the like."""
    code = bool(start["module"]) and start["module"] not in _DISPLAYED
    single = start["word"] in _SINGLE or start["word"].endswith("FloatTensor")
    single &= start["module"] not in ("np.", "numpy.")
    read = _wrapped(t, start.start(), start.end(), "exact" if code else "decimals", single)
    if read is None:
        return None
    found, end = read
    if code and re.match(
        r"\s*\.\s*(?!to\(|cuda\(|float\(\)|double\(\))[a-z_]\w*", t.text[end : end + 80]
    ):
        return None  # an expression: what it gives is not printed here
    return found, end


def read_tensorflow(t: Printed, start: re.Match[str]) -> tuple[Found, int] | None:
    """``<tf.Tensor: shape=(2,), dtype=float32, numpy=array([...], dtype=float32)>``."""
    about = dict(_KEYWORD.findall(start["about"]))
    if start["word"]:
        read = _wrapped(t, start.start(), start.end(), "decimals", False, about.get("shape"))
    else:
        number = NUMBER.match(t.text, start.end())
        if not number:
            return None
        dtype = dtype_of(about.get("dtype", "float32"))
        name = name_before(t, start.start())
        found = t.found(start.start(), name or "", [number[0]], (), "decimals", dtype)
        read = found, number.end()
    if read is None:
        return None
    found, end = read
    close = re.compile(r"\s*>").match(t.text, end)
    if not close:
        raise t.error(start.start(), "<tf. is not closed")
    variable = re.match(r"\s*'([^']+)'", start["about"])
    if variable and not found.name:
        found = Found(variable[1], found.array, found.error, found.digits, found.line)
    return found, close.end()


class _Garbled(Exception):
    def __init__(self, at: int, message: str) -> None:
        self.at, self.message = at, message


class _Truncated(Exception):
    def __init__(self, at: int, mark: str) -> None:
        self.at, self.mark = at, mark


def _wrapped(
    t: Printed, begin: int, at: int, style: Style, single: bool, declared: str | None = None
) -> tuple[Found, int] | None:
    """What is between the parentheses, of which ``at`` is the first place."""
    keywords: dict[str, str] = {"shape": declared} if declared else {}
    body: _List | str | None = None
    exponent = 0
    while True:
        at = _SPACE.match(t.text, at).end()  # type: ignore[union-attr]
        scale = _SCALE.match(t.text, at)
        if scale and body is None:
            exponent = int(scale[1])
            at = _SPACE.match(t.text, scale.end()).end()  # type: ignore[union-attr]
        if body is None and t.text[at : at + 1] == "[":
            first = re.compile(r"[\[\s]*").match(t.text, at).end()  # type: ignore[union-attr]
            if not NUMBER.match(t.text, first) and not re.match(
                r"[\[\s]*\]", t.text[at : first + 1]
            ):
                if TRUNCATED.match(t.text, first):
                    raise t.truncated(first, TRUNCATED.match(t.text, first)[0])
                return None  # words, or program text
            try:
                body = _list(t, at)
            except _Truncated as error:
                raise t.truncated(error.at, error.mark) from None
            except _Garbled as error:
                if style == "exact":
                    return None
                raise t.error(error.at, error.message) from None
            at = body.end
        elif body is None and (number := NUMBER.match(t.text, at)):
            body, at = number[0], number.end()
        elif keyword := _KEYWORD.match(t.text, at):
            keywords.setdefault(keyword[1], keyword[2])
            if keyword[1] == "dtype":
                keywords["dtype"] = keyword[2]
            at = keyword.end()
        elif body is not None and (word := _WORD.match(t.text, at)):
            if dtype_of(word[0]):
                keywords["dtype"] = word[0]
            at = word.end()
        at = _SPACE.match(t.text, at).end()  # type: ignore[union-attr]
        if t.text[at : at + 1] == ")":
            break
        if t.text[at : at + 1] != ",":
            if body is None or style == "exact":
                return None
            where = t.text[at : t.end(at)].strip()[:20] or "the end of the text"
            raise t.error(begin, f'the array is not closed with ")": there is "{where}"')
        at += 1
    if body is None:
        return None
    tokens, shape = ([body], ()) if isinstance(body, str) else _array(t, body, False)
    size = keywords.get("size") or keywords.get("shape")
    sizes = tuple(int(n) for n in re.findall(r"\d{1,9}", size)) if size else None
    if not tokens and sizes and 0 in sizes:
        shape = sizes
    _check_shape(t, begin, sizes, shape)
    dtype = dtype_of(keywords["dtype"]) if "dtype" in keywords else None
    name = name_before(t, begin)
    found = t.found(
        begin, name or "", tokens, shape, style, dtype, exponent=exponent, single=single
    )
    return found, at + 1


def _check_shape(
    t: Printed, at: int, declared: tuple[int, ...] | None, shape: tuple[int, ...]
) -> None:
    if declared is not None and declared != shape:
        raise t.error(at, f"shape {declared} is declared, but numbers of shape {shape} are printed")


def _list(t: Printed, at: int) -> _List:
    """The brackets that open at ``at``, with all that is inside."""
    opened: list[_List] = []
    gap = ""
    begin = at
    while True:
        at = _SPACE_LINE.match(t.text, at).end()  # type: ignore[union-attr]
        number = NUMBER.match(t.text, at) if opened else None
        if number:
            if opened[-1].lists:
                raise _Garbled(at, f"the array is ragged: {number[0]} stands beside a list")
            opened[-1].tokens.append(number[0])
            opened[-1].gaps.append(gap)
            at, gap = number.end(), ""
            continue
        sign = t.text[at : at + 1]
        if sign == "[":
            if opened and opened[-1].tokens:
                raise _Garbled(at, "the array is ragged: a list stands beside a number")
            opened.append(_List(at))
            gap = ""
        elif sign == "]":
            last = opened.pop()
            last.end = at + 1
            gap = ""
            if not opened:
                return last
            opened[-1].lists.append(last)
        elif sign in (",", ";", "\n") and sign:
            gap += sign
        elif not sign:
            raise _Garbled(begin, f"the array is not closed: {len(opened)} brackets are open")
        else:
            mark = TRUNCATED.match(t.text, at)
            if mark:
                raise _Truncated(at, mark[0])
            word = t.text[at : t.end(at)].split()[0]
            raise _Garbled(at, f'"{word[:20]}" among the numbers of an array')
        at += 1


_SPACE_LINE = re.compile(r"[ \t]*")


def _array(t: Printed, found: _List, literal: bool) -> tuple[list[str], tuple[int, ...]]:
    """The numbers in C order, and the shape.

    ``literal``: numbers with only spaces between them are a row, as in Julia and MATLAB.
    """
    if not found.lists:
        return _flat(t, found, literal)
    parts = [_array(t, part, False) for part in found.lists]
    for part, (_, shape) in zip(found.lists, parts):
        if shape != parts[0][1]:
            raise t.error(
                part.at,
                f"the array is ragged: shape {shape} stands beside shape {parts[0][1]}",
            )
    return [token for tokens, _ in parts for token in tokens], (len(parts), *parts[0][1])


def _flat(t: Printed, found: _List, literal: bool) -> tuple[list[str], tuple[int, ...]]:
    """One pair of brackets: a vector, or rows that semicolons or lines divide."""
    tokens, gaps = found.tokens, [g.strip("\n") or g[:1] for g in found.gaps]
    level = max((g.count(";") for g in gaps), default=0)
    commas = any("," in g for g in gaps)
    if not level and not commas and "\n" in gaps[1:]:
        lines = t.text[found.at : found.end].split("\n")
        fits = len(t.text[t.start(found.at) : t.end(found.at)]) + 1 + len(lines[1].split()[0])
        if fits > _WIDTH:
            return tokens, (len(tokens),)  # NumPy's, which went on in the next line
        gaps = [";" if g == "\n" else g for g in gaps]
        level = 1
    if not level:
        row = literal and not commas and len(tokens) > 1
        return tokens, (1, len(tokens)) if row else (len(tokens),)
    return _divided(t, found, tokens, gaps, level)


def _divided(
    t: Printed, found: _List, tokens: list[str], gaps: list[str], level: int
) -> tuple[list[str], tuple[int, ...]]:
    """Julia's ``[1 2; 3 4;;; 5 6; 7 8]``: n semicolons go on along axis n."""
    if any(";" in g and set(g) - {";", "\n"} for g in gaps):
        raise t.error(found.at, "a comma and a semicolon stand between two numbers")
    nested: Any = _axis(tokens, [g.count(";") for g in gaps], level)
    sizes = _sizes(nested)
    if sizes is None:
        raise t.error(found.at, "the array is ragged: its rows have different lengths")
    array = np.array(nested, dtype=object).reshape(sizes)
    if level > 1:  # nested as (..., axis 3, row, column): rows and columns come first
        array = np.moveaxis(array, (-2, -1), (0, 1)) if array.ndim > 2 else array
        order = (0, 1, *range(array.ndim - 1, 1, -1))
        array = array.transpose(order)
    elif array.shape[1] == 1:
        array = array[:, 0]
    return [str(v) for v in array.ravel()], array.shape


def _axis(tokens: list[str], breaks: list[int], level: int) -> Any:
    if level == 0:
        return tokens
    pieces: list[Any] = []
    begin = 0
    for k in range(1, len(tokens) + 1):
        if k == len(tokens) or breaks[k] >= level:
            inner = level - 1 if level != 2 else 1
            pieces.append(_axis(tokens[begin:k], [0, *breaks[begin + 1 : k]], inner))
            begin = k
    return pieces


def _sizes(nested: Any) -> tuple[int, ...] | None:
    if not isinstance(nested, list):
        return ()
    sizes = [_sizes(part) for part in nested]
    if any(s != sizes[0] or s is None for s in sizes):
        return None
    return (len(nested), *(sizes[0] or ()))


def _prompted(t: Printed, at: int) -> bool:
    """Whether a line with Julia's or MATLAB's prompt stands on this line or the one before."""
    line = t.line(at)
    before = t.text[t.starts[max(line - 2, 0)] : at]
    return re.search(r"julia>|(?m:^)[ \t]*>>(?!>)", before) is not None

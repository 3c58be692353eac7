"""Lines of Python as ``ruff format`` leaves them: quotes, and long lines broken at commas."""

from __future__ import annotations

import ast
import re

from uniconv._parse.commas import parts_between_commas

WIDTH = 100
_QUOTED = re.compile(r"'([^'\"\\]*)'")


def formatted(line: str, width: int = WIDTH) -> list[str]:
    """A statement in one line, as the lines that ``ruff format`` makes of it.

    >>> formatted("y = f(x, padding='SAME')")
    ['y = f(x, padding="SAME")']
    """
    code, mark, comment = line.partition("  # ")
    code = _QUOTED.sub(r'"\\1"'.replace("\\\\", "\\"), code)
    if len(code) > width or len(code + mark + comment) > width:
        return ([f"# {comment}"] if mark else []) + _broken(code, width)
    return [code + mark + comment]


def _broken(code: str, width: int) -> list[str]:
    """A line too long, broken in the brackets of its last call, once or at every comma."""
    if len(code) <= width:
        return [code]
    brackets = _outermost(code)
    if brackets is None:
        return [code]
    start, end = brackets
    head, inside, tail = code[: start + 1], code[start + 1 : end], code[end:]
    parts = _parts(inside)
    indent = "    "
    whole = indent + ", ".join(parts)
    if len(whole) <= width and head[-1] == "(":
        return [head, whole, tail]
    if _is_bracketed(code, start, inside):
        return [head, *(f"{indent}{line}" for line in _broken(inside, WIDTH - 4)), tail]
    rows = [row for part in parts for row in _indented(part)]
    return [head, *rows, tail]


def _is_bracketed(code: str, start: int, inside: str) -> bool:
    """Whether brackets hold one expression, which a comma would make a tuple."""
    calls = start > 0 and (code[start - 1].isalnum() or code[start - 1] in "_)]")
    return code[start] == "(" and not calls and len(parts_between_commas(inside)) == 1


def _indented(part: str) -> list[str]:
    """One argument, in a line of its own or broken again."""
    if len(part) + 5 <= WIDTH:
        return [f"    {part},"]
    lines = _broken_argument(part)
    return [f"    {line}" for line in lines]


def _broken_argument(part: str) -> list[str]:
    brackets = _outermost(part)
    if brackets is None:
        return [part + ","]
    start, end = brackets
    inside = part[start + 1 : end]
    comma = "" if _is_bracketed(part, start, inside) else ","
    rows = [f"    {inner}{comma}" for inner in _parts(inside)]
    return [part[: start + 1], *rows, part[end:] + ","]


def _outermost(code: str) -> tuple[int, int] | None:
    """The last pair of brackets that stands in no other."""
    depth, start, place = 0, 0, None
    quoted = False
    for at, letter in enumerate(code):
        quoted ^= letter == '"'
        if quoted:
            continue
        if letter in "([{":
            if depth == 0:
                start = at
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth == 0:
                place = (start, at)
    return place


def _parts(inside: str) -> list[str]:
    """The arguments between commas; none behind the last comma."""
    return [part for part in parts_between_commas(inside) if part]


def nested(lines: list[str], names: dict[str, str]) -> str | None:
    """The last line's value with every earlier one put in; None where that is not one expression.

    >>> nested(["x = f(x)", "y = g(x, w)"], {"x": "a", "w": "b"})
    'g(f(a), b)'
    """
    values = dict(names)
    value = None
    for line in lines:
        tree = ast.parse(line).body
        if len(tree) != 1 or not isinstance(tree[0], ast.Assign):
            return None
        (target,) = tree[0].targets
        if not isinstance(target, ast.Name):
            return None
        value = _with_values(line.partition(" = ")[2].partition("  # ")[0], values)
        if value is None:
            return None
        values[target.id] = value
    return value


def _with_values(text: str, values: dict[str, str]) -> str | None:
    """An expression with names replaced; None where a long one would be written twice."""
    uses = [n for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)]
    uses = [n for n in uses if n.id in values]
    for name in {n.id for n in uses}:
        if not values[name].isidentifier() and sum(n.id == name for n in uses) > 1:
            return None
    for use in sorted(uses, key=lambda n: -n.col_offset):
        value = values[use.id]
        binds = isinstance(ast.parse(value, mode="eval").body, (ast.BinOp, ast.UnaryOp))
        end = use.col_offset + len(use.id)
        text = text[: use.col_offset] + (f"({value})" if binds else value) + text[end:]
    return text


def imports_for(line: str, code: str) -> bool:
    """Whether a line imports a name that the code uses, as far as it is said there.

    >>> [imports_for("import mlx.nn", code) for code in ("mlx.core.pad(x)", "mlx.nn.Conv2d(1, 2)")]
    [False, True]
    """
    words = re.fullmatch(r"(?:from [\w.]+ )?import ([\w.]+)(?: as (\w+))?", line)
    name = (words[2] or words[1]) if words else ""
    return bool(name) and re.search(rf"\b{re.escape(name)}\b", code) is not None

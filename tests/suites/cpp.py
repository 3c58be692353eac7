"""As much of C++ as the tests of convolutions use: test bodies, statements, initializer lists.

Expressions are rewritten as Python's and evaluated by ``value``; a name without a value stands for
itself.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.suites.reading import NotRead

TEST = re.compile(r"^(?:TYPED_)?TEST(?:_P|_F)?\(\s*(\w+)\s*,\s*(\w+)\s*\)\s*\{", re.MULTILINE)
TEMPLATE = re.compile(r"<[\w:\s,*]*(?:<[\w:\s,*]*>)?[\w:\s,*]*>(?=\s*[({\w])")
NUMBER = re.compile(r"(?<![\w.])(\d+\.\d*|\.\d+|\d+)((?:[eE][-+]?\d+)?)[fFuUlL]*(?![\w.])")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
COUNTING = re.compile(
    r"for\s*\(\w+ (\w+) = 0; \1 < ([^;]*); (?:\1\+\+|\+\+\1)\)\s*\{(.*)\}$", re.DOTALL
)
LISTS = re.compile(r"\b(?:vector|initializer_list|array|set|unordered_set|\w+Attributes)\s*(?=\{)")
HEAD = re.compile(r"(if|else|for|while|switch)\b(?:\s+constexpr)?\s*(\()?")
OPENS, CLOSES = "([{", ")]}"
BINARY = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.LShift: operator.lshift,
}
LIMITS = {"int": 31, "int32_t": 31, "int16_t": 15, "int8_t": 7, "int64_t": 63}


class Symbol(str):
    """A name without a value, such as an enumerator."""


def uncommented(text: str) -> str:
    """The text without comments."""
    pattern = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
    return pattern.sub(lambda m: m[0] if m[0].startswith('"') else " ", text)


def closing(text: str, start: int) -> int:
    """Where the bracket that opens at ``start`` closes."""
    depth, at = 0, start
    while at < len(text):
        if text[at] == '"':
            found = STRING.match(text, at)
            at = found.end() if found else at + 1
            continue
        depth += (text[at] in OPENS) - (text[at] in CLOSES)
        if not depth:
            return at
        at += 1
    raise NotRead("a bracket that does not close")


def tests(text: str) -> Iterator[tuple[str, str]]:
    """Every test: its name and its body."""
    for match in TEST.finditer(text):
        yield f"{match[1]}.{match[2]}", text[match.end() : closing(text, match.end() - 1)]


def parts(text: str, separator: str = ",") -> list[str]:
    """The text split where no bracket is open."""
    found, start, at = [], 0, 0
    while at < len(text):
        if text[at] in OPENS:
            at = closing(text, at)
        elif text[at] == '"':
            match = STRING.match(text, at)
            at = match.end() - 1 if match else at
        elif text[at] == separator:
            found.append(text[start:at])
            start = at + 1
        at += 1
    found.append(text[start:])
    return [part.strip() for part in found if part.strip()]


def statements(body: str) -> Iterator[str]:
    """The statements of a body; of a condition its first branch, of a block what is inside.

    A loop that counts from 0 is one statement, whole.
    """
    at = 0
    while True:
        rest = body[at:].lstrip()
        at = len(body) - len(rest)
        if not rest:
            return
        head = HEAD.match(rest)
        start = at + (head.end() if head else 0)
        if head and head[2]:
            start = closing(body, start - 1) + 1
        start = len(body) - len(body[start:].lstrip())
        block = body[start : start + 1] == "{"
        end = closing(body, start) if block else _semicolon(body, start)
        inner = body[start + block : end]
        if head and head[1] in ("for", "while", "switch"):
            yield f"{body[at:start]}{{{inner};}}"
        elif not head or head[1] == "if":
            yield from statements(inner) if block or head else [inner.strip()]
        at = end + 1


def loop(statement: str) -> tuple[str, str] | None:
    """(how often, body) of a loop that counts from 0."""
    found = re.match(
        r"for\s*\(\w+ (\w+) = 0; \1 < ([^;]*); (?:\1\+\+|\+\+\1)\)\s*\{(.*)\}$",
        statement,
        re.DOTALL,
    )
    return (found[2], found[3]) if found else None


def _semicolon(body: str, at: int) -> int:
    while at < len(body) and body[at] != ";":
        if body[at] in OPENS:
            at = closing(body, at)
        elif body[at] == '"':
            match = STRING.match(body, at)
            at = match.end() - 1 if match else at
        at += 1
    return at


def range_loop(statement: str) -> tuple[str, str, str] | None:
    """(name, expression, body) of a loop over a list."""
    head = re.match(r"for\s*\((?:const\s+)?(?:auto|\w+)\s*&?\s*(\w+)\s*:\s*", statement)
    if not head:
        return None
    end = closing(statement, statement.index("("))
    return head[1], statement[head.end() : end], statement[end + 1 :].strip()[1:-1]


def fields(statement: str) -> tuple[str, ...] | None:
    """The names of the members of a struct."""
    found = re.match(r"struct \w+\s*\{(.*)\}", statement, re.DOTALL)
    return tuple(re.findall(r"(\w+)\s*(?:;|=)", found[1])) if found else None


def functions(text: str) -> dict[str, str]:
    """The bodies of the functions that return nothing, by name."""
    heads = re.finditer(r"^void (\w+)\(([^)]*)\)\s*\{", text, re.MULTILINE)
    return {h[1]: text[h.end() : closing(text, h.end() - 1)] for h in heads}


def declaration(statement: str) -> tuple[str, str, str] | None:
    """(type, name, expression) of a declaration with a value."""
    found = re.match(
        r"((?:const\s+|constexpr\s+|static\s+)*[\w:]+(?:<[^;={(]*>)?(?:\s*[&*])?)\s+(\w+)\s*"
        r"((?:\[\w*\])?\s*=|(?=[{(])|$)",
        statement,
    )
    if not found or found[1] in ("return", "new", "using"):
        return None
    return found[1], found[2], statement[found.end() :].strip()


def value(
    expression: str, names: Mapping[str, Any], calls: Mapping[str, Callable[..., Any]]
) -> Any:
    """What an expression is: numbers, strings, lists, or what a known function gives."""
    texts: list[str] = []

    def kept(match: re.Match[str]) -> str:
        texts.append(match[0])
        return f" __text{len(texts) - 1}__ "

    text = STRING.sub(kept, expression)
    text = re.sub(
        r"(?:std::)?numeric_limits<(\w+)>::max\(\)", lambda m: str(2 ** LIMITS[m[1]] - 1), text
    )
    text = TEMPLATE.sub("", text)
    text = re.sub(r"\b(?:\w+::)+(?=\w)", "", text)
    text = re.sub(
        r"\b(?:vector|initializer_list|array|set|unordered_set|ConvTransposeOpAttributes)\s*(?=\{)",
        "",
        text,
    )
    text = NUMBER.sub(lambda m: re.sub(r"^0+(?=\d)", "", m[1]) + m[2], text)
    text = text.replace("{", "[").replace("}", "]")
    text = re.sub(r"\btrue\b", "True", re.sub(r"\bfalse\b", "False", text))
    text = re.sub(r"(?:__text(\d+)__\s*)+", lambda m: _joined(m[0], texts), text)
    try:
        tree = ast.parse(f"({' '.join(text.split())})", mode="eval").body
    except SyntaxError:
        raise NotRead(f"the expression {' '.join(expression.split())[:60]}") from None
    return _evaluated(tree, names, calls)


def _joined(marks: str, texts: list[str]) -> str:
    return " ".join(texts[int(i)] for i in re.findall(r"__text(\d+)__", marks))


def _evaluated(
    node: ast.expr, names: Mapping[str, Any], calls: Mapping[str, Callable[..., Any]]
) -> Any:
    def of(inner: ast.expr) -> Any:
        return _evaluated(inner, names, calls)

    match node:
        case ast.Constant(value=constant):
            return constant
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [of(e) for e in elements]
        case ast.Name(id=name):
            return names.get(name, Symbol(name))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -of(inner)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return of(inner)
        case ast.BinOp(left=a, op=symbol, right=b) if type(symbol) in BINARY:
            x, y = of(a), of(b)
            if all(isinstance(v, (int, float)) for v in (x, y)):
                return BINARY[type(symbol)](x, y)
        case ast.Call(func=ast.Name(id=name), args=given) if name in calls:
            return calls[name](*map(of, given))
        case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
            return names.get(f"{owner}.{attribute}", Symbol(f"{owner}.{attribute}"))
    raise NotRead(f"the expression {ast.unparse(node)[:60]}")

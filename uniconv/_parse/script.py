"""Calls of Julia and MATLAB, and ONNX's nodes as its tools print them: read, never run.

One grammar serves them, as they differ in little that a call has: ``f(x, w; pad=1)``, ``3 => 16``,
``[3 3]``, ``f(x, 'Stride', 2)``, ``Conv <strides = [2, 2]> (x, w)``, ``Conv(x, w) {group = 1}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from uniconv._parse.source import DEEPEST, LONGEST_SHOWN, SourceText
from uniconv._parse.tree import (
    Application,
    Argument,
    Expression,
    Items,
    Literal,
    NameInText,
    Node,
    Program,
    Statement,
)
from uniconv.errors import BadCall

__all__ = ["read_script"]

_NAME = r"[^\W\d][\w!]*|∇\w+"
_TOKEN = re.compile(
    rf"""(?P<space>[ \t]+|\.\.\.[ \t]*\n|[\#%][^\n]*)
    |(?P<end>\n)
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eEf][+-]?\d+)?)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*')
    |(?P<name>(?:{_NAME})(?:\.(?:{_NAME}))*)
    |(?P<sign>=>|\|>|==|!=|<=|>=|&&|\|\||\.[-+*/^']|.)""",
    re.VERBOSE,
)
_VALUES = {
    "true": True,
    "false": False,
    "nothing": None,
    "True": True,
    "False": False,
    "None": None,
}
_BESIDE = {"return", "const", "local", "global", "begin", "end", "let"}
_BINARY = set("+-*/^:\\&|<>~?") | {"==", "!=", "<=", ">=", "&&", "||"}
_BINARY |= {".+", ".-", ".*", "./", ".^"}
_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int
    spaced: bool  # there is a space before it

    @property
    def end(self) -> int:
        return self.at + len(self.text)


def read_script(source: SourceText) -> Program:
    """The statements that can be read; BadCall of the first that cannot, where none has a call."""
    program, first = Program("script"), None
    tokens = list(_tokens(source))
    for statement in _statements(tokens):
        if statement[0].text in ("using", "import"):
            words = [t.text for t in statement[1:] if t.kind == "name"]
            program.modules |= {word.partition(".")[0] for word in words}
            continue
        reader = _ScriptReader(source, [t for t in statement if t.text not in _BESIDE])
        try:
            reader.statement(program)
        except BadCall as error:
            first = first or error
    if first is not None and not any(isinstance(n, Application) for n in program.roots):
        raise first
    return program


def _tokens(source: SourceText) -> Iterator[_Token]:
    text, at, spaced, last = source.text, 0, True, ""
    # Printed graphs mark names with %, which begins a comment elsewhere.
    marked = re.search(r"%[\w.]+ = \w+\[", text) is not None
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise source.error(BadCall, at, f"{text[at]!r} is not read")
        kind, word = match.lastgroup or "", match[0]
        if text[at] == "'" and not spaced and (last in (")", "]", "'") or last[-1:].isalnum()):
            kind, word = "sign", "'"  # MATLAB's transpose
        if text[at] == "%" and marked:
            word = "%"
        at += len(word)
        if kind == "space":
            spaced = True
            continue
        yield _Token(kind, word, at - len(word), spaced)
        spaced, last = kind == "end", word


def _statements(tokens: list[_Token]) -> Iterator[list[_Token]]:
    """The tokens between the ends of lines, and semicolons, that stand in no brackets."""
    statement: list[_Token] = []
    depth = 0
    for token in tokens:
        if token.text in ("(", "[", "{"):
            depth += 1
        elif token.text in (")", "]", "}"):
            depth = max(depth - 1, 0)
        if depth == 0 and (token.kind == "end" or token.text == ";"):
            if statement:
                yield statement
            statement = []
        elif token.kind != "end":
            statement.append(token)
    if statement:
        yield statement


class _ScriptReader:
    """Reads one statement by recursive descent."""

    def __init__(self, source: SourceText, tokens: list[_Token]) -> None:
        self.source, self.tokens, self.k = source, tokens, 0
        self.depth, self.in_angles = 0, False

    def statement(self, program: Program) -> None:
        """``y = f(x)``, or without the first half."""
        if not self.tokens:
            return
        while self.take("@"):
            self.k += 1  # a macro
        value, target = self.expression(), None
        if self.take("="):
            target, value = value, self.expression()
            if isinstance(target, NameInText):
                program.variables[target.path] = value
        if self.k < len(self.tokens):
            raise self.wrong("the statement should end here")
        program.roots.append(value)
        program.statements.append(Statement(value.at, target, value))

    def peek(self) -> _Token:
        if self.k < len(self.tokens):
            return self.tokens[self.k]
        last = self.tokens[-1] if self.tokens else _Token("end", "", 0, True)
        return _Token("end", "", last.end, True)

    def take(self, text: str) -> bool:
        token = self.peek()
        taken = token.text == text and token.kind == "sign"
        self.k += 1 if taken else 0
        return taken

    def wrong(self, problem: str) -> BadCall:
        return self.source.error(BadCall, self.peek().at, problem)

    def expression(self, in_brackets: bool = False) -> Node:
        """Anything with operators: a pair, ``x |> layer``, or what is not evaluated."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"more than {DEEPEST} brackets in brackets")
        node = self.operand()
        while self.k < len(self.tokens):
            token = self.peek()
            if in_brackets and token.text in "+-" and token.spaced and not self._space_after():
                break  # [1 -1] has two numbers
            if self.take("=>"):
                node = Items(node.at, "pair", (node, self.operand()))
            elif self.take("|>"):
                layer = self.operand()
                node = Application(node.at, layer, (Argument(node.at, None, node),))
            elif token.text == ">" and self.in_angles:
                break
            elif token.text in _BINARY and token.kind == "sign":
                self.k += 1
                right = self.operand()
                node = self._joined(token.text, node, right)
            else:
                break
        self.depth -= 1
        return node

    def _joined(self, sign: str, left: Node, right: Node) -> Expression:
        """An operator with its two sides; ``a:b:c`` is from a to c in steps of b."""
        text = self.text_from(left.at)
        if sign != ":":
            return Expression(left.at, text, (left, right), operator=sign.lstrip("."))
        if isinstance(left, Expression) and left.operator == ":":
            start, step, _ = left.parts
            return Expression(left.at, text, (start, right, step), operator=":")
        return Expression(left.at, text, (left, right, Literal(left.at, None)), operator=":")

    def _space_after(self) -> bool:
        after = self.tokens[self.k + 1 : self.k + 2]
        return bool(after) and after[0].spaced

    def operand(self) -> Node:
        """A value, a name or brackets, with the calls behind it."""
        token = self.peek()
        if token.text == ":" and self._is_whole_axis():
            self.k += 1
            every = (Literal(token.at, None),) * 3
            return Expression(token.at, ":", every, operator=":")
        if token.kind == "sign" and token.text in ("-", "+", "!", "~", "&", "%", "@", ":"):
            return self._signed(token)
        self.k += 1
        node: Node
        if token.kind == "number":
            node = Literal(token.at, _number(token.text))
        elif token.kind == "text":
            node = Literal(token.at, _unquoted(token.text))
        elif token.kind == "name" and token.text in _VALUES:
            node = Literal(token.at, _VALUES[token.text])
        elif token.kind == "name":
            node = NameInText(token.at, token.text)
        elif token.text == "(":
            node = self.parenthesis(token.at)
        elif token.text == "[":
            node = self.brackets(token.at)
        else:
            self.k -= 1
            what = "the text ends" if token.kind == "end" else f"{token.text!r} stands"
            raise self.wrong(f"{what} where a value or a call should be")
        return self.behind(node)

    def _is_whole_axis(self) -> bool:
        """Whether a colon stands alone, as in ``y[:, 1]``."""
        after = self.tokens[self.k + 1 : self.k + 2]
        return bool(after) and after[0].text in (",", ")", "]")

    def _signed(self, token: _Token) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong("too many signs in a row")
        self.k += 1
        node = self.operand()
        self.depth -= 1
        if token.text in "%&":
            return node
        if (
            token.text in "-+"
            and isinstance(node, Literal)
            and isinstance(node.value, (int, float))
        ):
            return Literal(token.at, -node.value if token.text == "-" else node.value)
        return Expression(token.at, self.text_from(token.at), (node,))

    def behind(self, node: Node) -> Node:
        """The calls, attributes and signs that follow a value without a space."""
        attributes: tuple[Argument, ...] = ()
        while self.k < len(self.tokens):
            token = self.peek()
            named = isinstance(node, NameInText)
            if token.text == "." and self.tokens[self.k + 1 : self.k + 2] == []:
                break
            if token.text == "." and self.tokens[self.k + 1].text == "(":  # relu.(y)
                self.k += 1
                token = self.peek()
            if token.text == "(" and (not token.spaced or attributes):
                self.k += 1
                arguments = (*self.arguments(")"), *attributes)
                node = Application(node.at, node, arguments, self.text_from(node.at))
                attributes = ()
            elif token.text in ("<", "[") and named and self._has_attributes():
                self.k += 1
                self.in_angles = token.text == "<"
                attributes = self.arguments(_CLOSING[token.text])
                self.in_angles = False
            elif token.text == "{" and isinstance(node, Application):
                self.k += 1
                more = self.arguments("}")
                node = Application(node.at, node.function, (*node.arguments, *more), node.text)
            elif token.text == "{" and named and not token.spaced:  # Array{Float32, 4}
                self.k += 1
                self.arguments("}")
            elif token.text in ("'", ".'") and not token.spaced:
                self.k += 1
                node = Expression(node.at, self.text_from(node.at), (node,), operator="'")
            elif token.text == "[" and not token.spaced:
                self.k += 1
                entries = (argument.value for argument in self.arguments("]"))
                parts = (node, *entries)
                node = Expression(node.at, self.text_from(node.at), parts, operator="[]")
            else:
                break
        return node

    def _has_attributes(self) -> bool:
        """Whether ``name = value`` follows, or ``name: type = value``."""
        word, sign = (*self.tokens[self.k + 1 : self.k + 3], *[self.peek()] * 2)[:2]
        return word.kind == "name" and sign.text in ("=", ":")

    def arguments(self, closing: str) -> tuple[Argument, ...]:
        """What stands up to the closing bracket; by keyword with ``=``, or a name behind ``;``."""
        arguments: list[Argument] = []
        only_words = False
        while not self.take(closing):
            if self.take(";"):
                only_words = True
                continue
            if self.take(","):
                continue
            arguments.append(self.argument(closing, only_words))
            if self.peek().text not in (closing, ",", ";"):
                raise self.wrong(f"a comma or {closing!r} should stand here")
        return tuple(arguments)

    def argument(self, closing: str, only_words: bool) -> Argument:
        token = self.peek()
        after = self.tokens[self.k + 1 : self.k + 2]
        if token.kind == "name" and after and after[0].text in ("=", ":") and closing != "]":
            return self._keyword(token, closing)
        if closing == "]" and token.kind == "name" and after and after[0].text == "=":
            return self._keyword(token, closing)
        value = self.expression()
        word = value.path if only_words and isinstance(value, NameInText) else None
        return Argument(token.at, word, value)

    def _keyword(self, token: _Token, closing: str) -> Argument:
        self.k += 1
        if self.take(":"):  # the type of an attribute: strides: ints = [2, 2]
            self.k += 1
        if not self.take("="):
            raise self.wrong(f"{token.text} should have a value: {token.text} = ...")
        return Argument(token.at, token.text, self.expression(in_brackets=False))

    def parenthesis(self, at: int) -> Node:
        """``(3, 3)``, ``(3,)``, or a value in parentheses."""
        items: list[Node] = []
        comma = False
        while not self.take(")"):
            if self.take(",") or self.take(";"):
                comma = True
                continue
            items.append(self.expression())
            if self.peek().text not in (")", ",", ";"):
                raise self.wrong("a comma or ')' should stand here")
        return items[0] if len(items) == 1 and not comma else Items(at, "tuple", tuple(items))

    def brackets(self, at: int) -> Node:
        """``[2, 2]``, ``[3 3]``, ``[1 2; 3 4]``: a list, or a list of rows."""
        rows: list[list[Node]] = [[]]
        while not self.take("]"):
            if self.take(";"):
                rows.append([])
            elif not self.take(","):
                rows[-1].append(self.expression(in_brackets=True))
        rows = [row for row in rows if row] or [[]]
        if len(rows) == 1:
            return Items(at, "list", tuple(rows[0]))
        return Items(at, "list", tuple(Items(r[0].at, "list", tuple(r)) for r in rows))

    def text_from(self, at: int) -> str:
        return self.source.text[at : min(self.tokens[self.k - 1].end, at + LONGEST_SHOWN)]


def _number(text: str) -> int | float:
    if re.fullmatch(r"\d{1,400}", text):
        return int(text)
    return float(text.replace("f", "e"))


def _unquoted(text: str) -> str:
    inside = text[1:-1]
    return inside.replace("''", "'") if text[0] == "'" else inside.replace('\\"', '"')

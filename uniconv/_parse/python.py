"""Python, read by ``ast`` and never run."""

from __future__ import annotations

import ast
import warnings
from typing import Any

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

__all__ = ["dotted_path", "read_python"]

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.BitOr: "|",
    ast.Pow: "**",
    ast.USub: "-",
}


def read_python(source: SourceText) -> Program:
    """The program that the text is; BadCall where it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as "is" beside a number
            tree = ast.parse(source.text)
    except SyntaxError as error:
        at = source.offset(error.lineno or 1, (error.offset or 1) - 1)
        raise source.error(BadCall, at, f"no Python: {error.msg}") from None
    except (RecursionError, MemoryError, ValueError):
        raise source.error(BadCall, 0, "no Python that can be read") from None
    reader = _PythonReader(source)
    for statement in tree.body:
        reader.statement(statement, 0)
    return reader.program


class _PythonReader:
    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.program = Program("python")

    def statement(self, statement: ast.stmt, depth: int) -> None:
        """Read a statement, and those inside it."""
        if depth > DEEPEST:
            raise self.source.error(BadCall, self.at(statement), "blocks in blocks, too deep")
        match statement:
            case ast.Import():
                for alias in statement.names:
                    root = alias.name.partition(".")[0]
                    self.program.modules.add(root)
                    name = alias.asname or root
                    self.program.aliases[name] = alias.name if alias.asname else root
            case ast.ImportFrom():
                module = statement.module or ""
                self.program.modules.add(module.partition(".")[0])
                for alias in statement.names:
                    if alias.name != "*":
                        name = alias.asname or alias.name
                        self.program.aliases[name] = f"{module}.{alias.name}"
            case _:
                self._others(statement, depth)

    def _others(self, statement: ast.stmt, depth: int) -> None:
        nodes: list[Node] = []
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.expr):
                nodes.append(self.node(child, 0))
            elif isinstance(child, ast.withitem):
                nodes.append(self.node(child.context_expr, 0))
            elif isinstance(child, ast.stmt):
                self.statement(child, depth + 1)
            elif isinstance(child, (ast.ExceptHandler, ast.match_case)):
                for inner in child.body:
                    self.statement(inner, depth + 1)
        self.program.roots += nodes
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        for target in targets:
            name = self.node(target, 0)
            if isinstance(name, NameInText):
                self.program.variables[name.path] = nodes[-1]
            self.program.statements.append(Statement(name.at, name, nodes[-1]))
        if isinstance(statement, ast.Expr):
            self.program.statements.append(Statement(nodes[0].at, None, nodes[0]))
        if isinstance(statement, ast.AugAssign):
            operator = _OPERATORS.get(type(statement.op), "")
            changed = Expression(nodes[0].at, "", (nodes[0], nodes[-1]), operator=operator)
            self.program.statements.append(Statement(nodes[0].at, nodes[0], changed))

    def node(self, expr: ast.expr, depth: int) -> Node:
        """An expression as a node."""
        at = self.at(expr)
        if depth > DEEPEST:
            raise self.source.error(BadCall, at, f"more than {DEEPEST} brackets in brackets")
        match expr:
            case ast.Constant(value=int() | float() | complex() | str() | None):
                return Literal(at, expr.value)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant(value=number)):
                if isinstance(number, (int, float)) and not isinstance(number, bool):
                    return Literal(at, -number if isinstance(expr.op, ast.USub) else number)
            case ast.List() | ast.Tuple():
                kind = "list" if isinstance(expr, ast.List) else "tuple"
                return Items(at, kind, tuple(self.node(e, depth + 1) for e in expr.elts))
            case ast.Name() | ast.Attribute():
                path = dotted_path(expr)
                if path:
                    return NameInText(at, path)
            case ast.Call():
                function = self.node(expr.func, depth + 1)
                return Application(at, function, self._arguments(expr, depth), self.text(expr))
        return self._expression(expr, at, depth)

    def _expression(self, expr: ast.expr, at: int, depth: int) -> Node:
        """Anything that is no value, name or call."""
        children: list[ast.expr | None] = [
            c for c in ast.iter_child_nodes(expr) if isinstance(c, ast.expr)
        ]
        operator, attribute = "", ""
        match expr:
            case ast.Attribute():
                attribute = expr.attr
            case ast.Constant(value=constant) if constant is ...:
                return Literal(at, constant)
            case ast.BinOp() | ast.UnaryOp():
                operator = _OPERATORS.get(type(expr.op), "")
            case ast.Subscript(slice=inner):
                operator = "[]"
                entries = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                children = [expr.value, *entries]
            case ast.Slice():
                operator, children = ":", [expr.lower, expr.upper, expr.step]
        parts = tuple(Literal(at, None) if c is None else self.node(c, depth + 1) for c in children)
        return Expression(at, self.text(expr), parts, attribute, operator)

    def _arguments(self, call: ast.Call, depth: int) -> tuple[Argument, ...]:
        for arg in call.args:
            if isinstance(arg, ast.Starred):
                text = self.text(arg)
                raise self.source.error(
                    BadCall, self.at(arg), f"{text} is not read: write its arguments out"
                )
        values = [*call.args, *(keyword.value for keyword in call.keywords)]
        words = [None] * len(call.args) + [keyword.arg for keyword in call.keywords]
        ats = [self.at(arg) for arg in (*call.args, *call.keywords)]
        for word, at, value in zip(words[len(call.args) :], ats[len(call.args) :], call.keywords):
            if word is None:
                text = self.text(value.value)
                raise self.source.error(BadCall, at, f"**{text} is not read: write its words out")
        return tuple(
            Argument(at, word, self.node(value, depth + 1))
            for at, word, value in zip(ats, words, values)
        )

    def at(self, node: Any) -> int:
        return self.source.offset(node.lineno, node.col_offset, in_bytes=True)

    def text(self, node: ast.expr) -> str:
        line, column = node.end_lineno or node.lineno, node.end_col_offset or 0
        end = self.source.offset(line, column, in_bytes=True)
        start = self.at(node)
        return self.source.text[start : min(end, start + LONGEST_SHOWN)]


def dotted_path(expr: ast.expr) -> str:
    """A name with its attributes; nothing where something else stands in front of a dot."""
    names: list[str] = []
    while isinstance(expr, ast.Attribute):
        names.append(expr.attr)
        expr = expr.value
    return ".".join([expr.id, *reversed(names)]) if isinstance(expr, ast.Name) else ""

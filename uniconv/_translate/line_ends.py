"""LineEnds: where the nodes of a Python file stand in its text."""

from __future__ import annotations

import ast
import re


class LineEnds:
    """Where the lines of a text begin; as Python counts them: a form feed ends none."""

    def __init__(self, text: str) -> None:
        self.text = text
        ends = [m.end() for m in re.finditer(r"\r\n|\r|\n", text)]
        self.starts = [0, *ends]
        if self.starts[-1] != len(text):
            self.starts.append(len(text))
        first = re.search(r"\r\n|\r|\n", text)
        self.newline = first[0] if first else "\n"

    def line(self, index: int) -> str:
        """A line with its end."""
        return self.text[self.starts[index] : self.starts[index + 1]]

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Where a node begins and ends."""
        end = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self._at(node.lineno, node.col_offset), self._at(*end)

    def _at(self, line: int, column: int) -> int:
        # ast counts columns in bytes of UTF-8.
        before = self.line(line - 1).encode()[:column].decode()
        return self.starts[line - 1] + len(before)

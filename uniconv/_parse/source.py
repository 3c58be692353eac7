"""SourceText: a text as it was pasted, and the places in it that errors name."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

from uniconv.errors import BadCall, UniconvError

__all__ = ["DEEPEST", "LONGEST_SHOWN", "SourceText"]

E = TypeVar("E", bound=UniconvError)

LONGEST = 100_000  # characters; a call with its imports has some hundreds
DEEPEST = 40  # brackets in brackets
LONGEST_SHOWN = 60  # of an expression, in an error
_WIDTH = 90
_PROMPT = re.compile(r"(?:>>> ?|\.\.\. ?|In ?\[\d*\]: ?|in\[\d*\]:|julia> ?|octave:\d+> ?|>> )")


class SourceText:
    """A text without its prompts and its common indentation; places count as in the original.

    numbers: of its lines, where it is a part of a longer text.
    """

    def __init__(self, text: object, numbers: Sequence[int] | None = None) -> None:
        if not isinstance(text, str):
            raise BadCall(f"a call's text is a str; this is of type {type(text).__qualname__}")
        if len(text) > LONGEST:
            raise BadCall(
                f"the text has {len(text):,} characters, more than the {LONGEST:,} that are read: "
                "give the call alone, with the lines that it needs"
            )
        lines = re.split(r"\r\n|\r|\n", text)
        kept = [line[_prompt(line) :] for line in lines]
        indents = [len(k) - len(k.lstrip(" \t")) for k in kept if k.strip()]
        common = min(indents, default=0)
        self._lines = [line[common:] if line.strip() else "" for line in kept]
        self._removed = [len(line) - len(left) for line, left in zip(lines, self._lines)]
        self.text = "\n".join(self._lines)
        self._numbers = range(1, len(self._lines) + 1) if numbers is None else numbers
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def offset(self, line: int, column: int, *, in_bytes: bool = False) -> int:
        """Where a line (from 1) and a column (from 0, in characters or bytes of UTF-8) are."""
        index = min(max(line, 1), len(self._lines)) - 1
        words = self._lines[index]
        if in_bytes and not words.isascii():
            column = len(words.encode()[:column].decode("utf-8", "ignore"))
        return self._starts[index] + min(max(column, 0), len(words))

    def place(self, at: int) -> str:
        """A place in words, as the user counts: "line 1, column 14"."""
        line, column = self._line_and_column(at)
        return f"line {self._numbers[line]}, column {column + self._removed[line] + 1}"

    def error(self, kind: type[E], at: int, problem: str) -> E:
        """An error of that kind, with the place, its line, and a caret below it."""
        line, column = self._line_and_column(at)
        words = self._lines[line].replace("\t", " ")
        start = max(column - _WIDTH // 2, 0) if len(words) > _WIDTH else 0
        shown = words[start : start + _WIDTH]
        caret = " " * (column - start) + "^"
        return kind(f"{self.place(at)}: {problem}\n    {shown}\n    {caret}")

    def _line_and_column(self, at: int) -> tuple[int, int]:
        line = min(bisect_right(self._starts, max(at, 0)) - 1, len(self._lines) - 1)
        return line, min(at - self._starts[line], len(self._lines[line]))


def _prompt(line: str) -> int:
    """How long the prompt is that a line begins with."""
    spaces = len(line) - len(line.lstrip(" \t"))
    match = _PROMPT.match(line, spaces)
    return match.end() if match else 0

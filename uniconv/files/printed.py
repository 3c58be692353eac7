"""A text, its lines, and the errors that name them.

Places are indices into the text after its line ends were made one; messages count lines from 1.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from uniconv.errors import BadFile
from uniconv.files.named_array import NamedArray
from uniconv.files.numbers import Style, parse

__all__ = ["Printed", "check_thousands"]

_NEAR = 300  # signs that tell what an array is; more of a line would be read again and again


# Groups of three digits with commas, and numbers that are divided in another way beside them
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,]*,\d)(?!\d)")
_LOOSE = re.compile(r"\d[ \t]*(?:,[ \t\n]|[ \t]+[-+\d])")


def check_thousands(t: Printed, at: int, numbers: str) -> None:
    """Refuse 1,234.5 where commas and spaces divide the other numbers: which of both is meant?"""
    group = _GROUPED.search(numbers)
    if group and _LOOSE.search(numbers):
        raise t.error(
            at + group.start(),
            f"{group[0]} has a thousands separator, or lacks a space after its comma: print "
            "numbers without separators",
        )


@dataclass(frozen=True)
class Printed:
    """A text, and what to call it in messages."""

    source: str
    text: str
    starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Find the line starts once: every message names a line."""
        # Lines are found by bisection: counting from the start would make long texts slow.
        starts = [0, *(m.end() for m in re.finditer("\n", self.text))]
        object.__setattr__(self, "starts", starts)

    def line(self, at: int) -> int:
        """The line, from 1, of a place in the text."""
        return bisect_right(self.starts, at)

    def start(self, at: int) -> int:
        """Where its line begins."""
        return self.starts[self.line(at) - 1]

    def end(self, at: int) -> int:
        """Where its line ends."""
        following = self.line(at)
        return self.starts[following] - 1 if following < len(self.starts) else len(self.text)

    def before(self, at: int) -> str:
        """What its line holds before it: of a long line, the last signs."""
        return self.text[max(self.start(at), at - _NEAR) : at]

    def after(self, at: int) -> str:
        """What its line holds from there on: of a long line, the first signs."""
        return self.text[at : min(self.end(at), at + _NEAR)]

    def skip(self, at: int, signs: str = " \t\n") -> int:
        """The next place with another sign."""
        while at < len(self.text) and self.text[at] in signs:
            at += 1
        return at

    def error(self, at: int, message: str) -> BadFile:
        """An error at a place, with its line."""
        return BadFile(f"{self.source}, line {self.line(at)}: {message}")

    def truncated(self, at: int, mark: str) -> BadFile:
        """The error for a display that leaves numbers out: they cannot be had from it."""
        return self.error(
            at, f'the array is cut short ("{mark}"): print all of it, or save it to a file'
        )

    def array(
        self,
        at: int,
        name: str | None,
        tokens: list[str],
        shape: tuple[int, ...],
        style: Style,
        dtype: np.dtype[Any] | None = None,
        *,
        exponent: int = 0,
        single: bool = False,
    ) -> NamedArray:
        """Tokens in C order as an array, or an error at the line where it begins."""
        try:
            array, error, digits = parse(
                tokens, shape, style=style, dtype=dtype, exponent=exponent, single=single
            )
        except (ValueError, OverflowError) as reason:
            raise self.error(at, f"the numbers are no array: {reason}") from None
        return NamedArray(name or "", array, error, digits, self.line(at))

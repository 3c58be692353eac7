"""Text with printed arrays in it, among prose in any language.

The search is for signs of arrays, in any prose: a heading as Julia's, ``name =`` and rows as
MATLAB's, ``array(`` and ``tensor(``, brackets in brackets. Each kind has a pattern that finds where
one may begin and a reader that reads on from there, or answers None where it is no array after all:
an index, a call in program text, a date in brackets. A reader that is sure of an array and cannot
read it (a number is missing, an ellipsis stands for some) raises an error with the line: a part of
an array is never returned as if it were all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import islice
from pathlib import Path

from uniconv.errors import BadFile
from uniconv.files import bounded
from uniconv.files.blocks import (
    HEADED,
    JULIA,
    LEGACY_TORCH,
    MATLAB,
    SLICE,
    read_headed,
    read_julia,
    read_legacy_torch,
    read_matlab,
    read_slices,
)
from uniconv.files.bounded import Limits
from uniconv.files.brackets import (
    BRACKET,
    TENSORFLOW,
    WRAPPED,
    read_bracket,
    read_tensorflow,
    read_wrapped,
)
from uniconv.files.named_array import NamedArray
from uniconv.files.printed import Printed

__all__ = [
    "READERS",
    "ArrayInText",
    "Reader",
    "arrays_in",
    "normalized",
    "read",
    "read_text",
    "text_of",
    "uniquely_named",
]

Reader = Callable[[Printed, "re.Match[str]"], tuple[NamedArray, int] | None]
READERS: dict[re.Pattern[str], Reader] = {
    JULIA: read_julia,
    SLICE: read_slices,
    MATLAB: read_matlab,
    LEGACY_TORCH: read_legacy_torch,
    TENSORFLOW: read_tensorflow,
    WRAPPED: read_wrapped,
    BRACKET: read_bracket,
    HEADED: read_headed,
}


@dataclass(frozen=True, slots=True)
class ArrayInText:
    """A printed array with its place in a text; or why what looks like one cannot be read.

    Its name stands outside, but where MATLAB's heading is a part of the print.
    """

    start: int
    end: int
    array: NamedArray | None
    problem: BadFile | None = None


MAX_ARRAYS = 20_000  # of a text, whose arrays are small; the tenth part of a millisecond each
_ROWS = re.compile(r"(?:\n[ \t]*(?:[-+.\d⋮⋱…].*|\[:.*)?(?=\n|\Z))*")
# Signs that pages and editors put in for others: minus, spaces without a break, a byte order mark
_SAME = str.maketrans({"\u2212": "-", "\u00a0": " ", "\u3000": " ", "\ufeff": " "})


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The arrays of a text file."""
    same = limits.max_arrays == bounded.MAX_ARRAYS
    most = MAX_ARRAYS if same else limits.max_arrays
    yield from read_text(text_of(path), str(path), most)


def text_of(path: Path) -> str:
    """The text of a file; BadFile where it is none."""
    # Windows' PowerShell writes UTF-16, whose first bytes say so.
    data = path.read_bytes()
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise BadFile(f"{path} is neither text in UTF-8 nor a kind of file that uniconv reads")
    return text


def normalized(text: str) -> str:
    """A text with the line ends and the signs that the readers of arrays know.

    Lines keep their numbers.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_SAME)


def arrays_in(text: str, source: str) -> list[ArrayInText]:
    """The printed arrays of a ``normalized`` text with their places, also those not readable."""
    return _at_most(MAX_ARRAYS, source, _arrays(Printed(source, text), tolerant=True))


def read_text(text: str, source: str, max_arrays: int = MAX_ARRAYS) -> Iterator[NamedArray]:
    """The arrays of a text, in order, each under a name of its own; all of them, or an error."""
    parts = _at_most(max_arrays, source, _arrays(Printed(source, normalized(text))))
    if not parts:
        raise BadFile(
            f"{source} has no printed array: one is read as NumPy, PyTorch, TensorFlow, JAX, "
            "Julia, MATLAB and Octave print it, or as nested lists, [[1, 2], [3, 4]]"
        )
    yield from uniquely_named([each.array for each in parts if each.array is not None])


def _at_most(most: int, source: str, arrays: Iterator[ArrayInText]) -> list[ArrayInText]:
    """The arrays; BadFile where there are more, as soon as that is known."""
    parts = list(islice(arrays, most + 1))
    if len(parts) > most:
        raise BadFile(
            f"{source} has more than {most:,} arrays: give a part of it, or raise the limit, as "
            f"max_arrays={10 * most}"
        )
    return parts


def uniquely_named(arrays: Iterable[NamedArray]) -> Iterator[NamedArray]:
    """The arrays, each under a name of its own."""
    names: Counter[str] = Counter()
    names_in_use: set[str] = set()
    for array in arrays:
        name = array.name or "array"
        # The second "w" is "w_2", unless the text has a name like that of its own.
        while True:
            names[name] += 1
            alone = array.name and names[name] == 1
            unique = name if alone else f"{name}_{names[name]}"
            if unique not in names_in_use:
                break
        names_in_use.add(unique)
        yield replace(array, name=unique)


def _arrays(t: Printed, tolerant: bool = False) -> Iterator[ArrayInText]:
    """Whichever kind of array begins first, again and again.

    tolerant: what cannot be read is told as such, and the text goes on behind it.
    """
    # How to read this: each reader's next match waits in a heap, by its place in the text.  The
    # first is read; if it is an array, the text goes on after its end, and matches inside it are
    # sought anew from there.  So every pattern goes through the text once.
    readers = [(pattern.search, reader) for pattern, reader in READERS.items()]
    waiting: list[tuple[int, int, re.Match[str]]] = []  # a heap: place, reader, match

    def seek(reader: int, at: int) -> None:
        """Put a reader's next match at or after a place into the heap."""
        match = readers[reader][0](t.text, at)
        if match:
            heappush(waiting, (match.start(), reader, match))

    for reader in range(len(readers)):
        seek(reader, 0)
    end = 0
    while waiting:
        at, reader, match = heappop(waiting)
        if at < end:  # inside an array that was read
            seek(reader, end)
            continue
        try:
            array = readers[reader][1](t, match)
        except BadFile as problem:
            if not tolerant:
                raise
            end = _end_of_unread(t, match)
            yield ArrayInText(at, end, None, problem)
            seek(reader, end)
            continue
        if array is None:
            # No array after all: the same reader goes on behind the sign that misled it.
            seek(reader, match.end())
        else:
            yield ArrayInText(_start(t, match, array[0]), array[1], array[0])
            end = array[1]
            seek(reader, end)


def _start(t: Printed, match: re.Match[str], array: NamedArray) -> int:
    """Where an array begins: its rows may stand above what tells its kind, or below its heading.

    A heading stays in the text: it is the array's label.
    """
    if match.re is HEADED:
        return match.end()
    first = t.starts[(array.line or 1) - 1]
    return min(match.start(), first) if match.re is LEGACY_TORCH else match.start()


def _end_of_unread(t: Printed, match: re.Match[str]) -> int:
    """Where what looked like an array ends: at its closing bracket, or behind its last row.

    The rows of an array that is cut short would else be read as arrays of their own.
    """
    if match.re in (WRAPPED, BRACKET, TENSORFLOW):
        depth = 0
        for bracket in re.compile(r"[\[\]]").finditer(t.text, match.start()):
            depth += 1 if bracket[0] == "[" else -1
            if depth <= 0:
                return max(bracket.end(), match.end())
        return match.end()
    rows = _ROWS.match(t.text, t.end(match.end()))
    return match.end() if rows is None else rows.end()

"""Arrays printed in rows and slices: what Julia, MATLAB and Octave display.

What the three look like, and what tells the shape::

    2×3 Matrix{Float64}:        w(:,:,2) =               (2 ,.,.) =
     1.0  2.0  3.0                                         1  2  3
     4.0  5.0  6.0                 1   2   3               4  5  6
                                   4   5   6             [torch.FloatTensor of size 2x2x3]

Julia says the shape first and the slices must agree with it; MATLAB and Octave say only the index
of each slice, so that the shape is the largest index; PyTorch before 0.4 said it last. Rows are
lines, columns stand between spaces, and every slice is the first two axes, but in PyTorch the last
two. Sources: Julia 1.10 base/arrayshow.jl (show_nd, print_matrix); Octave 9 libinterp/corefcn/
pr-output.cc (print_nd_array, pr_scale_header); PyTorch 0.3.1 torch/_tensor_str.py (_tensor_str).

A matrix that is wider than the terminal comes in blocks of columns, and MATLAB divides all numbers
by a common factor that stands above them; neither changes what is in the array, but a factor that
differs from slice to slice cannot be told from a mistake in copying, and is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from uniconv.files.named_array import NamedArray
from uniconv.files.names import name_before
from uniconv.files.numbers import NUMBER, TRUNCATED, Style, dtype_of
from uniconv.files.printed import Printed, check_thousands

__all__ = [
    "HEADED",
    "JULIA",
    "LEGACY_TORCH",
    "MATLAB",
    "SLICE",
    "Index",
    "read_headed",
    "read_julia",
    "read_legacy_torch",
    "read_matlab",
    "read_slices",
]

# A heading of Julia: sizes, a type with parameters, and a colon where rows follow. The type may
# hold braces and commas (Matrix{Complex{Float32}}), so that it is read up to the colon.
JULIA = re.compile(
    r"(?<!\w)(?P<dims>\d{1,9}(?:[×x]\d{1,9})+|\d{1,9}-element|0-dimensional)[ \t]+"
    r"(?P<type>[A-Za-z_](?:[^\n:{]|::)*\{(?:[^\n:]|::)*?)"
    r"(?:(?P<colon>:)[ \t]*(?=\n|$|\[:|[-\d])|(?=\n|$))"
)
# Julia puts one of these above each matrix of an array with more axes.
SLICE = re.compile(r"(?m)^[ \t]*\[:, ?:(?P<index>(?:, ?\d{1,9})+)\][ \t]*=[ \t]*$")
# The heading of a block of columns, as MATLAB in English and Japanese and as Octave write it.
_COLUMNS = re.compile(
    r"[ \t]*(?:Columns?[ \t]+(\d{1,9})(?:[ \t]+(?:through|to|and)[ \t]+(\d{1,9}))?[ \t]*:?"
    r"|(?:列[ \t]*)?(\d{1,9})[ \t]*(?:至|から)[ \t]*(\d{1,9})[ \t]*列?)[ \t]*(?:\n|$)"
)
_KIND = re.compile(
    r"[ \t]*(\d{1,9}(?:[×x]\d{1,9})+)[ \t]+(?:([a-z]+\d*)[ \t]+)?(?:[a-z]+[ \t]+)*"
    r"(?:matrix|array|vector)[ \t]*(?:\n|$)"
)
# MATLAB and Octave: a variable, the index of a slice, an equals sign; GNU Octave shows the sizes of
# what has no elements, and MATLAB those of every array beside its class.  Without sizes or index,
# numbers or what stands above them must follow: a page of program text has thousands of such lines.
_BELOW = (
    r"[ \t]*\n(?:[ \t]*\n)*(?=[ \t]*\S)"
    rf"(?:[ \t]*{NUMBER.pattern}|{_COLUMNS.pattern}|{_KIND.pattern})"
)
MATLAB = re.compile(
    r"(?m)^[ \t]*(?:>>[ \t]*)?(?P<name>[A-Za-z]\w*(?:\.\w+)*)"
    r"(?:\(:,:(?P<index>(?:,\d{1,9})+)\))?[ \t]*=[ \t]*"
    r"(?:(?P<dims>\d{1,9}(?:×\d{1,9})+)[ \t]*$"
    rf"|(?P<empty>\[\]\(\d{{1,9}}(?:x\d{{1,9}})+\))[ \t]*$|(?(index)[ \t]*$|(?={_BELOW})))[ \t]*"
)
LEGACY_TORCH = re.compile(
    r"(?m)^[ \t]*\[torch\.(?:cuda\.)?(?P<type>\w*)Tensor of size "
    r"(?P<dims>\d{1,9}(?:x\d{1,9})*)[^\]\n]*\]"
)
# A heading that ends in a colon, and a line of nothing but numbers below it.
_BETWEEN = r"(?:[ \t]*,[ \t]*|[ \t]+)"
_FULL_ROW = rf"[ \t]*{NUMBER.pattern}(?:{_BETWEEN}{NUMBER.pattern})*[ \t]*(?:,[ \t]*)?"
HEADED = re.compile(
    rf"(?m)^(?P<label>[^\n:=\[\](){{}}<>]{{1,60}})[:：][ \t]*\n(?:[ \t]*\n)?(?={_FULL_ROW}$)"
)
_TORCH_SLICE = re.compile(r"[ \t]*\(((?:\d{1,9}[ \t]*,[ \t]*)+)\.,\.\) =[ \t]*$")
_JULIA_SLICE = re.compile(r"\s*\[:, ?:(?P<index>(?:, ?\d{1,9})+)\][ \t]*=")
_BLANK = re.compile(r"[ \t]*(?:\n|$)")
_BLANKS = re.compile(r"(?:[ \t]*\n)*")
# A common factor, 1.0e+03 *, which stands on a line of its own.
_SCALE = re.compile(r"[ \t]*1(?:\.0*)?e([+-]\d{1,3})[ \t]*\*[ \t]*(?:\n|$)")
_LINE = re.compile(rf"{_FULL_ROW}(?:\n|\Z)")
Index = tuple[int, ...]


@dataclass
class _Rows:
    """Rows of number tokens, the place of each, and where the text goes on."""

    rows: list[list[str]]
    places: list[int]
    end: int

    @property
    def size(self) -> str:
        """Rows × columns, as a message shows them."""
        return f"{len(self.rows)}×{len(self.rows[0])}"


def read_julia(t: Printed, header: re.Match[str]) -> tuple[NamedArray, int] | None:
    """``2×3 Matrix{Float64}:`` and rows; slices ``[:, :, 1] =`` where there are more axes.

    The header declares the sizes, and each matrix that follows must have its first two: that is
    checked, slice by slice, because people paste a part.  Text that lost its line ends is the one
    exception, a single row of all numbers.  An array without elements has no rows to read.
    """
    shape = _julia_shape(header["dims"])
    empty = 0 in shape
    if not header["colon"] and not empty:
        return None  # a type in a sentence
    dims = header["dims"].replace("x", "×")
    at, end = header.start(), header.end()
    rows, columns = (*shape, 1, 1)[:2]
    slices: list[tuple[Index, _Rows]] = []
    if len(shape) > 2:
        while not empty and (mark := _JULIA_SLICE.match(t.text, end)):
            matrix = _matrix(t, mark.end(), rows)
            slices.append((_index(mark["index"]), matrix))
            end = matrix.end
    elif not empty:
        matrix = _matrix(t, end, rows)
        slices.append(((), matrix))
        end = matrix.end
    if not empty and not any(m.rows for _, m in slices):
        raise t.error(at, f"{dims} is declared, but no numbers follow")
    for _, m in slices:
        if len(m.rows) == 1 and rows > 1 and len(m.rows[0]) == rows * columns:  # newlines were lost
            m.rows = [m.rows[0][k * columns : (k + 1) * columns] for k in range(rows)]
        _check_rows(t, m)
        if not m.rows:
            raise t.error(m.end, f"{dims} is declared, but no numbers follow this slice's heading")
        if (len(m.rows), len(m.rows[0])) != (rows, columns):
            raise t.error(
                m.places[0],
                f"{dims} is declared on line {t.line(at)}, but {m.size} numbers follow",
            )
    # Of Matrix{ComplexF64}, Array{Float32, 3} or Transpose{Float64, Matrix{Float64}} the first
    # parameter that is a type of numbers counts.
    dtypes = [dtype_of(w) for w in re.findall(r"\w+", header["type"])[1:] if w[:1].isupper()]
    dtype = next((d for d in dtypes if d), None)
    if "Complex{" in header["type"] and dtype is not None:
        dtype = np.dtype(np.complex64 if dtype == np.float32 else np.complex128)
    tokens = [] if empty else _stacked(t, at, slices, shape[2:], dims)
    name = name_before(t, at)
    return t.array(at, name, tokens, shape, "significant", dtype), end


def read_slices(t: Printed, header: re.Match[str]) -> tuple[NamedArray, int] | None:
    """Julia's slices without the line that declares them."""
    return _read_blocks(t, header, SLICE)


def read_matlab(t: Printed, header: re.Match[str]) -> tuple[NamedArray, int] | None:
    """``A =`` and rows, or ``A(:,:,1) =`` and rows for each slice."""
    return _read_blocks(t, header, MATLAB)


def read_headed(t: Printed, header: re.Match[str]) -> tuple[NamedArray, int] | None:
    """``The output:`` and, below it, lines of numbers: one is a vector, several are a matrix."""
    at, rows, places = header.end(), list[list[str]](), list[int]()
    while (row := _LINE.match(t.text, at)) and row.end() > at:
        check_thousands(t, at, row[0])
        rows.append(NUMBER.findall(row[0]))
        places.append(at)
        at = row.end()
    if len(rows) * len(rows[0]) < 2 or _ended_by(t, at):
        return None  # one number; or rows of what is read by the line below them
    _check_rows(t, _Rows(rows, places, at))
    shape = (len(rows), len(rows[0])) if len(rows) > 1 else (len(rows[0]),)
    tokens = [token for row in rows for token in row]
    return t.array(places[0], name_before(t, places[0]), tokens, shape, "decimals"), at


def _ended_by(t: Printed, at: int) -> bool:
    """Whether a block of rows goes on as what PyTorch printed before 0.4."""
    line = t.text[at : t.end(at)]
    return bool(line.strip()) or LEGACY_TORCH.match(t.text, _blanks(t, at)) is not None


def read_legacy_torch(t: Printed, footer: re.Match[str]) -> tuple[NamedArray, int] | None:
    """What PyTorch printed before 0.4: rows, slices ``(0 ,.,.) =``, then the type and size."""
    first = t.line(footer.start()) - 1
    while first and _of_torch(line := t.text[t.starts[first - 1] : t.starts[first] - 1]):
        first -= 1
    if first and (ellipsis := TRUNCATED.search(line)):
        raise t.truncated(t.starts[first - 1], ellipsis[0])
    at = t.starts[first]
    shape = _index(footer["dims"])
    lines = t.text[at : footer.start()].split("\n")
    # PyTorch wrote "1.00000e-02 *" above the rows of a slice or of all: every slice has the same.
    scale = next((m for m in map(_SCALE.match, lines) if m), None)
    exponent = int(scale[1]) if scale else 0
    rows = [NUMBER.findall(line) for line in lines if not re.search(r"[=*]", line)]
    tokens = [token for row in rows for token in row]
    columns = shape[-1] if len(shape) > 1 else 1
    if len(tokens) != math.prod(shape) or {len(row) for row in rows if row} != {columns}:
        raise t.error(
            footer.start(), f"{footer['dims']} is declared, but {len(tokens)} numbers are above it"
        )
    dtype = dtype_of(f"torch.{footer['type'].lower() or 'float'}")
    name = name_before(t, at)
    array = t.array(t.skip(at), name, tokens, shape, "decimals", dtype, exponent=exponent)
    return array, footer.end()


def _of_torch(line: str) -> bool:
    """A row, a slice's header, a factor or an empty line."""
    return bool(
        not line.strip()
        or _TORCH_SLICE.match(line)
        or _SCALE.fullmatch(line)
        or re.fullmatch(rf"(?:[ \t]*{NUMBER.pattern})+[ \t]*", line)
    )


def _read_blocks(
    t: Printed, header: re.Match[str], pattern: re.Pattern[str]
) -> tuple[NamedArray, int] | None:
    """An array of MATLAB or Octave (``name(:,:,2) =``), or of PyTorch's old print (``(2,.,.) =``).

    Blocks follow each other, each a mark with an index and a matrix.  They are one array as long as
    the name is the same and the index grows, the first index fastest; a mark that does not begins
    the next array.  The sizes are known at the end only: the matrix's, then the largest index of
    each further axis.
    """
    matlab = pattern is MATLAB
    name = header["name"] if matlab else name_before(t, header.start()) or ""
    if matlab and header["empty"]:
        return t.array(header.start(), name, [], _index(header["empty"]), "decimals"), header.end()
    slices: list[tuple[Index, _Rows]] = []
    exponents: list[int] = []
    at, end = header.start(), header.start()
    dtype, dims = None, header["dims"] if matlab else None
    mark: re.Match[str] | None = header
    while mark and (not matlab or mark["name"] == name):
        index = _index(mark["index"] or "")
        last = slices[-1][0] if slices else None
        # The same name with an index that does not grow is the variable printed again.
        if last is not None and (len(index) != len(last) or index[::-1] <= last[::-1]):
            break  # the next array
        place = _blanks(t, mark.end())
        kind = _KIND.match(t.text, place) if matlab else None
        if kind:
            dims, dtype = kind[1], dtype_of(kind[2] or "double")
            place = kind.end()
        parts = _columns(t, place)
        if parts is None:
            if slices or kind or dims:
                raise t.error(mark.start(), "no numbers follow")
            return None
        matrix, exponent = parts
        slices.append((index, matrix))
        exponents.append(exponent)
        end = matrix.end
        mark = pattern.match(t.text, _blanks(t, end))
    for _, m in slices:
        _check_rows(t, m)
        if m.size != slices[0][1].size:
            raise t.error(m.places[0], f"this slice is {m.size}, the first is {slices[0][1].size}")
    first = slices[0][1].rows
    outer = tuple(map(max, zip(*(index for index, _ in slices))))
    shape = (len(first), len(first[0]), *outer)
    if dims and dims.replace("x", "×") != "×".join(map(str, shape)):
        size = "×".join(map(str, shape))
        raise t.error(at, f"{dims.replace('x', '×')} is declared, but {size} numbers follow")
    tokens = _stacked(t, at, slices, outer, "×".join(map(str, shape)))
    if len(set(exponents)) > 1:
        raise t.error(at, "the slices have different common factors")
    if LEGACY_TORCH.match(t.text, end):
        return None  # the rows belong to what ends with this line
    if name == "ans":  # Octave has the name on the line before the slices
        name = name_before(t, at) or name
    style: Style = "decimals" if matlab else "significant"
    return t.array(at, name, tokens, shape, style, dtype, exponent=exponents[0]), end


def _columns(t: Printed, at: int) -> tuple[_Rows, int] | None:
    """A matrix whose columns may be printed in blocks, and the exponent of its common factor."""
    # MATLAB prints a common factor, "1.0e+03 *", and wide matrices in blocks of columns, "Columns 1
    # through 8": blocks are put side by side, and must follow each other without a gap.
    exponent = 0
    scale = _SCALE.match(t.text, at)
    if scale:
        exponent = int(scale[1])
        at = _blanks(t, scale.end())
    block = _COLUMNS.match(t.text, at)
    if not block:
        matrix = _matrix(t, at)
        return (matrix, exponent) if matrix.rows else None
    whole = _Rows([], [], at)
    while block:
        numbers = [int(n) for n in block.groups() if n]
        first, last = numbers[0], numbers[-1]
        part = _matrix(t, _blanks(t, block.end()))
        _check_rows(t, part)
        width = len(part.rows[0]) if part.rows else 0
        have = len(whole.rows[0]) if whole.rows else 0
        if first != have + 1 or width != last - first + 1:
            raise t.error(
                block.start(),
                f"columns {first} to {last} are announced, after {have}; {width} follow",
            )
        if whole.rows and len(whole.rows) != len(part.rows):
            raise t.error(
                block.start(), f"{len(part.rows)} rows here, {len(whole.rows)} in the first columns"
            )
        whole.rows = [a + b for a, b in zip(whole.rows or [[] for _ in part.rows], part.rows)]
        whole.places, whole.end = whole.places or part.places, part.end
        block = _COLUMNS.match(t.text, _blanks(t, part.end))
    return whole, exponent


def _blanks(t: Printed, at: int) -> int:
    """Where the blank lines that begin at a place end."""
    return _BLANKS.match(t.text, at).end()  # type: ignore[union-attr]


def _matrix(t: Printed, at: int, height: int | None = None) -> _Rows:
    """Lines of numbers; empty ones may lie between while fewer than ``expected`` were read."""
    at = _blanks(t, at)
    rows: list[list[str]] = []
    places: list[int] = []
    while at < len(t.text):
        # MATLAB puts empty lines between rows of long numbers; between arrays they stand, too, so
        # that only an expected number of rows tells the two apart.
        if _BLANK.match(t.text, at):
            after = _blanks(t, at)
            if height is None or len(rows) >= height or after == at:
                break
            at = after
            continue
        place = at
        row, at, ends = _row(t, at, bool(rows))
        if not row:
            break
        rows.append(row)
        places.append(place)
        if ends:
            break
    return _Rows(rows, places, at)


def _row(t: Printed, at: int, inside: bool) -> tuple[list[str], int, bool]:
    """The numbers of a line, where the next begins, and whether the next slice is on the same."""
    begin, end = at, t.end(at)
    tokens: list[str] = []
    while True:
        at = t.skip(at, " \t")
        if at >= end:
            return tokens, min(end + 1, len(t.text)), False
        number = NUMBER.match(t.text, at)
        if number:
            tokens.append(number[0])
            at = number.end()
            continue
        mark = TRUNCATED.match(t.text, at)
        if mark and (tokens or inside):
            raise t.truncated(at, mark[0])
        if not tokens:
            return [], begin, True
        if t.text[at] == "[":
            return tokens, at, True
        raise t.error(at, f'"{t.text[at:end].split()[0]}" among the numbers of an array')


def _check_rows(t: Printed, m: _Rows) -> None:
    """An error at the first row that is not as long as the first one."""
    for place, row in zip(m.places, m.rows):
        if len(row) != len(m.rows[0]):
            numbers = "number" if len(row) == 1 else "numbers"
            raise t.error(
                place,
                f"the array is ragged: {len(row)} {numbers} in this row, "
                f"{len(m.rows[0])} in its first",
            )


def _stacked(
    t: Printed,
    at: int,
    slices: Iterable[tuple[Index, _Rows]],
    outer: tuple[int, ...],
    dims: str,
) -> list[str]:
    """The tokens of all slices in C order; each must be there once."""
    # Slices are printed with the last axes outermost, each a matrix: they become C order, in which
    # the matrix's axes come first and the slice's index runs fastest.
    by_index: dict[Index, _Rows] = {}
    for index, m in slices:
        if index in by_index:
            raise t.error(m.places[0], f"slice [:, :, {_words(index)}] is printed twice")
        by_index[index] = m
    for index in by_index:
        if any(not 1 <= i <= size for i, size in zip(index, outer)) or len(index) != len(outer):
            raise t.error(at, f"{dims} is declared, without slice [:, :, {_words(index)}]")
    every = _indices(outer)
    if math.prod(outer) > len(by_index):
        missing = next(index for index in every if index not in by_index)
        raise t.error(at, f"{dims} is declared, but slice [:, :, {_words(missing)}] is missing")
    grids = [by_index[index].rows for index in every]
    rows, columns = len(grids[0]), len(grids[0][0])
    return [grid[r][c] for r in range(rows) for c in range(columns) for grid in grids]


def _indices(outer: tuple[int, ...]) -> Iterator[Index]:
    """Every index from 1 in C order, one at a time: a heading may declare any number of them."""
    for k in range(math.prod(outer)):
        place = []
        for size in reversed(outer):
            k, at = divmod(k, size)
            place.append(at + 1)
        yield tuple(reversed(place))


def _index(text: str) -> Index:
    """The numbers of ``, 2, 3`` or ``2x3``."""
    return tuple(int(n) for n in re.findall(r"\d+", text))


def _words(index: Index) -> str:
    """An index as a message shows it."""
    return ", ".join(map(str, index))


def _julia_shape(dims: str) -> tuple[int, ...]:
    """The sizes of ``2×3``, ``4-element`` or ``0-dimensional``."""
    return tuple(int(n) for n in re.findall(r"\d+", dims)) if dims[0:2] != "0-" else ()

"""MATLAB's files of versions 4 and 5, as trees of arrays, texts, cells and structs.

https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf . An element is a tag (type and
size) and its bytes; a matrix is an element of elements: flags, sizes, name, numbers.

The bytes of version 5, as a tree::

    128 bytes: text, version 0x0100, "IM" or "MI" (little- or big-endian)
    element: uint32 type | uint32 size | bytes, padded to eight
      type 15: an element, compressed by zlib
      type 14: a matrix, itself elements: flags | sizes | name | numbers [| imaginary parts]
               of a cell: ... | a matrix for each entry
               of a struct: ... | length of names | names | a matrix for each field of each entry
               of a sparse one: ... | rows | column starts | numbers

Numbers are stored in the smallest type that holds them, whatever class the matrix has: doubles that
are all 0 to 255 are bytes in the file. Of version 4 there is only a header of five numbers, the
name, and the numbers. Why not ``scipy.io.loadmat``: a damaged file of 488 bytes makes it crash the
process, which no caller can catch.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Data, Limits
from uniconv.files.dtypes import codes

__all__ = ["Cell", "Struct", "Value", "variables"]

# How numbers are stored, by an element's type: miINT8, miUINT8, ..., miDOUBLE, miUTF8, miUTF16
_STORED = codes("1 i1 2 u1 3 i2 4 u2 5 i4 6 u4 7 f4 9 f8 12 i8 13 u8 16 u1 17 u2 18 u4")
# What numbers a matrix has, by the class in its flags: mxDOUBLE_CLASS and on
_CLASSES = codes("6 f8 7 f4 8 i1 9 u1 10 i2 11 u2 12 i4 13 u4 14 i8 15 u8")
# Classes of what has no numbers of its own, or has them in another way
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE = 1, 2, 3, 4, 5
# Types of the elements at the top of a file
_MATRIX, _COMPRESSED = 14, 15
# Bits of the flags
_COMPLEX, _LOGICAL = 0x800, 0x200
# Precision in version 4: the tens of the header's first number
_VERSION_4 = codes("0 f8 1 f4 2 i4 3 i2 4 u2 5 u1")

Value = Any  # an array, a text, a Cell, a Struct, or None for what has no numbers


@dataclass(frozen=True)
class Cell:
    """Values in a shape, the first index fastest."""

    shape: tuple[int, ...]
    values: list[Value]


@dataclass(frozen=True)
class Struct:
    """Records in a shape, the first index fastest, each with the same fields."""

    shape: tuple[int, ...]
    values: list[dict[str, Value]]


def variables(path: Path, limits: Limits) -> Iterator[tuple[str, Value]]:
    """The variables, one after the other."""
    raw = limits.map(path)
    if len(raw) >= 4 and 0 in bytes(raw[:4]):
        yield from _version_4(raw, path, limits)
        return
    order: Literal["<", ">"] = ">" if bytes(raw[126:128]) == b"MI" else "<"
    if bytes(raw[126:128]) not in (b"IM", b"MI") or raw[125 if order == "<" else 124] != 1:
        raise BadFile(f"{path} is no .mat file: it has no header of version 5")
    data = Data(raw, f"{path} is no .mat file that can be read", order, 128)
    while data.left >= 8:
        kind, content = _element(data)
        if kind == _COMPRESSED:
            content = _unpacked(content, limits)
            kind, content = _element(content)
        if kind != _MATRIX:
            raise BadFile(f"{path} is no .mat file: there is a type {kind} among its variables")
        name, value = _Matrix(content, limits).read(0)
        if name:  # what MATLAB keeps for itself has none
            yield name, value


def _element(data: Data) -> tuple[int, Data]:
    """The type and the bytes of the next element; small ones have both in one word."""
    # A tag is two words, type and size.  Up to four bytes may stand in the second word instead;
    # then the first holds the size in its upper half.  Elements are padded to eight bytes, but for
    # compressed ones.
    kind: int = data.number("I")
    if kind >> 16:
        size, kind = kind >> 16, kind & 0xFFFF
        if size > 4:
            raise BadFile(f"{data.where}: a small element has {size} bytes")
        content = data.take(4)[:size]
    else:
        size = data.number("I")
        content = data.take(size)
        if kind != _COMPRESSED:
            data.take(min(-size % 8, data.left))
    return kind, Data(content, data.where, data.order)


def _unpacked(content: Data, limits: Limits) -> Data:
    """A compressed element; it says itself how long it is."""
    # The first eight bytes say how many follow, so that no more than those are unpacked.
    stream = zlib.decompressobj()
    try:
        tag = stream.decompress(content.bytes, 8)
        size = Data(tag, content.where, content.order, 4).number("I") + 8
        limits.check(size, "a compressed variable")
        whole = tag + stream.decompress(stream.unconsumed_tail, max(1, size - len(tag)))
        more = stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error as error:
        raise BadFile(f"{content.where}: {error}") from None
    if more or len(whole) != size or not stream.eof:
        raise BadFile(f"{content.where}: a compressed variable does not end where it says")
    return Data(whole, content.where, content.order)


class _Matrix:
    """One matrix, read from the elements in it."""

    def __init__(self, data: Data, limits: Limits) -> None:
        self.data, self.limits, self.where = data, limits, data.where

    def read(self, depth: int) -> tuple[str, Value]:
        """The name and the value of the matrix; None as the value of what has no numbers."""
        self.limits.step(depth)
        if not self.data.left:  # what a cell has where nothing was put
            return "", np.zeros((0, 0))
        # How to read this: flags (class in the low byte, complex and logical as bits), shape, name,
        # then what the class has: numbers, or one matrix for each entry.  The first index runs
        # fastest.
        flags = self.numbers()
        if len(flags) != 2:
            raise BadFile(f"{self.where}: a matrix has {len(flags)} words of flags")
        kind, marks = int(flags[0]) & 0xFF, int(flags[0])
        if kind in (16, 17):  # functions, and objects that only MATLAB knows
            return self.name() if kind == 17 else (self.numbers(), self.name())[1], None
        shape = tuple(int(n) for n in self.numbers())
        name = self.name()
        if len(shape) < 2 or min(shape) < 0:
            raise BadFile(f"{self.where}, {name}: {shape} is no shape")
        if kind == _CELL:
            return name, Cell(shape, [self.inner(depth) for _ in self.places(shape)])
        if kind in (_STRUCT, _OBJECT):
            return name, self.struct(kind, shape, depth)
        if kind == _CHAR:
            letters = self.numbers().astype(np.uint32)
            return name, "".join(chr(n) for n in letters.tolist() if n < 0x110000)
        if kind == _SPARSE:
            return name, self.sparse(shape, name, marks)
        if kind not in _CLASSES:
            raise BadFile(f"{self.where}, {name}: there is no class {kind} of numbers")
        dtype = np.dtype("?" if marks & _LOGICAL else _CLASSES[kind])
        self.limits.fits(shape, dtype, name)
        return name, self.complex(dtype, marks).reshape(shape, order="F")

    def places(self, shape: tuple[int, ...]) -> range:
        """Each has an element of eight bytes at least."""
        if math.prod(shape) > self.data.left // 8:
            raise BadFile(f"{self.where}: {shape} values are more than the file has")
        return range(math.prod(shape))

    def inner(self, depth: int) -> Value:
        """The matrix that comes next, as an entry of a cell or a field of a struct."""
        kind, content = _element(self.data)
        if kind != _MATRIX:
            raise BadFile(f"{self.where}: there is a type {kind} among matrices")
        return _Matrix(content, self.limits).read(depth + 1)[1]

    def numbers(self) -> NDArray[Any]:
        """The next element, as it is stored."""
        kind, content = _element(self.data)
        if kind not in _STORED:
            raise BadFile(f"{self.where}: there is a type {kind} among numbers")
        size = np.dtype(_STORED[kind]).itemsize
        return content.array(_STORED[kind], (content.left // size,))

    def name(self) -> str:
        """The name that comes next, as bytes; "" for what is inside another matrix."""
        return bytes(self.numbers().astype(np.uint8)).decode("utf-8", "replace")

    def complex(self, dtype: np.dtype[Any], marks: int) -> NDArray[Any]:
        """Numbers in their class, whatever they are stored as, and their imaginary parts."""
        real = self.numbers().astype(dtype)
        if not marks & _COMPLEX:
            return real
        imaginary = self.numbers().astype(dtype)
        if len(imaginary) != len(real):
            raise BadFile(f"{self.where}: a number has no imaginary part")
        return real + 1j * imaginary if dtype != "f4" else real + np.complex64(1j) * imaginary

    def struct(self, kind: int, shape: tuple[int, ...], depth: int) -> Struct:
        """A struct: how long a field's name is, all names in one text, a matrix for each."""
        if kind == _OBJECT:
            self.numbers()  # its class
        length = self.numbers()
        size = int(length[0]) if len(length) == 1 else 0
        letters = bytes(self.numbers().astype(np.uint8))
        if not 0 < size <= 256 or len(letters) % size:
            raise BadFile(f"{self.where}: the names of a struct's fields have {size} letters")
        parts = [letters[k : k + size] for k in range(0, len(letters), size)]
        fields = [part.partition(b"\0")[0].decode("utf-8", "replace") for part in parts]
        if not fields:
            return Struct(shape, [])
        self.places((*shape, len(fields)))
        values = [{f: self.inner(depth) for f in fields} for _ in range(math.prod(shape))]
        return Struct(shape, values)

    def sparse(self, shape: tuple[int, ...], name: str, marks: int) -> NDArray[Any]:
        """The matrix with its zeros: the file has, by columns, rows and values of what is not zero.

        ``starts`` says where each column begins among them, and at its end how many there are.
        """
        rows, starts = self.numbers().astype(int), self.numbers().astype(int)
        if marks & _LOGICAL:  # bytes, also where their type is that of doubles
            _, content = _element(self.data)
            values = content.array("u1", (content.left,)).astype(bool)
        else:
            values = self.complex(np.dtype("f8"), marks)
        counts = np.diff(starts)
        if len(starts) != shape[1] + 1 or (counts < 0).any() or starts[0] != 0:
            raise BadFile(f"{self.where}, {name}: the columns of a sparse matrix do not fit")
        count = int(starts[-1])
        if count > min(len(rows), len(values)) or ((rows < 0) | (rows >= shape[0]))[:count].any():
            raise BadFile(f"{self.where}, {name}: the rows of a sparse matrix do not fit {shape}")
        self.limits.fits(shape, values.dtype, name)
        array = np.zeros(shape, values.dtype)
        array[rows[:count], np.repeat(np.arange(shape[1]), counts)] = values[:count]
        return array


def _version_4(raw: memoryview, path: Path, limits: Limits) -> Iterator[tuple[str, Value]]:
    """A header of five numbers, the name, the numbers column by column."""
    kind = int.from_bytes(raw[:4], "little")
    data = Data(raw, f"{path} is no .mat file that can be read", "<" if kind < 5000 else ">")
    while data.left:
        limits.step()
        kind, rows, columns, imaginary, length = (data.number("i") for _ in range(5))
        precision, form = kind % 1000 // 10, kind % 10
        if precision not in _VERSION_4 or form > 2 or not 0 < length <= 4096:
            raise BadFile(f"{path} is no .mat file: a variable of version 4 has type {kind}")
        name = bytes(data.take(length)).partition(b"\0")[0].decode("utf-8", "replace")
        dtype = np.dtype(_VERSION_4[precision])
        limits.fits((rows, columns), dtype, name)
        array = data.array(dtype, (rows * columns,)).reshape((rows, columns), order="F")
        if imaginary == 1:
            array = array + 1j * data.array(dtype, (rows * columns,)).reshape(
                array.shape, order="F"
            )
        if form == 2:
            array = _sparse_4(array, name, limits)
        yield name, None if form == 1 else array


def _sparse_4(entries: NDArray[Any], name: str, limits: Limits) -> NDArray[Any]:
    """Rows of row, column, number; the last has the shape."""
    if entries.shape[0] < 1 or entries.shape[1] not in (3, 4):
        raise BadFile(f"{limits.path}, {name}: a sparse matrix has shape {entries.shape}")
    places = entries[:, :2].real
    if not np.isfinite(places).all() or (places < 0).any() or (places > 2**31).any():
        raise BadFile(f"{limits.path}, {name}: the rows of a sparse matrix do not fit")
    (*inner, last), numbers = places.astype(int), entries[:-1, 2:]
    shape = (int(last[0]), int(last[1]))
    dtype = "c16" if entries.shape[1] == 4 else "f8"
    limits.fits(shape, dtype, name)
    array = np.zeros(shape, dtype)
    for (row, column), number in zip(inner, numbers):
        if not (0 < row <= shape[0] and 0 < column <= shape[1]):
            raise BadFile(f"{limits.path}, {name}: the rows of a sparse matrix do not fit {shape}")
        array[row - 1, column - 1] += number[0] + (1j * number[1] if len(number) == 2 else 0)
    return array

"""FlatBuffers: tables whose fields lie where their offsets say.

https://flatbuffers.dev/internals/ . A table begins with the distance back to its vtable, which has
the place of each field in the table, 0 where there is none.

A table, from the place that an offset leads to::

    table    int32 distance back to its vtable | fields, in the order the writer liked
    vtable   uint16 size of the vtable | uint16 size of the table | uint16 place of field 0, 1, ...

A vector is a uint32 count and its elements; those that are tables are offsets, each counted from
where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.files.bounded import Data

__all__ = ["Table"]


class Table:
    """A table at a place in the file; fields are asked by their numbers in the schema."""

    __slots__ = ("at", "data", "fields", "size")

    def __init__(self, data: Data, at: int) -> None:
        self.data, self.at = data, at
        self.fields = at - data.go(at).number("i")
        self.size: int = data.go(self.fields).number("H")

    @classmethod
    def root(cls, data: Data) -> Table:
        """The outermost table: the first four bytes lead to it."""
        return cls(data, data.go(0).number("I"))

    def place(self, field: int) -> int | None:
        """Where a field lies, None where the table has it not."""
        entry = 4 + 2 * field
        if entry + 2 > self.size:
            return None
        offset = self.data.go(self.fields + entry).number("H")
        return self.at + offset if offset else None

    def number(self, field: int, code: str, default: int = 0) -> Any:
        """A number in the table; the schema's default where it is not written."""
        at = self.place(field)
        return default if at is None else self.data.go(at).number(code)

    def target(self, field: int) -> int | None:
        """Where what a field points to lies."""
        at = self.place(field)
        return None if at is None else at + self.data.go(at).number("I")

    def table(self, field: int) -> Table | None:
        """A table that a field points to."""
        at = self.target(field)
        return None if at is None else Table(self.data, at)

    def tables(self, field: int) -> Iterator[Table]:
        """The tables of a vector."""
        at = self.target(field)
        if at is not None:
            for k in range(self.data.go(at).number("I")):
                place = at + 4 + 4 * k
                yield Table(self.data, place + self.data.go(place).number("I"))

    def bytes(self, field: int) -> memoryview:
        """A vector of bytes: a count, then so many."""
        at = self.target(field)
        if at is None:
            return memoryview(b"")
        data = self.data.go(at)
        return data.take(data.number("I"))

    def text(self, field: int) -> str:
        """A text: a vector of bytes in UTF-8."""
        raw = Data(self.bytes(field), self.data.where)
        return raw.text(raw.left)

    def numbers(self, field: int, dtype: str) -> NDArray[Any]:
        """The numbers of a vector."""
        at = self.target(field)
        if at is None:
            return np.empty(0, dtype)
        data = self.data.go(at)
        return data.array(dtype, (data.number("I"),))

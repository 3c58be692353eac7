"""The wire format of protocol buffers: numbered fields, without the schema that names them.

https://protobuf.dev/programming-guides/encoding/ . Nothing is kept: each question goes through the
message again, so that memory does not grow with the number of fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import text

__all__ = [
    "Message",
    "looks_like",
    "signed",
    "varint",
    "varints",
]

_CHUNK = 1 << 16
_FIXED = {1: 8, 5: 4}  # bytes, by wire type


class Message:
    """The fields of one message, by their numbers."""

    __slots__ = ("data", "where")

    def __init__(self, data: memoryview | bytes, where: str) -> None:
        self.data, self.where = memoryview(data), where

    def fields(self) -> Iterator[tuple[int, int, int | memoryview]]:
        """Number, wire type and value of each: an integer, or bytes."""
        # A key holds the field's number and, in its three low bits, how the value is written: 0 a
        # number of variable length, 1 and 5 eight and four bytes, 2 a length and so many bytes.
        data, at, end = self.data, 0, len(self.data)
        while at < end:
            key, at = varint(data, at, self.where)
            number, kind = key >> 3, key & 7
            if kind == 0:
                value, at = varint(data, at, self.where)
                yield number, kind, value
                continue
            size = _FIXED.get(kind)
            if kind == 2:
                size, at = varint(data, at, self.where)
            if size is None or size > end - at or not number:
                raise BadFile(f"{self.where} is damaged: field {number} at byte {at} has no end")
            yield number, kind, data[at : at + size]
            at += size

    def every(self, number: int) -> Iterator[memoryview]:
        """The values of a field that are bytes."""
        for own, kind, value in self.fields():
            if own == number and kind == 2:
                yield value  # type: ignore[misc]

    def messages(self, number: int) -> Iterator[Message]:
        """The messages in a repeated field."""
        for value in self.every(number):
            yield Message(value, self.where)

    def message(self, number: int) -> Message:
        """The message in a field; an empty one where it is not there."""
        return Message(self.bytes(number), self.where)

    def has(self, number: int) -> bool:
        """Whether the field is there at all."""
        return any(own == number for own, _, _ in self.fields())

    def bytes(self, number: int) -> memoryview:
        """The bytes in a field: the last, as protocol buffers have it."""
        last = memoryview(b"")
        for value in self.every(number):
            last = value
        return last

    def text(self, number: int) -> str:
        """The text in a field, "" where it is not there."""
        return text(self.bytes(number), self.where)

    def texts(self, number: int) -> list[str]:
        """The texts in a repeated field."""
        return [text(value, self.where) for value in self.every(number)]

    def integer(self, number: int, default: int = 0) -> int:
        """A number, signed as int64 is."""
        last = default
        for own, kind, value in self.fields():
            if own == number and kind == 0:
                last = signed(value)  # type: ignore[arg-type]
        return last

    def fixed(self, number: int, dtype: str) -> float:
        """A number of 4 or 8 bytes."""
        values = self.numbers(number, dtype)
        return values[-1].item() if len(values) else 0

    def integers(self, number: int) -> NDArray[np.int64]:
        """A repeated number of variable length, packed or not."""
        whole = bytearray()
        for own, kind, value in self.fields():
            if own == number and kind == 0:
                whole += value.to_bytes(8, "little")  # type: ignore[union-attr]
            elif own == number and kind == 2:
                whole += varints(value, self.where).tobytes()  # type: ignore[arg-type]
        return np.frombuffer(whole, "<i8").astype(np.int64, copy=False)

    def numbers(self, number: int, dtype: str) -> NDArray[Any]:
        """A repeated number of fixed length, packed or not."""
        size = np.dtype(dtype).itemsize
        whole, parts = bytearray(), 0
        for own, kind, value in self.fields():
            if own == number and (kind == 2 or _FIXED.get(kind) == size):
                whole += value  # type: ignore[arg-type]
                parts += 1
        if len(whole) % size:
            raise BadFile(f"{self.where} is damaged: field {number} has a part of a number")
        return np.frombuffer(whole, np.dtype(dtype).newbyteorder("<")).astype(dtype, copy=False)


def varint(data: memoryview, at: int, where: str) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    # Seven bits a byte, the lowest first; the top bit says that more follow.  300 is 0xAC 0x02.
    value = shift = 0
    for k in range(at, min(at + 10, len(data))):
        byte = data[k]
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (2**64 - 1), k + 1
        shift += 7
    raise BadFile(f"{where} is damaged: the number at byte {at} has no end")


def signed(value: int) -> int:
    """64 bits as a signed number."""
    return value - 2**64 if value >= 2**63 else value


def varints(data: memoryview, where: str) -> NDArray[np.int64]:
    """Numbers of variable length, one after the other; a piece of them at a time."""
    # Bytes below 128 end a number.  Numbers of one length are put together at once: the k-th byte
    # of each adds seven bits, at 7 * k.
    raw = np.frombuffer(data, np.uint8)
    if len(raw) and raw[-1] >= 128:
        raise BadFile(f"{where} is damaged: the last number has no end")
    values = np.empty(int(np.count_nonzero(raw < 128)), np.int64)
    at = count = 0
    while at < len(raw):
        ends = np.flatnonzero(raw[at : at + _CHUNK] < 128) + 1
        if not len(ends):
            raise BadFile(f"{where} is damaged: a number has no end")
        piece = raw[at : at + ends[-1]]
        starts = np.concatenate(([0], ends[:-1]))
        lengths = ends - starts
        if lengths.max() > 10:
            raise BadFile(f"{where} is damaged: a number has no end")
        numbers = np.zeros(len(ends), np.uint64)
        for k in range(int(lengths.max())):
            longer = lengths > k
            bits = (piece[starts[longer] + k] & 127).astype(np.uint64)
            numbers[longer] |= bits << np.uint64(7 * k)
        values[count : count + len(ends)] = numbers.view(np.int64)
        count += len(ends)
        at += int(ends[-1])
    return values


def looks_like(data: memoryview, schema: dict[int, int]) -> bool:
    """Whether bytes are fields that a schema knows: its numbers, each with its wire type.

    The fields are named at the top only, and the first hundred of them.
    """
    try:
        for k, (number, kind, _) in enumerate(Message(data, "").fields()):
            if schema.get(number) != kind:
                return False
            if k == 100:
                break
    except BadFile:
        return False
    return len(data) > 0

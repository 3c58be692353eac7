"""BSON.jl's files: the arrays in Julia's values.

https://bsonspec.org/spec.html ; what BSON.jl makes of values:
https://github.com/JuliaIO/BSON.jl/tree/v0.3.9/src (write.jl, read.jl, extensions.jl). A value that
is met twice is written once, in ``_backrefs``. Fields of structs have no names in the file, only an
order.

The bytes of a document, and of an element in it::

    int32 size of all | element | element | ... | 0
    element: byte type | name, 0 | value   (1 a double, 2 a text, 3 a document, 4 a list, 5 bytes)

and how BSON.jl writes an array of numbers in them: ``{tag: "array", type: {tag: "datatype", name:
["Core", "Float32"]}, size: [5, 4], data: bytes}``, the first axis fastest. ``{tag: "backref", ref:
3}`` stands for the third value of ``_backrefs``, which may itself hold references: they are
followed as far as they lead, and a circle is an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from uniconv.errors import BadFile
from uniconv.files.bounded import Data, Limits
from uniconv.files.named_array import NamedArray

__all__ = ["is_bson", "read"]

# Types of values, as letters of struct: double, bool, UTC time, int32, timestamp, int64
_NUMBERS = {1: "d", 8: "?", 9: "q", 16: "i", 17: "Q", 18: "q"}
# string, code, symbol: a length and so many bytes, the last of them 0
_WORDS = (2, 13, 14)
# undefined, null, and the least and the greatest key: nothing follows
_EMPTY = (6, 10, 127, 255)
# Julia's types of numbers
_DTYPES = {
    **{
        f"{sign}Int{8 * n}": f"{sign.lower() or 'i'}{n}" for sign in ("", "U") for n in (1, 2, 4, 8)
    },
    "Float16": "f2",
    "Float32": "f4",
    "Float64": "f8",
    "Bool": "?",
}
# Complex{Float32} is two of its parts in a row
_COMPLEX = {"f4": "c8", "f8": "c16"}


def is_bson(head: bytes, size: int) -> bool:
    """A document as long as the file, whose first element has a known type."""
    return size > 5 and int.from_bytes(head[:4], "little") == size and head[4] in (1, 2, 3, 4, 5)


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The arrays of numbers, indexed as in Julia: ``model.layers.1.2``."""
    raw = limits.map(path)
    if not is_bson(bytes(raw[:5]), len(raw)):
        raise BadFile(f"{path} is no .bson file")
    document = _document(Data(raw, str(path)), 0, limits)
    references = document.pop("_backrefs", {})
    walk = _BsonWalk(
        path, limits, list(references.values()) if isinstance(references, dict) else []
    )
    yield from walk.values(document, "", 0)


def _document(data: Data, depth: int, limits: Limits) -> dict[str, Any]:
    """A document or a list, which is a document of numbered elements."""
    limits.step(depth)
    end = data.at + data.number("i")
    if not data.at < end <= len(data.bytes):
        raise BadFile(f"{data.where} is damaged: a document at byte {data.at} has no end")
    values: dict[str, Any] = {}
    while data.at < end - 1:
        kind = data.number("B")
        name = _name(data)
        values[name] = _value(data, kind, depth, limits)
    data.take(1)
    if data.at != end:
        raise BadFile(f"{data.where} is damaged: a document ends at byte {data.at}, not at {end}")
    return values


def _name(data: Data) -> str:
    """The name of an element: bytes up to a zero."""
    start = data.at
    for size in range(data.left):
        if data.bytes[start + size] == 0:
            name = data.text(size)
            data.take(1)
            return name
    raise BadFile(f"{data.where} is damaged: a name at byte {start} has no end")


def _value(data: Data, kind: int, depth: int, limits: Limits) -> Any:
    """A value by its type's number; None for what holds no numbers."""
    limits.step()
    if kind in (3, 4):
        return _document(data, depth + 1, limits)
    if kind in _NUMBERS:
        return data.number(_NUMBERS[kind])
    if kind in _WORDS:
        size = data.number("i")
        return bytes(data.take(size)[:-1]).decode("utf-8", "replace")
    if kind == 5:
        size, _ = data.number("i"), data.number("B")
        return data.take(size)
    if kind == 7:
        return bytes(data.take(12))
    if kind not in _EMPTY:
        raise BadFile(f"{data.where}: uniconv does not read BSON's type {kind}")
    return None


class _BsonWalk:
    """Goes through the values of one file; ``references`` are what ``_backrefs`` has."""

    def __init__(self, path: Path, limits: Limits, references: list[Any]) -> None:
        self.path, self.limits, self.references = path, limits, references
        self.ids: set[int] = set()

    def values(self, value: Any, name: str, depth: int) -> Iterator[NamedArray]:
        """What a value has, however Julia's types wrap it; an array met twice is read once."""
        value = self.target(value)
        if not isinstance(value, dict) or id(value) in self.ids:
            return
        self.limits.step(depth)
        self.ids.add(id(value))
        tag = value.get("tag")
        if not isinstance(tag, str):
            for key, part in value.items():
                yield from self.values(part, f"{name}.{key}" if name else str(key), depth + 1)
        elif tag == "array":
            yield from self.array(value, name, depth)
        elif tag in ("struct", "tuple", "svec", "ref") or "data" in value:
            yield from self.parts(value.get("data"), name, depth)

    def parts(self, data: Any, name: str, depth: int) -> Iterator[NamedArray]:
        """What a struct or a tuple consists of, numbered from 1 as Julia counts."""
        data = self.target(data)
        if isinstance(data, dict):
            single = isinstance(data.get("tag"), str)
            parts = {"0": data} if single else data
            for key, part in parts.items():
                place = int(key) + 1 if key.isdecimal() and len(key) < 9 else key
                yield from self.values(part, f"{name}.{place}" if name else str(place), depth + 1)

    def array(self, value: dict[str, Any], name: str, depth: int) -> Iterator[NamedArray]:
        """Bytes as an array, of the type and size beside them; an array of values as its parts."""
        where = f"{self.path}, {name}"
        data = self.target(value.get("data"))
        if not isinstance(data, memoryview):
            yield from self.parts(data, name, depth)
            return
        dtype = self.dtype(value.get("type"), 0)
        if dtype is None:  # a struct of bits
            return
        # The size is a document of numbered integers; the first axis is fastest, so that the
        # numbers are read with the sizes in reverse and transposed.
        size = self.target(value.get("size"))
        shape = tuple(size.values()) if isinstance(size, dict) else ()
        if not all(isinstance(n, int) for n in shape):
            raise BadFile(f"{where}: {shape} is no shape")
        self.limits.fits(shape, dtype, name)
        if len(data) != math.prod(shape) * np.dtype(dtype).itemsize:
            raise BadFile(f"{where}: {len(data)} bytes are not those of {dtype} {shape}")
        yield NamedArray(name, Data(data, where).array(dtype, shape[::-1]).T)

    def dtype(self, value: Any, depth: int) -> str | None:
        """The dtype of Julia's type, where it is one of numbers."""
        self.limits.step(depth)
        value = self.target(value)
        name = self.target(value.get("name")) if isinstance(value, dict) else None
        words = list(name.values()) if isinstance(name, dict) else []
        if words and words[-1] == "Complex":
            params = self.target(value.get("params"))
            inner = list(params.values())[:1] if isinstance(params, dict) else []
            return _COMPLEX.get(self.dtype(inner[0], depth + 1) or "") if inner else None
        return _DTYPES.get(words[-1]) if words and isinstance(words[-1], str) else None

    def target(self, value: Any) -> Any:
        """What stands for a reference."""
        for _ in range(self.limits.max_depth):
            if not isinstance(value, dict) or value.get("tag") != "backref":
                return value
            number = value.get("ref")
            if not isinstance(number, int) or not 1 <= number <= len(self.references):
                raise BadFile(f"{self.path}: a reference leads nowhere")
            value = self.references[number - 1]
        raise BadFile(f"{self.path}: references go in a circle")

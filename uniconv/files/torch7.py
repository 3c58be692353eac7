"""Torch7's .t7: the tensors of what ``torch.save`` wrote, binary or ascii.

https://github.com/torch/torch7/blob/master/File.lua (what each kind of object is) and
lib/TH/THDiskFile.c (how numbers are written); the tensors: generic/Tensor.c, write. An object is
written once, with an index by which it is met again. Functions are passed over, never run.

An object is its kind (nil 0, number 1, string 2, table 3, torch object 4, boolean 5, functions 6 to
8) and, for what may be met again, an index; then::

    number   a double              table    a count, then keys and values, objects themselves
    string   a count and bytes     torch    "V 1", the class's name, then what the class writes
    tensor   axes | sizes | strides | offset from 1 | a storage    storage   a count | numbers

In ascii every number is a word. Modules of nn are torch objects that write themselves as one table,
whose ``modules`` lead on and whose ``weight``, ``bias``, ``running_mean`` are tensors. Several
tensors may look at one storage, with strides of their own: ``getParameters`` makes it so for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Data, Limits, strided
from uniconv.files.named_array import NamedArray
from uniconv.files.nested import leaves

__all__ = ["is_torch7", "read"]

_NIL, _NUMBER, _STRING, _TABLE, _TORCH, _BOOLEAN = range(6)
_FUNCTIONS = (6, 7, 8)
_KINDS = {"Double": "f8", "Float": "f4", "Half": "f2", "Long": "i8", "Int": "i4", "Short": "i2"}
_KINDS |= {"Char": "i1", "Byte": "u1"}
_DTYPES = _KINDS | {f"Cuda{kind}": dtype for kind, dtype in _KINDS.items()} | {"Cuda": "f4"}
_CLASS = re.compile(r"torch\.(\w+?)(Tensor|Storage)")


def is_torch7(head: bytes) -> bool:
    """A table or an object of a class, numbered 1, as whole files are."""
    kind, index = head[:4], head[4:8]
    if index == b"\1\0\0\0" and kind in (b"\3\0\0\0", b"\4\0\0\0"):
        return kind[0] == 3 or re.match(rb"\x03\0\0\0V \d", head[8:]) is not None
    return re.match(rb"4\n1\n3\nV \d\n|3\n1\n\d+\n\d\n", head) is not None


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The tensors under their paths in tables and modules: ``modules.1.weight``.

    A tensor without a storage, as the buffers of a network are that has not run, is no array.
    """
    raw = limits.map(path)
    head = bytes(raw[:64])
    if not is_torch7(head):
        raise BadFile(f"{path} is no .t7 file")
    data = Data(raw, str(path))
    source = _Ascii(data) if head[:1].isdigit() else _Binary(data)
    root = _File(source, limits).object(0)
    for name, value in leaves(root, limits, _opened, _word):
        if isinstance(value, np.ndarray):
            yield NamedArray(name or path.stem, value)


class _Binary:
    """Numbers as the machine had them: long is 8 bytes, size 4 in strings."""

    def __init__(self, data: Data) -> None:
        self.data = data

    def integer(self) -> int:
        """A C int: kinds of objects, indices, sizes of strings."""
        return int(self.data.number("i"))

    def long(self) -> int:
        """A C long: sizes, strides, offsets."""
        return int(self.data.number("q"))

    def double(self) -> float:
        """A number of Lua's."""
        return float(self.data.number("d"))

    def string(self) -> str:
        """Its length, and so many bytes."""
        return bytes(self.data.take(self.integer())).decode("utf-8", "backslashreplace")

    def array(self, dtype: str, size: int) -> NDArray[Any]:
        """The numbers of a storage."""
        return self.data.array(dtype, (size,))


class _Ascii:
    """A line a number, or numbers with spaces between them."""

    def __init__(self, data: Data) -> None:
        self.data = data

    def word(self) -> str:
        """The next word between spaces."""
        end = re.compile(rb"\s*([^\s]{1,40})").match(self.data.bytes, self.data.at)
        if end is None:
            raise BadFile(f"{self.data.where}: a number is missing at byte {self.data.at}")
        self.data.at = end.end()
        return bytes(end[1]).decode("latin-1")

    def integer(self) -> int:
        """A C int: kinds of objects, indices, sizes of strings."""
        return int(self.word())

    long = integer

    def double(self) -> float:
        """A number of Lua's."""
        return float(self.word())

    def string(self) -> str:
        """Its length, and so many bytes."""
        size = self.integer()
        self.data.take(1)
        return bytes(self.data.take(size)).decode("utf-8", "backslashreplace")

    def array(self, dtype: str, size: int) -> NDArray[Any]:
        """The numbers of a storage."""
        if dtype[1:] == "1":  # bytes are written as they are
            self.data.take(1)
            return self.data.array(dtype, (size,))
        # A number takes two bytes at least, itself and a space: so many more than the file has is a
        # lie.
        if size < 0 or 2 * size > self.data.left + 1:
            raise BadFile(f"{self.data.where}: {size} numbers are more than the file has")
        kind = int if dtype[0] == "i" else float
        return np.array([kind(self.word()) for _ in range(size)], dtype)


class _File:
    """Reads objects; ``objects`` has those that were met, by their indices."""

    def __init__(self, source: _Binary | _Ascii, limits: Limits) -> None:
        self.source, self.limits, self.path = source, limits, limits.path
        self.objects: dict[int, Any] = {}

    def object(self, depth: int) -> Any:
        """The next object: a number, a text, a table, a tensor, or None for nil and functions."""
        source = self.source
        self.limits.step(depth)
        kind = source.integer()
        if kind == _NIL:
            return None
        if kind == _NUMBER:
            return source.double()
        if kind == _STRING:
            return source.string()
        if kind == _BOOLEAN:
            return source.integer() == 1
        if kind not in (_TABLE, _TORCH, *_FUNCTIONS):
            raise BadFile(f"{self.path} is damaged: there is no object of kind {kind}")
        # Whatever may be met twice has an index; it is known before its parts are read, since these
        # may lead back to it.
        index = source.integer()
        if index in self.objects:
            return self.objects[index]
        if kind == _TORCH:
            return self.instance(index, depth)
        if kind in _FUNCTIONS:
            source.string()  # its code
            self.objects[index] = None
            self.object(depth + 1)  # the variables that it holds on to
            return None
        table: dict[Any, Any] = {}
        self.objects[index] = table
        for _ in range(source.integer()):
            key = self.object(depth + 1)
            value = self.object(depth + 1)
            table[key if isinstance(key, (float, str)) else id(key)] = value
        return table

    def instance(self, index: int, depth: int) -> Any:
        """An object of a class: a tensor, a storage, or whatever writes itself as a table."""
        version = self.source.string()
        name = self.source.string() if re.fullmatch(r"V \d+", version) else version
        match = _CLASS.fullmatch(name)
        if match and match[1] in _DTYPES:
            reader = self.tensor if match[2] == "Tensor" else self.storage
            self.objects[index] = reader(_DTYPES[match[1]], depth)
        else:
            self.objects[index] = holder = _Object()
            holder.content = self.object(depth + 1)
        return self.objects[index]

    def storage(self, dtype: str, depth: int) -> _Storage:
        """Its size, and so many numbers."""
        size = self.source.long()
        self.limits.fits((size,), dtype, "a storage")
        return _Storage(self.source.array(dtype, size))

    def tensor(self, dtype: str, depth: int) -> NDArray[Any] | None:
        """Axes, sizes, strides, an offset from 1, and the storage: a view of it."""
        axes = self.source.integer()
        if not 0 <= axes <= 64:
            raise BadFile(f"{self.path} is damaged: a tensor has {axes} axes")
        shape = [self.source.long() for _ in range(axes)]
        strides = [self.source.long() for _ in range(axes)]
        offset = self.source.long() - 1
        storage = self.object(depth + 1)
        if storage is None or not axes:
            return None
        if not isinstance(storage, _Storage):
            raise BadFile(f"{self.path} is damaged: a tensor has no storage")
        return strided(storage.values, shape, strides, offset, self.limits)


@dataclass
class _Object:
    """An object of a class: what it writes of itself, which is known only after its parts."""

    content: Any = None


def _opened(value: Any) -> Any:
    """What an object wrote of itself."""
    return value.content if isinstance(value, _Object) else value


@dataclass
class _Storage:
    """The numbers that one or several tensors look at."""

    values: NDArray[Any]


def _word(key: Any) -> str:
    """A key of a table: Lua's numbers are floats, of which 1.0 is shown as 1."""
    return f"{key:g}" if isinstance(key, float) else str(key)

"""TensorFlow's checkpoints, of both versions, and the variables of a SavedModel.

Version 2 is a table ``.index`` that says where each variable lies in ``.data-00000-of-00001`` and
so on; version 1 is a table with the values in it. A variable that was divided has slices under
keys of their own. All of tensorflow v2.16.1 (https://github.com/tensorflow/tensorflow):
tensorflow/core/protobuf/tensor_bundle.proto, core/util/saved_tensor_slice.proto,
core/util/tensor_bundle/naming.cc, core/util/saved_tensor_slice_util.cc, core/lib/strings/
ordered_code.cc .

The files of version 2, and what an entry in the index says::

    model.index                 key "" -> BundleHeaderProto: number of shards, byte order
                                key "conv/kernel" -> BundleEntryProto: dtype, shape, shard,
                                                     offset, size, checksum, slices
    model.data-00000-of-00002   the numbers, without anything between them
    model.data-00001-of-00002

The value of a divided variable has no numbers of its own but a list of slices; each lies under a
key made of the name and the slice's extents, written so that keys sort as the numbers in them do. A
version 1 file is one table: key "" has a SavedTensorSlices with every name and shape, the other
keys have one slice each, in a TensorProto.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files import sstable, tensor_proto
from uniconv.files.bounded import Data, Limits
from uniconv.files.crc32c import masked_crc32c
from uniconv.files.hdf5 import natural
from uniconv.files.named_array import NamedArray
from uniconv.files.protobuf import Message

__all__ = ["Place", "is_checkpoint", "read"]

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_SHARD = re.compile(r"\.data-\d{5}-of-\d{5}$")
Place = tuple[Any, ...]


def is_checkpoint(path: Path) -> bool:
    """A folder of checkpoints, a file of one, or what its files begin with."""
    if path.is_dir() or path.name == "saved_model.pb":
        return _in(path) is not None
    if path.suffix == ".index" or Path(f"{_prefix(path)}.index").is_file():
        return True
    return path.is_file() and _is_table(path)


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The variables of numbers, under the names of the objects that hold them."""
    if path.is_dir() or path.name == "saved_model.pb":
        prefix = _in(path)
        if prefix is None:
            raise BadFile(f"{path} is a folder without a TensorFlow checkpoint")
    else:
        prefix = _prefix(path)
    index = Path(f"{prefix}.index")
    table = limits.map(index if index.is_file() else Path(prefix))
    header = next((value for key, value in sstable.entries(table, limits) if not key), None)
    if header is None:
        raise BadFile(f"{path} is no TensorFlow checkpoint: it has no header")
    if index.is_file():
        yield from _Bundle(prefix, table, Message(header, str(path)), limits).variables()
    else:
        yield from _version_1(table, Message(header, str(path)), limits)


def _is_table(path: Path) -> bool:
    """Whether a file ends as a table does: checkpoints of version 1 have no other sign."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 64))
        return sstable.is_table(file.read())


def _prefix(path: Path) -> str:
    """What the files of a checkpoint begin with, from the name of one of them.

    It may end in a slash: a name may be nothing but ``.index``.
    """
    name = _SHARD.sub("", path.name.removesuffix(".index"))
    return str(path.with_name(name)) if name else f"{path.parent}/"


def _in(folder: Path) -> str | None:
    """The checkpoint of a folder: a SavedModel's, the latest of several, or the only one."""
    folder = folder if folder.is_dir() else folder.parent
    # A SavedModel has its checkpoint in a folder of its own; a training run has several, the newest
    # of which the file "checkpoint" names.
    variables = folder / "variables" / "variables"
    if Path(f"{variables}.index").is_file():
        return str(variables)
    state = folder / "checkpoint"
    if state.is_file():
        latest = re.search(r'^model_checkpoint_path: "(.*)"', _text(state), re.M)
        prefix = folder / Path(latest[1]).name if latest and Path(latest[1]).name else folder
        if Path(f"{prefix}.index").is_file() or (prefix.is_file() and _is_table(prefix)):
            return str(prefix)
    only = [*folder.glob("*.index")]
    return _prefix(only[0]) if len(only) == 1 else None


def _text(path: Path) -> str:
    """The beginning of a small text file."""
    with path.open("rb") as file:
        return file.read(1 << 16).decode(errors="replace")


class _Bundle:
    """A checkpoint of version 2."""

    def __init__(self, prefix: str, table: memoryview, header: Message, limits: Limits) -> None:
        self.prefix, self.limits = prefix, limits
        self.count = header.integer(1)
        self.order: Literal["<", ">"] = ">" if header.integer(2) else "<"
        self.shards: dict[int, memoryview] = {}
        self.entries = dict(sstable.entries(table, limits))

    def variables(self) -> Iterator[NamedArray]:
        """Every variable of numbers, ``layer-2`` before ``layer-10``."""
        names = [key for key in self.entries if key[:1] not in (b"", b"\0")]
        for key in sorted(names, key=lambda k: natural(k.decode(errors="replace"))):
            entry = Message(self.entries[key], str(self.prefix))
            if entry.integer(1) not in tensor_proto.NO_NUMBERS:
                name = key.decode(errors="backslashreplace").removesuffix(_VALUE)
                yield NamedArray(name, self.variable(key, entry, name))

    def variable(self, key: bytes, entry: Message, name: str) -> NDArray[Any]:
        """One variable, whole or put together from its slices."""
        shape = tensor_proto.shape(entry.message(2))
        kind = tensor_proto.dtype(entry.integer(1), f"{self.prefix}, {name}")
        self.limits.fits(shape, kind, name)
        slices = list(entry.messages(7))
        if not slices:
            return self.values(entry, kind, shape, name)
        whole, count = np.empty(shape, kind), 0
        for message in slices:
            place = _slice(message, shape, f"{self.prefix}, {name}")
            inner = self.entries.get(_slice_key(key, message))
            if inner is None:
                raise BadFile(f"{self.prefix}, {name}: a slice of it is not there")
            part = whole[place]
            part[...] = self.values(Message(inner, str(self.prefix)), kind, part.shape, name)
            count += part.size
        _all_there(count, whole, f"{self.prefix}, {name}")
        return whole

    def values(
        self, entry: Message, kind: np.dtype[Any], shape: tuple[int, ...], name: str
    ) -> NDArray[Any]:
        """The numbers that an entry leads to, if their size and their checksum are right."""
        where = f"{self.prefix}, {name}"
        size = math.prod(shape) * kind.itemsize
        if entry.integer(5) != size:
            raise BadFile(f"{where}: {entry.integer(5)} bytes are not those of {kind} {shape}")
        raw = self.shard(entry.integer(3)).go(entry.integer(4)).take(size)
        if entry.has(6) and masked_crc32c(raw) != int(entry.fixed(6, "u4")):
            raise BadFile(f"{where} is damaged: its numbers have another checksum")
        return Data(raw, where, self.order).array(kind, shape)

    def shard(self, number: int) -> Data:
        """A file of numbers, opened when the first of its entries is asked for."""
        path = Path(f"{self.prefix}.data-{number:05d}-of-{self.count:05d}")
        if number not in self.shards:
            if not path.is_file():
                raise BadFile(f"{self.prefix} has no {path.name} beside it")
            self.shards[number] = self.limits.map(path)
        return Data(self.shards[number], str(path))


def _version_1(table: memoryview, header: Message, limits: Limits) -> Iterator[NamedArray]:
    """Every variable is put together where its slices are: in any order, among the others'."""
    where = header.where
    slices: dict[str, list[Message]] = {}
    for key, value in sstable.entries(table, limits):
        if key:
            data = Message(value, where).message(2)
            slices.setdefault(data.text(1), []).append(data)
    metas = {meta.text(1): meta for meta in header.message(1).messages(1)}
    for name in sorted(metas, key=natural):
        meta = metas[name]
        if meta.integer(3) in tensor_proto.NO_NUMBERS:
            continue
        shape = tensor_proto.shape(meta.message(2))
        kind = tensor_proto.dtype(meta.integer(3), f"{where}, {name}")
        limits.fits(shape, kind, name)
        whole, count = np.empty(shape, kind), 0
        for data in slices.get(name, []):
            part = whole[_slice(data.message(2), shape, f"{where}, {name}")]
            values = tensor_proto.values(data.message(3), meta.integer(3), name)
            if values.size != part.size:
                raise BadFile(f"{where}, {name}: {values.size} numbers do not fill {part.shape}")
            part[...] = values.reshape(part.shape)
            count += part.size
        _all_there(count, whole, f"{where}, {name}")
        yield NamedArray(name, whole)


def _all_there(count: int, whole: NDArray[Any], where: str) -> None:
    """An error where slices leave a part of a variable open."""
    if count != whole.size:
        raise BadFile(f"{where}: its slices have {count} of {whole.size} numbers")


def _extents(message: Message) -> list[tuple[int, int]]:
    """Start and length for each axis; a length of -1 is the whole axis."""
    return [(e.integer(1), e.integer(2) if e.has(2) else -1) for e in message.messages(1)]


def _slice(message: Message, shape: tuple[int, ...], where: str) -> Place:
    """The part of a variable that a slice is, as an index."""
    extents = _extents(message)
    if len(extents) != len(shape):
        raise BadFile(f"{where}: a slice has {len(extents)} axes, the variable {len(shape)}")
    # An extent without a length is the whole axis.
    place: list[Any] = [...]  # so that what is taken of a scalar is an array, too
    for (start, length), size in zip(extents, shape):
        end = size if length < 0 else start + length
        if not 0 <= start <= end <= size:
            raise BadFile(f"{where}: a slice is outside of the variable's shape {shape}")
        place.append(slice(start, end))
    return tuple(place)


def _slice_key(name: bytes, message: Message) -> bytes:
    """The key of a slice: numbers and words written so that their bytes sort as they do."""
    extents = _extents(message)
    escape = re.sub(b"[\0\xff]", lambda byte: byte[0] + bytes([255 - byte[0][0]]), name)
    # As ordered_code.cc writes it: a name with its zeros and 255s escaped, ended by 0 1; then each
    # number so that its bytes sort as it does.
    head = b"\0" + escape + b"\0\1" + _increasing(len(extents))
    return head + b"".join(_signed(n) for extent in extents for n in extent)


def _increasing(n: int) -> bytes:
    """How many bytes a number has, and those."""
    raw = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([len(raw)]) + raw


def _signed(n: int) -> bytes:
    """As many bits as there are bytes, all unlike the sign, and the number after them."""
    size = max(1, -(-((n if n >= 0 else ~n).bit_length() + 1) // 7))
    head = ((1 << size) - 1) << (8 * size - size)
    bits = n & ((1 << 8 * size) - 1)
    return (bits ^ head).to_bytes(size, "big")

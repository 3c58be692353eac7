"""Sorted tables of keys and values, as LevelDB and TensorFlow write them.

A table ends in a footer, which says where the index is; the index is a block that says where the
blocks are; a block is entries, each of which shares the first bytes of its key with the one before.
https://github.com/google/leveldb/blob/1.23/doc/table_format.md and table/block_builder.cc;
TensorFlow's differ in nothing: tensorflow v2.16.1, tensorflow/core/lib/io/format.cc .

The bytes of a table, of a block and of its entries::

    block | block | ... | index block | footer (48 bytes: two handles, padding, magic number)
    block: entries | uint32 restart ... | uint32 number of restarts | byte compression | uint32 crc
    entry: varint bytes shared with the key before | varint bytes of its own | varint size | ...
"""

from __future__ import annotations

from collections.abc import Iterator

from uniconv.errors import BadFile
from uniconv.files.bounded import Data, Limits
from uniconv.files.crc32c import masked_crc32c
from uniconv.files.protobuf import varint

__all__ = ["entries", "is_table"]

_MAGIC = bytes.fromhex("57fb808b247547db")
_FOOTER = 48


def is_table(tail: bytes | memoryview) -> bool:
    """Whether the last bytes are those of a table."""
    return len(tail) >= _FOOTER and bytes(tail[-8:]) == _MAGIC


def entries(data: memoryview, limits: Limits) -> Iterator[tuple[bytes, memoryview]]:
    """The keys and values, in the order of the keys."""
    where = str(limits.path)
    if not is_table(data):
        raise BadFile(f"{where} does not end as a checkpoint does")
    footer = data[len(data) - _FOOTER :]
    _, at = varint(footer, 0, where)
    _, at = varint(footer, at, where)
    for _, handle in _block(*_handle(footer, at, data, where), limits):
        yield from _block(*_handle(handle, 0, data, where), limits)


def _handle(handle: memoryview, at: int, data: memoryview, where: str) -> tuple[memoryview, str]:
    """The bytes of the block that a handle leads to."""
    offset, at = varint(handle, at, where)
    size, _ = varint(handle, at, where)
    block = Data(data, where).go(offset)
    content, kind, checksum = block.take(size), block.number("B"), block.number("I")
    if masked_crc32c(data[offset : offset + size + 1]) != checksum:
        raise BadFile(f"{where} is damaged: the block at byte {offset} has another checksum")
    if kind:
        raise BadFile(f"{where} is compressed by Snappy, which uniconv does not read")
    return content, where


def _block(block: memoryview, where: str, limits: Limits) -> Iterator[tuple[bytes, memoryview]]:
    """The entries of a block; ``restarts`` are places where keys are whole, and not needed here."""
    restarts = Data(block, where).go(len(block) - 4).number("I")
    end = len(block) - 4 * (restarts + 1)
    if end < 0:
        raise BadFile(f"{where} is damaged: a block has {restarts} restarts")
    block = block[:end]
    key, at = b"", 0
    while at < end:
        limits.step()
        common, at = varint(block, at, where)
        own, at = varint(block, at, where)
        size, at = varint(block, at, where)
        if common > len(key) or own + size > end - at:
            raise BadFile(f"{where} is damaged: a key or a value has no end")
        key = key[:common] + bytes(block[at : at + own])
        yield key, block[at + own : at + own + size]
        at += own + size

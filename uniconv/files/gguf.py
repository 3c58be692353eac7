"""GGUF, llama.cpp's files: tensors of floats, and of the blocks that are simple to say in full.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md ; the blocks: ggml's
src/ggml-common.h and src/ggml-quants.c (dequantize_row_*). A block has 32 numbers, a scale ``d``
of 16 bits, and a minimum ``m`` where its name ends in 1.

The bytes, in the order of the file::

    "GGUF" | uint32 version | uint64 tensors | uint64 pairs
    pairs:    text key | uint32 type | value         (a text is a uint64 length and its bytes)
    tensors:  text name | uint32 axes | uint64 size of each axis | uint32 type | uint64 offset
    padding to general.alignment (32) | the numbers, each tensor at its offset from here

Sizes are written from the axis that is fastest in memory to the slowest, so that they are reversed
here: a linear layer is (out, in). A block of Q8_0 is ``d`` and 32 int8; of Q4_0 ``d`` and 16 bytes,
the low halves the first 16 numbers, less 8; the ones with five bits have the fifth ones in four
bytes before the rest. Blocks lie along the last axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Data, Limits
from uniconv.files.dtypes import codes, dtype_of
from uniconv.files.named_array import NamedArray

__all__ = ["Bytes", "read"]

_PLAIN = codes("0 float32 1 float16 24 int8 25 int16 26 int32 27 int64 28 float64 30 bfloat16")
_REFUSED = codes(
    "10 Q2_K 11 Q3_K 12 Q4_K 13 Q5_K 14 Q6_K 15 Q8_K 16 IQ2_XXS 17 IQ2_XS 18 IQ3_XXS 19 IQ1_S "
    "20 IQ4_NL 21 IQ3_S 22 IQ2_S 23 IQ4_XS 29 IQ1_M 34 TQ1_0 35 TQ2_0 39 MXFP4"
)
# Types of the metadata's values, as letters of struct
_SCALARS = {
    0: "B",  # uint8
    1: "b",  # int8
    2: "H",  # uint16
    3: "h",  # int16
    4: "I",  # uint32
    5: "i",  # int32
    6: "f",  # float32
    7: "?",  # bool
    10: "Q",  # uint64
    11: "q",  # int64
    12: "d",  # float64
}
_STRING, _ARRAY = 8, 9
_WIDTH = 32
Bytes = NDArray[np.uint8]


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The tensors, the last axis fastest; blocks of Q4_0 to Q8_0 as float32, others refused."""
    raw = limits.map(path)
    if bytes(raw[:4]) != b"GGUF":
        raise BadFile(f"{path} is no .gguf file")
    data = Data(raw, str(path)).go(4)
    version = data.number("I")
    if version > 0xFFFF:
        data.order, version = ">", int.from_bytes(version.to_bytes(4, "little"), "big")
    if version not in (2, 3):
        raise BadFile(f"{path} is GGUF of version {version}: uniconv reads 2 and 3")
    tensors, pairs = data.number("Q"), data.number("Q")
    alignment = 32
    for _ in range(pairs):
        limits.step()
        key = data.text(data.number("Q"))
        value = _value(data, data.number("I"), 0, limits)
        if key == "general.alignment" and isinstance(value, int) and value > 0:
            alignment = value
    infos = [_info(data, limits) for _ in range(tensors)]
    start = data.at + -data.at % alignment
    for name, shape, code, offset in infos:
        yield NamedArray(name, _tensor(data.go(start), name, shape, code, offset, limits))


def _value(data: Data, kind: int, depth: int, limits: Limits) -> Any:
    """A value of the metadata; strings and arrays are passed over."""
    limits.step(depth)
    if kind in _SCALARS:
        return data.number(_SCALARS[kind])
    if kind == _STRING:
        return data.take(data.number("Q"))
    if kind != _ARRAY:
        raise BadFile(f"{data.where}: there is no type {kind} of values")
    inner, count = data.number("I"), data.number("Q")
    if inner in _SCALARS:
        return data.take(count * np.dtype(_SCALARS[inner]).itemsize)
    for _ in range(count):
        _value(data, inner, depth + 1, limits)
    return None


def _info(data: Data, limits: Limits) -> tuple[str, tuple[int, ...], int, int]:
    """Name, shape, type and place of a tensor."""
    limits.step()
    name = data.text(data.number("Q"))
    axes = data.number("I")
    if axes > 8:
        raise BadFile(f"{data.where}, {name}: {axes} axes")
    shape = tuple(data.number("Q") for _ in range(axes))[::-1]
    return name, shape, data.number("I"), data.number("Q")


def _tensor(
    data: Data, name: str, shape: tuple[int, ...], code: int, offset: int, limits: Limits
) -> NDArray[Any]:
    """The numbers of a tensor, unpacked where they lie in blocks."""
    where = f"{data.where}, {name}"
    data = data.go(data.at + offset)
    if code in _PLAIN:
        dtype = dtype_of(_PLAIN[code], where)
        limits.fits(shape, dtype, name)
        return data.array(dtype, shape)
    if code not in _BLOCKS:
        kind = _REFUSED.get(code, f"type {code}")
        raise BadFile(f"{where} is quantized as {kind}: uniconv reads Q4_0, Q4_1, Q5_0, Q5_1, Q8_0")
    size, unpack = _BLOCKS[code]
    if data.order == ">":
        raise BadFile(f"{where} is quantized in big-endian blocks, which uniconv does not read")
    if not shape or shape[-1] % _WIDTH:
        raise BadFile(f"{where}: rows of {shape[-1:]} numbers are not whole blocks of {_WIDTH}")
    limits.fits(shape, "f4", name)
    blocks = np.frombuffer(data.take(math.prod(shape) // _WIDTH * size), np.uint8)
    return unpack(blocks.reshape(-1, size)).astype(np.float32).reshape(shape)


def _half(columns: Bytes) -> NDArray[np.float32]:
    """Two bytes of each block as a number: its scale or minimum."""
    return np.ascontiguousarray(columns).view("<f2").astype(np.float32)


def _low_and_high(columns: Bytes) -> NDArray[np.float32]:
    """Sixteen bytes: the low halves are the first numbers, the high ones the last."""
    return np.concatenate((columns & 15, columns >> 4), 1).astype(np.float32)


def _fifth(columns: Bytes) -> NDArray[np.float32]:
    """The fifth bits of a block, in four bytes."""
    return np.unpackbits(columns, axis=1, bitorder="little").astype(np.float32) * 16


# By the type's number: the bytes of a block, and what makes 32 numbers of each
_BLOCKS: dict[int, tuple[int, Callable[[Bytes], NDArray[np.float32]]]] = {
    # Q4_0
    2: (18, lambda b: _half(b[:, :2]) * (_low_and_high(b[:, 2:]) - 8)),
    # Q4_1
    3: (20, lambda b: _half(b[:, :2]) * _low_and_high(b[:, 4:]) + _half(b[:, 2:4])),
    # Q5_0
    6: (22, lambda b: _half(b[:, :2]) * (_low_and_high(b[:, 6:]) + _fifth(b[:, 2:6]) - 16)),
    # Q5_1
    7: (
        24,
        lambda b: (
            _half(b[:, :2]) * (_low_and_high(b[:, 8:]) + _fifth(b[:, 4:8])) + _half(b[:, 2:4])
        ),
    ),
    # Q8_0
    8: (34, lambda b: _half(b[:, :2]) * b[:, 2:].view(np.int8).astype(np.float32)),
}

"""TensorFlow's TensorProto: one array in a frozen graph or a checkpoint.

https://github.com/tensorflow/tensorflow/blob/v2.16.1/tensorflow/core/framework/tensor.proto and
types.proto have the fields and their numbers.

A TensorProto has a dtype (1), a shape (2), and its numbers in one of two ways: as bytes (4,
``tensor_content``, little-endian), or in a field by type: floats in 5, doubles in 6, integers of up
to 32 bits in 7, int64 in 10, half floats as their bits in 13. In the second way trailing numbers
that repeat the last one may be left out: zeros of any shape are one number.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Data, Limits
from uniconv.files.dtypes import codes, dtype_of
from uniconv.files.protobuf import Message

__all__ = [
    "NO_NUMBERS",
    "array",
    "dtype",
    "shape",
    "values",
]

_NAMES = codes(
    "1 float32 2 float64 3 int32 4 uint8 5 int16 6 int8 8 complex64 9 int64 10 bool 11 int8 "
    "12 uint8 13 int32 14 bfloat16 15 int16 16 uint16 17 uint16 18 complex128 19 float16 "
    "22 uint32 23 uint64 24 float8_e5m2 25 float8_e4m3fn"
)
NO_NUMBERS = {7, 20, 21}  # string, resource, variant
# The field of the values that are no tensor_content, and how they are stored; else 7, as varints
_FIELDS = {
    1: (5, "f4"),  # float_val
    2: (6, "f8"),  # double_val
    8: (9, "f4"),  # scomplex_val
    18: (12, "f8"),  # dcomplex_val
    9: (10, ""),  # int64_val
    10: (11, ""),  # bool_val
    14: (13, "bits"),  # half_val, of bfloat16
    19: (13, "bits"),  # half_val
    22: (16, ""),  # uint32_val
    23: (17, ""),  # uint64_val
}


def dtype(code: int, where: str) -> np.dtype[Any]:
    """The dtype of one of TensorFlow's numbers for it; quantized ones are their integers."""
    if code not in _NAMES:
        raise BadFile(f"{where}: uniconv does not read TensorFlow's data type {code}")
    return dtype_of(_NAMES[code], where)


def shape(message: Message) -> tuple[int, ...]:
    """The sizes in a TensorShapeProto."""
    return tuple(dimension.integer(1) for dimension in message.messages(2))


def array(tensor: Message, name: str, limits: Limits) -> NDArray[Any]:
    """The array of a TensorProto: bytes, or values of which the last fills what is left."""
    where = f"{tensor.where}, {name}"
    code, sizes = tensor.integer(1), shape(tensor.message(2))
    kind = dtype(code, where)
    limits.fits(sizes, kind, name)
    if tensor.has(4):
        content = Data(tensor.bytes(4), where)
        if content.left != math.prod(sizes) * kind.itemsize:
            raise BadFile(f"{where}: {content.left} bytes are not those of {kind} {sizes}")
        return content.array(kind, sizes)
    flat = values(tensor, code, name)
    missing = math.prod(sizes) - len(flat)
    if missing < 0:
        raise BadFile(f"{where}: {len(flat)} numbers are too many for the shape {sizes}")
    last = flat[-1:] if len(flat) else np.zeros(1, kind)
    return np.concatenate((flat, np.broadcast_to(last, missing))).reshape(sizes)


def values(tensor: Message, code: int, name: str) -> NDArray[Any]:
    """The numbers that a TensorProto has one by one, in a row; it may not have their ``code``."""
    where = f"{tensor.where}, {name}"
    kind = dtype(code, where)
    field, form = _FIELDS.get(code, (7, ""))
    if form in ("f4", "f8"):
        numbers = tensor.numbers(field, form)
        if numbers.nbytes % kind.itemsize:
            raise BadFile(f"{where}: a number has no imaginary part")
        return numbers.view(kind)
    if code in (24, 25):
        return np.frombuffer(bytes(tensor.bytes(18)), np.uint8).view(kind)
    numbers = tensor.integers(field)
    return numbers.astype(np.uint16).view(kind) if form == "bits" else numbers.astype(kind)

"""TensorFlow Lite: the constant tensors of a .tflite, as they are stored.

The fields and their numbers: https://github.com/tensorflow/tensorflow/blob/v2.16.1/tensorflow/
compiler/mlir/lite/schema/schema.fbs . A quantized tensor keeps its integers; its scale and zero
point are beside them, and ``NamedArray.dequantized`` is asked for numbers.

The file is a FlatBuffer: a Model has buffers and subgraphs, a subgraph has tensors, and a tensor
has a shape (field 0), a type (1), the number of its buffer (2), a name (3) and quantization (4).
Buffer 0 is empty, and so are those of what is computed; the rest are the weights. Files above 2 GB
have their buffers behind the FlatBuffer, by offset and size.

Kernels are (out, rows, columns, in), depthwise ones (1, rows, columns, in * multiplier).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from uniconv.errors import BadFile
from uniconv.files.bounded import Data, Limits
from uniconv.files.dtypes import codes, dtype_of, nibbles
from uniconv.files.flatbuffer import Table
from uniconv.files.named_array import NamedArray, Quantization
from uniconv.files.tflite_sparsity import leaves

__all__ = ["is_tflite", "read"]

# TensorType of the schema
_NAMES = codes(
    "0 float32 1 float16 2 int32 3 uint8 4 int64 6 bool 7 int16 8 complex64 9 int8 10 float64 "
    "11 complex128 12 uint64 15 uint32 16 uint16 17 int4 18 bfloat16"
)
_NO_NUMBERS = {5, 13, 14}  # string, resource, variant


# What an operator's second input is, by its number in BuiltinOperator; all others take no kernel.
_KERNELS = {
    3: "conv",  # CONV_2D
    4: "depthwise_conv",  # DEPTHWISE_CONV_2D
    9: "dense",  # FULLY_CONNECTED
    67: "conv_transpose",  # TRANSPOSE_CONV, whose first input is the shape of its result
    132: "conv",  # CONV_3D
    133: "conv_transpose",  # CONV_3D_TRANSPOSE
}
# Operators that are no part of TensorFlow Lite, by their names: MediaPipe's has the kernel of
# TRANSPOSE_CONV (mediapipe/util/tflite/operations/transpose_conv_bias.cc).
_CUSTOM = {"Convolution2DTransposeBias": "conv_transpose"}
_STORED_OTHERWISE = {6, 124}  # DEQUANTIZE and DENSIFY give the numbers of what they are given
# Operators that multiply matrices in ways of their own: recurrent ones, SVDF, batched products,
# calls and what is no operator of TensorFlow Lite
_MATRICES = {
    *(16, 24, 27),  # LSTM, RNN, SVDF
    *(31, 32, 51),  # CALL, CUSTOM, DELEGATE
    *(35, 44, 46, 52),  # recurrent networks over whole sequences, one way and both ways
    126,  # BATCH_MATMUL
}


def is_tflite(head: bytes) -> bool:
    """Whether a file has the sign that FlatBuffers keep at byte 4."""
    return head[4:8] == b"TFL3"


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The tensors that have a buffer, under their names; those of a second graph after its name."""
    raw = limits.map(path)
    if not is_tflite(bytes(raw[:8])):
        raise BadFile(f"{path} is no .tflite file")
    data = Data(raw, str(path))
    model = Table.root(data)
    buffers = list(_buffers(model, data, limits))
    names: Counter[str] = Counter()
    for k, graph in enumerate(model.tables(2)):
        prefix = f"{graph.text(4) or k}/" if k else ""
        kinds = _kinds(model, graph)
        for at, tensor in enumerate(graph.tables(0)):
            limits.step()
            # Buffer 0 is empty by definition: tensors that are computed have it.
            number = tensor.number(2, "I")
            if number >= len(buffers):
                raise BadFile(f"{path}: a tensor has buffer {number} of {len(buffers)}")
            code = tensor.number(1, "b")
            if not len(buffers[number]) or code in _NO_NUMBERS:
                continue
            name = prefix + (tensor.text(3) or f"tensor_{at}")
            names[name] += 1
            if names[name] > 1:  # two tensors may have one name: they are told by their numbers
                name = f"{name}_{at}"
            array = _array(tensor, buffers[number], code, name, limits)
            yield replace(array, kind=kinds.get(at))


def _kinds(model: Table, graph: Table) -> dict[int, str]:
    """What the operators of a graph use a tensor for, by its number; none where they differ."""
    # The number of an operator was a byte until there were more than 127: then the field that came
    # later counts, and the larger of both is right in files of either age.
    codes_of = [max(code.number(0, "b"), code.number(3, "i")) for code in model.tables(1)]
    custom = [code.text(1) for code in model.tables(1)]
    # An array that two operators use in different ways has no kind: its name or the user must tell.
    uses: dict[int, set[str]] = {}
    sources: dict[int, int] = {}
    for operator in graph.tables(3):
        index = operator.number(0, "I")
        code, own = (codes_of[index], custom[index]) if index < len(codes_of) else (-1, "")
        inputs = operator.numbers(1, "i4").tolist()
        if code in _STORED_OTHERWISE:
            outputs = operator.numbers(2, "i4").tolist()
            sources |= {new: sources.get(old, old) for new, old in zip(outputs, inputs)}
            continue
        plain = "" if code in _MATRICES or code < 0 else "keep"
        for k, tensor in enumerate(inputs):
            kind = _KERNELS.get(code, _CUSTOM.get(own, plain)) if k == 1 else plain
            uses.setdefault(sources.get(tensor, tensor), set()).add(kind)
    return {
        tensor: kinds.pop() for tensor, kinds in uses.items() if len(kinds) == 1 and "" not in kinds
    }


def _buffers(model: Table, data: Data, limits: Limits) -> Iterator[memoryview]:
    """The bytes of every buffer, inside the model or after it."""
    for buffer in model.tables(4):
        limits.step()
        offset, size = buffer.number(1, "Q"), buffer.number(2, "Q")
        yield data.go(offset).take(size) if offset > 1 else buffer.bytes(0)


def _array(tensor: Table, raw: memoryview, code: int, name: str, limits: Limits) -> NamedArray:
    """A constant tensor with its scale and zero point."""
    where = f"{limits.path}, {name}"
    if code not in _NAMES:
        raise BadFile(f"{where}: uniconv does not read TensorFlow Lite's type {code}")
    shape = tuple(tensor.numbers(0, "i4").tolist())
    small = _NAMES[code] == "int4"
    dtype = np.dtype("int8") if small else dtype_of(_NAMES[code], where)
    limits.fits(shape, dtype, name)
    sparsity = tensor.table(6)
    places = None if sparsity is None else leaves(sparsity, shape, name, limits)
    size = math.prod(shape) if places is None else len(places)
    # Integers of four bits lie two in a byte, the low half first.
    count = (size + 1) // 2 if small else size
    if len(raw) != count * dtype.itemsize:
        raise BadFile(f"{where}: {len(raw)} bytes are not those of {size} {_NAMES[code]} {shape}")
    flat = Data(raw, where).array("u1" if small else dtype, (count,))
    array = nibbles(flat, size, signed=True) if small else flat
    if places is not None:
        array, stored = np.zeros(math.prod(shape), dtype), array
        array[places] = stored
    return NamedArray(
        name, array.reshape(shape), quantization=_quantization(tensor.table(4), shape, where)
    )


def _quantization(table: Table | None, shape: tuple[int, ...], where: str) -> Quantization | None:
    """Scale and zero point: one of each, or one for each place along an axis."""
    scale = np.empty(0, "f4") if table is None else table.numbers(2, "f4")
    if table is None or not len(scale):
        return None
    zero = table.numbers(3, "i8")
    axis = table.number(6, "i") if len(scale) > 1 else None
    if len(zero) not in (0, len(scale)):
        raise BadFile(f"{where}: {len(scale)} scales, but {len(zero)} zero points")
    if axis is not None and (axis not in range(len(shape)) or shape[axis] != len(scale)):
        raise BadFile(f"{where}: {len(scale)} scales along axis {axis} do not fit {shape}")
    return Quantization(scale, zero if len(zero) else np.zeros(len(scale), np.int64), axis)

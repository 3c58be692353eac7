"""ONNX: initializers and constants of a model, in its subgraphs and functions too.

The fields and their numbers: https://github.com/onnx/onnx/blob/v1.18.0/onnx/onnx.proto3 .

A ModelProto has a graph and, since IR version 8, functions; a graph has nodes (field 1) and
initializers (5, sparse ones 15). A TensorProto has a shape (1), a data type (2), a name (8), and
its numbers as bytes (9), in a field by type (4 floats, 5 int32 and all smaller ones, 7 int64, ...),
or in another file (13, 14): a location, an offset and a length.

A Constant node has its array as the attribute ``value``; exporters such as tf2onnx and older
``torch.onnx`` write weights so. If, Loop and Scan have graphs as attributes, with initializers of
their own. Four-bit integers lie two in a byte, the low half first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Data, Limits, beside
from uniconv.files.dtypes import codes, dtype_of, nibbles
from uniconv.files.named_array import NamedArray
from uniconv.files.protobuf import Message, looks_like

__all__ = ["is_onnx", "read"]

# ModelProto: ir_version, opset_import, producer, versions, graph, metadata, training, functions
_MODEL = {1: 0, 8: 2, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 14: 2, 20: 2, 25: 2, 26: 2}
_STRING, _EXTERNAL = 8, 1
_NAMES = codes(
    "1 float32 2 uint8 3 int8 4 uint16 5 int16 6 int32 7 int64 9 bool 10 float16 11 float64 "
    "12 uint32 13 uint64 14 complex64 15 complex128 16 bfloat16 17 float8_e4m3fn "
    "18 float8_e4m3fnuz 19 float8_e5m2 20 float8_e5m2fnuz 21 uint4 22 int4"
)


Use = dict[str, Any]
_EPS = 1e-5  # of BatchNormalization, where the node does not say it
# What a node's second input is, by the node's operation
_KERNELS = {"Conv": "conv", "ConvTranspose": "conv_transpose"}
# Operations that take no kernel or matrix: element by element, or moving numbers about
_PLAIN = {
    *("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Where", "Clip", "PRelu", "Equal", "Less"),
    *("Greater", "And", "Or", "BatchNormalization", "InstanceNormalization", "Reshape", "Squeeze"),
    *(
        "Unsqueeze",
        "Slice",
        "Pad",
        "Concat",
        "Expand",
        "Tile",
        "Resize",
        "Split",
        "Gather",
        "Range",
    ),
    *("Transpose", "ReduceSum", "ReduceMean", "ConstantOfShape", "OneHot", "TopK"),
}


def is_onnx(data: memoryview) -> bool:
    """A model's fields, a graph among them."""
    return looks_like(data, _MODEL) and Message(data, "").has(7)


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """Initializers under their names, constants under those of their outputs.

    What is in a subgraph has the node's name, or its number, and the attribute's before its own:
    ``If_3.then_branch/w``. Arrays in a file beside it are read, in no other file.
    """
    data = limits.map(path)
    if not is_onnx(data):
        raise BadFile(f"{path} is no .onnx file: it has no graph")
    model = Message(data, str(path))
    walk = _OnnxModel(path, limits)
    yield from walk.graph(model.message(7), "", 0)
    for function in model.messages(25):
        uses = _uses(function.messages(7))
        yield from walk.nodes(function.messages(7), f"{function.text(1)}/", 0, uses)


class _OnnxModel:
    """A model, and the files with external data that its tensors lead to."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path, self.limits = path, limits
        self.others: dict[str, memoryview] = {}

    def graph(self, graph: Message, prefix: str, depth: int) -> Iterator[NamedArray]:
        """The initializers of a graph, dense and sparse, then what its nodes hold."""
        self.limits.step(depth)
        uses = _uses(graph.messages(1))
        for tensor in graph.messages(5):
            for array in self.tensor(tensor, prefix + tensor.text(8)):
                yield replace(array, **uses.get(tensor.text(8), {}))
        for tensor in graph.messages(15):
            yield from self.sparse(tensor, prefix + tensor.message(1).text(8))
        yield from self.nodes(graph.messages(1), prefix, depth, uses)

    def nodes(
        self, nodes: Iterator[Message], prefix: str, depth: int, uses: Mapping[str, Use]
    ) -> Iterator[NamedArray]:
        """The constants of nodes, and of the graphs that If, Loop and Scan have as attributes."""
        for k, node in enumerate(nodes):
            self.limits.step(depth)
            kind = node.text(4)
            own = node.text(3) or f"{kind}_{k}"
            for attribute in node.messages(5):
                if kind == "Constant":
                    (output,) = node.texts(2)[:1] or [own]
                    for array in self.constant(attribute, prefix + output):
                        yield replace(array, **uses.get(output, {}))
                inner = f"{prefix}{own}.{attribute.text(1)}"
                if attribute.has(6):
                    yield from self.graph(attribute.message(6), f"{inner}/", depth + 1)
                for at, graph in enumerate(attribute.messages(11)):
                    yield from self.graph(graph, f"{inner}.{at}/", depth + 1)

    def constant(self, attribute: Message, name: str) -> Iterator[NamedArray]:
        """The value of a Constant node, in whichever of its attributes it stands."""
        word = attribute.text(1)
        if word == "value":
            yield from self.tensor(attribute.message(5), name)
        elif word == "sparse_value":
            yield from self.sparse(attribute.message(22), name)
        elif word in ("value_float", "value_floats"):
            values = attribute.numbers(7 if word.endswith("s") else 2, "f4")
            yield NamedArray(name, values if word.endswith("s") else values[-1:].reshape(()))
        elif word == "value_ints":
            yield NamedArray(name, attribute.integers(8))
        elif word == "value_int":
            yield NamedArray(name, np.array(attribute.integer(3)))

    def tensor(self, tensor: Message, name: str) -> Iterator[NamedArray]:
        """A tensor, unless it is one of texts."""
        if tensor.integer(2) != _STRING:
            yield NamedArray(name, self.values(tensor, name))

    def values(self, tensor: Message, name: str) -> NDArray[Any]:
        """The array of a TensorProto."""
        where, code = f"{self.path}, {name}", tensor.integer(2)
        if code not in _NAMES:
            raise BadFile(f"{where}: uniconv does not read ONNX's data type {code}")
        shape = tuple(tensor.integers(1).tolist())
        small = _NAMES[code].endswith("int4")
        dtype = np.dtype("uint8") if small else dtype_of(_NAMES[code], where)
        self.limits.fits(shape, dtype, name)
        if tensor.integer(14) == _EXTERNAL:
            raw: memoryview | None = self.external(tensor, where)
        else:
            raw = tensor.bytes(9) if tensor.has(9) else None
        size = math.prod(shape)
        count = (size + 1) // 2 if small else size
        # raw_data counts where it is there; else the field of the type.
        if raw is not None:
            if len(raw) != count * dtype.itemsize:
                raise BadFile(f"{where}: {len(raw)} bytes are not those of {dtype} {shape}")
            flat = Data(raw, where).array(dtype, (count,))
        else:
            flat = _typed(tensor, code, dtype)
            if len(flat) != count:
                raise BadFile(f"{where}: {len(flat)} numbers do not fill the shape {shape}")
        if small:
            flat = nibbles(flat, size, signed=code == 22)
        return flat.reshape(shape)

    def external(self, tensor: Message, where: str) -> memoryview:
        """The bytes of a tensor that lies in a file beside the model."""
        entries = {entry.text(1): entry.text(2) for entry in tensor.messages(13)}
        location = entries.get("location", "")
        if location not in self.others:
            self.others[location] = self.limits.map(beside(self.path, location))
        data = Data(self.others[location], f"{where}, {location}")
        numbers = [entries.get("offset") or "0", entries.get("length") or ""]
        if not numbers[0].isdecimal() or not (numbers[1] or "0").isdecimal():
            raise BadFile(f"{where}: {numbers} are no offset and length")
        data = data.go(int(numbers[0]))
        return data.take(int(numbers[1]) if numbers[1] else data.left)

    def sparse(self, tensor: Message, name: str) -> Iterator[NamedArray]:
        """A sparse tensor with its zeros."""
        where = f"{self.path}, {name}"
        values, shape = self.values(tensor.message(1), name), tuple(tensor.integers(3).tolist())
        # Places are one index each into the flat array, or one index for each axis.
        places = self.values(tensor.message(2), name)
        self.limits.fits(shape, values.dtype, name)
        array = np.zeros(math.prod(shape), values.dtype)
        if places.ndim == 2 and places.shape[1] == len(shape):
            places = places @ np.array([math.prod(shape[k + 1 :]) for k in range(len(shape))])
        if places.shape != values.shape or ((places < 0) | (places >= array.size)).any():
            raise BadFile(f"{where}: the places of its numbers are not in the shape {shape}")
        array[places] = values
        yield NamedArray(name, array.reshape(shape))


def _uses(nodes: Iterator[Message]) -> dict[str, Use]:
    """What the nodes of a graph use an array for, by its name; nothing where they differ."""
    # Names are those of the graph: what a subgraph does with an array of an outer one is not asked.
    uses: dict[str, list[Use]] = {}
    for node in nodes:
        for at, name in enumerate(node.texts(1)):
            uses.setdefault(name, []).append(_use(node, at))
    return {name: own[0] for name, own in uses.items() if all(use == own[0] for use in own)}


def _use(node: Message, at: int) -> Use:
    """What a node uses its input for, as fields of NamedArray; a kernel is the second."""
    operation = node.text(4)
    if operation in _KERNELS:  # a vector beside a kernel is its bias, whatever the operation is
        return {"kind": _KERNELS[operation]} if at == 1 else {}
    if operation in ("MatMul", "Gemm"):
        return {"kind": _matrix(node)} if at == 1 else {}
    if operation == "BatchNormalization" and at == 4:
        eps = [a.fixed(2, "f4") for a in node.messages(5) if a.text(1) == "epsilon"]
        return {"kind": "keep", "eps": eps[-1] if eps else _EPS}
    return {"kind": "keep"} if operation in _PLAIN else {}


def _matrix(node: Message) -> str | None:
    """A Dense kernel (in, out) or (out, in); None for a matrix that is multiplied by a number."""
    attributes = {a.text(1): a for a in node.messages(5)}
    if "alpha" in attributes and attributes["alpha"].fixed(2, "f4") != 1:
        return None
    transposed = "transB" in attributes and attributes["transB"].integer(3)
    return "dense_out_in" if transposed else "dense_in_out"


def _typed(tensor: Message, code: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The numbers of a TensorProto where they are not raw: wide ones, or bits in int32."""
    # Complex numbers are pairs of floats; small integers and half floats are bits in int32_data.
    if code in (1, 14):
        return tensor.numbers(4, "f4").view(dtype)
    if code in (11, 15):
        return tensor.numbers(10, "f8").view(dtype)
    if code in (12, 13):
        return tensor.integers(11).astype(dtype)
    if code == 7:
        return tensor.integers(7)
    numbers = tensor.integers(5)
    if dtype.kind in "iub":
        return numbers.astype(dtype)
    return numbers.astype(f"u{dtype.itemsize}").view(dtype)

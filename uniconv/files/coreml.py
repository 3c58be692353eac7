"""Core ML: the weights of a .mlmodel or .mlpackage, of neural networks and ML programs.

The fields and their numbers: https://github.com/apple/coremltools/tree/9.0/mlmodel/format :
Model.proto, NeuralNetwork.proto, MIL.proto; weight.bin: MILBlob/Blob/StorageFormat.hpp beside it.

A Model has one of three forms::

    pipeline          Models, one after the other
    neural network    layers: a name, and one of about 150 fields, a message of the layer's kind
    ML program        functions -> blocks -> operations; "const" operations have the weights

In a network a WeightParams has the numbers as float (1), half floats (2), or as integers of 1 to 8
bits (30) with a table or with scales and biases (40); it has no shape, the layer's parameters do.
In a program a value has its type with it, and the numbers there, or a file name and an offset: at
that offset in ``weight.bin`` are 64 bytes, 0xDEADBEEF, a type, a size, and where the numbers begin.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Data, Limits, beside
from uniconv.files.dtypes import codes, dtype_of
from uniconv.files.named_array import NamedArray
from uniconv.files.protobuf import Message

__all__ = ["is_coreml", "package_model", "read"]

_PIPELINES, _NETWORKS, _PROGRAM = (200, 201, 202), (303, 403, 500), 502
_LSTM = {
    number: f"{gate}{word}"
    for word, first in {"WeightMatrix": 1, "RecursionMatrix": 20, "BiasVector": 40}.items()
    for number, gate in enumerate(("inputGate", "forgetGate", "blockInput", "outputGate"), first)
} | {60: "inputGatePeepholeVector", 61: "forgetGatePeepholeVector", 62: "outputGatePeepholeVector"}
_GRU = {
    first + k: f"{gate}{word}"
    for first, word in {30: "WeightMatrix", 50: "RecursionMatrix", 70: "BiasVector"}.items()
    for k, gate in enumerate(("updateGate", "resetGate", "outputGate"))
}
_BATCHNORM = 160  # its epsilon (10) is 1e-5 where it is left out or 0
# NeuralNetworkLayer's number for a layer: the numbers and names of its WeightParams
_LAYERS = {
    100: {90: "weights", 91: "bias"},  # convolution, also transposed
    140: {20: "weights", 21: "bias"},  # innerProduct
    150: {20: "weights", 21: "bias"},  # embedding
    _BATCHNORM: {15: "gamma", 16: "beta", 17: "mean", 18: "variance"},
    245: {2: "scale", 5: "bias"},  # scale
    250: {2: "bias"},  # bias
    290: {2: "data"},  # loadConstant
    400: {30: "weightMatrix", 31: "recursionMatrix", 32: "biasVector"},  # simpleRecurrent
    410: _GRU,  # gru
    500: {20: "weights"},  # custom
    1040: {20: "weights", 21: "bias"},  # embeddingND
    1045: {8: "weights", 9: "bias"},  # batchedMatmul
    1070: {2: "data"},  # loadConstantND
    1350: {3: "gamma", 4: "beta"},  # layerNormalization
    1471: {60: "weights", 61: "bias"},  # convolution3d
}
_ACTIVATION, _ONE_WAY, _BOTH_WAYS = 130, 420, 430
_ACTIVATIONS = {25: {1: "alpha"}, 71: {1: "alpha", 2: "beta"}}  # PReLU, parametricSoftplus
_DTYPES = codes(
    "1 bool 10 float16 11 float32 12 float64 13 bfloat16 21 int8 22 int16 23 int32 24 int64 "
    "31 uint8 32 uint16 33 uint32 34 uint64 40 float8_e4m3fn 41 float8_e5m2"
)
# The numbers of a TensorValue: the field, and how it is stored; "" is a varint each
_VALUES = {
    1: "f4",  # floats
    2: "",  # ints
    3: "",  # bools
    5: "",  # longInts
    6: "f8",  # doubles
}
# What the argument "weight" of an operation is, and operations with matrices of other forms
_KERNELS = {"conv": "conv", "conv_transpose": "conv_transpose", "linear": "dense"}
_MATRICES = {"matmul", "einsum", "lstm", "gru", "rnn"}
_SENTINEL = 0xDEADBEEF


def is_coreml(data: memoryview) -> bool:
    """A version, a description and a kind of model."""
    kinds = {*_PIPELINES, *_NETWORKS, _PROGRAM}
    try:
        fields = [number for number, _, _ in islice(Message(data, "").fields(), 64)]
    except BadFile:
        return False
    return fields[:1] == [1] and bool(kinds & {*fields})


def package_model(folder: Path) -> Path | None:
    """The model inside a .mlpackage."""
    models = sorted(folder.glob("Data/com.apple.CoreML/*.mlmodel"))
    return models[0] if (folder / "Manifest.json").is_file() and len(models) == 1 else None


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """``layer.weights``, ``layer.bias`` of networks, the constants of programs by their names."""
    own = (package_model(path) if path.is_dir() else path) or path
    data = limits.map(own)
    if not is_coreml(data):
        raise BadFile(f"{path} is no .mlmodel of a neural network or an ML program")
    yield from _Model(own, limits).model(Message(data, str(path)), "", 0)


class _Model:
    """A model, and the files of weights that its values lead to."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path, self.limits = path, limits
        self.blobs: dict[str, Data] = {}

    def model(self, model: Message, prefix: str, depth: int) -> Iterator[NamedArray]:
        """What a model holds: the models of a pipeline, a network's layers, a program's blocks."""
        self.limits.step(depth)
        for number in _PIPELINES:
            pipeline = model.message(number)
            for inner in (pipeline, pipeline.message(1)):  # of a classifier: its pipeline
                for k, part in enumerate(inner.messages(1)):
                    if part.has(1) and is_coreml(part.data):
                        yield from self.model(part, f"{prefix}{k}/", depth + 1)
        for number in _NETWORKS:
            for layer in model.message(number).messages(1):
                self.limits.step()
                yield from self.layer(layer, prefix + layer.text(1))
        for entry in model.message(_PROGRAM).messages(2):
            own = entry.text(1)
            start = prefix if own == "main" else f"{prefix}{own}/"
            for block in entry.message(2).messages(3):
                yield from self.block(block.message(2), start, depth)

    def layer(self, layer: Message, name: str) -> Iterator[NamedArray]:
        """The weights of a network's layer: each kind of layer has a field of its own."""
        for number, words in _LAYERS.items():
            for parameters in layer.messages(number):
                yield from self.weights(parameters, words, name, number)
        for number, words in _ACTIVATIONS.items():
            for parameters in layer.message(_ACTIVATION).messages(number):
                yield from self.weights(parameters, words, name, 0)
        for number in (_ONE_WAY, _BOTH_WAYS):
            for outer in layer.messages(number):
                for k, parameters in enumerate(outer.messages(20)):
                    way = (
                        f"{name}.{'backward' if k else 'forward'}" if number == _BOTH_WAYS else name
                    )
                    yield from self.weights(parameters, _LSTM, way, number, outer)

    def weights(
        self,
        parameters: Message,
        words: dict[int, str],
        name: str,
        layer: int,
        outer: Message | None = None,
    ) -> Iterator[NamedArray]:
        """The WeightParams of a layer by their numbers, in the shape that the layer tells."""
        for number, word in words.items():
            for k, weight in enumerate(parameters.messages(number)):
                full = f"{name}.{word}" + (f".{k}" if layer == 500 else "")
                flat = self.flat(weight, full)
                shape = _shape(outer or parameters, layer, word, len(flat))
                if math.prod(shape) != len(flat):
                    raise BadFile(
                        f"{self.path}, {full}: {len(flat)} numbers do not fill the shape {shape}"
                    )
                kind = _kind_of_layer(parameters, layer) if word == "weights" else None
                variance = (layer, word) == (_BATCHNORM, "variance")
                eps = (parameters.fixed(10, "f4") or 1e-5) if variance else None
                yield NamedArray(full, flat.reshape(shape), kind=kind, eps=eps)

    def flat(self, weight: Message, name: str) -> NDArray[Any]:
        """The numbers of a WeightParams; quantized ones as what they stand for."""
        where = f"{self.path}, {name}"
        if weight.has(1):
            return weight.numbers(1, "f4")
        if weight.has(2):
            raw = Data(weight.bytes(2), where)
            return raw.array("f2", (raw.left // 2,))
        if not weight.has(40):
            raise BadFile(f"{where} has no numbers that uniconv reads")
        raw, how = Data(weight.bytes(30), where), weight.message(40)
        bits = how.integer(1)
        if bits not in (1, 2, 4, 8):
            raise BadFile(f"{where} is quantized to {bits} bits, which uniconv does not read")
        self.limits.hold(raw.left * 8 // bits * 8, name)
        # Integers of any number of bits lie without gaps, the highest bit first.
        single = np.unpackbits(raw.array("u1", (raw.left,))).reshape(-1, bits)
        integers: NDArray[np.int64] = single @ (1 << np.arange(bits)[::-1])
        if how.has(102):
            table = how.message(102).numbers(1, "f4")
            if len(table) <= integers.max(initial=0):
                raise BadFile(f"{where}: a number is not in its table of {len(table)}")
            values: NDArray[Any] = table[integers]
            return values
        scale, bias = (how.message(101).numbers(n, "f4") for n in (1, 2))
        if len(scale) < 1 or len(integers) % len(scale) or len(bias) not in (0, len(scale)):
            raise BadFile(f"{where}: {len(scale)} scales and {len(bias)} biases do not fit")
        rows = integers.reshape(len(scale), -1) * scale[:, None]
        numbers = (rows + (bias[:, None] if len(bias) else 0)).reshape(-1)
        return np.asarray(numbers, np.float32)

    def block(self, block: Message, prefix: str, depth: int) -> Iterator[NamedArray]:
        """The constants of a program's block: values of arguments, and blocks inside operations."""
        self.limits.step(depth)
        kinds = _kinds(block)
        for operation in block.messages(3):
            self.limits.step(depth)
            output = operation.message(3).text(1)
            for entry in operation.messages(5):
                word, value = entry.text(1), entry.message(2)
                if word != "name" and value.message(2).has(1):
                    name = prefix + (output if word == "val" else f"{output}.{word}")
                    for array in self.value(value, name):
                        yield replace(array, kind=kinds.get(output) if word == "val" else None)
            for inner in operation.messages(4):
                yield from self.block(inner, f"{prefix}{output}/", depth + 1)

    def value(self, value: Message, name: str) -> Iterator[NamedArray]:
        """A value of numbers: immediate, as bytes, or in a file of weights."""
        where, kind = f"{self.path}, {name}", value.message(2).message(1)
        code = kind.integer(1)
        shape = tuple(d.message(1).integer(1) for d in kind.messages(3))
        if code == 2:  # a string
            return
        if code not in _DTYPES:
            raise BadFile(f"{where}: uniconv does not read Core ML's data type {code}")
        dtype = dtype_of(_DTYPES[code], where)
        self.limits.fits(shape, dtype, name)
        if value.has(5):
            yield NamedArray(name, self.blob(value.message(5), where).array(dtype, shape))
            return
        tensor = value.message(3).message(1)
        flat = np.empty(0, dtype)
        for number, dtype_in_file in _VALUES.items():
            if tensor.has(number):
                inner = tensor.message(number)
                flat = inner.numbers(1, dtype_in_file) if dtype_in_file else inner.integers(1)
        if tensor.has(7):
            raw = Data(tensor.message(7).bytes(1), where)
            flat = raw.array(dtype, (raw.left // dtype.itemsize,))
        if len(flat) != math.prod(shape):
            raise BadFile(f"{where}: {len(flat)} numbers do not fill the shape {shape}")
        yield NamedArray(name, flat.astype(dtype).reshape(shape))

    def blob(self, value: Message, where: str) -> Data:
        """The bytes of a value in weight.bin: a header of 64 bytes says where they are."""
        location = value.text(1).removeprefix("@model_path/")
        if location not in self.blobs:
            self.blobs[location] = Data(self.limits.map(beside(self.path, location)), where)
        header = self.blobs[location].go(value.integer(2))
        sentinel, _, size, offset = (header.number(code) for code in "IIQQ")
        if sentinel != _SENTINEL:
            raise BadFile(f"{where}: {location} has no blob at byte {value.integer(2)}")
        return Data(self.blobs[location].go(offset).take(size), where)


def _kind_of_layer(parameters: Message, layer: int) -> str | None:
    """What the weights of a network's layer are the kernel of."""
    if layer == 100:
        return "conv_transpose" if parameters.integer(60) else "conv"
    return "dense" if layer == 140 else None


def _kinds(block: Message) -> dict[str, str]:
    """What the operations of a block use a constant for, by its name; none where they differ."""
    # An operation's arguments are named, and each is bound to names or to values of its own; a
    # constant is an operation, too, whose result has the name that others bind.
    uses: dict[str, set[str]] = {}
    for operation in block.messages(3):
        what = operation.text(1)
        plain = "" if what in _MATRICES or what.startswith("constexpr") else "keep"
        for entry in operation.messages(2):
            kind = _KERNELS.get(what, plain) if entry.text(1) == "weight" else plain
            for binding in entry.message(2).messages(1):
                uses.setdefault(binding.text(1), set()).add(kind)
    return {
        name: kinds.pop() for name, kinds in uses.items() if len(kinds) == 1 and "" not in kinds
    }


def _shape(parameters: Message, layer: int, word: str, size: int) -> tuple[int, ...]:
    """The shape that a layer's parameters say its weights have; a row where they say none."""
    first, second = parameters.integer(1), parameters.integer(2)
    if layer == 100 and word == "weights":
        kernel = tuple(parameters.integers(20).tolist()) or (3, 3)
        groups = parameters.integer(10) or 1
        if parameters.integer(60):  # a deconvolution
            return (second, first // groups, *kernel)
        return (first, second, *kernel)
    if layer == 1471 and word == "weights":
        kernel = tuple(parameters.integer(n) for n in (20, 21, 22))
        groups = parameters.integer(10) or 1
        return (first, second // groups, *kernel)
    if layer in (140, 150, 1040) and word == "weights":
        return (second, first)
    if layer == 1045 and word == "weights":
        return (parameters.integer(5), parameters.integer(6))
    if layer in (245, 250, 290, 1070):
        sizes = parameters.integers(4 if (layer, word) == (245, "bias") else 1)
        return tuple(sizes.tolist()) or (size,)
    if word.lower().endswith("weightmatrix"):
        return (second, first)
    if word.lower().endswith("recursionmatrix"):
        return (second, second)
    return (size,)

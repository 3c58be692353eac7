"""Caffe's .caffemodel: the blobs of its layers; the prototxt is not needed.

The fields and their numbers: https://github.com/BVLC/caffe/blob/1.0/src/caffe/proto/caffe.proto .

A NetParameter holds layers (field 100, or 2 in files before 2015); a layer its name, type and
blobs; a blob its shape (field 7, or in old files four numbers in 1 to 4) and its numbers as float
(5) or double (8). A layer's blobs have no names, only an order, which its type tells::

    Convolution     (out, in / groups, rows, columns), (out)
    InnerProduct    (out, in), (out)
    BatchNorm       mean * scale_factor, variance * scale_factor, scale_factor
    Scale           scale, bias

Shapes of the old kind have four sizes whatever they are of: those of a bias are (1, 1, 1, out), so
that leading ones are taken away where the type says that they are none of the array's axes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from uniconv.errors import BadFile
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray
from uniconv.files.protobuf import Message, looks_like

__all__ = ["is_caffemodel", "read"]

# NetParameter: name, layers, input, input_dim, force_backward, state, debug, input_shape, layer
_NET = {1: 2, 2: 2, 3: 2, 4: 0, 5: 0, 6: 2, 7: 0, 8: 2, 100: 2}
_LAYER = {1: 2, 2: 2, 3: 2, 4: 2}
_NORM, _EPS = 139, 1e-5  # LayerParameter.batch_norm_param, whose eps (3) is that where left out
_OLD = {4: "Convolution", 39: "Deconvolution", 14: "InnerProduct"}  # V1LayerParameter.LayerType
# What a layer's blobs are, in their order
_KERNELS = {
    "Convolution": "conv",
    "Deconvolution": "conv_transpose",
    "InnerProduct": "dense",
}
_BLOBS = {
    "Convolution": ("weight", "bias"),
    "Deconvolution": ("weight", "bias"),
    "InnerProduct": ("weight", "bias"),
    "BatchNorm": ("mean", "variance", "scale_factor"),  # both are to be divided by the third
    "Scale": ("scale", "bias"),
    "PReLU": ("slope",),
}


def is_caffemodel(data: memoryview) -> bool:
    """Layers of either version."""
    if not looks_like(data, _NET):
        return False
    net = Message(data, "")
    layer = net.message(100)
    if net.has(100):
        return layer.has(1) and layer.has(2)
    return any(old.has(4) and old.has(5) for old in net.messages(2))


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The blobs of every layer as ``conv1.weight``, ``conv1.bias``; of others as ``name.0``."""
    data = limits.map(path)
    if not is_caffemodel(data):
        raise BadFile(f"{path} is no .caffemodel: it has no layers")
    net = Message(data, str(path))
    for layer in net.messages(2):
        limits.step()
        kind = _OLD.get(layer.integer(5), "")
        yield from _blobs(layer.text(4), kind, layer.messages(6), limits)  # older than BatchNorm
    for layer in net.messages(100):
        limits.step()
        eps = layer.message(_NORM).fixed(3, "f4") if layer.message(_NORM).has(3) else _EPS
        yield from _blobs(layer.text(1), layer.text(2), layer.messages(7), limits, eps)


def _blobs(
    layer: str, kind: str, blobs: Iterator[Message], limits: Limits, eps: float = _EPS
) -> Iterator[NamedArray]:
    """The blobs of a layer, named by what the layer's type has at each place."""
    words = _BLOBS.get(kind, ())
    for k, blob in enumerate(blobs):
        name = f"{layer}.{words[k] if k < len(words) else k}"
        where = f"{limits.path}, {name}"
        old = tuple(blob.integer(n) for n in (1, 2, 3, 4))
        shape = old
        if blob.has(7):
            shape = tuple(blob.message(7).integers(1).tolist())
        elif kind:  # four axes, where a bias has one and a matrix two: Blob::ShapeEquals
            own = 1 if k else 2 if kind == "InnerProduct" else 4
            shape = old[4 - own :] if set(old[: 4 - own]) <= {1} else old
        double = blob.has(8)
        limits.fits(shape, "f8" if double else "f4", name)
        values = blob.numbers(8, "f8") if double else blob.numbers(5, "f4")
        if len(values) != math.prod(shape):
            raise BadFile(f"{where}: {len(values)} numbers do not fill the shape {shape}")
        kernel = None if k else _KERNELS.get(kind)
        variance = (kind, k) == ("BatchNorm", 1)
        yield NamedArray(name, values.reshape(shape), kind=kernel, eps=eps if variance else None)

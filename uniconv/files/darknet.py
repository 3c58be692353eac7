"""Darknet's .weights: numbers in the order of the layers that the .cfg beside it lists.

https://github.com/pjreddie/darknet/blob/f6afaabcdf85f77e7aff2ec55c020c0e297c77f9/src/parser.c :
load_weights_upto has the header and the order, parse_network_cfg the sizes.

The bytes: three int32 (major, minor, revision), the number of images seen (int32, int64 from
version 0.2 on), and then float32 to the end, nothing between them::

    convolutional   biases (n) | scales, rolling_mean, rolling_variance (n each; batch_normalize)
                    | weights (n, c / groups, size, size)
    connected       biases (n) | weights (n, inputs) | scales, rolling_mean, rolling_variance

The numbers of channels that come into a layer are nowhere in either file: they follow from the
layers before, and the inputs of a connected layer from the sizes of the image, which is why every
layer's output size is computed here, also of those without weights. A convolution divides by the
standard deviation plus 1e-6 (src/blas.c, normalize_cpu), a yolo layer ends a branch, and route and
shortcut lead back to layers by their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from uniconv.errors import BadFile
from uniconv.files.bounded import Data, Limits
from uniconv.files.named_array import NamedArray

__all__ = ["Section", "Size", "read"]

Size = tuple[int, int, int]  # channels, height, width
# Layers without weights that give what size they get
_KEEP = {
    *("dropout", "yolo", "region", "detection", "softmax", "cost", "logistic", "activation"),
    *("l2norm", "iseg", "gaussian_yolo"),
}
# What batch_normalize adds, in the order of the file
_BATCH_NORM = ("scales", "rolling_mean", "rolling_variance")


class Section(dict[str, str]):
    """A section of a .cfg: its name, and its options as words."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__()
        self.name, self.where = name, where

    def integer(self, option: str, default: int = 0) -> int:
        """An option as a whole number; what follows the number is left, as C's atoi leaves it."""
        word = self.get(option, str(default))
        match = re.match(r"\s*(-?\d{1,9})", word)
        if match is None:
            raise BadFile(f"{self.where}: [{self.name}] {option}={word} is no whole number")
        return int(match[1])

    def positive(self, option: str, default: int) -> int:
        """The same, of at least 1."""
        value = self.integer(option, default)
        if value < 1:
            raise BadFile(f"{self.where}: [{self.name}] {option}={value} is less than 1")
        return value


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """``0.convolutional.weights`` (out, in / groups, rows, columns), ``.biases``, and what
    BatchNorm has: ``.scales``, ``.rolling_mean``, ``.rolling_variance``.

    A file that was cut off after a layer, as pretrained ones are, has the layers before.
    """
    weights, cfg = path.with_suffix(".weights"), path.with_suffix(".cfg")
    if not cfg.is_file():
        raise BadFile(f"{path}: its layers are listed in {cfg.name}, which is not beside it")
    sections = _sections(bytes(limits.map(cfg)), str(cfg))
    data = Data(limits.map(weights), str(weights))
    # Files that were written by a program that turned matrices say so by a version of more than
    # 1000.
    major, minor, _ = data.number("i"), data.number("i"), data.number("i")
    data.number("Q" if major * 10 + minor >= 2 and major < 1000 and minor < 1000 else "I")
    transpose = major > 1000 or minor > 1000
    net, *layers = sections
    size = (net.positive("channels", 3), net.integer("height"), net.integer("width"))
    sizes: list[Size] = []
    for k, layer in enumerate(layers):
        limits.step()
        arrays, size = _layer(layer, size, sizes)
        sizes.append(size)
        # Pretrained weights end after the last layer that they share with other networks.
        if not data.left:
            continue
        for name, shape in arrays:
            full = f"{k}.{layer.name}.{name}"
            limits.fits(shape, "f4", full)
            flip = transpose and layer.name == "connected" and name == "weights"
            array = data.array("f4", shape[::-1] if flip else shape)
            # Old files have kernels (in, rows, columns, out).
            if layer.integer("flipped") and name == "weights":  # only convolutions have it
                array = array.reshape(-1, shape[0]).T.reshape(shape)
            yield NamedArray(full, array.T if flip else array)
    if data.left:
        raise BadFile(f"{weights} has {data.left} bytes more than the layers of {cfg.name}")


def _sections(text: bytes, where: str) -> list[Section]:
    """The sections of a .cfg in their order, under the long ones of their names."""
    sections: list[Section] = []
    for line in text.decode("utf-8", "replace").splitlines():
        line = re.sub(r"\s", "", line)
        if line.startswith("["):
            sections.append(Section(line.strip("[]").lower(), where))
        elif line[:1] not in ("", "#", ";"):
            option, sign, value = line.partition("=")
            if not sign or not sections:
                raise BadFile(f"{where}: {line[:40]} is no option")
            sections[-1][option] = value
    short = {"conv": "convolutional", "deconv": "deconvolutional", "conn": "connected"}
    short |= {"max": "maxpool", "avg": "avgpool", "soft": "softmax"}
    for section in sections:
        section.name = short.get(section.name, section.name)
    if not sections or sections[0].name not in ("net", "network"):
        raise BadFile(f"{where} does not begin with [net]")
    return sections


def _layer(
    layer: Section, size: Size, sizes: list[Size]
) -> tuple[list[tuple[str, tuple[int, ...]]], Size]:
    """The arrays of a layer, in their order, and the size of what it gives."""
    kind, (c, h, w) = layer.name, size
    if kind in ("convolutional", "deconvolutional"):
        return _convolution(layer, size)
    if kind == "connected":
        n = layer.positive("output", 1)
        norm = _BATCH_NORM if layer.integer("batch_normalize") else ()
        arrays: list[tuple[str, tuple[int, ...]]] = [("biases", (n,)), ("weights", (n, c * h * w))]
        return [*arrays, *((name, (n,)) for name in norm)], (n, 1, 1)
    if kind == "maxpool":
        kernel, stride = (
            layer.positive("size", layer.positive("stride", 1)),
            layer.positive("stride", 1),
        )
        pad = layer.integer("padding", kernel - 1)
        return [], (c, (h + pad - kernel) // stride + 1, (w + pad - kernel) // stride + 1)
    if kind == "avgpool":
        return [], (c, 1, 1)
    if kind == "upsample":
        stride = layer.positive("stride", 2)
        return [], (c, h * stride, w * stride)
    if kind == "reorg":
        stride = layer.positive("stride", 1)
        if layer.integer("reverse"):
            return [], (c // stride**2, h * stride, w * stride)
        return [], (c * stride**2, h // stride, w // stride)
    if kind == "crop":
        return [], (c, layer.integer("crop_height", 1), layer.integer("crop_width", 1))
    if kind == "route":
        parts = [_at(layer, word, sizes) for word in layer.get("layers", "").split(",")]
        return [], (sum(p[0] for p in parts) // layer.positive("groups", 1), *parts[0][1:])
    if kind == "scale_channels":
        return [], _at(layer, layer.get("from", ""), sizes)
    if kind in ("shortcut", "sam") or kind in _KEEP:
        return [], size
    raise BadFile(f"{layer.where}: uniconv does not read the arrays of a [{kind}] layer")


def _at(layer: Section, word: str, sizes: list[Size]) -> Size:
    """The size that an earlier layer gives; a negative number counts from here."""
    number = int(word) if re.fullmatch(r"-?\d{1,6}", word) else len(sizes)
    if not -len(sizes) <= number < len(sizes):
        raise BadFile(f"{layer.where}: [{layer.name}] leads to {word!r}, which is no layer before")
    return sizes[number]


def _convolution(layer: Section, size: Size) -> tuple[list[tuple[str, tuple[int, ...]]], Size]:
    """The arrays of a convolution, biases and BatchNorm before the kernel; the size after it."""
    c, h, w = size
    n, kernel = layer.positive("filters", 1), layer.positive("size", 1)
    groups, stride = layer.positive("groups", 1), layer.positive("stride", 1)
    pad = kernel // 2 if layer.integer("pad") else layer.integer("padding")
    if c % groups or n % groups:
        raise BadFile(f"{layer.where}: groups={groups} divides not {c} channels and {n} filters")
    reach = (kernel - 1) * layer.positive("dilation", 1) + 1
    vectors = ["biases", *(_BATCH_NORM if layer.integer("batch_normalize") else ())]
    shape: tuple[int, ...] = (n, c // groups, kernel, kernel)
    out = [
        (m + 2 * pad - reach) // layer.positive(f"stride_{axis}", stride) + 1
        for m, axis in ((h, "y"), (w, "x"))
    ]
    if layer.name == "deconvolutional":
        shape = (c, n, kernel, kernel)
        out = [(m - 1) * stride + kernel - 2 * pad for m in (h, w)]
    arrays = [*((name, (n,)) for name in vectors), ("weights", shape)]
    return arrays, (n, out[0], out[1])

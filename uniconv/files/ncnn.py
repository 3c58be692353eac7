"""ncnn: the numbers of a .bin in the order of the layers that the .param beside it lists.

https://github.com/Tencent/ncnn/blob/20240410/src/modelbin.cpp (what flag begins which numbers),
src/paramdict.cpp (a layer's line), and load_param and load_model of each layer in src/layer .

The two files::

    .param   7767517
             75 83                                      (layers, blobs)
             Convolution conv1 1 1 data conv1 0=64 1=3 5=1 6=1728
             (type, name, inputs, outputs, their names, options by number; -23300 - k: a list)
    .bin     the weights of each layer in the order of the lines: kernels after a flag, the others
             as float32

A flag is 0 (float32), 0x01306B47 (half floats), 0x000D4B38 (int8), or else the first bytes of a
table of 256 floats, of which each number is an index; shorter numbers are padded to four bytes. A
convolution's input channels are not written: the number of weights (option 6) tells them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Data, Limits
from uniconv.files.named_array import NamedArray

__all__ = ["MAGIC", "ParamLayer", "Weight", "read"]

MAGIC = b"7767517"
_HALF, _INT8, _FLOAT = 0x01306B47, 0x000D4B38, 0x0002C056
_ARRAY = -23300  # an option's number less than this is that of a list
# name, shape, whether a flag comes first
Weight = tuple[str, tuple[int, ...], bool]


class ParamLayer(dict[int, float]):
    """A line of a .param: what the layer is, and its options by their numbers."""

    def __init__(self, kind: str, name: str, where: str) -> None:
        super().__init__()
        self.kind, self.name, self.where = kind, name, f"{where}, {name}"

    def integer(self, option: int, default: int = 0) -> int:
        """An option by its number, ncnn's default where the line does not have it."""
        return int(self.get(option, default))


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """``conv1.weight``, ``conv1.bias`` and so on, under the layers' names."""
    param, binary = path.with_suffix(".param"), path.with_suffix(".bin")
    for other in (param, binary):
        if not other.is_file():
            raise BadFile(f"{path} is one of two files: {other.name} is not beside it")
    layers = _layers(bytes(limits.map(param)), str(param), limits)
    data = Data(limits.map(binary), str(binary))
    for layer in layers:
        for name, shape, flag in _WEIGHTS.get(layer.kind, _none)(layer):
            full = f"{layer.name}.{name}"
            limits.fits(shape, "f4", full)
            array = _load(data, math.prod(shape)) if flag else data.array("f4", shape)
            kind = _kind(layer.kind) if name == "weight" else None
            variance = (layer.kind, name) == ("BatchNorm", "variance")
            eps = layer.get(1, 0.0) if variance else None
            yield NamedArray(full, array.reshape(shape), kind=kind, eps=eps)
    if data.left:
        others = sorted({layer.kind for layer in layers if layer.kind not in _WEIGHTS})
        raise BadFile(
            f"{binary} has {data.left} bytes more than uniconv knows of; it knows no arrays of "
            f"{', '.join(others) or 'other layers'}"
        )


def _kind(layer: str) -> str | None:
    """What the weight of a layer of that kind is the kernel of."""
    if layer == "InnerProduct":
        return "dense"
    if layer.startswith("Deconvolution"):
        return "conv_transpose"
    return "conv" if layer.startswith("Convolution") else "keep" if layer == "Embed" else None


def _layers(text: bytes, where: str, limits: Limits) -> list[ParamLayer]:
    """The layers of a .param, a line each after the sign and the counts."""
    lines = text.decode("utf-8", "replace").splitlines()
    if not lines or lines[0].strip() != MAGIC.decode():
        raise BadFile(f"{where} does not begin with {MAGIC.decode()}, as ncnn's text does")
    layers = []
    for line in lines[2:]:
        words = line.split()
        if not words:
            continue
        limits.step()
        counts = words[2:4]
        if len(counts) < 2 or not all(word.isdecimal() and len(word) < 7 for word in counts):
            raise BadFile(f"{where}: {line[:60]!r} is no layer")
        layer = ParamLayer(words[0], words[1], where)
        for word in words[4 + int(counts[0]) + int(counts[1]) :]:
            match = re.fullmatch(r"(-?\d{1,6})=([^,]+)(,.*)?", word)
            if match is None:
                raise BadFile(f"{where}: {word[:40]!r} is no option")
            if int(match[1]) > _ARRAY:
                layer[int(match[1])] = _number(match[2], where)
        layers.append(layer)
    return layers


def _number(word: str, where: str) -> float:
    """A word as a number, which may be written as 1e-5 or as an integer."""
    try:
        value = float(word)
    except ValueError:
        raise BadFile(f"{where}: {word[:40]!r} is no number") from None
    if not math.isfinite(value):
        raise BadFile(f"{where}: {word[:40]!r} is no number")
    return value


def _none(_: ParamLayer) -> list[Weight]:
    """A layer without arrays, or one that is not known: bytes left at the end tell which."""
    return []


def _load(data: Data, size: int) -> NDArray[Any]:
    """Numbers after a flag, which says how they are written."""
    # What follows the flag is padded to four bytes, so that the next weights begin at a whole word.
    flag: int = data.number("I")
    if flag == _HALF:
        array = data.array("f2", (size,))
    elif flag == _INT8:
        array = data.array("i1", (size,))
    elif flag in (0, _FLOAT):
        return data.array("f4", (size,))
    else:  # one of 256 values each
        table = data.array("f4", (256,))
        array = table[data.array("u1", (size,))]
    data.take(-size * (array.itemsize if flag in (_HALF, _INT8) else 1) % 4)
    return array


def _convolution(layer: ParamLayer) -> list[Weight]:
    """A kernel (out, in, ...) whose input channels only its size tells, a bias, int8 scales."""
    if layer.integer(19):  # its weights are an input
        return []
    n, size = layer.integer(0), layer.integer(6)
    # Option 1 is the width, 11 the height and 21 the depth; both are the width where left out.
    kernel = [layer.integer(1)]
    if not layer.kind.endswith("1D"):
        kernel.insert(0, layer.integer(11, kernel[0]))
    if layer.kind.endswith("3D"):
        kernel.insert(0, layer.integer(21, kernel[-1]))
    weights = [("weight", _filled(layer, (n, *kernel), size, 1), True)]
    if layer.integer(5):
        weights.append(("bias", (n,), False))
    scales = layer.integer(8)
    if scales:
        groups = layer.integer(7, 1) if "DepthWise" in layer.kind else 0
        # Scales of int8 kernels: one for each output, or in depthwise layers one for each group or
        # for all.
        count = {1: groups, 101: groups, 2: 1, 102: 1}.get(scales, n) if groups else n
        weights.append(("weight_int8_scales", (count,), False))
        weights.append(("bottom_int8_scales", (1,), False))
        if scales > 100:
            weights.append(("top_int8_scales", (1,), False))
    return weights


def _filled(layer: ParamLayer, sizes: tuple[int, ...], size: int, at: int) -> tuple[int, ...]:
    """A shape of ``size`` numbers, of which only the size at one place is not said."""
    whole = math.prod(sizes)
    if min(sizes) < 1 or size < 0 or size % whole:
        raise BadFile(f"{layer.where}: {size} numbers do not fill the sizes {sizes}")
    return (*sizes[:at], size // whole, *sizes[at:])


def _inner_product(layer: ParamLayer) -> list[Weight]:
    """A matrix (out, in), a bias, int8 scales."""
    n = layer.integer(0)
    weights: list[Weight] = [("weight", _filled(layer, (n,), layer.integer(2), 1), True)]
    if layer.integer(1):
        weights.append(("bias", (n,), False))
    if layer.integer(8):
        weights.append(("weight_int8_scales", (n,), False))
        weights.append(("bottom_int8_scales", (1,), False))
    return weights


def _vectors(
    names: str, size: int, switch: int | None = None
) -> Callable[[ParamLayer], list[Weight]]:
    """Vectors as long as an option says, unless another option is 0."""

    def weights(layer: ParamLayer) -> list[Weight]:
        """The vectors of one layer, in the order of the file."""
        if switch is not None and not layer.integer(switch, 1):
            return []
        return [(name, (layer.integer(size),), False) for name in names.split()]

    return weights


def _scale(layer: ParamLayer) -> list[Weight]:
    """Factors, and terms where the layer has a bias."""
    if layer.integer(0) == -233:  # its scales are an input
        return []
    names = ["scale", "bias"] if layer.integer(1) else ["scale"]
    return [(name, (layer.integer(0),), False) for name in names]


def _embed(layer: ParamLayer) -> list[Weight]:
    """A row for each word; a bias for each column."""
    n = layer.integer(0)
    weights: list[Weight] = [("weight", _filled(layer, (n,), layer.integer(3), 0), True)]
    return [*weights, ("bias", (n,), False)] if layer.integer(2) else weights


def _memory(layer: ParamLayer) -> list[Weight]:
    """A constant: (channels, depth, rows, columns) without the axes that are 0."""
    sizes = [layer.integer(option) for option in (2, 11, 1, 0)]  # channels, depth, rows, columns
    return [("data", tuple(n for n in sizes if n), False)]


_WEIGHTS: dict[str, Callable[[ParamLayer], list[Weight]]] = {
    **{
        f"{kind}{group}{axes}": _convolution
        for kind in ("Convolution", "Deconvolution")
        for group in ("", "DepthWise")
        for axes in ("", "1D", "3D")
    },
    "InnerProduct": _inner_product,
    "BatchNorm": _vectors("slope mean variance bias", 0),
    "InstanceNorm": _vectors("gamma beta", 0, 2),
    "GroupNorm": _vectors("gamma beta", 1, 3),
    "LayerNorm": _vectors("gamma beta", 0, 2),
    "PReLU": _vectors("slope", 0),
    "Bias": _vectors("bias", 0),
    "Scale": _scale,
    "Embed": _embed,
    "MemoryData": _memory,
}

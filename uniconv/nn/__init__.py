"""torch modules in any framework's conventions, and from and to the frameworks' own layers.

One constructor form serves every framework: ``Conv(in_channels, out_channels, kernel_size, *,
dialect=, bias=, **options)``.  Sizes are neutral words, because frameworks differ in nothing but
their spelling; options are the framework's own keywords, because there they differ in meaning.
The frameworks' layers under their own names are in ``uniconv.nn.keras``, ``uniconv.nn.pytorch`` ...
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

from uniconv.nn.flatten import Flatten as Flatten
from uniconv.nn.interchange import from_flax as from_flax
from uniconv.nn.interchange import from_keras as from_keras
from uniconv.nn.interchange import from_onnx as from_onnx
from uniconv.nn.interchange import from_torch as from_torch
from uniconv.nn.modules import Conv as Conv
from uniconv.nn.modules import ConvTranspose as ConvTranspose
from uniconv.nn.modules import DepthwiseConv as DepthwiseConv
from uniconv.nn.modules import SeparableConv as SeparableConv
from uniconv.nn.torch_modules import to_torch as to_torch

__all__ = [
    "Conv",
    "ConvTranspose",
    "DepthwiseConv",
    "Flatten",
    "SeparableConv",
    "chainer",
    "flax",
    "flux",
    "from_flax",
    "from_keras",
    "from_onnx",
    "from_torch",
    "keras",
    "lux",
    "mlx",
    "paddle",
    "pytorch",
    "tinygrad",
    "to_torch",
]

_DIALECTS = ("chainer", "flax", "flux", "keras", "lux", "mlx", "paddle", "pytorch", "tinygrad")

if TYPE_CHECKING:
    from uniconv.nn import chainer, flax, flux, keras, lux, mlx, paddle, pytorch, tinygrad
else:

    def __getattr__(name: str) -> _Any:
        if name in _DIALECTS:
            return _import_module(f"{__name__}.{name}")
        layers = ", ".join(_DIALECTS)
        text = f"module {__name__!r} has no attribute {name!r}; layers are in {layers}"
        raise AttributeError(text)

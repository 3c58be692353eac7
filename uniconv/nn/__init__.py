"""torch modules in any framework's conventions, and from and to the frameworks' own layers.

One constructor form serves every framework: ``Conv([in_channels,] out_channels, kernel_size, *,
dialect=, bias=, **options)``.  Sizes are neutral words, because frameworks differ in nothing but
their spelling; options are the framework's own keywords, because there they differ in meaning.
"""

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
    "from_flax",
    "from_keras",
    "from_onnx",
    "from_torch",
    "to_torch",
]

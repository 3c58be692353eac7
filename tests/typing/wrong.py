"""Calls that a type checker refuses, each for the reason beside it: read, never run.

mypy refuses a call that it accepts too: for the ``type: ignore`` that is then not needed.
"""

from torch import Tensor

import uniconv
from uniconv import nn
from uniconv.nn import keras
from uniconv.typing import Dialect, Kind

family: Dialect = "tff"  # type: ignore[assignment]  # error: no such family
operation: Kind = "convolution"  # type: ignore[assignment]  # error: no such operation


def wrong(x: Tensor, w: Tensor) -> None:
    uniconv.conv([1, 2, 3], w)  # type: ignore[call-overload]  # error: a list is no array
    uniconv.conv(x, w, dialect="tensorfow")  # type: ignore[call-overload]  # error: no such family
    uniconv.conv(x, w, dialect="tf.nn.conv2")  # type: ignore[call-overload]  # error: no such function
    uniconv.conv(x, w, device=0)  # type: ignore[call-overload]  # error: a device is a text or a torch.device
    uniconv.conv(x, w, w, w)  # type: ignore[call-overload]  # error: one kernel, one bias
    uniconv.conv_transpose(x, w, dialect="tf.nn.conv2d")  # type: ignore[call-overload]  # error: another operation
    uniconv.depthwise_conv(x, w, dialect="knet")  # type: ignore[call-overload]  # error: the family has no depthwise_conv
    uniconv.separable_conv(x, w)  # type: ignore[call-overload]  # error: the second kernel is missing
    uniconv.conv(x, w).numpyy()  # type: ignore[attr-defined]  # error: y is a tensor
    uniconv.bind(w)  # type: ignore[call-arg]  # error: whose kernel?
    uniconv.bind(w, dialect="tf", kind="convolution")  # type: ignore[arg-type]  # error: no such operation
    uniconv.bind(w, dialect="tf")([1, 2, 3])  # type: ignore[call-overload]  # error: a list is no array
    uniconv.native("tf.nn.conv2")  # type: ignore[call-overload]  # error: no such function
    uniconv.native("tf")  # type: ignore[call-overload]  # error: a family says not which
    uniconv.native("tf.nn.conv2d")(x)  # type: ignore[call-overload]  # error: the kernel is missing
    uniconv.native("tf.nn.conv2d")(x, w, stride=1)  # type: ignore[call-overload]  # error: it is called strides
    uniconv.native("knet.conv4")(w, x, 1)  # type: ignore[call-overload]  # error: options by name
    uniconv.convert_kernel(w, "tf", "pytorchh")  # type: ignore[call-overload]  # error: no such family
    uniconv.convert_kernel(w, "tf", "pytorch", "dense")  # type: ignore[call-overload]  # error: no kind of a kernel
    uniconv.convert_state_dict([w], "tf", "pytorch")  # type: ignore[call-overload]  # error: arrays have names
    uniconv.Call(x, w, dialect="tff")  # type: ignore[arg-type]  # error: no such family
    uniconv.Call(x, w)  # type: ignore[call-arg]  # error: a call is a function's
    uniconv.same_pads(224, 3, dialect="tff")  # type: ignore[arg-type]  # error: no such family
    uniconv.describe("tff")  # type: ignore[arg-type]  # error: no such family
    uniconv.explain("tf", x, w)  # type: ignore[call-overload]  # error: a verb takes a Call
    uniconv.convv(x, w)  # type: ignore[attr-defined]  # error: no such name


def wrong_layers(x: Tensor) -> None:
    nn.Conv(3, 64, 3, dialect="tff")  # type: ignore[arg-type]  # error: no such family
    nn.Conv("3", 64, 3)  # type: ignore[arg-type]  # error: a count is a number
    nn.Conv(3, 64, 3)([1, 2, 3])  # type: ignore[arg-type]  # error: a list is no tensor
    nn.Conv(3, 64, 3)(x).numpyy()  # type: ignore[attr-defined]  # error: y is a tensor
    nn.Convv(3, 64, 3)  # type: ignore[attr-defined]  # error: no such layer
    keras.Conv2d(64, 3)  # type: ignore[attr-defined]  # error: Keras calls it Conv2D
    keras.Conv2D(64)  # type: ignore[call-arg]  # error: the kernel's size is missing
    keras.Conv2D(64, 3, stride=2)  # type: ignore[call-arg]  # error: it is called strides
    nn.pytorch.Conv2d(3, 64, 3, 1, 1, 1, 1, 0)  # type: ignore[arg-type]  # error: a flag is no 0

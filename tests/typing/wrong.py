"""Calls that a type checker refuses, each for the reason beside it: read, never run."""

from torch import Tensor

import uniconv
from uniconv.typing import Dialect, Kind

family: Dialect = "tff"  # error: no such family
operation: Kind = "convolution"  # error: no such operation


def wrong(x: Tensor, w: Tensor) -> None:
    uniconv.conv([1, 2, 3], w)  # error: a list is no array
    uniconv.conv(x, w, dialect="tensorfow")  # error: no such family
    uniconv.conv(x, w, dialect="tf.nn.conv2")  # error: no such function
    uniconv.conv(x, w, device=0)  # error: a device is a text or a torch.device
    uniconv.conv(x, w, w, w)  # error: one kernel, one bias
    uniconv.conv_transpose(x, w, dialect="tf.nn.conv2d")  # error: another operation
    uniconv.depthwise_conv(x, w, dialect="knet")  # error: the family has no depthwise_conv
    uniconv.separable_conv(x, w)  # error: the second kernel is missing
    uniconv.conv(x, w).numpyy()  # error: y is a tensor
    uniconv.bind(w)  # error: whose kernel?
    uniconv.bind(w, dialect="tf", kind="convolution")  # error: no such operation
    uniconv.bind(w, dialect="tf")([1, 2, 3])  # error: a list is no array
    uniconv.native("tf.nn.conv2")  # error: no such function
    uniconv.native("tf")  # error: a family says not which
    uniconv.native("tf.nn.conv2d")(x)  # error: the kernel is missing
    uniconv.native("tf.nn.conv2d")(x, w, stride=1)  # error: it is called strides
    uniconv.native("knet.conv4")(w, x, 1)  # error: options by name
    uniconv.convert_kernel(w, "tf", "pytorchh")  # error: no such family
    uniconv.convert_kernel(w, "tf", "pytorch", "dense")  # error: no kind of a kernel
    uniconv.convert_state_dict([w], "tf", "pytorch")  # error: arrays have names
    uniconv.Call(x, w, dialect="tff")  # error: no such family
    uniconv.Call(x, w)  # error: a call is a function's
    uniconv.same_pads(224, 3, dialect="tff")  # error: no such family
    uniconv.describe("tff")  # error: no such family
    uniconv.explain("tf", x, w)  # error: a verb takes a Call
    uniconv.convv(x, w)  # error: no such name

"""Calls that a type checker accepts, and what it knows of their results: read, never run."""

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import assert_type

import uniconv
from uniconv import nn
from uniconv.nn import keras
from uniconv.typing import Array, Dialect, Kind


def right(
    x: Tensor, w: Tensor, bias: Tensor, a: NDArray[np.float32], v: NDArray[np.float32]
) -> None:
    assert_type(uniconv.conv(x, w, bias, dialect="tf", strides=2, padding="SAME"), Tensor)
    assert_type(
        uniconv.conv(a, v, dialect="tensorflow.nn.conv2d", strides=2, padding="SAME"), NDArray[Any]
    )
    assert_type(uniconv.conv(a, w, dialect="F.conv2d"), NDArray[Any])
    assert_type(uniconv.conv(torch.nn.Parameter(x), w, device="cpu"), Tensor)
    assert_type(uniconv.conv_transpose(a, v, dialect="knet.deconv4", padding=1), NDArray[Any])
    assert_type(uniconv.depthwise_conv(x, w, strides=[1, 1, 1, 1], padding="SAME"), Tensor)
    assert_type(
        uniconv.separable_conv(a, v, v, v, strides=[1, 1, 1, 1], padding="SAME"), NDArray[Any]
    )

    blur = uniconv.bind(w, dialect="keras", kind="depthwise_conv", strides=2)
    assert_type(blur(x), Tensor)
    assert_type(blur(a), NDArray[Any])

    conv2d = uniconv.native("tf.nn.conv2d")
    assert_type(conv2d(x, w, 1, "SAME", data_format="NHWC"), Tensor)
    assert_type(conv2d(a, w, strides=1, padding="SAME"), NDArray[Any])
    assert_type(uniconv.native("knet.conv4")(v, a, mode=1), NDArray[Any])
    assert_type(uniconv.native("F.conv2d")(x, w, bias, 2), Tensor)

    assert_type(uniconv.convert_kernel(w, "tf", "pytorch"), Tensor)
    assert_type(uniconv.convert_kernel(v, "tf", "pytorch", groups=2), NDArray[np.float32])
    assert_type(uniconv.convert_kernel((v, v), "tf", "keras", "separable_conv"), Any)
    assert_type(uniconv.convert_bias(v, "knet", "pytorch"), NDArray[np.float32])
    assert_type(uniconv.convert_dense(w, "keras", "pytorch", image=(3, 4, 4)), Tensor)
    assert_type(uniconv.convert_state_dict({"w": w}, "keras", "pytorch"), dict[str, Tensor])
    assert_type(uniconv.convert_state_dict({"w": v}, "tf", "knet"), dict[str, NDArray[np.float32]])
    assert_type(uniconv.convert_state_dict("w.npz", "tf", "knet"), dict[str, Any])

    call = uniconv.Call(x, w, dialect="tf", strides=2, padding="SAME")
    assert_type(uniconv.explain(call, at=(0, 0)), uniconv.Explanation)
    assert_type(uniconv.diagnose(call, x), uniconv.Diagnosis)
    assert_type(uniconv.probe(call), uniconv.Probe)
    assert_type(uniconv.explain("F.conv2d(x, w)", x=x, w=w), uniconv.Explanation)
    assert_type(uniconv.Call.parse("F.conv2d(x, w)", x=x, w=w), uniconv.Call)
    assert_type(uniconv.same_pads(224, 3, 2), tuple[tuple[int, int], ...])


def layers(x: Tensor) -> None:
    assert_type(nn.Conv(3, 64, 3, dialect="keras", padding="same")(x), Tensor)
    assert_type(
        nn.Conv(None, 64, (3, 5), dialect="tf.nn.conv2d", strides=2, padding="SAME"), nn.Conv
    )
    assert_type(keras.Conv2D(64, 3, padding="same"), keras.Conv2D)
    assert_type(keras.Conv2D(64, 3, padding="same")(x), Tensor)
    assert_type(nn.pytorch.ConvTranspose2d(3, 64, 3, stride=2)(x).shape, torch.Size)
    torch.nn.Sequential(keras.Conv2D(8, 3), torch.nn.ReLU(), nn.DepthwiseConv(8, 3))


def every_family(x: Array) -> list[Dialect]:
    """What takes any array stays generic."""
    assert_type(uniconv.conv(x, x, dialect="torch"), Array)
    return [name for names in uniconv.dialects().values() for name in names]


def configured(name: str, kind: Kind, x: Tensor, w: Tensor) -> Tensor:
    y = uniconv.bind(w, dialect=cast(Dialect, name), kind=kind)(x)
    assert_type(y, Tensor)
    return y

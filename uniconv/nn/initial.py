"""How each framework draws a fresh kernel and bias by default.

======================  ==========================================================================
keras, flux, matlab     Glorot uniform; bias 0
tf, tflite              the functions draw nothing: Glorot uniform, the default of
                        tf.compat.v1.get_variable; bias 0
knet                    Glorot uniform, whose fan_out leaves out the taps; bias 0
flax, jax               LeCun normal, cut at two deviations; bias 0 (jax functions draw nothing)
pytorch                 Kaiming uniform with a = sqrt(5); bias uniform in +-1 / sqrt(fan_in)
tinygrad                uniform in +-1 / sqrt(in_channels * taps), kernel and bias
mlx                     the same for the kernel; bias 0
paddle                  normal, of variance 2 / (in_channels * taps); transposed: Glorot uniform;
                        bias 0
chainer                 LeCun normal, not cut; bias 0
lasagne, theano         Glorot uniform; bias 0 (theano functions draw nothing)
mxnet                   uniform in +-0.07; bias 0
others                  do not train: as pytorch
======================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod, sqrt

from torch import Tensor
from torch.nn import init

from uniconv._canonical.record import Shape
from uniconv.spec.op import Op
from uniconv.spec.registry import framework_of

Draw = Callable[[Tensor], Tensor]
# The deviation of a unit normal that is cut at -2 and 2 (jax/_src/nn/initializers.py).
_CUT = 0.87962566103423978


def initialise(op: Op, kernels: Sequence[Tensor], groups: int) -> tuple[list[Tensor], Draw]:
    """Fresh kernels of the given native shapes, dtypes and devices, and how to draw a bias."""
    name = framework_of(op).name
    drawn = [k.new_empty(k.shape) for k in kernels]
    draws = _DRAWS.get(name, _pytorch)
    biases = [draws(op, w, groups if i == 0 else 1) for i, w in enumerate(drawn)]
    return drawn, biases[-1]


def _channels_last(shape: Shape) -> tuple[int, int]:
    """Fan in and out of a kernel whose last axes are its channels in and out."""
    taps = prod(shape[:-2])
    return shape[-2] * taps, shape[-1] * taps


def _channels_first(shape: Shape) -> tuple[int, int]:
    """Fan in and out of a kernel whose first axes are its channels out and in."""
    taps = prod(shape[2:])
    return shape[1] * taps, shape[0] * taps


def _zeros(bias: Tensor) -> Tensor:
    return init.zeros_(bias)


def _uniform(w: Tensor, bound: float) -> Tensor:
    return init.uniform_(w, -bound, bound)


def _glorot(fans: Callable[[Shape], tuple[int, int]]) -> Callable[[Op, Tensor, int], Draw]:
    def draw(op: Op, w: Tensor, groups: int) -> Draw:
        _uniform(w, sqrt(6 / sum(fans(tuple(w.shape)))))
        return _zeros

    return draw


def _knet(shape: Shape) -> tuple[int, int]:
    return prod(shape[:-1]), shape[-1]


def _flax(op: Op, w: Tensor, groups: int) -> Draw:
    deviation = sqrt(1 / _channels_last(tuple(w.shape))[0]) / _CUT
    init.trunc_normal_(w, 0, deviation, -2 * deviation, 2 * deviation)
    return _zeros


def _pytorch(op: Op, w: Tensor, groups: int) -> Draw:
    bound = 1 / sqrt(_channels_first(tuple(w.shape))[0])
    _uniform(w, bound)
    return lambda bias: _uniform(bias, bound)


def _tinygrad(op: Op, w: Tensor, groups: int) -> Draw:
    inputs = w.shape[0] if op.kind == "conv_transpose" else w.shape[1] * groups
    bound = 1 / sqrt(inputs * prod(w.shape[2:]))
    _uniform(w, bound)
    return lambda bias: _uniform(bias, bound)


def _mlx(op: Op, w: Tensor, groups: int) -> Draw:
    # A transposed kernel is stored as any other there: o ... i.
    taps = prod(w.shape[1:-1])
    _uniform(w, 1 / sqrt(w.shape[-1] * groups * taps))
    return _zeros


def _paddle(op: Op, w: Tensor, groups: int) -> Draw:
    fan_in, fan_out = _channels_first(tuple(w.shape))
    if op.kind == "conv_transpose":
        _uniform(w, sqrt(6 / (fan_in + fan_out)))
    else:
        init.normal_(w, 0, sqrt(2 / (fan_in * groups)))
    return _zeros


def _chainer(op: Op, w: Tensor, groups: int) -> Draw:
    init.normal_(w, 0, sqrt(1 / prod(w.shape[1:])))
    return _zeros


def _mxnet(op: Op, w: Tensor, groups: int) -> Draw:
    _uniform(w, 0.07)
    return _zeros


_DRAWS: dict[str, Callable[[Op, Tensor, int], Draw]] = {
    "keras": _glorot(_channels_last),  # keras/src/layers/convolutional/base_conv.py
    "tf": _glorot(_channels_last),  # tensorflow/python/ops/variable_scope.py
    "tflite": _glorot(_channels_last),
    "flux": _glorot(_channels_last),  # Flux.jl src/utils.jl
    "matlab": _glorot(_channels_last),  # mathworks.com/help convolution2dLayer WeightsInitializer
    "knet": _glorot(_knet),  # Knet.jl src/train20/distributions.jl
    "flax": _flax,  # flax/linen/linear.py default_kernel_init
    "jax": _flax,
    "tinygrad": _tinygrad,  # tinygrad/nn/__init__.py
    "mlx": _mlx,  # mlx/nn/layers/convolution.py
    "paddle": _paddle,  # paddle/nn/layer/conv.py
    "chainer": _chainer,  # chainer/initializers/normal.py
    "lasagne": _glorot(_channels_first),  # lasagne/layers/conv.py
    "theano": _glorot(_channels_first),
    "mxnet": _mxnet,  # mxnet/gluon/parameter.py
}

# Made by docs/make_stubs.py.

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from uniconv._functional import Device
from uniconv._weights.kernel import Options
from uniconv._weights.name_map import NameMap
from uniconv._weights.network import Weights

from uniconv import errors as errors
from uniconv import files as files
from uniconv import nn as nn
from uniconv import spec as spec
from uniconv import typing as typing
from uniconv._bind import bind as bind
from uniconv._call import Call as Call
from uniconv._canonical.precision import precision as precision
from uniconv._describe import describe as describe
from uniconv._describe import dialects as dialects
from uniconv._diagnose import Diagnosis as Diagnosis
from uniconv._diagnose import Thread as Thread
from uniconv._diagnose import compare as compare
from uniconv._diagnose import diagnose as diagnose
from uniconv._explain import Explanation as Explanation
from uniconv._explain import explain as explain
from uniconv._signatures import native as native
from uniconv._probe import Probe as Probe
from uniconv._probe import probe as probe
from uniconv._same_pads import same_pads as same_pads
from uniconv._translate.layers import translate_layer as translate_layer
from uniconv._translate.program import translate_program as translate_program
from uniconv._translate.translate import translate as translate
from uniconv._translate.translation import Translation as Translation
from uniconv._weights.network import convert_file as convert_file
from uniconv._weights.which_layout import which_layout as which_layout
from uniconv.errors import UniconvError as UniconvError
from uniconv.typing import Array, ConvDialect, ConvTransposeDialect, DepthwiseConvDialect, Dialect, Kind, SeparableConvDialect

A = TypeVar("A", bound=Array)
D = TypeVar("D", bound=np.generic)

__version__: str

@overload
def conv(x: Tensor, w: Array, bias: Array | None = None, *, dialect: ConvDialect = 'pytorch', device: Device = None, **options: Any) -> Tensor:
    r"""Convolve x with w exactly as the framework function ``dialect`` does.

    ======  ==========================================================================
    x       in the function's layout: ``n ... c`` for tf, ``n c ...`` for pytorch,
            ``... c n`` for knet (indexed as Julia prints it); ``...`` are its spatial axes
    w       ``... i o`` for tf and knet, ``o i ...`` for pytorch; i = c / groups
    bias    (o,), added along the output channels; None for none
    y       as x, with o channels; per axis (size + pads - (k - 1) * dilation - 1) // stride + 1
    ======  ==========================================================================

    Args:
        x, w, bias: torch tensors, NumPy arrays or arrays with DLPack; y is of x's kind.
        dialect: a function ("tf.nn.conv2d", "knet.conv4") or a family ("tf"), which means its
            main function for w's number of axes.  ``uniconv.dialects()`` lists them.
        device: where NumPy input is computed (default: CUDA when available, else CPU).  Torch
            input stays on its own device, unless this moves it.
        options: the function's own keywords, with its own words, forms, units and defaults.
            How exactly a GPU computes float32 is said around the call: ``uniconv.precision``.

    Raises:
        UnknownName: no such dialect, or one without this operation.
        BadOption: an option is unknown, missing, or no value that the function takes.
        BadShape: shapes that do not fit each other, or an output the function refuses.
        BadArray: a dtype or device that the function does not take, or no array at all.
        Refused: a combination that the framework refuses or computes wrongly.

    Knet convolves (it reads the kernel backwards), TensorFlow does not:

    >>> import numpy as np
    >>> x, w = np.array([1, 2, 3, 4.0]), np.array([1, 10, 100.0]).reshape(3, 1, 1)
    >>> conv(x.reshape(4, 1, 1), w, dialect="knet.conv4").ravel()
    array([123., 234.])
    >>> conv(x.reshape(1, 4, 1), w, dialect="tf", stride=1, padding="VALID").ravel()
    array([321., 432.])

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """
@overload
def conv(x: np.ndarray[Any, Any], w: Array, bias: Array | None = None, *, dialect: ConvDialect = 'pytorch', device: Device = None, **options: Any) -> NDArray[Any]: ...
@overload
def conv(x: A, w: Array, bias: Array | None = None, *, dialect: ConvDialect = 'pytorch', device: Device = None, **options: Any) -> A: ...

@overload
def conv_transpose(x: Tensor, w: Array, bias: Array | None = None, *, dialect: ConvTransposeDialect = 'pytorch', device: Device = None, **options: Any) -> Tensor:
    r"""The transposed convolution of x with w, exactly as ``dialect`` does it.

    ======  ==========================================================================
    x       in the function's layout, as for ``conv``
    w       ``... m c`` for tf and knet, ``c m ...`` for pytorch; m = o / groups
    bias    (o,), added along the output channels; None for none
    y       as x, with o channels; per axis (size - 1) * stride + (k - 1) * dilation + 1,
            less what padding crops (tf: the size that output_shape says)
    ======  ==========================================================================

    Arguments and errors are those of ``conv``.  Each pixel stamps the kernel, the stamps add up:

    >>> import numpy as np
    >>> x, w = np.array([1, 2, 3.0]).reshape(1, 1, 3), np.array([1, 10, 100.0]).reshape(1, 1, 3)
    >>> conv_transpose(x, w, dialect="pytorch", stride=2).ravel()
    array([  1.,  10., 102.,  20., 203.,  30., 300.])

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """
@overload
def conv_transpose(x: np.ndarray[Any, Any], w: Array, bias: Array | None = None, *, dialect: ConvTransposeDialect = 'pytorch', device: Device = None, **options: Any) -> NDArray[Any]: ...
@overload
def conv_transpose(x: A, w: Array, bias: Array | None = None, *, dialect: ConvTransposeDialect = 'pytorch', device: Device = None, **options: Any) -> A: ...

@overload
def depthwise_conv(x: Tensor, w: Array, bias: Array | None = None, *, dialect: DepthwiseConvDialect = 'tf', device: Device = None, **options: Any) -> Tensor:
    r"""Convolve every channel of x with its own m kernels, exactly as ``dialect`` does.

    ======  ==========================================================================
    x       in the function's layout, as for ``conv``
    w       ``... c m`` for tf: m kernels for each of the c channels
    bias    (c * m,), added along the output channels; None for none
    y       as x, with c * m channels: channel k * m + q is x's channel k under kernel q
    ======  ==========================================================================

    Arguments and errors are those of ``conv``; the default dialect is "tf".

    >>> import numpy as np
    >>> x, w = np.array([[1, 2.0]]).reshape(1, 1, 1, 2), np.array([1, 10, 100, 1000.0])
    >>> strides = [1, 1, 1, 1]
    >>> y = depthwise_conv(x, w.reshape(1, 1, 2, 2), strides=strides, padding="VALID")
    >>> y.ravel().tolist()
    [1.0, 10.0, 200.0, 2000.0]

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """
@overload
def depthwise_conv(x: np.ndarray[Any, Any], w: Array, bias: Array | None = None, *, dialect: DepthwiseConvDialect = 'tf', device: Device = None, **options: Any) -> NDArray[Any]: ...
@overload
def depthwise_conv(x: A, w: Array, bias: Array | None = None, *, dialect: DepthwiseConvDialect = 'tf', device: Device = None, **options: Any) -> A: ...

@overload
def separable_conv(x: Tensor, w: Array, pointwise: Array, bias: Array | None = None, *, dialect: SeparableConvDialect = 'tf', device: Device = None, **options: Any) -> Tensor:
    r"""A depthwise convolution, then a 1x1 one over its channels, exactly as ``dialect`` does.

    =========  =======================================================================
    x          in the function's layout, as for ``conv``
    w          the depthwise kernel, ``... c m`` for tf
    pointwise  the second kernel, ``... i o`` for tf, spatial sizes 1; i = c * m
    bias       (o,), added along the output channels; None for none
    y          as x, with o channels
    =========  =======================================================================

    Arguments and errors are those of ``conv``; the default dialect is "tf".

    >>> import numpy as np
    >>> x = np.array([1, 2.0]).reshape(1, 1, 1, 2)
    >>> depthwise = np.array([1, 10, 100, 1000.0]).reshape(1, 1, 2, 2)
    >>> pointwise = np.array([1, 2, 3, 4.0]).reshape(1, 1, 4, 1)
    >>> strides = [1, 1, 1, 1]
    >>> separable_conv(x, depthwise, pointwise, strides=strides, padding="VALID").item()
    8621.0

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """
@overload
def separable_conv(x: np.ndarray[Any, Any], w: Array, pointwise: Array, bias: Array | None = None, *, dialect: SeparableConvDialect = 'tf', device: Device = None, **options: Any) -> NDArray[Any]: ...
@overload
def separable_conv(x: A, w: Array, pointwise: Array, bias: Array | None = None, *, dialect: SeparableConvDialect = 'tf', device: Device = None, **options: Any) -> A: ...

@overload
def convert_dense(w: Tensor, src: Dialect, dst: Dialect, *, image: Sequence[int] | None = None, src_layout: str | None = None, dst_layout: str | None = None, contiguous: bool = False) -> Tensor:
    r"""A Dense kernel as another framework wants it: axes exchanged, features in its order.

    ``src`` and ``dst`` have it as (in, out), or as (out, in).  Behind a Flatten its features are
    the pixels of an image, in the order of memory: ``h w c`` in channels-last frameworks, ``c h w``
    in channels-first ones.  A Julia array runs backwards: its first axis is the fastest, so that
    x[h, w, c, n] comes as ``c w h`` and x[w, h, c, n] as ``c h w``.

    Args:
        w: an array of two axes, as ``convert_kernel`` takes it.
        src, dst: families or functions of them: (in, out) for keras, tf, flax, jax, paddle,
            lasagne and cntk, (out, in) for pytorch, mlx, chainer, mxnet, knet and flux.
        image: the image before the Flatten, channels first: (C, H, W), (C, W) or (C, D, H, W), the
            spatial sizes in the order in which ``convert_kernel`` keeps the axes.  None where the
            layer follows no Flatten.
        src_layout, dst_layout: how the image is laid out, where it is not the framework's default:
            "WHCN" for a Julia network whose first axis is the width, "NCHW" for Keras with
            channels first (not where Flatten has data_format="channels_first": it moves the
            channels last).
        contiguous: as for ``convert_kernel``.

    Returns:
        The Dense kernel as ``dst`` has it, of w's kind and dtype.

    Raises:
        UnknownName: no such family, or one without a Dense layer of its own.
        BadOption: an image or layout that is none, or a layout without an image.
        BadShape: w has not two axes, or other features than the image has pixels.
        BadArray: no array, or one of a dtype that is no number.
        CannotExpress: a family without images of that many axes.

    >>> import numpy as np
    >>> convert_dense(np.array([[1, 2, 3]]), "keras", "pytorch").tolist()
    [[1], [2], [3]]

    Two channels, one row, two columns, one unit: (w0 c0), (w0 c1), (w1 c0), (w1 c1) in Keras.

    >>> w = np.array([[1], [2], [3], [4]])
    >>> convert_dense(w, "keras", "pytorch", image=(2, 1, 2)).tolist()
    [[1, 3, 2, 4]]

    Source: each framework's Dense layer, as ``Framework.dense`` has it; keras 3.15.1
    keras/src/layers/reshaping/flatten.py; MLUtils.jl src/utils.jl flatten.
    """
@overload
def convert_dense(w: np.ndarray[Any, np.dtype[D]], src: Dialect, dst: Dialect, *, image: Sequence[int] | None = None, src_layout: str | None = None, dst_layout: str | None = None, contiguous: bool = False) -> NDArray[D]: ...
@overload
def convert_dense(w: A, src: Dialect, dst: Dialect, *, image: Sequence[int] | None = None, src_layout: str | None = None, dst_layout: str | None = None, contiguous: bool = False) -> A: ...

@overload
def convert_bias(bias: Tensor, src: Dialect, dst: Dialect, kind: Kind = 'conv', *, rank: int | None = None) -> Tensor:
    r"""Reshape a bias of ``src`` into that of ``dst``: a vector, or one with y's axes.

    The order of the output channels is the same everywhere: groups, then channels of one group.

    Args:
        bias: an array (o,), or where ``src`` has it so (knet.ops21.conv) with y's axes, all of
            size 1 but the channels'.
        src, dst, kind: as for ``convert_kernel``.
        rank: how many spatial axes y has, where neither the bias nor a function tells.

    Raises:
        UnknownName: no such function, or a family without this operation.
        BadOption: rank is missing.
        BadShape: no bias of ``src``.
        CannotExpress: ``dst`` has no such rank.

    >>> import numpy as np
    >>> convert_bias(np.array([1, 2]), "pytorch", "knet.ops21.conv", rank=2).tolist()
    [[[[1], [2]]]]
    """
@overload
def convert_bias(bias: np.ndarray[Any, np.dtype[D]], src: Dialect, dst: Dialect, kind: Kind = 'conv', *, rank: int | None = None) -> NDArray[D]: ...
@overload
def convert_bias(bias: A, src: Dialect, dst: Dialect, kind: Kind = 'conv', *, rank: int | None = None) -> A: ...

@overload
def convert_kernel(w: Tensor, src: Dialect, dst: Dialect, kind: Kind = 'conv', groups: int | None = None, *, src_options: Options | None = None, dst_options: Options | None = None, contiguous: bool = False) -> Tensor:
    r"""Rearrange a kernel of ``src`` into the one with which ``dst`` computes the same.

    Axes are told by the layouts of the two functions, never by their sizes; where one function
    convolves and the other correlates, every spatial axis is reversed.  Numbers are moved, never
    computed with: any dtype, bit by bit; but a complex kernel is conjugated where one function
    conjugates its kernel and the other does not.

    Args:
        w: a torch tensor, a NumPy array or an array with DLPack, in ``src``'s layout: ``o i ...``
            for pytorch, ``... i o`` for tf; a pair (depthwise, pointwise) for a separable_conv.
        src, dst: a function ("tf.nn.conv2d", "knet.conv4") or a family ("tf"), which means its
            main function for w's number of axes.
        kind: the operation that a family name stands for: "conv", "conv_transpose",
            "depthwise_conv" or "separable_conv".  A family without a depthwise_conv takes the
            kernel as that of a conv with as many groups as channels.
        groups: how many groups w has; None for 1, or for what a depthwise kernel itself says.
        src_options, dst_options: native options that change how a kernel is read, such as
            ``{"mode": 1}`` for knet.conv4 or ``{"data_format": "channels_first"}``.
        contiguous: whether the result must lie in memory in its own order (C order).  By default
            it shares w's memory where a view can say it.

    Returns:
        The kernel in ``dst``'s layout, of w's kind and dtype.

    Raises:
        UnknownName: no such function, or a family without this operation.
        BadOption: an option that does not change the kernel, or ``groups`` missing or impossible.
        BadShape: a number of axes or channels that ``src`` cannot have.
        BadArray: no array, or one of a dtype that is no number.
        CannotExpress: ``dst`` has no such kernel, with the field that it lacks.

    A kernel of 2 taps, 1 channel in and 3 out; Knet reads it backwards:

    >>> import numpy as np
    >>> w = np.array([[[1, 2, 3]], [[4, 5, 6]]])  # TensorFlow: ... i o
    >>> convert_kernel(w, "tf", "pytorch").tolist()  # o i ...
    [[[1, 4]], [[2, 5]], [[3, 6]]]
    >>> convert_kernel(w, "tf", "knet")[:, 0].tolist()  # ... i o
    [[4, 5, 6], [1, 2, 3]]

    Source: the layout and the flip of each function's spec, as ``uniconv show NAME`` prints them.
    """
@overload
def convert_kernel(w: np.ndarray[Any, np.dtype[D]], src: Dialect, dst: Dialect, kind: Kind = 'conv', groups: int | None = None, *, src_options: Options | None = None, dst_options: Options | None = None, contiguous: bool = False) -> NDArray[D]: ...
@overload
def convert_kernel(w: A, src: Dialect, dst: Dialect, kind: Kind = 'conv', groups: int | None = None, *, src_options: Options | None = None, dst_options: Options | None = None, contiguous: bool = False) -> A: ...
@overload
def convert_kernel(w: tuple[Array, Array], src: Dialect, dst: Dialect, kind: Kind = 'conv', groups: int | None = None, *, src_options: Options | None = None, dst_options: Options | None = None, contiguous: bool = False) -> Any: ...

@overload
def convert_state_dict(weights: Mapping[str, Tensor], src: Dialect, dst: Dialect, *, names: NameMap = None, keep_all: bool = False, weight_norm: str = 'fold', fold_batchnorm: bool | Mapping[str, str] = False, eps: float | None = None, like: Any = None) -> dict[str, Tensor]:
    r"""The arrays of a network as another framework wants them: kernels converted, others kept.

    BatchNorm's arrays get ``dst``'s names and shapes; what training left (slots of the optimizer,
    counters, moving averages of weights) is left out.  Kernels that are laid out for ``dst``
    already, by the sizes of the biases beside them or of ``like``, stay as they are.

    Args:
        weights: arrays by name, such as a ``state_dict``, or a file of them (``uniconv.files``
            lists the formats).
        src, dst: families ("keras", "pytorch"), or single functions, as for ``convert_kernel``.
        names: what the names do not tell by themselves: a mapping (or a JSON file of one) from a
            name, or a pattern with ``*``, to a kind ("conv", "conv_transpose", "depthwise_conv",
            "dense", "keep", "skip") or to an object with "kind" and "rename", "groups", "image",
            "src_layout", "dst_layout", "src_options", "dst_options".  The first that matches
            counts, a full name before any pattern.
        keep_all: whether what training left comes along; slots are converted as their variables.
        weight_norm: "fold" makes one kernel of weight norm's two arrays, "keep" converts both.
        fold_batchnorm: True folds each BatchNorm whose name lies in a convolution's; a mapping
            says for others what they follow, ``{"layer*.bn*": "layer*.conv*"}``; the rest stay.
        eps: what every BatchNorm adds to its variance (default: what the file says of each, where
            it has the layers beside their arrays: Keras's models, .onnx, Caffe, ncnn, Core ML).
        like: a torch module, or shapes as PyTorch has them, as ``which_layout`` takes it: tells
            whether the kernels are converted already where no bias does.

    Returns:
        The arrays by name, each of the kind it had (NumPy, torch, ...), views where possible.
        What is computed (folded, weight norm) is computed in float64 and rounded once.

    Raises:
        UniconvError: an array of which nothing tells whether it is a kernel, or which ``dst``
            cannot hold: one message lists them all, and nothing is converted.
        UnknownName: no such family or function.
        BadOption: a map that is none, or an entry in it that matches no array.
        BadArray: a value that is no array.
        BadShape: ``like`` fits the kernels of both frameworks, or of neither.
        BadFile: a file that cannot be read.

    >>> keras = {"conv2d/kernel": np.zeros((3, 2, 4, 5)), "conv2d/bias": np.zeros(5)}
    >>> {name: a.shape for name, a in convert_state_dict(keras, "keras", "pytorch").items()}
    {'conv2d/kernel': (5, 4, 3, 2), 'conv2d/bias': (5,)}
    >>> norm = {"bn/moving_mean": np.zeros(5), "bn/moving_variance": np.ones(5)}
    >>> list(convert_state_dict(norm | {"global_step": np.array(9)}, "keras", "pytorch"))
    ['bn/running_mean', 'bn/running_var']

    Source: the layout and the flip of each function's spec, as ``uniconv show NAME`` prints them.
    """
@overload
def convert_state_dict(weights: Mapping[str, NDArray[D]], src: Dialect, dst: Dialect, *, names: NameMap = None, keep_all: bool = False, weight_norm: str = 'fold', fold_batchnorm: bool | Mapping[str, str] = False, eps: float | None = None, like: Any = None) -> dict[str, NDArray[D]]: ...
@overload
def convert_state_dict(weights: Weights, src: Dialect, dst: Dialect, *, names: NameMap = None, keep_all: bool = False, weight_norm: str = 'fold', fold_batchnorm: bool | Mapping[str, str] = False, eps: float | None = None, like: Any = None) -> dict[str, Any]: ...

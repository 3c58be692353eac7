"""Keras's convolution layers under their own names, as torch modules.

Made by docs/make_layer_stubs.py from uniconv/_dialects/keras.py.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from uniconv.nn import modules

__all__ = [
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
]

if not TYPE_CHECKING:  # a checker refuses the name itself

    def __getattr__(name: str) -> Any:
        raise AttributeError(f"{__name__} has no layer {name}; it has {', '.join(__all__)}")


class Conv1D(modules.Conv):
    """``keras.layers.Conv1D``: ``uniconv.nn.Conv`` in its words.

    The input channels come with the first input.

    ``uniconv show keras.layers.Conv1D`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: keras 3.15.1 keras/src/layers/convolutional/base_conv.py.
    """

    WORDS = {
        "out_channels": "filters",
        "bias": "use_bias",
    }

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: Any = 1,
        padding: Any = "valid",
        data_format: Any = None,
        dilation_rate: Any = 1,
        groups: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="keras.layers.Conv1D",
            out_channels=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            groups=groups,
            activation=activation,
            bias=use_bias,
            device=device,
            dtype=dtype,
            precision=precision,
            in_channels=None,
        )


class Conv2D(modules.Conv):
    """``keras.layers.Conv2D``: ``uniconv.nn.Conv`` in its words.

    The input channels come with the first input.

    ``uniconv show keras.layers.Conv2D`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: keras 3.15.1 keras/src/layers/convolutional/base_conv.py.
    """

    WORDS = {
        "out_channels": "filters",
        "bias": "use_bias",
    }

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: Any = 1,
        padding: Any = "valid",
        data_format: Any = None,
        dilation_rate: Any = 1,
        groups: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="keras.layers.Conv2D",
            out_channels=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            groups=groups,
            activation=activation,
            bias=use_bias,
            device=device,
            dtype=dtype,
            precision=precision,
            in_channels=None,
        )


class Conv3D(modules.Conv):
    """``keras.layers.Conv3D``: ``uniconv.nn.Conv`` in its words.

    The input channels come with the first input.

    ``uniconv show keras.layers.Conv3D`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: keras 3.15.1 keras/src/layers/convolutional/base_conv.py.
    """

    WORDS = {
        "out_channels": "filters",
        "bias": "use_bias",
    }

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: Any = 1,
        padding: Any = "valid",
        data_format: Any = None,
        dilation_rate: Any = 1,
        groups: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="keras.layers.Conv3D",
            out_channels=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            groups=groups,
            activation=activation,
            bias=use_bias,
            device=device,
            dtype=dtype,
            precision=precision,
            in_channels=None,
        )


class Conv1DTranspose(modules.ConvTranspose):
    """``keras.layers.Conv1DTranspose``: ``uniconv.nn.ConvTranspose`` in its words.

    The input channels come with the first input.

    ``uniconv show keras.layers.Conv1DTranspose`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: keras 3.15.1 keras/src/layers/convolutional/base_conv_transpose.py.
    """

    WORDS = {
        "out_channels": "filters",
        "bias": "use_bias",
    }

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: Any = 1,
        padding: Any = "valid",
        output_padding: Any = None,
        data_format: Any = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="keras.layers.Conv1DTranspose",
            out_channels=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            output_padding=output_padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            bias=use_bias,
            device=device,
            dtype=dtype,
            precision=precision,
            in_channels=None,
        )


class Conv2DTranspose(modules.ConvTranspose):
    """``keras.layers.Conv2DTranspose``: ``uniconv.nn.ConvTranspose`` in its words.

    The input channels come with the first input.

    ``uniconv show keras.layers.Conv2DTranspose`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: keras 3.15.1 keras/src/layers/convolutional/base_conv_transpose.py.
    """

    WORDS = {
        "out_channels": "filters",
        "bias": "use_bias",
    }

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: Any = 1,
        padding: Any = "valid",
        output_padding: Any = None,
        data_format: Any = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="keras.layers.Conv2DTranspose",
            out_channels=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            output_padding=output_padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            bias=use_bias,
            device=device,
            dtype=dtype,
            precision=precision,
            in_channels=None,
        )


class Conv3DTranspose(modules.ConvTranspose):
    """``keras.layers.Conv3DTranspose``: ``uniconv.nn.ConvTranspose`` in its words.

    The input channels come with the first input.

    ``uniconv show keras.layers.Conv3DTranspose`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: keras 3.15.1 keras/src/layers/convolutional/base_conv_transpose.py.
    """

    WORDS = {
        "out_channels": "filters",
        "bias": "use_bias",
    }

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: Any = 1,
        padding: Any = "valid",
        data_format: Any = None,
        output_padding: Any = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="keras.layers.Conv3DTranspose",
            out_channels=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            output_padding=output_padding,
            dilation_rate=dilation_rate,
            activation=activation,
            bias=use_bias,
            device=device,
            dtype=dtype,
            precision=precision,
            in_channels=None,
        )


class DepthwiseConv1D(modules.DepthwiseConv):
    """``keras.layers.DepthwiseConv1D``: ``uniconv.nn.DepthwiseConv`` in its words.

    The input channels come with the first input.

    ``uniconv show keras.layers.DepthwiseConv1D`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.DepthwiseConv``, in these words.

    Source: keras 3.15.1 keras/src/layers/convolutional/base_depthwise_conv.py.
    """

    WORDS = {
        "multiplier": "depth_multiplier",
        "bias": "use_bias",
    }

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: Any = 1,
        padding: Any = "valid",
        depth_multiplier: int = 1,
        data_format: Any = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="keras.layers.DepthwiseConv1D",
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            multiplier=depth_multiplier,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            bias=use_bias,
            device=device,
            dtype=dtype,
            precision=precision,
            in_channels=None,
        )


class DepthwiseConv2D(modules.DepthwiseConv):
    """``keras.layers.DepthwiseConv2D``: ``uniconv.nn.DepthwiseConv`` in its words.

    The input channels come with the first input.

    ``uniconv show keras.layers.DepthwiseConv2D`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.DepthwiseConv``, in these words.

    Source: keras 3.15.1 keras/src/layers/convolutional/base_depthwise_conv.py.
    """

    WORDS = {
        "multiplier": "depth_multiplier",
        "bias": "use_bias",
    }

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: Any = 1,
        padding: Any = "valid",
        depth_multiplier: int = 1,
        data_format: Any = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="keras.layers.DepthwiseConv2D",
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            multiplier=depth_multiplier,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            bias=use_bias,
            device=device,
            dtype=dtype,
            precision=precision,
            in_channels=None,
        )


class SeparableConv1D(modules.SeparableConv):
    """``keras.layers.SeparableConv1D``: ``uniconv.nn.SeparableConv`` in its words.

    The input channels come with the first input.

    ``uniconv show keras.layers.SeparableConv1D`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.SeparableConv``, in these words.

    Source: keras 3.15.1 keras/src/layers/convolutional/base_separable_conv.py.
    """

    WORDS = {
        "out_channels": "filters",
        "multiplier": "depth_multiplier",
        "bias": "use_bias",
    }

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: Any = 1,
        padding: Any = "valid",
        data_format: Any = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="keras.layers.SeparableConv1D",
            out_channels=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            multiplier=depth_multiplier,
            activation=activation,
            bias=use_bias,
            device=device,
            dtype=dtype,
            precision=precision,
            in_channels=None,
        )


class SeparableConv2D(modules.SeparableConv):
    """``keras.layers.SeparableConv2D``: ``uniconv.nn.SeparableConv`` in its words.

    The input channels come with the first input.

    ``uniconv show keras.layers.SeparableConv2D`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.SeparableConv``, in these words.

    Source: keras 3.15.1 keras/src/layers/convolutional/base_separable_conv.py.
    """

    WORDS = {
        "out_channels": "filters",
        "multiplier": "depth_multiplier",
        "bias": "use_bias",
    }

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: Any = 1,
        padding: Any = "valid",
        data_format: Any = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="keras.layers.SeparableConv2D",
            out_channels=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            multiplier=depth_multiplier,
            activation=activation,
            bias=use_bias,
            device=device,
            dtype=dtype,
            precision=precision,
            in_channels=None,
        )

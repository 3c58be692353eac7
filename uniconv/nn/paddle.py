"""Paddle's convolution layers under their own names, as torch modules.

Made by docs/make_layer_stubs.py from uniconv/_dialects/paddle.py.
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
]

if not TYPE_CHECKING:  # a checker refuses the name itself

    def __getattr__(name: str) -> Any:
        raise AttributeError(f"{__name__} has no layer {name}; it has {', '.join(__all__)}")


class Conv1D(modules.Conv):
    """``paddle.nn.Conv1D``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show paddle.nn.Conv1D`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: paddle 3.3.1 python/paddle/nn/layer/conv.py Conv1D.
    """

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
        *,
        bias: bool = True,
        padding_mode: Any = "zeros",
        bias_attr: Any = None,
        data_format: Any = "NCL",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="paddle.nn.Conv1D",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias and bias_attr is not False,
            padding_mode=padding_mode,
            data_format=data_format,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class Conv2D(modules.Conv):
    """``paddle.nn.Conv2D``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show paddle.nn.Conv2D`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: paddle 3.3.1 python/paddle/nn/layer/conv.py Conv2D.
    """

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
        *,
        bias: bool = True,
        padding_mode: Any = "zeros",
        bias_attr: Any = None,
        data_format: Any = "NCHW",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="paddle.nn.Conv2D",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias and bias_attr is not False,
            padding_mode=padding_mode,
            data_format=data_format,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class Conv3D(modules.Conv):
    """``paddle.nn.Conv3D``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show paddle.nn.Conv3D`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: paddle 3.3.1 python/paddle/nn/layer/conv.py Conv3D.
    """

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
        *,
        bias: bool = True,
        padding_mode: Any = "zeros",
        bias_attr: Any = None,
        data_format: Any = "NCDHW",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="paddle.nn.Conv3D",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias and bias_attr is not False,
            padding_mode=padding_mode,
            data_format=data_format,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class Conv1DTranspose(modules.ConvTranspose):
    """``paddle.nn.Conv1DTranspose``: ``uniconv.nn.ConvTranspose`` in its words.

    ``uniconv show paddle.nn.functional.conv1d_transpose`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: paddle 3.3.1 python/paddle/nn/layer/conv.py.
    """

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: Any = 1,
        dilation: Any = 1,
        *,
        bias_attr: Any = None,
        data_format: Any = "NCL",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="paddle.nn.functional.conv1d_transpose",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            groups=groups,
            dilation=dilation,
            bias=bias_attr is not False,
            data_format=data_format,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class Conv2DTranspose(modules.ConvTranspose):
    """``paddle.nn.Conv2DTranspose``: ``uniconv.nn.ConvTranspose`` in its words.

    ``uniconv show paddle.nn.functional.conv2d_transpose`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: paddle 3.3.1 python/paddle/nn/layer/conv.py.
    """

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
        *,
        bias_attr: Any = None,
        data_format: Any = "NCHW",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="paddle.nn.functional.conv2d_transpose",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            dilation=dilation,
            groups=groups,
            bias=bias_attr is not False,
            data_format=data_format,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class Conv3DTranspose(modules.ConvTranspose):
    """``paddle.nn.Conv3DTranspose``: ``uniconv.nn.ConvTranspose`` in its words.

    ``uniconv show paddle.nn.functional.conv3d_transpose`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: paddle 3.3.1 python/paddle/nn/layer/conv.py.
    """

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
        *,
        bias_attr: Any = None,
        data_format: Any = "NCDHW",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="paddle.nn.functional.conv3d_transpose",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            dilation=dilation,
            groups=groups,
            bias=bias_attr is not False,
            data_format=data_format,
            device=device,
            dtype=dtype,
            precision=precision,
        )

"""PyTorch's convolution layers under their own names, as torch modules.

Made by docs/make_layer_stubs.py from uniconv/_dialects/pytorch.py.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from uniconv.nn import modules

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
]

if not TYPE_CHECKING:  # a checker refuses the name itself

    def __getattr__(name: str) -> Any:
        raise AttributeError(f"{__name__} has no layer {name}; it has {', '.join(__all__)}")


class Conv1d(modules.Conv):
    """``torch.nn.Conv1d``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show torch.nn.Conv1d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: pytorch 2.13.0 torch/nn/modules/conv.py.
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
        bias: bool = True,
        padding_mode: Any = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="torch.nn.Conv1d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias,
            padding_mode=padding_mode,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class Conv2d(modules.Conv):
    """``torch.nn.Conv2d``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show torch.nn.Conv2d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: pytorch 2.13.0 torch/nn/modules/conv.py.
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
        bias: bool = True,
        padding_mode: Any = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="torch.nn.Conv2d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias,
            padding_mode=padding_mode,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class Conv3d(modules.Conv):
    """``torch.nn.Conv3d``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show torch.nn.Conv3d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: pytorch 2.13.0 torch/nn/modules/conv.py.
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
        bias: bool = True,
        padding_mode: Any = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="torch.nn.Conv3d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias,
            padding_mode=padding_mode,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class ConvTranspose1d(modules.ConvTranspose):
    """``torch.nn.ConvTranspose1d``: ``uniconv.nn.ConvTranspose`` in its words.

    ``uniconv show torch.nn.ConvTranspose1d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: pytorch 2.13.0 torch/nn/modules/conv.py.
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
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: Any = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="torch.nn.ConvTranspose1d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            groups=groups,
            bias=bias,
            dilation=dilation,
            padding_mode=padding_mode,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class ConvTranspose2d(modules.ConvTranspose):
    """``torch.nn.ConvTranspose2d``: ``uniconv.nn.ConvTranspose`` in its words.

    ``uniconv show torch.nn.ConvTranspose2d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: pytorch 2.13.0 torch/nn/modules/conv.py.
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
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: Any = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="torch.nn.ConvTranspose2d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            groups=groups,
            bias=bias,
            dilation=dilation,
            padding_mode=padding_mode,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class ConvTranspose3d(modules.ConvTranspose):
    """``torch.nn.ConvTranspose3d``: ``uniconv.nn.ConvTranspose`` in its words.

    ``uniconv show torch.nn.ConvTranspose3d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: pytorch 2.13.0 torch/nn/modules/conv.py.
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
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: Any = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="torch.nn.ConvTranspose3d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            groups=groups,
            bias=bias,
            dilation=dilation,
            padding_mode=padding_mode,
            device=device,
            dtype=dtype,
            precision=precision,
        )

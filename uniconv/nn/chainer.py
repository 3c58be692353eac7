"""Chainer's convolution layers under their own names, as torch modules.

Made by docs/make_layer_stubs.py from uniconv/_dialects/chainer.py.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from uniconv.nn import modules

__all__ = [
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "Deconvolution1D",
    "Deconvolution2D",
    "Deconvolution3D",
    "DepthwiseConvolution2D",
    "DilatedConvolution2D",
]

if not TYPE_CHECKING:  # a checker refuses the name itself

    def __getattr__(name: str) -> Any:
        raise AttributeError(f"{__name__} has no layer {name}; it has {', '.join(__all__)}")


class Convolution1D(modules.Conv):
    """``chainer.links.Convolution1D``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show chainer.functions.convolution_1d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: chainer 7.8.1 chainer/links/connection.
    """

    WORDS = {
        "kernel_size": "ksize",
    }

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: int | Sequence[int],
        stride: Any = 1,
        pad: Any = 0,
        nobias: bool = False,
        *,
        cover_all: Any = False,
        dilate: Any = 1,
        groups: Any = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="chainer.functions.convolution_1d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=ksize,
            stride=stride,
            pad=pad,
            bias=not nobias,
            cover_all=cover_all,
            dilate=dilate,
            groups=groups,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class Convolution2D(modules.Conv):
    """``chainer.links.Convolution2D``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show chainer.functions.convolution_2d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: chainer 7.8.1 chainer/links/connection.
    """

    WORDS = {
        "kernel_size": "ksize",
    }

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: int | Sequence[int],
        stride: Any = 1,
        pad: Any = 0,
        nobias: bool = False,
        *,
        dilate: Any = 1,
        groups: Any = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="chainer.functions.convolution_2d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=ksize,
            stride=stride,
            pad=pad,
            bias=not nobias,
            dilate=dilate,
            groups=groups,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class Convolution3D(modules.Conv):
    """``chainer.links.Convolution3D``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show chainer.functions.convolution_3d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: chainer 7.8.1 chainer/links/connection.
    """

    WORDS = {
        "kernel_size": "ksize",
    }

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: int | Sequence[int],
        stride: Any = 1,
        pad: Any = 0,
        nobias: bool = False,
        *,
        cover_all: Any = False,
        dilate: Any = 1,
        groups: Any = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="chainer.functions.convolution_3d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=ksize,
            stride=stride,
            pad=pad,
            bias=not nobias,
            cover_all=cover_all,
            dilate=dilate,
            groups=groups,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class DilatedConvolution2D(modules.Conv):
    """``chainer.links.DilatedConvolution2D``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show chainer.functions.dilated_convolution_2d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: chainer 7.8.1 chainer/links/connection.
    """

    WORDS = {
        "kernel_size": "ksize",
    }

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: int | Sequence[int],
        stride: Any = 1,
        pad: Any = 0,
        dilate: Any = 1,
        nobias: bool = False,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="chainer.functions.dilated_convolution_2d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=ksize,
            stride=stride,
            pad=pad,
            dilate=dilate,
            bias=not nobias,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class DepthwiseConvolution2D(modules.DepthwiseConv):
    """``chainer.links.DepthwiseConvolution2D``: ``uniconv.nn.DepthwiseConv`` in its words.

    ``uniconv show chainer.functions.depthwise_convolution_2d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.DepthwiseConv``, in these words.

    Source: chainer 7.8.1 chainer/links/connection.
    """

    WORDS = {
        "multiplier": "channel_multiplier",
        "kernel_size": "ksize",
    }

    def __init__(
        self,
        in_channels: int | None,
        channel_multiplier: int,
        ksize: int | Sequence[int],
        stride: Any = 1,
        pad: Any = 0,
        nobias: bool = False,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="chainer.functions.depthwise_convolution_2d",
            in_channels=in_channels,
            multiplier=channel_multiplier,
            kernel_size=ksize,
            stride=stride,
            pad=pad,
            bias=not nobias,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class Deconvolution1D(modules.ConvTranspose):
    """``chainer.links.Deconvolution1D``: ``uniconv.nn.ConvTranspose`` in its words.

    ``uniconv show chainer.functions.deconvolution_1d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: chainer 7.8.1 chainer/links/connection.
    """

    WORDS = {
        "kernel_size": "ksize",
    }

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: int | Sequence[int],
        stride: Any = 1,
        pad: Any = 0,
        nobias: bool = False,
        outsize: Any = None,
        *,
        dilate: Any = 1,
        groups: Any = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="chainer.functions.deconvolution_1d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=ksize,
            stride=stride,
            pad=pad,
            bias=not nobias,
            outsize=outsize,
            dilate=dilate,
            groups=groups,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class Deconvolution2D(modules.ConvTranspose):
    """``chainer.links.Deconvolution2D``: ``uniconv.nn.ConvTranspose`` in its words.

    ``uniconv show chainer.functions.deconvolution_2d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: chainer 7.8.1 chainer/links/connection.
    """

    WORDS = {
        "kernel_size": "ksize",
    }

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: int | Sequence[int],
        stride: Any = 1,
        pad: Any = 0,
        nobias: bool = False,
        outsize: Any = None,
        *,
        dilate: Any = 1,
        groups: Any = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="chainer.functions.deconvolution_2d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=ksize,
            stride=stride,
            pad=pad,
            bias=not nobias,
            outsize=outsize,
            dilate=dilate,
            groups=groups,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class Deconvolution3D(modules.ConvTranspose):
    """``chainer.links.Deconvolution3D``: ``uniconv.nn.ConvTranspose`` in its words.

    ``uniconv show chainer.functions.deconvolution_3d`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: chainer 7.8.1 chainer/links/connection.
    """

    WORDS = {
        "kernel_size": "ksize",
    }

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: int | Sequence[int],
        stride: Any = 1,
        pad: Any = 0,
        nobias: bool = False,
        outsize: Any = None,
        *,
        dilate: Any = 1,
        groups: Any = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="chainer.functions.deconvolution_3d",
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=ksize,
            stride=stride,
            pad=pad,
            bias=not nobias,
            outsize=outsize,
            dilate=dilate,
            groups=groups,
            device=device,
            dtype=dtype,
            precision=precision,
        )

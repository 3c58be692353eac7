"""Flax's convolution layers under their own names, as torch modules.

Made by docs/make_layer_stubs.py from uniconv/_dialects/flax.py.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from uniconv.nn import modules

__all__ = [
    "Conv",
    "ConvTranspose",
    "NNXConv",
    "NNXConvTranspose",
]

if not TYPE_CHECKING:  # a checker refuses the name itself

    def __getattr__(name: str) -> Any:
        raise AttributeError(f"{__name__} has no layer {name}; it has {', '.join(__all__)}")


class Conv(modules.Conv):
    """``flax.linen.Conv``: ``uniconv.nn.Conv`` in its words.

    The input channels come with the first input.

    ``uniconv show flax.linen.Conv`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: flax 0.12.8 flax/linen/linear.py _Conv.
    """

    WORDS = {
        "out_channels": "features",
        "bias": "use_bias",
    }

    def __init__(
        self,
        features: int,
        kernel_size: int | Sequence[int],
        strides: Any = 1,
        padding: Any = "SAME",
        input_dilation: Any = 1,
        kernel_dilation: Any = 1,
        feature_group_count: Any = 1,
        use_bias: bool = True,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="flax.linen.Conv",
            out_channels=features,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            input_dilation=input_dilation,
            kernel_dilation=kernel_dilation,
            feature_group_count=feature_group_count,
            bias=use_bias,
            device=device,
            dtype=dtype,
            precision=precision,
            in_channels=None,
        )


class ConvTranspose(modules.ConvTranspose):
    """``flax.linen.ConvTranspose``: ``uniconv.nn.ConvTranspose`` in its words.

    The input channels come with the first input.

    ``uniconv show flax.linen.ConvTranspose`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: flax 0.12.8 flax/linen/linear.py ConvTranspose.
    """

    WORDS = {
        "out_channels": "features",
        "bias": "use_bias",
    }

    def __init__(
        self,
        features: int,
        kernel_size: int | Sequence[int],
        strides: Any = None,
        padding: Any = "SAME",
        kernel_dilation: Any = None,
        use_bias: bool = True,
        *,
        transpose_kernel: Any = False,
        preferred_element_type: Any = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="flax.linen.ConvTranspose",
            out_channels=features,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            kernel_dilation=kernel_dilation,
            bias=use_bias,
            transpose_kernel=transpose_kernel,
            preferred_element_type=preferred_element_type,
            device=device,
            dtype=dtype,
            precision=precision,
            in_channels=None,
        )


class NNXConv(modules.Conv):
    """``flax.nnx.Conv``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show flax.nnx.Conv`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: flax 0.12.8 flax/nnx/nn/linear.py Conv.
    """

    WORDS = {
        "in_channels": "in_features",
        "out_channels": "out_features",
        "bias": "use_bias",
    }

    def __init__(
        self,
        in_features: int | None,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: Any = 1,
        *,
        padding: Any = "SAME",
        input_dilation: Any = 1,
        kernel_dilation: Any = 1,
        feature_group_count: Any = 1,
        use_bias: bool = True,
        preferred_element_type: Any = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="flax.nnx.Conv",
            in_channels=in_features,
            out_channels=out_features,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            input_dilation=input_dilation,
            kernel_dilation=kernel_dilation,
            feature_group_count=feature_group_count,
            bias=use_bias,
            preferred_element_type=preferred_element_type,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class NNXConvTranspose(modules.ConvTranspose):
    """``flax.nnx.ConvTranspose``: ``uniconv.nn.ConvTranspose`` in its words.

    ``uniconv show flax.nnx.ConvTranspose`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: flax 0.12.8 flax/nnx/nn/linear.py ConvTranspose.
    """

    WORDS = {
        "in_channels": "in_features",
        "out_channels": "out_features",
        "bias": "use_bias",
    }

    def __init__(
        self,
        in_features: int | None,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: Any = None,
        *,
        padding: Any = "SAME",
        kernel_dilation: Any = None,
        use_bias: bool = True,
        transpose_kernel: Any = False,
        preferred_element_type: Any = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="flax.nnx.ConvTranspose",
            in_channels=in_features,
            out_channels=out_features,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            kernel_dilation=kernel_dilation,
            bias=use_bias,
            transpose_kernel=transpose_kernel,
            preferred_element_type=preferred_element_type,
            device=device,
            dtype=dtype,
            precision=precision,
        )

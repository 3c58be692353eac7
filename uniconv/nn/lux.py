"""Lux's convolution layers under their own names, as torch modules.

Made by docs/make_layer_stubs.py from uniconv/_dialects/lux.py.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from uniconv.nn import modules

__all__ = [
    "Conv",
    "ConvTranspose",
]

if not TYPE_CHECKING:  # a checker refuses the name itself

    def __getattr__(name: str) -> Any:
        raise AttributeError(f"{__name__} has no layer {name}; it has {', '.join(__all__)}")


class Conv(modules.Conv):
    """``lux.Conv``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show lux.Conv`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: LuxDL/Lux.jl @ 6f4b96cc (1.31.4) src/layers/conv.jl Conv.
    """

    WORDS = {
        "kernel_size": "k",
        "in_channels": "chs[0]",
        "out_channels": "chs[1]",
        "bias": "use_bias",
    }

    def __init__(
        self,
        k: int | Sequence[int],
        chs: tuple[int | None, int],
        activation: Any = "identity",
        *,
        stride: Any = 1,
        pad: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
        cross_correlation: Any = False,
        use_bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="lux.Conv",
            kernel_size=k,
            in_channels=chs[0],
            out_channels=chs[1],
            activation=activation,
            stride=stride,
            pad=pad,
            dilation=dilation,
            groups=groups,
            cross_correlation=cross_correlation,
            bias=use_bias,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class ConvTranspose(modules.ConvTranspose):
    """``lux.ConvTranspose``: ``uniconv.nn.ConvTranspose`` in its words.

    ``uniconv show lux.ConvTranspose`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: LuxDL/Lux.jl @ 6f4b96cc (1.31.4) src/layers/conv.jl ConvTranspose.
    """

    WORDS = {
        "kernel_size": "k",
        "in_channels": "chs[0]",
        "out_channels": "chs[1]",
        "bias": "use_bias",
    }

    def __init__(
        self,
        k: int | Sequence[int],
        chs: tuple[int | None, int],
        activation: Any = "identity",
        *,
        stride: Any = 1,
        pad: Any = 0,
        outpad: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
        cross_correlation: Any = False,
        use_bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="lux.ConvTranspose",
            kernel_size=k,
            in_channels=chs[0],
            out_channels=chs[1],
            activation=activation,
            stride=stride,
            pad=pad,
            outpad=outpad,
            dilation=dilation,
            groups=groups,
            cross_correlation=cross_correlation,
            bias=use_bias,
            device=device,
            dtype=dtype,
            precision=precision,
        )

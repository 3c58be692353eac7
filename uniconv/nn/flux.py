"""Flux's convolution layers under their own names, as torch modules.

Made by docs/make_layer_stubs.py from uniconv/_dialects/flux.py.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from uniconv.nn import modules

__all__ = [
    "Conv",
    "ConvTranspose",
    "CrossCor",
]

if not TYPE_CHECKING:  # a checker refuses the name itself

    def __getattr__(name: str) -> Any:
        raise AttributeError(f"{__name__} has no layer {name}; it has {', '.join(__all__)}")


class Conv(modules.Conv):
    """``flux.Conv``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show flux.Conv`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: FluxML/Flux.jl @ 3f2f828b (0.16.11) src/layers/conv.jl Conv.
    """

    WORDS = {
        "kernel_size": "filter",
        "in_channels": "ch[0]",
        "out_channels": "ch[1]",
    }

    def __init__(
        self,
        filter: int | Sequence[int],
        ch: tuple[int | None, int],
        σ: Any = "identity",
        *,
        stride: Any = 1,
        pad: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="flux.Conv",
            kernel_size=filter,
            in_channels=ch[0],
            out_channels=ch[1],
            σ=σ,
            stride=stride,
            pad=pad,
            dilation=dilation,
            groups=groups,
            bias=bias,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class CrossCor(modules.Conv):
    """``flux.CrossCor``: ``uniconv.nn.Conv`` in its words.

    ``uniconv show flux.CrossCor`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.Conv``, in these words.

    Source: FluxML/Flux.jl @ 3f2f828b (0.16.11) src/layers/conv.jl CrossCor.
    """

    WORDS = {
        "kernel_size": "filter",
        "in_channels": "ch[0]",
        "out_channels": "ch[1]",
    }

    def __init__(
        self,
        filter: int | Sequence[int],
        ch: tuple[int | None, int],
        σ: Any = "identity",
        *,
        stride: Any = 1,
        pad: Any = 0,
        dilation: Any = 1,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="flux.CrossCor",
            kernel_size=filter,
            in_channels=ch[0],
            out_channels=ch[1],
            σ=σ,
            stride=stride,
            pad=pad,
            dilation=dilation,
            bias=bias,
            device=device,
            dtype=dtype,
            precision=precision,
        )


class ConvTranspose(modules.ConvTranspose):
    """``flux.ConvTranspose``: ``uniconv.nn.ConvTranspose`` in its words.

    ``uniconv show flux.ConvTranspose`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.ConvTranspose``, in these words.

    Source: FluxML/Flux.jl @ 3f2f828b (0.16.11) src/layers/conv.jl ConvTranspose.
    """

    WORDS = {
        "kernel_size": "filter",
        "in_channels": "ch[0]",
        "out_channels": "ch[1]",
    }

    def __init__(
        self,
        filter: int | Sequence[int],
        ch: tuple[int | None, int],
        σ: Any = "identity",
        *,
        stride: Any = 1,
        pad: Any = 0,
        outpad: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        precision: Any = None,
    ) -> None:
        super().__init__(
            dialect="flux.ConvTranspose",
            kernel_size=filter,
            in_channels=ch[0],
            out_channels=ch[1],
            σ=σ,
            stride=stride,
            pad=pad,
            outpad=outpad,
            dilation=dilation,
            groups=groups,
            bias=bias,
            device=device,
            dtype=dtype,
            precision=precision,
        )

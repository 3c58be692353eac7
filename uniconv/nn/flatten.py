"""Flatten: the order of the features after the last convolution, as each framework has it."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from uniconv._messages import show
from uniconv.errors import BadOption, BadShape, UnknownName, from_one_frame
from uniconv.spec.registry import find, framework

__all__ = ["Flatten"]


class Flatten(nn.Module):
    """All axes but the batch as one, in the order that ``dialect`` gives them.

    ======  ==========================================================================
    x       in the framework's layout
    y       ``n features``; in Julia and MATLAB, whose batch is last, ``features n``
    ======  ==========================================================================

    Row-major frameworks run through the last axis fastest: (H, W, C) for channels last, (C, H, W)
    for channels first.  Julia and MATLAB run through the first axis fastest.  Keras moves the
    channels last before it flattens, also with data_format="channels_first".

    Args:
        dialect: a family or a function.
        data_format: Keras's, "channels_last" (default) or "channels_first".

    Raises:
        UnknownName: no such dialect.
        BadOption: a data_format that Keras does not have, or given to another framework.
        BadShape: x has no axis to flatten.

    >>> import torch
    >>> x = torch.arange(4.0).reshape(2, 2, 1)  # 2 pixels, 2 channels, 1 image
    >>> Flatten(dialect="knet")(x).flatten().tolist()
    [0.0, 2.0, 1.0, 3.0]
    >>> Flatten(dialect="keras")(x.reshape(1, 2, 2)).flatten().tolist()
    [0.0, 1.0, 2.0, 3.0]

    Source: keras 3.15.1 keras/src/layers/reshaping/flatten.py; MLUtils.jl src/utils.jl flatten.
    """

    @from_one_frame
    def __init__(self, *, dialect: str = "pytorch", data_format: str | None = None) -> None:
        super().__init__()
        known = framework(dialect)
        if known is not None and "conv" not in known.main:
            raise UnknownName(f"{known.name} has no conv, whose result could be flattened")
        op = find(next(iter(known.main["conv"].values()))) if known else find(dialect)
        self.dialect, self.data_format = dialect, data_format
        self._column_major = op.layouts[0].column_major
        keras = op.name.startswith("keras.")
        if data_format is not None and not keras:
            raise BadOption(f"Flatten: {dialect} has no data_format; leave it out")
        if data_format not in (None, "channels_last", "channels_first"):
            must = 'must be "channels_last" or "channels_first"'
            raise BadOption(f"Flatten: data_format={show(data_format)} {must}")
        self._channels_moved = data_format == "channels_first"

    def forward(self, x: Tensor) -> Tensor:
        """The features of x, a row (or column) for each image."""
        if x.ndim < 2:
            raise BadShape(f"Flatten: x {tuple(x.shape)} must have a batch axis and another one")
        if self._column_major:
            return x.permute(tuple(range(x.ndim))[::-1]).flatten(1).permute(1, 0)
        return (x.movedim(1, -1) if self._channels_moved else x).flatten(1)

    def extra_repr(self) -> str:
        words: dict[str, Any] = {"dialect": self.dialect, "data_format": self.data_format}
        return ", ".join(f"{k}={show(v)}" for k, v in words.items() if v is not None)

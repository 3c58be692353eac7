"""One call that a framework refuses, and how to make it through uniconv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from math import prod
from typing import Any

import torch

import uniconv
from uniconv.errors import UniconvError
from uniconv.registry import find

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """A native call by shapes: ``dtypes`` and ``devices`` are those of x, w and the last array.

    again: a second name under which the kernel is given once more.
    """

    function: str
    options: Mapping[str, Any]
    x_shape: Shape
    w_shape: Shape
    _: KW_ONLY
    p_shape: Shape | None = None
    bias_shape: Shape | None = None
    dtypes: tuple[str, ...] = ("float32", "float32", "float32")
    devices: tuple[str, ...] = ("cpu", "cpu", "cpu")
    again: str | None = None

    def __str__(self) -> str:
        given = ", ".join(f"{k}={v!r}" for k, v in self.options.items())
        return f"{self.function}({given})"

    def arrays(self) -> dict[str, torch.Tensor | None]:
        """x, w, p and bias: small distinct integers, so that float16 and int8 hold them."""
        shapes = {"x": self.x_shape, "w": self.w_shape, "p": self.p_shape, "bias": self.bias_shape}
        at = {"x": 0, "w": 1, "p": 2, "bias": 2}
        return {
            role: None
            if shape is None
            else (torch.arange(prod(shape)) % 7 - 3)
            .reshape(shape)
            .to(self.devices[at[role]], getattr(torch, self.dtypes[at[role]]))
            for role, shape in shapes.items()
        }

    def through_uniconv(self) -> Any:
        """What the public function of this kind of convolution returns or raises."""
        op, given = find(self.function), self.arrays()
        x, w, p, bias = (given[role] for role in ("x", "w", "p", "bias"))
        if self.again:
            names = {op.array_names("x")[0]: x, op.array_names("w")[0]: w, self.again: w}
            return uniconv.native(self.function)(**names, **self.options)
        arrays = (x, w) if op.kind != "separable_conv" else (x, w, p)
        public = getattr(uniconv, op.kind)
        return public(*arrays, bias, dialect=self.function, **self.options)


@dataclass(frozen=True)
class BadCall(Call):
    """A call that must be refused with this error and this full text.

    live: True where the running framework refuses it too, else why it does not.
    """

    error: type[UniconvError]
    message: str
    _: KW_ONLY
    live: bool | str = True

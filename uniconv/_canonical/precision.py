"""Convolutions whose float32 is computed by cuDNN in so many bits, in backward too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from uniconv._canonical.runner import Operation


@contextmanager
def _cudnn(precision: str) -> Iterator[None]:
    """cuDNN's float32 convolutions in so many bits.  The setting is of the whole process.

    allow_tf32 is left alone: torch refuses to mix both.
    """
    setting: Any = getattr(torch.backends.cudnn, "conv")  # noqa: B009  (no stub has it)
    before = setting.fp32_precision
    setting.fp32_precision = precision
    try:
        yield
    finally:
        setting.fp32_precision = before


def holding(op: Operation, rank: int, transposed: bool, precision: str) -> Operation:
    """The same op at a precision that also holds in its backward, which runs later."""

    def each(value: Any) -> list[int]:
        entries = list(value) if isinstance(value, (list, tuple)) else [value]
        return entries * rank if len(entries) == 1 else entries

    def run(x: Tensor, w: Tensor, bias: Tensor | None, *args: Any) -> Tensor:
        lowered = not x.is_meta and torch.is_autocast_enabled(x.device.type)
        if lowered or not x.is_floating_point():  # no float32 is computed
            return op(x, w, bias, *args)
        if transposed:
            stride, padding, extra, groups, dilation = args
        else:
            given: list[Any] = [*args, *(1, 0, 1, 1)[len(args) :]]
            (stride, padding, dilation, groups), extra = given, 0
        said = (each(stride), each(padding), each(dilation), transposed, each(extra), groups)
        apply: Operation = _AtPrecision.apply
        if x.ndim == rank + 2:
            return apply(x, w, bias, said, precision)
        return apply(x.unsqueeze(0), w, bias, said, precision).squeeze(0)

    return run


class _AtPrecision(torch.autograd.Function):
    """A convolution whose forward, backward and double backward run at one precision."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: Tensor, w: Tensor, bias: Tensor | None, said: tuple[Any, ...], precision: str
    ) -> Tensor:
        with _cudnn(precision):
            return torch.convolution(x, w, bias, *said)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        x, w, bias, ctx.said, ctx.precision = inputs
        ctx.biased = bias is not None
        ctx.save_for_backward(x, w)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Any, ...]:
        x, w = ctx.saved_tensors
        mask = [*ctx.needs_input_grad[:2], ctx.biased and ctx.needs_input_grad[2]]
        apply: Callable[..., Any] = _GradientsAtPrecision.apply
        return (*apply(dy, x, w, ctx.said, mask, ctx.precision), None, None)


class _GradientsAtPrecision(torch.autograd.Function):
    """The gradients of a convolution by x, w and bias."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        dy: Tensor, x: Tensor, w: Tensor, said: tuple[Any, ...], mask: list[bool], precision: str
    ) -> tuple[Tensor | None, ...]:
        with _cudnn(precision):
            sizes = [dy.shape[1]]
            found = torch.ops.aten.convolution_backward(dy, x, w, sizes, *said, mask)
        return tuple(d if wanted else None for d, wanted in zip(found, mask))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        dy, x, w, ctx.said, _, ctx.precision = inputs
        ctx.save_for_backward(dy, x, w)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *found: Tensor | None) -> tuple[Any, ...]:
        dy, x, w = ctx.saved_tensors
        mask = list(ctx.needs_input_grad[:3])
        with _cudnn(ctx.precision):
            slopes = torch.ops.aten._convolution_double_backward(*found, dy, w, x, *ctx.said, mask)
        return (*slopes, None, None, None)

"""Convolutions whose float32 is computed by cuDNN in so many bits, in backward too.

cuDNN's setting is one for the whole process.  So what is asked for is kept in the context of a
thread (``current``), becomes part of a call's plan, and is set only while torch runs that one
convolution, behind a lock: threads that ask for different precisions wait for one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import _GeneratorContextManager, contextmanager
from contextvars import ContextVar
from threading import RLock
from typing import Any

import torch
from torch import Tensor
from torch.compiler import is_compiling

from uniconv._canonical.runner import Operation
from uniconv._messages import either, show
from uniconv.errors import BadOption, from_one_frame

# What torch's ops take after the bias, at the defaults: stride, padding, dilation, groups; and
# of the transposed ones, stride, padding, output padding, groups, dilation.
FORWARD = (1, 0, 1, 1)
TRANSPOSED = (1, 0, 0, 1, 1)

_WORDS = ("ieee", "tf32", "framework")
_CURRENT: ContextVar[str | None] = ContextVar("precision", default=None)
_LOCK = RLock()
_blocks = 0
_in_block = False

# What the surrounding block asks for, None outside of any: part of the key of every plan.
current = _CURRENT.get


@from_one_frame
def precision(value: str) -> _GeneratorContextManager[None]:
    """How exactly cuDNN computes float32 convolutions inside a ``with`` block, backward included.

    ===========  =========================================================================
    "ieee"       all 24 bits of a float32
    "tf32"       inputs rounded to 11 bits, as TensorFlow and JAX round them
    "framework"  torch's own setting, ``torch.backends.cudnn.conv.fp32_precision``, which is
                 TF32 unless it was changed; it holds outside of a block, too
    ===========  =========================================================================

    It is for this thread (or asyncio task) alone, and for all that runs inside, but for layers and
    bound kernels with a ``precision=`` of their own.  A gradient is computed as its convolution
    was, however late.  It decorates functions, too.  On a CPU it changes no number.  The setting is
    the whole process's while torch launches such a convolution: uniconv's threads wait for each
    other there, torch's own convolutions in other threads may be computed at it.

    Raises:
        BadOption: another word, a torch without the setting, or a graph that is being compiled.

    >>> import uniconv
    >>> with precision("ieee"):
    ...     y = uniconv.conv(torch.ones(1, 1, 3), torch.ones(1, 1, 3))
    >>> y.item()
    3.0

    Source: pytorch 2.13.0 torch/backends/cudnn/__init__.py.
    """
    check("uniconv.precision", value)
    return _block(value)


@contextmanager
def _block(value: str) -> Iterator[None]:
    if is_compiling():
        refuse_in_graph("uniconv.precision", value)
    before = _CURRENT.set(value)
    _count(1)
    try:
        yield
    finally:
        _count(-1)
        _CURRENT.reset(before)


def _count(more: int) -> None:
    global _blocks, _in_block
    with _LOCK:
        _blocks += more
        _in_block = _blocks > 0


def in_block() -> bool:
    """Whether any thread is inside a block, by which torch.compile guards a graph.

    It cannot guard one by the context of a thread, only by a plain global such as this.
    """
    return _in_block


def check(whose: str, value: str | None) -> None:
    """Raise BadOption for a precision that is no word, or that this torch cannot set."""
    if value is None:
        return
    if value not in _WORDS:
        raise BadOption(f"{whose}: precision={show(value)} must be {either(map(show, _WORDS))}")
    if value != "framework" and not hasattr(torch.backends.cudnn, "conv"):
        raise BadOption(
            f"{whose}: precision={show(value)} needs torch.backends.cudnn.conv.fp32_precision, "
            f"which torch {torch.__version__} does not have"
        )


def refuse_in_graph(whose: str, value: str | None) -> None:
    """A graph keeps no setting of the process: raise BadOption where one is asked for."""
    if value not in (None, "framework"):
        raise BadOption(
            f"{whose}: precision={show(value)} cannot be set inside a compiled graph: set "
            f"torch.backends.cudnn.conv.fp32_precision = {show(value)} before it runs"
        )


@contextmanager
def _cudnn(value: str) -> Iterator[None]:
    """cuDNN's float32 convolutions in so many bits; "framework" only waits for other threads.

    allow_tf32 is left alone: torch refuses to mix both.
    """
    with _LOCK:
        if value == "framework":
            yield
            return
        setting: Any = getattr(torch.backends.cudnn, "conv")  # noqa: B009  (no stub has it)
        before = setting.fp32_precision
        setting.fp32_precision = value
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
        defaults = TRANSPOSED if transposed else FORWARD
        values: list[Any] = [*args, *defaults[len(args) :]]
        if transposed:
            stride, padding, extra, groups, dilation = values
        else:
            (stride, padding, dilation, groups), extra = values, 0
        geometry = (each(stride), each(padding), each(dilation), transposed, each(extra), groups)
        apply: Operation = _AtPrecision.apply
        if x.ndim == rank + 2:
            return apply(x, w, bias, geometry, precision)
        return apply(x.unsqueeze(0), w, bias, geometry, precision).squeeze(0)

    return run


class _AtPrecision(torch.autograd.Function):
    """A convolution whose forward, backward and double backward run at one precision."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: Tensor, w: Tensor, bias: Tensor | None, geometry: tuple[Any, ...], precision: str
    ) -> Tensor:
        with _cudnn(precision):
            return torch.convolution(x, w, bias, *geometry)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        x, w, bias, ctx.geometry, ctx.precision = inputs
        ctx.biased = bias is not None
        ctx.save_for_backward(x, w)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Any, ...]:
        x, w = ctx.saved_tensors
        mask = [*ctx.needs_input_grad[:2], ctx.biased and ctx.needs_input_grad[2]]
        apply: Callable[..., Any] = _GradientsAtPrecision.apply
        return (*apply(dy, x, w, ctx.geometry, mask, ctx.precision), None, None)


class _GradientsAtPrecision(torch.autograd.Function):
    """The gradients of a convolution by x, w and bias."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        dy: Tensor,
        x: Tensor,
        w: Tensor,
        geometry: tuple[Any, ...],
        mask: list[bool],
        precision: str,
    ) -> tuple[Tensor | None, ...]:
        with _cudnn(precision):
            sizes = [dy.shape[1]]
            gradients = torch.ops.aten.convolution_backward(dy, x, w, sizes, *geometry, mask)
        return tuple(d if needed else None for d, needed in zip(gradients, mask))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        dy, x, w, ctx.geometry, _, ctx.precision = inputs
        ctx.save_for_backward(dy, x, w)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Any, ...]:
        dy, x, w = ctx.saved_tensors
        mask = list(ctx.needs_input_grad[:3])
        with _cudnn(ctx.precision):
            second = torch.ops.aten._convolution_double_backward(
                *slopes, dy, w, x, *ctx.geometry, mask
            )
        return (*second, None, None, None)

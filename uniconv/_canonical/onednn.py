"""Packed: one kernel in oneDNN's own blocks, for calls that all use it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from uniconv._canonical.paths import Packing
from uniconv._canonical.runner import Operation, is_eager, is_on_cpu, takes_gradients
from uniconv._canonical.steps import Convolve

_MOST_FORMATS = 4


def packing() -> Packing | None:
    """What keeps one kernel in oneDNN's blocks; None where torch has none."""
    ready = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    for op in ("_convolution_pointwise", "_get_mkldnn_serialized_md"):
        ready = ready and hasattr(torch.ops.mkldnn, op)
    return Packed().over if ready else None


class Packed:
    """A kernel that never changes, in the blocks that torch else makes of it in every call.

    Which blocks are best depends on the size of x: asked without it, oneDNN may choose some that
    it then lays out anew in every call, at eleven times the cost.  So they are made by the first
    call of each size.  Sizes share blocks of one format; a kernel is kept in four of them at most,
    and sizes that want a fifth one take torch's own op.  The op on blocks is the one to which
    torch.compile freezes convolutions; nothing differentiates it.
    """

    def __init__(self) -> None:
        self._formats: dict[bytes, Tensor] = {}

    def over(self, op: Operation, step: Convolve) -> Operation:
        """``torch.conv2d``, for one size of x: by blocks where x is plain float32 on a CPU.

        The op on blocks gives y with its channels last in memory: a contiguous x stays without it.
        """
        on_blocks: Operation = torch.ops.mkldnn._convolution_pointwise.default
        stride, pad, dilation = ([*v] for v in (step.stride, step.padding, step.dilation))
        problem = (pad, stride, dilation, step.groups)
        more: tuple[Any, ...] = (*problem, "none", [], "")
        blocks: Tensor | None = None
        fitting = True

        # Kernel and bias are the same in every call, so that they are looked at in the first.
        def run(x: Tensor, w: Tensor, bias: Tensor | None, *args: Any) -> Tensor:
            nonlocal blocks, fitting
            if not fitting or x.is_contiguous() or not _plain(x):
                return op(x, w, bias, *args)
            alone = x.ndim == 3
            images = x.unsqueeze(0) if alone else x
            if blocks is None:
                blocks = self._blocks(w, bias, *problem, [*images.shape])
                if blocks is None:
                    fitting = False
                    return op(x, w, bias, *args)
            y = on_blocks(images, blocks, bias, *more)
            return y.squeeze(0) if alone else y

        return run

    def _blocks(self, w: Tensor, bias: Tensor | None, *problem: Any) -> Tensor | None:
        """The kernel in the blocks that oneDNN wants for this problem; None beyond four formats.

        None, too, for a kernel and a bias that are no plain numbers.
        """
        if takes_gradients(w, bias) or not all(is_on_cpu(a, torch.float32) for a in (w, bias)):
            return None
        made: Tensor = torch._C._nn.mkldnn_reorder_conv2d_weight(w.to_mkldnn(), *problem)
        layout = torch.ops.mkldnn._get_mkldnn_serialized_md(made).numpy().tobytes()
        if layout not in self._formats and len(self._formats) == _MOST_FORMATS:
            return None
        return self._formats.setdefault(layout, made)


def _plain(x: Tensor) -> bool:
    """Whether x is of float32 numbers on the CPU, and nothing derives by it or maps over it.

    Not where a user has switched oneDNN off.
    """
    return (
        is_on_cpu(x, torch.float32)
        and is_eager()
        and not (x.requires_grad and torch.is_grad_enabled())
        and forward_ad._current_level < 0
        and torch._C._get_mkldnn_enabled()
    )

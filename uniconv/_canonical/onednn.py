"""Packed: one kernel in oneDNN's own blocks, for calls that all use it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from uniconv._canonical.runner import Operation, Packing

_LARGE = 100_000  # elements; of fewer, oneDNN makes its blocks in no time
_MOST_FORMATS = 4


def packing(w: Tensor) -> Packing | None:
    """What keeps this kernel in oneDNN's blocks; None where they gain nothing or torch has none."""
    ready = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    for op in ("_convolution_pointwise", "_get_mkldnn_serialized_md"):
        ready = ready and hasattr(torch.ops.mkldnn, op)
    return Packed().over if ready and w.numel() >= _LARGE else None


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

    def over(self, op: Operation) -> Operation:
        """``torch.conv2d``, for one size of x: by blocks where x is plain float32 on a CPU.

        The op on blocks gives y with its channels last in memory: a contiguous x stays without it.
        """
        on_blocks: Operation = torch.ops.mkldnn._convolution_pointwise.default
        blocks: Tensor | None = None
        fitting = True

        def run(x: Tensor, w: Tensor, bias: Tensor | None, *args: Any) -> Tensor:
            nonlocal blocks, fitting
            switched_off = torch.is_autocast_enabled("cpu") or not torch.backends.mkldnn.enabled
            if (
                not fitting
                or switched_off
                or x.is_contiguous()
                or not all(map(_holds_floats, (x, w, bias)))
            ):
                return op(x, w, bias, *args)
            options: list[Any] = [*args, *(1, 0, 1, 1)[len(args) :]]
            groups = options.pop()
            stride, pad, dilation = ([v, v] if isinstance(v, int) else [*v] for v in options)
            alone = x.ndim == 3
            images = x.unsqueeze(0) if alone else x
            if blocks is None:
                blocks = self._blocks(w, pad, stride, dilation, groups, [*images.shape])
                if blocks is None:
                    fitting = False
                    return op(x, w, bias, *args)
            y = on_blocks(images, blocks, bias, pad, stride, dilation, groups, "none", [], "")
            return y.squeeze(0) if alone else y

        return run

    def _blocks(self, w: Tensor, *problem: Any) -> Tensor | None:
        """The kernel in the blocks that oneDNN wants for this problem; None beyond four formats."""
        made: Tensor = torch._C._nn.mkldnn_reorder_conv2d_weight(w.to_mkldnn(), *problem)
        layout = torch.ops.mkldnn._get_mkldnn_serialized_md(made).numpy().tobytes()
        if layout not in self._formats and len(self._formats) == _MOST_FORMATS:
            return None
        return self._formats.setdefault(layout, made)


def _holds_floats(a: Tensor | None) -> bool:
    """Whether it holds float32 numbers on the CPU, and nothing derives by it or maps over it."""
    return a is None or (
        type(a) is Tensor
        and a.dtype is torch.float32
        and a.device.type == "cpu"
        and not a.requires_grad
        and not torch._C._functorch.is_functorch_wrapped_tensor(a)
        and forward_ad.unpack_dual(a).tangent is None  # type: ignore[no-untyped-call]
    )

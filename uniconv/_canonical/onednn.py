"""Packed: one kernel in oneDNN's own blocks, for calls that all use it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from uniconv._canonical.runner import Operation, Packing

_LARGE = 100_000  # elements; of fewer, oneDNN makes its blocks in no time


def packing(w: Tensor) -> Packing | None:
    """What keeps this kernel in oneDNN's blocks; None where they gain nothing or torch has none."""
    ready = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    ready = ready and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    return Packed().over if ready and w.numel() >= _LARGE else None


class Packed:
    """A kernel that never changes, in the blocks that torch else makes of it in every call.

    They are made by the first call that needs them.  The op on them is the one to which
    torch.compile freezes convolutions; nothing differentiates it.
    """

    def __init__(self) -> None:
        self._blocks: Tensor | None = None

    def over(self, op: Operation) -> Operation:
        """``torch.conv2d`` as ``op``, by the blocks where x is plain float32 on a CPU.

        The op on blocks gives y with its channels last in memory: a contiguous x stays without it.
        """
        on_blocks: Operation = torch.ops.mkldnn._convolution_pointwise.default

        def run(x: Tensor, w: Tensor, bias: Tensor | None, *args: Any) -> Tensor:
            switched_off = torch.is_autocast_enabled("cpu") or not torch.backends.mkldnn.enabled
            if switched_off or x.is_contiguous() or not all(map(_holds_floats, (x, w, bias))):
                return op(x, w, bias, *args)
            given: list[Any] = [*args, *(1, 0, 1, 1)[len(args) :]]
            groups = given.pop()
            stride, pad, dilation = ([v, v] if isinstance(v, int) else [*v] for v in given)
            if self._blocks is None:
                self._blocks = torch._C._nn.mkldnn_reorder_conv2d_weight(
                    w.to_mkldnn(), pad, stride, dilation, groups
                )
            alone = x.ndim == 3
            y = on_blocks(
                x.unsqueeze(0) if alone else x,
                self._blocks, bias, pad, stride, dilation, groups, "none", [], "",
            )  # fmt: skip
            return y.squeeze(0) if alone else y

        return run


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

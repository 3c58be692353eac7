"""Layers whose weight is a DTensor in parts: each process computes its own output channels.

torch 2.13 itself runs a convolution on DTensors only where the weight is whole: with a weight in
parts it gives local results under a wrong shape (torch/distributed/tensor/_ops/_conv_ops.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, Partial, Placement, Replicate, Shard

from uniconv._calls.lower import lower
from uniconv._canonical.layout import axes
from uniconv._messages import show, show_shape
from uniconv.errors import BadArray, BadShape

__all__ = ["Run", "in_parts", "run_in_parts"]

Run = Callable[[Tensor, Tensor, "Tensor | None", int], Tensor]


def in_parts(weight: Tensor) -> bool:
    """Whether the weight is a DTensor of which a process has only a part."""
    return isinstance(weight, DTensor) and any(p.is_shard() for p in weight.placements)


def run_in_parts(
    layer: Any, x: Tensor, weight: Any, bias: Tensor | None, options: dict[str, Any], run: Run
) -> Tensor:
    """y, its output channels in parts as those of the weight are.

    ``run(x, weight, bias, length)`` computes so many output channels on local tensors.

    Raises:
        BadArray: the weight is in parts along an axis other than the output channels.
        BadShape: a part is not a whole number of channel groups, or x has no batch axis.
    """
    # How to read this.  Along each dimension of the mesh, either the weight is in parts
    # (``parted``), then x is whole there and y is in parts by channels; or the weight is whole, and
    # x may be in parts by batch (``split``), then y is, too.  Each process computes its own
    # channels of its own images.  Gradients follow: where the weight is in parts, each process
    # knows only a part of the sum that x's gradient is (``Partial``); where x is, the same holds
    # for weight and bias.
    op, mesh, kernel = layer.function, weight.device_mesh, layer.stored_as
    out = kernel.stored.index("m" if kernel.transposed else "o")
    rank = len(kernel.shape) - 2
    x_axes, y_axes = axes(layer.layout.x, rank), axes(layer.layout.y, rank)
    if any(p.is_shard() and p.dim != out for p in weight.placements) or op.pointwise:
        raise BadArray(
            f"{op.name}: the weight is in parts {weight.placements}; only its output channels can "
            f"be: Shard({out})"
        )
    if kernel.transposed and kernel.groups > 1:
        raise BadArray(f"{op.name}: a grouped transposed convolution cannot be run in parts")
    if x.ndim != len(x_axes):
        raise BadShape(
            f"{op.name}: x {show_shape(tuple(x.shape))} read as {show(layer.layout.x)} must have "
            f"{len(x_axes)} axes where the weight is in parts"
        )
    if not isinstance(x, DTensor):
        x = DTensor.from_local(x, mesh, [Replicate()] * mesh.ndim, run_check=False)
    batch = Shard(x_axes.index("n"))
    whole: list[Placement] = [
        p if p == batch and not w.is_shard() else Replicate()
        for p, w in zip(x.placements, weight.placements)
    ]
    x = x.redistribute(placements=whole)
    parted = [w.is_shard() for w in weight.placements]
    split = [p.is_shard() for p in whole]
    local_x = x.to_local(grad_placements=[Partial() if s else p for s, p in zip(parted, whole)])
    grads = [Partial() if s else p for s, p in zip(split, weight.placements)]
    local_w = weight.to_local(grad_placements=grads)
    local_b = None
    if bias is not None:
        at = 0 if op.bias == "o" else y_axes.index("o")
        held = [Shard(at) if s else Replicate() for s in parted]
        if not isinstance(bias, DTensor):
            bias = DTensor.from_local(bias, mesh, [Replicate()] * mesh.ndim, run_check=False)
        grads = [Partial() if s else p for s, p in zip(split, held)]
        local_b = bias.redistribute(placements=held).to_local(grad_placements=grads)

    o = layer.out_channels
    start, length = _extent(weight, out)
    size = o // kernel.groups
    if kernel.groups > 1 and (start % size or length % size):
        raise BadShape(
            f"{op.name}: channels {start} to {start + length - 1} of {o} are no whole groups of "
            f"{size}: share them among a number of processes that divides the "
            f"{kernel.groups} groups"
        )
    # Filters of a group read the group's channels only: x is cut down to those of this process.
    if kernel.groups > 1:
        c = layer.in_channels // kernel.groups
        first, many = start // size, length // size
        local_x = local_x.narrow(x_axes.index("c"), first * c, many * c)
    y = run(local_x, local_w, local_b, length)
    shape = lower(op, options, tuple(x.shape), kernel.shape).output
    places = [
        Shard(y_axes.index("o")) if w else (Shard(y_axes.index("n")) if s else Replicate())
        for w, s in zip(parted, split)
    ]
    stride = torch.empty(shape, device="meta").stride()
    return DTensor.from_local(
        y, mesh, places, run_check=False, shape=torch.Size(shape), stride=stride
    )


def _extent(weight: Any, axis: int) -> tuple[int, int]:
    """The first of this process's entries along an axis, and how many it has."""
    from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

    shape, offset = compute_local_shape_and_global_offset(
        weight.shape, weight.device_mesh, weight.placements
    )
    return offset[axis], shape[axis]

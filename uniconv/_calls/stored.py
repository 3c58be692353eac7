"""Stored kernels: a kernel stored once as torch runs it fastest, and calls that take it so.

Stored, a kernel is contiguous, its flip is folded in, and its groups are merged: ``o ... i`` where
the channels of x are last, else ``o i ...`` (``c ... m`` and ``c m ...`` for a transposed
convolution), with the spatial axes backwards where memory runs backwards.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, permute

from uniconv._calls.epilogue import Plan
from uniconv._calls.kernel import KernelReading, kernel_of, read_kernel
from uniconv._calls.lower import LoweredCall, lower
from uniconv._calls.options import begin
from uniconv._calls.plan import build
from uniconv._canonical.integers import flipped
from uniconv._canonical.layout import Layout, completed, kernel_order, kernel_rank, regrouping
from uniconv._canonical.precision import current
from uniconv._canonical.record import Shape
from uniconv._canonical.steps import MOST_AXES
from uniconv._canonical.transpose import row_major
from uniconv._messages import show_shape
from uniconv.errors import BadArray, BadShape, UniconvWarning
from uniconv.spec.op import Op


@dataclass(frozen=True)
class StoredKernel:
    """A kernel of one function: its own shape and letters, and those that it is stored in.

    layout: the function's layouts with the stored kernel's in place of its own.
    flips: the axes along which the stored kernel runs backwards; lacking: the axes of size 1 that
    the function's kernel leaves out.
    """

    shape: Shape
    native: tuple[str, ...]
    stored: tuple[str, ...]
    groups: int
    flips: tuple[int, ...]
    lacking: Shape
    transposed: bool
    layout: Layout

    def store(self, w: Tensor) -> Tensor:
        """The function's kernel as it is stored, row by row: a copy unless it is so already."""
        w = w.reshape(*w.shape, *self.lacking)
        w = _moved(w, self.native, self.stored, self.groups)
        return row_major((flipped(w, self.flips) if self.flips else w).contiguous())

    def restore(self, stored: Tensor) -> Tensor:
        """The stored kernel in the function's own shape: a view, unless it is flipped."""
        w = flipped(stored, self.flips) if self.flips else stored
        w = _moved(w, self.stored, self.native, self.groups)
        return w.reshape(self.shape) if self.lacking else w

    @property
    def stored_shape(self) -> Shape:
        return tuple(self.store(torch.empty(self.shape, device="meta")).shape)

    def call(
        self, op: Op, options: Mapping[str, Any], x_shape: Shape, *p_shape: Shape
    ) -> LoweredCall:
        """A call that gets this kernel as it is stored; warns of what the framework does wrong."""
        call = lower(op, options, x_shape, self.shape, *p_shape)
        if len(self.shape) < call.rank > MOST_AXES:
            raise BadShape(
                f"{op.name}: a stored kernel {show_shape(self.shape)} is for x of at most "
                f"{MOST_AXES} spatial axes, this one has {call.rank}: call uniconv.conv(x, w, ...)"
            )
        for text in call.warnings:
            warnings.warn(text, UniconvWarning, stacklevel=2)
        return self.of(call)

    def plan(
        self,
        op: Op,
        options: Mapping[str, Any],
        x_shape: Shape,
        *p_shape: Shape,
        precision: str | None = None,
    ) -> Plan:
        """The plan of a call that gets this kernel as it is stored.

        precision: the kernel's own, else that of the surrounding block holds.
        """
        return build(self.call(op, options, x_shape, *p_shape), precision or current())

    def of(self, call: LoweredCall) -> LoweredCall:
        """The same call on the stored kernel, which needs no flip any more."""
        upright = (self.transposed,) * call.rank
        layout = replace(call.layout, w=self.layout.w)
        return replace(call, layout=layout, conv=replace(call.conv, reverse=upright))


def _moved(w: Tensor, src: tuple[str, ...], dst: tuple[str, ...], groups: int) -> Tensor:
    """From one kernel layout to another, by one permutation unless groups are split or merged."""
    order = kernel_order(src, dst, groups)
    if order is not None:
        return permute(w, order)
    if hasattr(w, "full_tensor"):  # a DTensor: its parts may cut through a group
        w = w.full_tensor()
    moved: Tensor = rearrange(w, regrouping(src, dst), g=groups)
    return moved


def kernel_of_layer(op: Op, options: Mapping[str, Any], rank: int) -> KernelReading:
    """How a kernel of so many spatial axes is read, before any array is there."""
    call = begin(op, options, ndim=rank + 2)
    return kernel_of(op, call, op.layout.of(call), rank)


def stored_kernel(op: Op, options: Mapping[str, Any], shape: Shape) -> StoredKernel:
    """How a kernel of this shape is stored, as the options of the call read it.

    Raises:
        BadArray: the function's kernel is not one array, or its values are not used as they are.
        BadShape: the shape has another number of axes than the function's kernel.
        BadOption: an option that the function does not have, or with a value it does not take.
    """
    if op.outer_product:
        raise BadArray(f"{op.name}: its kernel is a product of two vectors; there is none to store")
    if op.addend and op.addend[0] in options:
        raise BadArray(f"{op.name}: {op.addend[0]} is an array of one call: add it to the result")
    ndim = max(kernel_rank(op.layouts[0], len(shape)), 1) + 2
    kernel = read_kernel(op, begin(op, options, ndim), shape)
    call, layout = kernel.call, kernel.layout
    transposed = kernel.transposed or bool(
        op.lhs_dilation and max(op.lhs_dilation.of(call), default=1) > 1
    )
    groups = kernel.group_count(kernel.channels(shape))
    if op.batch_groups:  # parts of the batch are run as groups
        groups = max(groups, op.batch_groups.of(call))

    spatial = tuple(f"s{i}" for i in range(kernel.rank))
    first, second = ("c", "m") if transposed else ("o", "i")
    native, lacking = completed(kernel.letters, (first, second, *spatial))
    axes = spatial[::-1] if layout.column_major else spatial
    last = layout.x.endswith("c")
    stored = (first, *axes, second) if last else (first, second, *axes)
    flips = (stored.index(s) for s, r in zip(spatial, kernel.reverse) if r is not transposed)
    return StoredKernel(
        tuple(shape),
        native,
        stored,
        groups,
        tuple(flips),
        lacking,
        transposed,
        replace(layout, w=" ".join(stored)),
    )

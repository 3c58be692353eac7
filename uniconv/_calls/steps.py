"""A lowered call as steps: from the native arrays to the native y, the record's in the middle."""

from __future__ import annotations

from dataclasses import replace

from uniconv._calls.lower import LoweredCall
from uniconv._canonical.call_steps import CallSteps
from uniconv._canonical.layout import axes
from uniconv._canonical.rearrange import (
    entry,
    kernel_steps,
    leave,
    permuted,
)
from uniconv._canonical.steps import (
    Activate,
    Addend,
    AddRow,
    AnySize,
    Bias,
    Cast,
    Conjugate,
    DropAxis,
    DropRow,
    Empty,
    Measure,
    OuterProduct,
    Scale,
    Shift,
    Step,
    by_transposing,
    core_steps,
)


def call_steps(call: LoweredCall, any_size: AnySize | None = None) -> CallSteps:
    """How torch computes the call.

    Spatial axes are taken backwards where memory runs backwards (Julia), which reads it without a
    copy; and one spatial axis with channels last is read as an image of one row, which torch
    computes faster.

    any_size: the steps for images of any size (see ``core_steps``), plain ones: without these two.
    """
    # How to read this: every change of the call's arrays is a change of the record too, so both are
    # made in pairs.  (1) ``sequence``: the order in which spatial axes are taken; a Julia kernel of
    # axes s0 s1 in column-major memory is s1 s0 to torch.  (2) ``parts``: with batch_groups b, x of
    # (b * n, c) becomes (n, b * c), and a convolution of b groups does the rest.  (3) ``row``: a
    # line of n pixels becomes an image of 1 x n.  What is left is the record's own: ``core_steps``.
    parts = call.conv.batch_groups
    w_sizes = kernel_sizes(call, parts if parts > 1 else call.conv.groups)
    before, after = _before(call), after_steps(call)
    rank, layout, conv, sizes = call.rank, call.layout, call.conv, call.sizes
    backwards = layout.column_major and not any_size
    sequence = range(rank)[::-1] if backwards else range(rank)
    spatial = tuple(f"s{i}" for i in sequence)
    p, point = _pointwise(call, spatial)
    transposed = by_transposing(conv, adjoint=call.op.kind == "conv_transpose")
    if parts > 1:  # parts of the batch are groups of channels
        conv = replace(conv, groups=parts, batch_groups=1)
        batch = tuple(n // parts for n in sizes.batch)
        sizes = replace(sizes, batch=batch, c=sizes.c * parts)
    size, kernel = (tuple(n[i] for i in sequence) for n in (sizes.size, sizes.kernel))
    sizes = replace(sizes, size=size, kernel=kernel)
    conv = conv.reordered(sequence)
    row = rank == 1 and layout.x.endswith("c") and not any_size
    if row:
        sizes = replace(sizes, size=(1, *size), kernel=(1, *kernel))
        conv = conv.with_unit_axis()
    core = core_steps(conv, sizes, transposed=transposed, any_size=any_size, bias=call.plain)
    if row:
        core = (AddRow("x"), AddRow("w"), *core, DropRow("y"))
    # Formulas name the extents n0, n1, ...: code for any size must read them off x first, unless
    # there is nothing to compute.
    formulas = any_size and any(type(p) is not int for pair in any_size.padding for p in pair)
    if formulas and not isinstance(core[0], Empty):
        core = (Measure("x", rank), *core)
    letters, batch = call.letters, call.sizes.batch
    y = leave(letters.y, spatial, tuple(n // parts for n in batch))
    if batch and not call.y_batch:  # an image filter's batch axis, where it has one, is the last
        y += (DropAxis("y"),)
    kernel_letters = (*(("c", "m") if transposed else ("o", "i")), *spatial)
    return CallSteps(
        before,
        entry(letters.x, spatial, batch, parts),
        kernel_steps(letters.w, kernel_letters, w_sizes),
        core,
        p,
        point,
        y,
        after,
        rank,
        call.output,
    )


def kernel_sizes(call: LoweredCall, groups: int) -> dict[str, int]:
    """The sizes of the letters that a kernel of so many groups may have besides o and c."""
    inputs = call.sizes.c * call.conv.batch_groups
    sizes = {"g": groups, "i": inputs // groups, "m": call.sizes.o // groups}
    return sizes | {f"s{i}": k for i, k in enumerate(call.sizes.kernel)}


def _before(call: LoweredCall) -> tuple[Step, ...]:
    """What makes the kernel of two vectors, conjugates it, and takes zero points off."""
    op = call.op
    steps: tuple[Step, ...] = ()
    if op.outer_product is not None:
        # The letters of the two vectors, as ("s0", "s1") or the other way round: which one is
        # first.
        in_order = op.outer_product == tuple(sorted(op.outer_product))
        steps += (OuterProduct("w", ("w", "p") if in_order else ("p", "w")),)
    if op.conjugates:
        steps += (Conjugate("w"),)
    if call.widened and call.result is not None:
        steps += tuple(Cast(on, call.result, zero) for on, zero in zip("xw", call.zero_points))
    return steps


def _pointwise(
    call: LoweredCall, spatial: tuple[str, ...]
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The 1x1 convolution of a separable one, and what its kernel needs.

    It reads what the depthwise one made, already in torch's order of axes, so that x is "y" here.
    """
    if call.pointwise is None or call.op.pointwise is None:
        return (), ()
    conv, sizes = call.pointwise
    size = call.conv.output(call.sizes.size, call.sizes.kernel)
    sizes = replace(sizes, size=tuple(size[int(a[1:])] for a in spatial))
    kernel = permuted("p", axes(call.op.pointwise, call.rank), ("o", "i", *spatial))
    return kernel, core_steps(conv, sizes, transposed=False, x="y", w="p", bias=False)


def after_steps(call: LoweredCall) -> tuple[Step, ...]:
    """What follows the sum, in order."""
    # y = activation(scale * sum + addend_scale * addend + shift + bias): cuDNN's order
    # (cudnnConvolutionBiasActivationForward: alpha1, alpha2, bias, activation).
    op = call.op
    steps: tuple[Step, ...] = ()
    if call.scale != 1:
        steps += (Scale("y", call.scale),)
    if op.addend and call.addend_scale != 0:
        steps += (Addend("y", op.addend[0], call.addend_scale),)
    if call.shift != 0:
        steps += (Shift("y", call.shift),)
    if call.plain:
        return steps
    steps += (bias_step(call),)
    return (*steps, Activate("y", call.activation)) if call.activation else steps


def bias_step(call: LoweredCall) -> Bias:
    """The bias on the native y."""
    letters = call.letters.y
    if call.op.bias != "o" or "o" not in letters:
        return Bias("y", None)
    # How many axes of y come behind the channels, so that the bias is reshaped by it: 2 in
    # "n o ...", 0 in "n ... o".  The pattern names n where a call has no batch, too.
    behind = letters[letters.index("o") + 1 :]
    return Bias("y", len(behind) if call.sizes.batch else sum(a != "n" for a in behind))

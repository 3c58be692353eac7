"""A lowered call as steps: from the native arrays to the native y, the record's in the middle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from uniconv._calls.lower import LoweredCall
from uniconv._canonical.layout import axes, completed, kernel_order, order, regrouping
from uniconv._canonical.steps import (
    Activate,
    AddAxes,
    Addend,
    AddRow,
    AnySize,
    BatchGroups,
    Bias,
    Cast,
    Conjugate,
    DropAxis,
    DropRow,
    Empty,
    Measure,
    Merge,
    OuterProduct,
    Permute,
    Regroup,
    Scale,
    Shift,
    Split,
    Step,
    by_transposing,
    core_steps,
)


@dataclass(frozen=True, slots=True)
class CallSteps:
    """The steps of one call, in order.

    before: on all arrays; x, w: into the executor's layout; core: the record; p, point: the kernel
    of the 1x1 convolution that follows in a separable one, and that convolution; y: into the
    native layout; after: scale, addend, shift and bias.
    """

    before: tuple[Step, ...]
    x: tuple[Step, ...]
    w: tuple[Step, ...]
    core: tuple[Step, ...]
    p: tuple[Step, ...]
    point: tuple[Step, ...]
    y: tuple[Step, ...]
    after: tuple[Step, ...]

    def __iter__(self) -> Iterator[Step]:
        parts = (self.before, self.x, self.w, self.core, self.p, self.point, self.y, self.after)
        return (step for part in parts for step in part)


def is_plain(call: LoweredCall) -> bool:
    """Whether nothing but the bias follows the sum."""
    op = call.op
    own = widened(call) or (op.mixed_dtypes == "depth" and call.result)
    kept = not (op.addend or op.pointwise or op.outer_product or own or call.activation)
    return call.scale == 1 and call.shift == 0 and kept and op.bias == "o"


def widened(call: LoweredCall) -> bool:
    """Whether x and w are made of the dtype of the result before they are multiplied."""
    return call.result is not None and call.op.mixed_dtypes not in ("x", "depth")


def call_steps(call: LoweredCall, any_size: AnySize | None = None) -> CallSteps:
    """How torch computes the call.

    Spatial axes are taken backwards where memory runs backwards (Julia), which reads it without a
    copy; and one spatial axis with channels last is read as an image of one row, which torch
    computes faster.

    any_size: the steps for images of any size (see ``core_steps``), plain ones: without these two.
    """
    # How to read this: every change of the call's arrays is a change of the record too, so both are
    # made in pairs.  (1) ``turned``: the order in which spatial axes are taken; a Julia kernel of
    # axes s0 s1 in column-major memory is s1 s0 to torch.  (2) ``parts``: with batch_groups b, x of
    # (b * n, c) becomes (n, b * c), and a convolution of b groups does the rest.  (3) ``row``: a
    # line of n pixels becomes an image of 1 x n.  What is left is the record's own: ``core_steps``.
    rank, layout, conv, sizes = call.rank, call.layout, call.conv, call.sizes
    adjoint = call.op.kind == "conv_transpose"
    transposed = by_transposing(conv, adjoint=adjoint)
    backwards = layout.column_major and not any_size
    turned = range(rank)[::-1] if backwards else range(rank)
    spatial = tuple(f"s{i}" for i in turned)
    parts = conv.batch_groups
    if parts > 1:  # parts of the batch are groups of channels
        conv = replace(conv, groups=parts, batch_groups=1)
        batch = tuple(n // parts for n in sizes.batch)
        sizes = replace(sizes, batch=batch, c=sizes.c * parts)
    size, kernel = (tuple(n[i] for i in turned) for n in (sizes.size, sizes.kernel))
    sizes = replace(sizes, size=size, kernel=kernel)
    conv = conv.reordered(turned)
    row = rank == 1 and layout.x.endswith("c") and not any_size
    if row:
        sizes = replace(sizes, size=(1, *size), kernel=(1, *kernel))
        conv = conv.with_unit_axis()
    plain = is_plain(call)
    core = core_steps(conv, sizes, transposed=transposed, any_size=any_size, bias=plain)
    if row:
        core = (AddRow("x"), AddRow("w"), *core, DropRow("y"))
    # Formulas name the extents n0, n1, ...: code for any size must read them off x first, unless
    # there is nothing to compute.
    formulas = any_size and any(type(p) is not int for pair in any_size.padding for p in pair)
    if formulas and not isinstance(core[0], Empty):
        core = (Measure("x", rank), *core)
    kernel_letters = ("c", "m") if transposed else ("o", "i")
    p, point = _pointwise(call, spatial)
    return CallSteps(
        _before(call),
        _x(call, spatial),
        kernel_steps(call, (*kernel_letters, *spatial), conv.groups),
        core,
        p,
        point,
        _y(call, spatial),
        after_steps(call),
    )


def native_axes(pattern: str, call: LoweredCall) -> tuple[str, ...]:
    """The letters of a pattern; without its batch where the call has none."""
    # The pattern names n where a call may be without a batch, too.
    return tuple(a for a in axes(pattern, call.rank) if a != "n" or call.sizes.batch)


def _head(call: LoweredCall) -> tuple[str, ...]:
    """The letters before the channels: torch takes x without a batch axis, too."""
    return ("n",) if call.sizes.batch else ()


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
    if widened(call) and call.result is not None:
        steps += tuple(Cast(on, call.result, zero) for on, zero in zip("xw", call.zero_points))
    return steps


def permuted(on: str, src: Sequence[str], dst: Sequence[str]) -> tuple[Step, ...]:
    """The step that takes an array of axes ``src`` to ``dst``; none where they are in order."""
    moved = order(src, dst)
    known = moved == tuple(range(len(moved)))
    return () if known else (Permute(on, moved, _pattern(src), _pattern(dst)),)


def _pattern(letters: Sequence[str]) -> str:
    """The letters as a pattern of a layout: spatial axes in a row and in order as "..."."""
    spatial = [a for a in letters if a[0] == "s"]
    text, row = " ".join(letters), " ".join(sorted(spatial))
    return text.replace(row, "...") if row else text


def _x(call: LoweredCall, spatial: Sequence[str]) -> tuple[Step, ...]:
    """From the native x: its batch axes as one, its channels second."""
    # The order matters: a missing channel axis is added last; then the batch axes, which are
    # neighbours, become one; then the permutation counts on one axis for each letter.
    letters, lacking = completed(native_axes(call.layout.x, call), ("c",))
    batch, parts = call.sizes.batch, call.conv.batch_groups
    steps: tuple[Step, ...] = (AddAxes("x", len(lacking)),) if lacking else ()
    if len(batch) > 1:
        steps += (Merge("x", letters.index("n"), len(batch)),)
    steps += permuted("x", letters, (*_head(call), "c", *spatial))
    return (*steps, BatchGroups("x", parts)) if parts > 1 else steps


def kernel_steps(call: LoweredCall, letters: tuple[str, ...], groups: int) -> tuple[Step, ...]:
    """From the native kernel to ``letters``: one permutation, unless groups are split or merged."""
    # Groups are an axis of their own only in some kernels: elsewhere they are a part of o or c.
    native = axes(call.layout.w, call.rank)
    parted = tuple(a for a in letters if a != "g") if {"o", "c"} & set(native) else letters
    src, lacking = completed(native, parted)
    steps: tuple[Step, ...] = (AddAxes("w", len(lacking)),) if lacking else ()
    # A permutation does where w's letters are those wanted, or where there is one group, so that i
    # is c and m is o.  "g m i" to "o i" is not one: o = (g m) are two axes made one, which is left
    # to einops.
    moved = kernel_order(src, letters, groups)
    if moved is None:
        inputs = call.sizes.c * call.conv.batch_groups
        known = {"g": groups, "i": inputs // groups, "m": call.sizes.o // groups}
        known |= {f"s{i}": k for i, k in enumerate(call.sizes.kernel)}
        return (*steps, Regroup("w", regrouping(src, letters), tuple(known.items())))
    if moved == tuple(range(len(moved))):
        return steps
    return (*steps, Permute("w", moved, _pattern(src), _pattern(letters)))


def _pointwise(
    call: LoweredCall, spatial: Sequence[str]
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


def _y(call: LoweredCall, spatial: Sequence[str]) -> tuple[Step, ...]:
    """To the native y, its batch axes as they were."""
    letters, lacking = completed(native_axes(call.layout.y, call), ("o",))
    steps = permuted("y", (*_head(call), "o", *spatial), letters)
    batch = tuple(n // call.conv.batch_groups for n in call.sizes.batch)
    if len(batch) > 1:
        steps += (Split("y", letters.index("n"), batch),)
    if lacking:
        steps += (DropAxis("y"),)
    # An image filter's batch axis, where it has one, is the last.
    return (*steps, DropAxis("y")) if call.sizes.batch and not call.y_batch else steps


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
    if is_plain(call):
        return steps
    steps += (bias_step(call),)
    return (*steps, Activate("y", call.activation)) if call.activation else steps


def bias_step(call: LoweredCall) -> Bias:
    """The bias on the native y."""
    # ``after``: how many axes of y come behind the channels, so that the bias is reshaped by it:
    # 2 in "n o ...", 0 in "n ... o".
    letters = native_axes(call.layout.y, call)
    with_channels = call.op.bias == "o" and "o" in letters
    return Bias("y", len(letters) - letters.index("o") - 1 if with_channels else None)

"""Lift: a lowered call -> the options of another function, or CannotExpress.

Every rule writes its part of the record; the order is that of ``lower``, since a rule that writes
looks at the same fields of the context as when it reads.  Nothing that is written is trusted: the
options are lowered again, in the other function, and only a record that computes the same is given
back.  So a rule may offer several ways, of which some are wrong: only right ones come through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from uniconv._calls.kernel import letter_sizes
from uniconv._calls.lower import LoweredCall, batched, lower, uncrop
from uniconv._calls.options import scattered
from uniconv._canonical.layout import Layout, arrange, axes, regrouping
from uniconv._canonical.record import Convolution, Shape
from uniconv._messages import either
from uniconv.errors import CannotExpress, UniconvError
from uniconv.spec.groups import BY_AXIS
from uniconv.spec.op import Op
from uniconv.spec.padding import Crop
from uniconv.spec.rules import REQUIRED, CallContext


@dataclass(frozen=True, slots=True)
class Lifted:
    """A call said in another function's words.

    options: its native options, those at their defaults left out.  call: what they lower to.
    reversed: whether the kernel must first be reversed along every spatial axis, because the
    function has no switch for it (only where ``lift(..., flip_kernel=True)`` allowed that).
    conjugated: whether the kernel, where it is complex, must first be conjugated, because only one
    of the two functions does so.
    """

    options: dict[str, Any]
    call: LoweredCall
    reversed: bool = False
    conjugated: bool = False


def lift(
    call: LoweredCall,
    op: Op,
    *,
    flip_kernel: bool = False,
    takes: Callable[[LoweredCall], bool] = lambda lifted: True,
) -> Lifted:
    """Say ``call`` as a call of ``op``, exactly.

    takes: what must hold, besides, of what the options lower to.

    Raises:
        CannotExpress: with the field that ``op`` has no words for, and why.
    """
    _check_kind(call, op)
    layout = _layout(call, op)
    conv, reversed_ = _reversed(call.conv, op, flip_kernel)
    facts = CallContext(
        op.name, op.title, layout, call.sizes, boundary=conv.boundary, ndim=call.rank
    )
    options: dict[str, Any] = {}
    # What the function itself calls reversed: a transposed one runs the kernel of the record, which
    # is an adjoint's, the other way once more.
    backwards = tuple(r is not (op.kind == "conv_transpose") for r in conv.reverse)
    if backwards:  # without axes there is no direction to say
        options |= op.reverse.says(backwards if op.reverse.for_each_axis else backwards[0], facts)
    if op.layout.option is not None:
        facts = replace(facts, options=_completed(op, options))
        if op.layout.option not in options:  # else one option says both
            options[op.layout.option] = op.layout.write(layout, facts)
        layout = op.layout.read(options[op.layout.option], facts)
        facts = replace(facts, layout=layout)
    options |= _boundary(conv, op, facts) | _epilogue(call, op, facts) | _groups(conv, op, facts)
    for rule in op.inert_options:
        if rule.default is REQUIRED:
            options[rule.option] = rule.write(None, facts)
    options, facts = _per_axis(conv, op, options, facts)
    facts = replace(facts, options=_completed(op, options))

    # The first way to pad that lowers to the same record is taken; where none does, the first
    # refusal is raised.
    refusals: list[UniconvError] = []
    for padding in paddings(conv, op, facts, refusals):
        values = {k: v for k, v in (options | padding).items() if v != op.rules[k].default}
        native = scattered(op, values)
        try:
            lifted = lower(op, native, *native_shapes(call, op, layout))
        except UniconvError as error:
            refusals.append(error)
            continue
        if _same(lifted, replace(call, conv=conv)) and takes(lifted):
            return Lifted(native, lifted, reversed_, call.op.conjugates is not op.conjugates)
    first = refusals[0] if refusals else UniconvError(f"its own reading differs from {conv}")
    if isinstance(first, CannotExpress):
        raise first
    raise CannotExpress(op.name, "contract", str(first).removeprefix(f"{op.name}: "))


def _completed(op: Op, options: dict[str, Any]) -> dict[str, Any]:
    """The options with the defaults of those that are not said (yet)."""
    return {name: rule.default for name, rule in op.rules.items()} | options


def native_shapes(call: LoweredCall, op: Op, layout: Layout) -> list[Shape]:
    """The shapes of x, w (and the pointwise kernel) of the same problem in another layout.

    They are what the lifted options are lowered with, to see whether they mean the same.
    """
    sizes, groups = call.sizes, call.conv.groups
    letters = {"n": 1} | letter_sizes(sizes.c, sizes.o, groups)
    x = batched(arrange(layout.x, letters, sizes.size), layout.x, sizes.batch)
    shapes = [x, arrange(layout.w, letters, sizes.kernel)]
    if op.outer_product is not None:
        return [x, *((sizes.kernel[int(letter[1:])],) for letter in op.outer_product)]
    if op.pointwise is not None and call.pointwise is not None:
        conv, point = call.pointwise
        letters |= {"o": point.o, "i": point.c // conv.groups}
        shapes.append(arrange(op.pointwise, letters, point.kernel))
    return shapes


def kernel_pattern(call: LoweredCall, lifted: Lifted) -> str:
    """The einops pattern (with g = groups) that takes the call's kernel to the lifted one's."""
    src, dst = (axes(c.layout.w, call.rank) for c in (call, lifted.call))
    return regrouping(src, dst)


def _layout(call: LoweredCall, op: Op) -> Layout:
    """The layout of ``op`` that holds the call's arrays: the first that has a place for each axis.

    Raises:
        CannotExpress: "channels", "rank" or "batch", of which ``op`` has none or not so many.
    """
    # An axis of size 1 needs no letter in the pattern; channels of any other size do.
    lacks = {a for a, n in (("c", call.sizes.c), ("o", call.sizes.o)) if n != 1}
    # A kernel that lacks a spatial axis has size 1 along it.
    long = {f"s{i}" for i, k in enumerate(call.sizes.kernel) if k > 1}
    grouped = op.groups == BY_AXIS and call.conv.groups > 1
    fitting = [k for k in op.layouts_of(call.rank) if long <= set(axes(k.w, call.rank))]
    # Where w itself says the groups, by an axis, a layout with that axis is preferred.
    if grouped:
        fitting = [k for k in fitting if "g" in k.w.split()] or fitting
    layout = next(iter(fitting), None)
    if layout is not None and lacks - set((layout.x + " " + layout.y).split()):
        raise CannotExpress(op.name, "channels", "its arrays have no channel axes")
    if layout is None:
        ranks = either(op.ranks)
        raise CannotExpress(op.name, "rank", f"it has {ranks} spatial axes, the call {call.rank}")
    fewest, most = op.batch
    if not fewest <= len(call.sizes.batch) <= most:
        has = len(call.sizes.batch)
        raise CannotExpress(
            op.name, "batch", f"x has {has} batch axes, it takes {fewest} to {most}"
        )
    return layout


def _check_kind(call: LoweredCall, op: Op) -> None:
    """CannotExpress where the two are of different kinds, so that no option could help."""
    conv = call.conv
    if (op.pointwise is None) != (call.pointwise is None):
        has = "has no pointwise kernel" if call.pointwise is None else "has a pointwise kernel"
        raise CannotExpress(op.name, "pointwise", f"the call {has}")
    if op.outer_product != call.op.outer_product:
        has = "one" if op.outer_product else "a product of two vectors"
        raise CannotExpress(op.name, "kernel", f"the call's kernel is {has}")
    # The record of a transposed convolution spreads x (lhs_dilation) and visits every pixel of y;
    # a strided one leaves pixels of y out.  One option "stride" cannot say both.
    if op.kind == "conv_transpose":
        if max(conv.stride, default=1) > 1:
            raise CannotExpress(
                op.name, "stride", f"its own stride spreads x; {conv.stride} skips y"
            )
    elif max(conv.lhs_dilation, default=1) > 1 and not op.lhs_dilation:
        raise CannotExpress(op.name, "lhs_dilation", f"it does not spread x by {conv.lhs_dilation}")


def _reversed(conv: Convolution, op: Op, flip_kernel: bool) -> tuple[Convolution, bool]:
    """The record as the function can say it: with the kernel reversed beforehand where needed."""
    if op.reverse.for_each_axis:
        return conv, False
    if len(set(conv.reverse)) > 1:
        raise CannotExpress(op.name, "reverse", f"it reverses all axes or none, not {conv.reverse}")
    if op.reverse.option is not None:
        return conv, False
    # reverse False is a cross-correlation; whose adjoint runs the kernel backwards.
    native = op.reverse.usual is not (op.kind == "conv_transpose")
    if set(conv.reverse) <= {native}:
        return conv, False
    if not flip_kernel:
        kind = "convolution" if conv.reverse[0] else "cross-correlation"
        raise CannotExpress(
            op.name,
            "reverse",
            f"it has no option for a {kind}; flip_kernel=True reverses w instead",
        )
    return replace(conv, reverse=(native,) * conv.rank), True


def _boundary(conv: Convolution, op: Op, facts: CallContext) -> dict[str, Any]:
    """The options that say what lies outside x.

    How to read it: a function has an option for the border's name, one for the constant's value,
    both, or one for both ("a number or a word").  The record tells "zeros" from "constant" 0, which
    a function with a fill value does not; without any such option a padding word must say it.

    Raises:
        CannotExpress: "boundary", where it pads with zeros only and the call does not.
    """
    if op.boundary and op.fill:
        known = op.boundary.table.values()
        name = conv.boundary
        one = op.fill.option == op.boundary.option  # a number says both
        if name == "zeros" and (one or "zeros" not in known):
            name = "constant"
        if one:
            value = conv.fill if name == "constant" else op.boundary.write(name, facts)
            return {op.boundary.option: value}
        fill = {op.fill.option: op.fill.write(conv.fill, facts)}
        return {op.boundary.option: op.boundary.write(name, facts)} | fill
    if op.boundary:
        return {op.boundary.option: op.boundary.write(conv.boundary, facts)}
    if op.fill and conv.boundary in ("zeros", "constant"):
        return {op.fill.option: op.fill.write(conv.fill, facts)}
    pad = op.padding
    if conv.boundary != "zeros" and conv.boundary not in pad.borders.values():
        raise facts.cannot("boundary", f"it pads with zeros only, not {conv.boundary}")
    return {}


def _epilogue(call: LoweredCall, op: Op, facts: CallContext) -> dict[str, Any]:
    """The options that say what follows the sum: scale, shift, activation, zero points, addend.

    Raises:
        CannotExpress: with the name of the first that the call has and ``op`` has not.
    """
    options: dict[str, Any] = {}
    if op.scale:
        options[op.scale.option] = op.scale.write(call.scale, facts)
    if op.shift:
        options[op.shift.option] = op.shift.write(call.shift, facts)
    elif call.shift != 0:
        raise facts.cannot("shift", f"it adds no number, the call adds {call.shift}")
    if op.activation:
        options[op.activation.option] = op.activation.write(call.activation, facts)
    elif call.activation:
        raise facts.cannot("activation", f"it has none, the call ends in {call.activation}")
    if not op.scale and call.scale != 1:
        raise facts.cannot("scale", f"it does not scale its result by {call.scale}")
    if op.zero_points:
        for rule, offset in zip(op.zero_points, call.zero_points):
            options[rule.option] = rule.write(offset, facts)
    chosen = call.result if call.op.result_option else None
    if op.result_option:
        options[op.result_option.option] = op.result_option.write(chosen, facts)
    elif chosen is not None:
        raise facts.cannot("result", f"its result has the dtype of x, the call's {call.result}")
    if op.addend:
        options[op.addend[1].option] = op.addend[1].write(call.addend_scale, facts)
    elif call.addend_scale != 0:
        raise facts.cannot("addend", "it adds nothing to its result")
    return options


def _groups(conv: Convolution, op: Op, facts: CallContext) -> dict[str, Any]:
    """The options for groups of channels and of the batch; CannotExpress where there are none."""
    parts: dict[str, Any] = {}
    if op.batch_groups:
        parts = {op.batch_groups.option: conv.batch_groups}
    elif conv.batch_groups > 1:
        raise facts.cannot("batch_groups", f"it has none, the call has {conv.batch_groups}")
    return parts | op.groups.says(conv.groups, facts)


def _per_axis(
    conv: Convolution, op: Op, options: dict[str, Any], facts: CallContext
) -> tuple[dict[str, Any], CallContext]:
    """The options so far with stride and dilations, and the context that knows these numbers, too.

    Raises:
        CannotExpress: "stride" or "dilation", where ``op`` has no option and the call more than 1.
    """
    # "Stride" of a transposed convolution is what spreads x; its record has no other.
    stride = conv.lhs_dilation if op.kind == "conv_transpose" else conv.stride
    facts = replace(facts, stride=stride, dilation=conv.rhs_dilation)
    if op.stride:
        options = options | {op.stride.option: op.stride.write(stride, facts)}
    elif max(stride, default=1) > 1:
        raise facts.cannot("stride", f"it has no stride, the call has {stride}")
    if op.dilation:
        options = options | {op.dilation.option: op.dilation.write(conv.rhs_dilation, facts)}
    elif max(conv.rhs_dilation, default=1) > 1:
        raise facts.cannot("dilation", f"it has none, the call has {conv.rhs_dilation}")
    if op.lhs_dilation:
        facts = replace(facts, lhs_dilation=conv.lhs_dilation)
        spread = op.lhs_dilation.write(conv.lhs_dilation, facts)
        options = options | {op.lhs_dilation.option: spread}
    return options, facts


def paddings(
    conv: Convolution, op: Op, facts: CallContext, refusals: list[UniconvError]
) -> Iterator[dict[str, Any]]:
    """Every way to say the padding, exactly or with pixels after that no window reads.

    Where none is, the reason is added to ``refusals``, so that the caller can raise it.
    """
    # How to read this: pixels after the last window change nothing.  x of 6 pixels, kernel 3,
    # stride 2, pad (1, 0): windows start at -1, 1, 3, the last reads pixels 3, 4, 5.  One more
    # pixel after would be read by none, so (1, 1) computes the same.  ``tight`` has no such pixel,
    # and any number from there to stride - 1 more is as good; ``even`` takes the same before and
    # after where that lies in the range, for functions that can say nothing else.
    sizes, crop, takes = facts.sizes, op.crop, op.padding
    tight = conv.tight(sizes.size, sizes.kernel)
    steps = zip(conv.pad, tight.pad, conv.stride)
    even = tuple((lo, lo if t <= lo < t + s else hi) for (lo, hi), (_, t), s in steps)
    for pad in dict.fromkeys((conv.pad, even, tight.pad)):
        if crop:
            yield from _crops(replace(conv, pad=pad), crop, facts)
        else:
            yield from takes.ways(pad, facts)
    padding = uncrop(conv.pad, facts) if crop else conv.pad
    lacks = f"{takes.option} takes {takes.describe()}, not {padding}"
    refusals.append(facts.cannot("pad", lacks))


def _crops(conv: Convolution, rule: Crop, facts: CallContext) -> Iterator[dict[str, Any]]:
    """Ways to say what the transposed op cuts off, without an output shape where that can be."""
    crop = uncrop(conv.pad, facts)
    # First without an output shape, unless the function asks for one; then with it, in the most
    # complete of the forms that the function takes.
    if rule.shape is None or rule.shape_default is not REQUIRED:
        yield from rule.ways(crop, facts)
    if rule.shape is not None:
        out = conv.output(facts.sizes.size, facts.sizes.kernel)
        letters = {"n": (*facts.sizes.batch, 1)[0], "o": facts.sizes.o}
        full = list(arrange(facts.layout.y, letters, out))
        shape = full if "full" in rule.shape_forms else list(out)
        if "sample" in rule.shape_forms:
            shape = full[1:]
        for way in rule.ways(crop, replace(facts, output_size=out)):
            yield {**way, rule.shape: shape}


def _same(a: LoweredCall, b: LoweredCall) -> bool:
    """Whether two calls compute the same, whatever their layouts.

    Paddings are compared without the pixels that no window reads: see ``paddings``.
    """

    def kept(call: LoweredCall) -> tuple[Any, ...]:
        tight = call.conv.tight(call.sizes.size, call.sizes.kernel)
        after = (call.scale, call.addend_scale, call.shift, call.activation)
        return (tight, call.sizes, call.zero_points, call.pointwise, *after)

    return kept(a) == kept(b)

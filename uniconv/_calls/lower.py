"""Lower: a native call's options and shapes -> the canonical record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from uniconv._calls.constructor_words import restatements
from uniconv._calls.options import complete, whole
from uniconv._canonical.layout import Layout, arrange, axes, kernel_rank, rank_of
from uniconv._canonical.record import Convolution, Pairs, Shape, Sizes, effective
from uniconv._messages import either, plural, show, show_shape
from uniconv.errors import BadShape, Refused
from uniconv.spec.op import BY_CHANNELS, BY_OUTPUT, DEPTHWISE, Op
from uniconv.spec.padding import Crop
from uniconv.spec.refusals import Refusal
from uniconv.spec.rules import CallContext, Choice, Count, PerAxis
from uniconv.spec.values import integer, integers


@dataclass(frozen=True, slots=True)
class LoweredCall:
    """One lowered call: the record, its sizes, and how the native arrays are laid out.

    scale multiplies the convolution, addend_scale the addend, shift is added; ``pointwise`` is the
    1x1 record that follows in a separable convolution, with its output channels.  context is what
    the options were read by; restated, the constructor words that only arrays can be checked by.
    """

    op: Op
    layout: Layout
    conv: Convolution
    sizes: Sizes
    scale: Any = 1
    addend_scale: Any = 0
    shift: Any = 0
    pointwise: tuple[Convolution, Sizes] | None = None
    zero_points: tuple[Any, Any] = (0, 0)
    warnings: tuple[str, ...] = ()
    context: CallContext = field(default=CallContext("", ""), repr=False, compare=False)
    restated: tuple[tuple[str, Any], ...] = ()

    @property
    def rank(self) -> int:
        return self.conv.rank

    @property
    def o(self) -> int:
        """The channels of y."""
        return self.pointwise[1].o if self.pointwise else self.sizes.o

    @property
    def output(self) -> Shape:
        """The native shape of y."""
        conv, sizes = self.conv, self.sizes
        out = arrange(self.layout.y, {"n": 1, "o": self.o}, conv.output(sizes.size, sizes.kernel))
        batch = tuple(n // conv.batch_groups for n in sizes.batch)
        return batched(out, self.layout.y, batch)

    def padding_at(self, size: Shape) -> Pairs:
        """The record's padding for an x of other spatial sizes, which may be formulas."""
        rule = self.op.pad
        facts = replace(self.context, sizes=replace(self.sizes, size=size))
        if not isinstance(rule, Crop):
            return rule.read(facts.options[rule.option], facts)
        unchecked = replace(rule, adjoint=False, fixed=False)
        return uncrop(unchecked.read(facts.options[rule.pad.option], facts), facts)

    def refuses(self, size: Shape) -> bool:
        """Whether the framework refuses an x of other spatial sizes, by the call as it stands."""
        pad = self.padding_at(size)
        facts = replace(self.context, sizes=replace(self.sizes, size=size), pad=pad)
        return any(refusal.holds(facts) for refusal in self.op.refusals)


def batched(shape: Shape, pattern: str, batch: Shape) -> Shape:
    """A shape whose one batch entry is replaced by the batch axes that are really there."""
    letters = axes(pattern, max(rank_of(pattern, len(shape)), 0))
    if "n" not in letters:
        return shape
    i = letters.index("n")
    return (*shape[:i], *batch, *shape[i + 1 :])


def lower(
    op: Op,
    options: Mapping[str, Any],
    x_shape: Shape,
    w_shape: Shape,
    p_shape: Shape | None = None,
) -> LoweredCall:
    """Read a native call; UniconvError says what it gave, how it was read and what must hold."""
    given, spelled = complete(op, options)
    if op.outer_product:
        w_shape = outer_shape(op, w_shape, p_shape)
    facts = CallContext(
        op.name,
        op.title,
        options=given,
        spellings=spelled,
        per_axis_options={
            k: v.names for k, v in op.per_axis_options.items() if not whole(v, k, options)
        },
        ndim=len(x_shape),
    )
    layout = op.layout
    if isinstance(layout, Choice):
        layout = layout.read(given[layout.option], facts)
    facts = replace(facts, layout=layout)
    named = read_shapes(op, layout, x_shape, w_shape)
    rank = len(named["size"])
    sizes = Sizes(named["batch"], named["c"], 0, named["size"], named["kernel"])
    facts = replace(facts, sizes=sizes)
    facts = replace(
        facts,
        stride=_per_axis(op.stride, given, facts),
        dilation=_per_axis(op.dilation, given, facts),
        lhs_dilation=_per_axis(op.lhs_dilation, given, facts),
        boundary=read_boundary(op, given, facts),
    )
    warnings = tuple(told(op, w, facts) for w in op.warnings if w.holds(facts))
    pad = op.pad.pad if isinstance(op.pad, Crop) else op.pad
    if not pad.dilates(given[pad.option]):
        facts = replace(facts, dilation=(1,) * rank)
    out, out_channels = read_output_shape(op, given, facts)
    groups = read_groups(op, given, named, out_channels, facts)
    o = named["o"] if "o" in named else named["m"] * groups
    if out_channels is not None and out_channels != o:
        must = (
            f"read as {show(layout.y)} has {out_channels} channels; they must be the {o} that "
            f"w {show_shape(w_shape)} read as {show(layout.w)} gives"
        )
        assert isinstance(op.pad, Crop)
        assert op.pad.shape is not None
        raise facts.bad(op.pad.shape, given[op.pad.shape], must)
    sizes = replace(sizes, o=o)
    facts = replace(facts, sizes=sizes, output_size=out)
    for rule in op.inert_options:
        rule.read(given[rule.option], facts)
    reverse = (
        op.reverse
        if isinstance(op.reverse, bool)
        else op.reverse.read(given[op.reverse.option], facts)
    )
    conv, facts = build(op, facts, reverse, groups)
    if op.batch_groups:
        conv = replace(conv, batch_groups=read_batch_groups(op, given, sizes, facts))
    refuse(op, facts)
    check_output(op, conv, facts, x_shape, w_shape)
    pointwise = lower_pointwise(op, sizes, rank, p_shape) if op.pointwise else None
    return LoweredCall(
        op,
        layout,
        conv,
        sizes,
        shift=op.shift.read(given[op.shift.option], facts) if op.shift else 0,
        scale=op.scale.read(given[op.scale.option], facts) if op.scale else 1,
        addend_scale=op.addend[1].read(given[op.addend[1].option], facts) if op.addend else 0,
        pointwise=pointwise,
        zero_points=read_offsets(op, given, facts),
        warnings=warnings,
        context=facts,
        restated=restatements(op, options, sizes, pointwise[1].o if pointwise else o, w_shape),
    )


def _per_axis(
    rule: PerAxis | None, given: Mapping[str, Any], facts: CallContext
) -> tuple[int, ...]:
    return rule.read(given[rule.option], facts) if rule else (1,) * facts.rank


def read_boundary(op: Op, given: Mapping[str, Any], facts: CallContext) -> str:
    """What lies outside x: its own option says it, or the padding word does."""
    pad = op.pad.pad if isinstance(op.pad, Crop) else op.pad
    value = given[pad.option]
    if op.boundary and not (isinstance(value, str) and value in pad.borders):
        return str(op.boundary.read(given[op.boundary.option], facts))
    return "constant" if op.fill and not op.boundary else pad.border(value)


def read_shapes(op: Op, layout: Layout, x_shape: Shape, w_shape: Shape) -> dict[str, Any]:
    """The sizes of the letters in the patterns; the rank is that of the kernel."""
    rank = kernel_rank(layout, len(w_shape))
    if rank not in layout.ranks:
        allowed = sorted({len(axes(layout.w, r)) for r in layout.ranks})
        raise BadShape(
            f"{op.name}: w {show_shape(w_shape)} has {plural(len(w_shape))}, but read as "
            f"{show(layout.w)} it must have {either(allowed)}"
        )
    letters = axes(layout.x, rank)
    has_batch = "n" in letters
    extra = len(x_shape) - len(letters) + has_batch
    fewest, most = op.batch
    if not fewest <= extra <= most:
        least = len(letters) - has_batch + fewest
        count = f"{least}" if fewest == most else f"{least} or {'more' if most > 1 else least + 1}"
        raise BadShape(
            f"{op.name}: x {show_shape(x_shape)} has {plural(len(x_shape))}, but read as "
            f"{show(layout.x)} with the {plural(rank, 'spatial ')} of w {show_shape(w_shape)} "
            f"it must have {count}"
        )
    at = letters.index("n") if has_batch else 0
    batch, single = (
        x_shape[at : at + extra],
        (*x_shape[:at], *(1,) * has_batch, *x_shape[at + extra :]),
    )
    x = dict(zip(letters, single))
    w = dict(zip(axes(layout.w, rank), w_shape))
    spatial = [f"s{i}" for i in range(rank)]
    named: dict[str, Any] = {k: v for k, v in w.items() if k not in spatial}
    named |= {"o": 1} if not {"o", "m"} & set(w) else {}
    named |= {"i": 1} if not {"i", "c"} & set(w) else {}
    named |= {"w_c": w.get("c"), "c": x.get("c", 1), "batch": batch}
    named |= {"x_shape": x_shape, "w_shape": w_shape}
    named |= {"size": tuple(x[s] for s in spatial), "kernel": tuple(w.get(s, 1) for s in spatial)}
    if op.square and len(set(named["kernel"])) > 1:
        raise BadShape(
            f"{op.name}: w {show_shape(w_shape)} read as {show(layout.w)} has spatial sizes "
            f"{named['kernel']}; kernels are square"
        )
    if min(named["kernel"]) < 1 or named.get("i") == 0 or named["c"] == 0:
        raise BadShape(
            f"{op.name}: x {show_shape(x_shape)} and w {show_shape(w_shape)} must have at least "
            f"one input channel and one pixel per kernel axis"
        )
    return named


def outer_shape(op: Op, w_shape: Shape, p_shape: Shape | None) -> Shape:
    """The shape of the kernel that two vectors make."""
    shapes = {
        name: s for name, s in zip(op.outer_product or (), (w_shape, p_shape)) if s is not None
    }
    if any(len(s) != 1 for s in shapes.values()) or len(shapes) != 2:
        shown = " and ".join(show_shape(s) for s in shapes.values())
        raise BadShape(f"{op.name}: the kernels {shown} must be two vectors, of one axis each")
    return tuple(shapes[letter][0] for letter in sorted(shapes))


def read_output_shape(
    op: Op, given: Mapping[str, Any], facts: CallContext
) -> tuple[Shape, int | None]:
    """The spatial part of output_shape and its channels (None where it does not say them)."""
    if not (isinstance(op.pad, Crop) and op.pad.shape):
        return (), None
    value, rank = given[op.pad.shape], facts.rank
    unsaid = op.pad.shape_default
    if value is unsaid or (isinstance(value, tuple) and value == unsaid):
        return (), None
    entries = integers(value)
    letters = axes(facts.layout.x, rank)
    if entries is not None and len(entries) == rank and "axes" in op.pad.shape_forms:
        return entries, None
    one = integer(value)
    if one is not None and "int" in op.pad.shape_forms:
        return (one,) * rank, None
    if "sample" in op.pad.shape_forms:
        letters = tuple(a for a in letters if a != "n")
    if entries is None or len(entries) != len(letters) or min(entries) < 0:
        forms = ((rank, "axes"), (len(letters), "full"), (rank + 1, "sample"))
        allowed = either(n for n, form in forms if form in op.pad.shape_forms)
        raise facts.bad(op.pad.shape, value, f"must be a list of {allowed} integers of at least 0")
    named = dict(zip(letters, entries))
    if "n" in named and (named["n"],) != facts.sizes.batch:
        had = f"read as {show(facts.layout.y)} has batch size {named['n']}"
        must = f"{had}; it must be x's, {facts.sizes.batch[0]}"
        raise facts.bad(op.pad.shape, value, must)
    return tuple(named[f"s{i}"] for i in range(rank)), named["c"]


def read_groups(
    op: Op,
    given: Mapping[str, Any],
    named: Mapping[str, Any],
    out_channels: int | None,
    facts: CallContext,
) -> int:
    """The group count, and the check that the channels of x and w fit it."""
    layout, c, i = facts.layout, named["c"], named.get("i")
    x_read = f"x {show_shape(named['x_shape'])} read as {show(layout.x)} has c = {c}"
    w_read = f"w {show_shape(named['w_shape'])} read as {show(layout.w)} has"
    letter, size = ("i", i) if i is not None else ("c", named["w_c"])
    got = f"{op.name}: {x_read}, {w_read} {letter} = {size}"
    if isinstance(op.groups, Count):
        groups: int = op.groups.read(given[op.groups.option], facts)
        if i is not None and c != i * groups:
            raise BadShape(
                f"{got}, {op.groups.option} = {groups}; "
                f"c must be i * {op.groups.option} = {i * groups}"
            )
    elif "g" in named:
        groups = named["g"]
    elif op.groups == BY_CHANNELS:
        if c % size:
            raise BadShape(f"{got}; c must be a multiple of i")
        groups = c // size
    elif op.groups == DEPTHWISE:
        groups = c
    elif op.groups == BY_OUTPUT and out_channels:
        groups = max(out_channels // max(named["m"], 1), 1)
    else:
        groups = 1
    if i is None and c != size:
        raise BadShape(f"{got}; both c must be equal")
    if i is not None and c != i * groups:
        raise BadShape(f"{got}; c must be i{f' * {groups}' if groups > 1 else ''}")
    if c % groups:
        raise BadShape(f"{got}; c must be a multiple of the {groups} groups")
    if "o" in named and named["o"] % groups:
        raise BadShape(f"{got}, o = {named['o']}; o must be a multiple of the {groups} groups")
    return groups


def read_offsets(op: Op, given: Mapping[str, Any], facts: CallContext) -> tuple[Any, Any]:
    """The zero points of x and w."""
    if op.zero_points is None:
        return 0, 0
    x, w = (rule.read(given[rule.option], facts) for rule in op.zero_points)
    return x, w


def read_batch_groups(op: Op, given: Mapping[str, Any], sizes: Sizes, facts: CallContext) -> int:
    """How many parts of the batch meet as many parts of the filters."""
    rule = op.batch_groups
    assert rule is not None
    parts = rule.read(given[rule.option], facts)
    for what, count in (("batch size", sizes.batch[0]), ("output channels", sizes.o)):
        if count % parts:
            raise BadShape(f"{op.name}: {rule.option}={parts} must divide the {what}, {count}")
    return parts


def build(
    op: Op, facts: CallContext, reverse: bool | tuple[bool, ...], groups: int
) -> tuple[Convolution, CallContext]:
    """The record; and the facts with the padding as read, for the refusals."""
    rank, rule, stride, dilation = facts.rank, op.pad, facts.stride, facts.dilation
    backwards = (reverse,) * rank if isinstance(reverse, bool) else reverse
    if not isinstance(rule, Crop):
        pad = rule.read(facts.options[rule.option], facts)
        fill = 0.0
        if op.fill and facts.boundary == "constant":
            fill = op.fill.read(facts.options[op.fill.option], facts)
            if fill == 0:
                facts = replace(facts, boundary="zeros")
        spread = facts.lhs_dilation
        conv = Convolution(stride, pad, spread, dilation, backwards, groups, facts.boundary, fill)
        return conv, replace(facts, pad=pad)
    if rule.output_padding:
        facts = replace(
            facts,
            output_padding=rule.output_padding.read(
                facts.options[rule.output_padding.option], facts
            ),
        )
    crop = rule.read(facts.options[rule.pad.option], facts)
    pad = uncrop(crop, facts)
    # The adjoint of a cross-correlation runs its kernel backwards.
    forwards = tuple(not r for r in backwards)
    conv = Convolution((1,) * rank, pad, stride, dilation, forwards, groups, facts.boundary)
    return conv, replace(facts, pad=crop)


def uncrop(crop: Pairs, facts: CallContext) -> Pairs:
    """Crop of the full transposed result <-> padding of the dilated input (its own inverse)."""
    extents = effective(facts.sizes.kernel, facts.dilation)
    return tuple((e - 1 - lo, e - 1 - hi) for e, (lo, hi) in zip(extents, crop))


def refuse(op: Op, facts: CallContext) -> None:
    """Raise Refused for a combination that the framework refuses or gets wrong."""
    for refusal in op.refusals:
        if refusal.holds(facts):
            raise Refused(told(op, refusal, facts))


def told(op: Op, refusal: Refusal, facts: CallContext) -> str:
    """What was given, the reason, and where that is written."""
    values = ((o, facts.options[o]) for o in refusal.options)
    shown = ((o, v) for o, v in values if v is not op.rules[o].default)
    gave = ", ".join(facts.gave(o, v) for o, v in shown)
    return ": ".join(filter(None, (op.name, gave, f"{refusal.reason} [{refusal.source}]")))


def check_output(
    op: Op, conv: Convolution, facts: CallContext, x_shape: Shape, w_shape: Shape
) -> None:
    """Refuse an output without pixels or channels where the framework does."""
    sizes = facts.sizes
    out = conv.output(sizes.size, sizes.kernel)
    extents = effective(sizes.kernel, conv.rhs_dilation)
    if op.empty_output == "refused":
        fine = min(out) >= 1 and min(sizes.size) >= 1
    elif op.empty_output == "kept unless negative":
        # C++ division truncates: one stride short of nothing is still nothing, not an error
        # (tensorflow 2.21.0 tensorflow/core/framework/kernel_shape_util.cc).
        padded = zip(sizes.size, conv.pad, extents, conv.stride)
        fine = all(n + lo + hi - e + s > -s for n, (lo, hi), e, s in padded)
    else:
        fine = True
    if not fine:
        x_read = f"{op.name}: x {show_shape(x_shape)} read as {show(facts.layout.x)} has"
        if min(sizes.size) < 1:
            raise BadShape(f"{x_read} spatial sizes {sizes.size}; each must be at least 1")
        if isinstance(op.pad, Crop):
            whole = tuple(axis.whole for axis in facts.axes)
            raise BadShape(
                f"{x_read} spatial sizes {sizes.size}, which give {whole} and, less the padding "
                f"{facts.pad}, {out}; each must be at least 1: pad less"
            )
        raise BadShape(
            f"{x_read} spatial sizes {sizes.size}, the kernel spans {extents}, and the padding is "
            f"{facts.pad}: no window fits; pad more, or make the kernel or its dilation smaller"
        )
    if op.empty_output == "refused" and sizes.o < 1:
        raise BadShape(f"{op.name}: w {show_shape(w_shape)} must have at least one output channel")


def lower_pointwise(
    op: Op, sizes: Sizes, rank: int, p_shape: Shape | None
) -> tuple[Convolution, Sizes]:
    """The 1x1 convolution after a depthwise one."""
    if p_shape is None or op.pointwise is None:
        raise BadShape(f"{op.name}: the pointwise kernel is missing")
    letters = dict(zip(axes(op.pointwise, rank), p_shape))
    kernel = tuple(letters.get(f"s{i}", 0) for i in range(rank))
    read = f"{op.name}: the pointwise kernel {show_shape(p_shape)} read as {show(op.pointwise)}"
    if len(p_shape) != len(axes(op.pointwise, rank)) or kernel != (1,) * rank:
        raise BadShape(f"{read} must have {rank + 2} axes and spatial sizes 1")
    c, i, o = sizes.o, letters["i"], letters["o"]
    if min(c, i) < 1 or c % i or o % (c // i):
        raise BadShape(
            f"{read} has i = {i}, o = {o}, the depthwise result {c} channels; "
            f"these must be a multiple of i, and o a multiple of their ratio"
        )
    if c != i and not op.pointwise_groups:
        raise BadShape(f"{read} has i = {i}; i must be the {c} channels of the depthwise result")
    ones = (1,) * rank
    conv = Convolution(ones, ((0, 0),) * rank, ones, ones, (False,) * rank, c // i)
    return conv, Sizes((), c, o, (), kernel)

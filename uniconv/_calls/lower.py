"""Lower: a native call's options and shapes -> the canonical record.

Nothing here sees a number of an array: shapes and options are all that is read.  An example, that
the comments below refer to: ``tf.nn.conv2d`` of x (1, 5, 6, 3) and w (3, 3, 3, 8) with strides 2
and padding "SAME".  Its layout says x ``n ... c`` and w ``... i o``, so the image has 5 x 6 pixels,
the kernel 3 x 3, c = i = 3 and o = 8.  "SAME" means 3 x 3 windows, ceil(5 / 2) by ceil(6 / 2),
which span (3 - 1) * 2 + 3 = 7 pixels: 2 more than 5, one on each side, and 1 more than 6, which
TensorFlow puts after.  So the record has stride (2, 2), pad ((1, 1), (0, 1)), and y is
(1, 3, 3, 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from uniconv._calls.constructor_words import restatements
from uniconv._calls.kernel import KernelReading, read_groups, read_kernel
from uniconv._calls.options import begin
from uniconv._canonical.activation import Activation
from uniconv._canonical.layout import Layout, Letters, arrange, axes, rank_of
from uniconv._canonical.record import Convolution, Pairs, Shape, Sizes
from uniconv._messages import either, plural, show, show_shape
from uniconv.errors import BadShape, Refused
from uniconv.spec.op import Op
from uniconv.spec.refusals import Refusal
from uniconv.spec.rules import CallContext
from uniconv.spec.values import integer, integers


@dataclass(frozen=True, slots=True)
class LoweredCall:
    """One lowered call: the record, its sizes, and how the native arrays are laid out.

    scale multiplies the convolution, addend_scale the addend, shift is added, activation ends it;
    ``pointwise`` is the 1x1 record that follows in a separable convolution, with its output
    channels.  context is what the options were read by; restated, the constructor words that only
    arrays can be checked by.
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
    result: str | None = None
    warnings: tuple[str, ...] = ()
    activation: Activation | None = None
    context: CallContext = field(
        default_factory=lambda: CallContext("", ""), repr=False, compare=False
    )
    restated: tuple[tuple[str, Any], ...] = ()

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return self.conv.rank

    @property
    def letters(self) -> Letters:
        """What each axis of x, w and y is; n also where x has no batch."""
        return self.layout.letters(self.rank)

    @property
    def o(self) -> int:
        """The channels of y."""
        return self.pointwise[1].o if self.pointwise else self.sizes.o

    @property
    def output(self) -> Shape:
        """The native shape of y."""
        conv, sizes = self.conv, self.sizes
        out = arrange(self.layout.y, {"n": 1, "o": self.o}, conv.output(sizes.size, sizes.kernel))
        return batched(out, self.layout.y, self.y_batch)

    @property
    def y_batch(self) -> Shape:
        """The batch axes of y."""
        batch = tuple(n // self.conv.batch_groups for n in self.sizes.batch)
        return () if self.op.drops_single and batch == (1,) else batch

    @property
    def widened(self) -> bool:
        """Whether x and w are made of the dtype of the result before they are multiplied."""
        return self.result is not None and self.op.mixed_dtypes not in ("x", "depth")

    @property
    def plain(self) -> bool:
        """Whether nothing but the bias follows the sum."""
        op = self.op
        own = self.widened or (op.mixed_dtypes == "depth" and self.result)
        kept = not (op.addend or op.pointwise or op.outer_product or own or self.activation)
        return self.scale == 1 and self.shift == 0 and kept and op.bias == "o"

    def padding_at(self, size: Shape, kernel: Shape | None = None) -> Pairs:
        """The record's padding for an x, and a kernel, of other spatial sizes, maybe formulas.

        The same options are read again with these sizes in the place of x's.  What an output shape
        is checked by (``adjoint``, ``fixed``) is left out: it holds for the sizes of the call only.
        """
        sizes = replace(self.sizes, size=size, kernel=kernel or self.sizes.kernel)
        call = replace(self.context, sizes=sizes)
        if self.op.crop is None:
            return self.op.padding.of(call)  # type: ignore[no-any-return]
        unchecked = replace(self.op.crop, adjoint=False, fixed=False)
        return uncrop(unchecked.read(call.options[self.op.padding.option], call), call)

    def refuses(self, size: Shape) -> bool:
        """Whether the framework refuses an x of other spatial sizes, by the call as it stands."""
        pad = self.padding_at(size)
        call = replace(self.context, sizes=replace(self.sizes, size=size), pad=pad)
        return any(refusal.holds(call) for refusal in self.op.refusals)


def batched(shape: Shape, pattern: str, batch: Shape) -> Shape:
    """A shape whose one batch entry is replaced by the batch axes that are really there.

    ``batched((1, 8, 8, 3), "n ... c", (2, 5))`` is (2, 5, 8, 8, 3), and with batch () (8, 8, 3).
    """
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
    call = begin(op, options, ndim=len(x_shape))
    if op.outer_product:
        w_shape = outer_shape(op, w_shape, p_shape)
    # How to read this: ``call`` is filled in field by field, and every rule may look at the fields
    # that are there already.  A kernel's axes say the rank; with it the shapes say sizes; SAME asks
    # stride, dilation and sizes; an output shape may say channels, and from these some functions
    # know their groups; only then are the channels of y known, and last the padding is read.
    # The order of reading: each line needs what those above it have made known.
    kernel = read_kernel(op, call, w_shape)
    call.layout = kernel.layout
    call.sizes = read_sizes(kernel, x_shape, w_shape)
    rank = call.rank
    call.stride, call.dilation, call.lhs_dilation = (
        rule.of(call) if rule else (1,) * rank for rule in (op.stride, op.dilation, op.lhs_dilation)
    )
    call.boundary = read_boundary(op, call)
    warnings = tuple(refusal_text(op, w, call) for w in op.warnings if w.holds(call))
    # Beside some words the framework ignores the dilation, and the record must not have it either.
    if not op.padding.dilates(call.options[op.padding.option]):
        call.dilation = (1,) * rank
    output_size, channels = read_output_shape(op, call)
    groups = read_groups(kernel, call, x_shape, w_shape, channels)
    call.sizes = replace(call.sizes, o=output_channels(kernel, call, w_shape, groups, channels))
    call.output_size = output_size
    for rule in op.inert_options:
        rule.of(call)
    conv = read_record(kernel, call, groups)
    refuse(op, call)
    check_output(op, conv, call, x_shape, w_shape)
    pointwise = lower_pointwise(kernel, call.sizes, p_shape) if op.pointwise else None
    o = pointwise[1].o if pointwise else call.sizes.o
    pairs = zip(call.sizes.size, call.sizes.kernel)
    if op.mixed_dtypes == "fft" and all(1 in pair for pair in pairs):
        # Along no axis is there anything to transform, and integers are multiplied as they are:
        # scipy 1.17.1 scipy/signal/_signaltools.py _freq_domain_conv
        op = replace(op, mixed_dtypes="numpy")
    return LoweredCall(
        op,
        call.layout,
        conv,
        call.sizes,
        shift=op.shift.of(call) if op.shift else 0,
        scale=op.scale.of(call) if op.scale else 1,
        addend_scale=op.addend[1].of(call) if op.addend else 0,
        pointwise=pointwise,
        zero_points=read_zero_points(op, call),
        result=op.result_option.of(call) if op.result_option else op.result,
        warnings=warnings,
        activation=op.activation.of(call) if op.activation else None,
        context=call,
        restated=restatements(op, options, call.sizes, o, x_shape, w_shape),
    )


def read_boundary(op: Op, call: CallContext) -> str:
    """What lies outside x: its own option says it, or the padding word does."""
    value = call.options[op.padding.option]
    # A word that names a border ("reflect") wins over the option for borders; without such a word
    # the option says it; and where only a fill value exists, outside x stands that constant.
    if op.boundary and not (isinstance(value, str) and value in op.padding.borders):
        return str(op.boundary.of(call))
    return "constant" if op.fill and not op.boundary else op.padding.border(value)


def read_sizes(kernel: KernelReading, x_shape: Shape, w_shape: Shape) -> Sizes:
    """The sizes that the patterns give the arrays; 0 for the channels of y, not known yet.

    x may have several batch axes, or none: ``op.batch`` says the fewest and the most.  All axes
    that the pattern's other letters do not take are the batch: x (2, 5, 8, 8, 3) read as "n ... c"
    with two spatial axes has batch (2, 5).  For the other letters these are then taken as one.

    Raises:
        BadShape: too few or too many axes, no pixel or channel, a kernel that must be square.
    """
    op, layout, rank = kernel.op, kernel.layout, kernel.rank
    letters = kernel.call.letters.x
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
    # x as if its batch were one axis of size 1, so that one letter stands for each entry.
    at = letters.index("n") if has_batch else 0
    single = (*x_shape[:at], *((1,) if has_batch else ()), *x_shape[at + extra :])
    x = dict(zip(letters, single))
    size = tuple(x[f"s{i}"] for i in range(rank))
    sizes = Sizes(x_shape[at : at + extra], x.get("c", 1), 0, size, kernel.spatial(w_shape))
    _check_sizes(kernel, sizes, x_shape, w_shape)
    return sizes


def _check_sizes(kernel: KernelReading, sizes: Sizes, x_shape: Shape, w_shape: Shape) -> None:
    """Refuse a kernel without pixels or input channels, and one that must be square and is not."""
    op = kernel.op
    if op.square and len(set(sizes.kernel)) > 1:
        raise BadShape(
            f"{kernel.read(w_shape)} has spatial sizes {sizes.kernel}; kernels are square"
        )
    if min(sizes.kernel, default=1) < 1 or kernel.channels(w_shape).get("i") == 0 or sizes.c == 0:
        raise BadShape(
            f"{op.name}: x {show_shape(x_shape)} and w {show_shape(w_shape)} must have at least "
            f"one input channel and one pixel per kernel axis"
        )


def outer_shape(op: Op, w_shape: Shape, p_shape: Shape | None) -> Shape:
    """The shape of the kernel that two vectors make."""
    shapes = {
        name: s for name, s in zip(op.outer_product or (), (w_shape, p_shape)) if s is not None
    }
    if any(len(s) != 1 for s in shapes.values()) or len(shapes) != 2:
        shown = " and ".join(show_shape(s) for s in shapes.values())
        raise BadShape(f"{op.name}: the kernels {shown} must be two vectors, of one axis each")
    return tuple(shapes[letter][0] for letter in sorted(shapes))


def read_output_shape(op: Op, call: CallContext) -> tuple[Shape, int | None]:
    """The spatial part of output_shape and its channels (None where it does not say them).

    Both are () and None where the function has no such option, or the call leaves it out.

    Raises:
        BadOption: it fits none of the forms that the function takes, or says another batch size.
    """
    # How to read this: the option comes in up to four forms, which ``crop.shape_forms`` lists.  For
    # y (1, 8, 8, 3), read as "n ... c":  "axes" (8, 8), "int" 8, "sample" (8, 8, 3), without the
    # batch, and "full" (1, 8, 8, 3).  The first two say no channels.  The last two are told by
    # letter, in the order of x's axes; they differ in length from "axes" by the axes of channels
    # and batch, so that a list can be read in one way only.
    crop = op.crop
    if crop is None or crop.shape is None:
        return (), None
    value, rank = call.options[crop.shape], call.rank
    unsaid = crop.shape_default
    if value is unsaid or (isinstance(value, tuple) and value == unsaid):
        return (), None
    letters = call.letters.x
    unknown: set[str] = set()
    entries = integers(value)
    if crop.unknown and isinstance(value, (list, tuple)) and len(value) == len(letters):
        unknown = {a for a, n in zip(letters, value) if n is None and a in "nc"}
        entries = integers([0 if a in unknown else n for a, n in zip(letters, value)])
    if crop.zeros_unsaid and entries and not any(entries):
        return (), None
    if crop.idle and not call.sizes.batch:
        letters = tuple(a for a in letters if a != "n")
    if entries is not None and len(entries) == rank and "axes" in crop.shape_forms:
        return entries, None
    one = integer(value)
    if one is not None and "int" in crop.shape_forms:
        return (one,) * rank, None
    if "sample" in crop.shape_forms:
        letters = tuple(a for a in letters if a != "n")
    if entries is None or len(entries) != len(letters) or min(entries, default=0) < 0:
        forms = ((rank, "axes"), (len(letters), "full"), (rank + 1, "sample"))
        allowed = either(n for n, form in forms if form in crop.shape_forms)
        raise call.bad(crop.shape, value, f"must be a list of {allowed} integers of at least 0")
    named = {a: n for a, n in zip(letters, entries) if a not in unknown}
    if crop.idle:
        return tuple(named[f"s{i}"] for i in range(rank)), None
    if "n" in named and (named["n"],) != call.sizes.batch:
        had = f"read as {show(call.layout.y)} has batch size {named['n']}"
        must = f"{had}; it must be x's, {call.sizes.batch[0]}"
        raise call.bad(crop.shape, value, must)
    return tuple(named[f"s{i}"] for i in range(rank)), named.get("c")


def output_channels(
    kernel: KernelReading, call: CallContext, w_shape: Shape, groups: int, channels: int | None
) -> int:
    """The channels of y, by the kernel; and the check that an output shape says no others."""
    sizes = kernel.channels(w_shape)
    o = sizes["o"] if "o" in sizes else sizes["m"] * groups
    if channels is not None and channels != o:
        must = (
            f"read as {show(kernel.layout.y)} has {channels} channels; they must be the {o} that "
            f"w {show_shape(w_shape)} read as {show(kernel.layout.w)} gives"
        )
        assert kernel.op.crop is not None
        assert kernel.op.crop.shape is not None
        shape = kernel.op.crop.shape
        raise call.bad(shape, call.options[shape], must)
    return o


def read_zero_points(op: Op, call: CallContext) -> tuple[Any, Any]:
    """The zero points of x and w."""
    # Both arrays are taken less these numbers before they are multiplied: 0 changes nothing.
    if op.zero_points is None:
        return 0, 0
    x, w = (rule.of(call) for rule in op.zero_points)
    return x, w


def read_batch_groups(op: Op, call: CallContext) -> int:
    """How many parts of the batch meet as many parts of the filters."""
    rule, sizes = op.batch_groups, call.sizes
    if rule is None:
        return 1
    parts: int = rule.of(call)
    for what, count in (("batch size", sizes.batch[0]), ("output channels", sizes.o)):
        if count % parts:
            raise BadShape(f"{op.name}: {rule.option}={parts} must divide the {what}, {count}")
    return parts


def read_record(kernel: KernelReading, call: CallContext, groups: int) -> Convolution:
    """The record; the call then knows its padding, too, as it was read.

    A convolution's padding goes into the record as it is.  What a transposed one says is a crop,
    "pixels of the whole result that are cut off", and its stride spreads x: it becomes the record's
    ``lhs_dilation``, and y is read with stride 1.
    """
    op, ones = kernel.op, (1,) * call.rank
    if op.crop is None:
        call.pad = pad = op.padding.of(call)
        fill = op.fill.of(call) if op.fill and call.boundary == "constant" else 0.0
        # A border of zeros has one name, so that two calls that mean the same have equal records.
        if op.fill and fill == 0 and call.boundary == "constant":
            call.boundary = "zeros"
        spread, stride = call.lhs_dilation, call.stride
    else:
        if op.crop.output_padding:
            call.output_padding = op.crop.output_padding.of(call)
        call.pad = op.crop.read(call.options[op.padding.option], call)
        pad, fill = uncrop(call.pad, call), 0.0
        spread, stride = call.stride, ones
    conv = Convolution(
        stride, pad, spread, call.dilation, kernel.reverse, groups, call.boundary, fill
    )
    parts = read_batch_groups(op, call)
    return conv if parts == 1 else replace(conv, batch_groups=parts)


def uncrop(crop: Pairs, call: CallContext) -> Pairs:
    """Crop of the full transposed result <-> padding of the dilated input (its own inverse).

    A window that overlaps x by one tap at least starts at most ``extent - 1`` pixels before x: the
    whole result is what x gives under that much padding, and one pixel of crop is one pixel less of
    it.  Extent 3: crop (0, 1) is padding (2, 1), and crop (3, 2) is padding (-1, 0), which crops x.
    """
    return tuple((a.extent - 1 - lo, a.extent - 1 - hi) for a, (lo, hi) in zip(call.axes, crop))


def refuse(op: Op, call: CallContext) -> None:
    """Raise Refused for a combination that the framework refuses or gets wrong."""
    for refusal in op.refusals:
        if refusal.holds(call):
            raise Refused(refusal_text(op, refusal, call))


def refusal_text(op: Op, refusal: Refusal, call: CallContext) -> str:
    """What was given, the reason, and where that is written."""
    # Options at their defaults were not written by the user, who would look for them in vain.
    values = ((o, call.options[o]) for o in refusal.options)
    shown = ((o, v) for o, v in values if v is not op.rules[o].default)
    gave = ", ".join(call.gave(o, v) for o, v in shown)
    return ": ".join(filter(None, (op.name, gave, f"{refusal.reason} [{refusal.source}]")))


def check_output(
    op: Op, conv: Convolution, call: CallContext, x_shape: Shape, w_shape: Shape
) -> None:
    """Refuse an output without pixels or channels where the framework does."""
    # How to read this: the record gives 0 windows where none fits, without an error.  Frameworks
    # differ there: "refused" raises, "kept" returns an empty y, and one is in between.
    sizes = call.sizes
    out = conv.output(sizes.size, sizes.kernel)
    extents = tuple(axis.extent for axis in call.axes)
    if op.empty_output == "refused":
        fine = min(out, default=1) >= 1 and min(sizes.size, default=1) >= 1
    elif op.empty_output == "kept unless negative":
        # C++ division truncates: one stride short of nothing is still nothing, not an error
        # (tensorflow 2.21.0 tensorflow/core/framework/kernel_shape_util.cc).
        padded = zip(sizes.size, conv.pad, extents, conv.stride)
        # x of 1 pixel, stride 2, no padding: a kernel of 4 gives (1 - 4 + 2) / 2 = -0.5, cut to 0
        # and kept; a kernel of 5 gives -1, refused.
        fine = all(n + lo + hi - e + s > -s for n, (lo, hi), e, s in padded)
    else:
        fine = True
    if not fine:
        x_read = f"{op.name}: x {show_shape(x_shape)} read as {show(call.layout.x)} has"
        if min(sizes.size, default=1) < 1:
            raise BadShape(f"{x_read} spatial sizes {sizes.size}; each must be at least 1")
        if op.crop:
            whole = tuple(axis.whole for axis in call.axes)
            raise BadShape(
                f"{x_read} spatial sizes {sizes.size}, which give {whole} and, less the padding "
                f"{call.pad}, {out}; each must be at least 1: pad less"
            )
        raise BadShape(
            f"{x_read} spatial sizes {sizes.size}, the kernel spans {extents}, and the padding is "
            f"{call.pad}: no window fits; pad more, or make the kernel or its dilation smaller"
        )
    if op.empty_output == "refused" and sizes.o < 1:
        raise BadShape(f"{op.name}: w {show_shape(w_shape)} must have at least one output channel")


def lower_pointwise(
    kernel: KernelReading, sizes: Sizes, p_shape: Shape | None
) -> tuple[Convolution, Sizes]:
    """The 1x1 convolution after a depthwise one, and its sizes; ``sizes`` are the depthwise one's.

    Its input channels are the depthwise result's, c of them.  A kernel with fewer, i, reads them in
    c / i groups, where the function allows that (``op.pointwise_groups``).

    Raises:
        BadShape: there is no pointwise kernel, it is not 1x1, or its channels do not fit.
    """
    op, rank, point = kernel.op, kernel.rank, kernel.pointwise
    if p_shape is None:
        raise BadShape(f"{op.name}: the pointwise kernel is missing")
    read = f"{op.name}: the pointwise kernel {show_shape(p_shape)} read as {show(op.pointwise)}"
    if len(p_shape) != rank + 2 or point.spatial(p_shape) != (1,) * rank:
        raise BadShape(f"{read} must have {rank + 2} axes and spatial sizes 1")
    channels = point.channels(p_shape)
    c, i, o = sizes.o, channels["i"], channels["o"]
    if min(c, i) < 1 or c % i or o % (c // i):
        raise BadShape(
            f"{read} has i = {i}, o = {o}, the depthwise result {c} channels; "
            f"these must be a multiple of i, and o a multiple of their ratio"
        )
    if c != i and not op.pointwise_groups:
        raise BadShape(f"{read} has i = {i}; i must be the {c} channels of the depthwise result")
    ones = (1,) * rank
    conv = Convolution(ones, ((0, 0),) * rank, ones, ones, (False,) * rank, c // i)
    return conv, Sizes((), c, o, (), ones)

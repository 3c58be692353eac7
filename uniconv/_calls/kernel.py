"""How a function reads its kernel: axes by letter, reversal, groups.  The only place that says so.

``lower`` reads the kernel of a call here, ``bind`` and ``nn`` one whose x is not known yet,
``convert_kernel`` those of two functions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from uniconv._canonical.layout import Layout, arrange, axes, kernel_rank
from uniconv._canonical.record import Shape, Sizes
from uniconv._messages import either, plural, show, show_shape
from uniconv.errors import BadShape
from uniconv.spec.groups import BY_CHANNELS, Channels, Groups
from uniconv.spec.op import Op
from uniconv.spec.rules import CallContext


@dataclass(frozen=True, slots=True)
class KernelReading:
    """How one function reads its kernel.

    layout: the patterns that its options choose; groups: where it takes the group count from.
    reverse: that of the canonical record, axis by axis: the adjoint of a cross-correlation runs its
    kernel backwards, so a transposed convolution reverses once more.
    call: the options that say all this.
    """

    op: Op
    layout: Layout
    rank: int
    groups: Groups
    reverse: tuple[bool, ...]
    call: CallContext

    @property
    def letters(self) -> tuple[str, ...]:
        return axes(self.layout.w, self.rank)

    @property
    def transposed(self) -> bool:
        """Whether it is a transposed convolution's."""
        return self.op.kind == "conv_transpose"

    @property
    def pointwise(self) -> KernelReading:
        """How a separable convolution reads the 1x1 kernel that follows the depthwise one."""
        layout = replace(self.layout, w=str(self.op.pointwise))
        return replace(self, layout=layout, groups=BY_CHANNELS)

    def read(self, shape: Shape) -> str:
        """A kernel of that shape as it is read, for messages."""
        return f"{self.op.name}: w {show_shape(shape)} read as {show(self.layout.w)}"

    def spatial(self, shape: Shape) -> Shape:
        """The sizes along the spatial axes of x: 1 where the kernel has no such axis."""
        named = dict(zip(self.letters, shape))
        return tuple(named.get(f"s{i}", 1) for i in range(self.rank))

    def channels(self, shape: Shape) -> dict[str, int]:
        """The sizes of the channel axes by letter: 1 where there are none in, or none out."""
        named = {a: n for a, n in zip(self.letters, shape) if a[0] != "s"}
        named |= {} if {"o", "m"} & set(named) else {"o": 1}
        return named if {"i", "c"} & set(named) else named | {"i": 1}

    def group_count(self, sizes: dict[str, int]) -> int:
        """The group count as far as channel axes of these sizes and the options say it, else 1."""
        return self.groups.of_kernel(sizes, self.call)

    def shape(self, c: int, o: int, groups: int, spatial: Shape) -> Shape:
        """The shape of a kernel of so many channels, groups and pixels."""
        return arrange(self.layout.w, letter_sizes(c, o, groups), spatial)


def letter_sizes(c: int, o: int, groups: int) -> dict[str, int]:
    """The sizes of the letters of all channel axes."""
    return {"c": c, "o": o, "g": groups, "i": c // groups, "m": o // groups}


def read_kernel(op: Op, call: CallContext, shape: Shape) -> KernelReading:
    """How a kernel of that shape is read in a call; BadShape where no number of axes fits."""
    layout: Layout = op.layout.of(call)
    rank = kernel_rank(layout, len(shape))
    if rank not in layout.ranks:
        raise BadShape(
            f"{op.name}: w {show_shape(shape)} has {plural(len(shape))}, but read as "
            f"{show(layout.w)} it must have {either(numbers_of_axes(layout))}"
        )
    return kernel_of(op, call, layout, rank)


def kernel_of(op: Op, call: CallContext, layout: Layout, rank: int) -> KernelReading:
    """How a kernel of so many spatial axes is read in that layout."""
    known = replace(call, layout=layout, sizes=Sizes((), 0, 0, (), (1,) * rank))
    backwards = op.reverse.of(known)
    each = tuple(backwards) if op.reverse.for_each_axis else (backwards,) * rank
    transposed = op.kind == "conv_transpose"
    reverse = tuple(bool(r) is not transposed for r in each)
    return KernelReading(op, layout, rank, op.groups, reverse, known)


def numbers_of_axes(layout: Layout) -> list[int]:
    """How many axes a kernel can have."""
    return sorted({len(axes(layout.w, rank)) for rank in layout.ranks})


def read_groups(
    kernel: KernelReading, call: CallContext, x_shape: Shape, w_shape: Shape, output: int | None
) -> int:
    """The group count of a call, and the check that the channels of x and w fit it.

    output: the channels that an output shape says, if any.
    """
    c, sizes = call.sizes.c, kernel.channels(w_shape)
    i, o = sizes.get("i"), sizes.get("o")
    letter = "c" if i is None else "i"
    got = (
        f"{kernel.op.name}: x {show_shape(x_shape)} read as {show(kernel.layout.x)} has c = {c}, "
        f"w {show_shape(w_shape)} read as {show(kernel.layout.w)} has {letter} = {sizes[letter]}"
    )
    groups = kernel.groups.count(Channels(c, sizes, output, got), call)
    if i is None and c != sizes["c"]:
        raise BadShape(f"{got}; both c must be equal")
    if i is not None and c != i * groups:
        raise BadShape(f"{got}; c must be i{f' * {groups}' if groups > 1 else ''}")
    if c % groups:
        raise BadShape(f"{got}; c must be a multiple of the {groups} groups")
    if o is not None and o % groups:
        raise BadShape(f"{got}, o = {o}; o must be a multiple of the {groups} groups")
    return groups

"""UnsizedCall: a call as its text has it, and shapes that its arrays may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from uniconv._call import Call
from uniconv._calls.kernel import KernelReading, kernel_of, read_kernel
from uniconv._calls.options import begin
from uniconv._canonical.layout import Layout, arrange, axes, rank_of
from uniconv._canonical.record import Shape
from uniconv._messages import show, show_shape
from uniconv._parse.match import Matched
from uniconv._parse.reading import CallInText, calls_in, program_in, with_arrays
from uniconv._parse.source import SourceText
from uniconv._parse.tree import Program
from uniconv.errors import BadShape
from uniconv.typing import Dialect

# What stands for every kernel: what one of them alone allows, another does not.
_KERNELS: tuple[Shape, ...] = ((3, 5, 4), (4, 2, 3), (2, 3, 5))
_CHANNELS = ((2, 5), (3, 7), (5, 2))  # in and out of one group
_IMAGE: Shape = (23, 29, 31)


@dataclass(frozen=True)
class UnsizedCall:
    """A call of a known function, or a layer that is made, in a text of its own."""

    source: SourceText
    program: Program
    matched: Matched

    @classmethod
    def of(cls, text: str) -> UnsizedCall | None:
        """The one call in a text; None where there is none, or several."""
        source = SourceText(text)
        program = program_in(source)
        calls = calls_in(source, program, program.roots)
        return cls(source, program, calls[0][1]) if len(calls) == 1 else None

    @cached_property
    def words(self) -> CallInText:
        """Its options, and the sizes that a layer class is told; BadOption as ``Call.parse``."""
        return with_arrays(self.source, self.program, self.matched, {})

    def sized(self, arrays: Mapping[str, Shape]) -> Call:
        """The call with arrays of these shapes; errors as those of ``Call``."""
        read = with_arrays(self.source, self.program, self.matched, arrays)
        return Call(**read.arrays, dialect=cast(Dialect, read.target.op.name), **read.options)

    def reading(self, w: Shape | None = None, rank: int | None = None) -> KernelReading:
        """How the kernel is read, by its shape or by its spatial axes.

        Raises:
            BadShape: neither is known, and the function has kernels of several numbers of axes.
        """
        op = self.matched.op
        call = begin(op, self.words.options, ndim=0)
        if w is not None:
            return read_kernel(op, call, w)
        layout: Layout = op.layout.of(call)
        rank = self._rank_of_options() if rank is None else rank
        if rank is None and len(layout.ranks) != 1:
            raise BadShape(f"{op.name}: the number of its spatial axes is not known")
        return kernel_of(op, call, layout, rank or layout.ranks[0])

    def _rank_of_options(self) -> int | None:
        """The spatial axes that a list among the options has one number each for."""
        op, options = self.matched.op, self.words.options
        for rule in filter(None, (op.stride, op.dilation, op.lhs_dilation)):
            value: Any = options.get(rule.option)
            listed = isinstance(value, (tuple, list)) and not {"full", "sample"} & {*rule.accepts}
            if listed and (len(value) > 1 or (value and "one" not in rule.accepts)):
                return len(value)
        return len(self._size_of_kernel) or None

    @property
    def _channels_out(self) -> int | None:
        """The channels of y, where a word says them beside the kernel."""
        words = self.matched.op.constructor_words.items()
        values = (self.words.options.get(word) for word, restated in words if restated.says == "o")
        return next((n for n in values if type(n) is int), None)

    @cached_property
    def _size_of_kernel(self) -> Shape:
        """The spatial sizes of w that an option repeats; () where none does."""
        names = [o.option for o in self.matched.op.inert_options if o.repeats_kernel]
        values = [self.words.options.get(name) for name in names]
        return next((tuple(v) for v in values if isinstance(v, (tuple, list))), ())

    def read_x(self, x: Shape) -> tuple[int, Shape]:
        """The channels and the spatial sizes of an x of that shape; BadShape where none fits."""
        op = self.matched.op
        layout: Layout = op.layout.of(begin(op, self.words.options, ndim=len(x)))
        rank = rank_of(layout.x, len(x))
        if rank not in layout.ranks:
            raise BadShape(f"{op.name}: x {show_shape(x)} read as {show(layout.x)} does not fit")
        named = dict(zip(axes(layout.x, rank), x))
        return named["c"], tuple(named[f"s{i}"] for i in range(rank))

    def kernels(self) -> list[Shape]:
        """Shapes that stand for every kernel; BadShape as ``reading``."""
        reading = self.reading()
        pairs = zip(_KERNELS, _CHANNELS)
        size, out = self._size_of_kernel, self._channels_out
        return [kernel_shape(reading, size or k[: reading.rank], i, o, out) for k, (i, o) in pairs]

    def arrays(self, w: Shape, size: Shape | None = None) -> dict[str, Shape]:
        """The shapes of all arrays beside a kernel of that shape; size: that of x, else any."""
        reading = self.reading(w)
        channels = reading.channels(w)
        each = reading.groups.each_channel and "c" in channels
        groups = channels["c"] if each else reading.group_count(channels)
        c = channels["c"] if "c" in channels else channels["i"] * groups
        o = channels["o"] if "o" in channels else channels["m"] * groups
        image = size or tuple(n + 20 * k for n, k in zip(_IMAGE, reading.spatial(w)))
        shapes = {"x": arrange(reading.layout.x, {"n": 2, "c": c}, image), "w": w}
        if reading.op.pointwise:
            ones = (1,) * reading.rank
            shapes["pointwise"] = arrange(reading.op.pointwise, {"i": o, "o": o + 1}, ones)
            o += 1
        return shapes | {"bias": (o,)}


def kernel_shape(
    reading: KernelReading, spatial: Shape, i: int, o: int, out: int | None = None
) -> Shape:
    """The shape of a kernel of i channels in and o out of one group; of c = i where each is one.

    out: the channels of all groups, where they are known.
    """
    if reading.groups.each_channel:
        return reading.shape(i, i * o, i, spatial)
    groups = reading.group_count({"i": i, "o": o, "g": 2})
    return reading.shape(i * groups, out or o * groups, groups, spatial)

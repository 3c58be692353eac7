"""Steps: how torch computes a record, said once; run, printed and made into modules from here.

A step is one small change of an array: ``on`` names the array it changes, by "x", "w", "p" (the
kernel of a 1x1 convolution that follows), "y" or "bias".  ``core_steps`` lists what is done to x
``(n) c ...`` and w ``o i ...`` (``c m ...`` by the transposed op) until y ``(n) o ...`` is there;
``uniconv._calls.steps`` puts a function's layouts around that.  ``execute`` runs a list,
``steps_source`` prints it as code, ``uniconv.nn`` makes torch modules of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from typing import Any

from uniconv._canonical.activation import Activation
from uniconv._canonical.formula import bounds, positive
from uniconv._canonical.record import Convolution, Pairs, Sizes, effective

Ints = tuple[int, ...]
MOST_AXES = 3  # spatial ones, of torch's convolutions


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the array ``on``."""

    on: str


# Layouts


@dataclass(frozen=True, slots=True)
class Merge(Step):
    """``count`` axes from ``at`` on, those of the batch, as one."""

    at: int
    count: int


@dataclass(frozen=True, slots=True)
class Split(Step):
    """The axis ``at`` as the axes of the batch."""

    at: int
    sizes: Ints


@dataclass(frozen=True, slots=True)
class AddAxes(Step):
    """``count`` axes of size 1 after the others."""

    count: int


@dataclass(frozen=True, slots=True)
class DropAxis(Step):
    """The last axis away, whose size is 1."""


@dataclass(frozen=True, slots=True)
class Permute(Step):
    """The axes in another order: from the pattern ``src`` to ``dst``."""

    order: Ints
    src: str
    dst: str


@dataclass(frozen=True, slots=True)
class Regroup(Step):
    """A kernel's axes by the einops pattern, its groups split or merged.

    sizes: those of the letters g, i, m, s0, s1, s2.
    """

    pattern: str
    sizes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class BatchGroups(Step):
    """Parts of the batch (the first axis) as groups of channels (the second)."""

    parts: int


@dataclass(frozen=True, slots=True)
class AddRow(Step):
    """An axis of size 1 before the last: a line as an image of one row."""


@dataclass(frozen=True, slots=True)
class DropRow(Step):
    """The last axis but one away, whose size is 1."""


# The kernel


@dataclass(frozen=True, slots=True)
class Flip(Step):
    """The kernel read backwards along axes, counted from the last."""

    axes: Ints


@dataclass(frozen=True, slots=True)
class Compact(Step):
    """Memory in the order of the axes.

    With 1 on the kernel's first axis, torch 2.13's backward refuses a permuted kernel on the CPU:
    "grad_weight must be contiguous" (aten/src/ATen/native/NaiveConvolutionTranspose2d.cpp).
    """


@dataclass(frozen=True, slots=True)
class Conjugate(Step):
    """The complex conjugate of each number; a real number is its own."""


# The image.  ``pad`` is in axis order, as in the record; its numbers may be formulas of n0, n1, ...


@dataclass(frozen=True, slots=True)
class Measure(Step):
    """The extents of the image as n0, n1, ..., by which formulas name them; nothing to run."""

    rank: int


@dataclass(frozen=True, slots=True)
class Surround(Step):
    """A border that torch.nn.functional.pad makes; negative crops, and before it pads."""

    pad: Pairs
    boundary: str = "zeros"
    fill: float = 0.0


@dataclass(frozen=True, slots=True)
class Gather(Step):
    """A border that torch has no mode for: which pixels of the image follow each other."""

    pad: Pairs
    boundary: str
    size: Ints


@dataclass(frozen=True, slots=True)
class Spread(Step):
    """``dilation - 1`` zeros after every pixel, after the last one, too."""

    dilation: Ints
    size: Ints


@dataclass(frozen=True, slots=True)
class TapsToChannels(Step):
    """An image of many axes as images of three: (n) c s0 s1 s2 s3 as (n s0') (c k0) s1 s2 s3.

    Along the first axes the places of the window become images, and the taps under it channels.
    kernel, stride, dilation: those along the first axes.
    """

    kernel: Ints
    stride: Ints
    dilation: Ints


@dataclass(frozen=True, slots=True)
class KernelTapsToChannels(Step):
    """The same of the kernel, whose first ``count`` spatial axes go: o i k0 ... as o (i k0) ..."""

    count: int


@dataclass(frozen=True, slots=True)
class ImagesToAxes(Step):
    """The way back: (n s0') o s1 s2 s3 as (n) o s0' s1 s2 s3.

    batch: the images there were, () where x had no batch axis; out: the sizes of the first axes.
    """

    batch: Ints
    out: Ints


@dataclass(frozen=True, slots=True)
class Cut(Step):
    """Pixels cut off, before and after; ``size`` are the extents that it cuts from."""

    cut: Pairs
    size: Ints


@dataclass(frozen=True, slots=True)
class Every(Step):
    """Every so many pixels, from the first on; why: what the reader of the code asks."""

    stride: Ints
    why: str = ""


@dataclass(frozen=True, slots=True)
class Convolve(Step):
    """torch's convolution of the arrays ``x`` and ``w``; bias: whether it adds the bias.

    sizes: those of its arrays where they are numbers and known: by them a faster way is chosen.
    """

    x: str
    w: str
    stride: Ints
    padding: Ints
    dilation: Ints
    groups: int
    output_padding: Ints = ()
    transposed: bool = False
    bias: bool = True
    sizes: Sizes | None = field(default=None, compare=False, repr=False)

    @property
    def rank(self) -> int:
        return len(self.stride)


@dataclass(frozen=True, slots=True)
class Empty(Step):
    """No pixel of x, no filter or no window: zeros of the shape ``(n) o out``, if there are any."""

    x: str
    w: str
    o: int
    out: Ints
    bias: bool = True


# What surrounds the sum


@dataclass(frozen=True, slots=True)
class OuterProduct(Step):
    """The kernel that the two vectors ``factors`` make, the first along its first axis."""

    factors: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Cast(Step):
    """Another dtype, by its torch name; then less a zero point, or as many as broadcast."""

    dtype: str
    less: Any = 0


@dataclass(frozen=True, slots=True)
class Saturate(Step):
    """Each number as the nearest integer of a dtype; halves go to even ones, or away from zero."""

    dtype: str
    even: bool = True


@dataclass(frozen=True, slots=True)
class Scale(Step):
    """Times a number."""

    factor: Any


@dataclass(frozen=True, slots=True)
class Shift(Step):
    """Plus a number."""

    term: Any


@dataclass(frozen=True, slots=True)
class Addend(Step):
    """Plus ``scale`` times the array that the function calls ``name``."""

    name: str
    scale: Any


@dataclass(frozen=True, slots=True)
class Bias(Step):
    """Plus the bias, whose numbers run along one axis of y with ``after`` axes behind it.

    after: None where the bias has all of y's axes.
    """

    after: int | None


@dataclass(frozen=True, slots=True)
class Activate(Step):
    """Each number by itself through a function."""

    activation: Activation


@dataclass(frozen=True, slots=True)
class AnySize:
    """What makes steps hold for an image of any size with a window, and not for one size only.

    padding: the record's, as numbers, or as formulas of the image's extents.
    wrapping: whether a border read from x may be wider than x.
    """

    padding: Pairs
    wrapping: bool = False


def by_transposing(conv: Convolution, *, adjoint: bool = False) -> bool:
    """Whether torch's transposed op computes it: where x is spread, or the call is an adjoint.

    Around a period there is no crop that it could say, and torch has three axes at most: there x is
    spread as an array.
    """
    can = conv.boundary != "circular" and conv.rank <= MOST_AXES
    return can and (adjoint or max(conv.lhs_dilation, default=1) > 1)


def core_steps(
    conv: Convolution,
    sizes: Sizes,
    *,
    transposed: bool,
    any_size: AnySize | None = None,
    x: str = "x",
    w: str = "w",
    bias: bool = True,
) -> tuple[Step, ...]:
    """What is done to x and w, from there to y with its bias.

    transposed: by torch's transposed op, for which w is ``c m ...``.
    any_size: the steps for images of any size, where that of ``sizes`` has a window; without it
    they are those for ``sizes``, which may be faster.
    x, w: the names of the two arrays; bias: whether these steps add it.
    """
    # How to read this: an empty result is one step of its own.  Else first the kernel is turned:
    # torch's convolution is a cross-correlation, and its transposed op runs the kernel backwards by
    # itself, so that a flip is needed where ``reverse`` and ``transposed`` differ.  Then follows
    # the image: ``_windows`` slides over a padded x, ``_stamps`` spreads x and cuts the result.
    out = conv.output(sizes.size, sizes.kernel)
    if 0 in out or sizes.o == 0 or 0 in sizes.size:
        return (Empty("y", x, w, sizes.o, out, bias),)
    if not 1 <= conv.rank <= MOST_AXES:
        reach = _few_axes if conv.rank else _no_axes
        return reach(conv, sizes, any_size, x=x, w=w, bias=bias, transposed=transposed)
    # A kernel of one tap along an axis is the same backwards.
    reversals = zip(conv.reverse, sizes.kernel)
    flips = tuple(
        a - conv.rank
        for a, (r, k) in enumerate(reversals)
        if r is not transposed and not (type(k) is int and k == 1)
    )
    kernel: tuple[Step, ...] = (Flip(w, flips),) if flips else ()
    if (sizes.c if transposed else sizes.o) == 1:
        kernel += (Compact(w),)
    make = partial(
        Convolve, "y", x, w, groups=conv.groups, dilation=conv.rhs_dilation, transposed=transposed
    )
    run = _stamps if transposed else _windows
    steps = (*kernel, *run(conv, sizes, any_size, make, x=x, bias=bias))
    return steps if any_size else _sized(steps, x, sizes)


def _sized(steps: tuple[Step, ...], x: str, sizes: Sizes) -> tuple[Step, ...]:
    """The steps, their convolution with the sizes of its arrays; x has what comes before it."""
    numbers = (*sizes.batch, sizes.c, sizes.o, *sizes.size, *sizes.kernel)
    if not all(type(n) is int for n in numbers):
        return steps
    known: list[Step] = []
    for step in steps:
        if step.on == x and isinstance(step, Surround):
            size = tuple(n + lo + hi for n, (lo, hi) in zip(sizes.size, step.pad))
            sizes = replace(sizes, size=size)
        elif step.on == x and isinstance(step, (Cut, Gather)):
            return steps
        known.append(replace(step, sizes=sizes) if isinstance(step, Convolve) else step)
    return tuple(known)


def _no_axes(
    conv: Convolution, sizes: Sizes, any_size: AnySize | None, *, x: str, w: str, **how: Any
) -> tuple[Step, ...]:
    """Without spatial axes: a line of one pixel."""
    sizes = replace(sizes, size=(1,), kernel=(1,))
    none = any_size and AnySize(((0, 0),))
    core = core_steps(conv.with_unit_axis(), sizes, any_size=none, x=x, w=w, **how)
    return (AddAxes(x, 1), AddAxes(w, 1), *core, DropAxis("y"))


def _few_axes(
    conv: Convolution, sizes: Sizes, any_size: AnySize | None, *, x: str, w: str, **how: Any
) -> tuple[Step, ...]:
    """Of more axes than torch has: images of three, once x has its border and zeros in between."""
    # How to read this: y[p, q] = sum over k and t of x[p + k, q + t] * w[k, t], where p and k run
    # over the first axes.  For one p that is a convolution along q whose channels are (c, k): so
    # every p is an image.
    first = conv.rank - MOST_AXES
    spread, pad = conv.lhs_dilation, any_size.padding if any_size else conv.pad
    apart: tuple[Step, ...] = ()
    size = sizes.size
    if conv.boundary != "circular" and max(spread) > 1:  # else the border does it
        size = tuple(n * d for n, d in zip(size, spread))
        pad = tuple((lo, hi - d + 1) for (lo, hi), d in zip(pad, spread))
        apart = (Spread(x, spread, size),)
        conv = replace(conv, lhs_dilation=(1,) * conv.rank, pad=pad)
    surround = border(x, conv, size, any_size and replace(any_size, padding=pad))
    padded = tuple(
        (n - 1) * d + 1 + lo + hi for n, (lo, hi), d in zip(size, conv.pad, conv.lhs_dilation)
    )
    out = conv.output(size, sizes.kernel)[:first]
    flips = tuple(a - conv.rank for a in range(first) if conv.reverse[a] and sizes.kernel[a] > 1)
    taps = sizes.kernel[:first]
    planes = Convolution(
        conv.stride[first:],
        ((0, 0),) * MOST_AXES,
        (1,) * MOST_AXES,
        conv.rhs_dilation[first:],
        conv.reverse[first:],
        conv.groups,
    )
    batch = (prod(sizes.batch),) if sizes.batch else ()
    images = Sizes(
        (prod((*batch, *out)),),
        sizes.c * prod(taps),
        sizes.o,
        padded[first:],
        sizes.kernel[first:],
    )
    none = any_size and AnySize(planes.pad)
    return (
        *((Flip(w, flips),) if flips else ()),
        *(*apart, *surround),
        TapsToChannels(x, taps, conv.stride[:first], conv.rhs_dilation[:first]),
        KernelTapsToChannels(w, first),
        *core_steps(planes, images, any_size=none, x=x, w=w, **how),
        ImagesToAxes("y", batch, out),
    )


def _windows(
    conv: Convolution,
    sizes: Sizes,
    any_size: AnySize | None,
    make: Callable[..., Convolve],
    *,
    x: str,
    bias: bool,
) -> tuple[Step, ...]:
    """A border, then a plain convolution; torch's own padding where that says the border."""
    # How to read this: torch's own padding says zeros only, as many before as after; SAME on 6
    # pixels, (0, 1), needs a border made first, and then a convolution without padding.
    rank, pad = conv.rank, any_size.padding if any_size else conv.pad
    stride, cut = conv.stride, ((0, 0),) * rank
    skipped: tuple[Step, ...] = ()
    if _misread(conv, sizes, any_size):
        # The last axis without its stride: of the one window there is, or of all of them, of which
        # every so many are kept.
        stride = (*stride[:-1], 1)
        if any_size is None:
            surplus = conv.pad[-1][1] - conv.tight(sizes.size, sizes.kernel).pad[-1][1]
            cut = (*cut[:-1], (0, surplus))
        else:
            why = "of one channel, torch 2.13's oneDNN misreads a lone strided window"
            skipped = (Every("y", (*(1,) * (rank - 1), conv.stride[-1]), why),)
    # Pads that depend on symbolic sizes are not compared: one graph serves odd and even ones.
    known = all(type(p) is int for pair in pad for p in pair)
    even = conv.boundary == "zeros" and known and all(lo == hi and lo >= 0 for lo, hi in pad)
    if even and not any(map(any, cut)) and not (any_size is None and _misses(conv, sizes)):
        lows = tuple(lo for lo, _ in pad)
        return (make(stride=stride, padding=lows, bias=bias), *skipped)
    spans = [(n - 1) * d + 1 for n, d in zip(sizes.size, conv.lhs_dilation)]
    padded = tuple(n + lo + hi for n, (lo, hi) in zip(spans, conv.pad))
    before = (*border(x, conv, sizes.size, any_size), *_crop(x, cut, padded))
    return (*before, make(stride=stride, padding=(0,) * rank, bias=bias), *skipped)


def _misread(conv: Convolution, sizes: Sizes, any_size: AnySize | None) -> bool:
    """Whether oneDNN 3.12 (in torch 2.13, AVX-512) may read past the rows of x.

    Its brg_conv_fwd does, with one input channel laid last and one window along the last axis,
    where the stride is more than 1: values and memory are then noise.
    """
    one_channel = conv.rank > 1 and sizes.c == 1 and conv.stride[-1] > 1
    if not one_channel or any_size:
        return one_channel
    return conv.output(sizes.size, sizes.kernel)[-1] == 1


def _misses(conv: Convolution, sizes: Sizes) -> bool:
    """``misses`` along the last axis."""
    n, k = sizes.size[-1], sizes.kernel[-1]
    stride, dilation, before = conv.stride[-1], conv.rhs_dilation[-1], conv.pad[-1][0]
    if n >= max(stride, dilation):  # the windows cannot jump over x
        return False
    return misses(n, k, stride, dilation, before, conv.output(sizes.size, sizes.kernel)[-1])


def misses(n: int, k: int, stride: int, dilation: int, before: int, windows: int) -> bool:
    """Whether no tap of any window along an axis lies on a pixel, but all in the padding.

    oneDNN 3.12 (in torch 2.13, AVX-512) then dies at its own padding along the last axis, where x
    lies channels last and the call is dilated.
    """
    taps = (at * stride + i * dilation - before for at in range(windows) for i in range(k))
    return not any(0 <= tap < n for tap in taps)


def _stamps(
    conv: Convolution,
    sizes: Sizes,
    any_size: AnySize | None,
    make: Callable[..., Convolve],
    *,
    x: str,
    bias: bool,
) -> tuple[Step, ...]:
    """The transposed op: directly where its two paddings can say the crop, else cut after."""
    # How to read this, with 3 pixels, stride 2, kernel 3: the whole result has (3 - 1) * 2 + 3 = 7
    # pixels, and the crop is extent - 1 - pad.  torch's ``padding`` p cuts p on both sides, and
    # ``output_padding`` q, below the stride or the dilation, gives q back at the end: so the crop
    # (1, 0) is p = 1, q = 1 (``sayable``).  Other crops are cut off the whole result; negative ones
    # add zeros, which need the bias after them, not in the op.
    step, dilation, none = conv.lhs_dilation, conv.rhs_dilation, (0,) * conv.rank
    pad = any_size.padding if any_size else conv.pad
    extents = effective(sizes.kernel, dilation)
    crop = tuple((e - 1 - lo, e - 1 - hi) for e, (lo, hi) in zip(extents, pad))
    skipped = (Every("y", conv.stride),) if max(conv.stride, default=1) > 1 else ()
    whole = tuple((n - 1) * s + e for n, s, e in zip(sizes.size, step, extents))
    # The sign of a formula is not known: what it says may cut or add.
    formulas = any_size is not None and any(type(p) is not int for pair in pad for p in pair)
    if not formulas:
        sayable = (
            lo >= 0 and 0 <= lo - hi < max(s, d) for (lo, hi), s, d in zip(crop, step, dilation)
        )
        if not skipped and all(sayable):
            lows, extras = tuple(lo for lo, _ in crop), tuple(lo - hi for lo, hi in crop)
            return (make(stride=step, padding=lows, output_padding=extras, bias=bias),)
        if min(map(min, crop), default=0) >= 0:
            uncut = make(stride=step, padding=none, output_padding=none, bias=bias)
            return (uncut, *_crop("y", crop, whole), *skipped)
    uncut = make(stride=step, padding=none, output_padding=none, bias=False)
    grown = zeros("y", tuple((-lo, -hi) for lo, hi in crop), None if any_size else whole)
    # The pixels past the result hold the bias, too.
    late = (Bias("y", conv.rank),) if bias else ()
    return (uncut, *grown, *late, *skipped)


def border(
    x: str, conv: Convolution, size: Sequence[int], any_size: AnySize | None
) -> tuple[Step, ...]:
    """Pad (or crop) x as the record's boundary says."""
    pad = any_size.padding if any_size else conv.pad
    if conv.boundary in ("zeros", "constant"):
        known_size = None if any_size else size
        return zeros(x, pad, known_size, conv.boundary, conv.fill)
    least = min(map(min, conv.pad), default=0)
    if conv.boundary == "circular" and (least < 0 or max(conv.lhs_dilation, default=1) > 1):
        # x is read around its period, which ends with the zeros after the last pixel.
        # x of n pixels spread by d repeats every n * d; of that period n * d - (d - 1) are x
        # itself.
        period = tuple(n * d for n, d in zip(size, conv.lhs_dilation))
        ends = tuple((lo, hi - d + 1) for (lo, hi), d in zip(pad, conv.lhs_dilation))
        apart = (
            (Spread(x, conv.lhs_dilation, period),) if max(conv.lhs_dilation, default=1) > 1 else ()
        )
        return (*apart, Gather(x, ends, "circular", period))
    if all(type(p) is int and p == 0 for pair in pad for p in pair):
        return ()
    largest = {"reflect": -1, "circular": 0}.get(conv.boundary)
    fits = largest is not None and all(max(p) <= n + largest for p, n in zip(conv.pad, size))
    fits = (fits and not (any_size and any_size.wrapping)) or conv.boundary == "replicate"
    if fits and conv.rank <= MOST_AXES:
        return (Surround(x, pad, conv.boundary),)
    return (Gather(x, pad, conv.boundary, tuple(size)),)


def zeros(
    on: str,
    pad: Pairs,
    size: Sequence[int] | None,
    boundary: str = "zeros",
    fill: float = 0.0,
) -> tuple[Step, ...]:
    """Pad with ``fill``, then crop: F.pad crops first, so it may crop no more than there is."""
    known = all(type(p) is int for pair in pad for p in pair)  # the sign of a symbol is not asked
    if known and not any(map(any, pad)):
        return ()
    if size is not None:
        fits = not known or all(n + min(lo, 0) + min(hi, 0) >= 0 for n, (lo, hi) in zip(size, pad))
    else:
        ends = (tuple(map(bounds, pair)) for pair in pad)
        fits = all(
            all(low is not None and low >= 0 for low, _ in pair)
            or all(high is not None and high <= 0 for _, high in pair)
            for pair in ends
        )
    if fits:
        return (Surround(on, pad, boundary, fill),)
    if not known:  # formulas, whose sign depends on the image
        more = tuple((positive(lo), positive(hi)) for lo, hi in pad)
        less = tuple((-positive(-lo), -positive(-hi)) for lo, hi in pad)
        return (Surround(on, more, boundary, fill), Surround(on, less))
    grown = tuple((max(lo, 0), max(hi, 0)) for lo, hi in pad)
    cut = tuple((max(-lo, 0), max(-hi, 0)) for lo, hi in pad)
    whole = tuple(n + lo + hi for n, (lo, hi) in zip(size or (0,) * len(pad), grown))
    return (Surround(on, grown, boundary, fill), *_crop(on, cut, whole))


def _crop(on: str, cut: Pairs, size: Sequence[int]) -> tuple[Step, ...]:
    """The step that cuts pixels off; none where every number is known to be 0."""
    known = all(type(n) is int for pair in cut for n in pair)
    return () if known and not any(map(any, cut)) else (Cut(on, cut, tuple(size)),)

"""Execute: steps run by torch.  The only file that names torch.nn.functional.

``compiled`` makes one function of the steps of a record: x ``(n) c ...``, kernel and bias in, y
out.  ``action`` makes a function of one step.  They know no dialect, keep device and dtype, and
reverse a pad list for F.pad in one place.

Every step becomes a closure over what is known when the plan is built: sizes, axes, pads.  In a
call nothing is looked up again, since for small images the Python around torch's op is what costs.
Axes are counted from the last, so that one closure serves x with a batch axis and without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from uniconv._canonical import steps as s
from uniconv._canonical.activation_functions import compute
from uniconv._canonical.overpad import overpadded, without_gradients
from uniconv._canonical.paths import Packing, Path, path
from uniconv._canonical.precision import FORWARD, TRANSPOSED, holding
from uniconv._canonical.record import Convolution, Pairs, Sizes
from uniconv._canonical.runner import Memory, Operation, Runner

Action = Callable[[Any], Tensor]

_FORWARD: tuple[Operation, ...] = (torch.conv1d, torch.conv2d, torch.conv3d)


_TRANSPOSED: tuple[Operation, ...] = (
    torch.conv_transpose1d,
    torch.conv_transpose2d,
    torch.conv_transpose3d,
)


def runner(conv: Convolution, sizes: Sizes, *, transposed: bool) -> Runner:
    """What computes y from (x, w, bias), for one problem's sizes: see ``core_steps``.

    transposed: by torch's transposed op, for which w is ``c m ...``.
    """
    return compiled(s.core_steps(conv, sizes, transposed=transposed))


def compiled(
    steps: Sequence[s.Step],
    *,
    precision: str | None = None,
    memory: Memory = Memory.OTHER,
    packed: Packing | None = None,
) -> Runner:
    """One function of (x, w, bias), with as few Python frames as the steps allow.

    The steps hold one ``Convolve`` or ``Empty``; those before it act on its x and its w, those
    after it on y.

    precision: what cuDNN does with float32 there, in backward too; None leaves torch's setting.
    memory: how the kernel lies; packed: what keeps it in blocks, where it is one for all calls.
    """
    wide = overpadded(steps)
    if wide is not None:
        first, otherwise = (_in_one(each, precision, memory, packed) for each in (wide, steps))
        return Runner(without_gradients(first, otherwise))
    return _in_one(steps, precision, memory, packed)


def _in_one(
    steps: Sequence[s.Step], precision: str | None, memory: Memory, packed: Packing | None
) -> Runner:
    """The steps as they are."""
    # How to read this: the one step that convolves splits the list.  What comes before it changes x
    # or the kernel, each by itself; what comes after changes y.
    at = next(i for i, step in enumerate(steps) if isinstance(step, (s.Convolve, s.Empty)))
    middle = steps[at]
    assert isinstance(middle, (s.Convolve, s.Empty))
    on_x = chain([action(step) for step in steps[:at] if step.on == middle.x])
    on_w = chain([action(step) for step in steps[:at] if step.on == middle.w])
    if isinstance(middle, s.Empty):
        op, args = _empty(middle), ()
    else:
        op, args = _operation(middle, precision, path(middle, memory, packed))
    if at + 1 < len(steps):
        return Runner(_finished(op, args, on_x, on_w, steps[at:]))
    return Runner(op, args, on_x, on_w)


def _finished(
    op: Operation,
    args: tuple[Any, ...],
    on_x: Action | None,
    on_w: Action | None,
    steps: Sequence[s.Step],
) -> Operation:
    """The same where steps on y follow the first of ``steps``; the bias may be one of them."""
    # A bias that a step adds later is kept from torch's op: it would be in y twice.
    late = next((step for step in steps if isinstance(step, s.Bias)), None)
    shape = (-1,) if late is None else (-1, *(1,) * (late.after or 0))
    finish = [None if step is late else action(step) for step in steps[1:]]

    def run(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
        x = x if on_x is None else on_x(x)
        w = w if on_w is None else on_w(w)
        y = op(x, w, bias if late is None else None, *args)
        for change in finish:
            if change is not None:
                y = change(y)
            elif bias is not None:
                y = y + bias.reshape(shape)
        return y

    return run


def _operation(
    step: s.Convolve, precision: str | None, way: Path
) -> tuple[Operation, tuple[Any, ...]]:
    """torch's op, or what may take its place, and the arguments after the bias."""
    op = (_TRANSPOSED if step.transposed else _FORWARD)[step.rank - 1]
    if precision is not None:
        op = holding(op, step.rank, step.transposed, precision)
    op = way.over(op)
    if step.transposed:
        extra, dilation = step.output_padding, step.dilation
        return op, _terse((step.stride, step.padding, extra, step.groups, dilation), TRANSPOSED)
    return op, _terse((step.stride, step.padding, step.dilation, step.groups), FORWARD)


def _terse(args: Sequence[Any], defaults: Sequence[int]) -> tuple[Any, ...]:
    """Arguments as torch reads them fastest: one number for all axes, none at the default.

    (2, 2), (0, 0), (1, 1), 1 become (2,), and (1, 1), (1, 1), (1, 1), 3 become (1, 1, 1, 3).
    """

    def short(value: Any) -> Any:
        axes = value if isinstance(value, (tuple, list)) else ()
        alike = axes and all(type(n) is int for n in axes) and len(set(axes)) == 1  # no symbols
        return axes[0] if alike else value

    terse = [*map(short, args)]
    while terse and type(terse[-1]) is int and terse[-1] == defaults[len(terse) - 1]:
        terse.pop()
    return tuple(terse)


def chain(actions: Sequence[Action]) -> Action | None:
    """One function that does all, in order; None where there is nothing to do."""
    if len(actions) < 2:
        return actions[0] if actions else None

    def run(a: Tensor) -> Tensor:
        for each in actions:
            a = each(a)
        return a

    return run


def action(step: s.Step) -> Action:
    """What one step does to its array."""
    # Each kind of step has one entry in the table below; ``steps_source`` has one for the same
    # kinds.
    make = _ACTIONS[type(step)]
    made: Action = make(step)
    return made


def _border(step: s.Surround) -> Action:
    """F.pad with the step's numbers; x without a batch axis gets one where torch asks for it.

    torch pads a border read from x only in arrays with batch and channels; zeros in any array.
    """
    pads, mode, rank = last_axis_first(step.pad), step.boundary, len(step.pad)
    if isinstance(step.fill, complex):  # torch pads with real numbers only
        re, im = step.fill.real, step.fill.imag
        return lambda x: torch.complex(F.pad(x.real, pads, value=re), F.pad(x.imag, pads, value=im))
    if mode in ("zeros", "constant"):
        return lambda x: F.pad(x, pads, value=step.fill)

    def bordered(x: Tensor) -> Tensor:
        if x.ndim == rank + 1:
            return F.pad(x.unsqueeze(0), pads, mode=mode).squeeze(0)
        return F.pad(x, pads, mode=mode)

    return bordered


def last_axis_first(pad: Pairs) -> list[int]:
    """F.pad's order: (last axis before, last axis after, the one before it, ...).

    ((1, 2), (3, 4)), 1 and 2 around the height, is [3, 4, 1, 2].
    """
    return [p for pair in reversed(pad) for p in pair]


def _gather(step: s.Gather) -> Action:
    """A border read from x along each axis in turn: rows first, then columns of what that gave."""

    def gather(x: Tensor) -> Tensor:
        for axis, ((lo, hi), n) in enumerate(zip(step.pad, step.size), start=-len(step.pad)):
            at = torch.arange(-lo, n + hi, device=x.device)
            x = x.index_select(axis, read_at(at, n, step.boundary))
        return x

    return gather


def read_at(i: Tensor, n: int, boundary: str) -> Tensor:
    """Which pixels of n stand at positions i, left or right of the image too.

    Of zeros there is none: the nearest stands for it.
    """
    # Of 4 pixels, from -3 to 6: circular 1 2 3 0 1 2 3 0 1 2; symmetric, whose period is 8, doubles
    # the edge: 2 1 0 0 1 2 3 3 2 1; reflect, whose period is 6, does not: 3 2 1 0 1 2 3 2 1 0.
    if boundary in ("zeros", "replicate"):
        return i.clamp(0, n - 1)
    if boundary == "circular":
        return i % n
    if boundary == "symmetric":
        i = i % (2 * n)
        return torch.minimum(i, 2 * n - 1 - i)
    i = i % max(2 * (n - 1), 1)
    return torch.minimum(i, 2 * (n - 1) - i)


def _spread(step: s.Spread) -> Action:
    """x written into every so many pixels of zeros: 1 2 3 with dilation 2 is 1 0 2 0 3 0."""

    def spread(x: Tensor) -> Tensor:
        apart = x.new_zeros(*x.shape[: x.ndim - len(step.size)], *step.size)
        every(apart, step.dilation).copy_(x)
        return apart

    return spread


def _taps_to_channels(step: s.TapsToChannels) -> Action:
    """For every place of the window along the first axes an image, whose channels are its taps.

    Two images of 6 channels and 4 x 5 x 6 x 7 pixels, under 3 taps along the first axis, are 2 * 2
    images of 6 * 3 channels and 5 x 6 x 7 pixels.
    """
    # Each ``unfold`` takes the first axis that is left, at -rank, since it adds one of taps, last.
    first = len(step.kernel)
    rank, windows = first + s.MOST_AXES, list(zip(step.kernel, step.stride, step.dilation))
    taps = range(-first, 0)

    def unrolled(x: Tensor) -> Tensor:
        for k, stride, dilation in windows:
            x = every(x.unfold(-rank, (k - 1) * dilation + 1, stride), (dilation,))
        x = x.movedim(-rank - first - 1, -rank - 1)
        x = x.movedim(tuple(taps), tuple(t - s.MOST_AXES for t in taps))
        return x.flatten(-rank - 1, -s.MOST_AXES - 1).flatten(0, -s.MOST_AXES - 2)

    return unrolled


def _images_to_axes(step: s.ImagesToAxes) -> Action:
    """The images along the first spatial axes again, behind the channels."""
    sizes, rank = (*step.batch, *step.out), len(step.out) + s.MOST_AXES
    return lambda y: y.unflatten(0, sizes).movedim(-s.MOST_AXES - 1, -rank - 1)


def _crop(step: s.Cut) -> Action:
    """A view without the pixels that are cut; axes where nothing is cut are left alone."""
    rank = len(step.size)
    kept = [
        (axis, lo, n - lo - hi)
        for axis, n, (lo, hi) in zip(range(-rank, 0), step.size, step.cut)
        if not (type(lo) is type(hi) is int and lo == hi == 0)
    ]

    def crop(a: Tensor) -> Tensor:
        for axis, start, length in kept:
            a = a.narrow(axis, start, length)
        return a

    return crop


def every(y: Tensor, steps: Sequence[int]) -> Tensor:
    """Every so many pixels of the last axes, as a view (indexing asks fake tensors for CUDA)."""
    # A stride that is a symbol is never compared; of 1 nothing is to be done.
    for axis, step in enumerate(steps, start=-len(steps)):
        if type(step) is not int or step > 1:
            y = torch.ops.aten.slice.Tensor(y, axis, 0, None, step)
    return y


def _split(step: s.Split) -> Action:
    """The one batch axis as the axes that it was made of."""
    return lambda y: y.reshape(*y.shape[: step.at], *step.sizes, *y.shape[step.at + 1 :])


def _regroup(step: s.Regroup) -> Action:
    """What einops does by the step's pattern, whose text it reads in every call: 20 us.

    "s0 (g i) m -> (g m) i s0" is w split to axes s0 g i m, these as g m i s0, g and m merged.
    """
    moved = regrouped_order(step)
    if moved is not None:
        return lambda w: torch.permute(w, moved)
    known, src, dst = _parts(step)
    axes = [a for part in src for a in part]
    split = tuple(known[a] for a in axes)
    order = tuple(axes.index(a) for part in dst for a in part)
    merged = tuple(prod(known[a] for a in part) for part in dst)
    return lambda w: w.reshape(split).permute(order).reshape(merged)


def regrouped_order(step: s.Regroup) -> tuple[int, ...] | None:
    """The permutation that a regrouping is where axes that it splits or merges are of size 1.

    "s0 (g i) m -> (g m) i s0" is (1, 2, 0) where i and m are 1, as a depthwise kernel's mostly are.
    """
    known, src, dst = _parts(step)
    if len(src) != len(dst) or not all(type(n) is int for n in known.values()):
        return None
    old, new = ([[a for a in part if known[a] != 1] for part in side] for side in (src, dst))
    if max(map(len, old + new)) > 1:
        return None
    order = tuple(old.index(part) for part in new if part)
    ones = (at for at, part in enumerate(old) if not part)
    named = iter(order)
    return tuple(next(named) if part else next(ones) for part in new)


def order_of(steps: Sequence[s.Step]) -> tuple[int, ...] | None:
    """The permutation that the steps are: empty where there are none, None where they do more."""
    if not steps:
        return ()
    first, *others = steps
    if others:
        return None
    if isinstance(first, s.Regroup):
        return regrouped_order(first)
    return first.order if isinstance(first, s.Permute) else None


def memory_of(steps: Sequence[s.Step], rank: int) -> Memory:
    """How a kernel lies that is contiguous before these steps and ``o i ...`` after them."""
    moved, spatial = order_of(steps), range(rank)
    if moved == (rank + 1, rank, *spatial):
        return Memory.CHANNELS_LAST
    if moved == (0, rank + 1, *(1 + i for i in spatial)):
        return Memory.TAPS_BETWEEN
    if moved == (rank + 1, 0, *(1 + i for i in spatial)):
        return Memory.OUTPUT_FIRST
    return Memory.OTHER


_Axes = list[tuple[str, ...]]


def _parts(step: s.Regroup) -> tuple[dict[str, int], _Axes, _Axes]:
    """The sizes of a regrouping's axes, and which of them make each axis before and after."""
    src, dst = (
        [tuple(a for a in part.strip("()").split() if a != "1") for part in _PARTS.findall(side)]
        for side in step.pattern.split(" -> ")
    )
    return dict(step.sizes), src, dst


# The axes of one side of an einops pattern: "s0 (g i) m" has three.
_PARTS = re.compile(r"\([^)]*\)|\S+")


def _grouped(step: s.BatchGroups) -> Action:
    """x of (parts * n, c, ...) as (n, parts * c, ...): part j's channels are the j-th block."""

    # A size of -1 is ambiguous where x has no elements.
    def grouped(x: Tensor) -> Tensor:
        parted = x.reshape(step.parts, x.shape[0] // step.parts, *x.shape[1:])
        return parted.transpose(0, 1).flatten(1, 2)

    return grouped


def _cast(step: s.Cast) -> Action:
    """Another dtype, less a number; or less an array of numbers that broadcast, one per channel."""
    dtype, less = getattr(torch, step.dtype), step.less
    if isinstance(less, tuple):
        return lambda a: a.to(dtype) - torch.tensor(less, dtype=dtype, device=a.device)
    return lambda a: a.to(dtype) - less if less else a.to(dtype)


def _saturate(step: s.Saturate) -> Action:
    """The nearest integer of a dtype; torch rounds a half to the even one."""
    dtype = getattr(torch, step.dtype)
    info = torch.iinfo(dtype)

    def saturate(y: Tensor) -> Tensor:
        whole = y.round() if step.even else y.sign() * (y.abs() + 0.5).floor()
        return whole.clamp(info.min, info.max).long().to(dtype)

    return saturate


def _outer(step: s.OuterProduct) -> Action:
    """The kernel of two vectors; which is first decides which axis it runs along."""
    first, second = step.factors
    return lambda arrays: torch.outer(arrays[first], arrays[second])


def _compact(step: s.Compact) -> Action:
    """A copy with its memory in order, whatever the array's was."""
    return lambda w: w.clone(memory_format=torch.contiguous_format)


def _empty(step: s.Empty) -> Operation:
    """Empty, or zeros and bias where no window holds a pixel; gradients are zero."""
    rank = len(step.out)

    def run(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
        shape = (*x.shape[: x.ndim - rank - 1], step.o, *step.out)
        # A sum over no element is 0, but it ties y to x and w, so that both have gradients, of
        # zeros.
        nothing = x.flatten().narrow(0, 0, 0).sum() + w.flatten().narrow(0, 0, 0).sum()
        y = x.new_zeros(shape) + nothing.to(x.dtype)
        return y + bias.reshape(-1, *(1,) * rank) if bias is not None else y

    return run


_ACTIONS: dict[type[s.Step], Callable[[Any], Action]] = {
    s.Merge: lambda step: lambda x: x.flatten(step.at, step.at + step.count - 1),
    s.Split: _split,
    s.AddAxes: lambda step: lambda a: a.reshape(*a.shape, *(1,) * step.count),
    s.DropAxis: lambda step: lambda y: y.squeeze(-1),
    s.Permute: lambda step: lambda a: torch.permute(a, step.order),
    s.Regroup: _regroup,
    s.BatchGroups: _grouped,
    s.AddRow: lambda step: lambda a: a.unsqueeze(-2),
    s.DropRow: lambda step: lambda y: y.squeeze(-2),
    s.Flip: lambda step: partial(torch.flip, dims=step.axes),
    s.Compact: _compact,
    s.Conjugate: lambda step: torch.conj,
    s.Surround: _border,
    s.Gather: _gather,
    s.Spread: _spread,
    s.TapsToChannels: _taps_to_channels,
    s.KernelTapsToChannels: lambda step: lambda w: w.flatten(1, step.count + 1),
    s.ImagesToAxes: _images_to_axes,
    s.Cut: _crop,
    s.Every: lambda step: lambda y: every(y, step.stride),
    s.OuterProduct: _outer,
    s.Cast: _cast,
    s.Scale: lambda step: lambda y: y * step.factor,
    s.Saturate: _saturate,
    s.Shift: lambda step: lambda y: y + step.term,
    s.Activate: lambda step: partial(compute, step.activation),
}

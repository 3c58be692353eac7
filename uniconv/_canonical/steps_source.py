"""Steps as code: the lines of plain torch that do what ``execute`` does.

``source`` walks a list of steps and writes one line or a few for each.  Arrays go by the names that
the steps give them; sizes of the image are read off ``x.shape``, so that the lines hold for images
of any size as far as the steps do.

Every function here has its twin in ``execute``: the same step, once run and once printed.  Tests
run the lines and compare the numbers.  Each gives whole lines, in the order in which they run;
numbers may be formulas, whose text is code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from uniconv._canonical import steps as s
from uniconv._canonical.layout import order
from uniconv._canonical.record import Pairs
from uniconv._messages import show_tuple

IMPORTS = ("import torch", "from torch.nn import functional as F", "")
# torch's defaults, which are not written.
_PLAIN = {"stride": 1, "dilation": 1, "padding": 0, "output_padding": 0, "groups": 1}


def source(
    steps: Iterable[s.Step], *, bias: bool, addend: bool = False, batch: bool = True
) -> list[str]:
    """Lines that turn x, w and whatever other arrays the steps name into y.

    bias, addend: whether there are such arrays; batch: whether x has a batch axis, first.
    """
    # A step that only makes memory contiguous is left out, unless the kernel was permuted before
    # it: readers copy these lines, and each line should have a reason.
    lines: list[str] = []
    moved = ""  # the kernel whose axes a step has permuted
    for step in steps:
        if isinstance(step, (s.Convolve, s.Empty)):
            lines += _convolve(step, bias) if isinstance(step, s.Convolve) else _empty(step, bias)
        elif isinstance(step, s.Bias):
            lines += _bias(step) if bias else []
        elif isinstance(step, s.Addend):
            lines += _addend(step) if addend else []
        elif isinstance(step, s.Surround):
            lines += _border(step, batch)
        elif not isinstance(step, s.Compact) or moved == step.on:
            lines += _LINES[type(step)](step)
        moved = step.on if isinstance(step, s.Permute) else moved
    return lines


def _axes(rank: int) -> range:
    """The spatial axes, counted from the last."""
    return range(-rank, 0)


def _index(slices: Sequence[str]) -> str:
    """An index of the last axes, without those that it takes whole at the end or all before."""
    while slices and slices[0] == ":":
        slices = slices[1:]
    return f"[..., {', '.join(slices)}]"


# Layouts


def _merge(step: s.Merge) -> Iterator[str]:
    """The batch axes as one; their sizes are kept in ``batch``, for ``Split``."""
    end = step.at + step.count
    yield f"batch = {step.on}.shape[{step.at}:{end}]"
    yield f"{step.on} = {step.on}.flatten({step.at}, {end - 1})  # the batch axes as one"


def _permute(step: s.Permute) -> Iterator[str]:
    """One line, with the patterns before and after as its comment."""
    yield f"{step.on} = {step.on}.permute{step.order}  # {step.src} -> {step.dst}"


def _regroup(step: s.Regroup) -> Iterator[str]:
    """What einops does with the pattern, in torch's own words."""
    # "(g m) i s0 -> ..." as reshape, permute, reshape: split every letter, order them, merge again.
    left, right = (tokens(side) for side in step.pattern.split(" -> "))
    known = dict(step.sizes) | {"1": 1}
    split, merged = ([a for token in side for a in token if a != "1"] for side in (left, right))
    parts = tuple(known[a] for a in split)
    whole = tuple(math.prod(known[a] for a in token) for token in right)
    permuted = f"reshape{show_tuple(parts)}.permute{order(split, merged)}"
    yield f"{step.on} = {step.on}.{permuted}.reshape{show_tuple(whole)}  # {known['g']} groups"


def tokens(side: str) -> list[tuple[str, ...]]:
    """'(g m) i s0' -> [(g, m), (i,), (s0,)]"""
    tokens: list[tuple[str, ...]] = []
    inside = False
    for word in side.replace("(", "( ").replace(")", " )").split():
        if word in "()":
            inside = word == "("
            tokens += [()] if inside else []
        elif inside:
            tokens[-1] += (word,)
        else:
            tokens.append((word,))
    return tokens


# The kernel


def _flip(step: s.Flip) -> Iterator[str]:
    """The kernel backwards along axes counted from the last."""
    axes = ", ".join(map(str, step.axes))
    yield f"{step.on} = {step.on}.flip({axes})  # the kernel is read backwards"


def _compact(step: s.Compact) -> Iterator[str]:
    """A copy whose memory is in the order of its axes."""
    copied = f"{step.on}.clone(memory_format=torch.contiguous_format)"
    yield f"{step.on} = {copied}  # torch's backward asks for it"


# The image


def _measure(step: s.Measure) -> Iterator[str]:
    """n0, n1, ... as the extents of the image: of two axes, "n0, n1 = x.shape[-2:]"."""
    names = ", ".join(f"n{axis}" for axis in range(step.rank))
    last = "-1" if step.rank == 1 else f"-{step.rank}:"
    yield f"{names} = {step.on}.shape[{last}]"


def _border(step: s.Surround, batch: bool) -> Iterator[str]:
    """F.pad, whose list begins with the last axis; x without a batch axis gets one for it."""
    x, mode = step.on, step.boundary
    pads = ", ".join(str(p) for pair in reversed(step.pad) for p in pair)
    comment = _signs(step.pad)
    if isinstance(step.fill, complex):
        parts = [
            f"F.pad({x}.{name}, [{pads}], value={getattr(step.fill, name)})"
            for name in ("real", "imag")
        ]
        yield f"{x} = torch.complex({', '.join(parts)})"
    elif mode in ("zeros", "constant"):
        value = f", value={step.fill!r}" if mode == "constant" else ""
        yield f"{x} = F.pad({x}, [{pads}]{value}){comment}"
    elif batch:
        yield f'{x} = F.pad({x}, [{pads}], mode="{mode}"){comment}'
    else:
        yield f'{x} = F.pad({x}[None], [{pads}], mode="{mode}")[0]{comment}'


def _signs(pad: Pairs) -> str:
    """A comment on what F.pad's numbers mean here."""
    numbers = [p for pair in pad for p in pair if type(p) is int]
    notes = ["the last axis first"] if len(pad) > 1 else []
    notes += ["negative cuts off"] if min(numbers, default=0) < 0 else []
    return f"  # {'; '.join(notes)}" if notes else ""


def _gather(step: s.Gather) -> Iterator[str]:
    """A border read from x: for each axis, which pixels follow each other."""
    x = step.on
    # The period and the place in it, as in ``execute.read_at``.
    around = {
        "replicate": (".clamp(0, n - 1)", "i"),
        "circular": (" % n", "i"),
        "symmetric": (" % (2 * n)", "torch.minimum(i, 2 * n - 1 - i)"),
        "reflect": (" % max(2 * n - 2, 1)", "torch.minimum(i, 2 * n - 2 - i)"),
    }
    period, place = around[step.boundary]
    for axis, (lo, hi) in zip(_axes(len(step.pad)), step.pad):
        if all(type(p) is int and p == 0 for p in (lo, hi)):
            continue
        yield f"n = {x}.shape[{axis}]"
        pixels = f"torch.arange({-lo}, {_added('n', hi)}, device={x}.device)"
        yield f"i = {pixels}{period}  # {step.boundary} border"
        yield f"{x} = {x}.index_select({axis}, {place})"


def _added(name: str, number: Any) -> str:
    """The sum of a variable and a number."""
    if type(number) is not int:
        return f"{name} + {number}"
    return f"{name} {'-' if number < 0 else '+'} {abs(number)}".removesuffix(" + 0")


def _spread(step: s.Spread) -> Iterator[str]:
    """An array of zeros, into every so many places of which x is written."""
    x, rank = step.on, len(step.dilation)
    sizes = [
        f"{x}.shape[{a}]{f' * {d}' if d > 1 else ''}" for a, d in zip(_axes(rank), step.dilation)
    ]
    yield f"spread = {x}.new_zeros(*{x}.shape[:-{rank}], {', '.join(sizes)})"
    yield f"spread{_index([f'::{d}' for d in step.dilation])} = {x}  # zeros after every pixel"
    yield f"{x} = spread"


def _taps_to_channels(step: s.TapsToChannels) -> Iterator[str]:
    """The windows along one of the first axes after the other; then places, taps and channels."""
    x, first = step.on, len(step.kernel)
    rank = first + s.MOST_AXES
    for k, stride, dilation in zip(step.kernel, step.stride, step.dilation):
        skip = f"[..., ::{dilation}]" if dilation > 1 else ""
        windows = f"{x}.unfold({-rank}, {(k - 1) * dilation + 1}, {stride}){skip}"
        yield f"{x} = {windows}  # windows along an axis, their taps last"
    yield f"{x} = {x}.movedim({-rank - first - 1}, {-rank - 1})"
    taps = tuple(range(-first, 0))
    yield f"{x} = {x}.movedim({taps}, {tuple(t - s.MOST_AXES for t in taps)})  # taps to channels"
    yield f"places = {x}.shape[:{-rank - 1}]"
    channels = f"flatten({-rank - 1}, {-s.MOST_AXES - 1})"
    yield f"{x} = {x}.{channels}.flatten(0, {-s.MOST_AXES - 2})  # every place is an image"


def _images_to_axes(step: s.ImagesToAxes) -> Iterator[str]:
    """The images as the first axes again, behind the channels."""
    moved = f"movedim({-s.MOST_AXES - 1}, {-len(step.out) - s.MOST_AXES - 1})"
    yield f"{step.on} = {step.on}.unflatten(0, places).{moved}"


def _crop(step: s.Cut) -> Iterator[str]:
    """A slice per axis: (1, 2) is "1:-2", and 0 is left out, since ":-0" would be empty."""
    slices = []
    for lo, hi in step.cut:
        slices.append(f"{lo or ''}:{-hi or ''}")
    yield f"{step.on} = {step.on}{_index(slices)}"


def _every(step: s.Every) -> Iterator[str]:
    """Every so many pixels, with the reason that the step gives."""
    slices = [f"::{n}" if n > 1 else ":" for n in step.stride]
    comment = f"  # {step.why}" if step.why else ""
    yield f"{step.on} = {step.on}{_index(slices)}{comment}"


# The convolution


def _convolve(step: s.Convolve, bias: bool) -> Iterator[str]:
    """One call of F.conv2d or the like; options at torch's defaults are not written."""
    # In the order in which torch's documentation has them.
    names = ("stride", "padding", "output_padding", "groups", "dilation")
    values = ((name, getattr(step, name)) for name in names)
    options = "".join(_option(name, value) for name, value in values)
    added = ", bias" if bias and step.bias else ""
    function = "conv_transpose" if step.transposed else "conv"
    yield f"{step.on} = F.{function}{step.rank}d({step.x}, {step.w}{added}{options})"


def _option(name: str, value: Any) -> str:
    """An option of a convolution, as one number where that says it; nothing at the default."""
    # "stride=2" for (2, 2), "stride=(1, 2)", and nothing for (1, 1).
    each = value if isinstance(value, tuple) else (value,)
    if set(each) <= {_PLAIN[name]}:
        return ""
    return f", {name}={each[0] if len(set(each)) == 1 else each}"


def _empty(step: s.Empty, bias: bool) -> Iterator[str]:
    """Zeros of y's shape, and the bias on them."""
    rank = len(step.out)
    sizes = ", ".join(map(str, (step.o, *step.out)))
    zeros = f"{step.x}.new_zeros((*{step.x}.shape[:-{rank + 1}], {sizes}))"
    yield f"{step.on} = {zeros}  # no window of this image holds a pixel"
    if bias and step.bias:
        yield from _bias(s.Bias(step.on, rank))


# What surrounds the sum


def _cast(step: s.Cast) -> Iterator[str]:
    """Another dtype, less the zero point; in one line."""
    less = f" - {step.less}" if step.less else ""
    less = f" - torch.tensor({step.less})" if isinstance(step.less, tuple) else less
    yield f"{step.on} = {step.on}.to(torch.{step.dtype}){less}"


def _saturate(step: s.Saturate) -> Iterator[str]:
    """Rounded, cut to the range of the integers, and made such."""
    y, info = step.on, f"torch.iinfo(torch.{step.dtype})"
    whole = f"{y}.round()" if step.even else f"{y}.sign() * ({y}.abs() + 0.5).floor()"
    yield f"{y} = {whole}" + ("  # a half to the even one" if step.even else "")
    yield f"{y} = {y}.clamp({info}.min, {info}.max).long().to(torch.{step.dtype})"


def _bias(step: s.Bias) -> Iterator[str]:
    """The bias along the channels: "bias.reshape(-1, 1, 1)" with two axes behind them."""
    shape = f".reshape({', '.join(['-1', *['1'] * step.after])})" if step.after else ""
    yield f"{step.on} = {step.on} + bias{shape}"


def _addend(step: s.Addend) -> Iterator[str]:
    """The function's own addend, times its factor."""
    yield f"{step.on} = {step.on} + {step.scale!r} * {addend_name(step.name)}"


def addend_name(name: str) -> str:
    """The variable that holds the addend: the function's own name for it, where that is free."""
    return "addend" if name in ("x", "w", "p", "y", "bias") else name


def _activate(step: s.Activate) -> Iterator[str]:
    """The activation of each number."""
    from uniconv._canonical.activation_functions import code  # which needs torch

    yield f"{step.on} = {code(step.activation, step.on)}"


_LINES: dict[type[s.Step], Callable[[Any], Iterable[str]]] = {
    s.Merge: _merge,
    s.Split: lambda step: [f"{step.on} = {step.on}.unflatten({step.at}, batch)"],
    s.AddAxes: lambda step: [f"{step.on} = {step.on}[..., {', '.join(['None'] * step.count)}]"],
    s.DropAxis: lambda step: [f"{step.on} = {step.on}[..., 0]"],
    s.Permute: _permute,
    s.Regroup: _regroup,
    s.BatchGroups: lambda step: [f"{step.on} = torch.cat({step.on}.chunk({step.parts}), 1)"],
    s.AddRow: lambda step: [f"{step.on} = {step.on}.unsqueeze(-2)"],
    s.DropRow: lambda step: [f"{step.on} = {step.on}.squeeze(-2)"],
    s.Flip: _flip,
    s.Compact: _compact,
    s.Conjugate: lambda step: [f"{step.on} = {step.on}.conj()"],
    s.Measure: _measure,
    s.Gather: _gather,
    s.Spread: _spread,
    s.TapsToChannels: _taps_to_channels,
    s.KernelTapsToChannels: lambda step: [f"{step.on} = {step.on}.flatten(1, {step.count + 1})"],
    s.ImagesToAxes: _images_to_axes,
    s.Cut: _crop,
    s.Every: _every,
    s.OuterProduct: lambda step: [f"{step.on} = torch.outer({', '.join(step.factors)})"],
    s.Cast: _cast,
    s.Scale: lambda step: [f"{step.on} = {step.on} * {step.factor!r}"],
    s.Saturate: _saturate,
    s.Shift: lambda step: [f"{step.on} = {step.on} + {step.term!r}"],
    s.Activate: _activate,
}

"""Plain torch.nn modules of a layer: what it computes, without uniconv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from uniconv._calls.kernel import StoredKernel
from uniconv._calls.lower import LoweredCall, lower
from uniconv._canonical.layout import Layout, arrange, axes, order, rank_of
from uniconv._canonical.record import Convolution as Record
from uniconv._canonical.record import effective
from uniconv.errors import BadOption, BadShape, CannotExpress, from_one_frame
from uniconv.spec.op import Op
from uniconv.spec.padding import Crop
from uniconv.spec.values import integers

_PADS = {
    "reflect": (nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReflectionPad3d),
    "replicate": (nn.ReplicationPad1d, nn.ReplicationPad2d, nn.ReplicationPad3d),
    "circular": (nn.CircularPad1d, nn.CircularPad2d, nn.CircularPad3d),
}
CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


class HeldKernel(Protocol):
    """What a layer tells of itself here: its function, and the arrays that it holds."""

    weight: Tensor
    pointwise_weight: Tensor
    bias: Tensor | None
    kernel_size: tuple[int, ...]
    in_channels: int | None
    training: bool

    @property
    def function(self) -> Op: ...
    @property
    def options(self) -> dict[str, Any]: ...
    @property
    def layout(self) -> Layout: ...
    @property
    def stored_as(self) -> StoredKernel: ...


@from_one_frame
def to_torch(module: HeldKernel, size: tuple[int, ...] | None = None) -> nn.Module:
    """Plain torch.nn modules that compute the same on ``n c ...``, without uniconv.

    Spatial axes keep their order; where memory runs backwards (Julia) they are turned, so that x
    is ``n c h w`` for Julia's (w, h, c, n).  Uneven padding becomes a padding module, a crop one
    with negative padding, a flip and a scale are folded into the weight.

    Args:
        module: one of this package's layers, its input channels known.
        size: the spatial sizes of x, where the padding depends on them (SAME with a stride).

    Raises:
        BadOption: the padding depends on x's size, and no size is given.
        BadShape: the input channels are not known yet.
        CannotExpress: torch.nn has no module for a boundary, batch groups or a strided transpose.

    >>> from uniconv.nn import Conv
    >>> layer = Conv(2, 4, 3, dialect="keras", strides=2, padding="same")
    >>> to_torch(layer, (8, 8))
    Sequential(
      (0): ZeroPad2d((0, 1, 0, 1))
      (1): Conv2d(2, 4, kernel_size=(3, 3), stride=(2, 2))
    )
    """
    call = _call(module, size)
    kernel = module.stored_as
    first, second = (a for a in kernel.stored if a[0] != "s")
    spatial = tuple(f"s{i}" for i in range(call.rank))
    turned = spatial[::-1] if call.layout.column_major else spatial
    _check_sayable(call)
    with torch.no_grad():
        w = module.weight.permute(order(kernel.stored, (first, second, *turned))) * call.scale
        bias = None if module.bias is None else module.bias.flatten()
        if call.shift:
            bias = (w.new_zeros(call.o) if bias is None else bias) + call.shift
        record = _steady(call).reordered([int(s[1:]) for s in turned])
        last = bias if call.pointwise is None else None
        make = _transposed if kernel.transposed else _forward
        size_ = tuple(call.sizes.kernel[int(s[1:])] for s in turned)
        made = make(record, size_, w, last)
        if call.pointwise is not None:
            assert call.op.pointwise is not None
            plain = ("o", "i", *spatial)
            own = tuple(call.op.pointwise.replace("...", " ".join(spatial)).split())
            point = module.pointwise_weight.permute(order(own, plain))
            made += _forward(call.pointwise[0], (1,) * call.rank, point, bias)
    for parameter in (p for m in made for p in m.parameters()):
        parameter.requires_grad_(module.weight.requires_grad)
    whole = made[0] if len(made) == 1 else nn.Sequential(*made)
    return whole.train(module.training)


def _call(module: HeldKernel, size: tuple[int, ...] | None) -> LoweredCall:
    """The lowered call for x of that size; without one, of any size, if all are alike."""
    op, layout = module.function, module.layout
    own = module.options
    kernel, c = module.stored_as, module.in_channels or 1
    points = (tuple(module.pointwise_weight.shape),) if op.pointwise else ()

    def lowered(at: tuple[int, ...]) -> LoweredCall:
        x = arrange(layout.x, {"n": _batch(op, own, layout), "c": c}, at)
        return kernel.of(lower(op, own, x, kernel.shape, *points))

    if size is not None:
        return lowered(size)
    rank = len(module.kernel_size)
    least = tuple(9 * k for k in module.kernel_size)
    try:
        first = lowered(least)
        others = range(2 * max(*first.conv.stride, *first.conv.lhs_dilation))
        calls = [lowered(tuple(n + d for n in least)) for d in others]
    except BadShape as error:
        raise BadOption(f"{op.name}: give size=, the {rank} spatial sizes of x ({error})") from None
    if len({one.conv for one in calls}) > 1:
        raise BadOption(
            f"{op.name}: its padding depends on the size of x: give size=, the {rank} spatial sizes"
        )
    return first


def _batch(op: Op, options: Mapping[str, Any], layout: Layout) -> int:
    """The batch that the options are for: one image, unless they say so themselves."""
    parts = options.get(op.batch_groups.option, 1) if op.batch_groups else 1
    said = op.pad.shape if isinstance(op.pad, Crop) else None
    shape = integers(options.get(said)) if said else None
    letters = axes(
        layout.y, op.ranks[0] if shape is None else max(rank_of(layout.y, len(shape)), 0)
    )
    full = shape is not None and len(shape) == len(letters) and "n" in letters
    return shape[letters.index("n")] if shape is not None and full else int(parts)


def _check_sayable(call: LoweredCall) -> None:
    conv, sizes = call.conv, call.sizes
    spread = max(conv.lhs_dilation) > 1
    most = {"circular": 0, "reflect": -1}.get(conv.boundary)
    lacking = {
        "boundary": conv.boundary == "symmetric"
        or (conv.boundary != "zeros" and spread)
        or (most is not None and any(max(p) > n + most for p, n in zip(conv.pad, sizes.size))),
        "batch_groups": conv.batch_groups > 1,
        "stride": max(conv.stride) > 1 and (spread or call.op.kind == "conv_transpose"),
        "integers": call.op.result is not None,
        "crop": conv.boundary != "zeros" and min(map(min, conv.pad)) < 0,
    }
    for field, lacks in lacking.items():
        if lacks:
            raise CannotExpress("torch.nn", field, f"it has no module for this {call.op.name}")


def _steady(call: LoweredCall) -> Record:
    """The record; without the stride along a last axis of one window, which torch 2.13 misreads
    where there is one channel (oneDNN 3.12: see execute.py)."""
    conv, sizes = call.conv, call.sizes
    reach = effective(sizes.kernel, conv.rhs_dilation)
    windows = conv.output(sizes.size, sizes.kernel)
    pad, stride = list(conv.pad), list(conv.stride)
    for axis in range(conv.rank):
        if sizes.c == 1 and stride[axis] > 1 and windows[axis] == 1 and conv.boundary == "zeros":
            lo = pad[axis][0]
            pad[axis] = (lo, reach[axis] - sizes.size[axis] - lo)
            stride[axis] = 1
    return replace(conv, pad=tuple(pad), stride=tuple(stride))


def _last_first(pad: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    return tuple(p for pair in reversed(pad) for p in pair)


def _pad(conv: Record, pad: tuple[tuple[int, int], ...]) -> list[nn.Module]:
    """Padding modules; negative numbers crop, and torch would crop before it pads."""
    r, pads = conv.rank - 1, _last_first(pad)
    if conv.boundary not in ("zeros", "constant"):
        return [_PADS[conv.boundary][r](pads)]  # type: ignore[arg-type]
    grow, cut = tuple(max(p, 0) for p in pads), tuple(min(p, 0) for p in pads)
    constant: Any = (nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d)[r]
    zero: Any = (nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d)[r]
    made = [constant(grow, conv.fill) if conv.boundary == "constant" else zero(grow)]
    return [*(made if any(grow) else []), *([zero(cut)] if any(cut) else [])]


def _filled(made: nn.Module, w: Tensor, bias: Tensor | None) -> nn.Module:
    made.weight = nn.Parameter(w.detach().clone(memory_format=torch.contiguous_format))
    held = None if bias is None else nn.Parameter(bias.detach().clone())
    made.register_parameter("bias", held)
    return made


def _forward(
    conv: Record, kernel: tuple[int, ...], w: Tensor, bias: Tensor | None
) -> list[nn.Module]:
    even = conv.boundary == "zeros" and all(lo == hi >= 0 for lo, hi in conv.pad)
    options: dict[str, Any] = {"stride": conv.stride, "dilation": conv.rhs_dilation}
    options |= {"groups": conv.groups, "device": "meta", "bias": bias is not None}
    options |= {"padding": tuple(lo for lo, _ in conv.pad)} if even else {}
    make: Any = CONVS[conv.rank - 1]
    made = _filled(make(w.shape[1] * conv.groups, w.shape[0], kernel, **options), w, bias)
    return [made] if even else [*_pad(conv, conv.pad), made]


def _transposed(
    conv: Record, kernel: tuple[int, ...], w: Tensor, bias: Tensor | None
) -> list[nn.Module]:
    extents = effective(kernel, conv.rhs_dilation)
    step, dilation = conv.lhs_dilation, conv.rhs_dilation
    crop = tuple((e - 1 - lo, e - 1 - hi) for e, (lo, hi) in zip(extents, conv.pad))
    said = all(lo >= 0 and 0 <= lo - hi < max(s, d) for (lo, hi), s, d in zip(crop, step, dilation))
    grown = not said and min(map(min, crop)) < 0
    options: dict[str, Any] = {"stride": step, "dilation": dilation, "groups": conv.groups}
    if said:
        options |= {"padding": tuple(lo for lo, _ in crop)}
        options |= {"output_padding": tuple(lo - hi for lo, hi in crop)}
    make: Any = TRANSPOSED[conv.rank - 1]
    inner = None if grown else bias
    o = w.shape[1] * conv.groups
    bare = make(w.shape[0], o, kernel, bias=inner is not None, device="meta", **options)
    made: list[nn.Module] = [_filled(bare, w, inner)]
    if not said:
        made += _pad(conv, tuple((-lo, -hi) for lo, hi in crop))
    if grown and bias is not None:  # the pixels past the result hold the bias, too
        ones = (1,) * conv.rank
        identity = replace(conv, stride=ones, pad=((0, 0),) * conv.rank, lhs_dilation=ones)
        identity = replace(identity, rhs_dilation=ones, groups=o)
        made += _forward(identity, ones, w.new_ones(o, 1, *ones), bias)
    return made

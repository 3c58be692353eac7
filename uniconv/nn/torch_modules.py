"""Plain torch.nn modules of a layer: what it computes, without uniconv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from uniconv._calls.lower import LoweredCall, lower
from uniconv._calls.stored import StoredKernel
from uniconv._canonical import steps as s
from uniconv._canonical.activation_functions import module as activation_module
from uniconv._canonical.execute import last_axis_first
from uniconv._canonical.layout import Layout, arrange, axes, order, rank_of
from uniconv._canonical.record import Pairs
from uniconv.errors import BadOption, BadShape, CannotExpress, Refused, from_one_frame
from uniconv.spec.op import Op
from uniconv.spec.values import integers

__all__ = ["CONVS", "TRANSPOSED", "HeldKernel", "to_torch"]

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
        CannotExpress: torch.nn has no module for a boundary, batch groups, integers, a strided
            transpose, or a size with no window.

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
    stored_spatial = spatial[::-1] if call.layout.column_major else spatial
    with torch.no_grad():
        w = (
            module.weight.permute(order(kernel.stored, (first, second, *stored_spatial)))
            * call.scale
        )
        arrays = {"w": w.conj().resolve_conj() if call.op.conjugates else w}
        if call.op.pointwise is not None:
            own = axes(call.op.pointwise, call.rank)
            arrays["p"] = module.pointwise_weight.permute(order(own, ("o", "i", *stored_spatial)))
        bias = None if module.bias is None else module.bias.flatten()
        if call.shift:
            bias = (w.new_zeros(call.o) if bias is None else bias) + call.shift
        if bias is not None:
            arrays["bias"] = bias
        modules = [m for step in _steps(call, kernel) for m in _modules(call.op, step, arrays)]
    if call.activation:
        last = activation_module(call.activation)
        if last is None:
            raise _lacking(call.op, "activation")
        modules.append(last)
    for parameter in (p for m in modules for p in m.parameters()):
        parameter.requires_grad_(module.weight.requires_grad)
    whole = modules[0] if len(modules) == 1 else nn.Sequential(*modules)
    return whole.train(module.training)


def _steps(call: LoweredCall, kernel: StoredKernel) -> tuple[s.Step, ...]:
    """What torch does to x ``n c ...``, and to the kernel as it is stored."""
    if call.conv.batch_groups > 1:
        raise _lacking(call.op, "batch_groups")
    if call.result is not None:
        raise _lacking(call.op, "integers")
    if not 1 <= call.rank <= s.MOST_AXES:
        raise _lacking(call.op, "rank")
    # Around a period, x is spread as an array; its kernel is stored for the transposed op.
    if kernel.transposed != s.by_transposing(call.conv, adjoint=call.op.kind == "conv_transpose"):
        raise _lacking(call.op, "boundary")
    places = range(call.rank)[::-1] if call.layout.column_major else range(call.rank)
    size, taps = (tuple(n[i] for i in places) for n in (call.sizes.size, call.sizes.kernel))
    sizes = replace(call.sizes, size=size, kernel=taps)
    conv, last = call.conv.reordered(places), call.pointwise is None
    steps = s.core_steps(conv, sizes, transposed=kernel.transposed, bias=last)
    if call.pointwise is None:
        return steps
    point, sizes = call.pointwise
    sizes = replace(sizes, size=conv.output(size, taps))
    return (*steps, *s.core_steps(point, sizes, transposed=False, x="y", w="p"))


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
    except (BadShape, Refused) as error:
        raise BadOption(f"{op.name}: give size=, the {rank} spatial sizes of x ({error})") from None
    if len({one.conv for one in calls}) > 1:
        raise BadOption(
            f"{op.name}: its padding depends on the size of x: give size=, the {rank} spatial sizes"
        )
    return calls[-1]  # several windows along each axis: no step is for one window only


def _batch(op: Op, options: Mapping[str, Any], layout: Layout) -> int:
    """The batch that the options are for: one image, unless they say so themselves."""
    parts = options.get(op.batch_groups.option, 1) if op.batch_groups else 1
    option = op.crop.shape if op.crop else None
    shape = integers(options.get(option)) if option else None
    letters = axes(
        layout.y, op.ranks[0] if shape is None else max(rank_of(layout.y, len(shape)), 0)
    )
    full = shape is not None and len(shape) == len(letters) and "n" in letters
    return shape[letters.index("n")] if shape is not None and full else int(parts)


def _modules(op: Op, step: s.Step, arrays: Mapping[str, Tensor]) -> list[nn.Module]:
    """The modules of one step; their parameters are those of the arrays w, p and bias."""
    if isinstance(step, s.Convolve):
        return [_convolution(step, arrays)]
    if isinstance(step, s.Surround):
        return _border(step)
    if isinstance(step, s.Cut):
        return _zeros(tuple((-lo, -hi) for lo, hi in step.cut))
    if isinstance(step, s.Bias):
        return _bias(step, arrays)
    if isinstance(step, s.Compact):  # a module's kernel is contiguous
        return []
    lacking = {s.Every: "stride", s.Empty: "size"}
    raise _lacking(op, lacking.get(type(step), "boundary"))


def _lacking(op: Op, field: str) -> CannotExpress:
    return CannotExpress("torch.nn", field, f"it has no module for this {op.name}")


def _border(step: s.Surround) -> list[nn.Module]:
    """Padding modules; negative numbers crop, and torch would crop before it pads."""
    if step.boundary == "zeros":
        return _zeros(step.pad)
    r, pads = len(step.pad) - 1, tuple(last_axis_first(step.pad))
    if step.boundary == "constant":
        constant: Any = (nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d)[r]
        return [constant(pads, step.fill)]
    return [_PADS[step.boundary][r](pads)]  # type: ignore[arg-type]


def _zeros(pad: Pairs) -> list[nn.Module]:
    make: Any = (nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d)[len(pad) - 1]
    pads = last_axis_first(pad)
    both = tuple(max(p, 0) for p in pads), tuple(min(p, 0) for p in pads)
    return [make(numbers) for numbers in both if any(numbers)]


def _convolution(step: s.Convolve, arrays: Mapping[str, Tensor]) -> nn.Module:
    w, bias = arrays[step.w], arrays.get("bias") if step.bias else None
    options: dict[str, Any] = {"stride": step.stride, "padding": step.padding}
    options |= {"dilation": step.dilation, "groups": step.groups, "bias": bias is not None}
    if step.transposed:
        channels = (w.shape[0], w.shape[1] * step.groups)
        options |= {"output_padding": step.output_padding}
    else:
        channels = (w.shape[1] * step.groups, w.shape[0])
    make: Any = (TRANSPOSED if step.transposed else CONVS)[step.rank - 1]
    module: nn.Module = make(*channels, tuple(w.shape[2:]), device="meta", **options)
    module.weight = nn.Parameter(w.detach().clone(memory_format=torch.contiguous_format))
    if bias is not None:
        module.bias = nn.Parameter(bias.detach().clone())
    return module


def _bias(step: s.Bias, arrays: Mapping[str, Tensor]) -> list[nn.Module]:
    """A bias that follows a border: a 1x1 convolution of every channel alone adds it."""
    rank, o = step.after or 0, len(arrays.get("bias", ()))
    if not o:
        return []
    ones, none = (1,) * rank, (0,) * rank
    w = arrays["bias"].new_ones(o, 1, *ones)
    alone = s.Convolve("y", "y", "w", ones, none, ones, groups=o)
    return [_convolution(alone, {**arrays, "w": w})]

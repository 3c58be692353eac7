"""Plans: a lowered call as one callable on tensors, built once and cached.

A plan holds permutations, pads, groups and the chosen path, all functions of the function, its
options and the shapes; so that is the key, without dtype, device or strides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from uniconv.canonical import Conv, Sizes
from uniconv.dialect import COMPLEX, FLOATS, INTEGERS, Op
from uniconv.errors import BadArray, BadShape
from uniconv.execute import Runner, exact, runner
from uniconv.layout import FORWARD, TRANSPOSED, axes, kernel_order, order, regrouping
from uniconv.lower import Call, Shape, lower, show_shape

Plan = Callable[..., Tensor]
PLANS: dict[Any, Plan] = {}
_MOST = 4096
_DTYPES = {getattr(torch, name): name for name in (*FLOATS, *INTEGERS, *COMPLEX)}


def plan(op: Op, options: Mapping[str, Any], *shapes: Shape) -> Plan:
    """The plan of a native call: a function (x, w, bias=None, pointwise=None, addend=None) -> y."""
    return build(lower(op, options, *shapes))


def remember(key: Any, made: Plan) -> None:
    """Keep a plan; the cache is emptied when it is full."""
    if len(PLANS) >= _MOST:
        PLANS.clear()
    PLANS[key] = made


def build(call: Call) -> Plan:
    """Compose layouts, execution and the epilogue of one lowered call."""
    op, layout, rank = call.op, call.layout, call.rank
    # Julia's memory runs backwards: with its axes reversed it is read without a copy.
    turned = range(rank)[::-1] if layout.column_major else range(rank)
    spatial = [f"s{i}" for i in turned]
    unit = rank == 1 and layout.x.endswith("c")  # channels last in one dimension: as one row of two
    transposed = op.kind == "conv_transpose" or max(call.conv.lhs_dilation) > 1

    enter = _permutation(axes(layout.x, rank), ("n", "c", *spatial))
    leave = _permutation(("n", "o", *spatial), axes(layout.y, rank))
    weigh = _kernel_reader(layout.w, call.conv.groups, spatial, transposed=transposed)
    if (call.sizes.c if transposed else call.sizes.o) == 1:
        # torch 2.13.0 on CPU in float64: "slow_conv2d: grad_weight must be contiguous"
        weigh = _compact(weigh)
    run = _runner(call.conv.reordered(turned), call.sizes, turned, unit=unit, transposed=transposed)
    bare = len(call.sizes.batch) == 0
    if bare:  # torch's own convolutions take x without a batch axis, too
        enter = _permutation(_without_n(layout.x, rank), ("c", *spatial))
        leave = _permutation(("o", *spatial), _without_n(layout.y, rank))
    batch = call.sizes.batch if len(call.sizes.batch) > 1 else None

    def convolve(x: Tensor, w: Tensor, bias: Tensor | None, runner: Runner) -> Tensor:
        if batch is not None:
            x = x.flatten(0, len(batch) - 1)
        if enter is not None:
            x = torch.permute(x, enter)
        y = runner(x, weigh(w), bias)
        if leave is not None:
            y = torch.permute(y, leave)
        return y if batch is None else y.unflatten(0, batch)

    return _checked(call, convolve, run)


def _checked(
    call: Call, convolve: Callable[[Tensor, Tensor, Tensor | None, Runner], Tensor], run: Runner
) -> Plan:
    """The plan with its checks of dtype, device and bias, and with what follows the sum."""
    op, scale = call.op, call.scale
    bias_shape = _bias_shape(call)
    plain = scale == 1 and op.addend is None and op.pointwise is None and op.bias == "o"
    integer_run = exact(run)

    def simple(x: Tensor, w: Tensor, bias: Tensor | None = None) -> Tensor:
        if x.dtype is not torch.float32 or w.dtype is not torch.float32 or bias is not None:
            return full(x, w, bias)
        if x.device != w.device:
            raise _different_devices(op, x, w)
        return convolve(x, w, None, run)

    def full(
        x: Tensor,
        w: Tensor,
        bias: Tensor | None = None,
        pointwise: Tensor | None = None,
        addend: Tensor | None = None,
    ) -> Tensor:
        x, w, bias = _agree(op, x, w, bias)
        if bias is not None and tuple(bias.shape) != bias_shape:
            raise BadShape(f"{op.name}: bias {show_shape(bias.shape)} must be {bias_shape}")
        chosen = run if x.is_floating_point() or x.is_complex() else integer_run
        if plain:
            return convolve(x, w, bias, chosen)
        y = convolve(x, w, None, chosen)
        if op.pointwise is not None:
            y = _point(call, y, pointwise)
        if scale != 1:
            y = _scaled(op, y, scale)
        if addend is not None and call.addend_scale != 0:
            y = y + _scaled(op, addend, call.addend_scale)
        return y if bias is None else y + _along_channels(call, bias)

    return simple if plain else full


def _agree(
    op: Op, x: Tensor, w: Tensor, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Tensors of one device and of a dtype that the function takes."""
    arrays = [a for a in (x, w, bias) if a is not None]
    for a in arrays[1:]:
        if a.device != x.device:
            raise _different_devices(op, x, a)
    if torch.is_autocast_enabled(x.device.type):
        return x, w, bias
    dtypes = [a.dtype for a in arrays]
    for dtype in dtypes:
        if _DTYPES.get(dtype) not in op.dtypes:
            got = f"{str(dtype).removeprefix('torch.')}"
            raise BadArray(f"{op.name}: dtype {got} is not one of {', '.join(op.dtypes)}")
    if len(set(dtypes)) > 1:
        if not op.mixed:
            names = ", ".join(str(d).removeprefix("torch.") for d in dtypes)
            raise BadArray(
                f"{op.name}: x, w{', bias' * (bias is not None)} are {names}; "
                f"{op.title} takes one dtype: convert one of them"
            )
        for other in dtypes[1:]:
            dtypes[0] = torch.promote_types(dtypes[0], other)
        x, w = x.to(dtypes[0]), w.to(dtypes[0])
        bias = bias.to(dtypes[0]) if bias is not None else None
    return x, w, bias


def _different_devices(op: Op, x: Tensor, w: Tensor) -> BadArray:
    return BadArray(f"{op.name}: x is on {x.device}, w or bias on {w.device}; move them together")


def _scaled(op: Op, y: Tensor, scale: Any) -> Tensor:
    scaled = y * scale
    if scaled.dtype is not y.dtype:  # Julia: InexactError
        raise BadArray(f"{op.name}: {y.dtype} cannot hold a result scaled by {scale}")
    return scaled


def _bias_shape(call: Call) -> Shape:
    o = call.pointwise[1].o if call.pointwise else call.sizes.o
    if call.op.bias == "o":
        return (o,)
    return tuple(o if a == "o" else 1 for a in axes(call.layout.y, call.rank))


def _along_channels(call: Call, bias: Tensor) -> Tensor:
    """The bias with y's axes: 1 everywhere but on the channels."""
    if call.op.bias == "y":
        return bias
    letters = [a for a in axes(call.layout.y, call.rank) if a != "n" or call.sizes.batch]
    return bias.reshape([-1 if a == "o" else 1 for a in letters])


def _point(call: Call, y: Tensor, pointwise: Tensor | None) -> Tensor:
    """The 1x1 convolution of a separable one, on y in the native layout."""
    assert call.op.pointwise is not None
    assert call.pointwise is not None
    conv, _ = call.pointwise
    if pointwise is None:
        raise BadShape(f"{call.op.name}: the pointwise kernel is missing")
    _agree(call.op, y, pointwise, None)
    spatial = [f"s{i}" for i in range(call.rank)]
    into = order(axes(call.layout.y, call.rank), ("n", "o", *spatial))
    back = order(("n", "o", *spatial), axes(call.layout.y, call.rank))
    weigh = _kernel_reader(call.op.pointwise, conv.groups, spatial, transposed=False)
    size = call.conv.output(call.sizes.size, call.sizes.kernel)
    run = runner(conv, size, (1,) * call.rank, call.pointwise[1].o, transposed=False)
    return torch.permute(run(torch.permute(y, into), weigh(pointwise), None), back)


def _runner(conv: Conv, sizes: Sizes, turned: range, *, unit: bool, transposed: bool) -> Runner:
    size = tuple(sizes.size[i] for i in turned)
    kernel = tuple(sizes.kernel[i] for i in turned)
    if not unit:
        return runner(conv, size, kernel, sizes.o, transposed=transposed)
    row = runner(
        conv.with_unit_axis(), (1, *size), (1, *kernel), sizes.o, transposed=transposed
    )
    return lambda x, w, bias: row(x.unsqueeze(-2), w.unsqueeze(-2), bias).squeeze(-2)


def _kernel_reader(
    pattern: str, groups: int, spatial: list[str], *, transposed: bool
) -> Callable[[Tensor], Tensor]:
    """From the native kernel to the executor's: one permutation, or einops where groups split."""
    wanted, rank = (TRANSPOSED if transposed else FORWARD), len(spatial)
    into = kernel_order(pattern, rank, wanted, spatial, groups)
    if into is None:
        text = regrouping(pattern, rank, wanted, spatial)
        return lambda w: rearrange(w, text, g=groups)
    if into == tuple(range(rank + 2)):
        return _unchanged
    return lambda w: torch.permute(w, into)


def _compact(weigh: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda w: weigh(w).contiguous()


def _unchanged(w: Tensor) -> Tensor:
    return w


def _permutation(src: tuple[str, ...], dst: tuple[str, ...]) -> tuple[int, ...] | None:
    """The permutation from src to dst; None where nothing moves."""
    return None if src == dst else order(src, dst)


def _without_n(pattern: str, rank: int) -> tuple[str, ...]:
    return tuple(a for a in axes(pattern, rank) if a != "n")

"""Plans: a lowered call as one callable on tensors, built once and cached.

A plan holds permutations, pads, groups and the chosen path, all functions of the function, its
options and the shapes; so that is the key, without dtype, device or strides.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, permute

from uniconv._calls.epilogue import Convolver, Plan, checked, is_plain, native_axes
from uniconv._calls.lower import LoweredCall, lower
from uniconv._calls.options import split_precision
from uniconv._canonical.execute import runner
from uniconv._canonical.integers import exact
from uniconv._canonical.layout import axes, completed, kernel_order, order, regrouping
from uniconv._canonical.record import Convolution, Shape, Sizes
from uniconv._canonical.runner import Packing, Runner
from uniconv.errors import UniconvWarning
from uniconv.spec.op import Op

PLANS: dict[Any, Plan] = {}


_MOST = 4096


_DIRECT = (torch.float32, torch.float64, torch.bfloat16, torch.float16)  # every function has them


def plan(op: Op, options: Mapping[str, Any], *shapes: Shape) -> Plan:
    """The plan of a native call: a function (x, w, bias=None, pointwise=None, addend=None) -> y."""
    options, precision = split_precision(op, options)
    call = lower(op, options, *shapes)
    for text in call.warnings:
        warnings.warn(text, UniconvWarning, stacklevel=2)
    return build(call, precision)


def planned(
    op: Op, head: tuple[Any, ...], options: Mapping[str, Any], shapes: Sequence[Shape]
) -> tuple[Plan, Any]:
    """The plan of a call, remembered under (head, shapes, options), and the addend among these."""
    addend = None
    if op.addend and op.addend[0] in options:
        options = dict(options)
        addend = options.pop(op.addend[0])
    if not all(type(n) is int for shape in shapes for n in shape):
        return plan(op, options, *shapes), addend  # sizes are symbols: arithmetic, no dictionary
    key = (*head, *shapes, *options, *map(frozen, options.values()))
    try:
        return PLANS[key], addend
    except KeyError:
        made = plan(op, options, *shapes)
        remember(key, made)
        return made, addend
    except TypeError:  # an option that cannot be part of a key: its rule will say so
        return plan(op, options, *shapes), addend


def remember(key: Any, made: Plan) -> None:
    """Keep a plan; the cache is emptied when it is full.

    1, True and 1.0 are one key: after a call with 1, True means 1 without being refused.
    """
    if len(PLANS) >= _MOST:
        PLANS.clear()
    PLANS[key] = made


def traced_as(function: Callable[..., Any], compiled: Callable[..., Any]) -> None:
    """Let torch.compile trace ``compiled`` for ``function``, which looks sizes up in a dictionary.

    torch marks its own wrappers so (torch/_dynamo/eval_frame.py); asking is_compiling() in every
    call instead costs 2 % of a small one.
    """
    function._torchdynamo_inline = compiled  # type: ignore[attr-defined]


def frozen(value: Any) -> Any:
    """A list as a tuple, all the way down, so that it can be part of a key."""
    if type(value) in (int, str):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(map(frozen, value))
    return frozen(value.tolist()) if hasattr(value, "tolist") else value


def build(call: LoweredCall, precision: str | None = None, packed: Packing | None = None) -> Plan:
    """Compose layouts, execution and the epilogue of one lowered call."""
    op, layout, rank = call.op, call.layout, call.rank
    # Julia's memory runs backwards: with its axes reversed it is read without a copy.
    turned = range(rank)[::-1] if layout.column_major else range(rank)
    spatial = [f"s{i}" for i in turned]
    transposed = op.kind == "conv_transpose" or max(call.conv.lhs_dilation) > 1
    unit = rank == 1 and layout.x.endswith("c")  # channels last in 1-D: as one row of two axes
    conv, sizes, parts = call.conv, call.sizes, call.conv.batch_groups
    if parts > 1:  # parts of the batch are groups of channels
        conv = replace(conv, groups=parts, batch_groups=1)
        batch = tuple(n // parts for n in sizes.batch)
        sizes = replace(sizes, batch=batch, c=sizes.c * parts)
    run = _runner(conv.reordered(turned), sizes, turned, unit, transposed, precision, packed)

    head = ("n",) if call.sizes.batch else ()  # torch takes x without a batch axis, too
    wanted = ("c", "m") if transposed else ("o", "i")
    # The axes of size 1 that a pattern leaves out follow the others.
    x_axes, no_c = completed(native_axes(layout.x, call), ("c",))
    y_axes, no_o = completed(native_axes(layout.y, call), ("o",))
    src, no_kernel_axes = completed(axes(layout.w, rank), (*wanted, *spatial))
    enter = order(x_axes, (*head, "c", *spatial))
    leave = order((*head, "o", *spatial), y_axes)
    dst, groups = (*wanted, *spatial), conv.groups
    kernel = kernel_order(src, dst, groups)
    regrouped = regrouping(src, dst)

    def convolver(run: Runner) -> Convolver:
        """From native x and w to native y."""
        compute, args = run
        batch = call.sizes.batch
        many = len(batch) > 1
        at, to = (letters.index("n") if many else 0 for letters in (x_axes, y_axes))

        def convolve(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
            w = permute(w, kernel) if kernel else rearrange(w, regrouped, g=groups)
            x = x.flatten(at, at + len(batch) - 1) if many else x
            x = permute(x, enter)
            if parts > 1:
                x = x.reshape(parts, -1, *x.shape[1:]).transpose(0, 1).flatten(1, 2)
            y = permute(compute(x, w, bias, *args), leave)
            return y.reshape(*y.shape[:to], *batch, *y.shape[to + 1 :]) if many else y

        return convolve

    def with_axes(convolve: Convolver) -> Convolver:
        """The same for arrays without channel axes."""
        if not (no_c or no_kernel_axes or no_o):
            return convolve

        def channelled(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
            x = x.reshape(*x.shape, *no_c)
            y = convolve(x, w.reshape(*w.shape, *no_kernel_axes), bias)
            return y.squeeze(-1) if no_o else y

        return channelled

    whole, integers = with_axes(convolver(run)), with_axes(convolver(exact(run)))
    full = checked(call, whole, integers, precision)
    if no_c or no_kernel_axes or no_o or parts > 1:
        return full
    if kernel and len(call.sizes.batch) <= 1 and is_plain(call):
        return _swift(run, full, enter, kernel, leave)
    return full


def _swift(
    run: Runner, full: Plan, enter: tuple[int, ...], kernel: tuple[int, ...], leave: tuple[int, ...]
) -> Plan:
    """The common call in one Python frame: what torch refuses here, ``full`` does or explains.

    Torch refuses two dtypes or devices itself, but for a meta kernel: its values are noise.
    """
    compute, args = run
    dtypes = _DIRECT

    def moved(x: Any, w: Any, bias: Any = None) -> Any:
        try:
            if x.dtype in dtypes and not w.is_meta and (bias is None or not bias.is_meta):
                y = compute(permute(x, enter), permute(w, kernel), bias, *args)
                return permute(y, leave)
        except (RuntimeError, TypeError, AttributeError):
            pass
        return full(x, w, bias)

    def moved_at_defaults(x: Any, w: Any, bias: Any = None) -> Any:  # unpacking nothing costs 2 %
        try:
            if x.dtype in dtypes and not w.is_meta and (bias is None or not bias.is_meta):
                return permute(compute(permute(x, enter), permute(w, kernel), bias), leave)
        except (RuntimeError, TypeError, AttributeError):
            pass
        return full(x, w, bias)

    def unmoved(x: Any, w: Any, bias: Any = None) -> Any:
        try:
            if x.dtype in dtypes and not w.is_meta and (bias is None or not bias.is_meta):
                return compute(x, w, bias, *args)
        except (RuntimeError, TypeError, AttributeError):
            pass
        return full(x, w, bias)

    if enter == kernel == leave == tuple(range(len(enter))):
        return unmoved
    return moved if args else moved_at_defaults


def _runner(
    conv: Convolution,
    sizes: Sizes,
    turned: range,
    unit: bool,
    transposed: bool,
    precision: str | None,
    packed: Packing | None,
) -> Runner:
    """The executor for sizes whose spatial axes are taken in the order ``turned``."""
    size, kernel = (tuple(n[i] for i in turned) for n in (sizes.size, sizes.kernel))
    if not unit:
        sizes = replace(sizes, size=size, kernel=kernel)
        return runner(conv, sizes, transposed=transposed, precision=precision, packed=packed)
    row = replace(sizes, size=(1, *size), kernel=(1, *kernel))
    conv = conv.with_unit_axis()
    run = runner(conv, row, transposed=transposed, precision=precision, packed=packed)
    return Runner(lambda x, w, bias: run(x.unsqueeze(-2), w.unsqueeze(-2), bias).squeeze(-2))

"""Execute: the canonical record on torch.  The only file that names torch.nn.functional.

``runner`` makes a function of x ``(n) c ...``, kernel and bias, in the executor's own layout:
the kernel is ``o i ...``, or ``c m ...`` where ``transposed`` says that it is a transposed one.
It knows no dialect, keeps device and dtype, and reverses a pad list for F.pad in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from uniconv._canonical.precision import holding
from uniconv._canonical.record import Convolution, Pairs, Sizes, effective
from uniconv._canonical.runner import Operation, Packing, Runner

_FORWARD: tuple[Operation, ...] = (torch.conv1d, torch.conv2d, torch.conv3d)


_TRANSPOSED: tuple[Operation, ...] = (
    torch.conv_transpose1d,
    torch.conv_transpose2d,
    torch.conv_transpose3d,
)


def runner(
    conv: Convolution,
    sizes: Sizes,
    *,
    transposed: bool,
    precision: str | None = None,
    packed: Packing | None = None,
) -> Runner:
    """What computes y from (x, w, bias), for one problem's sizes.

    precision: what cuDNN does with float32 there, in backward too; None leaves torch's setting.
    packed: where w is the same in every call, makes torch's op one that keeps it as it likes.
    """
    out = conv.output(sizes.size, sizes.kernel)
    if 0 in out or sizes.o == 0 or 0 in sizes.size:
        return _empty_or_border(conv, out, sizes.o)
    if conv.boundary == "circular" and (transposed or min(map(min, conv.pad)) < 0):
        return _circular(conv, sizes, transposed=transposed, precision=precision)
    flips = tuple(a - conv.rank for a, r in enumerate(conv.reverse) if r is not transposed)
    op = (_TRANSPOSED if transposed else _FORWARD)[conv.rank - 1]
    if precision is not None:
        op = holding(op, conv.rank, transposed, precision)
    if packed is not None and conv.rank == 2 and not transposed:
        op = packed(op)
    run = _transposed(conv, sizes, op) if transposed else _forward(conv, sizes, op)
    # With 1 on the kernel's first axis, torch 2.13's backward refuses a permuted kernel on the CPU:
    # "grad_weight must be contiguous" (aten/src/ATen/native/NaiveConvolutionTranspose2d.cpp).
    alone = (sizes.c if transposed else sizes.o) == 1
    if not (flips or alone):
        return run
    compute, args = run
    if alone:
        return Runner(lambda x, w, bias: compute(x, _compact(w, flips), bias, *args))
    return Runner(lambda x, w, bias: compute(x, torch.flip(w, flips), bias, *args))


def _circular(
    conv: Convolution, sizes: Sizes, *, transposed: bool, precision: str | None
) -> Runner:
    """x spread, and read around its period, size * lhs_dilation; then a plain convolution."""
    rank, step, groups = conv.rank, conv.lhs_dilation, conv.groups
    period = [n * s for n, s in zip(sizes.size, step)]
    spans = [(n - 1) * s + 1 for n, s in zip(sizes.size, step)]
    read = [(-lo, span + hi, p) for (lo, hi), p, span in zip(conv.pad, period, spans)]
    size = tuple(end - start for start, end, _ in read)
    plain = Convolution(
        conv.stride, ((0, 0),) * rank, (1,) * rank, conv.rhs_dilation, conv.reverse, groups
    )
    inner = runner(plain, replace(sizes, size=size), transposed=False, precision=precision)

    def run(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
        spread = x.new_zeros(*x.shape[: x.ndim - rank], *period)
        _every(spread, step).copy_(x)
        for axis, (start, end, p) in enumerate(read, start=-rank):
            index = torch.arange(start, end, device=x.device) % p
            spread = spread.index_select(axis, index)
        if transposed:  # c m ... -> o i ...
            split = w.reshape(groups, -1, *w.shape[1:])
            w = split.transpose(1, 2).flatten(0, 1)
        return inner(spread, w, bias)

    return Runner(run)


def _compact(w: Tensor, flips: tuple[int, ...]) -> Tensor:
    turned = torch.flip(w, flips) if flips else w
    return turned.clone(memory_format=torch.contiguous_format)


def _forward(conv: Convolution, sizes: Sizes, op: Operation) -> Runner:
    if _misread(conv, sizes):
        return _one_window(conv, sizes, op)
    # Pads that depend on symbolic sizes are not compared: one graph serves odd and even ones.
    known = all(type(p) is int for pair in conv.pad for p in pair)
    if conv.boundary == "zeros" and known and all(lo == hi and lo >= 0 for lo, hi in conv.pad):
        padding = tuple(lo for lo, _ in conv.pad)
        return Runner(op, _terse(conv.stride, padding, conv.rhs_dilation, conv.groups))
    border = _border(conv, sizes.size)
    args = _terse(conv.stride, (0,), conv.rhs_dilation, conv.groups)
    return Runner(lambda x, w, bias: op(border(x), w, bias, *args))


def _misread(conv: Convolution, sizes: Sizes) -> bool:
    """Whether oneDNN 3.12 (in torch 2.13, AVX-512) may read past the rows of x.

    Its brg_conv_fwd does, with one input channel laid last and one window along the last axis,
    where the stride is more than 1: values and memory are then noise.
    """
    one_channel = conv.rank > 1 and sizes.c == 1 and conv.stride[-1] > 1
    return one_channel and conv.output(sizes.size, sizes.kernel)[-1] == 1


def _one_window(conv: Convolution, sizes: Sizes, op: Operation) -> Runner:
    """The same where the last axis has one window: of that window, without a stride."""
    border = _border(conv, sizes.size)
    reach = effective(sizes.kernel, conv.rhs_dilation)[-1]
    args = _terse((*conv.stride[:-1], 1), (0,), conv.rhs_dilation, conv.groups)
    return Runner(lambda x, w, bias: op(border(x).narrow(-1, 0, reach), w, bias, *args))


def _terse(
    stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], groups: int
) -> tuple[Any, ...]:
    """Arguments as torch reads them fastest: one number for all axes, none at the default."""
    fixed = (all(type(n) is int for n in v) for v in (stride, padding, dilation))  # no symbols
    values = zip((stride, padding, dilation), fixed)
    args: list[Any] = [v[0] if known and len(set(v)) == 1 else v for v, known in values]
    args.append(groups)
    defaults = [1, 0, 1, 1]
    while args and args[-1] == defaults[len(args) - 1]:
        args.pop()
    return tuple(args)


def _transposed(conv: Convolution, sizes: Sizes, op: Operation) -> Runner:
    """By the transposed op: directly where its two paddings can say the crop, else cut after."""
    step, dilation, groups = conv.lhs_dilation, conv.rhs_dilation, conv.groups
    extents = effective(sizes.kernel, dilation)
    crop = [(e - 1 - lo, e - 1 - hi) for e, (lo, hi) in zip(extents, conv.pad)]
    extra = tuple(lo - hi for lo, hi in crop)
    strided = max(conv.stride) > 1
    sayable = (
        lo >= 0 and 0 <= x < max(s, d) for (lo, _), x, s, d in zip(crop, extra, step, dilation)
    )
    if not strided and all(sayable):
        padding = tuple(lo for lo, _ in crop)
        return Runner(op, (step, padding, extra, groups, dilation))

    whole = [(n - 1) * s + e for n, s, e in zip(sizes.size, step, extents)]
    grown = any(min(pair) < 0 for pair in crop)
    uncut = _padder(tuple((-lo, -hi) for lo, hi in crop), whole)
    kept = [(a, lo, f - lo - hi) for a, f, (lo, hi) in zip(range(-conv.rank, 0), whole, crop)]
    none = (0,) * conv.rank

    def run(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
        y = op(x, w, None if grown else bias, step, none, none, groups, dilation)
        if grown:
            y = uncut(y)
        else:
            for axis, start, length in kept:
                y = y.narrow(axis, start, length)
        if grown and bias is not None:  # the pixels past the result hold the bias, too
            y = y + bias.reshape(-1, *(1,) * conv.rank)
        return _every(y, conv.stride) if strided else y

    return Runner(run)


def _every(y: Tensor, steps: Sequence[int]) -> Tensor:
    """Every so many pixels of the last axes, as a view (indexing asks fake tensors for CUDA)."""
    for axis, step in enumerate(steps, start=-len(steps)):
        y = torch.ops.aten.slice.Tensor(y, axis, 0, None, step)
    return y


def _border(conv: Convolution, size: Sequence[int]) -> Callable[[Tensor], Tensor]:
    """Pad (or crop) x as the record's boundary says."""
    pads = _last_axis_first(conv.pad)
    if conv.boundary in ("zeros", "constant"):
        return _padder(conv.pad, size, conv.fill)
    largest = {"reflect": -1, "circular": 0}.get(conv.boundary)
    fits = largest is not None and all(max(p) <= n + largest for p, n in zip(conv.pad, size))
    if fits or conv.boundary == "replicate":
        return lambda x: _pad_batched(x, pads, conv)
    sizes = tuple(size)

    def gather(x: Tensor) -> Tensor:
        for axis, ((lo, hi), n) in enumerate(zip(conv.pad, sizes), start=-conv.rank):
            at = torch.arange(-lo, n + hi, device=x.device)
            x = x.index_select(axis, _read_at(at, n, conv.boundary))
        return x

    return gather


def _padder(pad: Pairs, size: Sequence[int], fill: float = 0.0) -> Callable[[Tensor], Tensor]:
    """Pad with ``fill``, then crop: F.pad crops first, so it may crop no more than there is."""
    pads = _last_axis_first(pad)
    symbols = any(type(p) is not int for p in pads)  # asked for their sign, they would be fixed
    if symbols or all(n + min(lo, 0) + min(hi, 0) >= 0 for n, (lo, hi) in zip(size, pad)):
        return lambda x: F.pad(x, pads, value=fill)
    grow, cut = [max(p, 0) for p in pads], [min(p, 0) for p in pads]
    return lambda x: F.pad(F.pad(x, grow, value=fill), cut)


def _pad_batched(x: Tensor, pads: Sequence[int], conv: Convolution) -> Tensor:
    mode = conv.boundary
    if x.ndim == conv.rank + 1:
        return F.pad(x.unsqueeze(0), pads, mode=mode).squeeze(0)
    return F.pad(x, pads, mode=mode)


def _read_at(i: Tensor, n: int, boundary: str) -> Tensor:
    """Which pixels of n stand at positions i, left or right of the image too."""
    if boundary == "circular":
        return i % n
    if boundary == "symmetric":
        i = i % (2 * n)
        return torch.minimum(i, 2 * n - 1 - i)
    i = i % max(2 * (n - 1), 1)
    return torch.minimum(i, 2 * (n - 1) - i)


def _last_axis_first(pad: Pairs) -> list[int]:
    """F.pad's order: (last axis before, last axis after, the one before it, ...)."""
    return [p for pair in reversed(pad) for p in pair]


def _empty_or_border(conv: Convolution, out: Sequence[int], o: int) -> Runner:
    """No pixel of x, no filter or no window: y is empty, or zeros and bias; gradients are zero."""

    def run(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
        shape = (*x.shape[: x.ndim - conv.rank - 1], o, *out)
        nothing = x.flatten().narrow(0, 0, 0).sum() + w.flatten().narrow(0, 0, 0).sum()
        y = x.new_zeros(shape) + nothing.to(x.dtype)
        return y + bias.reshape(-1, *(1,) * conv.rank) if bias is not None else y

    return Runner(run)

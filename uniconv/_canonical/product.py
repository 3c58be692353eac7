"""Product: a convolution as one matrix product, where the kernel is what costs.

Over few pixels torch's op spends its time on the kernel: in every call it lays it out anew, and
slowly where its output channels are last in memory, as TensorFlow, Keras and JAX keep them, or
first, as MLX does for transposed convolutions.  BLAS
takes the kernel as it lies, a matrix of channels by taps times channels.

forward     windows of x, one a row, times the kernel are the pixels of y
transposed  pixels of x times the kernel are stamps, which are added up where they overlap

``fits`` is the rule, from sizes alone: windows, or stamps, take no more memory than the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product as offsets
from math import prod
from typing import Any

import torch
from torch import Tensor

from uniconv._canonical.record import effective
from uniconv._canonical.runner import Memory, Operation, is_eager, is_on_cpu, takes_gradients
from uniconv._canonical.steps import Convolve

_LARGE = 1 << 16  # numbers of a kernel of several taps
_PIXELS = 1024  # under one tap, where the windows are x itself: torch's op computes more as fast
_FLOATS = (torch.float32, torch.float64)
_nn = torch._C._nn
_precision_of = torch._C._get_fp32_precision_getter


def fits(step: Convolve, memory: Memory) -> bool:
    """Whether this convolution is faster as a product: by its sizes and the kernel's memory."""
    sizes = step.sizes
    as_it_lies = memory in (Memory.CHANNELS_LAST, Memory.OUTPUT_FIRST)
    if sizes is None or step.groups > 1 or not sizes.batch or memory is Memory.OTHER:
        return False
    if memory is Memory.OUTPUT_FIRST and not step.transposed:
        return False
    numbers = prod(sizes.kernel) * sizes.c * sizes.o
    if step.transposed:
        pixels = prod(sizes.batch) * prod(sizes.size)
        # What is given back at the end lies within the blocks of taps (see ``_stamped``).
        axes = zip(sizes.kernel, step.stride, step.padding, step.output_padding)
        inside = all(k + extra - cut <= -(-k // s) * s for k, s, cut, extra in axes)
        few = pixels * (1 if as_it_lies else 4) <= sizes.c
        return inside and few and numbers >= _LARGE and max(step.dilation) == 1
    pixels = prod(sizes.batch) * prod(windows(step))
    if one_tap(step):
        return pixels <= _PIXELS
    # A kernel that torch's op need not lay out anew costs it less, unless it has but one channel.
    few = pixels * (1 if as_it_lies or sizes.c == 1 else 4) <= sizes.o
    return few and numbers >= _LARGE


def multiplied(op: Operation, step: Convolve, memory: Memory) -> Operation:
    """The op as a product where x is an ordinary float image with its channels last in memory.

    Everywhere else, on other devices and where something is traced or mapped, it is the op itself.
    """
    rank = step.rank
    last, first = (0, *range(2, rank + 2), 1), (0, rank + 1, *range(1, rank + 1))
    taps = range(2, rank + 2)
    order = {
        Memory.CHANNELS_LAST: (*taps, 1, 0),
        Memory.OUTPUT_FIRST: (1, *taps, 0),
    }.get(memory, (0, *taps, 1))
    compute = as_product(step, memory)

    def run(x: Tensor, w: Tensor, bias: Tensor | None, *args: Any) -> Tensor:
        if x.ndim == rank + 2:
            y = compute(x.permute(last), w.permute(order), bias)
            if y is not None:
                return y.permute(first)
        return op(x, w, bias, *args)

    return run


Product = Callable[[Tensor, Tensor, Tensor | None], Tensor | None]


def as_product(step: Convolve, memory: Memory, shape: Sequence[int] | None = None) -> Product:
    """y ``n ... o`` of x ``n ... c`` and the kernel as it lies, in as few calls of torch as may be.

    None for arrays that are not what it needs: ordinary ones, contiguous, whose gradients (but of
    one tap, which is as fast) nobody takes.

    shape: that of y, where it has other axes than the step.
    """
    pointwise = one_tap(step)
    compute, as_matrix, of_bias = _parts(step, memory, shape)

    def run(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor | None:
        dtype = x.dtype
        if (
            dtype in _FLOATS
            and is_on_cpu(x, dtype)
            and is_on_cpu(w, dtype)
            and (bias is None or (is_on_cpu(bias, dtype) and bias.shape == of_bias))
            and is_eager()
            and x.is_contiguous()
            and w.is_contiguous()
            and _is_exact()
            and (pointwise or not takes_gradients(x, w, bias))
        ):
            return compute(x, as_matrix(w), bias)
        return None

    return run


def as_bound_product(
    step: Convolve,
    memory: Memory,
    shape: Sequence[int] | None,
    w: Tensor,
    bias: Tensor | None,
) -> Callable[[Tensor], Tensor | None] | None:
    """The same for a kernel and a bias that never change, as a function of x alone.

    None where they are not what a product needs.
    """
    pointwise = one_tap(step)
    compute, as_matrix, of_bias = _parts(step, memory, shape)
    dtype = w.dtype
    fitting = dtype in _FLOATS and is_on_cpu(w, dtype) and w.is_contiguous()
    if not fitting or not (bias is None or (is_on_cpu(bias, dtype) and bias.shape == of_bias)):
        return None
    multiply: Callable[..., Tensor | None] = compute
    constants: tuple[Tensor | None, ...] = (as_matrix(w), bias)
    if compute is _nn.linear and bias is None:  # what linear calls, after some questions
        multiply, constants = torch.matmul, (as_matrix(w).t(),)

    def run(x: Tensor) -> Tensor | None:
        if (
            is_on_cpu(x, dtype)
            and x.is_contiguous()
            and is_eager()
            and _is_exact()
            and (pointwise or not takes_gradients(x))
        ):
            return multiply(x, *constants)
        return None

    return run


def _parts(
    step: Convolve, memory: Memory, shape: Sequence[int] | None
) -> tuple[Product, Callable[[Tensor], Tensor], tuple[int]]:
    """What multiplies, what makes the kernel a matrix for it, and the shape of a bias."""
    assert step.sizes is not None
    rows = memory is not Memory.TAPS_BETWEEN
    side = (-1, step.sizes.c if step.transposed else step.sizes.o)
    matrix = side if rows else side[::-1]
    compute: Product
    if one_tap(step):
        compute = _pixel_by_pixel if rows else _nn.linear
        return compute, lambda w: w.view(matrix), (step.sizes.o,)
    compute = partial(_slid, step=step, shape=shape)
    if step.transposed:
        output_first = memory is Memory.OUTPUT_FIRST
        compute = partial(_stamped, step=step, shape=shape, output_first=output_first)
    if rows is step.transposed:
        return compute, lambda w: w.view(matrix).t(), (step.sizes.o,)
    return compute, lambda w: w.view(matrix), (step.sizes.o,)


def _pixel_by_pixel(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """Where each pixel is a window, x is a matrix already; kernel: (c, o)."""
    if bias is None:
        return torch.matmul(x, kernel)
    return _nn.linear(x, kernel.t(), bias)


def windows(step: Convolve) -> tuple[int, ...]:
    """How many windows there are along each axis."""
    assert step.sizes is not None
    extents = effective(step.sizes.kernel, step.dilation)
    axes = zip(step.sizes.size, extents, step.padding, step.stride)
    return tuple((n + 2 * p - e) // s + 1 for n, e, p, s in axes)


def one_tap(step: Convolve) -> bool:
    """Whether each pixel is a window, and the kernel one for ``o i``."""
    assert step.sizes is not None
    single = prod(step.sizes.kernel) == max(step.stride) == 1
    return single and not any(step.padding) and not step.transposed


def _is_exact() -> bool:
    """Whether oneDNN multiplies float32 matrices in all their bits, as a user may turn off."""
    return _precision_of("mkldnn", "matmul") in ("none", "ieee")


def _slid(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    step: Convolve,
    shape: Sequence[int] | None,
) -> Tensor | None:
    """Windows times a kernel (taps * i, o); None where a border of zeros met an infinity in it.

    There a product has 0 * inf = nan, where torch's op leaves the border out.
    """
    assert step.sizes is not None
    out, padded = windows(step), any(step.padding)
    batch = prod(step.sizes.batch)
    x = x.view(batch, *step.sizes.size, step.sizes.c)
    if padded:
        pads = (0, 0, *(p for pad in reversed(step.padding) for p in (pad, pad)))
        x = torch.constant_pad_nd(x, pads)
    n, *along, c = x.stride()
    jumps = (s * a for s, a in zip(step.stride, along))
    taps = (d * a for d, a in zip(step.dilation, along))
    view = (batch, *out, *step.sizes.kernel, step.sizes.c)
    rows = x.as_strided(view, (n, *jumps, *taps, c)).reshape(batch * prod(out), len(kernel))
    y = torch.mm(rows, kernel) if bias is None else torch.addmm(bias, rows, kernel)
    total = y.sum().item() if padded else 0.0
    if total != total:
        return None
    return y.view(shape or (batch, *out, step.sizes.o))


def _stamped(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    step: Convolve,
    shape: Sequence[int] | None,
    output_first: bool,
) -> Tensor:
    """Every pixel's stamp where it belongs; kernel: (c, taps * m), or (c, m * taps).

    Taps are taken in blocks of ``stride``: of 5 taps under stride 2, blocks (0 1), (2 3), (4); the
    stamps of one block do not overlap, so that each block is added by one addition.
    """
    assert step.sizes is not None
    n, size = prod(step.sizes.batch), step.sizes.size
    sizes, stride, o, rank = step.sizes.kernel, step.stride, step.sizes.o, step.rank
    stamps = torch.mm(x.view(-1, step.sizes.c), kernel)
    if output_first:
        stamps = stamps.view(n, *size, o, *sizes).movedim(1 + rank, -1)
    else:
        stamps = stamps.view(n, *size, *sizes, o)
    blocks = [-(-k // s) for k, s in zip(sizes, stride)]
    # One axis more for each spatial one: pixel i * stride + j of y is at (i, j).
    whole = [side for m, b, s in zip(size, blocks, stride) for side in (m + b - 1, s)]
    y = stamps.new_zeros(n, *whole, o)
    order = (0, *(a for i in range(rank) for a in (1 + i, 1 + rank + i)), 1 + 2 * rank)
    for block in offsets(*map(range, blocks)):
        part, target = stamps, y
        for i, (b, k, s, m) in enumerate(zip(block, sizes, stride, size)):
            length = min(s, k - b * s)
            part = part.narrow(1 + rank + i, b * s, length)
            target = target.narrow(1 + 2 * i, b, m).narrow(2 + 2 * i, 0, length)
        target.add_(part.permute(order))
    y = y.view(n, *(m * s for m, s in zip(whole[::2], stride)), o)
    cuts = zip(size, sizes, stride, step.padding, step.output_padding)
    for i, (m, k, s, cut, extra) in enumerate(cuts):
        y = y.narrow(1 + i, cut, (m - 1) * s + k - 2 * cut + extra)
    y = y.contiguous() if shape is None else y.reshape(tuple(shape)).contiguous()
    return y if bias is None else y.add_(bias)

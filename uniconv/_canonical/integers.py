"""Convolutions of integers: the sum modulo the integer's range, on every device."""

from __future__ import annotations

import torch
from torch import Tensor

from uniconv._canonical.runner import Runner

_LIMB = 16  # bits of an integer that one exact float64 convolution carries

# torch.flip has no kernel for these (2.13, aten/src/ATen/native/cpu/IndexKernel.cpp flip_kernel).
_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}


def flipped(a: Tensor, axes: tuple[int, ...]) -> Tensor:
    """torch.flip of any dtype."""
    signed = _SIGNED.get(a.dtype)
    return torch.flip(a, axes) if signed is None else torch.flip(a.view(signed), axes).view(a.dtype)


def exact(run: Runner) -> Runner:
    """The same for integers: the sum modulo the integer's range, as integer hardware has it."""

    def integer_run(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
        if x.device.type == "cpu":
            wide = bias.long() if bias is not None else None
            return run(x.long(), w.long(), wide).to(x.dtype)
        if x.dtype is torch.bool:  # whether any product is true
            return integer_run(x.int(), w.int(), bias).bool()
        y = by_limbs(run, x, w)
        return y if bias is None else y + bias.reshape(-1, *(1,) * (w.ndim - 2))

    return Runner(integer_run)


def by_limbs(run: Runner, x: Tensor, w: Tensor) -> Tensor:
    """Integers where a device convolves none: by 16-bit limbs, whose float64 sums are exact.

    What lies outside x must be zeros or pixels of x: a constant would be added once per limb.
    """
    # x = x0 + x1 * 2**16 + ..., so x * w = sum of xi * wj * 2**(16 (i + j)); terms with i + j of as
    # many limbs as the dtype has, or more, are multiples of its range and fall away.  A product of
    # two limbs is below 2**32, so that float64 is exact for up to 2**21 of them.
    limbs = (torch.iinfo(x.dtype).bits + _LIMB - 1) // _LIMB
    mask = (1 << _LIMB) - 1

    def limb(a: Tensor, i: int) -> Tensor:
        return (a.long() >> (_LIMB * i) & mask).double()

    terms = [(i, j) for i in range(limbs) for j in range(limbs - i)]
    parts = (run(limb(x, i), limb(w, j), None).round().long() << _LIMB * (i + j) for i, j in terms)
    return torch.stack(list(parts)).sum(0).to(x.dtype)

"""A problem in the words and layouts of five frameworks: by uniconv, and by hand on torch.

Every call here gives y in the framework's own layout; ``canonical`` brings it back to ``n o ...``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from networks import Problem
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

import uniconv
from uniconv import nn

DIALECTS = ("tf", "pytorch", "knet", "mlx", "onnx")
CONV = (F.conv1d, F.conv2d, F.conv3d)
TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


@dataclass(frozen=True)
class Words:
    """How a framework says a problem: the function, its options, the order of its axes.

    x, w: the native axes, as positions among ``n c ...`` and ``o i ...`` (``c o ...``).
    """

    function: str
    kind: str
    options: dict[str, Any]
    x: tuple[int, ...]
    w: tuple[int, ...]
    flipped: bool = False
    reversed_memory: bool = False


def words(problem: Problem, dialect: str) -> Words | None:
    """The problem in the framework's words; None where it has none for it."""
    return {"tf": _tf, "pytorch": _pytorch, "knet": _knet, "mlx": _mlx, "onnx": _onnx}[dialect](
        problem
    )


def _kind(problem: Problem) -> str:
    return "conv_transpose" if problem.transposed else "conv"


def _even(problem: Problem) -> bool:
    return all(lo == hi for lo, hi in problem.pad)


def _is_same(problem: Problem) -> bool:
    """Whether the padding is what TensorFlow calls SAME."""
    if problem.transposed:
        sides = zip(problem.kernel, problem.stride, problem.pad)
        return all(pad == ((k - s) // 2, k - s - (k - s) // 2) for k, s, pad in sides)
    for n, k, s, d, pad in zip(
        problem.size, problem.kernel, problem.stride, problem.dilation, problem.pad
    ):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        if pad != (total // 2, total - total // 2):
            return False
    return True


def _tf(problem: Problem) -> Words | None:
    rank, depthwise = problem.rank, problem.groups == problem.c > 1
    last, taps = (0, *range(2, rank + 2), 1), tuple(range(2, rank + 2))
    padding: Any = "SAME" if _is_same(problem) else "VALID"
    if padding == "VALID" and any(map(any, problem.pad)):
        if rank != 2 or problem.transposed:
            return None
        padding = [(0, 0), *problem.pad, (0, 0)]
    if problem.transposed:
        options = {"strides": problem.stride, "padding": padding}
        name = f"tf.nn.conv{rank}d_transpose"
        return Words(name, "conv_transpose", options, last, (*taps, 1, 0))
    if depthwise:
        if rank != 2:
            return None
        options = {"strides": (1, *problem.stride, 1), "padding": padding}
        options |= {"dilations": problem.dilation}
        return Words("tf.nn.depthwise_conv2d", "depthwise_conv", options, last, (*taps, 0, 1))
    stride = {"stride": problem.stride[0]} if rank == 1 else {"strides": problem.stride}
    if rank == 3:
        stride = {"strides": (1, *problem.stride, 1)}
    dilations = (1, *problem.dilation, 1) if rank == 3 else problem.dilation
    options = {**stride, "padding": padding, "dilations": dilations}
    return Words(f"tf.nn.conv{rank}d", "conv", options, last, (*taps, 1, 0))


def _pytorch(problem: Problem) -> Words | None:
    if not _even(problem):
        return None
    options = {"stride": problem.stride, "padding": tuple(lo for lo, _ in problem.pad)}
    options |= {"dilation": problem.dilation, "groups": problem.groups}
    kept = tuple(range(problem.rank + 2))
    middle = "_transpose" if problem.transposed else ""
    name = f"torch.nn.functional.conv{middle}{problem.rank}d"
    return Words(name, _kind(problem), options, kept, kept)


def _knet(problem: Problem) -> Words | None:
    """Julia's axes and memory run backwards; the kernel is flipped by default."""
    if not _even(problem):
        return None
    backwards = tuple(range(problem.rank + 2))[::-1]
    options: dict[str, Any] = {"padding": tuple(lo for lo, _ in problem.pad[::-1])}
    options |= {"stride": problem.stride[::-1], "dilation": problem.dilation[::-1]}
    options["group"] = problem.groups
    name = "knet.deconv4" if problem.transposed else "knet.conv4"
    return Words(name, _kind(problem), options, backwards, backwards, True, True)


def _mlx(problem: Problem) -> Words | None:
    rank = problem.rank
    last = (0, *range(2, rank + 2), 1)
    even: Any = tuple(lo for lo, _ in problem.pad)
    stride, dilation = problem.stride, problem.dilation
    if rank == 1:
        even, stride, dilation = even[0], stride[0], dilation[0]
    options: dict[str, Any] = {"stride": stride, "groups": problem.groups}
    if problem.transposed:
        options |= {"padding": even}
        name = f"mlx.core.conv_transpose{rank}d"
        return Words(name, "conv_transpose", options, last, (1, *range(2, rank + 2), 0))
    name = f"mlx.core.conv{rank}d" if _even(problem) else "mlx.core.conv_general"
    if _even(problem):
        options |= {"padding": even, "dilation": dilation}
    else:
        options |= {"padding": tuple(map(list, zip(*problem.pad)))}
        options |= {"kernel_dilation": problem.dilation}
    return Words(name, "conv", options, last, last)


def _onnx(problem: Problem) -> Words:
    kept = tuple(range(problem.rank + 2))
    pads = (*(lo for lo, _ in problem.pad), *(hi for _, hi in problem.pad))
    options = {"strides": problem.stride, "pads": pads, "group": problem.groups}
    options |= {"dilations": problem.dilation}
    name = "onnx.ConvTranspose" if problem.transposed else "onnx.Conv"
    return Words(name, _kind(problem), options, kept, kept)


@dataclass(frozen=True)
class Arrays:
    """x ``n c ...`` and w ``o i ...``, or ``c o ...`` of a transposed convolution; contiguous."""

    x: Tensor
    w: Tensor


def arrays(problem: Problem, batch: int, device: str = "cpu", integers: bool = False) -> Arrays:
    """Random numbers, of random signs."""

    def drawn(*shape: int) -> Tensor:
        if integers:
            return torch.randint(-4, 5, shape, device=device).float()
        return torch.randn(shape, device=device)

    inner = problem.c // problem.groups
    channels = (problem.c, problem.o) if problem.transposed else (problem.o, inner)
    return Arrays(drawn(batch, problem.c, *problem.size), drawn(*channels, *problem.kernel))


def native(told: Words, role: str, a: Tensor) -> Tensor:
    """An array in the framework's layout, in new memory as the framework's own would hold it."""
    order = told.x if role == "x" else told.w
    if told.flipped and role == "w":
        a = a.flip(tuple(range(2, a.ndim)))
    if told.reversed_memory:
        return _new(a).permute(order)
    return _new(a.permute(order))


def _new(a: Tensor) -> Tensor:
    """A copy, row by row: ``contiguous`` keeps any strides along axes of size 1."""
    return a.clone(memory_format=torch.contiguous_format)


def canonical(told: Words, y: Tensor) -> Tensor:
    """y as ``n o ...``."""
    return y.permute(_inverse(told.x))


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(order.index(i) for i in range(len(order)))


def _options(told: Words, problem: Problem, batch: int) -> dict[str, Any]:
    if told.function.startswith("tf.") and problem.transposed:
        return {**told.options, "output_shape": (batch, *problem.output, problem.o)}
    return told.options


def functional(told: Words, problem: Problem, x: Tensor, w: Tensor) -> Callable[[], Tensor]:
    """uniconv's function of this kind, on native arrays."""
    function, options = getattr(uniconv, told.kind), _options(told, problem, len(x))
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
    return lambda: function(x, w, dialect=told.function, **options)


def bound(told: Words, problem: Problem, x: Tensor, w: Tensor) -> Callable[[], Tensor]:
    """The same by a bound kernel."""
    run = uniconv.bind(w, dialect=told.function, kind=told.kind, **_options(told, problem, len(x)))
    return lambda: run(x)


def layer(told: Words, problem: Problem, batch: int, w: Tensor) -> torch.nn.Module:
    """The same by a layer that holds w."""
    options = _options(told, problem, batch)
    rest = {"dialect": told.function, "bias": False, **options}
    made: torch.nn.Module
    if told.kind == "depthwise_conv":
        made = nn.DepthwiseConv(problem.c, problem.kernel, **rest)
    else:
        kind = nn.ConvTranspose if problem.transposed else nn.Conv
        made = kind(problem.c, problem.o, problem.kernel, **rest)
    made.load_state_dict({"kernel": w.contiguous()})
    return made.to(w.device)


def by_hand(told: Words, problem: Problem) -> Callable[[Tensor, Tensor], Tensor]:
    """What one writes on torch for arrays in that layout: permute, pad, convolve, permute back."""
    enter, leave, kernel = _inverse(told.x), told.x, _inverse(told.w)
    flips = tuple(i for i, a in enumerate(told.w) if a >= 2) if told.flipped else ()
    convolve = on_torch(problem)

    def run(x: Tensor, w: Tensor) -> Tensor:
        w = w.flip(flips) if flips else w
        return convolve(x.permute(enter), w.permute(kernel)).permute(leave)

    return run


def on_torch(problem: Problem) -> Callable[[Tensor, Tensor], Tensor]:
    """Torch's own op on ``n c ...`` and ``o i ...``, x padded before where the pads are uneven."""
    op = (TRANSPOSED if problem.transposed else CONV)[problem.rank - 1]
    stride, dilation, groups = problem.stride, problem.dilation, problem.groups
    pads = [p for pair in problem.pad[::-1] for p in pair]
    even = tuple(lo for lo, _ in problem.pad)
    if problem.transposed:
        return lambda x, w: op(x, w, None, stride, even, 0, groups, dilation)
    if _even(problem):
        return lambda x, w: op(x, w, None, stride, even, dilation, groups)
    return lambda x, w: op(F.pad(x, pads), w, None, stride, 0, dilation, groups)


def exact(problem: Problem, given: Arrays) -> tuple[Tensor, Tensor]:
    """y in float64, and the bound of its rounding: 2 sqrt(K) u conv(|x|, |w|)."""
    convolve = on_torch(problem)
    x, w = given.x.double(), given.w.double()
    return convolve(x, w), 2 * problem.terms**0.5 * 2.0**-24 * convolve(x.abs(), w.abs())


def error(y: Tensor, exactly: tuple[Tensor, Tensor]) -> float:
    """How far y is from the exact sum, in units of the bound."""
    want, bound = exactly
    off = (y.detach().double() - want).abs()
    return float((off / bound.clamp_min(1e-300)).max()) if off.any() else 0.0

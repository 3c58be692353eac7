"""What executes a record: torch's op with its arguments, and when another op may take its place."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

Operation = Callable[..., Tensor]


class Runner(NamedTuple):
    """op(on_x(x), on_w(w), bias, *args): kept apart, so that a caller saves the Python frames.

    A plan calls torch's op itself where nothing else is to be done: in a small call each frame of
    Python counts.  on_x, on_w: None where nothing is done to the array.
    """

    op: Operation
    args: tuple[Any, ...] = ()
    on_x: Callable[[Any], Tensor] | None = None
    on_w: Callable[[Any], Tensor] | None = None

    def __call__(self, x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
        """y of x, w and a bias or None."""
        op, args, on_x, on_w = self
        x = x if on_x is None else on_x(x)
        return op(x, w if on_w is None else on_w(w), bias, *args)


class Memory(Enum):
    """In which order memory holds the kernel ``o i ...`` (``c m ...``), as far as that matters."""

    CHANNELS_LAST = "taps, i, o"  # TensorFlow, Keras, JAX
    TAPS_BETWEEN = "o, taps, i"  # MLX, LiteRT, and kernels stored beside channels-last images
    OUTPUT_FIRST = "m, taps, c"  # MLX's transposed kernels
    OTHER = "another"


_KINDS = (Tensor, nn.Parameter)

# Bound here, since a small call spends a tenth of its time on these questions.
_level_of_transforms = torch._C._functorch.maybe_current_level
_count_of_modes = torch._C._len_torch_dispatch_stack
_tracing_state = torch._C._get_tracing_state
_is_autocast_enabled = torch.is_autocast_enabled


def is_eager() -> bool:
    """Whether torch computes now and here, so that an op may be chosen by what arrays are like.

    Not under autocast, torch.func, a trace or a mode, which each expect torch's own op.
    """
    return (
        _level_of_transforms() is None
        and _count_of_modes() == 0
        and _tracing_state() is None
        and not _is_autocast_enabled("cpu")
    )


def is_on_cpu(a: Tensor | None, dtype: torch.dtype) -> bool:
    """Whether it is an ordinary tensor (or none) of this dtype in the CPU's memory."""
    return a is None or (type(a) in _KINDS and a.dtype is dtype and a.is_cpu)


def takes_gradients(*arrays: Tensor | None) -> bool:
    """Whether something will be differentiated by one of them."""
    return torch.is_grad_enabled() and any(a is not None and a.requires_grad for a in arrays)

"""What executes a record: torch's op with its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor


class Runner(NamedTuple):
    """op(x, w, bias, *args): kept apart, so that a caller saves the Python frame in between.

    A plan calls torch's op itself where nothing else is to be done: in a small call each frame of
    Python counts.
    """

    op: Callable[..., Tensor]
    args: tuple[Any, ...] = ()

    def __call__(self, x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
        """y of x, w and a bias or None."""
        return self.op(x, w, bias, *self.args)


Operation = Callable[..., Tensor]


Packing = Callable[[Operation], Operation]

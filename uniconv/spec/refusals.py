"""Refusals: what a framework takes option by option, yet refuses (or gets wrong) together.

The conditions here serve several frameworks; one that serves a single framework stands in its file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import signature

from uniconv.spec.rules import CallContext
from uniconv.spec.values import integers

__all__ = [
    "Refusal",
    "centre_outside_the_kernel",
    "entries",
    "neither_inside_the_other",
    "output_beyond_the_whole",
    "output_padding_reaches_stride",
    "reflection_past_the_edge",
    "strided_and_dilated",
    "two_kinds_of_groups",
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A combination of options and shapes that the framework refuses, or computes wrongly.

    when: a function that tells whether a call is one.  Its first parameter is the call as it was
    read; each further one bears the name of an option and gets that option's value.
    options: the options that the message shows, where they are not left at their defaults.
    reads: the options that ``when`` names, in its order.
    """

    when: Callable[..., bool]
    options: tuple[str, ...]
    reason: str
    source: str
    reads: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "reads", tuple(signature(self.when).parameters)[1:])

    def holds(self, call: CallContext) -> bool:
        """Whether the call is such a combination."""
        return self.when(call, **{option: call.options[option] for option in self.reads})


def entries(value: object) -> int:
    """How many integers a list holds; 0 for what is no list of integers."""
    return len(integers(value) or ())


def strided_and_dilated(call: CallContext) -> bool:
    """Whether some axis has a stride, and some axis a dilation, above 1."""
    return max(call.stride, default=1) > 1 and max(call.dilation, default=1) > 1


def output_padding_reaches_stride(call: CallContext) -> bool:
    """Whether the output padding of an axis is not below its stride."""
    return any((n or 0) >= s for n, s in zip(call.output_padding, call.stride))


def output_beyond_the_whole(call: CallContext) -> bool:
    """Whether the output shape of a transposed call asks for more than its whole result."""
    return any(
        a.output_size is not None and a.whole + (a.output_padding or 0) < a.output_size
        for a in call.axes
    )


def reflection_past_the_edge(call: CallContext) -> bool:
    """Whether a reflected border would be as long as x, or longer."""
    return call.boundary == "reflect" and any(
        max(p) >= n for p, n in zip(call.pad, call.sizes.size)
    )


def centre_outside_the_kernel(call: CallContext) -> bool:
    """Whether the tap that lies on the pixels is none of the kernel's."""
    return any(min(p) < 0 for p in call.pad)


def neither_inside_the_other(call: CallContext) -> bool:
    """Whether x is the larger along one axis and w along another."""
    pairs = list(zip(call.sizes.size, call.sizes.kernel))
    return any(n < k for n, k in pairs) and any(n > k for n, k in pairs)


def two_kinds_of_groups(
    call: CallContext, feature_group_count: int, batch_group_count: int
) -> bool:
    """Whether channels and batch are both split into groups, in XLA's options."""
    return feature_group_count > 1 and batch_group_count > 1

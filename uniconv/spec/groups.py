"""Group rules: where a function's group count comes from.

The record has one group count.  A function takes it as an option, or it follows from an axis of the
kernel or from the channels; a rule reads it, and says it again in another function's words.

x of 8 channels in 4 groups, for example, meets a kernel "o i ..." of i = 2: an option says 4
(``Count``), or it is c / i = 8 / 2 (``ByChannels``).  A kernel "c m ..." of a transposed
convolution has all c = 8 and does not say it; an output shape of 12 channels beside m = 3 does,
12 / 3 (``ByOutput``); nor need a kernel with an axis g = 4 (``ByAxis``) any option.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from uniconv._canonical.layout import Layout
from uniconv.errors import BadShape
from uniconv.spec.rules import CallContext, Rule
from uniconv.spec.values import integer

__all__ = [
    "BY_AXIS",
    "BY_CHANNELS",
    "BY_OUTPUT",
    "DEPTHWISE",
    "UNGROUPED",
    "Channels",
    "Count",
    "Groups",
]


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels of x, those of the kernel by letter, and those that output_shape says.

    text: how both arrays were read, for messages.
    """

    c: int
    kernel: Mapping[str, int]
    output: int | None
    text: str

    @property
    def per_group(self) -> int | None:
        """The input channels of one group; None where the kernel has an axis for all of them."""
        return self.kernel.get("i")

    def bad(self, must: str) -> BadShape:
        """The error: how both arrays were read, and what must hold."""
        return BadShape(f"{self.text}{must}")


class Groups(Rule):
    """Where the group count comes from."""

    __slots__ = ()
    text: str  # the same in words
    each_channel = False  # whether every channel is a group of its own

    def count(self, channels: Channels, call: CallContext) -> int:
        """The group count of a call; BadShape where the channels of x do not fit it."""
        raise NotImplementedError

    def of_kernel(self, kernel: Mapping[str, int], call: CallContext) -> int:
        """The group count as far as the kernel and the options say it; 1 where x must."""
        raise NotImplementedError

    def splits(self, letters: Collection[str]) -> bool:
        """Whether a kernel with these axes can have several groups."""
        return True

    def shape_says(self, letters: Collection[str]) -> bool:
        """Whether the shape of a kernel with these axes says its groups, and no option does."""
        return "g" in letters


@dataclass(frozen=True, slots=True)
class Count(Groups):
    """One integer of at least 1, which an option says."""

    option: str
    default: Any = 1
    takes = "an integer of at least 1"

    def plainest(self, layout: Layout, rank: int) -> Any:
        return 1

    @property
    def text(self) -> str:  # type: ignore[override]
        return f"option {self.option}"

    def read(self, value: object, facts: CallContext) -> int:
        count = integer(value)
        if count is None or count < 1:
            raise facts.bad(self.option, value, "must be an integer of at least 1")
        return count

    def write(self, value: int, facts: CallContext) -> int:
        return value

    def count(self, channels: Channels, call: CallContext) -> int:
        """The option's number; BadShape where c is not i times it."""
        groups: int = self.of(call)
        # Said in the option's own name here; without an axis i, the checks of read_groups do.
        i = channels.per_group
        if i is not None and channels.c != i * groups:
            must = f"c must be i * {self.option} = {i * groups}"
            if channels.c % i == 0:
                must += f", or {self.option} {channels.c // i}"
            raise channels.bad(f", {self.option} = {groups}; {must}")
        return groups

    def of_kernel(self, kernel: Mapping[str, int], call: CallContext) -> int:
        """The option's number: it needs no x."""
        return self.of(call)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Implied(Groups):
    """A group count that no option says: the size of the kernel's axis g, where it has one."""

    option = None
    text = "none"

    def count(self, channels: Channels, call: CallContext) -> int:
        return channels.kernel["g"] if "g" in channels.kernel else self.implied(channels)

    def implied(self, channels: Channels) -> int:
        """The count where the kernel has no axis g."""
        return 1

    def of_kernel(self, kernel: Mapping[str, int], call: CallContext) -> int:
        return kernel.get("g", 1)

    def says(self, value: Any, call: CallContext) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class ByChannels(Implied):
    """The channels of x over the input channels of the kernel."""

    text = "the channels of x over the input channels of w"

    def implied(self, channels: Channels) -> int:
        # A kernel "c m ..." says all channels itself, which makes one group of c / c.
        i = channels.per_group
        size = channels.kernel["c"] if i is None else i
        if not size or channels.c % size:
            raise channels.bad("; c must be a multiple of i")
        return channels.c // size

    def shape_says(self, letters: Collection[str]) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class ByOutput(Implied):
    """The channels of an output shape over the output channels of one group of the kernel."""

    text = "the channels of output_shape over the output channels of w"

    def implied(self, channels: Channels) -> int:
        # Without an output shape, or with one of fewer channels than m, it is one group; that the
        # channels then do not fit is said by the checks that follow (kernel.read_groups).
        return max((channels.output or 0) // max(channels.kernel.get("m", 1), 1), 1)

    def shape_says(self, letters: Collection[str]) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class ByAxis(Implied):
    """The size of the kernel's axis g, in the layouts that have one; else 1."""

    text = "an axis of w, in the layouts that have one"

    def splits(self, letters: Collection[str]) -> bool:
        return "g" in letters

    def says(self, value: Any, call: CallContext) -> dict[str, Any]:
        return _only(value == 1 or "g" in call.layout.w.split(), "it has no groups", value, call)


@dataclass(frozen=True, slots=True)
class EachChannel(Implied):
    """Every channel of x is a group of its own."""

    text = "every channel is a group of its own"
    each_channel = True

    def implied(self, channels: Channels) -> int:
        return channels.c

    def of_kernel(self, kernel: Mapping[str, int], call: CallContext) -> int:
        # The kernel of such a function has an axis of all channels, "c m ...".
        return kernel.get("c", 1)

    def says(self, value: Any, call: CallContext) -> dict[str, Any]:
        return _only(value == call.sizes.c, "every channel is its own group", value, call)


@dataclass(frozen=True, slots=True)
class One(Implied):
    """All channels are one group."""

    def splits(self, letters: Collection[str]) -> bool:
        """Never: all channels are in one group."""
        return False

    def says(self, value: Any, call: CallContext) -> dict[str, Any]:
        return _only(value == 1, "it has no groups", value, call)


def _only(fits: bool, must: str, groups: int, call: CallContext) -> dict[str, Any]:
    """No options where they need say nothing; CannotExpress where no option could."""
    if not fits:
        has = f"the call has {groups} for {call.sizes.c} channels"
        raise call.cannot("groups", f"{must}, {has}")
    return {}


# Where the group count comes from, when no option says it.
BY_CHANNELS = ByChannels()
DEPTHWISE = EachChannel()
BY_OUTPUT = ByOutput()
BY_AXIS = ByAxis()
UNGROUPED = One()

"""Array layouts as einops patterns: which axis of x, w and y is which.

Letters: n batch, c input channels, o output channels, g groups, i input channels of one group, m
output channels of one group, ``...`` the spatial axes, in the same order on x, w and y.
So c = g * i and o = g * m: "o i ..." is a convolution's kernel, "c m ..." that of a
transposed or a depthwise convolution.  A letter that a pattern lacks has size 1.  Spatial axes that
are not in a row are spelled out: "s0 n s1 c".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

_GROUPED = {"o": "(g m)", "c": "(g i)"}


_UNGROUPED = {"m": "o", "i": "c"}

# As many spatial axes as an array can have: NumPy's 64 less those of batch and channels.
EVERY_RANK = range(63)


class Letters(NamedTuple):
    """What each axis of x, w and y is, by letter: n s0 s1 c."""

    x: tuple[str, ...]
    w: tuple[str, ...]
    y: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The patterns of x, w and y, and for how many spatial axes they hold, increasing."""

    x: str
    w: str
    y: str
    ranks: Sequence[int] = (1, 2, 3)

    @property
    def column_major(self) -> bool:
        """Whether memory runs backwards, as in Julia: the batch is the last axis."""
        return self.x.endswith("n")

    def letters(self, rank: int) -> Letters:
        """The letters of the three arrays where there are so many spatial axes."""
        return Letters(axes(self.x, rank), axes(self.w, rank), axes(self.y, rank))


@lru_cache(maxsize=1024)  # few patterns and ranks, asked for at every step of a call
def axes(pattern: str, rank: int) -> tuple[str, ...]:
    """The letters of a pattern with its spatial axes spelled out: "n ... c" -> n s0 s1 c."""
    spelled = " ".join(f"s{i}" for i in range(rank))
    return tuple(pattern.replace("...", spelled).split())


def rank_of(pattern: str, ndim: int) -> int:
    """How many spatial axes an array of ``ndim`` axes has under this pattern; -1 if none fits."""
    letters = pattern.split()
    if "..." in letters:
        return ndim - len(letters) + 1
    return sum(a[0] == "s" for a in letters) if len(letters) == ndim else -1


def kernel_rank(layout: Layout, ndim: int) -> int:
    """How many spatial axes a kernel of ``ndim`` axes stands for; -1 if its pattern does not fit.

    A kernel may lack spatial axes, along which it then has size 1.
    """
    letters = layout.w.split()
    if "..." in letters:
        return rank_of(layout.w, ndim)
    return layout.ranks[0] if len(letters) == ndim else -1


def order(src: Sequence[str], dst: Sequence[str]) -> tuple[int, ...]:
    """The permutation that takes an array with axes ``src`` to axes ``dst``."""
    return tuple(src.index(a) for a in dst)


def arrange(pattern: str, values: dict[str, int], spatial: Sequence[int]) -> tuple[int, ...]:
    """A native shape: the letters of the pattern replaced by their sizes."""
    named = values | {f"s{i}": n for i, n in enumerate(spatial)}
    return tuple(named[a] for a in axes(pattern, len(spatial)))


def kernel_order(src: Sequence[str], dst: Sequence[str], groups: int) -> tuple[int, ...] | None:
    """The permutation from one kernel layout to another; None where groups must be split."""
    if groups == 1:
        src, dst = ([_UNGROUPED.get(a, a) for a in letters] for letters in (src, dst))
    return order(src, dst) if set(dst) == set(src) else None


def regrouping(src: Sequence[str], dst: Sequence[str]) -> str:
    """The einops pattern from one kernel layout to another, with the groups g split and merged.

    Channels that one of them leaves out have size 1 in the other.
    """
    kin = {a: f for f in ("om", "ic") for a in f}

    def spelled(letters: Sequence[str], others: Sequence[str]) -> str:
        known = {kin.get(b, b) for b in others}
        lasting = {a for a in letters if kin.get(a, a) in known}
        if "g" in letters and ("g" in others or known & {kin[a] for a in letters if a in kin}):
            lasting.add("g")  # which the channels of the other side are split into
        return " ".join(_GROUPED.get(a, a) if a in lasting else "1" for a in letters)

    return f"{spelled(src, dst)} -> {spelled(dst, src)}"


def completed(
    letters: tuple[str, ...], needed: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The axes with those of ``needed`` that no letter stands for; and these axes' sizes, 1."""
    kin = {"o": ("o", "m"), "m": ("o", "m"), "i": ("i", "c"), "c": ("i", "c")}
    lacking = tuple(a for a in needed if not set(kin.get(a, (a,))) & set(letters))
    return (*letters, *lacking), (1,) * len(lacking)

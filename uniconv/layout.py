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

_GROUPED = {"o": "(g m)", "c": "(g i)"}
_UNGROUPED = {"m": "o", "i": "c"}


@dataclass(frozen=True, slots=True)
class Layout:
    """The patterns of x, w and y, and for how many spatial axes they hold."""

    x: str
    w: str
    y: str
    ranks: tuple[int, ...] = (1, 2, 3)

    @property
    def column_major(self) -> bool:
        """Whether memory runs backwards, as in Julia: the batch is the last axis."""
        return self.x.endswith("n")


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


def dimension_numbers(x: str, w: str, y: str) -> Layout | None:
    """The layout that JAX spells as ("NHWC", "HWIO", "NHWC"); None where that is no layout.

    N and C of x and y, O and I of w; any other letters are spatial axes, in w's order.
    """
    spatial = [a for a in w if a not in "OI"]
    letters = {a: f"s{i}" for i, a in enumerate(spatial)}
    wanted = [(x, "NC"), (w, "OI"), (y, "NC")]
    if not spatial or any(sorted(s) != sorted([*letters, *own]) for s, own in wanted):
        return None
    if len(letters) != len(spatial) or {"N", "C"} & set(letters):
        return None
    named = ({"N": "n", "C": "c"}, {"O": "o", "I": "i"}, {"N": "n", "C": "o"})
    at = [" ".join((own | letters)[a] for a in s) for s, own in zip((x, w, y), named)]
    return Layout(at[0], at[1], at[2], ranks=(len(spatial),))


def numbered_dimensions(x: Sequence[str], w: Sequence[str], y: Sequence[str]) -> Layout | None:
    """The layout that StableHLO spells as b0f x 0io -> b0f; None where that is no layout.

    b and f of x and y, o and i of w; the spatial axes are numbered, in the order of the options.
    """
    rank = len(x) - 2
    spatial = {str(i): f"s{i}" for i in range(rank)}
    named = (
        {"b": "n", "f": "c"} | spatial,
        {"o": "o", "i": "i"} | spatial,
        {"b": "n", "f": "o"} | spatial,
    )
    if rank not in (1, 2, 3) or any(sorted(s) != sorted(n) for s, n in zip((x, w, y), named)):
        return None
    at = [" ".join(n[a] for a in s) for s, n in zip((x, w, y), named)]
    return Layout(at[0], at[1], at[2], ranks=(rank,))


def labelled(data: str, weights: str | None, channels: str, grouped: str) -> Layout | None:
    """The layout that MATLAB labels as SSCB and SSCU; None where that is no layout.

    S spatial axes; T one of time, convolved over where the weights have it; C and B of data;
    C and U of weights, with a second U for groups: the letters in ``channels`` or ``grouped``.
    """
    along = "ST" if "T" in (weights or "") else "S"
    rank = sum(data.count(a) for a in along)
    weights = "S" * rank + "CU" if weights is None else weights
    used = channels if weights.count("U") == 1 else grouped
    spatial = "".join(sorted(a for a in data if a in along))
    wanted = [sorted(f"{spatial}C"), sorted(f"{spatial}CB")], [sorted(spatial + "CUU"[: len(used)])]
    found = sorted(data), sorted(weights)
    if (
        rank not in (1, 2, 3)
        or data.count("T") > 1
        or any(f not in w for f, w in zip(found, wanted))
    ):
        return None

    def pattern(labels: str, own: dict[str, str]) -> str:
        left = {a: iter(own[a]) for a in own} | {"S": map(str, range(rank))}
        named = (f"s{rank - 1}" if a == "T" else next(left[a]) for a in labels)
        return " ".join(f"s{a}" if a.isdigit() else a for a in named)

    x, y = (pattern(data, {"C": c, "B": "n"}) for c in "co")
    return Layout(x, pattern(weights, {"C": used[0], "U": used[1:]}), y, ranks=(rank,))


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
        lasting = {a for a in letters if a == "g" or kin.get(a, a) in known}
        return " ".join(_GROUPED.get(a, a) if a in lasting else "1" for a in letters)

    return f"{spelled(src, dst)} -> {spelled(dst, src)}"

"""The steps that take arrays from a function's axes to torch's, and y back.

An array's axes are told by letter, ``n s0 s1 c`` (``layout``); torch's are ``n c`` and the spatial
axes in the order ``spatial``, which need not be s0 s1.  ``batch`` has the native batch axes' sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from uniconv._canonical.layout import completed, kernel_order, order, regrouping
from uniconv._canonical.steps import (
    AddAxes,
    BatchGroups,
    DropAxis,
    Ints,
    Merge,
    Permute,
    Regroup,
    Split,
    Step,
)

Names = tuple[str, ...]


def permuted(on: str, src: Sequence[str], dst: Sequence[str]) -> tuple[Step, ...]:
    """The step that takes an array of axes ``src`` to ``dst``; none where they are in order."""
    return _in_order(on, order(src, dst), src, dst)


def _in_order(on: str, moved: Ints, src: Sequence[str], dst: Sequence[str]) -> tuple[Step, ...]:
    known = moved == tuple(range(len(moved)))
    return () if known else (Permute(on, moved, _pattern(src), _pattern(dst)),)


def _pattern(letters: Sequence[str]) -> str:
    """The letters as a pattern of a layout: spatial axes in a row and in order as "..."."""
    spatial = [a for a in letters if a[0] == "s"]
    text, row = " ".join(letters), " ".join(sorted(spatial))
    return text.replace(row, "...") if row else text


def entry(letters: Names, spatial: Names, batch: Ints, parts: int) -> tuple[Step, ...]:
    """From the native x: its batch axes as one, its channels second; parts: ``batch_groups``."""
    # The order matters: a missing channel axis is added last; then the batch axes, which are
    # neighbours, become one; then the permutation counts on one axis for each letter.
    letters, lacking = completed(_present(letters, batch), ("c",))
    steps: tuple[Step, ...] = (AddAxes("x", len(lacking)),) if lacking else ()
    if len(batch) > 1:
        steps += (Merge("x", letters.index("n"), len(batch)),)
    steps += permuted("x", letters, (*_head(batch), "c", *spatial))
    return (*steps, BatchGroups("x", parts)) if parts > 1 else steps


def kernel_steps(native: Names, letters: Names, sizes: Mapping[str, int]) -> tuple[Step, ...]:
    """From the native kernel to ``letters``: one permutation, unless groups are split or merged.

    sizes: those of g, i, m and of the spatial axes, by letter.
    """
    # Groups are an axis of their own only in some kernels: elsewhere they are a part of o or c.
    parted = tuple(a for a in letters if a != "g") if {"o", "c"} & set(native) else letters
    src, lacking = completed(native, parted)
    steps: tuple[Step, ...] = (AddAxes("w", len(lacking)),) if lacking else ()
    # A permutation does where w's letters are those wanted, or where there is one group, so that i
    # is c and m is o.  "g m i" to "o i" is not one: o = (g m) are two axes made one, which is left
    # to einops.
    moved = kernel_order(src, letters, sizes["g"])
    if moved is None:
        return (*steps, Regroup("w", regrouping(src, letters), tuple(sizes.items())))
    return (*steps, *_in_order("w", moved, src, letters))


def leave(letters: Names, spatial: Names, batch: Ints) -> tuple[Step, ...]:
    """To the native y, its batch axes as they were."""
    letters, lacking = completed(_present(letters, batch), ("o",))
    steps = permuted("y", (*_head(batch), "o", *spatial), letters)
    if len(batch) > 1:
        steps += (Split("y", letters.index("n"), batch),)
    return (*steps, DropAxis("y")) if lacking else steps


def _present(letters: Names, batch: Ints) -> Names:
    """The letters without n where there is no batch, which a pattern names all the same."""
    return tuple(a for a in letters if a != "n" or batch)


def _head(batch: Ints) -> Names:
    """The letters before the channels: torch takes x without a batch axis, too."""
    return ("n",) if batch else ()

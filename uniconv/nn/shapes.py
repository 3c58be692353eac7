"""Shapes of kernels, and what is said of one that does not fit."""

from __future__ import annotations

from uniconv._canonical.layout import axes
from uniconv._canonical.record import Shape
from uniconv._messages import show, show_shape

__all__ = ["unfit"]


def unfit(name: str, saved: str, pattern: str, shape: Shape, must: Shape) -> str:
    """What was loaded, how it was read, what must hold, and a layout that it would fit."""
    letters = axes(pattern, len(must) - len(pattern.split()) + 1)
    if len(shape) != len(letters):
        return (
            f"{name}: {saved} {show_shape(shape)} has {len(shape)} axes; read as {show(pattern)} "
            f"it must have {len(letters)}: {show_shape(must)}"
        )
    pairs = [(a, n, m) for a, n, m in zip(letters, shape, must) if n != m]
    got = ", ".join(f"{a} = {n}" for a, n, _ in pairs)
    required = ", ".join(f"{a} = {m}" for a, _, m in pairs)
    spatial = [a for a in letters if a[0] == "s"]
    channels = [a for a in letters if a[0] != "s"]
    sizes = dict(zip(letters, must))
    others = [
        (*order[:i], *spatial, *order[i:])
        for order in (channels, channels[::-1])
        for i in (0, len(channels), 1)
    ]
    fitting = [o for o in others if o != letters and tuple(sizes[a] for a in o) == shape]
    hint = "; it would fit as " + " or ".join(map(_dotted, fitting)) if fitting else ""
    read = f"{name}: {saved} {show_shape(shape)} read as {show(pattern)} has {got}"
    return f"{read}; it must have {required}{hint}"


def _dotted(letters: tuple[str, ...]) -> str:
    """A pattern with its spatial axes as the one ellipsis that they are."""
    words = ["..." if a == "s0" else a for a in letters if a[0] != "s" or a == "s0"]
    return show(" ".join(words))

"""A layer's constructor: its sizes, by position or word, and the function that it computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from uniconv._canonical.layout import axes
from uniconv._canonical.record import Shape
from uniconv._messages import either, show
from uniconv.errors import BadOption, BadShape
from uniconv.spec.op import Op
from uniconv.spec.registry import find, framework, main
from uniconv.spec.values import integer, integers

__all__ = ["count", "kernel_rank", "kernel_sizes", "layer_function", "named_sizes", "own_words"]

# A framework's own constructor words, where its layer has them, and the neutral ones.
_WORDS = {
    "filters": "out_channels",
    "features": "out_channels",
    "use_bias": "bias",
    "depth_multiplier": "multiplier",
}


def named_sizes(
    layer: str, names: Sequence[str], values: Sequence[Any], options: dict[str, Any]
) -> dict[str, Any]:
    """The sizes by their names; those that are named are taken out of the options."""
    by_word = {_WORDS[word] for word in _WORDS if word in options}
    left = [name for name in names if name not in options and name not in by_word]
    form = f"{layer}({', '.join(names)})"
    if len(values) > len(left):
        raise BadOption(f"{form} takes its other arguments by name; got {len(values)} positions")
    if missing := left[len(values) :]:
        hint = "; in_channels=None takes them from the first input"
        if len(values) == len(left) - 1 and left[0] == "in_channels":
            hint += f", as {layer}({', '.join(map(show, (None, *values)))})"
        are = "is" if len(missing) == 1 else "are"
        raise BadOption(f"{form}: {', '.join(missing)} {are} missing{hint}")
    sizes = dict(zip(left, values))
    return sizes | {n: options.pop(n) for n in (*names, "multiplier") if n in options}


def own_words(op: Op, sizes: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """The sizes, and whether there is a bias, that the options say in the framework's own words."""
    words: dict[str, Any] = {}
    for word, name in _WORDS.items():
        if word not in options or word not in op.constructor_words:
            continue
        if name in sizes:
            raise BadOption(f"{op.name}: {word} and {name} are one; give one of them")
        words[name] = options.pop(word)
    return words


def layer_function(dialect: str, kind: str, rank: int) -> Op:
    """The function that a module computes: a family means its layer where it has one."""
    known = framework(dialect)
    for op in known.functions if known else ():
        if op.kind == kind and rank in op.ranks and "kernel_size" in op.constructor_words:
            return op
    if known and rank not in known.main.get(kind, {rank: ""}):
        has = either(known.main[kind])
        raise BadShape(f"{known.name}: a {kind} has {has} spatial axes, not {rank}")
    # main() counts the axes of the kernel: one for each spatial axis, and those of the channels.
    ndim = rank + 2
    if known and kind in known.main:
        ndim = len(axes(find(known.main[kind][rank]).layouts[0].w, rank))
    return main(dialect, kind, ndim)


def kernel_rank(dialect: str, kernel_size: Any, rank: int | None) -> int:
    """The number of spatial axes: as the kernel size or ``rank`` says, or the one function has."""
    entries = integers(kernel_size)
    if integer(kernel_size) is None and entries is not None:
        return len(entries)
    if rank is not None:
        return rank
    if framework(dialect) is None:
        ranks = find(dialect).ranks
        if len(ranks) == 1:
            return ranks[0]
    return 2


def kernel_sizes(op: Op, word: str, value: Any, rank: int | None) -> Shape:
    """The kernel's size on every axis, from one number or one for each; the word names it."""
    one, entries = integer(value), integers(value)
    if one is not None:
        ranks = op.ranks
        rank = rank or (ranks[0] if len(ranks) == 1 else 2)
        entries = (one,) * rank
    if entries is None or min(entries, default=1) < 1 or (rank and len(entries) != rank):
        must = f"an integer or {rank or 'a list of'} integers of at least 1"
        raise BadOption(f"{op.name}: {word}={show(value)} must be {must}")
    if len(entries) not in op.ranks:
        raise BadOption(f"{op.name}: {word}={show(value)} must have {either(op.ranks)} entries")
    return entries


def count(op: Op, word: str, value: Any) -> int | None:
    """A number of channels, kernels or groups; None where it is not known yet."""
    whole = integer(value)
    if value is not None and (whole is None or whole < 1):
        raise BadOption(f"{op.name}: {word}={show(value)} must be an integer of at least 1")
    return whole

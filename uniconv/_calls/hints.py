"""Hints: how arrays whose shapes do not fit a call would, by one usual change of each.

A call that is refused for its shapes is lowered again with x or w as another framework lays them
out, with a batch or channel axis that was left out, and with x and w exchanged.  What is then
accepted is named as code, the first of each kind; nothing is changed by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from uniconv._calls.lower import lower
from uniconv._canonical.layout import axes, order
from uniconv._canonical.record import Shape
from uniconv._messages import show
from uniconv.errors import UniconvError
from uniconv.spec.op import Op

# How frameworks lay out x, and the kernels of each kind.
IMAGES = ("n c ...", "n ... c", "... c n")
KERNELS = {
    "conv": ("o i ...", "... i o", "o ... i"),
    "conv_transpose": ("c m ...", "... m c", "... c m", "c ... m"),
    "depthwise_conv": ("... c m", "c m ...", "m ... c"),
    "separable_conv": ("... c m", "c m ..."),
}


def would_fit(op: Op, options: Mapping[str, Any], shapes: tuple[Shape, ...]) -> str:
    """The end of a message: the changes with which the call is accepted; empty where there is none.

    >>> from uniconv.spec.registry import find
    >>> would_fit(find("torch.nn.functional.conv2d"), {}, ((1, 8, 8, 3), (4, 3, 3, 3)))
    '; it would fit as x.transpose(0, 3, 1, 2), if x is "n ... c" (permute for a tensor)'
    """
    fitting: list[str] = []
    for changes in _changes(op, options, shapes):
        fits = (words for words, changed in changes if _accepted(op, options, changed))
        first = next(fits, None)
        if first is not None:
            fitting.append(first)
    if not fitting and _accepted(op, options, (shapes[1], shapes[0], *shapes[2:])):
        fitting = ["with x and w exchanged"]
    if not fitting:
        return ""
    tensors = " (permute for a tensor)" if any("transpose" in words for words in fitting) else ""
    return f"; it would fit {', or '.join(fitting)}{tensors}"


def _accepted(op: Op, options: Mapping[str, Any], shapes: tuple[Shape, ...]) -> bool:
    try:
        lower(op, options, *shapes)
    except UniconvError:
        return False
    return True


def misread(op: Op, shapes: tuple[Shape, ...]) -> str:
    """Whether w looks like a small square kernel of another layout, and as read it is not square.

    The usual case is a first layer of three channels: a kernel of (3, 3, 3, 64) is 3 x 3 as
    "... i o", and 3 x 64 as "o i ...".
    """
    if op.kind != "conv" or len(op.layouts) != 1 or op.layouts[0].w != "o i ...":
        return ""
    w, rank = shapes[1], len(shapes[1]) - 2
    if rank < 2 or len(set(w[2:])) == 1 or len(set(w[:rank])) > 1 or w[0] > 7 or w[-2] != w[1]:
        return ""
    change = _transposed("w", "... i o", "o i ...", rank)
    as_read, otherwise = (" x ".join(map(str, sizes)) for sizes in (w[2:], w[:rank]))
    return (
        f'w {w} was read as "o i ...", with a kernel of {as_read}; if it is "... i o", its input '
        f"channels next to last, it is one of {otherwise}: give {change}"
    )


def _changes(
    op: Op, options: Mapping[str, Any], shapes: tuple[Shape, ...]
) -> Iterator[Iterator[tuple[str, tuple[Shape, ...]]]]:
    """For x's layout, w's, and an axis left out: each change in words, and the shapes after it."""
    x, w, *rest = shapes
    if op.layout.option and options.get(op.layout.option) is not None:
        return  # the call says its layout itself
    own = op.layouts[0]
    yield ((words, (new, w, *rest)) for words, new in _orders("x", x, own.x, IMAGES))
    kernels = _orders("w", w, own.w, KERNELS[op.kind])
    yield ((words, (x, new, *rest)) for words, new in kernels)
    first, last = own.x.split()[0], own.x.split()[-1]
    alone: list[tuple[str, tuple[Shape, ...]]] = []
    if first == "n":
        alone.append(("as x[None], with a batch of one", ((1, *x), w, *rest)))
    if last in "nc":
        what = "a batch of one" if last == "n" else "one channel"
        alone.append((f"as x[..., None], with {what}", ((*x, 1), w, *rest)))
    if (last, own.w.split()[-1]) == ("n", "o"):  # Julia's, without its last axes
        words = "as x[..., None] and w[..., None], one image and one output channel"
        alone.append((words, ((*x, 1), (*w, 1), *rest)))
    yield iter(alone)


def _orders(
    name: str, shape: Shape, own: str, others: Iterable[str]
) -> Iterator[tuple[str, Shape]]:
    """An array read by the usual patterns, and brought to the function's own."""
    for other in others:
        changed = _moved(shape, other, own)
        if other != own and changed:
            rank = len(shape) - len(own.split()) + 1
            yield _as(name, other, own, rank), changed


def _moved(shape: Shape, src: str, dst: str) -> Shape | None:
    """The shape after its axes went from one pattern to the other, where both have its letters."""
    rank = len(shape) - (len(src.split()) - 1)
    if rank < 1 or sorted(src.split()) != sorted(dst.split()):
        return None
    return tuple(shape[i] for i in order(axes(src, rank), axes(dst, rank)))


def _as(name: str, src: str, dst: str, rank: int) -> str:
    return f"as {_transposed(name, src, dst, rank)}, if {name} is {show(src)}"


def _transposed(name: str, src: str, dst: str, rank: int) -> str:
    places = ", ".join(map(str, order(axes(src, rank), axes(dst, rank))))
    return f"{name}.transpose({places})"

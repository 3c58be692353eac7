"""same_pads: the SAME padding of a framework, as numbers."""

from __future__ import annotations

from collections.abc import Sequence

from uniconv._canonical.record import Pairs
from uniconv._messages import show, suggest
from uniconv.errors import BadOption, UnknownName, from_one_frame
from uniconv.spec.op import Op
from uniconv.spec.registry import usual
from uniconv.spec.values import integer, integers
from uniconv.spec.words import Axis, Word
from uniconv.typing import Dialect

Sizes = int | Sequence[int]


@from_one_frame
def same_pads(
    size: Sizes,
    kernel: Sizes,
    stride: Sizes = 1,
    dilation: Sizes = 1,
    *,
    dialect: Dialect = "tf",
    word: str | None = None,
) -> Pairs:
    """What a framework's SAME pads, as pairs (before, after) in pixels, one per spatial axis.

    "Same" is not one rule: frameworks differ in how much they pad where the stride is above 1, and
    in the side that the odd pixel goes to.

    Args:
        size, kernel, stride, dilation: an integer for all axes, or one per axis; the number of axes
            is that of the longest.
        dialect: a convolution ("tf.nn.conv2d", "flax.linen.Conv") or a family ("tf", "jax"), which
            means its main function.
        word: which of its words, where it has several ("SAME_LOWER"); by default SAME.

    Raises:
        UnknownName: no such function, or one without a word for SAME.
        BadOption: no such word, or sizes that are no integers of at least 1 (size: 0) or whose
            lengths differ.

    TensorFlow pads the end of 224 pixels under a kernel of 3 and stride 2; PyTorch's ``padding=1``
    would read one pixel further left:

    >>> same_pads(224, 3, 2)
    ((0, 1),)
    >>> same_pads((224, 7), (3, 4), 2, dialect="onnx", word="SAME_LOWER")
    ((1, 0), (2, 1))
    >>> same_pads(7, 4, dialect="pytorch"), same_pads(7, 4, dialect="theano")
    (((1, 2),), ((2, 2),))

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """
    op = _function(dialect)
    name, pads = _word(op, word)
    counts = {"size": size, "kernel": kernel, "stride": stride, "dilation": dilation}
    rank = max([1, *(len(v) for v in counts.values() if not isinstance(v, int))])
    each = {n: _each(n, v, rank, least=0 if n == "size" else 1) for n, v in counts.items()}
    pad = op.padding
    if not pad.dilates(name):
        each["dilation"] = (1,) * rank
    along = zip(each["size"], each["kernel"], each["dilation"], each["stride"])
    return tuple(pads(Axis(*numbers)) for numbers in along)


def _function(dialect: str) -> Op:
    op = usual(dialect, "conv")
    if op.kind == "conv_transpose":
        raise UnknownName(
            f"{op.name} is a transposed convolution: its words crop; "
            f"uniconv.explain shows what they cut off"
        )
    return op


def _words(op: Op) -> dict[str, Word]:
    """Every padding word, and what it does; of a word that another option reads, its default."""
    each = ((name, words[0]) for name, words in op.padding.named_words())
    return {name: word for name, word in each if isinstance(name, str) and callable(word)}


def _word(op: Op, word: str | None) -> tuple[str, Word]:
    words = _words(op)
    if word is not None:
        if word not in words:
            listed = ", ".join(map(show, words)) or "none"
            raise BadOption(
                f"{op.name}: word={show(word)} is not one of {listed}{suggest(word, words)}"
            )
        return word, words[word]
    for candidate in ("same", "same_upper", "samepad()", "half"):
        for name in words:
            if name.lower() == candidate:
                return name, words[name]
    listed = f"; its words are {', '.join(map(show, words))}" if words else ", and no padding words"
    raise UnknownName(f"{op.name} has no word for SAME{listed}")


def _each(name: str, value: Sizes, rank: int, least: int) -> tuple[int, ...]:
    one = integer(value)
    entries = (one,) * rank if one is not None else integers(value)
    if entries is None or len(entries) not in (1, rank) or min(entries) < least:
        many = f"or a list of {rank} of them" if rank > 1 else "or a list of one"
        raise BadOption(
            f"same_pads: {name}={show(value)} must be an integer of at least {least}, {many}"
        )
    return entries * (rank // len(entries))

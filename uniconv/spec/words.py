"""Padding words and forms: what a framework's padding argument says, as pairs (before, after).

A word is a pure function of one axis: its padding (before, after), or for a transposed op what is
cropped off the whole result.  "same" is not one rule.  A form reads and writes explicit numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

__all__ = [
    "AS_IS",
    "FROM_FULL",
    "Axis",
    "BesideOutput",
    "NumbersMean",
    "OfOutput",
    "Pair",
    "Word",
    "causal",
    "full",
    "half",
    "nothing_cropped",
    "same_as_longer",
    "same_lower",
    "same_total",
    "same_total_lower",
    "same_upper",
    "surplus_lower",
    "surplus_upper",
    "transposed_same_total_lower",
    "transposed_same_upper",
    "unless_output_size",
    "valid",
    "valid_inside_longer",
]

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Axis:
    """What is known of one spatial axis when its padding is read, in pixels.

    size is that of x (after lhs_dilation).  In a transposed op, output_padding and output_size are
    None where the call does not say them.

    >>> axis = Axis(size=5, kernel=3, dilation=2, stride=2)
    >>> axis.extent, axis.whole
    (5, 13)
    """

    size: int
    kernel: int
    dilation: int = 1
    stride: int = 1
    output_padding: int | None = None
    output_size: int | None = None

    @property
    def extent(self) -> int:
        """How far the dilated kernel reaches."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def whole(self) -> int:
        """The extent of the uncropped result of the transposed op."""
        return (self.size - 1) * self.stride + self.extent


Word = Callable[[Axis], Pair]


def valid(axis: Axis) -> Pair:
    """No padding."""
    return 0, 0


def same_upper(axis: Axis) -> Pair:
    """As little as gives ceil(size / stride) outputs; the odd pixel after (TensorFlow).

    6 pixels, stride 2: 3 windows of 3 pixels start at 0, 2 and 4 and reach pixel 6, one too far.

    >>> same_upper(Axis(6, 3, stride=2))
    (0, 1)
    """
    n, s = axis.size, axis.stride
    total = max(((n + s - 1) // s - 1) * s + axis.extent - n, 0)
    return total // 2, total - total // 2


def same_lower(axis: Axis) -> Pair:
    """As ``same_upper``, the odd pixel before (JAX, ONNX)."""
    lo, hi = same_upper(axis)
    return hi, lo


def same_total(axis: Axis) -> Pair:
    """extent - 1 in all, whatever the stride; the odd pixel after (PyTorch).

    >>> same_total(Axis(6, 4, stride=2))
    (1, 2)
    """
    total = axis.extent - 1
    return total // 2, total - total // 2


def same_total_lower(axis: Axis) -> Pair:
    """extent - 1 in all, whatever the stride; the odd pixel before (Flux)."""
    lo, hi = same_total(axis)
    return hi, lo


def half(axis: Axis) -> Pair:
    """Half the extent on both sides: an even one gives one output more (Theano)."""
    return axis.extent // 2, axis.extent // 2


def full(axis: Axis) -> Pair:
    """extent - 1 on both sides: every window that touches x."""
    return axis.extent - 1, axis.extent - 1


def causal(axis: Axis) -> Pair:
    """extent - 1, all of it before: no output sees a later input."""
    return axis.extent - 1, 0


def nothing_cropped(axis: Axis) -> Pair:
    """Nothing; output_padding adds zeros after."""
    return 0, -(axis.output_padding or 0)


def transposed_same_total_lower(axis: Axis) -> Pair:
    """(kernel - stride) * dilation in all, maybe negative; the odd pixel before (Flux).

    >>> transposed_same_total_lower(Axis(3, 3, stride=2))
    (1, 0)
    """
    total = (axis.kernel - axis.stride) * axis.dilation
    lo = (total + 1) // 2
    return lo, total - lo - (axis.output_padding or 0)


def same_as_longer(axis: Axis) -> Pair:
    """The middle of "full", as long as the longer of x and w; the odd pixel before (NumPy).

    >>> same_as_longer(Axis(5, 2)), same_as_longer(Axis(2, 5))
    ((1, 0), (4, 3))
    """
    n, k = axis.size, axis.kernel
    lo = k - 1 - (min(n, k) - 1) // 2
    return lo, max(n, k) - n - lo + k - 1


def valid_inside_longer(axis: Axis) -> Pair:
    """Where the shorter of x and w lies inside the longer one, whichever it is (NumPy)."""
    beyond = max(axis.kernel - axis.size, 0)
    return beyond, beyond


def transposed_same_upper(axis: Axis) -> Pair:
    """As little as gives size * stride outputs, or with output_padding p (size - 1) * stride + p
    (and 1 more where the extent is odd); the odd pixel after (Keras)."""
    out = axis.size * axis.stride
    if axis.output_padding is not None:
        out = (axis.size - 1) * axis.stride + axis.extent % 2 + axis.output_padding
    lo = max(axis.whole - out, 0) // 2
    return lo, axis.whole - out - lo


def _surplus(axis: Axis) -> int:
    """What ONNX's ConvTranspose takes off the whole result and its output_padding.

    3 pixels, stride 2, kernel 3 make a whole of 7: one pixel is too much for 3 * 2 outputs.
    """
    out = axis.size * axis.stride if axis.output_size is None else axis.output_size
    return max(axis.whole + (axis.output_padding or 0) - out, 0)


def surplus_upper(axis: Axis) -> Pair:
    """What is too much for size * stride outputs (or output_shape), less of it before."""
    total = _surplus(axis)
    return total // 2, total - total // 2 - (axis.output_padding or 0)


def surplus_lower(axis: Axis) -> Pair:
    """What is too much for size * stride outputs (or output_shape), more of it before."""
    total = _surplus(axis)
    return total - total // 2, total // 2 - (axis.output_padding or 0)


@dataclass(frozen=True, slots=True)
class BesideOutput:
    """A crop that only a given output shape asks for; without one, nothing is cropped."""

    word: Word

    def __call__(self, axis: Axis) -> Pair:
        return nothing_cropped(axis) if axis.output_size is None else self.word(axis)


@dataclass(frozen=True, slots=True)
class OfOutput:
    """The crop of a transposed op: the padding with which a convolution reads its output.

    It is what TensorFlow's conv2d_transpose does: of the output size that the call says, not of x.

    >>> OfOutput(same_upper)(Axis(3, 3, stride=2, output_size=6))
    (0, 1)
    """

    word: Word

    def __call__(self, axis: Axis) -> Pair:
        assert axis.output_size is not None
        return self.word(replace(axis, size=axis.output_size))


@dataclass(frozen=True, slots=True)
class NumbersMean:
    """What padding numbers mean, and which numbers mean a given padding (or crop)."""

    read: Callable[[Axis, Pair], Pair]
    write: Callable[[Axis, Pair], Pair]


def _from_full(axis: Axis, pair: Pair) -> Pair:
    return axis.extent - 1 - pair[0], axis.extent - 1 - pair[1]


AS_IS = NumbersMean(lambda axis, pair: pair, lambda axis, pair: pair)


def unless_output_size(word: Word) -> NumbersMean:
    """Numbers that an output shape overrules with a word."""
    return NumbersMean(
        lambda axis, pair: pair if axis.output_size is None else word(axis),
        lambda axis, pair: pair if axis.output_size is None else (0, 0),
    )


# Padding of the spread input <-> crop of the whole transposed result.
FROM_FULL = NumbersMean(_from_full, _from_full)

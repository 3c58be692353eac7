"""Padding words and forms: what a framework's padding argument says, as pairs (before, after).

A word is a pure function of one axis: its padding (before, after), or for a transposed op what is
cropped off the whole result.  "same" is not one rule.  A form reads and writes explicit numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Axis:
    """What is known of one spatial axis when its padding is read.

    size is that of x (after lhs_dilation).  In a transposed op, extra is its output_padding and
    out its output size, each None where the call does not say it.
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
    """As little as gives ceil(size / stride) outputs; the odd pixel after (TensorFlow)."""
    n, s = axis.size, axis.stride
    total = max(((n + s - 1) // s - 1) * s + axis.extent - n, 0)
    return total // 2, total - total // 2


def same_lower(axis: Axis) -> Pair:
    """As ``same_upper``, the odd pixel before (JAX, ONNX)."""
    lo, hi = same_upper(axis)
    return hi, lo


def same_total(axis: Axis) -> Pair:
    """extent - 1 in all, whatever the stride; the odd pixel after (PyTorch)."""
    total = axis.extent - 1
    return total // 2, total - total // 2


def same_total_lower(axis: Axis) -> Pair:
    """extent - 1 in all, whatever the stride; the odd pixel before (Flux)."""
    lo, hi = same_total(axis)
    return hi, lo


def half(axis: Axis) -> Pair:
    """Half the extent on both sides: an even one gives one output more (Theano)."""
    return axis.extent // 2, axis.extent // 2


def centred(axis: Axis) -> Pair:
    """What lays the kernel's middle on the pixels, as many left over before as after (CNTK)."""
    extra = (axis.size - 1) % axis.stride
    lo = (axis.extent - 1) // 2
    return lo - extra // 2, axis.extent - 1 - lo - (extra - extra // 2)


def centred_transposed(axis: Axis) -> Pair:
    """The padding ``centred`` of the output, of (size - 1) * stride + 1 where unsaid (CNTK)."""
    out = (axis.size - 1) * axis.stride + 1 if axis.output_size is None else axis.output_size
    return centred(replace(axis, size=out))


def full(axis: Axis) -> Pair:
    """extent - 1 on both sides: every window that touches x."""
    return axis.extent - 1, axis.extent - 1


def causal(axis: Axis) -> Pair:
    """extent - 1, all of it before: no output sees a later input."""
    return axis.extent - 1, 0


def nothing_cropped(axis: Axis) -> Pair:
    """Nothing; output_padding adds zeros after."""
    return 0, -(axis.output_padding or 0)


def paddle_transposed_same(axis: Axis) -> Pair:
    """What SAME pads before a convolution of the same x, whatever the dilation (Paddle)."""
    lo, hi = same_upper(axis)
    return lo, hi - (axis.output_padding or 0)


def flux_transposed_same(axis: Axis) -> Pair:
    """(kernel - stride) * dilation in all, maybe negative; the odd pixel before (Flux)."""
    total = (axis.kernel - axis.stride) * axis.dilation
    lo = (total + 1) // 2
    return lo, total - lo - (axis.output_padding or 0)


def numpy_same(axis: Axis) -> Pair:
    """The middle of "full", as long as the longer of x and w; the odd pixel before (NumPy)."""
    n, k = axis.size, axis.kernel
    lo = k - 1 - (min(n, k) - 1) // 2
    return lo, max(n, k) - n - lo + k - 1


def numpy_valid(axis: Axis) -> Pair:
    """Where the shorter of x and w lies inside the longer one, whichever it is (NumPy)."""
    beyond = max(axis.kernel - axis.size, 0)
    return beyond, beyond


def numpy_correlate_same(axis: Axis) -> Pair:
    """As ``numpy_same``; where w is longer than x the odd pixel after."""
    lo, hi = numpy_same(axis)
    return (lo, hi) if axis.kernel <= axis.size else (hi, lo)


def keras_transposed_valid(axis: Axis) -> Pair:
    """Nothing; output_padding=None fills up with zeros after a kernel shorter than the stride."""
    if axis.output_padding is None:
        return 0, min(axis.extent - axis.stride, 0)
    return 0, -axis.output_padding


def keras_transposed_same(axis: Axis) -> Pair:
    """As little as gives size * stride outputs, or with output_padding p (size - 1) * stride + p
    (and 1 more where the extent is odd); the odd pixel after (Keras)."""
    out = axis.size * axis.stride
    if axis.output_padding is not None:
        out = (axis.size - 1) * axis.stride + axis.extent % 2 + axis.output_padding
    lo = max(axis.whole - out, 0) // 2
    return lo, axis.whole - out - lo


def jax_transposed_same(axis: Axis) -> Pair:
    """What gives size * stride outputs, the odd pixel cropped after (JAX)."""
    e, s = axis.extent, axis.stride
    start = e - 1 if s > e - 1 else (e + s - 1) // 2
    return e - 1 - start, start - s + 1


def jax_transposed_valid(axis: Axis) -> Pair:
    """Nothing; zeros follow a kernel shorter than the stride, up to a whole stride (JAX)."""
    return 0, min(axis.extent - axis.stride, 0)


def jax_transposed_same_lower(axis: Axis) -> Pair:
    """The padding of SAME_LOWER around the spread input itself (JAX, with strides of 1)."""
    lo, hi = same_lower(replace(axis, stride=1))
    return axis.extent - 1 - lo, axis.extent - 1 - hi


def circular_lower(axis: Axis) -> Pair:
    """What leaves a whole period, size * stride outputs, the odd pixel left after (Flax)."""
    period = axis.size * axis.stride
    lo = max(axis.extent - axis.stride, 0) // 2 % max(period, 1)
    return lo, axis.whole - period - lo


def circular_upper(axis: Axis) -> Pair:
    """What leaves a whole period, size * stride outputs, the odd pixel left before (Flax)."""
    period = axis.size * axis.stride
    lo = (max(axis.extent - axis.stride, 0) + 1) // 2 % max(period, 1)
    return lo, axis.whole - period - lo


def _onnx_total(axis: Axis) -> int:
    """What ONNX's ConvTranspose takes off the whole result; size * stride is left by SAME."""
    out = axis.size * axis.stride if axis.output_size is None else axis.output_size
    return max(axis.whole + (axis.output_padding or 0) - out, 0)


def onnx_same_upper(axis: Axis) -> Pair:
    """What is too much for size * stride outputs (or output_shape), less of it before."""
    total = _onnx_total(axis)
    return total // 2, total - total // 2


def onnx_same_lower(axis: Axis) -> Pair:
    """What is too much for size * stride outputs (or output_shape), more of it before."""
    hi, lo = onnx_same_upper(axis)
    return lo, hi


@dataclass(frozen=True, slots=True)
class BesideOutput:
    """A crop that only a given output shape asks for; without one, nothing is cropped."""

    word: Word

    def __call__(self, axis: Axis) -> Pair:
        return nothing_cropped(axis) if axis.output_size is None else self.word(axis)


@dataclass(frozen=True, slots=True)
class OfOutput:
    """The crop of a transposed op: the padding with which a convolution reads its output."""

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


def _unless_out(word: Word) -> NumbersMean:
    """Numbers that an output shape overrules with a word."""
    return NumbersMean(
        lambda axis, pair: pair if axis.output_size is None else word(axis),
        lambda axis, pair: pair if axis.output_size is None else (0, 0),
    )


# ONNX ignores pads beside output_shape; MXNet pad and adj beside target_shape.
UNLESS_OUT = _unless_out(onnx_same_lower)


EXTRA_UNLESS_OUT = _unless_out(lambda axis: onnx_same_lower(replace(axis, output_padding=0)))


# Numbers that an output shape makes idle.
IDLE_BESIDE_OUT = NumbersMean(
    lambda axis, pair: pair if axis.output_size is None else (0, 0),
    lambda axis, pair: pair if axis.output_size is None else (0, 0),
)


# Chainer's cover_all: so much more after that no pixel is left out.
COVERING = NumbersMean(
    lambda axis, pair: (pair[0], pair[1] + axis.stride - 1),
    lambda axis, pair: (pair[0], pair[1] - axis.stride + 1),
)


# Padding of the spread input <-> crop of the whole transposed result.
FROM_FULL = NumbersMean(_from_full, _from_full)


def _flagged(word: Word) -> NumbersMean:
    """A word where the number is 1, nothing where it is 0."""

    def write(axis: Axis, pair: Pair) -> Pair:
        if pair == (0, 0):
            return pair
        return (1, 1) if pair == word(axis) else (-1, -1)  # which no flag says

    return NumbersMean(lambda axis, pair: word(axis) if pair[0] else (0, 0), write)


CENTRED = _flagged(centred)


CENTRED_TRANSPOSED = _flagged(centred_transposed)


def _from_centre(sign: int, back: int) -> NumbersMean:
    """Numbers that move the middle of the kernel (SciPy's origin); ``back`` for an even one."""

    def middle(axis: Axis) -> int:
        return (axis.kernel - back) // 2

    def read(axis: Axis, pair: Pair) -> Pair:
        lo = middle(axis) + sign * pair[0]
        return lo, axis.kernel - 1 - lo

    def write(axis: Axis, pair: Pair) -> Pair:
        hi = axis.kernel - 1 - pair[1]
        return sign * (pair[0] - middle(axis)), sign * (hi - middle(axis))

    return NumbersMean(read, write)


def _along_one(reading: NumbersMean) -> NumbersMean:
    """The same for a kernel that runs along one axis; it has one tap along the others."""
    return NumbersMean(
        lambda axis, pair: (0, 0) if axis.kernel == 1 else reading.read(axis, pair),
        # (0, 1) is no origin: the form refuses it
        lambda axis, pair: (
            (0, int(pair != (0, 0))) if axis.kernel == 1 else reading.write(axis, pair)
        ),
    )


ORIGIN = _from_centre(1, 0)


ORIGIN_FLIPPED = _from_centre(-1, 1)


ORIGIN_ALONG = _along_one(ORIGIN)


ORIGIN_FLIPPED_ALONG = _along_one(ORIGIN_FLIPPED)


def _read_anchor(axis: Axis, pair: Pair) -> Pair:
    lo = axis.kernel // 2 if pair[0] == -1 else pair[0]
    return lo, axis.kernel - 1 - lo


# OpenCV's anchor: the tap that lies on the pixel; -1 is the middle.
ANCHOR = NumbersMean(_read_anchor, lambda axis, pair: (pair[0], axis.kernel - 1 - pair[1]))

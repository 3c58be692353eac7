"""Padding words and forms: what a framework's padding argument says, as pairs (before, after).

A word is a pure function of one axis: its padding (before, after), or for a transposed op what is
cropped off the whole result.  "same" is not one rule.  A form reads and writes explicit numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from uniconv.canonical import Pairs
from uniconv.layout import axes

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
    extra: int | None = None
    out: int | None = None

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
    out = (axis.size - 1) * axis.stride + 1 if axis.out is None else axis.out
    return centred(replace(axis, size=out))


def full(axis: Axis) -> Pair:
    """extent - 1 on both sides: every window that touches x."""
    return axis.extent - 1, axis.extent - 1


def causal(axis: Axis) -> Pair:
    """extent - 1, all of it before: no output sees a later input."""
    return axis.extent - 1, 0


def nothing_cropped(axis: Axis) -> Pair:
    """Nothing; output_padding adds zeros after."""
    return 0, -(axis.extra or 0)


def paddle_transposed_same(axis: Axis) -> Pair:
    """What SAME pads before a convolution of the same x, whatever the dilation (Paddle)."""
    lo, hi = same_upper(axis)
    return lo, hi - (axis.extra or 0)


def flux_transposed_same(axis: Axis) -> Pair:
    """(kernel - stride) * dilation in all, maybe negative; the odd pixel before (Flux)."""
    total = (axis.kernel - axis.stride) * axis.dilation
    lo = (total + 1) // 2
    return lo, total - lo - (axis.extra or 0)


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
    if axis.extra is None:
        return 0, min(axis.extent - axis.stride, 0)
    return 0, -axis.extra


def keras_transposed_same(axis: Axis) -> Pair:
    """As little as gives size * stride outputs, or with output_padding p (size - 1) * stride + p
    (and 1 more where the extent is odd); the odd pixel after (Keras)."""
    out = axis.size * axis.stride
    if axis.extra is not None:
        out = (axis.size - 1) * axis.stride + axis.extent % 2 + axis.extra
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
    out = axis.size * axis.stride if axis.out is None else axis.out
    return max(axis.whole + (axis.extra or 0) - out, 0)


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
        return nothing_cropped(axis) if axis.out is None else self.word(axis)


@dataclass(frozen=True, slots=True)
class OfOutput:
    """The crop of a transposed op: the padding with which a convolution reads its output."""

    word: Word

    def __call__(self, axis: Axis) -> Pair:
        assert axis.out is not None
        return self.word(replace(axis, size=axis.out))


@dataclass(frozen=True, slots=True)
class Reading:
    """What padding numbers mean, and which numbers mean a given padding (or crop)."""

    read: Callable[[Axis, Pair], Pair]
    write: Callable[[Axis, Pair], Pair]


def _from_full(axis: Axis, pair: Pair) -> Pair:
    return axis.extent - 1 - pair[0], axis.extent - 1 - pair[1]


AS_IS = Reading(lambda axis, pair: pair, lambda axis, pair: pair)


def _unless_out(word: Word) -> Reading:
    """Numbers that an output shape overrules with a word."""
    return Reading(
        lambda axis, pair: pair if axis.out is None else word(axis),
        lambda axis, pair: pair if axis.out is None else (0, 0),
    )


# ONNX ignores pads beside output_shape; MXNet pad and adj beside target_shape.
UNLESS_OUT = _unless_out(onnx_same_lower)
EXTRA_UNLESS_OUT = _unless_out(lambda axis: onnx_same_lower(replace(axis, extra=0)))
# Numbers that an output shape makes idle.
IDLE_BESIDE_OUT = Reading(
    lambda axis, pair: pair if axis.out is None else (0, 0),
    lambda axis, pair: pair if axis.out is None else (0, 0),
)
# Chainer's cover_all: so much more after that no pixel is left out.
COVERING = Reading(
    lambda axis, pair: (pair[0], pair[1] + axis.stride - 1),
    lambda axis, pair: (pair[0], pair[1] - axis.stride + 1),
)
# Padding of the spread input <-> crop of the whole transposed result.
FROM_FULL = Reading(_from_full, _from_full)


def _flagged(word: Word) -> Reading:
    """A word where the number is 1, nothing where it is 0."""

    def write(axis: Axis, pair: Pair) -> Pair:
        if pair == (0, 0):
            return pair
        return (1, 1) if pair == word(axis) else (-1, -1)  # which no flag says

    return Reading(lambda axis, pair: word(axis) if pair[0] else (0, 0), write)


CENTRED = _flagged(centred)
CENTRED_TRANSPOSED = _flagged(centred_transposed)


def _from_centre(sign: int, back: int) -> Reading:
    """Numbers that move the middle of the kernel (SciPy's origin); ``back`` for an even one."""

    def middle(axis: Axis) -> int:
        return (axis.kernel - back) // 2

    def read(axis: Axis, pair: Pair) -> Pair:
        lo = middle(axis) + sign * pair[0]
        return lo, axis.kernel - 1 - lo

    def write(axis: Axis, pair: Pair) -> Pair:
        hi = axis.kernel - 1 - pair[1]
        return sign * (pair[0] - middle(axis)), sign * (hi - middle(axis))

    return Reading(read, write)


def _along_one(reading: Reading) -> Reading:
    """The same for a kernel that runs along one axis; it has one tap along the others."""
    return Reading(
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
ANCHOR = Reading(_read_anchor, lambda axis, pair: (pair[0], axis.kernel - 1 - pair[1]))


def integers(value: object) -> tuple[int, ...] | None:
    """A sequence of integers as a tuple; None for anything else (words, floats, booleans)."""
    if isinstance(value, (str, bytes, Mapping, Set)) or not hasattr(value, "__iter__"):
        return None
    if not hasattr(value, "__len__") or getattr(value, "ndim", 1) != 1:
        return None  # an iterator is used up by reading it; an array counts as a list
    entries = [integer(v) for v in value]
    return None if None in entries else tuple(v for v in entries if v is not None)


def integer(value: object) -> int | None:
    """An integer of at most 32 bits; None for anything else, booleans and floats included."""
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return None
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None
    return number if -(2**31) <= number < 2**31 else None


@dataclass(frozen=True, slots=True)
class Form:
    """How explicit padding is written: ``describe`` is the text for errors and pages."""

    describe: str
    read: Callable[[object, str, int], Pairs | None]
    write: Callable[[Pairs, str], object | None]


def _read_symmetric(value: object, pattern: str, rank: int) -> Pairs | None:
    one = integer(value)
    entries = (one,) * rank if one is not None else integers(value)
    if entries is None or len(entries) not in (1, rank) or min(entries) < 0:
        return None
    return tuple((p, p) for p in (entries * rank if len(entries) == 1 else entries))


def _write_symmetric(pairs: Pairs, pattern: str) -> object | None:
    if any(lo != hi or lo < 0 for lo, hi in pairs):
        return None
    return tuple(lo for lo, _ in pairs) if len(set(pairs)) > 1 else pairs[0][0]


def _read_layout_pairs(value: object, pattern: str, rank: int) -> Pairs | None:
    if not isinstance(value, (list, tuple)):
        return None
    letters = axes(pattern, rank)
    pairs = [integers(v) if isinstance(v, (list, tuple)) else None for v in value]
    if len(pairs) != len(letters) or any(p is None or len(p) != 2 or min(p) < 0 for p in pairs):
        return None
    named: dict[str, Sequence[int]] = {a: p for a, p in zip(letters, pairs) if p is not None}
    if any(a in "nc" and sum(named[a]) for a in letters):
        return None
    return tuple((named[f"s{i}"][0], named[f"s{i}"][1]) for i in range(rank))


def _write_layout_pairs(pairs: Pairs, pattern: str) -> object | None:
    if any(min(p) < 0 for p in pairs):
        return None
    named = {f"s{i}": list(p) for i, p in enumerate(pairs)}
    return [named.get(a, [0, 0]) for a in axes(pattern, len(pairs))]


SYMMETRIC = Form(
    "an integer of at least 0, or one per spatial axis: as many pixels before as after",
    _read_symmetric,
    _write_symmetric,
)


def alike(least: int | None = 0, *, alone: bool = False) -> Form:
    """An integer, or one per axis, the same before and after; least None: negative to crop.

    alone: only an integer.
    """

    def read(value: object, pattern: str, rank: int) -> Pairs | None:
        one = integer(value)
        entries = (one,) * rank if one is not None else None if alone else integers(value)
        if entries is None or len(entries) != rank or (least is not None and min(entries) < least):
            return None
        return tuple((p, p) for p in entries)

    def write(pairs: Pairs, pattern: str) -> object | None:
        small = least is not None and min(map(min, pairs)) < least
        if small or any(lo != hi for lo, hi in pairs) or (alone and len(set(pairs)) > 1):
            return None
        return tuple(lo for lo, _ in pairs) if len(set(pairs)) > 1 else pairs[0][0]

    bound = "negative to crop" if least is None else f"at least {least}"
    several = "" if alone else ", or one per spatial axis"
    text = f"an integer{several} ({bound}): as many pixels before as after"
    return Form(text, read, write)


def _read_flags(value: object, pattern: str, rank: int) -> Pairs | None:
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= rank + 1:
        return None
    if not all(isinstance(v, bool) for v in value):
        return None
    flags = [value[0]] * (rank + 1 - len(value)) + list(value)
    return tuple((int(v), int(v)) for v in flags[1:])


def _write_flags(pairs: Pairs, pattern: str) -> object | None:
    return [False, *(p == (1, 1) for p in pairs)] if set(pairs) <= {(0, 0), (1, 1)} else None


# CNTK fills a list that is too short up in front, with its first flag.
FLAGS = Form(
    "a list of booleans, whether to pad the channels and each spatial axis; the first flag counts "
    "for the axes left out in front",
    _read_flags,
    _write_flags,
)
LAYOUT_PAIRS = Form(
    "a list of pairs [before, after], one per axis of x in data_format order, "
    "batch and channels [0, 0], none negative",
    _read_layout_pairs,
    _write_layout_pairs,
)


def _read_pairs(value: object, pattern: str, rank: int) -> Pairs | None:
    if not isinstance(value, (list, tuple)) or len(value) != rank:
        return None
    pairs = [integers(v) if isinstance(v, (list, tuple)) else None for v in value]
    if any(p is None or len(p) != 2 for p in pairs):
        return None
    return tuple((p[0], p[1]) for p in pairs if p is not None)


def _read_interleaved(value: object, pattern: str, rank: int) -> Pairs | None:
    entries = integers(value)
    if entries is None or len(entries) != 2 * rank:
        return None
    return tuple(zip(entries[::2], entries[1::2]))


def _read_begins_ends(value: object, pattern: str, rank: int) -> Pairs | None:
    entries = integers(value)
    if entries is None or len(entries) != 2 * rank:
        return None
    return tuple(zip(entries[:rank], entries[rank:]))


def _read_each(value: object, pattern: str, rank: int) -> Pairs | None:
    one = integer(value)
    entries = (one,) * rank if one is not None else value
    if not isinstance(entries, (list, tuple)) or len(entries) != rank:
        return None
    pairs = [integers(v) if isinstance(v, tuple) else (integer(v),) * 2 for v in entries]
    found = [p for p in pairs if p is not None and len(p) == 2 and None not in p]
    return tuple((lo, hi) for lo, hi in found) if len(found) == rank else None  # type: ignore[misc]


def _write_each(pairs: Pairs, pattern: str) -> object | None:
    written = [lo if lo == hi else (lo, hi) for lo, hi in pairs]
    return written[0] if len(set(pairs)) == 1 and isinstance(written[0], int) else written


EACH = Form(
    "an integer, or a list with an integer or a tuple (before, after) for each spatial axis, "
    "negative to crop",
    _read_each,
    _write_each,
)
PAIRS = Form(
    "a list of pairs (before, after), one per spatial axis, negative to crop",
    _read_pairs,
    lambda pairs, pattern: list(pairs),
)
INTERLEAVED = Form(
    "a list of before and after of each spatial axis in turn, negative to crop",
    _read_interleaved,
    lambda pairs, pattern: [p for pair in pairs for p in pair],
)
BEGINS_ENDS = Form(
    "a list of what is before each spatial axis, then what is after each, negative to crop",
    _read_begins_ends,
    lambda pairs, pattern: [lo for lo, _ in pairs] + [hi for _, hi in pairs],
)


LOWS_HIGHS = Form(
    "two lists, of what is before and of what is after each spatial axis, negative to crop",
    lambda value, pattern, rank: _read_lows_highs(value, rank),
    lambda pairs, pattern: ([lo for lo, _ in pairs], [hi for _, hi in pairs]),
)
LAST_FIRST = Form(
    "a list of before and after of each spatial axis, the last axis first, negative to crop",
    lambda value, pattern, rank: _turned(_read_interleaved(value, pattern, rank)),
    lambda pairs, pattern: [p for pair in reversed(pairs) for p in pair],
)


def _write_one_of(pairs: Pairs, pattern: str) -> object | None:
    moved = {pair for pair in pairs if pair != (0, 0)} or {(0, 0)}
    (lo, hi), *more = moved
    return None if more or lo != hi else lo


ONE_NUMBER = Form("an integer", alike(None, alone=True).read, _write_one_of)
X_FIRST = Form(
    "two integers, x (columns) first",
    lambda value, pattern, rank: (
        _turned(alike(None).read(value, pattern, rank)) if integers(value) is not None else None
    ),
    lambda pairs, pattern: (
        None if any(lo != hi for lo, hi in pairs) else tuple(lo for lo, _ in reversed(pairs))
    ),
)


def _read_lows_highs(value: object, rank: int) -> Pairs | None:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return None
    lows, highs = (integers(v) for v in value)
    if lows is None or highs is None or {len(lows), len(highs)} != {rank}:
        return None
    return tuple(zip(lows, highs))


def _turned(pairs: Pairs | None) -> Pairs | None:
    return None if pairs is None else pairs[::-1]


def non_negative(form: Form) -> Form:
    """The same form where it refuses to crop."""

    def write(pairs: Pairs, pattern: str) -> object | None:
        return None if min(map(min, pairs)) < 0 else form.write(pairs, pattern)

    def read(value: object, pattern: str, rank: int) -> Pairs | None:
        pairs = form.read(value, pattern, rank)
        return None if pairs is None or min(map(min, pairs)) < 0 else pairs

    return Form(form.describe.replace("negative to crop", "none negative"), read, write)


def or_nothing(form: Form) -> Form:
    """The same form where None, whole or in a part, stands for zeros."""

    def read(value: object, pattern: str, rank: int) -> Pairs | None:
        if isinstance(value, tuple):
            value = tuple([0] * rank if part is None else part for part in value)
        return form.read(value, pattern, rank)

    return Form(form.describe, read, form.write)


def beside_both_sides(form: Form) -> Form:
    """Numbers for both sides alike and, in their place, one list before and one after (cuDNN)."""

    def read(value: object, pattern: str, rank: int) -> Pairs | None:
        if not isinstance(value, (list, tuple)) or len(value) != 3:
            return None
        both, before, after = value
        if both is not None and (before, after) == (None, None):
            before = after = both
        elif both is not None:
            return None
        return form.read((before, after), pattern, rank)

    def write(pairs: Pairs, pattern: str) -> object | None:
        written = form.write(pairs, pattern)
        if not isinstance(written, tuple):
            return None
        before, after = written
        return (before, None, None) if before == after else (None, before, after)

    return Form(f"one list for both sides of each spatial axis, or {form.describe}", read, write)


def one_of(*forms: Form) -> Form:
    """Whichever form reads the value; the first that can say it writes it."""

    def read(value: object, pattern: str, rank: int) -> Pairs | None:
        read = (form.read(value, pattern, rank) for form in forms)
        return next((pairs for pairs in read if pairs is not None), None)

    def write(pairs: Pairs, pattern: str) -> object | None:
        written = (form.write(pairs, pattern) for form in forms)
        return next((value for value in written if value is not None), None)

    return Form(", or ".join(form.describe for form in forms), read, write)


def tuples_only(form: Form) -> Form:
    """The same form where lists are refused."""

    def read(value: object, pattern: str, rank: int) -> Pairs | None:
        return None if isinstance(value, list) else form.read(value, pattern, rank)

    def write(pairs: Pairs, pattern: str) -> object | None:
        value = form.write(pairs, pattern)
        return tuple(value) if isinstance(value, list) else value

    return Form(form.describe.replace("list", "tuple"), read, write)


# One number per axis, never one for all.
EACH_ALIKE = Form(
    "a list of integers of at least 0, one per spatial axis: as many pixels before as after",
    lambda value, pattern, rank: (
        None if integer(value) is not None else alike().read(value, pattern, rank)
    ),
    lambda pairs, pattern: (
        [lo for lo, _ in pairs] if all(lo == hi >= 0 for lo, hi in pairs) else None
    ),
)

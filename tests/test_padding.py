"""Padding words as numbers known by hand, and the forms of explicit padding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniconv import conv_transpose
from uniconv._dialects import onnx
from uniconv._dialects.cntk import CENTRED, CENTRED_TRANSPOSED, FLAGS, centred, centred_transposed
from uniconv._dialects.onnx import BEGINS_ENDS
from uniconv.spec.forms import (
    INTERLEAVED,
    LAYOUT_PAIRS,
    PAIRS,
    SYMMETRIC,
    alike,
    non_negative,
    one_of,
)
from uniconv.spec.values import integer, integers
from uniconv.spec.words import (
    Axis,
    OfOutput,
    causal,
    full,
    half,
    same_lower,
    same_total,
    same_total_lower,
    same_upper,
    transposed_same_total_lower,
    valid,
)

EXTENTS = st.integers(1, 40)


@given(EXTENTS, EXTENTS, st.integers(1, 9))
def test_valid_is_nothing(size, kernel, stride):
    assert valid(Axis(size, kernel, stride=stride)) == (0, 0)


@given(EXTENTS, EXTENTS, st.integers(1, 9))
def test_same_upper_is_the_least_that_gives_ceil_size_over_stride(size, kernel, stride):
    axis = Axis(size, kernel, stride=stride)
    before, after = same_upper(axis)
    assert same_lower(axis) == (after, before)
    total, wanted = before + after, len(range(0, size, stride))

    def outputs(total: int) -> int:
        return len(range(0, size + total - kernel + 1, stride))

    assert outputs(total) == wanted or (total == 0 and outputs(0) >= wanted)
    assert total == 0 or outputs(total - 1) < wanted
    assert after - before in (0, 1)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pad"),
    [
        (5, 3, 1, (1, 1)),
        (5, 4, 1, (1, 2)),
        (6, 3, 2, (0, 1)),
        (7, 3, 2, (1, 1)),
        (7, 2, 3, (0, 1)),
        (8, 2, 3, (0, 0)),
        (5, 1, 2, (0, 0)),
        (2, 9, 1, (4, 4)),
    ],
)
def test_same_upper_by_hand(size, kernel, stride, pad):
    assert same_upper(Axis(size, kernel, stride=stride)) == pad


@pytest.mark.parametrize(("kernel", "pad"), [(1, (0, 0)), (2, (0, 1)), (3, (1, 1)), (6, (2, 3))])
def test_same_total_does_not_ask_for_size_or_stride(kernel, pad):
    axes = [Axis(size, kernel, stride=stride) for size in (1, 8) for stride in (1, 3)]
    assert {same_total(axis) for axis in axes} == {pad}
    assert {same_total_lower(axis) for axis in axes} == {pad[::-1]}


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pad"),
    [
        (7, 4, 2, (1, 2)),
        (6, 3, 2, (1, 0)),  # TensorFlow: (0, 1)
        (6, 5, 3, (1, 1)),
        (3, 2, 1, (0, 1)),
        (8, 2, 3, (0, 0)),
        (9, 1, 4, (0, 0)),
        (4, 1, 4, (-1, -2)),  # pixels 1 and no other: the middle of what is left over
    ],
)
def test_centred_by_hand(size, kernel, stride, pad):
    assert centred(Axis(size, kernel, stride=stride)) == pad


@given(EXTENTS, EXTENTS, st.integers(1, 3), st.integers(1, 9))
def test_centred_gives_ceil_size_over_stride_and_uses_every_padded_pixel(size, kernel, dil, stride):
    axis = Axis(size, kernel, dil, stride)
    lo, hi = centred(axis)
    assert (size + lo + hi - axis.extent) / stride + 1 == (size + stride - 1) // stride
    whole = Axis((size + stride - 1) // stride, kernel, dil, stride, output_size=size)
    assert centred_transposed(whole) == (lo, hi)
    least = Axis(whole.size, kernel, dil, stride)  # the output size left out
    assert least.whole - sum(centred_transposed(least)) == (whole.size - 1) * stride + 1


def test_flags_say_where_a_word_holds():
    """A list too short is filled up in front, with its first flag."""
    for value in ([True, False], (True, True, False), [False, True, False]):
        assert FLAGS.read(value, "n c ...", 2) == ((1, 1), (0, 0))
    assert FLAGS.read([True, False], "n c ...", 3) == ((1, 1), (1, 1), (0, 0))
    for value in (True, [], [1, 0], [True] * 4, "TT", None):
        assert FLAGS.read(value, "n c ...", 2) is None
    assert FLAGS.write(((1, 1), (0, 0)), "n c ...") == [False, True, False]
    assert FLAGS.write(((1, 1), (2, 2)), "n c ...") is None
    axis = Axis(6, 3, stride=2)
    for reading, pad in ((CENTRED, (1, 0)), (CENTRED_TRANSPOSED, (1, 1))):
        assert [reading.read(axis, (p, p)) for p in (1, 0)] == [pad, (0, 0)]
        assert [reading.write(axis, p) for p in (pad, (0, 0))] == [(1, 1), (0, 0)]
        assert FLAGS.write((reading.write(axis, (0, 1)),), "n c ...") is None


def test_words_of_the_kernel_alone():
    """A kernel of 4 taps, two pixels apart, spans 7; one of 4 in a row spans 4."""
    wide, even = Axis(9, 4, dilation=2, stride=3), Axis(9, 4)
    assert (wide.extent, even.extent) == (7, 4)
    assert [full(wide), half(wide), causal(wide)] == [(6, 6), (3, 3), (6, 0)]
    assert [full(even), half(even), causal(even)] == [(3, 3), (2, 2), (3, 0)]


def test_a_transposed_op_crops_what_a_convolution_of_its_output_pads():
    """A convolution reads 7 pixels with 3 taps and stride 2: SAME pads (1, 1); 6 pixels: (0, 1)."""
    axis = Axis(4, 3, stride=2, output_size=7)
    assert axis.whole == 9
    assert OfOutput(same_upper)(axis) == (1, 1)
    assert OfOutput(same_upper)(Axis(3, 3, stride=2, output_size=6)) == (0, 1)


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "crop"),
    [
        (5, 2, 1, (2, 1)),
        (4, 2, 3, (3, 3)),
        (3, 3, 1, (0, 0)),
        (1, 3, 1, (-1, -1)),
        (2, 3, 1, (0, -1)),
    ],
)
def test_flux_crops_to_size_times_stride_the_odd_pixel_before(kernel, stride, dilation, crop):
    axis = Axis(7, kernel, dilation, stride)
    assert transposed_same_total_lower(axis) == crop
    if dilation == 1:
        assert axis.whole - sum(crop) == 7 * stride
    assert transposed_same_total_lower(replace(axis, output_padding=1)) == (crop[0], crop[1] - 1)


def test_one_number_for_all_axes_says_no_others():
    form = alike(None, alone=True)
    assert form.read((1, 2), "... c n", 2) is None
    assert form.write(((1, 1), (2, 2)), "... c n") is None
    assert form.write(((-1, -1), (-1, -1)), "... c n") == -1


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (PAIRS, [(1, 2), (-3, 4)]),
        (INTERLEAVED, [1, 2, -3, 4]),
        (BEGINS_ENDS, [1, -3, 2, 4]),
        (one_of(SYMMETRIC, INTERLEAVED), [1, 2, -3, 4]),
    ],
)
def test_forms_of_two_numbers_per_axis(form, value):
    pairs = ((1, 2), (-3, 4))
    assert form.read(value, "n c ...", 2) == pairs
    assert form.write(pairs, "n c ...") == value
    assert form.read(value[:-1], "n c ...", 2) is None
    assert form.read("SAME", "n c ...", 2) is None
    assert form.read(1.5, "n c ...", 2) is None


def test_a_form_that_does_not_crop():
    form = non_negative(INTERLEAVED)
    assert form.read([1, 2, 3, 4], "n c ...", 2) == ((1, 2), (3, 4))
    assert form.read([1, 2, -3, 4], "n c ...", 2) is None
    assert form.write(((1, 2), (-3, 4)), "n c ...") is None
    assert form.describe.endswith("none negative")


@pytest.mark.parametrize("value", [True, False, 1.0, "1", None, np.bool_(True), [1], 1j])
def test_what_is_no_integer(value):
    assert integer(value) is None


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_what_is_an_integer(value):
    assert integer(value) == 3


def test_sequences_of_integers():
    assert integers([1, np.int64(2)]) == (1, 2)
    assert integers(np.array([3, 4])) == (3, 4)
    assert integers(range(2)) == (0, 1)
    for value in ("12", b"12", 3, None, [1, True], [1, 2.0], [[1]]):
        assert integers(value) is None


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        (2, ((2, 2), (2, 2))),
        ([2], ((2, 2), (2, 2))),
        ((2, 0), ((2, 2), (0, 0))),
        ([0, 3], ((0, 0), (3, 3))),
        (np.array([1, 4]), ((1, 1), (4, 4))),
    ],
)
def test_symmetric_reads(value, pairs):
    assert SYMMETRIC.read(value, "n c ...", 2) == pairs


@pytest.mark.parametrize("value", [-1, (1, -1), (1, 2, 3), "12", 1.0, True, None, [[1, 1], [2, 2]]])
def test_symmetric_does_not_read(value):
    assert SYMMETRIC.read(value, "n c ...", 2) is None


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("n ... c", [[0, 0], [1, 2], [3, 4], [0, 0]]),
        ("n ... c", ((0, 0), (1, 2), (3, 4), (0, 0))),
        ("n c ...", [[0, 0], [0, 0], [1, 2], [3, 4]]),
    ],
)
def test_layout_pairs_reads(pattern, value):
    assert LAYOUT_PAIRS.read(value, pattern, 2) == ((1, 2), (3, 4))


@pytest.mark.parametrize(
    "value",
    [
        [[0, 0], [1, 2], [3, 4]],
        [[0, 0], [1, 2], [3, 4], [0, 1]],
        [[1, 0], [1, 2], [3, 4], [0, 0]],
        [[0, 0], [1, -2], [3, 4], [0, 0]],
        [[0, 0], [1, 2, 3], [3, 4], [0, 0]],
        [0, 0, 1, 2],
        [[0, 0], [1, 2.0], [3, 4], [0, 0]],
        2,
        None,
    ],
)
def test_layout_pairs_does_not_read(value):
    assert LAYOUT_PAIRS.read(value, "n ... c", 2) is None


@given(
    st.sampled_from([SYMMETRIC, LAYOUT_PAIRS]),
    st.sampled_from(["n ... c", "n c ...", "... c n"]),
    st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), min_size=1, max_size=3),
)
def test_what_a_form_writes_it_reads(form, pattern, pads):
    pairs = tuple(pads)
    value = form.write(pairs, pattern)
    even = all(lo == hi for lo, hi in pairs)
    sayable = min(map(min, pairs)) >= 0 and (even or form is LAYOUT_PAIRS)
    assert (value is not None) == sayable
    if value is not None:
        assert form.read(value, pattern, len(pairs)) == pairs


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "upper", "lower"),
    [
        (7, 4, 2, (1, 2), (2, 1)),
        (7, 3, 2, (1, 1), (1, 1)),
        (4, 1, 2, (0, 0), (0, 0)),  # one pixel less than nothing
        (9, 1, 3, (0, -1), (0, -1)),
        (8, 1, 4, (-1, -1), (0, -2)),
        (10, 1, 5, (-1, -2), (-1, -2)),
        (12, 1, 6, (-2, -2), (-1, -3)),
        (8, 2, 8, (-2, -3), (-2, -3)),
    ],
)
def test_onnx_runtime_crops_by_hand(size, kernel, stride, upper, lower):
    axis = Axis(size, kernel, stride=stride)
    assert (onnx.same_upper(axis), onnx.same_lower(axis)) == (upper, lower)


@pytest.mark.parametrize(
    ("word", "options", "first", "count"),
    [
        # of 1..3 stamped with (1, 10, 100) every 3 pixels: 1 10 100 2 20 200 3 30 300
        ("NOTSET", {"output_shape": [6]}, 2, 6),
        ("SAME_UPPER", {"output_shape": [6]}, 1, 6),
        ("SAME_LOWER", {"output_shape": [6]}, 2, 6),
        ("NOTSET", {"output_shape": [11]}, 0, 11),
        ("VALID", {"output_shape": [8], "output_padding": [2]}, 2, 8),
        ("SAME_UPPER", {"output_shape": [8], "output_padding": [2]}, 1, 8),
        ("SAME_UPPER", {"output_padding": [1]}, 0, 9),
        ("SAME_LOWER", {"output_padding": [1]}, 1, 9),
        ("SAME_UPPER", {"output_padding": [2]}, 1, 9),
    ],
)
def test_onnx_transposed_by_hand(word, options, first, count):
    x = np.array([1, 2, 3.0]).reshape(1, 1, 3)
    w = np.array([1, 10, 100.0]).reshape(1, 1, 3)
    y = conv_transpose(x, w, dialect="onnx", strides=[3], auto_pad=word, **options)
    whole = [1, 10, 100, 2, 20, 200, 3, 30, 300, 0, 0, 0]
    assert y.ravel().tolist() == whole[first : first + count]


def test_onnx_transposed_by_hand_under_a_short_kernel():
    x, w = np.array([1, 2, 3.0]).reshape(1, 1, 3), np.array([1, 10.0]).reshape(1, 1, 2)
    for word, extra, wanted in [
        ("SAME_UPPER", 0, [1, 10, 0, 0, 2, 20, 0, 0, 3, 30]),
        ("SAME_LOWER", 1, [1, 10, 0, 0, 2, 20, 0, 0, 3, 30, 0]),
        ("SAME_UPPER", 3, [1, 10, 0, 0, 2, 20, 0, 0, 3, 30, 0, 0]),
        ("SAME_LOWER", 3, [10, 0, 0, 2, 20, 0, 0, 3, 30, 0, 0, 0]),
    ]:
        options = {"auto_pad": word, "output_padding": [extra], "strides": [4]}
        assert conv_transpose(x, w, dialect="onnx", **options).ravel().tolist() == wanted


@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_an_output_shape_holds_where_x_has_no_pixels(padding):
    x, w = np.zeros((2, 0, 3), "float32"), np.ones((1, 2, 3), "float32")
    options = {"output_shape": [2, 0, 2], "strides": 2, "padding": padding}
    y = conv_transpose(x, w, dialect="tf.nn.conv1d_transpose", **options)
    assert y.shape == (2, 0, 2)
    w, valid = np.ones((2, 2, 3), "float32"), {"output_shape": [2, 1, 2], "padding": "VALID"}
    y = conv_transpose(x, w, dialect="tf.nn.conv1d_transpose", strides=2, **valid)
    assert y.tolist() == [[[0, 0]], [[0, 0]]]

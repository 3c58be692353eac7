"""Padding words as numbers known by hand, and the forms of explicit padding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniconv.padding import (
    LAYOUT_PAIRS,
    SYMMETRIC,
    integer,
    integers,
    same_total,
    same_upper,
    valid,
)

EXTENTS = st.integers(1, 40)


@given(EXTENTS, EXTENTS, st.integers(1, 9))
def test_valid_is_nothing(size, kernel, stride):
    assert valid(size, kernel, stride) == (0, 0)


@given(EXTENTS, EXTENTS, st.integers(1, 9))
def test_same_upper_is_the_least_that_gives_ceil_size_over_stride(size, kernel, stride):
    before, after = same_upper(size, kernel, stride)
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
    assert same_upper(size, kernel, stride) == pad


@pytest.mark.parametrize(("kernel", "pad"), [(1, (0, 0)), (2, (0, 1)), (3, (1, 1)), (6, (2, 3))])
def test_same_total_does_not_ask_for_size_or_stride(kernel, pad):
    assert {same_total(size, kernel, stride) for size in (1, 8) for stride in (1, 3)} == {pad}


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

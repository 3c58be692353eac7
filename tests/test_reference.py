"""The oracle against numbers worked by hand, and against numpy.convolve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniconv._canonical.record import Convolution
from uniconv._canonical.reference import reference

PLAIN = Convolution((1,), ((0, 0),), (1,), (1,), (False,))
X = np.array([1, 2, 3, 4]).reshape(1, 1, 4)
W = np.array([1, 10, 100]).reshape(1, 1, 3)


@pytest.mark.parametrize(
    ("change", "y"),
    [
        ({}, [321, 432]),
        ({"reverse": (True,)}, [123, 234]),
        ({"pad": ((1, 0),)}, [210, 321, 432]),
        ({"pad": ((0, 2),)}, [321, 432, 43, 4]),
        ({"pad": ((-1, 0),)}, [432]),
        ({"pad": ((1, -2),)}, [210]),
        ({"stride": (2,), "pad": ((1, 1),)}, [210, 432]),
        ({"rhs_dilation": (2,), "pad": ((1, 1),)}, [420, 31]),
        ({"lhs_dilation": (2,)}, [201, 20, 302, 30, 403]),
        ({"lhs_dilation": (3,), "pad": ((-1, 0),)}, [200, 20, 2, 300, 30, 3, 400]),
        ({"pad": ((2, 2),), "boundary": "constant", "fill": 5.0}, [155, 215, 321, 432, 543, 554]),
        ({"pad": ((2, 1),), "boundary": "reflect"}, [123, 212, 321, 432, 343]),
        ({"pad": ((2, 1),), "boundary": "symmetric"}, [112, 211, 321, 432, 443]),
        ({"pad": ((2, 1),), "boundary": "replicate"}, [111, 211, 321, 432, 443]),
        ({"pad": ((2, 1),), "boundary": "circular"}, [143, 214, 321, 432, 143]),
        ({"pad": ((-4, 0),)}, []),
    ],
)
def test_numbers_by_hand(change, y):
    assert reference(replace(PLAIN, **change), X, W).tolist() == [[y]]


def test_channels_groups_and_batch():
    x = np.array([[[1], [2], [3], [4]], [[5], [6], [7], [8]]])
    w = np.array([[[1], [10]], [[2], [20]], [[3], [30]], [[4], [40]]])
    y = reference(replace(PLAIN, groups=2), x, w)
    assert y[..., 0].tolist() == [
        [1 + 20, 2 + 40, 9 + 120, 12 + 160],
        [5 + 60, 10 + 120, 21 + 240, 28 + 320],
    ]


def test_axes_are_not_mixed_up():
    x = np.arange(6).reshape(1, 1, 2, 3)
    w = np.array([[1, 10]]).reshape(1, 1, 1, 2)
    conv = Convolution((1, 2), ((1, 0), (0, 1)), (1, 1), (1, 1), (False, True))
    assert reference(conv, x, w).tolist() == [[[[0, 0], [1, 20], [34, 50]]]]


ENTRIES = st.lists(st.integers(-9, 9), min_size=1, max_size=7)


@given(ENTRIES, ENTRIES)
def test_full_convolution_is_numpy_convolve(x, w):
    full = Convolution((1,), ((len(w) - 1,) * 2,), (1,), (1,), (True,))
    y = reference(full, np.array([[x]]), np.array([[w]]))
    assert y.tolist() == [[np.convolve(x, w).tolist()]]

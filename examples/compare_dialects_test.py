"""Compare convolutions of two frameworks in your own test-suite: run it with pytest.

assert_same_conv draws shapes that differ on every axis and integer values, so that float32 is
exact and every difference is one of meaning.
"""

import pytest
import torch
from torch import nn

import uniconv
from uniconv import Call
from uniconv.testing import assert_same_conv


def ported(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """Somebody's port of Knet's conv4(w, x; padding=1) to torch: the layouts, but no flip."""
    y = nn.functional.conv2d(x.permute(3, 2, 0, 1), w.permute(3, 2, 0, 1), padding=1)
    return y.permute(2, 3, 1, 0)


def test_the_port_is_knets_cross_correlation():
    assert_same_conv(ported, Call(dialect="knet.conv4", padding=1, mode=1))


def test_the_port_forgot_the_flip():
    with pytest.raises(AssertionError, match="with w reversed along spatial axes 0, 1"):
        assert_same_conv(ported, Call(dialect="knet.conv4", padding=1))


def test_knets_two_functions_agree_when_both_are_asked_to_flip():
    ops21 = uniconv.native("knet.ops21.conv")  # the weight comes first, as in Julia
    assert_same_conv(
        lambda x, w: ops21(w, x, stride=2, crosscorrelation=False),
        Call(dialect="knet.conv4", stride=2),
    )


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_two_spellings_of_tensorflow_agree(padding):
    conv2d = uniconv.native("tf.nn.conv2d")
    assert_same_conv(
        lambda x, w: conv2d(x, w, strides=1, padding=padding),
        Call(dialect="tf.nn.convolution", padding=padding),
        arrays="numpy",
    )

"""Specs in every form that the rules allow: made-up functions, checked by hand and by laws."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from tests.test_laws import by_the_oracle
from uniconv._calls.lift import lift
from uniconv._calls.lower import lower
from uniconv._calls.plan import plan
from uniconv._canonical.layout import Layout
from uniconv._dialects.onnx import BEGINS_ENDS
from uniconv.errors import BadOption, UniconvError
from uniconv.spec.forms import INTERLEAVED, SYMMETRIC
from uniconv.spec.groups import UNGROUPED
from uniconv.spec.op import Op, OptionPerAxis
from uniconv.spec.padding import Crop, Pad
from uniconv.spec.rules import REQUIRED, Choice, InertOption, PerAxis, Scalar
from uniconv.spec.words import full, same_lower, same_total, valid
from uniconv.testing import random_case
from uniconv.testing.cases import probe

BARE = Op(
    "its.filter",
    kind="conv",
    params="x:image w:kernel mode boundary cval",
    layout=Layout("...", "...", "..."),
    stride=None,
    dilation=None,
    pad=Pad("mode", "full", words={"full": full, "same": same_total, "valid": valid}),
    groups=UNGROUPED,
    reverse=True,
    batch=(0, 0),
    boundary=Choice("boundary", {"zero": "zeros", "fill": "constant", "wrap": "circular"}, "zero"),
    fill=Scalar("cval", 0.0),
    source="made up",
)
NAMED = Op(
    "its.layer",
    kind="conv",
    params="x:x w:w stride_h stride_w pad_top pad_bottom pad_left pad_right spread",
    layout=Layout("c ...", "o i ...", "o ...", (2,)),
    stride=PerAxis("stride", REQUIRED, accepts=("axes",)),
    dilation=None,
    lhs_dilation=PerAxis("spread"),
    pad=Pad("pad", REQUIRED, form=INTERLEAVED),
    per_axis_options={
        "stride": OptionPerAxis(("stride_h", "stride_w"), 1, {"stride_h": "stride_w"}),
        "pad": OptionPerAxis(("pad_top", "pad_bottom", "pad_left", "pad_right"), 0),
    },
    batch=(0, 0),
    source="made up",
)
EITHER = replace(
    NAMED,
    name="its.field",
    params="x:x w:w stride stride_h stride_w pad activation",
    lhs_dilation=None,
    stride=PerAxis("stride", accepts=("int", "axes")),
    pad=Pad("pad", 0, form=SYMMETRIC),
    per_axis_options={"stride": OptionPerAxis(("stride_h", "stride_w"), 0, whole=True)},
    square=True,
    inert_options=(InertOption("activation", only="linear", reason="apply it to y"),),
)
SPELLED = replace(
    NAMED,
    name="its.general",
    params="x:x w:w strides pads auto_pad spread",
    layout=Layout("s0 n s1 c", "s0 i s1 o", "o s0 n s1", (2,)),
    stride=PerAxis("strides"),
    pad=Pad(
        "pads",
        None,
        form=BEGINS_ENDS,
        word_option=Choice(
            "auto_pad", {"NOTSET": None, "SAME_LOWER": same_lower, "VALID": valid}, "VALID"
        ),
    ),
    per_axis_options={},
    batch=(1, 1),
)
TURNED = replace(
    SPELLED,
    name="its.transpose",
    kind="conv_transpose",
    params="x:x w:w strides pads output_padding output_shape",
    layout=Layout("n c ...", "c m ...", "n o ..."),
    lhs_dilation=None,
    pad=Crop(
        Pad("pads", 0, form=SYMMETRIC),
        output_padding=PerAxis(
            "output_padding", None, least=0, accepts=("none", "int", "axes"), absent=None
        ),
        shape="output_shape",
        shape_forms=("axes", "full"),
        shape_default=None,
        adjoint=False,
    ),
)
SAMPLED = replace(
    TURNED,
    name="its.sample",
    params="x:x w:w strides pads output_shape",
    stride=PerAxis("strides", (1,), accepts=("int", "one", "axes", "sample")),
    pad=Crop(
        Pad("pads", 0, form=SYMMETRIC),
        shape="output_shape",
        shape_forms=("sample",),
        shape_default=None,
    ),
)
OPS = [BARE, NAMED, EITHER, SPELLED, TURNED, SAMPLED]
EACH = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)


@EACH
def test_calls_made_from_the_spec_are_computed_as_the_reference_does(op):
    rng = random.Random(op.name)
    for seed in range(60):
        case = random_case(op, rng)
        call, (x, w) = case.call, probe(case, seed)
        y = plan(op, case.options, case.x_shape, case.w_shape)(x, w)
        assert y.shape == call.output, case
        np.testing.assert_array_equal(y, by_the_oracle(case, x, w), err_msg=str(case))


@EACH
def test_a_call_is_lifted_into_its_own_words(op):
    rng = random.Random(op.name)
    for _ in range(40):
        call = random_case(op, rng).call
        assert lift(call, op).call.conv.tight(
            call.sizes.size, call.sizes.kernel
        ) == call.conv.tight(call.sizes.size, call.sizes.kernel)


def test_arrays_without_batch_and_channels():
    x, w = np.array([1, 2, 3, 4.0]), np.array([1, 10, 100.0])
    assert plan(BARE, {}, (4,), (3,))(x, w).tolist() == [1, 12, 123, 234, 340, 400]
    filled = plan(BARE, {"mode": "same", "boundary": "fill", "cval": 5}, (4,), (3,))
    assert filled(x, w).tolist() == [512, 123, 234, 345]


def test_one_option_for_each_axis():
    call = lower(NAMED, {"stride_w": 3, "pad_left": 1}, (2, 5, 6), (4, 2, 2, 3))
    assert (call.conv.stride, call.conv.pad) == ((3, 3), ((0, 0), (1, 0)))
    assert lower(NAMED, {"stride_h": 2}, (2, 5, 6), (4, 2, 2, 3)).conv.stride == (2, 1)
    with pytest.raises(BadOption) as caught:
        lower(NAMED, {"stride_h": 0, "stride_w": 2}, (2, 5, 6), (4, 2, 2, 3))
    assert str(caught.value) == "its.layer: stride_h=0, stride_w=2 must be at least 1 on every axis"
    with pytest.raises(BadOption) as caught:
        lower(NAMED, {"stride": 2}, (2, 5, 6), (4, 2, 2, 3))
    assert str(caught.value) == (
        'its.layer has no option "stride": did you mean stride_h or stride_w?'
    )


def test_a_name_follows_another_through_a_third():
    follows = {"pad_bottom": "pad_top", "pad_top": "pad_left"}
    sides = OptionPerAxis(("pad_top", "pad_bottom", "pad_left", "pad_right"), 0, follows)
    op = replace(NAMED, per_axis_options={**NAMED.per_axis_options, "pad": sides})
    call = lower(op, {"stride_w": 1, "pad_left": 3, "pad_right": 1}, (2, 5, 6), (4, 2, 2, 3))
    assert call.conv.pad == ((3, 3), (3, 1))


def refused(op, options, w_shape=(4, 2, 3, 3), x_shape=(2, 5, 6)):
    with pytest.raises(UniconvError) as caught:
        lower(op, options, x_shape, w_shape)
    return str(caught.value)


def test_an_option_for_all_axes_or_one_for_each():
    def stride(**options):
        told = {"activation": "linear"} | options
        return lower(EITHER, told, (2, 5, 6), (4, 2, 3, 3)).conv.stride

    assert stride() == (1, 1)
    assert stride(stride=2) == (2, 2)
    assert stride(stride=(3, 2)) == stride(stride_h=3, stride_w=2) == (3, 2)
    assert refused(EITHER, {"activation": "linear", "stride": 1, "stride_h": 2}) == (
        "its.field: stride_h cannot stand beside stride; give one or the other"
    )
    assert refused(EITHER, {"activation": "linear", "stride_h": 2}) == (
        "its.field: stride_h=2, stride_w=0 must be at least 1 on every axis"
    )
    assert refused(EITHER, {"activation": "linear", "stride": (2, 0)}) == (
        "its.field: stride=(2, 0) must be at least 1 on every axis"
    )


def test_a_default_that_acts_must_be_said_away():
    assert refused(EITHER, {}) == (
        'its.field: option "activation" is missing; must be "linear": apply it to y'
    )
    assert refused(EITHER, {"activation": "leaky"}) == (
        'its.field: activation="leaky" must be "linear": apply it to y'
    )


def test_square_kernels():
    assert refused(EITHER, {"activation": "linear"}, (4, 2, 3, 2)) == (
        'its.field: w (4, 2, 3, 2) read as "o i ..." has spatial sizes (3, 2); kernels are square'
    )


def test_lists_of_every_axis_but_the_batch():
    shapes = {"x_shape": (1, 2, 2, 3), "w_shape": (2, 4, 3, 3)}
    call = lower(SAMPLED, {"strides": (7, 2, 3), "output_shape": [4, 6, 9]}, *shapes.values())
    assert (call.conv.lhs_dilation, call.output) == ((2, 3), (1, 4, 6, 9))
    assert refused(SAMPLED, {"output_shape": [5, 6, 9], "strides": (2, 3)}, **shapes) == (
        'its.sample: output_shape=[5, 6, 9] read as "n o ..." has 5 channels; they must be the 4 '
        'that w (2, 4, 3, 3) read as "c m ..." gives'
    )
    assert refused(SAMPLED, {"output_shape": [6, 9]}, **shapes) == (
        "its.sample: output_shape=[6, 9] must be a list of 3 integers of at least 0"
    )
    assert refused(SAMPLED, {"strides": (1, 1, 1, 1)}, **shapes) == (
        "its.sample: strides=(1, 1, 1, 1) must be an integer or a list of 1, 2 or 3 integers: "
        "for 2 spatial axes strides=[1, 1] would do"
    )

"""Specs in every form that the rules allow: made-up functions, checked by hand and by laws."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from tests.test_laws import by_the_oracle
from uniconv.dialect import UNGROUPED, Gathered, Op
from uniconv.errors import BadOption
from uniconv.layout import Layout
from uniconv.lift import lift
from uniconv.lower import lower
from uniconv.padding import BEGINS_ENDS, INTERLEAVED, SYMMETRIC, full, same_lower, same_total, valid
from uniconv.plan import plan
from uniconv.rules import REQUIRED, Choice, Crop, Pad, PerAxis, Scalar
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
    gathered={
        "stride": Gathered(("stride_h", "stride_w"), 1, {"stride_h": "stride_w"}),
        "pad": Gathered(("pad_top", "pad_bottom", "pad_left", "pad_right"), 0),
    },
    batch=(0, 0),
    source="made up",
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
        by=Choice("auto_pad", {"NOTSET": None, "SAME_LOWER": same_lower, "VALID": valid}, "VALID"),
    ),
    gathered={},
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
        extra=PerAxis(
            "output_padding", None, least=0, accepts=("none", "int", "axes"), absent=None
        ),
        shape="output_shape",
        shape_forms=("axes", "full"),
        shape_default=None,
        adjoint=False,
    ),
)
OPS = [BARE, NAMED, SPELLED, TURNED]
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
    assert str(caught.value) == 'its.layer has no option "stride": did you mean "stride_w"?'

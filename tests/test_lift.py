"""Lift, by its laws: a lifted call is the same call, in the record and in numbers."""

import random

import numpy as np
import pytest

from uniconv._calls.lift import lift
from uniconv._calls.lower import lower
from uniconv.conformance.crossing import crossings, made_by, mains, own_options, run_by
from uniconv.errors import CannotExpress
from uniconv.spec.registry import find, functions
from uniconv.testing.cases import probe, random_case

FUNCTIONS = sorted(functions())


def lowered(case):
    shapes = [s for s in (case.x_shape, case.w_shape, case.pointwise_shape) if s is not None]
    return lower(case.op, case.options, *shapes)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_lower_after_lift_is_the_same_call(name):
    rng = random.Random(name)
    for _ in range(30):
        call = lowered(random_case(find(name), rng))
        again = lift(call, call.op)
        assert again.call.sizes == call.sizes
        assert again.call.conv.tight(call.sizes.size, call.sizes.kernel) == call.conv.tight(
            call.sizes.size, call.sizes.kernel
        )
        assert not again.reversed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_call_lifted_into_any_function_gives_the_same_numbers(name):
    rng, seen = random.Random(name), 0
    for n in range(10):
        case = random_case(find(name), rng)
        dtype = "float64" if "float64" in case.op.dtypes else case.op.dtypes[0]
        arrays = probe(case, seed=n, dtype=dtype)
        y = made_by(case.op, own_options(case), *arrays)
        for other in (name, *rng.sample(FUNCTIONS, 30)):
            if dtype not in find(other).dtypes or find(other).result != case.op.result:
                continue
            try:
                got = run_by(find(other), case, arrays)
            except CannotExpress:
                continue
            np.testing.assert_array_equal(got, y, err_msg=f"{case} -> {other}")
            seen += 1
    assert seen >= 10


@pytest.mark.parametrize(
    ("kind", "rank"),
    [("conv", 1), ("conv", 2), ("conv", 3), ("conv_transpose", 2), ("depthwise_conv", 2)],
)
def test_the_main_functions_of_all_families_agree(kind, rank):
    found = crossings(kind, rank, 3)
    assert [pair for pair, crossing in found.items() if crossing.different] == []
    for op in mains(kind, rank):
        assert found[op.name, op.name].equal == 3


def call(name, x, w, **options):
    return lower(find(name), options, x, w)


SAME = call("tf.nn.conv2d", (2, 6, 7, 3), (3, 2, 3, 5), strides=2, padding="SAME")
KNET = call("knet.conv4", (5, 6, 3, 2), (3, 2, 3, 4), padding=1)
SPREAD = call("F.conv_transpose2d", (2, 3, 5, 6), (3, 4, 3, 2), stride=2)
GROUPS = call("F.conv2d", (2, 4, 5, 6), (6, 2, 3, 2), groups=2)
POINT = lower(
    find("tf.nn.separable_conv2d"),
    {"strides": [1, 1, 1, 1], "padding": "VALID"},
    *((1, 5, 6, 3), (2, 3, 3, 2), (1, 1, 6, 4)),
)
REFUSED = [
    (SAME, "F.conv1d", "rank", "it has 1 spatial axes, the call 2"),
    (SAME, "F.conv2d", "pad", "padding takes one of"),
    (KNET, "F.conv2d", "reverse", "it has no option for a convolution; flip_kernel=True"),
    (SPREAD, "F.conv2d", "lhs_dilation", "it does not spread x by (2, 2)"),
    (SAME, "F.conv_transpose2d", "stride", "its own stride spreads x; (2, 2) skips y"),
    (GROUPS, "tf.nn.depthwise_conv2d", "groups", "every channel is its own group, the call has 2"),
    (GROUPS, "tf.nn.separable_conv2d", "pointwise", "the call has no pointwise kernel"),
    (POINT, "tf.nn.conv2d", "pointwise", "the call has a pointwise kernel"),
    (SAME, "tf.nn.atrous_conv2d", "stride", "it has no stride, the call has (2, 2)"),
    (
        call("tf.nn.conv2d", (2, 4, 6, 7, 3), (3, 2, 3, 5), strides=2, padding="SAME"),
        "knet.conv4",
        "batch",
        "x has 2 batch axes, it takes 1 to 1",
    ),
    (
        call("nn.Conv2d", (2, 3, 5, 6), (4, 3, 3, 2), padding=1, padding_mode="reflect"),
        "tf.nn.conv2d",
        "boundary",
        "it pads with zeros only, not reflect",
    ),
    (
        call("knet.conv4", (5, 6, 3, 2), (3, 2, 3, 4), alpha=2, mode=1),
        "tf.nn.conv2d",
        "scale",
        "it does not scale its result by 2",
    ),
    (
        call("knet.ops21.conv", (5, 6, 3, 2), (3, 2, 3, 4), beta=2),
        "knet.conv4",
        "addend",
        "it adds nothing to its result",
    ),
    (
        call("tf.nn.conv2d", (2, 9, 8, 3), (3, 2, 3, 5), strides=2, dilations=2, padding="VALID"),
        "tf.nn.convolution",
        "contract",
        "strides=2, dilations=2: strides > 1 are not supported together with dilations > 1",
    ),
]


@pytest.mark.parametrize(("given", "other", "field", "reason"), REFUSED)
def test_what_a_function_cannot_say_is_named(given, other, field, reason):
    with pytest.raises(CannotExpress) as caught:
        lift(given, find(other))
    assert caught.value.field == field
    assert caught.value.reason.startswith(reason)
    assert str(caught.value).startswith(f"{find(other).name} cannot express {field}: {reason}")


def test_padding_that_no_window_reads_may_differ():
    """TF's SAME pads (0, 1) and (0, 0) here; 7 wide at stride 2 leaves PyTorch's (0, 0) as good."""
    given = call("tf.nn.conv2d", (2, 7, 8, 3), (3, 2, 3, 5), strides=2, padding="SAME")
    assert given.conv.pad == ((1, 1), (0, 0))
    assert lift(given, find("F.conv2d")).options == {"stride": 2, "padding": (1, 0)}
    # Even and 3 wide, PyTorch's padding=1 after is never read: stride 2 steps over it.
    uneven = call(
        "tf.nn.conv2d",
        (2, 8, 8, 3),
        (3, 3, 3, 5),
        strides=2,
        padding=[[0, 0], [1, 0], [1, 0], [0, 0]],
    )
    assert lift(uneven, find("F.conv2d")).options == {"stride": 2, "padding": 1}


def test_the_kernel_may_be_reversed_where_there_is_no_switch():
    lifted = lift(KNET, find("tf.nn.conv2d"), flip_kernel=True)
    assert lifted.reversed
    assert lifted.options == {"strides": 1, "padding": [[0, 0], [1, 1], [1, 1], [0, 0]]}
    assert not lift(KNET, find("knet.ops21.conv")).reversed
    assert lift(KNET, find("knet.ops21.conv")).options == {"padding": 1, "crosscorrelation": False}

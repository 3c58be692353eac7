"""Every error that no table of refused calls holds, by its full text; no other exception leaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import uniconv
from tests.refusals import TABLES
from tests.refusals.bad_call import Call
from uniconv._canonical.layout import Layout
from uniconv._canonical.record import Sizes
from uniconv._dialects.knet import CONV4, KNET
from uniconv._dialects.mlx import grouped_and_three_axes
from uniconv.errors import BadArray, BadOption, BadShape, CannotExpress, UniconvError, UnknownName
from uniconv.files.named_array import NamedArray
from uniconv.spec import registry
from uniconv.spec.dimension_strings import DimensionNumbers
from uniconv.spec.framework import Framework
from uniconv.spec.groups import Count
from uniconv.spec.op import OptionPerAxis
from uniconv.spec.padding import Crop, Pad
from uniconv.spec.refusals import Refusal, strided_and_dilated
from uniconv.spec.registry import find
from uniconv.spec.rules import CallContext, Choice, PerAxis
from uniconv.spec.words import same_upper

X, W = np.ones((2, 4, 7, 9), np.float32), np.ones((6, 4, 3, 2), np.float32)
# Julia's layout, integers.
XJ, WJ = np.ones((7, 9, 4, 2), np.int32), np.ones((3, 2, 4, 5), np.int32)
KNOWN = ", ".join(registry.frameworks())
GOOD = [call for name in ("tf", "pytorch", "knet") for call in TABLES[name].good]
NO_TEXT = 'a function is named by a string such as "tf.nn.conv2d"; this name is of type '
KINDS = "torch tensor, a NumPy array or an array with DLPack (numpy.asarray makes one of lists)"


def raises(error: type[Exception], text: str, call: Callable[[], Any]) -> None:
    """The call raises exactly this error with exactly this text."""
    with pytest.raises(error) as raised:
        call()
    assert raised.type is error
    assert str(raised.value) == text


# Names


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tf.nn.conv2dd", 'no function is named "tf.nn.conv2dd": did you mean "tf.nn.conv2d"?'),
        ("TF", 'no function is named "TF": did you mean "tf"?'),
        (
            "torch.nn.conv2d",
            'no function is named "torch.nn.conv2d": did you mean "torch.nn.Conv2d"?',
        ),
        ("foo", f'no function is named "foo": known: {KNOWN}'),
        ("", f'no function is named "": known: {KNOWN}'),
        (3, NO_TEXT + "int"),
        (["tf"], NO_TEXT + "list"),
        (None, NO_TEXT + "NoneType"),
    ],
)
def test_unknown_name(name: Any, text: str) -> None:
    raises(UnknownName, text, lambda: uniconv.conv(X, W, dialect=name))


def test_a_family_is_no_function() -> None:
    text = (
        'no function is named "knet": that is a family; its functions are '
        "knet.conv4, knet.deconv4, knet.ops21.conv"
    )
    raises(UnknownName, text, lambda: uniconv.native("knet"))


@pytest.mark.parametrize("call", [uniconv.native, uniconv.describe])
def test_a_name_is_text(call: Callable[[Any], Any]) -> None:
    raises(UnknownName, NO_TEXT + "int", lambda: call(3))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: uniconv.conv_transpose(X, W, dialect="tf.nn.conv2d"),
            "tf.nn.conv2d is a conv, not a conv_transpose: call uniconv.conv",
        ),
        (
            lambda: uniconv.conv(X, W, dialect="tf.nn.separable_conv2d"),
            "tf.nn.separable_conv2d is a separable_conv, not a conv: call uniconv.separable_conv",
        ),
        (
            lambda: uniconv.separable_conv(X, W, W, dialect="knet.conv4"),
            "knet.conv4 is a conv, not a separable_conv: call uniconv.conv",
        ),
        (
            lambda: uniconv.depthwise_conv(X, W, dialect="torch"),
            "pytorch has no depthwise_conv; it has conv, conv_transpose: conv(..., groups=C), C "
            "the channels of x, is a depthwise one",
        ),
    ],
)
def test_a_function_of_another_kind(call: Callable[[], Any], text: str) -> None:
    raises(UnknownName, text, call)


@pytest.mark.parametrize(
    ("axes", "dialect", "text"),
    [
        (2, "tf", "tf: w has 2 axes, but as the kernel of a conv it must have 3, 4 or 5"),
        (1, "knet", "knet: w has 1 axis, but as the kernel of a conv it must have 3, 4 or 5"),
        (6, "torch", "pytorch: w has 6 axes, but as the kernel of a conv it must have 3, 4 or 5"),
    ],
)
def test_a_family_without_a_function_of_that_rank(axes: int, dialect: str, text: str) -> None:
    raises(BadShape, text, lambda: uniconv.conv(X, np.ones((1,) * axes), dialect=dialect))


# Specs


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": "pool"}, "unknown kind pool"),
        ({"source": ""}, "a source is missing"),
        (
            {"params": "w:w x:x * padding stride dilation mode"},
            "params leave out alpha, group, which its rules read",
        ),
        (
            {"params": f"{CONV4.params} grupo"},
            "params name grupo, which no rule reads; its rules read alpha, dilation, group, mode, "
            "padding, stride",
        ),
        (
            {"refusals": (Refusal(strided_and_dilated, ("stride", "dilate"), "no kernel", "x"),)},
            'the refusal strided_and_dilated names the option "dilate", which it does not have: '
            'did you mean "dilation"?',
        ),
        (
            {"warnings": (Refusal(grouped_and_three_axes, (), "no kernel", "x"),)},
            'the refusal grouped_and_three_axes names the option "groups", which it does not '
            'have: did you mean "group"?',
        ),
        (
            {"params": f"{CONV4.params} turned", "aliases": {"turned": "flip"}},
            'the alias turned names the option "flip", which it does not have; it has alpha, '
            "dilation, group, mode, padding, stride",
        ),
        (
            {"pad": Pad("padding", 0, {"same": Choice("side", {0: same_upper})})},
            'the rule of padding names the option "side", which it does not have: did you '
            'mean "stride"?',
        ),
        (
            {"layout": DimensionNumbers("mode", {0: CONV4.layout.usual}, 0, swapped="swap")},
            'the rule of mode names the option "swap", which it does not have; it has alpha, '
            "dilation, group, mode, padding, stride",
        ),
        (
            {"per_axis_options": {"pads": OptionPerAxis(("padding",), whole=True)}},
            'per_axis_options names the option "pads", which it does not have: did you mean '
            '"padding"?',
        ),
        (
            {
                "params": "w:w x:x * padding stride_h stride_w dilation mode alpha group",
                "per_axis_options": {
                    "stride": OptionPerAxis(("stride_h", "stride_w"), 1, {"stride_w": "stride"})
                },
            },
            'per_axis_options of stride names the option "stride", which it does not have: did '
            'you mean "stride_w"?',
        ),
        ({"pad": Crop(Pad("padding", 0))}, "a transposed op has a Crop, others a Pad"),
        ({"pointwise": "... i o"}, "a separable op has a second kernel"),
    ],
)
def test_bad_spec(change: dict[str, Any], text: str) -> None:
    raises(TypeError, f"spec knet.conv4: {text}", lambda: replace(CONV4, **change))


@pytest.mark.parametrize(
    ("functions", "main", "text"),
    [
        ((CONV4, CONV4), {}, "dialect mine: two functions of one name"),
        (
            (CONV4,),
            {"conv_transpose": {2: "knet.conv4"}},
            "dialect mine: knet.conv4 is no conv_transpose of rank 2",
        ),
        ((CONV4,), {"conv": {4: "knet.conv4"}}, "dialect mine: knet.conv4 is no conv of rank 4"),
    ],
)
def test_bad_dialect(functions: Any, main: Any, text: str) -> None:
    raises(TypeError, text, lambda: Framework("mine", "Mine", "1", functions, main))


# Arrays


@pytest.mark.parametrize(
    ("value", "kind"), [([[1.0]], "list"), (None, "NoneType"), (3.5, "float"), ("x", "str")]
)
def test_no_array(value: Any, kind: str) -> None:
    text = f"{{}} is a builtins.{kind}, no array: give a tensor or a NumPy array"
    raises(BadArray, text.format("x"), lambda: uniconv.conv(value, W))
    raises(BadArray, text.format("w"), lambda: uniconv.conv(X, value))
    separable = (2, 7, 9, 4), (3, 2, 4, 3)
    x, w = (np.ones(shape, np.float32) for shape in separable)
    options = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    raises(
        BadArray,
        text.format("the pointwise kernel"),
        lambda: uniconv.separable_conv(x, w, value, **options),
    )


def test_no_bias() -> None:
    raises(BadArray, f"builtins.list is no array: give a {KINDS}", lambda: uniconv.conv(X, W, [1]))


@pytest.mark.parametrize(
    ("dtype", "why"),
    [
        (object, "a NumPy array of Python objects (object) has no numbers to convolve: array.ast"),
        ("U3", "a NumPy array of strings (<U3) has no numbers to convolve: array.astype("),
        (
            "M8[s]",
            "torch cannot read a NumPy array of dtype datetime64[s]: can't convert np.ndarray of "
            "type numpy.datetime64.",
        ),
    ],
)
def test_numpy_dtypes_that_torch_cannot_read(dtype: Any, why: str) -> None:
    with pytest.raises(BadArray) as raised:
        uniconv.conv(X.astype(dtype), W)
    assert str(raised.value).startswith(why)


def test_what_would_be_dropped_is_refused() -> None:
    """A mask, a gradient: each is part of what was brought, and y could not show it."""
    raises(
        BadArray,
        "a masked array's mask would be dropped: fill what it hides, array.filled(0), or give "
        "array.data to compute with the numbers behind the mask",
        lambda: uniconv.conv(np.ma.masked_array(X, X > 1), W),
    )
    w = torch.tensor(W, requires_grad=True)
    raises(
        BadArray,
        "torch.nn.functional.conv2d: x is a numpy.ndarray and w a tensor that needs a gradient; y "
        "is of x's kind and would have none: give torch.as_tensor(x), or w.detach()",
        lambda: uniconv.conv(X, w),
    )
    with torch.no_grad():
        assert isinstance(uniconv.conv(X, w), np.ndarray)


@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_nested_tensors_are_refused(layout: torch.layout) -> None:
    rows = [torch.zeros(4, 8, 8), torch.zeros(4, 7, 8)]
    raises(
        BadArray,
        "x is a nested tensor, whose rows have lengths of their own: call once for each of "
        "x.unbind(), or give x.to_padded_tensor(0)",
        lambda: uniconv.conv(torch.nested.nested_tensor(rows, layout=layout), torch.tensor(W)),
    )


def test_what_holds_an_array_is_no_array() -> None:
    held = NamedArray("w", W)
    raises(
        BadArray,
        f"uniconv.files.named_array.NamedArray is no array: give its .array, a {KINDS}",
        lambda: uniconv.conv(X, held),
    )


def test_a_dtype_that_is_not_taken_is_named_with_its_array() -> None:
    raises(
        BadArray,
        "tf.nn.conv2d: w is int8, which is not one of float16, bfloat16, float32, float64, int32: "
        'w.astype("float32"), or w.to(torch.float32)',
        lambda: uniconv.conv(
            X.transpose(0, 2, 3, 1),
            W.transpose(2, 3, 1, 0).astype("int8"),
            dialect="tf",
            strides=1,
            padding="SAME",
        ),
    )


def test_a_bias_of_another_shape_is_reshaped() -> None:
    raises(
        BadShape,
        "torch.nn.functional.conv2d: bias (1, 6, 1, 1) must be (6,): bias.reshape(6)",
        lambda: uniconv.conv(X, W, np.ones((1, 6, 1, 1), np.float32)),
    )


def test_devices_that_there_are_not() -> None:
    raises(
        BadArray,
        "device='gpu': torch has no device of that name: did you mean \"cuda\"?",
        lambda: uniconv.conv(X, W, device="gpu"),
    )


@pytest.mark.parametrize("scale", [0.5, 1j])
def test_integers_cannot_be_scaled_by_a_fraction(scale: complex) -> None:
    text = f"knet.conv4: int32 cannot hold a result scaled by {scale}"
    raises(BadArray, text, lambda: uniconv.conv(XJ, WJ, dialect="knet.conv4", alpha=scale))


# Native signatures


def test_neither_spelling_of_the_kernel() -> None:
    text = "tf.compat.v1.nn.conv2d: one of filter, filters is missing; give exactly one"
    v1 = uniconv.native("tf.compat.v1.nn.conv2d")
    raises(BadOption, text, lambda: v1(np.ones((2, 7, 9, 4)), strides=1, padding="SAME"))


# What an option cannot say: the record is written in a function's words

FACTS = CallContext(
    "its.name",
    "Its",
    Layout("n ... c", "... i o", "n ... o"),
    Sizes((1,), 1, 1, (5, 6), (3, 2)),
    stride=(1, 1),
    dilation=(1, 1),
)
PAIRS = ((1, 2), (0, 0))


@pytest.mark.parametrize(
    ("write", "field", "reason"),
    [
        (lambda: Choice("mode", {0: True}).write(False, FACTS), "mode", "no mode means False"),
        (
            lambda: PerAxis("rate", accepts=("int",)).write((1, 2), FACTS),
            "rate",
            "one rate serves all axes, not (1, 2)",
        ),
        (
            lambda: KNET.functions[0].pad.write(PAIRS, FACTS),  # type: ignore[arg-type]
            "pad",
            "padding takes an integer of at least 0, or one per spatial axis: as many pixels "
            "before as after, not ((1, 2), (0, 0))",
        ),
    ],
)
def test_cannot_express(write: Callable[[], Any], field: str, reason: str) -> None:
    raises(CannotExpress, f"its.name cannot express {field}: {reason}", write)
    with pytest.raises(CannotExpress) as raised:
        write()
    error = raised.value
    assert (error.function, error.field, error.reason) == ("its.name", field, reason)


def test_count_says_what_it_takes() -> None:
    text = "its.name: groups=0 must be an integer of at least 1"
    raises(BadOption, text, lambda: Count("groups").read(0, FACTS))


# Nothing else leaks: whatever is given, y or a UniconvError comes back

HUGE = 10**30
ODD_VALUES = [
    *(None, 0, -1, 2.0, True, 1j, HUGE, -(2**31) - 1, float("nan"), float("inf")),
    *("", "x", "SAME", "same", "valid", "\udcff", b"SAME", object, len, {}, {1: 2}, set()),
    *([], (), [1], [1, 1, 1, 1, 1], [[]], [[], []], [None], ["a"], [[0, 0], [1], [1, 1], [0, 0]]),
    *([[0, 0], ["a", "b"], [1, 1], [0, 0]], [10**20, 1], iter([1, 1]), range(2)),
    *(np.int64(2), np.bool_(True), np.array(2), np.array([]), np.array([1, 2]), np.array(2.5)),
    *(np.ones((2, 2)), torch.tensor(2), torch.tensor([1, 1]), torch.tensor(1.5)),
]


def comes_back(call: Call) -> None:
    try:
        y = call.through_uniconv()
    except UniconvError:
        return
    assert isinstance(y, torch.Tensor)


@pytest.mark.parametrize("call", GOOD, ids=str)
def test_odd_option_values(call: Call) -> None:
    op = find(call.function)
    for option in (*op.rules, *op.aliases):
        for value in ODD_VALUES:
            if op.scale and option == op.scale.option and value is HUGE:
                continue  # a number like any other; whether x's dtype holds it is x's affair
            given = {**call.options, option: value}
            given.pop(op.aliases.get(option, ""), None)
            comes_back(replace(call, options=given))


@pytest.mark.parametrize("call", GOOD, ids=str)
def test_shapes_with_a_zero_one_axis_less_or_one_more(call: Call) -> None:
    for role in ("x_shape", "w_shape", "pointwise_shape"):
        shape = getattr(call, role)
        for axis in range(len(shape or ())):
            for changed in (
                (*shape[:axis], 0, *shape[axis + 1 :]),
                (*shape[:axis], *shape[axis + 1 :]),
                (*shape[:axis], 1, *shape[axis:]),
                shape[axis:],
                (0,) * axis,
            ):
                comes_back(replace(call, **{role: changed}))


@pytest.mark.parametrize("call", GOOD, ids=str)
def test_x_and_w_exchanged(call: Call) -> None:
    comes_back(replace(call, x_shape=call.w_shape, w_shape=call.x_shape))


def test_an_option_of_several_numbers_is_named_by_them():
    with pytest.raises(BadOption, match="did you mean pad_top, pad_bottom, pad_left or pad_right"):
        uniconv.conv(np.ones((2, 4, 4)), np.ones((2, 2, 2, 2)), dialect="ncnn", padding=1)


@pytest.mark.parametrize(
    ("padding", "must"), [(-1, "must not be negative"), ((1, -1), "must have no negative number")]
)
def test_negative_padding(padding, must):
    with pytest.raises(BadOption) as raised:
        uniconv.conv(np.ones((1, 2, 4, 4)), np.ones((2, 2, 2, 2)), padding=padding)
    assert str(raised.value) == f"torch.nn.functional.conv2d: padding={padding} {must}"

"""Call: one noun for all verbs; nothing of the verbs clashes with an option; misuse is answered."""

from __future__ import annotations

import copy
import inspect
import pickle
import random
from typing import Any

import numpy as np
import pytest
import torch

import uniconv
from uniconv import Call, compare, conv, diagnose, explain, probe
from uniconv._canonical.layout import axes
from uniconv.errors import BadArray, BadCall, BadOption, BadShape, UniconvError, UnknownName
from uniconv.files import NamedArray
from uniconv.spec.registry import functions
from uniconv.testing import assert_close_conv, assert_same_conv, random_case
from uniconv.testing import probe as numbers_for

X, W = np.arange(20.0).reshape(1, 5, 4, 1), np.arange(6.0).reshape(3, 2, 1, 1)
TF = {"dialect": "tf.nn.conv2d", "strides": 1, "padding": "VALID"}


@pytest.mark.parametrize("name", sorted(functions()))
def test_a_call_runs_as_the_operation_does(name):
    """Of every function: y is the operation's, and its shape is the one that was foreseen."""
    op, rng = functions()[name], random.Random(name)
    operation = getattr(uniconv, op.kind)
    dtype = "float32" if "float32" in op.dtypes else op.dtypes[0]
    for seed in range(3):
        case = random_case(op, rng)
        x, w, *point = numbers_for(case, seed, dtype)
        bias = None
        if op.bias == "o" and "o" in axes(case.call.layout.y, case.call.rank):
            bias = np.arange(case.call.o).astype(dtype)
        shapes = Call(
            *(x.shape, w.shape), dialect=name, pointwise=point[0].shape if point else None,
            **case.options,
        )  # fmt: skip
        call = Call(x, w, bias, dialect=name, pointwise=point[0] if point else None, **case.options)
        y = operation(x, w, *point, bias, dialect=name, **case.options)
        np.testing.assert_array_equal(call.run(), y)
        assert call.shapes["y"] == shapes.shapes["y"] == y.shape
        assert call.shapes == shapes.shapes
        assert call.function is op


def test_no_native_option_is_called_as_an_argument_of_call():
    own = {*inspect.signature(Call.__init__).parameters}
    own -= {"self", "options"}
    assert own == {"x", "w", "bias", "dialect", "kind", "pointwise"}
    for op in functions().values():
        options = {p for p in op.params.split() if ":" not in p} | {*op.aliases}
        options |= {*op.constructor_words, *(op.addend or ())[:1]}
        assert not options & own, op.name


def test_no_verb_takes_options_of_a_function():
    for verb in (explain, diagnose, compare, probe, assert_same_conv, assert_close_conv):
        kinds = {p.kind for p in inspect.signature(verb).parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds, verb


# What a call is


def test_a_family_means_its_main_function():
    def named(**more: Any) -> str:
        return Call(dialect="tf", **more).function.name

    assert named() == "tf.nn.conv2d"
    assert named(kind="conv_transpose") == "tf.nn.conv2d_transpose"
    assert named(pointwise=(1, 1, 4, 1)) == "tf.nn.separable_conv2d"
    options = {"strides": [1] * 4, "padding": "SAME"}
    deep = Call((1, 5, 4, 2), (3, 2, 2, 3), dialect="tf", kind="depthwise_conv", **options)
    assert deep.shapes["y"] == (1, 5, 4, 6)
    assert deep.function.name == "tf.nn.depthwise_conv2d"
    assert Call((1, 4, 1), (3, 1, 1), dialect="tf", stride=1, padding="SAME").function.name == (
        "tf.nn.conv1d"
    )
    assert {1, 2} & {*Call(dialect="scipy").function.ranks}


def test_arrays_of_every_kind():
    y = conv(X, W, **TF)
    tensors = Call(torch.from_numpy(X), torch.from_numpy(W), **TF).run()
    assert isinstance(tensors, torch.Tensor)
    np.testing.assert_array_equal(tensors.numpy(), y)
    np.testing.assert_array_equal(Call(X.tolist(), W.tolist(), **TF).run(), y)
    named = Call(NamedArray("image", X, 0.5), NamedArray("kernel", W), **TF)
    np.testing.assert_array_equal(named.run(), y)
    assert named.x.error == 0.5
    line = Call([1.0, 2, 3], [1.0, 10], dialect="numpy.convolve")
    assert line.run().tolist() == [1, 12, 23, 30]
    assert Call(X, W, **TF).run(device="cpu").shape == y.shape


def test_tuples_of_integers_are_shapes():
    call = Call(torch.Size((1, 5, 4, 1)), (np.int64(3), 2, 1, 1), **TF)
    assert call.shapes == {"x": (1, 5, 4, 1), "w": (3, 2, 1, 1), "y": (1, 3, 3, 1)}
    assert not call.has_arrays
    assert Call(X, W, **TF).has_arrays
    assert Call(**TF).shapes == {}


def test_it_is_frozen_compared_by_identity_and_pickles():
    call = Call(X, W, np.ones(1), **TF).with_result(X, {"y": 0.1})
    with pytest.raises(AttributeError):
        call.x = W
    assert call == call
    assert call != Call(X, W, np.ones(1), **TF)
    assert {call: 1}[call] == 1
    for again in (pickle.loads(pickle.dumps(call)), copy.deepcopy(call)):
        assert repr(again) == repr(call)
        assert again.tolerance == call.tolerance
        np.testing.assert_array_equal(again.run(), call.run())


def test_with_result_leaves_the_call_as_it_was():
    call = Call(X, W, **TF)
    held = call.with_result([[1.0]], 0.5)
    assert call.y is None
    assert call.tolerance is None
    assert (held.y.tolist(), held.tolerance) == ([[1.0]], 0.5)
    assert held.x is call.x


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            Call(X, W, np.ones(1), **TF),
            "Call(x (1, 5, 4, 1), w (3, 2, 1, 1), bias (1,), "
            'dialect="tf.nn.conv2d", strides=1, padding="VALID")',
        ),
        (
            Call((1, 4, 4, 2), (3, 3, 2, 1), pointwise=(1, 1, 2, 3), dialect="keras"),
            'Call((1, 4, 4, 2), (3, 3, 2, 1), pointwise=(1, 1, 2, 3), dialect="keras")',
        ),
        (Call(dialect="tf", kind="conv_transpose"), 'Call(dialect="tf", kind="conv_transpose")'),
        (
            Call(X, W, dialect=None).with_result(X),
            "Call(x (1, 5, 4, 1), w (3, 2, 1, 1), dialect=None).with_result(y (1, 5, 4, 1))",
        ),
        (
            Call(dialect="knet.ops21.conv", z=np.ones(3), beta=1),
            'Call(dialect="knet.ops21.conv", z (3,), beta=1)',
        ),
    ],
)
def test_how_it_prints(call, text):
    assert repr(call) == text


# Errors in full


@pytest.mark.parametrize(
    ("kind", "make", "text"),
    [
        (
            UnknownName,
            lambda: Call(dialect="tff"),
            'no function is named "tff": did you mean "tf"?',
        ),
        (
            UnknownName,
            lambda: Call(dialect=3),
            'a function is named by a string such as "tf.nn.conv2d"; this name is of type int',
        ),
        (
            UnknownName,
            lambda: Call(dialect="tf", kind="convolution"),
            "tf has no convolution; it has conv, conv_transpose, depthwise_conv, separable_conv",
        ),
        (
            UnknownName,
            lambda: Call(dialect="tf.nn.conv2d", kind="depthwise_conv"),
            "tf.nn.conv2d is a conv, not a depthwise_conv: leave kind out",
        ),
        (
            UnknownName,
            lambda: Call(X, W, dialect=None).run(),
            'a call with dialect=None names no function: say which, as dialect="tf.nn.conv2d"; '
            "only diagnose can look for it",
        ),
        (
            BadOption,
            lambda: Call(X, W, dialect=None, padding=1),
            "padding: a call with dialect=None has no options, as it names no function",
        ),
        (
            BadOption,
            lambda: Call(X, W, pointwise=W, **TF),
            "tf.nn.conv2d has one kernel: leave pointwise out",
        ),
        (
            BadOption,
            lambda: Call(X, W, dialect="tf", stride=1, padding="VALID"),
            'tf.nn.conv2d has no option "stride": did you mean "strides"?',
        ),
        (BadShape, lambda: Call(X, **TF), "tf.nn.conv2d: give both x and w, or neither"),
        (
            BadShape,
            lambda: Call(**TF).lowered,
            "tf.nn.conv2d: the call has no x and w: give arrays, or their shapes",
        ),
        (
            BadArray,
            lambda: Call(X, (3, 2, 1, 1), **TF),
            "tf.nn.conv2d: of x and w one is an array and one a shape: give arrays of numbers, or "
            "shapes alone",
        ),
        (
            BadArray,
            lambda: Call((1, 5, 4, 1), (3, 2, 1, 1), **TF).run(),
            "tf.nn.conv2d: x is the shape (1, 5, 4, 1): give its numbers",
        ),
        (BadArray, lambda: Call(**TF).run(), "tf.nn.conv2d: x is no array: give its numbers"),
        (
            BadArray,
            lambda: Call("x", W, **TF),
            "x is a builtins.str, no array: give a tensor or a NumPy array",
        ),
        (
            BadArray,
            lambda: Call([[1, 2], [3]], W, **TF),
            "x is no array: setting an array element with a sequence. The requested array has an "
            "inhomogeneous shape after 1 dimensions. The detected shape was (2,) + inhomogeneous "
            "part.",
        ),
    ],
)
def test_errors(kind, make, text):
    with pytest.raises(kind) as raised:
        make()
    assert type(raised.value) is kind
    assert str(raised.value) == text


# Misuse: another way to write a call is answered by the right one


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (
            lambda: explain("tf", X, W, at=0, strides=1, padding="SAME"),
            "explain takes a uniconv.Call: explain(uniconv.Call(x, w, "
            'dialect="tf", strides=1, padding="SAME"), at=0)',
        ),
        (
            lambda: explain(X, W, **TF),
            "explain takes a uniconv.Call: explain(uniconv.Call(x, w, "
            'dialect="tf.nn.conv2d", strides=1, padding="VALID"))',
        ),
        (
            lambda: explain(Call(X, W, **TF), dilations=2),
            "explain got an unexpected keyword argument 'dilations'; a function's options stand "
            "in its uniconv.Call: explain(uniconv.Call(x, w, "
            'dialect="tf.nn.conv2d", strides=1, padding="VALID", dilations=2))',
        ),
        (
            lambda: explain(),
            'explain takes a uniconv.Call: explain(uniconv.Call(dialect="tf"))',
        ),
        (
            lambda: diagnose(X, W, X, expected="tf", options={"padding": "SAME"}, depth=1),
            'diagnose takes a uniconv.Call: diagnose(uniconv.Call(x, w, dialect="tf", '
            'padding="SAME"), y, depth=1)',
        ),
        (
            lambda: diagnose(x=X, w=W, y=X, bias=X[0], dialect="tf"),
            'diagnose takes a uniconv.Call: diagnose(uniconv.Call(x, w, dialect="tf", '
            "bias=bias), y)",
        ),
        (
            lambda: probe("tf.nn.conv2d", padding="SAME", strides=2),
            "probe takes a uniconv.Call: probe(uniconv.Call("
            'dialect="tf.nn.conv2d", padding="SAME", strides=2))',
        ),
        (
            lambda: compare("tf", "knet"),
            "compare takes two uniconv.Calls: compare(a, y_a, b, y_b), or compare(a, b) where they "
            'hold their y, as a = uniconv.Call(x, w, dialect="tf", ...).with_result(y)',
        ),
        (
            lambda: compare(Call(X, W, **TF), X, Call(X, W, **TF)),
            "compare takes two uniconv.Calls: compare(a, y_a, b, y_b), or compare(a, b) where they "
            'hold their y, as a = uniconv.Call(x, w, dialect="tf", ...).with_result(y)',
        ),
    ],
)
def test_another_form_is_answered_by_the_right_one(ask, text):
    with pytest.raises(BadCall) as raised:
        ask()
    assert str(raised.value) == text
    assert isinstance(raised.value, TypeError)
    assert isinstance(raised.value, UniconvError)


def test_a_verb_takes_its_call_by_name():
    assert explain(call=Call(X, W, **TF)).window.y == conv(X, W, **TF)[0, 0, 0, 0]
    assert diagnose(call=Call(X, W, **TF), y=conv(X, W, **TF)).agrees

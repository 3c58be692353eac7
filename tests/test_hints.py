"""What a message suggests is right: the change that it names makes the call one that is taken."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest

import uniconv
from uniconv.errors import BadShape, NoSuchArray, UniconvError, UniconvWarning, UnknownName

TF = {"dialect": "tf", "strides": 1, "padding": "SAME"}
KNET = {"dialect": "knet.conv4"}


@pytest.mark.parametrize(
    ("x", "w", "call", "hint"),
    [
        ((1, 3, 8, 7), (3, 3, 3, 4), TF, 'x.transpose(0, 2, 3, 1), if x is "n c ..."'),
        ((1, 8, 7, 3), (4, 3, 3, 3), {}, 'x.transpose(0, 3, 1, 2), if x is "n ... c"'),
        ((8, 7, 3, 2), (4, 3, 3, 3), {}, 'x.transpose(3, 2, 0, 1), if x is "... c n"'),
        ((1, 16, 8, 7), (3, 3, 16, 32), {}, 'w.transpose(3, 2, 0, 1), if w is "... i o"'),
        ((1, 8, 7, 16), (32, 16, 3, 3), TF, 'w.transpose(2, 3, 1, 0), if w is "o i ..."'),
        ((8, 7, 3), (3, 3, 3, 4), TF, "x[None], with a batch of one"),
        ((8, 7, 3), (3, 3, 3, 4), KNET, "x[..., None], with a batch of one"),
        ((2, 9), (3, 1, 2), {"dialect": "tf.nn.conv1d", "stride": 1, "padding": "SAME"}, None),
    ],
)
def test_the_change_that_is_named_fits(
    x: tuple[int, ...], w: tuple[int, ...], call: dict[str, Any], hint: str | None
) -> None:
    arrays = {"x": np.zeros(x, "f"), "w": np.zeros(w, "f")}
    with pytest.raises(BadShape) as raised:
        uniconv.conv(**arrays, **call)
    message = str(raised.value)
    if hint is None:
        hint = "x[..., None], with one channel"
    assert f"; it would fit as {hint}" in message
    code = re.split(", (?=with|if)", hint)[0]
    changed = arrays | {code[0]: eval(code, {}, arrays)}
    uniconv.conv(**changed, **call)


def test_exchanged_arrays_are_thought_of_last() -> None:
    image, kernel = np.zeros((28, 28, 1, 1), "f"), np.zeros((5, 5, 1, 1), "f")
    with pytest.raises(BadShape, match=r"it would fit with x and w exchanged$"):
        uniconv.native("knet.conv4")(image, kernel)
    assert uniconv.native("knet.conv4")(kernel, image).shape == (24, 24, 1, 1)


def test_nothing_is_suggested_where_nothing_fits() -> None:
    with pytest.raises(BadShape) as raised:
        uniconv.conv(np.zeros((1, 5, 7, 11), "f"), np.zeros((4, 13, 17, 19), "f"))
    assert "would fit" not in str(raised.value)


def test_a_first_layers_kernel_in_another_order_is_warned_of() -> None:
    x = np.zeros((1, 3, 9, 99), "f")
    text = (
        r'w \(3, 3, 3, 64\) was read as "o i ...", with a kernel of 3 x 64; if it is "... i o"'
        r", its input channels next to last, it is one of 3 x 3: give w.transpose\(3, 2, 0, 1\)"
    )
    with pytest.warns(UniconvWarning, match=text):
        y = uniconv.conv(x, np.zeros((3, 3, 3, 64), "f"))
    assert y.shape == (1, 3, 7, 36)
    for w in ((3, 3, 3, 3), (64, 3, 3, 64), (4, 3, 3, 5), (9, 3, 3, 5)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            uniconv.conv(x, np.zeros(w, "f"))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            {"strides": [1, 2, 2]},
            "strides=[1, 2, 2] must be an integer or a list of 1, 2 or 4 integers: for 2 spatial "
            "axes strides=[2, 2] would do",
        ),
        (
            {"strides": "2"},
            'strides="2" must be an integer or a list of 1, 2 or 4 integers: did you mean '
            "strides=2?",
        ),
        ({"dialct": "tf"}, 'has no option "dialct": did you mean "dialect"?'),
    ],
)
def test_near_values_are_named(call: dict[str, Any], text: str) -> None:
    x, w = np.zeros((1, 8, 7, 3), "f"), np.zeros((3, 3, 3, 4), "f")
    with pytest.raises(UniconvError) as raised:
        uniconv.conv(x, w, **(TF | call))
    assert text in str(raised.value)


def test_a_missing_option_says_what_it_can_be() -> None:
    x, w = np.zeros((1, 8, 7, 3), "f"), np.zeros((3, 3, 3, 4), "f")
    with pytest.raises(UniconvError) as raised:
        uniconv.conv(x, w, dialect="tf", strides=1)
    assert str(raised.value).startswith(
        'tf.nn.conv2d: option "padding" is missing; it is one of "SAME", "VALID", or a list'
    )


def test_groups_that_would_fit_are_named() -> None:
    with pytest.raises(BadShape) as raised:
        uniconv.conv(np.zeros((1, 3, 8, 8), "f"), np.zeros((4, 3, 3, 3), "f"), groups=2)
    assert str(raised.value).endswith("c must be i * groups = 6, or groups 1")


def test_a_depthwise_call_of_a_framework_without_one_names_groups() -> None:
    with pytest.raises(UnknownName) as raised:
        uniconv.depthwise_conv(
            np.zeros((1, 3, 8, 8), "f"), np.zeros((3, 1, 3, 3), "f"), dialect="pytorch"
        )
    assert str(raised.value) == (
        "pytorch has no depthwise_conv; it has conv, conv_transpose: conv(..., groups=C), C the "
        "channels of x, is a depthwise one"
    )


def test_a_file_names_the_arrays_that_it_has(tmp_path: Any) -> None:
    path = tmp_path / "two.npz"
    np.savez(path, kernel=np.ones(2), bias=np.ones(1))
    arrays = uniconv.files.load(path)
    with pytest.raises(NoSuchArray) as raised:
        arrays["kernl"]
    assert str(raised.value) == 'no array is named "kernl": did you mean "kernel"?'
    with pytest.raises(KeyError) as missing:
        arrays["x"]
    assert str(missing.value) == 'no array is named "x"; there are "kernel", "bias"'
    assert arrays.get("x") is None

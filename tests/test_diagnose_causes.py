"""What diagnose names beside geometry: activations, factors per channel, BatchNorm, scaled x, lost
pixels, 8-bit numbers; each by its own words, and the printed lines give y."""

from __future__ import annotations

import doctest
import importlib
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

import uniconv
from uniconv import Call
from uniconv._diagnose.precision import EightBits, quantized, spacing
from uniconv.errors import BadArray, BadOption, BadShape

RNG = np.random.default_rng(8)
CONV2D, KERAS = "torch.nn.functional.conv2d", "keras.layers.Conv2D"


def normal(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


X, W, BIAS = normal(2, 4, 9, 8), normal(6, 4, 3, 3), normal(6)
FLIPPED = W[:, :, ::-1, ::-1].copy()
FACTOR = np.array([0.5, 2, 1.5, 1.1, 0.3, 0.7], np.float32)[:, None, None]
TERM = BIAS[:, None, None]
IMAGE, FILTERS = RNG.integers(0, 256, (2, 3, 9, 8)).astype(np.float32), normal(6, 3, 3, 3)
MEAN, DEVIATION = (np.array(v, np.float32) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))


def conv(x: Any = X, w: Any = W, **options: Any) -> Any:
    return uniconv.conv(x, w, dialect=CONV2D, **options)


def after(function: Any, y: Any) -> Any:
    return function(torch.tensor(y)).numpy()


def normalized(image: Any) -> Any:
    return (image / 255 - MEAN[:, None, None]) / DEVIATION[:, None, None]


def run(found: uniconv.Diagnosis, **arrays: Any) -> Any:
    """The printed lines, as a reader of torch runs them."""
    scope = {"torch": torch, "F": F, "numpy": np}
    scope |= {name: torch.tensor(a) for name, a in arrays.items()}
    *head, last = found.call.splitlines()
    exec("\n".join([*head, f"y = {last.removeprefix('y = ')}"]), scope)
    return np.asarray(scope["y"])


ACTIVATIONS = {
    "ReLU": torch.relu,
    "leaky ReLU (slope 0.07)": lambda y: F.leaky_relu(y, 0.07),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": F.softplus,
    "swish (SiLU)": F.silu,
    "GELU (by the error function)": F.gelu,
    "GELU (by tanh)": lambda y: F.gelu(y, approximate="tanh"),
    "ELU": F.elu,
    "SELU": F.selu,
    "hard sigmoid (x / 6 + 0.5)": F.hardsigmoid,
    "hard swish": F.hardswish,
    "mish": F.mish,
    "ReLU6": lambda y: F.relu6(y),
    "a clip to -1 and 1": lambda y: torch.clamp(y, -1, 1),
    "a clip to -0.5 and 2": lambda y: torch.clamp(y, -0.5, 2),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_named(name):
    y = after(ACTIVATIONS[name], conv())
    found = uniconv.diagnose(Call(X, W, dialect=CONV2D), y)
    text = f"y is taken after {name}, which the call has not"
    assert [c.text for c in found.causes] == [text]
    np.testing.assert_allclose(run(found, x=X, w=W), y, rtol=1e-5, atol=1e-5)


def test_an_activation_that_the_call_has():
    x, w = normal(1, 9, 8, 4), normal(3, 3, 4, 6)
    call = Call(x, w, dialect=KERAS, activation="relu")

    def y(**options: Any) -> Any:
        return uniconv.conv(x, w, dialect=KERAS, **options)

    assert uniconv.diagnose(call, y(activation="relu")).agrees
    missing = uniconv.diagnose(call, y())
    assert missing.causes[0].text == "the activation (ReLU) is missing: y is the sum before it"
    assert missing.call == f"{KERAS}(x, w)"
    other = uniconv.diagnose(call, y(activation="gelu"))
    assert other.causes[0].text == "y is taken after GELU (by the error function), not ReLU"
    assert other.call == f'{KERAS}(x, w, activation="gelu")'


# what it is: (x, w, y, options) -> parts of what is said of each cause
CAUSES: dict[str, tuple[Any, Any, Any, dict[str, Any], list[str]]] = {
    "factors": (X, W, conv() * FACTOR, {}, ["multiplied by a number of its own"]),
    "factors and terms": (X, W, conv() * FACTOR + TERM, {}, ["has a number added, as a BatchNorm"]),
    "-1 to 1": (IMAGE, FILTERS, conv(IMAGE / np.float32(127.5) - 1, FILTERS, padding=1),
                {"padding": 1}, ["x is taken as (x - 127.5) / 127.5"]),
    "ImageNet": (IMAGE, FILTERS, conv(normalized(IMAGE), FILTERS, padding=1), {"padding": 1},
                 ["/ [58.395, 57.12, 57.375], ImageNet's mean and deviation"]),
    "rolled": (X, W, conv(np.roll(X, 1, 3)), {}, ["x is moved by 1 pixel on width, round its end"]),
    "cropped": (X, W, conv(X[:, :, :-1].copy(), padding=1), {"padding": 1},
                ["x is cropped: its last pixel on height is missing"]),
    "an end of y": (X, W, np.concatenate([conv()[:, :, 1:], np.zeros((2, 6, 1, 6), "f")], 2), {},
                    ["the last place of y on height is the constant 0, beside a shift of"]),
    "pads": (X, W, conv(padding=(2, 1)), {"padding": (1, 2)}, ["height and width are exchanged"]),
    "stride": (X, W, conv(stride=(2, 1)), {"stride": (1, 2)}, ["height and width are exchanged"]),
    "dilation": (X, W, conv(dilation=(2, 1)), {"dilation": (1, 2)},
                 ["the dilation is on the wrong axis: height and width are exchanged"]),
    "flattened": (X, W, conv().reshape(2, -1), {}, ["y is reshaped to (2, 252)"]),
    "flattened from the channels": (X, W, conv().transpose(0, 2, 3, 1).ravel(), {},
                                    ["y is flattened from (n s0 s1 o), not from (n o s0 s1)"]),
    "flattened from the channels of each image": (
        X, W, conv().transpose(0, 2, 3, 1).reshape(2, -1), {},
        ["y is flattened from (n s0 s1 o), not from (n o s0 s1)"]),
    "flattened backwards": (X, W, conv().ravel(order="F"), {},
                            ["y is flattened from (s1 s0 o n), not from (n o s0 s1)"]),
    "flip and ReLU": (X, W, np.maximum(conv(w=FLIPPED), 0), {}, ["flipped", "after ReLU"]),
    "padding and sigmoid": (X, W, after(torch.sigmoid, conv(padding=1)), {},
                            ["the padding is ((1, 1), (1, 1))", "after sigmoid"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CAUSES)
def test_a_cause_is_named_and_its_lines_give_y(name):
    x, w, y, options, says = CAUSES[name]
    found = uniconv.diagnose(Call(x, w, dialect=CONV2D, **options), y)
    assert found.explained
    assert len(found.causes) == len(says), str(found)
    for cause, part in zip(found.causes, says):
        assert part in cause.text
    if "flattened" not in name:
        result = run(found, x=x, w=w)
        goal = y[:, :, : result.shape[2]]
        np.testing.assert_allclose(result, goal, rtol=1e-4, atol=1e-5 * np.abs(y).max())


def test_x_and_the_kernel_are_exchanged():
    x, w, dialect = normal(12), normal(5), "scipy.signal.correlate"
    call = Call(x, w, dialect=dialect, mode="same")
    y = uniconv.conv(w, x, dialect=dialect, mode="same")
    found = uniconv.diagnose(call, y)
    assert [c.text for c in found.causes] == ["x and the kernel are exchanged"]
    assert found.call == found.fixes[0].code == f'{dialect}(w, x, mode="same")'
    assert "gives (12,), y is (5,)" in found.where
    np.testing.assert_array_equal(uniconv.native(dialect)(w, x, mode="same"), y)
    y[2] += 1  # every number must fit
    assert not uniconv.diagnose(call, y).explained


def test_three_causes_of_one_layer():
    x, w, dialect = normal(1, 2, 25), normal(3, 2, 4), "torch.nn.functional.conv1d"
    y = uniconv.conv(x, w[:, :, ::-1].copy(), dialect=dialect)
    y = np.maximum(y * FACTOR[:3, 0] + TERM[:3, 0], 0)
    found = uniconv.diagnose(Call(x, w, dialect=dialect), y)
    fields = [c.field for c in found.causes]
    assert fields == ["reverse", "activation", "factor and term per channel"]
    np.testing.assert_allclose(run(found, x=x, w=w), y, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("term", [0, 1], ids=["factors", "factors and terms"])
@pytest.mark.parametrize("padding", [0, 1])
def test_factors_per_output_channel_of_a_scaled_input(term, padding):
    x, w, dialect = normal(3, 2, 12), normal(3, 2, 3), "torch.nn.functional.conv1d"
    scaled = x * np.array([[0.5], [2]], np.float32) + np.array([[0.1], [-0.4]], np.float32)
    y = uniconv.conv(scaled, w, dialect=dialect, padding=padding)
    y = y * FACTOR[:3, 0] + term * TERM[:3, 0]
    found = uniconv.diagnose(Call(x, w, dialect=dialect, padding=padding), y)
    field = "factor and term per channel" if term or not padding else "factor per channel"
    assert [c.field for c in found.causes] == [field, "values of x"]
    # Without padding what is added to x is the same for all of an output channel: it is its term.
    says = "(x - [-0.2, 0.2]) * [1, 4]" if padding else "x * [1, 4]"
    assert found.causes[1].text == f"x is taken as {says}"
    np.testing.assert_allclose(run(found, x=x, w=w), y, rtol=1e-4, atol=1e-5)


def test_factors_per_output_channel_where_most_sums_are_empty():
    x, w, dialect = normal(4, 4, 10), normal(4, 6, 1), "torch.nn.functional.conv_transpose1d"
    y = uniconv.conv_transpose(x, w, dialect=dialect, stride=4) * FACTOR[:, 0]
    found = uniconv.diagnose(Call(x, w, dialect=dialect, stride=4), y, depth=1)
    assert [c.field for c in found.causes] == ["factor per channel"]


# BatchNorm

STATISTICS = {
    "gamma": RNG.uniform(0.5, 1.5, 6),
    "beta": RNG.standard_normal(6),
    "mean": RNG.uniform(0.5, 2, 6),
    "variance": RNG.uniform(0.05, 0.4, 6),
    "eps": 1e-5,
}


def batch_norm(y: Any, **other: Any) -> Any:
    s = {k: v[:, None, None] if np.ndim(v) else v for k, v in (STATISTICS | other).items()}
    return s["gamma"] * (y - s["mean"]) / np.sqrt(s["variance"] + s["eps"]) + s["beta"]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"eps": 1e-3}, "the BatchNorm has eps 0.001, not 1e-05"),
        ({"mean": STATISTICS["variance"], "variance": STATISTICS["mean"]}, "are exchanged"),
        ({"gamma": np.ones(6)}, "gamma of the BatchNorm is missing (scale=False)"),
        ({"beta": np.zeros(6)}, "beta of the BatchNorm is missing (center=False)"),
        ({"variance": STATISTICS["variance"] * 2}, "another BatchNorm follows than the one given"),
    ],
)
def test_a_batchnorm_whose_statistics_are_given(other, says):
    call = Call(X, W, dialect=CONV2D)
    found = uniconv.diagnose(call, batch_norm(conv(), **other), batchnorm=STATISTICS)
    assert len(found.causes) == 1
    assert says in found.causes[0].text


def test_a_batchnorm_right_missing_training_or_beside_another_fault():
    call, y = Call(X, W, dialect=CONV2D), conv().astype(float)
    assert uniconv.diagnose(call, batch_norm(y), batchnorm=STATISTICS).agrees
    assert "is missing" in uniconv.diagnose(call, conv(), batchnorm=STATISTICS).causes[0].text
    training = batch_norm(y, mean=y.mean((0, 2, 3)), variance=y.var((0, 2, 3)))
    found = uniconv.diagnose(call, training, batchnorm=STATISTICS)
    assert "mean and variance of this batch (as in training)" in found.causes[0].text
    found = uniconv.diagnose(call, batch_norm(conv(w=FLIPPED)), batchnorm=STATISTICS)
    assert [c.field for c in found.causes] == ["reverse"]


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        (
            {"moving_meen": [1.0]},
            BadOption,
            'batchnorm has no "moving_meen": did you mean "moving_',
        ),
        ({"mean": np.ones(6), "eps": 0.1}, BadOption, "batchnorm lacks variance: give dict(mean="),
        (STATISTICS | {"running_mean": np.ones(6)}, BadOption, "batchnorm: mean is given twice"),
        (STATISTICS | {"eps": -1}, BadOption, "batchnorm: eps=-1 must be a number of at least 0"),
        (STATISTICS | {"mean": np.ones(4)}, BadShape, "mean (4,) must have the 6 channels of y"),
        (STATISTICS | {"variance": -np.ones(6)}, BadArray, "the variance has numbers below 0"),
    ],
)
def test_wrong_statistics_are_refused(given, error, text):
    with pytest.raises(error) as caught:
        uniconv.diagnose(Call(X, W, dialect=CONV2D), conv(), batchnorm=given)
    assert text in str(caught.value)


# Rounding


@pytest.mark.parametrize(
    ("x", "w", "name"),
    [
        (X, quantized(W, "127"), "int8 weights"),
        (X, quantized(W, "127", (0,)), "int8 weights (a scale per channel)"),
        (X, quantized(W, "ends"), "int8 weights"),
        (quantized(X, "ends"), W, "int8 activations"),
        (quantized(X, "ends"), quantized(W, "127", (0,)), "int8 weights and activations (a scale"),
    ],
)  # fmt: skip
def test_eight_bit_numbers_are_called_so(x, w, name):
    y = conv(x.astype(np.float32), w.astype(np.float32))
    found = uniconv.diagnose(Call(X, W, dialect=CONV2D), y)
    assert found.agrees
    assert found.remainder.precision.startswith(name)
    if name != "int8 weights":
        return
    turned = conv(x.astype(np.float32), w[:, :, ::-1, ::-1].astype(np.float32))
    found = uniconv.diagnose(Call(X, W, dialect=CONV2D), turned)
    assert [c.field for c in found.causes] == ["reverse"]
    assert found.remainder.precision.startswith(name.partition(" (")[0])


def test_eight_bit_weights_of_one_tap_are_no_factor_per_channel():
    x, w = normal(2, 7, 6), np.array([0.11, -2, 0.37, 0.7, -1.3, 1.9], np.float32).reshape(1, 6, 1)
    y = x * quantized(w, "127").astype(np.float32)[0, :, 0]
    found = uniconv.diagnose(Call(x, w, dialect="keras.layers.DepthwiseConv1D"), y)
    assert found.agrees
    assert found.remainder.precision == "int8 weights"


def test_a_grid_shows_in_few_numbers_of_which_no_two_are_neighbours():
    places = np.array([0, 3, 5, 8, 17, 23, 40, 47, 81, 127.0]) - 60
    assert spacing(places * 0.37) == pytest.approx(0.37)
    assert spacing(places[:9] * 0.37) == 0
    assert spacing(places * 0.37 + RNG.uniform(0, 0.05, 10)) == 0


def test_results_that_were_rounded_are_called_so():
    call, y = Call(X, W, dialect=CONV2D), conv()
    step = float(np.abs(y).max()) / 127
    found = uniconv.diagnose(call, (np.round(y / step) * step).astype(np.float32))
    assert found.agrees
    assert found.remainder.precision == f"int8 results, in steps of {step:.4g}"
    half = uniconv.diagnose(call, (y * 1e-4).astype(np.float16).astype(np.float32) * 1)
    assert half.remainder.precision == "float16"  # of which some are next to 0
    noise = y + 2e-4 * np.abs(y).max() * normal(*y.shape)
    assert uniconv.diagnose(call, noise, depth=1).remainder.precision.startswith(("as ", "not "))
    assert (
        str(EightBits("ends", "127", True)) == "int8 weights and activations (a scale per channel)"
    )
    assert spacing(y) == 0


# Nothing


def test_a_nearest_miss_explains_most_of_y():
    call, y = Call(X, W, dialect=CONV2D), conv()
    found = uniconv.diagnose(call, np.sign(y) * y**2, depth=1)
    assert not found.explained
    assert found.causes == ()
    assert found.notes[0].startswith("ruled out, one by one and together (")
    near = conv(w=FLIPPED)
    near[0, 0, 0, 0] += 1
    assert [c.field for c in uniconv.diagnose(call, near, depth=1).causes] == ["reverse"]


@pytest.mark.parametrize(
    "module", ["activations", "fits", "input_scale", "normalization", "precision"]
)
def test_examples_in_docstrings(module):
    assert doctest.testmod(importlib.import_module(f"uniconv._diagnose.{module}")).failed == 0

"""Activations that are part of a function: applied last, by torch's own functions."""

from __future__ import annotations

import random
from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import uniconv
from uniconv._calls.lift import lift
from uniconv._calls.lower import lower
from uniconv._canonical.activation import Activation
from uniconv._canonical.activation_functions import FUNCTIONS, code, compute, module
from uniconv.errors import BadArray, BadOption, CannotExpress
from uniconv.spec.op import Op
from uniconv.spec.registry import find, functions
from uniconv.testing.cases import Case, probe, random_case

ACTIVE = [name for name in sorted(functions()) if find(name).activation]


def erf(v: Any) -> Any:
    return torch.erf(torch.as_tensor(v)).numpy()


# By the formulas of the functions, in float64, without torch.nn.
FORMULAS: dict[str, Callable[..., Any]] = {
    "relu": lambda v: np.where(v > 0, v, 0),
    "clip": lambda v, low, high: np.minimum(np.maximum(v, low), high),
    "leaky_relu": lambda v, slope: np.where(v > 0, v, slope * v),
    "elu": lambda v, a: np.where(v > 0, v, a * np.expm1(np.minimum(v, 0))),
    "celu": lambda v, a: np.where(v > 0, v, a * np.expm1(np.minimum(v, 0) / a)),
    "selu": lambda v: (
        1.0507009873554805 * np.where(v > 0, v, 1.6732632423543772 * np.expm1(np.minimum(v, 0)))
    ),
    "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
    "log_sigmoid": lambda v: -np.log1p(np.exp(-v)),
    "hard_sigmoid": lambda v, a, b: np.clip(a * v + b, 0, 1),
    "hard_swish": lambda v, a, b: v * np.clip(a * v + b, 0, 1),
    "tanh": np.tanh,
    "softplus": lambda v: np.log1p(np.exp(v)),
    "softsign": lambda v: v / (1 + np.abs(v)),
    "silu": lambda v: v / (1 + np.exp(-v)),
    "mish": lambda v: v * np.tanh(np.log1p(np.exp(v))),
    "gelu": lambda v: v * 0.5 * (1 + erf(v / np.sqrt(2))),
    "gelu_tanh": lambda v: 0.5 * v * (1 + np.tanh(np.sqrt(2 / np.pi) * (v + 0.044715 * v**3))),
    "exp": np.exp,
}
NUMBERS = {
    "clip": (-1.5, 2.0),
    "leaky_relu": (0.3,),
    "elu": (0.7,),
    "celu": (0.7,),
    "hard_sigmoid": (0.2, 0.5),
    "hard_swish": (0.2, 0.4),
}
VALUES = np.linspace(-7, 7, 57)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_is_its_formula(name: str) -> None:
    activation = Activation(name, NUMBERS.get(name, ()))
    wanted = FORMULAS[name](VALUES, *activation.numbers)
    v = torch.from_numpy(VALUES)
    np.testing.assert_allclose(compute(activation, v).numpy(), wanted, rtol=1e-12, atol=1e-8)
    scope = {"torch": torch, "F": nn.functional, "y": v}
    printed = eval(code(activation, "y"), scope)
    assert torch.equal(printed, compute(activation, v))
    made = module(activation)
    if made is not None:
        assert torch.equal(made(v), compute(activation, v))


def linear_case(op: Op) -> tuple[Case, list[Any]]:
    """A call without its activation, and arrays so small that no function is flat on all of y."""
    rng = random.Random(op.name)
    case = random_case(op, rng)
    while 0 in case.call.output:
        case = random_case(op, rng)
    return case, [a / np.float32(8) for a in probe(case)]


def run(op: Op, arrays: list[Any], options: dict[str, Any]) -> Any:
    return getattr(uniconv, op.kind)(*arrays, dialect=op.name, **options)


def words(op: Op) -> dict[Any, dict[str, Any]]:
    """The options that say each activation of a function."""
    rule = op.activation
    assert rule is not None
    said: dict[Any, dict[str, Any]] = {word: {rule.option: word} for word in rule.table}
    for word, meaning in rule.table.items():
        if callable(meaning):
            said[word][rule.numbers] = [0.25, 3.0][: len(signature(meaning).parameters)]
    return said


@pytest.mark.parametrize("name", ACTIVE)
def test_y_goes_through_the_activation(name: str) -> None:
    op = find(name)
    case, arrays = linear_case(op)
    y = run(op, arrays, case.options)
    assert y.min() < 0 < y.max()
    for word, said in words(op).items():
        call = lower(op, {**case.options, **said}, *(a.shape for a in arrays))
        assert call.conv == case.call.conv
        activation = call.activation
        wanted = y
        if activation:
            wanted = FORMULAS[activation.name](y.astype("float64"), *activation.numbers)
        result = run(op, arrays, {**case.options, **said})
        np.testing.assert_allclose(result, wanted, rtol=2e-6, atol=2e-6, err_msg=str(word))
        if op.activation.default == word:
            bare = {k: v for k, v in case.options.items() if k != op.activation.option}
            np.testing.assert_array_equal(run(op, arrays, bare), result)


@pytest.mark.parametrize("name", ACTIVE)
def test_the_printed_lines_end_in_the_activation(name: str) -> None:
    op = find(name)
    case, arrays = linear_case(op)
    for said in words(op).values():
        options = {**case.options, **said}
        call = uniconv.Call(*arrays[:2], dialect=name, **_second(op, arrays), **options)
        scope = dict(zip(("x", "w", "p"), map(torch.from_numpy, arrays)))
        exec(uniconv.explain(call).torch, scope)
        np.testing.assert_allclose(
            scope["y"].numpy(), run(op, arrays, options), rtol=1e-6, atol=1e-6
        )


def _second(op: Op, arrays: list[Any]) -> dict[str, Any]:
    return {"pointwise": arrays[2]} if op.pointwise else {}


def test_a_layer_becomes_modules_with_its_activation() -> None:
    x = torch.randn(1, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    layer = uniconv.nn.Conv(
        3, 4, 3, dialect="keras", activation="relu6", data_format="channels_first"
    )
    plain = uniconv.nn.to_torch(layer)
    torch.testing.assert_close(plain(x), layer(x))
    assert isinstance(plain[-1], nn.Hardtanh)
    with pytest.raises(CannotExpress, match="cannot express activation"):
        uniconv.nn.to_torch(uniconv.nn.Conv(3, 4, 3, dialect="keras", activation="hard_silu"))


def test_what_has_no_activation_cannot_express_one() -> None:
    op = find("keras.layers.Conv2D")
    call = lower(op, {"activation": "tanh"}, (1, 5, 4, 2), (2, 3, 2, 3))
    with pytest.raises(CannotExpress) as raised:
        lift(call, find("tf.nn.conv2d"))
    assert str(raised.value) == (
        "tf.nn.conv2d cannot express activation: it has none, the call ends in tanh"
    )
    lifted = lift(call, find("lasagne.layers.Conv2DLayer"), flip_kernel=True)
    assert lifted.options["nonlinearity"] == "tanh"
    assert lift(lifted.call, op, flip_kernel=True).options["activation"] == "tanh"


def test_gradients_pass_through() -> None:
    x = torch.randn(1, 5, 4, 2, dtype=torch.float64, requires_grad=True)
    w = torch.randn(2, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    layer = {"dialect": "keras.layers.Conv2D", "activation": "silu"}
    assert torch.autograd.gradcheck(lambda x, w: uniconv.conv(x, w, **layer), (x, w))


def test_a_function_is_taken_by_its_name() -> None:
    def relu(v: Any) -> Any:
        return v

    x, w = np.ones((1, 3, 3, 1), "f"), -np.ones((2, 2, 1, 1), "f")
    with pytest.raises(BadOption, match="is not one of"):
        uniconv.conv(x, w, dialect="keras.layers.Conv2D", activation=relu)
    relu.__module__ = "keras.src.activations.activations"
    assert not uniconv.conv(x, w, dialect="keras.layers.Conv2D", activation=relu).any()


def test_integers_stay_integers() -> None:
    x, w = np.ones((3, 3, 1, 1), "int32"), -np.ones((2, 2, 1, 1), "int32")
    assert not uniconv.conv(x, w, dialect="flux.Conv", σ="relu").any()
    with pytest.raises(BadArray, match=r"int32 cannot hold sigmoid of y"):
        uniconv.conv(x, w, dialect="flux.Conv", σ="sigmoid")


def test_diagnose_tells_that_the_activation_is_missing() -> None:
    x, w = np.arange(40, dtype="f") % 7 - 3, np.arange(36, dtype="f") % 11 - 5
    x, w = x.reshape(1, 5, 4, 2), w.reshape(2, 3, 2, 3)
    call = uniconv.Call(x, w, dialect="keras.layers.Conv2D", activation="relu")
    found = uniconv.diagnose(call, uniconv.conv(x, w, dialect="keras.layers.Conv2D"))
    assert [c.text for c in found.causes] == [
        "the activation (ReLU) is missing: y is the sum before it"
    ]
    assert found.call == "keras.layers.Conv2D(x, w)"

"""Activations that are part of a function, against the frameworks that run here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import uniconv
from tests.test_activations import ACTIVE, linear_case, words
from uniconv.conformance.oracles import oracle, runs
from uniconv.errors import BadOption
from uniconv.spec.registry import find

HERE = [name for name in ACTIVE if runs(find(name).family)]


@pytest.mark.parametrize("name", HERE)
def test_every_activation_is_the_frameworks(name: str) -> None:
    op = find(name)
    case, arrays = linear_case(op)
    bias = None
    roles: dict[str, Any] = dict(zip(("x", "w", "p"), arrays))
    if case.options.get("data_format") != "channels_first":  # there the oracle adds it at the end
        bias = roles["bias"] = np.linspace(-0.5, 0.5, case.call.o, dtype="float32")
    x, w, *point = arrays
    for word, said in words(op).items():
        options = {**case.options, **said}
        (wanted,) = oracle(name).call(roles, options, None)
        y = getattr(uniconv, op.kind)(x, w, *point, bias=bias, dialect=name, **options)
        np.testing.assert_allclose(y, wanted, rtol=3e-6, atol=3e-6, err_msg=f"{name} {word}")


@pytest.mark.skipif(not runs("keras"), reason="Keras is not installed")
def test_a_keras_function_is_taken_for_its_word() -> None:
    keras = pytest.importorskip("keras")
    x, w = np.ones((1, 4, 4, 2), "f"), -np.ones((2, 2, 2, 3), "f") / 7
    layer = {"dialect": "keras.layers.Conv2D"}
    for word in ("relu", "tanh", "silu", "gelu", "hard_sigmoid"):
        function = getattr(keras.activations, word)
        y = uniconv.conv(x, w, activation=function, **layer)
        np.testing.assert_array_equal(y, uniconv.conv(x, w, activation=word, **layer))


@pytest.mark.skipif(not runs("onnx"), reason="ONNX Runtime is not installed")
def test_onnx_runtime_refuses_the_same_numbers() -> None:
    roles = {"x": np.ones((1, 2, 3, 3), "f"), "w": np.ones((2, 2, 2, 2), "f")}
    for word, numbers in (("LeakyRelu", None), ("LeakyRelu", [0.25, 1.0]), ("Clip", [0.0])):
        options = {"activation": word, "activation_params": numbers}
        with pytest.raises(BadOption, match="activation_params"):
            uniconv.conv(*roles.values(), dialect="onnx.FusedConv", **options)
        with pytest.raises(Exception, match="GetFusedActivationAttr"):
            oracle("onnx.FusedConv").call(roles, options, None)

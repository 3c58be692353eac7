"""Activations beside a call, as code of frameworks that run here: the numbers of the call."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from tests.live.test_translations import in_theano
from uniconv import Call, translate
from uniconv._translate.code import written
from uniconv._translate.proof import executed, is_installed
from uniconv.conformance.oracles import oracle, runs
from uniconv.errors import CannotExpress
from uniconv.spec.registry import find, framework_of, frameworks
from uniconv.testing.cases import probe, random_case

SOURCE = "keras.layers.Conv2D"
WORDS = [word for word, meaning in find(SOURCE).activation.table.items() if meaning]
ARRAYS = {
    "x": np.linspace(-4, 4, 60, dtype="f").reshape(1, 5, 6, 2),
    "w": np.array([0.5, -0.25, 1.0, 0.75, -1.25, 2.0], "f").reshape(1, 1, 2, 3),
}
# How many of those words, of which two have one meaning, a framework has no one function for.
LACKING = {
    "chainer": 10,
    "flax": 2,
    "jax": 2,
    "keras": 2,
    "mlx": 2,
    "mxnet": 9,
    "onnx": 5,
    "openvino": 9,
    "paddle": 2,
    "tf": 5,
    "theano": 10,
    "tinygrad": 4,
}


def targets() -> list[str]:
    """The convolutions of two axes that run here and have channels."""
    mains = (f.main.get("conv", {}).get(2) for f in frameworks().values() if runs(f.name))
    named = [
        name
        for name in filter(None, mains)
        if framework_of(find(name)).name not in ("cv2", "scipy")
    ]
    named += ["lasagne.layers.Conv2DLayer"] if "theano.tensor.nnet.conv2d" in named else []
    return [name for name in named if is_installed(find(name))]


def run(to: str, word: str) -> Any:
    """y of the call in another framework's words, run there; None where it has none."""
    shapes = {name: array.shape for name, array in ARRAYS.items()}
    call = Call(**shapes, dialect=SOURCE, activation=word)
    try:
        code = written(translate(call, to=to).rewriting, {}, inline=True)
    except CannotExpress:
        return None
    if framework_of(find(to)).name in ("theano", "lasagne"):
        return in_theano(code, ARRAYS)
    return executed(code, find(to), ARRAYS)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("to", targets())
def test_an_activation_is_that_of_the_call(to: str) -> None:
    case = random_case(find(to), random.Random("settings"))
    oracle(to)(case, *probe(case)[:2], None, *probe(case)[2:])  # which sets the framework up
    lacking = []
    for word in WORDS:
        y = run(to, word)
        if y is None:
            lacking.append(word)
            continue
        expected = Call(**ARRAYS, dialect=SOURCE, activation=word).run()
        np.testing.assert_allclose(y, expected, rtol=3e-6, atol=3e-6, err_msg=f"{to} {word}")
    assert len(lacking) == LACKING.get(framework_of(find(to)).name, 0), lacking

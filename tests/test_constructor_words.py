"""Constructor words beside arrays: taken where they say what the arrays say, refused otherwise."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

import uniconv
from uniconv._calls.lower import LoweredCall, lower
from uniconv.errors import BadOption
from uniconv.spec.constructor_words import Restated, restated
from uniconv.spec.op import Op
from uniconv.spec.registry import find, functions
from uniconv.testing.cases import Case, probe, random_case

WORDED = [name for name in sorted(functions()) if find(name).constructor_words]
SEPARABLE = "separable_conv"


def truth(word: str, op: Op, call: LoweredCall, arrays: list[Any]) -> Any:
    """What a constructor word must be for these arrays, told without the code that checks it."""
    says = op.constructor_words[word].says
    kernel = call.sizes.kernel
    x_shape, w_shape = (a.shape for a in arrays[:2])
    if says.startswith("kernel "):
        axis = int(says.split()[1])
        return kernel[axis] if axis < len(kernel) else 1
    return {
        "o": lambda: call.pointwise[1].o if call.pointwise else call.sizes.o,
        "c": lambda: call.sizes.c,
        "m": lambda: call.sizes.o // call.sizes.c,
        "kernel": lambda: list(kernel),
        "shape": lambda: w_shape,
        "x shape": lambda: x_shape,
        "x shape without n": lambda: x_shape[1:],
        "count": lambda: math.prod(w_shape),
        "rank": lambda: len(kernel),
        "bias": lambda: False,
        "no bias": lambda: True,
        "dtype": lambda: "float32",
        "w dtype": lambda: np.float32,
        "nothing": lambda: "anything",
    }[says]()


def run(op: Op, case: Case, arrays: list[Any], words: dict[str, Any]) -> Any:
    verb = getattr(uniconv, op.kind)
    return verb(*arrays, dialect=op.name, **case.options, **words)


def worded_case(name: str) -> tuple[Op, Case, list[Any]]:
    op = find(name)
    rng = random.Random(name)
    case = random_case(op, rng)
    while 0 in case.call.output or case.call.sizes.o < 2:
        case = random_case(op, rng)
    dtype = "float32" if "float32" in op.dtypes else op.dtypes[0]
    return op, case, list(probe(case, 0, dtype))


@pytest.mark.parametrize("name", WORDED)
def test_a_word_that_agrees_changes_nothing(name: str) -> None:
    op, case, arrays = worded_case(name)
    words = {word: truth(word, op, case.call, arrays) for word in op.constructor_words}
    words.pop("device", None)  # conv's own
    y = run(op, case, arrays, words)
    np.testing.assert_array_equal(y, run(op, case, arrays, {}))
    assert lower(op, {**case.options, **words}, *(a.shape for a in arrays)).conv == case.call.conv


@pytest.mark.parametrize("name", WORDED)
def test_a_word_that_contradicts_is_refused_with_both_numbers(name: str) -> None:
    op, case, arrays = worded_case(name)
    for word, means in op.constructor_words.items():
        right = truth(word, op, case.call, arrays)
        if means.says == "nothing":
            continue
        wrong: Any = 77
        if means.says.endswith("dtype"):
            wrong = "float16"
        elif isinstance(right, bool):
            wrong = not right
        elif isinstance(right, (list, tuple)):
            wrong = [size + 1 for size in right]
        with pytest.raises(BadOption) as raised:
            run(op, case, arrays, {word: wrong})
        text = str(raised.value)
        assert text.startswith(f"{op.name}: {word}=")
        if not isinstance(right, bool) and not means.says.endswith("dtype"):
            shown = tuple(right) if isinstance(right, list) else right
            assert f"which says {word}={shown}" in text


def test_a_flag_is_checked_against_the_bias() -> None:
    x, w, b = np.ones((1, 5, 4, 2), "f"), np.ones((2, 3, 2, 3), "f"), np.ones(3, "f")
    layer = {"dialect": "keras.layers.Conv2D"}
    y = uniconv.conv(x, w, b, **layer, use_bias=True, filters=3)
    np.testing.assert_array_equal(y, uniconv.conv(x, w, b, **layer))
    with pytest.raises(BadOption) as raised:
        uniconv.conv(x, w, **layer, use_bias=True)
    assert str(raised.value) == (
        "keras.layers.Conv2D: use_bias=True, but there is no bias; give one, or say use_bias=False"
    )
    with pytest.raises(BadOption) as raised:
        uniconv.conv(x, w, b, **layer, use_bias=False)
    assert str(raised.value) == (
        "keras.layers.Conv2D: use_bias=False, but there is a bias; leave it out, or say "
        "use_bias=True"
    )


@pytest.mark.parametrize("name", ["keras.layers.Conv2D", "mxnet.nd.Convolution", "torch.nn.Conv2d"])
def test_a_native_function_takes_its_words(name: str) -> None:
    op, case, arrays = worded_case(name)
    words = {word: truth(word, op, case.call, arrays) for word in op.constructor_words}
    x, w = (op.array_names(role)[0] for role in ("x", "w"))
    function = uniconv.native(name)
    y = function(**{x: arrays[0], w: arrays[1]}, **case.options, **words)
    np.testing.assert_array_equal(y, run(op, case, arrays, {}))


def test_a_near_word_is_named() -> None:
    x, w = np.ones((1, 5, 4, 2), "f"), np.ones((2, 3, 2, 3), "f")
    with pytest.raises(BadOption) as raised:
        uniconv.conv(x, w, dialect="keras.layers.Conv2D", kernal_size=3)
    assert str(raised.value) == (
        'keras.layers.Conv2D has no option "kernal_size": did you mean "kernel_size"?'
    )


def test_a_word_says_something() -> None:
    with pytest.raises(TypeError, match="cannot say 'outputs'"):
        Restated("outputs")
    assert restated(filters="o") == {"filters": Restated("o")}

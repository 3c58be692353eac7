"""Every argument that frameworks document is taken, checked, or refused for its own reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import uniconv
from uniconv.errors import BadOption
from uniconv.spec.op import Op
from uniconv.spec.registry import find

# Of what does not run here, by its documentation; what runs is asked in tests/live.
DOCUMENTED = json.loads((Path(__file__).parent / "documented_arguments.json").read_text())


def known(op: Op) -> set[str]:
    """Every name that a call of the function may have."""
    arrays = {param.split(":")[1] for param in op.params.split() if ":" in param}
    single = {name for several in op.per_axis_options.values() for name in several.names}
    addend = {op.addend[0]} if op.addend else set()
    return {*op.rules, *op.aliases, *op.constructor_words, *arrays, *single, *addend}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_no_documented_argument_is_unknown(name: str) -> None:
    assert set(DOCUMENTED[name].split()) <= known(find(name))


X, W = np.ones((2, 5, 6, 3), "float32"), np.ones((3, 3, 3, 4), "float32")


def test_keras_is_given_the_shape_of_x_once_more() -> None:
    for words in (
        {"input_shape": (5, 6, 3)},
        {"input_shape": (None, None, 3)},
        {"batch_input_shape": [None, 5, 6, 3]},
    ):
        assert uniconv.conv(X, W, dialect="keras.layers.Conv2D", **words).shape == (2, 3, 4, 4)
    with pytest.raises(BadOption, match=r"input_shape=\(28, 28, 3\) contradicts x, which says"):
        uniconv.conv(X, W, dialect="keras.layers.Conv2D", input_shape=(28, 28, 3))


def test_a_name_that_is_none_stands_beside_its_other_name() -> None:
    name = "tf.compat.v1.nn.convolution"
    options = {"padding": "VALID", "dilation_rate": 2, "dilations": None}
    y = uniconv.conv(X, W, dialect=name, **options)
    del options["dilations"]
    np.testing.assert_array_equal(y, uniconv.conv(X, W, dialect=name, **options))


def test_opencv_is_called_in_its_own_order() -> None:
    image, kernel = np.arange(12, dtype="uint8").reshape(3, 4), np.ones((1, 3))
    y = uniconv.native("cv2.filter2D")(image, -1, kernel, None, (0, 0), 1, 0)
    np.testing.assert_array_equal(y[0], [4, 7, 6, 4])
    tensors = torch.from_numpy(image), torch.from_numpy(kernel)
    with pytest.raises(BadOption, match="beside x of NumPy only"):
        uniconv.native("cv2.filter2D")(tensors[0], -1, tensors[1], image)

"""Images filtered to another depth: OpenCV's own integers, dtypes, shapes, and what it refuses."""

from __future__ import annotations

import contextlib
import re

import numpy as np
import pytest
import torch

import uniconv
from tests.image_calls import COUNT, FILE, SEED, WIDEST, calls
from uniconv import Call, explain
from uniconv.errors import BadArray

X = np.array([[0, 1, 2, 3, 250]], "uint8")


def test_what_opencv_returned() -> None:
    with np.load(FILE) as golden:
        computed = 0
        for i, (name, arrays, options) in enumerate(calls(COUNT, SEED, widest=WIDEST)):
            if str(i) not in golden.files:
                continue
            with contextlib.suppress(BadArray):  # what Fourier transforms decide
                y = uniconv.native(name)(*arrays, **options)
                np.testing.assert_array_equal(y, golden[str(i)], err_msg=str(i), strict=True)
                computed += 1
    assert computed > 55


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (-1, np.array([[0, 1, 2, 126, 126]], "uint8")),  # 0.5, 1, 2, 126, 126.5
        (3, np.array([[0, 1, 2, 126, 126]], "int16")),
        (5, np.array([[0.5, 1, 2, 126, 126.5]], "float32")),
        (6, np.array([[0.5, 1, 2, 126, 126.5]], "float64")),
    ],
)
def test_a_half_goes_to_the_even_integer(depth: int, expected: np.ndarray) -> None:
    kernel = np.array([[0.5, 0, 0.5]])
    for x, y in ((X, expected), (X[..., None], expected), (np.dstack([X] * 3), None)):
        options = {"ddepth": depth, "borderType": 1}
        ours = uniconv.conv(x, kernel, dialect="cv2.filter2D", **options)
        y = np.dstack([expected] * 3) if y is None else y
        np.testing.assert_array_equal(ours, y, strict=True)
        scope = {"x": torch.from_numpy(x), "w": torch.from_numpy(kernel)}
        exec(explain(Call(x, kernel, dialect="cv2.filter2D", **options)).torch, scope)
        np.testing.assert_array_equal(scope["y"].numpy(), y, strict=True)
        bound = uniconv.bind(kernel, dialect="cv2.filter2D", **options)
        np.testing.assert_array_equal(bound(x), y, strict=True)


def test_integers_are_saturated() -> None:
    kernel = np.array([[300, 0, -300]], "int32")
    y = uniconv.native("cv2.filter2D")(X, 3, kernel)
    assert y.tolist() == [[0, -600, -600, -32768, 0]]
    y = uniconv.native("cv2.filter2D")(X, -1, kernel, delta=1, borderType=0)
    assert y.tolist() == [[0, 0, 0, 0, 255]]


@pytest.mark.parametrize(
    ("dtype", "depth", "text"),
    [
        ("int16", 0, "ddepth=0 (uint8) of int16 is not one of 3 (int16), 5 (float32), 6 (float64)"),
        ("float64", 5, "ddepth=5 (float32) of float64 is not one of 6 (float64)"),
        ("int32", -1, "x is int32, which is not one of uint8, uint16, int16, float32, float64"),
    ],
)
def test_what_opencv_refuses_is_refused(dtype: str, depth: int, text: str) -> None:
    with pytest.raises(BadArray, match=re.escape(f"cv2.filter2D: {text}")):
        uniconv.native("cv2.filter2D")(X.astype(dtype), depth, np.ones((1, 3)))


def test_a_pixel_next_to_a_half_is_refused_where_its_rounding_is_not_known() -> None:
    x = np.arange(256, dtype="uint8").reshape(16, 16)
    with pytest.raises(BadArray, match=r"pixels are so near to a half .* ddepth=5 \(float32\)"):
        uniconv.native("cv2.filter2D")(x, -1, np.full((13, 13), 1 / 256))

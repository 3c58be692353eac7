"""Integers and mixed dtypes as NumPy and SciPy have them: the dtype of y, and wrap-around."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

import uniconv
from uniconv import Call, explain
from uniconv.errors import BadArray
from uniconv.spec.op import NUMPY_INTEGERS
from uniconv.spec.registry import find

DTYPES = ("float32", "float64", *NUMPY_INTEGERS, "complex64", "complex128")


def whole_range(size: int, dtype: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.integers(0, 2, size).astype(bool)
    if "int" in dtype:
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, size, dtype, endpoint=True)
    a = rng.integers(-8, 9, size).astype(dtype)
    return a + 1j * rng.integers(-8, 9, size).astype(dtype) if "complex" in dtype else a


@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_every_pair_of_dtypes_is_promoted_and_wraps_around_as_in_numpy(name: str) -> None:
    for seed, (a, b) in enumerate(product(DTYPES, repeat=2)):
        x, w = whole_range(9, a, seed), whole_range(4, b, seed + 1)
        expected = getattr(np, name)(x, w, "full")
        dialect, options = f"numpy.{name}", {"mode": "full"}
        bound = uniconv.bind(w, dialect=dialect, **options)
        for y in (
            uniconv.conv(x, w, dialect=dialect, **options),
            uniconv.native(dialect)(x, w, **options),
            bound(x),
        ):
            assert y.dtype == expected.dtype, (a, b)
            if expected.dtype.kind in "bui":
                np.testing.assert_array_equal(y, expected, err_msg=f"{a}, {b}")
            else:
                scale = np.abs(expected).max()
                np.testing.assert_allclose(y / scale, expected / scale, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("a", "b"), [("uint16", "uint16"), ("int8", "uint16"), ("bool", "bool")])
def test_printed_code_wraps_around_too(a: str, b: str) -> None:
    x, w = whole_range(9, a, 0), whole_range(4, b, 1)
    scope = {"x": torch.from_numpy(x), "w": torch.from_numpy(w)}
    exec(explain(Call(x, w, dialect="numpy.convolve")).torch, scope)
    y = scope["y"].numpy()
    expected = np.convolve(x, w)
    assert y.dtype == expected.dtype
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("fill", [1.5, -1, 256])
def test_a_border_that_the_integers_cannot_be_is_refused(fill: float) -> None:
    x, w = np.arange(12, dtype="uint8").reshape(3, 4), np.ones((2, 2), "uint8")
    told = f"fillvalue={fill} is no uint8, which x and w are"
    with pytest.raises(BadArray, match=told.replace(".", r"\.")):
        uniconv.conv(x, w, dialect="scipy.signal.convolve2d", fillvalue=fill)


def test_scipy_takes_integers_but_no_bool() -> None:
    op = find("scipy.signal.convolve2d")
    assert set(NUMPY_INTEGERS) - set(op.dtypes) == {"bool"}


# scipy 1.17.1: scipy.ndimage.correlate(x, [1, -2, 4], mode="constant", cval=3)
X, W = np.array([250, 3, 7, 100, 200]), np.array([1, -2, 4])


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint64", "float32"])
@pytest.mark.parametrize("other", ["int64", "uint8", "bool", "float64"])
def test_ndimage_keeps_the_dtype_of_x(dtype: str, other: str) -> None:
    name, options = "scipy.ndimage.correlate", {"mode": "constant", "cval": 3}
    w = np.array([1, 1, 0], bool) if other == "bool" else W.astype(other, casting="unsafe")
    x = X.astype(dtype)
    padded = [3, *X.tolist(), 3]
    sums = [sum(int(k) * padded[i + t] for t, k in enumerate(w)) for i in range(len(X))]
    if dtype != "float32" and other == "float64":
        with pytest.raises(BadArray, match="cuts off the fraction"):
            uniconv.conv(x, w, dialect=name, **options)
        return
    wrap = 2 ** (8 * x.itemsize)
    expected = np.array([s % wrap for s in sums], "uint64").astype(dtype)
    expected = np.array(sums).astype(dtype) if dtype == "float32" else expected
    scope = {"x": torch.from_numpy(x), "w": torch.from_numpy(w)}
    exec(explain(Call(x, w, dialect=name, **options)).torch, scope)
    for y in (
        uniconv.conv(x, w, dialect=name, **options),
        uniconv.native(name)(x, w, **options),
        uniconv.bind(w, dialect=name, **options)(x),
        scope["y"].numpy(),
    ):
        np.testing.assert_array_equal(y, expected, strict=True)

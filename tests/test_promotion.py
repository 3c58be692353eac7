"""Integers and mixed dtypes as NumPy and SciPy have them: the dtype of y, and wrap-around."""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pytest
import torch

import uniconv
from uniconv import Call, explain
from uniconv.errors import BadArray
from uniconv.spec.op import NUMPY_INTEGERS
from uniconv.spec.registry import find
from uniconv.testing.cases import random_case

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


# scipy 1.17.1, scipy.ndimage.correlate(x, [0.3, 0.3, 0.3], mode="constant", output=...)
@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (None, np.array([0, 1, 61, 60], "uint8")),
        ("int16", np.array([0, 1, 61, 60], "int16")),
        (np.float64, np.array([0.9, 1.8, 61.5, 60.9])),
        (np.zeros(4, "float32"), np.array([0.9, 1.8, 61.5, 60.9], "float32")),
    ],
    ids=str,
)
def test_ndimage_gives_the_output_that_is_asked_for(output: object, expected: np.ndarray) -> None:
    x, w = np.array([1, 2, 3, 200], "uint8"), np.full(3, 0.3)
    options = {"mode": "constant", "output": output}
    y = uniconv.conv(x, w, dialect="scipy.ndimage.correlate", **options)
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(y, expected, rtol=1e-7)
    scope = {"x": torch.from_numpy(x), "w": torch.from_numpy(w)}
    exec(explain(Call(x, w, dialect="scipy.ndimage.correlate", **options)).torch, scope)
    np.testing.assert_allclose(scope["y"].numpy(), expected, rtol=1e-6)
    assert scope["y"].numpy().dtype == expected.dtype


# octave-image 2.14.0: imfilter(uint8([1 2 3; 4 5 6; 250 251 252]), h, "replicate")
@pytest.mark.parametrize(
    ("h", "expected"),
    [
        ([0.5, 0, 0.5], [[2, 2, 3], [5, 5, 6], [251, 251, 252]]),
        ([-1, 0, 3.5], [[6, 10, 9], [14, 17, 16], [255, 255, 255]]),
        ([0.1, 0.3, 0.1], [[1, 1, 1], [2, 3, 3], [125, 126, 126]]),
    ],
)
def test_imfilter_rounds_halves_away(h: list[float], expected: list[list[int]]) -> None:
    x, w = np.array([[1, 2, 3], [4, 5, 6], [250, 251, 252]], "uint8"), np.array([h])
    if h == [0.1, 0.3, 0.1]:
        with pytest.raises(BadArray, match="2 of 9 pixels are so near to a half"):
            uniconv.conv(x, w, dialect="matlab.imfilter", boundary="replicate")
        return
    y = uniconv.conv(x, w, dialect="matlab.imfilter", boundary="replicate")
    np.testing.assert_array_equal(y, np.array(expected, "uint8"), strict=True)


def test_matlab_makes_doubles_of_integers() -> None:
    x, w = np.array([[100, 200]], "uint8"), np.array([[1, 2]], "int16")
    y = uniconv.conv(x, w, dialect="matlab.conv2")
    np.testing.assert_array_equal(y, np.array([[100.0, 400, 400]]), strict=True)
    assert uniconv.conv(x, w.astype("float32"), dialect="matlab.conv2").dtype == "float32"


# jax 0.10.2
@pytest.mark.parametrize(
    ("element", "expected"),
    [(None, np.int8(32)), ("int32", np.int32(20000)), (np.float32, np.float32(20000))],
    ids=str,
)
def test_a_preferred_element_type_is_summed_in(element: object, expected: np.generic) -> None:
    x, w = np.full((1, 1, 4), 100, "int8"), np.full((1, 1, 2), 100, "int8")
    options = {"window_strides": (1,), "padding": "VALID", "preferred_element_type": element}
    y = uniconv.conv(x, w, dialect="jax.lax.conv", **options)
    np.testing.assert_array_equal(y, np.full((1, 1, 3), expected), strict=True)


def test_a_narrower_element_type_is_refused() -> None:
    x = np.ones((1, 1, 4), "float32")
    with pytest.raises(
        BadArray, match='="float16" of float32 arrays is not one of float32, float64'
    ):
        uniconv.native("jax.lax.conv")(x, x, (1,), "VALID", preferred_element_type="float16")


# y's dtype as scipy 1.17.1, flax 0.12.8, mlx 0.32.4, tinygrad 0.13.0 and chainer 7.8.1 give it
@pytest.mark.parametrize(
    ("name", "x", "w", "expected"),
    [
        ("scipy.signal.convolve", "float16", "float32", "float32"),
        ("scipy.signal.convolve2d", "bool", "int16", "int16"),
        ("scipy.signal.fftconvolve", "float16", "float16", "float32"),
        ("scipy.signal.fftconvolve", "float16", "int8", "float64"),
        ("scipy.ndimage.correlate", "uint8", "float16", "uint8"),
        ("flax.linen.Conv", "int64", "uint32", "float32"),
        ("flax.linen.Conv", "int64", "float16", "float16"),
        ("mlx.core.conv2d", "float16", "int64", "float16"),
        ("tinygrad.Tensor.conv2d", "int8", "float32", "float32"),
        ("tinygrad.Tensor.conv2d", "int32", "int64", "int64"),
        ("chainer.functions.convolution_2d", "float16", "float64", "float16"),
    ],
)
def test_pairs_that_a_framework_converts(name: str, x: str, w: str, expected: str) -> None:
    case = random_case(find(name), random.Random(0), rank=2)
    arrays = [np.ones(case.x_shape, x), np.ones(case.w_shape, w)]
    a, b = arrays
    a[(0,) * a.ndim] = b[(0,) * b.ndim] = 0
    y = uniconv.conv(a, b, dialect=name, **case.options)
    same = expected if expected in find(name).dtypes_of(2) else "float32"
    alike = uniconv.conv(a.astype(same), b.astype(same), dialect=name, **case.options)
    np.testing.assert_array_equal(y, alike.astype(expected), strict=True)
    scope = {"x": torch.from_numpy(a), "w": torch.from_numpy(b)}
    exec(explain(Call(a, b, dialect=name, **case.options)).torch, scope)
    np.testing.assert_array_equal(scope["y"].numpy(), y, strict=True)


def test_scipy_takes_bool_and_float16_along_one_axis() -> None:
    for dtype, sums in (("bool", [0, 1, 1, 1]), ("float16", [0, 1, 2, 1])):
        x, w = np.array([0, 1, 1], dtype), np.ones(2, dtype)
        y = uniconv.conv(x, w, dialect="scipy.signal.convolve")
        np.testing.assert_array_equal(y, np.array(sums, dtype), strict=True)
        with pytest.raises(BadArray, match=f"x is {dtype}, which is not one of float32"):
            uniconv.conv(x[None], w[None], dialect="scipy.signal.convolve")


def test_a_pair_that_becomes_no_dtype_of_the_function_is_refused() -> None:
    x, w = np.ones((1, 1, 3, 3), "int8"), np.ones((1, 1, 2, 2), "uint8")
    with pytest.raises(BadArray, match="x, w are int8, uint8, and y would be int16, which is not"):
        uniconv.conv(x, w, dialect="tinygrad.Tensor.conv2d")

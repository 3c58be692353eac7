"""Results of another dtype, through the running framework and uniconv: values, dtypes, refusals."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from typing import Any

import numpy as np
import pytest

import uniconv
from uniconv.errors import UniconvError
from uniconv.spec.op import COMPLEX, FLOATS, NUMPY_INTEGERS

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore:promoting specified output")]

KINDS = (*NUMPY_INTEGERS, *FLOATS, *COMPLEX)
OUTPUTS = (None, *NUMPY_INTEGERS, "float16", "float32", "float64", *COMPLEX, float, np.int16)


def numbers(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    kind = np.dtype(dtype)
    a = rng.integers(0 if kind.kind in "ub" else -9, 2 if kind.kind == "b" else 9, shape)
    return (
        (a + 1j * rng.integers(-9, 9, shape)).astype(kind) if kind.kind == "c" else a.astype(kind)
    )


def both(function: Any, name: str, arrays: tuple[np.ndarray, ...], options: Any, to: Any) -> bool:
    """Whether both compute the call, and give the same; both refuse it, or the test fails."""
    call = f"{name}({[a.dtype.name for a in arrays]}, {options})"
    try:
        expected = np.asarray(function(*map(to, arrays), **options))
    except Exception:  # each framework has its own
        expected = None
    try:
        y = uniconv.conv(*arrays, dialect=name, **options)
    except UniconvError as error:
        y, told = None, error
    if y is None or expected is None:
        assert y is expected, f"{call}: {told if y is None else 'computed'}"
        return False
    assert y.dtype == expected.dtype, call
    np.testing.assert_array_equal(y.astype(complex), expected.astype(complex), err_msg=call)
    return True


def test_preferred_element_types_of_jax() -> None:
    jax = pytest.importorskip("jax")
    pytest.importorskip("ml_dtypes")
    jax.config.update("jax_enable_x64", True)
    rng, count = np.random.default_rng(0), 0
    with jax.default_matmul_precision("highest"):
        for dtype, element in product(KINDS, (None, *KINDS)):
            x, w = numbers(rng, (1, 2, 5), dtype), numbers(rng, (3, 2, 2), dtype)
            options = {
                "window_strides": (1,),
                "padding": "VALID",
                "preferred_element_type": element,
            }
            count += both(jax.lax.conv, "jax.lax.conv", (x, w), options, jax.numpy.asarray)
    assert count > 90


def test_promotion_and_integers_in_jax_numpy_and_jax_scipy() -> None:
    jax = pytest.importorskip("jax")
    pytest.importorskip("ml_dtypes")
    signal = pytest.importorskip("jax.scipy.signal")
    jax.config.update("jax_enable_x64", True)
    rng = np.random.default_rng(1)
    functions = {
        "jax.numpy.convolve": jax.numpy.convolve,
        "jax.scipy.signal.correlate": signal.correlate,
    }
    for (a, b), (name, function) in product(product(KINDS, repeat=2), functions.items()):
        x, w = numbers(rng, (5,), a), numbers(rng, (3,), b)
        assert both(function, name, (x, w), {}, jax.numpy.asarray)


def test_pairs_of_dtypes_in_flax() -> None:
    linen, jax = pytest.importorskip("flax.linen"), pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    rng = np.random.default_rng(3)

    def convolved(x: Any, w: Any) -> Any:
        layer = linen.Conv(features=3, kernel_size=(3,), use_bias=False, precision="highest")
        return layer.apply({"params": {"kernel": w}}, x)

    for a, b in product((*NUMPY_INTEGERS, "float16", "float64"), repeat=2):
        x, w = numbers(rng, (1, 4, 2), a), numbers(rng, (3, 2, 3), b)
        assert both(convolved, "flax.linen.Conv", (x, w), {}, jax.numpy.asarray)


@pytest.mark.parametrize("name", ["correlate", "convolve", "correlate1d", "convolve1d"])
def test_outputs_of_scipy_ndimage(name: str) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    rng, count = np.random.default_rng(2), 0
    factors = np.array([0.1, 0.3, 0.5, -0.25, 1 / 3, -0.1, 1])
    kinds = [d for d in KINDS if "float16" not in d and d != "bool"]
    for dtype, output, whole in product(kinds, OUTPUTS, (True, False)):
        shape = (7,) if name.endswith("1d") and whole else (6, 7)
        x = numbers(rng, shape, dtype)
        x = x if "int" not in dtype else (x * 13).astype(dtype)
        axes = (3,) if name.endswith("1d") else (2, 3)[2 - len(shape) :]
        w = rng.integers(-4, 9, axes) if whole else rng.choice(factors, axes)
        if rng.integers(2) and not whole:
            w = w + w[..., ::-1]
        options = {"mode": "constant", "cval": 2.5 if rng.integers(2) else 0, "output": output}
        function = getattr(ndimage, name)
        try:
            expected = function(x, w, **options)
        except RuntimeError:
            expected = None
        try:
            y = uniconv.native(f"scipy.ndimage.{name}")(x, w, **options)
        except UniconvError:
            # A complex x makes SciPy's own mind up about types, with a warning.
            assert expected is None or ("complex" in dtype and output in (float, np.int16))
            continue
        assert expected is not None, (dtype, output)
        assert y.dtype == expected.dtype, (dtype, output)
        if y.dtype.kind in "iu":
            np.testing.assert_array_equal(y, expected, err_msg=f"{dtype} {output} {w} {options}")
        else:
            np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-4)
        count += 1
    assert count > 100


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "int32"])
def test_fractions_are_cut_off_as_in_scipy(dtype: str) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(3)
    info = np.iinfo(dtype)
    for i in range(60):
        name = ("correlate", "convolve", "correlate1d", "convolve1d")[i % 4]
        rank = 1 + i % 3
        x = rng.integers(info.min, info.max, rng.integers(4, 12, rank)).astype(dtype)
        w = rng.choice(
            [0.1, 0.3, 0.5, 1 / 3, -0.2, 0.7], rng.integers(1, 6, 1 if i % 4 > 1 else rank)
        )
        w = w + np.flip(w) if i % 5 == 0 else w - np.flip(w) if i % 5 == 1 else w
        options = {
            "mode": ("reflect", "constant", "nearest", "mirror", "wrap")[i % 5],
            "cval": i % 3,
        }
        np.testing.assert_array_equal(
            uniconv.native(f"scipy.ndimage.{name}")(x, w, **options),
            getattr(ndimage, name)(x, w, **options),
            err_msg=f"{name} {w} {options}",
            strict=True,
        )


@pytest.mark.parametrize("name", ["fftconvolve", "oaconvolve"])
def test_integers_by_fourier_transforms(name: str) -> None:
    signal = pytest.importorskip("scipy.signal")
    rng = np.random.default_rng(4)
    kinds = [d for d in KINDS if "float16" not in d]
    for a, b in product(kinds, repeat=2):
        x, w = numbers(rng, (5, 6), a), numbers(rng, (2, 3), b)
        y, expected = uniconv.native(f"scipy.signal.{name}")(x, w), getattr(signal, name)(x, w)
        assert y.dtype == expected.dtype, (a, b)
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-3)


def test_complex_numbers_around_an_image() -> None:
    signal, ndimage = pytest.importorskip("scipy.signal"), pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(5)
    for kind in COMPLEX:
        x, w = numbers(rng, (5, 6), kind), numbers(rng, (2, 3), kind)
        for name, function, options in (
            ("scipy.signal.convolve2d", signal.convolve2d, {"fillvalue": 1 + 2j}),
            ("scipy.signal.correlate2d", signal.correlate2d, {"fillvalue": 1 - 2j, "mode": "same"}),
            ("scipy.ndimage.correlate", ndimage.correlate, {"mode": "constant", "cval": 3j}),
            ("scipy.ndimage.convolve", ndimage.convolve, {"mode": "constant", "cval": 2 - 1j}),
        ):
            y = uniconv.native(name)(x, w, **options)
            np.testing.assert_array_equal(y, function(x, w, **options), err_msg=name, strict=True)


KERAS = """
import numpy as np, keras, uniconv
rng = np.random.default_rng(6)
for dtype in ("int8", "uint8", "int16", "int32"):
    info = np.iinfo(dtype)
    x = rng.integers(info.min, info.max, (1, 5, 6, 4), dtype)
    w = rng.integers(info.min, info.max, (2, 3, 2, 4), dtype)
    for name, kernels in (
        ("conv", (w,)),
        ("conv_transpose", (rng.integers(info.min, info.max, (2, 3, 5, 4), dtype),)),
        ("depthwise_conv", (w[:, :, [0, 1, 0, 1]][..., :2],)),
        ("separable_conv", (w[:, :, [0, 1, 0, 1]][..., :1], w[:1, :1, [0, 1, 0, 1]][..., :3])),
    ):
        theirs = np.asarray(getattr(keras.ops, name)(x, *kernels))
        ours = uniconv.native(f"keras.ops.{name}")(x, *kernels)
        np.testing.assert_array_equal(ours, theirs, err_msg=f"{name} {dtype}", strict=True)
print(keras.backend.backend())
"""


def test_integers_in_keras_on_jax() -> None:
    pytest.importorskip("keras")
    pytest.importorskip("jax")
    known = os.environ | {"KERAS_BACKEND": "jax"}
    run = [sys.executable, "-c", KERAS]
    done = subprocess.run(run, env=known, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "jax", done.stderr

"""The numbers of a probe: each from its place by a formula that any language can compute."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._canonical.record import Shape

Array = NDArray[Any]

MODULUS, BOUND = 10_007, 8  # a prime above the number of most arrays' elements
FINGERPRINT = (19, 23, 29)
CUBES = {"x": (31, 7, 1), "w": (17, 29, 3), "pointwise": (13, 5, 2)}


def numbered(shape: Shape, role: str, seed: int, dtype: str) -> Array:
    """Whole numbers by a formula of their place k (in C order), which any language can compute.

    (a k**3 + b k**2 + c k + seed) mod 10007, spread over -8 to 8 (0 to 8 where the dtype has no
    sign, -2 to 2 in float16): a cubic, because a quadratic is symmetric.
    """
    k = np.arange(int(np.prod(shape)), dtype=np.int64)
    a, b, c = CUBES[role]
    low, high = limits(dtype)
    values = (a * k**3 + b * k**2 + c * k + seed) % MODULUS % (high - low + 1) + low
    return values.reshape(shape).astype(dtype)


def formula(role: str) -> tuple[int, int, int]:
    """The cubic's coefficients for x, w or pointwise."""
    return CUBES[role]


def fingerprint(y: Array) -> float:
    """One number that any mistake of axes changes: y weighed by the place of each element."""
    k = np.arange(y.size, dtype=np.int64)
    a, b, c = FINGERPRINT
    weights = (a * k**3 + b * k**2 + c * k) % MODULUS + 1
    return float(weights @ y.ravel().astype(np.float64))


def limits(dtype: str) -> tuple[int, int]:
    """The smallest and the largest number of a probe."""
    bound = 2 if dtype in ("float16", "bfloat16") else BOUND
    return (0 if dtype.startswith("u") else -bound), bound

"""Calls of OpenCV's filters on images of every depth, with numbers that rounding depends on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

# What tests/golden/make_depths.py writes: y of so many calls.
FILE = Path(__file__).parent / "golden" / "depths" / "cv2.npz"
COUNT, SEED, WIDEST = 160, 5, 24
DTYPES = ("uint8", "uint16", "int16", "float32", "float64")
BORDERS = (0, 1, 2, 4)
DEPTHS = (-1, 0, 2, 3, 5, 6)
CHANNELS = ((), (1,), (3,), (4,))
FACTORS = (0, 0.05, 0.1, 0.15, 0.25, 0.3, 1 / 3, 0.5, 0.7, 1, -0.1, -1, 2)
SMOOTH = {1: [1], 3: [1, 2, 1], 5: [1, 4, 6, 4, 1], 7: [1, 6, 15, 20, 15, 6, 1]}


def image(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    if dtype.startswith("float"):
        return rng.integers(-99, 99, shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype, endpoint=True)


def plane(rng: np.random.Generator, most: int) -> np.ndarray:
    """A kernel of rows and columns: factors, a mean, any numbers, or integers."""
    shape = tuple(rng.integers(1, most, 2))
    kinds = (
        lambda: rng.choice(FACTORS, shape) / max(1, shape[0] * shape[1] / 4),
        lambda: np.full(shape, 1 / (shape[0] * shape[1])),
        lambda: rng.standard_normal(shape),
        lambda: rng.integers(-9, 9, shape),
    )
    return kinds[rng.integers(len(kinds))]()


def vector(rng: np.random.Generator) -> np.ndarray:
    """A kernel of one axis: factors, a mean, binomials, symmetric ones, or integers."""
    n = int(rng.integers(1, 8))
    sign = 1 if rng.integers(2) else -1
    kinds = (
        lambda: rng.choice(FACTORS, n) / max(1, n / 2),
        lambda: np.full(n, 1 / n),
        lambda: np.array(SMOOTH[n | 1]) / 4.0 ** (n // 2),
        lambda: (lambda v: (v + sign * v[::-1]) / max(1, n / 2))(rng.choice(FACTORS, n)),
        lambda: (lambda v: v + sign * v[::-1])(rng.integers(-9, 9, n)),
    )
    return kinds[rng.integers(len(kinds))]()


def calls(count: int, seed: int, *, widest: int = 70) -> Iterator[tuple[str, list[Any], Any]]:
    """Function, positional arguments and options of so many calls; some are of no depth."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        dtype = DTYPES[rng.integers(len(DTYPES))]
        size = (int(rng.integers(3, widest // 2)), int(rng.integers(3, widest)))
        x = image(rng, dtype, (*size, *CHANNELS[rng.integers(len(CHANNELS))]))
        kind = "float32" if rng.integers(2) else "float64"
        kernels = [vector(rng), vector(rng)] if i % 2 else [plane(rng, 15 if i % 7 == 0 else 6)]
        sizes = [len(kernels[0]), len(kernels[1])] if i % 2 else [*kernels[0].shape[::-1]]
        middle = rng.integers(3) > 0
        options = {
            "anchor": (-1, -1) if middle else tuple(int(rng.integers(n)) for n in sizes),
            "delta": float(rng.choice([0, 0, 0.5, 0.3, 7, -2.5])),
            "borderType": int(rng.choice(BORDERS)),
        }
        arrays = [x, int(rng.choice(DEPTHS)), *(k.astype(kind) for k in kernels)]
        yield ("cv2.sepFilter2D" if i % 2 else "cv2.filter2D"), arrays, options

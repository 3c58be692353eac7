"""Dtypes by name, those of ml_dtypes among them, and numbers of fewer than eight bits.

NumPy has neither bfloat16 nor the floats of eight bits: ml_dtypes adds them, and it is only asked
for by a file that has some.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile

__all__ = ["NARROW", "codes", "dtype_of", "nibbles"]

NARROW = ("bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")


def dtype_of(name: str, where: str) -> np.dtype[Any]:
    """A dtype by its name in NumPy or ml_dtypes."""
    if name not in NARROW:
        return np.dtype(name)
    try:
        import ml_dtypes
    except ImportError:
        raise BadFile(
            f"{where} is {name}, which NumPy does not have: reading it needs pip install ml_dtypes"
        ) from None
    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return dtype


def codes(text: str) -> dict[int, str]:
    """A format's numbers for dtypes, from "1 float32 2 uint8"."""
    words = text.split()
    return {int(code): name for code, name in zip(words[::2], words[1::2])}


def nibbles(data: NDArray[np.uint8], size: int, *, signed: bool) -> NDArray[Any]:
    """``size`` numbers of four bits, the low half of a byte first."""
    both = np.stack([data & 15, data >> 4], -1).reshape(-1)[:size]
    return (both.astype(np.int8) ^ 8) - 8 if signed else both

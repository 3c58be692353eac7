"""An array that was found in a file, and how far its numbers can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._messages import show, suggest
from uniconv.errors import NoSuchArray

__all__ = ["NamedArray", "NamedArrays", "Quantization"]


class NamedArrays(dict[str, "NamedArray"]):
    """Arrays by name: a plain dict, but that a name it lacks is answered with those it has."""

    def __missing__(self, name: str) -> NamedArray:
        """The names that are there, the near ones first."""
        near = suggest(name, self) if isinstance(name, str) else ""
        some = ", ".join(map(show, list(self)[:20])) + (", ..." if len(self) > 20 else "")
        raise NoSuchArray(f"no array is named {show(name)}{near or f'; there are {some}'}")


@dataclass(frozen=True, slots=True, eq=False)
class Quantization:
    """What stored integers stand for: ``scale * (integer - zero_point)``.

    One of each, or one for every place along ``axis``.
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class NamedArray:
    """An array of a file.

    ``name`` is the file's own name for it, or ``array_1``, ``array_2``, ... where it has none.
    ``array`` is indexed as what wrote it indexes it, whatever the order in memory.
    ``error`` is how far each element may be from the number that was written: half a unit of the
    last printed digit, an array of ``array``'s shape; 0.0 where the file holds the number itself,
    and for whole numbers such as 3 and 3.0. Zeros that a display trims count as printed: NumPy's
    0.5 beside 0.25 is 0.50, its 3. has eight decimals, Julia's 0.5 has six digits. What the dtype
    of ``array`` rounds off is not in it.
    ``digits`` is the largest number of significant digits printed, ``line`` the line, from 1, where
    the array begins; both are None where nothing was printed.
    ``quantization`` says what the integers of a .tflite stand for.
    ``kind`` is what the file's own graph uses the array for, where it has one: the kernel of a
    "conv", "conv_transpose", "depthwise_conv" or "dense" ("dense_in_out", "dense_out_in" where the
    framework has both); "keep" for what is no kernel; else None.
    ``eps`` is what BatchNorm adds to this variance (or to that in MatConvNet's moments), where the
    file says it.
    """

    name: str
    array: NDArray[Any]
    error: NDArray[np.float64] | float = 0.0
    digits: int | None = None
    line: int | None = None
    quantization: Quantization | None = None
    kind: str | None = None
    eps: float | None = None

    def dequantized(self) -> NDArray[Any]:
        """The numbers that quantized integers stand for, in float32; other arrays as they are.

        >>> quantization = Quantization(np.array([0.5, 2]), np.array([0, 1]), axis=1)
        >>> NamedArray("w", np.array([[3, 4]], np.int8), quantization=quantization).dequantized()
        array([[1.5, 6. ]], dtype=float32)
        """
        q = self.quantization
        if q is None:
            return self.array
        sizes = [1] * self.array.ndim
        if q.axis is not None:
            sizes[q.axis] = -1
        scale, zero = (a.reshape(sizes) for a in (q.scale.astype(np.float32), q.zero_point))
        return ((self.array.astype(np.int64) - zero) * scale).astype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The array's dtype, as it is stored."""
        return self.array.dtype

"""An array that was found in a file, and how far its numbers can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
    """

    name: str
    array: NDArray[Any]
    error: NDArray[np.float64] | float = 0.0
    digits: int | None = None
    line: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

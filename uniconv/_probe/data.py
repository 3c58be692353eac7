"""What a probe holds: plain data, which its code and its mistakes are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from uniconv._call import Call

Array = NDArray[Any]


@dataclass(frozen=True)
class ProbeData:
    """The fields of ``uniconv.Probe``, which says what they mean."""

    call: Call
    y: Array
    undecided: tuple[str, ...] = ()
    seed: int = 0

    @property
    def x(self) -> Array:
        """The probe's input."""
        return self.call.x  # type: ignore[no-any-return]

    @property
    def w(self) -> Array:
        """The probe's kernel."""
        return self.call.w  # type: ignore[no-any-return]

    @property
    def pointwise(self) -> Array | None:
        """The second kernel; None where there is none."""
        return self.call.pointwise  # type: ignore[no-any-return]

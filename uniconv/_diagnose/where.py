"""Where two results differ: only at the rim, shifted, in some channels, everywhere.

Results are compared with canonical axes, ``n o ...``, and told in the user's: ``ResultPlaces``
knows how an element of y is written in the layout and the language of the function.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._canonical.layout import axes
from uniconv._diagnose.hypothesis import Problem
from uniconv.spec.registry import framework_of
from uniconv.spec.spelling import Spelling

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class ResultPlaces:
    """How elements of a call's y are written: in its own axes, counted as its language counts.

    problem: the call; name: what y is called.
    """

    problem: Problem
    name: str = "y"

    @property
    def spelling(self) -> Spelling:
        """Python's, where the framework is not known to be written in another language."""
        return framework_of(self.problem.call.op).spelling or Spelling("")

    def element(self, at: tuple[int, ...]) -> str:
        """The element at a canonical index (n, o, ...): "y[0, 3, 3, 2]"."""
        # Axes that the layout lacks come last and are left out; several batch axes are one here.
        call, rank = self.problem.call, self.problem.rank
        letters = dict(zip(("n", "o", *self.problem.spatial), at))
        index: list[int] = []
        for letter in axes(call.layout.y, rank):
            if letter == "n":
                index += (int(i) for i in np.unravel_index(letters["n"], call.sizes.batch or (1,)))
                index = index if call.sizes.batch else index[:-1]
            else:
                index.append(letters[letter])
        return self.spelling.element(self.name, index)

    def numbers(self, indices: Iterable[int]) -> list[int]:
        """Indices of one axis, as the language counts."""
        return [n + self.spelling.first for n in indices]


def where(
    expected: Array, actual: Array, slack: Array | float, places: ResultPlaces | None = None
) -> str:
    """One clause on two results ``n o ...`` of one shape; places says how an element is written.

    >>> a = np.arange(25.0).reshape(1, 1, 5, 5)
    >>> b = a.copy()
    >>> b[..., 0, :] += 1
    >>> b[..., :, 0] += 1
    >>> where(a, b, 1e-9)
    'only at the rim of width 1: 9 of 25 numbers'
    """
    # From the most telling to the least: nowhere, a rim (padding), a shift, some channels or
    # images, everywhere, or the first place.
    off = np.abs(actual - expected) > slack
    count = f"{int(off.sum())} of {off.size} numbers"
    if not off.any():
        return "nowhere"
    rim = _rim(off)
    if rim:
        return f"only at the rim of width {rim}: {count}"
    shift = _shift(expected, actual, slack)
    if shift is not None:
        return f"everywhere, as if shifted by {shift} pixels: {count}"
    for axis, noun in ((1, "output channels"), (0, "images of the batch")):
        others = tuple(a for a in range(off.ndim) if a != axis)
        bad = np.flatnonzero(off.any(axis=others))
        if len(bad) < off.shape[axis]:
            which = bad.tolist()[:12]
            which = which if places is None else places.numbers(which)
            some = "" if places is None or off.take(bad, axis).all() else f", {_first(off, places)}"
            return f"only in {noun} {which}: {count}{some}"
    if off.all():
        return f"everywhere: {count}"
    return f"{count}, {_first(off, places)}"


def _first(off: Array, places: ResultPlaces | None) -> str:
    """The first place that differs, as a clause."""
    first = tuple(int(i) for i in np.argwhere(off)[0])
    return f"first at {first if places is None else places.element(first)}"


def _rim(off: Array) -> int:
    """The width of a rim that differs for the better part, where nothing inside does; else 0."""
    # Width 1 is tried first: the frame of 5 x 5 has 16 numbers, and at least 8 of them must differ,
    # or it would be a few places that happen to lie outside.
    sizes = off.shape[2:]
    for width in range(1, (min(sizes, default=0) + 1) // 2):
        inside: tuple[Any, ...] = (..., *(slice(width, n - width) for n in sizes))
        if off[inside].size and not off[inside].any():
            return width if 2 * off.sum() > off.size - off[inside].size else 0
    return 0


def _shift(expected: Array, actual: Array, slack: Array | float) -> tuple[int, ...] | None:
    """By how much actual is expected moved along its spatial axes; None where it is not."""
    # The nearest shift is taken, of at most 2 pixels along an axis.  A result that is the same
    # everywhere looks shifted by anything, and is passed over (``ptp``).
    sizes = expected.shape[2:]
    tolerance = float(np.max(slack))
    for shift in sorted(
        product((-2, -1, 0, 1, 2), repeat=len(sizes)), key=lambda s: sum(map(abs, s))
    ):
        if not any(shift) or any(abs(d) * 2 >= n for d, n in zip(shift, sizes)):
            continue
        # ``a`` and ``b`` are the parts of both that lie on each other after a move by ``shift``.
        a: tuple[Any, ...] = (
            ...,
            *(slice(max(-d, 0), n - max(d, 0)) for d, n in zip(shift, sizes)),
        )
        b: tuple[Any, ...] = (
            ...,
            *(slice(max(d, 0), n - max(-d, 0)) for d, n in zip(shift, sizes)),
        )
        # The rim may hold other padding.
        inner: tuple[Any, ...] = (
            ...,
            *(slice(1, -1) if n - abs(d) > 4 else slice(None) for d, n in zip(shift, sizes)),
        )
        one, two = expected[a][inner], actual[b][inner]
        if one.size and np.ptp(one) > 0 and np.all(np.abs(one - two) <= tolerance):
            return shift
    return None

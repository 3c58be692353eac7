"""Run: a call, the y that came out of it, and what the search says of both.

``diagnose`` makes one and reports it; ``compare`` makes two and holds them against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from keyword import kwlist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._diagnose.hypothesis import Change, Hypothesis
from uniconv._diagnose.inputs import InputArray, errors, problem, short, unflattened
from uniconv._diagnose.normalization import read_batchnorm
from uniconv._diagnose.precision import EightBits, Errors, spacing
from uniconv._diagnose.search import SearchResult, search
from uniconv._messages import show_shape
from uniconv.errors import BadShape
from uniconv.spec.op import Op

Array = NDArray[Any]
Progress = Callable[[str], None]

# Names that code needs for something else.
TAKEN_NAMES = {"numpy", "torch", "F", "bias", "p", *kwlist}


@dataclass(frozen=True, slots=True)
class Run:
    """One call with its y, looked into.

    names: what x, w and y are called in code.  start: the call as it was meant; errors: what its
    arrays may be off; result: what the search ended with.  arrays: what the user gave, by the names
    in code, to run printed lines on.  reshaped: that y has other axes.
    """

    op: Op
    options: Mapping[str, Any]
    names: Mapping[str, str]
    start: Hypothesis
    errors: Errors
    result: SearchResult
    arrays: Mapping[str, Array] = field(default_factory=dict, repr=False)
    reshaped: Change | None = None

    @property
    def model(self) -> Hypothesis:
        """What the call turned out to be."""
        return self.result.model

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is told: the model's changes, and that y has other axes if none of them says so."""
        own = self.model.changes
        if self.reshaped is None or any(change.field == "shape of y" for change in own):
            return own
        return (self.reshaped, *own)

    @property
    def bias_array(self) -> Mapping[str, Array]:
        """The bias by its name, where there is one.

        Code for another run, which has none, may speak of it.
        """
        return {name: a for name, a in self.arrays.items() if name == "bias"}


def searched(
    op: Op,
    options: Mapping[str, Any],
    arrays: list[InputArray],
    bias: InputArray | None = None,
    pointwise: InputArray | None = None,
    progress: Progress | None = None,
    depth: int = 3,
    batchnorm: Mapping[str, Any] | None = None,
) -> Run:
    """The run of one expected call; arrays are x, w and y."""
    # The search may ask for the same call with x and w rounded to a short format: it gets a
    # function that makes it, since that is rarely needed.  Where no single cause explains a y that
    # lies on a grid, as 8-bit integers do, it is looked at with what their rounding may do.
    x, w, y = arrays
    target = problem(op, options, x, w, y, pointwise)
    channels = None if bias is None else bias.array.reshape(-1)
    if bias is not None and channels is not None and channels.size != target.call.o:
        raise BadShape(
            f"{op.name}: bias {show_shape(bias.array.shape)} must have the {target.call.o} "
            "channels of y"
        )
    norm = None if batchnorm is None else read_batchnorm(batchnorm, target.call.o)
    start, off = target.start(channels, norm), errors(x, w, y)

    def rounded(precision: str | EightBits) -> Hypothesis:
        return short(target, precision).start(channels, norm)

    step = 0.0 if off.printed else _step(start, y.array)
    result = search(start, off, rounded, progress, 1 if step else depth)
    if step and not (result.explained and result.remainder.proved):
        coarse = replace(off, y=0.5 * step, step=step)
        result = search(start, coarse, rounded, progress, depth)
        if result.explained:
            off = coarse
        else:
            result = search(start, off, rounded, progress, depth)
    names, own = names_of(arrays), arrays_of(arrays, bias, pointwise)
    reshaped = unflattened(target.call, y)[1]
    if reshaped is not None:
        names["y"] = reshaped.code[0][1].format(names["y"])
    return Run(op, options, names, start, off, result, own, reshaped)


def _step(start: Hypothesis, y: Array) -> float:
    """The step of the 8-bit integers that y was; 0 where it was none."""
    step = spacing(y)
    if step and start.fits:
        places = start.result() / step
        if np.abs(places - np.round(places)).max(initial=0.0) < 1e-3:
            return 0.0  # the call itself gives such numbers
    return step


def names_of(arrays: list[InputArray]) -> dict[str, str]:
    """What x, w and y are called in code: their own names, where these are names in Python."""
    names = {role: a.name or role for role, a in zip(("x", "w", "y"), arrays)}
    # Names come from files and pasted texts, perhaps with an index: table[:, None].  Whatever else
    # stands there must not get into code.
    fits = re.compile(r"([^\W\d]\w*)(\[(None|[\d\s:,.-])*\])*")
    own = {role: fits.fullmatch(name) for role, name in names.items()}
    return {r: m[0] if m and m[1] not in TAKEN_NAMES else r for r, m in own.items()}


def arrays_of(
    arrays: list[InputArray], bias: InputArray | None, pointwise: InputArray | None
) -> dict[str, Array]:
    """The user's arrays by the names that they have in code."""
    # In float64 and as they were given, zero points and all: code begins from these.
    own = dict(zip(names_of(arrays).values(), (a.array for a in arrays)))
    others = (("bias", bias), ("p", pointwise))
    return own | {name: a.array for name, a in others if a is not None}

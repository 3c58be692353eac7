"""Run: a call, the y that came out of it, and what the search says of both.

``diagnose`` makes one and reports it; ``compare`` makes two and holds them against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from keyword import kwlist
from typing import Any

from numpy.typing import NDArray

from uniconv._diagnose.hypothesis import Hypothesis
from uniconv._diagnose.inputs import InputArray, errors, problem, short
from uniconv._diagnose.precision import Errors
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
    in code, to run printed lines on.
    """

    op: Op
    options: Mapping[str, Any]
    names: Mapping[str, str]
    start: Hypothesis
    errors: Errors
    result: SearchResult
    arrays: Mapping[str, Array] = field(default_factory=dict, repr=False)

    @property
    def model(self) -> Hypothesis:
        """What the call turned out to be."""
        return self.result.model

    @property
    def bias_array(self) -> Mapping[str, Array]:
        """The bias by its name, where there is one."""
        return {name: a for name, a in self.arrays.items() if name == "bias"}


def searched(
    op: Op,
    options: Mapping[str, Any],
    arrays: list[InputArray],
    bias: InputArray | None = None,
    pointwise: InputArray | None = None,
    progress: Progress | None = None,
    depth: int = 2,
) -> Run:
    """The run of one expected call; arrays are x, w and y."""
    # The search may ask for the same call with x and w rounded to a short format: it gets a
    # function that makes it, since that is rarely needed.
    x, w, y = arrays
    target = problem(op, options, x, w, y, pointwise)
    channels = None if bias is None else bias.array.reshape(-1)
    if bias is not None and channels is not None and channels.size != target.call.o:
        raise BadShape(
            f"{op.name}: bias {show_shape(bias.array.shape)} must have the {target.call.o} "
            "channels of y"
        )
    start, off = target.start(channels), errors(x, w, y)
    result = search(start, off, lambda p: short(target, p).start(channels), progress, depth)
    own = arrays_of(arrays, bias, pointwise)
    return Run(op, options, names_of(arrays), start, off, result, own)


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
    own = dict(zip(names_of(arrays).values(), (a.array for a in arrays)))
    others = (("bias", bias), ("p", pointwise))
    return own | {name: a.array for name, a in others if a is not None}

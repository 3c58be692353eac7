"""Run: a call, the y that came out of it, and what the search says of both.

``diagnose`` makes one and reports it; ``compare`` makes two and holds them against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from uniconv._diagnose.hypothesis import Hypothesis
from uniconv._diagnose.inputs import InputArray, errors, problem, short
from uniconv._diagnose.precision import Errors
from uniconv._diagnose.search import SearchResult, search
from uniconv._messages import show_shape
from uniconv.errors import BadShape
from uniconv.spec.op import Op

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """One call with its y, looked into.

    names: what x, w and y are called in code.  start: the call as it was meant; errors: what its
    arrays may be off; result: what the search ended with.
    """

    op: Op
    options: Mapping[str, Any]
    names: Mapping[str, str]
    start: Hypothesis
    errors: Errors
    result: SearchResult

    @property
    def model(self) -> Hypothesis:
        """What the call turned out to be."""
        return self.result.model


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
    return Run(op, options, names_of(arrays), start, off, result)


def names_of(arrays: list[InputArray]) -> dict[str, str]:
    """What x, w and y are called in code."""
    return {role: a.name or role for role, a in zip(("x", "w", "y"), arrays)}

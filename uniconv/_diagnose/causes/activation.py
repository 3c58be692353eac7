"""What ends a call: another activation, one that is missing, one that the call has not.

Only those are tried whose range y keeps to (``activations.candidates``), so that most hypotheses
have few.  A ReLU says less than a sigmoid: where y is 0, any number below explains it, and only
the others are held against the sum.  Deployed layers mostly hold their activation, so that y before
it is often not to be had.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uniconv._canonical.activation import Activation, leaky
from uniconv._diagnose.activations import title
from uniconv._diagnose.hypothesis import Change, Hypothesis


def activation(model: Hypothesis) -> Iterator[Hypothesis]:
    """Every activation that y's range allows; the slope of leaky ReLU is read off y at last."""
    if np.iscomplexobj(model.y) or np.iscomplexobj(model.x):
        return
    # First none, where the call has one; then all that y's range allows; last the open slope.
    was = model.activation
    if was is not None:
        text = f"the activation ({title(was)}) is missing: y is the sum before it"
        undo = f"apply {title(was)} there"
        yield model.but(
            Change("activation", title(was), "none", text, 1.2, undo=undo), activation=None
        )
    for to in model.problem.activations:
        if to != was:
            yield model.but(_change(was, to), activation=to)
    if model.problem.goes_below_zero:
        change = _change(was, leaky(0.0), "leaky ReLU").but(cost=1.5, read_off=True)
        yield model.but(change, fit="slope", activation=None)


def _change(was: Activation | None, to: Activation, name: str = "") -> Change:
    """y ends in an activation: where there was none, or another."""
    name = name or title(to)
    text = f"y is taken after {name}"
    text += ", which the call has not" if was is None else f", not {title(was)}"
    # Clips at any numbers and rare functions after the common ones.
    common = to.name in ("relu", "sigmoid", "tanh", "leaky_relu") or title(to) == "ReLU6"
    undo = (
        f"leave {name} out there" if was is None else f"apply {title(was)} instead of {name} there"
    )
    return Change("activation", title(was), name, text, 1.2 if common else 1.4, undo=undo)

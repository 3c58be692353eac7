"""What follows the sum: bias, scale, and what nobody gave and y tells.

Each function is a slot.  A bias that the call has can be left out, added twice or in another
order: each is a hypothesis with its own array.  A number that the call has not can only be read off
y.  It would take the whole of y to do so for each hypothesis, so that ``fit`` names what is open,
the judge looks whether one number serves all sampled elements, and ``Judge.settled`` fills it in.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uniconv._diagnose.causes.readings import names
from uniconv._diagnose.hypothesis import Change, Hypothesis


def bias(model: Hypothesis) -> Iterator[Hypothesis]:
    """The bias missing, twice, in the wrong order or along the wrong axis."""
    b = model.bias
    if b is None or not np.any(b):
        return

    # Costs: forgetting it is likelier than adding it twice, a wrong order or sign rarer still.
    def change(actual: str, text: str, cost: float, code: str) -> Change:
        return Change("bias", "added once", actual, text, cost, (("bias", code),), "add it once")

    yield model.but(change("missing", "the bias is missing", 1.1, "None"), bias=None)
    yield model.but(change("twice", "the bias is added twice", 1.2, "2 * {}"), bias=2 * b)
    if b.size > 1:
        step = change("reversed", "the bias has its channels reversed", 1.4, "{}[::-1]")
        yield model.but(step, bias=b[::-1])
    groups = model.problem.groups
    if 1 < groups < b.size and b.size % groups == 0:
        for shape in ((b.size // groups, groups), (groups, b.size // groups)):
            order = np.arange(b.size).reshape(shape).T.ravel()
            step = change(
                "another channel order",
                "the bias has another channel order (multiplier and channel exchanged)",
                1.5,
                f"{{}}[{order.tolist()}]",
            )
            yield model.but(step, bias=b[order])
    step = change("subtracted", "the bias is subtracted", 1.6, "-{}")
    yield model.but(step, bias=-b)
    # An array of as many numbers as an axis is long broadcasts along it without an error.
    for axis in range(2, model.y.ndim):
        if model.y.shape[axis] == b.size:
            where = names(model, [axis - 2])
            step = change(f"along {where}", f"the bias is added along {where}", 1.7, "{}")
            yield model.but(step, bias_axis=axis)


def scale(model: Hypothesis) -> Iterator[Hypothesis]:
    """A factor: the expected one ignored, or one read off y, as 1/9 by those who take the mean."""
    if model.scale != 1:
        text = f"the factor {model.scale} is ignored"
        yield model.but(Change("scale", str(model.scale), "1", text, 1.2), scale=1.0)
    # ``fit`` leaves the number open: the judge reads it off y (Judge.settled).
    text = "the result is multiplied by a number"
    change = Change("scale", str(model.scale), "read off y", text, 2.0, read_off=True)
    yield model.but(change, fit="scale")


def offset(model: Hypothesis) -> Iterator[Hypothesis]:
    """A number added per output channel that nobody gave: it is read off y.

    It explains any y that differs by a constant per channel, and costs 2.5 for that.
    """
    text = "a number is added to each output channel: a bias that was not given"
    if model.bias is not None:
        text = "another bias is added"
    change = Change("bias", "as given", "read off y", text, 2.5, read_off=True)
    yield model.but(change, fit="bias")

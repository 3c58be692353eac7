"""What follows a call, as code: a factor and a term per channel, and the activation.

With a factor of 2 and ReLU, ``keras.layers.Conv2D(x, w)`` becomes three lines: the call as a
tensor, ``y = y * torch.tensor([2.0])``, ``y = torch.relu(y)``.

A function says some of it by its own options (Keras's ``activation``); what it cannot say is
written in torch below the call.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._canonical.activation import Activation
from uniconv._canonical.activation_functions import code
from uniconv._diagnose.hypothesis import Hypothesis
from uniconv._diagnose.lines import takes_tensors
from uniconv.errors import BadOption, CannotExpress

Array = NDArray[Any]


def activation_inside(model: Hypothesis) -> Activation | None:
    """The activation that the function's own option says: none where something precedes it."""
    rule, activation = model.problem.call.op.activation, model.activation
    if rule is None or activation is None or per_channel(model):
        return None
    if activation == model.problem.call.activation:
        return activation
    try:
        rule.write(activation, model.problem.call.context)
    except (BadOption, CannotExpress):
        return None
    return activation


def per_channel(model: Hypothesis) -> bool:
    """Whether a factor per output channel stands between the sum and the activation."""
    return model.gain is not None or model.norm is not None


def with_what_follows(model: Hypothesis, call: str) -> str:
    """The code of a call, and below it what the call does not say itself.

    call: one expression, or lines of torch that end in y.
    """
    lines = list(_lines(model))
    if not lines:
        return call
    # ``head`` are the imports and lines before the one that makes y.
    *head, last = call.splitlines()
    if not head:
        # The result of a call of torch is a tensor; another framework's is made one.
        expression, hash_sign, note = last.partition("  # ")
        own = takes_tensors(model.problem.call.op)
        text = expression if own else f"torch.as_tensor(numpy.asarray({expression}))"
        last = f"y = {text}{hash_sign}{note}"
        head = ["import torch"] if own else ["import numpy", "import torch"]
    if any("F." in line for line in lines) and "from torch.nn import functional as F" not in head:
        head.insert(head.index("import torch") + 1, "from torch.nn import functional as F")
    return "\n".join((*head, last, *lines))


def _lines(model: Hypothesis) -> Iterator[str]:
    """Lines that make of y what the call does not."""
    if model.gain is not None:
        term = "" if model.bias is None else f" + {_numbers(model, model.bias)}"
        yield f"y = y * {_numbers(model, model.gain)}{term}"
    if model.norm is not None:
        factor, term = (_numbers(model, v) for v in (model.norm.factor, model.norm.term))
        yield f"y = y * {factor} + {term}"
    if model.activation is not None and activation_inside(model) is None:
        text = code(model.activation, "y")
        yield f"y = {text.replace('-inf', 'None').replace('inf', 'None')}"


def _numbers(model: Hypothesis, values: Array) -> str:
    """Numbers per channel as a tensor that goes with the call's own y."""
    # The shortest decimals that are the same float32.
    letters = model.problem.y.letters
    behind = len(letters) - letters.index("o") - 1
    shape = f".reshape({', '.join(['-1', *['1'] * behind])})" if behind else ""
    return f"torch.tensor({[float(str(np.float32(v))) for v in np.ravel(values)]}){shape}"

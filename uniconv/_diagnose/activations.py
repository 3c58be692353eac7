"""Activations as the search asks for them: forwards, back from y, and which of them y may end in.

Forwards is torch's own function (``_canonical/activation_functions.py``).  Back is bisection on the
branch where the function rises: a number of y that lies on no branch (a zero of ReLU, a clipped
one, what GELU makes of numbers below zero) tells nothing of what was before it.

An example: of y = 0.7311 sigmoid's bisection gives 1.0, where its slope is 0.197, so that an error
of 1e-6 in y is one of 5e-6 there.  Of ReLU's 0 it gives slope 0: any number below zero explains it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from uniconv._canonical import activation as a
from uniconv._canonical.activation import Activation
from uniconv._canonical.activation_functions import compute

Array = NDArray[Any]

FAR = 1e7  # where the search for what was before y ends
HALVINGS = 84  # of an interval of 2 FAR, which leaves 1e-18
FLAT = 1e-3  # a slope below which y tells nothing of what was before it

# What each is called, and the least and largest numbers that it gives.
KNOWN: dict[Activation, tuple[str, float, float]] = {
    a.RELU: ("ReLU", 0, math.inf),
    a.RELU6: ("ReLU6", 0, 6),
    a.RELU_N1_TO_1: ("a clip to -1 and 1", -1, 1),
    a.SIGMOID: ("sigmoid", 0, 1),
    a.TANH: ("tanh", -1, 1),
    a.SOFTPLUS: ("softplus", 0, math.inf),
    a.SILU: ("swish (SiLU)", -0.2785, math.inf),
    a.GELU: ("GELU (by the error function)", -0.17, math.inf),
    a.GELU_TANH: ("GELU (by tanh)", -0.1701, math.inf),
    a.ELU: ("ELU", -1, math.inf),
    a.SELU: ("SELU", -1.7581, math.inf),
    a.HARD_SIGMOID: ("hard sigmoid (x / 6 + 0.5)", 0, 1),
    Activation("hard_sigmoid", (0.2, 0.5)): ("hard sigmoid (0.2 x + 0.5)", 0, 1),
    a.HARD_SWISH: ("hard swish", -0.3751, math.inf),
    a.MISH: ("mish", -0.3089, math.inf),
    a.SOFTSIGN: ("softsign", -1, 1),
    a.LOG_SIGMOID: ("log sigmoid", -math.inf, 0),
    a.EXP: ("exp", 0, math.inf),
}
SLOPES = (0.01, 0.1, 0.2, 0.3)  # of leaky ReLU: torch's, Darknet's, TensorFlow's, Keras's
LEAKY = 0.8  # how large the least number of y is at most beside the largest, after one of these

# Where each rises, as (from, to); leaky ReLU and those not here rise everywhere.
_RISES = {"relu": (0.0, FAR), "silu": (0.0, FAR), "gelu": (0.0, FAR), "gelu_tanh": (0.0, FAR)}
_RISES |= {"mish": (0.0, FAR), "hard_swish": (0.0, FAR), "exp": (-80.0, 80.0)}
# How steep each is at most, where that is not 1.
_STEEPEST = {"sigmoid": 0.25, "selu": 1.7581, "silu": 1.1, "gelu": 1.13, "gelu_tanh": 1.13}
_STEEPEST |= {"mish": 1.09, "hard_swish": 1.5}
_STRAIGHT = ("relu", "clip", "leaky_relu")  # which round nothing near 0


def title(activation: Activation | None) -> str:
    """What an activation is called: "leaky ReLU (slope 0.1)".

    >>> title(Activation("clip", (0.0, 4.0)))
    'a clip to 0 and 4'
    """
    if activation is None:
        return "none"
    if activation in KNOWN:
        return KNOWN[activation][0]
    numbers = " and ".join(f"{n:.6g}" for n in activation.numbers)
    if activation.name == "leaky_relu":
        return f"leaky ReLU (slope {numbers})"
    return f"a clip to {numbers}" if activation.name == "clip" else str(activation)


def forwards(activation: Activation, z: Any) -> Any:
    """The activation of numbers in float64, an array or one number."""
    y = compute(activation, torch.as_tensor(z, dtype=torch.float64)).numpy()
    return y if y.ndim else float(y)


def steepest(activation: Activation, y: float) -> float:
    """How much one more before the activation may change y at most."""
    if activation.name == "exp":
        return abs(y)
    if activation.name == "leaky_relu":
        return max(1.0, abs(activation.numbers[0]))
    if activation.name == "hard_sigmoid":
        return abs(activation.numbers[0])
    return _STEEPEST.get(activation.name, 1.0)


def curved(activation: Activation) -> bool:
    """Whether a library computes it by a series, with an error of its own."""
    return activation.name not in _STRAIGHT


def _rises(activation: Activation) -> tuple[float, float]:
    """Where an activation rises: ReLU from 0, a clip between its bounds."""
    numbers = activation.numbers
    if activation.name == "clip":
        return max(numbers[0], -FAR), min(numbers[1], FAR)
    if activation.name == "hard_sigmoid":
        return -numbers[1] / numbers[0], (1 - numbers[1]) / numbers[0]
    return _RISES.get(activation.name, (-FAR, FAR))


def before(activation: Activation, y: Array) -> tuple[Array, Array]:
    """What was before the activation, and the slope there; 0 where y does not tell it.

    >>> before(a.RELU, np.array([0.0, 2.0]))[1]
    array([0., 1.])
    """
    # Bisection on all numbers at once: f rises between low and high.
    start, end = _rises(activation)
    low, high = np.full(y.shape, start), np.full(y.shape, end)
    bottom, top = forwards(activation, np.array([start, end]))
    tells = (y > bottom) & (y < top)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        above = forwards(activation, middle) > y
        high = np.where(above, middle, high)
        low = np.where(above, low, middle)
    z = 0.5 * (low + high)
    step = 1e-6 * np.maximum(np.abs(z), 1.0)
    slope = (forwards(activation, z + step) - forwards(activation, z - step)) / (2 * step)
    return z, np.where(tells & (slope >= FLAT), slope, 0.0)


@lru_cache(maxsize=65536)
def before_one(activation: Activation, y: float) -> tuple[float, float]:
    """The same of one number; a search asks for the same few again and again."""
    z, slope = before(activation, np.array([y]))
    return float(z[0]), float(slope[0])


def candidates(y: Array) -> Iterator[Activation]:
    """The activations that y's numbers may be the results of, by their range.

    ReLU and clips show by what they hold back: their bounds occur more than once.

    >>> [str(f) for f in candidates(np.array([-2.0, 4.0, 0.5, 4.0, 4.0]))]
    ['clip(-inf, 4.0)', 'leaky_relu(0.01)', 'leaky_relu(0.1)', 'leaky_relu(0.2)', 'leaky_relu(0.3)']
    """
    if not y.size or np.iscomplexobj(y):
        return
    low, high = float(y.min()), float(y.max())
    at_low, at_high = (int(np.count_nonzero(y == bound)) > 1 for bound in (low, high))
    for activation, (_, least, most) in KNOWN.items():
        inside = least - 1e-6 <= low and high <= most + 1e-6
        if activation.name == "relu":
            inside = low == 0 and at_low
        elif activation.name == "clip":
            inside = inside and high == most and at_high
        if inside:
            yield activation
    if at_low is not at_high and low == -high < 0:  # a clip to -b and b, once held back at one end
        at_low = at_high = True
    bounds = (low if at_low else -math.inf, high if at_high else math.inf)
    common = (a.clip(0.0, math.inf), a.RELU6, a.RELU_N1_TO_1)
    if any(map(math.isfinite, bounds)) and low < high and a.clip(*bounds) not in common:
        yield a.clip(*bounds)
    # A slope of 0.3 leaves of the numbers below zero a third of their size.
    if low < 0 and -low < LEAKY * high:
        yield from map(a.leaky, SLOPES)

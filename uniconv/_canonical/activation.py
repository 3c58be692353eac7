"""Activations: what a layer does to each number of y, after the bias.

A name and numbers, so that two dialects' words are the same activation where they mean the same:
Keras's relu6 and NNlib's are both ``clip(0, 6)``.
``activation_functions`` has torch's function of each name.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Activation:
    """A function of one number, by name, with its slope, bounds or factors."""

    name: str
    numbers: tuple[float, ...] = ()

    def __str__(self) -> str:
        numbers = ", ".join(map(repr, self.numbers))
        return f"{self.name}({numbers})" if numbers else self.name


# The usual ones by the names that torch gives them.
RELU = Activation("relu")
RELU6 = Activation("clip", (0.0, 6.0))
RELU_N1_TO_1 = Activation("clip", (-1.0, 1.0))
ELU = Activation("elu", (1.0,))
CELU = Activation("celu", (1.0,))
SELU = Activation("selu")
SIGMOID = Activation("sigmoid")
LOG_SIGMOID = Activation("log_sigmoid")
HARD_SIGMOID = Activation("hard_sigmoid", (1 / 6, 0.5))
HARD_SWISH = Activation("hard_swish", (1 / 6, 0.5))
TANH = Activation("tanh")
SOFTPLUS = Activation("softplus")
SOFTSIGN = Activation("softsign")
SILU = Activation("silu")
MISH = Activation("mish")
GELU = Activation("gelu")
GELU_TANH = Activation("gelu_tanh")
EXP = Activation("exp")


def leaky(slope: float) -> Activation:
    """y where y > 0, else slope * y."""
    return Activation("leaky_relu", (slope,))


def clip(low: float, high: float) -> Activation:
    """y held between low and high."""
    return Activation("clip", (low, high))


def hard_sigmoid(slope: float, shift: float) -> Activation:
    """clip(slope * y + shift, 0, 1)."""
    return Activation("hard_sigmoid", (slope, shift))


def hard_swish(slope: float, shift: float) -> Activation:
    """y * clip(slope * y + shift, 0, 1)."""
    return Activation("hard_swish", (slope, shift))

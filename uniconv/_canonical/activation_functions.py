"""Torch's function of each activation: computed, written as code, and as a torch.nn module.

The three columns of ``FUNCTIONS`` say one thing three times, for a call, for printed code and for
torch modules; tests hold them against each other.  torch.nn has no module for those with numbers of
another kind than its own (Keras's hard sigmoid): there the third column is empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from uniconv._canonical.activation import Activation


class Function(NamedTuple):
    """How to compute an activation, to write it as code, and the module that torch.nn has.

    ``{y}`` is the array in the code, ``{0}`` and ``{1}`` are the activation's numbers.
    """

    compute: Callable[..., Tensor]
    code: str
    module: Callable[..., nn.Module] | None = None


def _clip(y: Tensor, low: float, high: float) -> Tensor:
    """y held between two numbers."""
    return torch.clamp(y, low, high)


def _hard_sigmoid(y: Tensor, slope: float, shift: float) -> Tensor:
    """torch's own hard_sigmoid has 1/6 and 1/2 built in; Keras and ONNX have used 0.2, too."""
    return torch.clamp(slope * y + shift, 0, 1)


def _hard_swish(y: Tensor, slope: float, shift: float) -> Tensor:
    """y times its hard sigmoid."""
    return y * torch.clamp(slope * y + shift, 0, 1)


FUNCTIONS: dict[str, Function] = {
    "relu": Function(torch.relu, "torch.relu({y})", nn.ReLU),
    "clip": Function(_clip, "torch.clamp({y}, {0!r}, {1!r})", nn.Hardtanh),
    "leaky_relu": Function(F.leaky_relu, "F.leaky_relu({y}, {0!r})", nn.LeakyReLU),
    "elu": Function(F.elu, "F.elu({y}, {0!r})", nn.ELU),
    "celu": Function(F.celu, "F.celu({y}, {0!r})", nn.CELU),
    "selu": Function(F.selu, "F.selu({y})", nn.SELU),
    "sigmoid": Function(torch.sigmoid, "torch.sigmoid({y})", nn.Sigmoid),
    "log_sigmoid": Function(F.logsigmoid, "F.logsigmoid({y})", nn.LogSigmoid),
    "hard_sigmoid": Function(_hard_sigmoid, "torch.clamp({0!r} * {y} + {1!r}, 0, 1)"),
    "hard_swish": Function(_hard_swish, "{y} * torch.clamp({0!r} * {y} + {1!r}, 0, 1)"),
    "tanh": Function(torch.tanh, "torch.tanh({y})", nn.Tanh),
    "softplus": Function(F.softplus, "F.softplus({y})", nn.Softplus),
    "softsign": Function(F.softsign, "F.softsign({y})", nn.Softsign),
    "silu": Function(F.silu, "F.silu({y})", nn.SiLU),
    "mish": Function(F.mish, "F.mish({y})", nn.Mish),
    "gelu": Function(F.gelu, "F.gelu({y})", nn.GELU),
    "gelu_tanh": Function(
        lambda y: F.gelu(y, approximate="tanh"),
        'F.gelu({y}, approximate="tanh")',
        lambda: nn.GELU("tanh"),
    ),
    "exp": Function(torch.exp, "torch.exp({y})"),
}


def compute(activation: Activation, y: Tensor) -> Tensor:
    """The activation of each number of y, in y's dtype where that can hold it."""
    return FUNCTIONS[activation.name].compute(y, *activation.numbers)


def code(activation: Activation, y: str) -> str:
    """The activation of the variable ``y`` as torch code."""
    return FUNCTIONS[activation.name].code.format(*activation.numbers, y=y)


def module(activation: Activation) -> nn.Module | None:
    """The same as a torch.nn module; None where torch.nn has none."""
    make = FUNCTIONS[activation.name].module
    return None if make is None else make(*activation.numbers)

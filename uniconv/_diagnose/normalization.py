"""BatchNorm as it follows a convolution: its statistics, read from what a caller gives.

eps must be given: frameworks differ in it (torch 1e-5, Keras 1e-3), which is one of the causes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._canonical.arrays import to_torch
from uniconv._messages import either, show, show_shape, suggest
from uniconv._weights.batch_norm import ROLES, WORDS
from uniconv.errors import BadArray, BadOption, BadShape

Array = NDArray[Any]

# Our own names for them, then the frameworks', which the conversion of weights knows.
_OWN = {"scale": "gamma", "offset": "beta", "mean": "mean", "variance": "variance"}
NAMES: Mapping[str, tuple[str, ...]] = {
    _OWN[role]: tuple(dict.fromkeys((_OWN[role], role, *(words[n] for words in WORDS.values()))))
    for n, role in enumerate(ROLES)
} | {"eps": ("eps", "epsilon", "ϵ")}


@dataclass(frozen=True, eq=False)
class BatchNormStatistics:
    """gamma * (y - mean) / sqrt(variance + eps) + beta, each an array ``(o,)``."""

    mean: Array
    variance: Array
    gamma: Array
    beta: Array
    eps: float

    @property
    def factor(self) -> Array:
        """What each channel is multiplied by."""
        return np.asarray(self.gamma / np.sqrt(self.variance + self.eps))

    @property
    def term(self) -> Array:
        """What is added to each channel after that."""
        return np.asarray(self.beta - self.mean * self.factor)

    def but(self, **fields: Any) -> BatchNormStatistics:
        """The same with other statistics."""
        return replace(self, **fields)


def read_batchnorm(statistics: Mapping[str, Any], channels: int) -> BatchNormStatistics:
    """The statistics of a BatchNorm by any of the frameworks' names for them.

    Args:
        statistics: mean and variance ``(o,)`` and eps; gamma and beta ``(o,)``, by default 1 and 0.
        channels: o, the output channels of the convolution.

    Raises:
        BadOption: a name that is none of them, one given twice or missing, an eps below 0.
        BadShape: an array that has not ``channels`` numbers.
        BadArray: a variance below 0, or no finite numbers.

    >>> norm = read_batchnorm({"running_mean": [1.0], "running_var": [3.0], "eps": 1.0}, 1)
    >>> norm.factor, norm.term
    (array([0.5]), array([-0.5]))
    """
    roles = {name: role for role, names in NAMES.items() for name in names}
    values: dict[str, Any] = {}
    for name, value in statistics.items():
        if name not in roles:
            hint = suggest(name, roles) or f"; give {_WANTED}"
            raise BadOption(f"batchnorm has no {show(name)}{hint}")
        if roles[name] in values:
            twice = f"batchnorm: {roles[name]} is given twice: it goes by"
            raise BadOption(f"{twice} {either(NAMES[roles[name]])}")
        values[roles[name]] = value
    missing = [role for role in ("mean", "variance", "eps") if role not in values]
    if missing:
        raise BadOption(f"batchnorm lacks {' and '.join(missing)}: give {_WANTED}")
    eps = values.pop("eps")
    if isinstance(eps, bool) or not isinstance(eps, (int, float)) or not 0 <= eps < np.inf:
        entry = f" {show_shape(np.shape(eps))}" if np.ndim(eps) else f"={show(eps)}"
        raise BadOption(f"batchnorm: eps{entry} must be a number of at least 0")
    arrays = {"gamma": np.ones(channels), "beta": np.zeros(channels)}
    arrays |= {role: _channels(value, role, channels) for role, value in values.items()}
    if (arrays["variance"] < 0).any():
        raise BadArray("batchnorm: the variance has numbers below 0: is it the mean?")
    return BatchNormStatistics(**arrays, eps=float(eps))


_WANTED = "dict(mean=..., variance=..., gamma=..., beta=..., eps=...), gamma and beta as there are"


def _channels(value: Any, role: str, channels: int) -> Array:
    """One array of statistics, in float64."""
    value = np.asarray(value) if isinstance(value, (list, tuple)) else value
    array = to_torch(value, "cpu").detach().double().numpy()
    if array.size != channels:
        raise BadShape(
            f"batchnorm: {role} {show_shape(array.shape)} must have the {channels} channels of y"
        )
    if not np.isfinite(array).all():
        raise BadArray(f"batchnorm: {role} has values that are no finite numbers")
    return np.asarray(array.reshape(-1))

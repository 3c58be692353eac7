"""A factor and a term for each output channel: BatchNorm, weight norm, scales of quantisation.

Where a BatchNorm's statistics are given, what people get wrong with them; else only the numbers,
which are read off y.  A BatchNorm in inference is a factor gamma / sqrt(variance + eps) and a term
beta - mean * factor for each channel, so that one that is folded into a kernel and a bias cannot be
told from any other such numbers; its eps can, once the statistics are known.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from uniconv._diagnose.hypothesis import Change, Hypothesis
from uniconv._diagnose.normalization import BatchNormStatistics


def batchnorm(model: Hypothesis) -> Iterator[Hypothesis]:
    """The BatchNorm that was given: missing, of other statistics, with another eps."""
    # Costs: another eps and the statistics of training are what ports get wrong most.  Each row is
    # what is there, its text, the cost, what to do where y was made, and the fields that differ.
    norm = model.norm
    if norm is None:
        return
    change = Change("BatchNorm", f"eps {norm.eps:.4g}", "read off y", "another eps", 1.3)
    undo = f"set the eps of the BatchNorm to {norm.eps:.4g} there"
    yield model.but(change.but(undo=undo, read_off=True), fit="eps")
    text = (
        "the BatchNorm uses the mean and variance of this batch (as in training), not those given"
    )
    undo = "run the BatchNorm for inference there (eval mode, training=False)"
    change = Change("BatchNorm", "as given", "batch statistics", text, 1.3, undo=undo)
    yield model.but(change, fit="batch")
    for actual, text, cost, undo, other in _mistakes(norm):
        yield model.but(Change("BatchNorm", "as given", actual, text, cost, undo=undo), norm=other)


def _mistakes(
    norm: BatchNormStatistics,
) -> Iterator[tuple[str, str, float, str, BatchNormStatistics | None]]:
    """What people make of a BatchNorm's statistics, the commonest first."""
    name = "of the BatchNorm"
    yield "missing", "the BatchNorm is missing", 1.2, "apply the BatchNorm there", None
    # A mean below 0 cannot have been taken for a variance.
    if (norm.mean >= 0).all():
        text = f"the mean and the variance {name} are exchanged"
        other = norm.but(mean=norm.variance, variance=norm.mean)
        yield "mean and variance exchanged", text, 1.4, f"exchange mean and variance {name}", other
    text = f"gamma and beta {name} are exchanged"
    other = norm.but(gamma=norm.beta, beta=norm.gamma)
    yield "gamma and beta exchanged", text, 1.5, f"exchange gamma and beta {name}", other
    nothing = np.zeros(norm.mean.shape)
    text = f"gamma {name} is missing (scale=False)"
    yield "no gamma", text, 1.5, f"multiply by gamma {name}", norm.but(gamma=nothing + 1)
    text = f"beta {name} is missing (center=False)"
    yield "no beta", text, 1.5, f"add beta {name}", norm.but(beta=nothing)
    text = f"the mean {name} is not subtracted"
    yield "no mean", text, 1.6, f"subtract the mean {name}", norm.but(mean=nothing)
    # Lasagne and MatConvNet keep deviations, which are easily taken for variances, and back.
    whole = norm.variance + norm.eps
    text = f"the variance {name} is taken for the deviation: no square root of it"
    yield (
        "no square root",
        text,
        1.6,
        "take the square root",
        norm.but(variance=whole**2 - norm.eps),
    )
    text = f"the deviation is given as the variance {name}: its square root is taken twice"
    other = norm.but(variance=np.sqrt(whole) - norm.eps)
    yield "square root twice", text, 1.6, f"give the variance {name}", other


def gain(model: Hypothesis) -> Iterator[Hypothesis]:
    """A factor for each output channel, with no term: what multiplies the kernel."""
    if model.y.shape[1] > 1:
        text = "each output channel is multiplied by a number of its own (a scale per channel, or "
        text += "the g of a weight norm)"
        change = Change("factor per channel", "1", "read off y", text, 2.6, read_off=True)
        yield model.but(change, fit="gain")


def affine(model: Hypothesis) -> Iterator[Hypothesis]:
    """A factor and a term for each output channel."""
    # It reads two numbers per channel off y, so that a bias and a BatchNorm are part of it.
    text = (
        "each output channel is multiplied by a number and has a number added, as a BatchNorm does"
    )
    expected = "1 and the bias" if model.bias is not None else "1 and 0"
    if model.norm is not None:
        text, expected = "another BatchNorm follows than the one given", "as given"
    change = Change("factor and term per channel", expected, "read off y", text, 3.1, read_off=True)
    yield model.but(change, fit="affine", norm=None, bias=None, shift=0.0)


def input_scale(model: Hypothesis) -> Iterator[Hypothesis]:
    """x scaled and shifted, as images are: one scale for all channels, or one for each of few."""
    # Beside factors per output channel, both are read off y together.
    if not np.iscomplexobj(model.x) and not np.iscomplexobj(model.w):
        change = Change("values of x", "as given", "read off y", "x is scaled", 2.4, read_off=True)
        fit = f"{model.fit} of input" if model.fit in ("gain", "affine") else "input"
        yield model.but(change, fit=fit)

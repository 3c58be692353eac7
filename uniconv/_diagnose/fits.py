"""What a hypothesis leaves open and y tells: a factor, a bias, a slope, the scale of the input.

``gives`` asks on a few elements whether one value serves them all, ``settled`` reads it off all of
y.  Both compare numbers before the activation: y is pulled back through it (``activations``) and
through the BatchNorm, and counts only where it tells what was there.

How to read this: v is what the hypothesis sums, z what y says of it.  A fit is a straight line from
v to z, by its factor, its term or both; for each output channel, or for all at once (``scale``).
Each number has two errors: ``of_v``, in proportion to v, and ``of_z``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._canonical.activation import leaky
from uniconv._diagnose.activations import before, before_one, curved, title
from uniconv._diagnose.hypothesis import Hypothesis
from uniconv._diagnose.input_scale import input_agrees, input_settled
from uniconv._diagnose.precision import UNITS, Errors

Array = NDArray[Any]
Index = tuple[int, ...]

CHANNELS = 3  # of y that are looked at
FEWEST = {"bias": 3, "gain": 3}  # numbers of y for each channel, and of one that is looked at
U = UNITS["float32"]


@dataclass(frozen=True, slots=True)
class Point:
    """One element: what is summed, what y says of it, and how far both may be off."""

    v: Any
    z: Any
    of_v: float
    of_z: float


def gives(model: Hypothesis, errors: Errors, points: Sequence[Index], moved: float) -> bool:
    """Whether one value of what ``model.fit`` leaves open serves all these elements of y.

    moved: how far the printed digits of x and w may move an element.
    """
    if model.fit == "slope":
        return _one_slope(model, errors, points, moved)
    if model.fit.endswith("input"):
        return input_agrees(model, errors, points, moved)
    # How to read this: for up to three channels of y (the first, the middle, the last; others where
    # these tell nothing), the points of some places must lie on a line.
    per_channel = model.fit != "scale"
    fewest = FEWEST.get(model.fit, 4)
    if not per_channel:
        every = list(_points(model, errors, points, moved))
        return len(every) >= fewest and _straight(every, factor=True, term=False)
    count = model.y.shape[1]
    if model.y.size < fewest * count:
        return False
    factor, term = model.fit != "bias", model.fit != "gain"
    looked = 0
    for k in dict.fromkeys((0, count // 2, count - 1, *range(min(count, 12)))):
        spots = list(dict.fromkeys((at[0], k, *at[2:]) for at in points))[:16]
        line: list[Point] = []
        # As few first as can refute: most hypotheses fail there.
        for point in _points(model, errors, spots, moved):
            line.append(point)
            if len(line) in (fewest - 1, 6) and not _straight(
                line, factor=factor, term=term, unsure=True
            ):
                return False
        if len(line) >= fewest and not _straight(line, factor=factor, term=term):
            return False
        looked += len(line) >= fewest
        if looked == CHANNELS:
            break
    return looked > 0


def _points(
    model: Hypothesis, errors: Errors, points: Sequence[Index], moved: float
) -> Iterator[Point]:
    """The elements that tell what was before the activation."""
    # A fit of the BatchNorm itself is a line from the sum to what is before the activation; all
    # others are lines to what is before the BatchNorm.
    norm = model.norm if model.fit in ("scale", "bias", "gain") else None
    for at in points:
        y = model.y[at]
        # of_y: printed digits, y's own format, and what computing an activation may be off.
        of_y = errors.y + (errors.stored + 4 * U) * abs(y) + errors.least
        z, slope = y, 1.0
        if model.activation is not None:
            z, slope = before_one(model.activation, float(y))
            of_y += 8 * U * (1 + abs(y)) if curved(model.activation) else 0.0
            if not slope:
                continue
        if norm is not None:
            factor = float(norm.factor[at[1]])
            if not factor:
                continue
            z, slope = (z - norm.term[at[1]]) / factor, slope * abs(factor)
        v, size = model.core(at), model.core_size(at)
        added = model.added(at)
        if model.fit == "batch":
            v, size = v + added, size + abs(added)
        else:
            z = z - added
        unit = 2 * float(np.sqrt(max(model.terms, 1))) * U
        yield Point(v, z, unit * size + moved, of_y / slope + 4 * U * abs(added))


def _straight(points: Sequence[Point], *, factor: bool, term: bool, unsure: bool = False) -> bool:
    """Whether all points lie on one line, as far as their errors allow.

    factor: whether its slope is open, else 1; term: whether its height is, else it goes through 0.
    unsure: the answer where no two points are far enough apart, as where nothing was summed.
    """
    # With the height open and the slope 1, all z - v must be one number; with the slope open, the
    # points farthest apart say it, and the others are held against their line.
    first = max(points, key=lambda p: abs(p.v)) if factor else points[0]
    if not factor:
        value = first.z - first.v
        room = first.of_v + first.of_z
        return all(abs(p.z - p.v - value) <= p.of_v + p.of_z + room for p in points)
    # The two points farthest apart say the line, with an error that grows with the distance.
    second = max(points, key=lambda p: abs(p.v - first.v)) if term else Point(0.0, 0.0, 0.0, 0.0)
    apart = first.v - second.v
    if abs(apart) <= 100 * (first.of_v + second.of_v):
        return unsure
    slope = (first.z - second.z) / apart
    if abs(slope) * (first.of_v + second.of_v) + abs(slope) * abs(apart) * U == 0:
        return False
    ends = [abs(slope) * p.of_v + p.of_z for p in (first, second)]
    for p in points:
        miss = abs(p.z - first.z - slope * (p.v - first.v))
        part = abs(p.v - first.v) / abs(apart)
        allowed = abs(slope) * p.of_v + p.of_z + ends[0] + (ends[0] + ends[1]) * part
        if not miss <= allowed:
            return False
    return True


def _one_slope(model: Hypothesis, errors: Errors, points: Sequence[Index], moved: float) -> bool:
    """Whether y is the sum where that is above 0, and one factor of it below."""
    # Above 0 leaky ReLU changes nothing, so that those elements must agree as they are; below, they
    # must lie on a line through 0.
    below = []
    for at in points:
        value, y = model.before_activation(at), model.y[at]
        unit = 2 * float(np.sqrt(max(model.terms, 1))) * U
        slack = unit * model.magnitude(at) + moved
        of_y = errors.y + errors.stored * abs(y) + errors.least
        if value > 0:
            if abs(y - value) > slack + of_y:
                return False
        elif value < -slack:
            below.append(Point(value, y, slack, of_y))
    return len(below) >= 3 and _straight(below, factor=True, term=False)


# All of y


def settled(model: Hypothesis) -> Hypothesis:
    """The model with what is read off y filled in, and the last change told with it."""
    settle: dict[str, Callable[[Hypothesis], Hypothesis]] = {
        "scale": _scale,
        "bias": _lines,
        "gain": _lines,
        "affine": _lines,
        "eps": _eps,
        "batch": _batch,
        "slope": _slope,
        "input": input_settled,
        "gain of input": _lines_of_input,
        "affine of input": _lines_of_input,
    }
    return settle[model.fit](model) if model.fit else model


def _pulled(model: Hypothesis) -> tuple[Array, Array]:
    """z for all of y, and the weight of each number: the square of how well it tells z."""
    # An error of y is one of z divided by the slope, and least squares weigh by the square of that.
    if model.activation is None:
        z, slope = model.y, np.ones(model.y.shape)
    else:
        z, slope = before(model.activation, model.y)
    if model.norm is not None and model.fit in ("scale", "bias", "gain"):
        factor = model.along(model.norm.factor)
        z = (z - model.along(model.norm.term)) / np.where(factor == 0, 1, factor)
        slope = slope * np.abs(factor)
    return z, slope * slope


def _filled(model: Hypothesis, actual: str, text: str, **fields: Any) -> Hypothesis:
    """The model without its fit, whose last change says what y tells."""
    change = replace(model.changes[-1], actual=actual, text=text)
    return replace(model, fit="", changes=(*model.changes[:-1], change), **fields)


def _scale(model: Hypothesis) -> Hypothesis:
    """The factor of least squares over all of y: <v, z> / <v, v>."""
    z, weight = _pulled(model)
    v = model.core_result()
    z = z - model.all_added()
    total = np.sum(weight * np.abs(v) ** 2)
    if not total:
        return model
    number = nice(np.sum(weight * np.conj(v) * z) / total)
    text = f"the result is multiplied by {number_text(number)}"
    if number in (1 / 255, 1 / 127.5, 1 / 128, 1 / 256):
        text += ", as if x were"
    return _filled(model, number_text(number), text, scale=model.scale * number)


def _lines(model: Hypothesis) -> Hypothesis:
    """A factor, a term or both for each output channel."""
    # Ordinary least squares of z on v in each channel, weighted by what y tells of z: the factor is
    # the covariance of both by the variance of v, the term what is left of their means.
    z, weight = _pulled(model)
    v = model.core_result()
    axes = tuple(a for a in range(model.y.ndim) if a != 1)
    if model.fit == "bias":
        # The median, so that elements that do not fit leave it as it is.
        apart = zip(*(np.moveaxis(a, 1, 0) for a in (z - v - model.shift, weight > 0)))
        term = np.array([np.median(a[tells] if tells.any() else a) for a, tells in apart])
        return _filled(
            model, f"{_some(term)} per output channel", model.changes[-1].text, bias=term
        )
    z = z - model.all_added()
    mean_v, mean_z = (_mean(a, weight, axes, term=model.fit != "gain") for a in (v, z))
    v0, z0 = v - model.along(mean_v), z - model.along(mean_z)
    total = np.sum(weight * np.abs(v0) ** 2, axis=axes)
    factor = np.sum(weight * np.conj(v0) * z0, axis=axes) / np.where(total == 0, 1, total)
    if model.fit == "gain":
        gain = factor if model.gain is None else model.gain * factor
        return _filled(
            model, f"{_some(factor)} per output channel", model.changes[-1].text, gain=gain
        )
    # A channel of which nothing is told (all of it below a ReLU) is a constant: whatever y is.
    term = np.where(total == 0, np.median(z, axis=axes), mean_z - factor * mean_v)
    gain = factor if model.gain is None else model.gain * factor
    actual = f"factors {_some(factor)}, terms {_some(term)}"
    return _filled(model, actual, model.changes[-1].text, gain=gain, bias=term, shift=0.0)


def _lines_of_input(model: Hypothesis) -> Hypothesis:
    """A factor per output channel, perhaps with a term, of a scaled input."""
    # One output channel tells how x is scaled; with that, all channels tell their factors.
    scaled = input_settled(model)
    if scaled.fit:
        return model
    *earlier, last = scaled.changes
    fit = model.fit.removesuffix(" of input")
    one = _lines(replace(scaled, fit=fit, changes=tuple(earlier)))
    return replace(one, changes=(*one.changes, last))


def _mean(a: Array, weight: Array, axes: tuple[int, ...], *, term: bool) -> Array:
    """The weighted mean of each channel, 0 without a term."""
    total = np.sum(weight, axis=axes)
    if not term:
        return np.zeros(total.shape)
    return np.asarray(np.sum(weight * a, axis=axes) / np.where(total == 0, 1, total))


def _some(values: Array) -> str:
    return np.array2string(values, precision=4, threshold=6)


EPS = (0.0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-5, 1.1e-5, 2e-5, 1e-4, 1e-3, 1e-2, 0.1)


def _eps(model: Hypothesis) -> Hypothesis:
    """The eps with which the BatchNorm that is given has the factors that y tells.

    eps counts most where the variance is least: the channels are weighted by that.
    """
    norm = model.norm
    assert norm is not None
    free = _lines(replace(model, fit="affine", norm=None, bias=None, shift=0.0))
    assert free.gain is not None
    factor = free.gain if model.gain is None else free.gain / model.gain
    good = (factor != 0) & (norm.gamma != 0)
    if not good.any():
        return model
    spread = np.square(norm.gamma[good] / factor[good])
    weight = 1 / np.square(norm.variance[good] + norm.eps)
    eps = max(float(np.sum(weight * (spread - norm.variance[good])) / np.sum(weight)), 0.0)
    near = min(EPS, key=lambda e: abs(e - eps))
    # What float32 leaves of eps beside the variance.
    if abs(near - eps) <= 0.02 * near + 1e-6 * float(norm.variance[good].min()):
        eps = near
    text = f"the BatchNorm has eps {eps:.4g}, not {norm.eps:.4g}"
    return _filled(model, f"{eps:.4g}", text, norm=norm.but(eps=eps))


def _batch(model: Hypothesis) -> Hypothesis:
    """The BatchNorm by the mean and variance of this very result, as in training."""
    assert model.norm is not None
    # Nothing is read off y here: mean and variance are those of what the call gives.
    v = model.core_result() + model.all_added()
    axes = tuple(a for a in range(v.ndim) if a != 1)
    norm = model.norm.but(mean=v.mean(axis=axes), variance=v.var(axis=axes))
    return replace(model, fit="", norm=norm)


def _slope(model: Hypothesis) -> Hypothesis:
    """The slope of leaky ReLU, by least squares of what is below 0."""
    value = replace(model, fit="", activation=None).result()
    below = value < 0
    total = float(np.sum(value[below] ** 2))
    if not total:
        return model
    slope = float(np.sum(value[below] * model.y[below]) / total)
    near = float(f"{slope:.4g}")
    slope = near if abs(near - slope) <= 1e-5 * abs(slope) else slope
    activation = leaky(slope)
    text = model.changes[-1].text.replace("leaky ReLU", title(activation))
    return _filled(model, title(activation), text, activation=activation)


def nice(number: Any) -> Any:
    """1/9 for 0.1111111; the number itself where no plain one is near."""
    if isinstance(number, (complex, np.complexfloating)):
        return complex(number)
    for whole in (number, 1 / number if number else 1.0):
        if abs(whole - round(whole)) < 1e-6 * max(abs(whole), 1) and round(whole):
            return float(round(whole)) if whole == number else 1 / round(whole)
    return float(number)


def number_text(number: Any) -> str:
    """A factor as it is told: 1/9 where it is one, else six digits."""
    if isinstance(number, float) and number and abs(1 / number) > 1.5:
        inverse = 1 / number
        if abs(inverse - round(inverse)) < 1e-9 * abs(inverse):
            return f"1/{round(inverse)}"
    return f"{number:.6g}"

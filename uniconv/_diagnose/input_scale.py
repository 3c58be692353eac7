"""x scaled and shifted before the call: ``x / 127.5 - 1``, or a mean and a deviation per channel.

y is linear in both numbers: the sum over x * a + b is a times the sum over x and b times that over
ones, where zeros stay outside x.  So least squares say a and b, for all channels at once or, of a
few channels, for each.

An example, one channel, kernel 1 of weight 2: x * a + b gives 2 a x + 2 b, so that the row of an
element is (2 x, 2); two elements say a and b, and all others must agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._diagnose.activations import before, before_one
from uniconv._diagnose.hypothesis import Hypothesis
from uniconv._diagnose.precision import UNITS, Errors

Array = NDArray[Any]
Index = tuple[int, ...]

MOST_CHANNELS = 4  # of an image: beyond, one scale for all
ROWS = 4096  # of the least squares, at most
U = UNITS["float32"]
# (x - mean) / deviation of images between 0 and 1 and between 0 and 255, and how they are known.
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def input_agrees(model: Hypothesis, errors: Errors, points: Sequence[Index], moved: float) -> bool:
    """Whether these elements are those of a scaled and shifted x.

    Where each output channel has a factor of its own, those of the first one.
    """
    ones = model.but(x=np.broadcast_to(1.0, model.x.shape))
    if model.fit != "input":
        points = list(dict.fromkeys((at[0], 0, *at[2:]) for at in points))
    return any(_fits(model, ones, each, errors, points, moved) for each in _ways(model))


def _ways(model: Hypothesis) -> Iterator[bool]:
    """One scale for all channels, then one for each."""
    yield False
    if 1 < model.x.shape[1] <= MOST_CHANNELS and model.conv.groups == 1:
        yield True


def _fits(
    model: Hypothesis,
    ones: Hypothesis,
    each: bool,
    errors: Errors,
    points: Sequence[Index],
    moved: float,
) -> bool:
    """The same for one way; a few elements first, since most hypotheses fail there."""
    # Each row is an element: what x gives of each channel, what ones do; the target is what y says
    # of both together.  More rows than unknowns must be met within their errors (``room``).
    scales = model.x.shape[1] if each else 1
    one = np.ones(int(model.fit == "affine of input"))
    unknown = 2 * scales + len(one)
    for count in (unknown + 3, 2 * unknown + 12):
        rows: list[Array] = []
        targets, room = [], []
        for at in points:
            if len(rows) == count:
                break
            z, slope = model.y[at], 1.0
            if model.activation is not None:
                z, slope = before_one(model.activation, float(z))
            if slope:
                by_x, by_one, outside = _sums(model, ones, at, each)
                rows.append(np.concatenate([by_x, by_one, one]))
                targets.append(z - model.added(at) - outside)
                unit = 2 * float(np.sqrt(max(model.terms, 1))) * U
                of_y = errors.y + (errors.stored + 8 * U) * (1 + abs(model.y[at])) + errors.least
                size = np.abs(by_x).sum() + model.core_size(at)
                room.append((unit * size + moved, of_y / slope))
        if len(rows) < unknown + 3:
            return False
        matrix, target = np.array(rows), np.array(targets)
        numbers = np.linalg.lstsq(matrix, target, rcond=1e-9)[0]
        of_x = float(np.abs(numbers[:scales]).max())
        of_one = float(np.abs(numbers[scales:]).max())
        sizes = np.abs(matrix).sum(1) * U * (of_x + of_one)
        allowed = 4 * (
            of_x * np.array([v for v, _ in room]) + np.array([z for _, z in room]) + sizes
        )
        if not np.all(np.abs(matrix @ numbers - target) <= allowed):
            return False
    return of_x > 0


def _sums(model: Hypothesis, ones: Hypothesis, at: Index, each: bool) -> tuple[Array, Array, Any]:
    """What x, and what ones add to an element, by channel or in all; and what lies outside x."""
    factor = model.factor(at[1])
    (products, outside), (weights, _) = model.products(at), ones.products(at)
    if not each:
        sums = (np.array([products.sum()]), np.array([weights.sum()]))
    elif products.size:
        sums = tuple(a.reshape(len(a), -1).sum(1) for a in (products, weights))
    else:
        sums = (np.zeros(model.x.shape[1]), np.zeros(model.x.shape[1]))
    return sums[0] * factor, sums[1] * factor, outside * factor


def input_settled(model: Hypothesis) -> Hypothesis:
    """The model with x scaled and shifted as y says, in plain numbers where these do.

    Where each output channel has a factor of its own, as the first one says; x's own first factor
    is 1 then, as no number of y would tell it from those.
    """
    z, slope = model.y, np.ones(model.y.shape)
    if model.activation is not None:
        z, slope = before(model.activation, model.y)
    if model.fit != "input":
        slope = np.concatenate([slope[:, :1], np.zeros(slope[:, 1:].shape)], 1)
    places = np.flatnonzero(slope.ravel())
    places = places[:: max(1, len(places) // ROWS)]
    if not len(places):
        return model
    # The columns are whole results: of x, and of ones, for each channel or for all; ``zero`` is
    # what a border that is no zeros gives to every result, and is taken off.
    zero = replace(model, x=np.zeros(model.x.shape)).core_result()
    target = (z - model.all_added() - zero).ravel()[places]
    best = model
    for each in _ways(model):
        columns = [
            (replace(model, x=_only(model, c, each, one)).core_result() - zero).ravel()[places]
            for one in (False, True)
            for c in range(model.x.shape[1] if each else 1)
        ]
        matrix = np.stack(columns, 1)
        numbers = _numbers_of_input(model, matrix, target)
        if not numbers[: len(numbers) // 2].all():
            continue
        off = _off(model, matrix, numbers, target)
        # Plain numbers where they fit about as well.
        allowed = 2 * off + 1e-7 * np.abs(target).max()
        short = (np.array([float(f"{v:.{digits}g}") for v in numbers]) for digits in (3, 5))
        without_terms = np.where(np.arange(len(numbers)) < len(numbers) // 2, numbers, 0)
        for plain in (_deviations(without_terms), _deviations(numbers), *short):
            if _off(model, matrix, plain, target) <= allowed:
                numbers = plain
                break
        a, b = np.split(numbers, 2)
        shape = (1, -1, *(1,) * (model.x.ndim - 2))
        best = _scaled(model, a, b, model.x * a.reshape(shape) + b.reshape(shape))
        if off <= 1e-5 * np.abs(target).max():
            break
    return best


def _numbers_of_input(model: Hypothesis, matrix: Array, target: Array) -> Array:
    """By least squares what x is multiplied by, and what is added to it."""
    own = len(matrix[0])
    if model.fit == "affine of input":
        matrix = np.concatenate([matrix, np.ones((len(matrix), 1))], 1)
    numbers = np.asarray(np.linalg.lstsq(matrix, target, rcond=1e-9)[0])[:own]
    free = model.fit != "input" and numbers[0] != 0
    return numbers / numbers[0] if free else numbers


def _off(model: Hypothesis, matrix: Array, numbers: Array, target: Array) -> float:
    """How far y is from that of a scaled input, with the best factor where that is open."""
    value = matrix @ numbers
    if model.fit != "input":
        one = (np.ones(len(value)),) if model.fit == "affine of input" else ()
        line = np.stack([value, *one], 1)
        value = line @ np.linalg.lstsq(line, target, rcond=1e-9)[0]
    return float(np.abs(value - target).max())


def _only(model: Hypothesis, channel: int, each: bool, one: bool) -> Array:
    """x, or ones, of one channel alone; of all, unless each is asked for."""
    x = np.ones(model.x.shape) if one else model.x
    if each:
        alone = np.zeros(model.x.shape)
        alone[:, channel] = x[:, channel]
        x = alone
    return x


def _deviations(numbers: Array) -> Array:
    """a and b such that (x - mean) / deviation has few digits."""
    # Images between 0 and 1 have means of about 3 digits, 0.485; those up to 255 have 123.675.
    a, b = np.split(numbers, 2)
    deviation = np.array([float(f"{1 / v:.5g}") if v else np.inf for v in a])
    inverse = np.array([float(f"{v:.5g}") for v in a])
    whole = np.abs(inverse - np.round(inverse)) < 1e-9
    deviation = np.where(whole & (inverse != 0), 1 / np.where(inverse == 0, 1, inverse), deviation)
    scale = np.abs(deviation).max()
    mean = np.array([round(v, 4 if scale < 4 else 3) for v in -b * deviation])
    return np.concatenate([1 / deviation, -mean / deviation])


def _scaled(model: Hypothesis, a: Array, b: Array, x: Array) -> Hypothesis:
    """The model with its x, and the change that says so."""
    own = model.problem.x
    mean, deviation = -b / a, 1 / a
    formula = _formula(mean, deviation)
    behind = len(own.letters) - own.letters.index("c") - 1 if "c" in own.letters else 0
    code = formula.replace("x", "{}", 1)
    if len(a) > 1:
        shape = f".reshape({', '.join(['-1', *['1'] * behind])})" if behind else ""
        code = code.replace("[", "numpy.array([").replace("]", f"]){shape}")
    origin = ""
    for size, turn in product((1.0, 255.0), (1, -1)):  # RGB and BGR
        means, deviations = (size * np.array(v)[::turn] for v in IMAGENET)
        if len(a) == len(means) and np.allclose(mean, means, rtol=1e-3, atol=1e-3 * size):
            origin = ", ImageNet's mean" + (
                " and deviation" if np.allclose(deviation, deviations, rtol=1e-3) else ""
            )
    text = f"x is taken as {formula}{origin}"
    change = replace(model.changes[-1], actual=formula, text=text, code=(("x", f"({code})"),))
    return replace(model, fit="", x=x, changes=(*model.changes[:-1], change))


def _formula(mean: Array, deviation: Array) -> str:
    """(x - mean) / deviation as people write it.

    >>> _formula(np.array([127.5]), np.array([127.5])), _formula(np.zeros(1), np.array([1 / 255]))
    ('(x - 127.5) / 127.5', 'x * 255')
    >>> _formula(np.array([0.5, 0.25]), np.array([1.0, 1.0]))
    'x - [0.5, 0.25]'
    """
    inverse = 1 / deviation
    term = -mean * inverse
    if np.all(np.abs(inverse) > 1.5) and all(len(f"{v:.9g}") < 7 for v in term) and term.any():
        sign = "-" if np.all(term < 0) else "+"
        return f"x * {_numbers(inverse)} {sign} {_numbers(-term if sign == '-' else term)}"
    left, right = "x", ""
    if np.any(np.abs(mean) > 1e-9 * np.abs(deviation)):
        negative = np.all(mean < 0)
        left = f"x {'+' if negative else '-'} {_numbers(-mean if negative else mean)}"
    if np.all(np.abs(inverse - np.round(inverse)) < 1e-9 * np.abs(inverse)):
        right = "" if np.all(inverse == 1) else f" * {_numbers(np.round(inverse))}"
    elif np.any(deviation != 1):
        right = f" / {_numbers(deviation)}"
    return f"({left}){right}" if right and left != "x" else left + right


def _numbers(values: Array) -> str:
    """One number, or as many as there are channels."""
    texts = [f"{v:.9g}" for v in values]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"

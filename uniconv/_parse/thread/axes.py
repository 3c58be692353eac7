"""Arrays with fewer axes than their call takes: an image without a batch, a kernel of one filter.

People print and paste ``(5, 5, 3)`` where the function takes ``(1, 5, 5, 3)``.  Only axes of size 1
are put in, for the batch and for channels, and only where that can be meant in one way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np

from uniconv._calls.lower import LoweredCall, lower
from uniconv._canonical.layout import axes as letters_of
from uniconv._parse.thread.value import Value, way_back
from uniconv.errors import UniconvError
from uniconv.files.named_array import NamedArray
from uniconv.spec.op import Op

__all__ = ["completed", "result_of"]

_MOST = 2  # axes that an array may lack
# The letters of axes that may be put in, the likeliest first: a batch of one, one filter; then one
# channel.
_COST = {"n": 1, "o": 1, "m": 1, "c": 10, "i": 10, "g": 10}
_NEVER = 1000


def completed(
    op: Op, options: Mapping[str, Any], arrays: Mapping[str, NamedArray]
) -> dict[str, NamedArray] | None:
    """The arrays with the axes that the call needs; None where no way is valid, or several are."""
    shapes = [arrays[role].shape for role in ("x", "w", "pointwise") if role in arrays]
    try:
        lower(op, options, *shapes)
        return dict(arrays)
    except UniconvError:
        pass
    vectors = _as_vectors(op, options, arrays)
    if vectors is not None:
        return vectors
    best: list[tuple[int, dict[str, NamedArray]]] = []
    for (x, x_places), (w, w_places) in product(_wider(arrays["x"]), _wider(arrays["w"])):
        if not x_places and not w_places:
            continue
        try:
            call = lower(op, options, x.shape, w.shape, *shapes[2:])
        except UniconvError:
            continue
        cost = _cost(call, "x", x, x_places) + _cost(call, "w", w, w_places)
        if cost < _NEVER:
            best.append((cost, {**arrays, "x": x, "w": w}))
    least = min((cost for cost, _ in best), default=0)
    ways = {(a["x"].shape, a["w"].shape): a for cost, a in best if cost == least}
    return next(iter(ways.values())) if len(ways) == 1 else None


def _as_vectors(
    op: Op, options: Mapping[str, Any], arrays: Mapping[str, NamedArray]
) -> dict[str, NamedArray] | None:
    """MATLAB's ``[1 2 3]`` is a row, of one axis elsewhere: a row where two axes are wanted, a
    vector where one is."""
    x, w = arrays["x"], arrays["w"]
    if op.name.startswith("matlab.") and 1 in (len(x.shape), len(w.shape)):
        ways = {r: _with_axes(a, (0,)) if len(a.shape) == 1 else a for r, a in arrays.items()}
    elif all(len(a.shape) == 2 and 1 in a.shape for a in (x, w)):
        ways = {**arrays, "x": _flat(x), "w": _flat(w)}
    else:
        return None
    try:
        lower(op, options, ways["x"].shape, ways["w"].shape)
    except UniconvError:
        return None
    return ways


def _flat(array: NamedArray) -> NamedArray:
    error = array.error.ravel() if isinstance(array.error, np.ndarray) else array.error
    return replace(array, array=array.array.ravel(), error=error)


def _wider(array: NamedArray) -> Iterator[tuple[NamedArray, tuple[int, ...]]]:
    """The array, and with one or two more axes of size 1, with their places."""
    for count in range(_MOST + 1):
        for places in combinations(range(len(array.shape) + count), count):
            yield _with_axes(array, places), places


def _with_axes(array: NamedArray, places: tuple[int, ...]) -> NamedArray:
    """The array with axes of size 1 at these places of the result."""
    if not places:
        return array
    error = array.error
    if isinstance(error, np.ndarray):
        error = np.expand_dims(error, places)
    count = len(array.shape) + len(places)
    index = ", ".join("None" if k in places else ":" for k in range(count))
    name = f"{array.name}[{index}]" if array.name else ""
    return replace(array, array=np.expand_dims(array.array, places), error=error, name=name)


def _cost(call: LoweredCall, role: str, array: NamedArray, places: tuple[int, ...]) -> int:
    """How unlikely the axes are that were put in; _NEVER where one of them is spatial."""
    letters = letters_of(getattr(call.layout, role), call.rank)
    if places and len(letters) != len(array.shape):
        return _NEVER  # several batch axes, or none, stand for one letter
    return sum(_COST.get(letters[place], _NEVER) for place in places)


def result_of(
    call: LoweredCall, value: Value, arrays: Mapping[str, NamedArray]
) -> tuple[NamedArray, dict[str, NamedArray], str] | None:
    """y of a call, from a value that the text prints of it; the arrays that this part of y needs.

    The text may print ``y[0, :, :, 0]``: with one image and one filter that is all of y, else the
    call is cut to that image and filter.  None where what is printed is no such part.
    """
    printed = value.printed
    if printed is None:
        return None
    _, steps, after = way_back(value)
    shape = call.output
    if math.prod(shape) > 1 << 22:
        return None
    places: Any = np.arange(math.prod(shape)).reshape(shape)
    try:
        for step in steps:
            places = step(places)
    except (ValueError, IndexError, TypeError):
        places = None
    if places is None or np.shape(places) != printed.shape:
        y = _by_shape(call, printed)
        return None if y is None else (y, dict(arrays), after)
    places = np.asarray(places)
    part = _part(places.ravel(), shape)
    if part is None:
        return None
    slices = _cut(call, part, arrays)
    if slices is None:
        return None
    cut, sizes = slices
    flat = np.zeros(math.prod(shape), printed.array.dtype)
    flat[places.ravel()] = printed.array.ravel()
    error = printed.error
    if isinstance(error, np.ndarray):
        off = np.zeros(math.prod(shape))
        off[places.ravel()] = error.ravel()
        error = off.reshape(shape)[np.ix_(*part)].reshape(sizes)
    y = replace(printed, array=flat.reshape(shape)[np.ix_(*part)].reshape(sizes), error=error)
    return y, cut, after


def _part(places: Any, shape: tuple[int, ...]) -> list[Any] | None:
    """The indices along each axis whose product the places are, each once."""
    if len(set(places.tolist())) != len(places):
        return None
    part = [np.unique(axis) for axis in np.unravel_index(places, shape)]
    return part if math.prod(map(len, part)) == len(places) else None


def _cut(
    call: LoweredCall, part: list[Any], arrays: Mapping[str, NamedArray]
) -> tuple[dict[str, NamedArray], tuple[int, ...]] | None:
    """The arrays for a part of y: some images, some filters; None for a part of the pixels."""
    letters = letters_of(call.layout.y, call.rank)
    sizes = tuple(map(len, part))
    whole = [len(p) == n for p, n in zip(part, call.output)]
    if all(whole):
        return dict(arrays), call.output
    if len(letters) != len(part) or call.conv.groups != 1 or call.pointwise:
        return None
    cut = dict(arrays)
    for letter, indices, every in zip(letters, part, whole):
        if every:
            continue
        roles = {"n": ("x",), "o": ("w", "bias")}.get(letter)
        if roles is None or (letter == "o" and call.op.kind != "conv"):
            return None
        for role in roles:
            if role in cut:
                own = (
                    ("o",) if role == "bias" else letters_of(getattr(call.layout, role), call.rank)
                )
                if letter not in own or len(own) != len(cut[role].shape):
                    return None
                cut[role] = _taken(cut[role], indices, own.index(letter))
    return cut, sizes


def _taken(array: NamedArray, indices: Any, axis: int) -> NamedArray:
    error = array.error
    if isinstance(error, np.ndarray):
        error = error.take(indices, axis)
    first, last = int(indices[0]), int(indices[-1])
    index = f"{first}:{last + 1}"
    words = ", ".join(index if k == axis else ":" for k in range(len(array.shape)))
    name = f"{array.name}[{words}]" if array.name else ""
    return replace(array, array=array.array.take(indices, axis), error=error, name=name)


def _by_shape(call: LoweredCall, y: NamedArray) -> NamedArray | None:
    """y of another size than the call's: with the batch and the channels that it lacks."""
    shape = call.output
    if y.array.size == math.prod(shape) and _long(y.shape) == _long(shape):
        error = y.error.reshape(shape) if isinstance(y.error, np.ndarray) else y.error
        return replace(y, array=y.array.reshape(shape), error=error)
    missing = len(shape) - len(y.shape)
    if missing == 0:
        return y
    letters = letters_of(call.layout.y, call.rank)
    ones = [k for k, (a, n) in enumerate(zip(letters, shape)) if a in ("n", "o") and n == 1]
    if missing < 0 or len(letters) != len(shape) or len(ones) < missing:
        return None
    return _with_axes(y, tuple(ones[:missing]))


def _long(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)

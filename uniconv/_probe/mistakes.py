"""Every mistake of axes that a probe must show: what it is, and the y that it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._canonical.record import Shape
from uniconv._functional import run_op
from uniconv._probe.data import ProbeData
from uniconv._probe.numbers import CUBES
from uniconv.spec.op import Op

Array = NDArray[Any]
Fault = Callable[[Array], Array]


def run(op: Op, options: Mapping[str, Any], x: Array, w: Array, p: Array | None = None) -> Array:
    """y of a function on these arrays, as NumPy."""
    y = run_op(op, ("probe", op.name), x, w, None, "cpu", dict(options), p)
    return np.asarray(y)


def equal(a: Array, b: Array | None) -> bool:
    """Whether two results are the same, shape and every number."""
    return b is not None and a.shape == b.shape and bool((a == b).all())


def faults(probe: ProbeData) -> Iterator[tuple[str, Callable[[], Array]]]:
    """Every mistake of axes: what it is, and the y that it gives."""
    # Mistakes in an array that is given are run; those in y are made in the right y.
    op, options = probe.call.function, probe.call.options
    arrays = {role: a for role in CUBES if (a := getattr(probe, role)) is not None}
    for role in ("w", "pointwise", "x"):
        if role not in arrays:
            continue
        for what, fault in mistakes(arrays[role].shape):
            wrong = arrays | {role: fault(arrays[role])}
            yield f"what {role} gives {what}", partial(run, op, options, *wrong.values())
    for what, fault in mistakes(probe.y.shape):
        yield f"the right one {what}", partial(fault, probe.y)


def mistakes(shape: Shape) -> Iterator[tuple[str, Fault]]:
    """What can be done wrongly to the axes of one array without changing its shape.

    Any set of axes reversed, any two exchanged (where the sizes differ, by a reshape that keeps the
    shape), one rolled by a place, and the whole read in the other memory order.  Axes of size 1
    hide nothing.
    """
    # For a kernel (3, 3, 1, 1): 3 reversals, 1 exchange, 4 rolls; two axes leave no other order.
    long = [i for i, n in enumerate(shape) if n > 1]
    for count in range(1, len(long) + 1):
        for subset in combinations(long, count):
            yield f"with {_axes(subset)} reversed", partial(np.flip, axis=subset)
    for a, b in combinations(long, 2):
        yield f"with {_axes((a, b))} exchanged", partial(_exchanged, a=a, b=b)
    for i in long:
        for by in (1, -1) if shape[i] > 2 else (1,):
            yield f"with {_axes((i,))} rolled by {by}", partial(np.roll, shift=by, axis=i)
    if len(long) > 2:
        yield "read in the other memory order", lambda a: a.transpose().reshape(a.shape)


def _axes(which: Sequence[int]) -> str:
    """Axes in words: "its axis 1", "its axes 0 and 2"."""
    return f"its ax{'e' if len(which) > 1 else 'i'}s {' and '.join(map(str, which))}"


def _exchanged(array: Array, a: int, b: int) -> Array:
    """Two axes exchanged, in the shape that the array had: what a wrong reshape gives."""
    return array.swapaxes(a, b).reshape(array.shape)

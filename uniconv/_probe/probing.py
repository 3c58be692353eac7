"""probe: small inputs in which no flip, shift, swap or transposition can hide, and their result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from uniconv._call import Call, verb
from uniconv._canonical.record import Shape
from uniconv._messages import show
from uniconv._probe.data import ProbeData
from uniconv._probe.mistakes import equal, faults, run
from uniconv._probe.numbers import CUBES, numbered
from uniconv._probe.shapes import MOST_SHAPES, fitting
from uniconv._probe.source import code
from uniconv.errors import BadOption
from uniconv.spec.op import Op
from uniconv.typing import Dialect

Array = NDArray[Any]

SEEDS = 3


@dataclass(frozen=True)
class Probe(ProbeData):
    """Inputs for one call, and the y that the function must give of them.

    call holds the inputs, so that ``explain(found.call)`` and ``diagnose(found.call, y)`` look
    further; they and y are in the function's layout, whole numbers (the inputs of magnitude at
    most 8), so that float32 holds every sum exactly.  undecided names the faults that these sizes
    and options cannot show; it is empty unless shapes were given.
    """

    def code(self) -> str:
        """The text to paste into the framework: it builds x and w, calls, and compares y.

        Python for Python frameworks, Julia for Knet, NNlib, Flux and Lux, MATLAB (or Octave) for
        MATLAB.
        """
        return code(self)

    def check(self, y: Any) -> str:
        """What a y that came back says: "the same", or which fault gives it.

        >>> from uniconv import conv
        >>> options = dict(dialect="tf.nn.conv2d", padding="SAME", strides=2)
        >>> found = probe(Call(**options))
        >>> found.check(found.y)
        'the same'
        >>> found.check(conv(found.x, found.w[::-1, ::-1], **options))
        'differs: y is what w gives with its axes 0 and 1 reversed'
        """
        got = np.asarray(y)
        if got.shape == self.y.shape and (got == self.y).all():
            return "the same"
        causes = [name for name, wrong in faults(self) if equal(got, wrong())]
        if causes:
            return f"differs: y is {causes[0]}"
        if got.shape != self.y.shape:
            return f"differs: y has shape {got.shape}, it must be {self.y.shape}"
        apart = np.argwhere(got != self.y)
        at = tuple(int(i) for i in apart[0])
        return (
            f"differs in {len(apart)} of {got.size} elements, first at {at}: "
            f"{got[at]:g}, it must be {self.y[at]:g}"
        )


@verb
def probe(call: Call) -> Probe:
    """Inputs that tell whether a framework computes this call, and the right y of them.

    Every axis of x and of w has its own size, and the numbers have no symmetry: y changes when any
    axes of x, w or y are reversed, two of them exchanged, one rolled, or when an array is read in
    the other memory order.  That is checked before the probe is given back.

    Args:
        call: a call without x and w, for which fitting shapes are chosen; or with shapes (or with
            arrays, whose shapes count), which are then used.  Or its text, as ``Call.parse`` takes
            it.

    Raises:
        BadOption: the call adds an array (a bias, an addend).
        UniconvError: no small shapes fit its options; it is the error of the likeliest ones.
        BadCall: no ``uniconv.Call`` was given.

    >>> found = probe(Call(dialect="tf.nn.conv2d", padding="SAME", strides=2))
    >>> found.x.shape, found.w.shape, found.y.shape
    ((2, 6, 9, 5), (3, 4, 5, 7), (2, 3, 5, 7))
    >>> found.y[0, 0, 0].tolist()
    [18.0, -174.0, 173.0, 188.0, -127.0, 160.0, -105.0]

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """
    op = call.function
    options = _of_sums(op, call.options)
    addends = [] if call.bias is None else ["bias"]
    addends += [name for name in (op.addend or ())[:1] if name in options]
    if addends:
        raise BadOption(f"{op.name}: a probe adds no array: leave {addends[0]} out")
    shapes = call.shapes
    problems: Iterator[tuple[Sequence[Shape], Mapping[str, Any]]]
    if shapes:
        problems = iter([([shapes[r] for r in CUBES if r in shapes], options)])
    else:
        problems = islice(fitting(op, options), MOST_SHAPES)
    best: Probe | None = None
    for (sizes, whole), seed in ((one, n) for one in problems for n in range(SEEDS)):
        candidate = _made(op, whole, sizes, seed)
        if best is None or len(candidate.undecided) < len(best.undecided):
            best = candidate
        if not candidate.undecided:
            break
    assert best is not None
    return best


def _of_sums(op: Op, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options with no activation: one that is flat somewhere would hide what differs there."""
    rule = op.activation
    if rule is None or (rule.option not in options and rule.default == rule.linear):
        return options
    word = options.get(rule.option, rule.linear)
    if word not in rule.table or rule.table[word] is not None:
        raise BadOption(
            f"{op.name}: a probe compares sums, and {rule.option}={show(word)} would hide some: "
            f"give {rule.option}={show(rule.linear)}"
        )
    return {**options, rule.option: word}


def _made(op: Op, options: Mapping[str, Any], shapes: Sequence[Shape], seed: int) -> Probe:
    """The probe of these shapes, with what it cannot show."""
    dtype = "float32" if "float32" in op.dtypes else op.dtypes[0]
    arrays: dict[str, Any] = {
        role: numbered(s, role, seed, dtype) for role, s in zip(CUBES, shapes)
    }
    y = run(op, options, *arrays.values())
    candidate = Probe(Call(**arrays, dialect=cast(Dialect, op.name), **options), y, (), seed)
    hidden = tuple(what for what, wrong in faults(candidate) if equal(y, wrong()))
    return replace(candidate, undecided=hidden)

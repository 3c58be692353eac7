"""diagnose: what call gives this result, if not the expected one?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from uniconv._call import Call, Tolerance, verb
from uniconv._calls.options import complete
from uniconv._diagnose.code import native_call
from uniconv._diagnose.data import Cause, Fix, Picture
from uniconv._diagnose.diagnosis import Diagnosis, at_most, listed
from uniconv._diagnose.hypothesis import Hypothesis
from uniconv._diagnose.inputs import InputArray, errors, problem, read_array, short, tolerances
from uniconv._diagnose.judge import Judge
from uniconv._diagnose.precision import Errors, Remainder
from uniconv._diagnose.search import SearchResult, search, singles
from uniconv._diagnose.where import where
from uniconv._messages import show_shape
from uniconv.errors import BadArray, BadShape, UniconvError, UnknownName
from uniconv.spec.op import Op
from uniconv.spec.registry import functions
from uniconv.spec.rules import REQUIRED

Progress = Callable[[str], None]
GUESSES: tuple[Mapping[str, Any], ...] = (
    {},
    {"padding": 1},
    {"pad": 1},
    {"mode": "same"},
    {"mode": "valid"},
    {"padding": "same"},
    {"padding": "VALID"},
    {"padding": "SAME"},
    {"strides": 1, "padding": "VALID"},
    {"strides": 1, "padding": "SAME"},
    {"stride": 1, "padding": "VALID"},
    {"stride": 1, "padding": "SAME"},
    {"window_strides": 1, "padding": "VALID"},
    {"window_strides": 1, "padding": "SAME"},
)


@verb
def diagnose(
    call: Call,
    y: Any = None,
    *,
    tolerance: Tolerance | None = None,
    progress: Progress | None = None,
    depth: int = 2,
) -> Diagnosis:
    """Say why y is not what the call gives, or that it is.

    Everything that people are known to get wrong is tried, one change at a time and then two, on
    float64; a change is a cause only if with it every number of y is explained, up to what
    rounding and printed digits may do.

    Args:
        call: the call that was meant, with arrays.  With ``dialect=None`` the question is which
            function gives y: every function is then tried with few options.
        y: what came out, in the function's layout, of any kind that the call's own arrays may
            have; by default what the call holds (``call.with_result(y)``).
        tolerance: how far a value of y may be off (absolute), or {"x": ..., "w": ..., "y": ...};
            by default what the call holds.
        progress: called with a line of text, about once a second, when the search is long.
        depth: 1 looks for single causes only.

    Raises:
        BadShape: y has another number of axes than the call's result, or the bias another length
            than y has channels.
        BadArray: an array has no finite numbers, or the call has shapes only, or there is no y.
        BadCall: no ``uniconv.Call`` was given.

    >>> from uniconv._call import Call
    >>> x, w = np.arange(1.0, 7).reshape(1, 6, 1), np.array([1, 10, 100.0]).reshape(3, 1, 1)
    >>> y = np.array([123, 234, 345, 456.0]).reshape(1, 4, 1)
    >>> found = diagnose(Call(x, w, dialect="tf", stride=1, padding="VALID"), y)
    >>> found.causes[0].text
    'the kernel is flipped on length: a true convolution, not a cross-correlation'
    >>> found.call
    'tf.nn.conv1d(x, w[::-1], stride=1, padding="VALID")'
    """
    if y is None and call.y is None:
        raise BadArray("diagnose has no y to explain: diagnose(call, y)")
    run = call if y is None else call.with_result(y)
    told = tolerances(call.tolerance if tolerance is None else tolerance)
    arrays = [read_array(getattr(run, role), role, told.get(role)) for role in ("x", "w", "y")]
    p = None if call.pointwise is None else read_array(call.pointwise, "pointwise")
    b = None if call.bias is None else read_array(call.bias, "bias")
    if call.dialect is None:
        return _any_function(arrays, b, p, progress)
    return of_call(call.function, call.options, arrays, b, p, progress, depth)


def of_call(
    op: Op,
    options: Mapping[str, Any],
    arrays: list[InputArray],
    bias: InputArray | None = None,
    pointwise: InputArray | None = None,
    progress: Progress | None = None,
    depth: int = 2,
) -> Diagnosis:
    """The diagnosis of one expected call; arrays are x, w and y."""
    start, slack, found = searched(op, options, arrays, bias, pointwise, progress, depth)
    return report(start, slack, found, options, names_of(arrays))


def searched(
    op: Op,
    options: Mapping[str, Any],
    arrays: list[InputArray],
    bias: InputArray | None = None,
    pointwise: InputArray | None = None,
    progress: Progress | None = None,
    depth: int = 2,
) -> tuple[Hypothesis, Errors, SearchResult]:
    """The expected call as a model, what its arrays may be off, and what the search found."""
    x, w, y = arrays
    asked = problem(op, options, x, w, y, pointwise)
    flat = None if bias is None else bias.array.reshape(-1)
    if flat is not None and flat.size != asked.call.o:
        has = show_shape(bias.array.shape) if bias is not None else ""
        raise BadShape(f"{op.name}: bias {has} must have the {asked.call.o} channels of y")
    start = asked.start(flat)
    slack = errors(x, w, y)
    found = search(start, slack, lambda p: short(asked, p).start(flat), progress, depth)
    return start, slack, found


def names_of(arrays: list[InputArray]) -> dict[str, str]:
    """What x, w and y are called in code."""
    return {role: a.name or role for role, a in zip(("x", "w", "y"), arrays)}


def report(
    start: Hypothesis,
    slack: Errors,
    found: SearchResult,
    options: Mapping[str, Any],
    names: Mapping[str, str],
) -> Diagnosis:
    """A Diagnosis of what the search ended with."""
    op, model = start.problem.call.op, found.model
    judge = Judge(start, slack)
    expected = start.result() if start.fits else None
    off = np.abs(start.y - expected) if expected is not None else None
    difference = math.inf if off is None else float(off.max(initial=0.0))
    call, reason = native_call(model, options, names)
    causes = tuple(
        Cause(c.field, c.expected, c.found, c.text, share)
        for c, share in zip(model.changes, _shares(start, model))
    )
    place = _place(start, model, judge, explained=found.explained)
    picture = Picture(
        expected,
        model.y if model.y.shape == start.y.shape else start.y,
        start.w,
        _used(model, start),
    )
    return Diagnosis(
        op.name,
        _verdict(op, found, causes, difference),
        found.explained,
        causes,
        call,
        found.remainder,
        difference,
        place,
        tuple(_undecided(model, found.others)) if found.explained else (),
        tuple(_fixes(model, call, names)) if found.explained and causes else (),
        tuple(_notes(found, op, reason)),
        found.tried,
        picture,
    )


def _place(start: Hypothesis, model: Hypothesis, judge: Judge, *, explained: bool) -> str:
    """Where y differs from what was expected; of a miss, from the nearest."""
    shown = start if explained else model
    if not shown.fits:
        return f"the expected result is {start.shape}, y is {tuple(start.y.shape)} (n, o, ...)"
    slack = judge.given(shown) + judge.errors.stored * np.abs(shown.y)
    slack = slack + judge.unit(shown, 2.0**-24) * shown.magnitudes()
    what = "" if explained or not model.changes else " from the nearest"
    return f"they differ{what} {where(shown.result(), shown.y, slack)}"


def _used(model: Hypothesis, start: Hypothesis) -> Any:
    """The kernel as the explanation uses it, next to the expected one: flips included."""
    w = model.w
    flips = [
        a + 2 for a, (r, s) in enumerate(zip(model.conv.reverse, start.conv.reverse)) if r != s
    ]
    return np.flip(w, tuple(flips)) if flips else w


def _shares(start: Hypothesis, model: Hypothesis) -> list[float | None]:
    """How much of the squared difference is gone with each change, on average over their order."""
    if not model.changes or not model.fits:
        return [None] * len(model.changes)

    def left(m: Hypothesis) -> float | None:
        if not m.fits or m.y.shape != start.y.shape:
            return None
        return float(np.sum(np.abs(m.y - m.result()) ** 2))

    whole, rest = left(start), left(model)
    if not whole or rest is None:
        return [None] * len(model.changes)
    gone = min(max(1 - rest / whole, 0.0), 1.0)
    if len(model.changes) == 1:
        return [gone]
    alone = [_alone(start, n, model) for n in range(2)]
    sums = [None if m is None else left(m) for m in alone]
    if None in sums:
        return [None, None]
    # Shapley's value: the mean of being the first and being the second to be mended.
    part = [1 - float(s) / whole for s in sums if s is not None]
    values = [max((part[n] + gone - part[1 - n]) / 2, 0.0) for n in range(2)]
    total = sum(values) or 1.0
    return [v / total * gone for v in values]


def _alone(start: Hypothesis, n: int, model: Hypothesis) -> Hypothesis | None:
    """The expected call with one of two changes only."""
    wanted = model.changes[n]
    same = (wanted.field, wanted.found)
    for one in singles(start):
        change = one.changes[0]
        if (change.field, change.found) == same and not one.fit:
            return one
    if wanted.field == "scale":
        return start.but(scale=model.scale)
    if wanted.field == "bias":
        return start.but(bias=model.bias)
    return None


def _verdict(op: Op, found: SearchResult, causes: tuple[Cause, ...], difference: float) -> str:
    left = found.remainder
    if not found.explained:
        if found.weak:
            return "y has too few different numbers to tell a cause from chance."
        near = f"; the nearest that it knows is that {causes[0].text}" if causes else ""
        return f"Nothing that uniconv knows explains y as a result of {op.name}{near}."
    if not causes:
        if left.largest == 0:
            return f"y is exactly what {op.name} gives."
        how = "what is left is rounding" if left.proved else "what is left may be rounding"
        return (
            f"y is what {op.name} gives; {how} ({left.precision}, at most {at_most(left.largest)})."
        )
    told = f"y is not what the expected call of {op.name} gives"
    return f"{told}: {listed([c.text for c in causes])}; {sized(left, difference)}."


def sized(left: Remainder, difference: float) -> str:
    """The difference beside what precision explains of it."""
    if math.isinf(difference):
        return "the results differ in size"
    if left.largest == 0:
        return f"precision explains nothing of a difference of up to {difference:.4g}"
    most = at_most(left.largest)
    return f"precision explains at most {most} of a difference of up to {difference:.4g}"


def _undecided(model: Hypothesis, others: list[Hypothesis]) -> list[str]:
    told = []
    for other in others:
        new = other.changes
        text = listed([c.text for c in new])
        if len(new) == 1 and new[0].field == "reverse" and not model.changes:
            where_ = new[0].expected.rpartition("along ")[2]
            text = f"flipping on {where_} cannot be seen: the kernel or x is symmetric there"
        elif model.changes:
            text = f"it may as well be that {text}"
        else:
            text = f"whether {text}: y would be the same"
        told.append(f"{text}; use probe()")
    return told


def _fixes(model: Hypothesis, call: str, names: Mapping[str, str]) -> list[Fix]:
    fixes = [Fix("change the expected call so that it gives y", _with_y(model, call, names))]
    undo = [c.undo for c in model.changes if c.undo]
    if undo:
        fixes.append(Fix(f"or change what made y: {listed(undo)}", ""))
    return fixes


def _with_y(model: Hypothesis, call: str, names: Mapping[str, str]) -> str:
    """The call, and how y must be read to be its result."""
    read = names.get("y", "y")
    for change in model.changes:
        for role, code in change.code:
            if role == "y":
                read = code.format(read)
    return call if read == names.get("y", "y") else f"{call}  # equals {read}"


def _notes(found: SearchResult, op: Op, reason: str | None) -> list[str]:
    notes = []
    if reason is not None:
        notes.append(f"no call of {op.name} gives y ({reason}); torch does, as above")
    return notes


def _any_function(
    arrays: list[InputArray],
    bias: InputArray | None,
    pointwise: InputArray | None,
    progress: Progress | None,
) -> Diagnosis:
    """Which function gives y, with few options: exactly first, then with one change."""
    best: tuple[tuple[Any, ...], Diagnosis] | None = None
    same: list[str] = []
    seen: set[Any] = set()
    calls = [(op, guess) for op in functions().values() for guess in GUESSES]
    for n, (op, guess) in enumerate(calls):
        if not _takes(op, guess) or (op.pointwise is None and op.outer_product is None) != (
            pointwise is None
        ):
            continue
        try:
            start, slack, found = searched(op, guess, arrays, bias, pointwise, depth=1)
        except (UniconvError, ValueError):
            continue
        if progress is not None and n % 40 == 0:
            progress(f"{n} of {len(calls)} calls tried")
        model = found.model
        key = (model.conv, model.x.strides, model.w.strides, model.y.strides, model.scale)
        rank = (
            not found.explained,
            len(model.changes),
            model.cost,
            found.remainder.units,
            len(guess),
        )
        if found.explained and not model.changes:
            same.append(native_call(model, guess, names_of(arrays))[0])
        if key in seen and best is not None and rank >= best[0]:
            continue
        seen.add(key)
        if best is None or rank < best[0]:
            best = rank, report(start, slack, found, guess, names_of(arrays))
    if best is None:
        raise UnknownName(
            "no function takes arrays of these shapes with few options: say which call was meant, "
            'as uniconv.Call(x, w, dialect="tf", ...)'
        )
    diagnosis = best[1]
    if diagnosis.causes and diagnosis.explained:
        causes = listed([c.text for c in diagnosis.causes])
        told = f"No function gives y as it is; {diagnosis.function} does where {causes}."
        diagnosis = replace(diagnosis, verdict=told)
    others = [c for c in dict.fromkeys(same) if c != diagnosis.call]
    if others:
        more = f" (and {len(others) - 5} more)" if len(others) > 5 else ""
        note = f"these calls give y, too: {'; '.join(others[:5])}{more}"
        return replace(diagnosis, notes=(*diagnosis.notes, note))
    return diagnosis


def _takes(op: Op, guess: Mapping[str, Any]) -> bool:
    """Whether a guess says what the function needs and nothing that it has not."""
    try:
        given_, _ = complete(op, guess)
    except UniconvError:
        return False
    return REQUIRED not in [v for v in given_.values() if not isinstance(v, np.ndarray)]

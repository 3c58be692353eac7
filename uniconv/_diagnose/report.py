"""What is said of one run and of two: shares, verdict, sizes; and the diagnosis of one run.

Both questions end alike: a list of changes that lead from what was expected to what is there, and
what is left when all of them are made.  Here is what follows from these, whoever asked; two_runs.py
finds its changes by comparing two records, one run has them from the search.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._diagnose.array_code import in_torch
from uniconv._diagnose.code import native_call
from uniconv._diagnose.data import Cause, Fix, Picture
from uniconv._diagnose.diagnosis import Diagnosis, at_most, listed
from uniconv._diagnose.hypothesis import Change, Hypothesis
from uniconv._diagnose.judge import Judge
from uniconv._diagnose.lines import equal, gives, takes_tensors
from uniconv._diagnose.precision import Remainder
from uniconv._diagnose.run import Run
from uniconv._diagnose.search import singles
from uniconv._diagnose.where import ResultPlaces, where
from uniconv._messages import show_shape

Array = NDArray[Any]


# For one run and for two


def shares(
    count: int, rest_of: Callable[[tuple[int, ...]], float | None]
) -> list[float] | list[None]:
    """How much of the squared difference is gone with each of so many changes.

    rest_of says what is left of it with the changes of these numbers made, None where the sizes do
    not fit.  A change's share depends on which others are made before it; what is said is the mean
    of being the first and being the last (Shapley's value, of two changes exactly), scaled so that
    the shares add up to what all changes explain together.
    """
    if not count:
        return []
    # How to read this, with two changes of which alone one leaves 4 of 10 and the other 8, and both
    # 0: the first takes 6 alone, and 8 after the other; its value is (6 + 8) / 2 = 7.  The second
    # takes 2 alone, and 4 after the first: 3.  Together 10, so that the shares are 0.7 and 0.3.
    remaining = cache(rest_of)
    whole, rest = remaining(()), remaining(tuple(range(count)))
    if not whole or rest is None:
        return [None] * count
    total_share = min(max(1 - rest / whole, 0.0), 1.0)
    if count == 1:
        return [total_share]
    values = []
    for n in range(count):
        alone = remaining((n,))
        without = remaining(tuple(m for m in range(count) if m != n))
        if alone is None or without is None:
            return [None] * count
        values.append(max((whole - alone + without - rest) / 2, 0.0))
    total = sum(values) or 1.0
    return [value / total * total_share for value in values]


def as_causes(
    changes: Sequence[Change], parts: Sequence[float | None] | None = None
) -> tuple[Cause, ...]:
    """The changes as the causes that a diagnosis lists, each with its share where there are any."""
    parts = parts or [None] * len(changes)
    return tuple(
        Cause(c.field, c.expected, c.actual, c.text, share) for c, share in zip(changes, parts)
    )


def largest_difference(expected: Array | None, y: Array) -> float:
    """The largest |y - expected|, infinite where the sizes differ."""
    if expected is None or expected.shape != y.shape:
        return math.inf
    return float(np.abs(y - expected).max(initial=0.0))


def verdict(
    causes: Sequence[Cause], explained: bool, *, alike: str, differ: str, unexplained: str
) -> str:
    """The sentence for how it ended: nothing differs, causes explain it, or nothing does."""
    # Three ways to end, one sentence each; who calls gives the words.
    if not explained:
        return unexplained
    return differ if causes else alike


def rounding(remainder: Remainder) -> str:
    """What is left where nothing differs, as a clause."""
    how = "is" if remainder.proved else "may be"
    return (
        f"what is left {how} rounding ({remainder.precision}, at most {at_most(remainder.largest)})"
    )


def sized(remainder: Remainder, difference: float) -> str:
    """The difference beside what precision explains of it, as a clause with both numbers."""
    if math.isinf(difference):
        return "the results differ in size"
    if remainder.largest == 0:
        return f"precision explains nothing of a difference of up to {difference:.4g}"
    most = at_most(remainder.largest)
    return f"precision explains at most {most} of a difference of up to {difference:.4g}"


def reversed_kernel(w: Array, along: Sequence[bool]) -> Array:
    """A kernel ``o i ...`` reversed along the spatial axes that are marked."""
    # Axes 0 and 1 are the channels.
    flips = tuple(axis + 2 for axis, marked in enumerate(along) if marked)
    return np.flip(w, flips) if flips else w


# For one run


def diagnosis_of(run: Run) -> Diagnosis:
    """A Diagnosis of what the search ended with."""
    # ``start`` is the call as it was meant, ``model`` what explains y.
    start, model, result = run.start, run.model, run.result
    judge = Judge(start, run.errors)
    expected = start.result() if start.fits else None
    difference = largest_difference(expected, start.y)
    call, reason = line_of(run, model, result.remainder.largest)
    parts = _shares(start, model)
    causes = as_causes(run.changes, [*[None] * (len(run.changes) - len(parts)), *parts])
    return Diagnosis(
        run.op.name,
        _verdict(run, causes, difference),
        result.explained,
        causes,
        call,
        result.remainder,
        difference,
        _place(start, model, judge, run.names["y"], explained=result.explained),
        tuple(_undecided(model, result.others)) if result.explained else (),
        tuple(_fixes(run, call)) if result.explained and causes else (),
        tuple(_notes(run, call, reason)),
        result.tried,
        Picture(
            expected,
            model.y if model.y.shape == start.y.shape else start.y,
            start.w,
            reversed_kernel(
                model.w, [r != s for r, s in zip(model.conv.reverse, start.conv.reverse)]
            ),
        ),
    )


def diagnosis_of_exchange(run: Run, other: Run) -> Diagnosis:
    """The diagnosis of a call that gives y with x and the kernel exchanged; other: with these."""
    own, start, name = diagnosis_of(other), run.start, run.op.name
    text = "x and the kernel are exchanged"
    expected = start.result() if start.fits else None
    difference = largest_difference(expected, start.y)
    size = sized(own.remainder, difference)
    fixes = (
        Fix("change the expected call so that it gives y", own.call),
        Fix("or change what made y: exchange x and the kernel there", ""),
    )
    return replace(
        own,
        verdict=f"y is not what the expected call of {name} gives: {text}; {size}.",
        causes=(Cause("x and w", "as given", "exchanged", text),),
        difference=difference,
        where=_place(start, start, Judge(start, run.errors), run.names["y"], explained=True),
        fixes=fixes,
        tried=run.result.tried + own.tried,
        picture=replace(own.picture, expected=expected),
    )


def _notes(run: Run, call: str, reason: str | None) -> Iterator[str]:
    """Why the call is torch's, or that there is none; where nothing explains y, what it is not."""
    if not run.result.explained and not run.result.weak:
        yield f"ruled out, one by one and together ({run.result.tried:,} hypotheses): {RULED_OUT}"
    elif run.result.explained and not call:
        yield "no code that was tried gives y: it is explained in words only"
    elif reason is not None:
        yield f"no call of {run.op.name} gives y ({reason}); torch does, as above"


RULED_OUT = (
    "x, the kernel and y with other axes, reshaped, or with channels in another order; a flipped "
    "kernel; another stride, dilation, padding or border; pixels of x or y lost or moved; the "
    "bias, a factor, a factor and a term per channel, an activation; x scaled; rounding to short "
    "formats and 8-bit integers"
)


def _place(
    start: Hypothesis, model: Hypothesis, judge: Judge, name: str, *, explained: bool
) -> str:
    """Where y differs from what was expected; of a miss, from the nearest.

    Where y has another shape than the call gives, both shapes are told, as the user has them.
    """
    # The slack is that of the judge, element by element, so that what it takes for equal is not
    # shown as a difference.
    # Explained, y is held against what was expected; a miss, against the nearest model.
    reference = start if explained else model
    shapes = ""
    if not start.fits:
        call = start.problem.call
        y = show_shape(start.problem.y.shape)
        shapes = f"{call.op.name} gives {show_shape(call.output)}, y is {y}"
    if not reference.fits:
        return shapes
    slack = judge.digits(reference) + judge.errors.stored * np.abs(reference.y)
    slack = slack + judge.unit(reference, 2.0**-24) * reference.magnitudes()
    what = "" if explained or not model.changes else " from the nearest"
    place = where(reference.result(), reference.y, slack, ResultPlaces(start.problem, name))
    return f"{shapes}{'; ' if shapes else ''}they differ{what} {place}"


def _shares(start: Hypothesis, model: Hypothesis) -> list[float] | list[None]:
    """How much of the difference each change of a model explains."""
    # With all changes it is the model, with none the start; with some, these alone.
    count = len(model.changes)

    def rest_of(steps: tuple[int, ...]) -> float | None:
        some = model if len(steps) == count else _with_some(start, steps, model)
        if some is None or not some.fits or some.y.shape != start.y.shape:
            return None
        return float(np.sum(np.abs(some.y - some.result()) ** 2))

    return shares(count, rest_of)


def _with_some(start: Hypothesis, steps: tuple[int, ...], model: Hypothesis) -> Hypothesis | None:
    """The expected call with some of a model's changes only."""
    # A change is found again by its field and value, among all single ones; where its number was
    # read off y, in the settled model.
    some = start
    for n in steps:
        goal = model.changes[n]
        alike = (
            one
            for one in singles(some)
            if not one.fit
            and (one.changes[-1].field, one.changes[-1].actual) == (goal.field, goal.actual)
        )
        fields = READ_OFF.get(goal.field, ()) if goal.read_off else ()
        if fields:
            some = some.but(**{field: getattr(model, field) for field in fields})
        else:
            one = next(alike, None)
            if one is None:
                return None
            some = one
    return some


# What of a settled model holds the numbers that a change reads off y.
READ_OFF = {
    "scale": ("scale",),
    "bias": ("bias",),
    "factor per channel": ("gain",),
    "factor and term per channel": ("gain", "bias", "shift", "norm"),
    "values of x": ("x",),
    "activation": ("activation",),
    "BatchNorm": ("norm",),
}


def _verdict(run: Run, causes: Sequence[Cause], difference: float) -> str:
    """One sentence on a run: exact, rounding, causes, or nothing known."""
    op, result = run.op, run.result
    near = f"; the nearest that it knows is that {causes[0].text}" if causes else ""
    unexplained = f"Nothing that uniconv knows explains y as a result of {op.name}{near}."
    if result.weak:
        unexplained = "y has too few different numbers to tell a cause from chance."
    rest, texts = result.remainder, listed([c.text for c in causes])
    exact = f"y is exactly what {op.name} gives."
    return verdict(
        causes,
        result.explained,
        alike=f"y is what {op.name} gives; {rounding(rest)}." if rest.largest else exact,
        differ=f"y is not what the expected call of {op.name} gives: {texts}; "
        f"{sized(rest, difference)}.",
        unexplained=unexplained,
    )


def _undecided(model: Hypothesis, others: Sequence[Hypothesis]) -> list[str]:
    """What would give the same y, too, each as a sentence."""
    # Three kinds: a flip that this kernel cannot show, another explanation that is as good, and a
    # change that would not show where y is as expected.
    # What cannot be told apart is told in words: a symmetric kernel, an equal explanation, or a
    # change that does not show.
    texts = []
    for other in others:
        new = other.changes
        text = listed([c.text for c in new])
        if len(new) == 1 and new[0].field == "reverse" and not model.changes:
            axes = new[0].expected.rpartition("along ")[2]
            text = f"flipping on {axes} cannot be seen: the kernel or x is symmetric there"
        elif model.changes:
            text = f"it may as well be that {text}"
        else:
            text = f"whether {text}: y would be the same"
        texts.append(f"{text}; use probe()")
    return list(dict.fromkeys(texts))


def line_of(run: Run, model: Hypothesis, slack: float) -> tuple[str, str | None]:
    """The call of a run's function that gives a hypothesis' y, run to see that it does; or torch's.

    model: of the run's own arrays.  slack: what is left of y.  The second is why it is torch's, if
    it is; a hypothesis whose lines give something else has none ("").
    """
    # The function's own words first, torch's where it has none or where they give something else:
    # code is made of patterns, and what it gives is known only when it has run.
    reason: str | None = None
    for only_torch in (False, True):
        text, why = native_call(model, run.options, run.names, only_torch=only_torch)
        reason = reason or why
        if gives(model, text, run.arrays, slack):
            return text, reason or (
                f"{run.op.name} has no short code for it" if only_torch else None
            )
    return "", reason


def _fixes(run: Run, call: str) -> list[Fix]:
    """The call that gives y; and what to change where y was made."""
    model = run.model
    # There are always two sides to mend: the call that was meant can be made to give y, or whoever
    # made y can be told what to do otherwise.  Only the first is code that can be run here.
    code = _with_y(run, call)
    fixes = [Fix("change the expected call so that it gives y", code)] if code else []
    undo = [c.undo for c in model.changes if c.undo]
    if undo:
        fixes.append(Fix(f"{'or ' if fixes else ''}change what made y: {listed(undo)}", ""))
    return fixes


def _with_y(run: Run, call: str) -> str:
    """The call, and how y must be read to be its result; "" where that cannot be said.

    For a y that came channels first out of a call that gives them last, it is
    "f(x, w)  # equals y.transpose(0, 2, 3, 1)", and that is run, too.
    """
    # Changes of y are code on the user's own y: the call equals y[..., ::-1], for example.
    own = run.names.get("y", "y")
    text = own
    for change in run.model.changes:
        for role, code in change.code:
            if role == "y":
                text = code.format(text)
    if text == own or not call:
        return call
    if takes_tensors(run.op):
        text = in_torch(text, text)
    fits = equal(run.op, text, call, run.arrays, run.result.remainder.largest)
    return f"{call}  # equals {text}" if fits else ""

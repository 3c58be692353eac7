"""compare: two calls on the same data give two results; why?

A run whose own call does not explain its y is reported as such, alone.  Else each run stands for
the hypothesis that explains it, and two hypotheses are compared: their data, then their records
field by field, then what follows the sum.  A field counts only as far as it shows (a flip of one
tap does not, nor padding that no window reads).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, overload

import numpy as np

from uniconv._call import Call
from uniconv._diagnose.activations import title
from uniconv._diagnose.causes.readings import names
from uniconv._diagnose.data import Cause, Fix, Picture
from uniconv._diagnose.diagnosis import Diagnosis, listed
from uniconv._diagnose.hypothesis import Array, Change, Hypothesis
from uniconv._diagnose.inputs import errors, problem, read_array, tolerances
from uniconv._diagnose.judge import Judge
from uniconv._diagnose.lines import computed
from uniconv._diagnose.precision import Errors, Remainder
from uniconv._diagnose.relations import Relation, alike, bias_relation, relation
from uniconv._diagnose.report import (
    as_causes,
    diagnosis_of,
    largest_difference,
    line_of,
    reversed_kernel,
    rounding,
    shares,
    sized,
    verdict,
)
from uniconv._diagnose.run import Progress, Run, arrays_of, names_of, searched
from uniconv._diagnose.search import SearchResult
from uniconv._diagnose.where import ResultPlaces, where
from uniconv._messages import show_shape
from uniconv.errors import BadCall, from_one_frame

# One thing in which two runs differ, and the fields with which the first is like the second there.
Difference = tuple[Change, dict[str, Any]]

FIELDS = ("lhs_dilation", "stride", "rhs_dilation", "pad", "boundary", "reverse", "groups")
WORDS = {"lhs_dilation": "input dilation", "rhs_dilation": "dilation", "pad": "padding"}


@overload
@from_one_frame
def compare(
    a: Call, b: Call, /, *, progress: Progress | None = None, depth: int = 2
) -> Diagnosis: ...


@overload
@from_one_frame
def compare(
    a: Call, y_a: Any, b: Call, y_b: Any, /, *, progress: Progress | None = None, depth: int = 2
) -> Diagnosis: ...


@from_one_frame
def compare(*runs: Any, progress: Progress | None = None, depth: int = 2) -> Diagnosis:
    """Say why two calls give different results.

    Each is first held against its own y; then both are compared as canonical records, and each
    difference is measured: how much of what is between the results goes away with it.

    Args:
        runs: two calls, ``compare(a, b)``, which may hold their y (``a.with_result(y)``), else it
            is computed; or each followed by its y, ``compare(a, y_a, b, y_b)``.
        progress, depth: those of ``diagnose``, for the calls one by one.

    Raises:
        BadCall: what is given is no two calls.
        and the errors of ``diagnose``.

    >>> from uniconv._call import Call
    >>> x, w = np.array([1, 2, 3, 4.0]), np.array([1, 10, 100.0])
    >>> knet = Call(x.reshape(4, 1, 1), w.reshape(3, 1, 1), dialect="knet.conv4")
    >>> options = dict(stride=1, padding="VALID")
    >>> tf = Call(x.reshape(1, 4, 1), w.reshape(3, 1, 1), dialect="tf.nn.conv1d", **options)
    >>> found = compare(knet, tf)
    >>> found.causes[0].text
    'knet.conv4 convolves, tf.nn.conv1d correlates, on the one spatial axis'
    >>> found.fixes[0].code
    'knet.conv4(w, x, mode=1)'
    """
    one, two = (_run(call, progress, depth) for call in _calls(runs))
    for run, label in ((one, "a"), (two, "b")):
        if not run.result.explained:
            alone = diagnosis_of(run)
            text = f"The result of {label}, {run.op.name}, is not explained by its own call. "
            return replace(alone, verdict=text + alone.verdict)
    return _compared(one, two)


def _calls(runs: tuple[Any, ...]) -> tuple[Call, Call]:
    """The two calls, each with its y where that is given."""
    calls = runs[::2] if len(runs) == 4 else runs
    if len(calls) != 2 or not all(isinstance(call, Call) for call in calls):
        raise BadCall(
            "compare takes two uniconv.Calls: compare(a, y_a, b, y_b), or compare(a, b) where they "
            'hold their y, as a = uniconv.Call(x, w, dialect="tf", ...).with_result(y)'
        )
    one, two = calls
    if len(runs) == 2:
        return one, two
    return one.with_result(runs[1], one.tolerance), two.with_result(runs[3], two.tolerance)


def _run(call: Call, progress: Progress | None, depth: int) -> Run:
    """A call looked into: with the y that it holds, or with its own, which needs no search."""
    # A call without y is explained by itself: there is nothing to search.
    op, off = call.function, tolerances(call.tolerance)
    x, w = (read_array(getattr(call, r), r, off.get(r)) for r in ("x", "w"))
    p = None if call.pointwise is None else read_array(call.pointwise, "pointwise")
    bias = None if call.bias is None else read_array(call.bias, "bias")
    if call.y is not None:
        y = read_array(call.y, "y", off.get("y"))
        return searched(op, call.options, [x, w, y], bias, p, progress, depth)
    y = computed(op, call.options, x, w, bias, p)
    start = problem(op, call.options, x, w, y, p).start(
        None if bias is None else bias.array.reshape(-1)
    )
    may_be_off = errors(x, w, y)
    result = SearchResult(start, True, Judge(start, may_be_off).remainder(start))
    own = arrays_of([x, w, y], bias, p)
    return Run(op, call.options, names_of([x, w, y]), start, may_be_off, result, own)


def _compared(one: Run, two: Run) -> Diagnosis:
    """The diagnosis of two runs, each explained by its own call.

    Their data are compared first, then their records, field by field.  If a with all in which b
    differs gives b's y, up to rounding, the differences explain everything.
    """
    # How to read this: ``as_b`` is a with everything in which b differs.  If its result is b's y
    # (``cross``), the list of differences is complete; what each contributes is measured by
    # making it first, and last of all (``report.shares``).
    a, b = one.model, two.model
    a, of_kernel, direction, notes = _of_kernel(a, b, one, two)
    differences = [
        *_of_input(a, b, one, two),
        *of_kernel,
        *_differences(a, b, direction, one.op.name, two.op.name),
    ]
    fields = [f for _, f in differences]
    as_b = _with(a, fields).but(y=b.y)
    judge = Judge(as_b, _larger(one.errors, two.errors))
    cross = judge.remainder(as_b)
    # What remains is the most of three: in either run, and between both.
    rest = max((one.result.remainder, two.result.remainder, cross), key=lambda r: r.largest)
    if not cross.is_rounding:
        rest = cross
    difference = largest_difference(a.y, b.y)
    same_sizes = a.y.shape == b.y.shape
    parts = _shares(a, b, fields) if same_sizes else None
    causes = as_causes([c for c, _ in differences], parts)
    fixes = tuple(_fixes(one, two)) if cross.is_rounding and differences else ()
    place = "the results differ in size"
    if same_sizes:
        slack = 2 * rest.largest + judge.digits(as_b)
        place = f"they differ {where(a.y, b.y, slack, ResultPlaces(a.problem, one.names['y']))}"
    return Diagnosis(
        f"{one.op.name} and {two.op.name}",
        _verdict(one, two, causes, cross.is_rounding, rest, difference, fixes),
        cross.is_rounding,
        causes,
        line_of(two, two.model, two.result.remainder.largest)[0],
        rest,
        difference,
        place,
        tuple(_unseen(one, two)),
        fixes,
        (*_notes(one, two), *notes),
        one.result.tried + two.result.tried,
        Picture(
            a.y,
            b.y,
            reversed_kernel(a.w, a.conv.reverse),
            reversed_kernel(b.w, b.conv.reverse),
            (one.op.name, two.op.name),
        ),
    )


def _larger(one: Errors, two: Errors) -> Errors:
    """What the arrays of either run may be off."""
    return Errors(
        max(one.x, two.x), max(one.w, two.w), max(one.y, two.y), max(one.stored, two.stored)
    )


def _notes(one: Run, two: Run) -> Iterator[str]:
    """For each run that its own call does not give: what explains its y instead."""
    # Both are compared as they were made, not as they were meant: what left its call is a cause of
    # the difference like any other, and the reader should know whose it is.
    for run, label in ((one, "a"), (two, "b")):
        if run.model.changes:
            texts = listed([c.text for c in run.model.changes])
            yield (f"the result of {label} ({run.op.name}) is not what its own call gives: {texts}")


def _with(model: Hypothesis, steps: Iterable[Mapping[str, Any]]) -> Hypothesis:
    """A hypothesis with fields of its own, or of its record, as each of these steps has them."""
    # So a run is made like the other in one thing after the other, and the result tells what each
    # was worth.
    # Fields have the names of Hypothesis or of its record; each step lays its own over those
    # before.
    for fields in steps:
        own = {k: v for k, v in fields.items() if k in Hypothesis.__dataclass_fields__}
        record = {k: v for k, v in fields.items() if k not in own}
        model = model.but(**own, conv=replace(model.conv, **record))
    return model


def _of_input(a: Hypothesis, b: Hypothesis, one: Run, two: Run) -> Iterator[Difference]:
    """x, where the second run's is not the first's."""
    # Whatever the relation is, a gets b's x as it is: the field is measured with the very numbers.
    error = one.errors.x + two.errors.x
    if alike(a.x, b.x, error):
        return
    # A run whose own y shows that it read x otherwise has an x that no code here is about.
    own = a.x is one.start.x
    how = relation(a.problem, "x", a.x, b.x, error) if own else None
    change = _unlike("x", a.x, b.x, one, two) if how is None else _other("x", how, one, two)
    yield change, {"x": b.x}


def _of_kernel(
    a: Hypothesis, b: Hypothesis, one: Run, two: Run
) -> tuple[Hypothesis, list[Difference], list[Difference], list[str]]:
    """The kernel and the direction in which it is read, which may undo each other.

    Gives a, with what does not show already as in b; the difference of the kernels, and that of the
    directions; and notes.
    """
    # How to read this: ``turned`` are the axes along which b's kernel is a's reversed, ``read``
    # those along which one convolves and the other correlates.  Only where they are not the same
    # axes does either show: a kernel that was reversed by hand for a function that reverses it
    # once more is no difference at all.
    name, other = one.op.name, two.op.name
    error = one.errors.w + two.errors.w
    whole: dict[str, Any] = {"w": b.w, "kernel": b.kernel}
    read = _axes_read_otherwise(a, b)
    direction = [(_flip(a, b, read, name, other), {"reverse": b.conv.reverse})] if read else []
    if alike(a.w, b.w, error):
        return a, [], direction, []
    how = None
    if a.w is one.start.w and alike(_point(a), _point(b), error):
        how = relation(a.problem, "w", a.kernel, b.kernel, error)
    if how is None:
        return a, [(_unlike("w", a.w, b.w, one, two), whole)], direction, []
    if not how.reverse or how.reverse != frozenset(read):
        return a, [(_other("w", how, one, two), whole)], direction, []
    note = (
        f"{_reversal('w', how, one, two)}, which undoes that {name} and {other} read their kernels "
        "in opposite directions"
    )
    rest = Relation(how.array, how.changes)
    a = a.but(conv=replace(a.conv, reverse=b.conv.reverse))
    if not how.changes:
        return a.but(**whole), [], [], [note]
    back = np.flip(a.kernel, tuple(2 + axis for axis in read))
    a = a.but(kernel=back, w=a.problem.folded(back))
    return a, [(_other("w", rest, one, two), whole)], [], [note]


def _point(model: Hypothesis) -> Array:
    """The second kernel of a separable convolution; a number where there is none."""
    # Of two separable runs the second kernels must be the same numbers: only the first is related.
    point = model.problem.pointwise
    return np.ones(1) if point is None else point


def _axes_read_otherwise(a: Hypothesis, b: Hypothesis) -> list[int]:
    """The axes along which one reads its kernel backwards and the other does not, if it shows."""
    # One tap is the same in both directions.
    if a.conv.rank != b.conv.rank:
        return []
    flags = zip(a.conv.reverse, b.conv.reverse, b.w.shape[2:])
    return [axis for axis, (here, there, taps) in enumerate(flags) if here != there and taps > 1]


def _other(role: str, how: Relation, one: Run, two: Run) -> Change:
    """The cause that one run's array is the other's after some steps."""
    # One cause for an array, however many steps: it takes all of them to make it the other.
    texts = [c.text for c in how.changes]
    if how.reverse:
        texts.append(f"it is reversed on {names(one.start, sorted(how.reverse))}")
    text = f"{two.op.name} has another {role} than {one.op.name}: {listed(texts)}"
    first = how.changes[0] if how.changes else None
    field, expected, actual = (
        ("data", "as given", "reversed")
        if first is None
        else (first.field, first.expected, first.actual)
    )
    return Change(field, expected, actual, text, how.cost)


def _reversal(role: str, how: Relation, one: Run, two: Run) -> str:
    """That an array is the other one reversed, as a clause."""
    where_ = names(one.start, sorted(how.reverse))
    return f"{role} of {two.op.name} is {role} of {one.op.name} reversed on {where_}"


def _unlike(role: str, a: Array, b: Array, one: Run, two: Run) -> Change:
    """The cause that two arrays are not the same numbers, with how far they are apart."""
    if a.shape == b.shape:
        what = f"by up to {float(np.abs(a - b).max()):.4g}"
    else:
        shapes = (getattr(run.start.problem, role).shape for run in (one, two))
        what = f"in shape, {' and '.join(map(show_shape, shapes))}"
    noun = "x" if role == "x" else "the kernel"
    text = (
        f"{noun} of {one.op.name} and of {two.op.name} are not the same numbers: they differ {what}"
    )
    return Change("data", f"the same {role}", "another", text, 1.0)


def _differences(
    a: Hypothesis, b: Hypothesis, direction: list[Difference], one: str, two: str
) -> Iterator[Difference]:
    """The things in which two hypotheses differ: their records, then what follows the sum."""
    if b.x.ndim - 2 != a.conv.rank or a.conv.rank != b.conv.rank:
        return
    # In this order causes are listed, what changes sizes first.
    for name in FIELDS:
        if name == "pad":
            yield from _of_padding(a, b, one, two)
        elif name == "reverse":
            yield from direction
        elif name == "boundary":
            yield from _of_boundary(a, b, one, two)
        else:
            yield from _of_field(name, a, b, one, two)
    if a.scale != b.scale:
        text = f"{one} multiplies by {a.scale}, {two} by {b.scale}"
        yield Change("scale", str(a.scale), str(b.scale), text, 1.0), {"scale": b.scale}
    yield from _of_bias(a, b, one, two)
    if not _alike_or_none(a.gain, b.gain):
        text = f"{one} and {two} have different factors per output channel"
        yield Change("factor per channel", "as given", "another", text, 1.0), {"gain": b.gain}
    if a.norm is not b.norm:
        text = f"{one} and {two} end in different BatchNorms"
        yield Change("BatchNorm", "as given", "another", text, 1.0), {"norm": b.norm}
    if a.activation != b.activation:
        here, there = title(a.activation), title(b.activation)
        text = f"the activation of {one} is {here}, that of {two} {there}"
        yield Change("activation", here, there, text, 1.0), {"activation": b.activation}


def _alike_or_none(a: Array | None, b: Array | None) -> bool:
    """Whether there are no such numbers, or the same."""
    # None stands for factors of 1 and counts as other than any: a factor that is there shows.
    if a is None or b is None:
        return a is b
    return alike(a, b, 0.0)


def _of_field(name: str, a: Hypothesis, b: Hypothesis, one: str, two: str) -> Iterator[Difference]:
    """A field of the record that is compared as it is."""
    here, there = getattr(a.conv, name), getattr(b.conv, name)
    if here != there:
        word = WORDS.get(name, name)
        text = f"{one} has {word} {here}, {two} {there}"
        yield Change(word, str(here), str(there), text, 1.0), {name: there}


def _of_padding(a: Hypothesis, b: Hypothesis, one: str, two: str) -> Iterator[Difference]:
    """Padding counts as far as windows reach it, with b's strides and dilations."""
    # ``tight`` takes off what no window reads: (0, 1) and (0, 0) may be the same padding.
    size, kernel, conv = b.x.shape[2:], b.w.shape[2:], b.conv
    here = replace(
        a.conv,
        stride=conv.stride,
        lhs_dilation=conv.lhs_dilation,
        rhs_dilation=conv.rhs_dilation,
    )
    if here.tight(size, kernel).pad != conv.tight(size, kernel).pad:
        yield from _of_field("pad", a, b, one, two)


def _of_boundary(a: Hypothesis, b: Hypothesis, one: str, two: str) -> Iterator[Difference]:
    """What lies outside x, where there is anything outside it."""
    # Without padding nothing lies outside x that a window could read.
    here, there = a.conv.boundary, b.conv.boundary
    if (here, a.conv.fill) == (there, b.conv.fill) or here == there == "zeros":
        return
    if any(map(any, b.conv.pad)):
        text = f"{one} has {here} outside x, {two} {there}"
        fields = {"boundary": there, "fill": b.conv.fill}
        yield Change("boundary", here, there, text, 1.0), fields


def _of_bias(a: Hypothesis, b: Hypothesis, one: str, two: str) -> Iterator[Difference]:
    """What is added to the sum: the bias and a constant, taken together."""
    # A bias of 2 everywhere and a shift of 2 are the same addition, and count as equal.
    nothing = np.zeros(b.w.shape[0])
    here, there = ((m.bias if m.bias is not None else nothing) + m.shift for m in (a, b))
    if here.shape == there.shape and np.allclose(here, there, rtol=1e-6, atol=0):
        return
    adds = [("no bias" if m.bias is None else "a bias") for m in (a, b)]
    text = f"{one} adds {adds[0]}, {two} {adds[1]}"
    if adds[0] == adds[1]:
        how = None
        if a.bias is not None and b.bias is not None and a.shift == b.shift:
            how = bias_relation(a.bias, b.bias, 0.0)
        text = f"{one} and {two} add different biases"
        if how is not None:
            text = f"{two} adds another bias than {one}: {how.text}"
    yield Change("bias", adds[0], adds[1], text, 1.0), {"bias": there, "shift": 0.0}


def _flip(a: Hypothesis, b: Hypothesis, which: list[int], one: str, two: str) -> Change:
    """The cause for kernels read in opposite directions, as "convolves" and "correlates".

    Of a transposed call the record says the opposite of the function's own word.
    """
    transposed = a.problem.transposed
    verbs = ["convolves" if m.conv.reverse[which[0]] ^ transposed else "correlates" for m in (a, b)]
    everywhere = {1: "the one spatial axis", 2: "both spatial axes", 3: "all three spatial axes"}
    on = everywhere[a.conv.rank] if len(which) == a.conv.rank else names(a, which)
    text = f"{one} {verbs[0]}, {two} {verbs[1]}, on {on}"
    return Change("reverse", verbs[0], verbs[1], text, 1.0)


def _shares(a: Hypothesis, b: Hypothesis, steps: list[dict[str, Any]]) -> list[float] | list[None]:
    """How much of what is between both y each step explains that makes a more like b."""

    # What is left is measured in squares, the sum of |b - a|**2, over all of y.
    def rest_of(numbers: tuple[int, ...]) -> float | None:
        model = _with(a, [steps[n] for n in numbers]).but(y=b.y)
        return float(np.sum(np.abs(b.y - model.result()) ** 2)) if model.fits else None

    return shares(len(steps), rest_of)


def _fixes(one: Run, two: Run) -> Iterator[Fix]:
    """Each run's call that gives the other's result, on the run's own arrays."""
    for mine, theirs in ((one, two), (two, one)):
        like = _like(mine, theirs)
        if like is None:
            continue
        run = replace(mine, arrays={**theirs.bias_array, **mine.arrays})
        slack = theirs.result.remainder.largest + mine.result.remainder.largest
        text, reason = line_of(run, like, slack)
        if text:
            why = "" if reason is None else f", as {reason}: in torch"
            yield Fix(f"{mine.op.name} gives what {theirs.op.name} gives{why}", text)


def _like(mine: Run, theirs: Run) -> Hypothesis | None:
    """A run's own arrays and function, made to give the other's result; None where none can."""
    # How to read this: the other's kernel as this function would have to read it (``goal``) is
    # reversed where the two read in opposite directions.  What is left of that after the relation
    # of both kernels is said by the record, which knows the function's own word for it, or else
    # indexes the kernel; so nothing is reversed twice.
    source, target = mine.start, theirs.model
    if source.conv.rank != target.conv.rank:
        return None
    both = zip(source.conv.reverse, target.conv.reverse)
    axes_ = tuple(2 + n for n, (r, t) in enumerate(both) if r != t)
    goal = np.flip(target.kernel, axes_) if axes_ else target.kernel
    off = [getattr(mine.errors, role) + getattr(theirs.errors, role) for role in "xw"]
    x = relation(source.problem, "x", source.x, target.x, off[0])
    w = relation(source.problem, "w", source.kernel, goal, off[1])
    if x is None or w is None or not alike(_point(source), _point(target), off[1]):
        return None
    reverse = tuple(r ^ (n in w.reverse) for n, r in enumerate(source.conv.reverse))
    kernel = np.flip(w.array, tuple(2 + n for n in w.reverse))
    change, bias = _bias_like(source, target)
    return source.but(
        x=x.array,
        kernel=kernel,
        w=source.problem.folded(kernel),
        y=target.y,
        conv=replace(target.conv, groups=source.conv.groups, reverse=reverse),
        scale=target.scale,
        gain=target.gain,
        norm=target.norm,
        activation=target.activation,
        bias=bias,
        bias_axis=target.bias_axis,
        changes=(*x.changes, *w.changes, *([] if change is None else [change])),
    )


def _bias_like(source: Hypothesis, target: Hypothesis) -> tuple[Change | None, Array | None]:
    """The bias that makes one run's sum the other's, and how it is written; None for as it is."""
    # Written are, in this order: the run's own bias, as it is or after some steps; the other run's
    # by its name, where this one has none; or numbers, where these were read off y or related to
    # nothing.  A constant that only one function adds (``shift``) goes into the bias.
    moved = target.shift - source.shift
    bias = target.bias
    if moved:
        bias = moved + (np.zeros(target.w.shape[0]) if bias is None else bias)
    if bias is None or (source.bias is None and not moved and not _of_y(target)):
        return None, bias
    how = None if source.bias is None else bias_relation(source.bias, bias, 0.0)
    if how is not None:
        return (how if how.code else None), bias
    return Change("bias", "as given", "another", "another bias", 1.0, read_off=True), bias


def _of_y(model: Hypothesis) -> bool:
    """Whether a bias was read off y, so that it has no name in code, but its numbers."""
    return any(c.field == "bias" and c.read_off for c in model.changes)


def _unseen(one: Run, two: Run) -> Iterator[str]:
    """What neither run can show."""
    # Each run has its own list of what gives the same y; of two runs both are told.
    for run in (one, two):
        for other in run.result.others:
            text = listed([c.text for c in other.changes])
            yield f"in {run.op.name}, {text} would give the same y; use probe()"


def _verdict(
    one: Run,
    two: Run,
    causes: tuple[Cause, ...],
    explained: bool,
    rest: Remainder,
    difference: float,
    fixes: tuple[Fix, ...],
) -> str:
    """One sentence: they agree, or differ for these causes, or nothing known explains it."""
    both = f"{one.op.name} and {two.op.name}"
    texts = "; ".join(c.text for c in causes)
    whole = f"the whole difference between {both}."
    ways = " or ".join(f"`{fix.code}`" for fix in fixes if "\n" not in fix.code)
    return verdict(
        causes,
        explained,
        alike=f"{both} agree: {rounding(rest)}.",
        differ=f"{texts}; {sized(rest, difference)}"
        + (f"; {ways} makes both agree." if ways else "."),
        unexplained=f"{texts}; but that does not explain {whole}"
        if texts
        else f"Nothing that uniconv knows explains {whole}",
    )

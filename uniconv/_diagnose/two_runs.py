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
from uniconv._calls.lower import lower
from uniconv._diagnose.causes.arrays import input_axes, input_channels, kernel_axes, kernel_order
from uniconv._diagnose.causes.readings import names
from uniconv._diagnose.code import native_call
from uniconv._diagnose.data import Cause, Fix, Picture
from uniconv._diagnose.diagnosis import Diagnosis, listed
from uniconv._diagnose.hypothesis import Array, Change, Hypothesis
from uniconv._diagnose.inputs import InputArray, errors, problem, read_array, tolerances
from uniconv._diagnose.judge import Judge
from uniconv._diagnose.precision import UNITS, Errors, Remainder
from uniconv._diagnose.report import (
    as_causes,
    diagnosis_of,
    largest_difference,
    reversed_kernel,
    rounding,
    shares,
    sized,
    verdict,
)
from uniconv._diagnose.run import Progress, Run, names_of, searched
from uniconv._diagnose.search import SearchResult
from uniconv._diagnose.where import where
from uniconv.errors import BadCall, from_one_frame
from uniconv.spec.op import Op

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
    y = _computed(op, call.options, x, w, bias, p)
    start = problem(op, call.options, x, w, y, p).start(
        None if bias is None else bias.array.reshape(-1)
    )
    may_be_off = errors(x, w, y)
    result = SearchResult(start, True, Judge(start, may_be_off).remainder(start))
    return Run(op, call.options, names_of([x, w, y]), start, may_be_off, result)


def _computed(
    op: Op,
    options: Mapping[str, Any],
    x: InputArray,
    w: InputArray,
    bias: InputArray | None,
    p: InputArray | None,
) -> InputArray:
    """y as the call gives it, in float64, in its native layout."""
    shapes = [x.array.shape, w.array.shape, *([] if p is None else [p.array.shape])]
    call = lower(op, options, *shapes)
    # The hypothesis needs a y to be built; zeros of its shape stand for it until it is computed.
    blank = InputArray(np.zeros(call.output, x.array.dtype), 0.0, "float64")
    blank_problem = problem(op, options, x, w, blank, p)
    value = blank_problem.start(None if bias is None else bias.array.reshape(-1)).result()
    order = [("n", "o", *blank_problem.spatial).index(s) for s in blank_problem.y.letters]
    return InputArray(value.transpose(order).reshape(call.output), 0.0, "float64")


def _compared(one: Run, two: Run) -> Diagnosis:
    """The diagnosis of two runs, each explained by its own call.

    First a is given b's data (``_aligned``), so that nothing but the records differs; then their
    fields are compared.  If a with b's fields and b's data gives b's y, up to rounding, the
    differences explain everything.
    """
    # How to read this: ``as_b`` is a with everything in which b differs.  If its result is b's y
    # (``cross``), the list of differences is complete; what each contributes is measured by
    # making it first, and last of all (``report.shares``).
    a, of_data = _aligned(one.model, two.model, one, two)
    b = two.model
    differences = list(_differences(a, b, one.op.name, two.op.name))
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
    causes = (*as_causes(of_data), *as_causes([c for c, _ in differences], parts))
    fixes = tuple(_fixes(one, two, a, b)) if cross.is_rounding and differences else ()
    place = "the results differ in size"
    if same_sizes:
        place = "they differ " + where(a.y, b.y, 2 * rest.largest + judge.digits(as_b))
    return Diagnosis(
        f"{one.op.name} and {two.op.name}",
        _verdict(one, two, causes, cross.is_rounding, rest, difference, fixes),
        cross.is_rounding,
        causes,
        native_call(two.model, two.options, two.names)[0],
        rest,
        difference,
        place,
        tuple(_unseen(one, two)),
        fixes,
        tuple(_notes(one, two)),
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
        own = {k: v for k, v in fields.items() if k in Hypothesis.__slots__}
        record = {k: v for k, v in fields.items() if k not in own}
        model = model.but(**own, conv=replace(model.conv, **record))
    return model


def _alike(a: Array, b: Array, error: float) -> bool:
    """Whether two arrays hold the same numbers, up to printed digits and float32."""
    if a.shape != b.shape:
        return False
    return bool(np.all(np.abs(a - b) <= error + 2 * UNITS["float32"] * np.abs(b)))


def _aligned(a: Hypothesis, b: Hypothesis, one: Run, two: Run) -> tuple[Hypothesis, list[Change]]:
    """a with x and w in b's order of axes and channels, and what had to be changed for that."""
    # The ways to read a's array that the search knows are tried, until one gives b's numbers; where
    # none does, the data differ, which is a cause of its own, and b's are taken.
    x_off, w_off = one.errors.x + two.errors.x, one.errors.w + two.errors.w
    changes: list[Change] = []
    if not _alike(a.x, b.x, x_off):
        near = (m for m in (*input_axes(a), *input_channels(a)) if _alike(m.x, b.x, x_off))
        other = next(near, None)
        if other is None:
            changes.append(_unlike("x", a.x, b.x, one, two))
            a = a.but(x=b.x)
        else:
            changes.append(_between(other.changes[-1], one, two, "x"))
            a = other
    if not _alike(a.w, b.w, w_off):
        near = (m for m in (*kernel_axes(a), *kernel_order(a)) if _alike(m.w, b.w, w_off))
        other = next(near, None)
        if other is None:
            changes.append(_unlike("w", a.w, b.w, one, two))
            a = a.but(w=b.w, kernel=b.kernel)
        else:
            changes.append(_between(other.changes[-1], one, two, "w"))
            a = a.but(w=other.w, kernel=other.kernel)
    return a, changes


def _between(change: Change, one: Run, two: Run, role: str) -> Change:
    """A change of one run's array, told of both runs."""
    text = f"{two.op.name} has another {role} than {one.op.name}: {change.text}"
    return replace(change, text=text)


def _unlike(role: str, a: Array, b: Array, one: Run, two: Run) -> Change:
    """The cause that two arrays are not the same numbers, with how far they are apart."""
    if a.shape == b.shape:
        what = f"by up to {float(np.abs(a - b).max()):.4g}"
    else:
        what = f"in shape, {a.shape} and {b.shape}"
    noun = "x (n, c, ...)" if role == "x" else "the kernel (o, i, ...)"
    text = (
        f"{noun} of {one.op.name} and of {two.op.name} are not the same numbers: they differ {what}"
    )
    return Change("data", f"the same {role}", "another", text, 1.0)


def _differences(a: Hypothesis, b: Hypothesis, one: str, two: str) -> Iterator[Difference]:
    """The things in which two hypotheses differ: their records, then what follows the sum."""
    if b.x.ndim - 2 != a.conv.rank or a.conv.rank != b.conv.rank:
        return
    # In this order causes are listed, what changes sizes first.
    for name in FIELDS:
        if name == "pad":
            yield from _of_padding(a, b, one, two)
        elif name == "reverse":
            yield from _of_reverse(a, b, one, two)
        elif name == "boundary":
            yield from _of_boundary(a, b, one, two)
        else:
            yield from _of_field(name, a, b, one, two)
    if a.scale != b.scale:
        text = f"{one} multiplies by {a.scale}, {two} by {b.scale}"
        yield Change("scale", str(a.scale), str(b.scale), text, 1.0), {"scale": b.scale}
    yield from _of_bias(a, b, one, two)


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


def _of_reverse(a: Hypothesis, b: Hypothesis, one: str, two: str) -> Iterator[Difference]:
    """The axes along which one convolves and the other correlates."""
    # One tap is the same in both directions.
    flags = zip(a.conv.reverse, b.conv.reverse, b.w.shape[2:])
    which = [axis for axis, (here, there, taps) in enumerate(flags) if here != there and taps > 1]
    if which:
        yield _flip(a, b, which, one, two), {"reverse": b.conv.reverse}


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
        text = f"{one} and {two} add different biases"
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


def _fixes(one: Run, two: Run, a: Hypothesis, b: Hypothesis) -> Iterator[Fix]:
    """Each run's call that gives the other's result."""
    # a with b's record is a call that gives b's y, if a's function can say it; and the other way.
    for mine, theirs, source, target in ((one, two, a, b), (two, one, b, a)):
        like = source.but(
            conv=replace(target.conv, groups=source.conv.groups),
            scale=target.scale,
            changes=mine.model.changes,
        )
        if source.bias is None and target.bias is not None:
            like = like.but(bias=target.bias)
        text, reason = native_call(like, mine.options, mine.names)
        why = "" if reason is None else f", as {reason}: in torch"
        yield Fix(f"{mine.op.name} gives what {theirs.op.name} gives{why}", text)


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

"""compare: two calls on the same data give two results; why?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np

from uniconv._call import Call
from uniconv._diagnose.causes.arrays import input_axes, input_channels, kernel_axes, kernel_order
from uniconv._diagnose.causes.readings import names
from uniconv._diagnose.code import native_call
from uniconv._diagnose.data import Cause, Fix, Picture
from uniconv._diagnose.diagnosis import Diagnosis, at_most, listed
from uniconv._diagnose.hypothesis import Array, Change, Hypothesis
from uniconv._diagnose.inputs import InputArray, errors, problem, read_array, tolerances
from uniconv._diagnose.judge import Judge
from uniconv._diagnose.one_run import names_of, report, searched, sized
from uniconv._diagnose.precision import UNITS, Errors, Remainder
from uniconv._diagnose.search import SearchResult
from uniconv._diagnose.where import where
from uniconv.errors import BadCall, from_one_frame
from uniconv.spec.op import Op

Progress = Callable[[str], None]
FIELDS = ("lhs_dilation", "stride", "rhs_dilation", "pad", "boundary", "reverse", "groups")
WORDS = {"lhs_dilation": "input dilation", "rhs_dilation": "dilation", "pad": "padding"}


@dataclass(frozen=True, slots=True)
class _Side:
    """One run, looked into: its model as found to be, and how far its numbers may be off."""

    op: Op
    call: Call
    names: dict[str, str]
    start: Hypothesis
    slack: Errors
    found: SearchResult

    @property
    def model(self) -> Hypothesis:
        return self.found.model


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
    one, two = (_side(call, progress, depth) for call in _calls(runs))
    for side, label in ((one, "a"), (two, "b")):
        if not side.found.explained:
            alone = report(side.start, side.slack, side.found, side.call.options, side.names)
            told = f"The result of {label}, {side.op.name}, is not explained by its own call. "
            return replace(alone, verdict=told + alone.verdict)
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


def _side(call: Call, progress: Progress | None, depth: int) -> _Side:
    op, told = call.function, tolerances(call.tolerance)
    x, w = (read_array(getattr(call, r), r, told.get(r)) for r in ("x", "w"))
    p = None if call.pointwise is None else read_array(call.pointwise, "pointwise")
    bias = None if call.bias is None else read_array(call.bias, "bias")
    if call.y is None:
        y = _computed(op, call.options, x, w, bias, p)
        start = problem(op, call.options, x, w, y, p).start(
            None if bias is None else bias.array.reshape(-1)
        )
        judge = Judge(start, errors(x, w, y))
        found = SearchResult(start, True, judge.remainder(start))
        return _Side(op, call, names_of([x, w, y]), start, errors(x, w, y), found)
    y = read_array(call.y, "y", told.get("y"))
    start, slack, found = searched(op, call.options, [x, w, y], bias, p, progress, depth)
    return _Side(op, call, names_of([x, w, y]), start, slack, found)


def _computed(
    op: Op,
    options: Mapping[str, Any],
    x: InputArray,
    w: InputArray,
    bias: InputArray | None,
    p: InputArray | None,
) -> InputArray:
    """y as the call gives it, in float64."""
    from uniconv._calls.lower import lower

    shapes = [x.array.shape, w.array.shape, *([] if p is None else [p.array.shape])]
    call = lower(op, options, *shapes)
    blank = InputArray(np.zeros(call.output, x.array.dtype), 0.0, "float64")
    asked = problem(op, options, x, w, blank, p)
    value = asked.start(None if bias is None else bias.array.reshape(-1)).result()
    order = [("n", "o", *asked.spatial).index(s) for s in asked.y.letters]
    return InputArray(value.transpose(order).reshape(call.output), 0.0, "float64")


def _compared(one: _Side, two: _Side) -> Diagnosis:
    a, b = one.model, two.model
    data: list[Change] = []
    # What is between the inputs: nothing, another order of axes or channels, other numbers.
    a, moved = _aligned(a, b, one, two)
    data += moved
    differing = list(_differences(a, b, one.op.name, two.op.name))
    comparable = a.y.shape == b.y.shape
    apart = np.abs(a.y - b.y) if comparable else None
    difference = math.inf if apart is None else float(apart.max(initial=0.0))
    as_b = a.but(**{k: v for _, fields in differing for k, v in _merged(a, fields).items()})
    for _, fields in differing:
        as_b = as_b.but(**_merged(as_b, fields))
    as_b = as_b.but(y=b.y)
    slack = Errors(
        max(one.slack.x, two.slack.x),
        max(one.slack.w, two.slack.w),
        max(one.slack.y, two.slack.y),
        max(one.slack.stored, two.slack.stored),
    )
    judge = Judge(as_b, slack)
    cross = judge.remainder(as_b) if as_b.fits else Remainder(math.inf, math.inf, "not rounding")
    left = max((one.found.remainder, two.found.remainder, cross), key=lambda r: r.largest)
    if cross.precision == "not rounding":
        left = cross
    shares = _shares(a, b, [f for _, f in differing]) if comparable else [None] * len(differing)
    causes = (
        *(Cause(c.field, c.expected, c.found, c.text) for c in data),
        *(
            Cause(c.field, c.expected, c.found, c.text, share)
            for (c, _), share in zip(differing, shares)
        ),
    )
    explained = cross.is_rounding
    fixes = _fixes(one, two, a, b) if explained and differing else ()
    notes = [
        f"the result of {label} is not what its own call gives: "
        + listed([c.text for c in side.model.changes])
        for side, label in ((one, f"a ({one.op.name})"), (two, f"b ({two.op.name})"))
        if side.model.changes
    ]
    place = (
        "the results differ in size"
        if apart is None
        else "they differ " + where(a.y, b.y, 2 * left.largest + judge.given(as_b))
    )
    undecided = tuple(_unseen(one, two))
    same = difference if comparable else math.inf
    return Diagnosis(
        f"{one.op.name} and {two.op.name}",
        _verdict(one, two, causes, explained, left, same, fixes),
        explained,
        causes,
        native_call(two.model, two.call.options, two.names)[0],
        left,
        difference,
        place,
        undecided,
        tuple(fixes),
        tuple(notes),
        one.found.tried + two.found.tried,
        Picture(
            a.y,
            b.y,
            _turned(a),
            _turned(b),
            (one.op.name, two.op.name),
        ),
    )


def _turned(model: Hypothesis) -> Array:
    """The kernel as it slides over x: reversed where the call convolves."""
    flips = [axis + 2 for axis, r in enumerate(model.conv.reverse) if r]
    return np.flip(model.w, tuple(flips)) if flips else model.w


def _merged(model: Hypothesis, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the record among fields of the model."""
    own = {k: v for k, v in fields.items() if k in Hypothesis.__slots__}
    record = {k: v for k, v in fields.items() if k not in own}
    return own | ({"conv": replace(model.conv, **record)} if record else {})


def _alike(a: Array, b: Array, error: float) -> bool:
    if a.shape != b.shape:
        return False
    return bool(np.all(np.abs(a - b) <= error + 2 * UNITS["float32"] * np.abs(b)))


def _aligned(
    a: Hypothesis, b: Hypothesis, one: _Side, two: _Side
) -> tuple[Hypothesis, list[Change]]:
    """a with x and w in b's order of axes and channels, and what had to be changed for that."""
    x_off, w_off = one.slack.x + two.slack.x, one.slack.w + two.slack.w
    if _alike(a.x, b.x, x_off) and _alike(a.w, b.w, w_off):
        return a, []
    changes: list[Change] = []
    if not (_alike(a.x, b.x, x_off)):
        for other in (*input_axes(a), *input_channels(a)):
            if _alike(other.x, b.x, x_off):
                changes.append(_between(other.changes[-1], one, two, "x"))
                a = other
                break
        else:
            changes.append(_unlike("x", a.x, b.x, one, two))
            a = a.but(x=b.x)
    if not _alike(a.w, b.w, w_off):
        for other in (*kernel_axes(a), *kernel_order(a)):
            if _alike(other.w, b.w, w_off):
                changes.append(_between(other.changes[-1], one, two, "w"))
                a = a.but(w=other.w, kernel=other.kernel)
                break
        else:
            changes.append(_unlike("w", a.w, b.w, one, two))
            a = a.but(w=b.w, kernel=b.kernel)
    return a, changes


def _between(change: Change, one: _Side, two: _Side, role: str) -> Change:
    text = f"{two.op.name} has another {role} than {one.op.name}: {change.text}"
    return replace(change, text=text)


def _unlike(role: str, a: Array, b: Array, one: _Side, two: _Side) -> Change:
    if a.shape == b.shape:
        what = f"by up to {float(np.abs(a - b).max()):.4g}"
    else:
        what = f"in shape, {a.shape} and {b.shape}"
    noun = "x (n, c, ...)" if role == "x" else "the kernel (o, i, ...)"
    text = (
        f"{noun} of {one.op.name} and of {two.op.name} are not the same numbers: they differ {what}"
    )
    return Change("data", f"the same {role}", "another", text, 1.0)


def _differences(
    a: Hypothesis, b: Hypothesis, one: str, two: str
) -> Iterator[tuple[Change, dict[str, Any]]]:
    """The fields in which two models differ, and what makes the first like the second."""
    size, kernel = b.x.shape[2:], b.w.shape[2:]
    if len(size) != a.conv.rank or a.conv.rank != b.conv.rank:
        return
    for name in FIELDS:
        was, to = getattr(a.conv, name), getattr(b.conv, name)
        if name == "pad":
            mine = replace(a.conv, stride=b.conv.stride, lhs_dilation=b.conv.lhs_dilation)
            mine = replace(mine, rhs_dilation=b.conv.rhs_dilation)
            if mine.tight(size, kernel).pad == b.conv.tight(size, kernel).pad:
                continue
        if was == to and not (name == "boundary" and a.conv.fill != b.conv.fill):
            continue
        if name == "reverse":
            which = [
                axis for axis, (r, s) in enumerate(zip(was, to)) if r != s and kernel[axis] > 1
            ]
            if which:
                yield _flip(a, b, which, one, two), {"reverse": to}
            continue
        if name == "boundary":
            if a.conv.boundary == b.conv.boundary == "zeros" or not any(map(any, b.conv.pad)):
                continue
            yield (
                Change(name, was, to, f"{one} has {was} outside x, {two} {to}", 1.0),
                {"boundary": to, "fill": b.conv.fill},
            )
            continue
        word = WORDS.get(name, name)
        text = f"{one} has {word} {was}, {two} {to}"
        yield Change(word, str(was), str(to), text, 1.0), {name: to}
    if a.scale != b.scale:
        text = f"{one} multiplies by {a.scale}, {two} by {b.scale}"
        yield Change("scale", str(a.scale), str(b.scale), text, 1.0), {"scale": b.scale}
    none = np.zeros(b.w.shape[0])
    mine, other = ((m.bias if m.bias is not None else none) + m.shift for m in (a, b))
    if mine.shape != other.shape or not np.allclose(mine, other, rtol=1e-6, atol=0):
        told = [("no bias" if m.bias is None else "a bias") for m in (a, b)]
        text = (
            f"{one} adds {told[0]}, {two} {told[1]}"
            if told[0] != told[1]
            else (f"{one} and {two} add different biases")
        )
        yield Change("bias", told[0], told[1], text, 1.0), {"bias": other, "shift": 0.0}


def _flip(a: Hypothesis, b: Hypothesis, which: list[int], one: str, two: str) -> Change:
    transposed = a.problem.transposed
    verbs = ["convolves" if m.conv.reverse[which[0]] ^ transposed else "correlates" for m in (a, b)]
    everywhere = {1: "the one spatial axis", 2: "both spatial axes", 3: "all three spatial axes"}
    on = everywhere[a.conv.rank] if len(which) == a.conv.rank else names(a, which)
    text = f"{one} {verbs[0]}, {two} {verbs[1]}, on {on}"
    return Change("reverse", verbs[0], verbs[1], text, 1.0)


def _shares(a: Hypothesis, b: Hypothesis, steps: list[dict[str, Any]]) -> list[float | None]:
    """The part of the squared difference that each field explains: Shapley's value for two."""

    def left(*fields: dict[str, Any]) -> float | None:
        model = a
        for f in fields:
            model = model.but(**_merged(model, f))
        model = model.but(y=b.y)
        return float(np.sum(np.abs(b.y - model.result()) ** 2)) if model.fits else None

    whole = left()
    if not whole or not steps:
        return [None] * len(steps)
    rest = left(*steps)
    gone = None if rest is None else min(max(1 - rest / whole, 0.0), 1.0)
    if gone is None or len(steps) == 1:
        return [gone] * len(steps)
    alone = [left(s) for s in steps]
    without = [left(*(s for s in steps if s is not t)) for t in steps]
    values = [
        None if p is None or q is None or rest is None else max((whole - p + q - rest) / 2, 0.0)
        for p, q in zip(alone, without)
    ]
    if None in values:
        return [None] * len(steps)
    total = sum(v for v in values if v is not None) or 1.0
    return [v / total * gone for v in values if v is not None]


def _fixes(one: _Side, two: _Side, a: Hypothesis, b: Hypothesis) -> list[Fix]:
    """Each side's call that gives the other's result."""
    fixes = []
    for mine, theirs in ((one, two), (two, one)):
        source, target = (a, b) if mine is one else (b, a)
        like = source.but(
            conv=replace(target.conv, groups=source.conv.groups),
            scale=target.scale,
            changes=mine.model.changes,
        )
        if source.bias is None and target.bias is not None:
            like = like.but(bias=target.bias)
        text, reason = native_call(like, mine.call.options, mine.names)
        why = "" if reason is None else f", as {reason}: in torch"
        fixes.append(Fix(f"{mine.op.name} gives what {theirs.op.name} gives{why}", text))
    return fixes


def _unseen(one: _Side, two: _Side) -> Iterator[str]:
    """What neither run can show."""
    for side in (one, two):
        for other in side.found.others:
            text = listed([c.text for c in other.changes])
            yield f"in {side.op.name}, {text} would give the same y; use probe()"


def _verdict(
    one: _Side,
    two: _Side,
    causes: tuple[Cause, ...],
    explained: bool,
    left: Remainder,
    difference: float,
    fixes: list[Fix] | tuple[Fix, ...],
) -> str:
    pair = f"{one.op.name} and {two.op.name}"
    if not causes and explained:
        most = at_most(left.largest)
        return f"{pair} agree: what is left is rounding ({left.precision}, at most {most})."
    told = "; ".join(c.text for c in causes)
    if not explained:
        head = f"{told}; but that" if told else "Nothing that uniconv knows"
        return f"{head} does not explain the whole difference between {pair}."
    ways = " or ".join(f"`{fix.code}`" for fix in fixes if "\n" not in fix.code)
    size = sized(left, difference)
    return f"{told}; {size}" + (f"; {ways} makes both agree." if ways else ".")

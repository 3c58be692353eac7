"""diagnose: what call gives this result, if not the expected one?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from uniconv._call import Call, Tolerance, verb
from uniconv._calls.options import complete
from uniconv._diagnose.code import native_call
from uniconv._diagnose.diagnosis import Diagnosis, listed
from uniconv._diagnose.inputs import InputArray, read_array, tolerances
from uniconv._diagnose.judge import Judge
from uniconv._diagnose.report import diagnosis_of, diagnosis_of_exchange
from uniconv._diagnose.run import Progress, Run, searched
from uniconv.errors import BadArray, BadOption, UniconvError, UnknownName
from uniconv.spec.op import Op
from uniconv.spec.registry import functions
from uniconv.spec.rules import REQUIRED

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
    depth: int = 3,
    batchnorm: Mapping[str, Any] | None = None,
) -> Diagnosis:
    """Say why y is not what the call gives, or that it is.

    Everything that people are known to get wrong is tried, one change at a time and then two, on
    float64; a change is a cause only if with it every number of y is explained, up to what
    rounding and printed digits may do.  Where nothing does, x and the kernel are exchanged, too.

    Args:
        call: the call that was meant, with arrays.  With ``dialect=None`` the question is which
            function gives y: every function is then tried with few options.  Or its text, with
            the arrays by keyword, as ``Call.parse`` takes them.
        y: what came out, in the function's layout, of any kind that the call's own arrays may
            have; by default what the call holds (``call.with_result(y)``).
        tolerance: how far a value of y may be off (absolute), or {"x": ..., "w": ..., "y": ...};
            by default what the call holds.
        progress: called with a line of text, about once a second, when the search is long.
        depth: 1 looks for single causes only, 2 for pairs of them, 3 for three, too.
        batchnorm: the statistics of the BatchNorm that y was meant to have between the call and its
            activation: mean, variance, gamma and beta ``(o,)`` and eps, by these names or a
            framework's (``running_mean``, ``moving_variance``, ``scale``, ``epsilon``, ...).

    Raises:
        BadShape: y has another number of axes than the call's result and not as many numbers, or
            the bias or an array of ``batchnorm`` another length than y has channels.
        BadArray: an array has no finite numbers, or the call has shapes only, or there is no y.
        BadOption: ``batchnorm`` lacks a mean, a variance or eps, or has an unknown name, or no
            function is named that it follows.
        BadCall: no ``uniconv.Call`` was given.

    >>> from uniconv._call import Call
    >>> x, w = np.arange(1.0, 7).reshape(1, 6, 1), np.array([1, 10, 100.0]).reshape(3, 1, 1)
    >>> y = np.array([123, 234, 345, 456.0]).reshape(1, 4, 1)
    >>> found = diagnose(Call(x, w, dialect="tf", stride=1, padding="VALID"), y)
    >>> found.causes[0].text
    'the kernel is flipped on length: a true convolution, not a cross-correlation'
    >>> found.call
    'tf.nn.conv1d(x, w[::-1], stride=1, padding="VALID")'
    >>> diagnose("tf.nn.conv1d(x, k, 1, 'VALID')", y, x=x, k=w).causes == found.causes
    True
    """
    if y is None and call.y is None:
        raise BadArray("diagnose has no y to explain: diagnose(call, y)")
    own = call if y is None else call.with_result(y)
    off = tolerances(call.tolerance if tolerance is None else tolerance)
    arrays = [read_array(getattr(own, role), role, off.get(role)) for role in ("x", "w", "y")]
    p = None if call.pointwise is None else read_array(call.pointwise, "pointwise")
    b = None if call.bias is None else read_array(call.bias, "bias")
    if call.dialect is None:
        if batchnorm is not None:
            raise BadOption("batchnorm follows one call: name its function, dialect=...")
        return _any_function(arrays, b, p, progress)
    run = searched(call.function, call.options, arrays, b, p, progress, depth, batchnorm)
    if not run.result.explained and p is None and batchnorm is None:
        other = _with_roles_exchanged(call, arrays, b)
        return diagnosis_of(run) if other is None else diagnosis_of_exchange(run, other)
    return diagnosis_of(run)


def _with_roles_exchanged(
    call: Call, arrays: list[InputArray], bias: InputArray | None
) -> Run | None:
    """The call with x and the kernel in each other's place, where it gives y just so."""
    x, w, y = (
        array if array.name else replace(array, name=role)
        for role, array in zip(("x", "w", "y"), arrays)
    )
    try:
        run = searched(call.function, call.options, [w, x, y], bias, depth=0)
    except (UniconvError, ValueError):
        return None
    sure = run.result.explained and Judge(run.start, run.errors).convincing(run.model)
    return run if sure and not run.changes else None


def _any_function(
    arrays: list[InputArray],
    bias: InputArray | None,
    pointwise: InputArray | None,
    progress: Progress | None,
) -> Diagnosis:
    """Which function gives y, with few options: exactly first, then with one change."""
    # Each function is searched with each guess that says what it requires; what it refuses is
    # passed over.  The best run is kept by ``_rank``, and what gives y exactly is listed besides.
    # As most cost is in changes, all functions are first held against y as they are.
    calls = [
        (op, guess)
        for op in functions().values()
        for guess in GUESSES
        if _has_pointwise(op) == (pointwise is not None) and _takes(op, guess)
    ]
    exact: list[Run] = []
    runs: list[Run] = []
    for depth in (0, 1):
        for n, (op, guess) in enumerate(calls):
            if progress is not None and n % 40 == 0:
                progress(f"{n} of {len(calls)} calls tried")
            try:
                runs.append(searched(op, guess, arrays, bias, pointwise, depth=depth))
            except (UniconvError, ValueError):
                continue
        exact = [run for run in runs if run.result.explained and not run.model.changes]
        if exact or not runs:
            break
        runs = [] if depth == 0 else runs
    if not runs:
        raise UnknownName(
            "no function takes arrays of these shapes with few options: say which call was meant, "
            'as uniconv.Call(x, w, dialect="tf", ...)'
        )
    best = min(runs, key=_rank)
    others = [native_call(run.model, run.options, run.names)[0] for run in exact]
    return _of_best(searched(best.op, best.options, arrays, bias, pointwise, depth=1), others)


def _has_pointwise(op: Op) -> bool:
    """Whether a function takes two kernels."""
    return op.pointwise is not None or op.outer_product is not None


def _rank(run: Run) -> tuple[Any, ...]:
    """What makes one explanation better than another, the weightiest first."""
    result = run.result
    changes, cost = len(run.model.changes), run.model.cost
    return (not result.explained, changes, cost, result.remainder.units, len(run.options))


def _of_best(run: Run, exact: list[str]) -> Diagnosis:
    """The diagnosis of the best run, with the other calls that give y."""
    diagnosis = diagnosis_of(run)
    if diagnosis.causes and diagnosis.explained:
        causes = listed([c.text for c in diagnosis.causes])
        text = f"No function gives y as it is; {diagnosis.function} does where {causes}."
        diagnosis = replace(diagnosis, verdict=text)
    others = [c for c in dict.fromkeys(exact) if c != diagnosis.call]
    if others:
        rest = f" (and {len(others) - 5} more)" if len(others) > 5 else ""
        note = f"these calls give y, too: {'; '.join(others[:5])}{rest}"
        return replace(diagnosis, notes=(*diagnosis.notes, note))
    return diagnosis


def _takes(op: Op, guess: Mapping[str, Any]) -> bool:
    """Whether a guess says what the function needs and nothing that it has not."""
    try:
        options, _ = complete(op, guess)
    except UniconvError:
        return False
    return REQUIRED not in [v for v in options.values() if not isinstance(v, np.ndarray)]

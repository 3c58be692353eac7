"""Other people's tests: cases with the numbers, or the refusal, that their authors expect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from uniconv._native import native
from uniconv.errors import UniconvError
from uniconv.spec.registry import find

__all__ = [
    "OUTCOMES",
    "Array",
    "SuiteCase",
    "Verdict",
    "counted",
    "difference",
    "judge",
    "named_by_position",
    "suite_table",
]

Array = np.ndarray[Any, Any]
OUTCOMES = ("passed", "refused", "wrong", "not modelled")
_ROUNDING = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-12}


@dataclass(frozen=True)
class SuiteCase:
    """One case of a suite.

    function, arguments: the native call, by registry name and native parameter names.
    expected: y, or None where the framework refuses the call.
    unmodelled: why no function here says the call; "" where one does.
    tolerance: the case's own, relative to the largest element; by default a few roundings.
    """

    name: str
    function: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    expected: Array | None = None
    unmodelled: str = ""
    tolerance: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """How a case went: one of OUTCOMES, and why."""

    name: str
    outcome: str
    reason: str = ""


def judge(case: SuiteCase) -> Verdict:
    """Run a case.

    >>> x, w = np.array([1, 2, 3.0]), np.array([1, 10.0])
    >>> call = {"a": x, "v": w, "mode": "valid"}
    >>> judge(SuiteCase("pair", "numpy.convolve", call, np.array([12.0, 23.0])))
    Verdict(name='pair', outcome='passed', reason='')
    >>> judge(SuiteCase("pair", "numpy.convolve", call, np.array([21.0, 32.0]))).reason
    'y differs by up to 9'
    """
    if case.unmodelled:
        return Verdict(case.name, "not modelled", case.unmodelled)
    try:
        y = native(case.function)(**case.arguments)
    except (UniconvError, TypeError) as error:  # of arguments, as of any Python function
        return Verdict(case.name, "passed" if case.expected is None else "refused", str(error))
    except Exception as error:  # no message of ours
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        return Verdict(case.name, "wrong", reason)
    if case.expected is None:
        return Verdict(case.name, "wrong", "computed, but the framework refuses it")
    reason = difference(np.asarray(y), case.expected, case.tolerance)
    return Verdict(case.name, "wrong" if reason else "passed", reason)


def difference(y: Array, expected: Array, tolerance: float = 0.0) -> str:
    """How y is not what was expected; "" where it is, but for rounding."""
    if y.shape != expected.shape:
        return f"y has shape {y.shape}, not {expected.shape}"
    if y.dtype != expected.dtype:
        return f"y is {y.dtype}, not {expected.dtype}"
    if not y.size:
        return ""
    wide = complex if y.dtype.kind == "c" else float
    off = float(np.abs(y.astype(wide) - expected.astype(wide)).max())
    largest = float(np.abs(expected).max())
    bound = (tolerance or _ROUNDING.get(y.dtype.name, 0.0)) * max(largest, 1.0)
    return "" if off <= bound else f"y differs by up to {off:.6g}"


def named_by_position(function: str, inputs: Iterable[Any]) -> dict[str, Any]:
    """Inputs in the order of a function's native parameters -> by name; None for one left out."""
    names = (p.split(":")[-1] for p in find(function).params.split() if p != "*")
    return {name: a for name, a in zip(names, inputs) if a is not None}


def counted(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How many cases went how."""
    counts = Counter(v.outcome for v in verdicts)
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def suite_table(suites: Mapping[str, Iterable[Verdict]]) -> str:
    """A line a suite, then every case that did not pass, with its reason.

    >>> print(suite_table({"pairs": [Verdict("one", "passed"), Verdict("two", "wrong", "no")]}))
    suite  passed  refused  wrong  not modelled
    pairs  1       0        1      0
    <BLANKLINE>
    pairs two: wrong: no
    """
    verdicts_of = {name: list(verdicts) for name, verdicts in suites.items()}
    rows: list[tuple[str, ...]] = [("suite", *OUTCOMES)]
    rows += [
        (name, *map(str, counted(verdicts).values())) for name, verdicts in verdicts_of.items()
    ]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(map(str.ljust, r, widths)).rstrip() for r in rows]
    losses = [
        f"{name} {v.name}: {v.outcome}: {v.reason}"
        for name, verdicts in verdicts_of.items()
        for v in verdicts
        if v.outcome != "passed"
    ]
    return "\n".join([*lines, *([""] if losses else []), *losses])

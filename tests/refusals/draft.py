"""Draft the table of a family: bad calls made from its specs, with what uniconv says of them.

    python -m tests.refusals.draft keras

A call is kept where the running framework refuses it, too; one that it computes goes to stderr, for
somebody to decide who is right.  Read the table before you commit it.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from tests.refusals.bad_call import BadCall, Call
from uniconv.arrays import like
from uniconv.dialect import Op
from uniconv.errors import BadOption, Refused, UniconvError
from uniconv.registry import family
from uniconv.rules import Choice, Count, Crop, Pad, PerAxis
from uniconv.testing.cases import Case, attempt, grid, traits
from uniconv.testing.oracles import has_oracle, oracle, runs

MOST_PER_FUNCTION = 9


def good(op: Op) -> Call:
    """A call of the function that gives something."""
    for case in grid(op, most=60, seed=1):
        call = called(case)
        if (
            case.call.rank == (2 if 2 in op.ranks else op.ranks[0])
            and call.through_uniconv().abs().sum() > 0
        ):
            return call
    raise SystemExit(f"{op.name}: no good call")


def called(case: Case) -> Call:
    dtype = "float32" if "float32" in case.op.dtypes else case.op.dtypes[0]
    shapes = case.x_shape, case.w_shape
    told = {k: v for k, v in case.options.items() if k not in (case.op.addend or ())}
    return Call(case.op.name, told, *shapes, p_shape=case.p_shape, dtypes=(dtype,) * 3)


def bad(op: Op, call: Call) -> Iterator[Call]:
    """The good call with one thing wrong."""

    def given(**options: Any) -> Call:
        return replace(call, options={**call.options, **options})

    yield given(foo=1)
    for name, rule in op.rules.items():
        names = op.gathered[name].names if name in op.gathered else (name,)
        values: tuple[Any, ...] = ()
        if isinstance(rule, PerAxis):
            values = (rule.least - 1, [1] * 7, "2", 1.5, [rule.least - 1] * (len(call.w_shape) - 2))
        elif isinstance(rule, Choice):
            values = ("foo", 7)
        elif isinstance(rule, Count):
            values = (0, 7, -1)
        elif isinstance(rule, (Pad, Crop)):
            values = ("foo", -1, [1] * 9, [[1, 1]] * 9, 1.5)
        if name in op.gathered and values:
            values = tuple(v for v in values if not isinstance(v, list))
        for value in values:
            yield given(**{names[0]: value})
    x, w = call.x_shape, call.w_shape
    yield replace(call, x_shape=x[1:])
    yield replace(call, x_shape=(*x, 2))
    yield replace(call, w_shape=w[1:])
    yield replace(call, w_shape=(*w, 1, 1))
    for axis in range(len(w)):
        yield replace(call, w_shape=(*w[:axis], w[axis] + 1, *w[axis + 1 :]))
        yield replace(call, w_shape=(*w[:axis], 0, *w[axis + 1 :]))
        yield replace(call, w_shape=(*w[:axis], w[axis] + 40, *w[axis + 1 :]))
    for axis in range(len(x)):
        yield replace(call, x_shape=(*x[:axis], x[axis] + 1, *x[axis + 1 :]))
        yield replace(call, x_shape=(*x[:axis], 0, *x[axis + 1 :]))
    yield replace(call, bias_shape=(97,))
    if not op.mixed:
        yield replace(call, dtypes=("float32", "float64", "float32"))
        yield replace(call, dtypes=("bool", "bool", "bool"))
    rng, choices, seen = random.Random(op.name), traits(op), Counter[str]()
    for _ in range(600):  # what is valid alone but not together
        case = attempt(op, {n: rng.choice(k) for n, k in choices.items()}, rng, refused=True)
        if case is None:
            continue
        try:
            case.call  # noqa: B018
        except Refused as error:
            reason = str(error).rpartition(": ")[2]
            seen[reason] += 1
            if seen[reason] <= 1:
                yield called(case)
        except UniconvError:
            continue


def refused_by_uniconv(call: Call) -> BadCall | None:
    """The call with uniconv's answer; None where it computes."""
    try:
        call.through_uniconv()
    except UniconvError as error:
        fields = {n: getattr(call, n) for n in call.__dataclass_fields__}
        return BadCall(**fields, error=type(error), message=str(error))
    return None


def kind_of(call: BadCall) -> tuple[Any, str]:
    """What the call is refused for: the option, or the end of the message."""
    text = call.message
    return call.error, text.split("=")[0][:60] if call.error is BadOption else text[-40:]


def refuses(call: Call) -> bool:
    """Whether the framework refuses a call."""
    given = {r: None if a is None else like(a, np.zeros(0)) for r, a in call.arrays().items()}
    try:
        oracle(call.function)(call, given["x"], given["w"], given["bias"], given["p"])
    except Exception:  # each framework has its own
        return True
    return False


WORKER: list[ProcessPoolExecutor] = []


def ask(call: Call) -> bool:
    """The same in another process, since some calls crash the framework: no refusal."""
    if not WORKER:
        WORKER.append(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
    try:
        return WORKER[0].submit(refuses, call).result(60)
    except (BrokenProcessPool, TimeoutError):
        WORKER.pop().shutdown(wait=False, cancel_futures=True)
        return False


def text_of(call: Call) -> str:
    """The call as Python."""
    shown = [repr(call.function), repr(dict(call.options)), repr(call.x_shape), repr(call.w_shape)]
    if isinstance(call, BadCall):
        shown += [call.error.__name__, repr(call.message)]
    defaults = {"p_shape": None, "bias_shape": None, "dtypes": ("float32",) * 3, "live": True}
    for name, default in defaults.items():
        if getattr(call, name, default) != default:
            shown.append(f"{name}={getattr(call, name)!r}")
    return f"{type(call).__name__}({', '.join(shown)}),"


def main(name: str) -> None:
    dialect = family(name)
    assert dialect is not None
    live = has_oracle(name)
    if live and not runs(name):
        raise SystemExit(f"{name} does not run here")
    well, badly = [], []
    for op in dialect.functions:
        call = good(op)
        well.append(text_of(call))
        kinds: Counter[Any] = Counter()
        for candidate in bad(op, call):
            told = refused_by_uniconv(candidate)
            if told is None or kinds[kind_of(told)] or len(kinds) > MOST_PER_FUNCTION:
                continue
            if not live:
                told = replace(told, live="it cannot run here")
            elif not ask(candidate):
                print(f"computed: {text_of(told)}", file=sys.stderr)
                continue
            kinds[kind_of(told)] += 1
            badly.append(text_of(told))
    errors = sorted(
        {e for e in ("BadArray", "BadOption", "BadShape", "Refused") if e in str(badly)}
    )
    lines = [
        f'"""Calls that {dialect.title} {dialect.version} takes and refuses; made by draft.py."""',
        "",
        "from tests.refusals.bad_call import BadCall, Call",
        f"from uniconv.errors import {', '.join(errors)}",
        *("", "GOOD = [", *well, "]", "", "BAD = [", *badly, "]", ""),
    ]
    file = Path(__file__).parent / f"{name}.py"
    file.write_text("\n".join(lines))
    print(f"{file.name}: {len(well)} good calls, {len(badly)} bad ones; now run ruff format on it")


if __name__ == "__main__":
    main(sys.argv[1])

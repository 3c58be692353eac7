"""Every refusal that a spec holds, asked of the framework that it cites.

A refusal is a claim: "the framework does not take this, or computes it wrongly".  For each one a
small call of that kind is made from the spec, and the framework, where it runs here, must refuse
the call, or give other numbers than the meaning of its options (which uniconv computes where the
refusal is taken out of the spec).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest

from uniconv._calls.plan import plan
from uniconv._canonical.arrays import like, to_torch
from uniconv.conformance.bad_calls import TrialCall, called, well_called
from uniconv.conformance.compare import ASK_FOR
from uniconv.conformance.oracles import CannotRun, oracle, runs
from uniconv.errors import Refused, UniconvError
from uniconv.spec.op import Op
from uniconv.spec.refusals import Refusal
from uniconv.spec.registry import find, functions
from uniconv.testing.cases import attempt, traits

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore")]

DRAWS, MOST = 1000, 4

CLAIMS = [
    (name, refusal.when.__name__)
    for name in functions()
    if runs(find(name).family)
    for refusal in find(name).refusals
]


def small_calls(op: Op, refusal: Refusal) -> list[tuple[TrialCall, Op | None]]:
    """A few calls for which this refusal holds, with the function as it is without the refusal.

    Best are calls that nothing else stands against.  Where there are none, as where a result
    without pixels is refused anyway, the function is None: there is no other y to compare with.
    """
    alone = replace(op, refusals=(refusal,))
    without = replace(op, refusals=tuple(r for r in op.refusals if r is not refusal))
    rng, choices = random.Random(f"{op.name} {refusal.reason}"), traits(op)
    clear: list[tuple[TrialCall, Op | None]] = []
    others: list[tuple[TrialCall, Op | None]] = []
    for _ in range(DRAWS):
        if len(clear) == MOST:
            break
        case = attempt(alone, {n: rng.choice(k) for n, k in choices.items()}, rng, refused=True)
        if case is None:
            continue
        shapes = [s for s in (case.x_shape, case.w_shape, case.pointwise_shape) if s is not None]
        try:
            plan(alone, case.options, *shapes)
        except Refused:
            pass
        except UniconvError:
            continue
        else:
            continue
        call = called(replace(case, op=op))
        try:
            plan(without, case.options, *shapes)
        except UniconvError:
            others.append((call, None))
        else:
            clear.append((call, without))
    return clear or others[:MOST]


def answer(call: TrialCall) -> np.ndarray | None:
    """y of the framework; None where it refuses.

    Raises:
        CannotRun: this machine's framework lacks what would tell.
    """
    arrays = {r: None if a is None else like(a, np.zeros(0)) for r, a in call.arrays().items()}
    x, w, p = (arrays[role] for role in ("x", "w", "p"))
    assert x is not None
    assert w is not None
    run = oracle(call.function)
    try:
        return run(call, x, w, None, p)
    except CannotRun:
        raise
    except Exception:  # each framework has its own
        return None


@pytest.fixture(scope="module")
def ask() -> Iterator[Callable[[TrialCall], np.ndarray | None]]:
    """The framework of a call, in a process for each family: not all can be loaded into one."""
    workers: dict[str, ProcessPoolExecutor] = {}

    def from_a_process(call: TrialCall) -> np.ndarray | None:
        family = find(call.function).family
        for other in {*workers} - {family}:
            workers.pop(other).shutdown()
        if family not in workers:
            workers[family] = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        try:
            return workers[family].submit(answer, call).result(ASK_FOR)
        except BrokenProcessPool:  # it crashed, as ncnn where it reads other memory
            workers.pop(family).shutdown()
            return None

    yield from_a_process
    for worker in workers.values():
        worker.shutdown()


def meant(call: TrialCall, without: Op) -> np.ndarray:
    """What the options mean, refusal or not."""
    shapes = [s for s in (call.x_shape, call.w_shape, call.pointwise_shape) if s is not None]
    arrays = [to_torch(a, "cpu") for a in call.arrays().values() if a is not None]
    x, w, *p = arrays
    return like(plan(without, call.options, *shapes)(x, w, None, *p), np.zeros(0))


@pytest.mark.parametrize(("name", "when"), CLAIMS)
def test_the_framework_refuses_what_the_refusal_says(
    name: str, when: str, ask: Callable[[TrialCall], np.ndarray | None]
) -> None:
    op = find(name)
    refusal = next(r for r in op.refusals if r.when.__name__ == when)
    calls = small_calls(op, refusal)
    if not calls:
        pytest.skip("it never holds for so few axes: another function's spec is shared")
    assert ask(well_called(op)) is not None  # so that what follows is no fault of its own
    same: list[TrialCall] = []
    with suppress(CannotRun):
        for call, without in calls:
            theirs = ask(call)
            if theirs is not None and (
                without is None or np.array_equal(meant(call, without), theirs)
            ):
                same.append(call)
    # What is computed wrongly may come out right for some sizes.
    allowed = len(calls) - 1 if "wrong" in refusal.reason or "memory" in refusal.reason else 0
    assert len(same) <= allowed, f"{[*map(repr, same)]}: {refusal.reason}"

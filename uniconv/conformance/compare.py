"""Conformance: every call of a function's grid by uniconv and by the running framework."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch

from uniconv import _functional as functional
from uniconv._canonical.arrays import like, to_torch
from uniconv._native import native
from uniconv.conformance.bad_calls import TrialCall, kind_of, refused_calls
from uniconv.conformance.oracles import (
    Array,
    CannotRun,
    Oracle,
    differentiable,
    oracle,
    runs,
    versions,
)
from uniconv.errors import UnknownName
from uniconv.spec.op import Op
from uniconv.spec.registry import find, framework, framework_of, frameworks
from uniconv.testing.assertions import rounding_in_bounds
from uniconv.testing.cases import Case, asymmetric, grid, probe, random_case

__all__ = [
    "ASK_FOR",
    "BIAS_EVERY",
    "FLOATS_EVERY",
    "GRADIENTS_EVERY",
    "Asked",
    "Comparison",
    "Record",
    "cases",
    "check_dialect",
    "conformance",
    "installed",
    "refuses",
    "refuses_elsewhere",
    "usual",
]

GRADIENTS_EVERY = 4  # calls
FLOATS_EVERY = 5
BIAS_EVERY = 3
ASK_FOR = 120  # seconds, before a refusal is given up
Asked = Callable[[TrialCall], bool]


@dataclass
class Record:
    """What comparing one function found.

    cases, gradients: how many calls were compared, and how many with gradients.
    mismatches: the calls that differ, with how; uncomputed: what nothing installed computes.
    rounding: the framework's largest distance from the exact result of ordinary float32 numbers, in
    units of the rounding bound.
    refused: calls that uniconv refuses; computed: those of them that the framework computes.
    """

    function: str
    version: str = ""
    cases: int = 0
    gradients: int = 0
    mismatches: list[str] = field(default_factory=list)
    uncomputed: int = 0
    without_gradients: int = 0
    rounding: float = 0.0
    refused: int = 0
    computed: list[str] = field(default_factory=list)


class Comparison:
    """Calls of one function, each made by the framework and by uniconv's two entrances."""

    def __init__(self, op: Op, run: Oracle | None = None) -> None:
        self.op, self.oracle, self.native = op, run or oracle(op.name), native(op.name)
        self.public = getattr(functional, op.kind)
        self.record = Record(op.name)

    def values(self, cases: Iterator[Case], *, gradients: bool = False) -> None:
        """Compare integer probes exactly, now and then with bias, gradients and ordinary floats."""
        dtype = usual(self.op)
        for i, case in enumerate(cases):
            biased = self.op.array_names("bias") and i % BIAS_EVERY == 1
            bias = asymmetric((case.call.o,), np.random.default_rng(i)) if biased else None
            arrays = probe(case, seed=i, dtype=dtype)
            slopes = gradients and i % GRADIENTS_EVERY == 0
            self.compare(case, *arrays, bias=bias, gradients=slopes)
            if dtype == "float32" and i % FLOATS_EVERY == 0:
                self.round_off(case, i)

    def compare(
        self,
        case: Case,
        *arrays: Array,
        bias: Array | None = None,
        gradients: bool = False,
    ) -> None:
        """Values, shapes and dtypes of y, dx and dw; a difference is written down.

        Outputs without elements have no gradients to compare.
        """
        gradients = gradients and 0 not in case.call.output
        x, w, *p = arrays
        if gradients:
            dy = asymmetric(case.call.output, np.random.default_rng(1), x.dtype.name)
            try:
                _, *slopes = self.oracle.gradients(case, x, w, dy, *p)
                if [a.shape for a in slopes] != [x.shape, w.shape]:
                    raise ValueError("a gradient of another shape")
            except Exception:  # as MLX's own for some kernels of three axes
                gradients = False
                self.record.without_gradients += 1
        theirs = self.ask(case, x, w, bias, *p)
        if theirs is None:
            return
        keywords = {} if bias is None else {"bias": bias}
        names = [self.op.array_names(role)[0] for role in ("x", "w", "p")[: len(arrays)]]
        own = {self.op.array_names("bias")[0]: bias for _ in keywords}
        ours = self.public(*arrays, dialect=self.op.name, **keywords, **case.options)
        self.same(case, "y", ours, theirs)
        ours = self.native(**dict(zip(names, arrays)), **own, **case.options)
        self.same(case, "y of native()", ours, theirs)
        if theirs.shape != case.call.output:
            self.differ(case, f"the framework's shape is {theirs.shape}, not {case.call.output}")
        if gradients:
            self.record.gradients += 1
            for name, mine, other in zip(("dx", "dw"), self.slopes(case, arrays, dy), slopes):
                self.same(case, name, mine, other)

    def ask(self, case: Case, *arrays: Array | None) -> Array | None:
        """The framework's y, counted as a case; None where there is nothing to compare."""
        try:
            theirs = self.oracle(case, *arrays)  # type: ignore[arg-type]
        except CannotRun:
            self.record.uncomputed += 1
            return None
        except Exception as error:
            if 0 in case.call.output and re.search(r"Negative dimension|non-negative", str(error)):
                # TensorFlow's kernels keep this empty output, but where XLA or BatchToSpace must
                # answer for them it is refused: there is nothing to compare.
                return None
            self.record.cases += 1
            self.differ(case, f"uniconv computes it, the framework: {type(error).__name__} {error}")
            return None
        self.record.cases += 1
        return theirs

    def round_off(self, case: Case, seed: int) -> None:
        """How far the framework rounds ordinary numbers, where it computes them."""
        rng = np.random.default_rng(seed)
        shapes = (case.x_shape, case.w_shape, case.pointwise_shape)
        arrays = [rng.standard_normal(s).astype("float32") for s in shapes if s is not None]
        x, w, *p = arrays
        try:
            theirs = self.oracle(case, x, w, None, *p)
        except Exception:  # counted as a difference where the probe was compared
            return
        if theirs.shape == case.call.output and theirs.size:
            rounding = rounding_in_bounds(case.call, tuple(arrays), theirs)
            self.record.rounding = max(self.record.rounding, rounding)

    def slopes(self, case: Case, arrays: tuple[Array, ...], dy: Array) -> list[Array]:
        """uniconv's gradients of sum(dy * y) by x and w."""
        tensors = [to_torch(a, "cpu") for a in arrays]
        leaves = [a.requires_grad_() for a in tensors[:2]]
        y = self.public(*tensors, dialect=self.op.name, **case.options)
        gradients = torch.autograd.grad(y, leaves, to_torch(dy, "cpu"))
        return [like(a, arrays[0]) for a in gradients]

    def same(self, case: Case, what: str, ours: Array, theirs: Array) -> None:
        if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
            is_, was = f"{ours.dtype}{ours.shape}", f"{theirs.dtype}{theirs.shape}"
            self.differ(case, f"{what} is {is_}, the framework's {was}")
        elif not np.array_equal(ours, theirs):
            wide = np.abs(ours.astype(complex) - theirs.astype(complex))
            self.differ(case, f"{what} differs by up to {wide.max()}")

    def differ(self, case: Case, how: str) -> None:
        self.record.mismatches.append(f"{case}: {how}")

    def refusals(self, refuses: Asked) -> None:
        """What uniconv refuses, once for each reason, and whether the framework refuses it too."""
        kinds: Counter[Any] = Counter()
        for call, error in refused_calls(self.op):
            if kinds[kind_of(error)]:
                continue
            kinds[kind_of(error)] += 1
            self.record.refused += 1
            if not refuses(call):
                self.record.computed.append(f"{call}: {error}")


def usual(op: Op) -> str:
    """The dtype in which most calls are compared."""
    return "float32" if "float32" in op.dtypes else op.dtypes[0]


def cases(op: Op, count: int) -> Iterator[Case]:
    """A systematic grid of calls, then random ones."""
    systematic = list(grid(op, count * 3 // 5))
    yield from systematic
    rng = random.Random(f"live {op.name}")
    for _ in range(count - len(systematic)):
        yield random_case(op, rng)


def conformance(op: Op | str, count: int | None = None) -> Record:
    """Compare a function with the running framework on about ``count`` calls.

    Args:
        op: the function, or its registry name.
        count: how many calls, 3 in 5 of a systematic grid, the others at random; None for as many
            as the function's pairs of traits need (``Framework.cases``).

    Raises:
        UnknownName: there is no such function, or its framework does not run in Python.
        ImportError: its framework is not installed.

    >>> record = conformance("numpy.correlate", 40)
    >>> record.cases, record.mismatches
    (40, [])
    """
    op = find(op) if isinstance(op, str) else op
    comparison = Comparison(op)
    name = op.family
    if not runs(name):
        raise ImportError(f"{op.name}: its framework, {op.title}, is not installed")
    comparison.record.version = ", ".join(f"{k} {v}" for k, v in versions(name).items())
    count = framework_of(op).cases if count is None else count
    comparison.values(cases(op, count), gradients=differentiable(name))
    comparison.refusals(refuses_elsewhere)
    return comparison.record


def installed(names: Sequence[str] | None = None) -> list[Op]:
    """The functions of these families and names, or of all whose framework runs here.

    >>> [op.name for op in installed(["numpy", "numpy.convolve"])]
    ['numpy.convolve', 'numpy.correlate']
    """
    if names is None:
        return [op for name, d in frameworks().items() if runs(name) for op in d.functions]
    functions: dict[str, Op] = {}
    for name in map(str.strip, names):
        known = framework(name)
        ops = known.functions if known else (find(name),)
        if not runs(ops[0].family):
            raise UnknownName(f"{name}: its framework is not installed, or runs outside Python")
        functions |= {op.name: op for op in ops}
    return list(functions.values())


def check_dialect(
    dialect: Op | str, oracle: Callable[..., Any] | None = None, *, count: int = 200
) -> Record:
    """Prove a dialect: its function against the framework's own, on a grid made from the spec.

    Args:
        dialect: the function's name, or the function itself.
        oracle: the framework's own function, called as oracle(x, w, **options) on NumPy arrays,
            with the pointwise kernel third in a separable convolution and ``bias=`` where the spec
            has one; None for the oracle that uniconv has.
        count: how many calls, 3 in 5 of a systematic grid, the others at random.

    Returns:
        The record: how many calls were compared, how far the oracle rounds, and under
        ``computed`` the calls that uniconv refuses and the oracle computes.

    Raises:
        AssertionError: calls differ; it lists them.
        UnknownName: there is no such function.

    >>> record = check_dialect("numpy.convolve", lambda x, w, mode="full": np.convolve(x, w, mode))
    >>> record.cases, record.mismatches
    (200, [])
    >>> check_dialect("numpy.convolve", lambda x, w, mode="full": np.correlate(x, w, mode))
    Traceback (most recent call last):
        ...
    AssertionError: numpy.convolve: 200 calls, ... differ
    numpy.convolve(x (...,), w (...,)...): y differs by up to ...
    """
    op = find(dialect) if isinstance(dialect, str) else dialect
    run = None if oracle is None else Oracle(op.name, _by_role(op, oracle))
    comparison = Comparison(op, run)
    comparison.values(cases(op, count))
    comparison.refusals(lambda call: refuses(call, comparison.oracle))
    record = comparison.record
    if record.mismatches:
        shown = "\n".join(record.mismatches[:20])
        raise AssertionError(
            f"{op.name}: {record.cases} calls, {len(record.mismatches)} differ\n{shown}"
        )
    return record


def _by_role(op: Op, function: Callable[..., Any]) -> Callable[..., list[Array]]:
    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        positional = [arrays[role] for role in ("x", "w", "p") if role in arrays]
        bias = {"bias": arrays["bias"]} if "bias" in arrays else {}
        return [np.asarray(function(*positional, **bias, **options))]

    return call


def refuses(call: TrialCall, run: Oracle | None = None) -> bool:
    """Whether the framework refuses a call."""
    arrays = {r: None if a is None else like(a, np.zeros(0)) for r, a in call.arrays().items()}
    run = run or oracle(call.function)
    try:
        run(call, arrays["x"], arrays["w"], arrays["bias"], arrays["p"])  # type: ignore[arg-type]
    except Exception:  # each framework has its own
        return True
    return False


_WORKER: list[ProcessPoolExecutor] = []


def refuses_elsewhere(call: TrialCall) -> bool:
    """The same in another process, since some calls crash the framework: no refusal."""
    if not _WORKER:
        _WORKER.append(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
    try:
        return _WORKER[0].submit(refuses, call).result(ASK_FOR)
    except (BrokenProcessPool, TimeoutError):
        _WORKER.pop().shutdown(wait=False, cancel_futures=True)
        return False

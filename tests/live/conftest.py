"""Comparing uniconv with the frameworks that run beside it, and telling how much was compared."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
import torch

import uniconv
from uniconv.arrays import like, to_torch
from uniconv.dialect import Op
from uniconv.testing.cases import Case, asymmetric, grid, random_case
from uniconv.testing.oracles import CannotRun, family_of, oracle, versions

COMPARED: dict[str, Counter[str]] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "live" in item.path.parts:
            item.add_marker("live")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if COMPARED:
        terminalreporter.section("compared with the running frameworks")
        for family, count in COMPARED.items():
            told = ", ".join(f"{name} {version}" for name, version in versions(family).items())
            terminalreporter.line(
                f"{family} ({told}): {count['calls']} calls, {count['gradients']} with gradients, "
                f"{count['mismatches']} mismatches"
                + ", ".join(f"; {n} {what}" for what, n in count.items() if " " in what)
            )


class Comparison:
    """Calls of one function, each made by the framework and by uniconv's two entrances."""

    def __init__(self, op: Op) -> None:
        self.op, self.oracle, self.native = op, oracle(op.name), uniconv.native(op.name)
        self.public = getattr(uniconv, op.kind)
        self.count = COMPARED.setdefault(family_of(op), Counter())
        self.mismatches: list[str] = []

    def cases(self, from_grid: int, at_random: int, rank: int | None = None) -> Iterator[Case]:
        """A systematic grid of calls, then random ones."""
        if from_grid:
            yield from grid(self.op, from_grid)
        rng = random.Random(f"live {self.op.name}")
        for _ in range(at_random):
            yield random_case(self.op, rng, rank)

    def compare(
        self,
        case: Case,
        *arrays: np.ndarray,
        bias: np.ndarray | None = None,
        gradients: bool = False,
    ) -> None:
        """Values, shapes and dtypes of y, dx and dw; a difference is written down.

        Outputs without elements have no gradients to compare.
        """
        gradients = gradients and 0 not in case.call.output
        x, w, *p = arrays
        given = {} if bias is None else {"bias": bias}
        self.count["calls"] += 1
        if gradients:
            dy = asymmetric(case.call.output, np.random.default_rng(1), x.dtype.name)
            try:
                _, *slopes = self.oracle.gradients(case, x, w, dy, *p)
                if [a.shape for a in slopes] != [x.shape, w.shape]:
                    raise ValueError("a gradient of another shape")
            except Exception:  # as MLX's own for some kernels of three axes
                gradients = False
                self.count["gradients that the framework fails at"] += 1
        try:
            theirs = self.oracle(case, x, w, bias, *p)
        except CannotRun:
            self.count["calls"] -= 1
            self.count["calls that nothing installed computes"] += 1
            return
        except Exception as error:
            if 0 in case.call.output and re.search(r"Negative dimension|non-negative", str(error)):
                # TensorFlow's kernels keep this empty output, but where XLA or BatchToSpace must
                # answer for them it is refused: there is nothing to compare.
                self.count["calls"] -= 1
                return
            self.differ(case, f"uniconv computes it, the framework: {type(error).__name__} {error}")
            return
        names = [self.op.array_names(role)[0] for role in ("x", "w", "p")[: len(arrays)]]
        own = {self.op.array_names("bias")[0]: bias for _ in given}
        ours = self.public(*arrays, dialect=self.op.name, **given, **case.options)
        self.same(case, "y", ours, theirs)
        ours = self.native(**dict(zip(names, arrays)), **own, **case.options)
        self.same(case, "y of native()", ours, theirs)
        if theirs.shape != case.call.output:
            self.differ(case, f"the framework's shape is {theirs.shape}, not {case.call.output}")
        if gradients:
            self.count["gradients"] += 1
            for name, mine, other in zip(("dx", "dw"), self.slopes(case, arrays, dy), slopes):
                self.same(case, name, mine, other)

    def slopes(
        self, case: Case, arrays: tuple[np.ndarray, ...], dy: np.ndarray
    ) -> list[np.ndarray]:
        """uniconv's gradients of sum(dy * y) by x and w."""
        tensors = [to_torch(a, "cpu") for a in arrays]
        leaves = [a.requires_grad_() for a in tensors[:2]]
        y = self.public(*tensors, dialect=self.op.name, **case.options)
        found = torch.autograd.grad(y, leaves, to_torch(dy, "cpu"))
        return [like(a, arrays[0]) for a in found]

    def same(self, case: Case, what: str, ours: np.ndarray, theirs: np.ndarray) -> None:
        if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
            is_, was = f"{ours.dtype}{ours.shape}", f"{theirs.dtype}{theirs.shape}"
            self.differ(case, f"{what} is {is_}, the framework's {was}")
        elif not np.array_equal(ours, theirs):
            wide = np.abs(ours.astype(complex) - theirs.astype(complex))
            self.differ(case, f"{what} differs by up to {wide.max()}")

    def differ(self, case: Case, how: str) -> None:
        self.count["mismatches"] += 1
        self.mismatches.append(f"{case}: {how}")

    def settle(self) -> None:
        """Fail with every difference found."""
        assert not self.mismatches, "\n" + "\n".join(self.mismatches)

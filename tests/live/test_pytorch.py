"""Every PyTorch function and module of the registry against PyTorch itself: 0 mismatches."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.live.conftest import Comparison
from uniconv.registry import family
from uniconv.testing.cases import asymmetric, probe

PYTORCH = family("pytorch")
assert PYTORCH is not None
OPS = {op.name: op for op in PYTORCH.functions}


@pytest.mark.parametrize("name", OPS)
def test_values_and_gradients(name: str) -> None:
    comparison = Comparison(OPS[name])
    for i, case in enumerate(comparison.cases(from_grid=90, at_random=50)):
        rng = np.random.default_rng(i)
        bias = asymmetric((case.call.sizes.o,), rng) if i % 3 == 1 else None
        comparison.compare(case, *probe(case, seed=i), bias=bias, gradients=i % 3 == 0)
    comparison.settle()


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(op.name, d) for op in OPS.values() for d in op.dtypes if d != "float32"],
)
def test_other_dtypes(name: str, dtype: str) -> None:
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    comparison = Comparison(OPS[name])
    for i, case in enumerate(comparison.cases(from_grid=0, at_random=3)):
        differentiable = dtype in ("float64", "complex64", "complex128")
        comparison.compare(case, *probe(case, seed=i, dtype=dtype), gradients=differentiable)
    comparison.settle()


def test_a_difference_is_seen() -> None:
    comparison = Comparison(OPS["torch.nn.functional.conv2d"])
    right, comparison.count = comparison.oracle, Counter()
    comparison.oracle = lambda case, x, w, *rest: right(case, x, np.flip(w, -1).copy(), *rest)
    (case,) = comparison.cases(from_grid=0, at_random=1)
    comparison.compare(case, *probe(case))
    with pytest.raises(AssertionError, match=r"y differs by up to"):
        comparison.settle()
    assert comparison.count == {"calls": 1, "mismatches": 2}

"""Every function whose framework runs here against that framework: 0 mismatches."""

from __future__ import annotations

import importlib.util
from collections import Counter

import numpy as np
import pytest

from tests.live.conftest import Comparison
from tests.live.counts import OTHERWISE, PER_FUNCTION
from uniconv.dialect import Op
from uniconv.registry import families, find
from uniconv.testing.cases import asymmetric, probe
from uniconv.testing.oracles import differentiable, runs

HERE = {name: dialect for name, dialect in families().items() if runs(name)}


def usual(op: Op) -> str:
    """The dtype in which most calls are compared."""
    return "float32" if "float32" in op.dtypes else op.dtypes[0]


OPS = {op.name: (name, op) for name, dialect in HERE.items() for op in dialect.functions}
DTYPES = [(name, d) for name, (_, op) in OPS.items() for d in op.dtypes if d != usual(op)]


@pytest.mark.parametrize("name", OPS)
def test_values_and_gradients(name: str) -> None:
    family, op = OPS[name]
    slopes = differentiable(family)
    from_grid, at_random = PER_FUNCTION.get(family, OTHERWISE)
    comparison = Comparison(op)
    for i, case in enumerate(comparison.cases(from_grid, at_random)):
        rng = np.random.default_rng(i)
        biased = op.array_names("bias") and i % 3 == 1
        bias = asymmetric((case.call.o,), rng) if biased else None
        arrays = probe(case, seed=i, dtype=usual(op))
        comparison.compare(case, *arrays, bias=bias, gradients=slopes and i % 4 == 0)
    comparison.settle()


@pytest.mark.parametrize(("name", "dtype"), DTYPES)
def test_other_dtypes(name: str, dtype: str) -> None:
    if dtype == "bfloat16" and importlib.util.find_spec("ml_dtypes") is None:
        pytest.skip("NumPy has bfloat16 with ml_dtypes only")
    family, op = OPS[name]
    exact = dtype in ("float64", "complex64", "complex128")
    comparison = Comparison(op)
    for i, case in enumerate(comparison.cases(from_grid=0, at_random=3)):
        if dtype not in op.dtypes_of(case.call.rank):
            continue
        arrays = probe(case, seed=i, dtype=dtype)
        if dtype == "bfloat16":  # sums below 2**8, where no sum is rounded, in whatever order
            arrays = tuple(np.sign(a) for a in arrays)
        comparison.compare(case, *arrays, gradients=exact and differentiable(family))
    comparison.settle()


def test_a_difference_is_seen() -> None:
    comparison = Comparison(find("torch.nn.functional.conv2d"))
    right, comparison.count = comparison.oracle, Counter()
    comparison.oracle = lambda case, x, w, *rest: right(case, x, np.flip(w, -1).copy(), *rest)
    (case,) = comparison.cases(from_grid=0, at_random=1)
    comparison.compare(case, *probe(case))
    with pytest.raises(AssertionError, match=r"y differs by up to"):
        comparison.settle()
    assert comparison.count == {"calls": 1, "mismatches": 2}

"""Every TensorFlow function of the registry against the installed TensorFlow: 0 mismatches."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from tests.live.conftest import Comparison
from uniconv.registry import family
from uniconv.testing.cases import probe

if importlib.util.find_spec("tensorflow") is None:
    pytest.skip("TensorFlow is not installed", allow_module_level=True)

TF = family("tf")
assert TF is not None
OPS = {op.name: op for op in TF.functions}


@pytest.mark.parametrize("name", OPS)
def test_values_and_gradients(name: str) -> None:
    comparison = Comparison(OPS[name])
    for i, case in enumerate(comparison.cases(from_grid=60, at_random=36)):
        comparison.compare(case, *probe(case, seed=i), gradients=i % 4 == 0)
    comparison.settle()


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(op.name, d) for op in OPS.values() for d in op.dtypes if d != "float32"],
)
def test_other_dtypes(name: str, dtype: str) -> None:
    comparison = Comparison(OPS[name])
    # TensorFlow has int32 for one and two axes, and for three not: uniconv's specs do not say so.
    rank = 2 if dtype == "int32" and len(OPS[name].ranks) > 1 else None
    for i, case in enumerate(comparison.cases(from_grid=0, at_random=3, rank=rank)):
        arrays = probe(case, seed=i, dtype=dtype)
        if dtype == "bfloat16":  # sums below 2**8, where no sum is rounded, in whatever order
            arrays = tuple(np.sign(a) for a in arrays)
        comparison.compare(case, *arrays, gradients=dtype == "float64")
    comparison.settle()

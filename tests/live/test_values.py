"""Every function whose framework runs here against that framework: 0 mismatches."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from itertools import chain, product
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.live.conftest import RECORDS
from uniconv._calls.promotion import check_dtypes
from uniconv.conformance.compare import Comparison, conformance, usual
from uniconv.conformance.oracles import differentiable, runs
from uniconv.errors import BadArray
from uniconv.spec.op import NUMPY_INTEGERS, Op
from uniconv.spec.registry import find, frameworks
from uniconv.testing.cases import probe, random_case

HERE = {name: dialect for name, dialect in frameworks().items() if runs(name)}
OPS = {op.name: (name, op) for name, dialect in HERE.items() for op in dialect.functions}
DTYPES = [
    (name, d)
    for name, (_, op) in OPS.items()
    for d in (*op.dtypes, *op.vector_dtypes)
    if d != usual(op)
]
WRITTEN = Path(__file__).parents[2] / ".conformance"  # docs/make_conformance.py reads it


@pytest.mark.parametrize("name", OPS)
def test_values_gradients_and_refusals(name: str) -> None:
    record = conformance(name)
    RECORDS.append(record)
    WRITTEN.mkdir(exist_ok=True)
    (WRITTEN / f"{name}.json").write_text(json.dumps(asdict(record), indent=1))
    assert not record.mismatches, "\n" + "\n".join(record.mismatches)


@pytest.mark.parametrize(("name", "dtype"), DTYPES)
def test_other_dtypes(name: str, dtype: str) -> None:
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")  # without it NumPy has no bfloat16
    family, op = OPS[name]
    exact = dtype in ("float64", "complex64", "complex128")
    comparison, rng = Comparison(op), random.Random(f"live {name}")
    for i in range(3):
        vectors = dtype in op.vector_dtypes
        case = random_case(op, rng, rank=1 if vectors else None)
        if dtype not in op.dtypes_of(case.call.rank):
            continue
        if vectors and (case.options.get("mode") == "same" or case.options.get("method") == "fft"):
            continue  # which is not NumPy's convolve
        if dtype.startswith("u") and case.call.conv.fill < 0:
            continue  # refused by both
        arrays = probe(case, seed=i, dtype=dtype)
        if dtype == "bfloat16":  # sums below 2**8, where no sum is rounded, in whatever order
            # NumPy gives a scalar for an array without axes.
            arrays = tuple(np.asarray(np.sign(a)) for a in arrays)
        comparison.compare(case, *arrays, gradients=exact and differentiable(family))
    RECORDS.append(comparison.record)
    assert not comparison.record.mismatches, "\n" + "\n".join(comparison.record.mismatches)


PROMOTING = (True, "numpy", "x", "fft")
MIXED = [name for name, (_, op) in OPS.items() if op.mixed_dtypes in PROMOTING]
MOST_PAIRS = 120


# scipy.signal converts memory that it has not written, of float32 beside int64.
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
@pytest.mark.parametrize("name", MIXED)
def test_mixed_dtypes(name: str) -> None:
    """Pairs of dtypes, and y of the dtype that the framework gives, or refused by both."""
    _, op = OPS[name]
    comparison, rng = Comparison(op), random.Random(f"mixed {name}")
    dtypes = {*op.dtypes, *op.vector_dtypes, *chain(*op.converted.values())} - {"bfloat16"}
    pairs = list(product(sorted(dtypes), repeat=2))
    refuses_pairs = not op.vector_dtypes  # SciPy has them by FFT where it takes that
    for i, pair in enumerate(rng.sample(pairs, min(MOST_PAIRS, len(pairs)))):
        case = random_case(op, rng)
        fill = case.options.get("fillvalue", 0)
        if fill < 0 and any(d.startswith("u") for d in pair):
            continue  # refused by both
        if op.mixed_dtypes == "x" and pair[0] in NUMPY_INTEGERS and pair[1] not in NUMPY_INTEGERS:
            continue  # the framework cuts fractions off
        x, w = (probe(case, seed=i, dtype=d)[at] for at, d in enumerate(pair))
        exchanged = op.longer_first and w.size > x.size
        if is_taken(op, case.call.rank, *pair, exchanged=exchanged):
            if not {"bool", "float16"} >= set(pair) or not op.vector_dtypes:  # as above
                comparison.compare(case, x, w)
        elif refuses_pairs and not set(pair) <= set(op.converted.get("x", ())):
            with pytest.raises(Exception):  # noqa: B017, PT011 - each framework's own
                comparison.oracle(case, x, w)
    RECORDS.append(comparison.record)
    assert not comparison.record.mismatches, "\n" + "\n".join(comparison.record.mismatches)


def is_taken(op: Op, rank: int, x: str, w: str, *, exchanged: bool = False) -> bool:
    """Whether arrays of these dtypes are convolved."""
    dtypes = {"x": getattr(torch, x), "w": getattr(torch, w)}
    try:
        check_dtypes(op, rank, dtypes, exchanged=exchanged)
    except BadArray:
        return False
    return True


def test_a_difference_is_seen() -> None:
    comparison = Comparison(find("torch.nn.functional.conv2d"))
    right = comparison.oracle
    comparison.oracle = lambda case, x, w, *rest: right(case, x, np.flip(w, -1).copy(), *rest)
    case = random_case(comparison.op, random.Random(0))
    comparison.compare(case, *probe(case))
    told = [how.rpartition("): ")[2] for how in comparison.record.mismatches]
    assert [how.rpartition(" by up to ")[0] for how in told] == [
        "y differs",
        "y of native() differs",
    ]

"""Hypothesis strategies: native calls, canonical records with sizes, integer-valued arrays."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray

from uniconv._canonical.record import BOUNDARIES, Convolution, Shape, Sizes
from uniconv.spec.op import Op
from uniconv.spec.registry import find
from uniconv.testing.cases import Case, asymmetric, attempt, traits

__all__ = ["arrays", "calls", "convs"]


@st.composite
def calls(draw: st.DrawFn, op: Op | str, rank: int | None = None) -> Case:
    """Valid calls of a function (or of the function of that name); they shrink to its defaults.

    >>> from hypothesis import given, settings
    >>> from uniconv.testing import calls, probe
    >>> @settings(max_examples=5, database=None)
    ... @given(calls("tf.nn.conv2d"))
    ... def test(case):
    ...     assert len(case.call.output) == len(case.x_shape)
    >>> test()
    """
    op = find(op) if isinstance(op, str) else op
    choices = traits(op, rank).items()
    chosen = draw(st.fixed_dictionaries({n: st.sampled_from(known) for n, known in choices}))
    rng = random.Random(draw(st.integers(0, 2**16)))
    drawn = (attempt(op, chosen, rng) for _ in range(10))
    case = next((c for c in drawn if c is not None), None)
    assume(case is not None)  # these traits exclude each other
    assert case is not None
    return case


@st.composite
def convs(
    draw: st.DrawFn,
    rank: int | None = None,
    *,
    plain: bool = False,
    transposed: bool = False,
) -> tuple[Convolution, Sizes]:
    """Canonical records with sizes that they fit; everything differs from axis to axis.

    ``plain``: only zeros outside x.  ``transposed``: lhs_dilation above 1 somewhere or stride 1
    everywhere, as lowering a transposed convolution gives.

    >>> from hypothesis import given, settings
    >>> @settings(max_examples=5, database=None)
    ... @given(convs(rank=2))
    ... def test(problem):
    ...     conv, sizes = problem
    ...     assert len(conv.output(sizes.size, sizes.kernel)) == 2
    >>> test()
    """
    r = draw(st.integers(1, 3)) if rank is None else rank

    def each(entry: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return draw(st.tuples(*[entry] * r))

    boundary = "zeros" if plain or transposed else draw(st.sampled_from(BOUNDARIES))
    zeros = boundary == "zeros"
    least, most = (-2 if zeros else 0), (5 if r < 3 else 3)
    groups = draw(st.sampled_from((1, 2, 3)))
    conv = Convolution(
        stride=(1,) * r if transposed else each(st.integers(1, 3)),
        pad=each(st.tuples(st.integers(least, most), st.integers(least, most))),
        lhs_dilation=each(st.integers(1, 3)) if zeros else (1,) * r,
        rhs_dilation=each(st.integers(1, 3)),
        reverse=each(st.booleans()),
        groups=groups,
        boundary=boundary,
        fill=float(draw(st.integers(-3, 3))) if boundary == "constant" else 0.0,
    )
    sizes = Sizes(
        batch=draw(st.sampled_from(((2,), (1,), (3,), ()))),
        c=groups * draw(st.integers(1, 3)),
        o=groups * draw(st.integers(1, 3)),
        size=each(st.integers(1, 6 if r < 3 else 4)),
        kernel=each(st.integers(1, 4 if r < 3 else 3)),
    )
    conv.check(sizes)
    return conv, sizes


def arrays(shape: Shape, dtype: str = "float32") -> st.SearchStrategy[NDArray[Any]]:
    """Integer-valued arrays with |v| <= 8 that reversing an axis changes.

    >>> from hypothesis import given, settings
    >>> @settings(max_examples=5, database=None)
    ... @given(arrays((2, 3)))
    ... def test(a):
    ...     assert (a == a.round()).all()
    >>> test()
    """
    seeds = st.integers(0, 2**16)
    return seeds.map(lambda seed: asymmetric(shape, np.random.default_rng(seed), dtype))

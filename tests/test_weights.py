"""convert_weight: round trips bit by bit, the same numbers in every other function, refusals."""

from __future__ import annotations

import random
from itertools import islice

import numpy as np
import pytest

from uniconv.errors import CannotExpress
from uniconv.functional import run_op
from uniconv.layout import axes
from uniconv.lift import lift
from uniconv.registry import find, functions
from uniconv.rules import AlongAxis, Choice
from uniconv.testing.cases import probe, random_case
from uniconv.weights import convert_weight

from .test_lift import moved

FUNCTIONS = sorted(functions())


def kernel_options(op, options):
    """Those of a call's options that change how its kernel is read."""
    rules = [r for r in (op.layout, op.reverse) if isinstance(r, Choice)]
    names = {r.option for r in rules if not isinstance(r, AlongAxis)}
    return {k: v for k, v in options.items() if op.aliases.get(k, k) in names}


def whole(call):
    """Whether the kernel has an axis for each spatial axis of x."""
    letters = axes(call.layout.w, call.rank)
    return {f"s{i}" for i in range(call.rank)} <= set(letters)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_converted_kernel_gives_the_same_numbers_in_any_function_and_comes_back(name):
    rng, seen = random.Random(name), 0
    op = find(name)
    dtype = "float64" if "float64" in op.dtypes else op.dtypes[0]
    cases = iter(lambda: random_case(op, rng), None)
    for n, case in enumerate(islice((case for case in cases if whole(case.call)), 8)):
        call = case.call
        x, *kernels = probe(case, seed=n, dtype=dtype)
        addend = {op.addend[0]} if op.addend else set()
        said = {k: v for k, v in case.options.items() if k not in addend}
        y = run_op(op, ("test", name), x, kernels[0], None, "cpu", said, *kernels[1:])
        for other in (name, *rng.sample(FUNCTIONS, 40)):
            dst = find(other)
            if dtype not in dst.dtypes or dst.result != op.result:
                continue
            try:
                lifted = lift(call, dst, flip_kernel=True)
            except CannotExpress:
                continue
            spread = op.lhs_dilation or dst.lhs_dilation
            if len({op.kind == "conv_transpose", dst.kind == "conv_transpose"}) > 1 and not spread:
                continue
            if not whole(lifted.call):
                continue
            given = kernels[0] if len(kernels) == 1 else tuple(kernels)
            there = {
                "groups": call.conv.groups,
                "src_options": kernel_options(op, case.options),
                "dst_options": kernel_options(dst, lifted.options),
            }
            back = {"groups": call.conv.groups}
            back |= {"src_options": there["dst_options"], "dst_options": there["src_options"]}
            kind = "separable_conv" if len(kernels) > 1 else "conv"
            converted = convert_weight(given, name, other, kind, **there)
            again = convert_weight(converted, other, name, kind, **back)
            pairs = zip(again, kernels) if len(kernels) > 1 else [(again, kernels[0])]
            for a, b in pairs:
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)
            w, *p = converted if len(kernels) > 1 else (converted,)
            src, to, batch = call.layout, lifted.call.layout, len(call.sizes.batch)
            got = run_op(
                dst,
                ("test", other),
                moved(x, src.x, to.x, call.rank, batch),
                w,
                None,
                "cpu",
                lifted.options,
                *p,
            )
            got = moved(got, to.y, src.y, call.rank, batch)
            np.testing.assert_array_equal(got, y, err_msg=f"{case} -> {other} {lifted.options}")
            seen += 1
    assert seen >= 8

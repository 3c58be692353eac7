"""explain: the sum of products is y, the torch lines give y, the sizes and the texts hold."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from uniconv.explain import explain
from uniconv.functional import run_op
from uniconv.layout import axes
from uniconv.lower import lower
from uniconv.registry import find, functions
from uniconv.testing.cases import asymmetric, probe, random_case

FUNCTIONS = sorted(functions())


def drawn(name, count):
    """Random cases of a function with integer arrays, each with what explain needs."""
    op, rng = find(name), random.Random(name)
    dtype = "float32" if "float32" in op.dtypes else op.dtypes[0]
    for seed in range(count):
        case = random_case(op, rng)
        x, w, *p = probe(case, seed, dtype)
        options = dict(case.options)
        y_shape = case.call.output
        if op.addend:
            options[op.addend[0]] = asymmetric(y_shape, np.random.default_rng(seed), dtype)
        whole = [case.call.o if a == "o" else 1 for a in axes(case.call.layout.y, case.call.rank)]
        shape = (case.call.o,) if op.bias == "o" else tuple(whole)
        bias = asymmetric(shape, np.random.default_rng(seed), dtype)
        yield case, (x, w, p[0] if p else None, bias), options


def run(op, arrays, options):
    x, w, p, bias = arrays
    return run_op(op, ("test explain", op.name), x, w, bias, "cpu", options, p)


def positions(call, rng, most):
    """Elements of y in the record's axes: (at, batch, channel)."""
    sizes = call.conv.output(call.sizes.size, call.sizes.kernel)
    batch = int(np.prod(call.sizes.batch)) // call.conv.batch_groups
    if 0 in (*sizes, batch, call.o):
        return []
    ends = [(0,) * call.rank, tuple(n - 1 for n in sizes)]
    inside = [tuple(rng.randrange(n) for n in sizes) for _ in range(most)]
    return [(at, rng.randrange(batch), rng.randrange(call.o)) for at in ends + inside]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_sum_of_products_is_y(name):
    rng, seen = random.Random(name), 0
    for case, arrays, options in drawn(name, 6):
        x, w, p, bias = arrays
        y = run(case.op, arrays, options)
        for at, batch, channel in positions(case.call, rng, 2):
            found = explain(
                name, x, w, p, bias, at=at, batch=batch, channel=channel, **options
            ).window
            assert found.y == y[found.y_index], case
            assert found.result == found.y, case
            for lane in found.lanes:
                for product in lane.products:
                    if product.x_index is not None and not case.op.offsets:
                        assert product.x == x[product.x_index], case
                    if not case.op.outer and not case.op.offsets:
                        assert product.w == w[product.w_index], case
            seen += 1
    assert seen > 5


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_torch_lines_give_y(name):
    for case, arrays, options in drawn(name, 6):
        x, w, p, bias = arrays
        y = run(case.op, arrays, options)
        code = explain(name, x, w, p, bias, **options).torch
        scope = {k: torch.from_numpy(a) for k, a in zip("xwp", (x, w, p)) if a is not None}
        if bias is not None:
            scope["bias"] = torch.from_numpy(bias)
        if case.op.addend:
            scope[case.op.addend[0]] = torch.from_numpy(options[case.op.addend[0]])
        exec(code, scope)
        got = scope["y"].numpy()
        assert got.dtype == y.dtype, code
        np.testing.assert_array_equal(got, y, err_msg=f"{case}\n{code}")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_shapes_alone_give_sizes_and_pads_whose_formulas_hold(name):
    for case, arrays, options in drawn(name, 6):
        given = [s for s in (case.x_shape, case.w_shape, case.p_shape) if s is not None]
        found = explain(name, *given, **options)
        assert found.window is None
        y = run(case.op, arrays, options)
        assert found.shapes["y"] == y.shape
        for axis, pad in zip(found.axes, case.call.conv.pad):
            assert axis.padding == pad
            formula, _, size = axis.formula.rpartition(" = ")
            if formula:
                assert eval(formula) == int(size) == axis.output
            else:
                assert axis.output == 0
        for role, read in found.readings.items():
            assert tuple(read.values()) == found.shapes[role]
        assert str(found)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_explicit_call_gives_y(name):
    for case, _, options in drawn(name, 8):
        if case.op.addend:
            options.pop(case.op.addend[0])
        given = [s for s in (case.x_shape, case.w_shape, case.p_shape) if s is not None]
        found = explain(name, *given, **options)
        assert bool(found.explicit) != bool(found.explicit_note)
        if found.explicit:
            scope = {}
            said = found.explicit.removeprefix(name)
            exec(f"told = (lambda *arrays, **options: options){said}", dict.fromkeys("xwp"), scope)
            again = lower(case.op, scope["told"], *given)
            sizes = case.call.sizes
            same = (c.conv.tight(sizes.size, sizes.kernel) for c in (again, case.call))
            assert len(set(same)) == 1, f"{case}: {found.explicit}"
            pad = case.op.pad.pad if hasattr(case.op.pad, "pad") else case.op.pad
            said = scope["told"].get(pad.option, pad.default)
            assert not isinstance(said, str) or said in ("NOTSET", "EXPLICIT"), found.explicit

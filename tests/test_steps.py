"""The printed steps of a call are executed, and give y."""

from __future__ import annotations

import random
from math import prod

import numpy as np
import pytest
import torch
from einops import rearrange
from hypothesis import given
from hypothesis import strategies as st

import uniconv
from uniconv import Call, diagnose, explain
from uniconv._calls.lower import batched, lower
from uniconv._canonical.execute import action, compiled, regrouped_order
from uniconv._canonical.layout import arrange, axes
from uniconv._canonical.record import Convolution
from uniconv._canonical.steps import Regroup, core_steps
from uniconv._canonical.steps_source import IMPORTS, addend_name, source
from uniconv._diagnose.code import torch_code
from uniconv._diagnose.inputs import problem, read_array
from uniconv.errors import UniconvError
from uniconv.spec.padding import Crop
from uniconv.spec.registry import find, functions
from uniconv.testing import convs
from uniconv.testing.cases import Case, asymmetric, probe, random_case


def ran(code: str, **arrays):
    """y after the lines, of arrays as tensors."""
    scope = {name: torch.as_tensor(a) for name, a in arrays.items() if a is not None}
    exec(code, scope)
    return scope["y"].numpy()


def inputs(sizes, groups, seed, *, transposed):
    rng = np.random.default_rng(seed)
    x = asymmetric((*sizes.batch, sizes.c, *sizes.size), rng)
    w = asymmetric((sizes.o, sizes.c // groups, *sizes.kernel), rng)
    if transposed:
        w = rearrange(w, "(g m) i ... -> (g i) m ...", g=groups)
    return x, w, np.arange(1, sizes.o + 1, dtype="float32")


@given(convs(), st.integers(0, 99), st.booleans(), st.booleans())
def test_printed_steps_do_what_executed_ones_do(problem, seed, biased, transposed):
    conv, sizes = problem
    if not transposed or conv.boundary != "zeros":
        plain = (conv.rhs_dilation, conv.reverse, conv.groups, conv.boundary, conv.fill)
        conv = Convolution(conv.stride, conv.pad, (1,) * conv.rank, *plain)
        transposed = False
    x, w, b = inputs(sizes, conv.groups, seed, transposed=transposed)
    bias = b if biased else None
    steps = core_steps(conv, sizes, transposed=transposed)
    code = "\n".join((*IMPORTS, *source(steps, bias=biased, batch=bool(sizes.batch))))
    y = compiled(steps)(*(None if a is None else torch.from_numpy(a) for a in (x, w, bias)))
    np.testing.assert_array_equal(ran(code, x=x, w=w, bias=bias), y.numpy(), err_msg=code)


# For every function, the lines of one image give y for others


def resized(case, rng):
    """The same call of images of three random sizes, the first its own; with windows, as that."""
    call = case.call
    yield case
    seen = {call.sizes.size}
    for _ in range(60):
        size = tuple(
            rng.choice((n, rng.randint(1, 12), n + rng.randint(-2, 2))) for n in call.sizes.size
        )
        if size in seen or min(size) < 1:
            continue
        shape = arrange(call.layout.x, {"n": 1, "c": call.sizes.c}, size)
        x_shape = batched(shape, call.layout.x, call.sizes.batch)
        try:
            other = lower(case.op, case.options, x_shape, case.w_shape, case.pointwise_shape)
        except UniconvError:
            continue
        if 0 in other.conv.output(size, other.sizes.kernel):
            continue
        seen.add(size)
        yield Case(case.op, case.options, x_shape, case.w_shape, case.pointwise_shape)
        if len(seen) == 3:
            return


def arrays_of(case, seed):
    """Integer arrays for a case: x, w, p, bias; mostly the addend, too, under its native name."""
    op, call = case.op, case.call
    dtype = "float32" if "float32" in op.dtypes else op.dtypes[0]
    x, w, *p = probe(case, seed, dtype)
    rng = np.random.default_rng(seed)
    whole = tuple(call.o if a == "o" else 1 for a in axes(call.layout.y, call.rank))
    bias = asymmetric((call.o,) if op.bias == "o" else whole, rng, dtype)
    addend = {op.addend[0]: asymmetric(call.output, rng, dtype)} if op.addend and seed % 4 else {}
    return (x, w, p[0] if p else None, bias), addend


@pytest.mark.parametrize("name", sorted(functions()))
def test_the_lines_of_one_image_give_y_for_images_of_other_sizes(name):
    rng, others, op = random.Random(f"sizes {name}"), 0, find(name)
    for seed in range(8):
        case = random_case(op, rng)
        code = ""
        for one in resized(case, rng):
            (x, w, p, bias), addend = arrays_of(one, seed)
            call = Call(x, w, bias, dialect=name, pointwise=p, **one.options, **addend)
            y = call.run()
            code = code or explain(call).torch
            more = {addend_name(native): a for native, a in addend.items()}
            got = ran(code, x=x, w=w, p=p, bias=bias, **more)
            assert got.dtype == y.dtype, f"{one}\n{code}"
            np.testing.assert_array_equal(got, y, err_msg=f"{case}\n{one}\n{code}")
            others += one is not case
            if 0 in y.shape:
                break
    # An output size that is an option belongs to one size of x, where the function insists on that.
    assert others > 3 or (isinstance(op.pad, Crop) and op.pad.shape and op.pad.adjoint)


@pytest.mark.parametrize("name", sorted(functions()))
def test_the_lines_of_a_diagnosis_give_what_its_hypothesis_gives(name):
    rng, op = random.Random(f"diagnosis {name}"), find(name)
    for seed in range(4):
        case = random_case(op, rng)
        if 0 in case.call.output:
            continue
        arrays, _ = arrays_of(case, seed)
        x, w, p, bias = arrays
        y = Call(x, w, bias, dialect=name, pointwise=p, **case.options).run()
        point = None if p is None else read_array(p, "pointwise")
        named = (read_array(a, role) for a, role in ((x, "x"), (w, "w"), (y, "y")))
        hypothesis = problem(op, case.options, *named, point).start(bias.reshape(-1))
        roles = dict(zip(("x", "w", "p", "bias"), ("x", "w[:]" if w.ndim else "w", "p", "bias")))
        roles = roles if op.array_names("p") else {k: v for k, v in roles.items() if k != "p"}
        code = torch_code(hypothesis, case.call, roles)
        assert "torch.as_tensor(w)[:]" in code or not w.ndim
        np.testing.assert_array_equal(ran(code, x=x, w=w, p=p, bias=bias), y, err_msg=code)


# Faults that lines had


def test_lines_that_crop_more_than_there_is_before_they_pad():
    x = asymmetric((3, 5, 1, 2), np.random.default_rng(0))
    w = asymmetric((5, 6, 1, 2), np.random.default_rng(1))
    options = {"strides": [1, 1], "dilations": (2, 4), "pads_begin": [3, 3], "pads_end": [2, 2]}
    options |= {"output_padding": [0, 0], "output_shape": (1, 6)}
    call = Call(x, w, dialect="openvino.convolution_backprop_data", **options)
    np.testing.assert_array_equal(ran(explain(call).torch, x=x, w=w), call.run())


def test_lines_of_a_diagnosis_make_a_border_that_torch_has_no_mode_for():
    x, w = (asymmetric(s, np.random.default_rng(0)) for s in ((1, 2, 5, 6), (3, 2, 5, 5)))
    p = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="symmetric")
    y = torch.conv2d(torch.tensor(p), torch.tensor(w)).numpy()
    options = {"padding": 2, "padding_mode": "replicate"}
    found = diagnose(Call(x, w, dialect="torch.nn.Conv2d", **options), y)
    assert found.causes[0].actual == "symmetric"
    np.testing.assert_array_equal(ran(found.call, x=x, w=w), y)


def test_lines_of_a_diagnosis_take_the_zero_point_off():
    x = np.arange(16, dtype="u1").reshape(1, 1, 4, 4) * 9
    w = np.arange(-4, 5, dtype="i1").reshape(1, 1, 3, 3)
    padded = np.pad(x.astype("f4"), ((0, 0), (0, 0), (1, 1), (1, 1))) - 144  # zeros, then shifted
    y = torch.conv2d(torch.tensor(padded), torch.tensor(w.astype("f4"))).numpy().astype("i4")
    options = {"pads": [1] * 4, "x_zero_point": 144}
    found = diagnose(Call(x, w, dialect="onnx.ConvInteger", **options), y)
    assert "value=-144" in found.call
    np.testing.assert_array_equal(ran(found.call, x=x, w=w), y)


def test_lines_of_a_diagnosis_read_native_layouts_groups_and_a_bias():
    rng = np.random.default_rng(1)
    x, w, b = (asymmetric(s, rng) for s in ((2, 7, 6, 4), (3, 2, 2, 6), (6,)))
    image = torch.tensor(np.pad(x, ((0, 0), (2, 2), (1, 1), (0, 0)), mode="reflect"))
    kernel = torch.tensor(w).permute(3, 2, 0, 1)
    y = torch.conv2d(image.permute(0, 3, 1, 2), kernel, torch.tensor(b), groups=2)
    y = y.permute(0, 2, 3, 1).numpy()
    call = Call(x, w, b, dialect="keras.ops.conv", padding="same", data_format="channels_last")
    found = diagnose(call, y)
    assert "import torch" in found.call
    np.testing.assert_array_equal(ran(found.call, x=x, w=w, bias=b), y)


@pytest.mark.parametrize("name", ["numpy.correlate", "scipy.signal.correlate"])
def test_a_complex_kernel_is_conjugated_where_the_function_does_so(name):
    """y = sum x * conj(w), by every entrance; numpy 2.4.6 numpy/_core/numeric.py correlate."""
    x, w = np.array([1 + 2j, 3 - 1j, 2j, 4]), np.array([1 + 1j, 2 - 3j, 10j])
    options = {"mode": "full"}
    y = [20 - 10j, -14 - 23j, 32 + 8j, -4 - 40j, 10 + 14j, 4 - 4j]  # what NumPy returns
    for array in (np.asarray, torch.tensor):
        a, b = array(x), array(w)
        call = Call(a, b, dialect=name, **options)
        for found in (
            uniconv.conv(a, b, dialect=name, **options),
            uniconv.native(name)(a, b, **options),
            uniconv.bind(b, dialect=name, **options)(a),
            call.run(),
            *([ran(explain(call).torch, x=x, w=w)] if array is np.asarray else ()),
        ):
            np.testing.assert_array_equal(np.asarray(found), y)
    assert explain(Call(x, w, dialect=name, **options), at=1).window.y == y[1]
    assert diagnose(Call(x, w, dialect=name, **options), np.array(y)).agrees
    turned = uniconv.convert_kernel(w, name, "numpy.convolve")
    np.testing.assert_array_equal(uniconv.conv(x, turned, dialect="numpy.convolve"), y)
    real = explain(Call(x.real, w.real, dialect=name, **options)).torch
    assert "conj" not in real


@pytest.mark.parametrize(
    ("pattern", "sizes", "moved"),
    [
        ("s0 s1 (g i) m -> (g m) i s0 s1", {"g": 5, "i": 1, "m": 1, "s0": 2, "s1": 3}, True),
        ("s0 s1 (g i) m -> (g m) i s0 s1", {"g": 5, "i": 1, "m": 1, "s0": 1, "s1": 3}, True),
        ("s0 i (g m) -> (g m) i s0", {"g": 2, "i": 3, "m": 2, "s0": 4}, False),
        ("s0 (g i) m -> (g m) i s0", {"g": 2, "i": 1, "m": 3, "s0": 4}, False),
        ("s0 (g i) m -> (g i) m s0", {"g": 2, "i": 3, "m": 1, "s0": 4}, False),
    ],
)
def test_a_regrouping_that_merges_nothing_is_a_permutation(pattern, sizes, moved):
    step = Regroup("w", pattern, tuple(sizes.items()))
    src = pattern.split(" -> ")[0].replace("(", "").replace(")", "").split()
    joined = rearrange(
        torch.arange(prod(sizes.values())).reshape([sizes[a] for a in src]),
        f"{' '.join(src)} -> {pattern.split(' -> ')[0]}",
    )
    want = rearrange(joined, pattern, **sizes)
    order = regrouped_order(step)
    assert (order is not None) is moved
    assert torch.equal(action(step)(joined), want)
    if order is not None:
        assert torch.equal(joined.permute(order), want)

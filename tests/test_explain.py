"""explain: the sum of products is y, the torch lines give y, the sizes and the texts hold."""

from __future__ import annotations

import json
import random
import re

import numpy as np
import pytest
import torch

from uniconv import Call, conv
from uniconv._calls.lower import lower
from uniconv._canonical.layout import axes
from uniconv._canonical.steps_source import addend_name
from uniconv._cli import demo
from uniconv._explain import explain
from uniconv._functional import run_op
from uniconv.errors import BadArray, BadShape
from uniconv.spec.registry import find, functions
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


def shapes_of(case, options):
    """A case's call, its shapes in place of arrays."""
    point = case.pointwise_shape
    return Call(case.x_shape, case.w_shape, dialect=case.op.name, pointwise=point, **options)


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
            call = Call(x, w, bias, dialect=name, pointwise=p, **options)
            found = explain(call, at=at, batch=batch, channel=channel).window
            assert found.y == y[found.y_index], case
            assert found.result == found.y, case
            for lane in found.lanes:
                for product in lane.products:
                    if product.x_index is not None and not case.op.zero_points:
                        assert product.x == x[product.x_index], case
                    if not case.op.outer_product and not case.op.zero_points:
                        assert product.w == w[product.w_index], case
            seen += 1
    assert seen > 5


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_torch_lines_give_y(name):
    for case, arrays, options in drawn(name, 6):
        x, w, p, bias = arrays
        y = run(case.op, arrays, options)
        code = explain(Call(x, w, bias, dialect=name, pointwise=p, **options)).torch
        scope = {k: torch.from_numpy(a) for k, a in zip("xwp", (x, w, p)) if a is not None}
        if bias is not None:
            scope["bias"] = torch.from_numpy(bias)
        if case.op.addend:
            scope[addend_name(case.op.addend[0])] = torch.from_numpy(options[case.op.addend[0]])
        exec(code, scope)
        got = scope["y"].numpy()
        assert got.dtype == y.dtype, code
        np.testing.assert_array_equal(got, y, err_msg=f"{case}\n{code}")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_shapes_alone_give_sizes_and_pads_whose_formulas_hold(name):
    for case, arrays, options in drawn(name, 6):
        found = explain(shapes_of(case, options))
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
        given = [s for s in (case.x_shape, case.w_shape, case.pointwise_shape) if s is not None]
        found = explain(shapes_of(case, options))
        assert bool(found.explicit) != bool(found.explicit_note)
        if found.explicit:
            scope = {}
            said = found.explicit.removeprefix(name)
            arrays = dict.fromkeys(("x", "w", "pointwise"))
            exec(f"told = (lambda *arrays, **options: options){said}", arrays, scope)
            again = lower(case.op, scope["told"], *given)
            sizes = case.call.sizes
            same = (c.conv.tight(sizes.size, sizes.kernel) for c in (again, case.call))
            assert len(set(same)) == 1, f"{case}: {found.explicit}"
            pad = case.op.pad.pad if hasattr(case.op.pad, "pad") else case.op.pad
            said = scope["told"].get(pad.option, pad.default)
            assert not isinstance(said, str) or said in ("NOTSET", "EXPLICIT"), found.explicit


TRANSPOSED = """\
torch.nn.functional.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1)
    a transposed convolution: the transpose of a cross-correlation (the kernel is not flipped)

arrays, axis by axis
    x (1, 1, 2, 3): batch 1, channels in 1, rows 2, columns 3
    w (1, 1, 3, 3): channels in 1, channels out 1, rows 3, columns 3
    y (1, 1, 4, 6): batch 1, channels out 1, rows 4, columns 6

cut off the whole result: top 1, bottom 0, left 1, right 0
    as padding of x with its pixels spread: top 1, bottom 2, left 1, right 2; there are zeros
    the call says it in numbers

output size: (x - 1) * stride + ((kernel - 1) * dilation + 1) - cut before - cut after
    rows     (2 - 1) * 2 + ((3 - 1) * 1 + 1) - 1 - 0 = 4
    columns  (3 - 1) * 2 + ((3 - 1) * 1 + 1) - 1 - 0 = 6

the window reads the kernel backwards along rows and columns
    seen as stamps: each pixel of x stamps the kernel as it is written; stamps add up
    the window reads x spread, zeros between its pixels: 1

the kernel (channel 0 in, 0 out)
    as written   as used
    1  2  3      9  8  7
    4  5  6      6  5  4
    7  8  9      3  2  1

y[0, 0, 1, 1]: row 1, column 1; batch 0, channel 0
    _ stands for a zero spread between pixels
  channel 0 of x under kernel channel 0 of filter 0, first pixel x[0, 0, 0, 0]
    x             kernel as used       products
    1  _  2   *   9  8  7          =    9   0  14   sum 40
    _  _  _       6  5  4               0   0   0
    4  _  5       3  2  1              12   0   5
  y there is 40: the same

the same as stamps
    pixel (0, 0) stamps from (-1, -1) of y on; tap (2, 2) of the stamp lands here: 1 * 9 = 9
    pixel (0, 1) stamps from (-1, 1) of y on; tap (2, 0) of the stamp lands here: 2 * 7 = 14
    pixel (1, 0) stamps from (1, -1) of y on; tap (0, 2) of the stamp lands here: 4 * 3 = 12
    pixel (1, 1) stamps from (1, 1) of y on; tap (0, 0) of the stamp lands here: 5 * 1 = 5

the same in plain torch
    import torch
    from torch.nn import functional as F

    y = F.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1)"""


def test_the_text_of_a_transposed_convolution_in_full():
    x, w = np.arange(1, 7.0).reshape(1, 1, 2, 3), np.arange(1, 10.0).reshape(1, 1, 3, 3)
    options = {"stride": 2, "padding": 1, "output_padding": 1}
    call = Call(x, w, dialect="torch.nn.functional.conv_transpose2d", **options)
    found = explain(call, at=(1, 1))
    assert str(found) == TRANSPOSED


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if find(n).kind == "conv_transpose"])
def test_the_stamps_in_the_text_add_up_to_the_sum(name):
    rng, seen = random.Random(name), 0
    for case, (x, w, _, _), options in drawn(name, 4):
        if case.op.addend:
            options.pop(case.op.addend[0])
        for at, batch, channel in positions(case.call, rng, 2):
            call = Call(x, w, dialect=name, **options)
            found = explain(call, at=at, batch=batch, channel=channel)
            stamps = str(found).partition("the same as stamps")[2].partition("\n\n")[0]
            terms = re.findall(r"lands here: (.*) = (\S+)$", stamps, re.M)
            assert all(eval(left) == float(right) for left, right in terms), stamps
            assert sum(float(value) for _, value in terms) == found.window.sum, stamps
            seen += bool(terms)
    assert seen


def test_the_founding_question():
    q = demo.load()
    x, w = q.partappledata[..., None], q.testw[..., None]
    found = explain(Call(x, w, dialect="knet.conv4", padding=1), at=(0, 0))
    assert abs(found.window.y - q.ydata[0, 0]) < 5.1e-4
    assert found.window.sum == pytest.approx(found.window.y, rel=1e-15)
    lines = str(found).splitlines()
    assert lines[:2] == [
        "knet.conv4(w, x, padding=1)",
        "    a convolution: a true convolution (the kernel is read backwards)",
    ]
    assert "padding: top 1, bottom 1, left 1, right 1; there are zeros" in lines
    assert "the window reads the kernel backwards along rows and columns" in lines
    assert "  all channels: 51.2976 + 76.0297 + 67.3662 = 194.694" in lines
    upright = str(explain(Call(x, w, dialect="knet.conv4", padding=1, mode=1)))
    assert "the window reads the kernel as it is written" in upright


def test_padding_in_words():
    def told(*shapes, **options):
        call = Call(*shapes, dialect="tf", strides=2, padding="SAME", **options)
        return explain(call).padding

    assert told((1, 4, 7, 3), (3, 4, 3, 8)) == "top 0, bottom 1, left 1, right 2"
    one = Call((1, 7, 3), (4, 3, 8), dialect="tf.nn.conv1d", stride=2, padding="SAME")
    assert explain(one).padding == "before 1, after 2"
    shapes = (1, 7, 4, 7, 1), (4, 3, 1, 1, 1)
    three = Call(*shapes, dialect="tf.nn.conv3d", strides=[1] * 5, padding="SAME")
    assert explain(three).padding == (
        "slices: before 1, after 2; rows: before 1, after 1; columns: before 0, after 0"
    )
    shapes = (7, 4, 5, 1, 1), (2, 3, 1, 1, 1)
    julia = Call(*shapes, dialect="knet.conv4", padding=(0, 1, 2))
    assert [axis.name for axis in explain(julia).axes] == ["rows", "columns", "slices"]


def test_a_call_that_cannot_be_said_in_numbers_says_why():
    same = explain(Call((1, 1, 7), (1, 1, 4), dialect="pytorch", padding="same"))
    assert same.explicit is None
    assert same.explicit_note == (
        "torch.nn.functional.conv1d cannot say it in numbers: padding takes an integer of at least "
        "0, or one per spatial axis: as many pixels before as after, not ((1, 2),)"
    )
    signal = explain(Call((5, 4), (3, 2), dialect="scipy.signal.convolve2d", mode="same"))
    assert signal.explicit_note == "scipy.signal.convolve2d takes no padding in numbers"
    shapes = (1, 1, 7, 6), (1, 1, 3, 2)
    paddle = Call(*shapes, dialect="paddle.nn.functional.conv2d", padding="SAME", dilation=2)
    assert explain(paddle).explicit == "paddle.nn.functional.conv2d(x, w, padding=[1, 1, 0, 1])"


def test_torch_tensors_and_rounding():
    x = torch.linspace(-1, 1, 2 * 3 * 8).reshape(2, 3, 8)
    w = torch.linspace(-2, 1, 4 * 3 * 3).reshape(4, 3, 3)
    found = explain(Call(x, w, dialect="pytorch"), at=2, batch=1, channel=3)
    assert found.window.y == torch.conv1d(x, w)[1, 3, 2].item()
    assert found.window.sum == pytest.approx(found.window.y, abs=1e-5)
    assert "float32 rounds; the sum in full is " in str(found)
    half = explain(Call(x.bfloat16(), w.bfloat16(), dialect="pytorch"))
    assert half.dtype == "bfloat16"
    assert half.window.y == torch.conv1d(x.bfloat16(), w.bfloat16())[0, 0, 0].item()


def test_torch_lines_read_two_dtypes_as_the_function_does():
    x, w = np.arange(12.0).reshape(6, 2, 1), np.arange(12, dtype="float32").reshape(3, 2, 2)
    for name, dtype in (("flux.Conv", torch.float32), ("knet.conv4", torch.float64)):
        scope = {"x": torch.from_numpy(x), "w": torch.from_numpy(w)}
        exec(explain(Call(x, w, dialect=name)).torch, scope)
        assert scope["y"].dtype is dtype
        assert torch.equal(scope["y"], torch.from_numpy(conv(x, w, dialect=name)))


def test_integers_go_round():
    x, w = np.full((1, 1, 3), 100, "int8"), np.full((1, 1, 3), 3, "int8")
    found = explain(Call(x, w, dialect="torch.nn.functional.conv1d"))
    assert found.window.sum == 900
    assert str(found).count("y there is -124: the same modulo 2**8, the range of int8") == 1


def test_several_batch_axes_and_an_output_without_elements():
    x, w = np.arange(2 * 3 * 4 * 2.0).reshape(2, 3, 4, 2), np.ones((2, 2, 1))
    call = Call(x, w, dialect="tf.nn.conv1d", stride=1, padding="VALID")
    found = explain(call, batch=(1, 2))
    assert found.window.y_index == (1, 2, 0, 0)
    empty = explain(Call(np.ones((2, 1, 0)), np.ones((2, 1, 1)), dialect="knet.conv4"))
    assert empty.window is None
    assert "no window fits" not in str(empty).splitlines()[0]


def test_json_holds_every_product():
    x, w = np.array([[[1, 2, 3.0]]]), np.array([[[10, 1.0]]])
    told = json.loads(explain(Call(x, w, dialect="pytorch", padding=1)).to_json())
    assert told["call"] == "torch.nn.functional.conv1d(x, w, padding=1)"
    assert told["window"]["lanes"][0]["products"] == [
        {"what": "padding", "x_index": None, "x": 0.0, "w_index": [0, 0, 0], "w": 10.0},
        {"what": "pixel", "x_index": [0, 0, 0], "x": 1.0, "w_index": [0, 0, 1], "w": 1.0},
    ]
    assert told["axes"][0]["formula"] == "(3 + 1 + 1 - ((2 - 1) * 1 + 1)) // 1 + 1 = 4"
    shapes = Call((1, 1, 3), (1, 1, 2), dialect="pytorch")
    assert json.loads(explain(shapes).to_json())["window"] is None


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        (
            {"at": (3, 0)},
            BadShape,
            "knet.conv4: at=(3, 0) must be a position in y, whose spatial sizes are (3, 3): 2 "
            "integers, each from 0 to its size less 1",
        ),
        (
            {"at": 1},
            BadShape,
            "knet.conv4: at=1 must be a position in y, whose spatial sizes are (3, 3): 2 "
            "integers, each from 0 to its size less 1",
        ),
        ({"channel": 2}, BadShape, "knet.conv4: channel=2 must be one of y's 2 channels"),
        ({"batch": 1}, BadShape, "knet.conv4: batch=1 must lie in y, whose batch axes are (1,)"),
        (
            {"batch": (0, 0)},
            BadShape,
            "knet.conv4: batch=(0, 0) must lie in y, whose batch axes are (1,)",
        ),
    ],
)
def test_errors_in_full(given, kind, message):
    x, w = np.ones((4, 5, 1, 1)), np.ones((2, 3, 1, 2))
    with pytest.raises(kind) as error:
        explain(Call(x, w, dialect="knet.conv4"), **given)
    assert str(error.value) == message


@pytest.mark.parametrize("given", [{"at": (0, 0)}, {"batch": 1}, {"channel": 1}], ids=str)
def test_shapes_have_no_element_to_look_at(given):
    call = Call((4, 5, 1, 2), (2, 3, 1, 2), dialect="knet.conv4")
    ((name, value),) = given.items()
    with pytest.raises(BadArray) as error:
        explain(call, **given)
    assert str(error.value) == (
        f"knet.conv4: {name}={value} asks for the numbers of one element of y, but the call has "
        "shapes only: give x and w as arrays"
    )

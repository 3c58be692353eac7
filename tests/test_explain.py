"""explain: the sum of products is y, the torch lines give y, the sizes and the texts hold."""

from __future__ import annotations

import json
import random
import re

import numpy as np
import pytest
import torch

from uniconv import UniconvError, conv
from uniconv._calls.lower import lower
from uniconv._canonical.layout import axes
from uniconv._cli import demo
from uniconv._explain import explain
from uniconv._explain.torch_lines import addend_name
from uniconv._functional import run_op
from uniconv.errors import BadOption, BadShape, UnknownName
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
        code = explain(name, x, w, p, bias, **options).torch
        scope = {k: torch.from_numpy(a) for k, a in zip("xwp", (x, w, p)) if a is not None}
        if bias is not None:
            scope["bias"] = torch.from_numpy(bias)
        if case.op.addend:
            scope[addend_name(case.op)] = torch.from_numpy(options[case.op.addend[0]])
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

    y = F.conv_transpose2d(x, w, stride=2)
    y = F.pad(y, (-1, 0, -1, 0))  # the last axis first; negative cuts off"""


def test_the_text_of_a_transposed_convolution_in_full():
    x, w = np.arange(1, 7.0).reshape(1, 1, 2, 3), np.arange(1, 10.0).reshape(1, 1, 3, 3)
    options = {"stride": 2, "padding": 1, "output_padding": 1}
    found = explain("torch.nn.functional.conv_transpose2d", x, w, at=(1, 1), **options)
    assert str(found) == TRANSPOSED


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if find(n).kind == "conv_transpose"])
def test_the_stamps_in_the_text_add_up_to_the_sum(name):
    rng, seen = random.Random(name), 0
    for case, (x, w, _, _), options in drawn(name, 4):
        if case.op.addend:
            options.pop(case.op.addend[0])
        for at, batch, channel in positions(case.call, rng, 2):
            found = explain(name, x, w, at=at, batch=batch, channel=channel, **options)
            stamps = str(found).partition("the same as stamps")[2].partition("\n\n")[0]
            terms = re.findall(r"lands here: (.*) = (\S+)$", stamps, re.M)
            assert all(eval(left) == float(right) for left, right in terms), stamps
            assert sum(float(value) for _, value in terms) == found.window.sum, stamps
            seen += bool(terms)
    assert seen


def test_the_founding_question():
    q = demo.load()
    x, w = q.partappledata[..., None], q.testw[..., None]
    found = explain("knet.conv4", x, w, at=(0, 0), padding=1)
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
    upright = str(explain("knet.conv4", x, w, padding=1, mode=1))
    assert "the window reads the kernel as it is written" in upright


def test_padding_in_words():
    def told(*shapes, **options):
        return explain("tf", *shapes, strides=2, padding="SAME", **options).padding

    assert told((1, 4, 7, 3), (3, 4, 3, 8)) == "top 0, bottom 1, left 1, right 2"
    one = explain("tf.nn.conv1d", (1, 7, 3), (4, 3, 8), stride=2, padding="SAME")
    assert one.padding == "before 1, after 2"
    three = explain(
        "tf.nn.conv3d", (1, 7, 4, 7, 1), (4, 3, 1, 1, 1), strides=[1] * 5, padding="SAME"
    )
    assert three.padding == (
        "slices: before 1, after 2; rows: before 1, after 1; columns: before 0, after 0"
    )
    julia = explain("knet.conv4", (7, 4, 5, 1, 1), (2, 3, 1, 1, 1), padding=(0, 1, 2))
    assert [axis.name for axis in julia.axes] == ["rows", "columns", "slices"]


def test_a_call_that_cannot_be_said_in_numbers_says_why():
    same = explain("pytorch", (1, 1, 7), (1, 1, 4), padding="same")
    assert same.explicit is None
    assert same.explicit_note == (
        "torch.nn.functional.conv1d cannot say it in numbers: padding takes an integer of at least "
        "0, or one per spatial axis: as many pixels before as after, not ((1, 2),)"
    )
    signal = explain("scipy.signal.convolve2d", (5, 4), (3, 2), mode="same")
    assert signal.explicit_note == "scipy.signal.convolve2d takes no padding in numbers"
    shapes = (1, 1, 7, 6), (1, 1, 3, 2)
    paddle = explain("paddle.nn.functional.conv2d", *shapes, padding="SAME", dilation=2)
    assert paddle.explicit == "paddle.nn.functional.conv2d(x, w, padding=[1, 1, 0, 1])"


def test_torch_tensors_and_rounding():
    x = torch.linspace(-1, 1, 2 * 3 * 8).reshape(2, 3, 8)
    w = torch.linspace(-2, 1, 4 * 3 * 3).reshape(4, 3, 3)
    found = explain("pytorch", x, w, at=2, batch=1, channel=3)
    assert found.window.y == torch.conv1d(x, w)[1, 3, 2].item()
    assert found.window.sum == pytest.approx(found.window.y, abs=1e-5)
    assert "float32 rounds; the sum in full is " in str(found)
    half = explain("pytorch", x.bfloat16(), w.bfloat16())
    assert half.dtype == "bfloat16"
    assert half.window.y == torch.conv1d(x.bfloat16(), w.bfloat16())[0, 0, 0].item()


def test_torch_lines_read_two_dtypes_as_the_function_does():
    x, w = np.arange(12.0).reshape(6, 2, 1), np.arange(12, dtype="float32").reshape(3, 2, 2)
    for name, dtype in (("flux.Conv", torch.float32), ("knet.conv4", torch.float64)):
        scope = {"x": torch.from_numpy(x), "w": torch.from_numpy(w)}
        exec(explain(name, x, w).torch, scope)
        assert scope["y"].dtype is dtype
        assert torch.equal(scope["y"], torch.from_numpy(conv(x, w, dialect=name)))


def test_integers_go_round():
    x, w = np.full((1, 1, 3), 100, "int8"), np.full((1, 1, 3), 3, "int8")
    found = explain("torch.nn.functional.conv1d", x, w)
    assert found.window.sum == 900
    assert str(found).count("y there is -124: the same modulo 2**8, the range of int8") == 1


def test_several_batch_axes_and_an_output_without_elements():
    x, w = np.arange(2 * 3 * 4 * 2.0).reshape(2, 3, 4, 2), np.ones((2, 2, 1))
    found = explain("tf.nn.conv1d", x, w, batch=(1, 2), stride=1, padding="VALID")
    assert found.window.y_index == (1, 2, 0, 0)
    empty = explain("knet.conv4", np.ones((2, 1, 0)), np.ones((2, 1, 1)))
    assert empty.window is None
    assert "no window fits" not in str(empty).splitlines()[0]


def test_json_holds_every_product():
    x, w = np.array([[[1, 2, 3.0]]]), np.array([[[10, 1.0]]])
    told = json.loads(explain("pytorch", x, w, padding=1).to_json())
    assert told["call"] == "torch.nn.functional.conv1d(x, w, padding=1)"
    assert told["window"]["lanes"][0]["products"] == [
        {"what": "padding", "x_index": None, "x": 0.0, "w_index": [0, 0, 0], "w": 10.0},
        {"what": "pixel", "x_index": [0, 0, 0], "x": 1.0, "w_index": [0, 0, 1], "w": 1.0},
    ]
    assert told["axes"][0]["formula"] == "(3 + 1 + 1 - ((2 - 1) * 1 + 1)) // 1 + 1 = 4"
    assert json.loads(explain("pytorch", (1, 1, 3), (1, 1, 2)).to_json())["window"] is None


def test_no_option_is_taken_by_explain_itself():
    own = {"p", "bias", "at", "batch", "channel"}
    for op in functions().values():
        words = {p for p in op.params.split() if ":" not in p}
        assert not words & own, op.name


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
        ({"pading": 1}, BadOption, 'knet.conv4 has no option "pading": did you mean "padding"?'),
    ],
)
def test_errors_in_full(given, kind, message):
    x, w = np.ones((4, 5, 1, 1)), np.ones((2, 3, 1, 2))
    with pytest.raises(kind) as error:
        explain("knet.conv4", x, w, **given)
    assert str(error.value) == message


def test_an_unknown_name():
    with pytest.raises(UnknownName):
        explain("knet.conv5", (1, 1, 1), (1, 1, 1))
    with pytest.raises(UniconvError):
        explain("tf", (1, 4, 4, 3), (3, 3, 3))

"""diagnose and compare: every cause by name, what is left, what cannot be told, the words."""

from __future__ import annotations

import doctest
import importlib
import json
import random
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import uniconv
from uniconv import Call, compare
from uniconv import _cli as cli
from uniconv._canonical.record import Convolution
from uniconv._canonical.reference import reference
from uniconv._diagnose.causes.words import words
from uniconv._diagnose.inputs import problem, read_array
from uniconv.errors import BadArray, BadShape, UnknownName
from uniconv.files import NamedArray
from uniconv.spec.padding import Crop
from uniconv.spec.registry import functions
from uniconv.spec.words import BesideOutput

ROOT = Path(__file__).parent.parent
QUESTION = ROOT / "uniconv" / "data" / "knet_vs_tensorflow.txt"
RNG = np.random.default_rng(3)
CONV2D = "torch.nn.functional.conv2d"
TRANSPOSE2D = "torch.nn.functional.conv_transpose2d"


def normal(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.fixture(scope="module")
def faults():
    """benchmarks/diagnose_faults.py."""
    sys.modules.pop("diagnose_faults", None)
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        return importlib.import_module("diagnose_faults")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def fields(found: uniconv.Diagnosis) -> tuple[str, ...]:
    return tuple(c.field for c in found.causes)


# A model computes one element as the executor computes all


def test_an_element_alone_is_the_element_of_the_whole(faults):
    rng = random.Random(0)
    for count, (scene, _) in enumerate(faults.scenes(11)):
        if count == 60:
            break
        y = scene.run()
        arrays = [read_array(a, r) for a, r in ((scene.x, "x"), (scene.w, "w"), (y, "y"))]
        p = None if scene.p is None else read_array(scene.p, "pointwise")
        asked = problem(scene.call.op, scene.options, *arrays, p)
        model = asked.start(None if scene.bias is None else scene.bias.astype(float))
        whole = model.result()
        assert whole.shape == model.y.shape == model.shape
        np.testing.assert_allclose(whole, model.y, rtol=1e-4, atol=1e-4)
        for _ in range(5):
            at = tuple(rng.randrange(n) for n in whole.shape)
            assert abs(model.element(at) - whole[at]) <= 1e-9 * model.magnitude(at) + 1e-12
            assert abs(model.element(at)) <= model.magnitude(at) + 1e-9


# Causes


X, W, BIAS = normal(2, 4, 9, 8), normal(6, 4, 3, 3), normal(6)
SQUARE = normal(2, 4, 8, 8)
GROUPED = normal(6, 2, 3, 3)


def conv(x: Any, w: Any, bias: Any = None, **options: Any) -> Any:
    return uniconv.conv(x, w, bias, dialect=CONV2D, **options)


def diagnose(x: Any, w: Any, y: Any, bias: Any = None, **options: Any) -> uniconv.Diagnosis:
    return uniconv.diagnose(Call(x, w, bias, dialect=CONV2D, **options), y)


def padded(mode: str, **more: Any) -> Any:
    return conv(np.pad(X, ((0, 0), (0, 0), (2, 2), (2, 2)), mode=mode, **more), W)


# what it is: (x, w, y, options, bias) -> the field and a part of what is said
CAUSES: dict[str, tuple[Any, Any, Any, dict[str, Any], Any, str, str]] = {
    "flipped": (X, W, conv(X, W[:, :, ::-1, ::-1].copy()), {}, None, "reverse", "height and width"),
    "flipped on one axis": (X, W, conv(X, W[..., ::-1].copy()), {}, None, "reverse", "on width"),
    "kernel's axes": (X, W, conv(X, W.swapaxes(2, 3).copy()), {}, None, "axes of w", "height and"),
    "x's axes": (SQUARE, W, conv(SQUARE.swapaxes(2, 3).copy(), W), {}, None, "axes of x", "in x"),
    "both": (
        *(SQUARE, W, conv(SQUARE.swapaxes(2, 3).copy(), W.swapaxes(2, 3).copy())),
        *({}, None, "axes of y", "height and width are exchanged in the result"),
    ),
    "channels of w": (
        *(X, W[:4], conv(X, W[:4].swapaxes(0, 1).copy()), {}, None),
        *("axes of w", "input and output channels are exchanged in the kernel"),
    ),
    "channels of x": (
        X,
        W,
        conv(X[:, ::-1].copy(), W),
        {},
        None,
        "order of channels in x",
        "rever",
    ),
    "too much padding": (X, W, conv(X, W, padding=2), {"padding": 1}, None, "padding", "((2, 2)"),
    "no padding": (X, W, conv(X, W), {"padding": 1}, None, "padding", "VALID (none)"),
    "stride": (X, W, conv(X, W), {"stride": 2}, None, "stride", "the stride is ignored"),
    "stride's axis": (
        *(X, W, conv(X, W, stride=(2, 1)), {"stride": (1, 2)}, None),
        *("stride", "the stride is on the wrong axis"),
    ),
    "phase": (
        *(X, W, conv(X[:, :, 1:, 1:].copy(), W, stride=2)[:, :, :3, :3], {"stride": 2}, None),
        *("padding", "the padding is ((-1, "),
    ),
    "dilation": (
        X,
        W,
        conv(X, W, padding=1),
        {"padding": 1, "dilation": 2},
        None,
        "dilation",
        "ign",
    ),
    "groups": (
        *(X, GROUPED, conv(X[:, [0, 2, 1, 3]].copy(), GROUPED, groups=2), {"groups": 2}, None),
        *("groups", "the groups are split differently"),
    ),
    "bias missing": (X, W, conv(X, W), {}, BIAS, "bias", "the bias is missing"),
    "bias twice": (X, W, conv(X, W, 2 * BIAS), {}, BIAS, "bias", "the bias is added twice"),
    "bias reversed": (X, W, conv(X, W, BIAS[::-1].copy()), {}, BIAS, "bias", "channels reversed"),
    "bias unknown": (X, W, conv(X, W, BIAS), {}, None, "bias", "a bias that was not given"),
    "scale": (X, W, conv(X, W) / 255, {}, None, "scale", "the result is multiplied by 1/255"),
    "sign": (X, W, -conv(X, W), {}, None, "scale", "the result is multiplied by -1"),
    "reflect": (X, W, padded("reflect"), {"padding": 2}, None, "boundary", "reflect, not zeros"),
    "symmetric": (X, W, padded("symmetric"), {"padding": 2}, None, "boundary", "symmetric, not"),
    "replicate": (X, W, padded("edge"), {"padding": 2}, None, "boundary", "replicate, not zeros"),
    "circular": (X, W, padded("wrap"), {"padding": 2}, None, "boundary", "circular, not zeros"),
    "constant": (
        *(X, W, padded("constant", constant_values=1.5), {"padding": 2}, None),
        *("boundary", "constant 1.5, not zeros"),
    ),
    "channels last": (
        *(X, W, conv(X, W).transpose(0, 2, 3, 1), {}, None),
        *("axes of y", "the result is read as (n s0 s1 o), not (n o s0 s1)"),
    ),
    "reshaped": (
        *(X, W, conv(X, W).transpose(0, 2, 3, 1).reshape(2, 6, 7, 6), {}, None),
        *("axes of y", "the result was reshaped to (n s0 s1 o) instead of transposed"),
    ),
}


@pytest.mark.parametrize("name", CAUSES)
def test_a_cause_is_named(name):
    x, w, y, options, bias, field, says = CAUSES[name]
    found = diagnose(x, w, y, bias, **options)
    assert found.explained
    assert fields(found) == (field,), str(found)
    assert says in found.causes[0].text, found.causes[0].text
    assert found.causes[0].text in found.verdict
    assert found.remainder.precision == "float32"
    assert not found.agrees
    assert found.causes[0].share is None or found.causes[0].share > 0.999


def test_a_transposed_convolution_cropped_and_lengthened():
    x, w = normal(1, 3, 5, 4), normal(3, 2, 4, 4)
    whole = uniconv.conv_transpose(x, w, dialect=TRANSPOSE2D, stride=2)
    options = {"stride": 2, "padding": 1}
    call = Call(x, w, dialect=TRANSPOSE2D, **options)
    off = uniconv.diagnose(call, whole[:, :, :-2, :-2])
    assert fields(off) == ("crop",)
    assert "the crop is ((0, 2), (0, 2)), not ((1, 1), (1, 1))" in off.verdict
    assert "no call of torch.nn.functional.conv_transpose2d gives y" in off.notes[0]
    longer = uniconv.conv_transpose(x, w, dialect=TRANSPOSE2D, output_padding=1, **options)
    found = uniconv.diagnose(call, longer)
    assert fields(found) == ("crop",)
    assert found.causes[0].text.endswith("output_padding")
    assert found.call == f"{TRANSPOSE2D}(x, w, stride=2, padding=1, output_padding=1)"


def test_two_causes_share_the_difference():
    y = conv(X, W[:, :, ::-1, ::-1].swapaxes(2, 3).copy(), BIAS)
    found = diagnose(X, W, y, BIAS)
    assert set(fields(found)) == {"axes of w", "reverse"}
    assert sum(c.share for c in found.causes) == pytest.approx(1)
    assert all(0 <= c.share <= 1 for c in found.causes)


@pytest.mark.parametrize(
    "name", ["flipped", "dilation", "bias twice", "stride", "no padding", "kernel's axes", "scale"]
)
def test_the_call_that_gives_y_gives_it(name):
    """The text is run: torch's own function on the arrays, as the diagnosis writes it."""
    x, w, y, options, bias, *_ = CAUSES[name]
    found = diagnose(x, w, y, bias, **options)
    named = {"x": torch.tensor(x), "w": torch.tensor(w), "torch": torch}
    named |= {"F": torch.nn.functional, "bias": None if bias is None else torch.tensor(bias)}
    lines = found.call.splitlines()
    exec("\n".join([*lines[:-1], f"result = {lines[-1].removeprefix('y = ')}"]), named)
    np.testing.assert_allclose(named["result"].numpy(), y, rtol=1e-4, atol=1e-5)


def test_code_for_the_order_of_depthwise_filters():
    x, w = normal(1, 7, 7, 4), normal(3, 3, 4, 2)
    options = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    used = w.reshape(3, 3, 2, 4).swapaxes(2, 3).copy()
    y = uniconv.depthwise_conv(x, used, dialect="tf.nn.depthwise_conv2d", **options)
    found = uniconv.diagnose(Call(x, w, dialect="tf.nn.depthwise_conv2d", **options), y)
    assert fields(found) == ("order of filters",)
    assert found.call == (
        "tf.nn.depthwise_conv2d(x, w.reshape(3, 3, 2, 4).swapaxes(2, 3), strides=[1, 1, 1, 1], "
        'padding="SAME")'
    )


def test_exchanged_in_x_and_the_kernel_as_code():
    x, w = normal(1, 2, 8, 8), normal(3, 2, 3, 3)
    y = conv(x.swapaxes(2, 3).copy(), w.swapaxes(2, 3).copy(), stride=(1, 2))
    found = diagnose(x, w, y, stride=(1, 2))
    assert found.causes[0].text == "height and width are exchanged in both x and the kernel"
    told = "x.permute(0, 1, 3, 2), w.permute(0, 1, 3, 2), stride=(1, 2)"
    assert found.call == f"{CONV2D}({told})"


# What remains


def short(a: Any, bits: int) -> Any:
    raw = np.ascontiguousarray(a).view(np.uint32)
    half = (1 << bits - 1) - 1
    cut = np.uint32(0xFFFFFFFF << bits & 0xFFFFFFFF)
    return (raw + np.uint32(half) + (raw >> np.uint32(bits) & np.uint32(1)) & cut).view(np.float32)


def test_what_remains_names_the_precision():
    def left(y: Any, **more: Any) -> str:
        found = uniconv.diagnose(Call(X, W, dialect=CONV2D), y, **more)
        assert found.agrees, str(found)
        assert found.causes == ()
        return found.remainder.precision

    float64 = (X.astype(np.float64), W.astype(np.float64))
    exact = conv(*float64)
    six = np.array([float(f"{v:.6g}") for v in exact.ravel()]).reshape(exact.shape)
    assert left(
        reference(Convolution((1, 1), ((0, 0),) * 2, (1, 1), (1, 1), (False,) * 2), *float64)
    ) == ("float64")
    assert left(conv(X, W)) == "float32"
    assert left(conv(short(X, 13), short(W, 13))) == "TF32 or float16"  # 11 bits, both
    assert left(conv(short(X, 16), short(W, 16))) == "bfloat16"
    assert left(short(conv(short(X, 16), short(W, 16)), 16)) == "bfloat16"
    half = conv(X.astype(np.float16).astype(np.float32), W.astype(np.float16).astype(np.float32))
    assert left(half) == "TF32 or float16"
    assert left(half.astype(np.float16)) == "float16"
    assert left(six, tolerance=5e-5) == "printed digits"
    x, w = (RNG.integers(-8, 9, a.shape).astype(np.float32) for a in (X, W))
    found = diagnose(x, w, conv(x, w))
    assert found.verdict == "y is exactly what torch.nn.functional.conv2d gives."
    assert str(found.remainder) == "nothing: every number is exactly equal"


def test_a_separable_sum_that_cancels_is_still_rounding():
    """S is that of both kernels: their product may be small where what is added is not."""
    x, w = normal(1, 40, 1), np.array([1.1, 1.3, 1.7], np.float32).reshape(1, 1, 3)
    p = np.array([1, 1e-3, -1.1 / 1.7], np.float32).reshape(1, 3, 1)
    y = uniconv.separable_conv(x, w, p, dialect="keras.layers.SeparableConv1D")
    call = Call(x, w, dialect="keras.layers.SeparableConv1D", pointwise=p)
    found = uniconv.diagnose(call, y)
    assert found.agrees
    assert found.remainder.precision == "float32"


def test_printed_digits_of_found_arrays_are_the_tolerance():
    y = np.round(conv(X, W).astype(np.float64), 2)
    told = NamedArray("table", y, 0.005, digits=4, line=7)
    assert diagnose(X, W, told).remainder.precision == "printed digits"
    assert not uniconv.diagnose(Call(X, W, dialect=CONV2D), y + 0.5, depth=1).agrees


# What cannot be told


def test_a_symmetric_kernel_hides_a_flip():
    w = np.ones((6, 4, 3, 3), np.float32)
    found = diagnose(X, w, conv(X, w))
    assert found.agrees
    assert (
        "flipping on height and width cannot be seen: the kernel or x is symmetric there; "
        "use probe()"
    ) in found.undecided


def test_several_explanations_are_all_told():
    w = W[:, :, :1, :].copy()  # one row: all orders of its axes look alike
    y = conv(X, w[:, :, :, ::-1].copy())
    x = np.concatenate([X, X[..., ::-1]], -1)  # x is its own mirror image
    both = conv(x, np.ascontiguousarray(w[..., ::-1]))
    found = diagnose(X, w, y)
    assert fields(found) == ("reverse",)
    mirrored = diagnose(x, w, both)
    assert mirrored.explained
    assert fields(mirrored) == ("reverse",)


def test_numbers_that_nothing_gives_have_no_cause():
    found = diagnose(X, W, normal(2, 6, 7, 6))
    assert not found.explained
    assert found.verdict.startswith("Nothing that uniconv knows explains y as a result of torch.nn")
    assert found.fixes == ()
    assert "What gives y" not in str(found)
    assert not found.remainder.is_rounding


def test_a_miss_says_where_it_fails():
    y = conv(X, W[:, :, ::-1, ::-1].copy())
    y[0, 2, 1, 1] += 1
    found = uniconv.diagnose(Call(X, W, dialect=CONV2D), y, depth=1)
    assert not found.explained
    assert fields(found) == ("reverse",)
    assert "; the nearest that it knows is that the kernel is flipped" in found.verdict
    assert (
        found.where == "they differ from the nearest only in output channels [2]: "
        "1 of 504 numbers, first at y[0, 2, 1, 1]"
    )
    assert "The nearest miss:" in str(found)


def test_one_number_is_too_little():
    x, w = normal(1, 1, 1, 1), normal(1, 1, 1, 1)
    found = diagnose(x, w, 3 * conv(x, w))
    assert not found.explained


def test_no_function_named_finds_one():
    found = uniconv.diagnose(Call(X, W, dialect=None), conv(X, W, padding=1))
    assert found.agrees
    assert found.notes[0].startswith("these calls give y, too: ")
    assert "paddle.nn.functional.conv2d(x, w, padding=1)" in found.notes[0]
    with pytest.raises(UnknownName, match="no function takes arrays of these shapes"):
        uniconv.diagnose(Call(normal(2), normal(3, 3, 3, 3, 3, 3), dialect=None), normal(2))


# Pairs


def test_a_pair_by_fields():
    w = W.transpose(2, 3, 1, 0)
    knet = Call(X.transpose(2, 3, 1, 0), w, dialect="knet.conv4", padding=1, alpha=2)
    options = {"strides": 2, "padding": "SAME"}
    tf = Call(X.transpose(0, 2, 3, 1), w, BIAS, dialect="tf.nn.conv2d", **options)
    found = compare(knet, tf)
    assert found.explained
    assert [c.text for c in found.causes] == [
        "knet.conv4 has stride (1, 1), tf.nn.conv2d (2, 2)",
        "knet.conv4 has padding ((1, 1), (1, 1)), tf.nn.conv2d ((1, 1), (0, 1))",
        "knet.conv4 convolves, tf.nn.conv2d correlates, on both spatial axes",
        "knet.conv4 multiplies by 2, tf.nn.conv2d by 1",
        "knet.conv4 adds no bias, tf.nn.conv2d a bias",
    ]
    assert found.verdict.endswith("; the results differ in size.")


def test_a_pair_that_agrees_says_so():
    a = Call(X, W, dialect=CONV2D, padding=1)
    options = {"strides": 1, "padding": "SAME"}
    x, w = X.transpose(0, 2, 3, 1), W.transpose(2, 3, 1, 0)
    b = Call(x, w, dialect="tf.nn.conv2d", **options)
    y = conv(X, W, padding=1)
    found = compare(a.with_result(y), b)
    assert found.agrees
    assert compare(a, y, b, b.run()).agrees
    assert found.verdict.startswith(f"{CONV2D} and tf.nn.conv2d agree: what is left is rounding")


def test_a_pair_with_other_data():
    a = Call(X, W, dialect=CONV2D)
    b = Call(X[:, ::-1].copy(), W, dialect=CONV2D)
    found = compare(a, b)
    assert [c.field for c in found.causes] == ["order of channels in x"]
    more = compare(a, Call(X + 1, W, dialect=CONV2D))
    assert more.causes[0].text.endswith("has another x than torch.nn.functional.conv2d: x, plus 1")
    other = compare(a, Call(X + np.eye(9, 8, dtype="f4"), W, dialect=CONV2D))
    assert other.causes[0].field == "data"
    assert "are not the same numbers: they differ by up to 1" in other.causes[0].text


def test_a_pair_says_which_run_left_its_call():
    call = Call(X, W, dialect=CONV2D)
    found = compare(call, conv(X, W), call, conv(X, W[:, :, ::-1, ::-1].copy()))
    assert fields(found) == ("reverse",)
    assert found.notes == (
        f"the result of b ({CONV2D}) is not what its own call gives: the kernel is flipped on "
        "height and width: a true convolution, not a cross-correlation",
    )
    wild = compare(call, call.with_result(normal(2, 6, 7, 6)), depth=1)
    assert not wild.explained
    assert wild.verdict.startswith(f"The result of b, {CONV2D}, is not explained by its own call. ")


# Errors, in full


@pytest.mark.parametrize(
    ("error", "more", "text"),
    [
        (
            BadShape,
            {"y": normal(6, 7, 6)},
            "torch.nn.functional.conv2d: y (6, 7, 6) has 3 axes, the expected result (2, 6, 7, 6) "
            "has 4; add or drop axes of size 1",
        ),
        (
            BadArray,
            {"y": np.full((2, 6, 7, 6), np.nan)},
            "y has 504 values that are no finite numbers, the first at y[0, 0, 0, 0]: diagnose "
            "compares finite numbers",
        ),
        (
            BadShape,
            {"bias": BIAS[:3]},
            "torch.nn.functional.conv2d: bias (3,) must have the 6 channels of y",
        ),
        (BadArray, {"tolerance": {"z": 1}}, "tolerance['z']: the arrays are x, w and y"),
        (
            BadArray,
            {"tolerance": -1.0},
            "tolerance of y is -1.0; it must be a number of at least 0",
        ),
        (
            BadArray,
            {"y": np.array(["a"])},
            "y has dtype <U1, no numbers: give integers or floats",
        ),
    ],
)
def test_errors(error, more, text):
    call = Call(X, W, more.get("bias"), dialect=CONV2D)
    with pytest.raises(error) as caught:
        uniconv.diagnose(call, more.get("y", conv(X, W)), tolerance=more.get("tolerance"))
    assert str(caught.value) == text


def test_what_has_no_y_or_no_numbers():
    call = Call(X, W, dialect=CONV2D)
    with pytest.raises(BadArray) as caught:
        uniconv.diagnose(call)
    assert str(caught.value) == "diagnose has no y to explain: diagnose(call, y)"
    shapes = Call(X.shape, W.shape, dialect=CONV2D)
    for verb in (lambda: uniconv.diagnose(shapes, conv(X, W)), lambda: compare(shapes, call)):
        with pytest.raises(BadArray) as caught:
            verb()
        assert str(caught.value) == "x is the shape (2, 4, 9, 8): give its numbers"


def test_a_call_that_holds_its_y_is_asked_alone():
    call = Call(X, W, dialect=CONV2D)
    off = conv(X, W) + np.float32(1e-3)
    assert uniconv.diagnose(call.with_result(conv(X, W))).agrees
    assert not uniconv.diagnose(call.with_result(off), depth=1).agrees
    assert uniconv.diagnose(call.with_result(off, tolerance=2e-3)).agrees
    assert uniconv.diagnose(call.with_result(off, tolerance=2e-3), tolerance=0).causes


# Text, JSON, page


def test_the_text_json_and_page_say_the_same():
    found = diagnose(X, W, padded("reflect"), padding=2)
    text, told, page = str(found), json.loads(found.to_json()), found.to_html()
    assert text.splitlines()[0] == found.verdict == told["verdict"]
    assert found.where.startswith("they differ only at the rim of width 2: ")
    assert told["causes"][0]["actual"] == "reflect"
    assert told["remainder"]["precision"] == "float32"
    assert "http" not in page
    assert "src=" not in page
    assert page.count("<svg") == 5  # two results, their difference, the kernel before and after
    assert 'F.pad(x, [2, 2, 2, 2], mode="reflect")' in found.call
    assert "reflect" in page


def test_json_has_no_infinity():
    found = diagnose(X, W, conv(X, W), stride=2)
    assert json.loads(found.to_json())["difference"] is None


# The command line


def run(*words: str) -> Any:
    return CliRunner().invoke(cli.app, ["diagnose", *words])


def test_the_founding_question(tmp_path):
    result = run(
        str(QUESTION),
        *("--a", "knet.conv4", "x=partappledata[..., None]", "w=testw[..., None]"),
        *("y=ydata[:, :, None, None]", "padding=1"),
        *("--b", "tf.nn.conv2d", "x=immatdata[None]", "w=wdata[..., None]"),
        *("y=part_conv_data[None, ..., None]", "strides=[1,1,1,1]", "padding=SAME"),
        *("--html", str(tmp_path / "page.html")),
    )
    assert (result.exit_code, result.exception) == (0, None)
    first = result.stdout.splitlines()[0]
    assert first == (
        "knet.conv4 convolves, tf.nn.conv2d correlates, on both spatial axes; precision explains "
        "at most 5.0e-4 of a difference of up to 370.3; `knet.conv4(testw[..., None], "
        "partappledata[..., None], padding=1, mode=1)` or `tf.nn.conv2d(immatdata[None], "
        'wdata[..., None][::-1, ::-1], strides=[1, 1, 1, 1], padding="SAME")` makes both agree.'
    )
    assert "<svg" in (tmp_path / "page.html").read_text("utf-8")


def test_one_run_from_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    y = conv(X, W[:, :, ::-1, ::-1].copy())
    np.save("image.npy", X)
    np.savez("more.npz", w=W, y=y)
    result = run("x=image.npy", "w=more.npz:w", "y=more.npz:y", "--dialect", CONV2D, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["call"] == f"{CONV2D}(x, w.flip(2, 3))"
    other = run("more.npz", "x=image.npy", "--expected", CONV2D, "stride=1")  # w, y by their names
    assert (other.exit_code, "the kernel is flipped" in other.stdout) == (0, True)
    np.savez("noise.npz", x=normal(1, 1, 12), w=normal(2, 1, 3), y=normal(1, 2, 10))
    assert run("noise.npz", "--dialect", "torch.nn.functional.conv1d").exit_code == 1


def with_statistics(*statistics: str) -> list[str]:
    flags = [word for statistic in statistics for word in ("--batchnorm", statistic)]
    return ["layer.npz", "--dialect", CONV2D, *flags]


def test_a_batchnorm_of_another_eps_from_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x, w = X[:1, :, :4, :5], W[:2]
    mean, variance = np.array([3.0, -1]), np.array([0.05, 0.4])
    y = (conv(x, w) - mean[:, None, None]) / np.sqrt(variance + 1e-3)[:, None, None]
    np.savez("layer.npz", x=x, w=w, y=y, running_mean=mean, both=np.stack([mean, variance]))
    np.save("variance.npy", variance)
    words = with_statistics("mean=running_mean", "running_var=layer.npz:both[1]", "eps=1e-5")
    found = run(*words)
    assert (found.exit_code, found.exception) == (0, None)
    assert "the BatchNorm has eps 0.001, not 1e-05" in found.stdout
    words = with_statistics("mean=running_mean", "variance=variance.npy", "epsilon=1e-3")
    agrees = run(*words)
    assert (agrees.exit_code, "has eps" in agrees.stdout) == (0, False)


@pytest.mark.parametrize(
    ("statistics", "text"),
    [
        (["mean"], "--batchnorm mean: say NAME=ARRAY, as mean=mean.npy, or eps=1e-5"),
        (["mean=w", "mean=w"], "--batchnorm mean=w: mean is given twice"),
        (["mean=nix"], "--batchnorm mean=nix: no array and no file has that name; the files have"),
        (["men=w"], 'batchnorm has no "men": did you mean "mean"?'),
        (["mean=w", "eps=1e-5"], "batchnorm lacks variance: give dict(mean=..., variance=...,"),
        (["mean=x", "variance=w", "eps=0"], "mean (2, 4, 9, 8) must have the 6 channels of y"),
        (["mean=w", "variance=w", "eps=w"], "eps (6, 4, 3, 3) must be a number of at least 0"),
    ],
)
def test_wrong_words_for_statistics(statistics, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savez("layer.npz", x=X, w=W, y=conv(X, W))
    with pytest.raises(SystemExit) as end:
        cli.main(["diagnose", *with_statistics(*statistics)])
    assert end.value.code == (2 if text.startswith("--batchnorm") else 1)
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ["x=nix", "--dialect", "tf"],
            "x=nix: no array and no file has that name; the files have",
        ),
        (["--a", "knet.conv4"], "give --a FUNCTION and --b FUNCTION for two runs, or --dialect"),
        (["--a"], "--a wants a function: --a tf.nn.conv2d"),
        (["--a", "x=1"], "--a wants a function before x=1: --a tf.nn.conv2d"),
        (["padding=1"], "options of a function come after --a, --b or --dialect"),
        (["x=testw", "x=wdata"], "x=wdata: x is given twice"),
        (["=1"], "=1: a name is missing"),
        (["--dialect", "tf", "dialect=tf"], "dialect=tf: write --dialect"),
        (["--dialect", "tf", "more.txt"], "more.txt: files come before --a, --b and --dialect"),
        (["--dialect", "tf", "--dialect", "tf"], "--dialect is given twice"),
        (["--nix", "--dialect", "tf"], "No such option: --nix"),
        (["--dialect", "tf"], "x is missing: write x=NAME or x=FILE"),
        (["x=testw[a]"], "x=testw[a]: the index takes integers, slices, None and ..."),
        (["x=testw[9]"], "x=testw[9]: index 9 is out of bounds for axis 0 with size 3; testw has"),
        (["x=testw]"], "x=testw] is no NAME, NAME[INDEX], FILE or FILE:NAME"),
        (["--batchnorm", "mean=testw"], "--batchnorm follows one call: give --dialect FUNCTION"),
    ],
)
def test_wrong_usage(words, text, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["diagnose", str(QUESTION), *words])
    assert end.value.code == 2
    assert text in capsys.readouterr().err


# Speed, progress, the benchmark


def test_a_layer_of_64_channels_takes_less_than_5_seconds():
    x, w = normal(1, 56, 56, 64), normal(3, 3, 64, 64)
    options = {"strides": 1, "padding": "SAME"}
    used = np.ascontiguousarray(w[::-1, ::-1].swapaxes(0, 1))
    y = uniconv.conv(x, used, dialect="tf.nn.conv2d", **options)
    begun = time.process_time()
    found = uniconv.diagnose(Call(x, w, dialect="tf.nn.conv2d", **options), y)
    assert set(fields(found)) == {"axes of w", "reverse"}
    assert time.process_time() - begun < 5


def test_a_long_search_shows_progress(monkeypatch):
    ticks = iter(range(0, 10**9, 2))
    clock = SimpleNamespace(monotonic=lambda: next(ticks))
    monkeypatch.setattr(sys.modules["uniconv._diagnose.search"], "time", clock)
    lines: list[str] = []
    y = normal(2, 6, 7, 6)
    uniconv.diagnose(Call(X, W, dialect=CONV2D), y, progress=lines.append)
    assert any(line.startswith("pairs of causes: ") for line in lines)


def test_a_part_of_the_benchmark(faults):
    """The whole: python benchmarks/diagnose_faults.py."""
    single, wrong = faults.faults(20, 1, 5, False)
    assert single.right >= 19, wrong
    double, wrong = faults.faults(8, 2, 6, False)
    assert double.right >= 7, wrong
    false, told = faults.correct(20, 7, False)
    assert false == 0, told


DIAGNOSE = ROOT / "uniconv" / "_diagnose"


@pytest.mark.parametrize(
    "name",
    [".".join(p.relative_to(DIAGNOSE).with_suffix("").parts) for p in DIAGNOSE.rglob("[a-z]*.py")],
)
def test_examples_in_docstrings(name):
    module = importlib.import_module(f"uniconv._diagnose.{name}")
    assert doctest.testmod(module).failed == 0


def test_every_padding_word_of_a_registered_function_is_tried():
    known = {id(word) for transposed in (False, True) for word in words(transposed).values()}
    own = {
        word
        for op in functions().values()
        for pad in [op.pad.pad if isinstance(op.pad, Crop) else op.pad]
        for name, word in pad.words.items()
        if isinstance(name, str) and callable(word) and not isinstance(word, BesideOutput)
    }
    assert len(own) > 12
    assert {id(word) for word in own} <= known


def test_a_word_that_few_frameworks_have_is_named_as_they_spell_it():
    x, w = normal(2, 3, 7, 6), normal(3, 2, 4, 4)
    dialect = "torch.nn.functional.conv_transpose2d"
    whole = uniconv.conv_transpose(x, w, dialect=dialect)
    y = whole[:, :, 2:-1, 2:-1].copy()  # kernel less stride in all, the odd pixel before
    found = uniconv.diagnose(Call(x, w, dialect=dialect, kind="conv_transpose"), y)
    assert fields(found) == ("crop",)
    assert found.causes[0].text.endswith("SamePad() (Flux, Lux)")


def test_a_spread_x_of_four_axes_is_convolved_as_the_call_does():
    """More axes than torch's transposed op has, in groups."""
    x, w = (RNG.integers(-8, 9, shape) for shape in ((3, 3, 4, 2, 4, 3), (6, 1, 2, 1, 2, 2)))
    options = {"window_strides": (1,) * 4, "padding": [(1, 0)] * 4}
    options |= {"lhs_dilation": (1, 3, 2, 1), "feature_group_count": 3}
    arrays = x.astype("float32"), w.astype("float32")
    call = Call(*arrays, dialect="jax.lax.conv_general_dilated", **options)
    assert fields(uniconv.diagnose(call, call.run())) == ()
    turned = Call(arrays[0], arrays[1][..., ::-1], dialect=call.dialect, **options)
    assert fields(uniconv.diagnose(call, turned.run())) == ("reverse",)

"""The law of printed code: every line that diagnose and compare print is run, and gives its y."""

from __future__ import annotations

import doctest
import importlib
from typing import Any

import numpy as np
import pytest
import torch

import uniconv
from uniconv import Call, Diagnosis, compare
from uniconv._diagnose.array_code import in_torch
from uniconv._diagnose.inputs import problem, read_array
from uniconv._diagnose.where import ResultPlaces

RNG = np.random.default_rng(5)
TORCH, TF = "torch.nn.functional.conv2d", "tf.nn.conv2d"


def integers(*shape: int) -> Any:
    return RNG.integers(-9, 10, shape).astype(np.float64)


def run(code: str, name: str, **arrays: Any) -> Any:
    """Code as a reader runs it: torch's own functions on tensors, else ``uniconv.native``."""
    own = name.startswith("torch.nn.functional.")
    kind = torch.as_tensor if name.startswith("torch.") else np.asarray
    scope: dict[str, Any] = {n: kind(np.ascontiguousarray(a)) for n, a in arrays.items()}
    scope |= {"numpy": np, "torch": torch, "function": eval(name) if own else uniconv.native(name)}
    *head, last = code.replace(f"{name}(", "function(").splitlines()
    exec("\n".join([*head, f"y = {last.removeprefix('y = ')}"]), scope)
    return np.asarray(scope["y"])


def agree(found: Diagnosis, a: Call, b: Call) -> None:
    """Each printed fix gives, on its own run's arrays, what the other run gives."""
    runs = {a.function.name: (a, b), b.function.name: (b, a)}
    for fix in found.fixes:
        mine, theirs = runs[fix.what.partition(" gives")[0]]
        held = {"x": mine.x, "w": mine.w}
        bias = mine.bias if mine.bias is not None else theirs.bias
        held |= {} if bias is None else {"bias": bias}
        y, goal = run(fix.code, mine.function.name, **held), theirs.run()
        goal = _as(goal, theirs, mine)
        np.testing.assert_allclose(y, goal, rtol=1e-6, atol=1e-6 * np.abs(goal).max())


def _as(y: Any, source: Call, target: Call) -> Any:
    """y in the other function's layout: channels first, or last."""
    first, last = TORCH, TF
    names = source.function.name, target.function.name
    if names == (last, first):
        return y.transpose(0, 3, 1, 2)
    return y.transpose(0, 2, 3, 1) if names == (first, last) else y


X, W = integers(2, 3, 7, 6), integers(4, 3, 3, 2)
SQUARE, EVEN, BIAS = integers(3, 3, 3, 3), integers(2, 3, 6, 6), np.array([3, -7, 5, 2.0])
OBLONG = W
MEAN, STD = np.array([0.5, -1, 2.0]), np.array([2, 4, 0.5])

# What the second run is given in the place of x, w and the bias; and what is said of it.
GIVEN: dict[str, tuple[Any, Any, Any, str]] = {
    "w reversed": (X, W[:, :, ::-1, ::-1], None, "it is reversed on height and width"),
    "w reversed on one axis": (X, W[:, :, :, ::-1], None, "it is reversed on width"),
    "filters in another order": (X, W[[2, 0, 3, 1]], None, "the filters are in the order [2, 0,"),
    "filters reversed": (X, W[::-1], None, "the filters are reversed"),
    "channels of w": (X, W[:, [1, 0, 2]], None, "the kernel's input channels are in the order"),
    "w scaled": (X, W / 3, None, "the kernel is multiplied by 1/3"),
    "w scaled by filter": (X, W * BIAS[:, None, None, None], None, "a factor per channel"),
    "w reversed and scaled": (X, -W[:, :, ::-1, ::-1], None, "multiplied by -1 and it is rev"),
    "filters and scale": (X, 2 * W[[2, 0, 3, 1]], None, "the filters are in the order"),
    "in and out": (X, SQUARE.swapaxes(0, 1), None, "input and output channels are exchanged"),
    "height and width": (X, SQUARE.swapaxes(2, 3), None, "height and width are exchanged"),
    "axes and reversed": (
        *(X, SQUARE.swapaxes(2, 3)[:, :, ::-1], None),
        "height and width are exchanged in the kernel and it is reversed on height",
    ),
    "read otherwise": (
        *(X, SQUARE.transpose(2, 3, 1, 0), None),
        "the kernel is read as (s1 s0 o i), not (o i s0 s1)",
    ),
    "reshaped": (X, OBLONG.transpose(0, 2, 3, 1).reshape(4, 3, 3, 2), None, "reshaped"),
    "BGR": (X[:, ::-1], W, None, "the channels of x are reversed (RGB and BGR)"),
    "x scaled": (X / 255, W, None, "x is multiplied by 1/255"),
    "x normalized": (
        *((X - MEAN[:, None, None]) / STD[:, None, None], W, None),
        "x is multiplied by a factor per channel, 1/2, 1/4, 2, plus -0.25, 0.25, -4",
    ),
    "x to -1 to 1": (X / 127.5 - 1, W, None, "x is multiplied by 0.00784314, plus -1"),
    "BGR and scaled": (X[:, ::-1] / 2, W, None, "the channels of x are reversed"),
    "x upside down": (X[:, :, ::-1], W, None, "x is reversed on height"),
    "x exchanged": (EVEN.swapaxes(2, 3), W, None, "height and width are exchanged in x"),
    "x cut": (X[:, :, 1:6, 1:5], W, None, "x is cut to 1:6 x 1:5"),
    "x cut and scaled": (X[:, :, 1:6, 1:5] / 2, W, None, "x is cut to 1:6 x 1:5 and x is mult"),
    "x and w": (X[:, ::-1], W[:, :, ::-1, ::-1], None, "the channels of x are reversed"),
    "bias missing": (X, W, None, "adds a bias, tf.nn.conv2d no bias"),
    "bias reversed": (X, W, BIAS[::-1], "adds another bias than"),
    "bias in another order": (X, W, BIAS[[2, 0, 3, 1]], "its channels are in the order [2, 0, 3"),
    "bias negated": (X, W, -BIAS, "its channels are negated"),
    "bias scaled": (X, W, BIAS / 4, "its channels are multiplied by 1/4"),
    "another bias": (X, W, np.array([1, 7, 3, 40.0]), "add different biases"),
}


@pytest.mark.parametrize("name", GIVEN)
def test_two_runs_on_arrays_that_are_related(name):
    x, w, bias, says = GIVEN[name]
    w_a = SQUARE if w.shape == SQUARE.shape else W
    x_a = EVEN if name == "x exchanged" else X
    bias_a = BIAS if "bias" in name else None
    a = Call(x_a, w_a, bias_a, dialect=TORCH, padding=1)
    own = (
        np.ascontiguousarray(x.transpose(0, 2, 3, 1)),
        np.ascontiguousarray(w.transpose(2, 3, 1, 0)),
    )
    b = Call(*own, bias, dialect=TF, strides=2, padding="VALID")
    for one, two in ((a, b), (b, a)):
        found = compare(one, two)
        assert found.explained, str(found)
        assert found.fixes, str(found)
        agree(found, one, two)
        if one is a:
            assert any(says in c.text for c in found.causes), str(found)
            assert "data" not in [c.field for c in found.causes] or "reversed" in says
            cut = {"x cut", "x cut and scaled"}
            assert len(found.fixes) == 1 + (name not in cut), str(found)


def test_a_kernel_that_was_turned_by_hand_is_not_turned_again():
    a, b = np.array([0.1, 0.2, 0.3, 0.4, 0.5]), np.array([0, 0.1, 0.3])
    conv1d = "torch.nn.functional.conv1d"
    turned = Call(a[None, None], b[None, None, ::-1].copy(), dialect=conv1d)
    scipy = Call(a, b, dialect="scipy.signal.convolve")
    found = compare(turned, scipy)
    assert [c.field for c in found.causes] == ["padding"]
    assert found.fixes[0].code == f"{conv1d}(x, w, padding=2)"
    assert found.fixes[1].code == 'scipy.signal.convolve(x, w, mode="valid")'
    assert "reversed on length, which undoes that" in found.notes[0]
    plain = Call(a[None, None], b[None, None], dialect=conv1d)
    assert compare(plain, scipy).fixes[0].code == f"{conv1d}(x, w.flip(2), padding=2)"


def test_runs_that_end_in_different_activations():
    a = Call(X, W, BIAS, dialect=TORCH)
    y = np.maximum(a.run(), 0)
    call = Call(X, W, BIAS, dialect=TORCH, padding=1)
    found = compare(a.with_result(y), call)
    assert [c.field for c in found.causes] == ["padding", "activation"]
    held = {"x": X, "w": W, "bias": BIAS}
    for fix, goal in zip(found.fixes, (call.run(), y)):
        code = fix.code.replace("F.", "torch.nn.functional.") if "import" in fix.code else fix.code
        np.testing.assert_allclose(run(code, TORCH, **held), goal, rtol=1e-6)


def test_arrays_of_other_numbers_have_no_line():
    a = Call(X, W, dialect=TORCH)
    found = compare(a, Call(integers(2, 3, 7, 6), W, dialect=TORCH, stride=2))
    assert [c.field for c in found.causes] == ["data", "stride"]
    assert found.fixes == ()
    assert "makes both agree" not in found.verdict


@pytest.mark.parametrize("shape", [(3, 4), (2, 1, 3, 4, 5)], ids=["none", "three"])
def test_x_that_is_moved_has_lines_with_any_number_of_batch_axes(shape):
    name = "torch.nn.functional.conv1d" if len(shape) == 2 else "flax.linen.Conv"
    x, w = integers(*shape), integers(2, 3, 2) if len(shape) == 2 else integers(2, 5, 4)
    axis, options = (1, {}) if len(shape) == 2 else (3, {"padding": "VALID"})
    call = Call(x, w, dialect=name, **options)
    y = Call(np.roll(x, 1, axis), w, dialect=name, **options).run()
    found = uniconv.diagnose(call, y, depth=1)
    assert f"torch.roll(x, [1], [{axis}])" in found.call or f"numpy.roll(x, [1], [{axis}])" in (
        found.call
    )
    np.testing.assert_allclose(run(found.call, name, x=x, w=w), y)


def test_names_that_are_no_names_do_not_get_into_code():
    from uniconv.files import NamedArray

    y = uniconv.conv(X, W[:, :, ::-1, ::-1].copy(), dialect=TORCH)
    text = 'open("x").write'
    call = Call(NamedArray(text, X, np.zeros_like(X)), W, dialect=TORCH)
    assert uniconv.diagnose(call, y).call == f"{TORCH}(x, w.flip(2, 3))"


@pytest.mark.parametrize(
    "code",
    [
        "w[:, :, ::-1, ::-1]",
        "w[[1, 0], ::-1]",
        "w.transpose(3, 2, 0, 1)",
        "w.reshape(5, 4, 3, 2, order='F').transpose(3, 2, 1, 0)",
        "w.transpose(1, 0, 3, 2).reshape(2, 3, 4, 5)[:, 1:3, ::-1]",
        "w.reshape(3, 2, 4, 5).swapaxes(0, 1)",
        "numpy.roll(w, [1, 1], [2, 3])",
        "numpy.pad(w[:, :, 1:, :], [(0, 0), (0, 0), (0, 1), (0, 0)])",
        "(w * 0.5 + numpy.array([1.0, 2.0]).reshape(-1, 1, 1, 1))[::-1]",
    ],
)
def test_code_in_torch_is_the_same_as_in_numpy(code):
    w = np.arange(120.0).reshape(2, 3, 4, 5)
    expected = eval(code, {"w": w, "numpy": np})
    for like, array in (("w", torch.tensor(w)), (None, w)):
        result = eval(in_torch(code, like), {"w": array, "torch": torch})
        np.testing.assert_array_equal(np.asarray(result), expected)


@pytest.mark.parametrize("module", ["array_code", "lines"])
def test_examples_in_docstrings(module):
    found = doctest.testmod(importlib.import_module(f"uniconv._diagnose.{module}"))
    assert (found.failed, found.attempted > 0) == (0, True)


# ResultPlaces


def test_places_are_told_as_the_framework_writes_them():
    x, w = integers(2, 7, 6, 3), integers(3, 3, 3, 4)
    call = Call(x, w, dialect=TF, strides=1, padding="VALID")
    y = call.run()
    y[[0, 1], [3, 1], [3, 2], [2, 0]] += 100
    found = uniconv.diagnose(call, y, depth=1)
    assert found.where == (
        "they differ only in output channels [0, 2]: 2 of 160 numbers, first at y[0, 3, 3, 2]"
    )
    turn = x.transpose(1, 2, 3, 0)
    knet = Call(turn, w, dialect="knet.conv4", mode=1)
    found = uniconv.diagnose(knet, y.transpose(1, 2, 3, 0), depth=1)
    assert "first at y[4, 4, 3, 1]" in found.where
    x, w = integers(8, 9), integers(3, 2)
    matlab = Call(x, w, dialect="matlab.conv2")
    y = matlab.run()
    arrays = [read_array(a, role) for a, role in ((x, "x"), (w, "w"), (y, "y"))]
    places = ResultPlaces(problem(matlab.function, {}, *arrays), "result")
    assert places.element((0, 0, 2, 5)) == "result(3, 6)"
    assert places.numbers([0, 3]) == [1, 4]


def test_shapes_are_told_in_the_users_axes():
    x, w = integers(1, 8, 8, 3), integers(3, 3, 3, 4)
    call = Call(x, w, dialect=TF, strides=1, padding="SAME")
    found = uniconv.diagnose(call, integers(1, 8, 8, 3), depth=1)
    assert found.where.startswith("tf.nn.conv2d gives (1, 8, 8, 4), y is (1, 8, 8, 3)")
    other = compare(call, Call(integers(1, 5, 8, 3), w, dialect=TF, strides=1, padding="SAME"))
    assert "they differ in shape, (1, 8, 8, 3) and (1, 5, 8, 3)" in other.causes[0].text


def test_the_page_shows_the_plane_and_the_cells_that_differ():
    x, w = integers(2, 3, 60, 50), integers(4, 3, 3, 3)
    call = Call(x, w, dialect=TORCH)
    y = call.run()
    y[1, 2, 33, 21] += 1000
    page = uniconv.diagnose(call, y, depth=1).to_html()
    assert "observed less expected, image 1 and channel 2 (58×48, the largest of every 2×2)" in page
    assert "<title>[32, 20] = 1000</title>" in page

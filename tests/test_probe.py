"""probe: nothing can hide in its numbers, and the code that it prints runs and compares."""

from __future__ import annotations

import contextlib
import importlib
import io
import random
import subprocess
import warnings
from dataclasses import replace

import numpy as np
import pytest

from uniconv import Call, conv, diagnose, explain
from uniconv._canonical.reference import reference
from uniconv._explain.window import WindowedCall
from uniconv._functional import run_op
from uniconv._probe import probe
from uniconv._probe.mistakes import faults
from uniconv._probe.numbers import fingerprint
from uniconv.conformance.oracles import runs
from uniconv.conformance.oracles.tf import LACKING
from uniconv.errors import BadOption, BadShape, UniconvError
from uniconv.spec.padding import Crop
from uniconv.spec.registry import find, functions
from uniconv.spec.rules import KernelShape
from uniconv.testing.cases import random_case

FUNCTIONS = sorted(functions())


def found_by(name, most=3):
    """Probes of a function: with no options, where it needs none, and with random ones.

    Options that say the sizes once more (a kernel shape, an output shape) are left to the probe.
    """
    op, rng = find(name), random.Random(name)
    again = {rule.option for rule in op.inert_options if isinstance(rule, KernelShape)}
    again |= {op.pad.shape} if isinstance(op.pad, Crop) else set()
    again |= {alias for alias, known in op.aliases.items() if known in again}
    again |= set(op.addend[:1]) if op.addend else set()
    tried = [{}]
    for _ in range(12):
        case = random_case(op, rng, rank=2 if 2 in op.ranks else op.ranks[0])
        tried.append({n: v for n, v in case.options.items() if n not in again})
    for options in tried:
        try:
            made = probe(Call(dialect=name, **options))
        except UniconvError:  # it needs options, or takes these beside other sizes only
            continue
        yield made
        most -= 1
        if not most:
            return


def first(name):
    return next(found_by(name, 1))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_can_hide(name):
    """Any axes of x, w or y reversed, exchanged or rolled; the other memory order."""
    seen = 0
    for found in found_by(name):
        seen += 1
        assert found.undecided == (), found
        square = len(set(found.call.lowered.sizes.kernel)) == 1  # all that the function takes
        for shape in (found.x.shape, *(() if square else (found.w.shape,))):
            long = [n for n in shape if n > 1]
            assert len(set(long)) == len(long), shape
        assert np.abs(found.x).max() <= 8
        assert (found.y == found.y.astype("float64").round()).all()
        right = fingerprint(found.y)
        for what, wrong in faults(found):
            y = wrong()
            assert y.shape != found.y.shape or (y != found.y).any(), what
            assert y.shape != found.y.shape or fingerprint(y) != right, what
    assert seen


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_padding_or_phase_can_hide(name):
    """The record with its padding moved by a pixel, or its kernel read the other way."""
    found = first(name)
    problem = WindowedCall.of(found.call.lowered, found.x, found.w, found.y, found.pointwise)
    base = found.call.lowered.conv
    images = problem.x[: base.batch_groups]
    y = reference(base, images, problem.w)
    records = []
    for axis in range(base.rank):
        for before, after in ((1, -1), (-1, 1))[: 2 if base.rank < 3 else 1]:
            lo, hi = base.pad[axis]
            moved = (lo + before, hi + after)
            if base.boundary not in ("zeros", "circular") and min(moved) < 0:
                continue
            pad = (*base.pad[:axis], moved, *base.pad[axis + 1 :])
            records.append(replace(base, pad=pad))
        turned = list(base.reverse)
        turned[axis] = not turned[axis]
        if found.call.lowered.sizes.kernel[axis] > 1:
            records.append(replace(base, reverse=tuple(turned)))
    assert len(records) >= base.rank
    for record in records:
        got = reference(record, images, problem.w)
        assert got.shape != y.shape or (got != y).any(), record


@pytest.mark.parametrize("name", FUNCTIONS)
def test_y_is_what_the_function_gives(name):
    found = first(name)
    more = () if found.pointwise is None else (found.pointwise,)
    y = run_op(find(name), ("test", name), found.x, found.w, None, "cpu", found.call.options, *more)
    np.testing.assert_array_equal(y, found.y)
    assert found.check(y) == "the same"


def said(code, **names):
    """What pasted Python code prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(code, "pasted", "exec"), names)
    return out.getvalue().splitlines()


IN_PYTHON = [n for n in FUNCTIONS if find(n).family not in ("knet", "matlab")]
RUN_ALWAYS = ("numpy", "pytorch", "scipy")
BY_HAND = ("ncnn", "stablehlo", "tflite")


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if find(n).family in RUN_ALWAYS])
def test_pasted_code_runs_and_finds_the_same(name):
    pytest.importorskip(name.partition(".")[0])
    for found in found_by(name):
        lines = said(found.code())
        assert lines[-1] == "the same", (found.code(), lines)
        assert lines[0] == f"shape {found.y.shape} must be {found.y.shape}"


def test_pasted_code_finds_a_difference():
    found = probe(Call(dialect="torch.nn.functional.conv2d", padding=1))
    code = found.code().replace("torch.tensor(w)", "torch.tensor(w).flip(-1)")
    assert said(code)[-1] == "it differs"
    code = found.code().replace("padding=1", "padding=0")
    assert said(code)[-1] == "it differs"


def test_pasted_code_reads_a_result_made_by_hand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = first("ncnn.Convolution")
    np.save("y.npy", found.y)
    assert said(found.code())[-1] == "the same"
    np.testing.assert_array_equal(np.load("x.npy"), found.x)


@pytest.mark.live
@pytest.mark.parametrize("name", IN_PYTHON)
def test_pasted_code_runs_in_the_real_framework(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # where arrays are handed over in files
    family = find(name).family
    if family in BY_HAND or not runs(family):
        pytest.skip(f"{family} is not installed, or has no call in Python")
    monkeypatch.setenv("DEV", "PYTHON")  # tinygrad without a compiler
    patch = {"chainer": "chainer", "theano": "theano", "lasagne": "lasagne_layers"}.get(family)
    if patch:  # these look for names that today's NumPy, SciPy and setuptools have dropped
        getattr(importlib.import_module(f"uniconv.conformance.oracles.{family}"), patch)()
    if family in ("theano", "lasagne"):  # and there is no compiler
        config = importlib.import_module("theano").config
        config.optimizer, config.linker = "None", "py"
    for found in found_by(name):
        try:
            lines = said(found.code())
        except Exception as error:
            if LACKING.search(str(error)):  # not the function, but TensorFlow's kernel for the CPU
                continue
            raise
        assert lines[-1] == "the same", (found.code(), lines)


@pytest.mark.live
@pytest.mark.parametrize("name", [n for n in FUNCTIONS if find(n).family == "matlab"])
def test_pasted_code_runs_in_octave(name):
    if not runs("matlab"):
        pytest.skip("Octave with its image package is not installed")
    for found in found_by(name):
        code = found.code().replace("% in Octave: pkg", "pkg")
        done = subprocess.run(
            ["octave-cli", "--no-history", "--quiet", "--eval", code],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "the same", (code, done.stdout)


def test_check_says_what_came_back():
    found = probe(Call(dialect="tf.nn.conv2d", padding="SAME", strides=2))
    assert found.check(found.y) == "the same"
    options = {"padding": "SAME", "strides": 2}
    swapped = conv(found.x[..., ::-1], found.w, dialect="tf", **options)
    assert found.check(swapped) == "differs: y is what w gives with its axis 2 reversed"
    assert found.check(found.y[:, ::-1]) == "differs: y is the right one with its axis 1 reversed"
    assert found.check(found.y[:1]) == (
        f"differs: y has shape {found.y[:1].shape}, it must be {found.y.shape}"
    )
    assert found.check(found.y + (found.y == found.y.max())).startswith("differs in 1 of ")


def test_shapes_can_be_given():
    found = probe(Call((4, 4, 1, 1), (1, 1, 1, 1), dialect="knet.conv4"))
    assert found.y.shape == (4, 4, 1, 1)
    assert found.undecided == ()
    alone = probe(Call((1, 1, 2, 1), (1, 1, 2, 1), dialect="knet.conv4"))
    assert "the right one with its axis 2 reversed" not in alone.undecided


def test_what_cannot_be_shown_is_named():
    found = probe(Call((3,), (3,), dialect="scipy.ndimage.correlate", mode="wrap"))
    assert all(isinstance(what, str) for what in found.undecided)


def test_errors():
    with pytest.raises(BadShape) as error:
        Call((1, 4, 4, 1), dialect="tf.nn.conv2d", padding="SAME", strides=1)
    assert str(error.value) == "tf.nn.conv2d: give both x and w, or neither"
    with pytest.raises(BadOption) as error:
        probe(Call(dialect="tf.nn.conv2d", padding="same", strides=1))
    assert str(error.value) == (
        'tf.nn.conv2d: padding="same" is not one of "SAME", "VALID" (TF is case-sensitive): '
        'did you mean "SAME"?'
    )
    with pytest.raises(BadOption) as error:
        probe(Call(dialect="knet.ops21.conv", z=np.ones(3), beta=1))
    assert str(error.value) == "knet.ops21.conv: a probe adds no array: leave z out"
    with pytest.raises(BadOption) as error:
        probe(Call((4, 4, 1, 1), (1, 1, 1, 1), (1,), dialect="knet.conv4"))
    assert str(error.value) == "knet.conv4: a probe adds no array: leave bias out"


def test_the_call_of_a_probe_goes_on_to_the_other_verbs():
    found = probe(Call(dialect="knet.conv4", padding=1))
    np.testing.assert_array_equal(found.call.run(), found.y)
    assert explain(found.call).window.y == found.y[0, 0, 0, 0]
    other = conv(found.x, found.w, dialect="knet.conv4", padding=1, mode=1)
    assert "the kernel is flipped on height and width" in diagnose(found.call, other).verdict
    again = probe(found.call)  # arrays count by their shapes
    assert again.x.shape == found.x.shape

"""uniconv.testing: calls made from the spec, assertions that name what differs, the plug-in."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import find as shrink
from hypothesis import given, settings

import uniconv
from uniconv import Call
from uniconv._calls.options import complete
from uniconv.errors import BadOption, UnknownName
from uniconv.spec.groups import UNGROUPED
from uniconv.spec.registry import find, functions
from uniconv.testing import (
    arrays,
    assert_close_conv,
    assert_same_conv,
    calls,
    grid,
    probe,
    random_case,
    rounding_bound,
)
from uniconv.testing.cases import LEFT_OUT, MOST_AXES, attempt, traits

QUICK = settings(max_examples=100, database=None, derandomize=True)
EACH = pytest.mark.parametrize("op", functions().values(), ids=list(functions()))


@EACH
def test_few_tries_make_a_valid_call(op):
    rng, choices = random.Random(0), traits(op)
    tries = [attempt(op, {n: rng.choice(k) for n, k in choices.items()}, rng) for _ in range(200)]
    assert sum(case is not None for case in tries) > 200 / 10


@EACH
def test_a_grid_is_small_and_takes_every_word_and_form(op):
    most = 100 if max(op.ranks) <= 3 else 150  # more numbers of axes, more pairs with each word
    cases = list(grid(op, most=most))
    assert 15 <= len(cases) <= most
    for name, rule in op.rules.items():
        # No sum, and no dtype of x: test_activations.py and test_arrays.py take every word.
        if rule in (op.activation, op.result_option):
            continue
        if name and (hasattr(rule, "table") or hasattr(rule, "words")):
            words = list(getattr(rule, "tries", ()) or getattr(rule, "table", None) or rule.words)
            used = [case.options.get(name, LEFT_OUT) for case in cases]
            if name in op.per_axis_options:  # one word in several options
                used = [complete(op, case.options)[0][name] for case in cases]
            assert [w for w in words if w not in used] == []
    assert {case.call.rank for case in cases} == {r for r in op.ranks if r <= MOST_AXES}
    refused = {r.when.__name__ for r in op.refusals}
    grouped = op.groups != UNGROUPED and "grouped_and_three_axes" not in refused
    if grouped or (set(op.ranks) & {1, 2} and op.groups != UNGROUPED):
        assert len({case.call.conv.groups for case in cases}) > 1
    if op.dilation and "dilated" not in refused:
        assert {True, False} <= {max(case.call.conv.rhs_dilation, default=1) > 1 for case in cases}


def test_the_same_seed_makes_the_same_calls():
    op = find("tf.nn.conv2d_transpose")
    first, second = ([random_case(op, rng) for _ in range(9)] for rng in map(random.Random, (7, 7)))
    assert first == second
    assert list(grid(op, most=9)) == list(grid(op, most=9))
    assert list(grid(op, most=9)) != list(grid(op, most=9, seed=1))
    assert first != [random_case(op, random.Random(8)) for _ in range(9)]


def test_a_case_prints_as_a_call():
    rng = random.Random(0)
    case = random_case(find("knet.conv4"), rng)
    assert str(case).startswith(f"knet.conv4(x {case.x_shape}, w {case.w_shape}")
    for name, value in case.options.items():
        assert f", {name}={value}" in str(case)


@EACH
def test_a_probe_is_exact_and_asymmetric(op):
    case = random_case(op, random.Random(0))
    for dtype, bound in (("float32", 8), ("float16", 2), ("int8", 8), ("uint8", 8)):
        first, second = probe(case, 0, dtype), probe(case, 1, dtype)
        assert [a.shape for a in first] == [
            s for s in (case.x_shape, case.w_shape, case.pointwise_shape) if s is not None
        ]
        for a in first:
            assert a.dtype == dtype
            assert (np.abs(a.astype(float)) <= bound).all()
            assert (a == a.astype(int)).all()
            assert all((a != np.flip(a, i)).any() for i, n in enumerate(a.shape) if n > 1)
        several = [(a, b) for a, b in zip(first, second) if a.size > 1]
        assert any((a != b).any() for a, b in several) or not several


def test_complex_probes_have_both_parts():
    x, w = probe(random_case(find("knet.conv4"), random.Random(0)), 0, "complex64")
    assert x.dtype == w.dtype == "complex64"
    assert x.imag.any()
    assert (x.real != x.imag).any()


def test_calls_shrink_to_the_defaults():
    case = shrink(calls("torch.nn.Conv2d"), lambda case: case.call.conv.groups > 1, settings=QUICK)
    assert list(case.options) == ["groups"]


@settings(max_examples=20)
@given(calls("tf.nn.conv2d", rank=2), arrays((3, 2)))
def test_strategies_give_calls_and_arrays(case, a):
    assert case.op is find("tf.nn.conv2d")
    assert a.shape == (3, 2)
    assert (np.abs(a) <= 8).all()


# assert_same_conv


def failure(*args, **kwargs) -> str:
    with pytest.raises(AssertionError) as caught:
        assert_same_conv(*args, **kwargs)
    return str(caught.value)


def test_a_right_function_passes():
    assert_same_conv(torch.conv2d, Call(dialect="pytorch"))
    assert_same_conv(torch.conv3d, Call(dialect="pytorch"), rank=3, cases=10)
    assert_same_conv(
        lambda x, w: torch.conv2d(x, w, stride=(2, 1), padding=(0, 1), groups=2),
        Call(dialect="torch.nn.functional.conv2d", stride=(2, 1), padding=(0, 1), groups=2),
    )
    assert_same_conv(
        lambda x, w: torch.conv_transpose2d(x, w, stride=2),
        Call(dialect="pytorch", kind="conv_transpose", stride=2),
    )
    for shapes in (((7, 1, 1), (3, 1, 1)), ((4, 1, 1), (2, 1, 1))):
        assert_same_conv(
            lambda x, w: np.convolve(x.ravel(), w.ravel(), "valid").reshape(-1, 1, 1),
            Call(*shapes, dialect="knet.conv4"),
            arrays="numpy",
        )


def test_a_separable_function_is_called_with_three_arrays():
    def f(x, w, p):
        return uniconv.separable_conv(x, w, p, strides=[1, 2, 2, 1], padding="SAME")

    options = {"strides": [1, 2, 2, 1], "padding": "SAME"}
    assert_same_conv(f, Call(dialect="tf", kind="separable_conv", **options))
    shapes = (1, 5, 4, 2), (3, 3, 2, 2)
    assert_same_conv(f, Call(*shapes, pointwise=(1, 1, 4, 3), dialect="tf", **options))


def test_groups_read_off_the_channels_are_tried_when_asked():
    def ungrouped(x, w):
        assert x.shape[-1] == w.shape[-2]
        return uniconv.conv(x, w, dialect="tf", strides=1, padding="VALID")

    call = Call(dialect="tf", strides=1, padding="VALID")
    assert_same_conv(ungrouped, call)
    message = failure(ungrouped, call, grouped=True)
    assert "f raises AssertionError" in message


def test_a_reversed_kernel_is_named():
    def correlate(x, w):
        return uniconv.conv(x, w, dialect="knet.conv4", mode=1, padding=(1, 0))

    first, second = ((4, 3, 1, 1), (2, 3, 1, 1)), ((5, 3, 2, 2), (3, 2, 2, 1))
    message = failure(correlate, Call(*second, dialect="knet.conv4", padding=(1, 0)))
    assert message == (
        "knet.conv4(x (5, 3, 2, 2), w (3, 2, 2, 1), padding=(1, 0)): f differs from knet.conv4\n"
        "  case 1 of 1 (seed 0): 20 of 20 pixels differ, by 365 at most\n"
        "  first at (0, 0, 0, 0): f gives -2, knet.conv4 gives 29\n"
        "  f gives what knet.conv4 gives with w reversed along spatial axes 0, 1"
    )
    one_axis = failure(
        lambda x, w: correlate(x, w.flip(0)), Call(*first, dialect="knet.conv4", padding=(1, 0))
    )
    assert one_axis.endswith("with w reversed along spatial axes 1")


def test_another_difference_names_no_reversal():
    message = failure(
        lambda x, w: torch.conv2d(x, w) + 1, Call(*[(1, 1, 2, 1)] * 2, dialect="pytorch")
    )
    assert message == (
        "torch.nn.functional.conv2d(x (1, 1, 2, 1), w (1, 1, 2, 1)): f differs from "
        "torch.nn.functional.conv2d\n"
        "  case 1 of 1 (seed 0): 1 of 1 pixels differ, by 1 at most\n"
        "  first at (0, 0, 0, 0): f gives -7, torch.nn.functional.conv2d gives -8"
    )


def test_not_a_number_differs():
    message = failure(
        lambda x, w: torch.conv2d(x, w) * float("nan"), Call(dialect="pytorch"), cases=1
    )
    assert "f gives nan" in message


def test_another_shape_is_named():
    message = failure(
        lambda x, w: torch.conv2d(x, w, padding=1),
        Call((1, 2, 5, 4), (3, 2, 2, 2), dialect="pytorch"),
    )
    assert message == (
        "torch.nn.functional.conv2d(x (1, 2, 5, 4), w (3, 2, 2, 2)): f differs from "
        "torch.nn.functional.conv2d\n"
        "  case 1 of 1 (seed 0): f gives the shape (1, 3, 6, 5), "
        "torch.nn.functional.conv2d gives (1, 3, 4, 3)"
    )


def test_an_error_of_f_is_named():
    def broken(x, w):
        raise KeyError("kernel")

    message = failure(broken, Call((1, 2, 5, 4), (3, 2, 2, 2), dialect="pytorch"))
    assert message == (
        "torch.nn.functional.conv2d(x (1, 2, 5, 4), w (3, 2, 2, 2)): f raises KeyError: 'kernel'"
    )


def test_options_that_no_call_can_have_are_the_dialects_own_error():
    near = r'^torch.nn.functional.conv2d has no option "strides": did you mean "stride"'
    with pytest.raises(BadOption, match=near):
        assert_same_conv(torch.conv2d, Call(dialect="pytorch", strides=2))
    with pytest.raises(UnknownName, match=r'^no function is named "torchh"'):
        assert_same_conv(torch.conv2d, Call(dialect="torchh"))
    with pytest.raises(ValueError, match=r'^arrays="jax" must be "torch" or "numpy"$'):
        assert_same_conv(torch.conv2d, Call(dialect="pytorch"), arrays="jax")


# Rounding


def test_rounding_is_within_its_bound_and_a_coarse_kernel_is_not():
    call = Call(dialect="pytorch")
    assert_close_conv(torch.conv2d, call, cases=10)
    with pytest.raises(AssertionError, match="x the bound"):
        assert_close_conv(lambda x, w: torch.conv2d(x, w * (1 + 1e-5)), call, cases=10)
    # exact sums are asked for by assert_same_conv: ordinary rounding is not an issue there
    assert_same_conv(lambda x, w: torch.conv2d(x.double(), w.double()), call, cases=10)


def test_the_rounding_bound_by_hand():
    x = np.array([1, -2, 3, -4], "float32").reshape(1, 4, 1)
    w = np.array([1, -10, 100], "float32").reshape(3, 1, 1)
    bound = rounding_bound(Call(x, w, dialect="tf", stride=1, padding="VALID"))
    assert np.allclose(bound.ravel(), 2 * np.sqrt(3) * 2**-24 * np.array([321, 432]), rtol=1e-12)
    x, w = x.astype("float16"), w.astype("float16")
    half = rounding_bound(Call(x, w, dialect="tf", stride=1, padding="VALID"))
    assert np.allclose(half, bound * 2**13, rtol=1e-12)


# The plug-in


class Recorder:
    """What an inner pytest run reported."""

    def __init__(self) -> None:
        self.passed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.passed.append(report.nodeid.partition("::")[2])


def run_inner(tmp_path, body: str, *args: str, ini: str = "") -> list[str]:
    """The tests that pass in a suite of their own that uses the plug-in."""
    (tmp_path / "pytest.ini").write_text(f"[pytest]\naddopts = --strict-markers\n{ini}")
    # a name of its own: Python imports a module once
    (tmp_path / f"{tmp_path.name}.py").write_text(f"import pytest\n{body}")
    recorder = Recorder()
    options = ["-q", "-p", "no:cacheprovider", *args]
    code = pytest.main([str(tmp_path), f"--rootdir={tmp_path}", *options], plugins=[recorder])
    assert code == 0
    return recorder.passed


TEST = "def test_it(uniconv_dialect):\n    assert isinstance(uniconv_dialect, str)\n"
LOADED = """
import pytest, sys
assert pytest.main(["-q", "-p", "no:cacheprovider", "--strict-markers"]) == 0
print(*[name for name in ("_uniconv_pytest", "uniconv", "torch", "numpy") if name in sys.modules])
"""


def loaded_by(tmp_path, suite: str) -> list[str]:
    """What a process that runs a test-suite loads of the plug-in, uniconv, torch and NumPy."""
    (tmp_path / "test_suite.py").write_text(suite)
    root = str(Path(uniconv.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": root},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1].split()


def test_the_plug_in_loads_nothing_until_it_is_used(tmp_path):
    marker = 'import pytest\n@pytest.mark.uniconv_dialects("knet.conv4")\n'
    assert loaded_by(tmp_path, "def test_it(): pass") == ["_uniconv_pytest"]
    assert loaded_by(tmp_path, f"{marker}def test_it(): pass") == ["_uniconv_pytest"]
    assert "uniconv" in loaded_by(tmp_path, f"{marker}{TEST}")


def test_the_fixture_runs_over_every_function(tmp_path):
    assert run_inner(tmp_path, TEST) == [f"test_it[{name}]" for name in functions()]


@pytest.mark.parametrize(
    ("marker", "args", "ini", "names"),
    [
        ("", ["--uniconv-dialects", "knet.conv4,F.conv1d"], "", None),
        ("", [], "uniconv_dialects = knet.conv4 F.conv1d", None),
        ('@pytest.mark.uniconv_dialects("F.conv1d", "knet.conv4")\n', [], "", None),
        (
            '@pytest.mark.uniconv_dialects("knet")\n',
            ["--uniconv-dialects", "tf"],
            "",
            ["knet.conv4", "knet.deconv4", "knet.ops21.conv"],
        ),
        (
            '@pytest.mark.uniconv_dialects(kind="conv_transpose")\n',
            ["--uniconv-dialects", "knet"],
            "",
            ["knet.deconv4"],
        ),
    ],
    ids=["option", "ini", "marker", "marker over option", "kind"],
)
def test_the_fixture_is_narrowed(tmp_path, marker, args, ini, names):
    names = names or ["knet.conv4", "torch.nn.functional.conv1d"]
    assert run_inner(tmp_path, marker + TEST, *args, ini=ini) == [f"test_it[{n}]" for n in names]

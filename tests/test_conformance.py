"""Conformance: what it counts, and that it sees every kind of difference."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from uniconv import _cli as cli
from uniconv.conformance import check_dialect, onnx_suite, suite
from uniconv.conformance import compare as conformance
from uniconv.conformance.compare import Record, installed
from uniconv.conformance.oracles import CannotRun
from uniconv.conformance.report import HEADS, html_page, row, text_table
from uniconv.conformance.suite import SuiteCase, Verdict, judge
from uniconv.errors import UnknownName


def convolve(x, w, mode="full"):
    if x.dtype != w.dtype:
        raise TypeError(f"{x.dtype} and {w.dtype}")
    return np.convolve(x, w, mode)


def test_a_right_function_is_proved():
    record = check_dialect("numpy.convolve", convolve, count=60)
    assert (record.cases, record.mismatches, record.uncomputed) == (60, [], 0)
    assert 0.1 < record.rounding < 1
    assert (record.refused, record.computed) == (7, [])


def test_what_a_function_computes_and_uniconv_refuses_is_told():
    def lenient(x, w, mode="full"):
        return convolve(x, w, "full" if mode == "foo" else mode)

    record = check_dialect("numpy.convolve", lenient, count=1)
    assert [text.partition(": ")[2] for text in record.computed] == [
        'numpy.convolve: mode="foo" is not one of "full", "same", "valid", 0, 1, 2',
    ]


def raising(x, w, mode="full"):
    raise ArithmeticError("no")


WRONG = {
    "y differs by up to": lambda x, w, mode="full": convolve(x, w[::-1], mode),
    "the framework's float64(": lambda x, w, mode="full": convolve(x, w, mode).astype("float64"),
    "the framework's shape is": lambda x, w, mode="full": convolve(x, w),
    "uniconv computes it, the framework: ArithmeticError no": raising,
}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_function_is_seen(how):
    with pytest.raises(AssertionError, match=r"numpy.convolve: 40 calls, \d+ differ\n") as raised:
        check_dialect("numpy.convolve", WRONG[how], count=40)
    assert how in str(raised.value)


def test_a_wrong_gradient_is_seen(monkeypatch):
    comparison = conformance.Comparison(conformance.find("torch.nn.functional.conv2d"))
    right = comparison.oracle.gradients

    class Wrong:
        def __call__(self, *given):
            return comparison_oracle(*given)

        def gradients(self, *given):
            y, dx, dw = right(*given)
            return y, dx, np.flip(dw, -1)

    comparison_oracle = comparison.oracle
    comparison.oracle = Wrong()
    comparison.values(conformance.cases(comparison.op, 8), gradients=True)
    assert comparison.record.gradients == 2
    assert {text.rpartition("): ")[2].split()[0] for text in comparison.record.mismatches} == {"dw"}


def test_what_nothing_computes_is_no_case():
    def nothing(x, w, mode="full"):
        raise CannotRun("lacking")

    record = check_dialect("numpy.convolve", nothing, count=10)
    assert (record.cases, record.uncomputed, record.rounding) == (0, 10, 0)


def test_the_functions_meant(monkeypatch):
    assert [op.name for op in installed(["numpy.correlate", " numpy"])] == [
        "numpy.correlate",
        "numpy.convolve",
    ]
    assert {op.name.partition(".")[0] for op in installed()} >= {"torch", "numpy"}
    with pytest.raises(UnknownName) as raised:
        installed(["knet"])
    assert str(raised.value) == "knet: its framework is not installed, or runs outside Python"
    monkeypatch.setattr(conformance, "runs", lambda family: False)
    with pytest.raises(ImportError) as raised:
        conformance.conformance("numpy.convolve")
    assert str(raised.value) == "numpy.convolve: its framework, NumPy, is not installed"


RECORDS = [
    Record("a.b", "A 1", 90, 10, ["a.b(x <1>): y differs"], 0, 0, 0.456, 3, ["a.b(1): a.b: no"]),
    Record("a.longer", "A 1", 8),
]


def test_the_table():
    assert [len(line) for line in (HEADS, *map(row, RECORDS))] == [7, 7, 7]
    assert text_table(RECORDS).splitlines() == [
        "function  version  calls  with gradients  mismatches  rounding / bound  refusals agreed",
        "a.b       A 1      90     10              1           0.46              2 of 3",
        "a.longer  A 1      8      0               0           0.00              0 of 0",
    ]
    page = html_page(RECORDS)
    assert "<td>a.longer</td>" in page
    assert "<h2>Differences</h2><ul><li><code>a.b(x &lt;1&gt;): y differs</code></li></ul>" in page
    assert "<h2>Refused by uniconv alone</h2><ul><li><code>a.b(1): a.b: no</code></li></ul>" in page
    assert "http" not in page


def invoke(*args):
    return CliRunner().invoke(cli.app, ["conformance", *args])


def test_the_command(tmp_path, monkeypatch):
    page = tmp_path / "found.html"
    done = invoke("--against", "numpy.correlate", "--cases", "20", "--html", str(page))
    assert (done.exit_code, done.exception) == (0, None)
    assert done.stdout.splitlines()[1].split()[:4] == [
        "numpy.correlate",
        "numpy",
        np.__version__,
        "20",
    ]
    assert "<td>numpy.correlate</td>" in page.read_text()

    monkeypatch.setattr(conformance, "conformance", lambda op, cases: RECORDS[0])
    failed = invoke("--against", "numpy.correlate")
    assert failed.exit_code == 1
    assert failed.stderr == "a.b(x <1>): y differs\n"


def test_the_command_without_hypothesis(monkeypatch):
    for name in [
        n for n in sys.modules if n.startswith(("uniconv.testing", "uniconv.conformance"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(SystemExit) as ended:
        cli.main(["conformance"])
    assert ended.value.code == 2


ONES, PAIR = np.ones(2), np.array([1, 2.0])


@pytest.mark.parametrize(
    ("case", "outcome", "reason"),
    [
        (
            SuiteCase("a", "numpy.convolve", {"a": PAIR, "v": PAIR}, np.array([1, 4, 4.0])),
            "passed",
            "",
        ),
        (
            SuiteCase("a", "numpy.convolve", {"a": PAIR, "v": PAIR}, np.array([1, 4, 4.5])),
            "wrong",
            "y differs by up to 0.5",
        ),
        (
            SuiteCase("a", "numpy.convolve", {"a": PAIR, "v": PAIR}, np.array([1, 4.0])),
            "wrong",
            "y has shape (3,), not (2,)",
        ),
        (
            SuiteCase("a", "numpy.convolve", {"a": PAIR, "v": PAIR}, np.array([1, 4, 4])),
            "wrong",
            "y is float64, not int64",
        ),
        (
            SuiteCase("a", "numpy.convolve", {"a": PAIR, "v": PAIR}),
            "wrong",
            "computed, but the framework refuses it",
        ),
        (
            SuiteCase("a", "numpy.convolve", {"a": PAIR, "v": PAIR, "mode": "no"}),
            "passed",
            'numpy.convolve: mode="no" is not one of "full", "same", "valid", 0, 1, 2',
        ),
        (
            SuiteCase("a", "numpy.convolve", {"a": PAIR, "v": PAIR, "mode": "no"}, ONES),
            "refused",
            'numpy.convolve: mode="no" is not one of "full", "same", "valid", 0, 1, 2',
        ),
        (SuiteCase("a", unmodelled="no such thing"), "not modelled", "no such thing"),
    ],
)
def test_how_a_case_of_a_suite_goes(case, outcome, reason):
    assert judge(case) == Verdict("a", outcome, reason)


def test_the_command_for_a_suite(monkeypatch):
    answers = {"passed": 0, "not modelled": 0, "refused": 1, "wrong": 1}
    monkeypatch.setattr(onnx_suite, "suites", lambda: {"node": [SuiteCase("a")]})
    for outcome, code in answers.items():
        verdict = Verdict("a", outcome, "why")
        monkeypatch.setattr(suite, "judge", lambda case, verdict=verdict: verdict)
        done = invoke("--suite", "onnx")
        assert done.exit_code == code
        assert (f"node a: {outcome}: why" in done.stdout) == (outcome != "passed")
    failed = invoke("--suite", "tf")
    assert failed.exit_code == 2
    assert "--suite tf: the one suite that a package carries is onnx" in failed.stderr

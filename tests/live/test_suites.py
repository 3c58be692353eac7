"""The tests that frameworks' own packages carry."""

from __future__ import annotations

import pytest

from uniconv.conformance.suite import counted, judge


def test_every_convolution_among_the_tests_of_onnx():
    pytest.importorskip("onnx")
    from uniconv.conformance.onnx_suite import suites

    verdicts = {part: list(map(judge, cases)) for part, cases in suites().items()}
    lost = [v for part in verdicts.values() for v in part if v.outcome in ("refused", "wrong")]
    assert lost == []
    passed = {part: counted(found)["passed"] for part, found in verdicts.items()}
    assert passed == {"node": 19, "pytorch-converted": 28, "pytorch-operator": 2}

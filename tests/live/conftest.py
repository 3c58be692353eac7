"""Comparing uniconv with the frameworks that run beside it, and telling how much was compared."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from types import ModuleType

import pytest

from uniconv.conformance.compare import Record
from uniconv.conformance.oracles import runs, versions
from uniconv.conformance.oracles.chainer import chainer
from uniconv.conformance.oracles.tf import tensorflow
from uniconv.conformance.oracles.theano import theano
from uniconv.conformance.oracles.tinygrad import tinygrad
from uniconv.spec.registry import find

RECORDS: list[Record] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "live" in item.path.parts:
            item.add_marker("live")


@pytest.fixture(scope="session", autouse=True)
def settings() -> None:
    """Frameworks that take their settings at the first import, loaded before a test imports them.

    A plain import would choose tinygrad's device, or fail half-way and leave submodules behind, on
    which every later import of Chainer fails, too.
    """
    for package, load in (("chainer", chainer), ("theano", theano), ("tinygrad", tinygrad)):
        if find_spec(package):
            load()


@pytest.fixture(scope="session")
def tf() -> ModuleType:
    """TensorFlow with the oracle's settings; imported only for tests that ask: it takes seconds."""
    if not runs("tf"):
        pytest.skip("TensorFlow is not installed")
    module: ModuleType = tensorflow()
    return module


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not RECORDS:
        return
    terminalreporter.section("compared with the running frameworks")
    families: dict[str, Counter[str]] = {}
    for record in RECORDS:
        count = families.setdefault(find(record.function).family, Counter())
        count["calls"] += record.cases
        count["gradients"] += record.gradients
        count["mismatches"] += len(record.mismatches)
        count["that nothing installed computes"] += record.uncomputed
        count["gradients that the framework fails at"] += record.without_gradients
    for family, count in families.items():
        told = ", ".join(f"{name} {version}" for name, version in versions(family).items())
        text = ", ".join(f"{n} {what}" for what, n in count.items() if n or " " not in what)
        terminalreporter.line(f"{family} ({told}): {text}")

"""The onnx package's own tests, as ``uniconv conformance --suite onnx`` runs them."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from uniconv.conformance import onnx_suite
from uniconv.conformance.suite import SuiteCase

SOURCE = "onnx"


def at(folder: Path) -> str:
    return version("onnx")


def suites(folder: Path) -> dict[str, list[SuiteCase]]:
    return onnx_suite.suites()

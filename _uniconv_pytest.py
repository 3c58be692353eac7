"""The pytest plug-in of uniconv: ``uniconv_dialect`` runs a test once for every function known.

pytest finds it by its entry point; ``-p no:uniconv`` leaves it out.

    def test_my_layer(uniconv_dialect):                  # "knet.conv4", "tf.nn.conv2d", ...
        ...

    @pytest.mark.uniconv_dialects("tf", "knet.conv4")    # only these families and functions
    @pytest.mark.uniconv_dialects(kind="conv")           # only this operation

The option ``--uniconv-dialects tf,knet.conv4`` and the ini entry ``uniconv_dialects`` narrow all
tests that have no marker with names.

It stands beside the package and not in it, so that a suite that does not use it loads no uniconv.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("uniconv").addoption(
        "--uniconv-dialects",
        metavar="NAMES",
        help="families and functions for the uniconv_dialect fixture, with commas between them",
    )
    parser.addini(
        "uniconv_dialects", "families and functions for the uniconv_dialect fixture", type="args"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "uniconv_dialects(*names, kind=None): what uniconv_dialect runs over"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "uniconv_dialect" in metafunc.fixturenames:
        metafunc.parametrize("uniconv_dialect", _chosen(metafunc))


def _chosen(metafunc: pytest.Metafunc) -> list[str]:
    """The functions for one test: those of its marker, of the command line, of the ini, or all."""
    from uniconv.spec.registry import find, framework, frameworks, functions

    marker = metafunc.definition.get_closest_marker("uniconv_dialects")
    option = metafunc.config.getoption("--uniconv-dialects") or ""
    ini = metafunc.config.getini("uniconv_dialects")
    names = (marker.args if marker else ()) or tuple(filter(None, option.split(","))) or ini
    kind = marker.kwargs.get("kind") if marker else None
    found: dict[str, None] = {}
    for name in names or frameworks():
        known = framework(name)
        ops = known.functions if known else (find(name),)
        found |= {op.name: None for op in ops if kind in (None, op.kind)}
    return [name for name in functions() if name in found]

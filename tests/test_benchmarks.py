"""The benchmarks run, and their page says what they measured; nothing here is timed."""

import importlib
import json
import os
import runpy
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def module(monkeypatch):
    """A module of benchmarks/, by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture
def options(module):
    """The least that can be measured."""

    def of(*cases, **fields):
        least = {"quick": True, "rounds": 1, "seconds": 0.0, "cases": cases}
        return module("timing").Options(**least | fields)

    return of


def test_the_networks_are_the_published_ones(module):
    networks = module("networks")
    first = {name: next(iter(layers())) for name, layers in networks.NETWORKS.items()}
    assert str(first["ResNet-50"]) == "7x7 s2 3→64, 224x224"
    assert first["ResNet-50"].output == (112, 112)
    parameters = {
        name: sum(
            p.o * p.c // p.groups * torch.Size(p.kernel).numel() for p in networks.NETWORKS[name]()
        )
        for name in ("ResNet-50", "MobileNetV2", "EfficientNet-B0")
    }
    # torchvision's, without biases, norms and the classifier.
    assert parameters["ResNet-50"] == 23_454_912
    assert parameters["MobileNetV2"] == 2_189_760
    assert parameters["EfficientNet-B0"] == 3_956_192
    assert {str(p) for p in networks.chosen(True)} == set(networks.QUICK)
    last = [*networks.hifi_gan()][-2]
    assert (last.c, last.size) == (32, (8192,))


def test_every_problem_is_said_in_every_layout_that_has_words_for_it(module):
    layouts, networks = module("layouts"), module("networks")
    silent = {
        dialect: [p for p in networks.problems() if layouts.words(p, dialect) is None]
        for dialect in layouts.DIALECTS
    }
    assert {dialect for dialect, of in silent.items() if of} == {"pytorch", "knet"}
    assert all(any(lo != hi for lo, hi in p.pad) for p in silent["pytorch"])


@pytest.mark.parametrize(
    "numbers",
    [
        ((5, 6), 3, 4, 6, 2),
        ((6, 8), (2, 3), 4, 4, 2, "same", 1, 4),
        ((4, 5), 2, 3, 2, 2, 0, 1, 1, True),
        ((9,), 3, 4, 6, 1, "half", 2),
        ((4, 5, 6), 3, 2, 3),
    ],
)
def test_a_problem_comes_out_the_same_in_every_layout(numbers, module):
    layouts, networks = module("layouts"), module("networks")
    problem = networks.problem(*numbers[:7], **dict(zip(("groups", "transposed"), numbers[7:])))
    given = layouts.arrays(problem, 2, integers=True)
    want = layouts.exact(problem, given)

    def error(told, y):
        return layouts.error(layouts.canonical(told, y), want)

    for dialect in layouts.DIALECTS:
        told = layouts.words(problem, dialect)
        if told is not None:
            x, w = (layouts.native(told, r, a) for r, a in (("x", given.x), ("w", given.w)))
            assert error(told, layouts.functional(told, problem, x, w)()) == 0
            assert error(told, layouts.bound(told, problem, x, w)()) == 0
            assert error(told, layouts.by_hand(told, problem)(x, w)) == 0
            y = layouts.layer(told, problem, 2, w)(x)
            assert error(told, y) == 0
            assert error(told, y + 1) > 1


SMALL = {
    "layers": ("k512 s160",),
    "overhead": ("entries", "shapes 10"),
    "modules": ("tiny",),
    "weights": ("5, 64, 1024",),
    "padding": ("4x4",),
    "scale": ("layers",),
    "fidelity": ("1x1 1152→48",),
}


@pytest.mark.parametrize("script", SMALL)
def test_a_script_runs(script, module, options, monkeypatch):
    peers = module("peers")
    monkeypatch.setattr(peers, "PEERS", {k: peers.PEERS[k] for k in ("torch NCHW", "JAX")})
    rows = [*module(script).measure(options(*SMALL[script]))]
    assert rows
    for row in rows:
        assert row.values
        assert not row.baseline or row.ratio(row.baseline) == 1
        assert set(row.bars) <= set(row.values), row
        assert "JAX" in {**row.values, **row.absent} or script not in ("layers",)


@pytest.mark.skipif(sys.platform != "linux", reason="memory.py reads Linux's /proc")
@pytest.mark.parametrize("script", ["memory", "start"])
def test_a_script_of_processes_runs(script, tmp_path):
    case = {"memory": "depthwise", "start": "version"}[script]
    if script == "memory":
        case = "3x3 s2"
    path = tmp_path / "found.json"
    line = [sys.executable, str(BENCHMARKS / f"{script}.py"), "--quick", "--rounds", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*line, "--cases", case, "--json", str(path)],
        check=True,
        capture_output=True,
        env=environment,
        timeout=300,
    )
    told = json.loads(path.read_text("utf-8"))
    assert told["script"] == script
    assert told["facts"]["torch"] == torch.__version__
    assert told["facts"]["threads"] == 1
    assert len(told["rows"]) == 1


def test_texts_that_take_long_are_read_or_refused(module):
    rows = [*module("texts").measure(Namespace(megabytes=0.002))]
    assert len(rows) == 32
    assert all(row["s"] > 0 and row["end"] for row in rows)


def test_a_result_that_is_off_is_not_timed(module, options, monkeypatch):
    peers, layers = module("peers"), module("layers")

    def wrong(problem, given, threads):
        return (lambda: peers.torch_first(problem, given, threads)[0]() * 1.001), lambda y: y

    monkeypatch.setattr(peers, "PEERS", {"torch NCHW": peers.torch_first, "wrong": wrong})
    row = next(layers.measure(options("k512 s160")))
    assert "wrong" not in row.values
    assert row.absent["wrong"].endswith("times the bound of rounding off")


def test_rounds_take_every_variant_once_in_turning_order(module, options):
    timing, seen = module("timing"), []
    calls = {name: lambda name=name: seen.append(name) for name in "abc"}
    spreads = timing.spreads(calls, options(rounds=3), warm=1)
    assert {spread.samples for spread in spreads.values()} == {3}
    rounds = ["".join(seen[i : i + 3]) for i in range(len(seen) - 9, len(seen), 3)]
    assert [sorted(r) for r in rounds] == [["a", "b", "c"]] * 3
    assert len(set(rounds)) > 1


@pytest.fixture(scope="module")
def performance():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return runpy.run_path(str(ROOT / "docs" / "make_performance.py"), run_name="no")
    finally:
        sys.path.remove(str(BENCHMARKS))


def test_the_page_and_the_json_agree(performance):
    found = performance["results"]()
    page = performance["PAGE"]
    assert page.exists() is bool(found)
    if found:
        assert page.read_text("utf-8") == performance["page"](found)


def test_the_page_shows_losses_beside_wins(module, performance, tmp_path):
    timing = module("timing")
    spread = timing.Spread.of

    def row(case, ours, peer):
        values = {"torch NCHW": spread([20.0]), "JAX": spread([peer]), "tf bind": spread([ours])}
        return timing.Row("Net: forward", case, values, "torch NCHW", bars={"tf bind": 1.02})

    rows = [row("small", 15.0, 10.0), row("large", 30.0, 40.0), row("third", 5.0, 10.0)]
    path = tmp_path / "layers.json"
    timing.write(path, "layers", timing.Options(), {"torch": "2.13", "threads": 1}, rows)
    assert timing.read(path) == ("layers", {"torch": "2.13", "threads": 1}, rows)
    text = performance["page"](performance["results"](tmp_path))
    assert "torch 2.13, threads 1." in text
    # Beside the fastest peer: 15 / 10, 30 / 20, 5 / 10.
    assert "| tf bind | 1.04 | 1.50 | small | 2 of 3 |" in text
    assert "|  | tf bind | 15 us |  | 0.75 | 1.02 |" in text
    assert "|  | tf bind | 30 us |  | **1.50** | 1.02 |" in text
    assert "| *geometric mean* | tf bind |  |  | 0.655 |  |" in text

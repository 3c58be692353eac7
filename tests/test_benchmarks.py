"""The benchmarks run, and their page says what they measured; nothing here is timed."""

import importlib
import json
import runpy
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
    "overhead": ("entries", "after 10 shapes"),
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
def test_memory_is_measured_beside_x_w_and_y(module, options, monkeypatch):
    """In this process: one of its own for each number takes seconds to import torch."""
    memory, networks = module("memory"), module("networks")
    threads = torch.get_num_threads()
    problem = networks.problem((64, 64), 3, 16, 8, 2, "same")
    monkeypatch.setattr(memory, "cases", lambda: {"3x3": problem})
    monkeypatch.setattr(memory, "_fresh", lambda *case: json.dumps(memory._alone(*case)))
    try:
        [row] = memory.measure(options())
    finally:
        torch.set_num_threads(threads)
    assert row.ratio("tf by hand") in (1, None)
    assert set(row.values) == {"tf by hand", "tf conv", "tf bind"}
    assert memory._alone("3x3", "pytorch conv", 1) is None  # which has no word for such pads


def test_a_memory_of_one_call_is_a_process_of_its_own(module, monkeypatch):
    memory, lines = module("memory"), []

    def run(line, **more):
        lines.append(line)
        return Namespace(stdout="0.25")

    monkeypatch.setattr(memory.subprocess, "run", run)
    assert memory._fresh("3x3", "tf conv", 4) == "0.25"
    assert lines == [[sys.executable, memory.__file__, "--alone", "3x3", "tf conv", "4"]]


def test_start_runs_every_line_in_a_new_process(module, options, monkeypatch, capsys):
    start, seen = module("start"), []

    def run(line, check, capture_output):
        seen.append(line[1:])
        if line[1] == "-c":
            exec(line[2], {})
        elif line[3] == "--version":
            assert line[1:3] == ["-m", "uniconv"]
            with pytest.raises(SystemExit, match=r"^0$"):
                cli.main(line[3:])

    cli = importlib.import_module("uniconv._cli")
    monkeypatch.setattr(start.subprocess, "run", run)
    in_python, commands = start.measure(options())
    assert set(in_python.values) == set(start.LINES)
    assert [*commands.values] == [start.TORCH, *(f"uniconv {name}" for name in start.COMMANDS)]
    assert len(seen) == 2 * (len(start.LINES) + len(start.COMMANDS) + 1)
    assert {row.unit for row in (in_python, commands)} == {"ms"}


def test_a_script_reads_its_line_and_writes_json(module, monkeypatch, tmp_path, capsys):
    timing, path = module("timing"), tmp_path / "found.json"
    row = timing.Row(
        "group", "case", {"a": timing.Spread.of([2.0]), "b": timing.Spread.of([3.0])}, "a"
    )
    given = []
    monkeypatch.setattr(timing, "_hold", given.append)
    line = ["script.py", "--quick", "--rounds", "1", "--cases", "a b", "--json", str(path)]
    monkeypatch.setattr(sys, "argv", line)
    timing.run(lambda options: iter([row]), "What it measures.")
    assert given == [timing.Options(quick=True, rounds=1, cases=("a b",))]
    assert "3 - 3" in capsys.readouterr().out
    script, facts, rows = timing.read(path)
    assert (script, rows) == ("script", [row])
    assert facts["torch"] == torch.__version__
    assert facts["threads"] == 1


def test_everything_is_run_and_what_fails_has_no_numbers(module, monkeypatch, tmp_path, capsys):
    everything, lines = module("everything"), []

    def run(line, env=None):
        lines.append(line)
        name = Path(line[1]).stem
        if name not in ("weights", "make_performance"):
            Path(line[-1]).write_text("{}")
        return Namespace(returncode=int(name in ("weights", "diagnose_faults")))

    monkeypatch.setattr(everything, "RESULTS", tmp_path)
    monkeypatch.setattr(everything.subprocess, "run", run)
    monkeypatch.setattr(everything.measured, "__defaults__", (tmp_path,))
    (tmp_path / "weights.json").write_text("of another commit")
    assert everything.main(["--quick", "--rounds", "3"]) == 1
    assert "without a result: weights\n" in capsys.readouterr().out
    assert not (tmp_path / "weights.json").exists()
    names = [Path(line[1]).stem for line in lines]
    assert names == [*everything.SCRIPTS, "make_performance"]
    assert all((BENCHMARKS / f"{name}.py").exists() for name in everything.SCRIPTS)
    words = dict(zip(names, lines))
    assert words["layers"][2:5] == ["--quick", "--rounds", "3"]
    assert words["diagnose_faults"][2:4] == ["--quick", "--json"]


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
    assert "| layers | tf bind 1.50, large | 3 | 1 |" in text
    # Beside the fastest peer: 15 / 10, 30 / 20, 5 / 10.
    assert "| tf bind | 1.04 | 1.50 | small | 2 of 3 |" in text
    assert "|  | tf bind | 15 us |  | 0.75 | 1.02 |" in text
    assert "|  | tf bind | 30 us |  | **1.50** | 1.02 |" in text
    assert "| *geometric mean* | tf bind |  |  | 0.655 |  |" in text

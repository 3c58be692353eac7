"""How every script here measures: the one loop, its statistics, what it ran on, and the JSON.

A script is a function ``measure(options)`` that yields rows; ``run`` parses the command line,
prints the rows as they come and writes them to a file.  README.md has the contract.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from math import exp, log
from pathlib import Path
from statistics import quantiles

import torch

Call = Callable[[], object]
ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    *("torch", "numpy", "einops", "onnxruntime", "openvino", "tensorflow-cpu", "tensorflow"),
    *("jax", "keras"),
)


@dataclass(frozen=True)
class Options:
    """What the command line says; README.md describes each."""

    quick: bool = False
    rounds: int = 0  # 0: 15, or 5 with --quick
    seconds: float = 0.01  # of one sample
    threads: int = 1
    cases: tuple[str, ...] = ()
    cuda: bool = False

    @property
    def turns(self) -> int:
        return self.rounds or (5 if self.quick else 15)

    @property
    def device(self) -> str:
        return "cuda" if self.cuda else "cpu"

    def wants(self, *names: str) -> bool:
        """Whether a case is to be measured: all words of one --cases argument are in its names."""
        text = " ".join(names)
        return not self.cases or any(all(w in text for w in c.split()) for c in self.cases)


@dataclass(frozen=True)
class Spread:
    """Samples in numbers: their median and quartiles."""

    median: float
    low: float
    high: float
    samples: int

    @staticmethod
    def of(samples: Sequence[float]) -> Spread:
        cuts = quantiles(samples, n=4, method="inclusive") if len(samples) > 1 else [*samples] * 3
        low, middle, high = (float(f"{v:.5g}") for v in cuts)
        return Spread(middle, low, high, len(samples))


@dataclass(frozen=True)
class Row:
    """One case: the variants that computed the same, in one run; ratios are to the baseline."""

    group: str
    case: str
    values: Mapping[str, Spread]
    baseline: str = ""  # without one there are no ratios
    unit: str = "us"
    bars: Mapping[str, float] = field(default_factory=dict)  # the most that a ratio should be
    absent: Mapping[str, str] = field(default_factory=dict)  # variants without a value, and why

    def ratio(self, variant: str) -> float | None:
        """How many times the baseline's median a variant's is."""
        base = self.values[self.baseline].median if self.baseline else 0
        return self.values[variant].median / base if base else None


def spreads(calls: Mapping[str, Call], options: Options, warm: int = 3) -> dict[str, Spread]:
    """Microseconds per call of every variant.

    Each is warmed up; a sample repeats a call for ``options.seconds``; each round takes one sample
    of every variant, starting elsewhere and in the other direction than the last.
    """
    clock = _cuda_clock if options.cuda else _clock
    repeats = {}
    for name, call in calls.items():
        least = min(clock(call, 1) for _ in range(warm))
        repeats[name] = max(1, min(1000, int(options.seconds * 1e6 / max(least, 0.1))))
        clock(call, repeats[name])
    samples: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    gc.collect()
    gc.disable()
    try:
        for turn in range(options.turns):
            start = turn * len(names) // options.turns
            order = names[start:] + names[:start]
            for name in order[:: -1 if turn % 2 else 1]:
                samples[name].append(clock(calls[name], repeats[name]))
    finally:
        gc.enable()
    return {name: Spread.of(s) for name, s in samples.items()}


def once(call: Call) -> float:
    """Microseconds of a single call, which nothing has warmed up."""
    return _clock(call, 1)


def _clock(call: Call, repeat: int) -> float:
    """Microseconds of one of ``repeat`` calls, by the wall."""
    start = time.perf_counter()
    for _ in range(repeat):
        call()
    return (time.perf_counter() - start) / repeat * 1e6


def _cuda_clock(call: Call, repeat: int) -> float:
    """The same between two events on the device."""
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    first.record()
    for _ in range(repeat):
        call()
    last.record()
    last.synchronize()
    return float(first.elapsed_time(last)) / repeat * 1e3


def captured(call: Call) -> Call:
    """The call as a CUDA graph: what remains without Python and launches."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def geometric_mean(ratios: Iterable[float]) -> float:
    logs = [log(r) for r in ratios]
    return exp(sum(logs) / len(logs))


def means(rows: Sequence[Row]) -> dict[str, float]:
    """The geometric mean of the ratios of each variant that all rows have, where there are more."""
    if len(rows) < 2:
        return {}
    ratios = {
        name: [row.ratio(name) for row in rows if name in row.values] for name in rows[0].values
    }
    return {
        name: geometric_mean(r for r in found if r)
        for name, found in ratios.items()
        if len(found) == len(rows) and all(found)
    }


def facts(options: Options) -> dict[str, object]:
    """What the numbers depend on."""
    found: dict[str, object] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    found["processor"] = _processor()
    found["instructions"] = torch.backends.cpu.get_cpu_capability()
    found["cores"] = os.cpu_count()
    found["threads"] = options.threads
    if options.quick:
        found["cases"] = "the few of --quick"
    if options.cuda:
        found["device"] = torch.cuda.get_device_name()
        found["cuda"], found["cudnn"] = torch.version.cuda, torch.backends.cudnn.version()
    found["commit"] = _commit()
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "uniconv")
        return git("rev-parse", "--short=12", "HEAD") + " with changes" * bool(changed)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def run(measure: Callable[[Options], Iterator[Row]], doc: str) -> None:
    """Parse the command line, measure, print, and write the JSON."""
    options, path = _parsed(doc)
    _hold(options)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    about = facts(options)
    print(", ".join(f"{k} {v}" for k, v in about.items()))
    rows: list[Row] = []
    for group, members in groupby(measure(options), key=lambda row: row.group):
        print(f"\n{group}\n{'':44}{'median':>10}  {'quartiles':<21}{'ratio':>7}")
        of_group = []
        for row in members:
            print(shown(row), flush=True)
            of_group.append(row)
        for name, mean in means(of_group).items():
            print(f"geometric mean, {name:57}{mean:7.3f}")
        rows += of_group
    if path:
        about |= {"load": load}
        script = Path(sys.argv[0]).stem + ("_cuda" if options.cuda else "")
        write(path, script, options, about, rows)


def _parsed(doc: str) -> tuple[Options, Path | None]:
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer cases, fewer rounds")
    parser.add_argument("--rounds", type=int, default=0, metavar="N", help="default: 15, quick 5")
    parser.add_argument("--seconds", type=float, default=0.01, help="of one sample")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--cuda", action="store_true", help="on the GPU, by events")
    parser.add_argument("--cases", nargs="*", default=(), metavar="WORDS", help="only those")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    given = vars(parser.parse_args())
    path = given.pop("json")
    options = Options(**given | {"cases": tuple(given["cases"])})
    if options.cuda and not torch.cuda.is_available():
        parser.error("--cuda: torch sees no GPU")
    return options, path


def _hold(options: Options) -> None:
    """Hold the process to as many threads, and as many cores: not every peer can be told."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(options.threads)
    if hasattr(os, "sched_setaffinity") and not options.cuda:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])


def shown(row: Row) -> str:
    """A row as lines of text."""
    lines = [row.case]
    for name, value in row.values.items():
        ratio = row.ratio(name)
        told = "" if ratio is None else f"{ratio:7.2f}"
        bar = f"  bar {row.bars[name]:.2f}" if name in row.bars else ""
        spread = f"{value.low:.4g} - {value.high:.4g}"
        lines.append(f"    {name:40}{value.median:10.4g}  {spread:<21}{told}{bar}")
    lines += [f"    {name}: {why}" for name, why in row.absent.items()]
    return "\n".join(lines)


def write(
    path: Path, script: str, options: Options, about: Mapping[str, object], rows: Sequence[Row]
) -> None:
    """The rows and what they depend on, as JSON."""
    told = {"script": script, "facts": about, "options": asdict(options)}
    lines = ",\n".join("  " + json.dumps(asdict(row)) for row in rows)
    head = json.dumps(told, indent=1)[:-2]
    path.write_text(f'{head},\n "rows": [\n{lines}\n ]\n}}\n', "utf-8")


def read(path: Path) -> tuple[str, dict[str, object], list[Row]]:
    """What ``write`` wrote: the script, the facts, the rows."""
    told = json.loads(path.read_text("utf-8"))
    rows = [
        Row(**row | {"values": {k: Spread(**v) for k, v in row["values"].items()}})
        for row in told["rows"]
    ]
    return told["script"], told["facts"], rows

"""How far results are from the exact sums, in units of 2 sqrt(K) u conv(|x|, |w|): paths and peers.

    python benchmarks/fidelity.py [--quick] [--cases WORDS ...] [--json FILE]

K products are summed for a number of y, u = 2^-24; the exact sums are float64.  Numbers of random
signs, and positive ones, whose rounding adds up.  Integers, whose sums float32 holds, must come out
exactly: the largest error of all paths of uniconv is 0, or the script stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import layouts
import peers
import torch
from layouts import DIALECTS, Arrays
from networks import Problem, chosen
from timing import Options, Row, Spread, run

BAR = 1.0
BASELINE = "torch NCHW"


def measure(options: Options) -> Iterator[Row]:
    for problem, network in chosen(options.quick).items():
        if not options.wants(network, str(problem)):
            continue
        probe = layouts.arrays(problem, 1, options.device, integers=True)
        for name, off in errors(problem, probe, options.threads, ours=True).items():
            assert off == 0, f"{problem}: {name} is wrong on integers"
        signed = layouts.arrays(problem, 1, options.device)
        positive = Arrays(signed.x.abs(), signed.w.abs())
        for kind, given in (("random signs", signed), ("positive", positive)):
            found = errors(problem, given, options.threads)
            values = {name: Spread.of([off]) for name, off in found.items()}
            bars = {name: BAR for name in values if name.split()[0] in DIALECTS}
            case = f"{problem}, {network}"
            yield Row(kind, case, values, BASELINE, "of the bound", bars)


@torch.no_grad()
def errors(problem: Problem, given: Arrays, threads: int, ours: bool = False) -> dict[str, float]:
    """The largest error of every path, and of every peer unless only ``ours`` are asked."""
    want = layouts.exact(problem, given)
    found: dict[str, float] = {}
    if not ours:
        made, _ = peers.prepared(problem, given, threads)
        found |= {name: layouts.error(read(call()), want) for name, (call, read) in made.items()}
    for dialect in DIALECTS:
        told = layouts.words(problem, dialect)
        if told is None:
            continue
        x, w = (layouts.native(told, role, a) for role, a in (("x", given.x), ("w", given.w)))
        calls: dict[str, Callable[[], Any]] = {
            "conv": layouts.functional(told, problem, x, w),
            "bind": layouts.bound(told, problem, x, w),
            "layer": lambda told=told, x=x, w=w: layouts.layer(told, problem, 1, w)(x),
        }
        for name, call in calls.items():
            found[f"{dialect} {name}"] = layouts.error(layouts.canonical(told, call()), want)
    return found


if __name__ == "__main__":
    run(measure, __doc__ or "")

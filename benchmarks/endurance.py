"""A million calls and a hundred thousand shapes: what a process holds afterwards that it had not.

    python benchmarks/endurance.py [--calls 1000000] [--shapes 100000]

Each part warms up with a tenth, so that what is kept on purpose is there, and then may grow by the
bar at most.  Last, processes made by fork and by spawn compute what their parent does.  Linux only.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import numpy as np

import uniconv

BAR = 8.0  # MiB: what the allocator keeps for later differs by some


def resident() -> float:
    """What the process has in memory, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def growth(call: Callable[[int], object], count: int) -> float:
    """By how much the process grows over so many calls, in MiB."""
    for k in range(count // 10):
        call(k)
    before = resident()
    for k in range(count // 10, count):
        call(k)
    return resident() - before


def of_one_shape(k: int) -> object:
    return uniconv.conv(X, W, dialect="tf", strides=1 + k % 2, padding=("SAME", "VALID")[k % 3 > 0])


def of_another_shape(k: int) -> object:
    x = np.zeros((1, 3 + k % 317, 3 + k // 317, 1), np.float32)
    return uniconv.conv(x, W[:, :, :1], dialect="tf", strides=1, padding="VALID")


def in_a_process(_: int) -> list[float]:
    return [float(n) for n in np.ravel(of_one_shape(0))]


X = np.arange(60, dtype=np.float32).reshape(1, 5, 6, 2)
W = np.arange(24, dtype=np.float32).reshape(3, 2, 2, 2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--shapes", type=int, default=100_000)
    options = parser.parse_args()
    failed = False
    for name, call, count in (
        ("calls", of_one_shape, options.calls),
        ("shapes", of_another_shape, options.shapes),
    ):
        grown = growth(call, count)
        failed |= grown > BAR
        print(f"{count:,} {name}: {grown:+.1f} MiB, bar {BAR} MiB", flush=True)
    expected = in_a_process(0)
    for way in ("fork", "spawn"):
        with multiprocessing.get_context(way).Pool(2) as pool:
            same = all(y == expected for y in pool.map(in_a_process, range(8)))
        failed |= not same
        print(f"{way}: {'equal' if same else 'DIFFERENT'}", flush=True)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())

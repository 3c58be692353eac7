"""A million calls and a hundred thousand shapes: what a process holds afterwards that it had not.

    python benchmarks/endurance.py [--calls 1000000] [--shapes 100000]

Each part runs in a process of its own.  It warms up with a tenth, so that what is kept on purpose
is there, and then may grow by the bar at most; with ever new shapes, by so much more than torch,
which keeps what it prepares for each.  Last, processes made by fork and by spawn compute what their
parent does.  Linux only.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import torch

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
    x, w = arrays(k)
    return uniconv.conv(x, w, dialect="tf", strides=1, padding="VALID")


def by_torch(k: int) -> object:
    x, w = (torch.from_numpy(a) for a in arrays(k))
    return torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1))


def arrays(k: int) -> tuple[np.ndarray, np.ndarray]:
    """x and w of the k-th shape: small and large ones come in any order."""
    n = ORDER[k % len(ORDER)]
    batch, height, width, c = np.unravel_index(n, (2, 50, 50, 20))
    return np.zeros((1 + batch, 3 + height, 3 + width, 1 + c), np.float32), KERNELS[c]


def in_a_process(_: int) -> list[float]:
    return [float(n) for n in np.ravel(of_one_shape(0))]


X = np.arange(60, dtype=np.float32).reshape(1, 5, 6, 2)
W = np.arange(24, dtype=np.float32).reshape(3, 2, 2, 2)
KERNELS = [np.ones((3, 2, 1 + c, 2), np.float32) for c in range(20)]
ORDER = Random(0).sample(range(100_000), 100_000)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--shapes", type=int, default=100_000)
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")

    def alone(call: Callable[[int], object], count: int) -> float:
        with spawn.Pool(1) as pool:
            return pool.apply(growth, (call, count))

    grown = alone(of_one_shape, options.calls)
    failed = grown > BAR
    print(f"{options.calls:,} calls: {grown:+.1f} MiB, bar {BAR} MiB", flush=True)
    grown, torchs = (alone(call, options.shapes) for call in (of_another_shape, by_torch))
    failed |= grown - torchs > BAR
    shown = f"{grown:+.1f} MiB, torch's own {torchs:+.1f}, bar {BAR} MiB more"
    print(f"{options.shapes:,} shapes: {shown}", flush=True)
    expected = in_a_process(0)
    for way in ("fork", "spawn"):
        with multiprocessing.get_context(way).Pool(2) as pool:
            same = all(y == expected for y in pool.map(in_a_process, range(8)))
        failed |= not same
        print(f"{way}: {'equal' if same else 'DIFFERENT'}", flush=True)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())

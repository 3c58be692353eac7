"""What a call costs beside hand-written torch: one thread, interleaved, ratios within one run.

    python benchmarks/overhead.py [--json FILE]

Every variant computes the same convolution; each round times all of them, in turning order, and
the best and the median round are compared with those of the hand-written call.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

import uniconv

ROUNDS, CALLS = 60, 400
BARS = {"native": 1.15, "conv": 1.25}


def variants() -> dict[str, dict[str, Callable[[], object]]]:
    """The calls to compare, by case; the first of each case is written by hand."""
    x, w = torch.randn(1, 8, 8, 3), torch.randn(3, 3, 3, 4)
    conv2d, conv4 = uniconv.native("tf.nn.conv2d"), uniconv.native("knet.conv4")
    # A Julia array's memory runs backwards: the reversed view of a contiguous tensor.
    julia_x, julia_w = torch.randn(1, 3, 8, 8).permute(3, 2, 1, 0), torch.randn(4, 3, 3, 3)
    julia_w = julia_w.permute(3, 2, 1, 0)

    def by_hand() -> torch.Tensor:
        return F.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1)).permute(0, 2, 3, 1)

    def knet_by_hand() -> torch.Tensor:
        flipped = julia_w.flip(0, 1).permute(3, 2, 1, 0)
        return F.conv2d(julia_x.permute(3, 2, 1, 0), flipped).permute(3, 2, 1, 0)

    return {
        "tf.nn.conv2d, x 1x8x8x3, w 3x3x3x4": {
            "by hand": by_hand,
            "native": lambda: conv2d(x, w, 1, "VALID"),
            "conv": lambda: uniconv.conv(x, w, dialect="tf", strides=1, padding="VALID"),
            "conv, strides as a list": lambda: uniconv.conv(
                x, w, dialect="tf", strides=[1, 1, 1, 1], padding="VALID"
            ),
        },
        "knet.conv4 on Julia memory, x 8x8x3x1, w 3x3x3x4": {
            "by hand": knet_by_hand,
            "native": lambda: conv4(julia_w, julia_x),
            "conv": lambda: uniconv.conv(julia_x, julia_w, dialect="knet.conv4"),
        },
    }


def timed(calls: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Microseconds per call of every round, the order reversed each time."""
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(CALLS):
            call()
    gc.collect()
    gc.disable()
    for turn in range(ROUNDS):
        for name in sorted(calls, reverse=turn % 2 == 1):
            call = calls[name]
            start = time.perf_counter()
            for _ in range(CALLS):
                call()
            rounds[name].append((time.perf_counter() - start) / CALLS * 1e6)
    gc.enable()
    return rounds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="write all rounds there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, object] = {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    print(", ".join(f"{k} {v}" for k, v in found.items()), "- one thread, microseconds")
    with torch.no_grad():
        for case, calls in variants().items():
            first, *_ = calls
            want = calls[first]()
            assert all(torch.equal(call(), want) for call in calls.values())
            found[case] = rounds = timed(calls)
            print(f"\n{case}\n{'':26}{'best':>8}{'median':>8}{'x hand':>8}{'(median)':>9}  bar")
            for name, times in rounds.items():
                ratio = min(times) / min(rounds[first])
                middle = median(times) / median(rounds[first])
                bar = f"  {BARS[name]:.2f}" if name in BARS else ""
                line = f"{name:26}{min(times):8.1f}{median(times):8.1f}{ratio:8.2f}{middle:9.2f}"
                print(line + bar)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()

"""How often which_layout tells the order of published kernels' axes, and how often it is wrong.

    python benchmarks/which_layout.py [--models 221]

The kernels are those of timm's models, by their shapes (tests/architectures).  For each of six
orders: all kernels of a model with that model at hand, and every kernel alone with one input and
output of its layer.  A kernel that two orders read alike (1 x 1 of one channel) counts as told
where the order is among them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from uniconv import which_layout
from uniconv._canonical.layout import axes
from uniconv._weights.which_layout import ORDERS

SHAPES = Path(__file__).parent.parent / "tests" / "architectures" / "architectures.json"
LARGEST = 2**20  # numbers in a kernel that is computed with; larger ones are cut to fewer channels


def order_of_axes(order: str) -> list[int]:
    """Where the axes of that order are in (o, i, ...)."""
    own = axes("o i ...", 2)
    return [own.index(a) for a in axes(order, 2)]


def read_alike(w: np.ndarray, orders: tuple[str, ...]) -> bool:
    """Whether these orders make the same kernel of an array."""
    kernels = [w.transpose(np.argsort(order_of_axes(order))) for order in orders]
    return all(np.array_equal(kernels[0], other) for other in kernels)


def smaller(kernel: list[int]) -> tuple[int, ...]:
    """The kernel with fewer channels, until it is small enough."""
    o, i, *spatial = kernel
    while o * i * int(np.prod(spatial)) > LARGEST:
        o, i = max(o // 2, 1), max(i // 2, 1)
    return (o, i, *spatial)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=10**6)
    options = parser.parse_args()
    models = dict(list(json.loads(SHAPES.read_text())["models"].items())[: options.models])
    kernels = sorted({smaller(k) for own in models.values() for k in own})
    print(f"{len(models)} models, {len(kernels)} kernels alone")
    print("order     model at hand: wrong  ambiguous   one activation: wrong  ambiguous")
    failed = False
    for order in ORDERS:
        moved, counts = order_of_axes(order), [0, 0, 0, 0]
        for own in models.values():
            answer = which_layout({str(k): tuple(k[a] for a in moved) for k in own}, like=own)
            counts[0] += order not in answer.orders
            counts[1] += answer.ambiguous
        for kernel in kernels:
            rng = np.random.default_rng(kernel)
            w = rng.normal(size=kernel)
            x = rng.normal(size=(1, kernel[1], kernel[2] + 1, kernel[3] + 2))
            y = torch.conv2d(torch.tensor(x), torch.tensor(w)).numpy()
            moved_w = w.transpose(moved)
            answer = which_layout(moved_w, x_channels=kernel[1], o=kernel[0], x=x, y=y)
            counts[2] += order not in answer.orders
            counts[3] += answer.ambiguous and not read_alike(moved_w, answer.orders)
        failed |= bool(counts[0] or counts[2] or counts[3] or counts[1] > len(models) / 10)
        print(f"{order:8} {counts[0]:21} {counts[1]:10} {counts[2]:23} {counts[3]:10}", flush=True)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())

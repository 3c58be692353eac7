"""How the cost grows as batch, channels, size and the number of layers double.

    python benchmarks/scale.py [--quick] [--json FILE]

Layers in Keras' layout beside ``nn.Conv2d`` channels last.  After each series its slope: by how
many powers of two the time grows as the number doubles, by least squares.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import log2

import torch
from timing import Options, Row, Spread, run, spreads

from uniconv import nn

HAND = "torch channels last"
SERIES = {
    "batch": [(n, 64, 28, 1) for n in (1, 2, 4, 8, 16, 32)],
    "channels": [(1, c, 28, 1) for c in (8, 16, 32, 64, 128, 256)],
    "size": [(1, 32, n, 1) for n in (7, 14, 28, 56, 112, 224)],
    "layers": [(1, 16, 14, n) for n in (1, 2, 4, 8, 16, 32)],
}


def measure(options: Options) -> Iterator[Row]:
    for name, points in SERIES.items():
        if not options.wants(name):
            continue
        rows, numbers = [], []
        for at, point in enumerate(points[: 3 if options.quick else None]):
            numbers.append(points[0][_varied(points)] * 2**at)
            rows.append(one(name, numbers[-1], *point, options))
            yield rows[-1]
        if len(rows) > 1:
            slopes = {
                variant: Spread.of([slope(numbers, [r.values[variant].median for r in rows])])
                for variant in rows[0].values
            }
            yield Row(f"slope of {name}", f"{numbers[0]} to {numbers[-1]}", slopes, HAND, "powers")


def _varied(points: list[tuple[int, int, int, int]]) -> int:
    """Which of the four numbers grows."""
    return next(i for i, (a, b) in enumerate(zip(*points[:2])) if a != b)


def slope(numbers: list[int], times: list[float]) -> float:
    """Of log2(time) over log2(number)."""
    xs, ys = [log2(n) for n in numbers], [log2(t) for t in times]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x) ** 2 for a in xs)


@torch.no_grad()
def one(name: str, number: int, batch: int, c: int, n: int, depth: int, options: Options) -> Row:
    ours = torch.nn.Sequential(
        *(nn.Conv(c, c, 3, dialect="keras", padding="same") for _ in range(depth))
    ).to(options.device)
    hand = torch.nn.Sequential(*(torch.nn.Conv2d(c, c, 3, padding=1) for _ in range(depth)))
    for mine, other in zip(ours, hand):
        other.load_state_dict(
            {"weight": mine.kernel.permute(3, 2, 0, 1), "bias": mine.bias.detach()}
        )
    hand.to(options.device, memory_format=torch.channels_last)
    x = torch.randn(batch, n, n, c, device=options.device)
    first = x.permute(0, 3, 1, 2)
    want = hand(first).permute(0, 2, 3, 1)
    torch.testing.assert_close(ours(x), want, rtol=1e-3, atol=1e-3 * float(want.abs().max()))
    calls = {HAND: lambda: hand(first), "keras layers": lambda: ours(x)}
    return Row(name, f"{number}", spreads(calls, options), HAND)


if __name__ == "__main__":
    run(measure, __doc__ or "")

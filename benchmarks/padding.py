"""What uneven padding costs: SAME under a stride beside the ways to write it on torch.

    python benchmarks/padding.py [--quick] [--json FILE]

Forward and forward + backward on channels-last x, batch 8 (--quick: 1).  "symmetric" pads less or
more than SAME does: its values are wrong, it shows what torch takes for the sum alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import layouts
import torch
from layouts import Arrays
from networks import Problem, problem
from timing import Call, Options, Row, run, spreads
from torch import Tensor

HAND = "F.pad, then conv"
BARS = {"conv": 1.05, "bind": 1.05}


def problems() -> list[Problem]:
    return [
        problem((224, 224), 7, 3, 64, 2, "same"),
        problem((56, 56), 3, 64, 128, 2, "same"),
        problem((14, 14), 3, 256, 512, 2, "same"),
        problem((28, 28), 4, 64, 64, 1, "same"),
        problem((28, 28), 2, 64, 64, 1, "same"),
        problem((112, 112), 3, 96, 96, 2, "same", groups=96),
        problem((56, 56), 5, 144, 144, 2, "same", groups=144),
    ]


def measure(options: Options) -> Iterator[Row]:
    for p in problems():
        if options.wants(str(p)):
            yield forward(p, options)
            yield both(p, options)


def _arrays(p: Problem, options: Options) -> tuple[layouts.Words, Arrays, Tensor, Tensor]:
    given = layouts.arrays(p, 1 if options.quick else 8, options.device)
    told = layouts.words(p, "tf")
    assert told is not None
    return told, given, *(layouts.native(told, r, a) for r, a in (("x", given.x), ("w", given.w)))


@torch.no_grad()
def forward(p: Problem, options: Options) -> Row:
    told, given, x, w = _arrays(p, options)
    hand, sliced = layouts.by_hand(told, p), _sliced(p, told)
    symmetric = layouts.by_hand(told, replace(p, pad=tuple((hi, hi) for _, hi in p.pad)))
    calls: dict[str, Call] = {
        HAND: lambda: hand(x, w),
        "pad and slice": lambda: sliced(x, w),
        "conv": layouts.functional(told, p, x, w),
        "bind": layouts.bound(told, p, x, w),
    }
    want = layouts.exact(p, given)
    for name, call in calls.items():
        off = layouts.error(layouts.canonical(told, call()), want)
        assert off <= 1, (name, off)
    calls["symmetric"] = lambda: symmetric(x, w)
    return Row("forward", str(p), spreads(calls, options), HAND, bars=BARS)


def both(p: Problem, options: Options) -> Row:
    told, _, x, w = _arrays(p, options)
    hand, layer = layouts.by_hand(told, p), layouts.layer(told, p, len(x), w)
    x, w = x.requires_grad_(), w.clone().requires_grad_()
    dy = torch.ones_like(hand(x, w))
    calls: dict[str, Call] = {
        HAND: lambda: torch.autograd.grad(hand(x, w), (x, w), dy),
        "layer": lambda: torch.autograd.grad(layer(x), (x, layer.weight), dy),
    }
    return Row("forward + backward", str(p), spreads(calls, options), HAND)


def _sliced(p: Problem, told: layouts.Words) -> Callable[[Tensor, Tensor], Tensor]:
    """Padded evenly, by more than SAME, in torch's own op; then cut to SAME's outputs."""
    pads = [lo if lo >= hi else lo + s * -(-(hi - lo) // s) for (lo, hi), s in zip(p.pad, p.stride)]
    first = [(more - lo) // s for more, (lo, _), s in zip(pads, p.pad, p.stride)]
    run = layouts.by_hand(told, replace(p, pad=tuple((n, n) for n in pads)))

    def sliced(x: Tensor, w: Tensor) -> Tensor:
        y = run(x, w)
        for axis, (start, length) in enumerate(zip(first, p.output), start=1):
            y = y.narrow(axis, start, length)
        return y

    return sliced


if __name__ == "__main__":
    run(measure, __doc__ or "")

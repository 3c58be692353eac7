"""Every convolution of nine networks: uniconv in five layouts beside hand-written torch and peers.

    python benchmarks/layers.py [--quick] [--threads N] [--cuda] [--cases WORDS ...] [--json FILE]

forward             functional calls, bound kernels and layers in the layouts of tf, pytorch, knet,
                    mlx and onnx; each layout's own line of torch ("by hand", from the same arrays);
                    every peer that is installed.  Batches of 1 and 8 (--quick: 1).
forward + backward  layers, and torch by hand; gradients of x and kernel

--cuda measures torch and uniconv there, with TF32 off and on, and each call once more as a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import layouts
import peers
import torch
from layouts import DIALECTS, Arrays
from networks import NETWORKS, Problem, chosen
from timing import Call, Options, Row, captured, run, spreads
from torch import Tensor

BASELINE = "torch channels last"
BARS = {"tf bind": 1.02}
TF32 = 2.0**-11 / 2.0**-24  # units of the bound that a product of TF32 numbers may be off


def measure(options: Options) -> Iterator[Row]:
    for precision in ("ieee", "tf32") if options.cuda else ("",):
        if precision:
            torch.backends.cudnn.conv.fp32_precision = precision
        suffix = f", {precision}" * bool(precision)
        for network in NETWORKS:
            for way in (forward, both):
                for case, problem, given in cases(network, options):
                    yield way(f"{network}: {LABELS[way]}{suffix}", case, problem, given, options)


def cases(network: str, options: Options) -> Iterator[tuple[str, Problem, Arrays]]:
    """The network's problems that no network before it has."""
    for problem, owner in chosen(options.quick).items():
        for batch in (1,) if options.quick else (1, 8):
            case = f"{problem}, batch {batch}"
            if owner == network and options.wants(network, case):
                yield case, problem, layouts.arrays(problem, batch, options.device)


@torch.no_grad()
def forward(group: str, case: str, problem: Problem, given: Arrays, options: Options) -> Row:
    """One row of calls whose results agree."""
    limit = 4 * TF32 if group.endswith("tf32") else 4.0
    want = layouts.exact(problem, given)
    made, absent = peers.prepared(problem, given, options.threads)
    calls: dict[str, Call] = {}

    def add(name: str, call: Callable[[], Any], read: Callable[[Any], Tensor]) -> None:
        off = layouts.error(read(call()), want)
        if off <= limit:
            calls[name] = call
        else:
            absent[name] = f"its result is {off:.3g} times the bound of rounding off"

    for name, (call, read) in made.items():
        add(name, call, read)
    for dialect in DIALECTS:
        told = layouts.words(problem, dialect)
        if told is None:
            absent[dialect] = "has no words for it"
            continue
        x, w = (layouts.native(told, role, a) for role, a in (("x", given.x), ("w", given.w)))
        hand, layer = layouts.by_hand(told, problem), layouts.layer(told, problem, len(given.x), w)
        for name, call in (
            (f"{dialect} by hand", lambda hand=hand, x=x, w=w: hand(x, w)),
            (f"{dialect} conv", layouts.functional(told, problem, x, w)),
            (f"{dialect} bind", layouts.bound(told, problem, x, w)),
            (f"{dialect} layer", lambda layer=layer, x=x: layer(x)),
        ):
            add(name, call, lambda y, told=told: layouts.canonical(told, y))
    if options.cuda:
        calls |= {f"{name}, graph": captured(call) for name, call in list(calls.items())}
    bars = {k: v for k, v in BARS.items() if k in calls}
    values = spreads(calls, options)
    return Row(group, case, values, _baseline(calls), bars=bars, absent=absent)


def both(group: str, case: str, problem: Problem, given: Arrays, options: Options) -> Row:
    """One row of forward and backward; the gradients agree."""
    convolve, wide = layouts.on_torch(problem), [a.double() for a in (given.x, given.w)]
    dy = torch.randn(len(given.x), problem.o, *problem.output, device=given.x.device)
    leaves = [a.requires_grad_() for a in wide]
    want = torch.autograd.grad(convolve(*leaves), leaves, dy.double())
    calls, absent = peers.trained(problem, given, dy, options.threads)

    def agree(name: str, found: tuple[Tensor, ...], exact: tuple[Tensor, ...]) -> None:
        for mine, other in zip(found, exact):
            torch.testing.assert_close(
                mine.double(), other, rtol=1e-2, atol=1e-3 * float(other.abs().max()), msg=name
            )

    for dialect in DIALECTS:
        told = layouts.words(problem, dialect)
        if told is None:
            absent[dialect] = "has no words for it"
            continue
        x, w = (layouts.native(told, role, a) for role, a in (("x", given.x), ("w", given.w)))
        x, w = x.requires_grad_(), w.detach().clone().requires_grad_()
        d = layouts.native(told, "x", dy)
        hand, layer = (
            layouts.by_hand(told, problem),
            layouts.layer(told, problem, len(given.x), w.detach()),
        )
        calls[f"{dialect} by hand"] = lambda hand=hand, x=x, w=w, d=d: torch.autograd.grad(
            hand(x, w), (x, w), d
        )
        calls[f"{dialect} layer"] = lambda layer=layer, x=x, d=d: torch.autograd.grad(
            layer(x), (x, layer.weight), d
        )
        dx, dw = calls[f"{dialect} by hand"]()
        wanted = layouts.native(told, "x", want[0]), layouts.native(told, "w", want[1])
        agree(f"{dialect} by hand", (dx, dw), wanted)
        dx, stored = calls[f"{dialect} layer"]()
        kernel = layer.stored_as.restore(stored)
        agree(f"{dialect} layer", (dx, kernel), wanted)
    values = spreads(calls, options)
    return Row(group, case, values, _baseline(calls), absent=absent)


LABELS = {forward: "forward", both: "forward + backward"}


def _baseline(calls: dict[str, Any]) -> str:
    return BASELINE if BASELINE in calls else "torch NCHW"


if __name__ == "__main__":
    run(measure, __doc__ or "")

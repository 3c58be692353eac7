"""What a small call costs, by every entry, beside the same call written by hand.

    python benchmarks/overhead.py [--quick] [--json FILE]

entries  x 1x8x8x3, 4 filters of 3x3: functions with a framework's own signature, conv, bind, layers
shapes   the same call after 10, 1,000 and 100,000 other shapes (--quick: 10 and 1,000) have been
         called; what the call of a new shape costs; and what the process has grown by (MiB)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from timing import Call, Options, Row, Spread, once, run, spreads
from torch.nn import functional as F  # noqa: N812

import uniconv
from uniconv import nn

HAND = "by hand"
BARS = {"native": 1.04, "conv": 1.08, "bind": 0.80}
LAYER_BARS = {"layer": 1.20}


def tensorflow() -> dict[str, Call]:
    x, w = torch.randn(1, 8, 8, 3), torch.randn(3, 3, 3, 4)
    conv2d, bound = uniconv.native("tf.nn.conv2d"), uniconv.bind(w, dialect="tf", **VALID)
    return {
        HAND: lambda: F.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1)).permute(0, 2, 3, 1),
        "native": lambda: conv2d(x, w, 1, "VALID"),
        "conv": lambda: uniconv.conv(x, w, dialect="tf", strides=1, padding="VALID"),
        "conv, strides as a list": lambda: uniconv.conv(
            x, w, dialect="tf", strides=[1, 1, 1, 1], padding="VALID"
        ),
        "bind": lambda: bound(x),
    }


VALID = {"strides": 1, "padding": "VALID"}


def knet() -> dict[str, Call]:
    # A Julia array's memory runs backwards: the reversed view of a contiguous tensor.
    x, w = (torch.randn(s).permute(3, 2, 1, 0) for s in ((1, 3, 8, 8), (4, 3, 3, 3)))
    conv4, bound = uniconv.native("knet.conv4"), uniconv.bind(w, dialect="knet.conv4")

    def by_hand() -> torch.Tensor:
        flipped = w.flip(0, 1).permute(3, 2, 1, 0)
        return F.conv2d(x.permute(3, 2, 1, 0), flipped).permute(3, 2, 1, 0)

    return {
        HAND: by_hand,
        "native": lambda: conv4(w, x),
        "conv": lambda: uniconv.conv(x, w, dialect="knet.conv4"),
        "bind": lambda: bound(x),
    }


def pytorch() -> dict[str, Call]:
    x, w = torch.randn(1, 3, 8, 8), torch.randn(4, 3, 3, 3)
    conv2d, bound = uniconv.native("torch.nn.functional.conv2d"), uniconv.bind(w, dialect="pytorch")
    return {
        HAND: lambda: F.conv2d(x, w),
        "native": lambda: conv2d(x, w),
        "conv": lambda: uniconv.conv(x, w, dialect="pytorch"),
        "bind": lambda: bound(x),
    }


def transposed() -> dict[str, Call]:
    x, w = torch.randn(1, 8, 8, 3), torch.randn(2, 2, 4, 3)
    told = {"dialect": "keras.ops.conv_transpose", "strides": 2, "padding": "valid"}
    bound = uniconv.bind(w, kind="conv_transpose", **told)

    def by_hand() -> torch.Tensor:
        y = F.conv_transpose2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), None, 2)
        return y.permute(0, 2, 3, 1)

    return {
        HAND: by_hand,
        "conv_transpose": lambda: uniconv.conv_transpose(x, w, **told),
        "bind": lambda: bound(x),
    }


def depthwise() -> dict[str, Call]:
    x, w = torch.randn(1, 8, 8, 4), torch.randn(3, 3, 4, 1)
    told = {"dialect": "tf", "strides": (1, 1, 1, 1), "padding": "VALID"}
    bound = uniconv.bind(w, kind="depthwise_conv", **told)

    def by_hand() -> torch.Tensor:
        y = F.conv2d(x.permute(0, 3, 1, 2), w.permute(2, 3, 0, 1), groups=4)
        return y.permute(0, 2, 3, 1)

    return {
        HAND: by_hand,
        "depthwise_conv": lambda: uniconv.depthwise_conv(x, w, **told),
        "bind": lambda: bound(x),
    }


def layers() -> dict[str, Call]:
    """A layer's call beside nn.Conv2d's: the same kernel, channels last and first."""
    x, layer, plain = torch.randn(1, 8, 8, 3), nn.Conv(3, 4, 3, dialect="keras"), torch.nn.Conv2d
    by_torch = plain(3, 4, 3)
    by_torch.load_state_dict(
        {"weight": layer.kernel.detach().permute(3, 2, 0, 1), "bias": layer.bias.detach()}
    )
    first = x.permute(0, 3, 1, 2).contiguous()
    return {HAND: lambda: by_torch(first).permute(0, 2, 3, 1), "layer": lambda: layer(x)}


CASES: dict[str, tuple[Callable[[], dict[str, Call]], dict[str, float]]] = {
    "tf.nn.conv2d, x 1x8x8x3": (tensorflow, BARS),
    "knet.conv4 on Julia's memory, x 8x8x3x1": (knet, BARS),
    "torch.nn.functional.conv2d, x 1x3x8x8": (pytorch, {}),
    "keras.ops.conv_transpose, x 1x8x8x3": (transposed, {}),
    "tf.nn.depthwise_conv2d, x 1x8x8x4": (depthwise, {}),
    "a layer beside nn.Conv2d, x 1x8x8x3": (layers, LAYER_BARS),
}


def measure(options: Options) -> Iterator[Row]:
    options = replace(options, rounds=options.rounds or (60 if not options.quick else 20))
    with torch.no_grad():
        for case, (make, bars) in CASES.items():
            if options.wants("entries", case):
                calls = make()
                want, *others = (call() for call in calls.values())
                for y in others:
                    torch.testing.assert_close(y, want, rtol=1e-5, atol=1e-5)
                yield Row("entries", case, spreads(calls, options), HAND, bars=bars)
        for count in (10, 1000) if options.quick else (10, 1000, 100_000):
            if options.wants("shapes", f"after {count:,} shapes"):
                yield from after(count, options)


def after(count: int, options: Options) -> Iterator[Row]:
    """The small calls of tensorflow() once ``count`` other shapes have been called."""
    w, calls = torch.randn(1, 1, 1, 1), tensorflow()
    before, bound = _resident(), uniconv.bind(w, dialect="tf", **VALID)
    new: dict[str, list[float]] = {"conv": [], "bind": []}
    for n in range(count):
        x = torch.zeros(1, n // 400 + 1, n % 400 + 1, 1)
        new["conv"].append(
            once(lambda x=x: uniconv.conv(x, w, dialect="tf", strides=1, padding="VALID"))
        )
        new["bind"].append(once(lambda x=x: bound(x)))
    grown = max(_resident() - before, 0.0)
    yield Row("shapes", f"after {count:,} shapes", spreads(calls, options), HAND)
    last = {name: Spread.of(times[-100:]) for name, times in new.items()}
    yield Row("a new shape", f"after {count:,} shapes", last, "conv")
    grown_by = {"process": Spread.of([grown])}
    yield Row("memory grown by", f"after {count:,} shapes", grown_by, unit="MiB")


def _resident() -> float:
    """MiB that the process holds."""
    from memory import status

    return status("VmRSS") / 2**20


if __name__ == "__main__":
    run(measure, __doc__ or "")

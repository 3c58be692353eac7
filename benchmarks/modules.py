"""What layers and bound kernels cost beside hand-written torch: one thread, ratios within one run.

    python benchmarks/modules.py [--quick] [--cases WORDS ...] [--json FILE]

tiny     a layer's call beside nn.Conv2d's on 1x8x8x3, 4 filters 3x3: at most 1.4
layers   the layers of a network, batch 8: forward, and forward + backward, beside torch as written
         by hand: views of x and of the weight in the framework's layout (at most 1.02 and 1.03,
         geometric mean)
weights  layers of many weights and one small image: a bound kernel beside torch's own NCHW layout
         with its weight as PyTorch stores it (at most 1.10)
flips    a layer whose kernel is flipped beside one whose kernel is not: the same

The convolutions of whole networks, beside other frameworks, are in layers.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from timing import Call, Options, Row, run, spreads
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

import uniconv
from uniconv import nn

Calls = dict[str, Call]  # the one written by hand first
BARS = {"tiny": 1.40, "forward": 1.02, "forward + backward": 1.03, "weights": 1.10, "flips": 1.03}


def tiny() -> dict[str, Calls]:
    x, layer = torch.randn(1, 8, 8, 3), nn.Conv(3, 4, 3, dialect="keras")
    plain, nchw = torch.nn.Conv2d(3, 4, 3), torch.randn(1, 3, 8, 8)
    return {"tiny": {"nn.Conv2d": lambda: plain(nchw), "layer": lambda: layer(x)}}


def shapes() -> dict[str, tuple[nn.Conv, tuple[int, ...], Callable[..., Tensor]]]:
    """Layers, their inputs, and the same by hand on (x, native kernel, bias)."""

    def by_hand(**options: object) -> Callable[..., Tensor]:
        def run(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
            y = F.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), b, **options)
            return y.permute(0, 2, 3, 1)

        return run

    def padded(pads: list[int], **options: object) -> Callable[..., Tensor]:
        def run(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
            x = F.pad(x.permute(0, 3, 1, 2), pads)
            return F.conv2d(x, w.permute(3, 2, 0, 1), b, **options).permute(0, 2, 3, 1)

        return run

    def depthwise(pads: list[int] | None, **options: object) -> Callable[..., Tensor]:
        def run(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
            x = x.permute(0, 3, 1, 2)
            x = x if pads is None else F.pad(x, pads)
            w = w.permute(2, 3, 0, 1)
            return F.conv2d(x, w, b, groups=128, **options).permute(0, 2, 3, 1)

        return run

    def one_axis(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        y = F.conv1d(x.permute(0, 2, 1), w.permute(2, 1, 0), b, padding=2)
        return y.permute(0, 2, 1)

    def three_axes(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        y = F.conv3d(x.permute(0, 4, 1, 2, 3), w.permute(4, 3, 0, 1, 2), b, padding=1)
        return y.permute(0, 2, 3, 4, 1)

    def transposed(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        y = F.conv_transpose2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), b, 2)
        return y[:, :, :-1, :-1].permute(0, 2, 3, 1)

    same = {"dialect": "keras", "padding": "same"}
    strided = {**same, "strides": 2}
    conv, deep = nn.Conv, nn.DepthwiseConv
    return {
        "stem 7x7/2 224": (conv(3, 64, 7, **strided), (8, 224, 224, 3),
                           padded([2, 3, 2, 3], stride=2)),
        "3x3 64 56": (conv(64, 64, 3, **same), (8, 56, 56, 64), by_hand(padding=1)),
        "3x3/2 64 128 56": (conv(64, 128, 3, **strided), (8, 56, 56, 64),
                            padded([0, 1, 0, 1], stride=2)),
        "1x1 256 14": (conv(256, 256, 1, **same), (8, 14, 14, 256), by_hand()),
        "depthwise 3x3 128 28": (deep(128, 3, **same), (8, 28, 28, 128),
                                 depthwise(None, padding=1)),
        "depthwise 3x3/2 128 28": (deep(128, 3, **strided), (8, 28, 28, 128),
                                   depthwise([0, 1, 0, 1], stride=2)),
        "1-D k5 64 1024": (conv(64, 64, (5,), **same), (8, 1024, 64), one_axis),
        "3-D 3x3x3 16 32": (conv(16, 32, (3, 3, 3), **same), (2, 16, 28, 28, 16), three_axes),
        "transposed 3x3/2 64 32 28": (nn.ConvTranspose(64, 32, 3, **strided), (8, 28, 28, 64),
                                      transposed),
    }  # fmt: skip


def forward() -> dict[str, Calls]:
    found: dict[str, Calls] = {}
    for name, (layer, shape, hand) in shapes().items():
        x, w, b = torch.randn(shape), layer.kernel.detach().contiguous(), layer.bias.detach()
        calls: Calls = {
            "by hand": lambda hand=hand, x=x, w=w, b=b: hand(x, w, b),
            "layer": lambda layer=layer, x=x: layer(x),
        }
        found[name] = calls
    return found


def both() -> dict[str, Calls]:
    found: dict[str, Calls] = {}
    for name, (layer, shape, hand) in shapes().items():
        x = torch.randn(shape, requires_grad=True)
        w = layer.kernel.detach().contiguous().requires_grad_()
        b = layer.bias.detach().clone().requires_grad_()
        dy = torch.randn(layer(x).shape)

        def step(run: Callable[[], Tensor], of: list[Tensor], dy: Tensor = dy) -> object:
            return torch.autograd.grad(run(), of, dy)

        calls: Calls = {
            "by hand": lambda s=step, hand=hand, x=x, w=w, b=b: s(lambda: hand(x, w, b), [x, w, b]),
            "layer": lambda s=step, layer=layer, x=x: s(
                lambda: layer(x), [x, layer.weight, layer.bias]
            ),
        }
        found[name] = calls
    return found


def weights() -> dict[str, Calls]:
    found: dict[str, Calls] = {}
    for o, i, k, n in ((512, 512, 3, 7), (2048, 512, 1, 7), (256, 256, 3, 14)):
        native = torch.randn(o, i, k, k)
        hwio = native.permute(2, 3, 1, 0).contiguous()
        nchw = torch.randn(1, i, n, n)
        nhwc = nchw.permute(0, 2, 3, 1).contiguous()
        bound = uniconv.bind(hwio, dialect="keras", padding="same")
        pads = k // 2
        calls: Calls = {
            "NCHW": lambda x=nchw, w=native, p=pads: F.conv2d(x, w, padding=p),
            "bound": lambda b=bound, x=nhwc: b(x),
            "HWIO view": lambda x=nhwc, w=hwio, p=pads: F.conv2d(
                x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), padding=p
            ).permute(0, 2, 3, 1),
        }
        found[f"{k}x{k} {i} {o}, {n}x{n}"] = calls
    return found


def flips() -> dict[str, Calls]:
    found: dict[str, Calls] = {}
    for c, n in ((3, 8), (256, 14)):
        x = torch.randn(1, c, n, n).permute(3, 2, 1, 0)
        calls: Calls = {}
        for name, mode in (("as it is", 1), ("flipped", 0)):
            layer = nn.Conv(c, c, 3, dialect="knet", mode=mode, padding=1)
            calls[name] = lambda layer=layer, x=x: layer(x)
        found[f"3x3 {c}, {n}x{n}"] = calls
    return found


def measure(options: Options) -> Iterator[Row]:
    kinds = {"tiny": tiny, "forward": forward, "forward + backward": both}
    kinds |= {"weights": weights, "flips": flips}
    for kind, make in kinds.items():
        for name, calls in make().items():
            if options.wants(kind, name):
                first, second, *_ = calls
                with torch.set_grad_enabled("backward" in kind):
                    values = spreads(calls, options)
                yield Row(kind, name, values, first, bars={second: BARS[kind]})


if __name__ == "__main__":
    run(measure, __doc__ or "")

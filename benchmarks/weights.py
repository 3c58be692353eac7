"""What it costs to rearrange a kernel in memory, beside one plain contiguous copy: one thread.

    python benchmarks/weights.py [--quick] [--json FILE]

The bar is for kernels with their output
channels last; with these first, the plain copy is faster by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from timing import Call, Options, Row, run, spreads

import uniconv

PLAIN = "plain copy"
BAR = 0.45
HWIO = [(3, 3, 512, 512), (3, 3, 256, 512), (1, 1, 512, 2048), (5, 5, 64, 1024), (2, 2, 1024, 1024)]
HWIO += [(3, 3, 640, 640), (3, 3, 1152, 384), (3, 3, 300, 1000)]
OIHW = [(512, 512, 3, 3), (512, 256, 3, 3), (2048, 512, 1, 1), (1024, 1024, 2, 2), (640, 640, 3, 3)]


def cases() -> list[tuple[str, bool, Callable[[], object], Callable[[], object]]]:
    """What is converted, whether the bar holds for it, the plain copy, and ours."""
    found = []
    for shape in HWIO:
        w = torch.randn(shape)
        for name, order, dst in (("OHWI", (3, 0, 1, 2), "mlx"), ("OIHW", (3, 2, 0, 1), "pytorch")):
            found.append(
                (
                    f"HWIO {shape} -> {name}",
                    True,
                    lambda w=w, order=order: w.permute(order).contiguous(),
                    lambda w=w, dst=dst: uniconv.convert_kernel(w, "tf", dst, contiguous=True),
                )
            )
    w = torch.randn(HWIO[0])
    found.append(
        (
            f"HWIO {HWIO[0]} flipped -> OIHW",
            True,
            lambda: w.flip(0, 1).permute(3, 2, 0, 1).contiguous(),
            lambda: uniconv.convert_kernel(w, "knet", "pytorch", contiguous=True),
        )
    )
    for shape in OIHW:
        v = torch.randn(shape)
        found.append(
            (
                f"OIHW {shape} -> HWIO",
                False,
                lambda v=v: v.permute(2, 3, 1, 0).contiguous(),
                lambda v=v: uniconv.convert_kernel(v, "pytorch", "tf", contiguous=True),
            )
        )
        found.append(
            (
                f"OIHW {shape} flipped -> HWIO, as it lies",
                True,
                lambda v=v: v.flip(2, 3).permute(2, 3, 1, 0).contiguous(),
                lambda v=v: uniconv.convert_kernel(v, "theano", "tf"),
            )
        )
    found.append(
        (
            f"OIHW {OIHW[0]} -> HWIO, a view",
            True,
            lambda: v.permute(2, 3, 1, 0).contiguous(),
            lambda: uniconv.convert_kernel(v, "pytorch", "tf"),
        )
    )
    return found


def measure(options: Options) -> Iterator[Row]:
    for name, barred, plain, ours in cases():
        if options.wants(name):
            assert torch.equal(plain(), ours())  # type: ignore[arg-type]
            calls: dict[str, Call] = {PLAIN: plain, "uniconv": ours}
            bars = {"uniconv": BAR} if barred else {}
            yield Row("kernels", name, spreads(calls, options), PLAIN, bars=bars)


if __name__ == "__main__":
    run(measure, __doc__ or "")

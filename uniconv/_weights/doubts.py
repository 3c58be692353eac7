"""What may be wrong with kernels, though no array says so: words of warning, never a decision.

Two mistakes leave no trace in the sizes that ``twice.py`` looks at.  Arrays of one framework are
given under the name of another, with no bias to contradict it: kernels are square as a rule, so
that a network whose kernels are oblong as read, and every one of them square in another order, was
most likely laid out in that order.  And PyTorch has no word for a depthwise kernel: it is one of
a convolution in groups, which Keras and TensorFlow have, too, beside depthwise layers of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from uniconv._canonical.layout import axes
from uniconv._messages import show_shape
from uniconv._weights.conversion import Conversion
from uniconv._weights.kernel import readings
from uniconv._weights.which_layout import ORDERS, KernelOrder
from uniconv.errors import UniconvError
from uniconv.spec.framework import Framework

_OF_CONVOLUTIONS = ORDERS[:3]  # the others are those of transposed convolutions alone


def oblong(
    steps: Sequence[Conversion], src: str, dst: str, outputs: Mapping[str, int]
) -> tuple[str, str]:
    """The first kernel that is not square as ``src`` has it, and the warning for all; or "", "".

    ``outputs``: how many outputs a kernel has, by the vector beside it.
    """
    kernels = [s for s in steps if s.kind == "conv" and len(s.shape) in (4, 5)]
    suspects = []
    for step in kernels:
        try:
            order = readings(step.shape, src, dst, "conv")[1].layout.w
        except UniconvError:
            return "", ""
        if order not in ORDERS:
            return "", ""
        if not _square(order, step, outputs):
            suspects.append(step)
    others = [o for o in _OF_CONVOLUTIONS if all(_square(o, step, outputs) for step in kernels)]
    if not suspects or not others:
        return "", ""
    first, rank = suspects[0], len(suspects[0].shape) - 2
    own = readings(first.shape, src, dst, "conv")[1].layout.w
    spans = " x ".join(map(str, _spatial(own, first.shape)))
    words = str(KernelOrder((others[0],), rank))
    return first.name, (
        f"{show_shape(first.shape)} as {src} has it spans {spans}, but in the order {words} every "
        "kernel is square: if they lie so, name that framework; like= decides"
    )


def _square(order: str, step: Conversion, outputs: Mapping[str, int]) -> bool:
    """Whether a kernel in that order has one size on all spatial axes, and the right outputs."""
    count = dict(zip(axes(order, len(step.shape) - 2), step.shape))["o"]
    return len({*_spatial(order, step.shape)}) == 1 and outputs.get(step.name, count) == count


def _spatial(order: str, shape: Sequence[int]) -> list[int]:
    """The spatial sizes of a kernel in that order."""
    return [n for a, n in zip(axes(order, len(shape) - 2), shape) if a.startswith("s")]


def depthwise(
    steps: Iterable[Conversion], src: str, dst: str, families: tuple[Framework, Framework]
) -> tuple[str, str]:
    """The first kernel that may belong to a depthwise layer of ``dst``, and the warning for all."""
    source, target = families
    if "depthwise_conv" in source.main or "depthwise_conv" not in target.main:
        return "", ""
    convs = [s for s in steps if s.kind == "conv" and len(s.shape) > 2 and not s.entry.groups]
    outputs: dict[str, int] = {}
    for step in convs[1:]:  # the first may see one channel: a grey image
        kernel = readings(step.shape, step.entry.source or src, dst, "conv")[1]
        sizes = dict(zip(kernel.letters, step.shape))
        if sizes.get("i") == 1 and sizes.get("o", 1) > 1:
            outputs[step.name] = sizes["o"]
    if not outputs:
        return "", ""
    first = next(step for step in convs if step.name in outputs)
    entries = {name: {"kind": "depthwise_conv", "groups": o} for name, o in outputs.items()}
    return first.name, (
        f"it has one channel in: it becomes {show_shape(first.new_shape)}, the kernel of a "
        f"convolution in groups; for depthwise layers of {dst} say in the map, with the channels "
        f"of each image as groups, {json.dumps(entries)}"
    )

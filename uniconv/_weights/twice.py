"""Kernels that are laid out for the target already: converting them again would spoil them.

Loaders are written around converters, and sooner or later one of them runs twice: nothing looks
wrong, since a kernel with its axes exchanged is a kernel, too.  What tells is the number of
outputs, which a bias or a BatchNorm beside a kernel has, or the model that the kernels belong to.

Three answers are possible.  Sizes that fit the source's axes: convert.  Sizes that contradict them
and fit the target's for every kernel: converted already.  Sizes that fit neither: something else is
wrong, most often a transposed convolution that its name does not tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from uniconv._messages import show_shape
from uniconv._weights.conversion import Conversion
from uniconv._weights.kernel import readings
from uniconv._weights.name_map import CONVOLUTIONS
from uniconv._weights.which_layout import ORDERS, which_layout
from uniconv.errors import BadShape, UniconvError

Channels = Callable[[Conversion, str, str], int]


def converted_by_sizes(
    steps: Iterable[Conversion], lengths: Mapping[str, int], src: str, dst: str, channels: Channels
) -> bool:
    """Whether the vectors beside the kernels say that all are laid out for ``dst``.

    ``lengths``: for each kernel's name how many outputs the bias or BatchNorm beside it has.
    ``channels`` tells how many a kernel gives, read as that of a family.
    """
    contradictions = 0
    for step in steps:
        if step.kind not in (*CONVOLUTIONS, "dense") or step.name not in lengths:
            continue
        outputs = lengths[step.name]
        if _gives(step, dst, src, channels) != outputs:
            return False
        contradictions += _gives(step, src, dst, channels) != outputs
    return contradictions > 0


def transposed_by_sizes(
    step: Conversion, outputs: int, src: str, dst: str, channels: Channels
) -> bool:
    """Whether a kernel has these outputs if it is one of a transposed convolution."""
    other = replace(step, entry=replace(step.entry, kind="conv_transpose"))
    return step.kind == "conv" and _gives(other, src, dst, channels) == outputs


def _gives(step: Conversion, src: str, dst: str, channels: Channels) -> int | None:
    """The outputs of a kernel as a family reads it; None where it cannot."""
    try:
        return channels(step, src, dst)
    except UniconvError:
        return None


def converted_by_model(steps: Iterable[Conversion], src: str, dst: str, like: Any) -> bool:
    """Whether the kernels are laid out for ``dst`` and not for ``src``, by the sizes of a model.

    Raises:
        BadShape: neither is so, or both: then the sizes of this model cannot tell.
    """
    kernels = {step.name: step for step in steps if step.kind in CONVOLUTIONS}
    shapes = {name: step.shape for name, step in kernels.items() if 3 <= len(step.shape) <= 5}
    if not shapes:
        return False
    answer = which_layout(shapes, like=like)
    orders = answer.orders
    first = kernels[next(iter(shapes))]
    _, source, target = readings(first.shape, src, dst, "conv")
    before, after = source.layout.w, target.layout.w
    if before not in ORDERS or after not in ORDERS or before == after:
        return False  # one of them has other axes, or both the same: sizes tell nothing
    if (before in orders) is not (after in orders):
        return after in orders
    if before in orders:
        raise BadShape(
            f"the kernels may be laid out for {src} or, converted already, for {dst}: the sizes of "
            "this model fit both; leave out like where you know that they are the former's, or ask "
            "which_layout with an input and an output of a layer"
        )
    raise BadShape(
        f"the kernels of this model, such as {show_shape(first.shape)}, are laid out as {answer}: "
        f"neither as {src} has them nor as {dst}"
    )

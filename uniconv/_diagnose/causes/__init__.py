"""The search space: everything that people are known to get wrong, as steps between hypotheses.

A slot is a function from a hypothesis to those that differ from it in one thing, each with the
``Change`` that says so.  Slots are in ``SLOTS`` in the order in which two of them are combined:
arrays first, then the record, geometry before padding, then what follows the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from uniconv._diagnose.causes.activation import activation
from uniconv._diagnose.causes.alignment import input_crop, output_ends
from uniconv._diagnose.causes.arrays import (
    input_axes,
    input_channels,
    input_groups,
    kernel_axes,
    kernel_order,
    output_axes,
    output_channels,
)
from uniconv._diagnose.causes.epilogue import bias, offset, scale
from uniconv._diagnose.causes.geometry import boundary, dilation, padding, reverse, stride
from uniconv._diagnose.causes.normalization import affine, batchnorm, gain, input_scale
from uniconv._diagnose.hypothesis import Hypothesis

Slot = Callable[[Hypothesis], Iterator[Hypothesis]]

# What changes the shape of the result; nothing else can mend a shape that is not y's.
SHAPING = {"axes of w", "axes of x", "crop of x", "stride", "dilation", "axes of y", "end of y"}
SHAPING |= {"padding"}
# What no change of a slot costs less than, where that is more than the least of all.
LEAST = {"axes of y": 1.5, "order of channels in y": 1.9, "boundary": 1.5, "offset": 2.5}
LEAST |= {"axes of x": 1.5, "stride": 1.3, "dilation": 1.3, "padding": 1.2, "scale": 1.2}
LEAST |= {"crop of x": 1.7, "end of y": 1.6, "activation": 1.2, "BatchNorm": 1.2, "gain": 2.6}
LEAST |= {"affine": 3.1, "values of x": 2.4}
SLOTS: dict[str, Slot] = {
    "axes of w": kernel_axes,
    "order of filters": kernel_order,
    "axes of x": input_axes,
    "groups": input_groups,
    "order of channels in x": input_channels,
    "crop of x": input_crop,
    "reverse": reverse,
    "stride": stride,
    "dilation": dilation,
    "axes of y": output_axes,
    "order of channels in y": output_channels,
    "end of y": output_ends,
    "padding": padding,
    "boundary": boundary,
    "bias": bias,
    "activation": activation,
    "BatchNorm": batchnorm,
    "scale": scale,
    "offset": offset,
    "gain": gain,
    "affine": affine,
    "values of x": input_scale,
}

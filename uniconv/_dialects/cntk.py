"""CNTK: cntk.convolution and convolution_transpose; the weight comes first.

Read from microsoft/CNTK @ 00230f8a Source/Math/ConvolveGeometry.h and later.
"""

from dataclasses import replace

from uniconv._canonical.layout import Layout
from uniconv.spec.forms import FLAGS
from uniconv.spec.framework import Framework
from uniconv.spec.op import UNGROUPED, Op
from uniconv.spec.padding import Crop, Pad
from uniconv.spec.refusals import Refusal
from uniconv.spec.rules import CallContext, Count, InertOption, PerAxis
from uniconv.spec.words import CENTRED, CENTRED_TRANSPOSED

SOURCE = "microsoft/CNTK @ 00230f8a Source/Math/ConvolveGeometry.h"
OPS = "microsoft/CNTK bindings/python/cntk/ops/__init__.py"
# A list shorter than the axes is filled up in front with its first entry: so is the channel axis.
ONCE = ("int", "one", "axes")
TRAP = (
    "the first flag of auto_padding, [True] by default, pads the channel axis too: say "
    "[False, True, ...], a flag for the channels and one for each spatial axis"
)


def channels_padded(call: CallContext, auto_padding: list[bool]) -> bool:
    """Whether the flag of the channel axis would pad more than one channel of x."""
    return call.sizes.c > 1 and auto_padding[0]


def output_channels_padded(call: CallContext, auto_padding: list[bool]) -> bool:
    """The same in a transposed call, whose convolution reads the channels of y."""
    return call.sizes.o > 1 and auto_padding[0]


def kernel_longer_than_x(call: CallContext) -> bool:
    return any(a.kernel > a.size for a in call.axes)


def dilated(call: CallContext) -> bool:
    return max(call.dilation) > 1


CONVOLUTION = Op(
    "cntk.convolution",
    kind="conv",
    params="w:convolution_map x:operand strides sharing auto_padding sequential dilation "
    "reduction_rank groups max_temp_mem_size_in_samples",
    layout=Layout("n c ...", "o i ...", "n o ..."),
    stride=PerAxis("strides", (1,), accepts=(*ONCE, "sample")),
    dilation=PerAxis("dilation", (1,), accepts=ONCE),
    pad=Pad("auto_padding", [True], form=FLAGS, reading=CENTRED),
    groups=Count("groups"),
    batch=(0, 1),
    empty_output="refused",
    dtypes=("float32", "float64"),
    inert_options=(
        InertOption("sharing", [True], "every pixel would have a kernel of its own"),
        InertOption("sequential", False, "move the sequence axis to the spatial ones"),
        InertOption("reduction_rank", 1, "give x a channel axis of size 1"),
        InertOption("max_temp_mem_size_in_samples", 0, inert=True),
    ),
    refusals=(
        Refusal(channels_padded, ("auto_padding",), TRAP, SOURCE),
        Refusal(
            kernel_longer_than_x,
            (),
            "the kernel must not be longer than x along any axis, padded or not",
            f"{SOURCE} ComputeOutputShape",
        ),
    ),
    source=OPS,
    notes=(
        "The weight comes first: convolution(convolution_map, operand).",
        "auto_padding=True lays the middle of the kernel on the pixels: for odd kernels, stride 2 "
        "and even sizes the odd pixel is before, where TensorFlow has it after.",
        "cntk.layers.Convolution has pad=False by default, the function auto_padding=[True].",
    ),
)
TRANSPOSE = replace(
    CONVOLUTION,
    name="cntk.convolution_transpose",
    kind="conv_transpose",
    params="w:convolution_map x:operand strides sharing auto_padding output_shape dilation "
    "reduction_rank max_temp_mem_size_in_samples",
    layout=Layout("n c ...", "c m ...", "n o ..."),
    pad=Crop(
        Pad("auto_padding", [True], form=FLAGS, reading=CENTRED_TRANSPOSED),
        shape="output_shape",
        shape_forms=("sample",),
        shape_default=None,
    ),
    groups=UNGROUPED,
    inert_options=tuple(
        fixed for fixed in CONVOLUTION.inert_options if fixed.option != "sequential"
    ),
    refusals=(
        Refusal(output_channels_padded, ("auto_padding",), TRAP, SOURCE),
        Refusal(
            dilated,
            ("dilation",),
            "the size of the output leaves the dilation out",
            f"{SOURCE} ComputeInputShape",
        ),
    ),
    notes=(
        CONVOLUTION.notes[0],
        "A padded axis gives (size - 1) * stride + 1 pixels, unless output_shape says more.",
    ),
)

CNTK = Framework(
    "cntk",
    title="CNTK",
    version="2.7",
    functions=(CONVOLUTION, TRANSPOSE),
    main={
        "conv": dict.fromkeys((1, 2, 3), CONVOLUTION.name),
        "conv_transpose": dict.fromkeys((1, 2, 3), TRANSPOSE.name),
    },
)

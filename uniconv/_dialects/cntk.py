"""CNTK: cntk.convolution and convolution_transpose; the weight comes first.

Read from microsoft/CNTK @ 00230f8a Source/Math/ConvolveGeometry.h and later.
"""

from dataclasses import replace

from uniconv.spec import (
    UNGROUPED,
    Axis,
    CallContext,
    Count,
    Crop,
    Form,
    Framework,
    InertOption,
    Layout,
    NumbersMean,
    Op,
    Pad,
    Pair,
    Pairs,
    PerAxis,
    Refusal,
    Word,
    unchecked,
)

SOURCE = "microsoft/CNTK @ 00230f8a Source/Math/ConvolveGeometry.h"
OPS = "microsoft/CNTK bindings/python/cntk/ops/__init__.py"


def read_flags(value: object, pattern: str, rank: int) -> Pairs | None:
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= rank + 1:
        return None
    if not all(isinstance(v, bool) for v in value):
        return None
    flags = [value[0]] * (rank + 1 - len(value)) + list(value)
    return tuple((int(v), int(v)) for v in flags[1:])


def write_flags(pairs: Pairs, pattern: str) -> object | None:
    return [False, *(p == (1, 1) for p in pairs)] if set(pairs) <= {(0, 0), (1, 1)} else None


# CNTK fills a list that is too short up in front, with its first flag.
FLAGS = Form(
    "a list of booleans, whether to pad the channels and each spatial axis; the first flag counts "
    "for the axes left out in front",
    read_flags,
    write_flags,
)


def centred(axis: Axis) -> Pair:
    """What lays the kernel's middle on the pixels, as many left over before as after (CNTK)."""
    extra = (axis.size - 1) % axis.stride
    lo = (axis.extent - 1) // 2
    return lo - extra // 2, axis.extent - 1 - lo - (extra - extra // 2)


def centred_transposed(axis: Axis) -> Pair:
    """The padding ``centred`` of the output, of (size - 1) * stride + 1 where unsaid (CNTK)."""
    out = (axis.size - 1) * axis.stride + 1 if axis.output_size is None else axis.output_size
    return centred(replace(axis, size=out))


def flagged(word: Word) -> NumbersMean:
    """A word where the number is 1, nothing where it is 0."""

    def write(axis: Axis, pair: Pair) -> Pair:
        if pair == (0, 0):
            return pair
        return (1, 1) if pair == word(axis) else (-1, -1)  # which no flag says

    return NumbersMean(lambda axis, pair: word(axis) if pair[0] else (0, 0), write)


CENTRED = flagged(centred)
CENTRED_TRANSPOSED = flagged(centred_transposed)
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
    constructor_words=unchecked("name"),
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
    dense="f u",  # CNTK bindings/python/cntk/layers/layers.py Dense
)

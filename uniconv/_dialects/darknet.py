"""Darknet: layers by the names of their cfg options, channels first; kernels are square.

Read from pjreddie/darknet @ f6afaabc; its C code was compiled and run.
"""

from dataclasses import replace

from uniconv.spec import (
    UNGROUPED,
    CallContext,
    Choice,
    Count,
    Crop,
    Framework,
    InertOption,
    Layout,
    Op,
    Pad,
    PerAxis,
    Refusal,
    alike,
    half,
    restated,
)

SOURCE = "pjreddie/darknet @ f6afaabc src"
# pad=1 is a switch: size / 2 pixels on both sides, and padding is ignored.
PAD = Pad(
    "padding",
    0,
    form=alike(alone=True),
    word_option=Choice("pad", {0: None, 1: half}, 0),
    numbers_beside_word="ignored",
)
LINEAR = InertOption(
    "activation",
    reason="uniconv gives the convolution alone, and Darknet's own default is logistic: apply the "
    "activation to y",
    only="linear",
)
NORMALIZE = InertOption("batch_normalize", 0, "fold the scales into the weights and the bias")
BITS = tuple(
    InertOption(name, 0, "the kernel would be reduced to signs") for name in ("binary", "xnor")
)
IMPLIED = restated(filters="o", size="kernel")


def one_tap_strided_or_padded(call: CallContext, pad: int, padding: int) -> bool:
    return max(call.sizes.kernel) == 1 and (max(call.stride) > 1 or (pad == 0 and padding != 0))


CONVOLUTIONAL = Op(
    "darknet.convolutional",
    kind="conv",
    params="x:input w:weights bias:biases * stride pad padding groups activation batch_normalize "
    "binary xnor flipped",
    layout=Layout("n c ...", "o i ...", "n o ...", (2,)),
    stride=PerAxis("stride", accepts=("int",)),
    dilation=None,
    pad=PAD,
    groups=Count("groups"),
    empty_output="refused",
    dtypes=("float32",),
    inert_options=(
        *(LINEAR, NORMALIZE, *BITS),
        InertOption("flipped", 0, "the weights are stored as (c * size * size, n): transpose them"),
    ),
    square=True,
    warnings=(
        Refusal(
            one_tap_strided_or_padded,
            ("stride", "padding"),
            "Darknet's CPU code leaves im2col out for a kernel of size 1 and reads the wrong "
            "pixels beside a stride or a padding; uniconv gives what its GPU code gives",
            f"{SOURCE}/convolutional_layer.c forward_convolutional_layer",
        ),
    ),
    constructor_words=IMPLIED,
    source=f"{SOURCE}/convolutional_layer.c",
    notes=(
        "pad=1 is a switch: size / 2 pixels on both sides, whatever padding says.",
        "activation must be said, since Darknet's default, logistic, is not a convolution's.",
    ),
)
DECONVOLUTIONAL = replace(
    CONVOLUTIONAL,
    name="darknet.deconvolutional",
    kind="conv_transpose",
    params="x:input w:weights bias:biases * stride pad padding activation batch_normalize",
    layout=Layout("n c ...", "c m ...", "n o ...", (2,)),
    pad=Crop(PAD),
    groups=UNGROUPED,
    inert_options=(LINEAR, NORMALIZE),
    warnings=(),
    source=f"{SOURCE}/deconvolutional_layer.c",
)

DARKNET = Framework(
    "darknet",
    title="Darknet",
    version="f6afaabc",
    functions=(CONVOLUTIONAL, DECONVOLUTIONAL),
    main={
        "conv": {2: CONVOLUTIONAL.name},
        "conv_transpose": {2: DECONVOLUTIONAL.name},
    },
    dense="u f",  # pjreddie/darknet src/connected_layer.c
)

"""Darknet: layers by the names of their cfg options, channels first; kernels are square.

Read from pjreddie/darknet @ f6afaabc; its C code was compiled and run.
"""

from dataclasses import replace

from uniconv.spec import (
    ELU,
    RELU,
    RELU_N1_TO_1,
    SIGMOID,
    TANH,
    UNGROUPED,
    ActivationWord,
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
    leaky,
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
# A section without the word ends in the logistic function.  src/activations.h; its selu has shorter
# constants than torch's.
ACTIVATION = ActivationWord(
    "activation",
    {
        "logistic": SIGMOID,
        "linear": None,
        "relu": RELU,
        "relie": leaky(0.01),
        "leaky": leaky(0.1),
        "elu": ELU,
        "tanh": TANH,
        "hardtan": RELU_N1_TO_1,
    },
    "logistic",
)
NORMALIZE = InertOption("batch_normalize", 0, "fold the scales into the weights and the bias")
BITS = tuple(
    InertOption(name, 0, "the kernel would be reduced to signs") for name in ("binary", "xnor")
)
# github.com/AlexeyAB/darknet src/parser.c parse_convolutional
FORKED = tuple(
    InertOption(name, default, "it is of a fork of Darknet, whose convolution is not modelled")
    for name, default in (
        ("dilation", 1),
        ("stride_x", None),
        ("stride_y", None),
        ("antialiasing", 0),
    )
)
IMPLIED = restated(filters="o", size="kernel")


def one_tap_strided_or_padded(call: CallContext, pad: int, padding: int) -> bool:
    return max(call.sizes.kernel) == 1 and (max(call.stride) > 1 or (pad == 0 and padding != 0))


CONVOLUTIONAL = Op(
    "darknet.convolutional",
    kind="conv",
    params="x:input w:weights bias:biases * stride pad padding groups activation batch_normalize "
    "binary xnor flipped dilation stride_x stride_y antialiasing",
    layout=Layout("n c ...", "o i ...", "n o ...", (2,)),
    stride=PerAxis("stride", accepts=("int",)),
    dilation=None,
    pad=PAD,
    groups=Count("groups"),
    empty_output="refused",
    dtypes=("float32",),
    activation=ACTIVATION,
    inert_options=(
        *(NORMALIZE, *BITS, *FORKED),
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
        "activation left out is logistic.",
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
    inert_options=(NORMALIZE,),
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

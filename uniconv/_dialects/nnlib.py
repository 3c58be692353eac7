"""NNlib (Julia): x (X.., C, N), w (K.., C / groups, O), true convolutions unless flipped.

Read from FluxML/NNlib.jl @ f71b71c7.
"""

from dataclasses import replace

from uniconv.spec import (
    CELU,
    COMPLEX,
    DEPTHWISE,
    ELU,
    EXP,
    FLOATS,
    GELU_TANH,
    HARD_SIGMOID,
    INTEGERS,
    INTERLEAVED,
    LOG_SIGMOID,
    MISH,
    RELU,
    RELU6,
    RELU_N1_TO_1,
    SELU,
    SIGMOID,
    SILU,
    SOFTPLUS,
    SOFTSIGN,
    TANH,
    UNGROUPED,
    Choice,
    Count,
    Crop,
    Framework,
    InertOption,
    Layout,
    Op,
    Pad,
    PerAxis,
    Spelling,
    WrittenCall,
    alike,
    in_julia,
    julia_idiom,
    julia_words,
    leaky,
    one_of,
    tuples_only,
)

# FluxML/NNlib.jl @ 074e9da6 src/activations.jl
ACTIVATIONS = {
    "identity": None,
    "relu": RELU,
    "relu6": RELU6,
    "leakyrelu": leaky(0.01),
    "elu": ELU,
    "selu": SELU,
    "celu": CELU,
    "gelu": GELU_TANH,  # NNlib's gelu is the one by tanh
    "swish": SILU,
    "mish": MISH,
    "σ": SIGMOID,
    "sigmoid": SIGMOID,
    "logσ": LOG_SIGMOID,
    "logsigmoid": LOG_SIGMOID,
    "hardσ": HARD_SIGMOID,
    "hardsigmoid": HARD_SIGMOID,
    "hardtanh": RELU_N1_TO_1,
    "tanh": TANH,
    "softplus": SOFTPLUS,
    "softsign": SOFTSIGN,
    "exp": EXP,
}

SOURCE = "FluxML/NNlib.jl @ f71b71c7 (0.9.36) src/conv.jl"
# One for all, one per axis, or (before, after) of each axis in turn; a negative one crops, since
# check_spdf bounds only the sum (src/dim_helpers/ConvDims.jl:128).
NUMBERS = tuples_only(one_of(alike(None), INTERLEAVED))
# True reads w forwards: `kproj(k, _, ::Val{true}) = k` (src/impl/conv_direct.jl).
FLIPPED = {False: True, True: False}

CONV = Op(
    "nnlib.conv",
    kind="conv",
    params="x:x w:w * stride pad dilation flipped groups",
    layout=Layout("... c n", "... i o", "... o n"),
    stride=PerAxis("stride"),
    dilation=PerAxis("dilation"),
    pad=Pad("pad", 0, form=NUMBERS),
    groups=Count("groups"),
    reverse=Choice("flipped", FLIPPED, default=False),
    # check_spdf: "Kernel * dilation .. cannot be larger than input + padding"
    empty_output="refused",
    dtypes=(*FLOATS, *INTEGERS, *COMPLEX),
    mixed_dtypes=True,
    source=SOURCE,
    notes=(
        "The docstring of 0.9.36 has flipped backwards (FluxML/NNlib.jl#755): False, the default, "
        "convolves, True cross-correlates.",
        "pad=(1, 2) is before and after on one spatial axis, 1 and 2 on both sides on two.",
        "There is no bias option; uniconv's bias (O,) is added along the output channels.",
    ),
)

CROSSCOR = replace(
    CONV,
    name="nnlib.crosscor",
    params="x:x w:w * size pad stride dilation",
    pad=Pad("pad", 0, form=tuples_only(alike())),
    groups=UNGROUPED,
    reverse=False,
    mixed_dtypes=False,
    inert_options=(InertOption("size", None, "the output size follows from the other options"),),
    source="FluxML/NNlib.jl @ 11f840d2 (0.5) src/conv.jl:65",
    notes=("Removed in 0.6: since then conv with flipped=true.",),
)

DEPTHWISE_CONV = replace(
    CONV,
    name="nnlib.depthwiseconv",
    kind="depthwise_conv",
    params="x:x w:w * stride pad dilation flipped",
    layout=Layout("... c n", "... m c", "... o n"),
    groups=DEPTHWISE,
    notes=(
        "Output channel c * M + m (from 0) is input channel c under its multiplier m.",
        "The weight of Flux's and Lux's depthwise layers is (K.., 1, C * M) instead.",
    ),
)

CONV_DATA = replace(
    CONV,
    name="nnlib.conv_data",
    kind="conv_transpose",
    params="x:dy w:w * stride padding dilation groups flipkernel input_size",
    layout=Layout("... c n", "... m c", "... o n"),
    pad=Crop(
        Pad("padding", 0, form=NUMBERS),
        shape="input_size",
        shape_forms=("axes",),
        shape_default=None,
    ),
    reverse=Choice("flipkernel", FLIPPED, default=False),
    mixed_dtypes=False,
    notes=(
        "NNlib's ∇conv_data(dy, w, cdims), with the options of "
        "cdims = DenseConvDims(x, w; ..), whose names differ from those of conv.",
        "input_size is the spatial size of x, which cdims holds; left out, it is the smallest one. "
        "Pixels that no window of the convolution reads are 0.",
        "NNlib takes dy and w of two dtypes, too, and gives dy's; convert w here.",
    ),
)


def lines(call: WrittenCall) -> list[str]:
    if call.short == "conv_data":  # a gradient by the input, whose sizes it asks for
        words = julia_words(call, "input_size")
        shape, after = in_julia(call.y), f"; {words}" if words else ""
        return [
            f"dims = DenseConvDims({shape}, size(w){after})",
            "y = NNlib.∇conv_data(x, w, dims)",
        ]
    words = julia_words(call, "size")
    return [f"y = NNlib.{call.short}(x, w{f'; {words}' if words else ''})"]


SPELLING = Spelling("using NNlib", "julia", lines=lines, idiom=julia_idiom(""))

NNLIB = Framework(
    "nnlib",
    title="NNlib",
    version="0.9.36",
    functions=(CONV, CROSSCOR, DEPTHWISE_CONV, CONV_DATA),
    main={
        "conv": dict.fromkeys((1, 2, 3), CONV.name),
        "depthwise_conv": dict.fromkeys((1, 2, 3), DEPTHWISE_CONV.name),
        "conv_transpose": dict.fromkeys((1, 2, 3), CONV_DATA.name),
    },
    aliases=("NNlib",),
    prefixes={"nnlib.∇": "nnlib.", "NNlib.∇": "nnlib."},
    spelling=SPELLING,
)

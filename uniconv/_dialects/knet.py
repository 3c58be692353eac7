"""Knet (Julia): arrays indexed as Julia prints them, x (X.., C, N), w (W.., I, O).

Read from denizyuret/Knet.jl @ 0c3d8551; output sizes and refusals of its CPU path from
FluxML/NNlib.jl @ f71b71c7 src/dim_helpers/ConvDims.jl.
"""

from math import prod

from uniconv.spec import (
    COMPLEX,
    FLOATS,
    INTEGERS,
    SYMMETRIC,
    Choice,
    Count,
    Crop,
    Framework,
    InertOption,
    Layout,
    Op,
    Pad,
    PerAxis,
    Scalar,
    Shape,
    Spelling,
    WrittenCall,
    glorot,
    julia_idiom,
    julia_words,
    unchecked,
)

OPS20 = "denizyuret/Knet.jl src/ops20/conv.jl @ 0c3d8551 (1.4.10)"
OPS21 = "denizyuret/Knet.jl src/ops21/conv.jl @ 0c3d8551"

STRIDE, DILATION = PerAxis("stride"), PerAxis("dilation")
PAD = Pad("padding", 0, form=SYMMETRIC)
# The docstring has it backwards ("1 for cross-correlation (which flips the filter)"); the code,
# `flipkernel = (mode != 0)`, and the manual's numbers say that mode=0 flips.
MODE = Choice("mode", {0: True, 1: False}, default=0)

CONV4 = Op(
    "knet.conv4",
    kind="conv",
    params="w:w x:x * padding stride dilation mode alpha group",
    layout=Layout("... c n", "... i o", "... o n"),
    stride=STRIDE,
    dilation=DILATION,
    pad=PAD,
    # The CPU build asserts group == 1 (src/ops20/conv.jl:39): a limit of that device, not of cuDNN.
    groups=Count("group"),
    reverse=MODE,
    scale=Scalar("alpha"),
    # NNlib check_spdf: "Kernel * dilation cannot be larger than input + padding"
    empty_output="refused",
    dtypes=(*FLOATS, *INTEGERS, *COMPLEX),
    mixed_dtypes=True,
    constructor_words=unchecked("handle"),  # of the GPU library
    source=OPS20,
    notes=(
        "The weight comes first: conv4(w, x).",
        "There is no bias option; uniconv's bias (O,) is added along the output channels, "
        "as users write conv4(w, x) .+ b with b of size (1, 1, O, 1).",
    ),
)

DECONV4 = Op(
    "knet.deconv4",
    kind="conv_transpose",
    params=CONV4.params,
    layout=Layout("... c n", "... m c", "... o n"),
    stride=STRIDE,
    dilation=DILATION,
    pad=Crop(PAD),
    groups=Count("group"),
    reverse=MODE,
    scale=Scalar("alpha"),
    empty_output="refused",
    dtypes=CONV4.dtypes,
    mixed_dtypes=True,
    constructor_words=CONV4.constructor_words,
    source=OPS20,
    notes=("The weight comes first, and its output channels before its input channels.",),
)

OPS21_CONV = Op(
    "knet.ops21.conv",
    kind="conv",
    params="w:w x:x * activation normalization alpha beta bias:bias channelmajor "
    "crosscorrelation dilation groups padding stride z",
    layout=Choice(
        "channelmajor",
        {
            False: Layout("... c n", "... i o", "... o n"),
            True: Layout("c ... n", "i ... o", "o ... n"),
        },
        default=False,
    ),
    stride=STRIDE,
    dilation=DILATION,
    pad=PAD,
    groups=Count("groups"),
    reverse=Choice("crosscorrelation", {True: False, False: True}, default=True),
    scale=Scalar("alpha"),
    addend=("z", Scalar("beta", 0)),
    bias="y",
    empty_output="refused",
    dtypes=CONV4.dtypes,
    mixed_dtypes=True,
    inert_options=(
        InertOption("activation", None, "apply the activation to the result"),
        InertOption("normalization", None, "apply the normalization to the result"),
    ),
    source=OPS21,
    notes=(
        "The default is the opposite of conv4's: cross-correlation.",
        "Knet drops unknown keywords here silently (mode=0 has no effect); uniconv refuses them.",
        "The bias has y's axes, with 1 everywhere but on the channel axis.",
    ),
)


def fans(shape: Shape) -> tuple[int, int]:
    """Fan in and out; fan out leaves out the taps (Knet.jl src/train20/distributions.jl)."""
    return prod(shape[:-1]), shape[-1]


def lines(call: WrittenCall) -> list[str]:
    words = julia_words(call, "activation")
    after = f"; {words}" if words else ""
    module = "Knet.Ops21" if ".ops21." in call.function.name else "Knet"
    return [f"y = {module}.{call.short}(w, x{after})"]


SPELLING = Spelling(
    "using Knet",
    "julia",
    imports_for={"knet.ops21.": "using Knet, Knet.Ops21"},
    lines=lines,
    idiom=julia_idiom(),
)

KNET = Framework(
    "knet",
    title="Knet",
    version="1.4.10",
    functions=(CONV4, DECONV4, OPS21_CONV),
    main={
        "conv": dict.fromkeys((1, 2, 3), "knet.conv4"),
        "conv_transpose": dict.fromkeys((1, 2, 3), "knet.deconv4"),
    },
    dense="u f",  # denizyuret/Knet.jl src/layers21/dense.jl
    initial=glorot(fans),
    spelling=SPELLING,
)

"""Flux (Julia): layers on NNlib, Conv a true convolution and CrossCor not; x (X.., C, N).

Read from FluxML/Flux.jl @ 3f2f828b and FluxML/NNlib.jl @ f71b71c7.
"""

from dataclasses import replace

from uniconv._dialects.nnlib import ACTIVATIONS
from uniconv.spec import (
    COMPLEX,
    DEPTHWISE,
    FLOATS,
    INTEGERS,
    INTERLEAVED,
    UNGROUPED,
    ActivationWord,
    Constructor,
    Count,
    Crop,
    Framework,
    LayerIdiom,
    Layout,
    Op,
    Pad,
    PerAxis,
    Refusal,
    Spelling,
    WrittenCall,
    alike,
    fans_last,
    glorot,
    julia_idiom,
    julia_words,
    one_of,
    output_padding_reaches_stride,
    restated,
    same_total_lower,
    transposed_same_total_lower,
    tuples_only,
    unchecked,
)

SOURCE = "FluxML/Flux.jl @ 3f2f828b (0.16.11) src/layers/conv.jl"
CHECK_DIMS = "FluxML/NNlib.jl @ f71b71c7 src/dim_helpers/DenseConvDims.jl check_dims"
NUMBERS = tuples_only(one_of(alike(None), INTERLEAVED))
ACTIVATION = ActivationWord("σ", ACTIVATIONS, "identity")
# The words of the constructor that makes the weight itself, Conv(filter, in => out; init).
IMPLIED = restated(filter="kernel") | unchecked("init")
CONVERTS = "x and bias are converted to the weight's element type: Float64 beside Float32 is lost."

CONV = Op(
    "flux.Conv",
    kind="conv",
    params="x:x w:weight bias:bias σ * stride pad dilation groups",
    layout=Layout("... c n", "... i o", "... o n"),
    stride=PerAxis("stride"),
    dilation=PerAxis("dilation"),
    pad=Pad("pad", 0, {"SamePad()": same_total_lower}, NUMBERS),
    groups=Count("groups"),
    reverse=True,
    empty_output="refused",
    dtypes=(*FLOATS, *INTEGERS, *COMPLEX),
    mixed_dtypes="w",  # _match_eltype (src/layers/stateless.jl), create_bias (src/utils.jl)
    activation=ACTIVATION,
    constructor_words=IMPLIED,
    source=f"{SOURCE} Conv",
    notes=(
        "The layer Conv(weight, bias, σ; ..) applied to x; bias=false is a bias left out.",
        "SamePad() pads the dilated kernel less 1, whatever the stride, the odd pixel before.",
        CONVERTS,
    ),
)

CROSS_COR = replace(
    CONV,
    name="flux.CrossCor",
    params="x:x w:weight bias:bias σ * stride pad dilation",
    groups=UNGROUPED,
    reverse=False,
    source=f"{SOURCE} CrossCor",
    notes=("Conv without its flip, and without groups.", CONVERTS),
)

DEPTHWISE_CONV = replace(
    CONV,
    name="flux.DepthwiseConv",
    kind="depthwise_conv",
    params=CROSS_COR.params,
    groups=DEPTHWISE,
    source=f"{SOURCE} DepthwiseConv",
    notes=(
        "The weight is that of the layer which DepthwiseConv(filter, in => out) makes since 0.13, "
        "(K.., 1, out); output channel c * M + m (from 0) is input channel c.",
        "Another meaning: DepthwiseConv(weight) takes (K.., A, B), counts A groups and reshapes to "
        "(K.., 1, A * B) in column-major order, so output channel a + A * b reads input channel "
        "(a + A * b) ÷ B. Neither is NNlib's (K.., M, C), the layer's own before 0.13: "
        "for that one there is nnlib.depthwiseconv.",
        CONVERTS,
    ),
)

CONV_TRANSPOSE = replace(
    CONV,
    name="flux.ConvTranspose",
    kind="conv_transpose",
    params="x:x w:weight bias:bias σ * stride pad outpad dilation groups",
    layout=Layout("... c n", "... m c", "... o n"),
    pad=Crop(
        Pad("pad", 0, {"SamePad()": transposed_same_total_lower}, NUMBERS),
        output_padding=PerAxis("outpad", 0, least=0),
    ),
    refusals=(
        Refusal(
            output_padding_reaches_stride,
            ("outpad", "stride"),
            "outpad must be less than the stride: of such an output Conv makes another input",
            CHECK_DIMS,
        ),
    ),
    source=f"{SOURCE} ConvTranspose",
    notes=(
        "The adjoint of Conv, so its kernel is flipped against PyTorch's.",
        "SamePad() crops (kernel - stride) * dilation, which pads where the kernel is shorter.",
        CONVERTS,
    ),
)

MADE = "size:filter in_out:ch σ * stride pad"
LAYERS = (
    (CONV, "dilation groups"),
    (CROSS_COR, "dilation"),
    (CONV_TRANSPOSE, "outpad dilation groups"),
)


def lines(call: WrittenCall) -> list[str]:
    name, words = call.short, julia_words(call, "σ", "size")
    follows = call.options.get("σ", "identity")
    if name == "DepthwiseConv":  # given a weight, Flux's own reads another layout
        name, each = "Conv", f"groups={call.x[-2]}"
        words = f"{each}, {words}" if words else each
    bias = "bias" if call.bias else "false"
    arrays = ", ".join(["w", bias, *([follows] if follows != "identity" else [])])
    return [f"layer = Flux.{name}({arrays}{f'; {words}' if words else ''})", "y = layer(x)"]


IDIOM = replace(julia_idiom(), layers=LayerIdiom())
SPELLING = Spelling("using Flux", "julia", lines=lines, idiom=IDIOM)

FLUX = Framework(
    "flux",
    title="Flux",
    version="0.16.11",
    functions=(CONV, CROSS_COR, DEPTHWISE_CONV, CONV_TRANSPOSE),
    layers=tuple(
        Constructor(op.name, op.name, f"{MADE} {options} bias:bias", op.source)
        for op, options in LAYERS
    ),
    main={
        "conv": dict.fromkeys((1, 2, 3), CONV.name),
        "depthwise_conv": dict.fromkeys((1, 2, 3), DEPTHWISE_CONV.name),
        "conv_transpose": dict.fromkeys((1, 2, 3), CONV_TRANSPOSE.name),
    },
    aliases=("Flux",),
    dense="u f",  # FluxML/Flux.jl src/layers/basic.jl Dense
    initial=glorot(fans_last),  # Flux.jl src/utils.jl
    spelling=SPELLING,
)

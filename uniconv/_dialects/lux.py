"""Lux (Julia): layers on NNlib, true convolutions unless cross_correlation; x (X.., C, N).

Read from LuxDL/Lux.jl @ 6f4b96cc and FluxML/NNlib.jl @ f71b71c7.
"""

from dataclasses import replace

from uniconv._dialects.nnlib import ACTIVATIONS
from uniconv.spec import (
    COMPLEX,
    FLOATS,
    INTEGERS,
    INTERLEAVED,
    ActivationWord,
    Choice,
    Constructor,
    Count,
    Crop,
    Framework,
    Layout,
    Op,
    Pad,
    PerAxis,
    Refusal,
    Spelling,
    WrittenCall,
    alike,
    in_julia,
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

SOURCE = "LuxDL/Lux.jl @ 6f4b96cc (1.31.4) src/layers/conv.jl"
CHECK_DIMS = "FluxML/NNlib.jl @ f71b71c7 src/dim_helpers/DenseConvDims.jl check_dims"

CONV = Op(
    "lux.Conv",
    kind="conv",
    params="x:x w:weight bias:bias activation * stride pad dilation groups cross_correlation",
    layout=Layout("... c n", "... i o", "... o n"),
    stride=PerAxis("stride"),
    dilation=PerAxis("dilation"),
    pad=Pad(
        "pad",
        0,
        {"SamePad()": same_total_lower},
        tuples_only(one_of(alike(None), INTERLEAVED)),
    ),
    groups=Count("groups"),
    reverse=Choice("cross_correlation", {False: True, True: False}, default=False),
    empty_output="refused",
    dtypes=(*FLOATS, *INTEGERS, *COMPLEX),
    mixed_dtypes=True,
    activation=ActivationWord("activation", ACTIVATIONS, "identity"),
    # What Conv(k, in_chs => out_chs; ..) says, and the parameters (; weight, bias) hold.
    constructor_words=restated(k="kernel", in_chs="c", out_chs="o", use_bias="bias")
    | unchecked("init_weight", "init_bias", "name", "allow_fast_activation"),
    source=f"{SOURCE} Conv",
    notes=(
        "The layer Conv(k, in => out; ..) applied to x with the parameters (; weight, bias); "
        "its own bias starts out random, not zero.",
        "SamePad() pads the dilated kernel less 1, whatever the stride, the odd pixel before.",
    ),
)

CONV_TRANSPOSE = replace(
    CONV,
    name="lux.ConvTranspose",
    kind="conv_transpose",
    params="x:x w:weight bias:bias activation * stride pad outpad dilation groups "
    "cross_correlation",
    layout=Layout("... c n", "... m c", "... o n"),
    # One number per axis loses an axis: `length(padding) ÷ 2` (conv_transpose_dims, line 30).
    pad=Crop(
        Pad(
            "pad",
            0,
            {"SamePad()": transposed_same_total_lower},
            tuples_only(one_of(alike(None, alone=True), INTERLEAVED)),
        ),
        output_padding=PerAxis("outpad", 0, least=0),
    ),
    mixed_dtypes=False,
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
        "The adjoint of Conv with the same cross_correlation; True is PyTorch's.",
        "SamePad() crops (kernel - stride) * dilation, which pads where the kernel is shorter.",
        "Lux takes x and w of two dtypes, too, and gives x's; convert w here.",
    ),
)

MADE = "size:k in_out:chs activation * stride pad"
REST = "dilation groups cross_correlation bias:use_bias"


def lines(call: WrittenCall) -> list[str]:
    words = julia_words(call, "activation", "size")
    follows = call.options.get("activation", "identity")
    first, second = call.w[-2], call.w[-1]
    groups = int(call.options.get("groups", 1))
    transposed = call.short == "ConvTranspose"
    c, o = (second, first * groups) if transposed else (first * groups, second)
    activation = f", {follows}" if follows != "identity" else ""
    own = f"{in_julia(call.w[:-2])}, {c} => {o}{activation}; use_bias={in_julia(call.bias)}"
    own += f", {words}" if words else ""
    arrays = "(; weight=w, bias)" if call.bias else "(; weight=w)"
    return [
        f"layer = Lux.{call.short}({own})",
        f"y, _ = layer(x, {arrays}, NamedTuple())",
    ]


SPELLING = Spelling("using Lux", "julia", lines=lines, idiom=julia_idiom())

LUX = Framework(
    "lux",
    title="Lux",
    version="1.31.4",
    functions=(CONV, CONV_TRANSPOSE),
    layers=(
        Constructor(CONV.name, CONV.name, f"{MADE} {REST}", CONV.source),
        Constructor(
            CONV_TRANSPOSE.name, CONV_TRANSPOSE.name, f"{MADE} outpad {REST}", CONV_TRANSPOSE.source
        ),
    ),
    main={
        "conv": dict.fromkeys((1, 2, 3), CONV.name),
        "conv_transpose": dict.fromkeys((1, 2, 3), CONV_TRANSPOSE.name),
    },
    aliases=("Lux",),
    dense="u f",  # LuxDL/Lux.jl src/layers/basic.jl Dense
    spelling=SPELLING,
)

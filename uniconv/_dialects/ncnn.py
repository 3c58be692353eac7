"""ncnn: layers by the names of their parameters; x has no batch axis.

Proved against ncnn 1.0.20261020 on the CPU.
"""

from dataclasses import replace

from uniconv.spec import (
    INTERLEAVED,
    MISH,
    RELU,
    SIGMOID,
    UNGROUPED,
    ActivationWord,
    BesideOutput,
    CallContext,
    Count,
    Crop,
    Framework,
    InertOption,
    Layout,
    Op,
    OptionPerAxis,
    Pad,
    PerAxis,
    Refusal,
    Scalar,
    clip,
    hard_swish,
    leaky,
    non_negative,
    output_beyond_the_whole,
    restated,
    same_lower,
    same_upper,
    surplus_lower,
    surplus_upper,
)

SOURCE = "Tencent/ncnn tag 20261020 src/layer"
UPPER, LOWER = -233, -234  # what pad_left and the others say for SAME
SIDES = ("pad_top", "pad_bottom", "pad_left", "pad_right")
FOLLOWS = {"pad_top": "pad_left", "pad_bottom": "pad_top", "pad_right": "pad_left"}
OTHERS = (
    InertOption("activation_params", None, inert=True, sample=None),
    InertOption("int8_scale_term", 0, "the kernel would be quantized"),
    InertOption("dynamic_weight", 0, "uniconv takes the kernel as an array anyway"),
)
# src/layer/fused_activation.h
ACTIVATION = ActivationWord(
    "activation_type",
    {
        0: None,
        1: RELU,
        2: leaky,
        3: clip,
        4: SIGMOID,
        5: MISH,
        6: hard_swish,
    },
    0,
    numbers="activation_params",
)
IMPLIED = restated(
    num_output="o",
    kernel_w="kernel -1",
    kernel_h="kernel 0",
    weight_data_size="count",
    bias_term="bias",
)


def each(option: str) -> OptionPerAxis:
    return OptionPerAxis((f"{option}_h", f"{option}_w"), 1, {f"{option}_h": f"{option}_w"})


def pad(rank: int, upper: object, lower: object) -> Pad:
    words = {(UPPER,) * 2 * rank: upper, (LOWER,) * 2 * rank: lower}
    return Pad("pad", (0,) * 2 * rank, words, non_negative(INTERLEAVED))  # type: ignore[arg-type]


def same_below_nothing(call: CallContext, pad: tuple[int, ...]) -> bool:
    """Whether a SAME word pads one axis and would crop another."""
    totals = [(a.size - 1) // a.stride * a.stride + a.extent - a.size for a in call.axes]
    least = (0, -1 if pad[0] == UPPER else 0)  # a column less at the end does no harm
    return pad[0] < 0 and max(totals) > 0 and any(t < n for t, n in zip(totals, least))


def output_beside_numbers(call: CallContext, pad: tuple[int, ...]) -> bool:
    return bool(call.output_size) and pad[0] >= 0


CONVOLUTION = Op(
    "ncnn.Convolution",
    kind="conv",
    params="x:input w:weight bias:bias dilation_w stride_w pad_left dilation_h stride_h pad_top "
    "pad_right pad_bottom pad_value int8_scale_term activation_type activation_params "
    "dynamic_weight",
    layout=Layout("c ...", "o i ...", "o ...", (2,)),
    stride=PerAxis("stride", (1, 1), accepts=("axes",)),
    dilation=PerAxis("dilation", (1, 1), accepts=("axes",)),
    pad=pad(2, same_upper, same_lower),
    per_axis_options={
        "stride": each("stride"),
        "dilation": each("dilation"),
        "pad": OptionPerAxis(SIDES, 0, FOLLOWS),
    },
    fill=Scalar("pad_value", 0.0),
    groups=UNGROUPED,
    batch=(0, 0),
    empty_output="refused",
    dtypes=("float32",),
    inert_options=OTHERS,
    activation=ACTIVATION,
    refusals=(
        Refusal(
            same_below_nothing,
            ("pad", "stride"),
            "where the kernel is shorter than the stride, SAME needs less than no padding, and "
            "beside an axis that needs more ncnn reads other memory; say what you mean by numbers",
            f"{SOURCE}/convolution.cpp make_padding",
        ),
    ),
    constructor_words=IMPLIED,
    source=f"{SOURCE}/convolution.cpp",
    notes=("pad_left=-233 is SAME_UPPER, -234 SAME_LOWER; heights follow widths.",),
)
CONVOLUTION_1D = replace(
    CONVOLUTION,
    name="ncnn.Convolution1D",
    params="x:input w:weight bias:bias dilation_w stride_w pad_left pad_right pad_value "
    "activation_type activation_params dynamic_weight",
    layout=Layout("c ...", "o i ...", "o ...", (1,)),
    stride=PerAxis("stride_w", accepts=("int",)),
    dilation=PerAxis("dilation_w", accepts=("int",)),
    pad=pad(1, same_upper, same_lower),
    per_axis_options={"pad": OptionPerAxis(SIDES[2:], 0, {"pad_right": "pad_left"})},
    inert_options=(OTHERS[0], OTHERS[2]),
    refusals=(),
    source=f"{SOURCE}/convolution1d.cpp",
)
DEPTHWISE = replace(
    CONVOLUTION,
    name="ncnn.ConvolutionDepthWise",
    params=CONVOLUTION.params.replace("dilation_w", "group dilation_w"),
    groups=Count("group"),
    source=f"{SOURCE}/convolutiondepthwise.cpp",
)
DECONVOLUTION = replace(
    CONVOLUTION,
    name="ncnn.Deconvolution",
    kind="conv_transpose",
    params="x:input w:weight bias:bias dilation_w stride_w pad_left dilation_h stride_h pad_top "
    "pad_right pad_bottom output_pad_right output_pad_bottom output_w output_h "
    "activation_type activation_params dynamic_weight",
    pad=Crop(
        pad(2, BesideOutput(surplus_upper), BesideOutput(surplus_lower)),
        output_padding=PerAxis("output_pad", (0, 0), least=0, accepts=("axes",), absent=0),
        shape="output_size",
        shape_forms=("axes",),
        shape_default=(0, 0),
        adjoint=False,
    ),
    per_axis_options={
        **CONVOLUTION.per_axis_options,
        "output_pad": OptionPerAxis(
            ("output_pad_bottom", "output_pad_right"),
            0,
            {"output_pad_bottom": "output_pad_right"},
        ),
        "output_size": OptionPerAxis(("output_h", "output_w"), 0, {"output_h": "output_w"}),
    },
    fill=None,
    inert_options=(OTHERS[0], OTHERS[2]),
    refusals=(
        Refusal(
            output_beside_numbers,
            ("output_size", "pad"),
            "output_w and output_h only act beside pad_left=-233 or -234",
            f"{SOURCE}/deconvolution.cpp cut_padding",
        ),
        Refusal(
            output_beyond_the_whole,
            ("output_size",),
            "output_w and output_h are larger than the whole result: ncnn reads other memory",
            f"{SOURCE}/deconvolution.cpp cut_padding",
        ),
    ),
    source=f"{SOURCE}/deconvolution.cpp",
    notes=(
        "The kernel is (out, in, kh, kw), not (in, out, kh, kw).",
        "pad_left=-233 and -234 only act beside output_w and output_h.",
    ),
)
DECONVOLUTION_DEPTHWISE = replace(
    DECONVOLUTION,
    name="ncnn.DeconvolutionDepthWise",
    params=DECONVOLUTION.params.replace("dilation_w", "group dilation_w"),
    groups=Count("group"),
    source=f"{SOURCE}/deconvolutiondepthwise.cpp",
)

NCNN = Framework(
    "ncnn",
    title="ncnn",
    version="1.0.20261020",
    functions=(CONVOLUTION, CONVOLUTION_1D, DEPTHWISE, DECONVOLUTION, DECONVOLUTION_DEPTHWISE),
    main={
        "conv": {1: CONVOLUTION_1D.name, 2: CONVOLUTION.name},
        "conv_transpose": {2: DECONVOLUTION.name},
    },
    dense="u f",  # Tencent/ncnn src/layer/innerproduct.cpp
)

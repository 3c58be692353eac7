"""MATLAB's Deep Learning Toolbox: dlconv and dltranspconv, on arrays indexed as X(i, j, c, n).

It is closed; from MathWorks' documentation, and the code that its importers generate from PyTorch
and TensorFlow models, which hands their kernels to dlconv unflipped.
"""

from dataclasses import replace

from uniconv.spec import (
    BY_AXIS,
    LOWS_HIGHS,
    Border,
    CallContext,
    Crop,
    Framework,
    Labels,
    Layout,
    Op,
    OptionPerAxis,
    Pad,
    PerAxis,
    Refusal,
    Scalar,
    alike,
    causal,
    labelled,
    non_negative,
    one_of,
    same_upper,
    transposed_same_upper,
    unchecked,
)

DOCS = "https://www.mathworks.com/help/deeplearning/ref/dlarray."
NUMBERS = one_of(alike(), non_negative(LOWS_HIGHS))
# Labels left out are those of a formatted dlarray, whose axes are sorted: spatial, "C", "B".
USUAL = (
    *(("SCB", None), ("SSCB", None)),
    *(("SCB", "SCUU"), ("SSCB", "SSCUU"), ("SSSCB", "SSSCUU")),
    *(("CSSB", "SSUC"), ("BSSC", "USSUC"), ("CBT", "TCU"), ("CBT", "TCUU")),
)


def formats(whole: str, channels: str, grouped: str) -> Labels:
    """DataFormat and WeightsFormat; the letters of the weights' "C", "U" and second "U"."""
    table = {(x, w): labelled(x, w, channels, grouped) for x, w in USUAL}
    default = {(None, None): Layout("... c n", f"... {whole}", "... o n")}
    return Labels("formats", default | table, (None, None), channels=channels, grouped=grouped)


def causal_and_not_one_axis(call: CallContext, Padding: object) -> bool:  # noqa: N803
    return call.rank > 1 and isinstance(Padding, str) and Padding == "causal"


def cropped_same_below_nothing(call: CallContext, Cropping: object) -> bool:  # noqa: N803
    same = isinstance(Cropping, str) and Cropping == "same"
    return same and any(a.extent < a.stride for a in call.axes)


CONV = Op(
    "matlab.dlconv",
    kind="conv",
    params="x:X w:weights bias:bias * DataFormat WeightsFormat Stride DilationFactor Padding "
    "PaddingValue",
    layout=formats("i o", "io", "img"),
    per_axis_options={"formats": OptionPerAxis(("DataFormat", "WeightsFormat"), None)},
    stride=PerAxis("Stride"),
    dilation=PerAxis("DilationFactor"),
    pad=Pad("Padding", 0, {"same": same_upper, "causal": causal}, NUMBERS),
    boundary=Border(
        "PaddingValue",
        {
            0: "constant",
            "symmetric-include-edge": "symmetric",
            "symmetric-exclude-edge": "reflect",
            "replicate": "replicate",
        },
        0,
    ),
    fill=Scalar("PaddingValue", 0),
    groups=BY_AXIS,
    batch=(0, 1),
    empty_output="refused",
    dtypes=("float32", "float64"),
    refusals=(
        Refusal(
            causal_and_not_one_axis,
            ("Padding",),
            '"causal" is for a convolution over one axis',
            f"{DOCS}dlconv.html",
        ),
    ),
    constructor_words=unchecked("BiasFormat"),
    source=f"{DOCS}dlconv.html",
    notes=(
        "The kernel is not flipped, unlike in conv2.",
        "uniconv does not count the axes of the weights: for groups, which are their last axis, "
        'say the formats, such as DataFormat="SSCB", WeightsFormat="SSCUU".',
        "The bias is a vector with an entry per output channel; MATLAB also takes one number.",
    ),
)
TRANSPOSE = replace(
    CONV,
    name="matlab.dltranspconv",
    kind="conv_transpose",
    params="x:X w:weights bias:bias * DataFormat WeightsFormat Stride DilationFactor Cropping",
    layout=formats("m c", "mc", "mig"),
    pad=Crop(Pad("Cropping", 0, {"same": transposed_same_upper}, NUMBERS)),
    boundary=None,
    fill=None,
    refusals=(
        Refusal(
            cropped_same_below_nothing,
            ("Cropping", "Stride"),
            "what same does where the kernel is shorter than the stride is not documented",
            f"{DOCS}dltranspconv.html",
        ),
    ),
    source=f"{DOCS}dltranspconv.html",
    notes=(
        'The weights have their filters before their channels; in WeightsFormat "C" are the '
        'filters, "U" the channels, and a second "U" the groups.',
        *CONV.notes[1:],
    ),
)

MATLAB_DL = Framework(
    "matlab_dl",
    title="MATLAB Deep Learning Toolbox",
    version="R2024b",
    functions=(CONV, TRANSPOSE),
    main={
        "conv": dict.fromkeys((1, 2, 3), CONV.name),
        "conv_transpose": dict.fromkeys((1, 2, 3), TRANSPOSE.name),
    },
    dense="u f",  # https://www.mathworks.com/help/deeplearning/ref/dlarray.fullyconnect.html
)

"""MATLAB's Deep Learning Toolbox: dlconv and dltranspconv, on arrays indexed as X(i, j, c, n).

It is closed; from MathWorks' documentation, and the code that its importers generate from PyTorch
and TensorFlow models, which hands their kernels to dlconv unflipped.
"""

from dataclasses import replace

from uniconv.dialect import BY_AXIS, Dialect, Gathered, Op
from uniconv.layout import Layout
from uniconv.padding import (
    LOWS_HIGHS,
    alike,
    causal,
    keras_transposed_same,
    non_negative,
    one_of,
    same_upper,
)
from uniconv.refusals import Refusal
from uniconv.rules import Border, Choice, Crop, Pad, PerAxis, Scalar

DOCS = "https://www.mathworks.com/help/deeplearning/ref/dlarray."
FORMATS = ("DataFormat", "WeightsFormat")
NUMBERS = one_of(alike(), non_negative(LOWS_HIGHS))


def layouts(inner: str, whole: str) -> dict[tuple[str | None, str | None], Layout]:
    """The formats of data and weights; inner and whole: the channels of weights with groups or not.

    Labels left out are those of a formatted dlarray, whose axes are sorted: spatial, "C", "B".
    """
    table: dict[tuple[str | None, str | None], Layout] = {}
    table[None, None] = Layout("... c n", f"... {whole}", "... o n")
    for rank in (1, 2, 3):
        data, plain = "S" * rank + "CB", Layout("... c n", f"... {whole}", "... o n", (rank,))
        turned = " ".join(reversed(whole.split()))
        table[data, None] = table[data, "S" * rank + "CU"] = plain
        table[data, "S" * rank + "UC"] = replace(plain, w=f"... {turned}")
        table[data, "S" * rank + "CUU"] = replace(plain, w=f"... {inner} g")
    table["CSSB", "SSCU"] = Layout("c ... n", f"... {whole}", "o ... n", (2,))
    table["BSSC", "SSCU"] = Layout("n ... c", f"... {whole}", "n ... o", (2,))
    # One axis of time: the weights must say so.
    table["CBT", "TCU"] = Layout("c n ...", f"... {whole}", "o n ...", (1,))
    table["CBT", "TCUU"] = Layout("c n ...", f"... {inner} g", "o n ...", (1,))
    return table


CONV = Op(
    "matlab.dlconv",
    kind="conv",
    params="x:X w:weights bias:bias * DataFormat WeightsFormat Stride DilationFactor Padding "
    "PaddingValue",
    layout=Choice("formats", layouts("i m", "i o"), (None, None)),
    gathered={"formats": Gathered(FORMATS, None)},
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
    empty="refused",
    dtypes=("float32", "float64"),
    refusals=(
        Refusal(
            "causal and not one axis",
            ("Padding",),
            '"causal" is for a convolution over one axis',
            f"{DOCS}dlconv.html",
        ),
    ),
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
    layout=Choice("formats", layouts("m i", "m c"), (None, None)),
    pad=Crop(Pad("Cropping", 0, {"same": keras_transposed_same}, NUMBERS)),
    boundary=None,
    fill=None,
    refusals=(
        Refusal(
            "cropped same below nothing",
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

MATLAB_DL = Dialect(
    "matlab_dl",
    title="MATLAB Deep Learning Toolbox",
    version="R2024b",
    functions=(CONV, TRANSPOSE),
    main={
        "conv": dict.fromkeys((1, 2, 3), CONV.name),
        "conv_transpose": dict.fromkeys((1, 2, 3), TRANSPOSE.name),
    },
)

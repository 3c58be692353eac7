"""Caffe: layers by the names of their convolution_param, channels first.

Read from BVLC/caffe @ 9b891540; its im2col and col2im were compiled and run.
"""

from dataclasses import replace

from uniconv.spec import (
    SYMMETRIC,
    Count,
    Crop,
    Framework,
    InertOption,
    Layout,
    Op,
    OptionPerAxis,
    Pad,
    PerAxis,
    restated,
    unchecked,
)

SOURCE = "BVLC/caffe src/caffe/layers"
COMMIT = "@ 9b891540"
REPEATED = ("int", "one", "axes")
IMPLIED = restated(
    num_output="o", kernel_size="kernel", kernel_h="kernel 0", kernel_w="kernel 1", bias_term="bias"
) | unchecked("weight_filler", "bias_filler", "name", "param")


def each(option: str) -> OptionPerAxis:
    """stride_h and stride_w, or stride: never both; the one left out is 0."""
    return OptionPerAxis((f"{option}_h", f"{option}_w"), 0, whole=True)


CONVOLUTION = Op(
    "caffe.Convolution",
    kind="conv",
    params="x:bottom w:weights bias:bias * pad pad_h pad_w stride stride_h stride_w dilation group "
    "axis engine force_nd_im2col",
    layout=Layout("n c ...", "o i ...", "n o ..."),
    stride=PerAxis("stride", accepts=REPEATED),
    dilation=PerAxis("dilation", accepts=REPEATED),
    pad=Pad("pad", 0, form=SYMMETRIC),
    per_axis_options={"pad": each("pad"), "stride": each("stride")},
    groups=Count("group"),
    empty_output="refused",
    dtypes=("float32", "float64"),
    inert_options=(
        InertOption("axis", 1, "uniconv takes one batch axis, then the channels"),
        *(InertOption(name, inert=True, sample=None) for name in ("engine", "force_nd_im2col")),
    ),
    constructor_words=IMPLIED,
    source=f"{SOURCE}/conv_layer.cpp and base_conv_layer.cpp {COMMIT}",
    notes=(
        "There is no dilation_h or dilation_w: repeat dilation.",
        "A kernel longer than the padded image by less than a stride gives one pixel in Caffe, "
        "whose C++ division truncates; uniconv refuses it.",
    ),
)
DECONVOLUTION = replace(
    CONVOLUTION,
    name="caffe.Deconvolution",
    kind="conv_transpose",
    layout=Layout("n c ...", "c m ...", "n o ..."),
    pad=Crop(Pad("pad", 0, form=SYMMETRIC)),
    source=f"{SOURCE}/deconv_layer.cpp and base_conv_layer.cpp {COMMIT}",
    notes=(CONVOLUTION.notes[0], "There is no output padding."),
)

CAFFE = Framework(
    "caffe",
    title="Caffe",
    version="1.0",
    functions=(CONVOLUTION, DECONVOLUTION),
    main={
        "conv": dict.fromkeys((1, 2, 3), CONVOLUTION.name),
        "conv_transpose": dict.fromkeys((1, 2, 3), DECONVOLUTION.name),
    },
    dense="u f",  # BVLC/caffe src/caffe/layers/inner_product_layer.cpp
)

"""cuDNN: the legacy descriptors, the frontend's graph and its older builder, whose modes differ.

cuDNN itself is closed.  Options from NVIDIA/cudnn-frontend @ 3929da2e and the legacy API's
reference; what the modes mean is known from the CPU reference of NVIDIA's samples
(samples/legacy_samples/cpu_references.h), and from NNlib and Knet, whose tests compare both modes
on the GPU with their own CPU kernels.
"""

from dataclasses import replace

from uniconv.spec import (
    BY_CHANNELS,
    BY_OUTPUT,
    EACH_ALIKE,
    LOWS_HIGHS,
    REQUIRED,
    Choice,
    Count,
    Crop,
    Form,
    Framework,
    InertOption,
    Layout,
    Op,
    OptionPerAxis,
    Pad,
    Pairs,
    PerAxis,
    Scalar,
    non_negative,
    or_nothing,
)

LEGACY = "https://docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-cnn-library.html"
FRONTEND = "NVIDIA/cudnn-frontend @ 3929da2e"


def beside_both_sides(form: Form) -> Form:
    """Numbers for both sides alike and, in their place, one list before and one after (cuDNN)."""

    def read(value: object, pattern: str, rank: int) -> Pairs | None:
        if not isinstance(value, (list, tuple)) or len(value) != 3:
            return None
        both, before, after = value
        if both is not None and (before, after) == (None, None):
            before = after = both
        elif both is not None:
            return None
        return form.read((before, after), pattern, rank)

    def write(pairs: Pairs, pattern: str) -> object | None:
        written = form.write(pairs, pattern)
        if not isinstance(written, tuple):
            return None
        before, after = written
        return (before, None, None) if before == after else (None, before, after)

    return Form(f"one list for both sides of each spatial axis, or {form.describe}", read, write)


AXES = ("axes",)
NCHW = Layout("n c ...", "o i ...", "n o ...", (2, 3))
NHWC = Layout("n ... c", "o ... i", "n ... o", (2, 3))
MODES = {"CONVOLUTION": True, "CROSS_CORRELATION": False}
NAME = InertOption("name", inert=True)
TYPE = InertOption("compute_data_type", inert=True, sample="FLOAT")

CONVOLUTION = Op(
    "cudnn.convolution",
    kind="conv",
    params="x:x w:w * padA filterStrideA dilationA mode groupCount format alpha beta y",
    layout=Choice(
        "format",
        {"CUDNN_TENSOR_NCHW": NCHW, 0: NCHW, "CUDNN_TENSOR_NHWC": NHWC, 1: NHWC},
        "CUDNN_TENSOR_NCHW",
    ),
    stride=PerAxis("filterStrideA", REQUIRED, accepts=AXES),
    dilation=PerAxis("dilationA", REQUIRED, accepts=AXES),
    pad=Pad("padA", REQUIRED, form=EACH_ALIKE),
    groups=Count("groupCount"),
    # Zeroed memory means CUDNN_CONVOLUTION; cudnnSetConvolutionNdDescriptor has no default.
    reverse=Choice(
        "mode",
        {
            "CUDNN_CONVOLUTION": True,
            0: True,
            "CUDNN_CROSS_CORRELATION": False,
            1: False,
        },
    ),
    scale=Scalar("alpha"),
    addend=("y", Scalar("beta", 0)),
    empty_output="refused",
    source=f"{LEGACY} cudnnSetConvolutionNdDescriptor, cudnnConvolutionForward",
    notes=(
        "The descriptor has no defaults: mode, padding, strides and dilations must be said. "
        "groupCount is 1 until cudnnSetConvolutionGroupCount; alpha=1, beta=0 (y is not read) and "
        "NCHW are uniconv's.",
        "y = alpha * conv(x, w) + beta * y.",
    ),
)
FPROP_PAD = Pad("paddings", REQUIRED, form=beside_both_sides(non_negative(LOWS_HIGHS)))
FPROP = Op(
    "cudnn.conv_fprop",
    kind="conv",
    params="x:image w:weight padding pre_padding post_padding stride dilation convolution_mode "
    "compute_data_type name",
    layout=NCHW,
    stride=PerAxis("stride", REQUIRED, accepts=AXES),
    dilation=PerAxis("dilation", REQUIRED, accepts=AXES),
    pad=FPROP_PAD,
    per_axis_options={"paddings": OptionPerAxis(("padding", "pre_padding", "post_padding"), None)},
    groups=BY_CHANNELS,
    reverse=Choice("convolution_mode", MODES, "CROSS_CORRELATION"),
    empty_output="refused",
    inert_options=(TYPE, NAME),
    source=f"{FRONTEND} python/pygraph/pygraph.cpp conv_fprop, "
    "include/cudnn_frontend/node/conv_fprop.h",
    notes=(
        "Its default is a cross-correlation, that of the older ConvDescBuilder a convolution.",
        "Dimensions are n c ..., whatever the strides; those of y are channels last by default.",
        "Paddings, stride and dilation have no defaults: cuDNN says which is not set.",
        "Before version 1.6.0 the graph ignored the mode and always cross-correlated "
        "(https://github.com/NVIDIA/cudnn-frontend/issues/82).",
    ),
)
BUILDER = replace(
    FPROP,
    name="cudnn.ConvDescBuilder",
    params="x:x w:w * PrePadding PostPadding SpatialStride Dilation MathMode ComputeType",
    stride=PerAxis("SpatialStride", REQUIRED, accepts=AXES),
    dilation=PerAxis("Dilation", REQUIRED, accepts=AXES),
    pad=Pad("paddings", (None, None), form=or_nothing(non_negative(LOWS_HIGHS))),
    per_axis_options={"paddings": OptionPerAxis(("PrePadding", "PostPadding"), None)},
    reverse=Choice(
        "MathMode",
        {"CUDNN_CONVOLUTION": True, 0: True, "CUDNN_CROSS_CORRELATION": False, 1: False},
        "CUDNN_CONVOLUTION",
    ),
    inert_options=(InertOption("ComputeType", inert=True, sample="CUDNN_DATA_FLOAT"),),
    source=f"{FRONTEND} include/cudnn_frontend_ConvDesc.h",
    notes=(
        "Options are its setters without their set; what is not set is 0, the mode a convolution.",
        "The graph that replaced it has the opposite default.",
    ),
)
# A gradient by x is the transposed convolution; its size is never inferred, so it must be said.
TRANSPOSED = Layout("n c ...", "c m ...", "n o ...", (2, 3))
BACKWARD_DATA = replace(
    CONVOLUTION,
    name="cudnn.convolution_backward_data",
    kind="conv_transpose",
    params="w:w x:dy * dxDesc padA filterStrideA dilationA mode groupCount alpha beta dx",
    layout=TRANSPOSED,
    pad=Crop(Pad("padA", REQUIRED, form=EACH_ALIKE), shape="dxDesc"),
    addend=("dx", Scalar("beta", 0)),
    source=f"{LEGACY} cudnnConvolutionBackwardData",
    notes=("w comes first; dxDesc is the shape of the result, n c ....", *CONVOLUTION.notes[:1]),
)
DGRAD = replace(
    FPROP,
    name="cudnn.conv_dgrad",
    kind="conv_transpose",
    params="x:loss w:filter padding pre_padding post_padding stride dilation convolution_mode "
    "compute_data_type name dim",
    layout=TRANSPOSED,
    pad=Crop(FPROP_PAD, shape="dim"),
    groups=BY_OUTPUT,
    source=f"{FRONTEND} python/pygraph/pygraph.cpp conv_dgrad, "
    "include/cudnn_frontend/node/conv_dgrad.h",
    notes=("dim is what set_dim gives the result: cuDNN cannot infer it.", *FPROP.notes[2:]),
)

CUDNN = Framework(
    "cudnn",
    title="cuDNN",
    version="frontend 1.x, legacy API 9",
    functions=(CONVOLUTION, FPROP, BUILDER, BACKWARD_DATA, DGRAD),
    main={
        "conv": dict.fromkeys((2, 3), CONVOLUTION.name),
        "conv_transpose": dict.fromkeys((2, 3), BACKWARD_DATA.name),
    },
)

"""TensorFlow Lite (LiteRT): its built-in operators, options by the names of schema.fbs.

Proved against LiteRT 2.3.0's interpreter, without delegates.
"""

from dataclasses import replace

from uniconv.spec import (
    BY_CHANNELS,
    DEPTHWISE,
    RELU,
    RELU6,
    RELU_N1_TO_1,
    REQUIRED,
    UNGROUPED,
    ActivationWord,
    Crop,
    Framework,
    Layout,
    OfOutput,
    Op,
    OptionPerAxis,
    Pad,
    PerAxis,
    fans_last,
    glorot,
    restated,
    same_upper,
    unchecked,
    valid,
)

SCHEMA = "tensorflow v2.21.0 tensorflow/compiler/mlir/lite/schema/schema.fbs"
KERNELS = "tensorflow v2.21.0 tensorflow/lite/kernels"
WORDS = {"SAME": same_upper, "VALID": valid}
# The others of the schema are not fused by these kernels (kernel_util.h CalculateActivationRange).
ACTIVATION = ActivationWord(
    "fused_activation_function",
    {"NONE": None, "RELU": RELU, "RELU_N1_TO_1": RELU_N1_TO_1, "RELU6": RELU6},
    "NONE",
)


def per_axis_options(rank: int, dilated: bool) -> dict[str, OptionPerAxis]:
    names = "dhw"[3 - rank :]
    rules = {"stride": OptionPerAxis(tuple(f"stride_{a}" for a in names))}
    if dilated:
        rules["dilation"] = OptionPerAxis(tuple(f"dilation_{a}_factor" for a in names), 1)
    return rules


def option_names(rank: int, dilated: bool = True) -> str:
    """The options of a table, in its order."""
    several = [name for one in per_axis_options(rank, dilated).values() for name in one.names]
    return f"padding {' '.join(several)} fused_activation_function"


BIAS_TYPE = unchecked("quantized_bias_type")
CONV_2D = Op(
    "tflite.CONV_2D",
    kind="conv",
    params=f"x:input w:filter bias:bias {option_names(2)}",
    layout=Layout("n ... c", "o ... i", "n ... o", (2,)),
    stride=PerAxis("stride", REQUIRED, accepts=("axes",)),
    dilation=PerAxis("dilation", REQUIRED, accepts=("axes",)),
    pad=Pad("padding", "SAME", WORDS),
    per_axis_options=per_axis_options(2, dilated=True),
    groups=BY_CHANNELS,
    empty_output="refused",
    dtypes=("float32",),
    activation=ACTIVATION,
    constructor_words=BIAS_TYPE,
    source=f"{SCHEMA} Conv2DOptions, {KERNELS}/conv.cc",
)
DEPTHWISE_CONV_2D = replace(
    CONV_2D,
    name="tflite.DEPTHWISE_CONV_2D",
    kind="depthwise_conv",
    layout=Layout("n ... c", "i ... o", "n ... o", (2,)),
    groups=DEPTHWISE,
    constructor_words=BIAS_TYPE | restated(depth_multiplier="m"),
    source=f"{SCHEMA} DepthwiseConv2DOptions, {KERNELS}/depthwise_conv.cc",
    notes=("The kernel is (1, H, W, C * M): output channel c * M + m.",),
)
TRANSPOSE_CONV = replace(
    CONV_2D,
    name="tflite.TRANSPOSE_CONV",
    kind="conv_transpose",
    params=f"output_shape w:weights x:input bias:bias {option_names(2, dilated=False)}",
    layout=Layout("n ... c", "m ... c", "n ... o", (2,)),
    dilation=None,
    pad=Crop(
        Pad("padding", "SAME", {"SAME": OfOutput(same_upper), "VALID": OfOutput(valid)}),
        shape="output_shape",
    ),
    per_axis_options=per_axis_options(2, dilated=False),
    groups=UNGROUPED,
    source=f"{SCHEMA} TransposeConvOptions, {KERNELS}/transpose_conv.cc",
)
CONV_3D = replace(
    CONV_2D,
    name="tflite.CONV_3D",
    params=f"x:input w:filter bias:bias {option_names(3)}",
    layout=Layout("n ... c", "... i o", "n ... o", (3,)),
    per_axis_options=per_axis_options(3, dilated=True),
    groups=UNGROUPED,
    source=f"{SCHEMA} Conv3DOptions, {KERNELS}/conv3d.cc",
)
CONV_3D_TRANSPOSE = replace(
    TRANSPOSE_CONV,
    name="tflite.CONV_3D_TRANSPOSE",
    params=f"output_shape w:filter x:input bias:bias {option_names(3)}",
    layout=Layout("n ... c", "... m c", "n ... o", (3,)),
    dilation=CONV_2D.dilation,
    per_axis_options=per_axis_options(3, dilated=True),
    source=f"{SCHEMA} Conv3DOptions, {KERNELS}/conv3d_transpose.cc",
)

TFLITE = Framework(
    "tflite",
    title="TensorFlow Lite",
    version="2.3.0",
    functions=(CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV, CONV_3D, CONV_3D_TRANSPOSE),
    main={
        "conv": {2: CONV_2D.name, 3: CONV_3D.name},
        "conv_transpose": {2: TRANSPOSE_CONV.name, 3: CONV_3D_TRANSPOSE.name},
        "depthwise_conv": {2: DEPTHWISE_CONV_2D.name},
    },
    aliases=("litert",),
    dense="u f",  # tensorflow/lite/kernels/fully_connected.cc
    initial=glorot(fans_last),  # as TensorFlow
)

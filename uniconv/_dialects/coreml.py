"""Core ML: conv and conv_transpose of the MIL builder of coremltools.

Read from apple/coremltools @ e0e2f42b.  Core ML runs on Apple's devices only; there its tests
compare it with PyTorch and TensorFlow (converters/mil/mil/ops/tests/iOS14/test_conv.py,
converters/mil/frontend/tensorflow/test/test_ops.py).
"""

from dataclasses import replace

from uniconv.spec import (
    INTERLEAVED,
    Choice,
    Count,
    Crop,
    Framework,
    InertOption,
    Layout,
    Op,
    Pad,
    PerAxis,
    non_negative,
    nothing_cropped,
    same_lower,
    same_upper,
    transposed_same_upper,
    valid,
)

DEFS = "apple/coremltools coremltools/converters/mil/mil/ops/defs/iOS15/conv.py @ e0e2f42b"
LIST = ("none", "axes")
PADS = non_negative(INTERLEAVED)
NAME = InertOption("name", inert=True)

CONV = Op(
    "coreml.conv",
    kind="conv",
    params="* x:x w:weight bias:bias strides pad_type pad dilations groups name",
    layout=Layout("n c ...", "o i ...", "n o ..."),
    stride=PerAxis("strides", None, accepts=LIST),
    dilation=PerAxis("dilations", None, accepts=LIST),
    pad=Pad(
        "pad",
        None,
        form=PADS,
        # The docstring's formula for "same" knows no strides; type inference
        # (defs/_utils.py aggregated_pad) and the test against PyTorch say this one.
        word_option=Choice(
            "pad_type",
            {"valid": valid, "custom": None, "same": same_upper, "same_lower": same_lower},
            "valid",
        ),
        numbers_beside_word="ignored",
    ),
    groups=Count("groups"),
    empty_output="refused",
    dtypes=("float16", "float32"),
    inert_options=(NAME,),
    source=f"{DEFS} class conv",
    notes=(
        'pad is ignored beside another pad_type than "custom", although its docstring says '
        "that errors occur.",
        '"same_lower" needs iOS16; a kernel that is no constant cannot be dilated.',
    ),
)
TRANSPOSE = replace(
    CONV,
    name="coreml.conv_transpose",
    kind="conv_transpose",
    params="* x:x w:weight bias:bias pad output_shape pad_type strides dilations groups name",
    layout=Layout("n c ...", "c m ...", "n o ..."),
    pad=Crop(
        Pad(
            "pad",
            None,
            form=PADS,
            word_option=Choice(
                "pad_type",
                {"valid": nothing_cropped, "custom": None, "same": transposed_same_upper},
                "valid",
            ),
            numbers_beside_word="ignored",
        ),
        shape="output_shape",
        shape_forms=("full",),
        shape_default=None,
        adjoint=False,
        fixed=True,  # its converters pass no other size
    ),
    source=f"{DEFS} class conv_transpose",
    notes=(
        'pad is ignored beside another pad_type than "custom".',
        '"same" crops as TensorFlow does, with which coremltools compares it.',
    ),
)

COREML = Framework(
    "coreml",
    title="Core ML",
    version="coremltools 9.0",
    functions=(CONV, TRANSPOSE),
    main={
        "conv": dict.fromkeys((1, 2, 3), CONV.name),
        "conv_transpose": dict.fromkeys((1, 2, 3), TRANSPOSE.name),
    },
    aliases=("coremltools",),
    dense="u f",  # coremltools mlmodel/format/NeuralNetwork.proto InnerProductLayerParams
)

"""ONNX operators, as ONNX Runtime computes them; attributes by name.

Proved against ONNX Runtime 1.32.0, and onnx 1.23.2's reference where its CPU kernels lack a type.
"""

from dataclasses import replace

from uniconv.spec import (
    BesideOutput,
    CallContext,
    Choice,
    Count,
    Crop,
    Form,
    Framework,
    KernelShape,
    Layout,
    Op,
    Pad,
    Pairs,
    PerAxis,
    Refusal,
    Scalar,
    integers,
    non_negative,
    output_beyond_the_whole,
    output_padding_reaches_stride,
    same_lower,
    same_upper,
    surplus_lower,
    surplus_upper,
    unless_output_size,
    valid,
)

SPEC = "onnx 1.23.2 docs/Operators.md"
RUNTIME = "onnxruntime 1.32.0 onnxruntime/core/providers/cpu/nn/conv_transpose_attributes.h"


def read_begins_ends(value: object, pattern: str, rank: int) -> Pairs | None:
    entries = integers(value)
    if entries is None or len(entries) != 2 * rank:
        return None
    return tuple(zip(entries[:rank], entries[rank:]))


BEGINS_ENDS = Form(
    "a list of what is before each spatial axis, then what is after each, negative to crop",
    read_begins_ends,
    lambda pairs, pattern: [lo for lo, _ in pairs] + [hi for _, hi in pairs],
)


# pads beside output_shape are ignored.
UNLESS_OUT = unless_output_size(surplus_lower)
LIST = ("none", "axes")
PADS = non_negative(BEGINS_ENDS)


def same_below_nothing(call: CallContext, auto_pad: str) -> bool:
    """Whether SAME would take more than one pixel off an axis."""
    return auto_pad.startswith("SAME") and any(
        -(-a.size // a.stride) * a.stride - a.stride + a.extent - a.size < -1 for a in call.axes
    )


def same_and_a_short_kernel(call: CallContext, auto_pad: str) -> bool:
    """Whether SAME alone settles a transposed axis whose stride leaves gaps between the taps."""
    return auto_pad.startswith("SAME") and any(
        a.output_size is None and a.extent < a.stride for a in call.axes
    )


def same_and_output_padding(call: CallContext, auto_pad: str) -> bool:
    return auto_pad.startswith("SAME") and any(a.output_padding for a in call.axes)


CONV = Op(
    "onnx.Conv",
    kind="conv",
    params="x:X w:W bias:B auto_pad dilations group kernel_shape pads strides",
    layout=Layout("n c ...", "o i ...", "n o ..."),
    stride=PerAxis("strides", None, accepts=LIST),
    dilation=PerAxis("dilations", None, accepts=LIST),
    pad=Pad(
        "pads",
        None,
        form=PADS,
        word_option=Choice(
            "auto_pad",
            {"NOTSET": None, "SAME_UPPER": same_upper, "SAME_LOWER": same_lower, "VALID": valid},
            "NOTSET",
        ),
    ),
    groups=Count("group"),
    empty_output="refused",
    dtypes=("float16", "bfloat16", "float32", "float64"),
    inert_options=(KernelShape("kernel_shape"),),
    refusals=(
        Refusal(
            same_below_nothing,
            ("auto_pad", "strides"),
            "where the kernel is shorter than the stride SAME needs less than no padding: ONNX "
            "pads nothing, ONNX Runtime crops and so starts later; say which by pads",
            "onnxruntime 1.32.0 onnxruntime/core/providers/common.h ComputePad",
        ),
    ),
    source=f"{SPEC} Conv",
)
TRANSPOSE = replace(
    CONV,
    name="onnx.ConvTranspose",
    kind="conv_transpose",
    params="x:X w:W bias:B auto_pad dilations group kernel_shape output_padding output_shape pads "
    "strides",
    layout=Layout("n c ...", "c m ...", "n o ..."),
    pad=Crop(
        Pad(
            "pads",
            None,
            form=PADS,
            word_option=Choice(
                "auto_pad",
                {
                    "NOTSET": None,
                    "SAME_UPPER": surplus_upper,
                    "SAME_LOWER": surplus_lower,
                    "VALID": BesideOutput(surplus_lower),
                },
                "NOTSET",
            ),
            reading=UNLESS_OUT,
        ),
        output_padding=PerAxis("output_padding", None, least=0, accepts=LIST, absent=None),
        shape="output_shape",
        shape_forms=("axes",),
        shape_default=None,
        adjoint=False,
    ),
    refusals=(
        Refusal(
            output_padding_reaches_stride,
            ("output_padding", "strides", "dilations"),
            "output_padding must be less than the stride; ONNX allows less than the dilation, too, "
            "ONNX Runtime refuses it (https://github.com/microsoft/onnxruntime/issues/14208)",
            RUNTIME,
        ),
        Refusal(
            output_beyond_the_whole,
            ("output_shape",),
            "output_shape is larger than the whole result of these strides and dilations",
            RUNTIME,
        ),
        Refusal(
            same_and_a_short_kernel,
            ("auto_pad", "strides"),
            "where the kernel is shorter than the stride, ONNX asks for size * stride outputs and "
            "ONNX Runtime gives fewer; say which by pads and output_padding",
            "https://github.com/onnx/onnx/issues/2788",
        ),
        Refusal(
            same_and_output_padding,
            ("auto_pad", "output_padding"),
            "ONNX's shape inference adds output_padding to SAME, ONNX Runtime takes it off again "
            "and shifts the result; say what you mean by pads",
            "https://github.com/onnx/onnx/issues/1609",
        ),
    ),
    source=f"{SPEC} ConvTranspose",
    notes=("pads is ignored beside output_shape.",),
)
INTEGER = replace(
    CONV,
    name="onnx.ConvInteger",
    params="x:x w:w x_zero_point w_zero_point auto_pad dilations group kernel_shape pads strides",
    dtypes=("uint8", "int8"),
    mixed_dtypes=True,
    zero_points=(Scalar("x_zero_point", 0), Scalar("w_zero_point", 0)),
    result="int32",
    source=f"{SPEC} ConvInteger",
    notes=("y is int32; what lies outside x is its zero point.",),
)

ONNX = Framework(
    "onnx",
    title="ONNX",
    version="1.23.2",
    functions=(CONV, TRANSPOSE, INTEGER),
    main={
        "conv": dict.fromkeys((1, 2, 3), CONV.name),
        "conv_transpose": dict.fromkeys((1, 2, 3), TRANSPOSE.name),
    },
    aliases=("onnxruntime",),
    cases=300,
)

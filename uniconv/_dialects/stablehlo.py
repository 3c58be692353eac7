"""StableHLO: the convolution op, its attributes as the builder of its Python bindings names them.

Proved against XLA on the CPU, which comes with jaxlib 0.10.2 (StableHLO 1.17.0).
"""

from uniconv.spec import (
    COMPLEX,
    EVERY_RANK,
    FLOATS,
    NUMPY_INTEGERS,
    PAIRS,
    REQUIRED,
    Choice,
    Count,
    EachAxis,
    Framework,
    InertOption,
    Layout,
    NumberedDimensions,
    Op,
    Pad,
    PerAxis,
    Refusal,
    numbered_dimensions,
    two_kinds_of_groups,
)

SPEC = "openxla/stablehlo docs/spec.md @ 3c9301c1 convolution"
LIST = ("none", "axes")


def spelled(x: str, w: str, y: str) -> dict[str, Layout]:
    """The layout of "b01f", "01io", "b01f" under its spelling."""
    numbers = numbered_dimensions(x, w, y)
    text = "x".join(f"[{','.join(letters)}]" for letters in (x, w)) + f"->[{','.join(y)}]"
    return {text: numbers} if numbers else {}


TABLE = {
    **spelled("bf0", "oi0", "bf0"),
    **spelled("bf01", "oi01", "bf01"),
    **spelled("bf012", "oi012", "bf012"),
    **spelled("b0f", "0io", "b0f"),
    **spelled("b01f", "01io", "b01f"),
    **spelled("b012f", "012io", "b012f"),
    **spelled("bf", "oi", "bf"),
    **spelled("bf", "io", "fb"),
    **spelled("bf0123", "oi0123", "bf0123"),
    **spelled("b03f12", "01i32o", "0b12f3"),
    # Any order holds; options follow the numbers, not the order of the axes.
    **spelled("0bf", "i0o", "fb0"),
    **spelled("0b1f", "01io", "b01f"),
    **spelled("b1f0", "1oi0", "f0b1"),
    **spelled("2b0f1", "o1i20", "b10f2"),
}

# The element type of the result's tensor type.
ELEMENTS = {
    None: None,
    "i8": "int8",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
    "ui8": "uint8",
    "ui16": "uint16",
    "ui32": "uint32",
    "ui64": "uint64",
    "i1": "bool",
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
    "complex<f32>": "complex64",
    "complex<f64>": "complex128",
}

CONVOLUTION = Op(
    "stablehlo.convolution",
    kind="conv",
    params="x:lhs w:rhs dimension_numbers feature_group_count batch_group_count * window_strides "
    "padding lhs_dilation rhs_dilation window_reversal precision_config result",
    layout=NumberedDimensions("dimension_numbers", TABLE),
    stride=PerAxis("window_strides", None, accepts=LIST),
    dilation=PerAxis("rhs_dilation", None, accepts=LIST),
    lhs_dilation=PerAxis("lhs_dilation", None, accepts=LIST),
    pad=Pad("padding", None, form=PAIRS),
    groups=Count("feature_group_count", REQUIRED),
    batch_groups=Count("batch_group_count", REQUIRED),
    reverse=EachAxis("window_reversal", {None: False}, None),
    dtypes=(*FLOATS, *NUMPY_INTEGERS, *COMPLEX),
    result_option=Choice("result", ELEMENTS, None),
    inert_options=(InertOption("precision_config", inert=True, sample=["HIGHEST", "DEFAULT"]),),
    refusals=(
        Refusal(
            two_kinds_of_groups,
            ("feature_group_count", "batch_group_count"),
            "one of them must be 1 (C23)",
            SPEC,
        ),
    ),
    source=SPEC,
    notes=(
        "Padding is applied after lhs_dilation; a negative entry crops.",
        "window_strides, padding, the dilations and window_reversal follow the numbers in "
        "dimension_numbers.",
        "result is the element type of the result, where it is wider than that of lhs: both are "
        "widened first.",
        "A transposed convolution is one with lhs_dilation, as JAX and XLA write it.",
    ),
)

STABLEHLO = Framework(
    "stablehlo",
    title="StableHLO",
    version="1.17.0",
    functions=(CONVOLUTION,),
    main={"conv": dict.fromkeys(EVERY_RANK, CONVOLUTION.name)},
    cases=300,
)

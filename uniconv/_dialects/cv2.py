"""OpenCV: filter2D and sepFilter2D, on images without a batch axis, each channel alone.

Proved against OpenCV 5.0.0.
"""

from dataclasses import replace

from uniconv.spec import (
    REQUIRED,
    UNGROUPED,
    Axis,
    Choice,
    Form,
    Framework,
    InertOption,
    Layout,
    NumbersMean,
    Op,
    Pad,
    Pair,
    Refusal,
    Scalar,
    Spelling,
    alike,
    centre_outside_the_kernel,
    integers,
    last_first,
)

SOURCE = "opencv 5.0.0 modules/imgproc/src/filter.dispatch.cpp"
# None is the default of any argument: modules/python/src2/cv2_convert.cpp pyopencv_to.
MIDDLE = (-1, -1)
X_FIRST = Form(
    "two integers, x (columns) first",
    lambda value, pattern, rank: (
        last_first(alike(None).read(MIDDLE if value is None else value, pattern, rank))
        if value is None or integers(value) is not None
        else None
    ),
    lambda pairs, pattern: (
        None if any(lo != hi for lo, hi in pairs) else tuple(lo for lo, _ in reversed(pairs))
    ),
)


def read_anchor(axis: Axis, pair: Pair) -> Pair:
    lo = axis.kernel // 2 if pair[0] == -1 else pair[0]
    return lo, axis.kernel - 1 - lo


def write_anchor(axis: Axis, pair: Pair) -> Pair:
    # No anchor is negative but the middle's -1: the form refuses two numbers that differ.
    return (pair[0], axis.kernel - 1 - pair[1]) if pair[0] >= 0 else (0, 1)


# OpenCV's anchor: the tap that lies on the pixel; -1 is the middle.
ANCHOR = NumbersMean(read_anchor, write_anchor)
BORDERS = {0: "zeros", 1: "replicate", 2: "symmetric", 4: "reflect"}
# With BORDER_ISOLATED (16), which concerns views into larger images: an array is whole.
BORDERS |= {16 + number: border for number, border in BORDERS.items()}


# CV_8U, CV_16U, CV_16S, CV_32F and CV_64F; -1 is the depth of src.
DEPTHS = {-1: None, 0: "uint8", 2: "uint16", 3: "int16", 5: "float32", 6: "float64"}


FILTER2D = Op(
    "cv2.filter2D",
    kind="conv",
    params="x:src ddepth w:kernel dst anchor delta borderType",
    layout=Layout("s0 s1 n", "s0 s1", "s0 s1 n", (2,)),
    stride=None,
    dilation=None,
    pad=Pad("anchor", MIDDLE, form=X_FIRST, reading=ANCHOR),
    boundary=Choice("borderType", {**BORDERS, None: BORDERS[4]}, 4),
    shift=Scalar("delta", 0, or_none=True),
    groups=UNGROUPED,
    batch=(0, 1),
    empty_output="refused",
    dtypes=("float32", "float64", "uint8", "uint16", "int16"),
    mixed_dtypes="depth",
    drops_single=True,
    vectors="row",
    output="dst",
    inert_options=(
        InertOption("dst", None, "y is written into a NumPy array beside x of NumPy only"),
    ),
    result_option=Choice("ddepth", DEPTHS, REQUIRED),
    # opencv 5.0.0 modules/imgproc/src/filter.simd.hpp getLinearFilter
    depths={
        "uint8": ("uint8", "uint16", "int16", "float32", "float64"),
        "uint16": ("uint16", "float32", "float64"),
        "int16": ("int16", "float32", "float64"),
        "float32": ("float32",),
        "float64": ("float64",),
    },
    refusals=(
        Refusal(
            centre_outside_the_kernel,
            ("anchor",),
            "the anchor must lie inside the kernel: x below its columns, y below its rows",
            SOURCE,
        ),
    ),
    source=SOURCE,
    notes=(
        "A cross-correlation, in spite of what filters are called.",
        "borderType is a number: 0 zeros, 1 replicate, 2 reflect with the edge, 4 (default) "
        "without; anchor is (x, y), the column first.",
        "ddepth is -1 (src's), 0 (uint8), 2 (uint16), 3 (int16), 5 (float32) or 6 (float64); "
        "integers are rounded, a half to the even one, and saturated.",
        "Pixels whose sum is next to a half are rounded as OpenCV's AVX2 code does it.",
        "An image (H, W, 1) gives (H, W), as OpenCV returns it.",
        "A kernel of one axis is a row: OpenCV 4 read it as a column.",
    ),
)
ALL_DEPTHS = ("uint8", "uint16", "int16", "float32", "float64")
SEP_FILTER2D = replace(
    FILTER2D,
    name="cv2.sepFilter2D",
    kind="separable_conv",
    params="x:src ddepth w:kernelX p:kernelY dst anchor delta borderType",
    outer_product=("s1", "s0"),
    vectors="kernels",
    # opencv 5.0.0 modules/imgproc/src/filter.simd.hpp getLinearColumnFilter
    depths=dict.fromkeys(("uint8", "uint16", "int16", "float32"), ALL_DEPTHS)
    | {"float64": ("uint8", "uint16", "int16", "float64")},
    notes=(
        "kernelX runs along the rows of the image, kernelY along its columns.",
        *FILTER2D.notes[1:-1],
        "uint8 of smoothing kernels in multiples of 1/256 is computed in fixed point: a half goes "
        "to the even number in a row's whole vectors of 16, up in what is left over.",
    ),
)


SPELLING = Spelling("import cv2")

CV2 = Framework(
    "cv2",
    title="OpenCV",
    version="5.0.0",
    functions=(FILTER2D, SEP_FILTER2D),
    main={"conv": {2: FILTER2D.name}, "separable_conv": {2: SEP_FILTER2D.name}},
    aliases=("opencv",),
    cases=160,
    spelling=SPELLING,
)

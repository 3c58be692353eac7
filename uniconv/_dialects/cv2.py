"""OpenCV: filter2D and sepFilter2D, on images without a batch axis, each channel alone.

Proved against OpenCV 5.0.0.
"""

from dataclasses import replace

from uniconv._canonical.layout import Layout
from uniconv.spec.forms import X_FIRST
from uniconv.spec.framework import Framework
from uniconv.spec.op import UNGROUPED, Op
from uniconv.spec.padding import Pad
from uniconv.spec.refusals import Refusal, centre_outside_the_kernel
from uniconv.spec.rules import REQUIRED, CallContext, Choice, Scalar
from uniconv.spec.words import ANCHOR

SOURCE = "opencv 5.0.0 modules/imgproc/src/filter.dispatch.cpp"
BORDERS = {0: "zeros", 1: "replicate", 2: "symmetric", 4: "reflect"}


def one_channel(call: CallContext) -> bool:
    return call.sizes.batch == (1,)


FILTER2D = Op(
    "cv2.filter2D",
    kind="conv",
    params="x:src ddepth w:kernel anchor delta borderType",
    layout=Layout("s0 s1 n", "s0 s1", "s0 s1 n", (2,)),
    stride=None,
    dilation=None,
    pad=Pad("anchor", (-1, -1), form=X_FIRST, reading=ANCHOR),
    boundary=Choice("borderType", BORDERS, 4),
    shift=Scalar("delta", 0),
    groups=UNGROUPED,
    batch=(0, 1),
    empty_output="refused",
    dtypes=("float32", "float64"),
    inert_options=(Choice("ddepth", {-1: None}, REQUIRED),),
    refusals=(
        Refusal(
            centre_outside_the_kernel,
            ("anchor",),
            "the anchor must lie inside the kernel: x below its columns, y below its rows",
            SOURCE,
        ),
        Refusal(
            one_channel,
            (),
            "OpenCV takes (H, W, 1) and returns (H, W): give x as (H, W)",
            "opencv 5.0.0 modules/python/src2/cv2_convert.cpp",
        ),
    ),
    source=SOURCE,
    notes=(
        "A cross-correlation, in spite of what filters are called.",
        "borderType is a number: 0 zeros, 1 replicate, 2 reflect with the edge, 4 (default) "
        "without; anchor is (x, y), the column first.",
    ),
)
SEP_FILTER2D = replace(
    FILTER2D,
    name="cv2.sepFilter2D",
    kind="separable_conv",
    params="x:src ddepth w:kernelX p:kernelY anchor delta borderType",
    outer_product=("s1", "s0"),
    notes=("kernelX runs along the rows of the image, kernelY along its columns.",),
)

CV2 = Framework(
    "cv2",
    title="OpenCV",
    version="5.0.0",
    functions=(FILTER2D, SEP_FILTER2D),
    main={"conv": {2: FILTER2D.name}, "separable_conv": {2: SEP_FILTER2D.name}},
    aliases=("opencv",),
)

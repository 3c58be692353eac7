"""tinygrad: Tensor.conv2d and conv_transpose2d, of any number of axes.

Proved against tinygrad 0.14.0.
"""

from uniconv.dialect import Dialect, Op
from uniconv.layout import Layout
from uniconv.padding import LAST_FIRST, alike, one_of
from uniconv.refusals import Refusal
from uniconv.rules import Count, Crop, Fixed, Pad, PerAxis

SOURCE = "tinygrad 0.14.0 tinygrad/mixin/op.py"
PADS = one_of(alike(None), LAST_FIRST)

CONV = Op(
    "tinygrad.Tensor.conv2d",
    kind="conv",
    params="x:self w:weight bias:bias groups stride dilation padding dtype",
    layout=Layout("n c ...", "o i ...", "n o ..."),
    stride=PerAxis("stride"),
    dilation=PerAxis("dilation"),
    pad=Pad("padding", 0, form=PADS),
    groups=Count("groups"),
    empty="refused",
    dtypes=("float16", "float32", "float64", "int32", "int64"),
    others=(Fixed("dtype", None, "convert the arrays instead"),),
    source=f"{SOURCE} conv2d",
    notes=("2n paddings start at the last axis, n paddings at the first.",),
)
TRANSPOSE = Op(
    "tinygrad.Tensor.conv_transpose2d",
    kind="conv_transpose",
    params="x:self w:weight bias:bias groups stride dilation padding output_padding",
    layout=Layout("n c ...", "c m ...", "n o ..."),
    stride=PerAxis("stride"),
    dilation=PerAxis("dilation"),
    pad=Crop(Pad("padding", 0, form=PADS), extra=PerAxis("output_padding", 0, least=0)),
    groups=Count("groups"),
    empty="refused",
    dtypes=CONV.dtypes,
    refusals=(
        Refusal(
            "spread input cropped before padding",
            ("padding",),
            "the padding crops more of the spread input than there is",
            f"{SOURCE} conv_transpose2d",
        ),
    ),
    source=f"{SOURCE} conv_transpose2d",
    notes=CONV.notes,
)

TINYGRAD = Dialect(
    "tinygrad",
    title="tinygrad",
    version="0.14.0",
    functions=(CONV, TRANSPOSE),
    main={
        "conv": dict.fromkeys((1, 2, 3), CONV.name),
        "conv_transpose": dict.fromkeys((1, 2, 3), TRANSPOSE.name),
    },
)

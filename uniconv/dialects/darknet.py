"""Darknet: layers by the names of their cfg options, channels first; kernels are square.

Read from pjreddie/darknet @ f6afaabc; its C code was compiled and run.
"""

from dataclasses import replace

from uniconv.dialect import UNGROUPED, Dialect, Op
from uniconv.layout import Layout
from uniconv.padding import alike, half
from uniconv.refusals import Refusal
from uniconv.rules import Choice, Count, Crop, Fixed, Pad, PerAxis

SOURCE = "pjreddie/darknet @ f6afaabc src"
# pad=1 is a switch: size / 2 pixels on both sides, and padding is ignored.
PAD = Pad(
    "padding",
    0,
    form=alike(alone=True),
    by=Choice("pad", {0: None, 1: half}, 0),
    beside="ignored",
)
LINEAR = Fixed(
    "activation",
    reason="uniconv gives the convolution alone, and Darknet's own default is logistic: apply the "
    "activation to y",
    only="linear",
)
NORMALIZE = Fixed("batch_normalize", 0, "fold the scales into the weights and the bias")
BITS = tuple(Fixed(name, 0, "the kernel would be reduced to signs") for name in ("binary", "xnor"))
IMPLIED = {"filters": "weights", "size": "weights"}

CONVOLUTIONAL = Op(
    "darknet.convolutional",
    kind="conv",
    params="x:input w:weights bias:biases * stride pad padding groups activation batch_normalize "
    "binary xnor flipped",
    layout=Layout("n c ...", "o i ...", "n o ...", (2,)),
    stride=PerAxis("stride", accepts=("int",)),
    dilation=None,
    pad=PAD,
    groups=Count("groups"),
    empty="refused",
    dtypes=("float32",),
    others=(
        *(LINEAR, NORMALIZE, *BITS),
        Fixed("flipped", 0, "the weights are stored as (c * size * size, n): transpose them"),
    ),
    square=True,
    warnings=(
        Refusal(
            "one tap strided or padded",
            ("stride", "padding"),
            "Darknet's CPU code leaves im2col out for a kernel of size 1 and reads the wrong "
            "pixels beside a stride or a padding; uniconv gives what its GPU code gives",
            f"{SOURCE}/convolutional_layer.c forward_convolutional_layer",
        ),
    ),
    implied=IMPLIED,
    source=f"{SOURCE}/convolutional_layer.c",
    notes=(
        "pad=1 is a switch: size / 2 pixels on both sides, whatever padding says.",
        "activation must be said, since Darknet's default, logistic, is not a convolution's.",
    ),
)
DECONVOLUTIONAL = replace(
    CONVOLUTIONAL,
    name="darknet.deconvolutional",
    kind="conv_transpose",
    params="x:input w:weights bias:biases * stride pad padding activation batch_normalize",
    layout=Layout("n c ...", "c m ...", "n o ...", (2,)),
    pad=Crop(PAD),
    groups=UNGROUPED,
    others=(LINEAR, NORMALIZE),
    warnings=(),
    source=f"{SOURCE}/deconvolutional_layer.c",
)

DARKNET = Dialect(
    "darknet",
    title="Darknet",
    version="f6afaabc",
    functions=(CONVOLUTIONAL, DECONVOLUTIONAL),
    main={
        "conv": {2: CONVOLUTIONAL.name},
        "conv_transpose": {2: DECONVOLUTIONAL.name},
    },
)

"""Chainer: chainer.functions, channels first.

Proved against Chainer 7.8.1.
"""

from dataclasses import replace
from math import prod, sqrt

from uniconv.spec import (
    AS_IS,
    DEPTHWISE,
    UNGROUPED,
    CallContext,
    Choice,
    Constructor,
    Count,
    Crop,
    Framework,
    Idiom,
    Initial,
    LayerIdiom,
    Layout,
    NumbersMean,
    Op,
    Pad,
    PerAxis,
    Refusal,
    Shape,
    Spelling,
    alike,
)

SOURCE = "chainer 7.8.1 chainer/functions/connection"
# Chainer's cover_all: so much more after that no pixel is left out.
COVERING = NumbersMean(
    lambda axis, pair: (pair[0], pair[1] + axis.stride - 1),
    lambda axis, pair: (pair[0], pair[1] - axis.stride + 1),
)


COVERED = Choice("cover_all", {False: AS_IS, True: COVERING}, False)
FIRST = Layout("n c ...", "o i ...", "n o ...")
PLANE = replace(FIRST, ranks=(2,))
# Two axes of a patch for each of x, and NumPy takes 32: chainer/utils/conv_nd.py im2col_nd_cpu
N_AXES = range(1, 16)

ND = Op(
    "chainer.functions.convolution_nd",
    kind="conv",
    params="x:x w:W bias:b stride pad cover_all dilate groups",
    layout=replace(FIRST, ranks=N_AXES),
    stride=PerAxis("stride"),
    dilation=PerAxis("dilate"),
    pad=Pad("pad", 0, form=alike(), reading=COVERED),
    groups=Count("groups"),
    empty_output="refused",
    dtypes=("float16", "float32", "float64"),
    mixed_dtypes="x",  # chainer/functions/connection/convolution_2d.py forward_cpu: astype(x.dtype)
    source=f"{SOURCE}/convolution_nd.py",
    notes=("cover_all=True pads stride - 1 more after.",),
)
OF_RANK = tuple(
    replace(ND, name=f"chainer.functions.convolution_{r}d", layout=replace(FIRST, ranks=(r,)))
    for r in (1, 3)
)
CONV2D = replace(
    ND,
    name="chainer.functions.convolution_2d",
    params="x:x w:W bias:b stride pad cover_all * dilate groups",
    layout=PLANE,
    source=f"{SOURCE}/convolution_2d.py",
)
DILATED = replace(
    CONV2D,
    name="chainer.functions.dilated_convolution_2d",
    params="x:x w:W bias:b stride pad dilate cover_all",
    groups=UNGROUPED,
    source=f"{SOURCE}/dilated_convolution_2d.py",
)
DEPTHWISE_2D = replace(
    CONV2D,
    name="chainer.functions.depthwise_convolution_2d",
    kind="depthwise_conv",
    params="x:x w:W bias:b stride pad",
    layout=replace(PLANE, w="m c ..."),
    dilation=None,
    pad=Pad("pad", 0, form=alike()),
    groups=DEPTHWISE,
    source=f"{SOURCE}/depthwise_convolution_2d.py",
    notes=("Output channel c * M + m is input channel c under its multiplier m.",),
)


def made_of_another_input(call: CallContext) -> bool:
    """Whether no convolution, covering all or not, makes the sizes of x of that outsize."""
    return any(
        a.output_size is not None
        and not (
            (a.output_size + lo + lo - a.extent) // a.stride + 1
            <= n
            <= (a.output_size + lo + lo - a.extent + a.stride - 1) // a.stride + 1
        )
        for a, n, (lo, _) in zip(call.axes, call.sizes.size, call.pad)
    )


DECONV_ND = replace(
    ND,
    name="chainer.functions.deconvolution_nd",
    kind="conv_transpose",
    params="x:x w:W bias:b stride pad outsize dilate groups",
    layout=replace(FIRST, w="c m ...", ranks=N_AXES),
    pad=Crop(
        Pad("pad", 0, form=alike()),
        shape="outsize",
        shape_forms=("axes",),
        shape_default=None,
        adjoint=False,
    ),
    refusals=(
        Refusal(
            made_of_another_input,
            ("outsize",),
            "no convolution with these options, with cover_all or without, makes the sizes of x of "
            "that outsize",
            f"{SOURCE}/deconvolution_nd.py",
        ),
    ),
    source=f"{SOURCE}/deconvolution_nd.py",
    notes=("outsize may cut what the last taps give, or add zeros.",),
)
DECONV_OF_RANK = tuple(
    replace(
        DECONV_ND,
        name=f"chainer.functions.deconvolution_{r}d",
        layout=replace(FIRST, w="c m ...", ranks=(r,)),
    )
    for r in (1, 3)
)
DECONV2D = replace(
    DECONV_ND,
    name="chainer.functions.deconvolution_2d",
    params="x:x w:W bias:b stride pad outsize * dilate groups",
    layout=replace(PLANE, w="c m ..."),
    source=f"{SOURCE}/deconvolution_2d.py",
)


def deviation(shape: Shape, groups: int) -> float:
    return sqrt(1 / prod(shape[1:]))


# LeCun's, not cut (chainer/initializers/normal.py).
INITIAL = Initial("normal", deviation)

LINKS = "chainer 7.8.1 chainer/links/connection"
SIZES = "in:in_channels out:out_channels size:ksize stride pad"
LAYERS = {  # what stands after nobias is behind the initialisers there, so by keyword here
    "Convolution1D": (OF_RANK[0], f"{SIZES} nobias:nobias * cover_all dilate groups"),
    "Convolution2D": (CONV2D, f"{SIZES} nobias:nobias * dilate groups"),
    "Convolution3D": (OF_RANK[1], f"{SIZES} nobias:nobias * cover_all dilate groups"),
    "DilatedConvolution2D": (DILATED, f"{SIZES} dilate nobias:nobias"),
    "DepthwiseConvolution2D": (
        DEPTHWISE_2D,
        "in:in_channels multiplier:channel_multiplier size:ksize stride pad nobias:nobias",
    ),
    "Deconvolution1D": (DECONV_OF_RANK[0], f"{SIZES} nobias:nobias outsize * dilate groups"),
    "Deconvolution2D": (DECONV2D, f"{SIZES} nobias:nobias outsize * dilate groups"),
    "Deconvolution3D": (DECONV_OF_RANK[1], f"{SIZES} nobias:nobias outsize * dilate groups"),
}


IDIOM = Idiom(
    transpose="chainer.functions.transpose({x}, {axes})",
    reshape="chainer.functions.reshape({x}, {shape})",
    pad={
        "zeros": 'chainer.functions.pad({x}, {pairs}, "constant")',
        "constant": 'chainer.functions.pad({x}, {pairs}, "constant", constant_values={fill})',
    },
    join="chainer.functions.concat([{parts}], {axis})",
    activations={
        "relu": "chainer.functions.relu({x})",
        "clip": "chainer.functions.clip({x}, {0}, {1})",
        "leaky_relu": "chainer.functions.leaky_relu({x}, {0})",
        "elu": "chainer.functions.elu({x}, {0})",
        "selu": "chainer.functions.selu({x})",
        "sigmoid": "chainer.functions.sigmoid({x})",
        "tanh": "chainer.functions.tanh({x})",
        "softplus": "chainer.functions.softplus({x})",
        "exp": "chainer.functions.exp({x})",
    },
    layers=LayerIdiom(
        weights={
            "w": "layer.W.array = w.array",
            "w bias": "layer.W.array = w.array\nlayer.b.array = bias.array",
        }
    ),
)
SPELLING = Spelling("import chainer", result="{}.array", idiom=IDIOM)

CHAINER = Framework(
    "chainer",
    title="Chainer",
    version="7.8.1",
    functions=(
        *(CONV2D, ND, *OF_RANK, DILATED, DEPTHWISE_2D),
        *(DECONV2D, DECONV_ND, *DECONV_OF_RANK),
    ),
    layers=tuple(
        Constructor(f"chainer.links.{name}", op.name, params, LINKS)
        for name, (op, params) in LAYERS.items()
    ),
    main={
        "conv": {1: OF_RANK[0].name, 2: CONV2D.name, 3: OF_RANK[1].name},
        "conv_transpose": {
            1: DECONV_OF_RANK[0].name,
            2: DECONV2D.name,
            3: DECONV_OF_RANK[1].name,
        },
        "depthwise_conv": {2: DEPTHWISE_2D.name},
    },
    dense="u f",  # chainer/links/connection/linear.py
    initial=INITIAL,
    spelling=SPELLING,
)

"""TensorFlow: tf.nn.conv* and their tf.compat.v1.nn spellings; channels last unless data_format.

Proved against TensorFlow 2.21.0; refusals from tensorflow/python/ops/nn_ops.py and nn_impl.py.
"""

from collections.abc import Mapping
from dataclasses import replace

from uniconv.spec import (
    BY_OUTPUT,
    DEPTHWISE,
    FLOATS,
    LAYOUT_PAIRS,
    REQUIRED,
    UNGROUPED,
    CallContext,
    Choice,
    Crop,
    Framework,
    Idiom,
    InertOption,
    Layout,
    OfOutput,
    Op,
    Pad,
    PerAxis,
    Refusal,
    Spelling,
    Word,
    entries,
    fans_last,
    glorot,
    same_upper,
    strided_and_dilated,
    valid,
)

NN_OPS = "tensorflow 2.21.0 tensorflow/python/ops/nn_ops.py"
NN_IMPL = "tensorflow 2.21.0 tensorflow/python/ops/nn_impl.py"
WORDS: Mapping[str, Word] = {"SAME": same_upper, "VALID": valid}
CROPS: Mapping[str, Word] = {"SAME": OfOutput(same_upper), "VALID": valid}
FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}
ANY = ("none", "int", "one", "axes", "full")
NAME = InertOption("name", inert=True)
CUDNN = InertOption("use_cudnn_on_gpu", True, inert=True)


def formats(w: str, ranks: tuple[int, ...] = (1, 2, 3), default: str | None = None) -> Choice:
    """The data_format words; None means channels last."""
    table: dict[str | None, Layout] = {None: Layout("n ... c", w, "n ... o", ranks)}
    for r in ranks:
        last, first = FORMATS[r]
        table |= {
            last: Layout("n ... c", w, "n ... o", (r,)),
            first: Layout("n c ...", w, "n o ...", (r,)),
        }
    return Choice("data_format", table, default)


def two_for_one(choice: Choice) -> Choice:
    """The same words, those of two spatial axes also meaning one (nn_ops.py:2068)."""
    last, first = FORMATS[2]
    ranks = (1, 2) if last in choice.table else (1,)
    known = {last: choice.table["NWC"], first: choice.table["NCW"]}
    also = {word: replace(layout, ranks=ranks) for word, layout in known.items()}
    return replace(choice, table={**choice.table, **also})


def words_only(default: object = REQUIRED, words: Mapping[str, Word] = WORDS) -> Pad:
    return Pad("padding", default, words)


def words_or_pairs(default: object = REQUIRED, words: Mapping[str, Word] = WORDS) -> Pad:
    return Pad("padding", default, words, LAYOUT_PAIRS)


def explicit_and_undilated(call: CallContext, padding: object) -> bool:
    return not isinstance(padding, str) and max(call.dilation) == 1


def explicit_and_not_two_axes(call: CallContext, padding: object) -> bool:
    return not isinstance(padding, str) and call.rank != 2


def list_misread_beside_batch_axes(call: CallContext, strides: object, dilations: object) -> bool:
    """Whether a list is read for other axes than it was meant for.

    With several batch axes and channels first, strides need an entry for each axis of a batch of
    one axis, and dilations must not have one.
    """
    if len(call.sizes.batch) < 2 or not call.layout.x.startswith("n c"):
        return False
    every_axis = call.rank + 2
    return (max(call.stride) > 1 and entries(strides) != every_axis) or (
        max(call.dilation) > 1 and entries(dilations) == every_axis
    )


CONV2D = Op(
    "tf.nn.conv2d",
    kind="conv",
    params="x:input w:filters strides padding data_format dilations name",
    layout=formats("... i o", (2,), "NHWC"),
    stride=PerAxis("strides", REQUIRED, accepts=ANY),
    dilation=PerAxis("dilations", None, accepts=ANY),
    pad=words_or_pairs(),
    batch=(1, 9),
    empty_output="kept unless negative",
    dtypes=(*FLOATS, "int32"),
    inert_options=(NAME,),
    source=f"{NN_OPS} conv2d_v2",
    notes=("Channel groups come from the ratio of the channels of x and w.",),
)
CONV1D = replace(
    CONV2D,
    name="tf.nn.conv1d",
    params="x:input w:filters stride padding data_format dilations name",
    layout=two_for_one(formats("... i o", (1,), "NWC")),
    stride=PerAxis("stride", REQUIRED, accepts=ANY),
    pad=words_only(),
    source=f"{NN_OPS} conv1d_v2",
)
CONV3D = replace(
    CONV2D,
    name="tf.nn.conv3d",
    layout=formats("... i o", (3,), "NDHWC"),
    stride=PerAxis("strides", REQUIRED, accepts=("full",)),
    dilation=PerAxis("dilations", None, accepts=("none", "full")),
    pad=words_only(),
    dtypes=FLOATS,
    source=f"{NN_OPS} conv3d_v2",
    notes=(
        *CONV2D.notes,
        "On a CPU, with oneDNN off, TF 2.21.0 starts the windows of SAME too late where a stride "
        "is at least kernel + 2; uniconv gives what it gives otherwise, and what its gradient is "
        "of.",
    ),
)
CONVOLUTION = replace(
    CONV2D,
    name="tf.nn.convolution",
    layout=two_for_one(formats("... i o")),
    stride=PerAxis("strides", None, accepts=ANY),
    pad=words_or_pairs("VALID"),
    integer_ranks=(1, 2),  # Conv3D has no int32 kernel (tensorflow/core/ops/nn_ops.cc)
    refusals=(
        Refusal(
            strided_and_dilated,
            ("strides", "dilations"),
            "strides > 1 are not supported together with dilations > 1; tf.nn.conv2d takes both",
            f"{NN_OPS} convolution_internal",
        ),
        Refusal(
            explicit_and_undilated,
            ("padding", "dilations"),
            'without dilations, padding must be "SAME" or "VALID"; tf.nn.conv2d takes a list',
            f"{NN_OPS} convolution_internal",
        ),
        Refusal(
            explicit_and_not_two_axes,
            ("padding",),
            'only two spatial axes take a list; give "SAME" or "VALID"',
            f"{NN_OPS} _WithSpaceToBatch",
        ),
        Refusal(
            list_misread_beside_batch_axes,
            ("strides", "dilations"),
            "with channels first and more than one batch axis TensorFlow puts the numbers on the "
            "wrong axes (it fails or returns wrong values); give strides for every axis of a batch "
            "of one axis, dilations for the spatial axes alone",
            f"{NN_OPS} _get_sequence",
        ),
    ),
    source=f"{NN_OPS} convolution_v2",
)
ATROUS = replace(
    CONVOLUTION,
    name="tf.nn.atrous_conv2d",
    params="x:value w:filters rate padding name",
    layout=Layout("n ... c", "... i o", "n ... o", (2,)),
    stride=None,
    dilation=PerAxis("rate", REQUIRED, accepts=("int", "one", "axes")),
    pad=words_or_pairs(),
    refusals=(replace(CONVOLUTION.refusals[1], options=("padding", "rate")),),
    source=f"{NN_OPS} atrous_conv2d",
)
TRANSPOSE2D = Op(
    "tf.nn.conv2d_transpose",
    kind="conv_transpose",
    params="x:input w:filters output_shape strides padding data_format dilations name",
    layout=formats("... m c", (2,), "NHWC"),
    stride=PerAxis("strides", REQUIRED, accepts=ANY),
    dilation=PerAxis("dilations", None, accepts=ANY),
    pad=Crop(words_or_pairs("SAME", CROPS), shape="output_shape", shape_forms=("full", "axes")),
    groups=BY_OUTPUT,
    dtypes=(*FLOATS, "int32"),
    inert_options=(NAME,),
    source=f"{NN_OPS} conv2d_transpose_v2",
    notes=(
        "It is the gradient of tf.nn.conv2d: padding is of the conv2d that reads output_shape.",
    ),
)
TRANSPOSE1D = replace(
    TRANSPOSE2D,
    name="tf.nn.conv1d_transpose",
    layout=formats("... m c", (1,), "NWC"),
    pad=Crop(words_only("SAME", CROPS), shape="output_shape"),
    source=f"{NN_OPS} conv1d_transpose",
)
TRANSPOSE3D = replace(
    TRANSPOSE2D,
    name="tf.nn.conv3d_transpose",
    layout=formats("... m c", (3,), "NDHWC"),
    pad=Crop(words_only("SAME", CROPS), shape="output_shape"),
    dtypes=FLOATS,
    source=f"{NN_OPS} conv3d_transpose_v2",
)
TRANSPOSE = replace(
    TRANSPOSE2D,
    name="tf.nn.conv_transpose",
    layout=formats("... m c"),
    pad=Crop(words_or_pairs("SAME", CROPS), shape="output_shape"),
    integer_ranks=(1, 2),
    refusals=(
        Refusal(
            explicit_and_not_two_axes,
            ("padding",),
            'only two spatial axes take a list; give "SAME" or "VALID"',
            f"{NN_OPS} conv_transpose",
        ),
    ),
    source=f"{NN_OPS} conv_transpose",
)
ATROUS_TRANSPOSE = replace(
    TRANSPOSE2D,
    name="tf.nn.atrous_conv2d_transpose",
    params="x:value w:filters output_shape rate padding name",
    layout=Layout("n ... c", "... m c", "n ... o", (2,)),
    stride=None,
    dilation=PerAxis("rate", REQUIRED, accepts=("int",)),
    pad=Crop(words_only(REQUIRED, CROPS), shape="output_shape"),
    groups=UNGROUPED,
    source=f"{NN_OPS} atrous_conv2d_transpose",
)
DEPTHWISE2D = Op(
    "tf.nn.depthwise_conv2d",
    kind="depthwise_conv",
    params="x:input w:filter strides padding data_format dilations name",
    layout=formats("... c m", (2,)),
    stride=PerAxis("strides", REQUIRED, accepts=("full",)),
    dilation=PerAxis("dilations", None, accepts=("none", "axes")),
    pad=words_or_pairs(),
    groups=DEPTHWISE,
    empty_output="kept unless negative",
    inert_options=(NAME,),
    refusals=(
        Refusal(
            strided_and_dilated,
            ("strides", "dilations"),
            "TensorFlow only warns and returns wrong values for strides and dilations both above 1 "
            "(https://github.com/tensorflow/tensorflow/issues/31514); use tf.nn.conv2d with groups",
            f"{NN_IMPL} depthwise_conv2d",
        ),
    ),
    source=f"{NN_IMPL} depthwise_conv2d_v2",
    notes=("Output channel k * M + q is input channel k under its multiplier q.",),
)
SEPARABLE2D = replace(
    DEPTHWISE2D,
    name="tf.nn.separable_conv2d",
    kind="separable_conv",
    params="x:input w:depthwise_filter p:pointwise_filter "
    "strides padding data_format dilations name",
    pointwise="... i o",
    source=f"{NN_IMPL} separable_conv2d_v2",
)
V1 = (
    replace(
        CONV2D,
        name="tf.compat.v1.nn.conv2d",
        params="x:input w:filter strides padding use_cudnn_on_gpu "
        "data_format dilations name w:filters",
        stride=PerAxis("strides", None, accepts=ANY),
        inert_options=(NAME, CUDNN),
        source=f"{NN_OPS} conv2d",
    ),
    replace(
        CONVOLUTION,
        name="tf.compat.v1.nn.convolution",
        params="x:input w:filter padding strides dilation_rate name "
        "data_format w:filters dilations",
        pad=words_or_pairs(),
        aliases={"dilation_rate": "dilations"},
        source=f"{NN_OPS} convolution",
    ),
    replace(
        TRANSPOSE2D,
        name="tf.compat.v1.nn.conv2d_transpose",
        params="x:value w:filter output_shape strides padding data_format name "
        "x:input w:filters dilations",
        stride=PerAxis("strides", None, accepts=ANY),
        source=f"{NN_OPS} conv2d_transpose",
    ),
    replace(
        DEPTHWISE2D,
        name="tf.compat.v1.nn.depthwise_conv2d",
        params="x:input w:filter strides padding rate name data_format dilations",
        aliases={"rate": "dilations"},
        source=f"{NN_IMPL} depthwise_conv2d",
    ),
)


IDIOM = Idiom(
    transpose="tf.transpose({x}, {axes})",
    reshape="tf.reshape({x}, {shape})",
    flip="tf.reverse({x}, {axes})",
    pad={
        "zeros": "tf.pad({x}, {pairs})",
        "constant": "tf.pad({x}, {pairs}, constant_values={fill})",
        "reflect": 'tf.pad({x}, {pairs}, "REFLECT")',
        "symmetric": 'tf.pad({x}, {pairs}, "SYMMETRIC")',
    },
    join="tf.concat([{parts}], {axis})",
    conj="tf.math.conj({x})",
    activations={
        "relu": "tf.nn.relu({x})",
        "clip": "tf.clip_by_value({x}, {0}, {1})",
        "leaky_relu": "tf.nn.leaky_relu({x}, {0})",
        "selu": "tf.nn.selu({x})",
        "sigmoid": "tf.sigmoid({x})",
        "log_sigmoid": "tf.math.log_sigmoid({x})",
        "hard_sigmoid": "tf.clip_by_value({0} * {x} + {1}, 0.0, 1.0)",
        "tanh": "tf.tanh({x})",
        "softplus": "tf.nn.softplus({x})",
        "softsign": "tf.nn.softsign({x})",
        "silu": "tf.nn.silu({x})",
        "gelu": "tf.nn.gelu({x})",
        "gelu_tanh": "tf.nn.gelu({x}, approximate=True)",
        "exp": "tf.exp({x})",
    },
)
SPELLING = Spelling(
    "import tensorflow as tf", array="tf.constant({})", result="{}.numpy()", idiom=IDIOM
)

TF = Framework(
    "tf",
    title="TF",
    version="2.21.0",
    functions=(
        *(CONV1D, CONV2D, CONV3D, CONVOLUTION, TRANSPOSE1D, TRANSPOSE2D, TRANSPOSE3D, TRANSPOSE),
        *(DEPTHWISE2D, SEPARABLE2D, ATROUS, ATROUS_TRANSPOSE, *V1),
    ),
    main={
        "conv": {1: CONV1D.name, 2: CONV2D.name, 3: CONV3D.name},
        "conv_transpose": {1: TRANSPOSE1D.name, 2: TRANSPOSE2D.name, 3: TRANSPOSE3D.name},
        "depthwise_conv": {2: DEPTHWISE2D.name},
        "separable_conv": {2: SEPARABLE2D.name},
    },
    aliases=("tensorflow",),
    layers_of="keras",
    dense="f u",  # tensorflow/python/keras/layers/core.py Dense
    # the default of tf.compat.v1.get_variable: tensorflow/python/ops/variable_scope.py
    initial=glorot(fans_last),
    spelling=SPELLING,
)

"""Keras 3: keras.ops and keras.layers; channels last unless data_format; its TensorFlow backend.

Proved against Keras 3.15.1 on TensorFlow 2.21.0.
"""

from dataclasses import replace
from typing import Any

from uniconv.spec import (
    CELU,
    DEPTHWISE,
    ELU,
    EXP,
    FLOATS,
    FUNCTION_OF_X,
    GELU,
    HARD_SIGMOID,
    HARD_SWISH,
    INTEGERS,
    LOG_SIGMOID,
    MISH,
    RELU,
    RELU6,
    RELU_N1_TO_1,
    SELU,
    SIGMOID,
    SILU,
    SOFTPLUS,
    SOFTSIGN,
    TANH,
    UNGROUPED,
    ActivationWord,
    Axis,
    CallContext,
    Choice,
    Constructor,
    Count,
    Crop,
    Framework,
    Idiom,
    LayerIdiom,
    Layout,
    Op,
    Pad,
    Pair,
    PerAxis,
    Refusal,
    Spelling,
    WrittenCall,
    causal,
    fans_last,
    glorot,
    leaky,
    output_padding_reaches_stride,
    restated,
    same_upper,
    strided_and_dilated,
    transposed_same_upper,
    unchecked,
    valid,
)

OPS = "keras 3.15.1 keras/src/backend/tensorflow/nn.py"
LAYERS = "keras 3.15.1 keras/src/layers/convolutional"


def transposed_valid(axis: Axis) -> Pair:
    """Nothing; output_padding=None fills up with zeros after a kernel shorter than the stride."""
    if axis.output_padding is None:
        return 0, min(axis.extent - axis.stride, 0)
    return 0, -axis.output_padding


WORDS = {"valid": valid, "same": same_upper}
CROPS = {"valid": transposed_valid, "same": transposed_same_upper}
STRIDES, DILATION = PerAxis("strides"), PerAxis("dilation_rate")
EXTRA = PerAxis("output_padding", None, least=0, accepts=("none", "int", "axes"), absent=None)


def formats(w: str, ranks: tuple[int, ...] = (1, 2, 3)) -> Choice:
    """None is the configured format, channels last unless somebody changed it."""
    last, first = Layout("n ... c", w, "n ... o", ranks), Layout("n c ...", w, "n o ...", ranks)
    table = {None: last, "channels_last": last, "channels_first": first}
    return Choice("data_format", table, None)


def refused(why: str, source: str) -> tuple[Refusal, ...]:
    return (Refusal(strided_and_dilated, ("strides", "dilation_rate"), why, source),)


def made_of_another_input(call: CallContext, padding: str) -> bool:
    """Whether the convolution that a call by a word transposes makes other sizes of its output."""
    sizes = []
    for axis, (lo, hi) in zip(call.axes, call.pad):
        out, s = axis.whole - lo - hi, axis.stride
        same = padding.lower() == "same"
        sizes.append((out + s - 1) // s if same else (out - axis.extent) // s + 1)
    return tuple(sizes) != call.sizes.size


CONV = Op(
    "keras.ops.conv",
    kind="conv",
    params="x:inputs w:kernel strides padding data_format dilation_rate",
    layout=formats("... i o"),
    stride=STRIDES,
    dilation=DILATION,
    pad=Pad("padding", "valid", WORDS, any_case=True),
    empty_output="refused",
    dtypes=(*FLOATS, *INTEGERS),
    refusals=refused("strides > 1 and dilation_rate > 1 are not supported together", f"{OPS} conv"),
    source=f"{OPS} conv",
    notes=(
        "Channel groups come from the ratio of the channels of inputs and kernel.",
        "Integers wrap around, as on the JAX backend; TensorFlow's takes int32 alone, in conv and "
        "conv_transpose.",
    ),
)
CONV_TRANSPOSE = Op(
    "keras.ops.conv_transpose",
    kind="conv_transpose",
    params="x:inputs w:kernel strides padding output_padding data_format dilation_rate",
    layout=formats("... m c"),
    stride=STRIDES,
    dilation=DILATION,
    pad=Crop(Pad("padding", "valid", CROPS, any_case=True), output_padding=EXTRA),
    groups=UNGROUPED,
    empty_output="refused",
    refusals=(
        Refusal(
            made_of_another_input,
            ("output_padding", "strides"),
            "no convolution with these options makes the inputs' sizes of that output; "
            "output_padding must be smaller than strides",
            f"{OPS} conv_transpose",
        ),
    ),
    dtypes=CONV.dtypes,
    source=f"{OPS} conv_transpose",
    notes=("output_padding=None and output_padding=0 differ: None fills up to a whole stride.",),
)
DEPTHWISE_CONV = replace(
    CONV,
    name="keras.ops.depthwise_conv",
    kind="depthwise_conv",
    layout=formats("... c m", (1, 2)),
    groups=DEPTHWISE,
    empty_output="kept unless negative",
    refusals=(),
    source=f"{OPS} depthwise_conv",
    notes=("Output channel k * M + q is input channel k under its multiplier q.",),
)
SEPARABLE_CONV = replace(
    DEPTHWISE_CONV,
    name="keras.ops.separable_conv",
    kind="separable_conv",
    params="x:inputs w:depthwise_kernel p:pointwise_kernel "
    "strides padding data_format dilation_rate",
    pointwise="... i o",
    source=f"{OPS} separable_conv",
)

# What fills, trains, names or regularizes an array changes none of its numbers in a call.
AROUND = unchecked(
    *(
        f"{array}_{what}"
        for array in ("kernel", "bias", "depthwise", "pointwise")
        for what in ("initializer", "regularizer", "constraint")
    ),
    *("activity_regularizer", "name", "trainable", "autocast", "input_dtype"),
)
WORDS_OF_ALL = AROUND | restated(
    kernel_size="kernel",
    use_bias="bias",
    rank="rank",
    dtype="dtype",
    input_shape="x shape without n",
    batch_input_shape="x shape",
)
FILTERS, MULTIPLIER = restated(filters="o"), restated(depth_multiplier="m")
LAYER: dict[str, Any] = {
    "constructor_words": WORDS_OF_ALL | FILTERS,
    # keras/src/activations/activations.py; those with an argument of their own at its default.
    "activation": ActivationWord(
        "activation",
        {
            None: None,
            "linear": None,
            "relu": RELU,
            "relu6": RELU6,
            "leaky_relu": leaky(0.2),
            "elu": ELU,
            "selu": SELU,
            "celu": CELU,
            "gelu": GELU,
            "silu": SILU,
            "swish": SILU,
            "mish": MISH,
            "sigmoid": SIGMOID,
            "log_sigmoid": LOG_SIGMOID,
            "hard_sigmoid": HARD_SIGMOID,
            "hard_silu": HARD_SWISH,
            "hard_swish": HARD_SWISH,
            "hard_tanh": RELU_N1_TO_1,
            "tanh": TANH,
            "softplus": SOFTPLUS,
            "softsign": SOFTSIGN,
            "exponential": EXP,
        },
        None,
        packages=("keras", "tensorflow"),
    ),
    "empty_output": "refused",
    "dtypes": FLOATS,
}
TOGETHER = "`strides > 1` not supported in conjunction with `dilation_rate > 1`"
EXTRA_BELOW = Refusal(
    output_padding_reaches_stride,
    ("output_padding", "strides"),
    "`output_padding` must be strictly less than `strides` for all dimensions",
    f"{LAYERS}/base_conv_transpose.py",
)


def layer(op: Op, name: str, rank: int, options: str, file: str, **changes: Any) -> Op:
    """A layer: the function with its constructor's words, for so many spatial axes."""
    first, *rest = op.params.split(" strides")
    table = {word: replace(at, ranks=(rank,)) for word, at in op.layout.table.items()}
    words: dict[str, Any] = {
        "name": f"keras.layers.{name.format(r=rank)}",
        "params": f"{first} bias:bias strides{' strides'.join(rest)} {options}",
        "layout": Choice(op.layout.option, table, op.layout.default),
        "source": f"{LAYERS}/{file}.py",
    }
    return replace(op, **(LAYER | words | changes))


def strided_or_dilated(file: str) -> tuple[Refusal, ...]:
    return refused(TOGETHER, f"{LAYERS}/{file}.py")


CAUSAL = Pad("padding", "valid", {**WORDS, "causal": causal}, any_case=True)
CONVS = [
    layer(
        CONV,
        "Conv{r}D",
        r,
        "groups activation",
        "base_conv",
        groups=Count("groups"),
        pad=CAUSAL if r == 1 else CONV.pad,
        refusals=strided_or_dilated("base_conv"),
        notes=(),
    )
    for r in (1, 2, 3)
]
TRANSPOSES = [
    layer(
        CONV_TRANSPOSE,
        "Conv{r}DTranspose",
        r,
        "activation",
        "base_conv_transpose",
        refusals=(
            *strided_or_dilated("base_conv_transpose"),
            EXTRA_BELOW,
            *CONV_TRANSPOSE.refusals,
        ),
    )
    for r in (1, 2, 3)
]
DEPTHWISES = [
    layer(
        DEPTHWISE_CONV,
        "DepthwiseConv{r}D",
        r,
        "activation",
        "base_depthwise_conv",
        constructor_words=WORDS_OF_ALL | MULTIPLIER,
    )
    for r in (1, 2)
]
SEPARABLES = [
    layer(
        SEPARABLE_CONV,
        "SeparableConv{r}D",
        r,
        "activation",
        "base_separable_conv",
        pointwise_groups=False,
        constructor_words=WORDS_OF_ALL | FILTERS | MULTIPLIER,
    )
    for r in (1, 2)
]

CONSTRUCTORS = {  # keras.layers, each class's own order
    "conv": "out:filters size:kernel_size strides padding data_format dilation_rate groups "
    "activation bias:use_bias",
    "conv_transpose": "out:filters size:kernel_size strides padding output_padding data_format "
    "dilation_rate activation bias:use_bias",
    # Conv3DTranspose alone has data_format first (conv3d_transpose.py).
    "Conv3DTranspose": "out:filters size:kernel_size strides padding data_format output_padding "
    "dilation_rate activation bias:use_bias",
    "depthwise_conv": "size:kernel_size strides padding multiplier:depth_multiplier data_format "
    "dilation_rate activation bias:use_bias",
    "separable_conv": "out:filters size:kernel_size strides padding data_format dilation_rate "
    "multiplier:depth_multiplier activation bias:use_bias",
}


def lines(call: WrittenCall) -> list[str] | None:
    """A layer is built for x, and gets its kernels then."""
    if ".layers." not in call.function.name:
        return None
    w, rank = call.w, len(call.w) - 2
    own: dict[str, Any] = {"kernel_size": w[:rank], "use_bias": call.bias}
    if call.function.kind == "depthwise_conv":
        own["depth_multiplier"] = w[-1]
    elif call.p is not None:
        own |= {"depth_multiplier": w[-1], "filters": call.p[-1]}
    else:
        own["filters"] = w[-2] if call.function.kind == "conv_transpose" else w[-1]
    weights = ["w"] if call.p is None else ["w", "p"]
    weights += ["bias"] if call.bias else []
    return [
        f"layer = {call.function.name}({', '.join(call.words(**own))})",
        "layer.build(x.shape)",
        f"layer.set_weights([{', '.join(weights)}])",
        "y = layer(x)" if call.own_arrays else "y = keras.ops.convert_to_numpy(layer(x))",
    ]


IDIOM = Idiom(
    transpose="keras.ops.transpose({x}, {axes})",
    reshape="keras.ops.reshape({x}, {shape})",
    flip="keras.ops.flip({x}, {axes})",
    pad={
        "zeros": "keras.ops.pad({x}, {pairs})",
        "constant": "keras.ops.pad({x}, {pairs}, constant_values={fill})",
        "reflect": 'keras.ops.pad({x}, {pairs}, mode="reflect")',
        "symmetric": 'keras.ops.pad({x}, {pairs}, mode="symmetric")',
    },
    join="keras.ops.concatenate([{parts}], {axis})",
    conj="keras.ops.conj({x})",
    activations={
        "relu": "keras.ops.relu({x})",
        "clip": "keras.ops.clip({x}, {0}, {1})",
        "leaky_relu": "keras.ops.leaky_relu({x}, {0})",
        "elu": "keras.ops.elu({x}, {0})",
        "celu": "keras.ops.celu({x}, {0})",
        "selu": "keras.ops.selu({x})",
        "sigmoid": "keras.ops.sigmoid({x})",
        "log_sigmoid": "keras.ops.log_sigmoid({x})",
        "hard_sigmoid": "keras.ops.clip({0} * {x} + {1}, 0, 1)",
        "tanh": "keras.ops.tanh({x})",
        "softplus": "keras.ops.softplus({x})",
        "softsign": "keras.ops.softsign({x})",
        "silu": "keras.ops.silu({x})",
        "mish": "keras.activations.mish({x})",
        "gelu": "keras.ops.gelu({x}, approximate=False)",
        "gelu_tanh": "keras.ops.gelu({x}, approximate=True)",
        "exp": "keras.ops.exp({x})",
    },
    layers=LayerIdiom(
        weights={
            names: f"layer.build(x.shape)\nlayer.set_weights([{', '.join(names.split())}])"
            for names in ("w", "w bias", "w p", "w p bias")
        },
        row="keras.Sequential([{parts}])",
        border=FUNCTION_OF_X,
        bordered="keras.layers.Lambda({name})",
        entry="layer.layers[{i}]",
        pad={"zeros": "keras.layers.ZeroPadding{rank}D({pairs})"},
        cut="keras.layers.Cropping{rank}D({pairs})",
        activations={"leaky_relu": "keras.layers.LeakyReLU({0})", "elu": "keras.layers.ELU({0})"},
    ),
)
SPELLING = Spelling(
    "import keras", result="keras.ops.convert_to_numpy({})", lines=lines, idiom=IDIOM
)

KERAS = Framework(
    "keras",
    title="Keras",
    version="3.15.1",
    functions=(
        *(CONV, CONV_TRANSPOSE, DEPTHWISE_CONV, SEPARABLE_CONV),
        *(*CONVS, *TRANSPOSES, *DEPTHWISES, *SEPARABLES),
    ),
    layers=tuple(
        Constructor(op.name, op.name, CONSTRUCTORS[kind], op.source)
        for op in (*CONVS, *TRANSPOSES, *DEPTHWISES, *SEPARABLES)
        for kind in ("Conv3DTranspose" if op is TRANSPOSES[2] else op.kind,)
    ),
    main={
        "conv": dict.fromkeys((1, 2, 3), CONV.name),
        "conv_transpose": dict.fromkeys((1, 2, 3), CONV_TRANSPOSE.name),
        "depthwise_conv": dict.fromkeys((1, 2), DEPTHWISE_CONV.name),
        "separable_conv": dict.fromkeys((1, 2), SEPARABLE_CONV.name),
    },
    dense="f u",  # keras/src/layers/core/dense.py
    initial=glorot(fans_last),  # keras/src/layers/convolutional/base_conv.py
    spelling=SPELLING,
)

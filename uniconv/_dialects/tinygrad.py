"""tinygrad: Tensor.conv2d and conv_transpose2d, of any number of axes.

Proved against tinygrad 0.14.0.
"""

from math import prod, sqrt

from uniconv.spec import (
    EVERY_RANK,
    CallContext,
    Constructor,
    Count,
    Crop,
    Form,
    Framework,
    Idiom,
    InertOption,
    Initial,
    LayerIdiom,
    Layout,
    Op,
    Pad,
    PerAxis,
    Refusal,
    Shape,
    Spelling,
    WrittenCall,
    alike,
    last_first,
    one_of,
    read_interleaved,
)

SOURCE = "tinygrad 0.14.0 tinygrad/mixin/op.py"
LAST_FIRST = Form(
    "a list of before and after of each spatial axis, the last axis first, negative to crop",
    lambda value, pattern, rank: last_first(read_interleaved(value, pattern, rank)),
    lambda pairs, pattern: [p for pair in reversed(pairs) for p in pair],
)


PADS = one_of(alike(None), LAST_FIRST)


def spread_input_cropped_before_padding(call: CallContext) -> bool:
    """Whether negative padding takes more off the spread input than there is."""
    return any(
        (axis.size - 1) * axis.stride + 1 + sum(min(axis.extent - 1 - c, 0) for c in crop) < 0
        for axis, crop in zip(call.axes, call.pad)
    )


# Products of two of them are of the wider one's few bits, and only their sum is wider.
SHORT = ("bool", "int8", "uint8", "int16")
CONV = Op(
    "tinygrad.Tensor.conv2d",
    kind="conv",
    params="x:self w:weight bias:bias groups stride dilation padding dtype",
    layout=Layout("n c ...", "o i ...", "n o ...", EVERY_RANK[1:]),
    stride=PerAxis("stride"),
    dilation=PerAxis("dilation"),
    pad=Pad("padding", 0, form=PADS),
    groups=Count("groups"),
    empty_output="refused",
    dtypes=("float16", "float32", "float64", "int32", "int64"),
    converted={"x": SHORT, "w": SHORT, "bias": SHORT},
    mixed_dtypes=True,  # tinygrad/dtype.py least_upper_dtype
    inert_options=(InertOption("dtype", None, "convert the arrays instead"),),
    source=f"{SOURCE} conv2d",
    notes=("2n paddings start at the last axis, n paddings at the first.",),
)
TRANSPOSE = Op(
    "tinygrad.Tensor.conv_transpose2d",
    kind="conv_transpose",
    params="x:self w:weight bias:bias groups stride dilation padding output_padding",
    layout=Layout("n c ...", "c m ...", "n o ...", EVERY_RANK[1:]),
    stride=PerAxis("stride"),
    dilation=PerAxis("dilation"),
    pad=Crop(Pad("padding", 0, form=PADS), output_padding=PerAxis("output_padding", 0, least=0)),
    groups=Count("groups"),
    empty_output="refused",
    dtypes=CONV.dtypes,
    converted=CONV.converted,
    mixed_dtypes=True,
    refusals=(
        Refusal(
            spread_input_cropped_before_padding,
            ("padding",),
            "the padding crops more of the spread input than there is",
            f"{SOURCE} conv_transpose2d",
        ),
    ),
    source=f"{SOURCE} conv_transpose2d",
    notes=CONV.notes,
)


def size(shape: Shape, groups: int) -> float:
    return 1 / sqrt(shape[1] * groups * prod(shape[2:]))


def transposed_size(shape: Shape, groups: int) -> float:
    return 1 / sqrt(shape[0] * prod(shape[2:]))


# tinygrad/nn/__init__.py
INITIAL = Initial(
    "uniform", size, bias=True, transposed=Initial("uniform", transposed_size, bias=True)
)

LAYERS_SOURCE = "tinygrad 0.14.0 tinygrad/nn/__init__.py"
SIZES = "in:in_channels out:out_channels size:kernel_size stride padding"
LAYERS = {
    "Conv": (CONV.name, f"{SIZES} dilation groups bias:bias"),
    "ConvTranspose": (
        TRANSPOSE.name,
        f"{SIZES} output_padding dilation groups bias:bias",
    ),
}


def lines(call: WrittenCall) -> list[str]:
    bias = ["bias=bias"] if call.bias else []
    if call.own_arrays:
        return [f"y = x.{call.short}({', '.join(['w', *bias, *call.words()])})"]
    return [f"y = Tensor(x).{call.short}({', '.join(['Tensor(w)', *call.words()])}).numpy()"]


IDIOM = Idiom(
    transpose="{x}.permute({axes})",
    reshape="{x}.reshape({shape})",
    flip="{x}.flip({axes})",
    pad={
        "zeros": "{x}.pad({pairs})",
        "constant": "{x}.pad({pairs}, value={fill})",
    },
    join="Tensor.cat({parts}, dim={axis})",
    activations={
        "relu": "{x}.relu()",
        "clip": "{x}.clip({0}, {1})",
        "leaky_relu": "{x}.leaky_relu({0})",
        "elu": "{x}.elu({0})",
        "celu": "{x}.celu({0})",
        "selu": "{x}.selu()",
        "sigmoid": "{x}.sigmoid()",
        "log_sigmoid": "{x}.logsigmoid()",
        "tanh": "{x}.tanh()",
        "softplus": "{x}.softplus()",
        "softsign": "{x}.softsign()",
        "silu": "{x}.silu()",
        "mish": "{x}.mish()",
        "gelu_tanh": "{x}.gelu()",
        "exp": "{x}.exp()",
    },
    layers=LayerIdiom(
        "import tinygrad.nn",
        weights={"w": "layer.weight = w", "w bias": "layer.weight = w\nlayer.bias = bias"},
    ),
    array="Tensor({})",
    result="{}.numpy()",
)
SPELLING = Spelling("from tinygrad import Tensor", lines=lines, idiom=IDIOM)

TINYGRAD = Framework(
    "tinygrad",
    title="tinygrad",
    version="0.14.0",
    functions=(CONV, TRANSPOSE),
    layers=tuple(
        Constructor(f"tinygrad.nn.{name}{r}d", function, params, LAYERS_SOURCE, r)
        for name, (function, params) in LAYERS.items()
        for r in (1, 2)
    ),
    main={
        "conv": dict.fromkeys(EVERY_RANK[1:], CONV.name),
        "conv_transpose": dict.fromkeys(EVERY_RANK[1:], TRANSPOSE.name),
    },
    dense="u f",  # tinygrad/nn/__init__.py Linear
    initial=INITIAL,
    cases=160,
    spelling=SPELLING,
)

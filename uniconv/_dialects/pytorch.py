"""PyTorch: torch.nn.functional.conv* and the torch.nn convolution modules, called as functions.

Proved against torch 2.13.0; refusals from its messages (aten/src/ATen/native/Convolution.cpp).
"""

from dataclasses import replace

from uniconv.spec import (
    COMPLEX,
    FLOATS,
    INTEGERS,
    SYMMETRIC,
    CallContext,
    Choice,
    Constructor,
    Count,
    Crop,
    Framework,
    Idiom,
    InertOption,
    LayerIdiom,
    Layout,
    Op,
    Pad,
    PerAxis,
    Refusal,
    Spelling,
    WrittenCall,
    entries,
    reflection_past_the_edge,
    restated,
    same_total,
    unchecked,
    valid,
)

RANKS = (1, 2, 3)
NATIVE = "pytorch 2.13.0 aten/src/ATen/native/Convolution.cpp"
MODULES = "pytorch 2.13.0 torch/nn/modules/conv.py"

ONE_OR_EACH = ("int", "one", "axes")
STRIDE, DILATION = PerAxis("stride", accepts=ONE_OR_EACH), PerAxis("dilation", accepts=ONE_OR_EACH)


def same_and_strided(call: CallContext, padding: object) -> bool:
    return isinstance(padding, str) and padding == "same" and max(call.stride) > 1


def output_padding_reaches_stride_and_dilation(call: CallContext) -> bool:
    return any(
        (n or 0) >= max(s, d) for n, s, d in zip(call.output_padding, call.stride, call.dilation)
    )


def one_entry_for_several_axes(call: CallContext, padding: object, dilation: object) -> bool:
    """Whether a list of one pads with a border, or spreads the kernel that "same" pads for."""
    if call.boundary == "zeros" or call.rank == 1:
        return False
    same = isinstance(padding, str) and padding == "same"
    return entries(padding) == 1 or (same and entries(dilation) == 1)


def wrapped_more_than_once(call: CallContext) -> bool:
    return call.boundary == "circular" and any(
        max(p) > n for p, n in zip(call.pad, call.sizes.size)
    )


CONV = Op(
    "torch.nn.functional.conv{r}d",
    kind="conv",
    params="x:input w:weight bias:bias stride padding dilation groups",
    layout=Layout("n c ...", "o i ...", "n o ..."),
    stride=STRIDE,
    dilation=DILATION,
    pad=Pad("padding", 0, words={"valid": valid, "same": same_total}, form=SYMMETRIC),
    groups=Count("groups"),
    batch=(0, 1),
    empty_output="refused",
    dtypes=(*FLOATS, *INTEGERS, *COMPLEX),
    refusals=(
        Refusal(
            same_and_strided,
            ("padding", "stride"),
            "a strided convolution cannot keep the size; give the padding as numbers",
            NATIVE,
        ),
    ),
    source=NATIVE,
)

CROP = Crop(
    Pad("padding", 0, form=SYMMETRIC),
    output_padding=PerAxis("output_padding", 0, least=0, accepts=ONE_OR_EACH),
)
CONV_TRANSPOSE = Op(
    "torch.nn.functional.conv_transpose{r}d",
    kind="conv_transpose",
    params="x:input w:weight bias:bias stride padding output_padding groups dilation",
    layout=Layout("n c ...", "c m ...", "n o ..."),
    stride=STRIDE,
    dilation=DILATION,
    pad=CROP,
    groups=Count("groups"),
    batch=(0, 1),
    empty_output="refused",
    dtypes=CONV.dtypes,
    refusals=(
        Refusal(
            output_padding_reaches_stride_and_dilation,
            ("output_padding", "stride", "dilation"),
            "output_padding must be smaller than stride or dilation on every axis",
            NATIVE,
        ),
    ),
    source=NATIVE,
)

CONSTRUCTOR = restated(
    in_channels="c", out_channels="o", kernel_size="kernel", dtype="dtype"
) | unchecked("device")

MODULE = replace(
    CONV,
    name="torch.nn.Conv{r}d",
    params=CONV.params + " padding_mode",
    boundary=Choice(
        "padding_mode", {m: m for m in ("zeros", "reflect", "replicate", "circular")}, "zeros"
    ),
    refusals=(
        *CONV.refusals,
        Refusal(
            one_entry_for_several_axes,
            ("padding", "dilation", "padding_mode"),
            "with a padding_mode other than 'zeros' PyTorch applies a list of one to one axis only "
            "and returns wrong values; give an integer, or one per axis",
            f"{MODULES} _ConvNd",
        ),
        Refusal(
            reflection_past_the_edge,
            ("padding", "padding_mode"),
            "a reflection must be smaller than the input on every axis",
            "pytorch 2.13.0 aten/src/ATen/native/ReflectionPad.cpp",
        ),
        Refusal(
            wrapped_more_than_once,
            ("padding", "padding_mode"),
            "circular padding may wrap around at most once",
            "pytorch 2.13.0 aten/src/ATen/native/PadNd.cpp",
        ),
    ),
    constructor_words=CONSTRUCTOR,
    source=MODULES,
)


def output_padding_is_too_large(call: CallContext) -> bool:
    # Beside output_size the constructor's output_padding is not looked at.
    return not call.output_size and output_padding_reaches_stride_and_dilation(call)


def one_entry_beside_output_size(
    call: CallContext, stride: object, padding: object, dilation: object
) -> bool:
    lists = (entries(stride), entries(padding), entries(dilation))
    return bool(call.output_size) and call.rank > 1 and 1 in lists


MODULE_TRANSPOSE = replace(
    CONV_TRANSPOSE,
    name="torch.nn.ConvTranspose{r}d",
    params="x:input w:weight bias:bias stride padding output_padding groups dilation padding_mode "
    "output_size",
    # pytorch 2.13.0 torch/nn/modules/conv.py _ConvTransposeNd._output_padding
    pad=replace(
        CROP,
        shape="output_size",
        shape_forms=("axes", "full"),
        shape_default=None,
        idle=True,
    ),
    refusals=(
        replace(CONV_TRANSPOSE.refusals[0], when=output_padding_is_too_large),
        Refusal(
            one_entry_beside_output_size,
            ("output_size", "stride", "padding", "dilation"),
            "beside output_size each is an integer, or has an entry for every axis",
            f"{MODULES} _ConvTransposeNd._output_padding",
        ),
    ),
    inert_options=(InertOption("padding_mode", "zeros", 'ConvTranspose knows only "zeros"'),),
    constructor_words=CONSTRUCTOR,
    source=MODULES,
)

SIZES = "in:in_channels out:out_channels size:kernel_size stride padding"
LAYERS = {
    MODULE.name: f"{SIZES} dilation groups bias:bias padding_mode device dtype",
    MODULE_TRANSPOSE.name: f"{SIZES} output_padding groups bias:bias dilation padding_mode "
    "device dtype",
}


def lines(call: WrittenCall) -> list[str] | None:
    if ".functional." in call.function.name:
        return None
    w, groups = call.w, call.options.get("groups", 1)
    transposed = call.function.kind == "conv_transpose"
    c, o = (w[0], w[1] * groups) if transposed else (w[1] * groups, w[0])
    # output_size is no word of the constructor.
    own = [word for word in call.words() if not word.startswith("output_size=")]
    of_the_call = [word for word in call.words() if word not in own]
    words = [f"{c}", f"{o}", f"{w[2:]}", f"bias={call.bias}", *own]
    x = ", ".join(["x" if call.own_arrays else "torch.tensor(x)", *of_the_call])
    bias = ["layer.bias.data = bias"] if call.bias else []
    return [
        f"layer = {call.function.name}({', '.join(words)})",
        f"layer.weight.data = {'w' if call.own_arrays else 'torch.tensor(w)'}",
        *bias,
        f"y = layer({x})" if call.own_arrays else f"y = layer({x}).detach().numpy()",
    ]


LAYER_IDIOM = LayerIdiom(
    weights={
        "w": "layer.weight.data = w",
        "w bias": "layer.weight.data = w\nlayer.bias.data = bias",
    },
    row="torch.nn.Sequential({parts})",
    border="class {name}(torch.nn.Module):\n"
    "    def forward(self, x):\n        {lines}\n        return x",
    bordered="{name}()",
    entry="layer[{i}]",
    pad={
        "zeros": "torch.nn.ZeroPad{rank}d(({flat}))",
        "constant": "torch.nn.ConstantPad{rank}d(({flat}), {fill})",
        "reflect": "torch.nn.ReflectionPad{rank}d(({flat}))",
        "replicate": "torch.nn.ReplicationPad{rank}d(({flat}))",
        "circular": "torch.nn.CircularPad{rank}d(({flat}))",
    },
    activations={
        "relu": "torch.nn.ReLU()",
        "clip": "torch.nn.Hardtanh({0}, {1})",
        "leaky_relu": "torch.nn.LeakyReLU({0})",
        "elu": "torch.nn.ELU({0})",
        "celu": "torch.nn.CELU({0})",
        "selu": "torch.nn.SELU()",
        "sigmoid": "torch.nn.Sigmoid()",
        "log_sigmoid": "torch.nn.LogSigmoid()",
        "tanh": "torch.nn.Tanh()",
        "softplus": "torch.nn.Softplus()",
        "softsign": "torch.nn.Softsign()",
        "silu": "torch.nn.SiLU()",
        "mish": "torch.nn.Mish()",
        "gelu": "torch.nn.GELU()",
        "gelu_tanh": 'torch.nn.GELU("tanh")',
    },
    cut="torch.nn.ZeroPad{rank}d(({flat}))",
    known=r"torch\.nn\.Conv(\w+)\(\d+, ",
    lazy=r"torch.nn.LazyConv\1(",
)
SPELLING = Spelling(
    "import torch",
    array="torch.tensor({})",
    result="{}.numpy()",
    lines=lines,
    idiom=Idiom(
        "from torch.nn import functional as F",
        of_torch=True,
        short={"torch.nn.functional.": "F."},
        layers=LAYER_IDIOM,
    ),
)

PYTORCH = Framework(
    "pytorch",
    title="PyTorch",
    version="2.13.0",
    functions=tuple(
        replace(op, name=op.name.format(r=r), layout=Layout("n c ...", w, "n o ...", (r,)))
        for w, ops in {
            "o i ...": (CONV, MODULE),
            "c m ...": (CONV_TRANSPOSE, MODULE_TRANSPOSE),
        }.items()
        for op in ops
        for r in RANKS
    ),
    layers=tuple(
        Constructor(name.format(r=r), name.format(r=r), params, MODULES)
        for name, params in LAYERS.items()
        for r in RANKS
    ),
    main={
        "conv": {r: CONV.name.format(r=r) for r in RANKS},
        "conv_transpose": {r: CONV_TRANSPOSE.name.format(r=r) for r in RANKS},
    },
    aliases=("torch",),
    prefixes={"F.": "torch.nn.functional.", "nn.": "torch.nn."},
    dense="u f",  # torch/nn/modules/linear.py
    cases=140,
    spelling=SPELLING,
)

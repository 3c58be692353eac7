"""PaddlePaddle: paddle.nn.functional and paddle.nn; channels first unless data_format.

Proved against Paddle 3.3.1 on the CPU.
"""

from dataclasses import replace
from math import sqrt
from typing import Any

from uniconv.spec import (
    FLOATS,
    INTERLEAVED,
    LAYOUT_PAIRS,
    Axis,
    CallContext,
    Choice,
    Constructor,
    Count,
    Crop,
    Framework,
    Idiom,
    InertOption,
    Initial,
    LayerIdiom,
    Layout,
    Op,
    Pad,
    Pair,
    PerAxis,
    Refusal,
    Shape,
    Spelling,
    WrittenCall,
    alike,
    fans_first,
    glorot,
    non_negative,
    nothing_cropped,
    one_of,
    output_padding_reaches_stride,
    reflection_past_the_edge,
    restated,
    same_upper,
    unchecked,
    valid,
)

SOURCE = "paddle 3.3.1 python/paddle/nn/functional/conv.py"
LAYERS = "paddle 3.3.1 python/paddle/nn/layer/conv.py"
UPDATE = "paddle 3.3.1 paddle/phi/kernels/cpu/conv_util.h UpdatePaddingAndDilation"


def transposed_same(axis: Axis) -> Pair:
    """What SAME pads before a convolution of the same x, whatever the dilation (Paddle)."""
    lo, hi = same_upper(axis)
    return lo, hi - (axis.output_padding or 0)


FORMATS = {1: ("NCL", "NLC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
FORM = one_of(alike(), non_negative(INTERLEAVED), LAYOUT_PAIRS)
BORDERS = ("zeros", "reflect", "replicate", "circular")


def same_and_dilated(call: CallContext, padding: object) -> bool:
    return isinstance(padding, str) and padding.upper() == "SAME" and max(call.dilation) > 1


def two_ends(call: CallContext, output_padding: object) -> bool:
    return bool(call.output_size) and output_padding != 0


def border_and_no_integer(call: CallContext, padding: object) -> bool:
    return call.boundary != "zeros" and not isinstance(padding, int)


SAME_IGNORES = Refusal(
    same_and_dilated,
    ("padding", "dilation"),
    'Paddle ignores dilation with padding="SAME" (it computes with dilation 1); so does uniconv. '
    "Give the padding in numbers",
    UPDATE,
)


def formats(w: str, rank: int) -> Choice:
    first, last = FORMATS[rank]
    table = {
        first: Layout("n c ...", w, "n o ...", (rank,)),
        last: Layout("n ... c", w, "n ... o", (rank,)),
    }
    return Choice("data_format", table, first)


def pad(**words: Any) -> Pad:
    return Pad("padding", 0, words, FORM, any_case=True, undilated=("SAME",))


def conv(rank: int) -> Op:
    return Op(
        f"paddle.nn.functional.conv{rank}d",
        kind="conv",
        params="x:x w:weight bias:bias stride padding dilation groups data_format name",
        layout=formats("o i ...", rank),
        stride=PerAxis("stride"),
        dilation=PerAxis("dilation"),
        pad=pad(SAME=same_upper, VALID=valid),
        groups=Count("groups"),
        empty_output="refused",
        dtypes=FLOATS,
        inert_options=(InertOption("name", inert=True),),
        warnings=(SAME_IGNORES,),
        source=f"{SOURCE} conv{rank}d",
    )


def transpose(rank: int) -> Op:
    order = "dilation groups" if rank == 2 else "groups dilation"
    return replace(
        conv(rank),
        name=f"paddle.nn.functional.conv{rank}d_transpose",
        kind="conv_transpose",
        params=f"x:x w:weight bias:bias stride padding output_padding {order} output_size "
        "data_format name",
        layout=formats("c m ...", rank),
        pad=Crop(
            pad(SAME=transposed_same, VALID=nothing_cropped),
            output_padding=PerAxis("output_padding", 0, least=0),
            shape="output_size",
            shape_forms=("int", "axes"),
            shape_default=None,
        ),
        refusals=(
            Refusal(
                # The shape function also allows less than the dilation; the kernels then fail.
                output_padding_reaches_stride,
                ("output_padding", "stride"),
                "output_padding must be smaller than stride on every axis",
                "paddle 3.3.1 paddle/phi/kernels/funcs/im2col.cc and vol2col.cc",
            ),
            Refusal(
                two_ends,
                ("output_padding", "output_size"),
                "output_padding and output_size both say where the output ends; give one of them",
                f"{SOURCE} conv{rank}d_transpose",
            ),
        ),
        source=f"{SOURCE} conv{rank}d_transpose",
    )


def layer(rank: int) -> Op:
    op = conv(rank)
    return replace(
        op,
        name=f"paddle.nn.Conv{rank}D",
        params="x:x w:weight bias:bias stride padding dilation groups * padding_mode data_format",
        boundary=Choice("padding_mode", {b: b for b in BORDERS}, "zeros"),
        inert_options=(),
        constructor_words=restated(
            in_channels="c", out_channels="o", kernel_size="kernel", bias_attr="bias", dtype="dtype"
        )
        | unchecked("weight_attr", "device"),
        refusals=(
            Refusal(
                border_and_no_integer,
                ("padding", "padding_mode"),
                "with padding_mode 'reflect', 'replicate' or 'circular' padding must be an integer",
                LAYERS,
            ),
            Refusal(
                reflection_past_the_edge,
                ("padding", "padding_mode"),
                "a reflection must be smaller than the input on every axis",
                "paddle 3.3.1 paddle/phi/kernels/cpu/pad3d_kernel.cc",
            ),
        ),
        source=f"{LAYERS} Conv{rank}D",
    )


CONVS, TRANSPOSES, MODULES = (tuple(map(make, (1, 2, 3))) for make in (conv, transpose, layer))


def deviation(shape: Shape, groups: int) -> float:
    return sqrt(2 / (fans_first(shape)[0] * groups))


# paddle/nn/layer/conv.py
INITIAL = Initial("normal", deviation, transposed=glorot(fans_first))

SIZES = "in:in_channels out:out_channels size:kernel_size stride padding"
BIAS = "* bias_attr:bias_attr data_format"


def lines(call: WrittenCall) -> list[str] | None:
    if ".functional." in call.function.name:
        return None
    w, groups = call.w, call.options.get("groups", 1)
    own = {} if call.bias else {"bias_attr": False}
    words = [f"{w[1] * groups}", f"{w[0]}", f"{w[2:]}", *call.words(**own)]
    bias = ["layer.bias.set_value(bias)"] if call.bias else []
    return [
        f"layer = {call.function.name}({', '.join(words)})",
        "layer.weight.set_value(w)",
        *bias,
        "y = layer(x)" if call.own_arrays else "y = layer(paddle.to_tensor(x)).numpy()",
    ]


IDIOM = Idiom(
    transpose="paddle.transpose({x}, {axes})",
    reshape="paddle.reshape({x}, {shape})",
    flip="paddle.flip({x}, {axes})",
    join="paddle.concat([{parts}], {axis})",
    nothing="paddle.zeros({shape}, {x}.dtype)",
    conj="paddle.conj({x})",
    activations={
        "relu": "paddle.nn.functional.relu({x})",
        "clip": "paddle.clip({x}, {0}, {1})",
        "leaky_relu": "paddle.nn.functional.leaky_relu({x}, {0})",
        "elu": "paddle.nn.functional.elu({x}, {0})",
        "celu": "paddle.nn.functional.celu({x}, {0})",
        "selu": "paddle.nn.functional.selu({x})",
        "sigmoid": "paddle.nn.functional.sigmoid({x})",
        "log_sigmoid": "paddle.nn.functional.log_sigmoid({x})",
        "hard_sigmoid": "paddle.clip({0} * {x} + {1}, 0, 1)",
        "tanh": "paddle.tanh({x})",
        "softplus": "paddle.nn.functional.softplus({x})",
        "softsign": "paddle.nn.functional.softsign({x})",
        "silu": "paddle.nn.functional.silu({x})",
        "mish": "paddle.nn.functional.mish({x})",
        "gelu": "paddle.nn.functional.gelu({x})",
        "gelu_tanh": "paddle.nn.functional.gelu({x}, approximate=True)",
        "exp": "paddle.exp({x})",
    },
    layers=LayerIdiom(
        weights={
            "w": "layer.weight.set_value(w)",
            "w bias": "layer.weight.set_value(w)\nlayer.bias.set_value(bias)",
        },
        row="paddle.nn.Sequential({parts})",
        entry="layer[{i}]",
        pad={
            "zeros": "paddle.nn.Pad{rank}D([{flat}])",
            "constant": "paddle.nn.Pad{rank}D([{flat}], value={fill})",
            "reflect": 'paddle.nn.Pad{rank}D([{flat}], mode="reflect")',
            "replicate": 'paddle.nn.Pad{rank}D([{flat}], mode="replicate")',
            "circular": 'paddle.nn.Pad{rank}D([{flat}], mode="circular")',
        },
        activations={
            "relu": "paddle.nn.ReLU()",
            "clip": "paddle.nn.Hardtanh({0}, {1})",
            "leaky_relu": "paddle.nn.LeakyReLU({0})",
            "elu": "paddle.nn.ELU({0})",
            "celu": "paddle.nn.CELU({0})",
            "selu": "paddle.nn.SELU()",
            "sigmoid": "paddle.nn.Sigmoid()",
            "log_sigmoid": "paddle.nn.LogSigmoid()",
            "tanh": "paddle.nn.Tanh()",
            "softplus": "paddle.nn.Softplus()",
            "softsign": "paddle.nn.Softsign()",
            "silu": "paddle.nn.Silu()",
            "mish": "paddle.nn.Mish()",
            "gelu": "paddle.nn.GELU()",
            "gelu_tanh": "paddle.nn.GELU(True)",
        },
    ),
)
SPELLING = Spelling(
    "import paddle",
    array="paddle.to_tensor({})",
    result="{}.numpy()",
    lines=lines,
    idiom=IDIOM,
)

PADDLE = Framework(
    "paddle",
    title="Paddle",
    version="3.3.1",
    functions=(*CONVS, *TRANSPOSES, *MODULES),
    layers=(
        *(
            Constructor(
                op.name,
                op.name,
                f"{SIZES} dilation groups * bias:bias padding_mode bias_attr:bias_attr data_format",
                op.source,
            )
            for op in MODULES
        ),
        *(
            Constructor(
                f"paddle.nn.Conv{r}DTranspose",
                op.name,
                f"{SIZES} output_padding {'groups dilation' if r == 1 else 'dilation groups'} "
                f"{BIAS}",
                LAYERS,
            )
            for r, op in enumerate(TRANSPOSES, 1)
        ),
    ),
    main={
        "conv": {r: op.name for r, op in enumerate(CONVS, 1)},
        "conv_transpose": {r: op.name for r, op in enumerate(TRANSPOSES, 1)},
    },
    aliases=("paddlepaddle",),
    dense="f u",  # python/paddle/nn/layer/common.py Linear
    initial=INITIAL,
    spelling=SPELLING,
)

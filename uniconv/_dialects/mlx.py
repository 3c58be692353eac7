"""MLX: mlx.core convolutions, channels last, and its convolve of sequences.

Proved against MLX 0.32.4 on the CPU.
"""

from dataclasses import replace
from math import prod, sqrt

from uniconv.spec import (
    FUNCTION_OF_X,
    LOWS_HIGHS,
    NUMPY_INTEGERS,
    UNGROUPED,
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
    PerAxis,
    Refusal,
    Shape,
    Spelling,
    alike,
    full,
    one_of,
    same_as_longer,
    valid_inside_longer,
)

SOURCE = "mlx 0.32.4 mlx/ops.cpp"
FIRST = Layout("n ... c", "o ... i", "n ... o")
DTYPES = ("float16", "bfloat16", "float32", "float64")  # float64 on the CPU only
ONE = ("int",)
SEVERAL = ("int", "axes")
ALL_IN_ONE = ("int", "one", "axes")
STREAM = InertOption("stream", inert=True, sample=None)


def spread_and_cropped(call: CallContext) -> bool:
    return any(d > 1 and min(pair) < 0 for d, pair in zip(call.lhs_dilation, call.pad))


def cropped_before_spreading(call: CallContext) -> bool:
    """Whether the padding of a transposed call crops x, whose pixels lie a stride apart."""
    return any(a.stride > 1 and a.extent - 1 < max(p) for a, p in zip(call.axes, call.pad))


def cropped_beyond_x(call: CallContext) -> bool:
    """Whether negative padding crops more pixels of one end than x has."""
    return any(-min(pair) > a.size for a, pair in zip(call.axes, call.pad))


def cropped_beyond_transposed_x(call: CallContext) -> bool:
    """The same of the padding that a transposed call has around x: the extent less 1 and a crop."""
    return any(max(p) - (a.extent - 1) > a.size for a, p in zip(call.axes, call.pad))


def grouped_and_three_axes(call: CallContext, groups: int) -> bool:
    return call.rank == 3 and groups > 1


GENERAL = Op(
    "mlx.core.conv_general",
    kind="conv",
    params="x:input w:weight stride padding kernel_dilation input_dilation groups flip * stream",
    layout=FIRST,
    stride=PerAxis("stride", accepts=ALL_IN_ONE),
    dilation=PerAxis("kernel_dilation", accepts=ALL_IN_ONE),
    lhs_dilation=PerAxis("input_dilation", accepts=ALL_IN_ONE),
    pad=Pad("padding", 0, form=one_of(alike(None), LOWS_HIGHS)),
    groups=Count("groups"),
    reverse=Choice("flip", {False: False, True: True}, False),
    empty_output="refused",
    dtypes=DTYPES,
    converted={"w": NUMPY_INTEGERS},
    mixed_dtypes=True,
    inert_options=(STREAM,),
    refusals=(
        Refusal(
            spread_and_cropped,
            ("padding", "input_dilation"),
            "MLX crops pixels of the input where its spread pixels were meant, and returns wrong "
            "values; crop the result instead",
            f"{SOURCE} conv_general",
        ),
        Refusal(
            cropped_beyond_x,
            ("padding",),
            "MLX crops no more pixels than x has, and returns wrong sizes; crop the result instead",
            f"{SOURCE} conv_general",
        ),
        Refusal(
            grouped_and_three_axes,
            ("groups",),
            "groups are known for one and two spatial axes only",
            f"{SOURCE} conv_general",
        ),
    ),
    source=f"{SOURCE} conv_general",
)


def pads(rank: int) -> Pad:
    return Pad("padding", 0, form=alike(None, alone=rank == 1))


def conv(rank: int) -> Op:
    """conv1d takes integers only."""
    forms = ONE if rank == 1 else SEVERAL
    return replace(
        GENERAL,
        name=f"mlx.core.conv{rank}d",
        params="x:input w:weight stride padding dilation groups * stream",
        layout=replace(FIRST, ranks=(rank,)),
        stride=PerAxis("stride", accepts=forms),
        dilation=PerAxis("dilation", accepts=forms),
        lhs_dilation=None,
        pad=pads(rank),
        reverse=False,
        refusals=GENERAL.refusals[2:],
        source=f"{SOURCE} conv{rank}d",
    )


def transpose(rank: int) -> Op:
    """The kernel is that of the convolution that it transposes, output channels first."""
    forms = ONE if rank == 1 else SEVERAL
    return replace(
        conv(rank),
        name=f"mlx.core.conv_transpose{rank}d",
        kind="conv_transpose",
        params="x:input w:weight stride padding dilation output_padding groups * stream",
        pad=Crop(
            pads(rank),
            output_padding=PerAxis("output_padding", 0, least=0, accepts=forms),
        ),
        refusals=(
            replace(
                GENERAL.refusals[0],
                when=cropped_before_spreading,
                options=("padding", "stride"),
            ),
            replace(GENERAL.refusals[1], when=cropped_beyond_transposed_x),
            *GENERAL.refusals[2:],
        ),
        source=f"{SOURCE} conv_transpose{rank}d",
    )


CONVS = tuple(map(conv, (1, 2, 3)))
TRANSPOSES = tuple(map(transpose, (1, 2, 3)))
CONVOLVE = Op(
    "mlx.core.convolve",
    kind="conv",
    params="x:a w:v mode * stream",
    layout=Layout("...", "...", "...", (1,)),
    stride=None,
    dilation=None,
    pad=Pad("mode", "full", {"full": full, "same": same_as_longer, "valid": valid_inside_longer}),
    groups=UNGROUPED,
    reverse=True,
    batch=(0, 0),
    empty_output="refused",
    dtypes=DTYPES,
    converted={"w": NUMPY_INTEGERS},
    longer_first=True,
    mixed_dtypes=True,
    inert_options=(STREAM,),
    source="mlx 0.32.4 python/src/ops.cpp convolve",
)


def size(shape: Shape, groups: int) -> float:
    return 1 / sqrt(shape[-1] * groups * prod(shape[1:-1]))


# mlx/nn/layers/convolution.py; a transposed kernel is stored as any other there: o ... i
INITIAL = Initial("uniform", size)

SIZES = "in:in_channels out:out_channels size:kernel_size stride padding dilation"
LAYERS = "mlx 0.32.4 python/mlx/nn/layers"

AROUND = "lambda x: mlx.core.pad(x, [(0, 0), {each}, (0, 0)]"
IDIOM = Idiom(
    "import mlx.nn",
    transpose="mlx.core.transpose({x}, {axes})",
    reshape="mlx.core.reshape({x}, {shape})",
    pad={
        "zeros": "mlx.core.pad({x}, {pairs})",
        "constant": "mlx.core.pad({x}, {pairs}, constant_values={fill})",
        "replicate": 'mlx.core.pad({x}, {pairs}, mode="edge")',
    },
    join="mlx.core.concatenate([{parts}], {axis})",
    conj="mlx.core.conj({x})",
    activations={
        "relu": "mlx.nn.relu({x})",
        "clip": "mlx.core.clip({x}, {0}, {1})",
        "leaky_relu": "mlx.nn.leaky_relu({x}, {0})",
        "elu": "mlx.nn.elu({x}, {0})",
        "celu": "mlx.nn.celu({x}, {0})",
        "selu": "mlx.nn.selu({x})",
        "sigmoid": "mlx.core.sigmoid({x})",
        "log_sigmoid": "mlx.nn.log_sigmoid({x})",
        "hard_sigmoid": "mlx.core.clip({0} * {x} + {1}, 0, 1)",
        "tanh": "mlx.core.tanh({x})",
        "softplus": "mlx.nn.softplus({x})",
        "softsign": "mlx.nn.softsign({x})",
        "silu": "mlx.nn.silu({x})",
        "mish": "mlx.nn.mish({x})",
        "gelu": "mlx.nn.gelu({x})",
        "gelu_tanh": "mlx.nn.gelu_approx({x})",
        "exp": "mlx.core.exp({x})",
    },
    layers=LayerIdiom(
        "import mlx.nn",
        weights={"w": "layer.weight = w", "w bias": "layer.weight = w\nlayer.bias = bias"},
        row="mlx.nn.Sequential({parts})",
        border=FUNCTION_OF_X,
        entry="layer.layers[{i}]",
        pad={
            "zeros": f"{AROUND})",
            "constant": f"{AROUND}, constant_values={{fill}})",
            "replicate": f'{AROUND}, mode="edge")',
        },
        activations={
            "relu": "mlx.nn.ReLU()",
            "clip": "lambda x: mlx.core.clip(x, {0}, {1})",
            "leaky_relu": "mlx.nn.LeakyReLU({0})",
            "elu": "mlx.nn.ELU({0})",
            "celu": "mlx.nn.CELU({0})",
            "selu": "mlx.nn.SELU()",
            "sigmoid": "mlx.nn.Sigmoid()",
            "log_sigmoid": "mlx.nn.LogSigmoid()",
            "tanh": "mlx.nn.Tanh()",
            "softplus": "mlx.nn.Softplus()",
            "softsign": "mlx.nn.Softsign()",
            "silu": "mlx.nn.SiLU()",
            "mish": "mlx.nn.Mish()",
            "gelu": "mlx.nn.GELU()",
            "gelu_tanh": 'mlx.nn.GELU("precise")',
        },
    ),
)
SPELLING = Spelling(
    "import mlx.core", array="mlx.core.array({})", result="np.array({})", idiom=IDIOM
)

MLX = Framework(
    "mlx",
    title="MLX",
    version="0.32.4",
    functions=(GENERAL, *CONVS, *TRANSPOSES, CONVOLVE),
    layers=(
        *(
            Constructor(
                f"mlx.nn.Conv{r}d",
                op.name,
                f"{SIZES} groups bias:bias" if r < 3 else f"{SIZES} bias:bias",
                f"{LAYERS}/convolution.py",
            )
            for r, op in enumerate(CONVS, 1)
        ),
        *(
            Constructor(
                f"mlx.nn.ConvTranspose{r}d",
                op.name,
                f"{SIZES} output_padding bias:bias",
                f"{LAYERS}/convolution_transpose.py",
            )
            for r, op in enumerate(TRANSPOSES, 1)
        ),
    ),
    main={
        "conv": {r: op.name for r, op in enumerate(CONVS, 1)},
        "conv_transpose": {r: op.name for r, op in enumerate(TRANSPOSES, 1)},
    },
    prefixes={"mx.": "mlx.core."},
    dense="u f",  # mlx/nn/layers/linear.py
    initial=INITIAL,
    spelling=SPELLING,
)

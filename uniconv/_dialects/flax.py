"""Flax: Conv and ConvTranspose of flax.linen and flax.nnx, channels last, any number of batch axes.

Proved against Flax 0.12.8 on JAX 0.10.2.
"""

from dataclasses import replace

from uniconv._dialects.jax import (
    EXACT,
    GENERAL,
    IDIOM,
    PRECISION,
    TRANSPOSE,
    transposed_same,
    transposed_same_lower,
    transposed_valid,
)
from uniconv.spec import (
    COMPLEX,
    EACH,
    EVERY_RANK,
    FLOATS,
    FROM_FULL,
    FUNCTION_OF_X,
    NUMPY_INTEGERS,
    UNGROUPED,
    Axis,
    CallContext,
    Choice,
    Constructor,
    Count,
    Crop,
    Framework,
    InertOption,
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
    lecun,
    restated,
    same_lower,
    same_total,
    same_upper,
    unchecked,
    valid,
)

SOURCE = "flax 0.12.8 flax/linen/linear.py"


def circular_lower(axis: Axis) -> Pair:
    """What leaves a whole period, size * stride outputs, the odd pixel left after (Flax)."""
    period = axis.size * axis.stride
    lo = max(axis.extent - axis.stride, 0) // 2 % max(period, 1)
    return lo, axis.whole - period - lo


def circular_upper(axis: Axis) -> Pair:
    """What leaves a whole period, size * stride outputs, the odd pixel left before (Flax)."""
    period = axis.size * axis.stride
    lo = (max(axis.extent - axis.stride, 0) + 1) // 2 % max(period, 1)
    return lo, axis.whole - period - lo


FORMS = ("none", "int", "axes")
OF_BOTH = restated(
    kernel_size="kernel", use_bias="bias", dtype="dtype", param_dtype="w dtype"
) | unchecked("kernel_init", "bias_init", "promote_dtype")
IMPLIED = OF_BOTH | restated(features="o") | unchecked("name", "parent")
IMPLIED_OF_NNX = (
    OF_BOTH
    | restated(in_features="c", out_features="o")
    | unchecked("rngs", "kernel_metadata", "bias_metadata")
)
OTHERS = (
    InertOption(
        "mask", None, "conv and native take one; elsewhere multiply the kernel by the mask"
    ),
    PRECISION,
)


def causal_and_not_one_axis(call: CallContext, padding: object) -> bool:
    return call.rank != 1 and isinstance(padding, str) and padding == "CAUSAL"


def same_lower_and_strided(call: CallContext, padding: object) -> bool:
    return isinstance(padding, str) and padding == "SAME_LOWER" and max(call.stride, default=1) > 1


REPLACED = tuple(
    InertOption(name, None, "another convolution than jax.lax.conv_general_dilated is not modelled")
    for name in ("conv_general_dilated", "conv_general_dilated_cls")
)
ELEMENT = InertOption("preferred_element_type", None, "convert the arrays instead")
CONV = Op(
    "flax.linen.Conv",
    kind="conv",
    params="x:inputs w:kernel bias:bias strides padding input_dilation kernel_dilation "
    "feature_group_count mask dtype precision conv_general_dilated conv_general_dilated_cls",
    layout=Layout("n ... c", "... i o", "n ... o", EVERY_RANK),
    stride=PerAxis("strides", 1, accepts=FORMS),
    dilation=PerAxis("kernel_dilation", 1, accepts=FORMS),
    lhs_dilation=PerAxis("input_dilation", 1, accepts=FORMS),
    pad=Pad(
        "padding",
        "SAME",
        {
            "SAME": same_upper,
            "VALID": valid,
            "SAME_LOWER": same_lower,
            "CIRCULAR": same_total,
            "REFLECT": same_total,
            "CAUSAL": causal,
        },
        EACH,
        borders={"CIRCULAR": "circular", "REFLECT": "reflect"},
    ),
    groups=Count("feature_group_count"),
    batch=(0, 9),
    dtypes=(*FLOATS, *COMPLEX, *NUMPY_INTEGERS),
    mask="mask",
    mixed_dtypes="float32",  # flax/linen/dtypes.py canonicalize_dtype
    inert_options=(*OTHERS, *REPLACED),
    refusals=(
        GENERAL.refusals[0],
        replace(GENERAL.refusals[1], options=("padding", "input_dilation")),
        Refusal(
            causal_and_not_one_axis,
            ("padding",),
            "causal padding is only implemented for 1D convolutions",
            f"{SOURCE} _Conv.__call__",
        ),
    ),
    constructor_words=IMPLIED,
    source=f"{SOURCE} _Conv",
)
TRANSPOSED = replace(
    CONV,
    name="flax.linen.ConvTranspose",
    kind="conv_transpose",
    params="x:inputs w:kernel bias:bias strides padding kernel_dilation mask dtype precision "
    "transpose_kernel preferred_element_type",
    layout=Choice(
        "transpose_kernel",
        {
            False: Layout("n ... c", "... i o", "n ... o", range(4)),
            True: Layout("n ... c", "... o i", "n ... o", range(4)),
        },
        False,
    ),
    stride=PerAxis("strides", None, accepts=FORMS),
    dilation=PerAxis("kernel_dilation", None, accepts=FORMS),
    lhs_dilation=None,
    pad=Crop(
        Pad(
            "padding",
            "SAME",
            {
                "SAME": transposed_same,
                "VALID": transposed_valid,
                "SAME_LOWER": transposed_same_lower,
                "CIRCULAR": Choice(
                    "transpose_kernel", {False: circular_lower, True: circular_upper}, False
                ),
            },
            EACH,
            reading=FROM_FULL,
            borders={"CIRCULAR": "circular"},
        )
    ),
    groups=UNGROUPED,
    reverse=TRANSPOSE.reverse,
    inert_options=(
        *OTHERS,
        ELEMENT,
    ),
    refusals=(
        TRANSPOSE.refusals[0],
        Refusal(
            same_lower_and_strided,
            ("padding", "strides"),
            '"SAME_LOWER" is known only with strides of 1',
            "jax 0.10.2 jax/_src/lax/convolution.py conv_transpose",
        ),
    ),
    source=f"{SOURCE} ConvTranspose",
    notes=TRANSPOSE.notes,
)

# flax/nnx has a copy of each: other sizes in its constructor, the same call.
NNX = "flax 0.12.8 flax/nnx/nn/linear.py"
NNX_CONV = replace(
    CONV,
    name="flax.nnx.Conv",
    params="x:inputs w:kernel bias:bias strides padding input_dilation kernel_dilation "
    "feature_group_count mask dtype precision preferred_element_type",
    inert_options=(*OTHERS, ELEMENT),
    constructor_words=IMPLIED_OF_NNX,
    refusals=(*CONV.refusals[:2], replace(CONV.refusals[2], source=f"{NNX} Conv.__call__")),
    source=f"{NNX} Conv",
)
NNX_TRANSPOSED = replace(
    TRANSPOSED,
    name="flax.nnx.ConvTranspose",
    constructor_words=IMPLIED_OF_NNX,
    source=f"{NNX} ConvTranspose",
)

WORDS = "out:features size:kernel_size strides padding"
WORDS_OF_NNX = "in:in_features out:out_features size:kernel_size strides * padding"
LAYERS = (
    Constructor(
        CONV.name,
        CONV.name,
        f"{WORDS} input_dilation kernel_dilation feature_group_count bias:use_bias",
        CONV.source,
    ),
    Constructor(
        TRANSPOSED.name,
        TRANSPOSED.name,
        f"{WORDS} kernel_dilation bias:use_bias * transpose_kernel preferred_element_type",
        TRANSPOSED.source,
    ),
    Constructor(
        NNX_CONV.name,
        NNX_CONV.name,
        f"{WORDS_OF_NNX} input_dilation kernel_dilation feature_group_count bias:use_bias "
        "preferred_element_type",
        NNX_CONV.source,
        own_name="NNXConv",
    ),
    Constructor(
        NNX_TRANSPOSED.name,
        NNX_TRANSPOSED.name,
        f"{WORDS_OF_NNX} kernel_dilation bias:use_bias transpose_kernel preferred_element_type",
        NNX_TRANSPOSED.source,
        own_name="NNXConvTranspose",
    ),
)


def nnx_lines(call: WrittenCall, features: int) -> list[str]:
    sizes = {"in_features": call.x[-1], "out_features": features, "kernel_size": call.w[:-2]}
    words = call.words(**sizes, use_bias=call.bias)
    return [
        f"layer = {call.function.name}({', '.join(words)}, rngs=flax.nnx.Rngs(0))",
        "layer.kernel = flax.nnx.Param(w)",
        *(["layer.bias = flax.nnx.Param(bias)"] if call.bias else []),
        "y = layer(x)" if call.own_arrays else "y = np.asarray(layer(x))",
    ]


def lines(call: WrittenCall) -> list[str]:
    swapped = bool(call.options.get("transpose_kernel", False))
    features = call.w[-2 if swapped else -1]
    if ".nnx." in call.function.name:
        return nnx_lines(call, features)
    own = {"features": features, "kernel_size": call.w[:-2], "use_bias": call.bias}
    arrays = '{"kernel": w, "bias": bias}' if call.bias else '{"kernel": w}'
    y = f'layer.apply({{"params": {arrays}}}, x)'
    return [
        f"layer = {call.function.name}({', '.join(call.words(**own))})",
        f"y = {y}" if call.own_arrays else f"y = np.asarray({y})",
    ]


AROUND = "lambda x: jnp.pad(x, [(0, 0), {each}, (0, 0)]"
PADS = {"zeros": f"{AROUND})", "constant": f"{AROUND}, constant_values={{fill}})"} | {
    boundary: f'{AROUND}, mode="{mode}")'
    for boundary, mode in {
        "reflect": "reflect",
        "replicate": "edge",
        "circular": "wrap",
        "symmetric": "symmetric",
    }.items()
}
SPELLING = Spelling(
    f"import flax.linen\nimport flax.nnx\nimport jax\n\n{EXACT}",
    lines=lines,
    idiom=replace(
        IDIOM,
        layers=LayerIdiom(
            "import jax.numpy as jnp",
            weights={
                "w": 'variables = {"params": {"kernel": w}}',
                "w bias": 'variables = {"params": {"kernel": w, "bias": bias}}',
            },
            row="flax.linen.Sequential([{parts}])",
            border=FUNCTION_OF_X,
            apart=r"\{\"kernel\": [^}]*\}",
            entry='{{"layers_{i}": \\g<0>}}',
            further=(r'^variables = {"params": (.*)}$', r'variables["params"] |= \1'),
            pad=PADS,
            activations={
                "relu": "flax.linen.relu",
                "clip": "lambda x: jnp.clip(x, {0}, {1})",
                "leaky_relu": "lambda x: flax.linen.leaky_relu(x, {0})",
                "elu": "lambda x: flax.linen.elu(x, {0})",
                "celu": "lambda x: flax.linen.celu(x, {0})",
                "selu": "flax.linen.selu",
                "sigmoid": "flax.linen.sigmoid",
                "log_sigmoid": "flax.linen.log_sigmoid",
                "tanh": "flax.linen.tanh",
                "softplus": "flax.linen.softplus",
                "softsign": "flax.linen.soft_sign",
                "silu": "flax.linen.silu",
                "gelu": "lambda x: flax.linen.gelu(x, approximate=False)",
                "gelu_tanh": "flax.linen.gelu",
                "exp": "jnp.exp",
            },
            whole_kernel=True,
        ),
    ),
)

FLAX = Framework(
    "flax",
    title="Flax",
    version="0.12.8",
    functions=(CONV, TRANSPOSED, NNX_CONV, NNX_TRANSPOSED),
    layers=LAYERS,
    main={
        "conv": dict.fromkeys(EVERY_RANK, CONV.name),
        "conv_transpose": dict.fromkeys(range(4), TRANSPOSED.name),
    },
    prefixes={"linen.": "flax.linen.", "nnx.": "flax.nnx."},
    dense="f u",  # flax/linen/linear.py Dense
    initial=lecun(fans_last),  # flax/linen/linear.py default_kernel_init
    cases=160,
    spelling=SPELLING,
)

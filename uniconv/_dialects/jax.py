"""JAX: jax.lax convolutions and the signal functions of jax.numpy and jax.scipy.

Proved against JAX 0.10.2.
"""

from dataclasses import replace
from typing import Any

from uniconv._dialects import numpy, scipy
from uniconv.spec import (
    AS_IS,
    COMPLEX,
    EVERY_RANK,
    FLOATS,
    FROM_FULL,
    NUMPY_INTEGERS,
    PAIRS,
    REQUIRED,
    UNGROUPED,
    Axis,
    CallContext,
    Choice,
    Count,
    Crop,
    DimensionNumbers,
    ElementType,
    Framework,
    InertOption,
    Layout,
    Op,
    Pad,
    Pair,
    PerAxis,
    Refusal,
    Spelling,
    WrittenCall,
    dimension_numbers,
    fans_last,
    lecun,
    neither_inside_the_other,
    numpy_idiom,
    plain_call,
    same_lower,
    same_total,
    same_upper,
    two_kinds_of_groups,
    valid,
)

LAX = "jax 0.10.2 jax/_src/lax/convolution.py"


def transposed_same(axis: Axis) -> Pair:
    """What gives size * stride outputs, the odd pixel cropped after (JAX)."""
    e, s = axis.extent, axis.stride
    start = e - 1 if s > e - 1 else (e + s - 1) // 2
    return e - 1 - start, start - s + 1


def transposed_valid(axis: Axis) -> Pair:
    """Nothing; zeros follow a kernel shorter than the stride, up to a whole stride (JAX)."""
    return 0, min(axis.extent - axis.stride, 0)


def transposed_same_lower(axis: Axis) -> Pair:
    """The padding of SAME_LOWER around the spread input itself (JAX, with strides of 1)."""
    lo, hi = same_lower(replace(axis, stride=1))
    return axis.extent - 1 - lo, axis.extent - 1 - hi


FIRST = Layout("n c ...", "o i ...", "n o ...", EVERY_RANK)
SPELLED = (
    ("NC", "OI", "NC"),
    *(
        ("NHC", "HIO", "NHC"),
        ("NCW", "OIW", "NCW"),
        ("NHWC", "HWIO", "NHWC"),
        ("NCHW", "OIHW", "NHWC"),
    ),
    # Strides and paddings follow the kernel's order of the spatial letters (the last two).
    *(("NDHWC", "DHWIO", "NDHWC"), ("CWNH", "IHOW", "HCWN"), ("NDCHW", "WOIDH", "HWDNC")),
    ("NABDEC", "ABDEIO", "NABDEC"),
    ("NABCDE", "ABDEIO", "ANBDEC"),
)
TABLE = {s: at for s in SPELLED if (at := dimension_numbers(*s)) is not None}
ONE_EACH = ("axes",)
# jax/_src/lax/lax.py canonicalize_precision: its own words, then presets of algorithms.
PRECISIONS = (
    *("highest", "float32", "high", "bfloat16_3x", "tensorfloat32", "default", "bfloat16"),
    *("fastest", "DEFAULT", "ANY_F8_ANY_F8_F32", "ANY_F8_ANY_F8_F32_FAST_ACCUM"),
    *("ANY_F8_ANY_F8_ANY", "ANY_F8_ANY_F8_ANY_FAST_ACCUM", "F16_F16_F16", "F16_F16_F32"),
    *("BF16_BF16_BF16", "BF16_BF16_F32", "BF16_BF16_F32_X3", "BF16_BF16_F32_X6"),
    *("BF16_BF16_F32_X9", "TF32_TF32_F32", "TF32_TF32_F32_X3", "F32_F32_F32", "F64_F64_F64"),
)
PRECISION = InertOption("precision", inert=True, sample="highest", texts=PRECISIONS)
KINDS = (*FLOATS, *NUMPY_INTEGERS, *COMPLEX)
ELEMENT = ElementType("preferred_element_type", {None: None, **{d: d for d in KINDS}}, None)


def bits(dtype: str) -> int:
    """How wide a dtype is; less than any other for bool."""
    return int(dtype.lstrip("abcdefghijklmnoptux")) if dtype != "bool" else 1


def elements(dtype: str) -> tuple[str, ...]:
    """The dtypes of y for arrays of one dtype: no narrower, and of a kind that holds them."""
    if dtype == "bool":
        return KINDS
    kinds = {"c": COMPLEX, "f": FLOATS, "b": FLOATS, "i": ("int", *FLOATS)}
    held: tuple[str, ...] = kinds.get(dtype[0], ("int", "uint", *FLOATS))
    alike = (d for d in KINDS if d in held or d.rstrip("0123456789") in held)
    return tuple(d for d in alike if bits(d) >= bits(dtype))


# jax/_src/lax/lax.py _validate_preferred_element_type
ELEMENTS = {dtype: elements(dtype) for dtype in KINDS}
SHARDING = InertOption("out_sharding", None, "uniconv shards nothing")
WORDS = {"SAME": same_upper, "SAME_LOWER": same_lower, "VALID": valid}


def cropped_away(call: CallContext) -> bool:
    return any(axis.size + lo + hi < 0 for axis, (lo, hi) in zip(call.axes, call.pad))


def spread_input_cropped_away(call: CallContext) -> bool:
    """Whether the padding of a transposed call crops more than its input, spread by the strides."""
    return any(a.whole + a.extent - 1 - lo - hi < 0 for a, (lo, hi) in zip(call.axes, call.pad))


def word_and_spread(call: CallContext, padding: object) -> bool:
    return isinstance(padding, str) and max(call.lhs_dilation, default=1) > 1


def same_lower_and_strided_or_consistent(
    call: CallContext, padding: object, use_consistent_padding: bool
) -> bool:
    lower = isinstance(padding, str) and padding == "SAME_LOWER"
    consistent = use_consistent_padding and call.rank > 0
    return lower and (max(call.stride, default=1) > 1 or consistent)


AWAY = Refusal(
    cropped_away,
    ("padding",),
    "negative padding crops more than there is",
    f"{LAX} conv_shape_tuple",
)

GENERAL = Op(
    "jax.lax.conv_general_dilated",
    kind="conv",
    params="x:lhs w:rhs window_strides padding lhs_dilation rhs_dilation dimension_numbers "
    "feature_group_count batch_group_count precision preferred_element_type out_sharding",
    layout=DimensionNumbers("dimension_numbers", {None: FIRST, **TABLE}, None),
    stride=PerAxis("window_strides", REQUIRED, accepts=ONE_EACH),
    dilation=PerAxis("rhs_dilation", None, accepts=("none", "axes")),
    lhs_dilation=PerAxis("lhs_dilation", None, accepts=("none", "axes")),
    pad=Pad("padding", REQUIRED, WORDS, PAIRS, any_case=True),
    groups=Count("feature_group_count"),
    batch_groups=Count("batch_group_count"),
    dtypes=KINDS,
    result_option=ELEMENT,
    depths=ELEMENTS,
    inert_options=(PRECISION, SHARDING),
    refusals=(
        AWAY,
        Refusal(
            word_and_spread,
            ("padding", "lhs_dilation"),
            "no padding word is implemented with lhs_dilation; give pairs, or use conv_transpose",
            f"{LAX} conv_general_dilated",
        ),
        Refusal(
            two_kinds_of_groups,
            ("feature_group_count", "batch_group_count"),
            "at most one of batch_group_count and feature_group_count may be > 1",
            f"{LAX} _conv_general_dilated_shape_rule",
        ),
    ),
    source=f"{LAX} conv_general_dilated",
    notes=("Strides, padding and dilations follow the order of the kernel's spatial axes.",),
)
CONV = replace(
    GENERAL,
    name="jax.lax.conv",
    params="x:lhs w:rhs window_strides padding precision preferred_element_type",
    layout=FIRST,
    dilation=None,
    lhs_dilation=None,
    groups=UNGROUPED,
    batch_groups=None,
    pad=Pad("padding", REQUIRED, WORDS, PAIRS, any_case=True),
    inert_options=(PRECISION,),
    refusals=(AWAY,),
    source=f"{LAX} conv",
    notes=(),
)
WITH_GENERAL_PADDING = replace(
    GENERAL,
    name="jax.lax.conv_with_general_padding",
    params="x:lhs w:rhs window_strides padding lhs_dilation rhs_dilation precision "
    "preferred_element_type",
    layout=FIRST,
    dilation=PerAxis("rhs_dilation", REQUIRED, accepts=("none", "axes")),
    lhs_dilation=PerAxis("lhs_dilation", REQUIRED, accepts=("none", "axes")),
    groups=UNGROUPED,
    batch_groups=None,
    inert_options=(PRECISION,),
    refusals=GENERAL.refusals[:2],
    source=f"{LAX} conv_with_general_padding",
    notes=(),
)
TRANSPOSE = Op(
    "jax.lax.conv_transpose",
    kind="conv_transpose",
    params="x:lhs w:rhs strides padding rhs_dilation dimension_numbers transpose_kernel precision "
    "preferred_element_type use_consistent_padding",
    layout=DimensionNumbers(
        "dimension_numbers",
        {None: Layout("n ... c", "... i o", "n ... o", range(4)), **TABLE},
        None,
        swapped="transpose_kernel",
    ),
    stride=PerAxis("strides", REQUIRED, accepts=ONE_EACH),
    dilation=PerAxis("rhs_dilation", None, accepts=("none", "axes")),
    pad=Crop(
        Pad(
            "padding",
            REQUIRED,
            {
                "SAME": transposed_same,
                "VALID": transposed_valid,
                "SAME_LOWER": transposed_same_lower,
            },
            PAIRS,
            reading=Choice("use_consistent_padding", {False: FROM_FULL, True: AS_IS}, False),
        )
    ),
    groups=UNGROUPED,
    reverse=Choice("transpose_kernel", {False: True, True: False}, False),
    dtypes=GENERAL.dtypes,
    result_option=ELEMENT,
    depths=ELEMENTS,
    inert_options=(PRECISION,),
    refusals=(
        replace(AWAY, when=spread_input_cropped_away),
        Refusal(
            same_lower_and_strided_or_consistent,
            ("padding", "strides", "use_consistent_padding"),
            '"SAME_LOWER" is known only with strides of 1 and without use_consistent_padding',
            f"{LAX} conv_transpose",
        ),
    ),
    source=f"{LAX} conv_transpose",
    notes=(
        "The kernel is not flipped, unlike in other frameworks; transpose_kernel=True flips it and "
        "swaps its channel axes.",
        "Words are the padding of the convolution that it transposes; numbers pad the spread input "
        "itself, unless use_consistent_padding=True.",
    ),
)

SEQUENCES = "jax 0.10.2 jax/_src/numpy/lax_numpy.py"
IMAGES = "jax 0.10.2 jax/_src/scipy/signal.py"


# By FFT float32 is rounded otherwise, so that such calls are not compared bit by bit.
METHOD = replace(scipy.METHOD, tries=("auto", "direct"))


def neither_inside_and_not_both_whole(call: CallContext, mode: str, method: str) -> bool:
    """Products of Fourier transforms need no array inside the other, unless y is what is inside."""
    return neither_inside_the_other(call) and (method != "fft" or mode == "valid")


INSIDE = Refusal(
    neither_inside_the_other,
    (),
    "one array must be smaller than the other in every dimension",
    f"{IMAGES} _convolve_nd",
)
APART = replace(INSIDE, when=neither_inside_and_not_both_whole, options=("mode", "method"))


def bare(op: Op, name: str, params: str, source: str, **changes: Any) -> Op:
    """A function of NumPy or SciPy as JAX has it."""
    words: dict[str, Any] = {
        "dtypes": KINDS,
        "vector_dtypes": (),
        "converted": {},
        "mixed_dtypes": "inexact",
        "reads_lists": False,
        "vectors": "",
        "notes": (scipy.CONJUGATED,) if op.conjugates else (),
        "refusals": (INSIDE,),
    }
    return replace(op, name=name, params=params, source=source, **(words | changes))


SIGNALS = (
    bare(
        numpy.CONVOLVE,
        "jax.numpy.convolve",
        "x:a w:v mode * precision preferred_element_type",
        f"{SEQUENCES} convolve",
        pad=Pad("mode", "full", numpy.MODES),
        inert_options=(PRECISION,),
        result_option=ELEMENT,
        depths=ELEMENTS,
    ),
    bare(
        numpy.CORRELATE,
        "jax.numpy.correlate",
        "x:a w:v mode * precision preferred_element_type",
        f"{SEQUENCES} correlate",
        pad=Pad("mode", "valid", numpy.MODES_OF_CORRELATE),
        inert_options=(PRECISION,),
        result_option=ELEMENT,
        depths=ELEMENTS,
    ),
    bare(
        scipy.CONVOLVE,
        "jax.scipy.signal.convolve",
        "x:in1 w:in2 mode method precision",
        f"{IMAGES} convolve",
        inert_options=(METHOD, PRECISION),
        refusals=(APART,),
    ),
    bare(
        scipy.CORRELATE,
        "jax.scipy.signal.correlate",
        "x:in1 w:in2 mode method precision",
        f"{IMAGES} correlate",
        inert_options=(METHOD, PRECISION),
        refusals=(APART,),
    ),
    *(
        bare(
            op,
            f"jax.{op.name}",
            "x:in1 w:in2 mode boundary fillvalue precision",
            f"{IMAGES} {op.name}",
            boundary=None,
            fill=None,
            pad=Pad("mode", "full", scipy.MODES | extra),
            inert_options=(
                InertOption("boundary", "fill", "JAX has no other boundary"),
                InertOption("fillvalue", 0, "JAX fills with zeros only"),
                PRECISION,
            ),
        )
        for op, extra in ((scipy.CONVOLVE2D, {}), (scipy.CORRELATE2D, {"same": same_total}))
    ),
)


ARRAY, RESULT = "jax.numpy.asarray({})", "np.asarray({})"


def lines(call: WrittenCall) -> list[str]:
    words = call.words()
    padding = call.options.get("padding")
    if isinstance(padding, list):  # JAX takes pairs in tuples only
        pairs = tuple(map(tuple, padding))
        words = [f"padding={pairs}" if w.startswith("padding=") else w for w in words]
    return plain_call(call, ARRAY, RESULT, words=words)


EXACT = 'jax.config.update("jax_default_matmul_precision", "highest")'
IDIOM = numpy_idiom(
    "jnp",
    "import jax\nimport jax.numpy as jnp",
    {
        "relu": "jax.nn.relu({x})",
        "clip": "jnp.clip({x}, {0}, {1})",
        "leaky_relu": "jax.nn.leaky_relu({x}, {0})",
        "elu": "jax.nn.elu({x}, {0})",
        "celu": "jax.nn.celu({x}, {0})",
        "selu": "jax.nn.selu({x})",
        "sigmoid": "jax.nn.sigmoid({x})",
        "log_sigmoid": "jax.nn.log_sigmoid({x})",
        "hard_sigmoid": "jnp.clip({0} * {x} + {1}, 0, 1)",
        "tanh": "jnp.tanh({x})",
        "softplus": "jax.nn.softplus({x})",
        "softsign": "jax.nn.soft_sign({x})",
        "silu": "jax.nn.silu({x})",
        "mish": "jax.nn.mish({x})",
        "gelu": "jax.nn.gelu({x}, approximate=False)",
        "gelu_tanh": "jax.nn.gelu({x}, approximate=True)",
        "exp": "jnp.exp({x})",
    },
    array="jnp.asarray({})",
)
SPELLING = Spelling(
    f"import jax\nimport jax.scipy.signal\n\n{EXACT}",
    lines=lines,
    rounds=scipy.by_fft,
    idiom=IDIOM,
)

JAX = Framework(
    "jax",
    title="JAX",
    version="0.10.2",
    functions=(GENERAL, CONV, WITH_GENERAL_PADDING, TRANSPOSE, *SIGNALS),
    main={
        "conv": dict.fromkeys(EVERY_RANK, GENERAL.name),
        "conv_transpose": dict.fromkeys(EVERY_RANK, TRANSPOSE.name),
    },
    prefixes={"lax.": "jax.lax.", "jnp.": "jax.numpy."},
    layers_of="flax",
    dense="f u",  # jax/example_libraries/stax.py Dense
    initial=lecun(fans_last),  # as Flax; the functions draw nothing
    cases=110,
    spelling=SPELLING,
)

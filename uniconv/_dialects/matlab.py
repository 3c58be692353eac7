"""MATLAB: conv, conv2, convn, filter2 and imfilter, on arrays indexed as A(i, j); options by name.

Proved against GNU Octave 7.3.0 and its image package 2.14.0; the deep learning functions rest on
MathWorks' documentation.
"""

from dataclasses import replace

from uniconv.spec import (
    COMPLEX,
    EVERY_RANK,
    NUMPY_INTEGERS,
    UNGROUPED,
    Border,
    CallContext,
    Choice,
    Framework,
    Idiom,
    Layout,
    Op,
    Pad,
    Refusal,
    Scalar,
    Spelling,
    WrittenCall,
    fans_last,
    full,
    glorot,
    same_total,
    valid,
)

DOCS = "https://www.mathworks.com/help/matlab/ref"
IMAGES = "https://www.mathworks.com/help/images/ref/imfilter.html"
OCTAVE = "octave-image 2.14.0 inst/imfilter.m"
BARE = Layout("...", "...", "...", EVERY_RANK[1:])
SHAPES = {"full": full, "same": same_total, "valid": valid}


def full_with_a_border_or_an_even_kernel(call: CallContext, output: str, boundary: object) -> bool:
    return output == "full" and (boundary != 0 or any(k % 2 == 0 for k in call.sizes.kernel))


CONVN = Op(
    "matlab.convn",
    kind="conv",
    params="x:A w:B shape",
    layout=BARE,
    stride=None,
    dilation=None,
    pad=Pad("shape", "full", SHAPES),
    groups=UNGROUPED,
    reverse=True,
    batch=(0, 0),
    dtypes=("float32", "float64", *NUMPY_INTEGERS, *COMPLEX),
    mixed_dtypes="single",
    source=f"{DOCS}/convn.html",
    notes=("y is single where an array is, else double, of integers, too.",),
)
CONV = replace(
    CONVN,
    name="matlab.conv",
    params="x:u w:v shape",
    layout=replace(BARE, ranks=(1,)),
    vectors="both",
    source=f"{DOCS}/conv.html",
    notes=(
        "u and v are vectors: rows, columns, or of one axis.  A whole y lies as the longer one "
        "does, as v where they are alike, a part of it as u.",
        *CONVN.notes,
    ),
)
CONV2 = replace(
    CONVN,
    name="matlab.conv2",
    layout=replace(BARE, ranks=(2,)),
    source=f"{DOCS}/conv2.html",
    notes=("conv2(u, v, A) is separable_conv(A, u, v): u runs along the columns, v the rows.",),
)
CONV2_OF_VECTORS = replace(
    CONV2,
    name="matlab.conv2_uv",
    kind="separable_conv",
    params="x:A w:u p:v shape",
    outer_product=("s0", "s1"),
    vectors="kernels",
    notes=("MATLAB writes conv2(u, v, A): u runs along the columns, v along the rows.",),
)
FILTER2 = replace(
    CONV2,
    name="matlab.filter2",
    params="w:H x:X shape",
    pad=Pad("shape", "same", {"same": same_total, "full": full, "valid": valid}),
    reverse=False,
    source=f"{DOCS}/filter2.html",
    notes=("The kernel comes first, and it is not flipped.",),
)
# The integers that imfilter keeps; float64 does not hold those of 64 bits.
KEPT = ("int8", "uint8", "int16", "uint16", "int32", "uint32")
IMFILTER = Op(
    "matlab.imfilter",
    kind="conv",
    params="x:A w:h boundary output method",
    layout=Layout("s0 s1 n", "s0 s1", "s0 s1 n", (2,)),
    stride=None,
    dilation=None,
    pad=Pad("output", "same", {"same": same_total, "full": full}),
    boundary=Border(
        "boundary",
        {
            0: "constant",
            "symmetric": "symmetric",
            "replicate": "replicate",
            "circular": "circular",
        },
        0,
    ),
    fill=Scalar("boundary", 0),
    groups=UNGROUPED,
    reverse=Choice("method", {"corr": False, "conv": True}, "corr"),
    batch=(0, 1),
    empty_output="refused",
    dtypes=("float32", "float64", *KEPT),
    mixed_dtypes="depth",
    depths={dtype: (dtype,) for dtype in ("float32", "float64", *KEPT)},
    halves="away",
    refusals=(
        Refusal(
            full_with_a_border_or_an_even_kernel,
            ("boundary", "output"),
            "Octave's border is only half as deep as the kernel, and it starts a pixel late under "
            'an even one; MATLAB does not document its own: pad first and ask for "same"',
            OCTAVE,
        ),
    ),
    source=IMAGES,
    notes=(
        "Every channel of A (rows, columns, channels) is filtered alone.",
        "y has A's class; sums are made in double, integers rounded (halves away from zero) and "
        "saturated.",
    ),
)


def lines(call: WrittenCall) -> list[str]:
    order = {"filter2": ["w", "x"], "conv2_uv": ["w", "p", "x"]}.get(call.short, ["x", "w"])
    words = [f"'{v}'" if isinstance(v, str) else repr(v) for v in call.options.values()]
    return [f"y = {call.short.removesuffix('_uv')}({', '.join([*order, *words])});"]


IDIOM = Idiom(
    transpose="permute({x}, {axes})",
    reshape="reshape({x}, {shape})",
    flip="flip({x}, {axis})",
    join="cat({axis}, {parts})",
    nothing="zeros({shape}, class({x}))",
    conj="conj({x})",
    activations={
        "relu": "max({x}, 0)",
        "clip": "min(max({x}, {0}), {1})",
        "sigmoid": "1 ./ (1 + exp(-({x})))",
        "tanh": "tanh({x})",
        "exp": "exp({x})",
    },
)
SPELLING = Spelling(
    "",
    "matlab",
    imports_for={"matlab.imfilter": "% in Octave: pkg load image"},
    lines=lines,
    idiom=IDIOM,
)

MATLAB = Framework(
    "matlab",
    title="MATLAB",
    version="R2024b",
    functions=(CONV, CONV2, CONVN, FILTER2, IMFILTER, CONV2_OF_VECTORS),
    main={
        "conv": dict.fromkeys(EVERY_RANK[1:], CONVN.name) | {1: CONV.name, 2: CONV2.name},
        "separable_conv": {2: CONV2_OF_VECTORS.name},
    },
    aliases=("octave",),
    initial=glorot(fans_last),  # mathworks.com/help convolution2dLayer WeightsInitializer
    spelling=SPELLING,
)

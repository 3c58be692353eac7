"""SciPy: scipy.signal and scipy.ndimage, whose arrays have neither batch nor channel axes.

Proved against SciPy 1.17.1.
"""

from dataclasses import replace

from uniconv.spec import (
    COMPLEX,
    EVERY_RANK,
    NUMPY_INTEGERS,
    UNGROUPED,
    AlongAxes,
    AlongAxis,
    Axis,
    CallContext,
    Choice,
    ElementType,
    Form,
    Framework,
    FullAxes,
    Layout,
    NumbersMean,
    Op,
    Pad,
    Pair,
    Pairs,
    Refusal,
    Scalar,
    Spelling,
    alike,
    along_axis,
    centre_outside_the_kernel,
    full,
    neither_inside_the_other,
    numpy_idiom,
    same_total,
    same_total_lower,
    valid_inside_longer,
)

SIGNAL = "scipy 1.17.1 scipy/signal/_signaltools.py"
IMAGE = "scipy 1.17.1 scipy/ndimage/_filters.py"


def write_one_of(pairs: Pairs, pattern: str) -> object | None:
    moved = {pair for pair in pairs if pair != (0, 0)} or {(0, 0)}
    (lo, hi), *more = moved
    return None if more or lo != hi else lo


ONE_NUMBER = Form("an integer", alike(None, alone=True).read, write_one_of)


def from_centre(sign: int, back: int) -> NumbersMean:
    """Numbers that move the middle of the kernel (SciPy's origin); ``back`` for an even one."""

    def middle(axis: Axis) -> int:
        return (axis.kernel - back) // 2

    def read(axis: Axis, pair: Pair) -> Pair:
        lo = middle(axis) + sign * pair[0]
        return lo, axis.kernel - 1 - lo

    def write(axis: Axis, pair: Pair) -> Pair:
        hi = axis.kernel - 1 - pair[1]
        return sign * (pair[0] - middle(axis)), sign * (hi - middle(axis))

    return NumbersMean(read, write)


def along_one(reading: NumbersMean) -> NumbersMean:
    """The same for a kernel that runs along one axis; it has one tap along the others."""
    return NumbersMean(
        lambda axis, pair: (0, 0) if axis.kernel == 1 else reading.read(axis, pair),
        # (0, 1) is no origin: the form refuses it
        lambda axis, pair: (
            (0, int(pair != (0, 0))) if axis.kernel == 1 else reading.write(axis, pair)
        ),
    )


ORIGIN = from_centre(1, 0)
ORIGIN_FLIPPED = from_centre(-1, 1)
ORIGIN_ALONG = along_one(ORIGIN)
ORIGIN_FLIPPED_ALONG = along_one(ORIGIN_FLIPPED)
BARE = Layout("...", "...", "...", EVERY_RANK)
MODES = {"full": full, "valid": valid_inside_longer, "same": same_total_lower}
METHOD = Choice("method", dict.fromkeys(("auto", "direct", "fft")), "auto")
NARROW = ("bool", "float16")
CONJUGATED = "A complex second array is conjugated."


def valid_and_neither_inside_the_other(call: CallContext, mode: str) -> bool:
    return mode == "valid" and neither_inside_the_other(call)


def valid_and_neither_inside_where_transformed(call: CallContext, mode: str) -> bool:
    """The same for what is multiplied by FFT, where axes of one entry are not transformed."""
    pairs = [p for p in zip(call.sizes.size, call.sizes.kernel) if 1 not in p]
    return mode == "valid" and any(n < k for n, k in pairs) and any(n > k for n, k in pairs)


def origin_beside_one_tap(call: CallContext, origin: int) -> bool:
    return origin != 0 and max(call.sizes.kernel, default=1) == 1


def origin_beside_axes(call: CallContext, axes: object, origin: object) -> bool:
    return axes is not None and len(call.layout.w.split()) < call.rank and origin not in (0, None)


CONVOLVE = Op(
    "scipy.signal.convolve",
    kind="conv",
    params="x:in1 w:in2 mode method",
    layout=BARE,
    stride=None,
    dilation=None,
    pad=Pad("mode", "full", MODES),
    groups=UNGROUPED,
    reverse=True,
    batch=(0, 0),
    dtypes=("float32", "float64", *NUMPY_INTEGERS[1:], *COMPLEX),
    vector_dtypes=NARROW,  # numpy.convolve computes them; scipy/signal/_correlate_nd.cc has none
    converted={"x": NARROW, "w": NARROW},
    mixed_dtypes="numpy",
    reads_lists=True,
    inert_options=(METHOD,),
    refusals=(
        Refusal(
            valid_and_neither_inside_the_other,
            ("mode",),
            "for 'valid' one array must be at least as large as the other in every dimension",
            f"{SIGNAL} _inputs_swap_needed",
        ),
    ),
    empty_output="refused",
    source=f"{SIGNAL} convolve",
    notes=('Integers wrap around, as by method="direct".',),
)
CORRELATE = replace(
    CONVOLVE,
    name="scipy.signal.correlate",
    reverse=False,
    conjugates=True,
    source=f"{SIGNAL} correlate",
    notes=(*CONVOLVE.notes, CONJUGATED),
)
BY_FFT = [
    replace(
        CONVOLVE,
        name=f"scipy.signal.{name}",
        dtypes=("float16", "float32", "float64", *NUMPY_INTEGERS, *COMPLEX),
        vector_dtypes=(),
        converted={},
        mixed_dtypes="fft",
        params="x:in1 w:in2 mode axes",
        inert_options=(FullAxes("axes"),),
        refusals=(replace(CONVOLVE.refusals[0], when=valid_and_neither_inside_where_transformed),),
        source=f"{SIGNAL} {name}",
        notes=("Integers are summed in float64, and stay so.",),
    )
    for name in ("fftconvolve", "oaconvolve")
]
CONVOLVE2D = replace(
    CONVOLVE,
    name="scipy.signal.convolve2d",
    params="x:in1 w:in2 mode boundary fillvalue",
    layout=replace(BARE, ranks=(2,)),
    vector_dtypes=(),
    boundary=Choice(
        "boundary",
        {
            "fill": "constant",
            "wrap": "circular",
            "symm": "symmetric",
            "pad": "constant",
            "circular": "circular",
            "symmetric": "symmetric",
        },
        "fill",
    ),
    fill=Scalar("fillvalue", 0),
    # where in2 is the larger it is slid over in1's zeros, whatever the boundary
    pad=Pad("mode", "full", MODES, borders={"valid": "zeros"}),
    inert_options=(),
    source=f"{SIGNAL} convolve2d",
    notes=(),
)
CORRELATE2D = replace(
    CONVOLVE2D,
    name="scipy.signal.correlate2d",
    reverse=False,
    conjugates=True,
    pad=Pad("mode", "full", {**MODES, "same": same_total}, borders={"valid": "zeros"}),
    source=f"{SIGNAL} correlate2d",
    notes=(CONJUGATED, "same puts the odd pixel after, unlike convolve2d and correlate."),
)

BORDERS = {
    "reflect": "symmetric",
    "constant": "constant",
    "nearest": "replicate",
    "mirror": "reflect",
    "wrap": "circular",
    "grid-mirror": "symmetric",
    "grid-constant": "constant",
    "grid-wrap": "circular",
}
OUTSIDE = Refusal(
    centre_outside_the_kernel,
    ("origin",),
    "origin must satisfy -(k // 2) <= origin <= (k - 1) // 2 for k taps",
    f"{IMAGE} _invalid_origin",
)
# scipy/ndimage/_ni_support.py _get_output; scipy/ndimage/src/ni_support.c has no bool or float16.
OUTPUTS = {d: d for d in (None, "float32", "float64", *NUMPY_INTEGERS[1:], *COMPLEX)}
MOVED = Refusal(
    origin_beside_axes,
    ("axes", "origin"),
    "origin moves along these axes only: give w size 1 along the others, and origin 0 there",
    f"{IMAGE} _expand_origin",
)
NDIMAGE_CORRELATE = Op(
    "scipy.ndimage.correlate",
    kind="conv",
    params="x:input w:weights output mode cval origin * axes",
    layout=AlongAxes("axes", {None: BARE}, None),
    stride=None,
    dilation=None,
    pad=Pad("origin", 0, form=alike(None), reading=ORIGIN),
    boundary=Choice("mode", BORDERS, "reflect"),
    fill=Scalar("cval", 0.0),
    groups=UNGROUPED,
    batch=(0, 0),
    empty_output="refused",
    conjugates=True,
    dtypes=("float32", "float64", *NUMPY_INTEGERS, *COMPLEX),
    converted={"w": ("float16",)},
    mixed_dtypes="x",
    reads_lists=True,
    output="output",
    result_option=ElementType("output", OUTPUTS, None),
    refusals=(MOVED, OUTSIDE),
    source=f"{IMAGE} correlate",
    notes=(
        CONJUGATED,
        '"reflect" repeats the edge pixel, "mirror" does not.',
        "y of integers has the sums, made in float64, without their fractions.",
    ),
)
NDIMAGE_CONVOLVE = replace(
    NDIMAGE_CORRELATE,
    name="scipy.ndimage.convolve",
    pad=Pad("origin", 0, form=alike(None), reading=ORIGIN_FLIPPED),
    reverse=True,
    conjugates=False,
    source=f"{IMAGE} convolve",
    notes=NDIMAGE_CORRELATE.notes[1:],
)
ALONG = AlongAxis("axis", {r - 1: along_axis(r - 1, r) for r in (1, 2, 3)}, -1)
CORRELATE1D = replace(
    NDIMAGE_CORRELATE,
    name="scipy.ndimage.correlate1d",
    params="x:input w:weights axis output mode cval origin",
    layout=ALONG,
    pad=Pad("origin", 0, form=ONE_NUMBER, reading=ORIGIN_ALONG),
    inert_options=(),
    refusals=(OUTSIDE, Refusal(origin_beside_one_tap, ("origin",), OUTSIDE.reason, IMAGE)),
    source=f"{IMAGE} correlate1d",
)
CONVOLVE1D = replace(
    CORRELATE1D,
    name="scipy.ndimage.convolve1d",
    pad=Pad("origin", 0, form=ONE_NUMBER, reading=ORIGIN_FLIPPED_ALONG),
    reverse=True,
    conjugates=False,
    source=f"{IMAGE} convolve1d",
    notes=NDIMAGE_CONVOLVE.notes,
)


def by_fft(op: Op) -> bool:
    return ".signal." in op.name and not op.name.endswith("2d")


SPELLING = Spelling(
    "import scipy.ndimage\nimport scipy.signal",
    rounds=by_fft,
    idiom=numpy_idiom("np", "import numpy as np"),
)

SCIPY = Framework(
    "scipy",
    title="SciPy",
    version="1.17.1",
    functions=(
        *(CONVOLVE, CORRELATE, *BY_FFT, CONVOLVE2D, CORRELATE2D),
        *(NDIMAGE_CORRELATE, NDIMAGE_CONVOLVE, CORRELATE1D, CONVOLVE1D),
    ),
    main={"conv": dict.fromkeys(EVERY_RANK, CONVOLVE.name)},
    prefixes={"ndimage.": "scipy.ndimage.", "signal.": "scipy.signal."},
    spelling=SPELLING,
)

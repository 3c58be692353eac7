"""Torch7 (Lua): modules of nn by their fields; arguments are W before H, kernels H before W.

Read from torch/nn @ 87268255.
"""

from dataclasses import replace

from uniconv.spec import (
    UNGROUPED,
    Crop,
    Framework,
    Layout,
    Op,
    OptionPerAxis,
    Pad,
    PerAxis,
    Refusal,
    alike,
    output_padding_reaches_stride,
    restated,
    valid,
)

SOURCE = "torch/nn @ 87268255"
PLANE, VOLUME = ("H", "W"), ("T", "H", "W")
IMPLIED = restated(nInputPlane="c", nOutputPlane="o", kT="kernel 0", kW="kernel -1", kH="kernel -2")
ADJ = Refusal(
    output_padding_reaches_stride,
    ("adj", "d"),
    "the adj of an axis must be smaller than its stride",
    f"{SOURCE} SpatialFullConvolution.lua",
)
TARGET = (
    "A table {x, target} as input is not read: give adj = (target + 2 * pad - k) % d yourself.",
)


def each(option: str, axes: tuple[str, ...], default: int, **follows: str) -> OptionPerAxis:
    names = tuple(option + axis for axis in axes)
    return OptionPerAxis(names, default, {option + a: option + b for a, b in follows.items()})


SPATIAL = Op(
    "torch7.SpatialConvolution",
    kind="conv",
    params="x:input w:weight bias:bias dW dH padW padH",
    layout=Layout("n c ...", "o i ...", "n o ...", (2,)),
    stride=PerAxis("d", (1, 1), accepts=("axes",)),
    dilation=None,
    pad=Pad("pad", (0, 0), form=alike()),
    per_axis_options={"d": each("d", PLANE, 1), "pad": each("pad", PLANE, 0, H="W")},
    groups=UNGROUPED,
    batch=(0, 1),
    empty_output="refused",
    dtypes=("float32", "float64"),
    constructor_words=IMPLIED,
    source=f"{SOURCE} SpatialConvolution.lua",
    notes=("padH left out is padW.",),
)
DILATED = replace(
    SPATIAL,
    name="torch7.SpatialDilatedConvolution",
    params=f"{SPATIAL.params} dilationW dilationH",
    dilation=PerAxis("dilation", (1, 1), accepts=("axes",)),
    per_axis_options={**SPATIAL.per_axis_options, "dilation": each("dilation", PLANE, 1)},
    source=f"{SOURCE} SpatialDilatedConvolution.lua",
)
FULL = replace(
    SPATIAL,
    name="torch7.SpatialFullConvolution",
    kind="conv_transpose",
    params=f"{SPATIAL.params} adjW adjH",
    layout=Layout("n c ...", "c m ...", "n o ...", (2,)),
    pad=Crop(
        Pad("pad", (0, 0), form=alike()),
        output_padding=PerAxis("adj", (0, 0), least=0, accepts=("axes",)),
    ),
    per_axis_options={
        option: each(option, PLANE, int(option == "d")) for option in ("d", "pad", "adj")
    },
    refusals=(ADJ,),
    source=f"{SOURCE} SpatialFullConvolution.lua",
    notes=("padH left out is 0, not padW.", *TARGET),
)
VOLUMETRIC = replace(
    SPATIAL,
    name="torch7.VolumetricConvolution",
    params="x:input w:weight bias:bias dT dW dH padT padW padH",
    layout=replace(SPATIAL.layouts[0], ranks=(3,)),
    stride=PerAxis("d", (1, 1, 1), accepts=("axes",)),
    pad=Pad("pad", (0, 0, 0), form=alike()),
    per_axis_options={"d": each("d", VOLUME, 1), "pad": each("pad", VOLUME, 0, H="W", W="T")},
    source=f"{SOURCE} VolumetricConvolution.lua",
    notes=("padW left out is padT, padH left out is padW.",),
)
VOLUMETRIC_FULL = replace(
    FULL,
    name="torch7.VolumetricFullConvolution",
    params=f"{VOLUMETRIC.params} adjT adjW adjH",
    layout=replace(FULL.layouts[0], ranks=(3,)),
    stride=VOLUMETRIC.stride,
    pad=Crop(
        Pad("pad", (0, 0, 0), form=alike()),
        output_padding=PerAxis("adj", (0, 0, 0), least=0, accepts=("axes",)),
    ),
    per_axis_options={
        option: each(option, VOLUME, int(option == "d")) for option in ("d", "pad", "adj")
    },
    source=f"{SOURCE} VolumetricFullConvolution.lua",
    notes=("padW and padH left out are 0.", *TARGET),
)
TEMPORAL = replace(
    SPATIAL,
    name="torch7.TemporalConvolution",
    params="x:input w:weight bias:bias dW",
    layout=Layout("n ... c", "o ... i", "n ... o", (1,)),
    stride=PerAxis("dW", accepts=("int",)),
    pad=Pad("", "VALID", {"VALID": valid}),
    per_axis_options={},
    constructor_words=restated(inputFrameSize="c", outputFrameSize="o", kW="kernel"),
    source=f"{SOURCE} TemporalConvolution.lua",
    notes=(
        "The module keeps its weight as (out, kW * in), taps before channels: give it as "
        "weight.reshape(out, kW, in).",
    ),
)

TORCH7 = Framework(
    "torch7",
    title="Torch7",
    version="87268255",
    functions=(SPATIAL, DILATED, FULL, VOLUMETRIC, VOLUMETRIC_FULL, TEMPORAL),
    main={
        "conv": {1: TEMPORAL.name, 2: SPATIAL.name, 3: VOLUMETRIC.name},
        "conv_transpose": {2: FULL.name, 3: VOLUMETRIC_FULL.name},
    },
    aliases=("lua-torch",),
    dense="u f",  # torch/nn Linear.lua
)

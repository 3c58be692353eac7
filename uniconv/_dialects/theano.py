"""Theano: theano.tensor.nnet, true convolutions unless filter_flip=False.

Proved against theano-pymc 1.1.2.
"""

from dataclasses import replace

from uniconv.spec import (
    DEPTHWISE,
    EACH,
    Choice,
    Count,
    Crop,
    Framework,
    InertOption,
    Layout,
    Op,
    Pad,
    PerAxis,
    Spelling,
    WrittenCall,
    alike,
    causal,
    fans_first,
    full,
    glorot,
    half,
    non_negative,
    plain_call,
    restated,
    theano_idiom,
    tuples_only,
    valid,
)

SOURCE = "theano-pymc 1.1.2 theano/tensor/nnet/abstract_conv.py"
WORDS = {"valid": valid, "full": full, "half": half}
FLIP = Choice("filter_flip", {True: True, False: False}, True)
UNSHARED = InertOption("unshared", False, "every pixel of y would have a kernel of its own")
SHAPES = tuple(InertOption(f"{a}_shape", inert=True, sample=None) for a in ("input", "filter"))
# 2-D kernels take a pair (before, after) for an axis.
UNEVEN = tuples_only(non_negative(EACH))
EVEN = tuples_only(alike())


def tuples(option: str, rank: int) -> PerAxis:
    return PerAxis(option, (1,) * rank, accepts=("axes",))


def conv(rank: int) -> Op:
    image = (InertOption("image_shape", inert=True, sample=None),) if rank == 2 else ()
    named = " image_shape" if rank == 2 else ""
    last = " num_groups unshared" if rank == 2 else " num_groups"
    dilated = f"filter_flip{named} filter_dilation{last}"
    return Op(
        f"theano.tensor.nnet.conv{rank}d",
        kind="conv",
        params=f"x:input w:filters input_shape filter_shape border_mode subsample {dilated}",
        layout=Layout("n c ...", "o i ...", "n o ...", (rank,)),
        stride=tuples("subsample", rank),
        dilation=tuples("filter_dilation", rank),
        pad=Pad("border_mode", "valid", WORDS, UNEVEN if rank == 2 else EVEN),
        groups=Count("num_groups"),
        reverse=FLIP,
        empty_output="refused",
        dtypes=("float32", "float64"),
        inert_options=(*SHAPES, *image, *((UNSHARED,) if rank == 2 else ())),
        source=f"{SOURCE} conv{rank}d",
        notes=("half pads kernel // 2 on both sides: an even kernel gives one output more.",),
    )


CONV2D, CONV3D = conv(2), conv(3)
TRANSPOSE = replace(
    CONV2D,
    name="theano.tensor.nnet.conv2d_transpose",
    kind="conv_transpose",
    params="x:input w:filters output_shape filter_shape border_mode input_dilation filter_flip "
    "filter_dilation num_groups unshared",
    layout=Layout("n c ...", "c m ...", "n o ...", (2,)),
    stride=tuples("input_dilation", 2),
    # theano/tensor/nnet/abstract_conv.py conv2d_grad_wrt_inputs: None for batch and channels
    pad=Crop(Pad("border_mode", "valid", WORDS, UNEVEN), shape="output_shape", unknown=True),
    inert_options=(SHAPES[1], UNSHARED),
    source="theano-pymc 1.1.2 theano/tensor/nnet/__init__.py conv2d_transpose",
    notes=(),
)
SEPARABLE = replace(
    CONV2D,
    name="theano.tensor.nnet.separable_conv2d",
    kind="separable_conv",
    params="x:input w:depthwise_filters p:pointwise_filters input_shape depthwise_filter_shape "
    "pointwise_filter_shape border_mode subsample filter_flip filter_dilation",
    groups=DEPTHWISE,
    pointwise="o i ...",
    pointwise_groups=False,
    inert_options=(
        SHAPES[0],
        *(
            InertOption(f"{a}_filter_shape", inert=True, sample=None)
            for a in ("depthwise", "pointwise")
        ),
    ),
    constructor_words=restated(num_channels="c"),
    source=f"{SOURCE} separable_conv2d",
    notes=("Only the depthwise half takes border_mode and subsample.",),
)
CAUSAL = replace(
    CONV2D,
    name="theano.tensor.nnet.causal_conv1d",
    params="x:input w:filters input_shape subsample filter_flip filter_dilation num_groups "
    "unshared",
    layout=Layout("n c ...", "o i ...", "n o ...", (1,)),
    stride=PerAxis("subsample", accepts=("int",)),
    dilation=PerAxis("filter_dilation", accepts=("int",)),
    pad=Pad("", "causal", {"causal": causal}),
    inert_options=(SHAPES[0], UNSHARED),
    constructor_words=restated(filter_shape="shape"),
    source=f"{SOURCE} causal_conv1d",
    notes=(),
)


def lines(call: WrittenCall) -> list[str]:
    name, words = call.function.name, call.words()
    if call.short == "causal_conv1d":
        words = call.words(filter_shape=call.w)
    elif call.short == "separable_conv2d":
        words = call.words(num_channels=call.x[1])
    if call.short in ("causal_conv1d", "separable_conv2d"):
        name = name.replace("nnet.", "nnet.abstract_conv.")
    return plain_call(call, "theano.shared({})", "{}.eval()", name=name, words=words)


# Its 3-D convolution without a compiler sums by FFT.
SPELLING = Spelling(
    "import theano\nimport theano.tensor.nnet.abstract_conv",
    lines=lines,
    rounds=lambda op: True,
    idiom=theano_idiom(),
)

THEANO = Framework(
    "theano",
    title="Theano",
    version="1.1.2",
    functions=(CONV2D, CONV3D, TRANSPOSE, SEPARABLE, CAUSAL),
    main={
        "conv": {1: CAUSAL.name, 2: CONV2D.name, 3: CONV3D.name},
        "conv_transpose": {2: TRANSPOSE.name},
        "separable_conv": {2: SEPARABLE.name},
    },
    initial=glorot(fans_first),  # as Lasagne; the functions draw nothing
    spelling=SPELLING,
)

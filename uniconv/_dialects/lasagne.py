"""Lasagne: layers on Theano, true convolutions unless flip_filters=False.

Proved against Lasagne 0.2.dev1 (commit 5d3c63cb) on theano-pymc 1.1.2.
"""

from dataclasses import replace

from uniconv.spec import (
    ELU,
    RELU,
    SIGMOID,
    SOFTPLUS,
    TANH,
    UNGROUPED,
    ActivationWord,
    CallContext,
    Choice,
    Count,
    Crop,
    Framework,
    InertOption,
    Layout,
    Op,
    Pad,
    PerAxis,
    Refusal,
    Spelling,
    WrittenCall,
    alike,
    fans_first,
    full,
    glorot,
    half,
    leaky,
    restated,
    theano_idiom,
    unchecked,
    valid,
)

SOURCE = "Lasagne/Lasagne@5d3c63cb lasagne/layers/conv.py"
WORDS = {"valid": valid, "full": full, "same": half}


def padded(call: CallContext) -> bool:
    return any(map(any, call.pad))


def same_and_an_even_kernel(call: CallContext, pad: object) -> bool:
    same = isinstance(pad, str) and pad == "same"
    return same and any(k % 2 == 0 for k in call.sizes.kernel)


def same_and_an_even_kernel_transposed(call: CallContext, crop: object) -> bool:
    return same_and_an_even_kernel(call, crop)


NEEDS_ODD = '"same" needs odd kernel sizes'
# A bare layer is a convolution and a rectifier.  lasagne/nonlinearities.py
NONLINEARITY = ActivationWord(
    "nonlinearity",
    {
        "rectify": RELU,
        None: None,
        "linear": None,
        "identity": None,
        "leaky_rectify": leaky(0.01),
        "very_leaky_rectify": leaky(1 / 3),
        "elu": ELU,
        "sigmoid": SIGMOID,
        "tanh": TANH,
        "softplus": SOFTPLUS,
    },
    "rectify",
    packages=("lasagne",),
)
TIED = InertOption("untie_biases", False, "every pixel of y would have a bias of its own")
SHAPE = restated(num_filters="o", filter_size="kernel") | unchecked("name", "convolution")


def conv(rank: int) -> Op:
    return Op(
        f"lasagne.layers.Conv{rank}DLayer",
        kind="conv",
        params="x:incoming w:W bias:b * stride pad untie_biases nonlinearity flip_filters "
        "num_groups",
        layout=Layout("n c ...", "o i ...", "n o ...", (rank,)),
        stride=PerAxis("stride"),
        dilation=None,
        pad=Pad("pad", 0, WORDS, alike()),
        groups=Count("num_groups"),
        reverse=Choice("flip_filters", {True: True, False: False}, True),
        empty_output="refused",
        dtypes=("float32", "float64"),
        inert_options=(TIED,),
        activation=NONLINEARITY,
        refusals=(Refusal(same_and_an_even_kernel, ("pad",), NEEDS_ODD, SOURCE),),
        constructor_words=SHAPE,
        source=f"{SOURCE} Conv{rank}DLayer",
    )


CONVS = tuple(map(conv, (1, 2, 3)))
TRANSPOSED = replace(
    CONVS[1],
    name="lasagne.layers.TransposedConv2DLayer",
    kind="conv_transpose",
    params="x:incoming w:W bias:b * stride crop untie_biases nonlinearity flip_filters output_size",
    layout=Layout("n c ...", "c m ...", "n o ...", (2,)),
    pad=Crop(
        Pad("crop", 0, WORDS, alike()),
        shape="output_size",
        shape_forms=("int", "axes"),
        shape_default=None,
    ),
    groups=UNGROUPED,
    refusals=(Refusal(same_and_an_even_kernel_transposed, ("crop",), NEEDS_ODD, SOURCE),),
    # The flag is inverted: False transposes a true convolution.
    reverse=Choice("flip_filters", {False: True, True: False}, False),
    source=f"{SOURCE} TransposedConv2DLayer",
    notes=("flip_filters=False (the default) transposes a true convolution.",),
)
DILATED = replace(
    CONVS[1],
    name="lasagne.layers.DilatedConv2DLayer",
    params="x:incoming w:W bias:b * dilation pad untie_biases nonlinearity flip_filters",
    layout=Layout("n c ...", "i o ...", "n o ...", (2,)),
    stride=None,
    dilation=PerAxis("dilation"),
    pad=Pad("pad", 0, {"valid": valid}, alike()),
    groups=UNGROUPED,
    reverse=False,
    inert_options=(
        TIED,
        InertOption("flip_filters", False, "this layer never flips its kernel"),
    ),
    refusals=(Refusal(padded, ("pad",), "this layer takes no padding: pad the input", SOURCE),),
    source=f"{SOURCE} DilatedConv2DLayer",
    notes=("A cross-correlation, unlike the other layers.",),
)


def lines(call: WrittenCall) -> list[str]:
    swapped = call.short in ("TransposedConv2DLayer", "DilatedConv2DLayer")
    filters = call.w[1 if swapped else 0]
    own = [f"{filters}", f"{call.w[2:]}", "W=w", f"b={'bias' if call.bias else None}"]
    follows = call.options.get("nonlinearity", "rectify")
    own += [f"nonlinearity={follows and f'lasagne.nonlinearities.{follows}'}"]
    words = [w for w in call.words() if not w.startswith("nonlinearity=")]
    if call.own_arrays:
        return [
            f"inputs = lasagne.layers.InputLayer({call.x}, x)",
            f"layer = {call.function.name}(inputs, {', '.join([*own, *words])})",
            "y = lasagne.layers.get_output(layer)",
        ]
    return [
        "inputs = lasagne.layers.InputLayer(x.shape, theano.shared(x))",
        f"layer = {call.function.name}(inputs, {', '.join([*own, *words])})",
        "y = lasagne.layers.get_output(layer).eval()",
    ]


SPELLING = Spelling(
    "import lasagne\nimport theano", lines=lines, rounds=lambda op: True, idiom=theano_idiom()
)

LASAGNE = Framework(
    "lasagne",
    title="Lasagne",
    version="0.2.dev1",
    functions=(*CONVS, TRANSPOSED, DILATED),
    main={
        "conv": {rank: op.name for rank, op in zip((1, 2, 3), CONVS)},
        "conv_transpose": {2: TRANSPOSED.name},
    },
    dense="f u",  # lasagne/layers/dense.py
    initial=glorot(fans_first),  # lasagne/layers/conv.py
    spelling=SPELLING,
)

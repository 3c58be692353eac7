"""MXNet: mxnet.nd.Convolution and Deconvolution, channels first.

Proved against MXNet 1.9.1 on the CPU.
"""

from dataclasses import replace

from uniconv.spec import (
    EACH_ALIKE,
    REQUIRED,
    CallContext,
    Choice,
    Count,
    Crop,
    Framework,
    Idiom,
    InertOption,
    Initial,
    KernelShape,
    Layout,
    Op,
    Pad,
    PerAxis,
    Refusal,
    Spelling,
    WrittenCall,
    output_padding_reaches_stride,
    plain_call,
    restated,
    strided_and_dilated,
    surplus_lower,
    unchecked,
    unless_output_size,
)

SOURCE = "mxnet 1.9.1 src/operator/nn"
# pad and adj beside target_shape are ignored.
EXTRA_UNLESS_OUT = unless_output_size(lambda axis: surplus_lower(replace(axis, output_padding=0)))
AXES = ("none", "axes")
TUNING = ("workspace", "cudnn_tune", "cudnn_off")
FIRST = {1: "NCW", 2: "NCHW", 3: "NCDHW"}


def layouts(w: str) -> Choice:
    """Channels last exists on a GPU only."""
    table = {None: Layout("n c ...", w, "n o ...")}
    spelled = {FIRST[r]: Layout("n c ...", w, "n o ...", (r,)) for r in (1, 2, 3)}
    return Choice("layout", table | spelled, None)


def target_beyond_the_whole(call: CallContext) -> bool:
    return any(a.output_size is not None and a.output_size > a.whole for a in call.axes)


def odd_crop_at_stride_1(call: CallContext) -> bool:
    return any(
        a.output_size is not None and a.stride == 1 and (a.whole - a.output_size) % 2
        for a in call.axes
    )


def adj_reaches_stride(call: CallContext) -> bool:
    # Beside target_shape adj is not looked at: src/operator/nn/deconvolution-inl.h InferPad
    return not call.output_size and output_padding_reaches_stride(call)


def dilated_and_three_axes(call: CallContext) -> bool:
    return call.rank == 3 and max(call.dilation) > 1


CONVOLUTION = Op(
    "mxnet.nd.Convolution",
    kind="conv",
    params="x:data w:weight bias:bias kernel stride dilate pad num_filter num_group workspace "
    "no_bias cudnn_tune cudnn_off layout out name",
    layout=layouts("o i ..."),
    stride=PerAxis("stride", None, accepts=AXES),
    dilation=PerAxis("dilate", None, accepts=AXES),
    pad=Pad("pad", None, form=EACH_ALIKE),
    groups=Count("num_group"),
    empty_output="refused",
    dtypes=("float32", "float64"),
    inert_options=(
        KernelShape("kernel", REQUIRED),
        *(
            InertOption(name, inert=True, sample=None)
            for name in ("workspace", "cudnn_tune", "cudnn_off")
        ),
    ),
    constructor_words=restated(num_filter="o", no_bias="no bias")
    | unchecked("name", "out", "attr"),
    # Every option is a text to the operator: mxnet 1.9.1 python/mxnet/_ctypes/ndarray.py
    # _imperative_invoke; files of networks have them so ("kernel": "(3, 3)").
    text_lists=("kernel", "stride", "dilate", "pad", "adj", "target_shape"),
    source=f"{SOURCE}/convolution.cc",
)
DECONVOLUTION = replace(
    CONVOLUTION,
    name="mxnet.nd.Deconvolution",
    kind="conv_transpose",
    params="x:data w:weight bias:bias kernel stride dilate pad adj target_shape num_filter "
    "num_group workspace no_bias cudnn_tune cudnn_off layout out name",
    layout=layouts("c m ..."),
    pad=Crop(
        Pad("pad", None, form=EACH_ALIKE, reading=EXTRA_UNLESS_OUT),
        output_padding=PerAxis("adj", None, least=0, accepts=AXES, absent=0),
        shape="target_shape",
        shape_forms=("axes",),
        shape_default=None,
        adjoint=False,
        zeros_unsaid=True,  # src/operator/nn/deconvolution-inl.h InferPad
    ),
    refusals=(
        Refusal(
            adj_reaches_stride,
            ("adj", "stride"),
            "adj must be smaller than stride",
            f"{SOURCE}/deconvolution.cc",
        ),
        Refusal(
            target_beyond_the_whole,
            ("target_shape",),
            "target_shape is larger than the whole result",
            f"{SOURCE}/deconvolution-inl.h InferPad",
        ),
        Refusal(
            odd_crop_at_stride_1,
            ("target_shape", "stride"),
            "with a stride of 1 target_shape can only cut as much before as after",
            f"{SOURCE}/deconvolution-inl.h InferPad",
        ),
        Refusal(
            dilated_and_three_axes,
            ("dilate",),
            "three axes cannot be dilated",
            f"{SOURCE}/deconvolution.cc",
        ),
    ),
    warnings=(
        Refusal(
            strided_and_dilated,
            ("stride", "dilate"),
            "MXNet computes this wrongly on a CPU; uniconv gives what its operator is meant to "
            "give, the transpose of Convolution",
            f"{SOURCE}/deconvolution-inl.h",
        ),
    ),
    source=f"{SOURCE}/deconvolution.cc",
    notes=("pad and adj are ignored beside target_shape.",),
)


def lines(call: WrittenCall) -> list[str]:
    words = call.words(num_filter=call.y[1], no_bias=not call.bias)
    words = [w for w in words if not w.endswith("=None")]  # options are text: there is no None
    array = "mxnet.nd.array({0}, dtype={0}.dtype)"
    return plain_call(call, array, "{}.asnumpy()", words=words)


IDIOM = Idiom(
    transpose="{x}.transpose({axes})",
    # Of a view MXNet 1.9.1's Deconvolution fails: "Check failed: !is_view", ndarray.cc.
    reshape="{x}.reshape({shape}).copy()",
    flip="mxnet.nd.flip({x}, {axes})",
    join="mxnet.nd.concat({parts}, dim={axis})",
    activations={
        "relu": "mxnet.nd.relu({x})",
        "clip": "mxnet.nd.clip({x}, {0}, {1})",
        "leaky_relu": 'mxnet.nd.LeakyReLU({x}, act_type="leaky", slope={0})',
        "elu": 'mxnet.nd.LeakyReLU({x}, act_type="elu", slope={0})',
        "selu": 'mxnet.nd.LeakyReLU({x}, act_type="selu")',
        "sigmoid": "mxnet.nd.sigmoid({x})",
        "tanh": "mxnet.nd.tanh({x})",
        "softplus": 'mxnet.nd.Activation({x}, act_type="softrelu")',
        "softsign": "mxnet.nd.softsign({x})",
        "exp": "mxnet.nd.exp({x})",
    },
    nothing="mxnet.nd.zeros({shape}, dtype={x}.dtype)",
    empty=False,  # 0 is a size to be inferred: python/mxnet/util.py is_np_shape
    array="mxnet.nd.array({0}, dtype={0}.dtype)",
    result="{}.asnumpy()",
)
SPELLING = Spelling("import mxnet", lines=lines, idiom=IDIOM)

MXNET = Framework(
    "mxnet",
    title="MXNet",
    version="1.9.1",
    functions=(CONVOLUTION, DECONVOLUTION),
    main={
        "conv": dict.fromkeys((1, 2, 3), CONVOLUTION.name),
        "conv_transpose": dict.fromkeys((1, 2, 3), DECONVOLUTION.name),
    },
    prefixes={"mx.": "mxnet."},
    dense="u f",  # apache/mxnet src/operator/nn/fully_connected.cc
    initial=Initial("uniform", lambda shape, groups: 0.07),  # mxnet/gluon/parameter.py
    cases=200,
    spelling=SPELLING,
)

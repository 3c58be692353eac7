"""ONNX operators, as ONNX Runtime computes them; attributes by name.

Proved against ONNX Runtime 1.32.0, and onnx 1.23.2's reference where its CPU kernels lack a type.
"""

from dataclasses import replace

from uniconv.spec import (
    EVERY_RANK,
    HARD_SWISH,
    RELU,
    SIGMOID,
    TANH,
    ActivationWord,
    Axis,
    BesideOutput,
    CallContext,
    Choice,
    Count,
    Crop,
    Form,
    Framework,
    InertOption,
    KernelShape,
    Layout,
    OneZeroPoint,
    Op,
    Pad,
    Pair,
    Pairs,
    PerAxis,
    Refusal,
    Spelling,
    WrittenCall,
    ZeroPoint,
    clip,
    hard_sigmoid,
    integers,
    leaky,
    non_negative,
    numpy_idiom,
    output_padding_reaches_stride,
    surplus_lower,
    surplus_upper,
    unchecked,
    unless_output_size,
    valid,
)

SPEC = "onnx 1.23.2 docs/Operators.md"
RUNTIME = "onnxruntime 1.32.0 onnxruntime/core/providers/cpu/nn/conv_transpose_attributes.h"


def read_begins_ends(value: object, pattern: str, rank: int) -> Pairs | None:
    entries = integers(value)
    if entries is None or len(entries) != 2 * rank:
        return None
    return tuple(zip(entries[:rank], entries[rank:]))


BEGINS_ENDS = Form(
    "a list of what is before each spatial axis, then what is after each, negative to crop",
    read_begins_ends,
    lambda pairs, pattern: [lo for lo, _ in pairs] + [hi for _, hi in pairs],
)


# pads beside output_shape are ignored.
UNLESS_OUT = unless_output_size(surplus_lower)
LIST = ("none", "axes")
PADS = non_negative(BEGINS_ENDS)


def same_upper(axis: Axis) -> Pair:
    """As TensorFlow's; what is less than no padding is cropped, but for one pixel."""
    more, less = _same(axis)
    lo = more // 2 - less // 2
    return lo, more - less - lo


def same_lower(axis: Axis) -> Pair:
    """As ``same_upper``, the odd pixel before; one or two more are cropped after than before."""
    more, less = _same(axis)
    lo = (more + 1) // 2 - max(less - 1, 0) // 2
    return lo, more - less - lo


def _same(axis: Axis) -> tuple[int, int]:
    """How many pixels SAME pads, and how many it crops in their place."""
    n, s = axis.size, axis.stride
    total = ((n + s - 1) // s - 1) * s + axis.extent - n
    return max(total, 0), max(-total - 1, 0)


def dilated_same_below_nothing(call: CallContext, auto_pad: str) -> bool:
    """Whether SAME would take pixels off the start of an axis, in a call with dilations."""
    words = {"SAME_UPPER": same_upper, "SAME_LOWER": same_lower}
    word = words.get(auto_pad)
    return word is not None and max(call.dilation) > 1 and any(word(a)[0] < 0 for a in call.axes)


def dilated_beside_same(call: CallContext, auto_pad: str) -> bool:
    return auto_pad in ("SAME_UPPER", "SAME_LOWER") and max(call.dilation) > 1


def output_beyond_a_stride(call: CallContext) -> bool:
    """Whether the output shape asks for a whole stride more than the whole result."""
    return any(a.output_size is not None and a.output_size >= a.whole + a.stride for a in call.axes)


CONV = Op(
    "onnx.Conv",
    kind="conv",
    params="x:X w:W bias:B auto_pad dilations group kernel_shape pads strides",
    layout=Layout("n c ...", "o i ...", "n o ...", EVERY_RANK[1:]),
    stride=PerAxis("strides", None, accepts=LIST),
    dilation=PerAxis("dilations", None, accepts=LIST),
    pad=Pad(
        "pads",
        None,
        form=PADS,
        word_option=Choice(
            "auto_pad",
            {"NOTSET": None, "SAME_UPPER": same_upper, "SAME_LOWER": same_lower, "VALID": valid},
            "NOTSET",
        ),
    ),
    groups=Count("group"),
    empty_output="refused",
    dtypes=("float16", "bfloat16", "float32", "float64"),
    inert_options=(KernelShape("kernel_shape"),),
    constructor_words=unchecked("name", "doc_string", "domain", "overload"),
    refusals=(
        Refusal(
            dilated_same_below_nothing,
            ("auto_pad", "strides", "dilations"),
            "where the kernel is shorter than the stride SAME needs less than no padding: ONNX "
            "pads nothing; ONNX Runtime, which takes no dilations beside SAME, would crop and so "
            "start later; say which by pads",
            "onnxruntime 1.32.0 onnxruntime/core/providers/common.h ComputePad",
        ),
    ),
    source=f"{SPEC} Conv",
)
TRANSPOSE = replace(
    CONV,
    name="onnx.ConvTranspose",
    kind="conv_transpose",
    params="x:X w:W bias:B auto_pad dilations group kernel_shape output_padding output_shape pads "
    "strides",
    layout=Layout("n c ...", "c m ...", "n o ...", EVERY_RANK[1:]),
    pad=Crop(
        Pad(
            "pads",
            None,
            form=PADS,
            word_option=Choice(
                "auto_pad",
                {
                    "NOTSET": None,
                    "SAME_UPPER": surplus_upper,
                    "SAME_LOWER": surplus_lower,
                    "VALID": BesideOutput(surplus_lower),
                },
                "NOTSET",
            ),
            reading=UNLESS_OUT,
        ),
        output_padding=PerAxis("output_padding", None, least=0, accepts=LIST, absent=None),
        shape="output_shape",
        shape_forms=("axes",),
        shape_default=None,
        adjoint=False,
    ),
    refusals=(
        Refusal(
            output_padding_reaches_stride,
            ("output_padding", "strides", "dilations"),
            "output_padding must be less than the stride; ONNX allows less than the dilation, too, "
            "ONNX Runtime refuses it (https://github.com/microsoft/onnxruntime/issues/14208)",
            RUNTIME,
        ),
        Refusal(
            output_beyond_a_stride,
            ("output_shape", "strides"),
            "output_shape is larger than the whole result of these strides and dilations by a "
            "stride or more",
            RUNTIME,
        ),
    ),
    source=f"{SPEC} ConvTranspose",
    notes=(
        "pads is ignored beside output_shape.",
        # https://github.com/onnx/onnx/issues/2788, https://github.com/onnx/onnx/issues/1609
        "SAME gives size * stride outputs or, of a kernel shorter than the stride, what there is "
        "with output_padding; ONNX's shape inference promises more.",
    ),
)
# onnxruntime 1.32.0 onnxruntime/contrib_ops/cpu/fused_activation.cc
ACTIVATION = ActivationWord(
    "activation",
    {
        None: None,
        "Relu": RELU,
        "LeakyRelu": leaky,
        "Tanh": TANH,
        "Sigmoid": SIGMOID,
        "Clip": clip,
        "HardSigmoid": hard_sigmoid,
        "HardSwish": HARD_SWISH,
    },
    None,
    numbers="activation_params",
)
FUSED = replace(
    CONV,
    name="onnx.FusedConv",
    params="x:X w:W bias:B Z activation activation_params auto_pad dilations group kernel_shape "
    "pads strides",
    activation=ACTIVATION,
    dtypes=("float32",),
    refusals=(
        Refusal(
            dilated_beside_same,
            ("auto_pad", "dilations"),
            "Dilation not supported for AutoPadType::SAME_UPPER or AutoPadType::SAME_LOWER",
            "onnxruntime 1.32.0 onnxruntime/core/providers/common.h ComputePad",
        ),
    ),
    inert_options=(
        *CONV.inert_options,
        InertOption("activation_params", None, inert=True, sample=None),
        InertOption("Z", None, "call onnx.Conv, then add Z and apply the activation"),
    ),
    source="onnxruntime 1.32.0 docs/ContribOperators.md com.microsoft.FusedConv",
    notes=("Of the domain com.microsoft: what ONNX Runtime makes of Conv and what follows it.",),
)
INTEGER = replace(
    CONV,
    name="onnx.ConvInteger",
    params="x:x w:w x_zero_point w_zero_point auto_pad dilations group kernel_shape pads strides",
    dtypes=("uint8", "int8"),
    mixed_dtypes=True,
    zero_points=(
        OneZeroPoint("x_zero_point", 0, or_none=True),
        ZeroPoint("w_zero_point", 0, or_none=True),
    ),
    result="int32",
    source=f"{SPEC} ConvInteger",
    notes=("y is int32; what lies outside x is its zero point.",),
)


MICROSOFT = ', helper.make_opsetid("com.microsoft", 1)'


def lines(call: WrittenCall) -> list[str]:
    """A model of one node, run by ONNX Runtime."""
    zeros = ("x_zero_point", "w_zero_point")
    feeds = {"X": "x", "W": "w"}
    if call.short == "ConvInteger":
        feeds |= {z: f"np.array({call.options.get(z, 0)}, {r}.dtype)" for z, r in zip(zeros, "xw")}
    words = [f"{n}={v!r}" for n, v in call.options.items() if v is not None and n not in zeros]
    own = call.short == "FusedConv"
    words += ['domain="com.microsoft"'] if own else []
    if call.own_arrays:
        inputs = '["x", "w", "bias"]' if call.bias else '["x", "w"]'
        arguments = ", ".join([f'"{call.short}"', inputs, '["y"]', *words])
        return [f"helper.make_node({arguments})"]
    attributes = ", ".join([f'"{call.short}"', "list(feeds)", '["Y"]', *words])
    result = f'np.dtype("{call.function.result}")' if call.function.result else "x.dtype"
    fed = ", ".join(f'"{name}": {value}' for name, value in feeds.items())
    return [
        f"feeds = {{{fed}}}",
        "helper, kind = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype",
        f"node = helper.make_node({attributes})",
        "inputs = [helper.make_tensor_value_info(n, kind(a.dtype), a.shape) "
        "for n, a in feeds.items()]",
        f'output = helper.make_tensor_value_info("Y", kind({result}), None)',
        'graph = helper.make_graph([node], "probe", inputs, [output])',
        f'imports = [helper.make_opsetid("", 22){MICROSOFT if own else ""}]',
        "model = helper.make_model(graph, opset_imports=imports, ir_version=10)",
        "session = onnxruntime.InferenceSession(model.SerializeToString())",
        "y = session.run(None, feeds)[0]",
    ]


def node(kind: str, inputs: str = '"{x}"', attributes: str = "") -> str:
    """A node's code, with places for names."""
    more = f", {attributes}" if attributes else ""
    return f'helper.make_node("{kind}", [{inputs}], ["{{y}}"]{more})'


PAD = '"{x}", "{pads}"'
IDIOM = replace(
    numpy_idiom("np", "import numpy as np\nfrom onnx import helper"),
    nodes={
        "transpose": node("Transpose", attributes="perm={axes}"),
        "reshape": node("Reshape", '"{x}", "{shape}"'),
        "unsqueeze": node("Unsqueeze", '"{x}", "{axes}"'),
        "squeeze": node("Squeeze", '"{x}", "{axes}"'),
        "slice": node("Slice", '"{x}", "{starts}", "{ends}", "{axes}", "{steps}"'),
        "zeros": node("Pad", PAD),
        "constant": node("Pad", f'{PAD}, "{{fill}}"'),
        "reflect": node("Pad", PAD, 'mode="reflect"'),
        "replicate": node("Pad", PAD, 'mode="edge"'),
        "circular": node("Pad", PAD, 'mode="wrap"'),
        "multiply": node("Mul", '"{x}", "{b}"'),
        "add": node("Add", '"{x}", "{b}"'),
        "integers": node("Constant", "", "value_ints={value}"),
        "number": node("Constant", "", "value_float={value}"),
        "relu": node("Relu"),
        "sigmoid": node("Sigmoid"),
        "tanh": node("Tanh"),
        "leaky_relu": node("LeakyRelu", attributes="alpha={0}"),
        "elu": node("Elu", attributes="alpha={0}"),
        "celu": node("Celu", attributes="alpha={0}"),
        "selu": node("Selu"),
        "hard_sigmoid": node("HardSigmoid", attributes="alpha={0}, beta={1}"),
        "softplus": node("Softplus"),
        "softsign": node("Softsign"),
        "mish": node("Mish"),
        "gelu": node("Gelu"),
        "gelu_tanh": node("Gelu", attributes='approximate="tanh"'),
        "exp": node("Exp"),
        "clip": node("Clip", '"{x}", "{low}", "{high}"'),
    },
    run="""\
arrays = {name: globals()[name] for name in ("x", "w", "p", "bias") if name in globals()}
kind = helper.np_dtype_to_tensor_dtype
inputs = [helper.make_tensor_value_info(n, kind(a.dtype), a.shape) for n, a in arrays.items()]
output = helper.make_tensor_value_info("y", kind(x.dtype), None)
graph = helper.make_graph(nodes, "translated", inputs, [output])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
y = onnxruntime.InferenceSession(model.SerializeToString()).run(None, arrays)[0]
""",
)
SPELLING = Spelling("import onnx.helper\nimport onnxruntime", lines=lines, idiom=IDIOM)

ONNX = Framework(
    "onnx",
    title="ONNX",
    version="1.23.2",
    functions=(CONV, TRANSPOSE, INTEGER, FUSED),
    main={
        "conv": dict.fromkeys(EVERY_RANK[1:], CONV.name),
        "conv_transpose": dict.fromkeys(EVERY_RANK[1:], TRANSPOSE.name),
    },
    aliases=("onnxruntime",),
    prefixes={"com.microsoft.": "onnx."},
    cases=300,
    spelling=SPELLING,
)

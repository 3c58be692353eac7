"""OpenVINO: the convolutions of its operation sets, as openvino.opset13 names their attributes.

Proved against OpenVINO 2026.4.1 on the CPU.
"""

from dataclasses import replace

from uniconv.spec import (
    AS_IS,
    BY_CHANNELS,
    LOWS_HIGHS,
    REQUIRED,
    UNGROUPED,
    BesideOutput,
    Choice,
    Crop,
    Framework,
    Idiom,
    InertOption,
    Layout,
    NumbersMean,
    Op,
    OptionPerAxis,
    Pad,
    PerAxis,
    Spelling,
    WrittenCall,
    non_negative,
    nothing_cropped,
    or_nothing,
    same_lower,
    same_upper,
    surplus_lower,
    surplus_upper,
    valid,
)

RUNTIME = "openvino 2026.4.1 src/core/shape_inference/include"
# Numbers that an output shape makes idle.
IDLE_BESIDE_OUT = NumbersMean(
    lambda axis, pair: pair if axis.output_size is None else (0, 0),
    lambda axis, pair: pair if axis.output_size is None else (0, 0),
)


PADS = ("pads_begin", "pads_end")
AXES = ("axes",)
NAME = InertOption("name", inert=True)

CONV = Op(
    "openvino.convolution",
    kind="conv",
    params="x:data w:filters strides pads_begin pads_end dilations auto_pad name",
    layout=Layout("n c ...", "o i ...", "n o ..."),
    stride=PerAxis("strides", REQUIRED, accepts=AXES),
    dilation=PerAxis("dilations", REQUIRED, accepts=AXES),
    pad=Pad(
        "pads",
        REQUIRED,
        form=non_negative(LOWS_HIGHS),
        word_option=Choice(
            "auto_pad",
            {"EXPLICIT": None, "SAME_UPPER": same_upper, "SAME_LOWER": same_lower, "VALID": valid},
            "EXPLICIT",
            any_case=True,
        ),
        numbers_beside_word="ignored",
    ),
    per_axis_options={"pads": OptionPerAxis(PADS)},
    groups=UNGROUPED,
    empty_output="refused",
    dtypes=("float16", "float32", "float64"),
    inert_options=(NAME,),
    source=f"{RUNTIME}/convolution_shape_inference.hpp",
    notes=(
        "pads_begin and pads_end are ignored beside another auto_pad than EXPLICIT.",
        "OpenVINO's CPU sums in float32, float64 too.",
    ),
)
GROUP = replace(
    CONV,
    name="openvino.group_convolution",
    layout=Layout("n c ...", "g m i ...", "n o ..."),
    groups=BY_CHANNELS,
    source=f"{RUNTIME}/group_convolution_shape_inference.hpp",
    notes=(*CONV.notes, "The kernel has an axis of its own for the groups."),
)


def backprop(name: str, auto_pad: str | None, base: Op, w: str, reading: NumbersMean = AS_IS) -> Op:
    words = {
        "EXPLICIT": None,
        "SAME_UPPER": BesideOutput(surplus_lower),  # sic: what exceeds is cut before
        "SAME_LOWER": BesideOutput(surplus_upper),
        "VALID": nothing_cropped,
    }
    return replace(
        base,
        name=f"openvino.{name}",
        kind="conv_transpose",
        params="x:data w:filters strides output_shape pads_begin pads_end dilations auto_pad "
        "output_padding name",
        layout=Layout("n c ...", w, "n o ..."),
        dilation=PerAxis("dilations", None, accepts=("none", *AXES)),
        pad=Crop(
            Pad(
                "pads",
                (None, None),
                form=or_nothing(non_negative(LOWS_HIGHS)),
                word_option=Choice(
                    "auto_pad",
                    words if auto_pad else {None: None} | words,
                    auto_pad,
                    any_case=True,
                ),
                numbers_beside_word="ignored",
                reading=reading,
            ),
            output_padding=PerAxis(
                "output_padding", None, least=0, accepts=("none", *AXES), absent=0
            ),
            shape="output_shape",
            shape_forms=AXES,
            shape_default=None,
            adjoint=False,
        ),
        per_axis_options={"pads": OptionPerAxis(PADS, None)},
        source=f"{RUNTIME}/{name}_shape_inference.hpp",
        notes=(
            "Beside output_shape, SAME_UPPER cuts the larger half before, SAME_LOWER after; "
            "without it they cut nothing.",
        ),
    )


BACKPROP = backprop("convolution_backprop_data", None, CONV, "c m ...")
GROUP_BACKPROP = backprop(
    "group_convolution_backprop_data", "EXPLICIT", GROUP, "g i m ...", IDLE_BESIDE_OUT
)
GROUP_BACKPROP = replace(
    GROUP_BACKPROP,
    notes=(*GROUP_BACKPROP.notes, "pads_begin and pads_end are ignored beside output_shape."),
)


def lines(call: WrittenCall) -> list[str]:
    """A model of one operation, compiled for the CPU."""
    words = []
    for name, value in call.options.items():
        text = repr(value)
        if name == "output_shape" and value is not None:
            text = f"opset13.constant(np.array({list(value)}, np.int64))"
        words.append(f"{name}={text}")
    if call.own_arrays:
        return [f"y = opset13.{call.short}({', '.join(['x', 'w', *words])})"]
    arguments = ", ".join(["inputs", "opset13.constant(w)", *words])
    return [
        "inputs = opset13.parameter(x.shape, x.dtype)",
        f"model = openvino.Model([opset13.{call.short}({arguments})], [inputs])",
        'exact = {"INFERENCE_PRECISION_HINT": "f32"}',
        'y = openvino.compile_model(model, "CPU", exact)([x])[0]',
    ]


IDIOM = Idiom(
    transpose="opset13.transpose({x}, {axes})",
    reshape="opset13.reshape({x}, {shape}, False)",
    pad={
        "constant": 'opset13.pad({x}, {lows}, {highs}, "constant", {fill})',
        "reflect": 'opset13.pad({x}, {lows}, {highs}, "reflect")',
        "symmetric": 'opset13.pad({x}, {lows}, {highs}, "symmetric")',
        "replicate": 'opset13.pad({x}, {lows}, {highs}, "edge")',
    },
    part="opset13.slice({x}, {starts}, {stops}, {steps}, {axes})",
    number="opset13.constant({n}, {x}.get_element_type())",
    join="opset13.concat([{parts}], {axis})",
    activations={
        "relu": "opset13.relu({x})",
        "clip": "opset13.clamp({x}, {0}, {1})",
        "elu": "opset13.elu({x}, {0})",
        "sigmoid": "opset13.sigmoid({x})",
        "tanh": "opset13.tanh({x})",
        "softplus": "opset13.softplus({x})",
        "softsign": "opset13.softsign({x})",
        "mish": "opset13.mish({x})",
        "gelu": 'opset13.gelu({x}, "ERF")',
        "gelu_tanh": 'opset13.gelu({x}, "TANH")',
        "exp": "opset13.exp({x})",
    },
    array="opset13.constant({})",
    result='openvino.compile_model(openvino.Model([{}], []), "CPU", '
    '{{"INFERENCE_PRECISION_HINT": "f32"}})([])[0]',
)
SPELLING = Spelling("import openvino\nfrom openvino import opset13", lines=lines, idiom=IDIOM)

OPENVINO = Framework(
    "openvino",
    title="OpenVINO",
    version="2026.4.1",
    functions=(CONV, GROUP, BACKPROP, GROUP_BACKPROP),
    main={
        "conv": dict.fromkeys((1, 2, 3), CONV.name),
        "conv_transpose": dict.fromkeys((1, 2, 3), BACKPROP.name),
    },
    spelling=SPELLING,
)

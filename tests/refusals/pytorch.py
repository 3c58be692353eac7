"""Calls that PyTorch 2.13.0 refuses, for every function and module of the family."""

from tests.refusals.bad_call import BadCall, Call
from uniconv.errors import BadArray, BadOption, BadShape, Refused

X1 = (2, 4, 9)
W1 = (6, 4, 3)
X2 = (2, 4, 7, 9)
W2 = (6, 4, 3, 2)
X3 = (2, 4, 5, 6, 7)
W3 = (6, 4, 3, 2, 1)
T1 = (2, 4, 5)
V1 = (4, 6, 3)
T2 = (2, 4, 5, 6)
V2 = (4, 6, 3, 2)
T3 = (2, 4, 3, 4, 5)
V3 = (4, 6, 3, 2, 1)

# One call of every function that it takes: what is refused below is not refused by accident.
GOOD = [
    Call("torch.nn.functional.conv1d", {"stride": 2, "padding": 1}, X1, W1),
    Call("torch.nn.functional.conv2d", {"stride": 2, "padding": 1}, X2, W2),
    Call("torch.nn.functional.conv3d", {"stride": 2, "padding": 1}, X3, W3),
    Call("torch.nn.functional.conv_transpose1d", {"stride": 2, "output_padding": 1}, T1, V1),
    Call("torch.nn.functional.conv_transpose2d", {"stride": 2, "output_padding": 1}, T2, V2),
    Call("torch.nn.functional.conv_transpose3d", {"stride": 2, "output_padding": 1}, T3, V3),
    Call("torch.nn.Conv1d", {"stride": 2, "padding": 1}, X1, W1),
    Call("torch.nn.Conv2d", {"stride": 2, "padding": 1}, X2, W2),
    Call("torch.nn.Conv3d", {"stride": 2, "padding": 1}, X3, W3),
    Call("torch.nn.ConvTranspose1d", {"stride": 2, "output_padding": 1}, T1, V1),
    Call("torch.nn.ConvTranspose2d", {"stride": 2, "output_padding": 1}, T2, V2),
    Call("torch.nn.ConvTranspose3d", {"stride": 2, "output_padding": 1}, T3, V3),
]

BAD = [
    BadCall(
        "torch.nn.functional.conv1d",
        {"strides": 2},
        X1,
        W1,
        BadOption,
        'torch.nn.functional.conv1d has no option "strides": did you mean "stride"?',
    ),
    BadCall(
        "torch.nn.functional.conv1d",
        {"stride": 0},
        X1,
        W1,
        BadOption,
        "torch.nn.functional.conv1d: stride=0 must be at least 1",
    ),
    BadCall(
        "torch.nn.functional.conv1d",
        {"stride": (1, 2)},
        X1,
        W1,
        BadOption,
        "torch.nn.functional.conv1d: stride=(1, 2) must be an integer or a list of 1 integer",
    ),
    BadCall(
        "torch.nn.functional.conv1d",
        {"padding": "SAME"},
        X1,
        W1,
        BadOption,
        (
            'torch.nn.functional.conv1d: padding="SAME" is not one of "valid", "same" (PyTorch is'
            ' case-sensitive): did you mean "same"?'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv1d",
        {"padding": "same", "stride": 2},
        X1,
        W1,
        Refused,
        (
            'torch.nn.functional.conv1d: padding="same", stride=2: a strided convolution cannot '
            "keep the size; give the padding as numbers [pytorch 2.13.0 "
            "aten/src/ATen/native/Convolution.cpp]"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv1d",
        {},
        (9,),
        W1,
        BadShape,
        (
            'torch.nn.functional.conv1d: x (9,) has 1 axis, but read as "n c ..." with the 1 '
            "spatial axis of w (6, 4, 3) it must have 2 or 3"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv1d",
        {},
        (1, 2, 4, 9),
        W1,
        BadShape,
        (
            'torch.nn.functional.conv1d: x (1, 2, 4, 9) has 4 axes, but read as "n c ..." with '
            "the 1 spatial axis of w (6, 4, 3) it must have 2 or 3"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv1d",
        {},
        X1,
        W2,
        BadShape,
        (
            'torch.nn.functional.conv1d: w (6, 4, 3, 2) has 4 axes, but read as "o i ..." it must'
            " have 3"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv1d",
        {},
        (2, 4, 2),
        W1,
        BadShape,
        (
            'torch.nn.functional.conv1d: x (2, 4, 2) read as "n c ..." has spatial sizes (2,), '
            "the kernel spans (3,), and the padding is ((0, 0),): no window fits; pad more, or "
            "make the kernel or its dilation smaller"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv1d",
        {"dilation": 4},
        (2, 4, 8),
        W1,
        BadShape,
        (
            'torch.nn.functional.conv1d: x (2, 4, 8) read as "n c ..." has spatial sizes (8,), '
            "the kernel spans (9,), and the padding is ((0, 0),): no window fits; pad more, or "
            "make the kernel or its dilation smaller"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"strides": 1},
        X2,
        W2,
        BadOption,
        'torch.nn.functional.conv2d has no option "strides": did you mean "stride"?',
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"group": 2},
        X2,
        W2,
        BadOption,
        'torch.nn.functional.conv2d has no option "group": did you mean "groups"?',
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"padding_mode": "reflect"},
        X2,
        W2,
        BadOption,
        'torch.nn.functional.conv2d has no option "padding_mode": did you mean "padding"?',
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"output_padding": 1},
        X2,
        W2,
        BadOption,
        'torch.nn.functional.conv2d has no option "output_padding": did you mean "padding"?',
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"data_format": "NHWC"},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.functional.conv2d has no option "data_format"; it has stride, padding, '
            "dilation, groups"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"padding": "Same"},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.functional.conv2d: padding="Same" is not one of "valid", "same" (PyTorch is'
            ' case-sensitive): did you mean "same"?'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"padding": "full"},
        X2,
        W2,
        BadOption,
        'torch.nn.functional.conv2d: padding="full" is not one of "valid", "same"',
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"padding": "same", "stride": 2},
        X2,
        W2,
        Refused,
        (
            'torch.nn.functional.conv2d: padding="same", stride=2: a strided convolution cannot '
            "keep the size; give the padding as numbers [pytorch 2.13.0 "
            "aten/src/ATen/native/Convolution.cpp]"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"padding": -1},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.functional.conv2d: padding=-1 must be one of "valid", "same", or an integer'
            " of at least 0, or one per spatial axis: as many pixels before as after"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"padding": (1, -1)},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.functional.conv2d: padding=(1, -1) must be one of "valid", "same", or an '
            "integer of at least 0, or one per spatial axis: as many pixels before as after; x "
            'read as "n c ..." has 4 axes, 2 of them spatial'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"padding": 1.0},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.functional.conv2d: padding=1.0 must be one of "valid", "same", or an '
            "integer of at least 0, or one per spatial axis: as many pixels before as after"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"padding": None},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.functional.conv2d: padding=None must be one of "valid", "same", or an '
            "integer of at least 0, or one per spatial axis: as many pixels before as after"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"padding": True},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.functional.conv2d: padding=True must be one of "valid", "same", or an '
            "integer of at least 0, or one per spatial axis: as many pixels before as after"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"padding": [[1, 1], [1, 1]]},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.functional.conv2d: padding=[[1, 1], [1, 1]] must be one of "valid", "same",'
            " or an integer of at least 0, or one per spatial axis: as many pixels before as "
            'after; x read as "n c ..." has 4 axes, 2 of them spatial'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"padding": ()},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.functional.conv2d: padding=() must be one of "valid", "same", or an integer'
            " of at least 0, or one per spatial axis: as many pixels before as after; x read as "
            '"n c ..." has 4 axes, 2 of them spatial'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"stride": (1, 0)},
        X2,
        W2,
        BadOption,
        "torch.nn.functional.conv2d: stride=(1, 0) must be at least 1 on every axis",
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"stride": None},
        X2,
        W2,
        BadOption,
        ("torch.nn.functional.conv2d: stride=None must be an integer or a list of 1 or 2 integers"),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"stride": True},
        X2,
        W2,
        BadOption,
        ("torch.nn.functional.conv2d: stride=True must be an integer or a list of 1 or 2 integers"),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"stride": (1, 2, 1)},
        X2,
        W2,
        BadOption,
        (
            "torch.nn.functional.conv2d: stride=(1, 2, 1) must be an integer or a list of 1 or 2 "
            "integers"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"stride": [1, 2, 2, 1]},
        X2,
        W2,
        BadOption,
        (
            "torch.nn.functional.conv2d: stride=[1, 2, 2, 1] must be an integer or a list of 1 or"
            " 2 integers"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"dilation": 0},
        X2,
        W2,
        BadOption,
        "torch.nn.functional.conv2d: dilation=0 must be at least 1",
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"dilation": 1.5},
        X2,
        W2,
        BadOption,
        (
            "torch.nn.functional.conv2d: dilation=1.5 must be an integer or a list of 1 or 2 "
            "integers"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"groups": 3},
        X2,
        W2,
        BadShape,
        (
            'torch.nn.functional.conv2d: x (2, 4, 7, 9) read as "n c ..." has c = 4, w (6, 4, 3, '
            '2) read as "o i ..." has i = 4, groups = 3; c must be i * groups = 12'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"groups": 2},
        X2,
        W2,
        BadShape,
        (
            'torch.nn.functional.conv2d: x (2, 4, 7, 9) read as "n c ..." has c = 4, w (6, 4, 3, '
            '2) read as "o i ..." has i = 4, groups = 2; c must be i * groups = 8'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"groups": 2.0},
        X2,
        (6, 2, 3, 2),
        BadOption,
        "torch.nn.functional.conv2d: groups=2.0 must be an integer of at least 1",
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"groups": "2"},
        X2,
        (6, 2, 3, 2),
        BadOption,
        'torch.nn.functional.conv2d: groups="2" must be an integer of at least 1',
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"groups": None},
        X2,
        W2,
        BadOption,
        "torch.nn.functional.conv2d: groups=None must be an integer of at least 1",
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        (2, 7, 9, 4),
        W2,
        BadShape,
        (
            'torch.nn.functional.conv2d: x (2, 7, 9, 4) read as "n c ..." has c = 7, w (6, 4, 3, '
            '2) read as "o i ..." has i = 4, groups = 1; c must be i * groups = 4'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        X2,
        (3, 2, 4, 6),
        BadShape,
        (
            'torch.nn.functional.conv2d: x (2, 4, 7, 9) read as "n c ..." has c = 4, w (3, 2, 4, '
            '6) read as "o i ..." has i = 2, groups = 1; c must be i * groups = 2'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        (7, 9),
        W2,
        BadShape,
        (
            'torch.nn.functional.conv2d: x (7, 9) has 2 axes, but read as "n c ..." with the 2 '
            "spatial axes of w (6, 4, 3, 2) it must have 3 or 4"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        X2,
        W1,
        BadShape,
        (
            'torch.nn.functional.conv2d: w (6, 4, 3) has 3 axes, but read as "o i ..." it must '
            "have 4"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        W2,
        X2,
        BadShape,
        (
            'torch.nn.functional.conv2d: x (6, 4, 3, 2) read as "n c ..." has spatial sizes (3, '
            "2), the kernel spans (7, 9), and the padding is ((0, 0), (0, 0)): no window fits; "
            "pad more, or make the kernel or its dilation smaller"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        (2, 4, 2, 9),
        W2,
        BadShape,
        (
            'torch.nn.functional.conv2d: x (2, 4, 2, 9) read as "n c ..." has spatial sizes (2, '
            "9), the kernel spans (3, 2), and the padding is ((0, 0), (0, 0)): no window fits; "
            "pad more, or make the kernel or its dilation smaller"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        (2, 4, 0, 9),
        W2,
        BadShape,
        (
            'torch.nn.functional.conv2d: x (2, 4, 0, 9) read as "n c ..." has spatial sizes (0, '
            "9); each must be at least 1"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {"padding": 3},
        (2, 4, 0, 9),
        W2,
        BadShape,
        (
            'torch.nn.functional.conv2d: x (2, 4, 0, 9) read as "n c ..." has spatial sizes (0, '
            "9); each must be at least 1"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        X2,
        (6, 4, 0, 2),
        BadShape,
        (
            "torch.nn.functional.conv2d: x (2, 4, 7, 9) and w (6, 4, 0, 2) must have at least one"
            " input channel and one pixel per kernel axis"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        (2, 0, 7, 9),
        (6, 0, 3, 2),
        BadShape,
        (
            "torch.nn.functional.conv2d: x (2, 0, 7, 9) and w (6, 0, 3, 2) must have at least one"
            " input channel and one pixel per kernel axis"
        ),
        live="PyTorch returns an output without channels in place of 6",
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        X2,
        (0, 4, 3, 2),
        BadShape,
        "torch.nn.functional.conv2d: w (0, 4, 3, 2) must have at least one output channel",
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        X2,
        W2,
        BadShape,
        "torch.nn.functional.conv2d: bias (6, 1) must be (6,)",
        bias_shape=(6, 1),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        X2,
        W2,
        BadShape,
        "torch.nn.functional.conv2d: bias (1, 6, 1, 1) must be (6,)",
        bias_shape=(1, 6, 1, 1),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        X2,
        W2,
        BadArray,
        (
            "torch.nn.functional.conv2d: x, w are float32, float64; PyTorch takes one dtype: "
            "convert one of them"
        ),
        dtypes=("float32", "float64", "float32"),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        X2,
        W2,
        BadArray,
        (
            "torch.nn.functional.conv2d: x, w are float32, complex64; PyTorch takes one dtype: "
            "convert one of them"
        ),
        dtypes=("float32", "complex64", "float32"),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        X2,
        W2,
        BadArray,
        (
            "torch.nn.functional.conv2d: dtype bool is not one of float16, bfloat16, float32, "
            "float64, int8, uint8, int16, int32, int64, complex64, complex128"
        ),
        dtypes=("bool", "bool", "bool"),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        X2,
        W2,
        BadArray,
        (
            "torch.nn.functional.conv2d: x, w, bias are float32, float32, float64; PyTorch takes "
            "one dtype: convert one of them"
        ),
        dtypes=("float32", "float32", "float64"),
        bias_shape=(6,),
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        X2,
        W2,
        BadArray,
        "torch.nn.functional.conv2d: x is on cpu, w or bias on meta; move them together",
        devices=("cpu", "meta", "cpu"),
        live="the meta device computes nothing, so PyTorch lets it meet any device",
    ),
    BadCall(
        "torch.nn.functional.conv2d",
        {},
        X2,
        W2,
        BadArray,
        "torch.nn.functional.conv2d: x is on cpu, w or bias on meta; move them together",
        devices=("cpu", "cpu", "meta"),
        bias_shape=(6,),
        live="the meta device computes nothing, so PyTorch lets it meet any device",
    ),
    BadCall(
        "torch.nn.functional.conv3d",
        {"padding": "valid "},
        X3,
        W3,
        BadOption,
        (
            'torch.nn.functional.conv3d: padding="valid " is not one of "valid", "same": did you '
            'mean "valid"?'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv3d",
        {},
        (4, 5, 6),
        W3,
        BadShape,
        (
            'torch.nn.functional.conv3d: x (4, 5, 6) has 3 axes, but read as "n c ..." with the 3'
            " spatial axes of w (6, 4, 3, 2, 1) it must have 4 or 5"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv3d",
        {},
        (2, 4, 5, 1, 7),
        W3,
        BadShape,
        (
            'torch.nn.functional.conv3d: x (2, 4, 5, 1, 7) read as "n c ..." has spatial sizes '
            "(5, 1, 7), the kernel spans (3, 2, 1), and the padding is ((0, 0), (0, 0), (0, 0)): "
            "no window fits; pad more, or make the kernel or its dilation smaller"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv3d",
        {"dilation": (1, 1, 1, 1)},
        X3,
        W3,
        BadOption,
        (
            "torch.nn.functional.conv3d: dilation=(1, 1, 1, 1) must be an integer or a list of 1 "
            "or 3 integers"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose1d",
        {"padding": "same"},
        T1,
        V1,
        BadOption,
        (
            'torch.nn.functional.conv_transpose1d: padding="same" must be an integer of at least '
            "0, or one per spatial axis: as many pixels before as after"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose1d",
        {"output_padding": 1},
        T1,
        V1,
        Refused,
        (
            "torch.nn.functional.conv_transpose1d: output_padding=1: output_padding must be "
            "smaller than stride or dilation on every axis [pytorch 2.13.0 "
            "aten/src/ATen/native/Convolution.cpp]"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose1d",
        {"output_size": [11]},
        T1,
        V1,
        BadOption,
        (
            'torch.nn.functional.conv_transpose1d has no option "output_size": did you mean '
            '"output_padding"?'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose1d",
        {},
        T1,
        W1,
        BadShape,
        (
            'torch.nn.functional.conv_transpose1d: x (2, 4, 5) read as "n c ..." has c = 4, w (6,'
            ' 4, 3) read as "c m ..." has c = 6; both c must be equal'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose1d",
        {"padding": 4},
        T1,
        V1,
        BadShape,
        (
            'torch.nn.functional.conv_transpose1d: x (2, 4, 5) read as "n c ..." has spatial '
            "sizes (5,), which give (7,) and, less the padding ((4, 4),), (0,); each must be at "
            "least 1: pad less"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {"padding": "valid"},
        T2,
        V2,
        BadOption,
        (
            'torch.nn.functional.conv_transpose2d: padding="valid" must be an integer of at least'
            " 0, or one per spatial axis: as many pixels before as after"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {"padding": -1},
        T2,
        V2,
        BadOption,
        (
            "torch.nn.functional.conv_transpose2d: padding=-1 must be an integer of at least 0, "
            "or one per spatial axis: as many pixels before as after"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {"padding": (1, 1, 1)},
        T2,
        V2,
        BadOption,
        (
            "torch.nn.functional.conv_transpose2d: padding=(1, 1, 1) must be an integer of at "
            'least 0, or one per spatial axis: as many pixels before as after; x read as "n c '
            '..." has 4 axes, 2 of them spatial'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {"output_padding": -1},
        T2,
        V2,
        BadOption,
        "torch.nn.functional.conv_transpose2d: output_padding=-1 must be at least 0",
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {"output_padding": 2, "stride": 2},
        T2,
        V2,
        Refused,
        (
            "torch.nn.functional.conv_transpose2d: output_padding=2, stride=2: output_padding "
            "must be smaller than stride or dilation on every axis [pytorch 2.13.0 "
            "aten/src/ATen/native/Convolution.cpp]"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {"output_padding": (0, 1), "stride": (2, 1)},
        T2,
        V2,
        Refused,
        (
            "torch.nn.functional.conv_transpose2d: output_padding=(0, 1), stride=(2, 1): "
            "output_padding must be smaller than stride or dilation on every axis [pytorch 2.13.0"
            " aten/src/ATen/native/Convolution.cpp]"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {"output_padding": (1, 1, 1), "stride": 2},
        T2,
        V2,
        BadOption,
        (
            "torch.nn.functional.conv_transpose2d: output_padding=(1, 1, 1) must be an integer or"
            " a list of 1 or 2 integers"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {"output_padding": 0.5, "stride": 2},
        T2,
        V2,
        BadOption,
        (
            "torch.nn.functional.conv_transpose2d: output_padding=0.5 must be an integer or a "
            "list of 1 or 2 integers"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {"stride": (2, 2, 2)},
        T2,
        V2,
        BadOption,
        (
            "torch.nn.functional.conv_transpose2d: stride=(2, 2, 2) must be an integer or a list "
            "of 1 or 2 integers"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {"groups": 0},
        T2,
        V2,
        BadOption,
        "torch.nn.functional.conv_transpose2d: groups=0 must be an integer of at least 1",
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {},
        T2,
        W2,
        BadShape,
        (
            'torch.nn.functional.conv_transpose2d: x (2, 4, 5, 6) read as "n c ..." has c = 4, w '
            '(6, 4, 3, 2) read as "c m ..." has c = 6; both c must be equal'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {},
        T2,
        V1,
        BadShape,
        (
            'torch.nn.functional.conv_transpose2d: w (4, 6, 3) has 3 axes, but read as "c m ..." '
            "it must have 4"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {},
        (2, 4, 0, 6),
        V2,
        BadShape,
        (
            'torch.nn.functional.conv_transpose2d: x (2, 4, 0, 6) read as "n c ..." has spatial '
            "sizes (0, 6); each must be at least 1"
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {},
        T2,
        V2,
        BadShape,
        "torch.nn.functional.conv_transpose2d: bias (4,) must be (6,)",
        bias_shape=(4,),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {"groups": 2},
        T2,
        V2,
        BadShape,
        "torch.nn.functional.conv_transpose2d: bias (6,) must be (12,)",
        bias_shape=(6,),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose2d",
        {},
        T2,
        V2,
        BadArray,
        (
            "torch.nn.functional.conv_transpose2d: x, w are float64, float32; PyTorch takes one "
            "dtype: convert one of them"
        ),
        dtypes=("float64", "float32", "float64"),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose3d",
        {},
        T3,
        (5, 6, 3, 2, 1),
        BadShape,
        (
            'torch.nn.functional.conv_transpose3d: x (2, 4, 3, 4, 5) read as "n c ..." has c = 4,'
            ' w (5, 6, 3, 2, 1) read as "c m ..." has c = 5; both c must be equal'
        ),
    ),
    BadCall(
        "torch.nn.functional.conv_transpose3d",
        {},
        (4, 3, 4),
        V3,
        BadShape,
        (
            'torch.nn.functional.conv_transpose3d: x (4, 3, 4) has 3 axes, but read as "n c ..." '
            "with the 3 spatial axes of w (4, 6, 3, 2, 1) it must have 4 or 5"
        ),
    ),
    BadCall(
        "torch.nn.Conv1d",
        {"padding_mode": "mirror"},
        X1,
        W1,
        BadOption,
        (
            'torch.nn.Conv1d: padding_mode="mirror" is not one of "zeros", "reflect", '
            '"replicate", "circular"'
        ),
    ),
    BadCall(
        "torch.nn.Conv2d",
        {"padding_mode": "Reflect"},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.Conv2d: padding_mode="Reflect" is not one of "zeros", "reflect", '
            '"replicate", "circular" (PyTorch is case-sensitive): did you mean "reflect"?'
        ),
    ),
    BadCall(
        "torch.nn.Conv2d",
        {"padding_mode": None},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.Conv2d: padding_mode=None is not one of "zeros", "reflect", "replicate", '
            '"circular"'
        ),
    ),
    BadCall(
        "torch.nn.Conv2d",
        {"padding_mode": "symmetric"},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.Conv2d: padding_mode="symmetric" is not one of "zeros", "reflect", '
            '"replicate", "circular"'
        ),
    ),
    BadCall(
        "torch.nn.Conv2d",
        {"padding_mode": "reflect", "padding": (7, 0)},
        X2,
        W2,
        Refused,
        (
            'torch.nn.Conv2d: padding=(7, 0), padding_mode="reflect": a reflection must be '
            "smaller than the input on every axis [pytorch 2.13.0 "
            "aten/src/ATen/native/ReflectionPad.cpp]"
        ),
    ),
    BadCall(
        "torch.nn.Conv2d",
        {"padding_mode": "circular", "padding": (0, 10)},
        X2,
        W2,
        Refused,
        (
            'torch.nn.Conv2d: padding=(0, 10), padding_mode="circular": circular padding may wrap'
            " around at most once [pytorch 2.13.0 aten/src/ATen/native/PadNd.cpp]"
        ),
    ),
    BadCall(
        "torch.nn.Conv2d",
        {"padding": "same", "stride": 2, "padding_mode": "circular"},
        X2,
        W2,
        Refused,
        (
            'torch.nn.Conv2d: padding="same", stride=2: a strided convolution cannot keep the '
            "size; give the padding as numbers [pytorch 2.13.0 "
            "aten/src/ATen/native/Convolution.cpp]"
        ),
    ),
    BadCall(
        "torch.nn.Conv2d",
        {"padding": "SAME"},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.Conv2d: padding="SAME" is not one of "valid", "same" (PyTorch is '
            'case-sensitive): did you mean "same"?'
        ),
    ),
    BadCall(
        "torch.nn.Conv2d",
        {"groups": 0},
        X2,
        W2,
        BadOption,
        "torch.nn.Conv2d: groups=0 must be an integer of at least 1",
    ),
    BadCall(
        "torch.nn.Conv2d",
        {"stride": 0},
        X2,
        W2,
        BadOption,
        "torch.nn.Conv2d: stride=0 must be at least 1",
    ),
    BadCall(
        "torch.nn.Conv2d",
        {"padding": -1, "padding_mode": "replicate"},
        X2,
        W2,
        BadOption,
        (
            'torch.nn.Conv2d: padding=-1 must be one of "valid", "same", or an integer of at '
            "least 0, or one per spatial axis: as many pixels before as after"
        ),
        live="PyTorch crops by a negative number, in these modes only",
    ),
    BadCall(
        "torch.nn.Conv2d",
        {},
        (2, 3, 7, 9),
        W2,
        BadShape,
        (
            'torch.nn.Conv2d: x (2, 3, 7, 9) read as "n c ..." has c = 3, w (6, 4, 3, 2) read as '
            '"o i ..." has i = 4, groups = 1; c must be i * groups = 4'
        ),
    ),
    BadCall(
        "torch.nn.Conv2d",
        {},
        X2,
        W2,
        BadArray,
        (
            "torch.nn.Conv2d: x, w are float64, float32; PyTorch takes one dtype: convert one of "
            "them"
        ),
        dtypes=("float64", "float32", "float64"),
    ),
    BadCall(
        "torch.nn.Conv2d",
        {"padding_mode": "reflect", "padding": 1},
        (2, 4, 0, 9),
        W2,
        Refused,
        (
            'torch.nn.Conv2d: padding=1, padding_mode="reflect": a reflection must be smaller '
            "than the input on every axis [pytorch 2.13.0 aten/src/ATen/native/ReflectionPad.cpp]"
        ),
    ),
    BadCall(
        "torch.nn.Conv2d",
        {"padding_mode": "replicate", "padding": 2},
        (2, 4, 0, 9),
        W2,
        BadShape,
        (
            'torch.nn.Conv2d: x (2, 4, 0, 9) read as "n c ..." has spatial sizes (0, 9); each '
            "must be at least 1"
        ),
    ),
    BadCall(
        "torch.nn.Conv2d",
        {"padding_mode": "circular", "padding": 2},
        (2, 4, 0, 9),
        W2,
        Refused,
        (
            'torch.nn.Conv2d: padding=2, padding_mode="circular": circular padding may wrap '
            "around at most once [pytorch 2.13.0 aten/src/ATen/native/PadNd.cpp]"
        ),
    ),
    BadCall(
        "torch.nn.Conv3d",
        {"padding_mode": "reflect", "padding": (5, 0, 0)},
        X3,
        W3,
        Refused,
        (
            'torch.nn.Conv3d: padding=(5, 0, 0), padding_mode="reflect": a reflection must be '
            "smaller than the input on every axis [pytorch 2.13.0 "
            "aten/src/ATen/native/ReflectionPad.cpp]"
        ),
    ),
    BadCall(
        "torch.nn.Conv3d",
        {"padding_mode": "zero"},
        X3,
        W3,
        BadOption,
        (
            'torch.nn.Conv3d: padding_mode="zero" is not one of "zeros", "reflect", "replicate", '
            '"circular": did you mean "zeros"?'
        ),
    ),
    BadCall(
        "torch.nn.ConvTranspose1d",
        {"padding_mode": "reflect"},
        T1,
        V1,
        BadOption,
        (
            'torch.nn.ConvTranspose1d: padding_mode="reflect" must stay "zeros": ConvTranspose '
            'knows only "zeros"'
        ),
    ),
    BadCall(
        "torch.nn.ConvTranspose1d",
        {"output_padding": 1},
        T1,
        V1,
        Refused,
        (
            "torch.nn.ConvTranspose1d: output_padding=1: output_padding must be smaller than "
            "stride or dilation on every axis [pytorch 2.13.0 "
            "aten/src/ATen/native/Convolution.cpp]"
        ),
    ),
    BadCall(
        "torch.nn.ConvTranspose2d",
        {"output_size": (9, 9)},
        T2,
        V2,
        BadOption,
        'torch.nn.ConvTranspose2d has no option "output_size": did you mean "output_padding"?',
    ),
    BadCall(
        "torch.nn.ConvTranspose3d",
        {"padding_mode": "replicate"},
        T3,
        V3,
        BadOption,
        (
            'torch.nn.ConvTranspose3d: padding_mode="replicate" must stay "zeros": ConvTranspose '
            'knows only "zeros"'
        ),
    ),
    BadCall(
        "torch.nn.ConvTranspose3d",
        {"stride": -2},
        T3,
        V3,
        BadOption,
        "torch.nn.ConvTranspose3d: stride=-2 must be at least 1",
    ),
]

"""Calls that TensorFlow 2.21.0 refuses, for every function of the family."""

from tests.refusals.bad_call import BadCall, Call
from uniconv.errors import BadArray, BadOption, BadShape, Refused

X1 = (2, 9, 4)
W1 = (3, 4, 5)
X2 = (2, 7, 9, 4)
W2 = (3, 2, 4, 5)
X3 = (2, 5, 6, 7, 4)
W3 = (3, 2, 1, 4, 5)
D2 = (3, 2, 4, 3)
T1 = (2, 5, 4)
V1 = (3, 6, 4)
T2 = (2, 4, 5, 4)
V2 = (3, 2, 6, 4)
T3 = (2, 3, 4, 5, 4)
V3 = (3, 2, 1, 6, 4)

# One call of every function that it takes: what is refused below is not refused by accident.
GOOD = [
    Call("tf.nn.conv1d", {"stride": 2, "padding": "SAME"}, X1, W1),
    Call("tf.nn.conv2d", {"strides": 2, "padding": "SAME", "dilations": 1}, X2, W2),
    Call("tf.nn.conv3d", {"strides": [1, 2, 1, 1, 1], "padding": "SAME"}, X3, W3),
    Call("tf.nn.convolution", {"strides": 2, "padding": "SAME"}, X2, W2),
    Call("tf.nn.conv1d_transpose", {"output_shape": [2, 10, 6], "strides": 2}, T1, V1),
    Call("tf.nn.conv2d_transpose", {"output_shape": [2, 8, 10, 6], "strides": 2}, T2, V2),
    Call("tf.nn.conv3d_transpose", {"output_shape": [2, 6, 8, 10, 6], "strides": 2}, T3, V3),
    Call("tf.nn.conv_transpose", {"output_shape": [2, 8, 10, 6], "strides": 2}, T2, V2),
    Call(
        "tf.nn.depthwise_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME", "dilations": [2, 2]},
        X2,
        D2,
    ),
    Call(
        "tf.nn.separable_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME"},
        X2,
        D2,
        p_shape=(1, 1, 12, 5),
    ),
    Call("tf.nn.atrous_conv2d", {"rate": 2, "padding": "SAME"}, X2, W2),
    Call(
        "tf.nn.atrous_conv2d_transpose",
        {"output_shape": [2, 4, 5, 6], "rate": 2, "padding": "SAME"},
        T2,
        V2,
    ),
    Call("tf.compat.v1.nn.conv2d", {"strides": [1, 1, 1, 1], "padding": "SAME"}, X2, W2),
    Call("tf.compat.v1.nn.convolution", {"padding": "SAME", "dilation_rate": 2}, X2, W2),
    Call("tf.compat.v1.nn.conv2d_transpose", {"output_shape": [2, 8, 10, 6], "strides": 2}, T2, V2),
    Call(
        "tf.compat.v1.nn.depthwise_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME", "rate": [2, 2]},
        X2,
        D2,
    ),
]

BAD = [
    BadCall(
        "tf.nn.conv1d",
        {"padding": "SAME"},
        X1,
        W1,
        BadOption,
        'tf.nn.conv1d: option "stride" is missing',
    ),
    BadCall(
        "tf.nn.conv1d",
        {"strides": 1, "padding": "SAME"},
        X1,
        W1,
        BadOption,
        'tf.nn.conv1d has no option "strides": did you mean "stride"?',
    ),
    BadCall(
        "tf.nn.conv1d",
        {"stride": 1, "padding": "same"},
        X1,
        W1,
        BadOption,
        (
            'tf.nn.conv1d: padding="same" is not one of "SAME", "VALID" (TF is case-sensitive): '
            'did you mean "SAME"?'
        ),
    ),
    BadCall(
        "tf.nn.conv1d",
        {"stride": 1, "padding": [[0, 0], [1, 1], [0, 0]]},
        X1,
        W1,
        BadOption,
        'tf.nn.conv1d: padding=[[0, 0], [1, 1], [0, 0]] must be one of "SAME", "VALID"',
    ),
    BadCall(
        "tf.nn.conv1d",
        {"stride": [1, 2, 2], "padding": "SAME"},
        X1,
        W1,
        BadOption,
        (
            'tf.nn.conv1d: stride=[1, 2, 2] read as "n ... c" must be 1 on the batch and channel '
            "axes"
        ),
    ),
    BadCall(
        "tf.nn.conv1d",
        {"stride": [1, 2], "padding": "SAME"},
        X1,
        W1,
        BadOption,
        "tf.nn.conv1d: stride=[1, 2] must be an integer or a list of 1 or 3 integers",
    ),
    BadCall(
        "tf.nn.conv1d",
        {"stride": 0, "padding": "SAME"},
        X1,
        W1,
        BadOption,
        "tf.nn.conv1d: stride=0 must be at least 1",
    ),
    BadCall(
        "tf.nn.conv1d",
        {"stride": -1, "padding": "SAME"},
        X1,
        W1,
        BadOption,
        "tf.nn.conv1d: stride=-1 must be at least 1",
    ),
    BadCall(
        "tf.nn.conv1d",
        {"stride": 1, "padding": "SAME", "dilations": [1, 2, 2]},
        X1,
        W1,
        BadOption,
        (
            'tf.nn.conv1d: dilations=[1, 2, 2] read as "n ... c" must be 1 on the batch and '
            "channel axes"
        ),
    ),
    BadCall(
        "tf.nn.conv1d",
        {"stride": 1, "padding": "SAME", "data_format": "NDHWC"},
        X1,
        W1,
        BadOption,
        (
            'tf.nn.conv1d: data_format="NDHWC" is not one of "NWC", "NCW", "NHWC", "NCHW": did '
            'you mean "NHWC"?'
        ),
    ),
    BadCall(
        "tf.nn.conv1d",
        {"stride": 1, "padding": "SAME"},
        (9, 4),
        W1,
        BadShape,
        (
            'tf.nn.conv1d: x (9, 4) has 2 axes, but read as "n ... c" with the 1 spatial axis of '
            "w (3, 4, 5) it must have 3 or more"
        ),
    ),
    BadCall(
        "tf.nn.conv1d",
        {"stride": 1, "padding": "VALID"},
        (2, 2, 4),
        (7, 4, 5),
        BadShape,
        (
            'tf.nn.conv1d: x (2, 2, 4) read as "n ... c" has spatial sizes (2,), the kernel spans'
            " (7,), and the padding is ((0, 0),): no window fits; pad more, or make the kernel or"
            " its dilation smaller"
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"stride": 1, "padding": "SAME"},
        X2,
        W2,
        BadOption,
        'tf.nn.conv2d has no option "stride": did you mean "strides"?',
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME", "groups": 2},
        X2,
        W2,
        BadOption,
        (
            'tf.nn.conv2d has no option "groups"; it has strides, padding, data_format, '
            "dilations, name"
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME", "dilation": 2},
        X2,
        W2,
        BadOption,
        'tf.nn.conv2d has no option "dilation": did you mean "dilations"?',
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "same"},
        X2,
        W2,
        BadOption,
        (
            'tf.nn.conv2d: padding="same" is not one of "SAME", "VALID" (TF is case-sensitive): '
            'did you mean "SAME"?'
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "FULL"},
        X2,
        W2,
        BadOption,
        'tf.nn.conv2d: padding="FULL" is not one of "SAME", "VALID"',
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": 1},
        X2,
        W2,
        BadOption,
        (
            'tf.nn.conv2d: padding=1 must be one of "SAME", "VALID", or a list of pairs [before, '
            "after], one per axis of x in data_format order, batch and channels [0, 0], none "
            "negative"
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": None},
        X2,
        W2,
        BadOption,
        (
            'tf.nn.conv2d: padding=None must be one of "SAME", "VALID", or a list of pairs '
            "[before, after], one per axis of x in data_format order, batch and channels [0, 0], "
            "none negative"
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1},
        X2,
        W2,
        BadOption,
        'tf.nn.conv2d: option "padding" is missing',
    ),
    BadCall(
        "tf.nn.conv2d",
        {"padding": "SAME"},
        X2,
        W2,
        BadOption,
        'tf.nn.conv2d: option "strides" is missing',
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": [[1, 1], [1, 1]]},
        X2,
        W2,
        BadOption,
        (
            'tf.nn.conv2d: padding=[[1, 1], [1, 1]] must be one of "SAME", "VALID", or a list of '
            "pairs [before, after], one per axis of x in data_format order, batch and channels "
            '[0, 0], none negative; x read as "n ... c" has 4 axes, 2 of them spatial'
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": [0, 1, 1, 0]},
        X2,
        W2,
        BadOption,
        (
            'tf.nn.conv2d: padding=[0, 1, 1, 0] must be one of "SAME", "VALID", or a list of '
            "pairs [before, after], one per axis of x in data_format order, batch and channels "
            '[0, 0], none negative; x read as "n ... c" has 4 axes, 2 of them spatial'
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": [[1, 1], [1, 1], [1, 1], [0, 0]]},
        X2,
        W2,
        BadOption,
        (
            'tf.nn.conv2d: padding=[[1, 1], [1, 1], [1, 1], [0, 0]] must be one of "SAME", '
            '"VALID", or a list of pairs [before, after], one per axis of x in data_format order,'
            ' batch and channels [0, 0], none negative; x read as "n ... c" has 4 axes, 2 of them'
            " spatial"
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": [[0, 0], [1, -1], [1, 1], [0, 0]]},
        X2,
        W2,
        BadOption,
        (
            'tf.nn.conv2d: padding=[[0, 0], [1, -1], [1, 1], [0, 0]] must be one of "SAME", '
            '"VALID", or a list of pairs [before, after], one per axis of x in data_format order,'
            ' batch and channels [0, 0], none negative; x read as "n ... c" has 4 axes, 2 of them'
            " spatial"
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": [[0, 0], [1.0, 1], [1, 1], [0, 0]]},
        X2,
        W2,
        BadOption,
        (
            'tf.nn.conv2d: padding=[[0, 0], [1.0, 1], [1, 1], [0, 0]] must be one of "SAME", '
            '"VALID", or a list of pairs [before, after], one per axis of x in data_format order,'
            ' batch and channels [0, 0], none negative; x read as "n ... c" has 4 axes, 2 of them'
            " spatial"
        ),
        live="TensorFlow cuts the fraction off; uniconv guesses no integer",
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": [1, 1, 1], "padding": "SAME"},
        X2,
        W2,
        BadOption,
        "tf.nn.conv2d: strides=[1, 1, 1] must be an integer or a list of 1, 2 or 4 integers",
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": [2, 1, 1, 1], "padding": "SAME"},
        X2,
        W2,
        BadOption,
        (
            'tf.nn.conv2d: strides=[2, 1, 1, 1] read as "n ... c" must be 1 on the batch and '
            "channel axes"
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": [1, 2, 1, 1], "padding": "SAME", "data_format": "NCHW"},
        (2, 4, 7, 9),
        W2,
        BadOption,
        (
            'tf.nn.conv2d: strides=[1, 2, 1, 1] read as "n c ..." must be 1 on the batch and '
            "channel axes"
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 0, "padding": "SAME"},
        X2,
        W2,
        BadOption,
        "tf.nn.conv2d: strides=0 must be at least 1",
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1.5, "padding": "SAME"},
        X2,
        W2,
        BadOption,
        "tf.nn.conv2d: strides=1.5 must be an integer or a list of 1, 2 or 4 integers",
        live="TensorFlow cuts the fraction off; uniconv guesses no integer",
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 2.0, "padding": "SAME"},
        X2,
        W2,
        BadOption,
        "tf.nn.conv2d: strides=2.0 must be an integer or a list of 1, 2 or 4 integers",
        live="TensorFlow cuts the fraction off; uniconv guesses no integer",
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": "1", "padding": "SAME"},
        X2,
        W2,
        BadOption,
        'tf.nn.conv2d: strides="1" must be an integer or a list of 1, 2 or 4 integers',
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": True, "padding": "SAME"},
        X2,
        W2,
        BadOption,
        "tf.nn.conv2d: strides=True must be an integer or a list of 1, 2 or 4 integers",
        live="TensorFlow takes True as 1; uniconv guesses no integer",
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME", "dilations": [2, 2, 2]},
        X2,
        W2,
        BadOption,
        (
            "tf.nn.conv2d: dilations=[2, 2, 2] must be None, an integer or a list of 1, 2 or 4 "
            "integers"
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME"},
        X2,
        (3, 2, 3, 5),
        BadShape,
        (
            'tf.nn.conv2d: x (2, 7, 9, 4) read as "n ... c" has c = 4, w (3, 2, 3, 5) read as '
            '"... i o" has i = 3; c must be a multiple of i'
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "VALID"},
        (1, 4, 4, 2),
        (3, 3, 5, 2),
        BadShape,
        (
            'tf.nn.conv2d: x (1, 4, 4, 2) read as "n ... c" has c = 2, w (3, 3, 5, 2) read as '
            '"... i o" has i = 5; c must be a multiple of i'
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME"},
        (2, 7, 9, 6),
        (3, 2, 3, 5),
        BadShape,
        (
            'tf.nn.conv2d: x (2, 7, 9, 6) read as "n ... c" has c = 6, w (3, 2, 3, 5) read as '
            '"... i o" has i = 3, o = 5; o must be a multiple of the 2 groups'
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME", "data_format": "NCWH"},
        X2,
        W2,
        BadOption,
        'tf.nn.conv2d: data_format="NCWH" is not one of "NHWC", "NCHW": did you mean "NCHW"?',
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME", "data_format": "NCHW"},
        X2,
        W2,
        BadShape,
        (
            'tf.nn.conv2d: x (2, 7, 9, 4) read as "n c ..." has c = 7, w (3, 2, 4, 5) read as '
            '"... i o" has i = 4; c must be a multiple of i'
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME", "data_format": 1},
        X2,
        W2,
        BadOption,
        'tf.nn.conv2d: data_format=1 is not one of "NHWC", "NCHW"',
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME"},
        (7, 9, 4),
        W2,
        BadShape,
        (
            'tf.nn.conv2d: x (7, 9, 4) has 3 axes, but read as "n ... c" with the 2 spatial axes '
            "of w (3, 2, 4, 5) it must have 4 or more"
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "VALID"},
        (2, 3, 9, 4),
        (7, 2, 4, 5),
        BadShape,
        (
            'tf.nn.conv2d: x (2, 3, 9, 4) read as "n ... c" has spatial sizes (3, 9), the kernel '
            "spans (7, 2), and the padding is ((0, 0), (0, 0)): no window fits; pad more, or make"
            " the kernel or its dilation smaller"
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME"},
        X2,
        (0, 2, 4, 5),
        BadShape,
        (
            "tf.nn.conv2d: x (2, 7, 9, 4) and w (0, 2, 4, 5) must have at least one input channel"
            " and one pixel per kernel axis"
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME"},
        X2,
        (3, 2, 0, 5),
        BadShape,
        (
            "tf.nn.conv2d: x (2, 7, 9, 4) and w (3, 2, 0, 5) must have at least one input channel"
            " and one pixel per kernel axis"
        ),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME"},
        (2, 7, 9, 0),
        W2,
        BadShape,
        (
            "tf.nn.conv2d: x (2, 7, 9, 0) and w (3, 2, 4, 5) must have at least one input channel"
            " and one pixel per kernel axis"
        ),
        live="TensorFlow returns zeros eagerly, and refuses only in a graph",
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME"},
        X2,
        W2,
        BadArray,
        "tf.nn.conv2d: dtype int64 is not one of float16, bfloat16, float32, float64, int32",
        dtypes=("int64", "int64", "int64"),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME"},
        X2,
        W2,
        BadArray,
        "tf.nn.conv2d: x, w are float32, float64; TF takes one dtype: convert one of them",
        dtypes=("float32", "float64", "float32"),
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME"},
        X2,
        W2,
        BadShape,
        "tf.nn.conv2d: bias (4,) must be (5,)",
        bias_shape=(4,),
        live="the function has no bias; uniconv adds it",
    ),
    BadCall(
        "tf.nn.conv2d",
        {"strides": 1, "padding": "SAME"},
        X2,
        W2,
        BadShape,
        "tf.nn.conv2d: bias (1, 1, 1, 5) must be (5,)",
        bias_shape=(1, 1, 1, 5),
        live="the function has no bias; uniconv adds it",
    ),
    BadCall(
        "tf.nn.conv3d",
        {"strides": 2, "padding": "SAME"},
        X3,
        W3,
        BadOption,
        "tf.nn.conv3d: strides=2 must be a list of 5 integers",
    ),
    BadCall(
        "tf.nn.conv3d",
        {"strides": [2, 2, 2], "padding": "SAME"},
        X3,
        W3,
        BadOption,
        "tf.nn.conv3d: strides=[2, 2, 2] must be a list of 5 integers",
    ),
    BadCall(
        "tf.nn.conv3d",
        {"strides": [1, 1, 1, 1, 2], "padding": "SAME"},
        X3,
        W3,
        BadOption,
        (
            'tf.nn.conv3d: strides=[1, 1, 1, 1, 2] read as "n ... c" must be 1 on the batch and '
            "channel axes"
        ),
    ),
    BadCall(
        "tf.nn.conv3d",
        {"strides": [1, 1, 0, 1, 1], "padding": "SAME"},
        X3,
        W3,
        BadOption,
        "tf.nn.conv3d: strides=[1, 1, 0, 1, 1] must be at least 1 on every axis",
    ),
    BadCall(
        "tf.nn.conv3d",
        {"strides": [1, 1, 1, 1, 1], "padding": [[0, 0], [1, 1], [1, 1], [1, 1], [0, 0]]},
        X3,
        W3,
        BadOption,
        (
            "tf.nn.conv3d: padding=[[0, 0], [1, 1], [1, 1], [1, 1], [0, 0]] must be one of "
            '"SAME", "VALID"'
        ),
    ),
    BadCall(
        "tf.nn.conv3d",
        {"strides": [1, 1, 1, 1, 1], "padding": "valid"},
        X3,
        W3,
        BadOption,
        (
            'tf.nn.conv3d: padding="valid" is not one of "SAME", "VALID" (TF is case-sensitive): '
            'did you mean "VALID"?'
        ),
    ),
    BadCall(
        "tf.nn.conv3d",
        {"strides": [1, 1, 1, 1, 1], "padding": "SAME", "data_format": "NHWC"},
        X3,
        W3,
        BadOption,
        'tf.nn.conv3d: data_format="NHWC" is not one of "NDHWC", "NCDHW": did you mean "NDHWC"?',
    ),
    BadCall(
        "tf.nn.conv3d",
        {"strides": [1, 1, 1, 1, 1], "padding": "SAME"},
        X3,
        (3, 2, 1, 3, 5),
        BadShape,
        (
            'tf.nn.conv3d: x (2, 5, 6, 7, 4) read as "n ... c" has c = 4, w (3, 2, 1, 3, 5) read '
            'as "... i o" has i = 3; c must be a multiple of i'
        ),
    ),
    BadCall(
        "tf.nn.conv3d",
        {"strides": [1, 1, 1, 1, 1], "padding": "SAME"},
        X3,
        W3,
        BadArray,
        "tf.nn.conv3d: dtype int32 is not one of float16, bfloat16, float32, float64",
        dtypes=("int32", "int32", "int32"),
    ),
    BadCall(
        "tf.nn.convolution",
        {"strides": 2, "dilations": 2, "padding": "SAME"},
        X2,
        W2,
        Refused,
        (
            "tf.nn.convolution: strides=2, dilations=2: strides > 1 are not supported together "
            "with dilations > 1; tf.nn.conv2d takes both [tensorflow 2.21.0 "
            "tensorflow/python/ops/nn_ops.py convolution_internal]"
        ),
    ),
    BadCall(
        "tf.nn.convolution",
        {"strides": [2, 1], "dilations": [1, 2], "padding": "VALID"},
        X2,
        W2,
        Refused,
        (
            "tf.nn.convolution: strides=[2, 1], dilations=[1, 2]: strides > 1 are not supported "
            "together with dilations > 1; tf.nn.conv2d takes both [tensorflow 2.21.0 "
            "tensorflow/python/ops/nn_ops.py convolution_internal]"
        ),
    ),
    BadCall(
        "tf.nn.convolution",
        {"padding": [[0, 0], [1, 1], [1, 1], [0, 0]]},
        X2,
        W2,
        Refused,
        (
            "tf.nn.convolution: padding=[[0, 0], [1, 1], [1, 1], [0, 0]]: without dilations, "
            'padding must be "SAME" or "VALID"; tf.nn.conv2d takes a list [tensorflow 2.21.0 '
            "tensorflow/python/ops/nn_ops.py convolution_internal]"
        ),
    ),
    BadCall(
        "tf.nn.convolution",
        {"padding": [[0, 0], [1, 1], [0, 0]]},
        X1,
        W1,
        Refused,
        (
            "tf.nn.convolution: padding=[[0, 0], [1, 1], [0, 0]]: without dilations, padding must"
            ' be "SAME" or "VALID"; tf.nn.conv2d takes a list [tensorflow 2.21.0 '
            "tensorflow/python/ops/nn_ops.py convolution_internal]"
        ),
    ),
    BadCall(
        "tf.nn.convolution",
        {"padding": [[1, 1], [1, 1]], "dilations": 2},
        X2,
        W2,
        BadOption,
        (
            'tf.nn.convolution: padding=[[1, 1], [1, 1]] must be one of "SAME", "VALID", or a '
            "list of pairs [before, after], one per axis of x in data_format order, batch and "
            'channels [0, 0], none negative; x read as "n ... c" has 4 axes, 2 of them spatial'
        ),
    ),
    BadCall(
        "tf.nn.convolution",
        {"rate": 2, "padding": "VALID"},
        X2,
        W2,
        BadOption,
        'tf.nn.convolution has no option "rate": did you mean "dilations"?',
    ),
    BadCall(
        "tf.nn.convolution",
        {"padding": "VALID", "data_format": "NDHWC"},
        X1,
        W1,
        BadShape,
        'tf.nn.convolution: w (3, 4, 5) has 3 axes, but read as "... i o" it must have 5',
    ),
    BadCall(
        "tf.nn.convolution",
        {"padding": "VALID", "data_format": "NCW"},
        X2,
        W2,
        BadShape,
        'tf.nn.convolution: w (3, 2, 4, 5) has 4 axes, but read as "... i o" it must have 3',
    ),
    BadCall(
        "tf.nn.convolution",
        {"padding": "VALID"},
        (2, 4),
        (4, 5),
        BadShape,
        'tf.nn.convolution: w (4, 5) has 2 axes, but read as "... i o" it must have 3, 4 or 5',
    ),
    BadCall(
        "tf.nn.convolution",
        {"padding": "VALID"},
        (2, 3, 3, 3, 3, 4),
        (1, 1, 1, 1, 4, 5),
        BadShape,
        (
            'tf.nn.convolution: w (1, 1, 1, 1, 4, 5) has 6 axes, but read as "... i o" it must '
            "have 3, 4 or 5"
        ),
    ),
    BadCall(
        "tf.nn.conv1d_transpose",
        {"strides": 2},
        T1,
        V1,
        BadOption,
        'tf.nn.conv1d_transpose: option "output_shape" is missing',
    ),
    BadCall(
        "tf.nn.conv1d_transpose",
        {"output_shape": [2, 10], "strides": 2},
        T1,
        V1,
        BadOption,
        ("tf.nn.conv1d_transpose: output_shape=[2, 10] must be a list of 3 integers of at least 0"),
    ),
    BadCall(
        "tf.nn.conv1d_transpose",
        {"output_shape": [2, 11, 6], "strides": 2},
        T1,
        V1,
        BadOption,
        (
            "tf.nn.conv1d_transpose: output_shape=[2, 11, 6] has spatial sizes (11,), from which "
            "the convolution with these options makes (6,); it must make those of x, (5,): give 9"
            " to 10"
        ),
    ),
    BadCall(
        "tf.nn.conv1d_transpose",
        {"output_shape": [2, 10, 6], "strides": 2, "padding": "VALID"},
        T1,
        V1,
        BadOption,
        (
            "tf.nn.conv1d_transpose: output_shape=[2, 10, 6] has spatial sizes (10,), from which "
            "the convolution with these options makes (4,); it must make those of x, (5,): give "
            "11 to 12"
        ),
    ),
    BadCall(
        "tf.nn.conv1d_transpose",
        {"output_shape": [2, 10, 6], "strides": [2, 2, 1]},
        T1,
        V1,
        BadOption,
        (
            'tf.nn.conv1d_transpose: strides=[2, 2, 1] read as "n ... c" must be 1 on the batch '
            "and channel axes"
        ),
        live="TensorFlow drops the entry of the batch axis; uniconv drops nothing",
    ),
    BadCall(
        "tf.nn.conv2d_transpose",
        {"output_shape": (2, 8, 10), "strides": 2},
        T2,
        V2,
        BadOption,
        (
            "tf.nn.conv2d_transpose: output_shape=(2, 8, 10) must be a list of 2 or 4 integers of"
            " at least 0"
        ),
    ),
    BadCall(
        "tf.nn.conv2d_transpose",
        {"output_shape": [2, 8, 10, 7], "strides": 2},
        T2,
        V2,
        BadOption,
        (
            'tf.nn.conv2d_transpose: output_shape=[2, 8, 10, 7] read as "n ... o" has 7 channels;'
            ' they must be the 6 that w (3, 2, 6, 4) read as "... m c" gives'
        ),
    ),
    BadCall(
        "tf.nn.conv2d_transpose",
        {"output_shape": [1, 8, 10, 6], "strides": 2},
        T2,
        V2,
        BadOption,
        (
            'tf.nn.conv2d_transpose: output_shape=[1, 8, 10, 6] read as "n ... o" has batch size '
            "1; it must be x's, 2"
        ),
    ),
    BadCall(
        "tf.nn.conv2d_transpose",
        {"output_shape": [2, 9, 10, 6], "strides": 2},
        T2,
        V2,
        BadOption,
        (
            "tf.nn.conv2d_transpose: output_shape=[2, 9, 10, 6] has spatial sizes (9, 10), from "
            "which the convolution with these options makes (5, 5); it must make those of x, (4, "
            "5): give 7 to 8 and 9 to 10"
        ),
    ),
    BadCall(
        "tf.nn.conv2d_transpose",
        {"output_shape": [2, 8, 10, 6], "strides": 3},
        T2,
        V2,
        BadOption,
        (
            "tf.nn.conv2d_transpose: output_shape=[2, 8, 10, 6] has spatial sizes (8, 10), from "
            "which the convolution with these options makes (3, 4); it must make those of x, (4, "
            "5): give 10 to 12 and 13 to 15"
        ),
    ),
    BadCall(
        "tf.nn.conv2d_transpose",
        {"output_shape": [2, 8, 10, 6], "strides": 2, "padding": "VALID"},
        T2,
        V2,
        BadOption,
        (
            "tf.nn.conv2d_transpose: output_shape=[2, 8, 10, 6] has spatial sizes (8, 10), from "
            "which the convolution with these options makes (3, 5); it must make those of x, (4, "
            "5): give 9 to 10 and 10 to 11"
        ),
    ),
    BadCall(
        "tf.nn.conv2d_transpose",
        {"output_shape": [2, 8, 10.5, 6], "strides": 2},
        T2,
        V2,
        BadOption,
        (
            "tf.nn.conv2d_transpose: output_shape=[2, 8, 10.5, 6] must be a list of 2 or 4 "
            "integers of at least 0"
        ),
    ),
    BadCall(
        "tf.nn.conv2d_transpose",
        {"output_shape": None, "strides": 2},
        T2,
        V2,
        BadOption,
        (
            "tf.nn.conv2d_transpose: output_shape=None must be a list of 2 or 4 integers of at "
            "least 0"
        ),
    ),
    BadCall(
        "tf.nn.conv2d_transpose",
        {"output_shape": [2, -8, 10, 6], "strides": 2},
        T2,
        V2,
        BadOption,
        (
            "tf.nn.conv2d_transpose: output_shape=[2, -8, 10, 6] must be a list of 2 or 4 "
            "integers of at least 0"
        ),
    ),
    BadCall(
        "tf.nn.conv2d_transpose",
        {"output_shape": [2, 8, 10, 6], "strides": 2, "output_padding": 1},
        T2,
        V2,
        BadOption,
        'tf.nn.conv2d_transpose has no option "output_padding": did you mean "padding"?',
    ),
    BadCall(
        "tf.nn.conv3d_transpose",
        {"output_shape": [6, 8, 10], "strides": 2},
        T3,
        V3,
        BadOption,
        (
            "tf.nn.conv3d_transpose: output_shape=[6, 8, 10] must be a list of 5 integers of at "
            "least 0"
        ),
    ),
    BadCall(
        "tf.nn.conv3d_transpose",
        {"output_shape": [2, 6, 8, 11, 6], "strides": 2},
        T3,
        V3,
        BadOption,
        (
            "tf.nn.conv3d_transpose: output_shape=[2, 6, 8, 11, 6] has spatial sizes (6, 8, 11), "
            "from which the convolution with these options makes (3, 4, 6); it must make those of"
            " x, (3, 4, 5): give 5 to 6 and 7 to 8 and 9 to 10"
        ),
    ),
    BadCall(
        "tf.nn.conv_transpose",
        {"output_shape": [2, 10, 6], "strides": 2, "padding": [[0, 0], [1, 1], [0, 0]]},
        T1,
        V1,
        Refused,
        (
            "tf.nn.conv_transpose: padding=[[0, 0], [1, 1], [0, 0]]: only two spatial axes take a"
            ' list; give "SAME" or "VALID" [tensorflow 2.21.0 tensorflow/python/ops/nn_ops.py '
            "conv_transpose]"
        ),
    ),
    BadCall(
        "tf.nn.conv_transpose",
        {
            "output_shape": [2, 5, 6, 7, 6],
            "strides": 2,
            "padding": [[0, 0], [1, 1], [1, 1], [1, 1], [0, 0]],
        },
        T3,
        V3,
        Refused,
        (
            "tf.nn.conv_transpose: padding=[[0, 0], [1, 1], [1, 1], [1, 1], [0, 0]]: only two "
            'spatial axes take a list; give "SAME" or "VALID" [tensorflow 2.21.0 '
            "tensorflow/python/ops/nn_ops.py conv_transpose]"
        ),
    ),
    BadCall(
        "tf.nn.conv_transpose",
        {"output_shape": [2, 8, 10, 6], "strides": 2, "data_format": "NWC"},
        T2,
        V2,
        BadShape,
        'tf.nn.conv_transpose: w (3, 2, 6, 4) has 4 axes, but read as "... m c" it must have 3',
    ),
    BadCall(
        "tf.nn.conv_transpose",
        {"output_shape": [2, 8, 10, 6], "strides": 2},
        (2, 4),
        (6, 4),
        BadShape,
        ('tf.nn.conv_transpose: w (6, 4) has 2 axes, but read as "... m c" it must have 3, 4 or 5'),
    ),
    BadCall(
        "tf.nn.atrous_conv2d",
        {"padding": "SAME"},
        X2,
        W2,
        BadOption,
        'tf.nn.atrous_conv2d: option "rate" is missing',
    ),
    BadCall(
        "tf.nn.atrous_conv2d",
        {"rate": [2, 2, 2], "padding": "SAME"},
        X2,
        W2,
        BadOption,
        "tf.nn.atrous_conv2d: rate=[2, 2, 2] must be an integer or a list of 1 or 2 integers",
    ),
    BadCall(
        "tf.nn.atrous_conv2d",
        {"rate": 2, "padding": "SAME", "strides": 2},
        X2,
        W2,
        BadOption,
        'tf.nn.atrous_conv2d has no option "strides"; it has rate, padding, name',
    ),
    BadCall(
        "tf.nn.atrous_conv2d",
        {"rate": 1, "padding": [[0, 0], [1, 1], [1, 1], [0, 0]]},
        X2,
        W2,
        Refused,
        (
            "tf.nn.atrous_conv2d: padding=[[0, 0], [1, 1], [1, 1], [0, 0]], rate=1: without "
            'dilations, padding must be "SAME" or "VALID"; tf.nn.conv2d takes a list [tensorflow '
            "2.21.0 tensorflow/python/ops/nn_ops.py convolution_internal]"
        ),
    ),
    BadCall(
        "tf.nn.atrous_conv2d_transpose",
        {"output_shape": [2, 4, 5, 6], "rate": [2, 2], "padding": "SAME"},
        T2,
        V2,
        BadOption,
        "tf.nn.atrous_conv2d_transpose: rate=[2, 2] must be an integer",
    ),
    BadCall(
        "tf.nn.atrous_conv2d_transpose",
        {"output_shape": [2, 4, 5, 6], "rate": 0, "padding": "SAME"},
        T2,
        V2,
        BadOption,
        "tf.nn.atrous_conv2d_transpose: rate=0 must be at least 1",
    ),
    BadCall(
        "tf.nn.atrous_conv2d_transpose",
        {"output_shape": [2, 4, 5, 6], "rate": 2, "padding": "VALID"},
        T2,
        V2,
        BadOption,
        (
            "tf.nn.atrous_conv2d_transpose: output_shape=[2, 4, 5, 6] has spatial sizes (4, 5), "
            "from which the convolution with these options makes (0, 3); it must make those of x,"
            " (4, 5): give 8 and 7"
        ),
    ),
    BadCall(
        "tf.nn.atrous_conv2d_transpose",
        {"output_shape": [2, 4, 5, 12], "rate": 2, "padding": "SAME"},
        T2,
        (3, 2, 6, 2),
        BadShape,
        (
            'tf.nn.atrous_conv2d_transpose: x (2, 4, 5, 4) read as "n ... c" has c = 4, w (3, 2, '
            '6, 2) read as "... m c" has c = 2; both c must be equal'
        ),
    ),
    BadCall(
        "tf.nn.depthwise_conv2d",
        {"strides": 1, "padding": "SAME"},
        X2,
        D2,
        BadOption,
        "tf.nn.depthwise_conv2d: strides=1 must be a list of 4 integers",
    ),
    BadCall(
        "tf.nn.depthwise_conv2d",
        {"strides": [1, 2, 2, 1], "padding": "SAME", "dilations": [2, 2]},
        X2,
        D2,
        Refused,
        (
            "tf.nn.depthwise_conv2d: strides=[1, 2, 2, 1], dilations=[2, 2]: TensorFlow only "
            "warns and returns wrong values for strides and dilations both above 1 "
            "(https://github.com/tensorflow/tensorflow/issues/31514); use tf.nn.conv2d with "
            "groups [tensorflow 2.21.0 tensorflow/python/ops/nn_impl.py depthwise_conv2d]"
        ),
        live="TensorFlow warns and returns wrong values",
    ),
    BadCall(
        "tf.nn.depthwise_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME", "dilations": 2},
        X2,
        D2,
        BadOption,
        "tf.nn.depthwise_conv2d: dilations=2 must be None or a list of 2 integers",
    ),
    BadCall(
        "tf.nn.depthwise_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME", "dilations": [1, 2, 2, 1]},
        X2,
        D2,
        BadOption,
        "tf.nn.depthwise_conv2d: dilations=[1, 2, 2, 1] must be None or a list of 2 integers",
    ),
    BadCall(
        "tf.nn.depthwise_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME", "rate": [2, 2]},
        X2,
        D2,
        BadOption,
        'tf.nn.depthwise_conv2d has no option "rate": did you mean "dilations"?',
    ),
    BadCall(
        "tf.nn.depthwise_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME"},
        X2,
        D2,
        BadArray,
        "tf.nn.depthwise_conv2d: dtype int32 is not one of float16, bfloat16, float32, float64",
        dtypes=("int32", "int32", "int32"),
    ),
    BadCall(
        "tf.nn.depthwise_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "VALID"},
        (2, 1, 9, 4),
        D2,
        BadShape,
        (
            'tf.nn.depthwise_conv2d: x (2, 1, 9, 4) read as "n ... c" has spatial sizes (1, 9), '
            "the kernel spans (3, 2), and the padding is ((0, 0), (0, 0)): no window fits; pad "
            "more, or make the kernel or its dilation smaller"
        ),
    ),
    BadCall(
        "tf.nn.separable_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME"},
        X2,
        D2,
        BadShape,
        (
            'tf.nn.separable_conv2d: the pointwise kernel (1, 1, 11, 5) read as "... i o" has i ='
            " 11, o = 5, the depthwise result 12 channels; these must be a multiple of i, and o a"
            " multiple of their ratio"
        ),
        p_shape=(1, 1, 11, 5),
    ),
    BadCall(
        "tf.nn.separable_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME"},
        X2,
        D2,
        BadShape,
        (
            'tf.nn.separable_conv2d: the pointwise kernel (2, 1, 12, 5) read as "... i o" must '
            "have 4 axes and spatial sizes 1"
        ),
        p_shape=(2, 1, 12, 5),
    ),
    BadCall(
        "tf.nn.separable_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME"},
        X2,
        D2,
        BadShape,
        (
            'tf.nn.separable_conv2d: the pointwise kernel (1, 1, 6, 5) read as "... i o" has i = '
            "6, o = 5, the depthwise result 12 channels; these must be a multiple of i, and o a "
            "multiple of their ratio"
        ),
        p_shape=(1, 1, 6, 5),
    ),
    BadCall(
        "tf.nn.separable_conv2d",
        {"strides": [1, 2, 2, 1], "padding": "SAME", "dilations": [2, 2]},
        X2,
        D2,
        Refused,
        (
            "tf.nn.separable_conv2d: strides=[1, 2, 2, 1], dilations=[2, 2]: TensorFlow only "
            "warns and returns wrong values for strides and dilations both above 1 "
            "(https://github.com/tensorflow/tensorflow/issues/31514); use tf.nn.conv2d with "
            "groups [tensorflow 2.21.0 tensorflow/python/ops/nn_impl.py depthwise_conv2d]"
        ),
        p_shape=(1, 1, 12, 5),
        live="TensorFlow warns and returns wrong values",
    ),
    BadCall(
        "tf.nn.separable_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME"},
        X2,
        D2,
        BadArray,
        (
            "tf.nn.separable_conv2d: x and the pointwise kernel are float32 and float64; "
            "TF takes one dtype: convert one "
            "of them"
        ),
        p_shape=(1, 1, 12, 5),
        dtypes=("float32", "float32", "float64"),
    ),
    BadCall(
        "tf.compat.v1.nn.conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME"},
        X2,
        W2,
        BadOption,
        "tf.compat.v1.nn.conv2d: both of filter, filters are given; give exactly one",
        again="filters",
    ),
    BadCall(
        "tf.compat.v1.nn.conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME", "dilation_rate": 2},
        X2,
        W2,
        BadOption,
        'tf.compat.v1.nn.conv2d has no option "dilation_rate": did you mean "dilations"?',
    ),
    BadCall(
        "tf.compat.v1.nn.convolution",
        {"padding": "SAME", "dilation_rate": 2, "dilations": 2},
        X2,
        W2,
        BadOption,
        (
            "tf.compat.v1.nn.convolution: dilation_rate and dilations are one option under two "
            "names; give one of them"
        ),
    ),
    BadCall(
        "tf.compat.v1.nn.convolution",
        {"padding": "SAME", "strides": 2, "dilation_rate": 2},
        X2,
        W2,
        Refused,
        (
            "tf.compat.v1.nn.convolution: strides=2, dilation_rate=2: strides > 1 are not "
            "supported together with dilations > 1; tf.nn.conv2d takes both [tensorflow 2.21.0 "
            "tensorflow/python/ops/nn_ops.py convolution_internal]"
        ),
    ),
    BadCall(
        "tf.compat.v1.nn.convolution",
        {},
        X2,
        W2,
        BadOption,
        'tf.compat.v1.nn.convolution: option "padding" is missing',
    ),
    BadCall(
        "tf.compat.v1.nn.conv2d_transpose",
        {"output_shape": [2, 8, 10, 6], "strides": 2},
        T2,
        V2,
        BadOption,
        "tf.compat.v1.nn.conv2d_transpose: both of filter, filters are given; give exactly one",
        again="filters",
    ),
    BadCall(
        "tf.compat.v1.nn.conv2d_transpose",
        {"output_shape": [2, 8, 10, 6]},
        T2,
        V2,
        BadOption,
        (
            "tf.compat.v1.nn.conv2d_transpose: output_shape=[2, 8, 10, 6] has spatial sizes (8, "
            "10), from which the convolution with these options makes (8, 10); it must make those"
            " of x, (4, 5): give 4 and 5"
        ),
    ),
    BadCall(
        "tf.compat.v1.nn.conv2d_transpose",
        {"strides": 2},
        T2,
        V2,
        BadOption,
        'tf.compat.v1.nn.conv2d_transpose: option "output_shape" is missing',
    ),
    BadCall(
        "tf.compat.v1.nn.conv2d_transpose",
        {"output_shape": [2, 9, 10, 6], "strides": [1, 2, 2, 1]},
        T2,
        V2,
        BadOption,
        (
            "tf.compat.v1.nn.conv2d_transpose: output_shape=[2, 9, 10, 6] has spatial sizes (9, "
            "10), from which the convolution with these options makes (5, 5); it must make those "
            "of x, (4, 5): give 7 to 8 and 9 to 10"
        ),
    ),
    BadCall(
        "tf.compat.v1.nn.depthwise_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME", "rate": [2, 2], "dilations": [2, 2]},
        X2,
        D2,
        BadOption,
        (
            "tf.compat.v1.nn.depthwise_conv2d: dilations and rate are one option under two names;"
            " give one of them"
        ),
    ),
    BadCall(
        "tf.compat.v1.nn.depthwise_conv2d",
        {"strides": [1, 2, 2, 1], "padding": "SAME", "rate": [2, 2]},
        X2,
        D2,
        Refused,
        (
            "tf.compat.v1.nn.depthwise_conv2d: strides=[1, 2, 2, 1], rate=[2, 2]: TensorFlow only"
            " warns and returns wrong values for strides and dilations both above 1 "
            "(https://github.com/tensorflow/tensorflow/issues/31514); use tf.nn.conv2d with "
            "groups [tensorflow 2.21.0 tensorflow/python/ops/nn_impl.py depthwise_conv2d]"
        ),
        live="TensorFlow warns and returns wrong values",
    ),
    BadCall(
        "tf.compat.v1.nn.depthwise_conv2d",
        {"strides": [1, 1, 1, 1], "padding": "SAME", "rate": 2},
        X2,
        D2,
        BadOption,
        "tf.compat.v1.nn.depthwise_conv2d: rate=2 must be None or a list of 2 integers",
    ),
]

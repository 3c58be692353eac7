"""Calls that Knet 1.4.10 refuses, by its source, and what uniconv refuses for it."""

from tests.refusals.bad_call import BadCall, Call
from uniconv.errors import BadOption, BadShape

X2 = (7, 9, 4, 2)
W2 = (3, 2, 4, 5)
T2 = (4, 5, 4, 2)
V2 = (3, 2, 6, 4)
NO_JULIA = "Julia is not installed beside uniconv"

# One call of every function that it takes: what is refused below is not refused by accident.
GOOD = [
    Call("knet.conv4", {"padding": 1, "mode": 1}, X2, W2),
    Call("knet.deconv4", {"stride": 2}, T2, V2),
    Call("knet.ops21.conv", {"padding": 1}, X2, W2),
]

BAD = [
    BadCall(
        "knet.conv4",
        {"pad": 1},
        X2,
        W2,
        BadOption,
        'knet.conv4 has no option "pad": did you mean "padding"?',
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"strides": 2},
        X2,
        W2,
        BadOption,
        'knet.conv4 has no option "strides": did you mean "stride"?',
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"groups": 2},
        X2,
        W2,
        BadOption,
        'knet.conv4 has no option "groups": did you mean "group"?',
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"crosscorrelation": True},
        X2,
        W2,
        BadOption,
        'knet.conv4 has no option "crosscorrelation": did you mean "mode"?',
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"padding": "SAME"},
        X2,
        W2,
        BadOption,
        (
            'knet.conv4: padding="SAME" must be an integer of at least 0, or one per spatial '
            "axis: as many pixels before as after"
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"padding": -1},
        X2,
        W2,
        BadOption,
        (
            "knet.conv4: padding=-1 must be an integer of at least 0, or one per spatial axis: as"
            " many pixels before as after"
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"padding": (1, 1, 1)},
        X2,
        W2,
        BadOption,
        (
            "knet.conv4: padding=(1, 1, 1) must be an integer of at least 0, or one per spatial "
            'axis: as many pixels before as after; x read as "... c n" has 4 axes, 2 of them '
            "spatial"
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"padding": 0.5},
        X2,
        W2,
        BadOption,
        (
            "knet.conv4: padding=0.5 must be an integer of at least 0, or one per spatial axis: "
            "as many pixels before as after"
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"stride": 0},
        X2,
        W2,
        BadOption,
        "knet.conv4: stride=0 must be at least 1",
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"stride": (2, 2, 1)},
        X2,
        W2,
        BadOption,
        "knet.conv4: stride=(2, 2, 1) must be an integer or a list of 2 integers",
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"dilation": (1, 0)},
        X2,
        W2,
        BadOption,
        "knet.conv4: dilation=(1, 0) must be at least 1 on every axis",
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"mode": 2},
        X2,
        W2,
        BadOption,
        "knet.conv4: mode=2 is not one of 0, 1",
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"mode": "convolution"},
        X2,
        W2,
        BadOption,
        'knet.conv4: mode="convolution" is not one of 0, 1',
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"alpha": "2"},
        X2,
        W2,
        BadOption,
        'knet.conv4: alpha="2" must be a number',
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"group": 0},
        X2,
        W2,
        BadOption,
        "knet.conv4: group=0 must be an integer of at least 1",
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"group": 2},
        X2,
        W2,
        BadShape,
        (
            'knet.conv4: x (7, 9, 4, 2) read as "... c n" has c = 4, w (3, 2, 4, 5) read as "... '
            'i o" has i = 4, group = 2; c must be i * group = 8'
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {"group": 2},
        X2,
        (3, 2, 2, 5),
        BadShape,
        (
            'knet.conv4: x (7, 9, 4, 2) read as "... c n" has c = 4, w (3, 2, 2, 5) read as "... '
            'i o" has i = 2, o = 5; o must be a multiple of the 2 groups'
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {},
        X2,
        (3, 2, 3, 5),
        BadShape,
        (
            'knet.conv4: x (7, 9, 4, 2) read as "... c n" has c = 4, w (3, 2, 3, 5) read as "... '
            'i o" has i = 3, group = 1; c must be i * group = 3'
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {},
        (2, 4, 7, 9),
        W2,
        BadShape,
        (
            'knet.conv4: x (2, 4, 7, 9) read as "... c n" has c = 7, w (3, 2, 4, 5) read as "... '
            'i o" has i = 4, group = 1; c must be i * group = 4'
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {},
        (7, 9, 4),
        W2,
        BadShape,
        (
            'knet.conv4: x (7, 9, 4) has 3 axes, but read as "... c n" with the 2 spatial axes of'
            " w (3, 2, 4, 5) it must have 4"
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {},
        X2,
        (4, 5),
        BadShape,
        'knet.conv4: w (4, 5) has 2 axes, but read as "... i o" it must have 3, 4 or 5',
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {},
        (2, 9, 4, 2),
        W2,
        BadShape,
        (
            'knet.conv4: x (2, 9, 4, 2) read as "... c n" has spatial sizes (2, 9), the kernel '
            "spans (3, 2), and the padding is ((0, 0), (0, 0)): no window fits; pad more, or make"
            " the kernel or its dilation smaller"
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {},
        X2,
        W2,
        BadShape,
        "knet.conv4: bias (4,) must be (5,)",
        bias_shape=(4,),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.conv4",
        {},
        X2,
        W2,
        BadShape,
        "knet.conv4: bias (1, 1, 5, 1) must be (5,)",
        bias_shape=(1, 1, 5, 1),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.deconv4",
        {"padding": "SAME"},
        T2,
        V2,
        BadOption,
        (
            'knet.deconv4: padding="SAME" must be an integer of at least 0, or one per spatial '
            "axis: as many pixels before as after"
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.deconv4",
        {"stride": -1},
        T2,
        V2,
        BadOption,
        "knet.deconv4: stride=-1 must be at least 1",
        live=NO_JULIA,
    ),
    BadCall(
        "knet.deconv4",
        {"output_padding": 1},
        T2,
        V2,
        BadOption,
        'knet.deconv4 has no option "output_padding": did you mean "padding"?',
        live=NO_JULIA,
    ),
    BadCall(
        "knet.deconv4",
        {"padding": 5},
        T2,
        V2,
        BadShape,
        (
            'knet.deconv4: x (4, 5, 4, 2) read as "... c n" has spatial sizes (4, 5), which give '
            "(6, 6) and, less the padding ((5, 5), (5, 5)), (0, 0); each must be at least 1: pad "
            "less"
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.deconv4",
        {},
        T2,
        (3, 2, 4, 6),
        BadShape,
        (
            'knet.deconv4: x (4, 5, 4, 2) read as "... c n" has c = 4, w (3, 2, 4, 6) read as '
            '"... m c" has c = 6; both c must be equal'
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.deconv4",
        {"group": 3},
        T2,
        V2,
        BadShape,
        (
            'knet.deconv4: x (4, 5, 4, 2) read as "... c n" has c = 4, w (3, 2, 6, 4) read as '
            '"... m c" has c = 4; c must be a multiple of the 3 groups'
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.ops21.conv",
        {"mode": 1},
        X2,
        W2,
        BadOption,
        'knet.ops21.conv has no option "mode": did you mean "crosscorrelation"?',
        live=NO_JULIA,
    ),
    BadCall(
        "knet.ops21.conv",
        {"group": 2},
        X2,
        W2,
        BadOption,
        'knet.ops21.conv has no option "group": did you mean "groups"?',
        live=NO_JULIA,
    ),
    BadCall(
        "knet.ops21.conv",
        {"activation": "relu"},
        X2,
        W2,
        BadOption,
        'knet.ops21.conv: activation="relu" must stay None: apply the activation to the result',
        live=NO_JULIA,
    ),
    BadCall(
        "knet.ops21.conv",
        {"normalization": "batchnorm"},
        X2,
        W2,
        BadOption,
        (
            'knet.ops21.conv: normalization="batchnorm" must stay None: apply the normalization '
            "to the result"
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.ops21.conv",
        {"channelmajor": 2},
        X2,
        W2,
        BadOption,
        "knet.ops21.conv: channelmajor=2 is not one of False, True",
        live=NO_JULIA,
    ),
    BadCall(
        "knet.ops21.conv",
        {"channelmajor": True},
        X2,
        W2,
        BadShape,
        (
            'knet.ops21.conv: x (7, 9, 4, 2) read as "c ... n" has c = 7, w (3, 2, 4, 5) read as '
            '"i ... o" has i = 3, groups = 1; c must be i * groups = 3'
        ),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.ops21.conv",
        {"crosscorrelation": "yes"},
        X2,
        W2,
        BadOption,
        'knet.ops21.conv: crosscorrelation="yes" is not one of True, False',
        live=NO_JULIA,
    ),
    BadCall(
        "knet.ops21.conv",
        {"beta": "1"},
        X2,
        W2,
        BadOption,
        'knet.ops21.conv: beta="1" must be a number',
        live=NO_JULIA,
    ),
    BadCall(
        "knet.ops21.conv",
        {},
        X2,
        W2,
        BadShape,
        "knet.ops21.conv: bias (5,) must be (1, 1, 5, 1)",
        bias_shape=(5,),
        live=NO_JULIA,
    ),
    BadCall(
        "knet.ops21.conv",
        {},
        (2, 9, 4, 2),
        W2,
        BadShape,
        (
            'knet.ops21.conv: x (2, 9, 4, 2) read as "... c n" has spatial sizes (2, 9), the '
            "kernel spans (3, 2), and the padding is ((0, 0), (0, 0)): no window fits; pad more, "
            "or make the kernel or its dilation smaller"
        ),
        live=NO_JULIA,
    ),
]

"""Rules: what is written is read back, for every rule of every function; and every message."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniconv._calls.lower import read_output_shape, uncrop
from uniconv._calls.options import complete
from uniconv._canonical.layout import Layout, axes
from uniconv._canonical.record import Sizes
from uniconv._dialects.mxnet import EXTRA_UNLESS_OUT
from uniconv._dialects.onnx import BEGINS_ENDS, UNLESS_OUT
from uniconv._dialects.openvino import IDLE_BESIDE_OUT
from uniconv._messages import show, suggest
from uniconv.errors import BadOption, CannotExpress
from uniconv.spec.dimension_strings import (
    AlongAxes,
    AlongAxis,
    DimensionNumbers,
    Labels,
    NumberedDimensions,
    along_axis,
)
from uniconv.spec.forms import LAYOUT_PAIRS, PAIRS, SYMMETRIC
from uniconv.spec.groups import Count
from uniconv.spec.padding import Crop, Pad
from uniconv.spec.registry import functions
from uniconv.spec.rules import (
    REQUIRED,
    ActivationWord,
    Border,
    CallContext,
    Choice,
    EachAxis,
    ElementType,
    FullAxes,
    InertOption,
    KernelShape,
    OneZeroPoint,
    PerAxis,
    Scalar,
    ZeroPoint,
)
from uniconv.spec.words import AS_IS, NumbersMean, OfOutput, same_lower, same_upper, valid
from uniconv.testing import Case, random_case

OPS = list(functions().values())
# Beside an output shape these read no numbers.
OVERRULED = (UNLESS_OUT, EXTRA_UNLESS_OUT, IDLE_BESIDE_OUT)
RULES = [(op, rule) for op in OPS for rule in op.rules.values()]
EACH_RULE = pytest.mark.parametrize(
    ("op", "rule"), RULES, ids=[f"{op.name} {rule.option}" for op, rule in RULES]
)


def facts_of(case: Case) -> CallContext:
    """What is known of a valid call when its padding is read."""
    call, op = case.call, case.op
    transposed = isinstance(op.pad, Crop)
    facts = CallContext(
        op.name,
        op.title,
        call.layout,
        call.sizes,
        stride=call.conv.lhs_dilation if transposed else call.conv.stride,
        dilation=call.conv.rhs_dilation,
        lhs_dilation=() if transposed else call.conv.lhs_dilation,
        options=complete(op, case.options)[0],
        ndim=len(case.x_shape),
    )
    if isinstance(op.pad, Crop) and op.pad.output_padding:
        extra = op.pad.output_padding.read(facts.options[op.pad.output_padding.option], facts)
        facts = replace(facts, output_padding=extra)
    return replace(facts, output_size=read_output_shape(op, facts)[0])


@EACH_RULE
def test_what_a_call_says_is_written_and_read_back(op, rule):
    rng = random.Random(rule.option)
    for _ in range(6):
        case = random_case(op, rng)
        facts = facts_of(case)
        if isinstance(op.pad, Crop) and rule is op.pad.pad and op.pad.shape:
            continue  # its padding is that of another convolution: see the law of Crop
        meant = rule.read(facts.options[rule.option], facts)
        if isinstance(rule, Pad):
            ways = [replace(facts, options={**facts.options, **w}) for w in rule.ways(meant, facts)]
            assert any(rule.read(told.options[rule.option], told) == meant for told in ways)
            continue
        assert rule.read(rule.write(meant, facts), facts) == meant


@EACH_RULE
def test_whatever_can_be_written_is_read_back(op, rule):
    if isinstance(op.pad, Crop) and rule.option == op.pad.shape:
        pytest.skip("read_output_shape reads it, not a rule")
    rng = random.Random(rule.option)
    for _ in range(15):
        facts = facts_of(random_case(op, rng))
        drawn = {
            KernelShape: None,
            DimensionNumbers: _anything_of(rule, rng),
            NumberedDimensions: _anything_of(rule, rng),
            Labels: _anything_of(rule, rng),
            EachAxis: tuple(rng.random() < 0.5 for _ in range(facts.rank)),
            Border: _anything_of(rule, rng),
            AlongAxis: along_axis(rng.randrange(facts.rank), facts.rank) if facts.rank else None,
            PerAxis: tuple(rng.randint(getattr(rule, "least", 1), 4) for _ in range(facts.rank)),
            Pad: tuple((rng.randint(-1, 3), rng.randint(-1, 3)) for _ in range(facts.rank)),
            Count: rng.randint(1, 9),
            Scalar: rng.choice((0, -2, 1.5, 1 + 2j)),
            OneZeroPoint: rng.choice((0, 3, -2)),
            ZeroPoint: rng.choice((3, ZeroPoint("w").read([*range(facts.sizes.o)], facts))),
            InertOption: None,
            FullAxes: None,
            AlongAxes: _anything_of(rule, rng),
            Choice: _anything_of(rule, rng),
            ActivationWord: _activation_of(rule, rng),
            ElementType: _anything_of(rule, rng),
        }
        value = drawn[type(rule)]
        if isinstance(rule, Pad) and rng.random() < 0.5:
            value = tuple((lo, lo) for lo, _ in value)
        if isinstance(rule, (DimensionNumbers, Labels, NumberedDimensions)):
            facts = replace(facts, sizes=replace(facts.sizes, size=(5,) * max(value.ranks[0], 0)))
        if isinstance(rule, Pad):
            if rule.reading.usual in OVERRULED:
                facts = replace(facts, output_size=())
            for way in rule.ways(value, facts):
                told = replace(facts, options={**facts.options, **way})
                assert rule.read(way[rule.option], told) == value
            continue
        try:
            written = rule.write(value, facts)
        except CannotExpress:
            assert isinstance(rule, PerAxis)  # the others can say all that they mean
        else:
            again = rule.read(written, facts)
            assert again == value or spelled(again, facts.rank) == spelled(value, facts.rank)


def spelled(layout, rank):
    """A layout with its spatial axes one by one."""
    return [axes(pattern, rank) for pattern in (layout.x, layout.w, layout.y)]


def _activation_of(rule, rng):
    """One of the activations that a word alone says."""
    if not isinstance(rule, ActivationWord):
        return None
    return rng.choice([meaning for meaning in rule.table.values() if not callable(meaning)])


def _anything_of(rule, rng):
    return rng.choice(list(rule.table.values())) if isinstance(rule, Choice) else None


TRANSPOSED = [op for op in OPS if isinstance(op.pad, Crop)]


@pytest.mark.parametrize("op", TRANSPOSED, ids=lambda op: op.name)
def test_a_crop_is_written_and_read_back(op):
    rng = random.Random(op.name)
    for _ in range(25):
        case = random_case(op, rng)
        call, facts = case.call, facts_of(case)
        crop = uncrop(call.conv.pad, facts)
        ways = list(op.pad.ways(crop, facts))
        assert any(crop_of(op, way, facts) == crop for way in ways), case


def crop_of(op, way, facts):
    """What these options mean; None where they contradict each other."""
    facts = replace(facts, options={**facts.options, **way})
    if op.pad.output_padding:
        extra = op.pad.output_padding.read(facts.options[op.pad.output_padding.option], facts)
        facts = replace(facts, output_padding=extra)
    try:
        return op.pad.read(facts.options[op.pad.pad.option], facts)
    except BadOption:
        return None


FACTS = CallContext(
    "f.conv",
    "F",
    Layout("n ... c", "... i o", "n ... o"),
    Sizes((2,), 3, 4, (7, 6), (3, 2)),
    stride=(1, 2),
    dilation=(1, 1),
)
STRIDE = PerAxis("stride", accepts=("none", "int", "one", "axes", "full"))


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (None, (1, 1)),
        (3, (3, 3)),
        (np.int64(3), (3, 3)),
        ([3], (3, 3)),
        ((3, 2), (3, 2)),
        ([1, 3, 2, 1], (3, 2)),
        (np.array([3, 2]), (3, 2)),
    ],
)
def test_per_axis_reads_every_form(value, meant):
    assert STRIDE.read(value, FACTS) == meant


def test_per_axis_reads_a_full_list_in_the_order_of_x():
    first = replace(FACTS, layout=Layout("n c ...", "o i ...", "n o ..."))
    assert STRIDE.read([1, 1, 3, 2], first) == (3, 2)


def test_per_axis_writes_the_shortest_that_it_can_say():
    assert STRIDE.write((3, 3), FACTS) == 3
    assert STRIDE.write((3, 2), FACTS) == (3, 2)
    assert PerAxis("stride", accepts=("full",)).write((3, 2), FACTS) == [1, 3, 2, 1]
    with pytest.raises(CannotExpress) as caught:
        PerAxis("rate", accepts=("int",)).write((3, 2), FACTS)
    assert str(caught.value) == ("f.conv cannot express rate: one rate serves all axes, not (3, 2)")
    assert (caught.value.function, caught.value.field) == ("f.conv", "rate")


WORDS = {"SAME": same_upper, "VALID": valid}
BAD = [
    (
        STRIDE,
        (1, 2, 3),
        "stride=(1, 2, 3) must be an integer or a list of 1, 2 or 4 integers: for 2 spatial axes "
        "stride=[2, 3] would do",
    ),
    (STRIDE, 1.5, "stride=1.5 must be an integer or a list of 1, 2 or 4 integers"),
    (
        STRIDE,
        "2",
        'stride="2" must be an integer or a list of 1, 2 or 4 integers: did you mean stride=2?',
    ),
    (STRIDE, True, "stride=True must be an integer or a list of 1, 2 or 4 integers"),
    (STRIDE, (1, 0), "stride=(1, 0) must be at least 1 on every axis"),
    (
        STRIDE,
        [2, 1, 1, 1],
        'stride=[2, 1, 1, 1] read as "n ... c" must be 1 on the batch and channel axes',
    ),
    (
        PerAxis("extra", 0, least=0, accepts=("int",)),
        -1,
        "extra=-1 must be at least 0",
    ),
    (PerAxis("rate", accepts=("int",)), [2, 2], "rate=[2, 2] must be an integer"),
    (PerAxis("rate", accepts=("full",)), 2, "rate=2 must be a list of 4 integers"),
    (Count("groups"), 0, "groups=0 must be an integer of at least 1"),
    (Count("groups"), True, "groups=True must be an integer of at least 1"),
    (Scalar("alpha"), "1", 'alpha="1" must be a number'),
    (Scalar("alpha"), True, "alpha=True must be a number"),
    (
        InertOption("act", None, "apply it after"),
        "relu",
        'act="relu" must stay None: apply it after',
    ),
    (Choice("mode", {0: True, 1: False}), 2, "mode=2 is not one of 0, 1"),
    (Choice("mode", {0: True, 1: False}), [0], "mode=[0] is not one of 0, 1"),
    (
        Choice("format", {None: 0, "NHWC": 1, "NCHW": 2}),
        "NHCW",
        'format="NHCW" is not one of "NHWC", "NCHW": did you mean "NHWC"?',
    ),
    (
        Pad("padding", words=WORDS),
        "same",
        'padding="same" is not one of "SAME", "VALID" (F is case-sensitive): did you mean "SAME"?',
    ),
    (Pad("padding", words=WORDS), "reflect", 'padding="reflect" is not one of "SAME", "VALID"'),
    (Pad("padding", words=WORDS), 1, 'padding=1 must be one of "SAME", "VALID"'),
    (
        Pad("padding", form=SYMMETRIC),
        "SAME",
        'padding="SAME" must be an integer of at least 0, or one per spatial axis: '
        "as many pixels before as after",
    ),
    (
        Pad("padding", words=WORDS, form=LAYOUT_PAIRS),
        [[0, 0], [1, 1]],
        'padding=[[0, 0], [1, 1]] must be one of "SAME", "VALID", or a list of pairs '
        "[before, after], one per axis of x in data_format order, batch and channels [0, 0], "
        'none negative; x read as "n ... c" has 4 axes, 2 of them spatial',
    ),
]


@pytest.mark.parametrize(("rule", "value", "text"), BAD, ids=[text for _, _, text in BAD])
def test_a_bad_value_is_named(rule, value, text):
    with pytest.raises(BadOption) as caught:
        rule.read(value, FACTS)
    assert str(caught.value) == f"f.conv: {text}"


def test_what_no_word_or_form_can_say():
    with pytest.raises(CannotExpress) as caught:
        Pad("padding", words=WORDS, form=SYMMETRIC).write(((0, 1), (1, 1)), FACTS)
    assert str(caught.value) == (
        'f.conv cannot express pad: padding takes one of "SAME", "VALID", or an integer of at '
        "least 0, or one per spatial axis: as many pixels before as after, not ((0, 1), (1, 1))"
    )
    with pytest.raises(CannotExpress) as caught:
        Choice("mode", {1: False}).write(True, FACTS)
    assert str(caught.value) == "f.conv cannot express mode: no mode means True"


def test_words_ask_for_the_dilated_kernel_and_the_stride():
    pad = Pad("padding", words=WORDS)
    dilated = replace(FACTS, dilation=(2, 3))
    # 7 pixels, a kernel that spans 5, stride 1; 6 pixels, a kernel that spans 4, stride 2
    assert pad.read("SAME", dilated) == ((2, 2), (1, 1))
    assert pad.write(((2, 2), (1, 1)), dilated) == "SAME"


def test_output_shape_settles_where_a_crop_ends():
    """conv2d reads 8 x 5 with SAME and stride (1, 2), kernel 3 x 2: pads (1, 1) and (0, 1)."""
    crop = Crop(Pad("padding", words={"SAME": OfOutput(same_upper)}), shape="output_shape")
    facts = replace(
        FACTS, sizes=replace(FACTS.sizes, size=(8, 3)), options={"output_shape": [8, 5]}
    )
    assert crop.read("SAME", replace(facts, output_size=(8, 5))) == ((1, 1), (0, 1))
    with pytest.raises(BadOption) as caught:
        crop.read("SAME", replace(facts, output_size=(9, 5), options={"output_shape": [9, 5]}))
    assert str(caught.value) == (
        "f.conv: output_shape=[9, 5] has spatial sizes (9, 5), from which the convolution with "
        "these options makes (9, 3); it must make those of x, (8, 3): give 8 and 5 to 6"
    )


def test_output_padding_is_what_is_not_cut_after():
    crop = Crop(
        Pad("padding", form=SYMMETRIC), output_padding=PerAxis("output_padding", 0, least=0)
    )
    facts = replace(FACTS, output_padding=(1, 0))
    assert crop.read((2, 1), facts) == ((2, 1), (1, 1))
    ways = list(crop.ways(((2, 1), (1, 1)), FACTS))
    assert ways == [{"padding": (2, 1), "output_padding": (1, 0)}]
    assert list(crop.ways(((1, 2), (1, 1)), FACTS)) == []


AUTO = Choice("auto_pad", {"NOTSET": None, "SAME_LOWER": same_lower}, "NOTSET")


def test_a_word_in_an_option_of_its_own():
    """7 pixels under 3 taps with stride 1 need (1, 1); 6 under 2 with stride 2 need none."""
    pad = Pad("pads", None, form=BEGINS_ENDS, word_option=AUTO)
    word = replace(FACTS, options={"auto_pad": "SAME_LOWER"})
    assert pad.read(None, word) == ((1, 1), (0, 0))
    assert pad.read([1, 0, 2, 3], replace(FACTS, options={"auto_pad": "NOTSET"})) == (
        (1, 2),
        (0, 3),
    )
    with pytest.raises(BadOption) as caught:
        pad.read([1, 0, 2, 3], word)
    assert str(caught.value) == (
        'f.conv: pads=[1, 0, 2, 3] must be left out beside auto_pad="SAME_LOWER"'
    )
    ignoring = replace(pad, numbers_beside_word="ignored")
    assert ignoring.read([1, 0, 2, 3], word) == ((1, 1), (0, 0))
    assert list(pad.ways(((1, 1), (0, 0)), FACTS)) == [
        {"auto_pad": "NOTSET", "pads": [1, 0, 1, 0]},
        {"auto_pad": "SAME_LOWER", "pads": None},
    ]


# Numbers that count from the end of the kernel, and numbers as they are.
FROM_FULL = NumbersMean(
    lambda axis, pair: (axis.extent - 1 - pair[0], axis.extent - 1 - pair[1]),
    lambda axis, pair: (axis.extent - 1 - pair[0], axis.extent - 1 - pair[1]),
)


def test_another_option_says_what_numbers_mean():
    pad = Pad(
        "padding", 0, form=PAIRS, reading=Choice("inside", {False: AS_IS, True: FROM_FULL}, False)
    )
    pairs = [(0, 1), (1, 0)]
    assert pad.read(pairs, replace(FACTS, options={"inside": False})) == ((0, 1), (1, 0))
    assert pad.read(pairs, replace(FACTS, options={"inside": True})) == ((2, 1), (0, 1))
    assert list(pad.ways(((2, 1), (0, 1)), FACTS)) == [
        {"inside": False, "padding": [(2, 1), (0, 1)]},
        {"inside": True, "padding": [(0, 1), (1, 0)]},
    ]


@given(st.text("abcSAMEVLID", max_size=8))
def test_a_suggestion_is_a_known_word(word):
    known = ("SAME", "VALID")
    assert suggest(word, known) in ("", *(f": did you mean {show(k)}?" for k in known))


def test_required_shows_itself():
    assert repr(REQUIRED) == "<required>"

"""same_pads: the numbers of every function's SAME, against the call itself."""

from __future__ import annotations

import random

import pytest

from uniconv import same_pads
from uniconv._calls.options import complete
from uniconv._same_pads import _words
from uniconv.errors import BadOption, UnknownName
from uniconv.spec.registry import functions
from uniconv.spec.rules import Choice
from uniconv.testing.cases import random_case

WITH_WORDS = sorted(
    name for name, op in functions().items() if op.kind != "conv_transpose" and _words(op)
)


@pytest.mark.parametrize("name", WITH_WORDS)
def test_the_numbers_are_those_of_the_call(name):
    op, rng, seen = functions()[name], random.Random(name), 0
    pad = op.pad
    for _ in range(80):
        case = random_case(op, rng)
        conv, sizes = case.call.conv, case.call.sizes
        given, _ = complete(op, case.options)
        by_word = (
            pad.word_option is not None
            and pad.word_option.table[given[pad.word_option.option]] is not None
        )
        word = given[(pad.word_option if by_word else pad).option]
        if (
            not isinstance(word, str)
            or word not in _words(op)
            or max(conv.lhs_dilation, default=2) > 1
        ):
            continue
        rule = pad.words.get(word)
        if isinstance(rule, Choice) and given[rule.option] != rule.default:
            continue
        numbers = (sizes.size, sizes.kernel, conv.stride, conv.rhs_dilation)
        assert same_pads(*numbers, dialect=name, word=word) == conv.pad, case
        seen += 1
    assert seen > 2


def test_numbers_by_hand():
    assert same_pads(224, 3, 2, dialect="tf") == ((0, 1),)
    assert same_pads(224, 3, 2, dialect="jax", word="SAME_LOWER") == ((1, 0),)
    assert same_pads((7, 6), (4, 3), 2, dialect="tf") == ((1, 2), (0, 1))
    assert same_pads(7, 3, 1, 2, dialect="tf.nn.conv2d") == ((2, 2),)
    assert same_pads(7, 3, 1, 2, dialect="paddle") == ((1, 1),)  # it forgets the dilation
    assert same_pads(7, 3, 1, 2, dialect="pytorch") == ((2, 2),)
    assert same_pads(7, 4, dialect="scipy.signal.convolve2d") == ((2, 1),)
    assert same_pads(7, 4, dialect="matlab.conv2") == ((1, 2),)
    assert same_pads(7, 4, dialect="onnx", word="SAME_UPPER") == ((1, 2),)


def test_errors_in_full():
    for call, kind, text in [
        (lambda: same_pads(7, 3, dialect="knet"), UnknownName, "knet.conv4 has no word for SAME"),
        (
            lambda: same_pads(7, 3, dialect="tf", word="same"),
            BadOption,
            'tf.nn.conv2d: word="same" is not one of "SAME", "VALID": did you mean "SAME"?',
        ),
        (
            lambda: same_pads(7, (3, 3, 3), (2, 2), dialect="tf"),
            BadOption,
            "same_pads: stride=(2, 2) must be an integer of at least 1, or a list of 3 of them",
        ),
        (
            lambda: same_pads(7, 0),
            BadOption,
            "same_pads: kernel=0 must be an integer of at least 1, or a list of one",
        ),
        (
            lambda: same_pads(7, 3, dialect="tf.nn.conv2d_transpose"),
            UnknownName,
            "tf.nn.conv2d_transpose is a transposed convolution: its words crop; "
            "uniconv.explain shows what they cut off",
        ),
    ]:
        with pytest.raises(kind) as error:
            call()
        assert str(error.value).startswith(text), str(error.value)

"""Formulas: a padding word traced on a symbol says, as code, what it gives for every extent."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from uniconv._canonical.formula import bounds, traced, value
from uniconv.spec import words
from uniconv.spec.words import Axis

WORDS = {
    name: word
    for name, word in vars(words).items()
    if getattr(word, "__annotations__", {}).get("return") == "Pair" and name[0] != "_"
}


def axes():
    for k, d, s, p, out in product((1, 2, 3, 5), (1, 2), (1, 2, 3), (None, 1), (None, 7)):
        yield Axis(9, k, d, s, p, out)


@pytest.mark.parametrize("name", sorted(WORDS))
def test_a_traced_word_is_the_word_for_every_extent(name):
    word, seen = WORDS[name], 0
    for axis in axes():
        try:
            pairs = [word(replace(axis, size=n)) for n in range(1, 25)]
        except TypeError:  # a word that needs an output_padding
            continue
        traces = traced(lambda n, axis=axis: word(replace(axis, size=n)), "n")
        for n, pair in enumerate(pairs, 1):
            assert tuple(value(f, n) for f in traces) == pair, f"{axis}: {list(map(str, traces))}"
            assert tuple(eval(str(f), {"n": n}) for f in traces) == pair
            for f, number in zip(traces, pair):
                low, high = bounds(f)
                assert low is None or low <= number
                assert high is None or high >= number
        seen += 1
    assert seen > 40


def test_same_is_short():
    two = traced(lambda n: words.same_upper(Axis(n, 3, stride=2)), "n")
    assert [str(p) for p in two] == ["(2 - (n + 1) % 2) // 2", "1"]
    assert traced(lambda n: words.same_upper(Axis(n, 1, stride=2)), "n") == (0, 0)
    assert traced(lambda n: words.same_upper(Axis(n, 3)), "n") == (1, 1)


def test_comparisons_follow_both_answers():
    (both,) = traced(lambda n: (n + 1 if n > 4 else 3 * n,), "n")
    assert [value(both, n) for n in range(1, 8)] == [3, 6, 9, 12, 6, 7, 8]
    (equal,) = traced(lambda n: (1 if n == 3 else 0,), "n")
    assert [value(equal, n) for n in range(1, 6)] == [0, 0, 1, 0, 0]
    assert traced(lambda n: (5 if n < 1 else 6 if n else 7,), "n") == (6,)


def test_what_is_no_arithmetic_is_refused():
    with pytest.raises(TypeError):
        traced(lambda n: (int(n),), "n")
    with pytest.raises(TypeError, match="more than 8 comparisons"):
        traced(lambda n: (sum(n > k for k in range(2, 40)),), "n")


def test_two_extents_vary_apart():
    """What both answers give on the diagonal n = k is not what they give beside it."""
    (joined,) = traced(lambda n, k: (n if n > k else k + (n - k),), "n", "k")
    assert str(joined) == "n"
    (apart,) = traced(lambda n, k: (n + 1 if n > k else k + 1,), "n", "k")
    assert "if" in str(apart)


def test_the_padding_of_a_word_for_every_image_and_kernel():
    """With stride 1, SAME of TensorFlow is that of PyTorch for every image and kernel."""

    def pads(word, stride):
        return traced(lambda n, k: word(Axis(n, k, stride=stride)), "n", "k")

    same = list(zip(pads(words.same_upper, 1), pads(words.same_total, 1)))
    assert [f"{a - b}" for a, b in same] == ["0", "0"]
    assert [str(a) for a, _ in same] == ["(k + 1) // 2 - 1", "k // 2"]
    strided = list(zip(pads(words.same_upper, 2), pads(words.same_total, 2)))
    assert all("n" in f"{a - b}" for a, b in strided)

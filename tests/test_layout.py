"""Layouts: letters to axes, permutations, kernels whose groups are split or merged."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from einops import rearrange

from uniconv._canonical.layout import (
    Layout,
    arrange,
    axes,
    kernel_order,
    order,
    rank_of,
    regrouping,
)
from uniconv.spec.dimension_strings import labelled, numbered_dimensions
from uniconv.spec.registry import functions

EVERY = sorted({layout.w for op in functions().values() for layout in op.layouts})
KERNELS = [k for k in EVERY if set(k.split()) & set("oicm")]


def test_axes_and_ranks():
    assert axes("n ... c", 2) == ("n", "s0", "s1", "c")
    assert axes("... i o", 3) == ("s0", "s1", "s2", "i", "o")
    assert axes("o i ...", 1) == ("o", "i", "s0")
    assert [rank_of("n ... c", ndim) for ndim in (3, 4, 5)] == [1, 2, 3]


def test_order_is_the_permutation_that_transposes():
    a = np.arange(24).reshape(2, 3, 4)
    assert order("abc", "cab") == (2, 0, 1)
    assert (a.transpose(order("abc", "cab")) == rearrange(a, "a b c -> c a b")).all()


def test_arrange_puts_sizes_where_the_letters_are():
    assert arrange("... c n", {"c": 3, "n": 2}, (5, 4)) == (5, 4, 3, 2)
    assert arrange("o i ...", {"o": 7, "i": 3}, (5,)) == (7, 3, 5)


def test_numbered_axes_keep_their_numbers_in_any_order():
    found = numbered_dimensions("1bf0", "o0i1", "f1b0")
    assert found == Layout("s1 n c s0", "o s0 i s1", "o s1 n s0", ranks=(2,))
    for x, w, y in (
        ("bf0", "oi1", "bf0"),  # another number
        ("bf01", "oi0", "bf01"),  # another rank
        ("bb0", "oi0", "bf0"),  # a letter twice
    ):
        assert numbered_dimensions(x, w, y) is None
    assert numbered_dimensions("bf", "oi", "bf") == Layout("n c", "o i", "n o", ranks=(0,))
    four = numbered_dimensions("bf0123", "oi0123", "bf0123")
    assert (four.w, four.ranks) == ("o i s0 s1 s2 s3", (4,))


@pytest.mark.parametrize(
    ("data", "weights", "expected"),
    [
        ("SSCB", None, Layout("s0 s1 c n", "s0 s1 i o", "s0 s1 o n", (2,))),
        ("CSSB", "SUSC", Layout("c s0 s1 n", "s0 o s1 i", "o s0 s1 n", (2,))),
        ("SSC", "SSCUU", Layout("s0 s1 c", "s0 s1 i m g", "s0 s1 o", (2,))),
        ("CBT", "TCU", Layout("c n s0", "s0 i o", "o n s0", (1,))),
        ("TSCB", "STCU", Layout("s1 s0 c n", "s0 s1 i o", "s1 s0 o n", (2,))),
        ("CBT", None, None),  # time is convolved over where the weights have it
        ("SSCB", "SCU", None),
        ("SSCB", "SSCUUU", None),
        ("SSCCB", None, None),
        ("SSB", None, None),
        ("CB", None, None),
        ("SSSSCB", None, None),
        ("sscb", None, None),
    ],
)
def test_labels_name_axes_in_any_order(data, weights, expected):
    assert labelled(data, weights, "io", "img") == expected


def test_julia_memory_runs_backwards():
    assert Layout("... c n", "... i o", "... o n").column_major
    assert not Layout("n ... c", "... i o", "n ... o").column_major


def test_the_registry_has_kernels_of_every_form():
    channels = {frozenset(a for a in k.split() if a in "oicm") for k in EVERY}
    assert channels == {frozenset("io"), frozenset("mc"), frozenset("im"), frozenset()}


@pytest.mark.parametrize("wanted", ["oi", "cm"])
@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("pattern", KERNELS)
def test_a_kernel_entry_keeps_its_meaning(pattern, groups, wanted):
    """Entry (group, m, i, tap) of the native kernel is the same entry of the executor's."""
    rank = 2 if "..." in pattern else sum(a[0] == "s" for a in pattern.split())
    i, m, kernel = 4, 5, (2, 3, 2, 3)[:rank]
    sizes = {"g": groups, "i": i, "m": m, "o": groups * m, "c": groups * i}
    rng = np.random.default_rng(0)
    w = rng.integers(-99, 99, arrange(pattern, sizes, kernel))
    spatial = [f"s{axis}" for axis in range(rank)][::-1]  # as Julia's are taken
    src, dst = axes(pattern, rank), (*wanted, *spatial)
    into = kernel_order(src, dst, groups)
    if into is None:
        assert groups > 1 or "g" in src
        ours = rearrange(w, regrouping(src, dst), g=groups)
    else:
        ours = w.transpose(into)
    for g, a, b, *taps in product(*map(range, (groups, m, i, *kernel))):
        at = {"g": g, "i": b, "m": a, "o": g * m + a, "c": g * i + b}
        at |= {f"s{axis}": tap for axis, tap in enumerate(taps)}
        native = w[tuple(at[letter] for letter in src)]
        first, second = (g * m + a, b) if wanted == "oi" else (g * i + b, a)
        assert ours[(first, second, *reversed(taps))] == native


def test_groups_of_a_kernel_without_channels_are_one():
    assert regrouping(["s0", "s1"], ["g", "m", "i", "s0", "s1"]) == "s0 s1 -> 1 1 1 s0 s1"
    assert regrouping(["g", "i", "m", "s0"], ["s0"]) == "1 1 1 s0 -> s0"
    assert regrouping(["o", "i", "s0"], ["g", "m", "i", "s0"]) == "(g m) i s0 -> g m i s0"

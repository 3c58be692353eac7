"""The canonical record: its constraints by number, its output size, its two rewritings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from uniconv._canonical.record import Convolution, Sizes, effective
from uniconv._canonical.reference import reference
from uniconv.errors import UniconvError
from uniconv.testing import convs
from uniconv.testing.cases import asymmetric

CONV = Convolution(
    stride=(2, 1),
    pad=((1, 2), (0, 3)),
    lhs_dilation=(1, 1),
    rhs_dilation=(3, 2),
    reverse=(True, False),
    groups=2,
)
SIZES = Sizes(batch=(3,), c=4, o=6, size=(9, 7), kernel=(3, 2))


def message(conv: Convolution, sizes: Sizes | None = None) -> str:
    with pytest.raises(UniconvError) as caught:
        conv.check(sizes)
    return str(caught.value)


def test_a_sound_record_passes():
    CONV.check()
    CONV.check(SIZES)
    CONV.check(replace(SIZES, batch=(), size=(0, 0)))


@pytest.mark.parametrize(
    "change",
    [
        {"stride": (2,)},
        {"pad": ((0, 0),)},
        {"lhs_dilation": (1, 1, 1)},
        {"rhs_dilation": (1,)},
        {"reverse": (True,)},
    ],
    ids=lambda change: ", ".join(change),
)
def test_c1_one_entry_per_axis(change):
    bad = replace(CONV, **change)
    must = "C1: every per-axis field has one entry for each spatial axis"
    assert message(bad) == f"{must}; got {bad}"


def test_c1_any_number_of_axes():
    CONV.with_unit_axis().with_unit_axis().check()
    Convolution((), (), (), (), ()).check()


def test_c2_stride():
    assert message(replace(CONV, stride=(2, 0))) == (
        "C2: stride is at least 1; got Convolution(stride=(2, 0), pad=((1, 2), (0, 3)), "
        "lhs_dilation=(1, 1), rhs_dilation=(3, 2), reverse=(True, False), groups=2, "
        "boundary='zeros', fill=0.0, batch_groups=1)"
    )


def test_c3_lhs_dilation():
    bad = replace(CONV, lhs_dilation=(0, 1))
    assert message(bad) == f"C3: lhs_dilation is at least 1; got {bad}"


def test_c4_rhs_dilation():
    bad = replace(CONV, rhs_dilation=(1, -1))
    assert message(bad) == f"C4: rhs_dilation is at least 1; got {bad}"


def test_c5_groups():
    bad = replace(CONV, groups=0)
    assert message(bad) == f"C5: groups is at least 1; got {bad}"
    assert message(bad, SIZES) == f"C5: groups is at least 1; got {bad}, {SIZES}"


def test_c6_boundary():
    bad = replace(CONV, boundary="mirror")
    known = "zeros, constant, reflect, symmetric, replicate, circular"
    assert message(bad) == f"C6: boundary is one of {known}; got {bad}"


def test_c7_fill():
    bad = replace(CONV, fill=1.0)
    assert message(bad) == f'C7: fill is 0 unless boundary is "constant"; got {bad}'
    replace(bad, boundary="constant").check()


@pytest.mark.parametrize("change", [{"lhs_dilation": (1, 2)}, {"pad": ((0, 0), (0, -1))}])
@pytest.mark.parametrize("boundary", ["constant", "reflect", "symmetric", "replicate"])
def test_c8_boundaries_are_plain(boundary, change):
    bad = replace(CONV, boundary=boundary, **change)
    must = "C8: a boundary other than zeros has no negative pad, and lhs_dilation 1"
    assert message(bad) == f"{must}; got {bad}"
    replace(CONV, **change).check()
    replace(CONV, boundary="circular", **change).check()


@pytest.mark.parametrize("change", [{"size": (9,)}, {"kernel": (3, 2, 1)}, {"kernel": ()}])
def test_c9_spatial_axes(change):
    bad = replace(SIZES, **change)
    must = "C9: x and w have the record's number of spatial axes"
    assert message(CONV, bad) == f"{must}; got {CONV}, {bad}"


def test_c10_input_channels():
    bad = replace(SIZES, c=5)
    assert message(CONV, bad) == f"C10: c is a multiple of groups; got {CONV}, {bad}"


def test_c11_output_channels():
    bad = replace(SIZES, o=7)
    assert message(CONV, bad) == f"C11: o is a multiple of groups; got {CONV}, {bad}"


def test_c12_kernel_extents():
    bad = replace(SIZES, kernel=(3, 0))
    assert message(CONV, bad) == f"C12: every kernel extent is at least 1; got {CONV}, {bad}"


@pytest.mark.parametrize("boundary", ["reflect", "symmetric", "replicate", "circular"])
def test_c13_a_boundary_reads_pixels(boundary):
    conv, bad = replace(CONV, boundary=boundary), replace(SIZES, size=(9, 0))
    must = "C13: a boundary read from x needs at least one pixel per axis"
    assert message(conv, bad) == f"{must}; got {conv}, {bad}"
    replace(CONV, boundary="constant").check(bad)


@pytest.mark.parametrize("parts", [0, -2])
def test_c14_batch_groups(parts):
    bad = replace(CONV, batch_groups=parts)
    assert message(bad) == f"C14: batch_groups is at least 1; got {bad}"


def test_c15_one_kind_of_groups():
    bad = replace(CONV, batch_groups=2)
    assert message(bad) == f"C15: groups and batch_groups are not both above 1; got {bad}"
    replace(bad, groups=1).check()


@pytest.mark.parametrize("batch", [(), (3,), (2, 2)])
def test_c16_batch_groups_split_the_batch(batch):
    conv, bad = replace(CONV, groups=1, batch_groups=2), replace(SIZES, batch=batch)
    must = "C16: with batch_groups, x has one batch axis, a multiple of them"
    assert message(conv, bad) == f"{must}; got {conv}, {bad}"
    conv.check(replace(SIZES, batch=(4,)))


def test_c17_batch_groups_split_the_filters():
    conv, bad = replace(CONV, groups=1, batch_groups=2), replace(SIZES, batch=(4,), o=5)
    assert message(conv, bad) == f"C17: o is a multiple of batch_groups; got {conv}, {bad}"


def test_effective_extents():
    assert effective((3, 1, 4), (2, 5, 1)) == (5, 1, 4)


@given(convs())
def test_output_counts_the_windows_that_fit(problem):
    conv, sizes = problem
    counted = []
    for axis, n in enumerate(sizes.size):
        last = (n - 1) * conv.lhs_dilation[axis] + sum(conv.pad[axis])
        taps = [t * conv.rhs_dilation[axis] for t in range(sizes.kernel[axis])]
        starts = range(0, 100, conv.stride[axis])
        counted.append(sum(start + taps[-1] <= last for start in starts))
    assert conv.output(sizes.size, sizes.kernel) == tuple(counted)


def test_output_of_an_empty_input_is_that_of_its_padding():
    conv = Convolution((1,), ((2, 1),), (3,), (1,), (False,))
    assert conv.output((0,), (2,)) == (2,)
    assert conv.output((0,), (4,)) == (0,)


@given(convs())
def test_tight_keeps_y_and_reads_all_that_it_pads(problem):
    conv, sizes = problem
    tight = conv.tight(sizes.size, sizes.kernel)
    rng = np.random.default_rng(0)
    x = asymmetric((1, sizes.c, *sizes.size), rng)
    w = asymmetric((sizes.o, sizes.c // conv.groups, *sizes.kernel), rng)
    out = conv.output(sizes.size, sizes.kernel)
    assert tight.output(sizes.size, sizes.kernel) == out
    if conv.boundary in ("zeros", "constant"):
        assert (reference(tight, x, w) == reference(conv, x, w)).all()
    extents = effective(sizes.kernel, conv.rhs_dilation)
    for axis in range(conv.rank):
        if out[axis]:
            whole = (sizes.size[axis] - 1) * conv.lhs_dilation[axis] + 1 + sum(tight.pad[axis])
            assert (out[axis] - 1) * conv.stride[axis] + extents[axis] == whole


def test_reordered_and_with_unit_axis_move_every_field():
    assert CONV.reordered((1, 0)) == Convolution(
        (1, 2), ((0, 3), (1, 2)), (1, 1), (2, 3), (False, True), groups=2
    )
    assert CONV.with_unit_axis() == Convolution(
        (1, 2, 1), ((0, 0), (1, 2), (0, 3)), (1, 1, 1), (1, 3, 2), (False, True, False), groups=2
    )

"""Valid native calls, made from a function's spec alone: a new dialect needs no new test code.

``traits`` lists what a function's calls can differ in (layout word, form and kind of every option,
padding word, groups, batch axes), ``attempt`` draws the numbers of one such call.  ``random_case``
takes any traits; ``grid`` takes few cases that cover all pairs of traits.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, singledispatch
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._calls.lower import LoweredCall, batched, lower
from uniconv._calls.options import scattered
from uniconv._canonical.layout import Layout, arrange, axes
from uniconv._canonical.record import Pairs, Shape, Sizes, effective
from uniconv._messages import show
from uniconv.errors import UniconvError
from uniconv.spec.dimension_strings import AlongAxes, AlongAxis
from uniconv.spec.op import Op
from uniconv.spec.padding import Pad
from uniconv.spec.rules import REQUIRED, CallContext, PerAxis, Setting

__all__ = [
    "LEFT_OUT",
    "Case",
    "Traits",
    "asymmetric",
    "attempt",
    "grid",
    "probe",
    "random_case",
    "traits",
]

Traits = Mapping[str, Any]

MOST_AXES = 4  # spatial ones, in grids and random calls
_EXPLICIT = ("even", "per axis", "uneven", "big", "negative")
_MOST_TRIES = 500
_GRID_DRAWS = 3000


class _LeftOut:
    def __repr__(self) -> str:
        return "<left out>"


LEFT_OUT = _LeftOut()


@dataclass(frozen=True)
class Case:
    """One valid native call, without numbers; pointwise_shape is that of the second kernel."""

    op: Op
    options: dict[str, Any]
    x_shape: Shape
    w_shape: Shape
    pointwise_shape: Shape | None = None

    @cached_property
    def call(self) -> LoweredCall:
        """The call as it is lowered."""
        return lower(self.op, self.options, self.x_shape, self.w_shape, self.pointwise_shape)

    def __str__(self) -> str:
        """The call in one line: its shapes by role, then its options."""
        shapes = {"x": self.x_shape, "w": self.w_shape, "p": self.pointwise_shape}
        parts = [f"{name} {shape}" for name, shape in shapes.items() if shape is not None]
        parts += [f"{name}={show(value)}" for name, value in self.options.items()]
        return f"{self.op.name}({', '.join(parts)})"


def random_case(op: Op, rng: random.Random, rank: int | None = None) -> Case:
    """A valid call of ``op``, with ``rank`` spatial axes if that is given.

    >>> from uniconv.spec.registry import find
    >>> case = random_case(find("knet.conv4"), random.Random(0), rank=2)
    >>> len(case.x_shape), len(case.w_shape)
    (4, 4)
    """
    # Traits are drawn independently, so that many draws contradict themselves: those are drawn
    # again.
    choices = traits(op, rank)
    for _ in range(_MOST_TRIES):
        case = attempt(op, {name: rng.choice(known) for name, known in choices.items()}, rng)
        if case is not None:
            return case
    raise AssertionError(f"{op.name}: none of {_MOST_TRIES} calls made from its spec is valid")


def grid(op: Op, most: int = 150, seed: int = 0) -> Iterator[Case]:
    """At most ``most`` calls that cover every pair of traits, then as many triples as fit."""
    # Greedy: of many random draws those are kept that hold a pair of traits not covered yet, then,
    # as far as ``most`` allows, a triple.  Traits are numbered, as sets of numbers are fast.
    rng = random.Random(f"{op.name} {seed}")
    choices = traits(op)
    drawn = [{n: rng.choice(known) for n, known in choices.items()} for _ in range(_GRID_DRAWS)]
    numbers: dict[str, int] = {}
    numbered = {
        (name, id(value)): numbers.setdefault(f"{name} {value!r}", len(numbers))
        for name, known in choices.items()
        for value in known
    }
    covered: set[Any] = set()
    count = 0
    for width in (2, 3):
        for chosen in drawn:
            if count == most:
                return
            held = [numbered[name, id(value)] for name, value in chosen.items()]
            if covered.issuperset(combinations(held, width)):
                continue
            case = attempt(op, chosen, rng)
            if case is not None:
                covered.update(combinations(held, width))
                count += 1
                yield case


def probe(case: Case, seed: int = 0, dtype: str = "float32") -> tuple[NDArray[Any], ...]:
    """Integer-valued x, w and, where there is one, the pointwise kernel: |v| <= 8, no symmetry.

    Sums of their products are exact in float32, so that a difference is one of meaning.  In
    float16 it is |v| <= 2, for the same reason; unsigned numbers are not negative.
    """
    # The same seed gives the same numbers, whatever was drawn before.
    rng = np.random.default_rng(seed)
    shapes = (case.x_shape, case.w_shape, case.pointwise_shape)
    return tuple(asymmetric(s, rng, dtype) for s in shapes if s is not None)


def asymmetric(shape: Shape, rng: np.random.Generator, dtype: str = "float32") -> NDArray[Any]:
    """Integers of magnitude at most 8 that change when an axis of several entries is reversed."""
    kind = np.dtype(dtype)
    bound = {"float16": 2, "bool": 1}.get(kind.name, 8)
    # Small arrays may be symmetric by chance, and are drawn again; one that cannot help it (a
    # single value) is given as it is after a hundred draws.
    for _ in range(100):
        a = rng.integers(0 if kind.kind in "ub" else -bound, bound + 1, shape)
        if all((a != np.flip(a, i)).any() for i, n in enumerate(shape) if n > 1 and a.size):
            break
    # The imaginary parts are drawn apart, so that a conjugate shows, too.
    if kind.kind == "c":
        # np.asarray: NumPy makes a number of a sum without axes.
        return np.asarray(a + 1j * rng.integers(-bound, bound + 1, shape)).astype(kind)
    return a.astype(kind)


# What calls can differ in


def traits(op: Op, rank: int | None = None) -> dict[str, tuple[Any, ...]]:
    """For every way in which calls of ``op`` can differ, what it can be."""
    pad = op.padding
    fewest, most = op.batch
    often = (1,) if fewest <= 1 <= most else ()
    values: dict[str, tuple[Any, ...]] = {
        "rank and layout": _layouts(op, rank),
        "batch": (*often, *range(fewest, min(most, 3) + 1)),
        "groups": _group_counts(op),
        "room": ("fits", "fits", "any"),
        "padding in": (*_omission(pad), *pad.words, *(_EXPLICIT if pad.form else ())),
    }
    values |= _of_axes(op)
    for choice in (op.reverse, op.boundary, pad.word_option, pad.reading):
        if choice is not None and choice.option is not None:
            values[choice.option] = (*_omission(choice), *choice.table)
    if op.reverse.for_each_axis:
        values[op.reverse.option] = (LEFT_OUT, None, "none", "some", "all")
    if op.batch_groups:
        values[op.batch_groups.option] = (*_omission(op.batch_groups), 1, 2, 3)
    if op.boundary and op.fill and op.fill.option == op.boundary.option:  # a number, too
        values[op.boundary.option] = (*values[op.boundary.option], 3)
    for scalar in (op.scale, op.addend[1] if op.addend else None, op.fill, op.shift):
        if scalar is not None and scalar.option not in values:
            values[scalar.option] = (*_omission(scalar), 1, 2, -3)
    if op.result_option:
        same = [word for word, dtype in op.result_option.table.items() if dtype is None]
        values[op.result_option.option] = (*_omission(op.result_option), *same)
    for offset in op.zero_points or ():
        several = ("channels",) if offset.for_each_channel else ()
        values[offset.option] = (LEFT_OUT, 0, 3, *several)
    if op.activation:
        # Nothing follows the sum: calls are compared to the last bit.
        linear = op.activation.linear
        values[op.activation.option] = (LEFT_OUT if linear == op.activation.default else linear,)
    values |= {rule.option: (*_omission(rule), *rule.samples) for rule in op.inert_options}
    return values | {f"alias {name}": (False, True) for name in op.aliases}


def _of_axes(op: Op) -> dict[str, tuple[Any, ...]]:
    """The options of a number per axis, an output shape among them."""
    crop, values = op.crop, {rule.option: _per_axis(rule) for rule in _counts_per_axis(op)}
    if crop and crop.shape:
        optional = (LEFT_OUT,) if crop.shape_default is None else ()
        values[crop.shape] = (*optional, *crop.shape_forms)
    return values


def _omission(rule: Any) -> tuple[Any, ...]:
    return () if rule.default is REQUIRED else (LEFT_OUT,)


def _layouts(op: Op, rank: int | None) -> tuple[tuple[int, Any], ...]:
    """(rank, word of the layout option) for all words that hold for that many axes."""
    ranks = [r for r in op.ranks if r <= MOST_AXES] if rank is None else [rank]
    usual = op.layout.usual
    unsaid = () if usual is None else tuple((r, LEFT_OUT) for r in ranks if r in usual.ranks)
    return (*unsaid, *layout_words(op.layout, ranks))


@singledispatch
def layout_words(rule: Setting, ranks: Sequence[int]) -> list[tuple[int, Any]]:
    """(rank, word) for every word of a layout's option that holds for that many axes."""
    return [(r, word) for word, at in rule.table.items() for r in ranks if r in at.ranks]


@layout_words.register
def _(rule: AlongAxis, ranks: Sequence[int]) -> list[tuple[int, Any]]:
    return [(r, axis) for r in ranks for axis in range(-r, r)]


@layout_words.register
def _(rule: AlongAxes, ranks: Sequence[int]) -> list[tuple[int, Any]]:
    some = [(r, axes) for r in ranks for n in range(1, r) for axes in combinations(range(-r, 0), n)]
    return [(r, None) for r in ranks] + some


def _group_counts(op: Op) -> tuple[Any, ...]:
    if op.groups.option is not None:
        return (*_omission(op.groups), 1, 2, 3)
    return (1, 2, 3) if op.groups.splits("g") and not op.groups.each_channel else (1,)


def _counts_per_axis(op: Op) -> list[PerAxis]:
    """The rules that read a number for every axis."""
    extra = op.crop.output_padding if op.crop else None
    rules = (op.stride, op.dilation, op.lhs_dilation, extra)
    return [rule for rule in rules if rule is not None]


def _per_axis(rule: PerAxis) -> tuple[Any, ...]:
    """Left out, or (form, whether more than the least)."""
    forms = [(form, more) for form in rule.accepts if form != "none" for more in (False, True)]
    return (*_omission(rule), *((("none", False),) if "none" in rule.accepts else ()), *forms)


# The numbers of one call


def attempt(op: Op, chosen: Traits, rng: random.Random, *, refused: bool = False) -> Case | None:
    """A call with the chosen traits and random numbers; None where the function refuses it.

    Options are drawn in the order in which ``lower`` reads them, since each draw depends on those
    before it; x comes last: which of its sizes fit follows from all the rest.  Where the call names
    the size of y instead, that is drawn, and x's computed from it.

    refused: give it even so.
    """
    # ``chosen`` says how each thing is written ("left out", a word, uneven numbers), ``rng`` which
    # numbers it has; what contradicts itself is found by lowering the case, and None.
    rank, _ = chosen["rank and layout"]
    options: dict[str, Any] = {}
    layout = _draw_layout(op, chosen, options)
    facts = CallContext(op.name, op.title, layout, Sizes((), 0, 0, (1,) * rank, ()))
    batch = tuple(rng.sample((1, 2, 3, 4), chosen["batch"]))
    if rng.random() < 0.02 and op.empty_output != "refused" and op.kind == "conv":
        batch = (0, *batch[1:])
    letters = _channels(op, layout, chosen["groups"], rng)
    if op.batch_groups:
        parts = chosen[op.batch_groups.option]
        _put(options, op.batch_groups.option, parts)
        if parts is not LEFT_OUT and parts > 1:
            batch = (batch[0] * parts,)
            letters |= {"o": letters["o"] * parts, "m": letters["m"] * parts}
    kernel = _draw_kernel(op, layout, rank, rng)
    facts = replace(facts, sizes=replace(facts.sizes, batch=batch, kernel=kernel))
    stride, dilation, spread = (
        _draw_per_axis(rule, chosen, facts, options, rng) if rule else (1,) * rank
        for rule in (op.stride, op.dilation, op.lhs_dilation)
    )
    facts = replace(facts, stride=stride, dilation=dilation, lhs_dilation=spread)
    _put_choices(op, chosen, kernel, letters, options, rng)
    written = _put_padding(op, chosen, facts, options, rng)
    size: Shape | None = _draw_size(op, chosen["room"], facts, (*batch, letters["c"]), rng)
    if op.crop and op.crop.shape and chosen[op.crop.shape] is not LEFT_OUT:
        assert size is not None
        facts = replace(facts, sizes=replace(facts.sizes, size=size), options=dict(options))
        size = _put_output_shape(op, chosen, facts, written, letters, options, rng)
    if size is None or min(size, default=1) < 1:
        return None
    for alias, name in op.aliases.items():
        if name in options and chosen[f"alias {alias}"]:
            options[alias] = options.pop(name)

    # One batch entry stands for all, and is replaced by the batch axes that were drawn.
    shape = arrange(layout.x, {"n": 1, "c": letters["c"]}, size)
    w_shape, pointwise_shape = (
        arrange(layout.w, letters, kernel),
        _pointwise_shape(op, letters, rank, rng),
    )
    if op.outer_product:
        w_shape, pointwise_shape = ((kernel[int(letter[1:])],) for letter in op.outer_product)
    case = Case(
        op, scattered(op, options), batched(shape, layout.x, batch), w_shape, pointwise_shape
    )
    try:
        case.call  # noqa: B018
    except UniconvError:
        return case if refused else None
    return case


def _draw_layout(op: Op, chosen: Traits, options: dict[str, Any]) -> Layout:
    """The layout of the chosen word, which is written among the options."""
    rank, word = chosen["rank and layout"]
    # A layout may ask other options (use_consistent_padding and the like), so all that is chosen is
    # in the context; left out counts as False.
    values = {name: value is not LEFT_OUT and value for name, value in chosen.items()}
    values |= {op.layout.option: op.layout.default if word is LEFT_OUT else word}
    _put(options, op.layout.option, word)
    layout: Layout = op.layout.of(CallContext(op.name, op.title, options=values, ndim=rank))
    return layout


def _draw_kernel(op: Op, layout: Layout, rank: int, rng: random.Random) -> Shape:
    """Distinct spatial sizes of the kernel, 1 along the axes that its layout lacks."""
    # From 1 to 4 pixels: both parities, and 1, which no flip or dilation changes.
    sizes = (1, 2, 3, 4) if rank < 3 else (1, 2, 3, 5) if rank == 3 else (1, 2, 3, 2, 1) * rank
    kernel = tuple(rng.sample(sizes, rank))
    kernel = tuple(k if f"s{i}" in axes(layout.w, rank) else 1 for i, k in enumerate(kernel))
    return kernel[:1] * rank if op.square else kernel


def _put_choices(
    op: Op,
    chosen: Traits,
    kernel: Shape,
    letters: Mapping[str, int],
    options: dict[str, Any],
    rng: random.Random,
) -> None:
    """Write the options that are chosen as they are, and those that say the kernel's size."""
    # An output shape and numbers per axis depend on sizes, and are written by functions of their
    # own.
    later = {op.crop and op.crop.shape, *(rule.option for rule in _counts_per_axis(op))}
    for name, rule in op.rules.items():
        if name in chosen and name not in later:
            value = chosen[name]
            if rule.repeats_kernel and value is not LEFT_OUT:
                value = list(kernel)
            elif rule.for_each_channel and value == "channels":
                value = list(range(2, 2 + letters["o"]))
            elif rule.for_each_axis and isinstance(value, str):
                each = [value == "all" or (value == "some" and i == 0) for i in range(len(kernel))]
                value = _sequence(each, rng)
            _put(options, name, value)
    if op.groups.option is not None:
        _put(options, op.groups.option, chosen["groups"])


def _put_padding(
    op: Op, chosen: Traits, facts: CallContext, options: dict[str, Any], rng: random.Random
) -> Any:
    """Write the padding, and the output_padding of a transposed call; the padding as written."""
    pad = op.padding
    # Written, but perhaps not put: beside a word the numbers must be left out where they are
    # refused.
    written = _draw_pad(pad, chosen["padding in"], facts, rng)
    if pad.word_option and pad.numbers_beside_word == "refused":
        word = options.get(pad.word_option.option, pad.word_option.default)
        if pad.word_option.table[word] is not None:
            written = LEFT_OUT
    if pad.option:
        _put(options, pad.option, written)
    if op.crop and op.crop.output_padding:
        _draw_per_axis(op.crop.output_padding, chosen, facts, options, rng)
    return written


def _put_output_shape(
    op: Op,
    chosen: Traits,
    facts: CallContext,
    written: Any,
    letters: Mapping[str, int],
    options: dict[str, Any],
    rng: random.Random,
) -> Shape | None:
    """Write an output shape in the chosen form; the size of x beside it, None where none fits."""
    # How to read this: the output shape that a call must say depends on x's size, or the other way
    # round.  Where the function checks that its convolution leads back (``adjoint``), ``out`` is
    # drawn and x's size computed from it; where it takes only the size that the other options give
    # (``fixed``), out is computed; else any size near the whole result does.  A shape that says the
    # channels ("full") cannot have several batch axes.
    crop, size, batch = op.crop, facts.sizes.size, facts.sizes.batch
    assert crop is not None
    assert crop.shape is not None
    many = letters["g"] > 1 or len(batch) != 1
    form = "full" if many and "full" in crop.shape_forms else chosen[crop.shape]
    if form not in crop.shape_forms or (form == "full" and len(batch) != 1):
        return None
    value = crop.pad.default if written is LEFT_OUT else written
    if crop.adjoint:
        out = size
        try:
            pairs = crop.pad.read(value, replace(facts, output_size=out))
        except UniconvError:
            return None
        # The transposed convolution reads what the convolution of its output gives.
        size = crop.gives(out, pairs, replace(facts, output_size=out))
    elif crop.fixed:
        known = {n: rule.default for n, rule in op.rules.items()} | options
        pairs = crop.pad.read(value, replace(facts, options=known))
        out = tuple(axis.whole - lo - hi for axis, (lo, hi) in zip(facts.axes, pairs))
    else:
        out = tuple(max(axis.whole + rng.randint(-4, 2), 1) for axis in facts.axes)
    full = arrange(facts.layout.x, {"n": (*batch, 1)[0], "c": letters["o"]}, out)
    full = full[1:] if form == "sample" else full
    # One integer says one size for all axes, and no others.
    if form == "int" and len(set(out)) > 1:
        return None
    options[crop.shape] = (
        out[0] if form == "int" else _sequence(out if form == "axes" else full, rng)
    )
    return size


def _put(options: dict[str, Any], name: str, value: Any) -> None:
    """Write an option unless it is left out; LEFT_OUT is no value that a function could take."""
    if value is not LEFT_OUT:
        options[name] = value


def _channels(op: Op, layout: Layout, groups: Any, rng: random.Random) -> dict[str, int]:
    """Sizes of the pattern letters, c and o at most 6 where there are groups, i and m distinct."""
    if "c" not in layout.x.split():
        return dict.fromkeys("gimco", 1)
    g = 1 if groups is LEFT_OUT else groups
    if op.groups.each_channel:
        c, m = rng.sample((1, 2, 3, 4), 2)
        return {"g": c, "i": 1, "m": m, "c": c, "o": c * m}
    # i and m differ, so that a kernel read with both exchanged has another shape.
    i, m = rng.sample(range(1, 7) if g == 1 else range(1, 6 // g + 1), 2)
    if g == 2 and rng.random() < 0.8:  # more than one channel on both sides of a group
        i, m = rng.sample((2, 3), 2)
    return {"g": g, "i": i, "m": m, "c": g * i, "o": g * m}


def _pointwise_shape(
    op: Op, letters: dict[str, int], rank: int, rng: random.Random
) -> Shape | None:
    """The 1x1 kernel's shape, in two groups in one case of five where that may be; else None."""
    if op.pointwise is None:
        return None
    # Only an even number of channels can be read in two groups.
    split = op.pointwise_groups and letters["o"] % 2 == 0
    g = 2 if split and rng.random() < 0.2 else 1
    named = {"i": letters["o"] // g, "o": g * rng.randint(1, 6 // g)}
    return arrange(op.pointwise, named, (1,) * rank)


def _draw_per_axis(
    rule: PerAxis, chosen: Traits, facts: CallContext, options: dict[str, Any], rng: random.Random
) -> tuple[int, ...]:
    """Write one option of a number per axis in the chosen form; what it means."""
    trait = chosen[rule.option]
    if trait is LEFT_OUT:
        return rule.read(rule.default, facts)
    # Each axis gets a number of its own, so that exchanged axes show; one number where the form has
    # but one, above the least so that it counts.
    form, more = trait
    each = (rule.least,) * facts.rank
    if more:
        least = rule.least
        each = tuple(
            rng.sample(
                [*range(least, least + (4 if facts.rank < 3 else 3))] * (facts.rank // 4 + 1),
                facts.rank,
            )
        )
        if form in ("int", "one"):
            each = (max([*each[:1], least + 1]),) * facts.rank
    full = dict.fromkeys("nc", 1) | {f"s{i}": v for i, v in enumerate(each)}
    value = {
        "none": None,
        "int": (*each, 1)[0],
        "one": _sequence(each[:1], rng),
        "axes": _sequence(each, rng),
        "sample": _sequence((1, *each), rng),
        "full": _sequence([full[a] for a in facts.letters.x], rng),
    }[form]
    options[rule.option] = value
    return rule.read(value, facts)


def _draw_pad(pad: Pad, kind: Any, facts: CallContext, rng: random.Random) -> Any:
    """A native padding: left out, a word, or numbers in any spelling that the form reads.

    Not every form can say the pads that were drawn: uneven ones, or another number on each axis.
    Then they are made plainer until it can: no negative ones, even ones, one number for all axes.
    """
    if kind is LEFT_OUT or pad.form is None or (kind not in _EXPLICIT and kind in pad.words):
        return kind
    pattern, rank = facts.layout.x, facts.rank
    # Another number on each axis, so that exchanged axes show; "big" reaches past a kernel of 3.
    each = rng.sample([*range(4)] * (rank // 5 + 1), rank)
    pairs: Pairs = tuple((p, p) for p in each)
    if kind == "even":
        pairs = pairs[:1] * rank
    elif kind == "big":
        pairs = tuple((p + 3, p + 4) for p in each)
    elif kind in ("uneven", "negative"):
        least = -1 if kind == "negative" else 0
        drawn = [rng.sample(range(least, 4), 2) for _ in each]
        pairs = tuple((lo, hi) for lo, hi in drawn)
    written = pad.form.write(pairs, pattern)
    if written is None:  # the form cannot say it: as near as it can
        pairs = tuple((max(lo, 0), max(hi, 0)) for lo, hi in pairs)
        written = pad.form.write(pairs, pattern)
    if written is None:
        pairs = tuple((hi, hi) for _, hi in pairs)
        written = pad.form.write(pairs, pattern)
    if written is None:
        pairs = pairs[:1] * rank
        written = pad.form.write(pairs, pattern)
    # The same numbers as a list or a tuple, and one number as a list: functions that read all of
    # these must mean the same by them.
    spellings = [written, _deep(written, list), _deep(written, tuple)]
    if isinstance(written, int):
        spellings += [kind([written] * n) for kind in (list, tuple) for n in {1, rank}]
    same = [s for s in spellings if pad.form.read(s, pattern, rank) == pairs]
    return rng.choice(same or spellings[:1])


def _deep(value: Any, kind: type) -> Any:
    """A value with all its lists and tuples, at any depth, as one kind of them."""
    # ((1, 2), (3, 4)) as lists is [[1, 2], [3, 4]].
    return kind(_deep(v, kind) for v in value) if isinstance(value, (list, tuple)) else value


def _sequence(values: Sequence[int], rng: random.Random) -> Any:
    """A list or a tuple, by chance: functions that take both must read both alike."""
    return list(values) if rng.random() < 0.5 else tuple(values)


def _draw_size(
    op: Op, room: str, facts: CallContext, taken: Sequence[int], rng: random.Random
) -> tuple[int, ...]:
    """Spatial sizes, distinct from each other and from ``taken`` where that is possible."""
    extents = effective(facts.sizes.kernel, facts.dilation)
    sized = op.crop is None or op.crop.shape
    size: list[int] = []
    # "fits": from the extent of the kernel on, so that a window lies inside x; else from 1 pixel.
    for e in extents:
        spare = {1: 9, 2: 6, 3: 4}.get(facts.rank, 3)
        low, high = (e, e + spare // 2 + 1) if room == "fits" and sized else (1, spare)
        # Distinct sizes where eight draws give one; small ranges may have none left.
        for _ in range(8):
            n = rng.randint(low, high)
            if n not in (*taken, *size):
                break
        size.append(n)
    return tuple(size)

"""Small shapes for a probe whose call has none, every axis with a size of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, permutations, product
from typing import Any

from uniconv._calls.lower import batched, lower
from uniconv._calls.options import complete
from uniconv._canonical.layout import Layout, arrange, axes
from uniconv._canonical.record import Shape
from uniconv.errors import BadShape, UniconvError
from uniconv.spec.op import Op
from uniconv.spec.padding import Crop
from uniconv.spec.rules import REQUIRED, CallContext

MOST_SHAPES = 8
_MOST_CALLS = 20_000
_MOST_OUTPUTS = 27  # of one x and w: three sizes along each of three axes
_KERNELS: Mapping[int, tuple[Shape, ...]] = {
    1: ((4,), (3,), (2,), (5,)),
    2: ((3, 4), (4, 3), (3, 5), (2, 3), (3, 3)),
    3: ((3, 4, 2), (3, 5, 7), (3, 2, 1), (3, 3, 3)),
    4: ((2, 3, 4, 5),),
}


def fitting(op: Op, options: Mapping[str, Any]) -> Iterator[tuple[list[Shape], dict[str, Any]]]:
    """Small shapes that the options fit, every axis with a size of its own, the best first.

    Last come shapes with equal sizes, for functions that take square kernels only.
    """
    # How to read this: candidates come from the likeliest on and each is lowered; errors are kept,
    # since the first one is what a caller should read where no candidate fits.  y must have two
    # pixels along each axis at least, or no flip could be seen there.
    square: list[tuple[list[Shape], dict[str, Any]]] = []
    any_distinct = False
    error: UniconvError | None = None
    ranks = sorted(set(op.ranks) & set(_KERNELS), key=lambda r: (2, 1, 3, 4).index(r))
    for _, candidate in zip(range(_MOST_CALLS), _candidates(op, options, ranks)):
        if isinstance(candidate, UniconvError):
            error = error or candidate
            continue
        shapes, whole, distinct = candidate
        try:
            call = lower(op, whole, *shapes)
        except UniconvError as wrong:
            error = error or wrong
            continue
        out = call.conv.output(call.sizes.size, call.sizes.kernel)
        if min(out, default=2) < 2:
            continue
        if distinct:
            any_distinct = True
            yield shapes, whole
        elif len(square) < MOST_SHAPES:
            square.append((shapes, whole))
    yield from square
    if not (any_distinct or square):
        raise error or BadShape(f"{op.name}: no small shapes give two pixels of y along every axis")


def _candidates(
    op: Op, options: Mapping[str, Any], ranks: Sequence[int]
) -> Iterator[tuple[list[Shape], dict[str, Any], bool] | UniconvError]:
    """Shapes to try, the likeliest first, with the options that the shapes make necessary.

    Two groups before one where a kernel has an axis for them, since one group hides an exchange of
    g with its neighbours.  What cannot be tried is given as its error.
    """
    split = any("g" in layout.w.split() for layout in op.layouts)
    for rank in ranks:
        for kernel in _kernels(op, options, rank):
            for groups in (2, 1) if split else (1,):
                for size in _sizes(rank):
                    try:
                        yield from _calls(op, options, rank, kernel, size, groups)
                    except UniconvError as error:
                        yield error


def _kernels(op: Op, options: Mapping[str, Any], rank: int) -> list[Shape]:
    """The kernel that an option says; else those of the table, distinct sizes first."""
    for rule in op.inert_options:
        value = options.get(rule.option)
        if rule.repeats_kernel and value is not None:
            return [tuple(value)] if len(tuple(value)) == rank else []
    return list(_KERNELS[rank])


def _sizes(rank: int) -> Iterator[Shape]:
    """Distinct spatial sizes, from small ones up.

    The first pad each axis unevenly where it says SAME, with strides 1 or 2.
    """
    if rank > 3:
        yield from permutations(range(6, 10), rank)
        return
    usual = [(6, 9, 7), (7, 9, 10), (9, 11, 13), (10, 12, 14), (13, 17, 19), (5, 4, 6), (3, 4, 5)]
    for sizes in usual if rank > 1 else [(7,), *usual]:
        yield sizes[:rank]
    yield from permutations(range(2, 13 if rank < 3 else 10), rank)


def _calls(
    op: Op, options: Mapping[str, Any], rank: int, kernel: Shape, size: Shape, groups: int
) -> Iterator[tuple[list[Shape], dict[str, Any], bool]]:
    """Calls of one kernel, size and number of groups: shapes, options, whether sizes are distinct.

    Options that only repeat the kernel's size are filled in; the layout follows from the options,
    and then the channels (``_letters``), so that no two axes of an array are equally long.  A call
    that must name its output size is tried with several (``_outputs``), as only some fit x.
    """
    # ``whole`` are the options to give back; ``trial`` has a made-up output shape where one must be
    # said, only to read the layout by.
    whole = dict(options)
    for rule in op.inert_options:
        if rule.default is REQUIRED and not rule.must_be_said:
            value = kernel if rule.repeats_kernel else rule.samples[0]
            whole.setdefault(rule.option, value)
    crop = op.crop
    needs = crop is not None and crop.shape is not None and crop.shape_default is REQUIRED
    shape = crop.shape if crop else None
    trial = dict(whole)
    if needs:
        trial.setdefault(str(shape), [1] * (rank + 2))
    values, _ = complete(op, trial)
    ndim = rank + (0 if op.batch == (0, 0) else 2)
    facts = CallContext(op.name, op.title, options=values, ndim=ndim)
    layout: Layout = op.layout.of(facts)
    if rank not in layout.ranks:
        return
    kernel = tuple(k if f"s{i}" in axes(layout.w, rank) else 1 for i, k in enumerate(kernel))
    letters, batch = _letters(op, layout, values, groups, (*kernel, *size))
    x = batched(arrange(layout.x, letters | {"n": 1}, size), layout.x, batch)
    shapes = [x, arrange(layout.w, letters, kernel)]
    if op.outer_product:
        shapes = [x, *((kernel[int(letter[1:])],) for letter in op.outer_product)]
    elif op.pointwise:
        point = letters | {"i": letters["o"], "o": letters["o"] + 1}
        shapes.append(arrange(op.pointwise, point, (1,) * rank))
    apart = all(len({n for n in s if n > 1}) == len([n for n in s if n > 1]) for s in shapes[:2])
    if crop is None or not needs or shape in whole:
        yield shapes, whole, apart
        return
    full = {"n": (*batch, 1)[0], "c": letters["o"]}
    for out in _outputs(op, crop, shapes, whole | {str(shape): arrange(layout.x, full, size)}):
        form = arrange(layout.x, full, out) if "full" in crop.shape_forms else out
        yield shapes, whole | {str(shape): list(form)}, apart


def _outputs(
    op: Op, crop: Crop, shapes: Sequence[Shape], options: Mapping[str, Any]
) -> Iterator[Shape]:
    """Output sizes for a transposed call that must say one, as its own rules tell them.

    The options have any output shape: they are read without the check that it fits.
    """
    unchecked = replace(op, pad=replace(crop, adjoint=False), refusals=())
    call = lower(unchecked, options, *shapes).context
    sizes = crop.output_sizes(call.options[op.padding.option], call)
    yield from islice(product(*sizes), _MOST_OUTPUTS)


def _letters(
    op: Op, layout: Layout, options: Mapping[str, Any], groups: int, lengths: Shape
) -> tuple[dict[str, int], Shape]:
    """The channels, all sizes apart from each other and from those taken; and the batch."""
    # How to read this: i and m differ from each other and from the spatial sizes, and in a grouped
    # kernel g, i, m, g * i and g * m are all different, so that no two axes can be exchanged
    # unseen.  The smallest such numbers do.
    has_c = "c" in layout.x.split()
    batch: Shape = (2,) if "n" in layout.x.split() and (op.batch[0] or has_c) else ()
    if not has_c:
        return dict.fromkeys("gimco", 1), batch
    call = CallContext(op.name, op.title, options=options)
    if op.groups.option is not None:
        groups = op.groups.of(call)
    elif "g" not in layout.w.split():
        groups = 1
    numbers = [n for n in range(2, 40) if n not in (*lengths, *batch)]
    if op.groups.each_channel:
        c, m = next(
            (c, m) for m, c in product(numbers, numbers) if c != m and c * m not in (*lengths, c, m)
        )
        letters = {"g": c, "i": 1, "m": m, "c": c, "o": c * m}
    else:
        i, m = next(
            (i, m)
            for i, m in product(numbers, numbers)
            if i != m and (groups == 1 or len({i, m, i * groups, m * groups, groups}) == 5)
        )
        letters = {"g": groups, "i": i, "m": m, "c": i * groups, "o": m * groups}
    if op.batch_groups:
        parts = op.batch_groups.of(call)
        batch = tuple(n * parts for n in batch)
        letters |= {"o": letters["o"] * parts, "m": letters["m"] * parts}
    return letters, batch

"""x, the kernel and y read otherwise: other axes, channels in another order, reshaped.

Each function is a slot.  An array in another order is a view of numbers that stay where they are;
the code of its change says how the user's own array is to be indexed for that.  Where an order
changes the spatial sizes, the padding has to be read anew (``_resized``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np

from uniconv._diagnose.causes.geometry import regeared
from uniconv._diagnose.causes.readings import names, readings
from uniconv._diagnose.hypothesis import Array, Change, Hypothesis, LabelledArray, Problem


def resized(model: Hypothesis, to: Hypothesis) -> Iterator[Hypothesis]:
    """A model whose spatial extents are new: its padding as numbers, or by the words that fit."""
    # A kernel of 3 x 5 read as 5 x 3 makes "SAME" another padding; where no extent has changed, the
    # record stays as it is, and nothing has to be looked up.
    if (to.w.shape[2:], to.x.shape[2:]) == (model.w.shape[2:], model.x.shape[2:]):
        yield to
        return
    for conv in regeared(model, to):
        yield to.but(conv=conv)


def channel_code(
    problem: Problem, role: str, letter: str, index: object
) -> tuple[tuple[str, str], ...]:
    """The code for one axis in another order; none where no axis is that one."""
    array = {"x": problem.x, "w": problem.w, "y": problem.y}[role]
    if letter in array.letters:
        return ((role, array.along(letter, str(index))),)
    return ((role, _of_filters(problem, f"[{index}]")),) if letter == "o" and role == "w" else ()


def _of_filters(problem: Problem, index: str) -> str:
    """Code that indexes the kernel as "o i ..." and brings it back into its own axes.

    What ``Problem.kernel`` does, as text: an axis of all input channels is split into groups, the
    axes are put in order, and groups and multipliers are merged into o; then all of it backwards.
    """
    # Of w (s0 s1 c m) = (3, 3, 4, 2) with 4 groups:
    # .reshape(3, 3, 4, 1, 2).transpose(2, 4, 3, 0, 1).reshape(8, 1, 3, 3)[...] and back.
    array, groups = problem.w, problem.groups
    sizes: list[tuple[str, int]] = []
    for letter, n in zip(array.letters, array.array.shape):
        split = letter == "c" and groups > 1
        sizes += [("g", groups), ("i", n // groups)] if split else [(letter, n)]
    letters, shape = [a for a, _ in sizes], [n for _, n in sizes]
    out, into = (next(s for s in kin if s in letters) for kin in ("om", "ic"))
    order = [a for a in ("g", out, into, *problem.spatial) if a in letters]
    ordered_shape = [dict(sizes)[a] for a in order]
    parts = [f".transpose({', '.join(str(letters.index(a)) for a in order)})"]
    back = [f".transpose({', '.join(str(order.index(a)) for a in letters)})"]
    if "g" in letters:
        merged = [ordered_shape[0] * ordered_shape[1], *ordered_shape[2:]]
        parts.append(f".reshape({', '.join(map(str, merged))})")
        back.insert(0, f".reshape({', '.join(map(str, ordered_shape))})")
    if len(letters) > len(array.letters):
        parts.insert(0, f".reshape({', '.join(map(str, shape))})")
        back.append(f".reshape({', '.join(map(str, array.array.shape))})")
    return array.code("".join((*parts, index, *back)))


def _regrouped(array: LabelledArray, shape: tuple[int, int]) -> tuple[tuple[str, str], ...]:
    """The same for filters whose channel and multiplier are axes of their own, side by side."""
    # w (..., c, m) whose filters are o = c * m, taken in the order m, c: reshaped and exchanged.
    at = array.letters.index("c") if "c" in array.letters else -1
    if at < 0 or array.letters[at + 1 : at + 2] != ("m",):
        return ()
    c, m = array.array.shape[at : at + 2]
    if shape != (m, c):
        return ()
    sizes = (*array.array.shape[:at], m, c, *array.array.shape[at + 2 :])
    sizes_text = ", ".join(map(str, sizes))
    return (("w", array.code(f".reshape({sizes_text}).swapaxes({at}, {at + 1})")),)


def _reordered(array: LabelledArray, order: Sequence[int]) -> str:
    """Code for an array whose spatial axes are taken in another order.

    order: for each spatial axis the one that takes its place; (1, 0) exchanges two.  For w in
    ("s0", "s1", "i", "o") that is ".transpose(1, 0, 2, 3)".
    """
    # .transpose of the user's array: its spatial letters are permuted, the others stay in place.
    letters = [f"s{order[int(a[1:])]}" if a[0] == "s" else a for a in array.letters]
    places = ", ".join(str(array.letters.index(a)) for a in letters)
    return array.code(f".transpose({places})")


def kernel_axes(model: Hypothesis) -> Iterator[Hypothesis]:
    """The kernel with its axes in another order: exchanged, read otherwise, or reshaped."""
    # A pointwise kernel fixes the channels of the depthwise result: readings with others cannot
    # fit.
    problem = model.problem
    for kernel, change in readings(problem, "w"):
        if problem.pointwise is not None and kernel.shape[:2] != model.kernel.shape[:2]:
            continue
        to = model.but(change, kernel=kernel, w=problem.folded(kernel))
        yield from resized(model, to)


def kernel_order(model: Hypothesis) -> Iterator[Hypothesis]:
    """The kernel's filters in another order: multiplier before channel, reversed."""
    problem, kernel = model.problem, model.kernel
    o, i, groups = kernel.shape[0], kernel.shape[1], problem.groups
    orders: list[tuple[Array, Change]] = []
    if groups > 1 and o > groups:
        # Filters 0 to 5 in 2 groups of 3 are 0 1 2 | 3 4 5; "multiplier before channel" takes them
        # as 0 2 4 1 3 5 or, read the other way, 0 3 1 4 2 5.
        per = o // groups
        for shape, words in (
            ((per, groups), "multiplier before channel"),
            ((groups, per), "channel before multiplier"),
        ):
            order = np.arange(o).reshape(shape).T.ravel()
            text = f"the filters are ordered {words}"
            change = Change(
                *("order of filters", "group by group", words, text, 2.0),
                code=_regrouped(problem.w, shape)
                or channel_code(problem, "w", "o", order.tolist()),
                undo="reorder the kernel's filters",
            )
            orders.append((kernel[order], change))
    if o > 1:
        text = "the filters are in reversed order"
        code = channel_code(problem, "w", "o", "::-1")
        change = Change("order of filters", "as given", "reversed", text, 2.5, code)
        orders.append((kernel[::-1], change))
    if o > 1 and i > 1:
        text = "the kernel is reversed along its channel axes, too"
        code = (("w", _of_filters(problem, "[::-1, ::-1]")),)
        change = Change("order of channels in w", "as given", "reversed", text, 2.5, code)
        orders.append((kernel[::-1, ::-1], change))
    for k, change in orders:
        yield model.but(change, kernel=k, w=problem.folded(k))


def input_axes(model: Hypothesis) -> Iterator[Hypothesis]:
    """x with its axes in another order: height and width exchanged in it or in more, reshaped."""
    # How to read this: first x alone, by all its readings.  Then x and the kernel together, whose
    # exchange shows only in y, and at last all three, which is nothing unless the record treats the
    # axes differently: a stride of (2, 1) then runs along the other axis of what the user sees.
    problem, final = model.problem, bool(model.changes)
    for x, change in readings(problem, "x"):
        if final and x.shape[:2] != model.x.shape[:2]:
            continue  # nothing that follows can mend this
        yield from resized(model, model.but(change, x=x))
    # Beyond readings of x alone: x and w exchanged together, as when both were read as (width,
    # height); then y is, too, unless it was read so.
    for order in list(permutations(range(problem.rank)))[1:]:
        turn = (0, 1, *(a + 2 for a in order))
        which = [a for a, b in enumerate(order) if a != b]
        fields = {"x": model.x.transpose(turn), "kernel": model.kernel.transpose(turn)}
        fields["w"] = model.w.transpose(turn)
        # Where the record does not care which axis is which, exchanging all three is nothing.
        for also_y in (False, True)[: 1 + (model.conv.reordered(order) != model.conv)]:
            where = "x, the kernel and the result" if also_y else "both x and the kernel"
            text = f"{names(model, which)} are exchanged in {where}"
            roles = (("x", problem.x), ("w", problem.w), ("y", problem.y))[: 2 + also_y]
            code = tuple((role, _reordered(array, order)) for role, array in roles)
            cost = 1.7 + 0.1 * also_y
            change = Change("axes of x and w", "as given", "exchanged", text, cost, code)
            result = {"y": model.y.transpose(turn)} if also_y else {}
            yield from resized(model, model.but(change, **fields, **result))


def input_groups(model: Hypothesis) -> Iterator[Hypothesis]:
    """x's channels dealt to the groups in turn, not in blocks."""
    c, groups = model.x.shape[1], model.problem.groups
    if groups == 1 or c == groups or c % groups:
        return
    # Of 6 channels in 2 groups, blocks are 0 1 2 | 3 4 5; in turn, 0 2 4 | 1 3 5.
    for shape, text in (
        ((c // groups, groups), "in turn (channel j in group j mod groups)"),
        ((groups, c // groups), "the other way round"),
    ):
        order = np.arange(c).reshape(shape).T.ravel()
        change = Change(
            *("groups", "contiguous blocks of channels", f"channels {text}"),
            *(f"the groups are split differently: x's channels are dealt {text}", 2.0),
            code=channel_code(model.problem, "x", "c", order.tolist()),
        )
        yield model.but(change, x=model.x[:, order])


def input_channels(model: Hypothesis) -> Iterator[Hypothesis]:
    """x's channels reversed: RGB and BGR."""
    parts = model.problem.parts  # of the batch, which became groups of channels
    c = model.x.shape[1] // parts
    if c > 1:
        words = " (RGB and BGR)" if c == 3 else ""
        change = Change(
            *("order of channels in x", "as given", "reversed"),
            *(f"the channels of x are reversed{words}", 1.4),
            code=channel_code(model.problem, "x", "c", "::-1"),
            undo="reverse the channels of x",
        )
        # Parts of the batch are blocks of channels here; each is reversed by itself.
        order = np.arange(c * parts).reshape(parts, c)[:, ::-1].ravel()
        yield model.but(change, x=model.x[:, ::-1] if parts == 1 else model.x[:, order])


def output_axes(model: Hypothesis) -> Iterator[Hypothesis]:
    """y with its axes in another order, or reshaped."""
    # After one change already this is the second and last: a shape that does not fit stays so.
    last = bool(model.changes)
    shape = model.shape
    for y, change in readings(model.problem, "y"):
        if not last or y.shape == shape:
            yield model.but(change, y=y)


def output_channels(model: Hypothesis) -> Iterator[Hypothesis]:
    """y's channels in another order."""
    o, groups = model.y.shape[1], model.problem.groups
    if o > 1:
        text = "the output channels are reversed"
        code = channel_code(model.problem, "y", "o", "::-1")
        change = Change("order of channels in y", "as given", "reversed", text, 1.9, code)
        yield model.but(change, y=model.y[:, ::-1])
    # The two orders in which a depthwise result's channels are laid: by channel, by multiplier.
    if 1 < groups < o and o % groups == 0:
        for shape in ((o // groups, groups), (groups, o // groups)):
            order = np.arange(o).reshape(shape).T.ravel()
            text = "the output channels are ordered multiplier before channel"
            code = channel_code(model.problem, "y", "o", order.tolist())
            change = Change("order of channels in y", "group by group", "in turn", text, 2.1, code)
            yield model.but(change, y=model.y[:, order])

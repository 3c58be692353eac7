"""An array read in every other way: with its axes in another order, or reshaped into one.

The readings of an array do not depend on what else a hypothesis changes, so a problem keeps them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from uniconv._diagnose.hypothesis import (
    Array,
    Change,
    Hypothesis,
    LabelledArray,
    Letters,
    Problem,
)

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
MOST_COPIED = 1 << 20  # elements of an array that is copied for each way to reshape it


def axis_names(rank: int, which: Sequence[int]) -> str:
    """Spatial axes in words.

    >>> axis_names(3, [0, 2])
    'depth and width'
    """
    words = [AXES[rank][i] if rank in AXES else f"axis s{i}" for i in which]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def names(model: Hypothesis, which: Sequence[int]) -> str:
    """Spatial axes in words."""
    return axis_names(model.problem.rank, which)


def readings(problem: Problem, role: str) -> list[tuple[Array, Change]]:
    """Every other way to read x, w or y: the array with canonical axes, and the change that it is.

    A kernel whose channels do not divide by the groups so is left out.
    """
    if role not in problem.readings:
        array = {"x": problem.x, "w": problem.w, "y": problem.y}[role]
        choices = []
        for reading in _readings(array):
            canonical = _canonical(problem, role, reading)
            if canonical is not None:
                change = _change(problem.rank, role, array, reading)
                if role == "y" and problem.flattened:
                    change = _flattened(array, reading, change)
                choices.append((canonical, change))
        problem.readings[role] = choices
    return problem.readings[role]


@dataclass(frozen=True, slots=True)
class Reading:
    """An array in another way: the letters of its axes, the order that it is said to have, how.

    how: "read" with other letters; "C" and "F" reshaped into that order, in row-major and
    column-major memory; "to C" and "to F" transposed to that order and reshaped back.
    """

    array: Array
    letters: Letters
    order: Letters
    how: str


def _canonical(problem: Problem, role: str, reading: Reading) -> Array | None:
    """The array with the axes of a hypothesis; None where it does not divide into groups."""
    a, letters = reading.array, reading.letters
    if role == "y":
        return problem.output(a, letters)
    if role == "x":
        fits = problem.parts == 1 or a.shape[letters.index("n")] % problem.parts == 0
        return problem.input(a, letters) if fits else None
    kernel = problem.kernel(a, letters)
    return None if kernel is None or kernel.shape[0] % problem.groups else kernel


def _spelled(letters: Letters) -> str:
    """Letters as a text: "o i s0 s1"."""
    return " ".join(letters)


def _change(rank: int, role: str, array: LabelledArray, reading: Reading) -> Change:
    """The change for an array read in another way."""
    # How to read this: each branch gives a text, a cost and the code that brings the user's own
    # array into the expected order.  ``places`` are the letters that stand elsewhere now.  An array
    # that is only read otherwise needs a transposition: a kernel (o, i, h, w) that is really
    # (h, w, i, o) is brought back by .transpose(3, 2, 0, 1), in which each native letter says where
    # it stands in the other order.  One that was reshaped is reshaped to the other order first
    # ("C", "F"), or was transposed and reshaped back ("to C", "to F").  The costs go from exchanges
    # of two axes, which happen daily, to readings that nobody would write on purpose.
    what = {"w": "the kernel", "x": "x", "y": "the result"}[role]
    native, order, how = array.letters, reading.order, reading.how
    sizes = dict(zip(native, array.array.shape))
    places = {a for a, b in zip(native, order) if a != b}
    spatial = sorted(int(a[1:]) for a in places if a[0] == "s")
    back = f".transpose({', '.join(str(order.index(s)) for s in native)})"
    code, actual = back, f"({_spelled(order)})"
    if how != "read":
        fortran = ', order="F"' if how.endswith("F") else ""
        memory = " (in column-major memory)" if fortran else ""
        if how.startswith("to"):
            to = f".transpose({', '.join(str(native.index(s)) for s in order)})"
            code = f"{to}.reshape({', '.join(map(str, array.array.shape))}{fortran})"
            text = f"{what} was reshaped from ({_spelled(order)}) instead of transposed{memory}"
            cost, actual = 4.2 + 0.1 * bool(fortran), f"reshaped from ({_spelled(order)})"
        else:
            code = f".reshape({', '.join(str(sizes[s]) for s in order)}{fortran}){back}"
            text = f"{what} was reshaped to ({_spelled(order)}) instead of transposed{memory}"
            cost, actual = 4.0 + 0.1 * bool(fortran), f"reshaped to ({_spelled(order)})"
    elif len(spatial) == len(places) == 2:
        text, cost = f"{axis_names(rank, spatial)} are exchanged in {what}", 1.5
    elif len(spatial) == len(places):
        text, cost = f"the spatial axes of {what} are in another order", 1.8
    elif role == "w" and not spatial:
        text, cost = "input and output channels are exchanged in the kernel", 1.6
    elif native == order[::-1]:
        text, cost = f"{what} is transposed as a whole (.T)", 2.0
    else:
        text, cost = f"{what} is read as ({_spelled(order)}), not ({_spelled(native)})", 3.0
    code = array.code(code)
    undo = f"give {what} with its axes as ({_spelled(native)})"
    return Change(
        f"axes of {role}", f"({_spelled(native)})", actual, text, cost, ((role, code),), undo
    )


def _flattened(array: LabelledArray, reading: Reading, change: Change) -> Change:
    """The change for a y whose axes are merged: from which order it was flattened."""
    # What a Flatten does to channels last where they are first, or Julia's to all axes.
    if reading.how.startswith("to"):
        return change
    native, order = (_spelled(letters) for letters in (array.letters, reading.order))
    memory = " (in column-major memory)" if reading.how == "F" else ""
    return change.but(
        field="shape of y",
        expected=f"flattened from ({native})",
        actual=f"flattened from ({order}){memory}",
        text=f"y is flattened from ({order}){memory}, not from ({native})",
        cost=1.6 if memory else 1.5,
        undo=f"flatten it from ({native}), or take the rows of a Dense kernel behind it in order",
    )


def _readings(array: LabelledArray) -> Iterator[Reading]:
    """Every other reading of an array, each once, plain ones before reshaped ones.

    An axis of size 1 may stand anywhere, so that readings are told apart by the order of the longer
    axes (``long``) and the sizes of all.  Where axes of equal size are exchanged, only the letters
    change, and no number moves.  Reshaping keeps the numbers' order in memory and gives them other
    axes: it is tried for orders in which the spatial axes stay in line, because people reshape to
    bring channels to the other end.
    """
    a, letters = array.array, array.letters
    sizes = dict(zip(letters, a.shape))
    spatial = [s for s in letters if s[0] == "s"]
    long = tuple(s for s, n in zip(letters, a.shape) if n > 1)
    keys: set[Any] = {(long, *sorted(sizes.items()))}
    for order in permutations(letters):
        shape = dict(zip(order, a.shape))
        key = (tuple(s for s, n in zip(order, a.shape) if n > 1), *sorted(shape.items()))
        if key not in keys:
            keys.add(key)
            yield Reading(a, order, order, "read")
    for order in permutations(letters):
        long_order = tuple(s for s in order if sizes[s] > 1)
        if long_order == long or [s for s in order if s[0] == "s"] not in (spatial, spatial[::-1]):
            continue
        shape_in = tuple(sizes[s] for s in order)
        if long_order in keys or shape_in == a.shape:  # the same shape: the same as read otherwise
            continue
        keys.add(long_order)
        yield Reading(a.reshape(shape_in), order, order, "C")
        yield Reading(array.fortran.reshape(shape_in, order="F"), order, order, "F")
        if a.size <= MOST_COPIED:
            permuted = a.transpose([letters.index(s) for s in order])
            yield Reading(permuted.reshape(a.shape), letters, order, "to C")
            yield Reading(permuted.reshape(a.shape, order="F"), letters, order, "to F")

"""Value: what a name in a thread stands for, and its numbers as far as the text tells them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.files.named_array import NamedArray

__all__ = ["MOST_ELEMENTS", "Value", "exact", "way_back"]

MOST_ELEMENTS = 1 << 22
Array = NDArray[Any]


@dataclass(eq=False, slots=True)
class Value:
    """One value of the program in a thread.

    text: how it is written.  constant: a number, a word, a shape, that is written out.  printed:
    its numbers where the text prints or writes them.  recipe: what makes its numbers of its
    parents' arrays.  moves: that this only arranges the first parent's numbers anew.  call: the
    thread's call whose result it is.  after: the function between that result and it.  shape:
    where only that is known.  path: where it is a function's name.  items: of a list.  fed: what
    a placeholder is given.  busy: while its numbers are sought.
    """

    text: str
    constant: Any = None
    printed: NamedArray | None = None
    recipe: Callable[..., Array] | None = None
    parents: tuple[Value, ...] = ()
    moves: bool = False
    call: object = None
    after: str = ""
    shape: tuple[int, ...] | None = None
    path: str = ""
    items: tuple[Value, ...] | None = None
    fed: Value | None = None
    busy: bool = field(default=False)

    def numbers(self) -> NamedArray | None:
        """The array, with how far it may be off; None where the text does not tell it."""
        if self.printed is not None:
            return self.printed
        if self.fed is not None:
            return self.fed.numbers()
        if self.recipe is None or self.busy:  # busy: it is made of itself
            return None
        self.busy = True
        try:
            held = [parent.numbers() for parent in self.parents]
            if any(one is None for one in held):
                return None
            return self._computed([one for one in held if one is not None])
        finally:
            self.busy = False

    def _computed(self, held: Sequence[NamedArray]) -> NamedArray | None:
        assert self.recipe is not None
        if sum(one.array.size for one in held) > MOST_ELEMENTS:
            return None
        try:
            with np.errstate(all="ignore"):
                array = np.asarray(self.recipe(*(one.array for one in held)))
                errors = [np.max(one.error, initial=0.0) for one in held]
                error: Any = float(max(errors, default=0.0))
                if self.moves and held and isinstance(held[0].error, np.ndarray):
                    error = np.asarray(self.recipe(held[0].error, *(o.array for o in held[1:])))
        except (ValueError, IndexError, TypeError, OverflowError, MemoryError, ZeroDivisionError):
            return None
        if array.dtype.kind not in "biufc" or array.size > MOST_ELEMENTS:
            return None
        digits = max((one.digits or 0 for one in held), default=0) or None
        line = next((one.line for one in held if one.line), None)
        self.printed = NamedArray("", array, error, digits, line)
        return self.printed

    def plain(self) -> Any:
        """The value as Python's own numbers, words and lists; None where it is not known."""
        if self.constant is not None:
            return self.constant
        if self.items is not None and self.printed is None:
            return [item.plain() for item in self.items]
        held = self.numbers()
        return None if held is None else held.array.tolist()


def exact(text: str, array: Any, *, name: str = "") -> Value:
    """A value whose numbers are written out, and exact."""
    return Value(text, printed=NamedArray(name, np.asarray(array)))


def way_back(value: Value) -> tuple[Value, list[Callable[[Array], Array]], str]:
    """The value that this one is an arrangement of, and the steps from there; what came between."""
    steps: list[Callable[[Array], Array]] = []
    after = ""
    count = 0
    while value.call is None and value.parents and (value.moves or value.after) and count < 100:
        count += 1
        if value.after:
            after = after or value.after
        elif value.recipe is not None:
            steps.append(value.recipe)
        value = value.parents[0]
    return value, steps[::-1], after

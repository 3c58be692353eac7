"""Restated: an argument that says once more what the arrays say, or that only fills an array."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ONCE_CALLED", "SIZES", "Restated", "restated", "unchecked"]

SIZES = ("o", "c", "m", "kernel", "shape", "x shape", "x shape without n", "count", "rank")
ONCE_CALLED = ("bias", "no bias", "dtype", "w dtype")


@dataclass(frozen=True, slots=True)
class Restated:
    """What a constructor's argument says that the arrays hold already: it is taken, and checked.

    None, the argument left out, says nothing.

    "o" or "c", the channels of y or x; "m", how many kernels each channel of x has; "kernel", w's
    spatial sizes, as one number where they are equal; "kernel 0" or "kernel -1", the size of one
    spatial axis; "shape", w's; "x shape", x's, "x shape without n", that of one sample; "count",
    how many numbers w has; "rank", how many spatial axes it has; "bias" or "no bias", whether there
    is one; "dtype", the arrays', or "w dtype", w's; "nothing", what fills, trains, names or places
    an array, which changes no number here.
    """

    says: str

    def __post_init__(self) -> None:
        part = "kernel" if self.says.startswith("kernel ") else self.says
        if part not in (*SIZES, *ONCE_CALLED, "nothing"):
            raise TypeError(f"a constructor word cannot say {self.says!r}")


def restated(**words: str) -> dict[str, Restated]:
    """Constructor words by what they say: ``restated(filters="o", kernel_size="kernel")``."""
    return {word: Restated(says) for word, says in words.items()}


def unchecked(*words: str) -> dict[str, Restated]:
    """Constructor words that change no number."""
    return dict.fromkeys(words, Restated("nothing"))

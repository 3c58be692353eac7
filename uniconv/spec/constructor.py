"""Constructor: how a framework's layer class is made, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["ROLES", "Constructor"]

SIZES = ("in", "out", "size", "multiplier", "in_out")
ROLES = {*SIZES, "bias", "nobias", "bias_attr", "device", "dtype"}


@dataclass(frozen=True, slots=True)
class Constructor:
    """A layer class of a framework: the function that it computes, and its parameters in order.

    params: like ``Op.params``: a bare word is an option of the function, "option:word" one under
    another name, "*" starts the keyword-only part.  "in:word", "out:word", "size:word" and
    "multiplier:word" are the sizes, "in_out:word" is a pair of channels (Julia's ``3 => 8``);
    "bias:word" says whether there is a bias, "nobias:word" that there is none, "bias_attr:word"
    that there is none by False; "device" and "dtype" are those of the parameters.  What only
    initialises or regularises is left out.
    own_name: the class's name in uniconv.nn, where another one of the family has the same.
    rank: the number of spatial axes, where the function has several and the class has one.
    """

    name: str
    function: str
    params: str
    source: str
    rank: int | None = None
    own_name: str = ""

    @property
    def short(self) -> str:
        """The name of the class."""
        return self.own_name or self.name.rpartition(".")[2]

    def words(self) -> Iterator[tuple[str, str]]:
        """Role, or option, and the constructor's word of each parameter; "*" for both once."""
        for param in self.params.split():
            role, _, word = param.rpartition(":")
            yield role or word, word

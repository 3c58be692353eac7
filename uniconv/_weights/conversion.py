"""What happens to one array of a network, and what a caller may ask of a conversion.

An array becomes one array as a rule. Weight norm and BatchNorm make one of several: then a
``Recipe`` says which others it needs and how they are put together, and the others are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from uniconv._canonical.arrays import like, to_torch
from uniconv._canonical.record import Shape
from uniconv._weights.name_map import Entry

Shapes = Mapping[str, Shape]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a caller asks beside the map; the fields are arguments of ``convert_state_dict``."""

    keep_all: bool = False
    weight_norm: str = "fold"
    fold_batchnorm: bool | Mapping[str, str] = False
    eps: float | None = None
    like: Any = None


DEFAULT = Settings()


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an array is made of itself and others: ``function`` of float64 tensors, in that order."""

    parts: tuple[str, ...]
    function: Callable[..., torch.Tensor]

    def made_of(self, a: Any, others: Mapping[str, Any]) -> Any:
        """The array, of the kind and dtype of ``a``: computed in float64 and rounded once."""
        tensors = [to_torch(part, "cpu") for part in (a, *(others[name] for name in self.parts))]
        result = self.function(*(t.double() for t in tensors))
        return like(result.to(tensors[0].dtype), a)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What happens to one array; ``problem`` says why it cannot, in which case nothing does.

    how: the axes before and after, and whether the kernel is reversed.  why: what told the
    kind.  becomes: its name afterwards, None where it is left out.  warning: what may be
    wrong with it.  recipe: what it is made of, where that is more than itself.
    """

    name: str
    shape: Shape
    entry: Entry
    becomes: str | None = None
    new_shape: Shape = ()
    how: str = ""
    problem: str = ""
    warning: str = ""
    recipe: Recipe | None = field(default=None, compare=False)

    @property
    def kind(self) -> str:
        """What the array is taken for: "conv", "dense", "keep", ..."""
        return self.entry.kind

    @property
    def why(self) -> str:
        """What told the kind: a rule, or an entry of the map."""
        return self.entry.why

    @property
    def mapped(self) -> bool:
        """Whether the user's map says what happens to it, so that no rule may."""
        return self.why.startswith("map: ") or self.entry.rename is not None


def left_out(name: str, shape: Shape, why: str, how: str = "left out") -> Conversion:
    """The step of an array that does not come along, at least not as an array of its own."""
    return Conversion(name, shape, Entry("skip", why), None, (), how)


def kept(name: str, shape: Shape, why: str, becomes: str | None = None) -> Conversion:
    """The step of an array whose numbers stay as they are, under its name or another."""
    return Conversion(name, shape, Entry("keep", why), becomes or name, shape, "as it is")

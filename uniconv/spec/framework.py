"""Framework: one framework's functions, and which of them its bare name means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from uniconv.spec.op import Op


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework: its functions, and which of them a bare family name means.

    title: how messages call the framework; each function gets it from here.
    main: for each kind, the function for each number of spatial axes.
    aliases: other names of the family; prefixes: short spellings of function names.
    """

    name: str
    title: str
    version: str
    functions: tuple[Op, ...]
    main: Mapping[str, Mapping[int, str]]
    aliases: tuple[str, ...] = ()
    prefixes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [op.name for op in self.functions]
        if len(set(names)) != len(names):
            raise TypeError(f"dialect {self.name}: two functions of one name")
        for kind, by_rank in self.main.items():
            for rank, name in by_rank.items():
                op = self.functions[names.index(name)]
                if op.kind != kind or rank not in op.ranks:
                    raise TypeError(f"dialect {self.name}: {name} is no {kind} of rank {rank}")
        titled = tuple(replace(op, title=self.title) for op in self.functions)
        object.__setattr__(self, "functions", titled)

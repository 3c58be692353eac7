"""Layouts that a framework spells out: "NHWC", [b,0,1,f], "SSCB", or an axis.

Each spelling becomes three patterns in uniconv's letters, with spatial axes spelled out, since they
may stand anywhere: "HNWC" is "s0 n s1 c".  The kernel's spelling says the order of spatial axes,
and so which entry of stride or padding belongs to which.  Reading takes any spelling; the rules'
tables hold the usual ones, for pages and tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from string import ascii_letters, digits, punctuation
from typing import Any

from uniconv._canonical.layout import EVERY_RANK, Layout, axes
from uniconv.spec.rules import CallContext, Choice
from uniconv.spec.values import integer, integers

__all__ = [
    "AlongAxes",
    "AlongAxis",
    "DimensionNumbers",
    "Labels",
    "NumberedDimensions",
    "along_axis",
    "dimension_numbers",
    "labelled",
    "numbered_dimensions",
]


def dimension_numbers(x: Sequence[str], w: Sequence[str], y: Sequence[str]) -> Layout | None:
    """The layout that JAX spells as ("NHWC", "HWIO", "NHWC"); None where that is no layout.

    N and C of x and y, O and I of w; any other letters are spatial axes, in w's order.

    >>> dimension_numbers("NHWC", "WHIO", "NCHW").x  # W is s0, the first in w
    'n s1 s0 c'
    """
    # The three strings must have the same letters but for their own two, each once.
    spatial = [a for a in w if a not in "OI"]
    letters = {a: f"s{i}" for i, a in enumerate(spatial)}
    spellings = [(x, "NC"), (w, "OI"), (y, "NC")]
    if any(sorted(s) != sorted([*letters, *own]) for s, own in spellings):
        return None
    if len(letters) != len(spatial) or {"N", "C"} & set(letters):
        return None
    named = ({"N": "n", "C": "c"}, {"O": "o", "I": "i"}, {"N": "n", "C": "o"})
    at = [" ".join((own | letters)[a] for a in s) for s, own in zip((x, w, y), named)]
    return Layout(at[0], at[1], at[2], ranks=(len(spatial),))


def numbered_dimensions(x: Sequence[str], w: Sequence[str], y: Sequence[str]) -> Layout | None:
    """The layout that StableHLO spells as b0f x 0io -> b0f; None where that is no layout.

    b and f of x and y, o and i of w; the spatial axes are numbered, in the order of the options.

    >>> numbered_dimensions("b1f0", "01io", "b01f").x
    'n s1 c s0'
    """
    rank = len(x) - 2
    spatial = {str(i): f"s{i}" for i in range(rank)}
    named = (
        {"b": "n", "f": "c"} | spatial,
        {"o": "o", "i": "i"} | spatial,
        {"b": "n", "f": "o"} | spatial,
    )
    if any(sorted(s) != sorted(n) for s, n in zip((x, w, y), named)):
        return None
    at = [" ".join(n[a] for a in s) for s, n in zip((x, w, y), named)]
    return Layout(at[0], at[1], at[2], ranks=(rank,))


def labelled(data: str, weights: str | None, channels: str, grouped: str) -> Layout | None:
    """The layout that MATLAB labels as SSCB and SSCU; None where that is no layout.

    S spatial axes; T one of time, convolved over where the weights have it; C and B of data;
    C and U of weights, with a second U for groups: the letters in ``channels`` or ``grouped``.
    """
    # Time is a spatial axis only where the weights have it, too; else it would be a batch axis,
    # which no layout here has.  Without labels for the weights they are "SS..CU".
    along = "ST" if "T" in (weights or "") else "S"
    rank = sum(data.count(a) for a in along)
    weights = "S" * rank + "CU" if weights is None else weights
    used = channels if weights.count("U") == 1 else grouped
    spatial = "".join(sorted(a for a in data if a in along))
    patterns = (
        [sorted(f"{spatial}C"), sorted(f"{spatial}CB")],
        [sorted(spatial + "CUU"[: len(used)])],
    )
    letters = sorted(data), sorted(weights)
    if (
        rank not in (1, 2, 3)
        or data.count("T") > 1
        or any(f not in w for f, w in zip(letters, patterns))
    ):
        return None

    def pattern(labels: str, own: dict[str, str]) -> str:
        # Labels are taken from the left: the first S is s0, the next s1; T is the last spatial
        # axis; of two U the first is ``used[1]``, the next ``used[2]``.  "SSCB" becomes "s0 s1 c
        # n".
        left = {a: iter(own[a]) for a in own} | {"S": map(str, range(rank))}
        named = (f"s{rank - 1}" if a == "T" else next(left[a]) for a in labels)
        return " ".join(f"s{a}" if a.isdigit() else a for a in named)

    x, y = (pattern(data, {"C": c, "B": "n"}) for c in "co")
    return Layout(x, pattern(weights, {"C": used[0], "U": used[1:]}), y, ranks=(rank,))


# One character for each spatial axis, none of them N, C, O or I.
_SPATIAL = "".join(a for a in digits + ascii_letters + punctuation if a not in "NCOI")


@dataclass(frozen=True, slots=True)
class DimensionNumbers(Choice):
    """A layout spelled out as JAX does; the table holds the usual ones, by their spelling.

    swapped: the option that exchanges the kernel's channel axes when it is true.
    """

    swapped: str | None = None

    @property
    def beside(self) -> tuple[str, ...]:
        """The further option that it asks."""
        return (self.swapped,) if self.swapped else ()

    @property
    def kernel_options(self) -> dict[str, Any]:
        return {self.option: self.default} | dict.fromkeys(self.beside, False)

    def read(self, value: object, facts: CallContext) -> Layout:
        layout = self._spelling(value)
        if layout is None:
            must = (
                'must be None, three strings such as ("NHWC", "HWIO", "NHWC"), or an object with '
                "lhs_spec, rhs_spec and out_spec"
            )
            raise facts.bad(self.option, value, must)
        if self.swapped and facts.options[self.swapped]:
            return self._swap(layout)
        return layout

    def write(self, value: Any, facts: CallContext) -> Any:
        """The default where that says it, else three strings with 0, 1, 2 for spatial axes."""
        if self.swapped and facts.options[self.swapped]:
            value = self._swap(value)
        if value == self.table[self.default]:
            return self.default
        data, kernel = {"n": "N", "c": "C", "o": "C"}, {"o": "O", "i": "I"}
        return tuple(
            "".join(own[a] if a in own else _SPATIAL[int(a[1:])] for a in axes(pattern, facts.rank))
            for pattern, own in ((value.x, data), (value.w, kernel), (value.y, data))
        )

    @staticmethod
    def _swap(layout: Layout) -> Layout:
        """The layout with the kernel's channel axes exchanged."""
        exchanged = {"i": "o", "o": "i"}
        return replace(layout, w=" ".join(exchanged.get(a, a) for a in layout.w.split()))

    spelled_ranks = EVERY_RANK

    def spelled(self, rank: int) -> tuple[Layout, ...]:
        """Batch and channels first."""
        letters = _SPATIAL[:rank]
        first = dimension_numbers(f"NC{letters}", f"OI{letters}", f"NC{letters}")
        return (first,) if first else ()

    def _spelling(self, value: Any) -> Layout | None:
        """The layout that a value spells, before any exchange; None where it spells none."""
        with suppress(TypeError, KeyError):
            return self.table[value]  # type: ignore[no-any-return]
        # lax.ConvDimensionNumbers has for each array the places of batch, channels and spatial
        # axes: lhs_spec (0, 3, 1, 2) is "NHWC", here spelled N01C.  So at axis i stands the letter
        # whose place in the spec is i.
        specs = [integers(getattr(value, f"{k}_spec", None)) or () for k in ("lhs", "rhs", "out")]
        if (
            all(s and sorted(s) == list(range(len(s))) for s in specs)
            and len(set(map(len, specs))) == 1
        ):
            spatial = [*map(str, range(len(specs[0]) - 2))]
            letters = (["N", "C", *spatial], ["O", "I", *spatial], ["N", "C", *spatial])
            return dimension_numbers(
                *([a[s.index(i)] for i in range(len(s))] for a, s in zip(letters, specs))
            )
        if not isinstance(value, (list, tuple)) or len(value) != 3:
            return None
        return dimension_numbers(*value) if all(isinstance(s, str) for s in value) else None


# As StableHLO's attribute says the layout by positions.
RAW = (
    "input_batch_dimension",
    "input_feature_dimension",
    "input_spatial_dimensions",
    "kernel_output_feature_dimension",
    "kernel_input_feature_dimension",
    "kernel_spatial_dimensions",
    "output_batch_dimension",
    "output_feature_dimension",
    "output_spatial_dimensions",
)


def _numbered(raw: Sequence[Any]) -> Layout | None:
    """The layout of nine positions, in the order of RAW; None where they make none."""
    spelled = []
    for first, letters in ((0, "bf"), (3, "oi"), (6, "bf")):
        spatial = integers(raw[first + 2])
        positions = (integer(raw[first]), integer(raw[first + 1]), *(spatial or ()))
        if spatial is None or sorted(p if p is not None else -1 for p in positions) != list(
            range(len(positions))
        ):
            return None
        named = dict(zip(positions, (*letters, *map(str, range(len(spatial))))))
        spelled.append([named[i] for i in range(len(positions))])
    return numbered_dimensions(*spelled)


@dataclass(frozen=True, slots=True)
class NumberedDimensions(Choice):
    """A layout spelled out as StableHLO does, its spatial axes numbered; the usual ones listed."""

    spelled_ranks = EVERY_RANK

    def spelled(self, rank: int) -> tuple[Layout, ...]:
        """Batch and channels first."""
        numbers = [*map(str, range(rank))]
        data = ["b", "f", *numbers]
        first = numbered_dimensions(data, ["o", "i", *numbers], data)
        return (first,) if first else ()

    def read(self, value: object, facts: CallContext) -> Layout:
        text = "".join(value.split()) if isinstance(value, str) else ""
        text = re.sub(r"^#[\w.]+<(.*)>$", r"\1", text)  # as an attribute is printed
        raw = [getattr(value, name, None) for name in RAW]
        if text.startswith("raw"):
            fields = dict(re.findall(r"(\w+)=(-?\d+|\[[\d,-]*\])", text.removeprefix("raw")))
            raw = [json.loads(fields.get(name, "null")) for name in RAW]
        layout = _numbered(raw)
        parts = re.fullmatch(r"\[([^]]*)\]x\[([^]]*)\]->\[([^]]*)\]", text)
        if parts:
            layout = numbered_dimensions(*(p.split(",") for p in parts.groups()))
        if layout is None:
            must = (
                'must be three lists such as "[b,0,1,f]x[0,1,i,o]->[b,0,1,f]", with the same '
                "spatial axes in each, or say input_batch_dimension and so on, each a position of "
                "its own"
            )
            raise facts.bad(self.option, value, must)
        return layout

    def write(self, value: Any, facts: CallContext) -> str:
        data, kernel = {"n": "b", "c": "f", "o": "f"}, {"o": "o", "i": "i"}
        x, w, y = (
            ",".join(own.get(a, a[1:]) for a in axes(pattern, facts.rank))
            for pattern, own in ((value.x, data), (value.w, kernel), (value.y, data))
        )
        return f"[{x}]x[{w}]->[{y}]"


@dataclass(frozen=True, slots=True)
class Labels(Choice):
    """A layout labelled as MATLAB does, by those of data and weights; the usual ones listed."""

    channels: str = ""
    grouped: str = ""
    takes = 'labels of the axes: "S", "C", "B" of X, "S", "C", "U" of the weights; "T" is time'

    def read(self, value: object, facts: CallContext) -> Layout:
        with suppress(TypeError, KeyError):
            return self.table[value]  # type: ignore[no-any-return]
        data, weights = value if isinstance(value, tuple) else ("", "")
        text = isinstance(data, str) and (weights is None or isinstance(weights, str))
        layout = labelled(data, weights, self.channels, self.grouped) if text else None
        if layout is None:
            must = (
                'must be labels: 1 to 3 "S", one "C", at most one "B" for the data; as many "S", '
                'one "C", one "U" (and a second one for groups) for the weights; and one "T" in '
                "both to convolve over time"
            )
            raise facts.bad(self.option, value, must)
        return layout

    def write(self, value: Any, facts: CallContext) -> Any:
        if value == self.table[self.default]:
            return self.default
        # All channel letters of the kernel but the first are "U": what of them are groups, MATLAB
        # tells by their order.
        data, kernel = {"n": "B", "c": "C"}, {"i": "U", "m": "U", "o": "U", "c": "U", "g": "U"}
        kernel |= {self.channels[0]: "C"}
        return tuple(
            "".join(own.get(a, "S") for a in axes(pattern, facts.rank))
            for pattern, own in ((value.x, data), (value.w, kernel))
        )


@dataclass(frozen=True, slots=True)
class AlongAxis(Choice):
    """The axis of x along which a one-dimensional kernel runs; the table has the plainest."""

    names_one_axis = True

    @property
    def usual(self) -> Layout:
        """Along the last axis, of as many as the table has."""
        return tuple(self.table.values())[self.default]  # type: ignore[no-any-return]

    spelled_ranks = EVERY_RANK[1:]

    @property
    def meanings(self) -> tuple[Layout, ...]:
        return tuple(at for rank in (1, 2, 3) for at in self.spelled(rank))

    def spelled(self, rank: int) -> tuple[Layout, ...]:
        """Along each of the axes, the last one first."""
        return tuple(along_axis(a, rank) for a in reversed(range(rank)))

    @property
    def kernel_options(self) -> dict[str, Any]:
        return {}

    def of_kernel(self, call: CallContext) -> Layout:
        """On whatever axis it runs, the kernel is the same."""
        return Layout("...", "s0", "...", (1,))

    def read(self, value: object, facts: CallContext) -> Layout:
        axis = integer(value)
        if axis is None or not -facts.ndim <= axis < facts.ndim:
            must = f"must be an integer from {-facts.ndim} to {facts.ndim - 1}, an axis of x"
            raise facts.bad(self.option, value, must)
        return along_axis(axis % facts.ndim, facts.ndim)

    def write(self, value: Any, facts: CallContext) -> Any:
        """The axis; the default -1 where it is the last one."""
        axis = int(value.w[1:])
        last = axis == value.ranks[0] - 1
        return self.default if last and self.default == -1 else axis


@dataclass(frozen=True, slots=True)
class AlongAxes(Choice):
    """The axes of x along which a kernel of as many runs, in increasing order; None for all."""

    @property
    def kernel_options(self) -> dict[str, Any]:
        return {}

    def of_kernel(self, call: CallContext) -> Any:
        """Along whatever axes it runs, the kernel is the same."""
        return self.table[None]

    def read(self, value: object, facts: CallContext) -> Any:
        if value is None:
            return self.table[None]
        ndim, one = facts.ndim, integer(value)
        entries = (one,) if one is not None else integers(value)
        inside = entries and all(-ndim <= a < ndim for a in entries)
        if not inside or len({a % ndim for a in entries or ()}) < len(entries or ()):
            must = f"must be None or axes of x, each once, from {-ndim} to {ndim - 1}"
            raise facts.bad(self.option, value, must)
        chosen = sorted(a % ndim for a in entries or ())
        if len(chosen) == ndim:
            return self.table[None]
        return Layout("...", " ".join(f"s{a}" for a in chosen), "...", (ndim,))

    def write(self, value: Any, facts: CallContext) -> Any:
        """None for all axes, else the axes."""
        if value == self.table[None]:
            return None
        return tuple(int(a[1:]) for a in value.w.split())


def along_axis(axis: int, ndim: int) -> Layout:
    """The layout of a kernel that runs along one of so many axes."""
    return Layout("...", f"s{axis}", "...", (ndim,))

"""Rules: how one native option is read into the canonical record, and written back.

Each rule is a pair read(native) -> canonical and write(canonical) -> native, with the law
read(write(v)) == v; ``write`` raises CannotExpress for what the option cannot say.
"""

from __future__ import annotations

import difflib
import numbers
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from uniconv.canonical import Pairs, Sizes
from uniconv.errors import BadOption, CannotExpress
from uniconv.layout import Layout, axes, dimension_numbers, labelled, numbered_dimensions
from uniconv.padding import AS_IS, Axis, Form, Reading, Word, integer, integers


class _Required:
    def __repr__(self) -> str:
        return "<required>"


REQUIRED = _Required()

# What frameworks call one option: a word of another framework suggests this one's.
SAME_MEANING = (
    ("stride", "strides", "window_strides", "subsample"),
    ("dilation", "dilations", "dilation_rate", "rate", "rhs_dilation"),
    ("padding", "pad", "pads"),
    ("group", "groups", "feature_group_count"),
    ("output_shape", "output_size"),
    ("output_padding", "outpad"),
    ("mode", "crosscorrelation", "cross_correlation", "flipped", "flipkernel"),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a call while its options are read, in reading order."""

    function: str
    title: str
    layout: Layout = Layout("", "", "")
    sizes: Sizes = Sizes((), 0, 0, (), ())
    stride: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    lhs_dilation: tuple[int, ...] = ()
    pad: Pairs = ()
    extra: tuple[int | None, ...] = ()
    out: tuple[int, ...] = ()
    boundary: str = "zeros"
    given: Mapping[str, Any] = field(default_factory=dict)
    spelled: Mapping[str, str] = field(default_factory=dict)
    gathered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ndim: int = 0

    @property
    def rank(self) -> int:
        return len(self.sizes.size)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The spatial axes, as padding words read them."""
        fields = (self.sizes.kernel, self.dilation, self.stride, self.extra, self.out)
        unknown = (0, 1, 1, None, None)
        spread = self.lhs_dilation or (1,) * self.rank
        size = [(n - 1) * d + 1 if n else 0 for n, d in zip(self.sizes.size, spread)]
        told = (f or (none,) * self.rank for f, none in zip(fields, unknown))
        return tuple(map(Axis, size, *told))

    def gave(self, option: str, value: object) -> str:
        """An option as the user wrote it: under its second name, or as several, where so given."""
        if option in self.gathered and isinstance(value, tuple):
            named = zip(self.gathered[option], value)
            return ", ".join(f"{name}={show(v)}" for name, v in named)
        return f"{self.spelled.get(option, option)}={show(value)}"

    def bad(self, option: str, value: object, must: str) -> BadOption:
        return BadOption(f"{self.function}: {self.gave(option, value)} {must}")

    def cannot(self, name: str, reason: str) -> CannotExpress:
        return CannotExpress(self.function, name, reason)


def show(value: object) -> str:
    """A value as the user would type it; words in double quotes."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def either(choices: Iterable[object]) -> str:
    """'1, 2 or 4'."""
    *others, last = map(str, choices)
    return f"{', '.join(others)} or {last}" if others else last


def suggest(word: object, known: Iterable[object]) -> str:
    """': did you mean "SAME"?', or nothing when no known word is near."""
    words = [str(k) for k in known]
    folded = {w.lower(): w for w in words}
    near = difflib.get_close_matches(str(word).lower(), folded, n=1, cutoff=0.6)
    kin = next((names for names in SAME_MEANING if word in names), ())
    near = [w for w in folded if w in kin] or near
    return f": did you mean {show(folded[near[0]])}?" if near else ""


def not_one_of(word: object, known: Iterable[object], facts: Facts) -> str:
    """The text for a word that is not in the table, with the near miss named."""
    words = [k for k in known if k is not None]
    case = isinstance(word, str) and word.lower() in [str(w).lower() for w in words]
    listed = ", ".join(show(w) for w in words)
    note = f" ({facts.title} is case-sensitive)" if case else ""
    return f"is not one of {listed}{note}{suggest(word, words) if isinstance(word, str) else ''}"


def in_case(word: object, known: Iterable[object]) -> object:
    """A word as it is listed, in whatever case it was given."""
    if not isinstance(word, str):
        return word
    return next((k for k in known if isinstance(k, str) and k.lower() == word.lower()), word)


def read_as(facts: Facts) -> str:
    """How x was read, where a list must follow its axes."""
    ndim = len(axes(facts.layout.x, facts.rank))
    return f"; x read as {show(facts.layout.x)} has {ndim} axes, {facts.rank} of them spatial"


def full_list(value: tuple[int, ...], facts: Facts) -> dict[str, int]:
    """Entries for every axis of x, by letter."""
    return dict(zip(axes(facts.layout.x, facts.rank), value))


def default_says(rule: Any, value: object, facts: Facts) -> bool:
    """Whether an option left out means ``value`` already."""
    try:
        return rule.default is not REQUIRED and bool(rule.read(rule.default, facts) == value)
    except BadOption:  # a default that does not hold for these axes
        return False


@dataclass(frozen=True, slots=True)
class Choice:
    """One word (or number) out of a table; the table's values are canonical."""

    option: str
    table: Mapping[Any, Any]
    default: Any = REQUIRED
    any_case: bool = False

    def read(self, value: object, facts: Facts) -> Any:
        try:
            return self.table[in_case(value, self.table) if self.any_case else value]
        except (KeyError, TypeError):
            raise facts.bad(self.option, value, not_one_of(value, self.table, facts)) from None

    def write(self, value: object, facts: Facts) -> Any:
        if default_says(self, value, facts):
            return self.default
        for word, meaning in self.table.items():
            if meaning == value:
                return word
        raise facts.cannot(self.option, f"no {self.option} means {show(value)}")


@dataclass(frozen=True, slots=True)
class DimensionNumbers(Choice):
    """A layout spelled out as JAX does; the table holds the usual ones, by their spelling.

    swapped: the option that exchanges the kernel's channel axes when it is true.
    """

    swapped: str | None = None

    def read(self, value: object, facts: Facts) -> Layout:
        found = self._spelled(value)
        if found is None:
            must = (
                'must be None, three strings such as ("NHWC", "HWIO", "NHWC"), or an object with '
                "lhs_spec, rhs_spec and out_spec"
            )
            raise facts.bad(self.option, value, must)
        if self.swapped and facts.given[self.swapped]:
            return self._swap(found)
        return found

    def write(self, value: Any, facts: Facts) -> Any:
        if self.swapped and facts.given[self.swapped]:
            value = self._swap(value)
        if value == self.table[self.default]:
            return self.default
        data, kernel = {"n": "N", "c": "C", "o": "C"}, {"o": "O", "i": "I"}
        return tuple(
            "".join(own.get(a, a[1:]) for a in axes(pattern, facts.rank))
            for pattern, own in ((value.x, data), (value.w, kernel), (value.y, data))
        )

    @staticmethod
    def _swap(layout: Layout) -> Layout:
        turned = {"i": "o", "o": "i"}
        return replace(layout, w=" ".join(turned.get(a, a) for a in layout.w.split()))

    def _spelled(self, value: Any) -> Layout | None:
        with suppress(TypeError, KeyError):
            return self.table[value]  # type: ignore[no-any-return]
        specs = [integers(getattr(value, f"{k}_spec", None)) or () for k in ("lhs", "rhs", "out")]
        if (
            all(s and sorted(s) == list(range(len(s))) for s in specs)
            and len(set(map(len, specs))) == 1
        ):
            spatial = "0123456789"[: len(specs[0]) - 2]
            letters = (f"NC{spatial}", f"OI{spatial}", f"NC{spatial}")
            value = ["".join(a[s.index(i)] for i in range(len(s))) for a, s in zip(letters, specs)]
        if not isinstance(value, (list, tuple)) or len(value) != 3:
            return None
        return dimension_numbers(*value) if all(isinstance(s, str) for s in value) else None


@dataclass(frozen=True, slots=True)
class NumberedDimensions(Choice):
    """A layout spelled out as StableHLO does, its spatial axes numbered; the usual ones listed."""

    def read(self, value: object, facts: Facts) -> Layout:
        text = "".join(value.split()) if isinstance(value, str) else ""
        parts = re.fullmatch(r"\[([^]]*)\]x\[([^]]*)\]->\[([^]]*)\]", text)
        found = numbered_dimensions(*(p.split(",") for p in parts.groups())) if parts else None
        if found is None:
            must = (
                'must be three lists such as "[b,0,1,f]x[0,1,i,o]->[b,0,1,f]", with the same 1, 2 '
                "or 3 spatial axes in each"
            )
            raise facts.bad(self.option, value, must)
        return found

    def write(self, value: Any, facts: Facts) -> str:
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

    def read(self, value: object, facts: Facts) -> Layout:
        with suppress(TypeError, KeyError):
            return self.table[value]  # type: ignore[no-any-return]
        data, weights = value if isinstance(value, tuple) else ("", "")
        text = isinstance(data, str) and (weights is None or isinstance(weights, str))
        found = labelled(data, weights, self.channels, self.grouped) if text else None
        if found is None:
            must = (
                'must be labels: 1 to 3 "S", one "C", at most one "B" for the data; as many "S", '
                'one "C", one "U" (and a second one for groups) for the weights; and one "T" in '
                "both to convolve over time"
            )
            raise facts.bad(self.option, value, must)
        return found

    def write(self, value: Any, facts: Facts) -> Any:
        if value == self.table[self.default]:
            return self.default
        data, kernel = {"n": "B", "c": "C"}, {"i": "U", "m": "U", "o": "U", "c": "U", "g": "U"}
        kernel |= {self.channels[0]: "C"}
        return tuple(
            "".join(own.get(a, "S") for a in axes(pattern, facts.rank))
            for pattern, own in ((value.x, data), (value.w, kernel))
        )


@dataclass(frozen=True, slots=True)
class AlongAxis(Choice):
    """The axis of x along which a one-dimensional kernel runs; the table has the plainest."""

    def read(self, value: object, facts: Facts) -> Layout:
        axis = integer(value)
        if axis is None or not -facts.ndim <= axis < facts.ndim:
            must = f"must be an integer from {-facts.ndim} to {facts.ndim - 1}, an axis of x"
            raise facts.bad(self.option, value, must)
        return along_axis(axis % facts.ndim, facts.ndim)

    def write(self, value: Any, facts: Facts) -> Any:
        axis = int(value.w[1:])
        last = axis == value.ranks[0] - 1
        return self.default if last and self.default == -1 else axis


def along_axis(axis: int, ndim: int) -> Layout:
    """The layout of a kernel that runs along one of so many axes."""
    return Layout("...", f"s{axis}", "...", (ndim,))


@dataclass(frozen=True, slots=True)
class EachAxis(Choice):
    """True or False for each spatial axis, in axis order; None stands for False everywhere."""

    def read(self, value: object, facts: Facts) -> tuple[bool, ...]:
        if value is None:
            return (False,) * facts.rank
        entries = tuple(value) if isinstance(value, (list, tuple)) else ()
        if len(entries) != facts.rank or any(e is not True and e is not False for e in entries):
            must = f"must be None or a list of {facts.rank} of True and False, one per spatial axis"
            raise facts.bad(self.option, value, must)
        return entries

    def write(self, value: Any, facts: Facts) -> list[bool] | None:
        return list(value) if any(value) else None


@dataclass(frozen=True, slots=True)
class Border(Choice):
    """What lies outside x: a word out of the table, or a number that stands there."""

    def read(self, value: object, facts: Facts) -> Any:
        if isinstance(value, numbers.Number) and not isinstance(value, bool):
            return "constant"
        return Choice.read(self, value, facts)


@dataclass(frozen=True, slots=True)
class PerAxis:
    """One integer per spatial axis, in axis order; ``accepts`` says in which shapes it is given.

    "int" one for all, "one" a list of one, "axes" one each, "full" one per axis of x (batch and
    channels 1), "sample" the same without the batch (channels idle), "none" None, which means
    ``absent`` on every axis.
    """

    option: str
    default: Any = 1
    least: int = 1
    accepts: tuple[str, ...] = ("int", "axes")
    absent: Any = 1

    def read(self, value: object, facts: Facts) -> tuple[int, ...]:
        if value is None and "none" in self.accepts:
            return (self.absent,) * facts.rank
        one, entries = integer(value), integers(value)
        if one is not None and "int" in self.accepts:
            entries = (one,) * facts.rank
        elif entries is None or one is not None or len(entries) not in self.lengths(facts):
            raise facts.bad(self.option, value, f"must be {self.describe(facts)}")
        elif len(entries) == 1 and "one" in self.accepts:
            entries *= facts.rank
        elif len(entries) == facts.rank + 1 and "sample" in self.accepts:
            letters = [a for a in axes(facts.layout.x, facts.rank) if a != "n"]
            entries = tuple(entries[letters.index(f"s{i}")] for i in range(facts.rank))
        elif len(entries) == len(axes(facts.layout.x, facts.rank)) and "full" in self.accepts:
            named = full_list(entries, facts)
            if any(named[a] != 1 for a in named if a in "nc"):
                must = f"read as {show(facts.layout.x)} must be 1 on the batch and channel axes"
                raise facts.bad(self.option, value, must)
            entries = tuple(named[f"s{i}"] for i in range(facts.rank))
        if min(entries) < self.least:
            everywhere = " on every axis" if one is None else ""
            raise facts.bad(self.option, value, f"must be at least {self.least}{everywhere}")
        return entries

    def write(self, value: tuple[int, ...], facts: Facts) -> Any:
        if default_says(self, value, facts):
            return self.default
        if "int" in self.accepts and len(set(value)) == 1:
            return value[0]
        if "axes" in self.accepts:
            return value
        if "full" in self.accepts:
            named = {f"s{i}": v for i, v in enumerate(value)}
            return [named.get(a, 1) for a in axes(facts.layout.x, facts.rank)]
        raise facts.cannot(self.option, f"one {self.option} serves all axes, not {value}")

    def lengths(self, facts: Facts) -> list[int]:
        sizes = {"one": 1, "axes": facts.rank, "sample": facts.rank + 1}
        sizes["full"] = len(axes(facts.layout.x, facts.rank))
        return sorted({n for kind, n in sizes.items() if kind in self.accepts})

    def describe(self, facts: Facts) -> str:
        lengths = self.lengths(facts)
        kinds = ["None"] * (self.default is None) + ["an integer"] * ("int" in self.accepts)
        if lengths:
            kinds.append(f"a list of {either(lengths)} integer{'s' * (lengths != [1])}")
        return either(kinds)


@dataclass(frozen=True, slots=True)
class Count:
    """One integer of at least 1."""

    option: str
    default: Any = 1

    def read(self, value: object, facts: Facts) -> int:
        count = integer(value)
        if count is None or count < 1:
            raise facts.bad(self.option, value, "must be an integer of at least 1")
        return count

    def write(self, value: int, facts: Facts) -> int:
        return value


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number that scales the result."""

    option: str
    default: Any = 1

    def read(self, value: object, facts: Facts) -> Any:
        if isinstance(value, bool) or not isinstance(value, numbers.Number):
            raise facts.bad(self.option, value, "must be a number")
        return value

    def write(self, value: object, facts: Facts) -> Any:
        return value


@dataclass(frozen=True, slots=True)
class Fixed:
    """An option that is known but does not act here: any value if ``inert``, else its default.

    sample: a value other than the default, for tests.  only: the one value that must be said, where
    the framework's default acts.
    """

    option: str
    default: Any = None
    reason: str = ""
    inert: bool = False
    sample: Any = "probe"
    only: Any = None

    def __post_init__(self) -> None:
        if self.only is not None:
            object.__setattr__(self, "default", REQUIRED)

    @property
    def taken(self) -> Any:
        return self.default if self.only is None else self.only

    @property
    def must(self) -> str:
        return f"must {'stay' if self.only is None else 'be'} {show(self.taken)}: {self.reason}"

    def read(self, value: object, facts: Facts) -> None:
        taken = self.taken
        alike = isinstance(value, (str, list, tuple)) and type(value) is type(taken)
        if not self.inert and not (value is taken or (alike and value == taken)):
            raise facts.bad(self.option, value, self.must)

    def write(self, value: None, facts: Facts) -> Any:
        return self.taken


@dataclass(frozen=True, slots=True)
class KernelShape:
    """The spatial sizes of w once more: an option that must agree with the array."""

    option: str
    default: Any = None

    def read(self, value: object, facts: Facts) -> None:
        entries = None if value is None else integers(value)
        if value is None and self.default is REQUIRED:
            raise facts.bad(self.option, value, "must be the sizes of w")
        if value is not None and entries != facts.sizes.kernel:
            raise facts.bad(self.option, value, f"must be the sizes of w, {facts.sizes.kernel}")

    def write(self, value: None, facts: Facts) -> Any:
        return facts.sizes.kernel if self.default is REQUIRED else self.default


@dataclass(frozen=True, slots=True)
class Pad:
    """Zeros around x: a word, or numbers in one form.

    by: a second option that holds the word; None in its table stands for the numbers of this one,
    which are "refused" or "ignored" beside a word.  reading: what the numbers mean, or the option
    that chooses it.  any_case: whether words are taken in any case.  borders: the words that also
    say what lies outside x.  undilated: those beside which dilation is ignored.  A word may be a
    Choice, where another option has a say in it.
    """

    option: str
    default: Any = 0
    words: Mapping[Any, Word | Choice] = field(default_factory=dict)
    form: Form | None = None
    by: Choice | None = None
    beside: str = "refused"
    reading: Reading | Choice = AS_IS
    any_case: bool = False
    borders: Mapping[str, str] = field(default_factory=dict)
    undilated: tuple[str, ...] = ()

    def dilates(self, value: object) -> bool:
        """Whether the dilation counts beside this padding."""
        word = in_case(value, self.words) if self.any_case else value
        return not (isinstance(word, str) and word in self.undilated)

    def border(self, value: object) -> str:
        """What lies outside x beside this padding."""
        return self.borders.get(value, "zeros") if isinstance(value, str) else "zeros"

    def read(self, value: object, facts: Facts) -> Pairs:
        said = self.said(value, facts)
        if callable(said):
            return tuple(map(said, facts.axes))
        return tuple(map(self.meaning(facts).read, facts.axes, said))

    def said(self, value: object, facts: Facts) -> Word | Pairs:
        """The word, or the numbers as they are written."""
        word = self.by.read(facts.given[self.by.option], facts) if self.by else None
        if word is not None and self.by:
            if self.beside == "refused" and value != self.default:
                beside = facts.gave(self.by.option, facts.given[self.by.option])
                raise facts.bad(self.option, value, f"must be left out beside {beside}")
            return word  # type: ignore[no-any-return]
        value = in_case(value, self.words) if self.any_case else value
        if self._is_word(value):
            if value not in self.words:
                raise facts.bad(self.option, value, not_one_of(value, self.words, facts))
            return self._word(value, facts)
        if value is None and self.default is None:
            return ((0, 0),) * facts.rank
        pairs = self.form.read(value, facts.layout.x, facts.rank) if self.form else None
        if pairs is None:
            counted = self.form is not None and isinstance(value, (list, tuple))
            axes_read = read_as(facts) if counted else ""
            raise facts.bad(self.option, value, f"must be {self.describe()}{axes_read}")
        return pairs

    def _word(self, value: Any, facts: Facts) -> Word:
        word = self.words[value]
        if isinstance(word, Choice):
            word = word.read(facts.given[word.option], facts)
        return word

    def _is_word(self, value: object) -> bool:
        try:
            return bool(self.words) and (isinstance(value, str) or value in self.words)
        except (TypeError, ValueError):  # a list, an array
            return False

    def meaning(self, facts: Facts) -> Reading:
        """What numbers mean in this call."""
        rule = self.reading
        if isinstance(rule, Reading):
            return rule
        return rule.read(facts.given[rule.option], facts)  # type: ignore[no-any-return]

    def write(self, pairs: Pairs, facts: Facts) -> Any:
        for way in self.ways(pairs, facts):
            return way[self.option]
        raise facts.cannot("pad", f"{self.option} takes {self.describe()}, not {pairs}")

    def ways(self, pairs: Pairs, facts: Facts) -> Iterator[dict[str, Any]]:
        """Every way to say it, as options: left out, in a word, in numbers."""
        for aside in self._asides():
            told = replace(facts, given={**facts.given, **aside})
            if default_says(self, pairs, told):
                yield {**aside, self.option: self.default}
            if self.by and self.by.table[aside[self.by.option]] is not None:
                continue  # beside a word, numbers say nothing
            for word in self.words:
                if word in self.borders and self.borders[word] != facts.boundary:
                    continue
                if tuple(map(self._word(word, told), told.axes)) == pairs:
                    yield {**aside, self.option: word}
            if self.form:
                numbers = tuple(map(self.meaning(told).write, told.axes, pairs))
                value = self.form.write(numbers, told.layout.x)
                if value is not None:
                    yield {**aside, self.option: value}

    def _asides(self) -> Iterator[dict[str, Any]]:
        """What the options beside this one can say, their defaults first."""
        rules = [r for r in (self.by, self.reading) if isinstance(r, Choice)]
        words = (
            [w for w in dict.fromkeys([r.default, *r.table]) if w is not REQUIRED] for r in rules
        )
        for chosen in product(*words):
            yield {rule.option: word for rule, word in zip(rules, chosen)}

    def describe(self) -> str:
        words = ", ".join(show(w) for w in self.words)
        kinds = [f"one of {words}"] * bool(words) + ([self.form.describe] if self.form else [])
        return ", or ".join(kinds)


@dataclass(frozen=True, slots=True)
class Crop:
    """What a transposed convolution cuts off its whole result, before and after.

    pad's words are crops, and its numbers the padding of the convolution that it transposes.  The
    end is settled by ``extra`` (output_padding: numbers cut that much less), or by ``shape``
    (output_shape, in the forms of PerAxis); where ``adjoint``, that must be a size of which the
    convolution with these options makes x's, where ``fixed``, the size that they give without it.
    """

    pad: Pad
    extra: PerAxis | None = None
    shape: str | None = None
    shape_forms: tuple[str, ...] = ("full",)
    shape_default: Any = REQUIRED
    adjoint: bool = True
    fixed: bool = False

    def read(self, value: object, facts: Facts) -> Pairs:
        said = self.pad.said(value, facts)
        pairs = self.pad.read(value, facts)
        if not facts.out:
            extra = [0 if callable(said) else axis.extra or 0 for axis in facts.axes]
            return tuple((lo, hi - x) for (lo, hi), x in zip(pairs, extra))
        own = tuple(axis.whole - lo - hi for axis, (lo, hi) in zip(facts.axes, pairs))
        if self.fixed and own != facts.out:
            assert self.shape is not None
            must = (
                f"has spatial sizes {facts.out}; the other options give {own}, and what "
                f"{facts.title} does to make another size is not known"
            )
            raise facts.bad(self.shape, facts.given[self.shape], must)
        gives = self.gives(facts.out, pairs, facts)
        if self.adjoint and gives != facts.sizes.size:
            assert self.shape is not None
            must = (
                f"has spatial sizes {facts.out}, from which the convolution with these options "
                f"makes {gives}; it must make those of x, {facts.sizes.size}"
                f"{self.fitting(value, facts)}"
            )
            raise facts.bad(self.shape, facts.given[self.shape], must)
        axes = zip(facts.axes, facts.out, pairs)
        return tuple((lo, axis.whole - n - lo) for axis, n, (lo, _) in axes)

    def ways(self, crop: Pairs, facts: Facts) -> Iterator[dict[str, Any]]:
        """Ways to say a crop by words and numbers; lowering them tells which are right."""
        if facts.out:
            yield from self.pad.ways(crop, facts)
            yield from self.pad.ways(tuple((lo, max(hi, 0)) for lo, hi in crop), facts)
            yield from self.pad.ways(tuple((lo, lo) for lo, _ in crop), facts)
            words = {**self.pad.words, **(self.pad.by.table if self.pad.by else {})}
            first = tuple(lo for lo, _ in crop)
            for name, word in words.items():
                if callable(word) and tuple(word(a)[0] for a in facts.axes) == first:
                    option = self.pad.by.option if self.pad.by else self.pad.option
                    yield {option: name}
            yield from self._words_with_extra(crop, facts)
            return
        extra = tuple(lo - hi for lo, hi in crop)
        for none in (False, True):
            told = facts
            if self.extra:
                if none and "none" not in self.extra.accepts:
                    continue
                given = (None,) * facts.rank if none else extra
                told = replace(facts, extra=given)
            for way in self.pad.ways(crop, told):
                yield way | self._extra_option(told)
            if self.extra and not none:
                more = tuple(max(x, 0) for x in extra)
                told = replace(facts, extra=more)
                pairs = tuple((lo, hi + x) for (lo, hi), x in zip(crop, more))
                for way in self.pad.ways(pairs, told):
                    yield way | self._extra_option(told)
        if self.extra:  # uneven numbers may say what is too much for an extra
            told = replace(facts, extra=(0,) * facts.rank)
            for way in self.pad.ways(crop, told):
                yield way | self._extra_option(told)
        yield from self._words_with_extra(crop, facts)

    def _words_with_extra(self, crop: Pairs, facts: Facts) -> Iterator[dict[str, Any]]:
        """Words that read the extra themselves: any of it below the stride that makes the crop."""
        if not self.extra:
            return
        words = self.pad.by.table if self.pad.by else self.pad.words
        for name, word in words.items():
            if not callable(word):
                continue
            ends = 1 if facts.out else 2  # beside an output shape only the start counts
            extras = [
                next(
                    (
                        x
                        for x in range(axis.stride)
                        if word(replace(axis, extra=x))[:ends] == pair[:ends]
                    ),
                    None,
                )
                for axis, pair in zip(facts.axes, crop)
            ]
            if None not in extras:
                option = self.pad.by.option if self.pad.by else self.pad.option
                told = replace(facts, extra=tuple(extras))
                yield {option: name} | self._extra_option(told)

    def _extra_option(self, facts: Facts) -> dict[str, Any]:
        if not self.extra:
            return {}
        if None in facts.extra:
            return {self.extra.option: None}
        if min(x or 0 for x in facts.extra) < 0:
            return {self.extra.option: self.extra.default}
        return {self.extra.option: self.extra.write(tuple(x or 0 for x in facts.extra), facts)}

    def gives(self, out: tuple[int, ...], pairs: Pairs, facts: Facts) -> tuple[int, ...]:
        """The sizes that the convolution which this call transposes makes of ``out``."""
        axes = zip(out, pairs, facts.axes)
        spans = [(n + lo + hi - axis.extent, axis.stride) for n, (lo, hi), axis in axes]
        return tuple(v // s + 1 if v >= 0 else 0 for v, s in spans)

    def fitting(self, value: object, facts: Facts) -> str:
        """The output sizes that would do, axis by axis, as text; nothing where none would."""
        texts = []
        for i, (wanted, axis) in enumerate(zip(facts.sizes.size, facts.axes)):
            found = []
            least = max(axis.whole - 3 * axis.extent, 0)  # enough for any usual padding
            for n in range(least, min(axis.whole + axis.stride, least + 1_000)):
                out = (n,) * facts.rank
                pairs = self.pad.read(value, replace(facts, out=out))
                found += [n] * (self.gives(out, pairs, facts)[i] == wanted)
            texts += [f"{found[0]} to {found[-1]}" if found[1:] else f"{n}" for n in found[:1]]
        return f": give {' and '.join(texts)}" if len(texts) == facts.rank else ""

"""Rules: how one native option is read into the canonical record, and written back.

Each rule is a pair read(native) -> canonical and write(canonical) -> native, with the law
read(write(v)) == v; ``write`` raises CannotExpress for what the option cannot say.

``read`` and ``write`` take the call's context, and look only at what was read before them: see
``lower``.  A rule holds no state and no function of a call, so that a spec is data: two rules with
equal fields are the same rule.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import numpy as np

from uniconv._canonical.activation import Activation
from uniconv._canonical.layout import Layout, Letters, axes
from uniconv._canonical.record import Pairs, Sizes
from uniconv._messages import either, show, show_shape, suggest
from uniconv.errors import BadOption, CannotExpress
from uniconv.spec.values import LARGEST, integer, integers, largest
from uniconv.spec.words import Axis

__all__ = [
    "REQUIRED",
    "ActivationWord",
    "Border",
    "CallContext",
    "Choice",
    "Constant",
    "EachAxis",
    "ElementType",
    "FullAxes",
    "InertOption",
    "KernelShape",
    "OneZeroPoint",
    "PerAxis",
    "Rule",
    "Scalar",
    "Setting",
    "SettingOf",
    "ZeroPoint",
    "default_says",
    "full_list",
    "in_case",
    "not_one_of",
    "read_as",
    "setting",
]

Plain = TypeVar("Plain")


class _Required:
    def __repr__(self) -> str:
        return "<required>"


REQUIRED = _Required()
# The shapes in which integers per axis are given, in words.
_SHAPES = {
    "none": "None",
    "int": "an integer",
    "one": "a list of one",
    "axes": "one per spatial axis",
    "full": "one per axis of x",
    "sample": "one for the channels (idle) and each spatial axis",
}


@dataclass(slots=True)
class CallContext:
    """What is known of a call while it is read.

    ``lower`` fills the fields in, in the order in which they need each other; rules only look.
    Per-axis fields have one integer for each spatial axis, in axis order; () is "not read yet".
    pad is the padding, in a transposed function the crop.  spellings: for an option given by a
    second name, that name; per_axis_options: for an option made of several, one for each axis,
    their names.  ndim: the axes of x.
    """

    function: str
    title: str
    layout: Layout = Layout("", "", "")
    sizes: Sizes = Sizes((), 0, 0, (), ())
    stride: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    lhs_dilation: tuple[int, ...] = ()
    pad: Pairs = ()
    output_padding: tuple[int | None, ...] = ()
    output_size: tuple[int, ...] = ()
    boundary: str = "zeros"
    options: Mapping[str, Any] = field(default_factory=dict)
    spellings: Mapping[str, str] = field(default_factory=dict)
    per_axis_options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ndim: int = 0

    @property
    def rank(self) -> int:
        """The number of spatial axes; 0 before the shapes are read."""
        return len(self.sizes.size or self.sizes.kernel)

    @property
    def letters(self) -> Letters:
        """What each axis of x, w and y is."""
        return self.layout.letters(self.rank)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The spatial axes, as padding words read them."""
        fields = (
            self.sizes.kernel,
            self.dilation,
            self.stride,
            self.output_padding,
            self.output_size,
        )
        # What stands for a field that is not known: a kernel of no pixels, dilation and stride 1.
        unknown = (0, 1, 1, None, None)
        spread = self.lhs_dilation or (1,) * self.rank
        size = [(n - 1) * d + 1 if n else 0 for n, d in zip(self.sizes.size, spread)]
        entries = (f or (none,) * self.rank for f, none in zip(fields, unknown))
        return tuple(map(Axis, size, *entries))

    def gave(self, option: str, value: object) -> str:
        """An option as the user wrote it: under its second name, or as several, where so given."""
        if option in self.per_axis_options and isinstance(value, tuple):
            named = zip(self.per_axis_options[option], value)
            return ", ".join(f"{name}={show(v)}" for name, v in named)
        shape = getattr(value, "shape", ())
        if isinstance(shape, tuple) and len(shape) > 1:  # of a type it is a descriptor
            return f"{self.spellings.get(option, option)} of shape {show_shape(shape)}"
        return f"{self.spellings.get(option, option)}={show(value)}"

    def bad(self, option: str, value: object, must: str) -> BadOption:
        """The error for an option's value; must is what has to hold, as "must be at least 1"."""
        if largest(value) > LARGEST:
            must = f"is too large: such numbers are at most {LARGEST}"
        return BadOption(f"{self.function}: {self.gave(option, value)} {must}")

    def cannot(self, name: str, reason: str) -> CannotExpress:
        """The error of ``lift``: which field the function has no words for, and why."""
        return CannotExpress(self.function, name, reason)


def not_one_of(word: object, known: Iterable[object], facts: CallContext) -> str:
    """The text for a word that is not in the table, with the near miss named."""
    words = [k for k in known if k is not None]
    case = isinstance(word, str) and word.lower() in [str(w).lower() for w in words]
    listed = ", ".join(show(w) for w in words)
    note = f" ({facts.title} is case-sensitive)" if case else ""
    return f"is not one of {listed}{note}{suggest(word, words) if isinstance(word, str) else ''}"


def in_case(word: object, known: Iterable[object]) -> object:
    """A word as it is listed, in whatever case it was given: "same" as "SAME"."""
    if not isinstance(word, str):
        return word
    return next((k for k in known if isinstance(k, str) and k.lower() == word.lower()), word)


def read_as(facts: CallContext) -> str:
    """How x was read, where a list must follow its axes."""
    ndim = len(facts.letters.x)
    return f"; x read as {show(facts.layout.x)} has {ndim} axes, {facts.rank} of them spatial"


def full_list(value: tuple[int, ...], facts: CallContext) -> dict[str, int]:
    """Entries for every axis of x, by letter: [1, 2, 3, 1] on "n ... c" has s0: 2 and s1: 3."""
    return dict(zip(facts.letters.x, value))


def default_says(rule: Any, value: object, facts: CallContext) -> bool:
    """Whether an option left out means ``value`` already."""
    # A rule's default may not hold for these axes (a list of two numbers for three): it says
    # nothing.
    try:
        return rule.default is not REQUIRED and bool(rule.read(rule.default, facts) == value)
    except BadOption:  # a default that does not hold for these axes
        return False


class Rule:
    """What every rule has: the option that it reads, and what it makes of a whole call.

    option: None where no option says it.  default: what the option is when it is left out.
    """

    __slots__ = ()
    option: Any
    default: Any
    for_each_axis = False  # whether it means something for every spatial axis apart
    for_each_channel = False  # whether it may be a number for every output channel
    repeats_kernel = False  # whether it must say the sizes of w once more

    @property
    def must_be_said(self) -> str:
        """Why it has no default, for the end of a message."""
        return ""

    @property
    def samples(self) -> tuple[Any, ...]:
        """Native values to try, besides leaving it out."""
        return ()

    @property
    def takes(self) -> str:
        """What it takes, in words."""
        raise NotImplementedError

    def plainest(self, layout: Layout, rank: int) -> Any:
        """The plainest native value, where one must be given."""
        raise NotImplementedError

    def read(self, value: Any, facts: CallContext) -> Any:
        """What a native value means."""
        raise NotImplementedError

    def write(self, value: Any, facts: CallContext) -> Any:
        """A native value that means it; CannotExpress where there is none."""
        raise NotImplementedError

    def of(self, call: CallContext) -> Any:
        """What a call says, by this option."""
        return self.read(call.options[self.option], call)

    def says(self, value: Any, call: CallContext) -> dict[str, Any]:
        """The options that say it; CannotExpress where none do."""
        return {self.option: self.write(value, call)}


class Setting(Rule):
    """One meaning out of several, or the only one: a layout, a direction, what numbers mean.

    ``usual`` and ``meanings`` say what a spec can mean without a call, for pages, tests and
    searches.
    """

    __slots__ = ()
    table: Mapping[Any, Any]  # what each word means
    names_one_axis = False  # whether it is the one axis of x along which a kernel runs

    @property
    def usual(self) -> Any:
        """What it means when it is left out; None where it must be said."""
        raise NotImplementedError

    @property
    def meanings(self) -> tuple[Any, ...]:
        """All that it can mean, what it usually means first."""
        raise NotImplementedError

    @property
    def kernel_options(self) -> dict[str, Any]:
        """The options that say it of a kernel, with their defaults."""
        raise NotImplementedError

    def of_kernel(self, call: CallContext) -> Any:
        """What it means for a kernel whose x is not known."""
        return self.of(call)

    @property
    def spelled_ranks(self) -> Sequence[int]:
        """For how many spatial axes a layout can be spelled out that ``meanings`` does not list."""
        return ()

    def spelled(self, rank: int) -> tuple[Any, ...]:
        """The plainest layouts of so many spatial axes that can be spelled out."""
        return ()


@dataclass(frozen=True, slots=True)
class Constant(Setting):
    """The only meaning, which no option changes."""

    value: Any
    option = None
    default = None
    table = MappingProxyType({})

    @property
    def usual(self) -> Any:
        return self.value

    @property
    def meanings(self) -> tuple[Any, ...]:
        return (self.value,)

    @property
    def kernel_options(self) -> dict[str, Any]:
        return {}

    def of(self, call: CallContext) -> Any:
        """The value, whatever the call says."""
        return self.value

    def says(self, value: Any, call: CallContext) -> dict[str, Any]:
        """No options: the caller has checked that the value is this one."""
        return {}


class SettingOf(Generic[Plain]):
    """The type of a field that holds a Setting, and takes a plain value for a Constant.

    For the checkers alone, which read such a field's types off these methods.
    """

    def __get__(self, holder: Any, owner: Any = None) -> Setting:
        raise NotImplementedError

    def __set__(self, holder: Any, value: Setting | Plain) -> None:
        raise NotImplementedError


def setting(value: Any) -> Setting:
    """A rule as it is; any other value as the only meaning."""
    return value if isinstance(value, Setting) else Constant(value)


@dataclass(frozen=True, slots=True)
class Choice(Setting):
    """One word (or number) out of a table; the table's values are canonical.

    ``Choice("mode", {0: True, 1: False}, 0)`` reads mode=0 as True.  It writes the first word of
    the table that means the value, unless leaving the option out means it already.  any_case:
    "same" stands for "SAME", too.  tries: the words for calls that are compared bit by bit, if not
    all.
    """

    option: str
    table: Mapping[Any, Any]
    default: Any = REQUIRED
    any_case: bool = False
    tries: tuple[Any, ...] = ()

    @property
    def samples(self) -> tuple[Any, ...]:
        return self.tries or tuple(self.table)

    @property
    def takes(self) -> str:
        return ", ".join(map(show, self.table))

    def plainest(self, layout: Layout, rank: int) -> Any:
        return next(iter(self.table))

    @property
    def usual(self) -> Any:
        return None if self.default is REQUIRED else self.table[self.default]

    @property
    def meanings(self) -> tuple[Any, ...]:
        """All that it can mean, each once, the default's meaning first."""
        usual = () if self.default not in self.table else (self.usual,)
        return tuple(dict.fromkeys((*usual, *self.table.values())))

    @property
    def kernel_options(self) -> dict[str, Any]:
        return {self.option: self.default}

    def read(self, value: object, facts: CallContext) -> Any:
        # A value that cannot be a key (a list) is none of the words: TypeError.
        try:
            return self.table[in_case(value, self.table) if self.any_case else value]
        except (KeyError, TypeError):
            raise facts.bad(self.option, value, not_one_of(value, self.table, facts)) from None

    def write(self, value: object, facts: CallContext) -> Any:
        """The default where that means it, else the first word that does."""
        if default_says(self, value, facts):
            return self.default
        for word, meaning in self.table.items():
            if meaning == value:
                return word
        raise facts.cannot(self.option, f"no {self.option} means {show(value)}")


@dataclass(frozen=True, slots=True)
class ActivationWord(Choice):
    """The function that a layer ends in, by its word; or a function of ``packages``, by its name.

    numbers: the option with the slope or the bounds, where a word's meaning is made of them.
    """

    packages: tuple[str, ...] = ()
    numbers: str = ""

    @property
    def linear(self) -> Any:
        """The word with which nothing follows the sum: the default, where that is one."""
        words = (self.default, *self.table)
        return next(word for word in words if word in self.table and self.table[word] is None)

    def read(self, value: object, facts: CallContext) -> Activation | None:
        # A function of the framework (keras.activations.relu) is known by its name, and only where
        # it is one of that package: another "relu" may compute something else.
        package = getattr(value, "__module__", None) if callable(value) else None
        if package and package.partition(".")[0] in self.packages:
            value = getattr(value, "__name__", value)
        meaning = Choice.read(self, value, facts)
        if not callable(meaning):
            known: Activation | None = meaning
            return known
        factors = facts.options[self.numbers]
        try:
            activation: Activation = meaning(*map(float, factors))
        except TypeError:
            must = f"must be the numbers that {self.option}={show(value)} takes"
            raise facts.bad(self.numbers, factors, must) from None
        return activation


@dataclass(frozen=True, slots=True)
class ElementType(Choice):
    """A dtype out of a table by its name, in whatever form it is given.

    A name ("f4" and "float32"), a type (int, np.int32, jnp.int32), np.dtype, or an array that has
    it.
    """

    def read(self, value: object, facts: CallContext) -> Any:
        return Choice.read(self, self.named(value), facts)

    def named(self, value: object) -> object:
        """The name of a dtype as the table has it; the value itself where NumPy reads none."""
        if value is None or (isinstance(value, str) and value in self.table):
            return value
        own = getattr(value, "dtype", None)  # of an array; of JAX's types of elements
        value = own if isinstance(own, np.dtype) else value
        try:
            return np.dtype(value).name  # type: ignore[call-overload]
        except TypeError:
            return value


@dataclass(frozen=True, slots=True)
class EachAxis(Choice):
    """True or False for each spatial axis, in axis order; None stands for False everywhere."""

    for_each_axis = True

    def read(self, value: object, facts: CallContext) -> tuple[bool, ...]:
        if value is None:
            return (False,) * facts.rank
        entries = tuple(value) if isinstance(value, (list, tuple)) else ()
        if len(entries) != facts.rank or any(e is not True and e is not False for e in entries):
            must = f"must be None or a list of {facts.rank} of True and False, one per spatial axis"
            raise facts.bad(self.option, value, must)
        return entries

    def write(self, value: Any, facts: CallContext) -> list[bool] | None:
        """None where no axis is reversed, else one entry per axis."""
        return list(value) if any(value) else None


@dataclass(frozen=True, slots=True)
class Border(Choice):
    """What lies outside x: a word out of the table, or a number that stands there."""

    def read(self, value: object, facts: CallContext) -> Any:
        """ "constant" for a number, which ``fill`` reads; else what the word means."""
        if isinstance(value, numbers.Number) and not isinstance(value, bool):
            return "constant"
        return Choice.read(self, value, facts)


@dataclass(frozen=True, slots=True)
class PerAxis(Rule):
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

    @property
    def takes(self) -> str:
        return f"{', '.join(_SHAPES[a] for a in self.accepts)}; at least {self.least}"

    def plainest(self, layout: Layout, rank: int) -> Any:
        if self.accepts[-1] == "full":
            return [1] * len(axes(layout.x, rank))
        return 1 if "int" in self.accepts else [1] * rank

    def read(self, value: object, facts: CallContext) -> tuple[int, ...]:
        if value is None and "none" in self.accepts:
            return (self.absent,) * facts.rank
        # How to read this: ``one`` is a single integer, ``entries`` a list of them, and each is
        # None where the value is not that.  For x "n ... c" and two spatial axes, strides 2 and 3
        # are [2, 3] in the shape "axes", [1, 2, 3, 1] in "full", [2, 3, 1] in "sample".  The
        # lengths differ (rank, rank + 2, rank + 1), so that a list is of one shape only; where rank
        # is 1, "one" and "axes" are the same.  What remains are as many entries as spatial axes, in
        # axis order.
        one, entries = integer(value), integers(value)
        if one is not None and "int" in self.accepts:
            entries = (one,) * facts.rank
        elif entries is None or one is not None or len(entries) not in self.lengths(facts):
            near = self.near(value, entries, facts)
            raise facts.bad(self.option, value, f"must be {self.describe(facts)}{near}")
        elif len(entries) == 1 and "one" in self.accepts:
            entries *= facts.rank
        # The channels' entry is idle: it may be any number (CNTK).
        elif len(entries) == facts.rank + 1 and "sample" in self.accepts:
            letters = [a for a in facts.letters.x if a != "n"]
            entries = tuple(entries[letters.index(f"s{i}")] for i in range(facts.rank))
        elif len(entries) == len(facts.letters.x) and "full" in self.accepts:
            named = full_list(entries, facts)
            if any(named[a] != 1 for a in named if a in "nc"):
                must = f"read as {show(facts.layout.x)} must be 1 on the batch and channel axes"
                raise facts.bad(self.option, value, must)
            entries = tuple(named[f"s{i}"] for i in range(facts.rank))
        if min(entries, default=self.least) < self.least:
            everywhere = " on every axis" if one is None else ""
            raise facts.bad(self.option, value, f"must be at least {self.least}{everywhere}")
        return entries

    def near(self, value: object, entries: Sequence[int] | None, facts: CallContext) -> str:
        """What is like a value that is none: digits without quotes, the spatial entries alone."""
        if isinstance(value, str) and value.strip().isdigit() and "int" in self.accepts:
            return f": did you mean {self.option}={int(value)}?"
        if entries and facts.rank < len(entries) and "axes" in self.accepts:
            spatial = f"{self.option}={list(entries[-facts.rank :])}"
            return f": for {facts.rank} spatial axes {spatial} would do"
        return ""

    def write(self, value: tuple[int, ...], facts: CallContext) -> Any:
        """The default where that says it, else the shortest shape that the option takes.

        Raises:
            CannotExpress: the axes differ, and it takes one integer only.
        """
        if default_says(self, value, facts):
            return self.default
        if "int" in self.accepts and len(set(value)) == 1:
            return value[0]
        # "sample" and "one" are only read: who takes them (CNTK) takes one per axis, too.
        if "axes" in self.accepts:
            return value
        if "full" in self.accepts:
            named = {f"s{i}": v for i, v in enumerate(value)}
            return [named.get(a, 1) for a in facts.letters.x]
        raise facts.cannot(self.option, f"one {self.option} serves all axes, not {value}")

    def lengths(self, facts: CallContext) -> list[int]:
        """How many entries a list may have, in increasing order."""
        sizes = {"one": 1, "axes": facts.rank, "sample": facts.rank + 1}
        sizes["full"] = len(facts.letters.x)
        return sorted({n for kind, n in sizes.items() if kind in self.accepts})

    def describe(self, facts: CallContext) -> str:
        """The same in words, for messages: "an integer or a list of 1, 2 or 4 integers"."""
        lengths = self.lengths(facts)
        kinds = ["None"] if self.default is None else []
        kinds += ["an integer"] if "int" in self.accepts else []
        if lengths:
            kinds.append(f"a list of {either(lengths)} integer{'' if lengths == [1] else 's'}")
        return either(kinds)


@dataclass(frozen=True, slots=True)
class Scalar(Rule):
    """A number that scales the result; with ``or_none`` None stands for the default."""

    option: str
    default: Any = 1
    or_none: bool = False
    takes = "a number"

    def read(self, value: object, facts: CallContext) -> Any:
        """The number as it was given; BadOption for True, False and whatever is no number."""
        if value is None and self.or_none:
            return self.default
        if isinstance(value, bool) or not isinstance(value, numbers.Number):
            raise facts.bad(self.option, value, "must be a number")
        return value

    def write(self, value: object, facts: CallContext) -> Any:
        return value


@dataclass(frozen=True, slots=True)
class OneZeroPoint(Scalar):
    """What is taken off x: a number, or a list of one."""

    def read(self, value: object, facts: CallContext) -> Any:
        entries = integers(value)
        return Scalar.read(self, entries[0] if entries and len(entries) == 1 else value, facts)


@dataclass(frozen=True, slots=True)
class ZeroPoint(Scalar):
    """What is taken off a kernel: a number, or a list of one for each output channel.

    read gives such a list as nested tuples that broadcast against a kernel of "o i ...".
    """

    for_each_channel = True

    def read(self, value: object, facts: CallContext) -> Any:
        if value is None or isinstance(value, numbers.Number):
            return Scalar.read(self, value, facts)
        entries, count = integers(value), facts.sizes.o
        if entries is None or len(entries) not in (1, count):
            must = f"must be a number or a list of {either(sorted({1, count}))} integers"
            raise facts.bad(self.option, value, f"{must}, one per output channel")
        if len(entries) == 1:
            return entries[0]
        inner = len(facts.letters.w) - 1
        return tuple(_nested(entry, inner) for entry in entries)

    def write(self, value: Any, facts: CallContext) -> Any:
        """One number, or the list of numbers that the nested tuples hold."""
        return [_innermost(v) for v in value] if isinstance(value, tuple) else value


def _nested(entry: int, depth: int) -> Any:
    """A number in so many tuples of one: ``_nested(5, 2)`` is ((5,),)."""
    return (_nested(entry, depth - 1),) if depth else entry


def _innermost(value: Any) -> Any:
    """The number inside; the inverse of ``_nested``."""
    return _innermost(value[0]) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class InertOption(Rule):
    """An option that is known but does not act here: any value if ``inert``, else its default.

    sample: a value other than the default, for tests.  only: the one value that must be said, where
    the framework's default acts.  texts: those that it may be, where the framework checks them.
    what: what is given there, where it is no matter of indifference and is read elsewhere.
    """

    option: str
    default: Any = None
    reason: str = ""
    inert: bool = False
    sample: Any = "probe"
    only: Any = None
    texts: tuple[str, ...] = ()
    what: str = "any value; changes no number"

    def __post_init__(self) -> None:
        if self.only is not None:
            object.__setattr__(self, "default", REQUIRED)

    @property
    def samples(self) -> tuple[Any, ...]:
        free = self.inert and self.taken is None
        return (self.sample if free else self.taken,)

    @property
    def takes(self) -> str:
        only = "its default" if self.only is None else show(self.only)
        return self.what if self.inert else f"only {only}: {self.reason}"

    def plainest(self, layout: Layout, rank: int) -> Any:
        return self.taken

    @property
    def must_be_said(self) -> str:
        return "" if self.only is None else f"; {self.must}"

    @property
    def taken(self) -> Any:
        """The one value that is taken where not every value is."""
        return self.default if self.only is None else self.only

    @property
    def must(self) -> str:
        """What has to hold, for messages, with the reason."""
        return f"must {'stay' if self.only is None else 'be'} {show(self.taken)}: {self.reason}"

    def read(self, value: object, facts: CallContext) -> None:
        taken = self.taken
        # Compared by identity first, so that 0 does not pass for False, nor 1.0 for 1; texts and
        # lists have no identity to rely on and are compared by value, but with the same type.
        alike = isinstance(value, (str, list, tuple)) and type(value) is type(taken)
        if not self.inert and not (value is taken or (alike and value == taken)):
            raise facts.bad(self.option, value, self.must)
        if self.texts and isinstance(value, str) and value not in self.texts:
            raise facts.bad(self.option, value, not_one_of(value, self.texts, facts))

    def write(self, value: None, facts: CallContext) -> Any:
        return self.taken


@dataclass(frozen=True, slots=True)
class FullAxes(Rule):
    """The axes along which is convolved, None for all; along the others the kernel has size 1."""

    option: str
    default: Any = None
    takes = "None, or axes of x: along the others w has size 1"
    samples = (None,)

    def plainest(self, layout: Layout, rank: int) -> Any:
        return None

    def read(self, value: object, facts: CallContext) -> None:
        """BadOption for what are no axes, each once, or where w is larger along another one."""
        if value is None:
            return
        one, rank = integer(value), facts.rank
        entries = (one,) if one is not None else integers(value)
        inside = entries and all(-rank <= a < rank for a in entries)
        if not inside or len({a % rank for a in entries or ()}) < len(entries or ()):
            must = f"must be None or axes of x, each once, from {-rank} to {rank - 1}"
            raise facts.bad(self.option, value, must)
        chosen = {a % rank for a in entries or ()}
        for axis, taps in enumerate(facts.sizes.kernel):
            if axis not in chosen and taps != 1:
                must = (
                    f"leaves axis {axis} out, along which w has {taps} kernels, one for each entry "
                    "of x; uniconv takes one kernel for all: w of size 1 there"
                )
                raise facts.bad(self.option, value, must)

    def write(self, value: None, facts: CallContext) -> Any:
        return self.default


@dataclass(frozen=True, slots=True)
class KernelShape(Rule):
    """The spatial sizes of w once more: an option that must agree with the array."""

    option: str
    default: Any = None
    repeats_kernel = True
    samples = ("kernel",)
    takes = "the spatial sizes of w"

    def plainest(self, layout: Layout, rank: int) -> Any:
        return [3, *[1] * (rank - 1)]

    def read(self, value: object, facts: CallContext) -> None:
        """None is right where it may be left out; BadOption for other sizes than w has."""
        entries = None if value is None else integers(value)
        if value is None and self.default is REQUIRED:
            raise facts.bad(self.option, value, "must be the sizes of w")
        if value is not None and entries != facts.sizes.kernel:
            raise facts.bad(self.option, value, f"must be the sizes of w, {facts.sizes.kernel}")

    def write(self, value: None, facts: CallContext) -> Any:
        """The sizes of w where they must be said, else the default."""
        return facts.sizes.kernel if self.default is REQUIRED else self.default

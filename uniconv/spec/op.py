"""Op: one framework function as data; every option is a rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from uniconv._canonical.layout import EVERY_RANK, Layout
from uniconv._messages import show, suggest
from uniconv.spec.constructor_words import Restated
from uniconv.spec.groups import BY_CHANNELS, Count, Groups
from uniconv.spec.padding import Crop, Pad, Padding
from uniconv.spec.refusals import Refusal
from uniconv.spec.rules import (
    REQUIRED,
    ActivationWord,
    Choice,
    FullAxes,
    InertOption,
    KernelShape,
    PerAxis,
    Rule,
    Scalar,
    SettingOf,
    setting,
)

__all__ = [
    "COMPLEX",
    "FLOATS",
    "INTEGERS",
    "KINDS",
    "NUMPY_INTEGERS",
    "Follows",
    "Op",
    "OptionPerAxis",
]

KINDS = ("conv", "conv_transpose", "depthwise_conv", "separable_conv")

FLOATS = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("int8", "uint8", "int16", "int32", "int64")
NUMPY_INTEGERS = ("bool", *INTEGERS, "uint16", "uint32", "uint64")
COMPLEX = ("complex64", "complex128")


@dataclass(frozen=True, slots=True)
class Follows:
    """The default of an option that takes the value of another one."""

    option: str

    def __repr__(self) -> str:
        return f"<{self.option}>"


@dataclass(frozen=True, slots=True)
class OptionPerAxis:
    """Several native options, one per spatial axis, that make the value of one rule.

    A name left out has the value of the name that it follows, else the default.  whole: the rule's
    own name is an option, too, for all axes at once, and is not taken beside these.
    """

    names: tuple[str, ...]
    default: Any = REQUIRED
    follows: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False

    def value(self, name: str, options: Mapping[str, Any]) -> Any:
        """The value of one of the names."""
        # A name left out asks the one that it follows, and that one the next.
        while name not in options and name in self.follows:
            name = self.follows[name]
        return options.get(name, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One native function: its layouts, its options as rules, what it refuses, its source.

    Most functions need the first group and a few fields of each other one; what is left out is what
    most frameworks do.

    The function.  params: the native parameter list, in order; "x:input" says that ``input`` is x,
    a bare word is an option, "*" starts the keyword-only part.

    Arrays.  batch: fewest and most batch axes of x; drops_single: whether a batch of one is taken
    off: y of x (H, W, 1) is (H, W).  square: whether a kernel has one size for all its axes.
    bias: "o" where it has one number per channel, "y" where it has y's axes.  pointwise: the
    pattern of a separable_conv's 1x1 kernel; pointwise_groups: whether that may have fewer input
    channels than the depthwise result has.  outer_product: where the kernel is the product of two
    vectors, the letters of w and of p (kernels of a separable_conv without channels).
    empty_output: whether an output without elements is "kept", "kept unless negative" or "refused".
    reads_lists: whether x and w may be nested lists and numbers, as NumPy reads them.  output: the
    option that may be an array which y is written into.  vectors: which arrays may be rows or
    columns, of two axes: "kernels", or "both" x and w; "row" where a w of one axis is a row;
    "numbers" where an array without axes is a vector of one number.  mask: the option that may be
    an array of the kernel's shape, by which it is multiplied first.

    The sum.  lhs_dilation: spreads x in a plain convolution.  fill: what stands outside x where the
    boundary is constant.  conjugates: whether a complex kernel is conjugated.

    Around the sum.  zero_points: what is subtracted from x and w first.  addend: the name of an
    array that is added, and its factor; shift: a number added to every pixel of y.

    Dtypes.  integer_ranks: for how many spatial axes integers are taken, where dtypes has any;
    vector_dtypes: what is taken, too, where there is one spatial axis.  converted: for an array's
    role those that it may have beside another one, where what both become is among dtypes;
    longer_first: of two vectors the longer is x there.
    mixed_dtypes: whether arrays may differ in dtype: True computes in the widest, "w" in that of w,
    "numpy" in what NumPy promotes them to, "x" too, and gives y the dtype of x; "inexact",
    "float32", "fft" and "single" make floats of integers (``promotion.py``); "depth" as ``depths``.
    result: the dtype of y where it is not that of x; result_option: what says it in the call.  x
    and w are made of that dtype first.  depths: for each dtype of x those that y may have.  Where
    mixed_dtypes is "depth", w is converted and sums are rounded to integers (image filters);
    halves: which way a half goes, "even", or "away" from zero.

    Spelling.  aliases: second names of options.  per_axis_options: the rules whose value comes from
    several native options.  constructor_words: arguments that say once more what the arrays say;
    they are keywords, and checked.  inert_options: those that change no number of y.
    text_lists: where options may be texts of what they say, those that are lists.

    Refusals.  warnings: like refusals, for what is computed as wrongly as the framework does.

    Made.  title, family: how messages call the framework, and its family name; its Framework says
    both.  rules: every rule by the option that it reads, made of the fields above.
    """

    name: str = field(kw_only=False)
    kind: str
    params: str
    source: str
    notes: tuple[str, ...] = ()

    # Arrays
    layout: SettingOf[Layout] = REQUIRED  # type: ignore[assignment]
    batch: tuple[int, int] = (1, 1)
    drops_single: bool = False
    square: bool = False
    bias: str = "o"
    pointwise: str | None = None
    pointwise_groups: bool = True
    outer_product: tuple[str, str] | None = None
    reads_lists: bool = False
    vectors: str = ""
    output: str = ""
    mask: str = ""
    empty_output: str = "kept"

    # The sum
    stride: PerAxis | None
    dilation: PerAxis | None
    lhs_dilation: PerAxis | None = None
    pad: Padding
    boundary: Choice | None = None
    fill: Scalar | None = None
    groups: Groups = BY_CHANNELS
    batch_groups: Count | None = None
    reverse: SettingOf[bool] = False  # type: ignore[assignment]
    conjugates: bool = False

    # Around the sum
    zero_points: tuple[Scalar, Scalar] | None = None
    scale: Scalar | None = None
    addend: tuple[str, Scalar] | None = None
    shift: Scalar | None = None
    activation: ActivationWord | None = None

    # Dtypes
    dtypes: tuple[str, ...] = FLOATS
    integer_ranks: Sequence[int] = EVERY_RANK
    vector_dtypes: tuple[str, ...] = ()
    longer_first: bool = False
    converted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mixed_dtypes: bool | str = False
    result: str | None = None
    result_option: Choice | None = None
    depths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    halves: str = "even"

    # Spelling
    aliases: Mapping[str, str] = field(default_factory=dict)
    per_axis_options: Mapping[str, OptionPerAxis] = field(default_factory=dict)
    constructor_words: Mapping[str, Restated] = field(default_factory=dict)
    inert_options: tuple[InertOption | KernelShape | FullAxes | Choice, ...] = ()
    text_lists: tuple[str, ...] = ()

    # Refusals
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[Refusal, ...] = ()

    # Made
    title: str = ""
    family: str = ""
    rules: Mapping[str, Rule] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.layout is REQUIRED:  # type: ignore[comparison-overlap]
            raise TypeError(f"spec {self.name}: a layout is missing")
        for name in ("layout", "reverse"):
            object.__setattr__(self, name, setting(getattr(self, name)))
        crop, pad = self.crop, self.padding
        parts: list[Any] = [self.layout, self.stride, self.dilation, self.lhs_dilation]
        parts += [
            self.groups,
            self.batch_groups,
            self.reverse,
            pad,
            pad.word_option,
            pad.reading,
            crop.output_padding if crop else None,
        ]
        parts += [self.boundary, self.fill, self.scale, self.addend[1] if self.addend else None]
        parts += [self.activation, self.shift, *(self.zero_points or ())]
        parts += [self.result_option]
        # The first rule of an option stands for it: two may share one, as MATLAB's imfilter says
        # a border's word or a constant's value in one argument; messages speak of the first.
        rules: dict[str, Rule] = {}
        for rule in (*parts, *self.inert_options):
            if rule is not None and rule.option is not None:
                rules.setdefault(rule.option, rule)
        if crop and crop.shape:
            rules[crop.shape] = InertOption(
                crop.shape, crop.shape_default, inert=True, what=crop.shape_words
            )
        object.__setattr__(self, "rules", rules)
        self._check()

    def _check(self) -> None:
        """A spec that contradicts itself fails when it is built, not when it is called."""
        # ``names`` are the options that the signature has, ``known`` those that something reads:
        # they must be the same sets, so that no option is silently ignored and none is invented.
        names = {p.split(":")[-1] for p in self.params.split() if ":" not in p and p != "*"}
        arrays = {self.addend[0]} if self.addend else set()
        parted = {name for name, several in self.per_axis_options.items() if not several.whole}
        known = (set(self.rules) - parted) | set(self.aliases) | arrays
        known -= {""}  # a padding that no option says
        known |= {name for several in self.per_axis_options.values() for name in several.names}
        known |= names & set(self.constructor_words)
        problems = {
            f"unknown kind {self.kind}": self.kind in KINDS,
            "a source is missing": bool(self.source),
            f"params name {_listed(names - known)}, which no rule reads; its rules read "
            f"{_listed(known)}": names <= known,
            f"params leave out {_listed(known - names)}, which its rules read": known <= names,
            "x without a batch axis has batch (0, 0)": (
                self.batch == (0, 0) or all("n" in at.x.split() for at in self.layouts)
            ),
            "a transposed op has a Crop, others a Pad": (
                (self.kind == "conv_transpose") == bool(self.crop)
            ),
            "a separable op has a second kernel": (
                (self.kind == "separable_conv") == bool(self.pointwise or self.outer_product)
            ),
        }
        for problem, fine in problems.items():
            if not fine:
                raise TypeError(f"spec {self.name}: {problem}")
        for part, option, own in self._named():
            if option not in own:
                raise TypeError(
                    f"spec {self.name}: {part} names the option {show(option)}, which it does not "
                    f"have{suggest(option, own) or f'; it has {_listed(own)}'}"
                )

    def _named(self) -> Iterator[tuple[str, str, Iterable[str]]]:
        """Every option that a part of the spec names: the part, the option, those there are."""
        # Names of options are plain strings in a spec, so that a misspelled one is found here.
        rules = set(self.rules) - {""}
        for refusal in (*self.refusals, *self.warnings):
            part = f"the refusal {refusal.when.__name__}"
            yield from ((part, o, rules) for o in (*refusal.options, *refusal.reads))
        yield from ((f"the alias {alias}", o, rules) for alias, o in self.aliases.items())
        for rule in self.rules.values():
            part = f"the rule of {rule.option}"
            yield from ((part, o, rules) for o in getattr(rule, "beside", ()))
        for option, several in self.per_axis_options.items():
            yield "per_axis_options", option, rules
            part = f"per_axis_options of {option}"
            for pair in several.follows.items():
                yield from ((part, o, several.names) for o in pair)

    def default(self, option: str) -> Any:
        """What a native option means when it is left out; the option that it follows, as text."""
        for several in self.per_axis_options.values():
            if option in several.names:
                follows = several.follows.get(option)
                return Follows(follows) if follows else several.default
        return self.rules[option].default if option in self.rules else None

    @property
    def padding(self) -> Pad:
        """How words and numbers of padding are read, in a transposed function, too."""
        return self.pad.padding

    @property
    def crop(self) -> Crop | None:
        """What a transposed function cuts off its whole result; None for the others."""
        return self.pad.crop

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """Every layout of the function, its default first."""
        return self.layout.meanings

    def dtypes_of(self, rank: int) -> tuple[str, ...]:
        """The dtypes taken for so many spatial axes."""
        integers = rank in self.integer_ranks
        taken = tuple(d for d in self.dtypes if integers or d not in NUMPY_INTEGERS)
        return (*taken, *self.vector_dtypes) if rank == 1 else taken

    @property
    def ranks(self) -> tuple[int, ...]:
        """The numbers of spatial axes that its layouts hold, in increasing order."""
        held = self.layout.spelled_ranks
        return tuple(sorted({r for layout in self.layouts for r in layout.ranks}.union(held)))

    def layouts_of(self, rank: int) -> tuple[Layout, ...]:
        """Its layouts with so many spatial axes, the usual ones where it may spell any."""
        listed = tuple(at for at in self.layouts if rank in at.ranks)
        return listed or self.layout.spelled(rank)

    def array_names(self, role: str) -> tuple[str, ...]:
        """The native names of x, w, p (pointwise kernel) or bias."""
        return tuple(p.split(":")[1] for p in self.params.split() if p.startswith(role + ":"))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))

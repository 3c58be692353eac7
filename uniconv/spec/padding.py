"""Padding rules: what lies around x, and what a transposed convolution cuts off.

Numbers are pixels, one pair (before, after) for each spatial axis, in axis order.  Reading is a
function; writing is a search: several options together say one padding (a word, numbers, what the
numbers mean, output_padding, output_shape), and frameworks differ in which of them count beside
each other.  So ``ways`` offers candidates, the plainest first, and ``lift`` lowers each of them
again: a candidate that means something else costs time, never a wrong answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from uniconv._canonical.layout import Layout
from uniconv._canonical.record import Pairs
from uniconv._messages import show
from uniconv.spec.forms import Form
from uniconv.spec.rules import (
    REQUIRED,
    CallContext,
    Choice,
    PerAxis,
    Rule,
    SettingOf,
    default_says,
    in_case,
    not_one_of,
    read_as,
    setting,
)
from uniconv.spec.values import integer, not_negative
from uniconv.spec.words import AS_IS, NumbersMean, Word

__all__ = ["Crop", "Pad", "Padding"]


class Padding(Rule):
    """What a function does at the edges of x."""

    __slots__ = ()

    @property
    def padding(self) -> Pad:
        """The rule that reads words and numbers."""
        raise NotImplementedError

    @property
    def crop(self) -> Crop | None:
        """What is cut off a transposed result; None where nothing is transposed."""
        return None


@dataclass(frozen=True, slots=True)
class Pad(Padding):
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
    word_option: Choice | None = None
    numbers_beside_word: str = "refused"
    reading: SettingOf[NumbersMean] = AS_IS  # type: ignore[assignment]
    any_case: bool = False
    borders: Mapping[str, str] = field(default_factory=dict)
    undilated: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "reading", setting(self.reading))

    @property
    def padding(self) -> Pad:
        return self

    @property
    def beside(self) -> tuple[str, ...]:
        """Further options that its words ask."""
        return tuple(word.option for word in self.words.values() if isinstance(word, Choice))

    def named_words(self) -> Iterator[tuple[Any, tuple[Any, ...]]]:
        """Every word by its name, in whichever option; all that it can mean, the usual first."""
        for table in (self.words, self.word_option.table if self.word_option else {}):
            for name, word in table.items():
                yield name, word.meanings if isinstance(word, Choice) else (word,)

    def dilates(self, value: object) -> bool:
        """Whether the dilation counts beside this padding."""
        word = in_case(value, self.words) if self.any_case else value
        return not (isinstance(word, str) and word in self.undilated)

    def border(self, value: object) -> str:
        """What lies outside x beside this padding."""
        return self.borders.get(value, "zeros") if isinstance(value, str) else "zeros"

    def read(self, value: object, facts: CallContext) -> Pairs:
        word = self.word_or_numbers(value, facts)
        # A word is asked for each axis; numbers mean what ``reading`` says: the padding itself, or
        # the padding of the whole result (FROM_FULL).
        if callable(word):
            return tuple(map(word, facts.axes))
        return tuple(map(self.meaning(facts).read, facts.axes, word))

    def word_or_numbers(self, value: object, facts: CallContext) -> Word | Pairs:
        """The word, or the numbers as they are written.

        How to read it: the word may stand in an option of its own (auto_pad="SAME_UPPER" beside
        pads=...), beside which numbers are refused or ignored; else in this one.  What is no word
        is read by the form; None is no padding where it is the default.

        Raises:
            BadOption: an unknown word, numbers beside a word, or a value that the form cannot read.
        """
        word = (
            self.word_option.read(facts.options[self.word_option.option], facts)
            if self.word_option
            else None
        )
        if word is not None and self.word_option:
            if self.numbers_beside_word == "refused" and value != self.default:
                beside = facts.gave(self.word_option.option, facts.options[self.word_option.option])
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
            raise facts.bad(self.option, value, self._must(value, facts))
        return pairs

    def _must(self, value: object, facts: CallContext) -> str:
        """What must hold of numbers that the form cannot read."""
        counted = self.form is not None and isinstance(value, (list, tuple))
        if self.form and (counted or integer(value) is not None):
            raised = self.form.read(not_negative(value), facts.layout.x, facts.rank)
            if raised is not None:
                return "must have no negative number" if counted else "must not be negative"
        return f"must be {self.describe()}{read_as(facts) if counted else ''}"

    def _word(self, value: Any, facts: CallContext) -> Word:
        """The function of a word; that of another option's value where it has a say in it."""
        word = self.words[value]
        if isinstance(word, Choice):
            word = word.read(facts.options[word.option], facts)
        return word

    def _is_word(self, value: object) -> bool:
        """Whether a value is meant as a word: any string, and whatever else the table has."""
        if hasattr(value, "__float__") and integer(value) is None:
            return False  # True and 1.0 are equal to a word 1, and none
        try:
            return bool(self.words) and (isinstance(value, str) or value in self.words)
        except (TypeError, ValueError):  # a list, an array
            return False

    def meaning(self, facts: CallContext) -> NumbersMean:
        """What numbers mean in this call."""
        return self.reading.of(facts)  # type: ignore[no-any-return]

    def write(self, pairs: Pairs, facts: CallContext) -> Any:
        for way in self.ways(pairs, facts):
            return way[self.option]
        raise facts.cannot("pad", f"{self.option} takes {self.describe()}, not {pairs}")

    def ways(self, pairs: Pairs, facts: CallContext) -> Iterator[dict[str, Any]]:
        """Every way to say it, as options: left out, in a word, in numbers."""
        # How to read this: for each setting of the options beside this one, three ways are offered
        # in order, the option left out, every word that gives these pairs on these axes, and
        # numbers.  A word that names a border counts only where the call has that border.
        for aside in self._asides():
            context = replace(facts, options={**facts.options, **aside})
            if default_says(self, pairs, context):
                yield {**aside, self.option: self.default}
            if (
                self.word_option
                and self.word_option.table[aside[self.word_option.option]] is not None
            ):
                continue  # beside a word, numbers say nothing
            for word in self.words:
                if word in self.borders and self.borders[word] != facts.boundary:
                    continue
                if tuple(map(self._word(word, context), context.axes)) == pairs:
                    yield {**aside, self.option: word}
            if self.form:
                numbers = tuple(map(self.meaning(context).write, context.axes, pairs))
                value = self.form.write(numbers, context.layout.x)
                if value is not None:
                    yield {**aside, self.option: value}

    def _asides(self) -> Iterator[dict[str, Any]]:
        """What the options beside this one can say, their defaults first."""
        rules = [r for r in (self.word_option, self.reading) if r is not None and r.option]
        words = (
            [w for w in dict.fromkeys([r.default, *r.table]) if w is not REQUIRED] for r in rules
        )
        for chosen in product(*words):
            yield {rule.option: word for rule, word in zip(rules, chosen)}

    @property
    def takes(self) -> str:
        return self.describe()

    def plainest(self, layout: Layout, rank: int) -> Any:
        if "VALID" in self.words or self.form is None:
            return "VALID"
        return self.form.write(((0, 0),) * rank, layout.x)

    def describe(self) -> str:
        words = ", ".join(show(w) for w in self.words)
        kinds = [f"one of {words}"] if words else []
        kinds += [self.form.describe] if self.form else []
        return ", or ".join(kinds)


@dataclass(frozen=True, slots=True)
class Crop(Padding):
    """What a transposed convolution cuts off its whole result, before and after.

    pad's words are crops, and its numbers the padding of the convolution that it transposes.  The
    end is settled by ``output_padding`` (numbers cut that much less), or by the option ``shape``
    (output_shape, in the forms of PerAxis); where ``adjoint``, that must be a size of which the
    convolution with these options makes x's, where ``fixed``, the size that they give without it.
    idle: whether the entries for batch and channels may be any numbers; zeros_unsaid: whether zeros
    say no shape; unknown: whether None may stand for the batch and the channels.

    3 pixels, stride 2 and kernel 3 make a whole of (3 - 1) * 2 + 3 = 7.  Of the sizes that a
    convolution with stride 2 and "SAME" makes 3 of, 5 and 6, an output_shape of 5 means the crop
    (1, 1), and one of 6 the crop (0, 1).
    """

    pad: Pad
    output_padding: PerAxis | None = None
    shape: str | None = None
    shape_forms: tuple[str, ...] = ("full",)
    shape_default: Any = REQUIRED
    adjoint: bool = True
    fixed: bool = False
    idle: bool = False
    zeros_unsaid: bool = False
    unknown: bool = False

    @property
    def shape_words(self) -> str:
        """What the shape of y is given as, for pages and messages."""
        without = " without its batch" if "sample" in self.shape_forms else ""
        spatial = " or its spatial sizes" if "axes" in self.shape_forms else ""
        return f"the shape of y{without}{spatial}"

    @property
    def padding(self) -> Pad:
        return self.pad

    @property
    def crop(self) -> Crop:
        return self

    def read(self, value: object, facts: CallContext) -> Pairs:
        word = self.pad.word_or_numbers(value, facts)
        pairs = self.pad.read(value, facts)
        # A word has read output_padding already, where it counts; numbers have not.
        if not facts.output_size:
            extra = [0 if callable(word) else axis.output_padding or 0 for axis in facts.axes]
            return tuple((lo, hi - x) for (lo, hi), x in zip(pairs, extra))
        # With an output shape only the start of the crop is taken from words and numbers; the end
        # is what is then left over.  First the shape is checked, in the way that the framework
        # does.
        own = tuple(axis.whole - lo - hi for axis, (lo, hi) in zip(facts.axes, pairs))
        if self.fixed and own != facts.output_size:
            assert self.shape is not None
            must = (
                f"has spatial sizes {facts.output_size}; the other options give {own}, and what "
                f"{facts.title} does to make another size is not known"
            )
            raise facts.bad(self.shape, facts.options[self.shape], must)
        gives = self.gives(facts.output_size, pairs, facts)
        if self.adjoint and gives != facts.sizes.size:
            assert self.shape is not None
            must = (
                f"has spatial sizes {facts.output_size}, from which the convolution with these "
                f"options makes {gives}; it must make those of x, {facts.sizes.size}"
                f"{self.fitting(value, facts)}"
            )
            raise facts.bad(self.shape, facts.options[self.shape], must)
        # Of no pixel at all, the spread input is 0 long, not 1 - stride.
        wholes = (axis.whole if axis.size else axis.extent - 1 for axis in facts.axes)
        axes = zip(wholes, facts.output_size, pairs)
        return tuple((lo, whole - n - lo) for whole, n, (lo, _) in axes)

    def ways(self, crop: Pairs, facts: CallContext) -> Iterator[dict[str, Any]]:
        """Ways to say a crop by words and numbers; lowering them tells which are right."""
        # How to read this.  Beside an output shape the end of the crop follows, and only its start
        # must be right: the pairs as they are, an end that cuts nothing less than nothing, as much
        # after as before; then words that start so.  Without one, a crop is said in two parts, what
        # the padding cuts and what output_padding gives back at the end: (1, 0) is padding 1, which
        # cuts (1, 1), and output_padding 1, which is lo - hi.  Words read output_padding
        # themselves, so they are asked in a context that has it, or has None where it may be left
        # unsaid; to numbers it is added.
        if facts.output_size:
            yield from self.pad.ways(crop, facts)
            yield from self.pad.ways(tuple((lo, max(hi, 0)) for lo, hi in crop), facts)
            yield from self.pad.ways(tuple((lo, lo) for lo, _ in crop), facts)
            words = {
                **self.pad.words,
                **(self.pad.word_option.table if self.pad.word_option else {}),
            }
            first = tuple(lo for lo, _ in crop)
            for name, word in words.items():
                if callable(word) and tuple(word(a)[0] for a in facts.axes) == first:
                    option = (
                        self.pad.word_option.option if self.pad.word_option else self.pad.option
                    )
                    yield {option: name}
            yield from self._words_with_extra(crop, facts)
            return
        extra = tuple(lo - hi for lo, hi in crop)
        for none in (False, True):
            context = facts
            if self.output_padding:
                if none and "none" not in self.output_padding.accepts:
                    continue
                extras = (None,) * facts.rank if none else extra
                context = replace(facts, output_padding=extras)
            for way in self.pad.ways(crop, context):
                yield way | self._extra_option(context)
            if self.output_padding and not none:
                more = tuple(max(x, 0) for x in extra)
                context = replace(facts, output_padding=more)
                pairs = tuple((lo, hi + x) for (lo, hi), x in zip(crop, more))
                for way in self.pad.ways(pairs, context):
                    yield way | self._extra_option(context)
        if self.output_padding:  # uneven numbers may say what is too much for an extra
            context = replace(facts, output_padding=(0,) * facts.rank)
            for way in self.pad.ways(crop, context):
                yield way | self._extra_option(context)
        yield from self._words_with_extra(crop, facts)

    def _words_with_extra(self, crop: Pairs, facts: CallContext) -> Iterator[dict[str, Any]]:
        """Words that read the extra themselves: any of it below the stride that makes the crop."""
        if not self.output_padding:
            return
        words = self.pad.word_option.table if self.pad.word_option else self.pad.words
        for name, word in words.items():
            if not callable(word):
                continue
            ends = 1 if facts.output_size else 2  # beside an output shape only the start counts
            extras = [
                next(
                    (
                        x
                        for x in range(axis.stride)
                        if word(replace(axis, output_padding=x))[:ends] == pair[:ends]
                    ),
                    None,
                )
                for axis, pair in zip(facts.axes, crop)
            ]
            if None not in extras:
                option = self.pad.word_option.option if self.pad.word_option else self.pad.option
                context = replace(facts, output_padding=tuple(extras))
                yield {option: name} | self._extra_option(context)

    def _extra_option(self, facts: CallContext) -> dict[str, Any]:
        """output_padding as the context has it, as an option; nothing where the function has none.

        None says None; a negative one cannot be said, and the default stands for it: ``lift`` sees
        it.
        """
        if not self.output_padding:
            return {}
        if None in facts.output_padding:
            return {self.output_padding.option: None}
        if min(x or 0 for x in facts.output_padding) < 0:
            return {self.output_padding.option: self.output_padding.default}
        return {
            self.output_padding.option: self.output_padding.write(
                tuple(x or 0 for x in facts.output_padding), facts
            )
        }

    def gives(self, out: tuple[int, ...], pairs: Pairs, facts: CallContext) -> tuple[int, ...]:
        """The sizes that the convolution which this call transposes makes of ``out``."""
        # The output size of a convolution, floor((n + lo + hi - extent) / stride) + 1, of the size
        # out.
        axes = zip(out, pairs, facts.axes)
        spans = [(n + lo + hi - axis.extent, axis.stride) for n, (lo, hi), axis in axes]
        return tuple(v // s + 1 if v >= 0 else 0 for v, s in spans)

    def fitting(self, value: object, facts: CallContext) -> str:
        """The output sizes that would do, axis by axis, as text; nothing where none would."""
        axes = self.output_sizes(value, facts)
        texts = [f"{n[0]} to {n[-1]}" if n[1:] else f"{n[0]}" for n in axes if n]
        return f": give {' and '.join(texts)}" if len(texts) == facts.rank else ""

    def output_sizes(self, value: object, facts: CallContext) -> list[list[int]]:
        """The output sizes that fit x and the other options, axis by axis."""
        # Tried out, since a word may be any function of the output size: each axis alone, from
        # three kernels below the whole result to one stride above it, a thousand sizes at most.
        fitting = []
        for i, (target, axis) in enumerate(zip(facts.sizes.size, facts.axes)):
            least = max(axis.whole - 3 * axis.extent, 0)  # enough for any usual padding
            sizes = []
            for n in range(least, min(axis.whole + axis.stride, least + 1_000)):
                out = (n,) * facts.rank
                pairs = self.pad.read(value, replace(facts, output_size=out))
                if self.gives(out, pairs, facts)[i] == target:
                    sizes.append(n)
            fitting.append(sizes)
        return fitting

"""How a message says a thing: values as they are typed, lists, near words, shapes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def plural(count: int, what: str = "") -> str:
    return f"{count} {what}{'axis' if count == 1 else 'axes'}"


def show_tuple(values: Iterable[object]) -> str:
    """Values as a tuple is written: "(2, n - 1)", and "(2,)" of one."""
    texts = [*map(str, values)]
    return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"


def show_shape(shape: Iterable[int]) -> str:
    return str(tuple(shape))


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


def show(value: object) -> str:
    """A value as the user would type it; words in double quotes."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def either(choices: Iterable[object]) -> str:
    """'1, 2 or 4'; of more than four numbers in a row '0 to 62'."""
    choices = list(choices)
    first, count = choices[0], len(choices)
    if count > 4 and isinstance(first, int) and choices == list(range(first, first + count)):
        return f"{first} to {choices[-1]}"
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

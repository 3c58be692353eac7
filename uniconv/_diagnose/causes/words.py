"""The padding words of every registered function, as paddings that a call may have instead.

A word is a function of one axis (``uniconv/spec/words.py``); several frameworks may mean the same
one, and "same" means many.  So words are told apart by what they compute, and a text says which
one is meant: what the common ones do, the others by how their frameworks spell them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from uniconv.spec.op import Op
from uniconv.spec.registry import frameworks
from uniconv.spec.words import (
    BesideOutput,
    Word,
    causal,
    full,
    half,
    same_as_longer,
    same_lower,
    same_total,
    same_total_lower,
    same_upper,
    valid,
)

# The common words, in the order in which one of them names a padding that several give.
PADDINGS: Mapping[Word, str] = {
    valid: "VALID (none)",
    same_upper: "SAME (the odd pixel after)",
    same_lower: "SAME_LOWER (the odd pixel before)",
    same_total: "as much on both sides, whatever the stride",
    same_total_lower: "as much on both sides, the odd pixel before",
    half: "half the kernel on both sides",
    full: "FULL (kernel - 1 on both sides)",
    causal: "causal (kernel - 1 before)",
    same_as_longer: "the middle of FULL (numpy and SciPy's same)",
}
# The same of what a transposed convolution crops; the last one PyTorch's users write in numbers.
CROPS: Mapping[Word, str] = {
    valid: "VALID (nothing cropped)",
    half: "half the kernel on both sides",
    full: "FULL (kernel - 1 on both sides)",
    same_total: "(kernel - 1) / 2 on both sides",
}


@cache
def words(transposed: bool) -> Mapping[str, Word]:
    """Every padding word (of transposed convolutions every crop), by a text that says which.

    A crop whose tails wrap round is none: what it leaves is not a part of the whole result.
    """
    # In this order the search offers them, so that a padding that several words give is named by a
    # common one; of crops nothing cropped comes first, then words of frameworks, then plain
    # numbers.
    spellings = _spellings(transposed)
    if transposed:
        order = [valid, *(w for w in spellings if w not in CROPS), *list(CROPS)[1:]]
        return {CROPS.get(w) or _text(spellings[w]): w for w in order}
    order = [*PADDINGS, *(w for w in spellings if w not in PADDINGS)]
    return {PADDINGS.get(w) or _text(spellings[w]): w for w in order}


def _spellings(transposed: bool) -> dict[Word, list[tuple[str, str]]]:
    """For each word how it is spelled and by which framework, once a function; what most
    frameworks have first.

    A word that only counts beside an output shape, and one that is a number (Darknet's pad=1), has
    no spelling that a reader would know.
    """
    spellings: dict[Word, list[tuple[str, str]]] = defaultdict(list)
    for framework in frameworks().values():
        for op in framework.functions:
            if (op.kind == "conv_transpose") is transposed:
                for name, word in _words_of(op):
                    wraps = transposed and op.padding.border(name) != "zeros"
                    if isinstance(name, str) and not isinstance(word, BesideOutput) and not wraps:
                        spellings[word].append((name, framework.title))
    return dict(sorted(spellings.items(), key=lambda item: -len({title for _, title in item[1]})))


def _words_of(op: Op) -> Iterator[tuple[Any, Word]]:
    """A function's words with their names, in whichever option they stand."""
    for name, words in op.padding.named_words():
        yield from ((name, word) for word in words if callable(word))


def _text(spellings: list[tuple[str, str]]) -> str:
    """The commonest spelling, and whose it is: "same (Keras, Core ML)"."""
    name = Counter(name for name, _ in spellings).most_common(1)[0][0]
    titles = [title for title, _ in Counter(title for _, title in spellings).most_common(3)]
    return f"{name} ({', '.join(titles)})"

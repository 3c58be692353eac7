"""Arguments as they stand in text, parted at their commas."""

from __future__ import annotations

__all__ = ["parts_between_commas"]


def parts_between_commas(text: str) -> list[str]:
    """The parts between commas that stand in no bracket and in no quotes, empty ones too.

    >>> parts_between_commas('x, (1, 2), "a, b"')
    ['x', '(1, 2)', '"a, b"']
    """
    parts, depth, last, quoted = [], 0, 0, False
    for at, letter in enumerate(text):
        quoted ^= letter == '"'
        if quoted:
            continue
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append(text[last:at].strip())
            last = at + 1
    return [*parts, text[last:].strip()]

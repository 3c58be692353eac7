"""Labels: the words before a printed array, and which role they speak of."""

from __future__ import annotations

import re

__all__ = ["alike", "role_of", "words_of"]

_WORDS = {
    "x": {"x", "input", "inputs", "image", "img", "in", "data", "signal", "source", "src", "inp"},
    "w": {
        *("w", "kernel", "kernels", "weight", "weights", "filter", "filters", "filt", "k", "mask"),
        *("kern", "template", "h"),
    },
    "bias": {"b", "bias", "biases"},
    "y": {
        *(
            "y",
            "output",
            "outputs",
            "out",
            "result",
            "results",
            "res",
            "z",
            "conv",
            "actual",
            "got",
        ),
        *("returns", "gives", "gave", "prints"),
    },
}


def words_of(label: str) -> list[str]:
    """The words of a label, in small letters: ``PyTorch_result 2`` is pytorch, result."""
    return re.findall(r"[a-z]+", label.replace("_", " ").lower().replace("c++", "cpp"))


def role_of(label: str) -> str | None:
    """The role that a label speaks of; None where it speaks of none, or of several.

    >>> role_of("Input image:"), role_of("conv kernel"), role_of("mine")
    ('x', 'w', None)
    """
    words = words_of(label)
    if len(words) > 1 and words[-1] != "in":  # "in MATLAB the result"
        words = [word for word in words if word != "in"]
    roles = {role for role, own in _WORDS.items() if own & set(words)}
    if len(roles) == 1:
        return roles.pop()
    last = [role for role, own in _WORDS.items() if words and words[-1] in own]
    return last[0] if len(last) == 1 else None


def alike(label: str, name: str) -> bool:
    """Whether a label is a name, but for signs and capitals."""
    a, b = (re.sub(r"[\W_]+", "", word).lower() for word in (label, name))
    return bool(a) and a == b

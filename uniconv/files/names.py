"""What a printed array is called, from the text just before it.

People write a name in as many ways as they print arrays: ``w =`` and ``"w": [`` before it on the
line, ``w:`` or ``>>> print(w)`` on the line above, ``In [3]: w``, ``The output of conv1d:``. What
stands nearest counts. From a sentence a name is made only where it is short; else the array is
called array_1, and the program that shows names says so.
"""

from __future__ import annotations

import re

from uniconv.files.printed import Printed

__all__ = ["name_before"]

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_INDEX = r"(?:\[[^\[\]]*\]|\([:,\d\s]+\))?"
_PROMPT = r"(?:julia>|>>>|>>|octave:\d+>|[Ii]n ?\[\d+\] ?:)"
_ASSIGNED = re.compile(rf"(?:^|.*(?<!,)[\s;>])({_NAME})[ \t]*{_INDEX}[ \t]*:?=[ \t]*$", re.S)
_LABELLED = re.compile(r"(?:^|.*[^\w.])([A-Za-z_][\w.]*)[ \t]*:[ \t]*$", re.S | re.A)
_KEY = re.compile(r""".*["']([^"']+)["']\s*[:,]\s*$""", re.S)
_LABEL = re.compile(r"[ \t]*([^\W\d][^:：=\[\]{}\"'<>|\n]{0,60}?)[ \t]*[:：=][ \t]*$")
_ARGUMENTS = re.compile(r"\([^()]*\)")
_FILLERS = {"the", "a", "an", "my", "this", "is", "are", "was", "were", "gives", "of", "and", "but"}
_MOST_WORDS = 4
_OUT = re.compile(r"[ \t]*[Oo]ut ?\[\d+\] ?:[ \t]*$")
_BETWEEN = re.compile(rf"{_OUT.pattern}|.* containing:[ \t]*$|[ \t]*```")  # and empty lines
_CALLED = re.compile(r"[ \t]*(?:print|println|display|disp|show)\b")
_NEAR = 2000  # signs, of the lines before
_EXPRESSION = re.compile(
    rf"^(?:print|println|display|disp|show)?[ \t]*\(?[ \t]*({_NAME})[ \t]*{_INDEX}"
    rf"(?:\.numpy\(\)|\.detach\(\)|\.cpu\(\))*[ \t]*\)?[ \t]*;?[ \t]*$"
)
_ASSIGNMENT = re.compile(rf"^({_NAME})[ \t]*{_INDEX}[ \t]*=(?!=)")
_BARE = re.compile(r"^[ \t]*([A-Za-z_]\w*)[ \t]*$", re.A)


def name_before(text: Printed, at: int) -> str | None:
    """The name in ``x = ``, ``"x": ``, ``x:``, ``julia> x``, ``print(x)`` or a line with only x."""
    before = text.before(at)
    if before.strip() and not _OUT.match(before):
        return _from(before)
    end = text.start(at)
    lines = text.text[max(end - _NEAR, 0) : end].split("\n")[-6:]
    near = [line for line in lines if line.strip() and not _BETWEEN.match(line)]
    if not near:
        return None
    if len(near) > 1 and _CALLED.match(near[-1]) and _CALLED.match(near[-2]):
        return None  # which of the two is printed first is not said
    return _from_line(near[-1])


def _from(before: str) -> str | None:
    """From the start of the array's own line."""
    for pattern in (_ASSIGNED, _KEY):
        match = pattern.match(before)
        if match:
            return match[1]
    return _from_label(before)


def _from_label(before: str) -> str | None:
    """``conv1d result:`` is conv1d_result, ``np.convolve(a, b) =`` np_convolve, ``for y:`` y.

    Of more than a few words, only the last is a name.
    """
    before = before.replace("C++", "cpp").replace("c++", "cpp")
    label = _LABEL.match(before)
    text = _ARGUMENTS.sub("", label[1]) if label else ""
    words = text.replace(".", " ").split() if "," not in text else []
    while words and words[0].lower() in _FILLERS:
        words.pop(0)
    while words and words[-1].lower() in _FILLERS:
        words.pop()
    if 1 < len(words) <= _MOST_WORDS and (len(words[-1]) > 1 or words[-1].isdigit()):
        return re.sub(r"\W+", "_", "_".join(words))
    match = _LABELLED.match(before)
    if match and match[1].lower() not in _FILLERS:
        return match[1]
    return words[-1] if words and words[-1].isidentifier() else None


def _from_line(line: str) -> str | None:
    """From the line before the array."""
    prompt = re.match(rf"[ \t]*{_PROMPT}[ \t]*", line)
    if prompt:
        line = line[prompt.end() :]
        match = _EXPRESSION.match(line) or _ASSIGNMENT.match(line)
        return match[1] if match else None
    match = _EXPRESSION.match(line.strip()) if _CALLED.match(line) else _BARE.match(line)
    return match[1] if match else _from(line)

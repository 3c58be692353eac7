"""A thread's text without what its paste put around it; C++ said in Python's words.

Quotes ("> "), numbers of lines, curly quotes; a fence between a heading and its rows.  OpenCV's C++
has other forms for what Python says: ``float k[2][2] = {{1, 2}, {3, 4}};`` and ``Mat w = Mat(2, 2,
CV_32F, &k);`` are arrays, ``filter2D(src, dst, -1, w)`` writes to its second argument.  Every line
keeps its number.
"""

from __future__ import annotations

import re

from uniconv._parse.commas import parts_between_commas
from uniconv.files.text import normalized

__all__ = ["cleaned"]

_CURLY = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"'})
_QUOTE = re.compile(r"^[ \t]*(?:>(?:[ \t]|$))+")
_NUMBERED = re.compile(r"^[ \t]*(\d{1,5})(?:[.:|)]|(?=[ \t]))[ \t]?(?=[ \t]*(?:$|[^\d\s.,;:\-+]))")
_FEWEST_NUMBERED = 3
_FENCE = re.compile(r"[ \t]*```\w*[ \t]*$")
_HEADING = re.compile(r".*[=:][ \t]*$")
_ROW = re.compile(r"[ \t]*[-+.\d][-+.\d \t,eE;]*$")

# C++: a sign of OpenCV's classes, or its filter with an array to write to.
_CPP = re.compile(
    r"\bcv::|\bCV_\d|\bMat_?\b\s*[<\w]|\bfilter2D\(\s*\w+\s*,\s*\w+\s*,\s*(?:-\s*1|CV_|\w+)"
)
_BRACES = re.compile(
    r"\b(?:const\s+)?(?:float|double|int|uchar|char|short)\s+(\w+)((?:\s*\[\s*\w*\s*\])+)\s*=\s*(\{.*\})\s*;"
)
_MAT = re.compile(
    r"\bMat\s+(\w+)\s*(?:=\s*Mat\s*)?\(\s*(\w+)\s*,\s*(\w+)\s*,\s*CV_\w+\s*,\s*&?\s*(\w+)[^)]*\)\s*;"
)
_STREAM = re.compile(
    r"\bMat_?\s*(\w*)\s*=\s*\(?\s*\(?Mat_<\w+>\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*<<\s*([^;()]*)\)?\s*\)?\s*;"
)
_EMPTY_MAT = re.compile(r"\bMat\s+\w+(?:\s*,\s*\w+)*\s*;")
_SCALAR = re.compile(r"\b(?:const\s+)?(?:int|double|float|size_t)\s+(\w+)\s*=\s*([-+.\w]+?)f?\s*;")
_POINT = re.compile(r"\b(?:Point|Size)\s*(?:(\w+)\s*)?\(\s*(-?\w+)\s*,\s*(-?\w+)\s*\)")
_FILTER = re.compile(r"(?<![\w.])(?:cv2?\.)?filter2D\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
_FILTER_WORDS = ("anchor", "delta", "borderType")


def cleaned(text: str) -> str:
    """A text as the readers of code and arrays take it.

    >>> print(cleaned("> y = F.conv1d(x, w, padding=‘same’)\\n> print(y)"))
    y = F.conv1d(x, w, padding='same')
    print(y)
    >>> print(cleaned("cv::filter2D(src, dst, -1, kernel, cv::Point(-1, -1), 0);"))
    dst = cv2.filter2D(src, -1, kernel, anchor=(-1, -1), delta=0);
    """
    lines = normalized(text).translate(_CURLY).split("\n")
    lines = [_QUOTE.sub("", line, count=1) for line in lines]
    _take_numbers(lines)
    _take_fences(lines)
    text = "\n".join(lines)
    return _from_cpp(text) if _CPP.search(text) else text


def _take_numbers(lines: list[str]) -> None:
    """Leave out the numbers of lines: each one more than that above, before code."""
    k = 0
    while k < len(lines):
        end, match = k, _NUMBERED.match(lines[k])
        first = int(match[1]) if match else 0
        while match and int(match[1]) == first + end - k:
            end += 1
            match = _NUMBERED.match(lines[end]) if end < len(lines) else None
        if end - k >= _FEWEST_NUMBERED:
            lines[k:end] = [_NUMBERED.sub("", line, count=1) for line in lines[k:end]]
        k = max(end, k + 1)


def _take_fences(lines: list[str]) -> None:
    """Leave out a fence between a heading and the rows of numbers below it."""
    for k, line in enumerate(lines):
        if k and k + 1 < len(lines) and _FENCE.match(line) and _ROW.match(lines[k + 1]):
            above = next((each for each in lines[k - 1 :: -1] if each.strip()), "")
            if _HEADING.match(above):
                lines[k] = ""


def _from_cpp(text: str) -> str:
    """The arrays and filters of OpenCV's C++ in Python's words."""
    # Statements first lose the namespace; then arrays, the matrices made of them, numbers, points;
    # last of all the filter, whose arguments are in another order than in Python.
    text = re.sub(r"(?m)(^|[ \t(,=])(?:cv|std)::", r"\1", text)
    text = re.sub(r"(?m)(^|[ \t])//+", r"\1# ", text)
    text = _BRACES.sub(lambda m: f"{m[1]} = {m[3].translate(str.maketrans('{}', '[]'))}", text)
    text = _MAT.sub(r"\1 = np.reshape(\4, (\2, \3))", text)
    text = _STREAM.sub(lambda m: f"{m[1]} = np.reshape([{m[4].strip()}], ({m[2]}, {m[3]}))", text)
    text = _EMPTY_MAT.sub("", text)
    text = _SCALAR.sub(r"\1 = \2", text)
    text = _POINT.sub(lambda m: (f"{m[1]} = " if m[1] else "") + f"({m[2]}, {m[3]})", text)
    text = re.sub(
        r"(?m)^([ \t]*)(?:std::)?cout\s*<<\s*(?:\"[^\"\n]*\"\s*<<\s*)?(\w+)\b.*$",
        r"\1print(\2)",
        text,
    )
    return _FILTER.sub(_filter, text)


def _filter(match: re.Match[str]) -> str:
    """``filter2D(src, dst, ddepth, kernel, ...)`` as Python's, which gives dst."""
    arguments = parts_between_commas(match[1])
    if len(arguments) < 4 or not arguments[1].isidentifier() or "=" in match[1]:
        return match[0]
    source, target, depth, kernel, *others = arguments
    words = [f"{word}={value}" for word, value in zip(_FILTER_WORDS, others)]
    return f"{target} = cv2.filter2D({', '.join((source, _depth(depth), kernel, *words))})"


def _depth(word: str) -> str:
    return f"cv2.{word}" if word.startswith("CV_") else word

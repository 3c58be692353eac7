"""A thread's text as statements: printed arrays put aside, lines joined, each in its language.

An array becomes one word, ``array_in_text_3``, so that what stands around it can be read as code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from uniconv._parse.python import read_python
from uniconv._parse.script import read_script
from uniconv._parse.source import SourceText
from uniconv._parse.tree import Program
from uniconv.errors import BadCall, BadFile
from uniconv.files.named_array import NamedArray
from uniconv.files.text import ArrayInText, arrays_in

__all__ = ["LONGEST", "MOST_STATEMENTS", "WORD", "Piece", "Pieces", "pieces", "read_piece"]

LONGEST = 300_000  # characters of a thread, without its arrays
MOST_STATEMENTS = 3_000
_LONGEST_LINE = 2_000  # of code
_MOST_JOINED = 60
WORD = "array_in_text_"
_WORDS = re.compile(WORD + r"(\d+)")
_PROMPTS = {
    "python": r">>>|\.\.\.(?= |$)|In ?\[\d*\] ?:|in ?\[\d*\] ?:",
    "julia": r"julia>",
    "matlab": r"octave:\d+>|>>(?!>)",
}
_PROMPT = re.compile(
    "[ \t]*(?:" + "|".join(f"(?P<{name}>{words})" for name, words in _PROMPTS.items()) + ")[ \t]?"
)
_OUT = re.compile(r"[ \t]*Out ?\[\d+\] ?:[ \t]*", re.I)
_FENCE = re.compile(r"[ \t]*(?:```|~~~)[ \t]*(\w*)")
# What only one of the languages has.
_SIGNS = {
    "python": re.compile(
        r"^\s*(?:from\s+[\w.]+\s+import|import\s+\w+(?:\.\w+)*(?:\s+as\s+\w+)?\s*$|def\s.*:\s*$"
        r"|with\s.*:\s*$)|>>> |\b(?:np|numpy|tf|torch|nn|F|K|sess|keras|jnp|lax|signal|scipy)\.\w"
    ),
    "julia": re.compile(
        r"^\s*using\s+\w|julia>|\d×\d|\b(?:Array|Matrix|Vector)\{|\bprintln\(|=>|\bFloat(?:32|64)\b"
    ),
    "matlab": re.compile(
        r"^\s*>> |^\s*(?:clc|clear|close all)\b|\b(?:conv2|imfilter|filter2|convn|repmat|disp|"
        r"fprintf)\(|\.\.\.\s*$"
    ),
}
_CODE = re.compile(r"[=(\[]|^\s*(?:import|using|from|return)\b|" + WORD)
_BARE = re.compile(r"[ \t]*[^\W\d][\w.]*;?[ \t]*$")
_HEADER = re.compile(
    r"[ \t]*(?P<word>for|while|def|class|with|if|elif|else|try|except|finally|function|async|"
    r"struct|module)\b.*?(?P<colon>:[ \t]*)?(?:#.*)?$"
)
_STRINGS = re.compile(r"\"[^\"\n]*\"|(?<![\w)\]'])'[^'\n]*'|#[^\n]*")
_LABELLED = re.compile(r"[^=()\[\]{}]*[:：][ \t]*" + WORD + r"\d+[ \t;.,]*")
_PRINT = re.compile(r"([ \t]*)print[ \t]+(?![=(])(.+?)[ \t]*$")


@dataclass(slots=True)
class Piece:
    """A statement, or a line of anything else.

    program: what a statement says; None for prose.  arrays: the numbers of the arrays in it.
    alone: it is nothing but an array, with what may stand before it on its line as its label.
    """

    text: str
    line: int
    language: str
    prompted: bool = False
    indent: int = 0
    source: SourceText | None = None
    program: Program | None = None
    arrays: tuple[int, ...] = ()
    alone: bool = False
    label: str = ""
    header: str = ""


@dataclass(slots=True)
class Pieces:
    """A text's pieces, its arrays, and those that could not be read."""

    pieces: list[Piece]
    arrays: list[NamedArray]
    literal: set[int]  # arrays written as a list, exact in program text
    unread: list[tuple[int, BadFile]] = field(default_factory=list)  # line, why


def pieces(text: str, source: str) -> Pieces:
    """The pieces of a ``normalized`` text.

    Raises:
        BadCall: more than 300,000 characters beside the arrays, or 3,000 statements.
    """
    prints = arrays_in(text, source)
    read = [each for each in prints if each.array is not None]
    result = Pieces([], [each.array for each in read if each.array is not None], set())
    for each in prints:
        if each.problem is not None:
            line = text.count("\n", 0, each.start) + 1
            result.unread.append((line, each.problem))
    lines, numbers = _reduced(text, read, result.literal)
    size = sum(map(len, lines))
    if size > LONGEST:
        raise BadCall(
            f"{source} has {size:,} characters beside its arrays, more than the {LONGEST:,} that "
            "are read: give the part with the calls"
        )
    result.pieces = [
        piece for each in _pieces(lines, numbers) for piece in _parted(each, result, source)
    ]
    return result


_IN_PROSE = re.compile(
    r"(?<![\w.])[A-Za-z]\w*[ \t]*(?:=|:=|is)[ \t]*"
    rf"(?P<body>{WORD}\d+|\[[^\[\]]*[\s,;][^\[\]]*\]|\[[ \t]*\[[^=]*?\][ \t]*\])"
)


_LABEL_WORDS = 5  # before an array in a sentence, as far as they may speak of it


def _parted(piece: Piece, known: Pieces, source: str) -> Iterator[Piece]:
    """A sentence with arrays in it, "for x = [1, 2] and w = [3, 4] I get y = [3, 10]", as those."""
    prose = piece.program is None and not piece.header and len(piece.text) <= _LONGEST_LINE
    matches = list(_IN_PROSE.finditer(piece.text)) if prose else []
    if not matches or (piece.alone and len(matches) == 1):
        yield piece
        return
    end = 0
    for match in matches:
        number = _WORDS.fullmatch(match["body"])
        index = int(number[1]) if number else len(known.arrays)
        if number is None:
            # Commas or spaces between numbers, semicolons between rows, as MATLAB's.
            inside = arrays_in(f"a = {match['body']}", source)
            if len(inside) != 1 or inside[0].array is None:
                continue
            known.arrays.append(replace(inside[0].array, name="", line=piece.line))
        label = re.split(r"[.,;:!?()]+\s", piece.text[end : match.start("body")])[-1]
        label = re.sub(r"(?:=|:=|\bis)[ \t]*$", "", label)
        label = " ".join(label.split()[-_LABEL_WORDS:])
        yield Piece(
            f"{WORD}{index}", piece.line, piece.language, arrays=(index,), alone=True, label=label
        )
        end = match.end()
    if not piece.alone:
        yield piece


def _reduced(text: str, read: list[ArrayInText], literal: set[int]) -> tuple[list[str], list[int]]:
    """The lines with a word for each array, and where each began."""
    parts: list[str] = []
    at = 0
    for number, each in enumerate(read):
        start, end = each.start, each.end
        while end > start and text[end - 1] in " \t\n":
            end -= 1
        inside = text[start:end]
        parts.append(text[at:start])
        heading = re.match(r"[ \t]*(?:>>[ \t]*)?([A-Za-z]\w*)(?:\([^()\n]*\))?[ \t]*=", inside)
        parts.append(f"{heading[1]} = " if heading else "")
        parts.append(f"{WORD}{number}")
        # An array's own lines go on behind its word, so that the lines below keep their numbers.
        parts.append("\0" * inside.count("\n"))
        if inside.startswith("["):
            literal.add(number)
        at = end
    parts.append(text[at:])
    lines, numbers, number = [], [], 1
    for line in "".join(parts).split("\n"):
        lines.append(line.replace("\0", ""))
        numbers.append(number)
        number += 1 + line.count("\0")
    return lines, numbers


def _pieces(lines: list[str], numbers: list[int]) -> Iterator[Piece]:
    languages = _languages(lines)
    k = statements = 0
    while k < len(lines):
        line, prompt = lines[k], _PROMPT.match(lines[k])
        words = line[prompt.end() :] if prompt else line
        if _FENCE.match(line) or not words.strip():
            k += 1
            continue
        piece = Piece(words, numbers[k], languages[k], prompt is not None)
        piece.indent = len(words) - len(words.lstrip(" \t"))
        if prompt and prompt["python"] == "...":
            piece.prompted = False
        count = 1
        header = _HEADER.match(words)
        if header and (
            header["colon"] or header["word"] in ("function", "struct", "module", "for")
        ):
            piece.header = header["word"]
        elif _LABELLED.fullmatch(words):
            pass
        elif len(words) <= _LONGEST_LINE and (_CODE.search(words) or _BARE.match(words)):
            count = _read(piece, lines, numbers, k)
            statements += 1
            if statements > MOST_STATEMENTS:
                raise BadCall(
                    f"the text has more than {MOST_STATEMENTS:,} lines of code: give the part with "
                    "the calls"
                )
        piece.arrays = tuple(int(n) for n in _WORDS.findall(piece.text))
        if piece.program is None or _is_array(piece.text):
            _set_label(piece)
        yield piece
        k += count


def _is_array(text: str) -> bool:
    return _WORDS.fullmatch(_OUT.sub("", text, count=1).strip(" \t();.")) is not None


def _set_label(piece: Piece) -> None:
    """Prose that ends in an array: what stands before that is its label."""
    words = _OUT.sub("", piece.text, count=1).strip()
    match = re.fullmatch(r"(?P<label>.*?)\(?" + WORD + r"\d+[);.,]*", words)
    if match and not _WORDS.search(match["label"]):
        piece.alone, piece.label = True, match["label"].strip()
        piece.program = None


def _read(piece: Piece, lines: list[str], numbers: list[int], k: int) -> int:
    """Read the statement that begins on a line; how many lines it has."""
    depth, joined = _open(piece.text), [piece.text]
    while depth > 0 and len(joined) < _MOST_JOINED and k + len(joined) < len(lines):
        line = lines[k + len(joined)]
        prompt = _PROMPT.match(line)
        line = line[prompt.end() :] if prompt and prompt["python"] == "..." else line
        joined.append(line)
        depth += _open(line)
    if depth > 0:
        joined = joined[:1]
    while joined[-1].rstrip().endswith(("...", "\\", "=")) and k + len(joined) < len(lines):
        after = lines[k + len(joined)]
        if joined[-1].rstrip().endswith("="):
            if not _WORDS.match(after.strip()):
                break
            joined[-1] = joined[-1].rstrip() + " " + after.strip()
            joined.append("")
            break
        joined.append(after)
    text = "\n".join([joined[0][piece.indent :], *joined[1:]])
    two = _PRINT.match(text)
    if two and "\n" not in text.strip():  # Python 2
        text = f"{two[1]}print({two[2]})"
    source = SourceText(text, [numbers[min(k + n, len(numbers) - 1)] for n in range(len(joined))])
    program = _program(source, piece.language)
    if program is None:
        return 1
    piece.text, piece.source, piece.program = text, source, program
    return len(joined)


def read_piece(text: str, line: int, language: str) -> Piece | None:
    """Code that stands in a sentence; None where it is none."""
    source = SourceText(text, [line] * (text.count("\n") + 1))
    program = _program(source, language)
    if program is None:
        return None
    return Piece(text, line, language, source=source, program=program)


def _program(source: SourceText, language: str) -> Program | None:
    readers = [read_python, read_script] if language == "python" else [read_script, read_python]
    for reader in readers:
        try:
            program = reader(source)
        except BadCall:
            continue
        if program.statements or program.modules or program.aliases:
            return program
    return None


def _open(line: str) -> int:
    """How many more brackets are opened than closed."""
    plain = _STRINGS.sub("", line) if ("'" in line or '"' in line or "#" in line) else line
    return sum(map(plain.count, "([{")) - sum(map(plain.count, ")]}"))


def _languages(lines: list[str]) -> list[str]:
    """The language of each line: what its own signs say, else those above, else those below."""
    languages: list[str | None] = []
    now: str | None = None
    for line in lines:
        prompt = _PROMPT.match(line)
        fence = _FENCE.match(line)
        if fence and fence[1].lower() in ("python", "py", "julia", "jl", "matlab", "octave"):
            now = {"py": "python", "jl": "julia", "octave": "matlab"}.get(
                fence[1].lower(), fence[1].lower()
            )
        elif prompt:
            now = prompt.lastgroup
        elif len(line) <= _LONGEST_LINE:
            signs = [name for name, sign in _SIGNS.items() if sign.search(line)]
            now = signs[0] if len(signs) == 1 else now
        languages.append(now)
    first = next((name for name in languages if name), "python")
    return [name or first for name in languages]

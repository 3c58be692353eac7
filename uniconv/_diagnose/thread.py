"""Thread: a whole question as people paste it, read into calls with their arrays, and answered.

``_parse/thread/`` follows the text, ``roles.py`` says which array is what of which call.  Here the
calls are chosen that the thread is about, and diagnosed: one with its y, or two with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from uniconv._call import Call, Tolerance
from uniconv._diagnose.diagnosis import Diagnosis
from uniconv._diagnose.one_run import diagnose
from uniconv._diagnose.roles import RoleReading, read_roles
from uniconv._diagnose.two_runs import compare
from uniconv._messages import show, suggest
from uniconv._parse.thread.clean import cleaned
from uniconv._parse.thread.flow import follow
from uniconv._parse.thread.lines import pieces
from uniconv.errors import BadArray, BadCall, NoSuchArray, UniconvError, from_one_frame
from uniconv.files.named_array import NamedArray
from uniconv.files.text import arrays_in, uniquely_named

__all__ = ["Thread"]


@dataclass(frozen=True, eq=False, repr=False)
class Thread:
    """A thread, as people paste it: prose, code and printed arrays, read into calls.

    calls: those that have all their arrays, each with its y where the text prints it.  missing:
    what the text does not say, a sentence each, with the word that says it.  arrays: all printed
    arrays by name.  ``str()`` is the reading: which array was taken for what, and why.
    """

    calls: tuple[Call, ...]
    missing: tuple[str, ...]
    arrays: dict[str, NamedArray]
    reading: str

    @classmethod
    @from_one_frame
    def parse(cls, text: str, /, **arrays: Any) -> Thread:
        """The calls and arrays of a thread; nothing in it is run.

        Printed arrays go to the calls by the code (``y = conv4(w, x)``, ``print(y)`` and its
        output, prompts, ``Out[3]:``), by their labels, by shapes, and where one way alone gives
        the numbers, by that.  Arrays that the code writes out or makes without chance
        (``np.arange(9).reshape(1, 3, 3, 1)``) are followed.  Axes of size 1 that an image without
        a batch or a single filter lacks are put in, and said.

        Args:
            text: with at most 20,000 arrays, and beside them 300,000 characters.
            arrays: what the text leaves open, by the names in it or by roles (x, w, bias, y):
                arrays, or names of arrays in the text.

        Raises:
            BadCall: no call of a known function in the text.
            NoSuchArray: a name that no array of the text has.
            BadOption: an array that no call has a place for.

        >>> thread = Thread.parse('''
        ... >>> x = np.array([1, 2, 3, 4.])
        ... >>> np.convolve(x, [1, 10, 100.], "valid")
        ... array([321., 432.])
        ... ''')
        >>> thread.calls
        (Call(x (4,), w (3,), dialect="numpy.convolve", mode="valid").with_result(y (2,)),)
        >>> thread.diagnose().causes[0].text
        'the kernel is flipped on length: a cross-correlation, not a true convolution'
        """
        if not isinstance(text, str):
            raise BadCall(f"a thread is a str; this is of type {type(text).__qualname__}")
        read = pieces(cleaned(text), "the text")
        by_name = _named(read.arrays)
        words = {word: _from_user(word, value, by_name) for word, value in arrays.items()}
        flow = follow(read)
        if not flow.calls:
            raise _no_call(flow.problems)
        readings = _once(read_roles(flow, words))
        unread = [f"line {line}: {_reason(problem)}" for line, problem in read.unread]
        whole = [r for r in readings if r.call is not None and r.problem is None]
        calls = tuple(r.call.with_result(r.y) for r in whole if r.call is not None)
        missing = tuple(_missing(readings, unread))
        return cls(calls, missing, by_name, _reading(readings, unread))

    @staticmethod
    def arrays_in(text: str) -> dict[str, NamedArray]:
        """The printed arrays of a text by name; one that cannot be read is left out.

        The names are those that ``files.loads`` gives, and that ``parse`` takes.
        """
        return _named([a.array for a in arrays_in(cleaned(text), "the text") if a.array])

    @from_one_frame
    def diagnose(
        self,
        *,
        tolerance: Tolerance | None = None,
        progress: Callable[[str], None] | None = None,
        depth: int = 2,
    ) -> Diagnosis:
        """Answer: ``diagnose`` for one call with its y, ``compare`` for two.

        Args:
            tolerance, progress, depth: those of ``diagnose``.

        Raises:
            BadArray: something is missing: the message asks for exactly that.
            BadCall: more than two calls.
        """
        calls = self.calls
        if self.missing and len(calls) <= 2:
            raise BadArray("; ".join(self.missing))
        if len(calls) > 2:
            names = ", ".join(str(call.dialect) for call in calls)
            raise BadCall(
                f"the text has {len(calls)} calls with their arrays ({names}): give the part with "
                "one or two of them"
            )
        if len(calls) == 1:
            return diagnose(calls[0], tolerance=tolerance, progress=progress, depth=depth)
        if tolerance is not None:
            calls = tuple(call.with_result(call.y, tolerance) for call in calls)
        return compare(calls[0], calls[1], progress=progress, depth=depth)

    def __str__(self) -> str:
        return self.reading

    def __repr__(self) -> str:
        return f"Thread({', '.join(map(repr, self.calls))})"


def _named(arrays: Iterable[NamedArray]) -> dict[str, NamedArray]:
    return {one.name: one for one in uniquely_named(arrays)}


def _from_user(word: str, value: Any, by_name: dict[str, NamedArray]) -> Any:
    # A word is the name of an array in the text; numbers and tuples may be values of options.
    """What the user says: an array, or the name of one in the text."""
    if not isinstance(value, str):
        return value if isinstance(value, (NamedArray, int, float, tuple)) else np.asarray(value)
    if value not in by_name:
        near = suggest(value, by_name) or f"; it has {', '.join(by_name) or 'none'}"
        raise NoSuchArray(f"{word}={show(value)}: the text has no array of that name{near}")
    return by_name[value]


# What is said where there is no call: why the first that looks like one cannot be read.
def _no_call(problems: list[UniconvError]) -> UniconvError:
    if problems:
        return problems[0]
    return BadCall(
        'no call of a convolution stands in the text, such as "y = F.conv2d(x, w)": add the line'
    )


def _once(readings: list[RoleReading]) -> list[RoleReading]:
    """The calls that the thread is about.

    Calls that say the same count once, as people quote and repeat themselves; a call of which
    nothing is known, in a function's body or a sentence, not beside one with its arrays; and of
    more than two calls only those whose results are printed, if these are one or two.
    """
    choice: list[RoleReading] = []
    for reading in readings:
        twin = next((k for k, one in enumerate(choice) if _same(one, reading)), None)
        if twin is None:
            choice.append(reading)
        elif choice[twin].y is None and reading.y is not None:
            choice[twin] = reading
    if any(r.call is not None for r in choice):
        choice = [r for r in choice if r.call is not None or r.arrays]
    with_y = [r for r in choice if r.y is not None]
    return with_y if len(choice) > 2 and len(with_y) in (1, 2) else choice


# Two readings are the same call if function, options and all known arrays are.
def _same(a: RoleReading, b: RoleReading) -> bool:
    if a.function != b.function or repr(a.options) != repr(b.options):
        return False
    if (a.call is None) is not (b.call is None):
        return False
    roles = set(a.arrays) | set(b.arrays)
    pairs = [(a.arrays.get(role), b.arrays.get(role)) for role in roles]
    if any(one is None or two is None for one, two in pairs):
        return False
    return all(np.array_equal(one.array, two.array) for one, two in pairs if one and two)


def _missing(readings: list[RoleReading], unread: list[str]) -> list[str]:
    """What to ask for; of two runs y may be left out, as the call gives it.

    What looks like an array and cannot be read is told beside it: it may be what is missing.
    """
    texts: list[str] = []
    both = len(readings) == 2 and all(r.call is not None for r in readings)
    for reading in readings:
        if reading.problem is not None:
            texts.append(str(reading.problem))
        elif not both or reading.call is None:
            texts += reading.missing
    if texts and unread:
        texts.append(f"what could not be read: {'; '.join(unread)}")
    return texts


# Where it stands is told beside it: what is left of "the text, line 3: ...".
def _reason(problem: UniconvError) -> str:
    return str(problem).partition(": ")[2] or str(problem)


# A line for each call with its options, and below it a line for each array: whence it was taken.
def _reading(readings: list[RoleReading], unread: list[str]) -> str:
    lines = ["How the text was read:"]
    for reading in readings:
        options = ", ".join(f"{name}={show(value)}" for name, value in reading.options.items())
        lines.append(f"  line {reading.here.line}: {reading.function}({options})")
        for role in ("x", "w", "bias", "pointwise", "y"):
            if role in reading.notes:
                lines.append(f"    {role}: {reading.notes[role]}")
        texts = [str(reading.problem)] if reading.problem else reading.missing
        lines += [f"    {line}" for each in texts for line in each.split("\n")]
    lines += [f"  not read, {each}" for each in unread]
    return "\n".join(lines)

"""Which array of a thread is x, w, bias and y of which call, and what is missing.

In this order: what the code says; the names and labels before printed arrays; the only arrangement
that the shapes allow; the only one that the numbers allow.  What is left open is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Any

import numpy as np

from uniconv._call import Call
from uniconv._calls.lower import LoweredCall
from uniconv._diagnose.inputs import read_array
from uniconv._diagnose.lines import computed
from uniconv._messages import show, show_shape
from uniconv._parse.reading import CallInText, with_arrays
from uniconv._parse.thread.axes import completed, result_of
from uniconv._parse.thread.flow import CallHere, Flow
from uniconv._parse.thread.labels import alike, role_of, words_of
from uniconv._parse.thread.value import Value, way_back
from uniconv._parse.tree import names_in
from uniconv._parse.values import ROLES_IN_WORDS
from uniconv.errors import BadOption, UniconvError
from uniconv.files.named_array import NamedArray

__all__ = ["RoleReading", "read_roles"]

_MOST_POOLED = 6
_ROLES = ("x", "w", "bias", "pointwise")
_NICKNAMES = {
    "tf": {"tensorflow"},
    "torch": {"pytorch"},
    "scipy": {"sp"},
    "keras": {"tensorflow"},
    "cv2": {"opencv", "cpp", "cv"},
    "matlab": {"octave"},
}
Labelled = tuple[str, NamedArray]


@dataclass(slots=True)
class RoleReading:
    """One call with its arrays as far as they are known.

    notes: how each was read, a line each.  missing: what to ask for, in words.  y: with the axes
    of the call's result; after: the function that was put on it before it was printed.  options:
    as the call takes them; values: those that stand under a name in the text.  problem: why the
    function does not take the call.
    """

    here: CallHere
    call: Call | None = None
    arrays: dict[str, NamedArray] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    y: NamedArray | None = None
    after: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    problem: UniconvError | None = None
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def function(self) -> str:
        return self.here.matched.op.name

    @property
    def has_y(self) -> bool:
        return self.y is not None

    def array_of(self, role: str) -> NamedArray | None:
        """y, or what the call takes."""
        return self.y if role == "y" else self.arrays.get(role)


def read_roles(flow: Flow, beside: dict[str, Any]) -> list[RoleReading]:
    """Every call of a thread with its arrays.

    beside: arrays, or values of options, that the user gives by the names in the text or by roles.
    """
    # How to read this: each step fills in what those before it left open, for all calls before the
    # next step, so that an array that one call surely has is not taken for another's.  Options come
    # first, as they need no arrays; what the code says; what the user says; labels; then, with x
    # and w known, y; last of all what only shapes or numbers can tell.
    readings = [RoleReading(here) for here in flow.calls]
    for reading in readings:
        _read_options(reading, beside, flow.lists)
        for role, value in [*reading.here.values.items()]:
            held = value.numbers()
            if held is not None:
                _take(reading, role, held, "")
    _say(flow, readings, beside)
    pool = _Pool(flow, readings)
    for reading in readings:
        _by_name(reading, pool, readings)
        _by_variable(reading, flow)
    for reading in readings:
        _complete(reading)
        _find_y(flow, reading, pool, readings)
    for reading in readings:
        if not reading.problem:
            _by_fit(flow, reading, pool)
    with_y = [reading for reading in readings if reading.y is not None]
    if len(with_y) == 1 and sum(reading.call is not None for reading in readings) == 1:
        _question(with_y[0], pool)
    for reading in readings:
        _ask(reading, pool)
    return readings


def _roles(reading: RoleReading) -> list[str]:
    """The arrays that a call must have; a bias only where the text gives it one."""
    matched = reading.here.matched
    roles = ["x", "w"] + (["bias"] if "bias" in matched.arrays else [])
    roles += ["pointwise"] if matched.op.kind == "separable_conv" else []
    return [
        r for r in roles if r not in reading.here.values or not _is_none(reading.here.values[r])
    ]


# bias=None, bias=False: the call has none.
def _is_none(value: Value) -> bool:
    return value.text == "None" or value.text == "nothing" or value.constant is False


def _read_options(reading: RoleReading, beside: dict[str, Any], lists: Mapping[str, Any]) -> None:
    """The options, before any array is known; lists of lists among them were read as arrays."""
    here = reading.here
    words = {n for a in here.matched.options.values() for n in names_in(a.value)}
    reading.values = {name: value for name, value in beside.items() if name in words}
    reading.values |= {name: lists[name] for name in words if name in lists}
    bare = replace(here.matched, arrays={})
    try:
        read = with_arrays(here.source, here.program, bare, reading.values)
        reading.options = read.options
    except UniconvError as error:
        reading.problem = error


def _take(reading: RoleReading, role: str, array: NamedArray, how: str) -> None:
    """Give a call one of its arrays; a bias of zeros is none."""
    if role == "bias" and not np.any(array.array) and not np.any(array.error):
        reading.here.values.pop(role, None)
        reading.here.matched.arrays.pop(role, None)
        return
    name = reading.here.names.get(role, "") or array.name
    reading.arrays[role] = replace(array, name=name)
    text = f"{name or role} {show_shape(array.shape)}"
    reading.notes[role] = text + (f", line {array.line}" if array.line else "") + how


def _say(flow: Flow, readings: list[RoleReading], beside: dict[str, Any]) -> None:
    """What the user says beside the text: by the names in it, or by roles.

    A role means every call that lacks it, or all calls where none does; y must mean one call.
    """
    for name, array in beside.items():
        if any(name in reading.values for reading in readings):
            continue
        held = array if isinstance(array, NamedArray) else NamedArray(name, np.asarray(array))
        targets = [r for r in readings if r.here.target == name]
        if targets:
            targets[-1].here.result.printed = held
            continue
        users = [(r, role) for r in readings for role, n in r.here.names.items() if n == name]
        if not users and name in ("x", "w", "bias", "pointwise"):
            users = [(r, name) for r in readings if name not in r.arrays] or [
                (r, name) for r in readings
            ]
        if not users and name == "y":
            without = [r for r in readings if not _observed(flow, r)] or readings
            if len(without) == 1:
                without[0].here.result.printed = held
                continue
        if not users:
            names = [n for r in readings for n in (*r.here.names.values(), r.here.target) if n]
            words = ", ".join(dict.fromkeys(names)) or "x, w, y"
            raise BadOption(f"{name} is no array of one call in the text; its calls have {words}")
        for reading, role in users:
            _take(reading, role, held, ", as you say")


class _Pool:
    """The printed arrays that no call has yet, each with its label.

    An array that the code binds to an argument or to a result is no call's to find.
    """

    def __init__(self, flow: Flow, readings: list[RoleReading]) -> None:
        values = [v for r in readings for value in r.here.values.values() for v in _sources(value)]
        values += [value for value in flow.values.values() if _call_of(value) is not None]
        self.used = {id(a.array) for v in values if (a := v.printed) is not None}
        self.labelled = [(label, array) for label, array in flow.labelled]
        self.spare = list(flow.spare)
        self.names = flow.names

    def left(self) -> list[Labelled]:
        """All that are not used, in the order of the text; those that are equal once."""
        arrays: list[Labelled] = []
        for label, array in [*self.labelled, *(("", a) for a in self.spare)]:
            if id(array.array) not in self.used and not any(a is array for _, a in arrays):
                arrays.append((label, array))
        return sorted(arrays, key=lambda pair: pair[1].line or 0)

    def take(self, array: NamedArray) -> None:
        self.used.add(id(array.array))


def _sources(value: Value) -> list[Value]:
    """A value and all that it is made of."""
    values: list[Value] = []
    left = [value]
    while left and len(values) < 1000:
        each = left.pop()
        if not any(each is one for one in values):
            values.append(each)
            left += each.parents
    return values


# The call that a value is the result of, also as an arrangement of it.
def _call_of(value: Value) -> object:
    return way_back(value)[0].call


def _by_name(reading: RoleReading, pool: _Pool, readings: list[RoleReading]) -> None:
    """Arrays whose labels are the names of the call's arguments, or the words for their roles.

    An array that is found by its role alone stays there for the other calls: two frameworks are
    often fed the same image and kernel.
    """
    for role in _roles(reading):
        if role in reading.arrays:
            continue
        name = reading.here.names.get(role, "")
        choices = _unique(a for n, a in pool.labelled if name and alike(n, name))
        if not choices and name:  # "let x"
            choices = _unique(a for n, a in pool.labelled if n and alike(n.split()[-1], name))
        how = ""
        if not choices:
            left = pool.left()
            choices = _unique(a for n, a in left if n and role_of(n) == role)
            how = f", for the {role} by its label"
        if len(choices) == 1:
            _take(reading, role, choices[0], how)
            if not how or len(readings) == 1:
                pool.take(choices[0])


def _by_variable(reading: RoleReading, flow: Flow) -> None:
    """Arrays that the code sets under the argument's name elsewhere, or under one for its role.

    The call may stand in a function's body, or above what it is called with.
    """
    for role in _roles(reading):
        if role in reading.arrays:
            continue
        name = reading.here.names.get(role, "")
        variables = {
            n: a for n, v in flow.values.items() if n.isidentifier() and (a := v.numbers())
        }
        choices = [variables[name]] if name in variables else []
        if not choices and not name:
            choices = _unique(a for n, a in variables.items() if role_of(n) == role)
        if len(choices) == 1:
            _take(reading, role, choices[0], ", by its name")


def _question(reading: RoleReading, pool: _Pool) -> None:
    """Where the call gives its y, and one other result of that shape is there, that is meant."""
    if reading.call is None or reading.y is None or not gives(reading):
        return
    others = []
    for label, array in pool.left():
        trial = _trial(replace(reading, y=None), ["y"], [(label, array)])
        if trial is not None and not gives(trial):
            others.append((trial, label, array))
    if len(others) == 1:
        trial, label, array = others[0]
        where = f"line {reading.y.line}" if reading.y.line else "the text"
        trial.y = replace(trial.y, name=label) if trial.y and label.isidentifier() else trial.y
        reading.y = trial.y
        name = f"{label} " if label else ""
        reading.notes["y"] = (
            f"{name}{show_shape(array.shape)}, line {array.line}; "
            f"the call itself gives what stands in {where}"
        )
        pool.take(array)


def _unique(arrays: Iterable[NamedArray]) -> list[NamedArray]:
    """Arrays that differ: people print the same numbers more than once."""
    different: list[NamedArray] = []
    for array in arrays:
        if not any(np.array_equal(array.array, one.array) for one in different):
            different.append(array)
    return different


def _complete(reading: RoleReading) -> None:
    """The call, as soon as it has all its arrays.

    What the function refuses, by its shapes or options, is the reading's problem, told as such.
    """
    if reading.problem or not {"x", "w"} <= set(reading.arrays) or reading.call is not None:
        return
    if any(role not in reading.arrays for role in _roles(reading)):
        return
    here = reading.here
    arrays = {**reading.arrays, **_flat_bias(reading)}
    complete = completed(here.matched.op, reading.options, arrays)
    for role, array in (complete or {}).items():
        if array.shape != reading.arrays[role].shape:
            reading.notes[role] += f", as {show_shape(array.shape)}"
    reading.arrays = complete or arrays
    try:
        read = with_arrays(
            here.source, here.program, here.matched, {**reading.values, **reading.arrays}
        )
        reading.call = _call(read)
    except UniconvError as error:
        reading.problem = error


def _call(read: CallInText) -> Call:
    dialect: Any = read.target.op.name
    call = read.placed(lambda: Call(**read.arrays, dialect=dialect, **read.options))
    read.check_sizes(call.lowered.sizes, call.lowered.o)
    return call


def _flat_bias(reading: RoleReading) -> dict[str, NamedArray]:
    """A bias is one number per channel, however it is printed."""
    bias = reading.arrays.get("bias")
    if bias is None or reading.here.matched.op.bias != "o":
        return {}
    error = bias.error.ravel() if isinstance(bias.error, np.ndarray) else bias.error
    return {"bias": replace(bias, array=bias.array.ravel(), error=error)}


def _observed(flow: Flow, reading: RoleReading) -> list[Value]:
    """The values that the text prints of a call's result."""
    result = reading.here.result
    values = [result, *flow.values.values()]
    prints = [v for v in values if v.printed is not None and way_back(v)[0] is result]
    return [v for k, v in enumerate(prints) if all(v is not before for before in prints[:k])]


def _find_y(flow: Flow, reading: RoleReading, pool: _Pool, readings: list[RoleReading]) -> None:
    """y by the code, else by its label."""
    if reading.call is None or _find_printed(flow, reading):
        return
    for array, how in _labelled_results(reading, pool, readings):
        result = result_of(reading.call.lowered, Value("", printed=array), reading.arrays)
        if result is not None:
            pool.take(array)
            _set_y(reading, result[0], how, "")
            return


def _find_printed(flow: Flow, reading: RoleReading) -> bool:
    """y by the code: of several prints of one result the one that shows most of it is taken."""
    if reading.call is None:
        return False
    lowered = reading.call.lowered
    observed = _observed(flow, reading)
    parts = [p for v in observed if (p := result_of(lowered, v, reading.arrays)) is not None]
    parts.sort(key=lambda p: -p[0].array.size)
    if not parts:
        return False
    y, cut, after = parts[0]
    _set_y(reading, y, "", after)
    if any(cut[r] is not reading.arrays[r] for r in cut):
        reading.arrays = cut
        reading.call = None
        _complete(reading)
    return True


def _set_y(reading: RoleReading, y: NamedArray, how: str, after: str) -> None:
    reading.y = replace(y, name=reading.here.target or y.name or "y")
    reading.after = after
    text = f"{reading.y.name} {show_shape(y.shape)}" + (f", line {y.line}" if y.line else "")
    reading.notes["y"] = text + how + (f", after {after}" if after else "")


def _labelled_results(
    reading: RoleReading, pool: _Pool, readings: list[RoleReading]
) -> list[tuple[NamedArray, str]]:
    """The one array whose label is the result's name, or speaks of this call's result.

    A label may name the framework ("SciPy:", "torch output"): it speaks of the call of that
    framework where the other calls are of others.
    """
    left = pool.left()
    matches = _unique(a for n, a in left if reading.here.target and alike(n, reading.here.target))
    if len(matches) == 1:
        return [(matches[0], "")]
    own = _names_of(reading)
    others = set().union(*(_names_of(r) for r in readings if r is not reading)) - own
    mine = _unique(a for n, a in left if set(words_of(n)) & own and not set(words_of(n)) & others)
    if len(mine) == 1 and (len(readings) > 1 or _role_in(left, mine[0]) == "y"):
        return [(mine[0], f", for the result of {reading.function} by its label")]
    if len(readings) == 1:
        results = _unique(a for n, a in left if n and role_of(n) == "y")
        if len(results) == 1:
            return [(results[0], ", for y by its label")]
    return []


def _role_in(left: list[Labelled], array: NamedArray) -> str | None:
    return next((role_of(n) for n, a in left if a is array), None)


def _names_of(reading: RoleReading) -> set[str]:
    """The words that a label may call a function by."""
    target = reading.here.matched.target
    words = {target.framework.name, *target.framework.aliases, *target.op.name.split(".")}
    words |= _NICKNAMES.get(target.framework.name, set())
    return {word.lower() for word in words} - {"nn", "functional", "signal", "layers", "ops"}


def _by_fit(flow: Flow, reading: RoleReading, pool: _Pool) -> None:
    """What is open, filled with what no call has: the only way that shapes or numbers allow.

    Of two results of one shape, one of which the call itself gives, the other is the question.
    """
    # Every way to deal the arrays that are left to the roles that are open is tried; those are few,
    # as more than six arrays are not dealt at all.
    open_roles = [role for role in _roles(reading) if role not in reading.arrays]
    printed = reading.y is None and bool(_observed(flow, reading))  # y, whose call was open
    if reading.y is None and not printed:
        open_roles.append("y")
    left = pool.left()
    if not open_roles or not len(open_roles) <= len(left) <= _MOST_POOLED:
        return
    ways: list[tuple[RoleReading, tuple[Labelled, ...]]] = []
    for choice in permutations(left, len(open_roles)):
        trial = _trial(reading, open_roles, choice)
        if trial is not None and printed:
            _find_printed(flow, trial)
        if trial is not None and trial.y is not None:
            ways.append((trial, choice))
    how = ", the only one of its shape"
    if len(ways) > 1:
        exact = [way for way in ways if gives(way[0])]
        if open_roles == ["y"] and len(ways) == 2 and len(exact) == 1:
            # One is what the call gives: the other is what the thread is about.
            other = next(way for way in ways if way is not exact[0])
            other_way = exact[0][1][0]
            what = f"{other_way[0]} in line" if other_way[0] else "what stands in line"
            how = f"; the call itself gives {what} {other_way[1].line}"
            ways = [other]
            pool.take(other_way[1])
        elif len(exact) == 1:
            ways, how = exact, ", which the call gives"
    if len(ways) == 1:
        trial, choice = ways[0]
        reading.arrays, reading.call, reading.y = trial.arrays, trial.call, trial.y
        reading.notes |= trial.notes
        reading.notes |= {r: trial.notes[r] + how for r in open_roles}
        for _, array in choice:
            pool.take(array)


def _trial(
    reading: RoleReading, roles: Sequence[str], choice: Sequence[Labelled]
) -> RoleReading | None:
    """The call with these arrays in these roles; None where it does not take them.

    A y must have the very shape that the call gives: another is no proof that it is y.
    """
    trial = replace(
        reading, arrays=dict(reading.arrays), notes=dict(reading.notes), missing=[], problem=None
    )
    y = None
    for role, (label, array) in zip(roles, choice):
        speaks = role_of(label) if label else None
        if speaks not in (None, role):
            return None
        if role == "y":
            y = array
        else:
            _take(trial, role, array, "")
    _complete(trial)
    if trial.call is None or trial.problem is not None:
        return None
    if y is not None:
        lowered: LoweredCall = trial.call.lowered
        result = result_of(lowered, Value("", printed=y), trial.arrays)
        if result is None or result[0].shape != lowered.output:
            return None
        _set_y(trial, result[0], "", "")
    return trial


def gives(reading: RoleReading) -> bool:
    """Whether the call gives its y, up to rounding and printed digits.

    This decides only which of several arrays is meant, never what the answer is.
    """
    if reading.call is None or reading.y is None:
        return False
    call = reading.call
    try:
        y = np.asarray(call.run(), np.complex128)
    except UniconvError:  # integers as people write them, which the function does not take
        y = _in_floats(call)
    if y.shape != reading.y.shape:
        return False
    off = np.max(reading.y.error, initial=0.0) + 1e-5 * np.max(np.abs(y), initial=0.0)
    return bool(np.all(np.abs(y - reading.y.array) <= off))


def _in_floats(call: Call) -> Any:
    """What a call gives if its arrays are floats."""
    arrays = {r: None if (a := getattr(call, r)) is None else read_array(a, r) for r in _ROLES}
    x, w = arrays["x"], arrays["w"]
    assert x is not None
    assert w is not None
    try:
        y = computed(call.function, call.options, x, w, arrays["bias"], arrays["pointwise"])
    except UniconvError:
        return np.zeros(0)
    return y.array


def _ask(reading: RoleReading, pool: _Pool) -> None:
    """What is missing, each with the word that says it: a name in the text, else the role.

    y is asked for last: without x and w nothing could be said of it.
    """
    here = reading.here
    if reading.problem is not None:
        return
    for role in _roles(reading):
        if role not in reading.arrays:
            name = here.names.get(role, "")
            value = here.values.get(role)
            key = name if name.isidentifier() else role
            what = ROLES_IN_WORDS[role]
            title = f"{name} ({what})" if name and name != role else f"{role} ({what})"
            text = value.text if value is not None and value.text != name else ""
            how = f": {show(text)} has no numbers there" if text and not _is_name(value) else ""
            reading.missing.append(_asking(title, key, reading, how, pool, role))
    if reading.y is None and not reading.missing:
        key = here.target if here.target.isidentifier() else "y"
        title = "y" if key == "y" else f"y ({key})"
        reading.missing.append(_asking(title, key, reading, "", pool, "y"))


# Whether a value is known by its name alone, so that there is no code to show for it.
def _is_name(value: Value | None) -> bool:
    return value is not None and value.path == value.text


# One sentence: what is missing, of which call, why, and the word that says it; where several arrays
# of the text may be meant, it names them.
def _asking(title: str, key: str, reading: RoleReading, how: str, pool: _Pool, role: str) -> str:
    where = f"{reading.function} (line {reading.here.line})"
    fits = [(n, a) for n, a in pool.left() if (role_of(n) if n else None) in (None, role)]
    names = [pool.names.get(id(a.array), n) for n, a in fits]
    if len(names) > 1:
        ask = f"say {key}=NAME, one of {', '.join(names)}"
        return f"{title} of {where} is not clear from the text{how}: {ask}"
    return f"no {title} of {where} in the text{how}: say {key}=..."

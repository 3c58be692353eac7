"""Files and plug-ins -> frameworks: each loaded when a name of it is asked for, and only then.

What cannot be loaded warns once, is named, and breaks nothing but itself.  No lock is held while a
module is imported: Python has its own, and two locks could wait for each other.  Of threads that
load one thing at once the first result stands.

Which file may know a name is told by its first word alone, without an import: "tf.nn.conv2d" begins
with "tf", the file of that name; other first words of a file ("lax" for jax) are listed in
``uniconv._dialects.WORDS``.  Plug-ins have no such list: for a name that no file knows all of them
are loaded.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from uniconv._messages import show
from uniconv.errors import UniconvWarning, UnknownName
from uniconv.spec.framework import Framework

__all__ = [
    "GROUP",
    "OWN",
    "Broken",
    "Outcome",
    "built_in",
    "files",
    "files_of_words",
    "first_word",
    "plug_ins",
    "words",
]

GROUP = "uniconv.dialects"
OWN = "uniconv._dialects"


@dataclass(frozen=True, slots=True)
class Broken:
    """A file or plug-in that gives no framework: its name, what is wrong in words, the cause."""

    name: str
    text: str
    cause: BaseException | None = None

    def error(self) -> UnknownName:
        """What asking for it raises."""
        error = UnknownName(self.text)
        error.__cause__ = self.cause
        return error


Outcome = Framework | Broken

_lock = threading.Lock()
_outcomes: dict[str, tuple[Outcome, ...]] = {}  # by what was loaded: a file, or the plug-ins
_in_this_thread = threading.local()


@cache
def files() -> tuple[str, ...]:
    """Every file of this package's own dialects; it is named as its framework."""
    return tuple(m.name for m in pkgutil.iter_modules(importlib.import_module(OWN).__path__))


@cache
def files_of_words() -> dict[str, tuple[str, ...]]:
    """For the first word of a name ("tf", "lax") the files that may know the name."""
    table: dict[str, tuple[str, ...]] = {}
    for file in files():
        for word in (file, *importlib.import_module(OWN).WORDS.get(file, ())):
            table[word] = (*table.get(word, ()), file)
    return table


def built_in(file: str) -> tuple[Outcome, ...]:
    """The framework of a file of this package; none while that very file is being imported."""
    return _once(f"{OWN}.{file}", lambda: (_from_file(file),))


def plug_ins() -> tuple[Outcome, ...]:
    """The framework of each installed plug-in, in order; none while they are being imported."""
    return _once(GROUP, _from_entry_points)


def _once(key: str, load: Callable[[], tuple[Outcome, ...]]) -> tuple[Outcome, ...]:
    """What a load gave the first time; what is broken warns then."""
    # How to read this: asked again, the first result is given; asked by the very module that is
    # being imported, nothing, or it would wait for itself; else it is loaded, and only the thread
    # whose result stands (``setdefault``) warns of what is broken.
    if key in _outcomes:
        return _outcomes[key]
    loading: set[str] = _in_this_thread.__dict__.setdefault("loading", set())
    if key in loading:  # the module asks for names while it is imported
        return ()
    loading.add(key)
    try:
        outcome = load()
    finally:
        loading.discard(key)
    with _lock:
        first = key not in _outcomes
        outcome = _outcomes.setdefault(key, outcome)
    for each in outcome:
        if first and isinstance(each, Broken):
            text = f"{each.text}; it is left out, every other dialect works"
            warnings.warn(text, UniconvWarning, stacklevel=2)
    return outcome


def _from_file(file: str) -> Outcome:
    """The framework of a file: the one ``Framework`` among its variables, named as the file."""
    what = f"dialect {show(file)} ({OWN}.{file})"
    try:
        module = importlib.import_module(f"{OWN}.{file}")
        named = [v for v in vars(module).values() if isinstance(v, Framework)]
        if [f.name for f in named] == [file]:
            return named[0]
    except (Exception, SystemExit) as error:
        return _failed(file, what, error)
    return Broken(file, f"{what} must have one Framework, named {show(file)}")


def _from_entry_points() -> tuple[Outcome, ...]:
    """The framework of each plug-in, in order; of two with one name the later is refused."""
    loaded: list[tuple[EntryPoint, Outcome]] = []
    for point in entry_points(group=GROUP):
        loaded.append((point, _from_entry_point(point, loaded)))
    return tuple(outcome for _, outcome in loaded)


def _from_entry_point(point: EntryPoint, loaded: Sequence[tuple[EntryPoint, Outcome]]) -> Outcome:
    """The framework of an entry point, unless it would replace names of those loaded before."""
    what = _plug_in(point)
    try:
        framework = point.load()
        if not isinstance(framework, Framework):
            return Broken(point.name, f"{what} is no Framework: {framework!r}")
        clash = _taken(framework, loaded)
    except (Exception, SystemExit) as error:
        return _failed(point.name, what, error)
    return Broken(point.name, f"{what} is refused: {clash}") if clash else framework


def _plug_in(point: EntryPoint) -> str:
    """A plug-in in words, with the distribution that installed it, for messages."""
    whose = f"distribution {point.dist.name if point.dist else '?'} ({point.value})"
    return f"dialect plug-in {point.name} of {whose}"


def _failed(name: str, what: str, error: BaseException) -> Broken:
    """What an import that raised leaves: its last line as the reason, the error as the cause."""
    reason = traceback.format_exception_only(error)[-1].strip()
    return Broken(name, f"{what} fails: {reason}", error)


def _taken(framework: Framework, loaded: Sequence[tuple[EntryPoint, Outcome]]) -> str:
    """The first name of a plug-in that belongs to another framework, in words; none: "".

    A family, alias or prefix belongs to who has names that begin with its first word; a function to
    who has that very name.
    """
    # An owner is a file that has the name's first word, or a plug-in loaded before.  A broken owner
    # counts, too: once mended, it must find its names free.
    for what, name in _names(framework):
        word = first_word(name)
        owners = [
            (f"the built-in dialect {show(file)}", outcome)
            for file in files_of_words().get(word, ())
            for outcome in built_in(file)
        ]
        owners += [
            (_plug_in(point), other)
            for point, other in loaded
            if isinstance(other, Framework) and word in words(other)
        ]
        for owner, other in owners:
            if what != "function" or isinstance(other, Broken) or _knows(other, name):
                return f"its {what} {show(name)} belongs to {owner}"
    return ""


def _names(framework: Framework) -> Iterator[tuple[str, str]]:
    """Every name that a framework brings, and what it is the name of."""
    yield "family", framework.name
    yield from (("alias", alias) for alias in framework.aliases)
    yield from (("prefix", short) for short in framework.prefixes)
    yield from (("function", op.name) for op in framework.functions)


def _knows(framework: Framework, name: str) -> bool:
    """Whether a name is a family, an alias or a function of a framework."""
    families = (framework.name, *framework.aliases)
    return name in families or framework.function(name) is not None


def words(framework: Framework) -> set[str]:
    """The first words of every name that a framework brings."""
    return {first_word(name) for _, name in _names(framework)}


def first_word(name: str) -> str:
    """What a name begins with, up to the first dot: "tf" of "tf.nn.conv2d"."""
    return name.partition(".")[0]

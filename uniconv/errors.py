"""Every error that uniconv raises on purpose."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

__all__ = [
    "BadArray",
    "BadCall",
    "BadFile",
    "BadOption",
    "BadShape",
    "CannotExpress",
    "NoSuchArray",
    "Refused",
    "UniconvError",
    "UniconvWarning",
    "UnknownName",
    "from_one_frame",
]

P = ParamSpec("P")
R = TypeVar("R")


class UniconvError(ValueError):
    """The root of all uniconv errors; a ``ValueError``, because the caller's input is wrong."""


class UnknownName(UniconvError):
    """No dialect, function or operation of that name."""


class NoSuchArray(UnknownName, KeyError):
    """A file has no array of that name; a ``KeyError``, too, as of any mapping."""

    __str__ = UnknownName.__str__


class BadOption(UniconvError):
    """An option is unknown, missing, or has a value that the function does not take."""


class BadShape(UniconvError):
    """The shapes of x, w or bias do not fit each other or the layout."""


class BadArray(UniconvError):
    """An array has a kind, dtype or device that the call cannot use."""


class BadFile(UniconvError):
    """A file, or a line of it, that cannot be read or written as arrays."""


class BadCall(UniconvError, TypeError):
    """A verb that takes a ``uniconv.Call`` was given something else; the text shows its form."""


class Refused(UniconvError):
    """Valid alone, but the framework's contract refuses the combination."""


class CannotExpress(UniconvError):
    """A function cannot say this convolution: it lacks ``field``, for the ``reason`` given."""

    def __init__(self, function: str, field: str, reason: str) -> None:
        super().__init__(f"{function} cannot express {field}: {reason}")
        self.function, self.field, self.reason = function, field, reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.function, self.field, self.reason)


class UniconvWarning(UserWarning):
    """A call that a framework is known to compute wrongly, and uniconv as the framework does."""


def from_one_frame(function: Callable[P, R]) -> Callable[P, R]:
    """The function, whose errors come from one frame of its own: what is inside tells no user.

    Where an error is not one of uniconv, all frames stay: that is for whoever mends it.
    """

    @wraps(function)
    def outermost(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (UniconvError, FileNotFoundError) as error:
            raise error.with_traceback(None) from error.__cause__

    return outermost

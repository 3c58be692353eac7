"""One call that a framework refuses, and what uniconv says of it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from uniconv.conformance.bad_calls import TrialCall as Call
from uniconv.errors import UniconvError


@dataclass(frozen=True)
class BadCall(Call):
    """A call that must be refused with this error and this full text.

    live: True where the running framework refuses it too, else why it does not.
    """

    error: type[UniconvError]
    message: str
    _: KW_ONLY
    live: bool | str = True

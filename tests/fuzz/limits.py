"""How long one damaged file or text may take."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

SECONDS = 5.0  # of the processor: another process' work is not this file's fault
WAITING = 60.0  # of the clock, for what waits and does not compute


def _late(number: int, frame: FrameType | None) -> None:
    # which is no Exception: readers make BadFile of those
    pytest.fail(f"more than {SECONDS if number == signal.SIGPROF else WAITING} s")


@contextmanager
def handlers() -> Iterator[None]:
    """Where :func:`hurried` may stand: its signals end a test."""
    signals = (signal.SIGPROF, signal.SIGALRM)
    before = [signal.signal(number, _late) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before):
            signal.signal(number, handler)


@contextmanager
def hurried() -> Iterator[None]:
    """End the test in what takes longer than that."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WAITING)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)

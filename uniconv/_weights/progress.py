"""How far a conversion is: a bar on a terminal, a line every few seconds into a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SECONDS = 5.0  # between two lines: a log of an hour stays short


@contextmanager
def advance(total: int, shown: bool) -> Iterator[Callable[[], object]]:
    """What is called after each array; it shows nothing where nothing is to be shown.

    The bar needs rich; without it a terminal gets the lines, too.
    """
    if not shown:
        yield lambda: None
        return
    if sys.stderr.isatty():
        try:
            from rich.console import Console
            from rich.progress import Progress
        except ImportError:
            pass
        else:
            with Progress(console=Console(stderr=True), transient=True) as bar:
                task = bar.add_task("arrays", total=total)
                yield lambda: bar.advance(task)
            return
    yield _Lines(total).advance


class _Lines:
    """Counts arrays, and says every few seconds how many there were."""

    def __init__(self, total: int) -> None:
        self.total, self.count, self.last = total, 0, time.monotonic()

    def advance(self) -> None:
        """Count one array; print where the last line is long enough ago."""
        self.count += 1
        now = time.monotonic()
        if now - self.last >= _SECONDS:
            self.last = now
            print(f"{self.count} of {self.total} arrays", file=sys.stderr, flush=True)

"""Writing a file so that nothing is lost: it is whole, or what was there before still is.

The new content goes to a folder beside the file, and takes its place in one step of the system.
What the old file was stays: its mode, its owner where the system allows that, and a link to it,
whose target is replaced. A file that nobody may write is not replaced either, though its folder
would let one. When the process is told to end (SIGTERM, Ctrl-C, any error), the folder goes.
"""

from __future__ import annotations

import os
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from uniconv.errors import BadFile

__all__ = ["replacement"]


class _Terminated(BaseException):
    """SIGTERM, as an error that runs through every ``finally``."""


@contextmanager
def replacement(path: Path) -> Iterator[Path]:
    """Where to write what takes the place of ``path`` when the block is left without an error.

    Raises:
        BadFile: ``path`` is no regular file, or one that is only to be read.
    """
    target = Path(os.path.realpath(path))
    old = target.stat() if target.exists() else None
    if old is not None and not stat.S_ISREG(old.st_mode):
        raise BadFile(f"{path} is no regular file")
    if old is not None and not (old.st_mode & 0o222 and os.access(target, os.W_OK)):
        raise BadFile(
            f"{path} is only to be read (its mode is {stat.S_IMODE(old.st_mode):04o}): allow "
            f"writing, chmod u+w {path}, or write another file"
        )
    with (
        _ended_in_order(),
        tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name[:64]}.") as folder,
    ):
        part = Path(folder) / target.name
        yield part
        if old is not None:
            _give_to_owner_of(old, part)
            part.chmod(stat.S_IMODE(old.st_mode))
        part.replace(target)


def _give_to_owner_of(old: os.stat_result, part: Path) -> None:
    """The old file's owner and group, one or both where the system allows it."""
    if hasattr(os, "chown"):
        for owner, group in ((-1, old.st_gid), (old.st_uid, -1)):
            with suppress(OSError):  # only root may give a file away
                os.chown(part, owner, group)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let SIGTERM end the process only when what the block made is cleaned up.

    A program that handles the signal itself is left alone, and so are threads, which get none.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(_: int, __: FrameType | None) -> None:
        raise _Terminated

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except _Terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

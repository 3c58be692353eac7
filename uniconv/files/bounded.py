"""Binary files read within their bounds: what a file declares is held against what it holds.

``Limits`` counts what one file may be made into; ``Data`` is bytes with a place to read at. Both
raise ``BadFile`` before anything is reserved that the file has not shown it can fill.

Three limits, because three things can be made large out of few bytes: the numbers (a zip of zeros,
a shape without data), the number of things (groups that hold each other), and the depth (lists in
lists, which end Python's stack). The first grows with the file, so that ordinary files never meet
it; the error says which limit it was and the value with which the file would be read.

Files are mapped into memory, not read: a page is fetched when a number in it is asked for, and what
the file's directory claims to contain reserves nothing.
"""

from __future__ import annotations

import math
import mmap
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile

__all__ = ["MAX_ARRAYS", "MAX_DEPTH", "Data", "Limits", "beside", "strided", "text"]

MAX_DEPTH = 64
MAX_ARRAYS = 100_000
_TIMES_THE_FILE = 16  # packed weights unpack to 8 times, a zip of zeros to a thousand
_AT_LEAST = 1 << 24


class _Mapped(mmap.mmap):
    """A mapped file as zipfile wants a file to be."""

    def seekable(self) -> bool:
        """zipfile asks this before anything else."""
        return True

    def seek(self, pos: int, whence: Any = 0) -> Any:
        """Go to a place and tell it; outside of the map is an OSError, which zipfile expects."""
        try:
            super().seek(pos, whence)
        except ValueError as error:
            raise OSError(str(error)) from None
        return self.tell()


@dataclass(slots=True)
class Limits:
    """What one file may be made into; counted while it is read.

    ``most`` (``max_bytes``) is for its arrays together; None is 16 times the files that were
    opened, and at least 16 MiB.  ``max_depth`` is for groups within groups; ``max_arrays`` for
    arrays, and for lists, groups and whatever else leads to them ten times as many.
    """

    path: Path
    most: int | None = None
    max_depth: int = MAX_DEPTH
    max_arrays: int = MAX_ARRAYS
    file_bytes: int = 0
    array_bytes: int = 0
    arrays: int = 0
    steps: int = 0
    hdf5: mmap.mmap | bytes = b""  # the bytes of the HDF5 file that is open

    @property
    def max_bytes(self) -> int:
        """The limit that holds now: it grows with each file that is opened."""
        return max(_AT_LEAST, self.file_bytes * _TIMES_THE_FILE) if self.most is None else self.most

    def map(self, path: Path) -> memoryview:
        """The bytes of a file, read when they are asked for."""
        with path.open("rb") as file:
            self.file_bytes += path.stat().st_size
            try:
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            except ValueError:  # an empty file cannot be mapped
                return memoryview(b"")

    def zip(self, path: Path) -> zipfile.ZipFile:
        """A zip archive, or ``BadZipFile``, whatever is wrong with it.

        It is mapped: a file would reserve as much as its directory claims to have.
        """
        with path.open("rb") as file:
            self.file_bytes += path.stat().st_size
            try:
                data: Any = _Mapped(file.fileno(), 0, access=mmap.ACCESS_READ)
                return zipfile.ZipFile(data)
            except Exception as error:
                raise zipfile.BadZipFile(str(error)) from None

    def check(self, size: int, name: str) -> None:
        """Ask whether there may be ``size`` bytes more, for a while."""
        whole = self.array_bytes + size
        if size < 0 or whole > self.max_bytes:
            raise BadFile(
                f"{self.path}, {name}: {whole:,} bytes are more than max_bytes="
                f"{self.max_bytes:,}: where this is right, files.load(..., max_bytes={whole}) or "
                f"--max-bytes {whole}"
            )

    def hold(self, size: int, name: str) -> None:
        """Ask for ``size`` bytes more, for an array."""
        self.check(size, name)
        self.array_bytes += size

    def fits(self, shape: Sequence[int], dtype: np.dtype[Any] | str, name: str) -> None:
        """Ask for an array of that shape."""
        if any(n < 0 for n in shape) or len(shape) > 64:
            raise BadFile(f"{self.path}, {name}: {tuple(shape)} is no shape")
        self.hold(math.prod(shape) * np.dtype(dtype).itemsize, name)

    def array(self) -> None:
        """Count an array."""
        self.arrays += 1
        if self.arrays > self.max_arrays:
            raise BadFile(f"{self.path} has more arrays than max_arrays={self.max_arrays:,}")

    def check_depth(self, depth: int) -> None:
        """Ask whether something may lie so deep."""
        if depth > self.max_depth:
            raise BadFile(
                f"{self.path} is deeper than max_depth={self.max_depth}, or goes in a circle"
            )

    def step(self, depth: int = 0, count: int = 1) -> None:
        """Count a group, a list, a record on the way to arrays, which lies ``depth`` deep."""
        self.steps += count
        self.check_depth(depth)
        if self.steps > 10 * self.max_arrays:
            raise BadFile(
                f"{self.path} leads to more than ten times max_arrays={self.max_arrays:,} places"
            )


def beside(path: Path, location: str) -> Path:
    """A file that another one names: in the same folder or one below, and no link out of it."""
    folder = path.parent.resolve()
    other = folder / location.replace("\0", "/")
    inside = not Path(location).is_absolute() and other.resolve().is_relative_to(folder)
    if not inside or "\0" in location or not other.is_file():
        raise BadFile(f"{path} keeps arrays in {location!r}, which is no file beside it")
    return other


class Data:
    """Bytes and the place to read at; ``where`` begins the message when there are too few."""

    __slots__ = ("at", "bytes", "order", "where")

    def __init__(
        self, data: memoryview | bytes, where: str, order: Literal["<", ">"] = "<", at: int = 0
    ) -> None:
        self.bytes, self.where, self.order, self.at = memoryview(data), where, order, at

    @property
    def left(self) -> int:
        """How many bytes lie behind the place."""
        return len(self.bytes) - self.at

    def go(self, at: int) -> Data:
        """The same bytes, read from ``at``."""
        if not 0 <= at <= len(self.bytes):
            raise BadFile(f"{self.where}: byte {at} is outside the {len(self.bytes)} there are")
        return Data(self.bytes, self.where, self.order, at)

    def take(self, size: int) -> memoryview:
        """The next ``size`` bytes."""
        if not 0 <= size <= self.left:
            raise BadFile(
                f"{self.where}: {size} bytes are declared at byte {self.at}, {self.left} are left"
            )
        self.at += size
        return self.bytes[self.at - size : self.at]

    def number(self, code: str) -> Any:
        """The next number, by its letter in ``struct``."""
        code = self.order + code
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def text(self, size: int) -> str:
        """The next ``size`` bytes as UTF-8."""
        return text(self.take(size), self.where)

    def line(self) -> str:
        """The text up to the next line's end."""
        end = bytes(self.bytes[self.at : self.at + 4096]).find(b"\n")
        if end < 0:
            raise BadFile(f"{self.where}: a line does not end")
        line = self.text(end)
        self.at += 1
        return line

    def array(self, dtype: np.dtype[Any] | str, shape: Sequence[int]) -> NDArray[Any]:
        """The next numbers as an array of its own, in the machine's byte order."""
        file_dtype = np.dtype(dtype).newbyteorder(self.order)
        raw = self.take(math.prod(shape) * file_dtype.itemsize)
        array = np.frombuffer(raw, file_dtype).astype(file_dtype.newbyteorder("="), copy=True)
        return array.reshape(shape)


def text(data: memoryview | bytes, where: str) -> str:
    """Bytes as UTF-8."""
    try:
        return bytes(data).decode()
    except UnicodeDecodeError:
        raise BadFile(f"{where}: a name is no text in UTF-8") from None


def strided(
    storage: NDArray[Any], shape: list[int], strides: list[int], offset: int, limits: Limits
) -> NDArray[Any]:
    """The numbers of a tensor as an array of its own, its last axis fastest."""
    limits.fits(shape, storage.dtype, "a tensor")
    last = offset + sum((n - 1) * s for n, s in zip(shape, strides))
    if 0 in shape:
        return np.empty(shape, storage.dtype)
    if offset < 0 or min(strides, default=0) < 0 or last >= len(storage):
        raise BadFile(f"{limits.path} is damaged: a tensor goes beyond its storage")
    steps = [s * storage.itemsize for s in strides]
    view = np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False)
    return np.ascontiguousarray(view).reshape(shape) if shape else view.copy()

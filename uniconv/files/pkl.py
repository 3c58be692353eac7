"""Pickles of arrays in dictionaries and lists: Lasagne's and Detectron's weights, joblib's files.

Nothing in them is run: :mod:`uniconv.files.pickles` knows the names of arrays and containers alone,
and a pickle that needs any other is refused. joblib packs its files, and so do people; the content
says how, and that it is a pickle, since the endings (.pkl, .gz, .lz4, .joblib) do not.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from uniconv.errors import BadFile
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray
from uniconv.files.pickles import nested_arrays

__all__ = ["is_pickle", "read"]


def _lz4() -> Any:
    """The unpacker of LZ4's frames, for which Python has none."""
    from lz4.frame import LZ4FrameDecompressor

    return LZ4FrameDecompressor()


# What a packed file begins with, and what unpacks it; each takes the most that it may give
_UNPACKERS: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(31),  # gzip
    b"\x78": lambda: zlib.decompressobj(15),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lzma.LZMADecompressor,
    b"\x5d\0\0": lzma.LZMADecompressor,
    b"\x04\x22\x4d\x18": _lz4,
}
_PICKLE = re.compile(rb"\x80[\2-\5]")


def is_pickle(path: Path, head: bytes) -> bool:
    """Whether a file is a pickle of protocol 2 or later, also a packed one, or is called so."""
    if path.suffix.lower() in (".pkl", ".pickle", ".joblib") or _PICKLE.match(head):
        return True
    unpacker = _unpacker(head)
    if unpacker is None:
        return False
    try:
        # The first bytes give nothing where the first block is longer: 4 MB in LZ4.
        start = unpacker().decompress(head, 2) or unpacker().decompress(path.read_bytes(), 2)
    except ImportError:
        return True  # only with lz4 could more be known
    except (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError):
        return False  # it only begins so
    return bool(_PICKLE.match(start))


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The arrays, by the keys and places that lead to them, ``param values.0``."""
    packed = limits.map(path)
    unpacker = _unpacker(bytes(packed[:8]))
    # joblib's lz4 takes bytes only, and no pickle is larger than its arrays may be together.
    data = bytes(packed)
    if unpacker is not None:
        try:
            data = unpacker().decompress(data, limits.max_bytes + 1)
        except ImportError:
            raise BadFile(f"{path} is packed by LZ4: reading it needs pip install lz4") from None
        limits.check(len(data), "what is packed in it")
    for name, array in nested_arrays(data, str(path), limits):
        yield NamedArray(name or path.stem, array)


def _unpacker(head: bytes) -> Callable[[], Any] | None:
    """What unpacks a file that begins so."""
    return next((own for sign, own in _UNPACKERS.items() if head.startswith(sign)), None)

"""HDF5: datasets in groups, read within their file and its limits.

An HDF5 file is a tree of groups and datasets; both have attributes. A name in a group is a link:
hard (the thing itself), soft (a path in this file), or external (a path in another file, refused,
as is a dataset whose numbers lie in other files). Since hard links may form circles, and forty
groups of two links each are a thousand billion paths, every group is entered once.

Numbers of a dataset lie in one piece or in chunks, each through filters such as gzip. A chunk is
unpacked whole, and HDF5 reserves what the chunk turns out to have: where gzip could exceed the
limits, the chunk is unpacked here first, no further than its declared size.
"""

from __future__ import annotations

import math
import mmap
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray

__all__ = [
    "Places",
    "array_of",
    "attribute",
    "children",
    "datasets",
    "import_h5py",
    "is_number",
    "member",
    "natural",
    "opened",
    "write",
]

_GZIP_AT_MOST = 1032  # bytes for each, https://zlib.net/zlib_tech.html
_HEAP = b"GCOL\1\0\0\0"


def write(path: Path, arrays: Iterable[tuple[str, NDArray[Any]]]) -> None:
    """A dataset an array; a slash in a name makes groups."""
    h5py = import_h5py(path)
    with h5py.File(path, "w", track_order=True) as file:
        for name, array in arrays:
            if array.dtype.kind not in "biufc":
                raise BadFile(f"{path.name}, {name}: .h5 has no dtype {array.dtype}")
            if "\0" in name or not {"", "."}.isdisjoint(name.split("/")):
                raise BadFile(
                    f"{path.name}: {name!r} is no path in HDF5: it must be names with / between "
                    "them, none of which is empty or a point"
                )
            group = file
            # Groups are made in the order of the names, which track_order keeps for readers.
            *parents, last = name.split("/")
            for parent in parents:
                if parent not in group:
                    group.create_group(parent, track_order=True)
                group = group[parent]
                if not hasattr(group, "keys"):
                    raise BadFile(f"{path.name}, {name}: {parent} is an array already")
            if last in group:
                raise BadFile(f"{path.name}, {name}: this is a group already")
            try:
                group.create_dataset(last, data=array)
            except (TypeError, ValueError) as error:
                raise BadFile(f"{path.name}, {name}: HDF5 cannot hold it: {error}") from None


def import_h5py(path: Path) -> Any:
    """h5py, or the way to get it."""
    try:
        import h5py
    except ImportError:
        raise BadFile(f'{path.name}: HDF5 needs pip install "uniconv-torch[files]"') from None
    return h5py


@contextmanager
def opened(path: Path, limits: Limits, inside: IO[bytes] | None = None) -> Iterator[Any]:
    """The open file; ``inside`` instead of the path where it lies in an archive."""
    h5py = import_h5py(path)
    if inside is None:
        path.open("rb").close()  # h5py's own message for a missing file is long
        limits.file_bytes += path.stat().st_size
    with _mapped(path, inside) as limits.hdf5:
        _check_heaps(limits.hdf5, path)
        try:
            file = h5py.File(inside or path, "r")
        except OSError:
            raise BadFile(f"{path} is no HDF5 file") from None
        with file:
            yield file["/"]


@contextmanager
def _mapped(path: Path, inside: IO[bytes] | None) -> Iterator[mmap.mmap | bytes]:
    """The bytes of the file."""
    with path.open("rb") if inside is None else nullcontext(inside) as file:
        if not file.seek(0, 2):
            yield b""
            return
        file.seek(0)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


def _check_heaps(data: mmap.mmap | bytes, path: Path) -> None:
    """Refuse a heap of words in which no step leads on: HDF5 1.14 would step for ever.

    https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html#GlobalHeap ; the loop is in
    src/H5HGcache.c, H5HG__cache_heap_deserialize, where object 0 may have no size.
    """
    # A heap has a sign, its size, and from byte 16 on objects: an index of two bytes, and at byte 8
    # their size.  Index 0 is free space, whose size counts its own head; others are rounded up to
    # 8.
    start = data.find(_HEAP)
    while start >= 0:
        end = start + int.from_bytes(data[start + 8 : start + 16], "little")
        at = start + 16
        while at + 16 <= min(end, len(data)):
            size = int.from_bytes(data[at + 8 : at + 16], "little")
            free = data[at : at + 2] == b"\0\0"
            if free and size < 16:
                raise BadFile(f"{path} is damaged: a heap at byte {start} has no end")
            at += size if free else 16 + size + -size % 8
        start = data.find(_HEAP, start + 1)


def _check_words(name: str, limits: Limits) -> None:
    """Refuse words of an attribute that are longer than the file: HDF5 would make room for them.

    https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html#AttributeMessage
    """
    # A message is a version, flags, the sizes of three parts in two bytes each (in version 3 an
    # encoding), and the parts: name, datatype, dataspace; version 1 rounds them up to 8.  Then come
    # the words: 16 bytes for each, first its length.  Class 9 of a datatype is of varying length.
    data, key = limits.hdf5, name.encode() + b"\0"
    at = data.find(key)
    while at >= 0:
        for version, head, unit in ((1, 8, 8), (2, 8, 1), (3, 9, 1)):
            message = data[max(at - head, 0) : at]
            if len(message) < head or message[0] != version:
                continue
            sizes = [n + -n % unit for n in struct.unpack_from("<3H", message, 2)]
            if sizes[0] - len(key) in range(unit) and data[at + sizes[0]] % 16 == 9:
                space, words = at + sum(sizes[:2]), at + sum(sizes)
                dims = space + (8 if data[space] == 1 else 4)
                rank = data[space + 1]
                count = math.prod(struct.unpack(f"<{rank}Q", data[dims : dims + 8 * rank]))
                own = data[words : words + 16 * count]
                longest = max(
                    (length for length, _, _ in struct.iter_unpack("<IQI", own)), default=0
                )
                if longest > len(data):
                    raise BadFile(
                        f"{limits.path} is damaged: {name} has a word of {longest:,} bytes"
                    )
        at = data.find(key, at + 1)


def children(group: Any) -> list[str]:
    """The names in a group: in the order of creation where it was kept, else 2 before 10."""
    import h5py

    tracks = group.id.get_create_plist().get_link_creation_order() & h5py.h5p.CRT_ORDER_TRACKED
    return list(group) if tracks else sorted(group, key=natural)


def member(group: Any, key: str, limits: Limits, depth: int = 0) -> Any:
    """What a name in a group stands for, in this file: a link to another file is refused."""
    import h5py

    limits.step(depth)
    # Every kind of link is looked at before HDF5 could follow it: only the thing itself and a path
    # in this file are opened.
    link = group.get(key, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        raise BadFile(
            f"{limits.path}: {key} lies in another file, {link.filename!r}, which is not opened"
        )
    if isinstance(link, h5py.SoftLink):  # followed step by step: it may lead through another link
        item = group.file["/"] if link.path.startswith("/") else group
        for part in link.path.split("/"):
            item = member(item, part, limits, depth + 1) if part not in ("", ".") else item
        return item
    return group[key]


def attribute(item: Any, name: str, limits: Limits, default: Any = None) -> Any:
    """An attribute of a group or dataset, whose declared size is held against the limits first."""
    if name not in item.attrs:
        return default
    declared = item.attrs.get_id(name)
    size = math.prod(declared.shape) * declared.dtype.itemsize
    limits.check(size, f"the attribute {name}")
    if declared.dtype == object:
        _check_words(name, limits)
    return item.attrs[name]


def array_of(dataset: Any, name: str, limits: Limits) -> NDArray[Any]:
    """The numbers of a dataset, which lie in this file and fit in memory."""
    if dataset.is_virtual or dataset.external:
        raise BadFile(f"{limits.path}: {name} lies in other files, which are not opened")
    limits.fits(dataset.shape, dataset.dtype, name)
    if dataset.chunks:  # each is unpacked whole
        size = math.prod(dataset.chunks) * dataset.dtype.itemsize
        limits.check(size, f"a chunk of {name}")
        _check_chunks(dataset, size, name, limits)
    return np.asarray(dataset[()])


def _check_chunks(dataset: Any, size: int, name: str, limits: Limits) -> None:
    """Refuse gzip that unpacks to more than a chunk: HDF5 would make room for all of it."""
    # Most files pass without unpacking: even at gzip's best ratio their bytes would fit.
    room = limits.max_bytes - limits.array_bytes
    if dataset.compression != "gzip" or dataset.id.get_storage_size() * _GZIP_AT_MOST <= room:
        return
    # Only chunks that are large enough to unpack beyond the limits are tried, one at a time.
    for k in range(dataset.id.get_num_chunks()):
        info = dataset.id.get_chunk_info(k)
        if info.size * _GZIP_AT_MOST > room:
            _, chunk = dataset.id.read_direct_chunk(info.chunk_offset)
            try:
                content = zlib.decompressobj().decompress(chunk, size + 1)
            except zlib.error as error:
                raise BadFile(f"{limits.path}, {name}: {error}") from None
            if len(content) > size:
                raise BadFile(
                    f"{limits.path}, {name}: a chunk unpacks to more than its {size} bytes"
                )


class Places:
    """The groups on the way to a place: one that is met twice is a circle, or a bomb."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.addresses: set[int] = set()

    def enter(self, group: Any, name: str) -> None:
        """Go into a group; BadFile where it was met before."""
        import h5py

        address = h5py.h5o.get_info(group.id).addr
        if address in self.addresses:
            raise BadFile(f"{self.limits.path}: {name} is a group that another name leads to, too")
        self.addresses.add(address)


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in names by value."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)
    ]


def is_number(dataset: Any) -> bool:
    """Whether a dataset holds numbers, and has a shape at all."""
    return dataset.dtype.kind in "biufc" and dataset.shape is not None


def datasets(
    group: Any, limits: Limits, skip: frozenset[str] = frozenset()
) -> Iterator[NamedArray]:
    """The datasets of numbers in a group, under their paths."""
    places = Places(limits)

    def walk(group: Any, prefix: str, depth: int) -> Iterator[NamedArray]:
        """The datasets in a group and those below, depth first."""
        places.enter(group, prefix)
        for key in children(group):
            item, name = member(group, key, limits, depth), f"{prefix}{key}"
            if hasattr(item, "keys"):
                yield from walk(item, f"{name}/", depth + 1)
            elif name not in skip and hasattr(item, "shape") and is_number(item):
                yield NamedArray(name, array_of(item, name, limits))

    yield from walk(group, "", 0)

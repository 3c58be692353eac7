"""Julia's .jld2, which is HDF5: structs, tuples and dictionaries lead to arrays by references.

The format: https://juliaio.github.io/JLD2.jl/stable/format/

A field that is no plain number is a reference to a dataset elsewhere in the file, in ``_refs`` or
beside it; a struct is a compound of such fields under their names; a ``Vector{Any}`` is a dataset
of references; a dictionary is one of entries (first, second). ``_types`` describes the types, which
are not needed: HDF5 has the numbers' dtype, and the names of the fields are in the compound.

Julia's arrays have their first axis fastest and HDF5's their last, and JLD2 writes the bytes as
they are: a (5, 4, 3, 2) array of Julia's is a (2, 3, 4, 5) dataset, so that each is transposed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from uniconv.errors import BadFile
from uniconv.files import hdf5
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray

__all__ = ["read"]


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The arrays of numbers, indexed as in Julia, under their paths: ``model.layers[1].weight``.

    An array that several paths lead to is read once, under the first.
    """
    with hdf5.opened(path, limits) as file:
        yield from _GroupWalk(path, file, limits).group(file, "", 0)


class _GroupWalk:
    """Goes through groups, datasets and references; each dataset once, whoever leads to it."""

    def __init__(self, path: Path, file: Any, limits: Limits) -> None:
        import h5py

        self.path, self.file, self.limits, self.h5py = path, file, limits, h5py
        self.places = hdf5.Places(limits)
        self.addresses: set[int] = set()

    def group(self, group: Any, prefix: str, depth: int) -> Iterator[NamedArray]:
        """What a group has, in its order."""
        self.places.enter(group, prefix)
        for key in hdf5.children(group):
            if key == "_types":  # what the structs are, not what is in them
                continue
            item, name = hdf5.member(group, key, self.limits, depth), f"{prefix}{key}"
            if isinstance(item, self.h5py.Group):
                yield from self.group(item, f"{name}/", depth + 1)
            elif isinstance(item, self.h5py.Dataset):
                yield from self.dataset(item, name, depth)

    def dataset(self, dataset: Any, name: str, depth: int) -> Iterator[NamedArray]:
        """A dataset of numbers is an array; one of structs or references leads on."""
        self.limits.step(depth)
        # References may lead to one dataset from many places, and in a circle: the address tells
        # that it was here before.
        place = self.h5py.h5o.get_info(dataset.id).addr
        if place in self.addresses:
            return
        self.addresses.add(place)
        try:
            dtype = dataset.dtype
        except TypeError as error:
            raise BadFile(f"{self.path}, {name}: {error}") from None
        if dataset.shape is None or self.h5py.check_string_dtype(dtype):
            return
        if dtype.kind in "biufc":
            yield NamedArray(
                name, self.read(dataset, name).T
            )  # Julia's first axis is stored as the last
        elif _is_complex(dtype):
            parts = self.read(dataset, name).T
            yield NamedArray(name, parts[dtype.names[0]] + 1j * parts[dtype.names[1]])
        elif dtype.names or self.h5py.check_ref_dtype(dtype):
            values = self.read(dataset, name)
            if not dataset.shape:
                yield from self.value(values[()], dtype, name, depth)
                return
            values = values.T
            for index in np.ndindex(values.shape):
                inner = f"{name}[{', '.join(str(i + 1) for i in index)}]"
                yield from self.value(values[index], dtype, inner, depth)

    def read(self, dataset: Any, name: str) -> Any:
        """The content of a dataset, within the limits."""
        return hdf5.array_of(dataset, name, self.limits)

    def value(
        self, value: Any, dtype: np.dtype[Any], name: str, depth: int
    ) -> Iterator[NamedArray]:
        """What an entry of a struct is: an array, another struct, an entry of a dictionary."""
        if isinstance(value, self.h5py.Reference):
            target = self.target(value, name)
            if isinstance(target, self.h5py.Dataset):
                yield from self.dataset(target, name, depth + 1)
        elif dtype.names == ("first", "second"):  # an entry of a dictionary
            key = self.key(value["first"], name)
            inner = name if key is None else f"{name.rpartition('[')[0]}[{key}]"
            yield from self.value(value["second"], dtype["second"], inner, depth)
        elif dtype.names:
            for field in dtype.names:
                inner = f"{name}[{field}]" if field.isdecimal() else f"{name}.{field}"
                if field in ("kvvec", "dict"):  # how JLD2 writes a dictionary
                    inner = name
                yield from self.value(value[field], dtype[field], inner, depth)

    def key(self, value: Any, name: str) -> str | None:
        """A key that is a word."""
        if isinstance(value, self.h5py.Reference):
            target = self.target(value, name)
            value = target[()] if isinstance(target, self.h5py.Dataset) else None
        return value.decode() if isinstance(value, bytes) else None

    def target(self, reference: Any, name: str) -> Any:
        """What a reference leads to, or None."""
        try:
            return self.file[reference] if reference else None
        except (KeyError, ValueError):
            raise BadFile(f"{self.path}, {name}: a reference leads nowhere") from None


def _is_complex(dtype: np.dtype[Any]) -> bool:
    """Whether a struct is a complex number, as Julia's or as h5py's fields name its parts."""
    names = dtype.names or ()
    return names in (("re", "im"), ("re_", "im_")) and dtype[0].kind == "f"

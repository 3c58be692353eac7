"""TorchScript's archives: the tensors of their modules; their code is not looked at.

``data.pkl`` is a pickle of the module: here its classes are made into plain holders of attributes,
its functions are the few that make tensors, and nothing else can be named.
https://github.com/pytorch/pytorch/blob/v2.6.0/torch/csrc/jit/serialization/pickler.cpp and
docs/serialization.md beside it; the storages: torch/serialization.py .

The archive: ``model/data.pkl`` (the module), ``model/data/0``, ... (storages),
``model/constants.pkl`` (tensors that the code mentions), ``model/code/*.py`` (the code, which is
never read), and ``model/byteorder``. In the pickle a module is an object of a class
``__torch__...`` with a dictionary of attributes as its state, and a tensor is a call of
``_rebuild_tensor_v2``.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Data, Limits, strided
from uniconv.files.dtypes import dtype_of
from uniconv.files.named_array import NamedArray
from uniconv.files.nested import leaves
from uniconv.files.pickles import Unpickler

__all__ = ["is_torchscript", "read"]

_STORAGES = {
    "Float": "float32",
    "Double": "float64",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
}


def is_torchscript(names: list[str]) -> bool:
    """An archive with the code of modules."""
    return any(re.search(r"^[^/]+/code/.*\.py$", name) for name in names)


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """Parameters, buffers and attributes that are tensors, ``conv.weight``; then the constants."""
    with limits.zip(path) as archive:
        names = archive.namelist()
        # All names of the archive begin with one folder, which torch calls as the file was called.
        root = names[0].partition("/")[0] if names else ""
        order = f"{root}/byteorder"
        big = order in names and archive.read(order).strip() == b"big"
        for part, prefix in (("data", ""), ("constants", "CONSTANTS.c")):
            if f"{root}/{part}.pkl" in names:
                reader = _Unpickler(archive, f"{root}/{part}", path, limits, ">" if big else "<")
                for name, value in leaves(reader.load(), limits, _opened):
                    if isinstance(value, _Tensor):
                        yield NamedArray(prefix + name, value.array(prefix + name))


class _Holder:
    """An object of any class: what it was made of, and its attributes."""

    parts: tuple[Any, ...] = ()
    attributes: Any = None

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __setstate__(self, state: Any) -> None:
        """Keep the attributes; nothing is run."""
        self.attributes = state


@dataclass(frozen=True)
class _Tensor:
    """Where the numbers of a tensor are."""

    storage: tuple[str, str]  # dtype, name in the archive
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    source: _Unpickler

    def array(self, name: str) -> NDArray[Any]:
        """The numbers, from the storage in the archive; read only when their turn comes."""
        source, (kind, key) = self.source, self.storage
        where = f"{source.path}, {name}"
        data = Data(source.entry(key, name), where, source.order)
        dtype = dtype_of(kind, where)
        storage = data.array(dtype, (data.left // dtype.itemsize,))
        return strided(storage, list(self.shape), list(self.strides), self.offset, source.limits)


class _Unpickler(Unpickler):
    """A pickle read with the few names that tensors need; every other name is refused."""

    def __init__(
        self, archive: zipfile.ZipFile, part: str, path: Path, limits: Limits, order: Any
    ) -> None:
        self.archive, self.part, self.path, self.limits = archive, part, path, limits
        self.order = order
        super().__init__(io.BytesIO(self.entry("", "")))

    def entry(self, key: str, name: str) -> bytes:
        """The pickle itself, or one of its storages."""
        full = f"{self.part}/{key}" if key else f"{self.part}.pkl"
        try:
            info = self.archive.getinfo(full)
        except KeyError:
            raise BadFile(f"{self.path}, {name}: {full} is not in the archive") from None
        self.limits.check(info.file_size, full)
        return self.archive.read(info)

    def find_class(self, module: str, name: str) -> Any:
        """What a name in the pickle stands for: a holder, a function here, or an error."""
        self.limits.step()
        if module.startswith("__torch__"):
            return _Holder
        # Three functions of torch, made here of tuples; no name of the file reaches an import.
        functions: dict[str, Callable[..., Any]] = {
            "torch._utils._rebuild_tensor_v2": lambda *arguments: self.tensor(*arguments),
            "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
            "collections.OrderedDict": OrderedDict,
        }
        if module == "torch.jit._pickle":  # lists and dictionaries of one type
            return lambda *values: values[0] if values else None
        if f"{module}.{name}" in functions:
            return functions[f"{module}.{name}"]
        match = re.fullmatch(r"(\w+)Storage", name)
        if module == "torch" and match and match[1] in _STORAGES:
            return _STORAGES[match[1]]
        raise BadFile(f"{self.path} names {module}.{name}, which uniconv does not make")

    def persistent_load(self, key: Any) -> tuple[str, str]:
        """Which storage a tensor has: its dtype and its file in the archive."""
        if not isinstance(key, tuple) or len(key) < 3 or key[0] != "storage":
            raise BadFile(f"{self.path}: {key!r:.80} is no storage")
        return str(key[1]), str(key[2])

    def tensor(self, storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
        """What ``_rebuild_tensor_v2`` is called with, kept until the numbers are asked for."""
        numbers = (offset, *shape, *strides)
        if not (isinstance(storage, tuple) and all(type(n) is int for n in numbers)):
            raise BadFile(f"{self.path} is damaged: a tensor has no storage")
        return _Tensor(storage, offset, tuple(shape), tuple(strides), self)


def _opened(value: Any) -> Any:
    """The attributes of a holder; without a state, as of named tuples, what it was made of."""
    return (value.attributes or value.parts) if isinstance(value, _Holder) else value

"""PyTorch's files: tensors only; code in them is never run.

Since 1.6 a file is a zip (``archive/data.pkl``, ``archive/data/0``, ...): a pickle of dictionaries
in which a tensor is a storage, a shape and strides, and one file for each storage. Before, it was a
pickle of three parts with the storages behind it.
``torch.load(weights_only=True)`` allows tensors, dictionaries, lists and numbers; whatever else a
pickle names (modules, optimizers, lambdas) is refused, since making it would run code.

Tensors of a zip stay in the file, mapped, until they are asked for: torch would reserve as much as
the archive's directory claims, which is why a compressed entry, which torch never writes, is
refused.
"""

from __future__ import annotations

import io
import pickle
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray
from uniconv.files.nested import leaves
from uniconv.files.tensors import to_numpy, to_torch

__all__ = ["read", "write"]


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The tensors; those in dictionaries and lists under their paths, ``model.conv.weight``."""
    import torch

    for name, tensor in leaves(_load(path, limits), limits):
        if not isinstance(tensor, torch.Tensor):
            continue
        size = tensor.nelement() * tensor.element_size()  # a view may have more than its storage
        limits.hold(size, name or path.stem)
        yield NamedArray(name or path.stem, to_numpy(tensor, f"{path}, {name}"))


def _load(path: Path, limits: Limits) -> Any:
    """What the file holds, tensors left in the file until they are asked for."""
    import torch

    is_zip = zipfile.is_zipfile(path)  # then one tensor at a time is read
    if is_zip:
        with limits.zip(path) as archive:
            for entry in archive.infolist():
                if entry.compress_type != zipfile.ZIP_STORED:
                    raise BadFile(f"{path}: {entry.filename} is compressed, as PyTorch writes none")
    source: Any = path
    if not is_zip:
        limits.file_bytes += path.stat().st_size
        source = io.BytesIO(path.read_bytes())  # a file would reserve whatever it is asked to read
        if source.getvalue()[:1] != b"\x80":
            raise BadFile(f"{path} is no PyTorch file")
    try:
        return torch.load(source, map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError:
        raise BadFile(
            f"{path} holds Python objects, not only tensors: reading them would run the file's "
            "code; save model.state_dict()"
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        reason = str(error).partition("\n")[0] or f"{type(error).__name__}: it was cut off"
        raise BadFile(f"{path} is no PyTorch file: {reason}") from None


def write(path: Path, arrays: Iterable[tuple[str, NDArray[Any]]]) -> None:
    """A dictionary of tensors, as ``torch.save(model.state_dict(), path)`` writes it.

    torch wants all tensors at once: they lie in a file beside it, mapped into memory.
    """
    import torch

    with tempfile.NamedTemporaryFile(dir=path.parent) as data:
        places = []
        for name, array in arrays:
            to_torch(np.empty(0, array.dtype), f"{path.name}, {name}")  # refused, or not
            places.append((name, array.dtype, array.shape, data.tell()))
            data.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
            data.write(bytes(-data.tell() % 64))
        data.flush()
        tensors = {
            name: to_torch(_mapped(data.name, dtype, shape, offset), name)
            for name, dtype, shape, offset in places
        }
        torch.save(tensors, path)


def _mapped(file: str, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int) -> NDArray[Any]:
    """An array whose numbers stay in a file; changes to it do not reach the file."""
    if 0 in shape:
        return np.zeros(shape, dtype)
    return np.memmap(file, dtype, "c", offset, shape)

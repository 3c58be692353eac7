"""Arrays: torch, NumPy and anything with DLPack go in, the same kind comes out."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch
from torch import Tensor

from uniconv.errors import BadArray


def to_torch(a: Any, device: torch.device | str | None = None) -> Tensor:
    """The array as a tensor, without a copy where memory allows.

    A tensor stays on its device; NumPy goes to CUDA when there is one, else to the CPU; ``device``
    decides otherwise.
    """
    if isinstance(a, Tensor):
        return _moved(a, device)
    if isinstance(a, np.ndarray):
        return _moved(_from_numpy(a), device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if hasattr(a, "__dlpack__"):
        tensor = torch.utils.dlpack.from_dlpack(a)
        return _moved(tensor, device)
    raise BadArray(
        f"{type(a).__module__}.{type(a).__qualname__} is no array: give a torch tensor, a NumPy "
        "array or an array with DLPack (numpy.asarray makes one of lists)"
    )


def like(y: Tensor, original: Any) -> Any:
    """The tensor as an array of the kind that ``original`` is."""
    if isinstance(original, Tensor):
        return y
    if isinstance(original, np.ndarray):
        if y.is_meta:
            raise BadArray('device="meta" has no numbers to give back as a NumPy array')
        return _to_numpy(y, original.dtype)
    if hasattr(original, "__array_namespace__"):
        return original.__array_namespace__().from_dlpack(y.detach())
    package = sys.modules[type(original).__module__.partition(".")[0]]
    if hasattr(package, "from_dlpack"):
        return package.from_dlpack(y.detach())
    raise BadArray(f"{type(original)} gives DLPack but {package.__name__} has no from_dlpack")


def shape_of(a: Any, role: str) -> tuple[int, ...]:
    """The shape of an array; BadArray for what has none."""
    try:
        return tuple(a.shape)
    except (AttributeError, RuntimeError):  # a nested tensor has no shape, either
        kind = f"{type(a).__module__}.{type(a).__qualname__}"
        raise BadArray(f"{role} is a {kind}, no array: give a tensor or a NumPy array") from None


def _moved(a: Tensor, device: torch.device | str | None) -> Tensor:
    if device is None:
        return a
    try:
        return a.to(torch.device(device))
    except (AssertionError, RuntimeError, TypeError) as error:  # a CPU build asserts against CUDA
        reason = str(error).partition("\n")[0]
        raise BadArray(f"device={device!r}: {reason}") from None


class _Writable:
    """A read-only array's memory, offered as writable: torch warns otherwise, but only reads it."""

    def __init__(self, a: np.ndarray[Any, Any]) -> None:
        self._owner = a
        self.__array_interface__ = a.__array_interface__ | {"data": (a.ctypes.data, False)}


def _from_numpy(a: np.ndarray[Any, Any]) -> Tensor:
    if any(s < 0 or s % a.itemsize for s in a.strides) and a.size:
        a = a.copy()  # torch has no negative strides
    if a.dtype.name == "bfloat16":  # ml_dtypes: NumPy itself has no bfloat16
        return _from_numpy(a.view(np.int16)).view(torch.bfloat16)
    if not a.flags.writeable:
        a = np.asarray(_Writable(a))
    try:
        return torch.from_numpy(a)
    except (TypeError, ValueError) as error:
        raise BadArray(f"torch cannot read a NumPy array of dtype {a.dtype}: {error}") from None


def _to_numpy(y: Tensor, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    y = y.detach().cpu().resolve_conj().resolve_neg()
    if y.dtype is torch.bfloat16:
        return y.view(torch.int16).numpy().view(dtype)
    return y.numpy()

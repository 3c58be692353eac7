"""Arrays: torch, NumPy and anything with DLPack go in, the same kind comes out."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch
from torch import Tensor

from uniconv._messages import suggest
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
        return _moved(_from_dlpack(a), device)
    raise BadArray(
        f"{kind_name(a)} is no array: give {_inside(a)}a torch tensor, a NumPy "
        "array or an array with DLPack (numpy.asarray makes one of lists)"
    )


def like(y: Tensor, original: Any) -> Any:
    """The tensor as an array of the kind that ``original`` is.

    By the array API's namespace where it has one, else by its package's ``from_dlpack``.

    Raises:
        BadArray: a kind that can be read but not made, or NumPy from a tensor without numbers.
    """
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
    if isinstance(a, Tensor) and a.is_nested:
        raise BadArray(
            f"{role} is a nested tensor, whose rows have lengths of their own: call once for each "
            f"of {role}.unbind(), or give {role}.to_padded_tensor(0)"
        )
    try:
        return tuple(a.shape)
    except (AttributeError, RuntimeError):
        inside = _inside(a)
        raise BadArray(
            f"{role} is a {kind_name(a)}, no array: give {inside}a tensor or a NumPy array"
        ) from None


def dtype_name(dtype: Any) -> str:
    """A dtype of torch or NumPy as both of them spell it: "float32"."""
    return str(dtype).removeprefix("torch.")


def kind_name(a: Any) -> str:
    """The type of an object as a message names it: "numpy.ndarray"."""
    return f"{type(a).__module__}.{type(a).__qualname__}"


def _inside(a: Any) -> str:
    """Where an object holds an array, as what uniconv.files reads does: the words for it."""
    return "its .array, " if isinstance(getattr(a, "array", None), (np.ndarray, Tensor)) else ""


def _from_dlpack(a: Any) -> Tensor:
    """A tensor of the same memory; BadArray in the words of whoever refused."""
    try:
        return torch.utils.dlpack.from_dlpack(a)
    except Exception as error:  # each package has its own: JAX's tracer an AttributeError
        if "Tracer" in type(a).__name__:
            raise BadArray(
                f"{kind_name(a)} has no numbers yet: uniconv computes outside jax.jit, jax.grad "
                "and jax.vmap; take the call out of them, or wrap it in jax.pure_callback"
            ) from None
        raise BadArray(f"torch cannot read a {kind_name(a)} by DLPack: {error}") from None


def _moved(a: Tensor, device: torch.device | str | None) -> Tensor:
    """The tensor on a device; BadArray where there is no such device."""
    if device is None:
        return a
    try:
        return a.to(torch.device(device))
    except (AssertionError, RuntimeError, TypeError) as error:  # a CPU build asserts against CUDA
        raise BadArray(f"device={device!r}: {_reason(device, error)}") from None


def _reason(device: torch.device | str, error: Exception) -> str:
    """Why a device is none, in torch's words but for what its words do not help with."""
    if str(device).partition(":")[0].lower() in ("gpu", "nvidia"):
        return 'torch has no device of that name: did you mean "cuda"?'
    kinds = ("cpu", "cuda", "mps", "xpu", "meta")
    kind = str(device).partition(":")[0].lower()
    if kind not in kinds and suggest(kind, kinds):
        return f"torch has no device of that name{suggest(kind, kinds)}"
    if "not compiled with CUDA" in str(error) or "No CUDA" in str(error):
        return f'{error}; leave device out, or give device="cpu"'
    return str(error).partition("\n")[0]


class _Writable:
    """A read-only array's memory, offered as writable: torch warns otherwise, but only reads it.

    The owner is kept, so that its memory lives as long as the tensor.
    """

    def __init__(self, a: np.ndarray[Any, Any]) -> None:
        self._owner = a
        self.__array_interface__ = a.__array_interface__ | {"data": (a.ctypes.data, False)}


def _from_numpy(a: np.ndarray[Any, Any]) -> Tensor:
    """A tensor of the same memory where torch can have it; else of a copy.

    Raises:
        BadArray: masked arrays, strings, objects, and dtypes that torch has not (complex256).
    """
    if isinstance(a, np.ma.MaskedArray):
        raise BadArray(
            "a masked array's mask would be dropped: fill what it hides, array.filled(0), or give "
            "array.data to compute with the numbers behind the mask"
        )
    if a.dtype.kind in "USO":
        kind = "Python objects" if a.dtype.kind == "O" else "strings"
        raise BadArray(
            f"a NumPy array of {kind} ({a.dtype}) has no numbers to convolve: "
            'array.astype("float32") reads them as numbers'
        )
    if not a.dtype.isnative:
        a = a.astype(a.dtype.newbyteorder("="))  # from a file of a machine of the other byte order
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
    """The numbers on the CPU; bfloat16, which NumPy lacks, by its bits and ml_dtypes' dtype."""
    y = y.detach().cpu().resolve_conj().resolve_neg()
    if y.dtype is torch.bfloat16:
        try:
            own = dtype if dtype.name == "bfloat16" else np.dtype("bfloat16")
        except TypeError:
            raise BadArray("y is bfloat16, which NumPy has after import ml_dtypes") from None
        return y.view(torch.int16).numpy().view(own)
    return y.numpy()

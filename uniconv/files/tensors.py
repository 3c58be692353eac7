"""torch tensors as NumPy arrays, in the dtypes of ml_dtypes where NumPy has none, and back.

Both ways without a copy: NumPy's array and torch's tensor are one memory. A dtype that NumPy lacks
is carried as integers of its size and then called by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile

__all__ = ["to_numpy", "to_torch"]

if TYPE_CHECKING:
    from torch import Tensor

_OF_ML_DTYPES = ("bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")


def to_numpy(tensor: Tensor, where: str) -> NDArray[Any]:
    """The tensor's memory as an array."""
    import torch

    tensor = tensor.detach().resolve_conj().resolve_neg()
    name = str(tensor.dtype).removeprefix("torch.")
    if name not in _OF_ML_DTYPES:
        try:
            return tensor.numpy()
        except (TypeError, RuntimeError):
            kind = f"{str(tensor.layout).removeprefix('torch.')} {name}"
            raise BadFile(f"{where} is {kind}, which NumPy does not have") from None
    try:
        import ml_dtypes
    except ImportError:
        raise BadFile(
            f"{where} is {name}, which NumPy does not have: reading it needs pip install ml_dtypes"
        ) from None
    # torch hands NumPy no dtype of ml_dtypes: the same bytes go as integers.
    bits = {1: torch.uint8, 2: torch.int16}[tensor.itemsize]
    return tensor.view(bits).numpy().view(np.dtype(getattr(ml_dtypes, name)))


def to_torch(array: NDArray[Any], where: str) -> Tensor:
    """The array's memory as a tensor."""
    import torch

    # The other way round: torch takes no dtype of ml_dtypes from NumPy.
    name = array.dtype.name
    if name in _OF_ML_DTYPES:
        bits = {1: np.uint8, 2: np.int16}[array.itemsize]
        return torch.from_numpy(array.view(bits)).view(getattr(torch, name))
    try:
        return torch.from_numpy(array)
    except TypeError:
        raise BadFile(f"{where}: PyTorch has no dtype {array.dtype}") from None

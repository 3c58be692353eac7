"""torch tensors as NumPy arrays, in the dtypes of ml_dtypes where NumPy has none, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile

if TYPE_CHECKING:
    from torch import Tensor


def to_numpy(tensor: Tensor, where: str) -> NDArray[Any]:
    """The tensor's memory as an array."""
    import torch

    tensor = tensor.detach().resolve_conj().resolve_neg()
    name = str(tensor.dtype).removeprefix("torch.")
    if not name.startswith(("bfloat16", "float8")):
        return tensor.numpy()
    try:
        import ml_dtypes
    except ImportError:
        raise BadFile(
            f"{where} is {name}, which NumPy does not have: reading it needs pip install ml_dtypes"
        ) from None
    if not hasattr(ml_dtypes, name):
        raise BadFile(f"{where} is {name}, which ml_dtypes {ml_dtypes.__version__} does not have")
    bits = {1: torch.uint8, 2: torch.int16}[tensor.itemsize]
    return tensor.view(bits).numpy().view(np.dtype(getattr(ml_dtypes, name)))

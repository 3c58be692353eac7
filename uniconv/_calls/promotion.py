"""The dtype that arrays of several dtypes are convolved in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np
import torch

from uniconv._canonical.arrays import dtype_name
from uniconv.spec.op import Op


def common_dtype(op: Op, dtypes: Mapping[str, str]) -> str:
    """What arrays of these dtypes, by role, become in a function; "" where there are none.

    >>> from uniconv.spec.registry import find
    >>> mixed = {"x": "int32", "w": "float32"}
    >>> common_dtype(find("numpy.convolve"), mixed), common_dtype(find("lux.Conv"), mixed)
    ('float64', 'float32')
    """
    if not dtypes or op.mixed_dtypes == "w":
        return dtypes.get("w", "")
    if op.mixed_dtypes == "depth":
        return computed_in(dtypes, "")
    if op.mixed_dtypes == "x" and not any(d[0] in "fc" for d in dtypes.values()):
        return "int64"
    if op.mixed_dtypes in ("numpy", "x"):
        return np.result_type(*map(np.dtype, dtypes.values())).name
    common = reduce(torch.promote_types, (getattr(torch, d) for d in dtypes.values()))
    return dtype_name(common)


def computed_in(dtypes: Mapping[str, str], result: str) -> str:
    """The floating-point dtype of the sum: float64 where x or y has that."""
    return "float64" if "float64" in (dtypes.get("x"), result) else "float32"


def result_dtype(op: Op, dtypes: Mapping[str, str]) -> str:
    """The dtype of y: the common one; x's, or complex as x's, where y keeps the dtype of x.

    >>> from uniconv.spec.registry import find
    >>> result_dtype(find("scipy.ndimage.correlate"), {"x": "float32", "w": "complex128"})
    'complex64'
    """
    common = common_dtype(op, dtypes)
    if op.mixed_dtypes != "x" or not dtypes:
        return common
    return np.promote_types(dtypes["x"], "complex64" if common[0] == "c" else dtypes["x"]).name

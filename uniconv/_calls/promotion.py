"""The dtype that arrays of several dtypes are convolved in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
import torch

from uniconv._canonical.arrays import dtype_name
from uniconv.errors import BadArray
from uniconv.spec.op import COMPLEX, FLOATS, NUMPY_INTEGERS, Op

# By torch's dtypes, the names of those that functions take.
DTYPES = {getattr(torch, name): name for name in (*FLOATS, *NUMPY_INTEGERS, *COMPLEX)}


def check_dtypes(
    op: Op, rank: int, dtypes: Mapping[str, torch.dtype], *, exchanged: bool = False
) -> None:
    """BadArray for dtypes, by role, that the function does not take, alone or together.

    exchanged: whether the function makes x its kernel, and w its input.
    """
    mixed = bool(op.mixed_dtypes) and len(set(dtypes.values())) > 1
    other = {"x": "w", "w": "x"} if exchanged else {}
    for role, dtype in dtypes.items():
        converted = op.converted.get(other.get(role, role), ()) if mixed else ()
        check_dtype(op, rank, role, dtype, converted)
    names, taken = {role: DTYPES[dtype] for role, dtype in dtypes.items()}, op.dtypes_of(rank)
    if mixed and not set(names.values()) <= set(taken):
        became = result_dtype(op, names)
        if became not in taken:
            raise BadArray(
                f"{op.name}: {', '.join(names)} are {', '.join(names.values())}, and y would be "
                f"{became}, which is not one of {', '.join(taken)}: convert one of them"
            )


def check_dtype(
    op: Op, rank: int, name: str, dtype: torch.dtype, converted: Sequence[str] = ()
) -> None:
    """BadArray for a dtype that the function does not take with this many spatial axes.

    converted: those that are taken beside another dtype.
    """
    taken = (*op.dtypes_of(rank), *converted)
    if DTYPES.get(dtype) not in taken:
        got = dtype_name(dtype)
        raise BadArray(
            f"{op.name}: {name} is {got}, which is not one of {', '.join(taken)}"
            f"{_conversion(name, dtype, taken)}"
        )


def _conversion(name: str, dtype: torch.dtype, taken: Sequence[str]) -> str:
    """How to make an array's numbers of a dtype that is taken and holds them."""
    if dtype.is_complex:
        return f": convolve {name}.real and {name}.imag one by one" if "float32" in taken else ""
    target = "float32" if "float32" in taken else taken[0]
    return f': {name}.astype("{target}"), or {name}.to(torch.{target})'


def common_dtype(op: Op, dtypes: Mapping[str, str], result: str = "") -> str:
    """What arrays of these dtypes, by role, become in a function; "" where there are none.

    result: the dtype that the call asks for.

    >>> from uniconv.spec.registry import find
    >>> mixed = {"x": "int32", "w": "float32"}
    >>> common_dtype(find("numpy.convolve"), mixed), common_dtype(find("jax.numpy.convolve"), mixed)
    ('float64', 'float32')
    """
    if not dtypes or op.mixed_dtypes == "w":
        return dtypes.get("w", "")
    if op.mixed_dtypes == "depth":
        return computed_in(dtypes, "")
    names = tuple(dtypes.values())
    whole = not any(d[0] in "fc" for d in names) and "bfloat16" not in names
    if op.mixed_dtypes == "x":
        if whole and (result or dtypes["x"])[0] not in "fc":
            return "int64"
        wide = ("float64",) if whole or result == "float64" else ()
        return np.result_type(*map(np.dtype, (*names, *wide))).name
    if op.mixed_dtypes in ("inexact", "float32") and not (whole and result):
        return _inexact(names, whole, wide=op.mixed_dtypes == "inexact")
    if op.mixed_dtypes == "single":
        kind = "complex" if any(d.startswith("complex") for d in names) else "float"
        single = bool({"float32", "complex64"} & set(names))
        return {"float": ("float64", "float32"), "complex": ("complex128", "complex64")}[kind][
            single
        ]
    if op.mixed_dtypes in ("numpy", "fft", "inexact"):
        # scipy.signal.fftconvolve makes float64 of integers first, and float32 of float16.
        integers = any(d in NUMPY_INTEGERS for d in names)
        fft = op.mixed_dtypes == "fft"
        more = ("float64",) if integers and fft else ("float32",) if fft else ()
        return np.result_type(*map(np.dtype, (*names, *more))).name
    return dtype_name(reduce(torch.promote_types, (getattr(torch, d) for d in names)))


def _inexact(names: Sequence[str], whole: bool, wide: bool) -> str:
    """JAX's promotion, which lets a float win over any integer, and then of integers a float.

    wide: whether integers of 64 bits become float64, as in jax.numpy, or float32, as in Flax.
    """
    # jax 0.10.2 jax/_src/numpy/util.py promote_dtypes_inexact
    if whole:
        common = np.result_type(*map(np.dtype, names))
        # An integer that no dtype holds, as one of int64 or uint64, is a float64 to both.
        return "float64" if common.itemsize == 8 and (wide or common.kind == "f") else "float32"
    floats = [getattr(torch, d) for d in names if d[0] in "fc" or d == "bfloat16"]
    return dtype_name(reduce(torch.promote_types, floats))


def computed_in(dtypes: Mapping[str, str], result: str) -> str:
    """The floating-point dtype of the sum: float64 where x or y has that."""
    return "float64" if "float64" in (dtypes.get("x"), result) else "float32"


def result_dtype(op: Op, dtypes: Mapping[str, str], result: str = "") -> str:
    """The dtype of y: the common one; x's, or complex as x's, where y keeps the dtype of x.

    result: the dtype that the call asks for.

    >>> from uniconv.spec.registry import find
    >>> result_dtype(find("scipy.ndimage.correlate"), {"x": "float32", "w": "complex128"})
    'complex64'
    """
    common = common_dtype(op, dtypes, result)
    if op.mixed_dtypes != "x" or not dtypes or result:
        return result or common
    return np.promote_types(dtypes["x"], "complex64" if common[0] == "c" else dtypes["x"]).name

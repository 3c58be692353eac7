"""What a caller gives: arrays of any kind with what they may be off, and the function expected.

Whatever kind an array is of, the search sees float64 (or complex128).  What its own kind means for
y is kept beside it: the digits that a printed array shows, the short format that it was stored in.
So "the same number" can mean what it means for this y, and never more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._calls.lower import LoweredCall, lower
from uniconv._canonical.arrays import dtype_name, to_torch
from uniconv._diagnose.hypothesis import Change, Problem
from uniconv._diagnose.precision import (
    UNITS,
    EightBits,
    Errors,
    quantized,
    rounded,
    storage,
)
from uniconv._messages import show_shape
from uniconv.errors import BadArray, BadShape
from uniconv.spec.op import Op

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class InputArray:
    """An array in float64 (or complex128), how far a value may be off, and its own dtype."""

    array: Array
    error: float
    dtype: str
    name: str | None = None
    stored: str | None = None


def read_array(a: Any, role: str, tolerance: float | None = None) -> InputArray:
    """Read one array of a call: torch, NumPy, DLPack, or ``uniconv.files.NamedArray``.

    A NamedArray brings the error of its printed digits along, and its name for the code of fixes.
    """
    # NamedArray is known by what it has, not by its class: ``uniconv.files`` need not be loaded.
    error: float = 0.0
    name = getattr(a, "name", None) if hasattr(a, "error") else None
    if hasattr(a, "error") and hasattr(a, "array"):
        error = float(np.max(a.error, initial=0.0))
        a = a.array
    if isinstance(a, tuple):
        raise BadArray(f"{role} is the shape {a}: give its numbers")
    if isinstance(a, np.ndarray):
        own: Array = a
    else:
        tensor = to_torch(a, "cpu").detach().resolve_conj()
        dtype = dtype_name(tensor.dtype)
        if dtype == "bfloat16":
            return _checked(tensor.double().numpy(), role, error, tolerance, dtype, name)
        own = tensor.numpy()
    if own.dtype.kind not in "iufcb" and own.dtype.name != "bfloat16":
        raise BadArray(f"{role} has dtype {own.dtype}, no numbers: give integers or floats")
    return _checked(own, role, error, tolerance, own.dtype.name, name)


def _checked(
    own: Array, role: str, error: float, tolerance: float | None, dtype: str, name: str | None
) -> InputArray:
    """The array in float64 or complex128, with its error; BadArray for inf and nan.

    stored: the short format of its numbers, by the dtype, or where all of them are such numbers.
    """
    array = own.astype(np.complex128 if own.dtype.kind == "c" else np.float64)
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        at = ", ".join(map(str, bad[0]))
        raise BadArray(
            f"{role} has {len(bad)} values that are no finite numbers, the first at "
            f"{role}[{at}]: diagnose compares finite numbers"
        )
    stored = storage(own) if own.dtype.kind == "f" else None
    if dtype in ("bfloat16", "float16"):
        stored = dtype
    return InputArray(array, max(error, tolerance or 0.0), dtype, name, stored)


def tolerances(tolerance: float | Mapping[str, float] | None) -> dict[str, float]:
    """What the arrays may be off, by role: a number is meant for y, a dictionary says which.

    Raises:
        BadArray: another role than x, w and y, or no number of at least 0.
    """
    if tolerance is None:
        return {}
    by_role = dict(tolerance) if isinstance(tolerance, Mapping) else {"y": tolerance}
    for role, value in by_role.items():
        if role not in ("x", "w", "y"):
            raise BadArray(f"tolerance[{role!r}]: the arrays are x, w and y")
        if not (isinstance(value, (int, float)) and 0 <= value < float("inf")):
            raise BadArray(f"tolerance of {role} is {value!r}; it must be a number of at least 0")
    return by_role


def problem(
    op: Op,
    options: Mapping[str, Any],
    x: InputArray,
    w: InputArray,
    y: InputArray,
    pointwise: InputArray | None = None,
) -> Problem:
    """The expected call with its arrays; the errors of ``lower`` where it cannot be."""
    # Zero points are taken off here, since the search knows sums of products only.
    shapes = [x.array.shape, w.array.shape]
    if pointwise is not None:
        shapes.append(pointwise.array.shape)
    call = lower(op, options, *shapes)
    y, reshaped = unflattened(call, y)
    zeros = [np.asarray(z, float) for z in call.zero_points]
    own_x = x.array - zeros[0] if zeros[0].any() else x.array
    p = None if pointwise is None else pointwise.array
    kernel = w.array.conj() if op.conjugates else w.array
    flattened = reshaped is not None
    return Problem(call, own_x, kernel - zeros[1], y.array, p, flattened=flattened)


def unflattened(call: LoweredCall, y: InputArray) -> tuple[InputArray, Change | None]:
    """y with the axes of the function's result, and the change that it has others.

    Raises:
        BadShape: y has another number of axes and not as many numbers, so that none can be told.
    """
    shape, own = call.output, y.array.shape
    if len(own) == len(shape):
        return y, None
    if y.array.size != prod(shape):
        raise BadShape(
            f"{call.op.name}: y {show_shape(own)} has {len(own)} axes, the expected "
            f"result {show_shape(shape)} has {len(shape)}; add or drop axes of size 1"
        )
    longer = [[n for n in sizes if n > 1] for sizes in (own, shape)]
    text = "y is flattened"
    if longer[0] == longer[1]:
        text = "y has not the same axes of size 1 as the result"
    elif len(own) > 1:
        text = f"y is reshaped to {show_shape(own)}"
    code = (("y", f"{{}}.reshape({', '.join(map(str, shape))})"),)
    change = Change("shape of y", show_shape(shape), show_shape(own), text, 1.0, code)
    return replace(y, array=y.array.reshape(shape)), change


def errors(x: InputArray, w: InputArray, y: InputArray) -> Errors:
    """What the arrays may be off."""
    # Only y's short format counts as rounding: x and w are what they are.
    # The numbers next to 0 of float16 are 2**-24 apart.
    least = 2.0**-25 if y.stored == "float16" else 0.0
    return Errors(x.error, w.error, y.error, UNITS[y.stored] if y.stored else 0.0, least)


def short(p: Problem, precision: str | EightBits) -> Problem:
    """The same problem with x and w rounded to a short format, or made 8-bit integers.

    Made past ``__init__``, which would read the layouts again; the readings are of other numbers
    and begin anew.
    """
    other = object.__new__(Problem)
    other.__dict__.update(p.__dict__, readings={})
    if isinstance(precision, EightBits):
        # A kernel's output channels: o, or what they are made of, groups and multipliers.
        each = tuple(n for n, letter in enumerate(p.w.letters) if letter in "ogm")
        if precision.x:
            other.x = p.x.with_values(quantized(p.x.array, precision.x))
        if precision.w:
            values = quantized(p.w.array, precision.w, each if precision.per_channel else ())
            other.w = p.w.with_values(values)
        return other
    other.x, other.w = (a.with_values(rounded(a.array, precision)) for a in (p.x, p.w))
    if p.pointwise is not None:
        other.pointwise = rounded(p.pointwise, precision)
    return other

"""What the caller gives, as the framework reads it before it convolves.

Most functions take arrays of their layouts and nothing else.  NumPy and SciPy read nested lists
and numbers, too; a kernel that is a product of two vectors takes each as a row or a column; SciPy's
``output`` and OpenCV's ``dst`` may be an array that y is written into, and Flax's ``mask`` one that
the kernel is multiplied by.  Here such calls become plain ones, so that what follows knows arrays
of the function's layout only.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from uniconv._canonical.arrays import dtype_name, like, shape_of, to_torch
from uniconv._canonical.record import Shape
from uniconv._messages import show_shape
from uniconv.errors import BadArray, BadOption
from uniconv.spec.op import Op

_POINT = "the pointwise kernel"


class PlainCall(NamedTuple):
    """The arrays of a call in the function's layout, its options, and where y goes.

    kernels: how many the function takes; of two, ``pointwise`` is the second.
    shape: that of y where a vector of another shape than the layout's was given; None for as it is.
    into: the array that y is written into; None for none.
    """

    x: Any
    w: Any
    pointwise: Any
    options: Mapping[str, Any]
    kernels: int = 1
    shape: tuple[int, int] | None = None
    into: Any = None

    @property
    def shapes(self) -> list[Shape]:
        """The shapes of x and of each kernel; BadArray for what has none."""
        of_x, of_w = shape_of(self.x, "x"), shape_of(self.w, "w")
        return [of_x, of_w] if self.kernels == 1 else [of_x, of_w, shape_of(self.pointwise, _POINT)]

    def returned(self, y: Any) -> Any:
        """y as the caller wants it: as a row or a column, in an array that was given."""
        if self.shape is not None:
            return y.reshape(self.shape)
        if self.into is None:
            return y
        self.into[...] = y.reshape(self.into.shape)
        return self.into


def arguments(op: Op, x: Any, w: Any, pointwise: Any, options: Mapping[str, Any]) -> PlainCall:
    """The call as it was given, read as the framework reads it.

    Raises:
        BadArray: a nested list that is no array, a mask whose numbers would not fit into w.
        BadOption: an output array of another shape than y would have, a mask of another than w.
    """
    if op.reads_lists:
        x, w = _from_list(x, "x"), _from_list(w, "w")
    mask = options.get(op.mask) if op.mask else None
    if mask is not None:
        w = _masked(op, w, mask)
        options = {name: value for name, value in options.items() if name != op.mask}
    shape = None
    w, pointwise = kernels_of(op, w, pointwise)
    if op.vectors == "numbers":
        x, w = _at_least_one_axis(x, "x"), _at_least_one_axis(w, "w")
    elif op.vectors == "both":
        shape = _lying(x, w, options)
        x, w = _flat(x), _flat(w)
    kernels = 2 if op.pointwise or op.outer_product else 1
    into = options.get(op.output) if op.output else None
    if isinstance(into, np.ndarray) and isinstance(x, np.ndarray):
        options, into = _into(op, x, into, options)
        return PlainCall(x, w, pointwise, options, kernels, into=into)
    return PlainCall(x, w, pointwise, options, kernels, shape)


def kernels_of(op: Op, w: Any, pointwise: Any) -> tuple[Any, Any]:
    """Two kernels that are vectors without their axes of one, a kernel that is a row with its."""
    if op.vectors == "kernels":
        return _flat(w), _flat(pointwise)
    if op.vectors == "row" and len(shape_of(w, "w")) == 1:
        return w.reshape(1, -1), pointwise
    return w, pointwise


def is_plain(op: Op, x: Any, w: Any, options: Mapping[str, Any]) -> bool:
    """Whether ``arguments`` would change nothing of a call with one kernel."""
    read = arguments(op, x, w, None, options)
    return read.x is x and read.w is w and read.options is options


def axes_of(w: Any) -> int:
    """How many axes a kernel has, an array's or a nested list's."""
    if isinstance(w, numbers.Number):
        return 0
    if not isinstance(w, (list, tuple)):
        return len(shape_of(w, "w"))
    return 1 + (axes_of(w[0]) if w and isinstance(w[0], (list, tuple)) else 0)


def _from_list(a: Any, role: str) -> Any:
    """An array of what is a list or a number; any other object as it is."""
    if not isinstance(a, (list, tuple, range, numbers.Number)):
        return a
    try:
        return np.asarray(a)
    except (TypeError, ValueError) as error:
        raise BadArray(f"{role} is a list that NumPy makes no array of: {error}") from None


def _masked(op: Op, w: Any, mask: Any) -> Any:
    """The kernel times a mask of its shape, in the kernel's dtype, as JAX promotes them."""
    kernel, factors = to_torch(w), to_torch(mask)
    if kernel.shape != factors.shape:
        must = f"must have the kernel's, {show_shape(kernel.shape)}"
        raise BadOption(f"{op.name}: {op.mask} of shape {show_shape(factors.shape)} {must}")
    held = torch.promote_types(kernel.dtype, factors.dtype) is kernel.dtype
    # without jax_enable_x64 JAX makes float32 of a mask of float64
    shortened = kernel.dtype is torch.float32 and factors.dtype is torch.float64
    if not (held or shortened):
        dtypes = [dtype_name(a.dtype) for a in (kernel, factors)]
        raise BadArray(f"{op.name}: w is {dtypes[0]}, {op.mask} {dtypes[1]}: give it w's dtype")
    return like(kernel * factors.to(kernel), w)


def _flat(a: Any) -> Any:
    """A row or a column as a vector of one axis; any other array as it is."""
    shape = getattr(a, "shape", ())
    return a.reshape(-1) if len(shape) == 2 and 1 in shape else a


def _at_least_one_axis(a: Any, role: str) -> Any:
    """An array without axes as a vector of one number; any other array as it is."""
    return a if shape_of(a, role) else a.reshape(1)


def _lying(x: Any, w: Any, options: Mapping[str, Any]) -> tuple[int, int] | None:
    """The shape of y where x or w is a row or a column; None where both are of one axis.

    The whole result lies as the longer of both does, as w where they are alike; a part of it as x
    (MATLAB's conv.m, and GNU Octave 7.3.0).
    """
    shapes = [shape_of(a, role) for a, role in ((x, "x"), (w, "w"))]
    lying = [s for s in shapes if len(s) == 2 and 1 in s]
    if not lying:
        return None
    rows = [s[0] == 1 if len(s) == 2 else lying[0][0] == 1 for s in shapes]
    first, second = (max(s, default=1) for s in shapes)
    as_w = options.get("shape", "full") == "full" and first <= second
    return (1, -1) if rows[as_w] else (-1, 1)


def _into(op: Op, x: Any, into: Any, options: Mapping[str, Any]) -> tuple[Mapping[str, Any], Any]:
    """The options with a dtype in the place of an array, and the array where y fits in."""
    others = {name: value for name, value in options.items() if name != op.output}
    if op.result_option is None or op.result_option.option != op.output:
        # OpenCV makes a new array where dst has not y's shape and dtype.
        return others, into if _fits(op, x, into, options) else None
    if into.shape != x.shape:
        must = f"has shape {show_shape(into.shape)}; it must have y's, {show_shape(x.shape)}"
        raise BadOption(f"{op.name}: {op.output} {must}")
    return {**others, op.output: into.dtype}, into


def _fits(op: Op, x: Any, into: Any, options: Mapping[str, Any]) -> bool:
    """Whether y of an image has the shape and the dtype of an array."""
    rule = op.result_option
    dtype_named = None if rule is None else rule.table.get(options.get(rule.option))
    image = tuple(x.shape)
    shapes = (image, image[:-1]) if op.drops_single and image[2:] == (1,) else (image,)
    return into.shape in shapes and into.dtype == (dtype_named or x.dtype)

"""Image filters that give y in another depth than x: which they give, and sums made integers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from uniconv._calls.lower import LoweredCall
from uniconv._calls.promotion import computed_in
from uniconv._canonical.arrays import dtype_name
from uniconv._canonical.image_sums import Sums, filtered, rounded_away
from uniconv._messages import show
from uniconv.errors import BadArray
from uniconv.spec.op import FLOATS, NUMPY_INTEGERS


def depth(call: LoweredCall, x: str) -> str:
    """The dtype of y for an x of that dtype.

    Raises:
        BadArray: the function takes no such x, or gives no such y of it.
    """
    op = call.op
    if x not in op.depths:
        raise BadArray(f"{op.name}: x is {x}, which is not one of {', '.join(op.depths)}")
    result = call.result or x
    if result not in op.depths[x]:
        assert op.result_option is not None
        words = {dtype: word for word, dtype in op.result_option.table.items()}
        gave = call.context.gave(op.result_option.option, words[call.result])
        listed = ", ".join(f"{show(words[d])} ({d})" for d in op.depths[x])
        many = math.prod(call.sizes.kernel) >= 50 and not op.outer_product
        others = f"; others, which {op.title} has by Fourier transforms, are not modelled"
        raise BadArray(
            f"{op.name}: {gave} ({result}) of {x} is not one of {listed}{others if many else ''}"
        )
    return result


def in_depth(call: LoweredCall, compute: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The call on tensors with y in the depth that it has; ``compute`` takes arrays of floats.

    It raises BadArray where the function takes no such arrays, or gives no such y of them; and
    where a pixel's sum is so near to a half that rounding errors, whose order differs between
    processors and sizes, decide which integer it becomes.
    """

    def run(x: Tensor, w: Tensor, bias: Any, pointwise: Any, addend: Any) -> Tensor:
        result = depth(call, dtype_name(x.dtype))
        if result not in NUMPY_INTEGERS:
            x, w, pointwise = _as_floats(call, x, w, pointwise, result)
            return compute(x, w, bias, pointwise, addend)
        if call.op.halves == "even":
            # A stored kernel has axes of channels, too.
            kernels = (w.reshape(call.sizes.kernel),) if pointwise is None else (w, pointwise)
            sums = Sums(call.conv.pad, call.conv.boundary, float(call.shift), result)
            y, doubtful = filtered(x.detach().cpu(), [k.detach().cpu() for k in kernels], sums)
            y = y.reshape(call.output).to(x.device)
        else:
            y = compute(x.double(), w.double(), None, None, None)
            y, doubtful = rounded_away(x, w, y, call.shift, result)
        _certain(call, y, doubtful)
        return y

    return run


def _certain(call: LoweredCall, y: Tensor, doubtful: int) -> None:
    """Refuse y of which some pixels are not certain."""
    if doubtful:
        raise BadArray(
            f"{call.op.name}: {doubtful} of {y.numel()} pixels are so near to a half that rounding "
            f"errors of {call.op.title}, which its processor decides, make them one integer or the "
            f"next: {_float_depth(call)} keeps the sum"
        )


def _float_depth(call: LoweredCall) -> str:
    """What gives y the sum itself."""
    rule = call.op.result_option
    if rule is None:
        return 'x.astype("float64")'
    words: dict[Any, Any] = {dtype: word for word, dtype in rule.table.items()}
    return f"{rule.option}={show(words['float32'])} (float32) or {words['float64']} (float64)"


def _as_floats(
    call: LoweredCall, x: Tensor, w: Tensor, pointwise: Tensor | None, result: str
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The arrays in the dtype of the sum.

    Raises:
        BadArray: a kernel of complex numbers.
    """
    named = {"x": x, "w": w} | ({} if pointwise is None else {"p": pointwise})
    dtypes = {name: dtype_name(a.dtype) for name, a in named.items()}
    for name, dtype in dtypes.items():
        if dtype not in (*FLOATS, *NUMPY_INTEGERS):
            raise BadArray(f"{call.op.name}: {name} is {dtype}, which is no kernel of real numbers")
    common = getattr(torch, computed_in(dtypes, result))
    return x.to(common), w.to(common), None if pointwise is None else pointwise.to(common)

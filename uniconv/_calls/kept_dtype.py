"""y in the dtype of x, or in that of ``output``, whatever the sum is computed in.

SciPy's image filters sum in float64 and cast; integers then have no fraction, see ``cut_sums``.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

import torch
from torch import Tensor

from uniconv._calls.lower import LoweredCall
from uniconv._calls.promotion import DTYPES, check_dtypes, result_dtype
from uniconv._canonical.cut_sums import as_integers, in_order, of_dtype
from uniconv.errors import BadArray


def in_dtype(call: LoweredCall, compute: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The call on tensors with y in the dtype that it keeps; ``compute`` gives that of the sum."""

    def run(x: Tensor, w: Tensor, *others: Tensor | None) -> Tensor:
        kept = _kept_dtype(call, x, w)
        if kept is None:
            return compute(x, w, *others)
        if _is_cut(call, kept, x, w):
            return _cut(call, kept, x, w)
        return of_dtype(compute(x, w, *others), kept)

    return run


def _kept_dtype(call: LoweredCall, x: Tensor, w: Tensor) -> torch.dtype | None:
    """The dtype of y where it is that of x or of ``output``, whatever is computed in.

    Raises:
        BadArray: the call asks for real numbers of complex arrays, or the other way round.
    """
    named = {"x": DTYPES.get(x.dtype, ""), "w": DTYPES.get(w.dtype, "")}
    if "" in named.values():
        return None
    if call.result is not None:
        complex_arrays = any(d.startswith("complex") for d in named.values())
        if call.result.startswith("complex") is not complex_arrays:
            rule = call.op.result_option
            assert rule is not None
            gave = call.context.gave(rule.option, call.context.options[rule.option])
            must = (
                "be complex, as x or w is"
                if complex_arrays
                else "not be complex, since x and w are real"
            )
            raise BadArray(f"{call.op.name}: {gave} must {must}")
    return getattr(torch, result_dtype(call.op, named, call.result or ""))  # type: ignore[no-any-return]


def _is_cut(call: LoweredCall, kept: torch.dtype, x: Tensor, w: Tensor) -> bool:
    """Whether y has integers, and the sum, or what lies around x, fractions.

    Raises:
        BadArray: what lies around x is infinite or no number: y would hang on the machine.
    """
    if kept.is_floating_point or kept.is_complex or kept is torch.bool:
        return False
    fill = call.conv.fill
    if not isinstance(fill, complex) and not isfinite(fill):
        assert call.op.fill is not None
        dtype = DTYPES[kept]
        raise BadArray(f"{call.op.name}: {call.op.fill.option}={fill} is no {dtype}, which y is")
    fraction = not isinstance(fill, complex) and fill != int(fill)
    return fraction or x.is_floating_point() or w.is_floating_point()


def _cut(call: LoweredCall, kept: torch.dtype, x: Tensor, w: Tensor) -> Tensor:
    """y of integers, of which each is a sum without its fraction."""
    check_dtypes(call.op, call.rank, {"x": x.dtype, "w": w.dtype})
    # Functions along one axis, which an option names, have loops of their own.
    pairs = call.op.layout.names_one_axis
    kernel = w.detach().cpu().reshape(call.sizes.kernel)
    y = in_order(x.detach().cpu(), kernel, call.conv, pairs=pairs)
    return as_integers(y, kept).to(x.device)

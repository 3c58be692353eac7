"""Fresh kernels and biases, drawn as each framework draws them by default.

What it draws stands in its file, as ``Framework.initial``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.nn import init

from uniconv.spec.op import Op
from uniconv.spec.registry import framework_of

__all__ = ["Draw", "initialise"]

Draw = Callable[[Tensor], Tensor]
# The deviation of a unit normal that is cut at -2 and 2 (jax/_src/nn/initializers.py).
_CUT = 0.87962566103423978


def initialise(op: Op, kernels: Sequence[Tensor], groups: int) -> tuple[list[Tensor], Draw]:
    """Fresh kernels of the given native shapes, dtypes and devices, and how to draw a bias."""
    initial = framework_of(op).initial
    if op.kind == "conv_transpose" and initial.transposed:
        initial = initial.transposed
    drawn = [k.new_empty(k.shape) for k in kernels]
    sizes = [initial.size(tuple(w.shape), groups if i == 0 else 1) for i, w in enumerate(drawn)]
    for w, size in zip(drawn, sizes):
        _DISTRIBUTIONS[initial.distribution](w, size)
    return drawn, lambda bias: _uniform(bias, sizes[-1]) if initial.bias else init.zeros_(bias)


def _uniform(w: Tensor, bound: float) -> Tensor:
    return init.uniform_(w, -bound, bound)


def _normal(w: Tensor, deviation: float) -> Tensor:
    return init.normal_(w, 0, deviation)


def _cut_normal(w: Tensor, deviation: float) -> Tensor:
    wide = deviation / _CUT
    return init.trunc_normal_(w, 0, wide, -2 * wide, 2 * wide)


_DISTRIBUTIONS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "uniform": _uniform,
    "normal": _normal,
    "cut normal": _cut_normal,
}

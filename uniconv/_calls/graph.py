"""The way into a graph: torch.compile takes a call whole, and traces what it does below torch.

Imported only while something is compiled, because it loads torch's compiler.  Reading a spec is
then plain Python on sizes that may be symbols, so that one graph serves all of them.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.compiler import allow_in_graph

from uniconv._calls.plan import planned
from uniconv._calls.stored import stored_kernel
from uniconv._canonical.precision import current, refuse_in_graph
from uniconv.spec.registry import find, main


@allow_in_graph  # type: ignore[untyped-decorator]
def in_graph(
    kind: str | None,
    name: str,
    x: Tensor,
    w: Tensor,
    bias: Tensor | None,
    pointwise: Tensor | None,
    options: dict[str, Any],
    in_block: bool,
) -> Tensor:
    """The call of a family's ``kind``, or of the function ``name`` where kind is None.

    in_block: ``precision.in_block()``, by which the graph is guarded.
    """
    op = main(name, kind, w.ndim) if kind else find(name)
    refuse_in_graph(op.name, current() if in_block else None)
    shapes = [tuple(a.shape) for a in (x, w, pointwise) if a is not None]
    run, addend = planned(op, (kind, name), options, shapes)
    more = () if pointwise is None and addend is None else (pointwise, addend)
    y: Tensor = run(x, w, bias, *more)
    return y


@allow_in_graph  # type: ignore[untyped-decorator]
def prepared_in_graph(
    name: str,
    x: Tensor,
    w: Tensor,
    bias: Tensor | None,
    pointwise: Tensor | None,
    options: dict[str, Any],
    shape: tuple[int, ...],
    precision: str | None,
    in_block: bool,
) -> Tensor:
    """The call of the function ``name`` on its stored kernel, whose own shape is ``shape``."""
    op = find(name)
    refuse_in_graph(op.name, precision or (current() if in_block else None))
    more = () if pointwise is None else (pointwise,)
    kernel = stored_kernel(op, options, shape)
    run = kernel.plan(op, options, tuple(x.shape), *(tuple(a.shape) for a in more))
    y: Tensor = run(x, w, bias, *more)
    return y

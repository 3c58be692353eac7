"""bind: a convolution whose kernel is prepared once, for loops that reuse it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, compiler

from uniconv._calls.lower import lower
from uniconv._calls.plan import build_bound, path_of, traced_as
from uniconv._calls.stored import stored_kernel
from uniconv._canonical.arrays import shape_of, to_torch
from uniconv._canonical.onednn import packing
from uniconv._canonical.precision import check, current, in_block
from uniconv._functional import Device
from uniconv._messages import show_shape
from uniconv.errors import UniconvError, from_one_frame
from uniconv.spec.op import Op
from uniconv.spec.registry import find, main
from uniconv.typing import Array, Dialect, Kind

A = TypeVar("A", bound=Array)

_MOST = 256


@from_one_frame
def bind(
    w: Array,
    bias: Array | None = None,
    *,
    dialect: Dialect,
    kind: Kind = "conv",
    pointwise: Array | None = None,
    device: Device = None,
    precision: str | None = None,
    **options: Any,
) -> Bound:
    """A callable y = f(x) that convolves with w as ``dialect`` does, w being laid out just once.

    ======  ==========================================================================
    w       the kernel in the function's layout, as ``uniconv.conv`` takes it
    bias    (o,), or None
    ======  ==========================================================================

    w is copied as torch runs it fastest, its flip folded in, so that layouts and flips cost a call
    nothing.  Later changes of w are not seen, and no gradient reaches it (``uniconv.nn`` trains);
    gradients of x flow.  On a CPU a float32 kernel of two axes is kept once more, in oneDNN's
    blocks, for x of a size where they make calls faster, with channels last in memory and without
    gradients.

    Args:
        w, bias, pointwise: torch tensors, NumPy arrays or arrays with DLPack.
        dialect: a function ("tf.nn.conv2d") or a family ("tf").
        kind: which operation a family name means: "conv", "conv_transpose", "depthwise_conv" or
            "separable_conv", which needs the ``pointwise`` kernel.
        device: where the prepared kernel lies (default: where w is; NumPy: CUDA when available).
        precision: "ieee", "tf32" or "framework", as ``uniconv.precision`` around every call.  Where
            the function has an option of that name (JAX, Flax), it is that option.
        options: the function's own keywords.

    Raises:
        the errors of ``uniconv.conv``: here those of w and the options, later those of x.

    >>> import numpy as np
    >>> w = np.array([1, 10, 100.0]).reshape(3, 1, 1)
    >>> blur = bind(w, dialect="knet.conv4", padding=1)
    >>> blur(np.array([1, 2, 3, 4.0]).reshape(4, 1, 1)).ravel()
    array([ 12., 123., 234., 340.])

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """
    op = main(dialect, kind, len(shape_of(w, "w")))
    if precision is not None and "precision" in op.rules:
        options["precision"], precision = precision, None
    return Bound(w, bias, pointwise, op, device, options, precision)


class Bound:
    """What ``bind`` makes: call it with x."""

    __slots__ = (
        "_bias",
        "_kernel",
        "_more",
        "_op",
        "_options",
        "_packed",
        "_plans",
        "_precision",
        "_w",
    )

    def __init__(
        self,
        w: Any,
        bias: Any,
        pointwise: Any,
        op: Op,
        device: Device,
        options: dict[str, Any],
        precision: str | None,
    ) -> None:
        check(op.name, precision)
        self._op, self._options, self._precision = op, options, precision
        self._kernel = stored_kernel(op, options, tuple(w.shape))
        with torch.no_grad():
            w = to_torch(w, device).detach()
            stored = self._kernel.store(w)
            self._w = stored.clone() if stored.data_ptr() == w.data_ptr() else stored
            rest = (
                None if a is None else to_torch(a, w.device).detach() for a in (bias, pointwise)
            )
            self._bias, point = (None if a is None else a.clone() for a in rest)
        self._more: tuple[Tensor, ...] = () if point is None else (point,)
        self._packed = packing()
        self._plans: dict[Any, Callable[[Any], Any]] = {}

    @overload
    def __call__(self, x: Tensor) -> Tensor: ...
    @overload
    def __call__(self, x: np.ndarray[Any, Any]) -> NDArray[Any]: ...
    @overload
    def __call__(self, x: A) -> A: ...
    def __call__(self, x: Any) -> Any:
        """y of x, in the function's layout and of x's kind."""
        if compiler._is_compiling_flag:  # what is_compiling() says, in two frames
            return self._in_graph(x)
        try:
            run = self._plans[x.shape, current()]
        except (KeyError, TypeError, AttributeError):
            run = None
        try:
            return self._plan(x)(x) if run is None else run(x)
        except UniconvError as error:  # without the frames inside
            raise error.with_traceback(None) from error.__cause__

    @from_one_frame
    def path(self, x: Any) -> str:
        """How torch computes a call with x, and why: for an array, or for a shape.

        It is chosen by sizes.  A path that x's dtype, device, memory or gradients are not for takes
        torch's own op in its place.

        Raises:
            the errors of a call, for shapes that do not fit.

        >>> import torch
        >>> layer = bind(torch.zeros(1, 1, 256, 1024), dialect="tf", strides=1, padding="VALID")
        >>> layer.path((1, 1, 1, 256)).partition(":")[0], layer.path((1, 56, 56, 256))[:6]
        ('product', 'blocks')
        """
        shape = tuple(x) if isinstance(x, (tuple, list)) else shape_of(x, "x")
        points = [tuple(a.shape) for a in self._more]
        call = lower(self._op, self._options, shape, self._kernel.shape, *points)
        return str(path_of(self._kernel.of(call), self._packed))

    def __reduce__(self) -> tuple[Any, ...]:
        point = self._more[0] if self._more else None
        arrays = (self._kernel.restore(self._w), self._bias, point)
        return _bound, (*arrays, self._op.name, self._options, self._precision)

    def __repr__(self) -> str:
        words = self._options | ({"precision": self._precision} if self._precision else {})
        listed = "".join(f", {k}={v!r}" for k, v in words.items())
        return f"bind(w {show_shape(self._kernel.shape)}, dialect={self._op.name!r}{listed})"

    def _in_graph(self, x: Any) -> Any:
        from uniconv._calls.graph import prepared_in_graph

        point = self._more[0] if self._more else None
        arrays = (x, self._w, self._bias, point)
        settings = (self._options, self._kernel.shape, self._precision, in_block())
        return prepared_in_graph(self._op.name, *arrays, *settings)

    traced_as(__call__, _in_graph)

    def _plan(self, x: Any) -> Callable[[Any], Any]:
        shape = shape_of(x, "x")
        call = self._kernel.call(
            self._op, self._options, shape, *(tuple(a.shape) for a in self._more)
        )
        arrays = (self._w, self._bias, *self._more)
        made = build_bound(call, arrays, self._precision or current(), self._packed)
        if all(type(n) is int for n in shape):
            if len(self._plans) >= _MOST:
                self._plans.clear()
            self._plans[shape, current()] = made
        return made


def _bound(
    w: Any, bias: Any, pointwise: Any, name: str, options: dict[str, Any], precision: str | None
) -> Bound:
    """What was bound, from a pickle."""
    return Bound(w, bias, pointwise, find(name), None, options, precision)

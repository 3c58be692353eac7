"""conv, conv_transpose, depthwise_conv, separable_conv: any framework's convolution."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import torch
from torch.compiler import is_compiling

from uniconv._calls.arguments import arguments, axes_of
from uniconv._calls.cache import CALLS, PLANS, frozen, remember_call
from uniconv._calls.epilogue import Plan
from uniconv._calls.plan import planned, traced_as
from uniconv._canonical.arrays import like, shape_of, to_torch
from uniconv._canonical.precision import current, in_block
from uniconv.errors import BadShape, UniconvError, from_one_frame
from uniconv.spec.op import Op
from uniconv.spec.registry import main

Device = torch.device | str | None
Operation = TypeVar("Operation", bound=Callable[..., Any])


def _operation(declared: Operation) -> Operation:
    """The body of the operation that ``declared`` names and documents, in a single Python frame.

    Where a plan is remembered, nothing is read or checked again.
    """
    kind, default = declared.__name__, inspect.signature(declared).parameters["dialect"].default

    @wraps(declared)
    def operation(
        x: Any,
        w: Any,
        bias: Any = None,
        *,
        dialect: str = default,
        device: Device = None,
        **options: Any,
    ) -> Any:
        run: Plan | None
        # In plain lines, since each call of a function would cost more than all of them.
        try:
            for run, precision, known in CALLS[kind, dialect, x.shape, w.shape]:  # noqa: B007
                if len(known) == len(options) and precision == current():
                    for name in options:
                        if name not in known or known[name] is not options[name]:
                            break
                    else:
                        break
            else:
                run = _known(kind, dialect, x, w, options)
        except (KeyError, TypeError, AttributeError, RuntimeError):
            run = _known(kind, dialect, x, w, options)
        try:
            if device is None and run is not None:
                return run(x, w, bias)
            op = _main_for(dialect, kind, w)
            return run_op(op, (kind, dialect), x, w, bias, device, options)
        except UniconvError as error:  # without the frames inside
            raise error.with_traceback(None) from error.__cause__

    def compiled(
        x: Any,
        w: Any,
        bias: Any = None,
        *,
        dialect: str = default,
        device: Device = None,
        **options: Any,
    ) -> Any:
        from uniconv._calls.graph import in_graph

        return in_graph(kind, dialect, x, w, bias, None, options, in_block())

    traced_as(operation, compiled)
    return cast(Operation, operation)


@_operation
def conv(
    x: Any,
    w: Any,
    bias: Any = None,
    *,
    dialect: str = "pytorch",
    device: Device = None,
    **options: Any,
) -> Any:
    """Convolve x with w exactly as the framework function ``dialect`` does.

    ======  ==========================================================================
    x       in the function's layout: ``n ... c`` for tf, ``n c ...`` for pytorch,
            ``... c n`` for knet (indexed as Julia prints it); ``...`` are its spatial axes
    w       ``... i o`` for tf and knet, ``o i ...`` for pytorch; i = c / groups
    bias    (o,), added along the output channels; None for none
    y       as x, with o channels; per axis (size + pads - (k - 1) * dilation - 1) // stride + 1
    ======  ==========================================================================

    Args:
        x, w, bias: torch tensors, NumPy arrays or arrays with DLPack; y is of x's kind.
        dialect: a function ("tf.nn.conv2d", "knet.conv4") or a family ("tf"), which means its
            main function for w's number of axes.  ``uniconv.dialects()`` lists them.
        device: where NumPy input is computed (default: CUDA when available, else CPU).  Torch
            input stays on its own device, unless this moves it.
        options: the function's own keywords, with its own words, forms, units and defaults.
            How exactly a GPU computes float32 is said around the call: ``uniconv.precision``.

    Raises:
        UnknownName: no such dialect, or one without this operation.
        BadOption: an option is unknown, missing, or no value that the function takes.
        BadShape: shapes that do not fit each other, or an output the function refuses.
        BadArray: a dtype or device that the function does not take, or no array at all.
        Refused: a combination that the framework refuses or computes wrongly.

    Knet convolves (it reads the kernel backwards), TensorFlow does not:

    >>> import numpy as np
    >>> x, w = np.array([1, 2, 3, 4.0]), np.array([1, 10, 100.0]).reshape(3, 1, 1)
    >>> conv(x.reshape(4, 1, 1), w, dialect="knet.conv4").ravel()
    array([123., 234.])
    >>> conv(x.reshape(1, 4, 1), w, dialect="tf", stride=1, padding="VALID").ravel()
    array([321., 432.])

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """


@_operation
def conv_transpose(
    x: Any,
    w: Any,
    bias: Any = None,
    *,
    dialect: str = "pytorch",
    device: Device = None,
    **options: Any,
) -> Any:
    """The transposed convolution of x with w, exactly as ``dialect`` does it.

    ======  ==========================================================================
    x       in the function's layout, as for ``conv``
    w       ``... m c`` for tf and knet, ``c m ...`` for pytorch; m = o / groups
    bias    (o,), added along the output channels; None for none
    y       as x, with o channels; per axis (size - 1) * stride + (k - 1) * dilation + 1,
            less what padding crops (tf: the size that output_shape says)
    ======  ==========================================================================

    Arguments and errors are those of ``conv``.  Each pixel stamps the kernel, the stamps add up:

    >>> import numpy as np
    >>> x, w = np.array([1, 2, 3.0]).reshape(1, 1, 3), np.array([1, 10, 100.0]).reshape(1, 1, 3)
    >>> conv_transpose(x, w, dialect="pytorch", stride=2).ravel()
    array([  1.,  10., 102.,  20., 203.,  30., 300.])

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """


@_operation
def depthwise_conv(
    x: Any, w: Any, bias: Any = None, *, dialect: str = "tf", device: Device = None, **options: Any
) -> Any:
    """Convolve every channel of x with its own m kernels, exactly as ``dialect`` does.

    ======  ==========================================================================
    x       in the function's layout, as for ``conv``
    w       ``... c m`` for tf: m kernels for each of the c channels
    bias    (c * m,), added along the output channels; None for none
    y       as x, with c * m channels: channel k * m + q is x's channel k under kernel q
    ======  ==========================================================================

    Arguments and errors are those of ``conv``; the default dialect is "tf".

    >>> import numpy as np
    >>> x, w = np.array([[1, 2.0]]).reshape(1, 1, 1, 2), np.array([1, 10, 100, 1000.0])
    >>> strides = [1, 1, 1, 1]
    >>> y = depthwise_conv(x, w.reshape(1, 1, 2, 2), strides=strides, padding="VALID")
    >>> y.ravel().tolist()
    [1.0, 10.0, 200.0, 2000.0]

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """


@from_one_frame
def separable_conv(
    x: Any,
    w: Any,
    pointwise: Any,
    bias: Any = None,
    *,
    dialect: str = "tf",
    device: Device = None,
    **options: Any,
) -> Any:
    """A depthwise convolution, then a 1x1 one over its channels, exactly as ``dialect`` does.

    =========  =======================================================================
    x          in the function's layout, as for ``conv``
    w          the depthwise kernel, ``... c m`` for tf
    pointwise  the second kernel, ``... i o`` for tf, spatial sizes 1; i = c * m
    bias       (o,), added along the output channels; None for none
    y          as x, with o channels
    =========  =======================================================================

    Arguments and errors are those of ``conv``; the default dialect is "tf".

    >>> import numpy as np
    >>> x = np.array([1, 2.0]).reshape(1, 1, 1, 2)
    >>> depthwise = np.array([1, 10, 100, 1000.0]).reshape(1, 1, 2, 2)
    >>> pointwise = np.array([1, 2, 3, 4.0]).reshape(1, 1, 4, 1)
    >>> strides = [1, 1, 1, 1]
    >>> separable_conv(x, depthwise, pointwise, strides=strides, padding="VALID").item()
    8621.0

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """
    if is_compiling():
        from uniconv._calls.graph import in_graph

        return in_graph("separable_conv", dialect, x, w, bias, pointwise, options, in_block())
    op = _main_for(dialect, "separable_conv", w)
    return run_op(op, ("separable_conv", dialect), x, w, bias, device, options, pointwise)


def _known(kind: str, dialect: str, x: Any, w: Any, options: dict[str, Any]) -> Plan | None:
    """The plan remembered for options that are equal, and of the same types."""
    try:
        key, precision = (kind, dialect, x.shape, w.shape), current()
        values = map(frozen, options.values())
        run = PLANS.get((kind, dialect, precision, x.shape, w.shape, *options, *values))
    except (TypeError, AttributeError, RuntimeError):
        return None
    if run is not None:
        remember_call(key, run, precision, options)
    return run


def _main_for(dialect: str, kind: str, w: Any) -> Op:
    """The function for a kernel of so many axes, which may be a nested list.

    Raises:
        BadArray: a list with axes for no function of the family.
    """
    try:
        return main(dialect, kind, axes_of(w))
    except BadShape:
        shape_of(w, "w")  # a list, first of all, is no array
        raise


def run_op(
    op: Op,
    head: tuple[Any, ...],
    x: Any,
    w: Any,
    bias: Any,
    device: Device,
    options: dict[str, Any],
    pointwise: Any = None,
) -> Any:
    """Plan a call, remember its plan under (head, shapes, options), and run it."""
    call = arguments(op, x, w, pointwise, options)
    x, w, pointwise = call.x, call.w, call.pointwise
    run, addend = planned(op, head, call.options, call.shapes)
    more = () if pointwise is None and addend is None else (pointwise, addend)
    if device is None:
        return call.returned(run(x, w, bias, *more))
    arrays = (None if a is None else to_torch(a, device) for a in (w, bias, *more))
    return call.returned(like(run(to_torch(x, device), *arrays), x))

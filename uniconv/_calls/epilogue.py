"""What surrounds the sum: dtypes, devices, the bias, scale, addend and shift.

A plan is built once and called often: what shapes and options can tell is settled when it is built
(``checked``), and only what arrays can tell, dtype, device, bias, is asked in each call.  What
comes in as NumPy or by DLPack is made a torch tensor, and y is given back as x's kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from uniconv._calls.constructor_words import check_arrays
from uniconv._calls.depths import in_depth
from uniconv._calls.kept_dtype import in_dtype
from uniconv._calls.lower import LoweredCall
from uniconv._calls.promotion import DTYPES, check_dtype, check_dtypes, common_dtype
from uniconv._canonical.arrays import dtype_name, kind_name, like, to_torch
from uniconv._canonical.compiled_call import CompiledCall
from uniconv._canonical.execute import Action
from uniconv._canonical.record import Shape
from uniconv._canonical.steps import (
    Activate,
    Addend,
    Bias,
    Cast,
    Conjugate,
    OuterProduct,
    Scale,
    Step,
)
from uniconv._messages import show_shape
from uniconv.errors import BadArray, BadShape
from uniconv.spec.op import Op
from uniconv.spec.rules import Choice

Plan = Callable[..., Any]


def checked(call: LoweredCall, compiled: CompiledCall) -> Plan:
    """The plan with its checks of dtype, device and bias, and with what surrounds the sum.

    Arrays that are no tensors are made such; flags as use_bias=True are held against the arrays.
    """
    op, compute = call.op, _summing(call, compiled)
    if op.mixed_dtypes in _OWN_DTYPES:
        compute = _OWN_DTYPES[op.mixed_dtypes](call, compute)

    def full(x: Any, w: Any, bias: Any = None, pointwise: Any = None, addend: Any = None) -> Any:
        if not (isinstance(x, Tensor) and isinstance(w, Tensor)):
            device = x.device if isinstance(x, Tensor) else None
            arrays = (w, bias, pointwise, addend)
            rest = [None if a is None else to_torch(a, device) for a in arrays]
            if torch.is_grad_enabled() and not isinstance(x, Tensor):
                _keep_gradients(op, x, rest)
            return like(full(to_torch(x), *rest), x)
        bias, pointwise, addend = (
            a if a is None or isinstance(a, Tensor) else to_torch(a, x.device)
            for a in (bias, pointwise, addend)
        )
        if call.restated:
            named = {"x": x, "w": w}
            dtypes = {name: dtype_name(a.dtype) for name, a in named.items()}
            check_arrays(op, call.restated, bias is not None, dtypes)
        return compute(x, w, bias, pointwise, addend)

    return full


# What makes y in a dtype of its own, by the word of a function's record for how dtypes mix.
_OWN_DTYPES: dict[str, Callable[[LoweredCall, Plan], Plan]] = {"depth": in_depth, "x": in_dtype}


def _summing(call: LoweredCall, compiled: CompiledCall) -> Plan:
    """The call on tensors: the sum, and the steps around it."""
    op, plain, bias_shape = call.op, call.plain, _bias_shape(call)
    before = [_preparing(call, *each) for each in compiled.before]
    after = [_following(call, *each) for each in compiled.after]

    # How to read this, in the order of the lines: dtypes are checked or made one; the steps
    # "before" make w of two vectors or take zero points off; then the bias's shape is checked, and
    # the sum computed.  In a plain call torch's op adds the bias itself; else every step "after" is
    # done to y in turn.
    def summed(x: Tensor, w: Tensor, bias: Any, pointwise: Any, addend: Any) -> Tensor:
        x, w, bias = _agree(call, x, w, bias)
        for prepare in before:
            x, w, pointwise = prepare(x, w, pointwise)
        if bias is not None and tuple(bias.shape) != bias_shape:
            raise _bad_bias(op, bias, bias_shape)
        if pointwise is not None:
            _check_pointwise(call, x, pointwise)
        # Integers have a way of their own: their sum wraps around, on every device (integers.py).
        _check_fill(call, x)
        floats = x.is_floating_point() or x.is_complex()
        compute = compiled.convolve if floats else compiled.integers
        if plain:
            return compute(x, w, bias)
        y = compute(x, w, None, pointwise)
        for follow in after:
            y = follow(y, bias, addend)
        return y

    return summed


def _preparing(call: LoweredCall, step: Step, act: Action | None) -> Callable[..., Any]:
    """What one of the steps that come first makes of x, w and the pointwise kernel."""
    assert act is not None
    if isinstance(step, OuterProduct):

        def product(x: Tensor, w: Tensor, pointwise: Tensor) -> tuple[Tensor, Tensor, None]:
            _agree(call, x, pointwise, None)
            return x, act({"w": w, "p": pointwise}), None

        return product
    if isinstance(step, Conjugate):
        return lambda x, w, pointwise: (x, act(w), pointwise)
    if step.on == "x":
        return lambda x, w, pointwise: (_shifted(call, x, step, act), w, pointwise)
    return lambda x, w, pointwise: (x, _shifted(call, w, step, act), pointwise)


def _check_fill(call: LoweredCall, x: Tensor) -> None:
    """Refuse a border that integers of x's dtype cannot be.

    Raises:
        BadArray: the number outside x is a fraction, or out of the range of the integers.
    """
    fill, rule = call.conv.fill, call.op.fill
    if fill == 0 or rule is None or x.is_complex():
        return
    if isinstance(fill, complex):
        raise BadArray(f"{call.op.name}: {rule.option}={fill} is complex, and x is not")
    if x.is_floating_point():
        return
    info = torch.iinfo(x.dtype)
    if fill != int(fill) or not info.min <= fill <= info.max:
        dtype = dtype_name(x.dtype)
        raise BadArray(f"{call.op.name}: {rule.option}={fill} is no {dtype}, which x and w are")


def _keep_gradients(op: Op, x: Any, others: Sequence[Tensor | None]) -> None:
    """Refuse x of NumPy beside a tensor with a gradient: y would be of NumPy, and end the graph."""
    names = ("w", "bias", "pointwise", "the addend")
    for name, a in zip(names, others):
        if a is not None and a.requires_grad:
            kind = kind_name(x)
            raise BadArray(
                f"{op.name}: x is a {kind} and {name} a tensor that needs a gradient; y is of x's "
                f"kind and would have none: give torch.as_tensor(x), or {name}.detach()"
            )


def _shifted(call: LoweredCall, a: Tensor, step: Step, act: Action) -> Tensor:
    """An array in the dtype of the result; one of small integers less its zero point.

    Raises:
        BadArray: a zero point that the array's dtype cannot hold, as 200 beside int8.
    """
    assert isinstance(step, Cast)
    if call.op.result_option:
        _check_widened(call, call.op.result_option, a, step.dtype)
        return act(a)
    info = torch.iinfo(a.dtype)
    for zero in torch.tensor(step.less).flatten().tolist():
        if not info.min <= zero <= info.max:
            dtype = dtype_name(a.dtype)
            raise BadArray(f"{call.op.name}: the zero point {zero} is no {dtype}")
    return act(a)


def _check_widened(call: LoweredCall, rule: Choice, a: Tensor, dtype: str) -> None:
    """The dtype of a result holds that of the arrays, or both are integers, which wrap around."""
    had = dtype_name(a.dtype)
    if call.op.depths:
        if dtype not in call.op.depths[had]:
            gave = call.context.gave(rule.option, call.context.options[rule.option])
            listed = ", ".join(call.op.depths[had])
            raise BadArray(f"{call.op.name}: {gave} of {had} arrays is not one of {listed}")
        return
    wide = getattr(torch, dtype)
    integers = [not (d.is_floating_point or d.is_complex) for d in (a.dtype, wide)]
    alike = a.dtype.is_complex == wide.is_complex and not any(integers)
    if all(integers) or (alike and torch.promote_types(a.dtype, wide) == wide):
        return
    gave = call.context.gave(rule.option, call.context.options[rule.option])
    raise BadArray(
        f"{call.op.name}: {gave} of {had} arrays must be a dtype of their kind with no fewer bits"
    )


def _following(call: LoweredCall, step: Step, act: Action | None) -> Callable[..., Tensor]:
    """What one of the steps that follow the sum makes of y, the bias and the addend."""
    # Steps that may fail are taken here, with messages; the others as ``execute`` has them.
    if isinstance(step, Addend):
        return lambda y, bias, addend: y if addend is None else y + _addend(call, step, y, addend)
    if isinstance(step, Bias):
        # Autocast leaves y with fewer bits than the bias.
        return lambda y, bias, addend: (
            y if bias is None else y + _along_channels(step, bias).to(y.dtype)
        )
    if isinstance(step, Scale):
        return lambda y, bias, addend: _scaled(call.op, y, step.factor)
    assert act is not None
    if isinstance(step, Activate):
        return lambda y, bias, addend: _activated(call.op, step, act, y)
    return lambda y, bias, addend: act(y)


def _activated(op: Op, step: Activate, act: Action, y: Tensor) -> Tensor:
    """y through the activation.

    Raises:
        BadArray: the result is of another dtype, as tanh of an integer is.
    """
    activated = act(y)
    if activated.dtype is not y.dtype:
        dtype = dtype_name(y.dtype)
        raise BadArray(f"{op.name}: {dtype} cannot hold {step.activation} of y: convert x and w")
    return activated


def _agree(
    call: LoweredCall, x: Tensor, w: Tensor, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Tensors of one device and of a dtype that the function takes.

    Raises:
        BadArray: sparse or nested tensors, two devices, a dtype that the function does not take, or
            two where it takes one.
    """
    op = call.op
    arrays = [a for a in (x, w, bias) if a is not None]
    for a in arrays:
        if a.layout is not torch.strided or a.is_nested:
            kind = "nested" if a.is_nested else str(a.layout).removeprefix("torch.")
            raise BadArray(f"{op.name}: a tensor is {kind}; dense ones are convolved: x.to_dense()")
    for a in arrays[1:]:
        if a.device != x.device:
            raise _different_devices(op, x, a)
    # Under autocast torch picks the dtype of the op itself, whatever the arrays have.
    if x.device.type != "meta" and torch.is_autocast_enabled(x.device.type):
        return x, w, bias
    dtypes = [a.dtype for a in arrays]
    own = dict(zip(("x", "w", "bias"), dtypes))
    check_dtypes(op, call.rank, own, exchanged=op.longer_first and w.numel() > x.numel())
    keeps = op.mixed_dtypes in ("x", "inexact", "float32", "fft", "single")
    whole = not (x.is_floating_point() or x.is_complex())
    narrow = op.mixed_dtypes == "fft" and x.dtype is torch.float16
    if len(set(dtypes)) > 1 or (keeps and (whole or narrow)):
        if not op.mixed_dtypes:
            names = ", ".join(dtype_name(d) for d in dtypes)
            roles = "x, w" if bias is None else "x, w, bias"
            raise BadArray(
                f"{op.name}: {roles} are {names}; {op.title} takes one dtype: convert one of them"
            )
        if op.mixed_dtypes == "w":
            common = _weight_dtype(call, x, w, bias)
        else:
            named = {role: DTYPES[d] for role, d in zip(("x", "w", "bias"), dtypes)}
            common = getattr(torch, common_dtype(op, named, call.result or ""))
        x, w = x.to(common), w.to(common)
        bias = bias.to(common) if bias is not None else None
    return x, w, bias


def _weight_dtype(call: LoweredCall, x: Tensor, w: Tensor, bias: Tensor | None) -> torch.dtype:
    """The dtype of w, which x and the bias are converted to.

    Raises:
        BadArray: w's dtype is of a lesser kind, as integers beside floats.
    """
    for name, a in (("x", x), ("bias", bias)):
        if a is not None and not torch.can_cast(a.dtype, w.dtype):
            had, holder = (dtype_name(t.dtype) for t in (a, w))
            raise BadArray(
                f"{call.op.name}: {name} is {had}; {call.op.title} converts it to w's dtype, and "
                f"{holder} cannot hold it: convert one of them"
            )
    return w.dtype


def _different_devices(op: Op, x: Tensor, w: Tensor) -> BadArray:
    """The error for arrays on two devices; nothing is moved between them unasked."""
    return BadArray(f"{op.name}: x is on {x.device}, w or bias on {w.device}; move them together")


def _scaled(op: Op, y: Tensor, scale: Any) -> Tensor:
    """y times a number, in y's dtype.

    Raises:
        BadArray: the product needs another dtype: an integer y times 0.5.
    """
    try:
        scaled: Tensor = y * scale
    except (OverflowError, RuntimeError):
        scaled = y.new_empty(0, dtype=torch.bool)
    if scaled.dtype is not y.dtype:  # Julia: InexactError
        dtype = dtype_name(y.dtype)
        raise BadArray(f"{op.name}: {dtype} cannot hold a result scaled by {scale}")
    return scaled


def _addend(call: LoweredCall, step: Addend, y: Tensor, addend: Tensor) -> Tensor:
    """beta * z, whose z has y's shape.

    Raises:
        BadShape: it has another shape; nothing is broadcast.
        BadArray: it is on another device, or of a dtype that the function does not take.
    """
    op = call.op
    if tuple(addend.shape) != tuple(y.shape):
        has = show_shape(addend.shape)
        raise BadShape(f"{op.name}: {step.name} {has} must have y's shape {show_shape(y.shape)}")
    if addend.device != y.device:
        raise _different_devices(op, y, addend)
    check_dtype(op, call.rank, step.name, addend.dtype)
    scaled: Tensor = addend * step.scale
    return scaled


def _bias_shape(call: LoweredCall) -> Shape:
    """The shape that a bias must have: (o,), or y's axes with 1 on all but the channels."""
    if call.op.bias == "o":
        return (call.o,)
    return tuple(call.o if a == "o" else 1 for a in call.letters.y)


def _bad_bias(op: Op, bias: Tensor, shape: Shape) -> BadShape:
    """A bias of another shape; as many numbers in another order of axes need a reshape only."""
    # A bias (1, 1, 8) where (8,) is asked holds the right numbers: the message says the reshape.
    sizes = ", ".join(map(str, shape))
    fix = f": bias.reshape({sizes})" if bias.numel() == math.prod(shape) and bias.ndim else ""
    return BadShape(f"{op.name}: bias {show_shape(bias.shape)} must be {shape}{fix}")


def _along_channels(step: Bias, bias: Tensor) -> Tensor:
    """The bias with y's axes: 1 everywhere but on the channels."""
    return bias if step.after is None else bias.reshape(-1, *(1,) * step.after)


def _check_pointwise(call: LoweredCall, x: Tensor, pointwise: Tensor) -> None:
    """Refuse a 1x1 kernel of another dtype or device.

    Under autocast torch brings both to one dtype by itself.
    """
    lowered = x.device.type != "meta" and torch.is_autocast_enabled(x.device.type)
    if pointwise.dtype is not x.dtype and not lowered:
        names = " and ".join(dtype_name(a.dtype) for a in (x, pointwise))
        raise BadArray(
            f"{call.op.name}: x and the pointwise kernel are {names}; "
            f"{call.op.title} takes one dtype: convert one of them"
        )
    _agree(call, x, pointwise, None)

"""An explanation as code: the native call that gives y, or torch where that call cannot say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from uniconv._calls.lift import Lifted, lift, native_shapes
from uniconv._calls.lower import LoweredCall, lower
from uniconv._canonical.layout import axes
from uniconv._canonical.record import Convolution
from uniconv._diagnose.hypothesis import Hypothesis
from uniconv._messages import show
from uniconv.errors import CannotExpress, UniconvError
from uniconv.spec.op import Op
from uniconv.spec.rules import Choice

ROLES = ("x", "w", "y", "bias")
# The fields of changes that rearrange an array.
ARRAYS = {"order of filters", "order of channels in w", "groups", "order of channels in x"}
ARRAYS |= {"axes of x and w", "order of channels in y"}


def expressions(model: Hypothesis, names: Mapping[str, str]) -> dict[str, str]:
    """x, w, y and bias as code, as the changes of a model want them."""
    told = {role: names.get(role, role) for role in ROLES}
    for change in model.changes:
        for role, code in change.code:
            told[role] = code.format(told[role])
    return told


def call_text(
    op: Op, options: Mapping[str, Any], arrays: Mapping[str, str], bias: str | None = None
) -> str:
    """A native call as Python text, in the function's own argument order.

    >>> from uniconv.spec.registry import find
    >>> call_text(find("knet.conv4"), {"mode": 1}, {"x": "x", "w": "w"})
    'knet.conv4(w, x, mode=1)'
    """
    shown, keyword = [], False
    own_bias = op.array_names("bias")
    for param in op.params.split():
        role, colon, name = param.rpartition(":")
        if param == "*":
            keyword = True
        elif colon and role in ("x", "w", "p"):
            text = arrays.get(role, role)
            if len(op.array_names(role)) > 1 and name != op.array_names(role)[0]:
                continue
            shown.append(f"{name}={text}" if keyword else text)
        elif colon and role == "bias":
            if bias is not None:
                shown.append(f"{name}={bias}")
            keyword = True
        elif name in options:
            shown.append(f"{name}={show(options[name])}")
            keyword = True
        else:
            keyword = True
    text = f"{op.name}({', '.join(shown)})"
    return f"{text} + {bias}" if bias is not None and not own_bias else text


def flipped(w: str, model: Hypothesis, which: list[int]) -> str:
    """The kernel reversed along spatial axes, as code."""
    named = model.problem.w
    native = axes(model.problem.call.layout.w, model.problem.rank)
    index = ["::-1" if s[0] == "s" and int(s[1:]) in which else ":" for s in native]
    while index and index[-1] == ":":
        index.pop()
    return f"{w}[{', '.join(index)}]" if index and named.array.ndim else w


def native_call(
    model: Hypothesis, options: Mapping[str, Any], names: Mapping[str, str]
) -> tuple[str, str | None]:
    """The expected function's call that gives y; and, where it has none, why."""
    problem, call = model.problem, model.problem.call
    told = expressions(model, names)
    bias = None if model.bias is None else told["bias"]
    if told["bias"] == "None":
        bias = None
    if any(c.field == "bias" and c.read_off for c in model.changes):
        bias = f"numpy.array({[float(f'{v:.6g}') for v in model.bias.ravel()[:64]]})"  # type: ignore[union-attr]
    conv, old = model.conv, call.conv
    fields = ("stride", "pad", "lhs_dilation", "rhs_dilation", "boundary", "fill", "reverse")
    # What has no short code is said in words.
    silent = [c.text for c in model.changes if c.field in ARRAYS and not c.code]
    comment = f"  # where {' and '.join(silent)}" if silent else ""
    kept = all(getattr(conv, f) == getattr(old, f) for f in fields) and model.scale == call.scale
    if kept:
        return call_text(call.op, options, told, bias) + comment, None
    sizes = replace(
        call.sizes,
        c=call.sizes.c if problem.parts > 1 else model.x.shape[1],
        size=model.x.shape[2:],
        kernel=model.w.shape[2:],
    )
    record = replace(old, **{f: getattr(conv, f) for f in fields})
    wanted = replace(call, conv=record, sizes=sizes, scale=_plain(model.scale))
    turned = [a for a, (r, s) in enumerate(zip(conv.reverse, old.reverse)) if r is not s]
    reason = None
    # First as the function itself would say it, else with the kernel flipped beforehand.
    by_option = isinstance(call.op.reverse, Choice)
    for which in ([], turned) if by_option else (turned,):
        asked = replace(wanted, conv=replace(record, reverse=old.reverse)) if which else wanted
        try:
            lifted = lift(asked, call.op)
        except CannotExpress as error:
            reason = str(error)
            continue
        arrays = told | ({"w": flipped(told["w"], model, which)} if which else {})
        chosen = _same_words(asked, options, lifted)
        return call_text(call.op, chosen, arrays, bias) + comment, None
    return torch_code(model, told, bias), reason


def _same_words(asked: LoweredCall, given: Mapping[str, Any], lifted: Lifted) -> dict[str, Any]:
    """The lifted options, but in the caller's own words where these mean the same."""
    op, layout = asked.op, lifted.call.layout
    shapes = native_shapes(asked, op, layout)
    options = dict(lifted.options)
    for name, value in given.items():
        own = {**options, name: value}
        try:
            if lower(op, own, *shapes).conv == lifted.call.conv:
                options = own
        except UniconvError:
            continue
    return options


def _plain(scale: Any) -> Any:
    return int(scale) if isinstance(scale, float) and scale.is_integer() else scale


def torch_code(model: Hypothesis, told: Mapping[str, str], bias: str | None) -> str:
    """The same in torch, on x ``n c ...`` and w ``o i ...``."""
    conv, rank = model.conv, model.conv.rank
    problem = model.problem
    lines = [
        f"x, w = {told['x']}, {told['w']}  # x as (n c ...), w as (o i ...)",
    ]
    flips = [a + 2 for a, r in enumerate(conv.reverse) if r]
    if flips:
        lines.append(f"w = w.flip({flips})")
    if max(conv.lhs_dilation) > 1:
        lines.append(_spread(conv))
    if any(p for pair in conv.pad for p in pair):
        pads = [p for pair in reversed(conv.pad) for p in pair]
        lines.append(f"x = F.pad(x, {pads}{_mode(conv)})")
    args = ["x", "w"]
    for name, value in (("stride", conv.stride), ("dilation", conv.rhs_dilation)):
        if max(value) > 1:
            args.append(f"{name}={value}")
    if conv.groups > 1:
        args.append(f"groups={conv.groups}")
    factor = "" if model.scale == 1 else f"{model.scale!r} * "
    added = f" + {bias}.reshape(1, -1, {', '.join(['1'] * rank)})" if bias is not None else ""
    lines.append(f"y = {factor}F.conv{rank}d({', '.join(args)}){added}")
    if problem.pointwise is not None:
        lines.append("# w here is the product of both kernels")
    return "\n".join(lines)


def _spread(conv: Convolution) -> str:
    steps = ", ".join(f"::{d}" for d in conv.lhs_dilation)
    sizes = ", ".join(f"(x.shape[{a + 2}] - 1) * {d} + 1" for a, d in enumerate(conv.lhs_dilation))
    return f"spread = x.new_zeros(*x.shape[:2], {sizes})\nspread[:, :, {steps}] = x\nx = spread"


def _mode(conv: Convolution) -> str:
    if conv.boundary == "constant":
        return f", value={conv.fill:g}"
    words = {"zeros": "", "replicate": ', mode="replicate"', "reflect": ', mode="reflect"'}
    return words.get(conv.boundary, f', mode="{conv.boundary}"')

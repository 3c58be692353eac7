"""An explanation as code: the native call that gives y, or torch where that call cannot say it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from uniconv._calls.lift import Lifted, lift, native_shapes
from uniconv._calls.lower import LoweredCall, lower
from uniconv._calls.source import torch_lines
from uniconv._canonical.layout import axes
from uniconv._canonical.steps import AnySize
from uniconv._canonical.steps_source import IMPORTS
from uniconv._diagnose.after import activation_inside, with_what_follows
from uniconv._diagnose.array_code import in_torch
from uniconv._diagnose.hypothesis import Hypothesis
from uniconv._diagnose.lines import takes_tensors
from uniconv._messages import show
from uniconv.errors import CannotExpress, UniconvError
from uniconv.spec.op import Op

ROLES = ("x", "w", "y", "bias")


def expressions(model: Hypothesis, names: Mapping[str, str]) -> dict[str, str]:
    """x, w, y and bias as code, as the changes of a model want them.

    Each change holds a pattern for the arrays that it touches, with "{}" for what stood there
    before: "{}[::-1]" after "{}.transpose(1, 0)" makes "w.transpose(1, 0)[::-1]" of w.
    """
    codes = {role: names.get(role, role) for role in ROLES}
    for change in model.changes:
        for role, code in change.code:
            codes[role] = code.format(codes[role])
    return codes


def call_text(
    op: Op, options: Mapping[str, Any], arrays: Mapping[str, str], bias: str | None = None
) -> str:
    """A native call as Python text, in the function's own argument order.

    >>> from uniconv.spec.registry import find
    >>> call_text(find("knet.conv4"), {"mode": 1}, {"x": "x", "w": "w"})
    'knet.conv4(w, x, mode=1)'
    """
    # Arrays go by position until an optional parameter is passed over; from there on by name.
    arguments, keyword = [], False
    own_bias = op.array_names("bias")
    for param in op.params.split():
        role, colon, name = param.rpartition(":")
        if param == "*":
            keyword = True
        elif colon and role in ("x", "w", "p"):
            text = arrays.get(role, role)
            if len(op.array_names(role)) > 1 and name != op.array_names(role)[0]:
                continue
            arguments.append(f"{name}={text}" if keyword else text)
        elif colon and role == "bias":
            if bias is not None:
                arguments.append(f"{name}={bias}")
            keyword = True
        elif name in options:
            arguments.append(f"{name}={show(options[name])}")
            keyword = True
        else:
            keyword = True
    text = f"{op.name}({', '.join(arguments)})"
    return f"{text} + {bias}" if bias is not None and not own_bias else text


def flipped(w: str, model: Hypothesis, which: list[int]) -> str:
    """The kernel reversed along spatial axes, as code."""
    # "w[::-1, ::-1]": an index for each axis up to the last that is reversed.  The letters of the
    # layout say where the spatial axes are: for "o i ..." it is "w[:, :, ::-1, ::-1]".
    array = model.problem.w
    native = axes(model.problem.call.layout.w, model.problem.rank)
    index = ["::-1" if s[0] == "s" and int(s[1:]) in which else ":" for s in native]
    while index and index[-1] == ":":
        index.pop()
    return f"{w}[{', '.join(index)}]" if index and array.array.ndim else w


def native_call(
    model: Hypothesis,
    options: Mapping[str, Any],
    names: Mapping[str, str],
    *,
    only_torch: bool = False,
) -> tuple[str, str | None]:
    """The expected function's call that gives y; and, where it has none, why.

    only_torch: the lines of torch, whether or not the function has a call.
    """
    # How to read this: (1) arrays as code, with what the changes do to them; (2) if the record is
    # as it was, the caller's own options are right; (3) else the record is lifted into the
    # function's words, and where it has no option for the flip, with the kernel flipped beforehand;
    # (4) what no call of the function can say is written in torch, with the reason; (5) what
    # follows the call is written below it.  A bias that was read off y is written in numbers.
    text, reason = _bare_call(model, options, names, only_torch)
    return with_what_follows(model, text), reason


def _bare_call(
    model: Hypothesis, options: Mapping[str, Any], names: Mapping[str, str], only_torch: bool
) -> tuple[str, str | None]:
    """The call without what follows it; and why it is torch's, where it is."""
    problem, call = model.problem, model.problem.call
    codes = expressions(model, names)
    bias = None if model.bias is None or model.gain is not None else codes["bias"]
    if codes["bias"] == "None":
        bias = None
    if (
        model.bias is not None
        and bias is not None
        and any(c.field == "bias" and c.read_off for c in model.changes)
    ):
        bias = f"numpy.array({[float(str(np.float32(v))) for v in np.ravel(model.bias)]})"
    conv, old = model.conv, call.conv
    fields = ("stride", "pad", "lhs_dilation", "rhs_dilation", "boundary", "fill", "reverse")
    same = all(getattr(conv, f) == getattr(old, f) for f in fields) and model.scale == call.scale
    inside = activation_inside(model)
    if same and inside == call.activation and not only_torch:
        return _called(model, options, codes, bias), None
    sizes = replace(
        call.sizes,
        c=call.sizes.c if problem.parts > 1 else model.x.shape[1],
        o=model.kernel.shape[0],
        size=model.x.shape[2:],
        kernel=model.w.shape[2:],
    )
    record = replace(old, **{f: getattr(conv, f) for f in fields})
    goal = replace(call, conv=record, sizes=sizes, scale=_plain(model.scale), activation=inside)
    flips = [a for a, (r, s) in enumerate(zip(conv.reverse, old.reverse)) if r is not s]
    reason = None
    # First as the function itself would say it, else with the kernel flipped beforehand.
    by_option = call.op.reverse.option is not None
    ways = ([], flips) if by_option else (flips,)
    for which in () if only_torch else ways:
        target = replace(goal, conv=replace(record, reverse=old.reverse)) if which else goal
        try:
            answer = lift(target, call.op)
        except CannotExpress as error:
            reason = str(error)
            continue
        arrays = codes | ({"w": flipped(codes["w"], model, which)} if which else {})
        words = _same_words(target, options, answer)
        return _called(model, words, arrays, bias), None
    roles = {"x": codes["x"], "w": codes["w"]} | ({"p": "p"} if call.op.array_names("p") else {})
    roles |= {} if bias is None else {"bias": bias}
    return torch_code(model, goal, roles), reason


def _called(
    model: Hypothesis, options: Mapping[str, Any], codes: Mapping[str, str], bias: str | None
) -> str:
    """The call as text, its arrays in the words of the framework's own kind of array."""
    # A bias that the function does not take is added to y; there it needs the axes of y that stand
    # behind the one that it goes along: of y (h, w, o, n) it is "bias.reshape(-1, 1)".
    op, codes = model.problem.call.op, dict(codes)
    own = bool(op.array_names("bias")) and model.bias_axis == 1
    if bias is not None and not own:
        letters = axes(model.problem.call.layout.y, model.problem.rank)
        letter = "o" if model.bias_axis == 1 else f"s{model.bias_axis - 2}"
        behind = len(letters) - 1 - letters.index(letter) if letter in letters else 0
        whole = bias if bias.isidentifier() or bias.endswith(")") else f"({bias})"
        bias = f"{whole}.reshape({', '.join(['-1', *['1'] * behind])})" if behind else bias
    if takes_tensors(op):
        x = _name_in(codes["x"])
        codes = {role: in_torch(code, x) for role, code in codes.items()}
        bias = None if bias is None else in_torch(bias, x)
    text = call_text(op, options, codes, bias if own else None)
    return text if own or bias is None else f"{text} + {bias}"


def _name_in(code: str) -> str:
    """The name of the array that some code is about: "w" of "w[::-1]"."""
    # Numbers that are written out become a tensor of that array's dtype and device.
    return next(n.id for n in ast.walk(ast.parse(code, mode="eval")) if isinstance(n, ast.Name))


def _same_words(
    target: LoweredCall, own_options: Mapping[str, Any], answer: Lifted
) -> dict[str, Any]:
    """The lifted options, but in the caller's own words where these mean the same."""

    # Option by option: the caller's value is taken back where the call stays the same with it, so
    # that "SAME" is not answered with numbers, and options that do not matter stay.
    def meaning(call: LoweredCall) -> tuple[Any, ...]:
        return (call.conv, call.scale, call.activation)

    op, layout = target.op, answer.call.layout
    shapes = native_shapes(target, op, layout)
    options = dict(answer.options)
    for name, value in own_options.items():
        own = {**options, name: value}
        try:
            if meaning(lower(op, own, *shapes)) == meaning(answer.call):
                options = own
        except UniconvError:
            continue
    return options


def _plain(scale: Any) -> Any:
    """2.0 as 2, so that the code reads as people write it."""
    return int(scale) if isinstance(scale, float) and scale.is_integer() else scale


def torch_code(model: Hypothesis, call: LoweredCall, codes: Mapping[str, str]) -> str:
    """The same in torch, in 64 bits, from the arrays as they were given.

    codes: the arrays as code, bias among them where there is one.  The second kernel of a separable
    convolution is ``p``.
    """
    dtype = "complex128" if np.iscomplexobj(model.x) or np.iscomplexobj(model.w) else "float64"
    roles = [role for role in ("x", "w", "p", "bias") if role in codes]
    arrays = ", ".join(_tensor(codes[role]) for role in roles)
    tensors = f"(torch.as_tensor(a).to(torch.{dtype}) for a in ({arrays}))"
    dtypes = dict.fromkeys(roles, dtype)
    code = torch_lines(call, dtypes, bias="bias" in codes, any_size=AnySize(call.conv.pad))
    lines = code.splitlines()[len(IMPORTS) :]
    return "\n".join((*IMPORTS, f"{', '.join(roles)} = {tensors}", *lines))


def _tensor(code: str) -> str:
    """Code on an array of any kind, in torch's words."""
    # A name is left to the caller, who makes a tensor of it and of all others at once.
    return code if code.isidentifier() else in_torch(code, None)

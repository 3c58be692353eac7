"""explain: one call with its own numbers, step by step."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from uniconv._call import Call, verb
from uniconv._calls.lift import native_shapes, paddings
from uniconv._calls.lower import LoweredCall, lower
from uniconv._calls.options import complete, scattered
from uniconv._calls.plan import path_of
from uniconv._calls.source import torch_lines
from uniconv._canonical.activation_functions import compute
from uniconv._canonical.arrays import dtype_name
from uniconv._canonical.layout import axes, rank_of
from uniconv._canonical.record import Shape
from uniconv._describe import FLIPPED, UPRIGHT
from uniconv._explain.data import AxisSummary, ExplanationData
from uniconv._explain.page import page
from uniconv._explain.text import text
from uniconv._explain.window import Index, Window, WindowedCall, numbers
from uniconv._messages import show
from uniconv.errors import BadArray, BadShape, CannotExpress, UniconvError
from uniconv.spec.op import Op
from uniconv.spec.padding import Pad
from uniconv.spec.rules import REQUIRED, CallContext

LETTERS = {
    "n": "batch",
    "c": "channels in",
    "o": "channels out",
    "g": "groups",
    "i": "channels in, of one group",
    "m": "channels out, of one group",
}
SIDES = {2: (("top", "bottom"), ("left", "right"))}


@dataclass(frozen=True)
class Explanation(ExplanationData):
    """What one call does, with its numbers; ``str()`` is the text.

    meaning says which operation it is, call is the native call as text; shapes are those of x, w,
    (pointwise,) y; readings how each array's axes are read; padding is in words, explicit the call
    that says it in numbers (None where ``explicit_note`` says why there is none).  torch is
    runnable code for the same y, and for that of images of other sizes; path is how uniconv has
    torch compute arrays of these sizes, and why.  window is what one
    element of y is made of (None where only shapes were given).
    """

    def __str__(self) -> str:
        return text(self)

    def to_json(self) -> str:
        """The same as JSON: products with their native indices, complex numbers as text."""
        whole = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in ("lowered", "problem", "bias", "addend", "axes", "window")
        }
        whole["axes"] = [asdict(axis) for axis in self.axes]
        whole["window"] = None
        if self.window is not None:
            sums = {"sum": self.window.sum, "result": self.window.result}
            whole["window"] = asdict(self.window) | sums
        return json.dumps(whole, indent=1, default=str)

    def to_html(self) -> str:
        """A page of its own, without network, on which one steps through the elements of y.

        Raises:
            UniconvError: the explanation has no numbers (only shapes were given), they are complex,
                or there are more than 2,000,000 of them.
        """
        return page(self)


@verb
def explain(
    call: Call,
    *,
    at: Sequence[int] | int | None = None,
    batch: int | Sequence[int] = 0,
    channel: int = 0,
) -> Explanation:
    """What a call does, with its numbers, at one element of y.

    Args:
        call: the call, with arrays; or with their shapes: then there are sizes and pads, but no
            window.  Or its text, with the arrays by keyword, as ``Call.parse`` takes them.
        at: the element of y: its spatial position in pixels, from 0; by default the first.
        batch: its batch entry, from 0 (a list of indices where there are several batch axes).
        channel: its output channel, from 0.

    Raises:
        BadArray, Refused: as ``uniconv.conv`` does; BadArray, too, where ``at``, ``batch`` or
            ``channel`` asks for an element of a call that has shapes only.
        BadShape: ``at``, ``batch`` or ``channel`` lies outside y.
        BadCall: no ``uniconv.Call`` was given.

    >>> import numpy as np
    >>> x, w = np.array([1, 2, 3, 4.0]).reshape(4, 1, 1), np.array([1, 10, 100.0]).reshape(3, 1, 1)
    >>> found = explain(Call(x, w, dialect="knet.conv4", padding=1), at=0)
    >>> found.padding, found.axes[0].formula
    ('before 1, after 1', '(4 + 1 + 1 - ((3 - 1) * 1 + 1)) // 1 + 1 = 4')
    >>> [(p.what, p.x, p.w) for p in found.window.lanes[0].products]
    [('padding', 0.0, 100.0), ('pixel', 1.0, 10.0), ('pixel', 2.0, 1.0)]
    >>> found.window.sum, found.window.y
    (12.0, 12.0)
    >>> shapes = Call((1, 4, 4, 3), (3, 3, 3, 8), dialect="tf", strides=2, padding="SAME")
    >>> explain(shapes).padding
    'top 0, bottom 1, left 0, right 1'
    >>> explain("F.conv2d(x, w, padding=1)", x=(1, 2, 5, 6), w=(4, 2, 3, 3)).padding
    'top 1, bottom 1, left 1, right 1'

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """
    # With shapes there is all but the window; with arrays the call is run, and one element is
    # looked at, unless y has none.
    record, options, biased = call.lowered, call.options, call.bias is not None
    shapes = call.shapes
    if not call.has_arrays:
        _refuse_element(record, at, batch, channel)
        return _explanation(record, options, shapes, {}, biased)
    x, w, pointwise, bias = (call.array(r) for r in ("x", "w", "pointwise", "bias"))
    y = call.run()
    x_, w_, y_ = (numbers(a) for a in (x, w, y))
    point = None if pointwise is None else numbers(pointwise)
    problem = WindowedCall.of(record, x_, w_, y_, point)
    dtype = _dtype(y)
    arrays = {"x": x, "w": w, "p": pointwise, "bias": bias}
    dtypes = {role: _dtype(a) for role, a in arrays.items() if a is not None}
    answer = _explanation(record, options, shapes, dtypes, biased)
    answer = replace(answer, problem=problem, dtype=dtype)
    if 0 in problem.y.shape:
        return answer
    addend = call.options.get(record.op.addend[0]) if record.op.addend else None
    window = problem.window(*_place(problem, record, at, batch, channel))
    window = replace(window, steps=_steps(window, record, bias, addend))
    return replace(answer, window=window, bias=bias, addend=addend)


def _refuse_element(call: LoweredCall, at: Any, batch: Any, channel: Any) -> None:
    """Shapes have no element to look at."""
    # Only what was asked for by name is refused: the defaults stand for "not asked".
    for name, value, unsaid in (("at", at, None), ("batch", batch, 0), ("channel", channel, 0)):
        if value != unsaid:
            raise BadArray(
                f"{call.op.name}: {name}={show(value)} asks for the numbers of one element of y, "
                "but the call has shapes only: give x and w as arrays"
            )


def _dtype(array: Any) -> str:
    """The dtype's name, of torch or NumPy."""
    return dtype_name(array.dtype)


def _explanation(
    call: LoweredCall,
    options: Mapping[str, Any],
    shapes: Mapping[str, Shape],
    dtypes: Mapping[str, str],
    bias: bool,
) -> Explanation:
    """What can be said of a call without its numbers."""
    op = call.op
    summaries = axes_of(call)
    crops = [axis.crop for axis in summaries if axis.crop is not None]
    # The addend is an array among the options: it cannot be lowered, nor written in a line.
    plain = {n: v for n, v in options.items() if n not in (op.addend or ())[:1]}
    explicit, note = explicit_call(call, plain)
    names = [axis.name for axis in summaries]
    return Explanation(
        op.name,
        op.kind,
        _meaning(call),
        call_text(op, options),
        shapes,
        _readings(call, shapes),
        summaries,
        call.conv.groups,
        call.conv.boundary,
        sides(names, [axis.padding for axis in summaries]),
        sides(names, crops) if crops else None,
        None if explicit is None else call_text(op, explicit),
        note,
        torch_lines(call, dtypes, bias=bias, addend=(op.addend or ("",))[0] in options),
        path=str(path_of(call)),
        lowered=call,
    )


def _meaning(call: LoweredCall) -> str:
    """The operation, and which way it reads its kernel, in words."""
    # In words of the operation, not of the record: a transposed cross-correlation's record is
    # reversed.
    kind = call.op.kind.replace("_", " ").replace("conv", "convolution", 1)
    if call.op.kind == "conv_transpose":
        kind = "transposed convolution"
    # One value where all axes agree; two where only some are reversed.
    directions = set(call.conv.reverse)
    if len(directions) > 1 or call.op.kind == "conv_transpose":
        reading = UPRIGHT if True in directions else FLIPPED
        kind_of = (
            f"the transpose of {reading}" if len(directions) == 1 else "its axes read differently"
        )
        return f"a {kind}: {kind_of}"
    return f"a {kind}: {FLIPPED if True in directions else UPRIGHT}"


def axes_of(call: LoweredCall) -> tuple[AxisSummary, ...]:
    """The spatial axes, in the order of the native arrays."""
    # The formula is written as people know it, with numbers: a plain call's divides, a transposed
    # call's multiplies and takes the crop off.  span is how far the first window can move; below 0
    # none fits.
    conv, sizes = call.conv, call.sizes
    transposed = call.op.kind == "conv_transpose"
    summaries = []
    for i, (name, out) in enumerate(zip(names_of(call), conv.output(sizes.size, sizes.kernel))):
        n, k, s, d = sizes.size[i], sizes.kernel[i], conv.stride[i], conv.rhs_dilation[i]
        spread, (lo, hi) = conv.lhs_dilation[i], conv.pad[i]
        extent = f"(({k} - 1) * {d} + 1)"
        reach = (k - 1) * d
        # The crop of the whole result, as in ``lower.uncrop``.
        crop = (reach - lo, reach - hi) if transposed else None
        if crop is not None:
            formula = f"({n} - 1) * {spread} + {extent} - {_term(crop[0])} - {_term(crop[1])}"
        else:
            size = f"({n} - 1) * {spread} + 1" if spread > 1 else f"{n}"
            formula = f"({size} + {_term(lo)} + {_term(hi)} - {extent}) // {s} + 1"
        span = (n - 1) * spread + 1 + lo + hi - reach - 1 if n else -1
        formula = f"{formula} = {out}" if span >= 0 else f"no window fits: {out}"
        summaries.append(
            AxisSummary(name, n, k, s, d, spread, (lo, hi), crop, conv.reverse[i], out, formula)
        )
    return tuple(summaries)


def _term(n: int) -> str:
    """A number in a formula, in brackets where it is negative."""
    return f"{n}" if n >= 0 else f"({n})"


def names_of(call: LoweredCall) -> tuple[str, ...]:
    """What the spatial axes are called here: by the order in which an array prints them."""
    # By how an array is printed: NumPy prints slices first, Julia rows and columns first.
    # More axes have no names but the letters of their layout.
    if call.rank == 1:
        return ("positions",)
    if call.rank == 2:
        return ("rows", "columns")
    if call.rank != 3:
        return tuple(f"s{i}" for i in range(call.rank))
    three = ("rows", "columns", "slices")
    return three if call.layout.column_major else ("slices", "rows", "columns")


def sides(names: Sequence[str], pairs: Sequence[tuple[int, int]]) -> str:
    """Pairs in words: "top 1, bottom 2, left 0, right 1" for two axes, else before and after."""
    # Of two axes people say top and left; of one or three there are no such words.
    if len(pairs) == 2:
        words = [w for pair in SIDES[2] for w in pair]
        return ", ".join(f"{w} {n}" for w, n in zip(words, (n for p in pairs for n in p)))
    texts = [f"before {lo}, after {hi}" for lo, hi in pairs]
    if not texts:
        return "no axis to pad"
    return texts[0] if len(texts) == 1 else "; ".join(map("{}: {}".format, names, texts))


def _readings(call: LoweredCall, shapes: Mapping[str, Shape]) -> dict[str, Mapping[str, int]]:
    """For each array, its axes in order: what each one is, and its size."""
    # The kernel that two vectors make is told as what was given: two arrays of one axis.
    layout, op = call.layout, call.op
    patterns = {"x": layout.x, "w": layout.w, "y": layout.y}
    if op.outer_product is not None:
        patterns["w"], patterns["pointwise"] = op.outer_product
    elif op.pointwise is not None:
        patterns["pointwise"] = op.pointwise
    return {role: _reading(call, role, p, shapes[role]) for role, p in patterns.items()}


def _reading(call: LoweredCall, role: str, pattern: str, shape: Shape) -> dict[str, int]:
    """One array's axes in words, with sizes; of several batch axes the second is "batch (2)"."""
    rank = call.rank if "..." in pattern else max(rank_of(pattern, len(pattern.split())), 0)
    letters = list(axes(pattern, rank))
    if "n" in letters and role in ("x", "y"):
        batch = call.y_batch if role == "y" else call.sizes.batch
        at, many = letters.index("n"), len(batch)
        letters[at : at + 1] = ["n"] * many
    names = names_of(call)
    sizes: dict[str, int] = {}
    for letter, size in zip(letters, shape):
        name = names[int(letter[1:])] if letter[0] == "s" else LETTERS[letter]
        if call.conv.groups == 1:
            name = name.removesuffix(", of one group")
        key, again = name, 2
        # Two axes of one name, as the batch axes are, are told apart by a number.
        while key in sizes:
            key, again = f"{name} ({again})", again + 1
        sizes[key] = size
    return sizes


def call_text(op: Op, options: Mapping[str, Any]) -> str:
    """The call as it is typed, its arrays by their roles."""
    # x and w go by position, in the function's own order; options by name, as they were given.
    arrays = []
    for param in op.params.split():
        role, _, native = param.rpartition(":")
        if role in ("x", "w", "p") and native == op.array_names(role)[0]:
            arrays.append("pointwise" if role == "p" else role)
    words = [f"{name}={_shown(value)}" for name, value in options.items()]
    return f"{op.name}({', '.join((*arrays, *words))})"


def _shown(value: Any) -> str:
    """An option as it is typed; "..." for an array."""
    return "..." if hasattr(value, "shape") else show(value)


def in_numbers(op: Op) -> Op | None:
    """The same function without its padding words; None where it takes no numbers."""
    # What is left of the rule: its form, and of the option beside it the words that mean "numbers".
    pad = op.padding
    by = pad.word_option
    if by is not None:
        # None in the table is the word beside which numbers count.
        table = {word: rule for word, rule in by.table.items() if rule is None}
        if not table:
            return None
        default = by.default if by.default in table else REQUIRED
        by = replace(by, table=table, default=default)
    if pad.form is None:
        return None
    bare: Pad = replace(pad, words={}, word_option=by, borders={}, undilated=())
    return replace(op, pad=replace(op.crop, pad=bare) if op.crop else bare)


def explicit_call(
    call: LoweredCall, options: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, str]:
    """The options with the padding in numbers, or why the function cannot say it so."""
    # How to read this: it is ``lift`` to the same function, but only for the padding: the record is
    # written by the function without words, and what comes back is lowered again.  Beside a word
    # that ignored the dilation, the dilation must be said as 1.
    op, conv, sizes = call.op, call.conv, call.sizes
    bare = in_numbers(op)
    if bare is None:
        return None, f"{op.name} takes no padding in numbers"
    own, _ = complete(op, options)
    transposed = op.kind == "conv_transpose"
    facts = CallContext(op.name, op.title, call.layout, sizes, boundary=conv.boundary, options=own)
    stride = conv.lhs_dilation if transposed else conv.stride
    facts = replace(facts, stride=stride, dilation=conv.rhs_dilation, ndim=call.rank)
    if op.lhs_dilation:
        facts = replace(facts, lhs_dilation=conv.lhs_dilation)
    pad = op.padding
    aside: dict[str, Any] = {}
    if op.dilation and not pad.dilates(own[pad.option]):  # a word that ignored the dilation
        aside = {op.dilation.option: op.dilation.write(conv.rhs_dilation, facts)}
    # Every way to pad is tried until one gives the same record; the first refusal tells why none
    # does.
    refusals: list[UniconvError] = []
    for way in paddings(conv, bare, facts, refusals):
        words = {**_without(op, options, {*aside, *way}), **scattered(op, aside | way)}
        words = {name: v for name, v in words.items() if v is not op.default(name)}
        try:
            again = lower(op, words, *native_shapes(call, op, call.layout))
        except UniconvError as error:
            refusals.append(error)
            continue
        if again.conv.tight(sizes.size, sizes.kernel) == conv.tight(sizes.size, sizes.kernel):
            return words, ""
    first = refusals[0]
    reason = first.reason if isinstance(first, CannotExpress) else str(first)
    return None, f"{op.name} cannot say it in numbers: {reason.removeprefix(f'{op.name}: ')}"


def _without(op: Op, options: Mapping[str, Any], rules: set[str]) -> dict[str, Any]:
    """The options but for those that the named rules read, under whatever name."""
    # An option for each axis stands for the rule that reads them all; a second name for the first.
    names = {
        name for rule in rules for name in getattr(op.per_axis_options.get(rule), "names", (rule,))
    }
    return {n: v for n, v in options.items() if op.aliases.get(n, n) not in names}


def _place(
    problem: WindowedCall,
    call: LoweredCall,
    at: Sequence[int] | int | None,
    batch: Any,
    channel: int,
) -> tuple[Index, int, int]:
    """The element asked for, checked against y."""
    # Several batch axes were made one: their indices become one, in memory order; -1 for none.
    size = problem.y.shape[2:]
    position = (at,) if isinstance(at, int) else (0,) * len(size) if at is None else tuple(at)
    if len(position) != len(size) or not all(0 <= p < n for p, n in zip(position, size)):
        raise BadShape(
            f"{call.op.name}: at={show(at)} must be a position in y, whose spatial sizes are "
            f"{size}: {len(size)} integer{'s' if len(size) > 1 else ''}, "
            "each from 0 to its size less 1"
        )
    axes_ = tuple(n // call.conv.batch_groups for n in call.sizes.batch)
    entry = batch
    if not isinstance(batch, int):
        entry = tuple(batch)
        fits = len(entry) == len(axes_) and all(0 <= p < n for p, n in zip(entry, axes_))
        entry = int(np.ravel_multi_index(entry, axes_)) if fits else -1
    # Negative indices are refused, not counted from the end: that would be easy to misread.
    if not 0 <= entry < math.prod(axes_):
        raise BadShape(f"{call.op.name}: batch={batch} must lie in y, whose batch axes are {axes_}")
    if not 0 <= channel < problem.y.shape[1]:
        raise BadShape(
            f"{call.op.name}: channel={channel} must be one of y's {problem.y.shape[1]} channels"
        )
    return position, entry, channel


def _steps(
    window: Window, call: LoweredCall, bias: Any, addend: Any
) -> tuple[tuple[str, Any], ...]:
    """What follows the sum, in order: a text and the value after it."""
    # The order is that in which y is computed (``_calls/steps.py``), and each text has its value.
    value = window.sum
    steps: list[tuple[str, Any]] = []
    if call.scale != 1:
        value = value * call.scale
        steps.append((f"times {call.scale}", value))
    if addend is not None and call.addend_scale != 0:
        assert call.op.addend is not None
        entry = numbers(addend)[window.y_index].item()
        value = value + call.addend_scale * entry
        steps.append((f"plus {call.addend_scale} * {call.op.addend[0]}, {entry}", value))
    if call.shift != 0:
        value = value + call.shift
        steps.append((f"plus {call.shift}", value))
    if bias is not None:
        entry = numbers(bias).ravel()[window.channel].item()
        value = value + entry
        steps.append((f"plus the bias {entry}", value))
    if call.activation:
        value = compute(call.activation, torch.tensor(float(value), dtype=torch.float64)).item()
        steps.append((f"through {call.activation}", value))
    return tuple(steps)

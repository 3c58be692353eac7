"""What a function lacks for a call, done beside it: on x, on the kernel, on y."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from uniconv._calls.lift import Lifted, lift
from uniconv._calls.lower import LoweredCall
from uniconv._calls.steps import after_steps, bias_step, kernel_sizes
from uniconv._canonical.formula import extents
from uniconv._canonical.layout import axes
from uniconv._canonical.rearrange import kernel_steps, permuted
from uniconv._canonical.record import Pairs, effective
from uniconv._canonical.steps import (
    AddAxes,
    AnySize,
    Bias,
    Conjugate,
    Cut,
    DropAxis,
    Every,
    Flip,
    Gather,
    Merge,
    Split,
    Spread,
    Step,
    Surround,
    border,
    zeros,
)
from uniconv._translate.languages import is_zero
from uniconv._translate.sizes import pads_everywhere
from uniconv.errors import CannotExpress
from uniconv.spec.op import Op

Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A call as another function's call, and what is done around that.

    call: the one that is rewritten; lifted: the other function's.
    x, w, p: from the arrays as ``call`` takes them to those that ``lifted`` takes; y: back.
    bias: whether the other function's own call adds the bias; where not, a step of y does.
    everywhere: whether it holds for x of every size, and not for that of ``call`` alone.
    beside: the fields of the record that the function does not say itself.
    measured: of what formulas in the steps name the extents: "n" of x, n0, n1, ..., "k" of w.
    then: what takes the y of this for its x, and the second kernel for its kernel.
    """

    call: LoweredCall
    lifted: Lifted
    x: Steps
    w: Steps
    p: Steps
    y: Steps
    bias: bool
    everywhere: bool
    beside: tuple[str, ...]
    measured: str = ""
    then: Rewriting | None = None

    @property
    def steps(self) -> Steps:
        """All that is done around the call, and around that which takes its y."""
        return (*self.x, *self.w, *self.p, *self.y, *(self.then.steps if self.then else ()))


@dataclass(frozen=True, slots=True)
class _State:
    """A call on the way: what is left for the function to say, and the spatial steps so far.

    The steps are on the spatial axes alone, in their order.
    """

    rest: LoweredCall
    pads: Pairs | None
    x: Steps = ()
    w: Steps = ()
    y: Steps = ()
    fields: tuple[str, ...] = ()
    flips: tuple[int, ...] = ()


def rewritten(
    call: LoweredCall, op: Op, padding: AnySize | None, *, bias: bool, addend: bool
) -> Rewriting:
    """The call by ``op``, with what ``op`` lacks done beside it.

    padding: that of the call for x of any size: then all that is said holds for any size; None:
    for x of the call's own size.
    bias, addend: whether the call has these arrays.

    Raises:
        CannotExpress: what ``op`` lacks and no step beside it can do.
    """
    # How to read this: ``lift`` says which field of the record a function has no words for.  That
    # field is then done beside the call (``_BESIDE``), which leaves a plainer record, and the rest
    # is lifted again; until it can be said, or lacks what nothing here can do.
    if not addend:
        call = replace(call, addend_scale=0)
    pads = padding.padding if padding else None
    state = _State(_batched(call, op), pads)
    if bias and not _adds_bias(op, state.rest):
        state = _after(state, "bias")
    if call.addend_scale != 0:  # an array beside x and w, which only its own function takes
        state = _after(state, "addend")

    def holds(lifted: LoweredCall) -> bool:
        return state.pads is None or pads_everywhere(lifted, state.pads)

    while True:
        try:
            lifted = lift(state.rest, op, flip_kernel=True, takes=holds)
            break
        except CannotExpress as error:
            state = _without(state, op, error)
    return _placed(call, lifted, state, bias=bias, everywhere=padding is not None)


def _without(state: _State, op: Op, error: CannotExpress) -> _State:
    """The state with the field that is lacking done beside the call; the error where none can."""
    for name in _BESIDE.get(_field(op, error.field), ()):
        if name not in state.fields:
            changed = _CHANGES[name](state, op)
            if changed is not None:
                return replace(changed, fields=(*changed.fields, name))
    raise error


def _field(op: Op, name: str) -> str:
    """The record's field that a refusal speaks of; a rule names its option."""
    rules = {
        "boundary": (op.boundary, op.fill),
        "stride": (op.stride,),
        "dilation": (op.dilation,),
        "lhs_dilation": (op.lhs_dilation,),
        "pad": (op.padding,),
        "activation": (op.activation,),
        "scale": (op.scale,),
        "shift": (op.shift,),
    }
    return next(
        (field for field, known in rules.items() if name in [r.option for r in known if r]), name
    )


def _adds_bias(op: Op, call: LoweredCall) -> bool:
    """Whether the function's own call adds a bias of one number for each channel of y."""
    return bool(op.array_names("bias")) and op.bias == "o" and call.op.bias == "o"


# The batch


def _batch(call: LoweredCall, op: Op) -> tuple[int, ...]:
    """The batch as ``op`` takes it: as it is, as one axis, without one, or with axes of size 1."""
    batch = call.sizes.batch
    fewest, most = op.batch
    if len(batch) > most >= 1:
        return (prod(batch),)
    if len(batch) > most and prod(batch) == 1:
        return ()
    return (*(1,) * (fewest - len(batch)), *batch)


def _batched(call: LoweredCall, op: Op) -> LoweredCall:
    return replace(call, sizes=replace(call.sizes, batch=_batch(call, op)))


# What is done beside a call.  Each function takes a state and gives that with one field less, or
# None where it has nothing to do.


def _border(state: _State, op: Op) -> _State | None:
    """The border around x, which the call then need not make."""
    rest, conv, sizes = state.rest, state.rest.conv, state.rest.sizes
    if op.kind == "conv_transpose":
        return _crop(state, op)
    none = ((0, 0),) * conv.rank
    pads = conv.pad if state.pads is None else state.pads
    if all(is_zero(n) for pair in pads for n in pair):  # what a border of no pixels is, is nothing
        plain = replace(conv, boundary="zeros", fill=0.0)
        return None if conv == plain else replace(state, rest=replace(rest, conv=plain))
    if max(conv.lhs_dilation, default=1) > 1:
        return None
    any_size = None if state.pads is None else AnySize(state.pads)
    steps = border("x", conv, sizes.size, any_size)
    size = tuple(n + lo + hi for n, (lo, hi) in zip(sizes.size, conv.pad))
    conv = replace(conv, pad=none, boundary="zeros", fill=0.0)
    rest = replace(rest, conv=conv, sizes=replace(sizes, size=size))
    return replace(state, rest=rest, pads=none, x=(*state.x, *steps))


def _crop(state: _State, op: Op) -> _State | None:
    """What a transposed convolution cuts off its whole result, or adds to it."""
    rest, conv, sizes = state.rest, state.rest.conv, state.rest.sizes
    full = effective(sizes.kernel, conv.rhs_dilation)
    whole = tuple((e - 1, e - 1) for e in full)
    if conv.pad == whole or conv.boundary != "zeros":
        return None
    pads = conv.pad if state.pads is None else state.pads
    grown = tuple((lo - a, hi - b) for (lo, hi), (a, b) in zip(pads, whole))
    conv = replace(conv, pad=whole)
    size = None if state.pads is not None else conv.output(sizes.size, sizes.kernel)
    steps = zeros("y", grown, size)
    return replace(state, rest=replace(rest, conv=conv), pads=whole, y=(*steps, *state.y))


def _surplus(state: _State, op: Op) -> _State | None:
    """More windows than the call has, as a word of the function gives them, cut off again."""
    rest, conv = state.rest, state.rest.conv
    if op.kind == "conv_transpose" or max(conv.stride) > 1 or any(map(any, conv.pad)):
        return None
    extents = effective(rest.sizes.kernel, conv.rhs_dilation)
    for pad in (
        tuple(((e - 1) // 2, e // 2) for e in extents),
        tuple((e // 2, (e - 1) // 2) for e in extents),
        tuple((e - 1, e - 1) for e in extents),
    ):
        for boundary in ("zeros", "constant", "symmetric", "reflect"):
            wider = replace(rest, conv=replace(conv, pad=pad, boundary=boundary))
            try:
                lift(wider, op, flip_kernel=True)
            except CannotExpress:
                continue
            out = wider.conv.output(rest.sizes.size, rest.sizes.kernel)
            return replace(state, rest=wider, pads=pad, y=(Cut("y", pad, out), *state.y))
    return None


def _spread(state: _State, op: Op) -> _State | None:
    """The zeros between the pixels of x."""
    rest, conv, sizes = state.rest, state.rest.conv, state.rest.sizes
    spread = conv.lhs_dilation
    if max(spread) == 1 or op.kind == "conv_transpose" or conv.boundary != "zeros":
        return None
    size = tuple(n * d for n, d in zip(sizes.size, spread))
    # Zeros follow the last pixel, too: so much less padding is left.
    more = [d - 1 for d in spread]
    pad = tuple((lo, hi - m) for (lo, hi), m in zip(conv.pad, more))
    pads = state.pads and tuple((lo, hi - m) for (lo, hi), m in zip(state.pads, more))
    conv = replace(conv, lhs_dilation=(1,) * conv.rank, pad=pad)
    rest = replace(rest, conv=conv, sizes=replace(sizes, size=size))
    return replace(state, rest=rest, pads=pads, x=(*state.x, Spread("x", spread, size)))


def _stride(state: _State, op: Op) -> _State | None:
    """Every so many windows of all."""
    conv = state.rest.conv
    if max(conv.stride) == 1:
        return None
    every = Every("y", conv.stride)
    conv = replace(conv, stride=(1,) * conv.rank)
    return replace(state, rest=replace(state.rest, conv=conv), y=(every, *state.y))


def _dilation(state: _State, op: Op) -> _State | None:
    """The zeros between the taps of the kernel."""
    rest, conv, sizes = state.rest, state.rest.conv, state.rest.sizes
    apart = conv.rhs_dilation
    if max(apart) == 1:
        return None
    size = tuple(k * d for k, d in zip(sizes.kernel, apart))
    cut = Cut("w", tuple((0, d - 1) for d in apart), size)
    conv = replace(conv, rhs_dilation=(1,) * conv.rank)
    kernel = effective(sizes.kernel, apart)
    rest = replace(rest, conv=conv, sizes=replace(sizes, kernel=kernel))
    return replace(state, rest=rest, w=(*state.w, Spread("w", apart, size), cut))


def _reverse(state: _State, op: Op) -> _State | None:
    """The kernel backwards along those axes along which the function does not read it so."""
    conv = state.rest.conv
    own = op.reverse.usual is not (op.kind == "conv_transpose") if not op.reverse.option else False
    flips = tuple(axis for axis, backwards in enumerate(conv.reverse) if backwards is not own)
    conv = replace(conv, reverse=(own,) * conv.rank)
    return replace(state, rest=replace(state.rest, conv=conv), flips=flips)


def _after(state: _State, name: str) -> _State:
    """What follows the sum from ``name`` on: all that the call's own function would do later."""
    # The order is scale, addend, shift, bias, activation: what comes late may be done beside the
    # call while the early is not, never the other way round.
    rest = replace(state.rest, activation=None)
    if name != "activation" and "bias" not in state.fields:
        state = replace(state, fields=(*state.fields, "bias"))
    if name in ("scale", "addend", "shift"):
        rest = replace(rest, shift=0)
    if name in ("scale", "addend"):
        rest = replace(rest, addend_scale=0)
    if name == "scale":
        rest = replace(rest, scale=1)
    return replace(state, rest=rest)


def _epilogue(name: str) -> Callable[[_State, Op], _State | None]:
    return lambda state, op: _after(state, name)


_CHANGES: Mapping[str, Callable[[_State, Op], _State | None]] = {
    "border": _border,
    "surplus": _surplus,
    "spread": _spread,
    "stride": _stride,
    "dilation": _dilation,
    "reverse": _reverse,
} | {name: _epilogue(name) for name in ("activation", "shift", "addend", "scale")}

# By the field that ``lift`` names: what may help, the first that has something to do.
_BESIDE: Mapping[str, tuple[str, ...]] = {
    "pad": ("spread", "border", "surplus"),
    "boundary": ("border", "surplus"),
    "contract": ("spread", "border", "surplus", "stride", "dilation"),
    "lhs_dilation": ("spread",),
    "stride": ("stride",),
    "dilation": ("dilation",),
    "reverse": ("reverse",),
    "activation": ("activation",),
    "shift": ("shift",),
    "addend": ("addend",),
    "scale": ("scale",),
}


# From spatial steps to those of whole arrays


def _placed(
    call: LoweredCall, lifted: Lifted, state: _State, *, bias: bool, everywhere: bool
) -> Rewriting:
    """The steps in order, each on the axes that the other function's arrays have."""
    own, to = lifted.call.layout, call.layout
    here = len(call.sizes.batch)
    there = len(lifted.call.sizes.batch)
    letters = letters_of(own.x, call.rank, there)
    x = (
        *moved("x", letters_of(to.x, call.rank, here), letters, here, there),
        *(placed(step, letters) for step in state.x),
    )
    kernel = axes(own.w, call.rank)
    flips = tuple(range(call.rank)) if lifted.reversed else ()
    flips = tuple(a for a in range(call.rank) if (a in flips) is not (a in state.flips))
    w = _kernel(call, lifted, kernel, flips)
    w += tuple(placed(step, kernel) for step in state.w)
    # y may have fewer batch axes than x.
    batch, made = call.y_batch, len(lifted.call.y_batch)
    results = letters_of(own.y, call.rank, made)
    native = letters_of(to.y, call.rank, len(batch))
    y: Steps = tuple(placed(step, results) for step in state.y)
    y += moved("y", results, native, made, len(batch), batch)
    grows = any(isinstance(step, Surround) for step in state.y)
    inside = bias and "bias" not in state.fields and not grows
    y += _epilogue_steps(call, lifted, bias=bias and not inside)
    p: Steps = ()
    if call.pointwise is not None:
        p = permuted(
            "p",
            axes(str(call.op.pointwise), call.rank),
            axes(str(lifted.call.op.pointwise), call.rank),
        )
    steps = (*x, *y)
    return Rewriting(
        call,
        lifted,
        x,
        w,
        p,
        y,
        inside,
        everywhere,
        state.fields,
        measured="".join(sorted({name[0] for step in steps for name in extents_of(step)})),
    )


def _kernel(
    call: LoweredCall, lifted: Lifted, letters: tuple[str, ...], flips: tuple[int, ...]
) -> Steps:
    """The kernel's axes as the other function has them, backwards along ``flips``, conjugated."""
    reversals = tuple(
        i - len(letters)
        for i, a in enumerate(letters)
        if a[0] == "s" and int(a[1:]) in flips and call.sizes.kernel[int(a[1:])] > 1
    )
    steps: Steps = ()
    if reversals:
        steps += (Flip("w", reversals),)
    steps += (Conjugate("w"),) if lifted.conjugated else ()
    if call.op.outer_product is not None:
        return steps
    sizes = kernel_sizes(call, call.conv.groups)
    return (*kernel_steps(call.letters.w, letters, sizes), *steps)


def _epilogue_steps(call: LoweredCall, lifted: Lifted, *, bias: bool) -> Steps:
    """What follows the sum and the other function does not do itself, on the call's own y."""
    own = lifted.call
    left = replace(
        call,
        scale=1 if own.scale == call.scale else call.scale,
        shift=0 if own.shift == call.shift else call.shift,
        addend_scale=0 if own.addend_scale == call.addend_scale else call.addend_scale,
        activation=None if own.activation == call.activation else call.activation,
    )
    steps = [step for step in after_steps(left) if not isinstance(step, Bias)]
    if bias:
        steps.insert(len(steps) - bool(left.activation), bias_step(call))
    return tuple(steps)


def letters_of(pattern: str, rank: int, batch: int) -> tuple[str, ...]:
    """The axes of an array by letter, with a letter for each batch axis: n0 n1 s0 s1 c."""
    names = ["n"] if batch == 1 else [f"n{i}" for i in range(batch)]
    spelled = [names if a == "n" else [a] for a in axes(pattern, rank)]
    return tuple(letter for letters in spelled for letter in letters)


def moved(
    on: str,
    src: tuple[str, ...],
    dst: tuple[str, ...],
    here: int,
    there: int,
    batch: tuple[int, ...] = (),
) -> Steps:
    """From one function's axes to another's; batch: the batch to come back to."""
    # Several batch axes are n0, n1, ...; one is n.
    steps: Steps = ()
    if here > there >= 1:
        first = src.index("n0")
        steps += (Merge(on, first, here),)
        src = (*src[:first], "n", *src[first + here :])
    goal = dst
    if there > here >= 1:
        first = dst.index("n0")
        goal = (*dst[:first], "n", *dst[first + there :])
    added = tuple(a for a in goal if a not in src)
    steps += (AddAxes(on, len(added)),) if added else ()
    letters = (*src, *added)
    gone = tuple(a for a in letters if a not in goal)
    steps += permuted(on, letters, (*goal, *gone))
    steps += (DropAxis(on),) * len(gone)
    return (*steps, Split(on, goal.index("n"), batch)) if there > here >= 1 else steps


def placed(step: Step, letters: tuple[str, ...]) -> Step:
    """A step on the spatial axes as one on the last axes of an array, others among them left."""
    at = {int(a[1:]): i for i, a in enumerate(letters) if a[0] == "s"}
    if not at:
        return step
    first = min(at.values())
    axis = {i: spatial for spatial, i in at.items()}

    def wide(values: tuple[Any, ...], idle: Any) -> tuple[Any, ...]:
        return tuple(values[axis[i]] if i in axis else idle for i in range(first, len(letters)))

    if isinstance(step, Surround):
        return replace(step, pad=wide(step.pad, (0, 0)))
    if isinstance(step, Gather):
        return replace(step, pad=wide(step.pad, (0, 0)), size=wide(step.size, 1))
    if isinstance(step, Cut):
        return replace(step, cut=wide(step.cut, (0, 0)), size=wide(step.size, 1))
    if isinstance(step, Every):
        return replace(step, stride=wide(step.stride, 1))
    if isinstance(step, Spread):
        return replace(step, dilation=wide(step.dilation, 1), size=wide(step.size, 1))
    raise TypeError(f"{step} is on no spatial axis")


def extents_of(step: Step) -> set[str]:
    """The names of the extents in the formulas of a step."""
    pairs = getattr(step, "pad", getattr(step, "cut", ()))
    return {name for pair in pairs for n in pair for name in extents(n)}

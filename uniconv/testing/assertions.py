"""Assertions: does a callable compute what a framework's convolution does?"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from math import prod, sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from uniconv._call import Call
from uniconv._calls.lower import LoweredCall
from uniconv._calls.plan import build
from uniconv.errors import BadShape
from uniconv.spec.op import COMPLEX, FLOATS
from uniconv.spec.registry import usual
from uniconv.testing.cases import LEFT_OUT, Case, attempt, probe, traits

__all__ = [
    "Array",
    "assert_close_conv",
    "assert_same_conv",
    "rounding_bound",
    "rounding_in_bounds",
]

Array = NDArray[Any]
_TRIES_PER_CASE = 50


def assert_same_conv(
    f: Callable[..., Any],
    call: Call,
    *,
    arrays: str = "torch",
    rank: int | None = None,
    grouped: bool = False,
    dtype: str = "float32",
    cases: int = 50,
    seed: int = 0,
) -> None:
    """Check that ``f(x, w)`` computes exactly what the call's function does with its options.

    The inputs are integer-valued, so that sums are exact and a difference is one of meaning, not
    of rounding; their sizes are drawn so that the call is valid and every axis differs.

    Args:
        f: called as f(x, w), for a separable convolution as f(x, w, pointwise); it gives y.
        call: the function and its options, without x and w; or with their shapes: then these are
            used, and no others.
        arrays: "torch" or "numpy": what f takes (y may be anything that NumPy can read).
        rank: how many spatial axes; by default 2, or what the function has.
        grouped: whether kernels with several channel groups are tried, too, where the function
            reads their number off the channels.
        cases, seed: how many random shapes, and where they start.

    Raises:
        AssertionError: f differs; it names the call, the first pixel and a reversed kernel.
        UniconvError: the function does not take these options at all.

    >>> import torch, uniconv
    >>> assert_same_conv(torch.conv2d, Call(dialect="pytorch"))
    >>> mine = lambda x, w: uniconv.conv(x, w, dialect="knet.conv4", mode=1)
    >>> assert_same_conv(mine, Call((5, 4, 1, 1), (3, 2, 1, 1), dialect="knet.conv4"))
    Traceback (most recent call last):
    AssertionError: knet.conv4(x (5, 4, 1, 1), w (3, 2, 1, 1)): f differs from knet.conv4
      case 1 of 1 (seed 0): 9 of 9 pixels differ, by 127 at most
      first at (0, 0, 0, 0): f gives 83, knet.conv4 gives -18
      f gives what knet.conv4 gives with w reversed along spatial axes 0, 1
    """
    drawn = list(_cases(call, rank, grouped, cases, seed))
    for number, case in enumerate(drawn):
        inputs = probe(case, seed + number, dtype)
        y, got = _run(case.call, inputs), _ask(f, case, inputs, arrays)
        where = f"case {number + 1} of {len(drawn)} (seed {seed})"
        _compare(case, where, inputs, y, got, np.zeros(y.shape))


def assert_close_conv(
    f: Callable[..., Any],
    call: Call,
    *,
    arrays: str = "torch",
    rank: int | None = None,
    grouped: bool = False,
    dtype: str = "float32",
    cases: int = 50,
    seed: int = 0,
) -> None:
    """As ``assert_same_conv``, on ordinary numbers: f may differ by ``rounding_bound``.

    >>> import torch
    >>> assert_close_conv(torch.conv2d, Call(dialect="torch.nn.functional.conv2d"), cases=5)
    """
    drawn = list(_cases(call, rank, grouped, cases, seed))
    for number, case in enumerate(drawn):
        rng = np.random.default_rng(seed + number)
        shapes = (case.x_shape, case.w_shape, case.pointwise_shape)
        inputs = tuple(rng.standard_normal(s).astype(dtype) for s in shapes if s is not None)
        wide = tuple(a.astype(np.result_type(a, np.float64)) for a in inputs)
        y, got = _run(case.call, wide), _ask(f, case, inputs, arrays)
        where = f"case {number + 1} of {len(drawn)} (seed {seed})"
        _compare(case, where, wide, y, got, _bound(case.call, inputs))


def rounding_bound(call: Call) -> Array:
    """How far rounding can take each pixel of a call's y from the exact result, for x's dtype.

    It is 2 sqrt(K) u conv(\\|x\\|, \\|w\\|), with K the taps times the input channels of one
    group and u the unit roundoff: a relative error would be the wrong ruler, as sums cancel.

    >>> x, w = np.ones((1, 1, 3), "float32"), np.ones((1, 1, 1), "float32")
    >>> rounding_bound(Call(x, w, dialect="pytorch")) / 2**-24
    array([[[2., 2., 2.]]])
    """
    arrays = (call.array(role) for role in ("x", "w", "pointwise"))
    return _bound(call.lowered, tuple(np.asarray(a) for a in arrays if a is not None))


def rounding_in_bounds(call: LoweredCall, inputs: tuple[Array, ...], y: Array) -> float:
    """How far y is from the exact result of a call, at most, in units of ``rounding_bound``.

    A pixel is allowed the roundoff of the largest one, too: sums by FFT, and what is added to y.
    """
    call = replace(call, op=replace(call.op, dtypes=(*FLOATS, *COMPLEX)))  # whatever it takes
    exact = _run(call, tuple(a.astype(np.result_type(a, np.float64)) for a in inputs))
    roundoff = float(np.finfo(inputs[0].dtype).eps) / 2
    bound = np.maximum(_bound(call, inputs), roundoff * np.abs(exact).max(initial=0))
    return float((np.abs(y - exact) / np.where(bound, bound, np.inf)).max(initial=0))


def _bound(call: LoweredCall, inputs: tuple[Array, ...]) -> Array:
    roundoff = float(np.finfo(inputs[0].dtype).eps) / 2
    taps = prod(call.sizes.kernel) * call.sizes.c // call.conv.groups
    width = sqrt(taps)
    if call.pointwise is not None:
        width += sqrt(call.pointwise[1].c // call.pointwise[0].groups)
    sums = _run(call, tuple(np.abs(a).astype(np.float64) for a in inputs))
    return np.asarray(2 * width * roundoff * np.abs(sums))


def _cases(call: Call, rank: int | None, grouped: bool, count: int, seed: int) -> Iterator[Case]:
    """Calls with exactly these options, of the call's own or of random shapes."""
    op, options = call.function, dict(call.options)
    if call.shapes:
        shapes = (call.shapes.get(role) for role in ("x", "w", "pointwise"))
        yield Case(op, options, *shapes)  # type: ignore[arg-type]
        return
    if rank is not None and call.dialect is not None:
        op = usual(call.dialect, op.kind, rank)
    rng = random.Random(seed)
    if rank is None:
        rank = 2 if 2 in op.ranks else op.ranks[0]
    choices = traits(op, rank) | {"batch": (1,)}
    if op.layout.option is not None:
        word = options.get(op.layout.option, LEFT_OUT)
        every = choices["rank and layout"]
        choices["rank and layout"] = tuple(c for c in every if c[1] == word) or every
    if op.groups.option is not None:
        choices["groups"] = (options.get(op.groups.option, 1),)
    elif not grouped:
        choices["groups"] = (1,)
    total = 0
    problem: Exception = BadShape(f"{op.name}: no call is valid")
    for _ in range(count * _TRIES_PER_CASE):
        drawn = attempt(op, {n: rng.choice(known) for n, known in choices.items()}, rng)
        if drawn is None:
            continue
        case = Case(op, options, drawn.x_shape, drawn.w_shape, drawn.pointwise_shape)
        try:
            case.call  # noqa: B018
        except ValueError as error:
            problem = error
            continue
        total += 1
        yield case
        if total == count:
            return
    if not total:
        raise problem


def _run(call: LoweredCall, inputs: tuple[Array, ...]) -> Array:
    x, w, *pointwise = (torch.as_tensor(a) for a in inputs)
    return np.asarray(build(call)(x, w, *([None, *pointwise] if pointwise else ())).numpy())


def _ask(f: Callable[..., Any], case: Case, inputs: tuple[Array, ...], arrays: str) -> Array:
    """f's y as a NumPy array."""
    if arrays not in ("torch", "numpy"):
        raise ValueError(f'arrays="{arrays}" must be "torch" or "numpy"')
    copies = [a.copy() for a in inputs]
    try:
        y = f(*(map(torch.from_numpy, copies) if arrays == "torch" else copies))
    except Exception as error:
        raise AssertionError(f"{case}: f raises {type(error).__name__}: {error}") from error
    return y.detach().cpu().resolve_conj().numpy() if isinstance(y, Tensor) else np.asarray(y)


def _compare(
    case: Case, where: str, inputs: tuple[Array, ...], y: Array, got: Array, bound: Array
) -> None:
    name = case.op.name
    if got.shape != y.shape:
        raise AssertionError(
            f"{case}: f differs from {name}\n"
            f"  {where}: f gives the shape {got.shape}, {name} gives {y.shape}"
        )
    difference = np.abs(got - y.astype(np.result_type(y, np.float64)))
    differs = ~(difference <= bound)  # NaN differs, too
    if not differs.any():
        return
    first = tuple(int(i) for i in np.argwhere(differs)[0])
    most = difference[differs].max()
    lines = [
        f"{case}: f differs from {name}",
        f"  {where}: {differs.sum()} of {y.size} pixels differ, by {most:g} at most",
        f"  first at {first}: f gives {got[first]:g}, {name} gives {y[first]:g}",
    ]
    if bound.any():
        lines[1] += f" ({(difference / np.where(bound, bound, np.inf)).max():.3g} x the bound)"
    reversed_along = _reversed_along(case, inputs, got, bound)
    if reversed_along:
        along = f"spatial axes {', '.join(map(str, reversed_along))}"
        lines.append(f"  f gives what {name} gives with w reversed along {along}")
    raise AssertionError("\n".join(lines))


def _reversed_along(
    case: Case, inputs: tuple[Array, ...], got: Array, bound: Array
) -> tuple[int, ...]:
    """The spatial axes along which a reversed kernel explains f's y; none if nothing does."""
    call = case.call
    x, w, *rest = inputs
    places = {i: call.letters.w.index(f"s{i}") for i in range(call.rank)}
    long = [i for i, at in places.items() if w.shape[at] > 1]
    for count in range(len(long), 0, -1):
        for chosen in combinations(long, count):
            reversal = np.flip(w, tuple(places[i] for i in chosen)).copy()
            if (np.abs(_run(call, (x, reversal, *rest)) - got) <= bound).all():
                return chosen
    return ()

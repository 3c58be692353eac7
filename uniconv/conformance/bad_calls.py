"""Calls with something wrong, made from a function's spec, and why uniconv refuses them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from functools import singledispatch
from math import prod
from typing import Any

import torch

from uniconv import _functional as functional
from uniconv._canonical.record import Shape
from uniconv._native import native
from uniconv.errors import BadOption, Refused, UniconvError
from uniconv.spec.groups import Count
from uniconv.spec.op import Op
from uniconv.spec.padding import Pad
from uniconv.spec.registry import find
from uniconv.spec.rules import Choice, PerAxis, Rule
from uniconv.testing.cases import Case, attempt, grid, traits

__all__ = [
    "TrialCall",
    "badly_called",
    "called",
    "kind_of",
    "refused_calls",
    "well_called",
]


@dataclass(frozen=True)
class TrialCall:
    """A native call by shapes: ``dtypes`` and ``devices`` are those of x, w and the last array.

    again: a second name under which the kernel is given once more.
    """

    function: str
    options: Mapping[str, Any]
    x_shape: Shape
    w_shape: Shape
    _: KW_ONLY
    pointwise_shape: Shape | None = None
    bias_shape: Shape | None = None
    dtypes: tuple[str, ...] = ("float32", "float32", "float32")
    devices: tuple[str, ...] = ("cpu", "cpu", "cpu")
    again: str | None = None

    def __str__(self) -> str:
        options = ", ".join(f"{k}={v!r}" for k, v in self.options.items())
        return f"{self.function}({options})"

    def arrays(self) -> dict[str, torch.Tensor | None]:
        """x, w, p and bias: small distinct integers, so that float16 and int8 hold them."""
        shapes = {
            "x": self.x_shape,
            "w": self.w_shape,
            "p": self.pointwise_shape,
            "bias": self.bias_shape,
        }
        at = {"x": 0, "w": 1, "p": 2, "bias": 2}
        return {
            role: None
            if shape is None
            else (torch.arange(prod(shape)) % 7 - 3)
            .reshape(shape)
            .to(self.devices[at[role]], getattr(torch, self.dtypes[at[role]]))
            for role, shape in shapes.items()
        }

    def through_uniconv(self) -> Any:
        """What the public function of this kind of convolution returns or raises."""
        op, tensors = find(self.function), self.arrays()
        x, w, p, bias = (tensors[role] for role in ("x", "w", "p", "bias"))
        if self.again:
            names = {op.array_names("x")[0]: x, op.array_names("w")[0]: w, self.again: w}
            return native(self.function)(**names, **self.options)
        arrays = (x, w) if op.kind != "separable_conv" else (x, w, p)
        public = getattr(functional, op.kind)
        return public(*arrays, bias, dialect=self.function, **self.options)


def refused_calls(op: Op) -> Iterator[tuple[TrialCall, UniconvError]]:
    """Calls that uniconv refuses, with its errors; ``kind_of`` tells which are for one reason.

    >>> call, error = next(refused_calls(find("numpy.convolve")))
    >>> print(error)
    numpy.convolve has no option "foo"; it has mode
    """
    for call in badly_called(op, well_called(op)):
        try:
            call.through_uniconv()
        except UniconvError as error:
            yield call, error


def kind_of(error: UniconvError) -> tuple[Any, str]:
    """What a call is refused for: the option, or the end of the message."""
    text = str(error)
    short = text.split("=")[0][:60] if type(error) is BadOption else text[-40:]
    return type(error), short


def well_called(op: Op) -> TrialCall:
    """A call of the function that gives something."""
    for case in grid(op, most=60, seed=1):
        call = called(case)
        if (
            case.call.rank == (2 if 2 in op.ranks else op.ranks[0])
            and call.through_uniconv().abs().sum() > 0
        ):
            return call
    raise AssertionError(f"{op.name}: no call made from its spec gives anything but zeros")


def called(case: Case) -> TrialCall:
    dtype = "float32" if "float32" in case.op.dtypes else case.op.dtypes[0]
    shapes = case.x_shape, case.w_shape
    options = {k: v for k, v in case.options.items() if k not in (case.op.addend or ())}
    return TrialCall(
        case.op.name, options, *shapes, pointwise_shape=case.pointwise_shape, dtypes=(dtype,) * 3
    )


@singledispatch
def wrong_values(rule: Rule, rank: int) -> tuple[Any, ...]:
    """Values that an option of that rule does not take, for so many spatial axes."""
    return ()


@wrong_values.register
def _(rule: PerAxis, rank: int) -> tuple[Any, ...]:
    return rule.least - 1, [1] * 7, "2", 1.5, [rule.least - 1] * rank


@wrong_values.register
def _(rule: Choice, rank: int) -> tuple[Any, ...]:
    return "foo", 7


@wrong_values.register
def _(rule: Count, rank: int) -> tuple[Any, ...]:
    return 0, 7, -1


@wrong_values.register
def _(rule: Pad, rank: int) -> tuple[Any, ...]:
    return "foo", -1, [1] * 9, [[1, 1]] * 9, 1.5


def badly_called(op: Op, call: TrialCall) -> Iterator[TrialCall]:
    """The good call with one thing wrong."""
    yield replace(call, options={**call.options, "foo": 1})
    for name, value in _bad_options(op, len(call.w_shape) - 2):
        yield replace(call, options={**call.options, name: value})
    yield from _badly_shaped(call)
    if not op.mixed_dtypes:
        yield replace(call, dtypes=("float32", "float64", "float32"))
        yield replace(call, dtypes=("bool", "bool", "bool"))
    yield from _refused_together(op)


def _bad_options(op: Op, rank: int) -> Iterator[tuple[str, Any]]:
    """Options with values that they do not take."""
    for name, rule in op.rules.items():
        names = op.per_axis_options[name].names if name in op.per_axis_options else (name,)
        values = wrong_values(rule, rank)
        if name in op.per_axis_options:
            values = tuple(v for v in values if not isinstance(v, list))
        yield from ((names[0], value) for value in values)


def _badly_shaped(call: TrialCall) -> Iterator[TrialCall]:
    """Arrays with an axis too few or too many, and with each axis of another size."""
    x, w = call.x_shape, call.w_shape
    yield replace(call, x_shape=x[1:])
    yield replace(call, x_shape=(*x, 2))
    yield replace(call, w_shape=w[1:])
    yield replace(call, w_shape=(*w, 1, 1))
    for axis in range(len(w)):
        yield replace(call, w_shape=(*w[:axis], w[axis] + 1, *w[axis + 1 :]))
        yield replace(call, w_shape=(*w[:axis], 0, *w[axis + 1 :]))
        yield replace(call, w_shape=(*w[:axis], w[axis] + 40, *w[axis + 1 :]))
    for axis in range(len(x)):
        yield replace(call, x_shape=(*x[:axis], x[axis] + 1, *x[axis + 1 :]))
        yield replace(call, x_shape=(*x[:axis], 0, *x[axis + 1 :]))
    yield replace(call, bias_shape=(97,))


def _refused_together(op: Op) -> Iterator[TrialCall]:
    """Calls that are valid option by option, one for each reason to refuse them together."""
    rng, choices, reasons = random.Random(op.name), traits(op), set[str]()
    for _ in range(600):
        case = attempt(op, {n: rng.choice(k) for n, k in choices.items()}, rng, refused=True)
        if case is None:
            continue
        try:
            case.call  # noqa: B018
        except Refused as error:
            reason = str(error).rpartition(": ")[2]
            if reason not in reasons:
                reasons.add(reason)
                yield called(case)
        except UniconvError:
            continue

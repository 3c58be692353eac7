"""A model of how y came about: arrays with canonical axes, the record, and what follows the sum.

``Problem`` holds what the user gave, each array with letters for its axes; ``Hypothesis`` is one
idea of it, whose arrays are views of those wherever that is possible.  ``Hypothesis.element``
computes one number of the result, ``Hypothesis.result`` all of them, both in float64.

A search looks at a hundred thousand hypotheses, so what is made for each is kept small: ``but``
copies fields without checks, views stand for copies, and an element is computed from the slices of
x and w under it, without what the zeros around x would add.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from uniconv._calls.lower import LoweredCall
from uniconv._canonical.activation import Activation
from uniconv._canonical.execute import runner
from uniconv._canonical.layout import axes, completed
from uniconv._canonical.record import Convolution, Sizes, effective
from uniconv._canonical.steps import by_transposing
from uniconv._diagnose.activations import candidates, curved, forwards, steepest
from uniconv._diagnose.normalization import BatchNormStatistics
from uniconv._messages import show_shape
from uniconv.errors import BadShape

Array = NDArray[Any]
Letters = tuple[str, ...]
Index = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One cause: the field, what was expected of it and what is there, and both in one clause.

    cost orders causes that explain y equally well, the simplest first.  code says, for "x", "w",
    "y" or "bias", how the array must be written to change the expected call so ("{}" is the array).
    undo is what to change instead where y was made.  read_off: whether a number of it is taken
    from y itself.
    """

    field: str
    expected: str
    actual: str
    text: str
    cost: float
    code: tuple[tuple[str, str], ...] = ()
    undo: str = ""
    read_off: bool = False

    def but(self, **fields: Any) -> Change:
        """The same with some fields changed."""
        return replace(self, **fields)

    def same(self, other: Change) -> bool:
        """Whether both say the same, numbers that are read off y aside."""
        alike = self.read_off or self.actual == other.actual
        return self.field == other.field and self.read_off == other.read_off and alike


@dataclass(frozen=True)
class LabelledArray:
    """An array and the letters of its axes; ``fortran`` is a copy whose memory runs backwards.

    shape and own_letters are those of the user's array, in which n may stand for several axes, or
    none; here it is one, and there is an axis of size 1 for every letter that the user's lacks.
    """

    array: Array
    letters: Letters
    fortran: Array
    shape: tuple[int, ...]
    own_letters: Letters

    @staticmethod
    def of(a: Array, letters: Letters, shape: tuple[int, ...], own: Letters) -> LabelledArray:
        """The array in memory order, with its copy in the other order."""
        return LabelledArray(np.ascontiguousarray(a), letters, np.asfortranarray(a), shape, own)

    def with_values(self, a: Array) -> LabelledArray:
        """Other values in the same places."""
        return LabelledArray.of(a, self.letters, self.shape, self.own_letters)

    def code(self, middle: str) -> str:
        """NumPy code on the array with all its axes, as code on what the user gave ("{}")."""
        if self.shape == self.array.shape:
            return f"{{}}{middle}"
        order = re.fullmatch(r"\.transpose\(([0-9, ]+)\)", middle)
        if order is not None:  # of axes that the user's array has, where the others stay last
            own, others = _parted([int(n) for n in order[1].split(",")], len(self.shape))
            if others == list(range(len(self.shape), self.array.ndim)) and self._is_start:
                return f"{{}}.transpose({_listed(tuple(own))})"
        return f"{{}}.reshape({_listed(self.array.shape)}){middle}.reshape({_listed(self.shape)})"

    def along(self, letter: str, index: str) -> str:
        """Code that indexes one axis: "{}[:, :, ::-1]"."""
        return self.indexed([*[":"] * self.letters.index(letter), index])

    def indexed(self, entries: Sequence[str]) -> str:
        """Code that indexes axes from the first one on, each in its own way."""
        entries = list(entries)
        while entries and entries[-1] == ":":
            entries.pop()
        index = f"[{', '.join(entries)}]"
        own = self._is_start and len(entries) <= len(self.shape)
        return f"{{}}{index}" if own else self.code(index)

    @property
    def _is_start(self) -> bool:
        """Whether the axes that the user's array lacks are the last ones, as they mostly are."""
        return self.array.shape[: len(self.shape)] == self.shape


class Problem:
    """What was given: the lowered call, and its arrays with an axis for every letter.

    x, w and y keep the native order of their axes, since readings and code are about that order;
    ``input``, ``kernel`` and ``output`` bring them into the canonical one.  An axis that the layout
    lacks is there with size 1, and several batch axes are one.  parts: how many parts of the batch
    have filters of their own (JAX's batch_group_count), which become groups of channels here.
    flattened: whether y came with its axes merged.  activations: those that y may end in, by its
    numbers.  memory: the products under elements, of
    the x, w and record that were asked last; surrounded: the x that was asked last with a rim of
    one pixel, of zeros and of its other end.
    """

    def __init__(
        self,
        call: LoweredCall,
        x: Array,
        w: Array,
        y: Array,
        p: Array | None = None,
        *,
        flattened: bool = False,
    ) -> None:
        self.call, self.rank, self.flattened = call, call.rank, flattened
        self.spatial = tuple(f"s{i}" for i in range(self.rank))
        self.transposed = call.op.kind == "conv_transpose"
        self.parts = call.conv.batch_groups
        self.groups = call.conv.groups
        batch = call.sizes.batch
        count = len(batch)
        self.x = _labelled(x, axes(call.layout.x, self.rank), count, ("n", "c"))
        self.y = _labelled(y, axes(call.layout.y, self.rank), len(call.y_batch), ("n", "o"))
        native_shape = w.shape
        if call.op.outer_product is not None and p is not None:
            vectors = dict(zip(call.op.outer_product, (w, p)))
            w = np.multiply.outer(*(vectors[a] for a in sorted(vectors)))
        own = axes(call.layout.w, self.rank)
        letters, lacking = completed(own, ("m", "i", *self.spatial))
        self.w = LabelledArray.of(w.reshape(*w.shape, *lacking), letters, native_shape, own)
        self.readings: dict[str, list[tuple[Array, Change]]] = {}
        self.memory: tuple[Any, Any, Any, dict[Any, Any]] = (None, None, None, {})
        self.surrounded: tuple[Any, Any, Any] = (None, None, None)
        self.activations = tuple(candidates(y))
        self.goes_below_zero = not np.iscomplexobj(y) and bool((y < 0).any())
        self.pointwise = None if p is None or call.op.outer_product else self._pointwise(p)

    def forget(self) -> None:
        """Let go of all arrays that can be made again: of large images they are hundreds of MB."""
        self.readings.clear()
        self.memory = (None, None, None, {})
        self.surrounded = (None, None, None)

    def _pointwise(self, p: Array) -> Array:
        """The kernel of the 1x1 convolution as one matrix, o by all channels between."""
        assert self.call.op.pointwise is not None
        assert self.call.pointwise is not None
        # A grouped pointwise kernel is one with zeros outside its blocks.
        conv, sizes = self.call.pointwise
        letters = axes(self.call.op.pointwise, self.rank)
        m = p.transpose([letters.index(a) for a in ("o", "i", *self.spatial)]).reshape(sizes.o, -1)
        whole = np.zeros((sizes.o, m.shape[1] * conv.groups), m.dtype)
        for g in range(conv.groups):
            rows = slice(g * sizes.o // conv.groups, (g + 1) * sizes.o // conv.groups)
            whole[rows, g * m.shape[1] : (g + 1) * m.shape[1]] = m[rows]
        return whole

    def input(self, a: Array, letters: Letters) -> Array:
        """x with axes n c ...; parts of the batch become groups of channels."""
        x = a.transpose([letters.index(s) for s in ("n", "c", *self.spatial)])
        if self.parts > 1:
            x = x.reshape(self.parts, -1, *x.shape[1:]).swapaxes(0, 1)
            x = x.reshape(x.shape[0], -1, *x.shape[3:])
        return x

    def output(self, a: Array, letters: Letters) -> Array:
        """y with axes n o ...."""
        return a.transpose([letters.index(s) for s in ("n", "o", *self.spatial)])

    def kernel(self, a: Array, letters: Letters) -> Array | None:
        """w with axes o i ...; None where its channels do not divide by the groups."""
        # How to read this: the three ways to lay out a grouped kernel.  With an axis g, o = g * m
        # is made by merging g and m.  With all input channels on one axis ("c m ...", transposed),
        # the groups are split off c and merged with m.  Else w has o and i as they are.  groups=4
        # of "c m" (8, 3): c is split into 4 x 2, so that o i is (4 * 3, 2).
        sizes = dict(zip(letters, a.shape))
        out, into = (next(s for s in kin if s in sizes) for kin in ("om", "ic"))
        if "g" in sizes:
            w = a.transpose([letters.index(s) for s in ("g", out, into, *self.spatial)])
            return w.reshape(-1, *w.shape[2:])
        if out == "m" and into == "c" and self.groups > 1:
            if sizes["c"] % self.groups:
                return None
            w = a.transpose([letters.index(s) for s in ("c", "m", *self.spatial)])
            w = w.reshape(self.groups, -1, *w.shape[1:]).swapaxes(1, 2)
            return w.reshape(-1, *w.shape[2:])
        if out == "m" and into == "i" and self.groups > 1 and self.groups != sizes["m"]:
            return None
        return a.transpose([letters.index(s) for s in (out, into, *self.spatial)])

    def folded(self, kernel: Array, *, sizes: bool = False) -> Array:
        """The kernel with the 1x1 kernel of a separable convolution multiplied into it.

        kernel ``o i ...`` before it, the result ``o i ...`` after it: one convolution for two, so
        that the rest of the search knows one kernel only.  sizes: the magnitudes of both, which do
        not cancel as the products may.
        """
        if sizes:
            kernel = np.abs(kernel)
        if self.pointwise is None:
            return kernel
        o, i = kernel.shape[0], self.pointwise.shape[0]
        per = o // self.groups
        split = kernel.reshape(self.groups, per, *kernel.shape[1:])
        point = np.abs(self.pointwise) if sizes else self.pointwise
        point = point.reshape(i, self.groups, per)
        # i inputs per group: groups lie side by side along the input channels of the whole.
        whole = np.einsum("pgm,gmi...->pgi...", point, split)
        return np.asarray(whole.reshape(i, -1, *kernel.shape[2:]))

    def start(self, bias: Array | None, norm: BatchNormStatistics | None = None) -> Hypothesis:
        """The expected call, as it stands."""
        call = self.call
        # Parts of the batch have become groups of channels in ``input``; and a pointwise kernel
        # that is multiplied in reads all channels, which leaves one group.
        conv = replace(call.conv, batch_groups=1, groups=max(self.groups, self.parts))
        kernel = self.kernel(self.w.array, self.w.letters)
        if kernel is None:
            raise BadShape(f"w {show_shape(self.w.array.shape)} does not fit {self.groups} groups")
        if self.pointwise is not None:
            conv = replace(conv, groups=1)
        return Hypothesis(
            self,
            self.input(self.x.array, self.x.letters),
            kernel,
            self.folded(kernel),
            self.output(self.y.array, self.y.letters),
            conv,
            call.scale,
            call.shift,
            bias,
            norm=norm,
            activation=call.activation,
        )


def _parted(order: list[int], count: int) -> tuple[list[int], list[int]]:
    """The first so many of a list, and the others."""
    return order[:count], order[count:]


def _listed(shape: tuple[int, ...]) -> str:
    """A shape as arguments of reshape."""
    return ", ".join(map(str, shape))


def _labelled(a: Array, letters: Letters, batch: int, least: tuple[str, ...]) -> LabelledArray:
    """An array with one batch axis, and an axis of size 1 for every letter it lacks."""
    shape, own = a.shape, letters
    if "n" in letters and batch != 1:
        at = letters.index("n")
        own = (*letters[:at], *("n",) * batch, *letters[at + 1 :])
        # -1 cannot be computed for an array without elements
        a = a.reshape(*a.shape[:at], prod(a.shape[at : at + batch]), *a.shape[at + batch :])
    for letter in least:
        if letter not in letters:
            a, letters = a[..., None], (*letters, letter)
    return LabelledArray.of(a, letters, shape, own)


@dataclass(frozen=True)
class Hypothesis:
    """One hypothesis: how y may have come about.

    x ``n c ...``, w ``o i ...`` and the observed y ``n o ...``, as this hypothesis reads them;
    kernel is w before a pointwise kernel is multiplied into it.  y should be scale * gain * conv +
    shift + bias, through the BatchNorm ``norm`` and then the activation, as far as there are these;
    gain is a factor per output channel.  fit: what is read off y instead (``fits.py``).
    """

    problem: Problem
    x: Array
    kernel: Array
    w: Array
    y: Array
    conv: Convolution
    scale: Any = 1.0
    shift: Any = 0.0
    bias: Array | None = None
    fit: str = ""
    bias_axis: int = 1
    gain: Array | None = None
    norm: BatchNormStatistics | None = None
    activation: Activation | None = None
    changes: tuple[Change, ...] = ()

    def but(self, change: Change | None = None, **fields: Any) -> Hypothesis:
        """The same with some fields changed; ``dataclasses.replace`` takes three times as long."""
        # Past __init__, since fields are known to be right; changes are added, not replaced.
        new = object.__new__(Hypothesis)
        own = new.__dict__
        own.update(self.__dict__)
        own.update(fields)
        if change is not None:
            own["changes"] = (*self.changes, change)
        return new

    @property
    def cost(self) -> float:
        """How unlikely the changes are together: their costs added up."""
        return sum(c.cost for c in self.changes)

    @property
    def read_off(self) -> int:
        """How many of the changes take numbers from y, the wider ones counted more."""
        wide = {
            "factor per channel": 2,
            "bias": 2,
            "values of x": 2,
            "factor and term per channel": 3,
        }
        return sum(wide.get(c.field, 1) for c in self.changes if c.read_off)

    @property
    def terms(self) -> int:
        """K: how many products make one number of y; both kernels' of a separable one."""
        if self.problem.pointwise is None:
            return prod(self.w.shape[1:])
        return prod(self.w.shape[2:]) * int(self.problem.pointwise.shape[1])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the result, ``n o ...``."""
        x, w = self.x.shape, self.w.shape
        return (x[0], w[0], *self.conv.output(x[2:], w[2:]))

    @property
    def fits(self) -> bool:
        """Whether the shapes fit each other, and the result has y's."""
        x, w, groups = self.x.shape, self.w.shape, self.conv.groups
        if x[1] != w[1] * groups or w[0] % groups or self.y.shape[:2] != (x[0], w[0]):
            return False
        if self.bias is not None and self.bias.size != self.y.shape[self.bias_axis]:
            return False
        return self.conv.output(x[2:], w[2:]) == self.y.shape[2:]

    @property
    def spread(self) -> tuple[int, ...]:
        """The extents of x with the zeros that lhs_dilation puts between its pixels."""
        return tuple((n - 1) * d + 1 for n, d in zip(self.x.shape[2:], self.conv.lhs_dilation))

    @property
    def extents(self) -> tuple[int, ...]:
        """How far the dilated kernel reaches, per axis: (k - 1) * dilation + 1."""
        return effective(self.w.shape[2:], self.conv.rhs_dilation)

    def added(self, at: tuple[int, ...]) -> Any:
        """What is added to the sum at one element."""
        bias = 0.0 if self.bias is None or self.fit == "bias" else self.bias[at[self.bias_axis]]
        return self.shift + bias

    def products(self, at: tuple[int, ...]) -> tuple[Array, Any]:
        """The products under one element of the result, and the sum that lies outside x.

        Per axis, ``base`` is the place in the spread x under the first tap.  The taps t that lie on
        pixels are those with 0 <= base + t * dilation < end on a multiple of the input dilation:
        they are evenly spaced, so that both x and w are cut by slices.  A kernel that is read
        backwards is cut from its other end.
        """
        # An example, one axis: x of 4 pixels, kernel 3, pad 1, element 0.  base = 0 * 1 - 1 = -1,
        # so tap 0 lies outside x, t0 = 1, t1 = 3: taps 1 and 2 meet pixels 0 and 1.
        conv, o = self.conv, at[1]
        per = self.w.shape[1]
        first = o // (self.w.shape[0] // conv.groups) * per
        x, w = self.x[at[0], first : first + per], self.w[o]
        if conv.boundary not in ("zeros", "constant"):
            return self._around(x, w, at), 0.0
        xs: list[slice] = [slice(None)]
        ws: list[slice] = [slice(None)]
        axes_of = zip(
            at[2:],
            conv.stride,
            conv.pad,
            conv.rhs_dilation,
            conv.lhs_dilation,
            self.w.shape[2:],
            self.x.shape[2:],
            conv.reverse,
        )
        for p, s, (lo, _), d, ld, k, n, backwards in axes_of:
            base, end = p * s - lo, (n - 1) * ld + 1
            if ld == 1:
                t0 = 0 if base >= 0 else (d - 1 - base) // d
                t1, step = min(k, (end - base + d - 1) // d), 1
            else:
                taps = [t for t in range(k) if 0 <= base + t * d < end and not (base + t * d) % ld]
                t0, t1 = (taps[0], taps[-1] + 1) if taps else (0, 0)
                step = taps[1] - taps[0] if len(taps) > 1 else 1
            if t1 <= t0:
                return np.zeros(0), conv.fill * w.sum() if conv.fill else 0.0
            count = (t1 - t0 + step - 1) // step
            start, jump = (base + t0 * d) // ld, max(step * d // ld, 1)
            xs.append(slice(start, start + (count - 1) * jump + 1, jump))
            if backwards:
                last = k - 1 - t0 - (count - 1) * step
                ws.append(slice(k - 1 - t0, last - 1 if last else None, -step))
            else:
                ws.append(slice(t0, t1, step))
        taps_on_x = w[tuple(ws)]
        outside = conv.fill * (w.sum() - taps_on_x.sum()) if conv.fill else 0.0
        return x[tuple(xs)] * taps_on_x, outside

    def _around(self, x: Array, w: Array, at: tuple[int, ...]) -> Array:
        """The products where pixels of x stand outside it."""
        conv = self.conv
        flip: Index = (..., *(slice(None, None, -1 if r else 1) for r in conv.reverse))
        pixels, inside = [], []
        # q: for each tap of one axis, the pixel that stands there.  Reflection repeats every 2 (n -
        # 1) pixels, a symmetric border every 2 n, a circle every n, times the input dilation.
        for axis, p in enumerate(at[2:]):
            n, ld = self.x.shape[2 + axis], conv.lhs_dilation[axis]
            q = np.arange(self.w.shape[2 + axis]) * conv.rhs_dilation[axis]
            q = q + p * conv.stride[axis] - conv.pad[axis][0]
            if conv.boundary == "circular":
                inside.append(q % ld == 0)
                q = q % (n * ld) // ld
            elif conv.boundary == "replicate":
                q = q.clip(0, n - 1)
            elif conv.boundary == "symmetric":
                q = np.minimum(q % (2 * n), 2 * n - 1 - q % (2 * n))
            else:
                period = max(2 * (n - 1), 1)
                q = np.minimum(q % period, period - q % period) if n > 1 else q * 0
            pixels.append(q)
        at_all: Index = (slice(None), *np.ix_(*pixels))
        window = x[at_all] * w[flip]
        for axis, pixel in enumerate(inside):  # between the pixels of a spread x lie zeros
            window = window * pixel.reshape(-1, *(1,) * (len(inside) - 1 - axis))
        return np.asarray(window)

    def _products_once(self, at: tuple[int, ...]) -> tuple[Array, Any]:
        """The products under an element, kept until others than this x, w and record are asked."""
        # Hypotheses that differ in what follows the sum come one after another; so do an element
        # and its magnitude.
        memory = self.problem.memory
        if memory[0] is not self.x or memory[1] is not self.w or memory[2] is not self.conv:
            memory = self.problem.memory = (self.x, self.w, self.conv, {})
        products: dict[tuple[int, ...], tuple[Array, Any]] = memory[3]
        if at not in products:
            products[at] = self.products(at)
        return products[at]

    def factor(self, channel: int) -> Any:
        """What the sum of an output channel is multiplied by."""
        return self.scale if self.gain is None else self.scale * self.gain[channel]

    def core(self, at: tuple[int, ...]) -> Any:
        """One number of the sum times its factor, before anything is added."""
        products, outside = self._products_once(at)
        return self.factor(at[1]) * (products.sum() + outside)

    def core_size(self, at: tuple[int, ...]) -> float:
        """The sum of the magnitudes of what ``core`` adds up."""
        if self.problem.pointwise is None:
            products, outside = self._products_once(at)
        else:
            model = self.but(w=self.problem.folded(self.kernel, sizes=True))
            products, outside = model.products(at)
        return float(abs(self.factor(at[1])) * (np.abs(products).sum() + abs(outside)))

    def before_activation(self, at: tuple[int, ...]) -> Any:
        """One number of the result before the activation."""
        value = self.core(at) + self.added(at)
        if self.norm is not None:
            value = value * self.norm.factor[at[1]] + self.norm.term[at[1]]
        return value

    def element(self, at: tuple[int, ...]) -> Any:
        """One number of the result."""
        value = self.before_activation(at)
        return value if self.activation is None else forwards(self.activation, value)

    def magnitude(self, at: tuple[int, ...]) -> float:
        """S at one element: the sum of the products' magnitudes, as far as it can move y."""
        # Of a ReLU as far as they themselves, of a sigmoid a quarter of that at most.
        size = self.core_size(at) + float(abs(self.added(at)))
        if self.norm is not None:
            size = size * abs(self.norm.factor[at[1]]) + abs(self.norm.term[at[1]])
        if self.activation is None:
            return float(size)
        # What a library's series is off counts as some roundings of y, or of 1.
        own = 2 * (1 + abs(self.y[at])) if curved(self.activation) else 0.0
        return float(size * steepest(self.activation, float(self.y[at])) + own)

    def core_result(self) -> Array:
        """All of the sum times its factor, ``n o ...``, before anything is added."""
        y: Array = self.scale * _convolved(self.conv, self.x, self.w)
        return y if self.gain is None else y * self.along(self.gain, 1)

    def all_added(self) -> Any:
        """What is added to the sum, in a shape that goes with y."""
        bias = 0.0 if self.bias is None or self.fit == "bias" else self.along(self.bias)
        return self.shift + bias

    def result(self) -> Array:
        """All of the result, ``n o ...``."""
        y: Array = self.core_result() + self.all_added()
        if self.norm is not None:
            y = y * self.along(self.norm.factor, 1) + self.along(self.norm.term, 1)
        return y if self.activation is None else np.asarray(forwards(self.activation, y))

    def magnitudes(self) -> Array:
        """S at every element."""
        # Every number by its magnitude, the fill too, through the same record.
        conv = replace(self.conv, fill=abs(self.conv.fill))
        w = self.problem.folded(self.kernel, sizes=True)
        s: Array = abs(self.scale) * _convolved(conv, np.abs(self.x), w)
        if self.gain is not None:
            s = s * self.along(np.abs(self.gain), 1)
        s = s + np.abs(self.all_added())
        if self.norm is not None:
            s = s * self.along(np.abs(self.norm.factor), 1) + self.along(np.abs(self.norm.term), 1)
        if self.activation is not None:
            if self.activation.name == "exp":
                s = s * np.abs(self.y)
            else:
                s = s * steepest(self.activation, 0.0)
            s = s + 2 * (1 + np.abs(self.y)) if curved(self.activation) else s
        return s

    @property
    def steepness(self) -> float:
        """How much one more of the sum moves y at most."""
        # The largest factor of any channel, and the steepest place of the activation.
        factor = abs(self.scale)
        for values in (self.gain, None if self.norm is None else self.norm.factor):
            factor *= 1.0 if values is None else float(np.abs(values).max(initial=0.0))
        if self.activation is not None:
            factor *= steepest(self.activation, float(np.abs(self.y).max(initial=0.0)))
        return float(factor)

    def along(self, bias: Array, axis: int | None = None) -> Array:
        """A bias with y's axes; other numbers per channel along another axis."""
        shape = [1] * self.y.ndim
        shape[self.bias_axis if axis is None else axis] = -1
        return bias.reshape(shape)


_RECORD = tuple(Convolution.__slots__)


def altered(conv: Convolution, **fields: Any) -> Convolution:
    """``dataclasses.replace``, as fast as ``Hypothesis.but``: a search makes a hundred thousand."""
    new = object.__new__(Convolution)
    for name in _RECORD:
        object.__setattr__(new, name, fields[name] if name in fields else getattr(conv, name))
    return new


def _convolved(conv: Convolution, x: Array, w: Array) -> Array:
    """The record on float64 arrays, by torch."""
    sizes = Sizes((x.shape[0],), x.shape[1], w.shape[0], x.shape[2:], w.shape[2:])
    # torch's transposed op wants "c m ...": the groups are split off o, and o and i exchanged.
    transposed = by_transposing(conv)
    if transposed:
        w = w.reshape(conv.groups, -1, *w.shape[1:]).swapaxes(1, 2)
        w = w.reshape(-1, *w.shape[2:])
    run = runner(conv, sizes, transposed=transposed)
    xt, wt = (torch.from_numpy(np.ascontiguousarray(a)) for a in (x, w))
    return np.asarray(run(xt, wt, None).numpy())

"""probe: small inputs in which no flip, shift, swap or transposition can hide, and their result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, islice, permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._call import Call, verb
from uniconv._calls.lower import batched, lower
from uniconv._calls.options import complete
from uniconv._canonical.layout import Layout, arrange, axes
from uniconv._canonical.record import Shape
from uniconv._functional import run_op
from uniconv.errors import BadOption, BadShape, UniconvError
from uniconv.spec.op import DEPTHWISE, Op
from uniconv.spec.padding import Crop
from uniconv.spec.rules import REQUIRED, CallContext, Choice, Count, KernelShape

Array = NDArray[Any]
Fault = Callable[[Array], Array]

MODULUS, BOUND = 10_007, 8  # a prime above the number of most arrays' elements
FINGERPRINT = (19, 23, 29)
_SEEDS, _MOST_SHAPES = 3, 8
_CUBES = {"x": (31, 7, 1), "w": (17, 29, 3), "pointwise": (13, 5, 2)}
_KERNELS: Mapping[int, tuple[Shape, ...]] = {
    1: ((4,), (3,), (2,), (5,)),
    2: ((3, 4), (4, 3), (3, 5), (2, 3), (3, 3)),
    3: ((3, 4, 2), (3, 5, 7), (3, 2, 1), (3, 3, 3)),
}
_MOST_CALLS = 20_000


@dataclass(frozen=True)
class Probe:
    """Inputs for one call, and the y that the function must give of them.

    call holds the inputs, so that ``explain(found.call)`` and ``diagnose(found.call, y)`` look
    further; they and y are in the function's layout, whole numbers (the inputs of magnitude at
    most 8), so that float32 holds every sum exactly.  undecided names the faults that these sizes
    and options cannot show; it is empty unless shapes were given.
    """

    call: Call
    y: Array
    undecided: tuple[str, ...] = ()
    seed: int = 0

    @property
    def x(self) -> Array:
        return self.call.x  # type: ignore[no-any-return]

    @property
    def w(self) -> Array:
        return self.call.w  # type: ignore[no-any-return]

    @property
    def pointwise(self) -> Array | None:
        """The second kernel; None where there is none."""
        return self.call.pointwise  # type: ignore[no-any-return]

    def code(self) -> str:
        """The text to paste into the framework: it builds x and w, calls, and compares y.

        Python for Python frameworks, Julia for Knet, NNlib, Flux and Lux, MATLAB (or Octave) for
        MATLAB.
        """
        from uniconv._probe.source import code

        return code(self)

    def check(self, y: Any) -> str:
        """What a y that came back says: "the same", or which fault gives it.

        >>> from uniconv import conv
        >>> options = dict(dialect="tf.nn.conv2d", padding="SAME", strides=2)
        >>> found = probe(Call(**options))
        >>> found.check(found.y)
        'the same'
        >>> found.check(conv(found.x, found.w[::-1, ::-1], **options))
        'differs: y is what w gives with its axes 0 and 1 reversed'
        """
        got = np.asarray(y)
        if got.shape == self.y.shape and (got == self.y).all():
            return "the same"
        named = [name for name, wrong in faults(self) if _equal(got, wrong())]
        if named:
            return f"differs: y is {named[0]}"
        if got.shape != self.y.shape:
            return f"differs: y has shape {got.shape}, it must be {self.y.shape}"
        apart = np.argwhere(got != self.y)
        at = tuple(int(i) for i in apart[0])
        return (
            f"differs in {len(apart)} of {got.size} elements, first at {at}: "
            f"{got[at]:g}, it must be {self.y[at]:g}"
        )


@verb
def probe(call: Call) -> Probe:
    """Inputs that tell whether a framework computes this call, and the right y of them.

    Every axis of x and of w has its own size, and the numbers have no symmetry: y changes when any
    axes of x, w or y are reversed, two of them exchanged, one rolled, or when an array is read in
    the other memory order.  That is checked before the probe is given back.

    Args:
        call: a call without x and w, for which fitting shapes are chosen; or with shapes (or with
            arrays, whose shapes count), which are then used.

    Raises:
        BadOption: the call adds an array (a bias, an addend).
        UniconvError: no small shapes fit its options; it is the error of the likeliest ones.
        BadCall: no ``uniconv.Call`` was given.

    >>> found = probe(Call(dialect="tf.nn.conv2d", padding="SAME", strides=2))
    >>> found.x.shape, found.w.shape, found.y.shape
    ((2, 6, 9, 5), (3, 4, 5, 7), (2, 3, 5, 7))
    >>> found.y[0, 0, 0].tolist()
    [18.0, -174.0, 173.0, 188.0, -127.0, 160.0, -105.0]

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """
    op, options = call.function, call.options
    added = [] if call.bias is None else ["bias"]
    added += [name for name in (op.addend or ())[:1] if name in options]
    if added:
        raise BadOption(f"{op.name}: a probe adds no array: leave {added[0]} out")
    shapes = call.shapes
    problems: Iterator[tuple[Sequence[Shape], Mapping[str, Any]]]
    if shapes:
        problems = iter([([shapes[r] for r in _CUBES if r in shapes], options)])
    else:
        problems = islice(_fitting(op, options), _MOST_SHAPES)
    best: Probe | None = None
    for (sizes, whole), seed in ((one, n) for one in problems for n in range(_SEEDS)):
        made = _made(op, whole, sizes, seed)
        if best is None or len(made.undecided) < len(best.undecided):
            best = made
        if not made.undecided:
            break
    assert best is not None
    return best


def _made(op: Op, options: Mapping[str, Any], shapes: Sequence[Shape], seed: int) -> Probe:
    """The probe of these shapes, with what it cannot show."""
    dtype = "float32" if "float32" in op.dtypes else op.dtypes[0]
    arrays: dict[str, Any] = {
        role: numbered(s, role, seed, dtype) for role, s in zip(_CUBES, shapes)
    }
    y = _run(op, options, *arrays.values())
    made = Probe(Call(**arrays, dialect=op.name, **options), y, (), seed)
    hidden = tuple(what for what, wrong in faults(made) if _equal(y, wrong()))
    return replace(made, undecided=hidden)


def numbered(shape: Shape, role: str, seed: int, dtype: str) -> Array:
    """Whole numbers by a formula of their place k (in C order), which any language can compute.

    (a k**3 + b k**2 + c k + seed) mod 10007, spread over -8 to 8 (0 to 8 where the dtype has no
    sign, -2 to 2 in float16): a cubic, because a quadratic is symmetric.
    """
    k = np.arange(int(np.prod(shape)), dtype=np.int64)
    a, b, c = _CUBES[role]
    low, high = limits(dtype)
    values = (a * k**3 + b * k**2 + c * k + seed) % MODULUS % (high - low + 1) + low
    return values.reshape(shape).astype(dtype)


def formula(role: str) -> tuple[int, int, int]:
    """The cubic's coefficients for x, w or pointwise."""
    return _CUBES[role]


def fingerprint(y: Array) -> float:
    """One number that any mistake of axes changes: y weighed by the place of each element."""
    k = np.arange(y.size, dtype=np.int64)
    a, b, c = FINGERPRINT
    weights = (a * k**3 + b * k**2 + c * k) % MODULUS + 1
    return float(weights @ y.ravel().astype(np.float64))


def limits(dtype: str) -> tuple[int, int]:
    """The smallest and the largest number of a probe."""
    bound = 2 if dtype in ("float16", "bfloat16") else BOUND
    return (0 if dtype.startswith("u") else -bound), bound


def _run(op: Op, options: Mapping[str, Any], x: Array, w: Array, p: Array | None = None) -> Array:
    y = run_op(op, ("probe", op.name), x, w, None, "cpu", dict(options), p)
    return np.asarray(y)


def _equal(a: Array, b: Array | None) -> bool:
    return b is not None and a.shape == b.shape and bool((a == b).all())


def faults(found: Probe) -> Iterator[tuple[str, Callable[[], Array]]]:
    """Every mistake of axes: what it is, and the y that it gives."""
    op, options = found.call.function, found.call.options
    arrays = {role: a for role in _CUBES if (a := getattr(found, role)) is not None}
    for role in ("w", "pointwise", "x"):
        if role not in arrays:
            continue
        for what, fault in mistakes(arrays[role].shape):
            wrong = arrays | {role: fault(arrays[role])}
            yield f"what {role} gives {what}", partial(_run, op, options, *wrong.values())
    for what, fault in mistakes(found.y.shape):
        yield f"the right one {what}", partial(fault, found.y)


def mistakes(shape: Shape) -> Iterator[tuple[str, Fault]]:
    """What can be done wrongly to the axes of one array without changing its shape."""
    long = [i for i, n in enumerate(shape) if n > 1]
    for count in range(1, len(long) + 1):
        for chosen in combinations(long, count):
            yield f"with {_axes(chosen)} reversed", partial(np.flip, axis=chosen)
    for a, b in combinations(long, 2):
        yield f"with {_axes((a, b))} exchanged", partial(_exchanged, a=a, b=b)
    for i in long:
        for by in (1, -1) if shape[i] > 2 else (1,):
            yield f"with {_axes((i,))} rolled by {by}", partial(np.roll, shift=by, axis=i)
    if len(long) > 2:
        yield "read in the other memory order", lambda a: a.transpose().reshape(a.shape)


def _axes(chosen: Sequence[int]) -> str:
    return f"its ax{'e' if len(chosen) > 1 else 'i'}s {' and '.join(map(str, chosen))}"


def _exchanged(array: Array, a: int, b: int) -> Array:
    return array.swapaxes(a, b).reshape(array.shape)


# Shapes


def _fitting(op: Op, options: Mapping[str, Any]) -> Iterator[tuple[list[Shape], dict[str, Any]]]:
    """Small shapes that the options fit, every axis with a size of its own, the best first.

    Last come shapes with equal sizes, for functions that take square kernels only.
    """
    square: list[tuple[list[Shape], dict[str, Any]]] = []
    found = False
    error: UniconvError | None = None
    ranks = sorted(op.ranks, key=lambda r: (2, 1, 3).index(r))
    for _, candidate in zip(range(_MOST_CALLS), _candidates(op, options, ranks)):
        if isinstance(candidate, UniconvError):
            error = error or candidate
            continue
        shapes, whole, distinct = candidate
        try:
            call = lower(op, whole, *shapes)
        except UniconvError as wrong:
            error = error or wrong
            continue
        out = call.conv.output(call.sizes.size, call.sizes.kernel)
        if min(out) < 2:
            continue
        if distinct:
            found = True
            yield shapes, whole
        elif len(square) < _MOST_SHAPES:
            square.append((shapes, whole))
    yield from square
    if not (found or square):
        raise error or BadShape(f"{op.name}: no small shapes give two pixels of y along every axis")


def _candidates(
    op: Op, options: Mapping[str, Any], ranks: Sequence[int]
) -> Iterator[tuple[list[Shape], dict[str, Any], bool] | UniconvError]:
    """Shapes to try, the likeliest first, with the options that the shapes make necessary."""
    split = any("g" in layout.w.split() for layout in op.layouts)
    for rank in ranks:
        for kernel in _given_kernels(op, options, rank):
            for groups in (2, 1) if split else (1,):
                for size in _sizes(rank):
                    try:
                        yield from _calls(op, options, rank, kernel, size, groups)
                    except UniconvError as error:
                        yield error


def _given_kernels(op: Op, options: Mapping[str, Any], rank: int) -> list[Shape]:
    for rule in op.inert_options:
        value = options.get(rule.option)
        if isinstance(rule, KernelShape) and value is not None:
            return [tuple(value)] if len(tuple(value)) == rank else []
    return list(_KERNELS[rank])


def _sizes(rank: int) -> Iterator[Shape]:
    """Distinct spatial sizes, from small ones up.

    The first pad each axis unevenly where it says SAME, with strides 1 or 2.
    """
    usual = [(6, 9, 7), (7, 9, 10), (9, 11, 13), (10, 12, 14), (13, 17, 19), (5, 4, 6), (3, 4, 5)]
    for sizes in usual if rank > 1 else [(7,), *usual]:
        yield sizes[:rank]
    yield from permutations(range(2, 13 if rank < 3 else 10), rank)


def _calls(
    op: Op, options: Mapping[str, Any], rank: int, kernel: Shape, size: Shape, groups: int
) -> Iterator[tuple[list[Shape], dict[str, Any], bool]]:
    whole = dict(options)
    for rule in op.inert_options:
        if isinstance(rule, KernelShape) and rule.default is REQUIRED:
            whole.setdefault(rule.option, kernel)
        elif isinstance(rule, Choice) and rule.default is REQUIRED:
            whole.setdefault(rule.option, next(iter(rule.table)))
    shaped = op.pad.shape if isinstance(op.pad, Crop) else None
    needs = shaped is not None and op.pad.shape_default is REQUIRED  # type: ignore[union-attr]
    known = dict(whole)
    if needs:
        known.setdefault(str(shaped), [1] * (rank + 2))
    given, _ = complete(op, known)
    layout = op.layout
    if isinstance(layout, Choice):
        ndim = rank + (0 if op.batch == (0, 0) else 2)
        facts = CallContext(op.name, op.title, options=given, ndim=ndim)
        layout = layout.read(given[layout.option], facts)
    if rank not in layout.ranks:
        return
    kernel = tuple(k if f"s{i}" in axes(layout.w, rank) else 1 for i, k in enumerate(kernel))
    letters, batch = _letters(op, layout, given, groups, (*kernel, *size))
    x = batched(arrange(layout.x, letters | {"n": 1}, size), layout.x, batch)
    shapes = [x, arrange(layout.w, letters, kernel)]
    if op.outer_product:
        shapes = [x, *((kernel[int(letter[1:])],) for letter in op.outer_product)]
    elif op.pointwise:
        point = letters | {"i": letters["o"], "o": letters["o"] + 1}
        shapes.append(arrange(op.pointwise, point, (1,) * rank))
    apart = all(len({n for n in s if n > 1}) == len([n for n in s if n > 1]) for s in shapes[:2])
    if not needs or shaped in whole:
        yield shapes, whole, apart
        return
    for out in _outputs(rank, size, kernel):
        full = arrange(layout.x, {"n": (*batch, 1)[0], "c": letters["o"]}, out)
        form = full if "full" in op.pad.shape_forms else out  # type: ignore[union-attr]
        yield shapes, whole | {str(shaped): list(form)}, apart


def _outputs(rank: int, size: Shape, kernel: Shape) -> Iterator[Shape]:
    """Output sizes to try for a transposed call that must say one: size * stride, then any.

    First the same stride and cut on all axes, then each axis its own.
    """
    for f in range(1, 5):
        yield tuple(n * f for n in size)
        for cut in range(-3, 8):
            yield tuple((n - 1) * f + k - cut for n, k in zip(size, kernel))
    for factors in product((1, 2, 3, 4), repeat=rank):
        yield tuple(n * f for n, f in zip(size, factors))
        for cuts in product((0, 2, 1), repeat=rank):
            sizes = zip(size, factors, kernel, cuts)
            yield tuple((n - 1) * f + k - cut for n, f, k, cut in sizes)


def _letters(
    op: Op, layout: Layout, given: Mapping[str, Any], groups: int, taken: Shape
) -> tuple[dict[str, int], Shape]:
    """The channels, all sizes apart from each other and from those taken; and the batch."""
    has_c = "c" in layout.x.split()
    batch: Shape = (2,) if "n" in layout.x.split() and (op.batch[0] or has_c) else ()
    if not has_c:
        return dict.fromkeys("gimco", 1), batch
    if isinstance(op.groups, Count):
        groups = op.groups.read(given[op.groups.option], CallContext(op.name, op.title))
    elif "g" not in layout.w.split():
        groups = 1
    free = [n for n in range(2, 40) if n not in (*taken, *batch)]
    if op.groups == DEPTHWISE:
        c, m = next(
            (c, m) for m, c in product(free, free) if c != m and c * m not in (*taken, c, m)
        )
        letters = {"g": c, "i": 1, "m": m, "c": c, "o": c * m}
    else:
        i, m = next(
            (i, m)
            for i, m in product(free, free)
            if i != m and (groups == 1 or len({i, m, i * groups, m * groups, groups}) == 5)
        )
        letters = {"g": groups, "i": i, "m": m, "c": i * groups, "o": m * groups}
    if op.batch_groups:
        parts = op.batch_groups.read(given[op.batch_groups.option], CallContext(op.name, op.title))
        batch = tuple(n * parts for n in batch)
        letters |= {"o": letters["o"] * parts, "m": letters["m"] * parts}
    return letters, batch

"""convert_kernel: a kernel as another function wants it.

How a kernel is converted: both functions read it (:mod:`uniconv._calls.kernel`): a layout of
letters, where ``o`` is split into groups and outputs of one group, ``c`` into groups and inputs of
one, and which spatial axes are reversed. The source's letters are split, brought into the target's
order, put together, and an axis is reversed where exactly one of the two does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from math import prod
from typing import Any

from uniconv._calls.kernel import KernelReading, kernel_of, numbers_of_axes
from uniconv._canonical.arrays import kind_name, like, to_torch
from uniconv._canonical.layout import Layout, axes, kernel_rank
from uniconv._canonical.record import Shape
from uniconv._canonical.transpose import rearranged
from uniconv._messages import either, plural, show, show_shape
from uniconv.errors import BadArray, BadOption, BadShape, CannotExpress, UnknownName, from_one_frame
from uniconv.spec.framework import Framework
from uniconv.spec.groups import BY_AXIS, UNGROUPED
from uniconv.spec.op import KINDS, Op
from uniconv.spec.registry import find, framework, main
from uniconv.spec.rules import REQUIRED, CallContext
from uniconv.spec.values import integer

Options = Mapping[str, Any]

# Where a family lacks an operation, the one that its kernels are of.
_WIDER = {"separable_conv": "depthwise_conv", "depthwise_conv": "conv"}
# What the letters of a kernel's pattern consist of: groups, channels out and in of one group.
_ATOMS = {"o": ("g", "m"), "c": ("g", "i")}


@from_one_frame
def convert_kernel(
    w: Any,
    src: str,
    dst: str,
    kind: str = "conv",
    groups: int | None = None,
    *,
    src_options: Options | None = None,
    dst_options: Options | None = None,
    contiguous: bool = False,
) -> Any:
    """Rearrange a kernel of ``src`` into the one with which ``dst`` computes the same.

    Axes are told by the layouts of the two functions, never by their sizes; where one function
    convolves and the other correlates, every spatial axis is reversed.  Numbers are moved, never
    computed with: any dtype, bit by bit; but a complex kernel is conjugated where one function
    conjugates its kernel and the other does not.

    Args:
        w: a torch tensor, a NumPy array or an array with DLPack, in ``src``'s layout: ``o i ...``
            for pytorch, ``... i o`` for tf; a pair (depthwise, pointwise) for a separable_conv.
        src, dst: a function ("tf.nn.conv2d", "knet.conv4") or a family ("tf"), which means its
            main function for w's number of axes.
        kind: the operation that a family name stands for: "conv", "conv_transpose",
            "depthwise_conv" or "separable_conv".  A family without a depthwise_conv takes the
            kernel as that of a conv with as many groups as channels.
        groups: how many groups w has; None for 1, or for what a depthwise kernel itself says.
        src_options, dst_options: native options that change how a kernel is read, such as
            ``{"mode": 1}`` for knet.conv4 or ``{"data_format": "channels_first"}``.
        contiguous: whether the result must lie in memory in its own order (C order).  By default
            it shares w's memory where a view can say it.

    Returns:
        The kernel in ``dst``'s layout, of w's kind and dtype.

    Raises:
        UnknownName: no such function, or a family without this operation.
        BadOption: an option that does not change the kernel, or ``groups`` missing or impossible.
        BadShape: a number of axes or channels that ``src`` cannot have.
        BadArray: no array, or one of a dtype that is no number.
        CannotExpress: ``dst`` has no such kernel, with the field that it lacks.

    A kernel of 2 taps, 1 channel in and 3 out; Knet reads it backwards:

    >>> import numpy as np
    >>> w = np.array([[[1, 2, 3]], [[4, 5, 6]]])  # TensorFlow: ... i o
    >>> convert_kernel(w, "tf", "pytorch").tolist()  # o i ...
    [[[1, 4]], [[2, 5]], [[3, 6]]]
    >>> convert_kernel(w, "tf", "knet")[:, 0].tolist()  # ... i o
    [[4, 5, 6], [1, 2, 3]]

    Source: the layout and the flip of each function's spec, as ``uniconv show NAME`` prints them.
    """
    _check_arguments(kind, groups)
    names, options = (src, dst), (src_options or {}, dst_options or {})
    if kind == "separable_conv" or any(_kind(name) == "separable_conv" for name in names):
        return _convert_pair(w, names, options, groups, contiguous)
    kind, source, target = readings(_shape(w), src, dst, kind, options)
    return _convert(w, source, target, groups, kind == "depthwise_conv", contiguous)


@from_one_frame
def convert_bias(
    bias: Any, src: str, dst: str, kind: str = "conv", *, rank: int | None = None
) -> Any:
    """Reshape a bias of ``src`` into that of ``dst``: a vector, or one with y's axes.

    The order of the output channels is the same everywhere: groups, then channels of one group.

    Args:
        bias: an array (o,), or where ``src`` has it so (knet.ops21.conv) with y's axes, all of
            size 1 but the channels'.
        src, dst, kind: as for ``convert_kernel``.
        rank: how many spatial axes y has, where neither the bias nor a function tells.

    Raises:
        UnknownName: no such function, or a family without this operation.
        BadOption: rank is missing.
        BadShape: no bias of ``src``.
        CannotExpress: ``dst`` has no such rank.

    >>> import numpy as np
    >>> convert_bias(np.array([1, 2]), "pytorch", "knet.ops21.conv", rank=2).tolist()
    [[[[1], [2]]]]
    """
    _check_arguments(kind, None)
    shape = _shape(bias)
    from_y, to_y = (_bias_has_axes(name, kind) for name in (src, dst))
    if not from_y and len(shape) != 1:
        raise BadShape(f"{src}: bias {show_shape(shape)} has {plural(len(shape))}; it must have 1")
    if from_y:
        letters = axes(find(src).layouts[0].y, len(shape) - 2)
        if len(shape) < 3 or any(n != 1 for a, n in zip(letters, shape) if a != "o"):
            words = show(find(src).layouts[0].y)
            raise BadShape(f"{src}: bias {show_shape(shape)} read as {words} must be 1 but for o")
        rank = len(shape) - 2
    if not to_y:
        return bias.reshape(-1)
    if rank is None:
        raise BadOption(f"{dst}: its bias has y's axes: give rank=, the number of spatial ones")
    op = find(dst)
    if rank not in op.ranks:
        raise CannotExpress(dst, "rank", f"it has {either(op.ranks)} spatial axes, not {rank}")
    return bias.reshape([-1 if a == "o" else 1 for a in axes(op.layouts[0].y, rank)])


def _bias_has_axes(name: str, kind: str) -> bool:
    """Whether a function's bias has y's axes; a family's is that of its main functions."""
    dialect = framework(name)
    if dialect is None:
        return find(name).bias == "y"
    by_rank = dialect.main.get(_kind_in(dialect, kind), {})
    return any(find(function).bias == "y" for function in by_rank.values())


def readings(
    shape: Shape, src: str, dst: str, kind: str, options: tuple[Options, Options] = ({}, {})
) -> tuple[str, KernelReading, KernelReading]:
    """The operation, and how both functions read a kernel of that shape."""
    source = _kernel(_function(src, kind, len(shape)), options[0], shape=shape)
    if kind == "conv" and _kind(src) is not None:
        kind = source.op.kind
    return kind, source, _kernel(_target(dst, kind, source.rank), options[1], rank=source.rank)


def _convert(
    w: Any,
    source: KernelReading,
    target: KernelReading,
    groups: int | None,
    depthwise: bool,
    contiguous: bool,
) -> Any:
    """One kernel, from the axes of its source to those of its target."""
    _check_operations(source.op, target.op)
    if source.op.conjugates is not target.op.conjugates and "complex" in str(w.dtype):
        w = like(to_torch(w).conj().resolve_conj(), w)
    sizes = _sizes(source, target, _shape(w), groups, depthwise)
    _check_expressible(target, sizes)
    letters = target.letters
    src, dst = (_atoms(kernel.letters, kernel.rank) for kernel in (source, target))
    reversals = {f"s{i}" for i, (a, b) in enumerate(zip(source.reverse, target.reverse)) if a != b}
    return rearranged(
        w,
        split=[sizes[atom] for atom in src],
        order=[src.index(atom) for atom in dst],
        shape=[prod(sizes[a] for a in _ATOMS.get(letter, (letter,))) for letter in letters],
        flips=[(src.index(a), letters.index(a)) for a in reversals if a in src and a in letters],
        contiguous=contiguous,
    )


def _atoms(letters: tuple[str, ...], rank: int) -> list[str]:
    """The axes with channels split into groups; then those that the pattern lacks, of size 1."""
    present = list(chain.from_iterable(_ATOMS.get(letter, (letter,)) for letter in letters))
    every = ["g", "m", "i", *(f"s{i}" for i in range(rank))]
    return [*present, *(atom for atom in every if atom not in present)]


def _convert_pair(
    w: Any,
    names: tuple[str, str],
    options: tuple[Options, Options],
    groups: int | None,
    contiguous: bool,
) -> tuple[Any, Any]:
    """Both kernels of a separable convolution; where a function has none, those of two."""
    pair = isinstance(w, (tuple, list)) and len(w) == 2
    if not pair and (_kind(names[0]) or "separable_conv") != "separable_conv":
        raise CannotExpress(find(names[1]).name, "pointwise", "the given kernel has none")
    if not pair:
        raise BadArray("w must be the pair (depthwise, pointwise) of a separable_conv")
    ndim = len(_shape(w[0]))
    src = _function(names[0], "separable_conv", ndim)
    if src.outer_product:
        return _convert_vectors(w, src, names[1], options, contiguous)
    source = _kernels(names[0], src, options[0], shape=_shape(w[0]))
    rank = source[0].rank
    dst = _target(names[1], "separable_conv", rank)
    if dst.outer_product:
        raise CannotExpress(dst.name, "kernel", "its own is the product of two vectors")
    target = _kernels(names[1], dst, options[1], rank=rank)
    first, second = (
        _convert(a, *kernels, count, depthwise, contiguous)
        for a, kernels, count, depthwise in zip(
            w, zip(source, target), (groups, None), (True, False)
        )
    )
    return first, second


def _kernels(
    name: str, op: Op, options: Options, *, shape: Shape | None = None, rank: int = 0
) -> tuple[KernelReading, KernelReading]:
    """The depthwise and the pointwise kernel, of one function or of two of a family."""
    first = _kernel(op, options, shape=shape, rank=rank)
    if op.pointwise:
        return first, first.pointwise
    if framework(name) is None:
        raise CannotExpress(op.name, "pointwise", "it has no pointwise kernel; name its family")
    return first, _kernel(_target(name, "conv", first.rank), options, rank=first.rank)


def _convert_vectors(
    w: Any, src: Op, name: str, options: tuple[Options, Options], contiguous: bool
) -> tuple[Any, Any]:
    """The two vectors whose product is a kernel."""
    dst = _target(name, "separable_conv", 2)
    if src.outer_product is None or dst.outer_product is None:
        raise CannotExpress(dst.name, "kernel", "the given one is a product of two vectors")
    source, target = (_vector(_kernel(op, own, rank=2)) for op, own in zip((src, dst), options))
    for a in w:
        if len(_shape(a)) != 1:
            raise BadShape(f"{source.read(_shape(a))} must be a vector, of one axis")
    vectors = [_convert(a, source, target, None, False, contiguous) for a in w]
    first, second = vectors if src.outer_product == dst.outer_product else vectors[::-1]
    return first, second


def _vector(kernel: KernelReading) -> KernelReading:
    """One of the two vectors that make a kernel."""
    layout = Layout("...", "...", "...", (1,))
    reverse = kernel.reverse[:1]
    return replace(kernel, layout=layout, rank=1, groups=UNGROUPED, reverse=reverse)


# Which function, and how it reads its kernel


def _kind(name: str) -> str | None:
    """The kind of the function of that name; None for a family."""
    return find(name).kind if framework(name) is None else None


def _function(name: str, kind: str, ndim: int) -> Op:
    """The function meant by ``name`` for a kernel of so many axes."""
    dialect = framework(name)
    if dialect is not None:
        return main(name, _kind_in(dialect, kind), ndim)
    op = find(name)
    wider = _WIDER.get(kind)
    if op.kind not in (kind, wider) and kind != "conv":
        raise UnknownName(f"{op.name} is a {op.kind}, not a {kind}: leave out kind={show(kind)}")
    return op


def _target(name: str, kind: str, rank: int) -> Op:
    """The function meant by ``name`` for a kernel of so many spatial axes."""
    dialect = framework(name)
    if dialect is None:
        return find(name)
    kind = _kind_in(dialect, kind)
    by_rank = dialect.main.get(kind, {})
    if not by_rank:
        has = ", ".join(k for k in KINDS if k in dialect.main)
        raise UnknownName(f"{dialect.name} has no {kind}; it has {has}")
    if rank not in by_rank:
        has = f"its {kind} has {either(sorted(by_rank))} spatial axes, the kernel {rank}"
        raise CannotExpress(name, "rank", has)
    return find(by_rank[rank])


def _kind_in(dialect: Framework, kind: str) -> str:
    """The operation that a family has for it: a depthwise_conv is a conv of many groups."""
    while kind in _WIDER and kind not in dialect.main:
        kind = _WIDER[kind]
    return kind


def _kernel(
    op: Op, options: Options, *, shape: Shape | None = None, rank: int = 0
) -> KernelReading:
    """The function's reading of a kernel of that shape or rank, with the options that change it."""
    call = CallContext(op.name, op.title, options=_completed(op, options))
    layout: Layout = op.layout.of_kernel(call)
    if shape is not None:
        rank = _rank(op, layout, shape)
    elif rank not in layout.ranks:
        several = plural(layout.ranks[-1], "spatial ").partition(" ")[2]
        has = f"its kernel has {either(layout.ranks)} {several}, the given one {rank}"
        raise CannotExpress(op.name, "rank", has)
    return kernel_of(op, call, layout, rank)


def _completed(op: Op, options: Options) -> dict[str, Any]:
    """The options that change how the kernel is read, with their defaults."""
    values = op.layout.kernel_options | op.reverse.kernel_options
    per_axis = {
        option: op.per_axis_options[option] for option in values if option in op.per_axis_options
    }
    values = {option: value for option, value in values.items() if option not in per_axis}
    values |= {name: each.default for each in per_axis.values() for name in each.names}
    for name, value in options.items():
        if op.aliases.get(name, name) not in values:
            has = f"only {either(values)} does" if values else "none of its options does"
            raise BadOption(f"{op.name}: {name} does not change how the kernel is read; {has}")
        values[op.aliases.get(name, name)] = value
    for name, value in values.items():
        if value is REQUIRED:
            raise BadOption(
                f"{op.name}: option {show(name)} is missing: it says how the kernel is read; give "
                "it in src_options or dst_options"
            )
    per_axis_options = {o: tuple(values[n] for n in each.names) for o, each in per_axis.items()}
    return values | per_axis_options


def _rank(op: Op, layout: Layout, shape: Shape) -> int:
    """The spatial axes of a kernel of that shape, if the layout has so many."""
    rank = kernel_rank(layout, len(shape))
    if rank not in layout.ranks:
        reading = f"{op.name}: w {show_shape(shape)} read as {show(layout.w)}"
        counts = either(numbers_of_axes(layout))
        raise BadShape(f"{reading} has {plural(len(shape))}; it must have {counts}")
    return rank


# What must hold


def _check_arguments(kind: str, groups: object) -> None:
    """An error for a kind or a number of groups that is none."""
    if kind not in KINDS:
        raise UnknownName(f"kind={show(kind)} is not one of {', '.join(map(show, KINDS))}")
    if groups is not None and (integer(groups) or 0) < 1:
        raise BadOption(f"groups={groups!r} must be None or an integer of at least 1")


def _check_operations(src: Op, dst: Op) -> None:
    """A transposed kernel is one of a transposed convolution, or of one that spreads x."""
    for a, b in ((src, dst), (dst, src)):
        if a.kind == "conv_transpose" != b.kind and not b.lhs_dilation:
            raise CannotExpress(
                dst.name, "kind", f"{src.name} is a {src.kind}, {dst.name} a {dst.kind}"
            )


def _sizes(
    source: KernelReading,
    target: KernelReading,
    shape: Shape,
    groups: int | None,
    depthwise: bool,
) -> dict[str, int]:
    """The sizes of the groups, of the channels in and out of one group, and of spatial axes."""
    by_letter = dict(zip(source.letters, shape))
    reading = source.read(shape)
    every = depthwise or source.groups.each_channel  # every channel is its own group
    count = by_letter.get("g", by_letter.get("c") if source.groups.each_channel else None)
    if count is not None and groups not in (None, count):
        raise BadShape(f"{reading} has {count} groups; groups={groups} must be that, or left out")
    split = {"c", "g", "m"} & set(target.letters) and by_letter.get("o") != 1
    if count is None and groups is None and every and split:
        raise BadOption(f"{reading} does not say how many channels x has: give groups=")
    g = count or groups or 1
    if g > 1 and _ungrouped(source):
        raise BadOption(f"{source.op.name}: groups={g}, but it has no groups")
    if every and by_letter.get("i", 1) != 1:
        raise BadShape(f"{reading} has i = {by_letter['i']}; in a depthwise kernel it must be 1")
    for letter in ("o", "c"):
        if by_letter.get(letter, g) % g:
            size = by_letter[letter]
            raise BadShape(f"{reading} has {letter} = {size}; it must be a multiple of {g} groups")
    sizes = {a: n for a, n in by_letter.items() if a.startswith("s")}
    sizes |= {"g": g, "m": by_letter.get("m", by_letter.get("o", g) // g)}
    return sizes | {"i": by_letter.get("i", by_letter.get("c", g) // g)}


def _ungrouped(kernel: KernelReading) -> bool:
    """Whether the function has no groups, in the layout that it reads."""
    return not kernel.groups.splits(kernel.letters)


def _check_expressible(target: KernelReading, sizes: dict[str, int]) -> None:
    """An error where the target has no place for what the kernel has."""
    op, g, m, i = target.op, sizes["g"], sizes["m"], sizes["i"]
    if g > 1 and _ungrouped(target):
        axis = " in this layout, which has no axis for them" if target.groups == BY_AXIS else ""
        raise CannotExpress(op.name, "groups", f"it has no groups{axis}, the kernel has {g}")
    if i > 1 and target.groups.each_channel:
        has = f"the kernel has {g} for {g * i} channels"
        raise CannotExpress(op.name, "groups", f"every channel is its own group, {has}")
    spatial = tuple(sizes[f"s{axis}"] for axis in range(target.rank))
    if op.square and len(set(spatial)) > 1:
        raise CannotExpress(op.name, "kernel", f"its kernels are square, the given one {spatial}")
    present = {a for letter in target.letters for a in _ATOMS.get(letter, (letter,))}
    if any(sizes[a] > 1 for a in {"g", "m", "i"} - present):
        has = f"its kernel has no channel axes, the given one has {g * i} in and {g * m} out"
        raise CannotExpress(op.name, "channels", has)


def _shape(w: Any) -> Shape:
    """The sizes of an array, of whatever kind."""
    try:
        return tuple(w.shape)
    except (AttributeError, RuntimeError):
        raise BadArray(
            f"w is a {kind_name(w)}, no array: give a torch tensor, "
            "a NumPy array or an array with DLPack"
        ) from None

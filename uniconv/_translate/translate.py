"""translate: which function says a call, what is done beside it, and the code of both."""

from __future__ import annotations

from collections.abc import Mapping

from uniconv._call import Call, verb
from uniconv._calls.any_size import size_free
from uniconv._calls.lower import LoweredCall
from uniconv._messages import either, show, suggest
from uniconv._translate.beside import Rewriting, rewritten
from uniconv._translate.code import Code, written
from uniconv._translate.separable import in_a_row, parted
from uniconv._translate.translation import Translation
from uniconv.errors import BadOption, CannotExpress, UnknownName
from uniconv.spec.op import Op
from uniconv.spec.registry import find, framework, framework_of

WEIGHTS = ("converted", "inline")
SIZES = ("these", "any")
EVERY = "every"  # for x and w of every size, as whole files need it
EXACT, SIZED = "exact", "exact for these sizes"
# What else computes an operation, where a family has no function of its own for it.
_OTHER_KINDS = {
    "depthwise_conv": ("conv",),
    "conv_transpose": ("conv",),
    "conv": ("conv_transpose",),
}


@verb
def translate(
    call: Call,
    *,
    to: str,
    weights: str = "converted",
    sizes: str = "these",
    names: Mapping[str, str] | None = None,
) -> Translation:
    """Rewrite a call as code of another framework that computes the same numbers.

    The code takes x, w (and bias) with their axes in the call's order, as the other framework's
    arrays, and gives y with the call's axes: the layouts are changed before and after, the kernel
    is rearranged and, where one side reads it backwards, flipped.  What the other function has no
    words for is written beside its call: a border, a slice, a scale.

    Args:
        call: a call with arrays or shapes, or its text, as ``Call.parse`` takes it.
        to: a family ("pytorch") or a function ("torch.nn.Conv2d"); "family@version" insists on
            the version that uniconv knows.
        weights: "converted": the kernel is rearranged once, in lines of their own
            (``.kernel``); "inline": in the lines of the call.
        sizes: "these": what depends on x's size is written in numbers, for this size; "any": in
            formulas of ``x.shape``.
        names: what stands in the code for "x", "w", "bias", "p" (the second kernel of a separable
            convolution) and an addend: names or expressions; by default those names.

    Raises:
        CannotExpress: no code of that framework computes it, with the field and the reason.
        UnknownName: no such framework, function or version.
        BadOption: weights or sizes that are none of these.
        and those of ``Call.parse``.

    >>> call = 'tf.nn.conv2d(x, w, strides=2, padding="SAME")'
    >>> found = translate(call, to="pytorch", x=(1, 6, 7, 3), w=(3, 3, 3, 8))
    >>> print(found)
    from torch.nn import functional as F
    <BLANKLINE>
    w = w.permute(3, 2, 0, 1)  # ... i o -> o i ...
    <BLANKLINE>
    x = x.permute(0, 3, 1, 2)  # n ... c -> n c ...
    x = F.pad(x, [1, 1, 0, 1])  # the last axis first
    y = F.conv2d(x, w, stride=2)
    y = y.permute(0, 2, 3, 1)  # n o ... -> n ... o
    <BLANKLINE>
    >>> found.outcome
    'exact for these sizes'

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """
    for word, value, known in (("weights", weights, WEIGHTS), ("sizes", sizes, SIZES)):
        if value not in known:
            near = suggest(value, known)
            raise BadOption(
                f"translate: {word}={show(value)} must be {either(map(show, known))}{near}"
            )
    return translated(call, to, weights, sizes, dict(names or {}))


def translated(
    call: Call, to: str, weights: str, sizes: str, names: Mapping[str, str]
) -> Translation:
    """``translate``, also for sizes=EVERY."""
    lowered = call.lowered
    if 0 in lowered.output:
        raise CannotExpress(to, "sizes", "y of this call has no elements")
    arrays = {"bias": call.bias is not None, "addend": _has_addend(call)}
    rewriting = _rewritten(lowered, to, sizes, arrays)
    code = written(rewriting, names, inline=weights == "inline")
    return Translation(
        call,
        rewriting.lifted.call.op.name,
        rewriting.lifted.options,
        code.language,
        code.imports,
        code.kernel,
        code.lines,
        EXACT if rewriting.everywhere else SIZED,
        _notes(rewriting, code),
        rewriting,
        names,
        code.statements,
    )


def _rewritten(call: LoweredCall, to: str, sizes: str, arrays: Mapping[str, bool]) -> Rewriting:
    """The call by one function, or, where it is separable and none can, by two in a row."""
    try:
        return _first(call, _targets(to, call, call.op.kind), sizes, arrays)
    except CannotExpress:
        if call.pointwise is None:
            raise
    depthwise, point = parted(call)
    without = dict.fromkeys(arrays, False)
    first = _first(depthwise, _targets(to, depthwise, "depthwise_conv"), sizes, without)
    return in_a_row(first, _first(point, _targets(to, point, "conv"), sizes, arrays))


def _targets(to: str, call: LoweredCall, kind: str) -> list[Op]:
    """The functions to try for an operation, the likeliest first.

    Raises:
        UnknownName: no such function, family or version.
        CannotExpress: the family has none for the operation or the number of axes.
    """
    name, at, version = to.partition("@")
    family = framework(name)
    known = (family or framework_of(find(name))).version
    if at and version != known:
        raise UnknownName(f"{to}: uniconv knows {name} of version {known}: write {name}@{known}")
    if family is None:
        return [find(name)]
    kinds = [kind, *_OTHER_KINDS.get(kind, ())]
    if max(call.conv.lhs_dilation, default=1) == 1 and kind == "conv":
        kinds = ["conv"]
    mains = [family.main[k] for k in kinds if k in family.main]
    if not mains:
        raise CannotExpress(
            family.name, "kind", f"it has no {kind}; it has {', '.join(family.main)}"
        )
    ops = [find(by_rank[call.rank]) for by_rank in mains if call.rank in by_rank]
    if not ops:
        has = either(sorted(mains[0]))
        raise CannotExpress(family.name, "rank", f"it has {has} spatial axes, the call {call.rank}")
    others = (op for op in family.functions if op.kind in kinds and call.rank in op.ranks)
    return list({op.name: op for op in (*ops, *others)}.values())


def _has_addend(call: Call) -> bool:
    addend = call.function.addend
    return addend is not None and addend[0] in call.options


def _first(call: LoweredCall, ops: list[Op], sizes: str, arrays: Mapping[str, bool]) -> Rewriting:
    """The first rewriting that can be, the first refusal where none can."""
    refusals: list[CannotExpress] = []
    for op in ops:
        try:
            return _rewriting(call, op, sizes, arrays)
        except CannotExpress as error:
            refusals.append(error)
    raise refusals[0]


def _rewriting(call: LoweredCall, op: Op, sizes: str, arrays: Mapping[str, bool]) -> Rewriting:
    """The call by a function: for any size where no formula is needed, or where that is asked."""
    free = None if call.context.output_size else size_free(call, any_kernel=sizes == EVERY)
    refusal = CannotExpress(op.name, "sizes", "the call's own padding holds for its size alone")
    if free is not None:
        try:
            everywhere = rewritten(call, op, free, **arrays)
            written(everywhere, {}, inline=True)
            if sizes != "these" or not everywhere.measured:
                return everywhere
        except CannotExpress as error:
            refusal = error
    if sizes != "these":
        raise refusal
    return rewritten(call, op, None, **arrays)


def _notes(rewriting: Rewriting, code: Code) -> tuple[str, ...]:
    """What is not word for word, and what depends on the sizes."""
    op = rewriting.lifted.call.op
    notes = [
        f"{op.name} cannot say the {WORDS[name]}: it is done beside the call"
        for name in rewriting.beside
        if name in WORDS
    ]
    if rewriting.call.op.depths:
        title = rewriting.call.op.title
        notes.append(f"for x of floats: integers are rounded and saturated by {title} alone")
    if rewriting.then:
        second = rewriting.then.lifted.call.op.name
        notes.append(f"it is two calls: {op.name}, and {second} for the pointwise kernel")
    if not rewriting.everywhere:
        size = " x ".join(map(str, rewriting.call.sizes.size))
        notes.append(f'the numbers are those of an image of {size}; sizes="any" writes formulas')
    return (*notes, *code.notes)


WORDS = {
    "border": "padding",
    "surplus": "padding",
    "spread": "zeros between the pixels of x",
    "stride": "stride",
    "dilation": "dilation",
    "reverse": "direction of the kernel",
    "activation": "activation",
    "shift": "added number",
    "addend": "addend",
    "scale": "scale",
}

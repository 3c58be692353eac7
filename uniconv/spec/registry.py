"""Names -> functions: those of this package, then those of the plug-ins.

A name is a function's ("tf.nn.conv2d"), which ``find`` knows, or a family's ("tf"), which stands
for its main function of the kind that is asked: ``main`` tells which by the number of axes that the
kernel has, ``usual`` by the number of spatial axes, or by none.  A framework is loaded when a name
may be one of its own; only listing all of them loads all.
"""

from __future__ import annotations

import copyreg
import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from uniconv._canonical.layout import axes
from uniconv._messages import either, show
from uniconv.errors import BadShape, UnknownName
from uniconv.spec.framework import Framework
from uniconv.spec.loading import (
    Broken,
    Outcome,
    built_in,
    files,
    files_of_words,
    first_word,
    plug_ins,
)
from uniconv.spec.op import KINDS, Op
from uniconv.spec.relatives import relative

__all__ = [
    "find",
    "framework",
    "framework_of",
    "frameworks",
    "functions",
    "main",
    "names_below",
    "usual",
]


def frameworks() -> dict[str, Framework]:
    """Every framework by its family name; all are loaded, and what is broken is left out."""
    outcomes = [*(outcome for file in files() for outcome in built_in(file)), *plug_ins()]
    return {f.name: f for f in outcomes if isinstance(f, Framework)}


def functions() -> dict[str, Op]:
    """Every function by its full name; all frameworks are loaded."""
    return {op.name: op for f in frameworks().values() for op in f.functions}


def framework(name: str) -> Framework | None:
    """The framework of that family name or alias."""
    _check_is_text(name)
    if "." in name:
        return None
    return next((f for f in _that_may_know(name) if name in (f.name, *f.aliases)), None)


def framework_of(op: Op) -> Framework:
    """The framework that a registered function belongs to."""
    return next(f for f in _that_may_know(op.name) if op.name in f.by_name)


def names_below(path: str) -> list[str]:
    """The full names that are ``path``, or begin with it and a dot."""
    known = (name for f in _that_may_know(path) for name in f.by_name)
    return [name for name in known if f"{name}.".startswith(f"{path}.")]


def find(name: str) -> Op:
    """The function of that full (or short) name; UnknownName suggests near ones."""
    _check_is_text(name)
    op = _function(name)
    if op is None:
        raise _unknown(name)
    return op


def _function(name: str) -> Op | None:
    """The function of that full or short name; None where nothing knows it."""
    ops = (f.function(name) for f in _that_may_know(name))
    return next((op for op in ops if op is not None), None)


def _that_may_know(name: str) -> Iterator[Framework]:
    """The frameworks whose names begin as this one, then the plug-ins: each is loaded on the way.

    So a plug-in is not loaded for a name that a framework of this package knows.
    """
    for outcome in _outcomes(name):
        if isinstance(outcome, Framework):
            yield outcome


def _outcomes(name: str) -> Iterator[Outcome]:
    """What loading gave, for every file that may know the name, then for the plug-ins."""
    for file in files_of_words().get(first_word(name), ()):
        yield from built_in(file)
    yield from plug_ins()


def _unknown(name: str) -> UnknownName:
    """The error for a name that nothing knows: why its framework is broken, or a near name."""
    broken = [b for b in _outcomes(name) if isinstance(b, Broken)]
    for each in broken:
        if each.name in (first_word(name), *files_of_words().get(first_word(name), ())):
            return each.error()
    # Only now are all frameworks loaded, to find the near name; upper and lower case count alike.
    known = frameworks()
    folded = {k.lower(): k for k in (*known, *functions())}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    hint = f"known: {', '.join(known)}"
    if near:
        hint = f"did you mean {show(folded[near[0]])}?"
    alike = relative(name)
    if alike is not None:
        hint = f"it has no dialect of its own; its convolutions are those of {show(alike)}"
    family = framework(name)
    if family is not None:
        hint = f"that is a family; its functions are {', '.join(family.by_name)}"
    texts = [f"no function is named {show(name)}: {hint}", *(b.text for b in broken)]
    return UnknownName("; ".join(texts))


def main(name: str, kind: str, rank_of_kernel: int) -> Op:
    """The function meant by ``name`` (a family or a function) for an operation.

    A bare family name picks its main function of that kind for a kernel of so many axes.  ``conv``
    also takes the full name of any other function with one kernel.
    """
    _check_is_text(name)
    return _main(name, kind, rank_of_kernel)


def _check_is_text(name: object) -> None:
    """UnknownName for what is no string, such as the function itself."""
    if not isinstance(name, str):
        raise UnknownName(
            f'a function is named by a string such as "tf.nn.conv2d"; this name is of type '
            f"{type(name).__qualname__}"
        )


@cache
def _main(name: str, kind: str, rank_of_kernel: int) -> Op:
    """``main`` for names that are strings; its answers are kept.

    How to read it: a family has one main function for each number of spatial axes; the first layout
    of that function says how many axes its kernel has, "... i o" for two spatial axes 4.
    ``counts`` goes from this number back to the spatial axes.
    """
    dialect = framework(name)
    if dialect is None:
        op = find(name)
        if op.kind != kind and (kind != "conv" or op.kind == "separable_conv"):
            raise UnknownName(f"{op.name} is a {op.kind}, not a {kind}: call uniconv.{op.kind}")
        return op
    by_rank = _by_rank(dialect, kind)
    counts = {len(axes(find(f).layouts_of(r)[0].w, r)): r for r, f in by_rank.items()}
    if rank_of_kernel not in counts:
        raise BadShape(
            f"{dialect.name}: w has {rank_of_kernel} {'axis' if rank_of_kernel == 1 else 'axes'}, "
            f"but as the kernel of a {kind} it must have {either(counts)}"
        )
    return find(by_rank[counts[rank_of_kernel]])


def usual(name: str, kind: str, rank: int | None = None) -> Op:
    """The function meant for so many spatial axes where there is no kernel to tell.

    By default a bare family name means its main function for two axes, else for one or three.
    """
    _check_is_text(name)
    dialect = framework(name)
    if dialect is None:
        return find(name)
    by_rank = _by_rank(dialect, kind)
    if rank not in (None, *by_rank):
        counts = either(sorted(by_rank))
        raise BadShape(f"{dialect.name} has no {kind} of {rank} spatial axes, but of {counts}")
    return find(by_rank[rank or next(r for r in (2, 1, 3) if r in by_rank)])


def _by_groups(dialect: Framework, kind: str) -> str:
    """How a framework computes a depthwise convolution that it has no function for."""
    if kind != "depthwise_conv" or "conv" not in dialect.main:
        return ""
    option = find(next(iter(dialect.main["conv"].values()))).groups.option
    if option is None:
        return ""
    return f": conv(..., {option}=C), C the channels of x, is a depthwise one"


def _by_rank(dialect: Framework, kind: str) -> Mapping[int, str]:
    """For each number of spatial axes the function that a bare family name means."""
    by_rank = dialect.main.get(kind)
    if not by_rank:
        has = ", ".join(k for k in KINDS if k in dialect.main)
        raise UnknownName(f"{dialect.name} has no {kind}; it has {has}{_by_groups(dialect, kind)}")
    return by_rank


def _by_name(spec: Op | Framework) -> Any:
    """How a spec pickles: one that is registered by its name, since its rules hold functions."""
    # Only the registered object itself goes by its name: one that was changed, or is not
    # registered, pickles whole, as far as its functions can.
    if isinstance(spec, Op) and _function(spec.name) is spec:
        return find, (spec.name,)
    if isinstance(spec, Framework) and framework(spec.name) is spec:
        return framework, (spec.name,)
    return spec.__reduce_ex__(4)


copyreg.pickle(Op, _by_name)
copyreg.pickle(Framework, _by_name)

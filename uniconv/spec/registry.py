"""Names -> functions: this package's own dialects on demand, then the entry points."""

from __future__ import annotations

import copyreg
import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from uniconv._canonical.layout import axes
from uniconv._messages import either, show
from uniconv.errors import BadShape, UnknownName
from uniconv.spec.framework import Framework
from uniconv.spec.op import KINDS, Op

GROUP = "uniconv.dialects"
OWN = "uniconv._dialects"


@cache
def frameworks() -> dict[str, Framework]:
    """Every dialect by its family name; a broken or duplicate plug-in is an error that names it."""
    found: dict[str, Framework] = {}
    for module in pkgutil.iter_modules(importlib.import_module(OWN).__path__):
        found |= {d.name: d for d in _dialects_in(f"{OWN}.{module.name}")}
    for point in entry_points(group=GROUP):
        dialect = _load(point)
        if dialect.name in found:
            raise UnknownName(f"dialect {show(dialect.name)} of {_whose(point)} exists already")
        found[dialect.name] = dialect
    return found


def _dialects_in(module: str) -> list[Framework]:
    return [v for v in vars(importlib.import_module(module)).values() if isinstance(v, Framework)]


def _load(point: EntryPoint) -> Framework:
    try:
        dialect = point.load()
    except Exception as error:
        raise UnknownName(f"{_plug_in(point)} fails: {error}") from error
    if not isinstance(dialect, Framework):
        raise UnknownName(f"{_plug_in(point)} is no Framework: {dialect!r}")
    return dialect


def _plug_in(point: EntryPoint) -> str:
    return f"dialect plug-in {point.name} of {_whose(point)}"


def _whose(point: EntryPoint) -> str:
    return f"distribution {point.dist.name if point.dist else '?'} ({point.value})"


@cache
def functions() -> dict[str, Op]:
    """Every function by its full name."""
    return {op.name: op for d in frameworks().values() for op in d.functions}


def framework(name: str) -> Framework | None:
    """The dialect of that name or alias."""
    for dialect in frameworks().values():
        if name == dialect.name or name in dialect.aliases:
            return dialect
    return None


@cache
def full_name(name: str) -> str:
    """A function's full name: aliases of families and short prefixes spelled out."""
    for dialect in frameworks().values():
        for alias in dialect.aliases:
            if name.startswith(f"{alias}.") and name.replace(alias, dialect.name, 1) in functions():
                return name.replace(alias, dialect.name, 1)
        for short, long in dialect.prefixes.items():
            if name.startswith(short) and long + name[len(short) :] in functions():
                return long + name[len(short) :]
    return name


def find(name: str) -> Op:
    """The function of that full (or short) name; UnknownName suggests near ones."""
    _check_is_text(name)
    op = functions().get(full_name(name))
    if op is None:
        known = [*frameworks(), *functions()]
        folded = {k.lower(): k for k in known}
        near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
        hint = f"known: {', '.join(frameworks())}"
        if near:
            hint = f"did you mean {show(folded[near[0]])}?"
        dialect = framework(name)
        if dialect is not None:
            listed = ", ".join(op.name for op in dialect.functions)
            hint = f"that is a family; its functions are {listed}"
        raise UnknownName(f"no function is named {show(name)}: {hint}")
    return op


def main(name: str, kind: str, rank_of_kernel: int) -> Op:
    """The function meant by ``name`` (a family or a function) for an operation.

    A bare family name picks its main function of that kind for a kernel of so many axes.  ``conv``
    also takes the full name of any other function with one kernel.
    """
    _check_is_text(name)
    return _main(name, kind, rank_of_kernel)


def _check_is_text(name: object) -> None:
    if not isinstance(name, str):
        raise UnknownName(
            f'a function is named by a string such as "tf.nn.conv2d"; this name is of type '
            f"{type(name).__qualname__}"
        )


@cache
def _main(name: str, kind: str, rank_of_kernel: int) -> Op:
    dialect = framework(name)
    if dialect is None:
        op = find(name)
        if op.kind != kind and (kind != "conv" or op.kind == "separable_conv"):
            raise UnknownName(f"{op.name} is a {op.kind}, not a {kind}: call uniconv.{op.kind}")
        return op
    by_rank = _by_rank(dialect, kind)
    counts = {len(axes(find(f).layouts[0].w, r)): r for r, f in by_rank.items()}
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


def _by_rank(dialect: Framework, kind: str) -> Mapping[int, str]:
    """For each number of spatial axes the function that a bare family name means."""
    by_rank = dialect.main.get(kind)
    if not by_rank:
        has = ", ".join(k for k in KINDS if k in dialect.main)
        raise UnknownName(f"{dialect.name} has no {kind}; it has {has}")
    return by_rank


def _by_name(spec: Op | Framework) -> Any:
    """How a spec pickles: one that is registered by its name, since its rules hold functions."""
    if isinstance(spec, Op) and functions().get(spec.name) is spec:
        return find, (spec.name,)
    if isinstance(spec, Framework) and frameworks().get(spec.name) is spec:
        return framework, (spec.name,)
    return spec.__reduce_ex__(4)


copyreg.pickle(Op, _by_name)
copyreg.pickle(Framework, _by_name)

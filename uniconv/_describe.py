"""dialects() and describe(dialect): what is known, as data and as text generated from the specs."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any, cast

import numpy as np

from uniconv._calls.lower import batched
from uniconv._calls.options import scattered
from uniconv._canonical.layout import Layout, arrange
from uniconv._functional import run_op
from uniconv._messages import either, show
from uniconv.errors import from_one_frame
from uniconv.spec.framework import Framework
from uniconv.spec.op import KINDS, Op
from uniconv.spec.registry import find, framework, framework_of, frameworks
from uniconv.spec.rules import REQUIRED, Rule
from uniconv.typing import Dialect

FLIPPED = "a true convolution (the kernel is read backwards)"
UPRIGHT = "a cross-correlation (the kernel is not flipped)"


def dialects() -> dict[Dialect, tuple[Dialect, ...]]:
    """Every family and the full names of its functions.

    >>> dialects()["knet"]
    ('knet.conv4', 'knet.deconv4', 'knet.ops21.conv')
    """
    names = {name: tuple(op.name for op in d.functions) for name, d in frameworks().items()}
    return cast(dict[Dialect, tuple[Dialect, ...]], names)


@from_one_frame
def describe(dialect: Dialect) -> str:
    """A family or a function as text: layouts, flip, options, refusals, an example with numbers.

    Everything is generated from the spec, the numbers by running it.

    Raises:
        UnknownName: no dialect or function of that name.

    >>> print(describe("knet.conv4").splitlines()[0])
    knet.conv4: a conv of Knet 1.4.10, a true convolution (the kernel is read backwards)
    """
    family = framework(dialect)
    return _family_text(family) if family else _function_text(find(dialect))


def _family_text(d: Framework) -> str:
    lines = [f"{d.name}: {d.title} {d.version}"]
    if d.aliases:
        lines.append(f"  also called {', '.join(d.aliases)}")
    lines += [f"  as a {kind}, {show(d.name)} means {names}" for kind, names in meanings(d)]
    lines += ["  functions:", *(f"    {op.name}" for op in d.functions)]
    return "\n".join(lines)


def meanings(d: Framework) -> list[tuple[str, str]]:
    """For each operation, the functions that the bare family name means."""
    refusals = []
    for kind in (k for k in KINDS if k in d.main):
        ranks: dict[str, list[int]] = {}
        for rank, name in d.main[kind].items():
            ranks.setdefault(name, []).append(rank)
        refusals.append((kind, ", ".join(f"{name} ({_ranks(r)})" for name, r in ranks.items())))
    return refusals


def _ranks(ranks: Iterable[int]) -> str:
    listed = either(ranks)
    return f"{listed} spatial ax{'i' if listed == '1' else 'e'}s"


def _function_text(op: Op) -> str:
    d = framework_of(op)
    lines = [f"{op.name}: a {op.kind} of {d.title} {d.version}, {flip(op)}", ""]
    sections = {
        "options": [f"{name} = {default}: {text}" for name, default, text in options(op)],
        "padding words": [f"{word}: {text}" for word, text in padding_words(op)],
        "refused": refused(op),
        "notes": op.notes,
        "example": example(op),
    }
    lines += [f"  {line}" for line in summary(op)]
    for title, entries in sections.items():
        if entries:
            lines += ["", f"  {title}", *(f"    {entry}" for entry in entries)]
    return "\n".join([*lines, "", f"  source     {op.source}"])


def summary(op: Op) -> list[str]:
    """The signature, layouts, axes, groups, bias and dtypes, a line each."""
    return [
        f"signature  {signature(op)}",
        *(f"layout     {line}" for line in layouts(op)),
        f"axes       {_ranks(op.ranks)} (...), {_batch(op)}",
        f"groups     {groups(op)}",
        f"bias       {bias(op)}",
        f"dtypes     {', '.join(op.dtypes)}",
        *(f"           {line}" for line in _other_dtypes(op)),
    ]


def _other_dtypes(op: Op) -> Iterator[str]:
    """Those that are taken in some calls only."""
    if op.vector_dtypes:
        yield f"{', '.join(op.vector_dtypes)} with one spatial axis"
    roles: dict[tuple[str, ...], list[str]] = {}
    for role, dtypes in op.converted.items():
        roles.setdefault(dtypes, []).append(role)
    for dtypes, names in roles.items():
        yield f"{', '.join(dtypes)} for {either(names)} beside another dtype"


def reads_backwards(op: Op) -> bool | None:
    """Whether the kernel is flipped when no option says otherwise; None where one must say it."""
    return None if op.reverse.usual is None else bool(op.reverse.usual)


def flip(op: Op) -> str:
    """The same in words."""
    backwards = reads_backwards(op)
    sentence = FLIPPED if backwards else UPRIGHT
    if backwards is None:
        sentence = f"{UPRIGHT} or {FLIPPED}, as {op.reverse.option} must say"
    return f"the transpose of {sentence}" if op.kind == "conv_transpose" else sentence


def signature(op: Op) -> str:
    """The native parameter list with its defaults."""
    shown: list[str] = []
    for param in op.params.split():
        role, _, name = param.rpartition(":")
        default = op.default(name)
        only = role not in ("", "bias") and len(op.array_names(role)) == 1
        bare = name == "*" or only or (default is REQUIRED and "=" not in "".join(shown))
        shown.append(name if bare else f"{name}={show(default)}")
    return f"{op.name}({', '.join(shown)})"


def layouts(op: Op) -> list[str]:
    """The patterns of x, w and y, once per choice of layout."""
    if op.layout.option is None:
        return [_patterns(op, op.layouts[0])]
    words: dict[str, list[str]] = {}
    for word, layout in op.layout.table.items():
        words.setdefault(_patterns(op, layout), []).append(_spelling(op, op.layout.option, word))
    option = "" if op.layout.option in op.per_axis_options else f"{op.layout.option}="
    return [f"{p}   for {option}{' or '.join(w)}" for p, w in words.items()]


def _spelling(op: Op, option: str, word: Any) -> str:
    """A word as it is typed, or those of the several options that make it."""
    if option not in op.per_axis_options:
        return show(word)
    named = zip(op.per_axis_options[option].names, word)
    return ", ".join(f"{name}={show(v)}" for name, v in named if v is not None) or "the defaults"


def _patterns(op: Op, layout: Layout) -> str:
    point = f"  pointwise {op.pointwise}" if op.pointwise else ""
    return f"x {layout.x}  w {layout.w}{point}  y {layout.y}"


def _batch(op: Op) -> str:
    known = {(0, 1): "with or without a batch axis", (1, 1): "one batch axis"}
    return known.get(op.batch, f"{op.batch[0]} to {op.batch[1]} batch axes")


def groups(op: Op) -> str:
    """Where the group count comes from."""
    return op.groups.text


def bias(op: Op) -> str:
    """The shape of the bias and whether the function has one itself."""
    own = "" if op.array_names("bias") else "; the function has none itself, uniconv adds it"
    return ("(o,)" if op.bias == "o" else "y's axes, 1 everywhere but on the channels") + own


def options(op: Op) -> list[tuple[str, str, str]]:
    """Every option: its name, its default as typed, what it takes."""
    lines = []
    for name in (p for p in op.params.split() if ":" not in p and p != "*"):
        if name in op.aliases:
            lines.append((name, "None", f"another name of {op.aliases[name]}"))
        elif op.addend and name == op.addend[0]:
            lines.append((name, "None", f"an array like y, added {op.addend[1].option} times"))
        elif name in op.constructor_words:
            lines.append((name, "None", "once more what the arrays say, or None"))
        else:
            default = op.default(name)
            default = "required" if default is REQUIRED else show(default)
            lines.append((name, default, _takes(op, _rule(op, name))))
    return lines


def _rule(op: Op, option: str) -> Rule:
    """The rule that reads a native option, alone or with others."""
    for rule, several in op.per_axis_options.items():
        if option in several.names:
            return op.rules[rule]
    return op.rules[option]


def _takes(op: Op, rule: Rule) -> str:
    """What an option takes, in words."""
    if rule is op.reverse and rule.for_each_axis:
        return f"one per spatial axis: True: {FLIPPED} along it"
    if rule is op.reverse:
        return ", ".join(f"{show(w)}: {FLIPPED if r else UPRIGHT}" for w, r in rule.table.items())
    return rule.takes


def padding_words(op: Op) -> list[tuple[str, str]]:
    """Every padding word and what it means."""
    words = {name: words for name, words in op.padding.named_words() if words != (None,)}
    return [(show(name), " Or: ".join(map(meaning, words))) for name, words in words.items()]


def meaning(word: Any) -> str:
    """What a padding word does, as the first paragraph of its own docstring says it."""
    inner = getattr(word, "word", None)
    text = " ".join((inspect.getdoc(inner or word) or "").partition("\n\n")[0].split())
    return f"As a convolution reads its output: {text}" if inner else text


def refused(op: Op) -> list[str]:
    """What is valid alone but not together, why, and where that is written."""
    return [f"{' with '.join(r.options)}: {r.reason} [{r.source}]" for r in op.refusals]


def example(op: Op) -> list[str]:
    """x = 1 2 3 4 and w = 1 10 100 along the first spatial axis, and the y that the spec gives.

    Any function can be called so: axes but one have size 1 (3 where kernels must be square, with
    numbers in the first column only), and options that it asks for have their smallest values.
    """
    layout = op.layouts[0]
    rank = next(r for r in layout.ranks if r > 0)
    ones = (3 if op.square else 1,) * (rank - 1)
    letters = dict.fromkeys("ncogim", 1)
    batch = (1,) if op.batch[0] or "c" in layout.x else ()  # an image of itself, if that can be
    x = np.zeros(batched(arrange(layout.x, letters, (4, *ones)), layout.x, batch))
    w = np.zeros(arrange(layout.w, letters, (3, *ones)))
    x.reshape(4, -1)[:, 0], w.reshape(3, -1)[:, 0] = (1, 2, 3, 4), (1, 10, 100)
    options: dict[str, Any] = {}
    if op.crop and op.crop.shape and op.crop.shape_default is REQUIRED:
        full = arrange(layout.y, letters, (6, *ones))
        options[op.crop.shape] = list(full if "full" in op.crop.shape_forms else full[-rank:])
        if "VALID" in op.padding.words:
            options[op.padding.option] = "VALID"
    for name, rule in op.rules.items():
        if name in op.per_axis_options:
            several = op.per_axis_options[name]
            if REQUIRED in (several.default, rule.default if rule is op.padding else None):
                options |= scattered(op, {name: rule.plainest(layout, rank)})
        elif rule.default is REQUIRED and name not in options:
            options[name] = rule.plainest(layout, rank)
    p = np.ones(arrange(op.pointwise, letters, (1, *ones))) if op.pointwise else None
    if op.outer_product:
        w, p = (w.ravel(), np.ones(1)) if op.outer_product[0] == "s0" else (np.ones(1), w.ravel())
    if "float64" not in op.dtypes:
        x, w = x.astype(op.dtypes[0]), w.astype(op.dtypes[0])
    y = run_op(op, ("example", op.name), x, w, None, "cpu", options, p)
    call = ", ".join(f"{n}={show(v)}" for n, v in options.items()) or "defaults"
    values = " ".join(f"{v:g}" for v in y.ravel())
    column = " (its first column, else 0)" if op.square else ""
    return [
        f"x = 1 2 3 4{column} in shape {x.shape}, w = 1 10 100{column} in shape {w.shape}"
        + (f", pointwise w = 1 in shape {p.shape}" if p is not None else ""),
        f"{op.name}({call}) = {values} in shape {y.shape}",
    ]

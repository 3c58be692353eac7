"""dialects() and describe(name): what is known, as data and as text generated from the specs."""

from __future__ import annotations

from typing import Any

import numpy as np

from uniconv.dialect import BY_CHANNELS, BY_OUTPUT, DEPTHWISE, KINDS, Dialect, Op
from uniconv.functional import run_op
from uniconv.layout import Layout, arrange, axes
from uniconv.registry import families, family, find
from uniconv.rules import REQUIRED, Choice, Count, Crop, Facts, Fixed, Pad, PerAxis, Scalar, show


def dialects() -> dict[str, tuple[str, ...]]:
    """Every family and the full names of its functions.

    >>> dialects()["knet"]
    ('knet.conv4', 'knet.deconv4', 'knet.ops21.conv')
    """
    return {name: tuple(op.name for op in d.functions) for name, d in families().items()}


def describe(name: str) -> str:
    """A family or a function as text: layouts, flip, options, refusals, an example with numbers.

    Everything is generated from the spec, the numbers by running it.

    Raises:
        UnknownName: no dialect or function of that name.

    >>> print(describe("knet.conv4").splitlines()[0])
    knet.conv4: a conv of Knet 1.4.10, a true convolution (the kernel is read backwards)
    """
    dialect = family(name)
    return _family_text(dialect) if dialect else _function_text(find(name))


def _family_text(d: Dialect) -> str:
    lines = [f"{d.name}: {d.title} {d.version}"]
    if d.aliases:
        lines.append(f"  also called {', '.join(d.aliases)}")
    for kind in (k for k in KINDS if k in d.main):
        chosen: dict[str, list[int]] = {}
        for rank, name in d.main[kind].items():
            chosen.setdefault(name, []).append(rank)
        means = ", ".join(f"{n} ({_ranks(r)})" for n, r in chosen.items())
        lines.append(f"  as a {kind}, {show(d.name)} means {means}")
    lines += ["  functions:", *(f"    {op.name}" for op in d.functions)]
    return "\n".join(lines)


def _ranks(ranks: list[int] | tuple[int, ...]) -> str:
    return f"{', '.join(map(str, ranks))} spatial ax{'i' if list(ranks) == [1] else 'e'}s"


def _function_text(op: Op) -> str:
    d = family(op.title.lower()) or next(f for f in families().values() if op in f.functions)
    lines = [f"{op.name}: a {op.kind} of {d.title} {d.version}, {flip(op)}", ""]
    lines += [f"  signature  {signature(op)}", *layout_lines(op)]
    lines += [f"  groups     {groups(op)}", f"  bias       {bias(op)}", f"  dtypes     {', '.join(op.dtypes)}"]
    lines += ["", "  options"]
    lines += [f"    {name} = {default}: {text}" for name, default, text in options(op)]
    if op.refusals:
        lines += ["", "  refused"]
        lines += [f"    {' with '.join(r.options)}: {r.reason} [{r.source}]" for r in op.refusals]
    if op.notes:
        lines += ["", "  notes", *(f"    {note}" for note in op.notes)]
    lines += ["", "  example", *(f"    {line}" for line in example(op))]
    lines += ["", f"  source     {op.source}"]
    return "\n".join(lines)


def flip(op: Op) -> str:
    """Whether the kernel is read backwards, in words, from the spec and its default."""
    rule = op.reverse
    reverse = rule if isinstance(rule, bool) else rule.table[rule.default]
    said = (
        "a true convolution (the kernel is read backwards)"
        if reverse
        else "a cross-correlation (the kernel is not flipped)"
    )
    if op.kind == "conv_transpose":
        said = f"the transpose of {said}"
    if isinstance(rule, Choice):
        other = next(w for w, meaning in rule.table.items() if meaning != reverse)
        return f"{said}" if op.kind == "none" else said + ("" if other is None else "")
    return said


def signature(op: Op) -> str:
    """The native parameter list with its defaults."""
    shown = []
    for param in op.params.split():
        role, _, name = param.rpartition(":")
        default = op.rules[name].default if name in op.rules else None
        bare = name == "*" or (role and role != "bias") or default is REQUIRED
        shown.append(name if bare else f"{name}={show(default)}")
    return f"{op.name}({', '.join(shown)})"


def layout_lines(op: Op) -> list[str]:
    """The patterns of x, w and y, once per choice of layout."""
    seen: dict[tuple[str, str, str], list[str]] = {}
    if isinstance(op.layout, Layout):
        seen[op.layout.x, op.layout.w, op.layout.y] = []
    else:
        for word, known in op.layout.table.items():
            seen.setdefault((known.x, known.w, known.y), []).append(show(word))
    lines = []
    for (x, w, y), words in seen.items():
        option = op.layout.option if isinstance(op.layout, Choice) else ""
        when = f"   for {option}={' or '.join(words)}" if words else ""
        point = f"  pointwise {op.pointwise}" if op.pointwise else ""
        lines.append(f"  layout     x {x}  w {w}{point}  y {y}{when}")
    lines.append(f"  axes       {_ranks(op.ranks)} (...), {_batch(op)}")
    return lines


def _batch(op: Op) -> str:
    fewest, most = op.batch
    return {(0, 1): "with or without a batch axis", (1, 1): "one batch axis"}.get(
        op.batch, f"at least {fewest} batch axis" if most > 1 else "no batch axis"
    )


def groups(op: Op) -> str:
    """Where the group count comes from."""
    if isinstance(op.groups, Count):
        return f"option {op.groups.option}"
    return {
        BY_CHANNELS: "the channels of x over the input channels of w",
        DEPTHWISE: "every channel is a group of its own",
        BY_OUTPUT: "the channels of output_shape over the output channels of w",
    }.get(op.groups, "none")


def bias(op: Op) -> str:
    """The shape of the bias and whether the function has one itself."""
    own = "" if op.array_names("bias") else "; the function has none itself, uniconv adds it"
    return ("(o,)" if op.bias == "o" else "y's axes, 1 everywhere but on the channels") + own


def options(op: Op) -> list[tuple[str, str, str]]:
    """Every option: its name, its default as typed, what it takes."""
    facts = Facts(op.name, op.title)
    found = []
    for param in op.params.split():
        if ":" in param or param == "*":
            continue
        if param in op.aliases:
            found.append((param, "None", f"another name of {op.aliases[param]}"))
        elif op.addend and param == op.addend[0]:
            found.append((param, "None", f"an array like y, added {op.addend[1].option} times"))
        else:
            rule = op.rules[param]
            found.append((param, "required" if rule.default is REQUIRED else show(rule.default), _takes(op, rule, facts)))
    return found


def _takes(op: Op, rule: Any, facts: Facts) -> str:
    if isinstance(rule, Choice):
        words = ", ".join(show(w) for w in rule.table)
        if rule is op.reverse:
            meanings = (f"{show(w)} {'convolution' if r else 'cross-correlation'}" for w, r in rule.table.items())
            return ", ".join(meanings)
        return words
    if isinstance(rule, PerAxis):
        kinds = {"none": "None", "int": "an integer", "one": "a list of one", "axes": "one per spatial axis",
                 "full": "one per axis of x"}
        return f"{', '.join(kinds[a] for a in rule.accepts)}; at least {rule.least}"
    if isinstance(rule, Pad):
        return rule.describe()
    if isinstance(rule, Fixed) and isinstance(op.pad, Crop) and rule.option == op.pad.shape:
        also = " or its spatial sizes" if "axes" in op.pad.shape_forms else ""
        return f"the shape of y{also}"
    if isinstance(rule, Fixed):
        return "any value; it changes no number" if rule.inert else f"only its default: {rule.reason}"
    return "a number" if isinstance(rule, Scalar) else "an integer of at least 1"


def example(op: Op) -> list[str]:
    """x = 1 2 3 4 and w = 1 10 100 along the first spatial axis, and the y that the spec gives."""
    layout, rank = op.layouts[0], op.layouts[0].ranks[0]
    ones = (1,) * (rank - 1)
    letters = dict.fromkeys("ncoim", 1)
    x = np.arange(1.0, 5.0).reshape(arrange(layout.x, letters, (4, *ones)))
    w = np.array([1.0, 10.0, 100.0]).reshape(arrange(layout.w, letters, (3, *ones)))
    given: dict[str, Any] = {}
    if isinstance(op.pad, Crop) and op.pad.shape:
        given[op.pad.shape] = list(arrange(layout.y, letters, (6, *ones)))
        given[op.pad.pad.option] = "VALID"
    for name, rule in op.rules.items():
        if rule.default is REQUIRED and name not in given:
            given[name] = _smallest(rule, layout, rank)
    p = np.ones(arrange(op.pointwise, letters, (1, *ones))) if op.pointwise else None
    y = run_op(op, ("example", op.name), tuple(given), x, w, None, "cpu", given, p)
    call = ", ".join(f"{n}={show(v)}" for n, v in given.items())
    return [
        f"x = 1 2 3 4 in shape {x.shape}, w = 1 10 100 in shape {w.shape}"
        + (f", pointwise w = 1 in shape {p.shape}" if p is not None else ""),
        f"{op.name}({call or 'defaults'}) = {' '.join(f'{v:g}' for v in y.ravel())} in shape {y.shape}",
    ]


def _smallest(rule: Any, layout: Layout, rank: int) -> Any:
    if isinstance(rule, Pad):
        return "VALID" if "VALID" in rule.words else 0
    return [1] * len(axes(layout.x, rank)) if rule.accepts[-1] == "full" else 1

"""A call as plain torch code: lines that turn the native x, w (p, bias) into the native y."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from uniconv._calls.lower import LoweredCall
from uniconv._canonical.layout import axes, completed, kernel_order, order, regrouping
from uniconv._canonical.record import Convolution, Sizes
from uniconv._explain.window import GAP, sources
from uniconv.spec.op import Op


def torch_lines(call: LoweredCall, dtypes: Sequence[str] = (), bias: bool = False) -> str:
    """Runnable code on torch tensors: x, w, where there are these p, bias and the addend, give y.

    The addend goes by the function's own name for it, or as ``addend`` where that name is taken.

    dtypes: those of x and w, where they are known; integers are summed as 64-bit ones.
    """
    op, conv, sizes = call.op, call.conv, call.sizes
    spatial = tuple(f"s{i}" for i in range(call.rank))
    lines = ["import torch", "from torch.nn import functional as F", ""]
    if op.outer_product:
        lines.append(f"w = torch.outer({'w, p' if op.outer_product == ('s0', 's1') else 'p, w'})")
    exact = bool(dtypes) and all("int" in d for d in dtypes)
    if exact:
        zeros = [f" - {n}" if n else "" for n in call.zero_points]
        lines.append(f"x, w = x.long(){zeros[0]}, w.long(){zeros[1]}")
    elif len(set(dtypes)) > 1:
        promoted = "x, w = (a.to(torch.promote_types(x.dtype, w.dtype)) for a in (x, w))"
        lines.append("x = x.to(w.dtype)" if op.mixed_dtypes == "w" else promoted)

    letters = axes(call.layout.x, call.rank)
    lines += _into(letters, ("n", "c", *spatial), sizes.batch, "x", call.layout.x)
    parts = conv.batch_groups
    if parts > 1:  # parts of the batch as groups of channels
        lines.append(f"x = torch.cat(x.chunk({parts}), 1)")
        conv = replace(conv, groups=parts, batch_groups=1)
    transposed = op.kind == "conv_transpose" and conv.boundary == "zeros"
    lines += _kernel(call, conv, transposed)
    out = conv.output(sizes.size, sizes.kernel)
    if 0 in (*out, sizes.o, *sizes.batch, *sizes.size):
        shape = (math.prod(sizes.batch) // parts, call.o, *out)
        lines.append(f"y = x.new_zeros({shape})  # no window fits")
    else:
        lines += _stamps(conv, sizes, out) if transposed else _windows(conv, sizes, out)
        lines += _pointwise(call, spatial)
    lines += _out_of(call, spatial)
    lines += _after(call, bias)
    if op.result is not None:
        lines.append(f"y = y.to(torch.{op.result})")
    elif exact:
        lines.append(f"y = y.to(torch.{dtypes[0]})")
    return "\n".join(lines)


def _into(
    letters: Sequence[str], wanted: Sequence[str], batch: Sequence[int], a: str, pattern: str
) -> list[str]:
    """From a native layout to the executor's."""
    lines = []
    if "n" in letters and len(batch) > 1:
        at = letters.index("n")
        lines.append(f"{a} = {a}.flatten({at}, {at + len(batch) - 1})  # the batch axes as one")
    elif "n" in letters and not batch:
        lines.append(f"{a} = {a}.unsqueeze({letters.index('n')})  # a batch of one")
    lacking = tuple(b for b in wanted if b not in letters)
    if lacking:
        lines.append(f"{a} = {a}[..., {', '.join(['None'] * len(lacking))}]")
    moved = order((*letters, *lacking), wanted)
    if moved != tuple(range(len(moved))):
        lines.append(f"{a} = {a}.permute{moved}  # {pattern} -> n c ...")
    return lines


def _kernel(call: LoweredCall, conv: Convolution, transposed: bool) -> list[str]:
    """From the native kernel to torch's, turned where the function reads it the other way."""
    spatial = tuple(f"s{i}" for i in range(call.rank))
    wanted = ("c", "m", *spatial) if transposed else ("o", "i", *spatial)
    shown = " ".join((*wanted[:2], "..."))
    src, ones = completed(axes(call.layout.w, call.rank), wanted)
    lines = [f"w = w[..., {', '.join(['None'] * len(ones))}]"] if ones else []
    moved = kernel_order(src, wanted, conv.groups)
    if moved is None:
        lines += _regrouped(src, wanted, conv.groups, call.sizes)
    elif moved != tuple(range(len(moved))):
        lines.append(f"w = w.permute{moved}  # {call.layout.w} -> {shown}")
    flips = tuple(i - conv.rank for i, r in enumerate(conv.reverse) if r is not transposed)
    if flips:
        lines.append(f"w = w.flip{flips}".replace(",)", ")") + "  # the kernel is read backwards")
    return lines


def _regrouped(src: Sequence[str], dst: Sequence[str], groups: int, sizes: Sizes) -> list[str]:
    """The kernel with its groups split and merged: what einops does, in torch's own words."""
    left, right = (_tokens(side) for side in regrouping(src, dst).split(" -> "))
    known = {"g": groups, "i": sizes.c // groups, "m": sizes.o // groups, "1": 1}
    known |= {f"s{i}": k for i, k in enumerate(sizes.kernel)}
    split = [b for token in left for b in token if b != "1"]
    merged = [b for token in right for b in token if b != "1"]
    shape = tuple(math.prod(known[b] for b in token) for token in right)
    parts = tuple(known[b] for b in split)
    moved = order(split, merged)
    return [f"w = w.reshape{parts}.permute{moved}.reshape{shape}  # {groups} groups"]


def _tokens(side: str) -> list[tuple[str, ...]]:
    """'(g m) i s0' -> [(g, m), (i,), (s0,)]"""
    found: list[tuple[str, ...]] = []
    inside = False
    for word in side.replace("(", "( ").replace(")", " )").split():
        if word in "()":
            inside = word == "("
            if inside:
                found.append(())
        elif inside:
            found[-1] += (word,)
        else:
            found.append((word,))
    return found


def _stamps(conv: Convolution, sizes: Sizes, out: Sequence[int]) -> list[str]:
    """The whole transposed convolution, then a cut: torch's own padding cannot say every one."""
    extents = [(k - 1) * d + 1 for k, d in zip(sizes.kernel, conv.rhs_dilation)]
    options = _options(stride=conv.lhs_dilation, groups=conv.groups, dilation=conv.rhs_dilation)
    lines = [f"y = F.conv_transpose{conv.rank}d(x, w{options})"]
    cut = [(lo - e + 1, hi - e + 1) for (lo, hi), e in zip(conv.pad, extents)]
    if any(map(any, cut)):
        lines.append(f"y = F.pad(y, {_torch_pad(cut)}){_signs(cut)}")
    return [*lines, *_skip(conv.stride)]


def _skip(stride: Sequence[int]) -> list[str]:
    steps = ", ".join(f"::{s}" for s in stride)
    return [f"y = y[..., {steps}]"] if max(stride) > 1 else []


def _signs(pad: Sequence[tuple[int, int]]) -> str:
    """A comment on what F.pad's numbers mean here."""
    last_first = ["the last axis first"] if len(pad) > 1 else []
    cuts = ["negative cuts off"] if min(map(min, pad)) < 0 else []
    told = "; ".join(last_first + cuts)
    return f"  # {told}" if told else ""


def _windows(conv: Convolution, sizes: Sizes, out: Sequence[int]) -> list[str]:
    """x spread and bordered, then a plain convolution."""
    lines = []
    stride, pad = conv.stride, conv.pad
    if sizes.c == 1 and conv.rank > 1 and out[-1] == 1 and stride[-1] > 1:
        # torch 2.13's oneDNN reads past the rows there: one window needs no stride.
        pad = (*pad[:-1], conv.tight(sizes.size, sizes.kernel).pad[-1])
        stride = (*stride[:-1], 1)
    options = _options(stride=stride, groups=conv.groups, dilation=conv.rhs_dilation)
    if max(conv.lhs_dilation) > 1 and conv.boundary != "circular":
        spans = tuple((n - 1) * d + 1 for n, d in zip(sizes.size, conv.lhs_dilation))
        steps = ", ".join(f"::{d}" for d in conv.lhs_dilation)
        lines.append(f"spread = x.new_zeros(*x.shape[:2], {', '.join(map(str, spans))})")
        lines += [f"spread[..., {steps}] = x  # zeros between the pixels", "x = spread"]
    if conv.boundary in ("zeros", "constant"):
        if conv.boundary == "zeros" and all(lo == hi >= 0 for lo, hi in pad):
            options = _options(padding=tuple(lo for lo, _ in pad)) + options
        elif any(map(any, pad)):
            fill = f", value={conv.fill!r}" if conv.boundary == "constant" else ""
            lines.append(f"x = F.pad(x, {_torch_pad(pad)}{fill}){_signs(pad)}")
    else:
        lines += _border(replace(conv, pad=pad), sizes)
    return [*lines, f"y = F.conv{conv.rank}d(x, w{options})"]


def _border(conv: Convolution, sizes: Sizes) -> list[str]:
    """A border read from x: for each axis, which pixels follow each other."""
    lines = []
    for axis, line in enumerate(sources(conv, sizes.size), start=-conv.rank):
        if GAP in line:
            lines.append(f"x = torch.cat([x, torch.zeros_like(x.narrow({axis}, 0, 1))], {axis})")
            line = tuple(sizes.size[axis] if p == GAP else p for p in line)
        if line != tuple(range(sizes.size[axis])):
            lines.append(f"x = x.index_select({axis}, torch.tensor({list(line)}))")
    return [*lines[:-1], f"{lines[-1]}  # {conv.boundary} border"] if lines else []


def _options(**values: Any) -> str:
    plain = {"stride": 1, "dilation": 1, "padding": 0, "groups": 1}
    said = ""
    for name, value in values.items():
        each = value if isinstance(value, tuple) else (value,)
        if set(each) != {plain[name]}:
            said += f", {name}={each[0] if len(set(each)) == 1 else each}"
    return said


def _torch_pad(pad: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(p for pair in reversed(pad) for p in pair)


def _pointwise(call: LoweredCall, spatial: Sequence[str]) -> list[str]:
    """The 1x1 convolution of a separable one."""
    if call.pointwise is None or call.op.pointwise is None:
        return []
    moved = order(axes(call.op.pointwise, call.rank), ("o", "i", *spatial))
    groups = _options(groups=call.pointwise[0].groups)
    return [
        f"p = p.permute{moved}  # {call.op.pointwise} -> o i ...",
        f"y = F.conv{call.rank}d(y, p{groups})",
    ]


def _out_of(call: LoweredCall, spatial: Sequence[str]) -> list[str]:
    """From n o ... to the native layout of y."""
    letters = axes(call.layout.y, call.rank)
    lines = []
    present = [b for b in ("n", "o", *spatial) if b in letters]
    if not {"n", "o"} <= set(letters):
        kept = [":" if b in letters else "0" for b in ("n", "o")]
        lines.append(f"y = y[{', '.join(kept)}]")
    moved = order(present, letters)
    if moved != tuple(range(len(moved))):
        lines.append(f"y = y.permute{moved}  # n o ... -> {call.layout.y}")
    batch = tuple(n // call.conv.batch_groups for n in call.sizes.batch)
    if "n" in letters and len(batch) != 1:
        at = letters.index("n")
        lines.append(f"y = y.unflatten({at}, {batch})" if batch else f"y = y.squeeze({at})")
    return lines


def addend_name(op: Op) -> str:
    """The variable that holds the addend."""
    name = op.addend[0] if op.addend else ""
    return "addend" if name in ("x", "w", "p", "y", "bias") else name


def _after(call: LoweredCall, bias: bool) -> list[str]:
    """Scale, addend, shift and bias."""
    lines = []
    if call.scale != 1:
        lines.append(f"y = y * {call.scale!r}")
    if call.op.addend and call.addend_scale != 0:
        lines.append(f"y = y + {call.addend_scale!r} * {addend_name(call.op)}")
    if call.shift != 0:
        lines.append(f"y = y + {call.shift!r}")
    if bias:
        letters = [b for b in axes(call.layout.y, call.rank) if b != "n" or call.sizes.batch]
        along = call.op.bias == "o" and "o" in letters
        after = len(letters) - letters.index("o") - 1 if along else 0
        shape = f".reshape({', '.join(['-1', *['1'] * after])})" if after else ""
        lines.append(f"y = y + bias{shape}")
    return lines

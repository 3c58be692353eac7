"""An explanation as plain text: every product is in it, in grids of the kernel's shape.

``text`` is the order of the sections; each is a function that gives its lines.  What stands side by
side (a kernel as written and as used; x, kernel and products) is made as grids of equal height and
laid ``beside`` each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from uniconv._explain.data import AxisSummary, ExplanationData
from uniconv._explain.window import Product, Window

PADDING_MARK, GAP_MARK = ".", "_"
BORDERS = {
    "zeros": "zeros",
    "reflect": "x mirrored, its edge not repeated",
    "symmetric": "x mirrored, its edge repeated",
    "replicate": "the pixel at x's edge",
    "circular": "x again, from its other end",
}


def text(e: ExplanationData) -> str:
    """The whole explanation."""
    # Each section is a list of lines, empty where there is nothing to say; sections are parted by
    # an empty line, and no line ends in blanks, so that the text can be compared.
    assert e.lowered is not None
    parts = [[e.call, f"    {e.meaning}"], _arrays(e), _padding(e), _sizes(e), _kernel_words(e)]
    if e.window is not None:
        parts += [_kernel(e), _sum(e, e.window)]
        if e.kind == "conv_transpose":
            parts.append(_stamps(e, e.window))
    parts.append(["the same in plain torch", *_indented(e.torch.splitlines())])
    if not e.path.startswith(("torch:", "empty:")):
        parts.append([f"what torch computes: {e.path}"])
    return "\n\n".join("\n".join(line.rstrip() for line in part) for part in parts if part)


def _indented(lines: Sequence[str]) -> list[str]:
    """Lines four spaces in; empty ones stay empty, so that no line ends in blanks."""
    return [f"    {line}".rstrip() for line in lines]


def _arrays(e: ExplanationData) -> list[str]:
    """Each array's shape, and what its axes are."""
    # Channels are told with their groups, since "channels in, of one group" alone says no total.
    lines = ["arrays, axis by axis"]
    for role, shape in e.shapes.items():
        words = ", ".join(f"{name} {n}" for name, n in e.readings[role].items())
        lines.append(f"    {role} {shape}: {words}")
    if e.groups > 1:
        lines.append(f"    {e.groups} groups of channels, each with its own filters")
    assert e.lowered is not None
    if e.lowered.conv.batch_groups > 1:
        parts = e.lowered.conv.batch_groups
        lines.append(f"    {parts} parts of the batch, each with its own filters")
    return lines


def _padding(e: ExplanationData) -> list[str]:
    """What lies around x, or is cut off the result; and the call that says it in numbers."""
    assert e.lowered is not None
    # Of a transposed call the crop comes first, since that is what its options say.
    outside = BORDERS.get(e.boundary, f"the number {e.lowered.conv.fill:g}")
    if e.crop is not None:
        lines = [
            f"cut off the whole result: {e.crop}",
            "    negative adds: what no stamp reaches holds zero",
            f"    as padding of x with its pixels spread: {e.padding}; there are {outside}",
        ]
        if not any(n < 0 for axis in e.axes for n in axis.crop or ()):
            del lines[1]
    else:
        lines = [f"padding: {e.padding}; there are {outside}"]
        if not any(any(axis.padding) for axis in e.axes):
            lines = [f"padding: none ({e.padding})"]
        elif any(n < 0 for axis in e.axes for n in axis.padding):
            lines.append("    negative cuts pixels off")
    numbers = e.explicit or e.explicit_note
    same = e.explicit == e.call
    lines.append("    the call says it in numbers" if same else f"    in numbers: {numbers}")
    return lines


def _sizes(e: ExplanationData) -> list[str]:
    """The formula of the output size, and for each axis with its numbers."""
    # The formula is said once in words, then for each axis with its numbers.
    how = "(x - 1) * stride + ((kernel - 1) * dilation + 1) - cut before - cut after"
    if e.kind != "conv_transpose":
        how = "(x + before + after - ((kernel - 1) * dilation + 1)) // stride + 1"
    width = max((len(axis.name) for axis in e.axes), default=0)
    sizes = [f"    {axis.name.ljust(width)}  {axis.formula}" for axis in e.axes]
    return [f"output size: {how}", *sizes]


def backwards(axes: Sequence[AxisSummary]) -> str:
    """How the kernel is read, in words."""
    # Only along axes that the record reverses: for a transposed call these are those that the
    # function itself does not.
    names = [axis.name for axis in axes if axis.backwards]
    if not names:
        return "as it is written"
    return f"backwards along {' and '.join(names)}"


def _kernel_words(e: ExplanationData) -> list[str]:
    """Which way the kernel is read, and how the window moves."""
    # A transposed convolution is told twice, as a window over the spread x and as stamps.
    lines = [f"the window reads the kernel {backwards(e.axes)}"]
    if e.kind == "conv_transpose":
        upright = not any(axis.backwards for axis in e.axes)
        how = "turned round" if upright else "as it is written"
        lines.append(f"    seen as stamps: each pixel of x stamps the kernel {how}; stamps add up")
    steps = [
        (f"moves {_each(e.axes, 'stride')} pixels at a time", any(a.stride > 1 for a in e.axes)),
        (f"reads every {_each(e.axes, 'dilation')}th pixel", any(a.dilation > 1 for a in e.axes)),
        (
            f"reads x spread, zeros between its pixels: {_each(e.axes, 'spread', -1)}",
            any(a.spread > 1 for a in e.axes),
        ),
    ]
    moves = [words for words, holds in steps if holds]
    if moves:
        lines.append(f"    the window {'; '.join(moves)}")
    return lines


def _each(axes: Sequence[AxisSummary], field: str, extra: int = 0) -> str:
    """A number of every axis: one where all agree, else "2 (rows), 1 (columns)"."""
    # more is added to each number: -1 makes of a distance the zeros that lie in between.
    values = [getattr(axis, field) + extra for axis in axes]
    if len(set(values)) == 1:
        return f"{values[0]}"
    return ", ".join(f"{v} ({axis.name})" for v, axis in zip(values, axes))


def number(v: Any) -> str:
    """A number with six digits; all of them where it is a whole one."""
    # Whole numbers are written in full below 1e15, beyond which float64 has no place for units.
    if isinstance(v, complex):
        return f"({number(v.real)}{'+' if v.imag >= 0 else ''}{number(v.imag)}j)"
    whole = isinstance(v, int) or (v == v and abs(v) < 1e15 and v == int(v))
    return f"{int(v)}" if whole else f"{v:.6g}"


def grid(cells: Sequence[str], shape: Sequence[int]) -> list[str]:
    """Cells as rows; the axes before the last two make blocks, one under the other."""
    # A kernel of 2 x 3 is two lines; one of 2 x 2 x 3 two blocks of two, an empty line between.
    width = max(map(len, cells), default=0)
    rows = np.array([c.rjust(width) for c in cells], dtype=object).reshape(-1, (1, *shape)[-1])
    lines = ["  ".join(row) for row in rows]
    if len(shape) < 3:
        return lines
    every = shape[-2]
    blocks = [lines[i : i + every] for i in range(0, len(lines), every)]
    return [line for b in blocks for line in ([""] if b is not blocks[0] else []) + b]


def beside(columns: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Grids next to each other under their titles, signs between them on the first row."""
    # Each column is padded to its own width and to the height of the tallest, then lines are
    # joined.
    height = max(len(lines) for _, lines in columns)
    texts = []
    for title, lines in columns:
        width = max([len(title), *map(len, lines)])
        column = [title, *lines, *[""] * (height - len(lines))]
        texts.append([line.ljust(width) for line in column])
    # Three blanks part the columns.
    return ["   ".join(row) for row in zip(*texts)]


def _kernel(e: ExplanationData) -> list[str]:
    """One plane of the kernel as it is written and as it is used."""
    assert e.window is not None
    assert e.lowered is not None
    # Products come in window order, so that taps are as used; reversed once more, they are as
    # written.
    lane = e.window.lanes[0]
    shape = e.lowered.sizes.kernel
    taps = [number(p.w) for p in lane.products]
    flips = tuple(i for i, axis in enumerate(e.axes) if axis.backwards)
    planes = np.array(taps, dtype=object).reshape(shape)
    kernel = (np.flip(planes, flips) if flips else planes).ravel().tolist()
    channels = f"channel {lane.c} in, {lane.o} out"
    columns = [("as written", grid(kernel, shape)), ("as used", grid(taps, shape))]
    if kernel == taps:
        columns = [("as written and used", grid(kernel, shape))]
    return [f"the kernel ({channels})", *_indented(beside(columns))]


def _sum(e: ExplanationData, window: Window) -> list[str]:
    """The element: for each lane the pixels, the taps and their products, then the sums."""
    assert e.lowered is not None
    # For each lane: where it begins in x, then "pixels * taps = products" as grids of the kernel's
    # shape, and their sum.  Padding is a mark only where it is zero; other borders show their
    # numbers.
    shape = e.lowered.sizes.kernel
    lines = [f"y{list(window.y_index)}: {_where(e, window)}"]
    if _has(window, "padding"):
        lines.append(f"    {PADDING_MARK} stands for padding")
    if _has(window, "gap"):
        lines.append(f"    {GAP_MARK} stands for a zero spread between pixels")
    for lane in window.lanes:
        first = next((p.x_index for p in lane.products if p.x_index is not None), None)
        span = f", first pixel x{list(first)}" if first is not None else ", no pixel of x"
        kernel = f"kernel channel {lane.i} of filter {lane.o}"
        lines.append(f"  channel {lane.c} of x under {kernel}{span}")
        mark = {"padding": PADDING_MARK, "gap": GAP_MARK}
        zero = e.boundary == "zeros"
        # A gap is always a zero, which the spreading put there, whatever the border is.
        pixels = [
            mark[p.what] if p.what == "gap" or (p.what == "padding" and zero) else number(p.x)
            for p in lane.products
        ]
        columns = [
            ("x", grid(pixels, shape)),
            ("", ["*"]),
            ("kernel as used", grid([number(p.w) for p in lane.products], shape)),
            ("", ["="]),
            ("products", grid([number(p.value) for p in lane.products], shape)),
            ("", [f"sum {number(lane.sum)}"]),
        ]
        lines += _indented(beside(columns))
    lines += _totals(e, window)
    return lines


def _has(window: Window, what: str) -> bool:
    """Whether some product of the window is padding, or a gap."""
    return any(p.what == what for lane in window.lanes for p in lane.products)


def _where(e: ExplanationData, window: Window) -> str:
    """The element in words: "row 0, column 1; batch 0, channel 2"."""
    # "rows" and "columns" are the axes; "row 0, column 1" is a place on them.
    place = ", ".join(f"{axis.name.removesuffix('s')} {p}" for axis, p in zip(e.axes, window.at))
    return f"{place}; batch {window.batch}, channel {window.channel}"


def _totals(e: ExplanationData, window: Window) -> list[str]:
    """The lanes added up, and what follows the sum, down to the number in y."""
    assert e.lowered is not None
    # From the lanes' sums to the number in y: added up, weighed where there is a pointwise kernel,
    # then each step that follows with the value after it.
    pointwise = e.lowered.pointwise is not None
    lines = []
    # One channel without a pointwise kernel has nothing to add up: its sum is shown with the lane.
    if len(window.lanes) > 1 or pointwise:
        terms = [
            number(lane.sum) + (f" * {number(lane.factor)}" if pointwise else "")
            for lane in window.lanes
        ]
        what = "by the pointwise kernel: " if pointwise else "all channels: "
        lines.append(f"  {what}{' + '.join(terms)} = {number(window.sum)}")
    lines += [f"  {words}: {number(value)}" for words, value in window.steps]
    lines.append(f"  y there is {number(window.y)}{_agreement(e, window)}")
    return lines


def _agreement(e: ExplanationData, window: Window) -> str:
    """Whether the sum is y, and what else makes the difference."""
    # Integers wrap around; a float that differs is rounded, and the text says by how much.
    result, y = window.result, window.y
    if result == y:
        return ": the same"
    if "int" in e.dtype:
        bits = np.iinfo(e.dtype).bits
        return f": the same modulo 2**{bits}, the range of {e.dtype}"
    apart = abs(result - y)
    return f": {e.dtype} rounds; the sum in full is {result!r}, {apart:.1e} away"


def _stamps(e: ExplanationData, window: Window) -> list[str]:
    """The same sum as what each pixel of x stamps there.

    A transposed convolution is taught as stamps: each pixel lays a scaled kernel on the result.
    The window's tap t is the stamp's tap k - 1 - t, and the pixel follows from where the stamp
    begins; products of several channels on one pixel and tap are one stamp.
    """
    lines = ["the same as stamps"]
    # Keyed by tap and pixel; ``corner`` is where the stamp of a pixel begins in y, crop taken off.
    ones: dict[Any, list[Product]] = {}
    for lane in window.lanes:
        for p, tap in zip(lane.products, _taps(e)):
            if p.what == "pixel":
                ones.setdefault((tap, _pixel(e, window, tap)), []).append(p)
    for (tap, pixel), products in ones.items():
        corner = tuple(i * a.spread - (a.crop or (0, 0))[0] for i, a in zip(pixel, e.axes))
        terms = " + ".join(f"{number(p.x)} * {number(p.w)}" for p in products)
        value = number(sum(p.value for p in products))
        lines.append(
            f"    pixel {pixel} stamps from {corner} of y on; tap {tap} of the stamp lands here: "
            f"{terms} = {value}"
        )
    if len(lines) == 1:
        lines.append("    no stamp reaches this element")
    return lines


def _taps(e: ExplanationData) -> list[tuple[int, ...]]:
    """For each product in window order, which tap of the stamp it is."""
    assert e.lowered is not None
    # Tap t of the window is tap k - 1 - t of the stamp: (0, 0) of 3 x 3 is (2, 2).
    shape = e.lowered.sizes.kernel
    return [tuple(k - 1 - t for k, t in zip(shape, tap)) for tap in np.ndindex(*shape)]


def _pixel(e: ExplanationData, window: Window, tap: tuple[int, ...]) -> tuple[int, ...]:
    """The pixel of x whose stamp has that tap on the window's element of y."""
    # Position p of y is p + crop of the whole result; tap t of the stamp of pixel i lies at
    # i * spread + t * dilation there.
    place = zip(window.at, tap, e.axes)
    return tuple((p + (a.crop or (0, 0))[0] - t * a.dilation) // a.spread for p, t, a in place)

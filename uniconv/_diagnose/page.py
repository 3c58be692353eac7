"""A Diagnosis as one HTML page that needs no network: text, and pictures as SVG.

Pictures show one plane, of the first image and channel, on one scale for all that are compared:
red above zero, blue below, so that equal colours are equal numbers.  A page is made of strings, one
function a section; ``heatmap`` is the only one that draws, a cell a number.
"""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._diagnose.data import DiagnosisData

Array = NDArray[Any]

MOST = 48  # cells drawn per axis; larger results are thinned out
SIDE = 260  # pixels of a drawing's longer side
WRITTEN = 8  # up to so many cells per axis have their numbers written

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem;
  color: #1a1a1a; background: #fff; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
pre { background: #f4f4f4; padding: .7rem; overflow-x: auto; }
table { border-collapse: collapse; } td, th { border: 1px solid #ccc; padding: .3rem .6rem;
  text-align: left; } figure { display: inline-block; margin: .5rem 1rem .5rem 0; }
figcaption { font-size: .85rem; color: #555; }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #e6e6e6; }
  pre { background: #23262c; } figcaption { color: #aaa; } td, th { border-color: #444; } }
"""


def page(d: DiagnosisData) -> str:
    """The page's text: a heading, tables and pictures in the order of the text."""
    # The verdict first, then what leads to it; every text is escaped, since names come from users.
    parts = [f"<h1>{escape(d.verdict)}</h1>"]
    if d.causes:
        rows = "".join(
            f"<tr><td>{escape(c.text)}</td><td>{escape(c.field)}</td><td>{escape(c.expected)}</td>"
            f"<td>{escape(c.actual)}</td>"
            f"<td>{'' if c.share is None else f'{c.share:.0%}'}</td></tr>"
            for c in d.causes
        )
        title = "Causes" if d.explained else "The nearest miss"
        head = "<tr><th>cause</th><th>field</th><th>expected</th><th>found</th><th>share</th></tr>"
        parts.append(f"<h2>{title}</h2><table>{head}{rows}</table>")
    parts.append(
        f"<p>What remains: {escape(str(d.remainder))}. The difference: {escape(d.where)}.</p>"
    )
    parts.append("<h2>The results</h2>" + _results(d))
    parts.append("<h2>The kernel</h2>" + _kernels(d))
    if d.explained and d.call:
        parts.append(f"<h2>What gives y</h2><pre>{escape(d.call)}</pre>")
    if d.fixes:
        fixes = "".join(f"<p>{escape(f.what)}</p><pre>{escape(f.code)}</pre>" for f in d.fixes)
        parts.append(f"<h2>To make both agree</h2>{fixes}")
    if d.undecided:
        items = "".join(f"<li>{escape(u)}</li>" for u in d.undecided)
        parts.append(f"<h2>What this data cannot decide</h2><ul>{items}</ul>")
    parts += [f"<p>Note: {escape(n)}</p>" for n in d.notes]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>uniconv diagnose: {escape(d.function)}</title><style>{STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _results(d: DiagnosisData) -> str:
    """Both results and their difference, the first two on one scale."""
    # The difference has a scale of its own: where it is small beside the results, it would be white
    # on theirs.
    expected, actual = d.picture.expected, d.picture.actual
    a, b = d.picture.labels
    off = None
    if expected is not None and actual is not None and expected.shape == actual.shape:
        off = actual - expected
    at = _most(off)
    which = f", image {at[0]} and channel {at[1]}" if any(at[:2]) else ""
    results = [(label, r) for label, r in ((a, expected), (b, actual)) if r is not None]
    pictures = [(f"{label}{which}", plane(r, at)) for label, r in results]
    top = max((float(np.abs(p).max(initial=0.0)) for _, p in pictures), default=0.0)
    figures = [heatmap(p, top, caption) for caption, p in pictures]
    if off is not None:
        difference = plane(off, at)
        most = float(np.abs(difference).max(initial=0.0))
        figures.append(heatmap(difference, most, f"{b} less {a}{which}"))
    return "\n".join(figures)


def _most(off: Array | None) -> tuple[int, ...]:
    """Where two results ``n o ...`` differ most; the first place where nothing is known of it."""
    # All three pictures show the plane of that place, or the first image would often show nothing.
    if off is None or not off.size:
        return ()
    return tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(off)), off.shape))


def _kernels(d: DiagnosisData) -> str:
    """The kernel before and after; of two runs, as each of them slides it."""
    # Of one run: the kernel of the expected call, and as y shows that it was used.  Of two each is
    # drawn as its window reads it, so that a kernel reversed twice looks the same in both.
    before, after = d.picture.kernel, d.picture.kernel_used
    kernels = [
        (c, plane(k)) for c, k in (("expected", before), ("as used", after)) if k is not None
    ]
    if d.picture.labels != ("expected", "observed"):
        kernels = [(f"as {name} slides it", k) for name, (_, k) in zip(d.picture.labels, kernels)]
    top = max((float(np.abs(k).max(initial=0.0)) for _, k in kernels), default=0.0)
    return "\n".join(heatmap(k, top, caption) for caption, k in kernels)


def plane(a: Array, at: tuple[int, ...] = ()) -> Array:
    """The plane of an array ``n o ...`` in which a place lies: by default the first channel.

    Of a volume it is the slice of that place, by default the middle one; a line is one row.
    """
    a = np.real(a)
    if a.size == 0:
        return np.zeros((1, 1))
    image, channel, *rest = at or (0, 0)
    a = a[image, channel]
    while a.ndim > 2:
        a = a[rest[0] if rest else a.shape[0] // 2]
        rest = rest[1:]
    return np.asarray(np.atleast_2d(a))


def heatmap(a: Array, top: float, caption: str) -> str:
    """A matrix as SVG: blue below zero, red above, white at zero; numbers where there is room."""
    # Blocks of cells are drawn as one, so that no side has more than MOST; cells are squares, no
    # smaller than 4 pixels, and 52 wide where numbers are written into them.
    rows, columns = a.shape
    step = max(1, -(-max(rows, columns) // MOST))
    thin = _thinned(a, step)
    n, m = thin.shape
    cell = max(SIDE / max(n, m), 4.0)
    if max(n, m) <= WRITTEN:
        cell = 52.0
    cells = []
    for i in range(n):
        for j in range(m):
            v = float(thin[i, j])
            x, y = j * cell, i * cell
            title = f"<title>[{i * step}, {j * step}] = {v:.6g}</title>"
            cells.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{cell:.1f}" height="{cell:.1f}" '
                f'fill="{colour(v, top)}" stroke="#999" stroke-width=".3">{title}</rect>'
            )
            if max(n, m) <= WRITTEN:
                cells.append(
                    f'<text x="{x + cell / 2:.1f}" y="{y + cell / 2 + 4:.1f}" font-size="11" '
                    f'text-anchor="middle" fill="#111">{v:.4g}</text>'
                )
    # The caption says the true size, and how much was left out.
    note = f", the largest of every {step}×{step}" if step > 1 else ""
    body = "".join(cells)
    return (
        f'<figure><svg width="{m * cell:.0f}" height="{n * cell:.0f}" role="img" '
        f'aria-label="{escape(caption)}">{body}</svg>'
        f"<figcaption>{escape(caption)} ({rows}×{columns}{note})</figcaption></figure>"
    )


def _thinned(a: Array, step: int) -> Array:
    """One number for each block of cells, the largest of its magnitudes, so that none gets lost."""
    # Of 58 x 48 with step 2, the 4 numbers of each block stand in a last axis of their own; the rim
    # is filled with zeros, which are never larger.
    if step == 1:
        return a
    rows, columns = (-(-n // step) for n in a.shape)
    whole = np.zeros((rows * step, columns * step))
    whole[: a.shape[0], : a.shape[1]] = a
    blocks = whole.reshape(rows, step, columns, step).swapaxes(1, 2).reshape(rows, columns, -1)
    most = np.abs(blocks).argmax(-1)
    return np.asarray(np.take_along_axis(blocks, most[..., None], -1)[..., 0])


def colour(v: float, top: float) -> str:
    """Red for v = top, white for 0, blue for -top.

    >>> colour(1.0, 1.0), colour(0.0, 1.0), colour(-1.0, 1.0)
    ('#ff5a4c', '#ffffff', '#4c83ff')
    """
    # t runs from -1 to 1; colours are mixed from white by its magnitude.
    t = 0.0 if not top else max(-1.0, min(1.0, v / top))
    end = (255, 90, 76) if t > 0 else (76, 131, 255)
    mixed = (round(255 + (c - 255) * abs(t)) for c in end)
    return "#" + "".join(f"{c:02x}" for c in mixed)

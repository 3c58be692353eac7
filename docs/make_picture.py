"""Draw the pictures of the founding question: results, one window, and Knet's two modes.

Run ``python docs/make_picture.py`` (needs matplotlib).  Every number in them is computed.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np

from uniconv import Call, explain
from uniconv._cli import demo
from uniconv._explain import Explanation

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

FOLDER = Path(__file__).parent


def figure() -> Figure:
    """Two rows: what each framework does with the kernel, and what comes out."""
    found = demo.answer(demo.load())
    kernel = found.question.testw[:, :, 0]
    panels = [
        [
            ("kernel (channel 1): Knet reads it backwards", kernel[::-1, ::-1], "{:.2f}"),
            ("result of conv4(w, x; padding=1)", found.knet, "{:.1f}"),
            ("Knet minus TensorFlow, as they are", np.round(found.knet - found.tf, 1), "{:.1f}"),
        ],
        [
            ("TensorFlow reads it as it is written", kernel, "{:.2f}"),
            ('result of tf.nn.conv2d(x, w, ..., "SAME")', found.tf, "{:.1f}"),
            (
                "Knet minus TensorFlow, kernel flipped",
                found.knet - found.tf_kernel_flipped,
                "{:.0e}",
            ),
        ],
    ]
    fig, axes = plt.subplots(2, 3, figsize=(11, 7.6), layout="constrained")
    fig.suptitle("One kernel, one image, two frameworks", fontsize=16)
    span = float(np.abs(found.knet - found.tf).max())
    for column, scale in enumerate((float(np.abs(kernel).max()), 200.0, span)):
        for row in range(2):
            draw(axes[row, column], *panels[row][column], scale)
    return fig


def window_figure() -> Figure:
    """The first element of each result: its window, the kernel as used, the products, their sum."""
    question = demo.load()
    x, w = question.partappledata[..., None], question.testw[..., None]
    calls = [
        ("Knet: mode=0 (the default)", explain(Call(x, w, dialect="knet.conv4", padding=1))),
        ("TensorFlow (Knet: mode=1)", explain(Call(x, w, dialect="knet.conv4", padding=1, mode=1))),
    ]
    fig, axes = plt.subplots(2, 4, figsize=(14, 7.2), layout="constrained")
    fig.suptitle("y[1, 1]: the window at the top left, channel 1 of 3", fontsize=16)
    padded = np.pad(question.partappledata[:, :, 0], 1)
    for row, (title, found) in zip(axes, calls):
        draw(row[0], "x with its padding, and the window", padded, "{:.1f}", 120.0)
        outline(row[0], -0.5, -0.5, 3)
        draw(row[1], f"{title}: kernel as used", used(found), "{:.3f}", 0.5)
        draw(row[2], "products", products(found), "{:.2f}", 40.0)
        totals(row[3], found)
    return fig


def used(found: Explanation) -> np.ndarray:
    """The kernel of the first channel in the order in which the window reads it."""
    assert found.window is not None
    return np.array([p.w for p in found.window.lanes[0].products]).reshape(3, 3)


def products(found: Explanation) -> np.ndarray:
    """The products of the first channel."""
    assert found.window is not None
    return np.array([p.value for p in found.window.lanes[0].products]).reshape(3, 3)


def totals(ax: Axes, found: Explanation) -> None:
    """The sums of the channels and of all of them."""
    assert found.window is not None
    lines = [f"channel {n}: {lane.sum:.3f}" for n, lane in enumerate(found.window.lanes, 1)]
    lines += ["", f"y[1, 1] = {found.window.sum:.3f}"]
    for place, line in enumerate(lines):
        size = 17 if line.startswith("y") else 14
        ax.text(0.05, 0.8 - 0.13 * place, line, fontsize=size, family="monospace")
    ax.axis("off")


def mode_figure() -> Figure:
    """Knet's two modes and their difference, the elements outlined where there is none."""
    found = demo.answer(demo.load())
    apart = found.knet - found.knet_mode_1
    panels = [
        ("mode=0: convolution", found.knet, "{:.3f}", 200.0),
        ("mode=1: cross-correlation", found.knet_mode_1, "{:.3f}", 200.0),
        ("mode=0 minus mode=1", apart, "{:.1f}", float(np.abs(apart).max())),
    ]
    fig, axes = plt.subplots(1, 3, figsize=(13.5, 4.9), layout="constrained")
    fig.suptitle("conv4(w, x; padding=1, mode): the same only where it is outlined", fontsize=16)
    for ax, panel in zip(axes, panels):
        draw(ax, *panel)
        for i, j in np.argwhere(np.abs(apart) < demo.PRINTED_DIGITS):
            outline(ax, j - 0.5, i - 0.5, 1)
    return fig


def outline(ax: Axes, left: float, top: float, size: int) -> None:
    """A square around so many elements."""
    square = plt.Rectangle((left, top), size, size, fill=False, lw=3, ec="#b34700", clip_on=False)
    ax.add_patch(square)


def draw(ax: Axes, title: str, values: np.ndarray, form: str, scale: float) -> None:
    """One matrix as colours and numbers."""
    ax.imshow(values, cmap="RdBu_r", vmin=-scale, vmax=scale)
    for (i, j), value in np.ndenumerate(values):
        dark = abs(value) > 0.6 * scale
        colour = "white" if dark else "black"
        number = form.format(value if abs(value) > 1e-6 else 0)
        ax.text(j, i, number, ha="center", va="center", color=colour, fontsize=9)
    ax.set_title(title, fontsize=11)
    ax.set_xticks([])
    ax.set_yticks([])


FIGURES = {
    "knet_vs_tensorflow.png": figure,
    "founding_window.png": window_figure,
    "founding_mode.png": mode_figure,
}

if __name__ == "__main__":
    for name, made in FIGURES.items():
        made().savefig(FOLDER / name, dpi=100)

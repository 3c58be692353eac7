"""Draw docs/knet_vs_tensorflow.png: the founding question's kernel, image and two results.

Run ``python docs/make_picture.py`` (needs matplotlib).  Every number in it is computed by the demo.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np

from uniconv import demo

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

TARGET = Path(__file__).parent / "knet_vs_tensorflow.png"


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


if __name__ == "__main__":
    figure().savefig(TARGET, dpi=100)

"""Draw docs/training_digits.png: one network in four frameworks' conventions, learning the same.

Run ``python docs/make_training_plot.py`` (needs matplotlib and scikit-learn).  The numbers are
those of examples/digits_in_four_frameworks.py.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import matplotlib
import numpy as np
import torch

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

TARGET = Path(__file__).parent / "training_digits.png"
EXAMPLE = Path(__file__).parent.parent / "examples" / "digits_in_four_frameworks.py"
SHOWN = {"pytorch": "PyTorch", "tf": "TensorFlow", "knet": "Knet", "flux": "Flux"}


def figure() -> Figure:
    """The loss of every step, and how far the others are from PyTorch's conventions."""
    losses = runpy.run_path(str(EXAMPLE))["losses"]
    made, (curves, differences) = plt.subplots(
        2, 1, figsize=(7, 6), sharex=True, height_ratios=[3, 2]
    )
    for dtype, style in ((torch.float64, "-"), (torch.float32, ":")):
        found = {d: np.array(losses(d, dtype)) for d in SHOWN}
        for i, (dialect, name) in enumerate(SHOWN.items()):
            told = f"{name}, {str(dtype).removeprefix('torch.')}"
            if dtype is torch.float64:
                curves.plot(found[dialect], color=f"C{i}", lw=7 - 2 * i, label=name)
            if dialect != "pytorch":
                off = np.maximum(abs(found[dialect] - found["pytorch"]), 1e-17)
                differences.plot(off, style, color=f"C{i}", label=told)
    curves.set_ylabel("cross-entropy of a batch")
    curves.set_title("One network, four frameworks' conventions, converted weights: digits")
    differences.set_yscale("log")
    differences.set_ylabel("difference from PyTorch")
    differences.set_xlabel("step of gradient descent")
    for axes in (curves, differences):
        axes.legend(fontsize=7, ncols=2)
        axes.spines[["top", "right"]].set_visible(False)
    made.tight_layout()
    return made


def main() -> None:
    figure().savefig(TARGET, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()

"""One small network, written in four frameworks' conventions, learns the same, step by step.

A CNN of two strided convolutions and a dense layer reads scikit-learn's 8 x 8 digits.  It is
written as one would in PyTorch, TensorFlow, Knet and Flux: layouts, options, and the meaning of
the kernel (Knet and Flux convolve, the others correlate).  All start from converted copies of one
set of weights.  Then the curves of the losses agree to rounding: in float64 to about 1e-14.

    python examples/digits_in_four_frameworks.py        (needs scikit-learn)
"""

from __future__ import annotations

import torch
from torch import Tensor

import uniconv

STEPS, BATCH, RATE, MOMENTUM = 120, 64, 0.1, 0.9
# What each framework calls a stride of 2 and one pixel of padding on every side.
OPTIONS = {
    "pytorch": {"stride": 2, "padding": 1},
    "tf": {"strides": 2, "padding": [[0, 0], [1, 1], [1, 1], [0, 0]]},
    "knet": {"stride": 2, "padding": 1},
    "flux": {"stride": 2, "pad": 1},
}
FROM_NCHW = {"pytorch": (0, 1, 2, 3), "tf": (0, 2, 3, 1), "knet": (2, 3, 1, 0)}
FROM_NCHW["flux"] = FROM_NCHW["knet"]


def digits(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The images as n c h w, from -1 to 1, and their labels."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return torch.tensor(found.images[:, None] / 8 - 1, dtype=dtype), torch.tensor(found.target)


class Network(torch.nn.Module):
    """The network in the conventions of ``dialect``, from weights in PyTorch's."""

    def __init__(self, dialect: str, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.dialect = dialect
        dtype = weights["dense"].dtype
        layer, options = uniconv.nn.Conv, OPTIONS[dialect]
        self.first = layer(1, 8, 3, dialect=dialect, dtype=dtype, **options)
        self.second = layer(8, 16, 3, dialect=dialect, dtype=dtype, **options)
        self.flatten = uniconv.nn.Flatten(dialect=dialect)
        for name, conv in (("first", self.first), ("second", self.second)):
            kernel = uniconv.convert_kernel(weights[name], "pytorch", dialect)
            conv.load_state_dict({"kernel": kernel, "bias": torch.zeros(conv.out_channels)})
        # Flatten orders the features as memory runs: h w c in TensorFlow, h fastest in Julia.
        dense = uniconv.convert_dense(weights["dense"], "pytorch", dialect, image=(16, 2, 2))
        self.dense = torch.nn.Parameter(dense.clone())

    def forward(self, x: Tensor) -> Tensor:
        """The logits, ``n 10``, of x in the framework's layout."""
        y = self.flatten(torch.relu(self.second(torch.relu(self.first(x)))))
        if self.dialect in ("knet", "flux"):
            return (self.dense @ y).T
        return y @ (self.dense if self.dialect == "tf" else self.dense.T)


def fresh(dtype: torch.dtype) -> dict[str, Tensor]:
    """Weights in PyTorch's layout; the same every time."""
    draw = torch.Generator().manual_seed(0)
    shapes = {"first": (8, 1, 3, 3), "second": (16, 8, 3, 3), "dense": (10, 64)}
    return {
        name: (torch.randn(shape, generator=draw) / shape[1:].numel() ** 0.5).to(dtype)
        for name, shape in ((n, torch.Size(s)) for n, s in shapes.items())
    }


def losses(dialect: str, dtype: torch.dtype = torch.float64, steps: int = STEPS) -> list[float]:
    """The loss before every step of gradient descent with momentum."""
    images, labels = digits(dtype)
    network = Network(dialect, fresh(dtype))
    optimizer = torch.optim.SGD(network.parameters(), RATE, MOMENTUM)
    picks = torch.randint(len(images), (steps, BATCH), generator=torch.Generator().manual_seed(1))
    found = []
    for pick in picks:
        logits = network(images[pick].permute(FROM_NCHW[dialect]))
        loss = torch.nn.functional.cross_entropy(logits, labels[pick])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


def main() -> None:
    known = uniconv.dialects()
    curves = {d: losses(d) for d in OPTIONS if d in known}
    first = torch.tensor(curves["pytorch"], dtype=torch.float64)
    for dialect, curve in curves.items():
        off = (torch.tensor(curve, dtype=torch.float64) - first).abs().max().item()
        agrees = "the same to 1e-12" if off < 1e-12 else f"off by {off:.0e}"
        print(f"{dialect:8} loss {curve[0]:.2f} -> {curve[-1]:.2f}, {agrees}")


if __name__ == "__main__":
    main()

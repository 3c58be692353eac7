"""Train with weights from Knet, in Knet's own layout, in torch.

Julia stores arrays column-major and indexes them x[row, column, channel, image] and
w[row, column, in, out].  uniconv reads that memory as it is; the gradient arrives in w's layout, so
the trained weight can go back to Julia unchanged.
"""

import numpy as np
import torch

import uniconv


def main() -> None:
    rng = np.random.default_rng(0)
    # As read from a Julia file: column-major.  7 x 5 images, 3 channels, 8 of them; 4 filters.
    x = torch.from_numpy(np.asfortranarray(rng.standard_normal((7, 5, 3, 8))))
    teacher = torch.from_numpy(np.asfortranarray(rng.standard_normal((3, 2, 3, 4))))
    w = torch.zeros_like(teacher).requires_grad_()

    def conv4(weight: torch.Tensor) -> torch.Tensor:
        return uniconv.conv(x, weight, dialect="knet.conv4", padding=(1, 0))

    wanted = conv4(teacher)
    optimizer = torch.optim.Adam([w], lr=0.1)
    losses = []
    for _ in range(300):
        optimizer.zero_grad()
        loss = (conv4(w) - wanted).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert w.grad is not None
    print(f"y has shape {tuple(wanted.shape)}, w and its gradient {tuple(w.grad.shape)}")
    print(f"w is still column-major: {w.stride() == teacher.stride()}")
    print(f"the loss fell from {losses[0]:.1f} to below 1e-6: {losses[-1] < 1e-6}")
    off = (w - teacher).abs().max().item()
    print(f"w is the teacher's kernel, not its mirror image: {off < 1e-3}")


if __name__ == "__main__":
    main()

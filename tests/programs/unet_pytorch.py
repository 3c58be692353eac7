"""Up and down in the style of a U-Net, in PyTorch."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


class Up(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2)
        self.smooth = nn.ConvTranspose2d(channels, channels, 4, 2, 1, bias=False)
        self.conv = nn.Conv2d(channels, channels // 2, kernel_size=3, padding="same")

    def forward(self, x, skip):
        return self.conv(torch.cat([skip, self.up(x)], 1))


def edges(image, kernel):
    """The border that a fixed kernel finds."""
    return F.conv2d(image, kernel, padding=1).abs() + F.conv2d(image, kernel.flip(-1), padding=1)

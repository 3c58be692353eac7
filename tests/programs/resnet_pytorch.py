"""A bottleneck in the style of ResNet, in PyTorch."""

import torch.nn as nn


def conv3x3(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, planes, downsample=None):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=2, padding=1, bias=False)
        self.conv3 = nn.Conv2d(planes, planes * self.expansion, kernel_size=1, bias=False)
        self.downsample = downsample

    def forward(self, x):
        y = self.conv3(self.conv2(self.bn1(self.conv1(x)).relu()).relu())
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class Stem(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.MaxPool2d(3, 2, 1))

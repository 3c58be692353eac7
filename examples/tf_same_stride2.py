"""TensorFlow's SAME with stride 2 is not torch's padding=1: the windows start one pixel later.

SAME adds as few pixels as it can, the odd one at the end.  For six pixels, a kernel of three and
stride 2 that is (0, 1); torch's padding=1 is (1, 1).  Both give three outputs: nothing complains.
"""

import torch
from torch import nn

import uniconv

W = torch.tensor([[[1.0, 10, 100]]])


def main() -> None:
    x = torch.tensor([[[1.0, 2, 3, 4, 5, 6]]])
    as_tf = {"dialect": "tf.nn.conv1d", "stride": 2, "padding": "SAME"}
    # tf.nn.conv1d has x (batch, pixels, channels) and w (pixels, in, out) unless told otherwise.
    tf = uniconv.conv(x.mT, W.permute(2, 1, 0), **as_tf).mT
    show("TensorFlow SAME", tf)
    show("torch, padding=1", nn.functional.conv1d(x, W, stride=2, padding=1))
    show("torch, padded (0, 1)", nn.functional.conv1d(nn.functional.pad(x, (0, 1)), W, stride=2))

    print("With five pixels SAME is (1, 1), and the mistake cannot be seen:")
    x = x[..., :5]
    show("TensorFlow SAME", uniconv.conv(x.mT, W.permute(2, 1, 0), **as_tf).mT)
    show("torch, padding=1", nn.functional.conv1d(x, W, stride=2, padding=1))


def show(name: str, y: torch.Tensor) -> None:
    print(f"  {name:20} {y.flatten().int().tolist()}")


if __name__ == "__main__":
    main()

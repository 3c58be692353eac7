"""Train one network on several processes: torchrun --nproc-per-node 2 examples/train_ddp.py

Each process sees its part of every batch; DistributedDataParallel averages the gradients.  The
layers are Keras's, on ``n h w c``, and know nothing of it.  Runs on CPUs (gloo) or GPUs (nccl).
"""

from __future__ import annotations

import os
import time

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import uniconv

STEPS, BATCH = 20, 16


def network() -> nn.Module:
    """Two layers of Keras's conventions; the labels are the quadrant of the brightest pixel."""
    keras = {"dialect": "keras", "padding": "same"}
    return nn.Sequential(
        uniconv.nn.Conv(1, 8, 3, strides=2, **keras),
        nn.ReLU(),
        uniconv.nn.DepthwiseConv(8, 3, multiplier=2, **keras),
        nn.ReLU(),
        uniconv.nn.Flatten(dialect="keras"),
        nn.Linear(16 * 16, 4),
    )


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The whole batch of a step, the same in every process."""
    draw = torch.Generator().manual_seed(step)
    labels = torch.randint(4, (BATCH,), generator=draw)
    x = torch.rand(BATCH, 8, 8, 1, generator=draw)
    x[torch.arange(BATCH), labels // 2 * 4 + 1, labels % 2 * 4 + 2] += 3
    return x, labels


def main() -> None:
    cuda = torch.cuda.is_available()
    dist.init_process_group("nccl" if cuda else "gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if cuda else torch.device("cpu")
    torch.manual_seed(0)
    model = DistributedDataParallel(network().to(device))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    for step in range(STEPS):
        x, labels = (part[rank::world].to(device) for part in batch(step))
        loss = nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        dist.all_reduce(shown := loss.detach().clone())
        if rank == 0 and step % 5 == 4:
            print(f"step {step + 1}: loss {shown.item() / world:.3f} on {world} processes")
    dist.barrier()  # a process that is still sending must find the others
    dist.destroy_process_group()
    # Gloo's threads may still hold Python's tensors, and abort a process that ends meanwhile
    # (torch 2.13): https://github.com/pytorch/pytorch/pull/179291
    time.sleep(0.2)


if __name__ == "__main__":
    main()

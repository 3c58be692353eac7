"""What each of two processes does: layers in parts, compared with the whole, exactly.

Integers keep every sum exact, so that the order in which processes add does not matter.
"""

from __future__ import annotations

import copy
import sys
import time

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from uniconv import nn

SAME = {"dialect": "keras", "padding": "same"}
# A layer, its input, and the axes of the batch and of the output channels.
LAYERS = {
    "NHWC": (lambda: nn.Conv(3, 6, (3, 2), strides=2, **SAME), (4, 7, 6, 3), 0, 3),
    "NCHW": (lambda: nn.Conv(4, 6, (3, 2), padding=1, groups=2), (4, 4, 7, 6), 0, 1),
    "WHCN": (lambda: nn.Conv(3, 6, (3, 2), dialect="knet", padding=1), (7, 6, 3, 4), 3, 2),
    "NWC": (lambda: nn.Conv(3, 6, (3,), **SAME), (4, 7, 3), 0, 2),
    "NHWC transposed": (
        lambda: nn.ConvTranspose(3, 6, (3, 2), strides=2, **SAME),
        (4, 4, 5, 3),
        0,
        3,
    ),
    "NCHW transposed": (lambda: nn.ConvTranspose(3, 6, (3, 2), stride=2), (4, 3, 4, 5), 0, 1),
    "WHCN transposed": (
        lambda: nn.ConvTranspose(3, 6, (3, 2), dialect="knet", stride=2),
        (4, 5, 3, 4),
        3,
        2,
    ),
    "NHWC depthwise": (
        lambda: nn.DepthwiseConv(4, (3, 2), multiplier=2, strides=2, **SAME),
        (4, 7, 6, 4),
        0,
        3,
    ),
    "NHWC depthwise, 3": (
        lambda: nn.DepthwiseConv(3, (3, 2), multiplier=2, strides=2, **SAME),
        (4, 7, 6, 3),
        0,
        3,
    ),
    "NHWC separable": (
        lambda: nn.SeparableConv(3, 6, (3, 2), multiplier=2, **SAME),
        (4, 7, 6, 3),
        0,
        3,
    ),
}


def integers(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(-4, 5, shape, generator=draw).float()


def whole(name: str) -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor, torch.Tensor, dict]:
    """The layer, x, y, dy and the gradients of one process alone."""
    make, shape, _, _ = LAYERS[name]
    layer = make()
    with torch.no_grad():
        for i, p in enumerate(layer.parameters()):
            p.copy_(integers(tuple(p.shape), i))
    x = integers(shape, 10).requires_grad_()
    fresh = copy.deepcopy(layer)
    y = layer(x)
    dy = integers(tuple(y.shape), 11)
    y.backward(dy)
    grads = {"x": x.grad, **{n: p.grad for n, p in layer.named_parameters()}}
    return fresh, x.detach(), y.detach(), dy, grads


def part(a: torch.Tensor, axis: int) -> torch.Tensor:
    return a.chunk(2, axis)[dist.get_rank()]


def full(a: torch.Tensor) -> torch.Tensor:
    return a.full_tensor() if isinstance(a, DTensor) else a


def same(what: str, got: torch.Tensor, want: torch.Tensor) -> None:
    got = full(got)
    assert got.shape == want.shape, f"{what}: {tuple(got.shape)}, not {tuple(want.shape)}"
    assert torch.equal(got, want), f"{what} differs by {(got - want).abs().max()}"


def ddp(name: str) -> None:
    layer, x, y, dy, grads = whole(name)
    at = LAYERS[name][2]
    model = DistributedDataParallel(layer)
    mine = model(part(x, at))
    same("y", mine, part(y, at))
    mine.backward(part(dy, at))
    for n, p in layer.named_parameters():
        same(n, 2 * p.grad, grads[n])  # the mean of both processes


def fsdp(name: str) -> None:
    layer, x, y, dy, grads = whole(name)
    at = LAYERS[name][2]
    state = {k: v.clone() for k, v in layer.state_dict().items()}
    fully_shard(layer, mesh=init_device_mesh("cpu", (2,)))
    assert all(isinstance(p, DTensor) for p in layer.parameters())
    mine = layer(part(x, at))
    same("y", mine, part(y, at))
    mine.backward(part(dy, at))
    for n, p in layer.named_parameters():
        same(n, 2 * full(p.grad), grads[n])
    for k, v in layer.state_dict().items():
        same(f"state {k}", v, state[k])


def sharded(name: str, x_at: list, in_parts: bool) -> None:
    layer, x, y, dy, grads = whole(name)
    mesh = init_device_mesh("cpu", (2,))
    kernel = layer.stored_as
    out = kernel.stored.index("m" if kernel.transposed else "o")
    for n, p in list(layer.named_parameters()):
        at = Shard(out if n == "weight" else 0) if in_parts else Replicate()
        held = distribute_tensor(p.detach(), mesh, [at])
        setattr(layer, n, torch.nn.Parameter(held))
    parts = distribute_tensor(x, mesh, x_at).requires_grad_()
    mine = layer(parts)
    assert isinstance(mine, DTensor)
    same("y", mine, y)
    mine.backward(distribute_tensor(dy, mesh, mine.placements))
    same("dx", parts.grad, grads["x"])
    for n, p in layer.named_parameters():
        same(n, p.grad, grads[n])


def batch_sharded(name: str) -> None:
    sharded(name, [Shard(LAYERS[name][2])], False)


def channels_sharded(name: str) -> None:
    sharded(name, [Replicate()], True)


MODES = {f.__name__: f for f in (ddp, fsdp, batch_sharded, channels_sharded)}


def main() -> None:
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    for mode in sys.argv[1:]:
        for name in LAYERS:
            try:
                MODES[mode](name)
                told = "equal"
            except Exception as error:
                told = f"{type(error).__name__}: {error}".partition("\n")[0]
            both: list[str] = ["", ""]
            dist.all_gather_object(both, told)
            if dist.get_rank() == 0:
                print(mode, name, next((t for t in both if t != "equal"), "equal"), sep=" | ")
    dist.barrier()  # a process that is still sending must find the others
    dist.destroy_process_group()
    # Gloo's threads may still hold Python's tensors, and abort a process that ends meanwhile
    # (torch 2.13): https://github.com/pytorch/pytorch/pull/179291
    time.sleep(0.2)


if __name__ == "__main__":
    main()

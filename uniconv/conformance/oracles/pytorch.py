"""PyTorch itself: torch.nn.functional and the modules of torch.nn."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from uniconv._canonical.arrays import like, to_torch
from uniconv.spec.op import Op

__all__ = ["GRADIENTS", "PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES = ("torch",)
GRADIENTS = True


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The function or module of a registry name."""
    return _torch_function(op) if ".functional." in op.name else _torch_module(op)


def _torch_function(op: Op) -> Callable[..., list[Array]]:
    function = getattr(torch.nn.functional, op.name.rpartition(".")[2])

    def run(tensors: dict[str, torch.Tensor], options: dict[str, Any]) -> torch.Tensor:
        y: torch.Tensor = function(tensors["x"], tensors["w"], tensors.get("bias"), **options)
        return y

    return _with_torch_gradients(run)


def _torch_module(op: Op) -> Callable[..., list[Array]]:
    constructor = getattr(torch.nn, op.name.rpartition(".")[2])
    transposed = op.kind == "conv_transpose"

    def run(tensors: dict[str, torch.Tensor], options: dict[str, Any]) -> torch.Tensor:
        w, bias, groups = tensors["w"], tensors.get("bias"), options.get("groups", 1)
        first, second = w.shape[0], w.shape[1] * groups
        c, o = (first, second) if transposed else (second, first)
        called = {n: v for n, v in options.items() if n == "output_size"}
        built = {n: v for n, v in options.items() if n not in called}
        module = constructor(c, o, tuple(w.shape[2:]), bias=bias is not None, **built)
        weights = {"weight": w} | ({} if bias is None else {"bias": bias})
        # Not module.weight = w: the caller's tensor must stay the leaf of the gradient.
        y: torch.Tensor = torch.func.functional_call(module, weights, (tensors["x"],), called)
        return y

    return _with_torch_gradients(run)


def _with_torch_gradients(
    run: Callable[[dict[str, torch.Tensor], dict[str, Any]], torch.Tensor],
) -> Callable[..., list[Array]]:
    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        tensors = {role: to_torch(a, "cpu") for role, a in arrays.items()}
        leaves = [tensors[role].requires_grad_(dy is not None) for role in ("x", "w")]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the copy that "same" with even kernels takes
            y = _in_its_dtype(run, tensors, options)
        if dy is None:
            return [like(y, arrays["x"])]
        gradients = torch.autograd.grad(y, leaves, to_torch(dy, "cpu"))
        return [like(a, arrays["x"]) for a in (y, *gradients)]

    return call


def _in_its_dtype(
    run: Callable[[dict[str, torch.Tensor], dict[str, Any]], torch.Tensor],
    tensors: dict[str, torch.Tensor],
    options: dict[str, Any],
) -> torch.Tensor:
    """Short integers by the kernel for long ones where theirs is missing on the CPU."""
    try:
        return run(tensors, options)
    except NotImplementedError as error:
        if not re.search(r"not implemented for '(Char|Byte|Short|Int)'", str(error)):
            raise
    return run({role: a.long() for role, a in tensors.items()}, options).to(tensors["x"].dtype)

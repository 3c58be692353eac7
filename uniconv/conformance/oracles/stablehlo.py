"""StableHLO modules of one op, compiled and run by XLA on the CPU as JAX brings it.

The dialect's own reference interpreter, jaxlib's stablehlo.eval_module, agrees where it runs.  It
ends the process where the result's features come before its batch, and it reads no complex numbers
(openxla/stablehlo stablehlo/reference/Ops.cpp @ 3c9301c1 line 1774).
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from uniconv.spec.op import Op

__all__ = ["PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES = ("jax",)


@cache
def bindings() -> tuple[Any, Any, Any]:
    """JAX with 64-bit numbers on the CPU, MLIR, and the dialect's Python bindings."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    names = ("jaxlib.mlir.ir", "jaxlib.mlir.dialects.stablehlo")
    ir, hlo = map(importlib.import_module, names)
    return jax, ir, hlo


@cache
def context() -> Any:
    """An MLIR context that knows the dialect."""
    bindings()
    return importlib.import_module("jax._src.interpreters.mlir").make_ir_context()


def function_of(op: Op) -> Callable[..., list[Array]]:
    """A module with the one op of a registry name."""

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        if set(arrays) != {"x", "w"}:
            raise ValueError(f"{op.name} takes lhs and rhs only")
        _, ir, _ = bindings()
        operands = list(arrays.values())
        with context(), ir.Location.unknown():
            unknown = [ir.ShapedType.get_dynamic_size()] * operands[0].ndim
            module(operands, options, unknown).operation.verify()  # the attributes first
            shape = output(operands[0].shape, operands[1].shape, **options)
            program = module(operands, options, shape)
            program.operation.verify()
            return [run(program, operands)]

    return call


def module(arrays: Sequence[Array], options: dict[str, Any], shape: Sequence[int]) -> Any:
    """main(lhs, rhs) -> result, which has this shape."""
    _, ir, hlo = bindings()
    func = importlib.import_module("jaxlib.mlir.dialects.func")
    element = importlib.import_module("jax._src.interpreters.mlir").dtype_to_ir_type
    kinds = [ir.RankedTensorType.get(list(a.shape), element(a.dtype)) for a in arrays]
    result = options.get("result")
    kind = element(arrays[0].dtype) if result is None else ir.Type.parse(result)
    result = ir.RankedTensorType.get(list(shape), kind)
    built = ir.Module.create()
    with ir.InsertionPoint(built.body):
        main = func.FuncOp("main", (kinds, [result]))
        with ir.InsertionPoint(main.add_entry_block()):
            func.ReturnOp([hlo.convolution(result, *main.arguments, **attributes(**options))])
    return built


def attributes(
    dimension_numbers: str,
    padding: Any = None,
    precision_config: Any = None,
    result: Any = None,
    **others: Any,
) -> dict[str, Any]:
    """The attributes as the bindings take them; the result's type is none."""
    _, ir, _ = bindings()
    attributes = dict(others)
    bare = not dimension_numbers.startswith("#")
    spelled = f"#stablehlo.conv<{dimension_numbers}>" if bare else dimension_numbers
    attributes["dimension_numbers"] = ir.Attribute.parse(spelled)
    if padding is not None:
        pairs = np.array(padding) if len(padding) else np.zeros((0, 2), int)
        if pairs.dtype.kind != "i":
            raise TypeError(f"padding is {padding}, no integers")
        attributes["padding"] = ir.DenseElementsAttr.get(pairs.astype(np.int64))
    if precision_config is not None:
        words = [ir.Attribute.parse(f"#stablehlo<precision {w}>") for w in precision_config]
        attributes["precision_config"] = ir.ArrayAttr.get(words)
    return attributes


def output(
    lhs: Sequence[int],
    rhs: Sequence[int],
    *,
    dimension_numbers: str,
    batch_group_count: int,
    window_strides: Any = None,
    padding: Any = None,
    lhs_dilation: Any = None,
    rhs_dilation: Any = None,
    **_: Any,
) -> list[int]:
    """The shape of the result (constraint C25); the module's verifier infers it, too."""
    letters = "".join(c for c in dimension_numbers if c.isalnum() or c == "]")
    x_axes, w_axes, y_axes = (part.lstrip("x") for part in letters.split("]")[:3])
    rank = len(lhs) - 2
    ones = [1] * rank
    sizes = {"b": lhs[x_axes.index("b")] // batch_group_count, "f": rhs[w_axes.index("o")]}
    for i in range(rank):
        n, k = lhs[x_axes.index(str(i))], rhs[w_axes.index(str(i))]
        spread = (n - 1) * (lhs_dilation or ones)[i] + 1 if n else 0
        padded = spread + sum((padding or [(0, 0)] * rank)[i])
        window = (k - 1) * (rhs_dilation or ones)[i] + 1 if k else 0
        fits = padded != 0 and window <= padded
        sizes[str(i)] = (padded - window) // (window_strides or ones)[i] + 1 if fits else 0
    return [sizes[a] for a in y_axes]


def run(program: Any, arrays: Sequence[Array]) -> Array:
    """The result of a module's main."""
    jax, _, _ = bindings()
    compiler = importlib.import_module("jax._src.compiler")
    client = importlib.import_module("jaxlib._jax")
    device = jax.devices("cpu")[0]
    options = compiler.get_compile_options(num_replicas=1, num_partitions=1)
    executable = device.client.compile_and_load(program, client.DeviceList((device,)), options)
    results = executable.execute_sharded([jax.device_put(a, device) for a in arrays])
    (y,) = results.disassemble_into_single_device_arrays()
    return np.asarray(y[0])

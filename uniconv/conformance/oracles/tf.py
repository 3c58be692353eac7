"""TensorFlow: its functions eagerly, or by XLA where only its CPU kernels lack something.

What TensorFlow's contract refuses stays an error; channels first, dilated 3-D and grouped gradients
are computed by its XLA compiler.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable
from functools import cache, partial, reduce
from typing import Any

import numpy as np

from uniconv._canonical.layout import Layout, arrange
from uniconv.spec.op import Op

__all__ = [
    "GRADIENTS",
    "LACKING",
    "PACKAGES",
    "computed",
    "function_of",
    "shifts_window",
    "tensorflow",
]

Array = np.ndarray[Any, Any]
PACKAGES = ("tensorflow-cpu or tensorflow",)
GRADIENTS = True

# What its CPU kernels say where they, and not the function, lack something (2.21.0).
LACKING = re.compile(
    r"only support(s|ed)( for)?( the)? (NHWC|NDHWC)"
    r"|only supports dilated rates of 1"
    r"|do(es)? not yet support dilation rates"
    r"|grouped convolutions are not supported on CPU"
    r"|only supports equal length strides"
    # Conv3D alone: its shape function, XLA and cuDNN take channel groups.
    r"|Conv3D.*Number of channels in filter \(\d+\) must match last dimension of input"
    r"|Conv3DBackprop.*input and filter_sizes must have the same number of channels"
)


@cache
def tensorflow() -> Any:
    """TensorFlow on the CPU, without oneDNN, whose sums are ordered otherwise."""
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # compiles 4x faster
    try:
        module = importlib.import_module("tensorflow")
    except ImportError as error:
        how = 'pip install "uniconv-torch[live]"'
        raise ImportError(f"TensorFlow is not installed: {how}") from error
    module.get_logger().setLevel("ERROR")  # it warns of every function that it compiles
    return module


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The function of a registry name."""
    names = {role: op.array_names(role)[0] for role in ("x", "w", "p") if op.array_names(role)}

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        function = reduce(getattr, op.name.split(".")[1:], tensorflow())

        def run(arrays: dict[str, Any], options: dict[str, Any]) -> Any:
            return function(**{names[role]: a for role, a in arrays.items()}, **options)

        if dy is not None and options.get("data_format", "") is None:
            del options["data_format"]  # the default; Conv3D's gradient fails on None (2.21.0)
        if "bias" in arrays:
            raise ValueError(f"{op.name} has no bias")
        compiled = _whole_shape(op, options, arrays)
        return computed(run, arrays, options, dy, compiled, shifts_window(op, options, arrays["w"]))

    return call


def computed(
    function: Callable[[dict[str, Any], dict[str, Any]], Any],
    arrays: dict[str, Array],
    options: dict[str, Any],
    dy: Array | None,
    compiled_options: dict[str, Any],
    wrong_here: bool = False,
) -> list[Array]:
    """y (and dx, dw) of a function of (tensors by role, options): eagerly where that can be."""
    tf = tensorflow()
    roles = list(arrays)

    def run(options: dict[str, Any], *tensors: Any) -> list[Any]:
        operands = dict(zip(roles, tensors))
        if dy is None:
            return [function(operands, options)]
        leaves = [operands["x"], operands["w"]]
        slope = tf.constant(dy.reshape([-1, *dy.shape[1 - leaves[0].shape.rank :]]))
        with tf.GradientTape() as tape:
            tape.watch(leaves)
            y = function(operands, options)
        return [y, *tape.gradient(y, leaves, slope)]

    tensors = [tf.constant(a) for a in arrays.values()]
    if not wrong_here:
        try:
            return [a.numpy() for a in run(options, *tensors)]
        except tf.errors.OpError as error:
            if not LACKING.search(str(error)):
                raise
    return _compiled(partial(run, compiled_options), tensors, spatial=arrays["w"].ndim - 2)


def _compiled(run: Callable[..., list[Any]], tensors: list[Any], spatial: int) -> list[Array]:
    """The same by XLA.

    The shape function of Conv3D swaps the last two dilations of NDHWC (2.21.0), and so does what
    follows from it: with no sizes told, and one batch axis, nothing does.
    """
    tf = tensorflow()
    specs = [tf.TensorSpec(a.shape, a.dtype) for a in tensors]
    lead = tensors[0].shape[:1]
    if spatial == 3:
        lead = tensors[0].shape[: -spatial - 1]
        tensors[0] = tf.reshape(tensors[0], [-1, *tensors[0].shape[-spatial - 1 :]])
        specs[0] = tf.TensorSpec([None] * (spatial + 2), tensors[0].dtype)
    compiled = tf.function(run, input_signature=specs, jit_compile=True, autograph=False)
    y, *slopes = (a.numpy() for a in compiled(*tensors))
    batched = [a.reshape([*lead, *a.shape[1:]]) for a in (y, *slopes[:1])]  # y and dx
    return [*batched, *slopes[1:]]


def _whole_shape(op: Op, options: dict[str, Any], arrays: dict[str, Array]) -> dict[str, Any]:
    """The options with an output_shape of spatial axes alone completed: XLA has no short form."""
    if len(options.get("output_shape", ())) != arrays["w"].ndim - 2:
        return options
    word = options.get(op.layout.option, op.layout.default)
    layout: Layout = op.layout.table.get(word, op.layout.usual)
    named = {"n": arrays["x"].shape[0], "c": arrays["w"].shape[-2]}
    return options | {"output_shape": arrange(layout.x, named, options["output_shape"])}


def shifts_window(op: Op, options: dict[str, Any], w: Array) -> bool:
    """Whether TensorFlow's CPU kernel of Conv3D would start its windows too late.

    With padding="SAME" and a stride of at least kernel + 2 on an axis it takes the padding, which
    should be 0, as negative (2.21.0; XLA has the documented values):
    conv3d of [0, 1, 2, 3, 4, 5] with a kernel [1] and stride 3 is [1, 4] there, and [0, 3] in XLA.
    """
    if w.ndim != 5 or options.get("padding", "SAME") != "SAME":
        return False
    rule = op.stride
    value = options.get(rule.option) if rule else None
    strides = [value] * 3 if isinstance(value, int) else [*(value or [1])]
    if len(strides) == 5:
        strides = strides[2:] if str(options.get("data_format")).startswith("NC") else strides[1:4]
    return any(s >= k + 2 for s, k in zip(strides * (3 // len(strides)), w.shape[:3]))

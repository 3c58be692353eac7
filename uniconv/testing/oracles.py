"""Oracles: the real framework functions, called on NumPy arrays, to compare uniconv with.

An oracle calls the function of its registry name with a case's options and nothing else.  What
only TensorFlow's CPU kernels lack (channels first, dilated 3-D, grouped gradients ...) is computed
by its XLA compiler; what TensorFlow's contract refuses stays an error.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial, reduce
from typing import Any, Protocol

import numpy as np
import torch

from uniconv.arrays import like, to_torch
from uniconv.dialect import Op
from uniconv.errors import UnknownName
from uniconv.layout import arrange
from uniconv.registry import find
from uniconv.rules import Choice

Array = np.ndarray[Any, Any]


class HasOptions(Protocol):
    """A case, as far as an oracle needs it: the native options of one call."""

    @property
    def options(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Oracle:
    """One framework function: ``call(arrays by role, options)`` -> arrays, y first.

    Roles are x, w, bias and p (the pointwise kernel).  ``dy``, where it is given, asks for the
    gradients of sum(dy * y) by x and w after y.
    """

    name: str
    call: Callable[[dict[str, Array], dict[str, Any], Array | None], list[Array]]

    def __call__(
        self,
        case: HasOptions,
        x: Array,
        w: Array,
        bias: Array | None = None,
        pointwise: Array | None = None,
    ) -> Array:
        """What the framework returns; its own exception where it refuses."""
        return self.call(_present(x=x, w=w, bias=bias, p=pointwise), dict(case.options), None)[0]

    def gradients(
        self, case: HasOptions, x: Array, w: Array, dy: Array, pointwise: Array | None = None
    ) -> tuple[Array, Array, Array]:
        """The framework's own (y, dx, dw), the gradients those of sum(dy * y)."""
        y, dx, dw = self.call(_present(x=x, w=w, p=pointwise), dict(case.options), dy)
        return y, dx, dw


@cache
def oracle(name: str) -> Oracle:
    """The oracle of a registry name; UnknownName where none runs in Python.

    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> x, w = np.array([[[1, 2, 3, 4.0]]]), np.array([[[1, 10, 100.0]]])
    >>> oracle("torch.nn.functional.conv1d")(SimpleNamespace(options={}), x, w).ravel()
    array([321., 432.])
    """
    op = find(name)
    if op.name.startswith("tf."):
        return Oracle(op.name, _tensorflow_function(op))
    if op.name.startswith("torch.nn.functional."):
        return Oracle(op.name, _torch_function(op))
    if op.name.startswith("torch.nn."):
        return Oracle(op.name, _torch_module(op))
    raise UnknownName(f"{op.name} has no oracle: {op.title} does not run in Python")


def versions() -> dict[str, str]:
    """The versions compared with; TensorFlow only where it is installed."""
    found = {"torch": torch.__version__, "numpy": np.__version__}
    if importlib.util.find_spec("tensorflow"):
        found["tensorflow"] = _tensorflow().__version__
    return found


def _present(**arrays: Array | None) -> dict[str, Array]:
    return {role: a for role, a in arrays.items() if a is not None}


# PyTorch


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
        module = constructor(c, o, tuple(w.shape[2:]), bias=bias is not None, **options)
        weights = {"weight": w} | ({} if bias is None else {"bias": bias})
        # Not module.weight = w: the caller's tensor must stay the leaf of the gradient.
        y: torch.Tensor = torch.func.functional_call(module, weights, (tensors["x"],))
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
        found = torch.autograd.grad(y, leaves, to_torch(dy, "cpu"))
        return [like(a, arrays["x"]) for a in (y, *found)]

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


# TensorFlow

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
def _tensorflow() -> Any:
    """TensorFlow on the CPU, without oneDNN, whose sums are ordered otherwise."""
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # compiles 4x faster
    try:
        tensorflow = importlib.import_module("tensorflow")
    except ImportError as error:
        how = 'pip install "uniconv-torch[live]"'
        raise ImportError(f"TensorFlow is not installed: {how}") from error
    tensorflow.get_logger().setLevel("ERROR")  # it warns of every function that it compiles
    return tensorflow


def _tensorflow_function(op: Op) -> Callable[..., list[Array]]:
    names = {role: op.array_names(role)[0] for role in ("x", "w", "p") if op.array_names(role)}

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        tf = _tensorflow()
        function = reduce(getattr, op.name.split(".")[1:], tf)
        roles = [role for role in names if role in arrays]

        def run(options: dict[str, Any], *tensors: Any) -> list[Any]:
            given = dict(zip(roles, tensors))
            native = {names[role]: a for role, a in given.items()}
            if dy is None:
                return [function(**native, **options)]
            leaves = [given["x"], given["w"]]
            slope = tf.constant(dy.reshape([-1, *dy.shape[1 - leaves[0].shape.rank :]]))
            with tf.GradientTape() as tape:
                tape.watch(leaves)
                y = function(**native, **options)
            return [y, *tape.gradient(y, leaves, slope)]

        if dy is not None and options.get("data_format", "") is None:
            del options["data_format"]  # the default; Conv3D's gradient fails on None (2.21.0)
        tensors = [tf.constant(arrays[role]) for role in roles]
        if "bias" in arrays:
            raise ValueError(f"{op.name} has no bias")
        if not shifts_window(op, options, arrays["w"]):
            try:
                return [a.numpy() for a in run(options, *tensors)]
            except tf.errors.OpError as error:
                if not LACKING.search(str(error)):
                    raise
        options = _whole_shape(op, options, arrays)
        return _compiled(partial(run, options), tensors, spatial=arrays["w"].ndim - 2)

    return call


def _compiled(run: Callable[..., list[Any]], tensors: list[Any], spatial: int) -> list[Array]:
    """The same by XLA.

    The shape function of Conv3D swaps the last two dilations of NDHWC (2.21.0), and so does what
    follows from it: with no sizes told, and one batch axis, nothing does.
    """
    tf = _tensorflow()
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
    layout = op.layout
    if isinstance(layout, Choice):
        layout = layout.table[options.get(layout.option, layout.default)]
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
    given = options.get(rule.option) if rule else None
    strides = [given] * 3 if isinstance(given, int) else [*(given or [1])]
    if len(strides) == 5:
        strides = strides[2:] if str(options.get("data_format")).startswith("NC") else strides[1:4]
    return any(s >= k + 2 for s, k in zip(strides * (3 // len(strides)), w.shape[:3]))

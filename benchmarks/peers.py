"""A problem by every framework that is installed, each in its best form, its weights prepared.

A peer is a function of (problem, arrays, threads): it prepares what a program would prepare once,
and gives the call, and what turns the call's result into a tensor ``n o ...``.  A peer that is not
installed, or cannot say a problem, raises ``Absent`` with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from layouts import Arrays, on_torch
from networks import Problem
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

# Read when a framework is imported; Keras is, by TensorFlow.
os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

Peer = tuple[Callable[[], Any], Callable[[Any], Tensor]]


class Absent(Exception):
    """Why a peer has no number."""


def _needs(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise Absent("not installed") from error


def _last(a: Tensor) -> Any:
    """Channels last, as NumPy."""
    return a.movedim(1, -1).contiguous().numpy()


def _first(y: Any) -> Tensor:
    """``n o ...`` of a channels-last result."""
    return torch.from_numpy(y.copy()).movedim(-1, 1)


def _format(rank: int) -> torch.memory_format:
    return torch.channels_last if rank == 2 else torch.channels_last_3d


def torch_first(problem: Problem, given: Arrays, threads: int) -> Peer:
    """torch's own op in its own layout."""
    convolve, x, w = on_torch(problem), given.x, given.w
    return lambda: convolve(x, w), lambda y: y


def torch_last(problem: Problem, given: Arrays, threads: int) -> Peer:
    """The same with x and w channels last in memory; of one axis, as a row of two."""
    if problem.rank > 1:
        convolve, kept = on_torch(problem), _format(problem.rank)
        x, w = given.x.to(memory_format=kept), given.w.to(memory_format=kept)
        return lambda: convolve(x, w), lambda y: y
    op = F.conv_transpose2d if problem.transposed else F.conv2d
    x, w = (a.unsqueeze(2).to(memory_format=torch.channels_last) for a in (given.x, given.w))
    stride, pad, dilation = (
        (1, problem.stride[0]),
        (0, problem.pad[0][0]),
        (1, problem.dilation[0]),
    )
    more = (0, problem.groups, dilation) if problem.transposed else (dilation, problem.groups)
    return lambda: op(x, w, None, stride, pad, *more), lambda y: y.squeeze(2)


def onnx_runtime(problem: Problem, given: Arrays, threads: int) -> Peer:
    """ONNX Runtime, the kernel an initializer, x and y bound to their memory."""
    if given.x.is_cuda:
        raise Absent("measured on CPUs only")
    runtime, onnx = _needs("onnxruntime"), _needs("onnx")
    make, kinds = onnx.helper, onnx.TensorProto
    pads = [*(lo for lo, _ in problem.pad), *(hi for _, hi in problem.pad)]
    node = make.make_node(
        "ConvTranspose" if problem.transposed else "Conv",
        ["x", "w"],
        ["y"],
        strides=[*problem.stride],
        pads=pads,
        dilations=[*problem.dilation],
        group=problem.groups,
    )
    y_shape = (len(given.x), problem.o, *problem.output)
    graph = make.make_graph(
        [node],
        "one",
        [make.make_tensor_value_info("x", kinds.FLOAT, given.x.shape)],
        [make.make_tensor_value_info("y", kinds.FLOAT, y_shape)],
        [onnx.numpy_helper.from_array(given.w.numpy(), "w")],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
    settings = runtime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
    session = runtime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    y = torch.empty(y_shape)
    binding = session.io_binding()
    x = runtime.OrtValue.ortvalue_from_numpy(given.x.numpy())
    out = runtime.OrtValue.ortvalue_from_numpy(y.numpy())
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output("y", out)
    return lambda: session.run_with_iobinding(binding), lambda _: torch.from_numpy(out.numpy())


def openvino(problem: Problem, given: Arrays, threads: int) -> Peer:
    """OpenVINO: x and y channels last around its own convolution, float32, for latency."""
    if given.x.is_cuda:
        raise Absent("measured on CPUs only")
    package, ops = _needs("openvino"), _needs("openvino.opset8")
    rank = problem.rank
    x_last = _last(given.x)
    x = ops.parameter([*x_last.shape], package.Type.f32)
    inner = ops.transpose(x, [0, rank + 1, *range(1, rank + 1)])
    strides, dilations = [*problem.stride], [*problem.dilation]
    before, after = ([pair[i] for pair in problem.pad] for i in range(2))
    w, groups = given.w.numpy(), problem.groups
    if problem.transposed:
        y = ops.convolution_backprop_data(
            inner, w, strides, pads_begin=before, pads_end=after, dilations=dilations
        )
    elif groups > 1:
        kernels = w.reshape(groups, -1, *w.shape[1:])
        y = ops.group_convolution(inner, kernels, strides, before, after, dilations)
    else:
        y = ops.convolution(inner, w, strides, before, after, dilations)
    model = package.Model([ops.transpose(y, [0, *range(2, rank + 2), 1])], [x])
    told = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
    compiled = package.compile_model(model, "CPU", told | {"INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    request.set_input_tensor(package.Tensor(x_last, shared_memory=True))
    owners = (compiled, x_last, given)  # of memory that the request reads

    def infer() -> Any:
        assert owners
        return request.infer()

    return infer, lambda _: _first(request.get_output_tensor().data)


def _tensorflow(threads: int) -> Any:
    tf = _needs("tensorflow")
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf


def _in_tensorflow(tf: Any, problem: Problem, shape: tuple[int, ...]) -> Callable[..., Any]:
    """(x, w) -> y on channels-last x; x padded before where SAME and VALID do not say the pads."""
    from layouts import words

    rank, depthwise = problem.rank, problem.groups == problem.c > 1
    told = words(problem, "tf")
    if depthwise and rank != 2:
        raise Absent("no depthwise convolution of this rank")
    if problem.transposed:
        if told is None:
            raise Absent("its padding has no word")
        out = (shape[0], *problem.output, problem.o)
        op = getattr(tf.nn, f"conv{rank}d_transpose")
        return lambda x, w: op(x, w, out, problem.stride, told.options["padding"])
    words_ = told.options["padding"] if told else "VALID"
    pads = [(0, 0), *problem.pad, (0, 0)] if told is None else None

    def run(x: Any, w: Any) -> Any:
        x = x if pads is None else tf.pad(x, pads)
        if depthwise:
            strides = (1, *problem.stride, 1)
            return tf.nn.depthwise_conv2d(x, w, strides, words_, dilations=problem.dilation)
        return tf.nn.convolution(x, w, problem.stride, words_, dilations=problem.dilation)

    if told is not None and not isinstance(words_, str):

        def explicit(x: Any, w: Any) -> Any:
            if depthwise:
                strides = (1, *problem.stride, 1)
                return tf.nn.depthwise_conv2d(x, w, strides, words_, dilations=problem.dilation)
            return tf.nn.conv2d(x, w, problem.stride, words_, dilations=problem.dilation)

        return explicit
    return run


def _tf_kernel(problem: Problem, w: Tensor) -> Any:
    """HWIO; HWOI of a transposed convolution, which is where c comes first; HWCM of a depthwise."""
    taps = tuple(range(2, w.ndim))
    depthwise = problem.groups == problem.c > 1
    if depthwise:
        split = w.reshape(problem.c, -1, *w.shape[2:])
        return split.permute(*taps, 0, 1).contiguous().numpy()
    return w.permute(*taps, 1, 0).contiguous().numpy()


def tensorflow(problem: Problem, given: Arrays, threads: int) -> Peer:
    """TensorFlow: one tf.function, x channels last, the kernel a constant."""
    if given.x.is_cuda:
        raise Absent("measured on CPUs only")
    tf = _tensorflow(threads)
    x, w = tf.constant(_last(given.x)), tf.constant(_tf_kernel(problem, given.w))
    convolve = _in_tensorflow(tf, problem, tuple(x.shape))
    run = tf.function(lambda x: convolve(x, w)).get_concrete_function(x)
    return lambda: run(x), lambda y: _first(y.numpy())


def _in_jax(problem: Problem) -> Callable[..., Any]:
    """(x, w) -> y, channels last, by the operation that every other one of JAX becomes."""
    from jax import lax

    letters = "DHW"[3 - problem.rank :]
    io = "OI" if problem.transposed else "IO"  # w is (..., o, c) of a transposed one
    numbers = (f"N{letters}C", f"{letters}{io}", f"N{letters}C")
    ones = (1,) * problem.rank
    if problem.transposed:
        sides = zip(problem.kernel, problem.dilation, problem.pad)
        pads = tuple(((k - 1) * d - lo, (k - 1) * d - hi) for k, d, (lo, hi) in sides)
        axes = tuple(range(problem.rank))
        return lambda x, w: lax.conv_general_dilated(
            x, lax.rev(w, axes), ones, pads, problem.stride, problem.dilation, numbers
        )
    return lambda x, w: lax.conv_general_dilated(
        x, w, problem.stride, problem.pad, ones, problem.dilation, numbers, problem.groups
    )


def _jax_kernel(problem: Problem, w: Tensor) -> Any:
    """HWIO; HWOI of a transposed convolution."""
    return w.permute(*range(2, w.ndim), 1, 0).contiguous().numpy()


def _jax(threads: int) -> Any:
    if threads == 1:
        os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    return _needs("jax")


def jax(problem: Problem, given: Arrays, threads: int) -> Peer:
    """JAX: jit, channels last, the kernel a constant."""
    if given.x.is_cuda:
        raise Absent("measured on CPUs only")
    jax = _jax(threads)
    x, w = jax.numpy.asarray(_last(given.x)), jax.numpy.asarray(_jax_kernel(problem, given.w))
    convolve = _in_jax(problem)
    run = jax.jit(lambda x: convolve(x, w)).lower(x).compile()
    return lambda: run(x).block_until_ready(), lambda y: _first(_numpy(y))


def _numpy(y: Any) -> Any:
    import numpy as np

    return np.asarray(y)


def keras(problem: Problem, given: Arrays, threads: int) -> Peer:
    """Keras 3 on torch: keras.ops, channels last; x padded before where it has no word."""
    from layouts import words

    ops = _needs("keras").ops
    told = words(problem, "tf")
    if problem.rank == 3 and problem.groups > 1:
        raise Absent("no depthwise convolution of this rank")
    x, w = (
        given.x.movedim(1, -1).contiguous(),
        torch.from_numpy(_tf_kernel(problem, given.w)).to(given.w.device),
    )
    stride, dilation = problem.stride, problem.dilation
    named = told is not None and isinstance(told.options["padding"], str)
    word = told.options["padding"].lower() if told is not None and named else "valid"
    kept = {"data_format": "channels_last"}
    if problem.transposed:
        if not named:
            raise Absent("its padding has no word")
        return lambda: ops.conv_transpose(x, w, stride, word, **kept), lambda y: y.movedim(-1, 1)
    pads = None if named else [(0, 0), *problem.pad, (0, 0)]
    depthwise = problem.groups == problem.c > 1
    op = ops.depthwise_conv if depthwise else ops.conv

    def run() -> Any:
        return op(
            x if pads is None else ops.pad(x, pads),
            w,
            stride[0] if depthwise else stride,
            word,
            dilation_rate=dilation,
            **kept,
        )

    return run, lambda y: y.movedim(-1, 1)


PEERS: dict[str, Callable[[Problem, Arrays, int], Peer]] = {
    "torch NCHW": torch_first,
    "torch channels last": torch_last,
    "ONNX Runtime": onnx_runtime,
    "OpenVINO": openvino,
    "TensorFlow": tensorflow,
    "JAX": jax,
    "Keras": keras,
}


def prepared(
    problem: Problem, given: Arrays, threads: int
) -> tuple[dict[str, Peer], dict[str, str]]:
    """The peers that compute the problem, and why the others do not."""
    peers: dict[str, Peer] = {}
    absent: dict[str, str] = {}
    for name, prepare in PEERS.items():
        try:
            peers[name] = prepare(problem, given, threads)
        except Absent as reason:
            absent[name] = str(reason)
    return peers, absent


# Forward and backward


def trained(
    problem: Problem, given: Arrays, dy: Tensor, threads: int
) -> tuple[dict[str, Callable[[], Any]], dict[str, str]]:
    """Forward and the gradients of x and w, by torch, TensorFlow and JAX."""
    found: dict[str, Callable[[], Any]] = {}
    absent: dict[str, str] = {}
    convolve = on_torch(problem)
    kept = {"torch NCHW": torch.contiguous_format}
    if problem.rank > 1:
        kept["torch channels last"] = _format(problem.rank)
    for name, memory in kept.items():
        x, w, d = (a.to(memory_format=memory) for a in (given.x, given.w, dy))
        x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
        found[name] = lambda x=x, w=w, d=d: torch.autograd.grad(convolve(x, w), (x, w), d)
    for name, make in (("TensorFlow", _trained_tensorflow), ("JAX", _trained_jax)):
        try:
            found[name] = make(problem, given, dy, threads)
        except Absent as reason:
            absent[name] = str(reason)
    return found, absent


def _trained_tensorflow(
    problem: Problem, given: Arrays, dy: Tensor, threads: int
) -> Callable[[], Any]:
    if given.x.is_cuda:
        raise Absent("measured on CPUs only")
    tf = _tensorflow(threads)
    x, w, d = (tf.constant(a) for a in (_last(given.x), _tf_kernel(problem, given.w), _last(dy)))
    convolve = _in_tensorflow(tf, problem, tuple(x.shape))

    def step(x: Any, w: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch((x, w))
            y = convolve(x, w)
        return tape.gradient(y, (x, w), d)

    run = tf.function(step).get_concrete_function(x, w)
    return lambda: run(x, w)


def _trained_jax(problem: Problem, given: Arrays, dy: Tensor, threads: int) -> Callable[[], Any]:
    if given.x.is_cuda:
        raise Absent("measured on CPUs only")
    jax = _jax(threads)
    x, w, d = (
        jax.numpy.asarray(a) for a in (_last(given.x), _jax_kernel(problem, given.w), _last(dy))
    )
    convolve = _in_jax(problem)
    run = jax.jit(lambda x, w, d: jax.vjp(convolve, x, w)[1](d)).lower(x, w, d).compile()
    return lambda: jax.block_until_ready(run(x, w, d))

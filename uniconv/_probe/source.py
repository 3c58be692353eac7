"""A probe as source text, to paste into the framework it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from uniconv._probe.data import ProbeData
from uniconv._probe.numbers import FINGERPRINT, MODULUS, fingerprint, formula, limits
from uniconv.spec.op import Op

FIRST = 6  # so many elements of y are told in full
JULIA = ("knet", "nnlib", "flux", "lux")
WORDS = {"SamePad()"}  # strings of a spec that are expressions in Julia


def code(probe: ProbeData) -> str:
    """The whole text."""
    op = probe.call.function
    family = op.framework
    if family in JULIA:
        return julia(probe, op)
    if family == "matlab":
        return matlab(probe, op)
    return python(probe, op, family)


def heading(probe: ProbeData) -> str:
    """The comment above: what is called."""
    words = ", ".join([f'dialect="{probe.call.function.name}"', *_words(probe)])
    return f"uniconv.probe(uniconv.Call({words})): if it differs, .check(y) names the mistake"


# Python

IMPORTS: Mapping[str, str] = {
    "chainer": "import chainer",
    "cv2": "import cv2",
    "flax": 'import flax.linen\nimport jax\n\njax.config.update("jax_default_matmul_precision", '
    '"highest")',
    "jax": 'import jax\nimport jax.scipy.signal\n\njax.config.update("jax_default_matmul_precision"'
    ', "highest")',
    "keras": "import keras",
    "lasagne": "import lasagne\nimport theano",
    "mlx": "import mlx.core",
    "mxnet": "import mxnet",
    "numpy": "import numpy",
    "onnx": "import onnx.helper\nimport onnxruntime",
    "openvino": "import openvino\nfrom openvino import opset13",
    "paddle": "import paddle",
    "pytorch": "import torch",
    "scipy": "import scipy.ndimage\nimport scipy.signal",
    "tf": "import tensorflow as tf",
    "theano": "import theano\nimport theano.tensor.nnet.abstract_conv",
    "tinygrad": "from tinygrad import Tensor",
}
# How an array goes in, how y comes out.
ARRAYS: Mapping[str, tuple[str, str]] = {
    "chainer": ("{}", "{}.array"),
    "cv2": ("{}", "{}"),
    "jax": ("jax.numpy.asarray({})", "np.asarray({})"),
    "keras": ("{}", "keras.ops.convert_to_numpy({})"),
    "mlx": ("mlx.core.array({})", "np.array({})"),
    "mxnet": ("mxnet.nd.array({0}, dtype={0}.dtype)", "{}.asnumpy()"),
    "numpy": ("{}", "{}"),
    "paddle": ("paddle.to_tensor({})", "{}.numpy()"),
    "pytorch": ("torch.tensor({})", "{}.numpy()"),
    "scipy": ("{}", "{}"),
    "tf": ("tf.constant({})", "{}.numpy()"),
    "theano": ("theano.shared({})", "{}.eval()"),
}


def python(probe: ProbeData, op: Op, family: str) -> str:
    """Python that builds the arrays, calls the function and compares."""
    y = _python_call(probe, op, family)
    imports = IMPORTS.get(family, "")
    arrays = [_python_array(role, a, probe.seed) for role, a in _arrays(probe).items()]
    first = [_plain(v) for v in probe.y.ravel()[:FIRST]]
    a, b, c = FINGERPRINT
    return "\n".join(
        [
            f"# {heading(probe)}",
            "import numpy as np",
            *([imports] if imports else []),
            "",
            *arrays,
            "",
            *y,
            "",
            "y = np.asarray(y, dtype=np.float64)",
            *(["y = np.rint(y)  # by FFT, sums are not exact"] if _by_fft(op) else []),
            "k = np.arange(y.size, dtype=np.int64)",
            f"found = float((({a} * k**3 + {b} * k**2 + {c} * k) % {MODULUS} + 1) @ y.ravel())",
            f'print("shape", y.shape, "must be", {probe.y.shape})',
            f'print("first", y.ravel()[:{FIRST}].tolist(), "must be", {first})',
            f'print("fingerprint", found, "must be", {fingerprint(probe.y)!r})',
            f"same = y.shape == {probe.y.shape} and found == {fingerprint(probe.y)}",
            'print("the same" if same else "it differs")',
        ]
    )


def _by_fft(op: Op) -> bool:
    """Whether the framework may sum by FFT (Theano's 3-D convolution without a compiler does)."""
    signal = ".signal." in op.name and not op.name.endswith("2d")
    return signal or op.name.startswith(("theano.", "lasagne."))


def _arrays(probe: ProbeData) -> dict[str, Any]:
    found = {"x": probe.x, "w": probe.w}
    return found if probe.pointwise is None else found | {"p": probe.pointwise}


def _and(seed: int, dot: str = "") -> str:
    return f" {dot}+ {seed}" if seed else ""


def _plain(v: Any) -> Any:
    return int(v) if float(v).is_integer() else float(v)


def _python_array(role: str, array: Any, seed: int) -> str:
    a, b, c = formula("pointwise" if role == "p" else role)
    low, high = limits(str(array.dtype))
    span = high - low + 1
    values = f"({a} * k**3 + {b} * k**2 + {c} * k{_and(seed)}) % {MODULUS} % {span} - {-low}"
    return (
        f"k = np.arange({array.size}, dtype=np.int64)\n"
        f'{role} = ({values}).reshape({array.shape}).astype("{array.dtype}")'
    )


def _words(probe: ProbeData, **more: Any) -> list[str]:
    return [f"{name}={value!r}" for name, value in {**more, **probe.call.options}.items()]


def _python_call(probe: ProbeData, op: Op, family: str) -> list[str]:
    """The lines that make y."""
    made = {
        "pytorch": _torch_layer if ".functional." not in op.name else None,
        "keras": _keras_layer if ".layers." in op.name else None,
        "paddle": _paddle_layer if ".functional." not in op.name else None,
        "flax": _flax_layer,
        "lasagne": _lasagne_layer,
        "onnx": _onnx_model,
        "openvino": _openvino_model,
        "tinygrad": _tinygrad_call,
    }.get(family)
    if made is not None:
        return made(probe, op)
    if family not in ARRAYS:
        return _by_hand(probe, op)
    wrap, unwrap = ARRAYS[family]
    name, more = op.name, {}
    if family == "mxnet":
        more = {"num_filter": probe.y.shape[1], "no_bias": True}
    if family == "theano" and name.endswith(("causal_conv1d", "separable_conv2d")):
        name = name.replace("nnet.", "nnet.abstract_conv.")
        extra = {"causal_conv1d": {"filter_shape": probe.w.shape}}
        more = extra.get(op.name.rpartition(".")[2], {"num_channels": probe.x.shape[1]})
    arguments, by_position = [], True
    for param in op.params.split():
        role, _, native = param.rpartition(":")
        if role in _arrays(probe) and native == op.array_names(role)[0]:
            given = wrap.format(role)
            arguments.append(given if by_position else f"{native}={given}")
        elif role == "":
            by_position = False
    words = _words(probe, **more)
    if family == "mxnet":  # it parses its options as text, and knows no None
        words = [word for word in words if not word.endswith("=None")]
    if family == "jax" and isinstance(probe.call.options.get("padding"), list):  # 2-tuples, it says
        pairs = tuple(map(tuple, probe.call.options["padding"]))
        words = [f"padding={pairs}" if w.startswith("padding=") else w for w in words]
    call = f"{name}({', '.join([*arguments, *words])})"
    return [f"y = {unwrap.format(call)}"]


def _torch_layer(probe: ProbeData, op: Op) -> list[str]:
    w, groups = probe.w.shape, probe.call.options.get("groups", 1)
    c, o = (w[0], w[1] * groups) if op.kind == "conv_transpose" else (w[1] * groups, w[0])
    words = [f"{c}", f"{o}", f"{w[2:]}", "bias=False", *_words(probe)]
    return [
        f"layer = {op.name}({', '.join(words)})",
        "layer.weight.data = torch.tensor(w)",
        "y = layer(torch.tensor(x)).detach().numpy()",
    ]


def _keras_layer(probe: ProbeData, op: Op) -> list[str]:
    w, rank = probe.w.shape, probe.w.ndim - 2
    own: dict[str, Any] = {"kernel_size": w[:rank], "use_bias": False}
    if op.kind == "depthwise_conv":
        own["depth_multiplier"] = w[-1]
    elif probe.pointwise is not None:
        own |= {"depth_multiplier": w[-1], "filters": probe.pointwise.shape[-1]}
    else:
        own["filters"] = w[-2] if op.kind == "conv_transpose" else w[-1]
    weights = "[w]" if probe.pointwise is None else "[w, p]"
    return [
        f"layer = {op.name}({', '.join(_words(probe, **own))})",
        "layer.build(x.shape)",
        f"layer.set_weights({weights})",
        "y = keras.ops.convert_to_numpy(layer(x))",
    ]


def _paddle_layer(probe: ProbeData, op: Op) -> list[str]:
    w, groups = probe.w.shape, probe.call.options.get("groups", 1)
    words = [f"{w[1] * groups}", f"{w[0]}", f"{w[2:]}", *_words(probe, bias_attr=False)]
    return [
        f"layer = {op.name}({', '.join(words)})",
        "layer.weight.set_value(w)",
        "y = layer(paddle.to_tensor(x)).numpy()",
    ]


def _flax_layer(probe: ProbeData, op: Op) -> list[str]:
    turned = bool(probe.call.options.get("transpose_kernel", False))
    features = probe.w.shape[-2 if turned else -1]
    own = {"features": features, "kernel_size": probe.w.shape[:-2], "use_bias": False}
    return [
        f"layer = {op.name}({', '.join(_words(probe, **own))})",
        'y = np.asarray(layer.apply({"params": {"kernel": w}}, x))',
    ]


def _lasagne_layer(probe: ProbeData, op: Op) -> list[str]:
    swapped = op.name.endswith(("TransposedConv2DLayer", "DilatedConv2DLayer"))
    filters = probe.w.shape[1 if swapped else 0]
    own = [f"{filters}", f"{probe.w.shape[2:]}", "W=w", "b=None", "nonlinearity=None"]
    words = [w for w in _words(probe) if not w.startswith("nonlinearity=")]
    return [
        "inputs = lasagne.layers.InputLayer(x.shape, theano.shared(x))",
        f"layer = {op.name}(inputs, {', '.join([*own, *words])})",
        "y = lasagne.layers.get_output(layer).eval()",
    ]


def _tinygrad_call(probe: ProbeData, op: Op) -> list[str]:
    words = ", ".join(["Tensor(w)", *_words(probe)])
    return [f"y = Tensor(x).{op.name.rpartition('.')[2]}({words}).numpy()"]


def _onnx_model(probe: ProbeData, op: Op) -> list[str]:
    node = op.name.rpartition(".")[2]
    zeros = ("x_zero_point", "w_zero_point")
    feeds = {"X": "x", "W": "w"}
    if node == "ConvInteger":
        feeds |= {
            z: f"np.array({probe.call.options.get(z, 0)}, {r}.dtype)" for z, r in zip(zeros, "xw")
        }
    words = [
        f"{n}={v!r}" for n, v in probe.call.options.items() if v is not None and n not in zeros
    ]
    attributes = ", ".join([f'"{node}"', "list(feeds)", '["Y"]', *words])
    result = f'np.dtype("{op.result}")' if op.result else "x.dtype"
    told_feeds = ", ".join(f'"{name}": {value}' for name, value in feeds.items())
    return [
        f"feeds = {{{told_feeds}}}",
        "helper, kind = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype",
        f"node = helper.make_node({attributes})",
        "inputs = [helper.make_tensor_value_info(n, kind(a.dtype), a.shape) "
        "for n, a in feeds.items()]",
        f'output = helper.make_tensor_value_info("Y", kind({result}), None)',
        'graph = helper.make_graph([node], "probe", inputs, [output])',
        'imports = [helper.make_opsetid("", 22)]',
        "model = helper.make_model(graph, opset_imports=imports, ir_version=10)",
        "session = onnxruntime.InferenceSession(model.SerializeToString())",
        "y = session.run(None, feeds)[0]",
    ]


def _openvino_model(probe: ProbeData, op: Op) -> list[str]:
    words = []
    for name, value in probe.call.options.items():
        said = repr(value)
        if name == "output_shape" and value is not None:
            said = f"opset13.constant(np.array({list(value)}, np.int64))"
        words.append(f"{name}={said}")
    call = ", ".join(["inputs", "opset13.constant(w)", *words])
    return [
        "inputs = opset13.parameter(x.shape, x.dtype)",
        f"model = openvino.Model([opset13.{op.name.rpartition('.')[2]}({call})], [inputs])",
        'exact = {"INFERENCE_PRECISION_HINT": "f32"}',
        'y = openvino.compile_model(model, "CPU", exact)([x])[0]',
    ]


def _by_hand(probe: ProbeData, op: Op) -> list[str]:
    """For what has no call in Python: arrays in files, and back."""
    arrays = _arrays(probe)
    layout = probe.call.lowered.layout
    given = ", ".join(op.array_names(role)[0] for role in arrays)
    words = "".join(f", {word}" for word in _words(probe))
    return [
        *(f'np.save("{role}.npy", {role})' for role in arrays),
        f"# Run {op.name}({given}{words}) on these arrays,",
        f"# x read as {layout.x}, w as {layout.w}; save its result, as {layout.y}, in y.npy:",
        'y = np.load("y.npy")',
    ]


# Julia


def julia(probe: ProbeData, op: Op) -> str:
    """Julia: arrays with the indices that NumPy prints, the native call, the comparison."""
    module, call = _julia_call(probe, op)
    a, b, c = FINGERPRINT
    size = probe.y.ndim
    first = [_plain(v) for v in probe.y.ravel()[:FIRST]]
    return "\n".join(
        [
            f"# {heading(probe)}",
            f"using {module}",
            "",
            *(_julia_array(role, array, probe.seed) for role, array in _arrays(probe).items()),
            "",
            call,
            "",
            f"v = Float64.(vec(permutedims(Array(y), {size}:-1:1)))  # the last index runs fastest",
            "k = 0:length(v) - 1",
            f"found = sum((mod.({a} .* k.^3 .+ {b} .* k.^2 .+ {c} .* k, {MODULUS}) .+ 1) .* v)",
            f'println("shape ", size(y), " must be ", {_julia(probe.y.shape)})',
            f'println("first ", v[1:{min(FIRST, probe.y.size)}], " must be ", {first})',
            f'println("fingerprint ", found, " must be ", {fingerprint(probe.y)})',
            f"same = size(y) == {_julia(probe.y.shape)} && found == {fingerprint(probe.y)}",
            'println(same ? "the same" : "it differs")',
        ]
    )


def _julia_array(role: str, array: Any, seed: int) -> str:
    a, b, c = formula("pointwise" if role == "p" else role)
    low, high = limits(str(array.dtype))
    kind = {"float32": "Float32", "float64": "Float64", "float16": "Float16"}[str(array.dtype)]
    values = f"{a} .* k.^3 .+ {b} .* k.^2 .+ {c} .* k{_and(seed, '.')}"
    values = f"{kind}.(mod.(mod.({values}, {MODULUS}), {high - low + 1}) .- {-low})"
    turned = ", ".join(map(str, reversed(array.shape)))
    return (
        f"k = 0:{array.size - 1}\n"
        f"{role} = permutedims(reshape({values}, {turned}), {array.ndim}:-1:1)"
    )


def _julia(value: Any) -> str:
    """A value as Julia writes it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if value in WORDS else f'"{value}"'
    if isinstance(value, (tuple, list)):
        inside = ", ".join(map(_julia, value))
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(value)


def _julia_call(probe: ProbeData, op: Op) -> tuple[str, str]:
    """The module to use, and the lines that make y."""
    family, _, name = op.name.partition(".")
    options = dict(probe.call.options)
    for inert in {"σ", "activation", "size"} & set(options):
        del options[inert]
    words = ", ".join(f"{n}={_julia(v)}" for n, v in options.items())
    after = f"; {words}" if words else ""
    if family == "knet":
        module = "Knet.Ops21" if name.startswith("ops21.") else "Knet"
        return f"Knet{', ' + module if module != 'Knet' else ''}", (
            f"y = {module}.{name.removeprefix('ops21.')}(w, x{after})"
        )
    if family == "nnlib":
        if name == "conv_data":
            return "NNlib", _conv_data(probe, options)
        return "NNlib", f"y = NNlib.{name}(x, w{after})"
    if family == "flux":
        if name == "DepthwiseConv":  # given a weight, Flux's own reads another layout
            name, each = "Conv", f"groups={probe.x.shape[-2]}"
            after = f"; {', '.join([each, words] if words else [each])}"
        return "Flux", f"layer = Flux.{name}(w, false{after})\ny = layer(x)"
    kernel = _julia(probe.w.shape[:-2])
    groups = int(options.get("groups", 1))
    first, second = probe.w.shape[-2], probe.w.shape[-1]
    c, o = (second, first * groups) if name == "ConvTranspose" else (first * groups, second)
    own = f"{kernel}, {c} => {o}; use_bias=false{', ' + words if words else ''}"
    return "Lux", f"layer = Lux.{name}({own})\ny, _ = layer(x, (; weight=w), NamedTuple())"


def _conv_data(probe: ProbeData, options: dict[str, Any]) -> str:
    """NNlib's gradient by the input needs the sizes of that input."""
    options.pop("input_size", None)
    words = "".join(f", {n}={_julia(v)}" for n, v in options.items())
    shape = _julia(probe.y.shape)
    return f"dims = DenseConvDims({shape}, size(w){words.replace(', ', '; ', 1)})\n" + (
        "y = NNlib.∇conv_data(x, w, dims)"
    )


# MATLAB


def matlab(probe: ProbeData, op: Op) -> str:
    """MATLAB (and Octave): arrays with the indices that NumPy prints, the call, the comparison."""
    a, b, c = FINGERPRINT
    name = op.name.removeprefix("matlab.")
    order = {"filter2": ["w", "x"], "conv2_uv": ["w", "p", "x"]}.get(name, ["x", "w"])
    words = [_matlab(v) for v in probe.call.options.values()]
    call = f"y = {name.removesuffix('_uv')}({', '.join([*order, *words])});"
    shape = probe.y.shape
    size = f"[{' '.join(map(str, shape))}]" if len(shape) > 1 else f"[1 {shape[0]}]"
    turn = f"permute(y, {_downwards(len(shape))})" if len(shape) > 1 else "y"
    load = ["% in Octave: pkg load image"] if name == "imfilter" else []
    first = " ".join(str(_plain(v)) for v in probe.y.ravel()[:FIRST])
    print_ = _plain(fingerprint(probe.y))
    return "\n".join(
        [
            f"% {heading(probe)}",
            *load,
            *(_matlab_array(role, array, probe.seed) for role, array in _arrays(probe).items()),
            "",
            call,
            "",
            f"v = reshape(double({turn}), 1, []);  % the last index runs fastest",
            "k = 0:numel(v) - 1;",
            f"found = sum((mod({a} * k.^3 + {b} * k.^2 + {c} * k, {MODULUS}) + 1) .* v);",
            f"disp(size(y)), disp('is the size; it must be'), disp({size})",
            f"disp(v(1:{min(FIRST, probe.y.size)})), disp('are first; they must be'), "
            f"disp([{first}])",
            f"printed = sprintf('fingerprint %d must be {print_}', found); disp(printed)",
            f"if isequal(size(y), {size}) && found == {print_}, disp('the same'), "
            "else, disp('it differs'), end",
        ]
    )


def _downwards(count: int) -> str:
    return f"[{' '.join(map(str, range(count, 0, -1)))}]"


def _matlab_array(role: str, array: Any, seed: int) -> str:
    a, b, c = formula("pointwise" if role == "p" else role)
    low, high = limits(str(array.dtype))
    kind = {"float32": "single", "float64": "double"}.get(str(array.dtype), str(array.dtype))
    values = f"mod({a} * k.^3 + {b} * k.^2 + {c} * k{_and(seed)}, {MODULUS})"
    values = f"{kind}(mod({values}, {high - low + 1}) - {-low})"
    if array.ndim > 1:
        turned = " ".join(map(str, reversed(array.shape)))
        values = f"permute(reshape({values}, [{turned}]), {_downwards(array.ndim)})"
    return f"k = 0:{array.size - 1};\n{role} = {values};"


def _matlab(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else repr(value)

"""TensorFlow's tests of its Python functions, run as they are on a TensorFlow that is uniconv.

The modules that they import are stood in for: arrays are NumPy's, convolutions are uniconv's, a
graph is run at once.  What a test needs beyond that is not modelled.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import sys
import types
import unittest
import warnings
from collections import abc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import torch

from uniconv import _functional as functional
from uniconv._native import native
from uniconv.conformance.suite import Verdict
from uniconv.errors import UniconvError

SOURCE = "tensorflow/tensorflow"
AT = "tensorflow/python/kernel_tests/nn_ops"
FILES = (
    "conv_ops_test",
    "conv_ops_3d_test",
    "conv1d_test",
    "conv1d_transpose_test",
    "conv2d_transpose_test",
    "conv3d_transpose_test",
    "atrous_conv2d_test",
    "atrous_convolution_test",
    "depthwise_conv_op_test",
)
CALLS: list[str] = []  # the convolutions of the test that runs


class NoNumbers(Exception):
    """What a test asks for and a convolution has not."""


class Dtype:
    """A dtype with what the tests ask of one; NumPy takes it for its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dtype = np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)
        self.as_numpy_dtype = self.dtype.type
        self.is_integer = "int" in name
        self.size = self.dtype.itemsize

    def __eq__(self, other: object) -> bool:
        return self.name == getattr(other, "name", getattr(other, "__name__", other))

    def __hash__(self) -> int:
        return hash(self.name)


class Tensor(np.ndarray):
    """An array with what the tests ask of a tensor."""

    @property
    def dtype(self) -> Any:
        return Dtype(np.asarray(self).dtype.name)

    def eval(self, **_: Any) -> np.ndarray:
        return np.asarray(self)

    def numpy(self) -> np.ndarray:
        return np.asarray(self)

    def get_shape(self) -> Shape:
        return Shape(self.shape)

    def set_shape(self, shape: Any) -> None:
        if tuple(shape) != self.shape:
            raise NoNumbers("a shape that is set later")


class Shape(tuple):  # type: ignore[type-arg]
    """A shape with what the tests ask of a TensorShape."""

    def __new__(cls, sizes: Any = ()) -> Shape:
        if sizes is None or None in tuple(sizes):
            raise NoNumbers("sizes that only a run knows")
        return tuple.__new__(cls, sizes)

    def as_list(self) -> list[int]:
        return list(self)

    @property
    def ndims(self) -> int:
        return len(self)

    rank = ndims

    def num_elements(self) -> int:
        return int(np.prod(self, dtype=int))


def tensor(value: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Tensor:
    """A constant; of Python's numbers as TensorFlow reads them."""
    array = np.asarray(value, dtype)
    if dtype is None and not isinstance(value, (np.ndarray, np.generic)):
        short = {"float64": "float32", "int64": "int32"}
        array = array.astype(short.get(array.dtype.name, array.dtype))
    if shape is not None:
        array = np.broadcast_to(array, shape) if array.size == 1 else array.reshape(shape)
    return np.array(array).view(Tensor)


def _arrays(given: dict[str, Any]) -> dict[str, Any]:
    """Tensors as arrays, and lists of integers as lists."""
    told = {}
    for name, value in given.items():
        if name in ("name", "use_cudnn_on_gpu") or (value is None and name != "dilations"):
            continue
        array = isinstance(value, np.ndarray)
        if name in ("output_shape", "strides", "rate") and array:
            value = value.tolist()
        told[name] = np.asarray(value) if isinstance(value, Tensor) and array else value
    return {k: v for k, v in told.items() if v is not None}


def call(function: str, **given: Any) -> Tensor:
    """One convolution by uniconv."""
    told = _arrays(given)
    CALLS.append(function)
    arrays = {k: a for k, a in told.items() if isinstance(a, np.ndarray)}
    short = {k for k, a in arrays.items() if a.dtype.name == "bfloat16"}
    if not short:
        return np.asarray(native(function)(**told)).view(Tensor)
    # NumPy itself has no bfloat16: torch has.
    tensors = {k: torch.from_numpy(arrays[k].astype("float32")).bfloat16() for k in short}
    y = native(function)(**(told | tensors)).float().numpy()
    return y.astype(ml_dtypes.bfloat16).view(Tensor)


def raw_conv(*_: Any, **__: Any) -> Any:
    raise NoNumbers("tf.raw_ops.Conv")


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: Any = None) -> Tensor:
    last = data_format is None or not data_format.startswith("NC")
    shape = (-1,) if last else (-1, *(1,) * (np.ndim(value) - 2))
    return (np.asarray(value) + np.asarray(bias).reshape(shape)).view(Tensor)


def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    kernel = filter if filters is None else filters
    options = {"strides": strides, "padding": padding, "data_format": data_format}
    function = "tf.compat.v1.nn.conv2d"
    return call(function, input=input, filter=kernel, dilations=_listed(dilations), **options)


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, (tuple, np.ndarray)) else value


def convolution(
    input: Any,
    filter: Any,
    padding: Any,
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    return call(
        "tf.compat.v1.nn.convolution",
        input=input,
        filter=filter,
        padding=padding,
        strides=_listed(strides),
        dilation_rate=_listed(dilation_rate),
        data_format=data_format,
    )


def conv1d(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool | None = None,
    data_format: str | None = None,
    name: str | None = None,
    input: Any = None,
    dilations: Any = None,
) -> Tensor:
    options = {"stride": stride, "padding": padding, "data_format": data_format}
    x = value if input is None else input
    return call("tf.nn.conv1d", input=x, filters=filters, dilations=_listed(dilations), **options)


def conv3d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    kernel = filter if filters is None else filters
    options = {"strides": strides, "padding": padding, "data_format": data_format}
    return call(
        "tf.nn.conv3d", input=input, filters=kernel, dilations=_listed(dilations), **options
    )


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    return call(
        "tf.nn.conv1d_transpose",
        input=input,
        filters=filters,
        output_shape=output_shape,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=_listed(dilations),
    )


def _transposed(function: str, rank: int) -> Callable[..., Tensor]:
    letters = "NHWC" if rank == 2 else "NDHWC"

    def transposed(
        value: Any = None,
        filter: Any = None,
        output_shape: Any = None,
        strides: Any = None,
        padding: Any = "SAME",
        data_format: str = letters,
        name: str | None = None,
        input: Any = None,
        filters: Any = None,
        dilations: Any = None,
    ) -> Tensor:
        kernel, x = filter if filters is None else filters, value if input is None else input
        options = {"output_shape": output_shape, "strides": _listed(strides), "padding": padding}
        return call(
            function,
            input=x,
            filters=kernel,
            data_format=data_format,
            dilations=_listed(dilations),
            **options,
        )

    return transposed


def conv2d_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    sizes = [int(n) for n in np.asarray(input_sizes).ravel()]
    if len(sizes) != 4:
        raise NoNumbers("input_sizes without batch and channels")
    return call(
        "tf.nn.conv2d_transpose",
        input=out_backprop,
        filters=filter,
        output_shape=sizes,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=_listed(dilations),
    )


def _kernel_gradient(function: str) -> Callable[..., Tensor]:
    def gradient(
        input: Any,
        filter_sizes: Any,
        out_backprop: Any,
        strides: Any = None,
        padding: Any = None,
        use_cudnn_on_gpu: bool = True,
        data_format: str | None = None,
        dilations: Any = None,
        name: str | None = None,
    ) -> Tensor:
        """The gradient of the kernel, through torch."""
        shape = [int(n) for n in np.asarray(filter_sizes).ravel()]
        x, dy = (torch.from_numpy(np.array(a)) for a in (input, out_backprop))
        w = torch.zeros(shape, dtype=x.dtype, requires_grad=True)
        options = {"strides": strides, "padding": padding, "dilations": _listed(dilations)}
        options["data_format"] = data_format
        CALLS.append(function)
        given = {k: v for k, v in options.items() if v is not None}
        y = functional.conv(x, w, dialect=function, **given)
        if y.shape != dy.shape:
            raise UniconvError(f"y has shape {tuple(y.shape)}, not {tuple(dy.shape)}")
        return torch.autograd.grad(y, w, dy)[0].numpy().view(Tensor)

    return gradient


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    return call(
        "tf.compat.v1.nn.depthwise_conv2d",
        input=input,
        filter=filter,
        strides=strides,
        padding=padding,
        rate=_listed(rate if dilations is None else dilations),
        data_format=data_format,
    )


def depthwise_conv2d_v2(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    return call(
        "tf.nn.depthwise_conv2d",
        input=input,
        filter=filter,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=_listed(dilations),
    )


def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    if tuple(dilations) != (1, 1, 1, 1):
        raise NoNumbers("tf.raw_ops.DepthwiseConv2dNative")
    return depthwise_conv2d(input, filter, strides, padding, data_format=data_format)


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    return call(
        "tf.nn.separable_conv2d",
        input=input,
        depthwise_filter=depthwise_filter,
        pointwise_filter=pointwise_filter,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=_listed(rate if dilations is None else dilations),
    )


def atrous_conv2d(value: Any, filters: Any, rate: Any, padding: Any, name: Any = None) -> Tensor:
    return call("tf.nn.atrous_conv2d", value=value, filters=filters, rate=rate, padding=padding)


def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: Any, padding: Any, name: Any = None
) -> Tensor:
    options = {"output_shape": output_shape, "rate": rate, "padding": padding}
    return call("tf.nn.atrous_conv2d_transpose", value=value, filters=filters, **options)


# The modules


class Standin(types.ModuleType):
    """A module whose unknown names are told when they are used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        inner = f"{self.__name__}.{name}"
        if inner.count(".") <= 3 or ".kernel_tests." in inner:  # a module, not what it has
            return importlib.import_module(inner)
        return Unknown(inner.removeprefix("tensorflow."))


class Unknown:
    """A name that is not stood in for: a decorator that does nothing, or NoNumbers when called."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *given: Any, **_: Any) -> Any:
        if ".test_util." in self.name or ".test." in self.name:
            return _decorator(*given)
        raise NoNumbers(self.name.removeprefix("python."))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Unknown(f"{self.name}.{name}")

    def __enter__(self) -> Any:
        raise NoNumbers(self.name.removeprefix("python."))

    def __exit__(self, *_: object) -> None: ...

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        return (object,)


def _decorator(*given: Any) -> Any:
    if given and (callable(given[0]) or isinstance(given[0], type)):
        return given[0]
    return lambda decorated: decorated


def _nhwc_to_nchw(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.ndim > 1:
        return np.moveaxis(value, -1, 1).view(Tensor)
    listed = list(value)
    return [listed[0], listed[-1], *listed[1:-1]]


def _nchw_to_nhwc(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.ndim > 1:
        return np.moveaxis(value, 1, -1).view(Tensor)
    listed = list(value)
    return [listed[0], *listed[2:], listed[1]]


def _device(*_: Any, **__: Any) -> Any:
    return contextlib.nullcontext()


class Graph:
    """A graph whose kernels nothing chooses."""

    def _kernel_label_map(self, _: Any) -> Any:
        return contextlib.nullcontext()


class Session:
    """A session in which everything has been run already."""

    graph = Graph()

    def run(self, fetched: Any, feed_dict: Any = None, **_: Any) -> Any:
        if feed_dict:
            raise NoNumbers("values that are fed to placeholders")
        return fetched

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None: ...


class TestCase(unittest.TestCase):
    """TensorFlow's, as far as the tests use it."""

    __test__ = False

    def session(self, *_: Any, **__: Any) -> Session:
        return Session()

    cached_session = test_session = session

    def evaluate(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [self.evaluate(v) for v in value]
        return np.asarray(value) if isinstance(value, Tensor) else value

    def assertAllClose(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: Any = None
    ) -> None:
        a, b = (np.asarray(v).astype("float64") for v in (a, b))
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)

    def assertAllCloseAccordingToType(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, **_: Any
    ) -> None:
        names = {np.asarray(v).dtype.name for v in (a, b)}
        least = 1e-2 if "bfloat16" in names else 1e-3 if "float16" in names else 1e-6
        self.assertAllClose(a, b, max(rtol, least), max(atol, least))

    def assertAllEqual(self, a: Any, b: Any, msg: Any = None) -> None:
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))

    assertArrayNear = assertAllClose

    def assertEqual(self, first: Any, second: Any, msg: Any = None) -> None:
        """Shapes are lists or tuples."""
        first, second = (list(v) if isinstance(v, (list, tuple)) else v for v in (first, second))
        unittest.TestCase.assertEqual(self, first, second, msg)

    def assertShapeEqual(self, a: Any, b: Any, **_: Any) -> None:
        self.assertEqual(np.shape(a), np.shape(b))

    @contextlib.contextmanager
    def assertRaisesRegex(self, *_: Any, **__: Any) -> Iterator[None]:
        """The refusal, in words of our own."""
        try:
            yield
        except (UniconvError, ValueError, TypeError):
            return
        raise AssertionError("computed, but the framework refuses it")

    assertRaises = assertRaisesRegex  # type: ignore[assignment]
    assertRaisesRegexp = assertRaisesOpError = assertRaisesRegex
    assertRaisesWithPredicateMatch = assertRaisesRegex


def _placeholder(dtype: Any, shape: Any = None, name: Any = None) -> Tensor:
    return np.zeros(Shape(shape), dtype).view(Tensor)


def _random(shape: Any, *_: Any, dtype: Any = "float32", **__: Any) -> Tensor:
    rng = np.random.default_rng(len(shape))
    return rng.standard_normal(tuple(shape)).astype(dtype).view(Tensor)


def _parametrized(*sets: Any, **_: Any) -> Callable[[Any], Any]:
    if len(sets) == 1 and isinstance(sets[0], abc.Iterable) and not isinstance(sets[0], dict):
        first = list(sets[0])
        sets = tuple(first) if first and isinstance(first[0], (tuple, list, dict)) else sets

    def mark(test: Any) -> Any:
        test.parameter_sets = list(sets)
        return test

    return mark


def _named(*sets: Any) -> Callable[[Any], Any]:
    return _parametrized(
        *(
            {k: v for k, v in s.items() if k != "testcase_name"} if isinstance(s, dict) else s[1:]
            for s in sets
        )
    )


STANDINS: dict[str, dict[str, Any]] = {
    "framework.dtypes": {
        n: Dtype(n) for n in ("float16", "float32", "float64", "bfloat16", "int32", "int64", "int8")
    }
    | {"half": Dtype("float16")},
    "framework.constant_op": {"constant": tensor},
    "framework.errors": {"InvalidArgumentError": UniconvError, "UnimplementedError": UniconvError},
    "framework.errors_impl": {
        "InvalidArgumentError": UniconvError,
        "UnimplementedError": UniconvError,
    },
    "framework.tensor_shape": {"TensorShape": Shape},
    "framework.ops": {
        "get_default_graph": lambda: Graph(),
        "device": _device,
        "Graph": type("Graph", (), {"as_default": _device}),
        "convert_to_tensor": tensor,
        "reset_default_graph": lambda: None,
    },
    "framework.test_util": {
        "device": _device,
        "use_gpu": _device,
        "force_cpu": _device,
        "NHWCToNCHW": _nhwc_to_nchw,
        "NCHWToNHWC": _nchw_to_nhwc,
        "IsMklEnabled": lambda: False,
        "GpuSupportsHalfMatMulAndConv": lambda: True,
        "is_xla_enabled": lambda: False,
    },
    "framework.random_seed": {"set_random_seed": lambda *_: None},
    "platform.test": {
        "TestCase": TestCase,
        "Benchmark": object,
        "is_gpu_available": lambda *_, **__: True,
        "is_built_with_rocm": lambda: False,
        "is_built_with_cuda": lambda: True,
        "main": lambda: None,
    },
    "platform.tf_logging": dict.fromkeys(("debug", "info", "error"), lambda *_: None),
    "eager.context": {"executing_eagerly": lambda: True, "eager_mode": _device},
    "util.compat": {"collections_abc": abc},
    "ops.nn_ops": {
        "convert_padding": raw_conv,
        "bias_add": bias_add,
        "conv2d": conv2d,
        "convolution": convolution,
        "conv1d": conv1d,
        "conv3d": conv3d,
        "conv3d_v2": conv3d,
        "conv1d_transpose": conv1d_transpose,
        "conv2d_transpose": _transposed("tf.compat.v1.nn.conv2d_transpose", 2),
        "conv3d_transpose": _transposed("tf.nn.conv3d_transpose", 3),
        "conv2d_backprop_input": conv2d_backprop_input,
        "conv2d_backprop_filter": _kernel_gradient("tf.nn.conv2d"),
        "conv3d_backprop_filter_v2": _kernel_gradient("tf.nn.conv3d"),
        "depthwise_conv2d_native": depthwise_conv2d_native,
        "atrous_conv2d": atrous_conv2d,
        "atrous_conv2d_transpose": atrous_conv2d_transpose,
    },
    "ops.nn_impl": {
        "depthwise_conv2d": depthwise_conv2d,
        "depthwise_conv2d_v2": depthwise_conv2d_v2,
        "separable_conv2d": separable_conv2d,
    },
    "ops.gen_nn_ops": {"conv": raw_conv},
    "ops.array_ops": {
        "placeholder": _placeholder,
        "identity": lambda a, **_: a,
        "transpose": lambda a, perm=None: np.transpose(a, perm).view(Tensor),
        "expand_dims": lambda a, axis=None: np.expand_dims(a, axis).view(Tensor),
        "reshape": lambda a, shape: np.reshape(a, shape).view(Tensor),
        "pad": lambda a, pads: np.pad(a, pads).view(Tensor),
        "squeeze": lambda a, axis=None: np.squeeze(a, tuple(axis) if axis else None).view(Tensor),
        "zeros": lambda shape, dtype="float32": np.zeros(Shape(shape), dtype).view(Tensor),
        "ones": lambda shape, dtype="float32": np.ones(Shape(shape), dtype).view(Tensor),
        "concat": lambda values, axis: np.concatenate(values, axis).view(Tensor),
        "split": lambda value, count, axis=0: [
            a.view(Tensor) for a in np.split(value, count, axis)
        ],
    },
    "ops.array_ops_stack": {"stack": lambda values, axis=0: np.stack(values, axis).view(Tensor)},
    "ops.random_ops": {
        "random_normal": _random,
        "random_uniform": _random,
        "truncated_normal": _random,
    },
    "ops.variables": {
        "Variable": lambda value, **_: value,
        "global_variables_initializer": lambda: None,
    },
    "ops.math_ops": {"add_n": lambda arrays: sum(arrays)},
}


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for TensorFlow, and for absl's parameterized tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name.split(".")[0] not in ("tensorflow", "absl"):
            return None
        own = self.folder / f"{name.rpartition('.')[2]}.py"
        if name.startswith("tensorflow.python.kernel_tests.nn_ops.") and own.exists():
            return importlib.util.spec_from_file_location(name, own)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    @staticmethod
    def known(name: str) -> dict[str, Any]:
        """What a module has."""
        if name == "absl.testing.parameterized":
            return {
                "TestCase": type("Parameterized", (), {}),
                "parameters": _parametrized,
                "named_parameters": _named,
            }
        return STANDINS.get(name.removeprefix("tensorflow.python."), {})

    def create_module(self, spec: Any) -> types.ModuleType:
        made = Standin(spec.name)
        vars(made).update(self.known(spec.name))
        return made

    def exec_module(self, module: types.ModuleType) -> None: ...


@contextlib.contextmanager
def stood_in(folder: Path) -> Iterator[None]:
    """While TensorFlow is stood in for."""
    known = {n: m for n, m in sys.modules.items() if n.split(".")[0] in ("tensorflow", "absl")}
    for name in known:
        del sys.modules[name]
    finder = Finder(folder)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [n for n in sys.modules if n.split(".")[0] in ("tensorflow", "absl")]:
            del sys.modules[name]
        sys.modules.update(known)


def suites(checkout: Path) -> dict[str, list[Verdict]]:
    found = {}
    for name in FILES:
        with stood_in(checkout / AT), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found[f"{name}.py"] = list(_verdicts(checkout / AT / f"{name}.py"))
    return found


def _verdicts(file: Path) -> Iterator[Verdict]:
    spec = importlib.util.spec_from_file_location(f"theirs_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for kind in vars(module).values():
        if isinstance(kind, type) and issubclass(kind, TestCase) and kind is not TestCase:
            for name in sorted(n for n in dir(kind) if n.startswith("test")):
                if callable(getattr(kind, name)) and name not in ("test_session",):
                    yield from _of_test(kind, name)


def _of_test(kind: type[TestCase], name: str) -> Iterator[Verdict]:
    """The verdict of a test, for each set of its parameters."""
    for i, given in enumerate(getattr(getattr(kind, name), "parameter_sets", [()])):
        told = f"{kind.__name__}.{name}" + (f" {i}" if given else "")
        CALLS.clear()
        with contextlib.redirect_stdout(io.StringIO()):
            yield Verdict(told, *_outcome(kind, name, given))


def _outcome(kind: type[TestCase], name: str, given: Any) -> tuple[str, str]:
    case = kind(name)
    try:
        case.setUp()
        if isinstance(given, dict):
            getattr(case, name)(**given)
        else:
            getattr(case, name)(*given)
    except unittest.SkipTest as skipped:
        return "not modelled", f"skipped: {skipped}"
    except NoNumbers as error:
        return "not modelled", str(error)
    except UniconvError as error:
        return "refused", str(error)
    except AssertionError as error:
        return "wrong", " ".join(str(error).split())[:120]
    except Exception as error:
        return "not modelled", f"not read: {type(error).__name__}: {str(error)[:120]}"
    return ("passed", "") if CALLS else ("not modelled", "makes no convolution of its own")

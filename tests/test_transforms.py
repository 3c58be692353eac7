"""Autograd, vmap, torch.compile, torch.export and fake CUDA tensors, over all functions."""

import random
import warnings

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import uniconv
from uniconv.spec.op import FLOATS
from uniconv.spec.registry import find
from uniconv.testing.cases import probe, random_case

TF_SAME = {"dialect": "tf", "strides": 2, "padding": "SAME"}
REFLECT = {"padding": 2, "padding_mode": "reflect"}
CALLS = [
    ("conv", (2, 7, 6, 3), (3, 2, 3, 5), TF_SAME),
    ("conv", (7, 6, 3, 2), (3, 2, 3, 5), {"dialect": "knet", "padding": (1, 2), "stride": 2}),
    ("conv", (2, 9, 3), (3, 3, 5), {"dialect": "tf", "stride": 2, "padding": "SAME"}),
    ("conv", (2, 4, 7, 6), (6, 2, 3, 2), {"groups": 2, "padding": "same"}),
    ("conv", (2, 3, 7, 6), (5, 3, 3, 2), {"dialect": "nn.Conv2d", **REFLECT}),
    (
        "conv_transpose",
        (2, 4, 3, 3),
        (3, 2, 5, 3),
        {"dialect": "tf", "strides": 2, "output_shape": [2, 8, 5, 5]},
    ),
    ("conv_transpose", (2, 4, 5, 3), (4, 3, 3, 2), {"stride": (2, 3), "groups": 2, "padding": 1}),
    (
        "depthwise_conv",
        (2, 7, 6, 3),
        (3, 2, 3, 2),
        {"strides": [1, 2, 2, 1], "padding": "SAME"},
    ),
]  # fmt: skip


def call_of(kind, options):
    return lambda x, w: getattr(uniconv, kind)(x, w, **options)


def tensors(case, seed, dtype):
    # gradcheck refuses the strides of 0 that NumPy gives to empty arrays.
    arrays = probe(case, seed=seed, dtype=dtype)
    return [torch.from_numpy(a.ravel().copy()).reshape(a.shape) for a in arrays]


def run(case, arrays, **more):
    options = {k: v for k, v in case.options.items() if k not in (case.op.addend or ())}
    if case.op.kind == "separable_conv":
        return uniconv.separable_conv(*arrays, dialect=case.op.name, **options, **more)
    return uniconv.conv(*arrays, dialect=case.op.name, **options, **more)


def skip_integers(name):
    if "float64" not in find(name).dtypes:
        pytest.skip("a function of integers")


def test_gradients_of_first_and_second_order(uniconv_dialect):
    skip_integers(uniconv_dialect)
    rng = random.Random(uniconv_dialect)
    for seed in range(3):
        case = random_case(find(uniconv_dialect), rng)
        arrays = [a.requires_grad_() for a in tensors(case, seed, "float64")]
        assert torch.autograd.gradcheck(lambda *a, case=case: run(case, a), arrays, fast_mode=True)
        assert torch.autograd.gradgradcheck(
            lambda *a, case=case: run(case, a), arrays, fast_mode=True
        )


def test_vmap_is_a_loop(uniconv_dialect):
    skip_integers(uniconv_dialect)
    rng = random.Random(uniconv_dialect)
    for seed in range(4):
        case = random_case(find(uniconv_dialect), rng)
        several = [tensors(case, s, "float32") for s in (seed, seed + 100, seed + 200)]
        stacked = [torch.stack(arrays) for arrays in zip(*several)]
        with warnings.catch_warnings():
            # "There is a performance drop": torch's, for ops without a batching rule of their own.
            warnings.filterwarnings("ignore", message="There is a performance drop")
            y = torch.func.vmap(lambda *a, case=case: run(case, a))(*stacked)
        assert torch.equal(y, torch.stack([run(case, arrays) for arrays in several]))


def test_fake_cuda_leaves_neither_the_device_nor_the_dtype(uniconv_dialect):
    """Nothing is computed, but torch refuses every meeting of two devices."""
    skip_integers(uniconv_dialect)
    rng = random.Random(uniconv_dialect)
    kinds = [getattr(torch, name) for name in FLOATS if name in find(uniconv_dialect).dtypes]
    for dtype in kinds:
        for _ in range(3):
            case = random_case(find(uniconv_dialect), rng)
            wanted = run(case, tensors(case, 0, "float32"))
            # torch's fake convolution in one dimension asks for a CUDA build, and so does copy_, by
            # which x of four axes is spread; meta has no memory.
            device = "cuda" if case.call.rank in (2, 3) else "meta"
            with FakeTensorMode():
                arrays = [
                    torch.empty(shape, dtype=dtype, device=device)
                    for shape in (case.x_shape, case.w_shape, case.pointwise_shape)
                    if shape is not None
                ]
                y = run(case, arrays)
            narrow = case.call.op.mixed_dtypes == "fft" and dtype is torch.float16  # made float32
            result = torch.float32 if narrow else dtype
            assert (y.device.type, y.dtype, y.shape) == (device, result, wanted.shape)


def test_fake_cuda_integers_stay_on_the_device():
    with FakeTensorMode():
        x = torch.empty(2, 7, 6, 3, dtype=torch.int32, device="cuda")
        w = torch.empty(3, 2, 3, 5, dtype=torch.int32, device="cuda")
        y = uniconv.conv(x, w, **TF_SAME)
    assert (y.device.type, y.dtype, tuple(y.shape)) == ("cuda", torch.int32, (2, 4, 3, 5))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_cuda_equals_the_cpu(uniconv_dialect):
    skip_integers(uniconv_dialect)
    rng = random.Random(uniconv_dialect)
    for seed in range(10):
        case = random_case(find(uniconv_dialect), rng)
        for dtype in ("float32", "float64"):
            arrays = tensors(case, seed, dtype)
            y = run(case, [a.cuda() for a in arrays])
            assert y.device.type == "cuda"
            assert torch.equal(y.cpu(), run(case, arrays))


@pytest.mark.parametrize(("kind", "x", "w", "options"), CALLS)
def test_compile_takes_the_whole_call(kind, x, w, options):
    x, w = torch.randn(x), torch.randn(w, requires_grad=True)
    f = call_of(kind, options)
    torch._dynamo.reset()
    compiled = torch.compile(f, fullgraph=True, backend="aot_eager")
    y = compiled(x, w)
    torch.testing.assert_close(y, f(x, w))
    (got,) = torch.autograd.grad(y.square().sum(), w)
    (wanted,) = torch.autograd.grad(f(x, w).square().sum(), w)
    torch.testing.assert_close(got, wanted)


def test_compile_takes_native_functions_and_separable_convolutions():
    conv2d, v1 = uniconv.native("tf.nn.conv2d"), uniconv.native("tf.compat.v1.nn.conv2d")
    x, w, d = torch.randn(2, 7, 6, 3), torch.randn(3, 2, 3, 5), torch.randn(3, 2, 3, 2)
    p = torch.randn(1, 1, 6, 4)

    def f(x, w):
        strides = [1, 1, 1, 1]
        y = conv2d(x, w, 2, "SAME") + v1(x, filters=w, strides=2, padding="SAME")
        return y, uniconv.separable_conv(x, d, p, strides=strides, padding="VALID")

    torch._dynamo.reset()
    for got, wanted in zip(torch.compile(f, fullgraph=True, backend="aot_eager")(x, w), f(x, w)):
        torch.testing.assert_close(got, wanted)


def test_one_graph_serves_all_sizes():
    torch._dynamo.reset()
    graphs = torch._dynamo.testing.CompileCounterWithBackend("aot_eager")
    f = call_of("conv", TF_SAME)
    compiled = torch.compile(f, fullgraph=True, backend=graphs)
    w = torch.randn(3, 3, 3, 5)
    for size in (9, 10, 13, 16, 21):
        x = torch.randn(2, size, size + 3, 3)
        torch.testing.assert_close(compiled(x, w), f(x, w))
    assert graphs.frame_count <= 2  # one static, one for all other sizes


class Layer(torch.nn.Module):
    def __init__(self, kind, w, options):
        super().__init__()
        self.w = torch.nn.Parameter(torch.randn(w))
        self.kind, self.options = kind, options

    def forward(self, x):
        return getattr(uniconv, self.kind)(x, self.w, **self.options)


@pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.`:FutureWarning")  # torch's own
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("kind", "x", "w", "options"), CALLS)
def test_export(kind, x, w, options, strict):
    torch._dynamo.reset()
    layer, x = Layer(kind, w, options), torch.randn(x)
    program = torch.export.export(layer, (x,), strict=strict)
    torch.testing.assert_close(program.module()(x), layer(x))
    targets = {
        str(n.target) for n in program.run_decompositions().graph.nodes if n.op == "call_function"
    }
    assert all(t.startswith("aten.") for t in targets), targets


@pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.`:FutureWarning")  # torch's own
def test_export_with_dynamic_sizes():
    layer = Layer("conv", (3, 3, 3, 5), {"dialect": "tf", "strides": 1, "padding": "SAME"})
    sizes = {1: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC}
    program = torch.export.export(layer, (torch.randn(2, 8, 9, 3),), dynamic_shapes=(sizes,))
    for size in ((2, 8, 9, 3), (2, 11, 6, 3)):
        x = torch.randn(size)
        torch.testing.assert_close(program.module()(x), layer(x))


def test_nhwc_is_read_without_a_copy():
    """Memory beyond x, w and y stays below 1/20 of x: no permuted copy is made."""
    x, w = torch.randn(8, 56, 56, 64), torch.randn(3, 3, 64, 8)
    from torch.profiler import ProfilerActivity, profile

    with torch.no_grad(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        y = uniconv.conv(x, w, dialect="tf", strides=1, padding="SAME")
    taken = sum(max(e.cpu_memory_usage, 0) for e in seen.events() if not e.cpu_children)
    extra = taken - y.numel() * 4 - w.numel() * 4
    assert extra <= 0.05 * x.numel() * 4


def test_a_julia_array_is_read_without_a_copy():
    """The executor sees the very memory of a column-major array, contiguous."""
    seen = {}
    x = np.asfortranarray(np.random.default_rng(0).standard_normal((9, 8, 3, 2)))
    w = np.asfortranarray(np.random.default_rng(1).standard_normal((3, 2, 3, 4)))

    class Watch(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            if func is torch.conv2d:
                seen["x"], seen["w"] = args[0], args[1]
            return func(*args, **(kwargs or {}))

    with Watch():
        uniconv.conv(x, w, dialect="knet.conv4", mode=1, device="cpu")
    assert seen["x"].is_contiguous()
    assert seen["x"].data_ptr() == x.ctypes.data
    assert seen["w"].is_contiguous()
    assert seen["w"].data_ptr() == w.ctypes.data

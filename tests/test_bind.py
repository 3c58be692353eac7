"""bind and stored kernels: every function gives what a plain call gives, gradients included."""

import random
from collections import Counter

import numpy as np
import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

import uniconv
from uniconv._calls.stored import stored_kernel
from uniconv._canonical.onednn import Packed
from uniconv._canonical.steps import Convolve
from uniconv._describe import dialects
from uniconv.errors import BadArray, BadOption, BadShape
from uniconv.spec.registry import find
from uniconv.testing.cases import probe, random_case

NAMES = [name for names in dialects().values() for name in names]


def cases(name, count=4):
    """Random valid calls of a function; without arrays that only one call can have."""
    op, rng = find(name), random.Random(f"bind {name}")
    for _ in range(count):
        case = random_case(op, rng)
        case.options.pop(op.addend[0] if op.addend else "", None)
        yield op, case


def arrays_of(op, case, seed=0):
    dtype = next(d for d in ("float32", *op.dtypes) if d in op.dtypes)
    return [torch.from_numpy(a.copy()) for a in probe(case, seed, dtype)]


def call(op, x, w, point, case):
    if point:
        return uniconv.separable_conv(x, w, *point, dialect=op.name, **case.options)
    return uniconv.conv(x, w, dialect=op.name, **case.options)


@pytest.mark.parametrize("name", NAMES)
def test_a_bound_kernel_gives_what_a_call_gives(name):
    for op, case in cases(name):
        x, w, *point = arrays_of(op, case)
        if op.outer_product:
            with pytest.raises(BadArray, match="product of two vectors"):
                uniconv.bind(w, dialect=name, kind=op.kind, pointwise=point[0], **case.options)
            continue
        bound = uniconv.bind(
            w, dialect=name, kind=op.kind, pointwise=(point or [None])[0], **case.options
        )
        if w.ndim < case.call.rank > 3:  # by which of x's axes it lies, only x can tell
            with pytest.raises(BadShape, match="is for x of at most 3 spatial axes"):
                bound(x)
            continue
        assert torch.equal(bound(x), call(op, x, w, point, case)), case
        assert bound(x).shape == case.call.output


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_kernel_comes_back_bit_by_bit(name):
    for op, case in cases(name):
        if op.outer_product:
            continue
        w = arrays_of(op, case)[1]
        kernel = stored_kernel(op, case.options, case.w_shape)
        stored = kernel.store(w)
        assert stored.stride() == torch.empty(stored.shape).stride()  # of axes of size 1, too
        assert tuple(stored.shape) == kernel.stored_shape
        assert torch.equal(kernel.restore(stored), w), case


@pytest.mark.parametrize(
    ("dialect", "w", "options", "stored", "view"),
    [
        ("tf.nn.conv2d", (3, 2, 4, 5), {"strides": 1, "padding": "SAME"}, (5, 3, 2, 4), True),
        ("torch.nn.functional.conv2d", (5, 4, 3, 2), {}, (5, 4, 3, 2), True),
        ("knet.conv4", (3, 2, 4, 5), {}, (5, 4, 2, 3), False),
        ("knet.conv4", (3, 2, 4, 5), {"mode": 1}, (5, 4, 2, 3), True),
        ("knet.deconv4", (3, 2, 5, 4), {}, (4, 5, 2, 3), False),
        ("keras.ops.conv_transpose", (3, 2, 5, 4), {}, (4, 3, 2, 5), True),
        ("keras.ops.depthwise_conv", (3, 2, 4, 5), {}, (20, 3, 2, 1), True),
    ],
)
def test_kernels_are_stored_as_torch_runs_them_fastest(dialect, w, options, stored, view):
    kernel = stored_kernel(find(dialect), options, w)
    assert kernel.stored_shape == stored
    held = torch.zeros(stored)
    shares = kernel.restore(held).untyped_storage().data_ptr() == held.untyped_storage().data_ptr()
    assert shares is view  # a flip must copy


def test_a_bound_kernel_sees_no_later_change_and_gives_x_its_gradient():
    w, b = torch.arange(6.0).reshape(3, 1, 2), torch.tensor([1.0, 2.0])
    for dialect, options in (("flax", {"padding": "VALID"}), ("knet.conv4", {})):
        bound = uniconv.bind(w, b, dialect=dialect, **options)
        x = (
            torch.arange(5.0)
            .reshape((1, 5, 1) if dialect == "flax" else (5, 1, 1))
            .requires_grad_()
        )
        y = bound(x)
        w.add_(1)
        b.add_(1)
        assert torch.equal(bound(x), y)
        (dx,) = torch.autograd.grad(y.sum(), x)
        w.sub_(1)
        b.sub_(1)
        assert torch.equal(y, uniconv.conv(x, w, b, dialect=dialect, **options))
        (want,) = torch.autograd.grad(uniconv.conv(x, w, dialect=dialect, **options).sum(), x)
        assert torch.equal(dx, want)


def test_a_bound_kernel_takes_numpy_and_gives_it_back():
    w = np.array([1, 10, 100.0]).reshape(3, 1, 1)
    bound = uniconv.bind(w, np.array([0.5]), dialect="knet.conv4", padding=1)
    y = bound(np.array([1, 2, 3, 4.0]).reshape(4, 1, 1))
    assert isinstance(y, np.ndarray)
    assert y.ravel().tolist() == [12.5, 123.5, 234.5, 340.5]


def test_messages():
    w = torch.zeros(3, 3, 2, 5)
    told = 'keras.ops.conv has no option "stride": did you mean "strides"?'
    with pytest.raises(BadOption) as caught:
        uniconv.bind(w, dialect="keras", stride=2)
    assert str(caught.value) == told
    with pytest.raises(BadShape) as caught:
        uniconv.bind(w, dialect="keras")(torch.zeros(1, 8, 8, 3))
    assert str(caught.value) == (
        'keras.ops.conv: x (1, 8, 8, 3) read as "n ... c" has c = 3, '
        'w (3, 3, 2, 5) read as "... i o" has i = 2; c must be a multiple of i'
    )
    with pytest.raises(BadArray) as caught:
        uniconv.bind(w, dialect="keras")([1, 2])
    assert str(caught.value) == "x is a builtins.list, no array: give a tensor or a NumPy array"
    with pytest.raises(BadArray) as caught:
        uniconv.bind(w, dialect="knet.ops21.conv", z=w)
    assert str(caught.value) == ("knet.ops21.conv: z is an array of one call: add it to the result")
    assert repr(uniconv.bind(w, dialect="keras", padding="same")) == (
        "bind(w (3, 3, 2, 5), dialect='keras.ops.conv', padding='same')"
    )


@pytest.mark.parametrize("dialect", ["keras", "knet"])
def test_a_bound_kernel_compiles_for_any_size(dialect):
    w, b = torch.arange(24.0).reshape(3, 2, 2, 2), torch.tensor([1.0, 2.0])
    padding = {"strides": 2, "padding": "same"} if dialect == "keras" else {"padding": 1}
    bound = uniconv.bind(w, b, dialect=dialect, **padding)
    graphs = CompileCounterWithBackend("aot_eager")
    torch._dynamo.reset()
    compiled = torch.compile(lambda x: bound(x), fullgraph=True, backend=graphs)
    for n in (5, 6, 9, 12, 15):
        shape = (1, n, n + 1, 2) if dialect == "keras" else (n, n + 1, 2, 1)
        x = torch.arange(2.0 * n * (n + 1)).reshape(shape) % 7
        assert torch.equal(compiled(x), bound(x))
    assert graphs.frame_count <= 2


# Kernels of many numbers: on a CPU they are kept in oneDNN's blocks

LARGE = {
    "uneven padding": ("keras", (3, 3, 128, 96), (2, 6, 9, 128), {"padding": "same", "strides": 2}),
    "one axis": ("keras", (5, 160, 128), (2, 11, 160), {"padding": "same", "dilation_rate": 2}),
    "no batch": ("pytorch", (96, 128, 3, 3), (128, 5, 7), {"padding": (0, 1), "stride": (2, 1)}),
    "groups": ("pytorch", (96, 400, 2, 2), (2, 1200, 5, 7), {"groups": 3, "padding": (1, 0)}),
    "flipped": ("knet", (3, 2, 128, 160), (5, 7, 128, 2), {"padding": (1, 0), "dilation": (1, 2)}),
}


def numbers(*shape, seed=0):
    """Integers that no order of summing changes."""
    return torch.from_numpy(np.random.default_rng(seed).integers(-4, 5, shape).astype("float32"))


@pytest.mark.parametrize("case", LARGE)
def test_a_large_kernel_is_packed_once_a_size_and_gives_what_a_call_gives(case, monkeypatch):
    dialect, w_shape, x_shape, options = LARGE[case]
    packings = []
    reorder = torch._C._nn.mkldnn_reorder_conv2d_weight
    monkeypatch.setattr(
        torch._C._nn,
        "mkldnn_reorder_conv2d_weight",
        lambda *given: packings.append(given) or reorder(*given),
    )
    w, x = numbers(*w_shape), numbers(*x_shape, seed=1)
    if dialect == "pytorch":  # channels last in memory only
        x = x.movedim(-3, -1).contiguous().movedim(-1, -3)
    b = numbers(w_shape[0 if dialect == "pytorch" else -1], seed=2)
    bound = uniconv.bind(w, b, dialect=dialect, **options)
    want = uniconv.conv(x, w, b, dialect=dialect, **options)
    assert torch.equal(bound(x), want)
    assert torch.equal(bound(x), want)
    wider = torch.cat([x, x], 1 if dialect != "knet" else 0)
    if dialect != "pytorch":
        for _ in range(2):
            assert torch.equal(bound(wider), uniconv.conv(wider, w, b, dialect=dialect, **options))
    sizes = [problem[-1] for _, *problem in packings]
    assert len(sizes) == (1 if dialect == "pytorch" else 2)
    assert sizes[0] != sizes[-1] or len(sizes) == 1


def test_a_kernel_is_kept_in_four_formats_of_blocks_at_most(monkeypatch):
    layouts = iter(range(20))
    monkeypatch.setattr(
        torch.ops.mkldnn,
        "_get_mkldnn_serialized_md",
        lambda blocks: torch.tensor([next(layouts) // 2], dtype=torch.uint8),
    )
    packed, op = Packed(), Counter()
    w = numbers(96, 128, 3, 3)

    def plain(*given):
        op["plain"] += 1
        return torch.conv2d(*given)

    for size in range(5, 15):  # formats 0 0 1 1 2 2 3 3 4 4
        x = numbers(1, size, size, 128, seed=size).movedim(-1, 1)
        run = packed.over(plain, Convolve("y", "x", "w", (1, 1), (0, 0), (1, 1), 1))
        for _ in range(2):
            assert torch.equal(run(x, w, None), torch.conv2d(x, w))
    assert op["plain"] == 4


def test_x_with_channels_first_in_memory_gives_such_a_y():
    w, x = numbers(96, 128, 3, 3), numbers(2, 128, 5, 6, seed=1)
    y = uniconv.bind(w, dialect="pytorch", padding=1)(x)
    assert y.stride() == (96 * 30, 30, 6, 1)
    julia = [a.permute(3, 2, 1, 0) for a in (x, w)]
    y = uniconv.bind(julia[1], dialect="knet", padding=1)(julia[0])
    assert y.stride() == (1, 6, 30, 96 * 30)


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")  # torch.func.jvp's
def test_derivatives_and_maps_of_a_packed_kernel_are_those_of_a_call():
    w, x, t = numbers(3, 3, 128, 96), numbers(2, 5, 6, 128, seed=1), numbers(2, 5, 6, 128, seed=2)
    bound = uniconv.bind(w, dialect="keras", padding="same")
    bound(x)  # packs

    def call(x):
        return uniconv.conv(x, w, dialect="keras", padding="same")

    leaf = x.clone().requires_grad_()
    for f in (bound, call):
        f(leaf).square().sum().backward()
    gradient = torch.func.grad(lambda x: bound(x).sum())(x)
    assert torch.equal(gradient, torch.func.grad(lambda x: call(x).sum())(x))
    once = torch.autograd.grad(bound(leaf).square().sum(), leaf)[0]
    assert torch.equal(leaf.grad, 2 * once)
    for mine, other in zip(torch.func.jvp(bound, (x,), (t,)), torch.func.jvp(call, (x,), (t,))):
        assert torch.equal(mine, other)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, t)
        assert torch.equal(torch.autograd.forward_ad.unpack_dual(bound(dual)).tangent, call(t))
    stack = torch.stack([x, t])
    assert torch.equal(torch.func.vmap(bound)(stack), torch.stack([call(x), call(t)]))


def test_a_packed_kernel_leaves_other_precisions_alone():
    w, x = numbers(3, 3, 128, 96), numbers(2, 5, 6, 128, seed=1)
    bound = uniconv.bind(w, dialect="keras", padding="same")
    y = bound(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert bound(x).dtype is torch.bfloat16
    with pytest.raises(BadArray, match="takes one dtype"):
        bound(x.double())
    assert torch.equal(uniconv.bind(w.double(), dialect="keras", padding="same")(x.double()), y)
    with torch.inference_mode():
        assert torch.equal(bound(x), y)
    assert torch.equal(torch.compile(bound, backend="aot_eager", fullgraph=True)(x), y)

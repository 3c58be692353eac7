"""Faster paths: chosen by sizes, and giving what torch's own op gives, whatever is done with it."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

import uniconv
from uniconv import Call, explain, nn
from uniconv._canonical import paths
from uniconv._canonical.transpose import transposed
from uniconv.spec.registry import find

SAME, VALID = {"padding": "same"}, {"padding": "valid"}

# Name: dialect, x, w, options, torch's line on x "n c ..." and w "o i ..." ("c m ...").
PRODUCTS = {
    "one tap": (
        *("keras.ops.conv", (2, 5, 7, 96), (1, 1, 96, 128), {}),
        lambda x, w, b: F.conv2d(x, w, b),
    ),
    "one tap of one axis": (
        *("keras.ops.conv", (2, 5, 96), (1, 96, 128), {}),
        lambda x, w, b: F.conv1d(x, w, b),
    ),
    "windows": (
        *("keras.ops.conv", (2, 5, 7, 48), (3, 3, 48, 160), SAME),
        lambda x, w, b: F.conv2d(x, w, b, padding=1),
    ),
    "uneven padding, stride": (
        *("keras.ops.conv", (2, 6, 8, 48), (3, 2, 48, 240), SAME | {"strides": 2}),
        lambda x, w, b: F.conv2d(F.pad(x, (0, 0, 0, 1)), w, b, 2),
    ),
    "dilation": (
        *("keras.ops.conv", (1, 9, 10, 48), (2, 3, 48, 240), VALID | {"dilation_rate": (3, 2)}),
        lambda x, w, b: F.conv2d(x, w, b, dilation=(3, 2)),
    ),
    "one channel, long stride": (
        *("tf.nn.conv1d", (1, 900, 1), (300, 1, 224), {"stride": 100, "padding": "VALID"}),
        lambda x, w, b: F.conv1d(x, w, b, 100),
    ),
    "three axes": (
        *("flax.linen.Conv", (1, 3, 4, 5, 24), (2, 3, 2, 24, 240), {"padding": "SAME"}),
        lambda x, w, b: F.conv3d(F.pad(x, (0, 1, 1, 1, 0, 1)), w, b),
    ),
    "the kernel's channels last": (
        *("mlx.core.conv2d", (1, 4, 5, 48), (160, 3, 3, 48), {"padding": 1}),
        lambda x, w, b: F.conv2d(x, w, b, padding=1),
    ),
    "stamps of one tap": (
        *("keras.ops.conv_transpose", (2, 3, 5, 320), (1, 1, 240, 320), {"strides": 1}),
        lambda x, w, b: F.conv_transpose2d(x, w, b),
    ),
    "stamps side by side": (
        *("keras.ops.conv_transpose", (2, 3, 5, 160), (2, 2, 112, 160), {"strides": 2}),
        lambda x, w, b: F.conv_transpose2d(x, w, b, 2),
    ),
    "stamps that overlap": (
        *("keras.ops.conv_transpose", (2, 3, 5, 160), (5, 4, 24, 160), {"strides": (2, 3)}),
        lambda x, w, b: F.conv_transpose2d(x, w, b, (2, 3)),
    ),
    "stamps by a kernel with its outputs first": (
        *("mlx.core.conv_transpose2d", (2, 3, 5, 160), (24, 5, 4, 160), {"stride": (2, 3)}),
        lambda x, w, b: F.conv_transpose2d(x, w, b, (2, 3)),
    ),
    "stamps with gaps": (
        *("keras.ops.conv_transpose", (1, 6, 240), (2, 144, 240), {"strides": 3} | VALID),
        lambda x, w, b: F.pad(F.conv_transpose1d(x, w, None, 3), (0, 1)) + b[:, None],
    ),
    "stamps cut off": (
        *("keras.ops.conv_transpose", (1, 3, 4, 160), (4, 4, 32, 160), {"strides": 2} | SAME),
        lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1),
    ),
}


def numbers(*shape, seed=0, dtype=torch.float32):
    """Integers that no order of summing changes."""
    return torch.from_numpy(np.random.default_rng(seed).integers(-4, 5, shape)).to(dtype)


def torchs(dialect, w):
    """The kernel as torch's op takes it."""
    if not dialect.startswith("mlx"):
        return w.movedim((-1, -2), (0, 1))
    return w.movedim(-1, 0 if "transpose" in dialect else 1)


def problem(name, dtype=torch.float32):
    """The call, its arrays and torch's own result, in the function's layout."""
    dialect, x_shape, w_shape, options, line = PRODUCTS[name]
    transposed = "transpose" in dialect
    mlx = dialect.startswith("mlx")
    o = w_shape[0] if mlx else w_shape[-2 if transposed else -1]
    x, w, b = (numbers(*s, seed=i, dtype=dtype) for i, s in enumerate((x_shape, w_shape, (o,))))
    want = line(x.movedim(-1, 1).contiguous(), torchs(dialect, w).contiguous(), b).movedim(1, -1)
    kind = "conv_transpose" if transposed else "conv"
    function = getattr(uniconv, kind)

    def call(x, w, b=None):
        return function(x, w, b, dialect=dialect, **options)

    bound = uniconv.bind(w, b, dialect=dialect, kind=kind, **options)
    return call, bound, (x, w, b), want


@pytest.fixture
def products(monkeypatch):
    """The matrix products that were made."""
    made = []
    for owner, name in ((torch, "mm"), (torch, "addmm"), (torch._C._nn, "linear")):
        op = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *a, op=op, **k: made.append(a) or op(*a, **k))
    return made


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(n, d) for n in PRODUCTS for d in ("float32", "float64") if d in find(PRODUCTS[n][0]).dtypes],
)
def test_a_product_gives_what_torch_gives(name, dtype, products):
    call, bound, (x, w, b), want = problem(name, getattr(torch, dtype))
    assert torch.equal(call(x, w, b), want)
    assert len(products) == 1
    assert call(x, w, b).is_contiguous()
    bias = b.reshape(-1) * 2
    assert torch.equal(call(x, w, bias), want + b)
    assert torch.equal(call(x, w), want - b)
    assert torch.equal(bound(x), want)
    y = call(x.numpy(), w.numpy(), b.numpy())
    assert isinstance(y, np.ndarray)
    assert np.array_equal(y, want.numpy())


@pytest.mark.parametrize("name", PRODUCTS)
def test_arrays_that_no_product_takes_go_to_torchs_op(name, products):
    call, bound, (x, w, b), want = problem(name)
    apart = torch.stack([x, x], -1)[..., 0]
    turned = w.movedim(0, -1).contiguous().movedim(-1, 0)
    if not ("uneven" in name or "three" in name):  # else it is copied with its border
        assert torch.equal(call(apart, w, b), want)
        assert torch.equal(bound(apart), want)
    if not w.is_contiguous() or not turned.is_contiguous():
        assert torch.equal(call(x, turned, b), want)
    assert call(x.bfloat16(), w.bfloat16()).dtype is torch.bfloat16
    assert torch.equal(torch.func.vmap(lambda x: call(x, w, b))(torch.stack([x, x]))[1], want)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert call(x, w, b).dtype is torch.bfloat16
    assert not products
    with pytest.raises(uniconv.errors.BadShape, match="bias"):
        call(x, w, b[:1])


@pytest.mark.parametrize("name", PRODUCTS)
def test_gradients_are_those_of_torchs_op(name):
    call, bound, (x, w, b), _ = problem(name)
    y, line = call(x, w, b), PRODUCTS[name][-1]
    dy = numbers(*y.shape, seed=3)
    leaves = [a.clone().requires_grad_() for a in (x, w, b)]
    moved = torchs(PRODUCTS[name][0], leaves[1])
    other = line(leaves[0].movedim(-1, 1), moved, leaves[2]).movedim(1, -1)
    want = torch.autograd.grad((other * dy).sum(), leaves, retain_graph=True)
    found = torch.autograd.grad((call(*leaves) * dy).sum(), leaves)
    assert all(map(torch.equal, found, want))
    (dx,) = torch.autograd.grad((bound(leaves[0]) * dy).sum(), leaves[0])
    assert torch.equal(dx, want[0])
    twice = torch.autograd.grad((call(*leaves).square() * dy).sum(), leaves[0], create_graph=True)
    (again,) = torch.autograd.grad(twice[0].sum(), leaves[1])
    squares = torch.autograd.grad((other.square() * dy).sum(), leaves[0], create_graph=True)
    torch.testing.assert_close(again, torch.autograd.grad(squares[0].sum(), leaves[1])[0])


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")  # torch.func.jvp's
@pytest.mark.parametrize("name", ["one tap", "stamps that overlap"])
def test_tracing_finds_torchs_op(name, products):
    call, bound, (x, w, b), want = problem(name)

    class Module(torch.nn.Module):
        def forward(self, x, w, b):
            return call(x, w, b)

    program = torch.export.export(Module(), (x, w, b))
    assert "conv" in str(program.graph)
    assert torch.equal(program.module()(x, w, b), want)
    compiled = torch.compile(call, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(x, w, b), want)
    with torch._subclasses.FakeTensorMode() as mode:
        fake = [mode.from_tensor(a) for a in (x, w, b)]
        assert call(*fake).shape == want.shape
    y, dy = torch.func.jvp(lambda x: call(x, w, b), (x,), (x,))
    assert torch.equal(y, want)
    assert torch.equal(dy, call(x, w))
    assert call(*(a.to("meta") for a in (x, w, b))).shape == want.shape
    del products[:]
    assert torch.equal(bound(x), want)


# Depthwise, with an uneven border: x, w, options of keras.ops.depthwise_conv, pads for torch.
UNEVEN = {
    "stride 2": ((2, 6, 8, 5), (3, 3, 5, 1), {"strides": 2}, (0, 1, 0, 1)),
    "each axis its own": ((1, 7, 9, 3), (2, 5, 3, 2), {}, (2, 2, 0, 1)),
    "stride 3": ((1, 10, 9, 4), (5, 4, 4, 1), {"strides": 3}, (0, 1, 2, 2)),
    "one axis": ((2, 9, 4), (4, 4, 1), {}, (1, 2)),
    "dilation": ((1, 6, 7, 4), (2, 4, 4, 2), {"dilation_rate": (1, 3)}, (4, 5, 0, 1)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", UNEVEN)
def test_an_uneven_border_of_a_depthwise_convolution_is_made_by_a_wider_one(name, dtype):
    x_shape, w_shape, options, pads = UNEVEN[name]
    told = {"dialect": "keras.ops.depthwise_conv", "padding": "same", **options}
    x, w = (numbers(*s, seed=i, dtype=dtype) for i, s in enumerate((x_shape, w_shape)))
    c, rank = x_shape[-1], len(x_shape) - 2
    op, b = (F.conv1d, F.conv2d)[rank - 1], numbers(c * w_shape[-1], seed=2, dtype=dtype)
    kernel = w.movedim((-2, -1), (0, 1)).flatten(0, 1).unsqueeze(1)
    stride, dilation = options.get("strides", 1), options.get("dilation_rate", 1)
    padded = F.pad(x.movedim(-1, 1), pads)
    want = op(padded, kernel, b, stride, 0, dilation, c).movedim(1, -1)
    bound = uniconv.bind(w, b, kind="depthwise_conv", **told)
    first = x.movedim(-1, 1).contiguous().movedim(1, -1)
    for y in (
        uniconv.depthwise_conv(x, w, b, **told),
        uniconv.depthwise_conv(first, w, b, **told),
        bound(x),
        bound(first),
    ):
        assert torch.equal(y, want)
    assert uniconv.depthwise_conv(x, w, b, **told).is_contiguous()
    assert bound(x).is_contiguous()
    told_path = explain(Call(x_shape, w_shape, kind="depthwise_conv", **told)).path
    assert told_path.startswith("over-padded: ")
    leaf, other = (x.clone().requires_grad_() for _ in range(2))
    uniconv.depthwise_conv(leaf, w, b, **told).square().sum().backward()
    line = op(F.pad(other.movedim(-1, 1), pads), kernel, b, stride, 0, dilation, c)
    line.square().sum().backward()
    assert torch.equal(leaf.grad, other.grad)
    stack = torch.stack([x, x + 1])
    mapped = torch.func.vmap(lambda x: uniconv.depthwise_conv(x, w, b, **told))(stack)
    assert torch.equal(mapped[0], want)
    x[..., 0] = math.inf
    spread = op(F.pad(x.movedim(-1, 1), pads), kernel, b, stride, 0, dilation, c).movedim(1, -1)
    y = uniconv.depthwise_conv(x, w, b, **told)
    torch.testing.assert_close(y, spread, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_large_kernel_is_laid_out_before_torchs_op(rank, monkeypatch):
    made = []
    monkeypatch.setattr(paths, "transposed", lambda *a: made.append(a) or transposed(*a))
    size, kernel = {1: ((170,), (9,)), 2: ((13, 14), (3, 3)), 3: ((4, 6, 8), (2, 2, 2))}[rank]
    x, w, b = numbers(1, *size, 160), numbers(*kernel, 160, 160, seed=1), numbers(160, seed=2)
    want = (F.conv1d, F.conv2d, F.conv3d)[rank - 1](
        F.pad(x.movedim(-1, 1), [p for k in kernel[::-1] for p in ((k - 1) // 2, k // 2)]),
        w.movedim((-1, -2), (0, 1)),
        b,
    ).movedim(1, -1)

    def call(x, w, b):
        return uniconv.conv(x, w, b, dialect="keras", padding="same")

    path = explain(Call(tuple(x.shape), tuple(w.shape), dialect="keras", padding="same")).path
    assert path.startswith("kernel laid out: ")
    leaf = x.clone().requires_grad_()
    assert torch.equal(call(x, w, b), want)
    assert torch.equal(call(leaf, w, b), want)
    assert len(made) == 2
    call(leaf, w, b).sum().backward()
    gradient, trained = leaf.grad, w.clone().requires_grad_()
    assert torch.equal(call(leaf, trained, b), want)
    assert torch.equal(torch.func.vmap(lambda x: call(x, w, b))(x[None])[0], want)
    assert torch.equal(call(torch.stack([x, x], -1)[..., 0], w, b), want)
    assert len(made) == 3 + (rank == 3)  # its border is uneven, and x is copied with it
    (dx,) = torch.autograd.grad(call(leaf, trained, b).sum(), leaf)
    assert torch.equal(dx, gradient)


@pytest.mark.parametrize("dialect", ["keras.ops.conv_transpose", "mlx.core.conv_transpose2d"])
def test_a_large_transposed_kernel_is_laid_out_before_torchs_op(dialect, monkeypatch):
    made = []
    monkeypatch.setattr(paths, "transposed", lambda *a: made.append(a) or transposed(*a))
    mlx = dialect.startswith("mlx")
    x, w = numbers(1, 10, 11, 96), numbers(*((112, 5, 4, 96) if mlx else (5, 4, 112, 96)), seed=1)
    told = {"dialect": dialect, **({"stride": 2} if mlx else {"strides": 2})}
    want = F.conv_transpose2d(x.movedim(-1, 1), torchs(dialect, w), None, 2).movedim(1, -1)
    assert torch.equal(uniconv.conv_transpose(x, w, **told), want)
    assert len(made) == 1
    path = explain(Call(tuple(x.shape), tuple(w.shape), kind="conv_transpose", **told)).path
    assert path.startswith("kernel laid out: ")


def test_an_infinite_kernel_beside_a_border_is_read_as_torch_reads_it():
    call, _, (x, w, b), _ = problem("windows")
    for value in (math.inf, math.nan):
        w[0, 0, 3, 5] = value
        want = F.conv2d(x.movedim(-1, 1), w.movedim((-1, -2), (0, 1)), b, padding=1)
        y = call(x, w, b).movedim(-1, 1)
        torch.testing.assert_close(y, want, rtol=0, atol=0, equal_nan=True)
        assert y[:, 5, 0, 0].isfinite().all()


def test_a_coarser_setting_for_matrix_products_is_not_taken_for_convolutions(products):
    call, _, (x, w, b), want = problem("one tap")
    before = torch.backends.mkldnn.matmul.fp32_precision
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"
    try:
        assert torch.equal(call(x, w, b), want)
        assert not products
    finally:
        torch.backends.mkldnn.matmul.fp32_precision = before


@pytest.mark.parametrize(
    ("name", "x", "w", "options"),
    [
        ("product", (1, 7, 7, 512), (3, 3, 512, 512), {"padding": "same"}),
        ("kernel laid out", (1, 23, 23, 512), (3, 3, 512, 512), {"padding": "same"}),  # 529 windows
        ("kernel laid out", (11, 7, 7, 512), (3, 3, 512, 512), {"padding": "same"}),
        ("product", (1, 32, 32, 96), (1, 1, 96, 96), {}),
        ("torch", (1, 32, 33, 96), (1, 1, 96, 96), {}),
        ("product", (1, 1, 1, 32), (1, 1, 32, 8), {}),
        ("torch", (1, 3, 3, 64), (3, 3, 32, 512), {}),  # two groups
    ],
)
def test_sizes_choose_the_path(name, x, w, options):
    explained = explain(Call(x, w, dialect="keras.ops.conv", **options))
    assert explained.path.partition(":")[0] == name
    told = f"what torch computes: {explained.path}"
    assert (told in str(explained)) is (name != "torch")


def test_a_call_without_windows_has_no_path():
    call = Call((1, 2, 2, 96), (3, 3, 96, 128), dialect="tf", strides=1, padding="VALID")
    assert explain(call).path == "empty: no window of x holds a pixel"


@pytest.mark.parametrize(
    ("name", "x", "w"),
    [
        ("blocks", (1, 7, 7, 512), (3, 3, 512, 512)),
        ("product", (1, 5, 7, 512), (1, 1, 512, 512)),
        ("blocks", (1, 7, 7, 512), (1, 1, 512, 512)),
        ("blocks", (1, 112, 112, 16), (1, 1, 16, 96)),
        ("torch", (1, 112, 112, 112), (1, 1, 112, 15)),  # a block would hold a zero
        ("product", (1, 20, 20, 1), (16, 16, 1, 512)),  # blocks would hold zeros
        ("blocks", (1, 56, 56, 64), (3, 3, 64, 64)),
        ("torch", (1, 14, 14, 64), (3, 3, 64, 64)),
    ],
)
def test_a_bound_kernel_says_its_path(name, x, w):
    bound = uniconv.bind(torch.zeros(w), dialect="keras.ops.conv")
    assert bound.path(x).partition(":")[0] == name
    assert bound.path(torch.zeros(x)) == bound.path(x)


def test_a_layer_takes_the_same_path(products):
    layer = nn.Conv(96, 128, 1, dialect="keras").requires_grad_(False)
    x = numbers(1, 5, 7, 96)
    y = layer(x)
    assert len(products) == 1
    del products[:]
    torch.testing.assert_close(
        y, uniconv.conv(x, layer.kernel.contiguous(), layer.bias, dialect="keras")
    )
    empty = layer(x[:0])
    assert empty.shape == (0, 5, 7, 128)

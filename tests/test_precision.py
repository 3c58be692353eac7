"""precision: what cuDNN is asked for while a convolution runs, in its backward too."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import uniconv
from uniconv import nn
from uniconv._canonical.precision import current
from uniconv.errors import BadOption

SETTING = torch.backends.cudnn.conv
X, W = (2, 6, 5, 3), (3, 2, 3, 4)


class Seen(TorchDispatchMode):
    """The setting at every convolution that torch runs."""

    def __init__(self):
        super().__init__()
        self.settings = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if "convolution" in function.__name__:
            self.settings.append(SETTING.fp32_precision)
        return function(*args, **(kwargs or {}))


def operands(*shapes):
    draw = torch.Generator().manual_seed(0)
    return [
        torch.randint(-4, 5, s, generator=draw).double().requires_grad_() for s in shapes
    ]  # fmt: skip


CALLS = {
    "channels last": (X, W, {"dialect": "keras", "strides": 2, "padding": "same"}),
    "channels first": ((2, 4, 6, 5), (6, 2, 3, 2), {"groups": 2, "padding": 1}),
    "unbatched": ((4, 6, 5), (6, 2, 3, 2), {"groups": 2, "padding": 1}),
    "columns": ((6, 5, 3, 2), W, {"dialect": "knet", "padding": 1}),
    "one axis": ((2, 7, 3), (3, 3, 4), {"dialect": "flax"}),
    "transposed": ((2, 4, 5, 3), (3, 2, 4, 3), {"dialect": "keras.ops.conv_transpose"}),
    "separable": ((2, 6, 5, 3), (3, 2, 3, 2), {"dialect": "keras.ops.depthwise_conv"}),
}
EACH = pytest.mark.parametrize("case", CALLS)


@EACH
@pytest.mark.parametrize("precision", ["ieee", "tf32"])
def test_the_setting_holds_in_forward_backward_and_double_backward(case, precision):
    x_shape, w_shape, options = CALLS[case]
    x, w = operands(x_shape, w_shape)
    before = SETTING.fp32_precision
    with Seen() as seen:
        with uniconv.precision(precision):
            y = uniconv.conv(x, w, **options)
        forward = len(seen.settings)
        dx, dw = torch.autograd.grad(y.square().sum(), (x, w), create_graph=True)
        backward = len(seen.settings)
        torch.autograd.grad(dx.square().sum() + dw.square().sum(), (x, w))
    assert 0 < forward < backward < len(seen.settings)
    assert set(seen.settings) == {precision}
    assert SETTING.fp32_precision == before
    want = uniconv.conv(x, w, **options)
    assert torch.equal(y, want)
    for a, b in zip((dx, dw), torch.autograd.grad(want.square().sum(), (x, w))):
        assert torch.equal(a, b)


@EACH
def test_gradients_at_a_precision(case):
    x_shape, w_shape, options = CALLS[case]
    arrays = operands(x_shape, w_shape)

    @uniconv.precision("ieee")
    def run(x, w):
        return uniconv.conv(x, w, **options)

    assert torch.autograd.gradcheck(run, arrays, fast_mode=True)
    assert torch.autograd.gradgradcheck(run, arrays, fast_mode=True)


@uniconv.precision("ieee")
def test_a_bias_has_its_gradient_and_vmap_runs():
    x, w, b = operands((2, 3, 6, 5), (4, 3, 3, 2), (4,))
    y = uniconv.conv(x, w, b)
    (db,) = torch.autograd.grad(y.sum(), b)
    assert torch.equal(db, torch.full((4,), y[:, 0].numel() * 1.0, dtype=torch.float64))
    many = torch.stack([x, 2 * x])
    both = torch.func.vmap(lambda x: uniconv.conv(x, w, b))(many)
    assert torch.equal(both[0], y)


@uniconv.precision("ieee")
def test_shapes_and_autocast_at_a_precision():
    x, w = (a.detach().float() for a in operands(X, W))
    run = {"dialect": "keras"}
    assert uniconv.conv(x.to("meta"), w.to("meta"), **run).shape == (2, 4, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert uniconv.conv(x, w, **run).dtype is torch.bfloat16


def test_layers_and_bound_kernels_hold_it_too():
    layer = nn.Conv(3, 4, (3, 2), dialect="keras", precision="ieee")
    x = torch.randn(X)
    with Seen() as seen:
        layer(x).sum().backward()
        layer(x, precision="tf32")
        uniconv.bind(torch.randn(W), dialect="keras", precision="ieee")(x)
    assert seen.settings == ["ieee", "ieee", "tf32", "ieee"]
    assert 'precision="ieee"' in repr(layer)


def test_the_default_and_framework_leave_the_setting():
    x, w = operands(X, W)
    with Seen() as seen:
        with uniconv.precision("framework"):
            uniconv.conv(x, w, dialect="keras")
        uniconv.conv(x, w, dialect="keras")
    assert set(seen.settings) == {SETTING.fp32_precision}


def test_an_error_leaves_the_setting_as_it_was(monkeypatch):
    before = SETTING.fp32_precision
    x, w = operands(X, W)
    with uniconv.precision("ieee"):
        y = uniconv.conv(x, w, dialect="keras")

    class Failing(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            if "convolution" in function.__name__:
                raise RuntimeError("out of memory")
            return function(*args, **(kwargs or {}))

    with Failing(), pytest.raises(RuntimeError, match="out of memory"):
        y.sum().backward()
    assert SETTING.fp32_precision == before
    assert torch.backends.cudnn.allow_tf32 in (True, False)  # torch can still read the old one


def test_other_words_are_refused_and_jax_keeps_its_own():
    x, w = operands(X, W)
    with pytest.raises(BadOption) as caught:
        uniconv.precision("highest")
    assert str(caught.value) == (
        'uniconv.precision: precision="highest" must be "ieee", "tf32" or "framework"'
    )
    with pytest.raises(BadOption) as caught:
        uniconv.bind(w, dialect="keras", precision="highest")
    assert str(caught.value) == (
        'keras.ops.conv: precision="highest" must be "ieee", "tf32" or "framework"'
    )
    with pytest.raises(BadOption) as caught:
        uniconv.conv(x, w, dialect="keras", precision="ieee")
    assert str(caught.value) == (
        'keras.ops.conv has no option "precision"; cuDNN\'s is set around the call: '
        'with uniconv.precision("ieee"): ...'
    )
    flax = {"dialect": "flax", "precision": "highest"}
    want, layer = uniconv.conv(x, w, **flax), nn.Conv(3, 4, (3, 2), **flax).double()
    layer.load_state_dict({"kernel": w.detach()}, strict=False)
    layer.bias.data.zero_()
    with uniconv.precision("ieee"), Seen() as seen:
        for run in (lambda x: uniconv.conv(x, w, **flax), layer, uniconv.bind(w, **flax)):
            assert torch.equal(run(x), want)
    assert seen.settings == ["ieee"] * 3
    for run in (uniconv.conv, lambda x, w, **options: uniconv.bind(w, **options)(x)):
        with pytest.raises(BadOption, match='precision="ieee" is not one of "highest", "float32"'):
            run(x, w, dialect="flax", precision="ieee")


def test_blocks_nest_and_what_has_its_own_keeps_it():
    x, w = operands(X, W)
    own = uniconv.bind(w, dialect="keras", precision="tf32")
    native = uniconv.native("keras.ops.conv")
    before = SETTING.fp32_precision
    with Seen() as seen, uniconv.precision("ieee"):
        uniconv.conv(x, w, dialect="keras")
        with uniconv.precision("tf32"):
            uniconv.Call(x, w, dialect="keras").run()
            with uniconv.precision("framework"):
                native(x, w)
        native(x, w)
        own(x)
    assert seen.settings == ["ieee", "tf32", before, "ieee", "tf32"]
    assert 'precision="tf32"' in repr(own).replace("'", '"')


def test_a_block_ends_with_an_error_and_is_of_one_task_alone():
    async def task(value):
        with uniconv.precision(value):
            await asyncio.sleep(0)
            return current()

    async def both():
        return await asyncio.gather(task("ieee"), task("tf32"))

    assert asyncio.run(both()) == ["ieee", "tf32"]
    with pytest.raises(ZeroDivisionError), uniconv.precision("ieee"):
        1 / 0  # noqa: B018
    assert current() is None


def test_threads_that_ask_for_different_precisions_each_get_their_own():
    before, many = SETTING.fp32_precision, 16
    asked = [("ieee", "tf32", "framework")[i % 3] for i in range(many)]
    start = Barrier(many)
    x, w = operands(X, W)

    def work(value):
        layer = nn.Conv(3, 4, (3, 2), dialect="keras", precision=value).double()
        start.wait()
        with Seen() as seen, uniconv.precision(value):
            for _ in range(50):
                y = uniconv.conv(x, w, dialect="keras")
                torch.autograd.grad(y.sum() + layer(x).sum(), (x, w))
        return set(seen.settings)

    with ThreadPoolExecutor(many) as pool:
        settings = list(pool.map(work, asked))
    assert settings == [{before if value == "framework" else value} for value in asked]
    assert SETTING.fp32_precision == before


def test_a_compiled_graph_refuses_it():
    x, w = (a.detach() for a in operands(X, W))
    layer = nn.Conv(3, 4, 3, dialect="keras", precision="ieee").double()
    bound = uniconv.bind(w, dialect="keras", precision="ieee")
    for run in (layer, bound.__call__):
        with pytest.raises(Exception, match="cannot be set inside a compiled graph: set"):
            torch.compile(run, backend="eager", fullgraph=True)(x)
    with pytest.raises(Exception, match="cannot be set inside a compiled graph: set"):
        torch.export.export(torch.nn.Sequential(layer), (x,))


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_block_around_a_compiled_graph_is_refused_however_often_it_ran_before(backend):
    x, w = (a.detach() for a in operands(X, W))
    layer, bound = nn.Conv(3, 4, 3, dialect="keras").double(), uniconv.bind(w, dialect="keras")
    native = uniconv.native("keras.ops.conv")
    calls = [lambda x: uniconv.conv(x, w, dialect="keras"), lambda x: native(x, w)]
    for run in (*calls, layer, bound.__call__):
        torch.compiler.reset()
        fast = torch.compile(run, backend=backend, fullgraph=True)
        want = run(x)
        for _ in range(2):
            assert torch.equal(fast(x), want)
            refused = pytest.raises(Exception, match="cannot be set inside a compiled graph: set")
            with refused, uniconv.precision("ieee"):
                fast(x)
        with uniconv.precision("framework"):
            assert torch.equal(fast(x), want)


def test_a_block_inside_a_compiled_graph_is_refused():
    x, w = (a.detach() for a in operands(X, W))

    def inside(x):
        with uniconv.precision("ieee"):
            return uniconv.conv(x, w, dialect="keras")

    for run in (inside, uniconv.precision("ieee")(lambda x: uniconv.conv(x, w, dialect="keras"))):
        torch.compiler.reset()
        with pytest.raises(Exception, match="cannot be set inside a compiled graph: set"):
            torch.compile(run, backend="eager", fullgraph=True)(x)


def test_an_older_torch_is_told(monkeypatch):
    monkeypatch.delattr(torch.backends.cudnn.__class__, "conv", raising=False)
    monkeypatch.delattr(torch.backends.cudnn, "conv", raising=False)
    x, w = operands(X, W)
    lacks = (
        'precision="ieee" needs torch.backends.cudnn.conv.fp32_precision, which '
        f"torch {torch.__version__} does not have"
    )
    with pytest.raises(BadOption) as caught:
        uniconv.precision("ieee")
    assert str(caught.value) == f"uniconv.precision: {lacks}"
    with pytest.raises(BadOption) as caught:
        uniconv.bind(w, dialect="keras", padding="same", precision="ieee")
    assert str(caught.value) == f"keras.ops.conv: {lacks}"
    with uniconv.precision("framework"):
        uniconv.conv(x, w, dialect="keras", padding="same")


def test_only_the_new_setting_is_touched():
    sources = Path(uniconv.__file__).parent.rglob("*.py")
    assert not [p for p in sources if "allow_tf32 =" in p.read_text()]


@pytest.mark.cuda
def test_ieee_is_more_exact_than_tf32():
    if not torch.cuda.is_available() or torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("no GPU with TF32")
    x, w = torch.randn(4, 64, 28, 28, device="cuda"), torch.randn(64, 64, 3, 3, device="cuda")
    exact = uniconv.conv(x.double(), w.double())
    at = {p: uniconv.precision(p)(uniconv.conv) for p in ("ieee", "tf32")}
    errors = {p: (at[p](x, w) - exact).norm() for p in at}
    assert errors["ieee"] * 20 < errors["tf32"]
    for p in errors:
        v = w.clone().requires_grad_()
        (dw,) = torch.autograd.grad(at[p](x, v).sum(), v)
        errors[p] = dw.norm()
    assert errors["ieee"] != errors["tf32"]

"""precision=: what cuDNN is asked for while a convolution runs, in its backward too."""

from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import uniconv
from uniconv import nn
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
        y = uniconv.conv(x, w, precision=precision, **options)
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

    def run(x, w):
        return uniconv.conv(x, w, precision="ieee", **options)

    assert torch.autograd.gradcheck(run, arrays, fast_mode=True)
    assert torch.autograd.gradgradcheck(run, arrays, fast_mode=True)


def test_a_bias_has_its_gradient_and_vmap_runs():
    x, w, b = operands((2, 3, 6, 5), (4, 3, 3, 2), (4,))
    y = uniconv.conv(x, w, b, precision="ieee")
    (db,) = torch.autograd.grad(y.sum(), b)
    assert torch.equal(db, torch.full((4,), y[:, 0].numel() * 1.0, dtype=torch.float64))
    many = torch.stack([x, 2 * x])
    both = torch.func.vmap(lambda x: uniconv.conv(x, w, b, precision="ieee"))(many)
    assert torch.equal(both[0], y)


def test_shapes_and_autocast_at_a_precision():
    x, w = (a.detach().float() for a in operands(X, W))
    run = {"dialect": "keras", "precision": "ieee"}
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
        uniconv.conv(x, w, dialect="keras", precision="framework")
        uniconv.conv(x, w, dialect="keras")
    assert set(seen.settings) == {SETTING.fp32_precision}


def test_an_error_leaves_the_setting_as_it_was(monkeypatch):
    before = SETTING.fp32_precision
    x, w = operands(X, W)
    y = uniconv.conv(x, w, dialect="keras", precision="ieee")

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
        uniconv.conv(x, w, dialect="keras", precision="highest")
    assert str(caught.value) == (
        'keras.ops.conv: precision="highest" must be "ieee", "tf32" or "framework"'
    )
    flax = uniconv.conv(x, w, dialect="flax", precision="highest")
    with Seen() as seen:
        assert torch.equal(uniconv.conv(x, w, dialect="flax", precision="ieee"), flax)
    assert seen.settings == ["ieee"]


def test_a_compiled_graph_refuses_it():
    x, w = (a.detach() for a in operands(X, W))
    layer = nn.Conv(3, 4, 3, dialect="keras", precision="ieee").double()
    for run in (lambda x: uniconv.conv(x, w, dialect="keras", precision="ieee"), layer):
        with pytest.raises(Exception, match="cannot be set inside a compiled graph: set"):
            torch.compile(run, backend="eager", fullgraph=True)(x)
        with pytest.raises(Exception, match="cannot be set inside a compiled graph: set"):
            torch.export.export(torch.nn.Sequential(layer), (x,))


def test_an_older_torch_is_told(monkeypatch):
    monkeypatch.delattr(torch.backends.cudnn.__class__, "conv", raising=False)
    monkeypatch.delattr(torch.backends.cudnn, "conv", raising=False)
    x, w = operands(X, W)
    with pytest.raises(BadOption) as caught:
        uniconv.conv(x, w, dialect="keras", padding="same", precision="ieee")
    assert str(caught.value) == (
        'keras.ops.conv: precision="ieee" needs torch.backends.cudnn.conv.fp32_precision, which '
        f"torch {torch.__version__} does not have"
    )


def test_only_the_new_setting_is_touched():
    sources = Path(uniconv.__file__).parent.rglob("*.py")
    assert not [p for p in sources if "allow_tf32 =" in p.read_text()]


@pytest.mark.cuda
def test_ieee_is_more_exact_than_tf32():
    if not torch.cuda.is_available() or torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("no GPU with TF32")
    x, w = torch.randn(4, 64, 28, 28, device="cuda"), torch.randn(64, 64, 3, 3, device="cuda")
    exact = uniconv.conv(x.double(), w.double())
    errors = {p: (uniconv.conv(x, w, precision=p) - exact).norm() for p in ("ieee", "tf32")}
    assert errors["ieee"] * 20 < errors["tf32"]
    for p in errors:
        v = w.clone().requires_grad_()
        (dw,) = torch.autograd.grad(uniconv.conv(x, v, precision=p).sum(), v)
        errors[p] = dw.norm()
    assert errors["ieee"] != errors["tf32"]

"""Layers: they compute what their functions do, hold kernels verbatim, are good modules."""

import copy
import io
import pickle
import random

import numpy as np
import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend
from torch.func import functional_call
from torch.nn.utils import parametrize

import uniconv
from tests.test_bind import NAMES, arrays_of
from uniconv import nn
from uniconv._canonical.layout import axes
from uniconv.errors import BadArray, BadOption, BadShape, CannotExpress, UnknownName
from uniconv.nn.torch_modules import _call
from uniconv.spec.groups import BY_CHANNELS, BY_OUTPUT
from uniconv.spec.registry import find
from uniconv.testing.cases import random_case

CLASSES = {c.KIND: c for c in (nn.Conv, nn.ConvTranspose, nn.DepthwiseConv, nn.SeparableConv)}
WITH_CHANNELS = [n for n in NAMES if {"c", "o"} <= set(f"{(a := find(n).layouts[0]).x} {a.y}")]
# One of each storage: channels last, first, columns first; transposed; depthwise; grouped; flipped.
LAYERS = [
    (nn.Conv, (3, 5, (3, 2)), {"dialect": "keras", "strides": 2, "padding": "same"}, (2, 7, 6, 3)),
    (nn.Conv, (4, 6, (3, 2)), {"dialect": "pytorch", "groups": 2, "padding": 1}, (2, 4, 7, 6)),
    (nn.Conv, (3, 5, (3, 2)), {"dialect": "knet", "padding": (1, 2)}, (7, 6, 3, 2)),
    (nn.Conv, (3, 5, (3,)), {"dialect": "flax", "strides": 2}, (2, 9, 3)),
    (nn.Conv, (2, 3, (2, 3, 2)), {"dialect": "tf", "padding": "SAME", "strides": [1] * 5},
     (2, 4, 5, 3, 2)),
    (nn.ConvTranspose, (3, 5, (3, 2)), {"dialect": "keras", "strides": 2}, (2, 4, 5, 3)),
    (nn.ConvTranspose, (4, 6, (3, 2)), {"groups": 2, "stride": (2, 3), "padding": 1}, (2, 4, 4, 5)),
    (nn.ConvTranspose, (3, 5, (3, 2)), {"dialect": "knet", "stride": 2}, (4, 5, 3, 2)),
    (nn.DepthwiseConv, (3, (3, 2)), {"dialect": "keras", "multiplier": 2, "strides": 2,
     "padding": "same"}, (2, 7, 6, 3)),
    (nn.SeparableConv, (3, 5, (3, 2)), {"dialect": "keras", "multiplier": 2}, (2, 7, 6, 3)),
]  # fmt: skip
EACH = pytest.mark.parametrize(("kind", "sizes", "options", "shape"), LAYERS)


def integers(*shape, seed=0, dtype=torch.float32):
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(-8, 9, shape, generator=draw).to(dtype)


def filled(kind, sizes, options, seed=1, dtype=torch.float32):
    """A layer of small integers, so that sums are exact."""
    layer = kind(*sizes, **options, dtype=dtype)
    with torch.no_grad():
        for i, p in enumerate(layer.parameters()):
            p.copy_(integers(*p.shape, seed=seed + i))
    return layer


def plain(layer, x, **options):
    """The same by a plain call on the layer's native kernels."""
    words = {"dialect": layer.function.name, **layer.options, **options}
    if layer.KIND == "separable_conv":
        kernels = (layer.kernel, layer.pointwise_kernel)
        return uniconv.separable_conv(x, *kernels, layer.bias, **words)
    return uniconv.conv(x, layer.kernel, layer.bias, **words)


def made(case):
    """A layer for a random call, holding its kernel."""
    op, call = case.op, case.call
    sizes = {"in_channels": call.sizes.c, "kernel_size": call.sizes.kernel}
    if op.kind in ("conv", "conv_transpose", "separable_conv"):
        sizes["out_channels"] = call.o
    if op.kind in ("depthwise_conv", "separable_conv"):
        sizes["multiplier"] = call.sizes.o // call.sizes.c
    if op.groups in (BY_CHANNELS, BY_OUTPUT) or "g" in call.layout.w.split():
        sizes["groups"] = call.conv.groups
    return CLASSES[op.kind](dialect=op.name, bias=False, **sizes, **case.options)


@pytest.mark.parametrize("name", WITH_CHANNELS)
def test_a_layer_of_every_function_with_its_kernel_loaded_verbatim(name):
    op, rng = find(name), random.Random(f"layer {name}")
    if "float32" not in op.dtypes:
        pytest.skip("a function of integers")
    for _ in range(5):
        case = random_case(op, rng)
        case.options.pop(op.addend[0] if op.addend else "", None)
        x, w, *point = arrays_of(op, case)
        if point and case.call.pointwise[0].groups > 1:
            continue  # a layer's pointwise kernel sees all channels
        layer = made(case)
        kernels = {"depthwise_kernel": w, "pointwise_kernel": point[0]} if point else {"kernel": w}
        layer.load_state_dict(kernels)
        for key, value in layer.state_dict().items():
            assert torch.equal(value, kernels[key])
        w.requires_grad_()
        if point:
            want = uniconv.separable_conv(x, w, *point, dialect=name, **case.options)
        else:
            want = uniconv.conv(x, w, dialect=name, **case.options)
        y = layer(x)
        assert torch.equal(y, want), case
        if y.numel():
            dy = integers(*y.shape)
            y.backward(dy)
            want.backward(dy)
            assert torch.equal(layer.stored_as.restore(layer.weight.grad), w.grad), case


@EACH
def test_a_layer_is_its_function_with_a_bias(kind, sizes, options, shape):
    layer, x = filled(kind, sizes, options), integers(*shape)
    assert torch.equal(layer(x), plain(layer, x))
    assert layer.weight.is_contiguous()
    assert layer(x[:0] if options.get("dialect") != "knet" else x[..., :0]).numel() == 0


@EACH
def test_copies_and_files_compute_the_same(kind, sizes, options, shape):
    layer, x = filled(kind, sizes, options), integers(*shape)
    want = layer(x)
    assert torch.equal(copy.deepcopy(layer)(x), want)
    assert torch.equal(pickle.loads(pickle.dumps(layer))(x), want)
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)(x), want)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    state = torch.load(file)
    other = kind(None, *sizes[1:], **options) if len(sizes) > 1 else kind(*sizes, **options)
    assert other.in_channels is None  # lazy: the kernel tells
    other.load_state_dict(state)
    assert torch.equal(other(x), want)
    third = kind(*sizes, **options)
    third.load_state_dict(state, assign=True)
    assert torch.equal(third(x), want)
    assert third.weight.is_contiguous()


@EACH
def test_halves_doubles_meta_and_autocast(kind, sizes, options, shape):
    layer, x = filled(kind, sizes, options), integers(*shape)
    want = layer(x)
    assert torch.equal(copy.deepcopy(layer).double()(x.double()), want.double())
    small = layer.to(torch.bfloat16)
    assert small(x.bfloat16()).dtype is torch.bfloat16
    layer = layer.float()
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype is torch.bfloat16
    ghost = copy.deepcopy(layer).to("meta")
    assert ghost(x.to("meta")).shape == want.shape
    with pytest.raises(BadArray, match="x is on cpu, w or bias on meta; move them together"):
        ghost(x)
    with (
        pytest.raises(BadArray, match="takes one dtype")
        if not layer.function.mixed_dtypes
        else (__import__("contextlib").nullcontext())
    ):
        layer(x.double())


@EACH
def test_frozen_functional_and_parametrized(kind, sizes, options, shape):
    layer, x = filled(kind, sizes, options), integers(*shape)
    want = layer(x)
    doubled = {name: 2 * p for name, p in layer.named_parameters() if name != "pointwise_weight"}
    assert torch.equal(functional_call(layer, doubled, (x,)), 2 * want)

    class Twice(torch.nn.Module):
        def forward(self, w):
            return 2 * w

    twice = copy.deepcopy(layer)
    parametrize.register_parametrization(twice, "weight", Twice())
    parametrize.register_parametrization(twice, "bias", Twice())
    y = twice(x)
    assert torch.equal(y, 2 * want)
    y.sum().backward()
    assert twice.parametrizations.weight.original.grad is not None
    assert torch.equal(twice.kernel, 2 * layer.kernel)
    layer.requires_grad_(False)
    assert not layer(x).requires_grad
    x.requires_grad_()
    layer(x).sum().backward()
    assert x.grad is not None
    assert layer.weight.grad is None


@EACH
def test_torch_checks_every_gradient(kind, sizes, options, shape):
    layer = kind(*sizes, **options).double()
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    names, values = zip(*layer.named_parameters())
    values = [v.detach().clone().requires_grad_() for v in values]

    def run(x, *values):
        return functional_call(layer, dict(zip(names, values)), (x,))

    assert torch.autograd.gradcheck(run, (x, *values), fast_mode=True)
    assert torch.autograd.gradgradcheck(run, (x, *values), fast_mode=True)


@EACH
def test_to_torch_computes_the_same_without_uniconv(kind, sizes, options, shape):
    layer, x = filled(kind, sizes, options), integers(*shape)
    x_axes = layer.layout.x
    size = {"n ... c": shape[1:-1], "n c ...": shape[2:], "... c n": shape[:-2]}[x_axes]
    other = layer.to_torch(size)
    assert not [m for m in other.modules() if type(m).__module__.startswith("uniconv")]
    r = len(size)
    if x_axes == "n ... c":
        y = other(x.movedim(-1, 1)).movedim(1, -1)
    elif x_axes == "... c n":  # Julia's memory, read backwards
        order = tuple(range(r + 2))[::-1]
        y = other(x.permute(order)).permute(order)
    else:
        y = other(x)
    assert torch.equal(y, layer(x))


@pytest.mark.parametrize("name", WITH_CHANNELS)
def test_to_torch_of_every_function(name):
    op, rng = find(name), random.Random(f"torch {name}")
    if "float32" not in op.dtypes:
        pytest.skip("a function of integers")
    for _ in range(8):
        case = random_case(op, rng)
        case.options.pop(op.addend[0] if op.addend else "", None)
        if 0 in case.call.output or len(case.call.sizes.batch) > 1:
            continue
        x, w, *point = arrays_of(op, case)
        if point and case.call.pointwise[0].groups > 1:
            continue  # a layer's pointwise kernel sees all channels
        layer = made(case)
        kernels = {"depthwise_kernel": w, "pointwise_kernel": point[0]} if point else {"kernel": w}
        layer.load_state_dict(kernels)
        call = case.call
        try:
            other = layer.to_torch(call.sizes.size)
        except CannotExpress:
            continue
        spatial = [f"s{i}" for i in range(call.rank)]
        turned = spatial[::-1] if call.layout.column_major else spatial
        head = ["n"] if call.sizes.batch else []
        names = [a for a in axes(call.layout.x, call.rank) if a != "n" or head]
        y_names = [a for a in axes(call.layout.y, call.rank) if a != "n" or head]
        y = other(x.permute([names.index(a) for a in (*head, "c", *turned)]))
        want = layer(x).permute([y_names.index(a) for a in (*head, "o", *turned)])
        assert torch.equal(y, want), case
        try:  # the modules for images of any size, where there are these
            other = layer.to_torch()
        except (BadOption, CannotExpress):
            continue
        y = other(x.permute([names.index(a) for a in (*head, "c", *turned)]))
        assert torch.equal(y, want), case


def test_to_torch_of_one_channel_keeps_a_long_stride():
    layer, x = filled(nn.Conv, (1, 2, 1), {"stride": 16}), integers(1, 1, 20, 40)
    assert repr(layer.to_torch()) == "Conv2d(1, 2, kernel_size=(1, 1), stride=(16, 16))"
    assert torch.equal(layer.to_torch()(x), layer(x))


def test_to_torch_asks_for_the_size_only_where_it_matters():
    same = nn.Conv(3, 5, 3, dialect="keras", strides=2, padding="same")
    with pytest.raises(BadOption) as caught:
        same.to_torch()
    assert str(caught.value) == (
        "keras.layers.Conv2D: its padding depends on the size of x: give size=, the 2 spatial sizes"
    )
    assert repr(same.to_torch((7, 8))[0]) == "ZeroPad2d((0, 1, 1, 1))"
    even = nn.Conv(3, 5, 3, dialect="keras", padding="same").to_torch()
    assert repr(even) == "Conv2d(3, 5, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))"
    lazy = nn.Conv(None, 5, 3, dialect="keras")
    with pytest.raises(BadShape, match="in_channels is not known before the first input"):
        lazy.to_torch()
    assert _call(same, (7, 8)).conv.pad == ((1, 1), (0, 1))


@pytest.mark.parametrize(
    "module",
    [
        torch.nn.Conv1d(4, 6, 3, stride=2, groups=2),
        torch.nn.Conv2d(3, 5, (3, 2), padding=(1, 2), padding_mode="reflect", bias=False),
        torch.nn.Conv2d(3, 5, (3, 2), padding="same", dilation=(1, 2)),
        torch.nn.Conv3d(2, 3, 2, dtype=torch.float64),
        torch.nn.ConvTranspose2d(4, 6, (3, 2), stride=2, output_padding=1, groups=2),
        torch.nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1),
    ],
    ids=str,
)
def test_from_torch_and_back(module):
    rank = module.weight.ndim - 2
    x = torch.randn(2, module.in_channels, *(7, 6, 5)[:rank], dtype=module.weight.dtype)
    layer = nn.from_torch(module.eval().requires_grad_(False))
    assert torch.equal(layer(x), module(x))
    assert not layer.training
    assert not layer.weight.requires_grad
    assert torch.equal(layer.to_torch()(x), module(x)) or module.padding_mode == "reflect"
    again = nn.from_torch(module)
    again.load_state_dict(module.state_dict())  # torch's own name, weight
    assert torch.equal(again(x), module(x))


def test_from_torch_refuses_others():
    with pytest.raises(BadArray, match=r"takes a torch\.nn convolution of known shape, not Linear"):
        nn.from_torch(torch.nn.Linear(2, 3))
    with pytest.raises(BadArray, match="of known shape"):
        nn.from_torch(torch.nn.LazyConv2d(2, 3))


def test_sizes_may_be_positions_or_words():
    for layer in (
        nn.Conv(3, 5, (3, 2), dialect="keras"),
        nn.Conv(3, 5, kernel_size=(3, 2), dialect="keras"),
        nn.Conv(3, out_channels=5, kernel_size=(3, 2), dialect="keras"),
        nn.Conv(in_channels=3, filters=5, kernel_size=(3, 2), dialect="keras"),
        nn.Conv(3, features=5, kernel_size=(3, 2), dialect="flax"),
        nn.Conv(3, 5, (3, 2), dialect="tf", strides=1, padding="SAME"),
    ):
        assert (layer.in_channels, layer.out_channels) == (3, 5)
        assert tuple(layer.kernel.shape) == (3, 2, 3, 5)
    assert nn.Conv(None, 5, 3, dialect="keras").in_channels is None
    assert nn.Conv(None, 5, 3, dialect="keras", rank=1).kernel_size == (3,)
    assert nn.Conv(None, 5, 3, dialect="keras.layers.Conv3D").kernel_size == (3, 3, 3)
    assert nn.Conv(None, 5, 3, dialect="keras", use_bias=False).bias is None
    assert nn.DepthwiseConv(3, (3, 2), dialect="keras", depth_multiplier=2).out_channels == 6
    assert nn.Conv(4, 6, 3, dialect="tf", strides=1, padding="SAME", groups=2).kernel.shape[2] == 2


def test_the_input_channels_come_with_the_first_input():
    layer = nn.Conv(None, 5, 3, dialect="knet", padding=1)
    assert repr(layer) == "Conv(knet.conv4, channels=? -> 5, kernel_size=(3, 3), padding=1)"
    assert layer(torch.randn(7, 6, 4, 2)).shape == (7, 6, 5, 2)
    assert repr(layer) == "Conv(knet.conv4, channels=4 -> 5, kernel_size=(3, 3), padding=1)"
    assert tuple(layer.kernel.shape) == (3, 3, 4, 5)
    with pytest.raises(BadShape) as caught:
        nn.Conv(None, 5, 3, dialect="knet")(torch.randn(7, 6, 4))
    assert str(caught.value) == 'knet.conv4: x (7, 6, 4) read as "... c n" must have 4 axes'


@pytest.mark.parametrize(
    ("dialect", "shape"),
    [
        ("flax", (2, 2, 7, 6, 4)),
        ("flax", (7, 6, 4)),
        ("pytorch", (4, 7, 6)),
        ("knet", (7, 6, 4, 2)),
        ("ncnn", (4, 7, 6)),
    ],
)
def test_a_lazy_layer_finds_its_channels_beside_any_batch(dialect, shape):
    layer = nn.Conv(None, 5, 3, dialect=dialect)
    layer(torch.zeros(shape))
    assert layer.in_channels == 4


def test_repr_in_native_words():
    layer = nn.Conv(None, 64, 3, strides=2, padding="SAME", dialect="keras")
    assert repr(layer) == (
        'Conv(keras.layers.Conv2D, channels=? -> 64, kernel_size=(3, 3), strides=2, padding="SAME")'
    )
    layer = nn.DepthwiseConv(3, 3, multiplier=2, dialect="keras", bias=False)
    assert repr(layer) == (
        "DepthwiseConv(keras.layers.DepthwiseConv2D, channels=3 -> 6, kernel_size=(3, 3), "
        "multiplier=2, bias=False)"
    )


REFUSED = [
    (
        lambda: nn.Conv(3, 5, 3, dialect="keras", stride=2),
        BadOption,
        'keras.layers.Conv2D has no option "stride": did you mean "strides"?',
    ),
    (
        lambda: nn.Conv(3, 5, 3, dialect="keras", padding="sane"),
        BadOption,
        'keras.layers.Conv2D: padding="sane" is not one of "valid", "same": did you mean "same"?',
    ),
    (
        lambda: nn.Conv(16, 32),
        BadOption,
        "Conv(in_channels, out_channels, kernel_size): kernel_size is missing; in_channels=None "
        "takes them from the first input, as Conv(None, 16, 32)",
    ),
    (
        lambda: nn.ConvTranspose(kernel_size=3, in_channels=4),
        BadOption,
        "ConvTranspose(in_channels, out_channels, kernel_size): out_channels is missing; "
        "in_channels=None takes them from the first input",
    ),
    (
        lambda: nn.DepthwiseConv(3),
        BadOption,
        "DepthwiseConv(in_channels, kernel_size): kernel_size is missing; in_channels=None takes "
        "them from the first input, as DepthwiseConv(None, 3)",
    ),
    (
        lambda: nn.SeparableConv(),
        BadOption,
        "SeparableConv(in_channels, out_channels, kernel_size): in_channels, out_channels, "
        "kernel_size are missing; in_channels=None takes them from the first input",
    ),
    (lambda: nn.Conv(None, None, 3), BadOption, "torch.nn.Conv2d: out_channels is missing"),
    (
        lambda: nn.Conv(3, 5, 3, 2),
        BadOption,
        "Conv(in_channels, out_channels, kernel_size) takes its other arguments by name; got 4 "
        "positions",
    ),
    (
        lambda: nn.Conv(3, 5, 0),
        BadOption,
        "torch.nn.Conv2d: kernel_size=0 must be an integer or 2 integers of at least 1",
    ),
    (
        lambda: nn.Conv(3, 5.5, 3),
        BadOption,
        "torch.nn.Conv2d: out_channels=5.5 must be an integer of at least 1",
    ),
    (
        lambda: nn.Conv(3, 5, 3, groups=2),
        BadOption,
        "torch.nn.Conv2d: in_channels=3 must be a multiple of 2 groups",
    ),
    (
        lambda: nn.Conv(3, kernel_size=3, out_channels=5, dialect="keras", filters=5),
        BadOption,
        "keras.layers.Conv2D: filters and out_channels are one; give one of them",
    ),
    (
        lambda: nn.Conv(3, 5, 3, dialect="numpy.convolve"),
        BadOption,
        "numpy.convolve has no channels, so there is no layer of it: bind a kernel",
    ),
    (
        lambda: nn.DepthwiseConv(3, 3, dialect="pytorch"),
        UnknownName,
        "pytorch has no depthwise_conv; it has conv, conv_transpose: conv(..., groups=C), C the "
        "channels of x, is a depthwise one",
    ),
    (
        lambda: nn.Conv(3, 5, 3, precision="high"),
        BadOption,
        'torch.nn.Conv2d: precision="high" must be "ieee", "tf32" or "framework"',
    ),
    (
        lambda: nn.Conv(3, 5, 3)(torch.zeros(2, 4, 5, 5)),
        BadShape,
        'torch.nn.Conv2d: x (2, 4, 5, 5) read as "n c ..." has c = 4, w (5, 3, 3, 3) read as '
        '"o i ..." has i = 3, groups = 1; c must be i * groups = 3',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("make", "error", "text"), REFUSED)
def test_messages(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == text


LOADED = [
    (
        {"kernel": torch.zeros(5, 4, 3, 2), "bias": torch.zeros(5)},
        'keras.layers.Conv2D: kernel (5, 4, 3, 2) read as "... i o" has s0 = 5, s1 = 4, i = 3, '
        'o = 2; it must have s0 = 3, s1 = 2, i = 4, o = 5; it would fit as "o i ..."',
    ),
    (
        {"kernel": torch.zeros(3, 2, 5, 4), "bias": torch.zeros(5)},
        'keras.layers.Conv2D: kernel (3, 2, 5, 4) read as "... i o" has i = 5, o = 4; it must '
        'have i = 4, o = 5; it would fit as "... o i"',
    ),
    (
        {"kernel": torch.zeros(3, 4, 5), "bias": torch.zeros(5)},
        'keras.layers.Conv2D: kernel (3, 4, 5) has 3 axes; read as "... i o" it must have 4: '
        "(3, 2, 4, 5)",
    ),
    ({"bias": torch.zeros(5)}, 'Missing key(s) in state_dict: "kernel". '),
    (
        {"kernel": torch.zeros(3, 2, 4, 5), "bias": torch.zeros(5), "scale": torch.zeros(5)},
        'Unexpected key(s) in state_dict: "scale". ',
    ),
    (
        {"kernel": torch.zeros(3, 2, 4, 5), "bias": torch.zeros(6)},
        "size mismatch for bias: copying a param with shape torch.Size([6]) from checkpoint, "
        "the shape in current model is torch.Size([5]).",
    ),
]


@pytest.mark.parametrize(("state", "text"), LOADED)
def test_loading_is_strict_and_names_the_axes(state, text):
    layer = nn.Conv(4, 5, (3, 2), dialect="keras")
    before = layer.weight.clone()
    with pytest.raises(RuntimeError) as caught:
        layer.load_state_dict(state)
    assert str(caught.value) == f"Error(s) in loading state_dict for Conv:\n\t{text}"
    if "kernel" in text:
        assert torch.equal(layer.weight, before)


def test_loading_takes_numpy_and_the_functions_own_name_inside_a_model():
    model = torch.nn.Sequential(nn.Conv(2, 3, (2, 1), dialect="knet"), torch.nn.ReLU())
    w = np.arange(12.0, dtype=np.float32).reshape(2, 1, 2, 3)
    model.load_state_dict({"0.w": w, "0.bias": np.ones(3, np.float32)})
    assert torch.equal(model.state_dict()["0.kernel"], torch.from_numpy(w))
    assert list(model.state_dict()) == ["0.kernel", "0.bias"]
    with pytest.raises(RuntimeError, match=r"knet\.conv4: kernel and w are one array"):
        model.load_state_dict({"0.w": w, "0.kernel": w, "0.bias": np.ones(3, np.float32)})


def test_options_of_one_call():
    layer = filled(nn.ConvTranspose, (3, 5, 3), {
        "dialect": "tf", "strides": 2, "output_shape": (9, 9),
    })  # fmt: skip
    x = integers(2, 5, 5, 3)
    assert layer(x).shape == (2, 9, 9, 5)
    assert layer(x, output_shape=(2, 10, 9, 5)).shape == (2, 10, 9, 5)
    assert torch.equal(layer(x, output_shape=(10, 9)), plain(layer, x, output_shape=(10, 9)))


def test_compile_and_export_take_any_size():
    layer = filled(*LAYERS[0][:3])
    graphs = CompileCounterWithBackend("aot_eager")
    torch._dynamo.reset()
    compiled = torch.compile(layer, fullgraph=True, backend=graphs)
    for n in (8, 9, 12, 15, 21):
        x = integers(2, n, n + 1, 3)
        assert torch.equal(compiled(x), layer(x))
    assert graphs.frame_count <= 2
    sizes = {1: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC}
    program = torch.export.export(layer, (integers(2, 8, 9, 3),), dynamic_shapes={"x": sizes})
    for n in (6, 7, 12):
        x = integers(2, n, n + 3, 3)
        assert torch.equal(program.module()(x), layer(x))


@EACH
def test_compile_takes_every_layer_with_its_gradients(kind, sizes, options, shape):
    layer, x = filled(kind, sizes, options), integers(*shape)
    torch._dynamo.reset()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    y = compiled(x)
    want = layer(x)
    assert torch.equal(y, want)
    grads = torch.autograd.grad(y.sum(), layer.parameters())
    for a, b in zip(grads, torch.autograd.grad(want.sum(), layer.parameters())):
        assert torch.equal(a, b)


def test_flatten_orders_features_as_each_framework_does():
    x = torch.arange(24.0).reshape(2, 3, 4)  # w c n in Julia: 2 pixels, 3 channels, 4 images
    y = nn.Flatten(dialect="knet")(x)
    assert y.shape == (6, 4)
    assert torch.equal(y[:, 1], torch.tensor([x[w, c, 1] for c in range(3) for w in range(2)]))
    x = torch.arange(24.0).reshape(4, 2, 3)
    assert torch.equal(nn.Flatten(dialect="keras")(x), x.reshape(4, 6))
    assert torch.equal(nn.Flatten(dialect="pytorch")(x), x.reshape(4, 6))
    first = nn.Flatten(dialect="keras", data_format="channels_first")(x)
    assert torch.equal(first, x.transpose(1, 2).reshape(4, 6))
    assert repr(nn.Flatten(dialect="keras")) == 'Flatten(dialect="keras")'
    with pytest.raises(BadOption) as caught:
        nn.Flatten(dialect="tf", data_format="NHWC")
    assert str(caught.value) == "Flatten: tf has no data_format; leave it out"
    with pytest.raises(BadShape) as caught:
        nn.Flatten()(torch.zeros(3))
    assert str(caught.value) == "Flatten: x (3,) must have a batch axis and another one"


@pytest.mark.cuda
@EACH
def test_layers_on_cuda(kind, sizes, options, shape):
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    layer, x = filled(kind, sizes, options), integers(*shape)
    want = layer(x)
    moved = layer.to("cuda")
    torch.testing.assert_close(moved(x.cuda(), precision="ieee").cpu(), want)
    with pytest.raises(BadArray, match="move them together"):
        moved(x)


# The bound of a uniform draw, or the deviation of a normal one, worked out by hand from the
# framework's own formula for 4 channels in, 6 out and 3 x 2 taps.
DRAWN = [
    ("keras", {}, "uniform", (6 / (24 + 36)) ** 0.5, 0),
    ("tf", {"strides": 1, "padding": "SAME"}, "uniform", (6 / (24 + 36)) ** 0.5, 0),
    ("flux", {}, "uniform", (6 / (24 + 36)) ** 0.5, 0),
    ("knet", {}, "uniform", (6 / (24 + 6)) ** 0.5, 0),
    ("pytorch", {}, "uniform", 24**-0.5, 24**-0.5),
    ("tinygrad", {}, "uniform", 24**-0.5, 24**-0.5),
    ("mlx", {}, "uniform", 24**-0.5, 0),
    ("mxnet", {}, "uniform", 0.07, 0),
    ("flax", {}, "normal", 24**-0.5, 0),
    ("chainer", {}, "normal", 24**-0.5, 0),
    ("paddle", {}, "normal", (2 / 24) ** 0.5, 0),
]


@pytest.mark.parametrize(("dialect", "options", "kind", "size", "bias"), DRAWN)
def test_fresh_kernels_are_drawn_as_the_framework_draws_them(dialect, options, kind, size, bias):
    torch.manual_seed(0)
    layer = nn.Conv(4, 6, (3, 2), dialect=dialect, **options)
    drawn = []
    for _ in range(60):
        layer.reset_parameters()
        drawn.append(layer.kernel.detach().clone().flatten())
        assert float(layer.bias.detach().abs().max()) <= bias * (1 + 1e-6)
    assert bool(layer.bias.any()) is (bias > 0)
    values = torch.cat(drawn)
    if kind == "uniform":
        assert 0.99 * size < float(values.abs().max()) <= size * (1 + 1e-6)
        assert float(values.std()) == pytest.approx(size / 3**0.5, rel=0.03)
    else:
        assert float(values.std()) == pytest.approx(size, rel=0.03)
        widest = 2 / 0.87962566 if dialect == "flax" else 6
        assert float(values.abs().max()) <= widest * size
    assert abs(float(values.mean())) < 0.04 * size


def test_a_separable_layer_may_have_both_kernels_parametrized():
    kind, sizes, options, shape = LAYERS[-1]
    layer, x = filled(kind, sizes, options), integers(*shape)
    want = layer(x)

    class Negative(torch.nn.Module):
        def forward(self, w):
            return -w

    for name in ("weight", "pointwise_weight"):
        parametrize.register_parametrization(layer, name, Negative())
    assert torch.equal(layer(x), want)


def test_a_lazy_layer_that_is_loaded_in_part_holds_numbers():
    layer = nn.Conv(None, 5, (3, 2), dialect="keras")
    layer.load_state_dict({"kernel": torch.ones(3, 2, 4, 5)}, strict=False)
    assert torch.equal(layer.bias, torch.zeros(5))

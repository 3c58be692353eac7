"""No spatial axis, more than torch's three, and some of those that x has: NumPy is the judge."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

import uniconv
from uniconv import Call, bind, explain, nn
from uniconv._calls.lift import lift
from uniconv.errors import BadOption, BadShape, CannotExpress, Refused, UniconvError
from uniconv.spec.registry import find
from uniconv.testing.cases import asymmetric

GENERAL = "jax.lax.conv_general_dilated"


def arrays(rank: int, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """x n c ..., w o i ... of two groups; a kernel's axes differ in size."""
    rng = np.random.default_rng(rank)
    x = asymmetric((2, 4, *(4, 3, 5, 3, 2)[:rank]), rng, dtype)
    return x, asymmetric((6, 2, *(2, 3, 2, 1, 2)[:rank]), rng, dtype)


def options(rank: int) -> dict[str, object]:
    pads = [(1, 0), (0, 2), (-1, 1), (0, 0), (1, 1)][:rank]
    return {"window_strides": (1, 2, 1, 2, 1)[:rank], "padding": pads, "feature_group_count": 2}


def test_without_spatial_axes_it_is_a_matrix_product():
    x, w = arrays(0)
    y = uniconv.conv(x, w, dialect=GENERAL, **options(0))
    groups = [x[:, :2] @ w[:3].T, x[:, 2:] @ w[3:].T]
    np.testing.assert_array_equal(y, np.concatenate(groups, 1))


@pytest.mark.parametrize("rank", [4, 5])
def test_more_axes_are_a_sum_over_the_kernels_first_taps(rank):
    """y of r axes is a sum of convolutions of r - 1 axes, by a loop of its own."""
    x, w = arrays(rank)
    given = options(rank)
    s, ((lo, hi), *_) = given["window_strides"][0], given["padding"]
    rest = {k: v[1:] if k != "feature_group_count" else v for k, v in given.items()}
    padded = np.pad(x, [(0, 0), (0, 0), (lo, hi), *[(0, 0)] * (rank - 1)])
    places = range(0, padded.shape[2] - w.shape[2] + 1, s)

    def one(p: int) -> np.ndarray:
        planes = ((padded[:, :, p + t], w[:, :, t]) for t in range(w.shape[2]))
        return sum(uniconv.conv(a, b, dialect=GENERAL, **rest) for a, b in planes)

    expected = np.stack([one(p) for p in places], 2)
    y = uniconv.conv(x, w, dialect=GENERAL, **given)
    np.testing.assert_array_equal(y, expected)


def test_an_uneven_border_of_a_depthwise_call():
    """Where torch's op may be given a wider border instead, of three axes."""
    x = asymmetric((2, 3, 4, 3, 5, 3), np.random.default_rng(7))
    w = asymmetric((6, 1, 2, 1, 3, 2), np.random.default_rng(8))
    given = {"dialect": "onnx", "group": 3, "strides": [1, 2, 2, 1]}
    y = uniconv.conv(x, w, **given, pads=[0, 0, 1, 1, 1, 0, 0, 1])
    padded = np.pad(x, [(0, 0), (0, 0), (0, 1), (0, 0), (1, 0), (1, 1)])
    np.testing.assert_array_equal(y, uniconv.conv(padded, w, **given))


@pytest.mark.parametrize("rank", [0, 4])
@pytest.mark.parametrize("dtype", ["int8", "int32", "complex64", "float64"])
def test_every_dtype(rank, dtype):
    x, w = arrays(rank)
    y = uniconv.conv(x, w, dialect=GENERAL, **options(rank))
    same = uniconv.conv(x.astype(dtype), w.astype(dtype), dialect=GENERAL, **options(rank))
    assert same.dtype == dtype
    np.testing.assert_array_equal(same, y.astype(dtype))


@pytest.mark.parametrize("rank", [0, 4])
def test_gradients_and_transforms(rank):
    x, w = (torch.from_numpy(a).double().requires_grad_() for a in arrays(rank))

    def run(x, w):
        return uniconv.conv(x, w, dialect=GENERAL, **options(rank))

    # y is linear in each array, so that a gradient is a difference, exactly.
    y = run(x, w)
    dy, v, u = (torch.arange(a.numel()).reshape(a.shape).double() % 7 - 3 for a in (y, x, w))
    dx, dw = torch.autograd.grad(y, (x, w), dy)
    assert (dx * v).sum() == (dy * run(v, w)).sum()
    assert (dw * u).sum() == (dy * run(x, u)).sum()
    mapped = torch.vmap(run, (0, None))(torch.stack([x, 2 * x]), w)
    torch.testing.assert_close(mapped[1], 2 * run(x, w))


def test_torch_compile_has_it_in_one_graph():
    x, w = map(torch.from_numpy, arrays(4))
    run = partial(uniconv.conv, dialect=GENERAL, **options(4))
    torch.testing.assert_close(torch.compile(run, backend="eager", fullgraph=True)(x, w), run(x, w))


@pytest.mark.parametrize("mode", ["reflect", "constant", "nearest", "mirror", "wrap"])
def test_every_border_of_four_axes(mode):
    """A kernel that runs along the last axis does what it does to each line alone."""
    x = asymmetric((3, 2, 4, 5), np.random.default_rng(1))
    w = np.array([1, 10, 100], "float32")
    whole = uniconv.conv(x, w.reshape(1, 1, 1, 3), dialect="scipy.ndimage.correlate", mode=mode)
    lines = [
        uniconv.conv(line, w, dialect="scipy.ndimage.correlate", mode=mode)
        for line in x.reshape(-1, x.shape[-1])
    ]
    np.testing.assert_array_equal(whole, np.stack(lines).reshape(x.shape))


def test_a_bound_kernel_and_a_layer():
    x, w = arrays(4)
    y = uniconv.conv(x, w, dialect=GENERAL, **options(4))
    np.testing.assert_array_equal(bind(w, dialect=GENERAL, **options(4))(x), y)
    layer = nn.Conv(4, 6, (2, 3, 2, 1), dialect="flax.linen.Conv", padding="VALID")
    image = torch.from_numpy(x).movedim(1, -1)
    own = uniconv.conv(
        image,
        layer.state_dict()["kernel"],
        layer.bias,
        dialect="flax.linen.Conv",
        padding="VALID",
    )
    torch.testing.assert_close(layer(image), own)
    with pytest.raises(CannotExpress, match="rank"):
        layer.to_torch((4, 3, 5, 3))


def test_another_functions_words():
    call = Call(*arrays(4), dialect=GENERAL, **options(4))
    other = lift(call.lowered, find("stablehlo.convolution")).options
    assert other["dimension_numbers"] == "[b,f,0,1,2,3]x[o,i,0,1,2,3]->[b,f,0,1,2,3]"
    with pytest.raises(CannotExpress, match=r"it has 1, 2 or 3 spatial axes, the call 4"):
        lift(call.lowered, find("mxnet.nd.Convolution"))


def test_an_explanation_has_every_axis():
    found = explain(Call(*arrays(4), dialect=GENERAL, **options(4)), at=(0, 0, 1, 0))
    assert [axis.name for axis in found.axes] == ["s0", "s1", "s2", "s3"]
    assert found.window.sum == found.window.y
    with pytest.raises(UniconvError, match="draws at most 3 spatial axes, the call has 4"):
        found.to_html()
    none = explain(Call(*arrays(0), dialect=GENERAL, **options(0)))
    assert "x (2, 4): batch 2, channels in 4" in str(none)
    assert none.window.sum == none.window.y


def test_a_framework_that_has_few_axes_says_so():
    x, w = arrays(4)
    with pytest.raises(BadShape, match="it must have 3, 4 or 5"):
        uniconv.conv(x, w, dialect="mxnet")
    with pytest.raises(BadShape, match="it must have 3 to 64"):
        uniconv.conv(x[..., 0, 0, 0, 0], w[..., 0, 0, 0, 0], dialect="onnx")


@pytest.mark.parametrize(
    ("axes", "inner"), [((1,), (3,)), ((2, 0), (2, 3)), (-1, (4,)), (np.array([0, 1]), (2, 2))]
)
def test_a_kernel_along_some_axes_is_one_of_size_1_along_the_others(axes, inner):
    """scipy.ndimage's kernel has the axes that are named, in increasing order."""
    rng = np.random.default_rng(3)
    x, w = asymmetric((4, 5, 6), rng), asymmetric(inner, rng)
    named = sorted(int(a) % 3 for a in np.atleast_1d(axes))
    whole = w.reshape([inner[named.index(a)] if a in named else 1 for a in range(3)])
    for name in ("scipy.ndimage.correlate", "scipy.ndimage.convolve"):
        y = uniconv.conv(x, w, dialect=name, mode="wrap", axes=axes)
        np.testing.assert_array_equal(y, uniconv.conv(x, whole, dialect=name, mode="wrap"))
    y = uniconv.conv(x, whole, dialect="scipy.signal.fftconvolve", axes=axes)
    np.testing.assert_array_equal(y, uniconv.conv(x, whole, dialect="scipy.signal.fftconvolve"))


def test_axes_that_are_none_are_refused():
    x, w = np.ones((4, 5, 6)), np.ones((4, 2, 1))
    for axes in (3, (), (0, 0), (0, 1.0)):
        with pytest.raises(BadOption, match="must be None or axes of x, each once, from -3 to 2"):
            uniconv.conv(x, w, dialect="scipy.signal.fftconvolve", axes=axes)
    with pytest.raises(BadOption, match="leaves axis 0 out, along which w has 4 kernels"):
        uniconv.conv(x, w, dialect="scipy.signal.oaconvolve", axes=1)
    with pytest.raises(Refused, match="origin moves along these axes only"):
        uniconv.conv(x, w[0, :, 0], dialect="scipy.ndimage.correlate", axes=1, origin=-1)

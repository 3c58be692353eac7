"""Arrays of every kind: what goes in, what comes out, and where it is computed."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import uniconv
from uniconv._canonical.arrays import like, to_torch
from uniconv.errors import BadArray, BadOption

RNG = np.random.default_rng(0)
X = RNG.integers(-8, 8, (2, 6, 5, 3)).astype("float32")
W = RNG.integers(-8, 8, (3, 2, 3, 4)).astype("float32")
TF = {"dialect": "tf", "strides": (1, 2), "padding": "SAME"}
Y = uniconv.conv(X, W, **TF)


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


KINDS = {
    "fortran": np.asfortranarray,
    "read-only": read_only,
    "reversed view": lambda a: a[::-1].copy()[::-1],
    "sliced view": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "broadcast view": lambda a: np.broadcast_to(a, a.shape),
    "transposed view": lambda a: a.transpose(3, 2, 1, 0).copy().transpose(3, 2, 1, 0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_numpy_memory_of_every_kind(kind):
    x, w = KINDS[kind](X), KINDS[kind](W)
    before = x.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = uniconv.conv(x, w, **TF)
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(y, Y)
    np.testing.assert_array_equal(x, before)


def test_a_numpy_array_is_not_copied():
    for a in (X, np.asfortranarray(X), read_only(X)):
        assert to_torch(a, "cpu").data_ptr() == a.ctypes.data


def test_tensors_stay_tensors_and_keep_their_graph():
    x, w = torch.from_numpy(X).requires_grad_(), torch.nn.Parameter(torch.from_numpy(W))
    y = uniconv.conv(x, w, **TF)
    assert torch.equal(y, torch.from_numpy(Y))
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert w.grad.shape == w.shape


@pytest.mark.parametrize(
    ("x", "w", "kind"),
    [
        (torch.from_numpy(X), W, torch.Tensor),
        (X, torch.from_numpy(W), np.ndarray),
    ],
)
def test_y_is_of_the_kind_of_x(x, w, kind):
    for _ in range(2):  # planned, then remembered
        y = uniconv.conv(x, w, np.ones(4, "float32"), **TF)
        assert isinstance(y, kind)
        np.testing.assert_array_equal(np.asarray(y), Y + 1)
        y = uniconv.conv(x, w, **TF)
        assert isinstance(y, kind)
        np.testing.assert_array_equal(np.asarray(y), Y)


class Foreign:
    """An array of another library: nothing but DLPack and the array API's namespace."""

    def __init__(self, a):
        self.a, self.shape = a, a.shape

    def __dlpack__(self, **options):
        return self.a.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.a.__dlpack_device__()

    def __array_namespace__(self):
        return Foreign

    @staticmethod
    def from_dlpack(tensor):
        return Foreign(np.from_dlpack(tensor))


def test_dlpack_goes_in_and_comes_out():
    y = uniconv.conv(Foreign(X), Foreign(W), **TF)
    assert type(y) is Foreign
    np.testing.assert_array_equal(y.a, Y)


def test_float16_and_float64_keep_their_dtype():
    for dtype in ("float16", "float64"):
        y = uniconv.conv(X.astype(dtype), W.astype(dtype), **TF)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y, Y)


def test_bfloat16_of_ml_dtypes():
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    x, w = (X % 3).astype(bfloat16), (W % 2).astype(bfloat16)
    y = uniconv.conv(x, w, **TF)
    assert y.dtype == bfloat16
    np.testing.assert_array_equal(y.astype("float32"), uniconv.conv(X % 3, W % 2, **TF))


def test_julia_promotes_where_tensorflow_refuses():
    x, w = X.transpose(1, 2, 3, 0), W
    y = uniconv.conv(x.astype("float64"), w, dialect="knet")
    assert y.dtype == "float64"
    np.testing.assert_array_equal(y, uniconv.conv(x, w, dialect="knet"))
    with pytest.raises(BadArray) as caught:
        uniconv.conv(X.astype("float64"), W, **TF)
    assert str(caught.value) == (
        "tf.nn.conv2d: x, w are float64, float32; TF takes one dtype: convert one of them"
    )


def test_flux_computes_in_the_dtype_of_the_weight():
    x, w = X.transpose(1, 2, 3, 0), W
    y = uniconv.conv(x.astype("float64"), w, dialect="flux.CrossCor")
    assert y.dtype == "float32"
    np.testing.assert_array_equal(y, uniconv.conv(x, w, dialect="flux.CrossCor"))
    half = uniconv.conv(x.astype("int64"), w.astype("float16"), w[0, 0, 0], dialect="flux.Conv")
    assert half.dtype == "float16"
    with pytest.raises(BadArray) as caught:
        uniconv.conv(x, w.astype("int64"), dialect="flux")
    assert str(caught.value) == (
        "flux.Conv: x is float32; Flux converts it to w's dtype, and int64 cannot hold it: "
        "convert one of them"
    )
    with pytest.raises(BadArray) as caught:
        uniconv.conv(x, w, w[0, 0, 0] * 1j, dialect="flux")
    assert str(caught.value) == (
        "flux.Conv: bias is complex64; Flux converts it to w's dtype, and float32 cannot hold it: "
        "convert one of them"
    )


def test_autocast_is_torchs_own():
    x, w = torch.from_numpy(X), torch.from_numpy(W)
    with torch.autocast("cpu", torch.bfloat16):
        y = uniconv.conv(x.bfloat16(), w, **TF)
    assert y.dtype is torch.bfloat16
    torch.testing.assert_close(y.float(), torch.from_numpy(Y), rtol=0.02, atol=1)


@pytest.mark.parametrize(
    ("a", "text"),
    [
        (np.array(["a"]), "a NumPy array of strings (<U1) has no numbers to convolve: "),
        ([1.0, 2.0], "builtins.list is no array: give a torch tensor, a NumPy array or an array "),
    ],
)
def test_what_is_no_array_is_named(a, text):
    with pytest.raises(BadArray) as caught:
        to_torch(a)
    assert str(caught.value).startswith(text)


def test_the_other_byte_order_is_read():
    a = np.arange(6, dtype=">f4").reshape(2, 3)
    np.testing.assert_array_equal(to_torch(a), np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize("device", ["nowhere", "cuda:99", 3.5])
def test_a_bad_device_is_named(device):
    with pytest.raises(BadArray) as caught:
        uniconv.conv(X, W, device=device, **TF)
    assert str(caught.value).startswith(f"device={device!r}: ")


def test_meta_has_no_numbers_for_numpy():
    with pytest.raises(BadArray) as caught:
        uniconv.conv(X, W, device="meta", **TF)
    assert str(caught.value) == 'device="meta" has no numbers to give back as a NumPy array'


def test_sparse_tensors_are_refused():
    for x in (torch.from_numpy(X).to_sparse(), torch.from_numpy(X).double().to_sparse()):
        with pytest.raises(BadArray) as caught:
            uniconv.conv(x, torch.from_numpy(W).to(x.dtype), **TF)
        assert str(caught.value) == (
            "tf.nn.conv2d: a tensor is sparse_coo; dense ones are convolved: x.to_dense()"
        )


def test_an_array_without_a_way_back_is_refused():

    with pytest.raises(BadArray) as caught:
        like(torch.ones(1), type("Lonely", (), {"__module__": "warnings.x"})())
    assert "gives DLPack but warnings has no from_dlpack" in str(caught.value)


def test_an_addend_must_fit():
    x, w = X.transpose(1, 2, 3, 0), W
    y = uniconv.conv(x, w, dialect="knet.ops21.conv")
    z = np.arange(y.size, dtype="float32").reshape(y.shape)
    got = uniconv.conv(x, w, dialect="knet.ops21.conv", z=z, beta=2, alpha=3)
    np.testing.assert_array_equal(got, 3 * y + 2 * z)
    with pytest.raises(uniconv.UniconvError) as caught:
        uniconv.conv(x, w, dialect="knet.ops21.conv", z=z[:1], beta=2)
    assert str(caught.value) == (f"knet.ops21.conv: z {z[:1].shape} must have y's shape {y.shape}")


def test_lists_tuples_and_arrays_of_options_are_one_call():
    for strides in ([1, 2], (1, 2), np.array([1, 2]), [1, 1, 2, 1]):
        y = uniconv.conv(X, W, dialect="tf", strides=strides, padding="SAME")
        np.testing.assert_array_equal(y, Y)


def test_numbers_as_arrays_without_axes():
    x, w = np.arange(12.0).reshape(1, 1, 12), np.array([1, 10, 100.0]).reshape(1, 1, 3)
    y = uniconv.conv(x, w, stride=2, padding=1)
    for number in (np.array, torch.tensor, np.int64):
        np.testing.assert_array_equal(uniconv.conv(x, w, stride=number(2), padding=(number(1),)), y)
    a = np.array([[1, 2, 3.0]])
    y = uniconv.conv(a, a, dialect="scipy.signal.convolve2d", fillvalue=np.array(2.5))
    np.testing.assert_array_equal(
        y, uniconv.conv(a, a, dialect="scipy.signal.convolve2d", fillvalue=2.5)
    )
    needs_gradient = torch.tensor(2.5, requires_grad=True)
    with pytest.raises(BadOption, match=r"fillvalue=.*requires_grad=True.* must be a number"):
        uniconv.conv(a, a, dialect="scipy.signal.convolve2d", fillvalue=needs_gradient)


def test_a_zero_point_for_each_output_channel():
    x = RNG.integers(0, 200, (1, 2, 5)).astype("uint8")
    w = RNG.integers(0, 200, (3, 2, 2)).astype("uint8")
    zeros = np.array([3, 0, 199], "uint8")
    options = {"dialect": "onnx.ConvInteger", "x_zero_point": np.array(7, "uint8")}
    y = uniconv.conv(x, w, w_zero_point=zeros, **options)
    for i, zero in enumerate(zeros):
        one = uniconv.conv(x, w[i : i + 1], w_zero_point=zero, **options)
        np.testing.assert_array_equal(y[:, i : i + 1], one)
    call = uniconv.Call(x, w, dialect="onnx.ConvInteger", w_zero_point=zeros)
    lines = uniconv.explain(call).torch
    space = {"x": torch.from_numpy(x), "w": torch.from_numpy(w)}
    exec(lines, space)
    whole = uniconv.conv(x, w, dialect="onnx.ConvInteger", w_zero_point=zeros)
    np.testing.assert_array_equal(space["y"].numpy(), whole)
    with pytest.raises(BadArray, match="the zero point 256 is no uint8"):
        uniconv.conv(x, w, w_zero_point=[0, 256, 1], **options)


NUMBERED = {"dialect": "stablehlo", "feature_group_count": 1, "batch_group_count": 1}
LAYOUT = "[b, 0, f]x[0, i, o]->[b, 0, f]"


@pytest.mark.parametrize(
    ("dtype", "word", "result"),
    [
        ("int8", "i32", "int32"),
        ("uint8", "i16", "int16"),
        ("int32", "i8", "int8"),  # modulo 256
        ("float16", "f32", "float32"),
        ("float32", "f64", "float64"),
        ("complex64", "complex<f64>", "complex128"),
    ],
)
def test_a_result_of_its_own_dtype(dtype, word, result):
    x, w = np.array([100, 27, 3]).astype(dtype), np.array([90, 7]).astype(dtype)
    x, w = x.reshape(1, 3, 1), w.reshape(2, 1, 1)
    y = uniconv.conv(x, w, dimension_numbers=LAYOUT, result=word, **NUMBERED)
    wanted = np.array([100 * 90 + 27 * 7, 27 * 90 + 3 * 7]).astype(result)
    assert y.dtype == result
    np.testing.assert_array_equal(y.ravel(), wanted)
    call = uniconv.Call(x, w, dimension_numbers=LAYOUT, result=word, **NUMBERED)
    space = {"x": torch.from_numpy(x), "w": torch.from_numpy(w)}
    exec(uniconv.explain(call).torch, space)
    np.testing.assert_array_equal(space["y"].numpy(), y)


def test_a_result_must_hold_the_arrays():
    x, w = np.ones((1, 3, 1), "float32"), np.ones((2, 1, 1), "float32")
    for word in ("f16", "bf16", "i32", "complex<f32>"):
        with pytest.raises(BadArray, match=f'result="{word}" of float32 arrays must be a dtype'):
            uniconv.conv(x, w, dimension_numbers=LAYOUT, result=word, **NUMBERED)


def test_dimension_numbers_in_every_spelling():
    positions = {
        "input_batch_dimension": 2,
        "input_feature_dimension": 0,
        "input_spatial_dimensions": [1],
        "kernel_input_feature_dimension": 2,
        "kernel_output_feature_dimension": 0,
        "kernel_spatial_dimensions": [1],
        "output_batch_dimension": 1,
        "output_feature_dimension": 2,
        "output_spatial_dimensions": [0],
    }
    raw = ", ".join(f"{k} = {v}" for k, v in positions.items())
    x, w = np.arange(24.0).reshape(2, 4, 3), np.arange(20.0).reshape(5, 2, 2)
    plain = "[f,0,b]x[o,0,i]->[0,b,f]"
    y = uniconv.conv(x, w, dimension_numbers=plain, **NUMBERED)
    texts = (f"#stablehlo.conv<{plain}>", f"#stablehlo.conv<raw {raw}>")
    for spelled in (*texts, SimpleNamespace(**positions)):
        other = uniconv.conv(x, w, dimension_numbers=spelled, **NUMBERED)
        np.testing.assert_array_equal(other, y)
    for wrong in (raw.replace("= 2", "= 0", 1), raw.replace("[1]", "[3]", 1), raw[:40]):
        with pytest.raises(BadOption, match="must be three lists such as"):
            uniconv.conv(x, w, dimension_numbers=f"#stablehlo.conv<raw {wrong}>", **NUMBERED)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_family_is_meant_for_every_number_of_axes(rank):
    letters = ",".join(map(str, range(rank)))
    numbers = f"[b,{letters},f]x[{letters},i,o]->[b,{letters},f]"
    x, w = np.ones((1, *(3,) * rank, 1)), np.ones(((2,) * rank) + (1, 1))
    y = uniconv.conv(x, w, dimension_numbers=numbers, **NUMBERED)
    assert (y.shape, y.max()) == ((1, *(2,) * rank, 1), 2**rank)


def test_batch_groups_of_an_image_without_pixels():
    x, w = np.ones((4, 0, 2)), np.ones((1, 2, 4))
    options = {**NUMBERED, "batch_group_count": 2, "dimension_numbers": LAYOUT}
    y = uniconv.conv(x, w, padding=[(1, 1)], **options)
    np.testing.assert_array_equal(y, np.zeros((2, 2, 4)))

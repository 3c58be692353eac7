"""Calls as people give them: lists, rows and columns, arrays that y is written into."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import uniconv
from uniconv import native
from uniconv.errors import BadArray, BadOption, BadShape, Refused

IMAGE = np.arange(20.0).reshape(4, 5) ** 2


@pytest.mark.parametrize(
    ("call", "y"),
    [
        # The examples of numpy.convolve and scipy.ndimage.convolve1d.
        (lambda: native("numpy.convolve")([1, 2, 3], [0, 1, 0.5]), [0, 1, 2.5, 4, 1.5]),
        (lambda: native("numpy.correlate")(range(1, 4), (0, 1, 0.5)), [3.5]),
        (
            lambda: native("scipy.ndimage.convolve1d")([2, 8, 0, 4, 1, 9, 9, 0], weights=[1, 3]),
            [14, 24, 4, 13, 12, 36, 27, 0],
        ),
        (lambda: uniconv.conv([1, 2, 3], [1, 10], dialect="numpy"), [1, 12, 23, 30]),
    ],
)
def test_lists_are_read_as_numpy_reads_them(call: Any, y: list[float]) -> None:
    for _ in range(2):
        assert isinstance(call(), np.ndarray)
        assert call().tolist() == y


@pytest.mark.parametrize(
    ("call", "y"),
    [  # NumPy 2.4.6, and the dtypes that it gives
        (lambda: native("numpy.convolve")([1.0, 3], 2), np.array([2.0, 6])),
        (lambda: native("numpy.convolve")(2, np.array([1, 3], "f4")), np.array([2.0, 6])),
        (lambda: uniconv.conv(np.array(2), 3.0, dialect="numpy.convolve"), np.array([6.0])),
        (lambda: native("numpy.convolve")([1, 2, 3], [1, 10], 0), np.array([12, 23])),
        (lambda: native("numpy.convolve")([1, 2, 3], [1, 10], np.int64(1)), np.array([1, 12, 23])),
        (lambda: native("numpy.correlate")([1, 2, 3], [1, 10], 1), np.array([10, 21, 32])),
        (lambda: native("numpy.correlate")([1, 2, 3], [1, 10], 2), np.array([10, 21, 32, 3])),
    ],
)
def test_numbers_as_numpy_reads_them(call: Any, y: np.ndarray) -> None:
    for _ in range(2):
        np.testing.assert_array_equal(call(), y, strict=True)


@pytest.mark.parametrize("mode", [True, 1.0, 3, None, "SAME"])
def test_modes_that_numpy_refuses(mode: Any) -> None:
    convolve = native("numpy.convolve")
    convolve([1, 2, 3], [1, 10], 1)  # which a later mode=True must not be taken for
    with pytest.raises(BadOption, match=r"numpy\.convolve: mode="):
        convolve([1, 2, 3], [1, 10], mode)


def test_correlate_takes_no_number() -> None:
    with pytest.raises(BadShape, match=r"w \(\) has 0 axes"):
        native("numpy.correlate")([1.0, 3], 2)


def test_a_list_beside_an_array() -> None:
    kernel = [[1, 2, 0], [0, 5, -1]]
    convolve2d = native("scipy.signal.convolve2d")
    both = (IMAGE, np.asarray(kernel))
    np.testing.assert_array_equal(convolve2d(IMAGE, kernel, "same"), convolve2d(*both, "same"))
    y = convolve2d(torch.from_numpy(IMAGE), kernel)
    assert isinstance(y, torch.Tensor)
    np.testing.assert_array_equal(y.numpy(), convolve2d(*both))


def test_lists_that_are_no_arrays() -> None:
    convolve = native("numpy.convolve")
    with pytest.raises(BadArray, match="w is a list that NumPy makes no array of"):
        convolve([1, 2], [[1], [1, 2]])
    with pytest.raises(BadArray, match=r"x is a builtins\.list, no array"):
        native("jax.numpy.convolve")([1, 2], [1])  # JAX itself refuses lists
    with pytest.raises(BadArray, match=r"w is a builtins\.list, no array"):
        uniconv.conv(np.ones((1, 1, 4)), [[[1.0]]])


@pytest.mark.parametrize("x", [(3,), (3, 1), (1, 3)])
@pytest.mark.parametrize("y", [(4,), (4, 1), (1, 4)])
@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_kernels_of_a_product_are_rows_or_columns(x: Any, y: Any, kind: Any) -> None:
    first, second = np.array([1.0, 2, 5]), np.array([7.0, -1, 3, 2])
    given = kind(first.reshape(x)), kind(second.reshape(y))
    image = kind(IMAGE)
    for name, order in (("cv2.sepFilter2D", (image, -1)), ("matlab.conv2_uv", (image,))):
        want = native(name)(*order, kind(first), kind(second))
        np.testing.assert_array_equal(np.asarray(native(name)(*order, *given)), np.asarray(want))


def test_a_kernel_of_one_axis_is_a_row_to_opencv() -> None:
    filter2d, kernel = native("cv2.filter2D"), np.array([1.0, 2, 5])
    for _ in range(2):
        y = filter2d(IMAGE, -1, kernel)
        np.testing.assert_array_equal(y, filter2d(IMAGE, -1, kernel[None]))


def test_a_call_as_a_value_keeps_kernels_as_opencv_reads_them() -> None:
    first, second = np.array([[1.0, 2, 5]]), np.array([[7.0], [-1], [3], [2]])
    text = "cv2.sepFilter2D(x, -1, a, b, borderType=cv2.BORDER_REFLECT | cv2.BORDER_ISOLATED)"
    call = uniconv.Call.parse(text, x=IMAGE, a=first, b=second)
    assert (call.w.shape, call.pointwise.shape, call.options["borderType"]) == ((3,), (4,), 18)
    y = native("cv2.sepFilter2D")(IMAGE, -1, first[0], second.ravel(), borderType=2)
    np.testing.assert_array_equal(call.run(), y)
    shapes = uniconv.Call((4, 5), (1, 3), pointwise=(4, 1), dialect="cv2.sepFilter2D", ddepth=-1)
    assert (shapes.w, shapes.pointwise) == ((3,), (4,))
    row = uniconv.Call(IMAGE, first[0], dialect="cv2.filter2D", ddepth=-1)
    np.testing.assert_array_equal(row.run(), native("cv2.filter2D")(IMAGE, -1, first))
    assert uniconv.Call((4, 5), (3,), dialect="cv2.filter2D", ddepth=-1).w == (1, 3)


@pytest.mark.parametrize("option", ["anchor", "delta", "borderType"])
def test_none_is_the_default_of_opencv(option: str) -> None:
    filter2d, kernel = native("cv2.filter2D"), np.array([[1.0, 2, 5, -3], [4, 0, 7, 1]])
    np.testing.assert_array_equal(
        filter2d(IMAGE, -1, kernel, **{option: None}), filter2d(IMAGE, -1, kernel)
    )


@pytest.mark.parametrize(
    "name", ["jax.lax.conv", "jax.lax.conv_general_dilated", "jax.lax.conv_with_general_padding"]
)
@pytest.mark.parametrize("pairs", [[(1, 2), (0, -1)], np.array([[1, 2], [0, -1]])])
def test_pairs_may_be_an_array(name: str, pairs: Any) -> None:
    spread = {"lhs_dilation": None, "rhs_dilation": None}
    more = spread if name.endswith("padding") else {}
    y = native(name)(IMAGE[None, None], IMAGE[:2, :3][None, None], (2, 1), pairs, **more)
    padded = np.pad(IMAGE[:, :-1], ((1, 2), (0, 0)))
    sums = [
        [(padded[i : i + 2, j : j + 3] * IMAGE[:2, :3]).sum() for j in range(2)] for i in (0, 2, 4)
    ]
    assert y[0, 0].tolist() == sums


@pytest.mark.parametrize("mode", ["full", "same"])
def test_products_of_transforms_need_no_array_inside_the_other(mode: str) -> None:
    x, w = IMAGE[:2], IMAGE[:3, :2]
    for name in ("convolve", "correlate"):
        y = native(f"jax.scipy.signal.{name}")(x, w, mode, "fft")
        np.testing.assert_array_equal(y, native(f"scipy.signal.{name}")(x, w, mode))
        with pytest.raises(Refused, match="one array must be smaller"):
            native(f"jax.scipy.signal.{name}")(x, w, mode, "direct")


@pytest.mark.parametrize(
    ("word", "same"), [("pad", "fill"), ("circular", "wrap"), ("symmetric", "symm")]
)
def test_second_words_of_scipys_boundaries(word: str, same: str) -> None:
    for name in ("convolve2d", "correlate2d"):
        function = native(f"scipy.signal.{name}")
        y = function(IMAGE, IMAGE[:2, :3], "full", same)
        np.testing.assert_array_equal(function(IMAGE, IMAGE[:2, :3], "full", word), y)


@pytest.mark.parametrize("cval", [float("inf"), float("nan")])
def test_integers_have_no_infinite_border(cval: float) -> None:
    x, w = np.arange(6, dtype="uint8").reshape(2, 3), np.ones((1, 2))
    correlate = native("scipy.ndimage.correlate")
    with pytest.raises(BadArray, match=rf"cval={cval} is no uint8, which y is"):
        correlate(x, w, mode="constant", cval=cval)
    assert not np.isfinite(correlate(x.astype("f4"), w, mode="constant", cval=cval)[:, 0]).any()


@pytest.mark.parametrize(
    ("text", "option", "value"),
    [
        ("scipy.ndimage.correlate(x, w, origin=np.int64(-1))", "origin", -1),
        ("scipy.ndimage.correlate(x, w, output=np.dtype('int32'))", "output", "int32"),
        ("scipy.ndimage.correlate(x, w, output=float)", "output", float),
        ("cv2.filter2D(x, -1, w, borderType=cv2.BORDER_REPLICATE | 16)", "borderType", 17),
        ("jax.scipy.signal.convolve(x, w, precision=jax.lax.Precision.HIGH)", "precision", "high"),
    ],
)
def test_values_as_they_are_written_in_python(text: str, option: str, value: Any) -> None:
    call = uniconv.Call.parse(text, x=IMAGE, w=IMAGE[:2, :3])
    assert call.options[option] == value
    assert type(call.options[option]) is type(value)


# GNU Octave 7.3.0: size(conv(u, v, shape)) of rows and columns of these lengths.
ROWS_AND_COLUMNS = [
    ((1, 5), (1, 2), "full", (1, 6)),
    ((5, 1), (1, 2), "full", (6, 1)),
    ((1, 2), (5, 1), "full", (6, 1)),
    ((1, 5), (5, 1), "full", (9, 1)),
    ((5, 1), (1, 5), "full", (1, 9)),
    ((1, 5), (5, 1), "same", (1, 5)),
    ((2, 1), (1, 5), "same", (2, 1)),
    ((5, 1), (1, 2), "valid", (4, 1)),
    ((2, 1), (1, 5), "valid", (0, 1)),
]


@pytest.mark.parametrize(("u", "v", "shape", "size"), ROWS_AND_COLUMNS)
def test_a_vector_lies_as_octave_lays_it(u: Any, v: Any, shape: str, size: Any) -> None:
    first, second = np.arange(1.0, max(u) + 1) ** 2, np.arange(2.0, max(v) + 2)
    conv = native("matlab.conv")
    for _ in range(2):
        y = conv(first.reshape(u), second.reshape(v), shape)
        assert y.shape == size
        assert y.ravel().tolist() == conv(first, second, shape).tolist()


def test_y_is_written_into_an_output_array() -> None:
    kernel, x = np.array([[1.0, 2], [0, 5]]), IMAGE.astype(np.float32)
    convolve, want = native("scipy.ndimage.convolve"), native("scipy.ndimage.convolve")(x, kernel)
    for _ in range(2):
        into = np.zeros(x.shape, np.float64)
        assert convolve(x, kernel, into) is into
        np.testing.assert_array_equal(into, want)
    assert convolve(into, kernel, output=into) is into  # in place
    np.testing.assert_array_equal(into, convolve(want.astype(np.float64), kernel))
    with pytest.raises(BadOption, match=r"output has shape \(4, 4\); it must have y's, \(4, 5\)"):
        convolve(x, kernel, np.zeros((4, 4)))


def test_opencv_writes_into_an_array_where_y_fits() -> None:
    filter2d, kernel = native("cv2.filter2D"), np.array([[1.0, 2], [0, 5]])
    want = filter2d(IMAGE, -1, kernel)
    fits, wide = np.zeros((4, 5)), np.zeros((4, 6))
    assert filter2d(IMAGE, -1, kernel, dst=fits) is fits
    np.testing.assert_array_equal(fits, want)
    y = filter2d(IMAGE, -1, kernel, wide)
    np.testing.assert_array_equal(y, want)
    assert not wide.any()
    one = np.zeros((4, 5, 1))
    assert filter2d(IMAGE[..., None], -1, kernel, one) is one
    np.testing.assert_array_equal(one[..., 0], want)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, bool])
@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_a_mask_of_flax_multiplies_the_kernel(dtype: Any, kind: Any) -> None:
    x, w = np.arange(24, dtype="f").reshape(1, 8, 3) % 7, np.arange(36, dtype="f").reshape(3, 3, 4)
    mask = np.tril(np.ones((3, 3, 4), dtype))
    want = uniconv.conv(x, w * mask.astype("f"), dialect="flax.nnx.Conv")
    for name in ("flax.linen.Conv", "flax.nnx.Conv"):
        for _ in range(2):
            for y in (
                uniconv.conv(kind(x), kind(w), dialect=name, mask=kind(mask)),
                native(name)(kind(x), kind(w), mask=mask),
            ):
                np.testing.assert_array_equal(np.asarray(y), want, strict=True)
    assert not np.array_equal(uniconv.conv(x, w, dialect="flax.nnx.Conv"), want)


def test_masks_that_do_not_fit() -> None:
    x, w = np.ones((1, 8, 3), "float16"), np.ones((3, 3, 4), "float16")
    conv = native("flax.linen.Conv")
    with pytest.raises(BadOption, match=r"mask of shape \(3, 4\) must have the kernel's, \(3, 3"):
        conv(x, w, mask=np.ones((3, 4)))
    with pytest.raises(BadArray, match="w is float16, mask float32: give it w's dtype"):
        conv(x, w, mask=np.ones((3, 3, 4), "f"))
    with pytest.raises(BadOption, match=r"mask of shape .* multiply the kernel by the mask"):
        uniconv.Call(x, w, dialect="flax.linen.Conv", mask=w)


def test_a_gradient_passes_a_mask() -> None:
    x, w = torch.ones(1, 4, 1), torch.ones(2, 1, 1, requires_grad=True)
    mask = torch.tensor([1.0, 0]).reshape(2, 1, 1)
    uniconv.conv(x, w, dialect="flax", padding="VALID", mask=mask).sum().backward()
    assert w.grad is not None
    assert w.grad.flatten().tolist() == [3, 0]


# MXNet hands every option over as a text, and its files have them so (tests/live/test_call_forms.py
# compares with MXNet): Python 2 wrote (3L, 3L), one number is a list of one, an empty one says
# nothing, nor does a target_shape of zeros.
@pytest.mark.parametrize(
    ("texts", "options"),
    [
        ({"kernel": "(3, 2)", "stride": "[2, 1]"}, {"stride": (2, 1)}),
        ({"kernel": "(3L, 2L)", "pad": "(1,0)", "num_group": "1"}, {"pad": (1, 0)}),
        ({"kernel": (3, 2), "stride": (), "pad": "()", "num_filter": "6"}, {}),
        ({"kernel": "(3,2)", "cudnn_tune": "None", "no_bias": "True", "dilate": "(2, 1)"},
         {"dilate": (2, 1)}),
    ],
)  # fmt: skip
def test_texts_of_options_in_mxnet(texts: dict[str, Any], options: dict[str, Any]) -> None:
    x, w = (np.arange(float(np.prod(s))).reshape(s) ** 2 % 11 for s in ((2, 4, 7, 6), (6, 4, 3, 2)))
    y = uniconv.conv(x, w, dialect="mxnet", **{"kernel": (3, 2)} | options)
    np.testing.assert_array_equal(uniconv.conv(x, w, dialect="mxnet", **texts), y)


def test_numbers_and_zeros_of_options_in_mxnet() -> None:
    x, w = (np.arange(float(np.prod(s))).reshape(s) ** 2 % 11 for s in ((2, 4, 7), (4, 6, 3)))
    deconvolution = native("mxnet.nd.Deconvolution")
    y = deconvolution(x, w, kernel=(3,), stride=(2,), pad=(1,), adj=(1,))
    np.testing.assert_array_equal(deconvolution(x, w, None, 3, 2, 1, 1, 1, (0,), 6), y)
    np.testing.assert_array_equal(deconvolution(x, w, None, "3", "2", "1", 1, 1, "(0,)", "6"), y)


@pytest.mark.parametrize(
    ("option", "value"),
    [("num_filter", "5"), ("kernel", "(3, 3)"), ("stride", "2"), ("stride", "(2, x)"),
     ("no_bias", "False"), ("num_group", "3"), ("layout", "NHWC")],
)  # fmt: skip
def test_texts_that_mxnet_refuses(option: str, value: str) -> None:
    x, w = np.ones((2, 4, 7, 6)), np.ones((6, 4, 3, 2))
    with pytest.raises((BadOption, BadShape), match=option):
        uniconv.conv(x, w, dialect="mxnet", **{"kernel": (3, 2), option: value})


def test_an_output_shape_without_batch_and_channels_in_theano() -> None:
    x, w = (np.arange(float(np.prod(s))).reshape(s) ** 2 % 11 for s in ((2, 6, 4, 3), (6, 4, 3, 2)))
    transposed = native("theano.tensor.nnet.conv2d_transpose")
    y = transposed(x, w, (2, 4, 9, 6), input_dilation=(2, 2))
    for shape in ((None, 4, 9, 6), (2, None, 9, 6), [None, None, 9, 6]):
        np.testing.assert_array_equal(transposed(x, w, shape, input_dilation=(2, 2)), y)
    for shape in ((2, 4, None, 6), (None, 9, 6), (None, 5, 9, 6), (3, None, 9, 6)):
        with pytest.raises(BadOption, match="output_shape"):
            transposed(x, w, shape, input_dilation=(2, 2))


@pytest.mark.parametrize("zero", [None, 0, [0], np.array([0], "uint8"), np.array(0)])
def test_zero_points_of_onnx_are_left_out_or_lists_of_one(zero: Any) -> None:
    x = np.array([[[3, 1, 4, 1]]], "uint8")
    w = np.array([[[1, 2]]], "uint8")
    integer = native("onnx.ConvInteger")
    for given in ((zero, zero), (zero, 0), (0, zero)):
        assert integer(x, w, *given).tolist() == [[[5, 9, 6]]]
    assert integer(x, w, np.array([1], "uint8"), None).tolist() == [[[2, 6, 3]]]
    with pytest.raises(BadOption, match=r"x_zero_point=\[1, 2\] must be a number"):
        integer(x, w, [1, 2])


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_openvino_takes_every_float(dtype: str) -> None:
    x, w = np.array([[[1, 2, 5, 7]]], dtype), np.array([[[1, 10]]], dtype)
    y = native("openvino.convolution")(x, w, [1], [0], [0], [1])
    np.testing.assert_array_equal(y, np.array([[[21, 52, 75]]], dtype), strict=True)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64"])
def test_mlx_converts_the_shorter_of_two_vectors(dtype: str) -> None:
    convolve = native("mlx.core.convolve")
    short, long = np.array([1, 0, 1]).astype(dtype), np.array([1.0, 2, 4, 8, 7], "float32")
    y = np.array([1, 2, 5, 10, 11, 8, 7], "float32")
    np.testing.assert_array_equal(convolve(long, short), y, strict=True)
    np.testing.assert_array_equal(convolve(short, long), y, strict=True)
    with pytest.raises(BadArray, match=f"x is {dtype}, which is not one of"):
        convolve(long.astype(dtype), short.astype("float32"))
    with pytest.raises(BadArray, match=f"w is {dtype}, which is not one of"):
        convolve(short.astype("float32"), long.astype(dtype))


@pytest.mark.parametrize("option", ["stride", "kernel_dilation", "input_dilation"])
def test_a_list_of_one_is_all_axes_to_mlx(option: str) -> None:
    x, w = IMAGE.reshape(1, 4, 5, 1), IMAGE[:2, :2].reshape(1, 2, 2, 1)
    general = native("mlx.core.conv_general")
    y = general(x, w, **{option: (2, 2)})
    np.testing.assert_array_equal(general(x, w, **{option: (2,)}), y)

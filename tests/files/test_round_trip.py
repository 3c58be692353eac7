"""Random arrays, printed as each framework prints them, among prose, and read again."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from uniconv import files
from uniconv.errors import UniconvError

PROSE = st.sampled_from(
    [
        "{}",
        "得到的结果如下：\n{}\n结束。",
        "The kernel (3, 3) is [1] as follows\n\n{}\n\nand y[0, 1] is too large: why?",
        "conv2d(x, w, strides=[1, 1])\n{}\nOut of ideas: 5×5 pixels, 3-element stride.\n",
    ]
)
SHAPES = arrays_of.array_shapes(min_dims=2, max_dims=4, max_side=4)


def numbers(largest):
    return st.floats(-largest, largest, allow_subnormal=False).map(
        lambda v: 0.0 if abs(v) < 1e-300 else v
    )


def some(dtype, shapes=SHAPES, largest=1e6):
    kind = {"elements": numbers(largest)} if np.dtype(dtype) == np.float64 else {}
    if np.dtype(dtype) == np.float32:
        kind = {"elements": st.floats(-largest, largest, width=32, allow_subnormal=False)}
    return arrays_of.arrays(dtype, shapes, **kind)


def same(text, array):
    """One array is found, equal within its errors and the rounding of its dtype."""
    (found,) = files.loads(text).values()
    assert found.shape == array.shape
    rounding = np.abs(array).astype(float) * (2.0**-24 if array.dtype == np.float32 else 2.0**-52)
    difference = np.abs(found.array.astype(np.float64) - array.astype(np.float64))
    assert (difference <= np.asarray(found.error) * (1 + 1e-9) + rounding).all()
    return found


@given(some(np.float64), PROSE, st.sampled_from([repr, str]))
def test_numpy(array, prose, show):
    with np.printoptions(threshold=10**6):
        same(prose.format(show(array)), array)


@given(some(np.float32), PROSE, st.sampled_from([repr, str]))
def test_numpy_float32(array, prose, show):
    found = same(prose.format(show(array)), array)
    assert found.dtype == (np.float32 if show is repr else np.float64)


@given(some(np.float64, largest=100), PROSE, st.integers(2, 6), st.booleans())
def test_numpy_at_other_precisions(array, prose, precision, suppress):
    with np.printoptions(precision=precision, suppress=suppress):
        text = repr(array)
    (found,) = files.loads(prose.format(text)).values()
    difference = np.abs(found.array - array)
    # 0.004 in two decimals is "0.", which says nothing of the two
    unit = np.maximum(found.error, 0.5 * 10.0**-precision)
    assert (difference <= unit * (1 + 1e-9) + np.abs(array) * 10.0**-precision).all()


@given(some(np.int64, largest=0) | some(np.int8) | some(np.bool_), PROSE)
def test_whole_numbers_are_exact(array, prose):
    (found,) = files.loads(prose.format(repr(array))).values()
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found.array, array)
    assert found.error == 0


@given(arrays_of.arrays(np.complex128, SHAPES, elements=st.complex_numbers(max_magnitude=1e3,
       allow_subnormal=False)), PROSE)  # fmt: skip
def test_numpy_complex(array, prose):
    (found,) = files.loads(prose.format(repr(array))).values()
    assert found.dtype == np.complex128
    assert (np.abs(found.array - array) <= np.asarray(found.error) * 1.001 + 1e-12).all()


TORCH = st.sampled_from(["float32", "float64", "float16", "bfloat16", "int64"])


@given(some(np.float32, largest=2**15), PROSE, TORCH, st.booleans(), st.sampled_from([None, True]))
def test_torch(array, prose, dtype, grad, scientific):
    tensor = torch.from_numpy(array).to(getattr(torch, dtype))
    if grad and tensor.is_floating_point():
        tensor = tensor.requires_grad_() * 1
    torch.set_printoptions(sci_mode=scientific)
    try:
        text = repr(tensor)
    finally:
        torch.set_printoptions(sci_mode=None)
    (found,) = files.loads(prose.format(text)).values()
    assert found.dtype.name == dtype
    exact = tensor.detach().double().numpy()
    rounding = np.abs(exact) * (2.0**-7 if dtype == "bfloat16" else 2.0**-10 if dtype == "float16"
                                else 2.0**-22)  # fmt: skip
    difference = np.abs(found.array.astype(np.float64) - exact)
    assert (difference <= np.asarray(found.error) * (1 + 1e-6) + rounding).all()


def julia_number(value):
    """Base.show with :compact => true: six significant digits, no trailing zeros but ".0"."""
    text = f"{value:.6g}"
    mantissa, e, power = text.partition("e")
    size = abs(float(text))
    if size and not 1e-5 <= size < 1e6 and not e:
        mantissa, e, power = f"{value:.5e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
    if "." not in mantissa:
        mantissa += ".0"
    return mantissa + (f"e{int(power)}" if e else "")


def julia(array):
    """The REPL's display of an array of two axes and more."""
    kind = {"float64": "Float64", "float32": "Float32"}[array.dtype.name]
    name = "Matrix" if array.ndim == 2 else "Array"
    of = f"{{{kind}}}" if array.ndim == 2 else f"{{{kind}, {array.ndim}}}"
    head = "×".join(map(str, array.shape)) + f" {name}{of}:"

    def matrix(a):
        cells = [[julia_number(v) for v in row] for row in a]
        widths = [max(map(len, column)) for column in zip(*cells)]
        return "\n".join(" " + "  ".join(c.rjust(n) for c, n in zip(row, widths)) for row in cells)

    if array.ndim == 2:
        return f"{head}\n{matrix(array)}"
    slices = []
    for index in np.ndindex(*reversed(array.shape[2:])):
        outer = index[::-1]
        numbers_ = ", ".join(str(i + 1) for i in outer)
        slices.append(f"[:, :, {numbers_}] =\n{matrix(array[(slice(None), slice(None), *outer)])}")
    return f"{head}\n" + "\n\n".join(slices)


def test_the_julia_printer_prints_what_julia_does():
    """The founding question's numbers, and those of Julia's manual."""
    seed = [194.694, 0.368195, -4.38531, -0.0651456, 41.063, -115.278]
    assert [julia_number(v) for v in seed] == [str(v) for v in seed]
    assert [julia_number(v) for v in (1.0, 1e-7, 123456789.0, 1e6, 0.0, -0.5)] == [
        *("1.0", "1.0e-7", "1.23457e8", "1.0e6", "0.0", "-0.5")
    ]
    assert julia(np.array([[1.5, -2.25], [3, 4]])) == (
        "2×2 Matrix{Float64}:\n 1.5  -2.25\n 3.0    4.0"
    )


@given(some(np.float64) | some(np.float32), PROSE)
def test_julia(array, prose):
    found = same(prose.format(julia(array)), array)
    assert found.dtype == array.dtype


def matlab(array, name):
    """``format short``: four decimals, with a common factor where the largest needs one."""

    def matrix(a, exponent):
        factor = f"   1.0e{exponent:+03d} *\n\n" if exponent else ""
        rows = ("".join(f"{v / 10.0**exponent:10.4f}" for v in row) for row in a)
        return factor + "\n".join(rows) + "\n"

    largest = np.abs(array).max()
    exponent = int(np.floor(np.log10(largest))) if largest and not 1e-3 <= largest < 1e3 else 0
    if array.ndim == 2:
        return f"{name} =\n\n{matrix(array, exponent)}\n"
    text = ""
    for index in np.ndindex(*reversed(array.shape[2:])):
        outer = index[::-1]
        numbers_ = ",".join(str(i + 1) for i in outer)
        part = array[(slice(None), slice(None), *outer)]
        text += f"{name}(:,:,{numbers_}) =\n\n{matrix(part, exponent)}\n\n"
    return text


@given(some(np.float64), PROSE)
def test_matlab(array, prose):
    found = same(prose.format(matlab(array, "w")), array)
    assert found.name == "w"


@given(some(np.float64), PROSE)
def test_lists(array, prose):
    (found,) = files.loads(prose.format(array.tolist())).values()
    np.testing.assert_array_equal(found.array, array)


PIECES = st.sampled_from(
    [
        *("[", "]", "[[", "]]", "(", ")", ",", ";", ";;;", "\n", " ", "  ", "=", ":", "x", "A =\n"),
        *("array(", "tensor(", "tf.Tensor(", "<tf.Tensor: shape=(2,), dtype=float32, numpy=", ">"),
        *("2×2 Matrix{Float64}:\n", "1×1×2 Array{Int64,3}:\n", "[:, :, 1] =\n", "A(:,:,1) =\n"),
        *("3-element Vector{Int64}:\n", "[torch.FloatTensor of size 2x2]", "1.0e+03 *\n", "1.5"),
        *("  Columns 1 through 2\n", "-2", "3", "1e999", "0x1f", "inf", "nan", "1+2i", "True", "⋅"),
        *("...", "⋮", "…", ", dtype=float32)", "julia> ", ">>> ", "Out[1]:", "3×3 single matrix\n"),
        *("10", "99999999999", "1e-400", "2.j", "权重", "'a'", "np.", ".reshape(", "(0 ,.,.) = \n"),
    ]
)


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=200))
def test_garbage_is_refused_or_read_but_never_crashes(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = files.loads(text)
        except UniconvError:
            pass
        else:
            assert found
            for name, f in found.items():
                assert name
                assert np.broadcast_to(f.error, f.shape).shape == f.shape


@pytest.mark.parametrize("piece", ["[", "[[1,", "array(", "tensor([", "1 ", "x =\n", "1×1 A{B}:\n"])
def test_long_garbage_takes_no_long_time(piece):
    """A reader that began anew at each place would take minutes."""
    with pytest.raises(UniconvError):
        files.loads(piece * 20_000)

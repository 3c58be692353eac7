"""Printed arrays in text: every notation, what they are called, how far they may be off."""

import doctest
import json
from pathlib import Path

import numpy as np
import pytest

from uniconv import files
from uniconv._cli import demo
from uniconv.errors import BadFile
from uniconv.files import numbers

SEED = Path(demo.__file__).parents[1] / "data" / "knet_vs_tensorflow.txt"


def only(text):
    """The one array of a text."""
    found = list(files.loads(text).values())
    assert len(found) == 1
    return found[0]


def largest(found):
    return float(np.max(found.error, initial=0))


@pytest.mark.parametrize("module", [files, numbers])
def test_the_examples_of_the_docstrings(module):
    done = doctest.testmod(module)
    assert (done.failed, done.attempted > 0) == (0, True)


def test_the_founding_question_gives_the_numbers_that_were_typed_from_it():
    """Every number, against a copy that was made by hand."""
    typed = json.loads((Path(__file__).parent / "knet_vs_tensorflow.json").read_text("utf-8"))
    found = files.load(SEED)
    lines = {"testw": 6, "partappledata": 21, "ydata": 54}
    lines |= {"immatdata": 65, "wdata": 91, "part_conv_data": 107}
    assert {name: f.line for name, f in found.items()} == lines
    expected = {name: np.array(v) for kind in ("julia", "numpy") for name, v in typed[kind].items()
                if name != "about"}  # fmt: skip
    for name in ("testw", "partappledata"):
        expected[name] = expected[name].transpose(1, 2, 0)
    for name, f in found.items():
        float64 = name in ("partappledata", "ydata")
        assert f.dtype == (np.float64 if float64 else np.float32)
        np.testing.assert_array_equal(f.array, expected[name].astype(f.dtype))
    assert [f.digits for f in found.values()] == [6, 5, 6, 10, 8, 11]
    bounds = [5e-7, 5e-5, 5e-4, 5e-9, 5e-9, 5e-9]
    assert [largest(f) for f in found.values()] == pytest.approx(bounds)


A = [[1.5, -2.25], [3, 4]]
NOTATIONS = {
    # NumPy, TensorFlow, JAX, MXNet, Paddle, MLX, CuPy
    "array([[ 1.5 , -2.25],\n       [ 3.  ,  4.  ]])": ("float64", 0.005),
    "array([[ 1.5 , -2.25],\n       [ 3.  ,  4.  ]], dtype=float32)": ("float32", 0.005),
    "[[ 1.5  -2.25]\n [ 3.    4.  ]]": ("float64", 0.005),
    "matrix([[ 1.5 , -2.25],\n        [ 3.  ,  4.  ]])": ("float64", 0.005),
    "array([[1.5, -2.25],  # the first row\n [3, 4]])": ("float64", 0.005),
    "<tf.Tensor: shape=(2, 2), dtype=float32, numpy=\narray([[ 1.5 , -2.25],\n"
    "       [ 3.  ,  4.  ]], dtype=float32)>": ("float32", 0.005),
    "tf.Tensor(\n[[ 1.5  -2.25]\n [ 3.    4.  ]], shape=(2, 2), dtype=float32)": ("float32", 0.005),
    "Array([[ 1.5 , -2.25],\n       [ 3.  ,  4.  ]], dtype=float32)": ("float32", 0.005),
    "[[ 1.5  -2.25]\n [ 3.    4.  ]]\n<NDArray 2x2 @cpu(0)>": ("float64", 0.005),
    "Tensor(shape=[2, 2], dtype=float32, place=Place(cpu), stop_gradient=True,\n"
    "       [[ 1.50000000, -2.25000000],\n        [ 3.        ,  4.        ]])": ("float32", 5e-9),
    # PyTorch, now and before 0.4
    "tensor([[ 1.5000, -2.2500],\n        [ 3.0000,  4.0000]])": ("float32", 5e-5),
    "tensor([[ 1.5000, -2.2500],\n        [ 3.0000,  4.0000]], device='cuda:0',\n"
    "       dtype=torch.float64, grad_fn=<AddBackward0>)": ("float64", 5e-5),
    "Parameter containing:\ntensor([[ 1.5000, -2.2500],\n        [ 3.0000,  4.0000]], "
    "requires_grad=True)": ("float32", 5e-5),
    "tensor(1.0000e-02 *\n       [[ 150.0000, -225.0000],\n        [ 300.0000,  400.0000]])": (
        "float32", 5e-7),
    " 1.5000 -2.2500\n 3.0000  4.0000\n[torch.FloatTensor of size 2x2]\n": ("float32", 5e-5),
    # Julia
    "2×2 Matrix{Float64}:\n 1.5  -2.25\n 3.0   4.0": ("float64", 5e-6),
    "2×2 Array{Float32,2}:\n 1.5  -2.25\n 3.0   4.0": ("float32", 5e-6),
    "2×2 CuArray{Float32, 2, CUDA.Mem.DeviceBuffer}:\n 1.5  -2.25\n 3.0   4.0": ("float32", 5e-6),
    "2×2 KnetArray{Float32,2}:\n 1.5  -2.25\n 3.0   4.0": ("float32", 5e-6),
    "2×2 adjoint(::Matrix{Float64}) with eltype Float64:\n 1.5  -2.25\n 3.0   4.0": (
        "float64", 5e-6),
    "2x2 Array{Float64,2}:\n 1.5 -2.25\n 3.0 4.0": ("float64", 5e-6),
    "2×2 Matrix{Float64}: 1.5 -2.25 3.0 4.0": ("float64", 5e-6),
    "[1.5 -2.25; 3.0 4.0]": ("float64", 0.005),
    "Float32[1.5 -2.25; 3.0 4.0]": ("float32", 0.005),
    # MATLAB, Octave
    "A =\n\n    1.5000   -2.2500\n    3.0000    4.0000\n": ("float64", 5e-5),
    "A =\n\n  2×2 single matrix\n\n    1.5000   -2.2500\n    3.0000    4.0000\n": (
        "float32", 5e-5),
    "A = 2×2\n\n    1.5000   -2.2500\n    3.0000    4.0000\n": ("float64", 5e-5),
    "A =\n\n   1.0e-03 *\n\n    1500.0   -2250.0\n    3000.0    4000.0\n": ("float64", 0),
    "A =\n\n   1.0e+01 *\n\n    0.1500   -0.2250\n    0.3000    0.4000\n": ("float64", 5e-4),
    "A =\n\n  Columns 1 through 1\n\n   1.50\n   3.00\n\n  Column 2\n\n   -2.25\n   4.00\n": (
        "float64", 0.005),
    "A =\n\n  1 至 1 列\n\n   1.50\n   3.00\n\n  2 至 2 列\n\n   -2.25\n   4.00\n": (
        "float64", 0.005),
    # lists and program text, of which the numbers are exact
    "[[1.5, -2.25], [3, 4]]": ("float64", 0.005),
    "np.array([[1.5, -2.25], [3, 4]])": ("float64", 0),
    "torch.tensor([[1.5, -2.25], [3, 4]])": ("float32", 0),
    "torch.tensor([[1.5, -2.25], [3, 4]], dtype=torch.float64)": ("float64", 0),
    "np.array([[1.5, -2.25], [3, 4]], np.float32)": ("float32", 0),
    "tf.constant([1.5, -2.25, 3, 4], shape=[2, 2])": ("float32", 0),
    "[[1.5, \u22122.25], [3, 4]]": ("float64", 0.005),
}  # fmt: skip


@pytest.mark.parametrize("text", NOTATIONS)
@pytest.mark.parametrize(
    "around", ["{}", "得到的结果如下：\n{}\n完毕。", "We get\r\n\r\n{}\r\n\r\nwhy?"]
)
def test_every_notation(text, around):
    dtype, error = NOTATIONS[text]
    found = only(around.format(text))
    np.testing.assert_array_equal(found.array, np.array(A, dtype))
    assert found.dtype == dtype
    assert largest(found) == pytest.approx(error)


SHAPES = {
    "[1.5, 2.5]": (2,),
    "[1. 2.]": (2,),
    "x = [1 2 3];": (1, 3),
    "julia> [1 2 3]": (1, 3),
    "[1.0; 2.0]": (2,),
    "[1.0; 2.0;;]": (2, 1),
    "[1.0;; 2.0]": (1, 2),
    "[1 2; 3 4;;; 5 6; 7 8]": (2, 2, 2),
    "[1 2;;; 3 4;;;; 5 6;;; 7 8;;;; 9 10;;; 11 12]": (1, 2, 2, 3),
    "[1 2\n 3 4]": (2, 2),
    "[1 2\n\n 3 4]": (2, 2),
    "array([], shape=(0, 3), dtype=float64)": (0, 3),
    "tensor([], size=(0, 3))": (0, 3),
    "tensor(0.5000)": (),
    "array(2)": (),
    "<tf.Tensor: shape=(), dtype=float32, numpy=3.5>": (),
    "0-dimensional Array{Float64, 0}:\n3.5": (),
    "3-element Vector{Int64}:\n 1\n 2\n 3": (3,),
    "0×3 Matrix{Float64}": (0, 3),
    "F = [](0x3)": (0, 3),
}


@pytest.mark.parametrize("text", SHAPES)
def test_shapes(text):
    assert only(text).shape == SHAPES[text]


def test_julias_axes_beyond_two_are_axes_of_their_own():
    array = only("[1 2; 3 4;;; 5 6; 7 8]").array
    assert array[0, 1, 0] == 2
    assert array[1, 0, 1] == 7
    two_columns = only("[1; 2;; 3; 4]").array
    np.testing.assert_array_equal(two_columns, [[1, 3], [2, 4]])


def test_numpys_long_vectors_go_on_in_the_next_line():
    vector = np.linspace(0, 1, 40)
    assert only(str(vector)).shape == (40,)
    assert only(str(vector[:12])).shape == (12,)


SLICED = {
    "julia": "2×3×2 Array{Int64, 3}:\n[:, :, 1] =\n 1  2  3\n 4  5  6\n\n"
    "[:, :, 2] =\n 7  8  9\n 0  1  2\n",
    "without a header": "[:, :, 1] =\n 1  2  3\n 4  5  6\n\n[:, :, 2] =\n 7  8  9\n 0  1  2\n",
    "without newlines": "2×3×2 Array{Int64, 3}: [:, :, 1] = 1 2 3 4 5 6 [:, :, 2] = 7 8 9 0 1 2",
    "with empty lines": "2×3×2 Array{Int64, 3}:\n\n[:, :, 1] =\n\n 1  2  3\n\n 4  5  6\n\n"
    "[:, :, 2] =\n\n 7  8  9\n\n 0  1  2\n",
    "matlab": "A(:,:,1) =\n\n     1     2     3\n     4     5     6\n\n\n"
    "A(:,:,2) =\n\n     7     8     9\n     0     1     2\n",
    "octave": "A =\n\nans(:,:,1) =\n\n   1   2   3\n   4   5   6\n\n"
    "ans(:,:,2) =\n\n   7   8   9\n   0   1   2\n\n",
    "old torch": "(0 ,.,.) = \n 1 2\n 3 4\n(1 ,.,.) = \n 5 6\n 7 8\n"
    "[torch.LongTensor of size 2x2x2]",
}


@pytest.mark.parametrize("kind", SLICED)
def test_slices(kind):
    array = only(SLICED[kind]).array
    if kind == "old torch":
        np.testing.assert_array_equal(array, np.arange(1, 9).reshape(2, 2, 2))
    else:
        np.testing.assert_array_equal(array[:, :, 0], [[1, 2, 3], [4, 5, 6]])
        np.testing.assert_array_equal(array[:, :, 1], [[7, 8, 9], [0, 1, 2]])


def test_slices_of_four_axes_in_julias_order():
    text = "1×1×2×2 Array{Float64, 4}:\n" + "\n".join(
        f"[:, :, {i}, {j}] =\n {i}.{j}\n" for j in (1, 2) for i in (1, 2)
    )
    np.testing.assert_array_equal(only(text).array[0, 0], [[1.1, 1.2], [2.1, 2.2]])


# https://www.mathworks.com/help/matlab/math/multidimensional-arrays.html
MATHWORKS = """\
A = [1 2 3; 4 5 6; 7 8 9]
A = 3×3

     1     2     3
     4     5     6
     7     8     9

A(:,:,2) = [10 11 12; 13 14 15; 16 17 18]
A =
A(:,:,1) =

     1     2     3
     4     5     6
     7     8     9


A(:,:,2) =

    10    11    12
    13    14    15
    16    17    18

"""

# https://gist.github.com/Ismael-VC/9143938 (Julia 0.3), its first slices
GIST = """\
julia> reshape(1:54, 3, 3, 6)
3x3x2 Array{Int32,3}:
[:, :, 1] =
1 4 7
2 5 8
3 6 9
[:, :, 2] =
10 13 16
11 14 17
12 15 18
julia>
"""

# https://nl.mathworks.com/matlabcentral/answers/121196-how-can-i-remove-the-power-of-a-matrix
POWER = "A =\n1.0e+06 *\n0.0001 55 100\n0.0002 66 110\n0.0003 77 120\n0.0004 88 130\nhow can I\n"

# GNU Octave 7.3.0
OCTAVE = """\
C =

   1.0000 + 2.0000i   3.5000 - 1.0000i

v =

   1.0005e+03   1.0000e-03

D =

   1142.86    142.86    857.14
    428.57    714.29   1000.00
    571.43   1285.71    285.71

E =

   1.5000      NaN      Inf

W =

 Columns 1 through 8:

   0.1429   0.2857   0.4286   0.5714   0.7143   0.8571   1.0000   1.1429

 Columns 9 through 11:

   1.2857   1.4286   1.5714

L =

  1  0

"""


def test_displays_of_the_documentation():
    found = files.loads(MATHWORKS)
    assert {name: f.shape for name, f in found.items()} == {
        "A": (3, 3),
        "A_2": (3, 3),
        "A_3": (3, 3),
        "A_4": (3, 3, 2),
    }
    assert found["A_4"].array[1, 2].tolist() == [6, 15]

    julia = only(GIST)
    assert (julia.dtype, julia.line) == (np.int32, 2)
    np.testing.assert_array_equal(julia.array, np.arange(1, 19).reshape(3, 3, 2, order="F"))

    power = only(POWER)
    assert power.array[1].tolist() == [200, 66e6, 110e6]
    assert power.error[1].tolist() == pytest.approx([50, 0, 0])


def test_displays_of_octave():
    found = files.loads(OCTAVE)
    assert list(found) == ["C", "v", "D", "E", "W", "L"]
    assert found["C"].array.tolist() == [[1 + 2j, 3.5 - 1j]]
    assert found["v"].error[0].tolist() == pytest.approx([0.05, 5e-8])
    assert found["D"].array[2].tolist() == [571.43, 1285.71, 285.71]
    np.testing.assert_array_equal(found["E"].array, [[1.5, np.nan, np.inf]])
    assert found["E"].error[0].tolist() == pytest.approx([5e-5, 0, 0])
    np.testing.assert_allclose(found["W"].array, np.arange(1, 12)[None] / 7, rtol=0, atol=5e-5)
    assert found["W"].line == 19


NAMES = {
    "x = [[1, 2]]": "x",
    "x=[[1, 2]]": "x",
    "x, y = [[1, 2]]": "array_1",
    "权重 = [[1, 2]]": "权重",
    "weight: [[1, 2]]": "weight",
    '"conv.weight": [[1, 2]]': "conv.weight",
    "conv.weight = tensor([[1, 2]])": "conv.weight",
    "OrderedDict([('conv.weight', tensor([[1., 2.]]))])": "conv.weight",
    "y[:, :, 1] =\narray([[1, 2]])": "y",
    "julia> y\n1×2 Matrix{Int64}:\n 1 2": "y",
    "julia>y[:,:,1,1]\n1×2 Matrix{Int64}:\n 1 2": "y",
    "julia> y = conv4(w, x)\n1×2 Matrix{Int64}:\n 1 2": "y",
    "y\n1×2 Matrix{Int64}:\n 1 2": "y",
    "y = 1×2 Matrix{Int64}:\n 1 2": "y",
    ">>> w\narray([[1, 2]])": "w",
    ">>> print(w)\n[[1 2]]": "w",
    ">>> print(w.numpy())\n[[1 2]]": "w",
    "print(w)\n\n[[1 2]]": "w",
    "```python\nprint(w)\n```\nOutput\n```\n[[1 2]]\n```": "Output",
    "```python\nprint(w)\n```\n```\n[[1 2]]\n```": "w",
    "print(w)\nprint(y)\n[[1 2]]": "array_1",
    "w\nParameter containing:\ntensor([[1., 2.]])": "w",
    "In [3]: layer.kernel[0]\nOut[3]:\narray([[1, 2]])": "layer.kernel",
    "In [3]: layer.kernel[0]\nOut[3]: array([[1, 2]])": "layer.kernel",
    "bias = Parameter containing:\ntensor([1., 2.])": "array_1",
    "<tf.Variable 'conv/kernel:0' shape=(2,) dtype=float32, numpy=array([1., 2.], "
    "dtype=float32)>": "conv/kernel:0",
    "权重是 [[1, 2]]。": "array_1",
    "julia> f(x) + 1\n1×2 Matrix{Int64}:\n 1 2": "array_1",
}


@pytest.mark.parametrize("text", NAMES)
def test_names(text):
    assert only(text).name == NAMES[text]


def test_names_are_unique():
    text = "[[1, 2]]\n\nx = [[3, 4]]\n\n[[5, 6]]\n\nx = [[7, 8]]\n\nx_2 = [[9, 0]]\n"
    found = files.loads(text)
    assert list(found) == ["array_1", "x", "array_2", "x_2", "x_2_2"]
    assert [f.array[0, 0] for f in found.values()] == [1, 3, 5, 7, 9]
    assert [f.line for f in found.values()] == [1, 3, 5, 7, 9]


ERRORS = {
    # all digits of the array count, of numbers in a display: zeros are trimmed
    "[[0.5 0.25]]": [[0.005, 0.005]],
    "[[1.e-03 2.5e+02]]": [[5e-5, 5]],
    "[[1. 2.]]": [[5e-9, 5e-9]],
    "[[1.e-07 2.e+00]]": [[5e-16, 5e-9]],
    "[[1.0, 2.0]]": [[0, 0]],
    "[[1.00, 2.00]]": [[0.005, 0.005]],
    "[[0 0.5]]": [[0, 0.05]],
    "[[nan 0.5]]": [[0, 0.05]],
    "[[1.5+0.25j 2.+0.j]]": [[0.01, 0.01]],
    # Julia shows six digits in a matrix
    "1×3 Matrix{Float64}:\n 194.694  0.368195  0.0": [[5e-4, 5e-7, 0]],
    "1×2 Matrix{Float64}:\n 1.0e-10  3.0": [[5e-16, 5e-6]],
    "1×2 Matrix{Float32}:\n 1.5f-3  3.0": [[5e-9, 5e-6]],
    # and all of them in a vector
    "2-element Vector{Float64}:\n 0.30000000000000004\n 12.5": [5e-18, 5e-16],
}


@pytest.mark.parametrize("text", ERRORS)
def test_printed_digits_become_the_error(text):
    found = only(text)
    error = np.broadcast_to(found.error, found.shape)
    np.testing.assert_allclose(error, ERRORS[text], rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("[[0.001, 12.50]]", 4),
        ("[[100, -7]]", 3),
        ("tensor([1.0000e-03, 2.0000])", 5),
        ("[[nan]]", 0),
    ],
)
def test_digits(text, digits):
    assert only(text).digits == digits


KINDS = {
    "[[1, 2]]": "int64",
    "[[True, False]]": "bool",
    "[[1.+2.j]]": "complex128",
    "tensor([True, False])": "bool",
    "tensor([1.+2.j])": "complex64",
    "1×1 Matrix{ComplexF64}:\n 1.0+2.0im": "complex128",
    "1×1 Matrix{Complex{Float32}}:\n 1.0+2.0im": "complex64",
    "1×2 Matrix{UInt8}:\n 0x01  0xff": "uint8",
    "1×2 Matrix{Bool}:\n 1  0": "bool",
    "2×2 Diagonal{Int64, Vector{Int64}}:\n 1  ⋅\n ⋅  2": "int64",
    "array([1, 2], dtype=uint8)": "uint8",
    "np.array([1.5], dtype=float)": "float64",
    "torch.tensor([1.5], dtype=torch.float)": "float32",
    "torch.ones(2) and tensor([1, 2], dtype=torch.long)": "int64",
    " 1\n 2\n[torch.ByteTensor of size 2]": "uint8",
    " 1\n 2\n[torch.cuda.FloatTensor of size 2 (GPU 0)]": "float32",
    "tensor([1., 2.], dtype=torch.bfloat16)": "bfloat16",
    "[[inf, -Inf, nan]]": "float64",
}


@pytest.mark.parametrize("text", KINDS)
def test_dtypes(text):
    assert only(text).dtype.name == KINDS[text]


NO_ARRAYS = {
    "": "",
    "prose": "See [1] and [2, 3]; conv2d(x, strides=[1, 1]) and data[:, :, 1] of 5×5 pixels.",
    "code": "x = np.zeros([1, 2])\ny = f([[1, 2], [3, 4]])\nz = np.arange(4).reshape([2, 2])\n",
    "expressions": "x = np.array([[1, 2], [3, 4]]).reshape(4, 1)\ny = array([1] + n * [0])\n"
    "z = Array(0.5 .* (1 .+ y))\n",
    "other numbers": "DT_FLOATING =\nheader = 0x03\n",
    "words": "array(['a', 'b'])\n[['a', 'b']]\ntensor(n)\n",
    "a type": "It is a 5×5 Array{Float64,2} of numbers.",
    "a number": "x = 5\nans = 3.5\n[3]()",
}


@pytest.mark.parametrize("kind", NO_ARRAYS)
def test_what_is_no_array(kind):
    with pytest.raises(BadFile) as error:
        files.loads(NO_ARRAYS[kind])
    assert str(error.value) == (
        "text has no printed array: one is read as NumPy, PyTorch, TensorFlow, JAX, Julia, MATLAB "
        "and Octave print it, or as nested lists, [[1, 2], [3, 4]]"
    )


CUT = 'the array is cut short ("{}"): print all of it, or save it to a file'
WRONG = {
    "[[1, 2], ..., [3, 4]]": f"text, line 1: {CUT.format('...')}",
    "x\n[0.1 0.2 ... 0.8 0.9]": f"text, line 2: {CUT.format('...')}",
    "tensor([[1., 2.],\n        ...,\n        [3., 4.]])": f"text, line 2: {CUT.format('...')}",
    "3×2 Matrix{Float64}:\n 1.0  2.0\n ⋮\n 3.0  4.0": f"text, line 3: {CUT.format('⋮')}",
    "2×9 Matrix{Float64}:\n 1.0  …  2.0\n 3.0  …  4.0": f"text, line 2: {CUT.format('…')}",
    " 1 2 ... 3\n 4 5 ... 6\n[torch.LongTensor of size 2x9]": f"text, line 2: {CUT.format('...')}",
    "a\n[[1, 2],\n [3]]": (
        "text, line 3: the array is ragged: a part of shape (1,) stands beside one of shape (2,)"
    ),
    "[[1, 2], 3]": "text, line 1: the array is ragged: 3 stands beside a list",
    "[[1, [2, 3]]]": "text, line 1: the array is ragged: a list stands beside a number",
    "[[1 2; 3]]": "text, line 1: the array is ragged: its rows have different lengths",
    "x = [1 2; 3];": "text, line 1: the array is ragged: its rows have different lengths",
    "2×2 Matrix{Float64}:\n 1.0  2.0\n 3.0": (
        "text, line 3: the array is ragged: 1 number in this row, 2 in its first"
    ),
    "A =\n\n 1  2\n 3  4  5\n": (
        "text, line 4: the array is ragged: 3 numbers in this row, 2 in its first"
    ),
    "3×2 Matrix{Float64}:\n 1.0  2.0\n 3.0  4.0": (
        "text, line 2: 3×2 is declared on line 1, but 2×2 numbers follow"
    ),
    "1×2 Matrix{Float64}:\n 1.0  2.0\n 3.0  4.0": (
        "text, line 2: 1×2 is declared on line 1, but 2×2 numbers follow"
    ),
    "5×5 Array{Float64,2}:\nand so on": "text, line 1: 5×5 is declared, but no numbers follow",
    "1×1×2 Array{Int64,3}:\n[:, :, 1] =\n 1\n": (
        "text, line 1: 1×1×2 is declared, but slice [:, :, 2] is missing"
    ),
    "1×1×1 Array{Int64,3}:\n[:, :, 1] =\n 1\n\n[:, :, 2] =\n 1\n": (
        "text, line 1: 1×1×1 is declared, without slice [:, :, 2]"
    ),
    "1×1×1 Array{Int64,3}:\n[:, :, 1] =\n 1\n\n[:, :, 1] =\n 1\n": (
        "text, line 6: slice [:, :, 1] is printed twice"
    ),
    "A(:,:,1) =\n\n 1 2\n\nA(:,:,2) =\n\n 1\n": "text, line 7: this slice is 1×1, the first is 1×2",
    "A(:,:,1) =\n\n 1 2\n\nA(:,:,2) =\n\n": "text, line 5: no numbers follow",
    "A = 2×2\n\n 1 2\n": "text, line 1: 2×2 is declared, but 1×2 numbers follow",
    "A =\n\n  Columns 1 through 2\n\n 1 2\n\n  Columns 4 through 5\n\n 1 2\n": (
        "text, line 7: columns 4 to 5 are announced, after 2; 2 follow"
    ),
    "A =\n\n  Columns 1 through 2\n\n 1 2\n\n  Column 3\n\n 1\n 2\n": (
        "text, line 7: 2 rows here, 1 in the first columns"
    ),
    "2×2 Matrix{Float64}:\n 1.0  2.0\n 3.0  abc": (
        'text, line 3: "abc" among the numbers of an array'
    ),
    "array([[1, 2], [3, x]])": 'text, line 1: "x" among the numbers of an array',
    "[[1,, 2]]": 'text, line 1: ",," among the numbers of an array',
    "array([[1, 2],\n       [3, 4]": 'text, line 1: the array is not closed: a "]" is missing',
    "array([[1, 2]] and so on": 'text, line 1: the array is not closed: a ")" is missing',
    "<tf.Tensor: shape=(1,), dtype=int32, numpy=array([1])": (
        'text, line 1: the array is not closed: a ">" is missing'
    ),
    "tf.Tensor([[1 2]], shape=(2, 1), dtype=int32)": (
        "text, line 1: shape (2, 1) is declared, but numbers of shape (1, 2) are printed"
    ),
    " 1 2\n[torch.LongTensor of size 2x2]": (
        "text, line 2: 2x2 is declared, but 2 numbers are above it"
    ),
    "array([1.5], dtype=int32)": (
        "text, line 1: the numbers are no array: a number with decimals is no int32"
    ),
    "array([1.+2.j], dtype=float32)": (
        "text, line 1: the numbers are no array: a complex number is no float32"
    ),
    "[[99999999999999999999]]": (
        "text, line 1: the numbers are no array: 99999999999999999999 is out of range for int64"
    ),
    "array([300], dtype=uint8)": (
        "text, line 1: the numbers are no array: 300 is out of range for uint8"
    ),
    "array([2], dtype=bool)": "text, line 1: the numbers are no array: a bool is neither 0 nor 1",
    "x = [1 " + ";" * 5000 + " 2]": "text, line 1: an array has at most 32 axes",
    "[" * 40 + "1" + "]" * 40: "text, line 1: an array has at most 32 axes",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_read_is_refused_with_its_line(text):
    with pytest.raises(BadFile) as error:
        files.loads(text)
    assert str(error.value) == WRONG[text]


def test_nothing_is_half_read(tmp_path):
    path = tmp_path / "question.md"
    path.write_text("x = [[1, 2]]\n\ny = [[1, 2], [3]]\n", "utf-8")
    with pytest.raises(BadFile, match=r"question.md, line 3: the array is ragged"):
        files.load(path)


def test_text_of_other_encodings(tmp_path):
    path = tmp_path / "question.txt"
    path.write_bytes("权重 = [[1, 2]]".encode("utf-16"))
    assert list(files.load(path)) == ["权重"]
    path.write_bytes("\ufeff[[1, 2]]".encode())
    assert list(files.load(path)) == ["array_1"]
    path.write_bytes("权重 = [[1, 2]]".encode("gb18030"))
    message = f"{path} is neither text in UTF-8 nor a kind of file that uniconv reads"
    with pytest.raises(BadFile) as error:
        files.load(path)
    assert str(error.value) == message


def drawn(seed: int) -> np.ndarray:
    """An array of random axes, sizes and numbers, many of whose printed rows wrap."""
    rng = np.random.default_rng(seed)
    ndim = int(rng.integers(1, 5))
    shape = tuple(rng.integers(1, {1: 80, 2: 30, 3: 14, 4: 7}[ndim], ndim))
    kind = seed % 5
    if kind == 0:
        return rng.integers(-999, 999, shape)
    if kind == 1:
        return rng.normal(size=shape) * 10.0 ** rng.integers(-8, 8, shape)
    if kind == 2:
        return rng.integers(0, 2, shape).astype(bool)
    if kind == 3:
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return rng.integers(-9, 10, shape).astype(float)


@pytest.mark.parametrize("seed", range(200))
def test_printed_rows_that_wrap_stay_rows(seed):
    a = drawn(seed)
    with np.printoptions(threshold=10_000):
        texts = [str(a), repr(a), f"y = {a}"]
    if a.dtype == np.float64:
        texts.append(f"tf.Tensor(\n{texts[0]}, shape={tuple(map(int, a.shape))}, dtype=float64)")
    for text in texts:
        (read,) = files.loads(text).values()
        assert read.array.shape == a.shape
        np.testing.assert_allclose(read.array, a, rtol=1e-3, atol=1e-3 * np.abs(a).max())


HOSTILE = {
    "a number that ends in a letter": ("[" + "1" * 20_000 + "z]", 0),
    "a line of arrays": ("'a': array([1, 2]), " * 8_000, 8_000),
    "tensors never closed": ("<tf.Tensor " * 8_000, 0),
    "lists never closed": ("[1, #" * 20_000, 0),
    "rows never closed": ("[1 2 " * 10_000, 0),
    "a row that ends in a word": ("a:\n1" + " " * 50_000 + "x", 0),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_long_line_is_read_in_linear_time(name):
    text, count = HOSTILE[name]  # read again at every sign, each took 10 to 40 s
    if count:
        assert len(files.loads(text)) == count
    else:
        with pytest.raises(BadFile, match="has no printed array"):
            files.loads(text)


def test_numbers_beyond_float64_are_refused():
    with pytest.raises(BadFile, match="1e400 is beyond float64"):
        files.loads("y = [1e400, 1.0]")
    assert np.isinf(files.loads("y = [inf, 1.0]")["y"].array[0])


LABELS = {
    "conv1d result: [1.0, 2.0]": "conv1d_result",
    "PyTorch conv1d : tensor([1., 2.])": "PyTorch_conv1d",
    "output of scipy: [1, 2]": "output_of_scipy",
    "My kernel is: [[1, 2]]": "kernel",
    "np.convolve(a, b) = [1 2 3]": "np_convolve",
    "conv1d(x, w): [1, 2, 3]": "conv1d",
    "for y: [[1, 2]]": "y",
    "after all of that I get this for y: [[1, 2]]": "y",
    "The output is:\n 1 2 3\n 4 5 6\n": "output",
}


@pytest.mark.parametrize("text", LABELS)
def test_a_label_with_spaces_or_a_call_becomes_a_usable_name(text):
    assert only(text).name == LABELS[text]
    assert LABELS[text].isidentifier()


def test_rows_of_bare_numbers_under_a_heading():
    text = "What I get:\n\n 1.5 2\n 3, 4\n\nand then:\n-1 2e3 5\n\nSize:\n7\nNote:\n1 is odd\n"
    read = files.loads(text)
    assert {name: a.array.tolist() for name, a in read.items()} == {
        "What_I_get": [[1.5, 2], [3, 4]],
        "then": [-1, 2000, 5],
    }
    with pytest.raises(BadFile, match="line 3: the array is ragged: 1 number in this row, 2 in"):
        files.loads("y:\n1 2\n3\n")


def test_scalars_of_numpy_in_a_list():
    read = only("y = [np.float64(1.5), np.float64(-2.25)]")
    assert (read.name, read.array.tolist()) == ("y", [1.5, -2.25])
    assert only("[[np.int64(1), np.int64(2)]]").array.tolist() == [[1, 2]]


@pytest.mark.parametrize("text", ["y = [1,234.5, 2.0]", "Result:\n1,234.5 2,345.6\n"])
def test_a_thousands_separator_is_refused(text):
    with pytest.raises(BadFile, match="1,234 has a thousands separator, or lacks a space"):
        files.loads(text)


def test_numbers_divided_by_bare_commas_are_numbers():
    assert only("y = [1,234,567]").array.tolist() == [1, 234, 567]


def test_a_heading_that_declares_too_much_is_refused_at_once():
    text = "1×1×999999999 Array{Float32, 3}:\n[:, :, 1] =\n 1.0\n\n"
    with pytest.raises(BadFile, match=r"but slice .*2. is missing"):
        files.loads(text)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rows_that_wrap_are_rows(dtype):
    """Prints of every kind, many of which go on in the next line, and lose blanks at its end."""
    rng = np.random.default_rng(7)
    for _ in range(10):
        shape = tuple(map(int, rng.integers(1, 10, rng.integers(1, 4))))
        array = (rng.normal(size=shape) * 10.0 ** rng.integers(-3, 5)).astype(dtype)
        stripped = "\n".join(line.rstrip() for line in str(array).split("\n"))
        declared = f"shape={shape}, dtype={dtype}"
        for text in (
            stripped,
            repr(array),
            f"tf.Tensor(\n{stripped}, {declared})",
            f"<tf.Tensor: {declared}, numpy=\n{array!r}>",
        ):
            (read,) = files.loads(text).values()
            assert read.shape == shape
            off = np.max(read.error, initial=0.0) * 1.01 + 1e-6 * np.abs(array).max()
            np.testing.assert_allclose(read.array, array, rtol=0, atol=off)


def test_a_text_of_more_arrays_than_may_be_is_refused_soon():
    text = "'a': array([1, 2]), " * 40
    assert len(files.loads(text)) == 40
    with pytest.raises(BadFile, match="text has more than 30 arrays: give a part of it, or raise"):
        files.loads(text, max_arrays=30)


def test_a_slice_without_rows_is_refused():
    text = "2×1×2 Array{Float32, 3}:\n[:, :, 1] =\n 1.0\n 2.0\n\n[:, :, 2] =\n (.0\n 4.0\n"
    with pytest.raises(BadFile, match="no numbers follow this slice's heading"):
        files.loads(text)


def test_a_label_that_ends_in_a_number_is_a_name():
    assert list(files.loads("output of conv 1: tensor([1., 2.])")) == ["output_of_conv_1"]

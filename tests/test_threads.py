"""Threads as people paste them: read, answered, and asked about where they leave something open.

Numbers and code are those of public threads, whose addresses stand beside them; what stands around
them is our own.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import uniconv
from uniconv import Thread
from uniconv._cli import app
from uniconv.errors import BadArray, BadCall, BadOption, NoSuchArray, UniconvError

FOLDER = Path(__file__).parent / "threads"
QUESTION = resources.files("uniconv").joinpath("data/knet_vs_tensorflow.txt").read_text("utf-8")
RUNNER = CliRunner()

FLIPPED = "the kernel is flipped on height and width: a cross-correlation, not a true convolution"
EXACT = "y is exactly what"
AGREE = "agree"
# File: where it comes from, the functions, the fields of the causes, what the answer says.
THREADS = {
    "scipy_wrong_answer": (
        "https://mejorcodigo.com/p/118095.html",
        ["scipy.signal.convolve2d"],
        ["reverse"],
        FLIPPED,
    ),
    "torch_layer_and_correlate2d": (
        "https://discuss.pytorch.org/t/output-of-a-convolution-layer/170134",
        ["torch.nn.Conv2d", "scipy.signal.correlate2d"],
        [],
        AGREE,
    ),
    "tf_transpose_valid": (
        "https://codewithsundeep.com/discussion/solution/59919006",
        ["tf.nn.conv2d_transpose"],
        [],
        EXACT,
    ),
    "opencv_and_scipy": (
        "https://example-a.com/answer/58479915",
        ["scipy.signal.convolve2d", "cv2.filter2D"],
        ["data", "boundary", "reverse"],
        "scipy.signal.convolve2d has zeros outside x, cv2.filter2D reflect",
    ),
    "opencv_border": (
        "https://discuss.pytorch.org/t/implemented-cv2-filter2d-but-output-is-wrong/132441",
        ["cv2.filter2D"],
        ["boundary"],
        "another rule at the border: zeros, not reflect",
    ),
    "tf_transpose_same": (
        "https://e-learn.cn/qa/answer/942730/1931125.html",
        ["tf.nn.conv2d_transpose"],
        [],
        EXACT,
    ),
    "matlab_filter2": (
        "https://imathworks.com/matlab/"
        "matlab-do-the-functions-filter2-and-conv2-perform-correlation-or-convolution",
        ["matlab.filter2"],
        [],
        EXACT,
    ),
    "matlab_conv2": (
        "https://stackoverflow.com/questions/2448015/2d-convolution-in-python-similar-to-conv2",
        ["matlab.conv2"],
        [],
        "y is what matlab.conv2 gives",
    ),
    "torch_dilated_transpose": (
        "https://github.com/pytorch/pytorch/issues/1565",
        ["torch.nn.ConvTranspose1d"],
        ["dilation"],
        "the dilation is ignored",
    ),
    "conv1d_same": (
        "https://medium.com/@stevechange/a-quick-journey-through-conv1d-functions-from-tensorflow-"
        "to-pytorch-passing-via-scipy-part-2-bc9faad846b0",
        ["keras.layers.Conv1D", "torch.nn.Conv1d"],
        [],
        AGREE,
    ),
    "winograd": (
        "https://github.com/andravin/wincnn/issues/3",
        ["scipy.signal.convolve2d"],
        ["reverse"],
        FLIPPED,
    ),
    "transposed_by_the_book": (
        "https://samuelssj123.github.io/contents/DEEPLEARNING/DeepLearning(27).html",
        ["torch.nn.ConvTranspose2d"],
        [],
        EXACT,
    ),
    "notebook": (
        "https://github.com/andrescastro-itm/IA_ITM_2025-2",
        ["torch.nn.Conv2d", "scipy.signal.convolve2d"],
        ["reverse"],
        "torch.nn.Conv2d correlates, scipy.signal.convolve2d convolves",
    ),
    "tf_valid": (
        "https://tastones.com/stackoverflow/tensorflow/"
        "math-behind-2d-convolution-with-advanced-examples-in-tf/no_padding_strides1",
        ["tf.nn.conv2d"],
        [],
        EXACT,
    ),
    "conv1d_bias": (
        "https://github.com/zhanghuiyao/tutorials",
        ["torch.nn.functional.conv1d"],
        [],
        "y is what torch.nn.functional.conv1d gives",
    ),
    "opencv_cpp_delta": (  # the sixth argument is delta, and BORDER_REPLICATE is 1
        "https://answers.opencv.org/question/185045/filter2d-question",
        ["cv2.filter2D"],
        [],
        EXACT,
    ),
    "imfilter_and_filter2d": (
        "https://answers.opencv.org/questions/8783/revisions/",
        ["cv2.filter2D", "matlab.imfilter"],
        ["padding", "boundary"],
        "cv2.filter2D has reflect outside x, matlab.imfilter zeros",
    ),
    "ndimage_by_hand": (
        "https://example-a.com/answer/76534882",
        ["scipy.ndimage.convolve"],
        ["reverse"],
        FLIPPED,
    ),
    "transposed_ones": (
        "https://discuss.pytorch.org/t/pytorch-conv-transpose2d-and-tf-conv2d-trasnpose/20758",
        ["tf.nn.conv2d_transpose", "torch.nn.functional.conv_transpose2d"],
        ["data", "padding"],
        "tf.nn.conv2d_transpose has padding ((2, 1), (2, 1))",
    ),
    "numpy_full_and_tf": (
        "https://www.whosebug.com/index.php/question/5849736/Convolution-on-numpi-vs-tensorflow-2-4",
        ["numpy.convolve", "tf.nn.conv1d"],
        ["padding", "reverse"],
        "numpy.convolve has padding ((2, 2),), tf.nn.conv1d ((1, 1),)",
    ),
    "matlab_conv_same": (
        "https://geek-answers.imtqy.com/articles/1646663/index.html",
        ["matlab.conv", "numpy.convolve"],
        ["padding"],
        "matlab.conv has padding ((1, 2),), numpy.convolve ((2, 1),)",
    ),
    "onnx_transpose_same": (
        "https://github.com/microsoft/onnxruntime/issues/4086",
        ["onnx.ConvTranspose"],
        ["crop"],
        "the crop is ((0, 0), (0, 0)), not ((1, 1), (1, 1))",
    ),
    "own_function": (
        "https://www.developerload.com/"
        "why-is-the-result-of-my-conv2d-function-centrally-symmetric-with-the-result-of-scipy",
        ["scipy.signal.convolve2d"],
        ["reverse"],
        FLIPPED,
    ),
    "transposed_expected": (
        "http://fatal001.com/pytorch/13932612637136130807.html",
        ["torch.nn.functional.conv_transpose2d"],
        ["reverse"],
        "the kernel is flipped on height and width",
    ),
    "depthwise_pads": (
        "https://www.tensorflow.org/api_docs/python/tf/nn/depthwise_conv2d",
        ["tf.nn.depthwise_conv2d"],
        [],
        EXACT,
    ),
}


def read(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text("utf-8")


@pytest.mark.parametrize("name", THREADS)
def test_a_public_thread_is_solved_by_its_text_alone(name):
    _, functions, fields, says = THREADS[name]
    thread = Thread.parse(read(name))
    assert thread.missing == (), str(thread)
    assert [call.dialect for call in thread.calls] == functions
    assert all(call.y is not None for call in thread.calls), str(thread)
    answer = thread.diagnose()
    assert answer.explained
    assert [cause.field for cause in answer.causes] == fields, str(answer)
    assert says in answer.verdict


def test_cpp_is_read_as_python_and_two_runs_need_no_printed_y():
    """https://answers.opencv.org/questions/201072/revisions"""
    text = (
        "A = [1,2,3,4; 1,2,3,4; 1,2,3,4];\n"
        "k = [-0.014, -0.45, 0, 0.4, 0.01];\n"
        "conv2(A, k, 'same');\n"
        "and in C++\n"
        "cv::Mat dst;\n"
        "float K[5] = {-0.014, -0.45, 0, 0.4, 0.01};\n"
        "cv::Mat kernel(1, 5, CV_32F, K);\n"
        "float test[3][4] = {{1, 2, 3, 4},{1, 2, 3, 4},{1, 2, 3, 4}};\n"
        "cv::Mat myMat(3, 4, CV_32FC1, &test);\n"
        "filter2D(myMat, dst, -1 , kernel , Point( -1, -1 ), 0, BORDER_DEFAULT);\n"
    )
    answer = Thread.parse(text).diagnose()
    assert answer.explained
    assert [cause.field for cause in answer.causes] == ["boundary", "reverse"]
    fix = answer.fixes[0].code
    assert "kernel=kernel[:, ::-1], anchor=(-1, -1), delta=0, borderType=0" in answer.verdict
    assert fix


def test_a_border_is_padded_as_each_framework_writes_it():
    """PyTorch's list begins at the last axis, NumPy's at the first; both with a fill."""
    cases = {
        "F.pad(torch.tensor([[[1., 2.]]]), (2, 0), value=7)": [7, 7, 1, 2],
        "torch.tensor(np.pad([[[1., 2.]]], [(0, 0), (0, 0), (1, 1)], constant_values=5))": [
            5,
            1,
            2,
            5,
        ],
        "F.pad(torch.tensor([[[1., 2., 4.]]]), (1, 0), mode='circular')": [4, 1, 2, 4],
    }
    for code, padded in cases.items():
        text = (
            f"import torch.nn.functional as F\nimport numpy as np\nx = {code}\n"
            "F.conv1d(x, torch.tensor([[[1., 10.]]]), padding=3 // 2 - 1)\n"
            "tensor([[[0., 0., 0.]]])\n"
        )
        (call,) = Thread.parse(text).calls
        assert call.array("x").ravel().tolist() == padded


def test_every_thread_is_in_the_table():
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(THREADS)


def test_the_founding_question_needs_no_further_word(tmp_path):
    path = tmp_path / "question.txt"
    path.write_text(QUESTION, "utf-8")
    result = RUNNER.invoke(app, ["diagnose", str(path)])
    assert result.exit_code == 0, result.output
    assert "knet.conv4 convolves, tf.nn.conv2d correlates, on both spatial axes" in result.output
    show = RUNNER.invoke(app, ["diagnose", str(path), "--show"])
    assert show.exit_code == 0
    assert show.output == (
        "How the text was read:\n"
        "  line 51: knet.conv4(padding=1)\n"
        "    x: x (5, 5, 3), line 21, as (5, 5, 3, 1)\n"
        "    w: v (3, 3, 3), line 6, as (3, 3, 3, 1)\n"
        "    y: y (5, 5, 1, 1), line 54\n"
        '  line 103: tf.nn.conv2d(strides=[1, 1, 1, 1], padding="SAME")\n'
        "    x: data (1, 5, 5, 3), line 65\n"
        "    w: w (3, 3, 3), line 91, as (3, 3, 3, 1)\n"
        "    y: part_conv (1, 5, 5, 1), line 107\n"
    )
    assert result.output.startswith(show.output)


def test_the_founding_question_is_read_number_by_number():
    knet, tf = Thread.parse(QUESTION).calls
    arrays = uniconv.files.loads(QUESTION)
    pairs = {
        "partappledata": knet.array("x")[..., 0],
        "testw": knet.array("w")[..., 0],
        "ydata": knet.y.array[:, :, 0, 0],
        "immatdata": tf.array("x")[0],
        "wdata": tf.array("w")[..., 0],
        "part_conv_data": tf.y.array[0, :, :, 0],
    }
    for name, array in pairs.items():
        np.testing.assert_array_equal(array, arrays[name].array)
        assert np.max(arrays[name].error) > 0
    assert np.max(knet.y.error) == np.max(arrays["ydata"].error)


X = "x =\narray([[[[1.], [2.], [4.]]]], dtype=float32)\n"
W = "w =\narray([[[[1.]], [[10.]]]], dtype=float32)\n"
CALL = 'y = tf.nn.conv2d(x, w, strides=1, padding="VALID")\n'
Y = "print(y)\n[[[[21.]\n   [42.]]]]\n"


def test_what_is_missing_is_asked_for_and_nothing_else():
    cases = {
        X + W + CALL: "no y of tf.nn.conv2d (line 5) in the text: say y=...",
        X + CALL + Y: "no w (the kernel) of tf.nn.conv2d (line 3) in the text: say w=...",
        CALL + Y: "no x (the input) of tf.nn.conv2d (line 1) in the text: say x=...; "
        "no w (the kernel) of tf.nn.conv2d (line 1) in the text: say w=...",
        "k = torch.randn(1, 1, 2)\nout = F.conv1d(torch.ones(1, 1, 3), k)\nprint(out)\n"
        "tensor([[[0.5, 0.5]]])": "no k (the kernel) of torch.nn.functional.conv1d (line 2) in the "
        'text: "torch.randn(1, 1, 2)" has no numbers there: say k=...',
    }
    for text, message in cases.items():
        with pytest.raises(BadArray) as error:
            Thread.parse(text).diagnose()
        assert str(error.value) == message


LAYER = "from keras.layers import Conv1D\nx = np.array([1., 2., 3., 4., 5., 6.]).reshape(1, 6, 1)\n"
OPTIONS = "Conv1D(1, 3, padding='same', use_bias=False, kernel_initializer=init)"
PRINTED = "[[[ 210.]\n  [ 321.]\n  [ 432.]\n  [ 543.]\n  [ 654.]\n  [  65.]]]\n"
WEIGHTS = "the weights are\n```\n[[[  1.]]\n [[ 10.]]\n [[100.]]]\n```\n"


@pytest.mark.parametrize("word", ["prints", "output", "gives"])
@pytest.mark.parametrize(
    "lines",
    [
        f"y = {OPTIONS}(x)\nprint(y)\n",
        f"print({OPTIONS}(x))\n",
        f"layer = {OPTIONS}\ny = layer(x)\nprint(y)\n",
    ],
    ids=["applied where made", "printed where made", "applied below"],
)
def test_a_layer_is_applied_anywhere_and_its_weights_stand_below(lines, word):
    """A word of prose above an array is no name that is printed: it takes no array from y."""
    thread = Thread.parse(f"{LAYER}{lines}\n{word}\n\n{PRINTED}\n{WEIGHTS}")
    (call,) = thread.calls
    assert call.dialect == "keras.layers.Conv1D"
    assert call.array("w").ravel().tolist() == [1, 10, 100]
    answer = thread.diagnose()
    assert answer.agrees, str(answer)
    flipped = WEIGHTS.replace("  1.", "9.").replace("100.", "1.").replace("9.", "100.")
    answer = Thread.parse(f"{LAYER}{lines}\n{word}\n\n{PRINTED}\n{flipped}").diagnose()
    assert [cause.field for cause in answer.causes] == ["reverse"]


def test_a_layer_without_its_weights_is_asked_for_them():
    with pytest.raises(BadArray) as error:
        Thread.parse(f"{LAYER}y = {OPTIONS}(x)\nprint(y)\n\nprints\n\n{PRINTED}").diagnose()
    assert str(error.value) == (
        "no w (the kernel) of keras.layers.Conv1D (line 3) in the text: say w=..."
    )


def test_far_results_are_searched_without_a_warning(recwarn):
    """One wrong number of y: some activation of what gives it overflows, which nobody need know."""
    text = f"{LAYER}y = {OPTIONS}(x)\nprint(y)\n\n{PRINTED.replace('210', '320')}\n{WEIGHTS}"
    assert not Thread.parse(text).diagnose().explained
    assert not recwarn.list


def test_what_takes_nothing_of_the_difference_away_is_no_nearest_miss():
    """Five of six numbers are a few off: what explains as much as the call itself explains nothing.

    swish(50) is nearer to 46 than 50 by less than any number shows.
    """
    text = (
        "x = np.array([[1., 2., 3., 4.], [5., 6., 7., 9.], [2., 1., 0., 3.]])\n"
        "k = np.array([[1., 2.], [3., 5.]])\n"
        "a = F.conv2d(torch.tensor(x)[None, None], torch.tensor(k)[None, None])\n"
        "print(a)\n\n"
        "tensor([[[[46., 57., 73.],\n          [24., 22., 40.]]]], dtype=torch.float64)\n"
    )
    answer = Thread.parse(text).diagnose()
    assert not answer.explained
    assert not answer.causes
    assert "nearest" not in answer.verdict


def test_what_is_said_beside_the_text_is_taken():
    w = np.array([1, 10.0], np.float32).reshape(1, 2, 1, 1)
    y = np.array([21, 42.0], np.float32).reshape(1, 1, 2, 1)
    assert Thread.parse(X + CALL + Y, w=w).diagnose().agrees
    assert Thread.parse(X + W + CALL, y=y).diagnose().agrees
    kernel = X + 'out = tf.nn.conv2d(x, kernel, strides=1, padding="VALID")\n'
    assert Thread.parse(kernel, kernel=w, out=y).diagnose().agrees
    assert Thread.parse(X + W + CALL + "Yours:\n" + Y[9:], y="Yours").calls[0].y is not None
    with pytest.raises(NoSuchArray, match="the text has no array of that name; it has x, w"):
        Thread.parse(X + W + CALL, y="zz")
    with pytest.raises(
        BadOption, match="q is no array of one call in the text; its calls have x, w"
    ):
        Thread.parse(X + W + CALL, q=w)


def test_two_results_of_one_shape_are_asked_about_by_their_names():
    text = X + W + CALL + "mine:\n[[[[1.]\n   [2.]]]]\nyours:\n[[[[3.]\n   [4.]]]]\n"
    with pytest.raises(BadArray, match=r"\(line 5\) is not clear from the text: say y=NAME"):
        Thread.parse(text).diagnose()
    assert Thread.parse(text, y="yours").calls[0].y.array.ravel().tolist() == [3, 4]


def test_arrays_without_names_are_asked_about_by_those_that_read_gives_them():
    text = X + W + CALL + "\n[[[[1.]\n   [2.]]]]\n\nand then\n\n[[[[3.]\n   [4.]]]]\n"
    with pytest.raises(BadArray, match="say y=NAME, one of array_1, array_2"):
        Thread.parse(text).diagnose()
    assert Thread.parse(text, y="array_2").calls[0].y.array.ravel().tolist() == [3, 4]


def test_labels_in_any_words_say_which_array_is_what():
    text = (
        "Kernel: tensor([[[1., 10.]]])\nMy input signal:\n[[[0. 1. 2. 3.]]]\n"
        "I call F.conv1d(signal, k) and the output is\n\noutput: tensor([[[10., 21., 32.]]])\n"
    )
    call = Thread.parse(text).calls[0]
    assert call.array("x").ravel().tolist() == [0, 1, 2, 3]
    assert call.array("w").ravel().tolist() == [1, 10]
    assert Thread.parse(text).diagnose().agrees


def test_a_call_in_a_module_is_read_with_what_stands_elsewhere():
    """The call in a method, the weights set from outside, the result that of the whole network."""
    text = (
        "class Net(nn.Module):\n    def __init__(self):\n"
        "        self.conv = nn.Conv2d(1, 1, 2, bias=False)\n"
        "    def forward(self, x):\n        return self.conv(x)\n\n"
        "net = Net()\nnet.conv.weight.data = torch.tensor([[[[1., 2.], [3., 4.]]]])\n"
        "x = torch.arange(9.).view(1, 1, 3, 3)\nout = net(x)\nprint(out)\n\n"
        "tensor([[[[27., 37.],\n          [57., 67.]]]], grad_fn=<ConvolutionBackward0>)\n"
    )
    thread = Thread.parse(text)
    assert thread.missing == ()
    assert thread.diagnose().agrees
    assert thread.calls[0].dialect == "torch.nn.Conv2d"


def test_of_two_results_the_one_that_the_call_does_not_give_is_the_question():
    text = X + W + CALL + Y + "\nTheano's result:\n[[[[12.]\n   [24.]]]]\n"
    thread = Thread.parse(text)
    assert thread.calls[0].y.array.ravel().tolist() == [12, 24]
    assert "the call itself gives what stands in line 7" in str(thread)
    assert "the kernel is flipped" in thread.diagnose().causes[0].text


def test_a_node_of_onnx_is_read_with_the_arrays_of_its_names():
    text = (
        'node = onnx.helper.make_node("Conv", inputs=["x", "W"], outputs=["y"], pads=[1, 0])\n'
        "x = np.arange(4.0).reshape(1, 1, 4).astype(np.float32)\n"
        "W = np.array([1, 10.0], np.float32).reshape(1, 1, 2)\n"
        "y:\n[[[ 0. 10. 21. 32.]]]\n"
    )
    assert Thread.parse(text).diagnose().agrees


def test_julias_ranges_and_prompts():
    text = (
        "julia> using NNlib\n\njulia> x = reshape(1:6, 6, 1, 1);\n\n"
        "julia> conv(x, reshape(1:3, 3, 1, 1); flipped=true)\n"
        "4×1×1 Array{Int64, 3}:\n[:, :, 1] =\n 10\n 16\n 22\n 28\n"
    )
    answer = Thread.parse(text).diagnose()
    assert [cause.field for cause in answer.causes] == ["reverse"]


def test_a_text_without_a_call_is_said_to_have_none():
    with pytest.raises(BadCall, match="no call of a convolution stands in the text"):
        Thread.parse(X)


def test_more_than_two_calls_are_not_chosen_among():
    text = X + W + CALL + CALL.replace("VALID", "SAME") + CALL.replace("strides=1", "strides=2")
    with pytest.raises(BadCall, match="3 calls with their arrays"):
        Thread.parse(text).diagnose()


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("x = np.arange(4.).reshape(1, 1, 4)", "x"),
        ("x = torch.arange(4.)[None, None]", "x"),
        ("x = torch.arange(4.).view(1, 1, -1)", "x"),
        ("x = torch.tensor([0, 1, 2, 3.]).unsqueeze(0).unsqueeze(0)", "x"),
        ("x = torch.zeros(1, 1, 4)\nx[0, 0] = torch.tensor([0, 1., 2, 3])", "x"),
        ("x = np.linspace(0, 3, 4)\nx = np.expand_dims(x, (0, 1))", "x"),
        ("x = tf.range(4.0)\nx = tf.reshape(x, [1, 1, 4])", "x"),
        ("a = np.array([[0, 2], [1, 3.]])\nx = a.T.reshape(1, 1, 4)", "x"),
        ("a = np.array([3., 2, 1, 0])\nx = np.flip(a)[None, None]", "x"),
        ("x = np.stack([np.array([[0., 1, 2, 3]])])", "x"),
        ("x = 1 + torch.tensor([[[-1, 0, 1, 2.]]])", "x"),
    ],
)
def test_code_that_leaves_nothing_to_chance_is_followed(code, shown):
    text = f"{code}\nw = torch.tensor([[[1., 10]]])\ny = F.conv1d({shown}, w)\nprint(y)\n"
    call = Thread.parse(text + "tensor([[[10., 21., 32.]]])").calls[0]
    assert call.array("x").ravel().tolist() == [0, 1, 2, 3]
    assert call.y.array.ravel().tolist() == [10, 21, 32]


@pytest.mark.parametrize(
    "code",
    [
        "x = np.random.rand(1, 1, 4)",
        "for k in range(3):\n    x = torch.ones(1, 1, 4) * k",
        "x = load('x.pt')",
        "x = torch.arange(4.).view(1, 1, n)",
    ],
)
def test_what_is_not_written_out_is_not_guessed(code):
    text = f"{code}\nw = torch.tensor([[[1., 10]]])\ny = F.conv1d(x, w)\nprint(y)\ntensor([[[1.]]])"
    thread = Thread.parse(text)
    assert "say x=" in thread.missing[0]
    with pytest.raises(UniconvError):
        thread.diagnose()


def test_a_part_of_y_is_held_against_that_part_of_the_call():
    x, w = np.arange(24.0).reshape(2, 2, 6), np.arange(12.0).reshape(3, 2, 2)
    y = uniconv.conv(x, w, dialect="torch.nn.functional.conv1d")
    text = (
        "x = np.arange(24.).reshape(2, 2, 6)\nw = np.arange(12.).reshape(3, 2, 2)\n"
        "y = F.conv1d(torch.tensor(x), torch.tensor(w))\nprint(y[1, 2])\n"
        f"tensor({y[1, 2].tolist()})"
    )
    call = Thread.parse(text).calls[0]
    np.testing.assert_array_equal(call.array("x"), x[1:])
    np.testing.assert_array_equal(call.array("w"), w[2:])
    np.testing.assert_array_equal(call.y.array, y[1:, 2:])
    assert Thread.parse(text).diagnose().agrees


def test_the_command_line_asks_and_takes_what_is_said(tmp_path):
    path, y = tmp_path / "thread.txt", tmp_path / "y.npy"
    path.write_text(X + W + CALL)
    np.save(y, np.array([21, 42.0], np.float32).reshape(1, 1, 2, 1))
    result = RUNNER.invoke(app, ["diagnose", str(path)])
    assert isinstance(result.exception, BadArray)
    answer = RUNNER.invoke(app, ["diagnose", str(path), f"y={y}"])
    assert answer.exit_code == 0, answer.output
    assert "y is exactly what tf.nn.conv2d gives." in answer.output
    assert RUNNER.invoke(app, ["diagnose", str(path), "z=q"]).exit_code != 0

"""convert_kernel: round trips bit by bit, the same numbers in every other function, refusals."""

from __future__ import annotations

import random
from itertools import islice, permutations, product

import numpy as np
import pytest
import torch

import uniconv
from uniconv._calls.lift import lift
from uniconv._canonical.layout import axes
from uniconv._canonical.transpose import transposed
from uniconv._functional import run_op
from uniconv._weights.kernel import convert_kernel
from uniconv.conformance.crossing import moved
from uniconv.errors import BadArray, BadOption, BadShape, CannotExpress, UnknownName
from uniconv.spec.dimension_strings import AlongAxes, AlongAxis
from uniconv.spec.registry import find, functions
from uniconv.spec.rules import REQUIRED, Choice
from uniconv.testing.cases import probe, random_case

FUNCTIONS = sorted(functions())


def kernel_options(op, options):
    """Those of a call's options that change how its kernel is read."""
    rules = [r for r in (op.layout, op.reverse) if isinstance(r, Choice)]
    names = {r.option for r in rules if not isinstance(r, (AlongAxis, AlongAxes))}
    names |= {
        name for n in names & set(op.per_axis_options) for name in op.per_axis_options[n].names
    }
    return {k: v for k, v in options.items() if op.aliases.get(k, k) in names}


def required_options(op, rank):
    """Some values for the options without a default that say how the kernel is read."""
    rules = [r for r in (op.layout, op.reverse) if isinstance(r, Choice) and r.default is REQUIRED]
    if not rules:
        return {}
    rank = rank if rank in op.ranks else op.ranks[0]
    case = random_case(op, random.Random(op.name), rank)
    return {
        k: v for k, v in case.options.items() if op.aliases.get(k, k) in {r.option for r in rules}
    }


def whole(call):
    """Whether the kernel has an axis for each spatial axis of x."""
    letters = axes(call.layout.w, call.rank)
    return {f"s{i}" for i in range(call.rank)} <= set(letters)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_converted_kernel_gives_the_same_numbers_in_any_function_and_comes_back(name):
    rng, seen = random.Random(name), 0
    op = find(name)
    dtype = "float64" if "float64" in op.dtypes else op.dtypes[0]
    cases = iter(lambda: random_case(op, rng), None)
    for n, case in enumerate(islice((case for case in cases if whole(case.call)), 6)):
        call = case.call
        x, *kernels = probe(case, seed=n, dtype=dtype)
        addend = {op.addend[0]} if op.addend else set()
        said = {k: v for k, v in case.options.items() if k not in addend}
        y = run_op(op, ("test", name), x, kernels[0], None, "cpu", said, *kernels[1:])
        for other in (name, *rng.sample(FUNCTIONS, 30)):
            dst = find(other)
            if dtype not in dst.dtypes or dst.result != op.result:
                continue
            try:
                lifted = lift(call, dst, flip_kernel=True)
            except CannotExpress:
                continue
            spread = op.lhs_dilation or dst.lhs_dilation
            if len({op.kind == "conv_transpose", dst.kind == "conv_transpose"}) > 1 and not spread:
                continue
            if not whole(lifted.call):
                continue
            given = kernels[0] if len(kernels) == 1 else tuple(kernels)
            there = {
                "groups": call.conv.groups,
                "src_options": kernel_options(op, case.options),
                "dst_options": kernel_options(dst, lifted.options),
            }
            back = {"groups": call.conv.groups}
            back |= {"src_options": there["dst_options"], "dst_options": there["src_options"]}
            kind = "separable_conv" if len(kernels) > 1 else "conv"
            converted = convert_kernel(given, name, other, kind, **there)
            again = convert_kernel(converted, other, name, kind, **back)
            pairs = zip(again, kernels) if len(kernels) > 1 else [(again, kernels[0])]
            for a, b in pairs:
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)
            w, *p = converted if len(kernels) > 1 else (converted,)
            src, to, batch = call.layout, lifted.call.layout, len(call.sizes.batch)
            got = run_op(
                dst,
                ("test", other),
                moved(x, src.x, to.x, call.rank, batch),
                w,
                None,
                "cpu",
                lifted.options,
                *p,
            )
            got = moved(got, to.y, src.y, call.rank, batch).reshape(call.output)
            np.testing.assert_array_equal(got, y, err_msg=f"{case} -> {other} {lifted.options}")
            seen += 1
    assert seen >= 6


@pytest.mark.parametrize("name", FUNCTIONS)
def test_there_and_back_is_bit_identical_for_every_pair_of_functions(name):
    """At the functions' defaults; what one cannot express is named by the field that it lacks."""
    rng, fields, pairs = random.Random(name), set(), 0
    cases = iter(lambda: random_case(find(name), rng), None)
    for n, case in enumerate(islice((case for case in cases if whole(case.call)), 2)):
        _, *kernels = probe(case, seed=n, dtype="float32")
        kind = "separable_conv" if len(kernels) > 1 else "conv"
        given = kernels[0] if len(kernels) == 1 else tuple(kernels)
        options = kernel_options(case.op, case.options)
        for other in FUNCTIONS:
            groups = case.call.conv.groups
            more = required_options(find(other), case.call.rank)
            told = {"src_options": options, "dst_options": more}
            try:
                there = convert_kernel(given, name, other, kind, groups, **told)
            except CannotExpress as error:
                fields.add(error.field)
                continue
            told = {"src_options": more, "dst_options": options}
            back = convert_kernel(there, other, name, kind, groups, **told)
            for a, b in zip(back if len(kernels) > 1 else [back], kernels):
                assert (a.shape, a.dtype) == (b.shape, b.dtype)
                assert a.tobytes() == b.tobytes(), (str(case), other)
            pairs += 1
    assert pairs >= 2
    assert fields <= {"kind", "rank", "groups", "channels", "pointwise", "kernel"}


# Numbers that can be checked by hand


def test_axes_and_flips_by_hand():
    hwio = np.arange(24).reshape(2, 3, 2, 2)
    for dst, order in (
        ("pytorch", (3, 2, 0, 1)),
        ("mlx", (3, 0, 1, 2)),
        ("lasagne.layers.DilatedConv2DLayer", (2, 3, 0, 1)),
        ("openvino", (3, 2, 0, 1)),
    ):
        np.testing.assert_array_equal(convert_kernel(hwio, "tf", dst), hwio.transpose(order))
    np.testing.assert_array_equal(convert_kernel(hwio, "tf", "knet"), hwio[::-1, ::-1])
    flipped = convert_kernel(hwio, "knet", "F.conv2d")
    np.testing.assert_array_equal(flipped, hwio[::-1, ::-1].transpose(3, 2, 0, 1))
    same = convert_kernel(hwio, "knet", "tf", src_options={"mode": 1})
    np.testing.assert_array_equal(same, hwio)


def test_a_transposed_kernel_of_jax_is_the_one_that_reads_forwards():
    """Everybody's transposed kernel runs backwards in the record but lax.conv_transpose's."""
    w = np.arange(12).reshape(3, 2, 2)  # k c m, as tf has it but for the channels' order
    jax = convert_kernel(w, "tf", "jax", "conv_transpose")
    np.testing.assert_array_equal(jax, w.swapaxes(1, 2)[::-1])
    swapped = convert_kernel(
        w, "tf", "jax", "conv_transpose", dst_options={"transpose_kernel": True}
    )
    np.testing.assert_array_equal(swapped, w)


def test_depthwise_kernels_with_three_channels_and_two_multipliers():
    hwcm = np.arange(2 * 3 * 2).reshape(1, 2, 3, 2)
    torch_like = convert_kernel(hwcm, "tf", "pytorch", "depthwise_conv")
    assert torch_like.shape == (6, 1, 1, 2)
    assert torch_like[:, 0, 0].tolist() == [[0, 6], [1, 7], [2, 8], [3, 9], [4, 10], [5, 11]]
    back = convert_kernel(torch_like, "pytorch", "tf", "depthwise_conv", groups=3)
    np.testing.assert_array_equal(back, hwcm)
    lite = convert_kernel(hwcm, "tf", "tflite", "depthwise_conv")
    assert lite.tolist() == [[[[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]]]
    chainer = convert_kernel(hwcm, "tf", "chainer", "depthwise_conv")
    np.testing.assert_array_equal(chainer, hwcm.transpose(3, 2, 0, 1))
    openvino = convert_kernel(hwcm, "tf", "openvino.group_convolution", "depthwise_conv")
    np.testing.assert_array_equal(openvino, hwcm.transpose(2, 3, 0, 1)[:, :, None])


def test_grouped_transposed_kernels_keep_their_groups_apart():
    w = np.arange(4 * 3).reshape(4, 3, 1)  # pytorch: c m k with two groups of 2 channels in, 3 out
    mlx = convert_kernel(w, "pytorch", "mlx", "conv_transpose", groups=2)
    assert mlx[:, 0].tolist() == [[0, 3], [1, 4], [2, 5], [6, 9], [7, 10], [8, 11]]
    openvino = "openvino.group_convolution_backprop_data"
    split = convert_kernel(w, "pytorch", openvino, "conv_transpose", groups=2)
    assert split.tolist() == w.reshape(2, 2, 3, 1).tolist()
    again = convert_kernel(split, openvino, "pytorch")
    np.testing.assert_array_equal(again, w)


def test_separable_kernels_go_together():
    depthwise, pointwise = np.arange(6).reshape(1, 3, 2, 1), np.arange(8).reshape(1, 1, 2, 4)
    first, second = convert_kernel((depthwise, pointwise), "keras", "pytorch", "separable_conv")
    assert first[:, 0, 0].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert second[:, :, 0, 0].tolist() == [[0, 4], [1, 5], [2, 6], [3, 7]]
    theano = "theano.tensor.nnet.separable_conv2d"
    first, _ = convert_kernel((depthwise, pointwise), "keras", theano, "separable_conv")
    assert first[:, 0, 0].tolist() == [[4, 2, 0], [5, 3, 1]]
    down, along = convert_kernel((np.arange(2), np.arange(3)), "matlab.conv2_uv", "cv2.sepFilter2D")
    assert (down.tolist(), along.tolist()) == ([2, 1, 0], [1, 0])


# Kinds, dtypes, memory

NUMPY_DTYPES = ["f2", "f4", "f8", "i1", "u1", "i4", "i8", "u8", "?", "c8", "c16", ">f4", ">i8"]
TORCH_DTYPES = [torch.float64, torch.bfloat16, torch.float16, torch.int8, torch.bool]
TORCH_DTYPES += [torch.complex64, torch.complex128, torch.float8_e4m3fn, torch.uint16]


@pytest.mark.parametrize("dtype", NUMPY_DTYPES)
@pytest.mark.parametrize("contiguous", [False, True])
def test_any_numpy_dtype_is_moved_bit_by_bit(dtype, contiguous):
    size = np.dtype(dtype).itemsize
    bits = np.random.default_rng(0).integers(
        0, 2 if dtype == "?" else 256, (3, 2, 4, 5, size), "u1"
    )
    w = bits.view(dtype)[..., 0]
    y = convert_kernel(w, "knet", "pytorch", contiguous=contiguous)
    assert y.dtype == w.dtype
    wanted = bits[::-1, ::-1].transpose(3, 2, 0, 1, 4)
    assert np.ascontiguousarray(y)[..., None].view("u1").tolist() == wanted.tolist()
    assert y.flags.c_contiguous is contiguous


@pytest.mark.parametrize("dtype", TORCH_DTYPES, ids=str)
def test_any_torch_dtype_is_moved_bit_by_bit(dtype):
    bits = torch.randint(0, 2, (3, 2, 4, 5, dtype.itemsize), dtype=torch.uint8)
    w = bits.view(dtype)[..., 0]
    for contiguous in (False, True):
        y = convert_kernel(w, "knet", "pytorch", contiguous=contiguous)
        assert y.dtype is dtype
        got = y.contiguous()[..., None].view(torch.uint8)
        assert torch.equal(got, bits.flip(0, 1).permute(3, 2, 0, 1, 4))


def test_nan_payloads_and_signed_zeros_survive():
    w = np.array([0x7FC00001, 0xFF800001, 0x80000000, 0x7F800000], "u4").view("f4").reshape(1, 4, 1)
    y = convert_kernel(convert_kernel(w, "knet", "pytorch"), "pytorch", "knet")
    assert y.view("u4").tolist() == w.view("u4").tolist()


def test_a_pure_transposition_is_a_view_and_contiguous_is_not():
    w = np.zeros((3, 2, 4, 5), "f4")
    assert np.shares_memory(convert_kernel(w, "tf", "pytorch"), w)
    assert np.shares_memory(convert_kernel(w, "knet", "pytorch"), w)  # NumPy strides run backwards
    assert np.shares_memory(convert_kernel(w, "tf", "keras", contiguous=True), w)
    moved = convert_kernel(w, "tf", "pytorch", contiguous=True)
    assert moved.flags.c_contiguous
    assert not np.shares_memory(moved, w)
    t = torch.zeros(6, 2, 3, 2)
    mine = convert_kernel(t, "pytorch", "openvino.group_convolution", groups=3)
    assert mine.data_ptr() == t.data_ptr()
    assert convert_kernel(t, "pytorch", "tf").data_ptr() == t.data_ptr()
    one_tap = convert_kernel(torch.zeros(5, 1, 1, 4), "mlx", "pytorch", contiguous=True)
    assert one_tap.stride() == (4, 1, 1, 1)  # (4, 1, 4, 4) is channels last to torch.conv2d


def test_read_only_negative_and_column_major_memory_is_read():
    w = np.arange(3 * 2 * 4 * 5.0).reshape(3, 2, 4, 5)
    wanted = convert_kernel(w, "tf", "pytorch")
    fixed = w.copy()
    fixed.flags.writeable = False
    for given in (fixed, np.asfortranarray(w), np.ascontiguousarray(w[::-1])[::-1]):
        for contiguous in (False, True):
            y = convert_kernel(given, "tf", "pytorch", contiguous=contiguous)
            np.testing.assert_array_equal(y, wanted)
    assert not convert_kernel(fixed, "tf", "pytorch").flags.writeable  # it is the same memory
    assert convert_kernel(fixed, "tf", "pytorch", contiguous=True).flags.writeable
    negative = torch.view_as_complex(
        torch.from_numpy(w).reshape(3, 2, 4, 5, 1).repeat(1, 1, 1, 1, 2)
    )
    negative = negative.conj().imag  # stored as its opposite
    y = convert_kernel(negative, "tf", "pytorch")
    assert torch.equal(y, torch.from_numpy(-w).permute(3, 2, 0, 1))


def test_autograd_meta_and_dlpack():
    w = torch.randn(3, 2, 4, 5, requires_grad=True)
    y = convert_kernel(w, "knet", "pytorch", contiguous=True)
    y[0, 0, 0, 0].backward()
    assert w.grad.nonzero().tolist() == [[2, 1, 0, 0]]
    meta = convert_kernel(torch.empty(3, 2, 4, 5, device="meta"), "knet", "pytorch")
    assert (meta.device.type, tuple(meta.shape)) == ("meta", (5, 4, 3, 2))

    class Capsule:  # anything with DLPack; NumPy's own from_dlpack makes the result
        shape = (3, 2, 4, 5)

        def __dlpack__(self, **kwargs):
            return w.detach().__dlpack__()

        def __dlpack_device__(self):
            return w.detach().__dlpack_device__()

        def __array_namespace__(self):
            return np

    y = convert_kernel(Capsule(), "tf", "pytorch")
    assert isinstance(y, np.ndarray)
    np.testing.assert_array_equal(y, w.detach().permute(3, 2, 0, 1).numpy())


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32, torch.int64], ids=str)
@pytest.mark.parametrize(
    "shape", [(3, 2, 192, 192), (420, 128, 2, 2), (1, 1, 448, 512), (7, 200, 150)]
)
def test_large_kernels_are_the_plain_permutation(shape, dtype):
    """Of all bits: those of an int32 are moved as a float32, which may be any NaN."""
    info = torch.iinfo(dtype)
    w = torch.randint(info.min, info.max, shape, dtype=dtype)
    flipped = ((), (0,), (0, 1), (2,), tuple(range(len(shape))))
    layouts = (w, w.permute(1, 0, *range(2, len(shape))))
    for given, flips in product(layouts, flipped):
        reversed_ = given.flip(flips)
        for order in permutations(range(len(shape))):
            y = transposed(given, order, flips)
            assert y.is_contiguous()
            assert torch.equal(y, reversed_.permute(order))


# What is refused, in full

HWIO, OIHW = np.zeros((3, 2, 4, 6)), np.zeros((6, 4, 3, 2))
REFUSED = [
    (
        (HWIO, "tf", "pytorch", "convolution"),
        {},
        UnknownName,
        'kind="convolution" is not one of "conv", "conv_transpose", "depthwise_conv", '
        '"separable_conv"',
    ),
    (
        (HWIO, "tf", "pytorhc"),
        {},
        UnknownName,
        'no function is named "pytorhc": did you mean "pytorch"?',
    ),
    (
        (HWIO, "F.conv2d", "tf", "conv_transpose"),
        {},
        UnknownName,
        "torch.nn.functional.conv2d is a conv, not a conv_transpose: leave out "
        'kind="conv_transpose"',
    ),
    (
        (HWIO, "tf", "pytorch", "conv", 0),
        {},
        BadOption,
        "groups=0 must be None or an integer of at least 1",
    ),
    (
        (HWIO[0], "tf.nn.conv2d", "pytorch"),
        {},
        BadShape,
        'tf.nn.conv2d: w (2, 4, 6) read as "... i o" has 3 axes; it must have 4',
    ),
    (
        (HWIO[0, 0], "tf", "pytorch"),
        {},
        BadShape,
        "tf: w has 2 axes, but as the kernel of a conv it must have 3, 4 or 5",
    ),
    (
        (OIHW, "pytorch", "openvino.group_convolution", "conv", 4),
        {},
        BadShape,
        'torch.nn.functional.conv2d: w (6, 4, 3, 2) read as "o i ..." has o = 6; it must be a '
        "multiple of 4 groups",
    ),
    (
        (HWIO, "tf", "pytorch", "depthwise_conv", 3),
        {},
        BadShape,
        'tf.nn.depthwise_conv2d: w (3, 2, 4, 6) read as "... c m" has 4 groups; groups=3 must be '
        "that, or left out",
    ),
    (
        (OIHW, "pytorch", "tf", "depthwise_conv", 2),
        {},
        BadShape,
        'torch.nn.functional.conv2d: w (6, 4, 3, 2) read as "o i ..." has i = 4; in a depthwise '
        "kernel it must be 1",
    ),
    (
        (OIHW[:, :1], "pytorch", "tf", "depthwise_conv"),
        {},
        BadOption,
        'torch.nn.functional.conv2d: w (6, 1, 3, 2) read as "o i ..." does not say how many '
        "channels x has: give groups=",
    ),
    (
        (HWIO, "tf", "knet"),
        {"src_options": {"strides": 2}},
        BadOption,
        "tf.nn.conv2d: strides does not change how the kernel is read; only data_format does",
    ),
    (
        (OIHW, "pytorch", "knet"),
        {"src_options": {"stride": 2}},
        BadOption,
        "torch.nn.functional.conv2d: stride does not change how the kernel is read; none of its "
        "options does",
    ),
    (
        (HWIO, "knet", "tf"),
        {"src_options": {"mode": 2}},
        BadOption,
        "knet.conv4: mode=2 is not one of 0, 1",
    ),
    (
        (OIHW, "pytorch", "cudnn"),
        {},
        BadOption,
        'cudnn.convolution: option "mode" is missing: it says how the kernel is read; give it in '
        "src_options or dst_options",
    ),
    (
        (OIHW, "pytorch", "darknet"),
        {},
        CannotExpress,
        "darknet.convolutional cannot express kernel: its kernels are square, the given one (3, 2)",
    ),
    (
        (OIHW, "pytorch", "matlab_dl", "conv", 2),
        {},
        CannotExpress,
        "matlab.dlconv cannot express groups: it has no groups in this layout, which has no axis "
        "for them, the kernel has 2",
    ),
    (
        (OIHW[:, 0, 0], "torch7", "pytorch"),
        {},
        BadShape,
        "torch7: w has 2 axes, but as the kernel of a conv it must have 3, 4 or 5",
    ),
    (
        (HWIO.tolist(), "tf", "pytorch"),
        {},
        BadArray,
        "w is a builtins.list, no array: give a torch tensor, a NumPy array or an array with "
        "DLPack",
    ),
    (
        (HWIO.astype(object), "tf", "pytorch"),
        {},
        BadArray,
        "a kernel holds numbers; this NumPy array has dtype object",
    ),
    (
        (HWIO, "keras", "pytorch", "separable_conv"),
        {},
        BadArray,
        "w must be the pair (depthwise, pointwise) of a separable_conv",
    ),
    (
        (OIHW, "pytorch", "keras", "conv_transpose", 2),
        {},
        CannotExpress,
        "keras.ops.conv_transpose cannot express groups: it has no groups, the kernel has 2",
    ),
    (
        (HWIO, "keras", "pytorch", "conv_transpose", 2),
        {},
        BadOption,
        "keras.ops.conv_transpose: groups=2, but it has no groups",
    ),
    (
        (OIHW, "pytorch", "tf.nn.depthwise_conv2d", "conv", 2),
        {},
        CannotExpress,
        "tf.nn.depthwise_conv2d cannot express groups: every channel is its own group, the kernel "
        "has 2 for 8 channels",
    ),
    (
        (HWIO, "tf", "scipy.signal.convolve2d"),
        {},
        CannotExpress,
        "scipy.signal.convolve2d cannot express channels: its kernel has no channel axes, the "
        "given one has 4 in and 6 out",
    ),
    (
        (HWIO, "tf", "F.conv1d"),
        {},
        CannotExpress,
        "torch.nn.functional.conv1d cannot express rank: its kernel has 1 spatial axis, the given "
        "one 2",
    ),
    (
        (np.zeros((2, 2, 2, 3, 4)), "tf", "theano"),
        {"kind": "depthwise_conv"},
        BadShape,
        "tf: w has 5 axes, but as the kernel of a depthwise_conv it must have 4",
    ),
    (
        (HWIO, "tf", "F.conv_transpose2d"),
        {},
        CannotExpress,
        "torch.nn.functional.conv_transpose2d cannot express kind: tf.nn.conv2d is a conv, "
        "torch.nn.functional.conv_transpose2d a conv_transpose",
    ),
    (
        (HWIO, "flax", "numpy"),
        {},
        CannotExpress,
        "numpy cannot express rank: its conv has 1 spatial axes, the kernel 2",
    ),
    (
        (HWIO, "tf", "scipy", "conv_transpose"),
        {},
        UnknownName,
        "scipy has no conv_transpose; it has conv",
    ),
    (
        ((HWIO[..., :1], HWIO[:1, :1]), "keras", "F.conv2d", "separable_conv"),
        {},
        CannotExpress,
        "torch.nn.functional.conv2d cannot express pointwise: it has no pointwise kernel; name its "
        "family",
    ),
    (
        ((HWIO[..., :1], HWIO[:1, :1]), "keras", "cv2.sepFilter2D", "separable_conv"),
        {},
        CannotExpress,
        "cv2.sepFilter2D cannot express kernel: its own is the product of two vectors",
    ),
    (
        ((HWIO[0, 0, 0], HWIO[0, 0]), "cv2.sepFilter2D", "matlab.conv2_uv"),
        {},
        BadShape,
        'cv2.sepFilter2D: w (4, 6) read as "..." must be a vector, of one axis',
    ),
    (
        ((HWIO[0, 0, 0], HWIO[0, 0, 0]), "cv2.sepFilter2D", "keras"),
        {},
        CannotExpress,
        "keras.ops.separable_conv cannot express kernel: the given one is a product of two vectors",
    ),
]


@pytest.mark.parametrize(("given", "more", "error", "text"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(given, more, error, text):
    with pytest.raises(error) as caught:
        convert_kernel(*given, **more)
    assert str(caught.value) == text


# Biases


def test_a_bias_with_the_axes_of_y_becomes_a_vector_and_back():
    bias = np.arange(5.0)
    knet = "knet.ops21.conv"
    there = uniconv.convert_bias(bias, "pytorch", knet, rank=2)
    assert there.shape == (1, 1, 5, 1)
    assert uniconv.convert_bias(there, knet, "keras").tolist() == bias.tolist()
    assert uniconv.convert_bias(there, knet, knet).shape == there.shape
    assert uniconv.convert_bias(bias, "tf", "pytorch") is not None
    x, w = np.zeros((4, 5, 3, 2)), np.zeros((2, 2, 3, 5))
    y = uniconv.conv(x, w, there, dialect=knet)
    assert y[0, 0, :, 0].tolist() == bias.tolist()


BAD_BIASES = [
    (
        (np.zeros((1, 5)), "pytorch", "tf"),
        BadShape,
        "pytorch: bias (1, 5) has 2 axes; it must have 1",
    ),
    (
        (np.zeros((2, 1, 5, 1)), "knet.ops21.conv", "tf"),
        BadShape,
        'knet.ops21.conv: bias (2, 1, 5, 1) read as "... o n" must be 1 but for o',
    ),
    (
        (np.zeros(5), "tf", "knet.ops21.conv"),
        BadOption,
        "knet.ops21.conv: its bias has y's axes: give rank=, the number of spatial ones",
    ),
]


@pytest.mark.parametrize(("given", "error", "text"), BAD_BIASES, ids=range(len(BAD_BIASES)))
def test_biases_that_are_none(given, error, text):
    with pytest.raises(error) as caught:
        uniconv.convert_bias(*given)
    assert str(caught.value) == text

"""Files that other frameworks wrote, read without them: tests/files/make_golden.py made them."""

import json
import shutil
import struct
import zipfile
import zlib
from pathlib import Path

import h5py
import ml_dtypes
import numpy as np
import pytest
import scipy.io
import torch
from typer.testing import CliRunner

import uniconv
from tests.files.make_golden import DIVIDED, FOLDER, SPARSE, VARIABLES, probe
from uniconv import _cli as cli
from uniconv import files
from uniconv.errors import BadFile, UniconvError
from uniconv.files.bounded import Data
from uniconv.files.crc32c import crc32c
from uniconv.files.flatbuffer import Table


def same(path, expected, **limits):
    """The arrays of a file: names, dtypes, shapes, numbers."""
    arrays = files.load(path, **limits)
    assert sorted(arrays) == sorted(expected)
    for name, value in expected.items():
        array, value = arrays[name].array, np.asarray(value)
        assert (array.dtype, array.shape) == (value.dtype, value.shape), name
        np.testing.assert_array_equal(array, value)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


# TensorFlow

BRAIN = np.array(1.5, ml_dtypes.bfloat16)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("ending", ["", "/model.ckpt-3", "/model.ckpt-3.index"])
def test_tensorflow_checkpoints(version, ending):
    if (version, ending) == (1, "/model.ckpt-3.index"):
        ending = "/model.ckpt-3"
    same(f"{FOLDER}/tensorflow_{version}{ending}", VARIABLES | {"divided": DIVIDED})


def test_a_checkpoint_whose_checksums_differ_is_refused(folder):
    shutil.copytree(FOLDER / "tensorflow_2", "two")
    shutil.copytree(FOLDER / "tensorflow_1", "one")
    for name, at, message in (
        ("two/model.ckpt-3.data-00000-of-00001", 77, "its numbers have another checksum"),
        ("two/model.ckpt-3.index", 40, "the block at byte 0 has another checksum"),
        ("one/model.ckpt-3", 1000, "the block at byte 0 has another checksum"),
    ):
        data = bytearray(Path(name).read_bytes())
        data[at] ^= 16
        Path(name).write_bytes(data)
        with pytest.raises(BadFile, match=message):
            files.load(name)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 63, 64, 1000, 4097, 70_000])
def test_the_checksum_is_that_of_one_byte_after_the_other(size):
    data = np.random.default_rng(size).integers(0, 256, size, np.uint8).tobytes()
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    assert crc32c(data) == state ^ 0xFFFFFFFF


def test_a_checkpoint_may_have_no_name_but_index(folder):
    """As musicnn 0.1.0 ships its own: tf.train.Saver().save(session, "folder/")."""
    for name in ("index", "data-00000-of-00001"):
        shutil.copy(FOLDER / "tensorflow_2" / f"model.ckpt-3.{name}", f".{name}")
    Path("checkpoint").write_text('model_checkpoint_path: "/home/somebody/folder/"')
    for path in (".", ".index", ".data-00000-of-00001"):
        assert len(files.load(path)) == 8


def test_commands_take_prefixes_and_folders(folder):
    Path("names.json").write_text('{"divided": "keep"}')
    for k, path in enumerate(("tensorflow_2/model.ckpt-3", "tensorflow_1")):
        words = f"convert {FOLDER}/{path} --from tf --to pytorch -o {k}.npz --map names.json"
        result = CliRunner().invoke(cli.app, words.split())
        assert result.exit_code == 0, result.output
        kernel = files.load(f"{k}.npz")["conv/weights"].array
        np.testing.assert_array_equal(kernel, VARIABLES["conv/weights"].transpose(3, 2, 0, 1))
        words = f"layout {FOLDER}/{path} --name conv/weights --x-channels 4 --o 5"
        result = CliRunner().invoke(cli.app, words.split())
        assert result.output.startswith("HWIO"), result.output


def test_a_saved_model_has_the_names_of_its_objects():
    expected = {"layers/0": probe(3, 2), "layers/1": probe(2, dtype=np.float64)}
    same(FOLDER / "saved_model", expected)


def test_a_checkpoint_says_what_is_missing(folder):
    shutil.copy(FOLDER / "tensorflow_2" / "model.ckpt-3.index", "m.index")
    with pytest.raises(BadFile, match=r"^m has no m.data-00000-of-00001 beside it$"):
        files.load("m")
    Path("m.index").write_bytes(Path("m.index").read_bytes()[:-1])
    with pytest.raises(BadFile, match=r"^m does not end as a checkpoint does$"):
        files.load("m")


def test_a_frozen_graph_has_its_constants():
    filled = np.full((2, 3), 2.5, np.float32)
    same(FOLDER / "frozen.pb", VARIABLES | {"filled": filled, "brain": BRAIN})


def test_a_constant_is_as_large_as_the_file_allows(folder):
    """TensorFlow writes one number for an array that has it everywhere."""
    shape = b"\x12\x08\x08\x80\x80\x80\x80\x80\x80\x01"  # one axis of 2 ** 42
    tensor = b"\x08\x01\x12\x0a" + shape + b"\x2a\x04\0\0\xc0\x3f"
    value = b"\x0a\x05value\x12" + bytes([len(tensor) + 2]) + b"\x42" + bytes([len(tensor)])
    attribute = value + tensor
    node = b"\x0a\x01w\x12\x05Const\x2a" + bytes([len(attribute)]) + attribute
    Path("m.pb").write_bytes(b"\x0a" + bytes([len(node)]) + node)
    with pytest.raises(BadFile, match=r"^m.pb, w: [\d,]+ bytes are more than max_bytes=16,777,216"):
        files.load("m.pb")


# ONNX


def test_onnx_has_initializers_constants_subgraphs_and_functions():
    same(
        FOLDER / "model.onnx",
        VARIABLES
        | {
            "typed_half": np.array([1.5, -2, 3], np.float16),
            "typed_ints": np.array([1, -2, 3], np.int8),
            "typed_long": np.array([-(2**40), 3]),
            "typed_double": np.array([0.1, 3]),
            "typed_unsigned": np.array([2**63, 3], np.uint64),
            "typed_complex": np.array([1 + 2j, 3], np.complex64),
            "nibbles": np.array([-8, 7, -1], np.int8),
            "sparse": np.array([[0, 5, 0], [0, 0, 6]], np.float32),
            "kernel": probe(4, 2, 3, 1),
            "floats": np.array([1.5, 2.5], np.float32),
            "ints": np.array([3, -4]),
            "float": np.array(0.5, np.float32),
            "choose.then_branch/inner": probe(2, 3),
            "choose.then_branch/own": probe(3),
            "choose.else_branch/inner": probe(2, 3) * 2,
            "choose.else_branch/own": probe(3) * 2,
            "Scaled/scale": probe(2),
        },
    )


def test_onnx_reads_files_beside_it_and_no_other(folder):
    names = ("conv/weights", "conv/biases")
    shutil.copy(FOLDER / "external.onnx", "external.onnx")
    shutil.copy(FOLDER / "external.data", "external.data")
    same("external.onnx", {name: VARIABLES[name] for name in names})
    Path("in").mkdir()
    Path("external.onnx").rename("in/m.onnx")
    model = Path("in/m.onnx").read_bytes()
    Path("a_way.data").write_bytes(bytes(999))
    for location in ("../a_way.data", "/etc/hostname", "exter\0al.data", "externa1.data", "."):
        other = location.ljust(13, "/").encode()
        assert len(other) == 13
        Path("in/m.onnx").write_bytes(model.replace(b"external.data", other))
        with pytest.raises(BadFile, match="which is no file beside it"):
            files.load("in/m.onnx")
    Path("in/external.data").symlink_to("/etc/hostname")
    Path("in/m.onnx").write_bytes(model)
    with pytest.raises(BadFile, match="which is no file beside it"):
        files.load("in/m.onnx")


# What a file is, and what none is


def test_the_content_says_what_a_file_is(folder):
    for source, name in (("model.onnx", "weights"), ("frozen.pb", "graph.txt")):
        shutil.copy(FOLDER / source, name)
        assert list(files.load(name)) == list(files.load(FOLDER / source))
    np.savez("m.npz", w=np.ones(2))
    Path("m.npz").rename("m.pth.tar")
    assert list(files.load("m.pth.tar")) == ["w"]


def test_a_file_without_arrays_is_an_error(folder):
    np.savez("m.npz")
    Path("empty.onnx").write_bytes(b"\x08\x08\x3a\x03\x12\x01g")
    for name in ("m.npz", "empty.onnx"):
        with pytest.raises(BadFile, match="has no arrays of numbers"):
            files.load(name)


def test_limits_are_named_and_can_be_raised(folder):
    path = FOLDER / "model.onnx"
    for limits, message in (
        ({"max_bytes": 100}, r"480 bytes are more than max_bytes=100: .*max_bytes=480\)"),
        ({"max_arrays": 3}, "more arrays than max_arrays=3"),
        ({"max_depth": 0}, "deeper than max_depth=0"),
    ):
        with pytest.raises(BadFile, match=message):
            files.load(path, **limits)
    assert len(files.load(path, max_bytes=10**6, max_arrays=100, max_depth=1)) == 24


# Other frameworks


def test_tensorflow_lite_has_its_constant_tensors():
    found = files.load(FOLDER / "float.tflite")
    kernel, depthwise = probe(3, 2, 3, 4), probe(2, 2, 4, 1)  # as Keras has them
    name = "sequential_1/conv_1/convolution"
    np.testing.assert_array_equal(found[name].array, kernel.transpose(3, 0, 1, 2))
    found_depthwise = found["sequential_1/depthwise_1/depthwise"].array
    np.testing.assert_array_equal(found_depthwise, depthwise.transpose(3, 0, 1, 2))
    assert found[name].quantization is None
    assert found[name].dequantized() is found[name].array

    quantized = files.load(FOLDER / "quantized.tflite")[name]
    assert quantized.dtype == np.int8
    assert quantized.quantization.axis == 0
    assert quantized.quantization.scale.shape == quantized.quantization.zero_point.shape == (4,)
    half_step = quantized.quantization.scale.reshape(4, 1, 1, 1) * 0.51
    error = np.abs(quantized.dequantized() - kernel.transpose(3, 0, 1, 2))
    assert (error <= half_step).all()


def test_sparse_tensors_of_tensorflow_lite_are_read_densely(folder):
    dense = {name: array for name, (array, *_) in SPARSE.items()}
    assert all(0 < np.count_nonzero(array) < array.size for array in dense.values())
    same(FOLDER / "sparse.tflite", dense)


DAMAGED_SPARSITY = (
    (b"rows", ("i", 0, 2, 5, 8), ("i", 0, 2, 1, 8), "the segments .* do not fit its indices$"),
    (b"rows", ("i", 3, 4, 3, 4), ("i", 3, 9, 3, 4), r"an index .* is not below 9$"),
    (b"rows", ("i", 20, 23), ("i", 20, 22), "the segments .* do not fit its indices$"),
    (
        b"blocks",
        ("i", 1, 0, 3, 2),
        ("i", 1, 0, 2, 2),
        r"its levels \[1, 0, 2, 2\] of blocks \[0, 1\]",
    ),
    (b"blocks", ("i", 4, 1, 0, 3, 2), ("i", 3, 1, 0, 3, 2), r"its levels \[1, 0, 3\] of blocks"),
)


@pytest.mark.parametrize(("name", "old", "new", "message"), DAMAGED_SPARSITY)
def test_damaged_sparse_tensors_are_refused(folder, name, old, new, message):
    data = (FOLDER / "sparse.tflite").read_bytes()
    before, after = (struct.pack(f"<{len(v) - 1}{v[0]}", *v[1:]) for v in (old, new))
    assert data.count(before) == 1
    Path("m.tflite").write_bytes(data.replace(before, after))
    with pytest.raises(BadFile, match=f"m.tflite, {name.decode()}: {message}"):
        files.load("m.tflite")


def test_blocks_that_do_not_divide_an_axis_are_refused(folder):
    """The block of the last axis of 'kernel', which is 3, is a dense level of its own."""
    raw = bytearray((FOLDER / "sparse.tflite").read_bytes())
    data = Data(bytes(raw), "sparse.tflite")
    tensor = list(next(Table.root(data).tables(2)).tables(0))[3]
    levels = list(tensor.table(6).tables(2))
    for level, size, message in ((4, 2, "blocks of .2. do not divide"), (1, 3, "dense level of 3")):
        at = levels[level].place(1)
        Path("m.tflite").write_bytes(raw[:at] + struct.pack("<i", size) + raw[at + 4 :])
        with pytest.raises(BadFile, match=f"m.tflite, kernel: .*{message}"):
            files.load("m.tflite")


def test_mlx_files():
    arrays = {
        "conv.weight": probe(4, 3, 2, 3),
        "conv.bias": probe(4).astype(BRAIN.dtype),
        "half": probe(4, dtype=np.float16),
    }
    same(FOLDER / "mlx.npz", arrays)
    same(FOLDER / "mlx.safetensors", arrays)
    same(FOLDER / "mlx.gguf", {n: a for n, a in arrays.items() if n != "conv.bias"})


def test_gguf_has_blocks_in_full():
    expected = dict(np.load(FOLDER / "blocks.npz"))
    expected["BF16"] = expected["BF16"].astype(BRAIN.dtype)
    same(FOLDER / "blocks.gguf", {"plain": probe(4, 3, 2)} | expected)


def test_gguf_names_the_blocks_that_it_does_not_read(folder):
    data = (FOLDER / "blocks.gguf").read_bytes()
    at = data.index(b"Q4_0") + 4 + 4 + 16  # after the name, the number of axes, two sizes
    assert data[at : at + 4] == b"\2\0\0\0"
    Path("k.gguf").write_bytes(data[:at] + b"\x0c" + data[at + 1 :])
    message = r"k.gguf, Q4_0 is quantized as Q4_K: uniconv reads Q4_0, Q4_1, Q5_0, Q5_1, Q8_0$"
    with pytest.raises(BadFile, match=message):
        files.load("k.gguf")


def test_torchscript_has_its_tensors_and_nothing_is_run():
    same(
        FOLDER / "scripted.pt",
        {
            "turned": probe(3, 2).T,
            "parts.0": probe(2, dtype=np.int64),
            "table.half": probe(3, dtype=np.float16),
            "body.0.weight": probe(4, 3, 2, 3),
            "body.0.bias": probe(4),
            "body.1.weight": probe(4),
            "body.1.bias": probe(4),
            "body.1.running_mean": probe(4),
            "body.1.running_var": probe(4),
            "body.1.num_batches_tracked": probe(dtype=np.int64),
        },
    )


def test_torchscript_names_nothing_else(folder):
    with zipfile.ZipFile("trap.pt", "w") as archive:
        archive.writestr("trap/code/__torch__.py", "")
        archive.writestr(
            "trap/data.pkl", b"\x80\x02cbuiltins\nopen\nX\x07\0\0\0trappedX\1\0\0\0w\x86R."
        )
    with pytest.raises(
        BadFile, match=r"^trap.pt names builtins.open, which uniconv does not make$"
    ):
        files.load("trap.pt")
    assert not Path("trapped").exists()


def test_core_ml_networks_have_their_layers_weights():
    expected = {
        "conv.weights": probe(2, 3, 3, 4).transpose(3, 2, 0, 1),  # given as rows, columns, in, out
        "conv.bias": probe(4),
        "norm.gamma": probe(4),
        "norm.beta": probe(4) + 1,
        "norm.mean": probe(4) + 2,
        "norm.variance": probe(4) + 9,
        "dense.weights": probe(2, 4),
        "dense.bias": probe(2),
    }
    same(FOLDER / "network.mlmodel", expected)
    half = files.load(FOLDER / "half.mlmodel")
    assert half["conv.weights"].dtype == np.float16
    for name, array in expected.items():
        np.testing.assert_array_equal(half[name].array, array)


def test_a_core_ml_package_has_its_constants():
    found = files.load(FOLDER / "program.mlpackage")
    np.testing.assert_array_equal(found["scaled_weight_0"].array, 3 * probe(4, 3, 2, 3))
    np.testing.assert_array_equal(found["scaled_bias_0"].array, 3 * probe(4))
    assert found["conv_strides_0"].array.tolist() == [1, 1]


# Formats whose frameworks are not at hand, written here after their documentation


def message(*fields):
    """Fields of a protocol buffer: numbers, bytes, or arrays of float32, packed."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
            continue
        value = value.astype("<f4").tobytes() if isinstance(value, np.ndarray) else value
        out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def varint(value):
    out = []
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def test_caffe_has_blobs_of_both_versions(folder):
    weight, bias = probe(4, 3, 2, 5), probe(4)

    def new(array):
        return message((7, message((1, b"".join(map(varint, array.shape))))), (5, array))

    def old(array):
        shape = (1,) * (4 - array.ndim) + array.shape
        return message(*enumerate(shape, 1), (5, array))

    layers = [
        message((1, b"data"), (2, b"Input")),
        message((1, b"conv"), (2, b"Convolution"), (7, new(weight)), (7, new(bias))),
        message((1, b"bn"), (2, b"BatchNorm"), *((7, new(bias + k)) for k in range(3))),
        message((1, b"own"), (2, b"Python"), (7, new(bias))),
    ]
    Path("new").write_bytes(message((1, b"net"), *((100, layer) for layer in layers)))
    same("new", {
        "conv.weight": weight, "conv.bias": bias, "own.0": bias,
        "bn.mean": bias, "bn.variance": bias + 1, "bn.scale_factor": bias + 2,
    })  # fmt: skip
    dense = probe(7, 60)
    layers = [
        message((2, b"data"), (4, b"conv"), (5, 4), (6, old(weight)), (6, old(bias))),
        message((2, b"conv"), (4, b"fc"), (5, 14), (6, old(dense)), (6, old(dense[:, 0]))),
    ]
    Path("old.caffemodel").write_bytes(message((1, b"net"), *((2, layer) for layer in layers)))
    same("old.caffemodel", {
        "conv.weight": weight, "conv.bias": bias, "fc.weight": dense, "fc.bias": dense[:, 0],
    })  # fmt: skip


CFG = """
[net]
channels = 3   # a remark
height=9
width=8
[convolutional]
batch_normalize=1
filters=4
size=3
stride=2
pad=1
[maxpool]
size=2
stride=1
[route]
layers=-1,-2
[convolutional]
filters=6
size=1
groups=2
[yolo]
[connected]
output=5
"""


@pytest.mark.parametrize("turned", [False, True])
def test_darknet_reads_in_the_order_of_the_layers(folder, turned):
    Path("m.cfg").write_text(CFG)
    vectors = [probe(4) + k for k in range(4)]
    kernel, second, bias, last = probe(4, 3, 3, 3), probe(6, 4, 1, 1), probe(6), probe(5)
    dense = probe(5, 6 * 5 * 4)  # 9 x 8 halves to 5 x 4 and stays so
    parts = [*vectors, kernel, bias, second, last, dense.T if turned else dense]
    body = b"".join(part.astype("<f4").tobytes() for part in parts)
    for version, seen in (((0, 1, 0), 4), ((0, 2, 0), 8)):
        minor = version[1] + 1001 * turned
        head = struct.pack("<3i", version[0], minor, version[2])
        Path("m.weights").write_bytes(head + bytes(4 if turned else seen) + body)
        expected = {
            "0.convolutional.biases": vectors[0],
            "0.convolutional.scales": vectors[1],
            "0.convolutional.rolling_mean": vectors[2],
            "0.convolutional.rolling_variance": vectors[3],
            "0.convolutional.weights": kernel,
            "3.convolutional.biases": bias,
            "3.convolutional.weights": second,
            "5.connected.biases": last,
            "5.connected.weights": dense,
        }
        same("m.weights", expected)
        same("m.cfg", expected)
    cut = 20 + 4 * (16 + kernel.size)
    Path("m.weights").write_bytes(struct.pack("<3iq", 0, 2, 0, 0) + body[: cut - 20])
    assert len(files.load("m.weights")) == 5
    Path("m.weights").write_bytes(struct.pack("<3iq", 0, 2, 0, 0) + body + bytes(8))
    with pytest.raises(BadFile, match=r"m.weights has 8 bytes more than the layers of m.cfg$"):
        files.load("m.weights")
    Path("m.cfg").unlink()
    with pytest.raises(BadFile, match=r"its layers are listed in m.cfg, which is not beside it"):
        files.load("m.weights")


PARAM = """7767517
5 5
Input            in0  0 1 x
Convolution      conv 1 1 x a 0=4 1=3 11=2 5=1 6=72
ConvolutionDepthWise dw 1 1 a b 0=4 1=1 6=4 7=4
BatchNorm        bn   1 1 b c 0=4 1=1e-5
InnerProduct     fc   1 1 c y 0=3 1=1 2=12 -23310=2,0.5,1
"""
HALF, INT8 = (struct.pack("<I", tag) for tag in (0x01306B47, 0x000D4B38))


def test_ncnn_reads_in_the_order_of_the_layers(folder):
    Path("m.param").write_text(PARAM)
    kernel, depthwise = probe(4, 3, 2, 3), probe(4, 1, 1, 1)
    vectors = [probe(4) + k for k in range(5)]
    table = np.arange(256, dtype="<f4") / 2
    indices = np.arange(12, dtype=np.uint8)[::-1]
    data = [
        HALF, kernel.astype("<f2"), vectors[0],
        INT8, depthwise.astype("i1"),
        *vectors[1:],
        b"\1\0\0\0", table, indices, probe(3),
    ]  # fmt: skip
    Path("m.bin").write_bytes(
        b"".join(bytes(np.asarray(d).data) if not isinstance(d, bytes) else d for d in data)
    )
    expected = {
        "conv.weight": kernel.astype(np.float16),
        "conv.bias": vectors[0],
        "dw.weight": depthwise.astype(np.int8),
        "bn.slope": vectors[1],
        "bn.mean": vectors[2],
        "bn.variance": vectors[3],
        "bn.bias": vectors[4],
        "fc.weight": table[indices].reshape(3, 4),
        "fc.bias": probe(3),
    }
    same("m.param", expected)
    same("m.bin", expected)
    Path("m.bin").write_bytes(Path("m.bin").read_bytes() + bytes(4))
    with pytest.raises(BadFile, match="has 4 bytes more than uniconv knows of"):
        files.load("m.bin")


class Torch7:
    """Writes what torch.save writes: objects once, by index."""

    def __init__(self, ascii_):
        self.ascii, self.parts, self.count = ascii_, [], 0

    def put(self, code, *values):
        for value in values:
            text = f"{value}\n".encode()
            self.parts.append(text if self.ascii else struct.pack(f"<{code}", value))

    def word(self, text):
        self.put("i", len(text))
        self.parts.append(text.encode() + b"\n" * self.ascii)

    def index(self):
        self.count += 1
        self.put("i", self.count)

    def tensor(self, kind, array, strides=None, offset=0, storage=None):
        self.put("i", 4)
        self.index()
        self.word("V 1")
        self.word(f"torch.{kind}Tensor")
        self.put("i", array.ndim)
        self.put("q", *array.shape)
        steps = strides or [s // array.itemsize for s in array.strides]
        self.put("q", *steps, offset + 1)
        numbers = array if storage is None else storage
        self.put("i", 4)
        self.index()
        self.word("V 1")
        self.word(f"torch.{kind}Storage")
        self.put("q", numbers.size)
        if self.ascii and numbers.itemsize > 1:
            self.parts.append(" ".join(map(str, numbers.ravel().tolist())).encode() + b"\n")
        else:
            self.parts.append(numbers.tobytes() + b"\n" * self.ascii)

    def table(self, pairs):
        self.put("i", 3)
        self.index()
        self.put("i", len(pairs))
        for key, write in pairs.items():
            if isinstance(key, str):
                self.put("i", 2)
                self.word(key)
            else:
                self.put("i", 1)
                self.put("d", float(key))
            write()


@pytest.mark.parametrize("ascii_", [False, True])
def test_torch7_has_tensors_in_tables_and_modules(folder, ascii_):
    t = Torch7(ascii_)
    whole, longs = probe(3, 4), probe(9, dtype=np.int64)

    def module():
        t.put("i", 4)
        t.index()
        t.word("V 1")
        t.word("nn.SpatialConvolution")
        t.table({
            "weight": lambda: t.tensor("Float", probe(4, 3, 2, 5)),
            "turned": lambda: t.tensor("Double", whole.T, [1, 4], 0, whole.astype("f8")),
            "part": lambda: t.tensor("Long", longs[:2], [3], 2, longs),
            "train": lambda: t.put("i", 5, 1),
            "nothing": lambda: t.put("i", 0),
        })  # fmt: skip

    t.table(
        {
            "modules": lambda: t.table({1: module}),
            "bytes": lambda: t.tensor("Byte", probe(3, dtype=np.uint8)),
        }
    )
    Path("m.t7").write_bytes(b"".join(t.parts))
    same("m.t7", {
        "modules.1.weight": probe(4, 3, 2, 5),
        "modules.1.turned": whole.T.astype("f8"),
        "modules.1.part": np.array([-3, 0]),
        "bytes": probe(3, dtype=np.uint8),
    })  # fmt: skip


def test_torch7_goes_round_no_circle(folder):
    Path("m.t7").write_bytes(struct.pack("<iii", 3, 1, 1) + struct.pack("<idii", 1, 1.0, 3, 1))
    with pytest.raises(BadFile, match="goes in a circle"):
        files.load("m.t7")


def bson(value):
    """A document: mappings, lists, words, integers, bytes."""
    body = b""
    for key, part in value.items():
        name = key.encode() + b"\0"
        if isinstance(part, dict):
            body += b"\3" + name + bson(part)
        elif isinstance(part, list):
            body += b"\4" + name + bson({str(k): v for k, v in enumerate(part)})
        elif isinstance(part, str):
            body += b"\2" + name + struct.pack("<i", len(part.encode()) + 1) + part.encode() + b"\0"
        elif isinstance(part, int):
            body += b"\x12" + name + struct.pack("<q", part)
        else:
            body += b"\5" + name + struct.pack("<i", len(part)) + b"\0" + part
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def julia(array, kind):
    """An array as BSON.jl lowers it: the first axis fastest."""
    return {
        "tag": "array",
        "type": {"tag": "datatype", "params": [], "name": ["Core", kind]},
        "size": list(array.shape),
        "data": np.asfortranarray(array).tobytes("F"),
    }


def test_bson_is_indexed_as_in_julia(folder):
    w = probe(3, 2, 4, 5)
    datatype = {"tag": "datatype", "params": [], "name": ["Main", "Flux", "Conv"]}
    complex_ = julia(np.array([1 + 2j], np.complex64), "Float32")
    inner = {"tag": "datatype", "params": [], "name": ["Core", "Float32"]}
    complex_["type"] = {"tag": "datatype", "params": [inner], "name": ["Main", "Base", "Complex"]}
    conv = {
        "tag": "struct",
        "type": datatype,
        "data": [{"tag": "backref", "ref": 1}, 7, julia(w, "Float32")],
    }
    cells = {"tag": "array", "type": {"tag": "datatype", "params": [], "name": ["Core", "Any"]},
             "size": [2], "data": [julia(probe(2, dtype=np.int64), "Int64"), "a word"]}  # fmt: skip
    model = {"model": {"tag": "tuple", "data": [conv]}, "cells": cells, "z": complex_,
             "_backrefs": [julia(probe(2, 3), "Float32")]}  # fmt: skip
    Path("m.bson").write_bytes(bson(model))
    same("m.bson", {
        "model.1.1": probe(2, 3),
        "model.1.3": w,
        "cells.1": probe(2, dtype=np.int64),
        "z": np.array([1 + 2j], np.complex64),
    })  # fmt: skip
    Path("m.bson").write_bytes(bson({"a": {"tag": "backref", "ref": 1},
                                     "_backrefs": [{"tag": "backref", "ref": 1}]}))  # fmt: skip
    with pytest.raises(BadFile, match="go in a circle"):
        files.load("m.bson")


# MATLAB's networks


def save_73(path, variables):
    """What ``scipy.io.savemat`` writes, in version 7.3."""
    classes = {"float64": "double", "float32": "single"}

    def put(group, name, value):
        if isinstance(value, dict):
            inner, kind = group.create_group(name), "struct"
            for key, part in value.items():
                put(inner, key, part)
        elif isinstance(value, str):
            letters = np.array([[ord(letter)] for letter in value], np.uint16)
            inner, kind = group.create_dataset(name, data=letters), "char"
        elif np.asarray(value).dtype == object:
            places = [f"#refs#/{name}{len(file['#refs#'])}_{k}" for k in range(value.size)]
            cells = [put(file, at, part) for at, part in zip(places, value.flat)]
            references = np.array([cell.ref for cell in cells], h5py.ref_dtype)
            data = references.reshape(value.shape).T
            inner, kind = group.create_dataset(name, data=data), "cell"
        else:
            array = np.atleast_2d(np.asarray(value))
            inner, kind = group.create_dataset(name, data=array.T), classes[array.dtype.name]
        inner.attrs["MATLAB_class"] = np.bytes_(kind)
        return inner

    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_group("#refs#")
        for name, value in variables.items():
            put(file, name, value)
    with open(path, "r+b") as start:
        start.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")


both_versions = pytest.mark.parametrize("savemat", [scipy.io.savemat, save_73])


@both_versions
def test_matconvnet_has_filters_under_its_layers_names(folder, savemat):
    def layer(kind, name, *weights):
        cells = np.empty((1, len(weights)), object)
        for k, array in enumerate(weights):
            cells[0, k] = array
        return {"type": kind, "name": name, "weights": cells, "stride": np.array([[2.0]])}

    filters, biases = probe(3, 2, 4, 5), probe(1, 5)
    layers = np.empty((1, 3), object)
    layers[0, 0] = layer("conv", "conv1", filters, biases)
    layers[0, 1] = layer("bnorm", "bn1", biases.T, biases.T + 1, probe(5, 2))
    layers[0, 2] = layer("convt", "up", filters + 1, biases + 1)
    savemat("m.mat", {"net": {"layers": layers}})
    stride = np.array([[2.0]])
    same("m.mat", {
        "net.conv1.filters": filters, "net.conv1.biases": biases, "net.conv1.stride": stride,
        "net.bn1.multipliers": biases.T, "net.bn1.biases": biases.T + 1,
        "net.bn1.moments": probe(5, 2), "net.bn1.stride": stride,
        "net.up.conv_transpose.filters": filters + 1, "net.up.conv_transpose.biases": biases + 1,
        "net.up.conv_transpose.stride": stride,
    })  # fmt: skip
    new = uniconv.convert_state_dict("m.mat", "matlab_dl", "pytorch", eps=0)  # without a map
    np.testing.assert_array_equal(new["net.conv1.filters"], filters.transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(
        new["net.up.conv_transpose.filters"][1, 2], filters[..., 2, 1] + 1
    )
    np.testing.assert_array_equal(new["net.conv1.biases"], biases[0])
    np.testing.assert_array_equal(new["net.bn1.running_var"], probe(5, 2)[:, 1] ** 2)
    np.testing.assert_array_equal(new["net.bn1.weight"], biases[0])
    assert epsilons("m.mat") == {}
    layers[0, 1]["epsilon"] = 0.25
    savemat("m.mat", {"net": {"layers": layers}})
    assert epsilons("m.mat") == {"net.bn1.moments": 0.25}
    new = uniconv.convert_state_dict("m.mat", "matlab_dl", "pytorch")
    np.testing.assert_array_equal(new["net.bn1.running_var"], probe(5, 2)[:, 1] ** 2 - 0.25)


@both_versions
def test_deep_learn_toolbox_has_one_kernel_for_each_pair_of_channels(folder, savemat):
    kernels = probe(5, 4, 3, 2, dtype=np.float64)  # rows, columns, in, out
    pairs, numbers = np.empty((1, 3), object), np.empty((1, 2), object)
    for i in range(3):
        row = np.empty((1, 2), object)
        for j in range(2):
            row[0, j] = kernels[:, :, i, j]
        pairs[0, i] = row
    for j in range(2):
        numbers[0, j] = j + 0.5
    layers = np.empty((1, 1), object)
    layers[0, 0] = {"type": "c", "outputmaps": 2.0, "k": pairs, "b": numbers}
    savemat("m.mat", {"cnn": {"layers": layers}})
    found = files.load("m.mat")
    np.testing.assert_array_equal(found["cnn.layers{1}.k"].array, kernels)
    np.testing.assert_array_equal(found["cnn.layers{1}.b"].array, [0.5, 1.5])
    new = uniconv.convert_state_dict("m.mat", "matlab_dl", "pytorch")  # it convolves
    np.testing.assert_array_equal(new["cnn.layers{1}.k"], kernels[::-1, ::-1].transpose(3, 2, 0, 1))


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_mat_files_of_scipys_own_tests():
    """Everything that MATLAB wrote for SciPy: versions, machines, sparse, structs, cells."""
    data = Path(scipy.io.matlab.__file__).parent / "tests" / "data"
    paths = sorted(data.glob("test*.mat"))
    if not paths:
        pytest.skip("this SciPy comes without its tests")
    compared = 0
    for path in paths:
        try:
            variables = scipy.io.loadmat(path, mat_dtype=True)
        except (NotImplementedError, ValueError, TypeError):
            continue
        if not any(getattr(a, "dtype", np.dtype("O")).kind in "iufc" for a in variables.values()):
            continue
        for name, each in files.load(path).items():
            if name in variables and each.dtype.kind != "c":  # of which SciPy drops a part
                expected = variables[name]
                expected = expected.toarray() if hasattr(expected, "toarray") else expected
                np.testing.assert_array_equal(each.array, expected)
                compared += 1
    assert compared > 30


# Files that lead elsewhere


def linked(name, link):
    with h5py.File(name, "w") as file:
        file["w"] = probe(3)
        link(file)


def test_hdf5_leads_to_no_other_file(folder):
    with h5py.File("other.h5", "w") as file:
        file["secret"] = probe(4)
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "secret", (4,))

    def outside(file):
        file["a"] = h5py.ExternalLink("other.h5", "secret")

    def through(file):
        file["b"] = h5py.ExternalLink("other.h5", "/")
        file["a"] = h5py.SoftLink("/b/secret")

    links = {
        "outside": outside,
        "through": through,
        "virtual": lambda file: file.create_virtual_dataset("a", layout),
        "raw": lambda file: file.create_dataset("a", (3,), "u1", external=[("other.h5", 0, 3)]),
    }
    for name, link in links.items():
        for ending in (".h5", ".jld2"):
            linked(f"{name}{ending}", link)
            with pytest.raises(BadFile, match=r"lies? in (an)?other files?.*not opened"):
                files.load(f"{name}{ending}")
    linked("soft.h5", lambda file: file.__setitem__("a", h5py.SoftLink("/w")))
    same("soft.h5", {"a": probe(3), "w": probe(3)})


def test_hdf5_goes_round_no_circle(folder):
    def circle(file):
        file["g/w"] = probe(3)
        file["g/again"] = file["g"]

    def bomb(file):
        group = file
        for _ in range(40):
            inner = group.create_group("a")
            group["b"] = inner
            group = inner

    def soft(file):
        file["a"] = h5py.SoftLink("/b")
        file["b"] = h5py.SoftLink("/a")

    def deep(file):
        file["/".join("g" * 100)] = probe(3)

    for link in (circle, bomb, soft, deep):
        for ending in (".h5", ".jld2"):
            linked(f"m{ending}", link)
            with pytest.raises(BadFile, match=r"another name leads to, too|max_depth=64"):
                files.load(f"m{ending}")


def test_what_unpacks_to_too_much_is_refused(folder):
    large = 2**26
    with h5py.File("m.h5", "w") as file:
        file.create_dataset("w", (large,), "f4", chunks=(2**20,), compression="gzip")
    with h5py.File("chunk.h5", "w") as file:
        file.create_dataset("w", (3,), "f4", chunks=(large,), maxshape=(None,))
    np.savez_compressed("m.npz", w=np.zeros(large, np.uint8))
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }"
    Path("m.npy").write_bytes(
        b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(16)
    )
    with zipfile.ZipFile("m.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", " " * large)
        archive.writestr("model.weights.h5", "")
    torch.save({"w": torch.zeros(1).expand(2**40)}, "m.pt")
    scipy.io.savemat("m.mat", {"w": np.zeros((1, large), np.uint8)}, do_compression=True)
    for name in ("m.h5", "chunk.h5", "m.npz", "m.npy", "m.keras", "m.pt", "m.mat"):
        with pytest.raises(BadFile, match="more than max_bytes="):
            files.load(name)
    assert files.load("m.npz", max_bytes=2 * large)["w"].shape == (large,)


def test_a_chunk_that_unpacks_to_more_than_it_should_is_refused(folder):
    with h5py.File("m.h5", "w") as file:
        dataset = file.create_dataset("w", (4096,), "u1", chunks=(4096,), compression="gzip")
        dataset.id.write_direct_chunk((0,), zlib.compress(bytes(2**25)))
        file["good"] = probe(3)
    with pytest.raises(BadFile, match=r"^m.h5, w: a chunk unpacks to more than its 4096 bytes$"):
        files.load("m.h5")


def test_lists_of_tensors_go_round_no_circle(folder):
    own = [torch.zeros(2)]
    own.append(own)
    torch.save(own, "m.pt")
    with pytest.raises(BadFile, match="deeper than max_depth=64, or goes in a circle"):
        files.load("m.pt")
    twice = torch.zeros(2)
    for _ in range(40):
        twice = [twice, twice]
    torch.save(twice, "m.pt")
    with pytest.raises(BadFile, match="more arrays than max_arrays=1,000"):
        files.load("m.pt", max_arrays=1000)


# Keras under Theano


@pytest.mark.parametrize("backend", ["theano", "tensorflow"])
@pytest.mark.parametrize("whole", [False, True])
def test_kernels_that_keras_wrote_under_theano_are_turned(folder, backend, whole):
    kernels = {
        "conv/conv/kernel:0": probe(3, 2, 4, 5),
        "dw/dw/depthwise_kernel:0": probe(3, 2, 4, 1),
        "local/locally_connected/kernel:0": probe(7, 6, 5),
        "dense/dense/kernel:0": probe(7, 6),
    }
    with h5py.File("m.h5", "w") as file:
        root = file.create_group("model_weights") if whole else file
        file.attrs["backend"] = backend.encode()
        file.attrs["keras_version"] = b"2.1.6"
        root.attrs["layer_names"] = [name.partition("/")[0].encode() for name in kernels]
        classes = {"conv": "Conv2D", "dw": "DepthwiseConv2D", "local": "LocallyConnected1D"}
        layers = [{"class_name": c, "config": {"name": n}} for n, c in classes.items()]
        if whole:
            file.attrs["model_config"] = json.dumps({"config": layers})
        for name, array in kernels.items():
            layer, _, own = name.partition("/")
            group = root.create_group(layer)
            group[own] = array
            group.attrs["weight_names"] = [own.encode()]
    found = files.load("m.h5")
    turn = slice(None, None, -1) if backend == "theano" else slice(None)
    expected = [probe(3, 2, 4, 5)[turn, turn], *list(kernels.values())[1:]]
    for each, array in zip(found.values(), expected, strict=True):
        np.testing.assert_array_equal(each.array, array)
    assert next(iter(found)) == "conv/kernel"


def test_keras_1_says_in_which_order_its_axes_are(folder):
    config = {"name": "c", "dim_ordering": "th"}
    layers = [{"class_name": "Convolution2D", "config": config}]
    with h5py.File("m.h5", "w") as file:
        file.attrs["backend"], file.attrs["keras_version"] = b"theano", b"1.2.2"
        file.attrs["model_config"] = json.dumps({"config": layers}).encode()
        group = file.create_group("model_weights/c")
        group["c_W"], group["c_b"] = probe(5, 4, 3, 2), probe(5)
        group.attrs["weight_names"] = [b"c_W", b"c_b"]
        file["model_weights"].attrs["layer_names"] = [b"c"]
    same("m.h5", {"c/W": probe(5, 4, 3, 2)[:, :, ::-1, ::-1], "c/b": probe(5)})
    with h5py.File("m.h5", "r+") as file:
        del file.attrs["model_config"]
    with pytest.raises(BadFile, match="does not say in which order its axes are"):
        files.load("m.h5")


def test_a_word_that_claims_gigabytes_is_refused_before_any_is_reserved(folder):
    with h5py.File("m.h5", "w") as file:
        file.attrs["layer_names"] = ["conv"]
        file.create_group("conv").attrs["weight_names"] = ["conv/v", "conv/w"]
        file["conv/conv/v"], file["conv/conv/w"] = np.ones(2), np.ones(3)
    good = Path("m.h5").read_bytes()
    assert list(files.load("m.h5")) == ["conv/v", "conv/w"]
    for name, size, word in (("layer_names", 4, 0), ("weight_names", 6, 1)):
        at = good.index(name.encode() + b"\0")
        for _ in range(word + 1):  # the length of each word stands before its place in the heap
            at = good.index(size.to_bytes(4, "little"), at + 1)
        data = good[:at] + (2**31 - 1).to_bytes(4, "little") + good[at + 4 :]
        Path("m.h5").write_bytes(data)
        words = f"^m.h5 is damaged: {name} has a word of 2,147,483,647 bytes$"
        with pytest.raises(BadFile, match=words):
            files.load("m.h5")


def test_a_heap_without_an_end_is_refused(folder):
    """HDF5 1.14.6 reads the first word of such a file for ever."""
    with h5py.File("m.h5", "w") as file:
        file["w"] = probe(3)
        file.attrs["word"] = "a word"
    data = bytearray(Path("m.h5").read_bytes())
    heap = data.index(b"GCOL\1\0\0\0")
    at = heap + 16
    while data[at : at + 2] != b"\0\0":
        size = int.from_bytes(data[at + 8 : at + 16], "little")
        at += 16 + size + -size % 8
    data[at + 8 : at + 16] = bytes(8)
    Path("m.h5").write_bytes(data)
    with pytest.raises(BadFile, match=rf"^m.h5 is damaged: a heap at byte {heap} has no end$"):
        files.load("m.h5")


# What a file's own graph uses an array for: conversions then need no map


def kinds(path):
    return {array.name: array.kind for array in files.stream(path)}


def test_onnx_tells_what_its_nodes_use_an_array_for(folder):
    def initializer(name, array):
        return 5, message(*((1, n) for n in array.shape), (2, 1), (4, array), (8, name.encode()))

    def node(operation, *inputs, **attributes):
        numbers = [
            (
                5,
                message(
                    (1, word.encode()), (3, value) if value == 1 else (2, probe(1) * 0 + value)
                ),
            )
            for word, value in attributes.items()
        ]
        inputs = ((1, name.encode()) for name in inputs)
        return 1, message(*inputs, (4, operation.encode()), *numbers)

    arrays = {"w": probe(4, 3, 2, 5), "u": probe(4, 6, 2, 3), "m": probe(6, 7), "a": probe(1, 7)}
    arrays |= {"both": probe(7, 7), "b": probe(4), "g": probe(5, 7), "half": probe(5, 7)}
    graph = message(
        node("Conv", "x", "w", "b"),
        node("ConvTranspose", "y", "u"),
        node("MatMul", "z", "m"),
        node("Add", "p", "a"),
        node("MatMul", "q", "both"),
        node("Add", "r", "both"),
        node("Gemm", "s", "g", transB=1),
        node("Gemm", "t", "half", alpha=0.5, transB=1),
        *(initializer(name, array) for name, array in arrays.items()),
    )
    Path("m.onnx").write_bytes(message((1, 8), (7, graph), (8, message((2, 17)))))
    uses = {"w": "conv", "u": "conv_transpose", "m": "dense_in_out", "a": "keep"}
    uses |= {"both": None, "b": None, "g": "dense_out_in", "half": None}
    assert kinds("m.onnx") == uses
    names = {"half": "keep", "both": "skip"}
    new = uniconv.convert_state_dict("m.onnx", "onnx", "keras", names=names)
    np.testing.assert_array_equal(new["w"], arrays["w"].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(new["u"], arrays["u"].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(new["m"], arrays["m"])  # in out, as Keras has it
    np.testing.assert_array_equal(new["g"], arrays["g"].T)
    # behind a Flatten of 3 channels, 1 row and 2 columns: c h w in ONNX, h w c in Keras
    names |= {"m": {"kind": "dense", "image": [3, 1, 2]}}
    with pytest.raises(UniconvError, match="onnx has no Dense layer of its own"):
        uniconv.convert_state_dict("m.onnx", "onnx", "keras", names=names)
    with pytest.raises(UniconvError, match="2 of 8 arrays cannot be converted"):
        uniconv.convert_state_dict("m.onnx", "onnx", "keras")


@pytest.mark.parametrize("name", ["float.tflite", "quantized.tflite"])
def test_tensorflow_lite_tells_what_its_operators_use_an_array_for(name):
    arrays = files.load(FOLDER / name)
    new = uniconv.convert_state_dict(FOLDER / name, "tflite", "pytorch")
    conv, depthwise = "sequential_1/conv_1/convolution", "sequential_1/depthwise_1/depthwise"
    own = {array: arrays[array].dequantized() for array in (conv, depthwise)}
    np.testing.assert_array_equal(new[conv], own[conv].transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(new[depthwise][:, 0], own[depthwise][0].transpose(2, 0, 1))


def test_mediapipes_own_operator_is_a_transposed_convolution():
    assert kinds(FOLDER / "custom.tflite") == {
        "segment/Kernel": "conv_transpose",
        "segment/Bias": None,
    }
    new = uniconv.convert_state_dict(FOLDER / "custom.tflite", "tflite", "pytorch")
    expected = probe(4, 2, 3, 5).transpose(3, 0, 1, 2)  # out, rows, columns, in
    np.testing.assert_array_equal(new["segment/Kernel"], expected)


def test_core_ml_caffe_and_ncnn_tell_what_their_layers_are(folder):
    assert kinds(FOLDER / "program.mlpackage")["scaled_weight_0"] == "conv"
    assert kinds(FOLDER / "network.mlmodel")["dense.weights"] == "dense"
    weight = probe(4, 3, 2, 5)
    blob = message((7, message((1, b"".join(map(varint, weight.shape))))), (5, weight))
    layers = [message((1, name), (2, kind), (7, blob)) for name, kind in CAFFE_LAYERS]
    Path("m.caffemodel").write_bytes(message((1, b"net"), *((100, layer) for layer in layers)))
    assert list(kinds("m.caffemodel").values()) == ["conv", "conv_transpose", None]
    new = uniconv.convert_state_dict("m.caffemodel", "caffe", "keras", names={"own.0": "skip"})
    np.testing.assert_array_equal(new["score.weight"], weight.transpose(2, 3, 1, 0))
    Path("m.param").write_text("7767517\n1 1\nDeconvolution up 1 1 x y 0=4 1=3 6=72\n")
    Path("m.bin").write_bytes(bytes(4) + probe(4, 2, 3, 3).astype("<f4").tobytes())
    assert kinds("m.param") == {"up.weight": "conv_transpose"}


CAFFE_LAYERS = ((b"conv", b"Convolution"), (b"score", b"Deconvolution"), (b"own", b"Python"))


def layers_with_norms(folder):
    """Files of which each has the eps of its two BatchNorms beside their variances."""
    ones, norm = probe(3) * 0 + 1, ("gamma", "beta", "moving_mean", "moving_variance")
    config = [
        {"class_name": "BatchNormalization", "config": {"name": name, "epsilon": eps}}
        for name, eps in (("a", 0.25), ("b", 0.5))
    ]
    model = json.dumps({"config": {"layers": config}})
    with h5py.File("m.h5", "w") as file:
        file.attrs["model_config"], file.attrs["layer_names"] = model, ["a", "b"]
        for name in "ab":
            file.create_group(name).attrs["weight_names"] = [f"{name}/{word}:0" for word in norm]
            for word in norm:
                file[f"{name}/{name}/{word}:0"] = ones
    with h5py.File("inner.h5", "w") as file:
        for name in "ab":
            for k in range(4):
                file[f"layers/{name}/vars/{k}"] = ones
    with zipfile.ZipFile("m.keras", "w") as archive:
        archive.writestr("config.json", model)
        archive.write("inner.h5", "model.weights.h5")
    blob = message((7, message((1, varint(3)))), (5, ones))
    caffe = [
        message((1, name), (2, b"BatchNorm"), *[(7, blob)] * 3, (139, message((3, ones[:1] * eps))))
        for name, eps in ((b"a", 0.25), (b"b", 0.5))
    ]
    caffe.append(message((1, b"c"), (2, b"BatchNorm"), *[(7, blob)] * 3))
    Path("m.caffemodel").write_bytes(message((1, b"net"), *((100, layer) for layer in caffe)))
    lines = "BatchNorm a 1 1 x y 0=3 1=0.25\nBatchNorm b 1 1 y z 0=3 1=5e-1\n"
    Path("m.param").write_text(f"7767517\n2 3\n{lines}")
    Path("m.bin").write_bytes(ones.astype("<f4").tobytes() * 8)
    names = [f"{name}.{word}" for name in "ab" for word in ("s", "o", "mean", "var")]
    nodes = [
        message(
            *((1, word.encode()) for word in ("x", *names[4 * k : 4 * k + 4])),
            (4, b"BatchNormalization"),
            *([(5, message((1, b"epsilon"), (2, ones[:1] * eps)))] if eps else []),
        )
        for k, eps in enumerate((0.25, None))
    ]
    tensors = [(5, message((1, 3), (2, 1), (4, ones), (8, name.encode()))) for name in names]
    graph = message(*((1, node) for node in nodes), *tensors)
    Path("m.onnx").write_bytes(message((1, 8), (7, graph), (8, message((2, 17)))))


def test_files_with_layers_tell_the_eps_of_each_batch_norm(folder):
    layers_with_norms(folder)
    keras = {"a/moving_variance": 0.25, "b/moving_variance": 0.5}
    assert epsilons("m.h5") == epsilons("m.keras") == keras
    named = {"a.variance": 0.25, "b.variance": 0.5}
    assert epsilons("m.param") == named
    assert epsilons("m.caffemodel") == named | {"c.variance": 1e-5}
    assert epsilons("m.onnx") == {"a.var": 0.25, "b.var": 1e-5}
    assert epsilons(FOLDER / "network.mlmodel") == {"norm.variance": pytest.approx(1e-5)}


def epsilons(path):
    return {array.name: array.eps for array in files.stream(path) if array.eps is not None}


def test_a_frozen_graph_tells_the_eps_of_each_batch_norm(folder):
    def node(name, operation, inputs="", **attributes):
        pairs = [message((1, key.encode()), (2, value)) for key, value in attributes.items()]
        parts = [(3, word.encode()) for word in inputs.split()]
        return message(
            (1, name.encode()), (2, operation.encode()), *parts, *((5, pair) for pair in pairs)
        )

    def norm(variance, kind="V3", eps=None):
        own = {} if eps is None else {"epsilon": message((4, np.array([eps])))}
        return node("norm", f"FusedBatchNorm{kind}", f"x s o m {variance}", **own)

    shape = message((2, message((1, 3))))
    tensor = message((8, message((1, 1), (2, shape), (5, probe(3)))))
    constants = [node(name, "Const", value=tensor) for name in ("a", "b", "c", "d", "m")]
    nodes = [
        norm("a/read", eps=0.25),  # a node may stand before what it reads
        norm("b:0", "V2", eps=0.5),
        norm("c", ""),
        *(norm("d", eps=eps) for eps in (0.25, 0.5)),
        *constants,
        node("a/read", "Identity", "a"),
    ]
    for k, (total, names) in enumerate({"Add": "e eps", "AddV2": "eps:0 f/read"}.items()):
        nodes += [node(f"sum{k}", total, names), node(f"root{k}", "Rsqrt", f"sum{k}:0")]
    # no eps: a sum of two vectors, of two numbers, of something that was computed, and no root
    nodes += [node("s2", "Add", "a m"), node("r2", "Rsqrt", "s2")]
    nodes += [node("s3", "Add", "eps eps"), node("r3", "Rsqrt", "s3")]
    nodes += [node("s4", "AddV2", "moments/variance eps"), node("r4", "Rsqrt", "s4")]
    nodes += [node("s5", "AddV2", "m eps"), node("r5", "Sqrt", "s5")]
    eps = message((8, message((1, 1), (2, b""), (5, np.array([0.125], "f4")))))
    nodes += [node("eps", "Const", value=eps), node("f/read", "Identity", "f")]
    nodes += [node(name, "Const", value=tensor) for name in "ef"]
    inner = message(
        (1, message((1, b"f"))),
        *((3, n) for n in (constants[0], norm("a:output:0", eps=2.0))),
    )
    Path("m.pb").write_bytes(message(*((1, n) for n in nodes), (2, message((1, inner)))))
    named = {"a": 0.25, "b": 0.5, "c": 1e-4, "e": 0.125, "f": 0.125, "f/a": 2.0}
    assert epsilons("m.pb") == named
    assert len(files.load("m.pb")) == 9


def test_each_batch_norm_is_folded_with_its_own_eps(folder):
    ones = np.ones(3)
    layer = {"class_name": "BatchNormalization"}
    config = [layer | {"config": {"name": f"bn{k}", "epsilon": 3.0**k}} for k in (1, 2)]
    with h5py.File("m.h5", "w") as file:
        model = json.dumps({"config": {"layers": config}})
        file.attrs["model_config"] = model
        file.attrs["layer_names"] = ["conv1", "bn1", "conv2", "bn2"]
        for k in (1, 2):
            file[f"conv{k}/kernel:0"] = np.ones((2, 5, 4, 3))
            file[f"conv{k}"].attrs["weight_names"] = ["kernel:0"]
            words = ("beta", "moving_mean", "moving_variance")
            for word in words:
                file[f"bn{k}/{word}:0"] = ones * (1 if word == "beta" else 2)
            file[f"bn{k}"].attrs["weight_names"] = [f"{word}:0" for word in words]
    new = uniconv.convert_state_dict("m.h5", "keras", "pytorch", fold_batchnorm={"bn*": "conv*"})
    for k, eps in ((1, 3), (2, 9)):
        np.testing.assert_allclose(new[f"conv{k}/kernel"], np.ones((3, 4, 2, 5)) / (2 + eps) ** 0.5)
        np.testing.assert_allclose(new[f"conv{k}/bias"], 1 - 2 / (2 + eps) ** 0.5 * ones)
    said = {"fold_batchnorm": {"bn*": "conv*"}, "eps": 2}
    with pytest.raises(UniconvError, match="eps=2 must be a number of at least 0, and small"):
        uniconv.convert_state_dict("m.h5", "keras", "pytorch", **said)
    new = uniconv.convert_state_dict("m.h5", "keras", "pytorch", **said | {"eps": 0.0})
    np.testing.assert_allclose(new["conv1/kernel"], np.ones((3, 4, 2, 5)) / 2**0.5)

"""Files that other frameworks wrote, read without them: tests/files/make_golden.py made them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.files.make_golden import DIVIDED, FOLDER, VARIABLES, probe
from uniconv import files
from uniconv.errors import BadFile


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

BRAIN = np.array(1.5, __import__("ml_dtypes").bfloat16)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("ending", ["", "/model.ckpt-3", "/model.ckpt-3.index"])
def test_tensorflow_checkpoints(version, ending):
    if (version, ending) == (1, "/model.ckpt-3.index"):
        ending = "/model.ckpt-3"
    same(f"{FOLDER}/tensorflow_{version}{ending}", VARIABLES | {"divided": DIVIDED})


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

"""Writing: bit-identical round trips, one array at a time, and the old file until all is well."""

import tracemalloc
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from uniconv import files
from uniconv.errors import BadFile

SEVERAL = (".safetensors", ".npz", ".h5", ".mat", ".pt")
ENDINGS = (*SEVERAL, ".npy")
rng = np.random.default_rng(5)
ARRAYS = {
    "kernel": rng.normal(size=(2, 3, 4, 5)).astype(np.float32),
    "reversed": rng.normal(size=(3, 4))[:, ::-1],
    "fortran": np.asfortranarray(rng.normal(size=(3, 4, 2)).astype(np.float32)),
    "special": np.array([[np.nan, np.inf, -0.0, 5e-324]]),
    "payload": np.array([[0x7FC12345, 0x7F812345]], np.uint32).view(np.float32),
    "empty": np.zeros((0, 3)),
    "whole": np.arange(6).reshape(2, 3),
    "small": np.arange(-3, 3, dtype=np.int8).reshape(2, 3),
    "flags": np.array([[True, False]]),
}
ODD = {  # not every format has these
    "vector": np.array([1.5, 2.5]),
    "scalar": np.array(2.5, np.float32),
    "half": np.array([[1.5, 2.5]], np.float16),
    "complex": np.array([[1.5 + 2j]]),
    "bfloat16": np.array([[1.5, 2.5]], ml_dtypes.bfloat16),
    "layer/kernel": np.array([[1.5]]),
}
LACKING = {
    ".mat": {"half", "bfloat16", "layer/kernel"},
    ".safetensors": {"complex"},
    ".h5": {"bfloat16"},
    ".npz": {"bfloat16"},
    ".pt": set(),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def identical(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("ending", SEVERAL)
def test_a_round_trip_is_bit_identical_and_in_order(folder, ending):
    given_ = ARRAYS | {n: a for n, a in ODD.items() if n not in LACKING[ending]}
    for several in (given_, given_.items(), iter(given_.items())):
        files.save(f"m{ending}", several)
        found = files.load(f"m{ending}")
        assert list(found) == list(given_)
        for name, array in given_.items():
            if ending == ".mat" and array.ndim < 2:
                array = array.reshape(-1, 1)
            assert identical(found[name].array, array), name
    assert [p.name for p in folder.iterdir()] == [f"m{ending}"]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(ENDINGS))
def test_any_floats_come_back(folder, data, ending):
    dtype = data.draw(st.sampled_from([np.float32, np.float64, ">f8"]))
    shape = data.draw(arrays_of.array_shapes(min_dims=2, max_dims=5, max_side=3))
    array = data.draw(arrays_of.arrays(dtype, shape))
    files.save(f"w{ending}", {"w": array})
    found = files.load(f"w{ending}")["w"].array
    assert identical(found, array.astype(array.dtype.newbyteorder("=")))


@pytest.mark.parametrize("ending", SEVERAL)
def test_memory_holds_about_one_array(folder, ending):
    """12 arrays of 1 MiB: the one that is written and the one that is being made."""
    files.save(f"m{ending}", {"w": np.zeros((2, 2))})  # imports what it needs
    files.load(f"m{ending}")
    tracemalloc.start()
    try:
        files.save(f"m{ending}", ((f"w{k}", np.full((1, 2**18), k, np.float32)) for k in range(12)))
        written = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        for k, found in enumerate(files.stream(f"m{ending}")):
            assert found.array[0, 77] == k
            del found
        read = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert written < 3.6 * 2**20
    assert read < 3.6 * 2**20


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("there", [True, False])
def test_a_failure_leaves_what_was_there(folder, ending, there):
    target = Path(f"m{ending}")
    if there:
        target.write_bytes(b"the old file")

    def failing():
        yield "w", np.ones((2, 2))
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        files.save(target, failing())
    assert [p.name for p in folder.iterdir()] == [target.name] * there
    assert not there or target.read_bytes() == b"the old file"


REFUSED = {
    ".npz": [("w", ODD["bfloat16"], "m.npz, w: NumPy's files have no bfloat16: convert it "
              "(bfloat16 is exact in float32) or write .safetensors")],
    ".npy": [("w", np.array([None]), "m.npy: NumPy's files have no object: convert it "
              "(bfloat16 is exact in float32) or write .safetensors")],
    ".safetensors": [("w", ODD["complex"], "m.safetensors, w: safetensors has no dtype complex128"),
                     ("w", np.array(["a"]), "m.safetensors, w: safetensors has no dtype <U1")],
    ".h5": [("w", ODD["bfloat16"], "m.h5, w: .h5 has no dtype bfloat16")],
    ".mat": [("w", ODD["half"], "m.mat, w: .mat has no dtype float16"),
             ("conv.w", ODD["vector"], "m.mat: conv.w is no name in MATLAB: letters, digits and _, "
              "a letter first, at most 63")],
    ".pt": [("w", np.array(["a"]), "m.pt, w: PyTorch has no dtype <U1")],
}  # fmt: skip


@pytest.mark.parametrize(
    ("ending", "name", "array", "message"),
    [(ending, *case) for ending, cases in REFUSED.items() for case in cases],
)
def test_what_a_format_has_not_is_refused(folder, ending, name, array, message):
    with pytest.raises(BadFile) as error:
        files.save(f"m{ending}", {name: array})
    assert str(error.value) == message
    assert not list(folder.iterdir())


def test_wrong_calls(folder):
    w = np.ones((2, 2))
    for path, arrays, message in (
        ("m.xyz", {"w": w}, "m.xyz: known endings are .safetensors, .npz, .npy, .h5, .mat, .pt"),
        ("m.npy", {"w": w, "b": w}, "m.npy holds one array: write .npz or .safetensors"),
        ("m.npy", {}, "m.npy holds one array: write .npz or .safetensors"),
        ("m.npz", [("w", w), ("w", w)], "m.npz: two arrays are named w"),
        ("m.h5", {"a": w, "a/b": w}, "m.h5, a/b: a is an array already"),
        ("m.h5", {"a/b": w, "a": w}, "m.h5, a: this is a group already"),
        ("m.h5", {"": w}, "m.h5: an array has no name"),
    ):  # fmt: skip
        with pytest.raises(BadFile) as error:
            files.save(path, arrays)
        assert str(error.value) == message
    assert not list(folder.iterdir())
    with pytest.raises(FileNotFoundError):
        files.save("no/m.npz", {"w": w})


def test_others_read_what_is_written(folder):
    import h5py
    import scipy.io
    import torch
    from safetensors.numpy import load_file

    w, b = ARRAYS["kernel"], ODD["vector"]
    for ending in (".safetensors", ".npz", ".h5", ".mat", ".pt"):
        files.save(f"m{ending}", {"w": w, "b": b})
    assert identical(load_file("m.safetensors")["w"], w)
    assert identical(np.load("m.npz")["w"], w)
    with h5py.File("m.h5") as file:
        assert identical(file["w"][()], w)
    assert identical(scipy.io.loadmat("m.mat")["w"], np.asarray(w))
    state = torch.load("m.pt", weights_only=True)
    assert identical(state["w"].numpy(), w)
    assert state["b"].tolist() == [1.5, 2.5]
    assert state["w"].untyped_storage().nbytes() == w.nbytes

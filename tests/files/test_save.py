"""Writing: bit-identical round trips, one array at a time, and the old file until all is well."""

import os
import signal
import subprocess
import sys
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
    ".npy": [("w", ODD["bfloat16"], "m.npy: NumPy's files have no bfloat16: convert it "
              "(bfloat16 is exact in float32) or write .safetensors"),
             ("w", np.array([None]), "m.npy, w: object is no dtype of numbers")],
    ".safetensors": [("w", ODD["complex"], "m.safetensors, w: safetensors has no dtype complex128"),
                     ("w", np.array(["a"]), "m.safetensors, w: <U1 is no dtype of numbers")],
    ".h5": [("w", ODD["bfloat16"], "m.h5, w: .h5 has no dtype bfloat16")],
    ".mat": [("w", ODD["half"], "m.mat, w: .mat has no dtype float16"),
             ("conv.w", ODD["vector"], "m.mat: conv.w is no name in MATLAB: letters, digits and _, "
              "a letter first, at most 63")],
    ".pt": [("w", np.array(["a"]), "m.pt, w: <U1 is no dtype of numbers")],
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


# Names, and what is no array of numbers

NAMES = ["a/b", "../x", "..", ".", "/abs", "a//b", "a/", "a/./b", "a\0b", "__metadata__", "\ud800"]
NAMES += ["x" * 70_000, " a", "a\nb", "é/ü", "a.npy", "a\\b", "a.b", "/", "w"]


@pytest.mark.parametrize("ending", SEVERAL)
def test_a_name_comes_back_unchanged_or_is_refused(folder, ending):
    target = Path(f"m{ending}")
    came_back = 0
    for name in NAMES:
        files.save(target, {"old": np.ones((2, 2))})
        try:
            files.save(target, {name: np.ones((2, 3))})
        except BadFile:
            assert list(files.load(target)) == ["old"]
        else:
            assert list(files.load(target)) == [name]
            came_back += 1
    assert came_back >= {".mat": 1, ".h5": 8}.get(ending, 15)
    assert [p.name for p in folder.iterdir()] == [target.name]


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (1, np.ones(2), "m.npz: 1 is no name of an array: it must be a text"),
        ("w", "word", "m.npz, w: <U4 is no dtype of numbers"),
        ("w", [None], "m.npz, w: object is no dtype of numbers"),
        (
            "w",
            np.ma.masked_array([1.0, 2.0], [True, False]),
            "m.npz, w: a mask is not written: give array.filled(0)",
        ),
    ],
)
def test_what_is_no_array_is_refused(folder, name, array, message):
    with pytest.raises(BadFile) as caught:
        files.save("m.npz", {name: array})
    assert str(caught.value) == message
    assert list(folder.iterdir()) == []


# What the file that is replaced was


def umask():
    """What the process takes away from the mode of a new file."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_mode_owner_and_link_stay(folder, monkeypatch):
    target, link = Path("m.npz"), Path("link.npz")
    files.save(target, {"w": np.ones(2)})
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask()
    target.chmod(0o640)
    link.symlink_to(target)
    owners = []
    monkeypatch.setattr(os, "chown", lambda *arguments: owners.append(arguments[1:]))
    files.save(link, {"w": np.zeros(3)})
    assert link.is_symlink()
    assert files.load(target)["w"].shape == (3,)
    assert target.stat().st_mode & 0o777 == 0o640
    assert owners == [(-1, target.stat().st_gid), (target.stat().st_uid, -1)]

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "chown", refuse)  # only root may give a file away
    files.save(target, {"w": np.zeros(4)})
    assert files.load(link)["w"].shape == (4,)


def test_a_file_that_is_only_to_be_read_is_not_replaced(folder):
    target = Path("m.npz")
    files.save(target, {"w": np.ones(2)})
    target.chmod(0o444)
    with pytest.raises(BadFile) as caught:
        files.save(target, {"w": np.zeros(3)})
    assert str(caught.value) == (
        "m.npz is only to be read (its mode is 0444): allow writing, chmod u+w m.npz, or write "
        "another file"
    )
    assert files.load(target)["w"].shape == (2,)
    Path("folder.npz").mkdir()
    with pytest.raises(BadFile, match=r"folder\.npz is no regular file"):
        files.save("folder.npz", {"w": np.zeros(3)})


ENDED = """
import sys, time
import numpy as np
from uniconv import files
def slowly():
    yield "w", np.zeros((2, 2))
    print("ready", flush=True)
    time.sleep(60)
files.save(sys.argv[1], slowly())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to handle")
def test_sigterm_leaves_nothing_and_still_ends_the_process(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", ENDED, "m.npz"], stdout=subprocess.PIPE, env=os.environ | PATHS
    )
    with process:
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
    assert process.returncode == -signal.SIGTERM
    assert list(folder.iterdir()) == []


PATHS = {"PYTHONPATH": str(Path(files.__file__).parents[2])}

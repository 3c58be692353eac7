"""Files of other programs: what is in them, under which names, and what is refused."""

import bz2
import gzip
import json
import lzma
import pickle
import tracemalloc
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path

import h5py
import joblib
import numpy as np
import pytest
import scipy.io
import torch

from uniconv import files
from uniconv.errors import BadFile

W = np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 7
B = np.array([1.5, -2.0, 3.25])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def arrays(path):
    return {name: found.array for name, found in files.load(path).items()}


def equal(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def refused(path, message):
    with pytest.raises(BadFile) as error:
        files.load(path)
    assert str(error.value) == message


def test_npy_is_named_for_its_file(folder):
    np.save("w.npy", W)
    equal(arrays("w.npy"), {"w": W})
    found = files.load("w.npy")["w"]
    assert (found.shape, found.dtype, found.error, found.digits, found.line) == (
        *((2, 3, 4), np.float32, 0.0, None, None),
    )
    assert files.load(Path("w.npy"))["w"].shape == (2, 3, 4)


def test_npz_keeps_its_order(folder):
    np.savez_compressed("m.npz", w=W, b=B, f=np.asfortranarray(W))
    equal(arrays("m.npz"), {"w": W, "b": B, "f": W})


@pytest.mark.parametrize("protocol", range(5))
def test_npy_of_layers(folder, protocol):
    """What ``numpy.save`` writes of a dictionary, as old Pythons pickled it, too."""
    layers = {
        "conv1": {"weights": W, "biases": B},
        "pair": [np.asfortranarray(W), np.float64(3), "text"],
        "labels": np.array(["a", "b"]),
        "big": OrderedDict(w=W.astype(">f4")),
    }
    np.save("m.npy", layers)
    whole = Path("m.npy").read_bytes()
    header = whole[: whole.index(b"\n") + 1]
    pickled = pickle.dumps(np.array(layers, dtype=object), protocol=protocol)
    Path("m.npy").write_bytes(header + pickled)
    expected = {"conv1.weights": W, "conv1.biases": B, "pair.0": W, "big.w": W.astype(">f4")}
    equal(arrays("m.npy"), expected)
    np.savez("m.npz", a=W, net=np.array(layers, dtype=object))
    equal(arrays("m.npz"), {"a": W, **{f"net.{k}": v for k, v in expected.items()}})
    Path("cut.npy").write_bytes((header + pickled)[:-40])
    with pytest.raises(BadFile, match=r"^cut\.npy is no pickle of arrays: "):
        files.load("cut.npy")
    torch.from_numpy(arrays("m.npy")["conv1.weights"]).add_(1)  # it can be written


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_arrays_are_read(folder, protocol):
    """As Lasagne, Detectron and Caffe2 keep weights; those of Python 2 are of protocols 0 to 2."""
    layers = {"param values": [W, np.asfortranarray(W)], "big": W.astype(">f4"), "name": "vgg"}
    expected = {"param values.0": W, "param values.1": W, "big": W.astype(">f4")}
    pickled = pickle.dumps(layers, protocol=protocol)
    Path("m.pkl").write_bytes(pickled)
    equal(arrays("m.pkl"), expected)
    torch.from_numpy(arrays("m.pkl")["param values.0"]).add_(1)  # it can be written
    for name, pack in {"a": gzip, "b": bz2, "c": lzma, "d": zlib}.items():
        Path(f"{name}.pkl").write_bytes(pack.compress(pickled))
        equal(arrays(f"{name}.pkl"), expected)
        Path(name).write_bytes(pack.compress(pickled))
        if protocol > 1:  # those before have no sign
            equal(arrays(name), expected)
    Path("cut.pkl").write_bytes(pickled[:-40])
    with pytest.raises(BadFile, match=r"^cut\.pkl "):
        files.load("cut.pkl")


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 1), ("bz2", 1), ("lzma", 1), ("xz", 1)])
def test_joblibs_files_are_read(folder, compress):
    layers = {"w": W, "parts": [np.asfortranarray(W), B, B], "n": np.float32(3)}
    joblib.dump(layers, "m.bin", compress=compress)
    Path("m.bin").rename("m")
    equal(arrays("m"), {"w": W, "parts.0": W, "parts.1": B, "parts.2": B})
    joblib.dump({"words": np.array(["a", None])}, "o.joblib", compress=compress)
    with pytest.raises(BadFile, match="array of joblib's is one of Python objects, not of numbers"):
        files.load("o.joblib")


def test_a_pickle_unpacks_to_no_more_than_is_allowed(folder):
    Path("bomb.gz").write_bytes(gzip.compress(pickle.dumps({"w": np.zeros(2**23)}), 1))
    with pytest.raises(BadFile, match=r"what is packed in it: 16,777,217 bytes are more than max_"):
        files.load("bomb.gz")
    assert files.load("bomb.gz", max_bytes=2**27)["w"].shape == (2**23,)


class Trap:
    """Unpickling it makes a file."""

    def __reduce__(self):
        return (open, ("trapped", "w"))


def test_pickles_are_refused_and_never_run(folder):
    objects = (
        f"holds Python objects, '{open.__module__}.open', not numbers: reading them would run "
        "the file's code; save a plain array (numpy.asarray(a, float))"
    )
    np.save("o.npy", np.array([Trap()], dtype=object))
    np.savez("o.npz", w=W, o=np.array([Trap()], dtype=object))
    for name in ("a.pkl", "b.txt", "c.weights"):
        Path(name).write_bytes(pickle.dumps({"w": W, "trap": Trap()}))
        refused(name, f"{name} {objects}")
    Path("d.gz").write_bytes(gzip.compress(pickle.dumps([W, Trap()])))
    refused("d.gz", f"d.gz {objects}")
    joblib.dump([W, Trap()], "e.joblib")
    refused("e.joblib", f"e.joblib {objects}")
    refused("o.npy", f"o.npy {objects}")
    refused("o.npz", f"o.npz, o.npy {objects}")
    torch.save({"w": torch.zeros(2), "trap": Trap()}, "t.pt")
    refused(
        "t.pt",
        "t.pt holds Python objects, not only tensors: reading them would run the file's code; "
        "save model.state_dict()",
    )
    assert not Path("trapped").exists()


def test_what_is_no_such_file_says_so(folder):
    for name in ("a.npz", "a.mat", "a.h5", "a.keras", "a.safetensors", "a.pt", "a.jld2", "a.npy"):
        Path(name).write_bytes(b"nothing of the kind, whatever one reads into it" * 9)
    refused("a.npz", "a.npz is no .npz file: it is no zip archive")
    refused("a.keras", "a.keras is no .keras file: it is no zip archive")
    refused("a.h5", "a.h5 is no HDF5 file")
    refused("a.jld2", "a.jld2 is no HDF5 file")
    refused("a.pt", "a.pt is no PyTorch file")
    for name in ("a.npy", "a.safetensors", "a.mat"):
        with pytest.raises(BadFile, match=rf"^{name} is no (\.npy|\.safetensors|\.mat) file"):
            files.load(name)
    with zipfile.ZipFile("b.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused("b.npz", "b.npz is no .npz file of arrays: it has readme.txt")
    refused("b.keras" if Path("b.npz").rename("b.keras") else "", (
        "b.keras is no .keras file: \"There is no item named 'config.json' in the archive\""
    ))  # fmt: skip
    Path("data.xyz").write_bytes(b"\x00\x01\x02\xff")
    refused("data.xyz", "data.xyz is neither text in UTF-8 nor a kind of file that uniconv reads")
    Path("empty.txt").touch()
    refused(
        "empty.txt",
        "empty.txt has no printed array: one is read as NumPy, PyTorch, TensorFlow, JAX, Julia, "
        "MATLAB and Octave print it, or as nested lists, [[1, 2], [3, 4]]",
    )
    with pytest.raises(FileNotFoundError):
        files.load("missing.h5")
    Path("folder").mkdir()
    refused("folder", "folder is a folder without a TensorFlow checkpoint")


def test_mat_5_has_structs_and_cells(folder):
    cells = np.empty((1, 2), dtype=object)
    cells[0, 0], cells[0, 1] = W, B[None]
    layers = np.empty((1, 2), dtype=object)
    for k in range(2):
        layers[0, k] = {"type": "conv", "weights": cells, "stride": np.array([[k + 1.0]])}
    scipy.io.savemat("m.mat", {"net": {"layers": layers}, "b": B, "name": "a word", "z": W + 1j})
    found = arrays("m.mat")
    assert list(found) == [
        *("net.layers{1}.weights{1}", "net.layers{1}.weights{2}", "net.layers{1}.stride"),
        *("net.layers{2}.weights{1}", "net.layers{2}.weights{2}", "net.layers{2}.stride"),
        *("b", "z"),
    ]
    np.testing.assert_array_equal(found["net.layers{2}.weights{1}"], W)
    np.testing.assert_array_equal(found["z"], W + 1j)
    assert found["b"].shape == (1, 3)


def test_mat_5_gives_matlabs_dtype_not_that_of_the_bytes(folder):
    """MATLAB writes whole doubles in fewer bytes; GNU Octave 7.3.0: save -v6 o.mat a."""
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    flags = b"\x06\0\0\0\x08\0\0\0\x06\0\0\0\0\0\0\0"  # class 6: double
    size = b"\x05\0\0\0\x08\0\0\0\x01\0\0\0\x03\0\0\0"
    name = b"\x01\0\x01\0a\0\0\0"
    data = b"\x02\0\x03\0\x07\x08\x09\0"  # uint8
    body = flags + size + name + data
    Path("o.mat").write_bytes(head + b"\x0e\0\0\0" + len(body).to_bytes(4, "little") + body)
    equal(arrays("o.mat"), {"a": np.array([[7.0, 8.0, 9.0]])})


def test_mat_73_is_indexed_as_in_matlab(folder):
    def put(group, name, array, kind, **attributes):
        dataset = group.create_dataset(name, data=array)
        dataset.attrs["MATLAB_class"] = np.bytes_(kind)
        for key, value in attributes.items():
            dataset.attrs[key] = value
        return dataset

    with h5py.File("m.mat", "w", userblock_size=512) as file:
        put(file, "w", W.T, "single")
        put(file, "flag", np.array([[1, 0]], np.uint8).T, "logical")
        put(file, "text", np.array([[104, 105]], np.uint16).T, "char")
        put(file, "none", np.array([0, 3], np.uint64), "double", MATLAB_empty=1)
        complex_ = np.zeros((1, 2), [("real", "f8"), ("imag", "f8")])
        complex_["imag"] = [[2, 3]]
        put(file, "z", complex_.T, "double")
        cells = [put(file, "#refs#/a", W.T, "single"), put(file, "#refs#/b", B[:, None], "double")]
        references = np.array([[c.ref for c in cells]], dtype=h5py.ref_dtype)
        put(file, "net/weights", references.T, "cell")
        put(file, "net/stride", np.array([[2.0]]), "double")
        empty = np.array([0, 0], np.uint64)
        put(file, "net/rest", empty, "cell", MATLAB_empty=1)
        for name, kind in (("w", "single"), ("b", "double")):  # an array of two structs
            values = [put(file, f"#refs#/{name}{k}", B[:, None] * k, kind).ref for k in (1, 2)]
            file.create_dataset(f"layers/{name}", data=np.array([values], h5py.ref_dtype).T)
        sparse = file.create_group("s")
        sparse.attrs["MATLAB_sparse"] = 3
        sparse.attrs["MATLAB_class"] = np.bytes_("double")
        for key, values in {"data": [5.0, 6.0], "ir": [2, 0], "jc": [0, 1, 2]}.items():
            sparse[key] = values
    with open("m.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    equal(arrays("m.mat"), {
        "flag": np.array([[True, False]]),
        "layers(1).b": B[None],
        "layers(1).w": B[None],
        "layers(2).b": B[None] * 2,
        "layers(2).w": B[None] * 2,
        "net.stride": np.array([[2.0]]),
        "net.weights{1}": W,
        "net.weights{2}": B[None],
        "none": np.zeros((0, 3)),
        "s": np.array([[0, 6.0], [0, 0], [5, 0]]),
        "w": W,
        "z": np.array([[2j, 3j]]),
    })  # fmt: skip


def test_hdf5_in_groups(folder):
    with h5py.File("m.hdf5", "w") as file:
        for k in (10, 2, 1):
            file[f"layer{k}/w"] = W * k
        file["note"] = "a word"
    found = arrays("m.hdf5")
    assert list(found) == ["layer1/w", "layer2/w", "layer10/w"]
    np.testing.assert_array_equal(found["layer10/w"], W * 10)


def keras_3(file):
    """As keras 3 writes it: variables by number, the layer's own name as an attribute."""
    for path, name, variables in (
        ("layers/conv2d", "first", [W, B]),
        ("layers/conv2d_1", "second", [W * 2]),
        ("layers/batch_normalization", "bn", [B, B + 1, B + 2]),
        ("layers/functional/layers/dense", "inner", [B]),
        ("layers/own_layer", "own", [B, W]),
    ):
        group = file.create_group(f"{path}/vars")
        group.attrs["name"] = name
        for k, variable in enumerate(variables):
            group[str(k)] = variable
    file.create_group("layers/functional/vars").attrs["name"] = "backbone"


def test_keras_3_weights_have_the_layers_names(folder):
    with h5py.File("m.weights.h5", "w") as file:
        keras_3(file)
    found = arrays("m.weights.h5")
    assert list(found) == [
        *("bn/0", "bn/1", "bn/2", "first/0", "first/1", "second/0", "backbone/inner/0"),
        *("own/0", "own/1"),
    ]
    np.testing.assert_array_equal(found["second/0"], W * 2)


def test_a_group_named_layers_does_not_make_it_keras(folder):
    with h5py.File("m.h5", "w") as file:
        file["layers/w"] = W
        file["layers/first/w"] = B
    equal(arrays("m.h5"), {"layers/first/w": B, "layers/w": W})


def test_keras_archives_have_the_variables_names_too(folder):
    def layer(kind, name, **config):
        return {"class_name": kind, "config": {"name": name, **config}}

    inner = layer("Dense", "inner")
    config = {"class_name": "Sequential", "config": {"layers": [
        layer("Conv2D", "first"), layer("Conv2DTranspose", "second"),
        layer("BatchNormalization", "bn", scale=False, center=True),
        layer("Functional", "backbone", layers=[inner]), layer("Own", "own"),
    ]}}  # fmt: skip
    with h5py.File("m.h5", "w") as file:
        keras_3(file)
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile("m.keras", "w", compression) as archive:
            archive.writestr("config.json", json.dumps(config))
            archive.write("m.h5", "model.weights.h5")
        assert list(arrays("m.keras")) == [
            *("bn/beta", "bn/moving_mean", "bn/moving_variance", "first/kernel", "first/bias"),
            *("second/kernel", "backbone/inner/kernel", "own/0", "own/1"),
        ]


def test_keras_2_files_have_the_order_of_the_layers(folder):
    with h5py.File("m.h5", "w") as file:
        root = file.create_group("model_weights")
        root.attrs["layer_names0"] = [b"zebra"]
        root.attrs["layer_names1"] = [b"ant", b"empty"]
        for name, weights in {
            "zebra": {"zebra/kernel:0": W, "zebra/bias:0": B},
            "ant": {"model/ant/kernel": W * 2, "inner/kernel:0": W * 3},
            "empty": {},
        }.items():
            group = root.create_group(name)
            group.attrs["weight_names"] = [w.encode() for w in weights]
            for weight, array in weights.items():
                group[weight] = array
        file["optimizer_weights/step"] = np.int64(7)
    equal(arrays("m.h5"), {
        "zebra/kernel": W, "zebra/bias": B, "ant/kernel": W * 2, "ant/inner/kernel": W * 3,
        "optimizer_weights/step": np.int64(7),
    })  # fmt: skip


def test_torch_files_are_flattened(folder):
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, (1, 2)), torch.nn.BatchNorm2d(3))
    state = {"epoch": 3, "model": model.state_dict(), "ema": [torch.ones(2, dtype=torch.float16)]}
    for zipped in (True, False):
        torch.save(state, "m.pt", _use_new_zipfile_serialization=zipped)
        found = arrays("m.pt")
        assert list(found) == [*(f"model.{name}" for name in model.state_dict()), "ema.0"]
        np.testing.assert_array_equal(found["model.0.weight"], model[0].weight.detach().numpy())
    torch.save(torch.arange(3), "w.pth")
    equal(arrays("w.pth"), {"w": np.arange(3)})
    torch.save(torch.tensor([1.5, 2], dtype=torch.bfloat16), "b.bin")
    found = arrays("b.bin")["b"]
    assert (found.dtype.name, found.astype(float).tolist()) == ("bfloat16", [1.5, 2])
    torch.save({"s": torch.eye(2).to_sparse()}, "s.pt")
    refused("s.pt", "s.pt, s is sparse_coo float32, which NumPy does not have")


def test_safetensors_in_the_order_of_their_bytes(folder):
    from safetensors.torch import save_file

    save_file(
        {"z": torch.zeros(2), "a": torch.tensor([1.5], dtype=torch.bfloat16)}, "m.safetensors"
    )
    found = arrays("m.safetensors")
    assert {n: a.dtype.name for n, a in found.items()} == {"z": "float32", "a": "bfloat16"}
    assert found["a"].astype(float).tolist() == [1.5]


def test_without_ml_dtypes_bfloat16_says_what_to_install(folder, monkeypatch):
    torch.save({"a": torch.zeros(2, dtype=torch.bfloat16)}, "m.pt")
    monkeypatch.setitem(__import__("sys").modules, "ml_dtypes", None)
    refused(
        "m.pt",
        "m.pt, a is bfloat16, which NumPy does not have: reading it needs pip install ml_dtypes",
    )
    # printed numbers are then float32, which holds them all
    assert files.loads("tensor([1., 2.], dtype=torch.bfloat16)")["array_1"].dtype == np.float32


@pytest.mark.parametrize(
    ("module", "name", "message"),
    [
        ("h5py", "m.h5", 'm.h5: HDF5 needs pip install "uniconv-torch[files]"'),
        ("h5py", "m.jld2", 'm.jld2: HDF5 needs pip install "uniconv-torch[files]"'),
        ("safetensors", "m.safetensors",
         'm.safetensors: reading it needs pip install "uniconv-torch[files]"'),
    ],
)  # fmt: skip
def test_a_library_that_is_missing_is_named(folder, monkeypatch, module, name, message):
    Path(name).write_bytes(bytes(600))
    monkeypatch.setitem(__import__("sys").modules, module, None)
    refused(name, message)


def test_writing_mat_says_what_is_missing(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.io", None)
    monkeypatch.delattr("scipy.io")
    with pytest.raises(BadFile, match=r'^m.mat: .mat needs pip install "uniconv-torch\[files\]"$'):
        files.save("m.mat", {"w": W})


def test_a_name_that_is_there_twice_in_json_is_refused(folder):
    Path("twice.json").write_text('{"a": [1], "b": {"a": [3], "a": [2]}}')
    with pytest.raises(BadFile, match=r'twice\.json: "a" is there twice in one object'):
        files.load("twice.json")


def test_json(folder):
    Path("m.json").write_text('{"knet": {"w": [[1.5, -2.25]], "n": 3}, "list": [[1, 2], [3, 4]]}')
    found = files.load("m.json")
    equal({n: f.array for n, f in found.items()}, {
        "knet.w": np.array([[1.5, -2.25]]), "list": np.array([[1, 2], [3, 4]]),
    })  # fmt: skip
    assert (found["knet.w"].digits, found["list"].error) == (3, 0.0)
    np.testing.assert_allclose(found["knet.w"].error, [[0.005, 0.005]])
    Path("w.json").write_text("[[NaN, 1e-3], [true, 2]]")
    np.testing.assert_array_equal(arrays("w.json")["w"], [[np.nan, 1e-3], [1, 2]])
    Path("two.json").write_text('[{"w": [1, 2]}, {"w": [3]}]')
    equal(arrays("two.json"), {"0.w": np.array([1, 2]), "1.w": np.array([3])})


JSON = {
    '{"w": [[1, 2], [3]]}': (
        "m.json, w: the array is ragged: part 1 has shape (1,), part 0 (2,)"
    ),
    '{"w": [1, "x"]}': 'm.json, w: "x" stands among the numbers',
    "[1, 2": "m.json, line 1: no JSON: Expecting ',' delimiter",
    '{\n"w": [1,\n2,,]}': "m.json, line 3: no JSON: Expecting value",
    '{"name": "w"}': "m.json has no lists of numbers",
    "[" * 100_000: "m.json: the lists are too deep",
}  # fmt: skip


@pytest.mark.parametrize("text", JSON, ids=range(len(JSON)))
def test_wrong_json(folder, text):
    Path("m.json").write_text(text)
    refused("m.json", JSON[text])


def test_csv(folder):
    Path("w.csv").write_text("left,right\n\n1.5,-2.25\n3,4\n")
    found = files.load("w.csv")["w"]
    np.testing.assert_array_equal(found.array, [[1.5, -2.25], [3, 4]])
    assert (found.line, found.digits) == (3, 3)
    np.testing.assert_allclose(found.error, [[0.005, 0.005], [0, 0]])
    for text in ("1;2\n3;4", "1\t2\n3\t4\n", "1, 2\r\n3, 4\r\n"):
        Path("w.csv").write_text(text)
        equal(arrays("w.csv"), {"w": np.array([[1, 2], [3, 4]])})
    Path("w.csv").write_text("1\n2\n")
    equal(arrays("w.csv"), {"w": np.array([[1], [2]])})


CSV = {
    "a,b\n1,2\n3\n": "w.csv, line 3: the array is ragged: 1 numbers, 2 on line 2",
    "1,2\n3,x\n": 'w.csv, line 2: "x" stands among the numbers',
    "a,b\nc,d\n": 'w.csv, line 2: "c" stands among the numbers',
    "a,b\n": "w.csv has no numbers",
    "": "w.csv has no numbers",
}


@pytest.mark.parametrize("text", CSV, ids=range(len(CSV)))
def test_wrong_csv(folder, text):
    Path("w.csv").write_text(text)
    refused("w.csv", CSV[text])


def test_jld2_leads_to_arrays_by_references(folder):
    """As JLD2 writes a Flux model, a vector of arrays and a dictionary.

    Checked against real files too: Knet weights of github.com/OsmanMutlu/Comp508-final (510bb88,
    model.jld2: (5, 5, 1, 20) ...), Flux models of tristanth03/UROP (baedeed) and
    FluxML/model-zoo (e33257c, vision/mnist/temp.jld2).
    """
    with h5py.File("m.jld2", "w", track_order=True) as file:
        file["_types/1"] = np.dtype([("weight", h5py.ref_dtype)])
        file["plain"] = W.T
        file["_types/w"] = W.T
        file["_types/b"] = B
        w, b = file["_types/w"].ref, file["_types/b"].ref
        layer = [("weight", h5py.ref_dtype), ("bias", h5py.ref_dtype), ("stride", "<i8")]
        chain = np.dtype([("layers", [("1", layer), ("2", [("σ", h5py.ref_dtype)])])])
        file["model"] = np.array(((((w, b, 2), (h5py.Reference(),))),), chain)
        file["complex"] = np.array([(1.0, 2.0)], [("re", "f8"), ("im", "f8")])
        file["words"] = "a word"
        file["_types/key"] = "kernel"
        pair = np.dtype([("first", h5py.ref_dtype), ("second", h5py.ref_dtype)])
        file["_types/more"] = B * 2
        file["_types/entries"] = np.array([(file["_types/key"].ref, file["_types/more"].ref)], pair)
        file["dict"] = np.array((file["_types/entries"].ref,), [("kvvec", h5py.ref_dtype)])
        file["again"] = np.array([w], h5py.ref_dtype)
        file["n"] = np.array([("x", 2)], [("name", h5py.string_dtype()), ("n", "i8")])
    equal(arrays("m.jld2"), {
        "plain": W,
        "model.layers[1].weight": W,
        "model.layers[1].bias": B,
        "complex": np.array([1 + 2j]),
        "dict[kernel]": B * 2,
    })  # fmt: skip
    with h5py.File("broken.jld2", "w") as file:
        file["a"] = W
        file["v"] = np.array([file["a"].ref], h5py.ref_dtype)
        del file["a"]
    refused("broken.jld2", "broken.jld2, v[1]: a reference leads nowhere")


def test_onnx(folder):
    onnx = pytest.importorskip("onnx")
    tensors = [onnx.numpy_helper.from_array(a, name=n) for n, a in {"w": W, "b": B}.items()]
    graph = onnx.helper.make_graph([], "g", [], [], initializer=tensors)
    onnx.save(onnx.helper.make_model(graph), "m.onnx")
    equal(arrays("m.onnx"), {"w": W, "b": B})
    onnx.save(onnx.helper.make_model(graph), "e.onnx", save_as_external_data=True,
              location="e.data", size_threshold=0)  # fmt: skip
    equal(arrays("e.onnx"), {"w": W, "b": B})
    Path("a.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(BadFile, match=r"^a.onnx is no .onnx file: "):
        files.load("a.onnx")


def test_lists_in_json_have_a_depth(folder):
    Path("a.json").write_text("[" * 80 + "1" + "]" * 80)
    with pytest.raises(BadFile, match="is deeper than max_depth=64"):
        files.load("a.json")
    # NumPy's own limit on axes, which was 32 before NumPy 2.
    with pytest.raises(BadFile, match=r"32|64"):
        files.load("a.json", max_depth=100)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (b"\2\0", "its header has 4,294,967,295 bytes, which are more than the file has"),
        (b"\1\1", "there is no version 1.1 of this format"),
    ],
)
def test_a_header_of_numpys_is_no_longer_than_its_file(folder, version, message):
    """NumPy would make room for it: a file of 30 bytes would take 4 GB."""
    Path("a.npy").write_bytes(b"\x93NUMPY" + version + b"\xff" * 4 + b"{'descr': '<f4'}\n")
    tracemalloc.start()
    with pytest.raises(BadFile, match=f"^a.npy is no .npy file: {message}$"):
        files.load("a.npy")
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_lists_that_many_names_lead_to_are_refused_quickly(folder):
    value = [torch.zeros(1)]
    for _ in range(40):
        value = [value, value]
    torch.save(value, "bomb.pt")
    with pytest.raises(BadFile, match="more arrays than max_arrays=1,000"):
        files.load("bomb.pt", max_arrays=1000)
    # A long list of what is no array, of which many lists hold many: nothing is found in them.
    value = [None] * 1000
    for _ in range(3):
        value = [value] * 1000
    for name, save in {"empty.pt": torch.save, "empty.npy": np.save}.items():
        first = (value, name) if save is torch.save else (name, np.array({"a": value}, object))
        save(*first)
        with pytest.raises(BadFile, match="leads to more than ten times max_arrays=1,000 places"):
            files.load(name, max_arrays=1000)
    torch.save({"../x": torch.zeros(1), 3: {".y": torch.ones(1)}}, "names.pt")
    assert list(files.load("names.pt")) == ["../x", "3..y"]

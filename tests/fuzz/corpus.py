"""One small file of each kind, the good ones that the fuzzers damage."""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from pathlib import Path

import h5py
import joblib
import numpy as np
import scipy.io
import scipy.sparse
import torch

from tests.files.make_golden import FOLDER, probe
from tests.files.test_frameworks import CFG, PARAM, Torch7, bson, julia, message, varint
from uniconv import files

W, B = probe(4, 3, 2, 5), probe(4)
# Golden files, or folders; of folders the one that is damaged
GOLDEN = {
    "frozen.pb": "",
    "model.onnx": "",
    "external.onnx": "",
    "float.tflite": "",
    "quantized.tflite": "",
    "sparse.tflite": "",
    "scripted.pt": "",
    "mlx.npz": "",
    "mlx.safetensors": "",
    "mlx.gguf": "",
    "blocks.gguf": "",
    "network.mlmodel": "",
    "half.mlmodel": "",
    "tensorflow_1": "model.ckpt-3",
    "tensorflow_2": "model.ckpt-3.index",
    "program.mlpackage": "Data/com.apple.CoreML/model.mlmodel",
}


def make(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Name: the path to load, and the file of it to damage."""
    kinds: dict[str, tuple[Path, Path]] = {}
    for name, inner in GOLDEN.items():
        source = FOLDER / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)
        kinds[name] = (folder / name, folder / name / inner if inner else folder / name)
    shutil.copy(FOLDER / "external.data", folder / "external.data")
    shutil.copytree(FOLDER / "program.mlpackage", folder / "blob.mlpackage")
    weights = folder / "blob.mlpackage/Data/com.apple.CoreML/weights/weight.bin"
    kinds["blob.mlpackage"] = (folder / "blob.mlpackage", weights)
    for name, write in WRITTEN.items():
        write(folder / name)
        kinds[name] = (folder / name, folder / name)
    kinds["m.cfg"] = (folder / "m.weights", folder / "m.cfg")
    kinds["n.param"] = (folder / "n.param", folder / "n.param")
    return kinds


def by_uniconv(path: Path) -> None:
    files.save(path, {"w": W, "b": B[None]})


def npz(path: Path) -> None:
    np.savez_compressed(path, w=W, b=B)


def npy(path: Path) -> None:
    np.save(path, W)


def npy_of_objects(path: Path) -> None:
    np.save(path, {"conv": {"w": W, "b": B}, "rest": [W[0], "text"]})  # type: ignore[arg-type]


def pickle_of_arrays(path: Path) -> None:
    path.write_bytes(pickle.dumps({"conv": {"w": W, "b": B}, "rest": [W[0], "text"]}, protocol=5))


def packed_by_joblib(path: Path) -> None:
    joblib.dump([W, {"b": B}], path, compress=1)


def mat_packed(path: Path) -> None:
    cells = np.empty((2, 2), object)
    cells[:] = [[W, B], ["text", 1j * B]]
    sparse = scipy.sparse.csc_array(np.eye(3))
    scipy.io.savemat(path, {"c": cells, "s": {"w": W, "n": 3}, "e": sparse}, do_compression=True)


def mat_4(path: Path) -> None:
    scipy.io.savemat(path, {"w": probe(3, 4), "z": 1j * B}, format="4")


def mat_73(path: Path) -> None:
    with h5py.File(path, "w", userblock_size=512) as file:
        references = []
        for name, array in {"#refs#/a": W, "#refs#/b": B}.items():
            file[name] = array.T
            file[name].attrs["MATLAB_class"] = np.bytes_("single")
            references.append(file[name].ref)
        file["net/weights"] = np.array([references], h5py.ref_dtype).T
        file["net/weights"].attrs["MATLAB_class"] = np.bytes_("cell")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")


def hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("a/w", data=W, compression="gzip", shuffle=True)
        file["b"], file["words"] = B, "a word"
        file["soft"] = h5py.SoftLink("/a/w")


def keras_2(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"], file.attrs["backend"] = [b"conv"], b"theano"
        group = file.create_group("conv")
        group["conv/kernel:0"], group["conv/bias:0"] = W, B
        group.attrs["weight_names"] = [b"conv/kernel:0", b"conv/bias:0"]


def keras(path: Path) -> None:
    with h5py.File(path.with_suffix(".inner"), "w") as file:
        file["layers/conv2d/vars/0"], file["layers/conv2d/vars/1"] = W, B
    layer = {"class_name": "Conv2D", "config": {"name": "conv2d"}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"config": {"layers": [layer]}}))
        archive.write(path.with_suffix(".inner"), "model.weights.h5")


def jld2(path: Path) -> None:
    with h5py.File(path, "w", track_order=True) as file:
        file["_types/w"] = W.T
        reference = file["_types/w"].ref
        file["model"] = np.array((reference, 2), [("weight", h5py.ref_dtype), ("n", "<i8")])
        file["plain"] = B


def pt(path: Path) -> None:
    torch.save({"w": torch.from_numpy(W), "more": [torch.from_numpy(B), 3]}, path)


def pt_old(path: Path) -> None:
    state = {"w": torch.from_numpy(W)}
    torch.save(state, path, _use_new_zipfile_serialization=False)


def caffe(path: Path) -> None:
    blobs = []
    for array in (W, B):
        shape = message((1, b"".join(map(varint, array.shape))))
        blobs.append((7, message((7, shape), (5, array))))
    layer = message((1, b"conv"), (2, b"Convolution"), *blobs)
    path.write_bytes(message((1, b"net"), (100, layer)))


def darknet(path: Path) -> None:
    path.with_suffix(".cfg").write_text(CFG)
    numbers = np.arange(4 * 4 + 108 + 6 + 24 + 5 + 600, dtype="<f4")
    path.write_bytes(bytes([0, 0, 0, 0, 2, 0, 0, 0, *bytes(12)]) + numbers.tobytes())


def ncnn(path: Path) -> None:
    path.with_suffix(".param").write_text(PARAM)
    half, table = (0x01306B47).to_bytes(4, "little"), np.arange(256, dtype="<f4").tobytes()
    flat = np.arange(4, dtype="<f4").tobytes()
    path.write_bytes(
        half + bytes(144) + flat + bytes(4) + flat * 5 + b"\1\0\0\0" + table + bytes(12) + bytes(12)
    )


def torch7(path: Path) -> None:
    t = Torch7(path.stem == "ascii")
    t.table({
        "w": lambda: t.tensor("Float", W),
        1: lambda: t.table({"b": lambda: t.tensor("Double", B.astype("f8"))}),
    })  # fmt: skip
    path.write_bytes(b"".join(t.parts))


def julia_bson(path: Path) -> None:
    parts = [{"tag": "backref", "ref": 1}, julia(B, "Float32")]
    shared = [julia(W, "Float32")]
    path.write_bytes(bson({"model": {"tag": "tuple", "data": parts}, "_backrefs": shared}))


def json_lists(path: Path) -> None:
    path.write_text(json.dumps({"w": W.tolist(), "more": [{"b": B.tolist()}]}))


def csv(path: Path) -> None:
    np.savetxt(path, W.reshape(6, -1), delimiter=",")


def text(path: Path) -> None:
    path.write_text(f"w =\n{W!r}\nand\njulia> b\n1×3 Matrix{{Float32}}:\n 0.5  -1.25  3.0\n")


WRITTEN = {
    "saved.safetensors": by_uniconv,
    "saved.mat": by_uniconv,
    "m.npz": npz,
    "m.npy": npy,
    "objects.npy": npy_of_objects,
    "m.pkl": pickle_of_arrays,
    "m.joblib": packed_by_joblib,
    "packed.mat": mat_packed,
    "four.mat": mat_4,
    "seven.mat": mat_73,
    "m.h5": hdf5,
    "keras_2.h5": keras_2,
    "m.keras": keras,
    "m.jld2": jld2,
    "m.pt": pt,
    "old.pt": pt_old,
    "m.caffemodel": caffe,
    "m.weights": darknet,
    "n.bin": ncnn,
    "binary.t7": torch7,
    "ascii.t7": torch7,
    "m.bson": julia_bson,
    "m.json": json_lists,
    "m.csv": csv,
    "m.txt": text,
}

"""What a file is: its first bytes say it, its ending only where those do not.

Why the content counts: ``.bin`` is PyTorch's, ncnn's or Core ML's, ``.pb`` ONNX's or TensorFlow's,
``.pth.tar`` and ``.ckpt`` whatever a project called so, and a download that failed is a page of
HTML under any name. Signs, most certain first: folders that only one program makes; magic numbers;
the names in a zip; then the ending; then the numbers of the first fields of a protocol buffer,
which name no format but have few in common between the formats here. Everything else is text, in
which printed arrays are sought.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from uniconv.files import (
    bson,
    caffe,
    checkpoint,
    coreml,
    darknet,
    gguf,
    graphdef,
    jld2,
    keras,
    mat,
    ncnn,
    npz,
    onnx,
    pkl,
    pt,
    safetensors,
    tables,
    text,
    tflite,
    torch7,
    torchscript,
)
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray

__all__ = ["READERS", "Reader", "reader_of"]

Reader = Callable[[Path, Limits], Iterator[NamedArray]]

READERS: dict[str, Reader] = {
    ".npy": npz.read_npy,  # NumPy, one array
    ".npz": npz.read_npz,  # NumPy, several
    ".mat": mat.read,  # MATLAB 4, 5, 7.3; Octave
    ".h5": keras.read,  # Keras 1 to 3, or any HDF5
    ".hdf5": keras.read,  # the same
    ".keras": keras.read_archive,  # Keras 3, a zip
    ".safetensors": safetensors.read,  # Hugging Face
    ".pt": pt.read,  # PyTorch
    ".pth": pt.read,  # the same
    ".bin": pt.read,  # the same, unless ncnn
    ".pkl": pkl.read,  # pickles of arrays, joblib's too
    ".json": tables.read_json,  # nested lists
    ".csv": tables.read_csv,  # a matrix
    ".jld2": jld2.read,  # Julia, HDF5
    ".onnx": onnx.read,  # ONNX
    ".pb": graphdef.read,  # TensorFlow, a frozen graph
    ".tflite": tflite.read,  # LiteRT
    ".mlmodel": coreml.read,  # Core ML
    ".mlpackage": coreml.read,  # Core ML, a folder
    ".caffemodel": caffe.read,  # Caffe
    ".weights": darknet.read,  # Darknet, with its .cfg
    ".cfg": darknet.read,  # the same
    ".param": ncnn.read,  # ncnn, with its .bin
    ".t7": torch7.read,  # Torch7
    ".bson": bson.read,  # Julia, BSON.jl
    ".gguf": gguf.read,  # llama.cpp, MLX
}
_LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch/serialization.py, MAGIC_NUMBER
_HDF5 = b"\x89HDF\r\n\x1a\n"
# Formats without a sign of their own, told by the fields they begin with
_BY_FIELDS: dict[Callable[[memoryview], bool], Reader] = {
    onnx.is_onnx: onnx.read,
    coreml.is_coreml: coreml.read,
    caffe.is_caffemodel: caffe.read,
    graphdef.is_graph: graphdef.read,
}


def reader_of(path: Path) -> tuple[str, Reader]:
    """What reads a path, and what that takes it for."""
    # How to read this: from the surest sign to the weakest.  A folder or a checkpoint by its files;
    # a file by the bytes that its format begins with; then by its ending; then by the fields of a
    # protocol buffer; what is left is text.  A pickle is one whatever its ending says.
    if path.is_dir() and coreml.package_model(path):
        return ".mlpackage", coreml.read
    if path.is_dir() or checkpoint.is_checkpoint(path):
        return "checkpoint", checkpoint.read
    with path.open("rb") as file:
        head = file.read(4096)
    by_ending = READERS.get(path.suffix.lower())
    reader = _by_sign(path, head)
    if reader is None and by_ending is not pt.read and pkl.is_pickle(path, head):
        reader = pkl.read
    reader = reader or by_ending or _by_fields(path, head)
    if reader is None:
        return "text", text.read
    return next((kind for kind, own in READERS.items() if own is reader), "file"), reader


def _by_sign(path: Path, head: bytes) -> Reader | None:
    """By the bytes that a format begins with."""
    if head.startswith(b"\x93NUMPY"):
        return npz.read_npy
    if head.startswith(b"PK\3\4"):
        return _zipped(path)
    if head.startswith((b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file")):
        return mat.read
    if head.startswith(b"HDF5-based Julia Data Format"):
        return jld2.read
    # HDF5 may follow a block that a user keeps for himself, of 512 bytes or that doubled.
    if any(head.startswith(_HDF5, at) for at in (0, 512, 1024, 2048)):
        return jld2.read if path.suffix.lower() == ".jld2" else keras.read
    if head.startswith(_LEGACY_TORCH):
        return pt.read
    if head.startswith(b"GGUF"):
        return gguf.read
    if tflite.is_tflite(head):
        return tflite.read
    if head.startswith(ncnn.MAGIC) or (
        path.suffix == ".bin" and path.with_suffix(".param").is_file()
    ):
        return ncnn.read
    if torch7.is_torch7(head):
        return torch7.read
    if bson.is_bson(head[:5], path.stat().st_size):
        return bson.read
    # safetensors: the length of a JSON header in eight bytes, then the header.
    if re.match(rb".{8}\{\s*\"", head, re.S) and int.from_bytes(head[:8], "little") < 1 << 28:
        return safetensors.read
    return None


def _zipped(path: Path) -> Reader | None:
    """By the names of what a zip archive holds."""
    try:
        with Limits(path).zip(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return None
    if "config.json" in names and "model.weights.h5" in names:
        return keras.read_archive
    if torchscript.is_torchscript(names):
        return torchscript.read
    if any(name.endswith("/data.pkl") for name in names):
        return pt.read
    if names and all(name.endswith(".npy") for name in names):
        return npz.read_npz
    return None


def _by_fields(path: Path, head: bytes) -> Reader | None:
    """By the fields that a protocol buffer begins with; JSON is passed over, which has none."""
    if not head or head.lstrip()[:1] in (b"{", b"["):
        return None
    data = Limits(path).map(path)
    return next((reader for knows, reader in _BY_FIELDS.items() if knows(data)), None)

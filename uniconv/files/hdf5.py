"""HDF5: .h5 and .hdf5 as they are, and what Keras keeps in them under its layers' names."""

from __future__ import annotations

import json
import math
import mmap
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray

__all__ = [
    "Places",
    "array_of",
    "children",
    "import_h5py",
    "is_number",
    "member",
    "natural",
    "opened",
    "read",
    "read_keras",
    "write",
]

# Keras 3 numbers a layer's variables in the order in which the layer makes them: keras 3.15.1,
# keras/src/layers/layer.py, Layer.save_own_variables
_VARIABLES = {
    r"Conv[123]D(Transpose)?|DepthwiseConv[12]D|Dense": ("kernel", "bias"),
    r"SeparableConv[12]D": ("depthwise_kernel", "pointwise_kernel", "bias"),
    r"BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
}

_GZIP_AT_MOST = 1032  # bytes for each, https://zlib.net/zlib_tech.html
_HEAP = b"GCOL\1\0\0\0"
_HOLDERS = ("layers", "_layer_checkpoint_dependencies")  # the second until Keras 3.0


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The datasets of numbers; Keras's under the names of the layers and variables."""
    with opened(path, limits) as file:
        yield from _keras(file, {}, limits) if _of_keras(file, limits) else _datasets(file, limits)


def read_keras(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """A ``.keras`` archive: ``layer/variable`` for every layer whose variables are known."""
    try:
        with limits.zip(path) as archive:
            limits.check(archive.getinfo("config.json").file_size, "config.json")
            config = json.loads(archive.read("config.json"))
            limits.check(archive.getinfo("model.weights.h5").file_size, "model.weights.h5")
            with archive.open("model.weights.h5") as inside, tempfile.TemporaryFile() as data:
                shutil.copyfileobj(inside, data)  # HDF5 goes to and fro, which a zip does slowly
                with opened(path, limits, data) as file:
                    yield from _keras(file, _layers(config), limits)
    except zipfile.BadZipFile:
        if _is_hdf5(path):  # Keras 2 let .keras be HDF5
            yield from read(path, limits)
            return
        raise BadFile(f"{path} is no .keras file: it is no zip archive") from None
    except (KeyError, json.JSONDecodeError) as error:
        raise BadFile(f"{path} is no .keras file: {error}") from None


def write(path: Path, arrays: Iterable[tuple[str, NDArray[Any]]]) -> None:
    """A dataset an array; a slash in a name makes groups."""
    h5py = import_h5py(path)
    with h5py.File(path, "w", track_order=True) as file:
        for name, array in arrays:
            if array.dtype.kind not in "biufc":
                raise BadFile(f"{path.name}, {name}: .h5 has no dtype {array.dtype}")
            group = file
            *parents, last = name.strip("/").split("/")
            for parent in parents:
                if parent not in group:
                    group.create_group(parent, track_order=True)
                group = group[parent]
                if not hasattr(group, "keys"):
                    raise BadFile(f"{path.name}, {name}: {parent} is an array already")
            if last in group:
                raise BadFile(f"{path.name}, {name}: this is a group already")
            try:
                group.create_dataset(last, data=array)
            except (TypeError, ValueError) as error:
                raise BadFile(f"{path.name}, {name}: HDF5 cannot hold it: {error}") from None


def import_h5py(path: Path) -> Any:
    """h5py, or the way to get it."""
    try:
        import h5py
    except ImportError:
        raise BadFile(f'{path.name}: HDF5 needs pip install "uniconv-torch[files]"') from None
    return h5py


@contextmanager
def opened(path: Path, limits: Limits, inside: IO[bytes] | None = None) -> Iterator[Any]:
    """The open file; ``inside`` instead of the path where it lies in an archive."""
    h5py = import_h5py(path)
    if inside is None:
        path.open("rb").close()  # h5py's own message for a missing file is long
        limits.opened += path.stat().st_size
    _check_heaps(path, inside)
    try:
        file = h5py.File(inside or path, "r")
    except OSError:
        raise BadFile(f"{path} is no HDF5 file") from None
    with file:
        yield file["/"]


def _check_heaps(path: Path, inside: IO[bytes] | None) -> None:
    """Refuse a heap of words in which no step leads on: HDF5 1.14 would step for ever.

    https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html#GlobalHeap ; the loop is in
    src/H5HGcache.c, H5HG__cache_heap_deserialize, where object 0 may have no size.
    """
    with path.open("rb") if inside is None else nullcontext(inside) as file:
        if not file.seek(0, 2):
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            start = data.find(_HEAP)
            while start >= 0:
                end = start + int.from_bytes(data[start + 8 : start + 16], "little")
                at = start + 16
                while at + 16 <= min(end, len(data)):
                    size = int.from_bytes(data[at + 8 : at + 16], "little")
                    free = data[at : at + 2] == b"\0\0"
                    if free and size < 16:
                        raise BadFile(f"{path} is damaged: a heap at byte {start} has no end")
                    at += size if free else 16 + size + -size % 8
                start = data.find(_HEAP, start + 1)
        file.seek(0)


def children(group: Any) -> list[str]:
    """The names in a group: in the order of creation where it was kept, else 2 before 10."""
    import h5py

    kept = group.id.get_create_plist().get_link_creation_order() & h5py.h5p.CRT_ORDER_TRACKED
    return list(group) if kept else sorted(group, key=natural)


def member(group: Any, key: str, limits: Limits, depth: int = 0) -> Any:
    """What a name in a group stands for, in this file: a link to another file is refused."""
    import h5py

    limits.step(depth)
    link = group.get(key, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        raise BadFile(
            f"{limits.path}: {key} lies in another file, {link.filename!r}, which is not opened"
        )
    if isinstance(link, h5py.SoftLink):  # followed step by step: it may lead through another link
        item = group.file["/"] if link.path.startswith("/") else group
        for part in link.path.split("/"):
            item = member(item, part, limits, depth + 1) if part not in ("", ".") else item
        return item
    return group[key]


def array_of(dataset: Any, name: str, limits: Limits) -> NDArray[Any]:
    """The numbers of a dataset, which lie in this file and fit in memory."""
    if dataset.is_virtual or dataset.external:
        raise BadFile(f"{limits.path}: {name} lies in other files, which are not opened")
    limits.fits(dataset.shape, dataset.dtype, name)
    if dataset.chunks:  # each is unpacked whole
        size = math.prod(dataset.chunks) * dataset.dtype.itemsize
        limits.check(size, f"a chunk of {name}")
        _check_chunks(dataset, size, name, limits)
    return np.asarray(dataset[()])


def _check_chunks(dataset: Any, size: int, name: str, limits: Limits) -> None:
    """Refuse gzip that unpacks to more than a chunk: HDF5 would make room for all of it."""
    room = limits.max_bytes - limits.held
    if dataset.compression != "gzip" or dataset.id.get_storage_size() * _GZIP_AT_MOST <= room:
        return
    for k in range(dataset.id.get_num_chunks()):
        info = dataset.id.get_chunk_info(k)
        if info.size * _GZIP_AT_MOST > room:
            _, packed = dataset.id.read_direct_chunk(info.chunk_offset)
            try:
                unpacked = zlib.decompressobj().decompress(packed, size + 1)
            except zlib.error as error:
                raise BadFile(f"{limits.path}, {name}: {error}") from None
            if len(unpacked) > size:
                raise BadFile(
                    f"{limits.path}, {name}: a chunk unpacks to more than its {size} bytes"
                )


class Places:
    """The groups on the way to a place: one that is met twice is a circle, or a bomb."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.met: set[int] = set()

    def enter(self, group: Any, name: str) -> None:
        import h5py

        address = h5py.h5o.get_info(group.id).addr
        if address in self.met:
            raise BadFile(f"{self.limits.path}: {name} is a group that another name leads to, too")
        self.met.add(address)


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in names by value."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)
    ]


def is_number(dataset: Any) -> bool:
    return dataset.dtype.kind in "biufc" and dataset.shape is not None


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8) == b"\x89HDF\r\n\x1a\n"


def _datasets(
    group: Any, limits: Limits, skip: frozenset[str] = frozenset()
) -> Iterator[NamedArray]:
    places = Places(limits)

    def walk(group: Any, prefix: str, depth: int) -> Iterator[NamedArray]:
        places.enter(group, prefix)
        for key in children(group):
            item, name = member(group, key, limits, depth), f"{prefix}{key}"
            if hasattr(item, "keys"):
                yield from walk(item, f"{name}/", depth + 1)
            elif name not in skip and hasattr(item, "shape") and is_number(item):
                yield NamedArray(name, array_of(item, name, limits))

    yield from walk(group, "", 0)


def _of_keras(file: Any, limits: Limits) -> bool:
    holders = [member(file, key, limits) for key in _HOLDERS if key in file]
    layers = [
        member(group, name, limits) for group in holders if hasattr(group, "keys") for name in group
    ]
    return _of_keras_2(file, limits) or any(
        "vars" in layer for layer in layers if hasattr(layer, "keys")
    )


def _root(file: Any, limits: Limits) -> Any:
    """Where Keras 1 and 2 keep weights: a group of a whole model's file, else the file."""
    root = member(file, "model_weights", limits) if "model_weights" in file else file
    return root if hasattr(root, "keys") else file


def _of_keras_2(file: Any, limits: Limits) -> bool:
    attributes = _root(file, limits).attrs
    return "layer_names" in attributes or "layer_names0" in attributes


def _keras(file: Any, classes: dict[str, dict[str, Any]], limits: Limits) -> Iterator[NamedArray]:
    if _of_keras_2(file, limits):
        yield from _keras_2(file, limits)
        return
    for path, dataset in _variables(file, limits):
        *owner, index = path
        known = _names(classes.get("/".join(owner)))
        named = known[int(index)] if index.isdecimal() and int(index) < len(known) else index
        name = "/".join((*owner, named))
        yield NamedArray(name, array_of(dataset, name, limits))


def _keras_2(file: Any, limits: Limits) -> Iterator[NamedArray]:
    """Keras 1 and 2: every layer, and what else is in the file, the optimizer's numbers."""
    root, done = _root(file, limits), set()
    layers = _layers(_config(file))
    theano = "theano" in (_word(file.attrs, "backend"), _word(root.attrs, "backend"))
    first = "1." in (_word(file.attrs, "keras_version")[:2], _word(root.attrs, "keras_version")[:2])
    for layer in _attribute(root, "layer_names"):
        group = member(root, layer, limits)
        for weight in _attribute(group, "weight_names"):
            dataset = group
            for part in weight.split("/"):
                dataset = member(dataset, part, limits) if part else dataset
            done.add(dataset.name.strip("/"))
            own = weight.removesuffix(":0").rpartition(f"{layer}/")[2].removeprefix(f"{layer}_")
            name = f"{layer}/{own}"
            array = array_of(dataset, name, limits)
            if theano and array.ndim > 2:
                array = _correlating(array, name, layers.get(layer, {}), first, limits.path)
            yield NamedArray(name, array)
    yield from _datasets(file, limits, skip=frozenset(done))


def _correlating(
    array: NDArray[Any], name: str, layer: dict[str, Any], first: bool, path: Path
) -> NDArray[Any]:
    """A kernel of Theano, which convolves, as TensorFlow has it, which correlates.

    keras 2.3.1, keras/engine/saving.py, preprocess_weights_for_loading, turns those of these
    classes; the depthwise ones Theano's backend had turned before (backend/theano_backend.py).
    Without classes in the file, their variables' names say the same.
    """
    kind, own = layer.get("class_name", ""), name.rpartition("/")[2]
    if kind and not re.fullmatch(r"(Conv|Convolution)[123]D(Transpose)?|ConvLSTM2D", kind):
        return array
    local = "locally_connected" in name.lower()
    if local or own not in ("kernel", "recurrent_kernel", "W"):
        return array
    axes = range(array.ndim - 2)
    if first:  # Keras 1 had the channels of "th" before the rows
        order = layer.get("config", {}).get("dim_ordering")
        if order not in ("th", "tf"):
            raise BadFile(
                f"{path}, {name}: Keras 1 wrote this under Theano, and it does not say in which "
                "order its axes are: save the whole model, whose dim_ordering does"
            )
        axes = range(2, array.ndim) if order == "th" else axes
    return np.flip(array, tuple(axes))


def _config(file: Any) -> dict[str, Any]:
    """The model's configuration, where the file has it."""
    try:
        config = json.loads(_word(file.attrs, "model_config") or "{}")
    except json.JSONDecodeError:
        return {}
    if isinstance(config, dict) and isinstance(config.get("config"), list):  # before Keras 2.2.3
        config["config"] = {"layers": config["config"]}
    return config if isinstance(config, dict) else {}


def _word(attributes: Any, name: str) -> str:
    value = attributes.get(name, "")
    return value.decode() if isinstance(value, bytes) else str(value)


def _attribute(group: Any, name: str) -> list[str]:
    """A list of names, which Keras divides into name0, name1, ... where it is long."""
    parts = [group.attrs[name]] if name in group.attrs else []
    while f"{name}{len(parts)}" in group.attrs:
        parts.append(group.attrs[f"{name}{len(parts)}"])
    words = [word for part in parts for word in np.asarray(part).ravel()]
    return [w.decode() if isinstance(w, bytes) else str(w) for w in words]


def _variables(
    group: Any, limits: Limits, owner: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Keras 3's variables, each under the names of its layers."""
    places = Places(limits)

    def walk(group: Any, owner: tuple[str, ...], depth: int) -> Iterator[tuple[Any, Any]]:
        places.enter(group, "/".join(owner))
        for key in children(group):
            item = member(group, key, limits, depth)
            if not hasattr(item, "keys"):
                if hasattr(item, "shape") and is_number(item):
                    yield (*owner, key), item
            elif key in ("vars", *_HOLDERS):
                yield from walk(item, owner, depth + 1)
            else:
                variables = member(item, "vars", limits, depth) if "vars" in item else item
                own = variables.attrs.get("name", key) if "vars" in item else key
                yield from walk(item, (*owner, str(own)), depth + 1)

    yield from walk(group, owner, 0)


def _layers(config: Any, owner: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    """Every layer's configuration, by the names of the models around it and its own."""
    layers: dict[str, dict[str, Any]] = {}
    inner = config.get("config") if isinstance(config, dict) else None
    for layer in inner.get("layers", []) if isinstance(inner, dict) else []:
        if not isinstance(layer, dict) or not isinstance(layer.get("config"), dict):
            continue
        name = (*owner, str(layer["config"].get("name")))
        layers["/".join(name)] = layer
        layers |= _layers(layer, name)
    return layers


def _names(layer: dict[str, Any] | None) -> tuple[str, ...]:
    """The names of a layer's variables, where its class is known."""
    if layer is None:
        return ()
    config = layer.get("config", {})
    left_out = {
        "gamma": config.get("scale") is False,
        "beta": config.get("center") is False,
    }
    for pattern, names in _VARIABLES.items():
        if re.fullmatch(pattern, layer.get("class_name", "")):
            return tuple(name for name in names if not left_out.get(name))
    return ()

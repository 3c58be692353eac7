"""HDF5: .h5 and .hdf5 as they are, and what Keras keeps in them under its layers' names."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray

# Keras 3 numbers a layer's variables in the order in which the layer makes them: keras 3.15.1,
# keras/src/layers/layer.py, Layer.save_own_variables
_VARIABLES = {
    r"Conv[123]D(Transpose)?|DepthwiseConv[12]D|Dense": ("kernel", "bias"),
    r"SeparableConv[12]D": ("depthwise_kernel", "pointwise_kernel", "bias"),
    r"BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
}

_HOLDERS = ("layers", "_layer_checkpoint_dependencies")  # the second until Keras 3.0


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The datasets of numbers; Keras's under the names of the layers and variables."""
    with opened(path) as file:
        yield from _keras(file, {}) if _of_keras(file) else _datasets(file)


def read_keras(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """A ``.keras`` archive: ``layer/variable`` for every layer whose variables are known."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            with archive.open("model.weights.h5") as inside, tempfile.TemporaryFile() as data:
                shutil.copyfileobj(inside, data)  # HDF5 goes to and fro, which a zip does slowly
                with opened(path, data) as file:
                    yield from _keras(file, _layers(config))
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
def opened(path: Path, inside: IO[bytes] | None = None) -> Iterator[Any]:
    """The open file; ``inside`` instead of the path where it lies in an archive."""
    h5py = import_h5py(path)
    if inside is None:
        path.open("rb").close()  # h5py's own message for a missing file is long
    try:
        file = h5py.File(inside or path, "r")
    except OSError:
        raise BadFile(f"{path} is no HDF5 file") from None
    with file:
        yield file["/"]


def children(group: Any) -> list[str]:
    """The names in a group: in the order of creation where it was kept, else 2 before 10."""
    import h5py

    kept = group.id.get_create_plist().get_link_creation_order() & h5py.h5p.CRT_ORDER_TRACKED
    return list(group) if kept else sorted(group, key=natural)


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
    group: Any, prefix: str = "", skip: frozenset[str] = frozenset()
) -> Iterator[NamedArray]:
    for key in children(group):
        item, name = group[key], f"{prefix}{key}"
        if hasattr(item, "keys"):
            yield from _datasets(item, f"{name}/", skip)
        elif name not in skip and hasattr(item, "shape") and is_number(item):
            yield NamedArray(name, item[()])


def _of_keras(file: Any) -> bool:
    holders = [file.get(key) for key in _HOLDERS]
    layers = [group[name] for group in holders if hasattr(group, "keys") for name in group]
    return _of_keras_2(file) or any("vars" in layer for layer in layers if hasattr(layer, "keys"))


def _of_keras_2(file: Any) -> bool:
    attributes = file.get("model_weights", file).attrs
    return "layer_names" in attributes or "layer_names0" in attributes


def _keras(file: Any, classes: dict[str, dict[str, Any]]) -> Iterator[NamedArray]:
    if _of_keras_2(file):
        root, done = file.get("model_weights", file), set()
        for layer in _attribute(root, "layer_names"):
            for weight in _attribute(root[layer], "weight_names"):
                dataset = root[layer][weight]
                done.add(dataset.name.strip("/"))
                own = weight.removesuffix(":0").rpartition(f"{layer}/")[2]
                yield NamedArray(f"{layer}/{own}", dataset[()])
        yield from _datasets(file, skip=frozenset(done))
        return
    for path, dataset in _variables(file):
        *owner, index = path
        known = _names(classes.get("/".join(owner)))
        named = known[int(index)] if index.isdecimal() and int(index) < len(known) else index
        yield NamedArray("/".join((*owner, named)), dataset[()])


def _attribute(group: Any, name: str) -> list[str]:
    """A list of names, which Keras divides into name0, name1, ... where it is long."""
    parts = [group.attrs[name]] if name in group.attrs else []
    while f"{name}{len(parts)}" in group.attrs:
        parts.append(group.attrs[f"{name}{len(parts)}"])
    words = [word for part in parts for word in np.asarray(part).ravel()]
    return [w.decode() if isinstance(w, bytes) else str(w) for w in words]


def _variables(group: Any, owner: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Keras 3's variables, each under the names of its layers."""
    for key in children(group):
        item = group[key]
        if not hasattr(item, "keys"):
            if is_number(item):
                yield (*owner, key), item
        elif key in ("vars", *_HOLDERS):
            yield from _variables(item, owner)
        else:
            own = item["vars"].attrs.get("name", key) if "vars" in item else key
            yield from _variables(item, (*owner, str(own)))


def _layers(config: dict[str, Any], owner: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    """Every layer's configuration, by the names of the models around it and its own."""
    layers: dict[str, dict[str, Any]] = {}
    for layer in config.get("config", {}).get("layers", []):
        name = (*owner, str(layer.get("config", {}).get("name")))
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

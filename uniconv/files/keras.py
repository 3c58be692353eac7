"""Keras's files, of Keras 1, 2 and 3: HDF5, in which layers and variables have their names.

Where the names are, by version::

    Keras 1, 2   [model_weights/]        attribute layer_names: the layers, in order
                   conv2d/               attribute weight_names: conv2d/kernel:0, conv2d/bias:0
                     conv2d/kernel:0     the numbers; the layer's name is there twice
    Keras 3      layers/conv2d/vars/0    in .weights.h5: numbers for names, the layer's kind in its
                                         own name, or in the attribute "name" of vars
    .keras       a zip of config.json, metadata.json and model.weights.h5: the configuration has
                 the class of each layer, and so the names behind the numbers

A whole model of Keras 1 and 2 has its configuration and the optimizer's numbers in the same file.
Attributes are limited to 64 kB, so that long lists of names are divided: weight_names0, ... Under
Theano a convolution turns its kernel, and the file has the kernel that Theano saw: here it is
turned back, so that every file of Keras means what ``keras`` means.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Limits
from uniconv.files.hdf5 import (
    Places,
    array_of,
    attribute,
    children,
    datasets,
    is_number,
    member,
    opened,
)
from uniconv.files.named_array import NamedArray

__all__ = ["read", "read_archive"]

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
    with opened(path, limits) as file:
        yield from _keras(file, {}, limits) if _of_keras(file, limits) else datasets(file, limits)


def read_archive(path: Path, limits: Limits) -> Iterator[NamedArray]:
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


def _is_hdf5(path: Path) -> bool:
    """Whether a file begins as HDF5 does."""
    with path.open("rb") as file:
        return file.read(8) == b"\x89HDF\r\n\x1a\n"


def _of_keras(file: Any, limits: Limits) -> bool:
    """Whether groups have Keras's names and attributes, of any version."""
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
    """Whether Keras 1 or 2 listed its layers here."""
    attributes = _root(file, limits).attrs
    return "layer_names" in attributes or "layer_names0" in attributes


def _keras(file: Any, classes: dict[str, dict[str, Any]], limits: Limits) -> Iterator[NamedArray]:
    """The variables of Keras, under the words of their classes where those are known."""
    if _of_keras_2(file, limits):
        yield from _keras_2(file, limits)
        return
    for path, dataset in _variables(file, limits):
        *owner, index = path
        words = _names(classes.get("/".join(owner)))
        word = words[int(index)] if index.isdecimal() and int(index) < len(words) else index
        name = "/".join((*owner, word))
        eps = _eps(classes.get("/".join(owner)), word)
        yield NamedArray(name, array_of(dataset, name, limits), eps=eps)


def _keras_2(file: Any, limits: Limits) -> Iterator[NamedArray]:
    """Keras 1 and 2: every layer, and what else is in the file, the optimizer's numbers."""
    root, paths = _root(file, limits), set()
    layers = _layers(_config(file, limits))
    backends, versions = (
        [_word(group, word, limits) for group in (file, root)]
        for word in ("backend", "keras_version")
    )
    theano, first = "theano" in backends, any(word.startswith("1.") for word in versions)
    for layer in _names_in(root, "layer_names", limits):
        group = member(root, layer, limits)
        # The name that a layer gives its variable begins with the layer's own:
        # conv2d_1/conv2d_1/kernel:0, in Keras 1 convolution2d_1/convolution2d_1_W:0. What is left
        # is conv2d_1/kernel, convolution2d_1/W.
        for weight in _names_in(group, "weight_names", limits):
            dataset = group
            for part in weight.split("/"):
                dataset = member(dataset, part, limits) if part else dataset
            paths.add(dataset.name.strip("/"))
            own = weight.removesuffix(":0").rpartition(f"{layer}/")[2].removeprefix(f"{layer}_")
            name = f"{layer}/{own}"
            array = array_of(dataset, name, limits)
            if theano and array.ndim > 2:
                array = _correlating(array, name, layers.get(layer, {}), first, limits.path)
            yield NamedArray(name, array, eps=_eps(layers.get(layer), own))
    yield from datasets(file, limits, skip=frozenset(paths))


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


def _config(file: Any, limits: Limits) -> dict[str, Any]:
    """The model's configuration, where the file has it."""
    try:
        config = json.loads(_word(file, "model_config", limits) or "{}")
    except json.JSONDecodeError:
        return {}
    if isinstance(config, dict) and isinstance(config.get("config"), list):  # before Keras 2.2.3
        config["config"] = {"layers": config["config"]}
    return config if isinstance(config, dict) else {}


def _word(group: Any, name: str, limits: Limits) -> str:
    """An attribute that is a text, "" where it is not there."""
    value = attribute(group, name, limits, "")
    return value.decode() if isinstance(value, bytes) else str(value)


def _names_in(group: Any, name: str, limits: Limits) -> list[str]:
    """A list of names, which Keras divides into name0, name1, ... where it is long."""
    parts = [attribute(group, name, limits)] if name in group.attrs else []
    while f"{name}{len(parts)}" in group.attrs:
        parts.append(attribute(group, f"{name}{len(parts)}", limits))
    words = [word for part in parts for word in np.asarray(part).ravel()]
    return [w.decode() if isinstance(w, bytes) else str(w) for w in words]


def _variables(
    group: Any, limits: Limits, owner: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Keras 3's variables, each under the names of its layers."""
    places = Places(limits)

    def walk(group: Any, owner: tuple[str, ...], depth: int) -> Iterator[tuple[Any, Any]]:
        """The variables in a group; ``vars`` and ``layers`` add nothing to their names."""
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
                own = attribute(variables, "name", limits, key) if "vars" in item else key
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


def _eps(layer: dict[str, Any] | None, variable: str) -> float | None:
    """What a BatchNormalization adds to its variance, by its configuration."""
    if layer is None or variable != "moving_variance":
        return None
    eps = layer["config"].get("epsilon")
    return float(eps) if isinstance(eps, (int, float)) else None


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

"""The map of a network's arrays: which of them are kernels, and of which operation.

A name and its number of axes tell, by the rules of ``rule`` here, or a map that the user gives;
never sizes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from uniconv._messages import either, show, suggest
from uniconv.errors import BadOption

NameMap = Mapping[str, Any] | str | os.PathLike[str] | None

CONVOLUTIONS = ("conv", "conv_transpose", "depthwise_conv")
KINDS = (*CONVOLUTIONS, "dense", "keep", "skip")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the map (or a rule) says about an array, and ``why``: which entry or rule it is."""

    kind: str
    why: str
    rename: str | None = None
    groups: int | None = None
    image: tuple[int, ...] | None = None
    src_layout: str | None = None
    dst_layout: str | None = None
    src_options: Mapping[str, Any] = field(default_factory=dict)
    dst_options: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None  # the function that it is laid out for, where the family's is not it


# The map

# The words of an entry: the type of each, and the kinds that it goes with ("" is none given).
_WORDS: dict[str, tuple[type | tuple[type, ...], tuple[str, ...]]] = {
    "kind": (str, KINDS),
    "rename": (str, ("", *CONVOLUTIONS, "dense", "keep")),
    "groups": (int, CONVOLUTIONS),
    "image": ((list, tuple), ("dense",)),
    "src_layout": (str, ("dense",)),
    "dst_layout": (str, ("dense",)),
    "src_options": (Mapping, CONVOLUTIONS),
    "dst_options": (Mapping, CONVOLUTIONS),
}


def read_map(names: NameMap) -> dict[str, Entry]:
    """The entries of a map, or of a JSON file with one."""
    where = "the map"
    if isinstance(names, (str, os.PathLike)):
        where = str(names)
        try:
            names = json.loads(Path(names).read_text("utf-8"), object_pairs_hook=_once)
        except (ValueError, UnicodeDecodeError) as error:
            raise BadOption(f"{where} is no JSON object: {error}") from None
    if names is None:
        return {}
    if not isinstance(names, Mapping):
        raise BadOption(f"{where} must be an object from names to kinds")
    return {key: _entry(f"{where}, {show(key)}", key, value) for key, value in names.items()}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object's members, of which no two have one name."""
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            raise ValueError(f"{show(key)} is there twice")
        members[key] = value
    return members


def _entry(where: str, key: str, value: Any) -> Entry:
    """One entry, its words and their types checked."""
    words = {"kind": value} if isinstance(value, str) else value
    if not isinstance(words, Mapping):
        raise BadOption(f"{where}: {value!r} is neither a kind nor an object")
    for word, v in words.items():
        if word not in _WORDS:
            hint = suggest(word, _WORDS) or f"; it may have {', '.join(_WORDS)}"
            raise BadOption(f"{where}: {show(word)} is unknown{hint}")
        if not isinstance(v, _WORDS[word][0]) or isinstance(v, bool):
            raise BadOption(f"{where}: {word}={show(v)} is of the wrong type")
    kind = words.get("kind", "")
    if kind not in KINDS and (kind or "rename" not in words):
        hint = suggest(kind, KINDS)
        raise BadOption(f"{where}: kind={show(kind)} is not one of {either(KINDS)}{hint}")
    for word in words:
        kinds = [k for k in _WORDS[word][1] if k]
        if kind not in _WORDS[word][1]:
            beside = f", not with {kind}" if kind else ": say it, too"
            raise BadOption(f"{where}: {word} goes with the kind {either(kinds)}{beside}")
    return Entry(**(dict(words) | {"kind": kind, "why": f"map: {key}"}))


def entry_for(name: str, entries: Mapping[str, Entry]) -> tuple[str, Entry] | None:
    """The entry for an array, and its key: its own name, else the first pattern that fits."""
    if name in entries:
        return name, entries[name]
    for key, entry in entries.items():
        pattern = "(.*)".join(map(re.escape, key.split("*")))
        fits = re.fullmatch(pattern, name) if "*" in key else None
        if fits and entry.rename is None:
            return key, entry
        if fits and entry.rename is not None:
            return key, replace(entry, rename=_filled(entry.rename, fits.groups()))
    return None


def filled(key: str, pattern: str, name: str) -> str | None:
    """What a pattern is for a name that fits a key, a star standing for the same in both; or None.

    >>> filled("layer*.bn*", "layer*.conv*", "layer1.0.bn2"), filled("a", "b", "c")
    ('layer1.0.conv2', None)
    """
    fits = re.fullmatch("(.*)".join(map(re.escape, key.split("*"))), name)
    return _filled(pattern, fits.groups()) if fits else None


def _filled(pattern: str, parts: Iterable[str]) -> str:
    """A new name whose stars are replaced, in order, by what those of the old one stand for."""
    rest = iter(parts)
    return "".join(next(rest, "*") if part == "*" else part for part in re.split(r"(\*)", pattern))


# The rules

LEAVES = ("kernel", "weight", "weights", "w", "filter", "filters")
BIASES = ("bias", "biases", "b")
# slim's and Keras's separable layers have two kernels, in words of their own.
_OF_SEPARABLE = {
    **dict.fromkeys(("depthwise_kernel", "depthwise_weights"), "depthwise_conv"),
    **dict.fromkeys(("pointwise_kernel", "pointwise_weights"), "conv"),
}
_SUFFIXES = re.compile(r"(:0|/\.ATTRIBUTES/VARIABLE_VALUE)$")
# Names of layers that Keras makes by itself: conv2d, conv2d_1, conv2d_transpose; their variables
# have numbers in a .weights.h5 (keras/src/saving/saving_lib.py).
_KERAS_LAYER = re.compile(
    r"(?P<kind>conv|depthwise_conv|separable_conv)\dd(?P<transpose>_transpose)?(_\d+)?"
)
_TRANSPOSED = re.compile(r"transpose|deconv", re.I)
_DENSE = re.compile(
    r"(dense|linear|fc|fully_connected|inner_product|connected|classifier|logits|predictions|head)"
    r"[\d_]*",
    re.I,
)
# The kernels of these have two axes, too, but hold several gates
_RECURRENT = re.compile(r"lstm|gru|rnn", re.I)
# MATLAB's convn, by which DeepLearnToolbox convolves, reverses the kernel; so does this function,
# whose kernels are rows, columns, in and out, too: rasmusbergpalm/DeepLearnToolbox CNN/cnnff.m .
_REVERSES = "knet.conv4"


def split_name(name: str) -> tuple[str, str]:
    """A name without TensorFlow's ``:0``, and its last part.

    >>> split_name("conv/kernel:0"), split_name("features.0.weight")
    (('conv/kernel', 'kernel'), ('features.0.weight', 'weight'))
    """
    plain = _SUFFIXES.sub("", name)
    return plain, re.split(r"[./|]", plain)[-1]


def bias_names(name: str) -> list[str]:
    """What the bias of a kernel of that name may be called.

    >>> bias_names("fc.weight")
    ['fc.bias', 'fc.bias:0', 'fc.biases', 'fc.biases:0', 'fc.b', 'fc.b:0']
    """
    plain, leaf = split_name(name)
    start = plain.removesuffix(leaf)
    return [f"{start}{word}{end}" for word in BIASES for end in ("", ":0")]


def single(name: str) -> str:
    """A name without ``:0`` and without the layer's name a second time, as Keras writes both.

    >>> single("model/conv2d/conv2d/kernel:0"), single("attention/attention/query/kernel:0")
    ('model/conv2d/kernel', 'attention/attention/query/kernel')
    """
    parts = _SUFFIXES.sub("", name).split("/")
    if len(parts) > 2 and parts[-2] == parts[-3]:
        del parts[-2]
    return "/".join(parts)


def rule(name: str, ndim: int, *, bias: bool = False) -> Entry | None:
    """What the name and the number of axes of an array tell by themselves.

    ``bias``: a vector beside it is called its bias, which an embedding has not.

    ==============================  ========  =====================================================
    name ends with                  axes      kind
    ==============================  ========  =====================================================
    anything                        0, 1      keep
    embedding, embeddings           any       keep
    depthwise_kernel, ..._weights   3, 4      depthwise_conv
    pointwise_kernel, ..._weights   3, 4      conv
    kernel                          4, 5      conv; conv_transpose inside "transpose" or "deconv";
                                              depthwise_conv inside "depthwise"
    kernel                          3         the same, inside a name with "conv"
    weight, weights, w, filter(s)   3 to 5    as kernel
    kernel                          2         dense, unless inside "lstm", "gru" or "rnn"
    weight, weights, w              2         dense inside "dense", "linear", "fc", "classifier",
                                              "logits", "predictions" or "head", or beside a bias
    layers{2}.k                     4         conv that reverses: DeepLearnToolbox
    conv2d/0 (.weights.h5)          3 to 5    the layer's; so for depthwise_conv2d,
                                              separable_conv2d (0 and 1), conv2d_transpose
    dense/0 (.weights.h5)           2         dense
    ==============================  ========  =====================================================
    """
    plain = _SUFFIXES.sub("", name)
    *inside, leaf = re.split(r"[./|]", plain)
    parent = inside[-1] if inside else ""
    word, path = leaf.lower(), "/".join(inside)
    axes = f"{ndim} {'axis' if ndim == 1 else 'axes'}"
    if ndim < 2:
        return Entry("keep", axes)
    if leaf.isdecimal():
        layer = inside[-2] if parent == "vars" and len(inside) > 1 else parent
        return _keras_variable(layer, leaf, ndim)
    if leaf == "k" and ndim == 4 and re.fullmatch(r"layers\{\d+\}", parent):
        return Entry("conv", f"named k in layers, {axes}: DeepLearnToolbox", source=_REVERSES)
    if "meta" in inside:  # what MatConvNet says of a network: its average image, its classes
        return Entry("keep", f"inside meta, {axes}")
    kind = _kind(word, parent, path, ndim, bias)
    return Entry(kind, f"named {leaf}, {axes}") if kind else None


def _kind(word: str, parent: str, path: str, ndim: int, bias: bool) -> str | None:
    """The kind of an array of two axes or more, by the last part of its name and the others."""
    if word in ("embedding", "embeddings"):
        return "keep"
    if word in _OF_SEPARABLE:
        return _OF_SEPARABLE[word] if ndim in (3, 4) else None
    if word not in LEAVES:
        return None
    if ndim == 2:
        # A "kernel" of two axes is Dense's in every framework that has the word, but for recurrent
        # layers; a "weight" may be an embedding or a projection, so that its layer must say it.
        alone = (word == "kernel" or bias) and not _RECURRENT.search(path)
        return "dense" if alone or _DENSE.fullmatch(parent) else None
    if ndim > 5 or (word == "kernel" and ndim == 3 and "conv" not in path.lower()):
        return None
    if _TRANSPOSED.search(path):
        return "conv_transpose"
    return "depthwise_conv" if "depthwise" in path.lower() else "conv"


def _keras_variable(layer: str, number: str, ndim: int) -> Entry | None:
    """A variable that a ``.weights.h5`` numbers: the kernels come first."""
    why = f"variable {number} of {layer}, {ndim} axes"
    layer_name = _KERAS_LAYER.fullmatch(layer)
    if layer_name and 3 <= ndim <= 5:
        kind = layer_name["kind"] + (layer_name["transpose"] or "")
        kernels = {"0": kind}
        if kind == "separable_conv":
            kernels = {"0": "depthwise_conv", "1": "conv"}
        return Entry(kernels[number], why) if number in kernels else None
    return Entry("dense", why) if _DENSE.fullmatch(layer) and (number, ndim) == ("0", 2) else None

"""BatchNorm's arrays: what each framework calls them, and what it has in their place.

A layer has four vectors: y = scale (x - mean) / sqrt(variance + eps) + offset.  A mean and a
variance of one length under one name are told by their words; the scale and the offset beside them
by theirs.  A scale and an offset alone may be of any normalization, and keep their names, but for
``gamma`` and ``beta``, which are words of nothing else.

Three write other numbers: Caffe the mean and the variance times a factor that it keeps beside them,
and the scale and offset in a layer of its own, Scale, which follows; MatConvNet the mean and the
standard deviation sqrt(variance + eps) as two columns of ``moments``; Lasagne 1 / sqrt(variance +
eps).  The last two hold eps in their numbers, so that the variance can only be had where it is
known.

Sources: keras 3.15 src/layers/normalization/batch_normalization.py; torch 2.6
nn/modules/batchnorm.py; flax 0.10 linen/normalization.py; paddle 3.0
python/paddle/nn/layer/norm.py; mxnet 1.9 python/mxnet/gluon/nn/basic_layers.py; chainer 7
links/normalization/batch_normalization.py; caffe 1.0 src/caffe/layers/batch_norm_layer.cpp;
pjreddie/darknet src/parser.c (save_batchnorm_weights); Flux 0.14 src/layers/normalise.jl; Lux 1
src/layers/normalize.jl; matconvnet 1.0-beta25 matlab/vl_nnbnorm.m; lasagne 0.2
layers/normalization.py; ncnn 20240410 src/layer/batchnorm.cpp; mlx 0.22 nn/layers/normalization.py;
tinygrad 0.10 nn/__init__.py; torch7 nn BatchNormalization.lua; coremltools 9.0 NeuralNetwork.proto
(BatchnormLayerParams).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from torch import Tensor

from uniconv._weights.conversion import Conversion, Recipe, Shapes, kept, left_out
from uniconv._weights.name_map import LEAVES, split_name

ROLES = ("scale", "offset", "mean", "variance")
# Each framework's words, in the order of ROLES.
WORDS: dict[str, tuple[str, str, str, str]] = {
    **dict.fromkeys(("keras", "tf"), ("gamma", "beta", "moving_mean", "moving_variance")),
    **dict.fromkeys(
        ("pytorch", "mlx", "tinygrad", "torch7"), ("weight", "bias", "running_mean", "running_var")
    ),
    "flax": ("scale", "bias", "mean", "var"),
    "lux": ("scale", "bias", "running_mean", "running_var"),
    "paddle": ("weight", "bias", "_mean", "_variance"),
    "mxnet": ("gamma", "beta", "running_mean", "running_var"),
    "chainer": ("gamma", "beta", "avg_mean", "avg_var"),
    "darknet": ("scales", "biases", "rolling_mean", "rolling_variance"),
    "flux": ("γ", "β", "μ", "σ²"),
    "coreml": ("gamma", "beta", "mean", "variance"),
    "ncnn": ("slope", "bias", "mean", "variance"),
}
# Words that files have beside those: of MXNet's symbols, MatConvNet, Lasagne, Caffe.
_ROLE = {
    **{word: role for words in WORDS.values() for role, word in zip(ROLES, words)},
    "multipliers": "scale",
    "moving_var": "variance",
    "inv_std": "inverse",
    "moments": "moments",
    "scale_factor": "factor",
}
_WORD = "|".join(sorted(map(re.escape, _ROLE), key=len, reverse=True))
# A word behind a sign, or behind an underscore as MXNet's symbols have it.
_NAMES = (
    re.compile(rf"(?:(?P<owner>.*)(?P<joint>[./|]))?(?P<word>{_WORD})"),
    re.compile(rf"(?P<owner>.*?)(?P<joint>_)(?P<word>{_WORD})"),
)
# Keras 3 numbers the variables of a layer in the order of ROLES.
_NUMBERED = re.compile(
    r"(?P<owner>(?:.*/)?batch_normalization(?:_\d+)?)(?P<joint>/)(?P<word>[0-3])"
)
# Flax and MXNet keep a layer's statistics apart from its weights.
_COLLECTION = re.compile(r"(params|batch_stats|arg|aux)(?=[/.:|])")
_OF_WEIGHTS = {"batch_stats": "params", "aux": "arg"}


@dataclass(frozen=True, slots=True)
class Part:
    """The name of an array read: whose it is, what joins that to its word, and its role."""

    name: str
    owner: str
    joint: str
    role: str

    @property
    def layer(self) -> str:
        """The owner without the collection that it is in."""
        return _COLLECTION.sub("", self.owner, count=1)


@dataclass(slots=True)
class BatchNorm:
    """One layer: its arrays by their roles, and how many channels it has."""

    owner: str
    channels: int
    parts: dict[str, Part] = field(default_factory=dict)
    kernel: str = ""  # the array of the same owner that is a kernel, where there is one
    eps: float | None = None  # what it adds to the variance, as far as anything tells

    def names(self, *roles: str) -> tuple[str, ...]:
        """The names of the arrays of these roles, those that are there."""
        return tuple(self.parts[role].name for role in roles if role in self.parts)


def read_name(name: str) -> Part | None:
    """An array's name as one of a normalization's, None where its last word is none.

    >>> read_name("params/bn/scale")
    Part(name='params/bn/scale', owner='params/bn', joint='/', role='scale')
    >>> read_name("bn0_moving_var").role, read_name("conv/kernel")
    ('variance', None)
    """
    plain, _ = split_name(name)
    numbered = _NUMBERED.fullmatch(plain)
    if numbered:
        return Part(name, numbered["owner"], "/", ROLES[int(numbered["word"])])
    for pattern in _NAMES:
        match = pattern.fullmatch(plain)
        if match:
            return Part(name, match["owner"] or "", match["joint"] or "", _ROLE[match["word"]])
    return None


def batch_norms(shapes: Shapes) -> list[BatchNorm]:
    """The layers whose mean and variance are among the arrays, in their order."""
    by_layer: dict[str, list[Part]] = {}
    kernels: dict[str, str] = {}
    for name, shape in shapes.items():
        part = read_name(name)
        if part and vector(shape, part.role):
            by_layer.setdefault(part.layer, []).append(part)
        plain, leaf = split_name(name)
        if len(shape) > 1 and leaf in LEAVES:
            kernels.setdefault(plain[: -len(leaf) - 1], name)
    layers = []
    for parts in by_layer.values():
        layer = _layer(parts, shapes)
        if layer:
            layer.kernel = kernels.get(layer.owner, "")
            layers.append(layer)
    _join_scales(layers, shapes)
    return layers


def vector(shape: Sequence[int], role: str) -> bool:
    """Whether an array is a vector, whatever axes of size 1 it has; moments are two of them."""
    if role == "moments":
        return len(shape) == 2 and shape[1] == 2
    return sum(n != 1 for n in shape) <= 1 and (len(shape) > 0 or role == "factor")


def _layer(parts: list[Part], shapes: Shapes) -> BatchNorm | None:
    """The layer of these parts, if statistics of one length are among them."""
    by_role = {part.role: part for part in parts}
    mean = by_role.get("moments") or by_role.get("mean")
    variance = by_role.get("moments") or by_role.get("variance") or by_role.get("inverse")
    numbers = any(split_name(part.name)[1].isdecimal() for part in parts)
    if not (mean and variance) or len(by_role) < len(parts) or (numbers and len(by_role) < 4):
        return None  # no statistics; two scales; numbers that do not tell which is missing
    channels = prod(shapes[mean.name]) if mean.role == "mean" else shapes[mean.name][0]
    own = {
        role: part
        for role, part in by_role.items()
        if role in ("moments", "factor") or prod(shapes[part.name]) == channels
    }
    if variance.role not in own:
        return None
    owner = next((own[role].owner for role in ("scale", "offset") if role in own), mean.owner)
    return BatchNorm(owner, channels, own)


def _join_scales(layers: list[BatchNorm], shapes: Shapes) -> None:
    """Give Caffe's BatchNorm the Scale that stands behind it, as its files have them in order."""
    order = list(shapes)
    for layer in layers:
        if "factor" not in layer.parts or "scale" in layer.parts:
            continue
        at = order.index(layer.parts["factor"].name) + 1
        parts = [part for part in map(read_name, order[at : at + 2]) if part]
        if parts and parts[0].role == "scale" and prod(shapes[parts[0].name]) == layer.channels:
            own = [part for part in parts if part.owner == parts[0].owner]
            layer.parts |= {part.role: part for part in own}


def translated(steps: list[Conversion], layers: Iterable[BatchNorm], dst: str) -> list[Conversion]:
    """The steps with BatchNorm's arrays as the framework ``dst`` has and calls them."""
    changes: dict[str, list[Conversion]] = {}
    collections = any(_COLLECTION.match(step.name) for step in steps)
    for layer in layers:
        for part in layer.parts.values():
            changes[part.name] = _steps(layer, part, steps, dst, collections)
    result = []
    for step in steps:
        result += changes.get(step.name) or [_alone(step, dst)]
    return result


def _alone(step: Conversion, dst: str) -> Conversion:
    """A gamma or beta of another normalization in the words of ``dst``; any other step as it is."""
    part = read_name(step.name)
    alone = part is not None and split_name(step.name)[1] in ("gamma", "beta")
    if part is None or not alone or len(step.shape) != 1 or step.mapped or step.becomes is None:
        return step
    if dst not in WORDS:
        return step
    return replace(step, becomes=f"{part.owner}{part.joint}{WORDS[dst][ROLES.index(part.role)]}")


def _steps(
    layer: BatchNorm,
    part: Part,
    steps: list[Conversion],
    dst: str,
    collections: bool,
) -> list[Conversion]:
    """What becomes of one array of a layer: one array, two of MatConvNet's moments, or none."""
    shape = next(step.shape for step in steps if step.name == part.name)
    if dst not in WORDS:
        return [kept(part.name, shape, f"{len(shape)} axes" if len(shape) > 1 else "1 axis")]
    if part.role == "factor":
        return [left_out(part.name, shape, "BatchNorm's factor", "divides mean and variance")]
    roles = {"moments": ("mean", "variance"), "inverse": ("variance",)}.get(part.role, (part.role,))
    result = []
    for role in roles:
        step = kept(
            part.name, shape, f"BatchNorm's {role}", _name(layer, part, role, dst, collections)
        )
        recipe, how = _recipe(layer, part, role, shape, layer.eps)
        step = replace(step, new_shape=(layer.channels,), recipe=recipe, how=how or step.how)
        if part.role in ("moments", "inverse") and role == "variance" and layer.eps is None:
            step = replace(
                step,
                problem="it holds sqrt(variance + eps), and the file does not say eps: give eps=, "
                "or --eps (vl_nnbnorm and Lasagne have 1e-4 where nobody set it)",
            )
        result.append(step)
    return result


def _name(layer: BatchNorm, part: Part, role: str, dst: str, collections: bool) -> str:
    """The array's name in the words of ``dst``, under the owner of the layer's weights."""
    word = WORDS[dst][ROLES.index(role)]
    plain, leaf = split_name(part.name)
    if layer.kernel and leaf == word:  # a section has both in the target, too
        return plain
    owner = _COLLECTION.sub(lambda match: _OF_WEIGHTS.get(match[1], match[1]), layer.owner, count=1)
    if dst == "flax" and collections and role in ("mean", "variance"):
        owner = _COLLECTION.sub("batch_stats", owner, count=1)
    if layer.kernel:  # its convolution has the same owner, and perhaps a bias of its own later
        owner += f"{part.joint}batch_norm"
    return f"{owner}{part.joint}{word}" if owner else word


def vector_of(
    layer: BatchNorm, role: str, shapes: Mapping[str, Any], eps: float
) -> tuple[tuple[str, ...], Callable[..., Tensor]] | None:
    """The arrays that a role's vector is made of, and how; None where the layer has none."""
    other = {"mean": "moments", "variance": "inverse"}.get(role, role)
    part = layer.parts.get(role) or layer.parts.get(other) or layer.parts.get("moments")
    if part is None or (part.role == "moments" and role not in ("mean", "variance")):
        return None
    recipe, _ = _recipe(layer, part, role, shapes[part.name].shape, eps)
    if recipe is None:
        return (part.name,), lambda a: a
    return (part.name, *recipe.parts), recipe.function


def _recipe(
    layer: BatchNorm, part: Part, role: str, shape: Sequence[int], eps: float | None
) -> tuple[Recipe | None, str]:
    """How the vector is computed, where it is not the array itself, and that in words."""
    if part.role == "moments" and role == "mean":
        return Recipe((), lambda a: a[:, 0]), "first column"
    if part.role == "moments":
        return Recipe((), lambda a: a[:, 1].square() - (eps or 0)), "second column, squared, - eps"
    if part.role == "inverse":
        return Recipe((), lambda a: a.reshape(-1) ** -2 - (eps or 0)), "1 / square, - eps"
    if role in ("mean", "variance") and "factor" in layer.parts:
        recipe = Recipe(layer.names("factor"), _divided)
        return recipe, f"divided by {layer.parts['factor'].name}"
    if len(shape) != 1:
        return Recipe((), lambda a: a.reshape(-1)), "one axis"
    return None, ""


def _divided(a: Tensor, factor: Tensor) -> Tensor:
    """Caffe's statistics: a factor of 0 makes them 0."""
    return a.reshape(-1) * (1 / factor.reshape(()) if factor.any() else 0)

"""Which function a text's name means: imports and the usual aliases, then the registry's names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from uniconv._parse.tree import Program
from uniconv.spec.constructor import Constructor
from uniconv.spec.framework import Framework
from uniconv.spec.op import Op
from uniconv.spec.registry import frameworks

__all__ = [
    "CONSTANTS",
    "ORDERS",
    "Target",
    "class_applied",
    "class_not_lazy",
    "fallbacks",
    "near_name",
    "targets",
]

# What people call modules: the first that has the name is meant.
ALIASES: dict[str, tuple[str, ...]] = {
    "F": ("torch.nn.functional", "paddle.nn.functional", "chainer.functions"),
    "nn": ("torch.nn", "flax.linen", "paddle.nn", "mlx.nn", "tinygrad.nn"),
    "L": ("chainer.links", "keras.layers"),
    "K": ("keras.backend",),
    "layers": ("keras.layers", "lasagne.layers"),
    "ops": ("keras.ops",),
    "functional": ("torch.nn.functional", "paddle.nn.functional"),
    "links": ("chainer.links",),
    "linen": ("flax.linen",),
    "nnx": ("flax.nnx",),
    "mx": ("mlx.core", "mxnet"),
    "nd": ("mxnet.nd",),
    "lax": ("jax.lax",),
    "jnp": ("jax.numpy",),
    "jsp": ("jax.scipy",),
    "np": ("numpy",),
    "sp": ("scipy",),
    "signal": ("scipy.signal",),
    "sig": ("scipy.signal",),
    "sg": ("scipy.signal",),
    "ndimage": ("scipy.ndimage",),
    "ndi": ("scipy.ndimage",),
    "cv": ("cv2",),
    "T": ("theano.tensor",),
    "C": ("cntk",),
    "Tensor": ("tinygrad.Tensor",),
    "npx": ("mxnet.npx",),
    "ort": ("onnx",),
    "ov": ("openvino",),
}
EQUAL = {"mx"}  # aliases that two frameworks have for their own

# One function by several paths: how it begins, and how its name here begins.
PATHS = (
    ("tensorflow.", "tf."),
    ("tf.python.keras.", "keras."),
    ("tf.keras.", "keras."),
    ("tf.compat.v2.", "tf."),
    ("tf.compat.v1.layers.", "keras.layers."),
    ("tf.layers.", "keras.layers."),
    ("keras.api.", "keras."),
    ("keras.src.", "keras."),
    ("keras.layers.convolutional.", "keras.layers."),
    ("mxnet.ndarray.", "mxnet.nd."),
    ("mxnet.symbol.", "mxnet.nd."),
    ("mxnet.npx.convolution", "mxnet.nd.Convolution"),
    ("mxnet.npx.deconvolution", "mxnet.nd.Deconvolution"),
    ("mxnet.sym.", "mxnet.nd."),
    ("theano.tensor.nnet.abstract_conv.", "theano.tensor.nnet."),
    ("torch.conv", "torch.nn.functional.conv"),
    ("torch.functional.F.", "torch.nn.functional."),
    ("flux.nnlib.", "nnlib."),
    ("opset.", "openvino."),
    ("openvino.opset.", "openvino."),
    ("scipy.ndimage.filters.", "scipy.ndimage."),
    ("scipy.signal.signaltools.", "scipy.signal."),
)
# keras.backend's functions of one rank each are keras.ops' of all.
KERAS_BACKEND = re.compile(r"keras\.backend\.(conv|depthwise_conv|separable_conv)([123])d$")
# A text of an older version calls its function by the name of the newer one.
OLDER = (("tf.nn.", "tf.compat.v1.nn."),)

# Functions that make a layer and apply it to their first argument (TensorFlow 1).
APPLIED = re.compile(
    r"(?:tf|tensorflow)(?:\.compat\.v1)?\.layers\.(separable_)?conv([123])d(_transpose)?"
)
# Classes that learn the channels of x, which others have first, from the first x.
LAZY = re.compile(r"torch\.nn\.Lazy(Conv(?:Transpose)?[123]d)")

# Arguments in another order than the function's own here.
ORDERS = {"matlab.conv2_uv": "w:u p:v x:A shape"}

# Chainer's classes, and Keras 1's, which take (filters, rows, columns).
KERAS_1 = {"Convolution1D", "Convolution2D", "Convolution3D", "Deconvolution2D"}

CONSTANTS = {
    "cv2.BORDER_CONSTANT": 0,
    "cv2.BORDER_REPLICATE": 1,
    "cv2.BORDER_REFLECT": 2,
    "cv2.BORDER_WRAP": 3,
    "cv2.BORDER_REFLECT_101": 4,
    "cv2.BORDER_REFLECT101": 4,
    "cv2.BORDER_DEFAULT": 4,
    "cv2.BORDER_ISOLATED": 16,
    "cv2.CV_8U": 0,
    "cv2.CV_16U": 2,
    "cv2.CV_16S": 3,
    "cv2.CV_32F": 5,
    "cv2.CV_64F": 6,
    **{
        f"{module}.Precision.{word.upper()}": word
        for module in ("jax.lax", "lax")
        for word in ("default", "high", "highest")
    },
}


@dataclass(frozen=True, slots=True)
class Target:
    """What is called: a function, or a layer class whose instances compute it."""

    name: str
    framework: Framework
    op: Op
    layer: Constructor | None = None


_OF_FAMILY: dict[int, tuple[Framework, list[Target]]] = {}  # by identity, as a family has no hash


def _known() -> Iterator[Target]:
    for family in frameworks().values():
        if id(family) not in _OF_FAMILY:
            own = [Target(op.name, family, op) for op in family.functions]
            for layer in family.layers:
                own.append(Target(layer.name, family, family.by_name[layer.function], layer))
            _OF_FAMILY[id(family)] = (family, own)
        yield from _OF_FAMILY[id(family)][1]


def targets(path: str, program: Program, layers: bool) -> list[Target]:
    """The functions, or layer classes, that a name in a text may mean.

    More than one only where the text leaves it open: a name without a module, or a module's alias
    that several frameworks have.
    """
    known = [t for t in _known() if (t.layer is not None) is layers or layers]
    if layers:  # a class is meant before the function of its name
        classes = {t.name for t in known if t.layer is not None}
        known = [t for t in known if t.layer is not None or t.name not in classes]
    by_name = {t.name: t for t in known}
    head, _, rest = path.partition(".")
    if head in program.aliases:
        full = program.aliases[head] + (f".{rest}" if rest else "")
        functions = [by_name[n] for n in _names(full, known) if n in by_name]
        return functions[:1]
    if not rest:
        return _of_bare_name(path, program, known)
    options = [f"{module}.{rest}" for module in ALIASES.get(head, ())]
    imported = [o for o in options if o.partition(".")[0] in program.modules]
    lists = ([n for n in _names(o, known) if n in by_name] for o in (imported or options))
    functions = [by_name[names[0]] for names in lists if names]
    if not functions:
        functions = [by_name[n] for n in _names(path, known) if n in by_name]
    return functions if head in EQUAL else functions[:1]


def _names(path: str, known: Iterable[Target]) -> Iterator[str]:
    """The names that a path may have here."""
    yield path
    for begin, here in PATHS:
        if path.startswith(begin):
            path = here + path[len(begin) :]
            yield path
    backend = KERAS_BACKEND.match(path)
    if backend:
        yield f"keras.ops.{backend[1]}"
    numbered = re.sub(r"^(openvino\.)?(runtime\.)?opset\d+\.", "openvino.", path)
    if numbered != path:
        yield numbered
    root, _, rest = path.partition(".")
    yield root.lower() + "." + rest
    yield re.sub(r"[^.]+\.", lambda part: part[0].lower(), path).replace("flux.nnlib.", "nnlib.")
    families = {id(t.framework): t.framework for t in known}
    for family in families.values():
        op = family.function(path)
        if op is not None:
            yield op.name
        if root in family.aliases:
            yield f"{family.name}.{rest}"


def _of_bare_name(name: str, program: Program, known: list[Target]) -> list[Target]:
    """The functions whose names end so: of modules that the text uses, if any of those has it."""
    used = {module.lower() for module in program.modules}
    functions = [t for t in known if t.name.rpartition(".")[2] == name]
    if name in KERAS_1 and "chainer" not in used:
        return []
    if name == "conv2":
        functions += [t for t in known if t.name == "matlab.conv2_uv"]
    if program.language == "script":
        functions = [t for t in functions if _is_script(t)]
    if "flux" in used:
        used.add("nnlib")  # Flux hands on what NNlib has
    of_used = [t for t in functions if t.framework.name in used]
    return of_used or functions


def _is_script(target: Target) -> bool:
    spelling = target.framework.spelling
    julia_or_matlab = spelling is not None and spelling.language in ("julia", "matlab")
    return julia_or_matlab or target.framework.name.startswith(("matlab", "onnx"))


def class_applied(path: str) -> str:
    """The class whose layer a function makes and applies to its first argument; "" for none.

    >>> class_applied("tf.layers.separable_conv2d")
    'keras.layers.SeparableConv2D'
    """
    match = APPLIED.fullmatch(path)
    if match is None:
        return ""
    separable, rank, transposed = match.groups()
    ends = "Separable" if separable else "", "Transpose" if transposed else ""
    return f"keras.layers.{ends[0]}Conv{rank}D{ends[1]}"


def class_not_lazy(path: str) -> str:
    """The class that has the channels of x first, where a lazy one has not; "" for no lazy one."""
    match = LAZY.fullmatch(path)
    return f"torch.nn.{match[1]}" if match else ""


def fallbacks(target: Target) -> list[Target]:
    """The function of an older version under the same name, for words that only that one has."""
    names = {old + target.name[len(new) :] for new, old in OLDER if target.name.startswith(new)}
    return [t for t in _known() if t.name in names and t.layer is None]


def near_name(path: str) -> str:
    """': did you mean "tf.nn.conv2d"?', for a name that nothing has."""
    names = list(dict.fromkeys(t.name for t in _known()))
    near = difflib.get_close_matches(path, names, n=1, cutoff=0.8)
    if not near:
        last = path.rpartition(".")[2]
        ends = {name.rpartition(".")[2]: name for name in names}
        near = [ends[end] for end in difflib.get_close_matches(last, ends, n=1, cutoff=0.8)]
    return f": did you mean {near[0]}?" if near else ""

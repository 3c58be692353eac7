"""convert_weights: the arrays of a whole network, of another framework's layouts.

Which arrays are kernels is told by their names and their number of axes, by the rules of ``rule``
here, or by a map that the user gives; never by sizes.  What neither tells is refused.
"""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch

from uniconv import files
from uniconv._canonical.arrays import to_torch
from uniconv._messages import either, show, show_shape, suggest
from uniconv._weights.dense import (
    convert_dense,
    convert_dense_after_flatten,
    dense_axes,
    dense_pattern,
    family_of,
)
from uniconv._weights.kernel import convert_weight, readings
from uniconv.errors import BadArray, BadOption, UniconvError, UniconvWarning, from_one_frame
from uniconv.files.tensors import to_numpy

Shape = tuple[int, ...]
Names = Mapping[str, Any] | str | os.PathLike[str] | None
Weights = Mapping[str, Any] | str | os.PathLike[str]

CONVOLUTIONS = ("conv", "conv_transpose", "depthwise_conv")
OPS = (*CONVOLUTIONS, "dense", "dense_after_flatten", "keep", "skip")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the map (or a rule) says about an array."""

    op: str
    why: str
    rename: str | None = None
    groups: int | None = None
    shape: tuple[int, ...] = ()
    src_layout: str | None = None
    dst_layout: str | None = None
    src_options: Mapping[str, Any] = field(default_factory=dict)
    dst_options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one array; ``problem`` says why it cannot, in which case nothing does.

    how: the axes before and after, and whether the kernel is reversed.  why: what told the
    operation.  becomes: its name afterwards, None where it is left out.  warning: what may be
    wrong with it.
    """

    name: str
    shape: Shape
    entry: Entry
    becomes: str | None = None
    new_shape: Shape = ()
    how: str = ""
    problem: str = ""
    warning: str = ""

    @property
    def op(self) -> str:
        return self.entry.op

    @property
    def why(self) -> str:
        return self.entry.why


@overload
def convert_weights(
    weights: Weights, src: str, dst: str, output: None = None, *, names: Names = None
) -> dict[str, Any]: ...
@overload
def convert_weights(
    weights: Weights,
    src: str,
    dst: str,
    output: str | os.PathLike[str],
    *,
    names: Names = None,
    progress: bool = False,
) -> list[Step]: ...
@from_one_frame
def convert_weights(
    weights: Weights,
    src: str,
    dst: str,
    output: str | os.PathLike[str] | None = None,
    *,
    names: Names = None,
    progress: bool = False,
) -> dict[str, Any] | list[Step]:
    """Convert every kernel among the arrays of a network; the other arrays stay as they are.

    Args:
        weights: arrays by name, or a file of them (``uniconv.files`` lists the formats).
        src, dst: families ("keras", "pytorch"), or single functions, as for ``convert_weight``.
        output: a file to write, in the format of its ending.  One array at a time is read,
            converted and written; the file takes its name only when it is complete.
        names: what the names do not tell by themselves: a mapping (or a JSON file of one) from a
            name, or a pattern with ``*``, to an operation ("conv", "conv_transpose",
            "depthwise_conv", "dense", "dense_after_flatten", "keep", "skip") or to an object with
            "op" and "rename", "groups", "shape", "src_layout", "dst_layout", "src_options",
            "dst_options".  The first that matches counts, a full name before any pattern.
        progress: whether to show a progress bar on the terminal, where rich is installed.

    Returns:
        The converted arrays by name, views where possible; with ``output`` what was done, step by
        step.

    Raises:
        UniconvError: an array of which nothing tells whether it is a kernel, or which ``dst``
            cannot hold: one message lists them all, and nothing is converted.
        BadOption: a map that is none, or an entry in it that matches no array.
        BadArray: a value that is no array.
        BadFile: a file that cannot be read or written.

    >>> import numpy as np
    >>> keras = {"conv2d/kernel": np.zeros((3, 2, 4, 5)), "conv2d/bias": np.zeros(5)}
    >>> {name: a.shape for name, a in convert_weights(keras, "keras", "pytorch").items()}
    {'conv2d/kernel': (5, 4, 3, 2), 'conv2d/bias': (5,)}
    """
    steps = plan_weights(weights, src, dst, names=names)
    refused = [step for step in steps if step.problem]
    if refused:
        lines = [f"  {step.name} {show_shape(step.shape)}: {step.problem}" for step in refused]
        count = f"{len(refused)} of {len(steps)} arrays"
        raise UniconvError("\n".join([f"{count} cannot be converted:", *lines]))
    for step in steps:
        if step.warning:
            warnings.warn(f"{step.name}: {step.warning}", UniconvWarning, stacklevel=2)
    if output is None:
        return dict(_converted(weights, steps, src, dst, contiguous=False))
    write_weights(weights, steps, src, dst, output, progress=progress)
    return steps


def write_weights(
    weights: Weights,
    steps: list[Step],
    src: str,
    dst: str,
    output: str | os.PathLike[str],
    *,
    progress: bool = False,
) -> None:
    """Do what was planned, one array at a time; the file takes its name when it is complete."""
    with _advance(len(steps), progress) as advance:
        pairs = _converted(weights, steps, src, dst, contiguous=True, advance=advance)
        files.save(output, ((name, _as_numpy(a, name)) for name, a in pairs))


def plan_weights(weights: Weights, src: str, dst: str, *, names: Names = None) -> list[Step]:
    """What ``convert_weights`` would do with every array, without doing it.

    Arguments are those of ``convert_weights``; of each array only the name and the shape are used.

    >>> step, = plan_weights({"conv2d/kernel": np.zeros((3, 2, 4, 5))}, "keras", "knet")
    >>> step.op, step.how, step.why
    ('conv', '... i o -> ... i o, reversed', 'named kernel, 4 axes')
    """
    for family in (src, dst):
        family_of(family)  # refuses what is none
    told = read_names(names)
    shapes = [(name, _shape(name, a)) for name, a in _pairs(weights)]
    matched: set[str] = set()
    steps = [_step(name, shape, src, dst, told, matched) for name, shape in shapes]
    idle = [key for key in told if key not in matched]
    if idle:
        hint = suggest(idle[0], [name for name, _ in shapes])
        raise BadOption(f"the map has {show(idle[0])}, which is no array's name{hint}")
    seen: dict[str, str] = {}
    for at, step in enumerate(steps):
        if step.becomes is not None:
            first = seen.setdefault(step.becomes, step.name)
            if first != step.name:
                problem = f"it would be named {show(step.becomes)}, as {show(first)} is"
                steps[at] = replace(step, problem=step.problem or problem)
    return _warned(_contradicted(steps, src, dst), src, dst)


def _contradicted(steps: list[Step], src: str, dst: str) -> list[Step]:
    """Refuse a kernel that a rule took for what the bias beside it does not fit."""
    lengths = {step.name: step.shape[0] for step in steps if len(step.shape) == 1}
    for at, step in enumerate(steps):
        ruled = step.op in (*CONVOLUTIONS, "dense") and not step.why.startswith("map")
        leaf = re.split(r"[./|]", step.name)[-1]
        if step.problem or not ruled or leaf == "depthwise_kernel":  # a separable one has no bias
            continue
        for bias in (step.name.removesuffix(leaf) + word for word in ("bias", "bias:0")):
            channels = _channels(step, src, dst)
            if lengths.get(bias, channels) != channels:
                problem = (
                    f"{step.why}: taken for a {step.op} it gives {channels} channels, but {bias} "
                    f'has {lengths[bias]}: say what it is, {{"{step.name}": ...}} in the map'
                )
                steps[at] = replace(step, problem=problem)
    return steps


def _warned(steps: list[Step], src: str, dst: str) -> list[Step]:
    """Mark a Dense kernel whose features may be those of a flattened image."""
    channels = 0
    for at, step in enumerate(steps):
        if step.problem:
            continue
        if step.op in CONVOLUTIONS:
            channels = _channels(step, src, dst)
        elif step.op == "dense":
            features = step.shape[dense_axes(src).index("f")]
            flattened = channels > 1 and features > channels and features % channels == 0
            if flattened and not step.why.startswith("map") and _order_differs(src, dst):
                text = (
                    f"it reads {features} = {channels} * {features // channels} features: after a "
                    f'Flatten, say {{"{step.name}": {{"op": "dense_after_flatten", "shape": '
                    f'[{channels}, H, W]}}}} in the map; else {{"{step.name}": "dense"}}'
                )
                steps[at] = replace(step, warning=text)
            channels = 0
    return steps


def _channels(step: Step, src: str, dst: str) -> int:
    """How many channels a convolution or a Dense layer gives."""
    entry = step.entry
    if step.op == "dense":
        return step.shape[dense_axes(src).index("u")]
    _, given, _ = readings(step.shape, src, dst, entry.op, (entry.src_options, entry.dst_options))
    named = dict(zip(given.letters, step.shape))
    groups = named.get("g") or entry.groups or 1
    if step.op == "depthwise_conv":
        groups = named.get("c", groups)
    return named.get("o", named.get("m", 0) * groups)


def _order_differs(src: str, dst: str) -> bool:
    """Whether the two families flatten an image in different orders."""
    w = np.arange(8).reshape(8, 1)
    try:
        w = convert_dense(w, "keras", src)
        moved = convert_dense_after_flatten(w, (2, 2, 2), src, dst)
        return bool((moved != convert_dense(w, src, dst)).any())
    except UniconvError:
        return False


# The map


def read_names(names: Names) -> dict[str, Entry]:
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
        raise BadOption(f"{where} must be an object from names to operations")
    return {key: _entry(where, key, value) for key, value in names.items()}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{show(key)} is there twice")
        found[key] = value
    return found


def _entry(where: str, key: str, value: Any) -> Entry:
    said = {"op": value} if isinstance(value, str) else value
    kinds: dict[str, type | tuple[type, ...]] = {
        "op": str,
        "rename": str,
        "groups": int,
        "shape": (list, tuple),
        "src_layout": str,
        "dst_layout": str,
        "src_options": Mapping,
        "dst_options": Mapping,
    }
    if not isinstance(said, Mapping):
        raise BadOption(f"{where}, {show(key)}: {value!r} is neither an operation nor an object")
    for name, v in said.items():
        if name not in kinds:
            hint = suggest(name, kinds) or f"; it may have {', '.join(kinds)}"
            raise BadOption(f"{where}, {show(key)}: {show(name)} is unknown{hint}")
        if not isinstance(v, kinds[name]) or isinstance(v, bool):
            raise BadOption(f"{where}, {show(key)}: {name}={show(v)} is of the wrong type")
    op = said.get("op", "")
    if op not in OPS and (op or "rename" not in said):
        hint = suggest(op, OPS)
        raise BadOption(f"{where}, {show(key)}: op={show(op)} is not one of {either(OPS)}{hint}")
    if (op == "dense_after_flatten") != ("shape" in said):
        raise BadOption(f"{where}, {show(key)}: dense_after_flatten goes with shape, [C, H, W]")
    return Entry(**(dict(said) | {"op": op, "why": f"map: {key}"}))


def _told(name: str, told: Mapping[str, Entry], matched: set[str]) -> Entry | None:
    """The entry for an array: its own, else the first pattern that fits."""
    for key, entry in told.items():
        if key == name:
            matched.add(key)
            return entry
    for key, entry in told.items():
        pattern = "(.*)".join(map(re.escape, key.split("*")))
        fits = re.fullmatch(pattern, name) if "*" in key else None
        if fits:
            matched.add(key)
            if entry.rename is None:
                return entry
            return replace(entry, rename=_filled(entry.rename, fits.groups()))
    return None


def _filled(pattern: str, parts: Iterable[str]) -> str:
    """A new name whose stars are replaced, in order, by what those of the old one stand for."""
    rest = iter(parts)
    return "".join(next(rest, "*") if part == "*" else part for part in re.split(r"(\*)", pattern))


# The rules

_WORDS = ("kernel", "weight", "weights", "w", "filter", "filters")
_SUFFIXES = re.compile(r"(:0|/\.ATTRIBUTES/VARIABLE_VALUE)$")
# Keras 3 numbers the variables of a layer (keras/src/saving/saving_lib.py).
_KERAS_LAYER = re.compile(r"(?P<op>conv|depthwise_conv|separable_conv)\dd(?P<t>_transpose)?(_\d+)?")
_TRANSPOSED = re.compile(r"transpose|deconv", re.I)
_DENSE = re.compile(r"(dense|linear|fc|fully_connected|inner_product)[\d_]*", re.I)
_RECURRENT = re.compile(r"lstm|gru|rnn", re.I)


def rule(name: str, ndim: int) -> Entry | None:
    """What the name and the number of axes of an array tell by themselves.

    ==============================  ========  =====================================================
    name ends with                  axes      operation
    ==============================  ========  =====================================================
    anything                        0, 1      keep
    embedding, embeddings           any       keep
    depthwise_kernel                3, 4      depthwise_conv
    pointwise_kernel                3, 4      conv
    kernel                          4, 5      conv; conv_transpose inside "transpose" or "deconv";
                                              depthwise_conv inside "depthwise"
    kernel                          3         the same, inside a name with "conv"
    weight, weights, w, filter(s)   3 to 5    as kernel
    kernel                          2         dense, unless inside "lstm", "gru" or "rnn"
    weight, weights, w              2         dense inside "dense", "linear" or "fc"
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

    def told(op: str) -> Entry:
        return Entry(op, f"named {leaf}, {axes}")

    if ndim < 2:
        return Entry("keep", axes)
    if word in ("embedding", "embeddings"):
        return told("keep")
    if leaf.isdecimal():
        layer = inside[-2] if parent == "vars" and len(inside) > 1 else parent
        return _keras_variable(layer, leaf, ndim)
    if word == "depthwise_kernel" and ndim in (3, 4):
        return told("depthwise_conv")
    if word == "pointwise_kernel" and ndim in (3, 4):
        return told("conv")
    if word not in _WORDS:
        return None
    if ndim == 2:
        alone = word == "kernel" and not _RECURRENT.search(path)
        return told("dense") if alone or _DENSE.fullmatch(parent) else None
    if ndim > 5 or (word == "kernel" and ndim == 3 and "conv" not in path.lower()):
        return None
    if _TRANSPOSED.search(path):
        return told("conv_transpose")
    return told("depthwise_conv" if "depthwise" in path.lower() else "conv")


def _keras_variable(layer: str, number: str, ndim: int) -> Entry | None:
    why = f"variable {number} of {layer}, {ndim} axes"
    known = _KERAS_LAYER.fullmatch(layer)
    if known and 3 <= ndim <= 5:
        op = known["op"] + (known["t"] or "")
        kernels = {"0": op}
        if op == "separable_conv":
            kernels = {"0": "depthwise_conv", "1": "conv"}
        return Entry(kernels[number], why) if number in kernels else None
    return Entry("dense", why) if _DENSE.fullmatch(layer) and (number, ndim) == ("0", 2) else None


# What happens to an array


def _step(
    name: str,
    shape: Shape,
    src: str,
    dst: str,
    told: Mapping[str, Entry],
    matched: set[str],
) -> Step:
    entry, known = _told(name, told, matched), rule(name, len(shape))
    if entry is not None and not entry.op:  # only a new name
        entry = replace(known, rename=entry.rename) if known else None
    entry = entry or known
    if entry is None:
        choice = " or ".join(f'"{op}"' for op in ("keep", *_possible(len(shape))))
        problem = f'its name does not tell what it is: say {{"{name}": ...}} in the map, {choice}'
        return Step(name, shape, Entry("?", ""), name, shape, problem=problem)
    if entry.op == "skip":
        return Step(name, shape, entry, None, (), "left out")
    step = Step(name, shape, entry, entry.rename or name, shape, "as it is")
    if entry.op == "keep":
        return step
    try:
        probe = torch.empty(shape, device="meta")
        new = tuple(_convert(probe, entry, src, dst, contiguous=False).shape)
        return replace(step, new_shape=new, how=_how(entry, shape, src, dst))
    except UniconvError as error:
        return replace(step, problem=str(error))


def _possible(ndim: int) -> tuple[str, ...]:
    return CONVOLUTIONS if ndim > 2 else ("dense",)


def _how(entry: Entry, shape: Shape, src: str, dst: str) -> str:
    """The axes before and after, in words."""
    if entry.op in CONVOLUTIONS:
        options = (entry.src_options, entry.dst_options)
        _, given, wanted = readings(shape, src, dst, entry.op, options)
        turned = ", reversed" * (given.reverse != wanted.reverse)
        return f"{given.pattern} -> {wanted.pattern}{turned}"
    layouts = (entry.src_layout, entry.dst_layout)
    before, after = (dense_pattern(n, entry.shape, at) for n, at in zip((src, dst), layouts))
    return f"{before} -> {after}"


def _convert(a: Any, entry: Entry, src: str, dst: str, *, contiguous: bool) -> Any:
    if entry.op == "keep":
        return a
    if entry.op == "dense":
        return convert_dense(a, src, dst, contiguous=contiguous)
    if entry.op == "dense_after_flatten":
        layouts = {"src_layout": entry.src_layout, "dst_layout": entry.dst_layout}
        return convert_dense_after_flatten(
            a, entry.shape, src, dst, contiguous=contiguous, **layouts
        )
    return convert_weight(
        a,
        src,
        dst,
        entry.op,
        entry.groups,
        src_options=entry.src_options,
        dst_options=entry.dst_options,
        contiguous=contiguous,
    )


def _converted(
    weights: Weights,
    steps: Iterable[Step],
    src: str,
    dst: str,
    *,
    contiguous: bool,
    advance: Callable[[], object] = lambda: None,
) -> Iterator[tuple[str, Any]]:
    """The arrays one at a time, converted."""
    planned = {step.name: step for step in steps}
    for name, a in _pairs(weights):
        step = planned[name]
        if step.becomes is not None:
            yield step.becomes, _convert(a, step.entry, src, dst, contiguous=contiguous)
        advance()


def _pairs(weights: Weights) -> Iterator[tuple[str, Any]]:
    if isinstance(weights, Mapping):
        yield from weights.items()
    else:
        yield from map(attrgetter("name", "array"), files.stream(weights))  # keeps no reference


def _shape(name: str, a: Any) -> Shape:
    if not hasattr(a, "shape"):
        raise BadArray(f"{name} is a {type(a).__module__}.{type(a).__qualname__}, no array")
    return tuple(a.shape)


def _as_numpy(a: Any, name: str) -> Any:
    if isinstance(a, (np.ndarray, np.generic)):
        return np.asarray(a)
    return to_numpy(to_torch(a, "cpu"), name)


@contextmanager
def _advance(total: int, shown: bool) -> Iterator[Callable[[], object]]:
    """What moves the progress bar by one array; nothing where there is none to show."""
    if not (shown and sys.stderr.isatty()):
        yield lambda: None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield lambda: None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("arrays", total=total)
        yield lambda: bar.advance(task)

"""convert_state_dict, convert_file: a network's arrays, laid out for another framework.

What happens to every array is decided first, from names and shapes alone (:mod:`.plan`); only then
is anything read whole, converted or written.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from uniconv import files
from uniconv._canonical.arrays import kind_name, to_torch
from uniconv._canonical.record import Shape
from uniconv._messages import show_shape
from uniconv._weights.conversion import DEFAULT, Conversion, Settings
from uniconv._weights.name_map import NameMap
from uniconv._weights.plan import converted, plan
from uniconv._weights.progress import advance
from uniconv.errors import BadArray, UniconvError, UniconvWarning, from_one_frame
from uniconv.files.tensors import to_numpy
from uniconv.typing import Dialect

Path = str | os.PathLike[str]
Weights = Mapping[str, Any] | Path
Limits = Mapping[str, Any]
_NO_LIMITS: Limits = {}


@from_one_frame
def convert_state_dict(
    weights: Weights,
    src: str,
    dst: str,
    *,
    names: NameMap = None,
    keep_all: bool = False,
    weight_norm: str = "fold",
    fold_batchnorm: bool | Mapping[str, str] = False,
    eps: float | None = None,
    like: Any = None,
) -> dict[str, Any]:
    """The arrays of a network as another framework wants them: kernels converted, others kept.

    BatchNorm's arrays get ``dst``'s names and shapes; what training left (slots of the optimizer,
    counters, moving averages of weights) is left out.  Kernels that are laid out for ``dst``
    already, by the sizes of the biases beside them or of ``like``, stay as they are.

    Args:
        weights: arrays by name, such as a ``state_dict``, or a file of them (``uniconv.files``
            lists the formats).
        src, dst: families ("keras", "pytorch"), or single functions, as for ``convert_kernel``.
        names: what the names do not tell by themselves: a mapping (or a JSON file of one) from a
            name, or a pattern with ``*``, to a kind ("conv", "conv_transpose", "depthwise_conv",
            "dense", "keep", "skip") or to an object with "kind" and "rename", "groups", "image",
            "src_layout", "dst_layout", "src_options", "dst_options".  The first that matches
            counts, a full name before any pattern.
        keep_all: whether what training left comes along; slots are converted as their variables.
        weight_norm: "fold" makes one kernel of weight norm's two arrays, "keep" converts both.
        fold_batchnorm: True folds each BatchNorm whose name lies in a convolution's; a mapping
            says for others what they follow, ``{"layer*.bn*": "layer*.conv*"}``; the rest stay.
        eps: what every BatchNorm adds to its variance (default: what the file says of each, where
            it has the layers beside their arrays: Keras's models, .onnx, Caffe, ncnn, Core ML).
        like: a torch module, or shapes as PyTorch has them, as ``which_layout`` takes it: tells
            whether the kernels are converted already where no bias does.

    Returns:
        The arrays by name, each of the kind it had (NumPy, torch, ...), views where possible.
        What is computed (folded, weight norm) is computed in float64 and rounded once.

    Raises:
        UniconvError: an array of which nothing tells whether it is a kernel, or which ``dst``
            cannot hold: one message lists them all, and nothing is converted.
        UnknownName: no such family or function.
        BadOption: a map that is none, or an entry in it that matches no array.
        BadArray: a value that is no array.
        BadShape: ``like`` fits the kernels of both frameworks, or of neither.
        BadFile: a file that cannot be read.

    >>> keras = {"conv2d/kernel": np.zeros((3, 2, 4, 5)), "conv2d/bias": np.zeros(5)}
    >>> {name: a.shape for name, a in convert_state_dict(keras, "keras", "pytorch").items()}
    {'conv2d/kernel': (5, 4, 3, 2), 'conv2d/bias': (5,)}
    >>> norm = {"bn/moving_mean": np.zeros(5), "bn/moving_variance": np.ones(5)}
    >>> list(convert_state_dict(norm | {"global_step": np.array(9)}, "keras", "pytorch"))
    ['bn/running_mean', 'bn/running_var']

    Source: the layout and the flip of each function's spec, as ``uniconv show NAME`` prints them.
    """
    settings = Settings(keep_all, weight_norm, fold_batchnorm, eps, like)
    steps = _checked(plan_steps(weights, src, dst, names=names, settings=settings))
    return dict(_converted(weights, steps, src, dst, contiguous=False))


@from_one_frame
def convert_file(
    path: Path,
    src: Dialect,
    dst: Dialect,
    output: Path,
    *,
    names: NameMap = None,
    keep_all: bool = False,
    weight_norm: str = "fold",
    fold_batchnorm: bool | Mapping[str, str] = False,
    eps: float | None = None,
    like: Any = None,
    limits: Limits = _NO_LIMITS,
    progress: bool = False,
) -> list[Conversion]:
    """Convert a file of arrays into another one, as ``convert_state_dict`` converts arrays.

    One array at a time is read, converted and written; the file takes its name only when it is
    complete, so that a failure leaves what was there.

    Args:
        path, output: the file to read, and the one to write in the format of its ending.
        src, dst, names, keep_all, weight_norm, fold_batchnorm, eps, like: as for
            ``convert_state_dict``.
        limits: ``max_bytes``, ``max_depth`` and ``max_arrays`` of ``uniconv.files.load``.
        progress: whether to show a bar on a terminal, where rich is installed, or every few seconds
            a line on stderr where it is none.

    Returns:
        What was done with each array, in the order of the file.

    Raises:
        the errors of ``convert_state_dict``; BadFile also for a file that cannot be written.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> files.save(f"{folder}/keras.npz", {"conv2d/kernel": np.zeros((3, 2, 4, 5))})
    >>> step, = convert_file(f"{folder}/keras.npz", "keras", "pytorch", f"{folder}/torch.npz")
    >>> step.how, step.new_shape, files.load(f"{folder}/torch.npz")["conv2d/kernel"].shape
    ('... i o -> o i ...', (5, 4, 3, 2), (5, 4, 3, 2))

    Source: the layout and the flip of each function's spec, as ``uniconv show NAME`` prints them.
    """
    settings = Settings(keep_all, weight_norm, fold_batchnorm, eps, like)
    steps = plan_steps(path, src, dst, names=names, settings=settings, limits=limits)
    _checked(steps)
    write_steps(path, steps, src, dst, output, limits=limits, progress=progress)
    return steps


def _checked(steps: list[Conversion]) -> list[Conversion]:
    """The steps where all of them can be done; warned of what may be wrong with one."""
    refusals = [step for step in steps if step.problem]
    if refusals:
        lines = [f"  {step.name} {show_shape(step.shape)}: {step.problem}" for step in refusals]
        count = f"{len(refusals)} of {len(steps)} arrays"
        raise UniconvError("\n".join([f"{count} cannot be converted:", *lines]))
    for step in steps:
        if step.warning:  # at the line of the caller, three frames above
            warnings.warn(f"{step.name}: {step.warning}", UniconvWarning, stacklevel=4)
    return steps


def plan_steps(
    weights: Weights,
    src: str,
    dst: str,
    *,
    names: NameMap = None,
    settings: Settings = DEFAULT,
    limits: Limits = _NO_LIMITS,
) -> list[Conversion]:
    """What ``convert_state_dict`` would do with every array, without doing it.

    Of an array only name and shape are used.

    >>> step, = plan_steps({"conv2d/kernel": np.zeros((3, 2, 4, 5))}, "keras", "knet")
    >>> step.kind, step.how, step.why
    ('conv', '... i o -> ... i o, reversed', 'named kernel, 4 axes')
    """
    arrays: list[tuple[str, Shape, str | None, float | None]]
    if isinstance(weights, Mapping):
        arrays = [(name, _shape(name, a), None, None) for name, a in weights.items()]
    else:
        arrays = [(a.name, a.shape, a.kind, a.eps) for a in files.stream(weights, **limits)]
    shapes = {name: shape for name, shape, _, _ in arrays}
    kinds = {name: kind for name, _, kind, _ in arrays if kind is not None}
    own = {name: eps for name, _, _, eps in arrays if eps is not None}
    return plan(shapes, src, dst, names=names, settings=settings, kinds=kinds, eps=own)


def write_steps(
    path: Path,
    steps: list[Conversion],
    src: str,
    dst: str,
    output: Path,
    *,
    limits: Limits = _NO_LIMITS,
    progress: bool = False,
) -> None:
    """Do what was planned, one array at a time; the file takes its name when it is complete."""
    with advance(len(steps), progress) as one_more:
        pairs = _converted(path, steps, src, dst, contiguous=True, limits=limits, one_more=one_more)
        files.save(output, ((name, _as_numpy(a, name)) for name, a in pairs))


def _converted(
    weights: Weights,
    steps: Iterable[Conversion],
    src: str,
    dst: str,
    *,
    contiguous: bool,
    limits: Limits = _NO_LIMITS,
    one_more: Callable[[], object] = lambda: None,
) -> Iterator[tuple[str, Any]]:
    """The arrays one at a time, converted.

    What several arrays are made into waits until the last of those is read, and each of them is let
    go when nothing waits for it any more.
    """
    by_name: dict[str, list[Conversion]] = {}
    for step in steps:
        if step.becomes is not None:
            by_name.setdefault(step.name, []).append(step)
    waiting = [s for own in by_name.values() for s in own if s.recipe is not None]
    arrays: dict[str, Any] = {}
    for name, a in _pairs(weights, limits):
        for step in by_name.get(name, []):
            if step.recipe is None:
                yield str(step.becomes), converted(a, step.entry, src, dst, contiguous=contiguous)
        if any(name in _needs(step) for step in waiting):
            arrays[name] = a
            for step in [s for s in waiting if all(need in arrays for need in _needs(s))]:
                assert step.recipe is not None
                whole = step.recipe.made_of(arrays[step.name], arrays)
                yield (
                    str(step.becomes),
                    converted(whole, step.entry, src, dst, contiguous=contiguous),
                )
                waiting.remove(step)
            needs = {need for step in waiting for need in _needs(step)}
            arrays = {need: array for need, array in arrays.items() if need in needs}
        one_more()


def _needs(step: Conversion) -> tuple[str, ...]:
    """The arrays that a step is made of."""
    return (step.name, *(step.recipe.parts if step.recipe else ()))


def _pairs(weights: Weights, limits: Limits) -> Iterator[tuple[str, Any]]:
    """Names and arrays, from memory or one at a time from a file."""
    if isinstance(weights, Mapping):
        yield from weights.items()
    else:
        arrays = files.stream(weights, **limits)
        yield from map(_name_and_numbers, arrays)  # keeps no reference


def _name_and_numbers(array: files.NamedArray) -> tuple[str, Any]:
    """An array of a file; quantized integers as the numbers that they stand for."""
    return array.name, array.dequantized()


def _shape(name: str, a: Any) -> Shape:
    """The shape of a value that is to be an array."""
    if not hasattr(a, "shape"):
        raise BadArray(f"{name} is a {kind_name(a)}, no array")
    return tuple(a.shape)


def _as_numpy(a: Any, name: str) -> Any:
    """An array of any kind as NumPy's, for writing."""
    if isinstance(a, (np.ndarray, np.generic)):
        return np.asarray(a)
    return to_numpy(to_torch(a, "cpu"), name)

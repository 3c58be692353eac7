"""convert_state_dict, convert_file: a network's arrays, laid out for another framework.

``plan_steps`` decides what happens to every array, from its name and its shape; only then is
anything read whole, converted or written.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

import numpy as np
import torch

from uniconv import files
from uniconv._canonical.arrays import kind_name, to_torch
from uniconv._canonical.record import Shape
from uniconv._messages import show, show_shape, suggest
from uniconv._weights.dense import convert_dense, dense_axes, dense_pattern, family_of
from uniconv._weights.kernel import convert_kernel, readings
from uniconv._weights.name_map import CONVOLUTIONS, Entry, NameMap, entry_for, read_map, rule
from uniconv.errors import BadArray, BadOption, UniconvError, UniconvWarning, from_one_frame
from uniconv.files.tensors import to_numpy
from uniconv.typing import Dialect

Path = str | os.PathLike[str]
Weights = Mapping[str, Any] | Path


@dataclass(frozen=True, slots=True)
class Conversion:
    """What happens to one array; ``problem`` says why it cannot, in which case nothing does.

    how: the axes before and after, and whether the kernel is reversed.  why: what told the
    kind.  becomes: its name afterwards, None where it is left out.  warning: what may be
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
    def kind(self) -> str:
        """What the array is taken for: "conv", "dense", "keep", ..."""
        return self.entry.kind

    @property
    def why(self) -> str:
        """What told the kind: a rule, or an entry of the map."""
        return self.entry.why


@from_one_frame
def convert_state_dict(
    weights: Weights, src: str, dst: str, *, names: NameMap = None
) -> dict[str, Any]:
    """The arrays of a network as another framework wants them: kernels converted, others kept.

    Args:
        weights: arrays by name, such as a ``state_dict``, or a file of them (``uniconv.files``
            lists the formats).
        src, dst: families ("keras", "pytorch"), or single functions, as for ``convert_kernel``.
        names: what the names do not tell by themselves: a mapping (or a JSON file of one) from a
            name, or a pattern with ``*``, to a kind ("conv", "conv_transpose", "depthwise_conv",
            "dense", "keep", "skip") or to an object with "kind" and "rename", "groups", "image",
            "src_layout", "dst_layout", "src_options", "dst_options".  The first that matches
            counts, a full name before any pattern.

    Returns:
        The arrays by name, each of the kind it had (NumPy, torch, ...), views where possible.

    Raises:
        UniconvError: an array of which nothing tells whether it is a kernel, or which ``dst``
            cannot hold: one message lists them all, and nothing is converted.
        UnknownName: no such family or function.
        BadOption: a map that is none, or an entry in it that matches no array.
        BadArray: a value that is no array.
        BadFile: a file that cannot be read.

    >>> keras = {"conv2d/kernel": np.zeros((3, 2, 4, 5)), "conv2d/bias": np.zeros(5)}
    >>> {name: a.shape for name, a in convert_state_dict(keras, "keras", "pytorch").items()}
    {'conv2d/kernel': (5, 4, 3, 2), 'conv2d/bias': (5,)}

    Source: the layout and the flip of each function's spec, as ``uniconv show NAME`` prints them.
    """
    steps = _checked(plan_steps(weights, src, dst, names=names))
    return dict(_converted(weights, steps, src, dst, contiguous=False))


@from_one_frame
def convert_file(
    path: Path,
    src: Dialect,
    dst: Dialect,
    output: Path,
    *,
    names: NameMap = None,
    progress: bool = False,
) -> list[Conversion]:
    """Convert a file of arrays into another one, as ``convert_state_dict`` converts arrays.

    One array at a time is read, converted and written; the file takes its name only when it is
    complete, so that a failure leaves what was there.

    Args:
        path, output: the file to read, and the one to write in the format of its ending.
        src, dst, names: as for ``convert_state_dict``.
        progress: whether to show a progress bar on the terminal, where rich is installed.

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
    steps = _checked(plan_steps(path, src, dst, names=names))
    write_steps(path, steps, src, dst, output, progress=progress)
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


def write_steps(
    path: Path, steps: list[Conversion], src: str, dst: str, output: Path, *, progress: bool = False
) -> None:
    """Do what was planned, one array at a time; the file takes its name when it is complete."""
    with _advance(len(steps), progress) as advance:
        pairs = _converted(path, steps, src, dst, contiguous=True, advance=advance)
        files.save(output, ((name, _as_numpy(a, name)) for name, a in pairs))


def plan_steps(weights: Weights, src: str, dst: str, *, names: NameMap = None) -> list[Conversion]:
    """What ``convert_state_dict`` would do with every array, without doing it.

    Arguments are those of ``convert_state_dict``; of an array only name and shape are used.

    >>> step, = plan_steps({"conv2d/kernel": np.zeros((3, 2, 4, 5))}, "keras", "knet")
    >>> step.kind, step.how, step.why
    ('conv', '... i o -> ... i o, reversed', 'named kernel, 4 axes')
    """
    for family in (src, dst):
        family_of(family)  # refuses what is none
    entries = read_map(names)
    shapes = [(name, _shape(name, a)) for name, a in _pairs(weights)]
    matches = {name: entry_for(name, entries) for name, _ in shapes}
    keys = {match[0] for match in matches.values() if match}
    for key in entries:
        if key not in keys:
            hint = suggest(key, matches)
            raise BadOption(f"the map has {show(key)}, which is no array's name{hint}")
    steps = []
    for name, shape in shapes:
        match = matches[name]
        steps.append(_step(name, shape, src, dst, match[1] if match else None))
    return _warned(_contradicted(_distinct(steps), src, dst), src, dst)


def _distinct(steps: list[Conversion]) -> list[Conversion]:
    """Refuse a second array of one name."""
    first: dict[str, str] = {}
    for at, step in enumerate(steps):
        if step.becomes is not None:
            other = first.setdefault(step.becomes, step.name)
            if other != step.name:
                problem = f"it would be named {show(step.becomes)}, as {show(other)} is"
                steps[at] = replace(step, problem=step.problem or problem)
    return steps


def _contradicted(steps: list[Conversion], src: str, dst: str) -> list[Conversion]:
    """Refuse a kernel that a rule took for what the bias beside it does not fit."""
    lengths = {step.name: step.shape[0] for step in steps if len(step.shape) == 1}
    for at, step in enumerate(steps):
        by_rule = step.kind in (*CONVOLUTIONS, "dense") and not step.why.startswith("map")
        leaf = re.split(r"[./|]", step.name)[-1]
        if step.problem or not by_rule or leaf == "depthwise_kernel":  # a separable one has no bias
            continue
        for bias in (step.name.removesuffix(leaf) + word for word in ("bias", "bias:0")):
            channels = _channels(step, src, dst)
            if lengths.get(bias, channels) != channels:
                problem = (
                    f"{step.why}: taken for a {step.kind} it gives {channels} channels, but {bias} "
                    f'has {lengths[bias]}: say what it is, {{"{step.name}": ...}} in the map'
                )
                steps[at] = replace(step, problem=problem)
    return steps


def _warned(steps: list[Conversion], src: str, dst: str) -> list[Conversion]:
    """Mark a Dense kernel whose features may be those of a flattened image."""
    channels = 0
    for at, step in enumerate(steps):
        if step.problem:
            continue
        if step.kind in CONVOLUTIONS:
            channels = _channels(step, src, dst)
        elif step.kind == "dense":
            features = step.shape[dense_axes(src).index("f")]
            of_image = channels > 1 and features > channels and features % channels == 0
            if of_image and not step.why.startswith("map") and _order_differs(src, dst):
                text = (
                    f"it reads {features} = {channels} * {features // channels} features: after a "
                    f'Flatten, say {{"{step.name}": {{"kind": "dense", "image": [{channels}, H, '
                    f'W]}}}} in the map; else {{"{step.name}": "dense"}}'
                )
                steps[at] = replace(step, warning=text)
            channels = 0
    return steps


def _channels(step: Conversion, src: str, dst: str) -> int:
    """How many channels a convolution or a Dense layer gives."""
    entry = step.entry
    if step.kind == "dense":
        return step.shape[dense_axes(src).index("u")]
    _, source, _ = readings(
        step.shape, src, dst, entry.kind, (entry.src_options, entry.dst_options)
    )
    by_letter = dict(zip(source.letters, step.shape))
    groups = by_letter.get("g") or entry.groups or 1
    if step.kind == "depthwise_conv":
        groups = by_letter.get("c", groups)
    return by_letter.get("o", by_letter.get("m", 0) * groups)


def _order_differs(src: str, dst: str) -> bool:
    """Whether the two families flatten an image in different orders."""
    w = np.arange(8).reshape(8, 1)
    try:
        w = convert_dense(w, "keras", src)
        result = convert_dense(w, src, dst, image=(2, 2, 2))
        return bool((result != convert_dense(w, src, dst)).any())
    except UniconvError:
        return False


# What happens to an array


def _step(name: str, shape: Shape, src: str, dst: str, entry: Entry | None) -> Conversion:
    """What happens to one array, or why nothing can."""
    by_rule = rule(name, len(shape))
    if entry is not None and not entry.kind:  # only a new name
        entry = replace(by_rule, rename=entry.rename) if by_rule else None
    entry = entry or by_rule
    if entry is None:
        choice = " or ".join(f'"{kind}"' for kind in ("keep", *_possible(len(shape))))
        problem = f'its name does not tell what it is: say {{"{name}": ...}} in the map, {choice}'
        return Conversion(name, shape, Entry("?", ""), name, shape, problem=problem)
    if entry.kind == "skip":
        return Conversion(name, shape, entry, None, (), "left out")
    step = Conversion(name, shape, entry, entry.rename or name, shape, "as it is")
    if entry.kind == "keep":
        return step
    try:
        probe = torch.empty(shape, device="meta")
        new = tuple(_convert(probe, entry, src, dst, contiguous=False).shape)
        return replace(step, new_shape=new, how=_how(entry, shape, src, dst))
    except UniconvError as error:
        return replace(step, problem=str(error))


def _possible(ndim: int) -> tuple[str, ...]:
    """The kinds that an array of so many axes may be of."""
    return CONVOLUTIONS if ndim > 2 else ("dense",)


def _how(entry: Entry, shape: Shape, src: str, dst: str) -> str:
    """The axes before and after, in words."""
    if entry.kind in CONVOLUTIONS:
        options = (entry.src_options, entry.dst_options)
        _, before, after = readings(shape, src, dst, entry.kind, options)
        reversal = ", reversed" if before.reverse != after.reverse else ""
        return f"{before.layout.w} -> {after.layout.w}{reversal}"
    image, layouts = entry.image or (), (entry.src_layout, entry.dst_layout)
    return " -> ".join(dense_pattern(n, image, at) for n, at in zip((src, dst), layouts))


def _convert(a: Any, entry: Entry, src: str, dst: str, *, contiguous: bool) -> Any:
    """One array, as its entry says."""
    if entry.kind == "keep":
        return a
    if entry.kind == "dense":
        return convert_dense(
            a,
            src,
            dst,
            image=entry.image,
            src_layout=entry.src_layout,
            dst_layout=entry.dst_layout,
            contiguous=contiguous,
        )
    return convert_kernel(
        a,
        src,
        dst,
        entry.kind,
        entry.groups,
        src_options=entry.src_options,
        dst_options=entry.dst_options,
        contiguous=contiguous,
    )


def _converted(
    weights: Weights,
    steps: Iterable[Conversion],
    src: str,
    dst: str,
    *,
    contiguous: bool,
    advance: Callable[[], object] = lambda: None,
) -> Iterator[tuple[str, Any]]:
    """The arrays one at a time, converted."""
    by_name = {step.name: step for step in steps}
    for name, a in _pairs(weights):
        step = by_name[name]
        if step.becomes is not None:
            yield step.becomes, _convert(a, step.entry, src, dst, contiguous=contiguous)
        advance()


def _pairs(weights: Weights) -> Iterator[tuple[str, Any]]:
    """Names and arrays, from memory or one at a time from a file."""
    if isinstance(weights, Mapping):
        yield from weights.items()
    else:
        yield from map(attrgetter("name", "array"), files.stream(weights))  # keeps no reference


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


@contextmanager
def _advance(total: int, show_bar: bool) -> Iterator[Callable[[], object]]:
    """What moves the progress bar by one array; nothing where there is none to show."""
    if not (show_bar and sys.stderr.isatty()):
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

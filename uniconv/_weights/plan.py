"""What happens to every array of a network, from its name and its shape alone.

First each array by itself: an entry of the user's map, what training left, or a rule tells its
kind.  Then what several arrays are together: weight norm's two, BatchNorm's four.  Last the whole
is checked: no two of one name, kernels that give what the bias beside them has, or that are
converted already, and Dense kernels that may follow a Flatten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from uniconv._canonical.record import Shape
from uniconv._messages import show, suggest
from uniconv._weights import batch_norm, weight_norm
from uniconv._weights.conversion import (
    DEFAULT,
    Conversion,
    Recipe,
    Settings,
    Shapes,
    kept,
    left_out,
)
from uniconv._weights.dense import convert_dense, dense_axes, dense_pattern, family_of
from uniconv._weights.doubts import depthwise, oblong
from uniconv._weights.fold import folded
from uniconv._weights.kernel import convert_kernel, readings
from uniconv._weights.name_map import (
    CONVOLUTIONS,
    Entry,
    NameMap,
    bias_names,
    entry_for,
    read_map,
    rule,
    single,
    split_name,
)
from uniconv._weights.training import training_state
from uniconv._weights.twice import converted_by_model, converted_by_sizes, transposed_by_sizes
from uniconv.errors import BadOption, UniconvError

Steps = list[Conversion]
_KERNELS = (*CONVOLUTIONS, "dense")
# Families whose variables have ``:0`` behind their names and the layer's name twice before them.
_DOUBLED = ("keras", "tf")
# The family whose arrays have two axes at least.
_COLUMNS = "matlab_dl"
_GRAPH = "the file's graph"
NO_KINDS: Mapping[str, str] = {}
NO_EPS: Mapping[str, float] = {}
# Families whose Dense kernel is (in, out) or (out, in), with images whose channels are first: ONNX.
_MATRICES = {"dense_in_out": "paddle", "dense_out_in": "pytorch"}
_LENGTH = "weight norm's length"
# Families that have torch's counter of batches.
_COUNTING = ("pytorch", "tinygrad")


def plan(
    shapes: Shapes,
    src: str,
    dst: str,
    *,
    names: NameMap = None,
    settings: Settings = DEFAULT,
    kinds: Mapping[str, str] = NO_KINDS,
    eps: Mapping[str, float] = NO_EPS,
) -> Steps:
    """What ``convert_state_dict`` would do with every array, without doing it.

    ``shapes`` has the shape of each array by name; ``kinds`` and ``eps``, those of ``NamedArray``,
    what the file itself tells of some; the other arguments are those of ``convert_state_dict``.

    >>> step, = plan({"conv2d/kernel": (3, 2, 4, 5)}, "keras", "knet")
    >>> step.kind, step.how, step.why
    ('conv', '... i o -> ... i o, reversed', 'named kernel, 4 axes')
    """
    families = [family_of(name).name for name in (src, dst)]  # refuses what is none
    _check_settings(settings)
    entries = read_map(names)
    matches = {name: entry_for(name, entries) for name in shapes}
    keys = {match[0] for match in matches.values() if match}
    for key in entries:
        if key not in keys:
            hint = suggest(key, matches)
            raise BadOption(f"the map has {show(key)}, which is no array's name{hint}")
    steps = []
    for name in shapes:
        match = matches[name]
        entry = match[1] if match else None
        if entry is None and name in kinds:
            entry = _graph_entry(kinds[name], shapes[name])
        left = None if entry else _left_by_training(name, shapes, families[1], settings.keep_all)
        steps.append(left or _step(name, shapes, src, dst, entry))
    steps = _weight_normed(steps, src, dst, settings)
    steps = _batch_normed(steps, src, dst, families[1], settings, eps)
    steps = _single_names(steps, families[0])
    steps = _contradicted(_distinct(steps), src, dst, settings)
    return _doubted(_warned(steps, src, dst), src, dst, settings)


def _check_settings(settings: Settings) -> None:
    """An error for what is asked in no word that is known."""
    if settings.weight_norm not in ("fold", "keep"):
        raise BadOption(f'weight_norm={show(settings.weight_norm)} is not one of "fold", "keep"')
    eps = settings.eps
    number = isinstance(eps, (int, float)) and not isinstance(eps, bool)
    if eps is not None and not (number and 0 <= eps < 2):
        raise BadOption(f"eps={eps!r} must be a number of at least 0, and small")
    follows = settings.fold_batchnorm
    if not isinstance(follows, (bool, Mapping)):
        raise BadOption(f"fold_batchnorm={follows!r} must be True, False or a mapping of names")


# One array by itself


def _graph_entry(kind: str, shape: Shape) -> Entry | None:
    """What the file's own graph says of an array; a matrix may also be a vector, or a stack."""
    if kind not in _MATRICES:
        return Entry(kind, _GRAPH)
    return Entry("dense", _GRAPH, source=_MATRICES[kind]) if len(shape) == 2 else None


def _left_by_training(name: str, shapes: Shapes, dst: str, keep_all: bool) -> Conversion | None:
    """The step of what training left; with ``keep_all`` it is converted as its variable is."""
    state = training_state(name, shapes[name], shapes)
    if state is None or (name.endswith("num_batches_tracked") and dst in _COUNTING):
        return None
    what, owner = state
    if not keep_all:
        return left_out(name, shapes[name], what)
    return None if owner or len(shapes[name]) < 2 else kept(name, shapes[name], what)


def _step(name: str, shapes: Shapes, src: str, dst: str, entry: Entry | None) -> Conversion:
    """What happens to one array, or why nothing can."""
    shape = shapes[name]
    by_rule = _rule(name, shapes)
    if entry is not None and not entry.kind:  # only a new name
        entry = replace(by_rule, rename=entry.rename) if by_rule else None
    entry = entry or by_rule
    if entry is None and family_of(src).name == _COLUMNS and len(shape) == 2 and 1 in shape:
        step = kept(name, shape, "a row or column is MATLAB's vector")
        recipe = Recipe((), lambda a: a.reshape(-1))
        return replace(step, new_shape=(max(shape),), how="one axis", recipe=recipe)
    if entry is None:
        choice = " or ".join(f'"{kind}"' for kind in ("keep", *_possible(len(shape))))
        problem = f'its name does not tell what it is: say {{"{name}": ...}} in the map, {choice}'
        return Conversion(name, shape, Entry("?", ""), name, shape, problem=problem)
    if entry.kind == "skip":
        return left_out(name, shape, entry.why)
    step = Conversion(name, shape, entry, entry.rename or name, shape, "as it is")
    return step if entry.kind == "keep" else _laid_out(step, src, dst)


def _laid_out(step: Conversion, src: str, dst: str) -> Conversion:
    """The step of a kernel with its shape afterwards, or with why ``dst`` has no such kernel."""
    entry = step.entry
    try:
        probe = torch.empty(step.shape, device="meta")
        new = tuple(converted(probe, entry, src, dst, contiguous=False).shape)
        return replace(step, new_shape=new, how=_how(entry, step.shape, src, dst))
    except UniconvError as error:
        return replace(step, problem=str(error))


def _rule(name: str, shapes: Shapes) -> Entry | None:
    """What the name tells, that of its variable for a slot, with the bias beside it."""
    state = training_state(name, shapes[name], shapes)
    owner = state[1] if state and state[1] else name
    biases = [shapes[b] for b in bias_names(owner) if b in shapes and len(shapes[b]) == 1]
    shape = shapes[name]
    bias = len(shape) == 2 and any(b[0] in shape for b in biases)
    return rule(owner, len(shape), bias=bias)


def _possible(ndim: int) -> tuple[str, ...]:
    """The kinds that an array of so many axes may be of."""
    return CONVOLUTIONS if ndim > 2 else ("dense",)


def _how(entry: Entry, shape: Shape, src: str, dst: str) -> str:
    """The axes before and after, in words."""
    if entry.kind in CONVOLUTIONS:
        options = (entry.src_options, entry.dst_options)
        _, before, after = readings(shape, entry.source or src, dst, entry.kind, options)
        reversal = ", reversed" if before.reverse != after.reverse else ""
        return f"{before.layout.w} -> {after.layout.w}{reversal}"
    image, layouts = entry.image or (), (entry.src_layout, entry.dst_layout)
    names = (entry.source or src, dst)
    return " -> ".join(dense_pattern(n, image, at) for n, at in zip(names, layouts))


def converted(a: Any, entry: Entry, src: str, dst: str, *, contiguous: bool) -> Any:
    """One array, as its entry says."""
    if entry.kind == "keep":
        return a
    if entry.kind == "dense":
        return convert_dense(
            a,
            entry.source or src,
            dst,
            image=entry.image,
            src_layout=entry.src_layout,
            dst_layout=entry.dst_layout,
            contiguous=contiguous,
        )
    return convert_kernel(
        a,
        entry.source or src,
        dst,
        entry.kind,
        entry.groups,
        src_options=entry.src_options,
        dst_options=entry.dst_options,
        contiguous=contiguous,
    )


# What several arrays are together


def _single_names(steps: Steps, src: str) -> Steps:
    """Names without Keras's second copy of the layer's, where two do not become one by it."""
    if src not in _DOUBLED:
        return steps
    names = Counter(single(step.becomes) for step in steps if step.becomes is not None)
    result = []
    for step in steps:
        alone = step.becomes is not None and names[single(step.becomes)] == 1
        renamed = step.entry.rename is not None
        name = single(step.becomes) if step.becomes and alone and not renamed else step.becomes
        result.append(replace(step, becomes=name))
    return result


def _weight_normed(steps: Steps, src: str, dst: str, settings: Settings) -> Steps:
    """Each direction with its length as the kernel that they stand for, or both kept as kernels."""
    by_name = {step.name: step for step in steps if not step.mapped}
    pairs = weight_norm.pairs({name: step.shape for name, step in by_name.items()})
    changes: dict[str, Conversion] = {}
    for direction, (length, kernel) in pairs.items():
        v, g = by_name[direction], by_name[length]
        entry = _rule(kernel, {s.name: s.shape for s in steps} | {kernel: v.shape})
        wrong = weight_norm.problem(g.shape, v.shape)
        if entry is None or wrong:
            unknown = f'nothing tells what {kernel} is: say {{"{direction}": ...}} in the map'
            changes[direction] = replace(v, problem=wrong or unknown)
            changes[length] = left_out(length, g.shape, "weight norm")
        elif settings.weight_norm == "fold":
            recipe = weight_norm.fold(length)
            step = Conversion(direction, v.shape, entry, kernel, v.shape, recipe=recipe)
            step = _laid_out(step, src, dst)
            changes[direction] = replace(step, how=f"{step.how}, times {length} / norm")
            changes[length] = left_out(length, g.shape, "weight norm", f"goes into {kernel}")
        else:
            for part in (v, g) if len(g.shape) == len(v.shape) else (v,):
                own = entry if part is v else replace(entry, why=f"{_LENGTH} of {direction}")
                step = Conversion(part.name, part.shape, own, part.name, part.shape)
                changes[part.name] = _laid_out(step, src, dst)
    return [changes.get(step.name, step) for step in steps]


def _batch_normed(
    steps: Steps,
    src: str,
    dst: str,
    family: str,
    settings: Settings,
    eps: Mapping[str, float],
) -> Steps:
    """BatchNorm's arrays in the words of ``dst``, or folded into the layers before them."""
    own = {s.name: s.shape for s in steps if not s.mapped and s.kind != "skip"}
    layers = batch_norm.batch_norms(own)
    for layer in layers:  # what the caller says counts, for all
        from_file = (eps[name] for name in layer.names("variance", "moments") if name in eps)
        layer.eps = next(from_file, None) if settings.eps is None else settings.eps
    if settings.fold_batchnorm is False:
        return batch_norm.translated(steps, layers, family)
    steps, others = folded(steps, layers, settings, lambda step: _letters(step, src, dst))
    return batch_norm.translated(steps, others, family)


# The whole


def _distinct(steps: Steps) -> Steps:
    """Refuse a second array of one name."""
    first: dict[str, str] = {}
    for at, step in enumerate(steps):
        if step.becomes is not None:
            other = first.setdefault(step.becomes, step.name)
            if other != step.name:
                problem = f"it would be named {show(step.becomes)}, as {show(other)} is"
                steps[at] = replace(step, problem=step.problem or problem)
    return steps


def _contradicted(steps: Steps, src: str, dst: str, settings: Settings) -> Steps:
    """Leave kernels that are converted already; refuse one that the bias beside it does not fit."""
    kernels = [s for s in steps if s.kind in _KERNELS and not s.problem and not s.mapped]
    kernels = [s for s in kernels if s.why != _GRAPH]  # which is certain, and names no biases
    outputs = _outputs(steps, kernels)
    if settings.like is not None and converted_by_model(kernels, src, dst, settings.like):
        return _left_as_they_are(steps, dst, "the model's sizes say")
    if settings.like is None and converted_by_sizes(kernels, outputs, src, dst, _channels):
        wrong = [s for s in kernels if outputs.get(s.name, -1) not in (-1, _channels(s, src, dst))]
        if not all(transposed_by_sizes(s, outputs[s.name], src, dst, _channels) for s in wrong):
            return _left_as_they_are(steps, dst, "the vectors beside them say")
    refusals: dict[str, str] = {}
    for step in kernels:
        count = _channels(step, src, dst) if step.name in outputs else 0
        if step.name in outputs and outputs[step.name] != count:
            refusals[step.name] = (
                f"{step.why}: taken for a {step.kind} it gives {count} channels, but "
                f"{_bias_beside(step, steps)} has {outputs[step.name]}: say what it is, "
                f'{{"{step.name}": ...}} in the map'
            )
    return [replace(s, problem=refusals[s.name]) if s.name in refusals else s for s in steps]


def _outputs(steps: Steps, kernels: Steps) -> dict[str, int]:
    """How many outputs each kernel has by the bias beside it."""
    lengths = {step.name: step.shape[0] for step in steps if len(step.shape) == 1}
    outputs = {}
    for step in kernels:
        shared = split_name(step.name)[1] in ("depthwise_kernel", "depthwise_weights")
        if not shared and not step.why.startswith(_LENGTH):
            # a separable layer has one bias, of its pointwise kernel
            bias = _bias_beside(step, steps)
            if bias:
                outputs[step.name] = lengths[bias]
    return outputs


def _bias_beside(kernel: Conversion, steps: Steps) -> str:
    """The vector that is called the bias of a kernel; "" where there is none."""
    vectors = {step.name for step in steps if len(step.shape) == 1}
    names = [*bias_names(kernel.name), *bias_names(kernel.becomes or kernel.name)]
    return next((name for name in names if name in vectors), "")


def _left_as_they_are(steps: Steps, dst: str, reason: str) -> Steps:
    """The steps with every kernel kept; the first of them says so in a warning."""
    why = f"laid out for {dst} already"
    warning = f"it and the other kernels are {why}, {reason}: they stay as they are"
    result = []
    for step in steps:
        if step.kind in _KERNELS and not step.mapped and step.becomes is not None:
            entry = Entry("keep", why)
            step = replace(step, entry=entry, new_shape=step.shape, how="as it is", problem="")
            step, warning = replace(step, warning=warning), ""
        result.append(step)
    return result


def _warned(steps: Steps, src: str, dst: str) -> Steps:
    """Mark a Dense kernel whose features may be those of a flattened image."""
    channels = 0
    for at, step in enumerate(steps):
        if step.problem:
            continue
        if step.kind in CONVOLUTIONS:
            channels = _channels(step, src, dst)
        elif step.kind == "dense":
            own = step.entry.source or src
            features = step.shape[dense_axes(own).index("f")]
            of_image = channels > 1 and features > channels and features % channels == 0
            if of_image and not step.why.startswith("map") and _order_differs(own, dst):
                text = (
                    f"it reads {features} = {channels} * {features // channels} features: after a "
                    f'Flatten, say {{"{step.name}": {{"kind": "dense", "image": [{channels}, H, '
                    f'W]}}}} in the map; else {{"{step.name}": "dense"}}'
                )
                steps[at] = replace(step, warning=text)
            channels = 0
    return steps


def _doubted(steps: Steps, src: str, dst: str, settings: Settings) -> Steps:
    """Warn of what is most likely a mistake, at the first array of it."""
    unsaid = [s for s in steps if not (s.problem or s.mapped or s.why == _GRAPH)]
    doubts = [depthwise(unsaid, src, dst, (family_of(src), family_of(dst)))]
    if settings.like is None:
        doubts.append(oblong(unsaid, src, dst, _outputs(steps, unsaid)))
    words = {name: text for name, text in doubts if name}
    return [replace(s, warning=s.warning or words[s.name]) if s.name in words else s for s in steps]


def _letters(step: Conversion, src: str, dst: str) -> Sequence[str]:
    """The axes of a kernel as its source has them."""
    entry = step.entry
    if step.kind == "dense":
        return dense_axes(entry.source or src)
    options = (entry.src_options, entry.dst_options)
    _, source, _ = readings(step.shape, entry.source or src, dst, entry.kind, options)
    return source.letters


def _channels(step: Conversion, src: str, dst: str) -> int:
    """How many channels a convolution or a Dense layer gives."""
    entry = step.entry
    by_letter = dict(zip(_letters(step, src, dst), step.shape))
    if step.kind == "dense":
        return by_letter["u"]
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

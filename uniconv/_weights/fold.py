"""BatchNorm folded into the layer before it: w scale / sqrt(variance + eps), and a bias.

    y = scale (conv(x, w) + b - mean) / sqrt(variance + eps) + offset
      = conv(x, w f) + (b - mean) f + offset                     f = scale / sqrt(variance + eps)

Which layer is before it no array says: torch's lists are in the order in which layers were made,
and a ``bn1`` beside a ``conv1`` stands in front of it in some networks and behind it in others.  So
a layer folds by itself only where its name lies inside the convolution's (slim's
``Conv/BatchNorm``, Darknet's sections); of others the caller says what they follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from uniconv._messages import show
from uniconv._weights.batch_norm import ROLES, BatchNorm, vector_of
from uniconv._weights.conversion import Conversion, Recipe, Settings, kept, left_out
from uniconv._weights.name_map import BIASES, CONVOLUTIONS, bias_names, filled, split_name
from uniconv.errors import BadOption

Follows = bool | Mapping[str, str]
# What the bias of a kernel is called that had none, by the word for the kernel.
_BIAS_OF = {"weights": "biases", "filters": "biases", "depthwise_weights": "biases"}
_BIAS_OF |= {"W": "b", "w": "b", "pointwise_weights": "biases"}


def folded(
    steps: list[Conversion],
    layers: Sequence[BatchNorm],
    settings: Settings,
    letters: Callable[[Conversion], Sequence[str]],
) -> tuple[list[Conversion], list[BatchNorm]]:
    """The steps with BatchNorms folded into their layers, and those that are not to be folded.

    ``letters`` tells the axes of a step's kernel; o or u are its outputs, or m in each group.
    """
    by_name = {step.name: step for step in steps}
    changes: dict[str, list[Conversion]] = {}
    used: set[str] = set()
    others: list[BatchNorm] = []
    for layer in layers:
        kernel, problem = _kernel(layer, by_name, settings.fold_batchnorm, used)
        if kernel is not None and not problem:
            problem = _misfit(layer, kernel, letters)
        if kernel is None and not problem:
            others.append(layer)
        elif kernel is None or problem:
            for name in {part.name for part in layer.parts.values()}:
                changes[name] = [replace(by_name[name], problem=problem)]
        else:
            changes |= _changes(layer, kernel, by_name, letters(kernel))
    _check_used(settings.fold_batchnorm, used)
    return [new for step in steps for new in changes.get(step.name, [step])], others


def _kernel(
    layer: BatchNorm, by_name: Mapping[str, Conversion], follows: Follows, used: set[str]
) -> tuple[Conversion | None, str]:
    """The kernel that a BatchNorm follows, or why none is known; neither: it stays."""
    if layer.kernel:
        return by_name[layer.kernel], ""
    outer, _, inner = layer.owner.rpartition("/")
    own = _kernels_of(outer, by_name)
    if inner.startswith("BatchNorm") and len(own) == 1:  # slim: the convolution's own scope
        return own[0], ""
    for key, pattern in follows.items() if isinstance(follows, Mapping) else ():
        owner = filled(key, pattern, layer.owner)
        if owner is not None:
            used.add(key)
            own = _kernels_of(owner, by_name)
            if len(own) == 1:
                return own[0], ""
            return None, f"fold_batchnorm says {show(owner)}, which has {len(own)} kernels, not one"
    if isinstance(follows, Mapping):
        return None, ""
    return None, (
        f"nothing tells which convolution {layer.owner} follows: say "
        f'fold_batchnorm={{"{layer.owner}": "conv"}} or --fold-batchnorm {layer.owner}=conv; '
        "a * stands for the same in both"
    )


def _kernels_of(owner: str, by_name: Mapping[str, Conversion]) -> list[Conversion]:
    """The kernels whose name, in the file or when it is put together, is the owner's and a word."""
    own = []
    for step in by_name.values():
        if step.kind in (*CONVOLUTIONS, "dense") and step.becomes is not None:
            names = {split_name(step.name), split_name(step.becomes)}
            if any(plain[: -len(leaf) - 1] == owner for plain, leaf in names):
                own.append(step)
    return own


def _misfit(
    layer: BatchNorm,
    kernel: Conversion,
    letters: Callable[[Conversion], Sequence[str]],
) -> str:
    """Why a BatchNorm cannot be folded into that kernel; "" where it can."""
    if kernel.problem:
        return f"it follows {kernel.name}, which cannot be converted"
    sizes = dict(zip(letters(kernel), kernel.shape))
    outputs = sizes.get("o", sizes.get("u"))
    n = layer.channels
    fits = n == outputs if outputs else n % sizes["m"] == 0 and not sizes["c"] % (n // sizes["m"])
    if not fits:
        return f"it has {n} channels, which {kernel.name} {kernel.shape} does not give"
    if layer.eps is None:
        return (
            "the file does not say its eps: give eps=, or --eps (where nobody set it, PyTorch's "
            "layer has 1e-5, Keras's and slim's 1e-3, Flax's 1e-5, Caffe's 1e-5)"
        )
    return ""


def _changes(
    layer: BatchNorm,
    kernel: Conversion,
    by_name: Mapping[str, Conversion],
    letters: Sequence[str],
) -> dict[str, list[Conversion]]:
    """The steps of the kernel, of its bias, and of the BatchNorm's arrays, which go into both."""
    eps = layer.eps or 0.0
    names, values = _values(layer, by_name, eps)
    base = kernel.recipe or Recipe((), lambda w: w)
    width = len(base.parts)

    def scaled_kernel(w: Tensor, *others: Tensor) -> Tensor:
        factor, _ = values(others[width:], eps)
        return _scaled(base.function(w, *others[:width]), factor, letters)

    def shifted_bias(bias: Tensor, *others: Tensor) -> Tensor:
        factor, shift = values(others, eps)
        return bias.reshape(-1) * factor + shift

    def shift_alone(_: Tensor, *others: Tensor) -> Tensor:
        return values(others, eps)[1]

    how = f"{kernel.how}, times {layer.owner}'s scale / sqrt(variance + {eps:g})"
    recipe = Recipe((*base.parts, *names), scaled_kernel)
    why = f"BatchNorm folded into {kernel.becomes}"
    changes = {
        name: [left_out(name, by_name[name].shape, why, "goes into the kernel and its bias")]
        for name in names
    }
    for name in by_name:  # torch's counter would be of a layer that is gone
        if name.startswith(layer.owner) and name[len(layer.owner) + 1 :] == "num_batches_tracked":
            changes[name] = [left_out(name, by_name[name].shape, why)]
    changes[kernel.name] = [replace(kernel, recipe=recipe, how=how)]
    biases = [*bias_names(kernel.name), *bias_names(kernel.becomes or kernel.name)]
    bias = next((by_name[n] for n in biases if n in by_name and n not in names), None)
    if bias is None or bias.becomes is None:
        new = kept(kernel.name, (layer.channels,), why, _bias_name(kernel.becomes or kernel.name))
        new = replace(new, recipe=Recipe(names, shift_alone), how="offset - mean * factor")
        changes[kernel.name].append(new)
    else:
        how = "(bias - mean) * factor + offset"
        changes[bias.name] = [replace(bias, recipe=Recipe(names, shifted_bias), how=how)]
    return changes


def _values(
    layer: BatchNorm, by_name: Mapping[str, Conversion], eps: float
) -> tuple[tuple[str, ...], Callable[[Sequence[Tensor], float], tuple[Tensor, Tensor]]]:
    """The arrays that a fold needs, and what makes factor and shift of them."""
    vectors = {role: vector_of(layer, role, by_name, eps) for role in ROLES}
    names = tuple(dict.fromkeys(n for own in vectors.values() if own for n in own[0]))

    def factor_and_shift(arrays: Sequence[Tensor], eps: float) -> tuple[Tensor, Tensor]:
        known = dict(zip(names, arrays))
        value = {r: own[1](*(known[n] for n in own[0])) for r, own in vectors.items() if own}
        factor = (value["variance"] + eps).rsqrt() * value.get("scale", torch.ones(()))
        return factor, value.get("offset", torch.zeros(())) - value["mean"] * factor

    return names, factor_and_shift


def _scaled(w: Tensor, factor: Tensor, letters: Sequence[str]) -> Tensor:
    """The kernel with each output's numbers times that output's factor.

    Outputs are an axis of their own (o, u), or those of one group (m) for each group, which is a
    part of the axis of all inputs (c).
    """
    sizes = dict(zip(letters, w.shape))
    if "m" not in sizes:
        return w * factor.reshape([-1 if letter in ("o", "u") else 1 for letter in letters])
    groups = len(factor) // sizes["m"]
    split: list[int] = []
    view: list[int] = []
    for letter in letters:
        split += [groups, sizes["c"] // groups] if letter == "c" else [sizes[letter]]
        view += [groups, 1] if letter == "c" else [sizes["m"] if letter == "m" else 1]
    by_group = factor.reshape(groups, sizes["m"])
    if letters.index("m") < letters.index("c"):
        by_group = by_group.T
    return (w.reshape(split) * by_group.reshape(view)).reshape(w.shape)


def _bias_name(kernel: str) -> str:
    """What the bias of a kernel of that name is called, where it had none."""
    plain, leaf = split_name(kernel)
    word = _BIAS_OF.get(leaf, BIASES[0])
    return plain.removesuffix(leaf) + word


def _check_used(follows: Follows, used: set[str]) -> None:
    """An error for a pattern that no BatchNorm's name fits."""
    for key in follows if isinstance(follows, Mapping) else ():
        if key not in used:
            raise BadOption(f"fold_batchnorm has {show(key)}, which is no BatchNorm's name")

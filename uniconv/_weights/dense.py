"""Kernels of Dense layers: which axis is in, and the order in which Flatten laid out its rows."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from uniconv._canonical.arrays import kind_name
from uniconv._canonical.layout import Layout
from uniconv._canonical.transpose import rearranged
from uniconv._messages import either, show
from uniconv.errors import BadArray, BadOption, BadShape, CannotExpress, UnknownName, from_one_frame
from uniconv.spec.framework import Framework
from uniconv.spec.registry import find, framework, framework_of, frameworks
from uniconv.spec.values import integers


@from_one_frame
def convert_dense(
    w: Any,
    src: str,
    dst: str,
    *,
    image: Sequence[int] | None = None,
    src_layout: str | None = None,
    dst_layout: str | None = None,
    contiguous: bool = False,
) -> Any:
    """A Dense kernel as another framework wants it: axes exchanged, features in its order.

    ``src`` and ``dst`` have it as (in, out), or as (out, in).  Behind a Flatten its features are
    the pixels of an image, in the order of memory: ``h w c`` in channels-last frameworks, ``c h w``
    in channels-first ones.  A Julia array runs backwards: its first axis is the fastest, so that
    x[h, w, c, n] comes as ``c w h`` and x[w, h, c, n] as ``c h w``.

    Args:
        w: an array of two axes, as ``convert_kernel`` takes it.
        src, dst: families or functions of them: (in, out) for keras, tf, flax, jax, paddle,
            lasagne and cntk, (out, in) for pytorch, mlx, chainer, mxnet, knet and flux.
        image: the image before the Flatten, channels first: (C, H, W), (C, W) or (C, D, H, W), the
            spatial sizes in the order in which ``convert_kernel`` keeps the axes.  None where the
            layer follows no Flatten.
        src_layout, dst_layout: how the image is laid out, where it is not the framework's default:
            "WHCN" for a Julia network whose first axis is the width, "NCHW" for Keras with
            channels first (not where Flatten has data_format="channels_first": it moves the
            channels last).
        contiguous: as for ``convert_kernel``.

    Returns:
        The Dense kernel as ``dst`` has it, of w's kind and dtype.

    Raises:
        UnknownName: no such family, or one without a Dense layer of its own.
        BadOption: an image or layout that is none, or a layout without an image.
        BadShape: w has not two axes, or other features than the image has pixels.
        BadArray: no array, or one of a dtype that is no number.
        CannotExpress: a family without images of that many axes.

    >>> import numpy as np
    >>> convert_dense(np.array([[1, 2, 3]]), "keras", "pytorch").tolist()
    [[1], [2], [3]]

    Two channels, one row, two columns, one unit: (w0 c0), (w0 c1), (w1 c0), (w1 c1) in Keras.

    >>> w = np.array([[1], [2], [3], [4]])
    >>> convert_dense(w, "keras", "pytorch", image=(2, 1, 2)).tolist()
    [[1, 3, 2, 4]]

    Source: each framework's Dense layer, as ``Framework.dense`` has it; keras 3.15.1
    keras/src/layers/reshaping/flatten.py; MLUtils.jl src/utils.jl flatten.
    """
    letters = (dense_axes(src), dense_axes(dst))
    shape = _shape(w, src)
    sizes = dict(zip(letters[0], shape))
    features = [["f"], ["f"]]
    if image is not None:
        pixels = _pixels(image)
        _check_features(src, letters[0], shape, tuple(pixels.values()))
        sizes |= pixels
        spatial = [a for a in pixels if a != "c"]
        features = [_features(src, src_layout, spatial), _features(dst, dst_layout, spatial)]
    elif src_layout is not None or dst_layout is not None:
        word, layout = ("src", src_layout) if src_layout is not None else ("dst", dst_layout)
        raise BadOption(
            f"{word}_layout={show(layout)} is how an image before a Flatten is laid out: give "
            "image=(C, H, W), too"
        )
    before, after = (
        [a for letter in own for a in (order if letter == "f" else [letter])]
        for own, order in zip(letters, features)
    )
    return rearranged(
        w,
        split=[sizes[a] for a in before],
        order=[before.index(a) for a in after],
        shape=[sizes[letter] for letter in letters[1]],
        contiguous=contiguous,
    )


def _pixels(image: Sequence[int]) -> dict[str, int]:
    """The sizes of an image (C, H, W) by letter: c, s0, s1, ..."""
    sizes = integers(image)
    if sizes is None or not 2 <= len(sizes) <= 4 or min(sizes) < 1:
        raise BadOption(f"image={image!r} must be (C, H, W): 2 to 4 integers of at least 1")
    return dict(zip(("c", *(f"s{i}" for i in range(len(sizes) - 1))), sizes))


def _check_features(
    src: str, letters: Sequence[str], shape: tuple[int, ...], image: tuple[int, ...]
) -> None:
    """An error where an image has other pixels than the kernel has features."""
    features = shape[letters.index("f")]
    if features != prod(image):
        product = " * ".join(map(str, image))
        raise BadShape(
            f"{src}: w {shape} read as {show(_in_words(letters))} has {features} features in; an "
            f"image of shape {image} has {product} = {prod(image)}"
        )


def dense_axes(name: str) -> list[str]:
    """The letters of a family's Dense kernel: f features in, u units out."""
    family = family_of(name)
    if not family.dense:
        raise UnknownName(
            f"{family.name} has no Dense layer of its own: name a family with one, "
            f"{either([n for n, f in frameworks().items() if f.dense])}"
        )
    return family.dense.split()


def dense_pattern(name: str, image: Sequence[int] = (), layout: str | None = None) -> str:
    """A family's Dense kernel in words, the features of a flattened image one by one.

    >>> dense_pattern("keras"), dense_pattern("pytorch", (8, 4, 4))
    ('in out', 'out (c s0 s1)')
    """
    words = _in_words(dense_axes(name))
    if not image:
        return words
    features = _features(name, layout, [f"s{i}" for i in range(len(image) - 1)])
    return words.replace("in", f"({' '.join(features)})")


def family_of(name: str) -> Framework:
    """The framework of that name, or of that function."""
    return framework(name) or framework_of(find(name))


def _features(name: str, layout: str | None, spatial: list[str]) -> list[str]:
    """The letters of an image in the order in which Flatten lays them out, the slowest first."""
    if layout is not None:
        letters = "DHW"[-len(spatial) :]
        if not isinstance(layout, str) or sorted(layout) != sorted(f"NC{letters}"):
            raise BadOption(f"layout={layout!r} must have the letters N, C, {', '.join(letters)}")
        by_letter = dict(zip(letters, spatial)) | {"N": "n", "C": "c"}
        pattern = [by_letter[letter] for letter in layout]
    else:
        pattern = list(_image(name, len(spatial)).letters(len(spatial)).x)
    backwards = pattern[-1] == "n"
    order = [a for a in pattern if a != "n"]
    return order[::-1] if backwards else order


def _image(name: str, rank: int) -> Layout:
    """The layout of the images of a family or function."""
    dialect = framework(name)
    op = find(name) if dialect is None else None
    if dialect is not None and rank in dialect.main.get("conv", {}):
        op = find(dialect.main["conv"][rank])
    fitting = [at for at in (op.layouts if op else ()) if rank in at.ranks]
    if not fitting:
        raise CannotExpress(name, "rank", f"it has no convolution of {rank} spatial axes")
    if "c" not in fitting[0].x.split():
        raise CannotExpress(name, "channels", "its images have no channels")
    return fitting[0]


def _shape(w: Any, src: str) -> tuple[int, ...]:
    """The two sizes of a Dense kernel."""
    try:
        shape = tuple(w.shape)
    except (AttributeError, RuntimeError):
        raise BadArray(f"w is a {kind_name(w)}, no array") from None
    if len(shape) != 2:
        axes_word = "axis" if len(shape) == 1 else "axes"
        words = show(_in_words(dense_axes(src)))
        raise BadShape(f"{src}: w {shape} has {len(shape)} {axes_word}; read as {words} it has 2")
    return shape


def _in_words(letters: Sequence[str]) -> str:
    """The axes as a message shows them: ``in out``."""
    return " ".join({"f": "in", "u": "out"}[letter] for letter in letters)

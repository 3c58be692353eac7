"""uniconv translate: a call, a layer or a file of one framework as code of another."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import uniconv
from uniconv._cli.arguments import UsageError, call_of, integers, is_text, named, read_options
from uniconv._cli.translate_file import translate_file

if TYPE_CHECKING:
    from uniconv._translate.layers import LayerTranslation


def translate_command(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CALL | LAYER | FILE.py | FUNCTION] [NAME=VALUE]...",
            help="A call's or a layer's text; a file; or a function (tf) and its own options.",
        ),
    ] = None,
    *,
    to: Annotated[str, typer.Option(help="The framework, or a function of it.")],
    dialect: Annotated[
        str | None, typer.Option(help="The function, if not the first word.")
    ] = None,
    x_shape: Annotated[str | None, typer.Option(help="The shape of x, as 1,224,224,3.")] = None,
    w_shape: Annotated[str | None, typer.Option(help="The shape of w.")] = None,
    pointwise_shape: Annotated[
        str | None, typer.Option("--pointwise-shape", "--p-shape", help="That of a second kernel.")
    ] = None,
    bias_shape: Annotated[str | None, typer.Option(help="The shape of the bias.")] = None,
    weights: Annotated[
        str, typer.Option(help="Rearrange the kernel once (converted) or in the call (inline).")
    ] = "converted",
    sizes: Annotated[
        str, typer.Option(help="Numbers for this size of x (these), or formulas (any).")
    ] = "these",
    prove: Annotated[bool, typer.Option("--prove", help="Run both sides on integers.")] = False,
    source: Annotated[
        str | None, typer.Option("--from", help="FILE.py: whose calls; by default all others'.")
    ] = None,
    shape: Annotated[
        list[str] | None, typer.Option(help="FILE.py: a kernel's shape, as self.w=3,3,3,8.")
    ] = None,
    in_place: Annotated[bool, typer.Option("--write", help="FILE.py: change the file.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of code.")] = False,
) -> None:
    """Rewrite a call as code of another framework that computes the same numbers.

    uniconv translate 'tf.nn.conv2d(x, w, strides=2, padding="SAME")' --to pytorch
    --x-shape 1,224,224,3 --w-shape 7,7,3,64

    uniconv translate 'keras.layers.Conv2D(64, 3, strides=2, padding="same")' --to pytorch
    --x-shape 1,224,224,3

    uniconv translate model.py --from tf --to pytorch --write

    uniconv translate knet.conv4 padding=1 --to tf --x-shape 8,8,3,1 --w-shape 3,3,3,4 --prove
    """
    first = (words or [""])[0]
    path = Path(first)
    if dialect is None and words == [first] and (first.endswith(".py") or path.is_file()):
        translate_file(path, to=to, source=source, shapes=shape or [], in_place=in_place, json=json)
        return
    if source is not None or shape or in_place:
        raise UsageError("--from, --shape and --write are for a file: uniconv translate model.py")
    name, rest = named(dialect, words or [])
    x = integers("--x-shape", x_shape)
    if w_shape is None and not rest and (layer := _layer(name, to, x)) is not None:
        print(json_module.dumps(layer.as_dict(), indent=2) if json else _shown(layer))
        return
    options, paths = read_options(rest)
    if paths:
        raise UsageError(f"{paths[0]}: write options as name=value, and shapes as --x-shape")
    shapes = {
        "x": x,
        "w": integers("--w-shape", w_shape),
        "bias": integers("--bias-shape", bias_shape),
        "pointwise": integers("--pointwise-shape", pointwise_shape),
    }
    call = call_of(name, shapes, options)
    if call.x is None:
        raise UsageError("give the shapes: --x-shape 1,224,224,3 --w-shape 7,7,3,64")
    translation = uniconv.translate(call, to=to, weights=weights, sizes=sizes)
    proof = translation.prove() if prove else None
    if json:
        answer: dict[str, Any] = translation.as_dict()
        answer |= {} if proof is None else {"proof": proof.as_dict()}
        print(json_module.dumps(answer, indent=2, ensure_ascii=False))
    else:
        print(translation)
        print(f"# {translation.outcome}")
        for note in translation.notes:
            print(f"# {note}")
        if proof is not None:
            print(f"# proof: {proof}")
    if proof is not None and not proof.holds:
        raise typer.Exit(1)


def _layer(text: str, to: str, x: tuple[int, ...] | None) -> LayerTranslation | None:
    """The layer that a text makes in another framework's words; None where it makes none."""
    from uniconv._translate.unsized import UnsizedCall

    call = UnsizedCall.of(text) if is_text(text) else None
    if call is None or call.matched.target.layer is None or "x" in call.matched.arrays:
        return None
    if x is None:
        return uniconv.translate_layer(text, to=to)
    channels, size = call.read_x(x)
    return uniconv.translate_layer(text, to=to, in_channels=channels, size=size)


def _shown(layer: LayerTranslation) -> str:
    """The layer's code, and what is to be known of it."""
    return f"{layer}# {layer.outcome}\n# the axes of x: {layer.axes}"

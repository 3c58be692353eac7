"""uniconv translate: a call of one framework as code of another."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer

import uniconv
from uniconv._cli.arguments import UsageError, call_of, integers, named, read_options


def translate_command(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CALL | FUNCTION] [NAME=VALUE]...",
            help="A call's text; or a function or family (tf) and its own options.",
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
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of code.")] = False,
) -> None:
    """Rewrite a call as code of another framework that computes the same numbers.

    uniconv translate 'tf.nn.conv2d(x, w, strides=2, padding="SAME")' --to pytorch
    --x-shape 1,224,224,3 --w-shape 7,7,3,64

    uniconv translate knet.conv4 padding=1 --to tf --x-shape 8,8,3,1 --w-shape 3,3,3,4 --prove
    """
    name, rest = named(dialect, words or [])
    options, paths = read_options(rest)
    if paths:
        raise UsageError(f"{paths[0]}: write options as name=value, and shapes as --x-shape")
    shapes = {
        "x": integers("--x-shape", x_shape),
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
        told: dict[str, Any] = translation.as_dict()
        told |= {} if proof is None else {"proof": proof.as_dict()}
        print(json_module.dumps(told, indent=2, ensure_ascii=False))
    else:
        print(translation)
        print(f"# {translation.outcome}")
        for note in translation.notes:
            print(f"# {note}")
        if proof is not None:
            print(f"# proof: {proof}")
    if proof is not None and not proof.holds:
        raise typer.Exit(1)

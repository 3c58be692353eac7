"""uniconv layout: in whose layout the kernels of a file lie."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import uniconv
from uniconv._cli.arguments import (
    MaxArrays,
    MaxBytes,
    MaxDepth,
    UsageError,
    left_out,
    model_of,
    within,
)


def layout_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file with the kernels.")],
    *,
    like: Annotated[
        str | None,
        typer.Option(
            "--like",
            metavar="MODEL",
            help="model.py:make, a function that gives the torch model (the file is run); or a "
            "file of weights that PyTorch has.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Only this kernel; default: all of the file.")
    ] = None,
    x_channels: Annotated[int | None, typer.Option(help="The channels of its input.")] = None,
    o: Annotated[int | None, typer.Option("--o", help="The channels of its output.")] = None,
    max_bytes: MaxBytes = None,
    max_depth: MaxDepth = None,
    max_arrays: MaxArrays = None,
) -> None:
    """Tell in which order the axes of kernels lie: "HWIO (tf, keras, flax)", or which may be.

    What training left, such as slots of optimizers, is left out and counted.

    uniconv layout weights.h5 --like model.py:make

    Exit code 0: an order fits, or several do; 1: none does.
    """
    if not file.exists() and not uniconv.files.is_checkpoint(file):
        raise UsageError(f"{file}: No such file or directory")
    limits = within(max_bytes, max_depth, max_arrays)
    shapes: dict[str, tuple[int, ...]] = {}
    uses: dict[str, str | None] = {}
    for array in uniconv.files.stream(file, **limits):
        shapes[array.name], uses[array.name] = array.shape, array.kind
    if name is not None and name not in shapes:
        raise UsageError(f"{file} has no {name}; it has {', '.join(shapes)}")
    # What the file's own graph uses as something else is no kernel, however many axes it has.
    kernels = {name: shape for name, shape in shapes.items() if uses[name] != "keep"}
    w = kernels if name is None else shapes[name]
    model = None if like is None else model_of(like)
    answer = uniconv.which_layout(w, x_channels=x_channels, o=o, like=model)
    typer.echo("\n".join([str(answer), *left_out(answer.left_out.values())]))

"""uniconv layout: in whose layout the kernels of a file lie."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
    from uniconv._weights.training import left_by_training

    limits = within(max_bytes, max_depth, max_arrays)
    arrays: dict[str, Any] = {a.name: a.array for a in uniconv.files.stream(file, **limits)}
    if name is not None and name not in arrays:
        raise UsageError(f"{file} has no {name}; it has {', '.join(arrays)}")
    model = None if like is None else model_of(like)
    w = arrays if name is None else arrays[name]
    answer = uniconv.which_layout(w, x_channels=x_channels, o=o, like=model)
    left = {} if name is not None else left_by_training({n: a.shape for n, a in arrays.items()})
    typer.echo("\n".join([str(answer), *left_out(left.values())]))

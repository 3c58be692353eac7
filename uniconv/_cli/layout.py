"""uniconv layout: in whose layout the kernels of a file lie."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Any

import typer

import uniconv
from uniconv._cli.arguments import UsageError


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
) -> None:
    """Tell in which order the axes of kernels lie: "HWIO (tf, keras, flax)", or which may be.

    uniconv layout weights.h5 --like model.py:make

    Exit code 0: an order fits, or several do; 1: none does.
    """
    if not file.exists() and not uniconv.files.is_checkpoint(file):
        raise UsageError(f"{file}: No such file or directory")
    arrays: dict[str, Any] = {a.name: a.array for a in uniconv.files.stream(file)}
    if name is not None:
        if name not in arrays:
            raise UsageError(f"{file} has no {name}; it has {', '.join(arrays)}")
        arrays = {name: arrays[name]}
    model = None if like is None else _model(like)
    typer.echo(str(uniconv.which_layout(arrays, x_channels=x_channels, o=o, like=model)))


def _model(like: str) -> Any:
    """The model that ``path.py:function`` makes, on no device; or the shapes in a file."""
    path, _, function = like.rpartition(":")
    if not path.endswith(".py"):
        if not Path(like).exists():
            raise UsageError(f"--like {like}: neither model.py:function nor a file of weights")
        return {a.name: a.array.shape for a in uniconv.files.stream(Path(like))}
    import torch

    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if not Path(path).is_file() or spec is None or spec.loader is None:
        raise UsageError(f"--like {like}: there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    make = getattr(module, function, None)
    if not callable(make):
        raise UsageError(f"--like {like}: {path} has no function {function}")
    with torch.device("meta"):
        return make()

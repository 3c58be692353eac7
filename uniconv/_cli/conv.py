"""uniconv conv: one convolution on arrays in files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import uniconv
from uniconv._cli.arguments import (
    UsageError,
    check_device,
    load_array,
    read_options,
    save_array,
    writable,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from uniconv.spec.op import Op


def conv_command(
    x: Annotated[Path, typer.Argument(metavar="X.npy", help="The input.")],
    w: Annotated[Path, typer.Argument(metavar="W.npy", help="The kernel.")],
    rest: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[P.npy] [NAME=VALUE]...",
            help="The pointwise kernel of a separable convolution; the function's own options.",
        ),
    ] = None,
    *,
    dialect: Annotated[str, typer.Option(help="A function or a family, as `uniconv list` has it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write y (.npy).")],
    bias: Annotated[Path | None, typer.Option(help="The bias (.npy).")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, ...")] = None,
) -> None:
    """Run one convolution on arrays in .npy files, laid out as the framework has them.

    uniconv conv --dialect knet.conv4 x.npy w.npy -o y.npy padding=1
    """
    options, more = read_options(rest or [])
    arrays = [load_array(path) for path in (x, w, *more)]
    bias_array = None if bias is None else load_array(bias)
    target = writable(output)
    check_device(device)
    op = _function(dialect, arrays)
    y = getattr(uniconv, op.kind)(*arrays, bias_array, dialect=op.name, device=device, **options)
    save_array(y, target)
    shown = [
        *zip(("x", "w", "p"), arrays, (x, w, *more)),
        ("bias", bias_array, bias),
        ("y", y, output),
    ]
    for role, array, path in shown:
        if array is not None:
            print(f"{role:5}{array.shape!s:20} {array.dtype!s:10} {path}")


def _function(dialect: str, arrays: list[NDArray[Any]]) -> Op:
    """The function meant; a family means its main one for these arrays."""
    from uniconv.spec.registry import find, framework, main

    if framework(dialect):
        kind = "separable_conv" if len(arrays) > 2 else "conv"
        op = main(dialect, kind, arrays[1].ndim)
    else:
        op = find(dialect)
    takes = 3 if op.kind == "separable_conv" else 2
    if len(arrays) != takes:
        raise UsageError(f"{op.name} takes {takes} arrays, got {len(arrays)}")
    return op

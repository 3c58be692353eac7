"""uniconv read: what arrays are in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import uniconv
from uniconv._cli.arguments import (
    MaxArrays,
    MaxBytes,
    MaxDepth,
    UsageError,
    table,
    within,
    writable,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENDINGS = ".safetensors, .npz, .npy, .h5, .mat, .pt"  # of files.WRITERS, which needs NumPy
HEAD = ("name", "shape", "dtype", "digits", "line")


def read_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Any file with arrays, or text.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help=f"Write them to {ENDINGS}."),
    ] = None,
    max_bytes: MaxBytes = None,
    max_depth: MaxDepth = None,
    max_arrays: MaxArrays = None,
) -> None:
    """List the arrays of a file: .npy to .onnx, or text with printed arrays in it.

    uniconv read question.txt -o arrays.npz
    """
    if not file.exists() and not uniconv.files.is_checkpoint(file):
        raise UsageError(f"{file}: No such file or directory")
    limits = within(max_bytes, max_depth, max_arrays)
    rows: list[tuple[str, ...]] = []
    if output is None:
        for _ in _listed(file, rows, limits):
            pass
    else:
        if output.suffix.lower() not in uniconv.files.WRITERS:
            raise UsageError(f"{output} has none of the endings {ENDINGS}")
        uniconv.files.save(writable(output), _listed(file, rows, limits))
    shown = [HEAD, *rows] if any(row[4] for row in rows) else [row[:3] for row in (HEAD, *rows)]
    for line in table(shown):
        typer.echo(line)


def _listed(
    file: Path, rows: list[tuple[str, ...]], limits: dict[str, int]
) -> Iterator[tuple[str, NDArray[Any]]]:
    """The arrays one at a time; ``rows`` gets what is shown of each."""
    for array in uniconv.files.stream(file, **limits):
        digits = "" if array.digits is None else str(array.digits)
        line = "" if array.line is None else str(array.line)
        rows.append((array.name, str(array.shape), str(array.dtype), digits, line))
        yield array.name, array.array

"""uniconv convert: the arrays of a network, in another framework's layouts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uniconv._cli.arguments import UsageError, writable
from uniconv.errors import UniconvError

if TYPE_CHECKING:
    from uniconv._weights.network import Conversion


def convert_command(
    weights: Annotated[Path, typer.Argument(metavar="WEIGHTS", help="A file or a folder.")],
    *,
    src: Annotated[str, typer.Option("--from", help="The framework they are laid out for.")],
    dst: Annotated[str, typer.Option("--to", help="The framework to lay them out for.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write them; its ending counts.")
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option("--map", help="JSON: names or patterns with * -> kinds."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would happen to every array.")
    ] = False,
) -> None:
    """Convert the kernels in a file of arrays; the other arrays stay as they are.

    uniconv convert weights.h5 --from keras --to pytorch -o model.safetensors
    """
    from uniconv import files
    from uniconv._weights.network import plan_steps, write_steps

    there = weights.exists() or files.is_checkpoint(weights)
    for path, missing in ((weights, not there), (names, names is not None and not names.is_file())):
        if missing:
            raise UsageError(f"{path}: there is no such file")
    if not dry_run and output is None:
        raise UsageError("say where to write them: --output FILE; or --dry-run")
    if output is not None:
        writable(output)
    steps = plan_steps(weights, src, dst, names=names)
    refused = [step for step in steps if step.problem]
    if dry_run or refused:
        print_steps(steps)
    if refused:
        raise UniconvError(
            f"{len(refused)} of {len(steps)} arrays cannot be converted; nothing is written"
        )
    if not dry_run and output is not None:
        print_warnings(steps)
        write_steps(weights, steps, src, dst, output, progress=True)
        moved = sum(step.kind not in ("keep", "skip") for step in steps)
        print(f"{output}: {len(steps)} arrays, {moved} of them converted")


def print_steps(steps: list[Conversion]) -> None:
    """A line for every array: before, operation, what happens to its axes, after, why."""
    rows = [("array", "shape", "is", "axes", "becomes", "shape", "because")]
    for step in steps:
        if step.problem:
            rows.append((step.name, str(step.shape), step.kind, "REFUSED", "", "", step.problem))
            continue
        new = ("", "") if step.becomes is None else (step.becomes, str(step.new_shape))
        new = ("", new[1]) if step.becomes == step.name else new
        rows.append((step.name, str(step.shape), step.kind, step.how, *new, step.why))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())
    print_warnings(steps)


def print_warnings(steps: list[Conversion]) -> None:
    for step in steps:
        if step.warning:
            print(f"warning: {step.name}: {step.warning}", file=sys.stderr)

"""uniconv convert: the arrays of a network, in another framework's layouts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from uniconv._cli.arguments import (
    MaxArrays,
    MaxBytes,
    MaxDepth,
    UsageError,
    left_out,
    model_of,
    table,
    within,
    writable,
)
from uniconv.errors import UniconvError

if TYPE_CHECKING:
    from uniconv._weights.conversion import Conversion


def convert_command(
    weights: Annotated[
        Path,
        typer.Argument(
            metavar="WEIGHTS", help="A file, a folder, or what a checkpoint's files begin with."
        ),
    ],
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
    keep_all: Annotated[
        bool,
        typer.Option("--keep-all", help="Optimizer slots, counters and moving averages, too."),
    ] = False,
    keep_weight_norm: Annotated[
        bool, typer.Option("--keep-weight-norm", help="Do not fold weight norm into its kernels.")
    ] = False,
    fold_batchnorm: Annotated[
        list[str] | None,
        typer.Option(
            "--fold-batchnorm",
            metavar="NORM=CONV",
            help="Fold BatchNorm into what it follows, bn*=conv*; auto: by names within names.",
        ),
    ] = None,
    eps: Annotated[
        float | None,
        typer.Option(
            "--eps", help="What BatchNorm adds to the variance; default: what the file says."
        ),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            "--like",
            metavar="MODEL",
            help="model.py:make or a file of PyTorch's weights: tells what is converted already.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what happens to every array as JSON.")
    ] = False,
    max_bytes: MaxBytes = None,
    max_depth: MaxDepth = None,
    max_arrays: MaxArrays = None,
) -> None:
    """Convert the kernels in a file of arrays; the other arrays stay as they are.

    uniconv convert weights.h5 --from keras --to pytorch -o model.safetensors
    """
    from uniconv import files
    from uniconv._weights.conversion import Settings
    from uniconv._weights.network import plan_steps, write_steps

    there = weights.exists() or files.is_checkpoint(weights)
    for path, missing in ((weights, not there), (names, names is not None and not names.is_file())):
        if missing:
            raise UsageError(f"{path}: there is no such file")
    if not dry_run and output is None:
        raise UsageError("say where to write them: --output FILE; or --dry-run")
    if output is not None:
        writable(output)
    limits = within(max_bytes, max_depth, max_arrays)
    settings = Settings(
        keep_all,
        "keep" if keep_weight_norm else "fold",
        _follows(fold_batchnorm),
        eps,
        None if like is None else model_of(like),
    )
    steps = plan_steps(weights, src, dst, names=names, settings=settings, limits=limits)
    refusals = [step for step in steps if step.problem]
    if as_json:
        print(json.dumps([_row(step) for step in steps], indent=1, ensure_ascii=False))
    elif dry_run or refusals:
        print_steps(steps)
    print_warnings(steps)
    if refusals:
        raise UniconvError(
            f"{len(refusals)} of {len(steps)} arrays cannot be converted; nothing is written"
        )
    if not dry_run and output is not None:
        write_steps(weights, steps, src, dst, output, limits=limits, progress=True)
        if not as_json:
            print(_summary(steps, output))


def _follows(words: list[str] | None) -> bool | dict[str, str]:
    """What --fold-batchnorm says: nothing, that names tell, or what follows what."""
    pairs = [word.partition("=") for word in words or () if word != "auto"]
    for norm, sign, conv in pairs:
        if not (norm and sign and conv):
            raise UsageError(f"--fold-batchnorm {norm}{sign}{conv}: say NORM=CONV, or auto")
    return {norm: conv for norm, _, conv in pairs} or bool(words)


def _summary(steps: list[Conversion], output: Path) -> str:
    """How many arrays came along, were converted, and were left out, and what those were."""
    count = sum(step.kind not in ("keep", "skip") for step in steps)
    text = f"{output}: {len(steps)} arrays, {count} of them converted"
    reasons = [step.why for step in steps if step.becomes is None and not step.mapped]
    return "; ".join([text, *left_out(reasons)])


def _row(step: Conversion) -> dict[str, Any]:
    """A step as an object of JSON."""
    return {
        "array": step.name,
        "shape": list(step.shape),
        "is": step.kind,
        "axes": step.how,
        "becomes": step.becomes,
        "new_shape": None if step.becomes is None else list(step.new_shape),
        "because": step.why,
        "problem": step.problem or None,
        "warning": step.warning or None,
    }


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
    for line in table(rows):
        print(line)


def print_warnings(steps: list[Conversion]) -> None:
    """What may be wrong with an array, on stderr."""
    for step in steps:
        if step.warning:
            print(f"warning: {step.name}: {step.warning}", file=sys.stderr)

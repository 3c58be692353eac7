"""uniconv probe: code to paste into a framework, and what it must print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uniconv._cli.arguments import UsageError, load_array, read_options
from uniconv._probe import probe


def probe_command(
    name: Annotated[str, typer.Argument(help="A function or a family: tf.nn.conv2d, knet")],
    rest: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="The function's own options."),
    ] = None,
    *,
    check: Annotated[
        Path | None, typer.Option(help="A result that came back (.npy): say what it is.")
    ] = None,
) -> None:
    """Print code to paste into a framework: small arrays in which no mistake of axes can hide.

    uniconv probe tf.nn.conv2d padding=SAME strides=2

    uniconv probe tf.nn.conv2d padding=SAME strides=2 --check y.npy
    """
    options, more = read_options(rest or [])
    if more:
        raise UsageError(f"{more[0]}: a probe makes its arrays itself; write options as name=value")
    result = None if check is None else load_array(check)
    found = probe(name, **options)
    print(found.code() if result is None else found.check(result))

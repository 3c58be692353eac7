"""uniconv probe: code to paste into a framework, and what it must print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import uniconv
from uniconv._cli.arguments import UsageError, call_of, load_array, named, read_options


def probe_command(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FUNCTION] [NAME=VALUE]...",
            help="A function, a family (knet) or a call's text; its own options.",
        ),
    ] = None,
    *,
    dialect: Annotated[
        str | None, typer.Option(help="The function, if not the first word.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option(help="A result that came back (.npy): say what it is.")
    ] = None,
) -> None:
    """Print code to paste into a framework: small arrays in which no mistake of axes can hide.

    uniconv probe tf.nn.conv2d padding=SAME strides=2

    uniconv probe tf.nn.conv2d padding=SAME strides=2 --check y.npy
    """
    name, rest = named(dialect, words or [])
    options, more = read_options(rest)
    if more:
        raise UsageError(f"{more[0]}: a probe makes its arrays itself; write options as name=value")
    result = None if check is None else load_array(check)
    inputs = uniconv.probe(call_of(name, {}, options))
    print(inputs.code() if result is None else inputs.check(result))

"""uniconv explain: one call step by step, on arrays in files or on shapes alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import uniconv
from uniconv._cli.arguments import (
    UsageError,
    call_of,
    integers,
    load_array,
    named,
    read_options,
    writable,
    write_text,
)


def explain_command(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FUNCTION] [X.npy W.npy [P.npy]] [NAME=VALUE]...",
            help="A function, a family (tf) or a call's text; the arrays; its own options.",
        ),
    ] = None,
    *,
    dialect: Annotated[
        str | None, typer.Option(help="The function, if not the first word.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="The element of y: its position, as 0,0.")] = None,
    batch: Annotated[str, typer.Option(help="Its batch entry (entries, as 0,1).")] = "0",
    channel: Annotated[int, typer.Option(help="Its output channel.")] = 0,
    bias: Annotated[Path | None, typer.Option(help="The bias (.npy).")] = None,
    x_shape: Annotated[str | None, typer.Option(help="The shape of x, as 1,4,4,3.")] = None,
    w_shape: Annotated[str | None, typer.Option(help="The shape of w.")] = None,
    pointwise_shape: Annotated[
        str | None, typer.Option("--pointwise-shape", "--p-shape", help="That of a second kernel.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page to step through.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Show what a call does, with its numbers: padding, kernel, window, products and sum.

    uniconv explain knet.conv4 x.npy w.npy --at 0,0 padding=1 --html page.html

    uniconv explain tf.nn.conv2d --x-shape 1,4,4,3 --w-shape 3,3,3,8 strides=2 padding=SAME

    uniconv explain "F.conv2d(x, w, stride=2)" --x-shape 1,3,8,8 --w-shape 4,3,3,3
    """
    name, rest = named(dialect, words or [])
    options, paths = read_options(rest)
    shapes = {
        "x": integers("--x-shape", x_shape),
        "w": integers("--w-shape", w_shape),
        "pointwise": integers("--pointwise-shape", pointwise_shape),
    }
    if paths and any(shape is not None for shape in shapes.values()):
        raise UsageError("give arrays or shapes, not both")
    if len(paths) not in (0, 2, 3) or (not paths and None in (shapes["x"], shapes["w"])):
        raise UsageError("give x.npy and w.npy, or --x-shape and --w-shape")
    target = None if html is None else writable(html)
    arrays: dict[str, Any] = dict(zip(shapes, map(load_array, paths))) if paths else shapes
    added = None if bias is None else load_array(bias)
    call = call_of(name, arrays | {"bias": added}, options)
    entry = integers("--batch", batch) or (0,)
    explanation = uniconv.explain(
        call,
        at=integers("--at", at),
        batch=entry if len(entry) > 1 else entry[0],
        channel=channel,
    )
    page = explanation.to_html() if target is not None else ""
    print(explanation.to_json() if json else explanation)
    if target is not None:
        write_text(page, target)

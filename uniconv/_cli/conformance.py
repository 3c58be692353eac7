"""uniconv conformance: every function whose framework is installed, against that framework."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uniconv._cli.arguments import UsageError, write_text

if TYPE_CHECKING:
    from uniconv.spec.op import Op


def conformance_command(
    against: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Families and functions, with commas between them."),
    ] = None,
    cases: Annotated[
        int | None, typer.Option(min=1, help="Calls of each function (default: 100 to 300).")
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--html", help="Write the table and all differences, as HTML.")
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Run a package's own tests instead: onnx."),
    ] = None,
) -> None:
    """Compare with the frameworks that are installed, on integers that no rounding touches.

    uniconv conformance --against tf,jax --cases 300 --html conformance.html

    uniconv conformance --suite onnx

    Exit code 0: no call differs; 1: some do, or are refused in a suite.
    """
    if suite is not None:
        raise typer.Exit(_run_suite(suite))
    try:
        from uniconv.conformance.compare import conformance, installed
        from uniconv.conformance.report import html_page, text_table
    except ImportError as error:
        raise UsageError(f'{error}: pip install "uniconv-torch[test]"') from None
    ops = installed(None if against is None else against.split(","))
    records = [conformance(op, cases) for op in _shown(ops)]
    print(text_table(records))
    differences = [text for record in records for text in record.mismatches]
    for text in differences[:20]:
        print(text, file=sys.stderr)
    if page is not None:
        write_text(html_page(records), page)
    raise typer.Exit(int(bool(differences)))


def _shown(ops: Sequence[Op]) -> Iterator[Op]:
    """The functions, each named on a bar while it is compared; no bar where nobody looks."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield from ops
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=len(ops))
        for op in ops:
            progress.update(task, description=op.name)
            yield op
            progress.advance(task)


def _run_suite(name: str) -> int:
    """Print how the cases of a suite go; 1 where one is refused or wrong."""
    if name != "onnx":
        raise UsageError(f"--suite {name}: the one suite that a package carries is onnx")
    try:
        from uniconv.conformance.onnx_suite import suites
        from uniconv.conformance.suite import judge, suite_table

        verdicts = {part: list(map(judge, cases)) for part, cases in suites().items()}
    except ImportError as error:
        raise UsageError(f"{error}: pip install onnx") from None
    print(suite_table(verdicts))
    return int(any(v.outcome in ("refused", "wrong") for part in verdicts.values() for v in part))

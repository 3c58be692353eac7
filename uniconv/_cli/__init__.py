"""The command line: the app, its short commands, and how it ends.

A longer command has a file of its own here; ``arguments`` is what they share.

What computes is imported where a command runs, here as in the commands' own files: the help and the
version come without torch and NumPy.

Exit codes: 0 done, 1 uniconv refuses the call (or the demo's numbers are off), 2 wrong usage.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import Annotated, NoReturn, cast

import uniconv
from uniconv.errors import UniconvError
from uniconv.typing import Dialect

try:
    import typer
except ImportError:
    print('error: the command line needs pip install "uniconv-torch[cli]"', file=sys.stderr)
    raise SystemExit(2) from None

from uniconv._cli.arguments import UsageError
from uniconv._cli.conformance import conformance_command
from uniconv._cli.conv import conv_command
from uniconv._cli.convert import convert_command
from uniconv._cli.diagnose import diagnose_command
from uniconv._cli.explain import explain_command
from uniconv._cli.layout import layout_command
from uniconv._cli.probe import probe_command
from uniconv._cli.read import read_command
from uniconv._cli.translate import translate_command

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def uniconv_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Any framework's convolution with that framework's exact meaning."""
    if version:
        print(f"uniconv {uniconv.__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command("list")
def list_command() -> None:
    """List the families and their functions."""
    from uniconv._describe import reads_backwards
    from uniconv.spec.registry import frameworks

    rows = [("family", "function", "operation", "kernel")]
    for name, dialect in frameworks().items():
        for op in dialect.functions:
            kernel = {True: "flipped", False: "not flipped", None: "as an option says"}[
                reads_backwards(op)
            ]
            rows.append((name, op.name, op.kind, kernel))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:  # names in full, however narrow the terminal is
        typer.echo("  ".join(map(str.ljust, row, widths)).rstrip())


@app.command("show")
def show_command(
    dialect: Annotated[
        str, typer.Argument(metavar="NAME", help="A family or a function: tf, tf.nn.conv2d")
    ],
) -> None:
    """Show a function's layouts, flip, options, refusals, source and an example with numbers."""
    text = uniconv.describe(cast(Dialect, dialect))
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        text = "\n".join(wrapped(line, width) for line in text.splitlines())
    print(text)


def wrapped(line: str, width: int) -> str:
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.fill(line, width, subsequent_indent=indent, break_on_hyphens=False)


app.command("diagnose", context_settings={"ignore_unknown_options": True})(diagnose_command)
app.command("conv")(conv_command)
app.command("conformance")(conformance_command)
app.command("convert")(convert_command)
app.command("read")(read_command)
app.command("layout")(layout_command)
app.command("explain")(explain_command)
app.command("probe")(probe_command)
app.command("translate")(translate_command)


@app.command("demo")
def demo_command() -> None:
    """Run the founding question: Knet and TensorFlow, one kernel, two results, and why."""
    from uniconv._cli import demo

    raise typer.Exit(demo.main())


def _fail(message: str, code: int) -> NoReturn:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    raise SystemExit(code)


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and exit; the console script."""
    try:
        code = app(args=args, prog_name="uniconv", standalone_mode=False)
    except UsageError as error:
        _fail(error.format_message(), 2)
    except (UniconvError, OSError) as error:
        _fail(str(error), 1)
    except (typer.Abort, KeyboardInterrupt):
        _fail("interrupted", 130)
    raise SystemExit(code or 0)

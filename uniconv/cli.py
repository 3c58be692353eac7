"""The command line: uniconv list, show, conv and demo.

Exit codes: 0 done, 1 uniconv refuses the call (or the demo's numbers are off), 2 wrong usage.
"""

from __future__ import annotations

import ast
import os
import shutil
import sys
import textwrap
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray

from uniconv import demo, functional
from uniconv.describe import describe, reads_backwards
from uniconv.dialect import Op
from uniconv.errors import UniconvError
from uniconv.registry import families, family, find
from uniconv.registry import main as main_function

try:
    import typer
except ImportError:
    print('error: the command line needs pip install "uniconv-torch[cli]"', file=sys.stderr)
    raise SystemExit(2) from None

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
UsageError: Any = typer.BadParameter.__base__  # typer has no public name for it

# What is no native option: the command has its own way to say these.
OWN = {
    "dialect": "write --dialect",
    "bias": "write --bias",
    "device": "write --device",
    "x": "the first array is x",
    "w": "the second array is w",
    "w_depthwise": "the second array is the depthwise kernel",
    "w_pointwise": "the third array is the pointwise kernel",
}


@app.callback(invoke_without_command=True)
def uniconv_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Any framework's convolution with that framework's exact meaning."""
    if version:
        print(f"uniconv {metadata.version('uniconv-torch')}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command("list")
def list_command() -> None:
    """List the families and their functions."""
    rows = [("family", "function", "operation", "kernel")]
    for name, dialect in families().items():
        for op in dialect.functions:
            kernel = "flipped" if reads_backwards(op) else "not flipped"
            rows.append((name, op.name, op.kind, kernel))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:  # names in full, however narrow the terminal is
        typer.echo("  ".join(map(str.ljust, row, widths)).rstrip())


@app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(help="A family or a function: tf, tf.nn.conv2d")],
) -> None:
    """Show a function's layouts, flip, options, refusals, source and an example with numbers."""
    text = describe(name)
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        text = "\n".join(wrapped(line, width) for line in text.splitlines())
    print(text)


def wrapped(line: str, width: int) -> str:
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.fill(line, width, subsequent_indent=indent, break_on_hyphens=False)


@app.command("conv")
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
    options, more = _options(rest or [])
    arrays = [_load(path) for path in (x, w, *more)]
    bias_array = None if bias is None else _load(bias)
    target = _target(output)
    _check_device(device)
    op = _function(dialect, arrays)
    y = getattr(functional, op.kind)(*arrays, bias_array, dialect=op.name, device=device, **options)
    _save(y, target)
    shown = [
        *zip(("x", "w", "p"), arrays, (x, w, *more)),
        ("bias", bias_array, bias),
        ("y", y, output),
    ]
    for role, array, path in shown:
        if array is not None:
            print(f"{role:5}{array.shape!s:20} {array.dtype!s:10} {path}")


@app.command("demo")
def demo_command() -> None:
    """Run the founding question: Knet and TensorFlow, one kernel, two results, and why."""
    raise typer.Exit(demo.main())


def _options(words: list[str]) -> tuple[dict[str, Any], list[Path]]:
    """The name=value options, values as Python literals or else as words; and the other words."""
    options: dict[str, Any] = {}
    paths = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            paths.append(Path(word))
            continue
        if name in OWN:
            raise UsageError(f"{word}: {OWN[name]}")
        if not name:
            raise UsageError(f"{word}: a name is missing")
        if name in options:
            raise UsageError(f"{word}: {name} is given twice")
        options[name] = _value(value)
    return options, paths


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _load(path: Path) -> NDArray[Any]:
    try:
        with path.open("rb") as file:
            array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, EOFError):
        raise UsageError(f"{path} is no .npy file of numbers") from None
    return array


def _target(output: Path) -> Path:
    """Where y goes: known to be writable before anything is computed."""
    target = output.resolve()
    if not target.parent.is_dir():
        raise UsageError(f"{output}: there is no folder {target.parent}")
    if target.exists() and not target.is_file():
        raise UsageError(f"{output} is no regular file")
    return target


def _check_device(device: str | None) -> None:
    try:
        torch.zeros(0, device=device).cpu()
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"--device {device}: {str(error).splitlines()[0]}") from None


def _function(dialect: str, arrays: list[NDArray[Any]]) -> Op:
    """The function meant; a family means its main one for these arrays."""
    if family(dialect):
        kind = "separable_conv" if len(arrays) > 2 else "conv"
        op = main_function(dialect, kind, arrays[1].ndim)
    else:
        op = find(dialect)
    takes = 3 if op.kind == "separable_conv" else 2
    if len(arrays) != takes:
        raise UsageError(f"{op.name} takes {takes} arrays, got {len(arrays)}")
    return op


def _save(y: NDArray[Any], target: Path) -> None:
    """Write beside the target, then move: nobody ever reads half an array."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            np.save(file, y)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


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


if __name__ == "__main__":
    main()

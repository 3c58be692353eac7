"""uniconv translate FILE: the convolution calls of a Python file in another framework's words."""

from __future__ import annotations

import io
import json as json_module
import sys
import tokenize
from pathlib import Path

import typer

import uniconv
from uniconv._cli.arguments import UsageError, integers, writable, write

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def translate_file(
    path: Path,
    *,
    to: str,
    source: str | None,
    shapes: list[str],
    in_place: bool,
    json: bool,
) -> None:
    """Show what changes in a file, or change it."""
    text, encoding = _read(path)
    done = uniconv.translate_program(text, to=to, source=source, shapes=dict(map(_named, shapes)))
    if json:
        facts = {"file": str(path), "written": in_place, **done.as_dict()}
        print(json_module.dumps(facts, indent=2, ensure_ascii=False))
    else:
        for line in done.diff(str(path)).splitlines():
            colour = _COLOURS.get(line[:1]) if sys.stdout.isatty() else None
            typer.secho(line, fg=colour)
        print(done)
    if in_place and done.after != done.before:
        target = writable(path)
        write(target, lambda file: file.write(done.after.encode(encoding)))


def _read(path: Path) -> tuple[str, str]:
    """A Python file's text, with its ends of lines, and its encoding."""
    try:
        content = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding), encoding
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no Python file: {error}") from None


def _named(word: str) -> tuple[str, tuple[int, ...]]:
    """A name and its shape: "self.w=3,3,3,8"."""
    name, equals, shape = word.partition("=")
    numbers = integers("--shape", shape) if equals and shape else None
    if numbers is None or not name:
        raise UsageError(f"--shape {word}: write the name and the shape, as --shape w=3,3,3,8")
    return name, numbers

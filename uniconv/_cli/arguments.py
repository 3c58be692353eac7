"""What the commands share: options as name=value, arrays in files, where results go."""

from __future__ import annotations

import ast
import importlib.util
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, cast

import typer

import uniconv
from uniconv.typing import Dialect

if TYPE_CHECKING:
    from numpy.typing import NDArray

UsageError: Any = typer.BadParameter.__base__  # typer has no public name for it

# The limits within which a file is read; None for those of uniconv.files.
MaxBytes = Annotated[int | None, typer.Option(help="The most bytes that all arrays may have.")]
MaxDepth = Annotated[int | None, typer.Option(help="The most groups that may lie in each other.")]
MaxArrays = Annotated[int | None, typer.Option(help="The most arrays.")]

_WIDEST = 80  # signs of a column: converters of graphs give names of several hundred

# What is no native option: the command has its own way to say these.
TAKEN = {
    "dialect": "write --dialect",
    "bias": "write --bias",
    "device": "write --device",
    "x": "the first array is x",
    "w": "the second array is w",
    "pointwise": "the third array is the second kernel",
}


def named(dialect: str | None, words: list[str]) -> tuple[Dialect, list[str]]:
    """The function that is asked about, by --dialect or as the first word; and the other words."""
    if dialect is not None:
        return cast(Dialect, dialect), words
    if not words:
        raise UsageError("name a function: --dialect tf.nn.conv2d, or tf.nn.conv2d as first word")
    return cast(Dialect, words[0]), words[1:]


def read_options(words: list[str]) -> tuple[dict[str, Any], list[Path]]:
    """The name=value options, values as Python literals or else as words; and the other words."""
    options: dict[str, Any] = {}
    paths = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            paths.append(Path(word))
            continue
        if name in TAKEN:
            raise UsageError(f"{word}: {TAKEN[name]}")
        if not name:
            raise UsageError(f"{word}: a name is missing")
        if name in options:
            raise UsageError(f"{word}: {name} is given twice")
        options[name] = read_value(value)
    return options, paths


def read_value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def is_text(word: str) -> bool:
    """Whether a word is a call's text, and no name."""
    from uniconv._parse import is_text_of_a_call

    return is_text_of_a_call(word)


def call_of(name: str | None, arrays: dict[str, Any], options: dict[str, Any]) -> uniconv.Call:
    """The call of a function's name; or of a text, whose arrays and names are given beside it."""
    if name is not None and is_text(name):
        there = {role: a for role, a in arrays.items() if a is not None}
        return uniconv.Call.parse(name, **there, **options)
    return uniconv.Call(**arrays, dialect=cast(Dialect, name), **options)


def integers(flag: str, text: str | None) -> tuple[int, ...] | None:
    """A list of integers as it is typed: 1,4,4,3."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.strip("()[]").split(",") if part.strip())
    except ValueError:
        raise UsageError(f"{flag} {text}: give integers, as 1,4,4,3") from None


def load_array(path: Path) -> NDArray[Any]:
    import numpy as np

    try:
        with path.open("rb") as file:
            array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, EOFError):
        raise UsageError(f"{path} is no .npy file of numbers") from None
    return array


def writable(output: Path) -> Path:
    """Where y goes: known to be writable before anything is computed."""
    target = output.resolve()
    if not target.parent.is_dir():
        raise UsageError(f"{output}: there is no folder {target.parent}")
    if target.exists() and not target.is_file():
        raise UsageError(f"{output} is no regular file")
    return target


def check_device(device: str | None) -> None:
    import torch

    try:
        torch.zeros(0, device=device).cpu()
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"--device {device}: {str(error).splitlines()[0]}") from None


def save_array(y: NDArray[Any], target: Path) -> None:
    """Write an array as .npy."""
    import numpy as np

    write(target, lambda file: np.save(file, y))


def write_text(text: str, output: Path) -> None:
    """Write a page."""
    write(writable(output), lambda file: file.write(text.encode()))


def write(target: Path, save: Callable[[IO[bytes]], Any]) -> None:
    """Write beside the target, then move: nobody ever reads half a file."""
    from uniconv.files.replacing import replacement

    with replacement(target) as part, part.open("xb") as file:
        save(file)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines of columns; a word longer than a column may be wide goes beyond it."""
    widths = [min(max(map(len, column)), _WIDEST) for column in zip(*rows)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def left_out(reasons: Iterable[str]) -> list[str]:
    """How many arrays were left out and what those were; nothing where none was."""
    counts = Counter(r.partition(" of ")[0].partition(" folded ")[0] for r in reasons)
    words = ", ".join(f"{count} ({reason})" for reason, count in counts.items())
    return [f"left out: {words}"] if words else []


def within(max_bytes: int | None, max_depth: int | None, max_arrays: int | None) -> dict[str, int]:
    """The limits of ``uniconv.files.load`` that were said."""
    limits = {"max_bytes": max_bytes, "max_depth": max_depth, "max_arrays": max_arrays}
    for name, value in limits.items():
        if value is not None and value < 1:
            raise UsageError(f"--{name.replace('_', '-')} {value}: it must be at least 1")
    return {name: value for name, value in limits.items() if value is not None}


def model_of(like: str) -> Any:
    """The model that ``path.py:function`` makes, on no device; or the shapes in a file."""
    path, _, function = like.rpartition(":")
    if not path.endswith(".py"):
        if not Path(like).exists():
            raise UsageError(f"--like {like}: neither model.py:function nor a file of weights")
        return {a.name: a.array.shape for a in uniconv.files.stream(Path(like))}
    import torch

    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if not Path(path).is_file() or spec is None or spec.loader is None:
        raise UsageError(f"--like {like}: there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    make = getattr(module, function, None)
    if not callable(make):
        raise UsageError(f"--like {like}: {path} has no function {function}")
    with torch.device("meta"):
        return make()

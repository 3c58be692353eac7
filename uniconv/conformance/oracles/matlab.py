"""GNU Octave with its image package, one process for all calls."""

from __future__ import annotations

import atexit
import re
import subprocess
from collections.abc import Callable
from functools import cache
from shutil import which
from typing import IO, Any

import numpy as np

from uniconv.spec.op import Op

__all__ = ["PACKAGES", "answer", "function_of", "octave", "typed"]

Array = np.ndarray[Any, Any]
PACKAGES: tuple[str, ...] = ()
_END = "end of answer"


@cache
def programs() -> dict[str, str]:
    """The versions of Octave and its image package; empty where they are not installed."""
    if which("octave-cli") is None:
        return {}
    code = "p = pkg('list', 'image'); printf('%s %s', version(), p{1}.version)"
    process = subprocess.run(["octave-cli", "--eval", code], capture_output=True, text=True)
    version = re.fullmatch(r"(\S+) (\S+)", process.stdout)
    return {"octave": version[1], "octave-image": version[2]} if version else {}


@cache
def octave() -> tuple[IO[str], IO[str]]:
    """The process: where to write commands, where its answers come from."""
    process = subprocess.Popen(
        ["octave-cli", "--no-history", "--quiet"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    atexit.register(process.kill)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("pkg load image\n")
    return process.stdin, process.stdout


def typed(value: Any) -> str:
    """A number, a word or an array as Octave reads it."""
    if isinstance(value, str):
        return f"'{value}'"
    if not isinstance(value, np.ndarray):
        return repr(value)
    shape = value.shape if value.ndim > 1 else (value.size, 1)
    kind = "single" if value.dtype in (np.float32, np.complex64) else "double"
    real, *imaginary = (value.real, value.imag) if value.dtype.kind == "c" else (value,)
    parts = [f"[{' '.join(repr(float(v)) for v in a.ravel('F'))}]" for a in (real, *imaginary)]
    numbers = f"complex({', '.join(parts)})" if imaginary else parts[0]
    return f"reshape({kind}({numbers}), {list(shape)})"


def answer(expression: str) -> Array:
    """The value of an expression, by Octave, as complex numbers, which it narrows itself."""
    commands, answers = octave()
    commands.write(
        f"try, y = {expression}; printf('%s %d;', class(y), ndims(y)); printf(' %d', size(y));"
        f" printf(';'); printf(' %.17g', real(y)); printf(';');"
        f" printf(' %.17g', imag(y)); printf('\\n'); catch e, printf('error %s\\n',"
        f" strrep(e.message, \"\\n\", ' ')); end, printf('{_END}\\n'); fflush(stdout);\n"
    )
    commands.flush()
    lines = []
    while (line := answers.readline()) not in (f"{_END}\n", ""):
        lines.append(line)
    text = "".join(lines)
    if ";" not in text or text.startswith("error"):
        raise ValueError(text.strip() or "Octave ended")
    kind, shape, real, imaginary = text.split(";")
    dtype = np.complex64 if kind.startswith("single") else np.complex128
    numbers = np.empty(len(real.split()), dtype)
    numbers.real, numbers.imag = (np.array(part.split(), float) for part in (real, imaginary))
    y = numbers.reshape([int(n) for n in shape.split()], order="F")
    name = kind.split()[0]
    return y.real.astype(name) if "int" in name else y


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The function of a registry name."""
    name = op.name.removeprefix("matlab.")

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        if "bias" in arrays:
            raise ValueError("no function has a bias")
        values = [*options.values()]
        x, w = arrays["x"], arrays["w"]
        order = [w, x] if name == "filter2" else [x, w]
        if name == "conv2_uv":
            order = [w, arrays["p"], x]
        if name == "imfilter" and x.ndim == 3 and x.shape[2] != 3:  # to Octave that is no image
            planes = [call({"x": x[..., i], "w": w}, options, None)[0] for i in range(x.shape[2])]
            return [np.stack(planes, -1)]
        if x.ndim != w.ndim and name not in ("imfilter", "conv2_uv"):
            raise ValueError("Octave takes one number of axes for both")
        if name != "imfilter" and set(options) - {"shape"}:
            raise ValueError("unknown option")
        texts = [*map(typed, [*order, *values])]
        if name == "imfilter" and x.dtype.kind in "iu":  # which keeps its class
            texts[0] = f"{x.dtype.name}({texts[0]})"
        y = answer(f"{name.removesuffix('_uv')}({', '.join(texts)})")
        if not any(np.iscomplexobj(a) for a in arrays.values()):
            y = y.real
        # Octave drops trailing axes of size 1, and gives vectors two axes.
        return [y.reshape(-1) if name == "conv" else y.reshape(_padded(y.shape, x.ndim))]

    return call


def _padded(shape: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    if ndim == 1:
        return (int(np.prod(shape)),)
    return (*shape, *(1,) * (ndim - len(shape)))

"""Printed numbers: what they are, how many digits they show, and so how far they may be off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

# "decimals": a display gives every number as many decimals, but may trim zeros (NumPy, PyTorch,
# MATLAB); "significant": as many digits, but may trim zeros (Julia); "exact": program text.
Style = Literal["decimals", "significant", "exact"]

_REAL = r"(?:0x[\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eEfF][+-]?\d+)?|(?i:inf(?:inity)?|nan)(?:16|32)?)"
NUMBER = re.compile(
    rf"[+-]?{_REAL}[ \t]*[+-][ \t]*{_REAL}[ \t]*(?:im|[ij])(?![\w.])"
    rf"|[+-]?{_REAL}(?:im|[ij])?(?![\w.])"
    r"|(?:[Tt]rue|[Ff]alse)(?!\w)"
    r"|⋅"  # Julia's mark for a zero of the structure, as in Diagonal
)
TRUNCATED = re.compile(r"\.\.\.|…|⋮|⋱|⋯")
_SPLIT = re.compile(rf"([+-]?{_REAL})[ \t]*([+-][ \t]*{_REAL})[ \t]*(?:im|[ij])")
_SHORT = 6  # the digits that Julia shows of a number in a matrix

DTYPES = {
    **{"Float64": "float64", "Float32": "float32", "Float16": "float16", "BFloat16": "bfloat16"},
    **{f"{u}Int{n}": f"{u.lower()}int{n}" for u in ("", "U") for n in (8, 16, 32, 64)},
    **{"Bool": "bool", "ComplexF64": "complex128", "ComplexF32": "complex64"},
    **{"double": "float64", "single": "float32", "logical": "bool"},
    **{"float": "float32", "half": "float16", "long": "int64", "int": "int32"},
}


def dtype_of(name: str) -> np.dtype[Any] | None:
    """The dtype that a framework calls ``name``, or None; bfloat16 needs ml_dtypes."""
    name = name.strip("'\"").rpartition(".")[2]
    name = DTYPES.get(name, name)
    if name == "bfloat16":
        try:
            import ml_dtypes
        except ImportError:
            return np.dtype(np.float32)  # it holds every bfloat16
        return np.dtype(ml_dtypes.bfloat16)
    try:
        dtype = np.dtype(name)
    except TypeError:
        return None
    return dtype if dtype.kind in "biufc" else None


def parse(
    tokens: Sequence[str],
    shape: tuple[int, ...],
    *,
    style: Style,
    dtype: np.dtype[Any] | None = None,
    exponent: int = 0,
    single: bool = False,
) -> tuple[NDArray[Any], NDArray[np.float64] | float, int]:
    """Numbers in C order as an array, the error of each, and the most digits that one shows.

    ``exponent`` is that of a common factor, 10 to its power. Without a ``dtype`` it is what the
    numbers are: bool, int64, complex128 or float64; ``single`` makes that complex64 or float32.
    ValueError or OverflowError if they do not fit the dtype.
    """
    values = [_value(token, exponent) for token in tokens]
    if dtype is None:
        kinds = {type(v) for v in values}
        dtype = np.dtype(
            (np.complex64 if single else np.complex128)
            if complex in kinds
            else (np.float32 if single else np.float64)
            if float in kinds or not kinds
            else np.bool_
            if kinds == {bool}
            else np.int64
        )
    elif dtype.kind in "iub" and any(type(v) in (float, complex) for v in values):
        raise ValueError(f"a number with decimals is no {dtype}")
    elif dtype.kind == "b" and any(v not in (0, 1) for v in values):
        raise ValueError("a bool is neither 0 nor 1")
    with np.errstate(over="ignore"):
        array = np.array(values, dtype).reshape(shape)
    parts = [part for token in tokens for part in _parts(token)]
    digits = max(map(_significant, parts), default=0)
    if style == "exact":
        return array, 0.0, digits
    bounds = [e * 10.0**exponent for e in _errors(parts, style)]
    if len(parts) > len(tokens):  # complex: the parts of a number are off at most by their sum
        each = iter(bounds)
        bounds = [sum(next(each) for _ in _parts(token)) for token in tokens]
    if not any(bounds):
        return array, 0.0, digits
    return array, np.array(bounds).reshape(shape), digits


def _value(token: str, exponent: int) -> bool | int | float | complex:
    if token[1:] in ("rue", "alse"):
        return token[1:] == "rue"
    if token == "⋅":
        return 0
    parts = [_real(part, exponent) for part in _parts(token)]
    if len(parts) == 2:
        return complex(*parts)
    return complex(0, parts[0]) if token[-1] in "ijm" else parts[0]


def _real(text: str, exponent: int) -> int | float:
    if "0x" in text:
        return int(text, 16)
    if not _finite(text):
        return float(re.sub(r"(16|32)$", "", text))
    if _is_whole(text) and not exponent:
        return int(text)
    mantissa, _, power = re.sub("[fF]", "e", text.lower()).partition("e")
    return float(f"{mantissa}e{int(power or 0) + exponent}")


def _parts(token: str) -> list[str]:
    """The real and the imaginary part, or the only one."""
    both = _SPLIT.fullmatch(token)
    if both:
        return [both[1], both[2].replace(" ", "").replace("\t", "")]
    return [token.rstrip("ijm")]


def _finite(text: str) -> bool:
    return "n" not in text.lower()  # neither inf nor nan


def _is_whole(text: str) -> bool:
    """Written without a point or an exponent."""
    return text.lstrip("+-").isdecimal()


def _split(text: str) -> tuple[str, str, int | None]:
    """The digits before and after the point, and the exponent if there is one."""
    mantissa, _, power = re.sub("[fF]", "e", text.lower()).lstrip("+-").partition("e")
    before, _, after = mantissa.partition(".")
    return before, after, int(power) if power else None


def _is_float(text: str) -> bool:
    """Written with a point or an exponent."""
    return "0x" not in text and _finite(text) and not _is_whole(text)


def _significant(text: str) -> int:
    if not _finite(text) or "0x" in text:
        return 0
    before, after, _ = _split(text)
    return len((before + after).lstrip("0"))


def _errors(parts: Sequence[str], style: Style) -> list[float]:
    """Half a unit of the last digit, zeros that a display trims counted as printed."""
    floats = [_split(p) if _is_float(p) else None for p in parts]
    known = [f for f in floats if f is not None]
    if style == "significant":
        shown = max([_SHORT, *(len((b + a).lstrip("0")) for b, a, _ in known)])
        return [0.0 if f is None else _half_unit_of_digit(*f, shown) for f in floats]
    if not any(after.strip("0") or len(after) > 1 for _, after, _ in known):
        return [0.0] * len(parts)  # 1. or 1.0: whole numbers, of which nothing was rounded
    decimals = {
        scientific: max((len(a) for _, a, p in known if (p is not None) is scientific), default=0)
        for scientific in (False, True)
    }
    return [
        0.0 if f is None else 0.5 * 10.0 ** ((f[2] or 0) - decimals[f[2] is not None])
        for f in floats
    ]


def _half_unit_of_digit(before: str, after: str, power: int | None, shown: int) -> float:
    digits = (before + after).lstrip("0")
    if not digits:
        return 0.0  # a display in digits shows 0.0 of nothing but zero
    leading = len(before) - 1 - (len(before + after) - len(digits))
    return float(0.5 * 10.0 ** ((power or 0) + leading - shown + 1))

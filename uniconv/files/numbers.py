"""Printed numbers: what they are, how many digits they show, and so how far they may be off."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["NUMBER", "TRUNCATED", "Style", "dtype_of", "parse"]

# "decimals": a display gives every number as many decimals, but may trim zeros (NumPy, PyTorch,
# MATLAB); "significant": as many digits, but may trim zeros (Julia); "exact": program text.
Style = Literal["decimals", "significant", "exact"]

# One way to match each: what may also be read otherwise is tried again at every place.  So digits
# are always all of them (?!\d), and what two kinds begin with stands before both.
_DIGITS = r"\d+(?!\d)"
_DECIMAL = rf"(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eEfF][+-]?{_DIGITS})?"
_REAL = rf"(?:0x[\da-fA-F]+(?![\da-fA-F])|{_DECIMAL}|(?i:inf(?:inity)?|nan)(?:16|32)?)"
_END = r"(?![^\s,;\[\])>])"
NUMBER = re.compile(
    rf"(?:[+-]?{_REAL}(?:[ \t]*[+-][ \t]*{_REAL}[ \t]*(?:im|[ij])|(?:im|[ij])?)"
    r"|[Tt]rue|[Ff]alse"
    rf"|⋅){_END}"  # Julia's mark for a zero of the structure, as in Diagonal
)
TRUNCATED = re.compile(r"\.\.\.|…|⋮|⋱|⋯")
_SPLIT = re.compile(rf"([+-]?{_REAL})[ \t]*([+-][ \t]*{_REAL})[ \t]*(?:im|[ij])")
_SHORT = 6  # the digits that Julia shows of a number in a matrix
_LONG = 8  # the decimals that NumPy shows

_FULL = re.compile(r"bool_?|u?int(8|16|32|64)|float(16|32|64)|complex(64|128)")
_ALIASES = {  # PyTorch's, where the name begins so; then Python's, MATLAB's and Julia's
    "torch": "float=float32 half=float16 double=float64 byte=uint8 char=int8 short=int16 int=int32 "
    "long=int64 bool=bool",
    "": "float=float64 int=int64 complex=complex128 double=float64 single=float32 logical=bool "
    "Bool=bool BFloat16=bfloat16 ComplexF32=complex64 ComplexF64=complex128",
}
_KNOWN = {at: dict(pair.split("=") for pair in names.split()) for at, names in _ALIASES.items()}


def dtype_of(name: str) -> np.dtype[Any] | None:
    """The dtype that a framework calls ``name``, or None; bfloat16 needs ml_dtypes.

    >>> dtype_of("torch.float"), dtype_of("float"), dtype_of("UInt8"), dtype_of("Matrix")
    (dtype('float32'), dtype('float64'), dtype('uint8'), None)
    """
    module, _, name = name.strip("'\"").rpartition(".")
    name = _KNOWN["torch" if module == "torch" else ""].get(name, name)
    if name == "bfloat16":
        try:
            import ml_dtypes
        except ImportError:
            return np.dtype(np.float32)  # it holds every bfloat16
        bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return bfloat16
    return np.dtype(name.lower()) if _FULL.fullmatch(name.lower()) else None


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

    First values and dtype, each held against the other; then how far off a value may be, token by
    token: the parts of a complex number are printed, and rounded, one by one.
    """
    values: list[Any] = [_value(token, exponent) for token in tokens]
    if dtype is None:
        dtype = _dtype(values, single)
    elif dtype.kind in "iub" and any(type(v) in (float, complex) for v in values):
        raise ValueError(f"a number with decimals is no {dtype}")
    elif dtype.kind == "b" and any(v not in (0, 1) for v in values):
        raise ValueError("a bool is neither 0 nor 1")
    elif dtype.kind == "f" and any(type(v) is complex for v in values):
        raise ValueError(f"a complex number is no {dtype}")
    if dtype.kind in "iu":
        range_ = np.iinfo(dtype)
        beyond = next((v for v in values if not range_.min <= v <= range_.max), None)
        if beyond is not None:
            raise ValueError(f"{beyond} is out of range for {dtype}")
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


def _dtype(values: Sequence[Any], single: bool) -> np.dtype[Any]:
    """The least of bool, int64, float and complex that holds all of the values."""
    kinds = {type(v) for v in values}
    if complex in kinds:
        return np.dtype(np.complex64 if single else np.complex128)
    if float in kinds or not kinds:
        return np.dtype(np.float32 if single else np.float64)
    return np.dtype(np.bool_ if kinds == {bool} else np.int64)


def _value(token: str, exponent: int) -> bool | int | float | complex:
    """A token as Python's number."""
    if token[1:] in ("rue", "alse"):
        return token[1:] == "rue"
    if token == "⋅":
        return 0
    parts = [_real(part, exponent) for part in _parts(token)]
    if len(parts) == 2:
        return complex(*parts)
    return complex(0, parts[0]) if token[-1] in "ijm" else parts[0]


def _real(text: str, exponent: int) -> int | float:
    """A real token as Python's number, times ten to a common exponent."""
    if "0x" in text:
        return int(text, 16)
    if not _finite(text):
        return float(re.sub(r"(16|32)$", "", text))
    if _is_whole(text) and not exponent:
        return int(text)
    mantissa, _, power = text.lower().replace("f", "e").partition("e")
    value = float(f"{mantissa}e{int(power or 0) + exponent}")
    if math.isinf(value):
        raise OverflowError(f"{text} is beyond float64")
    return value


def _parts(token: str) -> list[str]:
    """The real and the imaginary part, or the only one."""
    if token[-1:] not in "ijm":
        return [token]
    both = _SPLIT.fullmatch(token)
    return [both[1], re.sub(r"[ \t]", "", both[2])] if both else [token.rstrip("ijm")]


def _finite(text: str) -> bool:
    """Whether a token is a number with digits."""
    return "n" not in text.lower()  # neither inf nor nan


def _is_whole(text: str) -> bool:
    """Written without a point or an exponent."""
    return text.lstrip("+-").isdecimal()


def _split(text: str) -> tuple[str, str, int | None]:
    """The digits before and after the point, a mere ".0" being none, and the exponent if any."""
    mantissa, _, power = text.lower().replace("f", "e").lstrip("+-").partition("e")
    before, _, after = mantissa.partition(".")
    return before, after if after != "0" else "", int(power) if power else None


def _is_float(text: str) -> bool:
    """Written with a point or an exponent."""
    return text[-1:] in ".0123456789" and "0x" not in text and not _is_whole(text)


def _significant(text: str) -> int:
    """How many significant digits a token shows."""
    if not (_is_float(text) or _is_whole(text)):
        return 0
    before, after, _ = _split(text)
    return len((before + after).lstrip("0"))


def _errors(parts: Sequence[str], style: Style) -> list[float]:
    """Half a unit of the last digit, zeros that a display trims counted as printed.

    Displays round in one of two ways.  To so many significant digits (Julia, MATLAB's long forms):
    then the number that shows most of them tells how many there are.  Or to so many decimals
    (NumPy, PyTorch): then all numbers of an array have those of the longest, scientific ones apart
    from plain ones; and where none has any, "1." was rounded to eight and "1.0" is whole.
    """
    floats = [_split(p) if _is_float(p) else None for p in parts]
    decimal = [f for f in floats if f is not None]
    if style == "significant":
        precision = max([_SHORT, *(len((b + a).lstrip("0")) for b, a, _ in decimal)])
        return [_half_unit_of_digit(*f, precision) if f else 0.0 for f in floats]
    if not any(after for _, after, _ in decimal):  # 1.0 is a whole number, 1. one to 8 decimals
        ends_in_point = [p.lower().partition("e")[0].endswith(".") for p in parts]
        return [
            0.5 * 10.0 ** ((f[2] or 0) - _LONG) if f and t else 0.0
            for f, t in zip(floats, ends_in_point)
        ]
    decimals = {
        scientific: max(len(a) for _, a, p in decimal if (p is not None) is scientific)
        for scientific in {p is not None for _, _, p in decimal}
    }
    return [0.5 * 10.0 ** ((f[2] or 0) - decimals[f[2] is not None]) if f else 0.0 for f in floats]


def _half_unit_of_digit(before: str, after: str, power: int | None, precision: int) -> float:
    """Half a unit of the last of so many significant digits."""
    digits = (before + after).lstrip("0")
    if not digits:
        return 0.0  # a display in digits shows 0.0 of nothing but zero
    leading = len(before) - 1 - (len(before + after) - len(digits))
    return float(0.5 * 10.0 ** ((power or 0) + leading - precision + 1))

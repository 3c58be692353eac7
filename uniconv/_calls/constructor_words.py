"""Constructor words beside arrays: ``filters=64`` must be what the kernel says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from uniconv._calls.options import option_value
from uniconv._canonical.record import Shape, Sizes
from uniconv._messages import show
from uniconv.errors import BadOption
from uniconv.spec.constructor_words import ONCE_CALLED
from uniconv.spec.op import Op
from uniconv.spec.values import integer, integers


def restatements(
    op: Op, options: Mapping[str, Any], sizes: Sizes, o: int, x_shape: Shape, w_shape: Shape
) -> tuple[tuple[str, Any], ...]:
    """Check what the shapes can tell; what only a call's arrays can tell comes back, for then.

    ``filters=64`` is held against o here; ``use_bias=True`` and a dtype come back as pairs.

    Raises:
        BadOption: a word that says another size than the arrays have.
    """
    later = []
    for option, value in options.items():
        if option not in op.constructor_words or value is None:
            continue
        value = option_value(op, option, value)
        says = op.constructor_words[option].says
        if says in ONCE_CALLED:
            later.append((option, value))
        elif says.startswith("x shape"):
            _check_image(op, option, value, x_shape[1:] if says.endswith("n") else x_shape)
        elif says != "nothing":
            size = _size(says, sizes, o, w_shape)
            if not _equal(value, size):
                raise BadOption(
                    f"{op.name}: {option}={show(value)} contradicts w {w_shape}, which says "
                    f"{option}={show(size)}; say that, or give the kernel that is meant"
                )
    return tuple(later)


def _check_image(op: Op, option: str, value: Any, shape: Shape) -> None:
    """BadOption where a shape of x, of which None may be any size, contradicts x."""
    entries = tuple(value) if isinstance(value, (list, tuple)) else ()
    alike = (entry is None or integer(entry) == n for entry, n in zip(entries, shape))
    if len(entries) != len(shape) or not all(alike):
        raise BadOption(
            f"{op.name}: {option}={show(value)} contradicts x, which says {option}={show(shape)}"
        )


def _size(says: str, sizes: Sizes, o: int, w_shape: Shape) -> int | Shape:
    """The number, or numbers, of the arrays that a word says once more.

    says: a key of the table below, or "kernel 0", the kernel's size along the first spatial axis (1
    for an axis that it does not have).
    """
    part, _, axis = says.partition(" ")
    if axis:
        return sizes.kernel[int(axis)] if len(sizes.kernel) > int(axis) else 1
    known: dict[str, int | Shape] = {
        "o": o,
        "c": sizes.c,
        "m": sizes.o // sizes.c,
        "kernel": sizes.kernel,
        "shape": w_shape,
        "count": math.prod(w_shape),
        "rank": len(sizes.kernel),
    }
    return known[part]


def _equal(value: Any, size: int | Shape) -> bool:
    """Whether a word says these sizes: 3 says (3, 3), (8,) says 8, and [3, 5] says (3, 5)."""
    one = integer(value)
    if isinstance(size, int):
        entries = integers(value)
        return one == size or entries == (size,)
    return (one,) * len(size) == size if one is not None else integers(value) == size


def check_arrays(
    op: Op, later: tuple[tuple[str, Any], ...], bias: bool, dtypes: Mapping[str, str]
) -> None:
    """BadOption where a flag contradicts the bias, or a dtype the arrays."""
    # A flag says whether there is a bias ("bias") or that there is none: so what it should be is
    # ``bias``, or its contrary.
    for option, value in later:
        says, flag = op.constructor_words[option].says, _flag(value)
        if says.endswith("dtype"):
            name, arrays = _dtype(value), ("w",) if says == "w dtype" else tuple(dtypes)
            other = next((array for array in arrays if dtypes[array] != name), None)
            if other is not None:
                raise BadOption(
                    f"{op.name}: {option}={show(value)}, but {other} is {dtypes[other]}; convert "
                    f"the arrays to {name}, or leave {option} out"
                )
        elif flag is not None and flag != (bias == (says == "bias")):
            there_is, fix = ("there is a", "leave it out") if bias else ("there is no", "give one")
            raise BadOption(
                f"{op.name}: {option}={show(value)}, but {there_is} bias; {fix}, or say "
                f"{option}={show(not value)}"
            )


def _flag(value: Any) -> bool | None:
    """True and False, also as 1 and 0; None for an object, which fills a bias.

    Paddle's bias_attr is of both kinds: False for no bias, or an object that says how to fill it.
    """
    number = value if isinstance(value, bool) else integer(value)
    return bool(number) if number in (0, 1) else None


def _dtype(value: Any) -> str:
    """The name of a dtype: of torch, of NumPy, of a class such as jnp.float32, or the word.

    "float32" for each of torch.float32, np.dtype("float32"), jnp.float32 and "float32".
    """
    name = getattr(value, "name", None) or getattr(value, "__name__", None) or value
    return str(name).rpartition(".")[2]

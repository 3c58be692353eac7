"""What the functions that a thread calls on arrays do, as far as they leave nothing to chance.

Each takes the arguments as values and gives a value, or None where it cannot tell.  NumPy's,
PyTorch's, TensorFlow's and JAX's functions of one name are one entry: they differ in how arguments
are written, not in what they mean; where they do, the argument shows which is meant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._parse.thread.value import MOST_ELEMENTS, Value, exact
from uniconv._parse.values import DTYPES, KEEPERS, MAKERS

__all__ = ["ACTIVATIONS", "Arguments", "applied", "arithmetic", "indexed", "placed"]

Array = NDArray[Any]
ACTIVATIONS = {
    *("relu", "relu6", "sigmoid", "tanh", "softplus", "leaky_relu", "leakyrelu", "elu", "gelu"),
    *("silu", "swish", "hardtanh", "σ"),
}
_SINGLE = {"torch", "tf", "tensorflow", "jax", "jnp", "mx", "paddle", "F", "keras"}
_RANDOM = {
    *("randn", "rand", "random", "normal", "uniform", "randint", "random_normal", "empty"),
    *("random_uniform", "truncated_normal", "random_sample", "standard_normal", "placeholder"),
    *("Input", "rand_like", "randn_like", "integers", "permutation", "magic"),
}
_CASTS = {"astype", "cast", "type", "float", "double", "int", "long", "half", "type_as"}
# Functions that hand on their first argument as it is.
_SAME = {
    *("identity", "stop_gradient", "collect", "convert", "constant_initializer", "Constant"),
    *("device_put", "asnumpy", "mat", "matrix"),
}
_KEEPING = MAKERS | KEEPERS | _SAME


class Arguments:
    """The arguments of a function in a text."""

    def __init__(
        self,
        name: str,
        values: Sequence[Value],
        words: Mapping[str, Value],
        language: str,
        module: str,
    ) -> None:
        self.name, self.values, self.words = name, list(values), dict(words)
        self.language, self.module = language, module

    @property
    def one_based(self) -> bool:
        return self.language in ("julia", "matlab")

    def plain(self, at: int, *words: str, default: Any = None) -> Any:
        """An argument by position or keyword, as plain numbers."""
        for word in words:
            if word in self.words:
                return self.words[word].plain()
        return self.values[at].plain() if at < len(self.values) else default

    def integers(self, at: int, *words: str) -> list[int] | None:
        """``reshape(1, 1, 3)`` or ``reshape((1, 1, 3))``: all from a position on, or one list."""
        one = self.plain(at, *words)
        if isinstance(one, (list, tuple)):
            entries = list(one)
        else:
            entries = [value.plain() for value in self.values[at:]]
            entries = entries or ([] if one is None else [one])
        whole = [int(n) for n in entries if isinstance(n, (int, float)) and n == int(n)]
        return whole if len(whole) == len(entries) and entries else None


def applied(arguments: Arguments, text: str) -> Value | None:
    """The value of a function of arrays; None for a function that is not known."""
    name = arguments.name
    if name in ACTIVATIONS and arguments.values:
        return Value(text, parents=(arguments.values[0],), after=name)
    if name in _RANDOM:
        shape = arguments.integers(0, "shape", "size") or (
            arguments.integers(1) if name == "placeholder" else None
        )
        return Value(text, shape=tuple(shape) if shape and min(shape) > 0 else None)
    if name in _CREATORS:
        outcome = _CREATORS[name](arguments)
        if outcome is None or (isinstance(outcome, np.ndarray) and outcome.size > MOST_ELEMENTS):
            return None
        return exact(text, _typed(arguments, outcome))
    if name in _MOVES and arguments.values:
        move = _MOVES[name](arguments)
        if move is not None:
            return Value(text, recipe=move, parents=(arguments.values[0],), moves=True)
    if name in _MAKES and arguments.values:
        make = _MAKES[name](arguments)
        if make is not None:
            return Value(text, recipe=make[0], parents=make[1])
    if name in _CASTS or name in DTYPES:
        return _cast(arguments, text)
    if name in _KEEPING and arguments.values:
        return _kept(arguments, text)
    return None


def _kept(a: Arguments, text: str) -> Value:
    """``torch.tensor(x)``: the same numbers; a list's floats are float32 in most frameworks."""
    first = a.values[0]
    if a.name in ("Tensor", "FloatTensor") and isinstance(first.constant, int):
        return Value(text)  # a shape: its numbers are not set
    dtype = _dtype_in(a)
    shape = a.plain(99, "shape") if a.name == "constant" else None
    is_list = first.items is not None

    def keep(array: Array) -> Array:
        if shape is not None:
            array = np.broadcast_to(array, shape) if array.size == 1 else array.reshape(shape)
        if dtype is not None:
            return array.astype(dtype)
        if a.name in ("Tensor", "FloatTensor") or (
            is_list and a.module in _SINGLE and array.dtype == np.float64
        ):
            return array.astype(np.float32)
        return np.atleast_2d(array) if a.name == "matrix" else array

    moves = shape is None and dtype is None
    return Value(text, recipe=keep, parents=(first,), moves=moves, shape=first.shape)


def _cast(a: Arguments, text: str) -> Value | None:
    if not a.values:
        return None
    floats = "float32" if a.module == "." else "float64"  # x.float() and float(x)
    words = {"double": "float64", "half": "float16", "long": "int64", "float": floats}
    word = a.name if a.name in DTYPES else words.get(a.name)
    dtype: Any = None if word is None else np.dtype(word)
    if a.name == "int" and a.values[0].plain() is not None:
        return exact(text, int(np.asarray(a.values[0].plain()).ravel()[0]))
    dtype = _dtype_in(a) if dtype is None else dtype
    if dtype is None:
        return Value(text, recipe=lambda x: x, parents=(a.values[0],), moves=True)
    return Value(text, recipe=lambda x: x.astype(dtype), parents=(a.values[0],), moves=True)


def _dtype_in(a: Arguments) -> Any:
    """The dtype that an argument names."""
    values = [a.words[w] for w in ("dtype", "Dtype") if w in a.words] + a.values[1:]
    for value in values:
        word = (
            value.path or (value.constant if isinstance(value.constant, str) else "")
        ).rpartition(".")[2]
        word = {
            "float": "float64",
            "double": "float64",
            "FloatTensor": "float32",
            "half": "float16",
        }.get(word, word)
        if word in DTYPES:
            return np.dtype(word)
    return None


def _typed(a: Arguments, outcome: Array) -> Array:
    dtype = _dtype_in(a)
    if dtype is not None:
        return outcome.astype(dtype)
    return (
        outcome.astype(np.float32)
        if a.module in _SINGLE and outcome.dtype == np.float64
        else outcome
    )


# What makes an array of numbers that are not another array's.


def _arange(a: Arguments) -> Array | None:
    words = ("start", "stop", "end", "limit", "step")
    entries = [v.plain() for v in a.values] + [a.plain(99, w) for w in words if w in a.words]
    entries = entries[:3]
    if not entries or not all(isinstance(n, (int, float)) for n in entries):
        return None
    start, stop = (0, entries[0]) if len(entries) == 1 else entries[:2]
    step = entries[2] if len(entries) == 3 else 1
    fits = step and abs((stop - start) / step) < MOST_ELEMENTS
    return np.arange(*entries) if fits else None


def _linspace(a: Arguments) -> Array | None:
    start, stop, count = (a.plain(k) for k in range(3))
    count = a.plain(2, "num", "steps", default=50)
    if not all(isinstance(n, (int, float)) for n in (start, stop, count)) or count > MOST_ELEMENTS:
        return None
    return np.linspace(start, stop, int(count))


def _filled(number: float | None) -> Callable[[Arguments], Array | None]:
    def make(a: Arguments) -> Array | None:
        values = [v for v in a.values if not v.path and not isinstance(v.constant, str)]
        plain = Arguments(a.name, values, a.words, a.language, a.module)
        if number is None:
            shape = plain.integers(0, "shape", "size", "dims")
            value = a.plain(1, "fill_value", "value")
            if isinstance(a.plain(0), (int, float)) and len(values) == 2:
                shape = [int(a.plain(0))]
        else:
            shape, value = plain.integers(0, "shape", "size"), number
        if (
            a.language == "matlab"
            and shape
            and len(shape) == 1
            and not isinstance(a.plain(0), list)
        ):
            shape = shape * 2  # zeros(3) is a square there
        if shape is None or min(shape) < 0 or math.prod(shape) > MOST_ELEMENTS:
            return None
        return np.full(shape, value) if isinstance(value, (int, float)) else None

    return make


def _eye(a: Arguments) -> Array | None:
    size = a.integers(0, "N", "n")
    return np.eye(size[0], size[-1]) if size and max(size) < 2000 else None


def _length(a: Arguments) -> Array | None:
    held = a.values[0].numbers() if a.values else None
    return None if held is None or not held.array.ndim else np.asarray(len(held.array))


_CREATORS: dict[str, Callable[[Arguments], Array | None]] = {
    "arange": _arange,
    "range": _arange,
    "linspace": _linspace,
    "ones": lambda a: _filled(1.0)(a),
    "zeros": lambda a: _filled(0.0)(a),
    "full": _filled(None),
    "fill": _filled(None),
    "eye": _eye,
    "identity_matrix": _eye,
    "len": _length,
}

# What only arranges an array's numbers anew.

Move = Callable[[Array], Array]


def _column_major(a: Arguments) -> bool:
    return a.one_based or a.plain(99, "order") == "F"


def _reshape(a: Arguments) -> Move | None:
    shape = a.integers(1, "shape", "newshape", "size")
    if shape is None and any(v.text == ":" for v in a.values[1:]):
        shape = [-1 if v.text == ":" else v.plain() for v in a.values[1:]]
        shape = shape if all(isinstance(n, int) for n in shape) else None
    if shape is None:
        return None
    order: Any = "F" if _column_major(a) else "C"
    return lambda x: x.reshape(shape, order=order)


def _flatten(a: Arguments) -> Move:
    order: Any = "F" if a.one_based else "C"
    return lambda x: x.ravel(order)


def _squeeze(a: Arguments) -> Move | None:
    axes = a.integers(1, "axis", "dim", "dims")
    shift = 1 if a.one_based else 0
    if axes is None:
        return np.squeeze
    return lambda x: np.squeeze(x, tuple(n - shift for n in axes if x.shape[n - shift] == 1))


def _unsqueeze(a: Arguments) -> Move | None:
    axes = a.integers(1, "axis", "dim")
    return None if axes is None else (lambda x: np.expand_dims(x, tuple(axes)))


def _transpose(a: Arguments) -> Move | None:
    axes = a.integers(1, "axes", "perm", "dims")
    if axes is None and len(a.values) > 1:
        return None
    if axes is None:
        return np.transpose
    axes = [n - 1 for n in axes] if a.one_based else axes

    def move(x: Array) -> Array:
        if len(axes) == 2 and x.ndim > 2:  # PyTorch's exchanges two axes
            return x.swapaxes(*axes)
        return x.transpose(axes)

    return move


def _swap(a: Arguments) -> Move | None:
    axes = a.integers(1)
    return None if axes is None or len(axes) != 2 else (lambda x: x.swapaxes(*axes))


def _moveaxis(a: Arguments) -> Move | None:
    source, target = a.plain(1, "source"), a.plain(2, "destination")
    if source is None or target is None:
        return None
    return lambda x: np.moveaxis(x, source, target)


def _flip(a: Arguments) -> Move | None:
    if a.plain(1, "axis", "dims", "dim") is None:
        return None if len(a.values) > 1 else (lambda x: np.flip(x))
    axes = a.integers(1, "axis", "dims", "dim")
    if axes is None:
        flags = a.plain(1, "axis", "dims")  # TensorFlow 1's tf.reverse(x, [False, True])
        if not isinstance(flags, list) or not all(type(f) is bool for f in flags):
            return None
        axes = [n for n, flag in enumerate(flags) if flag]
    elif (
        a.words.get("dims") is None
        and isinstance(a.plain(1), list)
        and any(type(f) is bool for f in a.plain(1))
    ):
        axes = [n for n, flag in enumerate(a.plain(1)) if flag]
    shift = 1 if a.one_based else 0
    return lambda x: np.flip(x, tuple(n - shift for n in axes))


def _rot90(a: Arguments) -> Move | None:
    times, axes = a.plain(1, "k", default=1), a.plain(2, "axes", "dims", default=(0, 1))
    if not isinstance(times, int):
        return None
    if a.language == "matlab" and a.name == "rot90":
        axes = (0, 1)
    return lambda x: np.rot90(x, times, tuple(axes))


_MOVES: dict[str, Callable[[Arguments], Move | None]] = {
    **dict.fromkeys(("reshape", "view"), _reshape),
    **dict.fromkeys(("flatten", "ravel", "vec"), _flatten),
    **dict.fromkeys(("squeeze", "dropdims"), _squeeze),
    **dict.fromkeys(("unsqueeze", "expand_dims", "unsqueeze_"), _unsqueeze),
    **dict.fromkeys(("transpose", "permute", "permutedims", "permute_dims"), _transpose),
    **dict.fromkeys(("swapaxes", "swapdims"), _swap),
    **dict.fromkeys(("moveaxis", "movedim"), _moveaxis),
    **dict.fromkeys(("flip", "reverse"), _flip),
    "t": lambda a: np.transpose,
    "fliplr": lambda a: np.fliplr,
    "flipud": lambda a: np.flipud,
    "rot90": _rot90,
    "rot180": lambda a: lambda x: np.rot90(x, 2),
    "ascontiguousarray": lambda a: lambda x: x,
}

# What makes an array of others.

Make = tuple[Callable[..., Array], tuple[Value, ...]]


def _repeat(a: Arguments) -> Make | None:
    times, axis = a.integers(1, "repeats", "multiples", "reps"), a.plain(2, "axis", "dim")
    if times is None or math.prod(times) > MOST_ELEMENTS:
        return None
    tiles = a.name in ("tile", "repmat", "expand_as") or (len(times) > 1 and a.name == "repeat")
    if tiles and not (axis is not None and a.name == "repeat" and a.module != "."):
        if a.name == "repmat" and len(times) == 1:
            times = times * 2
        return (lambda x: _tiled(x, times, a.one_based)), a.values[:1]  # type: ignore[return-value]
    if isinstance(axis, int):
        return (lambda x: np.repeat(x, times[0], axis)), tuple(a.values[:1])
    return (lambda x: np.repeat(x, times[0])), tuple(a.values[:1])


def _tiled(x: Array, times: Sequence[int], trailing: bool) -> Array:
    if trailing and len(times) > x.ndim:
        x = x.reshape(x.shape + (1,) * (len(times) - x.ndim))
    return np.tile(x, times)


def _expand(a: Arguments) -> Make | None:
    shape = a.integers(1, "shape", "size")
    if shape is None or math.prod(map(abs, shape)) > MOST_ELEMENTS:
        return None

    def make(x: Array) -> Array:
        own = (1,) * (len(shape) - x.ndim) + x.shape
        return np.broadcast_to(x, [o if n == -1 else n for n, o in zip(shape, own)])

    return make, tuple(a.values[:1])


def _joined(stack: bool) -> Callable[[Arguments], Make | None]:
    def make(a: Arguments) -> Make | None:
        parts = a.values[0].items
        axis = a.plain(1, "axis", "dim", default=0)
        if parts is None or not isinstance(axis, int):
            return None
        join = np.stack if stack else np.concatenate
        return (lambda *arrays: join(arrays, axis)), parts

    return make


_PAD_MODES = {"replicate": "edge", "circular": "wrap"}  # PyTorch's words for NumPy's


def _pad(a: Arguments) -> Make | None:
    """NumPy's and TensorFlow's pad, pairs axis by axis; PyTorch's, one list from the last axis."""
    pads = a.plain(1, "pad_width", "paddings", "pad")
    mode = str(a.plain(2, "mode", default="constant")).lower()
    mode = _PAD_MODES.get(mode, mode)
    fill = a.plain(3, "value", "constant_values", default=0)
    if not isinstance(pads, (list, int)) or not isinstance(fill, (int, float)):
        return None
    if mode not in ("constant", "reflect", "symmetric", "edge", "wrap"):
        return None
    last_first: list[tuple[int, ...]] = []
    if a.module in ("F", "torch"):
        flat = isinstance(pads, list) and all(isinstance(n, int) and n >= 0 for n in pads)
        if not isinstance(pads, list) or not flat or len(pads) % 2:
            return None
        last_first = [tuple(pads[k : k + 2]) for k in range(0, len(pads), 2)]
    more: dict[str, Any] = {"constant_values": fill} if mode == "constant" else {}

    def make(x: Array) -> Array:
        width: Any = pads
        if a.module in ("F", "torch"):
            width = [(0, 0)] * (x.ndim - len(last_first)) + last_first[::-1]
        return np.pad(x, width, mode, **more)  # type: ignore[call-overload,no-any-return]

    return make, tuple(a.values[:1])


def _like(number: float) -> Callable[[Arguments], Make | None]:
    return lambda a: ((lambda x: np.full_like(x, number)), tuple(a.values[:1]))


def _binary(name: str) -> Callable[[Arguments], Make | None]:
    return lambda a: (getattr(np, name), tuple(a.values[:2])) if len(a.values) == 2 else None


_MAKES: dict[str, Callable[[Arguments], Make | None]] = {
    **dict.fromkeys(("repeat", "tile", "repmat"), _repeat),
    **dict.fromkeys(("expand", "broadcast_to"), _expand),
    **dict.fromkeys(("stack",), _joined(True)),
    **dict.fromkeys(("concatenate", "concat", "cat"), _joined(False)),
    "pad": _pad,
    "ones_like": _like(1.0),
    "zeros_like": _like(0.0),
    **{name: _binary(name) for name in ("add", "subtract", "multiply", "divide")},
}


def arithmetic(operator: str, sides: Sequence[Value], text: str) -> Value:
    """``a + b`` and the like."""
    functions: dict[str, Callable[..., Any]] = {
        "+": np.add,
        "-": np.subtract,
        "*": np.multiply,
        "/": np.true_divide,
        "//": np.floor_divide,
        "%": np.mod,
        "**": np.power,
        "^": np.power,
    }
    if operator == "'":
        return Value(text, recipe=lambda x: np.atleast_2d(x).T, parents=tuple(sides), moves=True)
    if operator == "-" and len(sides) == 1:
        return Value(text, recipe=np.negative, parents=tuple(sides))
    if operator == ":" and len(sides) == 3:
        return _range(sides, text)
    function = functions.get(operator)
    if function is None or len(sides) != 2:
        return Value(text, parents=tuple(sides))
    return Value(text, recipe=function, parents=tuple(sides))


def _range(sides: Sequence[Value], text: str) -> Value:
    """Julia's and MATLAB's ``1:9``."""
    start, stop, step = (side.plain() for side in sides)
    step = 1 if step is None else step
    if not all(isinstance(n, (int, float)) for n in (start, stop, step)) or not step:
        return Value(text)
    if abs((stop - start) / step) > MOST_ELEMENTS:
        return Value(text)
    return exact(
        text, np.arange(start, stop + 0.5 * step, step).astype(np.result_type(start, step))
    )


def indexed(owner: Value, entries: Sequence[Value], text: str, one_based: bool) -> Value:
    """``y[0, :, :, 0]``, ``x.shape[0]``, ``sess.run([y, z])[0]``."""
    index = _index(entries, one_based)
    if index is None:
        return Value(text, parents=(owner,))
    listed = owner.constant if isinstance(owner.constant, list) else owner.items
    if listed and owner.printed is None and len(index) == 1 and isinstance(index[0], int):
        one = listed[index[0]] if -len(listed) <= index[0] < len(listed) else Value(text)
        return one if isinstance(one, Value) else exact(text, one)
    return Value(text, recipe=lambda x: x[index], parents=(owner,), moves=True)


def placed(owner: Value, entries: Sequence[Value], value: Value, one_based: bool) -> Value | None:
    """What an array is after ``data[0, :, :] = value``."""
    index = _index(entries, one_based)
    if index is None:
        return None

    def make(array: Array, part: Array) -> Array:
        outcome = np.array(array, np.result_type(array, part))
        shape = outcome[index].shape
        if part.size == math.prod(shape) and part.ndim != len(shape):
            part = part.reshape(shape)
        outcome[index] = part
        return outcome

    return Value(owner.text, recipe=make, parents=(owner, value))


def _index(entries: Sequence[Value], one_based: bool) -> tuple[Any, ...] | None:
    index: list[Any] = []
    for entry in entries:
        if entry.constant is ... or (entry.text == "..." and not one_based):
            index.append(...)
        elif entry.path.rpartition(".")[2] == "newaxis" or entry.text == "None":
            index.append(None)
        elif entry.items is not None and entry.text.startswith("slice"):
            start, stop, step = (item.plain() for item in entry.items)
            start = start - 1 if one_based and isinstance(start, int) else start
            if not all(n is None or isinstance(n, int) for n in (start, stop, step)):
                return None
            index.append(slice(start, stop, step))
        else:
            number = entry.plain()
            if not isinstance(number, int) or isinstance(number, bool):
                return None
            index.append(number - 1 if one_based else number)
    return tuple(index)

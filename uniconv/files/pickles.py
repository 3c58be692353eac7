"""Pickles, of which only the names that a format needs are known; nothing else can be reached.

The unpickler in Python keeps its memo in a dictionary: a number in the file cannot make it large.
What reserves memory before it reads, or leads out of the file, it does not know.
https://github.com/python/cpython/blob/v3.11.0/Lib/pickle.py and Lib/pickletools.py

A pickle is a program for a stack: "push these bytes", "make a tuple of the last three", "name this
function", "call it with that tuple", "give that state to what came out". An array is written as::

    numpy.core.multiarray._reconstruct(numpy.ndarray, (0,), b"b")    an empty one
    state: (1, (3, 3, 3, 10), numpy.dtype("f4"), False, b"...")      version, shape, dtype, order

Only naming can reach code, so that here a name is one of a few holders, which keep what they are
called with and given; arrays are made of them after the pickle has ended, against the limits.
"""

from __future__ import annotations

import io
import math
import pickle
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Limits
from uniconv.files.nested import leaves

__all__ = ["Unpickler", "nested_arrays"]

_REFUSED = {0x96, 0x97, 0x98, 0x82, 0x83, 0x84}  # BYTEARRAY8, buffers, extensions


class Unpickler(pickle._Unpickler):
    """A pickle read with the names that ``find_class`` of a subclass knows."""

    dispatch = {
        code: load for code, load in pickle._Unpickler.dispatch.items() if code not in _REFUSED
    }


class _DType:
    """What a pickled ``numpy.dtype`` says: the kind and size, then the order of the bytes."""

    order = "="

    def __init__(self, code: Any = "", *_: Any) -> None:
        self.code = code

    def __setstate__(self, state: Any) -> None:
        self.order = {"<": "<", ">": ">"}.get(state[1], "=") if isinstance(state, tuple) else "="

    @property
    def holds_numbers(self) -> bool:
        """Whether it is of numbers, and not of objects, words or records."""
        return isinstance(self.code, str) and re.fullmatch(r"[biufc]\d+", self.code) is not None

    def dtype(self, where: str) -> np.dtype[Any]:
        """NumPy's own dtype; BadFile for a size that it does not have."""
        try:
            return np.dtype(f"{self.order}{self.code}")
        except TypeError as error:
            raise BadFile(f"{where}: {error}") from None


class _Array:
    """A pickled ``numpy.ndarray``: its state, which becomes an array when it is asked for."""

    state: Any = None

    def __init__(self, *_: Any) -> None:  # by _reconstruct: an empty array, filled by the state
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def parts(self) -> tuple[Any, ...]:
        """Shape, dtype, whether the first axis runs fastest, and the bytes or the objects."""
        # Old NumPys wrote no version before the four.
        state = self.state[-4:] if isinstance(self.state, tuple) else ()
        if len(state) != 4 or not isinstance(state[0], tuple) or not isinstance(state[1], _DType):
            raise BadFile("a pickled array has no shape or no dtype")
        return state

    def array(self, where: str, name: str, limits: Limits) -> NDArray[Any]:
        """The numbers, of which there must be as many as the shape says."""
        shape, kind, fortran, raw = self.parts()
        dtype = kind.dtype(where)
        # The bytes are there already; what the shape claims beside them is never reserved.
        # Python 2 wrote bytes as text.
        data = raw.encode("latin1") if isinstance(raw, str) else raw
        if not isinstance(data, bytes) or not all(type(n) is int and n >= 0 for n in shape):
            raise BadFile(f"{where} is damaged: it has no bytes")
        limits.fits(shape, dtype, name)
        flat = np.frombuffer(data, dtype) if len(data) % dtype.itemsize == 0 else np.empty(0, dtype)
        if flat.size != int(np.prod(shape, dtype=object)):
            raise BadFile(f"{where} has {len(data)} bytes, which are not {shape} of {dtype}")
        return flat.reshape(shape, order="F" if fortran else "C").copy()  # bytes cannot be written


class _JoblibArray(_Array):
    """joblib's stand-in for an array, whose numbers follow it in the file.

    https://github.com/joblib/joblib/blob/1.4.2/joblib/numpy_pickle.py
    """

    def __setstate__(self, state: Any) -> None:
        self.words = state if isinstance(state, dict) else {}

    def take_numbers(self, read: Callable[[int], bytes]) -> None:
        """Take so many bytes as the shape says, behind as many as put them at an even address."""
        shape, kind = self.words.get("shape"), self.words.get("dtype")
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            raise BadFile("a pickled array of joblib's has no shape")
        if not isinstance(kind, _DType) or not kind.holds_numbers:
            raise BadFile("an array of joblib's is one of Python objects, not of numbers")
        if self.words.get("numpy_array_alignment_bytes") is not None:
            read(read(1)[0])
        size = math.prod(shape) * kind.dtype("joblib").itemsize
        self.state = (shape, kind, self.words.get("order") == "F", read(size))


def _of_buffer(buffer: Any, kind: Any, shape: Any, order: Any = "C", axes: Any = None) -> _Array:
    """An array as protocol 5 writes it: ``numpy.core.numeric._frombuffer``."""
    if axes is not None:
        raise BadFile("a pickled array has its axes in an order that uniconv does not read")
    array = _Array()
    array.state = (shape, kind, order == "F", bytes(buffer) if order in ("C", "F") else b"")
    return array


class _OfObjects(Unpickler):
    """A pickle of arrays in dictionaries and lists, as ``numpy.save`` writes a dictionary."""

    where = ""
    dispatch: ClassVar[Any] = Unpickler.dispatch.copy()

    def load_build(self: Any) -> None:
        """Give an object its state; what joblib puts behind it is no part of the pickle."""
        pickle._Unpickler.load_build(self)  # type: ignore[attr-defined]
        if isinstance(self.stack[-1], _JoblibArray):
            self.stack[-1].take_numbers(self.read)

    def load_bytes(self: Any) -> None:
        """Bytes that could be written, as Python has them, but no more than there are."""
        size = int.from_bytes(self.read(8), "little")
        self.append(self.read(min(size, sys.maxsize)))

    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.BYTEARRAY8[0]] = load_bytes

    def find_class(self, module: str, name: str) -> Any:
        """A holder, a plain container, or an error."""
        # NumPy 2 calls its core numpy._core.
        known: dict[str, Any] = {
            "numpy.core.multiarray._reconstruct": _Array,
            "numpy.ndarray": _Array,
            "numpy.dtype": _DType,
            "numpy.core.numeric._frombuffer": _of_buffer,
            "joblib.numpy_pickle.NumpyArrayWrapper": _JoblibArray,
            "numpy.core.multiarray.scalar": lambda *_: None,  # a number beside the arrays
            "collections.OrderedDict": OrderedDict,
            "_codecs.encode": _encode,
        }
        full = f"{module}.{name}".replace("numpy._core.", "numpy.core.")
        if full not in known:
            raise BadFile(
                f"{self.where} holds Python objects, {full!r:.80}, not numbers: reading them would "
                "run the file's code; save a plain array (numpy.asarray(a, float))"
            )
        return known[full]


def _encode(text: Any, encoding: Any = "") -> bytes:
    """Bytes, as Python 3 writes them for Python 2 to read."""
    if not isinstance(text, str) or encoding != "latin1":
        raise BadFile("a pickle encodes what is no text of bytes")
    return text.encode("latin1")


def nested_arrays(data: bytes, where: str, limits: Limits) -> Iterator[tuple[str, NDArray[Any]]]:
    """The arrays of a pickle, by the keys and places that lead to them, ``conv1.weights``.

    Raises:
        BadFile: it is damaged, names anything but arrays and containers, or is past a limit.
    """
    # Python 2 wrote bytes as text; latin1 gives each byte one letter.
    reader = _OfObjects(io.BytesIO(data), encoding="latin1")
    reader.where = where
    try:
        root = reader.load()
    except BadFile:
        raise
    except Exception as error:  # whatever a damaged pickle makes of its stack
        raise BadFile(f"{where} is no pickle of arrays: {type(error).__name__}") from None
    for name, value in leaves(root, limits, _opened):
        if isinstance(value, _Array) and value.parts()[1].holds_numbers:
            yield name, value.array(f"{where}, {name}", name, limits)


def _opened(value: Any) -> Any:
    """The objects of an array of objects: as a list, or the one of an array without axes."""
    if not isinstance(value, _Array):
        return value
    shape, kind, _, objects = value.parts()
    if kind.holds_numbers or not isinstance(objects, list):
        return value
    # numpy.save makes such an array of a dictionary, which has no place of its own in it.
    alone = shape == () and len(objects) == 1 and not isinstance(objects[0], _Array)
    return objects[0] if alone else objects

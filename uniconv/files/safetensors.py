"""safetensors: a header in JSON, then the bytes of every tensor, little-endian, last axis fastest.

The format: https://github.com/huggingface/safetensors#format

The bytes::

    uint64 length of the header | header in JSON, padded with spaces | the tensors
    header: {"conv.weight": {"dtype": "F32", "shape": [8, 3, 3, 3], "data_offsets": [0, 864]},
             "__metadata__": {"format": "pt"}}

Offsets count from the header's end, leave no gap and do not overlap; the library checks that.
``__metadata__`` is a word of the format and no name for a tensor.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv.errors import BadFile
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray
from uniconv.files.tensors import to_numpy

__all__ = ["CODES", "read", "write"]

_CODES = (
    "bool=BOOL int8=I8 int16=I16 int32=I32 int64=I64 uint8=U8 uint16=U16 uint32=U32 uint64=U64 "
    "float16=F16 float32=F32 float64=F64 bfloat16=BF16 float8_e4m3fn=F8_E4M3 float8_e5m2=F8_E5M2 "
    "complex64=C64"
)
CODES = dict(pair.split("=") for pair in _CODES.split())


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The tensors, in the order of their bytes."""
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise BadFile(f'{path}: reading it needs pip install "uniconv-torch[files]"') from None
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.offset_keys():
                yield NamedArray(name, to_numpy(file.get_tensor(name), f"{path}, {name}"))
    except SafetensorError as error:
        raise BadFile(f"{path} is no .safetensors file: {error}") from None


def write(path: Path, arrays: Iterable[tuple[str, NDArray[Any]]]) -> None:
    """One array at a time: the bytes go to a file of their own until all shapes are known."""
    header: dict[str, Any] = {}
    with tempfile.TemporaryFile(dir=path.parent) as data:
        for name, array in arrays:
            if name == "__metadata__":
                raise BadFile(f"{path.name}: {name} is safetensors' own word, no name of an array")
            code = CODES.get(array.dtype.name)
            if code is None:
                raise BadFile(f"{path.name}, {name}: safetensors has no dtype {array.dtype}")
            begin = data.tell()
            data.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
            offsets = [begin, data.tell()]
            header[name] = {"dtype": code, "shape": array.shape, "data_offsets": offsets}
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)  # the bytes then begin at a multiple of 8
        data.seek(0)
        with path.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            shutil.copyfileobj(data, file, 1 << 20)

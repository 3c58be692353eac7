"""ONNX: the initializers of a model, where onnx is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from uniconv.errors import BadFile
from uniconv.files.named_array import NamedArray


def read(path: Path) -> Iterator[NamedArray]:
    """The initializers in the model's order, also those in files beside it."""
    try:
        import onnx
    except ImportError:
        raise BadFile(f"{path}: .onnx needs pip install onnx") from None
    path.open("rb").close()
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's own, whose class is not public
        raise BadFile(f"{path} is no .onnx file: {error}") from None
    for tensor in model.graph.initializer:
        yield NamedArray(tensor.name, onnx.numpy_helper.to_array(tensor, str(path.parent)))

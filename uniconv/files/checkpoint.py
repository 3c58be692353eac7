"""TensorFlow's checkpoints, where TensorFlow is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from uniconv.errors import BadFile
from uniconv.files.hdf5 import natural
from uniconv.files.named_array import NamedArray

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def is_checkpoint(path: Path) -> bool:
    """A folder with a checkpoint, an ``.index`` file, or what checkpoints are named by."""
    return path.suffix == ".index" or Path(f"{path}.index").is_file() or path.is_dir()


def read(path: Path) -> Iterator[NamedArray]:
    """The variables of numbers, under the names of the objects that hold them."""
    if path.is_dir():
        inside = path / "variables" / "variables"  # a SavedModel
        if Path(f"{inside}.index").is_file():
            path = inside
        elif not (path / "checkpoint").is_file():
            raise BadFile(f"{path} is a folder without a TensorFlow checkpoint")
    try:
        import tensorflow
    except ImportError:
        raise BadFile(f"{path}: a checkpoint needs TensorFlow: pip install tensorflow") from None
    try:
        reader = tensorflow.train.load_checkpoint(str(path).removesuffix(".index"))
        for name in sorted(reader.get_variable_to_shape_map(), key=natural):
            array = np.asarray(reader.get_tensor(name))
            if array.dtype.kind in "biufcV":
                yield NamedArray(name.removesuffix(_VALUE), array)
    except (tensorflow.errors.OpError, ValueError, RuntimeError) as error:
        raise BadFile(f"{path} is no TensorFlow checkpoint: {error}") from None

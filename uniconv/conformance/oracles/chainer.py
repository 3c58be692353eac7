"""Chainer on NumPy, which must be older than 1.24: an environment of its own."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from uniconv.spec.op import Op

__all__ = ["PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES = ("chainer",)


@cache
def chainer() -> Any:
    """Chainer; it asks NumPy's distutils for parts that setuptools' own has dropped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with suppress(ImportError, AttributeError):
            importlib.import_module("_distutils_hack").remove_shim()
        for name in [n for n in sys.modules if n.partition(".")[0] == "distutils"]:
            if "setuptools" in (getattr(sys.modules[name], "__file__", None) or ""):
                del sys.modules[name]  # another framework has brought it
        return importlib.import_module("chainer")


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The function of a registry name."""
    name = op.name.rpartition(".")[2]

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        functions = chainer().functions
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = {role: op.array_names(role)[0] for role in arrays}
            keywords = {names[role]: a for role, a in arrays.items()}
            y: Array = getattr(functions, name)(**keywords, **options).array
        return [y]

    return call

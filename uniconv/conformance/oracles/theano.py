"""Theano (theano-pymc) and Lasagne, by Theano's own Python loops: no compiler, no BLAS.

They need NumPy before 1.24 and SciPy before 1.10, so an environment of their own; what they import
from places that have moved is put back here.
"""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from uniconv.spec.op import Op

__all__ = ["PACKAGES", "evaluated", "function_of", "module", "theano", "whole"]

Array = np.ndarray[Any, Any]
PACKAGES: tuple[str, ...] = ("theano-pymc",)


def module(name: str) -> Any:
    """A module, to which names may be added."""
    return importlib.import_module(name)


@cache
def theano() -> Any:
    """Theano, with the shims that it needs beside today's setuptools and SciPy."""
    os.environ["THEANO_FLAGS"] = "cxx=,blas__ldflags=,device=cpu,floatX=float32"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module("numpy.distutils.__config__").blas_opt_info = {}
        theano = module("theano")
        module("theano.tensor.nnet")
        abstract = module("theano.tensor.nnet.abstract_conv")
        tools = module("scipy.signal._signaltools")
        compiled = module("scipy.signal._sigtools")
    abstract.imported_scipy_signal = True
    abstract.convolve = tools.convolve
    abstract._valfrommode, abstract._bvalfromboundary = tools._valfrommode, tools._bvalfromboundary
    abstract._convolve2d = compiled._convolve2d
    return theano


def evaluated(build: Callable[..., Any], arrays: list[Array]) -> Array:
    """What an expression of these arrays is, node by node, in Python."""
    tensor = theano().tensor
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        symbols = [tensor.TensorType(a.dtype.name, (False,) * a.ndim)() for a in arrays]
        mode = theano().compile.mode.Mode(linker="py", optimizer=None)
        y: Array = theano().function(symbols, build(*symbols), mode=mode)(*arrays)
    return y


def whole(y: Array) -> Array:
    """Sums of integers as they are: SciPy may choose the FFT, by which they are not exact."""
    rounded = np.rint(y).astype(y.dtype)
    return rounded if np.allclose(y, rounded, rtol=0, atol=1e-2) else y


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The function of a registry name."""
    name = op.name.rpartition(".")[2]

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        if "bias" in arrays:
            raise ValueError(f"{op.name} has no bias")
        known = set(op.rules) | set(op.aliases)
        if set(options) - known:  # Theano warns of unknown words and goes on
            raise TypeError(f"unknown options {set(options) - known}")
        theano()
        inner = ".abstract_conv" if name in ("causal_conv1d", "separable_conv2d") else ""
        function = getattr(module(f"theano.tensor.nnet{inner}"), name)
        operands = [arrays[role] for role in ("x", "w", "p") if role in arrays]
        if name == "separable_conv2d":
            options = {"num_channels": arrays["x"].shape[1]} | options
        if name == "causal_conv1d":
            options = {"filter_shape": arrays["w"].shape} | options
        if "output_shape" in options:
            options = options | {"output_shape": tuple(options["output_shape"])}
        return [whole(evaluated(lambda *symbols: function(*symbols, **options), operands))]

    return call

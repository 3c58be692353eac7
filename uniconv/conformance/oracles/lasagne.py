"""Lasagne's layers, on Theano as its own oracle runs it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from uniconv.conformance.oracles.theano import evaluated, module, theano, whole
from uniconv.spec.op import Op

__all__ = ["PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES = ("Lasagne", "theano-pymc")


@cache
def lasagne_layers() -> Any:
    """lasagne.layers, on a Theano that has back the names by which Lasagne calls it."""
    engine = theano()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = module("theano.graph.basic")
        random = module("theano.sandbox.rng_mrg")
        random.MRG_RandomStreams = random.MRG_RandomStream
        engine.Variable = engine.tensor.Variable = graph.Variable
        engine.gof = SimpleNamespace(graph=graph)
        return module("lasagne.layers")


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The layer of a registry name, built around the given kernel."""
    name = op.name.rpartition(".")[2]

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        layers = lasagne_layers()
        swapped = name in ("TransposedConv2DLayer", "DilatedConv2DLayer")
        filters, sizes = arrays["w"].shape[1 if swapped else 0], arrays["w"].shape[2:]

        def build(x: Any, w: Any, b: Any = None) -> Any:
            layer = getattr(layers, name)(
                layers.InputLayer(arrays["x"].shape, x), filters, sizes, W=w, b=b, **options
            )
            # Where W is an expression, Lasagne compares its number of axes, not its shape.
            if tuple(layer.get_W_shape()) != arrays["w"].shape:
                raise ValueError(f"W must be {layer.get_W_shape()}")
            return layers.get_output(layer)

        return [whole(evaluated(build, list(arrays.values())))]

    return call

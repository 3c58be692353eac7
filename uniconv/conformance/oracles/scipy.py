"""SciPy functions on the arrays as they are."""

from uniconv.conformance.oracles.numpy import function_of

__all__ = ["PACKAGES", "function_of"]

PACKAGES = ("scipy",)

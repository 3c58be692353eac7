"""Types for annotations.

``Dialect`` is the name of a family or function, ``Kind`` of an operation, ``Array`` anything that
can be convolved: a torch tensor, a NumPy array, an array with DLPack.

Checkers and editors know the names, from the generated ``typing.pyi``; ``ConvDialect`` and its
siblings are the names that the operation takes.  A name that only a plug-in knows is told with
``cast``.  While a program runs a name is a string, and it is the call that checks it.

>>> from typing import cast
>>> configured = cast(Dialect, "tf.nn.conv2d")
"""

from __future__ import annotations

from typing import Any, Protocol

__all__ = [
    "Array",
    "ConvDialect",
    "ConvTransposeDialect",
    "DepthwiseConvDialect",
    "Dialect",
    "Kind",
    "SeparableConvDialect",
]

Dialect = ConvDialect = ConvTransposeDialect = DepthwiseConvDialect = SeparableConvDialect = str
Kind = str


class Array(Protocol):
    """An array: it has a shape, and offers its memory by DLPack."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __dlpack__(self, *, stream: Any = None) -> Any: ...

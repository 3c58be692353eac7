"""What lies in nested dictionaries and lists, as pickles, Torch7 and TorchScript keep tensors.

A list may be in another twice, and that one in a third: forty such are a thousand billion ways to
one tensor. A container costs one step the first time, and a step for each of its parts whenever it
is met again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from uniconv.files.bounded import Limits

__all__ = ["leaves"]


def leaves(
    root: Any,
    limits: Limits,
    opened: Callable[[Any], Any] = lambda value: value,
    word: Callable[[Any], str] = str,
) -> Iterator[tuple[str, Any]]:
    """What is no container, under the keys and places that lead to it: ``net.conv.0``.

    ``opened`` gives the dictionary or list that a holder of the format holds, and other values as
    they are; ``word`` is what a key is called.
    """
    met: set[int] = set()

    def walk(value: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
        """The leaves of one value, depth first."""
        content = opened(value)
        parts: Iterable[tuple[Any, Any]]
        if isinstance(content, Mapping):
            parts = content.items()
        elif isinstance(content, (list, tuple)):
            parts = enumerate(content)
        else:
            yield name, content
            return
        limits.step(depth, 1 + len(content) * (id(value) in met))
        met.add(id(value))
        for key, part in parts:
            yield from walk(part, f"{name}.{word(key)}" if name else word(key), depth + 1)

    yield from walk(root, "", 0)

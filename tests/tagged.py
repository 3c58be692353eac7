"""Native options as JSON, which has no tuples: these are {"tuple": [...]}, since some functions
tell them from lists."""

from __future__ import annotations

from typing import Any


def tagged(value: Any) -> Any:
    """A value as JSON can hold it.

    >>> tagged({"pads": (1, [2, 3])})
    {'pads': {'tuple': [1, [2, 3]]}}
    """
    if isinstance(value, dict):
        return {k: tagged(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        entries = [tagged(v) for v in value]
        return {"tuple": entries} if isinstance(value, tuple) else entries
    return value


def untagged(value: Any) -> Any:
    """The value that was tagged."""
    if isinstance(value, list):
        return [untagged(v) for v in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"tuple"}:
        return tuple(map(untagged, value["tuple"]))
    return {k: untagged(v) for k, v in value.items()}

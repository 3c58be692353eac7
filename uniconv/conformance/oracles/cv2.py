"""OpenCV on the CPU."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from uniconv.spec.op import Op

__all__ = ["PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES = ("opencv-python-headless or opencv-python",)


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The function of a registry name."""

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        cv2 = importlib.import_module("cv2")
        keywords = dict(options)
        if isinstance(keywords.get("anchor"), list):
            keywords["anchor"] = tuple(keywords["anchor"])
        names = {role: op.array_names(role)[0] for role in arrays}
        y: Array = getattr(cv2, op.name.removeprefix("cv2."))(
            **{names[role]: a for role, a in arrays.items()}, **keywords
        )
        return [y]

    return call

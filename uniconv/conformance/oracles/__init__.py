"""Oracles: the real framework functions, called on NumPy arrays, to compare uniconv with.

One module a family, found by its name.  It has PACKAGES, the distributions that it runs ("a or b"
where one of them will do), GRADIENTS where it has them, and ``function_of(op)``: a function
(arrays by role, options, dy) -> [y], or [y, dx, dw] where dy is given.  Roles are x, w, bias and p
(the second kernel).  A framework is imported when it is first called.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from uniconv.errors import UnknownName
from uniconv.spec.registry import find

__all__ = [
    "Array",
    "Call",
    "CannotRun",
    "HasOptions",
    "Oracle",
    "differentiable",
    "family_of",
    "has_oracle",
    "oracle",
    "runs",
    "versions",
]

Array = np.ndarray[Any, Any]
Call = Callable[[dict[str, Array], dict[str, Any], "Array | None"], list[Array]]


class CannotRun(Exception):
    """Nothing that is installed computes what the framework's contract has."""


class HasOptions(Protocol):
    """A case, as far as an oracle needs it: the native options of one call."""

    @property
    def options(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Oracle:
    """One framework function: ``call(arrays by role, options)`` -> arrays, y first.

    ``dy``, where it is given, asks for the gradients of sum(dy * y) by x and w after y.
    """

    name: str
    call: Call

    def __call__(
        self,
        case: HasOptions,
        x: Array,
        w: Array,
        bias: Array | None = None,
        pointwise: Array | None = None,
    ) -> Array:
        """What the framework returns; its own exception where it refuses."""
        return self.call(_present(x=x, w=w, bias=bias, p=pointwise), dict(case.options), None)[0]

    def gradients(
        self, case: HasOptions, x: Array, w: Array, dy: Array, pointwise: Array | None = None
    ) -> tuple[Array, Array, Array]:
        """The framework's own (y, dx, dw), the gradients those of sum(dy * y)."""
        y, dx, dw = self.call(_present(x=x, w=w, p=pointwise), dict(case.options), dy)
        return y, dx, dw


def _present(**arrays: Array | None) -> dict[str, Array]:
    return {role: a for role, a in arrays.items() if a is not None}


@cache
def oracle(name: str) -> Oracle:
    """The oracle of a registry name; UnknownName where none runs in Python.

    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> x, w = np.array([[[1, 2, 3, 4.0]]]), np.array([[[1, 10, 100.0]]])
    >>> oracle("torch.nn.functional.conv1d")(SimpleNamespace(options={}), x, w).ravel()
    array([321., 432.])
    """
    op = find(name)
    module = _module(op.family)
    if module is None:
        raise UnknownName(f"{op.name} has no oracle: {op.title} does not run in Python")
    return Oracle(op.name, module.function_of(op))


@cache
def _module(family: str) -> ModuleType | None:
    name = f"{__name__}.{family}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def has_oracle(family: str) -> bool:
    """Whether a family's functions can be run from Python at all."""
    return _module(family) is not None


def differentiable(family: str) -> bool:
    """Whether the oracles of a family give gradients."""
    return bool(getattr(_module(family), "GRADIENTS", False))


def versions(family: str) -> dict[str, str]:
    """The versions of what a family's oracles run; empty where something is not installed."""
    module = _module(family)
    if module is not None and hasattr(module, "programs"):  # no Python package
        versions: dict[str, str] = module.programs()
        return versions
    versions = {}
    for names in module.PACKAGES if module else ():
        for package in names.split(" or "):
            with suppress(PackageNotFoundError):
                versions[package] = version(package)
                break
        else:
            return {}
    return versions


def runs(family: str) -> bool:
    """Whether a family's oracles can run here."""
    return bool(versions(family))

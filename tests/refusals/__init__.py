"""Calls that each framework takes (GOOD) and refuses (BAD): one module a family, found by name."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from uniconv.spec.registry import frameworks

TABLES: dict[str, ModuleType] = {
    module.name: importlib.import_module(f"{__name__}.{module.name}")
    for module in pkgutil.iter_modules(__path__)
    if module.name in frameworks()
}

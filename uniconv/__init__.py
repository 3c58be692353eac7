"""Run any framework's convolution with that framework's exact meaning.

A public name is imported when it is first asked for, so that ``import uniconv`` costs nothing and
``uniconv --help`` needs no torch.  Type checkers and editors read ``__init__.pyi``, which
``docs/make_stubs.py`` makes of the same table.
"""

from importlib import import_module as _import_module
from typing import Any as _Any

__version__ = "0.1.0"

_MODULES = ("errors", "files", "nn", "spec", "typing")
_HOMES = {
    "Call": "uniconv._call",
    "Diagnosis": "uniconv._diagnose",
    "Explanation": "uniconv._explain",
    "Probe": "uniconv._probe",
    "Thread": "uniconv._diagnose",
    "Translation": "uniconv._translate.translation",
    "UniconvError": "uniconv.errors",
    "bind": "uniconv._bind",
    "compare": "uniconv._diagnose",
    "conv": "uniconv._functional",
    "conv_transpose": "uniconv._functional",
    "convert_bias": "uniconv._weights.kernel",
    "convert_dense": "uniconv._weights.dense",
    "convert_file": "uniconv._weights.network",
    "convert_kernel": "uniconv._weights.kernel",
    "convert_state_dict": "uniconv._weights.network",
    "depthwise_conv": "uniconv._functional",
    "describe": "uniconv._describe",
    "diagnose": "uniconv._diagnose",
    "dialects": "uniconv._describe",
    "explain": "uniconv._explain",
    "native": "uniconv._native",
    "precision": "uniconv._canonical.precision",
    "probe": "uniconv._probe",
    "same_pads": "uniconv._same_pads",
    "separable_conv": "uniconv._functional",
    "translate": "uniconv._translate.translate",
    "translate_layer": "uniconv._translate.layers",
    "translate_program": "uniconv._translate.program",
    "which_layout": "uniconv._weights.which_layout",
}
__all__ = ["__version__", *_MODULES, *_HOMES]


def __getattr__(name: str) -> _Any:
    if name in _MODULES:
        return _import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(_import_module(_HOMES[name]), name)
    globals()[name] = value  # the next time is an ordinary attribute
    return value


def __dir__() -> list[str]:
    return __all__

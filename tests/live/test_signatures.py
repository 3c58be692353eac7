"""The running frameworks' own signatures: every argument at its default, none unknown, in order."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.test_arguments import known
from uniconv.conformance.bad_calls import TrialCall, well_called
from uniconv.conformance.oracles import runs
from uniconv.errors import UniconvError
from uniconv.spec.constructor_words import ONCE_CALLED
from uniconv.spec.op import Op
from uniconv.spec.registry import find, frameworks

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore")]

PACKAGES = {"tf": "tensorflow"}
HERE = [op.name for name, d in frameworks().items() if runs(name) for op in d.functions]


def function_of(name: str) -> Callable[..., Any] | None:
    """The framework's function or layer of a registry name; None where it is of no such module."""
    first, *rest = name.split(".")
    try:
        found: Any = importlib.import_module(PACKAGES.get(first, first))
        for i, part in enumerate(rest):
            if not hasattr(found, part):
                importlib.import_module(".".join((PACKAGES.get(first, first), *rest[: i + 1])))
            found = getattr(found, part)
    except (AttributeError, ImportError):
        return None
    return found if callable(found) else None


def parameters(name: str) -> list[inspect.Parameter]:
    """The parameters of a function that can tell its own."""
    function = function_of(name)
    try:
        signature = inspect.signature(function) if function else inspect.Signature()
    except ValueError:
        signature = inspect.Signature()
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [p for p in signature.parameters.values() if p.kind not in variadic]


def refusal(call: TrialCall, name: str, value: Any) -> str:
    """Why uniconv refuses the call with one argument more; "" where it takes it."""
    try:
        replace(call, options={**call.options, name: value}).through_uniconv()
    except UniconvError as error:
        return str(error)
    return ""


def restates(op: Op, name: str) -> bool:
    """Whether an argument says what this call's arrays contradict: that there is a bias, a size."""
    word = op.constructor_words.get(name)
    return word is not None and (word.says in ONCE_CALLED or word.says in ("m", "o"))


@pytest.mark.parametrize("name", HERE)
def test_every_argument_is_known_and_taken_at_its_default(name: str) -> None:
    op, call = find(name), well_called(find(name))
    own = parameters(name)
    if not own:
        pytest.skip("it does not tell its parameters")
    assert {p.name for p in own} <= known(op) | {"self"}
    arrays = {param.split(":")[1] for param in op.params.split() if ":" in param}
    for p in own:
        left_out = p.default is inspect.Parameter.empty or p.name in {*arrays, *call.options}
        if not left_out and not restates(op, p.name) and type(p.default).__name__ != "_NullType":
            assert refusal(call, p.name, p.default) == "", p.name


@pytest.mark.parametrize("name", HERE)
def test_arguments_come_in_the_framework_s_order(name: str) -> None:
    op, own = find(name), [p.name for p in parameters(name)]
    if not set(op.array_names("x")) & set(own):
        pytest.skip("its arrays are no arguments of one call")
    ours = [param.rpartition(":")[2] for param in op.params.split()]
    assert [p for p in own if p in ours] == [p for p in ours if p in own]

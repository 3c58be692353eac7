"""uniconv against numbers that the frameworks themselves gave or publish: tests/golden."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import uniconv
from tests.tagged import untagged
from uniconv.spec.registry import find, framework, frameworks

GOLDEN = Path(__file__).parent / "golden"


def recorded(name: str) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """The calls that tests/golden/make.py wrote, with their arrays."""
    with np.load(GOLDEN / f"{name}.npz") as file:
        numbers, start = file["numbers"], 0
    for call in json.loads((GOLDEN / f"{name}.json").read_text())["calls"]:
        arrays = {}
        for role, shape in call["shapes"].items():
            dtype = call.get("dtype", "float32")
            if role == "y":
                dtype = call.get("result") or find(call["function"]).result or dtype
            parts = 2 if dtype.startswith("complex") else 1  # real and imaginary
            end = start + int(np.prod(shape)) * parts
            a = numbers[start:end].reshape(*shape, parts)
            arrays[role] = (a[..., 0] + 1j * a[..., 1] if parts == 2 else a[..., 0]).astype(dtype)
            start = end
        call["options"] = untagged(call["options"])
        yield call, arrays
    assert start == len(numbers), f"{name}.npz has numbers that no call of {name}.json uses"


def published() -> list[dict[str, Any]]:
    """The calls in the tests and docs of frameworks that cannot run here."""
    files = sorted((GOLDEN / "published").glob("*.json"))
    return [call for file in files for call in json.loads(file.read_text())["calls"]]


MADE = sorted(file.stem for file in GOLDEN.glob("*.json"))
PUBLISHED = sorted(file.stem for file in (GOLDEN / "published").glob("*.json"))
ROLES = ("x", "w", "bias", "y", "dy", "dx", "dw")


def agree(y: np.ndarray, expected: np.ndarray, call: dict[str, Any]) -> None:
    """Exactly; or within the absolute tolerance of the framework's own test (atol)."""
    if "atol" in call:
        assert y.dtype == expected.dtype
        np.testing.assert_allclose(y, expected, rtol=0, atol=call["atol"])
    else:
        np.testing.assert_array_equal(y, expected, strict=True)


def check(call: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """y exactly, where it is not NaN, by both entrances; and dx and dw where they are given."""
    op = find(call["function"])
    entrance, options = getattr(uniconv, op.kind), call["options"]
    given = [arrays[role] for role in ("x", "w", "p") if role in arrays]
    names = [op.array_names(role)[0] for role in ("x", "w", "p") if role in arrays]
    bias = {"bias": arrays["bias"]} if "bias" in arrays else {}
    named = {op.array_names(role)[0]: a for role, a in bias.items()}
    told = ~np.isnan(arrays["y"])
    for y in (
        entrance(*given, **bias, dialect=op.name, **options),
        uniconv.native(op.name)(**dict(zip(names, given)), **named, **options),
    ):
        assert y.shape == told.shape
        agree(y[told], arrays["y"][told], call)
    if "dy" in arrays:
        tensors = [torch.from_numpy(a) for a in given]
        leaves = [a.requires_grad_() for a in tensors[:2]]
        y = entrance(*tensors, dialect=op.name, **options)
        found = torch.autograd.grad(y, leaves, torch.from_numpy(arrays["dy"]))
        for name, slope in zip(("dx", "dw"), found):
            np.testing.assert_array_equal(slope.resolve_conj(), arrays[name], err_msg=name)


def test_every_family_has_golden_numbers() -> None:
    assert set(MADE) | set(PUBLISHED) == set(frameworks())


@pytest.mark.parametrize("name", MADE)
def test_what_the_framework_returned(name: str) -> None:
    dialect, seen = framework(name), set()
    assert dialect is not None
    for call, arrays in recorded(name):
        seen.add(call["function"])
        try:
            check(call, arrays)
        except AssertionError as error:
            raise AssertionError(
                f"{call['function']}({call['options']}, {call['shapes']})"
            ) from error
    assert seen == {op.name for op in dialect.functions}


@pytest.mark.parametrize("call", published(), ids=lambda c: f"{c['function']} {c['source']}")
def test_what_the_frameworks_publish(call: dict[str, Any]) -> None:
    dtype = call.get("dtype", "float")
    arrays = {role: array(call[role], dtype) for role in ROLES if role in call}
    if call.get("complex"):
        arrays = {role: a[..., 0] + 1j * a[..., 1] for role, a in arrays.items()}
    check(call | {"options": untagged(call["options"])}, arrays)


def array(published: Any, dtype: str = "float") -> np.ndarray:
    """All numbers; or a shape, filled with one number, with others "at" some places.

    Where neither is given, the places are NaN: their numbers are not published.
    """
    if not isinstance(published, dict):
        return np.array(published, dtype)
    a = np.full(published["shape"], published.get("fill", np.nan), dtype)
    for place, number in published.get("at", ()):
        a[tuple(place)] = number
    return a


# Functions of which no test or page of the framework gives a number: they draw their arrays.
WITHOUT_NUMBERS = {
    "flux.ConvTranspose": "test/layers/conv.jl looks at sizes; it calls nnlib.conv_data",
    "flux.DepthwiseConv": "test/layers/conv.jl looks at sizes; it is flux.Conv with groups",
    "knet.ops21.conv": "test/ops21/conv.jl compares CPU and GPU, and gradients",
    "lux.ConvTranspose": "test/core_layers/conv_tests.jl looks at sizes; it calls nnlib.conv_data",
}


@pytest.mark.parametrize("name", sorted(set(PUBLISHED) - set(MADE)))
def test_every_function_that_cannot_run_has_published_numbers(name: str) -> None:
    dialect = framework(name)
    assert dialect is not None
    calls = json.loads((GOLDEN / "published" / f"{name}.json").read_text())["calls"]
    numbers = {c["function"] for c in calls if not np.isnan(array(c["y"])).all()}
    assert numbers == {op.name for op in dialect.functions} - set(WITHOUT_NUMBERS)

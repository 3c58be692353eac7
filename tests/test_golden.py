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
from uniconv.registry import families, family, find

GOLDEN = Path(__file__).parent / "golden"


def recorded(name: str) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """The calls that tests/golden/make.py wrote, with their arrays."""
    with np.load(GOLDEN / f"{name}.npz") as file:
        numbers, start = file["numbers"], 0
    for call in json.loads((GOLDEN / f"{name}.json").read_text())["calls"]:
        arrays = {}
        for role, shape in call["shapes"].items():
            end = start + int(np.prod(shape))
            dtype = call.get("dtype", "float32")
            if role == "y":
                dtype = find(call["function"]).result or dtype
            arrays[role] = numbers[start:end].reshape(shape).astype(dtype)
            start = end
        call["options"] = untagged(call["options"])
        yield call, arrays
    assert start == len(numbers), f"{name}.npz has numbers that no call of {name}.json uses"


def untagged(value: Any) -> Any:
    """Tuples as they were."""
    if isinstance(value, list):
        return [untagged(v) for v in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"tuple"}:
        return tuple(map(untagged, value["tuple"]))
    return {k: untagged(v) for k, v in value.items()}


def published() -> list[dict[str, Any]]:
    """The calls in the tests and docs of frameworks that cannot run here."""
    files = sorted((GOLDEN / "published").glob("*.json"))
    return [call for file in files for call in json.loads(file.read_text())["calls"]]


MADE = sorted(file.stem for file in GOLDEN.glob("*.json"))
PUBLISHED = sorted(file.stem for file in (GOLDEN / "published").glob("*.json"))


def agree(y: np.ndarray, expected: np.ndarray, call: dict[str, Any]) -> None:
    """Exactly; or within the absolute tolerance of the framework's own test (atol)."""
    if "atol" in call:
        assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(y, expected, rtol=0, atol=call["atol"])
    else:
        np.testing.assert_array_equal(y, expected, strict=True)


def check(call: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """y exactly, by both entrances; and dx and dw where they are given."""
    op = find(call["function"])
    entrance, options = getattr(uniconv, op.kind), call["options"]
    given = [arrays[role] for role in ("x", "w", "p") if role in arrays]
    names = [op.array_names(role)[0] for role in ("x", "w", "p") if role in arrays]
    more = {"bias": arrays["bias"]} if "bias" in arrays else {}
    y = entrance(*given, dialect=op.name, **more, **options)
    agree(y, arrays["y"], call)
    more = dict(zip(op.array_names("bias"), more.values()))
    y = uniconv.native(op.name)(**dict(zip(names, given)), **more, **options)
    agree(y, arrays["y"], call)
    if "dy" in arrays:
        tensors = [torch.from_numpy(a) for a in given]
        leaves = [a.requires_grad_() for a in tensors[:2]]
        y = entrance(*tensors, dialect=op.name, **options)
        found = torch.autograd.grad(y, leaves, torch.from_numpy(arrays["dy"]))
        for name, slope in zip(("dx", "dw"), found):
            np.testing.assert_array_equal(slope.resolve_conj(), arrays[name], err_msg=name)


def test_every_family_has_golden_numbers() -> None:
    assert set(MADE) | set(PUBLISHED) == set(families())


@pytest.mark.parametrize("name", MADE)
def test_what_the_framework_returned(name: str) -> None:
    dialect, seen = family(name), set()
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
    arrays = {
        role: np.array(call[role], call.get("dtype", float))
        for role in ("x", "w", "bias", "y", "dy", "dx", "dw")
        if role in call
    }
    if call.get("complex"):
        arrays = {role: a[..., 0] + 1j * a[..., 1] for role, a in arrays.items()}
    check(call, arrays)

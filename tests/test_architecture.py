"""The house's rules: layers, imports, and that each check here can fail."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import uniconv

ROOT = Path(uniconv.__file__).parent
LAYERS = {
    "errors": 0,
    "canonical": 1,
    "files": 1,
    "layout": 1,
    "padding": 1,
    "rules": 1,
    "refusals": 1,
    "dialect": 2,
    "dialects": 3,
    "registry": 3,
    "lower": 4,
    "lift": 4,
    "execute": 4,
    "reference": 4,
    "arrays": 5,
    "plan": 5,
    "packed": 5,
    "prepared": 5,
    "bind": 6,
    "transposition": 5,
    "compiled": 6,
    "describe": 6,
    "diagnose": 6,
    "explain": 6,
    "functional": 6,
    "native": 6,
    "nn": 6,
    "probe": 6,
    "same_pads": 6,
    "translate": 6,
    "dense": 6,
    "weights": 6,
    "conversion": 6,
    "cli": 7,
    "demo": 7,
    "testing": 7,
    "__init__": 8,
    "__main__": 8,
}
# Layer 1 and layer 6 have an order of their own, in the sense of the design's table.
SAME_LAYER = {("padding", "layout"), ("padding", "canonical"), ("rules", "canonical")}
SAME_LAYER |= {
    ("rules", "layout"),
    ("rules", "padding"),
    ("registry", "dialects"),
    ("lift", "lower"),
}
SAME_LAYER |= {("refusals", "padding"), ("refusals", "rules")}
ALLOWED = {"torch", "numpy", "einops"}
SOURCES = sorted(ROOT.rglob("*.py"))
EACH = pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))


def module_of(path: Path) -> str:
    """The layer's name: the file, or the folder that holds it."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(source: str) -> set[str]:
    """Every name that a source text imports, in full: ``torch.nn``, ``uniconv.rules.Pad``."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            # "from uniconv import dialects" imports uniconv.dialects
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def too_high(module: str, source: str) -> list[str]:
    """The modules of the package that a module of this name may not import."""
    bad = []
    for name in imported(source):
        root, *parts = name.split(".")
        if root != "uniconv":
            continue
        other = parts[0] if parts and parts[0] in LAYERS else "__init__"
        lower = LAYERS[other] < LAYERS[module]
        inside = other == module or (module, other) in SAME_LAYER
        same = LAYERS[module] == LAYERS[other] and LAYERS[module] >= 5
        if not (lower or inside or same):
            bad.append(name)
    return sorted(bad)


def foreign(source: str, allowed: set[str]) -> list[str]:
    """The packages that a source imports besides the standard library, this one and ``allowed``."""
    roots = {name.split(".")[0] for name in imported(source)}
    return sorted(roots - {"uniconv"} - allowed - set(sys.stdlib_module_names))


def names_functional(source: str) -> bool:
    """Whether code (not a string or a comment) reaches for torch.nn.functional."""
    attributes = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Attribute))
    return any("torch.nn.functional" in name for name in imported(source)) or any(
        ast.unparse(n).startswith("torch.nn.functional") for n in attributes
    )


def extras(module: str) -> set[str]:
    """What the files of an extra may import, besides."""
    files = {"scipy", "h5py", "safetensors", "ml_dtypes", "tensorflow", "onnx"}
    known = {
        "conversion": {"rich"},
        "cli": {"typer", "rich"},
        "files": files,
        "testing": {"pytest", "hypothesis"},
    }
    return known.get(module, set())


@EACH
def test_a_file_imports_only_lower_layers(path):
    assert too_high(module_of(path), path.read_text()) == []


def test_within_a_layer_imports_make_no_circle():
    seen: dict[str, set[str]] = {}
    for path in SOURCES:
        names = (name.split(".") for name in imported(path.read_text()))
        others = {parts[1] for parts in names if parts[0] == "uniconv" and len(parts) > 1}
        seen.setdefault(module_of(path), set()).update(others & set(LAYERS))
    for module in seen:
        seen[module] -= {module}
    while seen:
        free = {m for m, others in seen.items() if not others & set(seen)}
        assert free, f"these import each other in a circle: {sorted(seen)}"
        seen = {m: others for m, others in seen.items() if m not in free}


@EACH
def test_a_file_imports_nothing_but_torch_numpy_einops(path):
    assert foreign(path.read_text(), ALLOWED | extras(module_of(path))) == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("dialects/*.py")), ids=lambda p: p.name)
def test_dialects_are_data_and_do_not_know_torch(path):
    assert foreign(path.read_text(), set()) == []


def test_only_execute_names_torch_nn_functional():
    # The oracle of the live tests runs the real torch.nn.functional, and so has to name it.
    naming = {
        path.relative_to(ROOT).as_posix() for path in SOURCES if names_functional(path.read_text())
    }
    assert naming - {"testing/oracles/pytorch.py"} == {"execute.py"}


def test_the_oracle_and_the_executor_know_no_dialect():
    for module, known in (("reference", {"canonical"}), ("execute", {"canonical"})):
        names = imported((ROOT / f"{module}.py").read_text())
        assert {n.split(".")[1] for n in names if n.startswith("uniconv.")} <= known


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "base"])
def test_a_file_is_named_for_what_it_does(word):
    assert not [path for path in SOURCES if word in path.stem]


def test_every_file_is_in_the_table():
    assert {module_of(path) for path in SOURCES} <= set(LAYERS)


def third_parties(code: str) -> set[str]:
    """The packages outside the standard library that a fresh interpreter has after ``code``."""
    told = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"{code}\n{told}"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT.parent,
    )
    return set(done.stdout.split()) - set(sys.stdlib_module_names)


def test_importing_uniconv_loads_nothing_but_torch_numpy_einops():
    bare = third_parties("import torch, numpy, einops")
    assert third_parties("import uniconv") - bare == {"uniconv"}
    assert "hypothesis" in third_parties("import hypothesis") - bare  # the check can fail


# Each check can fail


def test_the_layer_check_can_fail():
    assert too_high("canonical", "from uniconv.rules import Pad") == ["uniconv.rules.Pad"]
    assert too_high("execute", "import uniconv.plan") == ["uniconv.plan"]
    assert too_high("execute", "from uniconv import registry, plan") == ["uniconv.plan"]
    assert too_high("reference", "from uniconv.execute import runner") != []
    assert too_high("lower", "def f():\n    import uniconv.functional") == ["uniconv.functional"]
    assert too_high("plan", "from uniconv import conv") == ["uniconv.conv"]
    assert too_high("plan", "from uniconv.lower import lower\nimport torch") == []


def test_the_foreign_check_can_fail():
    assert foreign("import os, scipy.signal\nfrom jax import lax", ALLOWED) == ["jax", "scipy"]
    assert foreign("import torch.nn\nfrom numpy.typing import NDArray", ALLOWED) == []
    assert foreign("def f():\n    import tensorflow", ALLOWED) == ["tensorflow"]
    assert foreign("import torch", set()) == ["torch"]


def test_the_functional_check_can_fail():
    assert names_functional("import torch.nn.functional as F")
    assert names_functional("from torch.nn import functional as F")
    assert names_functional("from torch.nn.functional import pad")
    assert names_functional("import torch\ny = torch.nn.functional.pad(x, (1, 1))")
    assert not names_functional('name = "torch.nn.functional.conv2d"\ny = torch.conv2d(x, w)')

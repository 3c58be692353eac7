"""The house's rules: layers, imports, and that each check here can fail.

The layers are those of the table in docs/design.md.
"""

from __future__ import annotations

import ast
import importlib
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

import uniconv
from uniconv import spec
from uniconv.spec.groups import Groups
from uniconv.spec.op import Op
from uniconv.spec.padding import Pad, Padding
from uniconv.spec.registry import frameworks, functions
from uniconv.spec.rules import Rule, Setting

ROOT = Path(uniconv.__file__).parent
DESIGN = ROOT.parent / "docs" / "design.md"
ALLOWED = {"torch", "numpy", "einops"}
FIELDS = {field.name for field in fields(Op)}
SOURCES = sorted(ROOT.rglob("*.py"))
PUBLIC = [
    path
    for path in SOURCES
    if path != ROOT / "__init__.py"
    and not re.search(r"/_(?!_init__)", f"/{path.relative_to(ROOT).as_posix()}")
]
EACH = pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))

# What one entry of a layer may know of another one beside it, and why.
BESIDE: dict[tuple[str, str], str] = {}


def layers_in(page: str) -> dict[str, int]:
    """The entries of the table of layers in a page, and the layer of each."""
    rows = re.findall(r"^\| (\d+) \| `(\w+)(?:\.py|/)` \|", page, re.M)
    return {entry: int(layer) for layer, entry in rows}


# The folders whose logic is dense, and the share of their lines that explains the others.
EXPLAINED = (
    "_calls",
    "_canonical",
    "_diagnose",
    "_explain",
    "_probe",
    "_weights",
    "files",
    "spec",
    "testing",
)
LEAST_EXPLAINED = 0.2

PARTICIPLES = {"found", "given", "told", "wanted", "turned", "said"}
# The folders in which no participle at all names a variable; and what they may not be.
NOUNS_ONLY = ("_diagnose", "_explain", "_probe")
VERBAL = PARTICIPLES | {"asked", "chosen", "kept", "known", "made", "more", "named", "seen"}
VERBAL |= {"shown", "spelled", "taken", "used", "written"}
TRUTHS = {"bool", "any", "all", "isinstance", "hasattr", "callable", "startswith", "endswith"}

LAYERS = layers_in(DESIGN.read_text("utf-8"))


@cache
def syntax_tree(source: str) -> ast.Module:
    """What a source text is parsed into, once for all checks."""
    return ast.parse(source)


@cache
def nodes(source: str) -> tuple[ast.AST, ...]:
    """Every node of a source text's tree."""
    return tuple(ast.walk(syntax_tree(source)))


def entry_of(path: Path) -> str:
    """The entry of the package that a file is, or lies in."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def module_of(path: Path) -> str:
    """The dotted name of a file's module."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(source: str) -> set[str]:
    """Every name that a source text imports, in full: ``torch.nn``, ``uniconv.spec.rules.Pad``."""
    names = set()
    for node in nodes(source):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            # "from uniconv import _bind" imports uniconv._bind
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def too_high(entry: str, source: str) -> list[str]:
    """The names of the package that a file of this entry may not import."""
    bad = []
    for name in imported(source):
        root, *parts = name.split(".")
        if root != "uniconv":
            continue
        other = parts[0] if parts and parts[0] in LAYERS else "__init__"
        allowed = LAYERS[other] < LAYERS[entry] or other == entry or (entry, other) in BESIDE
        if not allowed:
            bad.append(name)
    return sorted(bad)


def circle(graph: Mapping[str, Iterable[str]]) -> set[str]:
    """The modules that import each other in a circle; none where there is no circle."""
    left = {module: set(others) & set(graph) - {module} for module, others in graph.items()}
    while left:
        free = {module for module, others in left.items() if not others & set(left)}
        if not free:
            return set(left)
        left = {module: others for module, others in left.items() if module not in free}
    return set()


def modules_in(source: str, known: Iterable[str]) -> set[str]:
    """The modules among those known that a source text imports."""
    parents = ((name, name.rpartition(".")[0]) for name in imported(source))
    return {next((m for m in both if m in known), "") for both in parents} - {""}


def foreign(source: str, allowed: set[str]) -> list[str]:
    """The packages that a source imports besides the standard library, this one and ``allowed``."""
    roots = {name.split(".")[0] for name in imported(source)}
    return sorted(roots - {"uniconv"} - allowed - set(sys.stdlib_module_names))


def not_for_authors(dialect: str, source: str) -> list[str]:
    """What a dialect's file imports of this package besides ``uniconv.spec`` and its relatives."""
    own = {name.rpartition(".")[::2] for name in imported(source) if name.startswith("uniconv")}
    relatives = {f"uniconv._dialects.{b}" for a, b in RELATIVES if a == dialect}
    allowed = {"uniconv.spec", *relatives}
    return sorted(
        f"{module}.{name}"
        for module, name in own
        if module not in allowed and f"{module}.{name}" not in relatives
    )


def classes_in(source: str) -> set[str]:
    """The names of the classes that a source text defines."""
    return {n.name for n in nodes(source) if isinstance(n, ast.ClassDef)}


def twice(names: Iterable[str]) -> set[str]:
    """The names that occur more than once."""
    return {name for name, count in Counter(names).items() if count > 1}


def explaining(source: str) -> set[int]:
    """The numbers of the lines of a source text that hold a comment or a docstring."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    for node in nodes(source):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node
        ):
            lines |= {*range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)}
    return lines


def explained(sources: Iterable[str]) -> float:
    """The share of the lines of some source texts that explain the others."""
    texts = list(sources)
    whole = sum(len(text.splitlines()) for text in texts)
    return sum(len(explaining(text)) for text in texts) / whole


def participles(source: str) -> list[str]:
    """The functions, classes and variables named by a participle alone: it does not say of what."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    names = {n.name for n in nodes(source) if isinstance(n, kinds)} | variables(source)
    return sorted(name for name in names if name.strip("_") in PARTICIPLES)


def variables(source: str) -> set[str]:
    """The names of variables and parameters."""
    names = {
        n.id for n in nodes(source) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return names | {n.arg for n in nodes(source) if isinstance(n, ast.arg)}


def verbal_variables(source: str) -> list[str]:
    """The variables and parameters named by any verb's participle alone."""
    return sorted(name for name in variables(source) if name.strip("_") in VERBAL)


def repeated_by_a_truth(source: str) -> list[str]:
    """The lists and texts that are multiplied by a truth value: an if that looks like a number."""
    functions = (n for n in nodes(source) if isinstance(n, ast.FunctionDef) and n.returns)
    answers = {f.name for f in functions if ast.unparse(f.returns) == "bool"} | TRUTHS
    names = {
        target.id
        for node in nodes(source)
        if isinstance(node, ast.Assign) and is_truth(node.value, answers, set())
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    products = (n for n in nodes(source) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult))
    sequences = (ast.List, ast.Tuple, ast.ListComp, ast.JoinedStr)
    return sorted(
        ast.unparse(product)
        for product in products
        if any(
            isinstance(side, sequences) or (isinstance(side, ast.Constant) and is_text(side.value))
            for side in (product.left, product.right)
        )
        and any(is_truth(side, answers, names) for side in (product.left, product.right))
    )


def is_text(value: object) -> bool:
    """Whether a constant is a string."""
    return isinstance(value, str)


def is_truth(node: ast.expr, answers: set[str], names: set[str]) -> bool:
    """Whether an expression is True or False, as far as its text tells."""
    if isinstance(node, ast.BoolOp):
        return all(is_truth(value, answers, names) for value in node.values)
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).rpartition(".")[2] in answers
    negation = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    return negation or isinstance(node, ast.Compare) or ast.unparse(node) in names


def frameworks_named(source: str) -> list[str]:
    """The frameworks that code names in a text or in a definition's name, outside docstrings.

    NumPy and torch are what this package is built on.
    """
    known = {path.stem for path in ROOT.glob("_dialects/*.py")} - {"__init__", "numpy"}
    known |= {"tensorflow", "opencv", "octave", "julia"}
    owners = (
        n for n in nodes(source) if isinstance(n, (ast.Module, ast.ClassDef, ast.FunctionDef))
    )
    docstrings = {id(n.body[0].value) for n in owners if n.body and isinstance(n.body[0], ast.Expr)}
    texts = [
        n.value
        for n in nodes(source)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in docstrings
    ]
    texts += [n.name for n in nodes(source) if isinstance(n, (ast.ClassDef, ast.FunctionDef))]
    words = {w.lower() for text in texts for w in re.findall(r"[A-Za-z]+[0-9]*", text)}
    return sorted(words & known)


def names_functional(source: str) -> bool:
    """Whether code (not a string or a comment) reaches for torch.nn.functional."""
    attributes = (n for n in nodes(source) if isinstance(n, ast.Attribute))
    return any("torch.nn.functional" in name for name in imported(source)) or any(
        ast.unparse(n).startswith("torch.nn.functional") for n in attributes
    )


def listed(source: str) -> list[str] | None:
    """The names in a source's __all__; None where it has none."""
    for node in syntax_tree(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(ast.literal_eval(name)) for name in getattr(node.value, "elts", [])]
    return None


def names_used(sources: Iterable[str]) -> dict[str, set[str]]:
    """For each module the names, but for modules, that the sources import from it."""
    used: dict[str, set[str]] = {}
    for source in sources:
        for node in nodes(source):
            if isinstance(node, ast.ImportFrom) and node.module:
                used.setdefault(node.module, set()).update(alias.name for alias in node.names)
    modules = {module_of(path) for path in SOURCES}
    return {m: {n for n in names if f"{m}.{n}" not in modules} for m, names in used.items()}


def asks_the_class_of_a_rule(source: str) -> list[str]:
    """Where a source asks for the class of a rule, which the rule should be asked to do itself.

    That is: isinstance with the class of a rule, or of a field of an Op, by whatever name.
    """
    own = ("uniconv.spec", "uniconv._canonical.layout")
    known = {name.rpartition(".")[2] for name in imported(source) if name.startswith(own)}
    asked = []
    for node in nodes(source):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "type"):
            value, *classes = node.args
            parts = [part for one in classes for part in ast.walk(one)]
            names = {n.id for n in parts if isinstance(n, ast.Name)}
            names |= (
                {n.attr for n in parts if isinstance(n, ast.Attribute)} if names & known else set()
            )
            field = isinstance(value, ast.Attribute) and value.attr in FIELDS
            of_op = field and ast.unparse(value.value).split(".")[-1] in ("op", "_op", "function")
            if (names & known and names & rule_classes()) or of_op:
                asked.append(ast.unparse(node))
    return asked


def rule_classes() -> set[str]:
    """The names of all classes of rules, and of what a rule may stand for."""
    found, left = {"Layout"}, [Rule]
    while left:
        found.add(left[-1].__name__)
        left += left.pop().__subclasses__()
    return found


def hidden_modules(package: str, path: Path) -> list[str]:
    """The public names of a package that hide a module of the same name in its folder."""
    own = {p.stem for p in path.glob("*.py")} | {p.name for p in path.iterdir() if p.is_dir()}
    module = sys.modules[package]
    names = {n: getattr(module, n) for n in own & {*dir(module), *vars(module)}}
    return sorted(n for n in names if names[n] is not sys.modules.get(f"{package}.{n}"))


def extras(entry: str) -> set[str]:
    """What the files of an extra may import, besides."""
    files = {"scipy", "h5py", "safetensors", "ml_dtypes", "lz4", "tensorflow", "onnx"}
    known = {
        "_weights": {"rich"},
        "_cli": {"typer", "rich"},
        "files": files,
        "testing": {"pytest", "hypothesis"},
    }
    return known.get(entry, set())


@EACH
def test_a_file_imports_only_lower_layers(path):
    assert too_high(entry_of(path), path.read_text()) == []


def test_no_files_import_each_other_in_a_circle():
    known = {module_of(path) for path in SOURCES}
    graph = {module_of(path): modules_in(path.read_text(), known) for path in SOURCES}
    assert circle(graph) == set()


def test_no_two_classes_have_one_name():
    # A framework's layers bear its own names, in a file of their own.
    texts = [path.read_text() for path in SOURCES]
    own = [text for text in texts if "Made by docs/make_layer_stubs.py" not in text]
    assert len(own) < len(texts)
    assert twice(name for text in own for name in classes_in(text)) == set()


@pytest.mark.parametrize("folder", EXPLAINED)
def test_dense_folders_are_explained(folder):
    """Of every five lines one explains; lists of exported names (``__init__.py``) aside."""
    paths = [p for p in (ROOT / folder).rglob("*.py") if p.name != "__init__.py"]
    assert explained(path.read_text("utf-8") for path in paths) >= LEAST_EXPLAINED


@EACH
def test_nothing_is_named_by_a_participle(path):
    assert participles(path.read_text()) == []


@pytest.mark.parametrize("folder", NOUNS_ONLY)
def test_variables_are_named_by_nouns(folder):
    texts = {path.name: path.read_text() for path in (ROOT / folder).rglob("*.py")}
    assert {name: names for name, text in texts.items() if (names := verbal_variables(text))} == {}


@EACH
def test_no_list_is_multiplied_by_a_truth_value(path):
    assert repeated_by_a_truth(path.read_text()) == []


@EACH
def test_a_file_imports_nothing_but_torch_numpy_einops(path):
    assert foreign(path.read_text(), ALLOWED | extras(entry_of(path))) == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("_dialects/*.py")), ids=lambda p: p.name)
def test_dialects_are_data_and_do_not_know_torch(path):
    assert foreign(path.read_text(), set()) == []


# The dialects that are built on another one, since their frameworks are.
RELATIVES = {
    ("jax", "numpy"): "jax.numpy.convolve is numpy.convolve but for its refusals",
    ("jax", "scipy"): "jax.scipy.signal has the functions of scipy.signal",
    ("flax", "jax"): "Flax calls jax.lax",
    ("flux", "nnlib"): "Flux's layers end in NNlib's activations",
    ("lux", "nnlib"): "Lux's layers end in NNlib's activations",
}


@pytest.mark.parametrize("path", sorted(ROOT.glob("_dialects/*.py")), ids=lambda p: p.name)
def test_a_dialect_is_written_in_the_public_words(path):
    assert not_for_authors(path.stem, path.read_text()) == []


def test_the_public_words_are_all_there():
    modules = {path.stem for path in ROOT.glob("spec/*.py")}
    public = {name for name in vars(spec) if not name.startswith("_")}
    assert public - modules == set(spec.__all__)
    used = {n for path in ROOT.glob("_dialects/*.py") for n in imported(path.read_text())}
    assert {n.rpartition(".")[2] for n in used if n.startswith("uniconv.spec.")} <= public


# Where code names a framework outside its file, and why; docstrings and comments may.
NAMED = {
    "files/": "readers and writers of the files of a framework",
    "conformance/": "runs the frameworks",
    "_cli/": "examples in the help and in errors, the founding question",
    "_canonical/arrays.py": "jax.Array is a kind of array",
    "_canonical/precision.py": "torch's switch of cuDNN",
    "_calls/options.py": "torch's switch of cuDNN",
    "_call.py": "an example in an error",
    "_diagnose/one_run.py": "an example in an error",
    "_diagnose/two_runs.py": "an example in an error",
    "_same_pads.py": "an example in an error",
    "_weights/batch_norm.py": "names of arrays as frameworks write them",
    "_weights/fold.py": "what eps is where nobody set it",
    "_weights/plan.py": "whose names are doubled, and who counts batches",
    "_weights/training.py": "names of arrays as frameworks write them",
    "_diagnose/causes/words.py": "whose users call the middle of the full result the same",
    "_diagnose/roles.py": "what people call frameworks",
    "_parse/": "what people call frameworks and their modules; languages",
    "_functional.py": "the dialect that is meant where none is named",
    "nn/modules.py": "the dialect that is meant where none is named",
    "nn/flatten.py": "the dialect that is meant where none is named; what Flatten has in Keras",
    "nn/__init__.py": "the names of what nn/interchange.py has",
    "nn/interchange.py": "layers from and to other frameworks",
    "_weights/name_map.py": "names of arrays as frameworks write them",
    "_weights/which_layout.py": "the layout in which an order is told first",
    "_probe/source.py": "Julia and MATLAB are languages",
    "spec/spelling.py": "Julia and MATLAB are languages",
    "spec/idiom.py": "Julia's arrays, with the borders of NNlib",
    "_translate/languages.py": "Julia and MATLAB are languages",
    "spec/__init__.py": "Julia is a language",
    "spec/registry.py": "an example in an error",
    "spec/relatives.py": "frameworks without a dialect, and whose functions they compute as",
}


@EACH
def test_a_framework_is_named_in_its_own_file(path):
    name = path.relative_to(ROOT).as_posix()
    reasons = [place for place in NAMED if name.startswith(place)]
    if not name.startswith("_dialects/") and not reasons:
        assert {*frameworks_named(path.read_text("utf-8"))} <= {path.stem}  # as nn/keras.py


def test_each_place_that_names_a_framework_is_one():
    for place in NAMED:
        files = [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py"))
        assert any(frameworks_named(path.read_text("utf-8")) for path in files), place


def test_only_execute_names_torch_nn_functional():
    # The oracle of the live tests runs the real torch.nn.functional, and so has to name it.
    naming = {
        path.relative_to(ROOT).as_posix() for path in SOURCES if names_functional(path.read_text())
    }
    assert naming - {"conformance/oracles/pytorch.py"} == {
        "_canonical/execute.py",
        "_canonical/activation_functions.py",
    }


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if entry_of(path) != "spec"],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_a_field_of_an_op_is_a_rule_and_is_asked_as_one(path):
    assert asks_the_class_of_a_rule(path.read_text()) == []


@pytest.mark.parametrize("op", functions().values(), ids=lambda op: op.name)
def test_each_field_of_an_op_holds_one_type(op):
    kinds = {"layout": Setting, "reverse": Setting, "groups": Groups, "pad": Padding}
    assert [n for n, kind in kinds.items() if not isinstance(getattr(op, n), kind)] == []
    assert isinstance(op.padding, Pad)
    assert (op.crop is not None) == (op.kind == "conv_transpose")
    assert op.family in frameworks()


def test_what_runs_the_record_knows_no_dialect():
    for path in ROOT.glob("_canonical/*.py"):
        names = imported(path.read_text())
        known = {n.split(".")[1] for n in names if n.startswith("uniconv.")}
        assert known <= {"_canonical", "errors", "_messages"}, path


def test_the_oracle_shares_nothing_but_the_record():
    names = imported((ROOT / "_canonical" / "reference.py").read_text())
    own = {n.rpartition(".")[0] for n in names if n.startswith("uniconv.")}
    assert own == {"uniconv._canonical.record"}


USED = names_used(path.read_text() for path in SOURCES)


@pytest.mark.parametrize("path", PUBLIC, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_public_module_lists_its_names_and_the_others_use_no_more(path):
    names = listed(path.read_text())
    assert names
    module = module_of(path)
    if "oracles" not in path.parts:  # they import their frameworks
        missing = [name for name in names if not hasattr(importlib.import_module(module), name)]
        assert missing == []
    assert USED.get(module, set()) - {*names} == set()


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "base"])
def test_a_file_is_named_for_what_it_does(word):
    assert not [path for path in SOURCES if word in path.stem]


def test_every_entry_is_in_the_table_and_has_a_reason_to_be_there():
    assert {entry_of(path) for path in SOURCES} == set(LAYERS)
    assert len(LAYERS) <= 26


def test_no_public_name_hides_a_module():
    assert hidden_modules("uniconv", ROOT) == []


@cache
def modules_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has after ``code``."""
    listing = "import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"{code}\n{listing}"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT.parent,
    )
    return set(done.stdout.split())


def third_parties(code: str) -> set[str]:
    """The packages outside the standard library that a fresh interpreter has after ``code``."""
    return {name.partition(".")[0] for name in modules_after(code)} - set(sys.stdlib_module_names)


def test_importing_uniconv_loads_nothing_but_what_is_asked_for():
    bare = modules_after("pass")
    own = {name for name in modules_after("import uniconv") if name.startswith("uniconv.")}
    assert (own, third_parties("import uniconv") - bare) == (set(), {"uniconv"})
    asked = modules_after("import uniconv; uniconv.conv")
    assert {"torch", "uniconv._functional"} <= asked
    assert not any(name.startswith(("uniconv._dialects.", "uniconv._diagnose")) for name in asked)


def test_completion_gives_the_public_names():
    assert dir(uniconv) == sorted(uniconv.__all__)
    assert [name for name in dir(uniconv) if name.startswith("_")] == ["__version__"]
    scope: dict[str, object] = {}
    exec("from uniconv import *", scope)
    assert {*scope} - {"__builtins__"} == {*uniconv.__all__}
    with pytest.raises(AttributeError, match="module 'uniconv' has no attribute 'convv'"):
        uniconv.convv()


def test_uniconv_loads_nothing_but_torch_numpy_einops():
    bare = third_parties("import torch, numpy, einops")
    assert third_parties("from uniconv import *") - bare == {"uniconv"}
    assert "hypothesis" in third_parties("import hypothesis") - bare  # the check can fail


# Each check can fail


def test_the_layers_are_read_from_the_table():
    page = "| layer | in |\n|--:|---|\n| 0 | `errors.py` | all |\n| 12 | `_calls/` | plans |\n"
    assert layers_in(page) == {"errors": 0, "_calls": 12}
    assert LAYERS["errors"] < LAYERS["_canonical"] < LAYERS["spec"] < LAYERS["_calls"]


def test_the_layer_check_can_fail():
    assert too_high("_canonical", "from uniconv.spec.rules import Pad") == [
        "uniconv.spec.rules.Pad"
    ]
    assert too_high("spec", "import uniconv._calls.plan") == ["uniconv._calls.plan"]
    assert too_high("spec", "from uniconv import errors, _calls") == ["uniconv._calls"]
    assert too_high("nn", "from uniconv._weights.kernel import f") != []  # beside it
    assert too_high("_calls", "def f():\n    import uniconv._bind") == ["uniconv._bind"]
    assert too_high("_calls", "from uniconv import conv") == ["uniconv.conv"]
    assert too_high("_calls", "from uniconv.spec.op import Op\nimport torch") == []


def test_the_check_of_rules_can_fail():
    assert {"Rule", "Choice", "Crop", "Count", "AlongAxis", "Layout"} <= rule_classes()
    imports = "from uniconv.spec import rules\nfrom uniconv.spec.rules import Choice\n"
    for code in (
        "layout = op.layout\nif isinstance(layout, Choice): pass",
        "isinstance(rule, (int, rules.Border))",
        "isinstance(self._op.reverse, bool)",
        "type(call.op.groups) is str",
    ):
        assert len(asks_the_class_of_a_rule(imports + code)) == 1
    fine = "isinstance(options['pad'], str)\nisinstance(step, steps.Border)\ntype(op.name)"
    assert asks_the_class_of_a_rule(imports + fine.replace("op.name", "x.pad")) == []


def test_the_circle_check_can_fail():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == {"a", "b", "c", "d"}
    assert circle({"a": {"b", "a"}, "b": set()}) == set()
    lazy = "def f():\n    from uniconv._explain.page import html"
    assert modules_in(lazy, {"uniconv._explain.page"}) == {"uniconv._explain.page"}
    assert modules_in("from uniconv import files", {"uniconv.files"}) == {"uniconv.files"}


def test_the_check_of_lists_can_fail():
    assert listed("import a\n__all__ = ['b', 'c']") == ["b", "c"]
    assert listed("a = 1") is None
    user = "from uniconv.spec import Op, op\nfrom uniconv.errors import BadArray"
    used = {"uniconv.spec": {"Op"}, "uniconv.errors": {"BadArray"}}  # op is a module
    assert names_used([user]) == used


def test_the_check_of_hidden_modules_can_fail(tmp_path):
    (tmp_path / "conv.py").touch()
    assert hidden_modules("uniconv", tmp_path) == ["conv"]


def test_the_foreign_check_can_fail():
    assert foreign("import os, scipy.signal\nfrom jax import lax", ALLOWED) == ["jax", "scipy"]
    assert foreign("import torch.nn\nfrom numpy.typing import NDArray", ALLOWED) == []
    assert foreign("def f():\n    import tensorflow", ALLOWED) == ["tensorflow"]
    assert foreign("import torch", set()) == ["torch"]


def test_the_check_of_dialects_can_fail():
    assert not_for_authors("tf", "from uniconv.spec import Op, Pad\nimport math") == []
    assert not_for_authors("tf", "from uniconv.spec.op import Op") == ["uniconv.spec.op.Op"]
    assert not_for_authors("tf", "from uniconv._dialects.jax import GENERAL") != []
    assert not_for_authors("flax", "from uniconv._dialects.jax import GENERAL") == []
    assert not_for_authors("jax", "from uniconv._dialects import numpy") == []


def test_the_check_of_named_frameworks_can_fail():
    assert frameworks_named('def f():\n    """As tf does."""\n    return "Keras"') == ["keras"]
    assert frameworks_named("def _mlx(w):\n    return w") == ["mlx"]
    assert frameworks_named("# as in TensorFlow\nx = 1") == []


def test_the_functional_check_can_fail():
    assert names_functional("import torch.nn.functional as F")
    assert names_functional("from torch.nn import functional as F")
    assert names_functional("from torch.nn.functional import pad")
    assert names_functional("import torch\ny = torch.nn.functional.pad(x, (1, 1))")
    assert not names_functional('name = "torch.nn.functional.conv2d"\ny = torch.conv2d(x, w)')


def test_the_checks_of_names_can_fail():
    assert classes_in("class A: ...\ndef f():\n    class B: ...") == {"A", "B"}
    assert twice(["A", "B", "A"]) == {"A"}
    assert participles("def _told(): ...\nclass given: ...\ndef told_apart(): ...") == [
        "_told",
        "given",
    ]
    assert participles("def f(found): said = 1") == ["found", "said"]
    assert verbal_variables("def f(told):\n    found: int = 1\n    x.given = kept_apart = 2") == [
        "found",
        "told",
    ]


def test_the_check_of_explanations_can_fail():
    text = '"""A\nB."""\nx = "# no comment"  # one\ndef f():\n    """C."""\n    return 1\n'
    assert explaining(text) == {1, 2, 3, 5}
    assert explained([text, "y = 1\n\n"]) == 0.5
    assert explained(["x = 1\n" * 9 + "# why\n"]) < LEAST_EXPLAINED


def test_the_check_of_truth_values_can_fail():
    assert repeated_by_a_truth("a = [1] * (b > 2)") == ["[1] * (b > 2)"]
    assert repeated_by_a_truth("b = x is None\na = (1,) * b") == ["(1,) * b"]
    assert repeated_by_a_truth("def f() -> bool: ...\na = [i for i in c] * f()") != []
    assert repeated_by_a_truth("a = not b and [1] * bool(b and c)") == ["[1] * bool(b and c)"]
    assert repeated_by_a_truth("n = x + 1\na = [1] * n + [2] * len(b)") == []

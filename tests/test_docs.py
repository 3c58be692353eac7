"""The documentation is true: generated pages are fresh, every number in it is run."""

import doctest
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import uniconv
from uniconv import _cli as cli
from uniconv._cli import demo
from uniconv._describe import padding_words
from uniconv.spec.registry import functions

ROOT = Path(__file__).parent.parent
README, DESIGN, WALK = (ROOT / p for p in ("README.md", "docs/design.md", "docs/add-a-dialect.md"))
MODULES = ROOT / "docs" / "modules.md"
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


def fences(path, language):
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text("utf-8"), re.M | re.S)


def run_examples(text, name):
    """Run ``>>>`` examples; a difference fails with doctest's own report."""
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    assert test.examples
    runner = doctest.DocTestRunner(optionflags=doctest.FAIL_FAST)
    report = []
    runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


@pytest.fixture(scope="module")
def made():
    """What docs/make_reference.py would write."""
    return runpy.run_path(str(ROOT / "docs" / "make_reference.py"))["pages"]()


def test_a_padding_word_is_told_in_one_line():
    """It stands in a table: an example or a second paragraph would end that."""
    texts = [text for op in functions().values() for _, text in padding_words(op)]
    assert len(texts) > 100
    assert all(texts)
    assert not [text for text in texts if "\n" in text or ">>>" in text]


def test_generated_text_is_fresh(made):
    stale = [p.name for p, text in made.items() if p.read_text("utf-8") != text]
    assert not stale, "run python docs/make_reference.py"
    assert {p for p in made if p.parent.name == "reference"} == {*ROOT.glob("docs/reference/*")}


def test_reference_pages_have_every_function_with_its_flip_and_number(made):
    text = {path.stem: page for path, page in made.items()}
    for family, names in uniconv.dialects().items():
        for name in names:
            assert f"\n## {name}\n" in text[family]
    knet, tf = text["knet"], text["tf"]
    assert "\n## knet.conv4\n\nA conv: a true convolution (the kernel is read backwards).\n" in knet
    assert "\nknet.conv4(defaults) = 123 234 in shape (2, 1, 1)\n" in knet
    assert "\n## tf.nn.conv2d\n\nA conv: a cross-correlation (the kernel is not flipped).\n" in tf
    assert "**`knet.conv4`**, **`knet.deconv4`**, `knet.ops21.conv`" in text["functions"]


def test_the_stubs_are_what_the_script_makes():
    made = runpy.run_path(str(ROOT / "docs" / "make_stubs.py"))["stubs"]()
    assert {*made} == {*ROOT.glob("uniconv/**/*.pyi")}
    old = [path.name for path, text in made.items() if path.read_text("utf-8") != text]
    assert old == [], "run python docs/make_stubs.py"


def test_the_minimum_environment_has_the_lower_bounds():
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    pins = (ROOT / "environments" / "minimum.txt").read_text("utf-8")
    checkers = {"mypy", "basedpyright", "ty"}
    bounds = dict(re.findall(r'"([\w-]+)>=([\d.]+)"', project))
    exact = dict(re.findall(r"^([\w-]+)==([\d.]+)$", pins, re.M))
    assert {"torch", "numpy", "einops", "typer", "pytest"} <= set(exact)
    own = {name: version for name, version in exact.items() if name in bounds}
    padded = {name: [*map(int, bounds[name].split(".")), 0, 0][:3] for name in own}
    assert padded == {name: [*map(int, v.split("."))] for name, v in own.items()}
    assert set(exact) - set(own) == {"click", "pyparsing"}
    assert set(bounds) - set(own) == {"onnx", "onnxscript", "onnxruntime", "ruff", *checkers}


def test_readme_examples_run():
    run_examples("\n".join(fences(README, "python")), "README.md")


def test_examples_of_the_modules_page_run():
    run_examples("\n".join(b for b in fences(MODULES, "python") if ">>>" in b), "modules.md")


@pytest.mark.parametrize("name", ["call-text.md", "diagnose.md", "threads.md"])
def test_the_pages_of_texts_run(name):
    page = ROOT / "docs" / name
    run_examples("\n".join(fences(page, "python")), page.name)


def test_the_thread_of_its_page_is_read_as_shown(tmp_path, monkeypatch):
    page = ROOT / "docs" / "threads.md"
    (text,), (console,) = fences(page, "text"), fences(page, "console")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thread.txt").write_text(text, "utf-8")
    command, _, reading = console.partition("\n")
    result = CliRunner().invoke(cli.app, command.split()[2:])
    assert (result.exit_code, result.output) == (0, reading)
    answer = CliRunner().invoke(cli.app, command.split()[2:-1])
    assert answer.output.startswith(reading)
    cause = "scipy.signal.convolve2d convolves, torch.nn.functional.conv2d correlates"
    assert all(
        cause in words for words in (" ".join(page.read_text("utf-8").split()), answer.output)
    )


def test_readme_commands_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.array([1, 2, 3, 4.0]).reshape(4, 1, 1))
    np.save("w.npy", np.array([1, 10, 100.0]).reshape(3, 1, 1))
    lines = "".join(fences(README, "console")).splitlines()
    known = [command.name or "" for command in cli.app.registered_commands]
    assert sorted(line.split()[2] for line in lines) == sorted(known)
    (tmp_path / "names.json").write_text('{"w": "conv"}')
    for line in lines:
        result = CliRunner().invoke(cli.app, line.split()[2:])
        assert (result.exit_code, result.exception) == (0, None), line
    assert np.load("y.npy").ravel().tolist() == [12, 123, 234, 340]


VERBS = ("conv", "native", "describe", "diagnose", "explain", "probe", "nn.Conv", "convert_kernel")


def test_the_walk_through_runs_as_a_package_of_its_own(tmp_path):
    """Its module, found by its entry point, in a fresh process; then its examples."""
    blocks = fences(WALK, "python")
    module = [b for b in blocks if b.startswith("# slate_uniconv.py\n")]
    examples = [b for b in blocks if b.startswith(">>> ")]
    assert len(module) == 2
    assert len(module) + len(examples) == len(blocks)
    for verb in VERBS:
        assert f"uniconv.{verb}(" in "".join(examples), verb
    (tmp_path / "slate_uniconv.py").write_text("\n".join(module))
    head, value = "".join(fences(WALK, "toml")).strip().split("\n")
    assert head == '[project.entry-points."uniconv.dialects"]'
    info = tmp_path / "slate_uniconv-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slate-uniconv\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[uniconv.dialects]\n{value.replace(chr(34), '')}\n")
    (tmp_path / "examples.txt").write_text("\n".join(examples))
    done = subprocess.run(
        [sys.executable, "-m", "doctest", "examples.txt"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8"))
    assert not [a for a in links if "://" not in a and not leads(page, a)]


def leads(page, link):
    """Whether there is the file that a link names, and in it the heading that it names."""
    name, _, heading = link.partition("#")
    target = page.parent / name if name else page
    if not heading or not target.exists():
        return target.exists()
    titles = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.M)
    return heading in {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


def test_a_link_that_leads_nowhere_is_found():
    assert leads(README, "docs/design.md#layers")
    assert not leads(README, "docs/design.md#no-such-heading")
    assert not leads(README, "docs/no-such-page.md")


def test_the_design_page_names_files_that_exist():
    table = re.findall(r"^\| \d+ \| (.+?) \|", DESIGN.read_text("utf-8"), re.M)
    files = re.findall(r"`([^`]+)`", " ".join(table))
    assert len(files) > 15
    assert [f for f in files if not (ROOT / "uniconv" / f).exists()] == []
    text = DESIGN.read_text("utf-8")
    glossary = re.findall(r"^## Glossary$.*?(?=^## )", text, re.M | re.S)
    assert len(glossary) == 1  # a list to look words up in, not to read
    assert len(text.replace(glossary[0], "").splitlines()) <= 130


def test_lengths():
    assert len(README.read_text("utf-8").splitlines()) <= 190
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) <= 45


def test_the_changelog_has_this_version():
    assert f"\n## [{uniconv.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_picture_shows_the_numbers_of_the_demo():
    pytest.importorskip("matplotlib")
    figure = runpy.run_path(str(ROOT / "docs" / "make_picture.py"))["figure"]()
    found = demo.answer(demo.load())
    panels = [[t.get_text() for t in axes.texts] for axes in figure.axes]
    assert [len(texts) for texts in panels] == [9, 25, 25, 9, 25, 25]
    assert panels[1] == [f"{v:.1f}" for v in found.knet.ravel()]
    assert panels[4] == [f"{v:.1f}" for v in found.tf.ravel()]
    assert panels[0] == panels[3][::-1]
    assert max(abs(float(t)) for t in panels[5]) <= 5.1e-4
    assert (ROOT / "docs" / "knet_vs_tensorflow.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "documented",
    [uniconv.explain, uniconv.probe, uniconv.Probe.check, uniconv.same_pads],
    ids=lambda f: f.__qualname__,
)
def test_examples_in_docstrings_run(documented):
    module = sys.modules[documented.__module__]
    test = doctest.DocTestParser().get_doctest(
        documented.__doc__, dict(vars(module)), documented.__qualname__, None, 0
    )
    report = []
    assert test.examples
    runner = doctest.DocTestRunner()
    runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)

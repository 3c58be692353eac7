"""What a type checker says of calls: the right ones pass, each wrong one is refused."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import uniconv
from uniconv.spec.registry import functions

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FILES = (HERE / "right.py", HERE / "wrong.py")


# mypy checks both files with the package (``make types``), for alone it takes half a minute.  Of
# the others: what each is called with, and how it tells a file, a line and what.
CHECKERS = {
    "basedpyright": (
        ["--pythonpath", sys.executable, "--level", "error", "--project", str(HERE)],
        r"^  (.+?):(\d+):\d+ - error: (.+)$",
    ),
    "ty": (
        ["check", "--python", sys.prefix, "--output-format", "concise", *map(str, FILES)],
        r"^(.+?):(\d+):\d+: error(.+)$",
    ),
}


@pytest.mark.parametrize("checker", CHECKERS)
def test_right_calls_have_the_types_of_their_arrays_and_wrong_ones_are_refused(checker):
    words, complaint = CHECKERS[checker]
    pytest.importorskip(checker)
    command = [str(Path(sys.executable).with_name(checker)), *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stderr == ""
    complaints = {
        (Path(name).name, int(line)): text
        for name, line, text in re.findall(complaint, done.stdout, re.M)
    }
    lines = (HERE / "wrong.py").read_text("utf-8").splitlines()
    wrong = [("wrong.py", at) for at, line in enumerate(lines, 1) if "# error:" in line]
    assert len(wrong) > 35
    assert sorted(complaints) == wrong, complaints


def test_mypy_checks_the_same_calls_with_the_package():
    settings = (ROOT / "pyproject.toml").read_text("utf-8").partition("[tool.mypy]")[2]
    for path in FILES:
        assert f'"tests.typing.{path.stem}"' in settings
    # A call that it accepts is told by the comment that is then not needed, which "strict" reports.
    assert "strict = true" in settings
    for line in (HERE / "wrong.py").read_text("utf-8").splitlines():
        assert ("# error:" in line) == ("# type: ignore[" in line)


@pytest.mark.parametrize("name", functions())
def test_a_native_function_has_its_signature_at_run_time(name):
    op = functions()[name]
    names = [p.rpartition(":")[2] for p in op.params.split()]
    own = list(inspect.signature(uniconv.native(name)).parameters)
    words = [word for word in op.constructor_words if word not in names]
    assert own == [p for p in names if p != "*"] + words


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "uniconv" / "py.typed").is_file()

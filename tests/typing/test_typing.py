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


@pytest.fixture(scope="module")
def complaints():
    """The lines of each file that mypy does not accept, with what it says."""
    pytest.importorskip("mypy")
    files = [str(HERE / "right.py"), str(HERE / "wrong.py")]
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *files]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stderr == ""
    lines: dict[str, dict[int, str]] = {"right.py": {}, "wrong.py": {}}
    for name, line, text in re.findall(r"^(.+?):(\d+): error: (.+)$", done.stdout, re.M):
        lines.setdefault(Path(name).name, {})[int(line)] = text
    return lines


def test_right_calls_have_the_types_of_their_arrays(complaints):
    assert complaints["right.py"] == {}
    assert set(complaints) == {"right.py", "wrong.py"}


def test_wrong_calls_are_refused(complaints):
    lines = (HERE / "wrong.py").read_text("utf-8").splitlines()
    wrong = [at for at, line in enumerate(lines, 1) if "# error:" in line]
    assert len(wrong) > 25
    assert sorted(complaints["wrong.py"]) == wrong


@pytest.mark.parametrize("name", functions())
def test_a_native_function_has_its_signature_at_run_time(name):
    op = functions()[name]
    names = [p.rpartition(":")[2] for p in op.params.split()]
    own = list(inspect.signature(uniconv.native(name)).parameters)
    words = [word for word in op.constructor_words if word not in names]
    assert own == [p for p in names if p != "*"] + words


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "uniconv" / "py.typed").is_file()

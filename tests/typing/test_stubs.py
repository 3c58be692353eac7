"""The stubs that checkers and editors read are those that the names and specs make."""

import runpy
from pathlib import Path

import uniconv

ROOT = Path(uniconv.__file__).parent.parent
STUBS = runpy.run_path(str(ROOT / "docs" / "make_stubs.py"))["stubs"]()


def test_the_stubs_are_what_the_script_makes():
    assert {*STUBS} == {*ROOT.glob("uniconv/**/*.pyi")}
    assert [path.name for path, text in STUBS.items() if path.read_text("utf-8") != text] == []

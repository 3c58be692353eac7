"""The pages about weights are true: their examples and commands run, their links lead somewhere."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from uniconv import _cli as cli
from uniconv import files

from .test_docs import fences, run_examples

DOCS = Path(__file__).parent.parent / "docs"
PAGE, MTCNN, FILES = (DOCS / f"{name}.md" for name in ("convert-weights", "mtcnn", "files"))


@pytest.mark.parametrize("page", [PAGE, MTCNN, FILES], ids=lambda p: p.name)
def test_examples_run(page):
    run_examples("\n".join(fences(page, "python")), page.name)


@pytest.mark.parametrize("page", [PAGE, MTCNN, FILES], ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8"))
    assert links
    assert not [a for a in links if "://" not in a and not (page.parent / a).exists()]


def test_commands_run_with_the_map_and_print_the_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    shapes = {"conv2d/kernel": (3, 3, 3, 8), "conv2d/bias": (8,), "dense/kernel": (128, 10)}
    network = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    files.save("model.npz", network | {"tokens": np.zeros((7, 4))})
    (mapped,) = fences(PAGE, "json")
    Path("names.json").write_text(mapped)
    assert set(json.loads(mapped)) > {"tokens"}
    outputs = []
    for line in "".join(fences(PAGE, "console")).splitlines():
        assert line.startswith("$ uniconv ")
        done = CliRunner().invoke(cli.app, line.split()[2:])
        assert (done.exit_code, done.exception) == (0, None), done.output
        outputs.append(done.output)
    assert outputs[0] == fences(PAGE, "text")[0]
    found = files.load("model.pt")
    assert list(found) == ["conv.weight", "conv.bias", "dense/kernel"]
    wanted = network["dense/kernel"].reshape(4, 4, 8, 10).transpose(3, 2, 0, 1).reshape(10, 128)
    np.testing.assert_array_equal(found["dense/kernel"].array, wanted)

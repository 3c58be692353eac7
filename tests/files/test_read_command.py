"""uniconv read: what is listed, what is written, how it fails."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from uniconv import _cli as cli
from uniconv import files
from uniconv._cli import demo
from uniconv._cli.read import ENDINGS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.md").write_text(
        "The kernel (3 values):\n\njulia> w\n1×3 Matrix{Float32}:\n 0.5  -1.25  3.0\n\n"
        "and y = [[1, 2], [3, 4]]。\n",
        "utf-8",
    )
    (tmp_path / "bad.md").write_text("w =\n[[1, 2], [3]]\n")
    np.savez("m.npz", w=np.zeros((2, 3), np.float32))
    return tmp_path


def run(line):
    result = CliRunner().invoke(cli.app, line.split())
    assert result.exception is None, result.exception
    return result.stdout


def failure(line, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(line.split())
    out, err = capsys.readouterr()
    assert out == ""
    return stop.value.code, err


def test_text_is_listed_with_digits_and_lines(folder):
    assert run("read q.md") == (
        "name  shape   dtype    digits  line\n"
        "w     (1, 3)  float32  3       4\n"
        "y     (2, 2)  int64    1       7\n"
    )


def test_other_files_have_neither(folder):
    assert run("read m.npz") == "name  shape   dtype\nw     (2, 3)  float32\n"


def test_the_help_names_every_ending_that_can_be_written():
    assert ", ".join(files.WRITERS) == ENDINGS


@pytest.mark.parametrize("ending", files.WRITERS)
def test_the_arrays_can_be_written(folder, ending):
    if ending == ".npy":
        run("read m.npz -o one.npy")
        assert np.load("one.npy").shape == (2, 3)
        return
    listed = run(f"read q.md --output out{ending}")
    assert listed == run("read q.md")
    found = files.load(f"out{ending}")
    np.testing.assert_array_equal(found["w"].array, np.array([[0.5, -1.25, 3]], np.float32))
    np.testing.assert_array_equal(found["y"].array, [[1, 2], [3, 4]])


WRONG = {
    "read": (2, "Missing argument 'FILE'."),
    "read no.md": (2, "no.md: No such file or directory"),
    "read q.md -o out.txt": (
        2, "out.txt has none of the endings .safetensors, .npz, .npy, .h5, .mat, .pt"),
    "read q.md -o .": (2, ". has none of the endings .safetensors, .npz, .npy, .h5, .mat, .pt"),
    "read bad.md": (1, "bad.md, line 2: the array is ragged: a part of shape (1,) stands beside "
                    "one of shape (2,)"),
    "read bad.md -o m.npz": (1, "bad.md, line 2: the array is ragged: a part of shape (1,) stands "
                             "beside one of shape (2,)"),
    "read q.md -o m.npy": (1, "m.npy holds one array: write .npz or .safetensors"),
    "read .": (1, ". is a folder without a TensorFlow checkpoint"),
}  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_failures_are_one_line(folder, capsys, line):
    code, message = WRONG[line]
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert failure(line, capsys) == (code, f"error: {message}\n")
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_the_founding_question_is_listed(folder):
    path = Path(demo.__file__).parents[1] / "data" / "knet_vs_tensorflow.txt"
    text = run(f"read {path}")
    assert [line.split()[0] for line in text.splitlines()] == [
        *("name", "testw", "partappledata", "ydata", "immatdata", "wdata", "part_conv_data")
    ]


def test_one_long_name_does_not_make_every_line_long(folder):
    files.save("m.npz", {"w": np.zeros(2), "x" * 300: np.zeros((2, 3))})
    lines = run("read m.npz").splitlines()
    assert lines[1].split() == ["w", "(2,)", "float64"]
    assert len(lines[1]) < 110
    assert lines[2] == f"{'x' * 300}  (2, 3)  float64"

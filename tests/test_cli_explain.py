"""uniconv explain and uniconv probe, as they are typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from uniconv import Call, explain, probe
from uniconv import _cli as cli

X = np.arange(1, 21.0, dtype="float32").reshape(5, 4, 1, 1)
W = np.array([[1, 2], [3, 5], [7, 11.0]], "float32").reshape(3, 2, 1, 1)


@pytest.fixture
def arrays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    np.save("w.npy", W)


def typed(*words):
    done = CliRunner().invoke(cli.app, list(words))
    assert done.exception is None, done.output
    return done.output


def wrong(capsys, *words):
    """The exit code and the message of a command that fails, as a shell sees them."""
    with pytest.raises(SystemExit) as end:
        cli.main(list(words))
    return end.value.code, capsys.readouterr().err.strip()


def test_explain_prints_what_explain_says(arrays, tmp_path):
    text = typed("explain", "knet.conv4", "x.npy", "w.npy", "padding=1", "--at", "1,2")
    assert text == f"{explain(Call(X, W, dialect='knet.conv4', padding=1), at=(1, 2))}\n"
    page = tmp_path / "page.html"
    typed("explain", "knet.conv4", "x.npy", "w.npy", "--html", str(page))
    assert page.read_text("utf-8") == explain(Call(X, W, dialect="knet.conv4")).to_html()
    told = json.loads(typed("explain", "knet.conv4", "x.npy", "w.npy", "--json"))
    assert told["window"]["y"] == told["window"]["sum"]


def test_explain_takes_shapes(arrays):
    words = ["--x-shape", "1,4,4,3", "--w-shape", "3,3,3,8", "strides=2", "padding=SAME"]
    text = typed("explain", "tf.nn.conv2d", *words)
    assert "padding: top 0, bottom 1, left 0, right 1; there are zeros\n" in text
    call = "tf.nn.conv2d(x, w, strides=2, padding=[[0, 0], [0, 1], [0, 1], [0, 0]])"
    assert f"    in numbers: {call}\n" in text


def test_probe_prints_the_code_and_checks_a_result(arrays):
    code = typed("probe", "tf.nn.conv2d", "padding=SAME", "strides=2")
    found = probe(Call(dialect="tf.nn.conv2d", padding="SAME", strides=2))
    assert code == f"{found.code()}\n"
    np.save("y.npy", found.y)
    words = ["probe", "tf.nn.conv2d", "padding=SAME", "strides=2", "--check", "y.npy"]
    assert typed(*words) == "the same\n"
    np.save("y.npy", found.y[..., ::-1])
    assert typed(*words) == "differs: y is what w gives with its axis 3 reversed\n"


def test_the_function_is_the_first_word_or_said_by_dialect(arrays):
    named = typed("explain", "--dialect", "knet.conv4", "x.npy", "w.npy", "padding=1")
    assert named == typed("explain", "knet.conv4", "x.npy", "w.npy", "padding=1")
    assert typed("probe", "--dialect", "knet") == typed("probe", "knet")
    shapes = ["--x-shape", "1,4,4,2", "--w-shape", "3,3,2,1", "--pointwise-shape", "1,1,2,3"]
    told = json.loads(typed("explain", "keras", *shapes, "--json"))
    assert told["function"] == "keras.ops.separable_conv"
    assert told["shapes"]["pointwise"] == [1, 1, 2, 3]


def test_the_code_can_be_piped_into_python(tmp_path):
    words = [sys.executable, "-m", "uniconv", "probe", "torch.nn.functional.conv2d"]
    root = os.path.dirname(os.path.dirname(cli.__file__.replace("/_cli/", "/")))
    env = os.environ | {"PYTHONPATH": root}
    code = subprocess.run(words, capture_output=True, check=True, env=env).stdout
    run = subprocess.run([sys.executable, "-"], input=code, capture_output=True, check=True)
    assert run.stdout.decode().splitlines()[-1] == "the same"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["explain"], 2, "name a function: --dialect tf.nn.conv2d, or tf.nn.conv2d as first word"),
        (["explain", "knet.conv4"], 2, "give x.npy and w.npy, or --x-shape and --w-shape"),
        (["explain", "knet.conv4", "x.npy"], 2, "give x.npy and w.npy, or --x-shape and --w-shape"),
        (
            ["explain", "knet.conv4", "x.npy", "w.npy", "--x-shape", "5,4,1,1"],
            2,
            "give arrays or shapes, not both",
        ),
        (
            ["explain", "knet.conv4", "--x-shape", "5;4", "--w-shape", "3,2,1,1"],
            2,
            "--x-shape 5;4: give integers, as 1,4,4,3",
        ),
        (
            ["explain", "knet.conv4", "x.npy", "w.npy", "--at", "9,9"],
            1,
            "knet.conv4: at=(9, 9) must be a position in y, whose spatial sizes are (3, 3): 2 "
            "integers, each from 0 to its size less 1",
        ),
        (
            [
                *("explain", "knet.conv4", "--x-shape", "5,4,1,1", "--w-shape", "3,2,1,1"),
                *("--at", "9,9"),
            ],
            1,
            "knet.conv4: at=(9, 9) asks for the numbers of one element of y, but the call has "
            "shapes only: give x and w as arrays",
        ),
        (
            ["explain", "knet.conv4", "x.npy", "w.npy", "--channel", "3"],
            1,
            "knet.conv4: channel=3 must be one of y's 1 channels",
        ),
        (
            ["explain", "knet.conv4", "x.npy", "w.npy", "--batch", "1"],
            1,
            "knet.conv4: batch=1 must lie in y, whose batch axes are (1,)",
        ),
        (
            ["explain", "knet.conv4", "x.npy", "w.npy", "--html", "no/page.html"],
            2,
            "no/page.html: there is no folder ",
        ),
        (
            [
                "explain",
                "pytorch",
                "--x-shape",
                "1,2,5",
                "--w-shape",
                "1,2,3",
                "--html",
                "page.html",
            ],
            1,
            "torch.nn.functional.conv1d: a page needs arrays with numbers, and a y with elements",
        ),
        (
            ["probe", "tf.nn.conv2d", "x.npy"],
            2,
            "x.npy: a probe makes its arrays itself; write options as name=value",
        ),
        (
            ["probe", "tf.nn.conv2d", "padding=SAME"],
            1,
            'tf.nn.conv2d: option "strides" is missing; it is None, an integer, a list of one, one '
            "per spatial axis, one per axis of x; at least 1",
        ),
    ],
)
def test_wrong_usage(arrays, capsys, words, code, message):
    got, said = wrong(capsys, *words)
    assert got == code
    assert said.startswith(f"error: {message}"), said
    if code == 1:
        assert said == f"error: {message}"

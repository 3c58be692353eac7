"""The programs in examples/ run and print what they promise."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).parent.parent / "examples"


def output(name, capsys):
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return capsys.readouterr().out.splitlines()


def test_every_example_is_tested():
    assert {p.name for p in EXAMPLES.glob("*.py")} == {
        "knet_training_step.py",
        "mtcnn_weights.py",  # in tests/live, where its packages are
        "tf_same_stride2.py",
        "compare_dialects_test.py",
        "digits_in_four_frameworks.py",
        "train_ddp.py",
    }


def test_knet_training_step(capsys):
    assert output("knet_training_step.py", capsys) == [
        "y has shape (7, 4, 4, 8), w and its gradient (3, 2, 3, 4)",
        "w is still column-major: True",
        "the loss fell from 10.4 to below 1e-6: True",
        "w is the teacher's kernel, not its mirror image: True",
    ]


def test_tf_same_stride2(capsys):
    assert output("tf_same_stride2.py", capsys) == [
        "  TensorFlow SAME      [321, 543, 65]",
        "  torch, padding=1     [210, 432, 654]",
        "  torch, padded (0, 1) [321, 543, 65]",
        "With five pixels SAME is (1, 1), and the mistake cannot be seen:",
        "  TensorFlow SAME      [210, 432, 54]",
        "  torch, padding=1     [210, 432, 54]",
    ]


def test_compare_dialects():
    """In a pytest of its own, as a user would run it."""
    file = EXAMPLES / "compare_dialects_test.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file],
        capture_output=True,
        text=True,
        cwd=EXAMPLES.parent,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


def test_a_dialect_in_a_package_of_its_own(tmp_path):
    """Built, installed and proved; then beside a package that takes its name, and a broken one."""
    package = EXAMPLES / "dialect_package"
    source = shutil.copytree(package, tmp_path / "source")  # building writes into it
    site = tmp_path / "site"
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", site]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, source], check=True)
    path = os.pathsep.join([str(site), str(EXAMPLES.parent)])

    def python(*args):
        return subprocess.run(
            [sys.executable, *args],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path},
            check=False,
        )

    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", source / "test_pebble.py")
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    shown = python("-m", "uniconv", "show", "pebble.stamp")
    assert shown.stdout.startswith(
        "pebble.stamp: a conv of Pebble 1.0, a true convolution (the kernel is read backwards)\n"
    )

    def also_installed(name, value):
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[uniconv.dialects]\n{value}\n")
        done = python("-m", "uniconv", "list")
        assert done.returncode == 0
        assert "pebble.stamp" in done.stdout  # the others are listed
        (text,) = [line for line in done.stderr.splitlines() if "UniconvWarning" in line]
        return info, text.partition("UniconvWarning: ")[2]

    left_out = "; it is left out, every other dialect works"
    pair = [
        f"dialect plug-in {p} of distribution {d} (pebble_uniconv:PEBBLE)"
        for p, d in (("rubble", "rubble"), ("pebble", "pebble-uniconv"))
    ]
    info, text = also_installed("rubble", "rubble = pebble_uniconv:PEBBLE")
    shutil.rmtree(info)
    assert text in {
        f'{new} is refused: its family "pebble" belongs to {old}{left_out}'
        for new, old in (pair, reversed(pair))
    }
    _, text = also_installed("broken", "broken = pebble_uniconv:NOWHERE")
    error = python("-m", "uniconv", "show", "broken").stderr.splitlines()[-1]
    reason = (
        "dialect plug-in broken of distribution broken (pebble_uniconv:NOWHERE) fails: "
        "AttributeError: module 'pebble_uniconv' has no attribute 'NOWHERE'"
    )
    assert (text, error) == (f"{reason}{left_out}", f"error: {reason}")


def test_digits_in_four_frameworks(capsys):
    pytest.importorskip("sklearn")
    lines = output("digits_in_four_frameworks.py", capsys)
    assert [line.split()[0] for line in lines] == ["pytorch", "tf", "knet", "flux"]
    for line in lines:
        assert line[9:] == "loss 2.34 -> 0.16, the same to 1e-12"


def test_digits_in_float32_too():
    """Until a ReLU falls to another side, which float64 shows to be rounding, nothing differs."""
    pytest.importorskip("sklearn")
    losses = runpy.run_path(str(EXAMPLES / "digits_in_four_frameworks.py"))["losses"]
    curves = {d: losses(d, torch.float32, 60) for d in ("pytorch", "tf", "knet", "flux")}
    for curve in curves.values():
        assert curve == pytest.approx(curves["pytorch"], abs=5e-6)

"""The programs in examples/ run and print what they promise."""

import runpy
import subprocess
import sys
from pathlib import Path

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

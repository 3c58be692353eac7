"""The command line: values through files, every error in one line, exit codes."""

import os
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import uniconv
from uniconv import _cli as cli
from uniconv._cli import demo

X = np.array([1, 2, 3, 4.0])
W = np.array([1, 10, 100.0])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with x.npy, w.npy and others, as the current one."""
    monkeypatch.chdir(tmp_path)
    arrays = {
        "x": X.reshape(4, 1, 1),
        "w": W.reshape(3, 1, 1),
        "bias": np.array([1000.0]),
        "image": X.reshape(1, 4, 1, 1),
        "kernel": W.reshape(3, 1, 1, 1),
        "pointwise": np.array([2.0]).reshape(1, 1, 1, 1),
        "ints": np.arange(3),
        "words": np.array(["a", "b"]),
    }
    for name, array in arrays.items():
        np.save(f"{name}.npy", array)
    np.savez("many.npz", a=X)
    (tmp_path / "text.npy").write_text("hello")
    (tmp_path / "empty.npy").touch()
    return tmp_path


def run(line):
    result = CliRunner().invoke(cli.app, line.split())
    assert result.exception is None, result.exception
    assert result.exit_code == 0
    return result.stdout


def failure(line, capsys):
    """The exit code and stderr of a command that must fail, through the console script's main."""
    with pytest.raises(SystemExit) as stop:
        cli.main(line.split())
    out, err = capsys.readouterr()
    assert out == ""
    return stop.value.code, err


def command(*words, code=None, cwd=None):
    """A real process: the command line, or Python code."""
    program = ["-m", "uniconv", *words] if code is None else ["-c", code]
    source = os.path.dirname(os.path.dirname(uniconv.__file__))
    path = os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *program],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": path, "PYTHONWARNINGS": "error", "COLUMNS": "100"},
        check=False,
    )


def test_version():
    assert run("--version") == f"uniconv {uniconv.__version__}\n"


def test_no_command_prints_the_help():
    assert run("") == run("--help")
    assert all(name in run("") for name in ("list", "show", "conv", "demo"))


def test_the_help_of_every_command_comes_without_torch_and_numpy():
    commands = sorted(c.name for c in cli.app.registered_commands)
    assert len(commands) == 12
    code = f"""
import sys
from uniconv._cli import main
for words in [["--version"], ["--help"], *([name, "--help"] for name in {commands})]:
    try:
        main(words)
    except SystemExit as end:
        assert not end.code, words
print([name for name in ("typer", "torch", "numpy", "einops") if name in sys.modules])
"""
    assert command(code=code).stdout.splitlines()[-1] == "['typer']"


def test_list_has_every_function_with_its_flip():
    rows = [line.split() for line in run("list").splitlines()]
    known = [(f, name) for f, names in uniconv.dialects().items() for name in names]
    assert [(r[0], r[1]) for r in rows[1:]] == known
    assert ["knet", "knet.conv4", "conv", "flipped"] in rows
    assert ["tf", "tf.nn.depthwise_conv2d", "depthwise_conv", "not", "flipped"] in rows


@pytest.mark.parametrize("name", ["tf.nn.conv2d", "F.conv2d", "knet", "tensorflow"])
def test_show_prints_the_description(name):
    assert run(f"show {name}") == uniconv.describe(name) + "\n"


def test_show_wraps_on_a_terminal():
    wrapped = cli.wrapped("    padding = 0: one two three four", 24)
    assert wrapped == "    padding = 0: one two\n        three four"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--dialect knet.conv4 x.npy w.npy", [123, 234]),
        ("--dialect knet x.npy w.npy padding=1", [12, 123, 234, 340]),
        ("--dialect knet.conv4 x.npy w.npy padding=(1,) mode=1", [210, 321, 432, 43]),
        ("--dialect knet.conv4 x.npy w.npy --bias bias.npy", [1123, 1234]),
        ("--dialect knet.conv4 x.npy w.npy --device cpu alpha=-1", [-123, -234]),
        ("--dialect knet.deconv4 x.npy w.npy", [100, 210, 321, 432, 43, 4]),
        ("--dialect tf image.npy kernel.npy strides=[1,1,1,1] padding=VALID", [321, 432]),
        ("--dialect tf image.npy kernel.npy strides=2 padding='SAME'", [321, 43]),
        ("--dialect tf.nn.depthwise_conv2d image.npy kernel.npy strides=[1,1,1,1] padding=VALID",
         [321, 432]),
        ("--dialect tf image.npy kernel.npy pointwise.npy strides=[1,1,1,1] padding=VALID",
         [642, 864]),
        ("--dialect tf.nn.separable_conv2d image.npy kernel.npy pointwise.npy --bias bias.npy "
         "strides=[1,1,1,1] padding=VALID", [1642, 1864]),
    ],
)  # fmt: skip
def test_conv_computes_what_the_function_does(folder, arguments, expected):
    run(f"conv {arguments} -o y.npy")
    np.testing.assert_array_equal(np.load("y.npy").ravel(), np.array(expected, float))


def test_conv_says_what_it_read_and_wrote(folder):
    out = run("conv --dialect knet.conv4 x.npy w.npy --bias bias.npy -o out.bin padding=1")
    assert [line.split(maxsplit=1) for line in out.splitlines()] == [
        ["x", "(4, 1, 1)            float64    x.npy"],
        ["w", "(3, 1, 1)            float64    w.npy"],
        ["bias", "(1,)                 float64    bias.npy"],
        ["y", "(4, 1, 1)            float64    out.bin"],
    ]
    assert np.load("out.bin").shape == (4, 1, 1)


def test_conv_replaces_the_output_and_leaves_nothing_else(folder):
    before = {p.name for p in folder.iterdir()}
    run("conv --dialect knet.conv4 x.npy w.npy -o x.npy")
    assert {p.name for p in folder.iterdir()} == before
    assert np.load("x.npy").ravel().tolist() == [123, 234]


CONV = "conv --dialect knet.conv4 x.npy w.npy -o y.npy"
MISUSED = {
    "bogus": "No such command 'bogus'.",
    "--bogus": "No such option: --bogus",
    "show": "Missing argument 'NAME'.",
    "conv x.npy w.npy -o y.npy": "Missing option '--dialect'.",
    "conv --dialect knet x.npy w.npy": "Missing option '--output' / '-o'.",
    "conv --dialect knet no.npy w.npy -o y.npy": "no.npy: No such file or directory",
    "conv --dialect knet many.npz w.npy -o y.npy": "many.npz is no .npy file of numbers",
    "conv --dialect knet text.npy w.npy -o y.npy": "text.npy is no .npy file of numbers",
    "conv --dialect knet . w.npy -o y.npy": ".: Is a directory",
    "conv --dialect knet empty.npy w.npy -o y.npy": "empty.npy is no .npy file of numbers",
    f"{CONV} --bias no.npy": "no.npy: No such file or directory",
    f"{CONV} pointwise.npy": "knet.conv4 takes 2 arrays, got 3",
    f"{CONV} padding=1 padding=2": "padding=2: padding is given twice",
    f"{CONV} dialect=tf": "dialect=tf: write --dialect",
    f"{CONV} bias=bias.npy": "bias=bias.npy: write --bias",
    f"{CONV} x=3": "x=3: the first array is x",
    f"{CONV} =3": "=3: a name is missing",
    "conv --dialect tf.nn.separable_conv2d image.npy kernel.npy -o y.npy": (
        "tf.nn.separable_conv2d takes 3 arrays, got 2"
    ),
    "conv --dialect knet x.npy w.npy -o .": ". is no regular file",
}  # fmt: skip
REFUSED = {
    "show foo": f'no function is named "foo": known: {", ".join(uniconv.dialects())}',
    "conv --dialect knet.conv5 x.npy w.npy -o y.npy": (
        'no function is named "knet.conv5": did you mean "knet.conv4"?'
    ),
    "conv --dialect pytorch x.npy w.npy pointwise.npy -o y.npy": (
        "pytorch has no separable_conv; it has conv, conv_transpose"
    ),
    f"{CONV} paddding=1": 'knet.conv4 has no option "paddding": did you mean "padding"?',
    f"{CONV} stride=0": "knet.conv4: stride=0 must be at least 1",
    "conv --dialect tf image.npy kernel.npy -o y.npy strides=1 padding=same": (
        'tf.nn.conv2d: padding="same" is not one of "SAME", "VALID" (TF is case-sensitive): '
        'did you mean "SAME"?'
    ),
}


@pytest.mark.parametrize("line", MISUSED)
def test_wrong_usage_is_one_line_and_exit_code_2(folder, capsys, line):
    code, err = failure(line, capsys)
    assert (code, err.lower()) == (2, f"error: {MISUSED[line]}\n".lower())
    assert not (folder / "y.npy").exists()


@pytest.mark.parametrize("line", REFUSED)
def test_a_refused_call_is_one_line_and_exit_code_1(folder, capsys, line):
    assert failure(line, capsys) == (1, f"error: {REFUSED[line]}\n")
    assert not (folder / "y.npy").exists()


def test_an_array_of_words_is_refused(folder, capsys):
    code, err = failure("conv --dialect knet words.npy w.npy -o y.npy", capsys)
    assert code == 1
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_a_missing_folder_and_device_are_wrong_usage(folder, capsys):
    message = f"error: no/y.npy: there is no folder {folder / 'no'}\n"
    assert failure("conv --dialect knet x.npy w.npy -o no/y.npy", capsys) == (2, message)
    code, err = failure(f"{CONV} --device nowhere", capsys)
    assert code == 2
    assert err.startswith("error: --device nowhere: ")
    assert err.count("\n") == 1


def test_a_failing_write_leaves_no_file(folder, monkeypatch, capsys):
    def full(file, array):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "save", full)
    before = {p.name for p in folder.iterdir()}
    assert failure(CONV, capsys) == (1, "error: No space left on device\n")
    assert {p.name for p in folder.iterdir()} == before


def test_demo_succeeds_and_fails_with_the_demo(monkeypatch, capsys):
    assert run("demo") == demo.report(demo.answer(demo.load())) + "\n"
    monkeypatch.setattr(demo, "main", lambda: 1)
    assert failure("demo", capsys) == (1, "")


def test_in_a_process(folder):
    shown = command("show", "tf.nn.conv2d")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == uniconv.describe("tf.nn.conv2d") + "\n"

    done = command(*CONV.split(), "padding=1", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert np.load("y.npy").ravel().tolist() == [12, 123, 234, 340]

    refused = command(*CONV.split(), "mode=2", cwd=folder)
    message = "error: knet.conv4: mode=2 is not one of 0, 1\n"
    assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", message)


def test_demo_in_a_process():
    done = command("demo")
    assert (done.returncode, done.stderr) == (0, "")
    assert "knet.conv4 convolves, tf.nn.conv2d correlates, on both spatial axes" in done.stdout


def test_without_typer_one_line_says_what_to_install(tmp_path):
    (tmp_path / "typer.py").write_text("raise ImportError('no typer')")
    done = subprocess.run(
        [sys.executable, "-c", "from uniconv._cli import main; main()"],
        capture_output=True,
        text=True,
        env=os.environ
        | {"PYTHONPATH": f"{tmp_path}:{os.path.dirname(os.path.dirname(uniconv.__file__))}"},
        check=False,
    )
    message = 'error: the command line needs pip install "uniconv-torch[cli]"\n'
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)

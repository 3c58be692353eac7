"""which_layout: never a wrong order, and one order where a model or an activation is at hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from tests.files.make_golden import probe
from tests.files.test_frameworks import message
from uniconv import _cli as cli
from uniconv import which_layout
from uniconv._canonical.layout import axes
from uniconv._weights.which_layout import ORDERS
from uniconv.errors import BadArray, BadOption, BadShape

MODELS = json.loads((Path(__file__).parent / "architectures" / "architectures.json").read_text())[
    "models"
]
NAMES = ("OIHW", "HWIO", "OHWI", "IOHW", "HWOI", "IHWO")


def laid(kernel, order):
    """A kernel (o, i, ...), or its shape, with its axes in another order."""
    rank = len(getattr(kernel, "shape", kernel)) - 2
    own = axes("o i ...", rank)
    moved = [own.index(a) for a in axes(order, rank)]
    return kernel.transpose(moved) if hasattr(kernel, "transpose") else [kernel[i] for i in moved]


def test_published_architectures_are_enough():
    assert len(MODELS) >= 200


@pytest.mark.parametrize("order", ORDERS)
def test_no_published_architecture_is_read_wrong_or_stays_ambiguous(order):
    ambiguous = []
    for name, kernels in MODELS.items():
        answer = which_layout({str(k): tuple(laid(k, order)) for k in kernels}, like=kernels)
        assert order in answer.orders, name
        ambiguous += [name] * answer.ambiguous
    assert len(ambiguous) <= len(MODELS) // 10


@pytest.mark.parametrize("order", ORDERS)
def test_one_activation_decides(order):
    rng = np.random.default_rng(0)
    for shape in ((4, 4, 3, 3), (3, 3, 3, 3), (3, 3, 5, 3), (4, 4, 1, 1)):
        w = rng.normal(size=shape)
        x = rng.normal(size=(2, shape[1], 7, 8))
        y = torch.conv2d(torch.tensor(x), torch.tensor(w), padding=1).numpy()
        options = {"padding": 1}
        moved = laid(w, order)
        known = {"x_channels": shape[1], "o": shape[0]}
        answer = which_layout(moved, **known, x=x, y=y, options=options)
        assert answer.orders == (order,), shape
    in_tf = which_layout(
        moved,
        **known,
        x=x.transpose(0, 2, 3, 1),
        y=torch.conv2d(torch.tensor(x), torch.tensor(w)).numpy().transpose(0, 2, 3, 1),
        dialect="tf",
        options={"strides": 1, "padding": "VALID"},
    )
    assert in_tf.orders == (order,)


KERNELS = sorted({tuple(kernel) for kernels in MODELS.values() for kernel in kernels})
SMALL = [kernel for kernel in KERNELS if np.prod(kernel) <= 20_000]
# Every kernel in every order takes minutes: one of twenty in one order is a second.
SOME = [(kernel, ORDERS[k % len(ORDERS)]) for k, kernel in enumerate(SMALL[::20])]


def test_one_activation_decides_for_kernels_of_published_architectures():
    rng = np.random.default_rng(0)
    undecided = 0
    for kernel, order in SOME:
        w = rng.normal(size=kernel)
        x = rng.normal(size=(1, kernel[1], *(size + 1 for size in kernel[2:])))
        y = getattr(torch, f"conv{w.ndim - 2}d")(torch.tensor(x), torch.tensor(w)).numpy()
        known = {"x_channels": kernel[1], "o": kernel[0]}
        undecided += which_layout(laid(w, order), **known).ambiguous
        answer = which_layout(laid(w, order), **known, x=x, y=y)
        assert order in answer.orders, kernel
        assert not answer.ambiguous, kernel
    assert undecided > len(SOME) // 20  # by their sizes alone they are not told


@pytest.mark.parametrize(
    ("kernel", "orders"),
    [
        ((4, 1, 1, 1), ("OIHW", "OHWI")),
        ((1, 1, 3, 3), ("OIHW", "IOHW")),
        ((1, 1, 1, 1), NAMES),
    ],
)
def test_orders_that_read_the_same_numbers_are_not_ambiguous(kernel, orders):
    answer = which_layout(kernel, like=[kernel])
    assert answer.names == orders
    assert not answer.ambiguous
    assert str(answer).endswith(", which are one in these sizes")
    both = which_layout({"a": kernel, "b": (7, 7, 3, 3)}, like=[kernel, (7, 7, 3, 3)])
    assert both.ambiguous == ("IOHW" in orders)


def test_a_depthwise_kernel_of_tensorflow_is_told_from_the_rest_of_its_network():
    like = [(8, 3, 3, 3), (8, 1, 3, 3), (16, 8, 1, 1)]
    tf = {"conv": (3, 3, 3, 8), "depthwise": (3, 3, 8, 1), "point": (1, 1, 8, 16)}
    assert which_layout(tf, like=like).names == ("HWIO",)


def test_what_training_left_is_no_kernel():
    # rows and columns of a factored second moment: no order has a layer of these sizes
    slot = {"optimizer/conv/vr": (3, 3, 8), "conv/kernel/Adam": (7, 5, 3, 2)}
    tf = {**slot, "conv/kernel": (5, 7, 3, 8)}
    assert which_layout(tf, x_channels=3, o=8).names == ("HWIO",)
    assert which_layout((5, 8, 3, 3), like={**slot, "conv/kernel": (5, 8, 3, 3)}).names == ("OIHW",)
    with pytest.raises(BadArray, match="there is no kernel"):
        which_layout(slot | {"conv/kernel": (3,)}, o=8)


def test_one_activation_decides_among_named_arrays():
    rng = np.random.default_rng(0)
    w, x = rng.integers(-3, 4, (4, 4, 3, 2)), rng.integers(-3, 4, (1, 4, 5, 6))
    y = torch.conv2d(torch.tensor(x), torch.tensor(w)).numpy()
    named = {"bias": np.zeros(4), "kernel": w.transpose(2, 3, 1, 0)}
    assert which_layout(named, o=4, x=x, y=y).names == ("HWIO",)


def test_a_module_is_the_model():
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Conv2d(8, 8, (3, 5)))
    mlx = {"0": np.zeros((8, 3, 3, 3)), "1": np.zeros((8, 3, 5, 8)), "b": np.zeros(8)}
    answer = which_layout(mlx, like=module)
    assert answer.names == ("OHWI",)
    assert which_layout(dict(module.state_dict()), like=module).names == ("OIHW",)


def test_the_answer_in_words():
    assert str(which_layout((3, 3, 16, 64), x_channels=16, o=64)).startswith("HWIO (")
    answer = which_layout((64, 64, 3, 3), x_channels=64, o=64)
    assert answer.ambiguous
    assert answer.names == ("OIHW", "IOHW")
    assert str(answer).startswith("ambiguous: OIHW (")
    assert str(answer).endswith("; one input and output of the layer decide: give x= and y=")


REFUSED = [
    (((3, 3, 3, 8), {}), BadOption, "nothing is known of the layer: give x_channels=, o= or like="),
    (((8,), {"o": 8}), BadArray, "there is no kernel: none of the arrays has 3 to 5 axes"),
    (
        ((3, 3, 5, 8), {"x_channels": 4, "o": 8}),
        BadShape,
        "no order of axes fits the kernels (3, 3, 5, 8): they are not those of this layer or "
        "model, or their axes were reshaped, not transposed",
    ),
    (
        ((8, 8, 3, 3), {"o": 8, "x": np.zeros((1, 8, 5, 5))}),
        BadArray,
        "x and y decide together: give both, or neither",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSED, ids=range(len(REFUSED)))
def test_refused(call, error, text):
    with pytest.raises(error) as raised:
        which_layout(call[0], **call[1])
    assert str(raised.value) == text


def test_no_order_gives_this_y():
    x, w = np.ones((1, 8, 5, 5)), np.ones((8, 8, 3, 3))
    with pytest.raises(BadShape, match="by no order of the kernel's axes does the layer make this"):
        which_layout(w, o=8, x=x, y=np.zeros((1, 8, 3, 3)))


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(
        "import torch\ndef make():\n    return torch.nn.Conv2d(3, 8, 3)\n"
    )
    np.savez("w.npz", kernel=np.zeros((3, 3, 3, 8)), bias=np.zeros(8))
    np.savez("v.npz", kernel=np.zeros((5, 5, 3, 8)))

    def run(line):
        with pytest.raises(SystemExit) as stop:
            cli.main(["layout", *line.split()])
        out, err = capsys.readouterr()
        return stop.value.code, out, err

    code, out, _ = run("w.npz --like model.py:make")
    assert (code, out[:6]) == (0, "ambigu")
    code, _, err = run("w.npz --like model.py:made")
    assert code == 2
    assert "model.py has no function made" in err
    code, _, err = run("w.npz --name kernel --x-channels 4 --o 8")
    assert code == 1
    assert "no order of axes fits" in err
    code, out, _ = run("v.npz --x-channels 3 --o 8")
    assert (code, out[:6]) == (0, "HWIO (")


def test_the_command_says_what_training_left(tmp_path):
    slots = {f"optimizer/{k}": np.zeros((3, 3, 2, 7)) for k in range(2)}
    np.savez(tmp_path / "w.npz", step=np.zeros(()), **slots, kernel=np.zeros((5, 5, 3, 8)))

    def run(words):
        return CliRunner().invoke(cli.app, ["layout", str(tmp_path / "w.npz"), *words.split()])

    done = run("--x-channels 3 --o 8")
    first, second = done.output.splitlines()
    assert first.startswith("HWIO ("), done.output
    assert second == "left out: 1 (counter), 2 (optimizer's state)"
    (only,) = run("--x-channels 2 --o 7 --name optimizer/0").output.splitlines()
    assert only.startswith("HWIO (")  # what is asked for by its name is looked at


def test_the_command_passes_over_what_the_files_graph_uses_otherwise(tmp_path):
    """The weights of a PReLU have the axes of a kernel; an .onnx says that they are none."""
    words = ((b"w", probe(8, 3, 5, 4)), (b"alpha", probe(8, 2, 6)))
    arrays = [
        (5, message(*((1, n) for n in array.shape), (2, 1), (4, array), (8, name)))
        for name, array in words
    ]
    conv = message((1, b"x"), (1, b"w"), (4, b"Conv"))
    slope = message((1, b"y"), (1, b"alpha"), (4, b"PRelu"))
    path = tmp_path / "m.onnx"
    path.write_bytes(message((1, 8), (7, message(*arrays, (1, conv), (1, slope)))))
    torch.save({"conv.weight": torch.zeros(8, 3, 5, 4)}, tmp_path / "like.pt")
    words = ["layout", str(path), "--like", str(tmp_path / "like.pt")]
    done = CliRunner().invoke(cli.app, words)
    assert done.output.startswith("OIHW ("), done.output


def test_a_model_of_shapes_may_count_in_numpys_integers():
    sizes = tuple(np.array([8, 3, 5, 4]))
    assert which_layout((5, 4, 3, 8), like=[sizes]).names == ("HWIO",)

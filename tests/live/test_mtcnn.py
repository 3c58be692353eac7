"""Two packages with one pretrained network: originals, uniconv on their weights, conversions."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from uniconv import files

PACKAGES = ("mtcnn", "facenet_pytorch", "joblib", "lz4")
ABSENT = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)}")

SCRIPT = Path(__file__).parents[2] / "examples" / "mtcnn_weights.py"
NETS = ("pnet", "rnet", "onet")
CLOSE = 1e-6  # float32, outputs of about 1


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT))


def facenet(net, folder):
    """The original torch module: its class alone, because its package imports torchvision."""
    source = (folder("facenet_pytorch") / "models" / "mtcnn.py").read_text("utf-8")
    wanted = {"PNet", "RNet", "ONet"}
    classes = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name in wanted
    ]
    names = {"torch": torch, "nn": torch.nn, "os": os}
    exec(compile(ast.Module(classes, []), "facenet_pytorch", "exec"), names)
    module = names[f"{net[0].upper()}Net"](pretrained=False)
    path = folder("facenet_pytorch") / "data" / f"{net}.pt"
    module.load_state_dict(torch.load(path, weights_only=True))
    return module.eval()


@pytest.mark.parametrize("net", NETS)
def test_uniconv_on_torch_weights_is_facenet_pytorch(script, net):
    x = torch.from_numpy(script["image"](net)).permute(0, 3, 1, 2)
    with torch.no_grad():
        wanted = facenet(net, script["folder"])(x)
    y = script["Network"](net, script["torch_weights"](net), "pytorch")(x)
    assert len(y) == len(wanted)
    for a, b in zip(y, wanted):
        assert a.shape == b.shape
        assert float((a - b).abs().max()) < CLOSE


@pytest.mark.parametrize("net", NETS)
def test_uniconv_on_keras_weights_is_mtcnn(script, net):
    pytest.importorskip("tensorflow")
    network = pytest.importorskip(f"mtcnn.network.{net}")
    original = getattr(network, f"{net[0].upper()}Net")()
    original.build()
    weights = script["keras_weights"](net)
    original.set_weights(list(weights.values()))
    x = script["image"](net)
    wanted = original(x)
    y = script["Network"](net, weights, "keras")(torch.from_numpy(x))
    assert len(y) == len(wanted)
    for a, b in zip(y, wanted):
        assert tuple(a.shape) == tuple(b.shape)
        assert np.abs(a.numpy() - b.numpy()).max() < CLOSE


@pytest.mark.parametrize("net", NETS)
def test_the_two_packages_hold_the_same_numbers(script, net):
    made, wanted = script["converted"](net), script["torch_weights"](net)
    assert set(made) == set(wanted)
    for name, a in wanted.items():
        assert made[name].tobytes() == a.tobytes(), name


def test_a_converted_network_runs_in_the_original_of_the_other_package(script):
    module = facenet("onet", script["folder"])
    state = {k: torch.from_numpy(v.copy()) for k, v in script["converted"]("onet").items()}
    x = torch.from_numpy(script["image"]("onet"))
    with torch.no_grad():
        before = module(x.permute(0, 3, 1, 2))
        module.load_state_dict(state)
        after = module(x.permute(0, 3, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(before, after))


def test_the_example_tells_what_the_page_says(script, capsys):
    script["main"]()
    lines = capsys.readouterr().out.splitlines()
    page = (SCRIPT.parents[1] / "docs" / "mtcnn.md").read_text("utf-8")
    shown = page.partition("```text\n")[2].partition("```")[0].splitlines()
    assert [_without_size(line) for line in lines] == [_without_size(line) for line in shown]


def _without_size(line):
    return line.partition(" by at most ")[0] + line.rpartition(":")[2]


@pytest.mark.parametrize("net", NETS)
def test_the_packed_pickles_are_what_joblib_reads(script, net):
    path = script["folder"]("mtcnn") / "assets" / "weights" / f"{net}.lz4"
    expected = importlib.import_module("joblib").load(path)
    arrays = files.load(path)
    assert list(arrays) == [str(k) for k in range(len(expected))]
    for array, value in zip(arrays.values(), expected):
        assert array.dtype == value.dtype
        np.testing.assert_array_equal(array.array, value)

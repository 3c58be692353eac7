"""Layers leave torch: ONNX Runtime, AOTInductor and frozen graphs compute what they compute."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.test_nn import LAYERS, filled, integers

HERE = all(importlib.util.find_spec(p) for p in ("onnx", "onnxruntime", "onnxscript"))
needs_onnx = pytest.mark.skipif(not HERE, reason="needs onnx, onnxruntime and onnxscript")
# Keras's SAME with stride 2: the padding depends on whether a size is odd.
STRIDED = [i for i, (_, _, options, _) in enumerate(LAYERS) if options.get("padding") == "same"]


def exported(layer: torch.nn.Module, x: torch.Tensor, sizes: Any, file: Path) -> Any:
    """A session of ONNX Runtime on the exported layer."""
    import onnxruntime

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # onnxscript's own
        program = torch.onnx.export(layer, (x,), dynamo=True, dynamic_shapes=sizes, verbose=False)
    assert program is not None
    program.save(str(file))
    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


def run(session: Any, x: torch.Tensor) -> torch.Tensor:
    (y,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    return torch.from_numpy(y)


@needs_onnx
@pytest.mark.parametrize("index", range(len(LAYERS)))
def test_onnx_of_one_size(index: int, tmp_path: Path) -> None:
    kind, sizes, options, shape = LAYERS[index]
    layer, x = filled(kind, sizes, options).eval(), integers(*shape)
    assert torch.equal(run(exported(layer, x, None, tmp_path / "layer.onnx"), x), layer(x))


@needs_onnx
@pytest.mark.parametrize("index", STRIDED)
def test_onnx_of_any_size_odd_and_even(index: int, tmp_path: Path) -> None:
    kind, sizes, options, shape = LAYERS[index]
    layer, x = filled(kind, sizes, options).eval(), integers(*shape)
    dim = torch.export.Dim.DYNAMIC
    dynamic = {"x": {1: dim, 2: dim}}
    session = exported(layer, x, dynamic, tmp_path / "layer.onnx")
    for h in (5, 6, 7, 8, 11):
        for w in (6, 9):
            x = integers(shape[0], h, w, shape[3])
            assert torch.equal(run(session, x), layer(x)), (h, w)


@needs_onnx
def test_onnx_has_no_more_nodes_than_it_needs(tmp_path: Path) -> None:
    import onnx

    kind, sizes, options, shape = LAYERS[0]
    file = tmp_path / "layer.onnx"
    exported(filled(kind, sizes, options).eval(), integers(*shape), None, file)
    nodes = [node.op_type for node in onnx.load(str(file)).graph.node]
    assert [n for n in nodes if n not in ("Pad", "Identity")] == ["Transpose", "Conv", "Transpose"]


@pytest.mark.filterwarnings("ignore")  # inductor's own
def test_a_frozen_graph_computes_the_same() -> None:
    from torch._inductor import config

    kind, sizes, options, shape = LAYERS[2]
    layer, x = filled(kind, sizes, options).eval(), integers(*shape)
    torch._dynamo.reset()
    with torch.no_grad(), config.patch(freezing=True):
        assert torch.equal(torch.compile(layer)(x), layer(x))


@pytest.mark.filterwarnings("ignore")
def test_an_aot_inductor_package_computes_the_same(tmp_path: Path) -> None:
    kind, sizes, options, shape = LAYERS[0]
    layer, x = filled(kind, sizes, options).eval(), integers(*shape)
    with torch.no_grad():
        program = torch.export.export(layer, (x,))
        file = torch._inductor.aoti_compile_and_package(
            program, package_path=str(tmp_path / "layer.pt2")
        )
        loaded = torch._inductor.aoti_load_package(file)
        np.testing.assert_array_equal(loaded(x).numpy(), layer(x).numpy())

"""What uniconv refuses, the running frameworks refuse.

TensorFlow is asked twice, eagerly and compiled by XLA, since its plain CPU kernels lack things that
its contract has; only what both refuse counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import uniconv
from tests.refusals import TABLES
from tests.refusals.bad_call import BadCall, Call
from uniconv._canonical.arrays import like
from uniconv.conformance.oracles import oracle, runs
from uniconv.spec.registry import find

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore")]

tensorflow, pytorch = TABLES["tf"], TABLES["pytorch"]
WRONG_VALUES = "TensorFlow warns and returns wrong values"


def refused(bad: Iterable[BadCall]) -> list[BadCall]:
    return [call for call in bad if call.live is True]


def computed(bad: Iterable[BadCall]) -> list[BadCall]:
    return [call for call in bad if call.live is not True]


def in_tensorflow(tf: ModuleType, call: Call, *, compiled: bool) -> Any:
    """y of the call; uniconv's own bias is left out, as these functions have none."""
    op = find(call.function)
    arrays = {
        op.array_names(role)[0]: tf.constant(a.numpy())
        for role, a in call.arrays().items()
        if a is not None and role != "bias"
    }
    if call.again:
        arrays[call.again] = arrays[op.array_names("w")[0]]
    function = attrgetter(call.function.removeprefix("tf."))(tf)

    def run(**given: Any) -> Any:
        return function(**given, **call.options)

    return (tf.function(run, jit_compile=True) if compiled else run)(**arrays)


def in_pytorch(call: Call) -> torch.Tensor:
    """y of the call; a module takes its kernel and bias after it is built."""
    name, given = call.function.rpartition(".")[2], call.arrays()
    x, w, bias = given["x"], given["w"], given["bias"]
    assert x is not None
    assert w is not None
    if ".functional." in call.function:
        return getattr(torch.nn.functional, name)(x, w, bias, **call.options)
    groups, (first, second) = call.options.get("groups", 1), w.shape[:2]
    i, o = (first, second * groups) if "Transpose" in name else (second * groups, first)
    # By position: a constructor word among the options is then given twice, as by a user.
    module = getattr(torch.nn, name)(i, o, tuple(w.shape[2:]), **call.options)
    module.weight = torch.nn.Parameter(w)
    module.bias = None if bias is None else torch.nn.Parameter(bias)
    return module(x)


@pytest.mark.parametrize("call", tensorflow.good, ids=str)
def test_tensorflow_takes_what_is_called_well(tf: ModuleType, call: Call) -> None:
    y = in_tensorflow(tf, call, compiled=True).numpy()
    assert (y == call.through_uniconv().numpy()).all()


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "xla"])
@pytest.mark.parametrize("call", refused(tensorflow.bad), ids=str)
def test_tensorflow_refuses(tf: ModuleType, call: BadCall, compiled: bool) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError, tf.errors.OpError)):
        in_tensorflow(tf, call, compiled=compiled)


@pytest.mark.parametrize("call", computed(tensorflow.bad), ids=str)
def test_tensorflow_computes_what_has_a_reason(tf: ModuleType, call: BadCall) -> None:
    assert in_tensorflow(tf, call, compiled=False).shape.rank == len(call.x_shape)


@pytest.mark.parametrize(
    "call", [c for c in tensorflow.bad if c.live == WRONG_VALUES and not c.pointwise_shape], ids=str
)
def test_tensorflow_returns_wrong_values_for_strided_dilated_depthwise(
    tf: ModuleType, call: BadCall
) -> None:
    """The same convolution by tf.nn.conv2d, whose groups are the channels, is the right one."""
    given = call.arrays()
    x, w = given["x"], given["w"]
    assert x is not None
    assert w is not None
    dilations = call.options.get("dilations", call.options.get("rate"))
    options = {"strides": call.options["strides"], "dilations": dilations, "padding": "SAME"}
    grouped = w.reshape(*w.shape[:2], 1, -1)
    right = uniconv.conv(x, grouped, dialect="tf.nn.conv2d", **options)
    same = tf.nn.conv2d(tf.constant(x.numpy()), tf.constant(grouped.numpy()), **options)
    assert (same.numpy() == right.numpy()).all()
    wrong = in_tensorflow(tf, call, compiled=False).numpy()
    assert wrong.shape != right.shape or (wrong != right.numpy()).any()


@pytest.mark.parametrize("call", pytorch.good, ids=str)
def test_pytorch_takes_what_is_called_well(call: Call) -> None:
    assert torch.equal(in_pytorch(call), call.through_uniconv())


@pytest.mark.parametrize("call", refused(pytorch.bad), ids=str)
def test_pytorch_refuses(call: BadCall) -> None:
    with pytest.raises((RuntimeError, ValueError, TypeError)):
        in_pytorch(call)


@pytest.mark.parametrize("call", computed(pytorch.bad), ids=str)
def test_pytorch_computes_what_has_a_reason(call: BadCall) -> None:
    assert in_pytorch(call).ndim == len(call.x_shape)


# The other frameworks, by their oracles

OTHERS = [name for name in TABLES if runs(name) and name not in ("tf", "pytorch")]
GOOD = [call for name in OTHERS for call in TABLES[name].good]
BAD = [call for name in OTHERS for call in refused(TABLES[name].bad)]


def by_the_oracle(call: Call) -> np.ndarray:
    """y of the framework."""
    given = {role: None if a is None else like(a, np.zeros(0)) for role, a in call.arrays().items()}
    return oracle(call.function)(call, given["x"], given["w"], given["bias"], given["p"])


@pytest.mark.parametrize("call", GOOD, ids=str)
def test_the_framework_takes_what_is_called_well(call: Call) -> None:
    assert (by_the_oracle(call) == like(call.through_uniconv(), np.zeros(0))).all()


@pytest.mark.parametrize("call", BAD, ids=str)
def test_the_framework_refuses(call: BadCall) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - each framework has its own
        by_the_oracle(call)

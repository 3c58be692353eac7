"""What stands around an error: no other error before it, no frames to scroll past; and pickles."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import uniconv
from uniconv import errors
from uniconv.spec.registry import framework, frameworks, functions

ROOT = Path(uniconv.__file__).parent
SET_UP = """
import numpy as np, torch, uniconv
from uniconv import nn
x, w = np.ones((1, 8, 8, 3), "f4"), np.ones((3, 3, 5, 4), "f4")
tf = dict(dialect="tf", strides=1, padding="VALID")
layer = nn.Conv(3, 4, 3, dialect="keras")
"""
WRONG = {
    "conv": "uniconv.conv(x, w, **tf)",
    "conv, an option": "uniconv.conv(x, w[:, :, :3], dialect='tf', strides=1, padding='same')",
    "conv, a dtype": "uniconv.conv(x.astype(complex), w[:, :, :3], **tf)",
    "conv, a name": "uniconv.conv(x, w, dialect='tensor')",
    "conv, on a device": "uniconv.conv(x, w, device='gpu', **tf)",
    "conv_transpose": "uniconv.conv_transpose(x, w, dialect='pytorch')",
    "depthwise_conv": "uniconv.depthwise_conv(x, w, strides=1, padding='SAME')",
    "separable_conv": "uniconv.separable_conv(x, w, w, strides=[1, 1, 1, 1], padding='SAME')",
    "native": "uniconv.native('tf.nn.conv2d')(x, w, 1, 'VALID')",
    "native, a name": "uniconv.native('tf')",
    "bind": "uniconv.bind(w, dialect='tf', strides=0, padding='VALID')(x)",
    "a bound kernel": "uniconv.bind(w, **tf)(x)",
    "Call": "uniconv.Call(x, w, **tf)",
    "explain": "uniconv.explain('tf', x, w)",
    "explain, a place": "uniconv.explain(uniconv.Call(x, w[:, :, :3], **tf), at=(9, 9))",
    "diagnose": "uniconv.diagnose(uniconv.Call(x, w[:, :, :3], **tf), np.ones((1, 2)))",
    "a layer": "nn.Conv(3, 4, 3, dialect='keras', strides=0)",
    "a layer's x": "layer(torch.ones(1, 8, 8, 4))",
    "a layer's option": "layer(torch.ones(1, 8, 8, 3), strides=0)",
    "to_torch": "nn.to_torch(nn.Conv(4, 3, dialect='keras'))",
    "from_torch": "nn.from_torch(torch.nn.Linear(3, 4))",
    "from_keras": "nn.from_keras(3)",
    "Flatten": "nn.Flatten(dialect='nothing')",
    "compare": "uniconv.compare(x, w)",
    "a file": "uniconv.files.load('there is none.npz')",
    "a text": "uniconv.files.loads('nothing')",
    "describe": "uniconv.describe('nothing')",
    "same_pads": "uniconv.same_pads(4, 3, dialect='nothing')",
    "which_layout": "uniconv.which_layout((3, 3, 4, 5), o=7)",
    "a kernel": "uniconv.convert_kernel(w[0, 0], 'tf', 'pytorch')",
    "a bias": "uniconv.convert_bias(w, 'tf', 'pytorch')",
    "a Dense layer": "uniconv.convert_dense(w, 'tf', 'pytorch')",
    "a network": "uniconv.convert_state_dict({'kernel': w, 'other': w}, 'tf', 'pytorch')",
    "a network's file": "uniconv.convert_file('there is none.npz', 'tf', 'pytorch', 'a.npz')",
}


@pytest.fixture(scope="module")
def printed():
    """The traceback of every wrong call, each printed by a script of its own kind."""
    parts = [SET_UP, "import traceback"]
    for call in WRONG.values():
        parts.append(f"try:\n    {call}\nexcept Exception:\n    print(traceback.format_exc())")
        parts.append("print('#' * 9)")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(parts)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT.parent,
    )
    return dict(zip(WRONG, done.stdout.split("#" * 9)))


@pytest.mark.parametrize("name", WRONG)
def test_an_error_stands_alone(printed, name):
    text = printed[name]
    assert "During handling of the above exception" not in text
    assert "uniconv.errors." in text or "FileNotFoundError" in text, text
    assert text.count(f'File "{ROOT}') <= 1, text


ERRORS = [
    errors.UnknownName("a"),
    errors.NoSuchArray('no array is named "a"'),
    errors.BadOption("b"),
    errors.BadShape("c"),
    errors.BadArray("d"),
    errors.BadFile("e"),
    errors.BadCall("f"),
    errors.Refused("g"),
    errors.CannotExpress("tf.nn.conv2d", "pad", "it takes none"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_every_error_pickles(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_every_error_is_tried():
    kinds = {v for v in vars(errors).values() if isinstance(v, type)}
    known = {k for k in kinds if issubclass(k, errors.UniconvError)} - {errors.UniconvError}
    assert known == {type(error) for error in ERRORS}


def fails(_):
    raise errors.CannotExpress("tf.nn.conv2d", "pad", "it takes none")


def test_an_error_reaches_the_parent_of_a_worker():
    with (
        multiprocessing.get_context("spawn").Pool(1) as pool,
        pytest.raises(errors.CannotExpress, match="cannot express pad: it takes none"),
    ):
        pool.map_async(fails, [0]).get(60)


def test_specs_and_native_functions_pickle_by_name():
    for op in functions().values():
        assert pickle.loads(pickle.dumps(op)) is op
        native = uniconv.native(op.name)
        assert pickle.loads(pickle.dumps(native)) is native
    for known in frameworks().values():
        assert pickle.loads(pickle.dumps(known)) is known
    assert copy.deepcopy(framework("tf")) is framework("tf")
    with pytest.raises(AttributeError, match=r"no function is named tf\.nn\.conv9d"):
        sys.modules["uniconv._native"].tf.nn.conv9d  # noqa: B018


def test_what_the_verbs_give_pickles():
    x, w = np.arange(16.0).reshape(4, 4, 1, 1), np.arange(4.0).reshape(2, 2, 1, 1)
    call = uniconv.Call(x, w, dialect="knet.conv4")
    bound = uniconv.bind(w, np.ones(1), dialect="knet.conv4", padding=1)
    again = pickle.loads(pickle.dumps(bound))
    assert np.array_equal(again(x), bound(x))
    assert repr(again) == repr(bound)
    explanation = uniconv.explain(call)
    assert str(pickle.loads(pickle.dumps(explanation))) == str(explanation)
    diagnosis = uniconv.diagnose(call, uniconv.conv(x, w, dialect="knet.conv4", mode=1))
    assert str(pickle.loads(pickle.dumps(diagnosis))) == str(diagnosis)
    probe = uniconv.probe(uniconv.Call(dialect="tf.nn.conv2d", strides=1, padding="SAME"))
    assert pickle.loads(pickle.dumps(probe)).code() == probe.code()
    assert np.array_equal(pickle.loads(pickle.dumps(call)).run(), call.run())

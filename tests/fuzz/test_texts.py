"""Damaged texts, with arrays, calls or whole threads: the right reading or ``UniconvError``.

UNICONV_FUZZ_TEXTS=100000 python -m pytest tests/fuzz/test_texts.py     # so many, instead of 5,000
"""

from __future__ import annotations

import os
import random
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import uniconv
from tests.fuzz.limits import handlers, hurried
from uniconv import Thread, files
from uniconv.errors import UniconvError

COUNT = int(os.environ.get("UNICONV_FUZZ_TEXTS", "5000"))
THREADS = sorted((Path(__file__).parent.parent / "threads").glob("*.txt"))
ARRAYS = [
    "w = array([[ 0.5 , -1.25],\n       [ 3.  ,  2.  ]], dtype=float32)\n",
    "julia> b\n2×3 Matrix{Float64}:\n 0.5  -1.25  3.0\n 1.0  2.0  4.0\n",
    "y =\n\n   1.0e+03 *\n\n  Columns 1 through 2\n\n    1.0000    2.0000\n\n"
    "  Column 3\n\n    3.0000\n",
    "<tf.Tensor: shape=(2,), dtype=int32, numpy=array([1, 2], dtype=int32)>\n",
    "x: tensor([[1., 2.]], device='cuda:0', grad_fn=<Conv>)\nThe output:\n1 2 3\n4 5 6\n",
    "2×1×2 Array{Float32, 3}:\n[:, :, 1] =\n 1.0\n 2.0\n\n[:, :, 2] =\n 3.0\n 4.0\n",
]
CALLS = [
    'y = tf.nn.conv2d(x, w, strides=[1, 2, 2, 1], padding="SAME")',
    "conv = nn.Conv2d(2, 4, 3, padding=1, bias=False)\nprint(conv(x).relu()[0, :, ::2])",
    "julia> y = conv(x, w; pad=1, stride=(2, 1)) |> relu\ny[:, end, 1]'",
    ">> y = conv2(A(:, :, 1), [1 2; 3 4]', 'same');",
    "x = np.arange(4.).reshape(1, 1, -1)\nw = torch.tensor([[[1., 10]]])\ny = F.conv1d(x, w)",
]
SIGNS = [
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    "'",
    '"',
    ":",
    "=",
    "...",
    "\n",
    ">>> ",
    "#",
    "×",
    "e",
    "-",
    "\0",
]


def damaged(text: str, rng: random.Random) -> str:
    """A text with one to three faults: signs, lines that are gone, there twice or elsewhere."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(text) or 1)
        fault = rng.randrange(6)
        if fault == 0:
            text = text[:at] + rng.choice(SIGNS) + text[at:]
        elif fault == 1:
            text = text[:at] + text[at + rng.randrange(1, 9) :]
        elif fault == 2:
            text = text[:at]
        elif fault == 3:
            text = text[:at] + rng.choice(SIGNS) + text[at + 1 :]
        else:
            lines = text.split("\n")
            k = rng.randrange(len(lines))
            line = lines.pop(k)
            if fault == 4:
                lines.insert(rng.randrange(len(lines) + 1), line)
            text = "\n".join(lines)
    return text


def check_arrays(text: str) -> bool:
    """Whether the arrays of a text are read: then they are of numbers, with their errors."""
    try:
        arrays = files.loads(text)
    except UniconvError:
        return False
    for array in arrays.values():
        assert array.array.dtype.kind in "biufc"
        assert np.shape(array.error) in ((), array.shape)
        assert array.array.size <= len(text)
    return True


def check_thread(text: str) -> bool:
    """Whether a thread is read: then its calls are ones that their functions take."""
    try:
        thread = Thread.parse(text)
    except UniconvError:
        return False
    assert str(thread).startswith("How the text was read:")
    for call in thread.calls:
        assert call.lowered.output
        assert call.y is None or call.y.array.ndim == len(call.lowered.output)
    return True


def check_call(text: str) -> bool:
    try:
        uniconv.Call.parse(text, x=(1, 2, 5, 6), w=(4, 2, 3, 3))
    except UniconvError:
        return False
    return True


# Kind of text: the good ones, what reads them, which share of all.
KINDS = {
    "arrays": (ARRAYS, check_arrays, 0.94),
    "calls": (CALLS, check_call, 0.03),
    "threads": ([p.read_text("utf-8") for p in THREADS], check_thread, 0.03),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_text_is_read_or_refused(kind):
    good, check, share = KINDS[kind]
    rng = random.Random(kind)
    count = int(COUNT * share)
    read = 0
    with handlers():
        for k in range(count):
            text = damaged(good[k % len(good)], rng)
            traced = k % 20 == 0  # to trace memory takes most of the time
            if traced:
                tracemalloc.start()
            with hurried():
                read += check(text)
            if traced:
                assert tracemalloc.get_traced_memory()[1] < 2**26, text
                tracemalloc.stop()
    assert 0 < read < count

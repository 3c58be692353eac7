"""Layers in another framework's words give, run there, what the source gives."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("translated_layers.py")
# How many of the layers a family has words for.
SAID = {
    "pytorch": ("torch", 19),
    "keras": ("keras", 19),
    "flax": ("flax", 19),
    "mlx": ("mlx", 18),
    "paddle": ("paddle", 19),
    "chainer": ("chainer", 11),
    "tinygrad": ("tinygrad", 14),
}


@pytest.mark.live
@pytest.mark.parametrize("family", SAID)
def test_a_layer_gives_there_what_its_source_gives(family):
    module, said = SAID[family]
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    command = [sys.executable, str(SCRIPT), family]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.stdout.strip() == f"{said} agree", done.stdout + done.stderr[-2000:]

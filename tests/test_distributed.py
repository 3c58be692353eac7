"""Layers on two processes (gloo): forward and backward equal one process, exactly."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch.distributed

from tests.distributed.worker import LAYERS, MODES

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(
    not torch.distributed.is_available() or not torch.distributed.is_gloo_available(),
    reason="this torch has no gloo",
)
REFUSED = {
    ("channels_sharded", "NHWC depthwise, 3"): (
        "BadShape: keras.layers.DepthwiseConv2D: channels 0 to 2 of 6 are no whole groups of 2: "
        "share them among a number of processes that divides the 3 groups"
    ),
    ("channels_sharded", "NHWC separable"): (
        "BadArray: keras.layers.SeparableConv2D: the weight is in parts (Shard(dim=0),); only its "
        "output channels can be: Shard(0)"
    ),
}


def torchrun(processes, *program):
    """The lines that a program prints."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    launch += ["--master-port", str(port)]
    env = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), env.get("PYTHONPATH", "")])
    if processes == 1:  # which needs nobody to launch it
        launch = []
        env |= {
            "RANK": "0",
            "WORLD_SIZE": "1",
            "MASTER_ADDR": "localhost",
            "MASTER_PORT": str(port),
        }
    command = [sys.executable, "-W", "ignore", *launch, *program]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=540
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def told():
    lines = torchrun(2, "-m", "tests.distributed.worker", *MODES)
    return {(mode, name): result for mode, name, result in (line.split(" | ") for line in lines)}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("mode", MODES)
def test_two_processes_compute_what_one_does(told, mode, name):
    assert told[mode, name] == REFUSED.get((mode, name), "equal")


def test_the_example_trains_on_two_processes_as_on_one():
    one, two = (torchrun(n, "examples/train_ddp.py") for n in (1, 2))
    assert [line.split(" on ")[0] for line in one] == [line.split(" on ")[0] for line in two]
    assert two[-1].startswith("step 20: loss 0.0")
    assert two[-1].endswith("on 2 processes")

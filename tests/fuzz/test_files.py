"""Damaged files: arrays or ``BadFile``, and nothing else, in bounded time and memory.

UNICONV_FUZZ=5000 python -m pytest tests/fuzz     # so many of each kind, instead of 150
"""

from __future__ import annotations

import os
import random
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tests.fuzz import corpus
from tests.fuzz.limits import handlers, hurried
from uniconv import files
from uniconv.errors import BadFile

COUNT = int(os.environ.get("UNICONV_FUZZ", "150"))
NAMES = (*corpus.GOLDEN, "blob.mlpackage", *corpus.WRITTEN, "m.cfg", "n.param")


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    return corpus.make(tmp_path_factory.mktemp("corpus"))


def damaged(data: bytes, rng: random.Random) -> bytes:
    """A file with one to three faults: bits, numbers, parts that are gone or there twice."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(out) or 1)
        fault = rng.randrange(7)
        if fault == 0 and out:
            out[at] ^= 1 << rng.randrange(8)
        elif fault == 1 and out:
            out[at] = rng.randrange(256)
        elif fault == 2:
            size = rng.choice((1, 2, 4, 8))
            value = rng.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**40, 2**63, rng.randrange(2**64)))
            out[at : at + size] = (value % 256**size).to_bytes(size, "little")
        elif fault == 3:
            del out[at:]
        elif fault == 4:
            del out[at : at + rng.randrange(1, 17)]
        elif fault == 5:
            start = rng.randrange(len(out) or 1)
            out[at:at] = out[start : start + rng.randrange(1, 65)]
        else:
            out[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9)))
    return bytes(out)


def overwrite(path: Path, data: bytes) -> None:
    """Give a file other bytes in place: one that is cut to nothing first waits for the disk."""
    with path.open("r+b") as file:
        file.write(data)
        file.truncate()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_give_arrays_or_bad_file(kinds, name):
    path, target = kinds[name]
    good = target.read_bytes()
    assert files.load(path)
    rng = random.Random(name)
    refused = 0
    tracemalloc.start()
    try:
        with handlers():
            for _ in range(COUNT):
                data = damaged(good, rng)
                overwrite(target, data)
                tracemalloc.reset_peak()
                refused += refuses(path)
                assert tracemalloc.get_traced_memory()[1] < 20 * len(data) + 2**25
    finally:
        tracemalloc.stop()
        overwrite(target, good)
    assert refused > COUNT // 20


def refuses(path: Path) -> bool:
    """Whether a file is refused; else it gives arrays."""
    try:
        with hurried():
            arrays = files.load(path)
    except BadFile as error:
        return len(str(error)) > 0
    assert arrays
    assert all(isinstance(a.array, np.ndarray) for a in arrays.values())
    return False


def test_the_files_are_enough():
    assert COUNT * len(NAMES) >= 5000 or "UNICONV_FUZZ" in os.environ

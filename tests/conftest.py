"""Settings of the whole suite: one thread, and property tests that repeat exactly."""

import gc
import os

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Before any test imports TensorFlow: its oneDNN orders sums otherwise, and aborts on some refusals.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
torch.set_num_threads(1)

# Files of other frameworks, which are read and not imported; what makes golden data imports them.
collect_ignore = ["programs", "golden/make_depths.py"]

settings.register_profile(
    "default",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
# pytest --hypothesis-profile thorough: new examples every time, and many.
settings.register_profile(
    "thorough", settings.get_profile("default"), derandomize=False, max_examples=2000
)
settings.load_profile("default")


@given(st.none())
def any_property(_: None) -> None:
    """Nothing, which holds."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep 16,000 tests out of every later search for garbage, which took a third of the time."""
    any_property()  # Hypothesis asks the collector who holds its random numbers, once
    gc.collect()
    gc.freeze()

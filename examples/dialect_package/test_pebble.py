"""The proof: Pebble itself against its dialect, on a grid of calls made from the spec."""

import pebble

from uniconv.conformance import check_dialect


def test_the_dialect_is_pebble():
    record = check_dialect("pebble.stamp", pebble.stamp, count=200)
    assert record.cases == 200
    assert record.refused >= 10
    assert record.computed == []  # Pebble refuses them, too

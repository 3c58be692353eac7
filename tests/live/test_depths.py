"""Images of every depth by OpenCV and by uniconv: the same integers, dtypes and shapes."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

import uniconv
from tests.image_calls import calls
from uniconv.errors import BadArray

pytestmark = pytest.mark.live


@pytest.mark.parametrize("seed", range(4))
def test_every_depth_border_and_kernel(seed: int) -> None:
    cv2 = pytest.importorskip("cv2")
    count: Counter[str] = Counter()
    for name, arrays, options in calls(250, seed):
        x, depth, *kernels = arrays
        call = f"{name}({x.dtype}{x.shape}, {depth}, {[k.tolist() for k in kernels]}, {options})"
        try:
            theirs = getattr(cv2, name.removeprefix("cv2."))(*arrays, **options)
        except cv2.error:
            theirs = None
        try:
            ours = uniconv.native(name)(*arrays, **options)
        except BadArray as error:
            told = str(error)
            ours = None
        if ours is None:
            # OpenCV computes what Fourier transforms or float images round next to a half.
            assert theirs is None or re.search("so near to a half|are not modelled", told), call
            count["refused" if theirs is None else "uncertain"] += 1
            continue
        assert theirs is not None, f"uniconv computes {call}"
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), call
        if theirs.dtype.kind in "ui":
            np.testing.assert_array_equal(ours, theirs, err_msg=call)
            count["integers"] += 1
        else:
            largest = np.abs(x.astype(float)).max() + abs(options["delta"])
            for k in kernels:
                largest = largest * max(1, np.abs(k).sum())
            # Fourier transforms are in float32, whatever the result is.
            exact = ours.dtype == "float64" and (len(kernels) == 2 or kernels[0].size < 50)
            bound = (1e-13 if exact else 1e-6) * largest
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=bound, err_msg=call)
            count["floats"] += 1
    assert count["integers"] > 70
    assert count["floats"] > 40
    assert count["uncertain"] < 20

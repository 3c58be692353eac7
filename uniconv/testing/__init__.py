"""What a test-suite needs to test across dialects: valid calls, integer probes, assertions.

``assert_same_conv`` checks any callable; ``calls``, ``convs`` and ``arrays`` are hypothesis
strategies; ``grid``, ``random_case`` and ``probe`` make calls without hypothesis.
``uniconv.conformance`` proves a dialect against its framework.

Where uniconv is installed, pytest has the fixture ``uniconv_dialect``, which runs a test once for
every function; the marker ``uniconv_dialects(*names, kind=None)`` and the option
``--uniconv-dialects NAMES`` narrow it.
"""

from uniconv.testing.assertions import assert_close_conv as assert_close_conv
from uniconv.testing.assertions import assert_same_conv as assert_same_conv
from uniconv.testing.assertions import rounding_bound as rounding_bound
from uniconv.testing.cases import Case as Case
from uniconv.testing.cases import grid as grid
from uniconv.testing.cases import probe as probe
from uniconv.testing.cases import random_case as random_case
from uniconv.testing.strategies import arrays as arrays
from uniconv.testing.strategies import calls as calls
from uniconv.testing.strategies import convs as convs

__all__ = [
    "Case",
    "arrays",
    "assert_close_conv",
    "assert_same_conv",
    "calls",
    "convs",
    "grid",
    "probe",
    "random_case",
    "rounding_bound",
]

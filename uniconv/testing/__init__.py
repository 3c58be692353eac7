"""Tests across dialects: valid calls, integer probes, strategies, assertions."""

from uniconv.testing.cases import Case as Case
from uniconv.testing.cases import grid as grid
from uniconv.testing.cases import probe as probe
from uniconv.testing.cases import random_case as random_case

"""uniconv against the running frameworks: ``check_dialect`` proves one function, an oracle each."""

from uniconv.conformance.compare import check_dialect as check_dialect

__all__ = ["check_dialect"]

"""What every reader of a suite says of text that it does not know."""

from __future__ import annotations


class NotRead(Exception):
    """Text that a reader does not know; its message says what."""

"""For tests in which the disk is healthy."""

from __future__ import annotations


def no_trouble(line: str) -> None:
    """The `on_fatal` of a healthy disk."""
    raise AssertionError(f"the database gave up: {line}")

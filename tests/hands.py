"""A clock for tests in which time passes only when somebody says so."""

from __future__ import annotations


class Hands:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> int:
        return int(self.seconds * 1000)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")

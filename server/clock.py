"""The real time, and real chance. Only here; everything else is handed them."""

from __future__ import annotations

import asyncio
import secrets
import time


class SystemClock:
    """`ports.Clock` on this machine's clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> int:
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def new_id() -> str:
    """132 random bits as 22 letters."""
    return secrets.token_urlsafe(17)[:22]

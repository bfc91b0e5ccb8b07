"""Waiting for something that another process does. The only place in the tests where time is let pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(look: Callable[[], object], what: str, seconds: float = 10) -> None:
    """Look again and again until `look()`, or what it lets await, is true.

    Raises:
        AssertionError: naming `what` was waited for, after `seconds`.
    """
    loop = asyncio.get_running_loop()
    give_up = loop.time() + seconds
    while True:
        answer = look()
        if isinstance(answer, Awaitable):
            answer = await answer
        if answer:
            return
        assert loop.time() < give_up, f"waited {seconds} s in vain for {what}"
        await asyncio.sleep(0.01)

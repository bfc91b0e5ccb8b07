"""An event loop in which waiting takes no time.

When nothing is ready, time jumps to the next timer. No thread, no socket, no chance: the same program takes the same
way every time, and an hour of a world is over as soon as everything that happens in it has been computed.
"""

from __future__ import annotations

import asyncio
from asyncio import base_events
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

PROCESS: ContextVar[str] = ContextVar("process", default="")
"""Which simulated process a task belongs to: inherited by every task and callback that it starts."""

START_OF_THE_WORLD = 1_800_000_000_000
"""Milliseconds since 1970 at virtual second 0."""


class Stalled(RuntimeError):
    """Everybody waits for somebody else and no timer is set: in reality, a process that hangs for ever."""


class _NothingToSelect:
    """Stands where a real loop asks the operating system which sockets are ready: here none ever is."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[object]:
        if timeout is None:
            raise Stalled("nothing is ready and no timer is set")
        if timeout > 0:
            self._loop.now += timeout
        return []


class VirtualLoop(base_events.BaseEventLoop):
    """Use it as `with VirtualLoop() as loop: loop.run(story())`. Leaving it ends every task that is left."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._clock_resolution = 1e-9
        self._selector = _NothingToSelect(self)
        self.faults: list[str] = []
        self._tasks: dict[asyncio.Task[Any], str] = {}
        self.set_exception_handler(self._note_fault)
        self.set_task_factory(self._make_task)

    def __enter__(self) -> VirtualLoop:
        return self

    def __exit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            super().run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self.close()

    def time(self) -> float:
        return self.now

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return self.run_until_complete(story)

    def end_tasks_of(self, process: str) -> None:
        """What `kill -9` does to a process: it never runs again. Make its ports dead first: its clean-up does run."""
        for task, owner in list(self._tasks.items()):
            if owner == process:
                task.cancel()

    def _process_events(self, _events: list[object]) -> None:
        """There never are any."""

    def _write_to_self(self) -> None:
        """There is no other thread that would have to wake this one."""

    def _make_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=loop, **options)
        self._tasks[task] = PROCESS.get()
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        return task

    def _note_fault(self, _loop: asyncio.AbstractEventLoop, about: dict[str, Any]) -> None:
        error = about.get("exception")
        self.faults.append(f"{about.get('message')}: {error!r}")


class VirtualClock:
    """The `Clock` port on a virtual loop."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        return self._loop.now

    def wall(self) -> int:
        return START_OF_THE_WORLD + round(self._loop.now * 1000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

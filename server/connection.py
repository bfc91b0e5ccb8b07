"""One connection of a browser, and what waits to be written to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from rooms.wire import Hello
from server.open_room import Seat

OUTBOX_PACKETS: Final = 256
OUTBOX_BYTES: Final = 256 * 1024


class Outbox(asyncio.Queue[Any]):
    """What waits to be written to one connection, with a bound on what it costs.

    Bytes count until they have been handed to the transport, because python-engineio takes everything out at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.overflowed: Callable[[], None] | None = None
        self.bytes = 0
        self._full = False

    def _put(self, item: Any) -> None:
        if self._full:
            return  # The connection is about to be closed; it will come back and be told what it missed.
        super()._put(item)
        if item is None:
            return
        self.bytes += len(item.encode())
        self._full = self.bytes > OUTBOX_BYTES or self.qsize() > OUTBOX_PACKETS
        if self._full and self.overflowed is not None:
            self.overflowed()

    def written(self, size: int) -> None:
        """`size` bytes have been handed on. A probe's answer never was in here."""
        self.bytes = max(0, self.bytes - size)

    def throw_away(self) -> None:
        """Forget what nobody will read."""
        while not self.empty():
            self.get_nowait()
            self.task_done()
        self.bytes = 0
        self._full = False


class Connection:
    """One Engine.IO connection. `id` is what the hub and the log call it; the `sid` is known to its client only."""

    def __init__(self, name: str, ticket: str, seat: Seat, engine: Any) -> None:
        self.id = name
        self.ticket = ticket
        self.seat = seat
        self.engine = engine  # the engineio socket
        self.outbox: Outbox = engine.queue
        self.abort: Callable[[], None] | None = None  # cuts the WebSocket, once there is one
        self.hello: Hello | None = None
        self.attached = False
        self.malformed = 0
        self.closing = False
        self.posting = False
        self.polling = False
        self.upgrading = False
        self.cut: asyncio.TimerHandle | None = None

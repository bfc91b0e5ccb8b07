"""One connection of a browser, and what waits to be written to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

from rooms.wire import Hello
from server.open_room import Seat

OUTBOX_PACKETS: Final = 256
OUTBOX_BYTES: Final = 256 * 1024


class Line(Protocol):
    """The WebSocket under a connection, without the layers between: they make three tasks of each message."""

    heard: Callable[[str], bool] | None
    """Is given each message first; whether it has taken it."""
    newest_of: str
    """With what messages begin of which only the newest is worth anything: of several that come at once it is given."""

    def abort(self) -> None:
        """End it now and free what waits in it, where an orderly close would wait for a peer that does not read."""

    def write(self, text: str) -> bool:
        """Send a message at once; False, and nothing sent, if the peer is behind with reading."""

    def show(self, key: str, frame: bytes) -> None:
        """Send a frame in passing: at once, or, if the peer is behind, the newest one of its `key` once it is not."""


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

    @property
    def idle(self) -> bool:
        """Whether all that was ever put in has been handed to the transport."""
        return not self.bytes and self.empty()

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
        self.line: Line | None = None  # once there is a WebSocket
        self.hello: Hello | None = None
        self.attached = False
        self.malformed = 0
        self.closing = False
        self.posting = False
        self.polling = False
        self.upgrading = False
        self.cut: asyncio.TimerHandle | None = None


def text_frame(text: str) -> bytes:
    """A whole message to a client, as RFC 6455 (5.2) has it: final, text, not masked."""
    data = text.encode()
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2) + data
    return b"\x81\x7f" + size.to_bytes(8) + data

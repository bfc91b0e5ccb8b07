"""A bad network: it stands between browser and server, on an address of its own, and carries bytes as told."""

from __future__ import annotations

import asyncio
import base64
import enum
import hashlib
import re
from types import TracebackType

KEY = re.compile(rb"^sec-websocket-key:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
UPGRADE = re.compile(rb"^upgrade:\s*websocket", re.IGNORECASE | re.MULTILINE)
CURSE = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What RFC 6455, 4.2.2 joins to the key to make the answer to it."""
FRAME = 24
"""A piece of at least so many bytes has a frame with something in it: keep-alive frames are shorter."""


class WebSockets(enum.Enum):
    """What this network does with an upgrade."""

    CARRIED = enum.auto()
    REFUSED = enum.auto()
    HANGING = enum.auto()  # no answer, ever
    SILENT = enum.auto()  # answered 101, then nothing comes through


class Way(enum.Enum):
    UP = "to the server"
    DOWN = "to the browser"


class Proxy:
    """Use as an async context. The attributes may be changed at any time and hold from then on.

    `delay`: seconds, each way. `websocket_lives`: seconds until a WebSocket is cut, None for ever. `breaks`: so many of
    the next WebSocket frames are cut in their middle, each together with its connection.
    """

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.port = 0
        self.delay = 0.0
        self.websockets = WebSockets.CARRIED
        self.websocket_lives: float | None = None
        self.breaks = 0
        self.upgrades = 0
        self.cuts = 0
        self.closed_ways: set[Way] = set()
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._came, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for pair in tuple(self._pairs):
            pair.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self, *ways: Way) -> None:
        """Nothing arrives any more, and nothing says so. Both ways, unless told which."""
        self.closed_ways = set(ways or Way)

    def mend(self) -> None:
        """What waited arrives, late; from now on the network is a good one."""
        self.closed_ways = set()
        self.delay = 0.0
        self.websockets = WebSockets.CARRIED
        self.websocket_lives = None
        self.breaks = 0
        for pair in tuple(self._pairs):
            pair.flush()

    def abort_all(self) -> None:
        """Every connection ends with a reset."""
        for pair in tuple(self._pairs):
            pair.abort()

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        pair = _Pair(self, reader, writer)
        self._pairs.add(pair)
        try:
            await pair.carry()
        except OSError:
            pass  # One side went away: so does the other, below.
        finally:
            pair.abort()
            self._pairs.discard(pair)


class _Pair:
    """One connection of a browser, and ours to the server for it."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.proxy = proxy
        self.reader = reader
        self.lanes = {Way.DOWN: _Lane(self, Way.DOWN, writer)}
        self.is_websocket = False

    async def carry(self) -> None:
        head = await self._head()
        self.is_websocket = UPGRADE.search(head) is not None
        if self.is_websocket:
            self.proxy.upgrades += 1
            if await self._misused(head):
                return
            if self.proxy.websocket_lives is not None:
                asyncio.get_running_loop().call_later(self.proxy.websocket_lives, self._cut)
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self.proxy.server_port)
        self.lanes[Way.UP] = _Lane(self, Way.UP, to_server)
        self.lanes[Way.UP].send(head)
        ways = [
            asyncio.ensure_future(self._pump(self.reader, self.lanes[Way.UP])),
            asyncio.ensure_future(self._pump(from_server, self.lanes[Way.DOWN])),
        ]
        try:
            await asyncio.gather(*ways)
        finally:
            for way in ways:
                way.cancel()

    async def _head(self) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = await self.reader.read(65536)
            if not piece:
                return head
            head += piece
        return head

    async def _misused(self, head: bytes) -> bool:
        """Whether this network has a way of its own with WebSockets; comes back when the browser gives it up."""
        match self.proxy.websockets:
            case WebSockets.CARRIED:
                return False
            case WebSockets.REFUSED:
                self.lanes[Way.DOWN].send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await self.lanes[Way.DOWN].writer.drain()
                return True
            case WebSockets.SILENT:
                self.lanes[Way.DOWN].send(_answer_to_upgrade(head))
            case WebSockets.HANGING:
                pass
        while await self.reader.read(65536):
            pass
        return True

    async def _pump(self, source: asyncio.StreamReader, lane: _Lane) -> None:
        while piece := await source.read(65536):
            if self.is_websocket and self.proxy.breaks and len(piece) >= FRAME and b"HTTP/1.1" not in piece[:9]:
                self.proxy.breaks -= 1
                lane.send(piece[: len(piece) // 2])
                await lane.empty()
                self._cut()
                return
            lane.send(piece)
        await lane.empty()
        # A side that is silent because the network is cut does not see that the other one has gone.
        self.abort()

    def _cut(self) -> None:
        if self in self.proxy._pairs:
            self.proxy.cuts += 1
        self.abort()

    def flush(self) -> None:
        for lane in self.lanes.values():
            lane.flush()

    def abort(self) -> None:
        for lane in self.lanes.values():
            lane.waiting.clear()
            lane.flush()
            lane.writer.transport.abort()


class _Lane:
    """One direction of one connection: bytes leave it in their order, after the delay, while the way is open."""

    def __init__(self, pair: _Pair, way: Way, writer: asyncio.StreamWriter) -> None:
        self.proxy = pair.proxy
        self.way = way
        self.writer = writer
        self.waiting: list[tuple[float, bytes]] = []
        self._emptied = asyncio.Event()
        self._emptied.set()

    def send(self, piece: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.waiting.append((loop.time() + self.proxy.delay, piece))
        self._emptied.clear()
        loop.call_later(self.proxy.delay, self.flush)

    def flush(self) -> None:
        now = asyncio.get_running_loop().time() + 0.001  # A timer may be early by its resolution.
        while self.waiting and self.way not in self.proxy.closed_ways:
            due, piece = self.waiting[0]
            if due > now and self.proxy.delay:
                return
            del self.waiting[0]
            if not self.writer.is_closing():
                self.writer.write(piece)
        if not self.waiting:
            self._emptied.set()

    async def empty(self) -> None:
        """Come back when everything has left."""
        await self._emptied.wait()


def _answer_to_upgrade(head: bytes) -> bytes:
    key = KEY.search(head)
    assert key is not None
    accept = base64.b64encode(hashlib.sha1(key[1] + CURSE, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )

"""uvicorn, set up for us: limits it leaves out, a way to cut a transport, and a goodbye before the end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Final, NamedTuple

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from rooms.limits import FRAME_BYTES
from server.connection import text_frame
from server.guard import HEADER_BYTES, App

HEAD_SECONDS: Final = 15.0
"""How long the head of a request may take to come in."""
KEEP_ALIVE_SECONDS: Final = 10
PIPELINED: Final = 8
"""Requests that may wait behind one another on a connection. Browsers send none."""
MESSAGES_WAITING: Final = 256
"""Socket messages read but not yet looked at. A client has eight commands in flight."""
FRAGMENTS: Final = 64
"""Pieces of one socket message. An empty piece costs memory and no allowance of bytes."""
UNREAD_BYTES: Final = 256 * 1024
"""What may wait in a transport for a peer that asks for answers and does not read them."""
UNREAD_IN_KERNEL: Final = 128 * 1024
"""What the system may hold for a peer that does not read. By itself it holds megabytes, of which nobody here knows; for
a page of ours on a line of 300 ms this is enough."""
GOODBYE_SECONDS: Final = 5


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's, which neither bounds the head of a request nor the time that it takes, nor pipelining."""

    _head_bytes = 0
    _head_open = False
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        super().connection_made(transport)
        self._patience = self.loop.call_later(HEAD_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._hurry_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_open:
            self._head_bytes += len(data)
            if self._head_bytes > HEADER_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_open = True
        self._head_bytes = 0
        if self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def on_headers_complete(self) -> None:
        self._head_open = False
        self._hurry_no_more()
        if len(self.pipeline) >= PIPELINED:
            raise ValueError("too many requests at once")  # The parser answers 400 and closes.
        super().on_headers_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection. A peer that has still not read the last answer by then is given one more while."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(6 * KEEP_ALIVE_SECONDS, self.transport.abort)

    def _hurry_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, which buffers without bound for a peer that sends much or reads nothing; and a `connection.Line`, past
    the layers between.

    An application finds it in `scope["extensions"]["copage.line"]`.
    """

    heard: Callable[[str], bool] | None = None
    newest_of = "\0"
    _begun: bytes = b""
    """The beginning of a frame of which the rest has not come."""
    _in_pieces = False
    """A message in several frames is under way, at the library's."""
    _hands_off = False
    """Something came that the library has to judge: it reads on by itself."""
    _newest: dict[str, bytes]
    """What was shown in passing while the peer was behind, by key."""

    def abort(self) -> None:
        """See `Line.abort`."""
        self.transport.abort()

    def write(self, text: str) -> bool:
        """See `Line.write`."""
        if self.close_sent or self.disconnected or self.transport.is_closing() or not self.writable.is_set():
            return False
        self.transport.write(text_frame(text))
        return True

    def show(self, key: str, frame: bytes) -> None:
        """See `Line.show`."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        if self.writable.is_set():
            self.transport.write(frame)
        else:
            self._newest[key] = frame

    def resume_writing(self) -> None:
        super().resume_writing()
        newest, self._newest = self._newest, {}
        for key, frame in newest.items():
            self.show(key, frame)

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            # The application's task has been made, but has not run yet.
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions["copage.line"] = self
            self._newest = {}

    def data_received(self, data: bytes) -> None:
        """Whole text messages are taken out here: the library's way of reading takes longer than all that comes of a
        pointer. Whatever else there is it gets, in whole frames and in their order."""
        if not self.handshake_initiated or self._hands_off or self.close_sent:
            self._to_library(data)
            return
        data = self._begun + data if self._begun else data
        self._begun = b""
        at, end = 0, len(data)
        newest = ""
        while at < end and not self.transport.is_closing():
            frame = read_frame(data, at)
            if frame is None:
                self._begun = data[at:]
                break
            whole = data[at : frame.end]
            text = text_of(data, frame) if frame.text and not self._in_pieces else None
            at = frame.end
            if text is not None and self.heard is not None and text.startswith(self.newest_of):
                newest = text
                continue
            if newest and self.heard is not None:
                self.heard(newest)
                newest = ""
            if frame.wrong:
                self._hands_off = True
                self._to_library(data[at:])
                return
            if text is None or self.heard is None or not self.heard(text):
                self._in_pieces = frame.more if frame.data else self._in_pieces
                self._to_library(whole)
        if newest and self.heard is not None:
            self.heard(newest)

    def _to_library(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            self.transport.abort()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= FRAGMENTS:
            self.transport.abort()
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        if self.transport.get_write_buffer_size() > UNREAD_BYTES:
            self.transport.abort()
            return
        super().handle_ping()

    def send_receive_event_to_app(self) -> None:
        if self.queue.qsize() >= MESSAGES_WAITING:
            self.transport.abort()
            return
        if self.curr_msg_data_type == "text":
            try:
                text = b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.curr_msg_data_type = "bytes"  # Refused as bytes. uvicorn would log a page for each.
            else:
                if self.heard is not None and self.heard(text):
                    self.frames = []
                    return
        super().send_receive_event_to_app()


class ClientFrame(NamedTuple):
    """The head of a frame from a client, as RFC 6455 (5.2) has it; `begin` and `end` are those of what it carries."""

    begin: int
    end: int
    text: bool
    """A whole message of text."""
    data: bool
    """A message or a piece of one, not control."""
    more: bool
    wrong: bool
    """Not masked, too long, or bits set that mean nothing: the library closes with the right code."""


def read_frame(data: bytes, at: int) -> ClientFrame | None:
    """The frame that begins at `at`; None as long as some of it is missing, which is so for `FRAME_BYTES` at most."""
    here = len(data) - at
    if here < 2:
        return None
    first, second = data[at], data[at + 1]
    size, begin = second & 0x7F, at + 6
    if size >= 126:
        extra = 2 if size == 126 else 8
        if here < 2 + extra:
            return None
        size, begin = int.from_bytes(data[at + 2 : at + 2 + extra]), begin + extra
    wrong = second < 0x80 or bool(first & 0x70) or size > FRAME_BYTES
    control = bool(first & 0x08)
    if wrong or (control and size > 125):
        return ClientFrame(begin, at, False, False, False, True)
    if begin + size > len(data):
        return None
    return ClientFrame(begin, begin + size, first == 0x81, not control, not first & 0x80, False)


def text_of(data: bytes, frame: ClientFrame) -> str | None:
    """What a frame carries; None if it is no text. As one large number, because letter by letter would take many times
    as long."""
    begin, end = frame.begin, frame.end
    size = end - begin
    mask = data[begin - 4 : begin] * (size // 4 + 1)
    try:
        return (int.from_bytes(data[begin:end]) ^ int.from_bytes(mask[:size])).to_bytes(size).decode()
    except UnicodeDecodeError:
        return None


class Server(uvicorn.Server):
    """Says goodbye before it closes anything, and ends without raising the signal that ended it."""

    def __init__(self, config: uvicorn.Config, farewell: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._farewell = farewell

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._farewell()
        except TimeoutError:
            logging.getLogger("uvicorn.error").error("not everybody could be told of the end in time")
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. With port 0 the system chooses one: see `getsockname()`. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=2048)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_IN_KERNEL)
    return listening


def run(work: Coroutine[Any, Any, None]) -> None:
    """Like `asyncio.run`, on the quicker of the two event loops."""
    uvloop.run(work)


async def serve(
    app: App, listening: socket.socket, farewell: Callable[[], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> None:
    """Serve until SIGTERM or SIGINT, then let `farewell` tell people, wait up to 5 s for requests, and return.

    With `tls` itself by https, and otherwise by http, which is for a proxy or for this machine alone.
    """
    collect_seldom()
    await _server(app, farewell, tls).serve(sockets=[listening])


def collect_seldom() -> None:
    """What there is now stays, and what comes later is looked through for cycles less often: rooms are values, in which
    there are none, and looking for them took a tenth of the time of a busy server."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@contextlib.asynccontextmanager
async def serving(
    app: App, listening: socket.socket, farewell: Callable[[], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """A server inside the running loop, for as long as the `async with` lasts. Leaves signals alone."""
    server = _server(app, farewell, tls)
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(sockets=[listening])
    ticking = asyncio.create_task(server.main_loop(), name="serving")
    try:
        yield server
    finally:
        server.should_exit = True
        await ticking
        await server.shutdown(sockets=[listening])


def _server(app: App, farewell: Callable[[], Awaitable[None]], tls: ssl.SSLContext | None) -> Server:
    config = uvicorn.Config(
        app,
        http=HttpProtocol,
        ws=SocketProtocol,
        ws_max_size=FRAME_BYTES,
        ws_ping_interval=None,  # Engine.IO asks for itself.
        ws_per_message_deflate=False,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
        ssl_context_factory=(lambda *_: tls) if tls else None,
    )
    # What it tells an operator holds addresses, and those hold tickets. Our own errors are logged by the guard.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.error").addFilter(_without_faults)
    return Server(config, farewell)


def _without_faults(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Exception in ASGI application")

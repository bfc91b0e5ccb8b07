"""What python-engineio and python-socketio are told to do, and what they are not allowed to do by themselves.

They keep connections, pings, polls and upgrades. They never queue without bound, never log a packet, never let an error
of one packet out, and their rooms, acknowledgements and attachments are not used.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, Protocol

import engineio
import socketio
import structlog
from engineio.payload import Payload
from socketio import packet as socket_packet

from rooms.limits import FRAME_BYTES
from rooms.wire import Submission
from server.connection import Connection, Outbox
from server.guard import Scope, origin_of, places
from server.packet import PACKETS_PER_POST, Json, Malformed, Packet, quick_submission

PING_SECONDS: Final = 2
"""How long after a pong the next ping goes out, and how long its pong may take."""

log = structlog.get_logger("copage.sockets")


class Reception(Protocol):
    """Who is told what happens on a connection. Nothing of it waits."""

    def opened(self, sid: str, scope: Scope, engine: Any) -> None: ...

    def expects(self, sid: str, kind: int, size: int) -> bool:
        """Raises `Malformed`."""

    def greet(self, sid: str, payload: object) -> None:
        """Raises `socketio.exceptions.ConnectionRefusedError`."""

    def greeted(self, sid: str) -> None: ...

    def submitted(self, sid: str, submission: Submission) -> None: ...

    def said(self, sid: str, name: str, payload: object) -> None: ...

    def broke(self, sid: str, broken: Malformed) -> None: ...

    def left(self, sid: str) -> None: ...


class Server(socketio.AsyncServer):  # type: ignore[misc]  # the library carries no types
    """python-socketio for one namespace and a few events. It keeps the connections; `reception` decides."""

    def __init__(self, reception: Reception, public_url: str) -> None:
        self._reception = reception
        Payload.max_decode_packets = PACKETS_PER_POST  # With the library's 16, a burst vanishes behind a 200.
        super().__init__(
            async_mode="asgi",
            async_handlers=False,  # One client's events stay in their order.
            cors_allowed_origins=[origin_of(public_url)],  # An empty list would switch the check off.
            cors_credentials=False,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            max_http_buffer_size=FRAME_BYTES,
            http_compression=False,
            serializer=Packet,
            json=Json,
            logger=_quiet(),
            engineio_logger=_quiet(),
        )
        self.on("connect", self._greet)

    def _engineio_server_class(self) -> type[engineio.AsyncServer]:
        return _Engine

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        self._reception.opened(eio_sid, environ["asgi.scope"], self.eio.sockets[eio_sid])

    async def _handle_eio_message(self, eio_sid: str, data: str) -> None:
        packet = self.read(eio_sid, data)
        if packet is None:
            return
        try:
            if packet.packet_type == socket_packet.CONNECT:
                await self._handle_connect(eio_sid, None, packet.data)
                self._reception.greeted(eio_sid)
            elif packet.packet_type == socket_packet.DISCONNECT:
                await self._handle_disconnect(eio_sid, None)
                self._reception.left(eio_sid)
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            log.error("fault", error=type(error).__name__, at=places(error))

    def read(self, sid: str, data: str) -> Packet | None:
        """One message: an event is passed on, anything else is given back. The only place where a client's packet can
        make anything raise, so nothing leaves it."""
        try:
            submission = quick_submission(data)
            if submission is not None:
                if self._reception.expects(sid, socket_packet.EVENT, len(data)):
                    self._reception.submitted(sid, submission)
                return None
            packet = Packet(encoded_packet=data)
            if not self._reception.expects(sid, packet.packet_type, len(data)):
                return None
            if packet.packet_type != socket_packet.EVENT:
                return packet
            self._reception.said(sid, *packet.data)
        except Malformed as broken:
            self._reception.broke(sid, broken)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # Compiled libraries raise what is no `Exception`.
            log.error("fault", error=type(error).__name__, at=places(error))
        return None

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        await super()._handle_eio_disconnect(eio_sid, reason)
        self._reception.left(eio_sid)

    def _greet(self, _: str, environ: dict[str, Any], payload: object) -> None:
        connection: Connection = environ["asgi.scope"]["copage.connection"]
        self._reception.greet(connection.engine.sid, payload)

    async def close_engine(self, engine: Any) -> None:
        """Make the library forget a connection, without a word to its client."""
        await engine.close(wait=False, abort=True)
        self.eio.sockets.pop(engine.sid, None)
        engine.queue.throw_away()
        engine.queue.put_nowait(None)  # Whoever still waits for something to write goes home.


class _Engine(engineio.AsyncServer):  # type: ignore[misc]  # the library carries no types
    def create_queue(self, *_: object, **__: object) -> Outbox:
        return Outbox()


class _Quiet(logging.Handler):
    """What the libraries log is about single packets and holds their words. Only that a fault happened is kept."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            log.error("fault", error=type(error).__name__, at=places(error))


def _quiet() -> logging.Logger:
    logger = logging.getLogger("copage.libraries")
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    logger.handlers = [_Quiet()]
    return logger

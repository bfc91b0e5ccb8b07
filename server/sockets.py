"""The live endpoint of a ticket, `/s/<ticket>/live/`: what comes in goes to the hub, what the hub says goes out.

The way of a packet: `Sockets.__call__` finds out whose request it is, `_from_socket` or `_from_post` lets only packets
through that are well formed, python-engineio and python-socketio read them, and `said` gives each event to the hub and
returns at once. Out again: `tell` puts one packet into the outbox of each connection, and python-engineio writes it.

Once a WebSocket is greeted there is a shorter way, because most of what a server does for a word that somebody writes
would be tasks and timers: `_heard` takes events off the line, and `tell` writes to it where nothing waits before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import structlog
from engineio import packet as engine_packet
from socketio import packet as socket_packet
from socketio.exceptions import ConnectionRefusedError as Refused
from starlette.requests import cookie_parser

from rooms import Position
from rooms.limits import NUMBER_MAX
from rooms.pointers import Passing, Way
from rooms.wire import (
    GOODBYES,
    IN_PASSING,
    PROTOCOL_VERSION,
    Submission,
    WireError,
    answer,
    goodbye,
    parse_catch_up,
    parse_digests,
    parse_hello,
    parse_passing,
    parse_submission,
    position_of,
)
from server.connection import Connection, text_frame
from server.guard import LIVE, Message, Receive, Scope, Send
from server.library import Server
from server.open_room import Seat
from server.packet import (
    CLOSE,
    EVENT,
    MESSAGE,
    POINT,
    SEPARATOR,
    Json,
    Malformed,
    Rule,
    check_frame,
    check_upgrade,
    quick_point,
    split_post,
)
from server.ports import StoreUnavailable

HELLO_SECONDS: Final = 10.0
"""How long a connection may exist without saying who it is."""
UPGRADE_SECONDS: Final = 4.0
"""How long each step from polling to a socket may take. Polls carry nothing meanwhile."""
GOODBYE_SECONDS: Final = 2.0
"""How long a goodbye may take to be read. Then the connection is cut."""
OUT_SECONDS: Final = 0.4
"""The same for who gets nothing any more: what they have not fetched by then, they do not get at all."""
RULE_OF = {
    "command": Rule.COMMAND,
    "catch_up": Rule.POSITION,
    "digests": Rule.DIGESTS,
    **dict.fromkeys(IN_PASSING, Rule.PASSING),
}
"""What a payload breaks that is none of its event's."""
MALFORMED_ALLOWED: Final = 2
CONNECTIONS_PER_TICKET: Final = 32

OUT: Final = ("left", "removed", "session_ended")
"""Goodbyes to who gets nothing of the session any more."""
TRANSPORTS: Final = ("polling", "websocket")

REFUSALS: Final = {
    # code: HTTP status
    "no_ticket": 403,
    "other_ticket": 403,
    "unknown_sid": 400,
    "bad_request": 400,
    "too_many": 503,
    "busy": 503,
}
"""Why a request for the live endpoint is turned away."""

log = structlog.get_logger("copage.sockets")


class Hub(Protocol):
    """What the sockets need of the hub. All of it returns at once and never raises."""

    def attach(self, connection: str, seat: Seat, window: str, position: Position | None, way: Way) -> None: ...

    def show(self, connection: str, what: Passing) -> None: ...

    def submit(self, connection: str, submission: Submission) -> None: ...

    def catch_up(self, connection: str, position: Position) -> None: ...

    def compare(self, connection: str, position: Position, digests: Mapping[str, int]) -> None: ...

    def detach(self, connection: str) -> None: ...


class Held(Protocol):
    """A ticket that somebody holds: who they are, and where."""

    @property
    def room(self) -> str: ...

    @property
    def participant(self) -> str: ...


class Tickets(Protocol):
    async def check(self, ticket: str, cookies: Mapping[str, str]) -> Held | None:
        """The ticket, if these cookies prove that this browser holds it and it has not ended.

        Raises:
            StoreUnavailable: nobody can say just now.
        """


class Sockets:
    """ASGI application for the live endpoint, and the hub's `Audience`.

    Call `use(hub)` before the first request (the hub is made with its audience, so it comes second), and `stop` at the
    end. `guard.Guard` must stand in front: it is what checks Host and Origin.
    """

    def __init__(self, tickets: Tickets, public_url: str, sentence: Callable[[str], str]) -> None:
        """`sentence` gives the sentence for a person to a code of `REFUSALS`."""
        self._tickets = tickets
        self._sentence = sentence
        self._hub: Hub | None = None
        self._by_id: dict[str, Connection] = {}
        self._by_sid: dict[str, Connection] = {}
        self._made = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._nobody = asyncio.Event()
        self._nobody.set()
        self.broken = dict.fromkeys(Rule, 0)
        """How often each rule has been broken since the start."""
        self._server = Server(self, public_url)

    def use(self, hub: Hub) -> None:
        self._hub = hub

    @property
    def hub(self) -> Hub:
        assert self._hub is not None, "call use() first"
        return self._hub

    # --- requests ---

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = await self._arrival(scope)
        if refusal is not None:
            await _refuse(scope, send, refusal, self._sentence(refusal))
            return
        connection: Connection | None = scope["copage.connection"]
        try:
            if scope["type"] == "websocket":
                await self._socket(scope, receive, send)
            elif scope["method"] == "POST":
                assert connection is not None
                await self._post(connection, scope, receive, send)
            else:
                await self._poll(connection, scope, send)
        except OSError:
            pass  # The peer went away while it was being written to.
        finally:
            connection = scope["copage.connection"]
            if connection is not None and (connection.engine.closed or scope["type"] == "websocket"):
                self._forget(connection)

    async def _arrival(self, scope: Scope) -> str | None:
        """Find out whose request this is, before the library sees it. Gives the code of a refusal, or None.

        A `sid` alone opens nothing: it belongs to the ticket it was made for, and the cookies must prove that one.
        """
        place = LIVE.fullmatch(scope["path"])
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = dict(pairs)
        if place is None or len(query) != len(pairs) or "j" in query or query.get("transport") not in TRANSPORTS:
            return "bad_request"
        socket = scope["type"] == "websocket"
        if socket != (query["transport"] == "websocket") or (not socket and scope["method"] not in ("GET", "POST")):
            return "bad_request"
        ticket = place["ticket"]
        try:
            held = await self._tickets.check(ticket, _cookies(scope))
        except StoreUnavailable:
            return "busy"
        if held is None:
            return "no_ticket"
        scope["copage.connection"] = None
        scope["copage.seat"] = Seat(held.room, held.participant, ticket)
        if socket:
            scope["copage.line"] = scope["extensions"]["copage.line"]
        sid = query.get("sid")
        if sid is None:
            if query.get("EIO") != "4" or scope.get("method") == "POST":
                return "bad_request"
            mine = sum(1 for each in self._by_id.values() if each.ticket == ticket)
            return "too_many" if self._stopped or mine >= CONNECTIONS_PER_TICKET else None
        connection = self._by_sid.get(sid)
        if connection is None or connection.engine.closed:
            return "unknown_sid"
        if connection.ticket != ticket:
            log.warning("other_ticket", connection=connection.id)
            return "other_ticket"
        if connection.engine.upgraded or (socket and connection.upgrading):
            return "bad_request"
        scope["copage.connection"] = connection
        return None

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        existing: Connection | None = scope["copage.connection"]
        if existing is None:
            await self._server.handle_request(scope, self._from_socket(scope, receive), self._counted(scope, send))
            return
        existing.upgrading = True
        try:
            await self._server.handle_request(scope, self._from_upgrade(scope, receive), self._counted(scope, send))
        finally:
            # A probe that came to nothing would otherwise keep the polls empty for ever.
            existing.upgrading = existing.engine.upgrading = False
            if not existing.engine.upgraded:
                scope["copage.connection"] = None

    def _from_socket(self, scope: Scope, receive: Receive) -> Receive:
        """A `receive` that lets only well-formed packets through."""

        async def checked() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive":
                    return message
                connection: Connection = scope["copage.connection"]
                if connection.closing:
                    return {"type": "websocket.disconnect", "code": 1000}
                frame = message.get("text")
                try:
                    text = check_frame(message["bytes"] if frame is None else frame, asked=_asked(connection))
                    return {"type": "websocket.receive", "text": text}
                except Malformed as broken:
                    self._count(connection, broken)

        return checked

    def _from_upgrade(self, scope: Scope, receive: Receive) -> Receive:
        """The same for a socket that takes over from polling: first come the probe and the upgrade, without delay."""
        checked = self._from_socket(scope, receive)
        step = 0

        async def stepping() -> Message:
            nonlocal step
            if step > 2:
                return await checked()
            connection: Connection = scope["copage.connection"]
            try:
                async with asyncio.timeout(UPGRADE_SECONDS):
                    message = await receive()
            except TimeoutError:
                return {"type": "websocket.disconnect", "code": 1000}
            step += 1
            if message["type"] != "websocket.receive":
                return message
            frame = message.get("text")
            try:
                text = check_upgrade(message["bytes"] if frame is None else frame, step - 2)
            except Malformed as broken:
                self._count(connection, broken)
                return {"type": "websocket.disconnect", "code": 1000}
            if step == 3:
                connection.line = scope["copage.line"]
                self._listen(connection)
            return {"type": "websocket.receive", "text": text}

        return stepping

    def _counted(self, scope: Scope, send: Send) -> Send:
        """A `send` that takes off the outbox's account what the transport has been given."""

        async def counted(message: Message) -> None:
            await send(message)
            connection: Connection | None = scope["copage.connection"]
            if connection is not None:
                connection.outbox.written(len(message.get("text") or message.get("body") or b""))

        return counted

    async def _poll(self, connection: Connection | None, scope: Scope, send: Send) -> None:
        if connection is None:
            await self._server.handle_request(scope, _replay(b""), self._counted(scope, send))
            return
        if connection.polling:
            self._count(connection, Malformed(Rule.OVERLAP, 0))
            await _refuse(scope, send, "bad_request", self._sentence("bad_request"))
            return
        connection.polling = True
        try:
            await self._server.handle_request(scope, _replay(b""), self._counted(scope, send))
        finally:
            connection.polling = False
        if connection.closing:
            self._end(connection)

    async def _post(self, connection: Connection, scope: Scope, receive: Receive, send: Send) -> None:
        if connection.posting:
            self._count(connection, Malformed(Rule.OVERLAP, 0))
            await _refuse(scope, send, "bad_request", self._sentence("bad_request"))
            return
        connection.posting = True
        try:
            packets = self._from_post(connection, await _whole_body(receive))
            if connection.closing or connection.engine.closed:
                await _refuse(scope, send, "bad_request", self._sentence("bad_request"))
                return
            body = SEPARATOR.join(packets).encode()
            length = (b"content-length", str(len(body)).encode())
            headers = [each for each in scope["headers"] if each[0] not in (b"content-length", b"transfer-encoding")]
            await self._server.handle_request({**scope, "headers": [*headers, length]}, _replay(body), send)
        finally:
            connection.posting = False

    def _from_post(self, connection: Connection, body: bytes) -> list[str]:
        """The well-formed packets of a post."""
        good: list[str] = []
        try:
            parts = split_post(body)
        except Malformed as broken:
            self._count(connection, broken)
            return good
        asked = _asked(connection)
        for part in parts:
            try:
                good.append(check_frame(part, asked=asked))
            except Malformed as broken:
                self._count(connection, broken)
            if connection.closing or part == CLOSE:
                break
            asked = asked and part != "3"
        return good

    # --- what the library tells us ---

    def opened(self, sid: str, scope: Scope, engine: Any) -> None:
        """An Engine.IO connection exists. Nobody has said hello on it yet."""
        self._made += 1
        seat: Seat = scope["copage.seat"]
        connection = Connection(f"c{self._made}", seat.ticket, seat, engine)
        connection.line = scope.get("copage.line")
        connection.outbox.overflowed = lambda: self._later(self._too_slow, connection)
        scope["copage.connection"] = self._by_id[connection.id] = self._by_sid[sid] = connection
        self._nobody.clear()
        connection.cut = asyncio.get_running_loop().call_later(HELLO_SECONDS, self._close_with, connection, "")

    def greet(self, sid: str, payload: object) -> None:
        """The connect payload.

        Raises:
            Refused: with the code and whether to come back, as the client gets it in `connect_error`.
        """
        connection = self._by_sid[sid]
        try:
            hello = parse_hello(payload)
        except WireError:
            self._count(connection, Malformed(Rule.HELLO, _size_of(payload)))
            raise _refused("malformed") from None
        if hello.version != PROTOCOL_VERSION:
            raise _refused("other_version")
        connection.hello = hello

    def greeted(self, sid: str) -> None:
        """The answer to the connect is in the outbox: now the hub may speak, and nothing of it can overtake."""
        connection = self._by_sid.get(sid)
        if connection is None or connection.closing:
            return
        hello = connection.hello
        if hello is None:
            self._close_with(connection, "")
            return
        self._hurry_no_more(connection)
        connection.attached = True
        position = None if hello.position is None else position_of(hello.position)
        self.hub.attach(connection.id, connection.seat, hello.window, position, hello.mine)
        self._listen(connection)

    def _listen(self, connection: Connection) -> None:
        """From now on events are taken off the line at once, all of them: so none can overtake another."""
        if connection.attached and connection.line is not None:
            connection.line.newest_of = POINT
            connection.line.heard = partial(self._heard, connection)

    def _heard(self, connection: Connection, frame: str) -> bool:
        """A message off the line. What is no event is left to the library."""
        if not frame.startswith(EVENT) or not connection.attached or connection.closing:
            return False
        point = quick_point(frame)
        if point is not None:
            self.hub.show(connection.id, point)
            return True
        try:
            check_frame(frame, asked=False)
            self._server.read(connection.engine.sid, frame[1:])
        except Malformed as broken:
            self._count(connection, broken)
        return True

    def expects(self, sid: str, kind: int, size: int) -> bool:
        """Whether a packet is still wanted. First comes the connect, once; then everything else. Raises `Malformed`."""
        connection = self._by_sid.get(sid)
        if connection is None or connection.closing:
            return False
        if kind == socket_packet.CONNECT:
            if connection.hello is not None:
                raise Malformed(Rule.CONNECTED_TWICE, size)
        elif not connection.attached:
            raise Malformed(Rule.TOO_EARLY, size)
        return True

    def submitted(self, sid: str, submission: Submission) -> None:
        """A command of a client, read already."""
        self.hub.submit(self._by_sid[sid].id, submission)

    def said(self, sid: str, name: str, payload: object) -> None:
        """An event of a client."""
        connection = self._by_sid[sid]
        try:
            if name == "catch_up":
                self.hub.catch_up(connection.id, parse_catch_up(payload))
            elif name == "digests":
                self.hub.compare(connection.id, *parse_digests(payload))
            elif name in IN_PASSING:
                self.hub.show(connection.id, parse_passing(name, payload))
            else:
                self.hub.submit(connection.id, parse_submission(payload))
        except WireError:
            self._answer_malformed(connection, payload)
            self._count(connection, Malformed(RULE_OF[name], _size_of(payload)))

    def broke(self, sid: str, broken: Malformed) -> None:
        connection = self._by_sid.get(sid)
        if connection is not None:
            self._count(connection, broken)

    def left(self, sid: str) -> None:
        """The library has given the connection up, or the client has. What still hangs in a transport is cut."""
        connection = self._by_sid.get(sid)
        if connection is not None:
            connection.closing = True
            self._leave(connection)
            self._cut_later(connection)

    # --- Audience ---

    def tell(self, connections: Iterable[str], packet: str) -> None:
        """Send one packet to many. See `ports.Audience`."""
        text = MESSAGE + packet
        for each in connections:
            connection = self._by_id.get(each)
            if connection is None or connection.closing:
                continue
            line = connection.line if connection.engine.upgraded and connection.outbox.idle else None
            if line is None or not line.write(text):
                connection.outbox.put_nowait(engine_packet.Packet(engine_packet.MESSAGE, data=packet))

    def show(self, connections: Iterable[str], key: str, packet: str) -> None:
        """Send one packet in passing to those who are ready for it. See `ports.Audience`."""
        frame = text_frame(MESSAGE + packet)
        for each in connections:
            connection = self._by_id.get(each)
            if connection is None or connection.closing:
                continue
            if connection.line is not None and connection.engine.upgraded:
                connection.line.show(key, frame)
            elif connection.outbox.idle:  # By long-polling it is told when it comes to ask, of the first at least.
                connection.outbox.put_nowait(engine_packet.Packet(engine_packet.MESSAGE, data=packet))

    def close(self, connection: str, code: str) -> None:
        """Say goodbye, then close. See `ports.Audience`."""
        known = self._by_id.get(connection)
        if known is not None:
            self._close_with(known, code)

    async def stop(self) -> None:
        """Tell everybody that the server is going away, and wait until they have been told or cut off (2 s at most).

        Nobody is let in any more. Calling it again is harmless.
        """
        if self._stopped:
            return
        self._stopped = True
        for connection in list(self._by_id.values()):
            self._close_with(connection, "shutting_down")
        await self._nobody.wait()
        await self._server.shutdown()

    # --- ends ---

    def _count(self, connection: Connection, broken: Malformed) -> None:
        """One line a packet, of ids, kinds and sizes. The third closes; what comes after it is not even counted."""
        if connection.closing:
            return
        self.broken[broken.rule] += 1
        connection.malformed += 1
        log.warning("malformed", connection=connection.id, rule=broken.rule.name, size=broken.size)
        if connection.malformed > MALFORMED_ALLOWED:
            self._close_with(connection, "malformed")

    def _answer_malformed(self, connection: Connection, payload: object) -> None:
        """Whatever carries a number is answered, or an honest client of another make would send it again for ever."""
        number = payload.get("number") if isinstance(payload, dict) else None
        if connection.hello is not None and type(number) is int and 1 <= number <= NUMBER_MAX:
            self.tell([connection.id], answer(connection.hello.window, number, "refused", "malformed"))

    def _too_slow(self, connection: Connection) -> None:
        """It does not read. A goodbye would wait behind what it does not read, unless it polls."""
        if connection.closing:
            return
        log.info("too_slow", connection=connection.id)
        connection.outbox.throw_away()
        self._close_with(connection, "too_slow")
        if connection.line is not None:
            self._end(connection)

    def _close_with(self, connection: Connection, code: str) -> None:
        if connection.closing:
            return
        if code:
            assert code in dict(GOODBYES)
            self.tell([connection.id], goodbye(code))
        connection.closing = True
        connection.outbox.put_nowait(engine_packet.Packet(engine_packet.CLOSE))
        connection.outbox.put_nowait(None)  # ends the library's writer
        self._leave(connection)
        self._cut_later(connection, OUT_SECONDS if code in OUT else GOODBYE_SECONDS)

    def _leave(self, connection: Connection) -> None:
        if connection.attached:
            connection.attached = False
            self.hub.detach(connection.id)

    def _cut_later(self, connection: Connection, seconds: float = GOODBYE_SECONDS) -> None:
        self._hurry_no_more(connection)
        connection.cut = asyncio.get_running_loop().call_later(seconds, self._end, connection)

    def _hurry_no_more(self, connection: Connection) -> None:
        if connection.cut is not None:
            connection.cut.cancel()
            connection.cut = None

    def _end(self, connection: Connection) -> None:
        """Cut what is left of it, now."""
        if connection.line is not None:
            connection.line.abort()
        self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        """Let go of everything that is held for it. Twice is harmless."""
        self._hurry_no_more(connection)
        self._leave(connection)
        connection.closing = True
        connection.outbox.overflowed = None
        self._by_id.pop(connection.id, None)
        if not self._by_id:
            self._nobody.set()
        if self._by_sid.pop(connection.engine.sid, None) is not None:
            self._spawn(self._server.close_engine(connection.engine))

    def _later(self, what: Callable[[Connection], None], connection: Connection) -> None:
        asyncio.get_running_loop().call_soon(what, connection)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _refused(code: str) -> Refused:
    return Refused(code, {"code": code, "retry": dict(GOODBYES)[code]})


def _size_of(payload: object) -> int:
    """How many letters it was, nearly: blanks are not counted."""
    return len(Json.dumps(payload))


def _asked(connection: Connection) -> bool:
    """Whether a ping is waiting for its pong."""
    return connection.engine.last_ping is not None


def _cookies(scope: Scope) -> dict[str, str]:
    header = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    return cookie_parser(header.decode("latin-1"))


async def _whole_body(receive: Receive) -> bytes:
    """The body of a request. The guard bounds its size and the time it takes."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionResetError("the body never came")
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _refuse(scope: Scope, send: Send, code: str, sentence: str) -> None:
    body = f"{sentence}\n[{code}]\n".encode()
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{kind}.start", "status": REFUSALS[code], "headers": headers})
    await send({"type": f"{kind}.body", "body": body})

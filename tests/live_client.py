"""A client of the live endpoint written for tests: Engine.IO and Socket.IO by hand, over a WebSocket or by polling.

It speaks the protocol as `docs/protocol.md` has it and knows nothing of the server's code.
What only broken or hostile clients send goes through `send_raw`.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Literal, TypeAlias

import httpx2
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from rooms.wire import PROTOCOL_VERSION

Way: TypeAlias = Literal["websocket", "polling"]
SEPARATOR = "\x1e"
PATIENCE = 10.0
HERE = {"along": True, "away": False}
"""How a window is here."""


class Closed(Exception):
    """The connection has ended; `status` is the HTTP status where there was one."""

    def __init__(self, status: int = 0) -> None:
        super().__init__(f"closed ({status})")
        self.status = status


class LiveClient:
    """One connection of one window.

    Args:
        url: scheme, host and port of the server.
        ticket: the id in `/s/<ticket>`.
        cookies: both cookies of the ticket.
        reach: where to connect instead, as `(host, port)`: a proxy of `tests/proxy.py`.
        window: the id of the window; a reconnecting window keeps it.
        trust: the only certificate that is good enough, where `url` is https.
    """

    def __init__(
        self,
        url: str,
        ticket: str,
        cookies: Mapping[str, str],
        *,
        way: Way = "websocket",
        reach: tuple[str, int] | None = None,
        window: str | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url
        self.ticket = ticket
        self.cookies = dict(cookies)
        self.way = way
        self.reach = reach
        self.trust = trust
        self.window = window or secrets.token_urlsafe(16)
        self.number = 0
        self.sid = ""
        self.messages: list[tuple[str, Any]] = []
        """Everything that came, oldest first: name and payload."""
        self.refused: dict[str, Any] | None = None
        """What the connect was refused with, if it was."""
        self.answers_pings = True
        self._heard = asyncio.Event()
        self._closed: Closed | None = None
        self._socket: ClientConnection | None = None
        self._http: httpx2.AsyncClient | None = None
        self._reading: asyncio.Task[None] | None = None
        self._posting = asyncio.Lock()
        """One post after the other: two at once are refused."""

    async def __aenter__(self) -> LiveClient:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # --- opening ---

    async def open(self) -> None:
        """Open the Engine.IO connection. Raises `Closed` with the status of a refusal."""
        if self.way == "websocket":
            self._socket = await self.open_socket()
            opening = await asyncio.wait_for(self._socket.recv(decode=True), PATIENCE)
        else:
            self._http = self.new_http()
            opening = await self._get("")
        assert opening[0] == "0", opening
        first, *others = opening.split(SEPARATOR)
        self.sid = msgspec.json.decode(first[1:])["sid"]
        for packet in others:
            await self._take(packet)
        self._reading = asyncio.create_task(self._read())

    async def open_socket(self, sid: str = "") -> ClientConnection:
        """A WebSocket to the endpoint, for `sid` an upgrade of it. Raises `Closed`."""
        from websockets.exceptions import InvalidStatus

        reach: dict[str, Any] = dict(zip(("host", "port"), self.reach, strict=True)) if self.reach else {}
        try:
            return await connect(
                self.address("websocket", sid).replace("http", "ws", 1),
                origin=Origin(self.url),
                additional_headers={"Cookie": self.cookie_header()},
                compression=None,
                proxy=None,
                ping_interval=None,
                close_timeout=1,
                max_size=None,
                ssl=self.trust,
                **reach,
            )
        except InvalidStatus as refusal:
            raise Closed(refusal.response.status_code) from None

    def new_http(self) -> httpx2.AsyncClient:
        """A client with the headers of our own page."""
        headers = {"Origin": self.url, "Cookie": self.cookie_header()}
        if self.reach:
            headers["Host"] = self.url.removeprefix("http://")
        return httpx2.AsyncClient(headers=headers, timeout=PATIENCE, trust_env=False, verify=self.trust or True)

    def address(self, way: Way, sid: str = "") -> str:
        base = f"http://{self.reach[0]}:{self.reach[1]}" if self.reach and way == "polling" else self.url
        return f"{base}/s/{self.ticket}/live/?EIO=4&transport={way}" + (f"&sid={sid}" if sid else "")

    def cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    async def hello(self, position: object = None, version: int = PROTOCOL_VERSION) -> Any:
        """Connect the window; gives the payload of `welcome`. Raises `Closed` when refused: see `refused`."""
        await self.send_raw(
            "40" + _json({"version": version, "window": self.window, "position": position, "mine": HERE})
        )
        return await self.wait_for("welcome")

    async def upgrade(self) -> None:
        """Take a polling connection over to a WebSocket, as Engine.IO does."""
        socket = await self.open_socket(self.sid)
        await socket.send("2probe")
        assert await asyncio.wait_for(socket.recv(), PATIENCE) == "3probe"
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=0.5)  # The poll is ended with a NOOP.
            self._reading.cancel()
        await socket.send("5")
        self._socket, self.way = socket, "websocket"
        self._reading = asyncio.create_task(self._read())

    # --- talking ---

    async def command(self, kind: str, number: int | None = None, **fields: object) -> int:
        """Send one command; gives its number. Raises `Closed`."""
        if number is None:
            self.number += 1
            number = self.number
        await self.send_raw(self.command_packet(kind, number, **fields))
        return number

    def command_packet(self, kind: str, number: int, **fields: object) -> str:
        return "42" + _json(["command", {"number": number, "command": {"type": kind, **fields}}])

    async def catch_up(self, position: object) -> None:
        await self.send_raw("42" + _json(["catch_up", {"position": position}]))

    async def send_raw(self, *packets: str | bytes) -> None:
        """Send Engine.IO packets as they are; over polling all in one post. Raises `Closed`."""
        if self._socket is not None and self.way == "websocket":
            try:
                for packet in packets:
                    await self._socket.send(packet)
            except ConnectionClosed:
                raise Closed from None
            return
        assert self._http is not None
        body = SEPARATOR.encode().join(each.encode() if isinstance(each, str) else each for each in packets)
        try:
            async with self._posting:
                response = await self._http.post(self.address("polling", self.sid), content=body)
        except httpx2.TransportError:
            raise Closed from None
        if response.status_code != 200:
            raise Closed(response.status_code)

    async def wait_for(
        self, name: str, found: Callable[[Any], bool] = lambda _: True, seconds: float = PATIENCE
    ) -> Any:
        """The payload of the first message `name` that came, or comes, for which `found`. Raises `Closed`."""
        async with asyncio.timeout(seconds):
            while True:
                for each, payload in self.messages:
                    if each == name and found(payload):
                        return payload
                if self._closed is not None:
                    raise self._closed
                self._heard.clear()
                await self._heard.wait()

    async def answered(self, number: int, seconds: float = PATIENCE) -> Any:
        """The event frame or the answer that command `number` of this window has got. Raises `Closed`."""
        async with asyncio.timeout(seconds):
            while True:
                for answer in self.frames() + [payload for name, payload in self.messages if name == "answer"]:
                    if (answer.get("window"), answer.get("number")) == (self.window, number):
                        return answer
                if self._closed is not None:
                    raise self._closed
                self._heard.clear()
                await self._heard.wait()

    def frames(self) -> list[dict[str, Any]]:
        """All event frames that have come, in the order of their coming."""
        return [
            frame for name, payload in self.messages if name in ("welcome", "events") for frame in payload["events"]
        ]

    async def until_closed(self, seconds: float = PATIENCE) -> Closed:
        """Wait until the server has ended this connection."""
        async with asyncio.timeout(seconds):
            while self._closed is None:
                self._heard.clear()
                await self._heard.wait()
        return self._closed

    async def close(self) -> None:
        """End everything on this side."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})
        if self._socket is not None:
            await self._socket.close()
        if self._http is not None:
            await self._http.aclose()

    # --- listening ---

    async def _read(self) -> None:
        try:
            while self._closed is None:
                if self._socket is not None and self.way == "websocket":
                    await self._take(str(await self._socket.recv()))
                else:
                    for packet in (await self._get(self.sid)).split(SEPARATOR):
                        await self._take(packet)
        except ConnectionClosed:
            self._end(Closed())
        except Closed as closed:
            self._end(closed)

    async def _get(self, sid: str) -> str:
        assert self._http is not None
        try:
            response = await self._http.get(self.address("polling", sid))
        except httpx2.TransportError:
            raise Closed from None
        if response.status_code != 200:
            raise Closed(response.status_code)
        return str(response.text)

    async def _take(self, packet: str) -> None:
        if packet == "2":
            if self.answers_pings:
                await self.send_raw("3")
        elif packet == "1":
            self._end(Closed())
        elif packet.startswith("42"):
            name, payload = msgspec.json.decode(packet[2:])
            self.messages.append((name, payload))
            self._heard.set()
        elif packet.startswith("44"):
            self.refused = msgspec.json.decode(packet[2:])["data"]
            self._end(Closed())

    def _end(self, closed: Closed) -> None:
        if self._closed is None:
            self._closed = closed
        self._heard.set()


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()

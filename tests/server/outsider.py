"""Somebody who is put out of a session, with everything they have open, and somebody who stays and turns pages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

import httpx2

from tests.house import House
from tests.live_client import Closed, LiveClient, Way
from tests.visitor import Held, Visitor

CONTENT = ("welcome", "events", "whole", "presence")
"""Messages that tell something of a session."""
WAYS: tuple[Way, ...] = ("websocket", "polling")


def is_content(page: str) -> bool:
    """Whether a page shows anything of a session, or is its waiting page."""
    return 'id="boot"' in page or "<article" in page


async def sends_slowly(
    house: House, address: str, cookie: str, form: str, meanwhile: Callable[[], Awaitable[httpx2.Response]]
) -> str:
    """Send a form of which the last letters come only after something else was asked for and answered; gives the whole
    answer."""
    head = (
        f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1:{house.port}\r\nOrigin: {house.url}\r\nCookie: {cookie}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write((head + form[:3]).encode())
    await writer.drain()
    async with Visitor(house) as other:
        await other.looks_at("/health/live")  # By now the form has begun to come in.
    await meanwhile()
    writer.write(form[3:].encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()


class Window(LiveClient):
    """A window that notes when it heard something of the session for the last time, and when it was closed."""

    def __init__(self, held: Held, way: Way = "websocket") -> None:
        super().__init__(held.house.url, held.ticket, held.cookies, way=way)
        self.content_at = 0.0
        self.closed_at = 0.0

    async def turns_pages(self, pages: Sequence[str]) -> None:
        """As fast as it is answered, until it is closed."""
        with suppress(Closed):
            while True:
                number = await self.command("turn_page", page=pages[self.number % len(pages)])
                await self.answered(number)

    async def stops_polling(self) -> None:
        assert self._reading is not None
        self._reading.cancel()
        await asyncio.wait({self._reading})

    async def what_is_left(self) -> str:
        """What one more poll brings of the session."""
        try:
            packets = await self._get(self.sid)
        except Closed:
            return ""
        return packets if any(f'["{name}"' in packets for name in CONTENT) else ""

    async def _take(self, packet: str) -> None:
        now, before = time.monotonic(), len(self.messages)
        await super()._take(packet)
        if any(name in CONTENT for name, _ in self.messages[before:]):
            self.content_at = now

    def _end(self, closed: Closed) -> None:
        self.closed_at = self.closed_at or time.monotonic()
        super()._end(closed)


class Person:
    """A device with windows, in a session or at the door. Use as an async context.

    Args:
        pages: which it turns, by a window and by form.
        ways: how each of its windows is connected; none while it waits.
        desk: the browser of staff in which it is signed in, if that is to be looked at too.
        reads: what it asks for again and again, after its own address.
    """

    def __init__(
        self,
        held: Held,
        pages: Sequence[str],
        *,
        ways: Sequence[Way] = ("websocket", "websocket", "polling"),
        desk: Visitor | None = None,
        reads: Sequence[str] = (),
    ) -> None:
        self.held = held
        self.pages = pages
        self.windows = [Window(held, way) for way in ways]
        self.you = ""
        self.read_at = 0.0
        """When an answer to a request showed something for the last time."""
        self.signed_in_at = 0.0
        """When the sign-in was asked for something for the last time that it opened."""
        self._desk = desk
        self._reads = ["", *reads]
        self._http = httpx2.AsyncClient(
            base_url=held.address, headers={"Origin": held.house.url, "Cookie": held.cookie_header}, trust_env=False
        )
        self._busy: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Person:
        for window in self.windows:
            await window.open()
            self.you = (await window.hello())["whole"]["you"]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        for window in self.windows:
            await window.close()
        await self._http.aclose()

    def turns_pages(self) -> None:
        """From now on, by a window."""
        self._busy.append(asyncio.create_task(self.windows[0].turns_pages(self.pages)))

    def uses_everything(self) -> None:
        """From now on: turns pages by a window and by form, and asks for pages, without end."""
        if self.windows:
            self.turns_pages()
            self._busy.append(asyncio.create_task(self._sends_forms()))
        self._busy.append(asyncio.create_task(self._asks()))
        if self._desk is not None:
            self._busy.append(asyncio.create_task(self._uses_the_sign_in(self._desk)))

    @property
    def content_at(self) -> float:
        """When something of the session reached this device for the last time, in whatever way."""
        return max([self.read_at, *(window.content_at for window in self.windows)])

    def frames(self) -> list[dict[str, Any]]:
        """The events that the first window was told."""
        return self.windows[0].frames()

    async def what_opens(self) -> list[str]:
        """By which addresses anything of the session can still be had: asked for all of them anew."""
        found = [address for address in ("", *self._reads, "/page/home", "/topic/home") if await self._shows(address)]
        for form in ("turn", "end", "remove"):
            answer = await self._http.post(f"/{form}", data={"page": self.pages[0], "person": self.you})
            found += [form] * is_content(answer.text)
        return found + [way for way in WAYS if await self._is_welcome(way)]

    async def _sends_forms(self) -> None:
        while True:
            for page in self.pages:
                self._look_at(await self._http.post("/turn", data={"page": page}))

    async def _asks(self) -> None:
        while True:
            for address in self._reads:
                await self._shows(address)

    async def _uses_the_sign_in(self, desk: Visitor) -> None:
        while True:
            asked = time.monotonic()
            if (await desk.looks_at("/account")).status_code == 200:
                self.signed_in_at, self.read_at = asked, time.monotonic()

    async def _shows(self, address: str) -> bool:
        return self._look_at(await self._http.get(address))

    def _look_at(self, answer: httpx2.Response) -> bool:
        if is_content(answer.text):
            self.read_at = time.monotonic()
            return True
        return False

    async def _is_welcome(self, way: Way) -> bool:
        window = Window(self.held, way)
        try:
            await window.open()
            await window.hello()
        except Closed:
            pass
        finally:
            await window.close()
        return window.content_at > 0
